/* Every operation survives the wire, and nothing that op.h does not allow gets through it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "link/link.h"
#include "link/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct packed {
    uint8_t *bytes;
    size_t len;
};

static struct rc_buf *text(const char *s)
{
    return rc_buf_copy(s, strlen(s));
}

static struct rc_buf *filled(size_t len)
{
    struct rc_buf *b = rc_buf_new(len);
    memset(b->data, 'x', len);
    return b;
}

static struct rc_op *push(struct rc_batch *batch, struct rc_op *op)
{
    rc_op_weigh(op);
    batch->bytes += op->bytes;
    TAILQ_INSERT_TAIL(&batch->ops, op, link);
    return op;
}

static void fill_msg(struct rc_msg *m, const char *origin)
{
    snprintf(m->origin, sizeof m->origin, "%s", origin);
    m->origin_inc = *origin ? UINT64_MAX : 0;
    m->seq = 77;
    m->room = rc_buf_copy("/,us\0er", 7); /* NUL is a byte like any other */
    m->except = text("/,admins");
    m->payload = text("[\"hola\",{}]");
}

static void id_of(char *id, char c)
{
    memset(id, c, RC_ID_MAX);
    id[RC_ID_MAX] = 0;
}

static void add_gateway_ops(struct rc_batch *b)
{
    for (enum rc_op_kind kind = RC_OP_JOIN; kind <= RC_OP_COUNT; kind++) {
        struct rc_op *op = rc_op_new(kind);
        op->room.room = filled(RC_ROOM_MAX);
        op->room.members = kind == RC_OP_COUNT ? 12345 : 0;
        push(b, op);
    }
    struct rc_op *op = rc_op_new(RC_OP_SYNCED);
    op->synced.version = 9;
    op->synced.k = 2;
    op->synced.n = 3;
    op->synced.member = calloc(3, sizeof *op->synced.member);
    for (uint32_t i = 0; i < 3; i++) {
        id_of(op->synced.member[i].id, (char)('a' + i));
        op->synced.member[i].weight = i * 50;
    }
    push(b, op);
    op = rc_op_new(RC_OP_EMIT);
    op->emit.slot = RC_SLOTS - 1;
    op->emit.generation = UINT64_MAX;
    fill_msg(&op->emit.msg, "");
    op->emit.fecha = 1700000000123;
    op->emit.row = text("row");
    push(b, op);
    op = rc_op_new(RC_OP_EMIT); /* the least that an emit has */
    op->emit.msg.seq = 1;
    op->emit.msg.room = text("r");
    op->emit.msg.payload = rc_buf_new(0);
    push(b, op);
    push(b, rc_op_new(RC_OP_BYE));
}

static void add_broker_ops(struct rc_batch *b)
{
    for (enum rc_op_kind kind = RC_OP_DELIVERED; kind <= RC_OP_REFUSED; kind++) {
        struct rc_op *op = rc_op_new(kind);
        op->reply.slot = 16383;
        op->reply.number = 5;
        if (kind == RC_OP_REFUSED)
            op->reply.reason = RC_BUSY;
        push(b, op);
    }
    struct rc_op *op = rc_op_new(RC_OP_DELIVER);
    fill_msg(&op->deliver, "gateway-1");
    push(b, op);
    op = rc_op_new(RC_OP_LIST);
    op->list.n = 2;
    op->list.alive = calloc(2, sizeof *op->list.alive);
    id_of(op->list.alive[0].id, 'g');
    id_of(op->list.alive[1].id, 'h');
    op->list.alive[1].inc = 1;
    push(b, op);
    op = rc_op_new(RC_OP_RECORD);
    op->record.number = 3;
    op->record.key.fecha = 1;
    snprintf(op->record.key.origin, sizeof op->record.key.origin, "g");
    op->record.key.origin_inc = 4;
    op->record.key.seq = 5;
    op->record.row = text("row");
    push(b, op);
    for (enum rc_op_kind kind = RC_OP_RESEND; kind <= RC_OP_HOLE; kind++) {
        op = rc_op_new(kind);
        op->range.first = 10;
        op->range.last = kind == RC_OP_HOLE ? 20 : 0;
        push(b, op);
    }
    op = rc_op_new(RC_OP_SIDE);
    op->side = rc_buf_copy("\0\1\2", 3);
    push(b, op);
}

static void fill_batch(struct rc_batch *b)
{
    rc_batch_init(b);
    b->session = UINT64_MAX;
    b->from_inc = 1;
    b->to_inc = 2;
    b->seq = 3;
    b->ack = 4;
    b->t = 5;
    b->echo = 6;
    b->active = b->mature = true;
    b->state = RC_DRAINING;
    b->topic_last = 7;
    add_gateway_ops(b);
    add_broker_ops(b);
}

static struct packed pack(const struct rc_batch *b)
{
    struct rc_arena a;
    rc_arena_init(&a, RC_WIRE_ARENA);
    Roomcast__Frame *f = rc_wire_frame(&a, b);
    assert_non_null(f);
    struct packed p = {.len = roomcast__frame__get_packed_size(f)};
    p.bytes = malloc(p.len);
    assert_int_equal(roomcast__frame__pack(f, p.bytes), p.len);
    rc_arena_fini(&a);
    return p;
}

/* NULL and a filled batch, or what was wrong. */
static const char *unpack(const struct packed *p, struct rc_batch *b)
{
    struct rc_arena a;
    rc_arena_init(&a, RC_WIRE_ARENA);
    rc_batch_init(b);
    const Roomcast__Frame *f = rc_wire_open(&a, p->bytes, p->len);
    const char *bad = !f || f->kind_case != ROOMCAST__FRAME__KIND_BATCH ? "no batch" : rc_wire_batch(f->batch, b);
    rc_arena_fini(&a);
    return bad;
}

static void same_msg(const struct rc_msg *a, const struct rc_msg *b)
{
    assert_string_equal(a->origin, b->origin);
    assert_int_equal(a->origin_inc, b->origin_inc);
    assert_int_equal(a->seq, b->seq);
    assert_true(rc_buf_equal(a->room, b->room));
    assert_true(rc_buf_equal(a->except, b->except));
    assert_true(rc_buf_equal(a->payload, b->payload));
}

static void same_op(const struct rc_op *a, const struct rc_op *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->bytes, b->bytes);
    switch (a->kind) {
    case RC_OP_JOIN:
    case RC_OP_LEAVE:
    case RC_OP_COUNT:
        assert_true(rc_buf_equal(a->room.room, b->room.room));
        assert_int_equal(a->room.members, b->room.members);
        break;
    case RC_OP_SYNCED:
        assert_int_equal(a->synced.version, b->synced.version);
        assert_int_equal(a->synced.k, b->synced.k);
        assert_int_equal(a->synced.n, b->synced.n);
        assert_memory_equal(a->synced.member, b->synced.member, a->synced.n * sizeof *a->synced.member);
        break;
    case RC_OP_EMIT:
        assert_int_equal(a->emit.slot, b->emit.slot);
        assert_int_equal(a->emit.generation, b->emit.generation);
        assert_int_equal(a->emit.fecha, b->emit.fecha);
        assert_true(rc_buf_equal(a->emit.row, b->emit.row));
        same_msg(&a->emit.msg, &b->emit.msg);
        break;
    case RC_OP_DELIVERED:
    case RC_OP_CONFIRM:
    case RC_OP_REFUSED:
        assert_int_equal(a->reply.slot, b->reply.slot);
        assert_int_equal(a->reply.number, b->reply.number);
        assert_int_equal(a->reply.reason, b->reply.reason);
        break;
    case RC_OP_DELIVER:
        same_msg(&a->deliver, &b->deliver);
        break;
    case RC_OP_BYE:
        break;
    case RC_OP_LIST:
        assert_int_equal(a->list.n, b->list.n);
        assert_memory_equal(a->list.alive, b->list.alive, a->list.n * sizeof *a->list.alive);
        break;
    case RC_OP_RECORD:
        assert_int_equal(a->record.number, b->record.number);
        assert_memory_equal(&a->record.key, &b->record.key, sizeof a->record.key);
        assert_true(rc_buf_equal(a->record.row, b->record.row));
        break;
    case RC_OP_RESEND:
    case RC_OP_STORED:
    case RC_OP_HOLE:
        assert_int_equal(a->range.first, b->range.first);
        assert_int_equal(a->range.last, b->range.last);
        break;
    case RC_OP_SIDE:
        assert_true(rc_buf_equal(a->side, b->side));
        break;
    }
}

static void every_operation_survives(void **state)
{
    (void)state;
    struct rc_batch in, out;
    fill_batch(&in);
    struct packed p = pack(&in);
    assert_null(unpack(&p, &out));
    assert_int_equal(out.session, in.session);
    assert_int_equal(out.from_inc, 1);
    assert_int_equal(out.to_inc, 2);
    assert_int_equal(out.seq, 3);
    assert_int_equal(out.ack, 4);
    assert_int_equal(out.t, 5);
    assert_int_equal(out.echo, 6);
    assert_true(out.active && out.mature);
    assert_int_equal(out.state, RC_DRAINING);
    assert_int_equal(out.topic_last, 7);
    assert_int_equal(out.bytes, in.bytes);
    const struct rc_op *a = TAILQ_FIRST(&in.ops), *b = TAILQ_FIRST(&out.ops);
    unsigned kinds = 0;
    for (; a && b; a = TAILQ_NEXT(a, link), b = TAILQ_NEXT(b, link)) {
        same_op(a, b);
        kinds |= 1u << a->kind;
    }
    assert_null(a);
    assert_null(b);
    assert_int_equal(kinds, (1u << (RC_OP_SIDE + 1)) - 2); /* none was forgotten here */
    rc_batch_fini(&in);
    rc_batch_fini(&out);
    free(p.bytes);
}

static void heartbeat_keeps_never(void **state)
{
    (void)state;
    struct rc_batch in, out;
    rc_batch_init(&in);
    in.seq = 1;
    struct packed p = pack(&in);
    assert_null(unpack(&p, &out));
    assert_true(out.echo == RC_NEVER);
    assert_true(TAILQ_EMPTY(&out.ops));
    free(p.bytes);
}

/* What rc_op_weigh says bounds what is packed, so that a batch's bytes bound its frame. */
static void weight_bounds_the_frame(void **state)
{
    (void)state;
    struct rc_batch in;
    fill_batch(&in);
    struct packed p = pack(&in);
    assert_true(p.len <= 2 * in.bytes);
    free(p.bytes);
    struct rc_op *op = rc_op_new(RC_OP_EMIT); /* the largest single operation there is: the text twice */
    fill_msg(&op->emit.msg, "");
    rc_buf_rele(op->emit.msg.payload);
    op->emit.msg.payload = filled(1200000);
    op->emit.row = filled(1200000);
    push(&in, op);
    p = pack(&in);
    assert_true(p.len <= RC_LINK_FRAME_MAX);
    struct rc_batch out;
    assert_null(unpack(&p, &out));
    rc_batch_fini(&in);
    rc_batch_fini(&out);
    free(p.bytes);
}

/* Packs one operation after spoil() and expects the sentence. */
static void refused(enum rc_op_kind kind, void (*spoil)(struct rc_op *), const char *why)
{
    struct rc_batch in, out;
    struct rc_op *op, *next;
    fill_batch(&in);
    for (op = TAILQ_FIRST(&in.ops); op; op = next) {
        next = TAILQ_NEXT(op, link);
        if (op->kind != kind) {
            TAILQ_REMOVE(&in.ops, op, link);
            rc_op_free(op);
        }
    }
    spoil(TAILQ_FIRST(&in.ops));
    struct packed p = pack(&in);
    const char *bad = unpack(&p, &out);
    assert_non_null(bad);
    assert_string_equal(bad, why);
    assert_true(TAILQ_EMPTY(&out.ops));
    rc_batch_fini(&in);
    free(p.bytes);
}

static void long_room(struct rc_op *op)
{
    rc_buf_rele(op->room.room);
    op->room.room = filled(RC_ROOM_MAX + 1);
}
static void no_room(struct rc_op *op)
{
    rc_buf_rele(op->room.room);
    op->room.room = rc_buf_new(0);
}
static void high_slot(struct rc_op *op)
{
    op->emit.slot = RC_SLOTS;
}
static void named_emit(struct rc_op *op)
{
    strcpy(op->emit.msg.origin, "gateway-2");
}
static void long_except(struct rc_op *op)
{
    rc_buf_rele(op->emit.msg.except);
    op->emit.msg.except = filled(RC_ROOM_MAX + 1);
}
static void no_seq(struct rc_op *op)
{
    op->emit.msg.seq = 0;
}
static void late_emit(struct rc_op *op)
{
    op->emit.fecha = INT64_MIN;
}
static void high_reply(struct rc_op *op)
{
    op->reply.slot = UINT32_MAX;
}
static void odd_reason(struct rc_op *op)
{
    op->reply.reason = (enum rc_refusal)4;
}
static void no_origin(struct rc_op *op)
{
    op->deliver.origin[0] = 0;
}
static void odd_origin(struct rc_op *op)
{
    strcpy(op->deliver.origin, "a b\n");
}
static void twice(struct rc_op *op)
{
    op->synced.member[1] = op->synced.member[0];
}
static void heavy(struct rc_op *op)
{
    op->synced.member[0].weight = 101;
}
static void nameless(struct rc_op *op)
{
    op->list.alive[1].id[0] = 0;
}
static void crowded(struct rc_op *op)
{
    op->list.n = RC_WIRE_LIST_MAX + 1;
    op->list.alive = realloc(op->list.alive, op->list.n * sizeof *op->list.alive);
    for (uint32_t i = 0; i < op->list.n; i++)
        op->list.alive[i] = (struct rc_alive){.id = "g"};
}
static void many_brokers(struct rc_op *op)
{
    op->synced.n = RC_BROKERS_MAX + 1;
    op->synced.member = realloc(op->synced.member, op->synced.n * sizeof *op->synced.member);
    for (uint32_t i = 0; i < op->synced.n; i++)
        op->synced.member[i] = (struct rc_member){.id = "g"};
}
static void number_zero(struct rc_op *op)
{
    op->record.number = 0;
}
static void backwards(struct rc_op *op)
{
    op->range.last = op->range.first - 1;
}
static void big_side(struct rc_op *op)
{
    rc_buf_rele(op->side);
    op->side = filled(RC_LINK_SIDE_MAX + 1);
}

static void bad_values_are_refused(void **state)
{
    (void)state;
    refused(RC_OP_JOIN, long_room, "room key must have 1 to 512 bytes");
    refused(RC_OP_COUNT, no_room, "room key must have 1 to 512 bytes");
    refused(RC_OP_EMIT, high_slot, "slot out of range");
    refused(RC_OP_EMIT, named_emit, "message of a bad origin");
    refused(RC_OP_EMIT, long_except, "room key must have 1 to 512 bytes");
    refused(RC_OP_EMIT, no_seq, "message without a number");
    refused(RC_OP_EMIT, late_emit, "date out of range");
    refused(RC_OP_CONFIRM, high_reply, "slot out of range");
    refused(RC_OP_REFUSED, odd_reason, "refused for an unknown reason");
    refused(RC_OP_DELIVER, no_origin, "message of a bad origin");
    refused(RC_OP_DELIVER, odd_origin, "message of a bad origin");
    refused(RC_OP_SYNCED, twice, "view names a broker twice");
    refused(RC_OP_SYNCED, heavy, "view with a bad broker");
    refused(RC_OP_SYNCED, many_brokers, "view of too many brokers");
    refused(RC_OP_LIST, nameless, "list with a bad gateway id");
    refused(RC_OP_LIST, crowded, "list of too many gateways");
    refused(RC_OP_RECORD, number_zero, "record without a number");
    refused(RC_OP_HOLE, backwards, "hole that ends before it begins");
    refused(RC_OP_SIDE, big_side, "side data above the limit");
}

static void bad_headers_are_refused(void **state)
{
    (void)state;
    struct rc_batch in, out;
    struct packed p;
    rc_batch_init(&in);
    p = pack(&in);
    assert_string_equal(unpack(&p, &out), "batch without a number");
    free(p.bytes);
    in.seq = 1;
    in.state = (enum rc_broker_state)7;
    p = pack(&in);
    assert_string_equal(unpack(&p, &out), "unknown broker state");
    free(p.bytes);
    in.state = RC_OPEN;
    in.echo = -1;
    p = pack(&in);
    assert_string_equal(unpack(&p, &out), "clock out of range");
    free(p.bytes);
}

static void unknown_operation_is_refused(void **state)
{
    (void)state;
    /* Frame{batch{seq: 1, op: {field 99, empty}}}, and Frame{batch{seq: 1, op: {}}}. */
    uint8_t unknown[] = {0x32, 7, 0x20, 1, 0x6a, 3, 0x9a, 6, 0}, empty[] = {0x32, 4, 0x20, 1, 0x6a, 0};
    struct rc_batch out;
    assert_string_equal(unpack(&(struct packed){unknown, sizeof unknown}, &out),
                        "operation that this node does not know");
    assert_string_equal(unpack(&(struct packed){empty, sizeof empty}, &out), "operation that this node does not know");
    assert_string_equal(unpack(&(struct packed){unknown, 0}, &out), "no batch"); /* a frame of no kind */
}

/* Two bytes an operation would unfold into a hundred times as much memory. */
static void bomb_is_refused(void **state)
{
    (void)state;
    struct packed p = {.len = RC_LINK_FRAME_MAX};
    p.bytes = malloc(p.len);
    size_t body = p.len - 5;
    p.bytes[0] = 0x32;
    for (int i = 0; i < 4; i++)
        p.bytes[1 + i] = (uint8_t)((body >> (7 * i) & 0x7f) | (i < 3 ? 0x80 : 0));
    for (size_t i = 5; i < p.len; i++)
        p.bytes[i] = i % 2 ? 0x6a : 0;
    struct rc_batch out;
    assert_string_equal(unpack(&p, &out), "no batch");
    free(p.bytes);
}

/* Damage anywhere is refused or read as something allowed; the sanitizers watch. */
static void damaged_frames_do_no_harm(void **state)
{
    (void)state;
    struct rc_batch in, out;
    fill_batch(&in);
    struct packed p = pack(&in);
    uint8_t *copy = malloc(p.len);
    srand(1);
    for (int round = 0; round < 20000; round++) {
        size_t len = round % 3 ? p.len : (size_t)rand() % (p.len + 1);
        memcpy(copy, p.bytes, p.len);
        for (int i = 0; i < round % 5; i++)
            copy[(size_t)rand() % p.len] = (uint8_t)rand();
        if (!unpack(&(struct packed){copy, len}, &out))
            rc_batch_fini(&out);
        assert_true(TAILQ_EMPTY(&out.ops));
    }
    free(copy);
    free(p.bytes);
    rc_batch_fini(&in);
}

static void arena_is_bounded_and_reused(void **state)
{
    (void)state;
    struct rc_arena a;
    rc_arena_init(&a, 1 << 20);
    for (int round = 0; round < 100; round++) {
        assert_null(rc_arena_alloc(&a, 1, (1 << 20) + 1));
        assert_null(rc_arena_alloc(&a, SIZE_MAX, 16));
        uint8_t *p = rc_arena_alloc(&a, 1, 500000);
        assert_non_null(p);
        assert_int_equal(p[499999], 0);
        memset(p, 1, 500000);
        assert_non_null(rc_arena_alloc(&a, 3, 100000));
        assert_null(rc_arena_alloc(&a, 1, 500000));
        rc_arena_reset(&a);
    }
    rc_arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_survives),
        cmocka_unit_test(heartbeat_keeps_never),
        cmocka_unit_test(weight_bounds_the_frame),
        cmocka_unit_test(bad_values_are_refused),
        cmocka_unit_test(bad_headers_are_refused),
        cmocka_unit_test(unknown_operation_is_refused),
        cmocka_unit_test(bomb_is_refused),
        cmocka_unit_test(damaged_frames_do_no_harm),
        cmocka_unit_test(arena_is_bounded_and_reused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
