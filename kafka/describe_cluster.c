#include "kafka/describe_cluster.h"

void kafka_describe_cluster_request_walk(struct wire *wire, void *body, int version)
{
    struct kafka_describe_cluster_request *m = body;

    if (wire_decoding(wire))
        *m = KAFKA_DESCRIBE_CLUSTER_REQUEST_DEFAULT;
    wire_bool(wire, "include_cluster_authorized_operations",
              &m->include_cluster_authorized_operations);
    if (version >= 1)
        wire_i8(wire, "endpoint_type", &m->endpoint_type);
    if (version >= 2)
        wire_bool(wire, "include_fenced_brokers", &m->include_fenced_brokers);
    kafka_tagged_fields(wire);
}

static void broker_walk(struct wire *wire, struct kafka_describe_cluster_broker *m, int version)
{
    wire_enter(wire, "brokers");
    wire_i32(wire, "broker_id", &m->broker_id);
    kafka_string(wire, "host", &m->host);
    wire_i32(wire, "port", &m->port);
    kafka_nullable_string(wire, "rack", &m->rack);
    if (version >= 2)
        wire_bool(wire, "is_fenced", &m->is_fenced);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_describe_cluster_response_walk(struct wire *wire, void *body, int version)
{
    struct kafka_describe_cluster_response *m = body;

    if (wire_decoding(wire))
        *m = KAFKA_DESCRIBE_CLUSTER_RESPONSE_DEFAULT;
    wire_i32(wire, "throttle_time_ms", &m->throttle_time_ms);
    wire_i16(wire, "error_code", &m->error_code);
    kafka_nullable_string(wire, "error_message", &m->error_message);
    if (version >= 1)
        wire_i8(wire, "endpoint_type", &m->endpoint_type);
    kafka_string(wire, "cluster_id", &m->cluster_id);
    wire_i32(wire, "controller_id", &m->controller_id);
    KAFKA_EACH (wire, "brokers", i, m->brokers, m->broker_count, 11)
        broker_walk(wire, &m->brokers[i], version);
    wire_i32(wire, "cluster_authorized_operations", &m->cluster_authorized_operations);
    kafka_tagged_fields(wire);
}
