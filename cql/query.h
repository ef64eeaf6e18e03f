/*
 * QUERY, PREPARE and EXECUTE. The callers' way in is the three encoders; the walks serve tests,
 * printers and nodes that we play ourselves.
 */
#ifndef CQL_QUERY_H
#define CQL_QUERY_H

#include "cql/consistency.h"
#include "cql/types.h"

struct cql_query {
    struct slice text;        /* QUERY */
    struct slice prepared_id; /* EXECUTE */
    const struct cql_value *values;
    uint16_t value_count;
    uint16_t consistency;        /* enum cql_consistency */
    uint16_t serial_consistency; /* 0: none */
    int64_t timestamp_us; /* of all that the statement does not stamp itself; the same in a retry */
    bool has_timestamp;
    int32_t page_size;         /* 0: none */
    struct slice paging_state; /* of the page before; data NULL: from the start */
    bool skip_metadata;
};

struct cql_prepare {
    struct slice text;
};

/* Each appends one frame body. LIMIT or NOMEM: `out` is as it was. */
MUST_CHECK int cql_query_encode(struct buf *out, const struct cql_query *query);
MUST_CHECK int cql_execute_encode(struct buf *out, const struct cql_query *query);
MUST_CHECK int cql_prepare_encode(struct buf *out, struct slice text);

/* struct cql_query (twice), struct cql_prepare. Named values (flag 0x40) are UNSUPPORTED. */
void cql_query_walk(struct wire *wire, void *query);
void cql_execute_walk(struct wire *wire, void *query);
void cql_prepare_walk(struct wire *wire, void *prepare);

#endif
