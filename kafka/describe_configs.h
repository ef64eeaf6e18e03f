/* DescribeConfigs (key 32), versions 0-4. */
#ifndef KAFKA_DESCRIBE_CONFIGS_H
#define KAFKA_DESCRIBE_CONFIGS_H

#include "kafka/config.h"
#include "kafka/types.h"

struct kafka_describe_configs_resource {
    int8_t resource_type; /* enum kafka_config_resource */
    struct slice resource_name;
    struct slice *configuration_keys; /* nullable (count -1): all */
    int32_t configuration_key_count;
};

struct kafka_describe_configs_request {
    struct kafka_describe_configs_resource *resources;
    int32_t resource_count;
    bool include_synonyms;      /* v1+ */
    bool include_documentation; /* v3+ */
};

struct kafka_describe_configs_synonym {
    struct slice name;
    struct slice value; /* nullable */
    int8_t source;      /* enum kafka_config_source */
};

struct kafka_describe_configs_config {
    struct slice name;
    struct slice value; /* nullable: sensitive, or there is none */
    bool read_only;
    bool is_default;      /* v0 only */
    int8_t config_source; /* v1+, enum kafka_config_source */
    bool is_sensitive;
    struct kafka_describe_configs_synonym *synonyms; /* v1+; empty unless asked for */
    int32_t synonym_count;
    int8_t config_type;         /* v3+, enum kafka_config_type */
    struct slice documentation; /* v3+, nullable; null unless asked for */
};

struct kafka_describe_configs_result {
    int16_t error_code;
    struct slice error_message; /* nullable */
    int8_t resource_type;
    struct slice resource_name;
    struct kafka_describe_configs_config *configs;
    int32_t config_count;
};

struct kafka_describe_configs_response {
    int32_t throttle_time_ms;
    struct kafka_describe_configs_result *results;
    int32_t result_count;
};

#define KAFKA_DESCRIBE_CONFIGS_CONFIG_DEFAULT                                                      \
    ((struct kafka_describe_configs_config){.config_source = KAFKA_CONFIG_SOURCE_UNKNOWN})

void kafka_describe_configs_request_walk(struct wire *wire, void *body, int version);
void kafka_describe_configs_response_walk(struct wire *wire, void *body, int version);

#endif
