/* Lives of nodes, the messages between them, and events in time. */
#include "tests/sim/database_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/endian.h"

#define LINK_MIN_US 100
#define LINK_MAX_US 2000

static const char *const fault_names[] = {
#define FAULT_NAME(name, text) #name,
    DATABASE_FAULT_MAP(FAULT_NAME)
#undef FAULT_NAME
};

const char *database_fault_name(enum database_fault fault)
{
    return fault < DATABASE_FAULT_COUNT ? fault_names[fault] : "?";
}

_Noreturn void db_die(const char *what, const char *text)
{
    (void)fprintf(stderr, "the model of Cassandra: %s: %s\n", what, text);
    abort();
}

void *db_take(struct arena *arena, size_t bytes)
{
    void *block = arena_take(arena, bytes);
    if (block == NULL)
        db_die("out of memory", "");
    memset(block, 0, bytes);
    return block;
}

int64_t db_now_us(const struct database *db)
{
    return db->hooks.now_us(db->hooks.context);
}

int64_t db_clock_us(const struct database *db, unsigned node)
{
    return db_now_us(db) + db->nodes[node].clock_us;
}

uint64_t db_draw(const struct database *db, struct db_key key, unsigned sub, unsigned purpose)
{
    return db->hooks.draw(db->hooks.context, key.entity, key.counter << 8 | (sub & 255), purpose);
}

int64_t db_draw_between(const struct database *db, struct db_key key, unsigned sub,
                        unsigned purpose, int64_t low, int64_t high)
{
    return low + (int64_t)(db_draw(db, key, sub, purpose) % (uint64_t)(high - low + 1));
}

bool db_fires(struct database *db, enum database_fault fault, struct db_key key, unsigned sub)
{
    uint32_t ppm = db->config.fault_ppm[fault];
    bool drawn = ppm > 0 && db_draw(db, key, sub, PURPOSE_FAULT + fault) % 1000000 < ppm;
    if (db->hooks.fault != NULL)
        drawn = db->hooks.fault(db->hooks.context, fault, key.entity,
                                key.counter << 8 | (sub & 255), drawn);
    if (drawn) {
        db->counts.fired[fault]++;
        db_trace(db, "fault %s entity=%llu counter=%llu sub=%u", database_fault_name(fault),
                 (unsigned long long)key.entity, (unsigned long long)key.counter, sub);
    }
    return drawn;
}

void db_trace(const struct database *db, const char *format, ...)
{
    char line[512];
    va_list arguments;
    if (db->hooks.trace == NULL)
        return;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    db->hooks.trace(db->hooks.context, line);
}

/* --- events --- */

static void event_free(struct db_event *event)
{
    struct database *db = event->db;
    list_remove(&event->node);
    if (event->operation != NULL)
        db_operation_unref(event->operation);
    if (event->session != NULL)
        db_session_unref(event->session);
    event->data = db->spare_events;
    db->spare_events = event;
}

static void event_run(struct db_event *event)
{
    event->run(event);
    event_free(event);
}

static void event_fires(void *argument)
{
    struct db_event *event = argument;
    struct db_node *node = &event->db->nodes[event->at];

    if (event->life == 0) {
        event_run(event);
    } else if (event->life != node->life || node->state == NODE_DEAD || node->state == NODE_BOOTS) {
        event_free(event);
    } else if (node->state == NODE_PAUSED) {
        list_remove(&event->node);
        list_append(&node->stopped, &event->node);
    } else {
        event_run(event);
    }
}

static struct db_event *event_new(struct database *db, int64_t delay_us, db_run run)
{
    struct db_event *event = db->spare_events;
    if (event != NULL)
        db->spare_events = event->data;
    else
        event = malloc(sizeof(*event));
    if (event == NULL)
        abort();
    *event = (struct db_event){.db = db, .run = run, .expires_us = INT64_MAX};
    list_append(&db->events, &event->node);
    db->hooks.later(db->hooks.context, delay_us, event_fires, event);
    return event;
}

struct db_event *db_at_node(struct database *db, unsigned node, int64_t delay_us, db_run run,
                            struct db_operation *operation)
{
    struct db_event *event = event_new(db, delay_us, run);
    event->at = node;
    event->life = db->nodes[node].life;
    event->operation = operation;
    if (operation != NULL)
        operation->references++;
    return event;
}

struct db_event *db_later(struct database *db, int64_t delay_us, db_run run)
{
    return event_new(db, delay_us, run);
}

struct db_event *db_send(struct db_operation *operation, unsigned from, unsigned to, db_run run,
                         int64_t expires_us)
{
    struct database *db = operation->db;
    unsigned sub = operation->message_count++;
    int64_t delay_us = 20; /* to itself */

    if (from != to) {
        if (db->cut[from][to] || db_fires(db, DATABASE_MESSAGE_LOST, operation->key, sub))
            return NULL;
        delay_us = db_draw_between(db, operation->key, sub, PURPOSE_LINK, db->config.link_min_us,
                                   db->config.link_max_us);
        if (db_fires(db, DATABASE_MESSAGE_SLOW, operation->key, sub))
            delay_us =
                db_draw_between(db, operation->key, sub, PURPOSE_LINK, 10 * MS_US, 5 * SECOND_US);
    }
    struct db_event *event = db_at_node(db, to, delay_us, run, operation);
    event->step = sub;
    event->expires_us = db_now_us(db) + expires_us;
    if (from != to && db_fires(db, DATABASE_MESSAGE_EXECUTED_LATE, operation->key, sub))
        event->expires_us = INT64_MAX;
    return event;
}

/* --- operations --- */

void db_operation_init(struct db_operation *operation, struct database *db, unsigned coordinator,
                       struct db_key key, struct db_request *request,
                       void (*free_it)(struct db_operation *))
{
    *operation = (struct db_operation){.references = 1,
                                       .db = db,
                                       .coordinator = coordinator,
                                       .life = db->nodes[coordinator].life,
                                       .key = key,
                                       .request = request,
                                       .free = free_it};
    if (request != NULL)
        request->base.references++;
}

void db_operation_unref(struct db_operation *operation)
{
    if (--operation->references > 0)
        return;
    if (operation->request != NULL)
        db_operation_unref(&operation->request->base);
    operation->free(operation);
}

/* --- who is where --- */

bool db_is_up(const struct database *db, unsigned node)
{
    return db->nodes[node].state == NODE_RUNS;
}

/* Others find out after some seconds; a cut is noticed after ten. */
bool db_sees_alive(const struct database *db, unsigned node, unsigned other)
{
    int64_t now_us = db_now_us(db);
    if (node == other)
        return true;
    return db->nodes[other].convicted_us > now_us &&
           (!db->cut[other][node] || now_us - db->cut_since_us[other][node] < 10 * SECOND_US);
}

unsigned db_replicas(const struct database *db, const char *keyspace, int64_t token,
                     unsigned replicas[DATABASE_REPLICAS_MAX])
{
    const struct db_keyspace *found = db_schema_keyspace_find(db, keyspace);
    uint64_t range = UINT64_MAX / db->node_count + 1;
    unsigned first = (unsigned)(((uint64_t)token ^ UINT64_C(1) << 63) / (range == 0 ? 1 : range));
    unsigned copies = found == NULL ? 1 : found->copies;
    if (db->node_count == 1)
        first = 0;
    if (copies > db->node_count)
        copies = db->node_count;
    for (unsigned i = 0; i < copies; i++)
        replicas[i] = (first + i) % db->node_count;
    return copies;
}

unsigned db_needed(uint16_t consistency, unsigned copies)
{
    switch (consistency) {
    case CQL_CONSISTENCY_ANY:
    case CQL_CONSISTENCY_ONE:
    case CQL_CONSISTENCY_LOCAL_ONE:
        return 1;
    case CQL_CONSISTENCY_TWO:
        return 2;
    case CQL_CONSISTENCY_THREE:
        return 3;
    case CQL_CONSISTENCY_ALL:
        return copies;
    default:
        return copies / 2 + 1;
    }
}

/* --- replicas --- */

void db_synced(struct database *db, unsigned node)
{
    int64_t now_us = db_now_us(db), every_us = db->config.sync_us;
    int64_t phase_us = every_us / (int64_t)(node + 2);
    int64_t marker_us = (now_us - phase_us) / every_us * every_us + phase_us;
    if (marker_us == db->nodes[node].synced_us)
        return;
    db->nodes[node].synced_us = marker_us;
    store_synced(&db->nodes[node].store, marker_us);
}

bool db_knows_tables(const struct database *db, unsigned node, const struct mutation *mutation)
{
    for (unsigned i = 0; i < mutation->change_count; i++)
        if (!store_is_seen(mutation->changes[i].table, db->nodes[node].schema))
            return false;
    return true;
}

void db_apply(struct database *db, unsigned node, const struct mutation *mutation)
{
    if (db->config.commitlog_periodic)
        db_synced(db, node);
    store_apply(&db->nodes[node].store, mutation, db_now_us(db));
}

/* --- the caller's hand --- */

static struct db_key node_key(struct database *db, unsigned node)
{
    return (struct db_key){node * 16 + WORK_NODE, ++db->nodes[node].counters[WORK_NODE]};
}

static void convict(struct database *db, unsigned node)
{
    db->nodes[node].convicted_us =
        db_now_us(db) +
        db_draw_between(db, node_key(db, node), 0, PURPOSE_DOWN, 5 * SECOND_US, 20 * SECOND_US);
}

/* Gossip tells the others within a second or two. */
static void acquit(struct database *db, unsigned node)
{
    db->nodes[node].convicted_us = INT64_MAX;
    db_hints_wake(db, node);
}

void database_kill(struct database *db, unsigned index)
{
    struct db_node *node = &db->nodes[index];
    if (node->state == NODE_DEAD)
        return;
    db_trace(db, "node %u killed", index);
    if (node->state != NODE_PAUSED && node->convicted_us == INT64_MAX)
        convict(db, index);
    node->state = NODE_DEAD;
    node->life++;
    if (db->config.commitlog_periodic) {
        db_synced(db, index);
        db->counts.lost_writes += store_lose_tail(&node->store);
    }
    while (!list_empty(&node->stopped))
        event_free(LIST_ENTRY(node->stopped.next, struct db_event, node));
    while (!list_empty(&node->sessions))
        db_session_hang_up(LIST_ENTRY(node->sessions.next, struct database_session, node));
}

static void booted(struct db_event *event)
{
    struct database *db = event->db;
    struct db_node *node = &db->nodes[event->at];
    if (node->state != NODE_BOOTS || node->life != event->step)
        return;
    node->state = NODE_RUNS;
    db_trace(db, "node %u answers", event->at);
    acquit(db, event->at);
    db_schema_catch_up(
        db, event->at,
        db_draw_between(db, node_key(db, event->at), 0, PURPOSE_SCHEMA, 0, 20 * SECOND_US));
}

void database_start(struct database *db, unsigned index, int64_t boot_us)
{
    struct db_node *node = &db->nodes[index];
    if (node->state != NODE_DEAD)
        return;
    node->state = NODE_BOOTS;
    node->life++;
    struct db_event *event = db_later(db, boot_us, booted);
    event->at = index;
    event->step = (unsigned)node->life;
}

void database_pause(struct database *db, unsigned index)
{
    struct db_node *node = &db->nodes[index];
    if (node->state != NODE_RUNS)
        return;
    db_trace(db, "node %u paused", index);
    node->state = NODE_PAUSED;
    convict(db, index);
}

void database_resume(struct database *db, unsigned index)
{
    struct db_node *node = &db->nodes[index];
    struct list waiting;
    if (node->state != NODE_PAUSED)
        return;
    db_trace(db, "node %u resumed", index);
    node->state = NODE_RUNS;
    acquit(db, index);
    list_init(&waiting);
    LIST_EACH_SAFE (it, after, &node->stopped) {
        list_remove(it);
        list_append(&waiting, it);
    }
    int64_t now_us = db_now_us(db);
    while (!list_empty(&waiting)) {
        struct db_event *event = LIST_ENTRY(waiting.next, struct db_event, node);
        list_remove(&event->node);
        list_append(&db->events, &event->node);
        if (event->expires_us < now_us || event->life != node->life)
            event_free(event);
        else
            event_run(event);
    }
    LIST_EACH (it, &node->sessions)
        db_session_wake(LIST_ENTRY(it, struct database_session, node));
}

void database_set_clock(struct database *db, unsigned node, int64_t offset_us)
{
    db->nodes[node].clock_us = offset_us;
}

void database_cut(struct database *db, unsigned from, unsigned to, bool cut)
{
    if (cut && !db->cut[from][to])
        db->cut_since_us[from][to] = db_now_us(db);
    db->cut[from][to] = cut;
    if (!cut)
        db_hints_wake(db, to);
}

void database_heal(struct database *db, int64_t boot_us)
{
    for (unsigned i = 0; i < db->node_count; i++)
        for (unsigned j = 0; j < db->node_count; j++)
            database_cut(db, i, j, false);
    for (unsigned i = 0; i < db->node_count; i++) {
        database_resume(db, i);
        database_start(db, i, boot_us);
    }
}

void database_compact(struct database *db, unsigned node)
{
    store_compact(&db->nodes[node].store, db_clock_us(db, node) / SECOND_US);
}

void database_evict(struct database *db, unsigned node)
{
    db->nodes[node].prepared_count = 0;
}

void database_change_ids(struct database *db, unsigned node)
{
    db->nodes[node].id_rule ^= 1;
    database_evict(db, node);
}

bool database_runs(const struct database *db, unsigned node)
{
    return db->nodes[node].state == NODE_RUNS || db->nodes[node].state == NODE_PAUSED;
}

bool database_is_paused(const struct database *db, unsigned node)
{
    return db->nodes[node].state == NODE_PAUSED;
}

const char *database_address(const struct database *db, unsigned node)
{
    return db->nodes[node].address;
}

int database_node_at(const struct database *db, const char *address)
{
    for (unsigned i = 0; i < db->node_count; i++)
        if (strcmp(db->nodes[i].address, address) == 0)
            return (int)i;
    return -1;
}

const struct database_counts *database_get_counts(const struct database *db)
{
    return &db->counts;
}

void database_set_fault(struct database *db, enum database_fault fault, uint32_t ppm)
{
    db->config.fault_ppm[fault] = ppm;
}

/* --- making one --- */

static void set_defaults(struct database_config *config)
{
    int64_t *const values[] = {&config->sync_us,         &config->link_min_us,
                               &config->link_max_us,     &config->write_timeout_us,
                               &config->read_timeout_us, &config->cas_timeout_us};
    static const int64_t defaults[] = {100 * MS_US,   LINK_MIN_US,   LINK_MAX_US,
                                       2 * SECOND_US, 5 * SECOND_US, 1800 * MS_US};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        if (*values[i] == 0)
            *values[i] = defaults[i];
    if (config->link_max_us < config->link_min_us)
        config->link_max_us = config->link_min_us;
    if (config->data_center == NULL)
        config->data_center = "datacenter1";
    if (config->address == NULL)
        config->address = "10.0.0.1";
}

static void node_init(struct database *db, unsigned index)
{
    struct db_node *node = &db->nodes[index];
    const char *last = strrchr(db->config.address, '.');
    node->index = index;
    node->life = 1;
    node->convicted_us = INT64_MAX;
    (void)snprintf(node->address, sizeof(node->address), "%.*s.%u",
                   (int)(last == NULL ? 0 : last - db->config.address), db->config.address,
                   (unsigned)(last == NULL ? 1 : strtoul(last + 1, NULL, 10)) + index);
    be64_store(node->host_id, UINT64_C(0x4000));
    be64_store(node->host_id + 8, UINT64_C(0x8000000000000001) + index);
    store_init(&node->store, &db->arena, db->config.commitlog_periodic);
    list_init(&node->sessions);
    list_init(&node->stopped);
}

struct database *database_new(const struct database_config *config,
                              const struct database_hooks *hooks)
{
    struct database *db = calloc(1, sizeof(*db));
    if (db == NULL || config->nodes == 0 || config->nodes > DATABASE_NODES_MAX)
        abort();
    db->config = *config;
    db->hooks = *hooks;
    db->node_count = config->nodes;
    set_defaults(&db->config);
    arena_init(&db->arena, &alloc_heap, (size_t)256 * 1024, SIZE_MAX / 2);
    arena_init(&db->scratch, &alloc_heap, (size_t)64 * 1024, SIZE_MAX / 2);
    buf_init(&db->out, &alloc_heap, SIZE_MAX / 2);
    buf_init(&db->rows, &alloc_heap, SIZE_MAX / 2);
    list_init(&db->events);
    list_init(&db->hints);
    list_init(&db->sessions);
    for (unsigned i = 0; i < db->node_count; i++)
        node_init(db, i);
    db_schema_init(db);
    return db;
}

void database_free(struct database *db)
{
    while (!list_empty(&db->events))
        event_free(LIST_ENTRY(db->events.next, struct db_event, node));
    for (unsigned i = 0; i < db->node_count; i++) {
        struct db_node *node = &db->nodes[i];
        while (!list_empty(&node->stopped))
            event_free(LIST_ENTRY(node->stopped.next, struct db_event, node));
    }
    while (!list_empty(&db->sessions))
        db_session_free(LIST_ENTRY(db->sessions.next, struct database_session, all));
    for (unsigned i = 0; i < db->node_count; i++) {
        store_deinit(&db->nodes[i].store);
        free(db->nodes[i].prepared);
    }
    while (!list_empty(&db->hints)) {
        struct db_hint *hint = LIST_ENTRY(db->hints.next, struct db_hint, node);
        list_remove(&hint->node);
        free(hint);
    }
    while (db->spare_events != NULL) {
        struct db_event *event = db->spare_events;
        db->spare_events = event->data;
        free(event);
    }
    buf_deinit(&db->out);
    buf_deinit(&db->rows);
    arena_deinit(&db->scratch);
    arena_deinit(&db->arena);
    free(db);
}
