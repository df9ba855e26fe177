/* Pages of lines for an operator. */
#include "broker/persister/reading.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/persister/line.h"

const char *const rc_reading_names[] = {"user", "after", "before", "since", "until", "limit", NULL};

/* ---- what is asked ----------------------------------------------------------------------------------------------- */

static bool read_number(const char *text, int64_t max, int64_t *out)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    *out = value;
    return end != text && !*end && !errno && value >= 0 && value <= max;
}

static bool read_key(const char *text, struct rc_disk_key *out)
{
    struct rc_key key;
    return rc_key_parse(text, &key) && rc_disk_key_pack(&key, out);
}

static const char *set_user(struct rc_reading *r, const char *value)
{
    size_t len = strlen(value);
    if (len == 0 || len > RC_DISK_USER_MAX)
        return "user must have 1 to 255 bytes";
    r->user.len = (uint8_t)len;
    memcpy(r->user.byte, value, len);
    return NULL;
}

/* before=newest stands for no key, from the end. */
static const char *set_from(struct rc_reading *r, bool newest, const char *value)
{
    if (r->from.len || r->newest)
        return "give one of before and after";
    r->newest = newest;
    if (newest && strcmp(value, "newest") == 0)
        return NULL;
    return read_key(value, &r->from) ? NULL : "before and after must be keys, FECHA/ORIGIN/INCARNATION/SEQ";
}

const char *rc_reading_set(struct rc_reading *r, const char *name, const char *value)
{
    int64_t number = 0;
    if (!value)
        return NULL;
    if (strcmp(name, "user") == 0)
        return set_user(r, value);
    if (strcmp(name, "before") == 0 || strcmp(name, "after") == 0)
        return set_from(r, name[0] == 'b', value);
    if (!read_number(value, INT64_MAX, &number))
        return "since and until must be ms since 1970, limit a number";
    if (strcmp(name, "since") == 0)
        r->since = number;
    else if (strcmp(name, "until") == 0)
        r->until = number;
    else
        r->limit = (size_t)number;
    return NULL;
}

/* ---- the answer -------------------------------------------------------------------------------------------------- */

struct page {
    const struct rc_reading *reading;
    FILE *out;
    size_t rows;
    bool passed; /* a message beyond the bound was seen: the walk is over */
    bool failed;
};

static void add(void *arg, const struct rc_store_row *row)
{
    struct page *p = arg;
    const struct rc_reading *r = p->reading;
    bool early = row->key.fecha < r->since, late = r->until && row->key.fecha >= r->until;
    p->passed |= r->newest ? early : late;
    if (early || late)
        return;
    p->failed |= !rc_line_write(p->out, row);
    p->rows++;
}

/* The greatest key before this time; len 0 for none. */
static void key_before(int64_t fecha, struct rc_disk_key *out)
{
    struct rc_key key = {.fecha = fecha - 1, .origin_inc = UINT64_MAX, .seq = UINT64_MAX};
    memset(key.origin, 0xff, RC_ID_MAX);
    if (fecha <= 0 || !rc_disk_key_pack(&key, out))
        out->len = 0;
}

/* Where a walk begins: at its place or its bound in time, whichever is further along, so that it need not go there. */
static void begin(const struct rc_reading *r, struct rc_disk_key *from)
{
    struct rc_disk_key bound; /* no message's */
    *from = r->from;
    key_before(r->newest ? r->until : r->since, &bound);
    if (!bound.len)
        return;
    int order = from->len ? rc_disk_key_compare(bound.byte, bound.len, from->byte, from->len) : 0;
    if (!from->len || (r->newest ? order < 0 : order > 0))
        *from = bound;
}

/* A page of the newest walks back, so only one transaction's worth can be in order. */
static enum rc_store_result fill(struct rc_store *store, struct page *p, struct rc_disk_key *next)
{
    const struct rc_reading *r = p->reading;
    size_t limit = r->limit && r->limit < RC_READING_ROWS ? r->limit : RC_READING_ROWS;
    struct rc_disk_key from;
    begin(r, &from);
    for (;;) {
        struct rc_store_query q = {.user = {r->user.byte, r->user.len}, .from = {from.byte, from.len}};
        q.newest = r->newest;
        q.limit = limit - p->rows;
        enum rc_store_result result = rc_store_page(store, &q, add, p, next);
        if (result != RC_STORE_OK)
            return result;
        if (p->passed)
            next->len = 0;
        if (!next->len || r->newest || p->rows >= limit || ftell(p->out) >= RC_READING_BYTES)
            return RC_STORE_OK;
        from = *next;
    }
}

static void end(struct page *p, const struct rc_disk_key *next)
{
    struct rc_key key;
    char text[RC_KEY_TEXT];
    if (next->len && rc_disk_key_unpack(next->byte, next->len, &key))
        fprintf(p->out, "{\"next\":\"%s\"}\n", rc_key_text(&key, text));
    else
        fputs("{\"next\":null}\n", p->out);
}

struct rc_page_text rc_reading_page(struct rc_store *store, const struct rc_reading *reading)
{
    struct rc_page_text out = {0};
    struct rc_disk_key next = {0};
    struct page p = {.reading = reading, .out = open_memstream(&out.text, &out.len)};
    enum rc_store_result result = p.out ? fill(store, &p, &next) : RC_STORE_IO;
    if (p.out) {
        end(&p, &next);
        p.failed |= fclose(p.out) != 0;
    }
    out.rows = p.rows;
    out.failed = p.failed || result != RC_STORE_OK;
    if (!out.failed)
        return out;
    free(out.text);
    out.text = strdup(result != RC_STORE_OK ? rc_store_result_text(result) : "out of memory");
    out.len = out.text ? strlen(out.text) : 0;
    return out;
}
