/*
 * A message as a line of text (JSON Lines), as export writes it and import reads it; docs/disk-format.md, "Lines".
 *
 *   {"key":"1764111600000/gateway-1/1764111500000/17","de":"ana","para":"jefe","de_admin":false,"mensaje":"\"hola\""}
 *
 * mensaje is the stored JSON text as a string, so that it comes back byte for byte. What is not UTF-8 stands as hexadecimal in
 * de_hex, para_hex or mensaje_hex instead.
 */
#ifndef RC_PERSISTER_LINE_H
#define RC_PERSISTER_LINE_H

#include "broker/persister/store.h"

#include <stdio.h>

#define RC_KEY_TEXT    160 /* bytes of a key as text: fecha/origin/incarnation/seq, terminator included */
#define RC_LINE_MAX    ((size_t)16 << 20) /* bytes of a line */
#define RC_MENSAJE_MAX ((size_t)3000000)  /* bytes of a mensaje that an answer to a gateway can carry */
#define RC_LINE_WHY    256

/* Writes the key as text and returns out. */
char *rc_key_text(const struct rc_key *key, char out[RC_KEY_TEXT]);
/* False when the text is no key that can be stored. */
bool rc_key_parse(const char *text, struct rc_key *out);

/* Writes a row's line, its end included. False when memory is short. */
bool rc_line_write(FILE *out, const struct rc_store_row *row);

/* Reads a line without its end into a record whose row the caller releases. False with a phrase in why that says what is wrong
 * with it and what would be right. */
bool rc_line_read(const char *line, size_t len, struct rc_record *out, char why[RC_LINE_WHY]);

#endif
