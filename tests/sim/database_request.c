/* One frame of a client: faults at the door, what it asks for, and its one answer. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cql/startup.h"
#include "proto/endian.h"
#include "proto/murmur3.h"
#include "tests/sim/database_internal.h"

/* --- answers --- */

static void request_free(struct db_operation *operation)
{
    struct db_request *request = (struct db_request *)(void *)operation;
    db_session_unref(request->session);
    arena_deinit(&request->arena);
    free(request);
}

static bool is_doomed(const struct db_request *request, enum database_fault fault)
{
    return (request->door & UINT64_C(1) << fault) != 0;
}

static void answer_arrives(struct db_event *event)
{
    struct db_request *request = (struct db_request *)(void *)event->operation;
    int16_t stream = request->stream;
    struct slice body = request->frame;

    if (is_doomed(request, DATABASE_ANSWER_LOST)) {
        db_session_hang_up(request->session);
        return;
    }
    if (is_doomed(request, DATABASE_WRONG_STREAM))
        stream = (int16_t)(stream ^ 0x2aaa);
    if (is_doomed(request, DATABASE_GARBAGE) && body.len > 2)
        body.len /= 2;
    db_session_push(request->session, request->opcode, stream, body);
}

static void send_answer(struct db_request *request)
{
    struct database *db = request->base.db;
    int64_t delay_us = 50;
    db->counts.answers++;
    if (is_doomed(request, DATABASE_ANSWER_LATE))
        delay_us = db_draw_between(db, request->base.key, 0, PURPOSE_ANSWER, 2 * SECOND_US,
                                   60 * SECOND_US);
    (void)db_at_node(db, request->base.coordinator, delay_us, answer_arrives, &request->base);
}

void db_request_answer(struct db_request *request, uint8_t opcode, struct slice body)
{
    if (request->answered)
        return;
    request->answered = true;
    request->opcode = opcode;
    request->frame = arena_copy(&request->arena, body);
    if (!request->holds)
        send_answer(request);
}

void db_request_hold(struct db_request *request)
{
    request->holds = true;
}

void db_request_release(struct db_request *request)
{
    request->holds = false;
    if (request->answered)
        send_answer(request);
}

void db_request_take_back(struct db_request *request)
{
    request->answered = request->answered && !request->holds;
    request->holds = false;
}

static void answer_walk(struct db_request *request, uint8_t opcode, cql_walk walk, void *message)
{
    struct buf body;
    struct wire wire;
    buf_init(&body, &alloc_heap, SIZE_MAX / 2);
    wire_init_encode(&wire, &body);
    walk(&wire, message);
    if (wire.error < 0)
        db_die("an answer cannot be encoded", status_name(wire.error));
    db_request_answer(request, opcode, buf_unread(&body));
    buf_deinit(&body);
}

void db_request_void(struct db_request *request)
{
    struct cql_result result = {.kind = CQL_RESULT_VOID};
    answer_walk(request, CQL_RESULT, cql_result_walk, &result);
}

void db_request_error(struct db_request *request, const struct cql_error *error)
{
    struct cql_error copy = *error;
    if (request->answered)
        return;
    request->base.db->counts.errors++;
    request->base.db->counts.timeouts +=
        error->code == CQL_ERROR_WRITE_TIMEOUT || error->code == CQL_ERROR_READ_TIMEOUT;
    if (copy.message.data == NULL)
        copy.message = SLICE_LITERAL("as the simulation wishes");
    answer_walk(request, CQL_ERROR, cql_error_walk, &copy);
}

void db_request_refuse(struct db_request *request, int32_t code, const char *format, ...)
{
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (request == NULL)
        db_die("refused", text);
    struct cql_error error = {.code = code, .message = slice_cstr(text)};
    db_request_error(request, &error);
}

/* --- statements --- */

static void text_id(struct slice text, uint8_t id[16])
{
    int64_t token = murmur3_token(text.data, text.len);
    be64_store(id, (uint64_t)token);
    be64_store(id + 8, ((uint64_t)token ^ text.len) * UINT64_C(0x9E3779B97F4A7C15));
}

static struct db_text *find_text(struct database *db, struct slice text)
{
    uint8_t id[16];
    text_id(text, id);
    struct db_text **at = &db->texts[id[0]];
    for (; *at != NULL; at = &(*at)->next)
        if (memcmp((*at)->id, id, 16) == 0)
            return *at;
    struct db_statement *statement = db_text_parse(text, &db->arena);
    if (statement == NULL) {
        char copy[400];
        (void)snprintf(copy, sizeof(copy), "%.*s", (int)text.len, (const char *)text.data);
        db_die("statement not understood", copy);
    }
    *at = db_take(&db->arena, sizeof(**at));
    memcpy((*at)->id, id, 16);
    (*at)->statement = statement;
    return *at;
}

/* As the node makes it. */
static void id_at(const struct db_node *node, const struct db_text *text, uint8_t id[16])
{
    memcpy(id, text->id, 16);
    id[15] ^= node->id_rule;
}

static struct db_text *find_prepared(const struct db_node *node, struct slice id)
{
    uint8_t known[16];
    for (size_t i = 0; i < node->prepared_count; i++) {
        id_at(node, node->prepared[i], known);
        if (slice_equal(id, slice_make(known, sizeof(known))))
            return node->prepared[i];
    }
    return NULL;
}

static void learn_prepared(struct db_node *node, struct db_text *text, uint8_t id[16])
{
    id_at(node, text, id);
    if (find_prepared(node, slice_make(id, 16)) != NULL)
        return;
    if (node->prepared_count == node->prepared_capacity) {
        node->prepared_capacity = node->prepared_capacity == 0 ? 32 : node->prepared_capacity * 2;
        node->prepared =
            realloc(node->prepared, node->prepared_capacity * sizeof(struct db_text *));
        if (node->prepared == NULL)
            abort();
    }
    node->prepared[node->prepared_count++] = text;
}

/* As this node sees the schema. false: refused. */
static bool find_table(struct db_request *request, struct db_bound *bound)
{
    struct database *db = request->base.db;
    const struct db_statement *statement = bound->statement;
    unsigned version = db->nodes[request->base.coordinator].schema;

    if (db_system_is(statement)) {
        bound->table = db_system_table(db, statement);
        return true;
    }
    if (statement->keyspace == NULL) {
        db_request_refuse(request, CQL_ERROR_INVALID,
                          "No keyspace has been specified. USE a keyspace, or explicitly specify "
                          "keyspace.tablename");
        return false;
    }
    const struct db_keyspace *keyspace = db_schema_keyspace_find(db, statement->keyspace);
    if (keyspace == NULL || keyspace->made > version) {
        db_request_refuse(request, CQL_ERROR_INVALID, "keyspace %s does not exist",
                          statement->keyspace);
        return false;
    }
    bound->table = db_schema_table_find(db, statement->keyspace, statement->table, version);
    if (bound->table == NULL)
        db_request_refuse(request, CQL_ERROR_INVALID, "table %s does not exist", statement->table);
    return bound->table != NULL;
}

static const struct store_column *marker_column(const struct db_bound *bound, uint16_t marker)
{
    const struct db_statement *s = bound->statement;
    const struct store_table *table = bound->table;
    for (unsigned i = 0; i < s->item_count; i++)
        if (s->items[i].term.kind == DB_TERM_MARKER && s->items[i].term.marker == marker)
            return &table->columns[store_column(table, s->items[i].column)];
    for (unsigned i = 0; i < s->where_count; i++)
        if (s->where[i].term.kind == DB_TERM_MARKER && s->where[i].term.marker == marker)
            return &table->columns[store_column(table, s->where[i].column)];
    for (unsigned i = 0; i < s->condition_count; i++)
        if (s->conditions[i].term.kind == DB_TERM_MARKER && s->conditions[i].term.marker == marker)
            return &table->columns[store_column(table, s->conditions[i].column)];
    return NULL;
}

static void marker_spec(struct db_request *request, const struct db_bound *bound, uint16_t marker,
                        struct cql_column *spec)
{
    const struct db_statement *s = bound->statement;
    const struct store_column *column = marker_column(bound, marker);
    bool is_ttl = s->ttl.kind == DB_TERM_MARKER && s->ttl.marker == marker;
    bool is_limit = s->limit.kind == DB_TERM_MARKER && s->limit.marker == marker;
    const char *name = is_ttl ? "[ttl]" : is_limit ? "[limit]" : "[timestamp]";
    *spec = (struct cql_column){slice_cstr(bound->table->keyspace),
                                slice_cstr(bound->table->name),
                                slice_cstr(column != NULL ? column->name : name),
                                {.id = is_ttl || is_limit ? CQL_TYPE_INT : CQL_TYPE_BIGINT}};
    if (column != NULL)
        spec->type = db_schema_type(column->type, &request->arena);
}

/* The markers of the partition key's columns, when all are markers. */
static int32_t key_markers(const struct db_bound *bound, uint16_t markers[TEXT_ITEMS_MAX])
{
    for (unsigned i = 0; i < bound->table->key_count; i++) {
        bool found = false;
        for (uint16_t marker = 0; marker < bound->statement->marker_count && !found; marker++)
            if (marker_column(bound, marker) == &bound->table->columns[bound->table->keys[i]]) {
                markers[i] = marker;
                found = true;
            }
        if (!found)
            return 0;
    }
    return (int32_t)bound->table->key_count;
}

static void execute_prepare(struct db_request *request)
{
    struct database *db = request->base.db;
    struct cql_prepare prepare = {.text = SLICE_NULL};
    uint16_t markers[TEXT_ITEMS_MAX];
    struct cql_column columns[2 * TEXT_ITEMS_MAX];
    uint8_t id[16];
    struct cql_result result = {.kind = CQL_RESULT_PREPARED,
                                .markers = {.flags = CQL_METADATA_GLOBAL_SPEC, .columns = columns},
                                .pk_indices = markers,
                                .metadata = {.flags = CQL_METADATA_NONE}};
    struct wire wire;

    wire_init_decode(&wire, request->body, &request->arena);
    cql_prepare_walk(&wire, &prepare);
    struct db_text *text = find_text(db, prepare.text);
    struct db_bound bound = {.statement = text->statement};
    if (!find_table(request, &bound))
        return;
    result.markers.column_count = text->statement->marker_count;
    for (uint16_t i = 0; i < text->statement->marker_count && i < 2 * TEXT_ITEMS_MAX; i++)
        marker_spec(request, &bound, i, &columns[i]);
    result.pk_count = key_markers(&bound, markers);
    learn_prepared(&db->nodes[request->base.coordinator], text, id);
    result.prepared_id = slice_make(id, 16);
    answer_walk(request, CQL_RESULT, cql_result_walk, &result);
}

static void unprepared(struct db_request *request, struct slice id)
{
    struct cql_error error = {.code = CQL_ERROR_UNPREPARED,
                              .message = SLICE_LITERAL("Prepared query not found"),
                              .prepared_id = id};
    request->base.db->counts.unprepared++;
    db_request_error(request, &error);
}

/* A prepared statement of a table that this node does not have (any more). */
static bool find_prepared_table(struct db_request *request, struct db_bound *bound, struct slice id)
{
    const struct db_statement *s = bound->statement;
    struct database *db = request->base.db;
    bound->table = db_schema_table_find(db, s->keyspace, s->table,
                                        db->nodes[request->base.coordinator].schema);
    if (bound->table == NULL)
        unprepared(request, id);
    return bound->table != NULL;
}

static void bound_time(struct db_request *request, struct db_bound *bound, bool has_timestamp,
                       int64_t timestamp_us)
{
    bound->at_us = has_timestamp ? timestamp_us : STORE_NEVER_US;
    bound->version = request->base.db->nodes[request->base.coordinator].schema;
    bound->now_s = db_statement_now_s(request->base.db, request->base.coordinator);
}

static void execute_select(struct db_request *request, const struct db_bound *bound,
                           const struct cql_query *query)
{
    struct db_target target;
    if (db_system_is(bound->statement)) {
        db_system_select(request, bound);
        return;
    }
    request->base.db->counts.reads++;
    if (!db_statement_target(request, bound, &request->arena, &target))
        return;
    target.page_size = query->page_size;
    if (query->paging_state.data != NULL && query->paging_state.len >= 24) {
        target.has_from = true;
        target.from_token = (int64_t)be64_load(query->paging_state.data);
        target.from_clustering = (int64_t)be64_load(query->paging_state.data + 8);
        target.before = (int64_t)be64_load(query->paging_state.data + 16);
        target.from_key = slice_make(query->paging_state.data + 24, query->paging_state.len - 24);
    }
    if (query->consistency == CQL_CONSISTENCY_SERIAL ||
        query->consistency == CQL_CONSISTENCY_LOCAL_SERIAL)
        db_paxos_read(request, bound, &target);
    else
        db_read_start(request, bound, &target);
}

static void execute_write(struct db_request *request, const struct db_bound *bound)
{
    struct database *db = request->base.db;
    struct mutation *mutation;
    struct slice key;

    if (!db_statement_key(request, bound, &db->arena, &key))
        return;
    mutation = db_mutation_new(&db->arena, bound->table->keyspace, key, 1);
    if (db_statement_mutate(request, bound, &db->arena, mutation))
        db_write_start(request, &mutation, 1);
}

static void execute_query(struct db_request *request)
{
    struct database *db = request->base.db;
    struct cql_query query = {.page_size = 0};
    const struct db_text *text;
    struct wire wire;

    wire_init_decode(&wire, request->body, &request->arena);
    (request->opcode == CQL_QUERY ? cql_query_walk : cql_execute_walk)(&wire, &query);
    if (wire.error < 0) {
        db_request_refuse(request, CQL_ERROR_PROTOCOL, "the frame cannot be decoded");
        return;
    }
    request->consistency = query.consistency;
    request->serial_consistency = query.serial_consistency;
    text = request->opcode == CQL_QUERY
               ? find_text(db, query.text)
               : find_prepared(&db->nodes[request->base.coordinator], query.prepared_id);
    if (text == NULL) {
        unprepared(request, query.prepared_id);
        return;
    }
    struct db_bound bound = {
        .statement = text->statement, .values = query.values, .value_count = query.value_count};
    bound_time(request, &bound, query.has_timestamp, query.timestamp_us);
    if (text->statement->kind > DB_DELETE) {
        db_schema_execute(request, text->statement);
        return;
    }
    if (request->opcode == CQL_QUERY ? !find_table(request, &bound)
                                     : !find_prepared_table(request, &bound, query.prepared_id))
        return;
    if (!db_statement_check(request, &bound))
        return;
    if (text->statement->kind == DB_SELECT)
        execute_select(request, &bound, &query);
    else if (db_is_conditional(text->statement))
        db_paxos_write(request, &bound);
    else
        execute_write(request, &bound);
}

static struct mutation *mutation_of(struct mutation **mutations, unsigned *count,
                                    struct database *db, const struct db_bound *bound,
                                    struct slice key, unsigned changes_max)
{
    for (unsigned i = 0; i < *count; i++)
        if (slice_equal(mutations[i]->key, key) &&
            strcmp(mutations[i]->keyspace, bound->table->keyspace) == 0)
            return mutations[i];
    mutations[*count] = db_mutation_new(&db->arena, bound->table->keyspace, key, changes_max);
    return mutations[(*count)++];
}

static bool bind_statement(struct db_request *request, const struct cql_batch_request *batch,
                           unsigned i, struct db_bound *bound)
{
    struct database *db = request->base.db;
    const struct cql_batch_statement *one = &batch->statements[i];
    const struct db_text *text =
        one->text.data != NULL
            ? find_text(db, one->text)
            : find_prepared(&db->nodes[request->base.coordinator], one->prepared_id);
    if (text == NULL) {
        unprepared(request, one->prepared_id);
        return false;
    }
    *bound = (struct db_bound){
        .statement = text->statement, .values = one->values, .value_count = one->value_count};
    bound_time(request, bound, batch->has_timestamp, batch->timestamp_us);
    if (bound->statement->kind == DB_SELECT || bound->statement->kind > DB_DELETE ||
        db_is_conditional(bound->statement))
        db_die("in a batch", bound->statement->text);
    return (one->text.data != NULL ? find_table(request, bound)
                                   : find_prepared_table(request, bound, one->prepared_id)) &&
           db_statement_check(request, bound);
}

static void execute_batch(struct db_request *request)
{
    struct database *db = request->base.db;
    struct cql_batch_request batch = {.type = CQL_BATCH_LOGGED};
    struct wire wire;
    unsigned count = 0;

    wire_init_decode(&wire, request->body, &request->arena);
    cql_batch_request_walk(&wire, &batch);
    if (wire.error < 0) {
        db_request_refuse(request, CQL_ERROR_PROTOCOL, "the frame cannot be decoded");
        return;
    }
    request->consistency = batch.consistency;
    struct mutation **mutations =
        db_take(&request->arena, ((size_t)batch.statement_count + 1) * sizeof(struct mutation *));
    for (unsigned i = 0; i < batch.statement_count; i++) {
        struct db_bound bound;
        struct slice key;
        if (!bind_statement(request, &batch, i, &bound) ||
            !db_statement_key(request, &bound, &db->arena, &key) ||
            !db_statement_mutate(
                request, &bound, &db->arena,
                mutation_of(mutations, &count, db, &bound, key, batch.statement_count)))
            return;
    }
    if (count == 0)
        db_request_void(request);
    else
        db_write_start(request, mutations, count);
}

/* --- the door --- */

static void answer_supported(struct db_request *request)
{
    struct slice version = SLICE_LITERAL("3.4.7");
    struct cql_choice option = {SLICE_LITERAL("CQL_VERSION"), &version, 1};
    struct cql_supported supported = {&option, 1};
    answer_walk(request, CQL_SUPPORTED, cql_supported_walk, &supported);
}

static void register_events(struct db_request *request)
{
    struct cql_register events = {.event_count = 0};
    struct wire wire;
    wire_init_decode(&wire, request->body, &request->arena);
    cql_register_walk(&wire, &events);
    for (uint16_t i = 0; i < events.event_count; i++) {
        if (slice_equal(events.events[i], SLICE_LITERAL("SCHEMA_CHANGE")))
            request->session->wants_schema = true;
        if (slice_equal(events.events[i], SLICE_LITERAL("STATUS_CHANGE")))
            request->session->wants_status = true;
    }
    db_request_answer(request, CQL_READY, SLICE_LITERAL(""));
}

static void request_execute(struct db_event *event)
{
    struct db_request *request = (struct db_request *)(void *)event->operation;
    switch (request->opcode) {
    case CQL_OPTIONS:
        answer_supported(request);
        return;
    case CQL_STARTUP:
        db_request_answer(request, CQL_READY, SLICE_LITERAL(""));
        return;
    case CQL_REGISTER:
        register_events(request);
        return;
    case CQL_PREPARE:
        execute_prepare(request);
        return;
    case CQL_QUERY:
    case CQL_EXECUTE:
        execute_query(request);
        return;
    case CQL_BATCH:
        execute_batch(request);
        return;
    default:
        db_request_refuse(request, CQL_ERROR_PROTOCOL, "Unexpected message");
    }
}

static bool refused_at_the_door(struct db_request *request)
{
    struct database *db = request->base.db;
    if (db_fires(db, DATABASE_REFUSED_OVERLOADED, request->base.key, 0)) {
        db_request_refuse(request, CQL_ERROR_OVERLOADED,
                          "Request breached global limit of 50 requests/second.");
    } else if (db_fires(db, DATABASE_REFUSED_BOOTSTRAPPING, request->base.key, 0)) {
        db_request_refuse(request, CQL_ERROR_BOOTSTRAPPING, "Cannot achieve consistency level");
    } else if (db_fires(db, DATABASE_REQUEST_LOST, request->base.key, 0)) {
        db_session_hang_up(request->session);
    } else {
        return false;
    }
    return true;
}

static enum db_work work_of(uint8_t opcode, struct slice body)
{
    if (opcode == CQL_BATCH)
        return WORK_DATA;
    if (opcode != CQL_QUERY && opcode != CQL_EXECUTE)
        return WORK_SYSTEM;
    if (opcode == CQL_EXECUTE || body.len < 64)
        return WORK_READ;
    /* by its first words: "SELECT ... FROM system" is not told apart from other reads */
    return body.data[4] == 'S' ? WORK_READ : WORK_CONTROL;
}

static struct db_request *request_new(struct database_session *session, int16_t stream,
                                      uint8_t opcode, struct slice body)
{
    struct database *db = session->db;
    struct db_request *request = calloc(1, sizeof(*request));
    enum db_work work = work_of(opcode, body);
    if (request == NULL)
        abort();
    db_operation_init(
        &request->base, db, session->at,
        (struct db_key){session->at * 16 + work, ++db->nodes[session->at].counters[work]}, NULL,
        request_free);
    request->session = session;
    session->references++;
    request->stream = stream;
    request->opcode = opcode;
    arena_init(&request->arena, &alloc_heap, 4096, SIZE_MAX / 2);
    request->body = arena_copy(opcode == CQL_BATCH ? &db->arena : &request->arena, body);
    return request;
}

void db_request_start(struct database_session *session, int16_t stream, uint8_t opcode,
                      struct slice body)
{
    static const enum database_fault at_the_end[] = {DATABASE_ANSWER_LOST, DATABASE_ANSWER_LATE,
                                                     DATABASE_GARBAGE, DATABASE_WRONG_STREAM};
    struct database *db = session->db;
    struct db_request *request = request_new(session, stream, opcode, body);
    struct db_key key = request->base.key;
    int64_t delay_us = 50;
    bool is_work = opcode == CQL_PREPARE || opcode == CQL_QUERY || opcode == CQL_EXECUTE ||
                   opcode == CQL_BATCH;

    db->counts.requests++;
    if (is_work) {
        if (db_fires(db, DATABASE_UNPREPARED, key, 0))
            database_evict(db, session->at);
        for (size_t i = 0; i < sizeof(at_the_end) / sizeof(at_the_end[0]); i++)
            if (db_fires(db, at_the_end[i], key, 0))
                request->door |= UINT64_C(1) << at_the_end[i];
        if (db_fires(db, DATABASE_REQUEST_LATE, key, 0))
            delay_us = db_draw_between(db, key, 1, PURPOSE_ANSWER, 100 * MS_US, 60 * SECOND_US);
    }
    if (!is_work || !refused_at_the_door(request))
        (void)db_at_node(db, session->at, delay_us, request_execute, &request->base);
    db_operation_unref(&request->base);
}
