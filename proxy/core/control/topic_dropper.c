/*
 * Deleting a topic, one at a time:
 *
 *      row `deleting`, by transaction: this gateway stops at once
 *        -> the version is raised: the others look, and stop
 *        -> are there others? then a lease passes: whoever still leads after it has looked
 *        -> the table's name is written down as one not to be given again soon
 *        -> is the table the topic's? -> DROP TABLE
 *        -> the index rows -> the row, by transaction
 *
 * Every step may be repeated, by whoever and at any time later: a row at `deleting` is finished by
 * the next gateway that loads it. What is late cannot meet the topic's successor: that has another
 * id, a table of another name (topic_maker.c), and index rows under its own id.
 */
#include "core/control/control_internal.h"

#include <stdio.h>

enum {
    UNKNOWN_TOPIC = 3,
    TIMED_OUT = 7,
    STORAGE = 56,
    TABLE_LOOKS = 5, /* several nodes are asked before a table counts as gone */
};

#define LOOK_AGAIN_US    (SECOND_US / 10)
#define REFUSED_AGAIN_US (30 * SECOND_US)
/* The index rows' delete lies ahead of all that any leader's clock can have said: the topic's id
 * never comes back. */
#define INDEX_AHEAD_US (3600 * SECOND_US)

static void dropper_expect(struct topic_dropper *dropper, enum topic_dropper_state state,
                           struct moment now);

static struct topic_dropper_job *job_of(struct list *node)
{
    return LIST_ENTRY(node, struct topic_dropper_job, node);
}

static struct topic_dropper_job *current_job(const struct topic_dropper *dropper)
{
    return job_of(dropper->jobs.next);
}

static struct topic_wait *wait_of(struct list *node)
{
    return LIST_ENTRY(node, struct topic_wait, node);
}

static void plan(struct topic_dropper *dropper, struct moment now)
{
    if (dropper->state == DROPPER_IDLE && !list_empty(&dropper->jobs))
        task_sleep(&dropper->task, current_job(dropper)->from_us - now.boot_us, now);
}

static void job_finish(struct topic_dropper *dropper, int16_t error, const char *text,
                       struct moment now)
{
    const struct alloc *alloc = dropper->task.control->alloc;
    struct topic_dropper_job *job = current_job(dropper);

    dropper->state = DROPPER_IDLE;
    task_cancel(&dropper->task);
    list_remove(&job->node); /* the callbacks may ask for more */
    plan(dropper, now);
    while (!list_empty(&job->waits)) {
        struct topic_wait *wait = wait_of(job->waits.next);
        list_remove(&wait->node);
        wait->done(wait->context, error, text, now);
        alloc_free(alloc, wait, sizeof(*wait));
    }
    alloc_free(alloc, job, sizeof(*job));
}

static void topic_is_gone(struct topic_dropper *dropper, struct moment now)
{
    struct control *control = dropper->task.control;
    const struct topic_dropper_job *job = current_job(dropper);
    struct topic_record *record = topic_store_find(&control->topics, slice_cstr(job->name));

    if (record != NULL && memcmp(record->topic_id, job->topic_id, 16) == 0)
        topic_store_gone(&control->topics, record, now);
}

/* The row as it stands in the table; the strings are ours. */
static void row_is_known(struct topic_dropper *dropper, struct moment now)
{
    struct control *control = dropper->task.control;

    if (memcmp(dropper->row.topic_id, current_job(dropper)->topic_id, 16) != 0) {
        topic_is_gone(dropper, now);
        job_finish(dropper, UNKNOWN_TOPIC, "the topic is another one by now", now);
        return;
    }
    if (dropper->row.state == TOPIC_CREATING) {
        task_sleep(&dropper->task, SECOND_US, now); /* it has to be made before */
        return;
    }
    if (dropper->row.state == TOPIC_LIVE) {
        dropper_expect(dropper, DROPPER_EXPECT_DELETING, now);
        return;
    }
    if (topic_store_put(&control->topics, &dropper->row, now) < 0)
        action_log(control->actions, LOG_ERROR, "out of memory", "topic=%s", dropper->row.name);
    dropper->ticket = topic_watch_raise(&control->watch, now);
    dropper_expect(dropper, DROPPER_EXPECT_RAISED, now);
}

static void row_answer(struct topic_dropper *dropper, const struct answer *answer,
                       struct moment now)
{
    if (!cql_result_next_row(answer->result)) {
        topic_is_gone(dropper, now);
        job_finish(dropper, 0, "", now);
    } else if (topic_row_read(answer, &dropper->text, &dropper->row)) {
        row_is_known(dropper, now);
    } else {
        job_finish(dropper, STORAGE, "the topic's row in sluice_topics is not understood", now);
    }
}

void topic_dropper_raised(struct topic_dropper *dropper, struct moment now)
{
    if (dropper->state == DROPPER_EXPECT_RAISED &&
        topic_watch_has(&dropper->task.control->watch, dropper->ticket))
        dropper_expect(dropper, DROPPER_EXPECT_MEMBERS, now);
}

/* Asked after the version was raised: whoever joins later reads it before it leads. */
static void members_answer(struct topic_dropper *dropper, const struct answer *answer,
                           struct moment now)
{
    struct control *control = dropper->task.control;
    int64_t wait_us = 0;

    while (cql_result_next_row(answer->result)) {
        struct member_row row = {.lease_us = control->config->lease_us};
        if (slice_equal(row_text(answer, "member"), slice_cstr(control->config->member)))
            continue;
        if (!member_row_read(answer, &row) || row.closed)
            continue;
        int64_t silence_us = member_silence_us(&row);
        wait_us = silence_us > wait_us ? silence_us : wait_us;
    }
    dropper_expect(dropper, wait_us > 0 ? DROPPER_EXPECT_STOPPED : DROPPER_EXPECT_REMEMBERED, now);
    if (wait_us > 0)
        task_sleep(&dropper->task, wait_us, now);
}

static void table_id_answer(struct topic_dropper *dropper, const struct answer *answer,
                            struct moment now)
{
    struct control *control = dropper->task.control;
    bool present = cql_result_next_row(answer->result);
    struct slice id = row_text(answer, "id");

    if (present && slice_equal(id, slice_make(dropper->row.topic_id, 16))) {
        dropper_expect(dropper, DROPPER_EXPECT_DROPPED, now);
        return;
    }
    if (!present && ++dropper->looks < TABLE_LOOKS) {
        task_sleep(&dropper->task, LOOK_AGAIN_US, now);
        return;
    }
    if (present)
        action_log(control->actions, LOG_WARN, "a table is not the topic's and stays",
                   "topic=%s table=\"%s\"", dropper->row.name, dropper->row.table_name);
    dropper_expect(dropper, DROPPER_EXPECT_INDEX_GONE, now);
}

static void index_gone_answer(struct topic_dropper *dropper, struct moment now)
{
    dropper->partition++;
    dropper_expect(dropper,
                   dropper->partition < dropper->row.partitions ? DROPPER_EXPECT_INDEX_GONE
                                                                : DROPPER_EXPECT_ROW_GONE,
                   now);
}

static void row_gone_answer(struct topic_dropper *dropper, const struct answer *answer,
                            struct moment now)
{
    struct control *control = dropper->task.control;

    if (answer->kind == ANSWER_UNKNOWN) {
        task_sleep(&dropper->task, SECOND_US, now); /* it removes only what is `deleting` */
        return;
    }
    topic_is_gone(dropper, now);
    (void)topic_watch_raise(&control->watch, now);
    action_log(control->actions, LOG_INFO, "topic deleted", "topic=%s table=\"%s\"",
               dropper->row.name, dropper->row.table_name);
    job_finish(dropper, 0, "", now);
}

/* What was begun has to end: it is tried again, and told each time. Nothing has begun before the row
 * says so. */
static void refused(struct topic_dropper *dropper, const struct answer *answer, struct moment now)
{
    char quoted[LOG_QUOTED_BYTES], text[TOPIC_SETTING_WHY_BYTES];
    const struct cql_error *error = answer->error;

    log_quote(quoted, sizeof(quoted), error->message.data, error->message.len);
    (void)snprintf(text, sizeof(text), "the database refuses: %s: %.200s",
                   cql_error_text(error->code), quoted);
    action_log(dropper->task.control->actions, LOG_ERROR, "topic could not be deleted",
               "topic=%s error=\"%s\" message=%s", current_job(dropper)->name,
               cql_error_text(error->code), quoted);
    if (dropper->state == DROPPER_EXPECT_DELETING || dropper->state == DROPPER_EXPECT_ROW)
        job_finish(dropper, STORAGE, text, now);
    else
        task_sleep(&dropper->task, REFUSED_AGAIN_US, now);
}

static void dropper_answer(struct task *task, const struct answer *answer, struct moment now)
{
    struct topic_dropper *dropper = LIST_ENTRY(task, struct topic_dropper, task);

    if (answer->kind == ANSWER_REFUSED) {
        refused(dropper, answer, now);
        return;
    }
    switch (dropper->state) {
    case DROPPER_EXPECT_DELETING: /* done or not: the row says how it stands */
        dropper_expect(dropper, DROPPER_EXPECT_ROW, now);
        return;
    case DROPPER_EXPECT_ROW:
        row_answer(dropper, answer, now);
        return;
    case DROPPER_EXPECT_MEMBERS:
        members_answer(dropper, answer, now);
        return;
    case DROPPER_EXPECT_REMEMBERED:
        if (answer->kind == ANSWER_UNKNOWN)
            task_sleep(task, SECOND_US, now);
        else
            dropper_expect(dropper, DROPPER_EXPECT_TABLE_ID, now);
        return;
    case DROPPER_EXPECT_TABLE_ID:
        table_id_answer(dropper, answer, now);
        return;
    case DROPPER_EXPECT_DROPPED:
        dropper_expect(dropper, DROPPER_EXPECT_INDEX_GONE, now);
        return;
    case DROPPER_EXPECT_INDEX_GONE:
        index_gone_answer(dropper, now);
        return;
    case DROPPER_EXPECT_ROW_GONE:
        row_gone_answer(dropper, answer, now);
        return;
    case DROPPER_IDLE:
    case DROPPER_EXPECT_RAISED:
    case DROPPER_EXPECT_STOPPED:
        return; /* no question is under way in these */
    }
}

static void ask_drop(struct topic_dropper *dropper, struct moment now)
{
    struct control *control = dropper->task.control;
    struct buf text;

    buf_init(&text, control->alloc, 1024);
    int rc = schema_drop_table(control->config->keyspace, dropper->row.table_name, &text);
    task_ask_ddl(&dropper->task, rc, &text, now);
    buf_deinit(&text);
}

static void ask_index_gone(struct topic_dropper *dropper, struct moment now)
{
    uint8_t timestamp[8], partition[4];
    const struct cql_value values[] = {cql_value_i64(timestamp, now.wall_us + INDEX_AHEAD_US),
                                       cql_value_uuid(dropper->row.topic_id),
                                       cql_value_i32(partition, dropper->partition)};

    task_ask_statement(&dropper->task, QUESTION_READ, STATEMENT_SEGMENTS_DELETE, values, 3, now);
}

static void dropper_begin(struct topic_dropper *dropper, struct moment now)
{
    if (list_empty(&dropper->jobs))
        return;
    if (current_job(dropper)->from_us > now.boot_us) {
        plan(dropper, now);
        return;
    }
    dropper->partition = 0;
    dropper->looks = 0;
    dropper_expect(dropper, DROPPER_EXPECT_ROW, now);
}

static void dropper_act(struct task *task, struct moment now)
{
    struct topic_dropper *dropper = LIST_ENTRY(task, struct topic_dropper, task);
    const struct topic_dropper_job *job =
        dropper->state == DROPPER_IDLE ? NULL : current_job(dropper);
    const struct cql_value table[] = {cql_value_text(task->control->config->keyspace),
                                      cql_value_text(dropper->row.table_name)};
    const struct cql_value row[] = {cql_value_text(job == NULL ? "" : job->name),
                                    cql_value_uuid(job == NULL ? dropper->row.topic_id
                                                               : job->topic_id)};
    const struct cql_value dropping[] = {table[1], row[1]};

    switch (dropper->state) {
    case DROPPER_IDLE:
        dropper_begin(dropper, now);
        return;
    case DROPPER_EXPECT_DELETING:
        task_ask_statement(&dropper->task, QUESTION_TRANSACTION, STATEMENT_TOPIC_DELETE, row, 2,
                           now);
        return;
    case DROPPER_EXPECT_ROW:
        task_ask_statement(&dropper->task, QUESTION_SERIAL, STATEMENT_TOPIC_READ, row, 1, now);
        return;
    case DROPPER_EXPECT_RAISED:
        topic_dropper_raised(dropper, now); /* else it is called when that is so */
        return;
    case DROPPER_EXPECT_MEMBERS:
        task_ask_statement(&dropper->task, QUESTION_READ, STATEMENT_MEMBERS_SCAN, NULL, 0, now);
        return;
    case DROPPER_EXPECT_STOPPED:
        dropper_expect(dropper, DROPPER_EXPECT_REMEMBERED, now); /* it slept until then */
        return;
    case DROPPER_EXPECT_REMEMBERED:
        task_ask_statement(&dropper->task, QUESTION_TRANSACTION, STATEMENT_TABLE_DROPPING, dropping,
                           2, now);
        return;
    case DROPPER_EXPECT_TABLE_ID:
        task_ask_statement(&dropper->task, QUESTION_LOCAL, STATEMENT_TABLE_ID, table, 2, now);
        return;
    case DROPPER_EXPECT_DROPPED:
        ask_drop(dropper, now);
        return;
    case DROPPER_EXPECT_INDEX_GONE:
        ask_index_gone(dropper, now);
        return;
    case DROPPER_EXPECT_ROW_GONE:
        task_ask_statement(&dropper->task, QUESTION_TRANSACTION, STATEMENT_TOPIC_DELETED, row, 2,
                           now);
        return;
    }
}

/* The one setter. */
static void dropper_expect(struct topic_dropper *dropper, enum topic_dropper_state state,
                           struct moment now)
{
    dropper->state = state;
    if (state != DROPPER_EXPECT_STOPPED) /* that sleeps first */
        dropper_act(&dropper->task, now);
}

void topic_dropper_init(struct topic_dropper *dropper, struct control *control)
{
    *dropper = (struct topic_dropper){.state = DROPPER_IDLE};
    list_init(&dropper->jobs);
    task_init(&dropper->task, control, "a topic's end", dropper_act, dropper_answer);
}

void topic_dropper_deinit(struct topic_dropper *dropper)
{
    const struct alloc *alloc = dropper->task.control->alloc;

    LIST_EACH_SAFE (it, after, &dropper->jobs) {
        LIST_EACH_SAFE (at, after_wait, &job_of(it)->waits)
            alloc_free(alloc, wait_of(at), sizeof(struct topic_wait));
        alloc_free(alloc, job_of(it), sizeof(struct topic_dropper_job));
    }
}

static struct topic_dropper_job *find_job(struct topic_dropper *dropper, const uint8_t topic_id[16])
{
    LIST_EACH (it, &dropper->jobs)
        if (memcmp(job_of(it)->topic_id, topic_id, 16) == 0)
            return job_of(it);
    return NULL;
}

/* By from_us, behind the one under way. */
static void insert_job(struct topic_dropper *dropper, struct topic_dropper_job *job)
{
    struct list *at = dropper->jobs.prev;
    const struct list *first =
        dropper->state == DROPPER_IDLE ? &dropper->jobs : dropper->jobs.next;

    while (at != first && at != &dropper->jobs && job_of(at)->from_us > job->from_us)
        at = at->prev;
    list_prepend(at, &job->node);
}

static struct topic_dropper_job *job_new(struct topic_dropper *dropper, struct slice name,
                                         const uint8_t topic_id[16], int64_t from_us)
{
    struct topic_dropper_job *job = alloc_zeroed(dropper->task.control->alloc, sizeof(*job));

    if (job == NULL)
        return NULL;
    memcpy(job->topic_id, topic_id, 16);
    memcpy(job->name, name.data, name.len);
    job->from_us = from_us;
    list_init(&job->waits);
    list_init(&job->node);
    insert_job(dropper, job);
    return job;
}

void topic_dropper_add(struct topic_dropper *dropper, struct slice name,
                       const uint8_t topic_id[16], int64_t delay_us, control_done done,
                       void *context, struct moment now)
{
    const struct alloc *alloc = dropper->task.control->alloc;
    struct topic_dropper_job *job = find_job(dropper, topic_id);
    struct topic_wait *wait = done == NULL ? NULL : alloc_zeroed(alloc, sizeof(*wait));

    if (done != NULL && wait == NULL) {
        done(context, TIMED_OUT, "out of memory", now);
        return;
    }
    if (job == NULL)
        job = job_new(dropper, name, topic_id, now.boot_us + delay_us);
    if (job == NULL) {
        alloc_free(alloc, wait, sizeof(*wait));
        if (done != NULL)
            done(context, TIMED_OUT, "out of memory", now);
        return;
    }
    if (wait != NULL) {
        *wait = (struct topic_wait){.done = done, .context = context};
        list_append(&job->waits, &wait->node);
    }
    if (now.boot_us + delay_us < job->from_us && dropper->state == DROPPER_IDLE) {
        job->from_us = now.boot_us + delay_us; /* somebody waits for it now */
        list_remove(&job->node);
        insert_job(dropper, job);
    }
    plan(dropper, now);
}
