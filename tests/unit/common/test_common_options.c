/* The options that all daemons have: their defaults by role, and what does not fit together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common_options.h"
#include "exit.h"

#define SECRET "0123456789abcdef0123456789abcdef"

static struct rc_common common;
static struct rc_option_table table;
static char *err_text;

static struct rc_option_set set(void)
{
    return (struct rc_option_set){.program = "roomcast-test", .summary = "tests.", .tables = &table, .table_count = 1};
}

static void check(void *arg, struct rc_option_errors *errors)
{
    rc_common_check(arg, errors);
}

static int parse_argv(enum rc_role role, char **argv)
{
    size_t len;
    struct rc_option_set s = set();
    free(err_text);
    table = rc_common_table(&common, role);
    s.check = check;
    s.arg = &common;
    s.err = open_memstream(&err_text, &len);
    int code = rc_options_parse(&s, argv);
    assert_int_equal(fclose(s.err), 0);
    return code;
}

static void release(void)
{
    struct rc_option_set s = set();
    rc_options_free(&s);
    rc_common_fini(&common);
    memset(&common, 0, sizeof common);
}

#define PARSE(role, ...)                                                                                               \
    parse_argv(role, (char *[]){"roomcast-test", "--node.id=b1", "--cluster.brokers=b1=h:1,b2=h:2", __VA_ARGS__, NULL})

static void said(const char *words)
{
    if (!strstr(err_text, words)) {
        fail_msg("\"%s\" is not in:\n%s", words, err_text);
    }
}

static int set_up(void **state)
{
    (void)state;
    setenv("ROOMCAST_CLUSTER_SECRET", SECRET, 1);
    unsetenv("ROOMCAST_ADMIN_TOKEN");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    release();
    free(err_text);
    err_text = NULL;
    return 0;
}

static void has_ports_by_role(void **state)
{
    (void)state;
    static const struct {
        enum rc_role role;
        const char *link, *admin;
    } expected[] = {{RC_GATEWAY, "127.0.0.1:7400", "127.0.0.1:7401"},
                    {RC_BROKER, "127.0.0.1:7410", "127.0.0.1:7412"},
                    {RC_PERSISTER, "127.0.0.1:7420", "127.0.0.1:7421"}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(PARSE(expected[i].role, "--log.level=warn"), RC_OPTIONS_RUN);
        assert_string_equal(common.options.cluster_listen, expected[i].link);
        assert_string_equal(common.options.admin_listen, expected[i].admin);
        assert_int_equal(common.level, RC_WARN);
        assert_int_equal(common.brokers.count, 2);
        assert_memory_equal(common.secret.bytes, SECRET, 32);
        assert_null(common.admin_token.bytes);
        release();
    }
}

static void scales_and_overrides_times(void **state)
{
    (void)state;
    struct rc_times five;
    rc_times_default(&five, 500);
    assert_int_equal(PARSE(RC_BROKER, "--times.scale=500", "--times.retry=77"), RC_OPTIONS_RUN);
    assert_int_equal(common.times.h, five.h);
    assert_int_equal(common.times.r, 77 * RC_MS);
    five.r = common.times.r;
    assert_memory_equal(&common.times, &five, sizeof five);
}

static void refuses_times_that_break_a_promise(void **state)
{
    (void)state;
    assert_int_equal(PARSE(RC_BROKER, "--times.session=400"), RC_EXIT_CONFIG);
    said("times.session must be more than 4 times.heartbeat");
    release();
    assert_int_equal(PARSE(RC_BROKER, "--times.scale=9"), RC_EXIT_USAGE);
}

/* Each override reaches the field that its name says: a time that is far too short breaks a relation that names it. */
static void names_each_time_as_the_check_does(void **state)
{
    (void)state;
    static const char *const names[] = {"session", "gateway_lease", "member_lease", "list_lease", "act_lease",
                                        "wait",    "emit_give_up",  "connect",      "recent"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char flag[64], words[64];
        snprintf(flag, sizeof flag, "--times.%s=1", names[i]);
        snprintf(words, sizeof words, "times.%s", names[i]);
        assert_int_equal(PARSE(RC_GATEWAY, flag), RC_EXIT_CONFIG);
        assert_ptr_equal(strstr(err_text, words), err_text); /* the relation's subject comes first */
        release();
    }
}

static void tells_all_that_does_not_fit(void **state)
{
    (void)state;
    setenv("ROOMCAST_CLUSTER_SECRET", "short", 1);
    assert_int_equal(
        PARSE(RC_BROKER, "--node.id=b 3", "--cluster.brokers=b1=h", "--times.session=1", "--admin.listen=0.0.0.0:1"),
        RC_EXIT_CONFIG);
    said("node.id: \"b 3\" must be");
    said("cluster.brokers: \"b1=h\" has no port");
    said("times.session must");
    said("ROOMCAST_CLUSTER_SECRET has 5 bytes");
    said("admin.listen: 0.0.0.0:1 can be reached from other machines, so set admin.token_file or ROOMCAST_ADMIN_TOKEN");
}

static void a_broker_is_in_its_list(void **state)
{
    (void)state;
    assert_int_equal(PARSE(RC_BROKER, "--node.id=b3"), RC_EXIT_CONFIG);
    said("this broker, node.id b3, is not in the list");
    release();
    assert_int_equal(PARSE(RC_GATEWAY, "--node.id=g1"), RC_OPTIONS_RUN);
}

static void reads_the_log_level_again(void **state)
{
    (void)state;
    char *argv[] = {"roomcast-test", "--node.id=b1", "--cluster.brokers=b1=h:1", NULL};
    setenv("ROOMCAST_LOG_LEVEL", "warn", 1);
    assert_int_equal(parse_argv(RC_BROKER, argv), RC_OPTIONS_RUN);
    rc_common_log(&common);
    assert_false(rc_log_on(RC_DEBUG));
    struct rc_option_set s = set();
    setenv("ROOMCAST_LOG_LEVEL", "loud", 1);
    rc_common_reload(&common, &s, argv, NULL);
    assert_int_equal(common.level, RC_WARN);
    setenv("ROOMCAST_LOG_LEVEL", "debug", 1);
    rc_common_reload(&common, &s, argv, NULL);
    assert_true(rc_log_on(RC_DEBUG));
    unsetenv("ROOMCAST_LOG_LEVEL");
    rc_log_level(RC_INFO);
}

static void needs_a_secret(void **state)
{
    (void)state;
    unsetenv("ROOMCAST_CLUSTER_SECRET");
    assert_int_equal(PARSE(RC_GATEWAY, "--log.format=json"), RC_EXIT_CONFIG);
    said("cluster.secret_file is not set");
    said("ROOMCAST_CLUSTER_SECRET");
}

static void takes_an_admin_token(void **state)
{
    (void)state;
    setenv("ROOMCAST_ADMIN_TOKEN", SECRET "-token", 1);
    assert_int_equal(PARSE(RC_GATEWAY, "--admin.listen=0.0.0.0:7401"), RC_OPTIONS_RUN);
    assert_int_equal(common.admin_token.len, 38);
    release();
    setenv("ROOMCAST_ADMIN_TOKEN", "short", 1);
    assert_int_equal(PARSE(RC_GATEWAY, "--log.level=info"), RC_EXIT_CONFIG);
    said("ROOMCAST_ADMIN_TOKEN has 5 bytes");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(has_ports_by_role),
        TEST(scales_and_overrides_times),
        TEST(refuses_times_that_break_a_promise),
        TEST(names_each_time_as_the_check_does),
        TEST(tells_all_that_does_not_fit),
        TEST(a_broker_is_in_its_list),
        TEST(reads_the_log_level_again),
        TEST(needs_a_secret),
        TEST(takes_an_admin_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
