/*
 * The end of a backup file: RC_SEAL_SIZE bytes behind the LMDB environment, which say how long that is and what its checksum is,
 * so that a copy that was cut short or changed is found out before anybody relies on it. docs/disk-format.md, "Backups".
 */
#ifndef RC_PERSISTER_BACKUP_SEAL_H
#define RC_PERSISTER_BACKUP_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RC_SEAL_SIZE 40

/* Reads the file from its beginning and writes the seal behind it. False with errno. */
bool rc_seal_put(int fd);

/* Copies what is sealed to `to`, without the seal, and compares on the way. False with a phrase in why[size]; *broken: it is
 * the file's fault, and not that of reading or writing. */
bool rc_seal_copy(int from, int to, bool *broken, char *why, size_t size);

#endif
