/* One node: who it is, and its pool of connections. */
#include "core/cluster/cluster_internal.h"

#include <stdio.h>
#include <stdlib.h>

static bool nodes_grow(struct cluster *cluster)
{
    if (cluster->node_count < cluster->node_capacity)
        return true;
    size_t capacity = cluster->node_capacity == 0 ? 8 : cluster->node_capacity * 2;
    struct node **nodes = alloc_resize(cluster->alloc, cluster->nodes,
                                       cluster->node_capacity * sizeof(struct node *),
                                       capacity * sizeof(struct node *));
    if (nodes == NULL)
        return false;
    cluster->nodes = nodes;
    cluster->node_capacity = capacity;
    return true;
}

void node_set_address(struct node *node, const char *host, uint16_t port)
{
    char quoted[LOG_QUOTED_BYTES];
    snprintf(node->host, sizeof(node->host), "%s", host);
    node->port = port;
    snprintf(node->name, sizeof(node->name), "%.270s:%u",
             log_quote(quoted, sizeof(quoted), host, strlen(host)), port);
}

struct node *node_new(struct cluster *cluster, const char *host, uint16_t port, bool is_contact)
{
    if (cluster->node_count >= CLUSTER_NODES_MAX || !nodes_grow(cluster))
        return NULL;
    struct node *node = alloc_zeroed(cluster->alloc, sizeof(*node));
    if (node == NULL)
        return NULL;
    node->cluster = cluster;
    node->serial = ++cluster->last_serial;
    node->is_contact = is_contact;
    node->is_usable = !cluster->config->discover_nodes;
    node_set_address(node, host, port);
    window_reset(&node->window, cluster->config, false);
    cluster->nodes[cluster->node_count++] = node;
    return node;
}

void node_free(struct node *node)
{
    struct cluster *cluster = node->cluster;
    for (uint32_t i = 0; i < node->link_count; i++)
        link_free(node->links[i]);
    size_t kept = 0;
    for (size_t i = 0; i < cluster->node_count; i++)
        if (cluster->nodes[i] != node)
            cluster->nodes[kept++] = cluster->nodes[i];
    cluster->node_count = kept;
    for (size_t i = 0; i < CLUSTER_NODES_MAX; i++)
        if (cluster->ring_nodes[i] == node)
            cluster->ring_nodes[i] = NULL;
    tablets_bind(cluster);
    alloc_free(cluster->alloc, node, sizeof(*node));
}

struct node *node_by_host_id(const struct cluster *cluster, const uint8_t host_id[16])
{
    for (size_t i = 0; i < cluster->node_count; i++) {
        struct node *node = cluster->nodes[i];
        if (node->is_known && !node->is_retired && memcmp(node->host_id, host_id, 16) == 0)
            return node;
    }
    return NULL;
}

/* --- who it is --- */

bool node_is_ready(const struct node *node)
{
    return node->is_usable && node->ready_links > 0;
}

bool node_is_home(const struct node *node)
{
    const char *home = node->cluster->home_dc;
    return home[0] == '\0' || node->data_center[0] == '\0' ||
           strcmp(node->data_center, home) == 0;
}

void node_decide_usable(struct node *node)
{
    struct cluster *cluster = node->cluster;
    const struct gateway_config *config = cluster->config;
    bool was_ready = node_is_ready(node);

    if (!config->discover_nodes)
        node->is_usable = true;
    else
        node->is_usable =
            node->is_known && !node->is_retired &&
            (config->remote_data_centers || node_is_home(node));
    if (was_ready == node_is_ready(node))
        return;
    if (was_ready)
        cluster->usable_count--;
    else
        cluster->usable_count++;
    cluster->room_appeared = true;
}

void node_identify(struct node *node, const uint8_t host_id[16], const char *data_center,
                   const char *rack, struct moment now)
{
    struct cluster *cluster = node->cluster;
    if (node->is_known && memcmp(node->host_id, host_id, 16) != 0)
        action_log(cluster->actions, LOG_INFO, "another node answers at this address", "node=%s",
                   node->name);
    memcpy(node->host_id, host_id, 16);
    snprintf(node->data_center, sizeof(node->data_center), "%s", data_center);
    snprintf(node->rack, sizeof(node->rack), "%s", rack);
    node->is_known = true;
    if (cluster->has_tablets)
        tablets_bind(cluster);
    node_decide_usable(node);
    if (node->is_usable && node->ready_links > 0)
        node_connect(node, now); /* the rest of its pool */
}

/* --- its links --- */

/* As many as it has shards, or as configured; one until that one is ready and says how it is. */
static uint32_t links_wanted(const struct node *node)
{
    uint32_t wanted = node->cluster->config->connections_per_node;
    if (node->ready_links == 0 || !node->is_usable)
        return 1;
    if (node->shard_count > wanted)
        wanted = node->shard_count;
    return wanted < LINKS_PER_NODE_MAX ? wanted : LINKS_PER_NODE_MAX;
}

void node_open_links(struct node *node, uint32_t wanted, struct moment now)
{
    struct cluster *cluster = node->cluster;
    uint32_t open = 0;
    for (uint32_t i = 0; i < node->link_count; i++)
        open += !node->links[i]->rests;
    for (uint32_t i = 0; i < node->link_count && open < wanted; i++) {
        struct link *link = node->links[i];
        if (!link->rests)
            continue;
        link->rests = false; /* while it is being closed, link_closed sees to it */
        if (link->state == LINK_WAITING)
            link->reconnect_at_us = now.boot_us;
        open++;
    }
    for (; open < wanted && node->link_count < LINKS_PER_NODE_MAX; open++) {
        if (node->link_count > 0 && cluster->link_count >= cluster->config->max_node_connections)
            return;
        /* one after the other: a node hashes passwords with few threads */
        struct link *link = link_new(node, now.boot_us + (int64_t)open * LINK_STAGGER_US);
        if (link == NULL)
            return; /* the links that it has must do */
        node->links[node->link_count++] = link;
    }
}

void node_connect(struct node *node, struct moment now)
{
    node->is_asleep = false;
    node_open_links(node, links_wanted(node), now);
}

void node_disconnect(struct node *node, const char *reason, struct moment now)
{
    for (uint32_t i = 0; i < node->link_count; i++)
        link_shut(node->links[i], reason, now);
}

void node_link_ready(struct link *link, struct moment now)
{
    struct node *node = link->node;
    bool was_ready = node_is_ready(node);
    bool is_first = node->ready_links++ == 0;
    shards_link_ready(link, now);
    if (!was_ready && node_is_ready(node))
        node->cluster->usable_count++;
    if (is_first) {
        node->told_unreachable = false;
        window_reset(&node->window, node->cluster->config, node->was_up);
        node->was_up = true;
        preparation_warm_up(link, now);
        action_log(node->cluster->actions, LOG_INFO, "cassandra node is up", "node=%s", node->name);
    }
    if (node->is_usable) {
        node_connect(node, now);
        shards_spread(node, links_wanted(node), now);
    }
}

/* --- choosing --- */

bool node_is_slow(const struct node *node)
{
    return node->is_silent ||
           (node->requests > 0 && node->cluster->now_us - node->heard_us >= NODE_SLOW_US);
}

int64_t node_silence_deadline_us(const struct node *node)
{
    if (node->requests == 0 || node->is_silent)
        return NEVER_US;
    int64_t silent_us = node->heard_us + NODE_SILENT_US;
    int64_t again_us = node->looked_us + NODE_SLOW_US;
    return silent_us > again_us ? silent_us : again_us;
}

/* Of the node, for a request; -1: any. */
static int32_t request_shard(const struct node *node, const struct cluster_request *request)
{
    const struct tablet *tablet;
    if (node->shard_count == 0 || !request->has_token)
        return -1;
    if (tablets_route(node->cluster, request, &tablet))
        return tablet == NULL ? -1 : tablet_shard(node, tablet);
    return (int32_t)ring_shard(request->token, node->shard_count, node->ignore_msb);
}

struct link *node_link(const struct node *node, const struct cluster_request *request)
{
    struct link *best = NULL;
    int32_t shard = request_shard(node, request);
    for (uint32_t i = 0; i < node->link_count; i++) {
        struct link *link = node->links[i];
        if (link->state != LINK_READY)
            continue;
        bool is_closer = best != NULL && link->shard == shard && best->shard != shard;
        bool is_farther = best != NULL && link->shard != shard && best->shard == shard;
        if (best == NULL || is_closer || (!is_farther && link->requests < best->requests))
            best = link;
    }
    return best;
}

void node_reap(struct cluster *cluster)
{
    for (size_t i = cluster->node_count; i-- > 0;) {
        struct node *node = cluster->nodes[i];
        bool is_closed = true;
        if (!node->is_retired)
            continue;
        for (uint32_t l = 0; l < node->link_count; l++)
            is_closed = is_closed && node->links[l]->state == LINK_WAITING;
        if (is_closed)
            node_free(node);
    }
}
