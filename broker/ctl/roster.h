/*
 * The nodes of a cluster as roomcastctl knows them: those it was given (a cluster.json, addresses) and those
 * that their answers name, each asked once for its status. A node that does not answer stays as a row with
 * the reason.
 */
#ifndef RC_CTL_ROSTER_H
#define RC_CTL_ROSTER_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "addr.h"
#include "cluster/types.h"
#include "exit.h"
#include "secret.h"

#define RC_ROSTER_MAX 1024 /* nodes; more are not asked, and truncated says so */
#define RC_ROSTER_WHY 512

struct rc_roster_node {
    char name[RC_ID_MAX + 1];    /* "": given by address and not heard of otherwise */
    char role[16];               /* "" likewise */
    char link[RC_ADDR_MAX + 1];  /* "" when not known */
    char admin[RC_ADDR_MAX + 1]; /* where it is asked; "" when nobody knows */
    json_t *status;              /* its answer, an object; NULL: down */
    char error[128];             /* why there is no answer */
};

struct rc_roster {
    struct rc_roster_node *node[RC_ROSTER_MAX];
    size_t count;
    bool truncated;
};

/* Adds the nodes of the file that deploy/local-cluster writes. RC_EXIT_OK, or RC_EXIT_CONFIG or
 * RC_EXIT_INTERNAL with a sentence in why. */
enum rc_exit rc_roster_load(struct rc_roster *roster, const char *path, char why[RC_ROSTER_WHY]);

/* Adds comma separated admin addresses. RC_EXIT_OK, or RC_EXIT_USAGE or RC_EXIT_INTERNAL with a sentence in
 * why. */
enum rc_exit rc_roster_add(struct rc_roster *roster, const char *addresses, char why[RC_ROSTER_WHY]);

/* Asks all nodes at once, and those that their answers name as soon as they do; over after timeout_ms. Sorts
 * by role and name. False when out of memory. */
bool rc_roster_ask(struct rc_roster *roster, const struct rc_secret *token, long timeout_ms);

/* How many nodes did not answer. */
size_t rc_roster_down(const struct rc_roster *roster);

/* {"nodes": [...]}: the answers with "up": true, the others as {name, role, state: "down", link, admin, up:
 * false, error}. Owned by the caller; NULL when out of memory. */
json_t *rc_roster_json(const struct rc_roster *roster);

void rc_roster_fini(struct rc_roster *roster);

#endif
