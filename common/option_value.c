/* The types of options: from text to the stored value and back. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "option_impl.h"

static bool is_text(const struct rc_option *option)
{
    return option->type == RC_OPT_STRING || option->type == RC_OPT_URL || option->type == RC_OPT_ADDR ||
           option->type == RC_OPT_LIST;
}

static void *field(const struct rc_option *option, void *values)
{
    return (char *)values + option->offset;
}

static const void *const_field(const struct rc_option *option, const void *values)
{
    return (const char *)values + option->offset;
}

static bool set_bool(bool *out, const char *text, char why[RC_OPTION_WHY])
{
    static const char *const words[] = {"false", "no", "off", "0", "true", "yes", "on", "1"};
    for (size_t i = 0; i < 8; i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = i >= 4;
            return true;
        }
    }
    snprintf(why, RC_OPTION_WHY, "must be true or false (also yes, no, on, off, 1, 0)");
    return false;
}

/* A decimal number with, for sizes, its suffix. False when it is none or does not fit. */
static bool number(const char *text, bool size, int64_t *out)
{
    const char *digits = text + (*text == '-');
    size_t count = strspn(digits, "0123456789");
    const char *suffix = digits + count;
    unsigned shift = 0;
    errno = 0;
    int64_t value = strtoll(text, NULL, 10);
    if (size && *suffix && suffix[1] == '\0') {
        const char *letter = strchr("kmgKMG", *suffix);
        shift = letter ? 10 * (unsigned)((letter - "kmgKMG") % 3 + 1) : 0;
    }
    if (count == 0 || errno == ERANGE || (*suffix && shift == 0) ||
        __builtin_mul_overflow(value, (int64_t)1 << shift, out)) {
        return false;
    }
    return true;
}

static bool set_number(const struct rc_option *option, int64_t *out, const char *text, char why[RC_OPTION_WHY])
{
    int64_t value;
    if (number(text, option->type == RC_OPT_SIZE, &value) && value >= option->min && value <= option->max) {
        *out = value;
        return true;
    }
    const char *what = option->type == RC_OPT_INT  ? "a whole number"
                       : option->type == RC_OPT_MS ? "a whole number of milliseconds"
                                                   : "a number of bytes (k, m, g: times 1024, 1024k, 1024m)";
    snprintf(why, RC_OPTION_WHY, "must be %s from %" PRId64 " to %" PRId64, what, option->min, option->max);
    return false;
}

/* Whether text is one of the words of "a|b|c". */
static bool chosen(const char *words, const char *text)
{
    size_t len = strlen(text);
    for (const char *word = words;; word++) {
        size_t word_len = strcspn(word, "|");
        if (word_len == len && memcmp(word, text, len) == 0) {
            return true;
        }
        word += word_len;
        if (*word == '\0') {
            return false;
        }
    }
}

static bool check_string(const struct rc_option *option, const char *text, char why[RC_OPTION_WHY])
{
    size_t len = strlen(text), most = option->max > 0 ? (size_t)option->max : RC_OPTION_VALUE;
    if (option->unit && strchr(option->unit, '|')) {
        snprintf(why, RC_OPTION_WHY, "must be one of %s", option->unit);
        return chosen(option->unit, text);
    }
    if (len < (size_t)option->min || len > most) {
        snprintf(why, RC_OPTION_WHY, "must have %" PRId64 " to %zu bytes", option->min, most);
        return false;
    }
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            snprintf(why, RC_OPTION_WHY, "must not hold control characters");
            return false;
        }
    }
    return true;
}

static bool check_address(const struct rc_option *option, const char *text, char why[RC_OPTION_WHY])
{
    struct rc_addr addr;
    if (*text == '\0' && option->fallback && *option->fallback == '\0') {
        return true;
    }
    const char *wrong = rc_addr_parse(text, &addr);
    if (wrong) {
        snprintf(why, RC_OPTION_WHY, "%s", wrong);
    } else if (addr.port < option->min) {
        snprintf(why, RC_OPTION_WHY, "must have a port from %" PRId64 " to 65535", option->min);
        return false;
    }
    return !wrong;
}

/* A copy of the list without blanks around its elements; NULL with why when an element is empty. */
static char *tidy_list(const char *text, int64_t *elements, char why[RC_OPTION_WHY])
{
    char *copy = malloc(strlen(text) + 1), *to = copy;
    *elements = 0;
    for (const char *p = text + strspn(text, " \t"); copy && *text; p += 1 + strspn(p + 1, " \t")) {
        size_t len = strcspn(p, ","), kept = len;
        while (kept > 0 && strchr(" \t", p[kept - 1])) {
            kept--;
        }
        if (kept == 0) {
            snprintf(why, RC_OPTION_WHY, "has an empty element");
            free(copy);
            return NULL;
        }
        memcpy(to, p, kept);
        to += kept;
        ++*elements;
        p += len;
        if (*p == '\0') {
            break;
        }
        *to++ = ',';
    }
    if (copy) {
        *to = '\0';
    }
    return copy;
}

static char *make_list(const struct rc_option *option, const char *text, char why[RC_OPTION_WHY])
{
    int64_t elements;
    char *list = tidy_list(text, &elements, why);
    if (list && (elements < option->min || (option->max > 0 && elements > option->max))) {
        snprintf(why, RC_OPTION_WHY, "has %" PRId64 " elements, it must have %" PRId64 " or more%s", elements,
                 option->min, option->max > 0 && elements > option->max ? ", and not so many" : "");
        free(list);
        return NULL;
    }
    return list;
}

static bool set_text(const struct rc_option *option, char **out, const char *text, char why[RC_OPTION_WHY])
{
    char *made = NULL;
    snprintf(why, RC_OPTION_WHY, "finds no memory");
    if (option->type == RC_OPT_LIST) {
        made = make_list(option, text, why);
    } else if (option->type == RC_OPT_ADDR ? check_address(option, text, why) : check_string(option, text, why)) {
        made = strdup(text);
    }
    if (!made) {
        return false;
    }
    free(*out);
    *out = made;
    return true;
}

bool rc_value_set(const struct rc_option *option, void *values, const char *text, char why[RC_OPTION_WHY])
{
    void *at = field(option, values);
    if (option->type == RC_OPT_BOOL) {
        return set_bool(at, text, why);
    }
    return is_text(option) ? set_text(option, at, text, why) : set_number(option, at, text, why);
}

bool rc_value_empty(const struct rc_option *option, void *values)
{
    if (is_text(option)) {
        char **text = field(option, values);
        *text = strdup("");
        return *text;
    }
    memset(field(option, values), 0, rc_value_end(option) - option->offset);
    return true;
}

const char *rc_value_text(const struct rc_option *option, const void *values, char buf[32])
{
    const void *at = const_field(option, values);
    if (option->type == RC_OPT_BOOL) {
        return *(const bool *)at ? "true" : "false";
    }
    if (is_text(option)) {
        return *(char *const *)at;
    }
    snprintf(buf, 32, "%" PRId64, *(const int64_t *)at);
    return buf;
}

const char *rc_value_shown(const struct rc_option *option, const char *text, char buf[RC_OPTION_SHOWN])
{
    if (option->type != RC_OPT_URL || !*text)
        return text;
    const char *scheme = strstr(text, "://"), *name = scheme ? scheme + 3 : NULL;
    if (!name)
        return "(not shown)";
    size_t len = strcspn(name, "?"); /* parameters may hold a password too */
    const char *host = memrchr(name, '@', len);
    size_t user = host ? strcspn(name, ":@") : 0;
    bool password = host && name + user < host;
    host = host ? host : name;
    snprintf(buf, RC_OPTION_SHOWN, "%.*s%s%.*s%s", (int)(name + user - text), text, password ? ":***" : "",
             (int)(name + len - host), host, name[len] ? "?***" : "");
    return buf;
}

size_t rc_value_end(const struct rc_option *option)
{
    size_t size = option->type == RC_OPT_BOOL ? sizeof(bool) : is_text(option) ? sizeof(char *) : sizeof(int64_t);
    return option->offset + size;
}

bool rc_value_equal(const struct rc_option *option, const void *a, const void *b)
{
    char text_a[32], text_b[32];
    return strcmp(rc_value_text(option, a, text_a), rc_value_text(option, b, text_b)) == 0;
}

void rc_value_swap(const struct rc_option *option, void *a, void *b)
{
    char kept[sizeof(int64_t)];
    size_t size = rc_value_end(option) - option->offset;
    memcpy(kept, field(option, a), size);
    memcpy(field(option, a), field(option, b), size);
    memcpy(field(option, b), kept, size);
}

void rc_value_free(const struct rc_option *option, void *values)
{
    if (is_text(option)) {
        char **text = field(option, values);
        free(*text);
        *text = NULL;
    }
}
