/* The store on a real LMDB file: exactly once, all or nothing, in order, and what a crash or a full disk
 * leaves behind. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"
#include <lmdb.h>

/* ---- a disk that can fail: these stand in front of libc's for everything in this program ------------------
 */

static int fail_sync, fail_write; /* errno to fail with, 0: work */
static int fail_root;             /* the same for the two root pages only */

int fdatasync(int fd)
{
    if (fail_sync) {
        errno = fail_sync;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
    if (fail_write || (fail_root && at < 8192)) {
        errno = fail_write ? fail_write : fail_root;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, data, len, at);
}

ssize_t writev(int fd, const struct iovec *iov, int n)
{
    if (fail_write) {
        errno = fail_write;
        return -1;
    }
    return syscall(SYS_writev, fd, iov, n);
}

/* ---- fixture ---------------------------------------------------------------------------------------------
 */

static int teardown(void **state)
{
    fail_sync = fail_write = fail_root = 0;
    return shelf_remove(state);
}

static void open_store(struct shelf *f, uint64_t map)
{
    f->store = open_dir(f->dir, map);
}

static void reopen(struct shelf *f)
{
    rc_store_close(f->store);
    open_store(f, MAP);
}

static struct load load; /* large; empty between tests */

/* ---- reading ---------------------------------------------------------------------------------------------
 */

struct seen { /* what pages gave */
    size_t n;
    char mensaje[2000][24];
    int64_t fecha[2000];
};
static struct seen seen;

static void see(void *arg, const struct rc_store_row *row)
{
    struct seen *s = arg;
    assert_true(s->n < 2000);
    snprintf(s->mensaje[s->n], sizeof s->mensaje[0], "%.*s", (int)row->row.mensaje.len,
             (const char *)row->row.mensaje.data);
    s->fecha[s->n++] = row->key.fecha;
}

/* The messages seen from here on, which are in order inside their page, the other way round. */
static void turn_around(size_t from)
{
    for (size_t a = from, b = seen.n; a + 1 < b; a++, b--) {
        char mensaje[sizeof seen.mensaje[0]];
        memcpy(mensaje, seen.mensaje[a], sizeof mensaje);
        memcpy(seen.mensaje[a], seen.mensaje[b - 1], sizeof mensaje);
        memcpy(seen.mensaje[b - 1], mensaje, sizeof mensaje);
        int64_t fecha = seen.fecha[a];
        seen.fecha[a] = seen.fecha[b - 1];
        seen.fecha[b - 1] = fecha;
    }
}

/* Reads everything of a user in pages; answers how many there were. */
static size_t read_user(struct rc_store *store, const char *user, size_t limit, bool newest)
{
    struct rc_disk_key next = {0};
    size_t pages = 0;
    seen.n = 0;
    do {
        struct rc_disk_key from = next;
        struct rc_store_query q = {text(user), {from.byte, from.len}, newest, limit};
        size_t before = seen.n;
        assert_int_equal(rc_store_user_page(store, &q, see, &seen, &next), RC_STORE_OK);
        assert_true(limit == 0 || seen.n - before <= limit);
        if (newest)
            turn_around(before);
        pages++;
    } while (next.len);
    return pages;
}

static size_t rows_of(struct rc_store *store, const char *user)
{
    read_user(store, user, 0, false);
    return seen.n;
}

static void join_users(void *arg, struct rc_slice user)
{
    char *out = arg;
    size_t at = strlen(out);
    snprintf(out + at, 256 - at, "%.*s ", (int)user.len, (const char *)user.data);
}

/* ---- tests -----------------------------------------------------------------------------------------------
 */

static void stores_once_whatever_is_repeated(void **state)
{
    struct shelf *f = *state;
    open_store(f, MAP);
    for (int round = 0; round < 3; round++) {
        for (uint64_t i = 1; i <= 10; i++)
            add(&load, 1000, "gateway-1", i, "ana", "bea");
        add(&load, 1000, "gateway-1", 10, "ana", "bea"); /* twice in one commit */
        struct rc_store_outcome out = commit(f->store, &load);
        assert_int_equal(out.result, RC_STORE_OK);
        assert_int_equal(out.stored, round == 0 ? 10 : 0);
        assert_int_equal(out.duplicates, round == 0 ? 1 : 11);
        reopen(f);
    }
    struct rc_store_info info;
    assert_true(rc_store_info(f->store, &info));
    assert_int_equal(info.rows, 10);
    assert_int_equal(info.log_entries, 10);
    assert_int_equal(info.log_last, 10);
    assert_int_equal(info.user_entries, 20);
    assert_true(info.bytes > 0 && info.bytes < info.map_bytes);
    assert_int_equal(rows_of(f->store, "ana"), 10);
    assert_int_equal(rows_of(f->store, "bea"), 10);
    assert_int_equal(rows_of(f->store, "eva"), 0);
}

static void message_to_oneself_is_one_row(void **state)
{
    struct shelf *f = *state;
    open_store(f, MAP);
    add(&load, 5, "g", 1, "ana", "ana");
    assert_int_equal(commit(f->store, &load).stored, 1);
    assert_int_equal(rows_of(f->store, "ana"), 1);
}

static void order_is_oldest_first_across_origins(void **state)
{
    struct shelf *f = *state;
    open_store(f, MAP);
    const int64_t fecha[] = {700, 20, 300, 20, 256, 255, 1};
    for (size_t i = 0; i < 7; i++)
        add(&load, fecha[i], i % 2 ? "gateway-10" : "gateway-2", 100 - i, i % 3 ? "ana" : "bea", "ana");
    commit(f->store, &load);
    read_user(f->store, "ana", 0, false);
    assert_int_equal(seen.n, 7);
    for (size_t i = 1; i < seen.n; i++)
        assert_true(seen.fecha[i - 1] <= seen.fecha[i]);
    read_user(f->store, "ana", 0, true);
    assert_int_equal(seen.n, 7);
    assert_int_equal(seen.fecha[0], 700);
    assert_int_equal(seen.fecha[6], 1);
}

static void one_sender_keeps_its_order_within_a_millisecond(void **state)
{
    struct shelf *f = *state;
    open_store(f, MAP);
    for (uint64_t i = 300; i >= 200; i--)
        add(&load, 77, "g", i, "ana", "bea");
    commit(f->store, &load);
    read_user(f->store, "bea", 0, false);
    assert_string_equal(seen.mensaje[0], "\"g 200\"");
    assert_string_equal(seen.mensaje[100], "\"g 300\"");
}

static void positions_are_kept_and_never_go_back(void **state)
{
    struct shelf *f = *state;
    open_store(f, MAP);
    assert_int_equal(rc_store_position(f->store, "broker-1", 7), 0);
    add(&load, 1, "g", 1, "ana", "bea");
    add_position(&load, "broker-1", 7, 40);
    add_position(&load, "broker-2", 9, 5);
    commit(f->store, &load);
    add_position(&load, "broker-1", 7, 39);
    add_position(&load, "broker-1", 8, 1);
    assert_int_equal(commit(f->store, &load).result, RC_STORE_OK);
    reopen(f);
    assert_int_equal(rc_store_position(f->store, "broker-1", 7), 40);
    assert_int_equal(rc_store_position(f->store, "broker-1", 8), 1);
    assert_int_equal(rc_store_position(f->store, "broker-2", 9), 5);
    assert_int_equal(rc_store_position(f->store, "broker", 7), 0);
}

static void pages_join_without_gap_or_repeat(void **state)
{
    struct shelf *f = *state;
    open_store(f, MAP);
    for (uint64_t i = 1; i <= 590; i++)
        add(&load, (int64_t)(i / 7), "g", i, "ana", i % 2 ? "bea" : "eva");
    commit(f->store, &load);
    const size_t limit[] = {0, 1, 7, 255, 256, 1000};
    const size_t pages[] = {3, 590, 85, 3, 3, 3};
    for (size_t i = 0; i < 6; i++) {
        for (int newest = 0; newest < 2; newest++) {
            assert_int_equal(read_user(f->store, "ana", limit[i], newest), pages[i]);
            assert_int_equal(seen.n, 590);
            for (size_t n = 0; n < 590; n++) {
                char want[24];
                snprintf(want, sizeof want, "\"g %zu\"", newest ? 590 - n : n + 1);
                assert_string_equal(seen.mensaje[n], want);
            }
        }
    }
    assert_int_equal(rows_of(f->store, "bea"), 295);
}

static void cursor_stays_where_it_is_while_rows_arrive(void **state)
{
    struct shelf *f = *state;
    open_store(f, MAP);
    for (uint64_t i = 1; i <= 10; i++)
        add(&load, (int64_t)i * 10, "g", i, "ana", "bea");
    commit(f->store, &load);
    struct rc_store_query q = {.user = text("ana"), .limit = 5};
    struct rc_disk_key next;
    seen.n = 0;
    assert_int_equal(rc_store_user_page(f->store, &q, see, &seen, &next), RC_STORE_OK);
    add(&load, 5, "h", 1, "ana", "bea");
    add(&load, 75, "h", 2, "ana", "bea");
    commit(f->store, &load);
    reopen(f);
    q.from = (struct rc_slice){next.byte, next.len};
    q.limit = 0;
    assert_int_equal(rc_store_user_page(f->store, &q, see, &seen, &next), RC_STORE_OK);
    assert_int_equal(seen.n, 11);
    assert_int_equal(seen.fecha[4], 50);
    assert_int_equal(seen.fecha[5], 60);
    assert_int_equal(seen.fecha[7], 75);
    assert_int_equal(next.len, 0);
}

static void page_is_bounded_in_bytes_but_holds_one_row(void **state)
{
    struct shelf *f = *state;
    open_store(f, MAP);
    static uint8_t big[300 * 1024];
    memset(big, 'x', sizeof big);
    for (uint64_t i = 1; i <= 3; i++)
        add_raw(&load, 1, "g", 1, i, make_row(text("ana"), text("bea"), (struct rc_slice){big, sizeof big}, false));
    add(&load, 2, "g", 4, "ana", "bea");
    add(&load, 3, "g", 5, "ana", "bea");
    commit(f->store, &load);
    assert_int_equal(read_user(f->store, "ana", 0, false), 4);
    assert_int_equal(seen.n, 5);
}

static void bad_cursor_is_refused(void **state)
{
    struct shelf *f = *state;
    open_store(f, MAP);
    struct rc_store_query q = {.user = text("ana"), .from = text("nonsense")};
    struct rc_disk_key next;
    assert_int_equal(rc_store_user_page(f->store, &q, see, &seen, &next), RC_STORE_IO);
}

/* Made by solving XXH3 for equal hashes, which anybody can do who may choose a name. */
static const uint8_t twin_a[] = {0x2d, 0xad, 0xa3, 0x4d, 0xe9, 0xe2, 0xf1, 0xd9,
                                 0x4e, 0xa9, 0x52, 0xf3, 0x89, 0x7f, 0xc5, 0x2d};
static const uint8_t twin_b[] = {0x3c, 0x8f, 0x90, 0x09, 0xbc, 0x84, 0x86, 0x51,
                                 0xc6, 0xde, 0x34, 0xa6, 0xcd, 0x4c, 0xe7, 0x3c};

static void names_with_one_hash_stay_apart(void **state)
{
    struct shelf *f = *state;
    const struct rc_slice a = {twin_a, 16}, b = {twin_b, 16};
    assert_int_equal(rc_disk_user_hash(a), rc_disk_user_hash(b));
    open_store(f, MAP);
    for (uint64_t i = 1; i <= 600; i++) /* more of the one than a page looks at, then one of the other */
        add_raw(&load, (int64_t)i, "g", 1, i,
                make_row(i == 600 ? b : a, text("bea"), text(i == 600 ? "b" : "a"), false));
    commit(f->store, &load);
    struct rc_disk_key next = {0};
    size_t pages = 0;
    seen.n = 0;
    do {
        struct rc_disk_key from = next;
        struct rc_store_query q = {.user = b, .from = {from.byte, from.len}};
        assert_int_equal(rc_store_user_page(f->store, &q, see, &seen, &next), RC_STORE_OK);
        pages++;
    } while (next.len);
    assert_int_equal(seen.n, 1);
    assert_string_equal(seen.mensaje[0], "b");
    assert_int_equal(pages, 3);
}

static void bytes_on_disk_are_pinned(void **state)
{
    (void)state;
    assert_int_equal(rc_disk_user_hash(text("ana")), 0x94e94000006991ebull);
    assert_int_equal(rc_disk_user_hash(text("soporte@example.com")), 0x7be784fda47c108cull);
    const struct rc_key key = {.fecha = 0x0102030405, .origin = "g1", .origin_inc = 6, .seq = 0x0708};
    const uint8_t want_key[] = "\0\0\0\1\2\3\4\5"
                               "\2g1"
                               "\0\0\0\0\0\0\0\6"
                               "\0\0\0\0\0\0\7\10";
    struct rc_disk_key packed;
    assert_true(rc_disk_key_pack(&key, &packed));
    assert_int_equal(packed.len, 27);
    assert_memory_equal(packed.byte, want_key, 27);
    const struct rc_disk_row row = {text("ana"), text("eva"), text("\"x\""), true, 0x0708};
    const uint8_t want_row[] = "\2\1\0\3\0\3\0\0\0\0\0\0\7\10anaeva\"x\"", row_1[] = "\1\1\0\3\0\3anaeva\"x\"";
    uint8_t bytes[32];
    assert_int_equal(rc_disk_row_size(&row), 23);
    rc_disk_row_pack(&row, bytes);
    assert_memory_equal(bytes, want_row, 23);
    struct rc_disk_row read;
    for (int version = 1; version <= 2; version++) {
        assert_true(rc_disk_row_unpack(version == 1 ? row_1 : want_row, version == 1 ? 15 : 23, &read));
        assert_true(rc_slice_equal(read.de, row.de) && rc_slice_equal(read.para, row.para));
        assert_true(rc_slice_equal(read.mensaje, row.mensaje) && read.de_admin);
        assert_int_equal(read.number, version == 1 ? 0 : 0x0708);
    }
    bytes[0] = 3;
    assert_false(rc_disk_row_unpack(bytes, 23, &read));
}

static void malformed_records_are_left_out(void **state)
{
    struct shelf *f = *state;
    open_store(f, MAP);
    char name[RC_DISK_USER_MAX + 2];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = 0;
    add(&load, 1, "g", 1, "ana", "bea");
    add_raw(&load, 2, "g", 1, 2, rc_buf_copy("\xff\xff\xff", 3)); /* no protobuf */
    add_raw(&load, 3, "g", 1, 3, NULL);
    add(&load, 4, "g", 4, "", "bea");
    add(&load, 5, "g", 5, "ana", name);
    add(&load, -6, "g", 6, "ana", "bea");
    add(&load, 7, "", 7, "ana", "bea");
    add(&load, 8, "g", 8, "ana", "bea");
    add_position(&load, "broker-1", 1, 8);
    struct rc_store_outcome out = commit(f->store, &load);
    assert_int_equal(out.result, RC_STORE_OK);
    assert_int_equal(out.stored, 2);
    assert_int_equal(out.malformed, 6);
    assert_int_equal(out.culprit.seq, 2);
    assert_int_equal(rc_store_position(f->store, "broker-1", 1), 8);
    assert_int_equal(rows_of(f->store, "bea"), 2);
    struct rc_store_info info;
    assert_true(rc_store_info(f->store, &info));
    assert_int_equal(info.rows, 2);
    assert_int_equal(info.log_entries, 2);
}

static void conversations_are_of_users_and_not_of_admins(void **state)
{
    struct shelf *f = *state;
    struct rc_disk_user next;
    char names[256] = "";
    open_store(f, MAP);
    add(&load, 1, "g", 1, "bea", "admin");                                              /* wrote */
    add_raw(&load, 2, "g", 1, 2, make_row(text("jefe"), text("ana"), text("1"), true)); /* was written to */
    add_raw(&load, 3, "g", 1, 3, make_row(text("jefe"), text("lola"), text("1"), true));
    add_raw(&load, 4, "g", 1, 4, make_row(text("lola"), text("jefe"), text("1"), true)); /* both admins */
    add(&load, 5, "g", 5, "bea", "eva");                                                 /* eva: neither */
    add(&load, 6, "g", 6, "pepa", "admin");
    add_raw(&load, 7, "g", 1, 7, make_row(text("pepa"), text("ana"), text("1"), true)); /* became one */
    commit(f->store, &load);
    reopen(f);
    assert_int_equal(rc_store_conversations_page(f->store, text(""), 0, join_users, names, &next), RC_STORE_OK);
    assert_string_equal(names, "ana bea ");
    assert_int_equal(next.len, 0);
}

static void conversations_come_in_pages(void **state)
{
    struct shelf *f = *state;
    struct rc_disk_user next = {0};
    char names[256] = "";
    open_store(f, MAP);
    const char *const who[] = {"d", "a", "c", "b", "e"};
    for (uint64_t i = 0; i < 5; i++)
        add(&load, 1, "g", i + 1, who[i], "admin");
    commit(f->store, &load);
    size_t pages = 0;
    do {
        struct rc_disk_user from = next;
        struct rc_slice after = {from.byte, from.len};
        assert_int_equal(rc_store_conversations_page(f->store, after, 2, join_users, names, &next), RC_STORE_OK);
        pages++;
    } while (next.len);
    assert_string_equal(names, "a b c d e ");
    assert_int_equal(pages, 3);
}

/* ---- failures --------------------------------------------------------------------------------------------
 */

static void fill(struct load *l, uint64_t first, size_t n)
{
    for (uint64_t i = first; i < first + n; i++)
        add(l, (int64_t)i, "g", i, "ana", "bea");
    add_position(l, "broker-1", 1, first + n - 1);
}

/* What a failed commit must have left: `rows` messages, and the position of the last good one. */
static void assert_untouched(struct rc_store *store, uint64_t rows)
{
    struct rc_store_info info;
    assert_true(rc_store_info(store, &info));
    assert_int_equal(info.rows, rows);
    assert_int_equal(info.log_entries, rows);
    assert_int_equal(info.log_last, rows);
    assert_int_equal(info.user_entries, 2 * rows);
    assert_int_equal(rc_store_position(store, "broker-1", 1), rows);
    assert_int_equal(rows_of(store, "bea"), rows);
}

static void failing_disk(struct shelf *f, int *fault, int error, enum rc_store_result want)
{
    open_store(f, MAP);
    fill(&load, 1, 20);
    assert_int_equal(commit(f->store, &load).result, RC_STORE_OK);
    *fault = error;
    for (int i = 0; i < 3; i++) {
        fill(&load, 21, 300);
        struct rc_store_outcome out = commit(f->store, &load);
        assert_int_equal(out.result, want);
        assert_int_equal(out.stored, 0);
        assert_true(out.why[0] != 0);
        assert_untouched(f->store, 20);
    }
    *fault = 0;
    fill(&load, 21, 300);
    assert_int_equal(commit(f->store, &load).stored, 300);
    reopen(f);
    assert_untouched(f->store, 320);
}

static void full_disk_is_told_and_recovered_from(void **state)
{
    failing_disk(*state, &fail_write, ENOSPC, RC_STORE_DISK_FULL);
}

static void failed_sync_is_no_commit(void **state)
{
    failing_disk(*state, &fail_sync, EIO, RC_STORE_IO);
}

/* LMDB gives its environment up when it cannot write the root page. */
static void lost_root_page_opens_the_environment_anew(void **state)
{
    failing_disk(*state, &fail_root, EIO, RC_STORE_IO);
}

static void reached_map_size_leaves_nothing_behind(void **state)
{
    struct shelf *f = *state;
    open_store(f, (size_t)256 << 10);
    uint64_t rows = 0;
    struct rc_store_outcome out;
    for (;;) {
        fill(&load, rows + 1, 100);
        out = commit(f->store, &load);
        if (out.result != RC_STORE_OK)
            break;
        rows += 100;
        assert_true(rows < 10000);
    }
    assert_int_equal(out.result, RC_STORE_MAP_FULL);
    assert_true(rows > 0);
    assert_untouched(f->store, rows);
    fill(&load, rows + 1, 100);
    assert_int_equal(commit(f->store, &load).result, RC_STORE_MAP_FULL);
    reopen(f); /* with a larger map */
    assert_untouched(f->store, rows);
    fill(&load, rows + 1, 100);
    assert_int_equal(commit(f->store, &load).stored, 100);
}

/* ---- opening ---------------------------------------------------------------------------------------------
 */

static void assert_refused(const char *dir, const char *word)
{
    char why[512] = "";
    struct rc_store *store = rc_store_open(dir, MAP, why, sizeof why);
    assert_null(store);
    if (!strstr(why, word) || !strstr(why, dir))
        fail_msg("\"%s\" names not %s and %s", why, dir, word);
}

static void directory_is_made_private(void **state)
{
    struct shelf *f = *state;
    struct stat st;
    char path[128];
    rmdir(f->dir);
    open_store(f, MAP);
    assert_int_equal(stat(f->dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    snprintf(path, sizeof path, "%s/data.mdb", f->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void unusable_directories_are_refused(void **state)
{
    struct shelf *f = *state;
    assert_refused("/dev/null", "not a directory");
    assert_refused("/dev/null/x", "cannot be made");
    assert_int_equal(chmod(f->dir, 0500), 0);
    bool root = geteuid() == 0;
    if (root) /* whom modes do not stop */
        assert_int_equal(chown(f->dir, 65534, 65534) | seteuid(65534), 0);
    assert_refused(f->dir, "must be writable");
    if (root)
        assert_int_equal(seteuid(0), 0);
}

static void second_opener_is_refused(void **state)
{
    struct shelf *f = *state;
    char pid[40];
    open_store(f, MAP);
    snprintf(pid, sizeof pid, "in use by process %ld;", (long)getpid());
    assert_refused(f->dir, pid);
    fill(&load, 1, 5); /* and the first is not harmed */
    assert_int_equal(commit(f->store, &load).stored, 5);
    assert_untouched(f->store, 5);
}

static void damaged_file_is_refused(void **state)
{
    struct shelf *f = *state;
    char path[128], junk[8192];
    memset(junk, 'j', sizeof junk);
    snprintf(path, sizeof path, "%s/data.mdb", f->dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(junk, 1, sizeof junk, file), sizeof junk);
    assert_int_equal(fclose(file), 0);
    assert_refused(f->dir, "cannot be opened");
}

/* Puts one entry into a database of the closed store. */
static void poke(const char *dir, const char *name, const char *key, struct rc_slice value)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_val k = {strlen(key), (void *)(uintptr_t)key}, v = {value.len, (void *)(uintptr_t)value.data};
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 8), 0);
    assert_int_equal(mdb_env_open(env, dir, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, name, MDB_CREATE, &dbi), 0);
    assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void newer_format_is_refused(void **state)
{
    struct shelf *f = *state;
    const uint8_t newer[8] = {0, 0, 0, 0, 0, 0, 0, 3}, ours[8] = {0, 0, 0, 0, 0, 0, 0, 2};
    open_store(f, MAP);
    fill(&load, 1, 5);
    commit(f->store, &load);
    rc_store_close(f->store);
    f->store = NULL;
    poke(f->dir, "meta", "format", (struct rc_slice){newer, 8});
    assert_refused(f->dir, "format 3");
    poke(f->dir, "meta", "format", (struct rc_slice){ours, 8});
    open_store(f, MAP);
    assert_untouched(f->store, 5);
}

static void database_of_something_else_is_refused(void **state)
{
    struct shelf *f = *state;
    poke(f->dir, "recipes", "soup", text("leek"));
    assert_refused(f->dir, "something else");
}

/* ---- kill ------------------------------------------------------------------------------------------------
 */

/* Commits rows of its incarnation until it is killed; writes the number of each committed row to the pipe. */
static void child_load(const char *dir, int pipe, uint64_t inc)
{
    char why[512];
    struct rc_store *store = rc_store_open(dir, MAP, why, sizeof why);
    struct rc_store_outcome out;
    for (uint64_t n = 1; store; n += 7) {
        for (uint64_t i = n; i < n + 7; i++)
            add_raw(&load, (int64_t)i, "g", inc, i, make_row(text("ana"), text("bea"), text("1"), false));
        add_position(&load, "broker-1", inc, n + 6);
        uint64_t last = n + 6;
        if (rc_store_commit(store, &load.commit, &out) != RC_STORE_OK || write(pipe, &last, sizeof last) != sizeof last)
            break;
        clear(&load);
    }
    _exit(1);
}

static void nothing_committed_is_lost_by_a_kill(void **state)
{
    struct shelf *f = *state;
    uint64_t rows = 0;
    for (uint64_t round = 1; round <= 8; round++) {
        int fd[2];
        uint64_t last = 0, number;
        assert_int_equal(pipe(fd), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            child_load(f->dir, fd[1], round);
        close(fd[1]);
        while (last < 50 * round && read(fd[0], &number, sizeof number) == sizeof number)
            last = number;
        assert_true(last >= 50 * round);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        while (read(fd[0], &number, sizeof number) == sizeof number)
            last = number;
        close(fd[0]);

        open_store(f, MAP);
        uint64_t position = rc_store_position(f->store, "broker-1", round);
        assert_true(position == last || position == last + 7); /* killed between the commit and the word of it */
        rows += position;
        struct rc_store_info info;
        assert_true(rc_store_info(f->store, &info));
        assert_int_equal(info.rows, rows);
        assert_int_equal(info.log_entries, rows);
        assert_int_equal(info.user_entries, 2 * rows);
        rc_store_close(f->store);
        f->store = NULL;
    }
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, shelf_make, teardown)
    const struct CMUnitTest tests[] = {
        T(nothing_committed_is_lost_by_a_kill), /* first: it forks, and no store may be open then */
        T(stores_once_whatever_is_repeated),
        T(message_to_oneself_is_one_row),
        T(order_is_oldest_first_across_origins),
        T(one_sender_keeps_its_order_within_a_millisecond),
        T(positions_are_kept_and_never_go_back),
        T(pages_join_without_gap_or_repeat),
        T(cursor_stays_where_it_is_while_rows_arrive),
        T(page_is_bounded_in_bytes_but_holds_one_row),
        T(bad_cursor_is_refused),
        T(names_with_one_hash_stay_apart),
        T(bytes_on_disk_are_pinned),
        T(malformed_records_are_left_out),
        T(conversations_are_of_users_and_not_of_admins),
        T(conversations_come_in_pages),
        T(full_disk_is_told_and_recovered_from),
        T(failed_sync_is_no_commit),
        T(lost_root_page_opens_the_environment_anew),
        T(reached_map_size_leaves_nothing_behind),
        T(directory_is_made_private),
        T(unusable_directories_are_refused),
        T(second_opener_is_refused),
        T(damaged_file_is_refused),
        T(newer_format_is_refused),
        T(database_of_something_else_is_refused),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
