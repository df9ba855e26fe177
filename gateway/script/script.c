/* The client scripts: read once, shared read-only by all workers. */
#include "gateway/script/script.h"

#include "cluster/mem.h"
#include "gateway/script/gzip.h"
#include "gateway/script/negotiation.h"
#include "log.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define DIST     "/../../node_modules/socket.io-client/dist" /* from the program's folder */
#define FILE_MAX (4 << 20)                                   /* bytes; they are 300 KB at most */
#define ETAG_LEN (2 * 16 + 2)                                /* 128 bits in hexadecimal, and quotes */
#define PLAIN    "text/plain; charset=utf-8"
#define WHY      (PATH_MAX + 128) /* room for a reason */
#define CURE                                                                                                           \
    "deploy/install-deps, or set client.dir to the dist folder of npm's socket.io-client, and restart the gateway"

static const char *const names[] = {
    "socket.io.js",     "socket.io.min.js",     "socket.io.esm.min.js",     "socket.io.msgpack.min.js",
    "socket.io.js.map", "socket.io.min.js.map", "socket.io.esm.min.js.map", "socket.io.msgpack.min.js.map"};
enum { FULL, MIN, FILES = sizeof names / sizeof *names };

struct representation {
    struct rc_buf *body;     /* NULL: there is none */
    char etag[ETAG_LEN + 1]; /* valid with a body */
};

struct file {
    char *path; /* of its route, owned */
    const char *type;
    struct representation plain, gzip;
};

struct rc_script {
    struct file file[FILES];
};

/* ---- reading ---- */

/* False: the program does not know where it is. */
static bool default_dir(char dir[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", dir, PATH_MAX - 1);
    dir[n < 0 ? 0 : n] = '\0';
    char *slash = strrchr(dir, '/');
    if (!slash || (size_t)(slash - dir) + sizeof DIST > PATH_MAX)
        return false;
    strcpy(slash, DIST);
    return true;
}

/* All of an open file into *out, or what is wrong with it. */
static const char *read_all(FILE *file, struct rc_buf **out)
{
    struct stat st;
    if (fstat(fileno(file), &st) != 0)
        return strerror(errno);
    if (!S_ISREG(st.st_mode) || st.st_size == 0)
        return "it is empty, or no file";
    if (st.st_size > FILE_MAX)
        return "it has more than 4 MiB";
    *out = rc_buf_new((size_t)st.st_size);
    if (!*out)
        return "out of memory";
    if (fread((*out)->data, 1, (*out)->len, file) == (*out)->len)
        return NULL;
    rc_buf_rele(*out);
    *out = NULL;
    return "it could not be read to its end";
}

/* NULL: why says what is wrong. */
static struct rc_buf *read_file(const char *dir, const char *name, char *why, size_t size)
{
    char path[PATH_MAX];
    struct rc_buf *bytes = NULL;
    errno = ENAMETOOLONG;
    int n = snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = n > 0 && (size_t)n < sizeof path ? fopen(path, "re") : NULL;
    const char *wrong = file ? read_all(file, &bytes) : strerror(errno);
    if (wrong)
        snprintf(why, size, "cannot read %s/%s: %s", dir, name, wrong);
    if (file)
        (void)fclose(file);
    return bytes;
}

/* Takes over body, which may be NULL. */
static void represent(struct representation *r, struct rc_buf *body)
{
    r->body = body;
    if (!body)
        return;
    XXH128_canonical_t digest;
    XXH128_canonicalFromHash(&digest, XXH3_128bits(body->data, body->len));
    char *to = r->etag;
    *to++ = '"';
    for (size_t i = 0; i < sizeof digest.digest; i++)
        to += sprintf(to, "%02x", digest.digest[i]);
    strcpy(to, "\"");
}

/* Whether all could be read; why: what was wrong with the first that could not. */
static bool load(struct rc_script *script, const char *dir, char *why, size_t size)
{
    bool whole = true;
    char wrong[WHY];
    for (unsigned i = 0; i < FILES; i++) {
        struct file *file = &script->file[i];
        represent(&file->plain, read_file(dir, names[i], wrong, sizeof wrong));
        if (file->plain.body) {
            represent(&file->gzip, rc_gzip(file->plain.body));
        } else if (whole) {
            snprintf(why, size, "%s", wrong);
            whole = false;
        }
    }
    return whole;
}

/* False: a folder that was named does not have what it must. */
static bool load_from(struct rc_script *script, const char *named, char *why, size_t size)
{
    char home[PATH_MAX], wrong[WHY] = "/proc/self/exe does not tell where the program is", quoted[WHY];
    const char *dir = *named ? named : default_dir(home) ? home : NULL;
    if (dir && load(script, dir, wrong, sizeof wrong))
        return true;
    if (*named && !script->file[FULL].plain.body) {
        snprintf(why, size,
                 "client.dir: %s; name the dist folder of npm's socket.io-client, as deploy/install-deps installs it",
                 wrong);
        return false;
    }
    rc_log(RC_WARN, "client-script-missing", "reason=%s hint=\"run " CURE "\"",
           rc_log_quote(quoted, sizeof quoted, wrong, strlen(wrong)));
    return true;
}

struct rc_script *rc_script_new(const char *dir, const char *eio_path, char *why, size_t size)
{
    struct rc_script *script = rc_zalloc(sizeof *script);
    for (unsigned i = 0; i < FILES; i++) {
        struct file *file = &script->file[i];
        file->path = rc_zalloc(strlen(eio_path) + strlen(names[i]) + 1);
        strcat(strcpy(file->path, eio_path), names[i]);
        bool map = strcmp(strrchr(names[i], '.'), ".map") == 0;
        file->type = map ? "application/json; charset=utf-8" : "application/javascript; charset=utf-8";
    }
    if (!load_from(script, dir, why, size)) {
        rc_script_free(script);
        return NULL;
    }
    return script;
}

void rc_script_free(struct rc_script *script)
{
    if (!script)
        return;
    for (unsigned i = 0; i < FILES; i++) {
        rc_buf_rele(script->file[i].plain.body);
        rc_buf_rele(script->file[i].gzip.body);
        free(script->file[i].path);
    }
    free(script);
}

/* ---- answering ---- */

static void refuse(struct rc_response *response, int status, const char *fields, const char *text)
{
    rc_response_full(response, status, PLAIN, fields, text, strlen(text));
}

/* What the client has already, of what it would take; NULL: nothing. */
static const struct representation *find_known(const struct file *file, const struct rc_http_request *request,
                                               const struct rc_codings *wanted, const struct representation *best)
{
    const struct representation *other = best == &file->plain ? &file->gzip : &file->plain;
    unsigned weight = other == &file->gzip ? wanted->gzip : wanted->identity;
    if (rc_etag_listed(request, best->etag))
        return best;
    return other->body && weight && rc_etag_listed(request, other->etag) ? other : NULL;
}

static void send_file(void *self, const struct rc_http_request *request, struct rc_response *response)
{
    const struct file *file = self;
    char fields[192];
    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
        refuse(response, 405, "Allow: GET, HEAD\r\n", "Method Not Allowed\n");
        return;
    }
    if (!file->plain.body) {
        refuse(response, 404, "Cache-Control: no-cache\r\n",
               "This Socket.IO client script is not installed. Run " CURE ".\n");
        return;
    }
    struct rc_codings wanted = rc_codings_read(request);
    bool gzip = file->gzip.body && wanted.gzip && wanted.gzip >= wanted.identity;
    const struct representation *best = gzip ? &file->gzip : &file->plain;
    const struct representation *known = find_known(file, request, &wanted, best);
    snprintf(fields, sizeof fields, "Cache-Control: public, max-age=0\r\nETag: %s\r\nVary: Accept-Encoding\r\n%s",
             known ? known->etag : best->etag, gzip && !known ? "Content-Encoding: gzip\r\n" : "");
    if (known) {
        rc_response_full(response, 304, NULL, fields, "", 0);
        return;
    }
    rc_response_begin(response, 200, file->type, fields, best->body->len);
    rc_response_share(response, rc_buf_hold(best->body));
    rc_response_end(response);
}

void rc_script_routes(struct rc_script *script, struct rc_http_server *server)
{
    for (unsigned i = 0; i < FILES; i++)
        rc_http_route(server, NULL, script->file[i].path, send_file, &script->file[i]);
}

void rc_script_alias(struct rc_script *script, struct rc_http_server *server, const char *path)
{
    rc_http_route(server, NULL, path, send_file, &script->file[MIN]);
}
