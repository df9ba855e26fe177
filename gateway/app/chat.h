/*
 * The support chat: the rules that ship with Roomcast (struct rc_app).
 *
 *   enter   the cookie `token` says who it is
 *   rooms   "NSP,user:NAME", and "NSP,admins" when rol is admin
 *   event   mensaje_privado {para, mensaje}  ->  mensaje_recibido {de, mensaje} to user:PARA, and to admins
 *           as well unless an admin sent it; stored as Row{de, para, mensaje, de_admin}
 *
 * NSP is the socket's namespace, "/" or "/name". Every namespace that exists (sio.namespaces) is the same chat with rooms
 * of its own: a message stays in the namespace in which it was sent. The history is one, and does not tell them apart.
 *
 * mensaje goes on byte for byte; binary parts of it go on as attachments and are stored as {"base64": "..."}. Every
 * other event is ignored.
 */
#ifndef RC_GATEWAY_CHAT_H
#define RC_GATEWAY_CHAT_H

#include "gateway/app/app.h"
#include "gateway/app/auth.h"

#define RC_CHAT_ROL_ADMIN "admin"
/* Bytes of a stored message: with its payload it fits a frame of a link (4 MiB). */
#define RC_CHAT_ROW_MAX ((size_t)1536 << 10)

/* auth stays the caller's and must outlive it. NULL: no memory. */
struct rc_app *rc_chat_new(struct rc_auth *auth);
void rc_chat_free(struct rc_app *chat);

#endif
