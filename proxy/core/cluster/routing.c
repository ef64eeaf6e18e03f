/*
 * Which link takes a request. A data request goes to a replica of its token: to the one that is
 * least used in proportion to its window among those that answer and have not just failed it. While
 * such a replica has no room the request waits for it; a detour over another node would load the
 * same replica. Where no replica is in sight, and for requests without a token, any node will do.
 */
#include "core/cluster/cluster_internal.h"

#define QUEUE_LOOKS 64 /* requests that are tried past one that has to wait for its replica */

enum fit { FIT_NONE, FIT_AVOIDED, FIT_COLD, FIT_SLOW, FIT_FAR, FIT_GOOD };

struct choice {
    struct node *node;
    enum fit fit;
    bool waits; /* a good node was there, and full */
};

/* Is `a` less used than `b`? requests / size, without the division. */
static bool node_is_freer(const struct node *a, const struct node *b)
{
    return (uint64_t)a->requests * b->window.size < (uint64_t)b->requests * a->window.size;
}

static bool is_unfit(const struct node *node, const struct cluster_request *request)
{
    uint32_t bit = node->serial % CLUSTER_NODES_MAX;
    return request->has_unfit && (request->unfit[bit / 64] >> bit % 64 & 1) != 0;
}

bool cluster_has_fit(const struct cluster *cluster, const struct cluster_request *request)
{
    for (size_t i = 0; i < cluster->node_count; i++)
        if (node_is_ready(cluster->nodes[i]) && !is_unfit(cluster->nodes[i], request))
            return true;
    return false;
}

/* Transactions on one row do best at one coordinator, and statements get their ids from one node:
 * the first that will do. */
static bool wants_the_first(const struct cluster_request *request)
{
    return request->conditional || request->opcode == CQL_PREPARE;
}

static void consider(struct choice *choice, struct node *node,
                     const struct cluster_request *request)
{
    if (node == NULL || !node_is_ready(node) || is_unfit(node, request))
        return;
    enum fit fit = FIT_GOOD;
    if (node->serial == request->avoid)
        fit = FIT_AVOIDED;
    else if (!request->control && !node->is_warm)
        fit = FIT_COLD;
    else if (node_is_slow(node))
        fit = FIT_SLOW;
    else if (!node_is_home(node))
        fit = FIT_FAR;
    if (!request->control && window_is_full(&node->window)) {
        choice->waits = choice->waits || fit == FIT_GOOD;
        return;
    }
    if (fit > choice->fit ||
        (fit == choice->fit && !wants_the_first(request) && node_is_freer(node, choice->node))) {
        choice->node = node;
        choice->fit = fit;
    }
}

static struct choice choose_replica(const struct cluster *cluster,
                                    const struct cluster_request *request)
{
    struct choice choice = {.fit = FIT_NONE};
    const uint16_t *replicas;
    const struct tablet *tablet;
    if (tablets_route(cluster, request, &tablet)) {
        for (size_t i = 0; tablet != NULL && i < tablet->replica_count; i++)
            consider(&choice, tablet_node(cluster, tablet, i), request);
        return choice;
    }
    if (cluster->ring == NULL || !request->has_token)
        return choice;
    size_t count = ring_replicas(cluster->ring, request->token, &replicas);
    for (size_t i = 0; i < count; i++)
        consider(&choice, cluster->ring_nodes[replicas[i]], request);
    return choice;
}

static struct choice choose(const struct cluster *cluster, const struct cluster_request *request)
{
    struct choice replica = choose_replica(cluster, request);
    if (replica.fit == FIT_GOOD)
        return replica;
    if (replica.waits)
        return (struct choice){.fit = FIT_NONE};
    struct choice any = {.fit = FIT_NONE};
    size_t first = request->opcode == CQL_PREPARE ? 0 : cluster->next_node;
    for (size_t i = 0; i < cluster->node_count; i++)
        consider(&any, cluster->nodes[(first + i) % cluster->node_count], request);
    return replica.fit >= any.fit ? replica : any;
}

struct link *cluster_pick(struct cluster *cluster, const struct cluster_request *request)
{
    if (cluster->has_tablets && request->table_id != NULL)
        tablets_used(cluster, request->table_id);
    struct node *node = choose(cluster, request).node;
    cluster->next_node++;
    return node == NULL ? NULL : node_link(node, request);
}

struct link *cluster_pick_well(struct cluster *cluster, const struct cluster_request *request)
{
    struct choice choice = choose(cluster, request);
    cluster->next_node++;
    return choice.fit < FIT_FAR ? NULL : node_link(choice.node, request);
}

bool cluster_has_room(const struct cluster *cluster, const uint8_t *table_id, int64_t token)
{
    if (cluster->ring == NULL && !list_empty(&cluster->data_queue))
        return false; /* the room belongs to those that wait */
    const struct cluster_request request = {
        .token = token, .has_token = true, .table_id = table_id};
    return choose(cluster, &request).node != NULL;
}

/* The first request that can go now; those that wait for a replica do not hold up the others,
 * within reason. */
static struct cluster_request *queue_next(struct cluster *cluster, struct list *queue,
                                          struct link **link)
{
    int looks = cluster->ring == NULL ? 1 : QUEUE_LOOKS;
    LIST_EACH(it, queue)
    {
        struct cluster_request *request = LIST_ENTRY(it, struct cluster_request, node);
        if (request->has_unfit && !cluster_has_fit(cluster, request))
            request->has_unfit = false; /* those that were fit are gone: it may be refused now */
        *link = cluster_pick(cluster, request);
        if (*link != NULL)
            return request;
        if (--looks == 0)
            return NULL;
    }
    return NULL;
}

static void queue_dispatch(struct cluster *cluster, struct list *queue, struct moment now)
{
    struct link *link;
    struct cluster_request *request;
    while ((request = queue_next(cluster, queue, &link)) != NULL)
        if (request_transmit(cluster, link, request, now) < 0)
            request_retry(cluster, request, false, NULL, now);
}

void cluster_dispatch(struct cluster *cluster, struct moment now)
{
    queue_dispatch(cluster, &cluster->control_queue, now);
    queue_dispatch(cluster, &cluster->data_queue, now);
}
