#include "core/control/topic.h"

#include "core/engine/log_rows.h"
#include "core/engine/recovery.h"
#include "core/gateway_internal.h"
#include "cql/value.h"
#include "kafka/error.h"

#include <stdio.h>

enum { TTL_FRESH_US = 1000 * 1000 }; /* loads that come together share one look */

static size_t bucket_of(uint64_t seed, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    uint64_t hash = seed ^ 0xCBF29CE484222325u;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ p[i]) * 0x100000001B3u;
    return (size_t)(hash ^ (hash >> 32)) % TOPIC_BUCKETS;
}

void topics_init(struct topics *topics, uint64_t seed)
{
    *topics = (struct topics){.seed = seed};
    list_init(&topics->all);
}

struct topic *topics_find(const struct topics *topics, struct slice name)
{
    struct topic *topic = topics->by_name[bucket_of(topics->seed, name.data, name.len)];

    /* One that is on its way out may have a successor of its name. */
    while (topic != NULL && (topic->state == TOPIC_DELETING ||
                             !slice_equal(name, slice_make(topic->name, topic->name_len))))
        topic = topic->next_by_name;
    return topic;
}

struct topic *topics_find_id(const struct topics *topics, const uint8_t topic_id[16])
{
    struct topic *topic = topics->by_id[bucket_of(topics->seed, topic_id, 16)];

    while (topic != NULL && memcmp(topic->topic_id, topic_id, 16) != 0)
        topic = topic->next_by_id;
    return topic;
}

static char *copy_text(const struct alloc *alloc, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = alloc_bytes(alloc, bytes);

    if (copy != NULL)
        memcpy(copy, text, bytes);
    return copy;
}

struct partition *topic_partition(const struct topic *topic, int32_t index)
{
    struct partition_block *block = topic->blocks;

    while (index >= block->first + block->count)
        block = block->next;
    return &block->partitions[index - block->first];
}

static size_t block_bytes(int32_t count)
{
    return sizeof(struct partition_block) + (size_t)count * sizeof(struct partition);
}

/* Partitions up to `count`. NOMEM, LIMIT. */
static int topic_grow(struct topic *topic, int32_t count)
{
    struct topics *topics = &topic->gateway->topics;
    int32_t more = count - topic->partition_count;
    struct partition_block **at = &topic->blocks;

    if (more <= 0)
        return STATUS_OK;
    if (topics->partition_count + more > 2 * (int64_t)topic->gateway->config->max_partitions_total)
        return STATUS_LIMIT;
    struct partition_block *block = alloc_zeroed(topic->gateway->config->alloc, block_bytes(more));
    if (block == NULL)
        return STATUS_NOMEM;
    block->first = topic->partition_count;
    block->count = more;
    while (*at != NULL)
        at = &(*at)->next;
    *at = block;
    for (int32_t i = 0; i < more; i++)
        partition_init(&block->partitions[i], topic, block->first + i);
    topic->partition_count = count;
    topics->partition_count += more;
    return STATUS_OK;
}

/* NOMEM: as it was. */
static int topic_configure(struct topic *topic, struct slice configuration)
{
    const struct alloc *alloc = topic->gateway->config->alloc;
    uint8_t *copy = NULL;

    if (configuration.len > 0) {
        copy = alloc_bytes(alloc, configuration.len);
        if (copy == NULL)
            return STATUS_NOMEM;
        memcpy(copy, configuration.data, configuration.len);
    }
    alloc_free(alloc, topic->configuration, topic->configuration_len);
    topic->configuration = copy;
    topic->configuration_len = configuration.len;
    topic_settings_read(configuration, &topic->settings);
    topic_settings_rules(&topic->settings, topic->gateway->config, &topic->rules);
    return STATUS_OK;
}

static void topic_free(struct topic *topic)
{
    const struct alloc *alloc = topic->gateway->config->alloc;

    if (topic->ttl_call != NULL)
        cluster_call_cancel(topic->gateway->cluster, topic->ttl_call);
    for (int32_t i = 0; i < topic->partition_count; i++)
        partition_deinit(topic_partition(topic, i));
    topic->gateway->topics.partition_count -= topic->partition_count;
    while (topic->blocks != NULL) {
        struct partition_block *block = topic->blocks;
        topic->blocks = block->next;
        alloc_free(alloc, block, block_bytes(block->count));
    }
    alloc_free(alloc, topic->configuration, topic->configuration_len);
    if (topic->name != NULL)
        alloc_free(alloc, topic->name, topic->name_len + 1);
    if (topic->table_name != NULL)
        alloc_free(alloc, topic->table_name, strlen(topic->table_name) + 1);
    alloc_free(alloc, topic, sizeof(*topic));
}

/* NOMEM, LIMIT. */
static int topic_new(struct gateway *gateway, const struct topic_row *row, struct topic **made)
{
    const struct alloc *alloc = gateway->config->alloc;
    struct topic *topic = alloc_zeroed(alloc, sizeof(*topic));
    int rc = STATUS_NOMEM;

    if (topic == NULL)
        return rc;
    topic->gateway = gateway;
    for (int i = 0; i < LOG_INSERT_COUNT; i++)
        topic->inserts[i].topic = topic;
    topic->state = row->state;
    memcpy(topic->topic_id, row->topic_id, sizeof(topic->topic_id));
    topic->name = copy_text(alloc, row->name);
    topic->name_len = strlen(row->name);
    topic->table_name = copy_text(alloc, row->table_name);
    if (topic->name != NULL && topic->table_name != NULL)
        rc = topic_configure(topic, row->configuration);
    if (rc == STATUS_OK)
        rc = topic_grow(topic, row->partitions);
    if (rc == STATUS_OK)
        *made = topic;
    else
        topic_free(topic);
    return rc;
}

size_t topic_max_message_bytes(const struct topic *topic)
{
    return topic->rules.max_message_bytes != 0 ? topic->rules.max_message_bytes
                                               : topic->gateway->config->max_message_bytes;
}

int topics_put(struct topics *topics, struct gateway *gateway, const struct topic_row *row)
{
    struct topic *topic = topics_find_id(topics, row->topic_id);

    if (topic != NULL) {
        if (topic->state == TOPIC_DELETING) /* there is no way back */
            return STATUS_OK;
        topic->state = row->state;
        int rc = topic_configure(topic, row->configuration);
        return rc < 0 ? rc : topic_grow(topic, row->partitions);
    }
    if (row->state != TOPIC_LIVE)
        return STATUS_OK;
    int rc = topic_new(gateway, row, &topic);
    if (rc < 0)
        return rc;
    size_t name = bucket_of(topics->seed, topic->name, topic->name_len);
    size_t id = bucket_of(topics->seed, topic->topic_id, 16);
    topic->next_by_name = topics->by_name[name];
    topics->by_name[name] = topic;
    topic->next_by_id = topics->by_id[id];
    topics->by_id[id] = topic;
    list_append(&topics->all, &topic->node);
    topics->count++;
    return STATUS_OK;
}

void topics_remove(struct topics *topics, struct topic *topic)
{
    struct topic **at = &topics->by_name[bucket_of(topics->seed, topic->name, topic->name_len)];

    while (*at != topic)
        at = &(*at)->next_by_name;
    *at = topic->next_by_name;
    at = &topics->by_id[bucket_of(topics->seed, topic->topic_id, 16)];
    while (*at != topic)
        at = &(*at)->next_by_id;
    *at = topic->next_by_id;
    list_remove(&topic->node);
    topics->count--;
    topic_free(topic);
}

/* One of the things that a load waits for is there, or (not `ok`) refused for the reason in
 * `reply`. */
static void prepared_one(struct topic *topic, bool ok, const struct cluster_reply *reply,
                         struct moment now)
{
    char text[128] = "the database does not answer";

    topic->preparing--;
    if (!ok)
        topic->preparing_failed = true;
    if (!ok && reply != NULL && reply->error != NULL)
        (void)snprintf(text, sizeof(text), "%.*s",
                       (int)(reply->error->message.len < 120 ? reply->error->message.len : 120),
                       (const char *)reply->error->message.data);
    if (topic->preparing > 0)
        return;
    topic->stale = topic->preparing_failed;
    for (int32_t i = 0; i < topic->partition_count; i++)
        if (topic_partition(topic, i)->recovery != NULL)
            recovery_prepared(topic_partition(topic, i)->recovery, topic->stale ? KAFKA_STORAGE_ERROR : 0,
                              text, now);
}

static void insert_prepared(void *context, struct cluster_statement *statement,
                            const struct cluster_reply *reply, struct moment now)
{
    struct topic_insert *insert = context;

    if (statement != NULL)
        insert->statement = statement;
    prepared_one(insert->topic, statement != NULL, reply, now);
}

static void ttl_read(void *context, const struct cluster_reply *reply, bool touched,
                     struct moment now)
{
    struct topic *topic = context;
    struct arena *arena = &topic->gateway->arena;
    struct cql_result result;
    int32_t seconds;

    (void)touched;
    topic->ttl_call = NULL;
    arena_reset(arena);
    bool ok = reply->outcome == CLUSTER_DONE &&
              cql_result_open(reply->body, arena, &result) == STATUS_OK;
    /* No row: no table. That is for the statements to say. */
    if (ok)
        topic->has_ttl = cql_result_next_row(&result) &&
                         cql_cell_i32(cql_result_cell(&result, 0), &seconds) && seconds > 0;
    prepared_one(topic, ok, reply, now);
}

static void ask_ttl(struct topic *topic, struct moment now)
{
    struct gateway *gateway = topic->gateway;
    const struct cql_value values[] = {cql_value_text(gateway->config->keyspace),
                                       cql_value_text(topic->table_name)};
    const struct cluster_query query = {
        .text = "SELECT default_time_to_live FROM system_schema.tables WHERE keyspace_name = ? AND "
                "table_name = ?",
        .values = values,
        .value_count = 2,
        .consistency = gateway->config->consistency,
        .deadline_us = NEVER_US};

    topic->ttl_asked_us = now.boot_us;
    topic->ttl_call = cluster_ask(gateway->cluster, &query, ttl_read, topic, now);
    if (topic->ttl_call != NULL)
        topic->preparing++;
    else
        topic->preparing_failed = true;
}

static void prepare(struct topic *topic, enum log_insert insert, struct moment now)
{
    struct gateway *gateway = topic->gateway;
    struct buf text;

    buf_init(&text, gateway->config->alloc, 4096);
    if (log_rows_text(insert, gateway->config->keyspace, topic->table_name, &text) == 0 &&
        buf_append(&text, slice_make("", 1)) == 0) {
        topic->preparing++;
        cluster_prepare(gateway->cluster, (const char *)text.data, NEVER_US, insert_prepared,
                        &topic->inserts[insert], now);
    } else {
        topic->preparing_failed = true;
    }
    buf_deinit(&text);
}

bool topic_prepare(struct topic *topic, struct moment now)
{
    bool all = topic->stale;

    if (topic->preparing > 0)
        return false;
    topic->preparing_failed = false;
    topic->preparing++; /* while all are asked for: an answer at once must not count as the last */
    for (int i = 0; i < LOG_INSERT_COUNT; i++)
        if (all || topic->inserts[i].statement == NULL)
            prepare(topic, (enum log_insert)i, now);
    if (all || topic->ttl_asked_us == 0 || now.boot_us - topic->ttl_asked_us > TTL_FRESH_US)
        ask_ttl(topic, now);
    topic->preparing--;
    if (topic->preparing > 0)
        return false;
    topic->stale = topic->preparing_failed;
    return !topic->preparing_failed;
}

void topic_forget_statements(struct topic *topic)
{
    struct cluster *cluster = topic->gateway->cluster;

    for (int i = 0; i < LOG_INSERT_COUNT; i++)
        if (topic->inserts[i].statement != NULL)
            cluster_forget(cluster, topic->inserts[i].statement);
    topic->stale = true;
}

/* Produce entries that the topic has not seen yet: their clients are parked. */
static void forget_entries(const struct topic *topic)
{
    LIST_EACH (it, &topic->gateway->produces) {
        struct produce *produce = LIST_ENTRY(it, struct produce, node);
        for (int32_t i = 0; i < produce->entry_count; i++) {
            struct produce_entry *entry = &produce->entries[i];
            if (entry->partition != NULL && entry->partition->topic == topic)
                entry->partition = NULL;
        }
    }
}

void topic_stop(struct topic *topic, struct moment now)
{
    topic->state = TOPIC_DELETING;
    topic->gateway->topics.some_stopped = true;
    forget_entries(topic);
    for (int32_t i = 0; i < topic->partition_count; i++)
        partition_unload(topic_partition(topic, i), KAFKA_UNKNOWN_TOPIC_OR_PARTITION,
                         "the topic is deleted", now);
}

void topics_sweep(struct topics *topics)
{
    if (!topics->some_stopped)
        return;
    topics->some_stopped = false;
    LIST_EACH_SAFE (it, after, &topics->all) {
        struct topic *topic = LIST_ENTRY(it, struct topic, node);
        if (topic->state != TOPIC_DELETING)
            continue;
        if (topic->preparing == 0)
            topics_remove(topics, topic);
        else
            topics->some_stopped = true;
    }
}

void topics_deinit(struct topics *topics)
{
    while (!list_empty(&topics->all))
        topics_remove(topics, LIST_ENTRY(topics->all.next, struct topic, node));
}
