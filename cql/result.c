#include "cql/result.h"

#include "proto/endian.h"

enum {
    COLUMN_MIN_BYTES = 4, /* an empty name and a simple type */
    CELL_MIN_BYTES = 4    /* null */
};

/* --- the head --- */

/* A count that is an i32 on the wire, as what it is used for. */
static void count_walk(struct wire *wire, const char *field, int32_t *count)
{
    wire_i32(wire, field, count);
    if (*count < 0) {
        wire_fail(wire, STATUS_MALFORMED, field);
        *count = 0;
    }
}

static void columns_walk(struct wire *wire, struct cql_metadata *metadata)
{
    bool global = (metadata->flags & CQL_METADATA_GLOBAL_SPEC) != 0;
    bool first_has = !wire_decoding(wire) && metadata->column_count > 0;
    struct slice keyspace = first_has ? metadata->columns[0].keyspace : SLICE_LITERAL("");
    struct slice table = first_has ? metadata->columns[0].table : SLICE_LITERAL("");
    void *storage = metadata->columns;

    if (global) {
        cql_string(wire, "keyspace", &keyspace);
        cql_string(wire, "table", &table);
    }
    if (!wire_array(wire, "columns", &storage, (size_t)metadata->column_count,
                    sizeof(*metadata->columns), COLUMN_MIN_BYTES)) {
        metadata->column_count = 0;
        return;
    }
    metadata->columns = storage;
    for (int32_t i = 0; i < metadata->column_count; i++) {
        struct cql_column *column = &metadata->columns[i];

        wire_enter(wire, "column");
        if (global && wire_decoding(wire)) {
            column->keyspace = keyspace;
            column->table = table;
        } else if (!global) {
            cql_string(wire, "keyspace", &column->keyspace);
            cql_string(wire, "table", &column->table);
        }
        cql_string(wire, "name", &column->name);
        cql_type(wire, "type", &column->type);
        wire_leave(wire);
    }
}

static void pk_walk(struct wire *wire, struct cql_result *result)
{
    void *storage = result->pk_indices;

    count_walk(wire, "pk_count", &result->pk_count);
    if (!wire_array(wire, "pk_indices", &storage, (size_t)result->pk_count,
                    sizeof(*result->pk_indices), sizeof(uint16_t))) {
        result->pk_count = 0;
        return;
    }
    result->pk_indices = storage;
    for (int32_t i = 0; i < result->pk_count; i++)
        wire_u16(wire, "pk_index", &result->pk_indices[i]);
}

/* `bind` NULL: the metadata of rows. Otherwise of its bind markers, which say where the partition
 * key is. */
static void metadata_walk(struct wire *wire, struct cql_metadata *metadata, struct cql_result *bind)
{
    wire_i32(wire, "flags", &metadata->flags);
    count_walk(wire, "column_count", &metadata->column_count);
    if (bind != NULL)
        pk_walk(wire, bind);
    if ((metadata->flags & CQL_METADATA_HAS_MORE) != 0)
        cql_bytes(wire, "paging_state", &metadata->paging_state);
    if ((metadata->flags & CQL_METADATA_NONE) == 0)
        columns_walk(wire, metadata);
}

static void rows_walk(struct wire *wire, struct cql_result *result)
{
    metadata_walk(wire, &result->metadata, NULL);
    count_walk(wire, "row_count", &result->row_count);
    wire_bytes(wire, "rows", &result->rows,
               wire_decoding(wire) ? wire_remaining(wire) : result->rows.len);
    if (wire_decoding(wire))
        result->has_more = (result->metadata.flags & CQL_METADATA_HAS_MORE) != 0;
}

void cql_result_walk(struct wire *wire, void *body)
{
    struct cql_result *result = body;
    int32_t kind = (int32_t)result->kind;

    wire_i32(wire, "kind", &kind);
    switch (kind) {
    case CQL_RESULT_VOID:
        break;
    case CQL_RESULT_ROWS:
        rows_walk(wire, result);
        break;
    case CQL_RESULT_SET_KEYSPACE:
        cql_string(wire, "keyspace", &result->keyspace);
        break;
    case CQL_RESULT_PREPARED:
        cql_short_bytes(wire, "prepared_id", &result->prepared_id);
        metadata_walk(wire, &result->markers, result);
        metadata_walk(wire, &result->metadata, NULL);
        break;
    case CQL_RESULT_SCHEMA_CHANGE:
        cql_schema_change_walk(wire, &result->schema);
        break;
    default:
        wire_fail(wire, STATUS_UNSUPPORTED, "kind");
        kind = CQL_RESULT_VOID;
        break;
    }
    result->kind = (enum cql_result_kind)kind;
}

/* --- rows --- */

/* The cell at *at, or a failure when it does not end within `rows`. */
static int cell_read(struct slice rows, size_t *at, struct slice *cell)
{
    if (rows.len - *at < CELL_MIN_BYTES)
        return STATUS_TRUNCATED;
    int32_t len = (int32_t)be32_load(rows.data + *at);
    *at += CELL_MIN_BYTES;
    if (len < 0) {
        *cell = SLICE_NULL;
        return STATUS_OK;
    }
    if ((size_t)len > rows.len - *at)
        return STATUS_TRUNCATED;
    *cell = slice_make(rows.data + *at, (size_t)len);
    *at += (size_t)len;
    return STATUS_OK;
}

static int rows_check(const struct cql_result *result)
{
    size_t columns = (size_t)result->metadata.column_count;
    size_t row_count = (size_t)result->row_count;
    struct slice cell;
    size_t at = 0;

    if (row_count == 0)
        return STATUS_OK;
    if (columns == 0) /* rows without bytes: their number would be bounded by nothing */
        return STATUS_MALFORMED;
    if (row_count > result->rows.len / CELL_MIN_BYTES / columns)
        return STATUS_TRUNCATED;
    for (size_t i = 0; i < row_count * columns; i++) {
        int rc = cell_read(result->rows, &at, &cell);

        if (rc < 0)
            return rc;
    }
    return STATUS_OK;
}

static int pk_check(const struct cql_result *result)
{
    for (int32_t i = 0; i < result->pk_count; i++)
        if (result->pk_indices[i] >= result->markers.column_count)
            return STATUS_MALFORMED;
    return STATUS_OK;
}

int cql_result_open(struct slice body, struct arena *arena, struct cql_result *result)
{
    struct wire wire;

    *result = (struct cql_result){.row_count = 0};
    wire_init_decode(&wire, body, arena);
    cql_result_walk(&wire, result);
    if (wire.error != STATUS_OK)
        return wire.error;
    if (result->kind == CQL_RESULT_PREPARED)
        return pk_check(result);
    int rc = rows_check(result);
    if (rc < 0 || result->row_count == 0)
        return rc;
    result->cells =
        arena_take_array(arena, (size_t)result->metadata.column_count, sizeof(*result->cells));
    if (result->cells == NULL)
        return STATUS_NOMEM;
    result->rows_left = result->row_count;
    return STATUS_OK;
}

bool cql_result_next_row(struct cql_result *result)
{
    if (result->rows_left == 0)
        return false;
    for (int32_t i = 0; i < result->metadata.column_count; i++)
        if (cell_read(result->rows, &result->rows_at, &result->cells[i]) < 0)
            return false; /* not after _open */
    result->rows_left--;
    return true;
}

struct slice cql_result_cell(const struct cql_result *result, size_t column)
{
    if (result->cells == NULL || column >= (size_t)result->metadata.column_count)
        return SLICE_NULL;
    return result->cells[column];
}

int cql_result_column(const struct cql_result *result, const char *name)
{
    struct slice wanted = slice_cstr(name);

    if (result->metadata.columns == NULL)
        return -1;
    for (int32_t i = 0; i < result->metadata.column_count; i++)
        if (slice_equal(result->metadata.columns[i].name, wanted))
            return i;
    return -1;
}

/* --- cells --- */

bool cql_cell_i16(struct slice cell, int16_t *value)
{
    if (cell.data == NULL || cell.len != sizeof(*value))
        return false;
    *value = (int16_t)be16_load(cell.data);
    return true;
}

bool cql_cell_i32(struct slice cell, int32_t *value)
{
    if (cell.data == NULL || cell.len != sizeof(*value))
        return false;
    *value = (int32_t)be32_load(cell.data);
    return true;
}

bool cql_cell_i64(struct slice cell, int64_t *value)
{
    if (cell.data == NULL || cell.len != sizeof(*value))
        return false;
    *value = (int64_t)be64_load(cell.data);
    return true;
}

bool cql_cell_bool(struct slice cell, bool *value)
{
    if (cell.data == NULL || cell.len != 1)
        return false;
    *value = cell.data[0] != 0;
    return true;
}

bool cql_cell_uuid(struct slice cell, uint8_t value[16])
{
    if (cell.data == NULL || cell.len != 16)
        return false;
    memcpy(value, cell.data, 16);
    return true;
}
