/* Shared by ledger.c (what was told) and ledger_scan.c (what is there). */
#ifndef TESTS_SIM_LEDGER_INTERNAL_H
#define TESTS_SIM_LEDGER_INTERNAL_H

#include "tests/sim/ledger.h"

#define PARTITIONS_MAX 8

struct kept {
    struct kept *next;
    _Alignas(16) char bytes[];
};

struct stream_entry {
    struct stream stream;
    struct claim *claims;     /* newest first */
    struct claim **by_record; /* those that begin with it, newest first */
    size_t record_capacity;
};

struct partition_entry {
    uint64_t *records; /* by offset: stream + 1, record; 0: not told yet */
    size_t record_capacity;
    uint64_t owner;      /* the process that loaded it last; 0: none */
    int64_t loaded_us;   /* when it did */
    int64_t *retired_us; /* by process: when somebody else loaded it; 0: not since its own load */
    size_t retired_capacity;
    int64_t segment; /* where an acknowledged row was found last */
};

/* A row of the log as the scan found it. */
struct log_row {
    int32_t partition;
    int64_t segment, offset;
    struct stream_entry *stream;
    uint32_t record;
    int32_t record_count; /* 0: not the first of its batch */
    int64_t producer_id;
    int16_t epoch;
    int32_t sequence;
};

struct ledger {
    struct world *world;
    struct kept *kept;
    struct stream_entry **streams;
    size_t stream_count, stream_capacity;
    int64_t *ids; /* producer ids */
    size_t id_count, id_capacity;
    struct partition_entry partitions[PARTITIONS_MAX];
    struct log_row *rows;
    size_t row_count, row_capacity;
    uint32_t copies; /* of the scan at hand */
    struct log_columns {
        int value, record_count, producer_id, producer_epoch, base_sequence;
    } columns;
};

void ledger_grow(void *array, size_t count, size_t *capacity, size_t item_bytes);
const char *claim_text(const struct claim *claim, char *to, size_t bytes);
bool ledger_row_is_there(struct ledger *ledger, const struct claim *claim, int64_t offset,
                         uint32_t copies);

#endif
