/* Walks JSON text by yajl's events; where a value stands follows from where the event before it ended. */
#include "gateway/app/json.h"

#include <jansson.h>
#include <string.h>
#include <yajl/yajl_parse.h>

struct level { /* an open array or object */
    size_t start;
    size_t members; /* values in it so far */
    int key;        /* its own key in what holds it */
};

struct walk {
    yajl_handle yajl;
    const char *text;
    size_t len;
    size_t at; /* end of the last token */
    const char *const *keys;
    size_t n;
    rc_json_visit visit;
    void *ctx;
    int key;        /* of the value to come */
    unsigned depth; /* open levels */
    struct level level[RC_JSON_DEPTH];
};

/* Where the next token begins: yajl has judged what lies between. */
static size_t next_token(const struct walk *w)
{
    size_t at = w->at;
    while (at < w->len && strchr(" \t\r\n,:", w->text[at])) {
        at++;
    }
    return at;
}

static int report(struct walk *w, enum rc_json_type type, size_t start, size_t end)
{
    struct rc_json_value value = {
        .type = type, .depth = w->depth, .key = w->key, .text = w->text + start, .len = end - start};
    if (w->depth > 0) {
        value.index = w->level[w->depth - 1].members++;
    }
    w->at = end;
    w->key = RC_JSON_OTHER;
    return w->visit(w->ctx, &value);
}

static int scalar(struct walk *w, enum rc_json_type type, size_t len)
{
    size_t start = next_token(w);
    return report(w, type, start, start + len);
}

static int on_null(void *ctx)
{
    return scalar(ctx, RC_JSON_NULL, strlen("null"));
}

static int on_boolean(void *ctx, int yes)
{
    return yes ? scalar(ctx, RC_JSON_TRUE, strlen("true")) : scalar(ctx, RC_JSON_FALSE, strlen("false"));
}

static int on_number(void *ctx, const char *number, size_t len)
{
    (void)number;
    return scalar(ctx, RC_JSON_NUMBER, len);
}

/* A string's length in the text is not its length unescaped; here yajl stands behind its closing quote. */
static int on_string(void *ctx, const unsigned char *string, size_t len)
{
    struct walk *w = ctx;
    (void)string;
    (void)len;
    return report(w, RC_JSON_STRING, next_token(w), yajl_get_bytes_consumed(w->yajl));
}

static int on_key(void *ctx, const unsigned char *key, size_t len)
{
    struct walk *w = ctx;
    w->at = yajl_get_bytes_consumed(w->yajl);
    w->key = RC_JSON_OTHER;
    for (size_t i = 0; i < w->n; i++) {
        if (strlen(w->keys[i]) == len && memcmp(w->keys[i], key, len) == 0) {
            w->key = (int)i;
        }
    }
    return 1;
}

static int on_start(void *ctx)
{
    struct walk *w = ctx;
    if (w->depth == RC_JSON_DEPTH) {
        return 0;
    }
    size_t start = next_token(w);
    w->level[w->depth++] = (struct level){.start = start, .key = w->key};
    w->at = start + 1;
    w->key = RC_JSON_OTHER;
    return 1;
}

static int on_end(struct walk *w, enum rc_json_type type)
{
    size_t end = next_token(w) + 1;
    const struct level *level = &w->level[--w->depth];
    w->key = level->key;
    return report(w, type, level->start, end);
}

static int on_end_array(void *ctx)
{
    return on_end(ctx, RC_JSON_ARRAY);
}

static int on_end_object(void *ctx)
{
    return on_end(ctx, RC_JSON_OBJECT);
}

/* yajl takes form feeds and vertical tabs for space; JSON.parse at the receivers does not. */
static bool only_json_controls(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') {
            return false;
        }
    }
    return true;
}

bool rc_json_walk(const char *text, size_t len, const char *const *keys, size_t n, rc_json_visit visit, void *ctx)
{
    static const yajl_callbacks callbacks = {
        .yajl_null = on_null,
        .yajl_boolean = on_boolean,
        .yajl_number = on_number,
        .yajl_string = on_string,
        .yajl_start_map = on_start,
        .yajl_map_key = on_key,
        .yajl_end_map = on_end_object,
        .yajl_start_array = on_start,
        .yajl_end_array = on_end_array,
    };
    if (!only_json_controls(text, len)) {
        return false;
    }
    struct walk w; /* levels stay unset until they are opened */
    w.text = text;
    w.len = len;
    w.at = 0;
    w.keys = keys;
    w.n = n;
    w.visit = visit;
    w.ctx = ctx;
    w.key = RC_JSON_OTHER;
    w.depth = 0;
    w.yajl = yajl_alloc(&callbacks, NULL, &w);
    if (!w.yajl) {
        return false;
    }
    bool ok = yajl_parse(w.yajl, (const unsigned char *)text, len) == yajl_status_ok &&
              yajl_complete_parse(w.yajl) == yajl_status_ok;
    yajl_free(w.yajl);
    return ok;
}

/* A string of printable ASCII without escapes: its text is what it says. Names of events and users are such strings. */
static bool is_plain(const char *text, size_t len)
{
    if (len < 2 || text[0] != '"' || text[len - 1] != '"') {
        return false;
    }
    for (size_t i = 1; i < len - 1; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e || text[i] == '"' || text[i] == '\\') {
            return false;
        }
    }
    return true;
}

static bool unescape(const char *text, size_t len, char *out, size_t size, size_t *out_len)
{
    json_t *json = json_loadb(text, len, JSON_DECODE_ANY, NULL); /* refuses lone surrogates and \u0000 */
    size_t n = json_string_length(json);
    bool ok = json_is_string(json) && n < size;
    if (ok) {
        memcpy(out, json_string_value(json), n + 1);
        *out_len = n;
    }
    json_decref(json);
    return ok;
}

bool rc_json_string(const char *text, size_t len, char *out, size_t size, size_t *out_len)
{
    if (!is_plain(text, len)) {
        return unescape(text, len, out, size, out_len);
    }
    size_t n = len - 2;
    if (n >= size) {
        return false;
    }
    memcpy(out, text + 1, n);
    out[n] = '\0';
    *out_len = n;
    return true;
}
