/*
 * What goes wrong in a run: a plan of steps, made from the seed before the run begins.
 *
 * README.md lists the kinds.
 */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include "world.h"

/* True if there is a fault of this kind. */
bool sim_fault_known(const char *kind);
/* Writes the kinds, separated by spaces. */
void sim_fault_names(FILE *out);
/* Plans the faults of this world; sets w->fault, w->faults and w->fault_end. */
void sim_faults_plan(struct sim_world *w);

#endif
