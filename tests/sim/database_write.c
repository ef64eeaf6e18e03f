/*
 * A coordinator writes: one message to each replica, an answer when the level is reached, a hint
 * for whoever did not acknowledge in time.
 *
 *      coordinator  --- mutation --->  replica: applies it
 *                   <----- ack ------
 *      level reached: Void    time-out: 0x1100 and hints    (a fault: any error, any effect)
 */
#include <stdlib.h>

#include "tests/sim/database_internal.h"

#define MUTATION_BYTES_MAX ((size_t)16777216)

struct write_part {
    const struct mutation *mutation;
    unsigned replicas[DATABASE_REPLICAS_MAX];
    unsigned copies, needed;
    uint32_t acknowledged, skipped; /* bits of replicas[] */
};

struct write {
    struct db_operation base;
    uint16_t consistency;
    int told; /* enum database_fault: the answer is this, whatever happens; -1: the truth */
    unsigned part_count;
    struct write_part parts[];
};

/* --- hints --- */

static void hint_due(struct db_event *event)
{
    struct db_hint *hint = event->data;
    struct database *db = event->db;
    if (!db_is_up(db, hint->holder) || !db_is_up(db, hint->target) ||
        db->cut[hint->holder][hint->target]) {
        hint->waits = true;
        return;
    }
    db_apply(db, hint->target, hint->mutation);
    db->counts.hints_delivered++;
    db_trace(db, "hint %llu of node %u reaches node %u", (unsigned long long)hint->number,
             hint->holder, hint->target);
    list_remove(&hint->node);
    free(hint);
}

static void hint_plan(struct database *db, struct db_hint *hint)
{
    struct db_key key = {1000, hint->number};
    int64_t delay_us = db_draw_between(db, key, 0, PURPOSE_HINT, 10 * SECOND_US, 20 * SECOND_US);
    if (db_fires(db, DATABASE_HINT_HOURS, key, 0))
        delay_us = db_draw_between(db, key, 1, PURPOSE_HINT, 20 * SECOND_US, 3 * 3600 * SECOND_US);
    hint->waits = false;
    db_later(db, delay_us, hint_due)->data = hint;
}

void db_hint_add(struct database *db, unsigned holder, unsigned target,
                 const struct mutation *mutation, struct db_key key, unsigned sub)
{
    if (holder == target || db_fires(db, DATABASE_HINT_NEVER, key, sub))
        return;
    struct db_hint *hint = calloc(1, sizeof(*hint));
    if (hint == NULL)
        abort();
    hint->holder = holder;
    hint->target = target;
    hint->mutation = mutation;
    hint->number = ++db->hint_count;
    db->counts.hints++;
    list_append(&db->hints, &hint->node);
    hint_plan(db, hint);
}

void db_hints_wake(struct database *db, unsigned node)
{
    LIST_EACH (it, &db->hints) {
        struct db_hint *hint = LIST_ENTRY(it, struct db_hint, node);
        if (hint->waits && (hint->holder == node || hint->target == node))
            hint_plan(db, hint);
    }
}

void database_deliver_hints(struct database *db)
{
    LIST_EACH (it, &db->hints) {
        const struct db_hint *hint = LIST_ENTRY(it, struct db_hint, node);
        if (db_is_up(db, hint->target)) /* it may come again: that changes nothing */
            db_apply(db, hint->target, hint->mutation);
    }
}

/* --- the answer --- */

static void tell_error(struct write *write, int32_t code, struct slice type,
                       const struct write_part *part)
{
    struct cql_error error = {.code = code,
                              .consistency = write->consistency,
                              .received = __builtin_popcount(part->acknowledged),
                              .block_for = (int32_t)part->needed,
                              .required = (int32_t)part->needed,
                              .alive = 1,
                              .failure_count = 1,
                              .write_type = type};
    if (code == CQL_ERROR_WRITE_TIMEOUT)
        error.message = SLICE_LITERAL("Operation timed out");
    db_request_error(write->base.request, &error);
}

static void tell_lie(struct db_event *event)
{
    static const struct slice kinds[] = {SLICE_INIT("SIMPLE"),  SLICE_INIT("UNLOGGED_BATCH"),
                                         SLICE_INIT("BATCH"),   SLICE_INIT("BATCH_LOG"),
                                         SLICE_INIT("COUNTER"), SLICE_INIT("CAS"),
                                         SLICE_INIT("VIEW"),    SLICE_INIT("CDC")};
    struct write *write = (struct write *)(void *)event->operation;
    struct slice type = kinds[db_draw(event->db, write->base.key, 2, PURPOSE_ANSWER) % 8];
    int32_t code = write->told == DATABASE_WRITE_TIMEOUT        ? CQL_ERROR_WRITE_TIMEOUT
                   : write->told == DATABASE_WRITE_FAILURE      ? CQL_ERROR_WRITE_FAILURE
                   : write->told == DATABASE_WRITE_SERVER_ERROR ? CQL_ERROR_SERVER
                   : write->told == DATABASE_WRITE_OVERLOADED   ? CQL_ERROR_OVERLOADED
                                                                : 0x7abc;
    tell_error(write, code, type, &write->parts[0]);
}

static bool is_reached(const struct write *write)
{
    for (unsigned i = 0; i < write->part_count; i++)
        if ((unsigned)__builtin_popcount(write->parts[i].acknowledged) < write->parts[i].needed)
            return false;
    return true;
}

static void ack_arrives(struct db_event *event)
{
    struct write *write = (struct write *)(void *)event->operation;
    write->parts[event->replica / DATABASE_REPLICAS_MAX].acknowledged |=
        1u << event->replica % DATABASE_REPLICAS_MAX;
    if (write->told < 0 && is_reached(write))
        db_request_void(write->base.request);
}

static void mutation_arrives(struct db_event *event)
{
    struct write *write = (struct write *)(void *)event->operation;
    const struct mutation *mutation = write->parts[event->replica / DATABASE_REPLICAS_MAX].mutation;
    if (!db_knows_tables(event->db, event->at, mutation))
        return; /* it has not heard of the table yet, or of its end */
    db_apply(event->db, event->at, mutation);
    struct db_event *ack = db_send(&write->base, event->at, write->base.coordinator, ack_arrives,
                                   event->db->config.write_timeout_us);
    if (ack != NULL)
        ack->replica = event->replica;
}

static void write_timed_out(struct db_event *event)
{
    struct write *write = (struct write *)(void *)event->operation;
    for (unsigned p = 0; p < write->part_count; p++) {
        const struct write_part *part = &write->parts[p];
        for (unsigned i = 0; i < part->copies; i++)
            if (((part->acknowledged | part->skipped) & 1u << i) == 0)
                db_hint_add(event->db, event->at, part->replicas[i], part->mutation,
                            write->base.key, p * DATABASE_REPLICAS_MAX + i);
        if (write->told < 0 && (unsigned)__builtin_popcount(part->acknowledged) < part->needed)
            tell_error(write, CQL_ERROR_WRITE_TIMEOUT,
                       write->part_count > 1 ? SLICE_LITERAL("UNLOGGED_BATCH")
                                             : SLICE_LITERAL("SIMPLE"),
                       part);
    }
}

/* --- on the way --- */

static void dies(struct db_event *event)
{
    struct database *db = event->db;
    struct db_key key = {2000 + event->at, event->step};
    if (!database_runs(db, event->at) || db->nodes[event->at].life != event->replica)
        return;
    database_kill(db, event->at);
    database_start(db, event->at,
                   db_draw_between(db, key, 0, PURPOSE_DOWN, SECOND_US, 60 * SECOND_US));
}

void db_coordinator_may_die(struct db_operation *operation, int64_t within_us)
{
    struct database *db = operation->db;
    if (!db_fires(db, DATABASE_COORDINATOR_DIES, operation->key, 0))
        return;
    struct db_event *event =
        db_later(db, db_draw_between(db, operation->key, 3, PURPOSE_ANSWER, 0, within_us), dies);
    event->at = operation->coordinator;
    event->replica = (unsigned)operation->life;
    event->step = (unsigned)operation->key.counter;
}

/* Where a fault decides: half of the copies are written now, the others by hint or never. */
static bool goes_now(struct write *write, unsigned p, unsigned i)
{
    struct database *db = write->base.db;
    struct write_part *part = &write->parts[p];
    unsigned sub = p * DATABASE_REPLICAS_MAX + i;
    if (write->told < 0)
        return true;
    uint64_t fate = db_draw(db, write->base.key, sub, PURPOSE_EFFECT) % 4;
    if (fate < 2)
        return true;
    part->skipped |= 1u << i;
    if (fate == 2)
        db_hint_add(db, write->base.coordinator, part->replicas[i], part->mutation, write->base.key,
                    sub);
    return false;
}

static void send_part(struct write *write, unsigned p)
{
    struct database *db = write->base.db;
    struct write_part *part = &write->parts[p];
    unsigned coordinator = write->base.coordinator;

    for (unsigned i = 0; i < part->copies; i++) {
        unsigned replica = part->replicas[i];
        struct db_event *event;
        if (!db_sees_alive(db, coordinator, replica)) {
            part->skipped |= 1u << i;
            db_hint_add(db, coordinator, replica, part->mutation, write->base.key,
                        p * DATABASE_REPLICAS_MAX + i);
            continue;
        }
        if (!goes_now(write, p, i))
            continue;
        event = db_send(&write->base, coordinator, replica, mutation_arrives,
                        db->config.write_timeout_us);
        if (event != NULL)
            event->replica = p * DATABASE_REPLICAS_MAX + i;
    }
}

static bool can_start(struct write *write)
{
    struct database *db = write->base.db;
    bool refused = db_fires(db, DATABASE_REFUSED_UNAVAILABLE, write->base.key, 0);
    for (unsigned p = 0; p < write->part_count; p++) {
        const struct write_part *part = &write->parts[p];
        unsigned alive = 0;
        if (strncmp(part->mutation->changes[0].table->name, "sluice_", 7) != 0 &&
            db_fires(db, DATABASE_WRITE_REFUSED, write->base.key, p)) {
            db_request_refuse(write->base.request, CQL_ERROR_INVALID, "Refused for no reason");
            return false;
        }
        if (part->mutation->bytes > MUTATION_BYTES_MAX) {
            db_request_refuse(write->base.request, CQL_ERROR_INVALID,
                              "Rejected an oversized mutation (%zu/16777216) for keyspace: %s",
                              part->mutation->bytes, part->mutation->keyspace);
            return false;
        }
        for (unsigned i = 0; i < part->copies; i++)
            alive += db_sees_alive(db, write->base.coordinator, part->replicas[i]);
        if (alive < part->needed || refused) {
            struct cql_error error = {.code = CQL_ERROR_UNAVAILABLE,
                                      .message = SLICE_LITERAL("Cannot achieve consistency level"),
                                      .consistency = write->consistency,
                                      .required = (int32_t)part->needed,
                                      .alive = (int32_t)(alive < part->needed ? alive : 0)};
            db_request_error(write->base.request, &error);
            return false;
        }
    }
    return true;
}

static void draw_faults(struct write *write)
{
    static const enum database_fault lies[] = {
        DATABASE_WRITE_TIMEOUT, DATABASE_WRITE_FAILURE, DATABASE_WRITE_SERVER_ERROR,
        DATABASE_WRITE_UNKNOWN_ERROR, DATABASE_WRITE_OVERLOADED};
    struct database *db = write->base.db;
    unsigned coordinator = write->base.coordinator;

    write->told = -1;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
        if (write->told < 0 && db_fires(db, lies[i], write->base.key, 0))
            write->told = (int)lies[i];
    if (write->told >= 0)
        (void)db_at_node(db, coordinator,
                         db_draw_between(db, write->base.key, 1, PURPOSE_ANSWER, MS_US,
                                         db->config.write_timeout_us),
                         tell_lie, &write->base);
    db_coordinator_may_die(&write->base, 3 * MS_US);
}

static void write_free(struct db_operation *operation)
{
    free(operation);
}

void db_write_start(struct db_request *request, struct mutation **mutations, unsigned count)
{
    struct database *db = request->base.db;
    struct write *write = calloc(1, sizeof(*write) + count * sizeof(struct write_part));
    if (write == NULL)
        abort();
    db_operation_init(&write->base, db, request->base.coordinator, request->base.key, request,
                      write_free);
    db->counts.writes++;
    write->consistency = request->consistency;
    write->part_count = count;
    for (unsigned p = 0; p < count; p++) {
        struct write_part *part = &write->parts[p];
        part->mutation = mutations[p];
        part->copies = db_replicas(db, mutations[p]->keyspace, mutations[p]->token, part->replicas);
        part->needed = db_needed(request->consistency, part->copies);
    }
    if (can_start(write)) {
        draw_faults(write);
        for (unsigned p = 0; p < count; p++)
            send_part(write, p);
        (void)db_at_node(db, write->base.coordinator, db->config.write_timeout_us, write_timed_out,
                         &write->base);
    }
    db_operation_unref(&write->base);
}
