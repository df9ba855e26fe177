/* Socket.IO packets, protocol version 5, as a client sends them: text to struct. Pure. */
#ifndef RC_GATEWAY_SIO_PACKET_H
#define RC_GATEWAY_SIO_PACKET_H

#include "gateway/sio/payload.h"
#include "gateway/sio/sio_json.h"

enum rc_sio_type {
    RC_SIO_CONNECT = 0,
    RC_SIO_DISCONNECT,
    RC_SIO_EVENT,
    RC_SIO_ACK,
    RC_SIO_CONNECT_ERROR,
    RC_SIO_BINARY_EVENT,
    RC_SIO_BINARY_ACK,
};

struct rc_sio_packet { /* slices point into the text */
    enum rc_sio_type type;
    unsigned attachments; /* that follow; 0 unless BINARY_* */
    const char *nsp;      /* "/name", without its query; "/" when the text has none */
    size_t nsp_len;
    bool has_id;
    uint64_t id;
    const char *json; /* NULL: none */
    size_t json_len;
    struct rc_sio_json shape; /* of json, valid with it */
};

/* Reads what followed the '4' of an Engine.IO message. NULL: it is a packet that a client may send; else a static
 * phrase that says what is wrong, and the connection must be closed. Refused like the reference does: unknown type,
 * CONNECT_ERROR, attachments other than 1 to RC_ATTACHMENTS_MAX, an id beyond 63 bits, text that is not JSON or not the
 * type's shape, names that are reserved, placeholders that name no attachment. The text must be UTF-8. */
const char *rc_sio_packet_parse(const char *text, size_t len, struct rc_sio_packet *out);

/* 44 with {"message": message}; message must need no escapes beyond UTF-8. 40 with {"sid": sid}. Payloads. */
struct rc_buf *rc_sio_connect_error(const char *nsp, size_t nsp_len, const char *message);
struct rc_buf *rc_sio_connected(const char *nsp, const char *sid);

#endif
