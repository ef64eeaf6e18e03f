/* CreatePartitions (key 37), versions 0-3. */
#ifndef KAFKA_CREATE_PARTITIONS_H
#define KAFKA_CREATE_PARTITIONS_H

#include "kafka/types.h"

struct kafka_create_partitions_assignment {
    int32_t *broker_ids;
    int32_t broker_id_count;
};

struct kafka_create_partitions_topic {
    struct slice name;
    int32_t count;                                          /* how many there shall be in all */
    struct kafka_create_partitions_assignment *assignments; /* of the new ones; nullable */
    int32_t assignment_count;
};

struct kafka_create_partitions_request {
    struct kafka_create_partitions_topic *topics;
    int32_t topic_count;
    int32_t timeout_ms;
    bool validate_only;
};

struct kafka_create_partitions_result {
    struct slice name;
    int16_t error_code;
    struct slice error_message; /* nullable */
};

struct kafka_create_partitions_response {
    int32_t throttle_time_ms;
    struct kafka_create_partitions_result *results;
    int32_t result_count;
};

void kafka_create_partitions_request_walk(struct wire *wire, void *body, int version);
void kafka_create_partitions_response_walk(struct wire *wire, void *body, int version);

#endif
