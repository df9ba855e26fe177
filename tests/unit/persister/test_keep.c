/* Backups, checks and new identities of a store: each index that lacks an entry is named, a full disk leaves nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "broker/persister/backup.h"
#include "broker/persister/backup_seal.h"
#include "broker/persister/store_env.h"
#include "broker/persister/tool.h"
#include "fixture.h"

enum { ROWS = 600 };

static char dir[64], path[128];
static struct rc_store *store;
static struct load load;
static char why[2048];

static size_t room = SIZE_MAX; /* bytes that may yet be written by write */

/* The disk of a backup: LMDB copies with write, and commits with pwrite. */
ssize_t write(int fd, const void *data, size_t len)
{
    if (fd <= 2 || room == SIZE_MAX)
        return syscall(SYS_write, fd, data, len);
    if (len > room)
        len = room;
    if (len == 0) {
        errno = ENOSPC;
        return -1;
    }
    room -= len;
    return syscall(SYS_write, fd, data, len);
}

static int setup(void **state)
{
    (void)state;
    room = SIZE_MAX;
    make_folder(dir);
    snprintf(path, sizeof path, "%s/x.backup", dir);
    store = open_dir(dir, MAP);
    for (uint64_t i = 1; i <= ROWS; i++)
        add(&load, (int64_t)i, "g", i, i % 3 ? "ana" : "bea", i % 5 ? "jefe" : "ana");
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

/* ---- checks ------------------------------------------------------------------------------------------------------ */

static void a_good_store_is_whole(void **state)
{
    (void)state;
    struct rc_store_counts n;
    if (!rc_store_check(store, &n, why, sizeof why))
        fail_msg("%s", why);
    assert_int_equal(n.messages, ROWS);
    assert_int_equal(n.log, ROWS);
    assert_int_equal(n.by_user, n.by_user_log);
    assert_int_equal(n.users, 2);
}

/* Deletes the first entry of a database, or puts one more; the check must name what is wrong. */
static void spoil(MDB_dbi dbi, bool more, const char *want)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key, value;
    assert_int_equal(mdb_txn_begin(store->env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_cursor_open(txn, dbi, &cursor), 0);
    if (more) {
        uint8_t last[16];
        memset(last, 0xff, sizeof last);
        key = (MDB_val){sizeof last, last};
        value = (MDB_val){0, NULL};
        assert_int_equal(mdb_cursor_put(cursor, &key, &value, 0), 0);
    } else {
        assert_int_equal(mdb_cursor_get(cursor, &key, &value, MDB_FIRST), 0);
        assert_int_equal(mdb_cursor_del(cursor, 0), 0);
    }
    mdb_cursor_close(cursor);
    assert_int_equal(mdb_txn_commit(txn), 0);
    struct rc_store_counts n;
    assert_false(rc_store_check(store, &n, why, sizeof why));
    if (!strstr(why, want))
        fail_msg("said %s, not %s", why, want);
}

static void a_lost_message_is_found(void **state)
{
    (void)state;
    spoil(store->messages, false, "database log has 600 entries and the messages ask for 599");
}

static void a_lost_log_entry_is_found(void **state)
{
    (void)state;
    spoil(store->log, false, "message 1/g/1/1 is not in the log under its number");
}

static void a_lost_index_entry_is_found(void **state)
{
    (void)state;
    spoil(store->by_user, false, "is not in the index by_user");
}

static void a_lost_entry_of_the_other_index_is_found(void **state)
{
    (void)state;
    spoil(store->by_user_log, false, "is not in the index by_user_log");
}

static void a_lost_user_is_found(void **state)
{
    (void)state;
    spoil(store->users, false, "message 1/g/1/1 is not known by the list of users");
}

static void an_entry_too_many_is_found(void **state)
{
    (void)state;
    spoil(store->by_user, true, "database by_user has");
}

static void a_message_too_many_is_found(void **state)
{
    (void)state;
    spoil(store->messages, true, "with a key that is none has a row that is none");
}

static void a_user_without_messages_is_found(void **state)
{
    (void)state;
    spoil(store->users, true, "and has no message");
}

/* ---- backups ----------------------------------------------------------------------------------------------------- */

static bool exists(const char *name)
{
    struct stat st;
    return stat(name, &st) == 0;
}

static bool back_up(uint64_t *bytes)
{
    struct rc_backup_file file;
    *why = '\0';
    assert_true(rc_backup_file_init(&file, store, path));
    bool made = rc_backup_file_make(&file, bytes, why);
    rc_backup_file_fini(&file);
    char temporary[160];
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    assert_false(exists(temporary));
    assert_int_equal(made, exists(path));
    return made;
}

/* Copies the backup to another file; what the seal says of it. */
static bool unseal(bool *broken)
{
    char to[160];
    snprintf(to, sizeof to, "%s/copy", dir);
    int in = open(path, O_RDONLY), out = open(to, O_RDWR | O_CREAT | O_TRUNC, 0600);
    bool good = rc_seal_copy(in, out, broken, why, sizeof why);
    close(in);
    close(out);
    return good;
}

static void any_changed_byte_is_found(void **state)
{
    (void)state;
    uint64_t bytes;
    bool broken;
    assert_true(back_up(&bytes));
    assert_true(unseal(&broken));
    int fd = open(path, O_RDWR);
    for (uint64_t at = 0; at < bytes; at += at < bytes - 64 ? 997 : 1) {
        uint8_t byte, other;
        assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
        other = byte ^ 0x10;
        assert_int_equal(pwrite(fd, &other, 1, (off_t)at), 1);
        if (unseal(&broken) || !broken)
            fail_msg("byte %llu may be changed", (unsigned long long)at);
        assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
    }
    assert_int_equal(ftruncate(fd, (off_t)bytes - 1), 0);
    assert_false(unseal(&broken));
    close(fd);
}

static void a_full_disk_leaves_nothing_behind(void **state)
{
    (void)state;
    uint64_t bytes;
    for (room = 0; room < 1u << 30;) {
        size_t had = room;
        if (back_up(&bytes))
            break;
        if (!strstr(why, "the disk is full"))
            fail_msg("%s", why);
        room = had < 60000 ? had + 20000 : had * 2;
    }
    room = SIZE_MAX;
    assert_true(exists(path));
    unlink(path);
    assert_true(back_up(&bytes));
}

static void a_copy_gets_another_identity(void **state)
{
    (void)state;
    uint64_t before = rc_store_identity(store);
    assert_int_equal(rc_store_renew_identity(store), RC_STORE_OK);
    uint64_t after = rc_store_identity(store);
    assert_true(after != before && after != 0);
    rc_store_close(store);
    store = open_dir(dir, MAP);
    assert_true(rc_store_identity(store) == after);
}

/* Positions and horizon stay as well as messages; what was begun in the directory before does not. */
static void a_restored_store_is_the_same_but_for_its_identity(void **state)
{
    (void)state;
    uint64_t bytes;
    char to[128], begun[160], data[192];
    add_position(&load, "broker-1", 1, 77);
    assert_int_equal(commit(store, &load).result, RC_STORE_OK);
    assert_true(back_up(&bytes));
    snprintf(to, sizeof to, "%s-restored", dir);
    snprintf(begun, sizeof begun, "%s/restore.tmp", to);
    snprintf(data, sizeof data, "%s/data.mdb", begun);
    assert_int_equal(mkdir(to, 0700), 0);
    assert_int_equal(mkdir(begun, 0700), 0);
    close(open(data, O_WRONLY | O_CREAT, 0600)); /* of one that was killed */
    const struct rc_tool_options options = {.data_dir = to, .restore = path, .map_size = MAP};
    assert_int_equal(rc_tool_restore(&options), RC_EXIT_OK);
    assert_false(exists(begun));
    struct rc_store *restored = open_dir(to, MAP);
    struct rc_store_info info;
    assert_true(rc_store_info(restored, &info));
    assert_int_equal(info.rows, ROWS);
    assert_int_equal(rc_store_position(restored, "broker-1", 1), 77);
    assert_true(rc_store_identity(restored) != rc_store_identity(store));
    rc_store_close(restored);
    assert_int_equal(rc_tool_restore(&options), RC_EXIT_DATA); /* not empty any more */
    remove_tree(to);
}

static void await(struct rc_backup *backup, struct rc_backup_state *out)
{
    do {
        usleep(1000);
        rc_backup_state(backup, out);
    } while (out->phase == RC_BACKUP_RUNNING);
}

static void the_thread_makes_one_after_the_other(void **state)
{
    (void)state;
    struct rc_backup *backup = rc_backup_new(store, dir);
    struct rc_backup_state s;
    rc_backup_state(backup, &s);
    assert_int_equal(s.phase, RC_BACKUP_NONE);
    assert_true(rc_backup_begin(backup, "x.backup", why));
    await(backup, &s);
    assert_int_equal(s.phase, RC_BACKUP_DONE);
    assert_string_equal(s.path, path);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(s.bytes, st.st_size);
    assert_true(rc_backup_begin(backup, path, why));
    await(backup, &s);
    assert_int_equal(s.phase, RC_BACKUP_FAILED);
    assert_non_null(strstr(s.why, "is not written over"));
    assert_true(rc_backup_begin(backup, "y.backup", why)); /* given up, or just made */
    rc_backup_free(backup);
    snprintf(path, sizeof path, "%s/y.backup.tmp", dir);
    assert_false(exists(path));
    backup = rc_backup_new(store, "");
    assert_false(rc_backup_begin(backup, "z", why));
    assert_non_null(strstr(why, "backup.dir is not set"));
    rc_backup_free(backup);
}

/* Begun when it is cancelled already: the first write fails. */
static void a_cancelled_one_is_given_up(void **state)
{
    (void)state;
    uint64_t bytes;
    struct rc_backup_file file;
    assert_true(rc_backup_file_init(&file, store, path));
    rc_backup_file_cancel(&file);
    assert_false(rc_backup_file_make(&file, &bytes, why));
    assert_non_null(strstr(why, "given up"));
    rc_backup_file_fini(&file);
    assert_false(exists(path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_good_store_is_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lost_message_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lost_log_entry_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lost_index_entry_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lost_entry_of_the_other_index_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lost_user_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(an_entry_too_many_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_message_too_many_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_user_without_messages_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(any_changed_byte_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_leaves_nothing_behind, setup, teardown),
        cmocka_unit_test_setup_teardown(a_copy_gets_another_identity, setup, teardown),
        cmocka_unit_test_setup_teardown(a_restored_store_is_the_same_but_for_its_identity, setup, teardown),
        cmocka_unit_test_setup_teardown(the_thread_makes_one_after_the_other, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cancelled_one_is_given_up, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
