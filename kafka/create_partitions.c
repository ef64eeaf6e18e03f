#include "kafka/create_partitions.h"

static void assignment_walk(struct wire *wire, struct kafka_create_partitions_assignment *m)
{
    wire_enter(wire, "assignments");
    kafka_i32_array(wire, "broker_ids", &m->broker_ids, &m->broker_id_count);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void topic_walk(struct wire *wire, struct kafka_create_partitions_topic *m)
{
    wire_enter(wire, "topics");
    kafka_string(wire, "name", &m->name);
    wire_i32(wire, "count", &m->count);
    KAFKA_EACH_NULLABLE (wire, "assignments", i, m->assignments, m->assignment_count, 2)
        assignment_walk(wire, &m->assignments[i]);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_create_partitions_request_walk(struct wire *wire, void *body, int version)
{
    struct kafka_create_partitions_request *m = body;

    (void)version;
    if (wire_decoding(wire))
        *m = (struct kafka_create_partitions_request){.timeout_ms = 0};
    KAFKA_EACH (wire, "topics", i, m->topics, m->topic_count, 7)
        topic_walk(wire, &m->topics[i]);
    wire_i32(wire, "timeout_ms", &m->timeout_ms);
    wire_bool(wire, "validate_only", &m->validate_only);
    kafka_tagged_fields(wire);
}

static void result_walk(struct wire *wire, struct kafka_create_partitions_result *m)
{
    wire_enter(wire, "results");
    kafka_string(wire, "name", &m->name);
    wire_i16(wire, "error_code", &m->error_code);
    kafka_nullable_string(wire, "error_message", &m->error_message);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_create_partitions_response_walk(struct wire *wire, void *body, int version)
{
    struct kafka_create_partitions_response *m = body;

    (void)version;
    if (wire_decoding(wire))
        *m = (struct kafka_create_partitions_response){.throttle_time_ms = 0};
    wire_i32(wire, "throttle_time_ms", &m->throttle_time_ms);
    KAFKA_EACH (wire, "results", i, m->results, m->result_count, 5)
        result_walk(wire, &m->results[i]);
    kafka_tagged_fields(wire);
}
