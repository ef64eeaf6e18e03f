#include "core/cluster/tablets.h"

#include "proto/endian.h"

#include <string.h>

void tablets_init(struct tablets *tablets, const struct alloc *alloc)
{
    *tablets = (struct tablets){.alloc = alloc};
}

static void table_free(struct tablets *tablets, struct tablet_table *table)
{
    tablets->count -= table->count;
    alloc_free(tablets->alloc, table->items, table->capacity * sizeof(*table->items));
    alloc_free(tablets->alloc, table, sizeof(*table));
}

void tablets_deinit(struct tablets *tablets)
{
    for (size_t i = 0; i < tablets->table_count; i++)
        table_free(tablets, tablets->tables[i]);
    alloc_free(tablets->alloc, tablets->tables, tablets->table_capacity * sizeof(*tablets->tables));
    alloc_free(tablets->alloc, tablets->hosts, tablets->host_capacity * sizeof(*tablets->hosts));
    tablets_init(tablets, tablets->alloc);
}

/* --- what a node tells --- */

/* Takes a length and so many bytes off the front. */
static bool take_field(struct slice *from, struct slice *field)
{
    if (from->len < 4)
        return false;
    int32_t len = (int32_t)be32_load(from->data);
    if (len < 0 || (size_t)len > from->len - 4)
        return false;
    *field = slice_make(from->data + 4, (size_t)len);
    *from = slice_make(from->data + 4 + len, from->len - 4 - (size_t)len);
    return true;
}

static bool take_i64(struct slice *from, int64_t *number)
{
    struct slice field;
    if (!take_field(from, &field) || field.len != 8)
        return false;
    *number = (int64_t)be64_load(field.data);
    return true;
}

int tablet_read_replicas(struct slice list, struct tablet_told *told)
{
    struct slice element, host_id, shard;
    told->replica_count = 0;
    if (list.len < 4)
        return STATUS_MALFORMED;
    int32_t count = (int32_t)be32_load(list.data);
    list = slice_make(list.data + 4, list.len - 4);
    if (count <= 0 || (size_t)count > list.len / 4)
        return STATUS_MALFORMED;
    for (int32_t i = 0; i < count; i++) {
        if (!take_field(&list, &element) || !take_field(&element, &host_id) || host_id.len != 16 ||
            !take_field(&element, &shard) || shard.len != 4 || be32_load(shard.data) > UINT16_MAX)
            return STATUS_MALFORMED;
        if (told->replica_count == TABLET_COPIES_MAX)
            continue;
        memcpy(told->replicas[told->replica_count].host_id, host_id.data, 16);
        told->replicas[told->replica_count++].shard = (uint16_t)be32_load(shard.data);
    }
    return STATUS_OK;
}

int tablet_read(struct slice value, struct tablet_told *told)
{
    struct slice list;
    if (!take_i64(&value, &told->first) || !take_i64(&value, &told->last) ||
        told->last <= told->first || !take_field(&value, &list))
        return STATUS_MALFORMED;
    return tablet_read_replicas(list, told);
}

/* --- tables --- */

/* Where the table is, or would be. */
static size_t find_table(const struct tablets *tablets, const uint8_t id[16])
{
    size_t low = 0, high = tablets->table_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(tablets->tables[middle]->id, id, 16) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct tablet_table *tablets_table(const struct tablets *tablets, const uint8_t id[16])
{
    size_t at = find_table(tablets, id);
    if (at == tablets->table_count || memcmp(tablets->tables[at]->id, id, 16) != 0)
        return NULL;
    return tablets->tables[at];
}

void tablets_drop(struct tablets *tablets, const uint8_t id[16])
{
    size_t at = find_table(tablets, id);
    if (at == tablets->table_count || memcmp(tablets->tables[at]->id, id, 16) != 0)
        return;
    table_free(tablets, tablets->tables[at]);
    tablets->table_count--;
    memmove(tablets->tables + at, tablets->tables + at + 1,
            (tablets->table_count - at) * sizeof(struct tablet_table *));
}

/* Room for one more item of `bytes` in the array; false: out of memory or at its limit. */
static bool grow(const struct alloc *alloc, void **array, size_t count, size_t *capacity,
                 size_t bytes, size_t limit)
{
    if (count < *capacity)
        return true;
    if (count >= limit)
        return false;
    size_t wanted = *capacity == 0 ? 8 : *capacity * 2;
    void *grown = alloc_resize(alloc, *array, *capacity * bytes, wanted * bytes);
    if (grown == NULL)
        return false;
    *array = grown;
    *capacity = wanted;
    return true;
}

/* What was not asked about for longest is in use no more. */
static void drop_oldest(struct tablets *tablets)
{
    const struct tablet_table *oldest = tablets->tables[0];
    for (size_t i = 1; i < tablets->table_count; i++)
        if (tablets->tables[i]->asked_at_us < oldest->asked_at_us)
            oldest = tablets->tables[i];
    tablets_drop(tablets, oldest->id);
}

struct tablet_table *tablets_make(struct tablets *tablets, const uint8_t id[16])
{
    struct tablet_table *table = tablets_table(tablets, id);
    void *array = tablets->tables;
    if (table != NULL)
        return table;
    if (tablets->table_count == TABLET_TABLES_MAX)
        drop_oldest(tablets);
    bool has_room = grow(tablets->alloc, &array, tablets->table_count, &tablets->table_capacity,
                         sizeof(struct tablet_table *), TABLET_TABLES_MAX);
    tablets->tables = array;
    if (!has_room || (table = alloc_zeroed(tablets->alloc, sizeof(*table))) == NULL)
        return NULL;
    size_t at = find_table(tablets, id);
    memcpy(table->id, id, 16);
    memmove(tablets->tables + at + 1, tablets->tables + at,
            (tablets->table_count - at) * sizeof(struct tablet_table *));
    tablets->tables[at] = table;
    tablets->table_count++;
    return table;
}

void tablets_clear(struct tablets *tablets, struct tablet_table *table)
{
    tablets->count -= table->count;
    table->count = 0;
}

/* --- tablets --- */

/* The first tablet whose last token is not below this one. */
static size_t find_tablet(const struct tablet_table *table, int64_t token)
{
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->items[middle].last < token)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct tablet *tablet_of_token(const struct tablet_table *table, int64_t token)
{
    size_t at = find_tablet(table, token);
    if (at == table->count || table->items[at].first >= token)
        return NULL;
    return &table->items[at];
}

/* -1: out of memory, or too many hosts. */
static int host_index(struct tablets *tablets, const uint8_t id[16])
{
    for (size_t i = 0; i < tablets->host_count; i++)
        if (memcmp(tablets->hosts[i].id, id, 16) == 0)
            return (int)i;
    void *array = tablets->hosts;
    bool has_room = grow(tablets->alloc, &array, tablets->host_count, &tablets->host_capacity,
                         sizeof(*tablets->hosts), TABLET_HOSTS_MAX);
    tablets->hosts = array;
    if (!has_room)
        return -1;
    struct tablet_host *host = &tablets->hosts[tablets->host_count];
    *host = (struct tablet_host){.node = NULL};
    memcpy(host->id, id, 16);
    return (int)tablets->host_count++;
}

struct tablet_host *tablets_host(const struct tablets *tablets, uint16_t host)
{
    return &tablets->hosts[host];
}

int tablets_add(struct tablets *tablets, struct tablet_table *table, const struct tablet_told *told)
{
    struct tablet tablet = {
        .first = told->first, .last = told->last, .replica_count = (uint16_t)told->replica_count};
    for (size_t i = 0; i < told->replica_count; i++) {
        int host = host_index(tablets, told->replicas[i].host_id);
        if (host < 0)
            return STATUS_LIMIT;
        tablet.replicas[i].host = (uint16_t)host;
        tablet.replicas[i].shard = told->replicas[i].shard;
    }
    void *array = table->items;
    bool has_room =
        tablets->count < TABLETS_MAX && grow(tablets->alloc, &array, table->count, &table->capacity,
                                             sizeof(*table->items), TABLETS_PER_TABLE_MAX);
    table->items = array;
    if (!has_room)
        return STATUS_LIMIT;
    /* Those that overlap it: from the first that ends behind its begin ... */
    size_t from = told->first == INT64_MAX ? table->count : find_tablet(table, told->first + 1);
    size_t to = from;
    while (to < table->count && table->items[to].first < told->last)
        to++; /* ... to the last that begins before its end */
    memmove(table->items + from + 1, table->items + to,
            (table->count - to) * sizeof(*table->items));
    table->items[from] = tablet;
    tablets->count = tablets->count + 1 - (to - from);
    table->count = table->count + 1 - (to - from);
    return STATUS_OK;
}

static bool names_host(const struct tablets *tablets, const struct tablet *tablet,
                       const uint8_t host_id[16])
{
    for (size_t i = 0; i < tablet->replica_count; i++)
        if (memcmp(tablets->hosts[tablet->replicas[i].host].id, host_id, 16) == 0)
            return true;
    return false;
}

void tablets_forget_host(struct tablets *tablets, const uint8_t host_id[16])
{
    for (size_t t = 0; t < tablets->table_count; t++) {
        struct tablet_table *table = tablets->tables[t];
        size_t kept = 0;
        for (size_t i = 0; i < table->count; i++)
            if (!names_host(tablets, &table->items[i], host_id))
                table->items[kept++] = table->items[i];
        tablets->count -= table->count - kept;
        table->count = kept;
    }
}
