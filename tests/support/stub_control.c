#include "tests/support/stub_control.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct control {
    const struct alloc *alloc;
    struct control_hooks hooks;
    void (*released)(void *context, struct moment now);
    void *released_context;
};

struct stub_control stub;

void stub_reset(void)
{
    stub = (struct stub_control){.leads = true,
                                 .ceiling_us = NEVER_US,
                                 .epoch = 3,
                                 .topics_confirmed_us = NEVER_US,
                                 .max_mutation_bytes = (size_t)16 * 1024 * 1024,
                                 .next_producer_id = 4000};
}

static struct stub_topic *find(const char *name)
{
    for (size_t i = 0; i < stub.topic_count; i++)
        if (strcmp(stub.topics[i].name, name) == 0)
            return &stub.topics[i];
    return NULL;
}

const uint8_t *stub_topic_id(const char *name)
{
    struct stub_topic *topic = find(name);
    if (topic == NULL)
        abort();
    return topic->id;
}

static void tell(const struct stub_topic *topic, struct moment now)
{
    struct topic_row row = {.name = topic->name,
                            .table_name = topic->name,
                            .partitions = topic->partitions,
                            .configuration =
                                slice_make(topic->configuration, topic->configuration_len),
                            .version = topic->version,
                            .state = TOPIC_LIVE};
    memcpy(row.topic_id, topic->id, sizeof(row.topic_id));
    (void)stub.control->hooks.topic(stub.control->hooks.context, &row, now);
}

void stub_add_topic(const char *name, int32_t partitions, struct moment now)
{
    if (stub.topic_count == STUB_TOPICS_MAX)
        abort();
    struct stub_topic *topic = &stub.topics[stub.topic_count++];
    *topic = (struct stub_topic){.partitions = partitions};
    snprintf(topic->name, sizeof(topic->name), "%s", name);
    topic->id[0] = 0x40;
    topic->id[14] = (uint8_t)(stub.topic_count >> 8);
    topic->id[15] = (uint8_t)stub.topic_count;
    if (stub.make_table != NULL)
        stub.make_table(stub.context, name);
    if (stub.control != NULL)
        tell(topic, now);
}

void stub_topic_gone(const char *name, struct moment now)
{
    stub.control->hooks.topic_gone(stub.control->hooks.context, stub_topic_id(name), now);
}

void stub_ready(struct moment now)
{
    stub.not_ready = false;
    stub.control->hooks.ready(stub.control->hooks.context, now);
}

void stub_set_lease(bool held, struct moment now)
{
    stub.leads = held;
    stub.control->hooks.lease(stub.control->hooks.context, held, now);
}

static void finish(const struct stub_creation *creation, struct moment now)
{
    struct stub_topic *topic = find(creation->name);
    if (topic != NULL) {
        tell(topic, now);
    } else if (stub.create_code == 0) {
        stub_add_topic(creation->name, creation->partitions, now);
        topic = find(creation->name);
        memcpy(topic->configuration, creation->configuration, creation->configuration_len);
        topic->configuration_len = creation->configuration_len;
        tell(topic, now);
    }
    creation->done(creation->context, stub.create_code, "as the test wants", now);
}

void stub_finish_creations(struct moment now)
{
    size_t count = stub.creation_count;
    stub.creation_count = 0;
    for (size_t i = 0; i < count; i++)
        finish(&stub.creations[i], now);
}

void stub_finish_release(struct moment now)
{
    stub.control->released(stub.control->released_context, now);
}

/* --- control.h --- */

struct control *control_new(const struct gateway_config *config, struct cluster *cluster,
                            struct action_queue *actions, const struct control_hooks *hooks)
{
    struct control *control = alloc_zeroed(config->alloc, sizeof(*control));
    (void)cluster;
    (void)actions;
    if (control == NULL)
        return NULL;
    *control = (struct control){.alloc = config->alloc, .hooks = *hooks};
    stub.control = control;
    stub.released = false;
    stub.creation_count = 0;
    return control;
}

void control_free(struct control *control)
{
    stub.control = NULL;
    alloc_free(control->alloc, control, sizeof(*control));
}

void control_start(struct control *control, struct moment now)
{
    for (size_t i = 0; i < stub.topic_count; i++)
        tell(&stub.topics[i], now);
    if (!stub.not_ready)
        control->hooks.ready(control->hooks.context, now);
}

int64_t control_deadline_us(const struct control *control)
{
    (void)control;
    return NEVER_US;
}

void control_tick(struct control *control, struct moment now)
{
    (void)control;
    (void)now;
}

void control_release(struct control *control, int64_t deadline_us,
                     void (*done)(void *context, struct moment now), void *context,
                     struct moment now)
{
    (void)deadline_us;
    control->released = done;
    control->released_context = context;
    stub.released = true;
    if (!stub.release_waits)
        done(context, now);
}

const char *control_cluster_id(const struct control *control)
{
    (void)control;
    return "stub-cluster-id-000000";
}

size_t control_max_mutation_bytes(const struct control *control)
{
    (void)control;
    return stub.max_mutation_bytes;
}

bool control_leads(const struct control *control, const uint8_t topic_id[16], int32_t partition,
                   struct moment now)
{
    (void)control;
    (void)topic_id;
    (void)partition;
    (void)now;
    return stub.leads;
}

bool control_leads_soon(const struct control *control, const uint8_t topic_id[16],
                        int32_t partition, struct moment now)
{
    (void)control;
    (void)topic_id;
    (void)partition;
    (void)now;
    return !stub.leads && stub.leads_soon;
}

void control_schema_changed(struct control *control, const struct cql_push *push, struct moment now)
{
    (void)control;
    (void)push;
    (void)now;
}

int64_t control_ceiling_us(const struct control *control)
{
    (void)control;
    return stub.ceiling_us;
}

int64_t control_sealed_below_us(const struct control *control, const uint8_t topic_id[16],
                                int32_t partition)
{
    (void)control;
    (void)topic_id;
    (void)partition;
    return stub.sealed_below_us;
}

int32_t control_leader_epoch(const struct control *control, const uint8_t topic_id[16],
                             int32_t partition)
{
    (void)control;
    (void)topic_id;
    (void)partition;
    return stub.epoch;
}

void control_topic_create(struct control *control, struct slice name, int32_t partitions,
                          struct slice configuration, control_done done, void *context,
                          struct moment now)
{
    struct stub_creation creation = {.done = done, .context = context, .partitions = partitions};
    assert(configuration.len <= sizeof(creation.configuration));
    if (configuration.len > 0)
        memcpy(creation.configuration, configuration.data, configuration.len);
    creation.configuration_len = configuration.len;
    (void)control;
    stub.created++;
    snprintf(creation.name, sizeof(creation.name), "%.*s", (int)name.len, (const char *)name.data);
    if (!stub.creations_wait) {
        finish(&creation, now);
        return;
    }
    if (stub.creation_count == sizeof(stub.creations) / sizeof(stub.creations[0]))
        abort();
    stub.creations[stub.creation_count++] = creation;
}

/* True: go on with it. */
static bool take_change(struct slice name, control_done done, void *context,
                        struct stub_topic **topic, struct moment now)
{
    char text[256];

    snprintf(text, sizeof(text), "%.*s", (int)name.len, (const char *)name.data);
    *topic = find(text);
    stub.changed++;
    if (stub.changes_wait)
        return false;
    if (*topic == NULL || stub.change_code != 0)
        done(context, *topic == NULL ? 3 : stub.change_code, "as the test wants", now);
    return *topic != NULL && stub.change_code == 0;
}

void control_topic_delete(struct control *control, struct slice name, const uint8_t topic_id[16],
                          control_done done, void *context, struct moment now)
{
    struct stub_topic *topic;
    uint8_t id[16];

    memcpy(id, topic_id, 16);
    if (!take_change(name, done, context, &topic, now))
        return;
    *topic = stub.topics[--stub.topic_count];
    control->hooks.topic_gone(control->hooks.context, id, now);
    done(context, 0, "", now);
}

void control_topic_configure(struct control *control, struct slice name,
                             const uint8_t topic_id[16], const struct topic_change *changes,
                             size_t count, bool replace, control_done done, void *context,
                             struct moment now)
{
    struct stub_topic *topic;
    struct buf wanted, marked;

    (void)topic_id;
    if (!take_change(name, done, context, &topic, now))
        return;
    buf_init(&wanted, control->alloc, TOPIC_CONFIGURATION_BYTES);
    buf_init(&marked, control->alloc, TOPIC_CONFIGURATION_BYTES);
    int rc = topic_configuration_change(
        slice_make(topic->configuration, topic->configuration_len), changes, count, replace,
        &wanted);
    if (rc == STATUS_OK)
        rc = topic_configuration_mark(buf_unread(&wanted), true, &marked);
    assert(rc == STATUS_OK);
    (void)rc;
    topic->configuration_len = buf_len(&marked);
    memcpy(topic->configuration, buf_unread(&marked).data, topic->configuration_len);
    buf_deinit(&wanted);
    buf_deinit(&marked);
    topic->version++;
    tell(topic, now);
    done(context, 0, "", now);
}

void control_topic_grow(struct control *control, struct slice name, const uint8_t topic_id[16],
                        int32_t partitions, control_done done, void *context, struct moment now)
{
    struct stub_topic *topic;

    (void)control;
    (void)topic_id;
    if (!take_change(name, done, context, &topic, now))
        return;
    topic->partitions = partitions;
    tell(topic, now);
    done(context, 0, "", now);
}

int64_t control_topics_confirmed_us(const struct control *control)
{
    (void)control;
    return stub.topics_confirmed_us;
}

unsigned control_ack_copies(const struct control *control)
{
    (void)control;
    return 2;
}

unsigned control_copies(const struct control *control)
{
    (void)control;
    return 3;
}

bool control_producer_id(struct control *control, int64_t *producer_id, struct moment now)
{
    (void)control;
    (void)now;
    if (stub.no_producer_ids)
        return false;
    *producer_id = stub.next_producer_id++;
    return true;
}
