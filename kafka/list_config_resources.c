#include "kafka/list_config_resources.h"

void kafka_list_config_resources_request_walk(struct wire *wire, void *body, int version)
{
    struct kafka_list_config_resources_request *m = body;

    if (wire_decoding(wire))
        *m = (struct kafka_list_config_resources_request){.resource_type_count = 0};
    if (version >= 1) {
        KAFKA_EACH (wire, "resource_types", i, m->resource_types, m->resource_type_count, 1)
            wire_i8(wire, "resource_types", &m->resource_types[i]);
    }
    kafka_tagged_fields(wire);
}

static void resource_walk(struct wire *wire, struct kafka_listed_config_resource *m, int version)
{
    if (wire_decoding(wire))
        *m = KAFKA_LISTED_CONFIG_RESOURCE_DEFAULT;
    wire_enter(wire, "config_resources");
    kafka_string(wire, "resource_name", &m->resource_name);
    if (version >= 1)
        wire_i8(wire, "resource_type", &m->resource_type);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_list_config_resources_response_walk(struct wire *wire, void *body, int version)
{
    struct kafka_list_config_resources_response *m = body;

    if (wire_decoding(wire))
        *m = (struct kafka_list_config_resources_response){.throttle_time_ms = 0};
    wire_i32(wire, "throttle_time_ms", &m->throttle_time_ms);
    wire_i16(wire, "error_code", &m->error_code);
    KAFKA_EACH (wire, "config_resources", i, m->config_resources, m->config_resource_count, 2)
        resource_walk(wire, &m->config_resources[i], version);
    kafka_tagged_fields(wire);
}
