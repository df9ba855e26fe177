/*
 * The text of a message, which carries what the oracle has to know. All of it is known to the receiver, so that a changed
 * byte is noticed:
 *
 *     rb RRRR SSSSSS NNNNNNNN TTTTTTTTTTTTTTTT filling      without the blanks, digits hexadecimal
 *
 * R names the run, S is the sender's client, N its sequence number (the first is 1), T the time in ns from which its
 * latency counts. The name of client S is "rbRRRR-SSSSSS".
 */
#ifndef RC_MESSAGE_H
#define RC_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#define RC_MESSAGE_MIN  36 /* bytes: without filling */
#define RC_MESSAGE_MAX  16384
#define RC_NAME_LEN     13
#define RC_MESSAGE_RUNS 0x10000    /* run is below */
#define RC_CLIENTS_MAX  0x00ffffff /* client is below; this one is the name of nobody */

struct rc_message {
    uint16_t run;
    uint32_t sender;
    uint32_t seq;
    uint64_t time;
};

enum rc_reading {
    RC_READ_OK,
    RC_READ_FOREIGN, /* of another run, or by somebody else */
    RC_READ_GARBLED, /* ours, but not as it was sent */
};

/* Writes the name of a client, RC_NAME_LEN bytes and a terminator. */
void rc_message_name(char out[RC_NAME_LEN + 1], uint16_t run, uint32_t client);

/* Writes the text, size bytes (RC_MESSAGE_MIN to RC_MESSAGE_MAX) without terminator. */
void rc_message_write(char *out, size_t size, const struct rc_message *message);

/* Reads the JSON array of the event `mensaje_recibido`, from its bracket on. The text must have `size` bytes and be of this
 * run, and `de` the name of its sender. */
enum rc_reading rc_message_read(struct rc_message *message, const char *json, size_t len, uint16_t run, size_t size);

#endif
