/* Only who holds the cluster secret gets through, and nothing recorded can be played again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "link/handshake.h"

#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char key_1[32] = "0123456789abcdef0123456789abcdef", key_2[32] = "0123456789abcdef0123456789abcdeF";
static const struct rc_secret right = {key_1, sizeof key_1}, wrong = {key_2, sizeof key_2};
static const struct rc_peer gateway = {
    .role = RC_GATEWAY, .id = "gateway-1", .inc = 7, .link = "127.0.0.1:7400", .admin = "127.0.0.1:1"};
static const struct rc_peer broker = {
    .role = RC_BROKER, .id = "broker-1", .inc = 9, .weight = 1, .topic = "[::1]:7411"};

struct pair {
    struct rc_handshake a, b; /* dialler, listener */
};

static void begin(struct pair *p, const struct rc_secret *sa, const struct rc_secret *sb)
{
    rc_handshake_dial(&p->a, &gateway, sa);
    rc_handshake_accept(&p->b, &broker, sb);
}

static enum rc_hs_step to_b(struct pair *p)
{
    return rc_handshake_input(&p->b, p->a.out, p->a.out_len);
}

static enum rc_hs_step to_a(struct pair *p)
{
    return rc_handshake_input(&p->a, p->b.out, p->b.out_len);
}

static void prove(struct pair *p)
{
    begin(p, &right, &right);
    assert_int_equal(to_b(p), RC_HS_MORE);
    assert_int_equal(to_a(p), RC_HS_MORE);
    assert_int_equal(to_b(p), RC_HS_PROVEN);
    assert_int_equal(p->b.out_len, 0);
}

static void same_peer(const struct rc_peer *a, const struct rc_peer *b)
{
    assert_int_equal(a->role, b->role);
    assert_string_equal(a->id, b->id);
    assert_int_equal(a->inc, b->inc);
    assert_int_equal(a->weight, b->weight);
    assert_string_equal(a->link, b->link);
    assert_string_equal(a->admin, b->admin);
    assert_string_equal(a->topic, b->topic);
}

static void both_prove_themselves(void **state)
{
    (void)state;
    struct pair p;
    prove(&p);
    same_peer(&p.b.peer, &gateway);
    rc_handshake_answer(&p.b, RC_HELLO_OK, 0, 4711, RC_FIT);
    assert_int_equal(to_a(&p), RC_HS_OK);
    same_peer(&p.a.peer, &broker);
    assert_int_equal(p.a.session, 4711);
    assert_int_equal(p.a.state, RC_FIT);
}

static void longest_names_fit(void **state)
{
    (void)state;
    struct pair p;
    struct rc_peer a = gateway, b = broker;
    memset(a.id, 'a', RC_ID_MAX);
    memset(b.id, 'b', RC_ID_MAX);
    for (int i = 0; i < 6; i++) {
        char *text[] = {a.link, a.admin, a.topic, b.link, b.admin, b.topic};
        memset(text[i], 'h', RC_ADDR_MAX);
        memcpy(text[i] + RC_ADDR_MAX - 6, ":65535", 7);
    }
    rc_handshake_dial(&p.a, &a, &right);
    rc_handshake_accept(&p.b, &b, &right);
    assert_int_equal(to_b(&p), RC_HS_MORE);
    assert_int_equal(to_a(&p), RC_HS_MORE);
    assert_int_equal(to_b(&p), RC_HS_PROVEN);
    same_peer(&p.b.peer, &a);
}

static void refusals_reach_the_dialler(void **state)
{
    (void)state;
    static const struct {
        enum rc_hello verdict;
        enum rc_why why;
    } of[] = {{RC_HELLO_OLD, RC_WHY_OLD}, {RC_HELLO_TWIN, RC_WHY_TWIN}, {RC_HELLO_UNKNOWN, RC_WHY_UNKNOWN}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        struct pair p;
        prove(&p);
        rc_handshake_answer(&p.b, of[i].verdict, 12, 0, RC_UNFIT);
        assert_int_equal(to_a(&p), RC_HS_NO);
        assert_int_equal(p.a.reason, of[i].verdict);
        assert_int_equal(p.a.why, of[i].why);
        assert_int_equal(p.a.known_inc, of[i].verdict == RC_HELLO_OLD ? 12 : 0);
    }
}

/* Both sides learn that it is the secret: the listener by HELLO's mac, the dialler by the mac of the refusal. */
static void wrong_secret_is_named_on_both_sides(void **state)
{
    (void)state;
    struct pair p;
    begin(&p, &wrong, &right);
    assert_int_equal(to_b(&p), RC_HS_FAIL);
    assert_int_equal(p.b.why, RC_WHY_SECRET);
    assert_true(p.b.out_len > 0);
    assert_int_equal(to_a(&p), RC_HS_FAIL);
    assert_int_equal(p.a.why, RC_WHY_SECRET);
}

static void replay_proves_nothing(void **state)
{
    (void)state;
    struct pair old, now;
    uint8_t hello[RC_HS_FRAME_MAX], proof[RC_HS_FRAME_MAX];
    begin(&old, &right, &right);
    size_t hello_len = old.a.out_len;
    memcpy(hello, old.a.out, hello_len);
    assert_int_equal(to_b(&old), RC_HS_MORE);
    assert_int_equal(to_a(&old), RC_HS_MORE);
    size_t proof_len = old.a.out_len;
    memcpy(proof, old.a.out, proof_len);

    begin(&now, &right, &right);
    assert_int_equal(rc_handshake_input(&now.b, hello, hello_len), RC_HS_MORE);
    assert_int_equal(rc_handshake_input(&now.b, proof, proof_len), RC_HS_FAIL);
    assert_int_equal(now.b.why, RC_WHY_PROOF);
    assert_int_equal(now.b.out_len, 0);

    begin(&now, &right, &right); /* the proof alone */
    assert_int_equal(rc_handshake_input(&now.b, proof, proof_len), RC_HS_FAIL);
    begin(&now, &right, &right); /* a hello twice */
    assert_int_equal(rc_handshake_input(&now.b, hello, hello_len), RC_HS_MORE);
    assert_int_equal(rc_handshake_input(&now.b, hello, hello_len), RC_HS_FAIL);
}

/* An old answer of the listener, played to a new hello. */
static void answers_belong_to_one_hello(void **state)
{
    (void)state;
    struct pair old, now;
    prove(&old);
    begin(&now, &right, &right);
    rc_handshake_answer(&old.b, RC_HELLO_OLD, 99, 0, RC_UNFIT);
    assert_int_equal(rc_handshake_input(&now.a, old.b.out, old.b.out_len), RC_HS_FAIL);
    begin(&now, &right, &right);
    rc_handshake_answer(&old.b, RC_HELLO_OK, 0, 5, RC_OPEN);
    assert_int_equal(rc_handshake_input(&now.a, old.b.out, old.b.out_len), RC_HS_FAIL);
    begin(&now, &right, &right);
    assert_int_equal(to_b(&now), RC_HS_MORE);
    assert_int_equal(to_a(&now), RC_HS_MORE);
    assert_int_equal(rc_handshake_input(&now.a, old.b.out, old.b.out_len), RC_HS_FAIL);
    assert_int_equal(now.a.why, RC_WHY_PROOF);
}

/* Each byte of each frame is covered by a mac, or by nothing that matters. */
static void changed_bytes_never_open(void **state)
{
    (void)state;
    for (int frame = 0; frame < 4; frame++) {
        size_t len = 1;
        for (size_t at = 0; at < len; at++) {
            struct pair p;
            begin(&p, &right, &right);
            struct rc_handshake *from = frame % 2 ? &p.b : &p.a;
            if (frame > 0)
                to_b(&p);
            if (frame > 1)
                to_a(&p);
            if (frame > 2) {
                to_b(&p);
                rc_handshake_answer(&p.b, RC_HELLO_OK, 0, 5, RC_OPEN);
            }
            len = from->out_len;
            from->out[at] ^= 0x10;
            assert_int_equal(frame % 2 ? to_a(&p) : to_b(&p), RC_HS_FAIL);
        }
        assert_true(len > 30);
    }
}

static size_t put_u64(uint8_t *to, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        to[i] = (uint8_t)(v >> (56 - 8 * i));
    return 8;
}

static size_t put_text(uint8_t *to, const void *bytes, size_t len)
{
    memcpy(to + put_u64(to, len), bytes, len);
    return 8 + len;
}

/* A hello of the next version, sealed by hand as roomcast.proto lays it out. */
static size_t hello_of_the_next_version(const struct rc_handshake *h, uint8_t *out)
{
    uint8_t in[600] = "hello", mac[32];
    size_t n = 6;
    n += put_u64(in + n, RC_HS_VERSION + 1);
    n += put_u64(in + n, RC_GATEWAY);
    n += put_text(in + n, "g", 1);
    n += put_u64(in + n, 7); /* incarnation */
    n += put_u64(in + n, 0); /* weight */
    for (int i = 0; i < 3; i++)
        n += put_text(in + n, "", 0); /* link, admin, topic */
    n += put_text(in + n, h->nonce_a, RC_HS_NONCE);
    HMAC(EVP_sha256(), key_1, sizeof key_1, in, n, mac, NULL);
    uint8_t head[] = {0x0a, 63, 0x08, RC_HS_VERSION + 1, 0x12, 7, 0x08, 1, 0x12, 1, 'g', 0x18, 7, 0x1a, 16};
    memcpy(out, head, sizeof head);
    n = sizeof head;
    memcpy(out + n, h->nonce_a, RC_HS_NONCE);
    n += RC_HS_NONCE;
    out[n++] = 0x22;
    out[n++] = 32;
    memcpy(out + n, mac, 32);
    n += 32;
    out[1] = (uint8_t)(n - 2);
    return n;
}

static void other_versions_are_told(void **state)
{
    (void)state;
    struct pair p;
    begin(&p, &right, &right);
    p.a.out_len = hello_of_the_next_version(&p.a, p.a.out);
    assert_int_equal(to_b(&p), RC_HS_FAIL);
    assert_int_equal(p.b.why, RC_WHY_VERSION);
    assert_int_equal(to_a(&p), RC_HS_FAIL);
    assert_int_equal(p.a.why, RC_WHY_VERSION);
}

static void forged_refusals_fail(void **state)
{
    (void)state;
    struct pair p;
    begin(&p, &right, &right);
    uint8_t forged[] = {0x2a, 2, 0x08, 1}; /* Frame{hello_no{reason: OLD}} without a mac */
    assert_int_equal(rc_handshake_input(&p.a, forged, sizeof forged), RC_HS_FAIL);
    assert_int_equal(p.a.why, RC_WHY_SECRET);
}

static void garbage_fails(void **state)
{
    (void)state;
    uint8_t bytes[300];
    srand(2);
    for (int i = 0; i < 20000; i++) {
        struct pair p;
        begin(&p, &right, &right);
        size_t len = (size_t)rand() % sizeof bytes;
        for (size_t at = 0; at < len; at++)
            bytes[at] = (uint8_t)rand();
        if (len > 1 && i % 2)
            bytes[0] = (uint8_t)((1 + rand() % 6) << 3 | 2);
        assert_int_equal(rc_handshake_input(&p.a, bytes, len), RC_HS_FAIL);
        assert_int_equal(rc_handshake_input(&p.b, bytes, len), RC_HS_FAIL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_prove_themselves),      cmocka_unit_test(longest_names_fit),
        cmocka_unit_test(refusals_reach_the_dialler), cmocka_unit_test(wrong_secret_is_named_on_both_sides),
        cmocka_unit_test(replay_proves_nothing),      cmocka_unit_test(answers_belong_to_one_hello),
        cmocka_unit_test(changed_bytes_never_open),   cmocka_unit_test(other_versions_are_told),
        cmocka_unit_test(forged_refusals_fail),       cmocka_unit_test(garbage_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
