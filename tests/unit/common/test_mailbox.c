/* The mailbox: order, bound, wake-ups, many producers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "mailbox.h"

#define PRODUCERS 4
#define EACH      20000

struct letter {
    struct rc_mail mail;
    unsigned producer, number;
};

static struct letter *letter(unsigned producer, unsigned number)
{
    struct letter *l = malloc(sizeof *l);
    assert_non_null(l);
    l->producer = producer;
    l->number = number;
    return l;
}

static bool post(struct rc_mailbox *mb, unsigned number, size_t bytes, bool force)
{
    struct letter *l = letter(0, number);
    bool posted = rc_mailbox_post(mb, &l->mail, bytes, force);
    if (!posted) {
        free(l);
    }
    return posted;
}

static bool readable(struct rc_mailbox *mb, int ms)
{
    struct pollfd p = {.fd = rc_mailbox_fd(mb), .events = POLLIN};
    return poll(&p, 1, ms) == 1;
}

static void drop(struct rc_mail *mail)
{
    free(mail);
}

/* Takes all, checks that they are first, first + 1, ... and returns how many there were. */
static unsigned take_numbered(struct rc_mailbox *mb, unsigned first)
{
    unsigned count = 0;
    for (struct rc_mail *mail = rc_mailbox_take_all(mb), *next; mail; mail = next) {
        next = mail->next;
        assert_int_equal(((struct letter *)mail)->number, first + count);
        count++;
        free(mail);
    }
    return count;
}

static void keeps_order_and_wakes_once(void **state)
{
    (void)state;
    struct rc_mailbox *mb = rc_mailbox_new(1000);
    assert_false(readable(mb, 0));
    assert_null(rc_mailbox_take_all(mb));
    for (unsigned i = 0; i < 5; i++) {
        assert_true(post(mb, i, 10, false));
    }
    assert_true(readable(mb, 0));
    assert_int_equal(take_numbered(mb, 0), 5);
    assert_false(readable(mb, 0));
    assert_true(post(mb, 5, 10, false)); /* wakes again after it was emptied */
    assert_true(readable(mb, 0));
    assert_int_equal(take_numbered(mb, 5), 1);
    rc_mailbox_free(mb, NULL);
}

static void refuses_at_the_bound(void **state)
{
    (void)state;
    struct rc_mailbox *mb = rc_mailbox_new(100);
    assert_true(post(mb, 0, 60, false));
    assert_true(post(mb, 1, 40, false)); /* exactly full */
    assert_false(post(mb, 2, 1, false));
    assert_true(post(mb, 2, 500, true)); /* must not be refused */
    assert_false(post(mb, 3, 0, false)); /* above the bound nothing more, however small */
    assert_int_equal(take_numbered(mb, 0), 3);
    assert_true(post(mb, 3, 100, false)); /* room again */
    assert_false(post(mb, 4, SIZE_MAX, false));
    rc_mailbox_free(mb, drop);
}

static void lets_a_large_one_into_an_empty_queue(void **state)
{
    (void)state;
    struct rc_mailbox *mb = rc_mailbox_new(100);
    assert_true(post(mb, 0, 5000, false));
    assert_false(post(mb, 1, 5000, false));
    assert_int_equal(take_numbered(mb, 0), 1);
    rc_mailbox_free(mb, NULL);
}

static unsigned dropped;

static void count_drop(struct rc_mail *mail)
{
    dropped++;
    free(mail);
}

static void hands_the_rest_to_drop(void **state)
{
    (void)state;
    struct rc_mailbox *mb = rc_mailbox_new(100);
    post(mb, 0, 1, false);
    post(mb, 1, 1, false);
    dropped = 0;
    rc_mailbox_free(mb, count_drop);
    assert_int_equal(dropped, 2);
    rc_mailbox_free(NULL, NULL);
}

struct producer {
    struct rc_mailbox *mb;
    unsigned number;
};

/* Posts EACH letters; at the bound it yields and tries again, as back-pressure would make it. */
static void *produce(void *arg)
{
    struct producer *p = arg;
    for (unsigned i = 0; i < EACH; i++) {
        struct letter *l = letter(p->number, i);
        while (!rc_mailbox_post(p->mb, &l->mail, sizeof *l, false)) {
            sched_yield();
        }
    }
    return NULL;
}

/* Also the test that no wake-up is lost: the consumer only looks when the eventfd is readable. */
static void takes_from_many_threads_in_order(void **state)
{
    (void)state;
    struct rc_mailbox *mb = rc_mailbox_new(64 * sizeof(struct letter));
    pthread_t thread[PRODUCERS];
    struct producer producer[PRODUCERS];
    unsigned next[PRODUCERS] = {0}, total = 0;
    for (unsigned i = 0; i < PRODUCERS; i++) {
        producer[i] = (struct producer){mb, i};
        assert_int_equal(pthread_create(&thread[i], NULL, produce, &producer[i]), 0);
    }
    while (total < PRODUCERS * EACH) {
        assert_true(readable(mb, 30000));
        for (struct rc_mail *mail = rc_mailbox_take_all(mb), *rest; mail; mail = rest) {
            struct letter *l = (struct letter *)mail;
            rest = mail->next;
            assert_int_equal(l->number, next[l->producer]++);
            total++;
            free(l);
        }
    }
    for (unsigned i = 0; i < PRODUCERS; i++) {
        pthread_join(thread[i], NULL);
    }
    assert_null(rc_mailbox_take_all(mb));
    rc_mailbox_free(mb, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order_and_wakes_once),           cmocka_unit_test(refuses_at_the_bound),
        cmocka_unit_test(lets_a_large_one_into_an_empty_queue), cmocka_unit_test(hands_the_rest_to_drop),
        cmocka_unit_test(takes_from_many_threads_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
