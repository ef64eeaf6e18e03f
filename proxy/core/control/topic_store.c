/* sluice_topics as it is known here: loaded whole at start and after schema events, page by page.
 */
#include "core/control/control_internal.h"

#define PAGE_ROWS        1000
#define PAGING_STATE_MAX 4096

static const char *const state_names[] = {
    [TOPIC_CREATING] = "creating", [TOPIC_LIVE] = "live", [TOPIC_DELETING] = "deleting"};

const char *topic_state_name(enum topic_state state)
{
    return state_names[state];
}

static bool read_state(struct slice text, enum topic_state *state)
{
    for (size_t i = 0; i < sizeof(state_names) / sizeof(state_names[0]); i++)
        if (slice_equal(text, slice_cstr(state_names[i]))) {
            *state = (enum topic_state)i;
            return true;
        }
    return false;
}

/* A table's name goes into statements between quotes: nothing else than what schema_table_name
 * makes is believed. */
static bool is_plain_name(struct slice name, size_t max_bytes)
{
    if (name.len == 0 || name.len > max_bytes)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_'))
            return false;
    }
    return true;
}

bool topic_row_read(const struct answer *answer, struct topic_row_text *text, struct topic_row *row)
{
    struct slice name = row_text(answer, "topic"), table = row_text(answer, "table_name");
    struct slice id = row_text(answer, "topic_id");
    struct slice configuration = row_text(answer, "configuration");

    if (!topic_name_is_valid(name) || !is_plain_name(table, SCHEMA_TABLE_NAME_MAX) ||
        id.len != 16 || !row_i32(answer, "partitions", &row->partitions) || row->partitions < 1 ||
        !read_state(row_text(answer, "state"), &row->state) ||
        configuration.len > sizeof(text->configuration))
        return false;
    if (!row_i64(answer, "version", &row->version))
        row->version = -1;
    else if (row->version < 0 || row->version == INT64_MAX)
        return false;
    if (configuration.len > 0)
        memcpy(text->configuration, configuration.data, configuration.len);
    row->configuration = slice_make(text->configuration, configuration.len);
    memcpy(text->name, name.data, name.len);
    text->name[name.len] = '\0';
    memcpy(text->table_name, table.data, table.len);
    text->table_name[table.len] = '\0';
    memcpy(row->topic_id, id.data, 16);
    row->name = text->name;
    row->table_name = text->table_name;
    return true;
}

struct topic_record *topic_store_find(struct topic_store *store, struct slice name)
{
    LIST_EACH (it, &store->records) {
        struct topic_record *record = LIST_ENTRY(it, struct topic_record, node);
        if (slice_equal(slice_cstr(record->name), name))
            return record;
    }
    return NULL;
}

static void record_free(struct topic_store *store, struct topic_record *record)
{
    const struct alloc *alloc = store->task.control->alloc;

    list_remove(&record->node);
    alloc_free(alloc, record->configuration, record->configuration_len);
    alloc_free(alloc, record, record->bytes);
}

/* *news is set when it is another one. NOMEM. */
static int record_configure(struct topic_store *store, struct topic_record *record,
                            struct slice configuration, bool *news)
{
    const struct alloc *alloc = store->task.control->alloc;

    if (slice_equal(configuration, slice_make(record->configuration, record->configuration_len)))
        return STATUS_OK;
    uint8_t *copy = NULL;
    if (configuration.len > 0) {
        copy = alloc_bytes(alloc, configuration.len);
        if (copy == NULL)
            return STATUS_NOMEM;
        memcpy(copy, configuration.data, configuration.len);
    }
    alloc_free(alloc, record->configuration, record->configuration_len);
    record->configuration = copy;
    record->configuration_len = configuration.len;
    *news = true;
    return STATUS_OK;
}

static struct topic_record *record_new(struct topic_store *store, const struct topic_row *row)
{
    size_t name_bytes = strlen(row->name) + 1, table_bytes = strlen(row->table_name) + 1;
    size_t bytes = sizeof(struct topic_record) + name_bytes + table_bytes;
    struct topic_record *record = alloc_zeroed(store->task.control->alloc, bytes);
    if (record == NULL)
        return NULL;
    record->bytes = bytes;
    record->name = (char *)(record + 1);
    record->table_name = record->name + name_bytes;
    memcpy(record->name, row->name, name_bytes);
    memcpy(record->table_name, row->table_name, table_bytes);
    memcpy(record->topic_id, row->topic_id, 16);
    record->version = -1;
    list_append(&store->records, &record->node);
    return record;
}

void topic_store_gone(struct topic_store *store, struct topic_record *record, struct moment now)
{
    struct control *control = store->task.control;
    uint8_t topic_id[16];
    bool told = record->told;
    memcpy(topic_id, record->topic_id, 16);
    record_free(store, record);
    if (told)
        control->hooks.topic_gone(control->hooks.context, topic_id, now);
}

/* Something of a row was lost for want of memory. */
static void load_again_soon(struct control *control, struct moment now)
{
    if (control->topics_changed_us > now.boot_us + SECOND_US)
        control->topics_changed_us = now.boot_us + SECOND_US;
}

int topic_store_put(struct topic_store *store, const struct topic_row *row, struct moment now)
{
    struct control *control = store->task.control;
    struct topic_record *record = topic_store_find(store, slice_cstr(row->name));

    if (record != NULL && (memcmp(record->topic_id, row->topic_id, 16) != 0 ||
                           strcmp(record->table_name, row->table_name) != 0)) {
        topic_store_gone(store, record,
                         now); /* deleted and made again, or still being made elsewhere */
        record = NULL;
    }
    bool news = record == NULL;
    if (news)
        record = record_new(store, row);
    if (record == NULL) {
        load_again_soon(control, now);
        return STATUS_NOMEM;
    }
    record->generation = store->generation;
    /* A page that was read before a change that was made here: what is known is newer. */
    if (row->version < record->version || (!news && row->state < record->state))
        return STATUS_OK;
    int rc = record_configure(store, record, row->configuration, &news);
    if (rc < 0) {
        load_again_soon(control, now);
        return rc;
    }
    news = news || record->is_untold || record->state != row->state ||
           record->partitions != row->partitions;
    record->state = row->state;
    record->partitions = row->partitions;
    record->version = row->version;
    if (!news || row->state == TOPIC_CREATING) /* its id and table may change until it is live */
        return STATUS_OK;
    record->told = true;
    if (row->state == TOPIC_LIVE && !control->boot.is_survey)
        slots_want(&control->slots, row->topic_id, row->partitions, now);
    rc = control->hooks.topic(control->hooks.context, row, now);
    record->is_untold = rc < 0;
    if (rc == STATUS_NOMEM)
        load_again_soon(control, now);
    return STATUS_OK;
}

static void take_page(struct topic_store *store, const struct answer *answer, struct moment now)
{
    struct control *control = store->task.control;
    struct topic_row_text text;
    struct topic_row row;

    while (cql_result_next_row(answer->result)) {
        if (!topic_row_read(answer, &text, &row)) {
            char quoted[LOG_QUOTED_BYTES];
            struct slice name = row_text(answer, "topic");
            action_log(control->actions, LOG_ERROR, "row of sluice_topics not understood",
                       "topic=%s", log_quote(quoted, sizeof(quoted), name.data, name.len));
        } else if (topic_store_put(store, &row, now) < 0) {
            action_log(control->actions, LOG_ERROR, "out of memory", "topic=%s", row.name);
        }
    }
}

/* So long others have for a deletion that they began. */
#define OTHERS_DELETE_US (30 * SECOND_US)

static void finish_what_others_began(struct topic_store *store, struct moment now)
{
    struct control *control = store->task.control;
    LIST_EACH (it, &store->records) {
        struct topic_record *record = LIST_ENTRY(it, struct topic_record, node);
        struct slice name = slice_cstr(record->name);
        if (record->state == TOPIC_CREATING)
            topic_maker_add(&control->maker, name, record->partitions, SLICE_NULL, NULL, NULL, now);
        else if (record->state == TOPIC_DELETING)
            topic_dropper_add(&control->dropper, name, record->topic_id,
                              boot_is_over(control) ? OTHERS_DELETE_US : 0, NULL, NULL, now);
        else
            topic_changer_catch_up(&control->changer, name, record->topic_id,
                                   slice_make(record->configuration, record->configuration_len),
                                   now);
    }
}

static void load_is_over(struct topic_store *store, struct moment now)
{
    LIST_EACH_SAFE (it, after, &store->records) {
        struct topic_record *record = LIST_ENTRY(it, struct topic_record, node);
        if (record->generation != store->generation)
            topic_store_gone(store, record, now);
    }
    store->state = TOPIC_STORE_IDLE;
    store->loaded = true;
    store->confirmed_us = store->load_from_us;
    if (store->load_again) {
        topic_store_load(store, now);
        return;
    }
    if (!store->task.control->boot.is_survey)
        finish_what_others_began(store, now);
    topic_maker_reloaded(&store->task.control->maker, now);
    boot_look(store->task.control, now);
}

static void topic_store_act(struct task *task, struct moment now)
{
    struct topic_store *store = LIST_ENTRY(task, struct topic_store, task);
    struct slice state = buf_unread(&store->paging_state);
    task_ask(task,
             &(struct question){.kind = QUESTION_READ,
                                .text = task->control->texts[STATEMENT_TOPICS_SCAN],
                                .page_size = PAGE_ROWS,
                                .paging_state = state.len > 0 ? state : SLICE_NULL},
             now);
}

static void topic_store_answer(struct task *task, const struct answer *answer, struct moment now)
{
    struct topic_store *store = LIST_ENTRY(task, struct topic_store, task);
    if (answer->kind != ANSWER_ROWS) {
        task_refused(task, answer, now);
        return;
    }
    bool more = answer->result->has_more;
    buf_reset(&store->paging_state);
    if (more && buf_append(&store->paging_state, answer->result->metadata.paging_state) < 0) {
        store->load_again = false; /* from the start, when there is memory */
        buf_reset(&store->paging_state);
        task_sleep(task, SECOND_US, now);
        return;
    }
    take_page(store, answer, now);
    if (more)
        topic_store_act(task, now);
    else
        load_is_over(store, now);
}

void topic_store_load(struct topic_store *store, struct moment now)
{
    if (store->state == TOPIC_STORE_EXPECT_PAGE) {
        store->load_again = true;
        return;
    }
    store->load_again = false;
    store->generation++;
    store->load_from_us = now.boot_us;
    store->state = TOPIC_STORE_EXPECT_PAGE;
    buf_reset(&store->paging_state);
    topic_store_act(&store->task, now);
}

void topic_store_init(struct topic_store *store, struct control *control)
{
    *store = (struct topic_store){.state = TOPIC_STORE_IDLE};
    list_init(&store->records);
    buf_init(&store->paging_state, control->alloc, PAGING_STATE_MAX);
    task_init(&store->task, control, "the topics", topic_store_act, topic_store_answer);
}

void topic_store_deinit(struct topic_store *store)
{
    while (!list_empty(&store->records))
        record_free(store, LIST_ENTRY(store->records.next, struct topic_record, node));
    buf_deinit(&store->paging_state);
}
