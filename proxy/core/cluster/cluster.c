#include "core/cluster/cluster_internal.h"

#include <stdio.h>

#define ANSWER_ARENA_BYTES ((size_t)1024 * 1024)

static void lists_init(struct cluster *cluster)
{
    list_init(&cluster->control_queue);
    list_init(&cluster->data_queue);
    list_init(&cluster->backing_off);
    list_init(&cluster->attempts);
    list_init(&cluster->timed);
    list_init(&cluster->unanswered);
    list_init(&cluster->copies);
    list_init(&cluster->statements);
    list_init(&cluster->waiters);
    list_init(&cluster->calls);
}

static bool contacts_init(struct cluster *cluster)
{
    const struct gateway_config *config = cluster->config;
    for (size_t i = 0; i < config->contact_point_count; i++) {
        const struct contact_point *point = &config->contact_points[i];
        struct node *node = node_new(cluster, point->host, point->port, true);
        if (node == NULL)
            return false;
        node->links[0] = link_new(node, NEVER_US);
        if (node->links[0] == NULL)
            return false;
        node->link_count = 1;
    }
    return true;
}

struct cluster *cluster_new(const struct gateway_config *config, struct action_queue *actions,
                            struct moment now)
{
    struct cluster *cluster = alloc_zeroed(config->alloc, sizeof(*cluster));
    if (cluster == NULL)
        return NULL;
    cluster->config = config;
    cluster->alloc = config->alloc;
    cluster->actions = actions;
    cluster->now_us = now.boot_us;
    lists_init(cluster);
    topology_init(&cluster->topology);
    tablets_init(&cluster->tablets, config->alloc);
    random_init(&cluster->random, config->random_seed);
    arena_init(&cluster->arena, config->alloc, (size_t)4 * 1024, ANSWER_ARENA_BYTES);
    if (config->local_dc != NULL)
        snprintf(cluster->home_dc, sizeof(cluster->home_dc), "%s", config->local_dc);
    if (!contacts_init(cluster)) {
        cluster_free(cluster);
        return NULL;
    }
    return cluster;
}

static void cancel_all(struct cluster *cluster, struct list *requests)
{
    while (!list_empty(requests))
        cluster_cancel(cluster, LIST_ENTRY(requests->next, struct cluster_request, node));
}

void cluster_free(struct cluster *cluster)
{
    if (cluster == NULL)
        return;
    speculation_free_all(cluster);
    statement_free_all(cluster);
    call_free_all(cluster);
    for (size_t i = 0; i < cluster->node_count; i++)
        for (uint32_t l = 0; l < cluster->nodes[i]->link_count; l++)
            preparation_deinit(cluster->nodes[i]->links[l]);
    topology_deinit(cluster);
    cluster_cancel(cluster, &cluster->tablets_question);
    cancel_all(cluster, &cluster->control_queue);
    cancel_all(cluster, &cluster->data_queue);
    cancel_all(cluster, &cluster->backing_off);
    cancel_all(cluster, &cluster->attempts);
    while (cluster->node_count > 0) {
        struct node *node = cluster->nodes[cluster->node_count - 1];
        for (uint32_t l = 0; l < node->link_count; l++)
            cancel_all(cluster, &node->links[l]->unprepared);
        node_free(node);
    }
    alloc_free(cluster->alloc, cluster->nodes, cluster->node_capacity * sizeof(struct node *));
    ring_free(cluster->ring);
    tablets_deinit(&cluster->tablets);
    arena_deinit(&cluster->arena);
    alloc_free(cluster->alloc, cluster, sizeof(*cluster));
}

void cluster_start(struct cluster *cluster, struct moment now)
{
    for (size_t i = 0; i < cluster->node_count; i++)
        node_connect(cluster->nodes[i], now);
    cluster_tick(cluster, now);
}

static bool some_node_has_room(const struct cluster *cluster)
{
    if (cluster->ring == NULL)
        return cluster_has_room(cluster, NULL, 0);
    for (size_t i = 0; i < cluster->node_count; i++) {
        const struct node *node = cluster->nodes[i];
        if (node_is_ready(node) && !window_is_full(&node->window))
            return true;
    }
    return false;
}

void cluster_settle(struct cluster *cluster, struct moment now)
{
    cluster_dispatch(cluster, now);
    node_reap(cluster);
    if (!cluster->room_appeared)
        return;
    cluster->room_appeared = false;
    if (cluster->room_hook != NULL && some_node_has_room(cluster))
        cluster->room_hook(cluster->room_context, now);
}

bool cluster_is_up(const struct cluster *cluster)
{
    return cluster->usable_count > 0;
}

void cluster_get_facts(const struct cluster *cluster, struct cluster_facts *facts)
{
    *facts = cluster->facts;
    facts->links = 0;
    for (size_t i = 0; i < cluster->node_count; i++)
        facts->links += cluster->nodes[i]->is_asleep ? 0 : cluster->nodes[i]->link_count;
    facts->ready_links = (uint32_t)cluster->ready_count;
}

void cluster_set_local(struct cluster *cluster, const struct cluster_facts *local)
{
    struct cluster_facts *facts = &cluster->facts;
    memcpy(facts->data_center, local->data_center, sizeof(facts->data_center));
    memcpy(facts->release_version, local->release_version, sizeof(facts->release_version));
    memcpy(facts->cluster_name, local->cluster_name, sizeof(facts->cluster_name));
    memcpy(facts->partitioner, local->partitioner, sizeof(facts->partitioner));
}

void cluster_on_schema_change(struct cluster *cluster, cluster_schema_changed changed,
                              void *context)
{
    cluster->schema_hook = changed;
    cluster->schema_context = context;
}

void cluster_on_room(struct cluster *cluster, void (*room)(void *context, struct moment now),
                     void *context)
{
    cluster->room_hook = room;
    cluster->room_context = context;
}

int64_t cluster_deadline_us(const struct cluster *cluster)
{
    if (cluster->room_appeared) /* by a cancel: what is queued can go out at the next tick */
        return 0;
    int64_t deadline_us = request_next_deadline_us(cluster);
    int64_t other_us = statement_deadline_us(cluster);
    if (other_us < deadline_us)
        deadline_us = other_us;
    other_us = tablets_deadline_us(cluster);
    if (other_us < deadline_us)
        deadline_us = other_us;
    other_us = topology_deadline_us(cluster);
    if (other_us < deadline_us)
        deadline_us = other_us;
    for (size_t i = 0; i < cluster->node_count; i++)
        for (uint32_t l = 0; l < cluster->nodes[i]->link_count; l++) {
            other_us = link_deadline_us(cluster->nodes[i]->links[l]);
            if (other_us < deadline_us)
                deadline_us = other_us;
        }
    return deadline_us;
}

/* By index: a tick may add links and nodes; none go before cluster_settle. */
void cluster_tick(struct cluster *cluster, struct moment now)
{
    cluster->now_us = now.boot_us;
    for (size_t i = 0; i < cluster->node_count; i++)
        for (uint32_t l = 0; l < cluster->nodes[i]->link_count; l++)
            link_tick(cluster->nodes[i]->links[l], now);
    topology_tick(cluster, now);
    tablets_tick(cluster, now);
    request_tick_all(cluster, now);
    statement_tick(cluster, now);
    cluster_settle(cluster, now);
}
