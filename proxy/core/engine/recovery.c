/*
 * Each step asks the cluster one thing and goes on in its answer. Reads and writes are at the
 * configured level and are executed again until they succeed; a definite refusal (table gone, no
 * permission) ends the load.
 *
 * What makes a row part of the log (`base` is where certainty ends):
 *
 *     segment:  first ... acknowledged ... | base = max(stable seen, first) | kept, whole batches |
 * end | rest: sealed
 *
 * The first mutation of a segment is sent only when every row of the segment before is acknowledged
 * (partition_flush), so a row in a segment vouches for everything below the segment.
 */
#include "core/engine/recovery.h"

#include "core/engine/recovery_internal.h"
#include "core/engine/segment.h"
#include "core/gateway_internal.h"
#include "cql/value.h"
#include "kafka/error.h"
#include "proto/kill_point.h"

#include <assert.h>
#include <stdio.h>

enum {
    RECOVERY_ARENA_BYTES = 64 * 1024 * 1024,
    TAIL_PAGE_ROWS = 500,
    TAIL_PAGE_MORE_ROWS = 5000, /* after the first page: few and large batches */
    REASON_BYTES = 200,
};

void recovery_fail(struct recovery *recovery, int16_t code, const char *text, struct moment now)
{
    struct partition *partition = recovery->partition;
    char reason[REASON_BYTES];

    (void)snprintf(reason, sizeof(reason), "%s", text);
    recovery_cancel(recovery);
    partition_load_failed(partition, code, reason, now);
}

/* True: the answer is a result, opened in recovery->arena. */
bool recovery_take_result(struct recovery *recovery, const struct cluster_reply *reply,
                          struct cql_result *result, struct moment now)
{
    char text[REASON_BYTES];

    recovery->call = NULL;
    if (reply->outcome != CLUSTER_DONE) {
        const struct cql_error *error = reply->error;
        (void)snprintf(text, sizeof(text), "%.*s", error == NULL ? 0 : (int)error->message.len,
                       error == NULL ? "" : (const char *)error->message.data);
        recovery_fail(recovery, KAFKA_STORAGE_ERROR, error == NULL ? "no answer" : text, now);
        return false;
    }
    arena_reset(&recovery->arena);
    if (cql_result_open(reply->body, &recovery->arena, result) == STATUS_OK)
        return true;
    recovery_fail(recovery, KAFKA_STORAGE_ERROR, "the answer of the node cannot be read", now);
    return false;
}

void recovery_ask(struct recovery *recovery, int64_t segment, const char *text,
                  const struct cql_value *values, uint16_t value_count, cluster_answer answer,
                  struct moment now)
{
    const struct partition *partition = recovery->partition;
    struct gateway *gateway = partition->gateway;
    bool of_log = segment != RECOVERY_NO_SEGMENT;
    struct cluster_query query = {.text = text,
                                  .values = values,
                                  .value_count = value_count,
                                  .consistency = gateway->config->consistency,
                                  .has_token = of_log,
                                  .deadline_us = NEVER_US};

    if (of_log) {
        query.token = segment_token(partition->index, segment);
        query.table_id = partition->topic->topic_id;
    }
    recovery->call = cluster_ask(gateway->cluster, &query, answer, recovery, now);
    if (recovery->call == NULL)
        recovery_fail(recovery, KAFKA_NOT_LEADER_OR_FOLLOWER, "out of memory", now);
}

static int add_tail_row(struct recovery *recovery, const struct tail_row *row)
{
    const struct alloc *alloc = recovery->partition->gateway->config->alloc;

    if (recovery->row_count == recovery->row_capacity) {
        size_t capacity = recovery->row_capacity == 0 ? 256 : recovery->row_capacity * 2;
        struct tail_row *rows =
            alloc_resize(alloc, recovery->rows, recovery->row_capacity * sizeof(*rows),
                         capacity * sizeof(*rows));
        if (rows == NULL)
            return STATUS_NOMEM;
        recovery->rows = rows;
        recovery->row_capacity = capacity;
    }
    recovery->rows[recovery->row_count++] = *row;
    return STATUS_OK;
}

/* One row of the tail page: offset, record_count, producer_id, producer_epoch, base_sequence,
 * stable, producers, time to live. */
static int take_tail_row(struct recovery *recovery, const struct cql_result *result)
{
    struct tail_row row = {.producer_id = -1};
    struct slice snapshot = cql_result_cell(result, 6);

    if (!cql_cell_i64(cql_result_cell(result, 0), &row.offset) || row.offset < 0 ||
        row.offset >= recovery->lowest_offset)
        return STATUS_MALFORMED; /* newest first, below those of the page before */
    if (cql_cell_i32(cql_result_cell(result, 1), &row.record_count) && row.record_count > 0) {
        if (cql_cell_i64(cql_result_cell(result, 2), &row.producer_id) &&
            (!cql_cell_i16(cql_result_cell(result, 3), &row.producer_epoch) ||
             !cql_cell_i32(cql_result_cell(result, 4), &row.base_sequence)))
            row.producer_id = -1;
        int64_t stable;
        if (cql_cell_i64(cql_result_cell(result, 5), &stable) && stable > recovery->stable)
            recovery->stable = stable;
        if (recovery->stable > RECOVERY_OFFSET_MAX)
            return STATUS_MALFORMED;
    } else {
        row.record_count = 0;
    }
    recovery->lowest_offset = row.offset;
    recovery->has_ttl = recovery->has_ttl || cql_result_cell(result, 7).data != NULL;
    int rc = add_tail_row(recovery, &row);
    if (rc < 0 || snapshot.data == NULL || row.record_count == 0 ||
        recovery->snapshot_offset >= 0 ||
        row.offset > (recovery->stable > recovery->segment_first ? recovery->stable
                                                                 : recovery->segment_first))
        return rc;
    recovery->snapshot_offset =
        row.offset; /* the newest that is certain; what follows is in the rows read */
    buf_reset(&recovery->snapshot);
    return buf_append(&recovery->snapshot, snapshot);
}

static void tail_page(void *context, const struct cluster_reply *reply, bool touched,
                      struct moment now)
{
    struct recovery *recovery = context;
    struct cql_result result;
    int rc = STATUS_OK;

    (void)touched;
    if (!recovery_take_result(recovery, reply, &result, now))
        return;
    int32_t rows = result.row_count;
    KILL_POINT("recovery.tail_page");
    while (rc == STATUS_OK && cql_result_next_row(&result))
        rc = take_tail_row(recovery, &result);
    if (rc < 0) {
        recovery_fail(recovery, KAFKA_STORAGE_ERROR, "a row of the log table cannot be read", now);
        return;
    }
    bool whole = rows < recovery->page_rows ||
                 (!recovery->decided && recovery->lowest_offset <= recovery->segment_first);
    /* One row below the base, too: it shows that nothing is missing there. */
    int64_t base =
        recovery->stable > recovery->segment_first ? recovery->stable : recovery->segment_first;
    bool enough =
        recovery->snapshot_offset >= 0 && (recovery->decided || recovery->lowest_offset < base);
    if (whole || enough)
        recovery_tail_read(recovery, now);
    else
        recovery_read_tail(recovery, now);
}

void recovery_read_tail(struct recovery *recovery, struct moment now)
{
    const struct partition *partition = recovery->partition;
    uint8_t index[4], segment[8], below[8];
    const struct cql_value values[] = {cql_value_i32(index, partition->index),
                                       cql_value_i64(segment, recovery->scan_segment),
                                       cql_value_i64(below, recovery->lowest_offset)};
    char text[512];

    recovery->page_rows = recovery->row_count == 0 ? TAIL_PAGE_ROWS : TAIL_PAGE_MORE_ROWS;
    (void)snprintf(text, sizeof(text),
                   "SELECT offset, record_count, producer_id, producer_epoch, base_sequence, "
                   "stable, producers, TTL(timestamp) "
                   "FROM \"%s\".\"%s\" WHERE partition = ? AND segment = ? AND offset < ? "
                   "ORDER BY offset DESC LIMIT %d",
                   partition->gateway->config->keyspace, partition->topic->table_name,
                   recovery->page_rows);
    recovery_ask(recovery, recovery->scan_segment, text, values, 3, tail_page, now);
}

/* Begins the scan of one segment from its top. */
void recovery_scan(struct recovery *recovery, int64_t segment, struct moment now)
{
    recovery->scan_segment = segment;
    recovery->row_count = 0;
    recovery->stable = -1;
    recovery->lowest_offset = RECOVERY_OFFSET_MAX;
    recovery->segments_scanned++;
    recovery->snapshot_offset = -1;
    recovery_read_tail(recovery, now);
}

/* Each segment has an offset at least, so its first one is not below its number. */
static bool index_row_is_sound(const struct recovery *recovery)
{
    return recovery->segment >= 0 && recovery->segment_first >= recovery->segment &&
           recovery->segment_limit > recovery->segment_first &&
           recovery->segment_limit <= RECOVERY_OFFSET_MAX;
}

static void index_read(void *context, const struct cluster_reply *reply, bool touched,
                       struct moment now)
{
    struct recovery *recovery = context;
    struct cql_result result;

    (void)touched;
    if (!recovery_take_result(recovery, reply, &result, now))
        return;
    KILL_POINT("recovery.index_read");
    recovery->segment_limit = recovery->partition->gateway->config->segment_max_rows;
    if (cql_result_next_row(&result)) {
        recovery->indexed = cql_cell_i64(cql_result_cell(&result, 0), &recovery->segment) &&
                            cql_cell_i64(cql_result_cell(&result, 1), &recovery->segment_first) &&
                            cql_cell_i64(cql_result_cell(&result, 2), &recovery->segment_limit) &&
                            index_row_is_sound(recovery);
        if (!recovery->indexed) {
            recovery_fail(recovery, KAFKA_STORAGE_ERROR, "a row of sluice_segments cannot be read",
                          now);
            return;
        }
    }
    recovery_scan(recovery, recovery->segment, now);
}

static void read_index(struct recovery *recovery, struct moment now)
{
    const struct partition *partition = recovery->partition;
    uint8_t index[4];
    const struct cql_value values[] = {cql_value_uuid(partition->topic->topic_id),
                                       cql_value_i32(index, partition->index)};
    char text[256];

    recovery->has_ttl = partition->topic->has_ttl || partition->topic->settings.had_ttl;
    (void)snprintf(text, sizeof(text),
                   "SELECT segment, first_offset, limit_offset FROM \"%s\".sluice_segments "
                   "WHERE topic_id = ? AND partition = ? ORDER BY segment DESC LIMIT 1",
                   partition->gateway->config->keyspace);
    recovery_ask(recovery, RECOVERY_NO_SEGMENT, text, values, 2, index_read, now);
}

void recovery_prepared(struct recovery *recovery, int16_t code, const char *text, struct moment now)
{
    if (!recovery->preparing)
        return;
    recovery->preparing = false;
    if (code != 0)
        recovery_fail(recovery, code, text, now);
    else
        read_index(recovery, now);
}

struct recovery *recovery_start(struct partition *partition, struct moment now)
{
    const struct alloc *alloc = partition->gateway->config->alloc;
    struct recovery *recovery = alloc_zeroed(alloc, sizeof(*recovery));

    if (recovery == NULL)
        return NULL;
    recovery->partition = partition;
    recovery->started_us = now.boot_us;
    arena_init(&recovery->arena, alloc, 8192, RECOVERY_ARENA_BYTES);
    buf_init(&recovery->snapshot, alloc, RECOVERY_ARENA_BYTES);
    recovery->seal_us = control_sealed_below_us(partition->gateway->control,
                                                partition->topic->topic_id, partition->index);
    /* After trouble of our own, our own timestamps are what must be sealed. */
    if (partition->highest_timestamp_us > recovery->seal_us)
        recovery->seal_us = partition->highest_timestamp_us;
    recovery->preparing = true;
    partition->recovery = recovery;
    if (topic_prepare(partition->topic, now) && recovery->preparing) {
        recovery->preparing = false;
        read_index(recovery, now);
    } else if (partition->topic->preparing == 0 && recovery->preparing) {
        recovery_fail(recovery, KAFKA_NOT_LEADER_OR_FOLLOWER, "out of memory", now);
    }
    return partition->recovery;
}

void recovery_cancel(struct recovery *recovery)
{
    const struct alloc *alloc = recovery->partition->gateway->config->alloc;

    if (recovery->call != NULL)
        cluster_call_cancel(recovery->partition->gateway->cluster, recovery->call);
    if (recovery->body != NULL) {
        cluster_cancel(recovery->partition->gateway->cluster, &recovery->request);
        cql_body_unref(recovery->body);
    }
    recovery->partition->recovery = NULL;
    alloc_free(alloc, recovery->rows, recovery->row_capacity * sizeof(*recovery->rows));
    buf_deinit(&recovery->snapshot);
    arena_deinit(&recovery->arena);
    alloc_free(alloc, recovery, sizeof(*recovery));
}
