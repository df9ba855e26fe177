/*
 * JSON as it stands (RFC 8259): finds where values lie in a text, without making a tree or writing it anew,
 * so that a value can be passed on byte for byte. yajl reads; nobody else includes it. Big numbers, \u0000
 * and lone surrogates are fine here, since nothing is converted; text outside ASCII is taken for UTF-8, which
 * the transport has checked.
 */
#ifndef RC_GATEWAY_JSON_H
#define RC_GATEWAY_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Deepest nesting of arrays and objects. A chat message has 3 levels; the memory that one costs is fixed by
 * this. */
#define RC_JSON_DEPTH 512

enum rc_json_type {
    RC_JSON_NULL,
    RC_JSON_FALSE,
    RC_JSON_TRUE,
    RC_JSON_NUMBER,
    RC_JSON_STRING,
    RC_JSON_ARRAY,
    RC_JSON_OBJECT,
};

#define RC_JSON_OTHER (-1) /* a key that was not asked for, or no key */

struct rc_json_value {
    enum rc_json_type type;
    unsigned depth;   /* containers around it; 0: the text's own value */
    size_t index;     /* place in its array or object, from 0 */
    int key;          /* index of its key in the list of keys asked for, or RC_JSON_OTHER */
    const char *text; /* where it stands, a slice of the input */
    size_t len;
};

/* Called for each value when it ends: members before the array or object that holds them. False: stop, the
 * walk fails. */
typedef bool (*rc_json_visit)(void *ctx, const struct rc_json_value *value);

/* Walks one JSON text. keys: names to recognise (n of them), written in any way ("p\u0061ra" is para). False:
 * not JSON, deeper than RC_JSON_DEPTH, stopped by visit, or no memory. Any thread. */
bool rc_json_walk(const char *text, size_t len, const char *const *keys, size_t n, rc_json_visit visit, void *ctx);

/* The text of a JSON string (with its quotes) as UTF-8 into out, terminated; false: not a string, longer than
 * size - 1 bytes, or one that UTF-8 without NUL cannot hold (a lone surrogate, \u0000). */
bool rc_json_string(const char *text, size_t len, char *out, size_t size, size_t *out_len);

#endif
