#include "loop.h"

#include "client_socket.h"
#include "log.h"
#include "node_socket.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

/* A turn whose actions told the core something is followed by another one, but not for ever. */
#define MAX_ROUNDS 8
/* The longest sleep: after a suspend of the machine CLOCK_BOOTTIME has moved and the loop's timers
 * have not. */
#define MAX_SLEEP_US     1000000
#define STARVED_RETRY_US 10000

static int64_t clock_us(clockid_t clock)
{
    struct timespec t = {0};
    (void)clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

struct moment loop_now(void)
{
    return (struct moment){clock_us(CLOCK_BOOTTIME), clock_us(CLOCK_REALTIME)};
}

static void perform(struct loop *loop, const struct action *action)
{
    switch (action->kind) {
    case ACTION_CLIENT_WRITE:
        client_socket_write(client_driver(action->client));
        break;
    case ACTION_CLIENT_READ:
        client_socket_read(client_driver(action->client), action->on);
        break;
    case ACTION_CLIENT_CLOSE:
        client_socket_close(client_driver(action->client));
        break;
    case ACTION_LINK_OPEN:
        node_socket_open(loop, action);
        break;
    case ACTION_LINK_WRITE:
        node_socket_write(link_driver(action->link));
        break;
    case ACTION_LINK_CLOSE:
        node_socket_close(link_driver(action->link));
        break;
    case ACTION_LOG:
        log_text(action->level, action->text);
        break;
    case ACTION_READY:
        if (loop->hooks.ready != NULL)
            loop->hooks.ready(loop->hooks.context);
        break;
    case ACTION_FATAL:
        if (loop->hooks.fatal != NULL)
            loop->hooks.fatal(loop->hooks.context, action->exit_code, action->text);
        loop_stop(loop, action->exit_code);
        break;
    case ACTION_DRAINED:
        if (loop->hooks.drained != NULL)
            loop->hooks.drained(loop->hooks.context);
        break;
    }
}

static void pull_actions(struct loop *loop)
{
    struct action action;
    while (action_next(loop->core.actions, &action))
        perform(loop, &action);
}

static void on_timer(uv_timer_t *timer);

/* Sees to it that the timer goes off at or before the core's deadline. A timer that is armed for an
 * earlier moment is left alone: it finds nothing due and arms itself again, which is cheaper than
 * moving it with every request. */
static void arm_timer(struct loop *loop)
{
    int64_t now_us = clock_us(CLOCK_BOOTTIME);
    int64_t due_us = loop->dirty ? now_us : loop->core.deadline_us(loop->core.context);
    if (due_us > now_us + MAX_SLEEP_US)
        due_us = now_us + MAX_SLEEP_US;
    if (!list_empty(&loop->starved) && due_us > now_us + STARVED_RETRY_US)
        due_us = now_us + STARVED_RETRY_US;
    if (loop->armed_us <= due_us)
        return;
    loop->armed_us = due_us;
    int64_t wait_us = due_us > now_us ? due_us - now_us : 0;
    (void)uv_timer_start(&loop->timer, on_timer, (uint64_t)(wait_us + 999) / 1000, 0);
}

static void take_turn(struct loop *loop)
{
    for (int round = 0; loop->dirty && round < MAX_ROUNDS; round++) {
        loop->dirty = false;
        loop->core.turn(loop->core.context, loop_now());
        pull_actions(loop);
    }
    arm_timer(loop); /* still dirty: at once, after the other sockets had their chance */
}

static void on_timer(uv_timer_t *timer)
{
    struct loop *loop = timer->data;
    loop->armed_us = NEVER_US;
    client_sockets_wake(loop);
    struct moment now = loop_now();
    client_sockets_expire(loop, now.boot_us);
    log_flush(false);
    if (loop->core.deadline_us(loop->core.context) <= now.boot_us) {
        loop->core.tick(loop->core.context, now);
        loop->dirty = true;
    }
    if (!loop->dirty) /* else prepare comes next, and arms it after the turn */
        arm_timer(loop);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct loop *loop = prepare->data;
    if (loop->dirty)
        take_turn(loop);
    loop->turn++;
}

static void on_check(uv_check_t *check)
{
    struct loop *loop = check->data;
    if (loop->dirty)
        take_turn(loop);
}

int loop_init(struct loop *loop, const struct loop_hooks *hooks)
{
    *loop = (struct loop){.hooks = *hooks, .armed_us = NEVER_US, .connect_timeout_us = 5000000};
    list_init(&loop->clients);
    list_init(&loop->nodes);
    list_init(&loop->starved);
    list_init(&loop->lingering);
    loop->scratch = malloc(LOOP_SCRATCH_BYTES);
    if (loop->scratch == NULL)
        return STATUS_NOMEM;
    if (uv_loop_init(&loop->uv) < 0) {
        free(loop->scratch);
        return STATUS_REFUSED;
    }
    (void)uv_timer_init(&loop->uv, &loop->timer);
    (void)uv_prepare_init(&loop->uv, &loop->prepare);
    (void)uv_check_init(&loop->uv, &loop->check);
    loop->timer.data = loop;
    loop->prepare.data = loop;
    loop->check.data = loop;
    return STATUS_OK;
}

void loop_attach(struct loop *loop, const struct loop_core *core)
{
    loop->core = *core;
}

int loop_run(struct loop *loop)
{
    assert(loop->core.turn != NULL);
    loop->running = true;
    loop->dirty = true;
    (void)uv_prepare_start(&loop->prepare, on_prepare);
    (void)uv_check_start(&loop->check, on_check);
    arm_timer(loop);
    while (loop->running)
        (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    return loop->exit_code;
}

void loop_stop(struct loop *loop, int exit_code)
{
    if (!loop->running)
        return;
    loop->running = false;
    loop->exit_code = exit_code;
    uv_stop(&loop->uv);
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void loop_deinit(struct loop *loop)
{
    client_sockets_abort(loop);
    node_sockets_abort(loop);
    uv_walk(&loop->uv, close_handle, NULL);
    (void)uv_prepare_stop(&loop->prepare);
    (void)uv_check_stop(&loop->check);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    int rc = uv_loop_close(&loop->uv);
    assert(rc == 0);
    (void)rc;
    free(loop->scratch);
    *loop = (struct loop){0};
}
