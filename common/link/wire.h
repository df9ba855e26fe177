/*
 * Batches and operations <-> protobuf (proto/roomcast.proto). Pure: bytes in, structs out.
 *
 * Nothing of a received frame is believed: sizes, counts, ids and enums are checked here, so that the core sees only
 * what op.h allows. An operation never packs to more than twice its op->bytes (rc_op_weigh), and one with large
 * contents to little more than these; so whoever keeps batches to RC_LINK_BATCH_MAX bytes or one operation stays below
 * RC_LINK_FRAME_MAX.
 */
#ifndef RC_LINK_WIRE_H
#define RC_LINK_WIRE_H

#include "cluster/op.h"
#include "link/arena.h"
#include "roomcast.pb-c.h"

#define RC_WIRE_ARENA    ((size_t)24 << 20) /* cap of an arena that unpacks frames of RC_LINK_FRAME_MAX */
#define RC_WIRE_OPS_MAX  16384              /* operations of one batch; 256 KiB of the smallest are fewer */
#define RC_WIRE_LIST_MAX 4096               /* gateways of one LIST */

/* A packed frame of `len` bytes, checked to be a Frame of a known kind; lives in the arena. NULL: it is not. */
Roomcast__Frame *rc_wire_open(struct rc_arena *arena, const void *bytes, size_t len);

/* The batch as a frame in the arena, its byte fields pointing into the batch's buffers: valid while both live. NULL:
 * the arena is full. */
Roomcast__Frame *rc_wire_frame(struct rc_arena *arena, const struct rc_batch *batch);

/* Fills an initialised batch from an opened one. NULL, or a static phrase that names the first thing that is not
 * allowed; the batch is then empty. */
const char *rc_wire_batch(const Roomcast__Batch *from, struct rc_batch *batch);

/* One RECORD, for the topic. As above; *op is set on success. rc_wire_record_frame's result points into op. */
const char *rc_wire_record(const Roomcast__Record *from, struct rc_op **op);
void rc_wire_record_frame(const struct rc_op *op, Roomcast__Record *to);

/* Whether these bytes are a node id: 1 to RC_ID_MAX bytes of [A-Za-z0-9._-]; copies them to id. */
bool rc_wire_id(const ProtobufCBinaryData *from, char id[RC_ID_MAX + 1]);

#endif
