/* TERM and INT ask for a drain, the second of them for an exit now; HUP asks to read the
 * configuration again. */
#ifndef PROXY_SIGNALS_H
#define PROXY_SIGNALS_H

#include "proto/status.h"

#include <uv.h>

struct signals {
    uv_signal_t term, interrupt, hangup;
    unsigned stops; /* TERM and INT so far */
    void *context;
    void (*stop)(void *context, const char *name, unsigned count); /* count: 1, 2, ... */
    void (*reload)(void *context);
};

/* Also ignores SIGPIPE: a closed socket is an error of one write, not of the process. The handles
 * are closed by loop_deinit; the memory must last until then. */
MUST_CHECK int signals_start(struct signals *signals, uv_loop_t *loop);

#endif
