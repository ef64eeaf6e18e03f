/*
 * The loop: one libuv loop, one core, and the order in which they take turns.
 *
 *      timers ------> prepare ------> poll ------> check ------> close callbacks
 *      core tick      turn + actions  bytes in,    turn + actions  (their events wait
 *      if it is due   (if anything    closes,      (if anything     for prepare)
 *                     happened)       new clients  happened)
 *
 * All bytes of one poll are handed to the core before its turn, so that mutations and responses of
 * many requests leave together: one write per socket and turn. `prepare` does the same for what
 * timers and close callbacks brought, before the loop sleeps; so nothing ever waits for an extra
 * round of the poll.
 *
 * The core is never entered while it runs: it queues actions, and only loop.c pulls them. Sockets
 * tell the loop with loop_event that the core was told something.
 */
#ifndef PROXY_LOOP_H
#define PROXY_LOOP_H

#include "core/action.h"
#include "core/gateway.h"
#include "core/moment.h"
#include "proto/list.h"
#include "proto/status.h"

#include <uv.h>

/* What is driven: the gateway, or the cluster alone (`sluice check`). */
struct loop_core {
    void *context;
    struct action_queue *actions;
    struct gateway *gateway; /* NULL: there are no clients */
    void (*turn)(void *context, struct moment now);
    void (*tick)(void *context, struct moment now);
    int64_t (*deadline_us)(void *context);
};

/* What the core says about itself; each may be NULL. */
struct loop_hooks {
    void *context;
    void (*ready)(void *context);
    void (*fatal)(void *context, int exit_code, const char *text);
    void (*drained)(void *context);
};

struct loop {
    uv_loop_t uv;
    uv_timer_t timer;
    uv_prepare_t prepare;
    uv_check_t check;
    struct loop_core core;
    struct loop_hooks hooks;
    int64_t armed_us;        /* when the timer goes off; NEVER_US: it does not run */
    uint32_t turn;           /* counts polls; sockets bound what they read in one of them */
    uint64_t received_bytes; /* from clients, since the start */
    bool dirty;              /* the core was told something since its last turn */
    bool running;
    int exit_code;
    int64_t connect_timeout_us; /* to a CQL node, all its addresses together */
    struct tls_context *node_tls; /* to CQL nodes; NULL: plain. Its owner outlives the loop */
    struct list clients;        /* struct client_socket */
    struct list nodes;          /* struct node_socket */
    struct list starved;        /* clients whose core had no room to read into */
    struct list lingering;      /* clients that are to be closed, earliest deadline first */
    uint8_t *scratch;           /* for bytes that nobody wants any more */
};

#define LOOP_READ_BYTES    ((size_t)256 * 1024) /* at most from one socket in one turn */
#define LOOP_SCRATCH_BYTES ((size_t)16 * 1024)

/* NOMEM, or REFUSED when the system gives no loop (descriptors). */
MUST_CHECK int loop_init(struct loop *loop, const struct loop_hooks *hooks);
/* Before loop_run. The core must outlive loop_deinit. */
void loop_attach(struct loop *loop, const struct loop_core *core);
/* Runs until loop_stop; returns its exit code. */
int loop_run(struct loop *loop);
/* The first call decides. */
void loop_stop(struct loop *loop, int exit_code);
/* Closes all sockets (the core hears of each) and every other handle, without waiting for peers.
 * Other handles in the loop must have been closed by their owners, or need no memory after
 * uv_close. */
void loop_deinit(struct loop *loop);

/* Both clocks, now. */
struct moment loop_now(void);
/* The core was told something: it gets its turn. */
static inline void loop_event(struct loop *loop)
{
    loop->dirty = true;
}

#endif
