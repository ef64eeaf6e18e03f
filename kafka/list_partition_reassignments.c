#include "kafka/list_partition_reassignments.h"

static void topic_walk(struct wire *wire, struct kafka_list_reassignments_topic *m)
{
    wire_enter(wire, "topics");
    kafka_string(wire, "name", &m->name);
    kafka_i32_array(wire, "partition_indexes", &m->partition_indexes, &m->partition_index_count);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_list_partition_reassignments_request_walk(struct wire *wire, void *body, int version)
{
    struct kafka_list_partition_reassignments_request *m = body;

    (void)version;
    if (wire_decoding(wire))
        *m = KAFKA_LIST_PARTITION_REASSIGNMENTS_REQUEST_DEFAULT;
    wire_i32(wire, "timeout_ms", &m->timeout_ms);
    KAFKA_EACH_NULLABLE (wire, "topics", i, m->topics, m->topic_count, 3)
        topic_walk(wire, &m->topics[i]);
    kafka_tagged_fields(wire);
}

static void partition_walk(struct wire *wire, struct kafka_ongoing_partition_reassignment *m)
{
    wire_enter(wire, "partitions");
    wire_i32(wire, "partition_index", &m->partition_index);
    kafka_i32_array(wire, "replicas", &m->replicas, &m->replica_count);
    kafka_i32_array(wire, "adding_replicas", &m->adding_replicas, &m->adding_replica_count);
    kafka_i32_array(wire, "removing_replicas", &m->removing_replicas, &m->removing_replica_count);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void topic_response_walk(struct wire *wire, struct kafka_ongoing_topic_reassignment *m)
{
    wire_enter(wire, "topics");
    kafka_string(wire, "name", &m->name);
    KAFKA_EACH (wire, "partitions", i, m->partitions, m->partition_count, 8)
        partition_walk(wire, &m->partitions[i]);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_list_partition_reassignments_response_walk(struct wire *wire, void *body, int version)
{
    struct kafka_list_partition_reassignments_response *m = body;

    (void)version;
    if (wire_decoding(wire))
        *m = (struct kafka_list_partition_reassignments_response){.throttle_time_ms = 0};
    wire_i32(wire, "throttle_time_ms", &m->throttle_time_ms);
    wire_i16(wire, "error_code", &m->error_code);
    kafka_nullable_string(wire, "error_message", &m->error_message);
    KAFKA_EACH (wire, "topics", i, m->topics, m->topic_count, 3)
        topic_response_walk(wire, &m->topics[i]);
    kafka_tagged_fields(wire);
}
