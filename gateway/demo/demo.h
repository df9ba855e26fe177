/*
 * The demo page (option demo; never on a listener that others can reach, since it gives a token to anybody who asks):
 *
 *   GET  /demo                                  the page, its script at /demo/app.js, its style at /demo/style.css
 *   GET  /demo/socket.io.js                     npm's client script, which the page then finds under any eio.path
 *   POST /demo/token?user=U&rol=R&window=W      makes one for this person (rol: user or admin), good for an hour
 *
 * A cookie belongs to a host, not to a window, and its port does not matter. So each window gives itself a name W, and
 * the token comes as two cookies: one for the path <eio path>W, which is this window's way to Engine.IO and nobody
 * else's, and one for /api, which the page asks for anew right before each history request. Two windows can be two
 * people.
 *
 * The Host of a token request must be a loopback name, so that a foreign page whose name was pointed at 127.0.0.1 gets
 * none.
 */
#ifndef RC_GATEWAY_DEMO_H
#define RC_GATEWAY_DEMO_H

#include "gateway/app/jwt.h"
#include "gateway/http/http.h"
#include "gateway/script/script.h"

struct rc_demo;

/* jwt signs the tokens, so its algorithm is an HS one; node is the name that the page shows; eio_path begins and ends
 * with '/'. All four stay the caller's and must outlive it. NULL: memory is short. */
struct rc_demo *rc_demo_new(const struct rc_jwt *jwt, const char *node, const char *eio_path, struct rc_script *script);
void rc_demo_free(struct rc_demo *demo);

/* Registers the routes on a worker's server; any number of servers, each on its own thread. */
void rc_demo_routes(struct rc_demo *demo, struct rc_http_server *server);

#endif
