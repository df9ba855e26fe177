/* The times of protocol.md 2: the defaults hold, and each broken relation names itself. */
#include "world.h"

static struct rc_times defaults(void)
{
    struct rc_times t;
    rc_times_default(&t, 100);
    return t;
}

static void the_defaults_are_those_of_the_protocol(void **state)
{
    (void)state;
    struct rc_times t = defaults();
    assert_null(rc_times_check(&t));
    assert_int_equal(t.h, 100 * RC_MS);
    assert_int_equal(t.tick, 50 * RC_MS);
    assert_int_equal(t.s, 1000 * RC_MS);
    assert_int_equal(t.l_g, 1500 * RC_MS);
    assert_int_equal(t.l_m, 800 * RC_MS);
    assert_int_equal(t.l_d, 2400 * RC_MS);
    assert_int_equal(t.l_a, 2900 * RC_MS);
    assert_int_equal(t.w, 3050 * RC_MS);
    assert_int_equal(t.r, 30 * RC_MS);
    assert_int_equal(t.e, 30000 * RC_MS);
    assert_int_equal(t.connect, 10000 * RC_MS);
    assert_int_equal(t.recent, 120000 * RC_MS);
}

static void a_scale_keeps_the_relations(void **state)
{
    (void)state;
    static const unsigned scale[] = {1, 20, 100, 500, 1000};
    for (size_t i = 0; i < sizeof scale / sizeof scale[0]; i++) {
        struct rc_times t;
        rc_times_default(&t, scale[i]);
        assert_null(rc_times_check(&t));
        assert_int_equal(t.l_a, 29 * RC_MS * scale[i]);
    }
}

#define BREAKS(field, value, words)                                                                                    \
    do {                                                                                                               \
        struct rc_times t = defaults();                                                                                \
        t.field = (value);                                                                                             \
        const char *why = rc_times_check(&t);                                                                          \
        assert_non_null(why);                                                                                          \
        assert_non_null(strstr(why, words));                                                                           \
    } while (0)
#define HOLDS(field, value)                                                                                            \
    do {                                                                                                               \
        struct rc_times t = defaults();                                                                                \
        t.field = (value);                                                                                             \
        assert_null(rc_times_check(&t));                                                                               \
    } while (0)

/* Each at its edge: the nearest value that is wrong, and the nearest that is right. */
static void each_broken_relation_names_itself(void **state)
{
    (void)state;
    struct rc_times d = defaults();
    BREAKS(h, 0, "times.tick");
    BREAKS(tick, 0, "times.tick");
    BREAKS(tick, d.h + 1, "times.tick");
    BREAKS(s, 4 * d.h, "times.session must be more than 4");
    BREAKS(l_g, d.s, "times.gateway_lease (L_g) must");
    BREAKS(l_m, 4 * d.h, "times.member_lease (L_m) must");
    BREAKS(l_d, (d.l_g + d.l_m) * 102 / 100 - 1, "times.list_lease (L_d) must");
    BREAKS(l_a, d.l_d + 4 * d.h - 1, "times.act_lease (L_a) must");
    BREAKS(w, d.l_a * 102 / 100 + d.tick - 1, "times.wait (W) must");
    BREAKS(r, 0, "times.retry (R) must");
    BREAKS(e, 3 * d.w, "times.emit_give_up (E) must");
    BREAKS(connect, d.s + d.w, "times.connect must");
    BREAKS(recent, d.e + d.w, "times.recent must");
    HOLDS(s, 4 * d.h + 1);
    HOLDS(l_g, d.s + 1);
    HOLDS(l_m, 4 * d.h + 1);
    HOLDS(l_d, (d.l_g + d.l_m) * 102 / 100);
    HOLDS(l_a, d.l_d + 4 * d.h);
    HOLDS(w, d.l_a * 102 / 100 + d.tick);
    HOLDS(r, 1);
    HOLDS(e, 3 * d.w + 1);
    HOLDS(connect, d.s + d.w + 1);
    HOLDS(recent, d.e + d.w + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_of_the_protocol),
        cmocka_unit_test(a_scale_keeps_the_relations),
        cmocka_unit_test(each_broken_relation_names_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
