#include "kafka/alter_configs.h"

static void config_walk(struct wire *wire, struct kafka_alter_configs_config *m, bool incremental)
{
    wire_enter(wire, "configs");
    kafka_string(wire, "name", &m->name);
    if (incremental)
        wire_i8(wire, "config_operation", &m->config_operation);
    kafka_nullable_string(wire, "value", &m->value);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void resource_walk(struct wire *wire, struct kafka_alter_configs_resource *m,
                          bool incremental)
{
    wire_enter(wire, "resources");
    wire_i8(wire, "resource_type", &m->resource_type);
    kafka_string(wire, "resource_name", &m->resource_name);
    KAFKA_EACH (wire, "configs", i, m->configs, m->config_count, 3)
        config_walk(wire, &m->configs[i], incremental);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void request_walk(struct wire *wire, struct kafka_alter_configs_request *m, bool incremental)
{
    if (wire_decoding(wire))
        *m = (struct kafka_alter_configs_request){.validate_only = false};
    KAFKA_EACH (wire, "resources", i, m->resources, m->resource_count, 4)
        resource_walk(wire, &m->resources[i], incremental);
    wire_bool(wire, "validate_only", &m->validate_only);
    kafka_tagged_fields(wire);
}

void kafka_alter_configs_request_walk(struct wire *wire, void *body, int version)
{
    (void)version;
    request_walk(wire, body, false);
}

void kafka_incremental_alter_configs_request_walk(struct wire *wire, void *body, int version)
{
    (void)version;
    request_walk(wire, body, true);
}

static void response_walk(struct wire *wire, struct kafka_alter_configs_resource_response *m)
{
    wire_enter(wire, "responses");
    wire_i16(wire, "error_code", &m->error_code);
    kafka_nullable_string(wire, "error_message", &m->error_message);
    wire_i8(wire, "resource_type", &m->resource_type);
    kafka_string(wire, "resource_name", &m->resource_name);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_alter_configs_response_walk(struct wire *wire, void *body, int version)
{
    struct kafka_alter_configs_response *m = body;

    (void)version;
    if (wire_decoding(wire))
        *m = (struct kafka_alter_configs_response){.throttle_time_ms = 0};
    wire_i32(wire, "throttle_time_ms", &m->throttle_time_ms);
    KAFKA_EACH (wire, "responses", i, m->responses, m->response_count, 6)
        response_walk(wire, &m->responses[i]);
    kafka_tagged_fields(wire);
}
