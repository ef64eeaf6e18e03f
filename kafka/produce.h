/* Produce (key 0), versions 0-13. Record batches stay slices here: kafka/record_batch.h opens
 * them. */
#ifndef KAFKA_PRODUCE_H
#define KAFKA_PRODUCE_H

#include "kafka/types.h"

struct kafka_produce_partition {
    int32_t index;
    struct slice records; /* nullable */
};

struct kafka_produce_topic {
    struct slice name;                  /* v0-12, empty from v13 on */
    uint8_t topic_id[KAFKA_UUID_BYTES]; /* v13+ */
    struct kafka_produce_partition *partitions;
    int32_t partition_count;
};

struct kafka_produce_request {
    struct slice transactional_id; /* v3+, nullable */
    int16_t acks;                  /* 0, 1, -1 = all */
    int32_t timeout_ms;
    struct kafka_produce_topic *topics;
    int32_t topic_count;
};

/* KIP-467: a record that caused the refusal of its batch. */
struct kafka_record_error {
    int32_t batch_index;
    struct slice batch_index_error_message; /* nullable */
};

/* KIP-951: sent with error 6, from v10 on. */
struct kafka_produce_current_leader {
    int32_t leader_id;    /* -1: unknown */
    int32_t leader_epoch; /* -1: unknown */
};

struct kafka_produce_partition_response {
    int32_t index;
    int16_t error_code;
    int64_t base_offset;
    int64_t log_append_time_ms;               /* v2+; -1: the topic has CreateTime */
    int64_t log_start_offset;                 /* v5+; -1: unknown */
    struct kafka_record_error *record_errors; /* v8+ */
    int32_t record_error_count;
    struct slice error_message;                         /* v8+, nullable */
    struct kafka_produce_current_leader current_leader; /* v10+, tagged, unless both -1 */
};

struct kafka_produce_topic_response {
    struct slice name;                  /* v0-12 */
    uint8_t topic_id[KAFKA_UUID_BYTES]; /* v13+ */
    struct kafka_produce_partition_response *partitions;
    int32_t partition_count;
};

struct kafka_produce_node_endpoint {
    int32_t node_id;
    struct slice host;
    int32_t port;
    struct slice rack; /* nullable */
};

struct kafka_produce_response {
    struct kafka_produce_topic_response *topics;
    int32_t topic_count;
    int32_t throttle_time_ms;                           /* v1+ */
    struct kafka_produce_node_endpoint *node_endpoints; /* v10+, tagged; not written when empty */
    int32_t node_endpoint_count;
};

#define KAFKA_PRODUCE_REQUEST_DEFAULT ((struct kafka_produce_request){.acks = 0})
/* The values that belong to a refusal; fill in index, error_code and, on success, base_offset. */
#define KAFKA_PRODUCE_PARTITION_RESPONSE_DEFAULT                                                   \
    ((struct kafka_produce_partition_response){.base_offset = -1,                                  \
                                               .log_append_time_ms = -1,                           \
                                               .log_start_offset = -1,                             \
                                               .current_leader = {-1, -1}})
#define KAFKA_PRODUCE_RESPONSE_DEFAULT ((struct kafka_produce_response){.throttle_time_ms = 0})

void kafka_produce_request_walk(struct wire *wire, void *body, int version);
void kafka_produce_response_walk(struct wire *wire, void *body, int version);

#endif
