/* Secrets: what is accepted, and the words for what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "secret.h"

#define ENV  "ROOMCAST_TEST_SECRET"
#define GOOD "0123456789abcdef0123456789abcdef"

static char directory[] = "/tmp/roomcast-secret-XXXXXX";
static char path[64];
static char why[RC_SECRET_WHY];
static struct rc_secret secret;

static void put_file(const void *bytes, size_t len, mode_t mode)
{
    unlink(path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static bool load(const char *from)
{
    why[0] = '\0';
    return rc_secret_load(&secret, "cluster.secret_file", from, ENV, why);
}

static void refused(const char *from, const char *words)
{
    assert_false(load(from));
    assert_null(secret.bytes);
    if (!strstr(why, words)) {
        fail_msg("\"%s\" is not in \"%s\"", words, why);
    }
    assert_non_null(strstr(why, "cluster.secret_file"));
}

static int set_up(void **state)
{
    (void)state;
    unsetenv(ENV);
    return 0;
}

static void reads_a_private_file(void **state)
{
    (void)state;
    static const char *const endings[] = {"", "\n", "\r\n"};
    for (size_t i = 0; i < 3; i++) {
        char text[64];
        int len = snprintf(text, sizeof text, "%s%s", GOOD, endings[i]);
        put_file(text, (size_t)len, 0600);
        assert_true(load(path));
        assert_int_equal(secret.len, 32);
        assert_memory_equal(secret.bytes, GOOD, 32);
        rc_secret_fini(&secret);
        assert_null(secret.bytes);
    }
    put_file(GOOD "\n\n", 34, 0400); /* one newline only is no part of it */
    assert_true(load(path));
    assert_int_equal(secret.len, 33);
    rc_secret_fini(&secret);
    put_file("\0\1\2\3" GOOD, 36, 0600);
    assert_true(load(path));
    assert_int_equal(secret.len, 36);
    rc_secret_fini(&secret);
}

static void password_may_be_short_and_is_a_string(void **state)
{
    (void)state;
    put_file("x\n", 2, 0600);
    assert_true(rc_secret_password(&secret, "sql.password_file", path, why));
    assert_string_equal((const char *)secret.bytes, "x");
    rc_secret_fini(&secret);
    put_file("\n", 1, 0600);
    assert_false(rc_secret_password(&secret, "sql.password_file", path, why));
    assert_non_null(strstr(why, "the password in "));
    put_file("x", 1, 0640);
    assert_false(rc_secret_password(&secret, "sql.password_file", path, why));
    assert_non_null(strstr(why, "chmod 600"));
}

static void prefers_the_environment(void **state)
{
    (void)state;
    put_file(GOOD, 32, 0600);
    setenv(ENV, "from-the-environment-0123456789abcdef", 1);
    assert_true(load(path));
    assert_memory_equal(secret.bytes, "from-the", 8);
    rc_secret_fini(&secret);
    setenv(ENV, "", 1); /* empty is not given */
    assert_true(load(path));
    assert_memory_equal(secret.bytes, GOOD, 32);
    rc_secret_fini(&secret);
}

static void names_both_ways_when_there_is_none(void **state)
{
    (void)state;
    refused("", "0600");
    assert_non_null(strstr(why, ENV));
    assert_false(rc_secret_given("", ENV));
    assert_true(rc_secret_given("x", ENV));
    setenv(ENV, GOOD, 1);
    assert_true(rc_secret_given("", ENV));
}

static void refuses_what_others_may_use(void **state)
{
    (void)state;
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0644, 0610};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        put_file(GOOD, 32, modes[i]);
        refused(path, "chmod 600 ");
        assert_non_null(strstr(why, path));
    }
    put_file(GOOD, 32, 0600);
    if (geteuid() == 0 && chown(path, 12345, 0) == 0) {
        assert_true(load(path) == false); /* not ours, though root could read it */
        assert_non_null(strstr(why, "12345"));
    }
}

static void refuses_what_is_no_file(void **state)
{
    (void)state;
    refused("/nonexistent/secret", "No such file");
    refused(directory, "regular file");
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0); /* must not wait for a writer either */
    refused(path, "regular file");
}

static void refuses_short_and_long_ones(void **state)
{
    (void)state;
    static char large[RC_SECRET_MAX + 10];
    memset(large, 'x', sizeof large);
    put_file(GOOD, 31, 0600);
    refused(path, "31 bytes");
    put_file("0123456789012345678901234567890\n", 32, 0600); /* 31 without the newline */
    refused(path, "31 bytes");
    put_file("", 0, 0600);
    refused(path, "0 bytes");
    put_file(large, RC_SECRET_MAX, 0600);
    assert_true(load(path));
    rc_secret_fini(&secret);
    put_file(large, RC_SECRET_MAX + 1, 0600);
    refused(path, "must have 32 to 4096");
    setenv(ENV, "short", 1);
    assert_false(load(""));
    assert_non_null(strstr(why, ENV));
    assert_null(strstr(why, "short ")); /* the secret itself is never shown */
}

static void compares(void **state)
{
    (void)state;
    struct rc_secret none = {0};
    setenv(ENV, GOOD, 1);
    assert_true(load(""));
    assert_true(rc_secret_equal(&secret, GOOD, 32));
    assert_false(rc_secret_equal(&secret, GOOD, 31));
    assert_false(rc_secret_equal(&secret, "1123456789abcdef0123456789abcdef", 32));
    assert_false(rc_secret_equal(&secret, "", 0));
    assert_false(rc_secret_equal(&none, "", 0));
    rc_secret_fini(&secret);
    rc_secret_fini(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(reads_a_private_file, set_up),
        cmocka_unit_test_setup(password_may_be_short_and_is_a_string, set_up),
        cmocka_unit_test_setup(prefers_the_environment, set_up),
        cmocka_unit_test_setup(names_both_ways_when_there_is_none, set_up),
        cmocka_unit_test_setup(refuses_what_others_may_use, set_up),
        cmocka_unit_test_setup(refuses_what_is_no_file, set_up),
        cmocka_unit_test_setup(refuses_short_and_long_ones, set_up),
        cmocka_unit_test_setup(compares, set_up),
    };
    if (!mkdtemp(directory)) {
        return 1;
    }
    snprintf(path, sizeof path, "%s/secret", directory);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    rmdir(directory);
    return failed;
}
