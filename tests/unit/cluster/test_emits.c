/* Section 5: the emit from the origin's side. One target a slot, the whole queue to a new one, and somebody is told. */
#include "gateway_world.h"

#define B1 (&t->b[0])
#define B2 (&t->b[1])

/* A serving gateway whose socket 1 is in a room of b1, then b2. */
static const char *start(struct gw *t)
{
    gw_serve(t);
    const char *room = gw_room(t, 0, 1, 0);
    gw_open(t, 1, room);
    for (unsigned i = 0; i < BROKERS; i++)
        got_clear(&t->b[i]);
    return room;
}

static void say(struct gw *t, const char *room, uint64_t token)
{
    assert_int_equal(gw_emit(t, (struct emit){.socket = 1, .token = token, .room = {room}}), RC_OUTCOME_OK);
}

/* Takes the next EMIT out; returns its number, 0 if there is none, and its generation. */
static uint64_t next_emit(struct end *e, uint64_t *generation)
{
    end_pull(e);
    struct rc_op *op = got(e, RC_OP_EMIT);
    if (!op)
        return 0;
    uint64_t seq = op->emit.msg.seq;
    *generation = op->emit.generation;
    rc_op_free(op);
    return seq;
}

/* Just these numbers came, in this order, all of one generation, which is returned. */
static uint64_t expect_emits(struct end *e, uint64_t first, uint64_t last)
{
    uint64_t generation = 0, other;
    assert_int_equal(next_emit(e, &generation), first);
    for (uint64_t seq = first + 1; seq <= last; seq++) {
        assert_int_equal(next_emit(e, &other), seq);
        assert_int_equal(other, generation);
    }
    assert_int_equal(next_emit(e, &other), 0);
    return generation;
}

static void expect_nothing(struct end *e)
{
    end_pull(e);
    assert_int_equal(got_count(e, RC_OP_EMIT), 0);
}

static bool has_result(const struct gw *t, unsigned i, uint64_t token, enum rc_outcome outcome)
{
    return i < t->n_result && t->result[i].socket == 1 && t->result[i].token == token &&
           t->result[i].outcome == outcome;
}

static void an_emit_goes_to_the_first_open_broker_and_only_there(void **state)
{
    struct gw *t = *state;
    const char *room = start(t);
    say(t, room, 11);
    end_pull(B1);
    struct rc_op *op = got(B1, RC_OP_EMIT);
    assert_non_null(op);
    assert_int_equal(op->emit.slot, slot_of(room));
    assert_int_equal(op->emit.msg.seq, 1);
    assert_true(is_text(op->emit.msg.room, room));
    assert_true(is_text(op->emit.msg.payload, "event"));
    assert_null(op->emit.msg.except);
    assert_null(op->emit.row);
    rc_op_free(op);
    expect_nothing(B2);
    expect_nothing(&t->b[2]);
}

static void a_broker_that_is_only_fit_is_passed_over(void **state)
{
    struct gw *t = *state;
    const char *room = start(t);
    B1->state = RC_FIT;
    end_say(B1);
    say(t, room, 1);
    expect_nothing(B1);
    expect_emits(B2, 1, 1);
    B2->state = RC_FIT;
    end_say(B2);
    say(t, room, 2); /* b3 is open, but nobody joins this room there */
    expect_nothing(&t->b[2]);
    B1->state = RC_OPEN;
    end_say(B1);
    expect_emits(B1, 1, 2);
}

static void a_confirmed_message_is_reported_once(void **state)
{
    struct gw *t = *state;
    const char *room = start(t);
    say(t, room, 11);
    say(t, room, 12);
    end_send(B1, reply_op(RC_OP_CONFIRM, slot_of(room), 1));
    assert_int_equal(t->n_result, 1);
    assert_true(has_result(t, 0, 11, RC_OUTCOME_OK));
    end_send(B1, reply_op(RC_OP_CONFIRM, slot_of(room), 1));
    assert_int_equal(t->n_result, 1);
    end_send(B1, reply_op(RC_OP_CONFIRM, slot_of(room), 2));
    assert_true(has_result(t, 1, 12, RC_OUTCOME_OK));
    assert_int_equal(gw_stats(t).unconfirmed, 0);
    assert_int_equal(gw_stats(t).unconfirmed_bytes, 0);
}

/* Never only one of them, and never a newer one before the older ones. */
static void a_new_target_gets_the_whole_queue_in_order(void **state)
{
    struct gw *t = *state;
    const char *room = start(t);
    for (uint64_t i = 1; i <= 4; i++)
        say(t, room, i);
    uint64_t before = expect_emits(B1, 1, 4);
    end_send(B1, reply_op(RC_OP_CONFIRM, slot_of(room), 2));
    gw_down(t, 0);
    say(t, room, 5);
    uint64_t generation, after = 0;
    static const uint64_t order[] = {1, 3, 4, 5};
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(next_emit(B2, &generation), order[i]);
        assert_true(generation > before && (i == 0 || generation == after));
        after = generation;
    }
    expect_nothing(B2);
    expect_nothing(&t->b[2]);
    assert_int_equal(gw_stats(t).resends, 3);

    gw_up(t, 0); /* the first is back: again the whole queue, with a higher generation */
    got_clear(B1);
    assert_int_equal(next_emit(B1, &generation), 1);
    assert_true(generation > after);
}

static void a_broker_that_comes_back_in_a_new_session_gets_all_again(void **state)
{
    struct gw *t = *state;
    const char *room = start(t);
    say(t, room, 1);
    say(t, room, 2);
    uint64_t before = expect_emits(B1, 1, 2);
    gw_up(t, 0);                               /* replaces the session */
    uint64_t between = expect_emits(B2, 1, 2); /* for the moment without a session */
    assert_true(between > before);
    assert_true(expect_emits(B1, 1, 2) > between);
    say(t, room, 3);
    expect_emits(B1, 3, 3);
}

static void a_confirm_of_any_session_counts(void **state)
{
    struct gw *t = *state;
    const char *room = start(t);
    say(t, room, 1);
    B1->state = RC_FIT;
    end_say(B1);
    expect_emits(B2, 1, 1);
    end_send(B1, reply_op(RC_OP_CONFIRM, slot_of(room), 1)); /* the old target had it all the same */
    assert_true(has_result(t, 0, 1, RC_OUTCOME_OK));
}

static void a_refusal_starts_the_queue_again_after_a_pause(void **state)
{
    struct gw *t = *state;
    const char *room = start(t);
    say(t, room, 1);
    say(t, room, 2);
    uint64_t generation = expect_emits(B1, 1, 2);
    end_send(B1, reply_op(RC_OP_REFUSED, slot_of(room), generation));
    say(t, room, 3);
    expect_nothing(B1);
    t->world.now += t->config.times.r - 1;
    rc_gateway_tick(t->g);
    expect_nothing(B1);
    t->world.now++;
    rc_gateway_tick(t->g);
    assert_true(expect_emits(B1, 1, 3) > generation); /* back to the same one, which is still the first */
    assert_int_equal(gw_stats(t).refusals, 1);
}

static void a_refusal_of_an_old_generation_is_ignored(void **state)
{
    struct gw *t = *state;
    const char *room = start(t);
    say(t, room, 1);
    uint64_t old = expect_emits(B1, 1, 1);
    end_send(B1, reply_op(RC_OP_REFUSED, slot_of(room), old));
    t->world.now += t->config.times.r;
    rc_gateway_tick(t->g);
    expect_emits(B1, 1, 1);
    end_send(B1, reply_op(RC_OP_REFUSED, slot_of(room), old));
    end_send(B2, reply_op(RC_OP_REFUSED, slot_of(room), old + 2)); /* not the target */
    say(t, room, 2);
    expect_emits(B1, 2, 2);
    assert_int_equal(gw_stats(t).refusals, 1);
}

static void a_busy_broker_is_left_alone_for_longer(void **state)
{
    struct gw *t = *state;
    const char *room = start(t);
    say(t, room, 1);
    uint64_t generation = expect_emits(B1, 1, 1);
    struct rc_op *op = reply_op(RC_OP_REFUSED, slot_of(room), generation);
    op->reply.reason = RC_BUSY;
    end_send(B1, op);
    t->world.now += 10 * t->config.times.r - 1;
    rc_gateway_tick(t->g);
    expect_nothing(B1);
    t->world.now++;
    rc_gateway_tick(t->g);
    expect_emits(B1, 1, 1);
}

static void after_a_busy_refusal_one_goes_ahead(void **state)
{
    struct gw *t = *state;
    const char *room = start(t);
    for (unsigned i = 1; i <= 3; i++)
        say(t, room, i);
    struct rc_op *op = reply_op(RC_OP_REFUSED, slot_of(room), expect_emits(B1, 1, 3));
    op->reply.reason = RC_BUSY;
    end_send(B1, op);
    t->world.now += 10 * t->config.times.r;
    rc_gateway_tick(t->g);
    expect_emits(B1, 1, 1);
    expect_nothing(B1);
    say(t, room, 4);
    expect_nothing(B1);
    end_send(B1, reply_op(RC_OP_DELIVERED, slot_of(room), 1));
    expect_emits(B1, 2, 4);
}

static void slots_do_not_wait_for_each_other(void **state)
{
    struct gw *t = *state;
    const char *room = start(t), *other = gw_room(t, 0, 1, 1);
    say(t, room, 1);
    uint64_t generation = expect_emits(B1, 1, 1);
    end_send(B1, reply_op(RC_OP_REFUSED, slot_of(room), generation));
    say(t, other, 2);
    expect_emits(B1, 2, 2);
}

/* ---- two rooms */

static void two_rooms_are_two_emits_with_one_result(void **state)
{
    struct gw *t = *state;
    const char *room = start(t);
    const struct emit both = {.socket = 1, .token = 5, .row = true, .room = {room, "/,admins"}};
    assert_int_equal(gw_emit(t, both), RC_OUTCOME_OK);
    struct rc_op *op[2] = {NULL, NULL};
    for (unsigned i = 0; i < BROKERS; i++) {
        end_pull(&t->b[i]);
        for (struct rc_op *o; (o = got(&t->b[i], RC_OP_EMIT));)
            op[o->emit.msg.seq - 1] = o;
    }
    assert_true(op[0] && op[1]);
    assert_true(is_text(op[0]->emit.msg.room, room));
    assert_null(op[0]->emit.msg.except);
    assert_true(is_text(op[0]->emit.row, "row"));
    assert_true(is_text(op[1]->emit.msg.room, "/,admins"));
    assert_true(is_text(op[1]->emit.msg.except, room)); /* a socket in both gets the first */
    assert_null(op[1]->emit.row);                       /* and it is stored once */
    end_send(B1, reply_op(RC_OP_CONFIRM, op[1]->emit.slot, 2));
    assert_int_equal(t->n_result, 0);
    end_send(B1, reply_op(RC_OP_CONFIRM, op[0]->emit.slot, 1));
    assert_int_equal(t->n_result, 1);
    assert_true(has_result(t, 0, 5, RC_OUTCOME_OK));
    rc_op_free(op[0]);
    rc_op_free(op[1]);
}

static void the_same_room_twice_is_one_emit(void **state)
{
    struct gw *t = *state;
    const char *room = start(t);
    assert_int_equal(gw_emit(t, (struct emit){.socket = 1, .room = {room, room}}), RC_OUTCOME_OK);
    assert_int_equal(gw_stats(t).emits, 1);
    expect_emits(B1, 1, 1);
}

static void fecha_never_goes_back(void **state)
{
    struct gw *t = *state;
    const char *room = start(t);
    struct rc_emit emit = {.socket = 1, .n = 1, .payload = text("event"), .room = {text(room)}, .row = text("row")};
    static const int64_t told[] = {5000, 4000, 5001}, kept[] = {5000, 5000, 5001};
    for (unsigned i = 0; i < 3; i++) {
        emit.fecha = told[i];
        assert_int_equal(rc_gateway_emit(t->g, &emit), RC_OUTCOME_OK);
    }
    end_pull(B1);
    for (unsigned i = 0; i < 3; i++) {
        struct rc_op *op = got(B1, RC_OP_EMIT);
        assert_int_equal(op->emit.fecha, kept[i]);
        rc_op_free(op);
    }
    rc_buf_rele(emit.payload);
    rc_buf_rele(emit.room[0]);
    rc_buf_rele(emit.row);
}

/* ---- bounds */

static void a_socket_that_says_too_much_is_paused_until_half_is_confirmed(void **state)
{
    struct gw *t = *state;
    const char *room = start(t);
    const struct emit large = {.socket = 1, .room = {room}, .bytes = 4000};
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(gw_emit(t, large), RC_OUTCOME_OK);
    assert_int_equal(t->n_pause, 0);
    assert_int_equal(gw_emit(t, large), RC_OUTCOME_OK);
    assert_int_equal(t->n_pause, 1);
    end_send(B1, reply_op(RC_OP_CONFIRM, slot_of(room), 1));
    end_send(B1, reply_op(RC_OP_CONFIRM, slot_of(room), 2));
    assert_int_equal(t->n_resume, 0);
    end_send(B1, reply_op(RC_OP_CONFIRM, slot_of(room), 3));
    assert_int_equal(t->n_resume, 1);
    assert_int_equal(t->n_pause, 1);
}

static void what_is_delivered_frees_the_socket_and_not_the_gateway(void **state)
{
    struct gw *t = *state;
    const char *room = start(t);
    const struct emit large = {.socket = 1, .row = true, .room = {room}, .bytes = 4000};
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(gw_emit(t, large), RC_OUTCOME_OK);
    assert_int_equal(t->n_pause, 1);
    size_t bytes = gw_stats(t).unconfirmed_bytes;
    for (uint64_t seq = 1; seq <= 4; seq++) {
        end_send(B1, reply_op(RC_OP_DELIVERED, slot_of(room), seq));
        end_send(B1, reply_op(RC_OP_DELIVERED, slot_of(room), seq)); /* of a second target: counted once */
    }
    assert_int_equal(t->n_resume, 1);
    assert_int_equal(t->n_result, 0);
    assert_int_equal(gw_stats(t).unconfirmed_bytes, bytes);
    for (uint64_t seq = 1; seq <= 4; seq++)
        end_send(B1, reply_op(RC_OP_CONFIRM, slot_of(room), seq));
    assert_int_equal(gw_stats(t).unconfirmed_bytes, 0);
    for (unsigned i = 0; i < 3; i++) /* and nothing was given back twice */
        assert_int_equal(gw_emit(t, large), RC_OUTCOME_OK);
    assert_int_equal(t->n_pause, 1);
}

static void a_full_gateway_is_busy(void **state)
{
    struct gw *t = *state;
    t->config.bound = 20000;
    t->config.socket_bound = 1 << 20;
    gw_again(t);
    const char *room = start(t);
    const struct emit large = {.socket = 1, .token = 1, .room = {room}, .bytes = 9000};
    assert_int_equal(gw_emit(t, large), RC_OUTCOME_OK);
    assert_int_equal(gw_emit(t, large), RC_OUTCOME_OK);
    assert_int_equal(gw_emit(t, large), RC_OUTCOME_BUSY);
    assert_int_equal(gw_stats(t).busy, 1);
    assert_int_equal(gw_stats(t).unconfirmed, 2);
    expect_emits(B1, 1, 2); /* nothing was sent */
    end_send(B1, reply_op(RC_OP_CONFIRM, slot_of(room), 1));
    assert_int_equal(gw_emit(t, large), RC_OUTCOME_OK);
}

/* Two large messages are delivered by b1 and wait for storage, and the gateway is full. */
static const char *fill_with_delivered(struct gw *t)
{
    t->config.bound = 20000;
    t->config.socket_bound = 1 << 20;
    gw_again(t);
    const char *room = start(t);
    for (uint64_t i = 1; i <= 2; i++) {
        assert_int_equal(gw_emit(t, (struct emit){.socket = 1, .token = i, .row = true, .room = {room}, .bytes = 9000}),
                         RC_OUTCOME_OK);
        end_send(B1, reply_op(RC_OP_DELIVERED, slot_of(room), i));
    }
    expect_emits(B1, 1, 2);
    return room;
}

static void the_oldest_payload_of_what_is_delivered_goes_first(void **state)
{
    struct gw *t = *state;
    const char *room = fill_with_delivered(t);
    const struct emit more = {.socket = 1, .token = 3, .row = true, .room = {room}, .bytes = 9000};
    assert_int_equal(gw_emit(t, more), RC_OUTCOME_OK);
    assert_int_equal(gw_stats(t).stripped, 1);
    assert_int_equal(gw_stats(t).unconfirmed, 3);
    assert_in_range(gw_stats(t).unconfirmed_bytes, 18000, 20000);
    assert_int_equal(t->n_result, 0); /* it is still to be stored */
    assert_int_equal(gw_emit(t, more), RC_OUTCOME_OK);
    assert_int_equal(gw_stats(t).stripped, 2);
    assert_int_equal(gw_emit(t, more), RC_OUTCOME_BUSY); /* what is left is not delivered */
    assert_int_equal(gw_stats(t).busy, 1);
    for (uint64_t i = 1; i <= 4; i++) {
        end_send(B1, reply_op(RC_OP_CONFIRM, slot_of(room), i));
        assert_true(has_result(t, (unsigned)i - 1, i < 4 ? i : 3, RC_OUTCOME_OK));
    }
    assert_int_equal(gw_stats(t).unconfirmed_bytes, 0);
}

/* Nobody misses it: all members acknowledged it. Only whether it was stored is not known. */
static void what_has_no_payload_is_not_sent_again_and_ends_with_its_broker(void **state)
{
    struct gw *t = *state;
    const char *room = fill_with_delivered(t);
    const struct emit more = {.socket = 1, .token = 3, .row = true, .room = {room}, .bytes = 9000};
    assert_int_equal(gw_emit(t, more), RC_OUTCOME_OK);
    gw_down(t, 0);
    assert_int_equal(t->n_result, 1);
    assert_true(has_result(t, 0, 1, RC_OUTCOME_NOT_STORED));
    assert_int_equal(gw_stats(t).not_stored, 1);
    assert_int_equal(t->n_closed, 0);
    expect_emits(B2, 2, 3);
    assert_int_equal(gw_emit(t, more), RC_OUTCOME_BUSY); /* 2 waits for b2 now, which has not delivered it */
    end_send(B2, reply_op(RC_OP_DELIVERED, slot_of(room), 2));
    assert_int_equal(gw_emit(t, more), RC_OUTCOME_OK);
    assert_int_equal(gw_stats(t).stripped, 2);
}

static void what_has_no_payload_is_confirmed_by_the_broker_that_delivered_it(void **state)
{
    struct gw *t = *state;
    const char *room = fill_with_delivered(t);
    const struct emit more = {.socket = 1, .token = 3, .row = true, .room = {room}, .bytes = 9000};
    assert_int_equal(gw_emit(t, more), RC_OUTCOME_OK);
    expect_emits(B1, 3, 3);
    B1->state = RC_UNFIT; /* its session stays */
    end_say(B1);
    expect_emits(B2, 2, 3);
    end_send(B1, reply_op(RC_OP_CONFIRM, slot_of(room), 1));
    assert_true(has_result(t, 0, 1, RC_OUTCOME_OK));
    gw_run(t, t->config.times.e + t->config.times.tick);
    assert_int_equal(gw_stats(t).unconfirmed_bytes, 0);
    assert_int_equal(gw_stats(t).not_stored, 1); /* the second was delivered, the third not */
    assert_int_equal(gw_stats(t).expired, 1);
}

static void a_socket_that_does_not_heed_the_pause_is_busy(void **state)
{
    struct gw *t = *state;
    const char *room = start(t);
    const struct emit large = {.socket = 1, .room = {room}, .bytes = 4000};
    unsigned taken = 0;
    while (taken < 100 && gw_emit(t, large) == RC_OUTCOME_OK)
        taken++;
    assert_in_range(taken * 4000, 2 * t->config.socket_bound, 4 * t->config.socket_bound);
    assert_int_equal(t->n_pause, 1);
}

static void what_exceeds_the_credit_waits_in_its_queue(void **state)
{
    struct gw *t = *state;
    t->config.credit = 8000;
    t->config.socket_bound = 1 << 20;
    gw_again(t);
    const char *room = start(t), *other = gw_room(t, 0, 1, 1);
    for (unsigned i = 0; i < 4; i++) {
        const struct emit large = {.socket = 1, .room = {i % 2 ? other : room}, .bytes = 5000};
        assert_int_equal(gw_emit(t, large), RC_OUTCOME_OK);
    }
    B1->deaf = true;
    expect_emits(B1, 1, 2); /* up to the credit, and the one that exceeds it */
    B1->deaf = false;
    end_ack(B1);
    uint64_t generation;
    assert_int_equal(next_emit(B1, &generation), 3);
    assert_int_equal(next_emit(B1, &generation), 4);
}

/* ---- giving up */

static void an_emit_with_ack_wish_ends_unknown_after_e(void **state)
{
    struct gw *t = *state;
    const char *room = start(t);
    assert_int_equal(gw_emit(t, (struct emit){.socket = 1, .token = 3, .wants_ack = true, .room = {room}}),
                     RC_OUTCOME_OK);
    gw_run(t, t->config.times.e);
    assert_int_equal(t->n_result, 0);
    gw_run(t, t->config.times.tick);
    assert_true(has_result(t, 0, 3, RC_OUTCOME_UNKNOWN));
    assert_int_equal(t->n_closed, 0);
    assert_int_equal(gw_stats(t).expired, 1);
    assert_int_equal(gw_stats(t).unconfirmed, 0);
}

static void without_ack_wish_the_socket_is_closed(void **state)
{
    struct gw *t = *state;
    const char *room = start(t);
    const struct emit both = {.socket = 1, .room = {room, "/,admins"}};
    assert_int_equal(gw_emit(t, both), RC_OUTCOME_OK);
    say(t, room, 2);
    gw_run(t, t->config.times.e + t->config.times.tick);
    assert_int_equal(t->n_closed, 1);
    assert_int_equal(t->closed[0], 1);
    assert_int_equal(t->why[0], RC_SOCKET_EXPIRED);
    assert_int_equal(gw_stats(t).expired, 3);
    assert_int_equal(gw_stats(t).sockets, 0);
}

static void what_was_delivered_and_not_stored_closes_nobody(void **state)
{
    struct gw *t = *state;
    const char *room = start(t);
    assert_int_equal(gw_emit(t, (struct emit){.socket = 1, .token = 3, .row = true, .room = {room}}), RC_OUTCOME_OK);
    end_send(B1, reply_op(RC_OP_DELIVERED, slot_of(room), 1));
    gw_run(t, t->config.times.e + t->config.times.tick);
    assert_true(has_result(t, 0, 3, RC_OUTCOME_NOT_STORED));
    assert_int_equal(t->n_closed, 0);
    assert_int_equal(gw_stats(t).not_stored, 1);
    assert_int_equal(gw_stats(t).expired, 0);
}

static void the_result_of_a_socket_that_left_is_told_to_nobody(void **state)
{
    struct gw *t = *state;
    const char *room = start(t);
    say(t, room, 1);
    rc_gateway_disconnect(t->g, 1);
    assert_int_equal(gw_stats(t).unconfirmed, 1); /* the message itself goes on */
    end_send(B1, reply_op(RC_OP_CONFIRM, slot_of(room), 1));
    assert_int_equal(t->n_result, 0);
    assert_int_equal(gw_stats(t).unconfirmed, 0);
}

static void a_socket_that_is_not_open_cannot_speak(void **state)
{
    struct gw *t = *state;
    gw_serve(t);
    const char *room = gw_room(t, 0, 1, 0);
    assert_true(gw_connect(t, 1, room));
    assert_int_equal(gw_emit(t, (struct emit){.socket = 1, .room = {room}}), RC_OUTCOME_UNKNOWN);
    assert_int_equal(gw_emit(t, (struct emit){.socket = 2, .room = {room}}), RC_OUTCOME_UNKNOWN);
    assert_int_equal(gw_stats(t).emits, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, gw_setup, gw_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_emit_goes_to_the_first_open_broker_and_only_there),
        TEST(a_broker_that_is_only_fit_is_passed_over),
        TEST(a_confirmed_message_is_reported_once),
        TEST(a_new_target_gets_the_whole_queue_in_order),
        TEST(a_broker_that_comes_back_in_a_new_session_gets_all_again),
        TEST(a_confirm_of_any_session_counts),
        TEST(a_refusal_starts_the_queue_again_after_a_pause),
        TEST(a_refusal_of_an_old_generation_is_ignored),
        TEST(a_busy_broker_is_left_alone_for_longer),
        TEST(after_a_busy_refusal_one_goes_ahead),
        TEST(slots_do_not_wait_for_each_other),
        TEST(two_rooms_are_two_emits_with_one_result),
        TEST(the_same_room_twice_is_one_emit),
        TEST(fecha_never_goes_back),
        TEST(a_socket_that_says_too_much_is_paused_until_half_is_confirmed),
        TEST(what_is_delivered_frees_the_socket_and_not_the_gateway),
        TEST(a_full_gateway_is_busy),
        TEST(the_oldest_payload_of_what_is_delivered_goes_first),
        TEST(what_has_no_payload_is_not_sent_again_and_ends_with_its_broker),
        TEST(what_has_no_payload_is_confirmed_by_the_broker_that_delivered_it),
        TEST(a_socket_that_does_not_heed_the_pause_is_busy),
        TEST(what_exceeds_the_credit_waits_in_its_queue),
        TEST(an_emit_with_ack_wish_ends_unknown_after_e),
        TEST(without_ack_wish_the_socket_is_closed),
        TEST(what_was_delivered_and_not_stored_closes_nobody),
        TEST(the_result_of_a_socket_that_left_is_told_to_nobody),
        TEST(a_socket_that_is_not_open_cannot_speak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
