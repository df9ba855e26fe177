/* The `engineio` profile: Engine.IO sessions without Socket.IO; every message comes back unchanged. */
#ifndef RC_CONFORMANCE_EIO_ECHO_H
#define RC_CONFORMANCE_EIO_ECHO_H

#include "gateway/eio/eio.h"

extern const struct rc_eio_user rc_eio_echo;

#endif
