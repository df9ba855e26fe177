/* Tokens of clients: JSON Web Tokens by HS256 with the claims of the support chat. */
#ifndef RC_TOKEN_H
#define RC_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "secret.h"

#define RC_TOKEN_MAX 512 /* bytes with terminator */

/* Writes the token of a user. False: libjwt could not, or it would be too long. */
bool rc_token_make(char out[RC_TOKEN_MAX], const struct rc_secret *secret, const char *user, bool admin);

#endif
