/*
 * The bytes of the store: keys and values as docs/disk-format.md describes them, packed and unpacked. Pure
 * code.
 *
 * Rules of change: a new layout of a value gets a new version byte and the reader of the old one stays; a new
 * layout of a key or a new meaning of a database raises RC_DISK_FORMAT. All integers are big endian, so that
 * byte order is number order.
 */
#ifndef RC_PERSISTER_STORE_FORMAT_H
#define RC_PERSISTER_STORE_FORMAT_H

#include "cluster/op.h"

#define RC_DISK_FORMAT   2 /* version of the whole store */
#define RC_DISK_ROW      2 /* version of a message's value */
#define RC_DISK_KEY_MAX  (8 + 1 + RC_ID_MAX + 8 + 8)
#define RC_DISK_USER_MAX 255 /* bytes of a user's name; at least 1 */

struct rc_slice { /* bytes that belong to somebody else */
    const uint8_t *data;
    size_t len;
};

/* A message's identity as the key of `messages`: fecha, origin, incarnation, seq. */
struct rc_disk_key {
    uint8_t len; /* 0: none */
    uint8_t byte[RC_DISK_KEY_MAX];
};

/* False when the key cannot be stored: no origin, or a time before 1970. */
bool rc_disk_key_pack(const struct rc_key *key, struct rc_disk_key *out);
/* False when the bytes are not such a key. */
bool rc_disk_key_unpack(const void *data, size_t len, struct rc_key *out);
bool rc_disk_key_valid(const void *data, size_t len);

/* Whether the key is at or before `horizon`; nothing is when that has len 0. */
bool rc_disk_key_within(const struct rc_disk_key *horizon, const void *key, size_t len);
/* As memcmp, in the order of `messages`. */
int rc_disk_key_compare(const void *a, size_t a_len, const void *b, size_t b_len);

/* A message's value. */
struct rc_disk_row {
    struct rc_slice de, para; /* users, 1 to RC_DISK_USER_MAX bytes */
    struct rc_slice mensaje;  /* JSON text */
    bool de_admin;            /* the sender was an admin */
    uint64_t number;          /* of the message in the commit log; 0 in a row of version 1, which does not say it */
};
bool rc_disk_row_valid(const struct rc_disk_row *row);
size_t rc_disk_row_size(const struct rc_disk_row *row);
/* Writes rc_disk_row_size bytes, of the newest version. */
void rc_disk_row_pack(const struct rc_disk_row *row, uint8_t *out);
/* Slices of `out` point into data. False when the bytes are not a row of a version that we know: 1 or 2. */
bool rc_disk_row_unpack(const void *data, size_t len, struct rc_disk_row *out);

/* The first 8 bytes of a key of `by_user` and `by_user_log`. Names may collide, by ill will too: readers compare the name in
 * the row. */
uint64_t rc_disk_user_hash(struct rc_slice user);

void rc_disk_put64(uint8_t *out, uint64_t value);
uint64_t rc_disk_get64(const uint8_t *in);

bool rc_slice_equal(struct rc_slice a, struct rc_slice b);

#endif
