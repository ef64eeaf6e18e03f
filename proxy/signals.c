#include "signals.h"

#include <signal.h>

static void on_stop(uv_signal_t *handle, int number)
{
    struct signals *signals = handle->data;
    signals->stops++;
    signals->stop(signals->context, number == SIGTERM ? "TERM" : "INT", signals->stops);
}

static void on_hangup(uv_signal_t *handle, int number)
{
    (void)number;
    struct signals *signals = handle->data;
    signals->reload(signals->context);
}

static int watch(struct signals *signals, uv_loop_t *loop, uv_signal_t *handle, int number,
                 uv_signal_cb callback)
{
    int rc = uv_signal_init(loop, handle);
    if (rc < 0)
        return STATUS_REFUSED;
    handle->data = signals;
    rc = uv_signal_start(handle, callback, number);
    uv_unref((uv_handle_t *)handle);
    return rc < 0 ? STATUS_REFUSED : STATUS_OK;
}

int signals_start(struct signals *signals, uv_loop_t *loop)
{
    (void)signal(SIGPIPE, SIG_IGN);
    int rc = watch(signals, loop, &signals->term, SIGTERM, on_stop);
    if (rc == STATUS_OK)
        rc = watch(signals, loop, &signals->interrupt, SIGINT, on_stop);
    if (rc == STATUS_OK)
        rc = watch(signals, loop, &signals->hangup, SIGHUP, on_hangup);
    return rc;
}
