#include "tests/support/table_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cql/batch_request.h"
#include "cql/error.h"
#include "cql/opcode.h"
#include "cql/query.h"
#include "cql/value.h"
#include "proto/endian.h"
#include "tests/support/table_store.h"
#include "tests/support/table_text.h"

enum { TABLES_MAX = 80 };

struct prepared {
    uint8_t id[32];
    size_t id_len;
    struct text_statement statement;
};

struct table_model {
    struct store_table *tables; /* TABLES_MAX */
    size_t table_count;
    struct prepared *prepared;
    size_t prepared_count;
    struct arena arena;
    struct buf rows;
    struct buf body;
};

/* A statement with its values, ready to be executed. */
struct bound {
    const struct text_statement *statement;
    struct store_table *table;
    const struct cql_value *values; /* without the timestamp */
    int64_t at_us;
};

static const struct model_column log_columns[] = {
    {"partition", CQL_TYPE_INT, MODEL_PARTITION_KEY},
    {"segment", CQL_TYPE_BIGINT, MODEL_PARTITION_KEY},
    {"offset", CQL_TYPE_BIGINT, MODEL_CLUSTERING},
    {"timestamp", CQL_TYPE_TIMESTAMP, MODEL_REGULAR},
    {"key", CQL_TYPE_BLOB, MODEL_REGULAR},
    {"value", CQL_TYPE_BLOB, MODEL_REGULAR},
    {"headers", CQL_TYPE_BLOB, MODEL_REGULAR}, /* the bytes of the list */
    {"producer_id", CQL_TYPE_BIGINT, MODEL_REGULAR},
    {"producer_epoch", CQL_TYPE_SMALLINT, MODEL_REGULAR},
    {"base_sequence", CQL_TYPE_INT, MODEL_REGULAR},
    {"record_count", CQL_TYPE_INT, MODEL_REGULAR},
    {"stable", CQL_TYPE_BIGINT, MODEL_REGULAR},
    {"producers", CQL_TYPE_BLOB, MODEL_REGULAR},
};

static const struct model_column segment_columns[] = {
    {"topic_id", CQL_TYPE_UUID, MODEL_PARTITION_KEY},
    {"partition", CQL_TYPE_INT, MODEL_PARTITION_KEY},
    {"segment", CQL_TYPE_BIGINT, MODEL_CLUSTERING_DESC},
    {"first_offset", CQL_TYPE_BIGINT, MODEL_REGULAR},
    {"limit_offset", CQL_TYPE_BIGINT, MODEL_REGULAR},
    {"first_timestamp", CQL_TYPE_TIMESTAMP, MODEL_REGULAR},
};

/* system_schema.tables */
static const struct model_column schema_columns[] = {
    {"keyspace_name", CQL_TYPE_VARCHAR, MODEL_PARTITION_KEY},
    {"table_name", CQL_TYPE_VARCHAR, MODEL_PARTITION_KEY},
    {"default_time_to_live", CQL_TYPE_INT, MODEL_REGULAR},
};

static void die(const char *why, struct slice text)
{
    fprintf(stderr, "table model: %s: %.*s\n", why, (int)text.len, (const char *)text.data);
    abort();
}

struct table_model *table_model_new(void)
{
    struct table_model *model = calloc(1, sizeof(*model));
    if (model == NULL || (model->tables = calloc(TABLES_MAX, sizeof(*model->tables))) == NULL)
        abort();
    arena_init(&model->arena, &alloc_heap, 64 * 1024, SIZE_MAX);
    buf_init(&model->rows, &alloc_heap, SIZE_MAX);
    buf_init(&model->body, &alloc_heap, SIZE_MAX);
    table_model_create(model, "tables", schema_columns, 3);
    return model;
}

void table_model_free(struct table_model *model)
{
    for (size_t i = 0; i < model->table_count; i++)
        store_table_deinit(&model->tables[i]);
    free(model->tables);
    free(model->prepared);
    arena_deinit(&model->arena);
    buf_deinit(&model->rows);
    buf_deinit(&model->body);
    free(model);
}

static struct store_table *find_table(const struct table_model *model, const char *name)
{
    for (size_t i = 0; i < model->table_count; i++)
        if (strcmp(model->tables[i].name, name) == 0)
            return &model->tables[i];
    return NULL;
}

void table_model_create(struct table_model *model, const char *name,
                        const struct model_column *columns, size_t column_count)
{
    if (find_table(model, name) != NULL)
        return;
    assert_true(model->table_count < TABLES_MAX);
    assert_true(column_count <= MODEL_COLUMNS_MAX);
    struct store_table *table = &model->tables[model->table_count++];
    *table = (struct store_table){.columns = columns, .column_count = column_count};
    table->name = malloc(strlen(name) + 1);
    if (table->name == NULL)
        abort();
    memcpy(table->name, name, strlen(name) + 1);
}

void table_model_create_log(struct table_model *model, const char *name)
{
    table_model_create(model, name, log_columns, sizeof(log_columns) / sizeof(log_columns[0]));
}

void table_model_create_segments(struct table_model *model)
{
    table_model_create(model, "sluice_segments", segment_columns,
                       sizeof(segment_columns) / sizeof(segment_columns[0]));
}

void table_model_drop(struct table_model *model, const char *name)
{
    struct store_table *table = find_table(model, name);
    assert_non_null(table);
    store_table_deinit(table);
    *table = model->tables[--model->table_count];
}

/* --- executing --- */

static int64_t integer_of(struct slice bytes)
{
    if (bytes.len == 8)
        return (int64_t)be64_load(bytes.data);
    if (bytes.len == 4)
        return (int32_t)be32_load(bytes.data);
    if (bytes.len == 2)
        return (int16_t)be16_load(bytes.data);
    die("not an integer", SLICE_LITERAL(""));
    return 0;
}

static int column_of(const struct store_table *table, const struct text_name *name)
{
    int column = store_column(table, name->text);
    if (column < 0)
        die("no such column", slice_cstr(name->text));
    return column;
}

/* What is bound to the column with `=` or in an INSERT; NULL: nothing. */
static const struct cql_value *bound_value(const struct bound *bound, const char *column)
{
    const struct text_statement *statement = bound->statement;
    if (statement->kind == TEXT_INSERT) {
        for (size_t i = 0; i < statement->column_count; i++)
            if (strcmp(statement->columns[i].text, column) == 0)
                return &bound->values[i];
        return NULL;
    }
    for (size_t i = 0; i < statement->condition_count; i++)
        if (statement->conditions[i].op == TEXT_EQUAL &&
            strcmp(statement->conditions[i].column.text, column) == 0)
            return &bound->values[i];
    return NULL;
}

/* The partition key's values, one after the other; every one must be bound. */
static struct slice partition_key(const struct bound *bound, uint8_t key[MODEL_KEY_MAX_BYTES])
{
    size_t len = 0;
    for (size_t i = 0; i < bound->table->column_count; i++) {
        const struct model_column *column = &bound->table->columns[i];
        if (column->role != MODEL_PARTITION_KEY)
            continue;
        const struct cql_value *value = bound_value(bound, column->name);
        if (value == NULL || value->bytes.data == NULL || len + value->bytes.len > MODEL_KEY_MAX_BYTES)
            die("partition key is not bound", slice_cstr(column->name));
        memcpy(key + len, value->bytes.data, value->bytes.len);
        len += value->bytes.len;
    }
    return slice_make(key, len);
}

/* The range of clustering values that the conditions leave. */
static void clustering_range(const struct bound *bound, int64_t *from, int64_t *below)
{
    int clustering = store_clustering(bound->table);
    *from = INT64_MIN;
    *below = INT64_MAX;
    for (size_t i = 0; i < bound->statement->condition_count; i++) {
        const struct text_condition *condition = &bound->statement->conditions[i];
        if (column_of(bound->table, &condition->column) != clustering)
            continue;
        int64_t value = integer_of(bound->values[i].bytes);
        if (condition->op != TEXT_BELOW)
            *from = value;
        if (condition->op == TEXT_BELOW)
            *below = value;
        if (condition->op == TEXT_EQUAL)
            *below = value + 1;
    }
}

static void execute_insert(const struct bound *bound)
{
    uint8_t key[MODEL_KEY_MAX_BYTES];
    int clustering = store_clustering(bound->table);
    struct store_partition *partition = store_find_or_make(bound->table, partition_key(bound, key));
    int64_t at = 0;
    if (clustering >= 0) {
        const struct cql_value *value = bound_value(bound, bound->table->columns[clustering].name);
        if (value == NULL)
            die("clustering key is not bound", slice_cstr(bound->table->name));
        at = integer_of(value->bytes);
    }
    struct store_row *row = store_insert(partition, at, bound->at_us);
    row->ttl_s = bound->table->ttl_s;
    for (size_t i = 0; i < bound->statement->column_count; i++) {
        int column = column_of(bound->table, &bound->statement->columns[i]);
        if (bound->table->columns[column].role == MODEL_REGULAR && !bound->values[i].unset)
            store_write(row, (size_t)column, bound->values[i].bytes, bound->at_us);
    }
}

static void execute_delete(const struct bound *bound)
{
    uint8_t key[MODEL_KEY_MAX_BYTES];
    int64_t from, below;
    clustering_range(bound, &from, &below);
    store_delete_range(store_find_or_make(bound->table, partition_key(bound, key)), from, below,
                       bound->at_us);
}

static void must(int rc)
{
    if (rc < 0)
        abort();
}

static void put_cell(struct buf *out, struct slice bytes)
{
    must(buf_reserve(out, 4 + bytes.len));
    buf_wrote(out, (size_t)(cql_put_bytes(buf_tail(out), bytes) - buf_tail(out)));
}

static bool is_ttl(const struct text_name *column)
{
    return strcmp(column->text, TEXT_TTL) == 0;
}

static void put_row(struct buf *out, const struct bound *bound, struct slice key,
                    const struct store_partition *partition, const struct store_row *row)
{
    for (size_t i = 0; i < bound->statement->column_count; i++) {
        uint8_t integer[8];
        if (is_ttl(&bound->statement->columns[i])) {
            be32_store(integer, (uint32_t)row->ttl_s);
            put_cell(out, row->ttl_s == 0 ? SLICE_NULL : slice_make(integer, 4));
            continue;
        }
        int column = column_of(bound->table, &bound->statement->columns[i]);
        if (bound->table->columns[column].role == MODEL_REGULAR) {
            const struct store_cell *cell = store_cell_seen(partition, row, (size_t)column);
            put_cell(out, cell == NULL ? SLICE_NULL : slice_make(cell->bytes, cell->len));
        } else if (bound->table->columns[column].role == MODEL_PARTITION_KEY) {
            die("partition key columns cannot be selected yet", key);
        } else {
            be64_store(integer, (uint64_t)row->clustering);
            put_cell(out, slice_make(integer, 8));
        }
    }
}

static int32_t put_rows(struct buf *out, const struct bound *bound)
{
    uint8_t bytes[MODEL_KEY_MAX_BYTES];
    struct slice key = partition_key(bound, bytes);
    const struct store_partition *partition = store_find(bound->table, key);
    int64_t from, below;
    int32_t count = 0;
    int clustering = store_clustering(bound->table);
    bool descending =
        clustering >= 0 && bound->table->columns[clustering].role == MODEL_CLUSTERING_DESC;

    if (partition == NULL)
        return 0;
    if (bound->statement->ordered)
        descending = bound->statement->descending;
    clustering_range(bound, &from, &below);
    size_t first = store_row_at(partition, from), end = store_row_at(partition, below);
    for (size_t i = first; i < end; i++) {
        const struct store_row *row = &partition->rows[descending ? end - 1 - (i - first) : i];
        if (bound->statement->limit > 0 && count == bound->statement->limit)
            break;
        if (!store_row_lives(partition, row))
            continue;
        put_row(out, bound, key, partition, row);
        count++;
    }
    return count;
}

static void put_result(struct table_model *model, struct cql_result *result,
                       struct model_answer *answer)
{
    struct wire wire;
    buf_reset(&model->body);
    wire_init_encode(&wire, &model->body);
    cql_result_walk(&wire, result);
    must(wire.error);
    answer->body = buf_unread(&model->body);
}

static void execute_select(struct table_model *model, const struct bound *bound,
                           struct model_answer *answer)
{
    struct cql_column columns[TEXT_NAMES_MAX];
    size_t count = bound->statement->column_count;
    struct cql_result result = {.kind = CQL_RESULT_ROWS,
                                .metadata = {.flags = CQL_METADATA_GLOBAL_SPEC,
                                             .column_count = (int32_t)count,
                                             .columns = columns}};

    for (size_t i = 0; i < count; i++) {
        const char *name = bound->statement->columns[i].text;
        uint16_t type = CQL_TYPE_INT;
        if (!is_ttl(&bound->statement->columns[i]))
            type = (uint16_t)bound->table
                       ->columns[column_of(bound->table, &bound->statement->columns[i])]
                       .type;
        columns[i] = (struct cql_column){SLICE_LITERAL("sluice"),
                                         slice_cstr(bound->table->name),
                                         slice_cstr(name),
                                         {.id = type}};
    }
    buf_reset(&model->rows);
    result.row_count = put_rows(&model->rows, bound);
    result.rows = buf_unread(&model->rows);
    put_result(model, &result, answer);
}

static bool refuse(struct model_answer *answer, int32_t error, const char *message)
{
    answer->error = error;
    snprintf(answer->message, sizeof(answer->message), "%s", message);
    return false;
}

/* Finds table and timestamp; `all` counts the timestamp of the statement's own. */
static bool bind(const struct table_model *model, const struct text_statement *statement,
                 const struct cql_value *values, uint16_t all, int64_t frame_us,
                 struct bound *bound, struct model_answer *answer)
{
    size_t skip = statement->has_timestamp ? 1 : 0;
    size_t need = skip + (statement->kind == TEXT_INSERT ? statement->column_count
                                                         : statement->condition_count);
    char text[TEXT_NAME_MAX_BYTES + 32];

    *bound =
        (struct bound){.statement = statement, .table = find_table(model, statement->table.text)};
    if (bound->table == NULL) {
        snprintf(text, sizeof(text), "table %.120s does not exist", statement->table.text);
        return refuse(answer, CQL_ERROR_INVALID, text);
    }
    if (all != need)
        return refuse(answer, CQL_ERROR_INVALID, "Invalid amount of bind variables");
    bound->values = values + skip;
    bound->at_us = skip > 0 ? integer_of(values[0].bytes) : frame_us;
    return true;
}

static const struct text_statement *find_prepared(const struct table_model *model, struct slice id)
{
    for (size_t i = 0; i < model->prepared_count; i++)
        if (slice_equal(id, slice_make(model->prepared[i].id, model->prepared[i].id_len)))
            return &model->prepared[i].statement;
    return NULL;
}

void table_model_prepare(struct table_model *model, struct slice id, struct slice text)
{
    if (find_prepared(model, id) != NULL)
        return;
    model->prepared =
        realloc(model->prepared, (model->prepared_count + 1) * sizeof(*model->prepared));
    if (model->prepared == NULL || id.len > sizeof(model->prepared->id))
        abort();
    struct prepared *prepared = &model->prepared[model->prepared_count++];
    *prepared = (struct prepared){.id_len = id.len};
    memcpy(prepared->id, id.data, id.len);
    if (!text_parse(text, &prepared->statement))
        die("cannot be parsed", text);
}

static void execute_bound(struct table_model *model, const struct bound *bound,
                          struct model_answer *answer)
{
    if (bound->statement->kind == TEXT_INSERT)
        execute_insert(bound);
    else if (bound->statement->kind == TEXT_DELETE)
        execute_delete(bound);
    else
        execute_select(model, bound, answer);
}

static void execute_query(struct table_model *model, uint8_t opcode, struct slice body,
                          struct model_answer *answer)
{
    struct cql_query query = {0};
    struct text_statement parsed;
    const struct text_statement *statement = &parsed;
    struct bound bound;
    struct wire wire;

    wire_init_decode(&wire, body, &model->arena);
    (opcode == CQL_QUERY ? cql_query_walk : cql_execute_walk)(&wire, &query);
    must(wire.error);
    if (opcode == CQL_EXECUTE)
        statement = find_prepared(model, query.prepared_id);
    else if (!text_parse(query.text, &parsed))
        die("cannot be parsed", query.text);
    if (statement == NULL)
        (void)refuse(answer, CQL_ERROR_UNPREPARED, "Prepared query not found");
    else if (bind(model, statement, query.values, query.value_count, query.timestamp_us, &bound,
                  answer))
        execute_bound(model, &bound, answer);
}

static void execute_batch(struct table_model *model, struct slice body, struct model_answer *answer)
{
    struct cql_batch_request batch = {0};
    struct wire wire;

    wire_init_decode(&wire, body, &model->arena);
    cql_batch_request_walk(&wire, &batch);
    must(wire.error);
    if (wire_remaining(&wire) != 0)
        die("bytes behind a batch", SLICE_LITERAL(""));
    struct bound *bound = arena_take_array(&model->arena, batch.statement_count, sizeof(*bound));
    for (size_t i = 0; i < batch.statement_count; i++) {
        const struct cql_batch_statement *one = &batch.statements[i];
        const struct text_statement *statement = find_prepared(model, one->prepared_id);
        if (one->text.data != NULL) {
            struct text_statement *parsed = arena_take(&model->arena, sizeof(*parsed));
            if (!text_parse(one->text, parsed))
                die("cannot be parsed", one->text);
            statement = parsed;
        }
        if (statement == NULL) {
            (void)refuse(answer, CQL_ERROR_UNPREPARED, "Prepared query not found");
            return;
        }
        if (!bind(model, statement, one->values, one->value_count, batch.timestamp_us, &bound[i],
                  answer))
            return;
    }
    for (size_t i = 0; i < batch.statement_count; i++)
        execute_bound(model, &bound[i], answer);
}

void table_model_execute(struct table_model *model, uint8_t opcode, struct slice body,
                         struct model_answer *answer)
{
    struct cql_result nothing = {.kind = CQL_RESULT_VOID};

    *answer = (struct model_answer){0};
    arena_reset(&model->arena);
    if (opcode == CQL_BATCH)
        execute_batch(model, body, answer);
    else
        execute_query(model, opcode, body, answer);
    if (answer->error == 0 && answer->body.data == NULL)
        put_result(model, &nothing, answer);
}

/* --- looking at a log table --- */

static struct store_partition *log_partition(const struct table_model *model, const char *name,
                                             int32_t partition, int64_t segment)
{
    uint8_t key[12];
    const struct store_table *table = find_table(model, name);

    assert_non_null(table);
    be32_store(key, (uint32_t)partition);
    be64_store(key + 4, (uint64_t)segment);
    return store_find(table, slice_make(key, sizeof(key)));
}

/* NULL: not seen. */
static const struct store_row *log_row(const struct table_model *model, struct model_key key,
                                       const struct store_partition **partition)
{
    *partition = log_partition(model, key.table, key.partition, key.segment);
    if (*partition == NULL)
        return NULL;
    size_t at = store_row_at(*partition, key.offset);
    if (at == (*partition)->row_count || (*partition)->rows[at].clustering != key.offset ||
        !store_row_lives(*partition, &(*partition)->rows[at]))
        return NULL;
    return &(*partition)->rows[at];
}

bool table_model_has(const struct table_model *model, struct model_key key)
{
    const struct store_partition *partition;
    return log_row(model, key, &partition) != NULL;
}

static const struct store_cell *log_cell(const struct table_model *model, struct model_key key,
                                         const char *name)
{
    const struct store_partition *partition;
    const struct store_row *row = log_row(model, key, &partition);
    int column = store_column(find_table(model, key.table), name);

    assert_true(column >= 0);
    return row == NULL ? NULL : store_cell_seen(partition, row, (size_t)column);
}

struct slice table_model_cell(const struct table_model *model, struct model_key key,
                              const char *column)
{
    const struct store_cell *cell = log_cell(model, key, column);
    return cell == NULL ? SLICE_NULL : slice_make(cell->bytes, cell->len);
}

int64_t table_model_i64(const struct table_model *model, struct model_key key, const char *column)
{
    struct slice bytes = table_model_cell(model, key, column);
    if (bytes.data == NULL)
        fail_msg("%s of offset %lld is null", column, (long long)key.offset);
    return integer_of(bytes);
}

int64_t table_model_written_us(const struct table_model *model, struct model_key key)
{
    const struct store_cell *cell = log_cell(model, key, "timestamp");
    assert_non_null(cell);
    return cell->written_us;
}

static size_t count_rows(const struct store_partition *partition)
{
    size_t count = 0;
    for (size_t i = 0; i < partition->row_count; i++)
        count += store_row_lives(partition, &partition->rows[i]);
    return count;
}

size_t table_model_count(const struct table_model *model, const char *name, int32_t partition,
                         int64_t segment)
{
    const struct store_partition *found = log_partition(model, name, partition, segment);
    return found == NULL ? 0 : count_rows(found);
}

size_t table_model_count_all(const struct table_model *model, const char *name)
{
    const struct store_table *table = find_table(model, name);
    size_t count = 0;

    assert_non_null(table);
    for (size_t i = 0; i < table->partition_count; i++)
        count += count_rows(&table->partitions[i]);
    return count;
}

void table_model_each(const struct table_model *model, const char *name,
                      void (*each)(void *context, struct model_key key), void *context)
{
    const struct store_table *table = find_table(model, name);

    assert_non_null(table);
    for (size_t i = 0; i < table->partition_count; i++) {
        const struct store_partition *partition = &table->partitions[i];
        struct model_key key = {.table = name,
                                .partition = (int32_t)be32_load(partition->key),
                                .segment = (int64_t)be64_load(partition->key + 4)};
        for (size_t row = 0; row < partition->row_count; row++) {
            key.offset = partition->rows[row].clustering;
            if (store_row_lives(partition, &partition->rows[row]))
                each(context, key);
        }
    }
}

void table_model_set_ttl(struct table_model *model, const char *name, int32_t seconds)
{
    struct store_table *schema = find_table(model, "tables"), *table = find_table(model, name);
    uint8_t key[MODEL_KEY_MAX_BYTES], value[4];
    int len = snprintf((char *)key, sizeof(key), "sluice%s", name);

    assert_non_null(table);
    be32_store(value, (uint32_t)seconds);
    struct store_row *row =
        store_insert(store_find_or_make(schema, slice_make(key, (size_t)len)), 0, 1);
    store_write(row, 2, slice_make(value, 4), ++table->altered);
    table->ttl_s = seconds;
}

void table_model_lose(struct table_model *model, struct model_key key)
{
    struct store_partition *partition = log_partition(model, key.table, key.partition, key.segment);
    assert_non_null(partition);
    size_t at = store_row_at(partition, key.offset);
    assert_true(at < partition->row_count && partition->rows[at].clustering == key.offset);
    store_lose_row(partition, at);
}
