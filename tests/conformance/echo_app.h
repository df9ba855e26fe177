/* The application of the `socketio` profile: lets everybody in and answers events to their sender. */
#ifndef RC_CONFORMANCE_ECHO_APP_H
#define RC_CONFORMANCE_ECHO_APP_H

#include "gateway/app/app.h"

/*
 * After CONNECT: ["auth", <auth payload or {}>]. The event `message` is answered by `message-back` with the same arguments,
 * `message-with-ack` by an ack with the same arguments. Others are ignored.
 */
extern const struct rc_app rc_echo_app;

#endif
