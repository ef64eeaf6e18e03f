#include "tests/support/fake_db.h"

#include <stdio.h>
#include <stdlib.h>

#include "cql/value.h"
#include "tests/support/fake_cql.h"

#define COLUMNS_MAX 24
#define FAULTS_MAX  16

struct column {
    char name[40];
    char type[48];
    bool is_key;
};

struct row {
    struct row *next;
    struct slice cells[COLUMNS_MAX]; /* owned; data NULL: null */
};

struct table {
    struct table *next;
    char name[300]; /* keyspace.table */
    struct column columns[COLUMNS_MAX];
    unsigned column_count;
    struct row *rows;
};

struct text {
    struct text *next;
    char *chars;
    struct slice frame; /* of a late statement: the request's body */
};

struct fault {
    const char *part;
    enum fake_fault kind;
    unsigned times;
};

struct fake_db {
    struct table *tables;
    struct text *seen;
    struct text *late;
    struct fault faults[FAULTS_MAX];
    int64_t wall_us, ahead_ms;
    unsigned ids;
    struct buf result; /* of the last statement */
    struct arena arena;
};

static void die(const char *what, const char *text)
{
    (void)fprintf(stderr, "fake_db: %s: %s\n", what, text);
    abort();
}

static void *take(size_t bytes)
{
    void *block = calloc(1, bytes);
    if (block == NULL)
        abort();
    return block;
}

static struct slice copy(struct slice bytes)
{
    if (bytes.data == NULL)
        return SLICE_NULL;
    uint8_t *to = take(bytes.len + 1);
    memcpy(to, bytes.data, bytes.len);
    return slice_make(to, bytes.len);
}

static void drop(struct slice *cell)
{
    free((void *)(uintptr_t)cell->data);
    *cell = SLICE_NULL;
}

/* --- tables --- */

static struct table *find_table(const struct fake_db *db, const char *name)
{
    for (struct table *table = db->tables; table != NULL; table = table->next)
        if (strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

static int find_column(const struct table *table, const char *name)
{
    for (unsigned i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return (int)i;
    return -1;
}

static unsigned column_of(const struct table *table, const char *name)
{
    int column = find_column(table, name);
    if (column < 0)
        die("no such column", name);
    return (unsigned)column;
}

static bool row_matches(const struct row *row, const struct fake_pair *pairs, unsigned count,
                        const struct table *table)
{
    for (unsigned i = 0; i < count; i++) {
        struct slice cell = row->cells[column_of(table, pairs[i].column)];
        if ((cell.data == NULL) != (pairs[i].value.data == NULL) ||
            !slice_equal(cell, pairs[i].value))
            return false;
    }
    return true;
}

static struct row *find_row(const struct table *table, const struct fake_pair *where,
                            unsigned count)
{
    for (struct row *row = table->rows; row != NULL; row = row->next)
        if (row_matches(row, where, count, table))
            return row;
    return NULL;
}

static void set_cells(const struct table *table, struct row *row, const struct fake_pair *set,
                      unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        unsigned column = column_of(table, set[i].column);
        drop(&row->cells[column]);
        row->cells[column] = copy(set[i].value);
    }
}

static struct row *add_row(struct table *table)
{
    struct row **at = &table->rows;
    while (*at != NULL)
        at = &(*at)->next;
    *at = take(sizeof(**at));
    return *at;
}

static void remove_row(struct table *table, struct row *row)
{
    struct row **at = &table->rows;
    while (*at != row)
        at = &(*at)->next;
    *at = row->next;
    for (unsigned i = 0; i < COLUMNS_MAX; i++)
        drop(&row->cells[i]);
    free(row);
}

/* --- results --- */

static void put(struct fake_db *db, struct slice bytes)
{
    if (buf_append(&db->result, bytes) < 0)
        abort();
}

static void put_int(struct fake_db *db, int32_t value)
{
    uint8_t bytes[4];
    be32_store(bytes, (uint32_t)value);
    put(db, slice_make(bytes, 4));
}

static void put_short(struct fake_db *db, uint16_t value)
{
    uint8_t bytes[2];
    be16_store(bytes, value);
    put(db, slice_make(bytes, 2));
}

static void put_string(struct fake_db *db, const char *text)
{
    put_short(db, (uint16_t)strlen(text));
    put(db, slice_cstr(text));
}

static void put_cell(struct fake_db *db, struct slice cell)
{
    put_int(db, cell.data == NULL ? -1 : (int32_t)cell.len);
    if (cell.len > 0)
        put(db, cell);
}

static void begin_result(struct fake_db *db, int32_t kind)
{
    buf_reset(&db->result);
    put_int(db, kind);
}

static void begin_rows(struct fake_db *db, const char *const *names, unsigned count)
{
    begin_result(db, CQL_RESULT_ROWS);
    put_int(db, CQL_METADATA_GLOBAL_SPEC);
    put_int(db, (int32_t)count);
    put_string(db, "k");
    put_string(db, "t");
    for (unsigned i = 0; i < count; i++) {
        put_string(db, names[i]);
        put_short(db, CQL_TYPE_BLOB); /* nobody looks */
    }
}

static unsigned select_rows(struct fake_db *db, const struct fake_statement *statement)
{
    const struct table *table = find_table(db, statement->table);
    const char *names[COLUMNS_MAX];
    unsigned count = statement->set_count, found = 0;
    for (unsigned i = 0; i < statement->set_count; i++)
        names[i] = statement->set[i].column;
    if (count == 0) /* "*" */
        for (; count < table->column_count; count++)
            names[count] = table->columns[count].name;
    begin_rows(db, names, count);
    for (const struct row *row = table->rows; row != NULL; row = row->next)
        found += row_matches(row, statement->where, statement->where_count, table);
    put_int(db, (int32_t)found);
    for (const struct row *row = table->rows; row != NULL; row = row->next)
        for (unsigned i = 0;
             i < count && row_matches(row, statement->where, statement->where_count, table); i++)
            put_cell(db, row->cells[column_of(table, names[i])]);
    return found;
}

static void put_applied(struct fake_db *db, bool applied, const struct table *table,
                        const struct row *row, const struct fake_statement *statement)
{
    const char *names[COLUMNS_MAX + 1] = {"[applied]"};
    uint8_t byte = applied;
    unsigned count = 1;
    if (!applied && row != NULL && statement->if_not_exists)
        for (unsigned i = 0; i < table->column_count; i++)
            names[count++] = table->columns[i].name;
    else if (!applied && row != NULL)
        for (unsigned i = 0; i < statement->condition_count; i++)
            names[count++] = statement->condition[i].column;
    begin_rows(db, names, count);
    put_int(db, 1);
    put_cell(db, slice_make(&byte, 1));
    for (unsigned i = 1; i < count; i++)
        put_cell(db, row->cells[column_of(table, names[i])]);
}

/* --- statements --- */

static unsigned write_row(struct fake_db *db, const struct fake_statement *statement)
{
    struct table *table = find_table(db, statement->table);
    bool insert = statement->kind == FAKE_INSERT, applied = true;
    struct fake_pair key[COLUMNS_MAX];
    unsigned keys = 0;
    for (unsigned i = 0; insert && i < statement->set_count; i++)
        if (table->columns[column_of(table, statement->set[i].column)].is_key)
            key[keys++] = statement->set[i];
    struct row *row = insert ? find_row(table, key, keys)
                             : find_row(table, statement->where, statement->where_count);
    if (statement->if_not_exists)
        applied = row == NULL;
    else if (statement->condition_count > 0)
        applied = row != NULL &&
                  row_matches(row, statement->condition, statement->condition_count, table);
    if (statement->if_not_exists || statement->condition_count > 0)
        put_applied(db, applied, table, row, statement);
    else
        begin_result(db, CQL_RESULT_VOID);
    if (!applied)
        return 0;
    if (statement->kind == FAKE_DELETE) {
        if (row != NULL)
            remove_row(table, row);
        return 1;
    }
    if (row == NULL) {
        row = add_row(table);
        set_cells(table, row, statement->where, insert ? 0 : statement->where_count);
    }
    set_cells(table, row, statement->set, statement->set_count);
    return 1;
}

static void run_text(struct fake_db *db, const char *text, const struct cql_query *query);

/* What CREATE or ALTER TABLE said of it, into the row of system_schema.tables. */
static void describe_compression(struct fake_db *db, const struct fake_statement *statement)
{
    struct table *table = find_table(db, "system_schema.tables");
    const char *dot = strchr(statement->table, '.');
    const struct fake_pair key[] = {
        {"keyspace_name", slice_make(statement->table, (size_t)(dot - statement->table))},
        {"table_name", slice_cstr(dot + 1)}};
    const struct fake_pair set[] = {{"compression", statement->map}};
    if (statement->map.data != NULL)
        set_cells(table, find_row(table, key, 2), set, 1);
}

/* The row of system_schema.tables, and one of .columns each. */
static void describe_table(struct fake_db *db, const struct fake_statement *statement)
{
    char keyspace[64], text[600];
    const char *dot = strchr(statement->table, '.');
    (void)snprintf(keyspace, sizeof(keyspace), "%.*s", (int)(dot - statement->table),
                   statement->table);
    if (strncmp(keyspace, "system", 6) == 0)
        return;
    char id[40];
    (void)snprintf(id, sizeof(id), "00000000-0000-1000-8000-%012x", ++db->ids);
    (void)snprintf(
        text, sizeof(text),
        "INSERT INTO system_schema.tables (keyspace_name, table_name, id, default_time_to_live, "
        "gc_grace_seconds, read_repair, speculative_retry) VALUES ('%s', '%s', %s, %s, 864000, "
        "'BLOCKING', '99p')",
        keyspace, dot + 1, statement->id[0] != '\0' ? statement->id : id,
        statement->ttl[0] != '\0' ? statement->ttl : "0");
    run_text(db, text, NULL);
    describe_compression(db, statement);
    int32_t clustering = -1, partition = -1;
    for (unsigned i = 0; i < statement->defined_count; i++) {
        const struct fake_column *column = &statement->defined[i];
        (void)snprintf(
            text, sizeof(text),
            "INSERT INTO system_schema.columns (keyspace_name, table_name, column_name, kind, "
            "position, type) VALUES ('%s', '%s', '%s', '%s', %d, '%s')",
            keyspace, dot + 1, column->name,
            column->is_partition ? "partition_key"
            : column->is_key     ? "clustering"
                                 : "regular",
            column->is_partition ? ++partition
            : column->is_key     ? ++clustering
                                 : -1,
            column->type);
        run_text(db, text, NULL);
    }
}

static void create_table(struct fake_db *db, const struct fake_statement *statement)
{
    begin_result(db, CQL_RESULT_VOID);
    if (find_table(db, statement->table) != NULL)
        return;
    struct table *table = take(sizeof(*table));
    (void)snprintf(table->name, sizeof(table->name), "%s", statement->table);
    for (unsigned i = 0; i < statement->defined_count; i++) {
        struct column *column = &table->columns[table->column_count++];
        (void)snprintf(column->name, sizeof(column->name), "%s", statement->defined[i].name);
        (void)snprintf(column->type, sizeof(column->type), "%s", statement->defined[i].type);
        column->is_key = statement->defined[i].is_key;
    }
    table->next = db->tables;
    db->tables = table;
    describe_table(db, statement);
    begin_result(db, CQL_RESULT_VOID);
}

static void alter_table(struct fake_db *db, const struct fake_statement *statement)
{
    char text[600];
    const char *dot = strchr(statement->table, '.');

    if (find_table(db, statement->table) == NULL)
        die("no such table", statement->table);
    (void)snprintf(text, sizeof(text),
                   "UPDATE system_schema.tables SET default_time_to_live = %s WHERE keyspace_name "
                   "= '%.*s' AND table_name = '%s'",
                   statement->ttl, (int)(dot - statement->table), statement->table, dot + 1);
    if (statement->ttl[0] != '\0')
        run_text(db, text, NULL);
    describe_compression(db, statement);
    begin_result(db, CQL_RESULT_VOID);
}

static void drop_table(struct fake_db *db, const struct fake_statement *statement)
{
    char text[600];
    const char *dot = strchr(statement->table, '.');
    struct table **at = &db->tables;

    while (*at != NULL && strcmp((*at)->name, statement->table) != 0)
        at = &(*at)->next;
    if (*at != NULL) {
        struct table *table = *at;
        *at = table->next;
        while (table->rows != NULL)
            remove_row(table, table->rows);
        free(table);
        (void)snprintf(text, sizeof(text),
                       "DELETE FROM system_schema.tables WHERE keyspace_name = '%.*s' AND "
                       "table_name = '%s'",
                       (int)(dot - statement->table), statement->table, dot + 1);
        run_text(db, text, NULL);
        struct table *columns = find_table(db, "system_schema.columns");
        struct slice name = slice_cstr(dot + 1);
        const struct fake_pair of_table = {"table_name", name};
        for (struct row *row; (row = find_row(columns, &of_table, 1)) != NULL;)
            remove_row(columns, row);
    }
    begin_result(db, CQL_RESULT_VOID);
}

static void create_keyspace(struct fake_db *db, const struct fake_statement *statement)
{
    struct table *table = find_table(db, "system_schema.keyspaces");
    const uint8_t durable = 1;
    const struct fake_pair set[] = {{"keyspace_name", slice_cstr(statement->table)},
                                    {"replication", statement->map},
                                    {"durable_writes", slice_make(&durable, 1)}};
    if (find_row(table, set, 1) == NULL)
        set_cells(table, add_row(table), set, 3);
    begin_result(db, CQL_RESULT_VOID);
}

static const char *type_of(void *context, const char *table_name, const char *column)
{
    const struct table *table = find_table(context, table_name);
    if (table == NULL)
        die("no such table", table_name);
    return table->columns[column_of(table, column)].type;
}

static unsigned found;

static void run_text(struct fake_db *db, const char *text, const struct cql_query *query)
{
    struct fake_statement *statement = take(sizeof(*statement));
    fake_cql_parse(text, query, type_of, db, statement);
    found = 0;
    switch (statement->kind) {
    case FAKE_SELECT:
        found = select_rows(db, statement);
        break;
    case FAKE_INSERT:
    case FAKE_UPDATE:
    case FAKE_DELETE:
        found = write_row(db, statement);
        break;
    case FAKE_CREATE_TABLE:
        create_table(db, statement);
        break;
    case FAKE_ALTER_TABLE:
        alter_table(db, statement);
        break;
    case FAKE_DROP_TABLE:
        drop_table(db, statement);
        break;
    case FAKE_CREATE_KEYSPACE:
        create_keyspace(db, statement);
        break;
    }
    fake_cql_forget(statement);
    free(statement);
}

unsigned fake_db_run(struct fake_db *db, const char *text)
{
    run_text(db, text, NULL);
    return found;
}

struct slice fake_db_cell(struct fake_db *db, const char *text)
{
    struct cql_result result;
    run_text(db, text, NULL);
    arena_reset(&db->arena);
    if (cql_result_open(buf_unread(&db->result), &db->arena, &result) < 0)
        die("own result not understood", text);
    return cql_result_next_row(&result) ? cql_result_cell(&result, 0) : SLICE_NULL;
}

int64_t fake_db_number(struct fake_db *db, const char *text)
{
    struct slice cell = fake_db_cell(db, text);
    int64_t value = -1;
    int32_t small = -1;
    bool flag;
    if (cql_cell_i64(cell, &value))
        return value;
    if (cql_cell_bool(cell, &flag))
        return flag;
    return cql_cell_i32(cell, &small) ? small : -1;
}

bool fake_db_text_is(struct fake_db *db, const char *text, const char *expected)
{
    struct slice cell = fake_db_cell(db, text);
    return cell.data != NULL && slice_equal(cell, slice_cstr(expected));
}

/* --- over the wire --- */

static void remember(struct text **list, const char *text, struct slice frame)
{
    while (*list != NULL)
        list = &(*list)->next;
    *list = take(sizeof(**list));
    (*list)->chars = (char *)(uintptr_t)copy(slice_cstr(text)).data;
    (*list)->frame = copy(frame);
}

static void forget(struct text **list)
{
    while (*list != NULL) {
        struct text *text = *list;
        *list = text->next;
        free(text->chars);
        drop(&text->frame);
        free(text);
    }
}

static struct fault *find_fault(struct fake_db *db, const char *text)
{
    for (unsigned i = 0; i < FAULTS_MAX; i++)
        if (db->faults[i].times > 0 && strstr(text, db->faults[i].part) != NULL)
            return &db->faults[i];
    return NULL;
}

static void run_frame(struct fake_db *db, struct slice body)
{
    struct wire wire;
    struct cql_query query = {.page_size = 0};
    struct arena arena;
    arena_init(&arena, &alloc_heap, 4096, (size_t)1 << 20);
    wire_init_decode(&wire, body, &arena);
    cql_query_walk(&wire, &query);
    if (wire.error < 0)
        die("frame not understood", status_name(wire.error));
    char *text = (char *)(uintptr_t)copy(query.text).data;
    uint8_t now[8];
    be64_store(now, (uint64_t)(db->wall_us / 1000 + db->ahead_ms));
    set_cells(find_table(db, "system.local"), find_table(db, "system.local")->rows,
              &(struct fake_pair){"now", slice_make(now, 8)}, 1);
    run_text(db, text, &query);
    free(text);
    arena_deinit(&arena);
}

/* false: the fault said all. */
static bool apply_fault(struct fake_db *db, struct fault *fault, const char *text,
                        struct slice body, struct fake_answer *answer)
{
    fault->times--;
    switch (fault->kind) {
    case FAULT_LATE:
        remember(&db->late, text, body);
        answer->silence = true;
        return false;
    case FAULT_LOSE_REQUEST:
        answer->silence = true;
        return false;
    case FAULT_LOSE_ANSWER:
        run_frame(db, body);
        answer->silence = true;
        return false;
    case FAULT_NO_COLUMNS:
        (void)fake_db_run(db, "SELECT column_name, kind, position, type FROM "
                              "system_schema.columns WHERE keyspace_name = 'none'");
        *answer = (struct fake_answer){.opcode = CQL_RESULT, .body = buf_unread(&db->result)};
        return false;
    case FAULT_CAS_TIMEOUT:
        run_frame(db, body);
        *answer = (struct fake_answer){.error = CQL_ERROR_WRITE_TIMEOUT,
                                       .consistency = CQL_CONSISTENCY_LOCAL_SERIAL,
                                       .write_type = "CAS"};
        return false;
    case FAULT_INVALID:
    case FAULT_DOES_NOT_EXIST:
        *answer = (struct fake_answer){.error = CQL_ERROR_INVALID,
                                       .message = fault->kind == FAULT_INVALID
                                                      ? "as the test wishes"
                                                      : "table x does not exist"};
        return false;
    }
    return true;
}

void fake_db_handle(void *context, struct fake_node *node, const struct fake_request *request,
                    struct fake_answer *answer)
{
    struct fake_db *db = context;
    if (request->opcode != CQL_QUERY)
        return;
    char *text = take(request->body.len + 1);
    memcpy(text, request->body.data + 4, be32_load(request->body.data));
    remember(&db->seen, text, SLICE_NULL);
    db->wall_us = node->net->now.wall_us;
    struct fault *fault = find_fault(db, text);
    if (fault == NULL || apply_fault(db, fault, text, request->body, answer)) {
        run_frame(db, request->body);
        *answer = (struct fake_answer){.opcode = CQL_RESULT, .body = buf_unread(&db->result)};
    }
    free(text);
}

void fake_db_fault(struct fake_db *db, const char *part, enum fake_fault kind, unsigned times)
{
    for (unsigned i = 0; i < FAULTS_MAX; i++)
        if (db->faults[i].times == 0) {
            db->faults[i] = (struct fault){part, kind, times};
            return;
        }
    die("too many faults", part);
}

void fake_db_clear_faults(struct fake_db *db)
{
    memset(db->faults, 0, sizeof(db->faults));
}

void fake_db_execute_late(struct fake_db *db)
{
    for (struct text *text = db->late; text != NULL; text = text->next)
        run_frame(db, text->frame);
    forget(&db->late);
}

unsigned fake_db_count(const struct fake_db *db, const char *part)
{
    unsigned count = 0;
    for (const struct text *text = db->seen; text != NULL; text = text->next)
        count += strstr(text->chars, part) != NULL;
    return count;
}

void fake_db_forget_counts(struct fake_db *db)
{
    forget(&db->seen);
}

void fake_db_set_clock(struct fake_db *db, int64_t ahead_ms)
{
    db->ahead_ms = ahead_ms;
}

struct fake_db *fake_db_new(void)
{
    static const char *const set_up[] = {
        "CREATE TABLE system.local (key text PRIMARY KEY, cluster_name text, data_center text, "
        "release_version text, partitioner text, host_id uuid, schema_version uuid, now timestamp)",
        "CREATE TABLE system.peers (peer text PRIMARY KEY, data_center text, host_id uuid, "
        "schema_version uuid)",
        "CREATE TABLE system_views.settings (name text PRIMARY KEY, value text)",
        "CREATE TABLE system_schema.keyspaces (keyspace_name text PRIMARY KEY, replication blob, "
        "durable_writes boolean)",
        "CREATE TABLE system_schema.tables (keyspace_name text, table_name text, id uuid, "
        "gc_grace_seconds int, default_time_to_live int, "
        "read_repair text, speculative_retry text, compression blob, PRIMARY KEY (keyspace_name, "
        "table_name))",
        "CREATE TABLE system_schema.columns (keyspace_name text, table_name text, column_name "
        "text, kind text, "
        "position int, type text, PRIMARY KEY (keyspace_name, table_name, column_name))",
        "INSERT INTO system.local (key, cluster_name, data_center, release_version, partitioner, "
        "host_id, "
        "schema_version) VALUES ('local', 'Test Cluster', 'datacenter1', '5.0.6', "
        "'org.apache.cassandra.dht.Murmur3Partitioner', 00000000-0000-4000-8000-000000000001, "
        "00000000-0000-4000-8000-00000000000a)",
        "INSERT INTO system_views.settings (name, value) VALUES ('commitlog_sync', 'batch')",
        "INSERT INTO system_views.settings (name, value) VALUES "
        "('native_transport_max_frame_size', '16MiB')",
        "INSERT INTO system_views.settings (name, value) VALUES ('commitlog_segment_size', "
        "'16MiB')",
    };
    struct fake_db *db = take(sizeof(*db));
    buf_init(&db->result, &alloc_heap, (size_t)1 << 24);
    arena_init(&db->arena, &alloc_heap, 4096, (size_t)1 << 24);
    for (size_t i = 0; i < sizeof(set_up) / sizeof(set_up[0]); i++)
        (void)fake_db_run(db, set_up[i]);
    return db;
}

void fake_db_free(struct fake_db *db)
{
    while (db->tables != NULL) {
        struct table *table = db->tables;
        db->tables = table->next;
        while (table->rows != NULL)
            remove_row(table, table->rows);
        free(table);
    }
    forget(&db->seen);
    forget(&db->late);
    buf_deinit(&db->result);
    arena_deinit(&db->arena);
    free(db);
}
