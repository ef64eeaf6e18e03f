#include "kafka/describe_configs.h"

static void resource_walk(struct wire *wire, struct kafka_describe_configs_resource *m)
{
    wire_enter(wire, "resources");
    wire_i8(wire, "resource_type", &m->resource_type);
    kafka_string(wire, "resource_name", &m->resource_name);
    KAFKA_EACH_NULLABLE (wire, "configuration_keys", i, m->configuration_keys,
                         m->configuration_key_count, 1)
        kafka_string(wire, "configuration_keys", &m->configuration_keys[i]);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_describe_configs_request_walk(struct wire *wire, void *body, int version)
{
    struct kafka_describe_configs_request *m = body;

    if (wire_decoding(wire))
        *m = (struct kafka_describe_configs_request){.include_synonyms = false};
    KAFKA_EACH (wire, "resources", i, m->resources, m->resource_count, 4)
        resource_walk(wire, &m->resources[i]);
    if (version >= 1)
        wire_bool(wire, "include_synonyms", &m->include_synonyms);
    if (version >= 3)
        wire_bool(wire, "include_documentation", &m->include_documentation);
    kafka_tagged_fields(wire);
}

static void synonym_walk(struct wire *wire, struct kafka_describe_configs_synonym *m)
{
    wire_enter(wire, "synonyms");
    kafka_string(wire, "name", &m->name);
    kafka_nullable_string(wire, "value", &m->value);
    wire_i8(wire, "source", &m->source);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void config_walk(struct wire *wire, struct kafka_describe_configs_config *m, int version)
{
    if (wire_decoding(wire))
        *m = KAFKA_DESCRIBE_CONFIGS_CONFIG_DEFAULT;
    wire_enter(wire, "configs");
    kafka_string(wire, "name", &m->name);
    kafka_nullable_string(wire, "value", &m->value);
    wire_bool(wire, "read_only", &m->read_only);
    if (version == 0)
        wire_bool(wire, "is_default", &m->is_default);
    else
        wire_i8(wire, "config_source", &m->config_source);
    wire_bool(wire, "is_sensitive", &m->is_sensitive);
    if (version >= 1) {
        KAFKA_EACH (wire, "synonyms", i, m->synonyms, m->synonym_count, 4)
            synonym_walk(wire, &m->synonyms[i]);
    }
    if (version >= 3) {
        wire_i8(wire, "config_type", &m->config_type);
        kafka_nullable_string(wire, "documentation", &m->documentation);
    }
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void result_walk(struct wire *wire, struct kafka_describe_configs_result *m, int version)
{
    wire_enter(wire, "results");
    wire_i16(wire, "error_code", &m->error_code);
    kafka_nullable_string(wire, "error_message", &m->error_message);
    wire_i8(wire, "resource_type", &m->resource_type);
    kafka_string(wire, "resource_name", &m->resource_name);
    KAFKA_EACH (wire, "configs", i, m->configs, m->config_count, 7)
        config_walk(wire, &m->configs[i], version);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_describe_configs_response_walk(struct wire *wire, void *body, int version)
{
    struct kafka_describe_configs_response *m = body;

    if (wire_decoding(wire))
        *m = (struct kafka_describe_configs_response){.throttle_time_ms = 0};
    wire_i32(wire, "throttle_time_ms", &m->throttle_time_ms);
    KAFKA_EACH (wire, "results", i, m->results, m->result_count, 7)
        result_walk(wire, &m->results[i], version);
    kafka_tagged_fields(wire);
}
