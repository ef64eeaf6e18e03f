/*
 * BATCH as one walk, for tests, printers and nodes that we play ourselves. The gateway writes its
 * batches with cql/batch.h, which is tuned for the one shape it needs.
 */
#ifndef CQL_BATCH_REQUEST_H
#define CQL_BATCH_REQUEST_H

#include "cql/consistency.h"
#include "cql/types.h"

enum cql_batch_type { CQL_BATCH_LOGGED = 0, CQL_BATCH_UNLOGGED = 1, CQL_BATCH_COUNTER = 2 };

struct cql_batch_statement {
    struct slice text; /* data NULL: prepared_id counts */
    struct slice prepared_id;
    struct cql_value *values;
    uint16_t value_count;
};

struct cql_batch_request {
    uint8_t type; /* enum cql_batch_type */
    struct cql_batch_statement *statements;
    uint16_t statement_count;
    uint16_t consistency;
    uint16_t serial_consistency; /* 0: none */
    int64_t timestamp_us;
    bool has_timestamp;
};

/* An unknown type or kind of statement: MALFORMED. */
void cql_batch_request_walk(struct wire *wire, void *batch);

#endif
