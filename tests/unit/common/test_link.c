/* Links over real loopback sockets: who gets in, and what a bad peer does to the others: nothing. */
#include "link_node.h"

#include "link/handshake.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- a peer made by hand ---- */

static int raw_connect(const struct node *b)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    sa.sin_port = htons((uint16_t)atoi(strchr(rc_link_address(b->link), ':') + 1));
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    return fd;
}

static void raw_send(int fd, const void *bytes, size_t len)
{
    uint8_t head[4] = {0, 0, (uint8_t)(len >> 8), (uint8_t)len};
    assert_int_equal(send(fd, head, 4, MSG_NOSIGNAL), 4);
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static size_t raw_recv(int fd, struct node *b, uint8_t *bytes)
{
    uint8_t buf[4 + RC_HS_FRAME_MAX];
    size_t have = 0, want = 4;
    while (have < want) {
        turn(NULL, b, 5);
        ssize_t n = recv(fd, buf + have, want - have, MSG_DONTWAIT);
        if (n > 0)
            have += (size_t)n;
        else
            assert_true(n < 0 && errno == EAGAIN);
        if (have == 4)
            want = 4 + ((size_t)buf[2] << 8 | buf[3]);
    }
    memcpy(bytes, buf + 4, want - 4);
    return want - 4;
}

/* A proven peer whose later bytes are the test's. */
static int raw_prove(struct node *b)
{
    struct rc_handshake h;
    struct rc_peer self = config(RC_GATEWAY, &right).self;
    uint8_t in[RC_HS_FRAME_MAX];
    int fd = raw_connect(b);
    rc_handshake_dial(&h, &self, &right);
    raw_send(fd, h.out, h.out_len);
    assert_int_equal(rc_handshake_input(&h, in, raw_recv(fd, b, in)), RC_HS_MORE);
    raw_send(fd, h.out, h.out_len);
    assert_int_equal(rc_handshake_input(&h, in, raw_recv(fd, b, in)), RC_HS_OK);
    return fd;
}

static bool raw_closed(int fd)
{
    uint8_t byte[256];
    ssize_t n = recv(fd, byte, sizeof byte, MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN);
}

/* ---- tests ---- */

static void proven_peers_are_up_on_both_sides(void **state)
{
    (void)state;
    struct node a, b;
    open_pair(&a, &b);
    dial(&a, &b);
    UNTIL(&a, &b, a.ups && b.ups);
    assert_true(a.session && a.session == b.session);
    assert_string_equal(a.peer.id, "broker-1");
    assert_string_equal(a.peer.link, rc_link_address(b.link)); /* announced with the port that it got */
    assert_int_equal(a.state, RC_OPEN);
    assert_string_equal(b.peer.id, "gateway-1");
    assert_int_equal(b.peer.role, RC_GATEWAY);
    assert_int_equal(b.peer.inc, 5);
    assert_int_equal(b.hellos, 1);
    close_pair(&a, &b);
}

static void wrong_secret_is_refused(void **state)
{
    (void)state;
    struct node a, b;
    struct rc_link_config ca = config(RC_GATEWAY, &wrong), cb = config(RC_BROKER, &right);
    open_node(&a, &ca);
    open_node(&b, &cb);
    dial(&a, &b);
    UNTIL(&a, &b, ended(&a, RC_WHY_SECRET) >= 2 && ended(&b, RC_WHY_SECRET) >= 2); /* and tried again */
    assert_int_equal(b.hellos + a.ups + b.ups, 0);
    close_pair(&a, &b);
}

static void refusals_arrive(void **state)
{
    (void)state;
    static const enum rc_hello verdicts[] = {RC_HELLO_OLD, RC_HELLO_TWIN, RC_HELLO_UNKNOWN};
    struct node a, b;
    open_pair(&a, &b);
    b.verdict = verdicts[0];
    dial(&a, &b);
    for (size_t i = 0; i < 3; i++) {
        b.verdict = verdicts[i];
        UNTIL(&a, &b, a.refusals && a.refusal == verdicts[i]);
        assert_true(a.known_inc == (i ? 0 : 4242));
    }
    b.verdict = RC_HELLO_OK; /* it is dialled all the same */
    rc_link_set_inc(a.link, 4243);
    UNTIL(&a, &b, a.ups && b.ups && b.peer.inc == 4243);
    close_pair(&a, &b);
}

static void another_node_at_the_address_is_refused(void **state)
{
    (void)state;
    struct node a, b;
    char why[RC_LINK_WHY];
    open_pair(&a, &b);
    assert_true(rc_link_dial(a.link, "broker-2", RC_BROKER, rc_link_address(b.link), why));
    UNTIL(&a, &b, ended(&a, RC_WHY_IDENTITY) >= 2);
    assert_int_equal(b.hellos, 0); /* it never proved itself to the wrong one */
    close_pair(&a, &b);
}

static void replayed_hello_does_nothing(void **state)
{
    (void)state;
    struct node a, b;
    open_pair(&a, &b);
    dial(&a, &b);
    UNTIL(&a, &b, a.ups && b.ups);
    struct rc_handshake h;
    struct rc_peer self = config(RC_GATEWAY, &right).self;
    uint8_t hello[RC_HS_FRAME_MAX], in[RC_HS_FRAME_MAX];
    rc_handshake_dial(&h, &self, &right); /* recorded on the wire: a hello and its proof */
    size_t hello_len = h.out_len;
    memcpy(hello, h.out, hello_len);
    int fd = raw_connect(&b);
    raw_send(fd, hello, hello_len);
    assert_int_equal(rc_handshake_input(&h, in, raw_recv(fd, &b, in)), RC_HS_MORE);
    int again = raw_connect(&b);
    raw_send(again, hello, hello_len);
    raw_recv(again, &b, in);
    raw_send(again, h.out, h.out_len); /* the proof that was right for the other challenge */
    UNTIL(&a, &b, ended(&b, RC_WHY_PROOF) == 1 && raw_closed(again));
    assert_int_equal(b.hellos, 1);
    assert_int_equal(a.downs + b.downs, 0);
    close(fd);
    close(again);
    close_pair(&a, &b);
}

static void garbage_ends_only_its_own_connection(void **state)
{
    (void)state;
    struct node a, b;
    open_pair(&a, &b);
    dial(&a, &b);
    UNTIL(&a, &b, a.ups && b.ups);
    const struct {
        const char *bytes;
        size_t len;
        enum rc_why why;
    } of[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, RC_WHY_OVERSIZED},
        {"\0\0\0\0", 4, RC_WHY_GARBAGE},           /* empty frame */
        {"\0\0\0\3abc", 7, RC_WHY_GARBAGE},        /* no protobuf */
        {"\0\0\0\2\x32\0", 6, RC_WHY_GARBAGE},     /* a batch before the handshake */
        {"\0\0\x08\1", 4, RC_WHY_OVERSIZED},       /* 2049 bytes announced */
        {"\xff\xff\xff\xff", 4, RC_WHY_OVERSIZED}, /* 4 GiB */
    };
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        uint64_t before = ended(&b, of[i].why);
        int fd = raw_connect(&b);
        assert_int_equal(send(fd, of[i].bytes, of[i].len, MSG_NOSIGNAL), (ssize_t)of[i].len);
        UNTIL(&a, &b, ended(&b, of[i].why) == before + 1 && raw_closed(fd));
        close(fd);
    }
    srand(3);
    for (int i = 0; i < 200; i++) {
        uint8_t noise[500];
        int fd = raw_connect(&b);
        for (size_t at = 0; at < sizeof noise; at++)
            noise[at] = (uint8_t)rand();
        if (i % 2) /* a frame length that is allowed */
            noise[0] = noise[1] = noise[2] = 0;
        send(fd, noise, sizeof noise, MSG_NOSIGNAL);
        if (i % 3 == 0) { /* reset instead of closing */
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
        }
        close(fd);
        UNTIL(&a, &b, accepted(&b) > (uint64_t)i); /* the backlog is short */
    }
    UNTIL(&a, &b, strangers(&b) == 0);
    assert_int_equal(a.downs + b.downs, 0);
    a.target = 10;
    send_numbered(&a);
    UNTIL(&a, &b, b.next_in == 10);
    close_pair(&a, &b);
}

static void bad_frames_of_a_proven_peer_end_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        enum rc_why why;
    } of[] = {
        {"\0\x40\0\1", 4, RC_WHY_OVERSIZED},   /* 4 MiB and one */
        {"\0\0\0\0", 4, RC_WHY_GARBAGE},       /* empty */
        {"\0\0\0\2\x32\0", 6, RC_WHY_GARBAGE}, /* a batch without a number */
        {"\0\0\0\2\x0a\0", 6, RC_WHY_GARBAGE}, /* a hello inside a session */
    };
    struct node b;
    struct rc_link_config cb = config(RC_BROKER, &right);
    open_node(&b, &cb);
    for (int i = 0; i < 4; i++) {
        int fd = raw_prove(&b);
        UNTIL(NULL, &b, b.ups == i + 1);
        assert_int_equal(send(fd, of[i].bytes, of[i].len, MSG_NOSIGNAL), (ssize_t)of[i].len);
        UNTIL(NULL, &b, b.downs == i + 1 && raw_closed(fd));
        assert_int_equal(b.why, of[i].why);
        close(fd);
    }
    rc_link_free(b.link);
}

static void strangers_are_few_and_short_lived(void **state)
{
    (void)state;
    struct node b;
    struct rc_link_config cb = config(RC_BROKER, &right);
    int fd[5];
    cb.strangers = 3;
    cb.handshake = 300 * RC_MS;
    open_node(&b, &cb);
    for (int i = 0; i < 5; i++)
        fd[i] = raw_connect(&b);
    UNTIL(NULL, &b, ended(&b, RC_WHY_CROWD) == 2);
    UNTIL(NULL, &b, ended(&b, RC_WHY_SLOW) == 3 && strangers(&b) == 0);
    for (int i = 0; i < 5; i++) {
        UNTIL(NULL, &b, raw_closed(fd[i]));
        close(fd[i]);
    }
    close(raw_prove(&b)); /* there is room again */
    UNTIL(NULL, &b, b.ups == 1 && b.downs == 1 && b.why == RC_WHY_CLOSED);
    rc_link_free(b.link);
}

static void port_in_use_is_named(void **state)
{
    (void)state;
    struct node b;
    struct rc_link_config cb = config(RC_BROKER, &right);
    char why[RC_LINK_WHY] = "";
    open_node(&b, &cb);
    strcpy(cb.listen, rc_link_address(b.link));
    assert_null(rc_link_new(&cb, &events, &b, why));
    assert_non_null(strstr(why, "cluster.listen"));
    assert_non_null(strstr(why, cb.listen));
    assert_non_null(strstr(why, "in use"));
    strcpy(cb.listen, "127.0.0.1");
    assert_null(rc_link_new(&cb, &events, &b, why));
    assert_non_null(strstr(why, "\"127.0.0.1\""));
    assert_false(rc_link_dial(b.link, "broker-2", RC_BROKER, "nowhere", why));
    assert_non_null(strstr(why, "nowhere"));
    rc_link_free(b.link);
}

static void who_is_undialled_is_left_alone(void **state)
{
    (void)state;
    struct node a, b;
    open_pair(&a, &b);
    dial(&a, &b);
    UNTIL(&a, &b, a.ups && b.ups);
    rc_link_undial(a.link, "broker-1"); /* the line stays the host's */
    rc_line_close(a.line, RC_END_REMOVED);
    UNTIL(&a, &b, b.downs);
    struct rc_link_stats stats;
    rc_link_stats(a.link, &stats);
    uint64_t before = stats.dialled;
    for (int i = 0; i < 100; i++)
        turn(&a, &b, 5); /* twice the longest pause */
    rc_link_stats(a.link, &stats);
    assert_int_equal(stats.dialled, before);
    dial(&a, &b); /* it may come back */
    UNTIL(&a, &b, a.ups == 2 && b.ups == 2);
    close_pair(&a, &b);
}

static void a_node_that_moved_is_dialled_at_its_new_address_alone(void **state)
{
    (void)state;
    struct node a, b, c;
    char why[RC_LINK_WHY];
    struct rc_link_config nowhere = config(RC_BROKER, &right);
    open_pair(&a, &b);
    open_node(&c, &nowhere);
    char old[RC_ADDR_MAX + 1];
    snprintf(old, sizeof old, "%s", rc_link_address(c.link));
    rc_link_free(c.link);
    assert_true(rc_link_dial(a.link, "broker-1", RC_BROKER, old, why));
    dial(&a, &b);
    UNTIL(&a, &b, a.ups && b.ups);
    struct rc_link_stats stats;
    rc_link_stats(a.link, &stats);
    uint64_t before = stats.dialled;
    for (int i = 0; i < 100; i++)
        turn(&a, &b, 5);
    rc_link_stats(a.link, &stats);
    assert_int_equal(stats.dialled, before);
    close_pair(&a, &b);
}

int main(void)
{
    rc_log_init(getenv("RC_TEST_LOG") ? RC_DEBUG : RC_ERROR, false, "test");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proven_peers_are_up_on_both_sides),
        cmocka_unit_test(wrong_secret_is_refused),
        cmocka_unit_test(refusals_arrive),
        cmocka_unit_test(another_node_at_the_address_is_refused),
        cmocka_unit_test(replayed_hello_does_nothing),
        cmocka_unit_test(garbage_ends_only_its_own_connection),
        cmocka_unit_test(bad_frames_of_a_proven_peer_end_its_line),
        cmocka_unit_test(strangers_are_few_and_short_lived),
        cmocka_unit_test(port_in_use_is_named),
        cmocka_unit_test(who_is_undialled_is_left_alone),
        cmocka_unit_test(a_node_that_moved_is_dialled_at_its_new_address_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
