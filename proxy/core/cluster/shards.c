/*
 * ScyllaDB's shards: a link for each.
 *
 * A node tells in SUPPORTED how many shards it has, which of them this connection came to, and a
 * port of its own for those who know what they want: there the shard is the caller's local port
 * modulo the number of shards. So the first link goes to the plain port, and each further one asks
 * for a shard that has none yet, by the local port that it binds.
 *
 * Between us and the node ports may be changed (NAT) or closed (a firewall). Then the port is left
 * alone for a while, and links are dialled at the plain port, where the node deals them out: those
 * that came to a shard which has its link already are kept as spares until every shard has one, for
 * a closed one would be dealt to the same shard again.
 */
#include "core/cluster/cluster_internal.h"

#include <assert.h>

#define SHARD_PORT_AVOIDED_US INT64_C(300000000)
#define LOCAL_PORT_MIN        49152 /* those that nobody else gives out (RFC 6335) */
#define LOCAL_PORT_MAX        65535

static bool parse_number(struct slice text, uint32_t max, uint32_t *number)
{
    uint32_t value = 0;
    if (text.len == 0 || text.len > 5)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (uint32_t)(text.data[i] - '0');
    }
    *number = value;
    return value <= max;
}

static struct slice told(const struct link *link, const char *key)
{
    return cql_connection_supported(link->connection, key);
}

/* What the node says of its shards; counts may change when it starts again. */
static void read_shards(struct link *link)
{
    struct node *node = link->node;
    uint32_t shard, count, ignore_msb, port = 0;

    link->shard = -1;
    if (!parse_number(told(link, "SCYLLA_SHARD"), UINT16_MAX, &shard) ||
        !parse_number(told(link, "SCYLLA_NR_SHARDS"), LINKS_PER_NODE_MAX, &count) ||
        !parse_number(told(link, "SCYLLA_SHARDING_IGNORE_MSB"), 64, &ignore_msb) || shard >= count)
        return;
    if (!parse_number(told(link, link->cluster->config->node_tls ? "SCYLLA_SHARD_AWARE_PORT_SSL"
                                                                 : "SCYLLA_SHARD_AWARE_PORT"),
                      UINT16_MAX, &port))
        port = 0;
    node->shard_count = count;
    node->ignore_msb = ignore_msb;
    node->shard_port = (uint16_t)port;
    link->shard = (int32_t)shard;
}

/* Ready on it, or on the way to it. */
static bool shard_has_link(const struct node *node, const struct link *but, int32_t shard)
{
    for (uint32_t i = 0; i < node->link_count; i++) {
        const struct link *link = node->links[i];
        bool dials = link->state == LINK_CONNECTING || link->state == LINK_STARTING;
        if (link != but && ((link->state == LINK_READY && link->shard == shard) ||
                            (dials && link->wanted_shard == shard)))
            return true;
    }
    return false;
}

static void avoid_port(struct node *node, const char *why, struct moment now)
{
    node->shard_port_avoided_until_us = now.boot_us + SHARD_PORT_AVOIDED_US;
    action_log(node->cluster->actions, LOG_INFO, "shards cannot be dialled",
               "node=%s port=%u reason=\"%s\" meaning=\"its links are dialled at the plain port\"",
               node->name, node->shard_port, why);
}

void shards_dial(struct link *link, struct moment now)
{
    struct node *node = link->node;
    struct action_source *source = &link->source;
    uint16_t port = node->shard_port;

    link->wanted_shard = -1;
    source->local_port = source->local_port_step = 0;
    if (node->ready_links == 0 || node->shard_count < 2 || port == 0 ||
        now.boot_us < node->shard_port_avoided_until_us || !translation_of_port(node, port, &port))
        return;
    for (int32_t shard = 0; shard < (int32_t)node->shard_count && link->wanted_shard < 0; shard++)
        if (!shard_has_link(node, link, shard))
            link->wanted_shard = shard;
    if (link->wanted_shard < 0)
        return; /* all have one: any will do */
    uint32_t step = node->shard_count;
    uint32_t first =
        LOCAL_PORT_MIN + (step - LOCAL_PORT_MIN % step + (uint32_t)link->wanted_shard) % step;
    uint32_t steps = (LOCAL_PORT_MAX - first) / step;
    first += step * (uint32_t)random_up_to(&node->cluster->random, steps);
    assert(first <= LOCAL_PORT_MAX && first % step == (uint32_t)link->wanted_shard);
    source->local_port = (uint16_t)first;
    source->local_port_step = (uint16_t)step;
    source->port = port;
}

void shards_dial_failed(struct link *link, struct moment now)
{
    if (link->wanted_shard >= 0 && now.boot_us >= link->node->shard_port_avoided_until_us)
        avoid_port(link->node, "no connection", now);
}

/* Links that are open or will be. */
static uint32_t open_links(const struct node *node)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < node->link_count; i++)
        count += !node->links[i]->rests;
    return count;
}

static bool all_are_ready(const struct node *node)
{
    return open_links(node) == node->ready_links;
}

static bool all_shards_have_links(const struct node *node)
{
    for (int32_t shard = 0; shard < (int32_t)node->shard_count; shard++)
        if (!shard_has_link(node, NULL, shard))
            return false;
    return true;
}

/* Ready ones beyond `wanted` whose shard has another. */
static void shut_spares(struct node *node, uint32_t wanted, struct moment now)
{
    for (uint32_t i = node->link_count; i-- > 0 && open_links(node) > wanted;) {
        struct link *link = node->links[i];
        if (link->state == LINK_READY && link->requests == 0 &&
            link != node->cluster->control_link && shard_has_link(node, link, link->shard))
            link_shut(link, "another link serves its shard", now);
    }
}

void shards_link_ready(struct link *link, struct moment now)
{
    read_shards(link);
    if (link->wanted_shard >= 0 && link->shard != link->wanted_shard)
        avoid_port(link->node, "another shard answers there: are ports translated?", now);
    link->wanted_shard = -1;
}

void shards_spread(struct node *node, uint32_t wanted, struct moment now)
{
    if (node->shard_count < 2 || !node->is_usable || !all_are_ready(node))
        return;
    uint32_t open = open_links(node);
    if (open < wanted)
        return; /* the pool is not complete */
    bool complete = all_shards_have_links(node);
    uint32_t most = 2 * wanted < LINKS_PER_NODE_MAX ? 2 * wanted : LINKS_PER_NODE_MAX;
    if (!complete && open < most)
        node_open_links(node, open + 1, now);
    else if (open > wanted)
        shut_spares(node, wanted, now);
}
