/*
 * A node that has forgotten a statement says so for one id at a time. The statement is then
 * prepared on that link, once however many requests miss it, and with it those next to it in the
 * list that the same body uses: they were prepared together and are likely to be forgotten
 * together. The requests wait at the link, in their places in the window, until it has nothing left
 * to prepare; then they are sent again. At the third time in a row a request goes elsewhere: a node
 * whose cache does not hold its statements would go round for ever.
 *
 * A node may give a statement another id than the one that bodies were encoded with (servers have
 * changed their rule for ids: CASSANDRA-15252, CASSANDRA-17248). Such a body never runs there; it
 * goes to nodes that know the old id, and when there is none it is refused, for its caller to
 * encode it again. So that one node knows all ids of a body, statements are first prepared on one
 * node, as long as it is well (routing.c).
 */
#include "core/cluster/cluster_internal.h"

static struct preparation *preparation_find(struct list *preparations,
                                            const struct cluster_statement *statement)
{
    LIST_EACH(it, preparations)
    {
        struct preparation *preparation = LIST_ENTRY(it, struct preparation, node);
        if (preparation->statement == statement)
            return preparation;
    }
    return NULL;
}

static void preparation_free(struct cluster *cluster, struct preparation *preparation)
{
    list_remove(&preparation->node);
    alloc_free(cluster->alloc, preparation, sizeof(*preparation));
}

/* Those that wait for `statement` at `link`, into `waiting`. */
static void take_waiting(struct link *link, const struct cluster_statement *statement,
                         struct list *waiting)
{
    list_init(waiting);
    LIST_EACH_SAFE(it, after, &link->unprepared)
    {
        if (LIST_ENTRY(it, struct cluster_request, node)->missing != statement)
            continue;
        list_remove(it);
        list_append(waiting, it);
    }
}

static void refuse_waiting(struct link *link, const struct cluster_statement *statement,
                           const struct cql_error *error, struct moment now)
{
    struct list waiting;
    take_waiting(link, statement, &waiting);
    while (!list_empty(&waiting))
        request_refuse(link->cluster, LIST_ENTRY(waiting.next, struct cluster_request, node),
                       error, now);
}

static void retry_waiting(struct link *link, const struct cluster_statement *statement,
                          struct moment now)
{
    struct list waiting;
    take_waiting(link, statement, &waiting);
    while (!list_empty(&waiting))
        request_retry(link->cluster, LIST_ENTRY(waiting.next, struct cluster_request, node), true,
                      NULL, now);
}

static void run_waiting_elsewhere(struct link *link, const struct cluster_statement *statement,
                                  struct moment now)
{
    struct list waiting;
    take_waiting(link, statement, &waiting);
    while (!list_empty(&waiting))
        request_run_elsewhere(link->cluster, LIST_ENTRY(waiting.next, struct cluster_request, node),
                              now);
}

static void resend_waiting(struct link *link, struct moment now)
{
    while (!list_empty(&link->unprepared) && link->state == LINK_READY)
        request_resend(link->cluster,
                       LIST_ENTRY(link->unprepared.next, struct cluster_request, node), now);
}

static bool is_marked(const struct node *node)
{
    for (uint32_t i = 0; i < node->link_count; i++)
        if (!list_empty(&node->links[i]->mismatched))
            return true;
    return false;
}

static void mark_mismatch(struct link *link, struct preparation *preparation, struct moment now)
{
    struct cluster_statement *statement = preparation->statement;
    char quoted[LOG_QUOTED_BYTES];
    if (!is_marked(link->node)) /* the others will be no different */
        action_log(link->cluster->actions, LOG_WARN, "statement has another id on this node",
                   "node=%s statement=%s help=\"do all nodes run the same version?\"",
                   link->node->name,
                   log_quote(quoted, sizeof(quoted), statement->text, strlen(statement->text)));
    list_append(&link->mismatched, &preparation->node);
    run_waiting_elsewhere(link, statement, now);
}

void preparation_forget(struct cluster *cluster, const struct cluster_statement *statement)
{
    for (size_t i = 0; i < cluster->node_count; i++) {
        for (uint32_t j = 0; j < cluster->nodes[i]->link_count; j++) {
            struct preparation *mark =
                preparation_find(&cluster->nodes[i]->links[j]->mismatched, statement);
            if (mark != NULL)
                preparation_free(cluster, mark);
        }
    }
}

static void now_warm(struct node *node)
{
    if (node->is_warm)
        return;
    node->is_warm = true;
    node->cluster->room_appeared = true;
}

static void preparation_done(struct cluster_request *request, const struct cluster_reply *reply,
                             struct moment now)
{
    struct preparation *preparation = request->context;
    struct cluster_statement *statement = preparation->statement;
    struct link *link = preparation->link;
    struct slice id = SLICE_NULL;
    bool answered = reply->outcome == CLUSTER_DONE &&
                    statement_parse_id(link->cluster, reply->body, &id) == STATUS_OK;
    list_remove(&preparation->node);

    if (answered && !slice_equal(id, slice_make(statement->id, statement->id_len))) {
        mark_mismatch(link, preparation, now);
    } else {
        preparation_free(link->cluster, preparation);
        if (reply->error != NULL && error_verdict(reply->error, false) == VERDICT_REFUSED)
            refuse_waiting(link, statement, reply->error, now);
        else if (!answered)
            retry_waiting(link, statement, now);
    }
    if (list_empty(&link->preparations)) {
        now_warm(link->node);
        resend_waiting(link, now);
    }
}

static int preparation_start(struct link *link, struct cluster_statement *statement,
                             struct moment now)
{
    struct cluster *cluster = link->cluster;
    struct preparation *preparation = alloc_zeroed(cluster->alloc, sizeof(*preparation));
    if (preparation == NULL)
        return STATUS_NOMEM;
    list_init(&preparation->node);
    preparation->link = link;
    preparation->statement = statement;

    struct cluster_request *request = &preparation->request;
    *request = (struct cluster_request){
        .opcode = CQL_PREPARE,
        .body = statement_body(cluster, statement->text),
        .control = true,
        .pinned = true,
        .deadline_us = NEVER_US,
        .done = preparation_done,
        .context = preparation,
        .last_error = -1,
    };
    request_init_lists(request);
    int rc = STATUS_NOMEM;
    if (request->body != NULL)
        rc = request_transmit(cluster, link, request, now);
    if (rc < 0) {
        cql_body_unref(request->body);
        preparation_free(cluster, preparation);
        return rc;
    }
    list_append(&link->preparations, &preparation->node);
    return STATUS_OK;
}

static bool body_has(struct slice body, struct slice bytes)
{
    const uint8_t *at = body.data;
    const uint8_t *end = body.data + body.len;
    while ((size_t)(end - at) >= bytes.len) {
        at = memchr(at, bytes.data[0], (size_t)(end - at) - bytes.len + 1);
        if (at == NULL)
            return false;
        if (memcmp(at, bytes.data, bytes.len) == 0)
            return true;
        at++;
    }
    return false;
}

/* Its failing is no harm: the node will name the statement next time. */
static void prepare_sibling(struct link *link, struct list *node, struct slice body,
                            struct moment now)
{
    struct cluster_statement *statement = LIST_ENTRY(node, struct cluster_statement, node);
    if (statement->id_len == 0 || preparation_find(&link->preparations, statement) != NULL ||
        preparation_find(&link->mismatched, statement) != NULL)
        return;
    if (body_has(body, slice_make(statement->id, statement->id_len)) &&
        preparation_start(link, statement, now) < 0)
        return;
}

static void prepare_siblings(struct cluster *cluster, struct link *link,
                             struct cluster_statement *statement, struct slice body,
                             struct moment now)
{
    struct list *before = statement->node.prev;
    struct list *behind = statement->node.next;
    for (int i = 0; i < SIBLING_STATEMENTS; i++) {
        if (before != &cluster->statements) {
            prepare_sibling(link, before, body, now);
            before = before->prev;
        }
        if (behind != &cluster->statements) {
            prepare_sibling(link, behind, body, now);
            behind = behind->next;
        }
    }
}

void preparation_require(struct cluster *cluster, struct link *link,
                         struct cluster_request *request, const struct cql_error *error,
                         struct moment now)
{
    struct cluster_statement *statement = statement_by_id(cluster, error->prepared_id);

    if (statement == NULL) { /* not one of ours, or not by this id any more */
        request_refuse(cluster, request, error, now);
        return;
    }
    if (preparation_find(&link->mismatched, statement) != NULL) {
        request_run_elsewhere(cluster, request, now);
        return;
    }
    if (request->prepares == PREPARES_PER_LINK) {
        request_retry(cluster, request, true, error, now);
        return;
    }
    if (preparation_find(&link->preparations, statement) == NULL &&
        preparation_start(link, statement, now) < 0) {
        request_retry(cluster, request, true, error, now);
        return;
    }
    prepare_siblings(cluster, link, statement, buf_unread(&request->body->buf), now);
    request->prepares++;
    request->last_error = error->code;
    request->missing = statement;
    request->state = REQUEST_UNPREPARED;
    list_remove(&request->node);
    list_append(&link->unprepared, &request->node);
}

/* The newest, as far as they go at once: what is left out is prepared when it is missed. A node that
 * has them already (from before it started again) answers at once. */
void preparation_warm_up(struct link *link, struct moment now)
{
    struct cluster *cluster = link->cluster;
    int count = 0;
    link->node->is_warm = false;
    for (struct list *it = cluster->statements.prev;
         it != &cluster->statements && count < WARM_UP_STATEMENTS; it = it->prev) {
        struct cluster_statement *statement = LIST_ENTRY(it, struct cluster_statement, node);
        if (statement_is_in_use(statement) && preparation_start(link, statement, now) == STATUS_OK)
            count++;
    }
    if (count == 0)
        now_warm(link->node);
}

void preparation_link_lost(struct link *link, struct moment now)
{
    while (!list_empty(&link->unprepared))
        request_lost(link->cluster, LIST_ENTRY(link->unprepared.next, struct cluster_request, node),
                     now);
    preparation_deinit(link);
    now_warm(link->node); /* its other links, if any, must not wait for these */
}

void preparation_deinit(struct link *link)
{
    LIST_EACH_SAFE(mark, behind, &link->mismatched)
    preparation_free(link->cluster, LIST_ENTRY(mark, struct preparation, node));
    LIST_EACH_SAFE(it, after, &link->preparations)
    {
        struct preparation *preparation = LIST_ENTRY(it, struct preparation, node);
        cluster_cancel(link->cluster, &preparation->request);
        preparation_free(link->cluster, preparation);
    }
}
