/* Inside HTTP: a connection and its response, which http.c and http_response.c share. */
#ifndef RC_GATEWAY_HTTP_CONN_H
#define RC_GATEWAY_HTTP_CONN_H

#include "gateway/http/http_parse.h"

struct rc_http {
    struct rc_http_server *server;
    struct rc_stream *stream;
    struct rc_response *response; /* being made; NULL: the next request may be read */
    struct rc_timer timer;        /* slow, stalled or idle, whichever holds */
    struct rc_http_scan scan;     /* of the head that is being read */
    char *head;                   /* heap: its bytes so far; NULL when it came in one piece */
    size_t head_len;
    uint64_t body;                   /* bytes of the last request's body that have not come */
    const struct rc_body_sink *sink; /* who gets them; NULL: they are dropped */
    void *sink_self;
    uint64_t written; /* stream's count when the stall timer was set */
    bool in_input;    /* our input function is on the stack */
    bool held;        /* the sink wants no more for now */
    bool once;        /* for one request */
};

struct rc_response {
    struct rc_http *http; /* NULL: the client is gone, or HTTP is over on its connection */
    const struct rc_response_watch *watch;
    void *self;          /* the watch's */
    int64_t left;        /* body bytes announced and not written; valid unless chunked */
    char *fields;        /* heap: lines that its head gets; NULL: none */
    enum rc_close close; /* reason, valid unless keep */
    bool head_only;      /* HEAD */
    bool http10;
    bool keep; /* the connection stays open after it */
    bool begun;
    bool expects; /* the client waits for 100 Continue with its body */
    bool chunked; /* the length is not known */
};

/* Frees it. */
void rc_response_free(struct rc_response *response);

/* The response is over and freed by its maker; read on, or close. */
void rc_http_answered(struct rc_http *http, bool keep, enum rc_close why);

/* HTTP is over on this connection: the stream has another user. */
void rc_http_leave(struct rc_http *http);

/* Stops or goes on with the pieces of the body. */
void rc_http_hold(struct rc_http *http, bool stop);
/* The body's sink was set. */
void rc_http_read_body(struct rc_http *http);

#endif
