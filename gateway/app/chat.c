/* The support chat: who may enter, their rooms, and what becomes of mensaje_privado. */
#include "gateway/app/chat.h"

#include "clock.h"
#include "gateway/app/binary.h"
#include "gateway/app/json.h"
#include "gateway/sio/payload.h"
#include "gateway/sio/sio.h"

#include <roomcast.pb-c.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_ADMINS     ",admins" /* behind the namespace */
#define ROOM_USER       ",user:"
#define SHORT_OF_MEMORY "El servidor no tiene memoria"
#define EVENT_IN        "mensaje_privado"
#define EVENT_OUT       "mensaje_recibido"
#define PAYLOAD_MAX     ((size_t)16 << 20) /* bytes of a payload's text; the transport lets less in */

_Static_assert(RC_USER_MAX <= UINT8_MAX, "rc_identity.user_len");
_Static_assert(RC_NSP_MAX + sizeof ROOM_USER + RC_USER_MAX <= RC_ROOM_MAX, "every room's key fits");

struct rc_identity {
    int64_t exp; /* s since the epoch; 0: never ends */
    unsigned holders;
    bool admin;
    uint8_t user_len;
    char user[]; /* at most RC_USER_MAX */
};

struct chat {
    struct rc_app app;
    struct rc_auth *auth; /* caller's */
};

/* ---- entering ---- */

static struct rc_identity *identity_new(const struct rc_claims *claims)
{
    struct rc_identity *identity = malloc(sizeof *identity + claims->user_len);
    if (identity) {
        identity->exp = claims->exp;
        identity->holders = 1;
        identity->admin = strcmp(claims->rol, RC_CHAT_ROL_ADMIN) == 0;
        identity->user_len = (uint8_t)claims->user_len;
        memcpy(identity->user, claims->user, claims->user_len);
    }
    return identity;
}

static struct rc_identity *hold(void *self, struct rc_identity *identity)
{
    (void)self;
    if (identity) {
        identity->holders++;
    }
    return identity;
}

static void rele(void *self, struct rc_identity *identity)
{
    (void)self;
    if (identity && --identity->holders == 0) {
        free(identity);
    }
}

/* NULL: *error says why not. */
static struct rc_identity *identify(struct chat *chat, const struct rc_visitor *visitor, const char **error)
{
    struct rc_claims claims;
    int64_t now = rc_clock_wall_ms() / 1000;
    if (visitor->known) {
        *error = rc_auth_text(RC_AUTH_BAD_TOKEN); /* if it has expired since */
        return visitor->known->exp && now >= visitor->known->exp ? NULL : hold(chat, visitor->known);
    }
    enum rc_auth_result result = rc_auth_check(chat->auth, visitor->cookie, visitor->cookie_len, now, &claims);
    *error = result == RC_AUTH_OK ? SHORT_OF_MEMORY : rc_auth_text(result);
    return result == RC_AUTH_OK ? identity_new(&claims) : NULL;
}

static bool enter(void *self, const char *nsp, const struct rc_visitor *visitor, const char *auth, size_t auth_len,
                  struct rc_identity **identity, int64_t *expires, const char **error)
{
    (void)nsp;  /* one that exists, and all are alike */
    (void)auth; /* the cookie alone says who it is */
    (void)auth_len;
    *identity = identify(self, visitor, error);
    *expires = *identity ? (*identity)->exp : 0;
    return *identity != NULL;
}

/* ---- rooms ---- */

static struct rc_buf *make_room(const char *nsp, const char *kind, const char *user, size_t len)
{
    size_t nsp_len = strlen(nsp), kind_len = strlen(kind);
    struct rc_buf *room = rc_buf_new(nsp_len + kind_len + len);
    if (room) {
        memcpy(room->data, nsp, nsp_len);
        memcpy(room->data + nsp_len, kind, kind_len);
        memcpy(room->data + nsp_len + kind_len, user, len);
    }
    return room;
}

static struct rc_buf *room_admins(const char *nsp)
{
    return make_room(nsp, ROOM_ADMINS, "", 0);
}

static struct rc_buf *room_of(const char *nsp, const char *user, size_t len)
{
    return make_room(nsp, ROOM_USER, user, len);
}

static unsigned rooms(void *self, const char *nsp, const struct rc_identity *identity, struct rc_buf **room)
{
    (void)self;
    unsigned n = 0;
    room[n++] = room_of(nsp, identity->user, identity->user_len);
    if (identity->admin) {
        room[n++] = room_admins(nsp);
    }
    if (room[0] && room[n - 1]) {
        return n;
    }
    rc_buf_rele(room[0]);
    if (n > 1) {
        rc_buf_rele(room[1]);
    }
    return 0;
}

/* ---- reading mensaje_privado ---- */

enum { PARA, MENSAJE };
static const char *const keys[] = {"para", "mensaje"};

struct request {
    size_t elements;                /* of the event's array that ended */
    struct rc_json_value name;      /* element 0 */
    struct rc_json_value payload;   /* element 1 */
    struct rc_json_value member[2]; /* PARA and MENSAJE of the payload; text NULL: absent */
    char para[RC_USER_MAX + 1];
    size_t para_len;
};

static bool on_value(void *ctx, const struct rc_json_value *value)
{
    struct request *r = ctx;
    if (value->depth == 2 && r->elements == 1 && value->key != RC_JSON_OTHER) {
        r->member[value->key] = *value; /* of two, the last counts */
    } else if (value->depth == 1) {
        if (r->elements < 2) {
            *(r->elements == 0 ? &r->name : &r->payload) = *value;
        }
        r->elements++;
    }
    return true;
}

static bool is_event(const struct request *r, const char *name)
{
    char text[sizeof EVENT_IN];
    size_t len;
    return r->elements > 0 && rc_json_string(r->name.text, r->name.len, text, sizeof text, &len) &&
           strcmp(text, name) == 0;
}

/* NULL: it is a message; else what is wrong with it. */
static const char *check(struct request *r)
{
    const struct rc_json_value *para = &r->member[PARA];
    if (r->elements < 2 || r->payload.type != RC_JSON_OBJECT) {
        return "Se espera un objeto {para, mensaje}";
    }
    if (!para->text) {
        return "Falta para";
    }
    if (!rc_json_string(para->text, para->len, r->para, sizeof r->para, &r->para_len) || r->para_len == 0) {
        return "para debe ser un texto de 1 a 128 bytes";
    }
    return NULL;
}

/* ---- making mensaje_recibido and the row ---- */

struct message {
    const struct rc_identity *from;
    const struct request *request;
    const struct rc_event *event;
    struct rc_placeholder binary[RC_ATTACHMENTS_MAX]; /* in mensaje */
    int n;
};

static struct rc_buf *make_payload(const struct message *m)
{
    const struct rc_json_value *mensaje = &m->request->member[MENSAJE];
    struct rc_buf *attachment[RC_ATTACHMENTS_MAX];
    struct rc_text text;
    rc_text_init(&text, PAYLOAD_MAX);
    rc_text_puts(&text, "[\"" EVENT_OUT "\",{\"de\":");
    rc_text_json(&text, m->from->user, m->from->user_len);
    if (mensaje->text) {
        rc_text_puts(&text, ",\"mensaje\":");
        rc_binary_renumber(&text, mensaje->text, mensaje->len, m->binary, m->n);
    }
    rc_text_puts(&text, "}]");
    for (int i = 0; i < m->n; i++) {
        attachment[i] = m->event->attachment[m->binary[i].num];
    }
    struct rc_buf *payload =
        text.failed ? NULL : rc_payload_event(m->event->nsp, text.at, text.len, attachment, (unsigned)m->n);
    rc_text_fini(&text);
    return payload;
}

static struct rc_buf *pack_row(const struct message *m, const struct rc_text *mensaje)
{
    Roomcast__Row row = ROOMCAST__ROW__INIT;
    row.de = (ProtobufCBinaryData){m->from->user_len, (uint8_t *)m->from->user};
    row.para = (ProtobufCBinaryData){m->request->para_len, (uint8_t *)m->request->para};
    row.mensaje = (ProtobufCBinaryData){mensaje->len, (uint8_t *)mensaje->at};
    row.de_admin = m->from->admin;
    struct rc_buf *packed = rc_buf_new(roomcast__row__get_packed_size(&row));
    if (packed) {
        roomcast__row__pack(&row, packed->data);
    }
    return packed;
}

/* NULL: too large, or memory is short. */
static struct rc_buf *make_row(const struct message *m)
{
    const struct rc_json_value *mensaje = &m->request->member[MENSAJE];
    struct rc_text text;
    rc_text_init(&text, RC_CHAT_ROW_MAX);
    if (mensaje->text) {
        rc_binary_inline(&text, mensaje->text, mensaje->len, m->binary, m->n, m->event->attachment);
    } else {
        rc_text_puts(&text, "null");
    }
    struct rc_buf *row = text.failed ? NULL : pack_row(m, &text);
    rc_text_fini(&text);
    return row;
}

static void rele_emit(struct rc_emit *emit)
{
    rc_buf_rele(emit->payload);
    rc_buf_rele(emit->row);
    for (uint32_t i = 0; i < emit->n; i++) {
        rc_buf_rele(emit->room[i]);
        emit->room[i] = NULL;
    }
    emit->payload = emit->row = NULL;
    emit->n = 0;
}

/* Fills emit. NULL, or why it cannot be sent: then emit holds nothing. */
static const char *make_emit(struct message *m, struct rc_emit *emit)
{
    const struct rc_json_value *mensaje = &m->request->member[MENSAJE];
    if (mensaje->text && m->event->attachments > 0) {
        m->n = rc_binary_find(mensaje->text, mensaje->len, m->event->attachments, m->binary, RC_ATTACHMENTS_MAX);
        if (m->n < 0) {
            return "mensaje nombra adjuntos que no existen o más de 10";
        }
    }
    emit->row = make_row(m);
    if (!emit->row) {
        return "mensaje demasiado grande";
    }
    emit->payload = make_payload(m);
    emit->room[emit->n++] = room_of(m->event->nsp, m->request->para, m->request->para_len);
    if (!m->from->admin) { /* a socket in both rooms gets one copy, by the first */
        emit->room[emit->n++] = room_admins(m->event->nsp);
    }
    if (!emit->payload || !emit->room[0] || !emit->room[emit->n - 1]) {
        rele_emit(emit);
        return SHORT_OF_MEMORY;
    }
    emit->fecha = rc_clock_wall_ms();
    return NULL;
}

static enum rc_verdict on_event(void *self, const struct rc_identity *identity, const struct rc_event *event,
                                struct rc_emit *emit, struct rc_reply *reply, const char **reason)
{
    struct request request = {.elements = 0};
    struct message message = {.from = identity, .request = &request, .event = event};
    (void)self;
    (void)reply;
    if (!rc_json_walk(event->json, event->json_len, keys, 2, on_value, &request)) {
        *reason = "El evento no es JSON o está anidado a más de 512 niveles";
        return RC_EVENT_REFUSE;
    }
    if (!is_event(&request, EVENT_IN)) {
        return RC_EVENT_IGNORE;
    }
    *reason = check(&request);
    if (!*reason) {
        emit->n = 0;
        emit->payload = NULL;
        *reason = make_emit(&message, emit);
    }
    return *reason ? RC_EVENT_REFUSE : RC_EVENT_EMIT;
}

struct rc_app *rc_chat_new(struct rc_auth *auth)
{
    struct chat *chat = malloc(sizeof *chat);
    if (!chat) {
        return NULL;
    }
    chat->auth = auth;
    chat->app =
        (struct rc_app){.self = chat, .enter = enter, .hold = hold, .rele = rele, .rooms = rooms, .event = on_event};
    return &chat->app;
}

void rc_chat_free(struct rc_app *app)
{
    free(app ? app->self : NULL);
}
