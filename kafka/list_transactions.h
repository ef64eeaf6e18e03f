/* ListTransactions (key 66), versions 0-2. */
#ifndef KAFKA_LIST_TRANSACTIONS_H
#define KAFKA_LIST_TRANSACTIONS_H

#include "kafka/types.h"

struct kafka_list_transactions_request {
    struct slice *state_filters; /* none: all */
    int32_t state_filter_count;
    int64_t *producer_id_filters; /* none: all */
    int32_t producer_id_filter_count;
    int64_t duration_filter;               /* v1+, ms that it has run at least; -1: any */
    struct slice transactional_id_pattern; /* v2+, nullable, a regular expression */
};

struct kafka_listed_transaction {
    struct slice transactional_id;
    int64_t producer_id;
    struct slice transaction_state;
};

struct kafka_list_transactions_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    struct slice *unknown_state_filters; /* those of the request that name no state */
    int32_t unknown_state_filter_count;
    struct kafka_listed_transaction *transaction_states;
    int32_t transaction_state_count;
};

#define KAFKA_LIST_TRANSACTIONS_REQUEST_DEFAULT                                                    \
    ((struct kafka_list_transactions_request){.duration_filter = -1})

void kafka_list_transactions_request_walk(struct wire *wire, void *body, int version);
void kafka_list_transactions_response_walk(struct wire *wire, void *body, int version);

#endif
