/*
 * Who this process is among the gateways of a keyspace, and the proof that its predecessor is gone.
 *
 * The proof is an abstract Unix socket named after the member. A process binds it before it claims
 * anything and holds it until it exits, however it exits; so whoever can bind it knows that no
 * other process of this network namespace is that member any more. A port proves nothing: it can be
 * bound to another address, or closed by a process that still drains.
 */
#ifndef PROXY_MEMBER_H
#define PROXY_MEMBER_H

#include "proto/status.h"

#include <stdbool.h>
#include <stdint.h>

struct member {
    char name[80];
    char boot_id[80]; /* of this host and network namespace, both needed; "": unknown */
    int descriptor;
};

/* `configured` NULL: host name and port, with the address when it is not a wildcard. */
void member_init(struct member *member, const char *configured, const char *host, uint16_t port);
/* Binds the socket. BUSY: another process holds it. REFUSED: the system has no such sockets
 * (nothing is proven). */
MUST_CHECK int member_claim(struct member *member, const char *keyspace);
/* The predecessor of this name on this host is gone. */
bool member_predecessor_gone(const struct member *member);
void member_release(struct member *member);

#endif
