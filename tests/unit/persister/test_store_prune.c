/* Retention: what goes, what stays, and what the holes it leaves must not break. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/persister/retention.h"
#include "fixture.h"

static int fail_sync; /* errno; stands in front of libc's */

int fdatasync(int fd)
{
    if (fail_sync) {
        errno = fail_sync;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

static struct load load;

static int teardown(void **state)
{
    fail_sync = 0;
    clear(&load);
    return shelf_remove(state);
}

static void reopen(struct shelf *f)
{
    rc_store_close(f->store);
    f->store = open_dir(f->dir, MAP);
}

/* From `de` to "jefe", at these times. */
static void put(struct rc_store *store, const char *de, int64_t first, int64_t last)
{
    for (int64_t t = first; t <= last; t++) {
        add(&load, t, "g", (uint64_t)t, de, "jefe");
        if (load.commit.n == 500 || t == last)
            commit(store, &load);
    }
}

/* Deletes what is older than this time, in turns of `limit`; answers the number of turns. */
static size_t delete_before(struct rc_store *store, int64_t time, size_t limit)
{
    const struct rc_store_keep keep = {.ms = 1000};
    struct rc_store_pruned out = {.more = true};
    size_t turns = 0;
    for (; out.more; turns++) {
        assert_int_equal(rc_store_prune(store, &keep, time + 1000, limit, &out), RC_STORE_OK);
        assert_true(out.deleted <= limit);
    }
    return turns;
}

struct seen {
    size_t n;
    int64_t fecha[4000];
};
static struct seen seen;

static void see(void *arg, const struct rc_store_row *row)
{
    struct seen *s = arg;
    assert_true(s->n < 4000);
    s->fecha[s->n++] = row->key.fecha;
}

static size_t by_key(struct rc_store *store, const char *user)
{
    struct rc_disk_key next = {0};
    seen.n = 0;
    do {
        struct rc_disk_key from = next;
        struct rc_store_query q = {.user = text(user), .from = {from.byte, from.len}};
        assert_int_equal(rc_store_user_page(store, &q, see, &seen, &next), RC_STORE_OK);
    } while (next.len);
    return seen.n;
}

static size_t by_log(struct rc_store *store, const char *user, struct rc_place *from, bool newest,
                     struct rc_user_log_page *page)
{
    struct rc_user_log_query q = {.user = text(user), .from = from, .newest = newest};
    struct rc_place at;
    seen.n = 0;
    for (;;) {
        assert_int_equal(rc_store_user_log_page(store, &q, see, &seen, page), RC_STORE_OK);
        if (!page->more)
            return seen.n;
        at = page->next;
        q.from = &at;
    }
}

/* All indexes tell the same: the messages of this user are those of first to last. */
static void assert_left(struct rc_store *store, const char *user, int64_t first, int64_t last)
{
    struct rc_user_log_page page;
    size_t n = last < first ? 0 : (size_t)(last - first + 1);
    assert_int_equal(by_log(store, user, NULL, true, &page), n);
    assert_int_equal(by_log(store, user, NULL, false, &page), n);
    assert_int_equal(by_key(store, user), n);
    if (n)
        assert_true(seen.fecha[0] == first && seen.fecha[n - 1] == last);
}

static void join(void *arg, struct rc_slice user)
{
    char *out = arg;
    size_t at = strlen(out);
    snprintf(out + at, 64 - at, "%.*s ", (int)user.len, (const char *)user.data);
}

static void assert_conversations(struct rc_store *store, const char *want)
{
    struct rc_disk_user next;
    char names[64] = "";
    assert_int_equal(rc_store_conversations_page(store, text(""), 0, join, names, &next), RC_STORE_OK);
    assert_string_equal(names, want);
}

static struct rc_store_info info_of(struct rc_store *store)
{
    struct rc_store_info info;
    assert_true(rc_store_info(store, &info));
    return info;
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

static void oldest_go_first_from_everywhere(void **state)
{
    struct shelf *f = *state;
    put(f->store, "ana", 2000, 2099);
    put(f->store, "bea", 2100, 2199);
    assert_int_equal(delete_before(f->store, 2000, 1000), 1); /* nothing is that old */
    assert_int_equal(info_of(f->store).rows, 200);
    assert_int_equal(delete_before(f->store, 2150, 40), 4);
    for (int i = 0; i < 2; i++) {
        struct rc_store_info info = info_of(f->store);
        assert_int_equal(info.rows, 50);
        assert_int_equal(info.log_entries, 50);
        assert_int_equal(info.user_entries, 100);
        assert_int_equal(info.oldest, 2150);
        assert_left(f->store, "ana", 1, 0);
        assert_left(f->store, "bea", 2150, 2199);
        assert_left(f->store, "jefe", 2150, 2199);
        assert_conversations(f->store, "bea "); /* of ana there is nothing left to show */
        reopen(f);
    }
}

static void message_to_oneself_goes_too(void **state)
{
    struct shelf *f = *state;
    add(&load, 5, "g", 1, "ana", "ana");
    add(&load, 6, "g", 2, "ana", "ana");
    commit(f->store, &load);
    delete_before(f->store, 6, 10);
    assert_left(f->store, "ana", 6, 6);
    delete_before(f->store, 7, 10);
    assert_int_equal(info_of(f->store).user_entries, 0);
    assert_conversations(f->store, "");
}

static void deleted_message_does_not_come_back(void **state)
{
    struct shelf *f = *state;
    put(f->store, "ana", 2000, 2009);
    delete_before(f->store, 2005, 100);
    reopen(f);
    for (uint64_t t = 2000; t < 2008; t++) /* as a peer or a broker's resend would; three are there, five were */
        add(&load, (int64_t)t, "g", t, "ana", "jefe");
    add(&load, 1, "h", 1, "ana", "jefe"); /* older than all that was deleted, and never seen here */
    add_position(&load, "b", 1, 9);
    struct rc_store_outcome out = commit(f->store, &load);
    assert_int_equal(out.stored, 0);
    assert_int_equal(out.duplicates, 3);
    assert_int_equal(out.forgotten, 6);
    assert_int_equal(rc_store_position(f->store, "b", 1), 9);
    assert_left(f->store, "ana", 2005, 2009);
    struct rc_key key = {.fecha = 2004, .origin = "g", .origin_inc = 1, .seq = 2004};
    assert_true(rc_store_is_forgotten(f->store, &key));
    key.seq++;
    assert_false(rc_store_is_forgotten(f->store, &key));
}

static void numbers_are_not_given_twice(void **state)
{
    struct shelf *f = *state;
    struct rc_user_log_page page;
    put(f->store, "ana", 2000, 2009);
    put(f->store, "ana", 1000, 1000); /* late: number 11 goes before 1 to 10 */
    by_log(f->store, "ana", NULL, false, &page);
    struct rc_place later = page.later;
    assert_int_equal(later.number, 11);
    delete_before(f->store, 1001, 100);
    assert_int_equal(info_of(f->store).log_last, 11);
    delete_before(f->store, 3000, 100);
    reopen(f);
    assert_int_equal(info_of(f->store).log_entries, 0);
    assert_int_equal(info_of(f->store).log_last, 11);
    put(f->store, "ana", 3001, 3002);
    assert_int_equal(info_of(f->store).log_last, 13);
    assert_int_equal(by_log(f->store, "ana", &later, false, &page), 2);
}

static void cursors_before_the_beginning_go_on_with_what_is_left(void **state)
{
    struct shelf *f = *state;
    struct rc_user_log_page first, page;
    struct rc_user_log_query q = {.user = text("ana"), .limit = 10};
    put(f->store, "ana", 2000, 2099);
    assert_int_equal(rc_store_user_log_page(f->store, &q, see, &seen, &first), RC_STORE_OK);
    delete_before(f->store, 2050, 100);
    struct rc_place at = first.next;
    assert_int_equal(by_log(f->store, "ana", &at, false, &page), 50);
    assert_int_equal(by_log(f->store, "ana", &at, true, &page), 0);
    at.store ^= 1; /* of another store: by keys */
    assert_int_equal(by_log(f->store, "ana", &at, false, &page), 50);
    assert_int_equal(by_log(f->store, "ana", &at, true, &page), 0);
}

static void bytes_are_kept_to(void **state)
{
    struct shelf *f = *state;
    const struct rc_store_keep keep = {.bytes = (uint64_t)600 << 10};
    struct rc_store_pruned out = {.more = true};
    put(f->store, "ana", 1, 3000);
    uint64_t before = info_of(f->store).used;
    assert_true(before > keep.bytes);
    while (out.more)
        assert_int_equal(rc_store_prune(f->store, &keep, 0, 64, &out), RC_STORE_OK);
    struct rc_store_info info = info_of(f->store);
    assert_true(info.used <= keep.bytes);
    assert_in_range(info.used, keep.bytes / 10 * 9, keep.bytes); /* and no more went than had to */
    assert_left(f->store, "ana", info.oldest, 3000);
    uint64_t file = info.bytes; /* the room is used again */
    for (int64_t t = 3001; t <= 9000; t += 300) {
        put(f->store, "ana", t, t + 299);
        for (out.more = true; out.more;)
            assert_int_equal(rc_store_prune(f->store, &keep, 0, 64, &out), RC_STORE_OK);
    }
    assert_true(info_of(f->store).bytes < file + file / 4);
}

static void failing_disk_deletes_nothing(void **state)
{
    struct shelf *f = *state;
    const struct rc_store_keep keep = {.ms = 1000};
    struct rc_store_pruned out;
    put(f->store, "ana", 2000, 2009);
    fail_sync = EIO;
    assert_int_equal(rc_store_prune(f->store, &keep, 4000, 100, &out), RC_STORE_IO);
    assert_int_equal(out.deleted, 0);
    assert_true(out.more && out.why[0]);
    fail_sync = 0;
    assert_left(f->store, "ana", 2000, 2009);
    delete_before(f->store, 2005, 100);
    assert_left(f->store, "ana", 2005, 2009);
}

/* Turns come one after the other with a rest between, and none when there is nothing to do. */
static void turns_are_paced(void **state)
{
    struct shelf *f = *state;
    struct rc_retention r;
    rc_retention_init(&r, f->store, &(struct rc_store_keep){.ms = 1000});
    put(f->store, "ana", 1, RC_RETENTION_ROWS + 10);
    rc_retention_turn(&r);
    assert_int_equal(r.deleted, RC_RETENTION_ROWS);
    rc_time next = r.next;
    rc_retention_turn(&r); /* too early, or just in time */
    assert_true(r.next == next ? r.deleted == RC_RETENTION_ROWS : r.deleted == RC_RETENTION_ROWS + 10);
    r.next = RC_NEVER;
    rc_retention_turn(&r);
    assert_int_equal(r.deleted, RC_RETENTION_ROWS + 10);
    next = r.next;
    rc_retention_turn(&r);
    assert_int_equal(r.next, next); /* a second later */
    rc_retention_init(&r, f->store, &(struct rc_store_keep){0});
    assert_false(rc_retention_on(&r));
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, shelf_open, teardown)
    const struct CMUnitTest tests[] = {
        T(oldest_go_first_from_everywhere),
        T(message_to_oneself_goes_too),
        T(deleted_message_does_not_come_back),
        T(numbers_are_not_given_twice),
        T(cursors_before_the_beginning_go_on_with_what_is_left),
        T(bytes_are_kept_to),
        T(failing_disk_deletes_nothing),
        T(turns_are_paced),
    };
    return cmocka_run_group_tests_name("store_prune", tests, NULL, NULL);
}
