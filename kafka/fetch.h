/*
 * Fetch (key 1), versions 0-12. Decoded so that it can be answered with an error per partition:
 * librdkafka derives its producer features from the advertised range, which must contain 4 and 10.
 */
#ifndef KAFKA_FETCH_H
#define KAFKA_FETCH_H

#include "proto/wire.h"

struct kafka_fetch_partition {
    int32_t partition;
    int32_t current_leader_epoch; /* v9+, -1 before */
    int64_t fetch_offset;
    int32_t last_fetched_epoch; /* v12+, -1 before */
    int64_t log_start_offset;   /* v5+, -1 before; sent by followers */
    int32_t partition_max_bytes;
};

struct kafka_fetch_topic {
    struct slice topic;
    struct kafka_fetch_partition *partitions;
    int32_t partition_count;
};

struct kafka_forgotten_topic {
    struct slice topic;
    int32_t *partitions;
    int32_t partition_count;
};

struct kafka_fetch_request {
    int32_t replica_id; /* -1: a consumer */
    int32_t max_wait_ms;
    int32_t min_bytes;
    int32_t max_bytes;      /* v3+, INT32_MAX before */
    int8_t isolation_level; /* v4+ */
    int32_t session_id;     /* v7+ */
    int32_t session_epoch;  /* v7+, -1 before: no session */
    struct kafka_fetch_topic *topics;
    int32_t topic_count;
    struct kafka_forgotten_topic *forgotten_topics_data; /* v7+ */
    int32_t forgotten_topic_count;
    struct slice rack_id;    /* v11+, empty before */
    struct slice cluster_id; /* v12+, tagged, null when absent */
};

struct kafka_aborted_transaction {
    int64_t producer_id;
    int64_t first_offset;
};

struct kafka_fetch_epoch_end_offset {
    int32_t epoch;
    int64_t end_offset;
};

struct kafka_fetch_leader {
    int32_t leader_id;
    int32_t leader_epoch;
};

struct kafka_fetch_snapshot {
    int64_t end_offset;
    int32_t epoch;
};

struct kafka_fetch_partition_response {
    int32_t partition_index;
    int16_t error_code;
    int64_t high_watermark;
    int64_t last_stable_offset;                             /* v4+, -1 before */
    int64_t log_start_offset;                               /* v5+, -1 before */
    struct kafka_aborted_transaction *aborted_transactions; /* v4+, nullable */
    int32_t aborted_transaction_count;
    int32_t preferred_read_replica;                      /* v11+, -1 before */
    struct slice records;                                /* nullable */
    struct kafka_fetch_epoch_end_offset diverging_epoch; /* v12+, tagged; these three */
    struct kafka_fetch_leader current_leader;            /*   are not written when all */
    struct kafka_fetch_snapshot snapshot_id;             /*   members are -1 */
};

struct kafka_fetch_topic_response {
    struct slice topic;
    struct kafka_fetch_partition_response *partitions;
    int32_t partition_count;
};

struct kafka_fetch_response {
    int32_t throttle_time_ms; /* v1+ */
    int16_t error_code;       /* v7+ */
    int32_t session_id;       /* v7+ */
    struct kafka_fetch_topic_response *responses;
    int32_t response_count;
};

#define KAFKA_FETCH_PARTITION_DEFAULT                                                              \
    ((struct kafka_fetch_partition){                                                               \
        .current_leader_epoch = -1, .last_fetched_epoch = -1, .log_start_offset = -1})
#define KAFKA_FETCH_REQUEST_DEFAULT                                                                \
    ((struct kafka_fetch_request){.replica_id = -1,                                                \
                                  .max_bytes = INT32_MAX,                                          \
                                  .session_epoch = -1,                                             \
                                  .rack_id = SLICE_LITERAL("")})
/* The values that belong to an error answer; fill in partition_index and error_code. */
#define KAFKA_FETCH_PARTITION_RESPONSE_DEFAULT                                                     \
    ((struct kafka_fetch_partition_response){.high_watermark = -1,                                 \
                                             .last_stable_offset = -1,                             \
                                             .log_start_offset = -1,                               \
                                             .aborted_transaction_count = -1,                      \
                                             .preferred_read_replica = -1,                         \
                                             .records = SLICE_LITERAL(""),                         \
                                             .diverging_epoch = {-1, -1},                          \
                                             .current_leader = {-1, -1},                           \
                                             .snapshot_id = {-1, -1}})
#define KAFKA_FETCH_RESPONSE_DEFAULT ((struct kafka_fetch_response){.throttle_time_ms = 0})

void kafka_fetch_request_walk(struct wire *wire, void *body, int version);
void kafka_fetch_response_walk(struct wire *wire, void *body, int version);

#endif
