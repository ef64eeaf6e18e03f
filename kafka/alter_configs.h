/*
 * AlterConfigs (key 33), versions 0-2, and IncrementalAlterConfigs (key 44), versions 0-1. They
 * share their structs and differ in meaning: 33 replaces all settings of a resource by those that
 * it names, 44 changes the named ones and leaves the others.
 */
#ifndef KAFKA_ALTER_CONFIGS_H
#define KAFKA_ALTER_CONFIGS_H

#include "kafka/config.h"
#include "kafka/types.h"

struct kafka_alter_configs_config {
    struct slice name;
    int8_t config_operation; /* 44 only, enum kafka_config_operation; KAFKA_CONFIG_SET in 33 */
    struct slice value;      /* nullable */
};

struct kafka_alter_configs_resource {
    int8_t resource_type; /* enum kafka_config_resource */
    struct slice resource_name;
    struct kafka_alter_configs_config *configs;
    int32_t config_count;
};

struct kafka_alter_configs_request {
    struct kafka_alter_configs_resource *resources;
    int32_t resource_count;
    bool validate_only;
};

struct kafka_alter_configs_resource_response {
    int16_t error_code;
    struct slice error_message; /* nullable */
    int8_t resource_type;
    struct slice resource_name;
};

struct kafka_alter_configs_response {
    int32_t throttle_time_ms;
    struct kafka_alter_configs_resource_response *responses;
    int32_t response_count;
};

void kafka_alter_configs_request_walk(struct wire *wire, void *body, int version);
/* Of the same structs; the response of both keys is the same on the wire too. */
void kafka_incremental_alter_configs_request_walk(struct wire *wire, void *body, int version);
void kafka_alter_configs_response_walk(struct wire *wire, void *body, int version);

#endif
