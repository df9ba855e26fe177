/* The JSON that GET /status answers, and the rates in it. */
#include "status.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

void rc_rate_sample(struct rc_rate *rate, uint64_t total, int64_t now_us)
{
    rate->total[rate->next] = total;
    rate->at[rate->next] = now_us;
    rate->next = (rate->next + 1) % (RC_RATE_SECONDS + 1);
    if (rate->count < RC_RATE_SECONDS + 1) {
        rate->count++;
    }
}

double rc_rate_per_s(const struct rc_rate *rate)
{
    unsigned newest = (rate->next + RC_RATE_SECONDS) % (RC_RATE_SECONDS + 1);
    unsigned oldest = rate->count == RC_RATE_SECONDS + 1 ? rate->next : 0;
    int64_t us = rate->at[newest] - rate->at[oldest];
    if (rate->count < 2 || us <= 0) {
        return 0;
    }
    return (double)(rate->total[newest] - rate->total[oldest]) * 1e6 / (double)us;
}

static uint64_t memory_bytes(void)
{
    uint64_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file) {
        if (fscanf(file, "%*u %" SCNu64, &pages) != 1) {
            pages = 0;
        }
        (void)fclose(file);
    }
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Seconds since the process started: field 22 of its stat is that moment in clock ticks since boot. */
static int64_t uptime_s(void)
{
    char text[1024];
    unsigned long long start = 0;
    FILE *file = fopen("/proc/self/stat", "re");
    if (!file) {
        return 0;
    }
    size_t len = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[len] = '\0';
    char *p = strrchr(text, ')'); /* the name before it may hold anything */
    if (!p || sscanf(p + 1, " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
                     &start) != 1) {
        return 0;
    }
    return rc_clock_now() / 1000000 - (int64_t)(start / (unsigned long long)sysconf(_SC_CLK_TCK));
}

static json_t *metrics_json(const struct rc_status *status)
{
    json_t *object = json_object();
    for (size_t i = 0; i < status->metrics_count; i++) {
        const struct rc_metrics *metrics = &status->metrics[i];
        for (size_t m = 0; m < metrics->count; m++) {
            json_object_set_new(object, metrics->info[m].name, json_integer((json_int_t)rc_metrics_value(metrics, m)));
        }
    }
    return object;
}

static json_t *partitions_json(const struct rc_status *status)
{
    json_t *object = json_object();
    for (size_t i = 0; i < status->partitioned_count; i++) {
        const struct rc_status_room *room = &status->partitioned[i];
        json_object_set_new(object, room->name, json_integer((json_int_t)room->partitions));
    }
    return object;
}

static json_t *map_json(const struct rc_status *status)
{
    json_t *array = json_array();
    for (size_t i = 0; i < status->map_count; i++) {
        const struct rc_status_node *node = &status->map[i];
        json_array_append_new(array, json_pack("{ss ss ss ss sb sb}", "name", node->name, "role", node->role, "link",
                                               node->link, "admin", node->admin, "up", (int)node->up, "configured",
                                               (int)node->configured));
    }
    return array;
}

char *rc_status_json(const struct rc_status *s)
{
    json_t *root = json_pack(
        "{ss ss ss ss ss? ss ss ss sI sI sI sI sI sI sI sf sf sI sI sI so so so}", "name", s->name, "role", s->role,
        "version", RC_VERSION, "state", s->state, "reason", s->reason, "address", s->address, "link", s->link, "admin",
        s->admin, "incarnation", (json_int_t)s->incarnation, "uptime_s", (json_int_t)uptime_s(), "connections",
        (json_int_t)s->connections, "relayed", (json_int_t)s->relayed, "rooms", (json_int_t)s->rooms,
        "messages_in_total", (json_int_t)s->messages_in, "messages_out_total", (json_int_t)s->messages_out,
        "messages_in_per_s", s->messages_in_per_s, "messages_out_per_s", s->messages_out_per_s, "queue_bytes",
        (json_int_t)s->queue_bytes, "memory_bytes", (json_int_t)memory_bytes(), "lag", (json_int_t)s->lag, "partitions",
        partitions_json(s), "metrics", metrics_json(s), "map", map_json(s));
    char *text = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    json_decref(root);
    return text;
}
