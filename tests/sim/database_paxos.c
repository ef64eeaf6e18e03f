/*
 * Lightweight transactions, as Paxos v1 of Cassandra does them, one register for each Cassandra
 * partition:
 *
 *      PREPARE  promise of a quorum; what it finds unfinished is proposed again and committed, a
 *               commit that some missed is sent to them, and it begins again
 *      READ     at quorum, and the condition is looked at (writes)
 *      PROPOSE  the change, or nothing (the condition fails; a serial read); refused by all: begin
 *               again; by some, or no quorum in time: 0x1100 CAS, nobody knows
 *      COMMIT   at the commit level; too few in time: 0x1100 SIMPLE, but it is decided
 *      FETCH    serial reads read now
 */
#include <stdlib.h>

#include "tests/sim/database_internal.h"

enum stage {
    STAGE_PREPARE,
    STAGE_FINISH_PROPOSE, /* of what another round left */
    STAGE_FINISH_COMMIT,
    STAGE_READ,
    STAGE_PROPOSE,
    STAGE_COMMIT,
    STAGE_FETCH,
    STAGE_OVER,
};

struct paxos {
    struct db_operation base;
    struct db_bound bound;
    struct db_target target;
    const struct store_table *table;
    bool is_read, applies;
    uint16_t consistency; /* of the commit */
    uint16_t serial;
    unsigned replicas[DATABASE_REPLICAS_MAX], copies, quorum;
    enum stage stage;
    unsigned round; /* answers of earlier stages do not count */
    int64_t give_up_us;
    struct store_ballot ballot, highest; /* highest: seen anywhere */
    const struct mutation *proposal;     /* NULL: nothing */
    uint32_t asked, said_yes, said_no;
    /* what the promises showed */
    struct store_ballot accepted, committed;
    const struct mutation *accepted_proposal, *committed_mutation;
    struct store_ballot committed_of[DATABASE_REPLICAS_MAX];
    unsigned abandon_at; /* enum stage; 0: never */
    bool partial;        /* its proposals reach one replica only */
};

/* What travels with an answer. */
struct reply {
    bool yes;
    struct store_paxos paxos;
    const struct mutation *committed;
};

static void begin(struct paxos *paxos);

static struct paxos *paxos_of(struct db_event *event)
{
    return (struct paxos *)(void *)event->operation;
}

static bool is_after(struct store_ballot a, struct store_ballot b)
{
    return a.us != b.us ? a.us > b.us : a.tie > b.tie;
}

static unsigned count(uint32_t bits)
{
    return (unsigned)__builtin_popcount(bits);
}

static void paxos_free(struct db_operation *operation)
{
    free(operation);
}

static void go_to(struct paxos *paxos, enum stage stage)
{
    paxos->stage = stage;
    paxos->round++;
    paxos->asked = paxos->said_yes = paxos->said_no = 0;
}

static void fail(struct paxos *paxos, int32_t code, uint16_t consistency, const char *type)
{
    struct cql_error error = {.code = code,
                              .message = SLICE_LITERAL("Operation timed out"),
                              .consistency = consistency,
                              .received = (int32_t)count(paxos->said_yes),
                              .block_for = (int32_t)paxos->quorum,
                              .required = (int32_t)paxos->quorum,
                              .alive = (int32_t)paxos->quorum - 1,
                              .write_type = slice_cstr(type)};
    go_to(paxos, STAGE_OVER);
    db_request_take_back(paxos->base.request);
    db_request_error(paxos->base.request, &error);
}

static void fail_in_doubt(struct paxos *paxos)
{
    if (paxos->is_read)
        fail(paxos, CQL_ERROR_READ_TIMEOUT, paxos->serial, "");
    else
        fail(paxos, CQL_ERROR_WRITE_TIMEOUT, paxos->serial, "CAS");
}

/* The coordinator loses interest between two steps. */
static bool is_abandoned(struct paxos *paxos)
{
    if (paxos->abandon_at != (unsigned)paxos->stage || paxos->abandon_at == 0)
        return false;
    fail_in_doubt(paxos);
    return true;
}

/* --- replicas --- */

static struct store_partition *register_of(const struct paxos *paxos, unsigned node)
{
    return store_get(&paxos->base.db->nodes[node].store, paxos->table, paxos->target.key,
                     paxos->target.token);
}

static void touch(struct database *db, unsigned node, struct store_partition *partition)
{
    if (db->config.commitlog_periodic)
        db_synced(db, node);
    store_paxos_changes(&db->nodes[node].store, partition, db_now_us(db));
}

static void reply(struct db_event *event, const struct reply *reply, db_run arrives)
{
    struct paxos *paxos = paxos_of(event);
    struct db_event *answer = db_send(&paxos->base, event->at, paxos->base.coordinator, arrives,
                                      event->db->config.write_timeout_us);
    if (answer == NULL)
        return;
    struct reply *copy = db_take(&event->db->arena, sizeof(*copy));
    *copy = *reply;
    answer->data = copy;
    answer->replica = event->replica;
    answer->step = event->step;
}

static void promise_arrives(struct db_event *event);
static void accept_arrives(struct db_event *event);
static void commit_acked(struct db_event *event);

/* A message: the ballot and the change it is about, as they were when it was sent. */
struct message {
    struct store_ballot ballot;
    const struct mutation *mutation;
};

static void prepare_arrives(struct db_event *event)
{
    const struct message *message = event->data;
    if (!store_is_seen(paxos_of(event)->table, event->db->nodes[event->at].schema))
        return;
    struct store_partition *partition = register_of(paxos_of(event), event->at);
    struct reply answer = {.yes = is_after(message->ballot, partition->paxos.promised)};
    if (answer.yes) {
        touch(event->db, event->at, partition);
        partition->paxos.promised = message->ballot;
    }
    answer.paxos = partition->paxos;
    answer.committed = partition->paxos.last_commit;
    reply(event, &answer, promise_arrives);
}

static void propose_arrives(struct db_event *event)
{
    const struct message *message = event->data;
    if (!store_is_seen(paxos_of(event)->table, event->db->nodes[event->at].schema))
        return;
    struct store_partition *partition = register_of(paxos_of(event), event->at);
    struct reply answer = {.yes = !is_after(partition->paxos.promised, message->ballot)};
    if (answer.yes) {
        touch(event->db, event->at, partition);
        partition->paxos.promised = message->ballot;
        partition->paxos.accepted = message->ballot;
        partition->paxos.proposal = message->mutation;
    }
    answer.paxos = partition->paxos;
    reply(event, &answer, accept_arrives);
}

static void commit_arrives(struct db_event *event)
{
    const struct message *message = event->data;
    if (!store_is_seen(paxos_of(event)->table, event->db->nodes[event->at].schema))
        return;
    struct store_partition *partition = register_of(paxos_of(event), event->at);
    if (is_after(message->ballot, partition->paxos.committed)) {
        touch(event->db, event->at, partition);
        partition->paxos.committed = message->ballot;
        partition->paxos.last_commit = message->mutation;
    }
    db_apply(event->db, event->at, message->mutation);
    reply(event, &(struct reply){.yes = true}, commit_acked);
}

/* --- the coordinator asks --- */

static void send_one(struct paxos *paxos, unsigned i, db_run arrives, struct message message)
{
    struct database *db = paxos->base.db;
    struct db_event *event = db_send(&paxos->base, paxos->base.coordinator, paxos->replicas[i],
                                     arrives, db->config.write_timeout_us);
    if (event == NULL)
        return;
    struct message *copy = db_take(&db->arena, sizeof(*copy));
    *copy = message;
    event->data = copy;
    event->replica = i;
    event->step = paxos->round;
}

static void stage_timed_out(struct db_event *event);

static void send_all(struct paxos *paxos, db_run arrives, struct message message)
{
    struct database *db = paxos->base.db;
    unsigned only = (unsigned)(db_draw(db, paxos->base.key, 2, PURPOSE_EFFECT) % paxos->copies);
    for (unsigned i = 0; i < paxos->copies; i++)
        if (db_sees_alive(db, paxos->base.coordinator, paxos->replicas[i])) {
            paxos->asked |= 1u << i;
            if (!paxos->partial || paxos->stage != STAGE_PROPOSE || i == only)
                send_one(paxos, i, arrives, message);
        }
    db_at_node(db, paxos->base.coordinator, db->config.write_timeout_us, stage_timed_out,
               &paxos->base)
        ->step = paxos->round;
}

static void note_ballot(struct paxos *paxos, struct store_ballot ballot)
{
    if (is_after(ballot, paxos->highest))
        paxos->highest = ballot;
}

static void begin_again(struct db_event *event)
{
    struct paxos *paxos = paxos_of(event);
    if (event->step == paxos->round)
        begin(paxos);
}

/* Somebody else is at it. */
static void back_off(struct paxos *paxos)
{
    struct database *db = paxos->base.db;
    go_to(paxos, STAGE_PREPARE);
    db_at_node(
        db, paxos->base.coordinator,
        db_draw_between(db, paxos->base.key, paxos->round, PURPOSE_BACK_OFF, MS_US, 100 * MS_US),
        begin_again, &paxos->base)
        ->step = paxos->round;
}

static void begin(struct paxos *paxos)
{
    struct database *db = paxos->base.db;
    unsigned coordinator = paxos->base.coordinator;
    int64_t clock_us = db_clock_us(db, coordinator);

    go_to(paxos, STAGE_PREPARE);
    if (db_now_us(db) >= paxos->give_up_us) {
        fail_in_doubt(paxos);
        return;
    }
    paxos->ballot.us = clock_us > paxos->highest.us ? clock_us : paxos->highest.us + 1;
    paxos->ballot.tie =
        db_draw(db, paxos->base.key, paxos->round, PURPOSE_BALLOT) << 8 | coordinator;
    note_ballot(paxos, paxos->ballot);
    paxos->accepted = paxos->committed = (struct store_ballot){0, 0};
    paxos->accepted_proposal = paxos->committed_mutation = NULL;
    send_all(paxos, prepare_arrives, (struct message){paxos->ballot, NULL});
}

/* The same change with the timestamps of a new ballot. */
static const struct mutation *at_ballot(struct paxos *paxos, const struct mutation *old)
{
    struct arena *arena = &paxos->base.db->arena;
    struct mutation *fresh = db_mutation_new(arena, old->keyspace, old->key, old->change_count);
    for (unsigned i = 0; i < old->change_count; i++) {
        struct change *change = &fresh->changes[fresh->change_count++];
        *change = old->changes[i];
        change->range.at_us = paxos->ballot.us;
        if (change->row == NULL)
            continue;
        size_t bytes =
            sizeof(struct store_row) + change->table->cell_count * sizeof(struct store_cell);
        struct store_row *row = db_take(arena, bytes);
        memcpy(row, old->changes[i].row, bytes);
        if (row->marker_us != STORE_NEVER_US)
            row->marker_us = paxos->ballot.us;
        if (row->deleted_us != STORE_NEVER_US)
            row->deleted_us = paxos->ballot.us;
        for (unsigned c = 0; c < change->table->cell_count; c++)
            row->cells[c].at_us = paxos->ballot.us;
        change->row = row;
    }
    return fresh;
}

static void propose(struct paxos *paxos, enum stage stage, const struct mutation *mutation)
{
    go_to(paxos, stage);
    paxos->proposal = mutation;
    send_all(paxos, propose_arrives, (struct message){paxos->ballot, mutation});
}

static void commit(struct paxos *paxos, enum stage stage)
{
    struct database *db = paxos->base.db;
    unsigned needed = db_needed(paxos->consistency, paxos->copies), alive = 0;
    go_to(paxos, stage);
    for (unsigned i = 0; i < paxos->copies; i++)
        alive += db_sees_alive(db, paxos->base.coordinator, paxos->replicas[i]);
    if (alive < needed) {
        fail(paxos, CQL_ERROR_UNAVAILABLE, paxos->consistency, "");
        return;
    }
    for (unsigned i = 0; i < paxos->copies; i++)
        if (!db_sees_alive(db, paxos->base.coordinator, paxos->replicas[i]))
            db_hint_add(db, paxos->base.coordinator, paxos->replicas[i], paxos->proposal,
                        paxos->base.key, i);
    send_all(paxos, commit_arrives, (struct message){paxos->ballot, paxos->proposal});
}

/* --- promises --- */

/* A commit that some of the quorum missed is sent to them: the next round finds it there. */
static bool complete_commits(struct paxos *paxos)
{
    bool missing = false;
    for (unsigned i = 0; i < paxos->copies; i++)
        if ((paxos->said_yes & 1u << i) != 0 && paxos->committed_mutation != NULL &&
            is_after(paxos->committed, paxos->committed_of[i])) {
            send_one(paxos, i, commit_arrives,
                     (struct message){paxos->committed, paxos->committed_mutation});
            missing = true;
        }
    return missing;
}

static void read_is_done(struct db_read *read);

static void read_now(struct paxos *paxos, enum stage stage)
{
    go_to(paxos, stage);
    db_read_run(paxos->base.db, paxos->base.request, paxos->table, &paxos->target,
                CQL_CONSISTENCY_QUORUM, 64 + paxos->round * 8, read_is_done, paxos, &paxos->base);
}

static void promised(struct paxos *paxos)
{
    struct database *db = paxos->base.db;
    if (is_abandoned(paxos))
        return;
    if (paxos->accepted_proposal != NULL && is_after(paxos->accepted, paxos->committed)) {
        db->counts.paxos_finished++;
        propose(paxos, STAGE_FINISH_PROPOSE, at_ballot(paxos, paxos->accepted_proposal));
        return;
    }
    if (complete_commits(paxos)) {
        back_off(paxos);
        return;
    }
    if (paxos->is_read)
        propose(paxos, STAGE_PROPOSE, NULL);
    else
        read_now(paxos, STAGE_READ);
}

static void promise_arrives(struct db_event *event)
{
    struct paxos *paxos = paxos_of(event);
    const struct reply *answer = event->data;
    note_ballot(paxos, answer->paxos.promised);
    if (event->step != paxos->round || paxos->stage != STAGE_PREPARE)
        return;
    if (!answer->yes) {
        back_off(paxos);
        return;
    }
    paxos->said_yes |= 1u << event->replica;
    paxos->committed_of[event->replica] = answer->paxos.committed;
    if (is_after(answer->paxos.accepted, paxos->accepted)) {
        paxos->accepted = answer->paxos.accepted;
        paxos->accepted_proposal = answer->paxos.proposal;
    }
    if (is_after(answer->paxos.committed, paxos->committed)) {
        paxos->committed = answer->paxos.committed;
        paxos->committed_mutation = answer->committed;
    }
    if (count(paxos->said_yes) == paxos->quorum)
        promised(paxos);
}

/* --- the condition --- */

static const struct store_row *row_of(const struct paxos *paxos, const struct store_slice *slice,
                                      int64_t now_s)
{
    size_t at = store_row_at(slice, paxos->target.low);
    if (paxos->table->clustering < 0)
        at = 0;
    if (at >= slice->row_count)
        return NULL;
    const struct store_row *row = slice->rows[at];
    return store_row_lives(slice, row, paxos->table, now_s) ? row : NULL;
}

static bool holds(const struct paxos *paxos, const struct db_relation *relation,
                  const struct store_slice *slice, const struct store_row *row, int64_t now_s)
{
    const struct store_column *column =
        &paxos->table->columns[store_column(paxos->table, relation->column)];
    const struct store_row *from = column->role == DB_STATIC ? slice->statics : row;
    struct slice found = SLICE_NULL;
    struct cql_value value;

    if (!db_statement_value(NULL, &paxos->bound, &relation->term, column, &paxos->base.db->arena,
                            &value))
        return false;
    if (from != NULL &&
        store_cell_lives(&from->cells[column->cell], store_shadow_us(slice, from), now_s))
        found = from->cells[column->cell].value;
    if ((found.data == NULL) != (value.bytes.data == NULL))
        return false;
    return found.data == NULL || slice_equal(found, value.bytes);
}

static bool condition_holds(const struct paxos *paxos, const struct store_slice *slice,
                            const struct store_row *row, int64_t now_s)
{
    const struct db_statement *s = paxos->bound.statement;
    if (s->if_not_exists)
        return row == NULL;
    if (s->if_exists && row == NULL)
        return false;
    for (unsigned i = 0; i < s->condition_count; i++)
        if (!holds(paxos, &s->conditions[i], slice, row, now_s))
            return false;
    return true;
}

static void decide(struct paxos *paxos, struct db_read *read)
{
    struct store_slice nothing;
    struct database *db = paxos->base.db;
    const struct store_slice *slice = read->found_count > 0 ? &read->founds[0]->merged : &nothing;
    struct db_request *request = paxos->base.request;

    store_slice_init(&nothing);
    const struct store_row *row = row_of(paxos, slice, read->now_s);
    paxos->applies = condition_holds(paxos, slice, row, read->now_s);
    if (!paxos->applies) {
        /* The answer shows the row as it was read; it is sent when the empty proposal is accepted.
         */
        db_request_hold(request);
        db_rows_applied(request, false, &paxos->bound, paxos->target.key, slice, row);
        propose(paxos, STAGE_PROPOSE, NULL);
        return;
    }
    struct mutation *mutation =
        db_mutation_new(&db->arena, paxos->table->keyspace, paxos->target.key, 1);
    paxos->bound.at_us = paxos->ballot.us;
    paxos->bound.now_s = read->now_s;
    if (db_statement_mutate(request, &paxos->bound, &db->arena, mutation))
        propose(paxos, STAGE_PROPOSE, mutation);
    else
        go_to(paxos, STAGE_OVER);
}

static void read_is_done(struct db_read *read)
{
    struct paxos *paxos = read->context;
    if (paxos->stage != STAGE_READ && paxos->stage != STAGE_FETCH)
        return;
    if (read->outcome != READ_DONE) {
        fail(paxos,
             read->outcome == READ_UNAVAILABLE ? CQL_ERROR_UNAVAILABLE : CQL_ERROR_READ_TIMEOUT,
             CQL_CONSISTENCY_QUORUM, "");
        return;
    }
    if (paxos->stage == STAGE_FETCH) {
        go_to(paxos, STAGE_OVER);
        db_read_answer(paxos->base.request, paxos->bound.statement, read);
    } else if (db_now_us(paxos->base.db) >= paxos->give_up_us) {
        fail_in_doubt(paxos); /* the read had to wait for a replica that is not there */
    } else if (!is_abandoned(paxos)) {
        decide(paxos, read);
    }
}

/* --- proposals and commits --- */

static void accepted(struct paxos *paxos)
{
    if (is_abandoned(paxos))
        return;
    if (paxos->stage == STAGE_FINISH_PROPOSE) {
        commit(paxos, STAGE_FINISH_COMMIT);
    } else if (paxos->is_read) {
        read_now(paxos, STAGE_FETCH);
    } else if (paxos->proposal == NULL) {
        go_to(paxos, STAGE_OVER);
        db_request_release(paxos->base.request);
    } else {
        commit(paxos, STAGE_COMMIT);
    }
}

/* No quorum accepts any more. */
static void not_accepted(struct paxos *paxos)
{
    bool finishing = paxos->stage == STAGE_FINISH_PROPOSE;
    if (finishing || paxos->said_yes == 0 || paxos->proposal == NULL) {
        db_request_take_back(paxos->base.request);
        back_off(paxos);
    } else {
        fail_in_doubt(paxos);
    }
}

static void accept_arrives(struct db_event *event)
{
    struct paxos *paxos = paxos_of(event);
    const struct reply *answer = event->data;
    note_ballot(paxos, answer->paxos.promised);
    if (event->step != paxos->round)
        return;
    *(answer->yes ? &paxos->said_yes : &paxos->said_no) |= 1u << event->replica;
    if (count(paxos->said_yes) == paxos->quorum)
        accepted(paxos);
    else if (count(paxos->asked) - count(paxos->said_no) < paxos->quorum)
        not_accepted(paxos);
}

static void commit_acked(struct db_event *event)
{
    struct paxos *paxos = paxos_of(event);
    if (event->step != paxos->round)
        return;
    paxos->said_yes |= 1u << event->replica;
    if (count(paxos->said_yes) != db_needed(paxos->consistency, paxos->copies))
        return;
    if (paxos->stage == STAGE_FINISH_COMMIT) {
        begin(paxos);
    } else if (paxos->stage == STAGE_COMMIT) {
        go_to(paxos, STAGE_OVER);
        db_rows_applied(paxos->base.request, true, &paxos->bound, paxos->target.key, NULL, NULL);
    }
}

static void stage_timed_out(struct db_event *event)
{
    struct paxos *paxos = paxos_of(event);
    if (event->step != paxos->round || paxos->stage == STAGE_OVER)
        return;
    if (paxos->stage == STAGE_COMMIT) {
        for (unsigned i = 0; i < paxos->copies; i++)
            if ((paxos->asked & ~paxos->said_yes & 1u << i) != 0)
                db_hint_add(event->db, event->at, paxos->replicas[i], paxos->proposal,
                            paxos->base.key, i);
        fail(paxos, CQL_ERROR_WRITE_TIMEOUT, paxos->consistency, "SIMPLE");
    } else {
        fail_in_doubt(paxos);
    }
}

/* --- from outside --- */

/* True: it is over, without having begun. */
static bool is_stuck(struct paxos *paxos, struct db_request *request)
{
    const struct database_hooks *hooks = &request->base.db->hooks;
    enum database_serial serial = hooks->serial == NULL || request->session->owner == NULL
                                      ? DATABASE_SERIAL_FINE
                                      : hooks->serial(hooks->context, request->session->owner);

    if (serial == DATABASE_SERIAL_FINE || (serial == DATABASE_SERIAL_UNDONE && paxos->is_read))
        return false;
    request->door |= UINT64_C(1) << DATABASE_ANSWER_LATE;
    if (serial == DATABASE_SERIAL_UNTOLD && !paxos->is_read)
        return false;
    fail_in_doubt(paxos);
    return true;
}

static void start(struct db_request *request, const struct db_bound *bound,
                  const struct db_target *target, bool is_read)
{
    struct database *db = request->base.db;
    struct paxos *paxos = calloc(1, sizeof(*paxos));
    unsigned alive = 0;
    if (paxos == NULL)
        abort();
    db_operation_init(&paxos->base, db, request->base.coordinator, request->base.key, request,
                      paxos_free);
    db->counts.transactions++;
    paxos->bound = *bound;
    paxos->table = bound->table;
    paxos->target = *target;
    paxos->is_read = is_read;
    paxos->serial = is_read                            ? request->consistency
                    : request->serial_consistency != 0 ? request->serial_consistency
                                                       : CQL_CONSISTENCY_SERIAL;
    paxos->consistency = is_read ? CQL_CONSISTENCY_QUORUM : request->consistency;
    paxos->copies = db_replicas(db, bound->table->keyspace, target->token, paxos->replicas);
    paxos->quorum = paxos->copies / 2 + 1;
    paxos->give_up_us = db_now_us(db) + db->config.cas_timeout_us;
    for (unsigned i = 0; i < paxos->copies; i++)
        alive += db_sees_alive(db, request->base.coordinator, paxos->replicas[i]);
    if (db_fires(db, DATABASE_CAS_ABANDONED, request->base.key, 0)) {
        static const enum stage stages[] = {STAGE_READ, STAGE_PROPOSE, STAGE_FINISH_PROPOSE, 0};
        paxos->abandon_at = stages[db_draw(db, request->base.key, 1, PURPOSE_EFFECT) % 4];
        paxos->partial = paxos->abandon_at == 0;
    }
    if (alive < paxos->quorum || db_fires(db, DATABASE_REFUSED_UNAVAILABLE, request->base.key, 0)) {
        fail(paxos, CQL_ERROR_UNAVAILABLE, paxos->serial, "");
    } else if (!is_stuck(paxos, request)) {
        db_coordinator_may_die(&paxos->base, 10 * MS_US);
        begin(paxos);
    }
    db_operation_unref(&paxos->base);
}

void db_paxos_write(struct db_request *request, const struct db_bound *bound)
{
    struct db_target target;
    struct db_bound kept = *bound;
    struct arena *arena = &request->base.db->arena;
    struct cql_value *values =
        db_take(arena, ((size_t)bound->value_count + 1) * sizeof(struct cql_value));

    for (uint16_t i = 0; i < bound->value_count; i++) {
        values[i] = bound->values[i];
        if (values[i].bytes.data != NULL)
            values[i].bytes = arena_copy(arena, values[i].bytes);
    }
    kept.values = values;
    if (!db_statement_row(request, &kept, arena, &target))
        return;
    start(request, &kept, &target, false);
}

void db_paxos_read(struct db_request *request, const struct db_bound *bound,
                   const struct db_target *target)
{
    struct db_target kept = *target;
    if (target->is_scan)
        db_die("a serial read of more than one partition", bound->statement->text);
    kept.key = arena_copy(&request->base.db->arena, target->key);
    start(request, bound, &kept, true);
}
