/*
 * LogPull and LogRows (proto/roomcast.proto), packed and unpacked, as Side. What a peer sent is believed nothing: each length and
 * number has its limit.
 */
#ifndef RC_PERSISTER_LOG_WIRE_H
#define RC_PERSISTER_LOG_WIRE_H

#include "broker/persister/store.h"

/* All that return a buffer return NULL when memory is short. */
struct rc_buf *rc_pull_pack(const struct rc_pull *pull);
/* False: it is no Side{LogPull}. Its limits are cut to what one page may be. */
bool rc_pull_unpack(const struct rc_buf *side, struct rc_pull *out);

/* Side{LogRows} with the page of our log that was asked for. Blocks for the disk. */
struct rc_buf *rc_log_answer(struct rc_store *store, const struct rc_pull *pull);
/* False, and nothing in out: it is no Side{LogRows} that may be. The rows are the caller's (rc_log_page_fini). */
bool rc_log_page_unpack(const struct rc_buf *side, struct rc_log_page *out);

#endif
