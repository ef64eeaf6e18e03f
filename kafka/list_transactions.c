#include "kafka/list_transactions.h"

void kafka_list_transactions_request_walk(struct wire *wire, void *body, int version)
{
    struct kafka_list_transactions_request *m = body;

    if (wire_decoding(wire))
        *m = KAFKA_LIST_TRANSACTIONS_REQUEST_DEFAULT;
    kafka_string_array(wire, "state_filters", &m->state_filters, &m->state_filter_count);
    KAFKA_EACH (wire, "producer_id_filters", i, m->producer_id_filters, m->producer_id_filter_count,
                sizeof(int64_t))
        wire_i64(wire, "producer_id_filters", &m->producer_id_filters[i]);
    if (version >= 1)
        wire_i64(wire, "duration_filter", &m->duration_filter);
    if (version >= 2)
        kafka_nullable_string(wire, "transactional_id_pattern", &m->transactional_id_pattern);
    kafka_tagged_fields(wire);
}

static void transaction_walk(struct wire *wire, struct kafka_listed_transaction *m)
{
    wire_enter(wire, "transaction_states");
    kafka_string(wire, "transactional_id", &m->transactional_id);
    wire_i64(wire, "producer_id", &m->producer_id);
    kafka_string(wire, "transaction_state", &m->transaction_state);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_list_transactions_response_walk(struct wire *wire, void *body, int version)
{
    struct kafka_list_transactions_response *m = body;

    (void)version;
    if (wire_decoding(wire))
        *m = (struct kafka_list_transactions_response){.throttle_time_ms = 0};
    wire_i32(wire, "throttle_time_ms", &m->throttle_time_ms);
    wire_i16(wire, "error_code", &m->error_code);
    kafka_string_array(wire, "unknown_state_filters", &m->unknown_state_filters,
                       &m->unknown_state_filter_count);
    KAFKA_EACH (wire, "transaction_states", i, m->transaction_states, m->transaction_state_count,
                11)
        transaction_walk(wire, &m->transaction_states[i]);
    kafka_tagged_fields(wire);
}
