#include "tests/bench/null_tables.h"

#include "cql/result.h"
#include "proto/endian.h"
#include "proto/list.h"
#include "tests/bench/bench.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NAME_BYTES  64
#define MAX_COLUMNS 32

struct cell {
    char name[NAME_BYTES];
    uint8_t *data; /* NULL: null */
    size_t len;
};

struct row {
    struct list node;
    char table[NAME_BYTES];
    struct cell cells[MAX_COLUMNS];
    size_t cell_count;
};

struct null_tables {
    struct list rows;
};

/* A statement being read. */
struct reader {
    struct slice text;
    size_t at;
    const struct cql_value *values;
    size_t value_count, values_used;
};

struct pair {
    char name[NAME_BYTES];
    struct slice value; /* data NULL: null */
    uint8_t small[64];  /* where a literal lies */
};

struct pairs {
    struct pair all[MAX_COLUMNS];
    size_t count;
};

/* ------------------------------------------------------------------ words */

__attribute__((noreturn)) static void confused(const struct reader *reader)
{
    bench_die("statement is not understood at byte %zu: %.*s", reader->at, (int)reader->text.len,
              (const char *)reader->text.data);
}

static void skip_space(struct reader *reader)
{
    while (reader->at < reader->text.len && isspace(reader->text.data[reader->at]))
        reader->at++;
}

static bool is_word(uint8_t c)
{
    return isalnum(c) || c == '_' || c == '-';
}

/* The next word, quoted thing or sign; empty at the end. */
static struct slice next(struct reader *reader)
{
    skip_space(reader);
    const uint8_t *start = reader->text.data + reader->at;
    size_t left = reader->text.len - reader->at, len = left > 0 ? 1 : 0;
    if (left > 0 && (*start == '"' || *start == '\'')) {
        const uint8_t *end = memchr(start + 1, *start, left - 1);
        if (end == NULL)
            confused(reader);
        len = (size_t)(end - start) + 1;
    } else if (left > 0 && is_word(*start)) {
        while (len < left && is_word(start[len]))
            len++;
    }
    reader->at += len;
    return slice_make(start, len);
}

static bool same(struct slice word, const char *text)
{
    return word.len == strlen(text) && strncasecmp((const char *)word.data, text, word.len) == 0;
}

static bool take(struct reader *reader, const char *text)
{
    size_t before = reader->at;
    if (same(next(reader), text))
        return true;
    reader->at = before;
    return false;
}

static void expect(struct reader *reader, const char *text)
{
    if (!take(reader, text))
        confused(reader);
}

static void copy_name(char to[NAME_BYTES], struct slice word)
{
    if (word.len >= 2 && word.data[0] == '"')
        word = slice_make(word.data + 1, word.len - 2);
    if (word.len >= NAME_BYTES)
        bench_die("a name is too long for the null node: %.*s", (int)word.len,
                  (const char *)word.data);
    memcpy(to, word.data, word.len);
    to[word.len] = '\0';
}

/* keyspace.table: the table alone, but those of the system under their full names. */
static void take_table(struct reader *reader, char to[NAME_BYTES])
{
    char keyspace[NAME_BYTES], table[NAME_BYTES];
    copy_name(keyspace, next(reader));
    expect(reader, ".");
    copy_name(table, next(reader));
    bool is_system = strncmp(keyspace, "system", 6) == 0;
    if (snprintf(to, NAME_BYTES, "%s%s%s", is_system ? keyspace : "", is_system ? "." : "",
                 table) >= NAME_BYTES)
        confused(reader);
}

/* A marker's value, or a literal: 'text', true, false, null, or a number, always as a bigint. */
static void take_value(struct reader *reader, struct pair *pair)
{
    struct slice word = next(reader);
    pair->value = SLICE_NULL;
    if (same(word, "?")) {
        if (reader->values_used >= reader->value_count)
            confused(reader);
        pair->value = reader->values[reader->values_used++].bytes;
    } else if (word.len > 0 && word.data[0] == '\'') {
        pair->value = slice_make(word.data + 1, word.len - 2);
    } else if (same(word, "true") || same(word, "false")) {
        pair->small[0] = same(word, "true");
        pair->value = slice_make(pair->small, 1);
    } else if (word.len > 0 && isdigit(word.data[0])) {
        be64_store(pair->small, strtoull((const char *)word.data, NULL, 10));
        pair->value = slice_make(pair->small, 8);
    } else if (!same(word, "null")) {
        confused(reader);
    }
}

static struct pair *add_pair(struct reader *reader, struct pairs *pairs)
{
    if (pairs->count == MAX_COLUMNS)
        confused(reader);
    return &pairs->all[pairs->count++];
}

/* name = value, with `between` in between. Comparisons count as equality: they are of tables that
 * are empty here. */
static void take_pairs(struct reader *reader, const char *between, struct pairs *pairs)
{
    do {
        struct pair *pair = add_pair(reader, pairs);
        copy_name(pair->name, next(reader));
        if (take(reader, "<") || take(reader, ">"))
            (void)take(reader, "=");
        else
            expect(reader, "=");
        take_value(reader, pair);
    } while (take(reader, between));
}

static void take_where(struct reader *reader, struct pairs *where)
{
    if (take(reader, "WHERE"))
        take_pairs(reader, "AND", where);
}

/* ------------------------------------------------------------------ rows */

static struct cell *cell_of(struct row *row, const char *name)
{
    for (size_t i = 0; i < row->cell_count; i++)
        if (strcmp(row->cells[i].name, name) == 0)
            return &row->cells[i];
    return NULL;
}

static void set_cell(struct row *row, const char *name, struct slice value)
{
    struct cell *cell = cell_of(row, name);
    if (cell == NULL) {
        if (row->cell_count == MAX_COLUMNS)
            bench_die("too many columns in %s", row->table);
        cell = &row->cells[row->cell_count++];
        snprintf(cell->name, sizeof(cell->name), "%s", name);
        cell->data = NULL;
    }
    free(cell->data);
    cell->data = value.data == NULL ? NULL : malloc(value.len + 1);
    cell->len = value.len;
    if (value.data != NULL && cell->data == NULL)
        bench_die("out of memory");
    if (value.data != NULL)
        memcpy(cell->data, value.data, value.len);
}

static void set_text(struct row *row, const char *name, const char *text)
{
    set_cell(row, name, slice_cstr(text));
}

static struct row *add_row(struct null_tables *tables, const char *table)
{
    struct row *row = calloc(1, sizeof(*row));
    if (row == NULL)
        bench_die("out of memory");
    snprintf(row->table, sizeof(row->table), "%s", table);
    list_append(&tables->rows, &row->node);
    return row;
}

static void remove_row(struct row *row)
{
    for (size_t i = 0; i < row->cell_count; i++)
        free(row->cells[i].data);
    list_remove(&row->node);
    free(row);
}

static bool holds(struct row *row, const struct pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        const struct cell *cell = cell_of(row, pairs->all[i].name);
        struct slice has = cell == NULL ? SLICE_NULL : slice_make(cell->data, cell->len);
        struct slice wants = pairs->all[i].value;
        if ((has.data == NULL) != (wants.data == NULL) ||
            (has.data != NULL && !slice_equal(has, wants)))
            return false;
    }
    return true;
}

/* The first row behind `after` (NULL: of all) that the conditions hold for. */
static struct row *find(struct null_tables *tables, const char *table, const struct pairs *where,
                        const struct row *after)
{
    for (struct list *it = after == NULL ? tables->rows.next : after->node.next;
         it != &tables->rows; it = it->next) {
        struct row *row = LIST_ENTRY(it, struct row, node);
        if (strcmp(row->table, table) == 0 && holds(row, where))
            return row;
    }
    return NULL;
}

/* ------------------------------------------------------------------ results */

static void need(int status)
{
    if (status < 0)
        bench_die("%s", status_text(status));
}

static void put_result(struct cql_result *result, struct buf *out)
{
    struct wire wire;
    wire_init_encode(&wire, out);
    cql_result_walk(&wire, result);
    need(wire.error);
}

static void put_void(struct buf *out)
{
    put_result(&(struct cql_result){.kind = CQL_RESULT_VOID}, out);
}

static void put_created(enum cql_schema_target target, const char *keyspace, const char *table,
                        struct buf *out)
{
    put_result(&(struct cql_result){.kind = CQL_RESULT_SCHEMA_CHANGE,
                                    .schema = {.change = CQL_CHANGE_CREATED,
                                               .target = target,
                                               .keyspace = slice_cstr(keyspace),
                                               .table = slice_cstr(table)}},
               out);
}

static void put_cell(struct buf *rows, struct slice cell)
{
    uint8_t len[4];
    be32_store(len, cell.data == NULL ? UINT32_MAX : (uint32_t)cell.len);
    need(buf_append(rows, slice_make(len, 4)));
    if (cell.data != NULL)
        need(buf_append(rows, cell));
}

static void put_rows(const char *table, char (*names)[NAME_BYTES], size_t count, int32_t row_count,
                     const struct buf *rows, struct buf *out)
{
    struct cql_column columns[MAX_COLUMNS];
    for (size_t i = 0; i < count; i++)
        columns[i] = (struct cql_column){SLICE_LITERAL("sluice"),
                                         slice_cstr(table),
                                         slice_cstr(names[i]),
                                         {.id = CQL_TYPE_BLOB}};
    put_result(&(struct cql_result){.kind = CQL_RESULT_ROWS,
                                    .metadata = {.flags = CQL_METADATA_GLOBAL_SPEC,
                                                 .column_count = (int32_t)count,
                                                 .columns = columns},
                                    .row_count = row_count,
                                    .rows = buf_unread(rows)},
               out);
}

/* What a lightweight transaction answers: [applied], and the row that was in the way. */
static void put_applied(const char *table, bool applied, struct row *row, struct buf *out)
{
    char names[MAX_COLUMNS][NAME_BYTES] = {"[applied]"};
    size_t count = 1;
    struct buf rows;
    uint8_t yes = applied;
    buf_init(&rows, &alloc_heap, 1 << 20);
    put_cell(&rows, slice_make(&yes, 1));
    for (size_t i = 0; !applied && row != NULL && i < row->cell_count && count < MAX_COLUMNS; i++) {
        snprintf(names[count++], NAME_BYTES, "%s", row->cells[i].name);
        put_cell(&rows, slice_make(row->cells[i].data, row->cells[i].len));
    }
    put_rows(table, names, count, 1, &rows, out);
    buf_deinit(&rows);
}

/* ------------------------------------------------------------------ statements */

/* The selected columns: names, or function(...) AS name. "*": none, and the rows will tell. */
static size_t take_selection(struct reader *reader, char (*names)[NAME_BYTES])
{
    size_t count = 0;
    if (take(reader, "*"))
        return 0;
    do {
        if (count == MAX_COLUMNS)
            confused(reader);
        copy_name(names[count], next(reader));
        for (int depth = 0; depth > 0 || take(reader, "(");) {
            struct slice word = next(reader);
            if (depth == 0)
                depth = 1;
            depth += same(word, "(") ? 1 : same(word, ")") ? -1 : 0;
            if (word.len == 0)
                confused(reader);
            if (depth == 0)
                break;
        }
        if (take(reader, "AS"))
            copy_name(names[count], next(reader));
        count++;
    } while (take(reader, ","));
    return count;
}

static void select_rows(struct null_tables *tables, struct reader *reader, struct buf *out)
{
    char names[MAX_COLUMNS][NAME_BYTES], table[NAME_BYTES];
    struct pairs where = {0};
    int32_t row_count = 0;
    uint8_t now[8];
    struct buf rows;

    size_t count = take_selection(reader, names);
    expect(reader, "FROM");
    take_table(reader, table);
    take_where(reader, &where);
    be64_store(now, (uint64_t)time(NULL) * 1000);
    buf_init(&rows, &alloc_heap, 1 << 24);
    for (struct row *row = find(tables, table, &where, NULL); row != NULL;
         row = find(tables, table, &where, row)) {
        for (; row_count == 0 && count < row->cell_count && reader->text.data[7] == '*'; count++)
            memcpy(names[count], row->cells[count].name, NAME_BYTES);
        for (size_t i = 0; i < count; i++) {
            const struct cell *cell = cell_of(row, names[i]);
            if (cell != NULL)
                put_cell(&rows, slice_make(cell->data, cell->len));
            else
                put_cell(&rows, strcmp(names[i], "now") == 0 ? slice_make(now, 8) : SLICE_NULL);
        }
        row_count++;
    }
    put_rows(table, names, count, row_count, &rows, out);
    buf_deinit(&rows);
}

static void insert(struct null_tables *tables, struct reader *reader, struct buf *out)
{
    char table[NAME_BYTES];
    struct pairs row = {0}, key;

    expect(reader, "INTO");
    take_table(reader, table);
    expect(reader, "(");
    do
        copy_name(add_pair(reader, &row)->name, next(reader));
    while (take(reader, ","));
    expect(reader, ")");
    expect(reader, "VALUES");
    expect(reader, "(");
    for (size_t i = 0; i < row.count; i++) {
        take_value(reader, &row.all[i]);
        expect(reader, i + 1 < row.count ? "," : ")");
    }
    if (!take(reader, "IF")) {
        put_void(out);
        return;
    }
    key = row; /* tables of transactions have one key column, the first */
    key.count = 1;
    struct row *found = find(tables, table, &key, NULL);
    if (found == NULL) {
        struct row *added = add_row(tables, table);
        for (size_t i = 0; i < row.count; i++)
            set_cell(added, row.all[i].name, row.all[i].value);
    }
    put_applied(table, found == NULL, found, out);
}

static void update(struct null_tables *tables, struct reader *reader, struct buf *out)
{
    char table[NAME_BYTES];
    struct pairs set = {0}, where = {0}, conditions = {0};

    take_table(reader, table);
    expect(reader, "SET");
    take_pairs(reader, ",", &set);
    take_where(reader, &where);
    if (!take(reader, "IF")) {
        put_void(out);
        return;
    }
    take_pairs(reader, "AND", &conditions);
    struct row *row = find(tables, table, &where, NULL);
    bool applied = row != NULL && holds(row, &conditions);
    for (size_t i = 0; applied && i < set.count; i++)
        set_cell(row, set.all[i].name, set.all[i].value);
    put_applied(table, applied, row, out);
}

static void delete_row(struct null_tables *tables, struct reader *reader, struct buf *out)
{
    char table[NAME_BYTES];
    struct pairs where = {0}, conditions = {0};
    struct pair timestamp;

    expect(reader, "FROM");
    take_table(reader, table);
    if (take(reader, "USING")) {
        expect(reader, "TIMESTAMP");
        take_value(reader, &timestamp);
    }
    take_where(reader, &where);
    if (!take(reader, "IF")) {
        put_void(out);
        return;
    }
    take_pairs(reader, "AND", &conditions);
    struct row *row = find(tables, table, &where, NULL);
    bool applied = row != NULL && holds(row, &conditions);
    put_applied(table, applied, row, out);
    if (applied)
        remove_row(row);
}

/* ------------------------------------------------------------------ schema */

static void take_not_exists(struct reader *reader)
{
    if (take(reader, "IF")) {
        expect(reader, "NOT");
        expect(reader, "EXISTS");
    }
}

/* map<text, text> of one copy in our data centre. */
static struct slice replication(uint8_t to[128])
{
    static const char *const texts[] = {
        "class", "org.apache.cassandra.locator.NetworkTopologyStrategy", "datacenter1", "1"};
    uint8_t *p = to + 4;
    be32_store(to, 2);
    for (size_t i = 0; i < 4; i++) {
        size_t len = strlen(texts[i]);
        be32_store(p, (uint32_t)len);
        memcpy(p + 4, texts[i], len);
        p += 4 + len;
    }
    return slice_make(to, (size_t)(p - to));
}

static void create_keyspace(struct null_tables *tables, struct reader *reader, struct buf *out)
{
    char name[NAME_BYTES];
    uint8_t map[128], yes = 1;
    take_not_exists(reader);
    copy_name(name, next(reader));
    struct row *row = add_row(tables, "system_schema.keyspaces");
    set_text(row, "keyspace_name", name);
    set_cell(row, "replication", replication(map));
    set_cell(row, "durable_writes", slice_make(&yes, 1));
    put_created(CQL_TARGET_KEYSPACE, name, "", out);
}

/* A type as system_schema spells it: up to the comma or parenthesis that ends it. */
static struct slice take_type(struct reader *reader)
{
    skip_space(reader);
    size_t start = reader->at;
    int depth = 0;
    for (; reader->at < reader->text.len; reader->at++) {
        uint8_t c = reader->text.data[reader->at];
        depth += c == '<' ? 1 : c == '>' ? -1 : 0;
        if (depth == 0 && (c == ',' || c == ')'))
            break;
    }
    size_t end = reader->at;
    static const char primary[] = " PRIMARY KEY";
    const size_t suffix = sizeof(primary) - 1;
    if (end - start > suffix && memcmp(reader->text.data + end - suffix, primary, suffix) == 0)
        end -= suffix;
    return slice_make(reader->text.data + start, end - start);
}

static void set_place(struct null_tables *tables, const char *table, struct slice column,
                      const char *kind, uint32_t position)
{
    struct pairs where = {.count = 2};
    uint8_t bytes[4];
    strcpy(where.all[0].name, "table_name");
    where.all[0].value = slice_cstr(table);
    strcpy(where.all[1].name, "column_name");
    where.all[1].value = column;
    struct row *row = find(tables, "system_schema.columns", &where, NULL);
    if (row == NULL)
        bench_die("a key column of %s is not among its columns", table);
    be32_store(bytes, position);
    set_text(row, "kind", kind);
    set_cell(row, "position", slice_make(bytes, 4));
}

/* PRIMARY KEY ((a, b), c) or (a, b) */
static void take_key(struct null_tables *tables, struct reader *reader, const char *table)
{
    uint32_t place = 0;
    expect(reader, "KEY");
    expect(reader, "(");
    if (take(reader, "(")) {
        do
            set_place(tables, table, next(reader), "partition_key", place++);
        while (take(reader, ","));
        expect(reader, ")");
    } else {
        set_place(tables, table, next(reader), "partition_key", 0);
    }
    for (place = 0; take(reader, ","); place++)
        set_place(tables, table, next(reader), "clustering", place);
    expect(reader, ")");
}

static void take_uuid(struct reader *reader, uint8_t uuid[16])
{
    struct slice word = next(reader);
    size_t digits = 0;
    for (size_t i = 0; i < word.len && digits < 32; i++) {
        int c = tolower(word.data[i]);
        if (!isxdigit(c))
            continue;
        int digit = isdigit(c) ? c - '0' : c - 'a' + 10;
        uuid[digits / 2] = (uint8_t)(digits % 2 == 0 ? digit << 4 : uuid[digits / 2] | digit);
        digits++;
    }
    if (digits != 32)
        confused(reader);
}

static void create_table(struct null_tables *tables, struct reader *reader, struct buf *out)
{
    char table[NAME_BYTES], column[NAME_BYTES];
    uint8_t id[16] = {0xBE};
    const uint8_t nowhere[4] = {0xFF, 0xFF, 0xFF, 0xFF};

    take_not_exists(reader);
    take_table(reader, table);
    expect(reader, "(");
    do {
        struct slice word = next(reader);
        if (same(word, "PRIMARY")) {
            take_key(tables, reader, table);
            continue;
        }
        copy_name(column, word);
        struct row *row = add_row(tables, "system_schema.columns");
        set_text(row, "keyspace_name", "sluice");
        set_text(row, "table_name", table);
        set_text(row, "column_name", column);
        set_cell(row, "type", take_type(reader));
        set_text(row, "kind", "regular");
        set_cell(row, "position", slice_make(nowhere, 4));
    } while (take(reader, ","));
    expect(reader, ")");
    if (take(reader, "WITH") && take(reader, "ID")) {
        expect(reader, "=");
        take_uuid(reader, id);
    }
    struct row *row = add_row(tables, "system_schema.tables");
    set_text(row, "keyspace_name", "sluice");
    set_text(row, "table_name", table);
    set_cell(row, "id", slice_make(id, 16));
    put_created(CQL_TARGET_TABLE, "sluice", table, out);
}

/* ------------------------------------------------------------------ */

static void add_setting(struct null_tables *tables, const char *name, const char *value)
{
    struct row *row = add_row(tables, "system_views.settings");
    set_text(row, "name", name);
    set_text(row, "value", value);
}

struct null_tables *null_tables_new(void)
{
    static const uint8_t host_id[16] = {1}, schema_version[16] = {2};
    struct null_tables *tables = calloc(1, sizeof(*tables));
    if (tables == NULL)
        bench_die("out of memory");
    list_init(&tables->rows);
    struct row *local = add_row(tables, "system.local");
    set_text(local, "key", "local");
    set_text(local, "cluster_name", "Null Cluster");
    set_text(local, "data_center", "datacenter1");
    set_text(local, "rack", "rack1");
    set_cell(local, "tokens", SLICE_LITERAL("\0\0\0\1\0\0\0\0010")); /* {'0'} */
    set_text(local, "release_version", "5.0.6");
    set_text(local, "partitioner", "org.apache.cassandra.dht.Murmur3Partitioner");
    set_cell(local, "host_id", slice_make(host_id, 16));
    set_cell(local, "schema_version", slice_make(schema_version, 16));
    add_setting(tables, "commitlog_sync", "batch");
    add_setting(tables, "commitlog_segment_size", "32MiB");
    add_setting(tables, "native_transport_max_frame_size", "16MiB");
    return tables;
}

void null_tables_run(struct null_tables *tables, struct slice text, const struct cql_value *values,
                     size_t value_count, struct buf *out)
{
    struct reader reader = {.text = text, .values = values, .value_count = value_count};
    if (take(&reader, "SELECT")) {
        select_rows(tables, &reader, out);
    } else if (take(&reader, "INSERT")) {
        insert(tables, &reader, out);
    } else if (take(&reader, "UPDATE")) {
        update(tables, &reader, out);
    } else if (take(&reader, "DELETE")) {
        delete_row(tables, &reader, out);
    } else if (take(&reader, "CREATE")) {
        if (take(&reader, "KEYSPACE"))
            create_keyspace(tables, &reader, out);
        else if (take(&reader, "TABLE"))
            create_table(tables, &reader, out);
        else
            confused(&reader);
    } else {
        confused(&reader);
    }
}
