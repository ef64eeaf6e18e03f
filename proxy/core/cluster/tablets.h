/*
 * ScyllaDB's tablets: for each table, which nodes and which of their shards hold a range of tokens.
 * Unlike the ring's, these ranges belong to one table and move by themselves, so what is kept here
 * is what was learned lately: from a node's answer to a request that had come to the wrong place,
 * or from system.tablets. (ScyllaDB, docs/dev/protocol-extensions.md, "Sending tablet info".)
 *
 * Ranges are (first, last]; those of one table never overlap: what is learned replaces what it
 * overlaps. All counts are bounded, because nodes tell them.
 */
#ifndef PROXY_CORE_TABLETS_H
#define PROXY_CORE_TABLETS_H

#include "proto/alloc.h"
#include "proto/slice.h"
#include "proto/status.h"

#include <stdbool.h>
#include <stdint.h>

#define TABLET_COPIES_MAX     9
#define TABLET_TABLES_MAX     4096
#define TABLETS_PER_TABLE_MAX 16384
#define TABLETS_MAX           262144 /* of all tables */
#define TABLET_HOSTS_MAX      4096

/* What is told of one tablet. Copies beyond the limit are left out. */
struct tablet_told {
    int64_t first, last;
    size_t replica_count;
    struct {
        uint8_t host_id[16];
        uint16_t shard;
    } replicas[TABLET_COPIES_MAX];
};

struct tablet {
    int64_t first, last;
    uint16_t replica_count;
    struct {
        uint16_t host; /* for tablets_host */
        uint16_t shard;
    } replicas[TABLET_COPIES_MAX];
};

struct tablet_table {
    uint8_t id[16];
    struct tablet *items; /* by token */
    size_t count, capacity;
    int64_t asked_at_us; /* the owner's: when system.tablets was read for it; 0: not yet */
    bool is_wanted;      /* the owner's */
};

struct tablet_host {
    uint8_t id[16];
    void *node; /* the owner's */
};

struct tablets {
    const struct alloc *alloc;
    struct tablet_table **tables; /* by id */
    size_t table_count, table_capacity;
    size_t count; /* tablets of all tables */
    struct tablet_host *hosts;
    size_t host_count, host_capacity;
};

void tablets_init(struct tablets *tablets, const struct alloc *alloc);
void tablets_deinit(struct tablets *tablets);

/* The value of the payload "tablets-routing-v1": tuple<bigint, bigint, list<tuple<uuid, int>>>.
 * MALFORMED: not that, an empty range, no replica, a shard beyond 65,535. */
MUST_CHECK int tablet_read(struct slice value, struct tablet_told *told);
/* The replicas alone, list<tuple<uuid, int>>. MALFORMED. */
MUST_CHECK int tablet_read_replicas(struct slice list, struct tablet_told *told);

/* NULL: nothing is known of it. */
struct tablet_table *tablets_table(const struct tablets *tablets, const uint8_t id[16]);
/* Makes it if needed; beyond TABLET_TABLES_MAX in place of the one with the least asked_at_us.
 * NULL: out of memory. */
struct tablet_table *tablets_make(struct tablets *tablets, const uint8_t id[16]);
/* NOMEM, LIMIT: it is not kept, what was there may be. */
MUST_CHECK int tablets_add(struct tablets *tablets, struct tablet_table *table,
                           const struct tablet_told *told);
/* NULL: not known. Valid until something is learned. */
const struct tablet *tablet_of_token(const struct tablet_table *table, int64_t token);
struct tablet_host *tablets_host(const struct tablets *tablets, uint16_t host);

void tablets_clear(struct tablets *tablets, struct tablet_table *table);
/* The table is gone. */
void tablets_drop(struct tablets *tablets, const uint8_t id[16]);
/* The node has left: tablets that name it are not believed any more. */
void tablets_forget_host(struct tablets *tablets, const uint8_t host_id[16]);

#endif
