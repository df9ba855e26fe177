/*
 * Makes one backup: a consistent copy of a store in one file, complete under its name or not there.
 *
 *   NAME.tmp: copy -> seal -> fsync -> rename to NAME (which must not exist) -> fsync of the directory
 *
 * The one who makes it blocks for the disk, for as long as reading and writing the whole store takes.
 */
#ifndef RC_PERSISTER_BACKUP_FILE_H
#define RC_PERSISTER_BACKUP_FILE_H

#include "broker/persister/store.h"

#include <pthread.h>

#define RC_BACKUP_PATH 1024
#define RC_BACKUP_WHY  ((size_t)2 * RC_BACKUP_PATH)

struct rc_backup_file {
    struct rc_store *store;
    char path[RC_BACKUP_PATH];
    pthread_mutex_t lock; /* of what follows: cancelling and looking come from another thread */
    int fd;               /* of NAME.tmp, -1: not open */
    bool cancelled;
};

/* False: the path is too long. */
bool rc_backup_file_init(struct rc_backup_file *file, struct rc_store *store, const char *path);
/* *bytes: of the file that it made. False with a sentence in why; what was begun is removed. */
bool rc_backup_file_make(struct rc_backup_file *file, uint64_t *bytes, char why[RC_BACKUP_WHY]);
/* The call under way fails soon. Any thread. */
void rc_backup_file_cancel(struct rc_backup_file *file);
/* Bytes written so far, 0 when none is open. Any thread. */
uint64_t rc_backup_file_bytes(struct rc_backup_file *file);
void rc_backup_file_fini(struct rc_backup_file *file);

#endif
