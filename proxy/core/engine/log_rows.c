#include "core/engine/log_rows.h"

#include "cql/value.h"

enum {
    ROW_TAIL_BYTES = 12, /* three length fields: key, value, headers */
    FIRST_COLUMNS_BYTES =
        12 + 6 + 8 + 8 + 12 + 4, /* producer_id ... stable, and producers' length */
    HEADER_BYTES = 12,           /* tuple, key and value lengths of one header */
};

/* A row's place: partition, segment, offset and timestamp with their lengths, and where in it. */
enum { SEGMENT_AT = 8 + 4, OFFSET_AT = SEGMENT_AT + 12, TIMESTAMP_AT = OFFSET_AT + 12 };
enum { PLACE_BYTES = TIMESTAMP_AT + 8 };

/* Values of a row are in this order, whichever its statement names. */
enum log_column {
    COLUMN_PARTITION,
    COLUMN_SEGMENT,
    COLUMN_OFFSET,
    COLUMN_TIMESTAMP,
    COLUMN_KEY,
    COLUMN_VALUE,
    COLUMN_HEADERS,
    COLUMN_PRODUCER_ID,
    COLUMN_PRODUCER_EPOCH,
    COLUMN_BASE_SEQUENCE,
    COLUMN_RECORD_COUNT,
    COLUMN_STABLE,
    COLUMN_PRODUCERS,
    COLUMN_COUNT,
};

static const char *const column_names[COLUMN_COUNT] = {
    "partition",    "segment", "offset",      "timestamp",      "key",
    "value",        "headers", "producer_id", "producer_epoch", "base_sequence",
    "record_count", "stable",  "producers",
};

#define BIT(column)   (1U << COLUMN_##column)
#define PLACE_BITS    (BIT(PARTITION) | BIT(SEGMENT) | BIT(OFFSET) | BIT(TIMESTAMP))
#define BATCH_BITS    (BIT(RECORD_COUNT) | BIT(STABLE))
#define PRODUCER_BITS (BIT(PRODUCER_ID) | BIT(PRODUCER_EPOCH) | BIT(BASE_SEQUENCE))

/* The columns that each names: no two as many, so a row's count of values tells its statement. */
static const uint16_t inserts[LOG_INSERT_COUNT] = {
    [LOG_INSERT_FIRST] = (1U << COLUMN_COUNT) - 1,
    [LOG_INSERT_BATCH] = PLACE_BITS | BIT(KEY) | BIT(VALUE) | BATCH_BITS,
    [LOG_INSERT_PRODUCER] = PLACE_BITS | BIT(KEY) | BIT(VALUE) | PRODUCER_BITS | BATCH_BITS,
    [LOG_INSERT_BARE] = PLACE_BITS | BIT(VALUE),
    [LOG_INSERT_KEYED] = PLACE_BITS | BIT(KEY) | BIT(VALUE),
    [LOG_INSERT_FULL] = PLACE_BITS | BIT(KEY) | BIT(VALUE) | BIT(HEADERS),
};

static bool names(enum log_insert insert, int column)
{
    return (inserts[insert] & 1U << column) != 0;
}

static uint16_t value_count(enum log_insert insert)
{
    uint16_t count = 0;

    for (int i = 0; i < COLUMN_COUNT; i++)
        count = (uint16_t)(count + names(insert, i));
    return count;
}

int log_rows_text(enum log_insert insert, const char *keyspace, const char *table, struct buf *out)
{
    int rc = buf_printf(out, "INSERT INTO \"%s\".\"%s\" (", keyspace, table);

    for (int i = 0; rc == STATUS_OK && i < COLUMN_COUNT; i++)
        if (names(insert, i))
            rc = buf_printf(out, "%s%s", i == 0 ? "" : ", ", column_names[i]);
    if (rc == STATUS_OK)
        rc = buf_printf(out, ") VALUES (?");
    for (int i = 1; rc == STATUS_OK && i < value_count(insert); i++)
        rc = buf_printf(out, ", ?");
    return rc == STATUS_OK ? buf_printf(out, ")") : rc;
}

static void set_head(struct log_row_head *head, struct slice id, uint16_t values, int32_t partition,
                     int64_t segment)
{
    memset(head->bytes, 0, sizeof(head->bytes));
    uint8_t *p = cql_batch_entry(head->bytes, id.data, id.len, values);
    p = cql_put_i32(p, partition);
    p = cql_put_i64(p, segment);
    p = cql_put_i64(p, 0); /* offset */
    p = cql_put_i64(p, 0); /* timestamp */
    head->len = (size_t)(p - head->bytes);
}

_Static_assert(5 + CQL_STATEMENT_ID_MAX_BYTES + 8 + 3 * 12 <= LOG_ROW_HEAD_MAX_BYTES, "head fits");

void log_rows_set(struct log_rows *rows, const struct slice ids[LOG_INSERT_COUNT],
                  int32_t partition, int64_t segment)
{
    for (int i = 0; i < LOG_INSERT_COUNT; i++)
        set_head(&rows->heads[i], ids[i], value_count((enum log_insert)i), partition, segment);
}

static inline enum log_insert insert_of(const struct kafka_record *record,
                                        const struct log_batch_columns *columns)
{
    if (columns != NULL && (columns->snapshot != NULL || record->header_count != 0))
        return LOG_INSERT_FIRST;
    if (columns != NULL)
        return columns->producer_id < 0 ? LOG_INSERT_BATCH : LOG_INSERT_PRODUCER;
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
static uint8_t *put_columns(uint8_t *p, enum log_insert insert,
                            const struct log_batch_columns *columns)
{
    if (columns->producer_id >= 0) {
        p = cql_put_i64(p, columns->producer_id);
        p = cql_put_i16(p, columns->producer_epoch);
        p = cql_put_i32(p, columns->base_sequence);
    } else if (insert == LOG_INSERT_FIRST) {
        p = cql_put_unset(cql_put_unset(cql_put_unset(p)));
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

/* A head with this offset and time; room for LOG_ROW_HEAD_MAX_BYTES. Returns where it ends. */
static inline uint8_t *put_head(uint8_t *p, const struct log_row_head *head, uint64_t offset,
                                uint64_t timestamp)
{
    memcpy(p, head->bytes,
           LOG_ROW_HEAD_MAX_BYTES); /* a constant size; what is too much is overwritten */
    p += head->len;
    be64_store(p - PLACE_BYTES + OFFSET_AT, offset);
    be64_store(p - PLACE_BYTES + TIMESTAMP_AT, timestamp);
    return p;
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
    uint8_t *p = put_head(buf_tail(out), head, (uint64_t)offset, (uint64_t)record->timestamp);
    if (insert != LOG_INSERT_BARE)
        p = put_or_unset(p, record->key);
    p = put_or_unset(p, record->value);
    if (record->header_count != 0)
        p = put_headers(p, record);
    else if (insert == LOG_INSERT_FIRST)
        p = cql_put_unset(p);
    if (columns != NULL)
        p = put_columns(p, insert, columns);
    buf_wrote(out, (size_t)(p - buf_tail(out)));
    if (insert == LOG_INSERT_FIRST) {
        rc = put_snapshot(out, columns->snapshot);
        if (rc < 0)
            out->write = start;
    }
    return rc;
}

/* Rows that are copied are our own, so they are whole. */

/* Where the value behind this one begins. */
static const uint8_t *next_value(const uint8_t *value)
{
    int32_t len = (int32_t)be32_load(value);

    return value + 4 + (len > 0 ? len : 0);
}

static const uint8_t *first_value(const uint8_t *row)
{
    return row + 5 + be16_load(row + 1);
}

static enum log_insert statement_of(const uint8_t *row)
{
    uint16_t count = be16_load(row + 3 + be16_load(row + 1));
    int insert = 0;

    while (value_count((enum log_insert)insert) != count)
        insert++;
    return (enum log_insert)insert;
}

bool log_rows_skip(struct slice *rows)
{
    enum log_insert insert = statement_of(rows->data);
    const uint8_t *value = first_value(rows->data), *last = value;

    for (int i = 0; i < value_count(insert); i++) {
        last = value;
        value = next_value(value);
    }
    rows->len -= (size_t)(value - rows->data);
    rows->data = value;
    return insert == LOG_INSERT_FIRST && (int32_t)be32_load(last) >= 0;
}

/* The row's values behind its place, for a statement that names all of its columns and perhaps
 * more; without the snapshot. */
static uint8_t *copy_values(uint8_t *p, enum log_insert to, const uint8_t *row)
{
    enum log_insert from = statement_of(row);
    const uint8_t *value = first_value(row) + PLACE_BYTES;

    for (int i = COLUMN_KEY; i < COLUMN_PRODUCERS; i++) {
        if (names(from, i)) {
            size_t len = (size_t)(next_value(value) - value);
            memcpy(p, value, len);
            p += len;
            value += len;
        } else if (names(to, i)) {
            p = cql_put_unset(p);
        }
    }
    return p;
}

int log_rows_copy(const struct log_rows *rows, struct slice *from, struct buf *out, int64_t segment,
                  int64_t offset, const struct producer_table *producers)
{
    const uint8_t *row = from->data;
    enum log_insert insert = producers != NULL ? LOG_INSERT_FIRST : statement_of(row);
    const struct log_row_head *head = &rows->heads[insert];
    struct slice rest = *from;
    size_t start = out->write;

    log_rows_skip(&rest);
    int rc =
        buf_reserve(out, LOG_ROW_HEAD_MAX_BYTES + (size_t)(rest.data - row) + 4 * COLUMN_COUNT);
    if (rc < 0)
        return rc;
    uint8_t *p =
        put_head(buf_tail(out), head, (uint64_t)offset, be64_load(first_value(row) + TIMESTAMP_AT));
    be64_store(p - PLACE_BYTES + SEGMENT_AT, (uint64_t)segment);
    p = copy_values(p, insert, row);
    buf_wrote(out, (size_t)(p - buf_tail(out)));
    if (insert == LOG_INSERT_FIRST)
        rc = put_snapshot(out, producers);
    if (rc < 0)
        out->write = start;
    else
        *from = rest;
    return rc;
}
