/* DeleteRecords (key 21), versions 0-2. */
#ifndef KAFKA_DELETE_RECORDS_H
#define KAFKA_DELETE_RECORDS_H

#include "kafka/types.h"

struct kafka_delete_records_partition {
    int32_t partition_index;
    int64_t offset; /* records before it go; -1: all that there are now */
};

struct kafka_delete_records_topic {
    struct slice name;
    struct kafka_delete_records_partition *partitions;
    int32_t partition_count;
};

struct kafka_delete_records_request {
    struct kafka_delete_records_topic *topics;
    int32_t topic_count;
    int32_t timeout_ms;
};

struct kafka_delete_records_partition_response {
    int32_t partition_index;
    int64_t low_watermark; /* the oldest offset that is left; -1 with an error */
    int16_t error_code;
};

struct kafka_delete_records_topic_response {
    struct slice name;
    struct kafka_delete_records_partition_response *partitions;
    int32_t partition_count;
};

struct kafka_delete_records_response {
    int32_t throttle_time_ms;
    struct kafka_delete_records_topic_response *topics;
    int32_t topic_count;
};

void kafka_delete_records_request_walk(struct wire *wire, void *body, int version);
void kafka_delete_records_response_walk(struct wire *wire, void *body, int version);

#endif
