/* The log: form, levels, escapes, limits; and the dates that it shares with the history. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"

static char caught[8192];
static int pipe_fd[2], kept_stderr;

static void catch_begin(void)
{
    assert_int_equal(pipe2(pipe_fd, O_NONBLOCK), 0);
    kept_stderr = dup(STDERR_FILENO);
    dup2(pipe_fd[1], STDERR_FILENO);
}

/* What was written to standard error since catch_begin. */
static const char *catch_end(void)
{
    ssize_t len = read(pipe_fd[0], caught, sizeof caught - 1);
    caught[len > 0 ? len : 0] = '\0';
    dup2(kept_stderr, STDERR_FILENO);
    close(kept_stderr);
    close(pipe_fd[0]);
    close(pipe_fd[1]);
    return caught;
}

/* The line without its time, whose form is checked. */
static const char *after_time(const char *line)
{
    int y, mo, d, h, mi, s, ms, end = 0;
    assert_int_equal(sscanf(line, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ %n", &y, &mo, &d, &h, &mi, &s, &ms, &end), 7);
    assert_int_equal(end, 25);
    return line + end;
}

static void writes_text_lines(void **state)
{
    (void)state;
    rc_log_init(RC_INFO, false, "gateway-1");
    catch_begin();
    errno = ENOENT;
    rc_log(RC_WARN, "client-closed", "socket=%d why=%s", 17, "idle");
    assert_int_equal(errno, ENOENT);
    assert_string_equal(after_time(catch_end()), "warn gateway-1 client-closed socket=17 why=idle\n");
    catch_begin();
    rc_log_event(RC_INFO, "ready");
    assert_string_equal(after_time(catch_end()), "info gateway-1 ready\n");
}

static void keeps_to_its_level(void **state)
{
    (void)state;
    enum rc_level level;
    rc_log_init(RC_WARN, false, "n");
    catch_begin();
    rc_log(RC_INFO, "quiet", "a=%d", 1);
    rc_log(RC_DEBUG, "quiet", "a=%d", 1);
    assert_string_equal(catch_end(), "");
    assert_false(rc_log_on(RC_INFO));
    rc_log_level(RC_DEBUG);
    assert_true(rc_log_on(RC_DEBUG));
    assert_true(rc_level_parse("debug", &level) && level == RC_DEBUG);
    assert_true(rc_level_parse("error", &level) && level == RC_ERROR);
    assert_false(rc_level_parse("loud", &level));
}

static void lets_no_byte_forge_a_line(void **state)
{
    (void)state;
    rc_log_init(RC_INFO, false, "n");
    catch_begin();
    rc_log(RC_INFO, "e", "a=%s", "x\n2026 error fake\x1b[31m\xc3\xa9\x7f");
    assert_string_equal(after_time(catch_end()), "info n e a=x\\x0a2026 error fake\\x1b[31m\\xc3\\xa9\\x7f\n");
}

static void cuts_long_lines(void **state)
{
    (void)state;
    static char text[5000];
    memset(text, 'a', sizeof text - 1);
    rc_log_init(RC_INFO, false, "n");
    catch_begin();
    rc_log(RC_INFO, "e", "a=%s", text);
    const char *line = catch_end();
    assert_in_range(strlen(line), RC_LOG_LINE - 64, RC_LOG_LINE);
    assert_string_equal(line + strlen(line) - 5, "a...\n");
    memset(text, '\n', sizeof text - 1); /* four bytes each: an escape is left out whole */
    catch_begin();
    rc_log(RC_INFO, "e", "a=%.2000s", text);
    line = catch_end();
    assert_in_range(strlen(line), RC_LOG_LINE - 64, RC_LOG_LINE);
    assert_string_equal(line + strlen(line) - 8, "\\x0a...\n");
}

static const char *field(json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void writes_json_lines(void **state)
{
    (void)state;
    char quoted[64];
    rc_log_init(RC_INFO, true, "b\"1");
    catch_begin();
    rc_log(RC_ERROR, "bad", "room=%s", rc_log_quote(quoted, sizeof quoted, "a\"b\\\n\xff", 6));
    json_t *line = json_loads(catch_end(), 0, NULL);
    assert_non_null(line);
    assert_int_equal(json_object_size(line), 5);
    assert_string_equal(field(line, "level"), "error");
    assert_string_equal(field(line, "node"), "b\"1");
    assert_string_equal(field(line, "event"), "bad");
    assert_string_equal(field(line, "text"), "room=\"a\\\"b\\\\\\x0a\\xff\"");
    assert_int_equal(strlen(field(line, "time")), 24);
    json_decref(line);
}

static void cuts_json_lines_to_valid_ones(void **state)
{
    (void)state;
    static char text[4000];
    memset(text, '"', sizeof text - 1);
    rc_log_init(RC_INFO, true, "n");
    catch_begin();
    rc_log(RC_INFO, "e", "%s", text);
    const char *line = catch_end();
    assert_in_range(strlen(line), RC_LOG_LINE - 64, RC_LOG_LINE);
    json_t *object = json_loads(line, 0, NULL);
    assert_non_null(object);
    json_decref(object);
}

static void quotes_peer_text(void **state)
{
    (void)state;
    char buf[16], least[8];
    assert_string_equal(rc_log_quote(buf, sizeof buf, "ab c", 4), "\"ab c\"");
    assert_string_equal(rc_log_quote(buf, sizeof buf, "a\0b", 3), "\"a\\x00b\"");
    assert_string_equal(rc_log_quote(buf, sizeof buf, "", 0), "\"\"");
    assert_string_equal(rc_log_quote(buf, sizeof buf, "0123456789", 10), "\"0123456789\"");
    assert_string_equal(rc_log_quote(buf, sizeof buf, "0123456789ab", 12), "\"0123456789...\"");
    assert_string_equal(rc_log_quote(buf, sizeof buf, "012345678\n", 10), "\"012345678...\"");
    assert_string_equal(rc_log_quote(least, sizeof least, "\n\n", 2), "\"...\"");
}

static void *shout(void *arg)
{
    for (int i = 0; i < 200; i++) {
        rc_log(RC_INFO, "e", "%s", (const char *)arg);
    }
    return NULL;
}

/* One write(2) each: in a pipe, lines of other threads never stand within one. */
static void keeps_lines_of_threads_apart(void **state)
{
    (void)state;
    static char a[400], b[400];
    pthread_t threads[2];
    memset(a, 'a', sizeof a - 1);
    memset(b, 'b', sizeof b - 1);
    rc_log_init(RC_INFO, false, "n");
    catch_begin();
    assert_int_equal(fcntl(pipe_fd[1], F_SETPIPE_SZ, 1 << 20), 1 << 20);
    pthread_create(&threads[0], NULL, shout, a);
    pthread_create(&threads[1], NULL, shout, b);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    FILE *lines = fdopen(dup(pipe_fd[0]), "r");
    char line[1024];
    int count = 0;
    while (fgets(line, sizeof line, lines)) {
        char *text = strstr(line, " e ") + 3;
        assert_int_equal(strspn(text, *text == 'a' ? "a" : "b"), 399);
        count++;
    }
    assert_int_equal(fclose(lines), 0);
    catch_end();
    assert_int_equal(count, 400);
}

static void writes_dates(void **state)
{
    (void)state;
    char buf[RC_CLOCK_ISO];
    assert_string_equal(rc_clock_iso(0, buf), "1970-01-01T00:00:00.000Z");
    assert_string_equal(rc_clock_iso(-1, buf), "1969-12-31T23:59:59.999Z");
    assert_string_equal(rc_clock_iso(1709164799999, buf), "2024-02-28T23:59:59.999Z");
    assert_string_equal(rc_clock_iso(1709208000001, buf), "2024-02-29T12:00:00.001Z");
    assert_string_equal(rc_clock_iso(INT64_MAX, buf), "9999-12-31T23:59:59.999Z");
    assert_string_equal(rc_clock_iso(INT64_MIN, buf), "0000-01-01T00:00:00.000Z");
}

static void tells_times(void **state)
{
    (void)state;
    rc_time before = rc_clock_now();
    assert_true(before > 0 && rc_clock_now() >= before);
    assert_true(rc_clock_wall_ms() > 1700000000000);
}

/* More than a thread has in store: none comes twice, and none is the 0 that is left where one was taken. */
static void random_numbers_differ(void **state)
{
    uint64_t number[200];
    (void)state;
    for (size_t i = 0; i < sizeof number / sizeof *number; i++) {
        number[i] = rc_random64();
        assert_true(number[i] != 0);
        for (size_t k = 0; k < i; k++)
            assert_true(number[k] != number[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_text_lines),
        cmocka_unit_test(keeps_to_its_level),
        cmocka_unit_test(lets_no_byte_forge_a_line),
        cmocka_unit_test(cuts_long_lines),
        cmocka_unit_test(writes_json_lines),
        cmocka_unit_test(cuts_json_lines_to_valid_ones),
        cmocka_unit_test(quotes_peer_text),
        cmocka_unit_test(keeps_lines_of_threads_apart),
        cmocka_unit_test(writes_dates),
        cmocka_unit_test(tells_times),
        cmocka_unit_test(random_numbers_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
