/* Harmless text: a node that was taken over must not command the terminal of its operator. */
#include "broker/ctl/plain.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

void rc_plain(char *text)
{
    for (; *text; text++)
        if (!isprint((unsigned char)*text))
            *text = '?';
}

void rc_first_line(const char *text, size_t len, char *out, size_t size)
{
    size_t n = 0;
    for (; n < len && n + 1 < size && text[n] != '\n'; n++)
        out[n] = text[n];
    out[n] = '\0';
}

void rc_complain(const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    rc_plain(text);
    fprintf(stderr, "roomcastctl: %s\n", text);
}
