/* The echo application. */
#include "echo_app.h"

#include "gateway/sio/payload.h"
#include "gateway/sio/sio_json.h"

#include <stdlib.h>
#include <string.h>

struct rc_identity {
    unsigned holders;
    size_t len;
    char auth[]; /* JSON text */
};

static bool enter(void *self, const char *nsp, const struct rc_visitor *visitor, const char *auth, size_t auth_len,
                  struct rc_identity **identity, int64_t *expires, const char **error)
{
    (void)self, (void)nsp, (void)visitor, (void)error; /* each CONNECT has an identity of its own: its payload */
    size_t len = auth ? auth_len : 2;
    *identity = malloc(sizeof(**identity) + len);
    if (!*identity)
        abort();
    (*identity)->holders = 1;
    (*identity)->len = len;
    memcpy((*identity)->auth, auth ? auth : "{}", len);
    *expires = 0;
    return true;
}

static struct rc_identity *hold(void *self, struct rc_identity *identity)
{
    (void)self;
    identity->holders++;
    return identity;
}

static void rele(void *self, struct rc_identity *identity)
{
    (void)self;
    if (identity && --identity->holders == 0)
        free(identity);
}

static unsigned rooms(void *self, const char *nsp, const struct rc_identity *identity, struct rc_buf **room)
{
    (void)self, (void)nsp, (void)identity, (void)room;
    return 0;
}

/* head + body + tail as one text; the caller frees it. */
static char *join(const char *head, const char *body, size_t len, const char *tail, size_t *total)
{
    *total = strlen(head) + len + strlen(tail);
    char *text = malloc(*total + 1);
    if (!text)
        abort();
    memcpy(text, head, strlen(head));
    memcpy(text + strlen(head), body, len);
    memcpy(text + strlen(head) + len, tail, strlen(tail) + 1);
    return text;
}

static struct rc_buf *greet(void *self, const char *nsp, const struct rc_identity *identity)
{
    (void)self;
    size_t len;
    char *text = join("[\"auth\",", identity->auth, identity->len, "]", &len);
    struct rc_buf *payload = rc_payload_event(nsp, text, len, NULL, 0);
    free(text);
    return payload;
}

/* What follows the name: ",ARGUMENTS]" or "]". */
static const char *after_name(const struct rc_sio_json *shape)
{
    const char *at = shape->first + shape->first_len;
    return at + strspn(at, " \t\r\n");
}

static enum rc_verdict event(void *self, const struct rc_identity *identity, const struct rc_event *event,
                             struct rc_emit *emit, struct rc_reply *reply, const char **reason)
{
    (void)self, (void)identity, (void)emit, (void)reason;
    struct rc_sio_json shape;
    size_t len;
    rc_sio_json_scan(event->json, event->json_len, 0, false, &shape);
    const char *rest = after_name(&shape);
    size_t rest_len = (size_t)(event->json + event->json_len - rest);
    if (rc_sio_json_equals(shape.first, shape.first_len, "message")) {
        char *text = join("[\"message-back\"", rest, rest_len, "", &len);
        reply->event = rc_payload_event(event->nsp, text, len, event->attachment, event->attachments);
        free(text);
        return RC_EVENT_ANSWER;
    }
    if (rc_sio_json_equals(shape.first, shape.first_len, "message-with-ack") && event->wants_ack) {
        size_t comma = *rest == ',';
        char *text = join("[", rest + comma, rest_len - comma, "", &len);
        reply->ack = rc_payload_ack(event->nsp, event->id, text, len, event->attachment, event->attachments);
        free(text);
        return RC_EVENT_ANSWER;
    }
    return RC_EVENT_IGNORE;
}

const struct rc_app rc_echo_app = {NULL, enter, hold, rele, rooms, greet, event};
