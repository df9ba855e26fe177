/* A new store is there whole or not at all, whatever ends its making. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"

static int fail_sync; /* errno to fail with, 0: work; stands in front of libc's for everything in this program */

int fdatasync(int fd)
{
    if (fail_sync) {
        errno = fail_sync;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

struct fixture {
    char dir[64], file[80], making[80], half[96];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    make_folder(f->dir);
    snprintf(f->file, sizeof f->file, "%s/data.mdb", f->dir);
    snprintf(f->making, sizeof f->making, "%s/making", f->dir);
    snprintf(f->half, sizeof f->half, "%s/data.mdb", f->making);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    fail_sync = 0;
    remove_tree(f->making);
    remove_tree(f->dir);
    free(f);
    return 0;
}

static void write_junk(const char *path, size_t len)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < len; i++)
        fputc('j', file);
    assert_int_equal(fclose(file), 0);
}

static void assert_works(struct fixture *f)
{
    static struct load load;
    struct stat st;
    struct rc_store *store = open_dir(f->dir, MAP);
    add(&load, 1, "gateway-1", 1, "ana", "luis");
    assert_int_equal(commit(store, &load).stored, 1);
    rc_store_close(store);
    assert_int_equal(stat(f->file, &st), 0);
    assert_int_not_equal(stat(f->making, &st), 0);
}

static void nothing_stays_of_the_making(void **state)
{
    assert_works(*state);
}

static void a_making_that_was_cut_off_is_begun_again(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mkdir(f->making, 0700), 0);
    write_junk(f->half, 8192);
    assert_works(f);
}

static void a_file_without_a_byte_is_no_store_yet(void **state)
{
    struct fixture *f = *state;
    write_junk(f->file, 0);
    assert_works(f);
}

static void a_disk_that_fails_leaves_none(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    char why[512] = "";
    fail_sync = EIO;
    assert_null(rc_store_open(f->dir, MAP, why, sizeof why));
    assert_non_null(strstr(why, "Input/output error"));
    assert_int_not_equal(stat(f->file, &st), 0);
    fail_sync = 0;
    assert_works(f);
}

static void a_store_that_is_there_is_left_alone(void **state)
{
    struct fixture *f = *state;
    struct rc_store_info info;
    assert_works(f);
    struct rc_store *store = open_dir(f->dir, MAP);
    assert_true(rc_store_info(store, &info));
    assert_int_equal(info.rows, 1);
    rc_store_close(store);
}

/* Else LMDB dies by SIGBUS, when it writes into the table through a map. */
static void the_table_of_readers_has_its_room_on_the_disk(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    char path[96];
    snprintf(path, sizeof path, "%s/lock.mdb", f->dir);
    assert_works(f);
    assert_int_equal(truncate(path, 0), 0);
    struct rc_store *store = open_dir(f->dir, MAP);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 8192); /* LMDB's own size */
    assert_true(st.st_blocks * 512 >= st.st_size);
    rc_store_close(store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_stays_of_the_making),         TEST(a_making_that_was_cut_off_is_begun_again),
        TEST(a_disk_that_fails_leaves_none),       TEST(a_file_without_a_byte_is_no_store_yet),
        TEST(a_store_that_is_there_is_left_alone), TEST(the_table_of_readers_has_its_room_on_the_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
