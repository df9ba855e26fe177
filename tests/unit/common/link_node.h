/* A node of the link tests: one end of links that counts what it sees, and sends numbered batches. One per program. */
#ifndef RC_TEST_LINK_NODE_H
#define RC_TEST_LINK_NODE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "clock.h"
#include "link/link.h"
#include "log.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char key_1[32] = "0123456789abcdef0123456789abcdef", key_2[32] = "0123456789abcdef0123456789abcdeF";
static const struct rc_secret right = {key_1, sizeof key_1}, wrong = {key_2, sizeof key_2};
struct node {
    struct rc_link *link;
    struct rc_line *line; /* the newest that is up */
    struct rc_peer peer;  /* of that line */
    uint64_t session;
    enum rc_broker_state state;
    enum rc_hello verdict; /* what hello() answers */
    int hellos, ups, downs, refusals;
    enum rc_why why;
    enum rc_hello refusal;
    uint64_t known_inc;
    uint64_t next_in, next_out, target; /* numbered batches */
    size_t filler;                      /* bytes of side data in each */
    bool disorder;
};

static enum rc_hello on_hello(void *host, const struct rc_peer *peer, uint64_t *known_inc)
{
    struct node *n = host;
    n->hellos++;
    n->peer = *peer;
    *known_inc = 4242;
    return n->verdict;
}

static enum rc_broker_state on_state(void *host)
{
    (void)host;
    return RC_OPEN;
}

static inline void on_up(void *host, struct rc_line *line, const struct rc_peer *peer, uint64_t session,
                         enum rc_broker_state state)
{
    struct node *n = host;
    n->line = line;
    n->peer = *peer;
    n->session = session;
    n->state = state;
    n->ups++;
}

static inline void on_refused(void *host, const char *id, enum rc_hello reason, uint64_t known_inc)
{
    struct node *n = host;
    assert_string_equal(id, "broker-1");
    n->refusals++;
    n->refusal = reason;
    n->known_inc = known_inc;
}

static inline void on_down(void *host, struct rc_line *line, enum rc_why why)
{
    struct node *n = host;
    n->downs++;
    n->why = why;
    if (n->line == line)
        n->line = NULL;
}

/* The next of the numbered batches, until the line is full; some of them, since a peer may take them as fast as they come. */
static inline void send_numbered(struct node *n)
{
    for (int burst = 0; burst < 16 && n->line && n->next_out < n->target && rc_line_ready(n->line); burst++) {
        struct rc_batch batch;
        rc_batch_init(&batch);
        batch.seq = ++n->next_out;
        if (n->filler) {
            struct rc_op *op = rc_op_new(RC_OP_SIDE);
            op->side = rc_buf_new(n->filler);
            memset(op->side->data, (int)(batch.seq & 0xff), n->filler);
            TAILQ_INSERT_TAIL(&batch.ops, op, link);
        }
        assert_true(rc_line_send(n->line, &batch));
        if (!rc_line_ready(n->line))
            assert_false(rc_line_send(n->line, &batch)); /* one at a time */
        rc_batch_fini(&batch);
    }
}

static inline void on_frame(void *host, struct rc_line *line, struct rc_batch *batch)
{
    struct node *n = host;
    (void)line;
    const struct rc_op *op = TAILQ_FIRST(&batch->ops);
    n->disorder |= batch->seq != ++n->next_in;
    n->disorder |= op && op->side->data[op->side->len - 1] != (uint8_t)batch->seq;
    rc_batch_fini(batch);
}

static inline void on_writable(void *host, struct rc_line *line)
{
    (void)line;
    send_numbered(host);
}

static const struct rc_link_events events = {on_hello, on_state, on_up, on_refused, on_down, on_frame, on_writable};

static inline struct rc_link_config config(enum rc_role role, const struct rc_secret *secret)
{
    struct rc_link_config c = {.secret = secret, .redial_min = 2 * RC_MS, .redial_max = 10 * RC_MS};
    c.self.role = role;
    c.self.inc = 5;
    strcpy(c.self.id, role == RC_BROKER ? "broker-1" : "gateway-1");
    if (role == RC_BROKER)
        strcpy(c.listen, "127.0.0.1:0");
    return c;
}

static inline void open_node(struct node *n, const struct rc_link_config *c)
{
    char why[RC_LINK_WHY] = "";
    memset(n, 0, sizeof *n);
    n->link = rc_link_new(c, &events, n, why);
    if (!n->link)
        fail_msg("%s", why);
}

static inline void open_pair(struct node *a, struct node *b)
{
    struct rc_link_config ca = config(RC_GATEWAY, &right), cb = config(RC_BROKER, &right);
    open_node(a, &ca);
    open_node(b, &cb);
}

static inline void dial(struct node *a, const struct node *b)
{
    char why[RC_LINK_WHY];
    assert_true(rc_link_dial(a->link, "broker-1", RC_BROKER, rc_link_address(b->link), why));
}

static inline void turn(struct node *a, struct node *b, int ms)
{
    struct pollfd fds[2];
    nfds_t n = 0;
    if (a)
        fds[n++] = (struct pollfd){.fd = rc_link_fd(a->link), .events = POLLIN};
    if (b)
        fds[n++] = (struct pollfd){.fd = rc_link_fd(b->link), .events = POLLIN};
    poll(fds, n, ms);
    for (int i = 0; i < 2; i++) {
        struct node *turned = i ? b : a;
        if (turned) {
            rc_link_process(turned->link);
            send_numbered(turned);
        }
    }
}

/* Turns both nodes (each may be NULL) until the condition holds; 60 s without it is a failure. */
#define UNTIL(a, b, condition)                                                                                         \
    do {                                                                                                               \
        rc_time give_up_ = rc_clock_now() + 60000 * RC_MS;                                                             \
        while (!(condition)) {                                                                                         \
            if (rc_clock_now() > give_up_)                                                                             \
                fail_msg("never came true: %s", #condition);                                                           \
            turn(a, b, 5);                                                                                             \
        }                                                                                                              \
    } while (0)

static inline uint64_t ended(const struct node *n, enum rc_why why)
{
    struct rc_link_stats s;
    rc_link_stats(n->link, &s);
    return s.ended[why];
}

static inline size_t strangers(const struct node *n)
{
    struct rc_link_stats s;
    rc_link_stats(n->link, &s);
    return s.strangers;
}

static inline uint64_t accepted(const struct node *n)
{
    struct rc_link_stats s;
    rc_link_stats(n->link, &s);
    return s.accepted;
}

static inline void close_pair(struct node *a, struct node *b)
{
    rc_link_free(a->link);
    rc_link_free(b->link);
}

#endif
