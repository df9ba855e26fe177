/* Tokens: each thing that libjwt leaves open is refused here, and the cache never outlives a token. */
#include "gateway/app/jwt.h"
#include "gateway/app/token_cache.h"
#include "tokens.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <openssl/ecdsa.h>
#include <openssl/pem.h>

#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

static struct rc_jwt *verifier(const char *algorithm, const char *key, int64_t leeway)
{
    char error[256] = "";
    struct rc_jwt *jwt = rc_jwt_new(algorithm, key, strlen(key), leeway, error, sizeof error);
    if (!jwt) {
        fail_msg("%s", error);
    }
    return jwt;
}

/* Verifies a token at NOW and frees it. */
static enum rc_jwt_result verify_with(const struct rc_jwt *jwt, char *text, struct rc_claims *claims)
{
    enum rc_jwt_result result = rc_jwt_verify(jwt, text, strlen(text), NOW, claims);
    free(text);
    return result;
}

static enum rc_jwt_result verify(char *text)
{
    struct rc_claims claims;
    struct rc_jwt *jwt = verifier("HS256", SECRET, 0);
    enum rc_jwt_result result = verify_with(jwt, text, &claims);
    rc_jwt_free(jwt);
    return result;
}

static enum rc_jwt_result verify_payload(const char *payload)
{
    return verify(token(payload));
}

static void refuse_key(const char *algorithm, const char *key, const char *because)
{
    char error[256] = "";
    assert_null(rc_jwt_new(algorithm, key, strlen(key), 0, error, sizeof error));
    if (!strstr(error, because)) {
        fail_msg("'%s' does not say '%s'", error, because);
    }
}

/* ---- keys made for a test ---- */

static char *pem_of(EVP_PKEY *key, bool private)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data;
    if (private) {
        assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    } else {
        assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
    }
    size_t len = (size_t)BIO_get_mem_data(bio, &data);
    char *pem = strndup(data, len);
    BIO_free(bio);
    return pem;
}

static char *token_signed(const char *header, const char *payload, EVP_PKEY *key)
{
    unsigned char sig[512];
    size_t len = sizeof sig;
    char *input = token_input(header, payload);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestSign(ctx, sig, &len, (unsigned char *)input, strlen(input)), 1);
    EVP_MD_CTX_free(ctx);
    if (EVP_PKEY_is_a(key, "EC")) { /* JOSE has r and s in 32 bytes each instead of DER */
        const unsigned char *der = sig;
        ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)len);
        unsigned char raw[64];
        BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, 32);
        BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + 32, 32);
        ECDSA_SIG_free(pair);
        return token_join(input, raw, sizeof raw);
    }
    return token_join(input, sig, len);
}

/* ---- what is accepted ---- */

static void takes_a_good_token(void **state)
{
    (void)state;
    struct rc_claims claims;
    struct rc_jwt *jwt = verifier("HS256", SECRET, 0);
    char *text = token("{\"user\":\"añá\",\"name\":\"A\",\"rol\":\"admin\",\"exp\":1700000001,\"nbf\":1700000000}");
    assert_int_equal(verify_with(jwt, text, &claims), RC_JWT_OK);
    assert_string_equal(claims.user, "añá");
    assert_int_equal(claims.user_len, strlen("añá"));
    assert_string_equal(claims.rol, "admin");
    assert_int_equal(claims.exp, 1700000001);
    assert_int_equal(claims.nbf, 1700000000);
    rc_jwt_free(jwt);
}

static void takes_a_token_without_times_or_role(void **state)
{
    (void)state;
    struct rc_claims claims;
    struct rc_jwt *jwt = verifier("HS256", SECRET, 0);
    assert_int_equal(verify_with(jwt, token("{\"user\":\"ana\"}"), &claims), RC_JWT_OK);
    assert_int_equal(claims.exp, 0);
    assert_string_equal(claims.rol, "");
    assert_int_equal(verify_with(jwt, token("{\"user\":\"ana\",\"rol\":[\"admin\"]}"), &claims), RC_JWT_OK);
    assert_string_equal(claims.rol, "");
    assert_int_equal(
        verify_with(jwt, token("{\"user\":\"ana\",\"rol\":\"admin234567890123456789012345678901\"}"), &claims),
        RC_JWT_OK);
    assert_string_equal(claims.rol, "");
    rc_jwt_free(jwt);
}

static void takes_its_own_tokens(void **state)
{
    (void)state;
    struct rc_claims claims;
    struct rc_jwt *jwt = verifier("HS512", SECRET, 0);
    assert_int_equal(verify_with(jwt, rc_jwt_sign(jwt, "ana", "admin", NOW + 5), &claims), RC_JWT_OK);
    assert_string_equal(claims.user, "ana");
    assert_string_equal(claims.rol, "admin");
    assert_int_equal(claims.exp, NOW + 5);
    rc_jwt_free(jwt);
}

static void takes_public_key_algorithms(void **state)
{
    (void)state;
    struct rc_claims claims;
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    EVP_PKEY *ec = EVP_EC_gen("P-256");
    char *rsa_pem = pem_of(rsa, false);
    char *ec_pem = pem_of(ec, false);
    struct rc_jwt *rs = verifier("RS256", rsa_pem, 0);
    struct rc_jwt *es = verifier("ES256", ec_pem, 0);
    const char *payload = "{\"user\":\"ana\"}";
    assert_int_equal(verify_with(rs, token_signed("{\"alg\":\"RS256\"}", payload, rsa), &claims), RC_JWT_OK);
    assert_int_equal(verify_with(es, token_signed("{\"alg\":\"ES256\"}", payload, ec), &claims), RC_JWT_OK);
    assert_int_equal(verify_with(rs, token_signed("{\"alg\":\"ES256\"}", payload, ec), &claims), RC_JWT_ALGORITHM);
    assert_int_equal(verify_with(es, token_signed("{\"alg\":\"ES256\"}", "{\"user\":\"eva\"}", rsa), &claims),
                     RC_JWT_SIGNATURE);
    assert_null(rc_jwt_sign(rs, "ana", "", NOW));
    rc_jwt_free(rs);
    rc_jwt_free(es);
    free(rsa_pem);
    free(ec_pem);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
}

/* Not only as it is usually written. */
static void takes_any_header_of_its_algorithm(void **state)
{
    static const char *const headers[] = {"{\"typ\":\"JWT\",\"alg\":\"HS256\"}", "{\"alg\":\"HS256\"}",
                                          "{\"kid\":\"1\",\"alg\":\"HS256\",\"typ\":\"JWT\"}",
                                          " {\"alg\" : \"\\u0048S256\"}"};
    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        assert_int_equal(verify(token_hmac(headers[i], "{\"user\":\"ana\"}", SECRET, 32)), RC_JWT_OK);
}

/* ---- keys that are refused ---- */

static void refuses_empty_and_short_secrets(void **state)
{
    (void)state;
    refuse_key("HS256", "", "0 bytes");
    refuse_key("HS256", "0123456789abcdef0123456789abcde", "31 bytes");
    refuse_key("none", SECRET, "unknown algorithm");
    refuse_key("", SECRET, "unknown algorithm");
    refuse_key("hs256", SECRET, "unknown algorithm");
}

static void refuses_keys_of_the_wrong_kind(void **state)
{
    (void)state;
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    EVP_PKEY *small = EVP_RSA_gen(1024);
    EVP_PKEY *ec = EVP_EC_gen("P-256");
    EVP_PKEY *koblitz = EVP_EC_gen("secp256k1");
    char *rsa_pem = pem_of(rsa, false);
    char *private_pem = pem_of(rsa, true);
    char *small_pem = pem_of(small, false);
    char *ec_pem = pem_of(ec, false);
    char *koblitz_pem = pem_of(koblitz, false);
    refuse_key("HS256", rsa_pem, "PEM");
    refuse_key("HS256", ec_pem, "PEM");
    refuse_key("RS256", ec_pem, "not an RSA key");
    refuse_key("RS256", small_pem, "1024 bits");
    refuse_key("RS256", private_pem, "not a PEM public key");
    refuse_key("RS256", SECRET, "not a PEM public key");
    refuse_key("ES256", rsa_pem, "not an EC key");
    refuse_key("ES256", koblitz_pem, "secp256k1");
    refuse_key("ES384", ec_pem, "prime256v1");
    free(rsa_pem);
    free(private_pem);
    free(small_pem);
    free(ec_pem);
    free(koblitz_pem);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(small);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(koblitz);
}

/* ---- tokens that are refused ---- */

static void refuses_alg_none(void **state)
{
    (void)state;
    char *unsigned_token = token_input("{\"alg\":\"none\",\"typ\":\"JWT\"}", "{\"user\":\"ana\"}");
    char with_dot[512];
    snprintf(with_dot, sizeof with_dot, "%s.", unsigned_token);
    assert_int_equal(verify(strdup(with_dot)), RC_JWT_MALFORMED);
    assert_int_equal(verify(unsigned_token), RC_JWT_MALFORMED);
    assert_int_equal(verify(token_hmac("{\"alg\":\"none\"}", "{\"user\":\"ana\"}", SECRET, 32)), RC_JWT_ALGORITHM);
    assert_int_equal(verify(token_hmac("{\"alg\":\"NONE\"}", "{\"user\":\"ana\"}", SECRET, 32)), RC_JWT_ALGORITHM);
    assert_int_equal(verify(token_hmac("{}", "{\"user\":\"ana\"}", SECRET, 32)), RC_JWT_ALGORITHM);
    assert_int_equal(verify(token_hmac("{\"alg\":null}", "{\"user\":\"ana\"}", SECRET, 32)), RC_JWT_ALGORITHM);
}

static void refuses_another_algorithm(void **state)
{
    (void)state;
    struct rc_claims claims;
    struct rc_jwt *hs512 = verifier("HS512", SECRET, 0);
    struct rc_jwt *hs256 = verifier("HS256", SECRET, 0);
    assert_int_equal(verify_with(hs256, rc_jwt_sign(hs512, "ana", "", NOW + 5), &claims), RC_JWT_ALGORITHM);
    assert_int_equal(verify_with(hs512, rc_jwt_sign(hs256, "ana", "", NOW + 5), &claims), RC_JWT_ALGORITHM);
    /* of two, the last counts, for us as for libjwt */
    assert_int_equal(verify_with(hs512,
                                 token_hmac("{\"alg\":\"HS512\",\"alg\":\"HS256\"}", "{\"user\":\"ana\"}", SECRET, 32),
                                 &claims),
                     RC_JWT_ALGORITHM);
    rc_jwt_free(hs256);
    rc_jwt_free(hs512);
}

static void refuses_the_public_key_as_hmac_secret(void **state)
{
    (void)state;
    struct rc_claims claims;
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    char *pem = pem_of(rsa, false);
    struct rc_jwt *jwt = verifier("RS256", pem, 0);
    char *forged = token_hmac(HS256, "{\"user\":\"ana\",\"rol\":\"admin\"}", pem, strlen(pem));
    assert_int_equal(verify_with(jwt, forged, &claims), RC_JWT_ALGORITHM);
    forged = token_hmac("{\"alg\":\"RS256\"}", "{\"user\":\"ana\"}", pem, strlen(pem));
    assert_int_equal(verify_with(jwt, forged, &claims), RC_JWT_SIGNATURE);
    rc_jwt_free(jwt);
    free(pem);
    EVP_PKEY_free(rsa);
}

static void refuses_a_wrong_signature(void **state)
{
    (void)state;
    char *forged = token_hmac(HS256, "{\"user\":\"ana\"}", "another secret of more than 32 bytes", 36);
    assert_int_equal(verify(forged), RC_JWT_SIGNATURE);
    char *changed = token("{\"user\":\"ana\"}");
    changed[strlen("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.") + 4] ^= 1;
    assert_int_equal(verify(changed), RC_JWT_SIGNATURE);
}

static void refuses_expired_and_early_tokens(void **state)
{
    (void)state;
    assert_int_equal(verify_payload("{\"user\":\"ana\",\"exp\":1699999999}"), RC_JWT_EXPIRED);
    assert_int_equal(verify_payload("{\"user\":\"ana\",\"exp\":1700000000}"), RC_JWT_EXPIRED);
    assert_int_equal(verify_payload("{\"user\":\"ana\",\"nbf\":1700000001}"), RC_JWT_NOT_YET);
}

static void leeway_widens_both_ends(void **state)
{
    (void)state;
    struct rc_claims claims;
    struct rc_jwt *jwt = verifier("HS256", SECRET, 10);
    assert_int_equal(verify_with(jwt, token("{\"user\":\"ana\",\"exp\":1699999991}"), &claims), RC_JWT_OK);
    assert_int_equal(verify_with(jwt, token("{\"user\":\"ana\",\"exp\":1699999990}"), &claims), RC_JWT_EXPIRED);
    assert_int_equal(verify_with(jwt, token("{\"user\":\"ana\",\"nbf\":1700000010}"), &claims), RC_JWT_OK);
    assert_int_equal(verify_with(jwt, token("{\"user\":\"ana\",\"nbf\":1700000011}"), &claims), RC_JWT_NOT_YET);
    rc_jwt_free(jwt);
}

static void refuses_times_that_are_no_integers(void **state)
{
    (void)state;
    static const char *const values[] = {
        "\"1700000001\"", "1700000001.0",       "1.7e9", "null", "true", "0", "-1", "[]", "{}",
        "\"\"",           "9223372036854775807"};
    char payload[128];
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        snprintf(payload, sizeof payload, "{\"user\":\"ana\",\"exp\":%s}", values[i]);
        assert_int_equal(verify_payload(payload), RC_JWT_TIME_TYPE);
        snprintf(payload, sizeof payload, "{\"user\":\"ana\",\"nbf\":%s}", values[i]);
        assert_int_equal(verify_payload(payload), RC_JWT_TIME_TYPE);
    }
}

static void refuses_oversized_tokens(void **state)
{
    (void)state;
    char payload[RC_JWT_TOKEN_MAX];
    int pad = 6000;
    snprintf(payload, sizeof payload, "{\"user\":\"ana\",\"name\":\"%0*d\"}", pad, 0);
    assert_int_equal(verify_payload(payload), RC_JWT_OK);
    pad = 6200;
    snprintf(payload, sizeof payload, "{\"user\":\"ana\",\"name\":\"%0*d\"}", pad, 0);
    assert_int_equal(verify_payload(payload), RC_JWT_TOO_LONG);
}

static void refuses_bad_users(void **state)
{
    (void)state;
    char payload[512];
    assert_int_equal(verify_payload("{\"name\":\"ana\"}"), RC_JWT_NO_USER);
    assert_int_equal(verify_payload("{\"user\":\"\"}"), RC_JWT_NO_USER);
    assert_int_equal(verify_payload("{\"user\":7}"), RC_JWT_NO_USER);
    assert_int_equal(verify_payload("{\"user\":null}"), RC_JWT_NO_USER);
    assert_int_equal(verify_payload("{\"user\":[\"ana\"]}"), RC_JWT_NO_USER);
    assert_int_equal(verify_payload("{\"sub\":{\"user\":\"ana\"}}"), RC_JWT_NO_USER);
    assert_int_equal(verify_payload("{\"user\":\"a\\u0000b\"}"), RC_JWT_SIGNATURE); /* not JSON for libjwt */
    assert_int_equal(verify_payload("{\"user\":\"a\xff\"}"), RC_JWT_SIGNATURE);
    assert_int_equal(verify_payload("{\"user\":\"\\ud800\"}"), RC_JWT_SIGNATURE);
    snprintf(payload, sizeof payload, "{\"user\":\"%0*d\"}", RC_USER_MAX, 0);
    assert_int_equal(verify_payload(payload), RC_JWT_OK);
    snprintf(payload, sizeof payload, "{\"user\":\"%0*d\"}", RC_USER_MAX + 1, 0);
    assert_int_equal(verify_payload(payload), RC_JWT_LONG_USER);
}

static void refuses_what_is_no_token(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        ".",
                                        "..",
                                        "...",
                                        "a.b",
                                        "a.b.c",
                                        "e30.e30.e30.e30",
                                        "\"e30.e30.e30\"",
                                        "e30=.e30.e30",
                                        "e 30.e30.e30",
                                        "e30\n.e30.e30",
                                        "bm8.e30.e30" /* "no" */,
                                        "W10.e30.e30" /* [] */,
                                        "WyJhIl0.e30.e30" /* ["a"] */};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(verify(strdup(texts[i])), RC_JWT_MALFORMED);
    }
    struct rc_claims claims;
    struct rc_jwt *jwt = verifier("HS256", SECRET, 0);
    assert_int_equal(rc_jwt_verify(jwt, "e30.e30\0.e30", 12, NOW, &claims), RC_JWT_MALFORMED);
    rc_jwt_free(jwt);
    char *good = token("{\"user\":\"ana\"}");
    char *padded = malloc(strlen(good) + 3);
    sprintf(padded, "%s==", good);
    assert_int_equal(verify(padded), RC_JWT_MALFORMED);
    free(good);
}

/* ---- the cache ---- */

static struct rc_claims claims_of(int i)
{
    struct rc_claims claims = {.exp = i};
    claims.user_len = (size_t)snprintf(claims.user, sizeof claims.user, "u%d", i);
    return claims;
}

static void put(struct rc_token_cache *cache, int i)
{
    uint8_t digest[RC_TOKEN_DIGEST];
    struct rc_claims claims = claims_of(i);
    rc_token_digest((const char *)&i, sizeof i, digest);
    rc_token_cache_put(cache, digest, &claims);
}

static bool holds(struct rc_token_cache *cache, int i)
{
    uint8_t digest[RC_TOKEN_DIGEST];
    struct rc_claims claims;
    rc_token_digest((const char *)&i, sizeof i, digest);
    if (!rc_token_cache_get(cache, digest, &claims)) {
        return false;
    }
    assert_int_equal(claims.exp, i);
    return true;
}

static void cache_is_bounded_and_forgets_the_oldest(void **state)
{
    (void)state;
    struct rc_token_cache *cache = rc_token_cache_new(1); /* one set of four */
    for (int i = 1; i <= 4; i++) {
        put(cache, i);
    }
    assert_true(holds(cache, 1)); /* used: now 2 is the oldest */
    put(cache, 5);
    assert_false(holds(cache, 2));
    assert_true(holds(cache, 1) && holds(cache, 3) && holds(cache, 4) && holds(cache, 5));
    put(cache, 5);
    assert_true(holds(cache, 1) && holds(cache, 3) && holds(cache, 4) && holds(cache, 5));
    rc_token_cache_free(cache);
}

static void cache_drops(void **state)
{
    (void)state;
    int i = 7;
    uint8_t digest[RC_TOKEN_DIGEST];
    struct rc_token_cache *cache = rc_token_cache_new(16);
    put(cache, i);
    rc_token_digest((const char *)&i, sizeof i, digest);
    rc_token_cache_drop(cache, digest);
    assert_false(holds(cache, i));
    rc_token_cache_drop(cache, digest);
    rc_token_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_a_good_token),
        cmocka_unit_test(takes_a_token_without_times_or_role),
        cmocka_unit_test(takes_its_own_tokens),
        cmocka_unit_test(takes_any_header_of_its_algorithm),
        cmocka_unit_test(takes_public_key_algorithms),
        cmocka_unit_test(refuses_empty_and_short_secrets),
        cmocka_unit_test(refuses_keys_of_the_wrong_kind),
        cmocka_unit_test(refuses_alg_none),
        cmocka_unit_test(refuses_another_algorithm),
        cmocka_unit_test(refuses_the_public_key_as_hmac_secret),
        cmocka_unit_test(refuses_a_wrong_signature),
        cmocka_unit_test(refuses_expired_and_early_tokens),
        cmocka_unit_test(leeway_widens_both_ends),
        cmocka_unit_test(refuses_times_that_are_no_integers),
        cmocka_unit_test(refuses_oversized_tokens),
        cmocka_unit_test(refuses_bad_users),
        cmocka_unit_test(refuses_what_is_no_token),
        cmocka_unit_test(cache_is_bounded_and_forgets_the_oldest),
        cmocka_unit_test(cache_drops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
