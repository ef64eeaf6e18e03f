/* DescribeCluster (key 60), versions 0-2. */
#ifndef KAFKA_DESCRIBE_CLUSTER_H
#define KAFKA_DESCRIBE_CLUSTER_H

#include "kafka/types.h"

enum kafka_endpoint_type { KAFKA_ENDPOINT_BROKERS = 1, KAFKA_ENDPOINT_CONTROLLERS = 2 };

struct kafka_describe_cluster_request {
    bool include_cluster_authorized_operations;
    int8_t endpoint_type;        /* v1+, enum kafka_endpoint_type; brokers before */
    bool include_fenced_brokers; /* v2+ */
};

struct kafka_describe_cluster_broker {
    int32_t broker_id;
    struct slice host;
    int32_t port;
    struct slice rack; /* nullable */
    bool is_fenced;    /* v2+ */
};

struct kafka_describe_cluster_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    struct slice error_message; /* nullable */
    int8_t endpoint_type;       /* v1+ */
    struct slice cluster_id;    /* not nullable here */
    int32_t controller_id;      /* -1: none */
    struct kafka_describe_cluster_broker *brokers;
    int32_t broker_count;
    int32_t cluster_authorized_operations;
};

#define KAFKA_DESCRIBE_CLUSTER_REQUEST_DEFAULT                                                     \
    ((struct kafka_describe_cluster_request){.endpoint_type = KAFKA_ENDPOINT_BROKERS})
#define KAFKA_DESCRIBE_CLUSTER_RESPONSE_DEFAULT                                                    \
    ((struct kafka_describe_cluster_response){.endpoint_type = KAFKA_ENDPOINT_BROKERS,             \
                                              .controller_id = -1,                                 \
                                              .cluster_authorized_operations =                     \
                                                  KAFKA_OPERATIONS_NOT_REQUESTED})

void kafka_describe_cluster_request_walk(struct wire *wire, void *body, int version);
void kafka_describe_cluster_response_walk(struct wire *wire, void *body, int version);

#endif
