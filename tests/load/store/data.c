/* Messages for the store, the bare LMDB loop, and samples. */
#include "tests/load/store/store_bench.h"

#include <lmdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "roomcast.pb-c.h"

void bench_die(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("roomcast-store-bench: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

static rc_time thread_cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (rc_time)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

struct bench_time bench_now(void)
{
    return (struct bench_time){rc_clock_now(), thread_cpu()};
}

void bench_add(struct bench_time *sum, struct bench_time begin)
{
    struct bench_time now = bench_now();
    sum->wall += now.wall - begin.wall;
    sum->cpu += now.cpu - begin.cpu;
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static uint64_t scatter(uint64_t n)
{
    n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9;
    n = (n ^ n >> 27) * 0x94d049bb133111eb;
    return n ^ n >> 31;
}

void bench_message(uint64_t n, struct bench_message *out)
{
    uint64_t r = scatter(n);
    char user[24], admin[24];
    snprintf(user, sizeof user, "usuario-%05llu", (unsigned long long)(r % BENCH_USERS));
    snprintf(admin, sizeof admin, "admin-%02llu", (unsigned long long)(r >> 32) % BENCH_ADMINS);
    *out = (struct bench_message){
        .key = {.fecha = 1700000000000 + (int64_t)(n / 4), .origin_inc = 1700000000000, .seq = n},
        .de_admin = (r >> 60) % 4 == 0,
    };
    snprintf(out->key.origin, sizeof out->key.origin, "gateway-%llu", (unsigned long long)(r >> 20) % 4 + 1);
    snprintf(out->de, sizeof out->de, "%s", out->de_admin ? admin : user);
    snprintf(out->para, sizeof out->para, "%s", out->de_admin ? user : admin);
    memset(out->mensaje, 'a' + (int)(n % 26), sizeof out->mensaje);
    out->mensaje[0] = out->mensaje[sizeof out->mensaje - 2] = '"';
    out->mensaje[sizeof out->mensaje - 1] = 0;
}

static ProtobufCBinaryData binary(const char *text)
{
    return (ProtobufCBinaryData){strlen(text), (uint8_t *)(uintptr_t)text};
}

struct rc_buf *bench_row(const struct bench_message *m)
{
    Roomcast__Row row = ROOMCAST__ROW__INIT;
    row.de = binary(m->de);
    row.para = binary(m->para);
    row.mensaje = binary(m->mensaje);
    row.de_admin = m->de_admin;
    struct rc_buf *buf = rc_buf_new(roomcast__row__get_packed_size(&row));
    if (!buf)
        bench_die("out of memory");
    roomcast__row__pack(&row, buf->data);
    return buf;
}

void bench_commit(struct rc_commit *commit, uint64_t first, size_t n)
{
    struct bench_message m;
    memset(commit, 0, sizeof *commit);
    commit->record = calloc(n, sizeof *commit->record);
    if (!commit->record)
        bench_die("out of memory");
    for (commit->n = 0; commit->n < n; commit->n++) {
        bench_message(first + commit->n, &m);
        commit->record[commit->n] = (struct rc_record){.key = m.key, .row = bench_row(&m)};
    }
    commit->positions = 1;
    commit->position[0] = (struct rc_position){.broker = "broker-1", .inc = 1, .number = first + n - 1};
}

void bench_commit_free(struct rc_commit *commit)
{
    for (size_t i = 0; i < commit->n; i++)
        rc_buf_rele(commit->record[i].row);
    free(commit->record);
}

/* ---- the bare loop ----------------------------------------------------------------------------------------------- */

struct bench_bare {
    enum bench_what what;
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi messages, by_user, by_user_log, log;
};

static void must(int rc, const char *what)
{
    if (rc != 0)
        bench_die("%s: %s", what, mdb_strerror(rc));
}

static void put(struct bench_bare *b, MDB_dbi dbi, const void *key, size_t key_len, const void *value, size_t value_len)
{
    MDB_val k = {key_len, (void *)(uintptr_t)key}, v = {value_len, (void *)(uintptr_t)value};
    must(mdb_put(b->txn, dbi, &k, &v, 0), "put");
}

struct item { /* a message, packed before the clock runs */
    struct rc_disk_key key;
    uint8_t number[8];
    uint8_t row[512];
    size_t row_len;
    uint8_t de[8], para[8]; /* hashes of the users */
};

static struct rc_slice slice(const char *text)
{
    return (struct rc_slice){(const uint8_t *)text, strlen(text)};
}

static void prepare(struct item *item, uint64_t n)
{
    struct bench_message m;
    bench_message(n, &m);
    const struct rc_disk_row row = {slice(m.de), slice(m.para), slice(m.mensaje), m.de_admin, n};
    rc_disk_key_pack(&m.key, &item->key);
    rc_disk_row_pack(&row, item->row);
    item->row_len = rc_disk_row_size(&row);
    rc_disk_put64(item->number, n);
    rc_disk_put64(item->de, rc_disk_user_hash(row.de));
    rc_disk_put64(item->para, rc_disk_user_hash(row.para));
}

static void put_indexes(struct bench_bare *b, const uint8_t hash[8], const struct item *item)
{
    uint8_t index[8 + RC_DISK_KEY_MAX];
    memcpy(index, hash, 8);
    memcpy(index + 8, item->key.byte, item->key.len);
    put(b, b->by_user, index, 8u + item->key.len, NULL, 0);
    memcpy(index + 8, item->number, 8);
    put(b, b->by_user_log, index, 16, NULL, 0);
}

static void put_item(struct bench_bare *b, const struct item *item)
{
    put(b, b->messages, item->key.byte, item->key.len, item->row, item->row_len);
    if (b->what == BENCH_ROWS)
        return;
    put(b, b->log, item->number, 8, item->key.byte, item->key.len);
    put_indexes(b, item->de, item);
    put_indexes(b, item->para, item);
}

struct bench_bare *bench_bare_open(const char *dir, enum bench_what what)
{
    struct bench_bare *b = calloc(1, sizeof *b);
    if (!b)
        bench_die("out of memory");
    b->what = what;
    const struct {
        const char *name;
        MDB_dbi *dbi;
    } base[] = {
        {"messages", &b->messages}, {"by_user", &b->by_user}, {"by_user_log", &b->by_user_log}, {"log", &b->log}};
    must(mdb_env_create(&b->env), "environment");
    must(mdb_env_set_maxdbs(b->env, 8), "environment");
    must(mdb_env_set_mapsize(b->env, BENCH_MAP), "environment");
    must(mdb_env_open(b->env, dir, 0, 0600), dir);
    must(mdb_txn_begin(b->env, NULL, 0, &b->txn), "transaction");
    for (size_t i = 0; i < sizeof base / sizeof base[0]; i++)
        must(mdb_dbi_open(b->txn, base[i].name, MDB_CREATE, base[i].dbi), base[i].name);
    must(mdb_txn_commit(b->txn), "commit");
    return b;
}

struct bench_time bench_bare_put(struct bench_bare *b, uint64_t first, size_t n)
{
    struct bench_time took = {0, 0};
    struct item *item = calloc(n, sizeof *item);
    if (!item)
        bench_die("out of memory");
    for (size_t i = 0; i < n; i++)
        prepare(&item[i], first + i);
    struct bench_time begin = bench_now();
    must(mdb_txn_begin(b->env, NULL, 0, &b->txn), "transaction");
    for (size_t i = 0; i < n; i++)
        put_item(b, &item[i]);
    must(mdb_txn_commit(b->txn), "commit");
    bench_add(&took, begin);
    free(item);
    return took;
}

void bench_bare_close(struct bench_bare *b)
{
    mdb_env_close(b->env);
    free(b);
}

/* ---- samples ----------------------------------------------------------------------------------------------------- */

void bench_sample(struct bench_samples *s, rc_time us)
{
    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 1024;
        s->us = realloc(s->us, s->cap * sizeof *s->us);
        if (!s->us)
            bench_die("out of memory");
    }
    s->us[s->n++] = us;
}

static int by_time(const void *a, const void *b)
{
    rc_time x = *(const rc_time *)a, y = *(const rc_time *)b;
    return (x > y) - (x < y);
}

rc_time bench_percentile(struct bench_samples *s, double percent)
{
    if (!s->n)
        return 0;
    qsort(s->us, s->n, sizeof *s->us, by_time);
    return s->us[(size_t)((double)(s->n - 1) * percent / 100)];
}

void bench_samples_free(struct bench_samples *s)
{
    free(s->us);
    *s = (struct bench_samples){0};
}
