/* Inside of the admin listener, shared by admin.c and admin_call.c. */
#ifndef RC_ADMIN_IMPL_H
#define RC_ADMIN_IMPL_H

#include "admin.h"

#include <event2/http.h>

#include <sys/queue.h>

struct rc_admin_call { /* a request to one of the node's own paths that waits for its answer */
    LIST_ENTRY(rc_admin_call) link;
    uint64_t id;
    struct evhttp_request *request; /* evhttp's; outlives its connection while we have not answered */
};

struct rc_admin_calls {
    LIST_HEAD(, rc_admin_call) open;
    uint64_t last; /* id given */
    size_t count;
};

/* Answers and lets go of the request. */
void rc_admin_send(struct evhttp_request *request, unsigned code, const char *type, const char *body, size_t len);

/* Hands the request to the route; at RC_ADMIN_CALLS it is answered with 503. */
void rc_admin_calls_begin(struct rc_admin_calls *calls, const struct rc_admin_route *route, void *arg,
                          struct evhttp_request *request);
void rc_admin_calls_end(struct rc_admin_calls *calls, uint64_t id, unsigned code, const char *type, const char *body,
                        size_t len);
/* Forgets all; evhttp frees the requests. */
void rc_admin_calls_fini(struct rc_admin_calls *calls);

#endif
