/* DescribeClientQuotas (key 48), versions 0-1. */
#ifndef KAFKA_DESCRIBE_CLIENT_QUOTAS_H
#define KAFKA_DESCRIBE_CLIENT_QUOTAS_H

#include "kafka/types.h"

enum kafka_quota_match { KAFKA_QUOTA_EXACT = 0, KAFKA_QUOTA_DEFAULT = 1, KAFKA_QUOTA_ANY = 2 };

struct kafka_quota_component {
    struct slice entity_type; /* "user", "client-id", "ip" */
    int8_t match_type;        /* enum kafka_quota_match */
    struct slice match;       /* nullable: what is not needed to match so */
};

struct kafka_describe_client_quotas_request {
    struct kafka_quota_component *components;
    int32_t component_count;
    bool strict; /* no entity with types that were not named */
};

struct kafka_quota_entity {
    struct slice entity_type;
    struct slice entity_name; /* nullable: the default entity */
};

struct kafka_quota_value {
    struct slice key; /* "producer_byte_rate", ... */
    double value;     /* bytes per second, or what the key says */
};

struct kafka_quota_entry {
    struct kafka_quota_entity *entity;
    int32_t entity_count;
    struct kafka_quota_value *values;
    int32_t value_count;
};

struct kafka_describe_client_quotas_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    struct slice error_message;        /* nullable */
    struct kafka_quota_entry *entries; /* nullable (count -1) with an error */
    int32_t entry_count;
};

void kafka_describe_client_quotas_request_walk(struct wire *wire, void *body, int version);
void kafka_describe_client_quotas_response_walk(struct wire *wire, void *body, int version);

#endif
