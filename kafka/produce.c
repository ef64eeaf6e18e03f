#include "kafka/produce.h"

static void request_partition_walk(struct wire *wire, struct kafka_produce_partition *m)
{
    wire_enter(wire, "partition_data");
    wire_i32(wire, "index", &m->index);
    kafka_records(wire, "records", &m->records);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void request_topic_walk(struct wire *wire, struct kafka_produce_topic *m, int version)
{
    wire_enter(wire, "topic_data");
    if (version <= 12)
        kafka_string(wire, "name", &m->name);
    else
        kafka_uuid(wire, "topic_id", m->topic_id);
    KAFKA_EACH(wire, "partition_data", i, m->partitions, m->partition_count, 5)
        request_partition_walk(wire, &m->partitions[i]);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_produce_request_walk(struct wire *wire, void *body, int version)
{
    struct kafka_produce_request *m = body;

    if (wire_decoding(wire))
        *m = KAFKA_PRODUCE_REQUEST_DEFAULT;
    if (version >= 3)
        kafka_nullable_string(wire, "transactional_id", &m->transactional_id);
    wire_i16(wire, "acks", &m->acks);
    wire_i32(wire, "timeout_ms", &m->timeout_ms);
    KAFKA_EACH(wire, "topic_data", i, m->topics, m->topic_count, 3)
        request_topic_walk(wire, &m->topics[i], version);
    kafka_tagged_fields(wire);
}

static void record_error_walk(struct wire *wire, struct kafka_record_error *m)
{
    wire_enter(wire, "record_errors");
    wire_i32(wire, "batch_index", &m->batch_index);
    kafka_nullable_string(wire, "batch_index_error_message", &m->batch_index_error_message);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void current_leader_walk(struct wire *wire, void *value, int version)
{
    struct kafka_produce_current_leader *m = value;

    (void)version;
    wire_enter(wire, "current_leader");
    wire_i32(wire, "leader_id", &m->leader_id);
    wire_i32(wire, "leader_epoch", &m->leader_epoch);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void response_partition_walk(struct wire *wire, struct kafka_produce_partition_response *m,
                                    int version)
{
    if (wire_decoding(wire))
        *m = KAFKA_PRODUCE_PARTITION_RESPONSE_DEFAULT;
    wire_enter(wire, "partition_responses");
    wire_i32(wire, "index", &m->index);
    wire_i16(wire, "error_code", &m->error_code);
    wire_i64(wire, "base_offset", &m->base_offset);
    if (version >= 2)
        wire_i64(wire, "log_append_time_ms", &m->log_append_time_ms);
    if (version >= 5)
        wire_i64(wire, "log_start_offset", &m->log_start_offset);
    if (version >= 8) {
        KAFKA_EACH(wire, "record_errors", i, m->record_errors, m->record_error_count, 5)
            record_error_walk(wire, &m->record_errors[i]);
        kafka_nullable_string(wire, "error_message", &m->error_message);
    }
    struct kafka_tag tag = {0, "current_leader", current_leader_walk, &m->current_leader,
                            m->current_leader.leader_id != -1 ||
                                m->current_leader.leader_epoch != -1};
    kafka_tagged_section(wire, &tag, version >= 10 ? 1 : 0, version);
    wire_leave(wire);
}

static void response_topic_walk(struct wire *wire, struct kafka_produce_topic_response *m,
                                int version)
{
    wire_enter(wire, "responses");
    if (version <= 12)
        kafka_string(wire, "name", &m->name);
    else
        kafka_uuid(wire, "topic_id", m->topic_id);
    KAFKA_EACH(wire, "partition_responses", i, m->partitions, m->partition_count, 14)
        response_partition_walk(wire, &m->partitions[i], version);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void node_endpoints_walk(struct wire *wire, void *value, int version)
{
    struct kafka_produce_response *m = value;

    (void)version;
    KAFKA_EACH(wire, "node_endpoints", i, m->node_endpoints, m->node_endpoint_count, 11)
    {
        struct kafka_produce_node_endpoint *node = &m->node_endpoints[i];
        wire_enter(wire, "node_endpoints");
        wire_i32(wire, "node_id", &node->node_id);
        kafka_string(wire, "host", &node->host);
        wire_i32(wire, "port", &node->port);
        kafka_nullable_string(wire, "rack", &node->rack);
        kafka_tagged_fields(wire);
        wire_leave(wire);
    }
}

void kafka_produce_response_walk(struct wire *wire, void *body, int version)
{
    struct kafka_produce_response *m = body;

    if (wire_decoding(wire))
        *m = KAFKA_PRODUCE_RESPONSE_DEFAULT;
    KAFKA_EACH(wire, "responses", i, m->topics, m->topic_count, 3)
        response_topic_walk(wire, &m->topics[i], version);
    if (version >= 1)
        wire_i32(wire, "throttle_time_ms", &m->throttle_time_ms);
    struct kafka_tag tag = {0, "node_endpoints", node_endpoints_walk, m,
                            m->node_endpoint_count > 0};
    kafka_tagged_section(wire, &tag, version >= 10 ? 1 : 0, version);
}
