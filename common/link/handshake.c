/* Proving to each other that both ends of a new connection hold the cluster secret. */
#include "link/handshake.h"

#include "brokers.h"
#include "clock.h"
#include "link/wire.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <string.h>

#define MAC   32   /* bytes of HMAC-SHA256 */
#define INPUT 2048 /* bytes that go into one mac: two nodes and what stands before them fit */
#define ARENA ((size_t)32 << 10)

/* ---- macs: what goes in is laid out in roomcast.proto ---- */

struct input {
    uint8_t bytes[INPUT];
    size_t len;
};

static void put(struct input *in, const void *bytes, size_t len)
{
    if (len > INPUT - in->len)
        abort(); /* all lengths are bounded by struct rc_peer */
    memcpy(in->bytes + in->len, bytes, len);
    in->len += len;
}

static void put_u64(struct input *in, uint64_t v)
{
    uint8_t b[8];
    for (int i = 0; i < 8; i++)
        b[i] = (uint8_t)(v >> (56 - 8 * i));
    put(in, b, sizeof b);
}

static void put_text(struct input *in, const char *text)
{
    put_u64(in, strlen(text));
    put(in, text, strlen(text));
}

static void put_nonce(struct input *in, const uint8_t *nonce)
{
    put_u64(in, RC_HS_NONCE);
    put(in, nonce, RC_HS_NONCE);
}

static void put_node(struct input *in, const struct rc_peer *p)
{
    put_u64(in, p->role);
    put_text(in, p->id);
    put_u64(in, p->inc);
    put_u64(in, p->weight);
    put_text(in, p->link);
    put_text(in, p->admin);
    put_text(in, p->topic);
}

static struct input begin(const char *label)
{
    struct input in = {.len = 0};
    put(&in, label, strlen(label) + 1);
    return in;
}

static void seal(const struct rc_handshake *h, const struct input *in, uint8_t mac[MAC])
{
    unsigned len = MAC;
    if (!HMAC(EVP_sha256(), h->secret->bytes, (int)h->secret->len, in->bytes, in->len, mac, &len))
        abort(); /* fails only when memory for a few hundred bytes is short */
}

static bool sealed(const struct rc_handshake *h, const struct input *in, const ProtobufCBinaryData *mac)
{
    uint8_t right[MAC];
    seal(h, in, right);
    return mac->len == MAC && CRYPTO_memcmp(right, mac->data, MAC) == 0;
}

static struct input hello_input(const struct rc_handshake *h, uint32_t version)
{
    struct input in = begin("hello");
    put_u64(&in, version);
    put_node(&in, h->dialler ? &h->self : &h->peer);
    put_nonce(&in, h->nonce_a);
    return in;
}

/* challenge and prove: both nonces, the dialler's node, the listener's. */
static struct input both_input(const struct rc_handshake *h, const char *label)
{
    struct input in = begin(label);
    put_nonce(&in, h->nonce_a);
    put_nonce(&in, h->nonce_b);
    put_node(&in, h->dialler ? &h->self : &h->peer);
    put_node(&in, h->dialler ? &h->peer : &h->self);
    return in;
}

static struct input ok_input(const struct rc_handshake *h, uint64_t session, int state)
{
    struct input in = begin("ok");
    put_nonce(&in, h->nonce_a);
    put_nonce(&in, h->nonce_b);
    put_u64(&in, session);
    put_u64(&in, (uint64_t)state);
    return in;
}

static struct input no_input(const struct rc_handshake *h, int reason, uint64_t known_inc)
{
    struct input in = begin("no");
    put_nonce(&in, h->nonce_a);
    put_u64(&in, (uint64_t)reason);
    put_u64(&in, known_inc);
    return in;
}

/* ---- frames ---- */

static ProtobufCBinaryData text_of(const char *text)
{
    return (ProtobufCBinaryData){strlen(text), (uint8_t *)(uintptr_t)text};
}

static void node_of(const struct rc_peer *p, Roomcast__Node *n)
{
    roomcast__node__init(n);
    n->role = (Roomcast__Role)p->role;
    n->id = text_of(p->id);
    n->inc = p->inc;
    n->weight = p->weight;
    n->link = text_of(p->link);
    n->admin = text_of(p->admin);
    n->topic = text_of(p->topic);
}

static bool to_addr(const ProtobufCBinaryData *from, char to[RC_ADDR_MAX + 1])
{
    struct rc_addr addr;
    if (from->len > RC_ADDR_MAX || (from->len && memchr(from->data, 0, from->len)))
        return false;
    if (from->len)
        memcpy(to, from->data, from->len);
    to[from->len] = 0;
    return !from->len || !rc_addr_parse(to, &addr);
}

static bool to_node(const Roomcast__Node *n, struct rc_peer *p)
{
    *p = (struct rc_peer){.role = RC_GATEWAY};
    if (!n || (int)n->role < RC_GATEWAY || (int)n->role > RC_FOLLOWER || n->weight > RC_WEIGHT_MAX)
        return false;
    p->role = (enum rc_role)n->role;
    p->inc = n->inc;
    p->weight = n->weight;
    return rc_wire_id(&n->id, p->id) && to_addr(&n->link, p->link) && to_addr(&n->admin, p->admin) &&
           to_addr(&n->topic, p->topic);
}

static bool to_nonce(const ProtobufCBinaryData *from, uint8_t nonce[RC_HS_NONCE])
{
    if (from->len != RC_HS_NONCE)
        return false;
    memcpy(nonce, from->data, RC_HS_NONCE);
    return true;
}

static void new_nonce(uint8_t nonce[RC_HS_NONCE])
{
    uint64_t random[2] = {rc_random64(), rc_random64()};
    _Static_assert(sizeof random == RC_HS_NONCE, "nonce");
    memcpy(nonce, random, RC_HS_NONCE);
}

/* The longest is HELLO: 63 + 3 * 127 bytes of text, nonce, mac and some tags. */
static void emit(struct rc_handshake *h, const Roomcast__Frame *f)
{
    if (roomcast__frame__get_packed_size(f) > sizeof h->out)
        abort();
    h->out_len = roomcast__frame__pack(f, h->out);
}

static void say_hello(struct rc_handshake *h)
{
    Roomcast__Frame f = ROOMCAST__FRAME__INIT;
    Roomcast__Hello hello = ROOMCAST__HELLO__INIT;
    Roomcast__Node node;
    uint8_t mac[MAC];
    struct input in = hello_input(h, RC_HS_VERSION);
    seal(h, &in, mac);
    node_of(&h->self, &node);
    hello.version = RC_HS_VERSION;
    hello.node = &node;
    hello.nonce = (ProtobufCBinaryData){RC_HS_NONCE, h->nonce_a};
    hello.mac = (ProtobufCBinaryData){MAC, mac};
    f.kind_case = ROOMCAST__FRAME__KIND_HELLO;
    f.hello = &hello;
    emit(h, &f);
}

static void say_challenge(struct rc_handshake *h)
{
    Roomcast__Frame f = ROOMCAST__FRAME__INIT;
    Roomcast__Challenge challenge = ROOMCAST__CHALLENGE__INIT;
    Roomcast__Node node;
    uint8_t mac[MAC];
    struct input in = both_input(h, "challenge");
    seal(h, &in, mac);
    node_of(&h->self, &node);
    challenge.nonce = (ProtobufCBinaryData){RC_HS_NONCE, h->nonce_b};
    challenge.node = &node;
    challenge.mac = (ProtobufCBinaryData){MAC, mac};
    f.kind_case = ROOMCAST__FRAME__KIND_CHALLENGE;
    f.challenge = &challenge;
    emit(h, &f);
}

static void say_prove(struct rc_handshake *h)
{
    Roomcast__Frame f = ROOMCAST__FRAME__INIT;
    Roomcast__Prove prove = ROOMCAST__PROVE__INIT;
    uint8_t mac[MAC];
    struct input in = both_input(h, "prove");
    seal(h, &in, mac);
    prove.mac = (ProtobufCBinaryData){MAC, mac};
    f.kind_case = ROOMCAST__FRAME__KIND_PROVE;
    f.prove = &prove;
    emit(h, &f);
}

static void say_no(struct rc_handshake *h, Roomcast__HelloNo__Reason reason, uint64_t known_inc)
{
    Roomcast__Frame f = ROOMCAST__FRAME__INIT;
    Roomcast__HelloNo no = ROOMCAST__HELLO_NO__INIT;
    uint8_t mac[MAC];
    struct input in = no_input(h, (int)reason, known_inc);
    seal(h, &in, mac);
    no.reason = reason;
    no.known_inc = known_inc;
    no.mac = (ProtobufCBinaryData){MAC, mac};
    f.kind_case = ROOMCAST__FRAME__KIND_HELLO_NO;
    f.hello_no = &no;
    emit(h, &f);
}

static void say_ok(struct rc_handshake *h, uint64_t session, enum rc_broker_state state)
{
    Roomcast__Frame f = ROOMCAST__FRAME__INIT;
    Roomcast__HelloOk ok = ROOMCAST__HELLO_OK__INIT;
    uint8_t mac[MAC];
    struct input in = ok_input(h, session, (int)state);
    seal(h, &in, mac);
    ok.session = session;
    ok.state = (Roomcast__State)state;
    ok.mac = (ProtobufCBinaryData){MAC, mac};
    f.kind_case = ROOMCAST__FRAME__KIND_HELLO_OK;
    f.hello_ok = &ok;
    emit(h, &f);
}

/* ---- steps ---- */

static enum rc_hs_step fail(struct rc_handshake *h, enum rc_why why)
{
    h->why = why;
    return RC_HS_FAIL;
}

static enum rc_hs_step take_hello(struct rc_handshake *h, const Roomcast__Hello *m)
{
    if (h->greeted || !to_node(m->node, &h->peer) || !to_nonce(&m->nonce, h->nonce_a))
        return fail(h, RC_WHY_GARBAGE);
    struct input in = hello_input(h, m->version);
    if (!sealed(h, &in, &m->mac)) {
        say_no(h, ROOMCAST__HELLO_NO__REASON__SECRET, 0);
        return fail(h, RC_WHY_SECRET);
    }
    if (m->version != RC_HS_VERSION) {
        say_no(h, ROOMCAST__HELLO_NO__REASON__VERSION, 0);
        return fail(h, RC_WHY_VERSION);
    }
    h->greeted = true;
    new_nonce(h->nonce_b);
    say_challenge(h);
    return RC_HS_MORE;
}

static enum rc_hs_step take_prove(struct rc_handshake *h, const Roomcast__Prove *m)
{
    if (!h->greeted)
        return fail(h, RC_WHY_GARBAGE);
    struct input in = both_input(h, "prove");
    return sealed(h, &in, &m->mac) ? RC_HS_PROVEN : fail(h, RC_WHY_PROOF);
}

static enum rc_hs_step take_challenge(struct rc_handshake *h, const Roomcast__Challenge *m)
{
    if (h->greeted || !to_node(m->node, &h->peer) || !to_nonce(&m->nonce, h->nonce_b))
        return fail(h, RC_WHY_GARBAGE);
    struct input in = both_input(h, "challenge");
    if (!sealed(h, &in, &m->mac))
        return fail(h, RC_WHY_PROOF);
    h->greeted = true;
    say_prove(h);
    return RC_HS_MORE;
}

static enum rc_hs_step take_ok(struct rc_handshake *h, const Roomcast__HelloOk *m)
{
    if (!h->greeted || !m->session || (int)m->state < RC_UNFIT || (int)m->state > RC_DRAINING)
        return fail(h, RC_WHY_GARBAGE);
    struct input in = ok_input(h, m->session, (int)m->state);
    if (!sealed(h, &in, &m->mac))
        return fail(h, RC_WHY_PROOF);
    h->session = m->session;
    h->state = (enum rc_broker_state)m->state;
    return RC_HS_OK;
}

static enum rc_hs_step take_no(struct rc_handshake *h, const Roomcast__HelloNo *m)
{
    static const struct {
        enum rc_why why;
        enum rc_hello reason;
    } of[] = {
        [ROOMCAST__HELLO_NO__REASON__OLD] = {RC_WHY_OLD, RC_HELLO_OLD},
        [ROOMCAST__HELLO_NO__REASON__TWIN] = {RC_WHY_TWIN, RC_HELLO_TWIN},
        [ROOMCAST__HELLO_NO__REASON__UNKNOWN_NODE] = {RC_WHY_UNKNOWN, RC_HELLO_UNKNOWN},
    };
    struct input in = no_input(h, (int)m->reason, m->known_inc);
    if (!sealed(h, &in, &m->mac))
        return fail(h, RC_WHY_SECRET);
    if (m->reason == ROOMCAST__HELLO_NO__REASON__VERSION)
        return fail(h, RC_WHY_VERSION);
    if (!h->greeted || (int)m->reason < ROOMCAST__HELLO_NO__REASON__OLD ||
        (int)m->reason > ROOMCAST__HELLO_NO__REASON__UNKNOWN_NODE)
        return fail(h, RC_WHY_GARBAGE);
    h->why = of[m->reason].why;
    h->reason = of[m->reason].reason;
    h->known_inc = m->known_inc;
    return RC_HS_NO;
}

static enum rc_hs_step take(struct rc_handshake *h, const Roomcast__Frame *f)
{
    if (f && !h->dialler && f->kind_case == ROOMCAST__FRAME__KIND_HELLO)
        return take_hello(h, f->hello);
    if (f && !h->dialler && f->kind_case == ROOMCAST__FRAME__KIND_PROVE)
        return take_prove(h, f->prove);
    if (f && h->dialler && f->kind_case == ROOMCAST__FRAME__KIND_CHALLENGE)
        return take_challenge(h, f->challenge);
    if (f && h->dialler && f->kind_case == ROOMCAST__FRAME__KIND_HELLO_OK)
        return take_ok(h, f->hello_ok);
    if (f && h->dialler && f->kind_case == ROOMCAST__FRAME__KIND_HELLO_NO)
        return take_no(h, f->hello_no);
    return fail(h, RC_WHY_GARBAGE);
}

static void start(struct rc_handshake *h, const struct rc_peer *self, const struct rc_secret *secret)
{
    memset(h, 0, sizeof *h);
    h->self = *self;
    h->secret = secret;
}

void rc_handshake_dial(struct rc_handshake *h, const struct rc_peer *self, const struct rc_secret *secret)
{
    start(h, self, secret);
    h->dialler = true;
    new_nonce(h->nonce_a);
    say_hello(h);
}

void rc_handshake_accept(struct rc_handshake *h, const struct rc_peer *self, const struct rc_secret *secret)
{
    start(h, self, secret);
}

enum rc_hs_step rc_handshake_input(struct rc_handshake *h, const uint8_t *frame, size_t len)
{
    struct rc_arena arena;
    rc_arena_init(&arena, ARENA);
    h->out_len = 0;
    enum rc_hs_step step = take(h, rc_wire_open(&arena, frame, len));
    rc_arena_fini(&arena);
    return step;
}

void rc_handshake_answer(struct rc_handshake *h, enum rc_hello verdict, uint64_t known_inc, uint64_t session,
                         enum rc_broker_state state)
{
    switch (verdict) {
    case RC_HELLO_OK:
        say_ok(h, session, state);
        break;
    case RC_HELLO_OLD:
        say_no(h, ROOMCAST__HELLO_NO__REASON__OLD, known_inc);
        break;
    case RC_HELLO_TWIN:
        say_no(h, ROOMCAST__HELLO_NO__REASON__TWIN, 0);
        break;
    case RC_HELLO_UNKNOWN:
        say_no(h, ROOMCAST__HELLO_NO__REASON__UNKNOWN_NODE, 0);
        break;
    }
}
