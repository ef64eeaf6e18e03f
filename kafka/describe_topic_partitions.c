#include "kafka/describe_topic_partitions.h"

static void cursor_walk(struct wire *wire, const char *field, struct kafka_topic_cursor *m)
{
    if (!kafka_nullable_struct(wire, field, &m->present))
        return;
    wire_enter(wire, field);
    kafka_string(wire, "topic_name", &m->topic_name);
    wire_i32(wire, "partition_index", &m->partition_index);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_describe_topic_partitions_request_walk(struct wire *wire, void *body, int version)
{
    struct kafka_describe_topic_partitions_request *m = body;

    (void)version;
    if (wire_decoding(wire))
        *m = KAFKA_DESCRIBE_TOPIC_PARTITIONS_REQUEST_DEFAULT;
    KAFKA_EACH (wire, "topics", i, m->topics, m->topic_count, 2) {
        wire_enter(wire, "topics");
        kafka_string(wire, "name", &m->topics[i]);
        kafka_tagged_fields(wire);
        wire_leave(wire);
    }
    wire_i32(wire, "response_partition_limit", &m->response_partition_limit);
    cursor_walk(wire, "cursor", &m->cursor);
    kafka_tagged_fields(wire);
}

static void nullable_i32_array(struct wire *wire, const char *field, int32_t **items,
                               int32_t *count)
{
    KAFKA_EACH_NULLABLE (wire, field, i, *items, *count, sizeof(int32_t))
        wire_i32(wire, field, &(*items)[i]);
}

static void partition_walk(struct wire *wire, struct kafka_describe_topic_partitions_partition *m)
{
    if (wire_decoding(wire))
        *m = KAFKA_DESCRIBE_TOPIC_PARTITIONS_PARTITION_DEFAULT;
    wire_enter(wire, "partitions");
    wire_i16(wire, "error_code", &m->error_code);
    wire_i32(wire, "partition_index", &m->partition_index);
    wire_i32(wire, "leader_id", &m->leader_id);
    wire_i32(wire, "leader_epoch", &m->leader_epoch);
    kafka_i32_array(wire, "replica_nodes", &m->replica_nodes, &m->replica_node_count);
    kafka_i32_array(wire, "isr_nodes", &m->isr_nodes, &m->isr_node_count);
    nullable_i32_array(wire, "eligible_leader_replicas", &m->eligible_leader_replicas,
                       &m->eligible_leader_replica_count);
    nullable_i32_array(wire, "last_known_elr", &m->last_known_elr, &m->last_known_elr_count);
    kafka_i32_array(wire, "offline_replicas", &m->offline_replicas, &m->offline_replica_count);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void topic_walk(struct wire *wire, struct kafka_describe_topic_partitions_topic *m)
{
    if (wire_decoding(wire))
        *m = KAFKA_DESCRIBE_TOPIC_PARTITIONS_TOPIC_DEFAULT;
    wire_enter(wire, "topics");
    wire_i16(wire, "error_code", &m->error_code);
    kafka_nullable_string(wire, "name", &m->name);
    kafka_uuid(wire, "topic_id", m->topic_id);
    wire_bool(wire, "is_internal", &m->is_internal);
    KAFKA_EACH (wire, "partitions", i, m->partitions, m->partition_count, 20)
        partition_walk(wire, &m->partitions[i]);
    wire_i32(wire, "topic_authorized_operations", &m->topic_authorized_operations);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_describe_topic_partitions_response_walk(struct wire *wire, void *body, int version)
{
    struct kafka_describe_topic_partitions_response *m = body;

    (void)version;
    if (wire_decoding(wire))
        *m = (struct kafka_describe_topic_partitions_response){.throttle_time_ms = 0};
    wire_i32(wire, "throttle_time_ms", &m->throttle_time_ms);
    KAFKA_EACH (wire, "topics", i, m->topics, m->topic_count, 26)
        topic_walk(wire, &m->topics[i]);
    cursor_walk(wire, "next_cursor", &m->next_cursor);
    kafka_tagged_fields(wire);
}
