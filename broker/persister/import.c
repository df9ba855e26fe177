/* Reads lines into a store, in commits of its own, so that it may be killed and begun anew at any moment. They are larger than a
 * persister's: nobody waits for one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/persister/line.h"
#include "broker/persister/tool.h"
#include "clock.h"
#include "cluster/mem.h"

#define COMMIT_ROWS  8192
#define COMMIT_BYTES (8u << 20)
#define SAY_EVERY    (2000 * RC_MS)
#define SAY_BAD      20 /* lines that are wrong and told one by one */

struct import {
    const char *name;
    FILE *file;
    struct rc_store *store;
    char *line;    /* RC_LINE_MAX + 1 bytes */
    size_t len;    /* of the line */
    bool too_long; /* it is longer; the rest of it was passed over */
    uint64_t lines, bad;
    struct rc_commit commit;
    struct rc_record record[COMMIT_ROWS];
    uint64_t stored, known, forgotten;
    rc_time said;
};

/* False at the end of the file. */
static bool read_line(struct import *m)
{
    int c;
    m->len = 0;
    m->too_long = false;
    while ((c = getc_unlocked(m->file)) != EOF && c != '\n') {
        if (m->len < RC_LINE_MAX)
            m->line[m->len++] = (char)c;
        else
            m->too_long = true;
    }
    m->lines += c != EOF || m->len > 0;
    return c != EOF || m->len > 0;
}

static bool commit(struct import *m)
{
    struct rc_store_outcome out = {.result = RC_STORE_OK};
    m->commit.record = m->record;
    if (m->commit.n)
        rc_store_commit(m->store, &m->commit, &out);
    for (size_t i = 0; i < m->commit.n; i++)
        rc_buf_rele(m->record[i].row);
    m->commit = (struct rc_commit){0};
    m->stored += out.stored;
    m->known += out.duplicates;
    m->forgotten += out.forgotten;
    if (out.result != RC_STORE_OK)
        fprintf(stderr, "roomcast-persister: near line %llu: %s: %s\n", (unsigned long long)m->lines,
                rc_store_result_text(out.result), out.why);
    return out.result == RC_STORE_OK;
}

static void say(const struct import *m, FILE *out)
{
    fprintf(out, "%s: lines=%llu stored=%llu known=%llu forgotten=%llu bad=%llu\n", m->name,
            (unsigned long long)m->lines, (unsigned long long)m->stored, (unsigned long long)m->known,
            (unsigned long long)m->forgotten, (unsigned long long)m->bad);
}

static void say_progress(struct import *m)
{
    if (rc_clock_now() - m->said < SAY_EVERY)
        return;
    m->said = rc_clock_now();
    say(m, stderr);
}

/* Adds the line's message to the commit. False: it is wrong, and told. */
static bool take_line(struct import *m)
{
    char why[RC_LINE_WHY];
    struct rc_record *record = &m->record[m->commit.n];
    bool good = !m->too_long && rc_line_read(m->line, m->len, record, why);
    if (good) {
        m->commit.n++;
        m->commit.bytes += record->row->len;
        return true;
    }
    if (m->too_long)
        snprintf(why, sizeof why, "it is longer than %zu bytes", RC_LINE_MAX);
    if (++m->bad <= SAY_BAD)
        fprintf(stderr, "roomcast-persister: %s:%llu: %s\n", m->name, (unsigned long long)m->lines, why);
    else if (m->bad == SAY_BAD + 1)
        fprintf(stderr, "roomcast-persister: %s: more lines are wrong, not told one by one\n", m->name);
    return false;
}

static enum rc_exit read_all(struct import *m, bool skip)
{
    while (read_line(m)) {
        if (m->len && !take_line(m) && !skip) {
            fprintf(stderr,
                    "roomcast-persister: stopped there; what came before is stored. Mend the line and import again, or "
                    "give --import.skip\n");
            return commit(m) ? RC_EXIT_INPUT : RC_EXIT_DATA;
        }
        if ((m->commit.n == COMMIT_ROWS || m->commit.bytes >= COMMIT_BYTES) && !commit(m))
            return RC_EXIT_DATA;
        say_progress(m);
    }
    if (!commit(m))
        return RC_EXIT_DATA;
    if (!ferror(m->file))
        return m->bad ? RC_EXIT_INPUT : RC_EXIT_OK;
    fprintf(stderr, "roomcast-persister: %s cannot be read: %s\n", m->name, strerror(errno));
    return RC_EXIT_INPUT;
}

enum rc_exit rc_tool_import(const struct rc_tool_options *o)
{
    char why[1024];
    bool from_stdin = strcmp(o->import, "-") == 0;
    FILE *file = from_stdin ? stdin : fopen(o->import, "re");
    if (!file) {
        fprintf(stderr, "roomcast-persister: %s cannot be read: %s\n", o->import, strerror(errno));
        return RC_EXIT_INPUT;
    }
    struct import *m = rc_zalloc(sizeof *m);
    m->name = from_stdin ? "stdin" : o->import;
    m->file = file;
    m->line = rc_zalloc(RC_LINE_MAX + 1);
    m->said = rc_clock_now();
    m->store = rc_store_open(o->data_dir, (uint64_t)o->map_size, why, sizeof why);
    enum rc_exit code = RC_EXIT_DATA;
    if (m->store) {
        code = read_all(m, o->import_skip);
        say(m, stdout);
    } else {
        fprintf(stderr, "roomcast-persister: %s\n", why);
    }
    rc_store_close(m->store);
    if (!from_stdin)
        (void)fclose(file);
    free(m->line);
    free(m);
    return code;
}
