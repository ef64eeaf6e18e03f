/*
 * What is claimed in which order, so that a second sluice fails before it disturbs the first:
 *
 *      port --> member's socket --> cluster: lease and slots --> ready
 *
 * and how it ends:
 *
 *      TERM or INT --> listener closed, core drains --> drained --> clients closed --> exit 0
 *                           |                   |                        |
 *                           | second signal     | drain_timeout          | 2 s
 *                           +--> exit 1         +--> exit 0              +--> exit 0
 */
#include "serve.h"

#include "client_socket.h"
#include "kill_points.h"
#include "listener.h"
#include "log.h"
#include "loop.h"
#include "member.h"
#include "signals.h"
#include "startup.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* After the core's own drain timeout: how long to believe that it will still say "drained". */
#define DRAIN_GRACE_US 3000000
/* After "drained": how long clients may take to receive their last answers and close. */
#define GOODBYE_US        2000000
#define QUIET_MS          5000
#define LEAVE_POLL_MS     20
#define RELOAD_LIST_BYTES 2048

struct serve {
    struct config *config;
    const struct config_input *input;
    struct loop loop;
    struct tls_context *node_tls;
    struct listener listener;
    struct signals signals;
    struct member member;
    struct gateway *gateway;
    uv_timer_t leaving;   /* runs while the process is on its way out */
    int64_t leave_at_us;  /* at the latest */
    uv_timer_t quiet;     /* gives memory back when nothing comes any more */
    uint64_t quiet_bytes; /* received when it looked last */
    bool trimmed;
    int64_t started_us;
    bool drained;
};

static void core_turn(void *context, struct moment now)
{
    gateway_turn(context, now);
}

static void core_tick(void *context, struct moment now)
{
    gateway_tick(context, now);
}

static int64_t core_deadline_us(void *context)
{
    return gateway_deadline_us(context);
}

static void on_ready(void *context)
{
    struct serve *serve = context;
    startup_ready(serve->config, &serve->listener.bound, loop_now().boot_us - serve->started_us);
}

static void on_fatal(void *context, int exit_code, const char *text)
{
    (void)context;
    log_event(LOG_ERROR, "cannot go on", "error=\"%s\" exit=%d", text, exit_code);
}

/* On the way out: the time of the present step is over, or nobody is left to wait for. */
static void on_leaving(uv_timer_t *timer)
{
    struct serve *serve = timer->data;
    bool late = loop_now().boot_us >= serve->leave_at_us;
    if (!serve->drained && late)
        log_event(LOG_WARN, "drain timed out", "clients=%s",
                  list_empty(&serve->loop.clients) ? "none" : "some");
    if (late || (serve->drained && list_empty(&serve->loop.clients)))
        loop_stop(&serve->loop, 0);
}

static void on_drained(void *context)
{
    struct serve *serve = context;
    struct gateway_counts counts = {0};
    gateway_get_counts(serve->gateway, &counts);
    log_event(LOG_INFO, "drained",
              "records=%" PRIu64 " batches=%" PRIu64 " mutations=%" PRIu64
              " speculative_executions=%" PRIu64 " speculative_successes=%" PRIu64,
              counts.records, counts.batches, counts.mutations, counts.copies, counts.copies_won);
    serve->drained = true;
    serve->leave_at_us = loop_now().boot_us + GOODBYE_US;
    client_sockets_close(&serve->loop);
}

/* After a burst the heap keeps what it took (main.c); when no client has sent anything for a while,
 * the system gets it back. */
static void on_quiet(uv_timer_t *timer)
{
    struct serve *serve = timer->data;
    uint64_t bytes = serve->loop.received_bytes;
    bool quiet = bytes == serve->quiet_bytes;
    if (quiet && !serve->trimmed)
        (void)malloc_trim(0);
    serve->trimmed = quiet;
    serve->quiet_bytes = bytes;
}

static void on_stop(void *context, const char *name, unsigned count)
{
    struct serve *serve = context;
    if (count > 1) {
        log_event(LOG_WARN, "stopping now", "signal=%s", name);
        loop_stop(&serve->loop, 1);
        return;
    }
    struct moment now = loop_now();
    log_event(LOG_INFO, "stopping", "signal=%s drain_timeout=%s", name,
              config_value(serve->config, "member", "drain_timeout")->text);
    listener_close(&serve->listener);
    serve->leave_at_us = now.boot_us + serve->config->gateway.drain_timeout_us + DRAIN_GRACE_US;
    (void)uv_timer_start(&serve->leaving, on_leaving, LEAVE_POLL_MS, LEAVE_POLL_MS);
    gateway_drain(serve->gateway, now);
    loop_event(&serve->loop);
}

/* All or nothing: a configuration with a mistake changes nothing. */
static void on_reload(void *context)
{
    struct serve *serve = context;
    struct config fresh;
    struct config_error error;
    char changed[RELOAD_LIST_BYTES], restart[RELOAD_LIST_BYTES], quoted[LOG_QUOTED_BYTES];
    if (config_load(&fresh, serve->input, &error) < 0) {
        log_event(LOG_ERROR, "reload failed, nothing is changed", "error=%s",
                  log_quote(quoted, sizeof(quoted), error.text, strlen(error.text)));
        return;
    }
    config_apply_reload(serve->config, &fresh, changed, restart, sizeof(changed));
    config_deinit(&fresh);
    log_configure((enum log_level)serve->config->log_level, serve->config->log_lines_per_second);
    log_event(LOG_INFO, "reloaded", "changed=%s needs_restart=%s",
              changed[0] != '\0' ? changed : "none", restart[0] != '\0' ? restart : "none");
}

/* Port and name. False: said why. */
static bool claim_host(struct serve *serve)
{
    const struct config *config = serve->config;
    char reason[256], address[ADDRESS_TEXT_BYTES];
    if (listener_open(&serve->listener, config->bind.host, config->bind.port, reason,
                      sizeof(reason)) < 0) {
        log_event(LOG_ERROR, "cannot listen",
                  "setting=listener.bind address=%s error=\"%s\" from=%s",
                  address_write(config->bind.host, config->bind.port, address, sizeof(address)),
                  reason, config_value(config, "listener", "bind")->where);
        return false;
    }
    member_init(&serve->member, config->gateway.member, config->bind.host,
                serve->listener.bound.port);
    int rc = member_claim(&serve->member, config->gateway.keyspace);
    if (rc == STATUS_BUSY) {
        log_event(LOG_ERROR, "another sluice runs on this host under this name",
                  "setting=member.name member=%s keyspace=%s hint=\"stop it, or give this one "
                  "another member.name\"",
                  serve->member.name, config->gateway.keyspace);
        return false;
    }
    if (rc < 0)
        log_event(LOG_WARN, "no abstract socket",
                  "member=%s effect=\"waits for its own old lease\"", serve->member.name);
    return true;
}

static bool start_core(struct serve *serve)
{
    struct gateway_config *g = &serve->config->gateway;
    g->member = serve->member.name;
    g->boot_id = serve->member.boot_id;
    g->predecessor_gone = member_predecessor_gone(&serve->member);
    if (getrandom(&g->random_seed, sizeof(g->random_seed), 0) != (ssize_t)sizeof(g->random_seed))
        return false;
    serve->loop.connect_timeout_us = g->connect_timeout_us;
    serve->loop.node_tls = serve->node_tls;
    serve->gateway = gateway_new(g, loop_now());
    if (serve->gateway == NULL)
        return false;
    struct loop_core core = {.context = serve->gateway,
                             .actions = gateway_actions(serve->gateway),
                             .gateway = serve->gateway,
                             .turn = core_turn,
                             .tick = core_tick,
                             .deadline_us = core_deadline_us};
    loop_attach(&serve->loop, &core);
    serve->signals.context = serve;
    serve->signals.stop = on_stop;
    serve->signals.reload = on_reload;
    (void)uv_timer_init(&serve->loop.uv, &serve->leaving);
    serve->leaving.data = serve;
    (void)uv_timer_init(&serve->loop.uv, &serve->quiet);
    serve->quiet.data = serve;
    (void)uv_timer_start(&serve->quiet, on_quiet, QUIET_MS, QUIET_MS);
    return signals_start(&serve->signals, &serve->loop.uv) == STATUS_OK &&
           listener_start(&serve->listener, &serve->loop) == STATUS_OK;
}

static int run(struct serve *serve)
{
    struct loop_hooks hooks = {
        .context = serve, .ready = on_ready, .fatal = on_fatal, .drained = on_drained};
    if (loop_init(&serve->loop, &hooks) < 0) {
        log_event(LOG_ERROR, "cannot start", "error=\"no memory or no descriptors for the loop\"");
        return EXIT_FAILURE;
    }
    int exit_code = EXIT_FAILURE;
    if (start_core(serve)) {
        startup_listening(serve->config, &serve->listener.bound, serve->member.name);
        gateway_start(serve->gateway, loop_now());
        exit_code = loop_run(&serve->loop);
    } else {
        log_event(LOG_ERROR, "cannot start", "error=\"no memory or no descriptors\"");
    }
    listener_close(&serve->listener);
    loop_deinit(&serve->loop);
    if (serve->gateway != NULL)
        gateway_free(serve->gateway);
    return exit_code;
}

int serve(struct config *config, const struct config_input *input)
{
    struct serve *serve = calloc(1, sizeof(*serve));
    if (serve == NULL)
        return EXIT_FAILURE;
    serve->config = config;
    serve->input = input;
    serve->started_us = loop_now().boot_us;
    serve->listener.descriptor = -1;
    serve->member.descriptor = -1;
    log_configure((enum log_level)config->log_level, config->log_lines_per_second);
    startup_begin(config);
    kill_points_begin();
    startup_raise_limits(config);
    int exit_code = EXIT_CONFIGURATION;
    if (startup_node_tls(config, &serve->node_tls))
        exit_code = claim_host(serve) ? run(serve) : EXIT_FAILURE;
    tls_context_free(serve->node_tls);
    listener_close(&serve->listener);
    member_release(&serve->member);
    log_flush(true);
    log_event(LOG_INFO, "stopped", "exit=%d", exit_code);
    free(serve);
    return exit_code;
}
