/* Operations: each weighs what it carries, and gives it back when it is freed. */
#include "world.h"

#include "cluster/mem.h"

#define LEN ((size_t)1000)

/* An operation of this kind that carries `big` wherever it can, or arrays of LEN. */
static struct rc_op *loaded(enum rc_op_kind kind, struct rc_buf *big)
{
    struct rc_op *op = rc_op_new(kind);
    struct rc_msg msg = {.room = big, .except = big, .payload = big};
    if (kind == RC_OP_JOIN || kind == RC_OP_LEAVE || kind == RC_OP_COUNT) {
        op->room.room = rc_buf_hold(big);
    } else if (kind == RC_OP_EMIT) {
        op->emit.msg = msg;
        rc_msg_hold(&op->emit.msg);
        op->emit.row = rc_buf_hold(big);
    } else if (kind == RC_OP_DELIVER) {
        op->deliver = msg;
        rc_msg_hold(&op->deliver);
    } else if (kind == RC_OP_SYNCED) {
        op->synced.n = LEN;
        op->synced.member = rc_zarray(LEN, sizeof *op->synced.member);
    } else if (kind == RC_OP_LIST) {
        op->list.n = LEN;
        op->list.alive = rc_zarray(LEN, sizeof *op->list.alive);
    } else if (kind == RC_OP_RECORD) {
        op->record.row = rc_buf_hold(big);
    } else if (kind == RC_OP_SIDE) {
        op->side = rc_buf_hold(big);
    }
    return op;
}

static size_t expected(enum rc_op_kind kind)
{
    switch (kind) {
    case RC_OP_EMIT:
        return 4 * LEN;
    case RC_OP_DELIVER:
        return 3 * LEN;
    case RC_OP_SYNCED:
        return LEN * sizeof(struct rc_member);
    case RC_OP_LIST:
        return LEN * sizeof(struct rc_alive);
    case RC_OP_JOIN:
    case RC_OP_LEAVE:
    case RC_OP_COUNT:
    case RC_OP_RECORD:
    case RC_OP_SIDE:
        return LEN;
    default:
        return 0;
    }
}

static void each_weighs_and_releases_what_it_carries(void **state)
{
    (void)state;
    struct rc_buf *big = rc_buf_new(LEN);
    for (enum rc_op_kind kind = RC_OP_JOIN; kind <= RC_OP_SIDE; kind++) {
        struct rc_op *op = loaded(kind, big);
        rc_op_weigh(op);
        assert_int_equal(op->bytes, sizeof *op + expected(kind));
        rc_op_free(op);
        assert_int_equal(atomic_load(&big->refs), 1);
    }
    rc_buf_rele(big);
}

static void a_batch_frees_its_operations(void **state)
{
    (void)state;
    struct rc_buf *big = rc_buf_new(LEN);
    struct rc_batch batch;
    rc_batch_init(&batch);
    assert_true(batch.echo == RC_NEVER);
    for (unsigned i = 0; i < 3; i++) {
        struct rc_op *op = loaded(RC_OP_EMIT, big);
        TAILQ_INSERT_TAIL(&batch.ops, op, link);
    }
    rc_batch_fini(&batch);
    assert_true(TAILQ_EMPTY(&batch.ops));
    assert_int_equal(atomic_load(&big->refs), 1);
    rc_buf_rele(big);
}

static void each_kind_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (enum rc_op_kind a = RC_OP_JOIN; a <= RC_OP_SIDE; a++) {
        assert_string_not_equal(rc_op_name(a), "?");
        for (enum rc_op_kind b = RC_OP_JOIN; b < a; b++)
            assert_string_not_equal(rc_op_name(a), rc_op_name(b));
    }
    assert_string_equal(rc_op_name((enum rc_op_kind)0), "?");
    assert_string_equal(rc_op_name((enum rc_op_kind)(RC_OP_SIDE + 1)), "?");
}

static void each_end_has_a_text(void **state)
{
    (void)state;
    assert_string_equal(rc_end_text(RC_END_SILENT), "nothing heard for the session timeout");
    assert_string_equal(rc_end_text(RC_END_SHUTDOWN), "shutting down");
    assert_string_equal(rc_end_text(RC_END_COUNT), "unknown reason");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_weighs_and_releases_what_it_carries),
        cmocka_unit_test(a_batch_frees_its_operations),
        cmocka_unit_test(each_kind_has_a_name_of_its_own),
        cmocka_unit_test(each_end_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
