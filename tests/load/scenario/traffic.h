/*
 * The senders of one worker: what they write and when.
 *
 * Paced: message m of all is due at traffic_from + m / rate, at sender m modulo senders; that time is in the message, so that
 * a server, or a generator, that is late counts against the latency. Saturating: each sender keeps its part of the window
 * under way; the time is that of writing.
 */
#ifndef RC_TRAFFIC_H
#define RC_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/client.h"
#include "options/options.h"
#include "shared/shared.h"

#define RC_SENDER_TIMES 256 /* acks that are timed; also the most that a sender has in the window */

struct rc_sender {
    struct rc_client *client;
    uint32_t number;        /* among all senders */
    uint32_t seq;           /* of its last message */
    uint32_t settled;       /* acks, refusals, and messages in doubt */
    uint32_t done;          /* saturating: messages that have left the window */
    uint32_t window;        /* its part */
    uint64_t watched;       /* the place of the oldest message under way, as last looked at */
    uint64_t watched_since; /* ns */
    uint32_t copies;        /* deliveries of each of its messages */
    bool ready;             /* in the list of those with a free place */
    struct rc_sender *next_ready;
    char *head;                     /* what stands before the text of its messages, behind the id of the ack */
    uint64_t time[RC_SENDER_TIMES]; /* ns, by seq */
};

struct rc_traffic {
    const struct rc_plan *plan;
    struct rc_shared *shared;
    struct rc_share *share;
    struct rc_client_host *host;
    struct rc_sender *senders; /* [count], by number */
    uint32_t count;
    uint32_t total; /* senders of all workers */
    uint64_t round; /* paced: messages that each of the own senders was due */
    uint32_t turn;  /* paced: the one whose turn it is */
    struct rc_sender *ready;
    char *packet; /* room for one */
};

/* Makes the senders among the clients, and gives each its client's `sender`. False: out of memory. */
bool rc_traffic_init(struct rc_traffic *traffic, const struct rc_plan *plan, struct rc_shared *shared,
                     struct rc_share *share, struct rc_client_host *host, struct rc_client *clients, uint32_t count);
void rc_traffic_fini(struct rc_traffic *traffic);

/* Writes what is due. Returns the ns until the next is. */
uint64_t rc_traffic_run(struct rc_traffic *traffic);

/* A place of this sender, one of ours, became free. */
void rc_traffic_free_place(struct rc_traffic *traffic, uint32_t number);
/* The same, but nobody says of whom: looks at all; gives up places of messages of which no copy came for the plan's patience. */
void rc_traffic_look(struct rc_traffic *traffic);

void rc_traffic_ack(struct rc_traffic *traffic, struct rc_sender *sender, uint64_t id, const char *json, size_t len);

/* Its connection ended: what has no ack is in doubt. */
void rc_traffic_lost(struct rc_traffic *traffic, struct rc_sender *sender);

bool rc_sender_idle(const struct rc_sender *sender); /* every ack came */

#endif
