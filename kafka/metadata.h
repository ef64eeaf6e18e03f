/* Metadata (key 3), versions 0-13. */
#ifndef KAFKA_METADATA_H
#define KAFKA_METADATA_H

#include "kafka/types.h"

struct kafka_metadata_request_topic {
    uint8_t topic_id[KAFKA_UUID_BYTES]; /* v10+; zero: ask by name */
    struct slice name;                  /* null from v10 on: ask by id (valid from v12) */
};

struct kafka_metadata_request {
    struct kafka_metadata_request_topic *topics;
    int32_t topic_count;                        /* all topics: 0 in v0, -1 from v1 on */
    bool allow_auto_topic_creation;             /* v4+, true before */
    bool include_cluster_authorized_operations; /* v8-10 */
    bool include_topic_authorized_operations;   /* v8+ */
};

struct kafka_metadata_broker {
    int32_t node_id;
    struct slice host;
    int32_t port;
    struct slice rack; /* v1+, nullable */
};

struct kafka_metadata_partition {
    int16_t error_code;
    int32_t partition_index;
    int32_t leader_id;
    int32_t leader_epoch; /* v7+, -1 before */
    int32_t *replica_nodes;
    int32_t replica_node_count;
    int32_t *isr_nodes;
    int32_t isr_node_count;
    int32_t *offline_replicas; /* v5+ */
    int32_t offline_replica_count;
};

struct kafka_metadata_topic {
    int16_t error_code;
    struct slice name;                  /* nullable from v12 on: an unknown id */
    uint8_t topic_id[KAFKA_UUID_BYTES]; /* v10+ */
    bool is_internal;                   /* v1+ */
    struct kafka_metadata_partition *partitions;
    int32_t partition_count;
    int32_t topic_authorized_operations; /* v8+ */
};

struct kafka_metadata_response {
    int32_t throttle_time_ms; /* v3+ */
    struct kafka_metadata_broker *brokers;
    int32_t broker_count;
    struct slice cluster_id; /* v2+, nullable */
    int32_t controller_id;   /* v1+, -1: none */
    struct kafka_metadata_topic *topics;
    int32_t topic_count;
    int32_t cluster_authorized_operations; /* v8-10 */
    int16_t error_code;                    /* v13+ */
};

#define KAFKA_METADATA_REQUEST_DEFAULT                                                             \
    ((struct kafka_metadata_request){.allow_auto_topic_creation = true})
#define KAFKA_METADATA_PARTITION_DEFAULT ((struct kafka_metadata_partition){.leader_epoch = -1})
#define KAFKA_METADATA_TOPIC_DEFAULT                                                               \
    ((struct kafka_metadata_topic){.topic_authorized_operations = KAFKA_OPERATIONS_NOT_REQUESTED})
#define KAFKA_METADATA_RESPONSE_DEFAULT                                                            \
    ((struct kafka_metadata_response){                                                             \
        .controller_id = -1, .cluster_authorized_operations = KAFKA_OPERATIONS_NOT_REQUESTED})

void kafka_metadata_request_walk(struct wire *wire, void *body, int version);
void kafka_metadata_response_walk(struct wire *wire, void *body, int version);

#endif
