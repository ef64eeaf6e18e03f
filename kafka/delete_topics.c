#include "kafka/delete_topics.h"

static void topic_walk(struct wire *wire, struct kafka_delete_topics_topic *m)
{
    wire_enter(wire, "topics");
    kafka_nullable_string(wire, "name", &m->name);
    kafka_uuid(wire, "topic_id", m->topic_id);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_delete_topics_request_walk(struct wire *wire, void *body, int version)
{
    struct kafka_delete_topics_request *m = body;

    if (wire_decoding(wire))
        *m = (struct kafka_delete_topics_request){.timeout_ms = 0};
    if (version >= 6) {
        KAFKA_EACH (wire, "topics", i, m->topics, m->topic_count, 18)
            topic_walk(wire, &m->topics[i]);
    } else {
        KAFKA_EACH (wire, "topic_names", i, m->topics, m->topic_count, 1)
            kafka_string(wire, "topic_names", &m->topics[i].name);
    }
    wire_i32(wire, "timeout_ms", &m->timeout_ms);
    kafka_tagged_fields(wire);
}

static void response_walk(struct wire *wire, struct kafka_delete_topics_topic_response *m,
                          int version)
{
    wire_enter(wire, "responses");
    if (version >= 6) {
        kafka_nullable_string(wire, "name", &m->name);
        kafka_uuid(wire, "topic_id", m->topic_id);
    } else {
        kafka_string(wire, "name", &m->name);
    }
    wire_i16(wire, "error_code", &m->error_code);
    if (version >= 5)
        kafka_nullable_string(wire, "error_message", &m->error_message);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_delete_topics_response_walk(struct wire *wire, void *body, int version)
{
    struct kafka_delete_topics_response *m = body;

    if (wire_decoding(wire))
        *m = (struct kafka_delete_topics_response){.throttle_time_ms = 0};
    if (version >= 1)
        wire_i32(wire, "throttle_time_ms", &m->throttle_time_ms);
    KAFKA_EACH (wire, "responses", i, m->responses, m->response_count, 4)
        response_walk(wire, &m->responses[i], version);
    kafka_tagged_fields(wire);
}
