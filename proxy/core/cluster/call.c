/* Questions with values, not prepared: rare, so each is a block and a body of its own. */
#include "core/cluster/cluster_internal.h"

struct cluster_call {
    struct cluster_request request;
    struct cluster *cluster;
    cluster_answer done;
    void *context;
    struct list node; /* cluster.calls; its own neighbour while it is being answered */
};

static void call_free(struct cluster_call *call)
{
    list_remove(&call->node);
    alloc_free(call->cluster->alloc, call, sizeof(*call));
}

static void call_done(struct cluster_request *request, const struct cluster_reply *reply,
                      struct moment now)
{
    struct cluster_call *call = request->context;
    list_remove(&call->node);
    call->done(call->context, reply, request->touched, now);
    call_free(call);
}

static struct cql_body *call_body(struct cluster *cluster, const struct cluster_query *query)
{
    const struct cql_query message = {
        .text = slice_cstr(query->text),
        .values = query->values,
        .value_count = query->value_count,
        .consistency = (uint16_t)query->consistency,
        .serial_consistency = query->conditional ? (uint16_t)query->serial_consistency : 0,
        .timestamp_us = query->timestamp_us,
        .has_timestamp = query->timestamp_us != 0,
        .page_size = query->page_size,
        .paging_state = query->paging_state,
    };
    struct cql_body *body = cql_body_new(cluster->alloc, (size_t)16 * 1024 * 1024);
    if (body == NULL)
        return NULL;
    if (cql_query_encode(&body->buf, &message) == STATUS_OK)
        return body;
    cql_body_unref(body);
    return NULL;
}

struct cluster_call *cluster_ask(struct cluster *cluster, const struct cluster_query *query,
                                 cluster_answer done, void *context, struct moment now)
{
    struct cluster_call *call = alloc_zeroed(cluster->alloc, sizeof(*call));
    struct cql_body *body = call_body(cluster, query);
    if (call == NULL || body == NULL) {
        cql_body_unref(body);
        alloc_free(cluster->alloc, call, sizeof(*call));
        return NULL;
    }
    call->cluster = cluster;
    call->done = done;
    call->context = context;
    call->request = (struct cluster_request){
        .opcode = CQL_QUERY,
        .body = body,
        .control = true,
        .conditional = query->conditional,
        .token = query->token,
        .has_token = query->has_token,
        .table_id = query->table_id,
        .deadline_us = query->deadline_us,
        .done = call_done,
        .context = call,
    };
    list_append(&cluster->calls, &call->node);
    cluster_send(cluster, &call->request, now);
    cql_body_unref(body); /* the cluster has its own reference */
    return call;
}

void cluster_call_cancel(struct cluster *cluster, struct cluster_call *call)
{
    if (list_empty(&call->node))
        return; /* it is being answered; call_done frees it */
    cluster_cancel(cluster, &call->request);
    call_free(call);
}

void call_free_all(struct cluster *cluster)
{
    while (!list_empty(&cluster->calls)) {
        struct cluster_call *call = LIST_ENTRY(cluster->calls.next, struct cluster_call, node);
        cluster_cancel(cluster, &call->request);
        call_free(call);
    }
}
