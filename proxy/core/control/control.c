/* The control plane as the gateway sees it: its life, its clock, and the questions that it answers.
 */
#include "core/control/control_internal.h"

#define ANSWER_ARENA_BYTES                                                                         \
    ((size_t)4 * 1024 * 1024) /* one page of rows, or all settings of a node */
#define DEFAULT_LIMIT_BYTES ((size_t)16 * 1024 * 1024)
#define CLOCK_CHECK_US      (3600 * SECOND_US)
#define CLOCK_CHECK_SOON_US (60 * SECOND_US)
#define SCHEMA_DEBOUNCE_US  SECOND_US
#define OTHERS_TOPICS_US                                                                           \
    (30 * SECOND_US) /* with several gateways: how long a missed event can hide a topic */
#define RANDOM_STREAM UINT64_C(0x736c756963652e63) /* apart from other users of the same seed */

static const char *const statement_texts[STATEMENT_COUNT] = {
#define STATEMENT_TEXT(name, text) [STATEMENT_##name] = (text),
    STATEMENT_MAP(STATEMENT_TEXT)
#undef STATEMENT_TEXT
};

/* '@' becomes the keyspace in quotes; a keyspace name has no quotes of its own
 * (schema_keyspace_is_valid). */
static char *make_text(const struct alloc *alloc, const char *template, const char *keyspace)
{
    size_t bytes = strlen(template) + strlen(keyspace) + 3; /* one '@' at most */
    char *text = alloc_zeroed(alloc, bytes), *to = text;
    if (text == NULL)
        return NULL;
    for (const char *from = template; *from != '\0'; from++) {
        if (*from != '@') {
            *to++ = *from;
            continue;
        }
        *to++ = '"';
        memcpy(to, keyspace, strlen(keyspace));
        to += strlen(keyspace);
        *to++ = '"';
    }
    return text;
}

static void free_texts(struct control *control)
{
    for (int i = 0; i < STATEMENT_COUNT; i++)
        if (control->texts[i] != NULL)
            alloc_free(control->alloc, control->texts[i],
                       strlen(statement_texts[i]) + strlen(control->config->keyspace) + 3);
}

static bool make_texts(struct control *control)
{
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        control->texts[i] =
            make_text(control->alloc, statement_texts[i], control->config->keyspace);
        if (control->texts[i] == NULL)
            return false;
    }
    return true;
}

static void clock_act(struct task *task, struct moment now)
{
    task_ask_statement(task, QUESTION_LOCAL, STATEMENT_LOCAL, NULL, 0, now);
}

static void clock_answer(struct task *task, const struct answer *answer, struct moment now)
{
    struct control *control = task->control;
    int64_t database_ms;
    if (answer->kind == ANSWER_ROWS && cql_result_next_row(answer->result) &&
        row_i64(answer, "now", &database_ms))
        (void)checks_clock(control, database_ms, task->asked, now);
    task_sleep(task, control->member.clock_is_off ? CLOCK_CHECK_SOON_US : CLOCK_CHECK_US, now);
}

static void init_machines(struct control *control)
{
    boot_init(&control->boot, control);
    agreement_init(&control->agreement, control);
    topic_store_init(&control->topics, control);
    topic_watch_init(&control->watch, control);
    topic_maker_init(&control->maker, control);
    topic_changer_init(&control->changer, control);
    topic_dropper_init(&control->dropper, control);
    producer_ids_init(&control->ids, control);
    membership_init(&control->member, control);
    peers_init(&control->peers, control);
    slots_init(&control->slots, control);
    task_init(&control->clock_task, control, "the database's clock", clock_act, clock_answer);
}

struct control *control_new(const struct gateway_config *config, struct cluster *cluster,
                            struct action_queue *actions, const struct control_hooks *hooks)
{
    struct control *control = alloc_zeroed(config->alloc, sizeof(*control));
    if (control == NULL)
        return NULL;
    bool everywhere = config->consistency == CQL_CONSISTENCY_QUORUM;
    control->config = config;
    control->alloc = config->alloc;
    control->cluster = cluster;
    control->actions = actions;
    control->hooks = *hooks;
    /* Unsafe levels are for records; who leads what is never decided by fewer than a majority. */
    control->consistency = everywhere ? CQL_CONSISTENCY_QUORUM : CQL_CONSISTENCY_LOCAL_QUORUM;
    control->serial_consistency =
        everywhere ? CQL_CONSISTENCY_SERIAL : CQL_CONSISTENCY_LOCAL_SERIAL;
    control->max_frame_bytes = DEFAULT_LIMIT_BYTES;
    control->max_mutation_bytes = DEFAULT_LIMIT_BYTES;
    control->table_name_max = SCHEMA_TABLE_NAME_OLD_MAX;
    control->topics_changed_us = NEVER_US;
    random_init(&control->random, config->random_seed ^ RANDOM_STREAM);
    arena_init(&control->arena, config->alloc, (size_t)8 * 1024, ANSWER_ARENA_BYTES);
    list_init(&control->sleeping);
    init_machines(control);
    if (make_texts(control))
        return control;
    control_free(control);
    return NULL;
}

void control_free(struct control *control)
{
    if (control == NULL)
        return;
    agreement_deinit(&control->agreement);
    topic_maker_deinit(&control->maker);
    topic_changer_deinit(&control->changer);
    topic_dropper_deinit(&control->dropper);
    topic_store_deinit(&control->topics);
    peers_deinit(&control->peers);
    free_texts(control);
    arena_deinit(&control->arena);
    alloc_free(control->alloc, control, sizeof(*control));
}

void control_start(struct control *control, struct moment now)
{
    boot_start(&control->boot, now);
    task_sleep(&control->clock_task, CLOCK_CHECK_US, now);
}

void control_survey(struct control *control, struct moment now)
{
    boot_survey(&control->boot, now);
}

void control_schema_changed(struct control *control, const struct cql_push *push, struct moment now)
{
    if (push->kind != CQL_PUSH_SCHEMA || push->schema.target != CQL_TARGET_TABLE ||
        push->change == CQL_CHANGE_UPDATED ||
        !slice_equal(push->schema.keyspace, slice_cstr(control->config->keyspace)))
        return;
    if (control->topics_changed_us > now.boot_us + SCHEMA_DEBOUNCE_US)
        control->topics_changed_us = now.boot_us + SCHEMA_DEBOUNCE_US;
}

static void reload_topics(struct control *control, struct moment now)
{
    if (!boot_is_over(control))
        return;
    if (now.boot_us >= control->topics_changed_us) {
        control->topics_changed_us = NEVER_US;
        topic_store_load(&control->topics, now);
    } else if (control->topics_changed_us == NEVER_US && peers_are_open(&control->peers)) {
        control->topics_changed_us = now.boot_us + OTHERS_TOPICS_US;
    }
}

static int64_t earlier(int64_t a_us, int64_t b_us)
{
    return a_us < b_us ? a_us : b_us;
}

int64_t control_deadline_us(const struct control *control)
{
    int64_t deadline_us =
        earlier(tasks_deadline_us(control), membership_deadline_us(&control->member));
    deadline_us = earlier(deadline_us, topic_maker_deadline_us(&control->maker));
    return boot_is_over(control) ? earlier(deadline_us, control->topics_changed_us) : deadline_us;
}

void control_tick(struct control *control, struct moment now)
{
    membership_tick(&control->member, now);
    tasks_tick(control, now);
    topic_maker_tick(&control->maker, now);
    reload_topics(control, now);
}

/*
 * The member's row is closed, which gives all its slots back at once: a slot whose holder is closed
 * is free for whoever claims it, with the ceiling in that row as C. A member that lives on and
 * hands over single slots would write C into those; this process ends.
 */
void control_release(struct control *control, int64_t deadline_us,
                     void (*done)(void *context, struct moment now), void *context,
                     struct moment now)
{
    task_cancel(&control->peers.task);
    task_cancel(&control->slots.task);
    for (int i = 0; i < CLAIMS_AT_ONCE; i++)
        task_cancel(&control->slots.claims[i].task);
    if (!boot_is_over(control))
        task_cancel(&control->boot.task);
    membership_release(&control->member, deadline_us, done, context, now);
}

const char *control_cluster_id(const struct control *control)
{
    return boot_is_over(control) ? control->cluster_id : NULL;
}

size_t control_max_mutation_bytes(const struct control *control)
{
    return control->max_frame_bytes < control->max_mutation_bytes ? control->max_frame_bytes
                                                                  : control->max_mutation_bytes;
}

static const struct slot *find_slot(const struct control *control, const uint8_t topic_id[16],
                                    int32_t partition)
{
    return &control->slots.all[slot_of(topic_id, partition)];
}

bool control_leads(const struct control *control, const uint8_t topic_id[16], int32_t partition,
                   struct moment now)
{
    return find_slot(control, topic_id, partition)->state == SLOT_LED &&
           membership_has_lease(&control->member, now);
}

bool control_leads_soon(const struct control *control, const uint8_t topic_id[16], int32_t partition,
                        struct moment now)
{
    enum slot_state state = find_slot(control, topic_id, partition)->state;

    return !control_leads(control, topic_id, partition, now) && state != SLOT_PEERS;
}

int64_t control_ceiling_us(const struct control *control)
{
    return control->member.ceiling_us;
}

int64_t control_sealed_below_us(const struct control *control, const uint8_t topic_id[16],
                                int32_t partition)
{
    return find_slot(control, topic_id, partition)->sealed_below_us;
}

int32_t control_leader_epoch(const struct control *control, const uint8_t topic_id[16],
                             int32_t partition)
{
    return find_slot(control, topic_id, partition)->epoch;
}

void control_topic_create(struct control *control, struct slice name, int32_t partitions,
                          struct slice configuration, control_done done, void *context,
                          struct moment now)
{
    topic_maker_add(&control->maker, name, partitions, configuration, done, context, now);
}

void control_topic_delete(struct control *control, struct slice name, const uint8_t topic_id[16],
                          control_done done, void *context, struct moment now)
{
    topic_dropper_add(&control->dropper, name, topic_id, 0, done, context, now);
}

void control_topic_configure(struct control *control, struct slice name,
                             const uint8_t topic_id[16], const struct topic_change *changes,
                             size_t count, bool replace, control_done done, void *context,
                             struct moment now)
{
    topic_changer_add(&control->changer, name, topic_id, changes, count, replace, 0, done, context,
                      now);
}

void control_topic_grow(struct control *control, struct slice name, const uint8_t topic_id[16],
                        int32_t partitions, control_done done, void *context, struct moment now)
{
    topic_changer_add(&control->changer, name, topic_id, NULL, 0, false, partitions, done, context,
                      now);
}

int64_t control_topics_confirmed_us(const struct control *control)
{
    return control->topics.confirmed_us;
}

unsigned control_copies(const struct control *control)
{
    return control->boot.copies > 0 ? (unsigned)control->boot.copies : 1;
}

unsigned control_ack_copies(const struct control *control)
{
    enum cql_consistency level = control->config->consistency;
    unsigned copies = control_copies(control), wanted = 1;

    if (level == CQL_CONSISTENCY_QUORUM || level == CQL_CONSISTENCY_LOCAL_QUORUM)
        wanted = copies / 2 + 1;
    else if (level == CQL_CONSISTENCY_TWO)
        wanted = 2;
    else if (level == CQL_CONSISTENCY_THREE)
        wanted = 3;
    return wanted < copies ? wanted : copies;
}

bool control_producer_id(struct control *control, int64_t *producer_id, struct moment now)
{
    return producer_ids_take(&control->ids, producer_id, now);
}

void control_random_uuid(struct control *control, uint8_t uuid[16])
{
    be64_store(uuid, random_next(&control->random));
    be64_store(uuid + 8, random_next(&control->random));
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}
