/* Pages for operators: bounds, directions and users, one page after the other, against the list of what was stored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "broker/persister/reading.h"
#include "fixture.h"

enum { ROWS = 600 };

static char dir[64];
static struct rc_store *store;
static struct load load;

static int setup(void **state)
{
    (void)state;
    make_folder(dir);
    store = open_dir(dir, MAP);
    for (uint64_t i = 1; i <= ROWS; i++)
        add(&load, (int64_t)i, "g", i, i % 3 ? "ana" : "bea", "jefe");
    assert_int_equal(commit(store, &load).stored, ROWS);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rc_store_close(store);
    remove_tree(dir);
    return 0;
}

static void set(struct rc_reading *r, const char *name, const char *value)
{
    assert_null(rc_reading_set(r, name, value));
}

static size_t pages; /* that read_all took */
static int64_t seen[ROWS];
static size_t n_seen;

/* One page behind what is in `seen`; the next one's begin in next, "" for none. */
static void read_one(const struct rc_reading *r, char next[160])
{
    struct rc_page_text page = rc_reading_page(store, r);
    char *save, *line = page.failed ? NULL : strtok_r(page.text, "\n", &save);
    long long fecha;
    *next = '\0';
    assert_non_null(line);
    for (; sscanf(line, "{\"key\":\"%lld/", &fecha) == 1; line = strtok_r(NULL, "\n", &save)) {
        assert_true(n_seen < ROWS);
        seen[n_seen++] = fecha;
        assert_non_null(strstr(line, "\"para\":\"jefe\""));
    }
    if (strcmp(line, "{\"next\":null}") != 0)
        assert_int_equal(sscanf(line, "{\"next\":\"%159[^\"]", next), 1);
    assert_null(strtok_r(NULL, "\n", &save));
    free(page.text);
}

static void read_all(struct rc_reading r)
{
    char next[160] = "";
    n_seen = pages = 0;
    do {
        struct rc_reading one = r;
        if (*next) {
            one.from.len = 0;
            one.newest = false;
            set(&one, r.newest ? "before" : "after", next);
        }
        read_one(&one, next);
        pages++;
    } while (*next);
}

/* from to to, each `step`th. */
static void assert_seen(int64_t from, int64_t to, int64_t step)
{
    size_t i = 0;
    for (int64_t want = from; want <= to; want += step, i++)
        assert_int_equal(seen[i], want);
    assert_int_equal(n_seen, i);
}

static void all_of_it_the_oldest_first(void **state)
{
    struct rc_reading r = {0};
    (void)state;
    read_all(r);
    assert_seen(1, ROWS, 1);
    assert_int_equal(pages, 1); /* of several transactions */
    set(&r, "limit", "70");
    read_all(r);
    assert_seen(1, ROWS, 1);
    assert_int_equal(pages, 9);
    set(&r, "user", "bea");
    read_all(r);
    assert_seen(3, ROWS, 3);
}

static void between_two_moments(void **state)
{
    struct rc_reading r = {0};
    (void)state;
    set(&r, "since", "100");
    set(&r, "until", "400");
    read_all(r);
    assert_seen(100, 399, 1);
    set(&r, "limit", "70");
    read_all(r);
    assert_seen(100, 399, 1);
    set(&r, "after", "150/g/1/150");
    read_all(r);
    assert_seen(151, 399, 1);
    r = (struct rc_reading){.since = 100};
    set(&r, "after", "50/g/1/50");
    read_all(r);
    assert_seen(100, ROWS, 1);
}

static void back_from_the_newest(void **state)
{
    struct rc_reading r = {0};
    char next[160];
    (void)state;
    set(&r, "before", "newest");
    set(&r, "limit", "50");
    n_seen = 0;
    read_one(&r, next);
    assert_seen(551, 600, 1);
    r = (struct rc_reading){.limit = 2};
    set(&r, "before", next);
    n_seen = 0;
    read_one(&r, next);
    assert_seen(549, 550, 1);
    r = (struct rc_reading){.limit = 2};
    set(&r, "before", "3/g/1/3");
    set(&r, "user", "bea");
    n_seen = 0;
    read_one(&r, next);
    assert_int_equal(n_seen, 0);
    assert_string_equal(next, "");
    r = (struct rc_reading){.since = 595, .until = 599};
    set(&r, "before", "newest");
    read_all(r);
    assert_seen(595, 598, 1);
    r = (struct rc_reading){.since = 595, .until = 599};
    set(&r, "before", "597/g/1/597");
    read_all(r);
    assert_seen(595, 596, 1);
}

static void wrong_parameters_are_told(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {{"user", ""},
                                           {"after", "newest"},
                                           {"before", "1/2"},
                                           {"since", "-1"},
                                           {"until", "1x"},
                                           {"limit", ""},
                                           {"limit", "9223372036854775808"}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct rc_reading r = {0};
        if (!rc_reading_set(&r, wrong[i][0], wrong[i][1]))
            fail_msg("%s=%s was taken", wrong[i][0], wrong[i][1]);
    }
    struct rc_reading r = {0};
    set(&r, "after", "1/g/1/1");
    assert_non_null(rc_reading_set(&r, "before", "newest"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it_the_oldest_first),
        cmocka_unit_test(between_two_moments),
        cmocka_unit_test(back_from_the_newest),
        cmocka_unit_test(wrong_parameters_are_told),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
