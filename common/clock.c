/* The clocks and the random numbers of a node. */
#include "clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "exit.h"
#include "log.h"

#define ISO_FIRST (-62167219200000LL) /* 0000-01-01T00:00:00.000Z in ms */
#define ISO_LAST  253402300799999LL   /* 9999-12-31T23:59:59.999Z */

rc_time rc_clock_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_BOOTTIME, &ts);
    return (rc_time)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t rc_clock_wall_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

char *rc_clock_iso(int64_t wall_ms, char buf[RC_CLOCK_ISO])
{
    int64_t ms = wall_ms < ISO_FIRST ? ISO_FIRST : wall_ms > ISO_LAST ? ISO_LAST : wall_ms;
    int64_t part = ((ms % 1000) + 1000) % 1000; /* also before 1970 */
    time_t seconds = (time_t)((ms - part) / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    char text[80]; /* what a compiler believes the fields may need */
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
             tm.tm_hour, tm.tm_min, tm.tm_sec, (int)part);
    snprintf(buf, RC_CLOCK_ISO, "%.24s", text);
    return buf;
}

/* Numbers that a thread has in store, since a system call for each would be a good part of what a client's ids cost. */
struct store {
    unsigned left;
    uint64_t number[32];
};

static void fill(struct store *store)
{
    ssize_t got;
    do { /* up to 256 bytes come whole or, interrupted before the generator was seeded, not at all */
        got = getrandom(store->number, sizeof store->number, 0);
    } while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof store->number) {
        rc_log(RC_ERROR, "no-randomness", "errno=%d", errno);
        exit(RC_EXIT_INTERNAL);
    }
    store->left = sizeof store->number / sizeof *store->number;
}

uint64_t rc_random64(void)
{
    static _Thread_local struct store store;
    if (!store.left)
        fill(&store);
    uint64_t value = store.number[--store.left];
    store.number[store.left] = 0; /* it is a secret of who asked, from here on */
    return value;
}
