/* A text that grows up to a bound. */
#include "gateway/app/text.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 256

void rc_text_init(struct rc_text *text, size_t max)
{
    *text = (struct rc_text){.max = max};
}

void rc_text_fini(struct rc_text *text)
{
    free(text->at);
    rc_text_init(text, 0);
}

/* Room for len more bytes; NULL: the text has failed. */
static char *more(struct rc_text *text, size_t len)
{
    if (text->failed || len > text->max - text->len) {
        text->failed = true;
        return NULL;
    }
    size_t size = text->size ? text->size : FIRST_SIZE;
    while (size < text->len + len) {
        size *= 2;
    }
    if (size > text->size) {
        char *grown = realloc(text->at, size);
        if (!grown) {
            text->failed = true;
            return NULL;
        }
        text->at = grown;
        text->size = size;
    }
    return text->at + text->len;
}

void rc_text_add(struct rc_text *text, const void *bytes, size_t len)
{
    char *to = len ? more(text, len) : NULL;
    if (to) {
        memcpy(to, bytes, len);
        text->len += len;
    }
}

void rc_text_puts(struct rc_text *text, const char *string)
{
    rc_text_add(text, string, strlen(string));
}

/* The escape of a byte, "" when it stands for itself. */
static const char *escape(unsigned char c, char hex[8])
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\b':
        return "\\b";
    case '\f':
        return "\\f";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        if (c >= 0x20) {
            return "";
        }
        snprintf(hex, 8, "\\u%04x", c);
        return hex;
    }
}

void rc_text_json(struct rc_text *text, const void *bytes, size_t len)
{
    const char *from = bytes;
    size_t plain = 0; /* start of what needs no escape */
    rc_text_add(text, "\"", 1);
    for (size_t i = 0; i < len; i++) {
        char hex[8];
        const char *escaped = escape((unsigned char)from[i], hex);
        if (*escaped) {
            rc_text_add(text, from + plain, i - plain);
            rc_text_puts(text, escaped);
            plain = i + 1;
        }
    }
    if (plain < len) {
        rc_text_add(text, from + plain, len - plain);
    }
    rc_text_add(text, "\"", 1);
}

void rc_text_base64(struct rc_text *text, const void *bytes, size_t len)
{
    /* Pieces of whole triples, so that only the last one is padded. EVP_EncodeBlock ends with a NUL. */
    enum { PIECE = 3 * 1024 };
    const unsigned char *from = bytes;
    while (len > 0) {
        unsigned char coded[PIECE / 3 * 4 + 1];
        size_t n = len < PIECE ? len : PIECE;
        rc_text_add(text, coded, (size_t)EVP_EncodeBlock(coded, from, (int)n));
        from += n;
        len -= n;
    }
}
