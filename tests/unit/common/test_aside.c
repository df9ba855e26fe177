/* Sessions of gateways: one a gateway, only queries on them, and an end with its reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aside.h"

struct fixture {
    struct rc_aside *aside;
    rc_time now;
    unsigned kicks, ends;
    enum rc_end why; /* of the last end */
};

static rc_time now(void *arg)
{
    return ((struct fixture *)arg)->now;
}

static uint64_t random_bits(void *arg)
{
    (void)arg;
    return 4;
}

static void kick(void *arg, struct rc_session *s)
{
    struct fixture *f = arg;
    assert_non_null(s);
    f->kicks++;
}

static void end(void *arg, struct rc_session *s, enum rc_end why)
{
    struct fixture *f = arg;
    assert_non_null(s);
    f->ends++;
    f->why = why;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct rc_times times;
    struct rc_world world = {f, now, random_bits, kick, end};
    rc_times_default(&times, 100);
    f->now = 1000000;
    f->aside = rc_aside_new(7, &times, &world);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    rc_aside_free(f->aside);
    free(f);
    return 0;
}

static struct rc_session *up(struct fixture *f, const char *id, uint64_t inc, uint64_t session)
{
    struct rc_peer peer = {.role = RC_GATEWAY, .inc = inc};
    memcpy(peer.id, id, strlen(id) + 1);
    return rc_aside_up(f->aside, &peer, session);
}

/* A batch of the gateway with one operation (0: none) that echoes our newest clock. */
static bool receive(struct fixture *f, struct rc_session *s, uint64_t seq, enum rc_op_kind kind)
{
    struct rc_batch batch;
    rc_batch_init(&batch);
    batch.session = s->id;
    batch.from_inc = s->peer.inc;
    batch.to_inc = s->my_inc;
    batch.seq = seq;
    batch.t = batch.echo = f->now;
    if (kind) {
        struct rc_op *op = rc_op_new(kind);
        if (kind == RC_OP_SIDE)
            op->side = rc_buf_copy("q", 1);
        rc_op_weigh(op);
        TAILQ_INSERT_TAIL(&batch.ops, op, link);
    }
    bool alive = rc_aside_receive(f->aside, s, &batch);
    rc_batch_fini(&batch);
    return alive;
}

static void one_session_each(void **state)
{
    struct fixture *f = *state;
    struct rc_session *one = up(f, "gateway-1", 10, 100), *other = up(f, "gateway-2", 10, 200);
    assert_ptr_equal(rc_aside_find(f->aside, 100), one);
    assert_int_equal(one->my_inc, 7);
    assert_int_equal(f->ends, 0);
    struct rc_session *again = up(f, "gateway-1", 11, 101);
    assert_int_equal(f->ends, 1);
    assert_int_equal(f->why, RC_END_REPLACED);
    assert_null(rc_aside_find(f->aside, 100));
    assert_ptr_equal(rc_aside_find(f->aside, 101), again);
    assert_ptr_equal(rc_aside_find(f->aside, 200), other);
    assert_int_equal(rc_aside_count(f->aside), 2);
    rc_aside_down(f->aside, other);
    assert_null(rc_aside_find(f->aside, 200));
    assert_int_equal(f->ends, 1);
}

static void queries_are_acknowledged(void **state)
{
    struct fixture *f = *state;
    struct rc_session *s = up(f, "gateway-1", 10, 100);
    struct rc_batch batch;
    assert_true(receive(f, s, 1, RC_OP_SIDE));
    assert_true(f->kicks > 0);
    rc_batch_init(&batch);
    rc_aside_take(f->aside, s, 1000, &batch);
    assert_int_equal(batch.ack, 1);
    assert_int_equal(batch.from_inc, 7);
    rc_batch_fini(&batch);
}

static void anything_else_ends_the_session(void **state)
{
    struct fixture *f = *state;
    const enum rc_op_kind kind[] = {RC_OP_RECORD, RC_OP_BYE, RC_OP_STORED};
    for (unsigned i = 0; i < 3; i++) {
        struct rc_session *s = up(f, "gateway-1", 10, 100 + i);
        assert_false(receive(f, s, 1, kind[i]));
        assert_int_equal(f->ends, i + 1);
        assert_int_equal(f->why, RC_END_PROTOCOL);
        assert_int_equal(rc_aside_count(f->aside), 0);
    }
}

static void gap_ends_the_session(void **state)
{
    struct fixture *f = *state;
    struct rc_session *s = up(f, "gateway-1", 10, 100);
    assert_true(receive(f, s, 1, RC_OP_SIDE));
    assert_false(receive(f, s, 3, RC_OP_SIDE));
    assert_int_equal(f->why, RC_END_GAP);
}

static void heartbeats_go_out_and_silence_ends(void **state)
{
    struct fixture *f = *state;
    struct rc_session *s = up(f, "gateway-1", 10, 100);
    struct rc_batch batch;
    uint64_t seq = 0;
    for (int ms = 0; ms < 3000; ms += 50) { /* the gateway speaks: it stays, and hears us every H */
        f->now += 50 * RC_MS;
        f->kicks = 0;
        rc_aside_tick(f->aside);
        assert_true(receive(f, s, ++seq, 0));
        rc_batch_init(&batch);
        if (f->kicks)
            rc_aside_take(f->aside, s, 1000, &batch);
        assert_true(f->now - s->sent_at <= 100 * RC_MS);
        rc_batch_fini(&batch);
    }
    assert_int_equal(f->ends, 0);
    for (int ms = 0; ms <= 1100; ms += 50) {
        f->now += 50 * RC_MS;
        rc_aside_tick(f->aside);
    }
    assert_int_equal(f->ends, 1);
    assert_int_equal(f->why, RC_END_SILENT);
}

static void gateway_that_does_not_read_is_cut_off(void **state)
{
    struct fixture *f = *state;
    struct rc_session *s = up(f, "gateway-1", 10, 100);
    while (s->out_bytes <= RC_ASIDE_BOUND) {
        rc_aside_tick(f->aside);
        assert_int_equal(f->ends, 0);
        struct rc_op *op = rc_op_new(RC_OP_SIDE);
        op->side = rc_buf_new(1u << 20);
        rc_op_weigh(op);
        rc_session_push(s, op);
    }
    rc_aside_tick(f->aside);
    assert_int_equal(f->ends, 1);
    assert_int_equal(f->why, RC_END_BOUND);
}

/* 300 names among three: each has a fair share, whatever order they came in, and moves only with its own. */
static void names_pick_the_same_peer_everywhere(void **state)
{
    struct fixture *f = *state;
    static const char *const id[] = {"persister-1", "persister-2", "persister-3"};
    struct rc_session *s[3];
    unsigned share[3] = {0}, choice[300];
    char name[16];
    assert_null(rc_aside_pick(f->aside, "ana", 3));
    for (unsigned i = 0; i < 3; i++)
        s[i] = up(f, id[i], 10, 100 + i);
    for (unsigned n = 0; n < 300; n++) {
        int len = snprintf(name, sizeof name, "user-%u", n);
        struct rc_session *picked = rc_aside_pick(f->aside, name, (size_t)len);
        choice[n] = picked == s[0] ? 0 : picked == s[1] ? 1 : 2;
        share[choice[n]]++;
    }
    for (unsigned i = 0; i < 3; i++)
        assert_in_range(share[i], 70, 130);
    rc_aside_down(f->aside, s[1]);
    for (unsigned n = 0; n < 300; n++) {
        int len = snprintf(name, sizeof name, "user-%u", n);
        struct rc_session *picked = rc_aside_pick(f->aside, name, (size_t)len);
        assert_true(choice[n] == 1 ? picked != NULL : picked == s[choice[n]]);
    }
    s[1] = up(f, id[1], 10, 103);
    for (unsigned n = 0; n < 300; n++) {
        int len = snprintf(name, sizeof name, "user-%u", n);
        assert_ptr_equal(rc_aside_pick(f->aside, name, (size_t)len), s[choice[n]]);
    }
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(one_session_each),
        T(queries_are_acknowledged),
        T(anything_else_ends_the_session),
        T(names_pick_the_same_peer_everywhere),
        T(gap_ends_the_session),
        T(heartbeats_go_out_and_silence_ends),
        T(gateway_that_does_not_read_is_cut_off),
    };
    return cmocka_run_group_tests_name("readers", tests, NULL, NULL);
}
