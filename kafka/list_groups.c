#include "kafka/list_groups.h"

void kafka_list_groups_request_walk(struct wire *wire, void *body, int version)
{
    struct kafka_list_groups_request *m = body;

    if (wire_decoding(wire))
        *m = (struct kafka_list_groups_request){.states_filter_count = 0};
    if (version >= 4)
        kafka_string_array(wire, "states_filter", &m->states_filter, &m->states_filter_count);
    if (version >= 5)
        kafka_string_array(wire, "types_filter", &m->types_filter, &m->types_filter_count);
    kafka_tagged_fields(wire);
}

static void group_walk(struct wire *wire, struct kafka_listed_group *m, int version)
{
    wire_enter(wire, "groups");
    kafka_string(wire, "group_id", &m->group_id);
    kafka_string(wire, "protocol_type", &m->protocol_type);
    if (version >= 4)
        kafka_string(wire, "group_state", &m->group_state);
    if (version >= 5)
        kafka_string(wire, "group_type", &m->group_type);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_list_groups_response_walk(struct wire *wire, void *body, int version)
{
    struct kafka_list_groups_response *m = body;

    if (wire_decoding(wire))
        *m = (struct kafka_list_groups_response){.throttle_time_ms = 0};
    if (version >= 1)
        wire_i32(wire, "throttle_time_ms", &m->throttle_time_ms);
    wire_i16(wire, "error_code", &m->error_code);
    KAFKA_EACH (wire, "groups", i, m->groups, m->group_count, 3)
        group_walk(wire, &m->groups[i], version);
    kafka_tagged_fields(wire);
}
