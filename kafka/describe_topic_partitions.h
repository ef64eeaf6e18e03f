/*
 * DescribeTopicPartitions (key 75), version 0: what Metadata says, page by page. A page ends after
 * response_partition_limit partitions; next_cursor is where the next one begins.
 */
#ifndef KAFKA_DESCRIBE_TOPIC_PARTITIONS_H
#define KAFKA_DESCRIBE_TOPIC_PARTITIONS_H

#include "kafka/types.h"

struct kafka_topic_cursor {
    bool present; /* false: null on the wire, and the others are unset */
    struct slice topic_name;
    int32_t partition_index;
};

struct kafka_describe_topic_partitions_request {
    struct slice *topics; /* names; empty: all topics */
    int32_t topic_count;
    int32_t response_partition_limit;
    struct kafka_topic_cursor cursor; /* the first topic and partition wanted */
};

struct kafka_describe_topic_partitions_partition {
    int16_t error_code;
    int32_t partition_index;
    int32_t leader_id;
    int32_t leader_epoch; /* -1: unknown */
    int32_t *replica_nodes;
    int32_t replica_node_count;
    int32_t *isr_nodes;
    int32_t isr_node_count;
    /* Null (count -1) is sound in both, but Java's admin client throws at it: answer empty ones. */
    int32_t *eligible_leader_replicas;
    int32_t eligible_leader_replica_count;
    int32_t *last_known_elr;
    int32_t last_known_elr_count;
    int32_t *offline_replicas;
    int32_t offline_replica_count;
};

struct kafka_describe_topic_partitions_topic {
    int16_t error_code;
    struct slice name; /* nullable */
    uint8_t topic_id[KAFKA_UUID_BYTES];
    bool is_internal;
    struct kafka_describe_topic_partitions_partition *partitions;
    int32_t partition_count;
    int32_t topic_authorized_operations;
};

struct kafka_describe_topic_partitions_response {
    int32_t throttle_time_ms;
    struct kafka_describe_topic_partitions_topic *topics; /* by name, as the cursor needs it */
    int32_t topic_count;
    struct kafka_topic_cursor next_cursor; /* not present: this was the last page */
};

#define KAFKA_DESCRIBE_TOPIC_PARTITIONS_REQUEST_DEFAULT                                            \
    ((struct kafka_describe_topic_partitions_request){.response_partition_limit = 2000})
#define KAFKA_DESCRIBE_TOPIC_PARTITIONS_PARTITION_DEFAULT                                          \
    ((struct kafka_describe_topic_partitions_partition){.leader_epoch = -1})
#define KAFKA_DESCRIBE_TOPIC_PARTITIONS_TOPIC_DEFAULT                                              \
    ((struct kafka_describe_topic_partitions_topic){.topic_authorized_operations =                 \
                                                        KAFKA_OPERATIONS_NOT_REQUESTED})

void kafka_describe_topic_partitions_request_walk(struct wire *wire, void *body, int version);
void kafka_describe_topic_partitions_response_walk(struct wire *wire, void *body, int version);

#endif
