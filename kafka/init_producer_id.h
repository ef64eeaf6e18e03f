/* InitProducerId (key 22), versions 0-5. */
#ifndef KAFKA_INIT_PRODUCER_ID_H
#define KAFKA_INIT_PRODUCER_ID_H

#include "proto/wire.h"

struct kafka_init_producer_id_request {
    struct slice transactional_id; /* null: idempotent only */
    int32_t transaction_timeout_ms;
    int64_t producer_id;    /* v3+, -1: none yet */
    int16_t producer_epoch; /* v3+, -1: none yet */
};

struct kafka_init_producer_id_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    int64_t producer_id;    /* -1 with an error */
    int16_t producer_epoch; /* -1 with an error */
};

#define KAFKA_INIT_PRODUCER_ID_REQUEST_DEFAULT                                                     \
    ((struct kafka_init_producer_id_request){.producer_id = -1, .producer_epoch = -1})
#define KAFKA_INIT_PRODUCER_ID_RESPONSE_DEFAULT                                                    \
    ((struct kafka_init_producer_id_response){.producer_id = -1, .producer_epoch = -1})

void kafka_init_producer_id_request_walk(struct wire *wire, void *body, int version);
void kafka_init_producer_id_response_walk(struct wire *wire, void *body, int version);

#endif
