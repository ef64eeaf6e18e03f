#include "core/engine/partition.h"

#include "core/engine/mutation.h"
#include "core/engine/recovery.h"
#include "core/engine/repair.h"
#include "core/engine/segment.h"
#include "core/gateway_internal.h"
#include "kafka/error.h"
#include "proto/kill_point.h"

#include <assert.h>

enum { RETRY_LOAD_US = 1000 * 1000, STALLED_US = 2 * 1000 * 1000 };

void partition_init(struct partition *partition, struct topic *topic, int32_t index)
{
    *partition = (struct partition){
        .gateway = topic->gateway, .topic = topic, .index = index, .segment = -1};
    producer_table_init(&partition->producers, topic->gateway->config->alloc);
    producer_table_init(&partition->refused, topic->gateway->config->alloc);
    list_init(&partition->mutations);
    list_init(&partition->ready_node);
    list_init(&partition->load_node);
}

static void drop_repair(struct partition *partition)
{
    struct list batches;

    list_init(&batches);
    if (partition->repair != NULL)
        repair_cancel(partition->repair, &batches);
    while (!list_empty(&batches))
        batch_drop(partition->gateway, LIST_ENTRY(batches.next, struct batch, node));
}

void partition_deinit(struct partition *partition)
{
    if (partition->recovery != NULL)
        recovery_cancel(partition->recovery);
    segment_cancel(partition);
    drop_repair(partition);
    LIST_EACH_SAFE (it, after, &partition->mutations)
        mutation_free(LIST_ENTRY(it, struct mutation, node));
    partition->open = NULL;
    producer_table_deinit(&partition->producers);
    producer_table_deinit(&partition->refused);
    list_remove(&partition->ready_node);
    list_remove(&partition->load_node);
}

bool partition_is_idle(const struct partition *partition)
{
    return list_empty(&partition->mutations) && partition->repair == NULL;
}

static void start_loading(struct partition *partition, struct moment now)
{
    const struct gateway *gateway = partition->gateway;

    list_remove(&partition->load_node);
    partition->leader_epoch =
        control_leader_epoch(gateway->control, partition->topic->topic_id, partition->index);
    partition->recovery = recovery_start(partition, now);
    if (partition->recovery == NULL) {
        partition->retry_load_us = now.boot_us + RETRY_LOAD_US;
        return;
    }
    partition->state = PARTITION_LOADING;
    partition->load_began_us = now.boot_us;
    list_append(&partition->gateway->loads, &partition->load_node);
    partition->gateway->loading++;
}

/* It is not one of gateway.loads any more. */
static void uncount_load(struct partition *partition)
{
    if (partition->state != PARTITION_LOADING || list_empty(&partition->load_node))
        return;
    list_remove(&partition->load_node);
    partition->gateway->loading--;
}

/* Its load is over, or given up. */
static void end_loading(struct partition *partition)
{
    uncount_load(partition);
    partition->recovery = NULL;
}

static bool may_load(const struct partition *partition, struct moment now)
{
    return partition->state == PARTITION_UNLOADED && now.boot_us >= partition->retry_load_us &&
           gateway_leads(partition, now);
}

void partition_load(struct partition *partition, struct moment now)
{
    struct gateway *gateway = partition->gateway;

    if (!may_load(partition, now) || !list_empty(&partition->load_node))
        return;
    if (gateway->loading < LOADS_AT_ONCE)
        start_loading(partition, now);
    else
        list_append(&gateway->load_queue, &partition->load_node);
}

void partitions_load_next(struct gateway *gateway, struct moment now)
{
    /* Those whose replicas do not answer must not hold up the others. */
    while (!list_empty(&gateway->loads)) {
        struct partition *oldest = LIST_ENTRY(gateway->loads.next, struct partition, load_node);
        if (now.boot_us - oldest->load_began_us < STALLED_US)
            break;
        uncount_load(oldest);
    }
    while (gateway->loading < LOADS_AT_ONCE && !list_empty(&gateway->load_queue)) {
        struct partition *partition =
            LIST_ENTRY(gateway->load_queue.next, struct partition, load_node);
        list_remove(&partition->load_node); /* who still wants it asks again */
        if (may_load(partition, now))
            start_loading(partition, now);
    }
}

/* Did loading fail for a reason that waiting does not mend? Then whoever asks is told at once. */
static bool load_is_refused(const struct partition *partition, struct moment now)
{
    return partition->state == PARTITION_UNLOADED && partition->load_error != 0 &&
           now.boot_us < partition->retry_load_us;
}

bool partition_is_stalled(const struct partition *partition, struct moment now)
{
    LIST_EACH (it, &partition->mutations) {
        const struct mutation *mutation = LIST_ENTRY(it, struct mutation, node);
        if (mutation->state != MUTATION_SENT || mutation->request.first_sent_us == 0)
            continue;
        int64_t over_us = mutation->request.first_sent_us + STALLED_US;
        return now.boot_us > over_us && partition->gateway->newest_durable_sent_us > over_us;
    }
    return false;
}

bool partition_has_room(struct partition *partition, struct moment now)
{
    const struct gateway_config *config = partition->gateway->config;

    if (!gateway_leads(partition, now))
        return !gateway_leads_soon(partition, now); /* "not led here" can be said at once */
    if (load_is_refused(partition, now))
        return true;
    partition_load(partition, now);
    if (partition->state != PARTITION_LIVE || gateway_over_budget(partition->gateway) ||
        !cluster_is_up(partition->gateway->cluster))
        return false;
    if (partition_is_stalled(partition, now))
        return true; /* a refusal can be given at once */
    return (partition->open != NULL && !mutation_is_full(partition->open)) ||
           partition->closed < config->mutations_per_partition;
}

void partition_loaded(struct partition *partition, struct moment now)
{
    struct gateway *gateway = partition->gateway;

    assert(partition->state == PARTITION_LOADING);
    end_loading(partition);
    partition->state = PARTITION_LIVE;
    partition->load_error = 0;
    partition->snapshot_due = true;
    producer_table_block_all(&partition->producers, &partition->refused, now.wall_us / 1000);
    producer_table_deinit(&partition->refused);
    gateway->counts.loaded_partitions++;
    KILL_POINT("partition.loaded");
    action_log(gateway->actions, LOG_DEBUG, "partition loaded",
               "topic=%s partition=%d segment=%lld next_offset=%lld producers=%zu",
               partition->topic->name, partition->index, (long long)partition->segment,
               (long long)partition->next_offset, partition->producers.count);
}

void partition_load_failed(struct partition *partition, int16_t code, const char *text,
                           struct moment now)
{
    char quoted[LOG_QUOTED_BYTES];
    end_loading(partition);
    partition->state = PARTITION_UNLOADED;
    partition->load_error = code;
    partition->retry_load_us = now.boot_us + RETRY_LOAD_US;
    action_log(partition->gateway->actions, LOG_ERROR, "partition cannot be loaded",
               "topic=%s partition=%d code=%s reason=%s", partition->topic->name, partition->index,
               kafka_error_name(code), log_quote(quoted, sizeof(quoted), text, strlen(text)));
}

void partition_acknowledge(struct partition *partition, struct moment now)
{
    while (!list_empty(&partition->mutations)) {
        struct mutation *mutation = LIST_ENTRY(partition->mutations.next, struct mutation, node);
        if (mutation->state != MUTATION_DURABLE || !gateway_leads(partition, now))
            break;
        list_remove(&mutation->node);
        while (!list_empty(&mutation->batches)) {
            struct batch *batch = LIST_ENTRY(mutation->batches.next, struct batch, node);
            partition->stable = batch->first_offset + batch->record_count;
            batch_resolve(partition->gateway, batch, 0, batch->first_offset, NULL, now);
            KILL_POINT("partition.acknowledged");
        }
        mutation_free(mutation);
    }
    if (partition->segment >= 0 && !partition->segment_open)
        gateway_partition_ready(
            partition); /* the next segment waited for the last row of this one */
    if (partition->repair != NULL)
        repair_step(partition, now);
}

/* What a waiter may be told when the pipeline is torn down: only what is true of its batch. */
static int16_t unload_code(const struct mutation *mutation, const struct batch *batch, int16_t code)
{
    bool whole = mutation->first_part == NULL && mutation->parts_missing == 0;
    bool doubt = batch->was_sent || mutation->request.touched || !whole;

    if (mutation->state == MUTATION_REFUSED && !doubt)
        return mutation->refusal_code;
    return doubt || mutation->request.first_sent_us != 0 ? KAFKA_REQUEST_TIMED_OUT : code;
}

/* Batches that were being repaired: their producers are known from them alone. */
static void unload_repair(struct partition *partition, int16_t code, const char *text,
                          struct moment now)
{
    struct list batches;

    list_init(&batches);
    repair_cancel(partition->repair, &batches);
    LIST_EACH (it, &batches) {
        const struct batch *batch = LIST_ENTRY(it, struct batch, node);
        if (batch->claim.producer_id >= 0)
            producer_block(&partition->refused, &batch->claim, KAFKA_NOT_ENOUGH_REPLICAS,
                           now.wall_us / 1000);
    }
    while (!list_empty(&batches)) {
        struct batch *batch = LIST_ENTRY(batches.next, struct batch, node);
        batch_resolve(partition->gateway, batch, repair_cancel_code(batch, code), -1, text, now);
    }
}

static void unload_mutation(struct mutation *mutation, int16_t code, const char *text,
                            struct moment now)
{
    struct gateway *gateway = mutation->partition->gateway;

    while (!list_empty(&mutation->batches)) {
        struct batch *batch = LIST_ENTRY(mutation->batches.next, struct batch, node);
        batch_resolve(gateway, batch, unload_code(mutation, batch, code), -1, text, now);
    }
    list_remove(&mutation->node);
    mutation->state = MUTATION_DURABLE; /* nothing of it is under way any more */
    mutation_free(mutation);
}

void partition_unload(struct partition *partition, int16_t code, const char *text,
                      struct moment now)
{
    struct gateway *gateway = partition->gateway;
    struct list doomed;

    if (partition->recovery != NULL)
        recovery_cancel(partition->recovery);
    end_loading(partition);
    segment_cancel(partition);
    if (partition->state == PARTITION_LIVE || partition->state == PARTITION_REPAIRING) {
        gateway->counts.loaded_partitions--;
        producer_table_doubt(&partition->producers, partition->stable, KAFKA_NOT_ENOUGH_REPLICAS,
                             now.wall_us / 1000, &partition->refused);
    }
    partition->state = PARTITION_UNLOADED;
    partition->retry_load_us = 0;
    partition->load_error = 0;
    partition->segment = -1;
    partition->open = NULL;
    partition->sent = partition->closed = 0;
    producer_table_clear(&partition->producers);
    list_init(&doomed); /* answers may bring new requests: they must meet a clean partition */
    LIST_EACH_SAFE (it, after, &partition->mutations) {
        struct mutation *mutation = LIST_ENTRY(it, struct mutation, node);
        if (mutation->state == MUTATION_SENT)
            cluster_cancel(gateway->cluster, &mutation->request);
        list_remove(it);
        list_append(&doomed, it);
    }
    if (partition->repair != NULL)
        unload_repair(partition, code, text, now);
    LIST_EACH_SAFE (it, after, &doomed)
        unload_mutation(LIST_ENTRY(it, struct mutation, node), code, text, now);
}

/* Sends what stands at the front of the queue; see partition.h for the order of parts. */
static bool send_front(struct partition *partition, struct moment now)
{
    const struct gateway_config *config = partition->gateway->config;

    LIST_EACH_SAFE (it, after, &partition->mutations) {
        struct mutation *mutation = LIST_ENTRY(it, struct mutation, node);
        if (mutation->state != MUTATION_OPEN && mutation->state != MUTATION_CLOSED)
            continue;
        if (partition->sent >= config->mutations_per_partition)
            return true;
        if (mutation->state == MUTATION_OPEN && partition->sent > 0 &&
            mutation->rows < MUTATION_MIN_GROUP_ROWS)
            return true; /* an answer will come soon; until then it may grow */
        if (mutation->segment == partition->segment && !partition->segment_open) {
            if (partition->mutations.next == it)
                segment_open(partition, now);
            return true; /* its index row, or the last row of the segment before, calls again */
        }
        if (mutation->parts_missing > 0)
            continue;
        if (!cluster_has_room(partition->gateway->cluster, partition->topic->topic_id,
                              mutation->token) ||
            !mutation_send(mutation, now))
            return false;
    }
    return true;
}

static bool front_is_durable(const struct partition *partition)
{
    struct list *front = partition->mutations.next;

    return front != &partition->mutations &&
           LIST_ENTRY(front, struct mutation, node)->state == MUTATION_DURABLE;
}

bool partition_flush(struct partition *partition, struct moment now)
{
    if (front_is_durable(partition) || partition->repair != NULL)
        partition_acknowledge(partition, now);
    bool waits = front_is_durable(partition); /* for the lease, which may come back unannounced */

    if (partition->repair != NULL && !repair_may_send(partition->repair))
        return !waits && !repair_waits(partition->repair);
    return send_front(partition, now) && !waits;
}

void partition_note_refused(struct partition *partition, struct slice records, int16_t code,
                            struct moment now)
{
    struct kafka_record_batch batch;
    struct kafka_refusal refusal;
    int64_t offset;
    int16_t earlier;

    if (!kafka_record_batch_open(records, topic_max_message_bytes(partition->topic), &batch,
                                 &refusal) ||
        batch.producer_id < 0)
        return;
    const struct producer_claim claim = {batch.producer_id, batch.producer_epoch,
                                         batch.base_sequence, batch.record_count};
    if (partition->state != PARTITION_LIVE) {
        producer_block(&partition->refused, &claim, code, now.wall_us / 1000);
        return;
    }
    enum producer_verdict verdict =
        producer_check(&partition->producers, &claim, &offset, &earlier);
    if (verdict == PRODUCER_ACCEPT || verdict == PRODUCER_FIRST || verdict == PRODUCER_BLOCKED)
        producer_block(&partition->producers, &claim, code, now.wall_us / 1000);
}
