/* The loop and the skeleton of daemons: watches, signals, clean and forced stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon.h"
#include "log.h"

static struct rc_loop *loop;
static struct rc_watch *watch;
static unsigned calls;

static void count(void *arg)
{
    (void)arg;
    calls++;
}

static void stop_loop(void *arg)
{
    rc_loop_stop(arg);
}

static void free_at_third(void *arg)
{
    if (++calls == 3) {
        rc_watch_free(watch); /* from its own callback */
        rc_loop_once(arg, 20, stop_loop, arg);
    }
}

static void calls_timers(void **state)
{
    (void)state;
    loop = rc_loop_new();
    calls = 0;
    watch = rc_loop_every(loop, 1, free_at_third, loop);
    struct rc_watch *never = rc_loop_once(loop, 0, count, NULL);
    rc_watch_free(never);
    assert_true(rc_loop_run(loop));
    assert_int_equal(calls, 3);
    rc_loop_free(loop);
}

static int ready_fd;

static void take(void *arg)
{
    uint64_t value;
    assert_int_equal(read(ready_fd, &value, sizeof value), sizeof value);
    rc_loop_stop(arg);
}

static void watches_descriptors(void **state)
{
    (void)state;
    uint64_t one = 1;
    loop = rc_loop_new();
    ready_fd = eventfd(0, EFD_CLOEXEC);
    assert_non_null(rc_loop_fd(loop, ready_fd, take, loop));
    for (int i = 0; i < 2; i++) { /* the second run: it may be run again */
        assert_int_equal(write(ready_fd, &one, sizeof one), sizeof one);
        assert_true(rc_loop_run(loop));
    }
    rc_loop_stop(loop); /* before it runs: it does not even wait */
    assert_true(rc_loop_run(loop));
    rc_loop_free(loop); /* with a watch on it */
    close(ready_fd);
    rc_loop_free(NULL);
}

static unsigned stops, hangups;

static void on_stop(void *arg)
{
    struct rc_daemon *d = arg;
    if (++stops == 1) {
        assert_true(d->stopping);
        raise(SIGINT); /* impatient: the stop never finishes, the second signal ends the loop */
    }
}

static void on_stop_clean(void *arg)
{
    struct rc_daemon *d = arg;
    stops++;
    rc_loop_once(d->loop, 5, stop_loop, d->loop);
}

static void on_hangup(void *arg)
{
    (void)arg;
    hangups++;
    raise(SIGTERM);
}

static void send_hangup(void *arg)
{
    (void)arg;
    raise(SIGPIPE); /* ignored */
    raise(SIGHUP);
}

static void run_daemon(void (*stop)(void *arg))
{
    struct rc_daemon d = {.role = "test", .stop = stop, .hangup = on_hangup, .arg = &d};
    stops = hangups = 0;
    assert_int_equal(rc_daemon_init(&d), RC_EXIT_OK);
    rc_daemon_ready(&d);
    rc_daemon_ready(&d);
    assert_true(d.ready);
    rc_loop_once(d.loop, 0, send_hangup, NULL);
    assert_int_equal(rc_daemon_run(&d), RC_EXIT_OK);
    assert_true(d.stopping);
    assert_int_equal(rc_daemon_fini(&d, RC_EXIT_OK), RC_EXIT_OK);
    assert_int_equal(hangups, 1);
}

static void stops_cleanly_on_a_signal(void **state)
{
    (void)state;
    run_daemon(on_stop_clean);
    assert_int_equal(stops, 1);
    run_daemon(NULL); /* nothing to wind up */
}

static void stops_at_once_on_the_second_signal(void **state)
{
    (void)state;
    run_daemon(on_stop);
    assert_int_equal(stops, 1);
}

static void raises_the_limit_of_open_files(void **state)
{
    (void)state;
    struct rlimit limit;
    struct rc_daemon d = {.role = "test"};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max / 2;
    setrlimit(RLIMIT_NOFILE, &limit);
    assert_int_equal(rc_daemon_init(&d), RC_EXIT_OK);
    getrlimit(RLIMIT_NOFILE, &limit);
    assert_true(limit.rlim_cur == limit.rlim_max);
    rc_daemon_fini(&d, RC_EXIT_OK);
    assert_int_equal(rc_daemon_refuse(RC_EXIT_DATA, "no \"%s\"", "room"), RC_EXIT_DATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_timers),
        cmocka_unit_test(watches_descriptors),
        cmocka_unit_test(stops_cleanly_on_a_signal),
        cmocka_unit_test(stops_at_once_on_the_second_signal),
        cmocka_unit_test(raises_the_limit_of_open_files),
    };
    rc_log_init(RC_ERROR, false, "test");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
