/*
 * Which link takes a request. Today: the ready one that is least used in proportion to its window,
 * and not the one where the request has just failed. Tokens, data centres and shards will be looked
 * at here.
 */
#include "core/cluster_internal.h"

static bool link_takes(const struct link *link, bool control)
{
    return link->state == LINK_READY && (control || link->window.in_flight < link->window.size);
}

/* Is `a` less used than `b`? in_flight / size, without the division. */
static bool link_is_freer(const struct link *a, const struct link *b)
{
    return (uint64_t)a->requests * b->window.size < (uint64_t)b->requests * a->window.size;
}

struct link *cluster_pick(struct cluster *cluster, const struct cluster_request *request)
{
    struct link *best = NULL;
    bool avoided_takes = false;

    for (size_t i = 0; i < cluster->link_count; i++) {
        struct link *link = &cluster->links[(cluster->next_link + i) % cluster->link_count];
        if (!link_takes(link, request->control))
            continue;
        if (link == request->avoid)
            avoided_takes = true;
        else if (best == NULL || link_is_freer(link, best))
            best = link;
    }
    cluster->next_link++;
    if (best == NULL && avoided_takes)
        return request->avoid;
    return best;
}

bool cluster_has_room(const struct cluster *cluster, int64_t token)
{
    (void)token;
    if (!list_empty(&cluster->data_queue))
        return false; /* the room belongs to those that wait */
    for (size_t i = 0; i < cluster->link_count; i++)
        if (link_takes(&cluster->links[i], false))
            return true;
    return false;
}

static void queue_dispatch(struct cluster *cluster, struct list *queue, struct moment now)
{
    while (!list_empty(queue)) {
        struct cluster_request *request = LIST_ENTRY(queue->next, struct cluster_request, node);
        struct link *link = cluster_pick(cluster, request);
        if (link == NULL)
            return;
        if (request_transmit(cluster, link, request, now) < 0)
            request_retry(cluster, request, false, NULL, now);
    }
}

void cluster_dispatch(struct cluster *cluster, struct moment now)
{
    queue_dispatch(cluster, &cluster->control_queue, now);
    queue_dispatch(cluster, &cluster->data_queue, now);
}
