/* One line per option of the gateway. */
#include "gateway/options.h"

#include "addr.h"
#include "gateway/sio/namespaces.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(field)  offsetof(struct rc_gateway_options, field)
#define KIB        ((int64_t)1 << 10)
#define MIB        ((int64_t)1 << 20)
#define GIB        ((int64_t)1 << 30)
#define HOUR       3600000
#define SECRET_ENV "ROOMCAST_JWT_SECRET"
#define PEM_MAX    16384

static const struct rc_option lines[] = {
    {"listen", RC_OPT_ADDR, AT(listen), 0, 0, "127.0.0.1:8080", "host:port", false, "Where clients connect."},
    {"workers", RC_OPT_INT, AT(workers), 0, 256, "0", "threads", false,
     "Threads that hold client connections; 0: one for each processor."},
    {"cluster.k", RC_OPT_INT, AT(k), 1, RC_BROKERS_MAX, "2", "brokers", false,
     "Brokers at which each room is joined; the second takes over at once when the first dies."},
    {"jwt.algorithm", RC_OPT_STRING, AT(jwt_algorithm), 0, 0, "HS256",
     "HS256|HS384|HS512|RS256|RS384|RS512|ES256|ES384|ES512", false,
     "The one algorithm that tokens may be signed with."},
    {"jwt.secret_file", RC_OPT_STRING, AT(jwt_secret_file), 0, 0, "", "FILE", false,
     "Private file with the secret of HS tokens, 32 bytes at least; or " SECRET_ENV " in the environment."},
    {"jwt.public_key_file", RC_OPT_STRING, AT(jwt_public_key_file), 0, 0, "", "FILE", false,
     "PEM public key of RS and ES tokens."},
    {"jwt.leeway", RC_OPT_INT, AT(jwt_leeway), 0, 300, "0", "s", false,
     "Seconds by which exp and nbf of a token are widened, for clocks that differ."},
    {"eio.path", RC_OPT_STRING, AT(eio_path), 1, 128, "/socket.io/", "path", false,
     "Path of Engine.IO; begins and ends with a slash."},
    {"eio.ping_interval", RC_OPT_MS, AT(ping_interval), 100, HOUR, "25000", "ms", false,
     "Time between pings to a client."},
    {"eio.ping_timeout", RC_OPT_MS, AT(ping_timeout), 100, HOUR, "20000", "ms", false,
     "A client that has not answered a ping for this long is closed."},
    {"eio.connect_timeout", RC_OPT_MS, AT(connect_timeout), 100, HOUR, "45000", "ms", false,
     "A client that has entered no namespace for this long is closed."},
    {"eio.max_payload", RC_OPT_SIZE, AT(max_payload), KIB, MIB, "1000000", "bytes", false,
     "Largest message that a client may send."},
    {"cors.origins", RC_OPT_LIST, AT(cors_origins), 0, RC_ORIGINS_MAX, "", "scheme://host[:port],...", false,
     "Origins whose pages may use this gateway besides its own; *: any, null: those without one."},
    {"sio.namespaces", RC_OPT_LIST, AT(sio_namespaces), 1, RC_NAMESPACES_MAX, "/", "/name,...", false,
     "Namespaces that clients may enter: each has the same chat with rooms of its own, and all share one history."},
    {"rooms.partitions", RC_OPT_LIST, AT(rooms_partitions), 0, RC_PARTITION_RULES_MAX, "admins=4", "room=1-4,...",
     false, "Over how many partitions, and so brokers, clients write to a room that many write to; the others: 1."},
    {"queue.client", RC_OPT_SIZE, AT(queue_client), 64 * KIB, GIB, "4m", "bytes", false,
     "Bytes queued for one client that reads too slowly; above, it is closed."},
    {"queue.unconfirmed", RC_OPT_SIZE, AT(queue_unconfirmed), 4 * MIB, 64 * GIB, "64m", "bytes", false,
     "Messages of this gateway's clients that are not confirmed yet; at the bound further ones are refused as busy."},
    {"queue.socket", RC_OPT_SIZE, AT(queue_socket), 16 * KIB, GIB, "256k", "bytes", false,
     "The same for one socket; at the bound nothing more is read from it for a while."},
    {"queue.credit", RC_OPT_SIZE, AT(queue_credit), 64 * KIB, GIB, "4m", "bytes", false,
     "Bytes on their way to one broker."},
    {"queue.receiver", RC_OPT_INT, AT(queue_receiver), 16, 100000000, "1000000", "entries", false,
     "Pairs of a sending gateway and a room whose last number is kept; with so many in use no client is taken."},
    {"queue.handshakes", RC_OPT_INT, AT(queue_handshakes), 1, 1000000, "10000", "sessions", false,
     "Clients of a worker that are connecting, not yet in their rooms; further ones get 503 and Retry-After."},
    {"drain.pace", RC_OPT_INT, AT(drain_pace), 1, 1000000, "1000", "connections/s", false,
     "Clients closed a second when the gateway drains; more when it would last longer than it may."},
    {"drain.timeout", RC_OPT_MS, AT(drain_timeout), 0, HOUR, "60000", "ms", false,
     "Time in which roomcastctl drain closes all clients."},
    {"drain.term_timeout", RC_OPT_MS, AT(drain_term_timeout), 0, HOUR, "1000", "ms", false,
     "The same for SIGTERM; 0: at once."},
    {"demo", RC_OPT_BOOL, AT(demo), 0, 0, "false", "", false,
     "Serve the demo page, which gives a token to anybody who asks; only on a loopback listener."},
    {"client.dir", RC_OPT_STRING, AT(client_dir), 0, 0, "", "DIR", false,
     "The client scripts, the dist folder of npm's socket.io-client; empty: of node_modules beside the build."},
};

/* The PEM text, malloc'd; NULL: told to errors. */
static char *read_pem(const char *path, size_t *len, struct rc_option_errors *errors)
{
    if (!*path) {
        rc_option_fail(errors, "jwt.public_key_file is not set: RS and ES algorithms need the PEM public key");
        return NULL;
    }
    FILE *file = fopen(path, "re");
    char *pem = file ? malloc(PEM_MAX) : NULL;
    if (!pem) {
        rc_option_fail(errors, "jwt.public_key_file: cannot read %s: %s", path, strerror(errno));
    } else {
        *len = fread(pem, 1, PEM_MAX, file);
        if (ferror(file) || *len == PEM_MAX) {
            rc_option_fail(errors, "jwt.public_key_file: %s is no PEM file of less than %d bytes", path, PEM_MAX);
            free(pem);
            pem = NULL;
        }
    }
    if (file)
        (void)fclose(file);
    return pem;
}

static void make_jwt(struct rc_gateway_options *o, const void *key, size_t len, struct rc_option_errors *errors)
{
    char why[256];
    o->jwt = rc_jwt_new(o->jwt_algorithm, key, len, o->jwt_leeway, why, sizeof why);
    if (!o->jwt)
        rc_option_fail(errors, "jwt: %s", why);
}

static void take_key(struct rc_gateway_options *o, struct rc_option_errors *errors)
{
    if (o->jwt_algorithm[0] != 'H') {
        size_t len;
        char *pem = read_pem(o->jwt_public_key_file, &len, errors);
        if (pem)
            make_jwt(o, pem, len, errors);
        free(pem);
        return;
    }
    struct rc_secret secret;
    char why[RC_SECRET_WHY];
    if (!rc_secret_load(&secret, "jwt.secret_file", o->jwt_secret_file, SECRET_ENV, why)) {
        rc_option_fail(errors, "%s", why);
        return;
    }
    make_jwt(o, secret.bytes, secret.len, errors);
    rc_secret_fini(&secret);
}

static void take_origins(struct rc_gateway_options *o, struct rc_option_errors *errors)
{
    char why[384];
    o->origins = rc_origins_new(o->cors_origins, why, sizeof why);
    if (!o->origins)
        rc_option_fail(errors, "cors.origins: %s", why);
}

static void take_namespaces(struct rc_gateway_options *o, struct rc_option_errors *errors)
{
    char why[512];
    o->namespaces = rc_namespaces_new(o->sio_namespaces, why, sizeof why);
    if (!o->namespaces)
        rc_option_fail(errors, "sio.namespaces: %s", why);
}

static void take_partitions(struct rc_gateway_options *o, struct rc_option_errors *errors)
{
    char why[512];
    if (!rc_partitions_parse(&o->partitions, o->rooms_partitions, why, sizeof why))
        rc_option_fail(errors, "rooms.partitions: %s", why);
}

static void check(void *arg, struct rc_option_errors *errors)
{
    struct rc_gateway_options *o = arg;
    rc_common_check(&o->common, errors);
    take_key(o, errors);
    take_origins(o, errors);
    take_namespaces(o, errors);
    take_partitions(o, errors);
    size_t len = strlen(o->eio_path);
    if (o->eio_path[0] != '/' || o->eio_path[len - 1] != '/')
        rc_option_fail(errors, "eio.path: %s must begin and end with a slash, as /socket.io/", o->eio_path);
    struct rc_addr addr;
    if (o->demo && (rc_addr_parse(o->listen, &addr) || !rc_addr_loopback(&addr)))
        rc_option_fail(errors, "demo: gives a token to anybody who asks, so listen must be a loopback address, not %s",
                       o->listen);
    if (o->demo && o->jwt_algorithm[0] != 'H')
        rc_option_fail(errors, "demo: signs tokens itself, so jwt.algorithm must be HS256, HS384 or HS512");
}

static struct rc_option_set set_of(struct rc_gateway_options *o, struct rc_option_table table[2])
{
    table[0] = rc_common_table(&o->common, RC_GATEWAY);
    table[1] = (struct rc_option_table){lines, sizeof lines / sizeof lines[0], o};
    return (struct rc_option_set){
        .program = "roomcast-gateway",
        .summary = "Holds Socket.IO clients, puts them into their rooms and passes their messages on.",
        .tables = table,
        .table_count = 2,
        .check = check,
        .arg = o};
}

int rc_gateway_options_parse(struct rc_gateway_options *o, char **argv)
{
    struct rc_option_table table[2];
    struct rc_option_set set = set_of(o, table);
    o->argv = argv;
    return rc_options_parse(&set, argv);
}

bool rc_gateway_options_reload(struct rc_gateway_options *o, FILE *report)
{
    struct rc_option_table table[2];
    struct rc_option_set set = set_of(o, table);
    return rc_common_reload(&o->common, &set, o->argv, report);
}

void rc_gateway_options_fini(struct rc_gateway_options *o)
{
    struct rc_option_table table[2];
    struct rc_option_set set = set_of(o, table);
    rc_jwt_free(o->jwt);
    rc_origins_free(o->origins);
    rc_namespaces_free(o->namespaces);
    rc_common_fini(&o->common);
    rc_options_free(&set);
}
