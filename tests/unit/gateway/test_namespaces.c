/* The list of namespaces: what it becomes, and what is wrong with others. */
#include "gateway/sio/namespaces.h"
#include "gateway/sio/sio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void becomes(const char *list, unsigned n, const char *const *names)
{
    char why[512] = "";
    const char *const *made = rc_namespaces_new(list, why, sizeof why);
    assert_string_equal(why, "");
    for (unsigned i = 0; i < n; i++) {
        assert_string_equal(made[i], names[i]);
    }
    assert_null(made[n]);
    rc_namespaces_free(made);
}

static void refuses(const char *list, const char *wrong)
{
    char why[512] = "";
    assert_null(rc_namespaces_new(list, why, sizeof why));
    if (!strstr(why, wrong) || !strstr(why, "right are names such as / and /soporte")) {
        fail_msg("%s: %s", list, why);
    }
}

static void names_are_split(void **state)
{
    (void)state;
    becomes("/", 1, (const char *[]){"/"});
    becomes("/soporte", 1, (const char *[]){"/soporte"});
    becomes("/,/soporte,/soporte/2,/ñandú,/Soporte", 5,
            (const char *[]){"/", "/soporte", "/soporte/2", "/ñandú", "/Soporte"});
}

static void names_are_checked(void **state)
{
    (void)state;
    refuses("", "\"\" does not begin with a slash");
    refuses("soporte", "\"soporte\" does not begin with a slash");
    refuses("/a,b", "\"b\" does not begin with a slash");
    refuses("/,", "\"\" does not begin with a slash");
    refuses("/a,/b,/a", "\"/a\" is there twice");
    refuses("/a?b", "has a '?'");
    refuses("/a\x01", "has control characters");
    refuses("/a\x7f", "has control characters");
    refuses("/a\xff", "is not UTF-8");
}

static void names_are_bounded(void **state)
{
    (void)state;
    char name[256], list[1024] = "/0";
    memset(name, 'a', sizeof name);
    name[0] = '/';
    name[RC_NSP_MAX] = '\0';
    becomes(name, 1, (const char *[]){name});
    name[RC_NSP_MAX] = 'a';
    name[RC_NSP_MAX + 1] = '\0';
    refuses(name, "is longer than 128 bytes");
    for (int i = 1; i < RC_NAMESPACES_MAX; i++) {
        sprintf(list + strlen(list), ",/%d", i);
    }
    char why[512];
    const char *const *made = rc_namespaces_new(list, why, sizeof why);
    assert_string_equal(made[RC_NAMESPACES_MAX - 1], "/63");
    assert_null(made[RC_NAMESPACES_MAX]);
    rc_namespaces_free(made);
    strcat(list, ",/more");
    refuses(list, "\"/more\" is one too many");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_split),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(names_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
