/* What the tail means: the log's end, damage, and the producers' state. */
#include "core/engine/recovery_internal.h"
#include "core/gateway_internal.h"
#include "kafka/error.h"

#include <assert.h>

/* rows[] is newest first: the oldest read is the last. */
static const struct tail_row *ascending(const struct recovery *recovery, size_t i)
{
    return &recovery->rows[recovery->row_count - 1 - i];
}

/* The first row at or above `offset`, as an index for ascending(). */
static size_t find_row(const struct recovery *recovery, int64_t offset)
{
    size_t low = 0, high = recovery->row_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ascending(recovery, middle)->offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Whole batches from `base` up, without a gap. */
static int64_t find_end(const struct recovery *recovery, int64_t base)
{
    int64_t end = base;
    size_t i = find_row(recovery, base);

    while (i < recovery->row_count && ascending(recovery, i)->offset == end) {
        int64_t count = ascending(recovery, i)->record_count;
        if (count <= 0 || (size_t)count > recovery->row_count - i ||
            ascending(recovery, i + (size_t)count - 1)->offset != end + count - 1)
            break; /* offsets rise strictly, so first and last being right makes all right */
        end += count;
        i += (size_t)count;
    }
    return end;
}

/* Are rows missing among those that were read below `base`, or between the highest and `base`? */
static bool is_damaged(const struct recovery *recovery, int64_t base)
{
    size_t below = find_row(recovery, base);

    if (recovery->row_count == 0 || base == recovery->segment_first)
        return false;
    if (below == 0)
        return true; /* nothing is left below a `stable` that somebody wrote down */
    return ascending(recovery, below - 1)->offset != base - 1 ||
           ascending(recovery, below - 1)->offset - ascending(recovery, 0)->offset !=
               (int64_t)below - 1;
}

static void decide(struct recovery *recovery)
{
    const struct partition *partition = recovery->partition;

    recovery->decided = true;
    recovery->empty = recovery->row_count == 0;
    recovery->base =
        recovery->stable > recovery->segment_first ? recovery->stable : recovery->segment_first;
    recovery->damaged = !recovery->has_ttl && is_damaged(recovery, recovery->base);
    recovery->whole_end = recovery->end = find_end(recovery, recovery->base);
    if (!recovery->damaged)
        return;
    /* Nothing more is destroyed: what is there stays and is written again from `base` on (which
     * keeps late writes out of the holes), and the log goes on in a new segment above it. What lies
     * behind a hole above `base` may have been acknowledged or not: it is kept, and not known. */
    int64_t highest = recovery->rows[0].offset;
    action_log(partition->gateway->actions, LOG_ERROR, "the database has lost acknowledged records",
               "topic=%s partition=%d segment=%lld below_offset=%lld highest_offset=%lld",
               partition->topic->name, partition->index, (long long)recovery->segment,
               (long long)recovery->base, (long long)highest);
    recovery->end = highest + 1 > recovery->base ? highest + 1 : recovery->base;
}

/* The batches after the snapshot, in offset order. */
static int apply_batches(struct recovery *recovery, int64_t from, int64_t below, int64_t now_ms)
{
    struct producer_table *producers = &recovery->partition->producers;

    for (size_t i = find_row(recovery, from); i < recovery->row_count; i++) {
        const struct tail_row *row = ascending(recovery, i);
        const struct producer_claim claim = {row->producer_id, row->producer_epoch,
                                             row->base_sequence, row->record_count};
        if (row->offset >= below)
            break;
        if (row->record_count == 0 || row->producer_id < 0)
            continue;
        int rc = producer_admit(producers, &claim, row->offset, now_ms);
        if (rc < 0)
            return rc;
    }
    return STATUS_OK;
}

/* True: the producers' state is complete. */
static bool take_producers(struct recovery *recovery, struct moment now)
{
    struct producer_table *producers = &recovery->partition->producers;
    int64_t below = recovery->scan_segment == recovery->segment ? recovery->whole_end : INT64_MAX;
    int64_t from = recovery->snapshot_offset < 0 ? 0 : recovery->snapshot_offset;
    int rc = STATUS_OK;

    producer_table_clear(producers);
    if (recovery->snapshot_offset >= 0)
        rc = producer_snapshot_read(producers, buf_unread(&recovery->snapshot));
    if (rc == STATUS_OK)
        rc = apply_batches(recovery, from, below, now.wall_us / 1000);
    if (rc == STATUS_OK)
        return true;
    recovery_fail(recovery, KAFKA_STORAGE_ERROR,
                  rc == STATUS_NOMEM ? "out of memory" : "a producers snapshot cannot be read",
                  now);
    return false;
}

void recovery_tail_read(struct recovery *recovery, struct moment now)
{
    if (!recovery->decided)
        decide(recovery);
    /* A segment's first batch carries a snapshot; without any kept row the segment before has it.
     */
    bool has_state =
        recovery->snapshot_offset >= 0 &&
        (recovery->scan_segment != recovery->segment || recovery->snapshot_offset < recovery->end);
    /* Where rows vanish by themselves, there is nothing below an empty one. */
    bool bottom = recovery->scan_segment == 0 || recovery->damaged ||
                  (recovery->has_ttl && recovery->scan_segment != recovery->segment &&
                   recovery->row_count == 0) ||
                  recovery->segments_scanned == RECOVERY_SCANS_MAX;
    if (!has_state && !bottom) {
        recovery_scan(recovery, recovery->scan_segment - 1, now);
        return;
    }
    if (take_producers(recovery, now))
        recovery_seal(recovery, now);
}
