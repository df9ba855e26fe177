/*
 * The messages on disk: one LMDB environment in the data directory, laid out as docs/disk-format.md says.
 *
 *   commit thread: rc_store_commit            reader threads, loop: everything else
 *
 * Durability is LMDB's default: when rc_store_commit says RC_STORE_OK, the rows, their indexes and the
 * positions are synced; when it says anything else, nothing of them is in the store. A transaction that only
 * reads ends with the call that began it and looks at a bounded number of entries, since an open one keeps
 * every page that is replaced meanwhile from being used again.
 */
#ifndef RC_PERSISTER_STORE_H
#define RC_PERSISTER_STORE_H

#include "broker/persister/store_format.h"
#include "cluster/persister.h"

struct rc_store;

enum rc_store_result {
    RC_STORE_OK,
    RC_STORE_DISK_FULL, /* the file system has no room */
    RC_STORE_MAP_FULL,  /* the store has reached data.map_size */
    RC_STORE_READ_ONLY, /* the file system or the file may not be written, as after an error of the disk */
    RC_STORE_IO,        /* anything else; after a failed write of its root page the environment is opened anew */
};
const char *rc_store_result_text(enum rc_store_result result); /* static string */

/*
 * Opens the store in directory `dir`, making both when they are not there (mode 0700, files 0600), and locks
 * it: a second opener, of this process or another, is refused. map_size is the most bytes the file may ever
 * have; it is reserved as address space, not on disk. NULL on failure, with a sentence in why[size] that says
 * what is wrong, where, and what would be right; a directory that was made stays. No process may fork and go
 * on using an open store.
 */
struct rc_store *rc_store_open(const char *dir, uint64_t map_size, char *why, size_t size);
/* No other call may be under way. Accepts NULL. */
void rc_store_close(struct rc_store *store);

/*
 * Opens a store that is there as it is, for reading alone: nothing is made, brought over or written but the lock. Of an older
 * format rc_store_copy works, and nothing else. Otherwise as rc_store_open.
 */
struct rc_store *rc_store_view(const char *dir, char *why, size_t size);

struct rc_store_outcome { /* of one commit */
    enum rc_store_result result;
    size_t stored;         /* rows put */
    size_t duplicates;     /* rows that were there already, untouched */
    size_t forgotten;      /* rows that retention has deleted, or would have: at or before its horizon */
    size_t malformed;      /* records that cannot be stored and were left out for good */
    struct rc_key culprit; /* the first of these */
    char why[256];         /* the cause when result is not OK */
};
/*
 * Puts the records and positions of this commit in one synced transaction; blocks for the disk. One at a
 * time. A record whose row or key is not well formed is counted and left out, so that it cannot hold up what
 * comes after. A position lower than the stored one is ignored. Returns out->result.
 */
enum rc_store_result rc_store_commit(struct rc_store *store, const struct rc_commit *commit,
                                     struct rc_store_outcome *out);

struct rc_store_keep { /* what retention leaves; zeros: everything */
    int64_t ms;        /* messages younger than this */
    uint64_t bytes;    /* so many bytes of pages in use (rc_store_info.used) */
};
struct rc_store_pruned { /* of one turn */
    enum rc_store_result result;
    size_t deleted; /* messages */
    bool more;      /* there is more to delete */
    char why[256];  /* the cause when result is not OK */
};
/*
 * Deletes at most `limit` of the oldest messages that `keep` does not cover at this moment (wall clock, ms), with all
 * their index entries, in one synced transaction; without any of them none is begun. What is at or before the newest
 * message ever deleted is not stored again. The thread that commits; blocks for the disk. Returns out->result.
 */
enum rc_store_result rc_store_prune(struct rc_store *store, const struct rc_store_keep *keep, int64_t now, size_t limit,
                                    struct rc_store_pruned *out);

/* The random number that was made with this store, never 0: to whom its log's numbers belong. Any thread. */
uint64_t rc_store_identity(const struct rc_store *store);
/* Whether a message with this key is at or before the newest that retention deleted: it counts as stored. Any thread. */
bool rc_store_is_forgotten(struct rc_store *store, const struct rc_key *key);

/* The committed number of this broker incarnation, 0 for none. Any thread. */
uint64_t rc_store_position(struct rc_store *store, const char *broker, uint64_t inc);

struct rc_store_info {
    uint64_t rows;         /* messages */
    uint64_t user_entries; /* entries of the index by user, and of the one in the log's order: one or two a message */
    uint64_t log_entries;  /* entries of the commit log: one a message */
    uint64_t log_last;     /* newest number of the commit log that was ever given, 0 for none */
    int64_t oldest;        /* fecha of the oldest message, 0 for none */
    uint64_t used;         /* bytes of the pages that hold something */
    uint64_t readers;      /* slots of the reader table that were ever needed at once */
    uint64_t bytes;        /* of the file that are in use or were */
    uint64_t map_bytes;    /* the most it can grow to */
};
/* False, and zeros, when the store cannot be read just now. Any thread. */
bool rc_store_info(struct rc_store *store, struct rc_store_info *out);

#define RC_PAGE_ENTRIES 256                 /* most messages looked at for a page */
#define RC_PAGE_USERS   4096                /* most users looked at for a page */
#define RC_PAGE_BYTES   ((size_t)256 << 10) /* most bytes of a page, but one row at least */

struct rc_store_row { /* slices are valid inside the callback only */
    struct rc_key key;
    struct rc_disk_row row;
};
typedef void rc_store_row_fn(void *arg, const struct rc_store_row *row);

struct rc_store_query {
    struct rc_slice user; /* messages from or to this user */
    struct rc_slice from; /* a packed key, itself not in the page; len 0: from the end where the walk begins */
    bool newest;          /* walk from the newest to the oldest, else from the oldest on */
    size_t limit;         /* most messages; 0: as many as a page holds */
};
/*
 * Calls fn for the messages of a page, in the order of their keys whichever way the walk goes. *next is where to go on,
 * len 0 when that was all; a page may be short or empty and still have a next one. Who reads page by page may miss a
 * message that arrives late with an older time. RC_STORE_IO also when `from` is not a key. Any thread; blocks for the
 * disk.
 */
enum rc_store_result rc_store_user_page(struct rc_store *store, const struct rc_store_query *query, rc_store_row_fn *fn,
                                        void *arg, struct rc_disk_key *next);
/* The same, and when query->user is empty the messages of all users. */
enum rc_store_result rc_store_page(struct rc_store *store, const struct rc_store_query *query, rc_store_row_fn *fn,
                                   void *arg, struct rc_disk_key *next);

/*
 * Where a walk in the order of the commit log stands. Numbers mean something in their own store only, so the place
 * also holds the key that is furthest along: in another store the walk goes on from there in the order of keys.
 */
struct rc_place {
    uint64_t store;         /* its identity */
    bool by_key;            /* goes by keys, among the messages up to `number` */
    uint64_t number;        /* of the last message looked at; by_key: the newest one that the walk may show */
    struct rc_disk_key key; /* of what was shown: the newest, or the oldest when walking back; len 0: nothing */
};
struct rc_user_log_query {
    struct rc_slice user;        /* messages from or to this user */
    const struct rc_place *from; /* NULL: from the end where the walk begins */
    bool newest;                 /* walk back from the message stored last, else on from the one stored first */
    size_t limit;                /* most messages; 0: as many as a page holds */
};
struct rc_user_log_page {
    bool more;             /* the walk is not over: `next` has more, or may have */
    struct rc_place next;  /* where it goes on */
    bool has_later;        /* `later` is set: on each page of a walk on, on the first of a walk back */
    struct rc_place later; /* what is stored after this page was read, whatever its time, comes after here */
};
/*
 * The same with pages in the order in which this store got the messages; within a page fn is called in the order of
 * keys. Any thread; blocks for the disk.
 */
enum rc_store_result rc_store_user_log_page(struct rc_store *store, const struct rc_user_log_query *query,
                                            rc_store_row_fn *fn, void *arg, struct rc_user_log_page *page);

struct rc_disk_user { /* the name of a user as a place in the list of users */
    uint8_t len;      /* 0: none */
    uint8_t byte[RC_DISK_USER_MAX];
};
typedef void rc_store_user_fn(void *arg, struct rc_slice user);
/*
 * Calls fn for the users with a conversation, in byte order, after the name `after`: those who wrote (what a
 * user writes goes to the admins too) or whom an admin wrote to, without those who ever wrote as an admin.
 * Otherwise as rc_store_user_page.
 */
enum rc_store_result rc_store_conversations_page(struct rc_store *store, struct rc_slice after, size_t limit,
                                                 rc_store_user_fn *fn, void *arg, struct rc_disk_user *next);

/* ---- the commit log, for other persisters (store_log.c, protocol.md T4) ------------------------------------------ */

/* How far the log of this store of a peer is in ours; 0 for another store of that peer, or none. Any thread. */
uint64_t rc_store_cursor(struct rc_store *store, const char *peer, uint64_t identity);

#define RC_LOG_ROWS 4096 /* most rows looked at for a page, whatever was asked */

struct rc_store_log { /* of a page */
    uint64_t upto;    /* looked at up to this number; one less than asked for: nothing was there */
    uint64_t last;    /* newest number of the log */
};
typedef void rc_store_log_fn(void *arg, uint64_t number, const struct rc_store_row *row);
/*
 * Calls fn for the rows of the log from pull->from on, at most pull->rows and pull->bytes, one at least; for none when
 * pull->store is not this store. Any thread; blocks for the disk.
 */
enum rc_store_result rc_store_log_page(struct rc_store *store, const struct rc_pull *pull, struct rc_store_log *out,
                                       rc_store_log_fn *fn, void *arg);

/* Leaves those rows in the page that are not in the store. Any thread; blocks for the disk. */
enum rc_store_result rc_store_lacking(struct rc_store *store, struct rc_log_page *page);

/* ---- copies and checks ------------------------------------------------------------------------------------------- */

/*
 * Writes a consistent copy of the whole store, without unused pages, to fd, which is at its beginning. Commits go on, but one
 * for which the environment must be opened anew waits for the end. 0; or an errno of writing; or -1 with a sentence in why: the
 * store cannot be read. Any thread; blocks for the disk, long.
 */
int rc_store_copy(struct rc_store *store, int fd, char *why, size_t size);

/* Gives the store a new identity, because another one lives on with the old one. No other call may be under way. */
enum rc_store_result rc_store_renew_identity(struct rc_store *store);

struct rc_store_counts { /* entries, as counted */
    uint64_t messages, log, by_user, by_user_log, users;
};
/*
 * Reads the whole store and compares each message with its entries in every index, and the numbers of entries, in transactions
 * of RC_PAGE_ENTRIES messages; nobody may write meanwhile. False with a sentence in why that names what is wrong first. A store
 * whose pages are damaged may end the process by a signal: LMDB trusts them.
 */
bool rc_store_check(struct rc_store *store, struct rc_store_counts *out, char *why, size_t size);

#endif
