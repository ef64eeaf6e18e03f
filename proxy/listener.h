/*
 * The listening socket. It is bound once, never with SO_REUSEPORT (a second process must fail here,
 * not share our clients), and accepts by itself instead of through uv_listen, so that it can stop
 * when descriptors run out: a pending connection keeps the socket readable, and the loop would spin
 * on it.
 */
#ifndef PROXY_LISTENER_H
#define PROXY_LISTENER_H

#include "address.h"
#include "loop.h"

struct listener {
    struct loop *loop;
    uv_poll_t poll;
    uv_timer_t pause;
    int descriptor;       /* -1: closed */
    int64_t told_at_us;   /* when it was last said that accepting fails */
    struct address bound; /* as bound: with the port that the system chose for port 0 */
};

/* Binds and listens; nothing is accepted before listener_start. REFUSED: `reason` says why. */
MUST_CHECK int listener_open(struct listener *listener, const char *host, uint16_t port,
                             char *reason, size_t reason_bytes);
MUST_CHECK int listener_start(struct listener *listener, struct loop *loop);
/* Closes the socket; clients that were accepted stay. The memory must last until the loop ran once
 * more. */
void listener_close(struct listener *listener);

#endif
