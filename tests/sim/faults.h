/*
 * What goes wrong in a run: a plan of steps, made from the seed before the run begins.
 *
 * Kinds: brk flap (connections break, once or again and again), cut (one pair, one or both ways), part (two sides), iso (one
 * node), crashB crashG crashP, pause, sleep (frozen with its clock), stall (a gateway's worker is stuck, its link loop is not),
 * slow, lossy (batches vanish from living connections), drainB drainG, wipeP (a persister comes back with
 * another, empty disk), gapP (one persister alone stores for a while, then all brokers go with their buffers), gstart (a gateway starts cut off from
 * one broker that is slow to hear of it), pausecut and sleepcut (a broker is frozen, with its clock in the second, and cut off from a gateway meanwhile).
 * Not here: adding and removing a broker, since the core takes its brokers once, when it is made.
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
