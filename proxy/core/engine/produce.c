#include "core/engine/produce.h"

#include "core/engine/mutation.h"
#include "core/gateway_internal.h"
#include "kafka/error.h"

#include <assert.h>

enum {
    DEADLINE_CAP_MS = 30 * 1000,
    DEADLINE_PERCENT =
        80, /* of the client's own time-out: the answer must arrive while it listens */
    FIRST_TOPIC_ID_VERSION = 13,
};

int64_t produce_deadline_us(const struct kafka_event *event)
{
    const struct kafka_produce_request *request = event->body;
    int64_t ms = request->timeout_ms < 0 ? 0 : request->timeout_ms;

    if (ms > DEADLINE_CAP_MS)
        ms = DEADLINE_CAP_MS;
    return event->first_byte_us + ms * 1000 * DEADLINE_PERCENT / 100;
}

/* One transactional batch makes the request one, as a broker sees it. */
static bool is_transactional(const struct kafka_produce_request *request)
{
    for (int32_t t = 0; t < request->topic_count; t++)
        for (int32_t p = 0; p < request->topics[t].partition_count; p++)
            if (kafka_record_batch_is_transactional(request->topics[t].partitions[p].records))
                return true;
    return false;
}

/* One block for the request, its topics, entries and the copied names. */
static struct produce *produce_new(struct client *client, const struct kafka_event *event)
{
    const struct kafka_produce_request *request = event->body;
    size_t names = 0, entries = 0,
           topics = request->topic_count > 0 ? (size_t)request->topic_count : 0;

    for (size_t i = 0; i < topics; i++) {
        names += request->topics[i].name.len;
        if (request->topics[i].partition_count > 0)
            entries += (size_t)request->topics[i].partition_count;
    }
    size_t bytes = sizeof(struct produce) + entries * sizeof(struct produce_entry) +
                   topics * sizeof(struct produce_topic) + names;
    struct produce *produce = alloc_zeroed(client->gateway->config->alloc, bytes);
    if (produce == NULL)
        return NULL;
    produce->bytes = bytes;
    produce->entries = (struct produce_entry *)(void *)(produce + 1);
    produce->entry_count = produce->unresolved = (int32_t)entries;
    produce->topics = (struct produce_topic *)(void *)(produce->entries + entries);
    produce->topic_count = (int32_t)topics;
    produce->gateway = client->gateway;
    produce->client = client;
    produce->request_id = event->request_id;
    produce->version = event->version;
    produce->acks = request->acks;
    produce->is_transactional = is_transactional(request);
    produce->deadline_us = produce_deadline_us(event);
    return produce;
}

static struct topic *find_topic(const struct gateway *gateway, const struct produce *produce,
                                const struct kafka_produce_topic *asked)
{
    struct topic *topic = produce->version >= FIRST_TOPIC_ID_VERSION
                              ? topics_find_id(&gateway->topics, asked->topic_id)
                              : topics_find(&gateway->topics, asked->name);

    return topic == NULL || topic->state != TOPIC_LIVE ? NULL : topic;
}

static void fill_entries(struct produce *produce, const struct kafka_produce_request *request)
{
    uint8_t *names = (uint8_t *)(produce->topics + produce->topic_count);
    int32_t entry_index = 0;

    for (int32_t t = 0; t < produce->topic_count; t++) {
        const struct kafka_produce_topic *asked = &request->topics[t];
        struct produce_topic *topic = &produce->topics[t];
        struct topic *known = find_topic(produce->gateway, produce, asked);
        if (asked->name.len > 0)
            memcpy(names, asked->name.data, asked->name.len);
        topic->name = slice_make(names, asked->name.len);
        names += asked->name.len;
        memcpy(topic->topic_id, asked->topic_id, sizeof(topic->topic_id));
        topic->first_entry = entry_index;
        topic->entry_count = asked->partition_count > 0 ? asked->partition_count : 0;
        for (int32_t i = 0; i < topic->entry_count; i++) {
            struct produce_entry *entry = &produce->entries[entry_index++];
            int32_t index = asked->partitions[i].index;
            *entry = (struct produce_entry){.produce = produce,
                                            .index = index,
                                            .record_index = -1,
                                            .base_offset = -1,
                                            .log_append_time_ms = -1,
                                            .topic_known = known != NULL};
            list_init(&entry->node);
            if (known != NULL && index >= 0 && index < known->partition_count)
                entry->partition = topic_partition(known, index);
        }
    }
}

static const struct kafka_produce_partition *
entry_request(const struct produce *produce, const struct kafka_produce_request *request,
              int32_t at)
{
    int32_t t = 0;

    while (at >= produce->topics[t].first_entry + produce->topics[t].entry_count)
        t++;
    return &request->topics[t].partitions[at - produce->topics[t].first_entry];
}

/* A code for an entry that needs no look at its records; 0: none. */
static int16_t refuse_early(const struct produce *produce, struct produce_entry *entry)
{
    if (!produce->gateway->ready)
        return KAFKA_NOT_LEADER_OR_FOLLOWER;
    if (produce->is_transactional) {
        entry->message = "transactions are not served";
        return KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    }
    if (entry->partition == NULL)
        return entry->topic_known || produce->version < FIRST_TOPIC_ID_VERSION
                   ? KAFKA_UNKNOWN_TOPIC_OR_PARTITION
                   : KAFKA_UNKNOWN_TOPIC_ID;
    if (produce->acks < -1 || produce->acks > 1)
        return KAFKA_INVALID_REQUIRED_ACKS;
    if (produce->gateway->draining)
        return KAFKA_NOT_LEADER_OR_FOLLOWER;
    return 0;
}

/* Refuses an entry with `code`, or with the one that it gets without a look at its records. What its
 * producer sends behind it is no gap of the producer's own. Before the topics are read there is no
 * partition to note that with: the connection ends, and with it what is behind; the producer comes
 * back with the first one. */
static void refuse_entry(struct produce_entry *entry, int16_t early, int16_t code,
                         struct slice records, struct moment now)
{
    bool is_retriable = early == 0 || early == KAFKA_NOT_LEADER_OR_FOLLOWER;

    if (early != 0)
        code = early;
    if (is_retriable && entry->partition != NULL)
        partition_note_refused(entry->partition, records, code, now);
    if (is_retriable && entry->partition == NULL)
        entry->produce->ends_connection = true;
    produce_resolve(entry, code, -1, now);
}

bool produce_resume(struct produce *produce, const struct kafka_produce_request *request,
                    struct moment now)
{
    int32_t entry_count = produce->entry_count;

    /* The last resolve frees `produce`; it cannot come before the last entry has been looked at. */
    while (produce->next_entry < entry_count) {
        struct produce_entry *entry = &produce->entries[produce->next_entry];
        const struct kafka_produce_partition *asked =
            entry_request(produce, request, produce->next_entry);
        int16_t code = refuse_early(produce, entry);
        bool last = produce->next_entry + 1 == entry_count;
        if (code == 0) {
            produce
                ->next_entry++; /* before: a resolved entry may be the last one that was missing */
            if (partition_append(entry->partition, entry, asked->records, now) == APPEND_NO_ROOM) {
                produce->next_entry--;
                return false;
            }
        } else {
            produce->next_entry++;
            refuse_entry(entry, code, 0, asked->records, now);
        }
        if (last)
            break;
    }
    return true;
}

/* It waits for one partition; the others that it wants are loaded meanwhile. */
static void load_all(const struct produce *produce, struct moment now)
{
    for (int32_t i = produce->next_entry; i < produce->entry_count; i++)
        if (refuse_early(produce, &produce->entries[i]) == 0)
            partition_load(produce->entries[i].partition, now);
}

bool produce_start(struct client *client, const struct kafka_event *event, struct moment now)
{
    const struct kafka_produce_request *request = event->body;
    struct gateway *gateway = client->gateway;
    struct produce *produce = produce_new(client, event);

    if (produce == NULL) {
        client_fail(client, "out of memory", "", now);
        return true;
    }
    client->waiting++;
    list_append(&gateway->produces, &produce->node);
    fill_entries(produce, request);
    if (produce->entry_count == 0) {
        produce->entry_count = 0;
        produce_finish(produce, now);
        return true;
    }
    if (produce_resume(produce, request, now))
        return true;
    load_all(produce, now);
    client_park(client, event, produce);
    return false;
}

void produce_refuse_rest(struct produce *produce, const struct kafka_produce_request *request,
                         int16_t code, struct moment now)
{
    int32_t entry_count = produce->entry_count;

    while (produce->next_entry < entry_count) {
        struct produce_entry *entry = &produce->entries[produce->next_entry];
        const struct kafka_produce_partition *asked =
            entry_request(produce, request, produce->next_entry);
        bool last = ++produce->next_entry == entry_count;
        refuse_entry(entry, refuse_early(produce, entry), code, asked->records, now);
        if (last)
            return;
    }
}

void produce_resolve(struct produce_entry *entry, int16_t error_code, int64_t base_offset,
                     struct moment now)
{
    struct produce *produce = entry->produce;

    assert(!entry->resolved);
    entry->resolved = true;
    entry->error_code = error_code;
    entry->base_offset = error_code == 0 ? base_offset : -1;
    if (--produce->unresolved == 0)
        produce_finish(produce, now);
}

void produce_refuse(struct produce_entry *entry, const struct kafka_refusal *refusal,
                    struct moment now)
{
    entry->record_index = refusal->record_index;
    entry->message = refusal->message;
    produce_resolve(entry, refusal->code, -1, now);
}

void produce_expire(struct produce *produce, struct moment now)
{
    int32_t count = produce->next_entry; /* those behind it are the client's, which is parked */
    bool last = false;

    for (int32_t i = 0; i < count && !last; i++) {
        struct produce_entry *entry = &produce->entries[i];
        if (entry->resolved)
            continue;
        last = produce->unresolved == 1;
        list_remove(&entry->node);
        entry->batch = NULL;
        entry->message = "the database has not answered yet; the batch is still being written";
        produce_resolve(entry, KAFKA_REQUEST_TIMED_OUT, -1, now);
    }
}

void produce_orphan(struct produce *produce)
{
    produce->client = NULL;
}
