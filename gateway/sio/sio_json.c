/* The JSON check of Socket.IO packets. */
#include "gateway/sio/sio_json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* One open array or object. */
struct level {
    bool object;
    bool is_placeholder; /* its last "_placeholder" was true */
    bool num_good;       /* its last "num" names an attachment */
    char key;            /* the member being read: 'p' _placeholder, 'n' num, 0 another */
};

struct scan {
    const char *at, *end;
    unsigned attachments;
    bool placeholders;
    struct level *level;
    size_t depth, space;
};

static void skip_space(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
        s->at++;
}

static bool hex4(const char *p)
{
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
            return false;
    }
    return true;
}

static bool scan_string(struct scan *s)
{
    for (s->at++; s->at < s->end; s->at++) {
        unsigned char c = (unsigned char)*s->at;
        if (c == '"') {
            s->at++;
            return true;
        }
        if (c < 0x20)
            return false;
        if (c != '\\')
            continue;
        if (++s->at == s->end)
            return false;
        if (*s->at == 'u') {
            if (s->end - s->at < 5 || !hex4(s->at + 1))
                return false;
            s->at += 4;
        } else if (!*s->at || !strchr("\"\\/bfnrt", *s->at)) {
            return false;
        }
    }
    return false;
}

static bool digits(struct scan *s)
{
    const char *begin = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return s->at > begin;
}

static bool scan_number(struct scan *s)
{
    if (*s->at == '-')
        s->at++;
    const char *begin = s->at;
    if (!digits(s) || (*begin == '0' && s->at - begin > 1))
        return false;
    if (s->at < s->end && *s->at == '.') {
        s->at++;
        if (!digits(s))
            return false;
    }
    if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
        s->at++;
        if (s->at < s->end && (*s->at == '+' || *s->at == '-'))
            s->at++;
        if (!digits(s))
            return false;
    }
    return true;
}

static bool scan_literal(struct scan *s)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(words[i]);
        if ((size_t)(s->end - s->at) >= n && memcmp(s->at, words[i], n) == 0) {
            s->at += n;
            return true;
        }
    }
    return false;
}

static char kind_of(char c)
{
    return c == '{' || c == '[' || c == '"' ? c : c == '-' || (c >= '0' && c <= '9') ? 'n' : 'l';
}

static bool push(struct scan *s, bool object)
{
    if (s->depth == s->space) {
        size_t space = s->space ? s->space * 2 : 32;
        struct level *grown = realloc(s->level, space * sizeof(*grown));
        if (!grown)
            return false;
        s->level = grown;
        s->space = space;
    }
    s->level[s->depth++] = (struct level){.object = object};
    s->at++;
    return true;
}

/* As the reference's reconstruction: a number, at least 0, below the count; only a whole one names anything. */
static bool names_attachment(const char *text, size_t len, unsigned attachments)
{
    char copy[32];
    if (kind_of(*text) != 'n' || len >= sizeof(copy))
        return false;
    memcpy(copy, text, len);
    copy[len] = 0;
    double n = strtod(copy, NULL);
    return n >= 0 && n < attachments && n == (double)(unsigned)n;
}

/* A value was read that belongs to the member `key` of the innermost object. */
static void note_member(struct scan *s, const char *value)
{
    struct level *top = s->depth ? &s->level[s->depth - 1] : NULL;
    size_t len = (size_t)(s->at - value);
    if (!top || !top->object || !s->placeholders)
        return;
    if (top->key == 'p')
        top->is_placeholder = len == 4 && memcmp(value, "true", 4) == 0;
    else if (top->key == 'n')
        top->num_good = names_attachment(value, len, s->attachments);
}

/* `"key" :` of the innermost object. */
static bool scan_key(struct scan *s)
{
    skip_space(s);
    const char *begin = s->at;
    if (s->at == s->end || *s->at != '"' || !scan_string(s))
        return false;
    size_t len = (size_t)(s->at - begin);
    char *key = &s->level[s->depth - 1].key;
    *key = 0;
    if (s->placeholders)
        *key = rc_sio_json_equals(begin, len, "_placeholder") ? 'p' : rc_sio_json_equals(begin, len, "num") ? 'n' : 0;
    skip_space(s);
    return s->at < s->end && *s->at++ == ':';
}

/* Reads a scalar, or opens an array or object; *opened says which. */
static bool scan_value(struct scan *s, bool *opened)
{
    skip_space(s);
    *opened = false;
    if (s->at == s->end)
        return false;
    const char *begin = s->at;
    switch (kind_of(*s->at)) {
    case '{':
    case '[':
        note_member(s, begin); /* neither true nor a number */
        *opened = true;
        return push(s, *begin == '{');
    case '"':
        if (!scan_string(s))
            return false;
        break;
    case 'n':
        if (!scan_number(s))
            return false;
        break;
    default:
        if (!scan_literal(s))
            return false;
    }
    note_member(s, begin);
    return true;
}

/* Closes what ends here. *more: another element or member follows in the innermost level. */
static bool close_levels(struct scan *s, bool *more)
{
    *more = false;
    while (s->depth) {
        struct level *top = &s->level[s->depth - 1];
        skip_space(s);
        if (s->at == s->end)
            return false;
        char c = *s->at++;
        if (c == ',') {
            *more = true;
            return !top->object || scan_key(s);
        }
        if (c != (top->object ? '}' : ']') || (top->is_placeholder && !top->num_good))
            return false;
        s->depth--;
    }
    return true;
}

/* After an opening bracket: whether it closes at once; else an object's first key is read. */
static bool scan_opening(struct scan *s, bool *empty)
{
    bool object = s->level[s->depth - 1].object;
    skip_space(s);
    *empty = s->at < s->end && *s->at == (object ? '}' : ']');
    return *empty || !object || scan_key(s);
}

/* The element that begins here is the first of the outermost array. */
static void note_first(struct scan *s, struct rc_sio_json *out)
{
    skip_space(s);
    if (s->at < s->end) {
        out->first = s->at;
        out->first_kind = kind_of(*s->at);
    }
}

static bool scan_all(struct scan *s, struct rc_sio_json *out)
{
    bool more = true, opened, empty;
    skip_space(s);
    if (s->at == s->end)
        return false;
    out->kind = kind_of(*s->at);
    bool first = false;
    while (more) {
        if (first)
            note_first(s, out);
        if (!scan_value(s, &opened))
            return false;
        if (first && !opened)
            out->first_len = (size_t)(s->at - out->first);
        first = false;
        if (opened) {
            if (!scan_opening(s, &empty))
                return false;
            first = !empty && s->depth == 1 && out->kind == '[' && !out->first;
            if (!empty)
                continue;
        }
        if (!close_levels(s, &more))
            return false;
    }
    skip_space(s);
    return s->at == s->end;
}

bool rc_sio_json_scan(const char *text, size_t len, unsigned attachments, bool placeholders, struct rc_sio_json *out)
{
    struct scan s = {.at = text, .end = text + len, .attachments = attachments, .placeholders = placeholders};
    *out = (struct rc_sio_json){0};
    bool valid = scan_all(&s, out);
    free(s.level);
    return valid;
}

static int hex_value(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* The next character of a valid string's inside; -1: not ASCII. */
static int next_char(const char **at)
{
    const char *p = *at;
    if (*p != '\\') {
        *at = p + 1;
        return (unsigned char)*p;
    }
    if (p[1] == 'u') {
        *at = p + 6;
        int c = hex_value(p[2]) << 12 | hex_value(p[3]) << 8 | hex_value(p[4]) << 4 | hex_value(p[5]);
        return c < 0x80 ? c : -1;
    }
    *at = p + 2;
    static const char names[] = "bfnrt", chars[] = "\b\f\n\r\t";
    const char *name = strchr(names, p[1]);
    return name ? chars[name - names] : p[1];
}

bool rc_sio_json_equals(const char *quoted, size_t len, const char *plain)
{
    const char *at = quoted + 1, *end = quoted + len - 1;
    while (at < end && *plain) {
        if (next_char(&at) != *plain++)
            return false;
    }
    return at == end && !*plain;
}
