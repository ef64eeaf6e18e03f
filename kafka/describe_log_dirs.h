/* DescribeLogDirs (key 35), versions 0-5. */
#ifndef KAFKA_DESCRIBE_LOG_DIRS_H
#define KAFKA_DESCRIBE_LOG_DIRS_H

#include "kafka/types.h"

struct kafka_describe_log_dirs_topic {
    struct slice topic;
    int32_t *partitions;
    int32_t partition_count;
};

struct kafka_describe_log_dirs_request {
    struct kafka_describe_log_dirs_topic *topics; /* nullable (count -1): all */
    int32_t topic_count;
};

struct kafka_describe_log_dirs_partition {
    int32_t partition_index;
    int64_t partition_size; /* bytes */
    int64_t offset_lag;
    bool is_future_key;
};

struct kafka_describe_log_dirs_topic_response {
    struct slice name;
    struct kafka_describe_log_dirs_partition *partitions;
    int32_t partition_count;
};

struct kafka_describe_log_dirs_result {
    int16_t error_code;
    struct slice log_dir; /* absolute path */
    struct kafka_describe_log_dirs_topic_response *topics;
    int32_t topic_count;
    int64_t total_bytes;  /* v4+, of the volume; -1: unknown */
    int64_t usable_bytes; /* v4+; -1: unknown */
    bool is_cordoned;     /* v5+ */
};

struct kafka_describe_log_dirs_response {
    int32_t throttle_time_ms;
    int16_t error_code; /* v3+ */
    struct kafka_describe_log_dirs_result *results;
    int32_t result_count;
};

#define KAFKA_DESCRIBE_LOG_DIRS_RESULT_DEFAULT                                                     \
    ((struct kafka_describe_log_dirs_result){.total_bytes = -1, .usable_bytes = -1})

void kafka_describe_log_dirs_request_walk(struct wire *wire, void *body, int version);
void kafka_describe_log_dirs_response_walk(struct wire *wire, void *body, int version);

#endif
