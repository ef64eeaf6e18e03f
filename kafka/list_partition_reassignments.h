/* ListPartitionReassignments (key 46), version 0. */
#ifndef KAFKA_LIST_PARTITION_REASSIGNMENTS_H
#define KAFKA_LIST_PARTITION_REASSIGNMENTS_H

#include "kafka/types.h"

struct kafka_list_reassignments_topic {
    struct slice name;
    int32_t *partition_indexes;
    int32_t partition_index_count;
};

struct kafka_list_partition_reassignments_request {
    int32_t timeout_ms;
    struct kafka_list_reassignments_topic *topics; /* nullable (count -1): all */
    int32_t topic_count;
};

struct kafka_ongoing_partition_reassignment {
    int32_t partition_index;
    int32_t *replicas;
    int32_t replica_count;
    int32_t *adding_replicas;
    int32_t adding_replica_count;
    int32_t *removing_replicas;
    int32_t removing_replica_count;
};

struct kafka_ongoing_topic_reassignment {
    struct slice name;
    struct kafka_ongoing_partition_reassignment *partitions;
    int32_t partition_count;
};

struct kafka_list_partition_reassignments_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    struct slice error_message; /* nullable */
    struct kafka_ongoing_topic_reassignment *topics;
    int32_t topic_count;
};

#define KAFKA_LIST_PARTITION_REASSIGNMENTS_REQUEST_DEFAULT                                         \
    ((struct kafka_list_partition_reassignments_request){.timeout_ms = 60000, .topic_count = -1})

void kafka_list_partition_reassignments_request_walk(struct wire *wire, void *body, int version);
void kafka_list_partition_reassignments_response_walk(struct wire *wire, void *body, int version);

#endif
