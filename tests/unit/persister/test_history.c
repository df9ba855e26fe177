/* History: answers to queries as a gateway sends them, cursors, and the thread that makes the answers. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "broker/persister/history.h"
#include "fixture.h"
#include "link/link.h"

static struct load load;

static int teardown(void **state)
{
    clear(&load);
    return shelf_remove(state);
}

static struct rc_buf *pack_side(Roomcast__Side *side)
{
    struct rc_buf *buf = rc_buf_new(roomcast__side__get_packed_size(side));
    roomcast__side__pack(side, buf->data);
    return buf;
}

static struct rc_buf *pack_query(Roomcast__Query *query)
{
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    side.kind_case = ROOMCAST__SIDE__KIND_QUERY;
    side.query = query;
    return pack_side(&side);
}

static Roomcast__Query of_user(const char *user, uint32_t limit)
{
    Roomcast__Query q = ROOMCAST__QUERY__INIT;
    q.id = 77;
    q.kind = ROOMCAST__QUERY__KIND__OF_USER;
    q.user = (ProtobufCBinaryData){strlen(user), (uint8_t *)(uintptr_t)user};
    q.limit = limit;
    return q;
}

static Roomcast__Side *unpack(const struct rc_answer *answer)
{
    assert_non_null(answer->side);
    Roomcast__Side *side = roomcast__side__unpack(NULL, answer->side->len, answer->side->data);
    assert_non_null(side);
    assert_int_equal(side->kind_case, ROOMCAST__SIDE__KIND_ROWS);
    return side;
}

/* The caller frees it. */
static Roomcast__Side *ask(struct rc_store *store, Roomcast__Query *query)
{
    struct rc_buf *bytes = pack_query(query);
    struct rc_answer *answer = rc_answer_new(store, 5, bytes);
    Roomcast__Side *side = unpack(answer);
    assert_int_equal(answer->asker, 5);
    assert_int_equal(side->rows->id, query->id);
    assert_int_equal(answer->rows, side->rows->n_row + side->rows->n_user);
    rc_answer_free(answer);
    rc_buf_rele(bytes);
    return side;
}

static void drop(Roomcast__Side *side)
{
    roomcast__side__free_unpacked(side, NULL);
}

static bool is(ProtobufCBinaryData data, const char *want)
{
    return data.len == strlen(want) && memcmp(data.data, want, data.len) == 0;
}

static void row_comes_back_as_it_was(void **state)
{
    struct shelf *f = *state;
    add_raw(&load, 1700000000123, "g", 1, 1, make_row(text("ana"), text("bea"), text("{\"a\":[1,null]}"), false));
    commit(f->store, &load);
    Roomcast__Query q = of_user("bea", 0);
    Roomcast__Side *side = ask(f->store, &q);
    assert_int_equal(side->rows->n_row, 1);
    Roomcast__HistoryRow *row = side->rows->row[0];
    assert_true(is(row->de, "ana") && is(row->para, "bea") && is(row->mensaje, "{\"a\":[1,null]}"));
    assert_int_equal(row->fecha, 1700000000123);
    assert_int_equal(side->rows->cursor.len, 0);
    assert_int_equal(side->rows->error.len, 0);
    drop(side);
}

static void unknown_user_has_an_empty_history(void **state)
{
    struct shelf *f = *state;
    Roomcast__Query q = of_user("nadie", 0);
    Roomcast__Side *side = ask(f->store, &q);
    assert_int_equal(side->rows->n_row, 0);
    assert_int_equal(side->rows->cursor.len, 0);
    assert_int_equal(side->rows->error.len, 0);
    drop(side);
}

/* Follows the cursor; the first number of each page goes into first[], the number of pages comes back. */
static size_t follow(struct rc_store *store, Roomcast__Query q, int64_t first[8], size_t *rows)
{
    uint8_t cursor[300];
    size_t pages = 0;
    *rows = 0;
    for (;;) {
        Roomcast__Side *side = ask(store, &q);
        assert_true(side->rows->n_row > 0 && pages < 8);
        for (size_t i = 1; i < side->rows->n_row; i++) /* oldest first, whichever way it walks */
            assert_true(side->rows->row[i - 1]->fecha < side->rows->row[i]->fecha);
        first[pages++] = side->rows->row[0]->fecha;
        *rows += side->rows->n_row;
        q.cursor = (ProtobufCBinaryData){side->rows->cursor.len, cursor};
        if (q.cursor.len)
            memcpy(cursor, side->rows->cursor.data, q.cursor.len);
        drop(side);
        if (!q.cursor.len)
            return pages;
    }
}

static void pages_lead_through_everything_both_ways(void **state)
{
    struct shelf *f = *state;
    int64_t first[8];
    size_t rows;
    for (uint64_t i = 1; i <= 10; i++)
        add(&load, (int64_t)i, "g", i, "ana", "bea");
    commit(f->store, &load);
    Roomcast__Query q = of_user("ana", 4);
    assert_int_equal(follow(f->store, q, first, &rows), 3);
    assert_int_equal(rows, 10);
    assert_true(first[0] == 1 && first[1] == 5 && first[2] == 9);
    q.newest = true;
    assert_int_equal(follow(f->store, q, first, &rows), 3);
    assert_int_equal(rows, 10);
    assert_true(first[0] == 7 && first[1] == 3 && first[2] == 1);
}

static void pages_by_log_do_not_pass_over_what_comes_late(void **state)
{
    struct shelf *f = *state;
    uint8_t later[120];
    for (uint64_t i = 11; i <= 14; i++)
        add(&load, (int64_t)i, "g", i, "ana", "bea");
    commit(f->store, &load);
    Roomcast__Query q = of_user("ana", 3);
    q.newest = q.by_log = true;
    Roomcast__Side *one = ask(f->store, &q);
    assert_int_equal(one->rows->n_row, 3);
    assert_true(one->rows->row[0]->fecha == 12 && one->rows->row[2]->fecha == 14);
    add(&load, 1, "g", 1, "ana", "bea");
    commit(f->store, &load);
    q.cursor = one->rows->cursor;
    assert_true(q.cursor.len > 0);
    Roomcast__Side *two = ask(f->store, &q);
    assert_true(two->rows->n_row == 1 && two->rows->row[0]->fecha == 11);
    assert_int_equal(two->rows->cursor.len + two->rows->later.len, 0);
    q.newest = false;
    q.cursor = (ProtobufCBinaryData){one->rows->later.len, later};
    assert_in_range(q.cursor.len, 1, sizeof later);
    memcpy(later, one->rows->later.data, q.cursor.len);
    Roomcast__Side *late = ask(f->store, &q);
    assert_true(late->rows->n_row == 1 && late->rows->row[0]->fecha == 1);
    assert_true(late->rows->cursor.len == 0 && late->rows->later.len > 0);
    drop(one);
    drop(two);
    drop(late);
}

static void conversations_are_listed(void **state)
{
    struct shelf *f = *state;
    add(&load, 1, "g", 1, "bea", "admin");
    add(&load, 1, "g", 2, "ana", "admin");
    add_raw(&load, 2, "g", 1, 3, make_row(text("admin"), text("eva"), text("1"), true));
    commit(f->store, &load);
    Roomcast__Query q = ROOMCAST__QUERY__INIT;
    q.kind = ROOMCAST__QUERY__KIND__CONVERSATIONS;
    q.limit = 2;
    Roomcast__Side *one = ask(f->store, &q);
    assert_int_equal(one->rows->n_user, 2);
    assert_true(is(one->rows->user[0], "ana") && is(one->rows->user[1], "bea"));
    q.cursor = one->rows->cursor;
    assert_true(q.cursor.len > 0);
    Roomcast__Side *two = ask(f->store, &q);
    assert_int_equal(two->rows->n_user, 1);
    assert_true(is(two->rows->user[0], "eva"));
    assert_int_equal(two->rows->cursor.len, 0);
    drop(one);
    drop(two);
}

static void assert_error(struct rc_store *store, Roomcast__Query *q, const char *want)
{
    Roomcast__Side *side = ask(store, q);
    assert_int_equal(side->rows->n_row + side->rows->n_user, 0);
    if (!is(side->rows->error, want))
        fail_msg("error is %.*s", (int)side->rows->error.len, (const char *)side->rows->error.data);
    drop(side);
}

static void nonsense_is_answered_with_an_error(void **state)
{
    struct shelf *f = *state;
    Roomcast__Query q = of_user("ana", 0);
    uint8_t junk[300];
    memset(junk, 1, sizeof junk);
    const size_t len[] = {1, 2, 26, 28, 89, 90, 300};
    for (size_t i = 0; i < sizeof len / sizeof len[0]; i++) {
        q.cursor = (ProtobufCBinaryData){len[i], junk};
        assert_error(f->store, &q, "bad cursor");
        q.by_log = true;
        for (junk[0] = 1; junk[0] <= 5; junk[0]++)
            assert_error(f->store, &q, "bad cursor");
        q.by_log = false;
        junk[0] = 1;
    }
    uint8_t of_conversations[] = "\2ana";
    q.cursor = (ProtobufCBinaryData){4, of_conversations};
    assert_error(f->store, &q, "bad cursor");
    q.kind = ROOMCAST__QUERY__KIND__CONVERSATIONS;
    q.cursor = (ProtobufCBinaryData){sizeof junk, junk};
    assert_error(f->store, &q, "bad cursor");
    q.cursor.len = 4; /* of messages */
    assert_error(f->store, &q, "bad cursor");
    q.kind = (Roomcast__Query__Kind)9;
    assert_error(f->store, &q, "unknown kind of query");
}

static void what_is_no_query_has_no_answer(void **state)
{
    struct shelf *f = *state;
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    Roomcast__Map map = ROOMCAST__MAP__INIT;
    side.kind_case = ROOMCAST__SIDE__KIND_MAP;
    side.map = &map;
    struct rc_buf *bytes[] = {rc_buf_copy("\xff\xff", 2), rc_buf_copy("", 0), pack_side(&side)};
    for (size_t i = 0; i < 3; i++) {
        struct rc_answer *answer = rc_answer_new(f->store, 1, bytes[i]);
        assert_null(answer->side);
        rc_answer_free(answer);
        rc_buf_rele(bytes[i]);
    }
}

static void message_that_no_link_carries_is_an_error(void **state)
{
    struct shelf *f = *state;
    uint8_t *big = calloc(1, RC_LINK_SIDE_MAX);
    assert_non_null(big);
    add_raw(&load, 1, "g", 1, 1, make_row(text("ana"), text("bea"), (struct rc_slice){big, RC_LINK_SIDE_MAX}, false));
    free(big);
    assert_int_equal(commit(f->store, &load).stored, 1);
    Roomcast__Query q = of_user("ana", 0);
    assert_error(f->store, &q, "a message is too large for an answer");
}

/* ---- the thread ------------------------------------------------------------------------------- */

static struct rc_answer *wait_answer(struct rc_history *history)
{
    struct rc_answer *answer;
    struct pollfd fd = {.fd = rc_history_fd(history), .events = POLLIN};
    while (!(answer = rc_history_take(history)))
        assert_int_equal(poll(&fd, 1, 20000), 1);
    return answer;
}

static void thread_answers_in_order(void **state)
{
    struct shelf *f = *state;
    add(&load, 1, "g", 1, "ana", "bea");
    commit(f->store, &load);
    struct rc_history *history = rc_history_new(f->store);
    assert_non_null(history);
    for (uint64_t asker = 1; asker <= 20; asker++) {
        Roomcast__Query q = of_user("ana", 0);
        struct rc_buf *bytes = pack_query(&q);
        assert_null(rc_history_ask(history, asker, bytes));
        rc_buf_rele(bytes);
    }
    for (uint64_t asker = 1; asker <= 20; asker++) {
        struct rc_answer *answer = wait_answer(history);
        assert_int_equal(answer->asker, asker);
        assert_int_equal(answer->rows, 1);
        rc_answer_free(answer);
    }
    assert_int_equal(rc_history_pending(history), 0);
    rc_history_free(history);
}

static void too_many_queries_are_busy(void **state)
{
    struct shelf *f = *state;
    struct rc_history *history = rc_history_new(f->store);
    Roomcast__Query q = of_user("ana", 0);
    struct rc_buf *bytes = pack_query(&q);
    for (uint64_t i = 0; i < RC_HISTORY_PENDING; i++)
        assert_null(rc_history_ask(history, i, bytes));
    struct rc_answer *answer = rc_history_ask(history, 99, bytes);
    assert_non_null(answer);
    assert_int_equal(answer->asker, 99);
    Roomcast__Side *side = unpack(answer);
    assert_int_equal(side->rows->id, 77);
    assert_true(is(side->rows->error, "busy"));
    drop(side);
    rc_answer_free(answer);
    rc_answer_free(wait_answer(history)); /* makes room for one more */
    assert_null(rc_history_ask(history, 100, bytes));
    rc_buf_rele(bytes);
    rc_history_free(history); /* with answers that nobody took */
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, shelf_open, teardown)
    const struct CMUnitTest tests[] = {
        T(row_comes_back_as_it_was),
        T(unknown_user_has_an_empty_history),
        T(pages_lead_through_everything_both_ways),
        T(pages_by_log_do_not_pass_over_what_comes_late),
        T(conversations_are_listed),
        T(nonsense_is_answered_with_an_error),
        T(what_is_no_query_has_no_answer),
        T(message_that_no_link_carries_is_an_error),
        T(thread_answers_in_order),
        T(too_many_queries_are_busy),
    };
    return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
