/* ListOffsets (key 2), versions 0-11. Version 0 answers with a list of offsets, the newest first.
 */
#ifndef KAFKA_LIST_OFFSETS_H
#define KAFKA_LIST_OFFSETS_H

#include "kafka/types.h"

/* Values of `timestamp` that are no time. */
enum kafka_list_offsets_timestamp {
    KAFKA_OFFSET_LATEST = -1,                  /* the offset that the next record will get */
    KAFKA_OFFSET_EARLIEST = -2,                /* of the oldest record that is left */
    KAFKA_OFFSET_MAX_TIMESTAMP = -3,           /* v7+: of the record with the largest timestamp */
    KAFKA_OFFSET_EARLIEST_LOCAL = -4,          /* v8+: not in tiered storage */
    KAFKA_OFFSET_LATEST_TIERED = -5,           /* v9+: the newest in tiered storage */
    KAFKA_OFFSET_EARLIEST_PENDING_UPLOAD = -6, /* v11+: the oldest not in tiered storage yet */
};

struct kafka_list_offsets_partition {
    int32_t partition_index;
    int32_t current_leader_epoch; /* v4+, -1: not known, and before */
    int64_t timestamp;            /* ms, or enum kafka_list_offsets_timestamp */
    int32_t max_num_offsets;      /* v0 only, 1 after */
};

struct kafka_list_offsets_topic {
    struct slice name;
    struct kafka_list_offsets_partition *partitions;
    int32_t partition_count;
};

struct kafka_list_offsets_request {
    int32_t replica_id;     /* -1: a client */
    int8_t isolation_level; /* v2+; 0: read uncommitted, 1: read committed */
    struct kafka_list_offsets_topic *topics;
    int32_t topic_count;
    int32_t timeout_ms; /* v10+, for answers from tiered storage */
};

struct kafka_list_offsets_partition_response {
    int32_t partition_index;
    int16_t error_code;
    int64_t *old_style_offsets; /* v0 only */
    int32_t old_style_offset_count;
    int64_t timestamp;    /* v1+, of the record found; -1: none was, or a special one was asked */
    int64_t offset;       /* v1+, -1: there is none */
    int32_t leader_epoch; /* v4+, -1: not known */
};

struct kafka_list_offsets_topic_response {
    struct slice name;
    struct kafka_list_offsets_partition_response *partitions;
    int32_t partition_count;
};

struct kafka_list_offsets_response {
    int32_t throttle_time_ms; /* v2+ */
    struct kafka_list_offsets_topic_response *topics;
    int32_t topic_count;
};

#define KAFKA_LIST_OFFSETS_PARTITION_DEFAULT                                                       \
    ((struct kafka_list_offsets_partition){.current_leader_epoch = -1, .max_num_offsets = 1})
/* The values that belong to an error answer; fill in partition_index and error_code. */
#define KAFKA_LIST_OFFSETS_PARTITION_RESPONSE_DEFAULT                                              \
    ((struct kafka_list_offsets_partition_response){                                               \
        .timestamp = -1, .offset = -1, .leader_epoch = -1})

void kafka_list_offsets_request_walk(struct wire *wire, void *body, int version);
void kafka_list_offsets_response_walk(struct wire *wire, void *body, int version);

#endif
