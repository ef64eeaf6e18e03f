#include "core/admin/admin.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    WAIT_PERCENT = 80, /* of the client's own time: the answer must arrive while it listens */
    CALL_CHUNK_BYTES = 4096,
    CALL_MAX_BYTES = 16 * 1024 * 1024,
};

static const struct {
    int16_t key;
    bool needs_tables;
    void (*handle)(struct client *client, const struct kafka_event *event, struct moment now);
} handlers[] = {
    {KAFKA_CREATE_TOPICS, true, admin_create_topics},
    {KAFKA_DELETE_TOPICS, true, admin_delete_topics},
    {KAFKA_CREATE_PARTITIONS, true, admin_create_partitions},
    {KAFKA_DESCRIBE_CONFIGS, true, admin_describe_configs},
    {KAFKA_ALTER_CONFIGS, true, admin_alter_configs},
    {KAFKA_INCREMENTAL_ALTER_CONFIGS, true, admin_alter_configs},
    {KAFKA_DESCRIBE_CLUSTER, true, admin_describe_cluster},
    {KAFKA_DESCRIBE_TOPIC_PARTITIONS, true, admin_describe_topic_partitions},
    {KAFKA_DESCRIBE_LOG_DIRS, false, admin_describe_log_dirs},
    {KAFKA_DESCRIBE_PRODUCERS, true, admin_describe_producers},
    {KAFKA_LIST_OFFSETS, true, admin_list_offsets},
    {KAFKA_LIST_GROUPS, false, admin_list_groups},
    {KAFKA_DESCRIBE_GROUPS, false, admin_describe_groups},
    {KAFKA_DESCRIBE_ACLS, false, admin_describe_acls},
    {KAFKA_LIST_PARTITION_REASSIGNMENTS, false, admin_list_reassignments},
    {KAFKA_DESCRIBE_CLIENT_QUOTAS, false, admin_describe_quotas},
    {KAFKA_DESCRIBE_USER_SCRAM_CREDENTIALS, false, admin_describe_scram},
    {KAFKA_LIST_TRANSACTIONS, false, admin_list_transactions},
    {KAFKA_LIST_CONFIG_RESOURCES, true, admin_list_config_resources},
};
#define HANDLER_COUNT (sizeof(handlers) / sizeof(handlers[0]))

bool admin_handle(struct client *client, const struct kafka_event *event, struct moment now)
{
    for (size_t i = 0; i < HANDLER_COUNT; i++)
        if (handlers[i].key == event->api->key) {
            handlers[i].handle(client, event, now);
            return true;
        }
    return false;
}

bool admin_needs_tables(int16_t api_key)
{
    for (size_t i = 0; i < HANDLER_COUNT; i++)
        if (handlers[i].key == api_key)
            return handlers[i].needs_tables;
    return false;
}

struct topic *admin_find_topic(const struct gateway *gateway, struct slice name)
{
    struct topic *topic = topics_find(&gateway->topics, name);

    return topic != NULL && topic->state == TOPIC_LIVE ? topic : NULL;
}

bool admin_is_too_much(const struct gateway *gateway, int64_t items)
{
    return items > (int64_t)gateway->config->max_admin_items;
}

int16_t admin_refuses_changes(const struct gateway *gateway, int64_t items, struct slice *text)
{
    if (!gateway->ready || gateway->draining) {
        *text = SLICE_LITERAL("this gateway is starting or stopping");
        return KAFKA_NOT_CONTROLLER;
    }
    if (admin_is_too_much(gateway, items)) {
        *text = SLICE_LITERAL("the request names more than limits.max_admin_items");
        return KAFKA_INVALID_REQUEST;
    }
    return 0;
}

struct slice admin_text(struct arena *arena, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    int len = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (len < 0)
        return SLICE_NULL;
    return arena_copy(arena,
                      slice_make(text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1));
}

struct admin_call *admin_begin(struct client *client, const struct kafka_event *event,
                               size_t response_bytes, int32_t wait_ms, int32_t max_ms)
{
    struct gateway *gateway = client->gateway;
    struct admin_call *call = alloc_zeroed(gateway->config->alloc, sizeof(*call));
    int64_t ms = wait_ms < 0 ? 0 : wait_ms;

    if (call != NULL) {
        arena_init(&call->arena, gateway->config->alloc, CALL_CHUNK_BYTES, CALL_MAX_BYTES);
        call->response = arena_take(&call->arena, response_bytes);
    }
    if (call == NULL || call->response == NULL) {
        if (call != NULL)
            arena_deinit(&call->arena);
        alloc_free(gateway->config->alloc, call, sizeof(*call));
        client_fail(client, "out of memory", event->api->name, (struct moment){0, 0});
        return NULL;
    }
    ms = ms * WAIT_PERCENT / 100;
    call->gateway = gateway;
    call->client = client;
    call->request_id = event->request_id;
    call->version = event->version;
    call->deadline_us = event->first_byte_us + (ms < max_ms ? ms : max_ms) * 1000;
    call->unfinished = 1; /* admin_answer_when_done takes it back */
    list_init(&call->items);
    list_append(&gateway->admin_calls, &call->node);
    client->waiting++;
    return call;
}

static void call_free(struct admin_call *call)
{
    const struct alloc *alloc = call->gateway->config->alloc;

    list_remove(&call->node);
    arena_deinit(&call->arena);
    alloc_free(alloc, call, sizeof(*call));
}

struct admin_item *admin_item(struct admin_call *call, int16_t *error_code, struct slice *message,
                              struct slice name, const uint8_t topic_id[16])
{
    struct admin_item *item = arena_take(&call->arena, sizeof(*item));
    struct slice copy = item == NULL ? SLICE_NULL : arena_copy(&call->arena, name);

    if (copy.data == NULL && name.data != NULL) {
        *error_code = KAFKA_REQUEST_TIMED_OUT;
        return NULL;
    }
    *item = (struct admin_item){.call = call, .error_code = error_code, .message = message};
    item->name = copy;
    if (topic_id != NULL)
        memcpy(item->topic_id, topic_id, 16);
    list_append(&call->items, &item->node);
    call->unfinished++;
    return item;
}

static void answer(struct admin_call *call, struct moment now)
{
    struct client *client = call->client;

    if (client == NULL)
        return;
    call->client = NULL;
    client->waiting--;
    client_respond(client, call->request_id, call->response, now);
}

static void one_less(struct admin_call *call, struct moment now)
{
    if (--call->unfinished > 0)
        return;
    answer(call, now);
    call_free(call);
}

void admin_item_creates(struct admin_item *item, uint32_t topics, int64_t partitions)
{
    item->creating_topics = topics;
    item->creating_partitions = partitions;
    item->call->gateway->creating_topics += topics;
    item->call->gateway->creating_partitions += partitions;
}

void admin_done(void *context, int16_t kafka_error, const char *text, struct moment now)
{
    struct admin_item *item = context;
    struct admin_call *call = item->call;

    assert(!item->done);
    item->done = true;
    call->gateway->creating_topics -= item->creating_topics;
    call->gateway->creating_partitions -= item->creating_partitions;
    if (call->client != NULL) {
        *item->error_code = kafka_error;
        if (kafka_error != 0 && item->message != NULL)
            *item->message = arena_copy(&call->arena, slice_cstr(text));
        if (item->finished != NULL)
            item->finished(item);
    }
    one_less(call, now);
}

void admin_answer_when_done(struct admin_call *call, struct moment now)
{
    one_less(call, now);
}

void admin_abandon(struct admin_call *call, struct moment now)
{
    struct client *client = call->client;

    if (client != NULL) {
        call->client = NULL;
        client->waiting--;
        client_fail(client, "out of memory", "an admin request", now);
    }
    one_less(call, now);
}

static void expire(struct admin_call *call, struct moment now)
{
    LIST_EACH (it, &call->items) {
        struct admin_item *item = LIST_ENTRY(it, struct admin_item, node);
        if (item->done)
            continue;
        *item->error_code =
            item->expired == NULL ? KAFKA_REQUEST_TIMED_OUT : item->expired(item);
        if (*item->error_code != 0 && item->message != NULL)
            *item->message =
                SLICE_LITERAL("it is under way and goes on; the time to wait for it is over");
    }
    answer(call, now);
}

void admin_tick(struct gateway *gateway, struct moment now)
{
    LIST_EACH_SAFE (it, after, &gateway->admin_calls) {
        struct admin_call *call = LIST_ENTRY(it, struct admin_call, node);
        call->unfinished++; /* it stays while it is looked at */
        LIST_EACH (node, &call->items) {
            struct admin_item *item = LIST_ENTRY(node, struct admin_item, node);
            if (!item->done && item->poll != NULL)
                item->poll(item, now);
        }
        if (call->client != NULL && now.boot_us >= call->deadline_us)
            expire(call, now);
        one_less(call, now);
    }
}

void admin_forget(struct client *client)
{
    LIST_EACH (it, &client->gateway->admin_calls) {
        struct admin_call *call = LIST_ENTRY(it, struct admin_call, node);
        if (call->client == client)
            call->client = NULL;
    }
}

void admin_free(struct gateway *gateway)
{
    LIST_EACH_SAFE (it, after, &gateway->admin_calls)
        call_free(LIST_ENTRY(it, struct admin_call, node));
}
