/* The namespaces that exist, from the option sio.namespaces. */
#ifndef RC_GATEWAY_NAMESPACES_H
#define RC_GATEWAY_NAMESPACES_H

#include <stddef.h>

#define RC_NAMESPACES_MAX 64

/* list: comma separated, without blanks: "/,/soporte". The names, NULL-terminated, for rc_sio_config; constant, so any
 * thread may read them; rc_namespaces_free releases them. NULL: why (in size bytes) says which one is wrong and what
 * would be right. */
const char *const *rc_namespaces_new(const char *list, char *why, size_t size);
void rc_namespaces_free(const char *const *namespaces);

#endif
