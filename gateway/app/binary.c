/* Binary values inside JSON: finds placeholders and writes what takes their place. */
#include "gateway/app/binary.h"

#include "gateway/app/json.h"

#include <stdio.h>

enum { MARK, NUM };
static const char *const keys[] = {"_placeholder", "num"};

struct members { /* what an open object has said so far */
    bool mark;   /* "_placeholder": true */
    int num;     /* "num", -1: none that can name an attachment */
};

struct search {
    const char *json;
    struct rc_placeholder *found;
    int n, max;
    unsigned attachments;
    struct members of[RC_JSON_DEPTH + 1]; /* by depth of the members */
};

/* An attachment's number has one or two digits. */
static int read_num(const struct rc_json_value *value)
{
    int num = 0;
    if (value->type != RC_JSON_NUMBER || value->len > 2) {
        return -1;
    }
    for (size_t i = 0; i < value->len; i++) {
        if (value->text[i] < '0' || value->text[i] > '9') {
            return -1;
        }
        num = num * 10 + (value->text[i] - '0');
    }
    return num;
}

static bool add(struct search *s, const struct rc_json_value *object, int num)
{
    size_t at = (size_t)(object->text - s->json);
    while (s->n > 0 && s->found[s->n - 1].at > at) { /* these lie inside it */
        s->n--;
    }
    if (num < 0 || (unsigned)num >= s->attachments || s->n == s->max) {
        return false;
    }
    s->found[s->n++] = (struct rc_placeholder){.at = at, .len = object->len, .num = (unsigned)num};
    return true;
}

static bool on_value(void *ctx, const struct rc_json_value *value)
{
    struct search *s = ctx;
    struct members *beside = &s->of[value->depth];
    bool ok = true;
    if (value->type == RC_JSON_OBJECT) {
        struct members *inside = &s->of[value->depth + 1];
        ok = !inside->mark || add(s, value, inside->num);
        *inside = (struct members){.num = -1};
    }
    if (value->key == MARK) {
        beside->mark = value->type == RC_JSON_TRUE;
    } else if (value->key == NUM) {
        beside->num = read_num(value);
    }
    return ok;
}

int rc_binary_find(const char *json, size_t len, unsigned attachments, struct rc_placeholder *found, int max)
{
    struct search s = {.json = json, .found = found, .max = max, .attachments = attachments};
    for (size_t i = 0; i <= RC_JSON_DEPTH; i++) {
        s.of[i].num = -1;
    }
    return rc_json_walk(json, len, keys, 2, on_value, &s) ? s.n : -1;
}

/* What lies between the end of the placeholder before and this one (i == n: the rest). */
static void add_between(struct rc_text *out, const char *json, size_t len, const struct rc_placeholder *found, int i,
                        int n)
{
    size_t from = i > 0 ? found[i - 1].at + found[i - 1].len : 0;
    size_t to = i < n ? found[i].at : len;
    rc_text_add(out, json + from, to - from);
}

void rc_binary_renumber(struct rc_text *out, const char *json, size_t len, const struct rc_placeholder *found, int n)
{
    for (int i = 0; i < n; i++) {
        char placeholder[64];
        snprintf(placeholder, sizeof placeholder, "{\"_placeholder\":true,\"num\":%d}", i);
        add_between(out, json, len, found, i, n);
        rc_text_puts(out, placeholder);
    }
    add_between(out, json, len, found, n, n);
}

void rc_binary_inline(struct rc_text *out, const char *json, size_t len, const struct rc_placeholder *found, int n,
                      struct rc_buf *const *attachment)
{
    for (int i = 0; i < n; i++) {
        const struct rc_buf *bytes = attachment[found[i].num];
        add_between(out, json, len, found, i, n);
        rc_text_puts(out, "{\"base64\":\"");
        rc_text_base64(out, bytes->data, bytes->len);
        rc_text_puts(out, "\"}");
    }
    add_between(out, json, len, found, n, n);
}
