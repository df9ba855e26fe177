/* Makes the answer to one query of history. */
#include "broker/persister/answer.h"

#include <stdlib.h>
#include <string.h>

#include "cluster/mem.h"
#include "link/link.h"
#include "roomcast.pb-c.h"

enum { CURSOR_MESSAGE = 1, CURSOR_USER = 2, CURSOR_LOG = 3, CURSOR_LOG_BY_KEY = 4 };
enum { PLACE_HEAD = 1 + 8 + 8 }; /* of the last two: kind, store, number; the key follows */

struct page { /* an answer under construction; everything in it is allocated */
    Roomcast__Rows rows;
    size_t cap; /* of the array that is filled */
};

static ProtobufCBinaryData copy(const void *data, size_t len)
{
    ProtobufCBinaryData out = {len, rc_zarray(len, 1)};
    if (len)
        memcpy(out.data, data, len);
    return out;
}

/* An array with room for one more; pages are bounded, so this is too. */
static void *grow(void *array, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return array;
    *cap = *cap ? 2 * *cap : 16;
    void *grown = rc_zarray(*cap, size);
    if (n)
        memcpy(grown, array, n * size);
    free(array);
    return grown;
}

static void add_row(void *arg, const struct rc_store_row *row)
{
    struct page *p = arg;
    Roomcast__HistoryRow *r = rc_zalloc(sizeof *r);
    roomcast__history_row__init(r);
    r->de = copy(row->row.de.data, row->row.de.len);
    r->para = copy(row->row.para.data, row->row.para.len);
    r->mensaje = copy(row->row.mensaje.data, row->row.mensaje.len);
    r->fecha = row->key.fecha;
    p->rows.row = grow(p->rows.row, p->rows.n_row, &p->cap, sizeof(Roomcast__HistoryRow *));
    p->rows.row[p->rows.n_row++] = r;
}

static void add_user(void *arg, struct rc_slice user)
{
    struct page *p = arg;
    p->rows.user = grow(p->rows.user, p->rows.n_user, &p->cap, sizeof(ProtobufCBinaryData));
    p->rows.user[p->rows.n_user++] = copy(user.data, user.len);
}

static void page_fini(struct page *p)
{
    for (size_t i = 0; i < p->rows.n_row; i++) {
        free(p->rows.row[i]->de.data);
        free(p->rows.row[i]->para.data);
        free(p->rows.row[i]->mensaje.data);
        free(p->rows.row[i]);
    }
    for (size_t i = 0; i < p->rows.n_user; i++)
        free(p->rows.user[i].data);
    free(p->rows.row);
    free(p->rows.user);
    free(p->rows.cursor.data);
    free(p->rows.later.data);
}

static void set_cursor(struct page *p, uint8_t kind, const void *data, size_t len)
{
    if (!len)
        return;
    p->rows.cursor = (ProtobufCBinaryData){1 + len, rc_zalloc(1 + len)};
    p->rows.cursor.data[0] = kind;
    memcpy(p->rows.cursor.data + 1, data, len);
}

/* False when the cursor was not made for this kind of query. */
static bool read_cursor(const Roomcast__Query *query, uint8_t kind, struct rc_slice *out)
{
    *out = (struct rc_slice){NULL, 0};
    if (query->cursor.len == 0)
        return true;
    *out = (struct rc_slice){query->cursor.data + 1, query->cursor.len - 1};
    return query->cursor.data[0] == kind && out->len > 0;
}

static ProtobufCBinaryData pack_place(const struct rc_place *place)
{
    size_t len = PLACE_HEAD + place->key.len;
    ProtobufCBinaryData out = {len, rc_zalloc(len)};
    out.data[0] = place->by_key ? CURSOR_LOG_BY_KEY : CURSOR_LOG;
    rc_disk_put64(out.data + 1, place->store);
    rc_disk_put64(out.data + 9, place->number);
    memcpy(out.data + PLACE_HEAD, place->key.byte, place->key.len);
    return out;
}

/* False when the cursor is none of a walk in the log's order. */
static bool unpack_place(const ProtobufCBinaryData *cursor, struct rc_place *out)
{
    const uint8_t *p = cursor->data;
    size_t key = cursor->len - PLACE_HEAD;
    if (cursor->len < PLACE_HEAD || (p[0] != CURSOR_LOG && p[0] != CURSOR_LOG_BY_KEY) ||
        (key && !rc_disk_key_valid(p + PLACE_HEAD, key)))
        return false;
    *out = (struct rc_place){.store = rc_disk_get64(p + 1),
                             .by_key = p[0] == CURSOR_LOG_BY_KEY,
                             .number = rc_disk_get64(p + 9),
                             .key.len = (uint8_t)key};
    memcpy(out->key.byte, p + PLACE_HEAD, key);
    return true;
}

/* These fill the page and answer NULL, or a static text that says what is wrong. */
static const char *of_user(struct rc_store *store, const Roomcast__Query *query, struct page *p)
{
    struct rc_store_query q = {
        .user = {query->user.data, query->user.len}, .newest = query->newest, .limit = query->limit};
    struct rc_disk_key next;
    if (!read_cursor(query, CURSOR_MESSAGE, &q.from) || (q.from.len && !rc_disk_key_valid(q.from.data, q.from.len)))
        return "bad cursor";
    enum rc_store_result result = rc_store_user_page(store, &q, add_row, p, &next);
    if (result != RC_STORE_OK)
        return rc_store_result_text(result);
    set_cursor(p, CURSOR_MESSAGE, next.byte, next.len);
    return NULL;
}

static const char *of_user_by_log(struct rc_store *store, const Roomcast__Query *query, struct page *p)
{
    struct rc_user_log_query q = {
        .user = {query->user.data, query->user.len}, .newest = query->newest, .limit = query->limit};
    struct rc_user_log_page page;
    struct rc_place from;
    if (query->cursor.len && !unpack_place(&query->cursor, &from))
        return "bad cursor";
    if (query->cursor.len)
        q.from = &from;
    enum rc_store_result result = rc_store_user_log_page(store, &q, add_row, p, &page);
    if (result != RC_STORE_OK)
        return rc_store_result_text(result);
    if (page.more)
        p->rows.cursor = pack_place(&page.next);
    if (page.has_later)
        p->rows.later = pack_place(&page.later);
    return NULL;
}

static const char *conversations(struct rc_store *store, const Roomcast__Query *query, struct page *p)
{
    struct rc_slice after;
    struct rc_disk_user next;
    if (!read_cursor(query, CURSOR_USER, &after) || after.len > RC_DISK_USER_MAX)
        return "bad cursor";
    enum rc_store_result result = rc_store_conversations_page(store, after, query->limit, add_user, p, &next);
    if (result != RC_STORE_OK)
        return rc_store_result_text(result);
    set_cursor(p, CURSOR_USER, next.byte, next.len);
    return NULL;
}

/* NULL when it would be above what a link carries. */
static struct rc_buf *pack(Roomcast__Rows *rows)
{
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    side.kind_case = ROOMCAST__SIDE__KIND_ROWS;
    side.rows = rows;
    size_t len = roomcast__side__get_packed_size(&side);
    struct rc_buf *buf = len <= RC_LINK_SIDE_MAX ? rc_buf_new(len) : NULL;
    if (buf)
        roomcast__side__pack(&side, buf->data);
    return buf;
}

static struct rc_buf *pack_error(uint64_t id, const char *why)
{
    Roomcast__Rows rows = ROOMCAST__ROWS__INIT;
    rows.id = id;
    rows.error = (ProtobufCBinaryData){strlen(why), (uint8_t *)(uintptr_t)why};
    return pack(&rows);
}

static void answer(struct rc_store *store, const Roomcast__Query *query, struct rc_answer *out)
{
    struct page p = {.rows = ROOMCAST__ROWS__INIT};
    const char *why = "unknown kind of query";
    p.rows.id = query->id;
    if (query->kind == ROOMCAST__QUERY__KIND__OF_USER)
        why = (query->by_log ? of_user_by_log : of_user)(store, query, &p);
    else if (query->kind == ROOMCAST__QUERY__KIND__CONVERSATIONS)
        why = conversations(store, query, &p);
    out->side = why ? pack_error(query->id, why) : pack(&p.rows);
    if (!out->side)
        out->side = pack_error(query->id, "a message is too large for an answer");
    else if (!why)
        out->rows = p.rows.n_row + p.rows.n_user;
    page_fini(&p);
}

static Roomcast__Side *unpack_query(const struct rc_buf *bytes)
{
    Roomcast__Side *side = roomcast__side__unpack(NULL, bytes->len, bytes->data);
    if (side && side->kind_case == ROOMCAST__SIDE__KIND_QUERY)
        return side;
    if (side)
        roomcast__side__free_unpacked(side, NULL);
    return NULL;
}

struct rc_answer *rc_answer_new(struct rc_store *store, uint64_t asker, const struct rc_buf *query)
{
    struct rc_answer *out = rc_zalloc(sizeof *out);
    Roomcast__Side *side = unpack_query(query);
    out->asker = asker;
    if (side) {
        answer(store, side->query, out);
        roomcast__side__free_unpacked(side, NULL);
    }
    return out;
}

struct rc_answer *rc_answer_busy(uint64_t asker, const struct rc_buf *query)
{
    struct rc_answer *out = rc_zalloc(sizeof *out);
    Roomcast__Side *side = unpack_query(query);
    out->asker = asker;
    if (side) {
        out->side = pack_error(side->query->id, "busy");
        roomcast__side__free_unpacked(side, NULL);
    }
    return out;
}

struct rc_answer *rc_answer_page(struct rc_store *store, uint64_t asker, const struct rc_reading *reading)
{
    struct rc_answer *out = rc_zalloc(sizeof *out);
    out->asker = asker;
    out->is_page = true;
    out->page = rc_reading_page(store, reading);
    out->rows = out->page.rows;
    return out;
}

void rc_answer_free(struct rc_answer *out)
{
    if (!out)
        return;
    rc_buf_rele(out->side);
    free(out->page.text);
    free(out);
}
