/* Any event of any JSON: never crashes, and what goes out is a valid payload with rooms and a row. */
#include "gateway/app/chat.h"
#include "gateway/app/json.h"
#include "gateway/sio/payload.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rc_app *chat;
static struct rc_identity *ana;
static struct rc_buf *attachment[2];

static void set_up(void)
{
    const char secret[] = "a secret that the fuzzer cannot guess";
    char error[128], cookie[RC_JWT_TOKEN_MAX] = "token=";
    int64_t expires;
    const char *why;
    struct rc_jwt *jwt = rc_jwt_new("HS256", secret, sizeof secret, 0, error, sizeof error);
    char *token = rc_jwt_sign(jwt, "ana", "user", 4000000000);
    chat = rc_chat_new(rc_auth_new(jwt));
    strcat(cookie, token);
    free(token);
    if (!chat->enter(chat->self, "/", &(struct rc_visitor){cookie, strlen(cookie), NULL}, NULL, 0, &ana, &expires,
                     &why)) {
        abort();
    }
    attachment[0] = rc_buf_copy("zero", 4);
    attachment[1] = rc_buf_copy("one", 3);
}

static bool any(void *ctx, const struct rc_json_value *value)
{
    (void)ctx;
    (void)value;
    return true;
}

static void check(struct rc_emit *emit)
{
    struct rc_part part;
    size_t at = 0;
    if (!rc_payload_valid(emit->payload) || !emit->row || emit->n != 2 || !rc_payload_next(emit->payload, &at, &part)) {
        abort();
    }
    const char *text = memchr(part.data, '[', part.len); /* behind the packet's head */
    if (!text || !rc_json_walk(text, part.len - (size_t)(text - (const char *)part.data), NULL, 0, any, NULL)) {
        abort();
    }
    rc_buf_rele(emit->payload);
    rc_buf_rele(emit->row);
    rc_buf_rele(emit->room[0]);
    rc_buf_rele(emit->room[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rc_emit emit = {.n = 0};
    struct rc_reply reply = {NULL, NULL};
    const char *reason = NULL;
    struct rc_event event = {.nsp = "/", .json = (const char *)data, .json_len = size, .attachment = attachment};
    if (!chat) {
        set_up();
    }
    event.attachments = (unsigned)(size % 3); /* none, one, two */
    if (chat->event(chat->self, ana, &event, &emit, &reply, &reason) == RC_EVENT_EMIT) {
        check(&emit);
    }
    return 0;
}
