/* Results: rows with the columns that a SELECT names, and the answers of transactions. */
#include <stdio.h>

#include "proto/endian.h"
#include "tests/sim/database_internal.h"

void db_rows_begin(struct database *db)
{
    buf_reset(&db->rows);
}

void db_rows_cell(struct database *db, struct slice cell)
{
    if (buf_reserve(&db->rows, 4 + cell.len) < 0)
        db_die("out of memory", "");
    uint8_t *to = buf_tail(&db->rows);
    be32_store(to, cell.data == NULL ? UINT32_MAX : (uint32_t)cell.len);
    if (cell.len > 0)
        memcpy(to + 4, cell.data, cell.len);
    buf_wrote(&db->rows, 4 + cell.len);
}

void db_rows_key_cells(const struct store_table *table, struct slice key, struct slice *cells)
{
    size_t at = 0;
    if (table->key_count == 1) {
        cells[0] = key;
        return;
    }
    for (unsigned i = 0; i < table->key_count; i++) {
        size_t len = be16_load(key.data + at);
        cells[i] = slice_make(key.data + at + 2, len);
        at += len + 3;
    }
}

static void put_integer(struct database *db, int64_t value, const char *type)
{
    uint8_t bytes[8];
    bool small = db_schema_type_id(type) == CQL_TYPE_INT;
    if (small)
        be32_store(bytes, (uint32_t)value);
    else
        be64_store(bytes, (uint64_t)value);
    db_rows_cell(db, slice_make(bytes, small ? 4 : 8));
}

struct seen {
    const struct store_table *table;
    struct slice key;
    const struct store_slice *slice;
    const struct store_row *row; /* NULL: statics alone */
    int64_t now_s;
};

static const struct store_cell *seen_cell(const struct seen *seen,
                                          const struct store_column *column)
{
    const struct store_row *row = column->role == DB_STATIC ? seen->slice->statics : seen->row;
    if (row == NULL)
        return NULL;
    const struct store_cell *cell = &row->cells[column->cell];
    return store_cell_lives(cell, store_shadow_us(seen->slice, row), seen->now_s) ? cell : NULL;
}

static void put_column(struct database *db, const struct seen *seen, unsigned index,
                       enum db_function function)
{
    const struct store_column *column = &seen->table->columns[index];
    const struct store_cell *cell;
    struct slice keys[TEXT_ITEMS_MAX];

    if (column->role == DB_PARTITION_KEY) {
        db_rows_key_cells(seen->table, seen->key, keys);
        db_rows_cell(db, keys[column->position]);
        return;
    }
    if (column->role == DB_CLUSTERING) {
        if (seen->row == NULL)
            db_rows_cell(db, SLICE_NULL);
        else
            put_integer(db, seen->row->clustering, column->type);
        return;
    }
    cell = seen_cell(seen, column);
    if (cell == NULL || (function == DB_TTL && cell->ttl_s == 0))
        db_rows_cell(db, SLICE_NULL);
    else if (function == DB_PLAIN)
        db_rows_cell(db, cell->value);
    else
        put_integer(db, function == DB_WRITETIME ? cell->at_us : cell->gone_s - seen->now_s,
                    function == DB_WRITETIME ? "bigint" : "int");
}

void db_rows_put(struct row_writer *writer, struct slice key, const struct store_slice *slice,
                 const struct store_row *row, int64_t now_s)
{
    const struct db_statement *s = writer->statement;
    const struct seen seen = {writer->table, key, slice, row, now_s};
    if (s->item_count == 0)
        for (unsigned i = 0; i < writer->table->column_count; i++)
            put_column(writer->db, &seen, writer->table->ordered[i], DB_PLAIN);
    for (unsigned i = 0; i < s->item_count; i++)
        put_column(writer->db, &seen, (unsigned)store_column(writer->table, s->items[i].column),
                   s->items[i].function);
    writer->rows++;
}

static void answer(struct db_request *request, struct cql_result *result)
{
    struct buf body;
    struct wire wire;
    buf_init(&body, &alloc_heap, SIZE_MAX / 2);
    wire_init_encode(&wire, &body);
    result->rows = buf_unread(&request->base.db->rows);
    cql_result_walk(&wire, result);
    if (wire.error < 0)
        db_die("rows cannot be encoded", status_name(wire.error));
    db_request_answer(request, CQL_RESULT, buf_unread(&body));
    buf_deinit(&body);
}

static struct cql_column column_spec(struct db_request *request, const struct store_table *table,
                                     const char *name, const char *type)
{
    return (struct cql_column){slice_cstr(table->keyspace), slice_cstr(table->name),
                               slice_cstr(name), db_schema_type(type, &request->arena)};
}

static struct cql_column item_spec(struct db_request *request, const struct store_table *table,
                                   const struct db_item *item)
{
    char name[80];
    if (item->function == DB_PLAIN || item->function == DB_NOW)
        return column_spec(request, table, item->alias != NULL ? item->alias : item->column,
                           item->function == DB_NOW
                               ? "timestamp"
                               : table->columns[store_column(table, item->column)].type);
    (void)snprintf(name, sizeof(name), "%s(%s)", item->function == DB_TTL ? "ttl" : "writetime",
                   item->column);
    struct slice kept = arena_copy(&request->arena, slice_make(name, strlen(name) + 1));
    return column_spec(request, table, item->alias != NULL ? item->alias : (const char *)kept.data,
                       item->function == DB_TTL ? "int" : "bigint");
}

void db_rows_answer(struct db_request *request, struct row_writer *writer,
                    struct slice paging_state)
{
    struct cql_column columns[TEXT_ITEMS_MAX];
    const struct db_statement *s = writer->statement;
    struct cql_result result = {.kind = CQL_RESULT_ROWS,
                                .metadata = {.flags = CQL_METADATA_GLOBAL_SPEC,
                                             .columns = columns,
                                             .paging_state = paging_state},
                                .row_count = writer->rows};
    unsigned count = s->item_count;
    for (unsigned i = 0; i < s->item_count; i++)
        columns[i] = item_spec(request, writer->table, &s->items[i]);
    for (unsigned i = 0; s->item_count == 0 && i < writer->table->column_count; i++) {
        const struct store_column *column = &writer->table->columns[writer->table->ordered[i]];
        columns[count++] = column_spec(request, writer->table, column->name, column->type);
    }
    if (paging_state.data != NULL)
        result.metadata.flags |= CQL_METADATA_HAS_MORE;
    result.metadata.column_count = (int32_t)count;
    answer(request, &result);
}

/* [applied] alone, or with the row as it is: all of it after INSERT, else what IF names. */
void db_rows_applied(struct db_request *request, bool applied, const struct db_bound *bound,
                     struct slice key, const struct store_slice *slice, const struct store_row *row)
{
    struct database *db = request->base.db;
    struct cql_column columns[TEXT_ITEMS_MAX + 1];
    const struct store_table *table = bound->table;
    const struct seen seen = {table, key, slice, row, bound->now_s};
    struct cql_result result = {.kind = CQL_RESULT_ROWS,
                                .metadata = {.flags = CQL_METADATA_GLOBAL_SPEC, .columns = columns},
                                .row_count = 1};
    const struct db_statement *s = bound->statement;
    const uint8_t byte = applied;
    unsigned count = 0, shown = s->if_not_exists ? table->column_count : s->condition_count;

    db_rows_begin(db);
    columns[count++] = column_spec(request, table, "[applied]", "boolean");
    db_rows_cell(db, slice_make(&byte, 1));
    if (!applied && row != NULL)
        for (unsigned i = 0; i < shown; i++) {
            unsigned index = s->if_not_exists
                                 ? table->ordered[i]
                                 : (unsigned)store_column(table, s->conditions[i].column);
            columns[count++] =
                column_spec(request, table, table->columns[index].name, table->columns[index].type);
            put_column(db, &seen, index, DB_PLAIN);
        }
    result.metadata.column_count = (int32_t)count;
    answer(request, &result);
}
