/* The cast: who hears whom is the same from both sides, and as many as a message has copies. */
#include "scenario/cast.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Whether the rules of the chat bring a message of sender to client. */
static bool reaches(const struct rc_cast *cast, uint32_t sender, uint32_t client)
{
    bool to_admins = !rc_cast_is_admin(cast, sender) && rc_cast_is_admin(cast, client);
    return to_admins || rc_cast_addressee(cast, sender) == client;
}

static void check(const struct rc_cast *cast)
{
    uint32_t clients = rc_cast_clients(cast);
    for (uint32_t number = 0; number < rc_cast_senders(cast); number++) {
        uint32_t sender = rc_cast_sender(cast, number), copies = 0;
        assert_int_equal(rc_cast_sender_number(cast, sender), number);
        for (uint32_t client = 0; client < clients; client++) {
            uint32_t source = rc_cast_source_number(cast, client, sender);
            assert_int_equal(source != RC_NOBODY, reaches(cast, sender, client));
            if (source != RC_NOBODY) {
                assert_true(source < rc_cast_sources(cast, client));
                assert_int_equal(rc_cast_source(cast, client, source), sender);
                copies++;
            }
        }
        assert_int_equal(copies, rc_cast_copies(cast, sender));
    }
}

static void test_all_kinds(void **state)
{
    const enum rc_traffic_kind kinds[] = {RC_TRAFFIC_ROOM, RC_TRAFFIC_DIRECT, RC_TRAFFIC_MIXED};
    (void)state;
    for (size_t kind = 0; kind < 3; kind++) {
        for (uint32_t admins = 0; admins < 6; admins++) {
            for (uint32_t users = 1; users < 6; users++) {
                check(&(struct rc_cast){kinds[kind], admins, users});
            }
        }
    }
}

static void test_none(void **state)
{
    const struct rc_cast cast = {RC_TRAFFIC_NONE, 2, 3};
    (void)state;
    assert_int_equal(rc_cast_senders(&cast), 0);
    assert_int_equal(rc_cast_sources(&cast, 0), 0);
    assert_int_equal(rc_cast_sender_number(&cast, 4), RC_NOBODY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_kinds), cmocka_unit_test(test_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
