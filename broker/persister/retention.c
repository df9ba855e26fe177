/* Paces the deletion of old messages. */
#include "broker/persister/retention.h"

#include "clock.h"
#include "log.h"

#define TELL_EVERY (60000 * RC_MS) /* at most so often while it goes on */

void rc_retention_init(struct rc_retention *r, struct rc_store *store, const struct rc_store_keep *keep)
{
    r->store = store;
    r->keep = *keep;
    atomic_init(&r->deleted, 0);
    r->next = r->told_at = RC_NEVER;
    r->failed = false;
    r->told = 0;
}

bool rc_retention_on(const struct rc_retention *r)
{
    return r->keep.ms || r->keep.bytes;
}

static void tell(struct rc_retention *r, rc_time now)
{
    struct rc_store_info info;
    uint64_t deleted = atomic_load(&r->deleted);
    char oldest[RC_CLOCK_ISO];
    if (deleted == r->told || now - r->told_at < TELL_EVERY || !rc_store_info(r->store, &info))
        return;
    rc_log(RC_INFO, "store-pruned", "deleted=%llu messages=%llu oldest=%s used=%llu",
           (unsigned long long)(deleted - r->told), (unsigned long long)info.rows,
           info.rows ? rc_clock_iso(info.oldest, oldest) : "none", (unsigned long long)info.used);
    r->told = deleted;
    r->told_at = now;
}

static void note(struct rc_retention *r, const struct rc_store_pruned *out)
{
    bool failed = out->result != RC_STORE_OK;
    if (failed && !r->failed)
        rc_log(RC_ERROR, "retention-failed", "reason=\"%s\" cause=\"%s\" effect=\"old messages stay\"",
               rc_store_result_text(out->result), out->why);
    r->failed = failed;
    atomic_fetch_add(&r->deleted, out->deleted);
}

void rc_retention_turn(struct rc_retention *r)
{
    struct rc_store_pruned out;
    rc_time begin = rc_clock_now();
    if (!rc_retention_on(r) || begin < r->next)
        return;
    rc_store_prune(r->store, &r->keep, rc_clock_wall_ms(), RC_RETENTION_ROWS, &out);
    note(r, &out);
    rc_time end = rc_clock_now();
    r->next = end + (out.more && !r->failed ? end - begin : RC_RETENTION_PAUSE);
    tell(r, end);
}
