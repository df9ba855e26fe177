/* Rows and cursors as array literals of PostgreSQL. */
#include "broker/persister/sql/page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "roomcast.pb-c.h"

#define FECHA_MAX INT64_C(253402300799999) /* ms: the end of the year 9999 */

struct writing {
    FILE *out[RC_SQL_ARRAYS];
    size_t len[RC_SQL_ARRAYS];
};

/* ---- texts ------------------------------------------------------------------------------------------------------- */

/* Bytes of the UTF-8 character at p, 0 when there is none (Unicode, table 3-7). */
static size_t character(const uint8_t *p, size_t left)
{
    uint8_t first = p[0], low = 0x80, high = 0xbf;
    size_t len = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (len <= 1)
        return len;
    low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : low;
    high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : high;
    if (len > left || p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if (p[i] < 0x80 || p[i] > 0xbf)
            return 0;
    return len;
}

static void put_text(FILE *out, const uint8_t *text, size_t len)
{
    fputc('"', out);
    for (size_t i = 0; i < len;) {
        size_t n = text[i] ? character(text + i, len - i) : 0;
        if (text[i] == '"' || text[i] == '\\')
            fputc('\\', out);
        if (n)
            (void)fwrite(text + i, 1, n, out);
        else
            fputs("\xef\xbf\xbd", out);
        i += n ? n : 1;
    }
    fputc('"', out);
}

static void put_fecha(FILE *out, int64_t fecha)
{
    struct tm tm;
    int64_t ms = fecha < FECHA_MAX ? fecha : FECHA_MAX;
    time_t seconds = (time_t)(ms / 1000);
    gmtime_r(&seconds, &tm);
    fprintf(out, "\"%04d-%02d-%02d %02d:%02d:%02d.%03d+00\"", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
            tm.tm_min, tm.tm_sec, (int)(ms % 1000));
}

/* ---- columns ----------------------------------------------------------------------------------------------------- */

static void put_row(struct writing *w, const struct rc_key *key, const Roomcast__Row *row, const char *comma)
{
    for (int i = RC_SQL_CLAVE; i <= RC_SQL_FECHA; i++)
        fputs(comma, w->out[i]);
    fprintf(w->out[RC_SQL_CLAVE], "\"%" PRId64 ":%s:%" PRIu64 ":%" PRIu64 "\"", key->fecha, key->origin,
            key->origin_inc, key->seq);
    put_text(w->out[RC_SQL_DE], row->de.data, row->de.len);
    put_text(w->out[RC_SQL_PARA], row->para.data, row->para.len);
    put_text(w->out[RC_SQL_MENSAJE], row->mensaje.data, row->mensaje.len);
    put_fecha(w->out[RC_SQL_FECHA], key->fecha);
}

static void put_rows(struct writing *w, const struct rc_commit *commit, struct rc_sql_page *page)
{
    for (size_t i = 0; i < commit->n; i++) {
        const struct rc_record *r = &commit->record[i];
        Roomcast__Row *row = r->row ? roomcast__row__unpack(NULL, r->row->len, r->row->data) : NULL;
        if (!row || r->key.fecha < 0) {
            page->malformed++;
        } else {
            put_row(w, &r->key, row, page->rows ? "," : "");
            page->rows++;
        }
        if (row)
            roomcast__row__free_unpacked(row, NULL);
    }
}

static void put_cursors(struct writing *w, const struct rc_commit *commit)
{
    for (size_t i = 0; i < commit->cursors; i++) {
        const struct rc_cursor *c = &commit->cursor[i];
        const char *comma = i ? "," : "";
        fprintf(w->out[RC_SQL_PERSISTER], "%s\"%s\"", comma, c->peer);
        fprintf(w->out[RC_SQL_STORE], "%s\"%016" PRIx64 "\"", comma, c->store);
        fprintf(w->out[RC_SQL_NUMBER], "%s%" PRIu64, comma, c->number);
    }
}

bool rc_sql_page_init(struct rc_sql_page *page, const struct rc_commit *commit)
{
    struct writing w = {0};
    bool good = true;
    *page = (struct rc_sql_page){0};
    for (int i = 0; i < RC_SQL_ARRAYS; i++)
        good &= (w.out[i] = open_memstream(&page->array[i], &w.len[i])) && fputc('{', w.out[i]) != EOF;
    if (good) {
        put_rows(&w, commit, page);
        put_cursors(&w, commit);
    }
    for (int i = 0; i < RC_SQL_ARRAYS; i++) {
        good &= w.out[i] && fputc('}', w.out[i]) != EOF && !ferror(w.out[i]);
        if (w.out[i] && fclose(w.out[i]) != 0)
            good = false;
    }
    if (!good)
        rc_sql_page_fini(page);
    return good;
}

void rc_sql_page_fini(struct rc_sql_page *page)
{
    for (int i = 0; i < RC_SQL_ARRAYS; i++)
        free(page->array[i]);
    *page = (struct rc_sql_page){0};
}
