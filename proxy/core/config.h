/*
 * What the core is told at start. Plain data, filled by the program (proxy/config.c), the simulator
 * and the fuzzers; strings are borrowed for the gateway's life. Each limit names the abuse it stops
 * in sluice.yaml.
 */
#ifndef PROXY_CORE_CONFIG_H
#define PROXY_CORE_CONFIG_H

#include "cql/compression.h"
#include "cql/consistency.h"
#include "proto/alloc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct contact_point {
    const char *host; /* name or address */
    uint16_t port;
};

/* A node tells the first address and is reached at the second. */
struct address_translation {
    const char *told_host; /* as Sluice writes it: 10.0.0.1, or eight groups of hex for IPv6 */
    uint16_t told_port;    /* 0: any */
    const char *host;
    uint16_t port; /* 0: the one that was told */
};

struct gateway_config {
    const struct alloc *alloc;
    const char *version;
    uint64_t random_seed; /* jitter, member names, topic ids: every random choice comes from it */

    /* listener */
    const char *advertised_host; /* NULL: the local address that each client dialled */
    uint16_t advertised_port;    /* 0: the port that each client dialled */
    int32_t node_id;
    uint32_t max_connections;
    size_t max_request_bytes;           /* 100 MiB */
    uint32_t max_pending_requests;      /* a connection's requests without a response: 1,000 */
    int64_t first_request_timeout_us;   /* 10 s from accept to the first whole request */
    int64_t request_receive_timeout_us; /* 30 s from first to last byte of a request */
    int64_t idle_timeout_us;            /* 10 min without a byte */
    size_t memory_bytes; /* budget for request bytes and mutations held; past it reading pauses: 256
                            MiB */

    /* cassandra */
    const struct contact_point *contact_points;
    size_t contact_point_count;
    const char *keyspace;
    const char *user; /* NULL: none */
    const char *password;
    const char *local_dc; /* NULL: that of the first node reached */
    bool discover_nodes;  /* the nodes that the contact points tell of are used as well, and the
                             replicas of a row are told to its own nodes */
    bool remote_data_centers; /* nodes of other data centres take requests too */
    enum cql_compression compression; /* of what goes to and comes from the nodes: NONE */
    uint32_t trace_ppm;               /* requests of a million that a node is to trace: 0 */
    bool node_tls; /* the driver speaks TLS to the nodes */
    const struct address_translation *translations;
    size_t translation_count;
    uint32_t max_node_connections; /* to all nodes; each node gets one all the same: 4,096 */
    size_t window_bytes; /* bodies of requests under way per node, at most: 16 MiB */
    uint32_t connections_per_node; /* 1; a node with shards gets one for each */
    enum cql_consistency
        consistency; /* LOCAL_QUORUM or QUORUM; lower ones need unsafe_consistency */
    bool unsafe_consistency;
    bool schema_create; /* false: schema.create = never */
    const char
        *replication; /* NULL: NetworkTopologyStrategy with min(3, nodes of the home data centre) */
    uint32_t window_start, window_min,
        window_max; /* requests under way per node: 32, 8, 1,024 (AIMD) */
    int64_t
        request_timeout_us; /* an answer of a node that takes longer is given up (orphan): 12 s */
    int64_t speculative_delay_us; /* without an answer for so long, a request of one partition goes
                                     to a second node as well; 0: never */
    int64_t connect_timeout_us;                 /* 5 s */
    int64_t reconnect_min_us, reconnect_max_us; /* 100 ms to 10 s, exponential with jitter */

    /* topics */
    bool auto_create_topics;
    int32_t num_partitions;
    uint32_t max_topics;             /* 500 */
    uint32_t max_partitions;         /* of one topic: 1,000 */
    uint32_t auto_create_per_second; /* 2 */
    size_t max_message_bytes;        /* 1,048,588: a whole batch as sent */
    size_t max_decompressed_bytes;   /* 64 MiB */
    int32_t max_record_headers;      /* 1,024 */
    bool delete_topics;              /* DeleteTopics is served */
    uint32_t max_partitions_total;   /* of all topics: 20,000 */
    uint32_t max_admin_items;        /* topics, settings, partitions in one admin request: 2,000 */
    bool log_append_time;            /* message.timestamp.type of topics without one of their own */
    int64_t timestamp_before_max_us; /* 0: any; likewise */
    int64_t timestamp_after_max_us;

    /* log tables */
    int64_t segment_max_rows;  /* 100,000 */
    int64_t segment_max_bytes; /* 64 MiB */
    size_t mutation_max_bytes; /* 0: half of the smaller of the server's frame and mutation limit */
    uint32_t mutation_group_rows; /* of all batches in a mutation, unless the first has more: 600 */
    size_t mutation_group_bytes;      /* likewise: 256 KiB */
    uint32_t mutations_per_partition; /* under way at once: 4 */

    /* life */
    int64_t lease_us;         /* 10 s */
    int64_t lease_renew_us;   /* 3 s */
    int64_t drain_timeout_us; /* 25 s */
    bool predecessor_gone; /* this host's predecessor is provably gone (its abstract socket could be
                              bound) */
    const char *member;    /* this process's member name; also names the abstract socket */
    const char *boot_id;   /* of this host */
};

/* Every default named above; contact points and names are left empty. */
void gateway_config_defaults(struct gateway_config *config);

#endif
