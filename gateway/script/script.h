/*
 * npm's client scripts, as the reference Socket.IO server serves them: from the folder `dist` of npm's package
 * socket.io-client, read at start and kept in memory. For each of
 *
 *   <eio path>socket.io.js  socket.io.min.js  socket.io.esm.min.js  socket.io.msgpack.min.js, and .map behind each
 *
 * GET and HEAD, with any query; other methods get 405. A file that was not there gets 404 with a hint. Other names under
 * the path are left to Engine.IO.
 *
 * A file has two representations, plain and gzip, chosen by Accept-Encoding. Each has a strong ETag of its own, as RFC 9110
 * 8.8.3.3 wants of codings, and it is a digest of the very bytes: the same file from another gateway has the same tag, and
 * the gzip of another zlib has another one. A client that lists either tag gets 304 if it may have that coding now.
 */
#ifndef RC_GATEWAY_SCRIPT_H
#define RC_GATEWAY_SCRIPT_H

#include "gateway/http/http.h"

struct rc_script;

/* eio_path begins and ends with '/'. dir: the folder, which must hold socket.io.js, else NULL and why; "": the one in
 * node_modules two folders above the program's, and when it is not there, that is logged. What else is missing is
 * logged. Reads and compresses: before threads start. */
struct rc_script *rc_script_new(const char *dir, const char *eio_path, char *why, size_t size);
void rc_script_free(struct rc_script *script); /* after the servers; may be NULL */

/* Registers the routes on a worker's server; any number of servers, each on its own thread, as nothing changes. */
void rc_script_routes(struct rc_script *script, struct rc_http_server *server);

/* Serves socket.io.min.js at this path as well, whatever the Engine.IO path is; it must outlive the server. */
void rc_script_alias(struct rc_script *script, struct rc_http_server *server, const char *path);

#endif
