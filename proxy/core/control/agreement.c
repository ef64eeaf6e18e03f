/*
 * The nodes as they tell it themselves: each knows its own row (system.local) and the others'
 * (system.peers). Two questions may be answered by two nodes, so one look is system.local once and
 * system.peers until as many nodes were seen as the longest answer promised; taking turns, the
 * nodes then complete each other.
 *
 * A node that is down keeps its old schema version for ever. The first wait for it lasts its full
 * time; after that it is not waited for again as long as it shows that same version.
 */
#include "core/control/control_internal.h"

#define LOOK_AGAIN_US   INT64_C(100000)
#define UNCHANGED_US    (2 * SECOND_US) /* other nodes know a new table after 0.3 to 0.9 s */
#define PEERS_QUESTIONS 4               /* of one look, at most */

static struct node_view *node_get(struct agreement *agreement, struct slice host_id)
{
    const struct alloc *alloc = agreement->task.control->alloc;
    for (size_t i = 0; i < agreement->node_count; i++)
        if (memcmp(agreement->nodes[i].host_id, host_id.data, 16) == 0)
            return &agreement->nodes[i];
    if (agreement->node_count == agreement->node_capacity) {
        size_t capacity = agreement->node_capacity == 0 ? 16 : agreement->node_capacity * 2;
        if (capacity > CLUSTER_NODES_MAX)
            return NULL;
        struct node_view *nodes =
            alloc_resize(alloc, agreement->nodes, agreement->node_capacity * sizeof(*nodes),
                         capacity * sizeof(*nodes));
        if (nodes == NULL)
            return NULL;
        agreement->nodes = nodes;
        agreement->node_capacity = capacity;
    }
    struct node_view *node = &agreement->nodes[agreement->node_count++];
    *node = (struct node_view){.is_late = false};
    memcpy(node->host_id, host_id.data, 16);
    return node;
}

/* Rows without a host id, a data centre or a schema version are half written: no node yet. */
static size_t take_rows(struct agreement *agreement, const struct answer *answer)
{
    size_t rows = 0;
    while (cql_result_next_row(answer->result)) {
        struct slice host_id = row_text(answer, "host_id");
        struct slice version = row_text(answer, "schema_version");
        struct slice data_center = row_text(answer, "data_center");
        struct node_view *node = NULL;
        if (host_id.len == 16 && version.len == 16 && data_center.len > 0 &&
            data_center.len < sizeof(node->data_center))
            node = node_get(agreement, host_id);
        if (node == NULL)
            continue;
        memcpy(node->schema_version, version.data, 16);
        memcpy(node->data_center, data_center.data, data_center.len);
        node->data_center[data_center.len] = '\0';
        node->was_seen = true;
        rows++;
    }
    return rows;
}

static void forget_unseen(struct agreement *agreement)
{
    size_t kept = 0;
    for (size_t i = 0; i < agreement->node_count; i++)
        if (agreement->nodes[i].was_seen)
            agreement->nodes[kept++] = agreement->nodes[i];
    agreement->node_count = kept;
}

static bool is_known_late(const struct node_view *node)
{
    return node->is_late && memcmp(node->late_version, node->schema_version, 16) == 0;
}

static const struct node_view *first_awaited(const struct agreement *agreement)
{
    for (size_t i = 0; i < agreement->node_count; i++)
        if (!is_known_late(&agreement->nodes[i]))
            return &agreement->nodes[i];
    return NULL;
}

static bool nodes_agree(const struct agreement *agreement)
{
    const struct node_view *first = first_awaited(agreement);
    for (size_t i = 0; i < agreement->node_count; i++) {
        const struct node_view *node = &agreement->nodes[i];
        if (!is_known_late(node) && memcmp(node->schema_version, first->schema_version, 16) != 0)
            return false;
    }
    return true;
}

/* The version that most nodes show is the schema; the others are late. */
static void mark_late(struct agreement *agreement)
{
    const struct node_view *most = NULL;
    size_t most_count = 0, late = 0;
    for (size_t i = 0; i < agreement->node_count; i++) {
        size_t count = 0;
        for (size_t j = 0; j < agreement->node_count; j++)
            count += memcmp(agreement->nodes[i].schema_version, agreement->nodes[j].schema_version,
                            16) == 0;
        if (count > most_count) {
            most = &agreement->nodes[i];
            most_count = count;
        }
    }
    for (size_t i = 0; i < agreement->node_count; i++) {
        struct node_view *node = &agreement->nodes[i];
        node->is_late = memcmp(node->schema_version, most->schema_version, 16) != 0;
        memcpy(node->late_version, node->schema_version, 16);
        late += node->is_late;
    }
    action_log(agreement->task.control->actions, LOG_WARN, "nodes do not agree on the schema",
               "nodes=%zu late=%zu after_s=%d", agreement->node_count, late,
               (int)(DDL_SETTLES_US / SECOND_US));
}

static bool is_reached(struct agreement *agreement, int64_t waited_us)
{
    if (agreement->node_count == 0)
        return true;
    if (!nodes_agree(agreement))
        return false;
    const struct node_view *first = first_awaited(agreement);
    bool may_be_old = agreement->wait == AGREEMENT_NEW && agreement->node_count > 1 &&
                      waited_us < UNCHANGED_US && first != NULL &&
                      memcmp(first->schema_version, agreement->version, 16) == 0;
    if (first != NULL && !may_be_old)
        memcpy(agreement->version, first->schema_version, 16);
    return !may_be_old;
}

static void agreement_finish(struct agreement *agreement, struct moment now)
{
    agreement->state = AGREEMENT_IDLE;
    agreement->done(agreement->task.control, now);
}

static void look_is_over(struct agreement *agreement, struct moment now)
{
    int64_t waited_us = now.boot_us - agreement->began_us;

    forget_unseen(agreement);
    bool reached = is_reached(agreement, waited_us);
    if (agreement->wait == AGREEMENT_LOOK || reached) {
        agreement_finish(agreement, now);
        return;
    }
    if (waited_us >= DDL_SETTLES_US) {
        mark_late(agreement);
        agreement_finish(agreement, now);
        return;
    }
    agreement->state = AGREEMENT_EXPECT_LOCAL;
    task_sleep(&agreement->task, LOOK_AGAIN_US, now);
}

static void agreement_act(struct task *task, struct moment now)
{
    struct agreement *agreement = LIST_ENTRY(task, struct agreement, task);
    struct control *control = task->control;
    if (agreement->state == AGREEMENT_EXPECT_LOCAL)
        for (size_t i = 0; i < agreement->node_count; i++)
            agreement->nodes[i].was_seen = false;
    const char *text = agreement->state == AGREEMENT_EXPECT_LOCAL ? control->texts[STATEMENT_LOCAL]
                                                                  : control->texts[STATEMENT_PEERS];
    task_ask(task, &(struct question){.kind = QUESTION_LOCAL, .text = text}, now);
}

static size_t seen_count(const struct agreement *agreement)
{
    size_t seen = 0;
    for (size_t i = 0; i < agreement->node_count; i++)
        seen += agreement->nodes[i].was_seen;
    return seen;
}

static void agreement_answer(struct task *task, const struct answer *answer, struct moment now)
{
    struct agreement *agreement = LIST_ENTRY(task, struct agreement, task);
    if (answer->kind != ANSWER_ROWS) {
        task_refused(task, answer, now);
        return;
    }
    size_t rows = take_rows(agreement, answer);
    if (agreement->state == AGREEMENT_EXPECT_LOCAL) {
        agreement->state = AGREEMENT_EXPECT_PEERS;
        agreement->questions = 0;
        agreement_act(task, now);
        return;
    }
    agreement->questions++;
    if (seen_count(agreement) < rows + 1 && agreement->questions < PEERS_QUESTIONS)
        agreement_act(task, now);
    else
        look_is_over(agreement, now);
}

void agreement_init(struct agreement *agreement, struct control *control)
{
    *agreement = (struct agreement){.state = AGREEMENT_IDLE};
    task_init(&agreement->task, control, "the nodes' schema versions", agreement_act,
              agreement_answer);
}

void agreement_deinit(struct agreement *agreement)
{
    alloc_free(agreement->task.control->alloc, agreement->nodes,
               agreement->node_capacity * sizeof(*agreement->nodes));
}

void agreement_start(struct agreement *agreement, enum agreement_wait wait,
                     void (*done)(struct control *, struct moment), struct moment now)
{
    task_cancel(&agreement->task);
    agreement->done = done;
    agreement->wait = wait;
    agreement->began_us = now.boot_us;
    agreement->state = AGREEMENT_EXPECT_LOCAL;
    agreement_act(&agreement->task, now);
}
