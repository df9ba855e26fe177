/* Verifying JSON Web Tokens: the one file that includes libjwt. */
#include "gateway/app/jwt.h"

#include "gateway/app/json.h"

#include <ctype.h>
#include <errno.h>
#include <jwt.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_MAX   1024 /* characters of a token's first part */
#define RSA_BITS_MIN 2048
#define USUAL        2
#define USUAL_MAX    48 /* characters and a NUL */

enum kind { SECRET, KEY_RSA, KEY_EC };

struct algorithm {
    const char *name;
    jwt_alg_t alg;
    enum kind kind;
    const char *curve; /* OpenSSL's name of the curve, KEY_EC only */
};

static const struct algorithm algorithms[] = {
    {"HS256", JWT_ALG_HS256, SECRET, NULL},         {"HS384", JWT_ALG_HS384, SECRET, NULL},
    {"HS512", JWT_ALG_HS512, SECRET, NULL},         {"RS256", JWT_ALG_RS256, KEY_RSA, NULL},
    {"RS384", JWT_ALG_RS384, KEY_RSA, NULL},        {"RS512", JWT_ALG_RS512, KEY_RSA, NULL},
    {"ES256", JWT_ALG_ES256, KEY_EC, "prime256v1"}, {"ES384", JWT_ALG_ES384, KEY_EC, "secp384r1"},
    {"ES512", JWT_ALG_ES512, KEY_EC, "secp521r1"},
};

struct rc_jwt {
    const struct algorithm *algorithm;
    char usual[USUAL][USUAL_MAX]; /* headers of this algorithm as nearly every issuer writes them, base64url */
    int64_t leeway;               /* s */
    size_t len;
    unsigned char key[]; /* len bytes */
};

const char *rc_jwt_text(enum rc_jwt_result result)
{
    static const char *const texts[] = {
#define X(name, text) text,
        RC_JWT_LIST(X)
#undef X
    };
    return texts[result];
}

/* ---- keys ---- */

static bool check_secret(const void *key, size_t len, char *error, size_t size)
{
    static const char pem[] = "-----BEGIN ";
    if (len < RC_JWT_SECRET_MIN) {
        snprintf(error, size, "the secret has %zu bytes; at least %d are needed", len, RC_JWT_SECRET_MIN);
        return false;
    }
    if (memmem(key, len, pem, strlen(pem))) {
        /* Who knows the public key could sign tokens with it as if it were the secret. */
        snprintf(error, size,
                 "the secret is a PEM key; use random bytes, or an RS or ES algorithm with this public key");
        return false;
    }
    return true;
}

static bool check_rsa(const EVP_PKEY *key, char *error, size_t size)
{
    if (!EVP_PKEY_is_a(key, "RSA")) {
        snprintf(error, size, "the key is not an RSA key, which the RS algorithms need");
        return false;
    }
    if (EVP_PKEY_get_bits(key) < RSA_BITS_MIN) {
        snprintf(error, size, "the RSA key has %d bits; at least %d are needed", EVP_PKEY_get_bits(key), RSA_BITS_MIN);
        return false;
    }
    return true;
}

static bool check_ec(const EVP_PKEY *key, const char *curve, char *error, size_t size)
{
    char group[64] = "";
    if (!EVP_PKEY_is_a(key, "EC")) {
        snprintf(error, size, "the key is not an EC key, which the ES algorithms need");
        return false;
    }
    if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, NULL) != 1 ||
        strcmp(group, curve) != 0) {
        snprintf(error, size, "the EC key is on curve %s; this algorithm needs %s", group, curve);
        return false;
    }
    return true;
}

static bool check_public(const struct algorithm *algorithm, const void *pem, size_t len, char *error, size_t size)
{
    BIO *bio = len <= INT32_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
    EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
    bool ok = false;
    if (!key) {
        snprintf(error, size, "the key is not a PEM public key (-----BEGIN PUBLIC KEY-----)");
    } else if (algorithm->kind == KEY_RSA) {
        ok = check_rsa(key, error, size);
    } else {
        ok = check_ec(key, algorithm->curve, error, size);
    }
    EVP_PKEY_free(key);
    BIO_free(bio);
    return ok;
}

static const struct algorithm *find_algorithm(const char *name)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        if (strcmp(algorithms[i].name, name) == 0) {
            return &algorithms[i];
        }
    }
    return NULL;
}

static void write_usual(struct rc_jwt *jwt)
{
    static const char *const forms[USUAL] = {"{\"alg\":\"%s\",\"typ\":\"JWT\"}", "{\"typ\":\"JWT\",\"alg\":\"%s\"}"};
    char text[USUAL_MAX / 4 * 3];
    for (int i = 0; i < USUAL; i++) {
        int n = snprintf(text, sizeof text, forms[i], jwt->algorithm->name); /* 27 bytes: no padding */
        EVP_EncodeBlock((unsigned char *)jwt->usual[i], (const unsigned char *)text, n);
    }
}

struct rc_jwt *rc_jwt_new(const char *algorithm, const void *key, size_t len, int64_t leeway_s, char *error,
                          size_t error_size)
{
    const struct algorithm *found = find_algorithm(algorithm);
    if (!found) {
        snprintf(error, error_size,
                 "unknown algorithm; use HS256, HS384, HS512, RS256, RS384, RS512, ES256, ES384 or ES512");
        return NULL;
    }
    if (!(found->kind == SECRET ? check_secret(key, len, error, error_size)
                                : check_public(found, key, len, error, error_size))) {
        return NULL;
    }
    struct rc_jwt *jwt = malloc(sizeof *jwt + len);
    if (!jwt) {
        snprintf(error, error_size, "out of memory");
        return NULL;
    }
    jwt->algorithm = found;
    write_usual(jwt);
    jwt->leeway = leeway_s;
    jwt->len = len;
    memcpy(jwt->key, key, len);
    return jwt;
}

void rc_jwt_free(struct rc_jwt *jwt)
{
    if (jwt) {
        OPENSSL_cleanse(jwt->key, jwt->len);
        free(jwt);
    }
}

/* ---- the text of a token ---- */

/* libjwt's base64 reader skips what it does not know; so only what is base64url gets there. */
static bool is_base64url(const char *part, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)part[i]) && part[i] != '-' && part[i] != '_') {
            return false;
        }
    }
    return len > 0 && len % 4 != 1;
}

/* Three parts; *header_len is the length of the first. */
static bool is_token(const char *token, size_t len, size_t *header_len)
{
    const char *end = token + len;
    const char *first = memchr(token, '.', len);
    const char *second = first ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;
    if (!second || !is_base64url(token, (size_t)(first - token)) ||
        !is_base64url(first + 1, (size_t)(second - first - 1)) ||
        !is_base64url(second + 1, (size_t)(end - second - 1))) {
        return false;
    }
    *header_len = (size_t)(first - token);
    return *header_len <= HEADER_MAX;
}

/* Base64url without padding, already checked; returns the bytes of out that are meant. */
static size_t decode_base64url(const char *part, size_t len, unsigned char *out)
{
    unsigned char padded[HEADER_MAX + 4];
    size_t n = 0;
    for (; n < len; n++) {
        padded[n] = (unsigned char)(part[n] == '-' ? '+' : part[n] == '_' ? '/' : part[n]);
    }
    while (n % 4 != 0) {
        padded[n++] = '=';
    }
    int decoded = EVP_DecodeBlock(out, padded, (int)n); /* counts what the padding stands for */
    return decoded < 0 ? 0 : (size_t)decoded - (n - len);
}

struct header {
    bool object;
    char alg[16]; /* "": missing or no algorithm's name */
};

static bool on_header(void *ctx, const struct rc_json_value *value)
{
    struct header *header = ctx;
    size_t len;
    header->object = value->depth == 0 && value->type == RC_JSON_OBJECT;
    if (value->depth == 1 && value->key == 0 &&
        !rc_json_string(value->text, value->len, header->alg, sizeof header->alg, &len)) {
        header->alg[0] = '\0';
    }
    return true;
}

static bool is_usual(const struct rc_jwt *jwt, const char *part, size_t len)
{
    for (int i = 0; i < USUAL; i++) {
        if (strlen(jwt->usual[i]) == len && memcmp(jwt->usual[i], part, len) == 0) {
            return true;
        }
    }
    return false;
}

/* libjwt takes the algorithm from the token; ours is fixed, so the header is judged before libjwt sees the
 * key. */
static enum rc_jwt_result check_header(const struct rc_jwt *jwt, const char *part, size_t len)
{
    if (is_usual(jwt, part, len)) {
        return RC_JWT_OK;
    }
    static const char *const keys[] = {"alg"};
    unsigned char text[HEADER_MAX + 4];
    struct header header = {.object = false};
    size_t n = decode_base64url(part, len, text);
    if (!rc_json_walk((const char *)text, n, keys, 1, on_header, &header) || !header.object) {
        return RC_JWT_MALFORMED;
    }
    return strcmp(header.alg, jwt->algorithm->name) == 0 ? RC_JWT_OK : RC_JWT_ALGORITHM;
}

/* ---- claims ---- */

/* A JSON integer above 0, or absent. libjwt reads as 0 what is no integer, also a real or a text of digits. */
static bool read_time(jwt_t *token, const char *claim, int64_t *out)
{
    errno = 0;
    long time = jwt_get_grant_int(token, claim);
    bool absent = time == -1 && errno == ENOENT;
    *out = absent ? 0 : time;
    return absent || (time > 0 && time <= INT64_MAX / 4); /* a quarter: leeway fits on top */
}

/* libjwt gives only texts, which are UTF-8 and have no NUL inside. */
static enum rc_jwt_result read_user(jwt_t *token, struct rc_claims *claims)
{
    const char *user = jwt_get_grant(token, "user");
    if (!user || !*user) {
        return RC_JWT_NO_USER;
    }
    claims->user_len = strlen(user);
    if (claims->user_len > RC_USER_MAX) {
        return RC_JWT_LONG_USER;
    }
    memcpy(claims->user, user, claims->user_len + 1);
    return RC_JWT_OK;
}

static void read_rol(jwt_t *token, struct rc_claims *claims)
{
    const char *rol = jwt_get_grant(token, "rol");
    if (rol && strlen(rol) <= RC_ROL_MAX) {
        strcpy(claims->rol, rol);
    }
}

enum rc_jwt_result rc_jwt_check_times(const struct rc_jwt *jwt, const struct rc_claims *claims, int64_t now_s)
{
    if (claims->exp && now_s >= claims->exp + jwt->leeway) {
        return RC_JWT_EXPIRED;
    }
    return now_s < claims->nbf - jwt->leeway ? RC_JWT_NOT_YET : RC_JWT_OK;
}

static enum rc_jwt_result read_claims(const struct rc_jwt *jwt, jwt_t *token, int64_t now_s, struct rc_claims *out)
{
    struct rc_claims claims = {.user_len = 0};
    if (!read_time(token, "exp", &claims.exp) || !read_time(token, "nbf", &claims.nbf)) {
        return RC_JWT_TIME_TYPE;
    }
    enum rc_jwt_result result = rc_jwt_check_times(jwt, &claims, now_s);
    if (result == RC_JWT_OK) {
        result = read_user(token, &claims);
    }
    if (result == RC_JWT_OK) {
        read_rol(token, &claims);
        *out = claims;
    }
    return result;
}

enum rc_jwt_result rc_jwt_verify(const struct rc_jwt *jwt, const char *token, size_t len, int64_t now_s,
                                 struct rc_claims *out)
{
    char text[RC_JWT_TOKEN_MAX + 1];
    size_t header_len;
    if (len > RC_JWT_TOKEN_MAX) {
        return RC_JWT_TOO_LONG;
    }
    if (!is_token(token, len, &header_len)) {
        return RC_JWT_MALFORMED;
    }
    enum rc_jwt_result result = check_header(jwt, token, header_len);
    if (result != RC_JWT_OK) {
        return result;
    }
    memcpy(text, token, len);
    text[len] = '\0';
    jwt_t *decoded = NULL;
    if (jwt_decode(&decoded, text, jwt->key, (int)jwt->len) != 0) {
        return RC_JWT_SIGNATURE;
    }
    result = jwt_get_alg(decoded) == jwt->algorithm->alg ? read_claims(jwt, decoded, now_s, out) : RC_JWT_ALGORITHM;
    jwt_free(decoded);
    return result;
}

char *rc_jwt_sign(const struct rc_jwt *jwt, const char *user, const char *rol, int64_t exp)
{
    jwt_t *token = NULL;
    char *text = NULL;
    if (jwt->algorithm->kind != SECRET || jwt_new(&token) != 0) {
        return NULL;
    }
    if (jwt_add_grant(token, "user", user) == 0 && jwt_add_grant(token, "name", user) == 0 &&
        jwt_add_grant(token, "rol", rol) == 0 && jwt_add_grant_int(token, "exp", (long)exp) == 0 &&
        jwt_set_alg(token, jwt->algorithm->alg, jwt->key, (int)jwt->len) == 0) {
        text = jwt_encode_str(token);
    }
    jwt_free(token);
    return text;
}
