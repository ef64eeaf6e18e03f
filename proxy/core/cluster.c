#include "core/cluster_internal.h"

#define ANSWER_ARENA_BYTES ((size_t)1024 * 1024)

static void lists_init(struct cluster *cluster)
{
    list_init(&cluster->control_queue);
    list_init(&cluster->data_queue);
    list_init(&cluster->backing_off);
    list_init(&cluster->attempts);
    list_init(&cluster->timed);
    list_init(&cluster->statements);
    list_init(&cluster->waiters);
    list_init(&cluster->calls);
}

struct cluster *cluster_new(const struct gateway_config *config, struct action_queue *actions,
                            struct moment now)
{
    (void)now;
    struct cluster *cluster = alloc_zeroed(config->alloc, sizeof(*cluster));
    if (cluster == NULL)
        return NULL;
    cluster->config = config;
    cluster->alloc = config->alloc;
    cluster->actions = actions;
    cluster->link_count = config->contact_point_count;
    lists_init(cluster);
    random_init(&cluster->random, config->random_seed);
    arena_init(&cluster->arena, config->alloc, (size_t)4 * 1024, ANSWER_ARENA_BYTES);
    cluster->links = alloc_array(config->alloc, cluster->link_count, sizeof(*cluster->links));
    if (cluster->links == NULL && cluster->link_count > 0) {
        alloc_free(config->alloc, cluster, sizeof(*cluster));
        return NULL;
    }
    for (size_t i = 0; i < cluster->link_count; i++)
        link_init(&cluster->links[i], cluster, &config->contact_points[i]);
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
    statement_free_all(cluster);
    call_free_all(cluster);
    for (size_t i = 0; i < cluster->link_count; i++)
        preparation_deinit(&cluster->links[i]);
    cancel_all(cluster, &cluster->control_queue);
    cancel_all(cluster, &cluster->data_queue);
    cancel_all(cluster, &cluster->backing_off);
    cancel_all(cluster, &cluster->attempts);
    for (size_t i = 0; i < cluster->link_count; i++) {
        cancel_all(cluster, &cluster->links[i].unprepared);
        link_deinit(&cluster->links[i]);
    }
    alloc_free(cluster->alloc, cluster->links, cluster->link_count * sizeof(*cluster->links));
    arena_deinit(&cluster->arena);
    alloc_free(cluster->alloc, cluster, sizeof(*cluster));
}

void cluster_start(struct cluster *cluster, struct moment now)
{
    for (size_t i = 0; i < cluster->link_count; i++)
        if (cluster->links[i].state == LINK_WAITING)
            cluster->links[i].reconnect_at_us = now.boot_us;
    cluster_tick(cluster, now);
}

void cluster_settle(struct cluster *cluster, struct moment now)
{
    cluster_dispatch(cluster, now);
    if (!cluster->room_appeared)
        return;
    cluster->room_appeared = false;
    if (cluster->room_hook != NULL && cluster_has_room(cluster, 0))
        cluster->room_hook(cluster->room_context, now);
}

bool cluster_is_up(const struct cluster *cluster)
{
    return cluster->ready_count > 0;
}

void cluster_get_facts(const struct cluster *cluster, struct cluster_facts *facts)
{
    *facts = cluster->facts;
    facts->links = (uint32_t)cluster->link_count;
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
    for (size_t i = 0; i < cluster->link_count; i++) {
        other_us = link_deadline_us(&cluster->links[i]);
        if (other_us < deadline_us)
            deadline_us = other_us;
    }
    return deadline_us;
}

void cluster_tick(struct cluster *cluster, struct moment now)
{
    for (size_t i = 0; i < cluster->link_count; i++)
        link_tick(&cluster->links[i], now);
    request_tick_all(cluster, now);
    statement_tick(cluster, now);
    cluster_settle(cluster, now);
}
