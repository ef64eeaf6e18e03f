/* The response of a Produce request, built when its last entry is resolved. */
#include "core/gateway_internal.h"
#include "kafka/error.h"
#include "proto/kill_point.h"

enum { THROTTLE_MS = 500 }; /* what a client is asked to wait while the memory budget is used up */

static void fill_partition(const struct produce *produce, const struct produce_entry *entry,
                           struct kafka_produce_partition_response *response, struct arena *arena)
{
    *response = KAFKA_PRODUCE_PARTITION_RESPONSE_DEFAULT;
    response->index = entry->index;
    response->error_code = entry->error_code;
    response->base_offset = entry->base_offset;
    if (entry->error_code == 0) {
        response->log_append_time_ms = entry->log_append_time_ms;
        response->log_start_offset = 0;
    }
    response->error_message = slice_cstr(entry->message);
    if (entry->record_index < 0 || produce->version < 8)
        return;
    response->record_errors = arena_take(arena, sizeof(*response->record_errors));
    if (response->record_errors == NULL)
        return;
    response->record_error_count = 1;
    *response->record_errors =
        (struct kafka_record_error){entry->record_index, slice_cstr(entry->message)};
}

/*
 * KIP-951: who leads a partition that was answered 6, so that the client need not ask. We know it
 * of our own partitions only (one that is still being loaded); of others, and while draining, the
 * client looks at its metadata, as with -1 of a broker.
 */
static bool knows_leader(const struct produce_entry *entry, struct moment now)
{
    return entry->error_code == KAFKA_NOT_LEADER_OR_FOLLOWER && entry->partition != NULL &&
           !entry->produce->gateway->draining && gateway_leads(entry->partition, now);
}

static bool fill_leaders(const struct produce *produce, struct kafka_produce_response *response,
                         struct arena *arena, struct moment now)
{
    const struct gateway *gateway = produce->gateway;
    bool any = false;

    for (int32_t t = 0; t < produce->topic_count; t++)
        for (int32_t i = 0; i < produce->topics[t].entry_count; i++) {
            const struct produce_entry *entry =
                &produce->entries[produce->topics[t].first_entry + i];
            if (!knows_leader(entry, now))
                continue;
            any = true;
            response->topics[t].partitions[i].current_leader = (struct kafka_produce_current_leader){
                gateway->config->node_id,
                control_leader_epoch(gateway->control, entry->partition->topic->topic_id,
                                     entry->index)};
        }
    if (!any)
        return true;
    response->node_endpoints = arena_take(arena, sizeof(*response->node_endpoints));
    if (response->node_endpoints == NULL)
        return false;
    response->node_endpoint_count = 1;
    *response->node_endpoints =
        (struct kafka_produce_node_endpoint){.node_id = gateway->config->node_id,
                                             .host = client_dialled_host(produce->client),
                                             .port = client_dialled_port(produce->client),
                                             .rack = SLICE_NULL};
    return true;
}

static bool fill_response(const struct produce *produce, struct kafka_produce_response *response,
                          struct arena *arena)
{
    *response = KAFKA_PRODUCE_RESPONSE_DEFAULT;
    response->throttle_time_ms = gateway_over_budget(produce->gateway) ? THROTTLE_MS : 0;
    response->topic_count = produce->topic_count;
    response->topics =
        arena_take_array(arena, (size_t)produce->topic_count, sizeof(*response->topics));
    if (response->topics == NULL)
        return produce->topic_count == 0;
    for (int32_t t = 0; t < produce->topic_count; t++) {
        const struct produce_topic *topic = &produce->topics[t];
        struct kafka_produce_topic_response *out = &response->topics[t];
        out->name = topic->name;
        memcpy(out->topic_id, topic->topic_id, sizeof(out->topic_id));
        out->partition_count = topic->entry_count;
        out->partitions =
            arena_take_array(arena, (size_t)topic->entry_count, sizeof(*out->partitions));
        if (out->partitions == NULL && topic->entry_count > 0)
            return false;
        for (int32_t i = 0; i < topic->entry_count; i++)
            fill_partition(produce, &produce->entries[topic->first_entry + i], &out->partitions[i],
                           arena);
    }
    return true;
}

static bool any_failed(const struct produce *produce)
{
    for (int32_t i = 0; i < produce->entry_count; i++)
        if (produce->entries[i].error_code != 0)
            return true;
    return false;
}

/* acks=0 has no answer: a failure closes the connection, so that the client looks at its metadata
 * again. */
static void answer_client(struct produce *produce, struct moment now)
{
    struct client *client = produce->client;
    struct gateway *gateway = produce->gateway;
    struct kafka_produce_response response;

    client->waiting--;
    if (produce->acks == 0) {
        kafka_connection_respond_nothing(client->connection, produce->request_id);
        client_mark_dirty(client);
        if (any_failed(produce))
            client_fail(client, "a batch with acks=0 was not stored", "", now);
        return;
    }
    arena_reset(&gateway->arena);
    if (fill_response(produce, &response, &gateway->arena) &&
        (produce->version < 10 || fill_leaders(produce, &response, &gateway->arena, now)))
        client_respond(client, produce->request_id, &response, now);
    else
        client_fail(client, "out of memory", "", now);
    if (produce->ends_connection)
        client_fail(client, "its batch came too long before the topics were read", "", now);
}

void produce_finish(struct produce *produce, struct moment now)
{
    KILL_POINT("produce.before_answer");
    if (produce->client != NULL)
        answer_client(produce, now);
    list_remove(&produce->node);
    alloc_free(produce->gateway->config->alloc, produce, produce->bytes);
}
