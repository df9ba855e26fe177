/* Pages of a commit log on the wire between persisters. */
#include "broker/persister/log_wire.h"

#include <stdlib.h>
#include <string.h>

#include "cluster/mem.h"
#include "link/link.h"
#include "link/wire.h"

static struct rc_buf *pack(const Roomcast__Side *side)
{
    size_t len = roomcast__side__get_packed_size(side);
    struct rc_buf *buf = len <= RC_LINK_SIDE_MAX ? rc_buf_new(len) : NULL;
    if (buf)
        roomcast__side__pack(side, buf->data);
    return buf;
}

/* NULL: it is something else. */
static Roomcast__Side *unpack(const struct rc_buf *bytes, Roomcast__Side__KindCase kind)
{
    Roomcast__Side *side = roomcast__side__unpack(NULL, bytes->len, bytes->data);
    if (side && side->kind_case == kind)
        return side;
    if (side)
        roomcast__side__free_unpacked(side, NULL);
    return NULL;
}

/* ---- pulls ------------------------------------------------------------------------------------------------------- */

struct rc_buf *rc_pull_pack(const struct rc_pull *pull)
{
    Roomcast__LogPull log_pull = ROOMCAST__LOG_PULL__INIT;
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    log_pull.store = pull->store;
    log_pull.from = pull->from;
    log_pull.limit = pull->rows;
    log_pull.bytes = pull->bytes;
    side.kind_case = ROOMCAST__SIDE__KIND_LOG_PULL;
    side.log_pull = &log_pull;
    return pack(&side);
}

bool rc_pull_unpack(const struct rc_buf *bytes, struct rc_pull *out)
{
    Roomcast__Side *side = unpack(bytes, ROOMCAST__SIDE__KIND_LOG_PULL);
    if (!side)
        return false;
    const Roomcast__LogPull *pull = side->log_pull;
    *out = (struct rc_pull){.store = pull->store, .from = pull->from ? pull->from : 1};
    out->rows = pull->limit < RC_LOG_ROWS ? pull->limit : RC_LOG_ROWS;
    out->bytes = pull->bytes < RC_PAGE_BYTES ? pull->bytes : RC_PAGE_BYTES;
    roomcast__side__free_unpacked(side, NULL);
    return true;
}

/* ---- pages ------------------------------------------------------------------------------------------------------- */

struct page { /* an answer under construction; everything in it is allocated */
    Roomcast__LogRows rows;
    size_t cap;
};

static ProtobufCBinaryData bytes_of(struct rc_slice slice)
{
    return (ProtobufCBinaryData){slice.len, (uint8_t *)(uintptr_t)slice.data};
}

static ProtobufCBinaryData pack_row(const struct rc_disk_row *row)
{
    Roomcast__Row packed = ROOMCAST__ROW__INIT;
    packed.de = bytes_of(row->de);
    packed.para = bytes_of(row->para);
    packed.mensaje = bytes_of(row->mensaje);
    packed.de_admin = row->de_admin;
    ProtobufCBinaryData out = {roomcast__row__get_packed_size(&packed), NULL};
    out.data = rc_zalloc(out.len);
    roomcast__row__pack(&packed, out.data);
    return out;
}

static void add(void *arg, uint64_t number, const struct rc_store_row *row)
{
    struct page *p = arg;
    struct entry { /* one allocation: the message, and the origin that it points to */
        Roomcast__Record record;
        char origin[RC_ID_MAX + 1];
    } *e = rc_zalloc(sizeof *e);
    roomcast__record__init(&e->record);
    memcpy(e->origin, row->key.origin, sizeof e->origin);
    e->record.number = number;
    e->record.fecha = row->key.fecha;
    e->record.origin = (ProtobufCBinaryData){strlen(e->origin), (uint8_t *)e->origin};
    e->record.origin_inc = row->key.origin_inc;
    e->record.seq = row->key.seq;
    e->record.row = pack_row(&row->row);
    if (p->rows.n_row == p->cap) {
        p->cap = p->cap ? 2 * p->cap : 64;
        Roomcast__Record **more = rc_zarray(p->cap, sizeof(Roomcast__Record *));
        if (p->rows.n_row)
            memcpy(more, p->rows.row, p->rows.n_row * sizeof(Roomcast__Record *));
        free(p->rows.row);
        p->rows.row = more;
    }
    p->rows.row[p->rows.n_row++] = &e->record;
}

static void page_fini(struct page *p)
{
    for (size_t i = 0; i < p->rows.n_row; i++) {
        free(p->rows.row[i]->row.data);
        free(p->rows.row[i]);
    }
    free(p->rows.row);
}

struct rc_buf *rc_log_answer(struct rc_store *store, const struct rc_pull *pull)
{
    struct page p = {.rows = ROOMCAST__LOG_ROWS__INIT};
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    struct rc_store_log log;
    p.rows.failed = rc_store_log_page(store, pull, &log, add, &p) != RC_STORE_OK;
    if (p.rows.failed) {
        page_fini(&p);
        p = (struct page){.rows = ROOMCAST__LOG_ROWS__INIT};
        p.rows.failed = true;
    } else {
        p.rows.store = rc_store_identity(store);
        p.rows.first = pull->from;
        p.rows.upto = log.upto;
        p.rows.last = log.last;
    }
    side.kind_case = ROOMCAST__SIDE__KIND_LOG_ROWS;
    side.log_rows = &p.rows;
    struct rc_buf *out = pack(&side);
    page_fini(&p);
    return out;
}

static bool take_row(const Roomcast__Record *from, struct rc_log_row *to)
{
    struct rc_op *op;
    if (rc_wire_record(from, &op))
        return false;
    to->number = op->record.number;
    to->record.key = op->record.key;
    to->record.row = rc_buf_hold(op->record.row);
    rc_op_free(op);
    return true;
}

bool rc_log_page_unpack(const struct rc_buf *bytes, struct rc_log_page *out)
{
    Roomcast__Side *side = unpack(bytes, ROOMCAST__SIDE__KIND_LOG_ROWS);
    *out = (struct rc_log_page){.bytes = bytes->len};
    if (!side)
        return false;
    const Roomcast__LogRows *rows = side->log_rows;
    bool good = rows->n_row <= RC_LOG_ROWS;
    out->failed = rows->failed;
    out->store = rows->store;
    out->from = rows->first;
    out->upto = rows->upto;
    out->last = rows->last;
    if (good)
        out->row = rc_zarray(rows->n_row, sizeof *out->row);
    for (size_t i = 0; i < rows->n_row && good; i++)
        good = take_row(rows->row[i], &out->row[out->n++]);
    roomcast__side__free_unpacked(side, NULL);
    if (!good)
        rc_log_page_fini(out);
    return good;
}
