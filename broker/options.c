/* One line per option of the broker. */
#include "broker/options.h"

#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(struct rc_broker_options, field)
#define MIB       ((int64_t)1 << 20)
#define BOUND_MAX ((int64_t)1 << 40)

static const struct rc_option lines[] = {
    {"topic.listen", RC_OPT_ADDR, AT(topic_listen), 0, 0, "127.0.0.1:7411", "host:port", false,
     "Where persisters subscribe to the message topic."},
    {"topic.buffer", RC_OPT_SIZE, AT(topic_buffer), 4 * MIB, BOUND_MAX, "256m", "bytes", false,
     "Records kept until every persister has stored them; at the bound new messages to store are refused as busy."},
    {"cluster.persisters", RC_OPT_LIST, AT(persisters), 0, RC_PERSISTERS_MAX, "persister-1", "ids", false,
     "Node ids of the persisters that store every message."},
    {"store.ack_quorum", RC_OPT_STRING, AT(ack_quorum), 0, 0, "all", "1|majority|all", false,
     "How many persisters must have stored a message before it is acknowledged."},
    {"store.durability", RC_OPT_STRING, AT(durability), 0, 0, "stored", "stored|routed", false,
     "stored: acknowledge after the quorum stored; routed: after delivery, storing follows."},
    {"node.incarnation", RC_OPT_INT, AT(incarnation), 0, INT64_MAX, "0", "ms", false,
     "Lowest incarnation to start with; the wall clock decides unless it was set back."},
    {"queue.waiting", RC_OPT_SIZE, AT(waiting_bytes), MIB / 16, BOUND_MAX, "64m", "bytes", false,
     "Accepted messages that wait to be confirmed; at the bound further ones are refused as busy."},
    {"queue.gateway", RC_OPT_SIZE, AT(gateway_bytes), 4 * MIB, 16 * MIB, "16m", "bytes", false,
     "Unsent or unacknowledged for one gateway; at the bound messages to its rooms are refused as busy."},
    {"drain.timeout", RC_OPT_MS, AT(drain_timeout), 0, 3600000, "60000", "ms", false,
     "How long roomcastctl drain waits for messages that are not confirmed or stored."},
    {"drain.term_timeout", RC_OPT_MS, AT(drain_term_timeout), 0, 3600000, "5000", "ms", false, "The same for SIGTERM."},
};

static void take_persisters(struct rc_broker_options *o, struct rc_option_errors *errors)
{
    char *save = NULL;
    char *list = strdup(o->persisters);
    for (char *id = list ? strtok_r(list, ",", &save) : NULL; id; id = strtok_r(NULL, ",", &save)) {
        if (!rc_id_valid(id)) {
            rc_option_fail(errors, "cluster.persisters: %s is no node id: 1 to %d of A-Z a-z 0-9 . _ -", id, RC_ID_MAX);
            continue;
        }
        if (o->persister_count < RC_PERSISTERS_MAX)
            memcpy(o->persister[o->persister_count++], id, strlen(id) + 1);
    }
    free(list);
}

static void take_quorum(struct rc_broker_options *o, struct rc_option_errors *errors)
{
    if (strcmp(o->durability, "routed") == 0)
        return;
    if (!o->persister_count)
        rc_option_fail(errors, "cluster.persisters is empty: name the persisters, or set store.durability to routed");
    o->quorum = strcmp(o->ack_quorum, "1") == 0          ? 1
                : strcmp(o->ack_quorum, "majority") == 0 ? o->persister_count / 2 + 1
                                                         : o->persister_count;
}

static void check(void *arg, struct rc_option_errors *errors)
{
    struct rc_broker_options *o = arg;
    rc_common_check(&o->common, errors);
    take_persisters(o, errors);
    take_quorum(o, errors);
}

static struct rc_option_set set_of(struct rc_broker_options *o, struct rc_option_table table[2])
{
    table[0] = rc_common_table(&o->common, RC_BROKER);
    table[1] = (struct rc_option_table){lines, sizeof lines / sizeof lines[0], o};
    return (struct rc_option_set){.program = "roomcast-broker",
                                  .summary =
                                      "Routes messages between gateways by room, and publishes what is to be stored.",
                                  .tables = table,
                                  .table_count = 2,
                                  .check = check,
                                  .arg = o};
}

int rc_broker_options_parse(struct rc_broker_options *o, char **argv)
{
    struct rc_option_table table[2];
    struct rc_option_set set = set_of(o, table);
    o->argv = argv;
    return rc_options_parse(&set, argv);
}

bool rc_broker_options_reload(struct rc_broker_options *o, FILE *report)
{
    struct rc_option_table table[2];
    struct rc_option_set set = set_of(o, table);
    return rc_common_reload(&o->common, &set, o->argv, report);
}

void rc_broker_options_fini(struct rc_broker_options *o)
{
    struct rc_option_table table[2];
    struct rc_option_set set = set_of(o, table);
    rc_common_fini(&o->common);
    rc_options_free(&set);
}
