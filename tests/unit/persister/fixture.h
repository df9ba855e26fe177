/* What the tests of the persister share: a directory of their own, rows, commits. Include after cmocka.h. */
#ifndef RC_TEST_PERSISTER_FIXTURE_H
#define RC_TEST_PERSISTER_FIXTURE_H

#include "broker/persister/store.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "roomcast.pb-c.h"

#define MAP (64u << 20)

/* A new folder, its name in `dir`. */
static inline void make_folder(char dir[64])
{
    strcpy(dir, "/tmp/roomcast-persister-XXXXXX");
    assert_non_null(mkdtemp(dir));
}

struct load { /* a commit under construction */
    struct rc_commit commit;
    struct rc_record record[600];
};

static inline struct rc_slice text(const char *s)
{
    return (struct rc_slice){(const uint8_t *)s, strlen(s)};
}

static inline struct rc_buf *make_row(struct rc_slice de, struct rc_slice para, struct rc_slice mensaje, bool admin)
{
    Roomcast__Row row = ROOMCAST__ROW__INIT;
    row.de = (ProtobufCBinaryData){de.len, (uint8_t *)(uintptr_t)de.data};
    row.para = (ProtobufCBinaryData){para.len, (uint8_t *)(uintptr_t)para.data};
    row.mensaje = (ProtobufCBinaryData){mensaje.len, (uint8_t *)(uintptr_t)mensaje.data};
    row.de_admin = admin;
    struct rc_buf *buf = rc_buf_new(roomcast__row__get_packed_size(&row));
    roomcast__row__pack(&row, buf->data);
    return buf;
}

/* Takes over the reference to row. */
static inline void add_raw(struct load *l, int64_t fecha, const char *origin, uint64_t inc, uint64_t seq,
                           struct rc_buf *row)
{
    assert_true(l->commit.n < sizeof l->record / sizeof l->record[0]);
    l->commit.record = l->record;
    struct rc_record *r = &l->record[l->commit.n++];
    *r = (struct rc_record){.key = {.fecha = fecha, .origin_inc = inc, .seq = seq}, .row = row};
    snprintf(r->key.origin, sizeof r->key.origin, "%s", origin);
}

/* A message whose text is "ORIGIN SEQ", quotes included. */
static inline void add(struct load *l, int64_t fecha, const char *origin, uint64_t seq, const char *de,
                       const char *para)
{
    char mensaje[64];
    snprintf(mensaje, sizeof mensaje, "\"%s %llu\"", origin, (unsigned long long)seq);
    add_raw(l, fecha, origin, 1, seq, make_row(text(de), text(para), text(mensaje), false));
}

static inline void add_position(struct load *l, const char *broker, uint64_t inc, uint64_t number)
{
    struct rc_position *p = &l->commit.position[l->commit.positions++];
    *p = (struct rc_position){.inc = inc, .number = number};
    snprintf(p->broker, sizeof p->broker, "%s", broker);
}

static inline void clear(struct load *l)
{
    for (size_t i = 0; i < l->commit.n; i++)
        rc_buf_rele(l->record[i].row);
    memset(&l->commit, 0, sizeof l->commit);
}

static inline struct rc_store_outcome commit(struct rc_store *store, struct load *l)
{
    struct rc_store_outcome out;
    enum rc_store_result result = rc_store_commit(store, &l->commit, &out);
    assert_int_equal(result, out.result);
    clear(l);
    return out;
}

static inline struct rc_store *open_dir(const char *dir, uint64_t map)
{
    char why[512] = "";
    struct rc_store *store = rc_store_open(dir, map, why, sizeof why);
    if (!store)
        fail_msg("%s", why);
    return store;
}

/* Removes a directory that holds files only. */
static inline void remove_tree(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    while (d && (e = readdir(d))) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        unlink(path);
    }
    if (d)
        closedir(d);
    rmdir(dir);
}

/* A folder and the store in it, as most tests have them. */
struct shelf {
    char dir[64];
    struct rc_store *store; /* NULL: not open */
};

/* Setups and teardown of a test; shelf_make leaves the store to be opened. */
static inline int shelf_make(void **state)
{
    struct shelf *shelf = *state = calloc(1, sizeof *shelf);
    assert_non_null(shelf);
    make_folder(shelf->dir);
    return 0;
}

static inline int shelf_open(void **state)
{
    shelf_make(state);
    struct shelf *shelf = *state;
    shelf->store = open_dir(shelf->dir, MAP);
    return 0;
}

static inline int shelf_remove(void **state)
{
    struct shelf *shelf = *state;
    rc_store_close(shelf->store);
    remove_tree(shelf->dir);
    free(shelf);
    return 0;
}

#endif
