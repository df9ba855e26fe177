/* Pages in the order of the commit log: what comes late is not passed over, in one store or when another goes on; and
 * a reader of everything costs no disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"

struct fixture {
    char dir[2][64];
    struct rc_store *store[2];
};
static struct load load; /* large; empty between tests */

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    for (int i = 0; i < 2; i++) {
        make_folder(f->dir[i]);
        f->store[i] = open_dir(f->dir[i], MAP);
    }
    *state = f;
    return 0;
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

/* ---- messages are known by their time; their page is in order of it ---------------------------------------------- */

struct seen {
    size_t n;
    int64_t fecha[4000];
};
static struct seen page_seen, all;

static void see(void *arg, const struct rc_store_row *row)
{
    struct seen *s = arg;
    assert_true(s->n < 4000);
    assert_true(s->n == 0 || s->fecha[s->n - 1] < row->key.fecha);
    s->fecha[s->n++] = row->key.fecha;
}

/* Reads one page and adds it to `all`; from may be the page's own place, or NULL. */
static void read_page(struct rc_store *store, const struct rc_place *from, bool newest, size_t limit,
                      struct rc_user_log_page *page)
{
    struct rc_place at = from ? *from : (struct rc_place){0};
    struct rc_user_log_query q = {.user = text("ana"), .from = from ? &at : NULL, .newest = newest, .limit = limit};
    page_seen.n = 0;
    assert_int_equal(rc_store_user_log_page(store, &q, see, &page_seen, page), RC_STORE_OK);
    for (size_t i = 0; i < page_seen.n; i++)
        all.fecha[all.n++] = page_seen.fecha[i];
}

static void read_on(struct rc_store *store, const struct rc_place *from, bool newest, size_t limit,
                    struct rc_user_log_page *page)
{
    read_page(store, from, newest, limit, page);
    while (page->more)
        read_page(store, &page->next, newest, limit, page);
}

static int by_fecha(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Everything that was read, each once, has the times first, first + step, ... last. */
static void assert_all(int64_t first, int64_t last, int64_t step)
{
    qsort(all.fecha, all.n, sizeof all.fecha[0], by_fecha);
    assert_int_equal(all.n, (last - first) / step + 1);
    for (size_t i = 0; i < all.n; i++)
        assert_int_equal(all.fecha[i], first + (int64_t)i * step);
    all.n = 0;
}

static void put(struct rc_store *store, int64_t first, int64_t last, int64_t step)
{
    for (int64_t t = first; t <= last; t += step) {
        add(&load, t, "g", (uint64_t)t, "ana", t % 3 ? "bea" : "ana");
        if (load.commit.n == 600 || t + step > last)
            commit(store, &load);
    }
}

static void assert_page(int64_t first, int64_t last)
{
    assert_int_equal(page_seen.n, last - first + 1);
    assert_int_equal(page_seen.fecha[0], first);
    assert_int_equal(page_seen.fecha[page_seen.n - 1], last);
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

static void pages_join_both_ways(void **state)
{
    struct rc_store *store = ((struct fixture *)*state)->store[0];
    struct rc_user_log_page page;
    const size_t limit[] = {0, 1, 7, 255, 256, 1000};
    put(store, 1, 590, 1);
    for (size_t i = 0; i < 6; i++) {
        read_on(store, NULL, false, limit[i], &page);
        assert_all(1, 590, 1);
        read_on(store, NULL, true, limit[i], &page);
        assert_all(1, 590, 1);
    }
    read_page(store, NULL, true, 10, &page);
    assert_page(581, 590);
    read_page(store, &page.next, true, 10, &page);
    assert_page(571, 580);
    assert_false(page.has_later);
    all.n = 0;
    read_page(store, NULL, false, 10, &page);
    assert_page(1, 10);
    all.n = 0;
}

static void nothing_is_an_end_that_can_be_followed(void **state)
{
    struct rc_store *store = ((struct fixture *)*state)->store[0];
    struct rc_user_log_page page;
    for (int newest = 0; newest < 2; newest++) {
        read_page(store, NULL, newest, 0, &page);
        assert_int_equal(page_seen.n, 0);
        assert_false(page.more);
        assert_true(page.has_later);
    }
    put(store, 5, 9, 1);
    read_page(store, &page.later, false, 0, &page);
    assert_page(5, 9);
    all.n = 0;
}

/* Older by its time than everything that was shown, and stored after it. */
static void late_row_is_not_passed_over(void **state)
{
    struct rc_store *store = ((struct fixture *)*state)->store[0];
    struct rc_user_log_page page, back;
    put(store, 10, 20, 2);
    read_on(store, NULL, false, 2, &page);
    put(store, 11, 19, 2);
    read_on(store, &page.later, false, 2, &page);
    assert_all(10, 20, 1);
    put(store, 1, 9, 1);
    read_on(store, &page.later, false, 100, &page);
    assert_all(1, 9, 1);

    read_page(store, NULL, true, 5, &page); /* walking back, the late ones come after `later` of the first page */
    put(store, 21, 30, 1);
    put(store, 0, 0, 1);
    read_on(store, &page.next, true, 3, &back);
    read_on(store, &page.later, false, 3, &back);
    assert_all(0, 30, 1);
}

static void late_rows_are_in_order_inside_a_page(void **state)
{
    struct rc_store *store = ((struct fixture *)*state)->store[0];
    struct rc_user_log_page page;
    const int64_t fecha[] = {5, 3, 9, 1, 4};
    for (size_t i = 0; i < 5; i++)
        put(store, fecha[i], fecha[i], 1);
    read_page(store, NULL, false, 3, &page); /* see() judges the order */
    assert_true(page_seen.fecha[0] == 3 && page_seen.fecha[1] == 5 && page_seen.fecha[2] == 9);
    read_page(store, &page.next, false, 3, &page);
    assert_true(page_seen.fecha[0] == 1 && page_seen.fecha[1] == 4);
    all.n = 0;
}

/* Both stores have the same messages, stored in another order; the walk changes over after some pages. */
static void another_store_goes_on(void **state)
{
    struct fixture *f = *state;
    struct rc_user_log_page page;
    put(f->store[0], 1, 500, 1);
    put(f->store[1], 2, 500, 2);
    put(f->store[1], 1, 499, 2);
    for (int newest = 0; newest < 2; newest++)
        for (int pages = 1; pages < 5; pages++) {
            read_page(f->store[0], NULL, newest, 100, &page);
            for (int i = 1; i < pages; i++)
                read_page(f->store[0], &page.next, newest, 100, &page);
            read_on(f->store[1], &page.next, newest, 70, &page);
            assert_all(1, 500, 1);
        }
}

/* What `later` of the first page back leads to, in another store: nothing that was shown or is further back. */
static void another_store_knows_what_is_later(void **state)
{
    struct fixture *f = *state;
    struct rc_user_log_page page, back;
    put(f->store[0], 1, 300, 1);
    put(f->store[1], 2, 300, 2);
    put(f->store[1], 1, 299, 2);
    read_page(f->store[0], NULL, true, 100, &page);
    read_on(f->store[1], &page.next, true, 100, &back);
    assert_all(1, 300, 1);
    put(f->store[1], 301, 302, 1);
    read_on(f->store[1], &page.later, false, 100, &back);
    assert_all(301, 302, 1);
}

/* After the change the walk is exact again: whatever the second store gets from then on is shown once. */
static void another_store_follows_its_own_log(void **state)
{
    struct fixture *f = *state;
    struct rc_user_log_page page;
    put(f->store[0], 100, 400, 1);
    put(f->store[1], 100, 400, 1);
    read_page(f->store[0], NULL, false, 50, &page);
    read_page(f->store[1], &page.next, false, 50, &page); /* goes by keys: number is the end of the log now */
    assert_true(page.next.by_key);
    put(f->store[1], 50, 99, 1);   /* late */
    put(f->store[1], 401, 450, 1); /* new */
    read_on(f->store[1], &page.next, false, 50, &page);
    assert_false(page.next.by_key);
    put(f->store[1], 40, 49, 1);
    read_on(f->store[1], &page.later, false, 50, &page);
    assert_all(40, 450, 1);
}

static void place_of_a_longer_log_is_harmless(void **state)
{
    struct fixture *f = *state;
    struct rc_user_log_page page;
    put(f->store[0], 1, 10, 1);
    read_on(f->store[0], NULL, false, 0, &page);
    all.n = 0;
    page.next.number = UINT64_MAX - 1; /* as after the store was put back from a copy, or from a liar */
    read_page(f->store[0], &page.next, false, 0, &page);
    assert_int_equal(page_seen.n, 0);
    page.next.by_key = true;
    page.next.key.len = 0;
    read_on(f->store[0], &page.next, false, 0, &page);
    assert_all(1, 10, 1);
}

/* Overwrites the same entry again and again, as positions do, while everything is read slowly. */
static void reading_everything_does_not_grow_the_file(void **state)
{
    struct rc_store *store = ((struct fixture *)*state)->store[0];
    struct rc_store_info before, after;
    struct rc_user_log_page page;
    uint64_t number = 0;
    put(store, 1, 2400, 1);
    for (int reading = 0; reading < 2; reading++) {
        assert_true(rc_store_info(store, &before));
        read_page(store, NULL, false, 10, &page);
        for (int i = 0; i < 200; i++) {
            add_position(&load, "broker-1", 1, ++number);
            add_position(&load, "broker-2", 1, number);
            commit(store, &load);
            if (reading)
                read_page(store, &page.next, false, 10, &page);
        }
        assert_true(rc_store_info(store, &after));
        assert_in_range(after.bytes - before.bytes, 0, 64 * 1024); /* a held transaction: 3 MiB */
        all.n = 0;
    }
    assert_int_equal(after.readers, 1); /* one thread, one slot: none is left behind */
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(pages_join_both_ways),
        T(nothing_is_an_end_that_can_be_followed),
        T(late_row_is_not_passed_over),
        T(late_rows_are_in_order_inside_a_page),
        T(another_store_goes_on),
        T(another_store_knows_what_is_later),
        T(another_store_follows_its_own_log),
        T(place_of_a_longer_log_is_harmless),
        T(reading_everything_does_not_grow_the_file),
    };
    return cmocka_run_group_tests_name("store_page", tests, NULL, NULL);
}
