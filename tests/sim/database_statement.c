/* Statements with their values: what they change, and what they read. */
#include <stdio.h>
#include <stdlib.h>

#include "proto/endian.h"
#include "proto/murmur3.h"
#include "tests/sim/database_internal.h"

int64_t db_statement_now_s(const struct database *db, unsigned node)
{
    return db_clock_us(db, node) / SECOND_US;
}

int64_t db_statement_integer(struct slice bytes)
{
    switch (bytes.len) {
    case 1:
        return (int8_t)bytes.data[0];
    case 2:
        return (int16_t)be16_load(bytes.data);
    case 4:
        return (int32_t)be32_load(bytes.data);
    case 8:
        return (int64_t)be64_load(bytes.data);
    default:
        db_die("not an integer", "");
    }
}

/* --- literals --- */

static struct slice hex_bytes(const char *text, struct arena *arena)
{
    uint8_t *to = db_take(arena, strlen(text) / 2 + 1);
    unsigned digits = 0;
    for (const char *c = text; *c != '\0'; c++) {
        const char one[2] = {*c, '\0'};
        if (*c == '-')
            continue;
        to[digits / 2] = (uint8_t)(to[digits / 2] * 16u + strtoul(one, NULL, 16));
        digits++;
    }
    return slice_make(to, digits / 2);
}

static struct slice literal(const struct db_term *term, const char *type, struct arena *arena)
{
    uint8_t *to = db_take(arena, 8);
    int64_t number = strtoll(term->text, NULL, 10);

    if (term->kind == DB_TERM_STRING)
        return slice_cstr(term->text);
    switch (db_schema_type_id(type)) {
    case CQL_TYPE_BOOLEAN:
        to[0] = strcmp(term->text, "true") == 0;
        return slice_make(to, 1);
    case CQL_TYPE_SMALLINT:
        be16_store(to, (uint16_t)number);
        return slice_make(to, 2);
    case CQL_TYPE_INT:
        be32_store(to, (uint32_t)number);
        return slice_make(to, 4);
    case CQL_TYPE_BIGINT:
    case CQL_TYPE_TIMESTAMP:
        be64_store(to, (uint64_t)number);
        return slice_make(to, 8);
    case CQL_TYPE_UUID:
        return hex_bytes(term->text, arena);
    case CQL_TYPE_BLOB:
        return hex_bytes(term->text + 2, arena); /* 0x... */
    default:
        db_die("no literals of this type", type);
    }
}

/* --- values --- */

static bool check_length(struct db_request *request, const struct store_column *column,
                         struct slice bytes)
{
    static const struct {
        uint16_t type;
        size_t bytes;
        const char *text;
    } lengths[] = {{CQL_TYPE_INT, 4, "int"},         {CQL_TYPE_BIGINT, 8, "long"},
                   {CQL_TYPE_TIMESTAMP, 8, "long"},  {CQL_TYPE_SMALLINT, 2, "short"},
                   {CQL_TYPE_BOOLEAN, 1, "boolean"}, {CQL_TYPE_UUID, 16, "UUID"}};
    uint16_t type = db_schema_type_id(column->type);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
        if (lengths[i].type == type && bytes.data != NULL && bytes.len != 0 &&
            bytes.len != lengths[i].bytes) {
            db_request_refuse(request, CQL_ERROR_INVALID, "Expected %zu or 0 byte %s (%zu)",
                              lengths[i].bytes, lengths[i].text, bytes.len);
            return false;
        }
    return true;
}

bool db_statement_value(struct db_request *request, const struct db_bound *bound,
                        const struct db_term *term, const struct store_column *column,
                        struct arena *arena, struct cql_value *value)
{
    *value = (struct cql_value){SLICE_NULL, false};
    if (term->kind == DB_TERM_MARKER) {
        *value = bound->values[term->marker];
        if (!check_length(request, column, value->bytes))
            return false;
        /* A batch's body lives as long as the database, every other one as long as its request. */
        bool is_kept = request == NULL || request->opcode == CQL_BATCH || arena == &request->arena;
        if (!is_kept && value->bytes.data != NULL)
            value->bytes = arena_copy(arena, value->bytes);
    } else if (term->kind != DB_TERM_NULL) {
        value->bytes = literal(term, column->type, arena);
    }
    return true;
}

static bool timestamp_of(struct db_request *request, const struct db_bound *bound, int64_t *at_us)
{
    const struct db_term *term = &bound->statement->timestamp;
    *at_us = bound->at_us;
    if (term->kind == DB_TERM_WORD)
        *at_us = strtoll(term->text, NULL, 10);
    if (term->kind == DB_TERM_MARKER && !bound->values[term->marker].unset) {
        struct slice bytes = bound->values[term->marker].bytes;
        if (bytes.len != 8) {
            db_request_refuse(request, CQL_ERROR_INVALID, "Invalid null value of timestamp");
            return false;
        }
        *at_us = db_statement_integer(bytes);
    }
    return true;
}

static uint32_t ttl_of(const struct db_bound *bound)
{
    const struct db_term *term = &bound->statement->ttl;
    if (term->kind == DB_TERM_WORD)
        return (uint32_t)strtoul(term->text, NULL, 10);
    if (term->kind == DB_TERM_MARKER && !bound->values[term->marker].unset &&
        bound->values[term->marker].bytes.len == 4)
        return (uint32_t)db_statement_integer(bound->values[term->marker].bytes);
    return (uint32_t)store_default_ttl_s(bound->table, bound->version);
}

/* --- what is wrong with it --- */

static bool names_fit(struct db_request *request, const struct db_bound *bound)
{
    const struct db_statement *s = bound->statement;
    const char *missing = NULL;
    for (unsigned i = 0; i < s->item_count; i++)
        if (s->items[i].function != DB_NOW && store_column(bound->table, s->items[i].column) < 0)
            missing = s->items[i].column;
    for (unsigned i = 0; i < s->where_count; i++)
        if (store_column(bound->table, s->where[i].column) < 0)
            missing = s->where[i].column;
    for (unsigned i = 0; i < s->condition_count; i++)
        if (store_column(bound->table, s->conditions[i].column) < 0)
            missing = s->conditions[i].column;
    if (missing != NULL)
        db_request_refuse(request, CQL_ERROR_INVALID, "Undefined column name %s in table %s.%s",
                          missing, bound->table->keyspace, bound->table->name);
    return missing == NULL;
}

bool db_statement_check(struct db_request *request, struct db_bound *bound)
{
    const struct db_statement *s = bound->statement;
    if (bound->value_count != s->marker_count) {
        db_request_refuse(request, CQL_ERROR_INVALID,
                          "There were %u markers(?) in CQL but %u bound variables", s->marker_count,
                          bound->value_count);
        return false;
    }
    if (db_is_conditional(s) && s->timestamp.kind != DB_TERM_NONE) {
        db_request_refuse(request, CQL_ERROR_INVALID,
                          "Cannot provide custom timestamp for conditional updates");
        return false;
    }
    return names_fit(request, bound);
}

/* --- keys --- */

/* The term that fixes a key column; NULL: none. */
static const struct db_term *key_term(const struct db_bound *bound, const char *column)
{
    const struct db_statement *s = bound->statement;
    for (unsigned i = 0; s->kind == DB_INSERT && i < s->item_count; i++)
        if (strcmp(s->items[i].column, column) == 0)
            return &s->items[i].term;
    for (unsigned i = 0; i < s->where_count; i++)
        if (s->where[i].op == DB_EQUAL && strcmp(s->where[i].column, column) == 0)
            return &s->where[i].term;
    return NULL;
}

static bool key_value(struct db_request *request, const struct db_bound *bound,
                      const struct db_term *term, const struct store_column *column,
                      struct arena *arena, struct cql_value *value)
{
    if (!db_statement_value(request, bound, term, column, arena, value))
        return false;
    if (value->unset)
        db_request_refuse(request, CQL_ERROR_INVALID, "Invalid unset value for column %s",
                          column->name);
    else if (value->bytes.data == NULL)
        db_request_refuse(request, CQL_ERROR_INVALID,
                          "Invalid null value in condition for column %s", column->name);
    return !value->unset && value->bytes.data != NULL;
}

bool db_statement_key(struct db_request *request, const struct db_bound *bound, struct arena *arena,
                      struct slice *key)
{
    const struct store_table *table = bound->table;
    struct cql_value parts[TEXT_ITEMS_MAX];
    size_t bytes = 0, at = 0;

    for (unsigned i = 0; i < table->key_count; i++) {
        const struct store_column *column = &table->columns[table->keys[i]];
        const struct db_term *term = key_term(bound, column->name);
        if (term == NULL) {
            db_request_refuse(request, CQL_ERROR_INVALID,
                              "Some partition key parts are missing: %s", column->name);
            return false;
        }
        if (!key_value(request, bound, term, column, arena, &parts[i]))
            return false;
        bytes += parts[i].bytes.len + 3;
    }
    if (table->key_count == 1) {
        *key = parts[0].bytes;
        return true;
    }
    uint8_t *to = db_take(arena, bytes);
    for (unsigned i = 0; i < table->key_count; i++) {
        be16_store(to + at, (uint16_t)parts[i].bytes.len);
        memcpy(to + at + 2, parts[i].bytes.data, parts[i].bytes.len);
        at += parts[i].bytes.len + 3;
    }
    *key = slice_make(to, bytes);
    return true;
}

/* The clustering bounds of the WHERE clause. `is_row`: one row is named. */
static bool clustering_bounds(struct db_request *request, const struct db_bound *bound,
                              struct arena *arena, int64_t *low, int64_t *high, bool *is_row)
{
    const struct store_table *table = bound->table;
    const struct db_statement *s = bound->statement;
    *low = INT64_MIN;
    *high = INT64_MAX;
    *is_row = false;
    for (unsigned i = 0; table->clustering >= 0 && i < s->where_count; i++) {
        const struct store_column *column = &table->columns[table->clustering];
        struct cql_value value;
        if (strcmp(s->where[i].column, column->name) != 0)
            continue;
        if (!key_value(request, bound, &s->where[i].term, column, arena, &value))
            return false;
        int64_t at = db_statement_integer(value.bytes);
        enum db_operator op = s->where[i].op;
        if (op == DB_EQUAL)
            *low = *high = at;
        else if (op == DB_GREATER_EQUAL || op == DB_GREATER)
            *low = at + (op == DB_GREATER && at < INT64_MAX);
        else
            *high = at - (op == DB_LESS && at > INT64_MIN);
        if ((op == DB_GREATER && at == INT64_MAX) || (op == DB_LESS && at == INT64_MIN)) {
            *low = 1; /* nothing is there */
            *high = 0;
            return true;
        }
        *is_row = op == DB_EQUAL;
    }
    return true;
}

/* --- mutations --- */

struct mutation *db_mutation_new(struct arena *arena, const char *keyspace, struct slice key,
                                 unsigned changes_max)
{
    struct mutation *mutation = db_take(arena, sizeof(*mutation));
    mutation->key = key;
    mutation->keyspace = keyspace;
    mutation->token = murmur3_token(key.data, key.len);
    mutation->changes = db_take(arena, changes_max * sizeof(*mutation->changes));
    mutation->bytes = key.len;
    return mutation;
}

struct writing {
    struct db_request *request;
    const struct db_bound *bound;
    struct arena *arena;
    int64_t at_us;
    uint32_t ttl_s;
};

static void set_cell(const struct writing *writing, struct store_row *row,
                     const struct store_column *column, struct slice value)
{
    struct store_cell cell = {.kind = value.data == NULL ? CELL_TOMBSTONE : CELL_VALUE,
                              .at_us = writing->at_us,
                              .gone_s = STORE_FOR_EVER,
                              .value = value};
    if (value.data == NULL) {
        cell.gone_s = writing->bound->now_s;
    } else if (writing->ttl_s > 0) {
        cell.ttl_s = writing->ttl_s;
        cell.gone_s = writing->bound->now_s + (int64_t)writing->ttl_s;
    }
    if (store_cell_wins(&cell, &row->cells[column->cell]))
        row->cells[column->cell] = cell;
}

/* The cells of INSERT, UPDATE and DELETE of columns, those with `role`. */
static bool set_cells(const struct writing *writing, enum db_role role, struct store_row *row,
                      unsigned *count)
{
    const struct db_statement *s = writing->bound->statement;
    for (unsigned i = 0; i < s->item_count; i++) {
        const struct store_column *column =
            &writing->bound->table
                 ->columns[store_column(writing->bound->table, s->items[i].column)];
        struct cql_value value = {SLICE_NULL, false};
        if (column->role != role)
            continue;
        (*count)++;
        if (s->kind != DB_DELETE &&
            !db_statement_value(writing->request, writing->bound, &s->items[i].term, column,
                                writing->arena, &value))
            return false;
        if (!value.unset)
            set_cell(writing, row, column, value.bytes);
    }
    return true;
}

static struct change *add_change(struct mutation *mutation, const struct store_table *table)
{
    struct change *change = &mutation->changes[mutation->change_count++];
    *change = (struct change){.table = table};
    return change;
}

static void delete_range(const struct writing *writing, struct mutation *mutation, int64_t low,
                         int64_t high, bool is_row)
{
    const struct db_bound *bound = writing->bound;
    struct change *change = add_change(mutation, bound->table);
    if (is_row) {
        change->row = store_row_new(writing->arena, bound->table, low);
        change->row->deleted_us = writing->at_us;
        change->row->deleted_s = bound->now_s;
        return;
    }
    change->is_partition_delete = low == INT64_MIN && high == INT64_MAX;
    change->is_range = !change->is_partition_delete;
    change->range = (struct store_range){low, high, writing->at_us, bound->now_s};
}

/* INSERT, UPDATE, DELETE of columns: one change; statics or a row's cells, never both here. */
static bool write_cells(const struct writing *writing, struct mutation *mutation, int64_t low,
                        bool is_row)
{
    const struct db_bound *bound = writing->bound;
    const struct store_table *table = bound->table;
    unsigned statics = 0, cells = 0;
    struct store_row *row = store_row_new(writing->arena, table, is_row ? low : 0);

    if (!set_cells(writing, DB_STATIC, row, &statics))
        return false;
    if (statics > 0) {
        struct change *change = add_change(mutation, table);
        change->is_static = true;
        change->row = row;
        if (table->clustering >= 0 && !is_row)
            return true;
        if (mutation->change_count > 1)
            db_die("statics and cells in one statement of a batch", bound->statement->text);
        mutation->changes = db_take(writing->arena, 2 * sizeof(*change));
        mutation->changes[0] = (struct change){.table = table, .is_static = true, .row = row};
        row = store_row_new(writing->arena, table, low);
    }
    if (!set_cells(writing, DB_REGULAR, row, &cells))
        return false;
    if (bound->statement->kind == DB_INSERT) {
        row->marker_us = writing->at_us;
        if (writing->ttl_s > 0) {
            row->marker_ttl_s = writing->ttl_s;
            row->marker_gone_s = bound->now_s + (int64_t)writing->ttl_s;
        }
    }
    if (bound->statement->kind == DB_INSERT || cells > 0)
        add_change(mutation, table)->row = row;
    return true;
}

static bool insert_clustering(struct db_request *request, const struct db_bound *bound,
                              struct arena *arena, int64_t *at, bool *is_row)
{
    const struct store_table *table = bound->table;
    struct cql_value value;
    *at = 0;
    *is_row = table->clustering < 0;
    if (table->clustering < 0)
        return true;
    const struct store_column *column = &table->columns[table->clustering];
    const struct db_term *term = key_term(bound, column->name);
    if (term == NULL)
        return true; /* statics alone */
    if (!key_value(request, bound, term, column, arena, &value))
        return false;
    *at = db_statement_integer(value.bytes);
    *is_row = true;
    return true;
}

/* The coordinator's clock in milliseconds, and never the same twice. */
static int64_t server_time_us(struct db_request *request)
{
    struct database *db = request->base.db;
    struct db_node *node = &db->nodes[request->base.coordinator];
    int64_t at_us = db_clock_us(db, node->index) / MS_US * MS_US;
    if (at_us <= node->last_us)
        at_us = node->last_us + 1;
    return node->last_us = at_us;
}

bool db_statement_mutate(struct db_request *request, const struct db_bound *bound,
                         struct arena *arena, struct mutation *mutation)
{
    const struct db_statement *s = bound->statement;
    struct writing writing = {.request = request, .bound = bound, .arena = arena};
    int64_t low, high;
    bool is_row;

    if (!timestamp_of(request, bound, &writing.at_us))
        return false;
    if (writing.at_us == STORE_NEVER_US)
        writing.at_us = server_time_us(request);
    writing.ttl_s = ttl_of(bound);
    if (s->kind == DB_INSERT) {
        if (!insert_clustering(request, bound, arena, &low, &is_row))
            return false;
        high = low;
    } else if (!clustering_bounds(request, bound, arena, &low, &high, &is_row)) {
        return false;
    }
    if (bound->table->clustering < 0) {
        is_row = true;
        low = high = 0;
    }
    mutation->bytes += 64;
    if (s->kind == DB_DELETE && s->item_count == 0) {
        delete_range(&writing, mutation, low, high, is_row && bound->table->clustering >= 0);
        if (bound->table->clustering < 0) { /* the row is the partition */
            struct change *change = &mutation->changes[mutation->change_count - 1];
            change->is_range = false;
            change->is_partition_delete = true;
        }
        return true;
    }
    return write_cells(&writing, mutation, low, is_row);
}

bool db_statement_row(struct db_request *request, const struct db_bound *bound, struct arena *arena,
                      struct db_target *target)
{
    bool is_row;
    *target = (struct db_target){.low = 0};
    if (!db_statement_key(request, bound, arena, &target->key))
        return false;
    target->token = murmur3_token(target->key.data, target->key.len);
    if (bound->statement->kind == DB_INSERT) {
        if (!insert_clustering(request, bound, arena, &target->low, &is_row))
            return false;
        target->high = target->low;
        return true;
    }
    return clustering_bounds(request, bound, arena, &target->low, &target->high, &is_row);
}

/* --- reads --- */

bool db_statement_target(struct db_request *request, const struct db_bound *bound,
                         struct arena *arena, struct db_target *target)
{
    const struct db_statement *s = bound->statement;
    bool is_row;

    *target = (struct db_target){.descending = bound->table->descending};
    if (s->ordered)
        target->descending = s->descending;
    if (s->limit.kind == DB_TERM_WORD)
        target->limit = strtoll(s->limit.text, NULL, 10);
    if (s->limit.kind == DB_TERM_MARKER)
        target->limit = db_statement_integer(bound->values[s->limit.marker].bytes);
    if (s->limit.kind != DB_TERM_NONE && target->limit <= 0) {
        db_request_refuse(request, CQL_ERROR_INVALID, "LIMIT must be strictly positive");
        return false;
    }
    if (!clustering_bounds(request, bound, arena, &target->low, &target->high, &is_row))
        return false;
    target->is_scan = s->where_count == 0;
    if (target->is_scan)
        return true;
    if (!db_statement_key(request, bound, arena, &target->key))
        return false;
    target->token = murmur3_token(target->key.data, target->key.len);
    return true;
}
