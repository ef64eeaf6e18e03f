#include "tests/support/table_store.h"

#include <stdlib.h>

static void *grown(void *array, size_t count, size_t item_bytes)
{
    if ((count & (count - 1)) != 0) /* room is doubled at powers of two */
        return array;
    void *block = realloc(array, (count == 0 ? 1 : count * 2) * item_bytes);
    if (block == NULL)
        abort();
    return block;
}

int store_column(const struct store_table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return (int)i;
    return -1;
}

int store_clustering(const struct store_table *table)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i].role == MODEL_CLUSTERING ||
            table->columns[i].role == MODEL_CLUSTERING_DESC)
            return (int)i;
    return -1;
}

struct store_partition *store_find(const struct store_table *table, struct slice key)
{
    for (size_t i = 0; i < table->partition_count; i++)
        if (slice_equal(key, slice_make(table->partitions[i].key, table->partitions[i].key_len)))
            return &table->partitions[i];
    return NULL;
}

struct store_partition *store_find_or_make(struct store_table *table, struct slice key)
{
    struct store_partition *partition = store_find(table, key);
    if (partition != NULL)
        return partition;
    table->partitions =
        grown(table->partitions, table->partition_count, sizeof(*table->partitions));
    partition = &table->partitions[table->partition_count++];
    *partition = (struct store_partition){.key_len = key.len};
    if (key.len > sizeof(partition->key))
        abort();
    memcpy(partition->key, key.data, key.len);
    return partition;
}

size_t store_row_at(const struct store_partition *partition, int64_t clustering)
{
    size_t low = 0, high = partition->row_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (partition->rows[middle].clustering < clustering)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct store_row *store_insert(struct store_partition *partition, int64_t clustering, int64_t at_us)
{
    size_t at = store_row_at(partition, clustering);
    if (at == partition->row_count || partition->rows[at].clustering != clustering) {
        partition->rows = grown(partition->rows, partition->row_count, sizeof(*partition->rows));
        memmove(&partition->rows[at + 1], &partition->rows[at],
                (partition->row_count++ - at) * sizeof(*partition->rows));
        partition->rows[at] = (struct store_row){.clustering = clustering, .marker_us = INT64_MIN};
    }
    if (at_us > partition->rows[at].marker_us)
        partition->rows[at].marker_us = at_us;
    return &partition->rows[at];
}

/* Does the new one win? */
static bool wins(const struct store_cell *old, struct slice bytes, int64_t at_us)
{
    if (!old->is_set || at_us != old->written_us)
        return !old->is_set || at_us > old->written_us;
    if (old->is_null || bytes.data == NULL)
        return bytes.data == NULL;
    size_t common = old->len < bytes.len ? old->len : bytes.len;
    int order = common == 0 ? 0 : memcmp(bytes.data, old->bytes, common);
    return order > 0 || (order == 0 && bytes.len > old->len);
}

void store_write(struct store_row *row, size_t column, struct slice bytes, int64_t at_us)
{
    struct store_cell *cell = &row->cells[column];
    if (!wins(cell, bytes, at_us))
        return;
    free(cell->bytes);
    *cell = (struct store_cell){
        .is_set = true, .is_null = bytes.data == NULL, .written_us = at_us, .len = bytes.len};
    cell->bytes = malloc(bytes.len + 1); /* never NULL for an empty value */
    if (cell->bytes == NULL)
        abort();
    if (bytes.len > 0)
        memcpy(cell->bytes, bytes.data, bytes.len);
}

void store_delete_range(struct store_partition *partition, int64_t from, int64_t below,
                        int64_t at_us)
{
    partition->deletes =
        grown(partition->deletes, partition->delete_count, sizeof(*partition->deletes));
    partition->deletes[partition->delete_count++] = (struct store_delete){from, below, at_us};
}

/* Whatever was written at or below this is not seen. */
static int64_t shadow_us(const struct store_partition *partition, int64_t clustering)
{
    int64_t shadow = INT64_MIN;
    for (size_t i = 0; i < partition->delete_count; i++) {
        const struct store_delete *one = &partition->deletes[i];
        if (clustering >= one->from && (clustering < one->below || one->below == INT64_MAX) &&
            one->at_us > shadow)
            shadow = one->at_us;
    }
    return shadow;
}

const struct store_cell *store_cell_seen(const struct store_partition *partition,
                                         const struct store_row *row, size_t column)
{
    const struct store_cell *cell = &row->cells[column];
    bool seen =
        cell->is_set && !cell->is_null && cell->written_us > shadow_us(partition, row->clustering);
    return seen ? cell : NULL;
}

bool store_row_lives(const struct store_partition *partition, const struct store_row *row)
{
    if (row->marker_us > shadow_us(partition, row->clustering))
        return true;
    for (size_t i = 0; i < MODEL_COLUMNS_MAX; i++)
        if (store_cell_seen(partition, row, i) != NULL)
            return true;
    return false;
}

static void row_deinit(struct store_row *row)
{
    for (size_t i = 0; i < MODEL_COLUMNS_MAX; i++)
        free(row->cells[i].bytes);
}

void store_lose_row(struct store_partition *partition, size_t at)
{
    row_deinit(&partition->rows[at]);
    memmove(&partition->rows[at], &partition->rows[at + 1],
            (--partition->row_count - at) * sizeof(*partition->rows));
}

void store_table_deinit(struct store_table *table)
{
    for (size_t i = 0; i < table->partition_count; i++) {
        struct store_partition *partition = &table->partitions[i];
        for (size_t row = 0; row < partition->row_count; row++)
            row_deinit(&partition->rows[row]);
        free(partition->rows);
        free(partition->deletes);
    }
    free(table->partitions);
    free(table->name);
}
