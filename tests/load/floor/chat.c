/* The support chat, and the layers of its protocol as far as roomcast-bench speaks them. */
#include "floor.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#define BUCKETS     65536u
#define REQUEST_MAX 4096 /* bytes of a request, and of the claims in it */

/* Nobody is pinged within an hour: runs are shorter. */
#define OPEN                                                                                                           \
    "0{\"sid\":\"floor\",\"upgrades\":[],\"pingInterval\":3600000,\"pingTimeout\":3600000,\"maxPayload\":65535}"
#define EVENT "[\"mensaje_privado\",{\"para\":\""
#define TEXT  "\",\"mensaje\":\""
#define END   "\"}]"

struct rc_floor_list rc_floor_admins = LIST_HEAD_INITIALIZER(rc_floor_admins);
struct rc_floor_buf rc_floor_news;
static struct rc_floor_list users[BUCKETS];

static struct rc_floor_list *bucket_of(const char *user, size_t len)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char)user[i]) * 16777619u;
    }
    return &users[(hash ^ hash >> 16) % BUCKETS];
}

static char *put(char *at, const char *data, size_t len)
{
    memcpy(at, data, len);
    return at + len;
}

/* A text frame of three pieces. */
static void put_frame(struct rc_floor_buf *out, const char *a, size_t a_len, const char *b, size_t b_len, const char *c,
                      size_t c_len)
{
    size_t len = a_len + b_len + c_len;
    bool small = len < 126;
    char *at = rc_floor_room(out, len + (small ? 2 : 4));
    const char head[] = {(char)0x81, small ? (char)len : 126, (char)(len >> 8), (char)len};
    put(put(put(put(at, head, small ? 2 : 4), a, a_len), b, b_len), c, c_len);
}

static void reply(struct rc_floor_conn *conn, const char *text, const char *id, size_t id_len, const char *rest)
{
    put_frame(&conn->out, text, strlen(text), id, id_len, rest, strlen(rest));
    rc_floor_mark(conn);
}

static void join(struct rc_floor_conn *conn)
{
    conn->joined = true;
    LIST_INSERT_HEAD(bucket_of(conn->user, conn->user_len), conn, namesake);
    if (conn->admin) {
        LIST_INSERT_HEAD(&rc_floor_admins, conn, fellow);
    }
    reply(conn, "40{\"sid\":\"", conn->user, conn->user_len, "\"}");
}

void rc_floor_leave(struct rc_floor_conn *conn)
{
    if (conn->joined) {
        LIST_REMOVE(conn, namesake);
    }
    if (conn->joined && conn->admin) {
        LIST_REMOVE(conn, fellow);
    }
}

static void relay(const struct rc_floor_conn *from, const char *to, size_t to_len, const char *text, size_t len)
{
    struct rc_floor_conn *conn;
    LIST_FOREACH (conn, bucket_of(to, to_len), namesake) {
        if (conn->user_len == to_len && memcmp(conn->user, to, to_len) == 0) {
            put_frame(&conn->out, from->head, from->head_len, text, len, END, sizeof END - 1);
            rc_floor_mark(conn);
        }
    }
    if (!from->admin && !LIST_EMPTY(&rc_floor_admins)) {
        put_frame(&rc_floor_news, from->head, from->head_len, text, len, END, sizeof END - 1);
    }
}

static bool begins(const char *at, const char *end, const char *with, size_t len)
{
    return (size_t)(end - at) >= len && memcmp(at, with, len) == 0;
}

/* 42ID["mensaje_privado",{"para":"...","mensaje":"..."}], byte for byte as roomcast-bench writes it. */
static bool take_event(struct rc_floor_conn *conn, const char *id, const char *end)
{
    const char *at = id;
    while (at < end && *at >= '0' && *at <= '9') {
        at++;
    }
    const char *to = at + sizeof EVENT - 1;
    const char *to_end = begins(at, end, EVENT, sizeof EVENT - 1) ? memchr(to, '"', (size_t)(end - to)) : NULL;
    if (!to_end || !begins(to_end, end - (sizeof END - 1), TEXT, sizeof TEXT - 1)) {
        return false;
    }
    const char *text = to_end + sizeof TEXT - 1;
    relay(conn, to, (size_t)(to_end - to), text, (size_t)(end - text) - (sizeof END - 1));
    if (at > id) {
        reply(conn, "43", id, (size_t)(at - id), "[{\"ok\":true}]");
    }
    return true;
}

static void unmask(char *data, size_t len)
{
    char mask[4];
    memcpy(mask, data - sizeof mask, sizeof mask);
    for (size_t i = 0; i < len; i++) {
        data[i] = (char)(data[i] ^ mask[i % 4]);
    }
}

/* Returns the bytes of the frame at the begin; 0: it is not whole, or the connection ended. */
static size_t take_frame(struct rc_floor_conn *conn, char *data, size_t len)
{
    const unsigned char *byte = (const unsigned char *)data;
    bool small = len > 1 && byte[1] != (128 | 126);
    size_t head = small ? 6 : 8;
    if (len < head) {
        return 0;
    }
    size_t size = small ? byte[1] & 127u : (size_t)byte[2] << 8 | byte[3];
    if (byte[0] != 0x81 || byte[1] < 128 || byte[1] == 255) {
        rc_floor_end(conn, byte[0] == 0x88 ? NULL : "a frame that is no masked text below 64 KiB");
    } else if (len >= head + size) {
        char *text = data + head;
        unmask(text, size);
        if (!conn->joined && size == 2 && memcmp(text, "40", 2) == 0) {
            join(conn);
        } else if (!conn->joined || !begins(text, text + size, "42", 2) || !take_event(conn, text + 2, text + size)) {
            rc_floor_end(conn, "a packet that roomcast-bench does not send");
        }
        return conn->ended ? 0 : head + size;
    }
    return 0;
}

/* Base64url; what is no letter of it counts as zeros. Returns the length. */
static size_t decode(char *out, const char *text, size_t len)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t n = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < len; i++) {
        const char *letter = memchr(letters, text[i], sizeof letters - 1);
        bits = bits << 6 | (letter ? (uint32_t)(letter - letters) : 0);
        if (i % 4 > 0) {
            out[n++] = (char)(bits >> (6 - 2 * (i % 4)));
        }
    }
    return n;
}

/* Who it says it is; nobody checks that. */
static bool identify(struct rc_floor_conn *conn, const char *request)
{
    static const char user[] = "\"user\":\"";
    char claims[REQUEST_MAX];
    const char *token = strstr(request, "token="), *from = token ? strchr(token, '.') : NULL;
    if (!from) {
        return false;
    }
    claims[decode(claims, from + 1, strcspn(from + 1, ".\r;"))] = '\0';
    const char *name = strstr(claims, user);
    conn->user_len = name ? strcspn(name + sizeof user - 1, "\"\\") : 0;
    if (conn->user_len == 0 || conn->user_len > RC_FLOOR_USER) {
        return false;
    }
    memcpy(conn->user, name + sizeof user - 1, conn->user_len);
    conn->admin = strstr(claims, "\"rol\":\"admin\"");
    conn->head_len = (size_t)snprintf(conn->head, sizeof conn->head, "42[\"mensaje_recibido\",{\"de\":\"%.*s" TEXT,
                                      (int)conn->user_len, conn->user);
    return true;
}

/* RFC 6455, 4.2.2; and the open packet of Engine.IO. */
static bool answer(struct rc_floor_conn *conn, const char *request)
{
    static const char name[] = "\r\nSec-WebSocket-Key: ";
    unsigned char hash[EVP_MAX_MD_SIZE], accept[EVP_MAX_MD_SIZE * 2];
    char text[256];
    unsigned hash_len;
    const char *key = strstr(request, name);
    int len = key ? snprintf(text, sizeof text, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key + sizeof name - 1) : 0;
    if (len == 0 || EVP_Digest(text, (size_t)len, hash, &hash_len, EVP_sha1(), NULL) != 1) {
        return false;
    }
    EVP_EncodeBlock(accept, hash, (int)hash_len);
    len = snprintf(text, sizeof text,
                   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Accept: %s\r\n\r\n",
                   (const char *)accept);
    put(rc_floor_room(&conn->out, (size_t)len), text, (size_t)len);
    reply(conn, OPEN, "", 0, "");
    return true;
}

size_t rc_floor_take(struct rc_floor_conn *conn, char *data, size_t len)
{
    size_t at = 0, more = 1;
    char *end = conn->upgraded ? NULL : memmem(data, len, "\r\n\r\n", 4);
    if (end) {
        end[2] = '\0';
        at = (size_t)(end + 4 - data);
        conn->upgraded = at <= REQUEST_MAX && identify(conn, data) && answer(conn, data);
    }
    if (!conn->upgraded && (end || len > REQUEST_MAX)) {
        rc_floor_end(conn, "it asks for no WebSocket, or without a user's token");
    }
    while (conn->upgraded && !conn->ended && more > 0) {
        more = take_frame(conn, data + at, len - at);
        at += more;
    }
    return at;
}
