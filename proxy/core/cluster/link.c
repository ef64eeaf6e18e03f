/*
 * One connection to a node, and coming back to it.
 *
 *              time             link_connected         READY
 *   WAITING ---------> CONNECTING -----------> STARTING -----> READY
 *      ^                   |                      |              |
 *      |                   +---- took too long ---+--- failed ---+
 *      |                                          v
 *      +------------- link_closed ------------ CLOSING
 *
 * link_closed leads to WAITING from every state. The cql_connection lives until then, not only
 * until it fails: the driver may still be writing from its memory.
 */
#include "core/cluster/cluster_internal.h"
#include "cql/frame.h"

#include <assert.h>
#include <stdio.h>

#define LINK_EXTRA_STREAMS 1024 /* above the data window: control requests and orphans */
#define LINK_MAX_ORPHANS   256

static const struct gateway_config *link_config(const struct link *link)
{
    return link->cluster->config;
}

static void link_set_state(struct link *link, enum link_state state)
{
    static const bool allowed[5][5] = {
        [LINK_WAITING] = {[LINK_CONNECTING] = true},
        [LINK_CONNECTING] = {[LINK_STARTING] = true, [LINK_CLOSING] = true, [LINK_WAITING] = true},
        [LINK_STARTING] = {[LINK_READY] = true, [LINK_CLOSING] = true, [LINK_WAITING] = true},
        [LINK_READY] = {[LINK_CLOSING] = true, [LINK_WAITING] = true},
        [LINK_CLOSING] = {[LINK_WAITING] = true},
    };
    assert(allowed[link->state][state]);
    struct node *node = link->node;
    if (link->state == LINK_READY) {
        bool was_ready = node_is_ready(node);
        link->cluster->ready_count--;
        node->ready_links--;
        if (was_ready && !node_is_ready(node))
            link->cluster->usable_count--;
    }
    if (state == LINK_READY)
        link->cluster->ready_count++;
    link->state = state;
}

struct link *link_new(struct node *node, int64_t open_at_us)
{
    struct link *link = alloc_zeroed(node->cluster->alloc, sizeof(*link));
    if (link == NULL)
        return NULL;
    link->cluster = node->cluster;
    link->node = node;
    link->state = LINK_WAITING;
    link->shard = link->wanted_shard = -1;
    link->rests = open_at_us == NEVER_US;
    node->cluster->link_count++;
    link->reconnect_at_us = open_at_us;
    list_init(&link->preparations);
    list_init(&link->mismatched);
    list_init(&link->unprepared);
    return link;
}

void link_free(struct link *link)
{
    struct cluster *cluster = link->cluster;
    action_forget_link(cluster->actions, link);
    cluster_cancel(cluster, &link->identify);
    preparation_deinit(link);
    cql_connection_free(link->connection);
    cluster->link_count--;
    alloc_free(cluster->alloc, link, sizeof(*link));
}

int link_ask(struct link *link, struct cluster_request *request, const char *text,
             cluster_done done, void *context, int64_t timeout_us, struct moment now)
{
    struct cluster *cluster = link->cluster;
    const struct cql_query query = {.text = slice_cstr(text), .consistency = CQL_CONSISTENCY_ONE};
    struct cql_body *body = cql_body_new(cluster->alloc, (size_t)4 * 1024);
    if (body == NULL)
        return STATUS_NOMEM;
    *request = (struct cluster_request){
        .opcode = CQL_QUERY,
        .body = body,
        .control = true,
        .pinned = true,
        .deadline_us = now.boot_us + timeout_us,
        .done = done,
        .context = context,
        .last_error = -1,
    };
    request_init_lists(request);
    int rc = cql_query_encode(&body->buf, &query);
    if (rc == STATUS_OK)
        rc = request_transmit(cluster, link, request, now);
    if (rc == STATUS_OK)
        request_insert_timed(cluster, request); /* it has the reference now */
    else
        cql_body_unref(body);
    return rc;
}

/* --- coming back --- */

static void log_unreachable(struct link *link, const char *reason, struct moment now)
{
    char quoted[LOG_QUOTED_BYTES];
    log_quote(quoted, sizeof(quoted), reason, strlen(reason));
    struct node *node = link->node;
    bool first = !node->told_unreachable;
    if (node->ready_links > 0 || node->is_retired ||
        (!first && now.boot_us - node->logged_at_us < STILL_UNREACHABLE_LOG_US))
        return;
    node->told_unreachable = true;
    node->logged_at_us = now.boot_us;
    action_log(link->cluster->actions, LOG_WARN,
               first ? "cassandra node is unreachable" : "cassandra node is still unreachable",
               "node=%s reason=%s attempts=%u", node->name, quoted, link->failures);
}

/* Exponential with full jitter above the least: nodes that come back meet no crowd. */
static int64_t reconnect_delay_us(struct link *link)
{
    int64_t min_us = link_config(link)->reconnect_min_us;
    int64_t max_us = link_config(link)->reconnect_max_us;
    int64_t span_us = min_us;
    for (uint32_t i = 1; i < link->failures && span_us < max_us; i++)
        span_us *= 2;
    if (span_us > max_us - min_us)
        span_us = max_us - min_us;
    return min_us + random_up_to(&link->cluster->random, span_us);
}

static void link_remember_error(struct link *link, const char *reason)
{
    struct cluster_facts *facts = &link->cluster->facts;
    snprintf(facts->last_error, sizeof(facts->last_error), "%.100s: %.200s", link->node->name, reason);
}

/* What was under way on it goes elsewhere. The state is no longer READY, so none of it comes back
 * here. */
static void link_give_back_requests(struct link *link, struct moment now)
{
    struct cluster *cluster = link->cluster;
    struct cluster_request *request;
    while (link->connection != NULL &&
           (request = cql_connection_take_pending(link->connection)) != NULL)
        request_lost(cluster, request, now);
    preparation_link_lost(link, now);
    topology_link_lost(link, now);
    assert(link->requests == 0);
}

/* Tells people why, counts it, and lets go of the requests; the socket is another matter. */
static void link_fail(struct link *link, enum link_state to, const char *reason, struct moment now)
{
    struct action_queue *actions = link->cluster->actions;
    bool was_ready = link->state == LINK_READY;
    char quoted[LOG_QUOTED_BYTES];

    link_remember_error(link, reason);
    if (!was_ready)
        shards_dial_failed(link, now);
    link_set_state(link, to);
    if (was_ready && now.boot_us - link->ready_since_us >= link_config(link)->reconnect_max_us)
        link->failures = 0;
    link->failures++;
    if (was_ready && link->node->ready_links == 0 && !link->node->is_retired &&
        !link->node->is_asleep) {
        action_log(actions, LOG_WARN, "cassandra node is lost", "node=%s reason=%s",
                   link->node->name, log_quote(quoted, sizeof(quoted), reason, strlen(reason)));
        link->node->told_unreachable = false;
    } else if (!was_ready) {
        log_unreachable(link, reason, now);
    }
    link_give_back_requests(link, now);
}

static void link_fail_and_close(struct link *link, const char *reason, struct moment now)
{
    link_fail(link, LINK_CLOSING, reason, now);
    action_link(link->cluster->actions, ACTION_LINK_CLOSE, link);
}

void link_shut(struct link *link, const char *reason, struct moment now)
{
    link->rests = true;
    link->reconnect_at_us = NEVER_US;
    if (link->state != LINK_WAITING && link->state != LINK_CLOSING)
        link_fail_and_close(link, reason, now);
}

void link_shut_for_now(struct link *link, const char *reason, struct moment now)
{
    if (link->state == LINK_STARTING || link->state == LINK_READY)
        link_fail_and_close(link, reason, now);
}

void link_closed(struct link *link, const char *reason, struct moment now)
{
    link->driver = NULL;
    link->cluster->now_us = now.boot_us;
    if (link->state == LINK_WAITING)
        return;
    action_forget_link(link->cluster->actions, link); /* there is no socket to do it with */
    if (link->state == LINK_CLOSING)
        link_set_state(link, LINK_WAITING);
    else
        link_fail(link, LINK_WAITING, reason, now);
    cql_connection_free(link->connection);
    link->connection = NULL;
    link->reconnect_at_us = link->rests || link->node->is_asleep || link->node->is_retired
                                ? NEVER_US
                                : now.boot_us + reconnect_delay_us(link);
    cluster_settle(link->cluster, now);
}

/* --- life of the connection --- */

static void link_open(struct link *link, struct moment now)
{
    link_set_state(link, LINK_CONNECTING);
    link->source.host = link->node->host;
    link->source.port = link->node->port;
    shards_dial(link, now);
    link->connect_deadline_us = now.boot_us + link_config(link)->connect_timeout_us;
    action_link(link->cluster->actions, ACTION_LINK_OPEN, link);
}

void link_connected(struct link *link, struct moment now)
{
    const struct gateway_config *config = link_config(link);
    if (link->state != LINK_CONNECTING)
        return; /* it took too long and is being closed */
    const struct cql_connection_config connection = {
        .alloc = link->cluster->alloc,
        .user = config->user,
        .password = config->password,
        .client_version = config->version,
        .register_events = true,
        .compression = config->compression,
        .max_frame_bytes = CQL_BODY_BYTES_MAX, /* kept rows of a partition are read again */
        .max_streams =
            (uint16_t)(config->window_max < 30000 ? config->window_max + LINK_EXTRA_STREAMS
                                                  : 32000),
        .max_orphans = LINK_MAX_ORPHANS,
    };
    link->connection = cql_connection_new(&connection, now.boot_us);
    if (link->connection == NULL) {
        link_fail_and_close(link, status_text(STATUS_NOMEM), now);
        return;
    }
    link_set_state(link, LINK_STARTING);
    link_wants_write(link);
}

static void link_became_ready(struct link *link, struct moment now)
{
    struct cluster *cluster = link->cluster;
    link_set_state(link, LINK_READY);
    link->ready_since_us = now.boot_us;
    if (cql_connection_supported(link->connection, "SCYLLA_NR_SHARDS").data != NULL)
        cluster->facts.is_scylla = true;
    cluster->room_appeared = true;
    tablets_link_ready(link);
    node_link_ready(link, now);
    topology_link_ready(link, now);
}

static void link_pushed(struct link *link, const struct cql_push *push, struct moment now)
{
    struct cluster *cluster = link->cluster;
    if (link != cluster->control_link)
        return;
    topology_pushed(cluster, push, now);
    if (push->kind == CQL_PUSH_SCHEMA && cluster->schema_hook != NULL)
        cluster->schema_hook(cluster->schema_context, push, now);
}

static void link_take_events(struct link *link, struct moment now)
{
    struct cql_event event;
    while (link->connection != NULL && link->state != LINK_CLOSING &&
           cql_connection_next(link->connection, &event)) {
        switch (event.kind) {
        case CQL_EVENT_READY:
            link_became_ready(link, now);
            break;
        case CQL_EVENT_RESPONSE:
            if (event.warnings.data != NULL || event.traced)
                notice_response(link, &event, event.tag, now);
            if (event.payload.data != NULL)
                tablets_taught(link->cluster, event.tag, event.payload);
            request_answered(link->cluster, event.tag, &event, now);
            break;
        case CQL_EVENT_PUSH:
            link_pushed(link, &event.push, now);
            break;
        case CQL_EVENT_FAILED:
            link_fail_and_close(link, event.text, now);
            break;
        }
    }
}

void link_received(struct link *link, size_t bytes, struct moment now)
{
    if (link->connection == NULL || link->state == LINK_CLOSING)
        return;
    link->cluster->now_us = now.boot_us;
    link->node->heard_us = now.boot_us;
    link->node->is_silent = false;
    cql_connection_received(link->connection, bytes, now.boot_us);
    link_take_events(link, now);
    link_wants_write(link);
    cluster_settle(link->cluster, now);
}

int64_t link_deadline_us(const struct link *link)
{
    switch (link->state) {
    case LINK_WAITING:
        return link->reconnect_at_us;
    case LINK_CONNECTING:
        return link->connect_deadline_us;
    case LINK_STARTING:
    case LINK_READY:
        return cql_connection_deadline_us(link->connection);
    case LINK_CLOSING:
        return NEVER_US;
    }
    return NEVER_US;
}

void link_tick(struct link *link, struct moment now)
{
    if (link_deadline_us(link) > now.boot_us)
        return;
    if (link->state == LINK_WAITING) {
        link_open(link, now);
    } else if (link->state == LINK_CONNECTING) {
        link_fail_and_close(link, "connecting took too long", now);
    } else {
        cql_connection_tick(link->connection, now.boot_us);
        link_take_events(link, now);
        link_wants_write(link);
    }
}

/* --- the driver's side --- */

void link_set_driver(struct link *link, void *driver)
{
    link->driver = driver;
}

void *link_driver(const struct link *link)
{
    return link->driver;
}

uint8_t *link_space(struct link *link, size_t *room)
{
    *room = 0;
    if (link->connection == NULL || link->state == LINK_CLOSING)
        return NULL;
    return cql_connection_space(link->connection, room);
}

void link_wants_write(struct link *link)
{
    struct slice slice;
    if (link->connection != NULL && link->state != LINK_CLOSING &&
        cql_connection_output(link->connection, &slice, 1) > 0)
        action_link(link->cluster->actions, ACTION_LINK_WRITE, link);
}

size_t link_output(struct link *link, struct slice *slices, size_t max)
{
    if (link->connection == NULL || link->state == LINK_CLOSING)
        return 0;
    size_t count = cql_connection_output(link->connection, slices, max);
    if (count > 0)
        link->output_round++; /* from here on a lost connection leaves doubt */
    return count;
}

void link_sent(struct link *link, size_t bytes, struct moment now)
{
    (void)now;
    if (link->connection != NULL)
        cql_connection_sent(link->connection, bytes);
}
