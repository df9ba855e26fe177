/* Defaults of the protocol's times, and the relations that keep its promises. */
#include "cluster/times.h"

void rc_times_default(struct rc_times *t, unsigned scale)
{
    rc_time ms = RC_MS * scale / 100;
    *t = (struct rc_times){
        .h = 100 * ms,
        .tick = 50 * ms,
        .s = 1000 * ms,
        .l_g = 1500 * ms,
        .l_m = 800 * ms,
        .l_d = 2400 * ms,
        .l_a = 2900 * ms,
        .w = 3050 * ms,
        .r = 30 * ms,
        .e = 30000 * ms,
        .connect = 10000 * ms,
        .recent = 120000 * ms,
    };
}

const char *rc_times_check(const struct rc_times *t)
{
    if (t->h <= 0 || t->tick <= 0 || t->tick > t->h)
        return "times.tick must be above 0 and at most times.heartbeat";
    if (t->s <= 4 * t->h)
        return "times.session must be more than 4 times.heartbeat";
    if (t->l_g <= t->s)
        return "times.gateway_lease (L_g) must be more than times.session";
    if (t->l_m <= 4 * t->h)
        return "times.member_lease (L_m) must be more than 4 times.heartbeat";
    if (t->l_d * 100 < (t->l_g + t->l_m) * 102)
        return "times.list_lease (L_d) must be at least 1.02 (times.gateway_lease + times.member_lease)";
    if (t->l_a < t->l_d + 4 * t->h)
        return "times.act_lease (L_a) must be at least times.list_lease + 4 times.heartbeat";
    if ((t->w - t->tick) * 100 < t->l_a * 102)
        return "times.wait (W) must be at least 1.02 times.act_lease + times.tick";
    if (t->r <= 0)
        return "times.retry (R) must be above 0";
    if (t->e <= 3 * t->w)
        return "times.emit_give_up (E) must be more than 3 times.wait";
    if (t->connect <= t->s + t->w)
        return "times.connect must be more than times.session + times.wait";
    if (t->recent <= t->e + t->w)
        return "times.recent must be more than times.emit_give_up + times.wait";
    return 0;
}
