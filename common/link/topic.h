/*
 * The message topic: brokers publish RECORD operations, persisters subscribe (nng PUB/SUB). A fast path only:
 * it may lose (nng drops the oldest when a buffer is full, and what is sent before the subscriber connected),
 * and the core then asks RESEND over the link (protocol.md T2).
 *
 *   rc_topic_pub_record ..., rc_topic_pub_flush
 *        -> Topic{broker, inc, number, sealed} -> rc_topic_sub_process -> record()
 *
 * nng has no authentication, so each message is sealed with AES-256-GCM. key = HMAC-SHA256(cluster secret,
 * "topic", broker id, incarnation), nonce = number, which grows by one a message; an incarnation is never
 * used twice, so neither is a nonce. Forged, damaged and replayed messages are dropped and counted.
 *
 * Threads: each object belongs to one thread; nng's callbacks only wake it.
 * Bounds: RC_TOPIC_BUFFER messages of about RC_TOPIC_MESSAGE bytes at the publisher and at the subscriber;
 * beyond that nng drops the oldest, which shows as a gap in the records' numbers.
 */
#ifndef RC_LINK_TOPIC_H
#define RC_LINK_TOPIC_H

#include "link/link.h"

#define RC_TOPIC_BUFFER  8192               /* messages, the most that nng allows */
#define RC_TOPIC_MESSAGE ((size_t)64 << 10) /* bytes of records that close a message; one record may be larger */
#define RC_TOPIC_DIALS   256                /* most addresses of one subscriber */

struct rc_topic_pub;
struct rc_topic_sub;

/* Listens on "host:port" (port 0: any). NULL with a sentence in why that names option and address. */
struct rc_topic_pub *rc_topic_pub_new(const char *listen, const struct rc_secret *secret, const char *broker,
                                      uint64_t inc, char why[RC_LINK_WHY]);
/* nng_close can hang: it runs at most 1 s beside us, then it is left behind. NULL is allowed. */
void rc_topic_pub_free(struct rc_topic_pub *pub);
const char *rc_topic_pub_address(const struct rc_topic_pub *pub); /* "host:port" as bound */

/* Adds a RECORD operation (it stays the caller's) to the message that the next flush sends. */
void rc_topic_pub_record(struct rc_topic_pub *pub, const struct rc_op *record);
/* At the end of the loop pass. Nothing added: nothing sent. Never blocks for a subscriber. */
void rc_topic_pub_flush(struct rc_topic_pub *pub);

/* One record, in the order published; the operation stays the subscriber's. */
typedef void rc_topic_record(void *host, const char *broker, uint64_t inc, const struct rc_op *record);

struct rc_topic_sub *rc_topic_sub_new(const struct rc_secret *secret, rc_topic_record *record, void *host,
                                      char why[RC_LINK_WHY]);
void rc_topic_sub_free(struct rc_topic_sub *sub); /* as rc_topic_pub_free */

/* Subscribes at this address from now on, redialling for ever; known addresses are ignored, so it may be
 * called at each HELLO of a broker. False with a sentence in why: bad address, or RC_TOPIC_DIALS are known.
 */
bool rc_topic_sub_dial(struct rc_topic_sub *sub, const char *address, char why[RC_LINK_WHY]);
/* Listens at this address no more, and tries to reach it no more. Unknown: nothing happens. Seldom, please: nng 1.5.2 does
 * not like its diallers closed in numbers. */
void rc_topic_sub_undial(struct rc_topic_sub *sub, const char *address);
/* This broker is configured no more: another one may take its place among the RC_BROKERS_MAX that are known. */
void rc_topic_sub_forget(struct rc_topic_sub *sub, const char *broker);

/* Watch the fd (level triggered) and call process when it is readable. */
int rc_topic_sub_fd(const struct rc_topic_sub *sub);
void rc_topic_sub_process(struct rc_topic_sub *sub);

struct rc_topic_stats {
    uint64_t messages, records; /* opened */
    uint64_t forged;            /* not sealed under our secret, or damaged */
    uint64_t replayed;          /* number or incarnation already passed */
};
void rc_topic_sub_stats(const struct rc_topic_sub *sub, struct rc_topic_stats *out);

#endif
