/* The bytes of a data file, put together from entries of the journal. */
#include "image.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint64_t rc_random_below(uint64_t *seed, uint64_t n)
{
    uint64_t z = (*seed += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % n;
}

bool rc_image_init(struct rc_image *image, uint64_t capacity)
{
    *image = (struct rc_image){.capacity = capacity, .byte = calloc(1, (size_t)capacity + 1)};
    return image->byte != NULL;
}

void rc_image_fini(struct rc_image *image)
{
    free(image->byte);
}

/* Bytes beyond the size are zeros, always. */
static void resize(struct rc_image *image, uint64_t size)
{
    if (size < image->size)
        memset(image->byte + size, 0, (size_t)(image->size - size));
    image->size = size;
}

void rc_image_copy(struct rc_image *to, const struct rc_image *from)
{
    resize(to, from->size);
    memcpy(to->byte, from->byte, (size_t)from->size);
}

static void put(struct rc_image *image, uint64_t at, const uint8_t *data, uint64_t len)
{
    memcpy(image->byte + at, data, (size_t)len);
    if (at + len > image->size)
        image->size = at + len;
}

static bool has_bytes(const struct rc_journal_head *head)
{
    return head->kind == RC_JOURNAL_WRITE || head->kind == RC_JOURNAL_SYNCED;
}

void rc_image_apply(struct rc_image *image, const struct rc_journal_entry *entry)
{
    if (entry->head.kind == RC_JOURNAL_SIZE)
        resize(image, entry->head.at);
    else if (has_bytes(&entry->head))
        put(image, entry->head.at, entry->data, entry->head.len);
}

void rc_image_tear(struct rc_image *image, const struct rc_journal_entry *entry, unsigned block, unsigned percent,
                   uint64_t *seed)
{
    const struct rc_journal_head *head = &entry->head;
    if (head->kind == RC_JOURNAL_SIZE && rc_random_below(seed, 100) < percent)
        resize(image, head->at);
    if (!has_bytes(head))
        return;
    for (uint64_t at = head->at, end = head->at + head->len, next; at < end; at = next) {
        next = (at / block + 1) * block;
        next = next < end ? next : end;
        if (rc_random_below(seed, 100) < percent)
            put(image, at, entry->data + (at - head->at), next - at);
    }
}

bool rc_image_write(const struct rc_image *image, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    uint64_t done = 0;
    while (fd >= 0 && done < image->size) {
        ssize_t n = write(fd, image->byte + done, (size_t)(image->size - done));
        if (n <= 0)
            break;
        done += (uint64_t)n;
    }
    return fd >= 0 && close(fd) == 0 && done == image->size;
}
