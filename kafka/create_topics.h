/* CreateTopics (key 19), versions 0-7. Old admin clients ask with 0 (Sarama, kafkajs, Java 0.11).
 */
#ifndef KAFKA_CREATE_TOPICS_H
#define KAFKA_CREATE_TOPICS_H

#include "kafka/types.h"

#define KAFKA_CREATE_TOPICS_BROKER_DEFAULT (-1) /* num_partitions, replication_factor: v4+ */

struct kafka_create_topics_assignment {
    int32_t partition_index;
    int32_t *broker_ids;
    int32_t broker_id_count;
};

struct kafka_create_topics_config {
    struct slice name;
    struct slice value; /* nullable */
};

struct kafka_create_topics_topic {
    struct slice name;
    int32_t num_partitions;     /* -1: the broker's default, or as many as assignments */
    int16_t replication_factor; /* -1 likewise */
    struct kafka_create_topics_assignment *assignments;
    int32_t assignment_count;
    struct kafka_create_topics_config *configs;
    int32_t config_count;
};

struct kafka_create_topics_request {
    struct kafka_create_topics_topic *topics;
    int32_t topic_count;
    int32_t timeout_ms;
    bool validate_only; /* v1+ */
};

struct kafka_create_topics_config_response {
    struct slice name;
    struct slice value; /* nullable */
    bool read_only;
    int8_t config_source; /* enum kafka_config_source, -1: unknown */
    bool is_sensitive;
};

struct kafka_create_topics_topic_response {
    struct slice name;
    uint8_t topic_id[KAFKA_UUID_BYTES]; /* v7+ */
    int16_t error_code;
    struct slice error_message;      /* v1+, nullable */
    int16_t topic_config_error_code; /* v5+, tagged: 29 when configs must not be seen */
    int32_t num_partitions;          /* v5+, -1: unknown, as with an error */
    int16_t replication_factor;      /* v5+, -1: unknown */
    struct kafka_create_topics_config_response *configs; /* v5+, nullable */
    int32_t config_count;
};

struct kafka_create_topics_response {
    int32_t throttle_time_ms; /* v2+ */
    struct kafka_create_topics_topic_response *topics;
    int32_t topic_count;
};

#define KAFKA_CREATE_TOPICS_REQUEST_DEFAULT                                                        \
    ((struct kafka_create_topics_request){.timeout_ms = 60000})
/* The values that belong to an error answer; fill in name, error_code and error_message. */
#define KAFKA_CREATE_TOPICS_TOPIC_RESPONSE_DEFAULT                                                 \
    ((struct kafka_create_topics_topic_response){                                                  \
        .num_partitions = -1, .replication_factor = -1, .config_count = -1})

void kafka_create_topics_request_walk(struct wire *wire, void *body, int version);
void kafka_create_topics_response_walk(struct wire *wire, void *body, int version);

#endif
