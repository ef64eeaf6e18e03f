/*
 * Records as rows of a log table (DESIGN.md 3.1), written straight into a CQL BATCH: the hot half
 * of the record loop. The first row of a Kafka batch has a statement of its own with the batch
 * columns; the others take the one that names just the columns they have, as a column that a
 * statement names and a row leaves unset costs the node several percent of its CPU a row (and
 * null far more). Absent cells are never null.
 */
#ifndef PROXY_CORE_LOG_ROWS_H
#define PROXY_CORE_LOG_ROWS_H

#include "core/engine/producer_state.h"
#include "cql/batch.h"
#include "kafka/record_batch.h"

/* kind, id, value count, partition, segment, offset, timestamp: the same bytes in each row but for
 * two. */
#define LOG_ROW_HEAD_MAX_BYTES 96

struct log_row_head {
    uint8_t bytes[LOG_ROW_HEAD_MAX_BYTES];
    size_t len;
    size_t offset_at;    /* where the offset's 8 bytes go */
    size_t timestamp_at; /* likewise */
};

/* The INSERT statements of a table. */
enum log_insert {
    LOG_INSERT_FIRST, /* every column: the first row of a Kafka batch */
    LOG_INSERT_BARE,  /* neither key nor headers */
    LOG_INSERT_KEYED, /* no headers */
    LOG_INSERT_FULL,  /* headers, and perhaps a key */
    LOG_INSERT_COUNT,
};

struct log_rows {
    struct log_row_head heads[LOG_INSERT_COUNT];
};

/* The batch columns of a first row. */
struct log_batch_columns {
    int64_t producer_id; /* -1: none, and the next two are not stored */
    int16_t producer_epoch;
    int32_t base_sequence;
    int32_t record_count;
    int64_t stable;
    const struct producer_table *snapshot; /* NULL: none with this batch */
};

/* The statement's text, with the keyspace and table quoted. NOMEM, LIMIT. */
MUST_CHECK int log_rows_text(enum log_insert insert, const char *keyspace, const char *table,
                             struct buf *out);

/* `ids`: those of the prepared statements, by enum log_insert. */
void log_rows_set(struct log_rows *rows, const struct slice ids[LOG_INSERT_COUNT],
                  int32_t partition, int64_t segment);

/* Appends one row; `columns` NULL: a plain row. NOMEM or LIMIT (the buf's): nothing is appended. */
MUST_CHECK int log_rows_put(const struct log_rows *rows, struct buf *out, int64_t offset,
                            const struct kafka_record *record,
                            const struct log_batch_columns *columns);

/*
 * Copies the row at the head of `rows`, which log_rows_put wrote, to another place of the log and
 * takes it off `rows`. A snapshot it had is of a log that is no longer: with `producers` it gets
 * theirs instead. `producers` NULL: it has none afterwards. NOMEM or LIMIT: nothing is done.
 */
MUST_CHECK int log_rows_copy(struct slice *rows, struct buf *out, int64_t segment, int64_t offset,
                             const struct producer_table *producers);
/* Skips the row at the head of `rows`; true: it has a snapshot. */
bool log_rows_skip(struct slice *rows);

/* Bytes that a row needs at most, its snapshot apart. */
size_t log_row_bytes(const struct kafka_record *record);

#endif
