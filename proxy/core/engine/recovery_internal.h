/* Shared by recovery.c (reading), recovery_tail.c (deciding) and recovery_seal.c (writing). */
#ifndef PROXY_CORE_RECOVERY_INTERNAL_H
#define PROXY_CORE_RECOVERY_INTERNAL_H

#include "core/engine/recovery.h"

/* Above it an offset is not believed: sums with it must not overflow. */
#define RECOVERY_OFFSET_MAX (INT64_MAX / 2)
/* Below the newest one, for producers' state; sound logs have it in one of the newest two. */
#define RECOVERY_SCANS_MAX 1000

struct tail_row {
    int64_t offset;
    int64_t producer_id;
    int32_t base_sequence;
    int32_t record_count; /* 0: not the first row of a batch */
    int16_t producer_epoch;
};

struct recovery {
    struct partition *partition;
    struct cluster_call *call; /* the one thing under way, or: */
    struct cluster_request request;
    struct cql_body *body; /* of request; NULL: none */
    bool preparing;
    int64_t started_us;
    int64_t seal_us; /* C: everything at or below is shadowed */
    struct arena arena;

    /* the newest segment, from its index row */
    bool indexed;
    int64_t segment, segment_first, segment_limit;

    /* the scan of one segment's tail, newest row first */
    int64_t scan_segment;
    int64_t segments_scanned;
    int32_t page_rows;
    struct tail_row *rows;
    size_t row_count, row_capacity;
    bool has_ttl;            /* the table, or a row that was read: rows vanish by themselves */
    int64_t lowest_offset;   /* of the rows read */
    int64_t stable;          /* the greatest seen, -1: none */
    int64_t snapshot_offset; /* -1: none */
    struct buf snapshot;

    /* what was decided */
    bool decided;         /* base and end are set: further scans are for producers only */
    bool damaged;         /* the database lost acknowledged rows */
    bool empty;           /* the newest segment has no row */
    int64_t base;         /* below: acknowledged */
    int64_t end;          /* the log's end; damaged: above every row, whatever is missing below */
    int64_t whole_end;    /* whole batches without a gap, from base on, end here */
    int64_t rewritten;    /* kept rows below are written again */
    int32_t rewrite_rows; /* of the next page */
    struct moment now;    /* of the answer at hand */
};

void recovery_fail(struct recovery *recovery, int16_t code, const char *text, struct moment now);
#define RECOVERY_NO_SEGMENT INT64_C(-1) /* the question is not about rows of the log */
/* `segment` is that of the rows in question: they are asked of a node that has them. */
void recovery_ask(struct recovery *recovery, int64_t segment, const char *text,
                  const struct cql_value *values, uint16_t value_count, cluster_answer answer,
                  struct moment now);
/* True: the answer is a result, opened in recovery->arena. False: the load has failed and is freed.
 */
bool recovery_take_result(struct recovery *recovery, const struct cluster_reply *reply,
                          struct cql_result *result, struct moment now);
void recovery_scan(struct recovery *recovery, int64_t segment, struct moment now);
void recovery_read_tail(struct recovery *recovery, struct moment now);
/* The tail of scan_segment is in `rows`. */
void recovery_tail_read(struct recovery *recovery, struct moment now);
/* base, end and producers are known: make it so. */
void recovery_seal(struct recovery *recovery, struct moment now);

#endif
