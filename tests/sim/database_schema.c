/*
 * Keyspaces and tables. There is one list for the whole cluster, in order of schema versions; each
 * node sees it up to the version that it has learnt, the one that executed the DDL first.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cql/frame.h"
#include "proto/endian.h"
#include "tests/sim/database_internal.h"

#define DDL_MIN_US    (50 * MS_US)
#define DDL_MAX_US    (330 * MS_US)
#define SPREAD_MIN_US (200 * MS_US)
#define SPREAD_MAX_US (900 * MS_US)
#define SLOW_US       (20 * SECOND_US)

/* --- types --- */

static const struct {
    const char *name;
    uint16_t id;
} types[] = {
    {"ascii", CQL_TYPE_ASCII},     {"bigint", CQL_TYPE_BIGINT},   {"blob", CQL_TYPE_BLOB},
    {"boolean", CQL_TYPE_BOOLEAN}, {"int", CQL_TYPE_INT},         {"smallint", CQL_TYPE_SMALLINT},
    {"text", CQL_TYPE_VARCHAR},    {"varchar", CQL_TYPE_VARCHAR}, {"timestamp", CQL_TYPE_TIMESTAMP},
    {"uuid", CQL_TYPE_UUID},       {"list", CQL_TYPE_LIST},       {"set", CQL_TYPE_SET},
    {"map", CQL_TYPE_MAP},         {"tuple", CQL_TYPE_TUPLE},     {"inet", CQL_TYPE_INET},
};

/* "frozen<list<int>>" -> list */
static const char *without_frozen(const char *type)
{
    return strncmp(type, "frozen<", 7) == 0 ? type + 7 : type;
}

uint16_t db_schema_type_id(const char *type)
{
    const char *name = without_frozen(type);
    size_t len = strcspn(name, "<>, ");
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strlen(types[i].name) == len && memcmp(types[i].name, name, len) == 0)
            return types[i].id;
    db_die("type not understood", type);
}

/* The next type in the text as an [option]; returns what follows it. Types are our own text. */
static const char *put_option(const char *type, uint8_t *to, size_t *at)
{
    bool frozen = strncmp(type, "frozen<", 7) == 0;
    const char *p = without_frozen(type);
    uint16_t id = db_schema_type_id(p);
    be16_store(to + *at, id);
    *at += 2;
    p += strcspn(p, "<>, ");
    if (*p == '<') {
        size_t count_at = *at, count = 0;
        *at += id == CQL_TYPE_TUPLE ? 2u : 0u;
        for (; *p == '<' || *p == ','; count++) {
            p += strspn(p, "<, ");
            p = put_option(p, to, at);
        }
        if (id == CQL_TYPE_TUPLE)
            be16_store(to + count_at, (uint16_t)count);
        p += *p == '>';
    }
    return frozen && *p == '>' ? p + 1 : p;
}

struct cql_type db_schema_type(const char *type, struct arena *arena)
{
    uint8_t *option = db_take(arena, 64);
    size_t len = 0;
    (void)put_option(type, option, &len);
    return (struct cql_type){.id = db_schema_type_id(type), .option = slice_make(option, len)};
}

/* --- finding --- */

struct db_keyspace *db_schema_keyspace_find(const struct database *db, const char *name)
{
    for (unsigned i = 0; i < db->keyspace_count; i++)
        if (strcmp(db->keyspaces[i].name, name) == 0)
            return (struct db_keyspace *)(uintptr_t)&db->keyspaces[i];
    return NULL;
}

struct store_table *db_schema_table_find(const struct database *db, const char *keyspace,
                                         const char *name, unsigned version)
{
    for (unsigned i = 0; i < db->table_count; i++) {
        struct store_table *table = db->tables[i];
        if (store_is_seen(table, version) && strcmp(table->name, name) == 0 &&
            strcmp(table->keyspace, keyspace) == 0)
            return table;
    }
    return NULL;
}

static struct store_table *newest_table(const struct database *db, const char *keyspace,
                                        const char *name)
{
    return db_schema_table_find(db, keyspace, name, db->schema);
}

/* --- making --- */

static const char *option_of(const struct db_statement *statement, const char *name)
{
    for (unsigned i = 0; i < statement->option_count; i++)
        if (strcmp(statement->options[i].name, name) == 0)
            return statement->options[i].value;
    return NULL;
}

static void parse_id(const char *text, uint8_t id[16])
{
    unsigned digits = 0;
    memset(id, 0, 16);
    for (const char *c = text; *c != '\0' && digits < 32; c++) {
        const char one[2] = {*c, '\0'};
        if (*c == '-')
            continue;
        id[digits / 2] = (uint8_t)(id[digits / 2] * 16u + strtoul(one, NULL, 16));
        digits++;
    }
}

static void put_text(uint8_t *to, size_t *at, const char *text)
{
    size_t len = strlen(text);
    be32_store(to + *at, (uint32_t)len);
    memcpy(to + *at + 4, text, len);
    *at += 4 + len;
}

/* The pairs of an option that is a map, as Cassandra tells them: with the full name of the class.
 * `prefix` ends with a dot; data NULL: there are none. */
static struct slice map_cell(struct database *db, const struct db_statement *statement,
                             const char *prefix, const char *package)
{
    uint8_t *to = db_take(&db->arena, 1024);
    size_t at = 4, len = strlen(prefix);
    uint32_t count = 0;
    for (unsigned i = 0; i < statement->option_count; i++) {
        const char *name = statement->options[i].name, *value = statement->options[i].value;
        char full[300];
        if (strncmp(name, prefix, len) != 0)
            continue;
        (void)snprintf(full, sizeof(full), "%s%s",
                       strcmp(name + len, "class") == 0 && strchr(value, '.') == NULL ? package
                                                                                      : "",
                       value);
        put_text(to, &at, name + len);
        put_text(to, &at, full);
        count++;
    }
    be32_store(to, count);
    return count == 0 ? SLICE_NULL : slice_make(to, at);
}

/* Cassandra's rules: a compressor that it has, or {'enabled': 'false'} and nothing else. */
static struct slice compression_cell(struct database *db, const struct db_statement *statement)
{
    static const char *const classes[] = {"LZ4Compressor", "ZstdCompressor", "SnappyCompressor",
                                          "DeflateCompressor"};
    const char *class = option_of(statement, "compression.class");
    const char *enabled = option_of(statement, "compression.enabled");
    struct slice cell =
        map_cell(db, statement, "compression.", "org.apache.cassandra.io.compress.");
    bool is_known = class == NULL && enabled != NULL && strcmp(enabled, "false") == 0;
    if (cell.data == NULL)
        return cell;
    const char *dot = class == NULL ? NULL : strrchr(class, '.');
    for (size_t i = 0; class != NULL && i < sizeof(classes) / sizeof(classes[0]); i++)
        is_known = is_known || strcmp(dot == NULL ? class : dot + 1, classes[i]) == 0;
    if (!is_known)
        db_die("compression not understood", statement->table);
    return cell;
}

static void make_keyspace(struct database *db, const struct db_statement *statement)
{
    if (db->keyspace_count == KEYSPACE_MAX)
        db_die("too many keyspaces", statement->keyspace);
    struct db_keyspace *keyspace = &db->keyspaces[db->keyspace_count++];
    *keyspace = (struct db_keyspace){.name = statement->keyspace, .copies = 1};
    for (unsigned i = 0; i < statement->option_count; i++)
        if (strncmp(statement->options[i].name, "replication.", 12) == 0 &&
            strcmp(statement->options[i].name, "replication.class") != 0)
            keyspace->copies = (unsigned)strtoul(statement->options[i].value, NULL, 10);
    keyspace->replication = map_cell(db, statement, "replication.", "org.apache.cassandra.locator.");
    keyspace->made = ++db->schema;
}

static int by_kind_and_name(const struct store_column *a, const struct store_column *b)
{
    if (a->role != b->role)
        return a->role < b->role ? -1 : 1;
    if (a->role == DB_PARTITION_KEY || a->role == DB_CLUSTERING)
        return a->position - b->position;
    return strcmp(a->name, b->name);
}

static void order_columns(struct store_table *table)
{
    for (unsigned i = 0; i < table->column_count; i++) {
        unsigned at = i;
        while (at > 0 &&
               by_kind_and_name(&table->columns[table->ordered[at - 1]], &table->columns[i]) > 0) {
            table->ordered[at] = table->ordered[at - 1];
            at--;
        }
        table->ordered[at] = i;
    }
}

static void add_column(struct store_table *table, const struct db_definition *definition)
{
    unsigned index = table->column_count++;
    struct store_column *column = &table->columns[index];
    if (strlen(definition->name) >= sizeof(column->name))
        db_die("column name too long", definition->name);
    (void)snprintf(column->name, sizeof(column->name), "%s", definition->name);
    column->type = definition->type;
    column->role = definition->role;
    column->position = definition->position;
    column->cell = -1;
    if (column->role == DB_PARTITION_KEY) {
        table->keys[column->position] = index;
        table->key_count++;
    } else if (column->role == DB_CLUSTERING) {
        if (column->position > 0)
            db_die("more than one clustering column", column->name);
        table->clustering = (int)index;
    } else {
        column->cell = (int)table->cell_count++;
    }
}

static struct store_table *new_table(struct database *db, const struct db_statement *statement)
{
    struct store_table *table = db_take(&db->arena, sizeof(*table));
    const char *id = option_of(statement, "id"), *value;

    if (db->table_count == TABLES_MAX)
        db_die("too many tables", statement->table);
    table->keyspace = statement->keyspace;
    table->name = statement->table;
    table->index = db->table_count;
    table->clustering = -1;
    table->descending = statement->clustering_descending;
    for (unsigned i = 0; i < statement->column_count; i++)
        add_column(table, &statement->columns[i]);
    order_columns(table);
    be64_store(table->id, UINT64_C(0x1000));
    be64_store(table->id + 8, UINT64_C(0x8000000000000000) + table->index);
    if (id != NULL)
        parse_id(id, table->id);
    value = option_of(statement, "gc_grace_seconds");
    table->gc_grace_s = value == NULL ? 864000 : (int32_t)strtol(value, NULL, 10);
    value = option_of(statement, "default_time_to_live");
    table->settings[table->setting_count].default_ttl_s =
        value == NULL ? 0 : (int32_t)strtol(value, NULL, 10);
    table->settings[table->setting_count++].compression = compression_cell(db, statement);
    db->tables[db->table_count++] = table;
    return table;
}

/* --- executing --- */

struct ddl {
    struct db_operation base;
    const struct db_statement *statement;
};

static void ddl_free(struct db_operation *operation)
{
    free(operation);
}

static void push_event(struct database *db, unsigned node, const struct store_table *table,
                       const char *keyspace, enum cql_push_change change)
{
    struct cql_push push = {
        .kind = CQL_PUSH_SCHEMA,
        .change = change,
        .schema = {.change = change,
                   .target = table == NULL ? CQL_TARGET_KEYSPACE : CQL_TARGET_TABLE,
                   .keyspace = slice_cstr(keyspace),
                   .table = table == NULL ? SLICE_LITERAL("") : slice_cstr(table->name)}};
    struct buf body;
    struct wire wire;
    buf_init(&body, &alloc_heap, SIZE_MAX / 2);
    wire_init_encode(&wire, &body);
    cql_event_walk(&wire, &push);
    LIST_EACH_SAFE (it, after, &db->nodes[node].sessions) {
        struct database_session *session = LIST_ENTRY(it, struct database_session, node);
        if (session->wants_schema)
            db_session_push(session, CQL_EVENT, CQL_STREAM_EVENT, buf_unread(&body));
    }
    buf_deinit(&body);
}

/* Statements of a table that was changed have to be prepared again. */
static void evict_table(struct db_node *node, const struct store_table *table)
{
    size_t kept = 0;
    for (size_t i = 0; i < node->prepared_count; i++) {
        const struct db_statement *statement = node->prepared[i]->statement;
        if (strcmp(statement->table, table->name) != 0 ||
            strcmp(statement->keyspace, table->keyspace) != 0)
            node->prepared[kept++] = node->prepared[i];
    }
    node->prepared_count = kept;
}

static void learn_table(struct database *db, unsigned node, const struct store_table *table,
                        unsigned before, unsigned version)
{
    if (table->made > before && table->made <= version)
        push_event(db, node, table, table->keyspace, CQL_CHANGE_CREATED);
    for (unsigned i = 1; i < table->setting_count; i++)
        if (table->settings[i].version > before && table->settings[i].version <= version) {
            evict_table(&db->nodes[node], table);
            push_event(db, node, table, table->keyspace, CQL_CHANGE_UPDATED);
        }
    if (table->dropped > before && table->dropped <= version) {
        evict_table(&db->nodes[node], table);
        push_event(db, node, table, table->keyspace, CQL_CHANGE_DROPPED);
    }
}

/* The node's view grows, and its clients hear of it. */
static void learn(struct database *db, unsigned node, unsigned version)
{
    unsigned before = db->nodes[node].schema;
    if (version <= before)
        return;
    db->nodes[node].schema = version;
    db_trace(db, "node %u has schema %u", node, version);
    for (unsigned i = 0; i < db->keyspace_count; i++)
        if (db->keyspaces[i].made > before && db->keyspaces[i].made <= version)
            push_event(db, node, NULL, db->keyspaces[i].name, CQL_CHANGE_CREATED);
    for (unsigned i = 0; i < db->table_count; i++)
        learn_table(db, node, db->tables[i], before, version);
}

static void learn_event(struct db_event *event)
{
    learn(event->db, event->at, event->step);
}

void db_schema_catch_up(struct database *db, unsigned node, int64_t delay_us)
{
    if (db->nodes[node].schema < db->schema)
        db_at_node(db, node, delay_us, learn_event, NULL)->step = db->schema;
}

static void spread(struct db_operation *operation)
{
    struct database *db = operation->db;
    for (unsigned i = 0; i < db->node_count; i++) {
        int64_t delay_us =
            db_draw_between(db, operation->key, i, PURPOSE_SCHEMA, SPREAD_MIN_US, SPREAD_MAX_US);
        if (i == operation->coordinator)
            continue;
        if (db_fires(db, DATABASE_SCHEMA_SLOW, operation->key, i))
            delay_us = db_draw_between(db, operation->key, i, PURPOSE_SCHEMA, SECOND_US, SLOW_US);
        db_schema_catch_up(db, i, delay_us);
    }
}

static void answer_change(struct db_request *request, const struct db_statement *statement)
{
    struct cql_result result = {
        .kind = CQL_RESULT_SCHEMA_CHANGE,
        .schema = {
            .change = statement->kind == DB_DROP_TABLE ? CQL_CHANGE_DROPPED : CQL_CHANGE_CREATED,
            .target =
                statement->kind == DB_CREATE_KEYSPACE ? CQL_TARGET_KEYSPACE : CQL_TARGET_TABLE,
            .keyspace = slice_cstr(statement->keyspace),
            .table = statement->table == NULL ? SLICE_LITERAL("") : slice_cstr(statement->table)}};
    struct buf body;
    struct wire wire;
    buf_init(&body, &alloc_heap, SIZE_MAX / 2);
    wire_init_encode(&wire, &body);
    cql_result_walk(&wire, &result);
    db_request_answer(request, CQL_RESULT, buf_unread(&body));
    buf_deinit(&body);
}

static void alter(struct database *db, struct store_table *table,
                  const struct db_statement *statement)
{
    const char *ttl = option_of(statement, "default_time_to_live");
    if (table->setting_count == STORE_SETTINGS_MAX)
        db_die("altered too often", table->name);
    table->settings[table->setting_count] = table->settings[table->setting_count - 1];
    table->settings[table->setting_count].version = ++db->schema;
    if (ttl != NULL)
        table->settings[table->setting_count].default_ttl_s = (int32_t)strtol(ttl, NULL, 10);
    struct slice compression = compression_cell(db, statement);
    if (compression.data != NULL)
        table->settings[table->setting_count].compression = compression;
    table->setting_count++;
}

/* It is there already, or not there. */
static void answer_unchanged(struct db_request *request, const struct db_statement *statement,
                             bool exists)
{
    struct cql_error error = {.code = CQL_ERROR_ALREADY_EXISTS,
                              .message = SLICE_LITERAL("Object already exists"),
                              .keyspace = slice_cstr(statement->keyspace),
                              .table = slice_cstr(statement->table)};
    if (request == NULL)
        return;
    if (statement->if_not_exists || statement->if_exists)
        db_request_void(request);
    else if (exists)
        db_request_error(request, &error);
    else
        db_request_refuse(request, CQL_ERROR_INVALID, "Table '%s.%s' doesn't exist",
                          statement->keyspace, statement->table);
}

/* false: it is refused, or there is nothing to do (answered in both cases, if there is a request).
 */
static bool change(struct database *db, struct db_request *request,
                   const struct db_statement *statement)
{
    bool is_keyspace = statement->kind == DB_CREATE_KEYSPACE;
    bool keyspace_exists = db_schema_keyspace_find(db, statement->keyspace) != NULL;
    bool makes = is_keyspace || statement->kind == DB_CREATE_TABLE;
    struct store_table *table =
        is_keyspace ? NULL : newest_table(db, statement->keyspace, statement->table);
    bool exists = is_keyspace ? keyspace_exists : table != NULL;

    if (!is_keyspace && !keyspace_exists) {
        db_request_refuse(request, CQL_ERROR_INVALID, "keyspace %s does not exist",
                          statement->keyspace);
        return false;
    }
    if (makes == exists) {
        answer_unchanged(request, statement, exists);
        return false;
    }
    if (is_keyspace)
        make_keyspace(db, statement);
    else if (statement->kind == DB_CREATE_TABLE)
        new_table(db, statement)->made = ++db->schema;
    else if (statement->kind == DB_ALTER_TABLE)
        alter(db, table, statement);
    else
        table->dropped = ++db->schema;
    return true;
}

static void ddl_done(struct db_event *event)
{
    struct ddl *ddl = (struct ddl *)(void *)event->operation;
    struct database *db = event->db;
    if (change(db, ddl->base.request, ddl->statement)) {
        spread(&ddl->base);
        answer_change(ddl->base.request, ddl->statement);
    }
    learn(db, event->at, db->schema);
}

void db_schema_execute(struct db_request *request, const struct db_statement *statement)
{
    struct database *db = request->base.db;
    struct ddl *ddl = calloc(1, sizeof(*ddl));
    int64_t now_us = db_now_us(db);
    int64_t took_us =
        db_draw_between(db, request->base.key, 0, PURPOSE_SCHEMA, DDL_MIN_US, DDL_MAX_US);
    if (ddl == NULL)
        abort();
    db_operation_init(&ddl->base, db, request->base.coordinator, request->base.key, request,
                      ddl_free);
    ddl->statement = statement;
    if (db->schema_free_us < now_us)
        db->schema_free_us = now_us;
    db->schema_free_us += took_us;
    (void)db_at_node(db, request->base.coordinator, db->schema_free_us - now_us, ddl_done,
                     &ddl->base);
    db_operation_unref(&ddl->base);
}

void db_schema_run(struct database *db, const struct db_statement *statement)
{
    if (change(db, NULL, statement))
        for (unsigned i = 0; i < db->node_count; i++)
            learn(db, i, db->schema);
}

static void run_text(struct database *db, const char *text)
{
    struct db_statement *statement = db_text_parse(slice_cstr(text), &db->arena);
    if (statement == NULL)
        db_die("statement not understood", text);
    db_schema_run(db, statement);
}

/* The system tables have columns only: database_system.c makes their rows. */
void db_schema_init(struct database *db)
{
    static const char *const texts[] = {
        "CREATE KEYSPACE system WITH replication = {'class': 'LocalStrategy'}",
        "CREATE KEYSPACE system_schema WITH replication = {'class': 'LocalStrategy'}",
        "CREATE KEYSPACE system_views WITH replication = {'class': 'LocalStrategy'}",
        "CREATE TABLE system.local (key text PRIMARY KEY, cluster_name text, data_center text, "
        "release_version text, partitioner text, host_id uuid, schema_version uuid, rack text, "
        "tokens set<text>, rpc_address inet)",
        "CREATE TABLE system.peers (peer inet PRIMARY KEY, data_center text, host_id uuid, "
        "schema_version uuid, rack text, tokens set<text>, rpc_address inet)",
        "CREATE TABLE system.peers_v2 (peer inet PRIMARY KEY, data_center text, host_id uuid, "
        "schema_version uuid, rack text, tokens set<text>, native_address inet, native_port int)",
        "CREATE TABLE system_views.settings (name text PRIMARY KEY, value text)",
        "CREATE TABLE system_schema.keyspaces (keyspace_name text PRIMARY KEY, replication "
        "frozen<map<text, text>>, durable_writes boolean)",
        "CREATE TABLE system_schema.tables (keyspace_name text, table_name text, id uuid, "
        "gc_grace_seconds int, default_time_to_live int, read_repair text, speculative_retry "
        "text, compression frozen<map<text, text>>, PRIMARY KEY ((keyspace_name, table_name)))",
        "CREATE TABLE system_schema.columns (keyspace_name text, table_name text, column_name "
        "text, kind text, position int, type text, PRIMARY KEY ((keyspace_name, table_name, "
        "column_name)))",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        run_text(db, texts[i]);
}
