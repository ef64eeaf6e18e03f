/*
 * Speculative execution: a request that has had no answer for a while is executed on a second node
 * as well, and the first success counts. Only what names a partition and is no transaction is
 * copied: its cells carry their timestamps, so that both leave what one of them would. Schema
 * changes, which two nodes must not do at once, name none.
 *
 * The copy is a pinned request of its own: any failure ends it, and only its doubt is kept
 * (touched). The original goes its way as without it, with one difference: it is not refused while
 * its copy may yet succeed (request_refuse).
 *
 * Who is still under way when the other has succeeded is left behind: nobody waits for it, but it
 * keeps its place in the window of its node, which has it to do, and its stream, until it is
 * answered or its time is out. So a node that is slow gets no more than it would have got without
 * copies, and its connection is not closed for too many orphans.
 */
#include "core/cluster/cluster_internal.h"

#include <assert.h>

#define COPIES_MIN   4 /* may be under way however little is */
#define COPIES_SHARE 8 /* and one for so many requests that are */

struct copy {
    struct cluster_request request; /* first; context: the original, NULL when left behind */
    struct cluster *cluster;
    struct list node; /* cluster.copies */
};

static void copy_free(struct copy *copy)
{
    list_remove(&copy->node);
    alloc_free(copy->cluster->alloc, copy, sizeof(*copy));
}

/* Overload makes every request late: a share of them keeps copies from making it worse. */
static bool is_at_limit(const struct cluster *cluster)
{
    uint64_t requests = 0;
    for (size_t i = 0; i < cluster->node_count; i++)
        requests += cluster->nodes[i]->requests;
    return cluster->copies_under_way >= COPIES_MIN + requests / COPIES_SHARE;
}

void speculation_watch(struct cluster *cluster, struct cluster_request *request, struct moment now)
{
    int64_t delay_us = cluster->config->speculative_delay_us;
    if (delay_us == 0 || !request->has_token || request->conditional || request->pinned ||
        request->was_copied)
        return;
    request->copy_at_us = now.boot_us + delay_us;
    list_append(&cluster->unanswered, &request->unanswered);
}

bool speculation_is_left_behind(const struct cluster_request *request)
{
    return request->pinned && request->body == NULL;
}

static void leave_behind(struct cluster_request *request)
{
    cql_body_unref(request->body);
    request->body = NULL;
    request->context = NULL;
    request->table_id = NULL; /* the caller's */
    request->has_token = false;
}

/* The original, which is about to be done, hands its attempt over to the request of its copy. */
static void take_over(struct copy *copy, struct cluster_request *original)
{
    struct cluster_request *left = &copy->request;
    left->control = original->control;
    left->opcode = original->opcode;
    left->link = original->link;
    left->stream = original->stream;
    left->bytes = original->bytes;
    left->output_round = original->output_round;
    left->attempt_deadline_us = original->attempt_deadline_us;
    left->state = REQUEST_IN_FLIGHT;
    leave_behind(left);
    list_prepend(&original->node, &left->node); /* behind it */
    list_remove(&original->node);
    list_remove(&original->unanswered);
    original->link = NULL;
    original->state = REQUEST_IDLE;
    cql_connection_retag(left->link->connection, left->stream, left);
}

static void copy_done(struct cluster_request *request, const struct cluster_reply *reply,
                      struct moment now)
{
    struct copy *copy = (struct copy *)(void *)request;
    struct cluster *cluster = copy->cluster;
    struct cluster_request *original = request->context;

    if (original != NULL) {
        cluster->copies_under_way--;
        original->copy = NULL;
        original->touched = original->touched || request->touched;
    }
    if (original == NULL || reply->outcome != CLUSTER_DONE) {
        copy_free(copy);
        return;
    }
    cluster->facts.copies_won++;
    if (original->state == REQUEST_IN_FLIGHT) {
        original->touched = true;
        request->body = NULL; /* request_finish has let go of it */
        take_over(copy, original);
    } else {
        copy_free(copy);
    }
    request_finish(cluster, original, CLUSTER_DONE, reply->body, NULL, now);
}

void speculation_let_go(struct cluster_request *original)
{
    struct cluster_request *request = original->copy;
    if (request == NULL)
        return;
    struct copy *copy = (struct copy *)(void *)request;
    copy->cluster->copies_under_way--;
    original->copy = NULL;
    original->touched = true;
    if (request->state == REQUEST_IN_FLIGHT) {
        leave_behind(request);
        return;
    }
    cluster_cancel(copy->cluster, request);
    copy_free(copy);
}

static struct copy *copy_new(struct cluster *cluster, struct cluster_request *original)
{
    struct copy *copy = alloc_zeroed(cluster->alloc, sizeof(*copy));
    if (copy == NULL)
        return NULL;
    copy->cluster = cluster;
    copy->request = (struct cluster_request){
        .opcode = original->opcode,
        .body = cql_body_ref(original->body),
        .token = original->token,
        .has_token = true,
        .table_id = original->table_id,
        .control = original->control,
        .pinned = true,
        .deadline_us = NEVER_US,
        .done = copy_done,
        .context = original,
        .last_error = -1,
    };
    request_init_lists(&copy->request);
    list_append(&cluster->copies, &copy->node);
    return copy;
}

/* False: not now. */
static bool copy_send(struct cluster *cluster, struct cluster_request *original, struct moment now)
{
    const struct cluster_request probe = {
        .token = original->token,
        .has_token = true,
        .table_id = original->table_id,
        .control = original->control,
        .avoid = original->link->node->serial,
    };
    struct link *link = cluster_pick_well(cluster, &probe);
    struct copy *copy = link == NULL ? NULL : copy_new(cluster, original);
    if (copy == NULL)
        return false;
    if (request_transmit(cluster, link, &copy->request, now) < 0) {
        cql_body_unref(copy->request.body);
        copy_free(copy);
        return false;
    }
    original->copy = &copy->request;
    original->was_copied = true;
    cluster->copies_under_way++;
    cluster->facts.copies++;
    return true;
}

int64_t speculation_deadline_us(const struct cluster *cluster)
{
    if (list_empty(&cluster->unanswered) || is_at_limit(cluster))
        return NEVER_US;
    return LIST_ENTRY(cluster->unanswered.next, struct cluster_request, unanswered)->copy_at_us;
}

void speculation_tick(struct cluster *cluster, struct moment now)
{
    while (speculation_deadline_us(cluster) <= now.boot_us) {
        struct cluster_request *request =
            LIST_ENTRY(cluster->unanswered.next, struct cluster_request, unanswered);
        assert(request->state == REQUEST_IN_FLIGHT);
        list_remove(&request->unanswered);
        if (!copy_send(cluster, request, now)) /* no node is free: looked at again */
            speculation_watch(cluster, request, now);
    }
}

void speculation_free_all(struct cluster *cluster)
{
    while (!list_empty(&cluster->copies)) {
        struct copy *copy = LIST_ENTRY(cluster->copies.next, struct copy, node);
        struct cluster_request *original = copy->request.context;
        if (original != NULL)
            original->copy = NULL;
        cluster_cancel(cluster, &copy->request);
        copy_free(copy);
    }
}
