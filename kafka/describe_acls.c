#include "kafka/describe_acls.h"

void kafka_describe_acls_request_walk(struct wire *wire, void *body, int version)
{
    struct kafka_describe_acls_request *m = body;

    if (wire_decoding(wire))
        *m = KAFKA_DESCRIBE_ACLS_REQUEST_DEFAULT;
    wire_i8(wire, "resource_type_filter", &m->resource_type_filter);
    kafka_nullable_string(wire, "resource_name_filter", &m->resource_name_filter);
    if (version >= 1)
        wire_i8(wire, "pattern_type_filter", &m->pattern_type_filter);
    kafka_nullable_string(wire, "principal_filter", &m->principal_filter);
    kafka_nullable_string(wire, "host_filter", &m->host_filter);
    wire_i8(wire, "operation", &m->operation);
    wire_i8(wire, "permission_type", &m->permission_type);
    kafka_tagged_fields(wire);
}

static void acl_walk(struct wire *wire, struct kafka_acl_description *m)
{
    wire_enter(wire, "acls");
    kafka_string(wire, "principal", &m->principal);
    kafka_string(wire, "host", &m->host);
    wire_i8(wire, "operation", &m->operation);
    wire_i8(wire, "permission_type", &m->permission_type);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void resource_walk(struct wire *wire, struct kafka_describe_acls_resource *m, int version)
{
    if (wire_decoding(wire))
        *m = KAFKA_DESCRIBE_ACLS_RESOURCE_DEFAULT;
    wire_enter(wire, "resources");
    wire_i8(wire, "resource_type", &m->resource_type);
    kafka_string(wire, "resource_name", &m->resource_name);
    if (version >= 1)
        wire_i8(wire, "pattern_type", &m->pattern_type);
    KAFKA_EACH (wire, "acls", i, m->acls, m->acl_count, 5)
        acl_walk(wire, &m->acls[i]);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_describe_acls_response_walk(struct wire *wire, void *body, int version)
{
    struct kafka_describe_acls_response *m = body;

    if (wire_decoding(wire))
        *m = (struct kafka_describe_acls_response){.throttle_time_ms = 0};
    wire_i32(wire, "throttle_time_ms", &m->throttle_time_ms);
    wire_i16(wire, "error_code", &m->error_code);
    kafka_nullable_string(wire, "error_message", &m->error_message);
    KAFKA_EACH (wire, "resources", i, m->resources, m->resource_count, 5)
        resource_walk(wire, &m->resources[i], version);
    kafka_tagged_fields(wire);
}
