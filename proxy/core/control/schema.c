#include "core/control/schema.h"

#include "core/control/control.h"
#include "core/text_map.h"
#include "proto/crc32c.h"

#define HASH_SUFFIX_BYTES 9 /* "_" and 8 hexadecimal digits */
#define KEYSPACE_NAME_MAX 48
#define TOPIC_NAME_MAX    249
#define RESERVED_PREFIX   "sluice_"

/*
 * LWT tables have one row in a Cassandra partition each: transactions on rows of one partition
 * fight for one ballot. Options are spelled out where takeover depends on them, so that a cluster's
 * own defaults cannot weaken it.
 */
static const struct {
    const char *name, *columns, *options;
} control_tables[SCHEMA_CONTROL_TABLES] = {
    [SCHEMA_CLUSTER] =
        {"sluice_cluster",
         "name text PRIMARY KEY, cluster_id text, format int, slots int, home_dc text, "
         "consistency text",
         ""},
    [SCHEMA_MEMBERS] =
        {"sluice_members",
         "member text PRIMARY KEY, node_id int, incarnation bigint, advertised text, "
         "boot text, lease_ms int, ceiling bigint, closed boolean",
         ""},
    [SCHEMA_SLOTS] = {"sluice_slots",
                      "slot int PRIMARY KEY, member text, epoch int, sealed_below bigint", ""},
    [SCHEMA_TOPICS] = {"sluice_topics",
                       "topic text PRIMARY KEY, topic_id uuid, table_name text, partitions int, "
                       "state text, configuration map<text, text>, version bigint",
                       ""},
    [SCHEMA_SEGMENTS] = {"sluice_segments",
                         "topic_id uuid, partition int, segment bigint, first_offset bigint, "
                         "limit_offset bigint, first_timestamp timestamp, "
                         "PRIMARY KEY ((topic_id, partition), segment)",
                         " WITH CLUSTERING ORDER BY (segment DESC)"},
    [SCHEMA_PRODUCER_IDS] = {"sluice_producer_ids", "name text PRIMARY KEY, next_block bigint", ""},
    /* Tables that are being dropped or were dropped lately (their names are not given again), and
     * in the row of "sluice_topics" the version of that table's content. */
    [SCHEMA_TABLES] = {"sluice_tables",
                       "table_name text PRIMARY KEY, topic_id uuid, version bigint", ""},
};

/* position: in the partition or clustering key, -1 elsewhere, as system_schema.columns has it. */
static const struct {
    const char *name, *type, *kind;
    int32_t position;
} log_columns[] = {
    {"partition", "int", "partition_key", 0},
    {"segment", "bigint", "partition_key", 1},
    {"offset", "bigint", "clustering", 0},
    {"timestamp", "timestamp", "regular", -1},
    {"key", "blob", "regular", -1},
    {"value", "blob", "regular", -1},
    {"headers", "frozen<list<frozen<tuple<text, blob>>>>", "regular", -1},
    {"producer_id", "bigint", "regular", -1},
    {"producer_epoch", "smallint", "regular", -1},
    {"base_sequence", "int", "regular", -1},
    {"record_count", "int", "regular", -1},
    {"stable", "bigint", "regular", -1},
    {"producers", "blob", "regular", -1},
};
#define LOG_COLUMN_COUNT (sizeof(log_columns) / sizeof(log_columns[0]))
_Static_assert(SCHEMA_COLUMNS_ALL == (1u << LOG_COLUMN_COUNT) - 1, "one bit per column");

const char *schema_control_table_name(enum schema_control_table table)
{
    return control_tables[table].name;
}

bool schema_keyspace_is_valid(const char *keyspace)
{
    size_t len = strlen(keyspace);
    if (len == 0 || len > KEYSPACE_NAME_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = keyspace[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_'))
            return false;
    }
    return true;
}

int schema_replication(const char *data_center, unsigned copies, struct buf *out)
{
    int rc = buf_printf(out, "{'class': 'NetworkTopologyStrategy', '");
    for (const char *c = data_center; rc == STATUS_OK && *c != '\0'; c++)
        rc = *c == '\'' ? buf_printf(out, "''") : buf_printf(out, "%c", *c);
    return rc < 0 ? rc : buf_printf(out, "': %u}", copies);
}

int schema_keyspace(const char *keyspace, const char *replication, struct buf *out)
{
    return buf_printf(out, "CREATE KEYSPACE IF NOT EXISTS \"%s\" WITH replication = %s", keyspace,
                      replication);
}

int schema_control_table(const char *keyspace, enum schema_control_table table, struct buf *out)
{
    return buf_printf(out, "CREATE TABLE IF NOT EXISTS \"%s\".\"%s\" (%s)%s", keyspace,
                      control_tables[table].name, control_tables[table].columns,
                      control_tables[table].options);
}

static int print_table_id(const uint8_t id[16], struct buf *out)
{
    int rc = buf_printf(out, " WITH ID = ");
    for (size_t i = 0; rc == STATUS_OK && i < 16; i++)
        rc = buf_printf(out, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", id[i]);
    return rc;
}

/* Rows of one age share files, which then end as a whole: about twenty windows in the time to live.
 */
static int print_ttl(int32_t ttl_s, struct buf *out)
{
    int32_t minutes = ttl_s / 60 / 20;
    int rc = buf_printf(out, "default_time_to_live = %d", ttl_s);

    if (rc < 0 || ttl_s == 0)
        return rc;
    const char *unit = minutes < 60 ? "MINUTES" : minutes < 1440 ? "HOURS" : "DAYS";
    int32_t size = minutes < 60 ? minutes : minutes < 1440 ? minutes / 60 : minutes / 1440;
    return buf_printf(out,
                      " AND compaction = {'class': 'TimeWindowCompactionStrategy', "
                      "'compaction_window_unit': '%s', 'compaction_window_size': '%d'}",
                      unit, size < 1 ? 1 : size);
}

static int print_quoted(struct slice text, struct buf *out)
{
    int rc = buf_printf(out, "'");
    for (size_t i = 0; rc == STATUS_OK && i < text.len; i++)
        rc = buf_append(out, text.data[i] == '\'' ? SLICE_LITERAL("''")
                                                  : slice_make(text.data + i, 1));
    return rc < 0 ? rc : buf_printf(out, "'");
}

static int print_text_map(struct slice map, struct buf *out)
{
    struct text_map_reader reader;
    const char *before = "{";
    int rc = STATUS_OK;

    text_map_open(&reader, map);
    while (rc == STATUS_OK && text_map_next(&reader)) {
        rc = buf_printf(out, "%s", before);
        if (rc == STATUS_OK)
            rc = print_quoted(reader.key, out);
        if (rc == STATUS_OK)
            rc = buf_printf(out, ": ");
        if (rc == STATUS_OK)
            rc = print_quoted(reader.value, out);
        before = ", ";
    }
    return rc < 0 ? rc : buf_printf(out, "}");
}

/* The compressors are the same; Cassandra wants their name as `class`, and ScyllaDB as
 * `sstable_compression`. */
static int print_compression(const struct schema_options *options, struct buf *out)
{
    static const char *const classes[] = {[TOPIC_COMPRESSION_ZSTD] = "ZstdCompressor",
                                          [TOPIC_COMPRESSION_LZ4] = "LZ4Compressor",
                                          [TOPIC_COMPRESSION_SNAPPY] = "SnappyCompressor",
                                          [TOPIC_COMPRESSION_GZIP] = "DeflateCompressor"};
    bool is_own = options->compression == TOPIC_COMPRESSION_PRODUCER;
    struct text_map_reader own;
    int rc = buf_printf(out, "compression = ");

    text_map_open(&own, options->own_compression);
    if (rc < 0)
        return rc;
    if (is_own && text_map_next(&own))
        return print_text_map(options->own_compression, out);
    if (is_own || options->compression == TOPIC_COMPRESSION_UNCOMPRESSED)
        return buf_printf(out, "%s",
                          options->is_scylla ? "{'sstable_compression': ''}"
                                             : "{'enabled': 'false'}");
    return buf_printf(out, "{'%s': '%s'}", options->is_scylla ? "sstable_compression" : "class",
                      classes[options->compression]);
}

static int print_options(const struct schema_options *options, const char *before, struct buf *out)
{
    int rc = STATUS_OK;

    if (options->sets_ttl) {
        rc = buf_printf(out, "%s", before);
        if (rc == STATUS_OK)
            rc = print_ttl(options->ttl_s, out);
        before = " AND ";
    }
    if (rc == STATUS_OK && options->sets_compression) {
        rc = buf_printf(out, "%s", before);
        if (rc == STATUS_OK)
            rc = print_compression(options, out);
    }
    return rc;
}

int schema_log_table(const char *keyspace, const char *table_name, const uint8_t topic_id[16],
                     const struct schema_options *options, struct buf *out)
{
    int rc = buf_printf(out, "CREATE TABLE IF NOT EXISTS \"%s\".\"%s\" (", keyspace, table_name);
    for (size_t i = 0; rc == STATUS_OK && i < LOG_COLUMN_COUNT; i++)
        rc = buf_printf(out, "%s %s, ", log_columns[i].name, log_columns[i].type);
    if (rc == STATUS_OK)
        rc = buf_printf(out, "PRIMARY KEY ((partition, segment), offset))");
    if (rc == STATUS_OK && topic_id != NULL)
        rc = print_table_id(topic_id, out);
    return rc < 0 ? rc : print_options(options, topic_id != NULL ? " AND " : " WITH ", out);
}

int schema_log_table_alter(const char *keyspace, const char *table_name,
                           const struct schema_options *options, struct buf *out)
{
    int rc = buf_printf(out, "ALTER TABLE \"%s\".\"%s\" WITH ", keyspace, table_name);
    return rc < 0 ? rc : print_options(options, "", out);
}

int schema_drop_table(const char *keyspace, const char *table_name, struct buf *out)
{
    return buf_printf(out, "DROP TABLE IF EXISTS \"%s\".\"%s\"", keyspace, table_name);
}

bool topic_name_is_valid(struct slice name)
{
    if (name.len == 0 || name.len > TOPIC_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '_' || c == '-'))
            return false;
    }
    return !slice_equal(name, SLICE_LITERAL(".")) && !slice_equal(name, SLICE_LITERAL(".."));
}

/* Appends "_" and the hash to the first `len` bytes of the name, cut so that it fits. */
static void put_hash(char *name, size_t len, size_t max_bytes, uint32_t hash)
{
    if (len > max_bytes - HASH_SUFFIX_BYTES)
        len = max_bytes - HASH_SUFFIX_BYTES;
    name[len++] = '_';
    for (int shift = 28; shift >= 0; shift -= 4)
        name[len++] = "0123456789abcdef"[(hash >> shift) & 15];
    name[len] = '\0';
}

static size_t put_plain(struct slice topic, size_t max_bytes, char *name)
{
    size_t len = topic.len < max_bytes ? topic.len : max_bytes;

    for (size_t i = 0; i < len; i++)
        name[i] = topic.data[i] == '.' || topic.data[i] == '-' ? '_' : (char)topic.data[i];
    name[len] = '\0';
    return len;
}

void schema_table_name(struct slice topic, bool taken, size_t max_bytes,
                       char name[SCHEMA_TABLE_NAME_MAX + 1])
{
    const size_t prefix = sizeof(RESERVED_PREFIX) - 1;
    size_t len = put_plain(topic, max_bytes, name);

    if (taken || topic.len > max_bytes ||
        (len >= prefix && memcmp(name, RESERVED_PREFIX, prefix) == 0))
        put_hash(name, len, max_bytes, crc32c(topic.data, topic.len));
}

void schema_table_name_afresh(struct slice topic, const uint8_t topic_id[16], size_t max_bytes,
                              char name[SCHEMA_TABLE_NAME_MAX + 1])
{
    size_t len = put_plain(topic, max_bytes, name);

    put_hash(name, len, max_bytes, crc32c(topic_id, 16));
}

/* "5.0.6-SNAPSHOT" -> 5, 0, 6. */
static void parse_version(const char *text, unsigned numbers[3])
{
    for (size_t i = 0; i < 3; i++) {
        numbers[i] = 0;
        for (; *text >= '0' && *text <= '9' && numbers[i] < 1000000; text++)
            numbers[i] = numbers[i] * 10 + (unsigned)(*text - '0');
        if (*text != '.')
            return;
        text++;
    }
}

size_t schema_table_name_max(const char *release_version, bool is_scylla)
{
    unsigned v[3] = {0, 0, 0};
    parse_version(release_version, v);
    bool newer = v[0] > 5 || (v[0] == 5 && (v[1] > 0 || v[2] >= 6));
    return newer && !is_scylla ? SCHEMA_TABLE_NAME_MAX : SCHEMA_TABLE_NAME_OLD_MAX;
}

bool schema_column_fits(const struct schema_column *column, uint32_t *seen)
{
    for (size_t i = 0; i < LOG_COLUMN_COUNT; i++) {
        if (!slice_equal(column->name, slice_cstr(log_columns[i].name)))
            continue;
        *seen |= 1u << i;
        return slice_equal(column->type, slice_cstr(log_columns[i].type)) &&
               slice_equal(column->kind, slice_cstr(log_columns[i].kind)) &&
               column->position == log_columns[i].position;
    }
    return slice_equal(column->kind, SLICE_LITERAL("regular"));
}

static int end_statement(int rc, struct buf *out)
{
    return rc < 0 ? rc : buf_printf(out, ";\n");
}

static int print_grants(const struct gateway_config *config, struct buf *out)
{
    const char *user = config->user == NULL ? "sluice" : config->user;
    int rc = STATUS_OK;
    for (size_t i = 0; rc == STATUS_OK && i < 5; i++) {
        /* ALTER for retention.ms and compression.type, DROP for topics that are deleted. */
        static const char *const permissions[] = {"SELECT", "MODIFY", "CREATE", "ALTER", "DROP"};
        if (i == 2 && !config->schema_create)
            break;
        rc = end_statement(buf_printf(out, "GRANT %s ON KEYSPACE \"%s\" TO \"%s\"", permissions[i],
                                      config->keyspace, user),
                           out);
    }
    return end_statement(
        rc < 0 ? rc : buf_printf(out, "GRANT SELECT ON KEYSPACE system_views TO \"%s\"", user),
        out);
}

int schema_print(const struct gateway_config *config, const char *replication,
                 const char *const *topics, size_t topic_count, struct buf *out)
{
    int rc = end_statement(schema_keyspace(config->keyspace, replication, out), out);
    for (unsigned i = 0; rc == STATUS_OK && i < SCHEMA_CONTROL_TABLES; i++)
        rc = end_statement(
            schema_control_table(config->keyspace, (enum schema_control_table)i, out), out);
    const struct schema_options plain = {0};
    for (size_t i = 0; rc == STATUS_OK && i < topic_count; i++) {
        char table[SCHEMA_TABLE_NAME_MAX + 1];
        if (!topic_name_is_valid(slice_cstr(topics[i])))
            return STATUS_MALFORMED;
        schema_table_name(slice_cstr(topics[i]), false, SCHEMA_TABLE_NAME_OLD_MAX, table);
        rc = end_statement(schema_log_table(config->keyspace, table, NULL, &plain, out), out);
    }
    return rc < 0 ? rc : print_grants(config, out);
}
