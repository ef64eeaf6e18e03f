/*
 * partition_append: from the record batch of a Produce entry to rows in the open mutation. The
 * order is the broker's: open and check the batch, decompress, producer state, then one pass over
 * the records that checks each and writes its row. A bad record takes back the rows written for its
 * batch; nothing was touched.
 */
#include "core/engine/incoming.h"
#include "core/engine/mutation.h"
#include "core/engine/segment.h"
#include "core/gateway_internal.h"
#include "kafka/error.h"
#include "proto/kill_point.h"

#include <assert.h>

enum {
    FIRST_SEQUENCE_WAIT_MS =
        10 * 1000, /* so long an unknown producer's later batch waits for its first */
    SNAPSHOT_EVERY_ROWS = 1000,
    SNAPSHOT_EVERY_SIZES = 16,
    ROW_SLACK_BYTES = 1024, /* what a mutation is larger than its values: key, timestamps */
};

struct appending {
    struct partition *partition;
    struct produce_entry *entry;
    struct incoming in; /* its refusal is everybody's here */
    struct incoming_limits limits;
    struct log_batch_columns columns;
    /* what to return to when the batch is refused */
    struct mutation *shared; /* the mutation that was open before; NULL: none */
    size_t shared_write;
    uint32_t shared_rows;
    struct mutation *first; /* with the batch's first row */
    struct mutation *last;  /* with its last row */
};

static size_t mutation_soft_limit(const struct partition *partition)
{
    const struct gateway *gateway = partition->gateway;

    if (gateway->config->mutation_max_bytes != 0)
        return gateway->config->mutation_max_bytes;
    return control_max_mutation_bytes(gateway->control) / 2;
}

static bool refuse(struct appending *a, int16_t code, const char *message)
{
    a->in.refusal = (struct kafka_refusal){.code = code, .record_index = -1, .message = message};
    return false;
}

static struct incoming_limits limits_of(const struct partition *partition)
{
    const struct gateway_config *config = partition->gateway->config;

    return (struct incoming_limits){
        .max_message_bytes = topic_max_message_bytes(partition->topic),
        .max_decompressed_bytes = config->max_decompressed_bytes,
        .max_record_headers = config->max_record_headers,
    };
}

static bool open_and_decompress(struct appending *a, struct slice bytes)
{
    struct gateway *gateway = a->partition->gateway;

    return incoming_open(&a->in, bytes, a->entry->produce->version, &a->limits) &&
           incoming_decompress(&a->in, gateway->decompressor, &gateway->scratch, &a->limits);
}

/* A batch that is stored, or on its way, is not stored again. */
static void answer_duplicate(struct appending *a, int64_t first_offset, struct moment now)
{
    struct partition *partition = a->partition;

    partition->gateway->counts.duplicates++;
    if (first_offset >= partition->stable) {
        LIST_EACH (it, &partition->mutations) {
            struct mutation *mutation = LIST_ENTRY(it, struct mutation, node);
            LIST_EACH (b, &mutation->batches) {
                struct batch *batch = LIST_ENTRY(b, struct batch, node);
                if (batch->first_offset == first_offset) {
                    batch_join(batch, a->entry);
                    return;
                }
            }
        }
    }
    produce_resolve(a->entry, 0, first_offset, now);
}

static bool has_place(struct appending *a, const struct producer_claim *claim, int64_t now_ms)
{
    return producer_has_place(&a->partition->producers, claim->producer_id, now_ms) ||
           refuse(a, KAFKA_NOT_ENOUGH_REPLICAS,
                  "too many producers have written to this partition in the last 15 minutes");
}

/* True: go on and write it. False: refused (a->in.refusal) or answered (refusal.code 0). */
static bool check_producer(struct appending *a, const struct producer_claim *claim,
                           struct moment now)
{
    struct partition *partition = a->partition;
    int64_t first_offset = -1, now_ms = now.wall_us / 1000;
    int16_t code = 0;

    switch (producer_check(&partition->producers, claim, &first_offset, &code)) {
    case PRODUCER_ACCEPT:
        return has_place(a, claim, now_ms);
    case PRODUCER_FIRST:
        if (producer_waited_ms(&partition->producers, claim->producer_id, now_ms) >=
            FIRST_SEQUENCE_WAIT_MS)
            return true;
        producer_block(&partition->producers, claim, KAFKA_NOT_ENOUGH_REPLICAS, now_ms);
        return refuse(a, KAFKA_NOT_ENOUGH_REPLICAS,
                      "an earlier batch of this producer may still arrive");
    case PRODUCER_DUPLICATE:
        a->in.refusal.code = 0;
        answer_duplicate(a, first_offset, now);
        return false;
    case PRODUCER_OLD:
        return refuse(a, KAFKA_DUPLICATE_SEQUENCE_NUMBER, "older than the last five batches");
    case PRODUCER_GAP:
        return refuse(a, KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER, "a batch before this one is missing");
    case PRODUCER_BLOCKED:
        producer_block(&partition->producers, claim, code, now_ms);
        return refuse(a, code, "an earlier batch of this producer was refused and is not back yet");
    case PRODUCER_FENCED:
        return refuse(a, KAFKA_INVALID_PRODUCER_EPOCH,
                      "a newer epoch of this producer id is in use");
    }
    return refuse(a, KAFKA_INVALID_RECORD, "producer state");
}

static void set_columns(struct appending *a, struct moment now)
{
    struct partition *partition = a->partition;
    int64_t size = (int64_t)producer_snapshot_bytes(&partition->producers);
    bool due =
        partition->snapshot_due || (partition->rows_since_snapshot >= SNAPSHOT_EVERY_ROWS &&
                                    partition->bytes_since_snapshot >= SNAPSHOT_EVERY_SIZES * size);
    if (due)
        producer_table_expire(&partition->producers, now.wall_us / 1000);

    a->columns = (struct log_batch_columns){
        .producer_id = a->in.batch.producer_id,
        .producer_epoch = a->in.batch.producer_epoch,
        .base_sequence = a->in.batch.base_sequence,
        .record_count = a->in.batch.record_count,
        .stable = partition->stable,
        .snapshot = due ? &partition->producers : NULL,
    };
}

/* Takes back what was written for this batch: whole mutations of its own, then its rows in a shared
 * one. */
static void take_back(struct appending *a)
{
    struct partition *partition = a->partition;

    while (!list_empty(&partition->mutations)) {
        struct mutation *newest = LIST_ENTRY(partition->mutations.prev, struct mutation, node);
        if (newest == a->shared || newest->end_offset > newest->first_offset)
            break;
        if (newest->state == MUTATION_CLOSED)
            partition->closed--;
        mutation_free(newest);
    }
    partition->segment_bytes -= (int64_t)a->in.records.len;
    if (a->shared != NULL) {
        if (a->shared->state == MUTATION_CLOSED)
            partition->closed--;
        a->shared->state = MUTATION_OPEN;
        a->shared->body->buf.write = a->shared_write;
        a->shared->rows = a->shared_rows;
        partition->open = a->shared;
    }
}

/* The mutation that takes the next row of `bytes`; NULL: refused. A mutation of several Kafka
 * batches is never larger than the soft limit; a lone batch goes on in further parts. */
static struct mutation *mutation_for_row(struct appending *a, struct mutation *mutation,
                                         size_t bytes)
{
    struct partition *partition = a->partition;
    size_t soft = mutation_soft_limit(partition);
    size_t hard = control_max_mutation_bytes(partition->gateway->control) - ROW_SLACK_BYTES;

    if (bytes > hard) {
        refuse(a, KAFKA_MESSAGE_TOO_LARGE,
               "a record is larger than the database takes in one mutation");
        return NULL;
    }
    if (mutation->rows == 0 ||
        (mutation_bytes(mutation) + bytes <= soft && mutation->rows < CQL_BATCH_MAX_STATEMENTS))
        return mutation;
    mutation_close(mutation);
    mutation = mutation_open(partition);
    if (mutation == NULL) {
        refuse(a, KAFKA_NOT_ENOUGH_REPLICAS, "out of memory");
        return NULL;
    }
    return mutation;
}

static bool write_row(struct appending *a, int32_t index, const struct kafka_record *record)
{
    struct partition *partition = a->partition;
    struct mutation *mutation = mutation_for_row(a, partition->open, log_row_bytes(record));

    if (mutation == NULL)
        return false;
    int rc = log_rows_put(&partition->rows, &mutation->body->buf, partition->next_offset + index,
                          record, index == 0 ? &a->columns : NULL);
    if (rc == STATUS_LIMIT)
        return refuse(a, KAFKA_MESSAGE_TOO_LARGE,
                      "a record is larger than the database takes in one mutation");
    if (rc < 0)
        return refuse(a, KAFKA_NOT_ENOUGH_REPLICAS, "out of memory");
    mutation->rows++;
    if (index == 0)
        a->first = mutation;
    else if (mutation != a->last && mutation != a->first)
        mutation->first_part = a->first;
    a->last = mutation;
    return true;
}

/*
 * The hot loop: every record is checked and written in one pass. It is compiled twice: for records
 * of a batch that nothing more is asked of, and for all others. False: a->in.refusal, or the
 * reader's, which ended it.
 */
typedef bool (*next_record)(void *reader, struct kafka_record *record);

static inline __attribute__((always_inline)) bool write_each(struct appending *a, next_record next,
                                                             void *reader)
{
    struct partition *partition = a->partition;
    struct kafka_record record;
    size_t soft = mutation_soft_limit(partition);

    for (int32_t i = 0; next(reader, &record); i++) {
        struct mutation *mutation = partition->open;
        if (__builtin_expect(i == 0 || mutation_bytes(mutation) + log_row_bytes(&record) > soft ||
                                 mutation->rows >= CQL_BATCH_MAX_STATEMENTS,
                             0)) {
            if (!write_row(a, i, &record))
                return false;
            continue;
        }
        if (log_rows_put(&partition->rows, &mutation->body->buf, partition->next_offset + i,
                         &record, NULL) < 0)
            return refuse(a, KAFKA_NOT_ENOUGH_REPLICAS, "out of memory");
        mutation->rows++;
    }
    return true;
}

static inline __attribute__((always_inline)) bool next_of_batch(void *reader,
                                                                struct kafka_record *record)
{
    return kafka_record_next(reader, record);
}

static bool next_of_any(void *reader, struct kafka_record *record)
{
    return incoming_next(reader, record);
}

static bool write_rows_of_batch(struct appending *a)
{
    struct kafka_record_reader reader;

    kafka_record_reader_init(&reader, &a->in.batch, a->in.records, a->limits.max_record_headers);
    if (!write_each(a, next_of_batch, &reader))
        return false;
    a->in.refusal = reader.refusal;
    return reader.refusal.code == 0;
}

static bool write_rows_of_any(struct appending *a, struct moment now)
{
    struct incoming_reader reader;

    incoming_reader_init(&reader, &a->in, &a->partition->topic->rules, &a->limits, now);
    if (!write_each(a, next_of_any, &reader))
        return false;
    a->in.refusal = reader.refusal;
    return reader.refusal.code == 0;
}

static bool write_rows(struct appending *a, struct moment now)
{
    bool plain = !a->in.is_message_set && !record_rules_apply(&a->partition->topic->rules);

    return plain ? write_rows_of_batch(a) : write_rows_of_any(a, now);
}

/* Would the batch make it larger than nodes take well? */
static bool is_enough(const struct mutation *mutation, int32_t record_count, size_t bytes)
{
    const struct partition *partition = mutation->partition;
    uint32_t rows = mutation->rows + (uint32_t)record_count;

    return mutation_is_full(mutation) ||
           mutation_bytes(mutation) + bytes > mutation_soft_limit(partition) ||
           rows > CQL_BATCH_MAX_STATEMENTS ||
           (mutation->rows > 0 && rows > partition->gateway->config->mutation_group_rows);
}

/* A mutation for the batch: the open one, if the batch surely fits, else a fresh one. */
static bool choose_mutation(struct appending *a)
{
    struct partition *partition = a->partition;
    size_t need = a->in.records.len + (size_t)a->in.batch.record_count * (LOG_ROW_HEAD_MAX_BYTES + 64);

    a->shared = partition->open;
    if (a->shared != NULL && is_enough(a->shared, a->in.batch.record_count, need)) {
        mutation_close(a->shared);
        a->shared = NULL;
    }
    if (a->shared == NULL)
        return mutation_open(partition) != NULL ||
               refuse(a, KAFKA_NOT_ENOUGH_REPLICAS, "out of memory");
    a->shared_write = a->shared->body->buf.write;
    a->shared_rows = a->shared->rows;
    return true;
}

/* The batch has its rows: give it its offsets. */
static bool admit(struct appending *a, const struct producer_claim *claim, struct moment now)
{
    struct partition *partition = a->partition;
    struct gateway *gateway = partition->gateway;
    struct batch *batch = batch_new(gateway, partition->next_offset, claim);

    if (batch == NULL)
        return refuse(a, KAFKA_NOT_ENOUGH_REPLICAS, "out of memory");
    if (claim->producer_id >= 0 &&
        producer_admit(&partition->producers, claim, batch->first_offset, now.wall_us / 1000) < 0) {
        pool_put(&gateway->batches, batch);
        return refuse(a, KAFKA_NOT_ENOUGH_REPLICAS, "out of memory");
    }
    partition->next_offset += a->in.batch.record_count;
    batch->first = a->first;
    batch->first_at = a->first == a->shared ? a->shared_write : CQL_BATCH_HEAD_BYTES;
    batch->first_row = a->first == a->shared ? a->shared_rows : 0;
    batch_place(batch, a->last);
    if (a->first != a->last && partition->open != NULL)
        mutation_close(partition->open); /* the last part takes no other batch */
    if (partition->topic->rules.is_log_append_time)
        a->entry->log_append_time_ms = now.wall_us / 1000;
    batch_join(batch, a->entry);
    partition->rows_since_snapshot += a->in.batch.record_count;
    partition->bytes_since_snapshot += (int64_t)a->in.records.len;
    if (a->columns.snapshot != NULL) {
        partition->snapshot_due = false;
        partition->rows_since_snapshot = partition->bytes_since_snapshot = 0;
    }
    gateway->counts.records += (uint64_t)a->in.batch.record_count;
    gateway->counts.batches++;
    KILL_POINT("append.admitted");
    gateway_partition_ready(partition);
    return true;
}

static enum append_result append_batch(struct appending *a, struct slice records, struct moment now)
{
    struct partition *partition = a->partition;

    if (!open_and_decompress(a, records))
        goto refused;
    const struct producer_claim claim = {a->in.batch.producer_id, a->in.batch.producer_epoch,
                                         a->in.batch.base_sequence, a->in.batch.record_count};
    if (claim.producer_id >= 0 && !check_producer(a, &claim, now))
        goto refused;
    if (partition_is_stalled(partition, now)) {
        refuse(a, KAFKA_NOT_ENOUGH_REPLICAS, "the database does not answer for this partition");
        goto refused;
    }
    if (!segment_take(partition, a->in.batch.record_count, a->in.records.len))
        return APPEND_NO_ROOM;
    set_columns(a, now);
    if (!choose_mutation(a) || !write_rows(a, now) || !admit(a, &claim, now)) {
        take_back(a);
        goto refused;
    }
    return APPEND_DONE;
refused:
    if (a->in.refusal.code != 0) {
        partition->gateway->counts.refused_batches++;
        if (a->in.refusal.code == KAFKA_NOT_ENOUGH_REPLICAS)
            partition_note_refused(partition, records, a->in.refusal.code, now);
        produce_refuse(a->entry, &a->in.refusal, now);
    }
    return APPEND_DONE;
}

enum append_result partition_append(struct partition *partition, struct produce_entry *entry,
                                    struct slice records, struct moment now)
{
    struct appending a = {
        .partition = partition, .entry = entry, .limits = limits_of(partition)};

    if (!partition_has_room(partition, now))
        return APPEND_NO_ROOM;
    bool leads = gateway_leads(partition, now);
    if (leads && partition->state == PARTITION_LIVE)
        return append_batch(&a, records, now);
    if (!leads && partition->state != PARTITION_UNLOADED)
        partition_unload(partition, KAFKA_NOT_LEADER_OR_FOLLOWER,
                         "another gateway leads this partition", now);
    int16_t code = leads ? partition->load_error : KAFKA_NOT_LEADER_OR_FOLLOWER;
    if (code == partition->load_error)
        entry->message = "the partition cannot be loaded";
    partition_note_refused(partition, records, code, now);
    produce_resolve(entry, code, -1, now);
    return APPEND_DONE;
}
