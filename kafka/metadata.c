#include "kafka/metadata.h"

/* The name is nullable from v10 on here, in the response from v12 on. */
static void request_topic_walk(struct wire *wire, struct kafka_metadata_request_topic *m,
                               int version)
{
    wire_enter(wire, "topics");
    if (version >= 10) {
        kafka_uuid(wire, "topic_id", m->topic_id);
        kafka_nullable_string(wire, "name", &m->name);
    } else {
        kafka_string(wire, "name", &m->name);
    }
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_metadata_request_walk(struct wire *wire, void *body, int version)
{
    struct kafka_metadata_request *m = body;

    if (wire_decoding(wire))
        *m = KAFKA_METADATA_REQUEST_DEFAULT;
    KAFKA_EACH_OF(wire, "topics", i, m->topics, m->topic_count, 2, version >= 1)
        request_topic_walk(wire, &m->topics[i], version);
    if (version >= 4)
        wire_bool(wire, "allow_auto_topic_creation", &m->allow_auto_topic_creation);
    if (version >= 8 && version <= 10)
        wire_bool(wire, "include_cluster_authorized_operations",
                  &m->include_cluster_authorized_operations);
    if (version >= 8)
        wire_bool(wire, "include_topic_authorized_operations",
                  &m->include_topic_authorized_operations);
    kafka_tagged_fields(wire);
}

static void broker_walk(struct wire *wire, struct kafka_metadata_broker *m, int version)
{
    wire_enter(wire, "brokers");
    wire_i32(wire, "node_id", &m->node_id);
    kafka_string(wire, "host", &m->host);
    wire_i32(wire, "port", &m->port);
    if (version >= 1)
        kafka_nullable_string(wire, "rack", &m->rack);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void partition_walk(struct wire *wire, struct kafka_metadata_partition *m, int version)
{
    if (wire_decoding(wire))
        *m = KAFKA_METADATA_PARTITION_DEFAULT;
    wire_enter(wire, "partitions");
    wire_i16(wire, "error_code", &m->error_code);
    wire_i32(wire, "partition_index", &m->partition_index);
    wire_i32(wire, "leader_id", &m->leader_id);
    if (version >= 7)
        wire_i32(wire, "leader_epoch", &m->leader_epoch);
    kafka_i32_array(wire, "replica_nodes", &m->replica_nodes, &m->replica_node_count);
    kafka_i32_array(wire, "isr_nodes", &m->isr_nodes, &m->isr_node_count);
    if (version >= 5)
        kafka_i32_array(wire, "offline_replicas", &m->offline_replicas, &m->offline_replica_count);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void topic_walk(struct wire *wire, struct kafka_metadata_topic *m, int version)
{
    if (wire_decoding(wire))
        *m = KAFKA_METADATA_TOPIC_DEFAULT;
    wire_enter(wire, "topics");
    wire_i16(wire, "error_code", &m->error_code);
    if (version >= 12)
        kafka_nullable_string(wire, "name", &m->name);
    else
        kafka_string(wire, "name", &m->name);
    if (version >= 10)
        kafka_uuid(wire, "topic_id", m->topic_id);
    if (version >= 1)
        wire_bool(wire, "is_internal", &m->is_internal);
    KAFKA_EACH(wire, "partitions", i, m->partitions, m->partition_count, 12)
        partition_walk(wire, &m->partitions[i], version);
    if (version >= 8)
        wire_i32(wire, "topic_authorized_operations", &m->topic_authorized_operations);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_metadata_response_walk(struct wire *wire, void *body, int version)
{
    struct kafka_metadata_response *m = body;

    if (wire_decoding(wire))
        *m = KAFKA_METADATA_RESPONSE_DEFAULT;
    if (version >= 3)
        wire_i32(wire, "throttle_time_ms", &m->throttle_time_ms);
    KAFKA_EACH(wire, "brokers", i, m->brokers, m->broker_count, 10)
        broker_walk(wire, &m->brokers[i], version);
    if (version >= 2)
        kafka_nullable_string(wire, "cluster_id", &m->cluster_id);
    if (version >= 1)
        wire_i32(wire, "controller_id", &m->controller_id);
    KAFKA_EACH(wire, "topics", i, m->topics, m->topic_count, 5)
        topic_walk(wire, &m->topics[i], version);
    if (version >= 8 && version <= 10)
        wire_i32(wire, "cluster_authorized_operations", &m->cluster_authorized_operations);
    if (version >= 13)
        wire_i16(wire, "error_code", &m->error_code);
    kafka_tagged_fields(wire);
}
