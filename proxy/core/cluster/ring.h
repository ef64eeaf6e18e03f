/*
 * Which nodes hold a token: the ring of a Murmur3 cluster and, for one keyspace, the replicas of
 * each of its ranges, computed once when the cluster or the keyspace changes.
 *
 * The owner of token t is the node of the first ring token >= t, the first one of all after the
 * last. SimpleStrategy takes the next `copies` distinct nodes. NetworkTopologyStrategy walks the
 * ring for each data centre and takes nodes of racks that it has not met; when there are fewer
 * racks than copies, the first nodes met again in a known rack make up the difference (as Cassandra
 * 4.0 and later place them; what counts here is the set, and that is the same in older servers).
 */
#ifndef PROXY_CORE_RING_H
#define PROXY_CORE_RING_H

#include "proto/alloc.h"
#include "proto/slice.h"
#include "proto/status.h"

#include <stdbool.h>
#include <stdint.h>

#define RING_COPIES_MAX 16       /* replicas of one range that are kept, the home data centre's first */
#define RING_NODES_MAX  4096     /* of a cluster; what is above is not routed to by token */
#define RING_TOKENS_MAX (1 << 18) /* of all nodes together */

struct ring_node {
    const char *data_center, *rack;
    const int64_t *tokens;
    size_t token_count;
};

enum ring_strategy {
    RING_UNKNOWN, /* local, everywhere, tablets or a class that we do not know: no replicas */
    RING_SIMPLE,
    RING_NETWORK_TOPOLOGY,
};

/* How often a keyspace is kept. */
struct ring_replication {
    enum ring_strategy strategy;
    uint32_t copies; /* SIMPLE */
    struct ring_data_center {
        char name[64];
        uint32_t copies;
    } data_centers[16]; /* NETWORK_TOPOLOGY */
    size_t data_center_count;
};

/* One entry of system_schema.keyspaces.replication: "class", "replication_factor" or a data centre;
 * start with a zeroed replication. What is not understood makes the strategy UNKNOWN. "3/1"
 * (transient copies) counts as 3. */
void ring_replication_add(struct ring_replication *replication, struct slice key,
                          struct slice value);

struct ring;

/* *ring NULL when there is nothing to route by: no tokens, RING_UNKNOWN. `nodes` is not kept; the
 * ring speaks of them by index. NOMEM. */
MUST_CHECK int ring_new(const struct alloc *alloc, const struct ring_node *nodes, size_t node_count,
                        const struct ring_replication *replication, const char *home_data_center,
                        struct ring **ring);
void ring_free(struct ring *ring); /* NULL is fine */

/* The replicas of a token, as indices into `nodes`: those of the home data centre first, each in
 * ring order. Returns their number. */
size_t ring_replicas(const struct ring *ring, int64_t token, const uint16_t **replicas);

/* Scylla: which shard of a node owns a token (biased token round robin). */
uint32_t ring_shard(int64_t token, uint32_t shard_count, uint32_t ignore_msb);

#endif
