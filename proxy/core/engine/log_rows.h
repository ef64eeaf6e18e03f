/*
 * Records as rows of a log table (DESIGN.md 3.1), written straight into a CQL BATCH: the hot half
 * of the record loop. Each row takes a statement that names hardly more columns than it has: one
 * that is named and left unset costs the node CPU, in that row and, as Cassandra writes all rows of
 * a mutation against the columns of all its statements, in every other one (null costs far more).
 * The first row of a Kafka batch has the batch columns as well. Absent cells are never null.
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
};

/* The INSERT statements of a table; of first rows the upper three. */
enum log_insert {
    LOG_INSERT_FIRST,    /* every column: with headers or a snapshot */
    LOG_INSERT_BATCH,    /* neither; no producer; perhaps a key */
    LOG_INSERT_PRODUCER, /* neither; with a producer, and perhaps a key */
    LOG_INSERT_BARE,     /* neither key nor headers */
    LOG_INSERT_KEYED,    /* no headers */
    LOG_INSERT_FULL,     /* headers, and perhaps a key */
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
 * Copies the row at the head of `from`, which log_rows_put wrote, to another place of the log and
 * takes it off `from`. A snapshot it had is of a log that is no longer: with `producers`, for first
 * rows only, it gets theirs instead. `producers` NULL: it has none afterwards. NOMEM or LIMIT:
 * nothing is done.
 */
MUST_CHECK int log_rows_copy(const struct log_rows *rows, struct slice *from, struct buf *out,
                             int64_t segment, int64_t offset,
                             const struct producer_table *producers);
/* Skips the row at the head of `rows`; true: it has a snapshot. */
bool log_rows_skip(struct slice *rows);

/* Bytes that a row needs at most, its snapshot apart. */
size_t log_row_bytes(const struct kafka_record *record);

#endif
