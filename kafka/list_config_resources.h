/*
 * ListConfigResources (key 74), versions 0-1. Version 0 is what Kafka 3.7 to 4.0 call
 * ListClientMetricsResources: it asks for resources of that type only.
 */
#ifndef KAFKA_LIST_CONFIG_RESOURCES_H
#define KAFKA_LIST_CONFIG_RESOURCES_H

#include "kafka/config.h"
#include "kafka/types.h"

struct kafka_list_config_resources_request {
    int8_t *resource_types; /* v1+, enum kafka_config_resource; none: all types */
    int32_t resource_type_count;
};

struct kafka_listed_config_resource {
    struct slice resource_name;
    int8_t resource_type; /* v1+; client metrics before */
};

struct kafka_list_config_resources_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    struct kafka_listed_config_resource *config_resources;
    int32_t config_resource_count;
};

#define KAFKA_LISTED_CONFIG_RESOURCE_DEFAULT                                                       \
    ((struct kafka_listed_config_resource){.resource_type = KAFKA_RESOURCE_CLIENT_METRICS})

void kafka_list_config_resources_request_walk(struct wire *wire, void *body, int version);
void kafka_list_config_resources_response_walk(struct wire *wire, void *body, int version);

#endif
