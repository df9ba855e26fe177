/* The commit thread: one commit at a time, its result by the eventfd, and the health that an operator sees. */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "broker/persister/writer.h"
#include "clock.h"
#include "fixture.h"

/* Stands in front of libc's for LMDB: fails with this errno, or waits until the gate opens. */
static atomic_int fail_sync;
static atomic_bool gate_closed, at_gate;

int fdatasync(int fd)
{
    while (atomic_load(&gate_closed)) {
        atomic_store(&at_gate, true);
        sched_yield();
    }
    if (atomic_load(&fail_sync)) {
        errno = atomic_load(&fail_sync);
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

struct fixture {
    char dir[64];
    struct rc_store *store;
    struct rc_writer *writer;
};
static struct load load;

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    make_folder(f->dir);
    f->store = open_dir(f->dir, MAP);
    f->writer = rc_writer_new(f->store);
    *state = f;
    return f->writer ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    atomic_store(&fail_sync, 0);
    atomic_store(&gate_closed, false);
    rc_writer_free(f->writer);
    rc_store_close(f->store);
    remove_tree(f->dir);
    clear(&load);
    free(f);
    return 0;
}

static struct rc_store_outcome result(struct rc_writer *w)
{
    struct rc_store_outcome out;
    struct pollfd fd = {.fd = rc_writer_fd(w), .events = POLLIN};
    assert_int_equal(poll(&fd, 1, 20000), 1);
    assert_true(rc_writer_result(w, &out));
    assert_int_equal(poll(&fd, 1, 0), 0);
    return out;
}

static uint64_t rows(struct rc_store *store)
{
    struct rc_store_info info;
    assert_true(rc_store_info(store, &info));
    return info.rows;
}

static void results_come_one_by_one(void **state)
{
    struct fixture *f = *state;
    for (uint64_t i = 1; i <= 5; i++) {
        add(&load, 1, "g", i, "ana", "bea");
        rc_writer_commit(f->writer, &load.commit);
        assert_int_equal(result(f->writer).stored, 1);
        clear(&load);
        assert_int_equal(rows(f->store), i);
        assert_false(rc_writer_health(f->writer)->degraded);
    }
}

static void nothing_is_told_before_the_sync(void **state)
{
    struct fixture *f = *state;
    struct rc_store_outcome out;
    struct pollfd fd = {.fd = rc_writer_fd(f->writer), .events = POLLIN};
    atomic_store(&at_gate, false);
    atomic_store(&gate_closed, true);
    add(&load, 1, "g", 1, "ana", "bea");
    rc_writer_commit(f->writer, &load.commit); /* returns though the disk does not */
    while (!atomic_load(&at_gate))
        sched_yield();
    assert_int_equal(poll(&fd, 1, 0), 0);
    assert_false(rc_writer_result(f->writer, &out));
    assert_int_equal(rows(f->store), 0);
    atomic_store(&gate_closed, false);
    assert_int_equal(result(f->writer).stored, 1);
}

static void failing_disk_degrades_until_it_works(void **state)
{
    struct fixture *f = *state;
    const struct rc_writer_health *health = rc_writer_health(f->writer);
    add(&load, 1, "g", 1, "ana", "bea");
    atomic_store(&fail_sync, ENOSPC);
    for (uint64_t i = 1; i <= 3; i++) {
        rc_writer_commit(f->writer, &load.commit);
        assert_int_equal(result(f->writer).result, RC_STORE_DISK_FULL);
        assert_true(health->degraded);
        assert_int_equal(health->result, RC_STORE_DISK_FULL);
        assert_int_equal(health->failures, i);
        assert_true(health->since > 0);
        assert_string_equal(health->why, "No space left on device");
    }
    atomic_store(&fail_sync, EIO);
    rc_writer_commit(f->writer, &load.commit);
    result(f->writer);
    assert_int_equal(health->result, RC_STORE_IO);
    assert_int_equal(health->failures, 4);
    atomic_store(&fail_sync, 0);
    rc_writer_commit(f->writer, &load.commit);
    assert_int_equal(result(f->writer).stored, 1);
    assert_false(health->degraded);
    assert_string_equal(health->why, "");
    assert_int_equal(health->failures, 0);
}

static void stopping_finishes_the_commit_under_way(void **state)
{
    struct fixture *f = *state;
    for (uint64_t i = 1; i <= 500; i++)
        add(&load, 1, "g", i, "ana", "bea");
    rc_writer_commit(f->writer, &load.commit);
    rc_writer_free(f->writer);
    f->writer = NULL;
    assert_int_equal(rows(f->store), 500);
}

/* 2,000 old messages go in turns, whether commits come or not, and each commit gets through meanwhile. */
static void old_messages_go_between_commits(void **state)
{
    struct fixture *f = *state;
    for (uint64_t i = 1; i <= 2000; i++) {
        add(&load, 1, "g", i, "ana", "bea");
        if (load.commit.n == 500)
            commit(f->store, &load);
    }
    rc_writer_keep(f->writer, &(struct rc_store_keep){.ms = 3600000});
    for (uint64_t i = 1; i <= 20; i++) {
        add(&load, rc_clock_wall_ms(), "new", i, "ana", "bea");
        rc_writer_commit(f->writer, &load.commit);
        assert_int_equal(result(f->writer).stored, 1);
        clear(&load);
    }
    while (rc_writer_deleted(f->writer) < 2000)
        usleep(1000);
    assert_int_equal(rows(f->store), 20);
    assert_int_equal(rc_writer_deleted(f->writer), 2000);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(results_come_one_by_one),
        T(nothing_is_told_before_the_sync),
        T(failing_disk_degrades_until_it_works),
        T(old_messages_go_between_commits),
        T(stopping_finishes_the_commit_under_way),
    };
    return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
