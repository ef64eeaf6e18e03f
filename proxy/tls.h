/*
 * TLS between a socket and a connection of the core: encrypted bytes in and out on one side, plain
 * bytes on the other, no I/O. The core never knows.
 *
 *      socket -> tls_space, tls_received -> tls_handshake, tls_read  -> link_received
 *      socket <- tls_output, tls_sent    <- tls_write                <- link_output
 */
#ifndef PROXY_TLS_H
#define PROXY_TLS_H

#include "proto/slice.h"
#include "proto/status.h"

#include <stdint.h>
#include <sys/types.h>

enum tls_verify {
    TLS_VERIFY_FULL,  /* the certificate leads to a trusted one and is for the host that was dialled */
    TLS_VERIFY_CHAIN, /* only the former */
    TLS_VERIFY_NONE,  /* anybody may answer */
};

/* Files are PEM. */
struct tls_settings {
    const char *ca_file;          /* NULL: what the system trusts */
    const char *certificate_file; /* our own, with its chain; NULL: none is offered */
    const char *key_file;
    const char *server_name; /* to be found in the certificate and sent as SNI; NULL: the host */
    enum tls_verify verify;
};

struct tls_context; /* settings that were read; shared by sessions */

/* NULL: `reason` says which file is to blame, and how. */
struct tls_context *tls_context_new(const struct tls_settings *settings, char *reason,
                                    size_t reason_bytes);
void tls_context_free(struct tls_context *context); /* NULL is fine; sessions must be gone */

struct tls_session;

/* For a connection to `host` (a name or an address). NULL: out of memory. */
struct tls_session *tls_session_new(struct tls_context *context, const char *host);
void tls_session_free(struct tls_session *session); /* NULL is fine */

/* Where the next encrypted bytes go; NULL: out of memory. */
uint8_t *tls_space(struct tls_session *session, size_t *room);
void tls_received(struct tls_session *session, size_t bytes);

enum tls_progress { TLS_HANDSHAKING, TLS_READY, TLS_FAILED };
/* Goes on with what has come in; call it first without any, it then has something to send. */
enum tls_progress tls_handshake(struct tls_session *session);

/* Plain bytes, after TLS_READY; 0: none now. CLOSED: the peer has ended it. REFUSED: see tls_error. */
MUST_CHECK ssize_t tls_read(struct tls_session *session, uint8_t *to, size_t room);
/* All of it is taken. NOMEM, or REFUSED: see tls_error. */
MUST_CHECK int tls_write(struct tls_session *session, struct slice bytes);

/* Encrypted bytes to be sent. */
struct slice tls_output(const struct tls_session *session);
void tls_sent(struct tls_session *session, size_t bytes);

/* Why it failed, for people. Lasts as long as the session. */
const char *tls_error(const struct tls_session *session);

#endif
