/* The commit log between two stores: identity, pages, what is left out, cursors, and the thread between. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "broker/persister/exchange.h"
#include "broker/persister/log_wire.h"
#include "fixture.h"

struct fixture {
    char dir[2][64];
    struct rc_store *store[2];
};

static struct load load; /* large; empty between tests */

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    for (int i = 0; f && i < 2; i++) {
        make_folder(f->dir[i]);
        f->store[i] = open_dir(f->dir[i], MAP);
    }
    *state = f;
    return f ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 2; i++) {
        rc_store_close(f->store[i]);
        remove_tree(f->dir[i]);
    }
    free(f);
    return 0;
}

static void put(struct rc_store *store, uint64_t first, uint64_t last)
{
    for (uint64_t seq = first; seq <= last; seq++)
        add(&load, (int64_t)(1000 + seq), "gateway-1", seq, "ana", "bea");
    commit(store, &load);
}

/* A page of the log, as it goes over the wire. */
static struct rc_log_page page_of(struct rc_store *store, uint64_t identity, uint64_t from, uint32_t rows,
                                  uint32_t bytes)
{
    struct rc_pull pull = {identity, from, rows, bytes}, heard;
    struct rc_log_page page;
    struct rc_buf *asked = rc_pull_pack(&pull);
    assert_true(rc_pull_unpack(asked, &heard));
    struct rc_buf *side = rc_log_answer(store, &heard);
    assert_false(rc_pull_unpack(side, &heard));
    assert_false(rc_log_page_unpack(asked, &page));
    assert_true(rc_log_page_unpack(side, &page));
    assert_int_equal(page.bytes, side->len);
    rc_buf_rele(asked);
    rc_buf_rele(side);
    return page;
}

static uint64_t log_last(struct rc_store *store)
{
    struct rc_store_info info;
    assert_true(rc_store_info(store, &info));
    assert_int_equal(info.log_entries, info.rows);
    return info.log_last;
}

/* Puts a page as the core does: its rows and the cursor behind it. */
static struct rc_store_outcome take(struct rc_store *store, const char *peer, struct rc_log_page *page)
{
    load.commit.record = load.record;
    for (size_t i = 0; i < page->n; i++)
        load.record[load.commit.n++] =
            (struct rc_record){page->row[i].record.key, rc_buf_hold(page->row[i].record.row)};
    load.commit.cursors = 1;
    load.commit.cursor[0] = (struct rc_cursor){.store = page->store, .number = page->upto};
    snprintf(load.commit.cursor[0].peer, sizeof load.commit.cursor[0].peer, "%s", peer);
    rc_log_page_fini(page);
    return commit(store, &load);
}

/* ---- the store */

static void each_store_has_an_identity_that_stays(void **state)
{
    struct fixture *f = *state;
    uint64_t identity = rc_store_identity(f->store[0]);
    assert_true(identity != 0);
    assert_true(identity != rc_store_identity(f->store[1]));
    rc_store_close(f->store[0]);
    f->store[0] = open_dir(f->dir[0], MAP);
    assert_true(identity == rc_store_identity(f->store[0]));
}

static void a_page_is_bounded_and_says_where_it_ends(void **state)
{
    struct fixture *f = *state;
    uint64_t identity = rc_store_identity(f->store[0]);
    put(f->store[0], 1, 10);
    struct rc_log_page page = page_of(f->store[0], identity, 3, 4, 100000);
    assert_int_equal(page.n, 4);
    assert_int_equal(page.from, 3);
    assert_int_equal(page.upto, 6);
    assert_int_equal(page.last, 10);
    assert_int_equal(page.row[0].number, 3);
    assert_int_equal(page.row[0].record.key.seq, 3);
    rc_log_page_fini(&page);
    page = page_of(f->store[0], identity, 10, 4, 1); /* one at least */
    assert_int_equal(page.n, 1);
    assert_int_equal(page.upto, 10);
    rc_log_page_fini(&page);
    page = page_of(f->store[0], identity, 11, 4, 100000);
    assert_int_equal(page.n, 0);
    assert_int_equal(page.upto, 10);
    assert_int_equal(page.last, 10);
    rc_log_page_fini(&page);
    page = page_of(f->store[0], identity, 1, 1000, 100); /* rows of 33 bytes */
    assert_int_equal(page.n, 3);
    assert_int_equal(page.upto, page.n);
    rc_log_page_fini(&page);
}

static void who_means_another_store_gets_its_name_only(void **state)
{
    struct fixture *f = *state;
    put(f->store[0], 1, 3);
    for (uint64_t asked = 0; asked < 2; asked++) {
        struct rc_log_page page = page_of(f->store[0], asked, 1, 10, 1000);
        assert_int_equal(page.n, 0);
        assert_true(page.store == rc_store_identity(f->store[0]));
        assert_int_equal(page.last, 3);
        rc_log_page_fini(&page);
    }
}

static void a_cursor_belongs_to_one_store_of_one_peer_and_may_go_back(void **state)
{
    struct fixture *f = *state;
    struct rc_log_page page = {.store = 5, .upto = 7};
    take(f->store[0], "p2", &page);
    assert_int_equal(rc_store_cursor(f->store[0], "p2", 5), 7);
    assert_int_equal(rc_store_cursor(f->store[0], "p2", 6), 0);
    assert_int_equal(rc_store_cursor(f->store[0], "p22", 5), 0);
    page = (struct rc_log_page){.store = 5, .upto = 2};
    take(f->store[0], "p2", &page);
    assert_int_equal(rc_store_cursor(f->store[0], "p2", 5), 2);
    page = (struct rc_log_page){.store = 6, .upto = 1};
    take(f->store[0], "p2", &page);
    assert_int_equal(rc_store_cursor(f->store[0], "p2", 5), 0); /* the old one is forgotten */
    assert_int_equal(rc_store_cursor(f->store[0], "p2", 6), 1);
}

/* Both have all after one round, and a second one finds nothing: what was there got no number. */
static void two_stores_are_equal_after_one_round(void **state)
{
    struct fixture *f = *state;
    put(f->store[0], 1, 6);
    put(f->store[1], 4, 9);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 2; i++) {
            struct rc_store *from = f->store[i], *to = f->store[1 - i];
            struct rc_log_page page = page_of(from, rc_store_identity(from), 1, 1000, 100000);
            struct rc_store_outcome out = take(to, i ? "p2" : "p1", &page);
            assert_int_equal(out.stored, round ? 0 : 3);
            assert_int_equal(out.malformed, 0);
        }
    assert_int_equal(log_last(f->store[0]), 9);
    assert_int_equal(log_last(f->store[1]), 9);
}

/* ---- the wire */

static void what_is_no_page_is_refused(void **state)
{
    (void)state;
    struct rc_log_page page;
    struct rc_pull pull;
    Roomcast__Record record = ROOMCAST__RECORD__INIT, *row[RC_LOG_ROWS + 1];
    Roomcast__LogRows rows = ROOMCAST__LOG_ROWS__INIT;
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    struct {
        size_t n;
        uint64_t number;
        const char *origin;
        bool good;
    } const cases[] = {
        {1, 1, "g1", true}, {1, 0, "g1", false}, {1, 1, "g/1", false}, {RC_LOG_ROWS + 1, 1, "g1", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        record.number = cases[i].number;
        record.seq = 1;
        record.origin = (ProtobufCBinaryData){strlen(cases[i].origin), (uint8_t *)(uintptr_t)cases[i].origin};
        for (size_t j = 0; j < cases[i].n; j++)
            row[j] = &record;
        rows.n_row = cases[i].n;
        rows.row = row;
        side.kind_case = ROOMCAST__SIDE__KIND_LOG_ROWS;
        side.log_rows = &rows;
        struct rc_buf *buf = rc_buf_new(roomcast__side__get_packed_size(&side));
        roomcast__side__pack(&side, buf->data);
        assert_int_equal(rc_log_page_unpack(buf, &page), cases[i].good);
        rc_log_page_fini(&page);
        rc_buf_rele(buf);
    }
    struct rc_buf *noise = rc_buf_copy("\xff", 1);
    assert_false(rc_log_page_unpack(noise, &page));
    assert_false(rc_pull_unpack(noise, &pull));
    rc_buf_rele(noise);
}

static void a_pull_is_cut_to_what_a_page_may_be(void **state)
{
    (void)state;
    struct rc_pull pull = {1, 0, UINT32_MAX, UINT32_MAX};
    struct rc_buf *buf = rc_pull_pack(&pull);
    assert_true(rc_pull_unpack(buf, &pull));
    rc_buf_rele(buf);
    assert_int_equal(pull.from, 1);
    assert_int_equal(pull.rows, RC_LOG_ROWS);
    assert_int_equal(pull.bytes, RC_PAGE_BYTES);
}

/* ---- the thread */

static struct rc_exchanged *result(struct rc_exchange *x)
{
    struct rc_exchanged *out;
    struct pollfd fd = {.fd = rc_exchange_fd(x), .events = POLLIN};
    while (!(out = rc_exchange_take(x)))
        assert_int_equal(poll(&fd, 1, 30000), 1);
    return out;
}

static void the_thread_answers_pulls_and_leaves_out_what_is_there(void **state)
{
    struct fixture *f = *state;
    struct rc_exchange *x = rc_exchange_new(f->store[0]);
    struct rc_pull pull = {rc_store_identity(f->store[1]), 1, 100, 100000};
    put(f->store[0], 1, 6);
    put(f->store[1], 4, 9);
    struct rc_buf *rows = rc_log_answer(f->store[1], &pull), *asked = rc_pull_pack(&pull), *noise = rc_buf_copy("?", 1);
    assert_true(rc_exchange_side(x, 7, rows));
    struct rc_exchanged *out = result(x);
    assert_int_equal(out->session, 7);
    assert_true(out->has_page);
    assert_int_equal(out->page.n, 3);
    assert_int_equal(out->page.row[0].record.key.seq, 7);
    assert_int_equal(out->page.upto, 6);
    rc_exchanged_free(out);
    assert_true(rc_exchange_side(x, 8, asked));
    out = result(x);
    assert_non_null(out->side);
    rc_exchanged_free(out);
    assert_true(rc_exchange_side(x, 8, noise));
    out = result(x);
    assert_true(!out->side && !out->has_page);
    rc_exchanged_free(out);
    for (unsigned i = 0; i < RC_EXCHANGE_PENDING; i++)
        assert_true(rc_exchange_side(x, 8, asked));
    assert_false(rc_exchange_side(x, 8, asked));
    rc_exchange_free(x); /* with results that nobody took */
    rc_buf_rele(rows);
    rc_buf_rele(asked);
    rc_buf_rele(noise);
}

/* Retention deleted the whole log: its end is still told, so nobody asks for it for ever; and what it deleted here is not
 * fetched from another store again. */
static void what_retention_deleted_is_passed_over(void **state)
{
    struct fixture *f = *state;
    const struct rc_store_keep keep = {.ms = 1};
    struct rc_store_pruned pruned;
    put(f->store[0], 1, 5);
    put(f->store[1], 1, 7);
    assert_int_equal(rc_store_prune(f->store[0], &keep, 100000, 100, &pruned), RC_STORE_OK);
    assert_int_equal(pruned.deleted, 5);
    struct rc_log_page page = page_of(f->store[0], rc_store_identity(f->store[0]), 1, 10, 100000);
    assert_int_equal(page.n, 0);
    assert_int_equal(page.upto, 5);
    assert_int_equal(page.last, 5);
    rc_log_page_fini(&page);
    page = page_of(f->store[1], rc_store_identity(f->store[1]), 1, 10, 100000);
    assert_int_equal(rc_store_lacking(f->store[0], &page), RC_STORE_OK);
    assert_int_equal(page.n, 2);
    assert_int_equal(page.row[0].record.key.seq, 6);
    rc_log_page_fini(&page);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_store_has_an_identity_that_stays),
        TEST(a_page_is_bounded_and_says_where_it_ends),
        TEST(who_means_another_store_gets_its_name_only),
        TEST(a_cursor_belongs_to_one_store_of_one_peer_and_may_go_back),
        TEST(two_stores_are_equal_after_one_round),
        TEST(what_retention_deleted_is_passed_over),
        cmocka_unit_test(what_is_no_page_is_refused),
        cmocka_unit_test(a_pull_is_cut_to_what_a_page_may_be),
        TEST(the_thread_answers_pulls_and_leaves_out_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
