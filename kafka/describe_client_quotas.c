#include "kafka/describe_client_quotas.h"

static void component_walk(struct wire *wire, struct kafka_quota_component *m)
{
    wire_enter(wire, "components");
    kafka_string(wire, "entity_type", &m->entity_type);
    wire_i8(wire, "match_type", &m->match_type);
    kafka_nullable_string(wire, "match", &m->match);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_describe_client_quotas_request_walk(struct wire *wire, void *body, int version)
{
    struct kafka_describe_client_quotas_request *m = body;

    (void)version;
    if (wire_decoding(wire))
        *m = (struct kafka_describe_client_quotas_request){.strict = false};
    KAFKA_EACH (wire, "components", i, m->components, m->component_count, 4)
        component_walk(wire, &m->components[i]);
    wire_bool(wire, "strict", &m->strict);
    kafka_tagged_fields(wire);
}

static void entity_walk(struct wire *wire, struct kafka_quota_entity *m)
{
    wire_enter(wire, "entity");
    kafka_string(wire, "entity_type", &m->entity_type);
    kafka_nullable_string(wire, "entity_name", &m->entity_name);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void value_walk(struct wire *wire, struct kafka_quota_value *m)
{
    wire_enter(wire, "values");
    kafka_string(wire, "key", &m->key);
    wire_f64(wire, "value", &m->value);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void entry_walk(struct wire *wire, struct kafka_quota_entry *m)
{
    wire_enter(wire, "entries");
    KAFKA_EACH (wire, "entity", i, m->entity, m->entity_count, 3)
        entity_walk(wire, &m->entity[i]);
    KAFKA_EACH (wire, "values", i, m->values, m->value_count, 10)
        value_walk(wire, &m->values[i]);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_describe_client_quotas_response_walk(struct wire *wire, void *body, int version)
{
    struct kafka_describe_client_quotas_response *m = body;

    (void)version;
    if (wire_decoding(wire))
        *m = (struct kafka_describe_client_quotas_response){.throttle_time_ms = 0};
    wire_i32(wire, "throttle_time_ms", &m->throttle_time_ms);
    wire_i16(wire, "error_code", &m->error_code);
    kafka_nullable_string(wire, "error_message", &m->error_message);
    KAFKA_EACH_NULLABLE (wire, "entries", i, m->entries, m->entry_count, 3)
        entry_walk(wire, &m->entries[i]);
    kafka_tagged_fields(wire);
}
