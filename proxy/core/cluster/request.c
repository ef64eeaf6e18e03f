/*
 * One request, from cluster_send to its one `done`. Everything that happens to it takes it out of
 * the list that it is in and puts it into another one, so each step costs the same however many
 * requests there are.
 *
 * `done` may send, cancel and ask as it likes: it is called last, when the request is in no list,
 * and loops over lists start again from the head afterwards.
 */
#include "core/cluster/cluster_internal.h"

#include <assert.h>

static struct cluster_request *request_of(struct list *node)
{
    return LIST_ENTRY(node, struct cluster_request, node);
}

static struct cluster_request *request_of_timed(struct list *node)
{
    return LIST_ENTRY(node, struct cluster_request, timed);
}

/* Deadlines mostly come in order, so the place is found from the back. */
void request_insert_timed(struct cluster *cluster, struct cluster_request *request)
{
    struct list *at = cluster->timed.prev;
    while (at != &cluster->timed && request_of_timed(at)->deadline_us > request->deadline_us)
        at = at->prev;
    list_prepend(at, &request->timed); /* behind `at` */
}

static void insert_backing_off(struct cluster *cluster, struct cluster_request *request)
{
    struct list *at = cluster->backing_off.prev;
    while (at != &cluster->backing_off && request_of(at)->retry_at_us > request->retry_at_us)
        at = at->prev;
    list_prepend(at, &request->node);
    request->state = REQUEST_BACKING_OFF;
}

void request_init_lists(struct cluster_request *request)
{
    list_init(&request->node);
    list_init(&request->timed);
    list_init(&request->unanswered);
}

/* Out of its list; its place at a link becomes free. */
static void request_detach(struct cluster *cluster, struct cluster_request *request)
{
    if (request->state == REQUEST_IDLE)
        return;
    list_remove(&request->node);
    list_remove(&request->unanswered);
    request->state = REQUEST_IDLE;
    struct link *link = request->link;
    if (link == NULL)
        return;
    assert(link->requests > 0 && link->node->requests > 0);
    link->requests--;
    link->node->requests--;
    if (!request->control) {
        link->node->window.in_flight--;
        link->node->window.bytes_in_flight -= request->bytes;
        cluster->room_appeared = true;
    }
    request->avoid = link->node->serial;
    request->link = NULL;
    request->missing = NULL;
}

/* In flight and given up: its answer, should it come, is nobody's. */
static void request_orphan(struct cluster_request *request)
{
    if (request->state == REQUEST_IN_FLIGHT)
        cql_connection_orphan(request->link->connection, request->stream);
}

void cluster_send(struct cluster *cluster, struct cluster_request *request, struct moment now)
{
    assert(request->state == REQUEST_IDLE && request->body != NULL);
    cluster->now_us = now.boot_us;
    request->touched = false;
    request->first_sent_us = 0;
    request->attempts = 0;
    request->link = NULL;
    request->avoid = 0;
    request->missing = NULL;
    request->failures = 0;
    request->prepares = 0;
    request->has_unfit = false;
    request->last_error = -1;
    request->copy = NULL;
    request->was_copied = false;
    cql_body_ref(request->body);
    request_init_lists(request);
    if (request->deadline_us != NEVER_US)
        request_insert_timed(cluster, request);
    request_enqueue(cluster, request);
    cluster_dispatch(cluster, now);
}

void cluster_cancel(struct cluster *cluster, struct cluster_request *request)
{
    if (request->state == REQUEST_IDLE)
        return;
    request_orphan(request);
    request_detach(cluster, request);
    speculation_let_go(request);
    list_remove(&request->timed);
    cql_body_unref(request->body);
}

void request_enqueue(struct cluster *cluster, struct cluster_request *request)
{
    assert(request->state == REQUEST_IDLE);
    request->state = REQUEST_QUEUED;
    list_append(request->control ? &cluster->control_queue : &cluster->data_queue, &request->node);
}

/* Writes it to the connection and starts the attempt's clock; the place in the window is the
 * caller's care. */
static int request_write(struct cluster *cluster, struct link *link,
                         struct cluster_request *request, struct moment now)
{
    int rc = cql_connection_send(link->connection, request->opcode, request->body, request,
                                 now.boot_us, &request->stream);
    if (rc < 0)
        return rc;
    if (cluster->config->trace_ppm > 0 &&
        random_up_to(&cluster->random, 999999) < cluster->config->trace_ppm)
        cql_connection_trace(link->connection, request->stream);
    list_append(&cluster->attempts, &request->node);
    request->state = REQUEST_IN_FLIGHT;
    request->attempt_deadline_us = now.boot_us + cluster->config->request_timeout_us;
    request->output_round = link->output_round;
    request->attempts++;
    if (request->first_sent_us == 0)
        request->first_sent_us = now.boot_us;
    speculation_watch(cluster, request, now);
    action_link(cluster->actions, ACTION_LINK_WRITE, link);
    return STATUS_OK;
}

int request_transmit(struct cluster *cluster, struct link *link, struct cluster_request *request,
                     struct moment now)
{
    list_remove(&request->node);
    request->state = REQUEST_IDLE;
    int rc = request_write(cluster, link, request, now);
    if (rc < 0)
        return rc;
    request->link = link;
    link->requests++;
    if (link->node->requests++ == 0)
        link->node->heard_us = now.boot_us;
    if (!request->control) {
        request->bytes = (uint32_t)buf_len(&request->body->buf);
        link->node->window.in_flight++;
        link->node->window.bytes_in_flight += request->bytes;
    }
    return STATUS_OK;
}

void request_resend(struct cluster *cluster, struct cluster_request *request, struct moment now)
{
    assert(request->state == REQUEST_UNPREPARED);
    list_remove(&request->node);
    request->missing = NULL;
    if (request_write(cluster, request->link, request, now) == STATUS_OK)
        return;
    list_append(&request->link->unprepared, &request->node); /* so that it is in a list to leave */
    request_retry(cluster, request, false, NULL, now);
}

static bool other_node_is_ready(const struct cluster *cluster, uint32_t avoid)
{
    size_t others = cluster->usable_count;
    for (size_t i = 0; i < cluster->node_count; i++)
        if (cluster->nodes[i]->serial == avoid && node_is_ready(cluster->nodes[i]))
            others--;
    return others > 0;
}

void request_retry(struct cluster *cluster, struct cluster_request *request, bool soon,
                   const struct cql_error *error, struct moment now)
{
    bool in_doubt = request->conditional && request->touched;
    if (request->pinned || in_doubt) {
        enum cluster_outcome outcome =
            error != NULL && !in_doubt ? CLUSTER_REFUSED : CLUSTER_GAVE_UP;
        request_finish(cluster, request, outcome, SLICE_NULL, error, now);
        return;
    }
    request_detach(cluster, request);
    request->failures++;
    request->prepares = 0;
    if (error != NULL)
        request->last_error = error->code;
    if (soon && request->failures == 1 && other_node_is_ready(cluster, request->avoid)) {
        request_enqueue(cluster, request);
        return;
    }
    request->retry_at_us = now.boot_us + retry_delay_us(&cluster->random, request->failures);
    insert_backing_off(cluster, request);
}

void request_run_elsewhere(struct cluster *cluster, struct cluster_request *request,
                           struct moment now)
{
    static const struct cql_error error = {
        .code = CQL_ERROR_UNPREPARED, .message = SLICE_INIT("no node knows the statements' ids")};
    uint32_t bit = request->link->node->serial % CLUSTER_NODES_MAX;

    if (request->pinned) {
        request_retry(cluster, request, true, &error, now);
        return;
    }
    if (!request->has_unfit)
        memset(request->unfit, 0, sizeof(request->unfit));
    request->has_unfit = true;
    request->unfit[bit / 64] |= UINT64_C(1) << bit % 64;
    if (!cluster_has_fit(cluster, request)) {
        request_refuse(cluster, request, &error, now);
        return;
    }
    request_detach(cluster, request);
    request->prepares = 0;
    request->last_error = error.code;
    request_enqueue(cluster, request);
}

void request_refuse(struct cluster *cluster, struct cluster_request *request,
                    const struct cql_error *error, struct moment now)
{
    if (request->copy != NULL)
        request_retry(cluster, request, false, error, now);
    else
        request_finish(cluster, request, CLUSTER_REFUSED, SLICE_NULL, error, now);
}

void request_finish(struct cluster *cluster, struct cluster_request *request,
                    enum cluster_outcome outcome, struct slice body, const struct cql_error *error,
                    struct moment now)
{
    struct cluster_reply reply = {.outcome = outcome, .body = body, .error = error};
    request_detach(cluster, request);
    speculation_let_go(request);
    list_remove(&request->timed);
    cql_body_unref(request->body);
    request->done(request, &reply, now); /* the request may be gone afterwards */
}

static void request_failed(struct cluster *cluster, struct cluster_request *request,
                           const struct cql_error *error, struct moment now)
{
    struct link *link = request->link;

    int64_t sent_us = request_sent_us(cluster, request);
    if (!request->control && error_is_too_many_bytes(error))
        window_too_many_bytes(&link->node->window, cluster->config, sent_us, now.boot_us);
    else if (!request->control && error_is_congestion(error))
        window_congested(&link->node->window, cluster->config, sent_us, now.boot_us);
    switch (error_verdict(error, request->conditional)) {
    case VERDICT_REFUSED:
        request_refuse(cluster, request, error, now);
        return;
    case VERDICT_UNPREPARED:
        if (speculation_is_left_behind(request))
            request_retry(cluster, request, false, error, now); /* which ends it */
        else
            preparation_require(cluster, link, request, error, now);
        return;
    case VERDICT_NOT_DONE:
        request_retry(cluster, request, error->code == CQL_ERROR_BOOTSTRAPPING, error, now);
        return;
    case VERDICT_UNKNOWN:
        request->touched = true;
        request_retry(cluster, request, false, error, now);
        return;
    }
}

void request_answered(struct cluster *cluster, struct cluster_request *request,
                      const struct cql_event *event, struct moment now)
{
    assert(request->state == REQUEST_IN_FLIGHT);
    list_remove(&request->unanswered);
    if (event->opcode == CQL_RESULT) {
        if (!request->control)
            window_succeeded(&request->link->node->window, cluster->config, request->bytes,
                             request_sent_us(cluster, request), now.boot_us);
        request_finish(cluster, request, CLUSTER_DONE, event->body, NULL, now);
    } else if (event->opcode == CQL_ERROR) {
        request_failed(cluster, request, &event->error, now);
    } else { /* a message that answers nothing we ask: who knows what the node did */
        request->touched = true;
        request_retry(cluster, request, false, NULL, now);
    }
}

void request_lost(struct cluster *cluster, struct cluster_request *request, struct moment now)
{
    if (request->state == REQUEST_IN_FLIGHT && request->output_round != request->link->output_round)
        request->touched = true;
    request_retry(cluster, request, true, NULL, now);
}

int64_t request_next_deadline_us(const struct cluster *cluster)
{
    int64_t deadline_us = NEVER_US;
    if (!list_empty(&cluster->attempts))
        deadline_us = request_of(cluster->attempts.next)->attempt_deadline_us;
    if (!list_empty(&cluster->backing_off) &&
        request_of(cluster->backing_off.next)->retry_at_us < deadline_us)
        deadline_us = request_of(cluster->backing_off.next)->retry_at_us;
    if (!list_empty(&cluster->timed) &&
        request_of_timed(cluster->timed.next)->deadline_us < deadline_us)
        deadline_us = request_of_timed(cluster->timed.next)->deadline_us;
    for (size_t i = 0; i < cluster->node_count; i++)
        if (node_silence_deadline_us(cluster->nodes[i]) < deadline_us)
            deadline_us = node_silence_deadline_us(cluster->nodes[i]);
    if (speculation_deadline_us(cluster) < deadline_us)
        deadline_us = speculation_deadline_us(cluster);
    return deadline_us;
}

static void give_up(struct cluster *cluster, struct cluster_request *request, struct moment now)
{
    struct cql_error last = {.code = request->last_error};
    request_orphan(request);
    if (request->state == REQUEST_IN_FLIGHT)
        request->touched = true;
    request_finish(cluster, request, CLUSTER_GAVE_UP, SLICE_NULL,
                   request->last_error < 0 ? NULL : &last, now);
}

/* Those that are over are taken aside first: what their callbacks send waits for the next tick, so
 * this ends. */
static void give_up_expired(struct cluster *cluster, struct moment now)
{
    struct list expired;
    list_init(&expired);
    LIST_EACH_SAFE(it, after, &cluster->timed)
    {
        if (request_of_timed(it)->deadline_us > now.boot_us)
            break;
        list_remove(it);
        list_append(&expired, it);
    }
    while (!list_empty(&expired))
        give_up(cluster, request_of_timed(expired.next), now);
}

static void time_out_attempt(struct cluster *cluster, struct cluster_request *request,
                             struct moment now)
{
    if (!request->control)
        window_congested(&request->link->node->window, cluster->config,
                         request_sent_us(cluster, request), now.boot_us);
    request_orphan(request);
    request->touched = true;
    request_retry(cluster, request, true, NULL, now);
}

static bool other_node_is_well(const struct cluster *cluster, const struct node *node)
{
    for (size_t i = 0; i < cluster->node_count; i++)
        if (cluster->nodes[i] != node && node_is_ready(cluster->nodes[i]) &&
            !node_is_slow(cluster->nodes[i]))
            return true;
    return false;
}

/* What a node owes that says nothing at all is executed elsewhere before its time is out, so that
 * one that is stopped holds nobody up for longer. When all are silent, moving on is of no use. */
static void leave_if_silent(struct cluster *cluster, struct node *node, struct moment now)
{
    if (node_silence_deadline_us(node) > now.boot_us)
        return;
    node->looked_us = now.boot_us;
    if (!other_node_is_well(cluster, node))
        return;
    node->is_silent = true;
    action_log(cluster->actions, LOG_WARN, "cassandra node is silent",
               "node=%s owed=%u silent_ms=%lld", node->name, node->requests,
               (long long)((now.boot_us - node->heard_us) / 1000));
    LIST_EACH_SAFE(it, after, &cluster->attempts)
    {
        struct cluster_request *request = request_of(it);
        if (request->link->node == node && !request->pinned && !request->conditional)
            time_out_attempt(cluster, request, now);
    }
}

void request_tick_all(struct cluster *cluster, struct moment now)
{
    give_up_expired(cluster, now);
    for (size_t i = 0; i < cluster->node_count; i++)
        leave_if_silent(cluster, cluster->nodes[i], now);
    while (!list_empty(&cluster->attempts) &&
           request_of(cluster->attempts.next)->attempt_deadline_us <= now.boot_us)
        time_out_attempt(cluster, request_of(cluster->attempts.next), now);
    while (!list_empty(&cluster->backing_off) &&
           request_of(cluster->backing_off.next)->retry_at_us <= now.boot_us) {
        struct cluster_request *request = request_of(cluster->backing_off.next);
        request_detach(cluster, request);
        request_enqueue(cluster, request);
    }
    speculation_tick(cluster, now);
}
