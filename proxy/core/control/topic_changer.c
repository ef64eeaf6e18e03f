/*
 * Changing a live topic, one change at a time:
 *
 *      the row as it is now -> the row as it shall be, by transaction on its version
 *        [-> ALTER TABLE -> the row says what the table has, by transaction]
 *
 * The second half belongs to retention.ms and compression.type. The first half says durably that
 * rows may vanish from the table (sluice.had.ttl) before any can, because recovery must know. A row
 * whose table has not got what it asks for yet is finished by whoever loads it.
 *
 * A table that is no longer to have a compression of its own gets the one that the database chose
 * for sluice_topics, which is made without a word about it.
 */
#include "core/control/control_internal.h"

#include <stdio.h>

enum {
    UNKNOWN_TOPIC = 3,
    TIMED_OUT = 7,
    INVALID_PARTITIONS = 37,
    INVALID_CONFIG = 40,
    STORAGE = 56,
    JOBS_MAX = 10000, /* waiting; more are turned away (7): a flood of changes must not fill memory */
    JOB_ARENA_BYTES = 64 * 1024,
};

#define AGAIN_US              (SECOND_US / 5)
#define COMPRESSION_MAP_BYTES 1024 /* a class and its few options */

static void changer_expect(struct topic_changer *changer, enum topic_changer_state state,
                           struct moment now);

static struct topic_changer_job *current_job(const struct topic_changer *changer)
{
    return LIST_ENTRY(changer->jobs.next, struct topic_changer_job, node);
}

static void job_free(struct topic_changer *changer, struct topic_changer_job *job)
{
    list_remove(&job->node);
    arena_deinit(&job->arena);
    alloc_free(changer->task.control->alloc, job, sizeof(*job));
    changer->job_count--;
}

static void changer_finish(struct topic_changer *changer, int16_t error, const char *text,
                           struct moment now)
{
    struct topic_changer_job *job = current_job(changer);
    control_done done = job->done;
    void *context = job->context;

    changer->state = CHANGER_IDLE;
    task_cancel(&changer->task);
    job_free(changer, job); /* `done` may ask for more */
    if (!list_empty(&changer->jobs))
        task_sleep(&changer->task, 0, now);
    if (done != NULL)
        done(context, error, text, now);
}

/* What there is to do after the row: its table lacks nothing, or is to be altered. */
static enum topic_changer_state state_after(const struct topic_row *row)
{
    struct topic_settings settings;

    topic_settings_read(row->configuration, &settings);
    if (!topic_table_is_behind(&settings))
        return CHANGER_IDLE;
    return settings.compression == TOPIC_COMPRESSION_PRODUCER &&
                   settings.table_compression != TOPIC_COMPRESSION_PRODUCER
               ? CHANGER_EXPECT_DEFAULT
               : CHANGER_EXPECT_ALTERED;
}

/* The row is as it was asked to be: known here, and the others are told. */
static void row_is_changed(struct topic_changer *changer, struct moment now)
{
    struct control *control = changer->task.control;

    if (topic_store_put(&control->topics, &changer->row, now) < 0)
        action_log(control->actions, LOG_ERROR, "out of memory", "topic=%s", changer->row.name);
    (void)topic_watch_raise(&control->watch, now);
    changer->base_version = changer->row.version;
}

/* changer.configuration from the row and the job; false: finished with an error. */
static bool make_configuration(struct topic_changer *changer, bool applied, struct moment now)
{
    const struct topic_changer_job *job = current_job(changer);
    struct buf wanted;
    int rc;

    buf_init(&wanted, changer->task.control->alloc, TOPIC_CONFIGURATION_BYTES);
    buf_reset(&changer->configuration);
    rc = topic_configuration_change(changer->row.configuration, job->changes,
                                    job->changed ? 0 : job->change_count,
                                    job->replace && !job->changed, &wanted);
    if (rc == STATUS_OK)
        rc = topic_configuration_mark(buf_unread(&wanted), applied, &changer->configuration);
    buf_deinit(&wanted);
    if (rc == STATUS_OK)
        return true;
    changer_finish(changer, rc == STATUS_LIMIT ? INVALID_CONFIG : TIMED_OUT,
                   rc == STATUS_LIMIT ? "the topic's settings are too large together"
                                      : "out of memory",
                   now);
    return false;
}

/* Is the row of our own last transaction, whose outcome was unknown, in the table? */
static bool is_what_was_asked(const struct topic_changer *changer, const struct topic_row *read)
{
    return changer->base_version != -2 && read->version == changer->base_version + 1 &&
           buf_len(&changer->configuration) > 0 &&
           slice_equal(read->configuration, buf_unread(&changer->configuration));
}

static void row_is_known(struct topic_changer *changer, struct moment now)
{
    struct topic_changer_job *job = current_job(changer);
    char text[160];

    changer->base_version = changer->row.version;
    if (!job->changed && job->partitions != 0 && job->partitions <= changer->row.partitions) {
        (void)snprintf(text, sizeof(text),
                       "the topic has %d partitions; there can only be more, not %d",
                       changer->row.partitions, job->partitions);
        changer_finish(changer, INVALID_PARTITIONS, text, now);
        return;
    }
    if (!job->changed && job->partitions == 0 && job->change_count == 0 && !job->replace)
        job->changed = true; /* only to be finished */
    enum topic_changer_state next =
        job->changed ? state_after(&changer->row) : CHANGER_EXPECT_CHANGED;
    if (next == CHANGER_IDLE)
        changer_finish(changer, 0, "", now);
    else
        changer_expect(changer, next, now);
}

static void row_answer(struct topic_changer *changer, const struct answer *answer,
                       struct moment now)
{
    struct topic_changer_job *job = current_job(changer);
    struct topic_row read;

    if (!cql_result_next_row(answer->result)) {
        changer_finish(changer, UNKNOWN_TOPIC, "there is no such topic", now);
        return;
    }
    if (!topic_row_read(answer, &changer->text, &read)) {
        changer_finish(changer, STORAGE, "the topic's row in sluice_topics is not understood", now);
        return;
    }
    if (memcmp(read.topic_id, job->topic_id, 16) != 0 || read.state == TOPIC_DELETING) {
        changer_finish(changer, UNKNOWN_TOPIC, "the topic is being deleted", now);
        return;
    }
    if (read.state != TOPIC_LIVE) {
        task_sleep(&changer->task, AGAIN_US, now);
        return;
    }
    bool ours = is_what_was_asked(changer, &read);
    changer->row = read;
    if (ours) {
        job->changed = true;
        row_is_changed(changer, now);
    }
    row_is_known(changer, now);
}

/* The row was changed by our transaction. */
static void changed_answer(struct topic_changer *changer, const struct answer *answer,
                           struct moment now)
{
    struct topic_changer_job *job = current_job(changer);

    if (answer->kind != ANSWER_APPLIED) { /* in doubt, or somebody else was first: look again */
        if (answer->kind == ANSWER_NOT_APPLIED)
            changer->base_version = -2;
        changer_expect(changer, CHANGER_EXPECT_ROW, now);
        return;
    }
    if (!job->changed && job->partitions != 0)
        changer->row.partitions = job->partitions;
    job->changed = true;
    changer->row.version = changer->row.version + 1;
    struct slice map = buf_unread(&changer->configuration);
    memcpy(changer->text.configuration, map.data, map.len);
    changer->row.configuration = slice_make(changer->text.configuration, map.len);
    row_is_changed(changer, now);
    action_log(changer->task.control->actions, LOG_INFO, "topic changed",
               "topic=%s partitions=%d version=%lld", changer->row.name, changer->row.partitions,
               (long long)changer->row.version);
    row_is_known(changer, now);
}

static void default_answer(struct topic_changer *changer, const struct answer *answer,
                           struct moment now)
{
    buf_reset(&changer->own_compression);
    if (!cql_result_next_row(answer->result) ||
        buf_append(&changer->own_compression, row_text(answer, "compression")) < 0) {
        changer_finish(changer, STORAGE,
                       "the database's own compression is not known: it has no row for "
                       "sluice_topics in system_schema.tables, or too large a one",
                       now);
        return;
    }
    changer_expect(changer, CHANGER_EXPECT_ALTERED, now);
}

static void refused(struct topic_changer *changer, const struct answer *answer, struct moment now)
{
    char quoted[LOG_QUOTED_BYTES], text[TOPIC_SETTING_WHY_BYTES];
    const struct cql_error *error = answer->error;

    log_quote(quoted, sizeof(quoted), error->message.data, error->message.len);
    (void)snprintf(text, sizeof(text), "the database refuses: %s: %.200s",
                   cql_error_text(error->code), quoted);
    action_log(changer->task.control->actions, LOG_ERROR, "topic could not be changed",
               "topic=%s step=%s error=\"%s\" message=%s", changer->row.name,
               changer->state == CHANGER_EXPECT_ALTERED ? "table" : "row",
               cql_error_text(error->code), quoted);
    changer_finish(changer, STORAGE, text, now);
}

static void changer_answer(struct task *task, const struct answer *answer, struct moment now)
{
    struct topic_changer *changer = LIST_ENTRY(task, struct topic_changer, task);

    if (answer->kind == ANSWER_REFUSED) {
        refused(changer, answer, now);
        return;
    }
    switch (changer->state) {
    case CHANGER_IDLE:
        return;
    case CHANGER_EXPECT_ROW:
        row_answer(changer, answer, now);
        return;
    case CHANGER_EXPECT_CHANGED:
    case CHANGER_EXPECT_MARKED:
        changed_answer(changer, answer, now);
        return;
    case CHANGER_EXPECT_DEFAULT:
        default_answer(changer, answer, now);
        return;
    case CHANGER_EXPECT_ALTERED:
        changer_expect(changer, CHANGER_EXPECT_MARKED, now);
        return;
    }
}

static void ask_row(struct topic_changer *changer, struct moment now)
{
    const struct cql_value name = cql_value_bytes(current_job(changer)->name);

    task_ask_statement(&changer->task, QUESTION_SERIAL, STATEMENT_TOPIC_READ, &name, 1, now);
}

static void ask_change(struct topic_changer *changer, bool applied, struct moment now)
{
    const struct topic_changer_job *job = current_job(changer);
    const struct topic_row *row = &changer->row;
    uint8_t partitions[4], next[8], former[8];

    if (!make_configuration(changer, applied, now))
        return;
    bool grows = !job->changed && job->partitions != 0;
    const struct cql_value values[] = {
        cql_value_i32(partitions, grows ? job->partitions : row->partitions),
        cql_value_bytes(buf_unread(&changer->configuration)),
        cql_value_i64(next, row->version + 1),
        cql_value_text(row->name),
        cql_value_uuid(row->topic_id),
        row->version < 0 ? cql_value_bytes(SLICE_NULL) : cql_value_i64(former, row->version)};
    task_ask_statement(&changer->task, QUESTION_TRANSACTION, STATEMENT_TOPIC_UPDATE, values, 6,
                       now);
}

static void ask_default(struct topic_changer *changer, struct moment now)
{
    const struct cql_value table[] = {
        cql_value_text(changer->task.control->config->keyspace),
        cql_value_text(schema_control_table_name(SCHEMA_TOPICS))};

    task_ask_statement(&changer->task, QUESTION_LOCAL, STATEMENT_TABLE_COMPRESSION, table, 2, now);
}

static void ask_alter(struct topic_changer *changer, struct moment now)
{
    struct control *control = changer->task.control;
    struct topic_settings settings;
    struct buf text;

    topic_settings_read(changer->row.configuration, &settings);
    const struct schema_options options = {
        .sets_ttl = topic_ttl_s(settings.retention_ms) != settings.table_ttl_s,
        .sets_compression = settings.compression != settings.table_compression,
        .ttl_s = topic_ttl_s(settings.retention_ms),
        .compression = settings.compression,
        .own_compression = buf_unread(&changer->own_compression),
        .is_scylla = control->is_scylla};
    buf_init(&text, control->alloc, 8192);
    int rc = schema_log_table_alter(control->config->keyspace, changer->row.table_name, &options,
                                    &text);
    task_ask_ddl(&changer->task, rc, &text, now);
    buf_deinit(&text);
}

static void changer_act(struct task *task, struct moment now)
{
    struct topic_changer *changer = LIST_ENTRY(task, struct topic_changer, task);

    switch (changer->state) {
    case CHANGER_IDLE:
        if (list_empty(&changer->jobs))
            return;
        changer->base_version = -2;
        changer_expect(changer, CHANGER_EXPECT_ROW, now);
        return;
    case CHANGER_EXPECT_ROW:
        ask_row(changer, now);
        return;
    case CHANGER_EXPECT_CHANGED:
        ask_change(changer, false, now);
        return;
    case CHANGER_EXPECT_DEFAULT:
        ask_default(changer, now);
        return;
    case CHANGER_EXPECT_ALTERED:
        ask_alter(changer, now);
        return;
    case CHANGER_EXPECT_MARKED:
        ask_change(changer, true, now);
        return;
    }
}

/* The one setter. */
static void changer_expect(struct topic_changer *changer, enum topic_changer_state state,
                           struct moment now)
{
    changer->state = state;
    changer_act(&changer->task, now);
}

void topic_changer_init(struct topic_changer *changer, struct control *control)
{
    *changer = (struct topic_changer){.state = CHANGER_IDLE};
    list_init(&changer->jobs);
    buf_init(&changer->configuration, control->alloc, TOPIC_CONFIGURATION_BYTES);
    buf_init(&changer->own_compression, control->alloc, COMPRESSION_MAP_BYTES);
    task_init(&changer->task, control, "a topic's change", changer_act, changer_answer);
}

void topic_changer_deinit(struct topic_changer *changer)
{
    while (!list_empty(&changer->jobs))
        job_free(changer, current_job(changer));
    buf_deinit(&changer->configuration);
    buf_deinit(&changer->own_compression);
}

static bool is_finishing(const struct topic_changer *changer, const uint8_t topic_id[16])
{
    LIST_EACH (it, &changer->jobs) {
        const struct topic_changer_job *job = LIST_ENTRY(it, struct topic_changer_job, node);
        if (memcmp(job->topic_id, topic_id, 16) == 0)
            return true; /* whatever it changes, it finishes as well */
    }
    return false;
}

static bool copy_changes(struct topic_changer_job *job, const struct topic_change *changes,
                         size_t count)
{
    struct topic_change *copy = arena_take_array(&job->arena, count, sizeof(*copy));
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i].name = arena_copy(&job->arena, changes[i].name);
        copy[i].value = arena_copy(&job->arena, changes[i].value);
        if (copy[i].name.data == NULL ||
            (copy[i].value.data == NULL && changes[i].value.data != NULL))
            return false;
    }
    job->changes = copy;
    job->change_count = count;
    return copy != NULL;
}

void topic_changer_add(struct topic_changer *changer, struct slice name,
                       const uint8_t topic_id[16], const struct topic_change *changes, size_t count,
                       bool replace, int32_t partitions, control_done done, void *context,
                       struct moment now)
{
    const struct alloc *alloc = changer->task.control->alloc;
    struct topic_changer_job *job = NULL;

    if (done == NULL && is_finishing(changer, topic_id))
        return;
    if (changer->job_count < JOBS_MAX)
        job = alloc_zeroed(alloc, sizeof(*job));
    if (job == NULL) {
        if (done != NULL)
            done(context, TIMED_OUT, "too many changes wait, or no memory is left", now);
        return;
    }
    arena_init(&job->arena, alloc, 512, JOB_ARENA_BYTES);
    list_init(&job->node);
    list_append(&changer->jobs, &job->node);
    changer->job_count++;
    job->replace = replace;
    job->partitions = partitions;
    memcpy(job->topic_id, topic_id, 16);
    job->name = arena_copy(&job->arena, name);
    if (job->name.data == NULL || !copy_changes(job, changes, count)) {
        job_free(changer, job);
        if (done != NULL)
            done(context, TIMED_OUT, "out of memory", now);
        return;
    }
    job->done = done;
    job->context = context;
    if (changer->state == CHANGER_IDLE && !task_is_busy(&changer->task))
        task_sleep(&changer->task, 0, now);
}

void topic_changer_catch_up(struct topic_changer *changer, struct slice name,
                            const uint8_t topic_id[16], struct slice configuration,
                            struct moment now)
{
    struct topic_settings settings;

    topic_settings_read(configuration, &settings);
    if (topic_table_is_behind(&settings))
        topic_changer_add(changer, name, topic_id, NULL, 0, false, 0, NULL, NULL, now);
}
