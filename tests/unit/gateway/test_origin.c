/* Origins: what may stand in cors.origins, who is let in, what the answers say, what is logged. */
#include "gateway/http/origin.h"
#include "http_client.h"

#include <unistd.h>

static struct rc_origins *origins;
static struct rc_origin_guard guard;

static void allow(const char *list)
{
    char why[512];
    rc_origins_free(origins);
    origins = rc_origins_new(list, why, sizeof why);
    if (!origins) {
        fail_msg("%s: %s", list, why);
    }
    guard = (struct rc_origin_guard){.origins = origins, .values = server_values};
}

static int tear_down(void **state)
{
    (void)state;
    rc_origins_free(origins);
    origins = NULL;
    rc_metric_set(&server_values[GM_ORIGINS_REFUSED], 0);
    return 0;
}

/* ---- the option ---- */

static void list_is_checked(void **state)
{
    (void)state;
    static const struct {
        const char *list, *why;
    } table[] = {
        {"https://app.example/", "has something behind its host and port"},
        {"https://app.example/path", "has something behind its host and port"},
        {"https://app.example?x", "has something behind its host and port"},
        {"https://app.example#x", "has something behind its host and port"},
        {"app.example", "has no scheme"},
        {"app.example:3000", "has no scheme"},
        {"//app.example", "has no scheme"},
        {"://app.example", "has no scheme"},
        {"1http://app.example", "has no scheme"},
        {"ht tp://app.example", "has no scheme"},
        {"a23456789012345678901234567890123://x", "has no scheme"},
        {"wss://app.example", "is no page's origin"},
        {"ws://app.example", "is no page's origin"},
        {"Null", "has no scheme"},
        {"null:", "has no scheme"},
        {"**", "has no scheme"},
        {"https://*.example", "has a wildcard"},
        {"https://ana@app.example", "names a user"},
        {"https://ana:pass@app.example:3000", "names a user"},
        {"https://", "has a host that is neither"},
        {"https://:3000", "has a host that is neither"},
        {"https://ñandú.example", "has a host that is neither"},
        {"https://a b", "has a host that is neither"},
        {"https://[::1", "has a host that is neither"},
        {"https://[::1]x", "has a host that is neither"},
        {"https://[app.example]", "has a host that is neither"},
        {"https://[fe80::1%25eth0]", "has a host that is neither"},
        {"https://::1", "has a host that is neither"},
        {"https://app.example:", "has a port that is not"},
        {"https://app.example:0", "has a port that is not"},
        {"https://app.example:65536", "has a port that is not"},
        {"https://app.example:999999", "has a port that is not"},
        {"https://app.example:80a", "has a port that is not"},
        {"https://app.example:+80", "has a port that is not"},
        {"https://a.example,b.example", "\"b.example\" has no scheme"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char why[512] = "";
        struct rc_origins *made = rc_origins_new(table[i].list, why, sizeof why);
        if (made || !strstr(why, table[i].why) || !strstr(why, "as https://app.example")) {
            fail_msg("%s: %s", table[i].list, made ? "taken" : why);
        }
    }
}

static void list_is_bounded(void **state)
{
    (void)state;
    char list[8192] = "", why[512];
    for (int i = 0; i < RC_ORIGINS_MAX; i++) {
        sprintf(list + strlen(list), "%shttp://h%d", i ? "," : "", i);
    }
    allow(list);
    strcat(list, ",http://more");
    assert_null(rc_origins_new(list, why, sizeof why));
    assert_non_null(strstr(why, "\"http://more\" is one too many"));
    snprintf(list, sizeof list, "http://%0*d", RC_ORIGIN_MAX, 1);
    assert_null(rc_origins_new(list, why, sizeof why));
    assert_non_null(strstr(why, "longer"));
    snprintf(list, sizeof list, "http://%0*d", 254, 1); /* a host's bound */
    assert_null(rc_origins_new(list, why, sizeof why));
    snprintf(list, sizeof list, "http://%0*d:65535", 253, 1);
    allow(list);
}

/* ---- the judgement ---- */

static struct rc_http_field field[4];

/* Of these headers; NULL: absent. */
static const struct rc_http_request *request(const char *host, const char *origin, const char *second)
{
    static struct rc_http_request made;
    made = (struct rc_http_request){.method = "GET", .path = "/api/x", .query = "", .header = field};
    if (host) {
        field[made.headers++] = (struct rc_http_field){"host", host};
    }
    if (origin) {
        field[made.headers++] = (struct rc_http_field){"origin", origin};
    }
    if (second) {
        field[made.headers++] = (struct rc_http_field){"origin", second};
    }
    return &made;
}

static void judges(const char *host, const char *origin, enum rc_origin_verdict verdict)
{
    enum rc_origin_verdict got = rc_origin_judge(origins, request(host, origin, NULL));
    if (got != verdict) {
        fail_msg("origin %s at host %s: %d instead of %d", origin ? origin : "-", host ? host : "-", got, verdict);
    }
}

static void own_pages_are_let_in(void **state)
{
    (void)state;
    allow("");
    judges("app.example", NULL, RC_ORIGIN_ABSENT);
    static const char *const same[][2] = {
        {"app.example", "http://app.example"},
        {"app.example", "https://app.example"}, /* a proxy ended TLS */
        {"APP.example", "https://app.EXAMPLE"},
        {"app.example:443", "https://app.example"},
        {"app.example:80", "http://app.example"},
        {"app.example", "http://app.example:80"},
        {"app.example:8080", "https://app.example:8080"},
        {"localhost:3000", "http://localhost:3000"},
        {"127.0.0.1:3000", "http://127.0.0.1:3000"},
        {"[::1]:3000", "http://[::1]:3000"},
        {"[::1]", "https://[::1]"},
        {"[0:0:0:0:0:0:0:1]:443", "https://[::1]"},
        {"[2001:DB8::1]", "https://[2001:db8::1]"},
        {"xn--and-6ma2c.example", "https://xn--and-6ma2c.example"},
        {"a_b.example.", "https://a_b.example."},
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        judges(same[i][0], same[i][1], RC_ORIGIN_SAME);
    }
}

static void other_pages_are_refused(void **state)
{
    (void)state;
    static const char *const other[][2] = {
        {"app.example", "https://evil.example"},
        {"app.example", "https://app.example.evil.example"},
        {"app.example", "https://sub.app.example"},
        {"app.example", "https://app.exampl"},
        {"app.example", "https://app.example:8443"},
        {"app.example:8443", "https://app.example"},
        {"app.example:80", "https://app.example"},
        {"app.example", "null"},
        {"null", "null"},
        {"app.example", ""},
        {"app.example", "app.example"},
        {"app.example", "https://"},
        {"app.example", "https://app.example/"},
        {"app.example", "https://app.example/x"},
        {"app.example", "https://user@app.example"},
        {"user@app.example", "https://user@app.example"},
        {"app.example", "https://app.example@evil.example"},
        {"app.example", "https://app.example https://app.example"},
        {"app.example", "https://app.example, https://app.example"},
        {"app.example", "https://app.example:443:443"},
        {"app.example", "https://app.example:"},
        {"app.example:", "https://app.example"},
        {"app.example:x", "https://app.example"},
        {"app.example", "https://\xc3\xb1.example"},
        {"[::1]:3000", "http://[::2]:3000"},
        {"[::1", "http://[::1"},
        {"::1", "http://[::1]"},
        {"", "https://app.example"},
        {NULL, "https://app.example"}, /* HTTP/1.0 */
        {"localhost", "capacitor://localhost"},
        {"extension", "chrome-extension://extension"},
        {"app.example", "file://"},
        {"app.example", "*"},
    };
    allow("");
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        judges(other[i][0], other[i][1], RC_ORIGIN_REFUSED);
    }
    assert_int_equal(rc_origin_judge(origins, request("a", "http://a", "http://a")), RC_ORIGIN_REFUSED);
}

static void listed_pages_are_let_in(void **state)
{
    (void)state;
    allow(
        "https://App.Example,http://localhost:3000,HTTP://b:80,https://c:443,https://[0:0::1]:7,capacitor://localhost");
    static const char *const in[] = {
        "https://app.example", "https://app.example:443", "HTTPS://APP.EXAMPLE",  "http://localhost:3000", "http://b",
        "https://c",           "https://[::1]:7",         "capacitor://localhost"};
    static const char *const out[] = {"http://app.example",
                                      "https://app.example:444",
                                      "https://localhost:3000",
                                      "http://localhost",
                                      "https://b",
                                      "http://c",
                                      "https://c:80",
                                      "https://[::1]",
                                      "capacitor://localhost:1",
                                      "null",
                                      "*",
                                      "https://app.example/",
                                      "https://app.example,http://localhost:3000"};
    for (size_t i = 0; i < sizeof in / sizeof *in; i++) {
        judges("gateway", in[i], RC_ORIGIN_LISTED);
    }
    for (size_t i = 0; i < sizeof out / sizeof *out; i++) {
        judges("gateway", out[i], RC_ORIGIN_REFUSED);
    }
    assert_int_equal(rc_origin_judge(origins, request("a", "https://app.example", "https://app.example")),
                     RC_ORIGIN_REFUSED);
}

static void null_and_any_are_what_they_say(void **state)
{
    (void)state;
    allow("null,https://app.example");
    judges("gateway", "null", RC_ORIGIN_OPEN);
    judges("gateway", "Null", RC_ORIGIN_REFUSED);
    judges("gateway", "https://app.example", RC_ORIGIN_LISTED);
    judges("gateway", "https://evil.example", RC_ORIGIN_REFUSED);
    assert_int_equal(rc_origin_judge(origins, request("a", "null", "null")), RC_ORIGIN_REFUSED);
    allow("*,https://app.example");
    judges("gateway", "null", RC_ORIGIN_OPEN);
    judges("gateway", "garbage", RC_ORIGIN_OPEN);
    judges("gateway", "https://evil.example", RC_ORIGIN_OPEN);
    judges("gateway", "https://app.example", RC_ORIGIN_LISTED);
    judges("gateway", "https://gateway", RC_ORIGIN_SAME);
    judges("gateway", NULL, RC_ORIGIN_ABSENT);
}

static void long_values_are_refused(void **state)
{
    (void)state;
    static char host[16384], origin[sizeof host + 8];
    allow("");
    for (int len = 1; len < 16000; len = len * 3 / 2 + 1) {
        snprintf(host, sizeof host, "%0*d:65535", len, 1);
        snprintf(origin, sizeof origin, "https://%s", host);
        judges(host, origin, len <= 253 ? RC_ORIGIN_SAME : RC_ORIGIN_REFUSED);
        judges("gateway", host, RC_ORIGIN_REFUSED);
        judges(host, "https://gateway", RC_ORIGIN_REFUSED);
    }
}

/* ---- what answers say ---- */

static void says(const char *origin, const char *fields)
{
    char out[RC_ORIGIN_FIELDS];
    assert_string_equal(rc_origin_fields(&guard, request("gateway", origin, NULL), out), fields);
}

#define ALLOWED(origin) "Access-Control-Allow-Origin: " origin "\r\n"
#define CREDENTIALS     "Access-Control-Allow-Credentials: true\r\n"
#define VARY            "Vary: Origin\r\n"

static void fields_depend_on_the_verdict(void **state)
{
    (void)state;
    char out[RC_ORIGIN_FIELDS];
    allow("");
    says(NULL, VARY);
    says("http://gateway", VARY);
    says("http://other", VARY);
    allow("https://app.example,null");
    says(NULL, VARY);
    says("http://gateway", VARY);
    says("https://app.example", ALLOWED("https://app.example") CREDENTIALS VARY);
    says("https://App.example:443", ALLOWED("https://App.example:443") CREDENTIALS VARY); /* as it came */
    says("https://other", VARY);
    says("null", ALLOWED("null") VARY);
    allow("*");
    says(NULL, ALLOWED("*"));
    says("http://gateway", ALLOWED("*"));
    says("https://other", ALLOWED("*"));
    says("garbage\\", ALLOWED("*"));
    allow("*,https://app.example");
    says(NULL, ALLOWED("*") VARY);
    says("https://other", ALLOWED("*") VARY);
    says("https://app.example", ALLOWED("https://app.example") CREDENTIALS VARY);
    assert_string_equal(rc_origin_fields(NULL, request("gateway", "https://other", NULL), out), "");
}

static void longest_origin_fits_the_fields(void **state)
{
    (void)state;
    char origin[RC_ORIGIN_MAX + 1], wanted[1024];
    snprintf(origin, sizeof origin, "a2345678901234567890123456789012://%0*d:65535", 253, 1);
    allow(origin);
    snprintf(wanted, sizeof wanted, ALLOWED("%s") CREDENTIALS VARY, origin);
    says(origin, wanted);
}

/* ---- refusals ---- */

static FILE *log_file;
static int log_kept; /* standard error */

static void log_begins(void)
{
    log_file = tmpfile();
    log_kept = dup(STDERR_FILENO);
    dup2(fileno(log_file), STDERR_FILENO);
}

/* What was logged since it began. */
static const char *log_ends(void)
{
    static char text[4096];
    dup2(log_kept, STDERR_FILENO);
    close(log_kept);
    rewind(log_file);
    text[fread(text, 1, sizeof text - 1, log_file)] = '\0';
    assert_int_equal(fclose(log_file), 0);
    return text;
}

/* Of the refusals of n requests. */
static const char *log_of(unsigned n, const char *host, const char *origin)
{
    unsigned refused = 0;
    log_begins();
    for (unsigned i = 0; i < n; i++) {
        refused += !rc_origin_admit(&guard, request(host, origin, NULL));
    }
    const char *log = log_ends();
    assert_int_equal(refused, n);
    return log;
}

static void refusals_are_counted_and_logged_by_the_second(void **state)
{
    (void)state;
    allow("");
    const char *log = log_of(5, "app.example", "https://evil.example\"\n\xff");
    assert_non_null(strstr(log, " warn "));
    assert_non_null(strstr(log, "origin-refused origin=\"https://evil.example\\\"\\x0a\\xff\" host=\"app.example\" "
                                "path=\"/api/x\" unshown=0 hint=\"add it to cors.origins, or let the proxy keep the "
                                "Host header\"\n"));
    assert_ptr_equal(strchr(log, '\n'), log + strlen(log) - 1);
    assert_int_equal(rc_metric_get(&server_values[GM_ORIGINS_REFUSED]), 5);
    assert_string_equal(log_of(1, "app.example", "null"), "");
    guard.logged -= 1000 * RC_MS;
    assert_non_null(strstr(log_of(1, NULL, "null"), "origin=\"null\" host=\"\" path=\"/api/x\" unshown=5 "));
    guard.logged -= 1000 * RC_MS;
    assert_non_null(strstr(log_of(1, "a", "null"), "unshown=0 "));
    assert_int_equal(rc_metric_get(&server_values[GM_ORIGINS_REFUSED]), 8);
}

static void long_values_do_not_hide_the_hint(void **state)
{
    (void)state;
    static char value[16000];
    memset(value, '\x01', sizeof value - 1);
    allow("");
    const char *log = log_of(1, value, value);
    assert_non_null(strstr(log, "...\" host="));
    assert_non_null(strstr(log, "keep the Host header\"\n"));
}

static void open_lists_are_warned_of(void **state)
{
    (void)state;
    static const char *const lists[][2] = {{"", ""},
                                           {"https://app.example", ""},
                                           {"null", "warn - origins-open cors.origins=\"null\" hint="},
                                           {"https://app.example,*", "warn - origins-open cors.origins=\"*\" hint="}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        allow(lists[i][0]);
        log_begins();
        rc_origins_log(origins);
        const char *log = log_ends();
        assert_non_null(strstr(log, lists[i][1]));
        assert_int_equal(*log != '\0', *lists[i][1] != '\0');
    }
}

static void admits_without_counting(void **state)
{
    (void)state;
    allow("https://app.example");
    assert_true(rc_origin_admit(&guard, request("gateway", NULL, NULL)));
    assert_true(rc_origin_admit(&guard, request("gateway", "http://gateway", NULL)));
    assert_true(rc_origin_admit(&guard, request("gateway", "https://app.example", NULL)));
    assert_true(rc_origin_admit(NULL, request("gateway", "https://evil.example", NULL)));
    assert_int_equal(rc_metric_get(&server_values[GM_ORIGINS_REFUSED]), 0);
}

/* ---- preflights, through the server ---- */

static void on_options(void *self, const struct rc_http_request *http, struct rc_response *response)
{
    rc_origin_preflight(self, http, "GET, HEAD", response);
}

static void preflight(struct rc_origin_guard *of, const char *fields, const char *status)
{
    server_opens();
    rc_http_route(server, "OPTIONS", "/x", on_options, of);
    client_connects();
    client_asks("OPTIONS", "/x", "1.1", "gateway", fields);
    assert_memory_equal(client->out, status, strlen(status));
    assert_false(client->stream.closing);
}

static void leave(void)
{
    client_leaves();
    server_closes();
}

#define ASKS(origin) "Origin: " origin "\r\nAccess-Control-Request-Method: GET\r\n"

static void preflight_says_what_may_be_sent(void **state)
{
    (void)state;
    allow("https://app.example");
    preflight(&guard, ASKS("https://app.example") "Access-Control-Request-Headers: content-type,x-b\r\n",
              "HTTP/1.1 204 No Content\r\n");
    const char *end = strstr(client->out, "\r\n\r\n");
    assert_string_equal(end, "\r\n\r\n");
    assert_non_null(strstr(client->out, ALLOWED("https://app.example") CREDENTIALS VARY));
    assert_non_null(strstr(client->out, "Allow: GET, HEAD, OPTIONS\r\n"));
    assert_non_null(strstr(client->out, "Access-Control-Allow-Methods: GET, HEAD\r\n"));
    assert_non_null(strstr(client->out, "Access-Control-Allow-Headers: content-type,x-b\r\n"));
    assert_non_null(strstr(client->out, "Access-Control-Max-Age: 600\r\n"));
    assert_non_null(strstr(client->out, "Vary: Access-Control-Request-Headers\r\n"));
    assert_null(strstr(client->out, "Content-Length")); /* a 204 has none */
    assert_null(strstr(client->out, "Content-Type"));
    leave();
}

static void preflight_echoes_plain_names_only(void **state)
{
    (void)state;
    char fields[2048];
    static const char *const names[] = {"", "a b;c", "x: y", "\"x\"", "\xc3\xb1", "(x)"};
    allow("https://app.example");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(fields, sizeof fields, ASKS("https://app.example") "Access-Control-Request-Headers: %s\r\n", names[i]);
        preflight(&guard, fields, "HTTP/1.1 204 ");
        assert_null(strstr(client->out, "Access-Control-Allow-Headers"));
        leave();
    }
    for (int len = 512; len <= 513; len++) {
        snprintf(fields, sizeof fields, ASKS("https://app.example") "Access-Control-Request-Headers: %0*d\r\n", len, 1);
        preflight(&guard, fields, "HTTP/1.1 204 ");
        assert_int_equal(strstr(client->out, "Access-Control-Allow-Headers") != NULL, len == 512);
        leave();
    }
}

static void preflight_of_others(void **state)
{
    (void)state;
    allow("https://app.example");
    preflight(&guard, ASKS("https://evil.example"), "HTTP/1.1 403 ");
    assert_non_null(strstr(client->out, VARY));
    assert_null(strstr(client->out, "Access-Control-"));
    assert_non_null(strstr(client->out, "\r\n\r\n{\"error\":\"" RC_ORIGIN_WORDS "\"}"));
    assert_int_equal(rc_metric_get(&server_values[GM_ORIGINS_REFUSED]), 1);
    leave();
    static const char *const plain[] = {"", "Origin: http://gateway\r\n", ASKS("http://gateway"),
                                        "Access-Control-Request-Method: GET\r\n"};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        preflight(&guard, plain[i], "HTTP/1.1 204 ");
        assert_non_null(strstr(client->out, "Allow: GET, HEAD, OPTIONS\r\n" VARY));
        assert_null(strstr(client->out, "Access-Control-"));
        leave();
    }
    preflight(&guard, "Origin: https://app.example\r\n", "HTTP/1.1 204 "); /* an OPTIONS that is no preflight */
    assert_non_null(strstr(client->out, ALLOWED("https://app.example")));
    assert_null(strstr(client->out, "Access-Control-Allow-Methods"));
    leave();
    preflight(NULL, ASKS("https://evil.example"), "HTTP/1.1 204 ");
    assert_null(strstr(client->out, "Access-Control-"));
    leave();
    allow("*");
    preflight(&guard, ASKS("https://evil.example"), "HTTP/1.1 204 ");
    assert_non_null(strstr(client->out, ALLOWED("*") "Access-Control-Allow-Methods: GET, HEAD\r\n"));
    assert_null(strstr(client->out, "Credentials"));
    leave();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_teardown(name, tear_down)
        T(list_is_checked),
        T(list_is_bounded),
        T(own_pages_are_let_in),
        T(other_pages_are_refused),
        T(listed_pages_are_let_in),
        T(null_and_any_are_what_they_say),
        T(long_values_are_refused),
        T(fields_depend_on_the_verdict),
        T(longest_origin_fits_the_fields),
        T(refusals_are_counted_and_logged_by_the_second),
        T(long_values_do_not_hide_the_hint),
        T(open_lists_are_warned_of),
        T(admits_without_counting),
        T(preflight_says_what_may_be_sent),
        T(preflight_echoes_plain_names_only),
        T(preflight_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
