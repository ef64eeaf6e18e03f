/* DescribeGroups (key 15), versions 0-6. */
#ifndef KAFKA_DESCRIBE_GROUPS_H
#define KAFKA_DESCRIBE_GROUPS_H

#include "kafka/types.h"

struct kafka_describe_groups_request {
    struct slice *groups;
    int32_t group_count;
    bool include_authorized_operations; /* v3+ */
};

struct kafka_described_member {
    struct slice member_id;
    struct slice group_instance_id; /* v4+, nullable */
    struct slice client_id;
    struct slice client_host;
    struct slice member_metadata;   /* bytes of the group's protocol */
    struct slice member_assignment; /* likewise */
};

struct kafka_described_group {
    int16_t error_code; /* Kafka has 69 for an unknown group from v6 on; 0 and "Dead" before */
    struct slice error_message; /* v6+, nullable */
    struct slice group_id;
    struct slice group_state; /* "Dead": there is none */
    struct slice protocol_type;
    struct slice protocol_data;
    struct kafka_described_member *members;
    int32_t member_count;
    int32_t authorized_operations; /* v3+ */
};

struct kafka_describe_groups_response {
    int32_t throttle_time_ms; /* v1+ */
    struct kafka_described_group *groups;
    int32_t group_count;
};

#define KAFKA_DESCRIBED_GROUP_DEFAULT                                                              \
    ((struct kafka_described_group){.authorized_operations = KAFKA_OPERATIONS_NOT_REQUESTED})

void kafka_describe_groups_request_walk(struct wire *wire, void *body, int version);
void kafka_describe_groups_response_walk(struct wire *wire, void *body, int version);

#endif
