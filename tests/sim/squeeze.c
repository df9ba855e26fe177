/* Bounds, and how a fault changes them in a running core: no option does, so it reaches into the core's own struct. */
#include "squeeze.h"

#include "brokers.h"
#include "gateways.h"

#include "cluster/broker/broker_impl.h"
#include "cluster/gateway/gateway_impl.h"

const struct sim_bounds *sim_bounds(bool tight)
{
    static const struct sim_bounds by_default = {64 << 20, 256 << 10, 4 << 20, 1 << 20, 256 << 20, 64 << 20, 16 << 20};
    static const struct sim_bounds so_small = {4000, 800, 600, 4, 8000, 6000, 6000};
    return tight ? &so_small : &by_default;
}

static void squeeze_gateway(struct rc_gateway_config *c, const struct sim_bounds *to, bool tight)
{
    c->bound = to->gateway;
    c->socket_bound = to->socket;
    c->credit = to->credit;
    c->receiver_max = sim_bounds(tight)->receivers; /* never small for good: it refuses new clients */
}

static void squeeze_broker(struct rc_broker_config *c, const struct sim_bounds *to)
{
    c->topic_bound = to->topic;
    c->waiting_bound = to->waiting;
    c->gateway_bound = to->towards;
}

void sim_squeeze(struct sim_host *h, bool tight)
{
    const struct sim_bounds *to = sim_bounds(tight || h->w->shape.tight);
    sim_trace_as(h->node.sim, SIM_MARK_FAULT, h->node.id, tight ? "its bounds are tiny" : "its bounds are as before");
    if (h->role->role == RC_GATEWAY)
        squeeze_gateway(&((struct sim_gateway *)h)->core->config, to, tight);
    else
        squeeze_broker(&((struct sim_broker *)h)->core->config, to);
}
