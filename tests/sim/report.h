/* What roomcast-sim tells of a run: its story when it failed, its line with --verbose, and the sums. */
#ifndef SIM_REPORT_H
#define SIM_REPORT_H

#include "world.h"

/* What was violated, the line that replays it, and, if wanted, the story: the world once more, with what its faults did,
 * the way of the message concerned, and the last lines before the first violation. */
void sim_report_failure(const struct sim_world *w, bool story, FILE *out);
void sim_report_line(const struct sim_world *w, FILE *out);

void sim_totals_add(struct sim_totals *sum, const struct sim_totals *t);
void sim_totals_print(const struct sim_totals *t, double seconds);

#endif
