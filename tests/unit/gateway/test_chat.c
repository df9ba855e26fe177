/* The support chat: each rule of who enters, which rooms, what is relayed to whom and stored. */
#include "gateway/app/chat.h"

#include "clock.h"
#include "gateway/sio/payload.h"
#include "gateway/sio/sio.h"
#include "tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>
#include <roomcast.pb-c.h>

static struct rc_jwt *jwt;
static struct rc_auth *auth;
static struct rc_app *chat;
static const char *nsp = "/"; /* in which events are sent */

static int set_up(void **state)
{
    (void)state;
    char error[256];
    jwt = rc_jwt_new("HS256", SECRET, strlen(SECRET), 0, error, sizeof error);
    auth = rc_auth_new(jwt);
    chat = rc_chat_new(auth);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rc_chat_free(chat);
    rc_auth_free(auth);
    rc_jwt_free(jwt);
    return 0;
}

/* Enters with a token of this payload. */
static struct rc_identity *person(const char *payload)
{
    char cookie[1024];
    char *text = token(payload);
    struct rc_identity *identity = NULL;
    int64_t expires;
    const char *error = NULL;
    snprintf(cookie, sizeof cookie, "token=%s", text);
    free(text);
    assert_true(chat->enter(chat->self, "/", &(struct rc_visitor){cookie, strlen(cookie), NULL}, NULL, 0, &identity,
                            &expires, &error));
    return identity;
}

static struct rc_identity *ana(void)
{
    return person("{\"user\":\"ana\",\"rol\":\"user\"}");
}

static struct rc_identity *root(void)
{
    return person("{\"user\":\"root\",\"rol\":\"admin\"}");
}

static void assert_buf(const struct rc_buf *buf, const char *text)
{
    assert_non_null(buf);
    if (buf->len != strlen(text) || memcmp(buf->data, text, buf->len) != 0) {
        fail_msg("%.*s instead of %s", (int)buf->len, (const char *)buf->data, text);
    }
}

/* ---- an event and what became of it ---- */

struct outcome {
    enum rc_verdict verdict;
    const char *reason;
    struct rc_emit emit;
    Roomcast__Row *row; /* unpacked; NULL: not EMIT */
};

static struct outcome send_binary(struct rc_identity *from, const char *json, struct rc_buf *const *attachment,
                                  unsigned n)
{
    struct outcome out = {.reason = NULL};
    struct rc_reply reply = {NULL, NULL};
    struct rc_event event = {
        .nsp = nsp, .json = json, .json_len = strlen(json), .attachment = attachment, .attachments = n};
    out.verdict = chat->event(chat->self, from, &event, &out.emit, &reply, &out.reason);
    if (out.verdict == RC_EVENT_EMIT) {
        out.row = roomcast__row__unpack(NULL, out.emit.row->len, out.emit.row->data);
        assert_non_null(out.row);
        assert_true(rc_payload_valid(out.emit.payload));
    } else {
        assert_null(out.emit.payload);
        assert_null(out.emit.row);
        assert_int_equal(out.emit.n, 0);
    }
    return out;
}

static struct outcome send(struct rc_identity *from, const char *json)
{
    return send_binary(from, json, NULL, 0);
}

static void done(struct outcome *out)
{
    if (out->row) {
        roomcast__row__free_unpacked(out->row, NULL);
    }
    rc_buf_rele(out->emit.payload);
    rc_buf_rele(out->emit.row);
    for (uint32_t i = 0; i < out->emit.n; i++) {
        rc_buf_rele(out->emit.room[i]);
    }
}

static void assert_part(const struct rc_buf *payload, unsigned number, const char *text)
{
    struct rc_part part = {.text = false};
    size_t at = 0;
    for (unsigned i = 0; i <= number; i++) {
        assert_true(rc_payload_next(payload, &at, &part));
    }
    if (part.len != strlen(text) || memcmp(part.data, text, part.len) != 0) {
        fail_msg("%.*s instead of %s", (int)part.len, (const char *)part.data, text);
    }
}

static void assert_row(const Roomcast__Row *row, const char *de, const char *para, const char *mensaje)
{
    assert_int_equal(row->de.len, strlen(de));
    assert_memory_equal(row->de.data, de, row->de.len);
    assert_int_equal(row->para.len, strlen(para));
    assert_memory_equal(row->para.data, para, row->para.len);
    assert_int_equal(row->mensaje.len, strlen(mensaje));
    assert_memory_equal(row->mensaje.data, mensaje, row->mensaje.len);
}

/* What ana's mensaje looks like to receivers and in the store. */
static void relays(const char *json, const char *packet, const char *stored)
{
    struct rc_identity *from = ana();
    struct outcome out = send(from, json);
    assert_int_equal(out.verdict, RC_EVENT_EMIT);
    assert_part(out.emit.payload, 0, packet);
    assert_row(out.row, "ana", "eva", stored);
    done(&out);
    chat->rele(chat->self, from);
}

/* ---- entering and rooms ---- */

static const char *refusal(const char *cookie)
{
    struct rc_identity *identity = NULL;
    int64_t expires;
    const char *error = NULL;
    assert_false(chat->enter(chat->self, "/", &(struct rc_visitor){cookie, cookie ? strlen(cookie) : 0, NULL}, NULL, 0,
                             &identity, &expires, &error));
    assert_null(identity);
    return error;
}

static void refuses_with_the_original_words(void **state)
{
    (void)state;
    assert_string_equal(refusal(NULL), "No autenticado");
    assert_string_equal(refusal("a=b"), "Token no proporcionado");
    assert_string_equal(refusal("token="), "Token no proporcionado");
    assert_string_equal(refusal("token=nonsense"), "Token inválido");
}

static void says_when_the_socket_must_end(void **state)
{
    (void)state;
    char cookie[512];
    struct rc_identity *identity;
    int64_t expires = -1;
    const char *error;
    char *text = token("{\"user\":\"ana\",\"exp\":4000000000}");
    snprintf(cookie, sizeof cookie, "token=%s", text);
    assert_true(chat->enter(chat->self, "/", &(struct rc_visitor){cookie, strlen(cookie), NULL}, NULL, 0, &identity,
                            &expires, &error));
    assert_int_equal(expires, 4000000000);
    chat->rele(chat->self, identity);
    free(text);
}

/* The cookie is not kept once it was believed; what it said is. */
static void who_is_known_enters_again_until_the_token_ends(void **state)
{
    (void)state;
    struct rc_identity *identity, *again = NULL;
    struct rc_visitor visitor = {.known = ana()};
    int64_t expires = 1;
    const char *error;
    char cookie[1024], body[64];
    assert_true(chat->enter(chat->self, "/", &visitor, NULL, 0, &again, &expires, &error));
    assert_ptr_equal(again, visitor.known);
    assert_int_equal(expires, 0);
    chat->rele(chat->self, again);
    chat->rele(chat->self, visitor.known);
    snprintf(body, sizeof body, "{\"user\":\"ana\",\"exp\":%lld}", rc_clock_wall_ms() / 1000 + 1LL);
    char *text = token(body);
    snprintf(cookie, sizeof cookie, "token=%s", text);
    assert_true(chat->enter(chat->self, "/", &(struct rc_visitor){cookie, strlen(cookie), NULL}, NULL, 0, &identity,
                            &expires, &error));
    visitor.known = identity;
    while (rc_clock_wall_ms() / 1000 < expires)
        usleep(10000);
    assert_false(chat->enter(chat->self, "/", &visitor, NULL, 0, &again, &expires, &error));
    assert_string_equal(error, "Token inválido");
    chat->rele(chat->self, identity);
    free(text);
}

static void rooms_come_from_the_token(void **state)
{
    (void)state;
    struct rc_buf *room[RC_SOCKET_ROOMS_MAX];
    struct rc_identity *user = ana();
    assert_int_equal(chat->rooms(chat->self, "/", user, room), 1);
    assert_buf(room[0], "/,user:ana");
    rc_buf_rele(room[0]);
    chat->rele(chat->self, user);
    struct rc_identity *admin = root();
    assert_int_equal(chat->rooms(chat->self, "/", admin, room), 2);
    assert_buf(room[0], "/,user:root");
    assert_buf(room[1], "/,admins");
    rc_buf_rele(room[0]);
    rc_buf_rele(room[1]);
    chat->rele(chat->self, admin);
}

static void only_admin_is_admin(void **state)
{
    (void)state;
    static const char *const payloads[] = {"{\"user\":\"admins\"}", "{\"user\":\"a\",\"rol\":\"Admin\"}",
                                           "{\"user\":\"a\",\"rol\":\"admins\"}",
                                           "{\"user\":\"a\",\"rol\":[\"admin\"]}"};
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        struct rc_buf *room[RC_SOCKET_ROOMS_MAX];
        struct rc_identity *user = person(payloads[i]);
        assert_int_equal(chat->rooms(chat->self, "/", user, room), 1);
        rc_buf_rele(room[0]);
        chat->rele(chat->self, user);
    }
}

/* ---- messages ---- */

static void user_reaches_person_and_admins(void **state)
{
    (void)state;
    struct rc_identity *from = ana();
    struct outcome out = send(from, "[\"mensaje_privado\",{\"para\":\"eva\",\"mensaje\":\"hola\"}]");
    assert_int_equal(out.verdict, RC_EVENT_EMIT);
    assert_int_equal(out.emit.n, 2);
    assert_buf(out.emit.room[0], "/,user:eva");
    assert_buf(out.emit.room[1], "/,admins");
    assert_part(out.emit.payload, 0, "2[\"mensaje_recibido\",{\"de\":\"ana\",\"mensaje\":\"hola\"}]");
    assert_row(out.row, "ana", "eva", "\"hola\"");
    assert_false(out.row->de_admin);
    assert_true(out.emit.fecha > 1700000000000);
    done(&out);
    chat->rele(chat->self, from);
}

static void admin_reaches_the_person_alone(void **state)
{
    (void)state;
    struct rc_identity *from = root();
    struct outcome out = send(from, "[\"mensaje_privado\",{\"para\":\"eva\",\"mensaje\":\"hola\"}]");
    assert_int_equal(out.verdict, RC_EVENT_EMIT);
    assert_int_equal(out.emit.n, 1);
    assert_buf(out.emit.room[0], "/,user:eva");
    assert_true(out.row->de_admin);
    done(&out);
    chat->rele(chat->self, from);
}

static void sender_is_who_the_token_says(void **state)
{
    (void)state;
    relays("[\"mensaje_privado\",{\"de\":\"root\",\"user\":\"root\",\"rol\":\"admin\",\"para\":\"eva\",\"mensaje\":1}]",
           "2[\"mensaje_recibido\",{\"de\":\"ana\",\"mensaje\":1}]", "1");
}

static void relays_mensaje_byte_for_byte(void **state)
{
    (void)state;
    static const char *const values[] = {"\"mañana \\u00f1 \\/ \\ud800\"",
                                         "123456789012345678901234567890",
                                         "-0.0",
                                         "null",
                                         "false",
                                         "[ ]",
                                         "{ \"a\" : [1 , 2],\"a\":{}, \"__proto__\":1 }",
                                         "{\"_placeholder\":true,\"num\":0}",
                                         "\"\\u0000\\u2028\""};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char json[256];
        char packet[256];
        snprintf(json, sizeof json, "[ \"mensaje_privado\" , {\"mensaje\" : %s ,\"para\":\"eva\"} , 7 ]", values[i]);
        snprintf(packet, sizeof packet, "2[\"mensaje_recibido\",{\"de\":\"ana\",\"mensaje\":%s}]", values[i]);
        relays(json, packet, values[i]);
    }
}

static void absent_mensaje_stays_absent(void **state)
{
    (void)state;
    relays("[\"mensaje_privado\",{\"para\":\"eva\"}]", "2[\"mensaje_recibido\",{\"de\":\"ana\"}]", "null");
}

static void reads_keys_as_javascript_does(void **state)
{
    (void)state;
    /* the last of two counts; escapes are resolved; keys further in or further on are not the payload's */
    relays(
        "[\"mensaje\\u005fprivado\",{\"para\":\"x\",\"mensaje\":1,\"x\":{\"para\":\"y\"},\"p\\u0061ra\":\"e\\u0076a\","
        "\"mensaje\":2},{\"para\":\"z\",\"mensaje\":3}]",
        "2[\"mensaje_recibido\",{\"de\":\"ana\",\"mensaje\":2}]", "2");
}

static void escapes_the_sender(void **state)
{
    (void)state;
    struct rc_identity *from = person("{\"user\":\"a\\\"\\\\\\u0001\"}");
    struct outcome out = send(from, "[\"mensaje_privado\",{\"para\":\"eva\",\"mensaje\":1}]");
    assert_part(out.emit.payload, 0, "2[\"mensaje_recibido\",{\"de\":\"a\\\"\\\\\\u0001\",\"mensaje\":1}]");
    done(&out);
    chat->rele(chat->self, from);
}

/* ---- namespaces ---- */

/* The same chat in each, with rooms, and packets, of its own. */
static void everything_is_of_the_namespace(void **state)
{
    (void)state;
    static char longest[RC_NSP_MAX + 1];
    memset(longest, 'n', RC_NSP_MAX);
    longest[0] = '/';
    const char *const names[] = {"/soporte", "/a/b", longest};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char user[512], admins[512], packet[512];
        struct rc_buf *room[RC_SOCKET_ROOMS_MAX];
        struct rc_identity *from = ana(), *admin = root();
        nsp = names[i];
        snprintf(user, sizeof user, "%s,user:root", nsp);
        snprintf(admins, sizeof admins, "%s,admins", nsp);
        snprintf(packet, sizeof packet, "2%s,[\"mensaje_recibido\",{\"de\":\"ana\",\"mensaje\":1}]", nsp);
        assert_int_equal(chat->rooms(chat->self, nsp, admin, room), 2);
        assert_buf(room[0], user);
        assert_buf(room[1], admins);
        rc_buf_rele(room[0]);
        rc_buf_rele(room[1]);
        struct outcome out = send(from, "[\"mensaje_privado\",{\"para\":\"root\",\"mensaje\":1}]");
        assert_int_equal(out.emit.n, 2); /* room 0 is the `except` of room 1 */
        assert_buf(out.emit.room[0], user);
        assert_buf(out.emit.room[1], admins);
        assert_part(out.emit.payload, 0, packet);
        assert_row(out.row, "ana", "root", "1");
        done(&out);
        chat->rele(chat->self, from);
        chat->rele(chat->self, admin);
    }
    nsp = "/";
}

/* ---- binary ---- */

#define P(n) "{\"_placeholder\":true,\"num\":" #n "}"

static void binary_goes_on_and_is_stored_as_base64(void **state)
{
    (void)state;
    struct rc_identity *from = ana();
    struct rc_buf *attachment[] = {rc_buf_copy("nobody's", 8), rc_buf_copy("two", 3), rc_buf_copy("one", 3)};
    struct outcome out = send_binary(
        from, "[\"mensaje_privado\",{\"x\":" P(0) ",\"para\":\"eva\",\"mensaje\":[" P(2) ",{\"y\":" P(1) "}]}]",
        attachment, 3);
    assert_int_equal(out.verdict, RC_EVENT_EMIT);
    assert_part(out.emit.payload, 0,
                "52-[\"mensaje_recibido\",{\"de\":\"ana\",\"mensaje\":[" P(0) ",{\"y\":" P(1) "}]}]");
    assert_part(out.emit.payload, 1, "one");
    assert_part(out.emit.payload, 2, "two");
    assert_row(out.row, "ana", "eva", "[{\"base64\":\"b25l\"},{\"y\":{\"base64\":\"dHdv\"}}]");
    done(&out);
    chat->rele(chat->self, from);
    for (int i = 0; i < 3; i++) {
        rc_buf_rele(attachment[i]);
    }
}

static void binary_that_is_not_in_mensaje_is_dropped(void **state)
{
    (void)state;
    struct rc_identity *from = ana();
    struct rc_buf *attachment[] = {rc_buf_copy("nobody's", 8)};
    struct outcome out =
        send_binary(from, "[\"mensaje_privado\",{\"x\":" P(0) ",\"para\":\"eva\",\"mensaje\":7}]", attachment, 1);
    assert_part(out.emit.payload, 0, "2[\"mensaje_recibido\",{\"de\":\"ana\",\"mensaje\":7}]");
    done(&out);
    out = send_binary(from, "[\"mensaje_privado\",{\"para\":" P(0) ",\"mensaje\":7}]", attachment, 1);
    assert_int_equal(out.verdict, RC_EVENT_REFUSE);
    chat->rele(chat->self, from);
    rc_buf_rele(attachment[0]);
}

static void stored_size_is_bounded(void **state)
{
    (void)state;
    struct rc_identity *from = ana();
    struct rc_buf *attachment[] = {rc_buf_new(RC_CHAT_ROW_MAX / 4 * 3)};
    memset(attachment[0]->data, 0, attachment[0]->len);
    struct outcome out =
        send_binary(from, "[\"mensaje_privado\",{\"para\":\"eva\",\"mensaje\":" P(0) "}]", attachment, 1);
    assert_int_equal(out.verdict, RC_EVENT_REFUSE);
    assert_string_equal(out.reason, "mensaje demasiado grande");
    attachment[0]->len /= 2;
    out = send_binary(from, "[\"mensaje_privado\",{\"para\":\"eva\",\"mensaje\":" P(0) "}]", attachment, 1);
    assert_int_equal(out.verdict, RC_EVENT_EMIT);
    done(&out);
    out = send_binary(from, "[\"mensaje_privado\",{\"para\":\"eva\",\"mensaje\":[" P(0) "," P(0) "," P(0) "]}]",
                      attachment, 1);
    assert_int_equal(out.verdict, RC_EVENT_REFUSE);
    chat->rele(chat->self, from);
    rc_buf_rele(attachment[0]);
}

/* ---- what is refused or ignored ---- */

static void verdict_of(const char *json, enum rc_verdict verdict, const char *reason)
{
    struct rc_identity *from = ana();
    struct outcome out = send(from, json);
    assert_int_equal(out.verdict, verdict);
    if (reason) {
        assert_string_equal(out.reason, reason);
    }
    done(&out);
    chat->rele(chat->self, from);
}

static void refuses_payloads_that_are_no_message(void **state)
{
    (void)state;
    static const char *const payloads[] = {"",
                                           ",null",
                                           ",[]",
                                           ",[\"para\"]",
                                           ",\"para\"",
                                           ",7",
                                           ",true",
                                           ",null,{\"para\":\"eva\"}",
                                           ",[{\"para\":\"eva\"}]"};
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        char json[128];
        snprintf(json, sizeof json, "[\"mensaje_privado\"%s]", payloads[i]);
        verdict_of(json, RC_EVENT_REFUSE, "Se espera un objeto {para, mensaje}");
    }
}

static void refuses_bad_receivers(void **state)
{
    (void)state;
    static const char *const paras[] = {"\"\"",         "7",          "null", "[\"ana\"]", "{\"toString\":1}",
                                        "\"a\\u0000\"", "\"\\ud800\""};
    char json[512];
    verdict_of("[\"mensaje_privado\",{}]", RC_EVENT_REFUSE, "Falta para");
    verdict_of("[\"mensaje_privado\",{\"mensaje\":{\"para\":\"eva\"}}]", RC_EVENT_REFUSE, "Falta para");
    for (size_t i = 0; i < sizeof paras / sizeof *paras; i++) {
        snprintf(json, sizeof json, "[\"mensaje_privado\",{\"para\":%s,\"mensaje\":1}]", paras[i]);
        verdict_of(json, RC_EVENT_REFUSE, "para debe ser un texto de 1 a 128 bytes");
    }
    snprintf(json, sizeof json, "[\"mensaje_privado\",{\"para\":\"%0*d\"}]", RC_USER_MAX, 0);
    verdict_of(json, RC_EVENT_EMIT, NULL);
    snprintf(json, sizeof json, "[\"mensaje_privado\",{\"para\":\"%0*d\"}]", RC_USER_MAX + 1, 0);
    verdict_of(json, RC_EVENT_REFUSE, "para debe ser un texto de 1 a 128 bytes");
}

static void ignores_other_events(void **state)
{
    (void)state;
    verdict_of("[\"mensaje\",{\"para\":\"eva\"}]", RC_EVENT_IGNORE, NULL);
    verdict_of("[\"mensaje_privado2\",{\"para\":\"eva\"}]", RC_EVENT_IGNORE, NULL);
    verdict_of("[\"mensaje_recibido\",{\"para\":\"eva\"}]", RC_EVENT_IGNORE, NULL);
    verdict_of("[7,{\"para\":\"eva\"}]", RC_EVENT_IGNORE, NULL);
}

static void refuses_what_is_nested_too_deep(void **state)
{
    (void)state;
    char json[2048] = "[\"mensaje_privado\",{\"para\":\"eva\",\"mensaje\":";
    size_t at = strlen(json);
    memset(json + at, '[', 600);
    memset(json + at + 600, ']', 600);
    memcpy(json + at + 1200, "}]", 3);
    verdict_of(json, RC_EVENT_REFUSE, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_with_the_original_words),
        cmocka_unit_test(says_when_the_socket_must_end),
        cmocka_unit_test(who_is_known_enters_again_until_the_token_ends),
        cmocka_unit_test(rooms_come_from_the_token),
        cmocka_unit_test(only_admin_is_admin),
        cmocka_unit_test(user_reaches_person_and_admins),
        cmocka_unit_test(admin_reaches_the_person_alone),
        cmocka_unit_test(sender_is_who_the_token_says),
        cmocka_unit_test(relays_mensaje_byte_for_byte),
        cmocka_unit_test(absent_mensaje_stays_absent),
        cmocka_unit_test(reads_keys_as_javascript_does),
        cmocka_unit_test(escapes_the_sender),
        cmocka_unit_test(everything_is_of_the_namespace),
        cmocka_unit_test(binary_goes_on_and_is_stored_as_base64),
        cmocka_unit_test(binary_that_is_not_in_mensaje_is_dropped),
        cmocka_unit_test(stored_size_is_bounded),
        cmocka_unit_test(refuses_payloads_that_are_no_message),
        cmocka_unit_test(refuses_bad_receivers),
        cmocka_unit_test(ignores_other_events),
        cmocka_unit_test(refuses_what_is_nested_too_deep),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
