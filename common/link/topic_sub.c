/* The subscribing end of the message topic. */
#include "link/seal.h"
#include "link/task.h"
#include "link/topic_socket.h"
#include "link/wire.h"
#include "log.h"

#include <inttypes.h>
#include <nng/protocol/pubsub0/sub.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRACE (1000 * RC_MS) /* for nng to give the receive back */

struct publisher { /* what the last good message of a broker said */
    char broker[RC_ID_MAX + 1];
    uint64_t inc;
    uint64_t number;
    uint8_t key[RC_SEAL_KEY];
};

struct rc_topic_sub {
    nng_socket socket;
    struct rc_tasks tasks;
    struct rc_task receive; /* the only one: more would disturb the order */
    const struct rc_secret *secret;
    rc_topic_record *record;
    void *host;
    struct rc_arena arena; /* of the message in hand */
    struct rc_topic_stats stats;
    size_t dials;
    struct topic_dial {
        char address[RC_ADDR_MAX + 1];
        nng_dialer dialer;
    } dial[RC_TOPIC_DIALS];
    size_t publishers;
    struct publisher publisher[RC_BROKERS_MAX];
};

static struct publisher *find(struct rc_topic_sub *sub, const char *broker)
{
    for (size_t i = 0; i < sub->publishers; i++)
        if (!strcmp(sub->publisher[i].broker, broker))
            return &sub->publisher[i];
    return NULL;
}

static bool replayed(const struct publisher *p, const Roomcast__Topic *t)
{
    return p && (t->inc < p->inc || (t->inc == p->inc && t->number <= p->number));
}

/* Notes the message as the broker's newest. False: more brokers than a cluster may have. */
static bool note(struct rc_topic_sub *sub, struct publisher *p, const struct publisher *now)
{
    if (!p && sub->publishers < RC_BROKERS_MAX)
        p = &sub->publisher[sub->publishers++];
    if (p)
        *p = *now;
    return p != NULL;
}

static bool pass_on(struct rc_topic_sub *sub, const struct publisher *from, const uint8_t *plain, size_t len)
{
    const Roomcast__TopicRecords *r = roomcast__topic_records__unpack(&sub->arena.pb, len, plain);
    for (size_t i = 0; r && i < r->n_record; i++) {
        struct rc_op *op;
        if (rc_wire_record(r->record[i], &op))
            return false;
        sub->stats.records++;
        sub->record(sub->host, from->broker, from->inc, op);
        rc_op_free(op);
    }
    return r != NULL;
}

/* False: forged, damaged, or not what a broker sends. */
static bool take(struct rc_topic_sub *sub, const uint8_t *bytes, size_t len)
{
    struct publisher now = {0};
    const Roomcast__Topic *t = roomcast__topic__unpack(&sub->arena.pb, len, bytes);
    if (!t || !rc_wire_id(&t->broker, now.broker) || t->sealed.len < RC_SEAL_TAG)
        return false;
    struct publisher *p = find(sub, now.broker);
    if (replayed(p, t)) {
        sub->stats.replayed++;
        return true;
    }
    now.inc = t->inc;
    now.number = t->number;
    if (p && p->inc == t->inc)
        memcpy(now.key, p->key, sizeof now.key);
    else
        rc_seal_key(sub->secret, now.broker, now.inc, now.key);
    size_t plain_len = t->sealed.len - RC_SEAL_TAG;
    uint8_t *plain = rc_arena_alloc(&sub->arena, 1, plain_len + 1);
    if (!plain || !rc_unseal(now.key, now.number, t->sealed.data, t->sealed.len, plain) || !note(sub, p, &now))
        return false;
    sub->stats.messages++;
    return pass_on(sub, &now, plain, plain_len);
}

static void receive_next(struct rc_topic_sub *sub)
{
    nng_recv_aio(sub->socket, rc_task_begin(&sub->receive));
}

static void received(void *arg, int result)
{
    struct rc_topic_sub *sub = arg;
    if (result == NNG_ECLOSED)
        return;
    if (!result) {
        nng_msg *msg = nng_aio_get_msg(sub->receive.aio);
        rc_arena_reset(&sub->arena);
        if (!take(sub, nng_msg_body(msg), nng_msg_len(msg)) && !sub->stats.forged++)
            rc_log(RC_WARN, "topic-forged",
                   "bytes=%zu reason=\"not sealed under the cluster secret; later ones are only counted\"",
                   nng_msg_len(msg));
        nng_msg_free(msg);
    }
    receive_next(sub);
}

static int open_socket(struct rc_topic_sub *sub)
{
    int rv = nng_sub0_open(&sub->socket);
    if (rv)
        return rv;
    if ((rv = nng_socket_set_int(sub->socket, NNG_OPT_RECVBUF, RC_TOPIC_BUFFER)) ||
        (rv = nng_socket_set_size(sub->socket, NNG_OPT_RECVMAXSZ, RC_LINK_FRAME_MAX)) ||
        (rv = nng_socket_set_ms(sub->socket, NNG_OPT_RECONNMINT, 60)) ||
        (rv = nng_socket_set_ms(sub->socket, NNG_OPT_RECONNMAXT, 250)) ||
        (rv = nng_socket_set(sub->socket, NNG_OPT_SUB_SUBSCRIBE, "", 0)) ||
        (rv = rc_task_init(&sub->receive, &sub->tasks, received, sub)))
        rc_topic_close(sub->socket);
    return rv;
}

struct rc_topic_sub *rc_topic_sub_new(const struct rc_secret *secret, rc_topic_record *record, void *host,
                                      char why[RC_LINK_WHY])
{
    struct rc_topic_sub *sub = calloc(1, sizeof *sub);
    if (!sub || !rc_tasks_init(&sub->tasks)) {
        rc_topic_why(why, "cannot subscribe", "to the topic", NNG_ENOMEM);
        free(sub);
        return NULL;
    }
    int rv = open_socket(sub);
    if (rv) {
        rc_topic_why(why, "cannot subscribe", "to the topic", rv);
        rc_tasks_fini(&sub->tasks);
        free(sub);
        return NULL;
    }
    sub->secret = secret;
    sub->record = record;
    sub->host = host;
    rc_arena_init(&sub->arena, RC_WIRE_ARENA);
    receive_next(sub);
    return sub;
}

static void ignore_record(void *host, const char *broker, uint64_t inc, const struct rc_op *record)
{
    (void)host;
    (void)broker;
    (void)inc;
    (void)record;
}

void rc_topic_sub_free(struct rc_topic_sub *sub)
{
    if (!sub)
        return;
    sub->record = ignore_record;
    bool closed = rc_topic_close(sub->socket);
    if (!closed || !rc_tasks_settle(&sub->tasks, GRACE))
        return; /* nng may still use it: leaked, and logged */
    rc_task_fini(&sub->receive);
    rc_tasks_fini(&sub->tasks);
    rc_arena_fini(&sub->arena);
    free(sub);
}

static int dial(struct rc_topic_sub *sub, const char *address, nng_dialer *dialer)
{
    char url[RC_ADDR_MAX + 8];
    int rv;
    snprintf(url, sizeof url, "tcp://%s", address);
    if (!(rv = nng_dialer_create(dialer, sub->socket, url)) &&
        !(rv = nng_dialer_set_bool(*dialer, NNG_OPT_TCP_NODELAY, true)) &&
        !(rv = nng_dialer_set_bool(*dialer, NNG_OPT_TCP_KEEPALIVE, true)))
        rv = nng_dialer_start(*dialer, NNG_FLAG_NONBLOCK);
    return rv;
}

bool rc_topic_sub_dial(struct rc_topic_sub *sub, const char *address, char why[RC_LINK_WHY])
{
    struct rc_addr parsed;
    const char *bad = rc_addr_parse(address, &parsed);
    for (size_t i = 0; i < sub->dials; i++)
        if (!strcmp(sub->dial[i].address, address))
            return true;
    if (!bad && sub->dials == RC_TOPIC_DIALS)
        bad = "is one more than a subscriber remembers";
    if (bad) {
        snprintf(why, RC_LINK_WHY, "cannot subscribe at \"%.*s\": the address %s", RC_ADDR_MAX, address, bad);
        return false;
    }
    struct topic_dial *d = &sub->dial[sub->dials];
    int rv = dial(sub, address, &d->dialer);
    if (rv) {
        rc_topic_why(why, "cannot subscribe at", address, rv);
        return false;
    }
    snprintf(d->address, sizeof d->address, "%s", address);
    sub->dials++;
    return true;
}

void rc_topic_sub_undial(struct rc_topic_sub *sub, const char *address)
{
    for (size_t i = 0; i < sub->dials; i++)
        if (!strcmp(sub->dial[i].address, address)) {
            nng_dialer_close(sub->dial[i].dialer);
            sub->dial[i] = sub->dial[--sub->dials];
            return;
        }
}

void rc_topic_sub_forget(struct rc_topic_sub *sub, const char *broker)
{
    struct publisher *p = find(sub, broker);
    if (p)
        *p = sub->publisher[--sub->publishers];
}

int rc_topic_sub_fd(const struct rc_topic_sub *sub)
{
    return rc_mailbox_fd(sub->tasks.mailbox);
}

void rc_topic_sub_process(struct rc_topic_sub *sub)
{
    rc_tasks_run(&sub->tasks);
}

void rc_topic_sub_stats(const struct rc_topic_sub *sub, struct rc_topic_stats *out)
{
    *out = sub->stats;
}
