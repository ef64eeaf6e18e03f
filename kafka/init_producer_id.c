#include "kafka/init_producer_id.h"

#include "kafka/types.h"

void kafka_init_producer_id_request_walk(struct wire *wire, void *body, int version)
{
    struct kafka_init_producer_id_request *m = body;

    if (wire_decoding(wire))
        *m = KAFKA_INIT_PRODUCER_ID_REQUEST_DEFAULT;
    kafka_nullable_string(wire, "transactional_id", &m->transactional_id);
    wire_i32(wire, "transaction_timeout_ms", &m->transaction_timeout_ms);
    if (version >= 3) {
        wire_i64(wire, "producer_id", &m->producer_id);
        wire_i16(wire, "producer_epoch", &m->producer_epoch);
    }
    kafka_tagged_fields(wire);
}

void kafka_init_producer_id_response_walk(struct wire *wire, void *body, int version)
{
    struct kafka_init_producer_id_response *m = body;

    (void)version; /* all versions are alike */
    if (wire_decoding(wire))
        *m = KAFKA_INIT_PRODUCER_ID_RESPONSE_DEFAULT;
    wire_i32(wire, "throttle_time_ms", &m->throttle_time_ms);
    wire_i16(wire, "error_code", &m->error_code);
    wire_i64(wire, "producer_id", &m->producer_id);
    wire_i16(wire, "producer_epoch", &m->producer_epoch);
    kafka_tagged_fields(wire);
}
