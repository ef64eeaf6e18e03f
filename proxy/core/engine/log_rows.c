#include "core/engine/log_rows.h"

#include "cql/value.h"

enum {
    ROW_TAIL_BYTES = 12, /* three length fields: key, value, headers */
    FIRST_COLUMNS_BYTES =
        12 + 6 + 8 + 8 + 12 + 4, /* producer_id ... stable, and producers' length */
    HEADER_BYTES = 12,           /* tuple, key and value lengths of one header */
    FIRST_VALUES = 13,
};

/* All begin with partition, segment, offset and timestamp. */
static const struct {
    const char *columns, *markers;
    uint16_t values;
} inserts[LOG_INSERT_COUNT] = {
    [LOG_INSERT_FIRST] = {"key, value, headers, producer_id, producer_epoch, base_sequence, "
                          "record_count, stable, producers",
                          "?, ?, ?, ?, ?, ?, ?, ?, ?", FIRST_VALUES},
    [LOG_INSERT_BARE] = {"value", "?", 5},
    [LOG_INSERT_KEYED] = {"key, value", "?, ?", 6},
    [LOG_INSERT_FULL] = {"key, value, headers", "?, ?, ?", 7},
};

int log_rows_text(enum log_insert insert, const char *keyspace, const char *table, struct buf *out)
{
    return buf_printf(out,
                      "INSERT INTO \"%s\".\"%s\" (partition, segment, offset, timestamp, %s) "
                      "VALUES (?, ?, ?, ?, %s)",
                      keyspace, table, inserts[insert].columns, inserts[insert].markers);
}

static void set_head(struct log_row_head *head, struct slice id, uint16_t values, int32_t partition,
                     int64_t segment)
{
    memset(head->bytes, 0, sizeof(head->bytes));
    uint8_t *p = cql_batch_entry(head->bytes, id.data, id.len, values);
    p = cql_put_i32(p, partition);
    p = cql_put_i64(p, segment);
    head->offset_at = (size_t)(p - head->bytes) + 4;
    p = cql_put_i64(p, 0);
    head->timestamp_at = (size_t)(p - head->bytes) + 4;
    p = cql_put_i64(p, 0);
    head->len = (size_t)(p - head->bytes);
}

_Static_assert(5 + CQL_STATEMENT_ID_MAX_BYTES + 8 + 3 * 12 <= LOG_ROW_HEAD_MAX_BYTES, "head fits");

void log_rows_set(struct log_rows *rows, const struct slice ids[LOG_INSERT_COUNT],
                  int32_t partition, int64_t segment)
{
    for (int i = 0; i < LOG_INSERT_COUNT; i++)
        set_head(&rows->heads[i], ids[i], inserts[i].values, partition, segment);
}

static inline enum log_insert insert_of(const struct kafka_record *record,
                                        const struct log_batch_columns *columns)
{
    if (columns != NULL)
        return LOG_INSERT_FIRST;
    if (record->header_count != 0)
        return LOG_INSERT_FULL;
    return record->key.data == NULL ? LOG_INSERT_BARE : LOG_INSERT_KEYED;
}

size_t log_row_bytes(const struct kafka_record *record)
{
    return LOG_ROW_HEAD_MAX_BYTES + ROW_TAIL_BYTES + FIRST_COLUMNS_BYTES + record->key.len +
           record->value.len + record->headers.len + 4 +
           (size_t)record->header_count * HEADER_BYTES;
}

/* list<tuple<text, blob>>: length, count, then each tuple with its two fields. */
static uint8_t *put_headers(uint8_t *p, const struct kafka_record *record)
{
    struct slice rest = record->headers;
    uint8_t *start = p;

    be32_store(p + 4, (uint32_t)record->header_count);
    p += 8;
    for (int32_t i = 0; i < record->header_count; i++) {
        struct slice key, value;
        kafka_record_header_next(&rest, &key, &value);
        be32_store(p, (uint32_t)(8 + key.len + value.len));
        p = cql_put_bytes(p + 4, key);
        p = cql_put_bytes(p, value);
    }
    be32_store(start, (uint32_t)(p - start - 4));
    return p;
}

static inline uint8_t *put_or_unset(uint8_t *p, struct slice bytes)
{
    return bytes.data == NULL ? cql_put_unset(p) : cql_put_bytes(p, bytes);
}

/* The batch columns up to the length of `producers`. */
static uint8_t *put_columns(uint8_t *p, const struct log_batch_columns *columns)
{
    if (columns->producer_id < 0) {
        p = cql_put_unset(cql_put_unset(cql_put_unset(p)));
    } else {
        p = cql_put_i64(p, columns->producer_id);
        p = cql_put_i16(p, columns->producer_epoch);
        p = cql_put_i32(p, columns->base_sequence);
    }
    p = cql_put_i32(p, columns->record_count);
    return cql_put_i64(p, columns->stable);
}

static int put_snapshot(struct buf *out, const struct producer_table *snapshot)
{
    int rc = buf_reserve(out, 4);

    if (rc < 0)
        return rc;
    if (snapshot == NULL) {
        buf_wrote(out, (size_t)(cql_put_unset(buf_tail(out)) - buf_tail(out)));
        return STATUS_OK;
    }
    size_t length_at = out->write;
    buf_wrote(out, 4);
    rc = producer_snapshot_write(snapshot, out);
    if (rc < 0)
        return rc;
    be32_store(out->data + length_at, (uint32_t)(out->write - length_at - 4));
    return STATUS_OK;
}

int log_rows_put(const struct log_rows *rows, struct buf *out, int64_t offset,
                 const struct kafka_record *record, const struct log_batch_columns *columns)
{
    enum log_insert insert = insert_of(record, columns);
    const struct log_row_head *head = &rows->heads[insert];
    size_t start = out->write;
    int rc = buf_reserve(out, log_row_bytes(record));

    if (rc < 0)
        return rc;
    uint8_t *p = buf_tail(out);
    memcpy(p, head->bytes,
           LOG_ROW_HEAD_MAX_BYTES); /* a constant size; what is too much is overwritten */
    be64_store(p + head->offset_at, (uint64_t)offset);
    be64_store(p + head->timestamp_at, (uint64_t)record->timestamp);
    p += head->len;
    if (insert != LOG_INSERT_BARE)
        p = put_or_unset(p, record->key);
    p = put_or_unset(p, record->value);
    if (record->header_count != 0)
        p = put_headers(p, record);
    else if (insert == LOG_INSERT_FIRST)
        p = cql_put_unset(p);
    if (columns != NULL)
        p = put_columns(p, columns);
    buf_wrote(out, (size_t)(p - buf_tail(out)));
    if (columns != NULL) {
        rc = put_snapshot(out, columns->snapshot);
        if (rc < 0)
            out->write = start;
    }
    return rc;
}

/* The values of a row, by their place in the statements above. */
enum { SEGMENT_VALUE = 1, OFFSET_VALUE = 2, SNAPSHOT_VALUE = 12 };

/* Where the n-th value of a row begins: its length field. Rows are our own, so they are whole. */
static const uint8_t *value_at(const uint8_t *row, uint16_t n)
{
    const uint8_t *p = row + 5 + be16_load(row + 1);

    for (; n > 0; n--) {
        int32_t len = (int32_t)be32_load(p);
        p += 4 + (len > 0 ? len : 0);
    }
    return p;
}

static uint16_t value_count(const uint8_t *row)
{
    return be16_load(row + 3 + be16_load(row + 1));
}

static bool has_snapshot(const uint8_t *row)
{
    return value_count(row) == FIRST_VALUES &&
           (int32_t)be32_load(value_at(row, SNAPSHOT_VALUE)) >= 0;
}

static void take_row(struct slice *rows)
{
    const uint8_t *end = value_at(rows->data, value_count(rows->data));

    rows->len -= (size_t)(end - rows->data);
    rows->data = end;
}

bool log_rows_skip(struct slice *rows)
{
    bool had = has_snapshot(rows->data);

    take_row(rows);
    return had;
}

int log_rows_copy(struct slice *rows, struct buf *out, int64_t segment, int64_t offset,
                  const struct producer_table *producers)
{
    const uint8_t *row = rows->data;
    bool is_first = value_count(row) == FIRST_VALUES;
    const uint8_t *end = value_at(row, is_first ? SNAPSHOT_VALUE : value_count(row));
    size_t start = out->write, len = (size_t)(end - row);
    int rc = buf_reserve(out, len);

    if (rc < 0)
        return rc;
    uint8_t *copy = buf_tail(out);
    memcpy(copy, row, len);
    be64_store(copy + (value_at(row, SEGMENT_VALUE) - row) + 4, (uint64_t)segment);
    be64_store(copy + (value_at(row, OFFSET_VALUE) - row) + 4, (uint64_t)offset);
    buf_wrote(out, len);
    rc = is_first ? put_snapshot(out, producers) : STATUS_OK;
    if (rc < 0)
        out->write = start;
    else
        take_row(rows);
    return rc;
}
