/* A broken invariant is logged once, with its number and text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "broken.h"
#include "log.h"

static char caught[1024];

/* What one report writes to standard error. */
static const char *report(const struct rc_broken *broken, uint64_t *seen)
{
    int fd[2], kept = dup(STDERR_FILENO);
    assert_int_equal(pipe2(fd, O_NONBLOCK), 0);
    dup2(fd[1], STDERR_FILENO);
    rc_broken_report(broken, seen);
    dup2(kept, STDERR_FILENO);
    ssize_t len = read(fd[0], caught, sizeof caught - 1);
    caught[len > 0 ? len : 0] = '\0';
    close(fd[0]);
    close(fd[1]);
    close(kept);
    return caught;
}

static void each_new_one_is_told_once(void **state)
{
    (void)state;
    uint64_t seen = 0;
    rc_log_init(RC_INFO, false, "broker-1");
    assert_string_equal(report(&(struct rc_broken){0}, &seen), "");
    struct rc_broken broken = {.count = 2, .last = RC_INV_STORED};
    const char *line = report(&broken, &seen);
    assert_non_null(strstr(line, "error broker-1 invariant-broken number=10 text=\"STORED never exceeds"));
    assert_non_null(strstr(line, "times=2 total=2"));
    assert_string_equal(report(&broken, &seen), "");
    broken.count = 3;
    assert_non_null(strstr(report(&broken, &seen), "times=1 total=3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_new_one_is_told_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
