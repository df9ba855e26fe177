/* Bringing a store of format 1 over: nothing is lost, also when the process dies at any sync of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"
#include <lmdb.h>

enum { MESSAGES = 10000, USERS = 7 }; /* three transactions of the upgrade */

/* ---- a process that dies at a sync: this stands in front of libc's ----------------------------------------------- */

static int syncs_left = -1; /* the process ends in front of the sync after so many; -1: never */

int fdatasync(int fd)
{
    if (syncs_left >= 0 && syncs_left-- == 0)
        _exit(9);
    return (int)syscall(SYS_fdatasync, fd);
}

/* ---- a store of format 1, as docs/disk-format.md described it ---------------------------------------------------- */

struct old {
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi meta, messages, by_user, log, users;
};

static void put(struct old *o, MDB_dbi dbi, const void *key, size_t key_len, const void *value, size_t value_len)
{
    MDB_val k = {key_len, (void *)(uintptr_t)key}, v = {value_len, (void *)(uintptr_t)value};
    assert_int_equal(mdb_put(o->txn, dbi, &k, &v, 0), 0);
}

static void put_user(struct old *o, const char *user, const struct rc_disk_key *key)
{
    uint8_t index[8 + RC_DISK_KEY_MAX];
    rc_disk_put64(index, rc_disk_user_hash(text(user)));
    memcpy(index + 8, key->byte, key->len);
    put(o, o->by_user, index, 8u + key->len, "", 0);
    put(o, o->users, user, strlen(user), "\1", 1);
}

/* Message n, from 1: of user-(n % USERS) to "jefe"; every tenth is older than the one before it. */
static void put_message(struct old *o, uint64_t n)
{
    struct rc_key id = {.fecha = (int64_t)(n % 10 ? n * 10 : n * 10 - 15), .origin = "g", .origin_inc = 1, .seq = n};
    struct rc_disk_key key;
    char de[16], row[64] = "\1\0\0\6\0\4";
    uint8_t number[8];
    assert_true(rc_disk_key_pack(&id, &key));
    rc_disk_put64(number, n);
    snprintf(de, sizeof de, "user-%llu", (unsigned long long)(n % USERS));
    int text_len = snprintf(row + 6, sizeof row - 6, "%sjefe%llu", de, (unsigned long long)n);
    put(o, o->messages, key.byte, key.len, row, 6 + (size_t)text_len);
    put(o, o->log, number, sizeof number, key.byte, key.len);
    put_user(o, de, &key);
    put_user(o, "jefe", &key);
}

static void open_old(struct old *o, const char *dir)
{
    assert_int_equal(mdb_env_create(&o->env), 0);
    assert_int_equal(mdb_env_set_maxdbs(o->env, 8), 0);
    assert_int_equal(mdb_env_set_mapsize(o->env, MAP), 0);
    assert_int_equal(mdb_env_open(o->env, dir, MDB_NOSYNC, 0600), 0);
    assert_int_equal(mdb_txn_begin(o->env, NULL, 0, &o->txn), 0);
    const struct {
        const char *name;
        MDB_dbi *dbi;
    } base[] = {{"meta", &o->meta},
                {"messages", &o->messages},
                {"by_user", &o->by_user},
                {"log", &o->log},
                {"users", &o->users}};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(mdb_dbi_open(o->txn, base[i].name, MDB_CREATE, base[i].dbi), 0);
}

static void make_old(const char *dir)
{
    struct old o;
    open_old(&o, dir);
    put(&o, o.meta, "format", 6, "\0\0\0\0\0\0\0\1", 8);
    put(&o, o.meta, "p\2b1\0\0\0\0\0\0\0\3", 12, "\0\0\0\0\0\0\0\77", 8);
    for (uint64_t n = 1; n <= MESSAGES; n++)
        put_message(&o, n);
    assert_int_equal(mdb_txn_commit(o.txn), 0);
    assert_int_equal(mdb_env_sync(o.env, 1), 0);
    mdb_env_close(o.env);
}

struct seen {
    size_t n;
    uint64_t number, first; /* of the last row, and of the first */
    int64_t fecha;
};

static void see(void *arg, const struct rc_store_row *row)
{
    struct seen *s = arg;
    s->first = s->n ? s->first : row->row.number;
    s->number = row->row.number;
    assert_int_equal(row->key.seq, row->row.number); /* which the old store gave both */
    assert_true(row->key.fecha >= s->fecha);
    s->fecha = row->key.fecha;
    s->n++;
}

static size_t by_key(struct rc_store *store, const char *user)
{
    struct seen s = {0};
    struct rc_disk_key next = {0};
    do {
        struct rc_disk_key from = next;
        struct rc_store_query q = {.user = text(user), .from = {from.byte, from.len}};
        assert_int_equal(rc_store_user_page(store, &q, see, &s, &next), RC_STORE_OK);
    } while (next.len);
    return s.n;
}

static size_t by_log(struct rc_store *store, const char *user)
{
    struct rc_user_log_page page = {0};
    struct rc_user_log_query q = {.user = text(user)};
    size_t n = 0;
    uint64_t number = 0;
    do {
        struct rc_place from = page.next;
        struct seen s = {0};
        q.from = n ? &from : NULL;
        assert_int_equal(rc_store_user_log_page(store, &q, see, &s, &page), RC_STORE_OK);
        assert_true(s.n == 0 || s.first > number); /* no page goes back */
        number = page.next.number;
        n += s.n;
    } while (page.more);
    return n;
}

static void assert_whole(struct rc_store *store)
{
    struct rc_store_info info;
    char user[16];
    assert_true(rc_store_info(store, &info));
    assert_int_equal(info.rows, MESSAGES);
    assert_int_equal(info.log_entries, MESSAGES);
    assert_int_equal(info.user_entries, 2 * MESSAGES);
    assert_int_equal(by_key(store, "jefe"), MESSAGES);
    assert_int_equal(by_log(store, "jefe"), MESSAGES);
    for (unsigned i = 0; i < USERS; i++) {
        snprintf(user, sizeof user, "user-%u", i);
        assert_int_equal(by_log(store, user), by_key(store, user));
    }
    assert_int_equal(rc_store_position(store, "b1", 3), 0x3f);
}

static void old_store_is_brought_over_whole(void **state)
{
    struct shelf *f = *state;
    struct load load = {0};
    make_old(f->dir);
    f->store = open_dir(f->dir, MAP);
    assert_whole(f->store);
    add(&load, 7, "h", 1, "user-1", "jefe"); /* late: the oldest by its time, the newest in the log */
    assert_int_equal(commit(f->store, &load).stored, 1);
    uint64_t identity = rc_store_identity(f->store);
    assert_true(identity != 0);
    rc_store_close(f->store);
    f->store = open_dir(f->dir, MAP);
    assert_int_equal(identity, rc_store_identity(f->store));
    struct rc_store_info info;
    assert_true(rc_store_info(f->store, &info));
    assert_int_equal(info.log_last, MESSAGES + 1);
}

static void empty_old_store_is_brought_over(void **state)
{
    struct shelf *f = *state;
    struct old o;
    open_old(&o, f->dir);
    put(&o, o.meta, "format", 6, "\0\0\0\0\0\0\0\1", 8);
    assert_int_equal(mdb_txn_commit(o.txn), 0);
    mdb_env_close(o.env);
    f->store = open_dir(f->dir, MAP);
    assert_int_equal(by_log(f->store, "jefe"), 0);
}

/* True: the store was opened, false: the process died at the sync. */
static bool open_and_die(const char *dir, int syncs)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char why[512];
        syncs_left = syncs;
        _exit(rc_store_open(dir, MAP, why, sizeof why) ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 9));
    return WEXITSTATUS(status) == 0;
}

/* What an interrupted upgrade left behind is no store for a program of format 1. */
static uint64_t format_of(const char *dir)
{
    struct old o;
    MDB_val key = {6, "format"}, value;
    open_old(&o, dir);
    assert_int_equal(mdb_get(o.txn, o.meta, &key, &value), 0);
    uint64_t format = rc_disk_get64(value.mv_data);
    mdb_txn_abort(o.txn);
    mdb_env_close(o.env);
    return format;
}

static void killed_upgrade_goes_on_at_the_next_start(void **state)
{
    struct shelf *f = *state;
    int deaths = 0;
    make_old(f->dir);
    /* Each start gets one transaction through, and dies in the next one. */
    while (!open_and_die(f->dir, 1) && deaths < 100) {
        deaths++;
        assert_int_equal(format_of(f->dir), 2);
    }
    assert_in_range(deaths, 3, 99);
    f->store = open_dir(f->dir, MAP);
    assert_whole(f->store);
}

static void store_without_room_for_it_says_so_and_stays(void **state)
{
    struct shelf *f = *state;
    char why[512] = "";
    make_old(f->dir);
    f->store = rc_store_open(f->dir, 3u << 20, why, sizeof why);
    assert_null(f->store);
    assert_non_null(strstr(why, "raise data.map_size"));
    f->store = open_dir(f->dir, MAP);
    assert_whole(f->store);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, shelf_make, shelf_remove)
    const struct CMUnitTest tests[] = {
        T(killed_upgrade_goes_on_at_the_next_start), /* first: it forks */
        T(old_store_is_brought_over_whole),
        T(empty_old_store_is_brought_over),
        T(store_without_room_for_it_says_so_and_stays),
    };
    return cmocka_run_group_tests_name("store_upgrade", tests, NULL, NULL);
}
