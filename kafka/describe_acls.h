/* DescribeAcls (key 29), versions 0-3. Version 3 allows a resource type more, of the same form. */
#ifndef KAFKA_DESCRIBE_ACLS_H
#define KAFKA_DESCRIBE_ACLS_H

#include "kafka/types.h"

/* The numbers of Kafka's ACL enums; 1 is "any" in each filter. */
struct kafka_describe_acls_request {
    int8_t resource_type_filter;
    struct slice resource_name_filter; /* nullable: any */
    int8_t pattern_type_filter;        /* v1+; 3, literal, before */
    struct slice principal_filter;     /* nullable: any */
    struct slice host_filter;          /* nullable: any */
    int8_t operation;
    int8_t permission_type;
};

struct kafka_acl_description {
    struct slice principal;
    struct slice host;
    int8_t operation;
    int8_t permission_type;
};

struct kafka_describe_acls_resource {
    int8_t resource_type;
    struct slice resource_name;
    int8_t pattern_type; /* v1+; 3 before */
    struct kafka_acl_description *acls;
    int32_t acl_count;
};

struct kafka_describe_acls_response {
    int32_t throttle_time_ms;
    int16_t error_code;         /* 54: there is no authoriser */
    struct slice error_message; /* nullable */
    struct kafka_describe_acls_resource *resources;
    int32_t resource_count;
};

#define KAFKA_ACL_PATTERN_LITERAL 3
#define KAFKA_DESCRIBE_ACLS_REQUEST_DEFAULT                                                        \
    ((struct kafka_describe_acls_request){.pattern_type_filter = KAFKA_ACL_PATTERN_LITERAL})
#define KAFKA_DESCRIBE_ACLS_RESOURCE_DEFAULT                                                       \
    ((struct kafka_describe_acls_resource){.pattern_type = KAFKA_ACL_PATTERN_LITERAL})

void kafka_describe_acls_request_walk(struct wire *wire, void *body, int version);
void kafka_describe_acls_response_walk(struct wire *wire, void *body, int version);

#endif
