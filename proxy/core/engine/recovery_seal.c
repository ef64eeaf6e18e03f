/*
 * Making the recovered end certain. Kept rows are read and written again, a page at a time: one
 * mutation deletes the page's offsets at C and writes its rows above C, so at no time is a row less
 * durable than it was. The last mutation deletes everything from the end on, without an upper
 * bound; then the next segment, which an earlier leader may have opened, is deleted at C, and so
 * are index rows above this segment. Only then is the index row written again and the partition
 * goes live.
 */
#include "core/engine/recovery_internal.h"
#include "core/engine/segment.h"
#include "core/gateway_internal.h"
#include "cql/value.h"
#include "kafka/error.h"
#include "proto/kill_point.h"

#include <stdio.h>

enum {
    REWRITE_FIRST_PAGE_ROWS =
        16, /* rows may be large: a page must fit into one answer and one mutation */
    REWRITE_MAX_PAGE_ROWS = 1024,
    REWRITE_SMALL_BYTES = 256 * 1024,
    REWRITE_SLACK_BYTES =
        16 * 1024,    /* what is around a row that is as large as the database takes */
    ROW_COLUMNS = 11, /* offset ... producers */
};

static void rewrite_next(struct recovery *recovery, struct moment now);

/* ---- the last steps ---- */

/* Rows may vanish from the tail of a table with a time to live, and that it has one must be known
 * here: retention.ms is at least a minute, and what is known is never older than a lease. */
static bool topics_are_fresh(const struct gateway *gateway, struct moment now)
{
    int64_t confirmed_us = control_topics_confirmed_us(gateway->control);

    return confirmed_us > now.boot_us || now.boot_us - confirmed_us < gateway->config->lease_us;
}

static void go_live(struct recovery *recovery, struct moment now)
{
    struct partition *partition = recovery->partition;
    bool next_segment =
        recovery->indexed && (recovery->empty || recovery->damaged || recovery->has_ttl);
    int64_t limit = recovery->segment_limit, segment = recovery->segment, end = recovery->end;
    int64_t rows = partition->gateway->config->segment_max_rows;
    bool indexed = recovery->indexed;

    if (!gateway_leads(partition, now)) {
        recovery_fail(recovery, KAFKA_NOT_LEADER_OR_FOLLOWER,
                      "the lease ended while the partition was loaded", now);
        return;
    }
    if (!topics_are_fresh(partition->gateway, now)) {
        recovery_fail(recovery, KAFKA_NOT_LEADER_OR_FOLLOWER,
                      "the topics' version could not be read for longer than a lease", now);
        return;
    }
    recovery_cancel(recovery);
    if (next_segment) { /* rows may have vanished from the tail: no offset is given twice */
        end = limit;
        segment_set(partition, segment + 1, limit, limit + rows);
    }
    partition->segment_open = indexed && !next_segment;
    partition->next_offset = partition->stable = end;
    partition_loaded(partition, now);
}

static void index_written(void *context, const struct cluster_reply *reply, bool touched,
                          struct moment now)
{
    struct recovery *recovery = context;

    (void)touched;
    KILL_POINT("recovery.index_written");
    recovery->call = NULL;
    if (reply->outcome != CLUSTER_DONE)
        recovery_fail(recovery, KAFKA_STORAGE_ERROR, "the segment's index row was refused", now);
    else
        go_live(recovery, now);
}

static void index_sealed(void *context, const struct cluster_reply *reply, bool touched,
                         struct moment now)
{
    struct recovery *recovery = context;
    struct partition *partition = recovery->partition;
    struct cql_result result;

    (void)touched;
    KILL_POINT("recovery.index_sealed");
    if (!recovery_take_result(recovery, reply, &result, now))
        return;
    segment_set(partition, recovery->segment, recovery->segment_first, recovery->segment_limit);
    if (!recovery->indexed) {
        go_live(recovery, now);
        return;
    }
    recovery->call = segment_write_index(partition, index_written, recovery, now);
    if (recovery->call == NULL)
        recovery_fail(recovery, KAFKA_NOT_LEADER_OR_FOLLOWER,
                      "no timestamp is free below the ceiling", now);
}

/* An index row of an earlier leader that arrives late would make the next takeover look for the
 * log's end above it. */
static void next_segment_deleted(void *context, const struct cluster_reply *reply, bool touched,
                                 struct moment now)
{
    struct recovery *recovery = context;
    const struct partition *partition = recovery->partition;
    struct cql_result result;
    uint8_t index[4], segment[8], seal[8];
    const struct cql_value values[] = {
        cql_value_i64(seal, recovery->seal_us), cql_value_uuid(partition->topic->topic_id),
        cql_value_i32(index, partition->index),
        cql_value_i64(segment, recovery->segment + (recovery->indexed ? 1 : 0))};
    char text[512];

    (void)touched;
    KILL_POINT("recovery.next_segment_sealed");
    if (!recovery_take_result(recovery, reply, &result, now))
        return;
    (void)snprintf(
        text, sizeof(text),
        "DELETE FROM \"%s\".sluice_segments USING TIMESTAMP ? WHERE topic_id = ? AND partition = ? "
        "AND segment >= ?",
        partition->gateway->config->keyspace);
    recovery_ask(recovery, RECOVERY_NO_SEGMENT, text, values, 4, index_sealed, now);
}

static void delete_next_segment(struct recovery *recovery, struct moment now)
{
    const struct partition *partition = recovery->partition;
    uint8_t index[4], segment[8], seal[8];
    const struct cql_value values[] = {cql_value_i64(seal, recovery->seal_us),
                                       cql_value_i32(index, partition->index),
                                       cql_value_i64(segment, recovery->segment + 1)};
    char text[512];

    (void)snprintf(
        text, sizeof(text),
        "DELETE FROM \"%s\".\"%s\" USING TIMESTAMP ? WHERE partition = ? AND segment = ?",
        partition->gateway->config->keyspace, partition->topic->table_name);
    recovery_ask(recovery, recovery->segment + 1, text, values, 3, next_segment_deleted, now);
}

static void tail_sealed(void *context, const struct cluster_reply *reply, bool touched,
                        struct moment now)
{
    struct recovery *recovery = context;
    struct cql_result result;

    (void)touched;
    KILL_POINT("recovery.tail_sealed");
    if (recovery_take_result(recovery, reply, &result, now))
        delete_next_segment(recovery, now);
}

static void seal_tail(struct recovery *recovery, struct moment now)
{
    recovery->call =
        segment_delete_from(recovery->partition, recovery->segment, recovery->end,
                            recovery->seal_us, tail_sealed, recovery, now);
    if (recovery->call == NULL)
        recovery_fail(recovery, KAFKA_NOT_LEADER_OR_FOLLOWER, "out of memory", now);
    else
        KILL_POINT("recovery.seal_sent");
}

/* ---- writing kept rows again ---- */

static void page_written(struct cluster_request *request, const struct cluster_reply *reply,
                         struct moment now)
{
    struct recovery *recovery = request->context;

    cql_body_unref(recovery->body);
    recovery->body = NULL;
    KILL_POINT("recovery.page_written");
    if (reply->outcome != CLUSTER_DONE) {
        topic_forget_statements(recovery->partition->topic); /* they may have other ids now */
        recovery_fail(recovery, KAFKA_STORAGE_ERROR, "rows could not be written again", now);
    } else {
        rewrite_next(recovery, now);
    }
}

/* DELETE of the page's offsets as a statement in the batch: kind 0, its text, its values. */
static int put_delete(struct recovery *recovery, struct buf *out, int64_t from, int64_t below)
{
    const struct partition *partition = recovery->partition;
    char text[512];
    int len = snprintf(
        text, sizeof(text),
        "DELETE FROM \"%s\".\"%s\" USING TIMESTAMP ? WHERE partition = ? AND segment = ? AND "
        "offset >= ? AND offset < ?",
        partition->gateway->config->keyspace, partition->topic->table_name);
    int rc = buf_reserve(out, (size_t)len + 64);

    if (rc < 0)
        return rc;
    uint8_t *p = buf_tail(out);
    *p = 0;
    be32_store(p + 1, (uint32_t)len);
    memcpy(p + 5, text, (size_t)len);
    be16_store(p + 5 + len, 5);
    p += 7 + len;
    p = cql_put_i64(p, recovery->seal_us);
    p = cql_put_i32(p, partition->index);
    p = cql_put_i64(p, recovery->segment);
    p = cql_put_i64(p, from);
    p = cql_put_i64(p, below);
    buf_wrote(out, (size_t)(p - buf_tail(out)));
    return STATUS_OK;
}

static size_t row_bytes(const struct cql_result *result)
{
    size_t bytes = 64 + CQL_STATEMENT_ID_MAX_BYTES;

    for (size_t i = 0; i < ROW_COLUMNS; i++)
        bytes += 4 + cql_result_cell(result, i).len;
    return bytes;
}

/* The row as it was read; what was null there stays unset. */
static int put_row(struct recovery *recovery, struct buf *out, const struct cql_result *result)
{
    const struct partition *partition = recovery->partition;
    const struct cluster_statement *statement =
        partition->topic->inserts[LOG_INSERT_FIRST].statement;
    int rc = buf_reserve(out, row_bytes(result));

    if (rc < 0)
        return rc;
    uint8_t *p = cql_batch_entry(buf_tail(out), statement->id, statement->id_len, ROW_COLUMNS + 2);
    p = cql_put_i32(p, partition->index);
    p = cql_put_i64(p, recovery->segment);
    for (size_t i = 0; i < ROW_COLUMNS; i++) {
        struct slice cell = cql_result_cell(result, i);
        p = cell.data == NULL ? cql_put_unset(p) : cql_put_bytes(p, cell);
    }
    buf_wrote(out, (size_t)(p - buf_tail(out)));
    return STATUS_OK;
}

/* How many rows of the page fit into one mutation, at least one, and the last one's offset.
 * MALFORMED. */
static int measure_page(const struct recovery *recovery, struct cql_result scan, uint16_t *rows,
                        int64_t *last)
{
    size_t bytes = 0, most = control_max_mutation_bytes(recovery->partition->gateway->control) / 2;

    *rows = 0;
    while (cql_result_next_row(&scan)) {
        bytes += row_bytes(&scan);
        if (*rows > 0 && bytes > most)
            return STATUS_OK;
        int64_t before = *last;
        if (!cql_cell_i64(cql_result_cell(&scan, 0), last) || *last <= before ||
            *last >= recovery->end)
            return STATUS_MALFORMED;
        (*rows)++;
    }
    return STATUS_OK;
}

/* One mutation from the page at hand, or from as much of it as fits; *next is the offset after its
 * last row. */
static int fill_page(struct recovery *recovery, struct cql_result *result, int64_t *next)
{
    struct partition *partition = recovery->partition;
    struct gateway *gateway = partition->gateway;
    struct buf *out = &recovery->body->buf;
    uint16_t rows;
    int64_t last = recovery->rewritten - 1,
            timestamp_us = gateway_timestamp(gateway, recovery->now);
    int rc = timestamp_us == 0 ? STATUS_BUSY : measure_page(recovery, *result, &rows, &last);

    if (rc == STATUS_OK)
        rc = cql_batch_begin(out);
    if (rc == STATUS_OK)
        rc = put_delete(recovery, out, recovery->rewritten, last + 1);
    for (uint16_t i = 0; rc == STATUS_OK && i < rows && cql_result_next_row(result); i++)
        rc = put_row(recovery, out, result);
    if (rc == STATUS_OK)
        rc =
            cql_batch_finish(out, (uint16_t)(rows + 1), gateway->config->consistency, timestamp_us);
    if (rc < 0)
        return rc;
    partition->highest_timestamp_us =
        timestamp_us; /* should this load fail, the next one seals above it */
    *next = last + 1;
    recovery->rewrite_rows =
        buf_len(out) < REWRITE_SMALL_BYTES && rows * 4 <= REWRITE_MAX_PAGE_ROWS ? rows * 4 : rows;
    return STATUS_OK;
}

static void page_read(void *context, const struct cluster_reply *reply, bool touched,
                      struct moment now)
{
    struct recovery *recovery = context;
    struct gateway *gateway = recovery->partition->gateway;
    struct cql_result result;
    int64_t next = 0;

    (void)touched;
    if (!recovery_take_result(recovery, reply, &result, now))
        return;
    if (result.row_count ==
        0) { /* between two reads at the level nothing vanishes but by somebody's delete */
        recovery_fail(recovery, KAFKA_STORAGE_ERROR, "kept rows vanished while they were read",
                      now);
        return;
    }
    recovery->now = now;
    recovery->body = cql_body_new(
        gateway->config->alloc, control_max_mutation_bytes(gateway->control) + REWRITE_SLACK_BYTES);
    if (recovery->body == NULL || fill_page(recovery, &result, &next) < 0) {
        recovery_fail(recovery, KAFKA_NOT_LEADER_OR_FOLLOWER,
                      "kept rows cannot be written again now", now);
        return;
    }
    recovery->rewritten = next;
    recovery->request = (struct cluster_request){.opcode = CQL_BATCH,
                                                 .body = recovery->body,
                                                 .control = true,
                                                 .deadline_us = NEVER_US,
                                                 .done = page_written,
                                                 .context = recovery};
    cluster_send(gateway->cluster, &recovery->request, now);
    KILL_POINT("recovery.page_sent");
}

static void rewrite_next(struct recovery *recovery, struct moment now)
{
    const struct partition *partition = recovery->partition;
    uint8_t index[4], segment[8], from[8], below[8];
    const struct cql_value values[] = {
        cql_value_i32(index, partition->index), cql_value_i64(segment, recovery->segment),
        cql_value_i64(from, recovery->rewritten), cql_value_i64(below, recovery->end)};
    char text[512];

    if (recovery->rewritten >= recovery->end) {
        seal_tail(recovery, now);
        return;
    }
    (void)snprintf(
        text, sizeof(text),
        "SELECT offset, timestamp, key, value, headers, producer_id, producer_epoch, "
        "base_sequence, "
        "record_count, stable, producers FROM \"%s\".\"%s\" WHERE partition = ? AND segment = ? "
        "AND offset >= ? AND offset < ? LIMIT %d",
        partition->gateway->config->keyspace, partition->topic->table_name, recovery->rewrite_rows);
    recovery_ask(recovery, recovery->segment, text, values, 4, page_read, now);
}

void recovery_seal(struct recovery *recovery, struct moment now)
{
    struct gateway *gateway = recovery->partition->gateway;

    if (recovery->seal_us > gateway->last_timestamp_us)
        gateway->last_timestamp_us =
            recovery->seal_us; /* everything from here on is written above C */
    recovery->rewritten = recovery->base;
    recovery->rewrite_rows = REWRITE_FIRST_PAGE_ROWS;
    rewrite_next(recovery, now);
}
