/* History as data: parameters to a query, rows to JSON. */
#include "gateway/app/history_query.h"

#include "clock.h"
#include "gateway/http/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_limit(const char *text, uint32_t *out)
{
    uint32_t limit = 0;
    size_t len = strlen(text);
    if (len == 0 || len > 4 || strspn(text, "0123456789") != len) {
        return false;
    }
    limit = (uint32_t)strtoul(text, NULL, 10);
    *out = limit;
    return limit >= 1 && limit <= RC_HISTORY_LIMIT;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_cursor(const char *text, struct rc_history_cursor *cursor)
{
    size_t len = strlen(text);
    if (len == 0 || len % 2 != 0 || len / 2 > sizeof cursor->byte) {
        return false;
    }
    for (size_t i = 0; i < len / 2; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        cursor->byte[i] = (uint8_t)(high << 4 | low);
    }
    cursor->len = len / 2;
    return true;
}

static const char *read_page(const char *limit, const char *before, const char *after, struct rc_history_query *query)
{
    query->page = limit || before || after;
    query->on = after;
    if (limit && !read_limit(limit, &query->limit)) {
        return "limit debe ser un número de 1 a 256";
    }
    if (before && after) {
        return "before y after no se piden a la vez";
    }
    if (before && !read_cursor(before, &query->cursor)) {
        return "before debe ser el valor de la cabecera X-Next-Before de una respuesta anterior";
    }
    if (after && strcmp(after, "0") != 0 && !read_cursor(after, &query->cursor)) {
        return "after debe ser 0 o el valor de la cabecera X-Next-After de una respuesta anterior";
    }
    return NULL;
}

const char *rc_history_read(const char *parameters, struct rc_history_query *query)
{
    char *limit = rc_http_param(parameters, "limit");
    char *before = rc_http_param(parameters, "before");
    char *after = rc_http_param(parameters, "after");
    const char *wrong = read_page(limit, before, after, query);
    free(limit);
    free(before);
    free(after);
    return wrong;
}

struct rc_buf *rc_history_pack(const struct rc_history_query *query)
{
    Roomcast__Query ask = ROOMCAST__QUERY__INIT;
    Roomcast__Side side = ROOMCAST__SIDE__INIT;
    ask.kind = query->conversations ? ROOMCAST__QUERY__KIND__CONVERSATIONS : ROOMCAST__QUERY__KIND__OF_USER;
    ask.user = (ProtobufCBinaryData){query->user_len, (uint8_t *)query->user};
    ask.cursor = (ProtobufCBinaryData){query->cursor.len, (uint8_t *)query->cursor.byte};
    ask.limit = query->limit;
    ask.by_log = query->page;
    ask.newest = query->page && !query->on;
    side.kind_case = ROOMCAST__SIDE__KIND_QUERY;
    side.query = &ask;
    struct rc_buf *packed = rc_buf_new(roomcast__side__get_packed_size(&side));
    if (packed) {
        roomcast__side__pack(&side, packed->data);
    }
    return packed;
}

Roomcast__Side *rc_history_unpack(const struct rc_buf *side, char *why, size_t why_size)
{
    Roomcast__Side *message = roomcast__side__unpack(NULL, side->len, side->data);
    if (!message || message->kind_case != ROOMCAST__SIDE__KIND_ROWS) {
        snprintf(why, why_size, "the answer is no Rows message");
    } else if (message->rows->error.len > 0) {
        snprintf(why, why_size, "%.*s", (int)message->rows->error.len, (const char *)message->rows->error.data);
    } else if (message->rows->cursor.len > RC_HISTORY_CURSOR || message->rows->later.len > RC_HISTORY_CURSOR) {
        snprintf(why, why_size, "a cursor has more than %d bytes", RC_HISTORY_CURSOR);
    } else {
        return message;
    }
    if (message) {
        roomcast__side__free_unpacked(message, NULL);
    }
    return NULL;
}

static void write_row(struct rc_text *out, const Roomcast__HistoryRow *row)
{
    char fecha[RC_CLOCK_ISO];
    rc_text_puts(out, "{\"de_usuario\":");
    rc_text_json(out, row->de.data, row->de.len);
    rc_text_puts(out, ",\"para_usuario\":");
    rc_text_json(out, row->para.data, row->para.len);
    rc_text_puts(out, ",\"mensaje\":");
    rc_text_add(out, row->mensaje.data, row->mensaje.len);
    rc_text_puts(out, ",\"fecha\":\"");
    rc_text_puts(out, rc_clock_iso(row->fecha, fecha));
    rc_text_puts(out, "\"}");
}

static void separate(struct rc_text *out, bool *first)
{
    if (!*first) {
        rc_text_puts(out, ",");
    }
    *first = false;
}

bool rc_history_write(struct rc_text *out, const Roomcast__Rows *rows, bool first)
{
    for (size_t i = 0; i < rows->n_row; i++) {
        separate(out, &first);
        write_row(out, rows->row[i]);
    }
    for (size_t i = 0; i < rows->n_user; i++) {
        separate(out, &first);
        rc_text_json(out, rows->user[i].data, rows->user[i].len);
    }
    return !first;
}

static void keep_cursor(struct rc_history_cursor *out, ProtobufCBinaryData bytes)
{
    out->len = bytes.len;
    if (bytes.len > 0) {
        memcpy(out->byte, bytes.data, bytes.len);
    }
}

bool rc_history_next(struct rc_history_query *query, const Roomcast__Rows *rows)
{
    keep_cursor(&query->cursor, rows->cursor);
    if (rows->later.len > 0) {
        keep_cursor(&query->later, rows->later);
    }
    return query->cursor.len > 0;
}

void rc_history_cursor_text(const struct rc_history_cursor *cursor, char out[2 * RC_HISTORY_CURSOR + 1])
{
    out[0] = '\0';
    for (size_t i = 0; i < cursor->len; i++) {
        snprintf(out + 2 * i, 3, "%02x", cursor->byte[i]);
    }
}
