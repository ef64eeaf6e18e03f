/* DeleteTopics (key 20), versions 0-6. */
#ifndef KAFKA_DELETE_TOPICS_H
#define KAFKA_DELETE_TOPICS_H

#include "kafka/types.h"

struct kafka_delete_topics_topic {
    struct slice name;                  /* null from v6 on: by id */
    uint8_t topic_id[KAFKA_UUID_BYTES]; /* v6+; zero: by name */
};

struct kafka_delete_topics_request {
    struct kafka_delete_topics_topic *topics; /* a list of names on the wire until v5 */
    int32_t topic_count;
    int32_t timeout_ms;
};

struct kafka_delete_topics_topic_response {
    struct slice name;                  /* nullable from v6 on: an unknown id */
    uint8_t topic_id[KAFKA_UUID_BYTES]; /* v6+ */
    int16_t error_code;
    struct slice error_message; /* v5+, nullable */
};

struct kafka_delete_topics_response {
    int32_t throttle_time_ms; /* v1+ */
    struct kafka_delete_topics_topic_response *responses;
    int32_t response_count;
};

void kafka_delete_topics_request_walk(struct wire *wire, void *body, int version);
void kafka_delete_topics_response_walk(struct wire *wire, void *body, int version);

#endif
