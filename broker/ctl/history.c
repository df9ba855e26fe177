/* roomcastctl history and export: pages of lines, asked one after the other. */
#include "broker/ctl/history.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/ctl/fetch.h"
#include "broker/ctl/plain.h"
#include "clock.h"

#define KEY_MAX   160
#define HOLD_MAX  ((size_t)64 << 20) /* bytes of pages that wait to be shown the other way round */
#define PAGES_MAX 10000
#define PAGE_MAX  ((size_t)16 << 20) /* bytes: more than 512 KiB and a line of the longest message */
#define SHOWN     60                 /* bytes of a message in the table */

/* ---- whom to ask ------------------------------------------------------------------------------------------------- */

static bool serves(const struct rc_survey_node *node)
{
    const char *state = json_string_value(json_object_get(node->status, "state"));
    return state && strcmp(state, "serving") == 0;
}

const struct rc_survey_node *rc_ctl_persister(const struct rc_survey *survey, const char *name, enum rc_exit *code)
{
    const struct rc_survey_node *found = NULL;
    for (size_t i = 0; i < survey->count; i++) {
        const struct rc_survey_node *node = survey->node[i];
        bool meant = strcmp(node->role, "persister") == 0 && (!name || strcmp(node->name, name) == 0);
        if (meant && (name || node->status) && (!found || (!serves(found) && serves(node))))
            found = node;
    }
    *code = found || !name ? RC_EXIT_UNAVAILABLE : RC_EXIT_USAGE;
    if (!found && name)
        rc_complain("no persister %s is known; see roomcastctl status", name);
    else if (!found)
        rc_complain("no persister answers; see roomcastctl status");
    else if (!found->status)
        rc_complain("%s is down: %s", found->name, found->error);
    return found && found->status ? found : NULL;
}

/* ---- a page ------------------------------------------------------------------------------------------------------ */

struct page {
    char *text; /* whole lines */
    size_t len;
    char next[KEY_MAX]; /* "": none */
    enum rc_exit code;
    char error[512];
};

/* Takes the last line off, which says where the next page begins. False: it is not there. */
static bool take_next(struct page *p)
{
    size_t at = p->len > 0 ? p->len - 1 : 0;
    while (at > 0 && p->text[at - 1] != '\n')
        at--;
    json_t *end = json_loadb(p->text + at, p->len - at, 0, NULL);
    const json_t *next = json_object_get(end, "next");
    const char *key = json_string_value(next);
    bool good = json_is_null(next) || (key && strlen(key) < sizeof p->next);
    if (good && key)
        memcpy(p->next, key, strlen(key) + 1);
    p->len = at;
    json_decref(end);
    return good;
}

static void take_page(void *arg, const char *body, size_t len, const char *error)
{
    struct page *p = arg;
    p->code = !error ? RC_EXIT_OK : body ? RC_EXIT_USAGE : RC_EXIT_UNAVAILABLE;
    if (error) {
        rc_first_line(body && len ? body : error, body && len ? len : strlen(error), p->error, sizeof p->error);
        return;
    }
    p->text = malloc(len + 1);
    p->len = len;
    if (p->text)
        memcpy(p->text, body, len);
    if (p->text && take_next(p))
        return;
    p->code = p->text ? RC_EXIT_UNAVAILABLE : RC_EXIT_INTERNAL;
    snprintf(p->error, sizeof p->error, p->text ? "its answer was cut off" : "out of memory");
}

/* &name=value, with everything but letters and digits encoded. */
static void put_parameter(FILE *out, const char *name, const char *value)
{
    fprintf(out, "&%s=", name);
    for (; *value; value++)
        fprintf(out, isalnum((unsigned char)*value) ? "%c" : "%%%02X", (unsigned char)*value);
}

static char *path_of(const struct rc_history_order *o, const char *from, size_t limit)
{
    char *path = NULL;
    size_t len;
    FILE *out = open_memstream(&path, &len);
    if (!out)
        return NULL;
    fprintf(out, "/history?limit=%zu", limit);
    if (o->user)
        put_parameter(out, "user", o->user);
    if (from)
        put_parameter(out, o->before ? "before" : "after", from);
    if (o->from)
        fprintf(out, "&since=%lld", (long long)o->from);
    if (o->to)
        fprintf(out, "&until=%lld", (long long)o->to);
    if (fclose(out) == 0)
        return path;
    free(path); /* not all of it */
    return NULL;
}

/* from: NULL for the first page. The caller frees p->text. */
static void read_page(const struct rc_history_order *o, const struct rc_survey_node *node, const char *from,
                      size_t limit, struct page *p)
{
    *p = (struct page){.code = RC_EXIT_INTERNAL, .error = "not asked"};
    char *path = path_of(o, from, limit);
    struct rc_fetch_order order = {
        .token = o->token, .address = node->admin, .path = path, .timeout_ms = o->timeout_ms, .body_max = PAGE_MAX};
    if (path)
        rc_fetch_one(&order, take_page, p);
    free(path);
}

/* ---- showing ----------------------------------------------------------------------------------------------------- */

/* Whether this byte, and the next, may command a terminal: C0, and C1 as UTF-8. */
static bool commands(const char *at, size_t left)
{
    unsigned char byte = (unsigned char)*at, next = left > 1 ? (unsigned char)at[1] : 0;
    return byte < ' ' || byte == 0x7f || (byte == 0xc2 && next >= 0x80 && next < 0xa0);
}

/* At most so many bytes, whole characters, harmless: who chats must not command the terminal of an operator. */
static void put_text(const char *text, size_t len, size_t width)
{
    size_t end = len > width ? width - 3 : len;
    while (len > width && end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
        end--;
    for (size_t i = 0; i < end; i++) {
        bool bad = commands(text + i, len - i);
        putchar(bad ? '?' : text[i]);
        i += bad && (unsigned char)text[i] == 0xc2;
    }
    fputs(len > width ? "..." : "", stdout);
}

static void put_member(const json_t *line, const char *name, size_t width)
{
    char twin[16];
    snprintf(twin, sizeof twin, "%s_hex", name);
    const json_t *value = json_object_get(line, name);
    if (!value)
        value = json_object_get(line, twin);
    put_text(json_string_value(value) ? json_string_value(value) : "", json_string_length(value), width);
}

static void show_line(const char *text, size_t len)
{
    char iso[RC_CLOCK_ISO];
    json_t *line = json_loadb(text, len, JSON_ALLOW_NUL, NULL);
    const char *key = json_string_value(json_object_get(line, "key"));
    if (key) {
        printf("%s  ", rc_clock_iso(strtoll(key, NULL, 10), iso));
        put_member(line, "de", SHOWN);
        fputs(json_is_true(json_object_get(line, "de_admin")) ? " (admin) > " : " > ", stdout);
        put_member(line, "para", SHOWN);
        fputs("  ", stdout);
        put_member(line, "mensaje", SHOWN);
        fputs("  ", stdout);
        put_text(key, strlen(key), KEY_MAX);
        putchar('\n');
    }
    json_decref(line);
}

static size_t lines_of(const struct page *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->len; i++)
        n += p->text[i] == '\n';
    return n;
}

static void show(const struct page *p, bool json)
{
    if (json) {
        (void)fwrite(p->text, 1, p->len, stdout);
        return;
    }
    for (size_t at = 0; at < p->len;) {
        const char *end = memchr(p->text + at, '\n', p->len - at);
        size_t len = end ? (size_t)(end - p->text) - at : p->len - at;
        show_line(p->text + at, len);
        at += len + 1;
    }
}

static enum rc_exit flushed(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return RC_EXIT_OK;
    perror("roomcastctl: the output cannot be written");
    return RC_EXIT_DATA;
}

/* ---- the commands ------------------------------------------------------------------------------------------------ */

/* Reads pages until there are enough, and shows those of a walk back in the end. */
static enum rc_exit read_pages(const struct rc_history_order *o, const struct rc_survey_node *node, struct page *pages,
                               size_t *n)
{
    const char *from = o->before ? o->before : o->after;
    size_t left = (size_t)o->limit, held = 0;
    for (*n = 0; left > 0 && *n < PAGES_MAX;) {
        struct page *p = &pages[*n];
        read_page(o, node, from, left, p);
        ++*n;
        if (p->code != RC_EXIT_OK) {
            rc_complain("%s: %s", node->name, p->error);
            return p->code;
        }
        left -= lines_of(p) < left ? lines_of(p) : left;
        held += p->len;
        from = p->next;
        if (!*from)
            break;
        if (held > HOLD_MAX) {
            fprintf(stderr, "roomcastctl: shows fewer than %ld messages, they are too long\n", o->limit);
            break;
        }
    }
    return RC_EXIT_OK;
}

enum rc_exit rc_ctl_history(const struct rc_history_order *order)
{
    enum rc_exit code;
    struct rc_history_order o = *order;
    const struct rc_survey_node *node = rc_ctl_persister(o.survey, o.persister, &code);
    if (!node)
        return code;
    if (!o.before && !o.after)
        o.before = "newest";
    size_t n = 0;
    struct page *pages = calloc(PAGES_MAX, sizeof *pages);
    code = pages ? read_pages(&o, node, pages, &n) : RC_EXIT_INTERNAL;
    for (size_t i = 0; i < n && code == RC_EXIT_OK; i++)
        show(&pages[o.before ? n - 1 - i : i], o.json);
    for (size_t i = 0; i < n; i++)
        free(pages[i].text);
    free(pages);
    return code == RC_EXIT_OK ? flushed() : code;
}

static enum rc_exit export_failed(const struct rc_survey_node *node, const struct page *p, const char *after)
{
    rc_complain("%s: %s", node->name, p->error);
    if (after)
        rc_complain("go on with --after %s", after);
    return p->code;
}

enum rc_exit rc_ctl_export(const struct rc_history_order *o)
{
    enum rc_exit code;
    char after[KEY_MAX];
    const char *from = o->after;
    const struct rc_survey_node *node = rc_ctl_persister(o->survey, o->persister, &code);
    for (bool more = node; more;) {
        struct page p;
        read_page(o, node, from, 0, &p);
        code = p.code == RC_EXIT_OK ? RC_EXIT_OK : export_failed(node, &p, from);
        if (code == RC_EXIT_OK) {
            (void)fwrite(p.text, 1, p.len, stdout);
            code = flushed();
        }
        more = code == RC_EXIT_OK && *p.next;
        memcpy(after, p.next, sizeof after);
        from = after;
        free(p.text);
    }
    return code;
}
