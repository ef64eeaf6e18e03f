/*
 * What a partition knows of its idempotent producers (KIP-98): for each producer id the epoch and
 * the last five batches. The rules are Kafka's, with two differences: a gap that our own refusal
 * made is answered with that refusal's code, not 45 (a wrong 45 is fatal to librdkafka and makes
 * duplicates elsewhere); a sequence wholly below the window is 46.
 *
 * State follows admission, not acknowledgement: a batch that has an offset is in it.
 */
#ifndef PROXY_CORE_PRODUCER_STATE_H
#define PROXY_CORE_PRODUCER_STATE_H

#include "proto/alloc.h"
#include "proto/buf.h"

#define PRODUCER_WINDOW       5
#define PRODUCERS_MAX         5000               /* per partition; the oldest goes first */
#define PRODUCERS_HARD_MAX    20000              /* when so many wrote just now: no new ones */
#define PRODUCER_PROTECTED_MS (15LL * 60 * 1000) /* none is dropped within this of its last write  \
                                                  */
#define PRODUCER_EXPIRY_MS  (24LL * 3600 * 1000) /* producer.id.expiration.ms */
#define PRODUCER_REFUSED_MS (60LL * 1000)        /* so long a producer is known by refusals only */

struct producer_batch {
    int32_t first_sequence;
    int32_t last_sequence;
    int64_t first_offset; /* -1: not known any more, nor is first_sequence (producer_retract) */
};

struct producer {
    int64_t producer_id; /* -1: an empty place of the table */
    int16_t epoch;
    uint8_t count; /* of window */
    int16_t
        blocked_code; /* 0, or the retriable code that batches of this producer were refused with */
    int32_t blocked_sequence; /* the first sequence that has to come back */
    int32_t blocked_last;     /* the last one that was refused */
    int64_t last_write_ms;
    struct producer_batch window[PRODUCER_WINDOW]; /* oldest first */
};

struct producer_table {
    const struct alloc *alloc;
    struct producer *slots; /* open addressing; capacity is a power of two */
    size_t capacity;
    size_t count;
    int64_t swept_ms; /* when the last sweep found nobody to drop; 0: it did */
};

enum producer_verdict {
    PRODUCER_ACCEPT,    /* next in order, or first of a new epoch */
    PRODUCER_FIRST,     /* nothing is known of it and the sequence is above 0: see gateway */
    PRODUCER_DUPLICATE, /* one of the window, *first_offset is its original offset */
    PRODUCER_OLD,       /* wholly below the window: 46 */
    PRODUCER_GAP,       /* 45 */
    PRODUCER_BLOCKED,   /* behind a batch that was refused: *code again */
    PRODUCER_FENCED,    /* older epoch: 47 */
};

struct producer_claim {
    int64_t producer_id;
    int16_t epoch;
    int32_t first_sequence;
    int32_t record_count;
};

void producer_table_init(struct producer_table *table, const struct alloc *alloc);
void producer_table_deinit(struct producer_table *table);
void producer_table_clear(struct producer_table *table);

/* first + count - 1, wrapping from 2^31-1 to 0. */
int32_t producer_last_sequence(int32_t first_sequence, int32_t record_count);

enum producer_verdict producer_check(const struct producer_table *table,
                                     const struct producer_claim *claim, int64_t *first_offset,
                                     int16_t *code);
/* Is there a place for it? False: PRODUCERS_HARD_MAX others have written within
 * PRODUCER_PROTECTED_MS. */
bool producer_has_place(struct producer_table *table, int64_t producer_id, int64_t now_ms);
/* Drops who has not written for PRODUCER_EXPIRY_MS. */
void producer_table_expire(struct producer_table *table, int64_t now_ms);
/* The batch has an offset now. NOMEM. */
MUST_CHECK int producer_admit(struct producer_table *table, const struct producer_claim *claim,
                              int64_t first_offset, int64_t now_ms);
/* The batch at `offset` is not stored there after all. Called for the newest first, it gives the
 * state before them back; of batches that had left the window only the newest one's end. */
void producer_retract(struct producer_table *table, const struct producer_claim *claim,
                      int64_t offset);
/* How long ago a producer, of which only refusals are known, was first seen; -1: it was not. */
int64_t producer_waited_ms(const struct producer_table *table, int64_t producer_id, int64_t now_ms);
/* A batch that would have been accepted, or is behind such a one, was refused with a retriable
 * code: until all of them are back the gap is ours. Without memory, or a place, there is no entry,
 * which is harmless. */
void producer_block(struct producer_table *table, const struct producer_claim *claim, int16_t code,
                    int64_t now_ms);
/* Blocks in `refused` whoever is blocked in `table` or has batches at `stable` or above, which were
 * refused just now. */
void producer_table_doubt(const struct producer_table *table, int64_t stable, int16_t code,
                          int64_t now_ms, struct producer_table *refused);
/* Those who are blocked in `refused` are in `table`, which was loaded afresh meanwhile: until their
 * last refused batch is back. */
void producer_table_block_all(struct producer_table *table, const struct producer_table *refused,
                              int64_t now_ms);

/* The snapshot in the `producers` column: version 1, big endian, producers in any order. */
size_t producer_snapshot_bytes(const struct producer_table *table);
MUST_CHECK int producer_snapshot_write(const struct producer_table *table, struct buf *out);
/* Replaces the table. MALFORMED, NOMEM. */
MUST_CHECK int producer_snapshot_read(struct producer_table *table, struct slice snapshot);

#endif
