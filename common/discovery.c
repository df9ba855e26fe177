/* Taking in who the brokers are. */
#include "discovery.h"

#include "clock.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

static bool dials(const struct rc_discovery *d, const char *id)
{
    return !d->dialler || strcmp(id, d->dialler) > 0;
}

bool rc_discovery_dial(struct rc_discovery *d, char why[RC_LINK_WHY])
{
    for (size_t i = 0; i < d->brokers->count; i++) {
        const struct rc_broker_entry *e = &d->brokers->entry[i];
        if (dials(d, e->id) && !rc_link_dial(d->link, e->id, RC_BROKER, e->address, why))
            return false;
    }
    return true;
}

static void tell(const struct rc_brokers *from, const struct rc_brokers *to)
{
    for (size_t i = 0; i < from->count; i++)
        if (!rc_brokers_find(to, from->entry[i].id))
            rc_log(RC_INFO, "broker-removed", "id=%s", from->entry[i].id);
    for (size_t i = 0; i < to->count; i++) {
        const struct rc_broker_entry *now = &to->entry[i], *was = rc_brokers_find(from, now->id);
        if (!was || strcmp(was->address, now->address) != 0)
            rc_log(RC_INFO, was ? "broker-moved" : "broker-added", "id=%s address=%s weight=%u", now->id, now->address,
                   now->weight);
    }
}

bool rc_discovery_offer(struct rc_discovery *d, const struct rc_brokers *to, char why[RC_LINK_WHY])
{
    struct rc_member member[RC_BROKERS_MAX];
    enum rc_roll roll = d->roll(d->node, member, rc_brokers_members(to, member));
    if (!rc_roll_good(roll)) {
        snprintf(why, RC_LINK_WHY, "%s", rc_roll_text(roll));
        return false;
    }
    tell(d->brokers, to);
    for (size_t i = 0; i < d->brokers->count; i++)
        if (!rc_brokers_find(to, d->brokers->entry[i].id))
            rc_link_undial(d->link, d->brokers->entry[i].id);
    *d->brokers = *to;
    rc_roster_configure(d->roster, to, rc_clock_now());
    char trouble[RC_LINK_WHY], quoted[2 * RC_LINK_WHY];
    if (!rc_discovery_dial(d, trouble))
        rc_log(RC_ERROR, "broker-not-dialled", "reason=%s",
               rc_log_quote(quoted, sizeof quoted, trouble, strlen(trouble)));
    return true;
}
