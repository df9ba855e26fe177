/*
 * Who takes part in a run and who writes to whom, as numbers: clients 0 to admins-1 are admins, those after them users. A
 * sender writes to one addressee for the whole run, so that one sequence of numbers a sender serves all its receivers.
 * Pure; the same in every process.
 */
#ifndef RC_CAST_H
#define RC_CAST_H

#include <stdbool.h>
#include <stdint.h>

#define RC_NOBODY UINT32_MAX /* an addressee that is never connected; or no such client */

enum rc_traffic_kind {
    RC_TRAFFIC_NONE,
    RC_TRAFFIC_ROOM,   /* users write to nobody: every admin gets a copy */
    RC_TRAFFIC_DIRECT, /* each user writes to the next one; admins, if any, get copies */
    RC_TRAFFIC_MIXED,  /* users with even numbers as in ROOM, the others as in DIRECT; each admin writes to a user */
};

struct rc_cast {
    enum rc_traffic_kind kind;
    uint32_t admins, users;
};

uint32_t rc_cast_clients(const struct rc_cast *cast);
bool rc_cast_is_admin(const struct rc_cast *cast, uint32_t client);

/* Senders are numbered too, users before admins. */
uint32_t rc_cast_senders(const struct rc_cast *cast);
uint32_t rc_cast_sender(const struct rc_cast *cast, uint32_t number);        /* its client */
uint32_t rc_cast_sender_number(const struct rc_cast *cast, uint32_t client); /* RC_NOBODY: does not send */

uint32_t rc_cast_addressee(const struct rc_cast *cast, uint32_t sender); /* a client, or RC_NOBODY */
uint32_t rc_cast_copies(const struct rc_cast *cast, uint32_t sender);    /* receivers of each of its messages */

/* The senders whom a client hears are its sources 0 to count-1. A user may have less than it has room for. */
uint32_t rc_cast_sources(const struct rc_cast *cast, uint32_t client);
uint32_t rc_cast_source(const struct rc_cast *cast, uint32_t client, uint32_t number); /* its client, or RC_NOBODY */
uint32_t rc_cast_source_number(const struct rc_cast *cast, uint32_t client,
                               uint32_t sender); /* RC_NOBODY: hears it not */

#endif
