/*
 * Making a topic, one at a time, so that DDL is one statement at a time:
 *
 *    row by transaction, `creating` -> is the table's name free? -> CREATE TABLE with the topic's
 * id -> whose table is it? -> its columns -> is the name still free? -> all nodes agree -> row
 * `live` by transaction
 *
 * Every step may be repeated, by whoever: a row that another gateway, or a former life of this one,
 * left at `creating` is finished the same way. The table's id is the topic's id, always. A table of
 * that name with another id
 *   - belongs to another topic ("a.b" and "a_b"): this topic gets the hashed name;
 *   - belongs to none and has a log table's columns: it was made for us (schema.create: never), its
 * id is taken over;
 *   - has other columns: it is somebody's own. The creation fails, and the row goes.
 *
 * A name is not free for a week after its table was dropped: a DROP or a write that was given up
 * and repeated elsewhere may still be executed by a node that was asleep, and both go by the name.
 * The topic then gets a name with a hash of its id. topic_dropper.c writes the name down before it
 * drops, so that looking again after CREATE leaves no gap.
 */
#include "core/control/control_internal.h"
#include "proto/kill_point.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    NO_ERROR = 0,
    UNKNOWN_TOPIC = 3,
    TIMED_OUT = 7,
    INVALID_TOPIC = 17,
    EXISTS = 36,
    STORAGE = 56
};

#define WAIT_US (20 * SECOND_US)

static void maker_expect(struct topic_maker *maker, enum topic_maker_state state,
                         struct moment now);

static struct topic_job *current_job(const struct topic_maker *maker)
{
    return LIST_ENTRY(maker->jobs.next, struct topic_job, node);
}

static struct topic_wait *wait_of(struct list *node)
{
    return LIST_ENTRY(node, struct topic_wait, node);
}

/* The callbacks may ask for more topics: the job is out of the list before they run. */
static void job_finish(struct topic_maker *maker, struct topic_job *job, int16_t error,
                       const char *text, struct moment now)
{
    const struct alloc *alloc = maker->task.control->alloc;
    list_remove(&job->node);
    while (!list_empty(&job->waits)) {
        struct topic_wait *wait = wait_of(job->waits.next);
        list_remove(&wait->node);
        wait->done(wait->context, error, text, now);
        alloc_free(alloc, wait, sizeof(*wait));
    }
    alloc_free(alloc, job, job->bytes);
}

static void maker_finish(struct topic_maker *maker, struct moment now)
{
    struct topic_job *job = current_job(maker);
    char text[sizeof(maker->error_text)];
    memcpy(text, maker->error_text, sizeof(text));
    maker->state = TOPIC_MAKER_IDLE;
    task_cancel(&maker->task);
    job_finish(maker, job, maker->error, text, now);
    if (!list_empty(&maker->jobs))
        task_sleep(&maker->task, 0, now);
}

__attribute__((format(printf, 3, 4))) static void set_error(struct topic_maker *maker,
                                                            int16_t error, const char *format, ...)
{
    va_list arguments;
    maker->error = error;
    va_start(arguments, format);
    (void)vsnprintf(maker->error_text, sizeof(maker->error_text), format, arguments);
    va_end(arguments);
}

static void begin_row(struct topic_maker *maker, struct moment now)
{
    struct control *control = maker->task.control;
    const struct topic_job *job = current_job(maker);

    maker->hashed = false;
    maker->began_here = false;
    maker->table_made_us = 0;
    set_error(maker, NO_ERROR, "%s", "");
    (void)snprintf(maker->text.name, sizeof(maker->text.name), "%s", job->name);
    schema_table_name(slice_cstr(job->name), false, control->table_name_max,
                      maker->text.table_name);
    maker->row = (struct topic_row){.name = maker->text.name,
                                    .table_name = maker->text.table_name,
                                    .partitions = job->partitions,
                                    .configuration = job->configuration,
                                    .version = 1,
                                    .state = TOPIC_CREATING};
    control_random_uuid(control, maker->row.topic_id);
    const struct topic_record *known = topic_store_find(&control->topics, slice_cstr(job->name));
    if (known != NULL)
        maker_expect(maker, TOPIC_EXPECT_ROW_READ, now);
    else
        maker_expect(maker,
                     control->config->schema_create ? TOPIC_EXPECT_ROW : TOPIC_EXPECT_FOUND_TABLE,
                     now);
}

static void store_row(struct topic_maker *maker, struct moment now)
{
    struct control *control = maker->task.control;
    if (topic_store_put(&control->topics, &maker->row, now) < 0)
        action_log(control->actions, LOG_ERROR, "out of memory", "topic=%s", maker->row.name);
}

static void look_at_name(struct topic_maker *maker, struct moment now)
{
    bool drops = maker->task.control->config->schema_create; /* else nothing is dropped either */
    maker_expect(maker, drops ? TOPIC_EXPECT_NAME : TOPIC_EXPECT_CREATED, now);
}

/* A table of that name was dropped, or is being dropped: the topic takes another name, and another
 * id as well. The row's may be the dropped table's: its INSERT was in doubt, done again, and the
 * first one executed when the topic was gone. */
static void name_answer(struct topic_maker *maker, const struct answer *answer, struct moment now)
{
    if (!cql_result_next_row(answer->result)) {
        maker_expect(maker, TOPIC_EXPECT_CREATED, now);
        return;
    }
    control_random_uuid(maker->task.control, maker->new_id);
    schema_table_name_afresh(slice_cstr(maker->row.name), maker->new_id,
                             maker->task.control->table_name_max, maker->new_name);
    maker_expect(maker, TOPIC_EXPECT_CHANGED, now);
}

static void name_still_answer(struct topic_maker *maker, const struct answer *answer,
                              struct moment now)
{
    if (!cql_result_next_row(answer->result)) {
        maker_expect(maker, TOPIC_EXPECT_AGREEMENT, now);
        return;
    }
    set_error(maker, TIMED_OUT, "table '%s' was dropped meanwhile; try again",
              maker->row.table_name);
    maker_expect(maker, TOPIC_EXPECT_REMOVED, now);
}

static void table_is_certain(struct topic_maker *maker, struct moment now)
{
    bool drops = maker->task.control->config->schema_create;
    maker_expect(maker, drops ? TOPIC_EXPECT_NAME_STILL : TOPIC_EXPECT_AGREEMENT, now);
}

/* The row as it stands in the table decides what is to be done. */
static void row_is_known(struct topic_maker *maker, struct moment now)
{
    if (maker->row.state == TOPIC_CREATING) {
        maker->began_here = true;
        store_row(maker, now);
        look_at_name(maker, now);
        return;
    }
    store_row(maker, now);
    if (maker->row.state == TOPIC_DELETING)
        set_error(maker, EXISTS, "topic '%s' is being deleted", maker->row.name);
    else if (!maker->began_here)
        set_error(maker, EXISTS, "topic '%s' exists", maker->row.name);
    maker_finish(maker, now);
}

static void row_is_absent(struct topic_maker *maker, struct moment now)
{
    struct control *control = maker->task.control;
    struct topic_record *record = topic_store_find(&control->topics, slice_cstr(maker->row.name));
    if (record != NULL)
        topic_store_gone(&control->topics, record, now);
    maker_expect(maker,
                 control->config->schema_create ? TOPIC_EXPECT_ROW : TOPIC_EXPECT_FOUND_TABLE, now);
}

static void row_answer(struct topic_maker *maker, const struct answer *answer, struct moment now)
{
    if (answer->kind == ANSWER_APPLIED) {
        row_is_known(maker, now);
        return;
    }
    if (answer->kind == ANSWER_UNKNOWN) {
        maker_expect(maker, TOPIC_EXPECT_ROW_READ, now);
        return;
    }
    bool present = answer->kind == ANSWER_NOT_APPLIED || cql_result_next_row(answer->result);
    if (!present) {
        row_is_absent(maker, now);
    } else if (topic_row_read(answer, &maker->text, &maker->row)) {
        row_is_known(maker, now);
    } else {
        set_error(maker, STORAGE, "the row of topic '%s' in sluice_topics is not understood",
                  current_job(maker)->name);
        maker_finish(maker, now);
    }
}

/* Is the table with table_id known as another topic's? */
static bool is_others_table(const struct topic_maker *maker)
{
    LIST_EACH (it, &maker->task.control->topics.records) {
        const struct topic_record *record = LIST_ENTRY(it, struct topic_record, node);
        if (memcmp(record->topic_id, maker->table_id, 16) == 0 &&
            strcmp(record->name, maker->row.name) != 0)
            return true;
    }
    return false;
}

static void no_name_left(struct topic_maker *maker)
{
    set_error(maker, INVALID_TOPIC,
              "no table name is left for topic '%s': table '%s' is another topic's",
              maker->row.name, maker->row.table_name);
}

static void found_table(struct topic_maker *maker, const struct answer *answer, struct moment now)
{
    struct control *control = maker->task.control;
    bool present = cql_result_next_row(answer->result) && row_text(answer, "id").len == 16;
    if (present)
        memcpy(maker->table_id, row_text(answer, "id").data, 16);
    if (present && is_others_table(maker) && maker->hashed) {
        no_name_left(maker);
        maker_finish(maker, now);
        return;
    }
    if (present && is_others_table(maker)) {
        maker->hashed = true;
        schema_table_name(slice_cstr(maker->row.name), true, control->table_name_max,
                          maker->text.table_name);
        maker_expect(maker, TOPIC_EXPECT_FOUND_TABLE, now);
        return;
    }
    if (present) {
        memcpy(maker->row.topic_id, maker->table_id, 16);
        maker_expect(maker, TOPIC_EXPECT_ROW, now);
        return;
    }
    set_error(maker, UNKNOWN_TOPIC,
              "table '%s.%s' is missing and schema.create is never: `sluice schema %s` prints it",
              control->config->keyspace, maker->row.table_name, maker->row.name);
    maker_finish(maker, now);
}

static void table_id_answer(struct topic_maker *maker, const struct answer *answer,
                            struct moment now)
{
    struct control *control = maker->task.control;
    if (!cql_result_next_row(answer->result)) {
        if (control->config->schema_create && now.boot_us - maker->table_made_us < DDL_SETTLES_US) {
            task_sleep(&maker->task, SECOND_US / 10,
                       now); /* another node answers, which has not heard of it */
            return;
        }
        set_error(maker, STORAGE, "table '%s.%s' is missing", control->config->keyspace,
                  maker->row.table_name);
        maker_finish(maker, now);
        return;
    }
    struct slice id = row_text(answer, "id");
    if (id.len == 16)
        memcpy(maker->table_id, id.data, 16);
    maker_expect(maker, TOPIC_EXPECT_COLUMNS, now);
}

static bool table_is_ours(const struct topic_maker *maker)
{
    return memcmp(maker->table_id, maker->row.topic_id, 16) == 0;
}

static void columns_answer(struct topic_maker *maker, const struct answer *answer,
                           struct moment now)
{
    uint32_t seen = 0;
    bool fits = true;
    if (answer->result->row_count == 0 && now.boot_us - maker->table_made_us < DDL_SETTLES_US) {
        task_sleep(&maker->task, SECOND_US / 10, now); /* another node, which has not heard of it */
        return;
    }
    while (cql_result_next_row(answer->result)) {
        struct schema_column column = {row_text(answer, "column_name"), row_text(answer, "kind"),
                                       row_text(answer, "type"), 0};
        fits = row_i32(answer, "position", &column.position) &&
               schema_column_fits(&column, &seen) && fits;
    }
    if (!fits || seen != SCHEMA_COLUMNS_ALL) {
        set_error(maker, INVALID_TOPIC,
                  "table '%s.%s' exists and is not a log table: its columns differ. Rename it, or "
                  "the topic, or map the topic to it",
                  maker->task.control->config->keyspace, maker->row.table_name);
        maker_expect(maker, TOPIC_EXPECT_REMOVED, now);
        return;
    }
    /* An id that CREATE gave is nobody else's; one that was found may be. */
    if (maker->task.control->config->schema_create && table_is_ours(maker))
        table_is_certain(maker, now);
    else
        maker_expect(maker, TOPIC_EXPECT_RELOADED, now);
}

void topic_maker_reloaded(struct topic_maker *maker, struct moment now)
{
    if (maker->state != TOPIC_EXPECT_RELOADED)
        return;
    bool taken = is_others_table(maker);
    if (!taken && table_is_ours(maker)) {
        table_is_certain(maker, now);
        return;
    }
    if (taken && (maker->hashed || table_is_ours(maker))) {
        no_name_left(maker);
        maker_expect(maker, TOPIC_EXPECT_REMOVED, now);
        return;
    }
    memcpy(maker->new_id, taken ? maker->row.topic_id : maker->table_id, 16);
    maker->hashed = maker->hashed || taken;
    if (maker->hashed)
        schema_table_name(slice_cstr(maker->row.name), true, maker->task.control->table_name_max,
                          maker->new_name);
    else
        (void)snprintf(maker->new_name, sizeof(maker->new_name), "%s", maker->row.table_name);
    maker_expect(maker, TOPIC_EXPECT_CHANGED, now);
}

static void changed_answer(struct topic_maker *maker, const struct answer *answer,
                           struct moment now)
{
    if (answer->kind != ANSWER_APPLIED) { /* unknown, or another gateway was here */
        maker_expect(maker, TOPIC_EXPECT_ROW_READ, now);
        return;
    }
    memcpy(maker->text.table_name, maker->new_name, sizeof(maker->new_name));
    maker->row.table_name = maker->text.table_name;
    memcpy(maker->row.topic_id, maker->new_id, 16);
    store_row(maker, now);
    look_at_name(maker, now);
}

static void live_answer(struct topic_maker *maker, const struct answer *answer, struct moment now)
{
    struct control *control = maker->task.control;
    if (answer->kind != ANSWER_APPLIED) {
        maker_expect(maker, TOPIC_EXPECT_ROW_READ, now);
        return;
    }
    maker->row.state = TOPIC_LIVE;
    store_row(maker, now);
    topic_changer_catch_up(&control->changer, slice_cstr(maker->row.name), maker->row.topic_id,
                           maker->row.configuration, now);
    (void)topic_watch_raise(&control->watch, now);
    action_log(control->actions, LOG_INFO, "topic made", "topic=%s table=\"%s\" partitions=%d",
               maker->row.name, maker->row.table_name, maker->row.partitions);
    maker_finish(maker, now);
}

static void removed_answer(struct topic_maker *maker, const struct answer *answer,
                           struct moment now)
{
    struct control *control = maker->task.control;
    if (answer->kind == ANSWER_UNKNOWN) {
        task_sleep(&maker->task, SECOND_US,
                   now); /* once more: it removes only what is still `creating` */
        return;
    }
    struct topic_record *record = topic_store_find(&control->topics, slice_cstr(maker->row.name));
    if (record != NULL && record->state == TOPIC_CREATING)
        topic_store_gone(&control->topics, record, now);
    maker_finish(maker, now);
}

static void refused(struct topic_maker *maker, const struct answer *answer, struct moment now)
{
    char quoted[LOG_QUOTED_BYTES];
    const struct cql_error *error = answer->error;
    log_quote(quoted, sizeof(quoted), error->message.data, error->message.len);
    for (char *c = quoted; *c != '\0'; c++)
        if (*c == '"')
            *c = '\''; /* the text is quoted as a whole later */
    set_error(maker, STORAGE, "the database refuses: %s: %.160s", cql_error_text(error->code),
              quoted);
    /* A table that cannot be made: the name must not stay taken. */
    if (maker->state == TOPIC_EXPECT_CREATED && error->code != CQL_ERROR_UNAUTHORIZED)
        maker_expect(maker, TOPIC_EXPECT_REMOVED, now);
    else
        maker_finish(maker, now);
}

static void maker_answer(struct task *task, const struct answer *answer, struct moment now)
{
    struct topic_maker *maker = LIST_ENTRY(task, struct topic_maker, task);
    if (answer->kind == ANSWER_REFUSED) {
        refused(maker, answer, now);
        return;
    }
    switch (maker->state) {
    case TOPIC_EXPECT_FOUND_TABLE:
        found_table(maker, answer, now);
        return;
    case TOPIC_EXPECT_ROW:
    case TOPIC_EXPECT_ROW_READ:
        row_answer(maker, answer, now);
        return;
    case TOPIC_EXPECT_NAME:
        name_answer(maker, answer, now);
        return;
    case TOPIC_EXPECT_NAME_STILL:
        name_still_answer(maker, answer, now);
        return;
    case TOPIC_EXPECT_CREATED:
        maker_expect(maker, TOPIC_EXPECT_TABLE_ID, now);
        return;
    case TOPIC_EXPECT_TABLE_ID:
        table_id_answer(maker, answer, now);
        return;
    case TOPIC_EXPECT_COLUMNS:
        columns_answer(maker, answer, now);
        return;
    case TOPIC_EXPECT_CHANGED:
        changed_answer(maker, answer, now);
        return;
    case TOPIC_EXPECT_LIVE:
        live_answer(maker, answer, now);
        return;
    case TOPIC_EXPECT_REMOVED:
        removed_answer(maker, answer, now);
        return;
    case TOPIC_MAKER_IDLE:
    case TOPIC_EXPECT_RELOADED:
    case TOPIC_EXPECT_AGREEMENT:
        return; /* no question of its own is under way in these */
    }
}

static void ask_create(struct topic_maker *maker, struct moment now)
{
    struct control *control = maker->task.control;
    struct buf text;

    if (maker->table_made_us == 0)
        maker->table_made_us = now.boot_us;
    if (!control->config->schema_create) {
        maker_expect(maker, TOPIC_EXPECT_TABLE_ID, now);
        return;
    }
    struct topic_settings settings;
    topic_settings_read(maker->row.configuration, &settings);
    buf_init(&text, control->alloc, 8192);
    const struct schema_options options = {
        .sets_ttl = settings.table_ttl_s != 0,
        .sets_compression = settings.table_compression != TOPIC_COMPRESSION_PRODUCER,
        .ttl_s = settings.table_ttl_s,
        .compression = settings.table_compression,
        .is_scylla = control->is_scylla};
    int rc = schema_log_table(control->config->keyspace, maker->row.table_name, maker->row.topic_id,
                              &options, &text);
    task_ask_ddl(&maker->task, rc, &text, now);
    buf_deinit(&text);
}

static void ask_row_insert(struct topic_maker *maker, struct moment now)
{
    uint8_t partitions[4];
    const struct cql_value values[] = {
        cql_value_text(maker->row.name), cql_value_uuid(maker->row.topic_id),
        cql_value_text(maker->row.table_name), cql_value_i32(partitions, maker->row.partitions),
        cql_value_bytes(maker->row.configuration.len > 0 ? maker->row.configuration : SLICE_NULL)};
    task_ask_statement(&maker->task, QUESTION_TRANSACTION, STATEMENT_TOPIC_INSERT, values, 5, now);
}

/* A table that was there was not given what the settings ask for: whoever finds the topic alters
 * it. False: out of memory. */
static bool forget_what_was_given(struct topic_maker *maker)
{
    const struct topic_change nothing[] = {{TOPIC_KEY_TABLE_TTL, SLICE_NULL},
                                           {TOPIC_KEY_TABLE_COMPRESSION, SLICE_NULL}};
    struct buf left;

    buf_init(&left, maker->task.control->alloc, TOPIC_CONFIGURATION_BYTES);
    bool ok =
        topic_configuration_change(maker->row.configuration, nothing, 2, false, &left) == STATUS_OK;
    if (ok) {
        memcpy(maker->text.configuration, buf_unread(&left).data, buf_len(&left));
        maker->row.configuration = slice_make(maker->text.configuration, buf_len(&left));
    }
    buf_deinit(&left);
    return ok;
}

static void ask_changed(struct topic_maker *maker, struct moment now)
{
    bool is_taken_over = memcmp(maker->new_id, maker->row.topic_id, 16) != 0;

    if (is_taken_over && maker->row.configuration.len > 0 && !forget_what_was_given(maker)) {
        task_sleep(&maker->task, SECOND_US, now);
        return;
    }
    const struct cql_value values[] = {
        cql_value_uuid(maker->new_id), cql_value_text(maker->new_name),
        cql_value_bytes(maker->row.configuration.len > 0 ? maker->row.configuration : SLICE_NULL),
        cql_value_text(maker->row.name),
        cql_value_uuid(maker->row.topic_id), cql_value_text(maker->row.table_name)};
    task_ask_statement(&maker->task, QUESTION_TRANSACTION, STATEMENT_TOPIC_CHANGE, values, 6, now);
}

static void maker_act(struct task *task, struct moment now)
{
    struct topic_maker *maker = LIST_ENTRY(task, struct topic_maker, task);
    struct control *control = task->control;
    const struct cql_value table[] = {cql_value_text(control->config->keyspace),
                                      cql_value_text(maker->row.table_name)};
    const struct cql_value row[] = {cql_value_text(maker->row.name),
                                    cql_value_uuid(maker->row.topic_id),
                                    cql_value_text(maker->row.table_name)};
    switch (maker->state) {
    case TOPIC_MAKER_IDLE:
        if (!list_empty(&maker->jobs))
            begin_row(maker, now);
        return;
    case TOPIC_EXPECT_FOUND_TABLE:
    case TOPIC_EXPECT_TABLE_ID:
        task_ask_statement(&maker->task, QUESTION_LOCAL, STATEMENT_TABLE_ID, table, 2, now);
        return;
    case TOPIC_EXPECT_ROW:
        ask_row_insert(maker, now);
        return;
    case TOPIC_EXPECT_ROW_READ:
        task_ask_statement(&maker->task, QUESTION_SERIAL, STATEMENT_TOPIC_READ, row, 1, now);
        return;
    case TOPIC_EXPECT_NAME:
    case TOPIC_EXPECT_NAME_STILL:
        task_ask_statement(&maker->task, QUESTION_SERIAL, STATEMENT_TABLE_DROPPED, table + 1, 1,
                           now);
        return;
    case TOPIC_EXPECT_CREATED:
        ask_create(maker, now);
        return;
    case TOPIC_EXPECT_COLUMNS:
        task_ask_statement(&maker->task, QUESTION_LOCAL, STATEMENT_COLUMNS, table, 2, now);
        return;
    case TOPIC_EXPECT_RELOADED:
        topic_store_load(&control->topics, now);
        return;
    case TOPIC_EXPECT_CHANGED:
        ask_changed(maker, now);
        return;
    case TOPIC_EXPECT_AGREEMENT:
        agreement_start(&control->agreement,
                        control->config->schema_create ? AGREEMENT_NEW : AGREEMENT_SAME,
                        topic_maker_agreed, now);
        return;
    case TOPIC_EXPECT_LIVE:
        task_ask_statement(&maker->task, QUESTION_TRANSACTION, STATEMENT_TOPIC_LIVE, row, 3, now);
        return;
    case TOPIC_EXPECT_REMOVED:
        task_ask_statement(&maker->task, QUESTION_TRANSACTION, STATEMENT_TOPIC_REMOVE, row, 2, now);
        return;
    }
}

/* The one setter. */
static void maker_expect(struct topic_maker *maker, enum topic_maker_state state, struct moment now)
{
    maker->state = state;
    KILL_POINT("topic_maker.step");
    maker_act(&maker->task, now);
}

void topic_maker_agreed(struct control *control, struct moment now)
{
    maker_expect(&control->maker, TOPIC_EXPECT_LIVE, now);
}

void topic_maker_init(struct topic_maker *maker, struct control *control)
{
    *maker = (struct topic_maker){.state = TOPIC_MAKER_IDLE};
    list_init(&maker->jobs);
    task_init(&maker->task, control, "a new topic", maker_act, maker_answer);
}

void topic_maker_deinit(struct topic_maker *maker)
{
    const struct alloc *alloc = maker->task.control->alloc;
    LIST_EACH_SAFE (it, after, &maker->jobs) {
        struct topic_job *job = LIST_ENTRY(it, struct topic_job, node);
        LIST_EACH_SAFE (at, after_wait, &job->waits)
            alloc_free(alloc, wait_of(at), sizeof(struct topic_wait));
        alloc_free(alloc, job, job->bytes);
    }
}

static struct topic_job *job_of(struct topic_maker *maker, struct slice name)
{
    LIST_EACH (it, &maker->jobs) {
        struct topic_job *job = LIST_ENTRY(it, struct topic_job, node);
        if (slice_equal(slice_cstr(job->name), name))
            return job;
    }
    return NULL;
}

static struct topic_job *job_new(struct topic_maker *maker, struct slice name, int32_t partitions,
                                 struct slice configuration)
{
    size_t bytes = sizeof(struct topic_job) + configuration.len;
    struct topic_job *job = alloc_zeroed(maker->task.control->alloc, bytes);
    if (job == NULL)
        return NULL;
    job->bytes = bytes;
    if (configuration.len > 0)
        memcpy(job + 1, configuration.data, configuration.len);
    job->configuration = slice_make(job + 1, configuration.len);
    job->partitions = partitions;
    memcpy(job->name, name.data, name.len);
    list_init(&job->waits);
    list_append(&maker->jobs, &job->node);
    return job;
}

void topic_maker_add(struct topic_maker *maker, struct slice name, int32_t partitions,
                     struct slice configuration, control_done done, void *context,
                     struct moment now)
{
    const struct alloc *alloc = maker->task.control->alloc;
    struct topic_job *job = job_of(maker, name);
    struct topic_wait *wait = done == NULL ? NULL : alloc_zeroed(alloc, sizeof(*wait));

    if (done != NULL && wait == NULL) {
        done(context, TIMED_OUT, "out of memory", now);
        return;
    }
    if (job == NULL)
        job = job_new(maker, name, partitions, configuration);
    if (job == NULL) {
        alloc_free(alloc, wait, sizeof(*wait));
        if (done != NULL)
            done(context, TIMED_OUT, "out of memory", now);
        return;
    }
    if (wait != NULL) {
        *wait = (struct topic_wait){
            .done = done, .context = context, .give_up_us = now.boot_us + WAIT_US};
        list_append(&job->waits, &wait->node);
    }
    if (maker->state == TOPIC_MAKER_IDLE && !task_is_busy(&maker->task))
        task_sleep(&maker->task, 0, now);
}

/* Each job's waits are in the order of their time. */
void topic_maker_tick(struct topic_maker *maker, struct moment now)
{
    LIST_EACH (it, &maker->jobs) {
        struct topic_job *job = LIST_ENTRY(it, struct topic_job, node);
        while (!list_empty(&job->waits) && wait_of(job->waits.next)->give_up_us <= now.boot_us) {
            struct topic_wait *wait = wait_of(job->waits.next);
            list_remove(&wait->node);
            wait->done(wait->context, TIMED_OUT, "the topic is still being made", now);
            alloc_free(maker->task.control->alloc, wait, sizeof(*wait));
        }
    }
}

int64_t topic_maker_deadline_us(const struct topic_maker *maker)
{
    int64_t deadline_us = NEVER_US;
    LIST_EACH (it, &maker->jobs) {
        const struct topic_job *job = LIST_ENTRY(it, struct topic_job, node);
        if (!list_empty(&job->waits) && wait_of(job->waits.next)->give_up_us < deadline_us)
            deadline_us = wait_of(job->waits.next)->give_up_us;
    }
    return deadline_us;
}
