/*
 * The gateway: what happens in a loop turn, and the hooks of the layers below.
 *
 *    bytes of clients -> requests -> partitions (ready list) --+
 *    answers of nodes -> durable mutations -> entries resolved  |  gateway_turn:
 *    control plane    -> topics, lease                          |    resume parked clients, flush
 * ready
 *                                                               +->  partitions, announce output
 *
 * A turn does the sending, so that what several clients brought in one turn travels in one mutation
 * and one write per socket.
 */
#include "core/gateway_internal.h"

#include "core/admin/admin.h"
#include "core/engine/mutation.h"
#include "core/engine/recovery.h"
#include "proto/kill_point.h"

#include <assert.h>

enum {
    TURN_ROUNDS = 4,
    POOL_MAX_FREE = 4096,
    ARENA_CHUNK_BYTES = 16 * 1024,
    ARENA_LIMIT_BYTES = 64 * 1024 * 1024,
    IDLE_HOUSEKEEPING_US = 1000 * 1000,
    SMALL_HOLDER_BYTES = 64 * 1024,
};

static void on_ready(void *context, struct moment now)
{
    struct gateway *gateway = context;

    (void)now;
    gateway->ready = true;
    action_simple(gateway->actions, ACTION_READY);
}

static void on_fatal(void *context, int exit_code, const char *text)
{
    struct gateway *gateway = context;

    action_fatal(gateway->actions, exit_code, text);
}

static int on_topic(void *context, const struct topic_row *row, struct moment now)
{
    struct gateway *gateway = context;
    struct topic *topic = topics_find_id(&gateway->topics, row->topic_id);

    gateway->topics_changed = true;
    if (topic != NULL && row->state == TOPIC_DELETING && topic->state != TOPIC_DELETING) {
        topic_stop(topic, now);
        return STATUS_OK;
    }
    int rc = topics_put(&gateway->topics, gateway, row);
    if (rc == STATUS_LIMIT)
        action_log(gateway->actions, LOG_ERROR, "too many partitions to serve",
                   "topic=%s partitions=%d reason=\"all topics together would have more than twice "
                   "topics.max_partitions_total\" max_partitions_total=%u",
                   row->name, row->partitions, gateway->config->max_partitions_total);
    else if (rc < 0)
        action_log(gateway->actions, LOG_ERROR, "out of memory", "topic=%s", row->name);
    return rc;
}

static void on_topic_gone(void *context, const uint8_t topic_id[16], struct moment now)
{
    struct gateway *gateway = context;
    struct topic *topic = topics_find_id(&gateway->topics, topic_id);

    if (topic != NULL && topic->state != TOPIC_DELETING)
        topic_stop(topic, now);
    gateway->topics_changed = true;
}

static void unblock_all(struct gateway *gateway)
{
    while (!list_empty(&gateway->blocked_partitions)) {
        struct list *node = gateway->blocked_partitions.next;
        list_remove(node);
        list_append(&gateway->ready_partitions, node);
    }
}

static void on_room(void *context, struct moment now)
{
    (void)now;
    unblock_all(context);
}

static void on_lease(void *context, bool held, struct moment now)
{
    struct gateway *gateway = context;

    if (!held)
        return; /* nothing is acknowledged without it (partition_acknowledge); nothing else changes
                 */
    unblock_all(gateway);
    LIST_EACH (it, &gateway->topics.all) {
        struct topic *topic = LIST_ENTRY(it, struct topic, node);
        for (int32_t i = 0; i < topic->partition_count; i++)
            partition_acknowledge(topic_partition(topic, i), now);
    }
}

static void on_schema_change(void *context, const struct cql_push *push, struct moment now)
{
    struct gateway *gateway = context;

    control_schema_changed(gateway->control, push, now);
}

static bool make_parts(struct gateway *gateway, struct moment now)
{
    const struct gateway_config *config = gateway->config;
    const struct control_hooks hooks = {gateway,  on_ready,      on_fatal,
                                        on_topic, on_topic_gone, on_lease, NULL};

    gateway->actions = action_queue_new(config->alloc);
    if (gateway->actions == NULL)
        return false;
    gateway->cluster = cluster_new(config, gateway->actions, now);
    if (gateway->cluster == NULL)
        return false;
    gateway->control = control_new(config, gateway->cluster, gateway->actions, &hooks);
    gateway->decompressor = kafka_decompressor_new(config->alloc);
    return gateway->control != NULL && gateway->decompressor != NULL;
}

struct gateway *gateway_new(const struct gateway_config *config, struct moment now)
{
    struct gateway *gateway = alloc_zeroed(config->alloc, sizeof(*gateway));

    if (gateway == NULL)
        return NULL;
    gateway->config = config;
    list_init(&gateway->clients);
    list_init(&gateway->dirty_clients);
    list_init(&gateway->parked);
    list_init(&gateway->produces);
    list_init(&gateway->waits);
    list_init(&gateway->admin_calls);
    list_init(&gateway->creations);
    list_init(&gateway->ready_partitions);
    list_init(&gateway->blocked_partitions);
    list_init(&gateway->load_queue);
    list_init(&gateway->loads);
    topics_init(&gateway->topics, config->random_seed);
    pool_init(&gateway->batches, config->alloc, sizeof(struct batch), POOL_MAX_FREE);
    pool_init(&gateway->mutations, config->alloc, sizeof(struct mutation), POOL_MAX_FREE);
    arena_init(&gateway->arena, config->alloc, ARENA_CHUNK_BYTES, ARENA_LIMIT_BYTES);
    buf_init(&gateway->scratch, config->alloc, config->max_decompressed_bytes + 64);
    if (!make_parts(gateway, now)) {
        gateway_free(gateway);
        return NULL;
    }
    cluster_on_room(gateway->cluster, on_room, gateway);
    cluster_on_schema_change(gateway->cluster, on_schema_change, gateway);
    return gateway;
}

static void free_produces(struct gateway *gateway)
{
    LIST_EACH_SAFE (it, after, &gateway->produces) {
        struct produce *produce = LIST_ENTRY(it, struct produce, node);
        list_remove(it);
        alloc_free(gateway->config->alloc, produce, produce->bytes);
    }
}

void gateway_free(struct gateway *gateway)
{
    const struct alloc *alloc = gateway->config->alloc;

    LIST_EACH_SAFE (it, after, &gateway->clients) {
        struct client *client = LIST_ENTRY(it, struct client, node);
        client->parked_produce = NULL; /* nobody is answered any more */
        client_closed(client, (struct moment){0, 0});
    }
    metadata_waits_free(gateway);
    admin_free(gateway);
    topics_deinit(&gateway->topics);
    free_produces(gateway);
    if (gateway->control != NULL)
        control_free(gateway->control);
    if (gateway->cluster != NULL)
        cluster_free(gateway->cluster);
    if (gateway->decompressor != NULL)
        kafka_decompressor_free(gateway->decompressor);
    while (gateway->body_count > 0)
        cql_body_unref(gateway->bodies[--gateway->body_count]);
    pool_deinit(&gateway->batches);
    pool_deinit(&gateway->mutations);
    arena_deinit(&gateway->arena);
    buf_deinit(&gateway->scratch);
    if (gateway->actions != NULL)
        action_queue_free(gateway->actions);
    alloc_free(alloc, gateway, sizeof(*gateway));
}

void gateway_start(struct gateway *gateway, struct moment now)
{
    cluster_start(gateway->cluster, now);
    control_start(gateway->control, now);
    gateway->next_housekeeping_us = now.boot_us + HOUSEKEEPING_US;
}

struct action_queue *gateway_actions(struct gateway *gateway)
{
    return gateway->actions;
}

int64_t gateway_timestamp(struct gateway *gateway, struct moment now)
{
    int64_t timestamp_us =
        now.wall_us > gateway->last_timestamp_us ? now.wall_us : gateway->last_timestamp_us + 1;

    if (timestamp_us >= control_ceiling_us(gateway->control))
        return 0;
    gateway->last_timestamp_us = timestamp_us;
    return timestamp_us;
}

void gateway_partition_ready(struct partition *partition)
{
    if (list_empty(&partition->ready_node))
        list_append(&partition->gateway->ready_partitions, &partition->ready_node);
}

bool gateway_over_budget(const struct gateway *gateway)
{
    return gateway->mutation_bytes >= gateway->config->memory_bytes;
}

bool gateway_leads(const struct partition *partition, struct moment now)
{
    const struct control *control = partition->gateway->control;
    const uint8_t *topic_id = partition->topic->topic_id;

    return control_leads(control, topic_id, partition->index, now) &&
           (partition->state == PARTITION_UNLOADED ||
            partition->leader_epoch == control_leader_epoch(control, topic_id, partition->index));
}

bool gateway_leads_soon(const struct partition *partition, struct moment now)
{
    const struct gateway *gateway = partition->gateway;

    return !gateway->draining &&
           control_leads_soon(gateway->control, partition->topic->topic_id, partition->index, now);
}

struct cql_body *gateway_body_get(struct gateway *gateway)
{
    if (gateway->body_count > 0)
        return gateway->bodies[--gateway->body_count];
    return cql_body_new(gateway->config->alloc,
                        control_max_mutation_bytes(gateway->control) + ARENA_CHUNK_BYTES);
}

void gateway_body_put(struct gateway *gateway, struct cql_body *body)
{
    /* A link may still hold it (an orphan, a write under way): then it is not ours to reuse. */
    if (body->references == 1 && gateway->body_count < BODY_POOL_MAX &&
        body->buf.capacity <= BODY_POOL_MAX_BYTES) {
        buf_reset(&body->buf);
        gateway->bodies[gateway->body_count++] = body;
        return;
    }
    cql_body_unref(body);
}

static void flush_ready(struct gateway *gateway, struct moment now)
{
    struct list round;

    list_init(&round); /* one look at each: what becomes ready meanwhile has the next round */
    while (!list_empty(&gateway->ready_partitions)) {
        struct list *node = gateway->ready_partitions.next;
        list_remove(node);
        list_append(&round, node);
    }
    while (!list_empty(&round)) {
        struct partition *partition = LIST_ENTRY(round.next, struct partition, ready_node);
        list_remove(&partition->ready_node);
        if (!partition_flush(partition, now) && list_empty(&partition->ready_node))
            list_append(&gateway->blocked_partitions, &partition->ready_node);
    }
}

static bool may_resume(const struct client *client, struct moment now)
{
    const struct gateway *gateway = client->gateway;
    const struct produce *produce = client->parked_produce;

    if (gateway->draining || produce == NULL)
        return gateway->ready || gateway->draining;
    struct partition *partition = produce->entries[produce->next_entry].partition;
    return partition == NULL || partition_has_room(partition, now);
}

static void resume_parked(struct gateway *gateway, struct moment now)
{
    struct list round;

    list_init(
        &round); /* one look at each: who is parked again, behind the others, has the next turn */
    while (!list_empty(&gateway->parked)) {
        struct list *node = gateway->parked.next;
        list_remove(node);
        list_append(&round, node);
    }
    while (!list_empty(&round)) {
        struct client *client = LIST_ENTRY(round.next, struct client, parked_node);
        list_remove(&client->parked_node);
        list_append(&gateway->parked, &client->parked_node);
        if (may_resume(client, now))
            client_unpark(client, now);
    }
}

static void account(struct client *client)
{
    size_t held = kafka_connection_held_bytes(client->connection);

    client->gateway->client_bytes = client->gateway->client_bytes - client->held_bytes + held;
    client->held_bytes = held;
}

/*
 * Past the memory budget only small holders are read on, and of the large ones the one whose
 * request began first: so one request always gets through, and the others wait in their sockets.
 */
static bool has_memory(const struct client *client)
{
    const struct gateway *gateway = client->gateway;

    if (gateway->mutation_bytes + gateway->client_bytes < gateway->config->memory_bytes ||
        client->held_bytes <= SMALL_HOLDER_BYTES)
        return true;
    LIST_EACH (it, &gateway->clients) {
        const struct client *other = LIST_ENTRY(it, struct client, node);
        int64_t since_us = kafka_connection_frame_since_us(other->connection);
        if (other->held_bytes > SMALL_HOLDER_BYTES && !other->parked && since_us != 0 &&
            since_us < kafka_connection_frame_since_us(client->connection))
            return false;
    }
    return true;
}

/* What the driver must know of a client after this turn. */
static void announce(struct client *client, struct moment now)
{
    struct action_queue *actions = client->gateway->actions;
    account(client);
    bool wants = !client->parked && !client->closing && !client->half_closed &&
                 has_memory(client) &&
                 kafka_connection_pending(client->connection) <
                     client->gateway->config->max_pending_requests;

    if (client->half_closed && !client->parked && client->waiting == 0 &&
        client_output(client).len == 0)
        client->closing = true;
    if (client_output(client).len > 0)
        action_client(actions, ACTION_CLIENT_WRITE, client, true);
    if (wants != client->reading) {
        client->reading = wants;
        client->reading_since_us = now.boot_us;
        action_client(actions, ACTION_CLIENT_READ, client, wants);
    }
    if (client->closing && client->waiting == 0 &&
        !client->close_asked) { /* what was asked is answered */
        client->close_asked = true;
        action_client(actions, ACTION_CLIENT_CLOSE, client, true);
    }
}

static void announce_dirty(struct gateway *gateway, struct moment now)
{
    while (!list_empty(&gateway->dirty_clients)) {
        struct client *client = LIST_ENTRY(gateway->dirty_clients.next, struct client, dirty_node);
        list_remove(&client->dirty_node);
        client_pump(client, now); /* answers may have made room in its pipeline */
        list_remove(&client->dirty_node);
        announce(client, now);
    }
}

static bool all_idle(const struct gateway *gateway)
{
    if (!list_empty(&gateway->produces) || !list_empty(&gateway->waits) ||
        !list_empty(&gateway->admin_calls))
        return false;
    LIST_EACH (it, &gateway->topics.all) {
        const struct topic *topic = LIST_ENTRY(it, struct topic, node);
        for (int32_t i = 0; i < topic->partition_count; i++)
            if (!partition_is_idle(topic_partition(topic, i)))
                return false;
    }
    return true;
}

static void on_released(void *context, struct moment now)
{
    struct gateway *gateway = context;

    (void)now;
    gateway->drained = true;
    LIST_EACH (it, &gateway->clients) {
        struct client *client = LIST_ENTRY(it, struct client, node);
        client->closing = true;
        client_mark_dirty(client);
    }
}

static void drain_step(struct gateway *gateway, struct moment now)
{
    if (gateway->drained) {
        if (gateway->client_count == 0 || now.boot_us >= gateway->drain_deadline_us) {
            gateway->draining = false; /* once */
            action_simple(gateway->actions, ACTION_DRAINED);
        }
        return;
    }
    if (gateway->releasing || (!all_idle(gateway) && now.boot_us < gateway->drain_deadline_us))
        return;
    gateway->releasing = true;
    KILL_POINT("gateway.idle");
    control_release(gateway->control, gateway->drain_deadline_us, on_released, gateway, now);
}

void gateway_turn(struct gateway *gateway, struct moment now)
{
    partitions_load_next(gateway, now);
    for (int round = 0; round < TURN_ROUNDS; round++) {
        flush_ready(gateway, now);
        resume_parked(gateway, now);
        if (list_empty(&gateway->ready_partitions))
            break;
    }
    if (gateway->topics_changed) {
        gateway->topics_changed = false;
        metadata_waits_tick(gateway, now);
    }
    announce_dirty(gateway, now);
    flush_ready(gateway, now);
    topics_sweep(&gateway->topics);
    if (gateway->draining)
        drain_step(gateway, now);
}

static bool is_busy(const struct gateway *gateway)
{
    return gateway->draining || !list_empty(&gateway->produces) || !list_empty(&gateway->parked) ||
           !list_empty(&gateway->waits) || !list_empty(&gateway->admin_calls) ||
           !list_empty(&gateway->blocked_partitions) ||
           !list_empty(&gateway->ready_partitions);
}

int64_t gateway_deadline_us(const struct gateway *gateway)
{
    int64_t deadline = cluster_deadline_us(gateway->cluster);
    int64_t control = control_deadline_us(gateway->control);

    if (control < deadline)
        deadline = control;
    if ((is_busy(gateway) || gateway->client_count > 0) && gateway->next_housekeeping_us < deadline)
        deadline = gateway->next_housekeeping_us;
    return deadline;
}

static void housekeeping(struct gateway *gateway, struct moment now)
{
    LIST_EACH_SAFE (it, after, &gateway->clients) {
        struct client *client = LIST_ENTRY(it, struct client, node);
        client_check_limits(client, now);
        if (!client->reading)
            client_mark_dirty(client); /* the memory that it waited for may be free */
    }
    LIST_EACH_SAFE (it, after, &gateway->produces) {
        struct produce *produce = LIST_ENTRY(it, struct produce, node);
        if (now.boot_us >= produce->deadline_us)
            produce_expire(produce, now);
    }
    metadata_waits_tick(gateway, now);
    admin_tick(gateway, now);
    unblock_all(gateway);
}

void gateway_tick(struct gateway *gateway, struct moment now)
{
    cluster_tick(gateway->cluster, now);
    control_tick(gateway->control, now);
    if (now.boot_us >= gateway->next_housekeeping_us) {
        gateway->next_housekeeping_us =
            now.boot_us + (is_busy(gateway) ? HOUSEKEEPING_US : IDLE_HOUSEKEEPING_US);
        housekeeping(gateway, now);
    }
}

void gateway_drain(struct gateway *gateway, struct moment now)
{
    if (gateway->draining || gateway->drained)
        return;
    gateway->draining = true;
    KILL_POINT("gateway.draining");
    gateway->drain_deadline_us = now.boot_us + gateway->config->drain_timeout_us;
    gateway->next_housekeeping_us = now.boot_us;
    action_log(gateway->actions, LOG_INFO, "draining", "clients=%zu", gateway->client_count);
}

void gateway_get_counts(const struct gateway *gateway, struct gateway_counts *counts)
{
    struct cluster_facts facts;
    cluster_get_facts(gateway->cluster, &facts);
    *counts = gateway->counts;
    counts->copies = facts.copies;
    counts->copies_won = facts.copies_won;
    counts->clients = gateway->client_count;
    counts->topics = gateway->topics.count;
    counts->held_bytes = gateway->mutation_bytes + gateway->client_bytes;
}
