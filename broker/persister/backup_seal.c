/* Seals a backup, and copies one whose seal is good. */
#include "broker/persister/backup_seal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "broker/persister/store_format.h"

#define MAGIC "roomcast-backup" /* with its terminator 16 bytes; then u64 version, length, checksum */
#define CHUNK ((size_t)1 << 20)

enum { VERSION = 1, AT_VERSION = 16, AT_LENGTH = 24, AT_SUM = 32 };

static bool write_all(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno != EINTR)
            return false;
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* At least one byte, or 0 at the end of the file, or -1. */
static ssize_t read_some(int fd, uint8_t *out, size_t len, uint64_t at)
{
    ssize_t n;
    do
        n = pread(fd, out, len, (off_t)at);
    while (n < 0 && errno == EINTR);
    return n;
}

struct pass { /* over the bytes of a file */
    XXH3_state_t *sum;
    uint8_t *chunk;
    uint64_t done;
};

static bool pass_init(struct pass *p)
{
    *p = (struct pass){.sum = XXH3_createState(), .chunk = malloc(CHUNK)};
    errno = ENOMEM;
    return p->sum && p->chunk && XXH3_64bits_reset(p->sum) == XXH_OK;
}

static void pass_fini(struct pass *p)
{
    XXH3_freeState(p->sum);
    free(p->chunk);
}

/* The next bytes of at most `left`; 0 end, -1 failed. */
static ssize_t pass_read(struct pass *p, int fd, uint64_t left)
{
    ssize_t n = read_some(fd, p->chunk, left < CHUNK ? (size_t)left : CHUNK, p->done);
    if (n > 0) {
        XXH3_64bits_update(p->sum, p->chunk, (size_t)n);
        p->done += (uint64_t)n;
    }
    return n;
}

bool rc_seal_put(int fd)
{
    struct pass p;
    uint8_t seal[RC_SEAL_SIZE] = MAGIC;
    bool ok = pass_init(&p);
    ssize_t n = ok ? 1 : -1;
    while (n > 0)
        n = pass_read(&p, fd, UINT64_MAX);
    ok = n == 0;
    if (ok) {
        rc_disk_put64(seal + AT_VERSION, VERSION);
        rc_disk_put64(seal + AT_LENGTH, p.done);
        rc_disk_put64(seal + AT_SUM, XXH3_64bits_digest(p.sum));
        ok = lseek(fd, (off_t)p.done, SEEK_SET) >= 0 && write_all(fd, seal, sizeof seal);
    }
    pass_fini(&p);
    return ok;
}

/* False: broken; why says how. */
static bool read_seal(int fd, uint8_t seal[RC_SEAL_SIZE], char *why, size_t size)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size < RC_SEAL_SIZE ||
        read_some(fd, seal, RC_SEAL_SIZE, (uint64_t)st.st_size - RC_SEAL_SIZE) != RC_SEAL_SIZE ||
        memcmp(seal, MAGIC, sizeof MAGIC) != 0) {
        snprintf(why, size, "it is no backup, or its end is missing");
        return false;
    }
    if (rc_disk_get64(seal + AT_VERSION) != VERSION) {
        snprintf(why, size, "it was made by a newer Roomcast, which can restore it");
        return false;
    }
    if (rc_disk_get64(seal + AT_LENGTH) != (uint64_t)st.st_size - RC_SEAL_SIZE) {
        snprintf(why, size, "it has %lld bytes and should have %llu", (long long)st.st_size,
                 (unsigned long long)rc_disk_get64(seal + AT_LENGTH) + RC_SEAL_SIZE);
        return false;
    }
    return true;
}

static bool copy(struct pass *p, int from, int to, uint64_t length, char *why, size_t size)
{
    while (p->done < length) {
        ssize_t n = pass_read(p, from, length - p->done);
        if (n <= 0 || !write_all(to, p->chunk, (size_t)n)) {
            snprintf(why, size, "%s: %s", n <= 0 ? "it cannot be read" : "the copy cannot be written",
                     n == 0 ? "it became shorter" : strerror(errno));
            return false;
        }
    }
    return true;
}

bool rc_seal_copy(int from, int to, bool *broken, char *why, size_t size)
{
    struct pass p = {0};
    uint8_t seal[RC_SEAL_SIZE];
    *broken = !read_seal(from, seal, why, size);
    if (*broken)
        return false;
    snprintf(why, size, "out of memory");
    bool ok = pass_init(&p) && copy(&p, from, to, rc_disk_get64(seal + AT_LENGTH), why, size);
    if (ok && XXH3_64bits_digest(p.sum) != rc_disk_get64(seal + AT_SUM)) {
        snprintf(why, size, "its checksum is wrong: bytes of it were changed");
        *broken = true;
        ok = false;
    }
    pass_fini(&p);
    return ok;
}
