/*
 * What one replica holds: cells, row markers and deletes with their timestamps, by Cassandra
 * partition. Everything is a maximum of what was written, so the order and the number of times in
 * which mutations come does not count.
 *
 *      newest timestamp wins; at the same one a delete wins, then what expires, then the greater
 *      value
 *
 * Memory is the database's arena: values are never copied again after their mutation was made.
 */
#ifndef TESTS_SIM_REPLICA_STORE_H
#define TESTS_SIM_REPLICA_STORE_H

#include "proto/arena.h"
#include "tests/sim/database_text.h"

#define STORE_NEVER_US INT64_MIN /* timestamp of what was not written */
#define STORE_FOR_EVER INT64_MAX /* does not expire */

#define STORE_SETTINGS_MAX 64

struct store_column {
    char name[48];
    const char *type;
    enum db_role role;
    int position; /* in the partition or clustering key */
    int cell;     /* index of a regular or static column's cell; -1: key */
};

struct store_table {
    const char *keyspace, *name;
    uint8_t id[16];
    unsigned index; /* in the database's list */
    unsigned column_count, key_count, cell_count;
    struct store_column columns[TEXT_ITEMS_MAX]; /* as defined */
    unsigned keys[TEXT_ITEMS_MAX];               /* columns of the partition key, in order */
    unsigned ordered[TEXT_ITEMS_MAX];            /* columns as Cassandra lists them */
    int clustering;                              /* column; -1: none */
    bool descending;
    int32_t gc_grace_s;
    unsigned made, dropped; /* schema versions; dropped 0: never */
    struct {
        unsigned version;
        int32_t default_ttl_s;
        struct slice compression; /* a map cell; data NULL: nobody asked for any */
    } settings[STORE_SETTINGS_MAX]; /* as made, and as altered */
    unsigned setting_count;
};

int32_t store_default_ttl_s(const struct store_table *table, unsigned version);
struct slice store_compression(const struct store_table *table, unsigned version);
bool store_is_seen(const struct store_table *table, unsigned version);

enum store_cell_kind { CELL_ABSENT, CELL_VALUE, CELL_TOMBSTONE };

struct store_cell {
    enum store_cell_kind kind;
    uint32_t ttl_s; /* 0: does not expire */
    int64_t at_us;
    int64_t gone_s; /* when it expires, or was deleted; STORE_FOR_EVER */
    struct slice value;
};

struct store_row {
    int64_t clustering;
    int64_t marker_us; /* STORE_NEVER_US: none */
    int64_t marker_gone_s;
    uint32_t marker_ttl_s;
    int64_t deleted_us; /* of the row alone */
    int64_t deleted_s;
    struct store_cell cells[];
};

struct store_range {
    int64_t from, to; /* both inside */
    int64_t at_us, at_s;
};

/* A piece of one Cassandra partition: what a replica holds, answers, or is told to add. */
struct store_slice {
    struct store_row **rows; /* by clustering */
    size_t row_count, row_capacity;
    struct store_row *statics; /* NULL: none */
    struct store_range *ranges;
    size_t range_count, range_capacity;
    int64_t deleted_us, deleted_s; /* of the partition */
};

struct store_ballot {
    int64_t us;
    uint64_t tie;
};

struct store_paxos {
    struct store_ballot promised, accepted, committed;
    const struct mutation *proposal;    /* accepted; NULL: an empty one */
    const struct mutation *last_commit; /* NULL: none */
};

struct store_partition {
    const struct store_table *table;
    struct slice key;
    int64_t token;
    struct store_slice all;
    struct store_paxos paxos;
    struct store_partition *next;          /* of the same hash */
    struct store_partition *next_in_table; /* newest first */
};

/* A mutation: changes of one partition key in one or several tables of a keyspace. */
struct change {
    const struct store_table *table;
    bool is_partition_delete, is_range, is_static;
    struct store_range range; /* partition and range deletes */
    struct store_row *row;    /* the others: what is to be added */
};

struct mutation {
    struct slice key;
    int64_t token;
    const char *keyspace;
    struct change *changes;
    unsigned change_count;
    size_t bytes; /* about */
};

struct store_undo; /* what the commit log has not synced */

struct store {
    struct arena *arena;
    struct store_partition **buckets;
    size_t bucket_count, partition_count;
    struct store_partition *by_table[512]; /* heads, by table->index */
    struct store_undo *undo;               /* newest first */
    struct store_undo *undo_free;
    bool keeps_undo;
};

void store_init(struct store *store, struct arena *arena, bool keeps_undo);
void store_deinit(struct store *store);
struct store_partition *store_find(const struct store *store, const struct store_table *table,
                                   struct slice key, int64_t token);
struct store_partition *store_get(struct store *store, const struct store_table *table,
                                  struct slice key, int64_t token);
void store_apply(struct store *store, const struct mutation *mutation, int64_t now_us);
/* Remembers the partition's paxos state before it changes. */
void store_paxos_changes(struct store *store, struct store_partition *partition, int64_t now_us);
/* What was applied at or before is safe. */
void store_synced(struct store *store, int64_t at_us);
/* The tail is gone. Returns how many changes were lost. */
unsigned store_lose_tail(struct store *store);
/* Purges what was deleted or has expired before `before_s`, per table minus its gc_grace. */
void store_compact(struct store *store, int64_t now_s);

/* --- pieces --- */

struct store_row *store_row_new(struct arena *arena, const struct store_table *table,
                                int64_t clustering);
/* The first row at or above. */
size_t store_row_at(const struct store_slice *slice, int64_t clustering);
/* Adds `from` (clipped to the bounds) to `to`: merging copies, or copying one (`to` zeroed by
 * store_slice_init). */
void store_slice_init(struct store_slice *slice);
void store_merge(struct store_slice *to, const struct store_slice *from, int64_t low, int64_t high,
                 const struct store_table *table, struct arena *arena);
/* The newest delete that covers a row, the row's own included. */
int64_t store_shadow_us(const struct store_slice *slice, const struct store_row *row);
bool store_cell_lives(const struct store_cell *cell, int64_t shadow_us, int64_t now_s);
bool store_row_lives(const struct store_slice *slice, const struct store_row *row,
                     const struct store_table *table, int64_t now_s);
/* Is all of the range deleted by something as new? */
bool store_is_covered(const struct store_slice *slice, const struct store_range *range);
/* Does the new one win? */
bool store_cell_wins(const struct store_cell *fresh, const struct store_cell *old);
/* What `copy` lacks of row `merged` of `all`, as a change; false: nothing. */
bool store_row_lacks(const struct store_slice *copy, const struct store_slice *all,
                     const struct store_row *merged, bool is_static,
                     const struct store_table *table, struct arena *arena, struct change *change);

int store_column(const struct store_table *table, const char *name); /* -1: none */

#endif
