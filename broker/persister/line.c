/* Messages as lines of text. */
#include "broker/persister/line.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "roomcast.pb-c.h"

/* ---- keys -------------------------------------------------------------------------------------------------------- */

char *rc_key_text(const struct rc_key *key, char out[RC_KEY_TEXT])
{
    snprintf(out, RC_KEY_TEXT, "%" PRId64 "/%s/%" PRIu64 "/%" PRIu64, key->fecha, key->origin, key->origin_inc,
             key->seq);
    return out;
}

/* Digits only, up to `end`; *text goes behind it. */
static bool read_number(const char **text, char end, uint64_t max, uint64_t *out)
{
    const char *p = *text;
    *out = 0;
    if (!isdigit((unsigned char)*p))
        return false;
    for (; isdigit((unsigned char)*p); p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (*out > (max - digit) / 10)
            return false;
        *out = *out * 10 + digit;
    }
    *text = p + 1;
    return *p == end;
}

bool rc_key_parse(const char *text, struct rc_key *out)
{
    uint64_t fecha;
    struct rc_disk_key packed;
    memset(out, 0, sizeof *out);
    if (!read_number(&text, '/', INT64_MAX, &fecha))
        return false;
    size_t len = strcspn(text, "/");
    if (len == 0 || len > RC_ID_MAX || text[len] != '/')
        return false;
    memcpy(out->origin, text, len);
    text += len + 1;
    out->fecha = (int64_t)fecha;
    return read_number(&text, '/', UINT64_MAX, &out->origin_inc) && read_number(&text, '\0', UINT64_MAX, &out->seq) &&
           rc_disk_key_pack(out, &packed);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static json_t *hex_of(struct rc_slice bytes)
{
    char *text = malloc(2 * bytes.len + 1);
    if (!text)
        return NULL;
    for (size_t i = 0; i < bytes.len; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes.data[i]);
    json_t *out = json_stringn(text, 2 * bytes.len);
    free(text);
    return out;
}

/* Sets the member, or its twin for what is not UTF-8. */
static bool set_bytes(json_t *line, const char *name, const char *name_hex, struct rc_slice bytes)
{
    json_t *text = json_stringn((const char *)bytes.data, bytes.len);
    return json_object_set_new(line, text ? name : name_hex, text ? text : hex_of(bytes)) == 0;
}

bool rc_line_write(FILE *out, const struct rc_store_row *row)
{
    char key[RC_KEY_TEXT];
    json_t *line = json_object();
    bool ok = line && json_object_set_new(line, "key", json_string(rc_key_text(&row->key, key))) == 0 &&
              set_bytes(line, "de", "de_hex", row->row.de) && set_bytes(line, "para", "para_hex", row->row.para) &&
              json_object_set_new(line, "de_admin", json_boolean(row->row.de_admin)) == 0 &&
              set_bytes(line, "mensaje", "mensaje_hex", row->row.mensaje) && json_dumpf(line, out, JSON_COMPACT) == 0 &&
              fputc('\n', out) != EOF;
    json_decref(line);
    return ok;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

struct bytes { /* of one member; text is allocated when it was hexadecimal */
    struct rc_slice slice;
    uint8_t *own;
};

static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(const json_t *text, struct bytes *out)
{
    const char *p = json_string_value(text);
    size_t len = json_string_length(text);
    if (!p || len % 2 || !(out->own = malloc(len / 2 + 1)))
        return false;
    for (size_t i = 0; i < len / 2; i++) {
        int high = nibble(p[2 * i]), low = nibble(p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out->own[i] = (uint8_t)(high << 4 | low);
    }
    out->slice = (struct rc_slice){out->own, len / 2};
    return true;
}

static bool read_bytes(const json_t *line, const char *name, struct bytes *out)
{
    char twin[16];
    const json_t *text = json_object_get(line, name);
    if (json_is_string(text)) {
        out->slice = (struct rc_slice){(const uint8_t *)json_string_value(text), json_string_length(text)};
        return true;
    }
    snprintf(twin, sizeof twin, "%s_hex", name);
    return read_hex(json_object_get(line, twin), out);
}

/* By the parser that gateways use: what passes here they can send. */
static bool is_json(struct rc_slice text)
{
    yajl_handle parser = yajl_alloc(NULL, NULL, NULL);
    bool ok = parser && yajl_parse(parser, text.data, text.len) == yajl_status_ok &&
              yajl_complete_parse(parser) == yajl_status_ok;
    if (parser)
        yajl_free(parser);
    return ok;
}

static struct rc_buf *pack_row(const struct rc_disk_row *row)
{
    Roomcast__Row packed = ROOMCAST__ROW__INIT;
    packed.de = (ProtobufCBinaryData){row->de.len, (uint8_t *)(uintptr_t)row->de.data};
    packed.para = (ProtobufCBinaryData){row->para.len, (uint8_t *)(uintptr_t)row->para.data};
    packed.mensaje = (ProtobufCBinaryData){row->mensaje.len, (uint8_t *)(uintptr_t)row->mensaje.data};
    packed.de_admin = row->de_admin;
    struct rc_buf *buf = rc_buf_new(roomcast__row__get_packed_size(&packed));
    if (buf)
        roomcast__row__pack(&packed, buf->data);
    return buf;
}

struct reading {
    const json_t *line;
    struct bytes de, para, mensaje;
};

/* NULL, or what is wrong. */
static const char *read_members(struct reading *r, struct rc_record *out)
{
    const json_t *key = json_object_get(r->line, "key"), *admin = json_object_get(r->line, "de_admin");
    if (!json_is_object(r->line))
        return "it is no JSON object";
    if (!json_is_string(key) || !rc_key_parse(json_string_value(key), &out->key))
        return "\"key\" must be a text \"FECHA/ORIGIN/INCARNATION/SEQ\", FECHA in ms since 1970";
    if (!read_bytes(r->line, "de", &r->de) || !r->de.slice.len || r->de.slice.len > RC_DISK_USER_MAX)
        return "\"de\" must be a text of 1 to 255 bytes";
    if (!read_bytes(r->line, "para", &r->para) || !r->para.slice.len || r->para.slice.len > RC_DISK_USER_MAX)
        return "\"para\" must be a text of 1 to 255 bytes";
    if (!json_is_boolean(admin))
        return "\"de_admin\" must be true or false";
    if (!read_bytes(r->line, "mensaje", &r->mensaje) || !is_json(r->mensaje.slice))
        return "\"mensaje\" must be a text that holds JSON, as in \"\\\"hola\\\"\"";
    if (r->mensaje.slice.len > RC_MENSAJE_MAX)
        return "\"mensaje\" is longer than the 3000000 bytes that may be stored";
    struct rc_disk_row row = {.de = r->de.slice, .para = r->para.slice, .mensaje = r->mensaje.slice};
    row.de_admin = json_is_true(admin);
    out->row = pack_row(&row);
    return out->row ? NULL : "out of memory";
}

bool rc_line_read(const char *line, size_t len, struct rc_record *out, char why[RC_LINE_WHY])
{
    json_error_t error;
    json_t *json = json_loadb(line, len, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    struct reading r = {.line = json};
    memset(out, 0, sizeof *out);
    if (!json) {
        snprintf(why, RC_LINE_WHY, "it is no JSON: %s, at byte %d", error.text, error.position);
        return false;
    }
    const char *wrong = read_members(&r, out);
    if (wrong)
        snprintf(why, RC_LINE_WHY, "%s", wrong);
    free(r.de.own);
    free(r.para.own);
    free(r.mensaje.own);
    json_decref(json);
    return !wrong;
}
