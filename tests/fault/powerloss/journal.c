/* Reads a journal. */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LARGEST (1u << 30) /* bytes of a data file that is looked at */

static bool map_file(struct rc_journal *j, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = fstat(fd, &st) == 0 && st.st_size > 0;
    if (ok) {
        j->map_len = (size_t)st.st_size;
        j->map = mmap(NULL, j->map_len, PROT_READ, MAP_PRIVATE, fd, 0);
        ok = j->map != MAP_FAILED;
    }
    close(fd);
    return ok;
}

static bool has_data(const struct rc_journal_head *head)
{
    return head->kind == RC_JOURNAL_WRITE || head->kind == RC_JOURNAL_SYNCED;
}

/* Where the entry at `at` ends; 0: it is not whole, or none. */
static size_t take(struct rc_journal *j, size_t at, struct rc_journal_entry *out)
{
    const uint8_t *map = j->map;
    struct rc_journal_head *head = &out->head;
    if (j->map_len - at < sizeof *head)
        return 0;
    memcpy(head, map + at, sizeof *head);
    at += sizeof *head;
    out->data = map + at;
    if (head->kind < RC_JOURNAL_WRITE || head->kind > RC_JOURNAL_NAMED || head->at > LARGEST)
        return 0;
    if (!has_data(head))
        return at;
    return head->len <= LARGEST && j->map_len - at >= head->len ? at + (size_t)head->len : 0;
}

bool rc_journal_open(struct rc_journal *j, const char *path, char *why, size_t size)
{
    struct rc_journal_entry entry;
    *j = (struct rc_journal){0};
    if (!map_file(j, path)) {
        snprintf(why, size, "the journal %s cannot be read, or is empty: %s; was the persister started with the shim?",
                 path, strerror(errno));
        return false;
    }
    for (size_t at = 0, next; (next = take(j, at, &entry)) != 0; at = next) {
        if (j->n % 1024 == 0) {
            void *more = realloc(j->entry, (j->n + 1024) * sizeof *j->entry);
            if (!more)
                break;
            j->entry = more;
        }
        j->entry[j->n++] = entry;
        uint64_t end = entry.head.at + (has_data(&entry.head) ? entry.head.len : 0);
        j->size = end > j->size ? end : j->size;
    }
    if (j->n)
        return true;
    snprintf(why, size, "the journal %s has no entry", path);
    return false;
}

void rc_journal_plant_never(struct rc_journal *j)
{
    size_t kept = 0;
    for (size_t i = 0; i < j->n; i++) {
        struct rc_journal_entry entry = j->entry[i];
        if (entry.head.kind == RC_JOURNAL_SYNCED)
            entry.head.kind = RC_JOURNAL_WRITE;
        if (entry.head.kind != RC_JOURNAL_SYNC)
            j->entry[kept++] = entry;
    }
    j->n = kept;
}

void rc_journal_close(struct rc_journal *j)
{
    free(j->entry);
    munmap(j->map, j->map_len);
}
