/* The client scripts, from a small folder: bodies, codings, tags, and what is said when they are missing. */
#include "gateway/script/script.h"
#include "http_client.h"
#include "log.h"

#include <limits.h>
#include <unistd.h>
#include <zlib.h>

#define SOURCE "io=1;io=1;io=1;io=1;io=1;io=1;io=1;io=1;io=1;io=1;io=1;io=1;io=1;io=1;io=1;io=1;io=1;io=1;io=1;io=1;"
#define TINY   "{}" /* gzip makes it larger */

static char dir[] = "/tmp/roomcast-script-XXXXXX";
static struct rc_script *script;
static char why[PATH_MAX];

static void put(const char *name, const char *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    if (!text) {
        unlink(path);
        return;
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void open_script(const char *eio_path)
{
    server_opens();
    script = rc_script_new(dir, eio_path, why, sizeof why);
    assert_non_null(script);
    rc_script_routes(script, server);
    client_connects();
}

static void close_script(void)
{
    client_leaves();
    server_closes();
    rc_script_free(script);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(dir + strlen(dir) - 6, "XXXXXX");
    assert_non_null(mkdtemp(dir));
    put("socket.io.js", SOURCE);
    put("socket.io.min.js", "min");
    put("socket.io.js.map", TINY);
    open_script("/socket.io/");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close_script();
    put("socket.io.js", NULL);
    put("socket.io.min.js", NULL);
    put("socket.io.js.map", NULL);
    return rmdir(dir);
}

static void get(const char *target, const char *fields)
{
    client_asks("GET", target, "1.1", "x", fields);
}

static const char *body(void)
{
    return strstr(client->out, "\r\n\r\n") + 4;
}

static void assert_status(const char *status)
{
    assert_memory_equal(client->out, "HTTP/1.1 ", 9);
    assert_memory_equal(client->out + 9, status, strlen(status));
    assert_false(client->stream.closing);
}

static void assert_field(const char *line)
{
    if (!strstr(client->out, line))
        fail_msg("no %s in %s", line, client->out);
}

/* Of the last answer, into out. */
static void read_etag(char out[64])
{
    const char *at = strstr(client->out, "\r\nETag: ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "\r\nETag: %63s", out), 1);
}

/* Asks for socket.io.js with this If-None-Match, and further fields. */
static void get_if(const char *format, const char *etag, const char *fields)
{
    char line[256] = "If-None-Match: ";
    snprintf(line + strlen(line), sizeof line - strlen(line), format, etag);
    strcat(strcat(line, "\r\n"), fields);
    get("/socket.io/socket.io.js", line);
}

static void serves_scripts_and_maps(void **state)
{
    (void)state;
    get("/socket.io/socket.io.js", "");
    assert_status("200");
    assert_field("\r\nContent-Type: application/javascript; charset=utf-8\r\n");
    assert_field("\r\nCache-Control: public, max-age=0\r\n");
    assert_field("\r\nVary: Accept-Encoding\r\n");
    assert_field("\r\nContent-Length: 100\r\n");
    assert_null(strstr(client->out, "Content-Encoding"));
    assert_string_equal(body(), SOURCE);
    get("/socket.io/socket.io.min.js?v=4&x", "");
    assert_string_equal(body(), "min");
    get("/socket.io/socket.io.js.map", "");
    assert_field("\r\nContent-Type: application/json; charset=utf-8\r\n");
    assert_string_equal(body(), TINY);
}

static void lies_under_the_path_of_engine_io(void **state)
{
    (void)state;
    close_script();
    open_script("/a/b/");
    get("/a/b/socket.io.js", "");
    assert_string_equal(body(), SOURCE);
    get("/socket.io/socket.io.js", "");
    assert_status("404");
    rc_script_alias(script, server, "/demo/client.js");
    get("/demo/client.js", "");
    assert_string_equal(body(), "min");
}

static void compresses_for_who_wants_it(void **state)
{
    (void)state;
    char plain[64], etag[64], text[256] = "";
    get("/socket.io/socket.io.js", "Accept-Encoding: gzip;q=0\r\n");
    assert_string_equal(body(), SOURCE);
    get("/socket.io/socket.io.js", "Accept-Encoding: gzip;q=0.5, identity\r\n");
    assert_string_equal(body(), SOURCE);
    read_etag(plain);
    get("/socket.io/socket.io.js", "Accept-Encoding: br, gzip\r\n");
    assert_field("\r\nContent-Encoding: gzip\r\n");
    assert_field("\r\nVary: Accept-Encoding\r\n");
    read_etag(etag);
    assert_string_not_equal(etag, plain);
    size_t len = client->out_len - (size_t)(body() - client->out);
    z_stream z = {.next_in = (Bytef *)(uintptr_t)body(),
                  .avail_in = (uInt)len,
                  .next_out = (Bytef *)text,
                  .avail_out = sizeof text};
    assert_int_equal(inflateInit2(&z, MAX_WBITS + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    inflateEnd(&z);
    assert_string_equal(text, SOURCE);
    assert_true(len < strlen(SOURCE));
    get("/socket.io/socket.io.js.map", "Accept-Encoding: gzip\r\n");
    assert_null(strstr(client->out, "Content-Encoding"));
    assert_string_equal(body(), TINY);
}

static void answers_304_to_who_has_it(void **state)
{
    (void)state;
    static const char *const lists[] = {"%s", "W/%s", "\"x\", %s", "*"};
    char etag[64], again[64];
    get("/socket.io/socket.io.js", "");
    read_etag(etag);
    assert_int_equal(etag[0], '"');
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        get_if(lists[i], etag, "");
        assert_status("304 Not Modified\r\n");
        assert_field("\r\nCache-Control: public, max-age=0\r\n");
        assert_field("\r\nVary: Accept-Encoding\r\n");
        assert_null(strstr(client->out, "Content-"));
        assert_string_equal(body(), "");
        read_etag(again);
        assert_string_equal(again, etag);
    }
    get_if("\"x\"", "", "");
    assert_status("200");
}

static void knows_the_tag_of_either_coding(void **state)
{
    (void)state;
    char plain[64], gzip[64], etag[64];
    get("/socket.io/socket.io.js", "");
    read_etag(plain);
    get("/socket.io/socket.io.js", "Accept-Encoding: gzip\r\n");
    read_etag(gzip);
    get_if("%s", gzip, "Accept-Encoding: gzip\r\n");
    assert_status("304");
    get_if("%s", plain, "Accept-Encoding: gzip\r\n"); /* plain bytes may be used still */
    assert_status("304");
    read_etag(etag);
    assert_string_equal(etag, plain);
    get_if("%s", gzip, ""); /* anything may be sent to who does not say */
    assert_status("304");
    get_if("%s", gzip, "Accept-Encoding: identity\r\n");
    assert_status("200");
    assert_string_equal(body(), SOURCE);
    get_if("%s", plain, "Accept-Encoding: gzip, identity;q=0\r\n");
    assert_status("200");
    assert_field("\r\nContent-Encoding: gzip\r\n");
}

static void another_content_has_another_tag(void **state)
{
    (void)state;
    char old[64], same[64], new[64];
    get("/socket.io/socket.io.js", "");
    read_etag(old);
    close_script();
    open_script("/socket.io/");
    get("/socket.io/socket.io.js", "");
    read_etag(same);
    assert_string_equal(same, old);
    close_script();
    put("socket.io.js", SOURCE "\n");
    open_script("/socket.io/");
    get_if("%s", old, "");
    assert_status("200");
    read_etag(new);
    assert_string_not_equal(new, old);
}

static void heads_and_other_methods(void **state)
{
    (void)state;
    client_asks("HEAD", "/socket.io/socket.io.js", "1.1", "x", "");
    assert_status("200");
    assert_field("\r\nContent-Length: 100\r\n");
    assert_field("\r\nETag: \"");
    assert_string_equal(body(), "");
    client_asks("POST", "/socket.io/socket.io.js", "1.1", "x", "Content-Length: 0\r\n");
    assert_status("405");
    assert_field("\r\nAllow: GET, HEAD\r\n");
    get("/socket.io/socket.io.js", "");
    assert_status("200");
}

static void leaves_other_names_alone(void **state)
{
    (void)state;
    get("/socket.io/", "");
    assert_status("404 Not Found\r\n");
    assert_string_equal(body(), "Not Found\n"); /* the server's, which asked no route of ours */
    get("/socket.io/socket.io.jsx", "");
    assert_string_equal(body(), "Not Found\n");
}

static void says_what_is_missing(void **state)
{
    (void)state;
    get("/socket.io/socket.io.esm.min.js", "");
    assert_status("404");
    assert_field("client.dir");
    assert_field("deploy/install-deps");
}

static void refuses_a_folder_without_the_script(void **state)
{
    char expected[PATH_MAX];
    (void)state;
    put("socket.io.js", NULL);
    assert_null(rc_script_new(dir, "/socket.io/", why, sizeof why));
    snprintf(expected, sizeof expected,
             "client.dir: cannot read %s/socket.io.js: No such file or directory; name the dist folder of npm's "
             "socket.io-client, as deploy/install-deps installs it",
             dir);
    assert_string_equal(why, expected);
    put("socket.io.js", "");
    assert_null(rc_script_new(dir, "/socket.io/", why, sizeof why));
    assert_non_null(strstr(why, "/socket.io.js: it is empty"));
}

/* In a copy of this program, beside which there is no node_modules. */
static int run_uninstalled(void)
{
    server_opens();
    script = rc_script_new("", "/socket.io/", why, sizeof why);
    assert_non_null(script);
    rc_script_routes(script, server);
    client_connects();
    get("/socket.io/socket.io.js", "");
    assert_status("404");
    assert_field("deploy/install-deps");
    close_script();
    return 0;
}

static void starts_where_nothing_is_installed(void **state)
{
    char command[4 * PATH_MAX], said[8192];
    (void)state;
    snprintf(command, sizeof command,
             "cp /proc/%d/exe %s/copy && %s/copy --uninstalled 2>&1; r=$?; rm %s/copy; exit $r", (int)getpid(), dir,
             dir, dir);
    FILE *copy = popen(command, "r");
    assert_non_null(copy);
    said[fread(said, 1, sizeof said - 1, copy)] = '\0';
    if (pclose(copy) != 0)
        fail_msg("%s", said);
    assert_non_null(strstr(said, "warn - client-script-missing "));
    assert_non_null(strstr(said, "deploy/install-deps"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return run_uninstalled();
    const struct CMUnitTest tests[] = {
        TEST(serves_scripts_and_maps),
        TEST(lies_under_the_path_of_engine_io),
        TEST(compresses_for_who_wants_it),
        TEST(answers_304_to_who_has_it),
        TEST(knows_the_tag_of_either_coding),
        TEST(another_content_has_another_tag),
        TEST(heads_and_other_methods),
        TEST(leaves_other_names_alone),
        TEST(says_what_is_missing),
        TEST(refuses_a_folder_without_the_script),
        TEST(starts_where_nothing_is_installed),
    };
    rc_log_level(RC_ERROR); /* without the warnings of files that are missing here */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
