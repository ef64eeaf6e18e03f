#include "kafka/find_coordinator.h"

#include "kafka/types.h"

void kafka_find_coordinator_request_walk(struct wire *wire, void *body, int version)
{
    struct kafka_find_coordinator_request *m = body;

    if (wire_decoding(wire))
        *m = KAFKA_FIND_COORDINATOR_REQUEST_DEFAULT;
    if (version <= 3)
        kafka_string(wire, "key", &m->key);
    if (version >= 1)
        wire_i8(wire, "key_type", &m->key_type);
    if (version >= 4)
        kafka_string_array(wire, "coordinator_keys", &m->coordinator_keys,
                           &m->coordinator_key_count);
    kafka_tagged_fields(wire);
}

static void coordinator_walk(struct wire *wire, struct kafka_coordinator *m)
{
    wire_enter(wire, "coordinators");
    kafka_string(wire, "key", &m->key);
    wire_i32(wire, "node_id", &m->node_id);
    kafka_string(wire, "host", &m->host);
    wire_i32(wire, "port", &m->port);
    wire_i16(wire, "error_code", &m->error_code);
    kafka_nullable_string(wire, "error_message", &m->error_message);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_find_coordinator_response_walk(struct wire *wire, void *body, int version)
{
    struct kafka_find_coordinator_response *m = body;

    if (wire_decoding(wire))
        *m = KAFKA_FIND_COORDINATOR_RESPONSE_DEFAULT;
    if (version >= 1)
        wire_i32(wire, "throttle_time_ms", &m->throttle_time_ms);
    if (version <= 3) {
        wire_i16(wire, "error_code", &m->error_code);
        if (version >= 1)
            kafka_nullable_string(wire, "error_message", &m->error_message);
        wire_i32(wire, "node_id", &m->node_id);
        kafka_string(wire, "host", &m->host);
        wire_i32(wire, "port", &m->port);
    } else {
        KAFKA_EACH(wire, "coordinators", i, m->coordinators, m->coordinator_count, 14)
            coordinator_walk(wire, &m->coordinators[i]);
    }
    kafka_tagged_fields(wire);
}
