#include "kafka/create_topics.h"

static void assignment_walk(struct wire *wire, struct kafka_create_topics_assignment *m)
{
    wire_enter(wire, "assignments");
    wire_i32(wire, "partition_index", &m->partition_index);
    kafka_i32_array(wire, "broker_ids", &m->broker_ids, &m->broker_id_count);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void config_walk(struct wire *wire, struct kafka_create_topics_config *m)
{
    wire_enter(wire, "configs");
    kafka_string(wire, "name", &m->name);
    kafka_nullable_string(wire, "value", &m->value);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void topic_walk(struct wire *wire, struct kafka_create_topics_topic *m)
{
    wire_enter(wire, "topics");
    kafka_string(wire, "name", &m->name);
    wire_i32(wire, "num_partitions", &m->num_partitions);
    wire_i16(wire, "replication_factor", &m->replication_factor);
    KAFKA_EACH (wire, "assignments", i, m->assignments, m->assignment_count, 6)
        assignment_walk(wire, &m->assignments[i]);
    KAFKA_EACH (wire, "configs", i, m->configs, m->config_count, 3)
        config_walk(wire, &m->configs[i]);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_create_topics_request_walk(struct wire *wire, void *body, int version)
{
    struct kafka_create_topics_request *m = body;

    if (wire_decoding(wire))
        *m = KAFKA_CREATE_TOPICS_REQUEST_DEFAULT;
    KAFKA_EACH (wire, "topics", i, m->topics, m->topic_count, 10)
        topic_walk(wire, &m->topics[i]);
    wire_i32(wire, "timeout_ms", &m->timeout_ms);
    if (version >= 1)
        wire_bool(wire, "validate_only", &m->validate_only);
    kafka_tagged_fields(wire);
}

static void config_response_walk(struct wire *wire, struct kafka_create_topics_config_response *m)
{
    wire_enter(wire, "configs");
    kafka_string(wire, "name", &m->name);
    kafka_nullable_string(wire, "value", &m->value);
    wire_bool(wire, "read_only", &m->read_only);
    wire_i8(wire, "config_source", &m->config_source);
    wire_bool(wire, "is_sensitive", &m->is_sensitive);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void topic_config_error_code_walk(struct wire *wire, void *value, int version)
{
    (void)version;
    wire_i16(wire, "topic_config_error_code", value);
}

static void topic_response_walk(struct wire *wire, struct kafka_create_topics_topic_response *m,
                                int version)
{
    if (wire_decoding(wire))
        *m = KAFKA_CREATE_TOPICS_TOPIC_RESPONSE_DEFAULT;
    wire_enter(wire, "topics");
    kafka_string(wire, "name", &m->name);
    if (version >= 7)
        kafka_uuid(wire, "topic_id", m->topic_id);
    wire_i16(wire, "error_code", &m->error_code);
    if (version >= 1)
        kafka_nullable_string(wire, "error_message", &m->error_message);
    if (version >= 5) {
        wire_i32(wire, "num_partitions", &m->num_partitions);
        wire_i16(wire, "replication_factor", &m->replication_factor);
        KAFKA_EACH_NULLABLE (wire, "configs", i, m->configs, m->config_count, 6)
            config_response_walk(wire, &m->configs[i]);
    }
    struct kafka_tag tag = {0, "topic_config_error_code", topic_config_error_code_walk,
                            &m->topic_config_error_code, m->topic_config_error_code != 0};
    kafka_tagged_section(wire, &tag, 1, version);
    wire_leave(wire);
}

void kafka_create_topics_response_walk(struct wire *wire, void *body, int version)
{
    struct kafka_create_topics_response *m = body;

    if (wire_decoding(wire))
        *m = (struct kafka_create_topics_response){.throttle_time_ms = 0};
    if (version >= 2)
        wire_i32(wire, "throttle_time_ms", &m->throttle_time_ms);
    KAFKA_EACH (wire, "topics", i, m->topics, m->topic_count, 4)
        topic_response_walk(wire, &m->topics[i], version);
    kafka_tagged_fields(wire);
}
