/*
 * The RESULT message and a reader for its rows.
 *
 *      struct cql_result result;
 *      int rc = cql_result_open(body, &arena, &result);
 *      while (rc == STATUS_OK && cql_result_next_row(&result))
 *          ... cql_cell_i64(cql_result_cell(&result, column), &offset) ...
 *
 * _open checks every length of every row before it says OK, so reading the rows cannot fail. Counts
 * that a node promises are compared with the bytes that came before anything is allocated.
 */
#ifndef CQL_RESULT_H
#define CQL_RESULT_H

#include "cql/event.h"
#include "cql/types.h"

enum cql_result_kind {
    CQL_RESULT_VOID = 1,
    CQL_RESULT_ROWS = 2,
    CQL_RESULT_SET_KEYSPACE = 3,
    CQL_RESULT_PREPARED = 4,
    CQL_RESULT_SCHEMA_CHANGE = 5,
};

struct cql_column {
    struct slice keyspace; /* the same in every column when the metadata has one for all */
    struct slice table;
    struct slice name;
    struct cql_type type;
};

enum {
    CQL_METADATA_GLOBAL_SPEC = 0x01,
    CQL_METADATA_HAS_MORE = 0x02,
    CQL_METADATA_NONE = 0x04, /* skip_metadata was asked for: a count, no columns */
};

struct cql_metadata {
    int32_t flags;
    int32_t column_count;
    struct slice paging_state;  /* data NULL: no more pages */
    struct cql_column *columns; /* NULL with CQL_METADATA_NONE */
};

struct cql_result {
    enum cql_result_kind kind;
    struct slice keyspace;           /* SET_KEYSPACE */
    struct cql_schema_change schema; /* SCHEMA_CHANGE */
    struct slice prepared_id;        /* PREPARED */
    struct cql_metadata markers;     /* PREPARED: the bind markers */
    int32_t pk_count;             /* PREPARED: partition key components; 0: not all are markers */
    uint16_t *pk_indices;         /* PREPARED: the marker of each, < markers.column_count */
    struct cql_metadata metadata; /* ROWS; PREPARED: what its rows will have */
    bool has_more;                /* ROWS: metadata.paging_state fetches the next page */
    int32_t row_count;            /* ROWS */
    struct slice rows;            /* ROWS: row_count * column_count times [bytes] */
    /* the reader's */
    int32_t rows_left;
    size_t rows_at;
    struct slice *cells;
};

/*
 * Decodes the head and checks the rows. Arrays come from the arena, slices borrow from body, both
 * must outlive the result. TRUNCATED, MALFORMED, NOMEM (or the arena's limit), UNSUPPORTED: an
 * unknown kind.
 */
MUST_CHECK int cql_result_open(struct slice body, struct arena *arena, struct cql_result *result);
/* Goes to the next row, the first one at first. false: no more (or not ROWS). */
bool cql_result_next_row(struct cql_result *result);
/* A cell of the current row; data NULL: null, or no such column, or no current row. */
struct slice cql_result_cell(const struct cql_result *result, size_t column);
/* -1: absent. Needs metadata. */
int cql_result_column(const struct cql_result *result, const char *name);

/* false: null, or a length that is not the type's; *value unchanged. */
MUST_CHECK bool cql_cell_i16(struct slice cell, int16_t *value);
MUST_CHECK bool cql_cell_i32(struct slice cell, int32_t *value);
MUST_CHECK bool cql_cell_i64(struct slice cell, int64_t *value); /* bigint, timestamp, counter */
MUST_CHECK bool cql_cell_bool(struct slice cell, bool *value);
MUST_CHECK bool cql_cell_uuid(struct slice cell, uint8_t value[16]);

/* struct cql_result; encoding takes `rows` as it is. */
void cql_result_walk(struct wire *wire, void *result);

#endif
