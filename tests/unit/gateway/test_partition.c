/* Hot rooms: what a room becomes for the core and what comes back to workers, and the option. */
#include "gateway/partition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct rc_buf *key(const char *text)
{
    return rc_buf_copy(text, strlen(text));
}

static void assert_key(const struct rc_buf *room, const char *text)
{
    if (room->len != strlen(text) || memcmp(room->data, text, room->len) != 0)
        fail_msg("%.*s is not %s", (int)room->len, (const char *)room->data, text);
}

static struct rc_partitions parsed(const char *list)
{
    struct rc_partitions p;
    char why[512] = "";
    if (!rc_partitions_parse(&p, list, why, sizeof why))
        fail_msg("%s: %s", list, why);
    return p;
}

/* ---- CONNECT ---- */

static void joins(const char *const *in, unsigned n, const char *const *out, unsigned total)
{
    struct rc_buf *room[RC_SOCKET_ROOMS_MAX];
    for (unsigned i = 0; i < n; i++)
        room[i] = key(in[i]);
    assert_int_equal(rc_partition_join(room, n), total);
    for (unsigned i = 0; i < total; i++) {
        assert_key(room[i], out[i]);
        rc_buf_rele(room[i]);
    }
}

static void a_shared_room_is_joined_in_all_its_partitions(void **state)
{
    (void)state;
    joins((const char *[]){"/,user:ana", "/,admins"}, 2,
          (const char *[]){"/,user:ana", "/,admins/0", "/,admins/1", "/,admins/2", "/,admins/3"}, 5);
    joins((const char *[]){"/soporte,admins", "/soporte,user:ana"}, 2,
          (const char *[]){"/soporte,admins/0", "/soporte,admins/1", "/soporte,admins/2", "/soporte,admins/3",
                           "/soporte,user:ana"},
          5);
    joins((const char *[]){"/a:b,admins"}, 1,
          (const char *[]){"/a:b,admins/0", "/a:b,admins/1", "/a:b,admins/2", "/a:b,admins/3"}, 4);
}

static void rooms_of_somebody_stay_as_they_are(void **state)
{
    (void)state;
    static const char *const rooms[] = {"/,user:ana", "/,user:x,admins/0", "/,user:admins/1", "no-namespace", "/,"};
    joins(rooms, 5, rooms, 5);
}

static void too_many_are_refused_and_nothing_changes(void **state)
{
    (void)state;
    struct rc_buf *room[RC_SOCKET_ROOMS_MAX] = {key("/,a"), key("/,b"), key("/,user:c")};
    assert_int_equal(rc_partition_join(room, 2 + 1), 0);
    assert_key(room[0], "/,a");
    assert_key(room[2], "/,user:c");
    rc_buf_rele(room[2]);
    assert_int_equal(rc_partition_join(&room[1], 1), 4);
    for (unsigned i = 0; i < 5; i++)
        rc_buf_rele(room[i]);
}

/* ---- EMIT ---- */

/* The number of the partition that this socket writes to. */
static unsigned partition(const struct rc_partitions *p, uint64_t socket, const char *room)
{
    struct rc_emit emit = {.socket = socket, .n = 2, .room = {key("/,user:ana"), key(room)}};
    rc_partition_emit(p, &emit);
    assert_key(emit.room[0], "/,user:ana");
    size_t len = strlen(room);
    assert_int_equal(emit.room[1]->len, len + 2);
    assert_memory_equal(emit.room[1]->data, room, len);
    assert_int_equal(emit.room[1]->data[len], '/');
    unsigned number = (unsigned)emit.room[1]->data[len + 1] - '0';
    rc_buf_rele(emit.room[0]);
    rc_buf_rele(emit.room[1]);
    return number;
}

static void a_socket_writes_to_one_partition(void **state)
{
    (void)state;
    struct rc_partitions p = parsed("ventas=3,admins=4");
    for (uint64_t socket = 1; socket < 100; socket++)
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(partition(&p, socket, "/,admins"), partition(&p, socket, "/soporte,admins"));
            assert_in_range(partition(&p, socket, "/,ventas"), 0, 2);
        }
}

static void sockets_are_spread_evenly(void **state)
{
    (void)state;
    struct rc_partitions p = parsed("admins=4");
    unsigned count[RC_PARTITIONS] = {0};
    for (uint64_t worker = 0; worker < 4; worker++)
        for (uint64_t n = 1; n <= 1000; n++)
            count[partition(&p, worker << 48 | n, "/,admins")]++;
    for (unsigned i = 0; i < RC_PARTITIONS; i++)
        assert_in_range(count[i], 900, 1100);
}

static void without_a_rule_all_write_to_the_first(void **state)
{
    (void)state;
    struct rc_partitions p = parsed("admins=4,ventas=1");
    for (uint64_t socket = 1; socket < 100; socket++) {
        assert_int_equal(partition(&p, socket, "/,ventas"), 0);
        assert_int_equal(partition(&p, socket, "/,otros"), 0);
        assert_int_equal(partition(&p, socket, "/,admin"), 0);
    }
}

/* Rule of the cluster: whatever is written to, everybody has joined it. */
static void every_gateway_has_joined_what_any_writes_to(void **state)
{
    (void)state;
    static const char *const lists[] = {"", "admins=1", "admins=2", "admins=3", "admins=4"};
    struct rc_buf *joined[RC_SOCKET_ROOMS_MAX] = {key("/,admins")};
    unsigned n = rc_partition_join(joined, 1);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct rc_partitions p = parsed(lists[i]);
        for (uint64_t socket = 1; socket < 200; socket++) {
            struct rc_emit emit = {.socket = socket, .n = 1, .room = {key("/,admins")}};
            bool found = false;
            rc_partition_emit(&p, &emit);
            for (unsigned j = 0; j < n; j++)
                found |= rc_buf_equal(emit.room[0], joined[j]);
            assert_true(found);
            rc_buf_rele(emit.room[0]);
        }
    }
    for (unsigned j = 0; j < n; j++)
        rc_buf_rele(joined[j]);
}

/* ---- DELIVER ---- */

static void comes_back(const char *room, const char *except, const char *room_out, const char *except_out)
{
    struct rc_msg msg = {.origin = "g", .seq = 7, .room = key(room), .payload = key("hola")};
    msg.except = except ? key(except) : NULL;
    struct rc_msg whole = rc_partition_whole(&msg);
    rc_msg_rele(&msg);
    assert_key(whole.room, room_out);
    if (except)
        assert_key(whole.except, except_out);
    else
        assert_null(whole.except);
    assert_key(whole.payload, "hola");
    assert_string_equal(whole.origin, "g");
    assert_int_equal(whole.seq, 7);
    rc_msg_rele(&whole);
}

static void deliveries_come_back_as_the_room(void **state)
{
    (void)state;
    comes_back("/,admins/3", "/,user:ana", "/,admins", "/,user:ana");
    comes_back("/soporte/2,admins/0", NULL, "/soporte/2,admins", NULL);
    comes_back("/,user:ana", "/,admins/1", "/,user:ana", "/,admins");
    comes_back("/,user:x/0", NULL, "/,user:x/0", NULL);
    comes_back("/,user:a,admins/0", NULL, "/,user:a,admins/0", NULL);
    comes_back("/,admins", NULL, "/,admins", NULL);
    comes_back("/,/0", NULL, "/,/0", NULL);
}

/* ---- the option ---- */

static void lists_are_read(void **state)
{
    (void)state;
    assert_int_equal(parsed("").n, 0);
    struct rc_partitions p = parsed("admins=4,sala_2-x=1");
    assert_int_equal(p.n, 2);
    assert_string_equal(p.rule[0].name, "admins");
    assert_int_equal(p.rule[0].count, 4);
    assert_string_equal(p.rule[1].name, "sala_2-x");
    assert_int_equal(p.rule[1].count, 1);
}

static void refuses(const char *list, const char *wrong)
{
    struct rc_partitions p;
    char why[512] = "";
    assert_false(rc_partitions_parse(&p, list, why, sizeof why));
    if (!strstr(why, wrong) || !strstr(why, "right is a list such as admins=4"))
        fail_msg("%s: %s", list, why);
}

static void lists_are_checked(void **state)
{
    (void)state;
    refuses("admins", "\"admins\" is not a room's name");
    refuses("admins=", "\"admins=\" is not a room's name");
    refuses("=4", "\"=4\" is not a room's name");
    refuses("admins=4,", "\"\" is not a room's name");
    refuses("user:ana=2", "\"user:ana=2\" is not a room's name");
    refuses("/,admins=2", "\"/\" is not a room's name");
    refuses("admins=0", "\"admins=0\" has not 1 to 4");
    refuses("admins=5", "every gateway of a cluster joins 4 partitions");
    refuses("admins=44", "\"admins=44\" has not 1 to 4");
    refuses("a=1,b=x", "\"b=x\" has not 1 to 4");
    refuses("admins=2,a=1,admins=2", "\"admins=2\" names a room that is there already");
}

static void lists_are_bounded(void **state)
{
    (void)state;
    char list[1024] = "a0=1", name[RC_PARTITION_NAME_MAX + 2];
    for (int i = 1; i < RC_PARTITION_RULES_MAX; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), ",a%d=2", i);
    assert_int_equal(parsed(list).n, RC_PARTITION_RULES_MAX);
    strcat(list, ",b=1");
    refuses(list, "\"b=1\" is one too many: 16 rooms");
    memset(name, 'a', sizeof name);
    snprintf(list, sizeof list, "%.*s=2", RC_PARTITION_NAME_MAX, name);
    assert_int_equal(strlen(parsed(list).rule[0].name), RC_PARTITION_NAME_MAX);
    snprintf(list, sizeof list, "%.*s=2", RC_PARTITION_NAME_MAX + 1, name);
    refuses(list, "has a name of more than 64 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shared_room_is_joined_in_all_its_partitions),
        cmocka_unit_test(rooms_of_somebody_stay_as_they_are),
        cmocka_unit_test(too_many_are_refused_and_nothing_changes),
        cmocka_unit_test(a_socket_writes_to_one_partition),
        cmocka_unit_test(sockets_are_spread_evenly),
        cmocka_unit_test(without_a_rule_all_write_to_the_first),
        cmocka_unit_test(every_gateway_has_joined_what_any_writes_to),
        cmocka_unit_test(deliveries_come_back_as_the_room),
        cmocka_unit_test(lists_are_read),
        cmocka_unit_test(lists_are_checked),
        cmocka_unit_test(lists_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
