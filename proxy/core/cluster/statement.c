/*
 * Statements by text. The first who asks for a text causes one PREPARE, on whatever link takes it;
 * all who ask meanwhile wait for the same answer, each until its own deadline. The id counts for
 * every node: one that does not know it says UNPREPARED (preparation.c).
 */
#include "core/cluster/cluster_internal.h"

#define STATEMENT_BODY_MAX_BYTES ((size_t)64 * 1024)

struct statement {
    struct cluster_statement shared; /* first; in cluster.statements */
    struct cluster *cluster;
    struct cluster_request request; /* REQUEST_IDLE: not being prepared */
    struct list waiters;
    bool forgotten; /* the id still names what was sent with it, but new callers prepare again */
    size_t bytes;
    char text[];
};

struct statement_waiter {
    struct statement *statement;
    cluster_prepared prepared;
    void *context;
    int64_t deadline_us;
    struct list node;  /* statement.waiters */
    struct list timed; /* cluster.waiters */
};

static struct statement *statement_of(struct list *node)
{
    return (struct statement *)(void *)LIST_ENTRY(node, struct cluster_statement, node);
}

static struct statement_waiter *waiter_of_timed(struct list *node)
{
    return LIST_ENTRY(node, struct statement_waiter, timed);
}

struct cql_body *statement_body(struct cluster *cluster, const char *text)
{
    struct cql_body *body = cql_body_new(cluster->alloc, STATEMENT_BODY_MAX_BYTES);
    if (body == NULL)
        return NULL;
    if (cql_prepare_encode(&body->buf, slice_cstr(text)) == STATUS_OK)
        return body;
    cql_body_unref(body);
    return NULL;
}

bool statement_is_in_use(const struct cluster_statement *statement)
{
    const struct statement *whole = (const struct statement *)(const void *)statement;
    return statement->id_len > 0 && !whole->forgotten;
}

struct cluster_statement *statement_by_id(struct cluster *cluster, struct slice id)
{
    LIST_EACH(it, &cluster->statements)
    {
        struct cluster_statement *statement = LIST_ENTRY(it, struct cluster_statement, node);
        if (statement->id_len > 0 && slice_equal(slice_make(statement->id, statement->id_len), id))
            return statement;
    }
    return NULL;
}

int statement_parse_id(struct cluster *cluster, struct slice body, struct slice *id)
{
    struct cql_result result;
    arena_reset(&cluster->arena);
    int rc = cql_result_open(body, &cluster->arena, &result);
    if (rc < 0)
        return rc;
    if (result.kind != CQL_RESULT_PREPARED || result.prepared_id.len == 0)
        return STATUS_MALFORMED;
    if (result.prepared_id.len > sizeof(((struct cluster_statement *)0)->id))
        return STATUS_LIMIT;
    *id = result.prepared_id;
    return STATUS_OK;
}

static void waiter_call(struct statement_waiter *waiter, struct cluster_statement *statement,
                        const struct cluster_reply *reply, struct moment now)
{
    struct statement_waiter copy = *waiter;
    list_remove(&waiter->node);
    list_remove(&waiter->timed);
    alloc_free(copy.statement->cluster->alloc, waiter, sizeof(*waiter));
    copy.prepared(copy.context, statement, reply, now);
}

static void statement_done(struct cluster_request *request, const struct cluster_reply *reply,
                           struct moment now)
{
    struct statement *statement = request->context;
    struct cluster_reply outcome = *reply;
    struct slice id;

    if (reply->outcome == CLUSTER_DONE) {
        if (statement_parse_id(statement->cluster, reply->body, &id) == STATUS_OK) {
            preparation_forget(statement->cluster, &statement->shared);
            memcpy(statement->shared.id, id.data, id.len);
            statement->shared.id_len = id.len;
            statement->forgotten = false;
        } else {
            char quoted[LOG_QUOTED_BYTES];
            action_log(statement->cluster->actions, LOG_ERROR, "answer to PREPARE cannot be read",
                       "statement=%s",
                       log_quote(quoted, sizeof(quoted), statement->text, strlen(statement->text)));
            outcome = (struct cluster_reply){.outcome = CLUSTER_GAVE_UP};
        }
    }
    /* Aside first: who asks again from its callback joins the next round, not this one. */
    struct list waiting;
    list_init(&waiting);
    LIST_EACH_SAFE(it, after, &statement->waiters)
    {
        list_remove(it);
        list_append(&waiting, it);
    }
    while (!list_empty(&waiting))
        waiter_call(LIST_ENTRY(waiting.next, struct statement_waiter, node),
                    outcome.outcome == CLUSTER_DONE ? &statement->shared : NULL, &outcome, now);
}

static struct statement *statement_find(struct cluster *cluster, const char *text)
{
    LIST_EACH(it, &cluster->statements)
    if (strcmp(statement_of(it)->text, text) == 0)
        return statement_of(it);
    return NULL;
}

static struct statement *statement_new(struct cluster *cluster, const char *text)
{
    size_t text_bytes = strlen(text) + 1;
    struct statement *statement = alloc_zeroed(cluster->alloc, sizeof(*statement) + text_bytes);
    if (statement == NULL)
        return NULL;
    statement->cluster = cluster;
    statement->bytes = sizeof(*statement) + text_bytes;
    memcpy(statement->text, text, text_bytes);
    statement->shared.text = statement->text;
    list_init(&statement->waiters);
    list_append(&cluster->statements, &statement->shared.node);
    return statement;
}

static int statement_ask(struct statement *statement, struct moment now)
{
    if (statement->request.state != REQUEST_IDLE)
        return STATUS_OK;
    struct cql_body *body = statement_body(statement->cluster, statement->text);
    if (body == NULL)
        return STATUS_NOMEM;
    statement->request = (struct cluster_request){
        .opcode = CQL_PREPARE,
        .body = body,
        .control = true,
        .deadline_us = NEVER_US, /* the waiters have deadlines */
        .done = statement_done,
        .context = statement,
    };
    cluster_send(statement->cluster, &statement->request, now);
    cql_body_unref(body);
    return STATUS_OK;
}

static struct statement_waiter *waiter_new(struct statement *statement, int64_t deadline_us)
{
    struct cluster *cluster = statement->cluster;
    struct statement_waiter *waiter = alloc_zeroed(cluster->alloc, sizeof(*waiter));
    if (waiter == NULL)
        return NULL;
    waiter->statement = statement;
    waiter->deadline_us = deadline_us;
    list_append(&statement->waiters, &waiter->node);
    struct list *at = cluster->waiters.prev;
    while (at != &cluster->waiters && waiter_of_timed(at)->deadline_us > deadline_us)
        at = at->prev;
    list_prepend(at, &waiter->timed);
    return waiter;
}

void cluster_prepare(struct cluster *cluster, const char *text, int64_t deadline_us,
                     cluster_prepared prepared, void *context, struct moment now)
{
    const struct cluster_reply no_memory = {.outcome = CLUSTER_GAVE_UP};
    struct statement *statement = statement_find(cluster, text);

    if (statement == NULL)
        statement = statement_new(cluster, text);
    if (statement == NULL) {
        prepared(context, NULL, &no_memory, now);
        return;
    }
    if (statement->shared.id_len > 0 && !statement->forgotten) {
        prepared(context, &statement->shared, NULL, now);
        return;
    }
    struct statement_waiter *waiter = waiter_new(statement, deadline_us);
    if (waiter == NULL) {
        prepared(context, NULL, &no_memory, now);
        return;
    }
    waiter->prepared = prepared;
    waiter->context = context;
    if (statement_ask(statement, now) < 0)
        waiter_call(waiter, NULL, &no_memory, now);
}

void cluster_forget(struct cluster *cluster, struct cluster_statement *statement)
{
    (void)cluster;
    ((struct statement *)(void *)statement)->forgotten = true;
}

int64_t statement_deadline_us(const struct cluster *cluster)
{
    return list_empty(&cluster->waiters) ? NEVER_US
                                         : waiter_of_timed(cluster->waiters.next)->deadline_us;
}

void statement_tick(struct cluster *cluster, struct moment now)
{
    struct list expired;
    list_init(&expired);
    LIST_EACH_SAFE(it, after, &cluster->waiters)
    {
        if (waiter_of_timed(it)->deadline_us > now.boot_us)
            break;
        list_remove(it);
        list_append(&expired, it);
    }
    while (!list_empty(&expired)) {
        struct statement_waiter *waiter = waiter_of_timed(expired.next);
        struct statement *statement = waiter->statement;
        struct cql_error last = {.code = statement->request.last_error};
        struct cluster_reply reply = {.outcome = CLUSTER_GAVE_UP,
                                      .error = last.code < 0 ? NULL : &last};
        waiter_call(waiter, NULL, &reply, now);
        if (list_empty(&statement->waiters))
            cluster_cancel(cluster, &statement->request);
    }
}

void statement_free_all(struct cluster *cluster)
{
    LIST_EACH_SAFE(it, after, &cluster->waiters)
    alloc_free(cluster->alloc, waiter_of_timed(it), sizeof(struct statement_waiter));
    list_init(&cluster->waiters);
    LIST_EACH_SAFE(node, behind, &cluster->statements)
    {
        struct statement *statement = statement_of(node);
        cluster_cancel(cluster, &statement->request);
        alloc_free(cluster->alloc, statement, statement->bytes);
    }
    list_init(&cluster->statements);
}
