#include "tests/sim/replica_store.h"

#include <stdlib.h>
#include <string.h>

/* One thing that a kill undoes: memory as it was before a change, or a row or range that was added.
 */
enum undo_kind { UNDO_ROW, UNDO_RANGES, UNDO_PARTITION, UNDO_PAXOS };

struct store_undo {
    struct store_undo *next;
    int64_t at_us;
    enum undo_kind kind;
    struct store_partition *partition;
    struct store_row *row, *before; /* ROW: its content; before NULL: it was not there */
    size_t row_bytes;
    size_t range_count;            /* RANGES */
    int64_t deleted_us, deleted_s; /* PARTITION */
    struct store_paxos paxos;
};

static void *taken(struct arena *arena, size_t bytes)
{
    void *block = arena_take(arena, bytes);
    if (block == NULL)
        abort();
    return block;
}

static void *grown(struct arena *arena, void *old, size_t count, size_t *capacity,
                   size_t item_bytes)
{
    if (count < *capacity)
        return old;
    *capacity = *capacity == 0 ? 4 : *capacity * 2;
    void *block = taken(arena, *capacity * item_bytes);
    if (count > 0)
        memcpy(block, old, count * item_bytes);
    return block;
}

int store_column(const struct store_table *table, const char *name)
{
    for (unsigned i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return (int)i;
    return -1;
}

static unsigned setting_at(const struct store_table *table, unsigned version)
{
    unsigned at = table->setting_count - 1;
    while (at > 0 && table->settings[at].version > version)
        at--;
    return at;
}

int32_t store_default_ttl_s(const struct store_table *table, unsigned version)
{
    return table->settings[setting_at(table, version)].default_ttl_s;
}

struct slice store_compression(const struct store_table *table, unsigned version)
{
    /* {'class': 'org.apache.cassandra.io.compress.LZ4Compressor'} */
    static const char own[] = "\0\0\0\1\0\0\0\5class\0\0\0\56"
                              "org.apache.cassandra.io.compress.LZ4Compressor";
    struct slice asked = table->settings[setting_at(table, version)].compression;
    return asked.data != NULL ? asked : slice_make(own, sizeof(own) - 1);
}

bool store_is_seen(const struct store_table *table, unsigned version)
{
    return table->made <= version && (table->dropped == 0 || table->dropped > version);
}

static size_t row_bytes(const struct store_table *table)
{
    return sizeof(struct store_row) + table->cell_count * sizeof(struct store_cell);
}

struct store_row *store_row_new(struct arena *arena, const struct store_table *table,
                                int64_t clustering)
{
    struct store_row *row = taken(arena, row_bytes(table));
    memset(row, 0, row_bytes(table));
    row->clustering = clustering;
    row->marker_us = STORE_NEVER_US;
    row->marker_gone_s = STORE_FOR_EVER;
    row->deleted_us = STORE_NEVER_US;
    return row;
}

void store_slice_init(struct store_slice *slice)
{
    *slice = (struct store_slice){.deleted_us = STORE_NEVER_US};
}

size_t store_row_at(const struct store_slice *slice, int64_t clustering)
{
    size_t low = 0, high = slice->row_count;
    if (high > 0 && slice->rows[high - 1]->clustering < clustering)
        return high; /* offsets rise */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (slice->rows[middle]->clustering < clustering)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct store_row *find_row(const struct store_slice *slice, int64_t clustering)
{
    size_t at = store_row_at(slice, clustering);
    return at < slice->row_count && slice->rows[at]->clustering == clustering ? slice->rows[at]
                                                                              : NULL;
}

/* --- who wins --- */

static bool is_for_ever(const struct store_cell *cell)
{
    return cell->kind == CELL_VALUE && cell->ttl_s == 0;
}

bool store_cell_wins(const struct store_cell *fresh, const struct store_cell *old)
{
    if (fresh->kind == CELL_ABSENT || old->kind == CELL_ABSENT)
        return fresh->kind != CELL_ABSENT;
    if (fresh->at_us != old->at_us)
        return fresh->at_us > old->at_us;
    if (is_for_ever(fresh) != is_for_ever(old))
        return is_for_ever(old);
    if (fresh->kind != old->kind)
        return fresh->kind == CELL_TOMBSTONE;
    if (fresh->gone_s != old->gone_s)
        return fresh->gone_s > old->gone_s;
    if (fresh->ttl_s != old->ttl_s)
        return fresh->ttl_s < old->ttl_s;
    size_t common = fresh->value.len < old->value.len ? fresh->value.len : old->value.len;
    int order = common == 0 ? 0 : memcmp(fresh->value.data, old->value.data, common);
    return order > 0 || (order == 0 && fresh->value.len > old->value.len);
}

/* The marker: a newer one, then one that expires, then one that does so later. */
static bool marker_wins(const struct store_row *fresh, const struct store_row *old)
{
    if (fresh->marker_us != old->marker_us)
        return fresh->marker_us > old->marker_us;
    if ((fresh->marker_ttl_s != 0) != (old->marker_ttl_s != 0))
        return fresh->marker_ttl_s != 0;
    return fresh->marker_ttl_s != 0 && fresh->marker_gone_s > old->marker_gone_s;
}

static bool add_row(struct store_row *to, const struct store_row *from,
                    const struct store_table *table)
{
    bool changed = false;
    if (from->marker_us != STORE_NEVER_US && marker_wins(from, to)) {
        to->marker_us = from->marker_us;
        to->marker_ttl_s = from->marker_ttl_s;
        to->marker_gone_s = from->marker_gone_s;
        changed = true;
    }
    if (from->deleted_us > to->deleted_us) {
        to->deleted_us = from->deleted_us;
        to->deleted_s = from->deleted_s;
        changed = true;
    }
    for (unsigned i = 0; i < table->cell_count; i++)
        if (store_cell_wins(&from->cells[i], &to->cells[i])) {
            to->cells[i] = from->cells[i];
            changed = true;
        }
    return changed;
}

bool store_is_covered(const struct store_slice *slice, const struct store_range *range)
{
    if (slice->deleted_us >= range->at_us)
        return true;
    for (size_t i = 0; i < slice->range_count; i++)
        if (slice->ranges[i].at_us >= range->at_us && slice->ranges[i].from <= range->from &&
            slice->ranges[i].to >= range->to)
            return true;
    return false;
}

static void add_range(struct store_slice *to, const struct store_range *range, struct arena *arena)
{
    to->ranges =
        grown(arena, to->ranges, to->range_count, &to->range_capacity, sizeof(*to->ranges));
    to->ranges[to->range_count++] = *range;
}

static struct store_row *insert_row(struct store_slice *to, int64_t clustering,
                                    const struct store_table *table, struct arena *arena)
{
    size_t at = store_row_at(to, clustering);
    to->rows = grown(arena, to->rows, to->row_count, &to->row_capacity, sizeof(*to->rows));
    memmove(&to->rows[at + 1], &to->rows[at], (to->row_count++ - at) * sizeof(*to->rows));
    return to->rows[at] = store_row_new(arena, table, clustering);
}

/* --- partitions --- */

void store_init(struct store *store, struct arena *arena, bool keeps_undo)
{
    *store = (struct store){.arena = arena, .bucket_count = 256, .keeps_undo = keeps_undo};
    store->buckets = calloc(store->bucket_count, sizeof(struct store_partition *));
    if (store->buckets == NULL)
        abort();
}

static void free_undos(struct store_undo *undo)
{
    while (undo != NULL) {
        struct store_undo *gone = undo;
        undo = undo->next;
        free(gone->before);
        free(gone);
    }
}

void store_deinit(struct store *store)
{
    free_undos(store->undo);
    free(store->buckets);
}

static size_t bucket_of(const struct store *store, const struct store_table *table, int64_t token)
{
    uint64_t hash = ((uint64_t)token ^ ((uint64_t)table->index << 32)) * 0x9E3779B97F4A7C15u;
    return (size_t)(hash >> 32) & (store->bucket_count - 1);
}

struct store_partition *store_find(const struct store *store, const struct store_table *table,
                                   struct slice key, int64_t token)
{
    struct store_partition *it = store->buckets[bucket_of(store, table, token)];
    while (it != NULL && (it->table != table || it->token != token || !slice_equal(it->key, key)))
        it = it->next;
    return it;
}

static void grow_buckets(struct store *store)
{
    struct store_partition **old = store->buckets;
    size_t old_count = store->bucket_count;
    store->bucket_count *= 4;
    store->buckets = calloc(store->bucket_count, sizeof(struct store_partition *));
    if (store->buckets == NULL)
        abort();
    for (size_t i = 0; i < old_count; i++)
        for (struct store_partition *it = old[i], *next; it != NULL; it = next) {
            struct store_partition **head = &store->buckets[bucket_of(store, it->table, it->token)];
            next = it->next;
            it->next = *head;
            *head = it;
        }
    free(old);
}

struct store_partition *store_get(struct store *store, const struct store_table *table,
                                  struct slice key, int64_t token)
{
    struct store_partition *partition = store_find(store, table, key, token);
    if (partition != NULL)
        return partition;
    if (++store->partition_count > 2 * store->bucket_count)
        grow_buckets(store);
    partition = taken(store->arena, sizeof(*partition));
    memset(partition, 0, sizeof(*partition));
    partition->table = table;
    partition->key = key;
    partition->token = token;
    store_slice_init(&partition->all);
    struct store_partition **head = &store->buckets[bucket_of(store, table, token)];
    partition->next = *head;
    *head = partition;
    partition->next_in_table = store->by_table[table->index];
    store->by_table[table->index] = partition;
    return partition;
}

/* --- the unsynced tail --- */

static struct store_undo *remember(struct store *store, struct store_partition *partition,
                                   enum undo_kind kind, int64_t now_us)
{
    struct store_undo *undo = calloc(1, sizeof(*undo));
    if (undo == NULL)
        abort();
    undo->kind = kind;
    undo->at_us = now_us;
    undo->partition = partition;
    undo->next = store->undo;
    store->undo = undo;
    return undo;
}

static void remember_row(struct store *store, struct store_partition *partition,
                         struct store_row *row, int64_t now_us)
{
    if (!store->keeps_undo)
        return;
    struct store_undo *undo = remember(store, partition, UNDO_ROW, now_us);
    undo->row = row;
    undo->row_bytes = row_bytes(partition->table);
    undo->before = malloc(undo->row_bytes);
    if (undo->before == NULL)
        abort();
    memcpy(undo->before, row, undo->row_bytes);
}

void store_paxos_changes(struct store *store, struct store_partition *partition, int64_t now_us)
{
    if (store->keeps_undo)
        remember(store, partition, UNDO_PAXOS, now_us)->paxos = partition->paxos;
}

void store_synced(struct store *store, int64_t at_us)
{
    struct store_undo **at = &store->undo;
    while (*at != NULL && (*at)->at_us > at_us)
        at = &(*at)->next;
    free_undos(*at);
    *at = NULL;
}

unsigned store_lose_tail(struct store *store)
{
    unsigned lost = 0;
    for (struct store_undo *undo = store->undo; undo != NULL; undo = undo->next, lost++) {
        struct store_partition *partition = undo->partition;
        if (undo->kind == UNDO_ROW)
            memcpy(undo->row, undo->before, undo->row_bytes);
        else if (undo->kind == UNDO_PAXOS)
            partition->paxos = undo->paxos;
        else if (undo->kind == UNDO_RANGES)
            partition->all.range_count = undo->range_count;
        if (undo->kind == UNDO_PARTITION) {
            partition->all.deleted_us = undo->deleted_us;
            partition->all.deleted_s = undo->deleted_s;
        }
    }
    free_undos(store->undo);
    store->undo = NULL;
    return lost;
}

/* --- applying --- */

static void apply_delete(struct store *store, struct store_partition *partition,
                         const struct change *change, int64_t now_us)
{
    struct store_slice *all = &partition->all;
    if (store_is_covered(all, &change->range))
        return;
    if (change->is_range) {
        if (store->keeps_undo)
            remember(store, partition, UNDO_RANGES, now_us)->range_count = all->range_count;
        add_range(all, &change->range, store->arena);
        return;
    }
    if (store->keeps_undo) {
        struct store_undo *undo = remember(store, partition, UNDO_PARTITION, now_us);
        undo->deleted_us = all->deleted_us;
        undo->deleted_s = all->deleted_s;
    }
    all->deleted_us = change->range.at_us;
    all->deleted_s = change->range.at_s;
}

static void apply_row(struct store *store, struct store_partition *partition,
                      const struct change *change, int64_t now_us)
{
    struct store_slice *all = &partition->all;
    struct store_row *row =
        change->is_static ? all->statics : find_row(all, change->row->clustering);
    if (row == NULL && change->is_static)
        row = all->statics = store_row_new(store->arena, partition->table, 0);
    if (row == NULL)
        row = insert_row(all, change->row->clustering, partition->table, store->arena);
    remember_row(store, partition, row, now_us);
    (void)add_row(row, change->row, partition->table);
}

void store_apply(struct store *store, const struct mutation *mutation, int64_t now_us)
{
    for (unsigned i = 0; i < mutation->change_count; i++) {
        const struct change *change = &mutation->changes[i];
        struct store_partition *partition =
            store_get(store, change->table, mutation->key, mutation->token);
        if (change->is_partition_delete || change->is_range)
            apply_delete(store, partition, change, now_us);
        else
            apply_row(store, partition, change, now_us);
    }
}

/* --- reading --- */

int64_t store_shadow_us(const struct store_slice *slice, const struct store_row *row)
{
    int64_t shadow_us = slice->deleted_us;
    if (row == slice->statics)
        return shadow_us;
    if (row->deleted_us > shadow_us)
        shadow_us = row->deleted_us;
    for (size_t i = 0; i < slice->range_count; i++)
        if (slice->ranges[i].at_us > shadow_us && slice->ranges[i].from <= row->clustering &&
            slice->ranges[i].to >= row->clustering)
            shadow_us = slice->ranges[i].at_us;
    return shadow_us;
}

bool store_cell_lives(const struct store_cell *cell, int64_t shadow_us, int64_t now_s)
{
    return cell->kind == CELL_VALUE && cell->at_us > shadow_us && cell->gone_s > now_s;
}

bool store_row_lives(const struct store_slice *slice, const struct store_row *row,
                     const struct store_table *table, int64_t now_s)
{
    int64_t shadow_us = store_shadow_us(slice, row);
    if (row->marker_us > shadow_us && row->marker_gone_s > now_s)
        return true;
    for (unsigned i = 0; i < table->cell_count; i++)
        if (store_cell_lives(&row->cells[i], shadow_us, now_s))
            return true;
    return false;
}

void store_merge(struct store_slice *to, const struct store_slice *from, int64_t low, int64_t high,
                 const struct store_table *table, struct arena *arena)
{
    if (from->deleted_us > to->deleted_us) {
        to->deleted_us = from->deleted_us;
        to->deleted_s = from->deleted_s;
    }
    for (size_t i = 0; i < from->range_count; i++) {
        struct store_range range = from->ranges[i];
        range.from = range.from > low ? range.from : low;
        range.to = range.to < high ? range.to : high;
        if (range.from <= range.to && !store_is_covered(to, &range))
            add_range(to, &range, arena);
    }
    if (from->statics != NULL) {
        if (to->statics == NULL)
            to->statics = store_row_new(arena, table, 0);
        (void)add_row(to->statics, from->statics, table);
    }
    for (size_t i = store_row_at(from, low);
         i < from->row_count && from->rows[i]->clustering <= high; i++) {
        struct store_row *row = find_row(to, from->rows[i]->clustering);
        if (row == NULL)
            row = insert_row(to, from->rows[i]->clustering, table, arena);
        (void)add_row(row, from->rows[i], table);
    }
}

/* --- repair --- */

bool store_row_lacks(const struct store_slice *copy, const struct store_slice *all,
                     const struct store_row *merged, bool is_static,
                     const struct store_table *table, struct arena *arena, struct change *change)
{
    const struct store_row *had = is_static ? copy->statics : find_row(copy, merged->clustering);
    int64_t shadow_us = store_shadow_us(all, merged);
    struct store_row *row = store_row_new(arena, table, merged->clustering);
    bool lacks = false;

    if (had == NULL)
        had = store_row_new(arena, table, merged->clustering);
    if (merged->marker_us > shadow_us && marker_wins(merged, had)) {
        row->marker_us = merged->marker_us;
        row->marker_ttl_s = merged->marker_ttl_s;
        row->marker_gone_s = merged->marker_gone_s;
        lacks = true;
    }
    if (merged->deleted_us > had->deleted_us && merged->deleted_us >= shadow_us) {
        row->deleted_us = merged->deleted_us;
        row->deleted_s = merged->deleted_s;
        lacks = true;
    }
    for (unsigned i = 0; i < table->cell_count; i++)
        if (merged->cells[i].at_us > shadow_us &&
            store_cell_wins(&merged->cells[i], &had->cells[i])) {
            row->cells[i] = merged->cells[i];
            lacks = true;
        }
    *change = (struct change){.table = table, .is_static = is_static, .row = row};
    return lacks;
}

/* --- compaction --- */

static void compact_row(struct store_slice *all, struct store_row *row,
                        const struct store_table *table, int64_t before_s)
{
    int64_t shadow_us = store_shadow_us(all, row);
    for (unsigned i = 0; i < table->cell_count; i++) {
        struct store_cell *cell = &row->cells[i];
        if (cell->kind != CELL_ABSENT && (cell->at_us <= shadow_us || cell->gone_s < before_s))
            *cell = (struct store_cell){.kind = CELL_ABSENT};
    }
    if (row->marker_us != STORE_NEVER_US &&
        (row->marker_us <= shadow_us || row->marker_gone_s < before_s)) {
        row->marker_us = STORE_NEVER_US;
        row->marker_ttl_s = 0;
        row->marker_gone_s = STORE_FOR_EVER;
    }
}

static void compact_deletes(struct store_slice *all, int64_t before_s)
{
    size_t kept = 0;
    for (size_t i = 0; i < all->row_count; i++)
        if (all->rows[i]->deleted_us != STORE_NEVER_US && all->rows[i]->deleted_s < before_s)
            all->rows[i]->deleted_us = STORE_NEVER_US;
    for (size_t i = 0; i < all->range_count; i++)
        if (all->ranges[i].at_s >= before_s)
            all->ranges[kept++] = all->ranges[i];
    all->range_count = kept;
    if (all->deleted_us != STORE_NEVER_US && all->deleted_s < before_s)
        all->deleted_us = STORE_NEVER_US;
}

void store_compact(struct store *store, int64_t now_s)
{
    store_synced(store, INT64_MAX); /* it flushes first */
    for (size_t i = 0; i < sizeof(store->by_table) / sizeof(store->by_table[0]); i++)
        for (struct store_partition *it = store->by_table[i]; it != NULL; it = it->next_in_table) {
            int64_t before_s = now_s - it->table->gc_grace_s;
            for (size_t row = 0; row < it->all.row_count; row++)
                compact_row(&it->all, it->all.rows[row], it->table, before_s);
            if (it->all.statics != NULL)
                compact_row(&it->all, it->all.statics, it->table, before_s);
            compact_deletes(&it->all, before_s);
        }
}
