/*
 * The memory that the director and its workers share, made before they are forked. The director writes orders, each worker its
 * own share (counters, histograms, reasons); the sequence numbers of senders, the window and the list of excused messages are
 * written by the worker that has the sender, or atomically.
 */
#ifndef RC_SHARED_H
#define RC_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "histogram/histogram.h"
#include "shared/counters.h"
#include "shared/span.h"

#define RC_WORKERS_MAX 64
#define RC_REASONS     32 /* a worker keeps; the last one takes the rest */
#define RC_REASON_MAX  96 /* bytes with terminator */
#define RC_EXCUSED_MAX 262144

enum rc_phase {
    RC_PHASE_CONNECT, /* clients below `admitted` connect */
    RC_PHASE_TRAFFIC, /* and write */
    RC_PHASE_DRAIN,   /* nobody writes any more; what is on the way may come */
    RC_PHASE_JUDGE,   /* lost messages are counted; then everybody leaves */
};

struct rc_reason {
    char text[RC_REASON_MAX]; /* written before count leaves 0 */
    _Atomic uint64_t count;
};

/* One worker's. */
struct rc_share {
    struct rc_counters counters;
    struct rc_histogram latency;  /* of deliveries that count, from the time in the message */
    struct rc_histogram span;     /* of messages with several copies: from the first to the last one */
    struct rc_histogram ack;      /* of acks, from the same time */
    struct rc_histogram connect;  /* until CONNECT is answered, from when the connect was due */
    struct rc_histogram lateness; /* of the generator: from when a message was due until it was written */
    struct rc_reason reasons[RC_REASONS];
    int wake; /* eventfd: a place in the window of one of its senders is free */
    pid_t pid;
    _Atomic uint32_t wave; /* the one for which it has dropped its clients */
    _Atomic int judged;
};

/* Messages from..to of a sender are not owed. */
struct rc_excuse {
    uint32_t sender, from, to;
};

struct rc_shared {
    _Atomic int phase;             /* enum rc_phase */
    _Atomic uint32_t admitted;     /* clients below connect */
    _Atomic uint32_t wave;         /* each rise: all clients disconnect and connect again */
    _Atomic uint64_t connect_from; /* ns: when the connects of this phase or wave began */
    _Atomic uint64_t traffic_from; /* ns: when the first message is due */
    _Atomic uint64_t
        measure_from; /* ns: latency of messages with an earlier time does not count; UINT64_MAX: none does */
    uint16_t run;
    uint32_t workers;
    uint32_t window_places;         /* of each sender, 0: no window */
    _Atomic uint32_t *sent;         /* [clients]: each sender's last number */
    _Atomic uint64_t *window;       /* [senders][window_places]: number << 32 | copies not delivered yet */
    struct rc_span *span;           /* [RC_SPANS] */
    _Atomic uint32_t excused_count; /* may pass RC_EXCUSED_MAX: then the rest is not kept */
    struct rc_excuse *excused;
    struct rc_share *share; /* [workers] */
    size_t size;            /* bytes of all */
};

/* NULL: out of memory. */
struct rc_shared *rc_shared_new(uint32_t workers, uint32_t clients, uint32_t senders, uint32_t window_places);
void rc_shared_free(struct rc_shared *shared);

/* Sums the counters of all workers. */
void rc_shared_totals(const struct rc_shared *shared, struct rc_totals *totals);

/* Counts a reason of a worker. Its only writer is that worker. */
void rc_shared_reason(struct rc_share *share, const char *text);

void rc_shared_excuse(struct rc_shared *shared, uint32_t sender, uint32_t from, uint32_t to);
bool rc_shared_excused(const struct rc_shared *shared, uint32_t sender, uint32_t seq);

/* CLOCK_MONOTONIC in ns, the same in all processes. */
uint64_t rc_bench_now(void);

#endif
