/*
 * Backups of a running persister: one at a time, on a thread of its own, into one directory.
 *
 * Commits and readers go on meanwhile. The copy is one read transaction, so pages that are replaced while it lasts are not used
 * again before its end, and the store's file grows by them.
 */
#ifndef RC_PERSISTER_BACKUP_H
#define RC_PERSISTER_BACKUP_H

#include "broker/persister/backup_file.h"

struct rc_backup;

enum rc_backup_phase { RC_BACKUP_NONE, RC_BACKUP_RUNNING, RC_BACKUP_DONE, RC_BACKUP_FAILED };

struct rc_backup_state { /* of the last one since the start */
    enum rc_backup_phase phase;
    char path[RC_BACKUP_PATH];
    uint64_t bytes;          /* written so far, or in the file */
    uint64_t of;             /* bytes of the store that are in use, about what it will have */
    int64_t ms;              /* since it began, or that it took */
    char why[RC_BACKUP_WHY]; /* of one that failed */
};

/* dir: "" for none, then every backup is refused; it outlives the backup, like the store. NULL with errno. */
struct rc_backup *rc_backup_new(struct rc_store *store, const char *dir);
/* Gives up the backup under way. Accepts NULL. */
void rc_backup_free(struct rc_backup *backup);

/* All of these: the owner's thread. */

/* Begins a backup to dir/name; false with a sentence in why when it cannot. name: letters, digits, '.', '_' and '-', with dir
 * and a slash before it or without; what it does to the directory is found out by the thread. */
bool rc_backup_begin(struct rc_backup *backup, const char *name, char why[RC_BACKUP_WHY]);
void rc_backup_state(struct rc_backup *backup, struct rc_backup_state *out);

#endif
