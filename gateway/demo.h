/*
 * The demo page (option demo; never on a listener that others can reach, since it gives a token to anybody
 * who asks):
 *
 *   GET  /demo                         the page; its script and style at /demo/app.js and /demo/style.css
 *   GET  /demo/socket.io.js            npm's client script, read from disk at start; 404 with a hint when it
 * is not there POST /demo/token?user=U&rol=R      sets the cookie `token` for this person: signed with the
 * gateway's secret, 1 h
 *
 * A cookie belongs to a host, not to a window: so the page asks for its person's token right before each
 * connect and each history request, and two windows can be two people.
 */
#ifndef RC_GATEWAY_DEMO_H
#define RC_GATEWAY_DEMO_H

#include "gateway/http.h"
#include "gateway/jwt.h"

struct rc_demo;

/* jwt: signs the tokens, HS algorithms only; stays the caller's. client: path of socket.io.min.js, NULL:
 * looked for at
 * ../../node_modules/socket.io-client/dist/ from the program's own directory. NULL: error says why. */
struct rc_demo *rc_demo_new(const struct rc_jwt *jwt, const char *node, const char *client, char *error,
                            size_t error_size);
void rc_demo_free(struct rc_demo *demo);

/* Registers the routes on a worker's server; any number of servers, each on its own thread. */
void rc_demo_routes(struct rc_demo *demo, struct rc_http_server *server);

#endif
