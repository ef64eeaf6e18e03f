/* Cells, rows and deletes: what table_model.c keeps its tables in. */
#ifndef TESTS_SUPPORT_TABLE_STORE_H
#define TESTS_SUPPORT_TABLE_STORE_H

#include "tests/support/table_model.h"

struct store_cell {
    bool is_set, is_null;
    int64_t written_us;
    uint8_t *bytes;
    size_t len;
};

struct store_row {
    int64_t clustering;
    int64_t marker_us;                          /* of the newest INSERT */
    int32_t ttl_s;                              /* that it had; 0: none */
    struct store_cell cells[MODEL_COLUMNS_MAX]; /* by column of the table */
};

struct store_delete {
    int64_t from, below; /* INT64_MIN and INT64_MAX: the whole partition */
    int64_t at_us;
};

struct store_partition {
    uint8_t key[MODEL_KEY_MAX_BYTES];
    size_t key_len;
    struct store_row *rows; /* by clustering */
    size_t row_count;
    struct store_delete *deletes;
    size_t delete_count;
};

struct store_table {
    char *name;
    int32_t ttl_s;
    int64_t altered; /* times */
    const struct model_column *columns;
    size_t column_count;
    struct store_partition *partitions;
    size_t partition_count;
};

int store_column(const struct store_table *table, const char *name); /* -1: none */
int store_clustering(const struct store_table *table);               /* -1: none */
struct store_partition *store_find(const struct store_table *table, struct slice key);
struct store_partition *store_find_or_make(struct store_table *table, struct slice key);
/* The first row at or above. */
size_t store_row_at(const struct store_partition *partition, int64_t clustering);
/* An INSERT of one cell; NULL `bytes`: null. */
void store_write(struct store_row *row, size_t column, struct slice bytes, int64_t at_us);
struct store_row *store_insert(struct store_partition *partition, int64_t clustering,
                               int64_t at_us);
void store_delete_range(struct store_partition *partition, int64_t from, int64_t below,
                        int64_t at_us);
/* What a reader sees. */
bool store_row_lives(const struct store_partition *partition, const struct store_row *row);
const struct store_cell *store_cell_seen(const struct store_partition *partition,
                                         const struct store_row *row, size_t column);
void store_lose_row(struct store_partition *partition, size_t at);
void store_table_deinit(struct store_table *table);

#endif
