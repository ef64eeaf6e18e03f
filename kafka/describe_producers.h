/* DescribeProducers (key 61), version 0. */
#ifndef KAFKA_DESCRIBE_PRODUCERS_H
#define KAFKA_DESCRIBE_PRODUCERS_H

#include "kafka/types.h"

struct kafka_describe_producers_topic {
    struct slice name;
    int32_t *partition_indexes;
    int32_t partition_index_count;
};

struct kafka_describe_producers_request {
    struct kafka_describe_producers_topic *topics;
    int32_t topic_count;
};

struct kafka_active_producer {
    int64_t producer_id;
    int32_t producer_epoch; /* 32 bits here alone */
    int32_t last_sequence;  /* -1: none */
    int64_t last_timestamp; /* ms since 1970 when it last wrote; -1: not known */
    int32_t coordinator_epoch;
    int64_t current_txn_start_offset; /* -1: in no transaction */
};

struct kafka_describe_producers_partition {
    int32_t partition_index;
    int16_t error_code;
    struct slice error_message; /* nullable */
    struct kafka_active_producer *active_producers;
    int32_t active_producer_count;
};

struct kafka_describe_producers_topic_response {
    struct slice name;
    struct kafka_describe_producers_partition *partitions;
    int32_t partition_count;
};

struct kafka_describe_producers_response {
    int32_t throttle_time_ms;
    struct kafka_describe_producers_topic_response *topics;
    int32_t topic_count;
};

#define KAFKA_ACTIVE_PRODUCER_DEFAULT                                                              \
    ((struct kafka_active_producer){                                                               \
        .last_sequence = -1, .last_timestamp = -1, .current_txn_start_offset = -1})

void kafka_describe_producers_request_walk(struct wire *wire, void *body, int version);
void kafka_describe_producers_response_walk(struct wire *wire, void *body, int version);

#endif
