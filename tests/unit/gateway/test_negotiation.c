/* Accept-Encoding and If-None-Match, as they come. */
#include "gateway/script/negotiation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define TAG "\"12ab\""

/* A request with up to two fields of this name. */
static struct rc_http_request with(const char *name, const char *first, const char *second)
{
    static struct rc_http_field fields[3];
    fields[0] = (struct rc_http_field){"host", "x"};
    fields[1] = (struct rc_http_field){name, first};
    fields[2] = (struct rc_http_field){name, second};
    return (struct rc_http_request){.headers = second ? 3 : first ? 2 : 1, .header = fields};
}

static void weighs_codings(void **state)
{
    static const struct {
        const char *first, *second;
        unsigned gzip, identity;
    } rows[] = {
        {NULL, NULL, 1, 1000},
        {"", NULL, 0, 1},
        {"gzip", NULL, 1000, 1},
        {"GZip", NULL, 1000, 1},
        {"x-gzip", NULL, 1000, 1},
        {"gzip, deflate, br", NULL, 1000, 1},
        {"deflate,br,gzip", NULL, 1000, 1},
        {"deflate", "gzip;q=0.5", 500, 1},
        {"gzip;q=0", NULL, 0, 1},
        {"gzip;q=0.000, *", NULL, 0, 1000},
        {"gzip ;\tQ=0.25 , identity; q=0.5", NULL, 250, 500},
        {"*", NULL, 1000, 1000},
        {"*;q=0", NULL, 0, 0},
        {"identity;q=0, gzip;q=1.0", NULL, 1000, 0},
        {"gzip;q=0.001", NULL, 1, 1},
        {"gzipped, notgzip, gzi", NULL, 0, 1},
        {",, ,gzip,", NULL, 1000, 1},
        {"gzip;q=", NULL, 0, 1},
        {"gzip;q=1.1", NULL, 0, 1},
        {"gzip;q=9", NULL, 0, 1},
        {"gzip;q=-1", NULL, 0, 1},
        {"gzip;q=0.1234", NULL, 0, 1},
        {"gzip;q=0,5", NULL, 0, 1},
        {"gzip;level=9", NULL, 0, 1},
        {"gzip;", NULL, 0, 1},
        {";;gzip", NULL, 0, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rc_http_request request = with("accept-encoding", rows[i].first, rows[i].second);
        struct rc_codings got = rc_codings_read(&request);
        if (got.gzip != rows[i].gzip || got.identity != rows[i].identity)
            fail_msg("\"%s\": gzip %u, identity %u", rows[i].first ? rows[i].first : "(none)", got.gzip, got.identity);
    }
}

static void finds_tags(void **state)
{
    static const struct {
        const char *first, *second;
        bool listed;
    } rows[] = {
        {NULL, NULL, false},
        {TAG, NULL, true},
        {"W/" TAG, NULL, true},
        {"\"x\", " TAG, NULL, true},
        {"\"x\",W/" TAG ",\"y\"", NULL, true},
        {"\"x\"", TAG, true},
        {"*", NULL, true},
        {"", NULL, false},
        {"12ab", NULL, false},
        {"12ab, " TAG, NULL, true},
        {"\"12AB\"", NULL, false},
        {"\"12ab", NULL, false},
        {"\"12a\", \"12abc\"", NULL, false},
        {"\"x," TAG ",\"", NULL, false}, /* the tags are `x,` and `,` */
        {"\"*\"", NULL, false},
        {"w/" TAG, NULL, false},
        {"W/", NULL, false},
        {",,, ", NULL, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rc_http_request request = with("if-none-match", rows[i].first, rows[i].second);
        if (rc_etag_listed(&request, TAG) != rows[i].listed)
            fail_msg("%s: should be %d", rows[i].first, rows[i].listed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weighs_codings),
        cmocka_unit_test(finds_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
