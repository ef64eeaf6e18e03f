/*
 * Tables as a Cassandra node keeps them, as far as Sluice can tell the difference: cells with write
 * timestamps, row markers, deletes of a partition, a range and a row. One copy, always consistent.
 *
 *      newest timestamp wins, whatever came first; at the same timestamp a delete wins, then the
 *      greater value; unset leaves a cell alone, null deletes it
 *
 * It executes the bodies of QUERY, EXECUTE and BATCH frames and understands the few forms of
 * INSERT, DELETE and SELECT that the gateway writes (table_text.h). A statement that it does not
 * understand ends the process: then the model has to learn it.
 */
#ifndef TESTS_SUPPORT_TABLE_MODEL_H
#define TESTS_SUPPORT_TABLE_MODEL_H

#include "cql/result.h"

#define MODEL_COLUMNS_MAX   16
#define MODEL_KEY_MAX_BYTES 320

/* At most one clustering column, a bigint. */
enum model_role { MODEL_PARTITION_KEY, MODEL_CLUSTERING, MODEL_CLUSTERING_DESC, MODEL_REGULAR };

struct model_column {
    const char *name;
    enum cql_type_id type;
    enum model_role role;
};

struct table_model;

struct table_model *table_model_new(void);
void table_model_free(struct table_model *model);
/* Nothing happens when it is there. `columns` must last as long as the model. */
void table_model_create(struct table_model *model, const char *name,
                        const struct model_column *columns, size_t column_count);
void table_model_create_log(struct table_model *model, const char *name);
void table_model_create_segments(struct table_model *model); /* sluice_segments */
void table_model_drop(struct table_model *model, const char *name);

/* What a node answers. */
struct model_answer {
    int32_t error; /* enum cql_error_code, 0: none */
    char message[160];
    struct slice body; /* of the RESULT frame; valid until the next call */
};
/* A statement of this id will be used in EXECUTE and BATCH. */
void table_model_prepare(struct table_model *model, struct slice id, struct slice text);
/* CQL_QUERY, CQL_EXECUTE, CQL_BATCH. A batch is executed as a whole or not at all. */
void table_model_execute(struct table_model *model, uint8_t opcode, struct slice body,
                         struct model_answer *answer);

/* For assertions on a log table: what a reader sees. */
struct model_key {
    const char *table;
    int32_t partition;
    int64_t segment;
    int64_t offset;
};
bool table_model_has(const struct table_model *model, struct model_key key);
/* data NULL: null, or there is no such row. */
struct slice table_model_cell(const struct table_model *model, struct model_key key,
                              const char *column);
int64_t table_model_i64(const struct table_model *model, struct model_key key,
                        const char *column); /* any integer type; null fails the test */
/* The write timestamp of the cell `timestamp`, which every row has. */
int64_t table_model_written_us(const struct table_model *model, struct model_key key);
/* Rows that a reader sees in one Cassandra partition of a log table. */
size_t table_model_count(const struct table_model *model, const char *table, int32_t partition,
                         int64_t segment);
/* Rows of the table, in all partitions. */
size_t table_model_count_all(const struct table_model *model, const char *table);
/* Every row of a log table that a reader sees, offsets rising within each Cassandra partition. */
void table_model_each(const struct table_model *model, const char *table,
                      void (*each)(void *context, struct model_key key), void *context);
/* ALTER TABLE ... WITH default_time_to_live: rows that are written from now on show it. They never
 * vanish by themselves: that is table_model_lose. */
void table_model_set_ttl(struct table_model *model, const char *table, int32_t seconds);
/* The database loses a row: nothing remains of it, no delete either. */
void table_model_lose(struct table_model *model, struct model_key key);

#endif
