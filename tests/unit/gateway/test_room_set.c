/* Rooms of a worker's sockets. */
#include "gateway/sio/room_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct rc_buf *key(const char *name)
{
    return rc_buf_copy(name, strlen(name));
}

static void test_enter_and_leave(void **state)
{
    (void)state;
    struct rc_room_set set;
    struct rc_buf *room[3] = {key("/,a"), key("/,b"), key("/,a")};
    struct rc_occupant one = {0}, two = {0};
    rc_room_set_init(&set, 1);
    assert_null(rc_room_set_find(&set, room[0]));
    rc_room_set_enter(&set, &one, room, 3); /* /,a twice: counts once */
    rc_room_set_enter(&set, &two, room, 1);
    struct rc_room *a = rc_room_set_find(&set, room[0]), *b = rc_room_set_find(&set, room[1]);
    assert_int_equal(a->n, 2);
    assert_int_equal(b->n, 1);
    assert_true(rc_occupant_in(&one, b));
    assert_false(rc_occupant_in(&two, b));
    rc_room_set_leave(&set, &one);
    assert_null(rc_room_set_find(&set, room[1]));
    assert_int_equal(a->n, 1);
    assert_ptr_equal(rc_room_occupants(a)[0], &two);
    rc_room_set_leave(&set, &one); /* again: nothing */
    rc_room_set_leave(&set, &two);
    assert_int_equal(set.rooms.count, 0);
    rc_room_set_fini(&set);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(room[i]->refs, 1); /* no reference was left behind */
        rc_buf_rele(room[i]);
    }
}

static void test_no_rooms(void **state)
{
    (void)state;
    struct rc_room_set set;
    struct rc_occupant who = {0};
    rc_room_set_init(&set, 1);
    rc_room_set_enter(&set, &who, NULL, 0);
    rc_room_set_leave(&set, &who);
    rc_room_set_fini(&set);
}

/* Many random entries and leaves against a plain table. */
static void test_against_model(void **state)
{
    (void)state;
    enum { WHO = 50, ROOMS = 7 };
    struct rc_room_set set;
    struct rc_occupant who[WHO] = {{0}};
    bool in[WHO][ROOMS] = {{false}};
    struct rc_buf *room[ROOMS];
    for (int r = 0; r < ROOMS; r++)
        room[r] = key((const char[]){'/', ',', (char)('a' + r), 0});
    rc_room_set_init(&set, 42);
    srand(7);
    for (int step = 0; step < 5000; step++) {
        int w = rand() % WHO;
        rc_room_set_leave(&set, &who[w]);
        memset(in[w], 0, sizeof(in[w]));
        struct rc_buf *chosen[3];
        unsigned n = (unsigned)rand() % 4;
        for (unsigned i = 0; i < n; i++) {
            int r = rand() % ROOMS;
            chosen[i] = room[r];
            in[w][r] = true;
        }
        rc_room_set_enter(&set, &who[w], chosen, n);
        for (int r = 0; r < ROOMS; r++) {
            const struct rc_room *found = rc_room_set_find(&set, room[r]);
            uint32_t members = 0;
            for (int i = 0; i < WHO; i++) {
                members += in[i][r];
                assert_int_equal(found && rc_occupant_in(&who[i], found), in[i][r]);
            }
            assert_int_equal(found ? found->n : 0, members);
            for (uint32_t i = 0; i < members; i++)
                assert_true(rc_occupant_in(rc_room_occupants(found)[i], found));
        }
    }
    for (int w = 0; w < WHO; w++)
        rc_room_set_leave(&set, &who[w]);
    rc_room_set_fini(&set);
    for (int r = 0; r < ROOMS; r++)
        rc_buf_rele(room[r]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_enter_and_leave),
        cmocka_unit_test(test_no_rooms),
        cmocka_unit_test(test_against_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
