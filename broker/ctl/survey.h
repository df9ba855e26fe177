/*
 * The nodes of a cluster as roomcastctl knows them: those it was given (a cluster.json, addresses) and those
 * that their answers name, each asked once for its status. A node that does not answer stays as a row with
 * the reason.
 */
#ifndef RC_CTL_SURVEY_H
#define RC_CTL_SURVEY_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "addr.h"
#include "cluster/types.h"
#include "exit.h"
#include "secret.h"

#define RC_SURVEY_MAX 1024 /* nodes; more are not asked, and truncated says so */
#define RC_SURVEY_WHY 512

struct rc_survey_node {
    char name[RC_ID_MAX + 1];    /* "": given by address and not heard of otherwise */
    char role[16];               /* "" likewise */
    char link[RC_ADDR_MAX + 1];  /* "" when not known */
    char admin[RC_ADDR_MAX + 1]; /* where it is asked; "" when nobody knows */
    json_t *status;              /* its answer, an object; NULL: down */
    char error[128];             /* why there is no answer */
};

struct rc_survey {
    struct rc_survey_node *node[RC_SURVEY_MAX];
    size_t count;
    bool truncated;
};

/* Adds the nodes of the file that deploy/local-cluster writes. RC_EXIT_OK, or RC_EXIT_CONFIG or
 * RC_EXIT_INTERNAL with a sentence in why. */
enum rc_exit rc_survey_load(struct rc_survey *survey, const char *path, char why[RC_SURVEY_WHY]);

/* Adds comma separated admin addresses. RC_EXIT_OK, or RC_EXIT_USAGE or RC_EXIT_INTERNAL with a sentence in
 * why. */
enum rc_exit rc_survey_add(struct rc_survey *survey, const char *addresses, char why[RC_SURVEY_WHY]);

/* Asks all nodes at once, and those that their answers name as soon as they do; over after timeout_ms. Sorts
 * by role and name. False when out of memory. */
bool rc_survey_ask(struct rc_survey *survey, const struct rc_secret *token, long timeout_ms);

/* How many nodes did not answer. */
size_t rc_survey_down(const struct rc_survey *survey);

/* {"nodes": [...]}: the answers with "up": true, the others as {name, role, state: "down", link, admin, up:
 * false, error}. Owned by the caller; NULL when out of memory. */
json_t *rc_survey_json(const struct rc_survey *survey);

void rc_survey_fini(struct rc_survey *survey);

#endif
