/* What an answer, or none, means to the client: see producer.h. */
#include <stdlib.h>

#include "kafka/error.h"
#include "tests/sim/producer_internal.h"

enum { PURPOSE_BACKOFF = 350 };

static void remove_batch(struct lane *lane, struct pending *batch)
{
    list_remove(&batch->node);
    lane->batch_count--;
    free(batch);
}

/* Sequences from 0 again, in a new epoch. */
static void rewrite(struct producer *producer, struct lane *lane)
{
    int32_t next = 0;

    lane->producer_id = producer->producer_id;
    lane->epoch = producer->epoch;
    lane->last_acked = -1;
    lane->is_unresolved = false;
    LIST_EACH (it, &lane->batches) {
        struct pending *batch = LIST_ENTRY(it, struct pending, node);
        if (!batch->has_sequence)
            continue;
        batch->producer_id = lane->producer_id;
        batch->epoch = lane->epoch;
        batch->sequence = next;
        batch->is_rewritten = true;
        next += batch->count;
    }
    lane->next_sequence = next;
}

static void next_epoch(struct producer *producer)
{
    producer->world->counts.epoch_bumps++;
    producer->epoch++;
    world_trace(producer->world, "producer %u: epoch %d", producer->index, producer->epoch);
}

static void bump_lane(struct producer *producer, struct lane *lane)
{
    next_epoch(producer);
    rewrite(producer, lane);
}

/* A batch is not coming any more: those behind it take its sequences (Java). */
static void close_gap(struct lane *lane, const struct pending *gone)
{
    LIST_EACH (it, &lane->batches) {
        struct pending *batch = LIST_ENTRY(it, struct pending, node);
        if (batch == gone || !batch->has_sequence || batch->sequence < gone->sequence)
            continue;
        batch->sequence -= gone->count;
        batch->is_rewritten = true;
    }
    lane->next_sequence -= gone->count;
}

static void fail_for_good(struct producer *producer, struct lane *lane, struct pending *batch,
                          int16_t code)
{
    if (producer->idempotent && producer->kind == PRODUCER_LIBRDKAFKA)
        producer->drains = true;
    else if (producer->idempotent && code == KAFKA_INVALID_PRODUCER_EPOCH)
        lane->is_unresolved = true;
    else if (producer->idempotent && batch->producer_id == lane->producer_id &&
             batch->epoch == lane->epoch)
        close_gap(lane, batch);
    remove_batch(lane, batch);
}

static void out_of_order(struct producer *producer, struct lane *lane, struct pending *batch)
{
    if (producer->kind == PRODUCER_LIBRDKAFKA) {
        producer->drains = true; /* the ledger has judged whether it is fatal */
        return;
    }
    bool is_next = batch->sequence == lane->last_acked + 1;
    if (lane->is_unresolved || (!batch->is_rewritten && is_next))
        bump_lane(producer, lane);
}

void batch_failed(struct producer *producer, struct lane *lane, struct pending *batch, int16_t code)
{
    struct world *world = producer->world;
    int64_t backoff_ms = 100 << (batch->tries < 4 ? batch->tries : 4);

    batch->in_flight = false;
    lane->in_flight--;
    batch->tries++;
    batch->not_before_us =
        world->scheduler.now_us + chance_between(&world->chance, lane->stream->number,
                                                 batch->first_record + batch->tries,
                                                 PURPOSE_BACKOFF, backoff_ms * 4 / 5,
                                                 backoff_ms * 6 / 5) *
                                      SIM_MS_US;
    switch (code) {
    case KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER:
        if (producer->idempotent)
            out_of_order(producer, lane, batch);
        break;
    case KAFKA_INVALID_RECORD:
    case KAFKA_INVALID_PRODUCER_EPOCH:
        fail_for_good(producer, lane, batch, code);
        break;
    case KAFKA_NOT_LEADER_OR_FOLLOWER:
    case KAFKA_UNKNOWN_TOPIC_OR_PARTITION:
    case KAFKA_STORAGE_ERROR:
    case CODE_CONNECTION:
        lane->leader = -1;
        producer->metadata_is_old = true;
        break;
    default:
        break;
    }
}

void batch_done(struct producer *producer, struct lane *lane, struct pending *batch,
                const struct claim *claim)
{
    int32_t last = batch->sequence + batch->count - 1;
    (void)producer;
    (void)claim;
    if (batch->has_sequence && batch->epoch == lane->epoch && last > lane->last_acked)
        lane->last_acked = last;
    lane->in_flight--;
    remove_batch(lane, batch);
}

void batch_given_up(struct producer *producer, struct lane *lane, struct pending *batch)
{
    producer->world->counts.batches_given_up++;
    if (producer->idempotent && batch->has_sequence)
        ledger_given_up(producer->world->ledger, lane->stream, batch->producer_id, batch->epoch,
                        batch->sequence, batch->first_record);
    if (producer->idempotent && batch->has_sequence) {
        if (producer->kind == PRODUCER_JAVA)
            lane->is_unresolved = true;
        else
            producer->drains = true;
    }
    remove_batch(lane, batch);
}

static bool has_sequences(const struct lane *lane)
{
    LIST_EACH (it, &lane->batches)
        if (LIST_ENTRY(it, struct pending, node)->has_sequence)
            return true;
    return false;
}

void producer_settle(struct producer *producer)
{
    uint32_t in_flight = 0;

    for (uint32_t i = 0; i < producer->lane_count; i++) {
        struct lane *lane = &producer->lanes[i];
        in_flight += lane->in_flight;
        if (producer->kind != PRODUCER_JAVA || !lane->is_unresolved || has_sequences(lane))
            continue;
        lane->is_unresolved = false;
        if (lane->last_acked + 1 != lane->next_sequence && producer->has_id)
            bump_lane(producer, lane);
    }
    if (!producer->drains || in_flight > 0)
        return;
    producer->drains = false;
    if (!producer->has_id)
        return;
    next_epoch(producer);
    for (uint32_t i = 0; i < producer->lane_count; i++)
        rewrite(producer, &producer->lanes[i]);
}
