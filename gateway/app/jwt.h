/*
 * Verifying JSON Web Tokens (RFC 7519, 7515): libjwt checks the signature, this wrapper everything that
 * libjwt 1.10.2 leaves open: the algorithm is one, fixed with the key; "none", an empty or a short key and a
 * public key used as a shared secret are refused; exp and nbf are checked and must be JSON integers; a token
 * is bounded before anything parses it.
 *
 * A verifier never changes after rc_jwt_new, so any number of threads may use it at once.
 */
#ifndef RC_GATEWAY_JWT_H
#define RC_GATEWAY_JWT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RC_JWT_TOKEN_MAX  8192 /* bytes of a token */
#define RC_JWT_SECRET_MIN 32   /* bytes of an HS256/384/512 secret */
#define RC_USER_MAX       128  /* bytes of a user name */
#define RC_ROL_MAX        32   /* bytes of a role; a longer one is no role */

struct rc_jwt; /* algorithm, key and leeway */

/* What a verified token says of its bearer. The claim `name` is not read: nothing goes by it. */
struct rc_claims {
    char user[RC_USER_MAX + 1]; /* not empty, UTF-8, no NUL inside */
    size_t user_len;
    char rol[RC_ROL_MAX + 1]; /* "": none, or not a string of 1 to RC_ROL_MAX bytes */
    int64_t exp;              /* s since the epoch; 0: never ends */
    int64_t nbf;              /* s since the epoch; 0: from ever */
};

/* Why a token is refused. The text is for the log: a client is told only that its token is invalid. */
#define RC_JWT_LIST(X)                                                                                                 \
    X(RC_JWT_OK, "valid")                                                                                              \
    X(RC_JWT_TOO_LONG, "longer than 8192 bytes")                                                                       \
    X(RC_JWT_MALFORMED, "not three base64url parts, or its header is no JSON object")                                  \
    X(RC_JWT_ALGORITHM, "signed with another algorithm than the configured one")                                       \
    X(RC_JWT_SIGNATURE, "signature, header or payload not accepted")                                                   \
    X(RC_JWT_TIME_TYPE, "exp or nbf is not an integer above 0")                                                        \
    X(RC_JWT_EXPIRED, "expired")                                                                                       \
    X(RC_JWT_NOT_YET, "not valid yet")                                                                                 \
    X(RC_JWT_NO_USER, "user is missing, not a string or empty")                                                        \
    X(RC_JWT_LONG_USER, "user is longer than 128 bytes")

enum rc_jwt_result {
#define X(name, text) name,
    RC_JWT_LIST(X)
#undef X
};
const char *rc_jwt_text(enum rc_jwt_result result); /* static string */

/*
 * A verifier. algorithm: HS256, HS384, HS512 (key: the secret's bytes, at least RC_JWT_SECRET_MIN and no PEM
 * text), RS256, RS384, RS512 (key: PEM public key, RSA of 2048 bits or more), ES256, ES384, ES512 (key: PEM
 * public key on the algorithm's curve). leeway_s widens exp and nbf by so many seconds, for clocks that
 * differ. The key is copied. NULL: error holds a sentence saying what was wrong and what would be right.
 */
struct rc_jwt *rc_jwt_new(const char *algorithm, const void *key, size_t len, int64_t leeway_s, char *error,
                          size_t error_size);
void rc_jwt_free(struct rc_jwt *jwt); /* wipes the key; accepts NULL */

/* Verifies a token (not terminated) at wall clock now_s; *out is set only on RC_JWT_OK. Costs 5 us (HS) to
 * 0.3 ms (RS, ES). */
enum rc_jwt_result rc_jwt_verify(const struct rc_jwt *jwt, const char *token, size_t len, int64_t now_s,
                                 struct rc_claims *out);
/* The times alone: RC_JWT_OK, RC_JWT_EXPIRED or RC_JWT_NOT_YET. */
enum rc_jwt_result rc_jwt_check_times(const struct rc_jwt *jwt, const struct rc_claims *claims, int64_t now_s);

/* A token for the demo page, signed with the verifier's own secret: malloc'd text. NULL: not an HS algorithm,
 * a name or role that is not UTF-8, or no memory. */
char *rc_jwt_sign(const struct rc_jwt *jwt, const char *user, const char *rol, int64_t exp);

#endif
