/* Memory for libevent: small records apart, each its own, and used again. */
#include "gateway/net/event_memory.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_records(void **state)
{
    (void)state;
    uint8_t *record[1000];
    for (unsigned i = 0; i < 1000; i++) {
        record[i] = rc_event_memory_take(1 + i % RC_EVENT_RECORD);
        assert_true(rc_event_memory_apart(record[i]));
        assert_int_equal((uintptr_t)record[i] % RC_EVENT_RECORD, 0);
        memset(record[i], (int)i & 255, RC_EVENT_RECORD);
    }
    for (unsigned i = 0; i < 1000; i++) {
        for (unsigned n = 0; n < RC_EVENT_RECORD; n++)
            assert_int_equal(record[i][n], i & 255);
    }
    rc_event_memory_free(record[7]);
    rc_event_memory_free(record[9]);
    assert_ptr_equal(rc_event_memory_take(16), record[9]);
    assert_ptr_equal(rc_event_memory_take(16), record[7]);
    for (unsigned i = 0; i < 1000; i++)
        rc_event_memory_free(record[i]);
    rc_event_memory_free(NULL);
}

static void test_larger_ones_are_mallocs(void **state)
{
    (void)state;
    char *large = rc_event_memory_take(RC_EVENT_RECORD + 1);
    assert_false(rc_event_memory_apart(large));
    large = rc_event_memory_resize(large, 100000);
    assert_non_null(large);
    rc_event_memory_free(large);
    char *grows = rc_event_memory_take(4);
    memcpy(grows, "abc", 4);
    grows = rc_event_memory_resize(grows, 1000);
    assert_false(rc_event_memory_apart(grows));
    assert_string_equal(grows, "abc");
    rc_event_memory_free(grows);
    char *fresh = rc_event_memory_resize(NULL, 100);
    assert_non_null(fresh);
    rc_event_memory_free(fresh);
}

/* What libevent keeps of a descriptor is such a record: else a page of clients' memory would be held by each. */
static void test_libevent(void **state)
{
    (void)state;
    struct event_base *base = event_base_new();
    void *before = rc_event_memory_take(16);
    rc_event_memory_free(before);
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    struct event *event = event_new(base, fd[0], EV_READ, NULL, NULL);
    assert_int_equal(event_add(event, NULL), 0);
    void *after = rc_event_memory_take(16);
    assert_ptr_not_equal(after, before);
    rc_event_memory_free(after);
    event_free(event);
    event_base_free(base);
    close(fd[0]);
    close(fd[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_larger_ones_are_mallocs),
        cmocka_unit_test(test_libevent),
    };
    rc_event_memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
