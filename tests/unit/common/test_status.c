/* The status: its JSON, the rates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "status.h"

#define SECOND ((int64_t)1000000)

static void rates_are_means_of_five_seconds(void **state)
{
    (void)state;
    struct rc_rate rate = {0};
    assert_true(rc_rate_per_s(&rate) == 0);
    rc_rate_sample(&rate, 1000, 7 * SECOND); /* what was before the first sample does not count */
    assert_true(rc_rate_per_s(&rate) == 0);
    rc_rate_sample(&rate, 1010, 8 * SECOND);
    assert_true(fabs(rc_rate_per_s(&rate) - 10) < 1e-9);
    rc_rate_sample(&rate, 1010, 10 * SECOND); /* a late sample */
    assert_true(fabs(rc_rate_per_s(&rate) - 10.0 / 3) < 1e-9);
    for (int i = 0; i < 20; i++) {
        rc_rate_sample(&rate, 2000 + 50 * (uint64_t)i, (20 + i) * SECOND);
    }
    assert_true(fabs(rc_rate_per_s(&rate) - 50) < 1e-9);
    for (int i = 0; i < 6; i++) {
        rc_rate_sample(&rate, 2950, (40 + i) * SECOND);
    }
    assert_true(rc_rate_per_s(&rate) == 0);
}

static const char *text(json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static json_int_t number(json_t *object, const char *key)
{
    assert_true(json_is_integer(json_object_get(object, key)));
    return json_integer_value(json_object_get(object, key));
}

static struct rc_status sample(void)
{
    return (struct rc_status){.name = "gateway-1",
                              .role = "gateway",
                              .state = "serving",
                              .reason = "of \"some\" kind",
                              .address = "http://127.0.0.1:8080",
                              .link = "127.0.0.1:7400",
                              .admin = "127.0.0.1:7401",
                              .incarnation = 1767225600000,
                              .connections = 1,
                              .relayed = 11,
                              .rooms = 2,
                              .messages_in = 3,
                              .messages_out = 4,
                              .messages_in_per_s = 0.5,
                              .messages_out_per_s = 1.5,
                              .queue_bytes = 5,
                              .lag = 6};
}

static void makes_json_of_all_keys(void **state)
{
    (void)state;
    static const struct rc_metric_info info[] = {{"clients", RC_GAUGE, "sockets", "Open."}};
    _Atomic uint64_t values[] = {9};
    _Atomic uint64_t *const copies[] = {values};
    const struct rc_metrics metrics = {"gateway", info, 1, copies, 1};
    const struct rc_status_node map[] = {{"gateway-1", "gateway", "127.0.0.1:7400", "", true, false},
                                         {"broker-1", "broker", "127.0.0.1:7410", "", false, true}};
    struct rc_status status = sample();
    status.metrics = &metrics;
    status.metrics_count = 1;
    static const struct rc_status_room rooms[] = {{"admins", 4}, {"ventas", 2}};
    status.partitioned = rooms;
    status.partitioned_count = 2;
    status.map = map;
    status.map_count = 2;
    char *json = rc_status_json(&status);
    json_t *root = json_loads(json, 0, NULL);
    assert_non_null(root);
    assert_int_equal(json_object_size(root), 23);
    assert_string_equal(text(root, "name"), "gateway-1");
    assert_string_equal(text(root, "role"), "gateway");
    assert_string_equal(text(root, "version"), RC_VERSION);
    assert_string_equal(text(root, "state"), "serving");
    assert_string_equal(text(root, "reason"), "of \"some\" kind");
    assert_string_equal(text(root, "address"), "http://127.0.0.1:8080");
    assert_string_equal(text(root, "link"), "127.0.0.1:7400");
    assert_string_equal(text(root, "admin"), "127.0.0.1:7401");
    assert_int_equal(number(root, "incarnation"), 1767225600000);
    assert_int_equal(number(root, "connections"), 1);
    assert_int_equal(number(root, "relayed"), 11);
    assert_int_equal(number(root, "rooms"), 2);
    assert_int_equal(number(root, "messages_in_total"), 3);
    assert_int_equal(number(root, "messages_out_total"), 4);
    assert_true(json_real_value(json_object_get(root, "messages_in_per_s")) == 0.5);
    assert_true(json_real_value(json_object_get(root, "messages_out_per_s")) == 1.5);
    assert_int_equal(number(root, "queue_bytes"), 5);
    assert_int_equal(number(root, "lag"), 6);
    assert_int_equal(json_object_size(json_object_get(root, "partitions")), 2);
    assert_int_equal(number(json_object_get(root, "partitions"), "admins"), 4);
    assert_int_equal(number(json_object_get(root, "partitions"), "ventas"), 2);
    assert_int_equal(number(json_object_get(root, "metrics"), "clients"), 9);
    json_t *second = json_array_get(json_object_get(root, "map"), 1);
    assert_string_equal(text(second, "name"), "broker-1");
    assert_true(json_is_false(json_object_get(second, "up")));
    assert_true(json_is_true(json_object_get(json_array_get(json_object_get(root, "map"), 0), "up")));
    json_decref(root);
    free(json);
}

static void measures_this_process(void **state)
{
    (void)state;
    struct rc_status status = sample();
    char *json = rc_status_json(&status);
    json_t *root = json_loads(json, 0, NULL);
    assert_in_range(number(root, "uptime_s"), 0, 600); /* of a test that just started, not of the machine */
    json_int_t before = number(root, "memory_bytes");
    assert_true(before > 100000);
    json_decref(root);
    free(json);
    size_t size = 64u << 20;
    void *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    assert_true(block != MAP_FAILED);
    json = rc_status_json(&status);
    root = json_loads(json, 0, NULL);
    assert_true(number(root, "memory_bytes") > before + (json_int_t)size / 2);
    json_decref(root);
    free(json);
    munmap(block, size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_means_of_five_seconds),
        cmocka_unit_test(makes_json_of_all_keys),
        cmocka_unit_test(measures_this_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
