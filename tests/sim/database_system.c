/* system.local, system.peers, system_views.settings and system_schema, as each node shows them. */
#include <stdio.h>
#include <stdlib.h>

#include "proto/endian.h"
#include "tests/sim/database_internal.h"

#define CELLS_MAX 12

struct system_row { /* in the order of the table's columns */
    struct slice cells[CELLS_MAX];
};

struct system_reader {
    struct db_request *request;
    const struct db_bound *bound;
    struct row_writer writer;
    struct slice wanted[CELLS_MAX]; /* of WHERE; data NULL: any */
};

bool db_system_is(const struct db_statement *statement)
{
    return statement->keyspace != NULL && strncmp(statement->keyspace, "system", 6) == 0;
}

const struct store_table *db_system_table(const struct database *db,
                                          const struct db_statement *statement)
{
    const struct store_table *table =
        db_schema_table_find(db, statement->keyspace, statement->table, db->schema);
    if (table == NULL)
        db_die("no such system table", statement->table);
    return table;
}

static struct slice kept(struct system_reader *reader, const void *bytes, size_t len)
{
    return arena_copy(&reader->request->arena, slice_make(bytes, len));
}

static struct slice kept_int(struct system_reader *reader, int32_t value)
{
    uint8_t bytes[4];
    be32_store(bytes, (uint32_t)value);
    return kept(reader, bytes, 4);
}

static void emit(struct system_reader *reader, const struct system_row *row)
{
    struct database *db = reader->request->base.db;
    const struct db_statement *s = reader->bound->statement;
    const struct store_table *table = reader->bound->table;
    for (unsigned i = 0; i < table->column_count; i++)
        if (reader->wanted[i].data != NULL && !slice_equal(reader->wanted[i], row->cells[i]))
            return;
    for (unsigned i = 0; s->item_count == 0 && i < table->column_count; i++)
        db_rows_cell(db, row->cells[table->ordered[i]]);
    for (unsigned i = 0; i < s->item_count; i++) {
        uint8_t now[8];
        be64_store(now, (uint64_t)(db_clock_us(db, reader->request->base.coordinator) / MS_US));
        db_rows_cell(db, s->items[i].function == DB_NOW
                             ? slice_make(now, 8)
                             : row->cells[store_column(table, s->items[i].column)]);
    }
    reader->writer.rows++;
}

static struct slice schema_version(struct system_reader *reader, unsigned node)
{
    uint8_t id[16] = {0};
    be64_store(id + 8, UINT64_C(0x8000000000000000) + reader->request->base.db->nodes[node].schema);
    return kept(reader, id, 16);
}

/* set<text> with the one token of a node: the last of the range that is its own. */
static struct slice tokens(struct system_reader *reader, unsigned node)
{
    const struct database *db = reader->request->base.db;
    uint64_t range = UINT64_MAX / db->node_count + 1;
    uint64_t last = node + 1 == db->node_count ? UINT64_MAX : range * (node + 1) - 1;
    uint8_t set[8 + 24];
    char text[24];
    int len = snprintf(text, sizeof(text), "%lld", (long long)(last ^ UINT64_C(1) << 63));
    be32_store(set, 1);
    be32_store(set + 4, (uint32_t)len);
    memcpy(set + 8, text, (size_t)len);
    return kept(reader, set, 8 + (size_t)len);
}

static struct slice address(struct system_reader *reader, unsigned node)
{
    const char *text = reader->request->base.db->nodes[node].address;
    uint8_t bytes[4];
    for (size_t i = 0; i < 4; i++) {
        char *end;
        bytes[i] = (uint8_t)strtoul(text, &end, 10);
        text = end + 1;
    }
    return kept(reader, bytes, sizeof(bytes));
}

static void read_local(struct system_reader *reader)
{
    const struct database *db = reader->request->base.db;
    const struct db_node *node = &db->nodes[reader->request->base.coordinator];
    const struct system_row row = {{SLICE_LITERAL("local"), SLICE_LITERAL("Simulated Cluster"),
                                    slice_cstr(db->config.data_center), SLICE_LITERAL("5.0.6"),
                                    SLICE_LITERAL("org.apache.cassandra.dht.Murmur3Partitioner"),
                                    slice_make(node->host_id, 16),
                                    schema_version(reader, node->index), SLICE_LITERAL("rack1"),
                                    tokens(reader, node->index), address(reader, node->index)}};
    emit(reader, &row);
}

static void read_peers(struct system_reader *reader)
{
    const struct database *db = reader->request->base.db;
    for (unsigned i = 0; i < db->node_count; i++) {
        const struct system_row row = {{address(reader, i), slice_cstr(db->config.data_center),
                                        slice_make(db->nodes[i].host_id, 16),
                                        schema_version(reader, i), SLICE_LITERAL("rack1"),
                                        tokens(reader, i), address(reader, i),
                                        kept_int(reader, 9042)}}; /* the last: peers_v2 */
        if (i != reader->request->base.coordinator)
            emit(reader, &row);
    }
}

static void read_settings(struct system_reader *reader)
{
    const struct database *db = reader->request->base.db;
    const struct system_row rows[] = {
        {{SLICE_LITERAL("commitlog_sync"),
          db->config.commitlog_periodic ? SLICE_LITERAL("periodic") : SLICE_LITERAL("batch")}},
        {{SLICE_LITERAL("native_transport_max_frame_size"), SLICE_LITERAL("16MiB")}},
        {{SLICE_LITERAL("max_mutation_size"), SLICE_LITERAL("16MiB")}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        emit(reader, &rows[i]);
}

static void read_keyspaces(struct system_reader *reader, unsigned version)
{
    const struct database *db = reader->request->base.db;
    for (unsigned i = 0; i < db->keyspace_count; i++) {
        const struct db_keyspace *keyspace = &db->keyspaces[i];
        const struct system_row row = {
            {slice_cstr(keyspace->name), keyspace->replication, SLICE_LITERAL("\1")}};
        if (keyspace->made <= version)
            emit(reader, &row);
    }
}

static void read_tables(struct system_reader *reader, unsigned version)
{
    const struct database *db = reader->request->base.db;
    for (unsigned i = 0; i < db->table_count; i++) {
        const struct store_table *table = db->tables[i];
        const struct system_row row = {{slice_cstr(table->keyspace), slice_cstr(table->name),
                                        slice_make(table->id, 16),
                                        kept_int(reader, table->gc_grace_s),
                                        kept_int(reader, store_default_ttl_s(table, version)),
                                        SLICE_LITERAL("BLOCKING"), SLICE_LITERAL("99p"),
                                        store_compression(table, version)}};
        if (store_is_seen(table, version))
            emit(reader, &row);
    }
}

static void read_columns(struct system_reader *reader, unsigned version)
{
    static const char *const kinds[] = {[DB_PARTITION_KEY] = "partition_key",
                                        [DB_CLUSTERING] = "clustering",
                                        [DB_STATIC] = "static",
                                        [DB_REGULAR] = "regular"};
    const struct database *db = reader->request->base.db;
    for (unsigned i = 0; i < db->table_count; i++)
        for (unsigned c = 0;
             store_is_seen(db->tables[i], version) && c < db->tables[i]->column_count; c++) {
            const struct store_table *table = db->tables[i];
            const struct store_column *column = &table->columns[c];
            const struct system_row row = {
                {slice_cstr(table->keyspace), slice_cstr(table->name), slice_cstr(column->name),
                 slice_cstr(kinds[column->role]), kept_int(reader, column->position),
                 slice_cstr(column->type)}};
            emit(reader, &row);
        }
}

void db_system_select(struct db_request *request, const struct db_bound *bound)
{
    struct system_reader reader = {
        .request = request,
        .bound = bound,
        .writer = {.db = request->base.db, .statement = bound->statement, .table = bound->table}};
    unsigned version = request->base.db->nodes[request->base.coordinator].schema;
    const char *name = bound->table->name;

    for (unsigned i = 0; i < bound->statement->where_count; i++) {
        const struct db_relation *relation = &bound->statement->where[i];
        int column = store_column(bound->table, relation->column);
        struct cql_value value;
        if (!db_statement_value(request, bound, &relation->term, &bound->table->columns[column],
                                &request->arena, &value))
            return;
        reader.wanted[column] = value.bytes;
    }
    db_rows_begin(request->base.db);
    if (strcmp(name, "local") == 0)
        read_local(&reader);
    else if (strncmp(name, "peers", 5) == 0)
        read_peers(&reader);
    else if (strcmp(name, "settings") == 0)
        read_settings(&reader);
    else if (strcmp(name, "keyspaces") == 0)
        read_keyspaces(&reader, version);
    else if (strcmp(name, "tables") == 0)
        read_tables(&reader, version);
    else
        read_columns(&reader, version);
    db_rows_answer(request, &reader.writer, SLICE_NULL);
}
