/* The map of the cluster: who is up by whose word, what is forgotten, and the way over the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "link/link.h"
#include "roster.h"

struct fixture {
    struct rc_brokers brokers;
    struct rc_roster roster;
};

static struct rc_peer peer(enum rc_role role, const char *id, uint64_t inc)
{
    struct rc_peer p = {.role = role, .inc = inc};
    snprintf(p.id, sizeof p.id, "%s", id);
    snprintf(p.link, sizeof p.link, "127.0.0.1:7420");
    snprintf(p.admin, sizeof p.admin, "127.0.0.1:7421");
    return p;
}

static int set_up(void **state)
{
    static struct fixture f;
    char why[200];
    assert_true(rc_brokers_parse("b1=127.0.0.1:1,b2=127.0.0.1:2", &f.brokers, why, sizeof why));
    struct rc_peer self = peer(RC_GATEWAY, "g1", 1);
    rc_roster_init(&f.roster, &f.brokers, &self);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    rc_roster_fini(&((struct fixture *)*state)->roster);
    return 0;
}

/* '?' absent, '+' up, '-' down. */
static char look(const struct rc_roster *r, const char *id)
{
    struct rc_status_node rows[16];
    size_t n = rc_roster_status(r, rows, 16);
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].name, id) == 0)
            return rows[i].up ? '+' : '-';
    return '?';
}

static void it_begins_with_the_configured_and_oneself(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(look(&f->roster, "b1"), '-');
    assert_int_equal(look(&f->roster, "b2"), '-');
    assert_int_equal(look(&f->roster, "g1"), '+');
    assert_int_equal(look(&f->roster, "p1"), '?');
    assert_int_equal(rc_roster_source(&f->roster, "b2"), 1);
}

static void a_node_is_up_while_anybody_says_so(void **state)
{
    struct fixture *f = *state;
    struct rc_roster *r = &f->roster;
    struct rc_peer p1 = peer(RC_PERSISTER, "p1", 5);
    unsigned last = RC_BROKERS_MAX - 1;
    rc_roster_note(r, 0, &p1, true, 10);
    rc_roster_note(r, last, &p1, true, 10);
    r->changed = false;
    rc_roster_note(r, 0, &p1, false, 20);
    assert_int_equal(look(r, "p1"), '+');
    assert_false(r->changed);
    rc_roster_lost(r, last, 30);
    assert_int_equal(look(r, "p1"), '-');
    assert_true(r->changed);
    assert_int_equal(look(r, "g1"), '+'); /* the last broker's word is not ours */
}

static void what_lies_between_the_fields_of_a_node_is_no_change(void **state)
{
    struct rc_roster *r = &((struct fixture *)*state)->roster;
    struct rc_peer p1 = peer(RC_PERSISTER, "p1", 5), same;
    memset(&same, 0xff, sizeof same);
    same.role = p1.role;
    same.inc = p1.inc;
    same.weight = p1.weight;
    snprintf(same.id, sizeof same.id, "%s", p1.id);
    snprintf(same.link, sizeof same.link, "%s", p1.link);
    snprintf(same.admin, sizeof same.admin, "%s", p1.admin);
    snprintf(same.topic, sizeof same.topic, "%s", p1.topic);
    rc_roster_note(r, 0, &p1, true, 10);
    r->changed = false;
    rc_roster_note(r, 0, &same, true, 20);
    assert_false(r->changed);
    snprintf(same.admin, sizeof same.admin, "127.0.0.1:1");
    rc_roster_note(r, 0, &same, true, 30);
    assert_true(r->changed);
}

/* Whom we know only from himself is nobody that a broker took. */
static void a_broker_vouches_for_a_node_in_its_role(void **state)
{
    struct fixture *f = *state;
    struct rc_roster *r = &f->roster;
    struct rc_peer p1 = peer(RC_PERSISTER, "p1", 5);
    assert_false(rc_roster_vouched(r, "p1", RC_PERSISTER));
    rc_roster_note(r, RC_ROSTER_SELF, &p1, true, 10);
    assert_false(rc_roster_vouched(r, "p1", RC_PERSISTER));
    rc_roster_note(r, 1, &p1, true, 10);
    assert_true(rc_roster_vouched(r, "p1", RC_PERSISTER));
    assert_false(rc_roster_vouched(r, "p1", RC_GATEWAY));
    rc_roster_lost(r, 1, 20);
    assert_false(rc_roster_vouched(r, "p1", RC_PERSISTER));
    assert_int_equal(look(r, "p1"), '+');
}

static void what_is_down_for_long_is_forgotten_but_the_configured(void **state)
{
    struct fixture *f = *state;
    struct rc_roster *r = &f->roster;
    struct rc_peer p1 = peer(RC_PERSISTER, "p1", 5);
    rc_roster_note(r, RC_ROSTER_SELF, &p1, true, 0);
    rc_roster_sweep(r, 2 * RC_ROSTER_KEEP);
    assert_int_equal(look(r, "p1"), '+');
    rc_roster_note(r, RC_ROSTER_SELF, &p1, false, 100);
    rc_roster_sweep(r, RC_ROSTER_KEEP);
    assert_int_equal(look(r, "p1"), '-');
    rc_roster_sweep(r, RC_ROSTER_KEEP + 100);
    assert_int_equal(look(r, "p1"), '?');
    assert_int_equal(look(r, "b1"), '-');
}

static void an_older_incarnation_does_not_move_a_node(void **state)
{
    struct fixture *f = *state;
    struct rc_roster *r = &f->roster;
    struct rc_peer now = peer(RC_PERSISTER, "p1", 5), old = peer(RC_PERSISTER, "p1", 4);
    snprintf(old.link, sizeof old.link, "127.0.0.1:9");
    rc_roster_note(r, 0, &now, true, 0);
    rc_roster_note(r, 1, &old, true, 0);
    assert_string_equal(r->node[r->count - 1].peer.link, "127.0.0.1:7420");
}

static void it_crosses_the_wire(void **state)
{
    struct fixture *f = *state;
    struct rc_peer p1 = peer(RC_PERSISTER, "p1", 5), other = peer(RC_GATEWAY, "g2", 1);
    rc_roster_note(&f->roster, RC_ROSTER_SELF, &p1, true, 0);
    struct rc_buf *map = rc_roster_pack(&f->roster);
    struct rc_roster there;
    rc_roster_init(&there, &f->brokers, &other);
    assert_true(rc_roster_unpack(&there, 0, map, 0));
    assert_int_equal(look(&there, "p1"), '+');
    assert_int_equal(look(&there, "g1"), '+');
    assert_int_equal(look(&there, "b1"), '-');
    rc_roster_lost(&there, 0, 1);
    assert_int_equal(look(&there, "p1"), '-');
    assert_int_equal(look(&there, "g2"), '+');
    struct rc_buf *garbage = rc_buf_copy("\xff\xff", 2);
    assert_false(rc_roster_unpack(&there, 0, garbage, 0));
    rc_buf_rele(garbage);
    rc_buf_rele(map);
    rc_roster_fini(&there);
}

static void a_removed_broker_loses_its_word_and_its_row(void **state)
{
    struct fixture *f = *state;
    struct rc_roster *r = &f->roster;
    struct rc_peer p1 = peer(RC_PERSISTER, "p1", 5), b1 = peer(RC_BROKER, "b1", 5);
    struct rc_brokers other;
    char why[200];
    unsigned b2 = rc_roster_source(r, "b2");
    rc_roster_note(r, RC_ROSTER_SELF, &b1, true, 10);
    rc_roster_note(r, rc_roster_source(r, "b1"), &p1, true, 10);
    assert_true(rc_brokers_parse("b3=127.0.0.1:3,b2=127.0.0.1:2", &other, why, sizeof why));
    rc_roster_configure(r, &other, 20);
    assert_int_equal(look(r, "p1"), '-'); /* only b1 had said so */
    assert_int_equal(rc_roster_source(r, "b1"), RC_ROSTER_SELF);
    assert_int_equal(rc_roster_source(r, "b2"), b2); /* the others keep their numbers */
    assert_true(rc_roster_source(r, "b3") < RC_BROKERS_MAX);
    assert_int_equal(look(r, "b3"), '-');
    rc_roster_sweep(r, 30);
    assert_int_equal(look(r, "b1"), '+'); /* it is there until it is stopped */
    rc_roster_note(r, RC_ROSTER_SELF, &b1, false, 40);
    rc_roster_sweep(r, 50);
    assert_int_equal(look(r, "b1"), '?');
}

static void the_largest_map_fits_into_one_message(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 2 * RC_ROSTER_MAX; i++) {
        struct rc_peer p = {.role = RC_GATEWAY, .inc = UINT64_MAX};
        snprintf(p.id, sizeof p.id, "%063d", i);
        snprintf(p.link, sizeof p.link, "%0127d", i);
        snprintf(p.admin, sizeof p.admin, "%0127d", i);
        rc_roster_note(&f->roster, RC_ROSTER_SELF, &p, true, 0);
    }
    assert_int_equal(f->roster.count, RC_ROSTER_MAX);
    struct rc_buf *map = rc_roster_pack(&f->roster);
    assert_in_range(map->len, RC_ROSTER_MAX * 300, RC_LINK_SIDE_MAX);
    rc_buf_rele(map);
}

static void maps_take_no_more_than_their_rate(void **state)
{
    (void)state;
    assert_int_equal(rc_roster_next(5000, RC_ROSTER_RATE / 4), 5000 + 250 * RC_MS);
    assert_in_range(rc_roster_next(0, 4096), 0, RC_MS); /* a small cluster does not feel it */
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(it_begins_with_the_configured_and_oneself),   TEST(a_node_is_up_while_anybody_says_so),
        TEST(a_broker_vouches_for_a_node_in_its_role),     TEST(what_is_down_for_long_is_forgotten_but_the_configured),
        TEST(an_older_incarnation_does_not_move_a_node),   TEST(it_crosses_the_wire),
        TEST(a_removed_broker_loses_its_word_and_its_row), TEST(the_largest_map_fits_into_one_message),
        TEST(maps_take_no_more_than_their_rate),           TEST(what_lies_between_the_fields_of_a_node_is_no_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
