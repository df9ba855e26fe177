/* Inside of roomcast-store-bench: messages to store, the bare LMDB loop to compare with, and samples. */
#ifndef RC_STORE_BENCH_H
#define RC_STORE_BENCH_H

#include "broker/persister/store.h"
#include "clock.h"

#define BENCH_MAP    ((uint64_t)64 << 30)
#define BENCH_ADMINS 20
#define BENCH_USERS  10000 /* and each writes to an admin, or is written to by one */

/* Ends the program with this sentence. */
void bench_die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

struct bench_time {
    rc_time wall, cpu; /* microseconds; cpu: of the calling thread */
};
struct bench_time bench_now(void);
/* Adds what passed since begin. */
void bench_add(struct bench_time *sum, struct bench_time begin);

/* ---- messages: number n, from 1, is always the same -------------------------------------------------------------- */

struct bench_message {
    struct rc_key key;
    char de[24], para[24], mensaje[200];
    bool de_admin;
};
void bench_message(uint64_t n, struct bench_message *out);
/* A packed Row (proto/roomcast.proto), the caller's. */
struct rc_buf *bench_row(const struct bench_message *m);

/* A commit of the messages first to first + n - 1; made anew each time. free gives its memory back. */
void bench_commit(struct rc_commit *commit, uint64_t first, size_t n);
void bench_commit_free(struct rc_commit *commit);

/* ---- the bare loop: the same bytes in the same databases, and nothing else --------------------------------------- */

enum bench_what { BENCH_ROWS, BENCH_ALL }; /* messages alone, or with every index entry */
struct bench_bare;
/* A new environment in dir. */
struct bench_bare *bench_bare_open(const char *dir, enum bench_what what);
/* One transaction with the messages first to first + n - 1. */
struct bench_time bench_bare_put(struct bench_bare *bare, uint64_t first, size_t n);
void bench_bare_close(struct bench_bare *bare);

/* ---- samples ----------------------------------------------------------------------------------------------------- */

struct bench_samples {
    size_t n, cap;
    rc_time *us;
};
void bench_sample(struct bench_samples *s, rc_time us);
/* Sorts them. 0 without any. */
rc_time bench_percentile(struct bench_samples *s, double percent);
void bench_samples_free(struct bench_samples *s);

/* ---- commits with and without company ---------------------------------------------------------------------------- */

/* Sends so many messages a second through the core, writer and store for some seconds; prints a line. */
void bench_wait(const char *dir, unsigned rate, unsigned wait_ms, unsigned seconds);

#endif
