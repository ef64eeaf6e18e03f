/* FindCoordinator (key 10), versions 0-4. One key until v3, a list from v4 on. */
#ifndef KAFKA_FIND_COORDINATOR_H
#define KAFKA_FIND_COORDINATOR_H

#include "proto/wire.h"

enum kafka_coordinator_type { KAFKA_COORDINATOR_GROUP = 0, KAFKA_COORDINATOR_TRANSACTION = 1 };

struct kafka_find_coordinator_request {
    struct slice key;               /* v0-3 */
    int8_t key_type;                /* v1+, enum kafka_coordinator_type; a group before */
    struct slice *coordinator_keys; /* v4+ */
    int32_t coordinator_key_count;
};

struct kafka_coordinator {
    struct slice key;
    int32_t node_id; /* -1 with an error */
    struct slice host;
    int32_t port;
    int16_t error_code;
    struct slice error_message; /* nullable */
};

struct kafka_find_coordinator_response {
    int32_t throttle_time_ms;   /* v1+ */
    int16_t error_code;         /* v0-3, as all until port */
    struct slice error_message; /* v1-3, nullable */
    int32_t node_id;
    struct slice host;
    int32_t port;
    struct kafka_coordinator *coordinators; /* v4+ */
    int32_t coordinator_count;
};

#define KAFKA_FIND_COORDINATOR_REQUEST_DEFAULT                                                     \
    ((struct kafka_find_coordinator_request){.key = SLICE_LITERAL("")})
#define KAFKA_FIND_COORDINATOR_RESPONSE_DEFAULT                                                    \
    ((struct kafka_find_coordinator_response){.error_message = SLICE_LITERAL(""),                  \
                                              .host = SLICE_LITERAL("")})

void kafka_find_coordinator_request_walk(struct wire *wire, void *body, int version);
void kafka_find_coordinator_response_walk(struct wire *wire, void *body, int version);

#endif
