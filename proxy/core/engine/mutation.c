#include "core/engine/mutation.h"

#include "core/engine/repair.h"
#include "core/gateway_internal.h"
#include "kafka/error.h"
#include "proto/kill_point.h"

#include <assert.h>

struct mutation *mutation_open(struct partition *partition)
{
    struct gateway *gateway = partition->gateway;
    struct mutation *mutation = pool_get(&gateway->mutations);

    if (mutation == NULL)
        return NULL;
    mutation->body = gateway_body_get(gateway);
    if (mutation->body == NULL || cql_batch_begin(&mutation->body->buf) < 0) {
        if (mutation->body != NULL)
            gateway_body_put(gateway, mutation->body);
        pool_put(&gateway->mutations, mutation);
        return NULL;
    }
    mutation->partition = partition;
    mutation->state = MUTATION_OPEN;
    mutation->segment = partition->segment;
    mutation->token = partition->token;
    mutation->first_offset = mutation->end_offset = partition->next_offset;
    list_init(&mutation->batches);
    list_append(&partition->mutations, &mutation->node);
    partition->open = mutation;
    return mutation;
}

void mutation_close(struct mutation *mutation)
{
    assert(mutation->state == MUTATION_OPEN);
    mutation->state = MUTATION_CLOSED;
    mutation->partition->closed++;
    if (mutation->partition->open == mutation)
        mutation->partition->open = NULL;
}

void mutation_free(struct mutation *mutation)
{
    struct gateway *gateway = mutation->partition->gateway;

    if (mutation->state == MUTATION_SENT)
        cluster_cancel(gateway->cluster, &mutation->request);
    if (mutation->partition->open == mutation)
        mutation->partition->open = NULL;
    while (!list_empty(&mutation->batches))
        batch_drop(gateway, LIST_ENTRY(mutation->batches.next, struct batch, node));
    list_remove(&mutation->node);
    gateway->mutation_bytes -= mutation->charged_bytes;
    gateway_body_put(gateway, mutation->body);
    pool_put(&gateway->mutations, mutation);
}

size_t mutation_bytes(const struct mutation *mutation)
{
    return buf_len(&mutation->body->buf);
}

bool mutation_is_full(const struct mutation *mutation)
{
    const struct gateway_config *config = mutation->partition->gateway->config;

    return mutation->rows >= config->mutation_group_rows ||
           mutation_bytes(mutation) >= config->mutation_group_bytes;
}

void mutation_charge(struct mutation *mutation)
{
    struct gateway *gateway = mutation->partition->gateway;
    size_t bytes = mutation->body->buf.capacity;

    gateway->mutation_bytes = gateway->mutation_bytes - mutation->charged_bytes + bytes;
    mutation->charged_bytes = bytes;
}

/* The Kafka code for a definite refusal of the database. */
static int16_t refusal_code(const struct cql_error *error)
{
    static const char *const too_large[] = {"too large", "too big", "oversized"};

    if (error == NULL)
        return KAFKA_STORAGE_ERROR;
    if (error->code == CQL_ERROR_UNAUTHORIZED)
        return KAFKA_TOPIC_AUTHORIZATION_FAILED;
    for (size_t i = 0; i < sizeof(too_large) / sizeof(too_large[0]); i++) {
        size_t len = strlen(too_large[i]);
        for (size_t at = 0; at + len <= error->message.len; at++)
            if (memcmp(error->message.data + at, too_large[i], len) == 0)
                return KAFKA_MESSAGE_TOO_LARGE;
    }
    return KAFKA_STORAGE_ERROR;
}

static void mutation_refused(struct mutation *mutation, const struct cluster_reply *reply,
                             struct moment now)
{
    struct partition *partition = mutation->partition;
    int16_t code = refusal_code(reply->error);
    char quoted[LOG_QUOTED_BYTES];

    log_quote(quoted, sizeof(quoted), reply->error == NULL ? NULL : reply->error->message.data,
              reply->error == NULL ? 0 : reply->error->message.len);
    action_log(partition->gateway->actions, LOG_ERROR, "the database refused records",
               "topic=%s partition=%d first_offset=%lld rows=%u answer=%s reason=%s",
               partition->topic->name, partition->index, (long long)mutation->first_offset,
               mutation->rows, kafka_error_name(code), quoted);
    repair_refused(mutation, code, now);
}

/* No node knows the ids that the rows are encoded with: with other ids they are sound, so nothing
 * is refused for good. */
static void reload(struct partition *partition, struct moment now)
{
    action_log(partition->gateway->actions, LOG_WARN, "statements are prepared again",
               "topic=%s partition=%d reason=\"no node knows their ids\"", partition->topic->name,
               partition->index);
    topic_forget_statements(partition->topic);
    partition_unload(partition, KAFKA_NOT_ENOUGH_REPLICAS, "no node knows the statements' ids",
                     now);
}

static void mutation_done(struct cluster_request *request, const struct cluster_reply *reply,
                          struct moment now)
{
    struct mutation *mutation = request->context;
    struct partition *partition = mutation->partition;

    assert(mutation->state == MUTATION_SENT);
    if (reply->outcome != CLUSTER_DONE) {
        if (reply->error != NULL && reply->error->code == CQL_ERROR_UNPREPARED)
            reload(partition, now);
        else
            mutation_refused(mutation, reply, now);
        return;
    }
    mutation->state = MUTATION_DURABLE;
    partition->sent--;
    partition->gateway->counts.mutations++;
    if (request->first_sent_us > partition->gateway->newest_durable_sent_us)
        partition->gateway->newest_durable_sent_us = request->first_sent_us;
    KILL_POINT("mutation.durable");
    if (mutation->first_part != NULL) {
        mutation->first_part->parts_missing--;
        KILL_POINT("mutation.part_durable");
    }
    gateway_partition_ready(partition);
    partition_acknowledge(partition, now);
}

bool mutation_send(struct mutation *mutation, struct moment now)
{
    struct partition *partition = mutation->partition;
    struct gateway *gateway = partition->gateway;
    int64_t timestamp_us = gateway_timestamp(gateway, now);

    if (timestamp_us == 0 || cql_batch_finish(&mutation->body->buf, (uint16_t)mutation->rows,
                                              gateway->config->consistency, timestamp_us) < 0)
        return false;
    if (mutation->state == MUTATION_OPEN)
        mutation_close(mutation);
    partition->closed--;
    partition->sent++;
    partition->highest_timestamp_us = timestamp_us;
    mutation->state = MUTATION_SENT;
    mutation->request = (struct cluster_request){.opcode = CQL_BATCH,
                                                 .body = mutation->body,
                                                 .token = mutation->token,
                                                 .has_token = true,
                                                 .table_id = partition->topic->topic_id,
                                                 .deadline_us = NEVER_US,
                                                 .done = mutation_done,
                                                 .context = mutation};
    KILL_POINT("mutation.before_send");
    cluster_send(gateway->cluster, &mutation->request, now);
    KILL_POINT("mutation.sent");
    if (mutation->first_part != NULL)
        KILL_POINT("mutation.part_sent");
    return true;
}

struct batch *batch_new(struct gateway *gateway, int64_t first_offset,
                        const struct producer_claim *claim)
{
    struct batch *batch = pool_get(&gateway->batches);

    if (batch == NULL)
        return NULL;
    batch->first_offset = first_offset;
    batch->record_count = claim->record_count;
    batch->claim = *claim;
    list_init(&batch->node);
    list_init(&batch->waiters);
    return batch;
}

void batch_place(struct batch *batch, struct mutation *last)
{
    struct mutation *first = batch->first;

    for (struct list *it = &first->node;; it = it->next) {
        struct mutation *mutation = LIST_ENTRY(it, struct mutation, node);
        mutation->end_offset = batch->first_offset + batch->record_count;
        mutation_charge(mutation);
        if (mutation != first)
            first->parts_missing++;
        if (mutation == last)
            break;
    }
    list_append(&last->batches, &batch->node);
}

void batch_join(struct batch *batch, struct produce_entry *entry)
{
    assert(entry->batch == NULL && !entry->resolved);
    entry->batch = batch;
    list_append(&batch->waiters, &entry->node);
}

void batch_drop(struct gateway *gateway, struct batch *batch)
{
    while (!list_empty(&batch->waiters)) {
        LIST_ENTRY(batch->waiters.next, struct produce_entry, node)->batch = NULL;
        list_remove(batch->waiters.next);
    }
    list_remove(&batch->node);
    pool_put(&gateway->batches, batch);
}

void batch_resolve(struct gateway *gateway, struct batch *batch, int16_t code, int64_t base_offset,
                   const char *message, struct moment now)
{
    list_remove(&batch->node);
    while (!list_empty(&batch->waiters)) {
        struct produce_entry *entry = LIST_ENTRY(batch->waiters.next, struct produce_entry, node);
        list_remove(&entry->node);
        entry->batch = NULL;
        entry->message = code == 0 ? NULL : message;
        produce_resolve(entry, code, base_offset, now);
    }
    pool_put(&gateway->batches, batch);
}
