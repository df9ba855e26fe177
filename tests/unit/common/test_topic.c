/* The topic over real loopback sockets: complete and in order on a quiet run, and closed to who lacks the secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "clock.h"
#include "link/seal.h"
#include "link/topic.h"
#include "log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static unsigned char key_1[32] = "0123456789abcdef0123456789abcdef", key_2[32] = "0123456789abcdef0123456789abcdeF";
static const struct rc_secret right = {key_1, sizeof key_1}, wrong = {key_2, sizeof key_2};

struct seen {
    struct rc_topic_sub *sub;
    uint64_t first, last; /* numbers, from one broker incarnation */
    uint64_t inc;
    bool gap;
    size_t row; /* bytes of the newest */
};

static void on_record(void *host, const char *broker, uint64_t inc, const struct rc_op *op)
{
    struct seen *s = host;
    assert_string_equal(broker, "broker-1");
    assert_string_equal(op->record.key.origin, "gateway-1");
    if (inc != s->inc)
        s->first = s->last = 0;
    s->inc = inc;
    s->gap |= s->last && op->record.number != s->last + 1;
    s->first = s->first ? s->first : op->record.number;
    s->last = op->record.number;
    s->row = op->record.row->len;
}

static struct rc_topic_pub *publish_as(const struct rc_secret *secret, uint64_t inc, const char *listen)
{
    char why[RC_LINK_WHY] = "";
    struct rc_topic_pub *pub = rc_topic_pub_new(listen, secret, "broker-1", inc, why);
    if (!pub)
        fail_msg("%s", why);
    return pub;
}

static void subscribe(struct seen *s, const struct rc_secret *secret)
{
    char why[RC_LINK_WHY];
    memset(s, 0, sizeof *s);
    s->sub = rc_topic_sub_new(secret, on_record, s, why);
    assert_non_null(s->sub);
}

static void dial(struct seen *s, const struct rc_topic_pub *pub)
{
    char why[RC_LINK_WHY];
    assert_true(rc_topic_sub_dial(s->sub, rc_topic_pub_address(pub), why));
    assert_true(rc_topic_sub_dial(s->sub, rc_topic_pub_address(pub), why)); /* known: nothing */
}

static void record(struct rc_topic_pub *pub, uint64_t number, size_t row)
{
    struct rc_op *op = rc_op_new(RC_OP_RECORD);
    op->record.number = number;
    op->record.key.fecha = 1;
    strcpy(op->record.key.origin, "gateway-1");
    op->record.key.seq = number;
    op->record.row = rc_buf_new(row);
    memset(op->record.row->data, 'x', row);
    rc_topic_pub_record(pub, op);
    rc_op_free(op);
}

static void turn(struct seen *s, int ms)
{
    poll(&(struct pollfd){.fd = rc_topic_sub_fd(s->sub), .events = POLLIN}, 1, ms);
    rc_topic_sub_process(s->sub);
}

static struct rc_topic_stats stats(const struct seen *s)
{
    struct rc_topic_stats st;
    rc_topic_sub_stats(s->sub, &st);
    return st;
}

/* Publishes until something arrives: what is sent before the subscriber is connected is lost. Returns the last number. */
static uint64_t warm_up(struct seen *s, struct rc_topic_pub *pub, uint64_t number)
{
    uint64_t before = stats(s).messages + stats(s).forged;
    rc_time give_up = rc_clock_now() + 20000 * RC_MS;
    while (stats(s).messages + stats(s).forged == before) {
        assert_true(rc_clock_now() < give_up);
        record(pub, ++number, 10);
        rc_topic_pub_flush(pub);
        turn(s, 10);
    }
    return number;
}

static void until(struct seen *s, uint64_t last)
{
    rc_time give_up = rc_clock_now() + 20000 * RC_MS;
    while (s->last != last) {
        if (rc_clock_now() > give_up)
            fail_msg("record %llu never came, the last is %llu", (unsigned long long)last, (unsigned long long)s->last);
        turn(s, 10);
    }
}

static void records_arrive_without_gap(void **state)
{
    (void)state;
    struct seen s;
    struct rc_topic_pub *pub = publish_as(&right, 3, "127.0.0.1:0");
    subscribe(&s, &right);
    dial(&s, pub);
    uint64_t n = warm_up(&s, pub, 0);
    for (int pass = 0; pass < 1000; pass++) {
        for (int i = 0; i < 20; i++)
            record(pub, ++n, 300);
        rc_topic_pub_flush(pub);
        if (pass % 50 == 0)
            turn(&s, 0);
    }
    until(&s, n);
    record(pub, ++n, 1500000); /* larger than a message is wont to be */
    record(pub, ++n, 5);
    rc_topic_pub_flush(pub);
    until(&s, n);
    assert_false(s.gap);
    assert_int_equal(s.inc, 3);
    assert_int_equal(stats(&s).forged + stats(&s).replayed, 0);
    assert_true(stats(&s).records >= 20002 && stats(&s).messages < 1500);
    rc_topic_sub_free(s.sub);
    rc_topic_pub_free(pub);
}

static void other_secret_opens_nothing(void **state)
{
    (void)state;
    struct seen s;
    struct rc_topic_pub *pub = publish_as(&wrong, 3, "127.0.0.1:0");
    subscribe(&s, &right);
    dial(&s, pub);
    warm_up(&s, pub, 0);
    assert_true(stats(&s).forged > 0);
    assert_int_equal(stats(&s).messages + stats(&s).records, 0);
    assert_int_equal(s.last, 0);
    rc_topic_sub_free(s.sub);
    rc_topic_pub_free(pub);
}

/* A broker that starts again under a higher incarnation is heard at the same address; one that comes back with an old
 * incarnation or old numbers is not. */
static void restarts_are_heard_and_replays_are_not(void **state)
{
    (void)state;
    struct seen s;
    char address[RC_ADDR_MAX + 1];
    struct rc_topic_pub *pub = publish_as(&right, 3, "127.0.0.1:0");
    snprintf(address, sizeof address, "%s", rc_topic_pub_address(pub));
    subscribe(&s, &right);
    dial(&s, pub);
    warm_up(&s, pub, 0);
    rc_topic_pub_free(pub);
    pub = publish_as(&right, 4, address);
    uint64_t n = warm_up(&s, pub, 0);
    assert_int_equal(s.inc, 4);
    for (int i = 0; i < 1000; i++) { /* so many messages that a new one cannot have caught up below */
        record(pub, ++n, 10);
        rc_topic_pub_flush(pub);
    }
    until(&s, n);
    rc_topic_pub_free(pub);
    for (uint64_t inc = 3; inc <= 4; inc++) {
        struct rc_topic_stats before = stats(&s);
        rc_time give_up = rc_clock_now() + 20000 * RC_MS;
        pub = publish_as(&right, inc, address);
        while (stats(&s).replayed == before.replayed) {
            assert_true(rc_clock_now() < give_up);
            record(pub, ++n, 10);
            rc_topic_pub_flush(pub);
            turn(&s, 10);
        }
        assert_int_equal(stats(&s).messages, before.messages);
        rc_topic_pub_free(pub);
    }
    rc_topic_sub_free(s.sub);
}

/* What was remembered of a broker makes room for another, and so do its numbers: it begins anew when it is added again. */
static void a_forgotten_broker_begins_anew(void **state)
{
    (void)state;
    struct seen s;
    char address[RC_ADDR_MAX + 1];
    struct rc_topic_pub *pub = publish_as(&right, 4, "127.0.0.1:0");
    snprintf(address, sizeof address, "%s", rc_topic_pub_address(pub));
    subscribe(&s, &right);
    dial(&s, pub);
    warm_up(&s, pub, 0);
    rc_topic_pub_free(pub);
    rc_topic_sub_forget(s.sub, "broker-1");
    rc_topic_sub_forget(s.sub, "broker-2"); /* nobody knows it */
    pub = publish_as(&right, 3, address);   /* would be a replay */
    warm_up(&s, pub, 0);
    assert_int_equal(s.inc, 3);
    assert_int_equal(stats(&s).replayed, 0);
    rc_topic_sub_free(s.sub);
    rc_topic_pub_free(pub);
}

static void garbage_on_the_port_harms_nobody(void **state)
{
    (void)state;
    struct seen s;
    struct rc_topic_pub *pub = publish_as(&right, 3, "127.0.0.1:0");
    subscribe(&s, &right);
    dial(&s, pub);
    uint64_t n = warm_up(&s, pub, 0);
    struct sockaddr_in sa = {.sin_family = AF_INET};
    sa.sin_port = htons((uint16_t)atoi(strchr(rc_topic_pub_address(pub), ':') + 1));
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < 50; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
        if (i % 3)
            send(fd, "GET / HTTP/1.1\r\n\r\n", i % 3 == 1 ? 18 : 3, MSG_NOSIGNAL);
        if (i % 2)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
        close(fd);
        record(pub, ++n, 10);
        rc_topic_pub_flush(pub);
    }
    until(&s, n);
    assert_false(s.gap);
    rc_topic_sub_free(s.sub);
    rc_topic_pub_free(pub);
}

static void addresses_are_named_in_errors(void **state)
{
    (void)state;
    struct seen s;
    char why[RC_LINK_WHY] = "";
    struct rc_topic_pub *pub = publish_as(&right, 3, "127.0.0.1:0");
    assert_null(rc_topic_pub_new(rc_topic_pub_address(pub), &right, "broker-2", 1, why));
    assert_non_null(strstr(why, "topic.listen"));
    assert_non_null(strstr(why, rc_topic_pub_address(pub)));
    assert_non_null(strstr(why, "in use"));
    subscribe(&s, &right);
    assert_false(rc_topic_sub_dial(s.sub, "nowhere", why));
    assert_non_null(strstr(why, "nowhere"));
    rc_topic_sub_free(s.sub);
    rc_topic_pub_free(pub);
}

static void seal_opens_only_with_key_and_number(void **state)
{
    (void)state;
    uint8_t a[RC_SEAL_KEY], b[RC_SEAL_KEY], sealed[100 + RC_SEAL_TAG], plain[100], in[100];
    memset(in, 'm', sizeof in);
    rc_seal_key(&right, "broker-1", 1, a);
    rc_seal_key(&right, "broker-1", 2, b);
    assert_memory_not_equal(a, b, sizeof a);
    rc_seal_key(&right, "broker-2", 1, b);
    assert_memory_not_equal(a, b, sizeof a);
    assert_true(rc_seal(a, 7, in, sizeof in, sealed));
    assert_true(rc_unseal(a, 7, sealed, sizeof sealed, plain));
    assert_memory_equal(in, plain, sizeof in);
    assert_false(rc_unseal(a, 8, sealed, sizeof sealed, plain));
    assert_false(rc_unseal(b, 7, sealed, sizeof sealed, plain));
    assert_false(rc_unseal(a, 7, sealed, sizeof sealed - 1, plain));
    assert_false(rc_unseal(a, 7, sealed, RC_SEAL_TAG - 1, plain));
    for (size_t i = 0; i < sizeof sealed; i++) {
        sealed[i] ^= 1;
        assert_false(rc_unseal(a, 7, sealed, sizeof sealed, plain));
        sealed[i] ^= 1;
    }
}

int main(void)
{
    rc_log_init(getenv("RC_TEST_LOG") ? RC_DEBUG : RC_ERROR, false, "test");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seal_opens_only_with_key_and_number), cmocka_unit_test(records_arrive_without_gap),
        cmocka_unit_test(other_secret_opens_nothing),          cmocka_unit_test(restarts_are_heard_and_replays_are_not),
        cmocka_unit_test(a_forgotten_broker_begins_anew),      cmocka_unit_test(addresses_are_named_in_errors),
        cmocka_unit_test(garbage_on_the_port_harms_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
