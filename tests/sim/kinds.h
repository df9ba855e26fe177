/* Every kind of fault, with how often it is drawn. README.md says what they are. */
#ifndef SIM_KINDS_H
#define SIM_KINDS_H

#include "steps.h"

#include "brokers.h"
#include "gateways.h"
#include "persisters.h"

#define SIM_KIND_LIST(X)                                                                                               \
    X(brk, 1)                                                                                                          \
    X(flap, 1)                                                                                                         \
    X(cut, 1)                                                                                                          \
    X(part, 1)                                                                                                         \
    X(iso, 1)                                                                                                          \
    X(crashB, 2)                                                                                                       \
    X(crashG, 1)                                                                                                       \
    X(crashP, 1)                                                                                                       \
    X(pause, 2)                                                                                                        \
    X(sleep, 1)                                                                                                        \
    X(stall, 1)                                                                                                        \
    X(slow, 1)                                                                                                         \
    X(lossy, 1)                                                                                                        \
    X(drainB, 1)                                                                                                       \
    X(drainG, 1)                                                                                                       \
    X(slowP, 1)                                                                                                        \
    X(deadP, 1)                                                                                                        \
    X(disk, 1)                                                                                                         \
    X(full, 1)                                                                                                         \
    X(addB, 1)                                                                                                         \
    X(rmB, 1)                                                                                                          \
    X(gstart, 1)                                                                                                       \
    X(gstartlate, 1)                                                                                                   \
    X(gstartcut, 1)                                                                                                    \
    X(gstartpause, 1)                                                                                                  \
    X(mesh, 1)                                                                                                         \
    X(lostB, 1)                                                                                                        \
    X(setback, 1)                                                                                                      \
    X(ring, 1)                                                                                                         \
    X(lateview, 1)                                                                                                     \
    X(pausecut, 1)                                                                                                     \
    X(pauseiso, 1)                                                                                                     \
    X(sleepcut, 1)

#define X(kind, weight) void sim_kind_##kind(struct sim_fault *f);
SIM_KIND_LIST(X)
#undef X

#endif
