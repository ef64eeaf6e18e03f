/*
 * The texts of all DDL that Sluice runs, and how topics get their table names. Identifiers are
 * always quoted, so case is kept and reserved words are fine.
 */
#ifndef PROXY_CORE_SCHEMA_H
#define PROXY_CORE_SCHEMA_H

#include "core/config.h"
#include "core/control/topic_settings.h"
#include "proto/buf.h"
#include "proto/slice.h"

#define SCHEMA_TABLE_NAME_MAX     222 /* Cassandra 5.0.6 and later */
#define SCHEMA_TABLE_NAME_OLD_MAX 48

enum schema_control_table {
    SCHEMA_CLUSTER,
    SCHEMA_MEMBERS,
    SCHEMA_SLOTS,
    SCHEMA_TOPICS,
    SCHEMA_SEGMENTS,
    SCHEMA_PRODUCER_IDS,
    SCHEMA_TABLES,
    SCHEMA_CONTROL_TABLES, /* how many */
};

const char *schema_control_table_name(enum schema_control_table table);

/* The functions below append one statement without ";". NOMEM, LIMIT: as buf_printf. */
MUST_CHECK int schema_keyspace(const char *keyspace, const char *replication, struct buf *out);
MUST_CHECK int schema_control_table(const char *keyspace, enum schema_control_table table,
                                    struct buf *out);
/* The replication map of a keyspace that is made here: `copies` in one data centre. */
MUST_CHECK int schema_replication(const char *data_center, unsigned copies, struct buf *out);

/* 1 to 48 of [a-zA-Z0-9_]. */
bool schema_keyspace_is_valid(const char *keyspace);

/*
 * The table of a topic: '.' and '-' become '_'. With a hash of the topic's name behind it when the
 * plain name is taken, too long, or begins like a control table's. The topic's name must be valid;
 * max_bytes is at least 48.
 */
void schema_table_name(struct slice topic, bool taken, size_t max_bytes,
                       char name[SCHEMA_TABLE_NAME_MAX + 1]);
/* The table of a topic whose name has had a table that was dropped lately: the name differs for each
 * topic id, so that nothing that is still on its way to the old table ever meets the new one. */
void schema_table_name_afresh(struct slice topic, const uint8_t topic_id[16], size_t max_bytes,
                              char name[SCHEMA_TABLE_NAME_MAX + 1]);
/* How long a table's name may be on a server of this release. */
size_t schema_table_name_max(const char *release_version, bool is_scylla);

/* Options of a log table; those that are not set are left as they are. */
struct schema_options {
    bool sets_ttl, sets_compression;
    int32_t ttl_s; /* 0: none */
    /* PRODUCER: what `own_compression` says, a map<text, text> cell from system_schema.tables. */
    enum topic_compression compression;
    struct slice own_compression;
    bool is_scylla; /* which has another name for the compressor's class */
};
/* CREATE TABLE of a log table; topic_id NULL: the database chooses the table's id. */
MUST_CHECK int schema_log_table(const char *keyspace, const char *table_name,
                                const uint8_t topic_id[16], const struct schema_options *options,
                                struct buf *out);
/* ALTER TABLE of a log table; at least one option is set. */
MUST_CHECK int schema_log_table_alter(const char *keyspace, const char *table_name,
                                      const struct schema_options *options, struct buf *out);
MUST_CHECK int schema_drop_table(const char *keyspace, const char *table_name, struct buf *out);

/* One row of system_schema.columns, for the comparison of a table that was there before. */
struct schema_column {
    struct slice name, kind, type;
    int32_t position;
};
/* Which columns of a log table have been seen: all of them when it equals SCHEMA_COLUMNS_ALL. */
#define SCHEMA_COLUMNS_ALL ((1u << 13) - 1)
/*
 * Marks the column in *seen. false: no log table has such a column (another type or place in the
 * key). Further regular columns that somebody added are fine.
 */
bool schema_column_fits(const struct schema_column *column, uint32_t *seen);

#endif
