/*
 * Who is asking: the Cookie header of a request -> the cookie `token` -> verified claims. The one door for
 * Socket.IO, history and demo, so that all of them go by the same rules. Any thread.
 */
#ifndef RC_GATEWAY_AUTH_H
#define RC_GATEWAY_AUTH_H

#include "gateway/app/jwt.h"

enum rc_auth_result {
    RC_AUTH_OK,
    RC_AUTH_NO_COOKIE, /* no Cookie header: "No autenticado" */
    RC_AUTH_NO_TOKEN,  /* no cookie `token`, or an empty one: "Token no proporcionado" */
    RC_AUTH_BAD_TOKEN, /* "Token inválido"; the log (debug) says why */
};
const char *rc_auth_text(enum rc_auth_result result); /* the client's words, static */

struct rc_auth;

/* The verifier stays the caller's and must outlive it. NULL: no memory. */
struct rc_auth *rc_auth_new(const struct rc_jwt *jwt);
void rc_auth_free(struct rc_auth *auth);

/* cookie: the Cookie header's value, NULL: there was none. *out is set only on RC_AUTH_OK. */
enum rc_auth_result rc_auth_check(struct rc_auth *auth, const char *cookie, size_t len, int64_t now_s,
                                  struct rc_claims *out);

#endif
