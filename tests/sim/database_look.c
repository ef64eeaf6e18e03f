/* What the caller sees and does from outside time: reading back, and statements for set-up. */
#include <stdio.h>
#include <stdlib.h>

#include "proto/endian.h"
#include "proto/murmur3.h"
#include "tests/sim/database_internal.h"

/* --- set-up --- */

void database_run(struct database *db, const char *text)
{
    struct db_statement *statement = db_text_parse(slice_cstr(text), &db->arena);
    struct slice key;

    if (statement == NULL)
        db_die("statement not understood", text);
    if (statement->kind > DB_DELETE) {
        db_schema_run(db, statement);
        return;
    }
    struct db_bound bound = {
        .statement = statement,
        .table = db_schema_table_find(db, statement->keyspace, statement->table, db->schema),
        .at_us = db_now_us(db),
        .version = db->schema,
        .now_s = db_now_us(db) / SECOND_US};
    if (bound.table == NULL || statement->kind == DB_SELECT ||
        !db_statement_key(NULL, &bound, &db->arena, &key))
        db_die("cannot be run", text);
    struct mutation *mutation = db_mutation_new(&db->arena, bound.table->keyspace, key, 1);
    unsigned replicas[DATABASE_REPLICAS_MAX];
    unsigned copies = db_replicas(db, bound.table->keyspace, mutation->token, replicas);
    if (!db_statement_mutate(NULL, &bound, &db->arena, mutation))
        db_die("cannot be run", text);
    for (unsigned i = 0; i < copies; i++)
        store_apply(&db->nodes[replicas[i]].store, mutation, db_now_us(db));
}

/* --- looking --- */

typedef void (*row_seen)(void *context, const struct database_row *row);

unsigned database_replication(const struct database *db, const char *keyspace)
{
    unsigned replicas[DATABASE_REPLICAS_MAX];
    return db_schema_keyspace_find(db, keyspace) == NULL ? 0
                                                         : db_replicas(db, keyspace, 0, replicas);
}

unsigned database_replica(const struct database *db, const char *keyspace, struct slice key,
                          unsigned i)
{
    unsigned replicas[DATABASE_REPLICAS_MAX];
    unsigned copies = db_replicas(db, keyspace, murmur3_token(key.data, key.len), replicas);
    return replicas[i % copies];
}

static const struct store_table *newest(const struct database *db, const char *keyspace,
                                        const char *table)
{
    return db_schema_table_find(db, keyspace, table, db->schema);
}

int database_column(const struct database *db, const char *keyspace, const char *table,
                    const char *column)
{
    const struct store_table *found = newest(db, keyspace, table);
    return found == NULL ? -1 : store_column(found, column);
}

bool database_has_table(const struct database *db, const char *keyspace, const char *table)
{
    return newest(db, keyspace, table) != NULL;
}

static struct database_cell seen_cell(const struct store_slice *slice, const struct store_row *row,
                                      int cell, int64_t now_s)
{
    if (cell < 0 || row == NULL ||
        !store_cell_lives(&row->cells[cell], store_shadow_us(slice, row), now_s))
        return (struct database_cell){SLICE_NULL, 0};
    return (struct database_cell){row->cells[cell].value, row->cells[cell].at_us};
}

static void tell_row(const struct store_table *table, struct slice key,
                     const struct store_slice *slice, const struct store_row *row, int64_t now_s,
                     row_seen each, void *context)
{
    struct database_cell cells[TEXT_ITEMS_MAX];
    struct slice keys[TEXT_ITEMS_MAX];
    const struct database_row seen = {.table = table->name,
                                      .partition_key = keys,
                                      .has_clustering = table->clustering >= 0 && row != NULL,
                                      .clustering = row == NULL ? 0 : row->clustering,
                                      .cells = cells,
                                      .cell_count = table->column_count};
    db_rows_key_cells(table, key, keys);
    for (unsigned i = 0; i < table->column_count; i++)
        cells[i] = seen_cell(slice, table->columns[i].role == DB_STATIC ? slice->statics : row,
                             table->columns[i].cell, now_s);
    each(context, &seen);
}

static size_t each_of_slice(const struct store_table *table, struct slice key,
                            const struct store_slice *slice, int64_t from, int64_t to,
                            int64_t now_s, row_seen each, void *context)
{
    size_t count = 0;
    for (size_t i = store_row_at(slice, from);
         i < slice->row_count && slice->rows[i]->clustering <= to; i++) {
        if (!store_row_lives(slice, slice->rows[i], table, now_s))
            continue;
        count++;
        if (each != NULL)
            tell_row(table, key, slice, slice->rows[i], now_s, each, context);
    }
    if (count == 0 && from == INT64_MIN && to == INT64_MAX && slice->statics != NULL &&
        store_row_lives(slice, slice->statics, table, now_s)) {
        count++;
        if (each != NULL)
            tell_row(table, key, slice, NULL, now_s, each, context);
    }
    return count;
}

static size_t each_of_partition(struct database *db, const struct store_table *table,
                                struct slice key, int64_t from, int64_t to, database_copies wanted,
                                row_seen each, void *context)
{
    unsigned replicas[DATABASE_REPLICAS_MAX];
    int64_t token = murmur3_token(key.data, key.len), now_s = db_now_us(db) / SECOND_US;
    unsigned copies = db_replicas(db, table->keyspace, token, replicas);
    const struct store_slice *only = NULL;
    struct store_slice merged;
    unsigned found = 0;

    arena_reset(&db->scratch);
    store_slice_init(&merged);
    for (unsigned i = 0; i < copies; i++) {
        if ((wanted & 1u << i) == 0)
            continue;
        const struct store_partition *partition =
            store_find(&db->nodes[replicas[i]].store, table, key, token);
        if (partition == NULL)
            continue;
        found++;
        only = &partition->all;
    }
    if (found == 1) /* nothing to merge */
        return each_of_slice(table, key, only, from, to, now_s, each, context);
    for (unsigned i = 0; i < copies && found > 0; i++) {
        const struct store_partition *partition =
            (wanted & 1u << i) == 0 ? NULL
                                    : store_find(&db->nodes[replicas[i]].store, table, key, token);
        if (partition != NULL)
            store_merge(&merged, &partition->all, from, to, table, &db->scratch);
    }
    return each_of_slice(table, key, &merged, from, to, now_s, each, context);
}

size_t database_each_in(const struct database *db, const char *keyspace, const char *table,
                        struct slice key, int64_t from, int64_t to, database_copies copies,
                        row_seen each, void *context)
{
    const struct store_table *found = newest(db, keyspace, table);
    return found == NULL ? 0
                         : each_of_partition((struct database *)(uintptr_t)db, found, key, from, to,
                                             copies, each, context);
}

/* Is this node the first of the partition's replicas that holds it? Then it is its turn to name it.
 */
static bool names_it(const struct database *db, const struct store_partition *partition,
                     unsigned node)
{
    unsigned replicas[DATABASE_REPLICAS_MAX];
    unsigned copies = db_replicas(db, partition->table->keyspace, partition->token, replicas);
    for (unsigned i = 0; i < copies; i++)
        if (replicas[i] == node || store_find(&db->nodes[replicas[i]].store, partition->table,
                                              partition->key, partition->token) != NULL)
            return replicas[i] == node;
    return false;
}

size_t database_each(const struct database *db, const char *keyspace, const char *table,
                     database_copies copies, row_seen each, void *context)
{
    const struct store_table *found = newest(db, keyspace, table);
    size_t count = 0;
    for (unsigned i = 0; found != NULL && i < db->node_count; i++)
        for (const struct store_partition *it = db->nodes[i].store.by_table[found->index];
             it != NULL; it = it->next_in_table)
            if (names_it(db, it, i))
                count += each_of_partition((struct database *)(uintptr_t)db, found, it->key,
                                           INT64_MIN, INT64_MAX, copies, each, context);
    return count;
}

bool database_log_row(const struct database *db, const char *keyspace, const char *table,
                      int32_t partition, int64_t segment, int64_t offset, database_copies copies,
                      row_seen each, void *context)
{
    uint8_t key[2 + 4 + 1 + 2 + 8 + 1] = {0};
    be16_store(key, 4);
    be32_store(key + 2, (uint32_t)partition);
    be16_store(key + 7, 8);
    be64_store(key + 9, (uint64_t)segment);
    return database_each_in(db, keyspace, table, slice_make(key, sizeof(key)), offset, offset,
                            copies, each, context) > 0;
}

/* --- for people --- */

static void print_row(const struct store_table *table, const struct store_slice *slice,
                      const struct store_row *row)
{
    (void)fprintf(stderr, "      %lld:", (long long)row->clustering);
    if (row->marker_us != STORE_NEVER_US)
        (void)fprintf(stderr, " marker@%lld", (long long)row->marker_us);
    if (row->deleted_us != STORE_NEVER_US)
        (void)fprintf(stderr, " deleted@%lld", (long long)row->deleted_us);
    for (unsigned i = 0; i < table->column_count; i++) {
        const struct store_column *column = &table->columns[i];
        if (column->cell < 0 || row->cells[column->cell].kind == CELL_ABSENT)
            continue;
        const struct store_cell *cell = &row->cells[column->cell];
        (void)fprintf(stderr, " %s%s@%lld(%zu)", column->name,
                      cell->kind == CELL_TOMBSTONE ? "=null" : "", (long long)cell->at_us,
                      cell->value.len);
    }
    (void)fprintf(stderr, " shadow@%lld\n", (long long)store_shadow_us(slice, row));
}

static void print_replica(const struct database *db, unsigned node,
                          const struct store_partition *partition)
{
    const struct store_slice *all = &partition->all;
    (void)fprintf(stderr, "    node %u (%s): partition deleted @%lld\n", node,
                  database_runs(db, node) ? "runs" : "dead", (long long)all->deleted_us);
    for (size_t i = 0; i < all->range_count; i++)
        (void)fprintf(stderr, "      delete [%lld, %lld] @%lld\n", (long long)all->ranges[i].from,
                      (long long)all->ranges[i].to, (long long)all->ranges[i].at_us);
    if (all->statics != NULL)
        print_row(partition->table, all, all->statics);
    for (size_t i = 0; i < all->row_count; i++)
        print_row(partition->table, all, all->rows[i]);
    (void)fprintf(stderr, "      paxos promised %lld accepted %lld committed %lld\n",
                  (long long)partition->paxos.promised.us, (long long)partition->paxos.accepted.us,
                  (long long)partition->paxos.committed.us);
}

void database_print(const struct database *db, const char *keyspace, const char *table,
                    struct slice key)
{
    const struct store_table *found = newest(db, keyspace, table);
    int64_t token = murmur3_token(key.data, key.len);
    (void)fprintf(stderr, "  %s.%s, key of %zu bytes, token %lld\n", keyspace, table, key.len,
                  (long long)token);
    for (unsigned i = 0; found != NULL && i < db->node_count; i++) {
        const struct store_partition *partition =
            store_find(&db->nodes[i].store, found, key, token);
        if (partition != NULL)
            print_replica(db, i, partition);
    }
}
