/* Options: precedence, every type and its limits, files with every kind of mistake, and what is printed. */
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

#include "exit.h"
#include "option.h"

struct shared {
    char *id;
    char *listen;
    char *brokers;
};

struct own {
    int64_t workers;
    int64_t buffer;
    int64_t ping;
    bool demo;
    char *format;
    char *path;
    char *peer;
    char *sql;
};

static const struct rc_option shared_lines[] = {
    {"node.id", RC_OPT_STRING, offsetof(struct shared, id), 1, 8, NULL, "ID", false, "Name of the node"},
    {"admin.listen", RC_OPT_ADDR, offsetof(struct shared, listen), 1, 0, "127.0.0.1:7401", "host:port", false, "Admin"},
    {"cluster.brokers", RC_OPT_LIST, offsetof(struct shared, brokers), 0, 3, "", "LIST", true, "Brokers"},
};

static const struct rc_option own_lines[] = {
    {"workers", RC_OPT_INT, offsetof(struct own, workers), -2, 64, "0", "threads", true, "Threads"},
    {"queue.buffer", RC_OPT_SIZE, offsetof(struct own, buffer), 1024, 1073741824, "256m", "bytes", false, "Buffer"},
    {"eio.ping", RC_OPT_MS, offsetof(struct own, ping), 100, 60000, "25000", "ms", false, "Ping"},
    {"demo", RC_OPT_BOOL, offsetof(struct own, demo), 0, 0, "false", NULL, false, "Demo page"},
    {"log.format", RC_OPT_STRING, offsetof(struct own, format), 0, 0, "text", "text|json", true, "Form"},
    {"eio.path", RC_OPT_STRING, offsetof(struct own, path), 0, 0, "/socket.io/", "PATH", false, "Path"},
    {"peer", RC_OPT_ADDR, offsetof(struct own, peer), 0, 0, "", "host:port", false, "Peer"},
    {"sql", RC_OPT_URL, offsetof(struct own, sql), 0, 60, "", "URL", false, "Database"},
};

static struct shared shared;
static struct own own;
static char directory[] = "/tmp/roomcast-option-XXXXXX";
static char path[64];
static char *out_text, *err_text;
static size_t out_len, err_len;
static void (*check)(void *arg, struct rc_option_errors *errors);

static const struct rc_option_table tables[] = {
    {shared_lines, sizeof shared_lines / sizeof shared_lines[0], &shared},
    {own_lines, sizeof own_lines / sizeof own_lines[0], &own},
};

static struct rc_option_set set(void)
{
    return (struct rc_option_set){
        .program = "roomcast-test", .summary = "tests options.", .tables = tables, .table_count = 2, .check = check};
}

static void release(void)
{
    struct rc_option_set s = set();
    rc_options_free(&s);
    memset(&shared, 0, sizeof shared);
    memset(&own, 0, sizeof own);
    free(out_text);
    free(err_text);
    out_text = err_text = NULL;
}

static int parse_argv(char **argv)
{
    struct rc_option_set s = set();
    release();
    s.out = open_memstream(&out_text, &out_len);
    s.err = open_memstream(&err_text, &err_len);
    int code = rc_options_parse(&s, argv);
    assert_int_equal(fclose(s.out), 0);
    assert_int_equal(fclose(s.err), 0);
    return code;
}

#define PARSE(...) parse_argv((char *[]){"roomcast-test", __VA_ARGS__, NULL})

static void write_bytes(const char *text, size_t len)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void write_text(const char *text)
{
    write_bytes(text, strlen(text));
}

/* Parses this text as the file, with a node.id among the flags. */
static int parse_file(const char *text)
{
    write_text(text);
    return PARSE("--node.id", "n1", "--config", path);
}

static void said(const char *words)
{
    if (!strstr(err_text, words)) {
        fail_msg("\"%s\" is not in:\n%s", words, err_text);
    }
}

static unsigned lines_said(void)
{
    unsigned count = 0;
    for (const char *p = err_text; *p; p++) {
        count += *p == '\n';
    }
    return count;
}

static int set_up(void **state)
{
    (void)state;
    unsetenv("ROOMCAST_WORKERS");
    unsetenv("ROOMCAST_NODE_ID");
    unsetenv("ROOMCAST_QUEUE_BUFFER");
    check = NULL;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    release();
    return 0;
}

static void takes_defaults(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--node.id=n1"), RC_OPTIONS_RUN);
    assert_string_equal(shared.id, "n1");
    assert_string_equal(shared.listen, "127.0.0.1:7401");
    assert_string_equal(shared.brokers, "");
    assert_int_equal(own.workers, 0);
    assert_int_equal(own.buffer, 256 << 20);
    assert_int_equal(own.ping, 25000);
    assert_false(own.demo);
    assert_string_equal(own.path, "/socket.io/");
    assert_string_equal(own.peer, "");
    assert_string_equal(err_text, "");
    assert_string_equal(out_text, "");
}

static void prefers_the_nearer_source(void **state)
{
    (void)state;
    assert_int_equal(parse_file("workers = 1\n"), RC_OPTIONS_RUN);
    assert_int_equal(own.workers, 1);
    setenv("ROOMCAST_WORKERS", "2", 1);
    assert_int_equal(parse_file("workers = 1\n"), RC_OPTIONS_RUN);
    assert_int_equal(own.workers, 2);
    assert_int_equal(PARSE("--workers", "3", "--config", path, "--node.id", "n"), RC_OPTIONS_RUN);
    assert_int_equal(own.workers, 3);
    assert_int_equal(PARSE("--workers=3", "--workers=4", "--node.id", "n"), RC_OPTIONS_RUN); /* the last flag */
    assert_int_equal(own.workers, 4);
    setenv("ROOMCAST_WORKERS", "", 1); /* empty: not given */
    assert_int_equal(parse_file("workers = 1\n"), RC_OPTIONS_RUN);
    assert_int_equal(own.workers, 1);
}

static void reads_the_environment(void **state)
{
    (void)state;
    setenv("ROOMCAST_NODE_ID", "from-env", 1);
    setenv("ROOMCAST_QUEUE_BUFFER", "2k", 1);
    setenv("ROOMCAST_GATEWAY_SERVICE_HOST", "10.0.0.1", 1); /* a container platform's, none of ours */
    assert_int_equal(PARSE("--demo"), RC_OPTIONS_RUN);
    unsetenv("ROOMCAST_GATEWAY_SERVICE_HOST");
    assert_string_equal(shared.id, "from-env");
    assert_int_equal(own.buffer, 2048);
    setenv("ROOMCAST_WORKERS", "many", 1);
    assert_int_equal(PARSE("--demo"), RC_EXIT_CONFIG);
    said("ROOMCAST_WORKERS: workers = \"many\" must be a whole number from -2 to 64");
}

static void reads_the_forms_of_flags(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--demo", "--node.id", "n", "--workers", "-2"), RC_OPTIONS_RUN);
    assert_true(own.demo);
    assert_int_equal(own.workers, -2);
    assert_int_equal(PARSE("--node.id=n", "--demo"), RC_OPTIONS_RUN);
    assert_true(own.demo);
    assert_int_equal(PARSE("--demo=no", "--node.id=n"), RC_OPTIONS_RUN);
    assert_false(own.demo);
    assert_int_equal(PARSE("--demo", "on", "--node.id=n"), RC_OPTIONS_RUN);
    assert_true(own.demo);
    assert_int_equal(PARSE("--eio.path=/a=b", "--node.id=n"), RC_OPTIONS_RUN);
    assert_string_equal(own.path, "/a=b");
    assert_int_equal(PARSE("--eio.path=", "--node.id=n"), RC_OPTIONS_RUN);
    assert_string_equal(own.path, "");
}

static void refuses_bad_flags(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--admin.lisen", "x"), RC_EXIT_USAGE);
    said("unknown flag \"--admin.lisen\", did you mean --admin.listen?");
    assert_int_equal(PARSE("--frobnicate"), RC_EXIT_USAGE);
    said("unknown flag \"--frobnicate\", --help lists them");
    assert_int_equal(PARSE("-v"), RC_EXIT_USAGE);
    said("unexpected argument \"-v\"");
    assert_int_equal(PARSE("--"), RC_EXIT_USAGE);
    assert_int_equal(PARSE("start"), RC_EXIT_USAGE);
    assert_int_equal(PARSE("--workers"), RC_EXIT_USAGE);
    said("--workers needs a value");
    assert_int_equal(PARSE("--workers", "--demo"), RC_EXIT_USAGE);
    said("--workers needs a value");
    assert_int_equal(PARSE("--config"), RC_EXIT_USAGE);
    said("--config needs a file");
    assert_int_equal(PARSE("--help=yes"), RC_EXIT_USAGE);
    assert_int_equal(PARSE("--workers", "65", "--node.id=n"), RC_EXIT_USAGE);
    said("--workers: workers = \"65\" must be a whole number from -2 to 64");
}

struct wrong {
    const char *flag, *words;
};

static void judges_every_type(void **state)
{
    (void)state;
    static const struct wrong wrongs[] = {
        {"--workers=", "a whole number"},
        {"--workers=1x", "a whole number"},
        {"--workers=1k", "a whole number"},
        {"--workers= 1", "a whole number"},
        {"--workers=-", "a whole number"},
        {"--workers=-3", "from -2 to 64"},
        {"--workers=0x10", "a whole number"},
        {"--workers=99999999999999999999", "a whole number"},
        {"--queue.buffer=1023", "from 1024 to 1073741824"},
        {"--queue.buffer=2g", "from 1024 to 1073741824"},
        {"--queue.buffer=9223372036854775807k", "number of bytes"},
        {"--queue.buffer=17179869185g", "number of bytes"}, /* 2^64 + 1g: 1g if it wrapped */
        {"--queue.buffer=1kb", "number of bytes"},
        {"--queue.buffer=k", "number of bytes"},
        {"--queue.buffer=-1m", "number of bytes"},
        {"--eio.ping=99", "milliseconds from 100 to 60000"},
        {"--eio.ping=1s", "milliseconds"},
        {"--demo=maybe", "true or false"},
        {"--demo=TRUE", "true or false"},
        {"--log.format=xml", "one of text|json"},
        {"--log.format=", "one of text|json"},
        {"--log.format=text|json", "one of text|json"},
        {"--log.format=tex", "one of text|json"},
        {"--eio.path=a\nb", "control characters"},
        {"--node.id=", "1 to 8 bytes"},
        {"--node.id=123456789", "1 to 8 bytes"},
        {"--admin.listen=localhost", "has no port"},
        {"--admin.listen=", "has no port"},
        {"--admin.listen=:80", "has no host"},
        {"--admin.listen=a:b", "no port from 0 to 65535"},
        {"--admin.listen=a:65536", "no port from 0 to 65535"},
        {"--admin.listen=a:0", "port from 1 to 65535"},
        {"--admin.listen=::1:80", "[address]:port"},
        {"--admin.listen=[::g]:80", "no IPv6 address"},
        {"--admin.listen=a b:80", "has no host"},
        {"--cluster.brokers=a,,b", "empty element"},
        {"--cluster.brokers=a,", "empty element"},
        {"--cluster.brokers=,", "empty element"},
        {"--cluster.brokers=a,b,c,d", "has 4 elements"},
    };
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        if (PARSE("--node.id=n", (char *)wrongs[i].flag) != RC_EXIT_USAGE) {
            fail_msg("accepted: %s", wrongs[i].flag);
        }
        said(wrongs[i].words);
        assert_int_equal(lines_said(), 1);
    }
}

static void accepts_the_ends_of_limits(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--node.id=12345678", "--workers=64", "--queue.buffer=1G", "--eio.ping=100",
                           "--admin.listen=[::1]:65535", "--peer=any-host_1.example:0", "--log.format=json"),
                     RC_OPTIONS_RUN);
    assert_int_equal(own.buffer, 1073741824);
    assert_string_equal(shared.listen, "[::1]:65535");
    assert_int_equal(PARSE("--node.id=n", "--queue.buffer=1024", "--cluster.brokers= a , b\t,c "), RC_OPTIONS_RUN);
    assert_int_equal(own.buffer, 1024);
    assert_string_equal(shared.brokers, "a,b,c");
}

static void reads_a_file(void **state)
{
    (void)state;
    assert_int_equal(parse_file("\xef\xbb\xbf; a comment\r\n"
                                "workers = 3 ; threads\r\n"
                                "demo: yes\n"
                                "# another\n"
                                "\n"
                                "   \t\n"
                                "log.format = json\n"
                                "[admin] ; of operators\n"
                                "    listen = 127.0.0.1:1\n"
                                "  \n"
                                "[eio]\n"
                                "    path = /a b/\n"
                                "    ping = 200\n" /* an indent is no continuation */
                                "[cluster]\n"
                                "brokers = b1=h:1\n"
                                "brokers = b2=h:2, b3=h:3"),
                     RC_OPTIONS_RUN);
    assert_int_equal(own.workers, 3);
    assert_true(own.demo);
    assert_string_equal(own.format, "json");
    assert_string_equal(shared.listen, "127.0.0.1:1");
    assert_string_equal(own.path, "/a b/");
    assert_int_equal(own.ping, 200);
    assert_string_equal(shared.brokers, "b1=h:1,b2=h:2,b3=h:3");
}

static void flags_replace_lists(void **state)
{
    (void)state;
    write_text("cluster.brokers = a\n");
    assert_int_equal(PARSE("--node.id=n", "--config", path, "--cluster.brokers=b"), RC_OPTIONS_RUN);
    assert_string_equal(shared.brokers, "b");
}

static void tells_file_and_line_of_every_mistake(void **state)
{
    (void)state;
    char words[128];
    assert_int_equal(parse_file("workers = x\n"
                                "[gatway\n"
                                "[eio] path = /\n"
                                "nonsense\n"
                                "[amdin]\n"
                                "listen = 127.0.0.1:1\n"
                                "[eio]\n"
                                "ping = 200\n"
                                "ping = 300\n"
                                "= 5\n"
                                "pa\x1bth = 5\n"),
                     RC_EXIT_CONFIG);
    static const char *const expected[] = {
        ":1: workers = \"x\" must be a whole number from -2 to 64\n",
        ":2: not of the form [section]\n",
        ":3: not of the form [section]\n",
        ":4: not of the form name = value\n",
        ":6: unknown option amdin.listen, did you mean admin.listen?\n",
        ":9: eio.ping is given again, first on line 8\n",
        ":10: unknown option eio.",
        ":11: unknown option \"eio.pa\\x1bth\"",
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        snprintf(words, sizeof words, "%s%s", path, expected[i]);
        said(words);
    }
    assert_int_equal(lines_said(), 8);
}

static void tells_the_last_line_too(void **state)
{
    (void)state;
    assert_int_equal(parse_file("workers = 1\nlast"), RC_EXIT_CONFIG);
    said(":2: not of the form name = value");
}

static void judges_a_list_of_several_lines_as_one(void **state)
{
    (void)state;
    assert_int_equal(parse_file("[cluster]\nbrokers = a,b\nbrokers = c,d\n"), RC_EXIT_CONFIG);
    said(":3: cluster.brokers");
    said("has 4 elements");
}

static void stops_at_twenty_errors(void **state)
{
    (void)state;
    char text[600] = "";
    for (int i = 0; i < 23; i++) {
        strcat(text, "zzzzzzzzzz = 1\n");
    }
    assert_int_equal(parse_file(text), RC_EXIT_CONFIG);
    assert_int_equal(lines_said(), 21);
    said("and 3 more");
}

static void refuses_long_lines_and_zero_bytes(void **state)
{
    (void)state;
    char text[1000];
    memset(text, 'a', sizeof text);
    memcpy(text, "eio.path = ", 11);
    memcpy(text + 900, "\nworkers = 7\n", 14);
    assert_int_equal(parse_file(text), RC_EXIT_CONFIG);
    said(":1: longer than 199 bytes");
    assert_int_equal(lines_said(), 1);
    write_bytes("demo = yes\nworkers = 1\0002\n", 24);
    assert_int_equal(PARSE("--node.id=n", "--config", path), RC_EXIT_CONFIG);
    said(":2: holds a zero byte");
}

static void refuses_files_that_cannot_be_read(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--node.id=n", "--config=/nonexistent/roomcast.ini"), RC_EXIT_CONFIG);
    said("/nonexistent/roomcast.ini: cannot open the configuration file: No such file");
    assert_int_equal(PARSE("--node.id=n", "--config", directory), RC_EXIT_CONFIG);
    said("is a directory");
    write_bytes("", 0);
    if (geteuid() != 0) {
        chmod(path, 0);
        assert_int_equal(PARSE("--node.id=n", "--config", path), RC_EXIT_CONFIG);
        said("Permission denied");
        chmod(path, 0600);
    }
    assert_int_equal(truncate(path, 1024 * 1024 + 1), 0);
    assert_int_equal(PARSE("--node.id=n", "--config", path), RC_EXIT_CONFIG);
    said("larger than 1 MiB");
}

static void tells_what_must_be_given(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--demo"), RC_EXIT_CONFIG);
    said("node.id must be given: --node.id, ROOMCAST_NODE_ID, or in the file of --config");
    assert_string_equal(shared.id, "");
    assert_int_equal(PARSE("--node.id=123456789"), RC_EXIT_USAGE); /* given, though wrong: one error */
    assert_int_equal(lines_said(), 1);
}

static void a_bad_flag_is_usage_also_beside_a_bad_file(void **state)
{
    (void)state;
    write_text("workers = x\n");
    assert_int_equal(PARSE("--node.id=n", "--config", path, "--eio.ping=1"), RC_EXIT_USAGE);
    said(":1: workers");
    said("--eio.ping:");
}

static void refuse_many_workers(void *arg, struct rc_option_errors *errors)
{
    (void)arg;
    if (own.workers > 8) {
        rc_option_fail(errors, "workers: %d is more than this test likes", (int)own.workers);
    }
}

static void checks_relations(void **state)
{
    (void)state;
    check = refuse_many_workers;
    assert_int_equal(PARSE("--node.id=n", "--workers=9"), RC_EXIT_CONFIG);
    said("workers: 9 is more");
    assert_int_equal(PARSE("--node.id=n", "--workers=9", "--check-config"), RC_EXIT_CONFIG);
    assert_string_equal(out_text, "");
    assert_int_equal(PARSE("--node.id=n", "--workers=9", "--show-config"), RC_EXIT_OK);
    assert_int_equal(PARSE("--node.id=n", "--workers=8", "--check-config"), RC_EXIT_OK);
    assert_string_equal(out_text, "configuration ok\n");
    assert_string_equal(err_text, "");
    assert_int_equal(PARSE("--node.id=n", "--workers=8"), RC_OPTIONS_RUN);
}

static void never_shows_the_password_of_a_url(void **state)
{
    (void)state;
    static const char *const urls[][2] = {
        {"db://ana:pw@h:5/x", "sql = db://ana:***@h:5/x ;"},
        {"db://ana:p@pw:w/@h/x?password=pw", "sql = db://ana:***@h/x?*** ;"},
        {"db://:pw@h", "sql = db://:***@h ;"},
        {"db://ana@h/x", "sql = db://ana@h/x ;"},
        {"db://h:5/x", "sql = db://h:5/x ;"},
        {"db:/ana:pw@h", "sql = (not shown) ;"},
    };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        assert_int_equal(PARSE("--node.id=n", "--show-config", "--sql", (char *)(uintptr_t)urls[i][0]), RC_EXIT_OK);
        if (!strstr(out_text, urls[i][1]))
            fail_msg("\"%s\" is not in \"%s\"", urls[i][1], out_text);
    }
    assert_int_equal(
        PARSE("--node.id=n", "--sql=db://ana:pw-pw-pw-pw@host-of-a-name-that-is-too-long-for-the-option/x"),
        RC_EXIT_USAGE);
    said("sql = \"db://ana:***@host");
    assert_null(strstr(err_text, "pw"));
}

static void shows_what_reads_back(void **state)
{
    (void)state;
    setenv("ROOMCAST_QUEUE_BUFFER", "2k", 1);
    assert_int_equal(PARSE("--node.id=n1", "--show-config", "--cluster.brokers=a=h:1,b=h:2", "--demo"), RC_EXIT_OK);
    assert_string_equal(out_text, "node.id = n1 ; flag\n"
                                  "admin.listen = 127.0.0.1:7401 ; default\n"
                                  "cluster.brokers = a=h:1 ; flag\n"
                                  "cluster.brokers = b=h:2 ; flag\n"
                                  "workers = 0 ; default\n"
                                  "queue.buffer = 2048 ; environment\n"
                                  "eio.ping = 25000 ; default\n"
                                  "demo = true ; flag\n"
                                  "log.format = text ; default\n"
                                  "eio.path = /socket.io/ ; default\n"
                                  "peer =  ; default\n"
                                  "sql =  ; default\n");
    write_bytes(out_text, out_len);
    unsetenv("ROOMCAST_QUEUE_BUFFER");
    assert_int_equal(PARSE("--config", path), RC_OPTIONS_RUN);
    assert_string_equal(shared.id, "n1");
    assert_string_equal(shared.brokers, "a=h:1,b=h:2");
    assert_int_equal(own.buffer, 2048);
    assert_true(own.demo);
    assert_string_equal(own.peer, "");
}

static void helps(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--help"), RC_EXIT_OK); /* though node.id is missing */
    static const char title[] = "roomcast-test " RC_VERSION ": tests options.";
    static const char *const expected[] = {
        title,
        "--check-config",
        ("\ngeneral:\n  --workers threads\n        Threads (default 0, -2 to 64, SIGHUP reads it again)\n"
         "  --demo[=true|false]\n        Demo page (default false)\n  --peer"),
        "\nnode:\n  --node.id ID\n        Name of the node (must be given)\n",
        "\nqueue:\n  --queue.buffer bytes\n        Buffer (default 256m, 1k to 1g)\n",
        "\neio:\n  --eio.ping ms\n        Ping (default 25000, 100 to 60000)\n  --eio.path PATH\n",
        "--log.format text|json",
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        if (!strstr(out_text, expected[i])) {
            fail_msg("\"%s\" is not in:\n%s", expected[i], out_text);
        }
    }
    assert_ptr_equal(strstr(strstr(out_text, "\neio:") + 1, "\neio:"), NULL); /* each group once */
    assert_int_equal(PARSE("--version"), RC_EXIT_OK);
    assert_string_equal(out_text, "roomcast-test " RC_VERSION "\n");
}

static void reloads_what_may_change(void **state)
{
    (void)state;
    char *argv[] = {"roomcast-test", "--node.id=n", "--config", path, NULL};
    struct rc_option_set s = set();
    write_text("workers = 1\neio.ping = 200\ncluster.brokers = a\n");
    assert_int_equal(parse_argv(argv), RC_OPTIONS_RUN);
    write_text("workers = 2\neio.ping = 300\ncluster.brokers = b\n");
    assert_true(rc_options_reload(&s, argv, NULL));
    assert_int_equal(own.workers, 2);
    assert_string_equal(shared.brokers, "b");
    assert_int_equal(own.ping, 200); /* needs a restart */
    assert_string_equal(shared.id, "n");
}

static void a_bad_reload_changes_nothing(void **state)
{
    (void)state;
    char *argv[] = {"roomcast-test", "--node.id=n", "--config", path, NULL};
    struct rc_option_set s = set();
    write_text("workers = 1\n");
    assert_int_equal(parse_argv(argv), RC_OPTIONS_RUN);
    write_text("workers = 2\nlog.format = no\n");
    assert_false(rc_options_reload(&s, argv, NULL));
    unlink(path);
    assert_false(rc_options_reload(&s, argv, NULL));
    assert_int_equal(own.workers, 1);
    assert_string_equal(own.format, "text");
}

/* A list that was cut is a list with fewer brokers. */
static void a_half_written_file_is_not_taken_in(void **state)
{
    (void)state;
    char *argv[] = {"roomcast-test", "--node.id=n", "--config", path, NULL};
    struct rc_option_set s = set();
    write_text("workers = 1\ncluster.brokers = a,b,c"); /* whole: who starts a program has written its file */
    assert_int_equal(parse_argv(argv), RC_OPTIONS_RUN);
    write_text("workers = 1\ncluster.brokers = a,b");
    assert_false(rc_options_reload(&s, argv, NULL));
    assert_string_equal(shared.brokers, "a,b,c");
    write_text("workers = 1\ncluster.brokers = a,b\n");
    assert_true(rc_options_reload(&s, argv, NULL));
    assert_string_equal(shared.brokers, "a,b");
}

static void refuse_b(void *arg, const void *fresh, struct rc_option_errors *errors)
{
    const char *brokers = *(char *const *)(const void *)((const char *)fresh + *(size_t *)arg);
    if (strcmp(brokers, "b") == 0)
        rc_option_fail(errors, "cluster.brokers: not b");
}

static void a_reload_may_be_refused_for_what_it_means(void **state)
{
    (void)state;
    char *argv[] = {"roomcast-test", "--node.id=n", "--config", path, NULL}, *report = NULL;
    size_t len, offset = offsetof(struct shared, brokers);
    struct rc_option_set s = set();
    s.take = refuse_b;
    s.arg = &offset;
    write_text("cluster.brokers = a\n");
    assert_int_equal(parse_argv(argv), RC_OPTIONS_RUN);
    FILE *out = open_memstream(&report, &len);
    write_text("workers = 2\ncluster.brokers = b\n");
    assert_false(rc_options_reload(&s, argv, out));
    assert_string_equal(shared.brokers, "a");
    assert_int_equal(own.workers, 0);
    write_text("workers = 2\ncluster.brokers = c\n");
    assert_true(rc_options_reload(&s, argv, out));
    assert_string_equal(shared.brokers, "c");
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(report, "refused, nothing changed: cluster.brokers: not b\n"));
    assert_non_null(strstr(report, "workers changed\n"));
    free(report);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(takes_defaults),
        TEST(prefers_the_nearer_source),
        TEST(reads_the_environment),
        TEST(reads_the_forms_of_flags),
        TEST(refuses_bad_flags),
        TEST(judges_every_type),
        TEST(accepts_the_ends_of_limits),
        TEST(reads_a_file),
        TEST(flags_replace_lists),
        TEST(tells_file_and_line_of_every_mistake),
        TEST(tells_the_last_line_too),
        TEST(judges_a_list_of_several_lines_as_one),
        TEST(stops_at_twenty_errors),
        TEST(refuses_long_lines_and_zero_bytes),
        TEST(refuses_files_that_cannot_be_read),
        TEST(tells_what_must_be_given),
        TEST(a_bad_flag_is_usage_also_beside_a_bad_file),
        TEST(checks_relations),
        TEST(never_shows_the_password_of_a_url),
        TEST(shows_what_reads_back),
        TEST(helps),
        TEST(reloads_what_may_change),
        TEST(a_bad_reload_changes_nothing),
        TEST(a_half_written_file_is_not_taken_in),
        TEST(a_reload_may_be_refused_for_what_it_means),
    };
    if (!mkdtemp(directory)) {
        return 1;
    }
    snprintf(path, sizeof path, "%s/roomcast.ini", directory);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    rmdir(directory);
    return failed;
}
