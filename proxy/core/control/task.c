/*
 * A state machine's conversation with the database.
 *
 * A machine never sees "try again": that a node could not be reached, that a table made seconds ago
 * is not known everywhere yet, that memory was short, ends here with a sleep, after which the
 * machine acts again in the same state. Only what changes a machine's mind is an answer.
 */
#include "core/control/control_internal.h"
#include "proto/murmur3.h"

#define AGAIN_US         INT64_C(200000)
#define REFUSED_AGAIN_US SECOND_US
#define QUESTIONS_MAX    200 /* of one machine in a second: none asks so many but in a circle */
#define PATIENCE_US      (5 * SECOND_US) /* then it is said what is waited for, and asked again */
#define DDL_PATIENCE_US                                                                            \
    (60 * SECOND_US) /* DDL takes 0.2 to 16 s; asking twice at once makes it slower */
#define TELL_EVERY_US      (10 * SECOND_US)
#define TABLES_PATIENCE_US (60 * SECOND_US) /* at start, for tables that one node knows */

static struct task *task_of(struct list *node)
{
    return LIST_ENTRY(node, struct task, node);
}

void task_init(struct task *task, struct control *control, const char *what,
               void (*act)(struct task *task, struct moment now),
               void (*answer)(struct task *task, const struct answer *answer, struct moment now))
{
    *task = (struct task){.control = control, .what = what, .act = act, .answer = answer};
    list_init(&task->node);
}

void task_sleep(struct task *task, int64_t delay_us, struct moment now)
{
    struct list *sleeping = &task->control->sleeping;
    list_remove(&task->node);
    task->wake_us = now.boot_us + (delay_us > 0 ? delay_us : 1);
    struct list *at = sleeping->prev;
    while (at != sleeping && task_of(at)->wake_us > task->wake_us)
        at = at->prev;
    list_prepend(at, &task->node);
}

void task_cancel(struct task *task)
{
    list_remove(&task->node);
    if (task->call != NULL)
        cluster_call_cancel(task->control->cluster, task->call);
    task->call = NULL;
    if (task->control->ddl_task == task)
        task->control->ddl_task = NULL;
}

bool task_is_busy(const struct task *task)
{
    return task->call != NULL || !list_empty(&task->node);
}

int64_t tasks_deadline_us(const struct control *control)
{
    return list_empty(&control->sleeping) ? NEVER_US : task_of(control->sleeping.next)->wake_us;
}

void tasks_tick(struct control *control, struct moment now)
{
    while (tasks_deadline_us(control) <= now.boot_us) {
        struct task *task = task_of(control->sleeping.next);
        list_remove(&task->node);
        task->act(task, now);
    }
}

static void tell_waiting(struct task *task, const struct cluster_reply *reply, struct moment now)
{
    struct control *control = task->control;
    struct cluster_facts facts;
    char quoted[LOG_QUOTED_BYTES];

    if (control->told_us != 0 && now.boot_us - control->told_us < TELL_EVERY_US)
        return;
    control->told_us = now.boot_us;
    cluster_get_facts(control->cluster, &facts);
    const char *reason = facts.last_error;
    if (reply->error != NULL)
        reason = cql_error_text(reply->error->code);
    else if (facts.ready_links > 0)
        reason = "no answer";
    action_log(control->actions, LOG_WARN, "waiting for the database",
               "for=\"%s\" links=%u/%u reason=%s", task->what, facts.ready_links, facts.links,
               log_quote(quoted, sizeof(quoted), reason, strlen(reason)));
}

static bool contains(struct slice text, const char *part)
{
    size_t len = strlen(part);
    for (size_t i = 0; i + len <= text.len; i++)
        if (memcmp(text.data + i, part, len) == 0)
            return true;
    return false;
}

/* Other nodes refuse a new table for up to a second: "does not exist", "unconfigured table"
 * before 4.0. A table that this process did not make may be as new: another gateway made it while
 * both started. */
static bool is_not_there_yet(const struct control *control, const struct cql_error *error,
                             struct moment now)
{
    int64_t since_us = control->last_ddl_us;
    int64_t patience_us = DDL_SETTLES_US;
    if (!boot_is_over(control)) { /* the database may have come late, and the tables after it */
        patience_us = TABLES_PATIENCE_US;
        if (since_us < control->boot.started_us)
            since_us = control->boot.started_us;
    }
    return error->code == CQL_ERROR_INVALID && since_us != 0 &&
           now.boot_us - since_us < patience_us &&
           (contains(error->message, "does not exist") || contains(error->message, "unconfigured"));
}

static enum answer_kind transaction_kind(struct cql_result *result)
{
    int column = cql_result_column(result, "[applied]");
    bool applied;
    if (!cql_result_next_row(result) || column < 0 ||
        !cql_cell_bool(cql_result_cell(result, (size_t)column), &applied))
        return ANSWER_UNKNOWN;
    return applied ? ANSWER_APPLIED : ANSWER_NOT_APPLIED;
}

static void task_done(struct task *task, const struct cluster_reply *reply, struct moment now)
{
    struct control *control = task->control;
    struct cql_result result;
    struct answer answer = {.kind = ANSWER_ROWS, .result = &result};
    bool transaction = task->asked_kind == QUESTION_TRANSACTION;

    arena_reset(&control->arena);
    int rc = cql_result_open(reply->body, &control->arena, &result);
    if (rc == STATUS_OK && transaction)
        answer.kind = transaction_kind(&result);
    if (rc < 0 && !transaction) {
        action_log(control->actions, LOG_ERROR, "answer not understood", "for=\"%s\" reason=\"%s\"",
                   task->what, status_text(rc));
        task_sleep(task, REFUSED_AGAIN_US, now);
        return;
    }
    if (rc < 0)
        answer.kind = ANSWER_UNKNOWN;
    task->answer(task, &answer, now);
}

static void answered(void *context, const struct cluster_reply *reply, bool touched,
                     struct moment now)
{
    struct task *task = context;
    struct control *control = task->control;

    task->call = NULL;
    control->steps++;
    if (task->asked_kind == QUESTION_DDL) {
        control->last_ddl_us = now.boot_us;
        control->ddl_task = NULL;
    }
    switch (reply->outcome) {
    case CLUSTER_DONE:
        task_done(task, reply, now);
        return;
    case CLUSTER_REFUSED:
        if (is_not_there_yet(control, reply->error, now))
            task_sleep(task, AGAIN_US, now);
        else
            task->answer(task, &(struct answer){.kind = ANSWER_REFUSED, .error = reply->error},
                         now);
        return;
    case CLUSTER_GAVE_UP:
        tell_waiting(task, reply, now);
        if (task->asked_kind == QUESTION_TRANSACTION && touched)
            task->answer(task, &(struct answer){.kind = ANSWER_UNKNOWN}, now);
        else
            task_sleep(task, AGAIN_US, now);
        return;
    }
}

static enum cql_consistency consistency_of(const struct control *control, enum question_kind kind)
{
    switch (kind) {
    case QUESTION_SERIAL:
        return control->serial_consistency;
    case QUESTION_LOCAL:
        return CQL_CONSISTENCY_ONE;
    case QUESTION_READ:
    case QUESTION_TRANSACTION:
    case QUESTION_DDL:
        break;
    }
    return control->consistency;
}

/* The partition key of a transaction on one of our tables, which is one column: the first of an
 * INSERT, the first condition of the others. NULL: it is not a marker. */
static const struct cql_value *transaction_key(const struct question *question)
{
    const char *values = strstr(question->text, " VALUES (");
    const char *where = strstr(question->text, " WHERE ");
    const char *equals = where == NULL ? NULL : strstr(where, " = ");
    size_t marker = 0;
    if (values != NULL && where == NULL)
        return values[strlen(" VALUES (")] == '?' ? &question->values[0] : NULL;
    if (equals == NULL || equals[strlen(" = ")] != '?')
        return NULL;
    for (const char *c = question->text; c < equals; c++)
        marker += *c == '?';
    return marker < question->value_count ? &question->values[marker] : NULL;
}

/* A node that leaves each transaction undone at once would be asked again at once, for ever. */
static bool asks_too_often(struct task *task, struct moment now)
{
    if (now.boot_us - task->second_from_us >= SECOND_US) {
        task->second_from_us = now.boot_us;
        task->questions = 0;
    }
    return ++task->questions > QUESTIONS_MAX;
}

void task_ask(struct task *task, const struct question *question, struct moment now)
{
    struct control *control = task->control;
    bool ddl = question->kind == QUESTION_DDL;
    int64_t patience_us = task->patience_us != 0 ? task->patience_us : PATIENCE_US;
    struct cluster_query query = {
        .text = question->text,
        .values = question->values,
        .value_count = question->value_count,
        .consistency = consistency_of(control, question->kind),
        .serial_consistency = control->serial_consistency,
        .page_size = question->page_size,
        .paging_state = question->paging_state,
        .conditional = question->kind == QUESTION_TRANSACTION,
        .deadline_us = now.boot_us + (ddl ? DDL_PATIENCE_US : patience_us),
    };

    if (asks_too_often(task, now) ||
        (ddl && control->ddl_task != NULL)) { /* another machine's; it acts again after it */
        task_sleep(task, AGAIN_US, now);
        return;
    }
    const struct cql_value *key = query.conditional ? transaction_key(question) : NULL;
    if (key != NULL && key->bytes.data != NULL) {
        query.token = murmur3_token(key->bytes.data, key->bytes.len);
        query.has_token = true;
    }
    list_remove(&task->node);
    task->asked_kind = question->kind;
    task->asked = now;
    control->steps++;
    if (ddl)
        control->last_ddl_us = now.boot_us;
    task->call = cluster_ask(control->cluster, &query, answered, task, now);
    if (task->call == NULL)
        task_sleep(task, AGAIN_US, now);
    else if (ddl)
        control->ddl_task = task;
}

void task_ask_statement(struct task *task, enum question_kind kind, enum statement_name statement,
                        const struct cql_value *values, uint16_t count, struct moment now)
{
    const char *text = task->control->texts[statement];
    task_ask(task, &(struct question){kind, text, values, count, 0, SLICE_NULL}, now);
}

void task_ask_ddl(struct task *task, int rc, struct buf *text, struct moment now)
{
    if (rc == STATUS_OK)
        rc = buf_append(text, slice_make("", 1));
    if (rc < 0) {
        task_sleep(task, SECOND_US, now);
        return;
    }
    const char *ddl = (const char *)buf_unread(text).data;
    task_ask(task, &(struct question){.kind = QUESTION_DDL, .text = ddl}, now);
}

void task_refused(struct task *task, const struct answer *answer, struct moment now)
{
    struct control *control = task->control;
    char quoted[LOG_QUOTED_BYTES];
    const struct cql_error *error = answer->error;

    log_quote(quoted, sizeof(quoted), error->message.data, error->message.len);
    if (!boot_is_over(control)) {
        boot_fatal(control, 78, "the database refuses %s: %s: %s", task->what,
                   cql_error_text(error->code), quoted);
        return;
    }
    action_log(control->actions, LOG_ERROR, "refused by the database",
               "for=\"%s\" error=\"%s\" message=%s", task->what, cql_error_text(error->code),
               quoted);
    task_sleep(task, REFUSED_AGAIN_US, now);
}

static struct slice row_cell(const struct answer *answer, const char *column)
{
    int at = cql_result_column(answer->result, column);
    return at < 0 ? SLICE_NULL : cql_result_cell(answer->result, (size_t)at);
}

struct slice row_text(const struct answer *answer, const char *column)
{
    struct slice cell = row_cell(answer, column);
    return cell.data == NULL ? SLICE_LITERAL("") : cell;
}

bool row_i32(const struct answer *answer, const char *column, int32_t *value)
{
    return cql_cell_i32(row_cell(answer, column), value);
}

bool row_i64(const struct answer *answer, const char *column, int64_t *value)
{
    return cql_cell_i64(row_cell(answer, column), value);
}

bool row_is_true(const struct answer *answer, const char *column)
{
    bool value = false;
    return cql_cell_bool(row_cell(answer, column), &value) && value;
}
