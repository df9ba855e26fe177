/* Secrets: read from a private file or the environment, never shown, wiped when released. */
#ifndef RC_SECRET_H
#define RC_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#define RC_SECRET_MIN 32   /* bytes; shorter HMAC keys can be guessed */
#define RC_SECRET_MAX 4096 /* bytes */
#define RC_SECRET_WHY 512  /* room for any message of rc_secret_load */

struct rc_secret {
    unsigned char *bytes; /* NULL: none; a NUL follows them */
    size_t len;
};

/* Reads the secret of `option` from the environment variable `env` when that is set and not empty, else from
 * the file `path`. The file must be a regular one that belongs to us or to root and that nobody else can read
 * or write; one newline at its end is not part of the secret. False leaves *out empty and a sentence in why
 * that says what would be right; programs then end with RC_EXIT_CONFIG. Neither given is such an error;
 * callers for whom the secret may be absent ask rc_secret_given first. */
bool rc_secret_load(struct rc_secret *out, const char *option, const char *path, const char *env,
                    char why[RC_SECRET_WHY]);

/* The same for a password that somebody else gave out: from a file only, and of any length from 1 to RC_SECRET_MAX. */
bool rc_secret_password(struct rc_secret *out, const char *option, const char *path, char why[RC_SECRET_WHY]);

/* Whether the variable or the path is there to be read. */
bool rc_secret_given(const char *path, const char *env);

/* Whether text is the secret, in a time that does not depend on where they differ. False when there is no
 * secret. */
bool rc_secret_equal(const struct rc_secret *secret, const void *text, size_t len);

/* Wipes and frees; the struct is empty afterwards. */
void rc_secret_fini(struct rc_secret *secret);

#endif
