#include "kafka/describe_groups.h"

void kafka_describe_groups_request_walk(struct wire *wire, void *body, int version)
{
    struct kafka_describe_groups_request *m = body;

    if (wire_decoding(wire))
        *m = (struct kafka_describe_groups_request){.group_count = 0};
    kafka_string_array(wire, "groups", &m->groups, &m->group_count);
    if (version >= 3)
        wire_bool(wire, "include_authorized_operations", &m->include_authorized_operations);
    kafka_tagged_fields(wire);
}

static void member_walk(struct wire *wire, struct kafka_described_member *m, int version)
{
    wire_enter(wire, "members");
    kafka_string(wire, "member_id", &m->member_id);
    if (version >= 4)
        kafka_nullable_string(wire, "group_instance_id", &m->group_instance_id);
    kafka_string(wire, "client_id", &m->client_id);
    kafka_string(wire, "client_host", &m->client_host);
    kafka_bytes(wire, "member_metadata", &m->member_metadata);
    kafka_bytes(wire, "member_assignment", &m->member_assignment);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void group_walk(struct wire *wire, struct kafka_described_group *m, int version)
{
    if (wire_decoding(wire))
        *m = KAFKA_DESCRIBED_GROUP_DEFAULT;
    wire_enter(wire, "groups");
    wire_i16(wire, "error_code", &m->error_code);
    if (version >= 6)
        kafka_nullable_string(wire, "error_message", &m->error_message);
    kafka_string(wire, "group_id", &m->group_id);
    kafka_string(wire, "group_state", &m->group_state);
    kafka_string(wire, "protocol_type", &m->protocol_type);
    kafka_string(wire, "protocol_data", &m->protocol_data);
    KAFKA_EACH (wire, "members", i, m->members, m->member_count, 7)
        member_walk(wire, &m->members[i], version);
    if (version >= 3)
        wire_i32(wire, "authorized_operations", &m->authorized_operations);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_describe_groups_response_walk(struct wire *wire, void *body, int version)
{
    struct kafka_describe_groups_response *m = body;

    if (wire_decoding(wire))
        *m = (struct kafka_describe_groups_response){.throttle_time_ms = 0};
    if (version >= 1)
        wire_i32(wire, "throttle_time_ms", &m->throttle_time_ms);
    KAFKA_EACH (wire, "groups", i, m->groups, m->group_count, 12)
        group_walk(wire, &m->groups[i], version);
    kafka_tagged_fields(wire);
}
