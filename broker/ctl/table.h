/* The status of a cluster as a table for people, at most 120 columns wide for usual names. */
#ifndef RC_CTL_TABLE_H
#define RC_CTL_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "broker/ctl/survey.h"

/* A row for each node, then why those that are down did not answer, then a summary. Text of nodes is made
 * harmless for terminals. */
void rc_table_print(FILE *out, const struct rc_survey *survey, bool colour);

#endif
