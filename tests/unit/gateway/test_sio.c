/* Socket.IO connections and sockets between a scripted application, a recorded uplink and fake sessions. */
#include "gateway/sio/sio.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* One client: an Engine.IO session whose transport writes into `sent`. */
struct client {
    struct rc_eio *eio;
    char sent[2048]; /* texts of messages, "|" after each; attachments as <length> */
    bool paused, closed;
    enum rc_close why;
};

static struct rc_wheel wheel;
static rc_gateway_values values;
static struct rc_sio *sio;
static struct client a, b;
static char ups[2048]; /* what was posted, "C1:/,user:x " "D1 " "E1:token " */
static bool up_full;
static int identities; /* held */
static int64_t expires;

/* Application: the cookie is the user; "bad" is refused. Events: `say` goes to the room named by its text, `no` is refused. */

static struct rc_identity *app_hold(void *self, struct rc_identity *identity)
{
    (void)self;
    identities++;
    return (struct rc_identity *)strdup((const char *)identity);
}

static bool app_enter(void *self, const char *nsp, const struct rc_visitor *visitor, const char *auth, size_t auth_len,
                      struct rc_identity **identity, int64_t *until, const char **error)
{
    (void)nsp, (void)auth, (void)auth_len;
    const char *cookie = visitor->cookie;
    assert_int_equal(visitor->cookie_len, cookie ? strlen(cookie) : 0);
    *until = expires;
    *error = "No autenticado";
    if (visitor->known) {
        assert_null(cookie); /* it is not kept when it is not needed any more */
        *identity = app_hold(self, visitor->known);
        return true;
    }
    if (!cookie || strcmp(cookie, "bad") == 0)
        return false;
    *identity = (struct rc_identity *)strdup(cookie);
    identities++;
    return true;
}

static void app_rele(void *self, struct rc_identity *identity)
{
    (void)self;
    identities -= identity != NULL;
    free(identity);
}

static unsigned app_rooms(void *self, const char *nsp, const struct rc_identity *identity, struct rc_buf **room)
{
    char key[64];
    (void)self;
    int n = snprintf(key, sizeof(key), "%s,user:%s", nsp, (const char *)identity);
    room[0] = rc_buf_copy(key, (size_t)n);
    room[1] = rc_buf_copy("/,all", 5);
    return 2;
}

static struct rc_buf *app_greet(void *self, const char *nsp, const struct rc_identity *identity)
{
    (void)self, (void)identity;
    return rc_payload_event(nsp, "[\"welcome\"]", 11, NULL, 0);
}

static enum rc_verdict app_event(void *self, const struct rc_identity *identity, const struct rc_event *event,
                                 struct rc_emit *emit, struct rc_reply *reply, const char **reason)
{
    (void)self, (void)identity;
    if (strncmp(event->json, "[\"no\"", 5) == 0) {
        *reason = "no means no";
        return RC_EVENT_REFUSE;
    }
    if (strncmp(event->json, "[\"echo\"", 7) == 0) {
        reply->ack = rc_payload_ack(event->nsp, event->id, "[]", 2, event->attachment, event->attachments);
        return RC_EVENT_ANSWER;
    }
    if (strncmp(event->json, "[\"say\"", 6) != 0)
        return RC_EVENT_IGNORE;
    emit->payload = rc_payload_event(event->nsp, event->json, event->json_len, event->attachment, event->attachments);
    emit->n = 1;
    emit->room[0] = rc_buf_copy("/,all", 5);
    return RC_EVENT_EMIT;
}

static struct rc_app app = {NULL, app_enter, app_hold, app_rele, app_rooms, NULL, app_event};

/* Uplink */

static bool post(void *host, struct rc_up *up)
{
    char *at = ups + strlen(ups);
    size_t size = sizeof(ups) - strlen(ups);
    unsigned number = (unsigned)(up->socket & 0xFFFF);
    assert_ptr_equal(host, &a);
    assert_int_equal(RC_SOCKET_WORKER(up->socket), 3);
    if (up_full && up->kind != RC_UP_DISCONNECT)
        return false;
    if (up->kind == RC_UP_CONNECT) {
        snprintf(at, size, "C%u:%.*s ", number, (int)up->room[0]->len, (const char *)up->room[0]->data);
        for (unsigned i = 0; i < up->rooms; i++)
            rc_buf_rele(up->room[i]);
    } else if (up->kind == RC_UP_EMIT) {
        snprintf(at, size, "E%u:%u:%d ", number, (unsigned)up->emit.token, up->emit.wants_ack);
        assert_int_equal(up->emit.socket, up->socket);
        rc_buf_rele(up->emit.payload);
        rc_buf_rele(up->emit.room[0]);
    } else {
        snprintf(at, size, "D%u ", number);
    }
    return true;
}

static void down(enum rc_down_kind kind, unsigned number, struct rc_down rest)
{
    rest.kind = kind;
    rest.socket = (uint64_t)3 << 48 | number;
    rc_sio_down(sio, &rest);
}

static void opened(unsigned number)
{
    down(RC_DOWN_OPENED, number, (struct rc_down){0});
}

/* Transport */

static void on_packet(void *transport, const char *text)
{
    (void)transport, (void)text;
}

static void on_message(void *transport, struct rc_outgoing *out)
{
    struct client *client = transport;
    struct rc_part part;
    for (size_t at = 0; rc_payload_next(out->payload, &at, &part);) {
        size_t end = strlen(client->sent);
        if (part.text)
            snprintf(client->sent + end, sizeof(client->sent) - end, "%.*s|", (int)part.len, (const char *)part.data);
        else
            snprintf(client->sent + end, sizeof(client->sent) - end, "<%zu>|", part.len);
    }
}

static void on_pause(void *transport, bool stop)
{
    ((struct client *)transport)->paused = stop;
}

static void on_close(void *transport, enum rc_close why)
{
    struct client *client = transport;
    client->closed = true;
    client->why = why;
}

static const struct rc_eio_transport transport = {false, on_packet, on_message, on_pause, on_close};
static struct rc_eio_server *eio_server;

static void begin(struct client *client, const char *cookie)
{
    *client = (struct client){0};
    client->eio = rc_eio_open(eio_server, &transport, client, cookie);
}

static void end(struct client *client)
{
    if (client->eio)
        rc_eio_gone(client->eio, client->closed ? client->why : RC_CLOSE_PEER);
    client->eio = NULL;
}

static void say(struct client *client, const char *text)
{
    char packet[512];
    snprintf(packet, sizeof(packet), "4%s", text);
    rc_eio_text(client->eio, packet, strlen(packet));
}

static bool heard(struct client *client, const char *text)
{
    bool same = strstr(client->sent, text) != NULL;
    if (!same)
        print_error("wanted %s in %s\n", text, client->sent);
    client->sent[0] = 0;
    return same;
}

static bool posted(const char *text)
{
    bool same = strcmp(ups, text) == 0;
    if (!same)
        print_error("wanted %s, posted %s\n", text, ups);
    ups[0] = 0;
    return same;
}

static int setup(void **state)
{
    static const char *const nsp[] = {"/", "/custom", NULL};
    (void)state;
    rc_wheel_init(&wheel, 0);
    memset(values, 0, sizeof(values));
    ups[0] = 0;
    up_full = false;
    expires = 0;
    sio = rc_sio_new(&(struct rc_sio_config){.worker = 3,
                                             .connect_timeout = 45000 * RC_MS,
                                             .nsp = nsp,
                                             .app = &app,
                                             .uplink = {&a, post},
                                             .wheel = &wheel,
                                             .values = values});
    eio_server = rc_eio_server_new(&(struct rc_eio_config){.ping_interval = 1000000 * RC_MS,
                                                           .ping_timeout = 1000000 * RC_MS,
                                                           .max_payload = 1000,
                                                           .wheel = &wheel,
                                                           .values = values,
                                                           .user = &rc_sio_user,
                                                           .host = sio});
    begin(&a, "ana");
    begin(&b, "bob");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    end(&a);
    end(&b);
    assert_int_equal(identities, 0);
    assert_int_equal(values[GM_SOCKETS], 0);
    rc_eio_server_free(eio_server);
    rc_sio_free(sio);
    return 0;
}

static void deliver(const char *room, const char *except, const char *text)
{
    struct rc_msg msg = {.room = rc_buf_copy(room, strlen(room)),
                         .except = except ? rc_buf_copy(except, strlen(except)) : NULL,
                         .payload = rc_payload_text(text, strlen(text))};
    rc_sio_deliver(sio, &msg);
    rc_msg_rele(&msg);
}

static void test_connect_is_asynchronous(void **state)
{
    (void)state;
    say(&a, "0{\"k\":1}");
    assert_true(posted("C1:/,user:ana "));
    deliver("/,user:ana", NULL, "2[\"early\"]"); /* not a member before OPENED */
    assert_string_equal(a.sent, "");
    opened(1);
    assert_memory_equal(a.sent, "0{\"sid\":\"", 9);
    assert_true(heard(&a, "\"}|")); /* the answer comes before the first event */
    deliver("/,user:ana", NULL, "2[\"hi\"]");
    assert_string_equal(a.sent, "2[\"hi\"]|");
    opened(1); /* twice changes nothing */
    assert_string_equal(a.sent, "2[\"hi\"]|");
    end(&a);
    assert_true(posted("D1 "));
}

static void test_refusals(void **state)
{
    (void)state;
    struct client bad, none;
    begin(&bad, "bad");
    begin(&none, NULL);
    say(&bad, "0");
    assert_string_equal(bad.sent, "4{\"message\":\"No autenticado\"}|");
    say(&none, "0/custom,");
    assert_string_equal(none.sent, "4/custom,{\"message\":\"No autenticado\"}|");
    say(&none, "0/x?q=1,{}");
    assert_true(heard(&none, "4/x,{\"message\":\"Invalid namespace\"}|"));
    assert_false(bad.closed || none.closed);
    assert_int_equal(values[GM_CONNECTS_REFUSED], 3);
    rc_wheel_advance(&wheel, 46000 * RC_MS); /* the engine stays open until then */
    assert_int_equal(bad.why, RC_CLOSE_CONNECT_TIMEOUT);
    end(&bad);
    end(&none);
    assert_true(posted("")); /* the link loop never heard of them */
}

static void test_connect_timeout_ends_with_connect(void **state)
{
    (void)state;
    say(&a, "0");
    opened(1);
    rc_wheel_advance(&wheel, 46000 * RC_MS);
    assert_false(a.closed);
    assert_true(b.closed);
}

static void connect(struct client *client, const char *cookie)
{
    begin(client, cookie);
    say(client, "0");
}

/* A handshake is counted until it is over, at whatever stage that is, and each only once. */
static void test_handshakes_are_counted(void **state)
{
    (void)state;
    struct client c;
    assert_int_equal(values[GM_HANDSHAKES], 2); /* a and b */
    end(&a);
    assert_int_equal(values[GM_HANDSHAKES], 1); /* left without a word */
    connect(&a, "ana");
    assert_int_equal(values[GM_HANDSHAKES], 2); /* waits for its rooms */
    opened(1);
    assert_int_equal(values[GM_HANDSHAKES], 1);
    say(&a, "0/custom,");
    assert_int_equal(values[GM_HANDSHAKES], 1); /* a second namespace is no handshake */
    end(&a);
    assert_int_equal(values[GM_HANDSHAKES], 1);
    connect(&c, "cid");
    end(&c); /* left while its rooms were on their way */
    connect(&c, "bad");
    assert_int_equal(values[GM_HANDSHAKES], 2); /* refused, and may try again */
    end(&c);
    up_full = true;
    connect(&c, "dan");
    assert_true(c.closed);
    end(&c);
    end(&b);
    assert_int_equal(values[GM_HANDSHAKES], 0);
}

static void test_who_takes_its_time_is_no_handshake(void **state)
{
    (void)state;
    say(&a, "0");
    rc_wheel_advance(&wheel, RC_SIO_HASTE_US + RC_WHEEL_TICK);
    assert_int_equal(values[GM_HANDSHAKES], 1); /* a, whose rooms are still asked for */
    say(&b, "0");
    opened(2);
    assert_int_equal(values[GM_HANDSHAKES], 1);
    opened(1);
    assert_int_equal(values[GM_HANDSHAKES], 0);
    rc_wheel_advance(&wheel, 46000 * RC_MS);
    assert_false(a.closed || b.closed);
}

static void test_namespaces(void **state)
{
    (void)state;
    say(&a, "0");
    say(&a, "0/custom,");
    assert_true(posted("C1:/,user:ana C2:/custom,user:ana "));
    opened(1);
    opened(2);
    a.sent[0] = 0;
    deliver("/custom,user:ana", NULL, "2/custom,[\"x\"]");
    assert_string_equal(a.sent, "2/custom,[\"x\"]|");
    say(&a, "1/custom,");
    assert_true(posted("D2 "));
    a.sent[0] = 0;
    deliver("/custom,user:ana", NULL, "2/custom,[\"x\"]");
    assert_string_equal(a.sent, "");
    say(&a, "0/custom,"); /* again: a new number */
    assert_true(posted("C3:/custom,user:ana "));
    end(&a); /* each CONNECT has one DISCONNECT, answered or not */
    assert_true(strstr(ups, "D1 ") && strstr(ups, "D3 ") && strlen(ups) == 6);
}

static void test_events_and_acks(void **state)
{
    (void)state;
    say(&a, "0");
    opened(1);
    a.sent[0] = 0;
    say(&a, "27[\"no\",1]");
    assert_true(heard(&a, "37[{\"error\":\"no means no\"}]|"));
    say(&a, "2[\"no\"]");
    say(&a, "28[\"unknown\"]");
    say(&a, "2");
    say(&a, "2[7]");
    say(&a, "312[]");
    assert_string_equal(a.sent, "");
    assert_int_equal(values[GM_EVENTS_REFUSED], 2);
    assert_int_equal(values[GM_EVENTS_IGNORED], 3);
    assert_int_equal(values[GM_ACKS_IGNORED], 1);
    ups[0] = 0;
    say(&a, "29[\"say\",\"x\"]");
    say(&a, "2[\"say\",\"y\"]");
    assert_true(posted("E1:19:1 E1:0:0 "));
    assert_string_equal(a.sent, "");
    down(RC_DOWN_RESULT, 1, (struct rc_down){.token = 19, .outcome = RC_OUTCOME_OK});
    assert_true(heard(&a, "39[{\"ok\":true}]|"));
    down(RC_DOWN_RESULT, 1, (struct rc_down){.token = 19, .outcome = RC_OUTCOME_UNKNOWN});
    assert_true(heard(&a, "39[{\"error\":\"unknown outcome: not confirmed in time\"}]|"));
    down(RC_DOWN_RESULT, 1, (struct rc_down){.token = 19, .outcome = RC_OUTCOME_NOT_STORED});
    assert_true(heard(&a, "39[{\"error\":\"not stored\"}]|"));
    down(RC_DOWN_RESULT, 1, (struct rc_down){.token = 19, .outcome = RC_OUTCOME_BUSY});
    assert_true(heard(&a, "39[{\"error\":\"busy\"}]|"));
    down(RC_DOWN_RESULT, 1, (struct rc_down){.token = 0, .outcome = RC_OUTCOME_OK});
    assert_string_equal(a.sent, "");
    assert_false(a.closed);
    down(RC_DOWN_RESULT, 1, (struct rc_down){.token = 0, .outcome = RC_OUTCOME_BUSY});
    assert_int_equal(a.why, RC_CLOSE_BUSY); /* nobody asked, so this is how the client learns of it */
}

static void test_full_uplink(void **state)
{
    (void)state;
    say(&a, "0");
    opened(1);
    a.sent[0] = 0;
    up_full = true;
    say(&a, "25[\"say\"]");
    assert_true(heard(&a, "35[{\"error\":\"busy\"}]|"));
    assert_false(a.closed);
    say(&a, "2[\"say\"]");
    assert_int_equal(a.why, RC_CLOSE_BUSY);
    say(&b, "0");
    assert_int_equal(b.why, RC_CLOSE_BUSY);
    ups[0] = 0;
    end(&b);
    assert_true(posted("")); /* its CONNECT was not taken */
}

static void test_binary(void **state)
{
    (void)state;
    say(&a, "0");
    opened(1);
    a.sent[0] = 0;
    say(&a, "52-4[\"echo\",{\"_placeholder\":true,\"num\":1}]");
    rc_eio_binary(a.eio, (const uint8_t *)"abc", 3);
    assert_string_equal(a.sent, "");
    rc_eio_binary(a.eio, (const uint8_t *)"", 0);
    assert_string_equal(a.sent, "62-4[]|<3>|<0>|");
    say(&a, "51-[\"echo\"]"); /* and a connection that ends in between */
}

static void expect_closed(const char *first, const char *second)
{
    struct client client;
    begin(&client, "eve");
    say(&client, "0");
    char *at = strrchr(ups, 'C');
    opened((unsigned)atoi(at + 1));
    if (*first)
        say(&client, first);
    if (second)
        say(&client, second);
    if (!client.closed)
        print_error("still open after %s\n", first);
    assert_true(client.closed);
    assert_int_equal(client.why, RC_CLOSE_SIO_PACKET);
    end(&client);
}

static void test_malformed_packets_close(void **state)
{
    (void)state;
    expect_closed("9", NULL);
    expect_closed("2{}", NULL);
    expect_closed("2[\"connect\"]", NULL);
    expect_closed("0", NULL);                /* second CONNECT */
    expect_closed("2/custom,[\"a\"]", NULL); /* not joined */
    expect_closed("1/custom,", NULL);
    expect_closed("51-/custom,[\"a\"]", NULL); /* before any attachment is held */
    expect_closed("4{}", NULL);
    expect_closed("51-[\"a\"]", "2[\"a\"]");        /* text while attachments are due */
    expect_closed("0/custom,", "2/custom,[\"a\"]"); /* not yet connected */
    rc_eio_binary(b.eio, (const uint8_t *)"x", 1);
    assert_int_equal(b.why, RC_CLOSE_SIO_PACKET);
}

static void test_fan_out(void **state)
{
    (void)state;
    say(&a, "0");
    say(&b, "0");
    opened(1);
    opened(2);
    a.sent[0] = b.sent[0] = 0;
    deliver("/,all", NULL, "2[1]");
    assert_string_equal(a.sent, "2[1]|");
    assert_string_equal(b.sent, "2[1]|");
    deliver("/,all", "/,user:ana", "2[2]");
    assert_string_equal(a.sent, "2[1]|");
    assert_string_equal(b.sent, "2[1]|2[2]|");
    deliver("/,all", "/,user:nobody", "2[3]");
    deliver("/,none", NULL, "2[4]");
    assert_string_equal(a.sent, "2[1]|2[3]|");
    assert_int_equal(values[GM_COPIES_OUT], 5);
    struct rc_msg msg = {.room = rc_buf_copy("/,all", 5), .payload = rc_buf_copy("garbage", 7)};
    assert_int_equal(rc_sio_deliver(sio, &msg), 0);
    assert_int_equal(values[GM_DELIVERIES_MALFORMED], 1);
    rc_msg_rele(&msg);
}

static void test_pause(void **state)
{
    (void)state;
    say(&a, "0");
    say(&a, "0/custom,");
    opened(1);
    opened(2);
    down(RC_DOWN_PAUSE, 1, (struct rc_down){.stop = true});
    down(RC_DOWN_PAUSE, 2, (struct rc_down){.stop = true});
    down(RC_DOWN_PAUSE, 1, (struct rc_down){.stop = false});
    assert_true(a.paused); /* the other one still wants it */
    down(RC_DOWN_PAUSE, 2, (struct rc_down){.stop = false});
    assert_false(a.paused);
    down(RC_DOWN_PAUSE, 77, (struct rc_down){.stop = true}); /* unknown: ignored */
}

static void test_ends(void **state)
{
    (void)state;
    say(&a, "0");
    say(&b, "0");
    down(RC_DOWN_CLOSED, 1, (struct rc_down){.end = RC_SOCKET_TIMEOUT});
    assert_int_equal(a.why, RC_CLOSE_ROOMS_TIMEOUT);
    rc_sio_close_all(sio, RC_CLOSE_FENCED);
    assert_int_equal(b.why, RC_CLOSE_FENCED);
    assert_string_equal(b.sent, ""); /* no DISCONNECT packet: the client connects again by itself */
    end(&a);
    end(&b);
    assert_true(posted("C1:/,user:ana C2:/,user:bob D1 D2 "));
}

static void test_greeting(void **state)
{
    (void)state;
    app.greet = app_greet;
    expires = rc_clock_wall_ms() / 1000 + 100;
    say(&a, "0/custom,{\"k\":1}");
    opened(1);
    assert_null(strstr(a.sent, "welcome")); /* a write of its own */
    rc_wheel_advance(&wheel, RC_SIO_GREET_US);
    assert_true(heard(&a, "2/custom,[\"welcome\"]|"));
    rc_wheel_advance(&wheel, 99000 * RC_MS);
    assert_int_equal(a.why, 0);
    rc_wheel_advance(&wheel, 101000 * RC_MS);
    assert_int_equal(a.why, RC_CLOSE_TOKEN_EXPIRED);
    app.greet = NULL;
}

static void test_token_expiry(void **state)
{
    (void)state;
    expires = rc_clock_wall_ms() / 1000 + 100;
    say(&a, "0");
    opened(1);
    expires = INT64_MAX;
    say(&b, "0");
    opened(2);
    rc_wheel_advance(&wheel, 95000 * RC_MS);
    assert_false(a.closed);
    rc_wheel_advance(&wheel, 101000 * RC_MS);
    assert_int_equal(a.why, RC_CLOSE_TOKEN_EXPIRED);
    assert_false(b.closed);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_connect_is_asynchronous),
        TEST(test_refusals),
        TEST(test_connect_timeout_ends_with_connect),
        TEST(test_handshakes_are_counted),
        TEST(test_who_takes_its_time_is_no_handshake),
        TEST(test_namespaces),
        TEST(test_events_and_acks),
        TEST(test_full_uplink),
        TEST(test_binary),
        TEST(test_malformed_packets_close),
        TEST(test_fan_out),
        TEST(test_pause),
        TEST(test_ends),
        TEST(test_greeting),
        TEST(test_token_expiry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
