/*
 * The version of sluice_topics as a whole, in a row of sluice_tables. Whoever changes a row there
 * raises it afterwards; every member reads it as often as it renews its lease, and loads the topics
 * when it is another one. A change whose author dies in between is found by the slower look that
 * control.c takes when there are other members.
 */
#include "core/control/control_internal.h"

/* After a raise that was not done: a member that was faster is not raced. */
#define REST_US (SECOND_US / 10)

static void watch_expect(struct topic_watch *watch, enum topic_watch_state state,
                         struct moment now);

/* Any other number than before is news, so behind the greatest comes the first. */
static int64_t version_after(int64_t version)
{
    return version < 1 || version == INT64_MAX ? 1 : version + 1;
}

static void watch_act(struct task *task, struct moment now)
{
    struct topic_watch *watch = LIST_ENTRY(task, struct topic_watch, task);
    uint8_t next[8], former[8];

    switch (watch->state) {
    case WATCH_IDLE:
        return;
    case WATCH_SLEEPS: /* it slept */
    case WATCH_RESTS:
        watch_expect(watch, WATCH_EXPECT_VERSION, now);
        return;
    case WATCH_EXPECT_VERSION:
        task_ask_statement(&watch->task, QUESTION_READ, STATEMENT_VERSION_READ, NULL, 0, now);
        return;
    case WATCH_EXPECT_RAISED: {
        bool first = !watch->has_row;
        const struct cql_value values[] = {cql_value_i64(next, version_after(watch->read)),
                                           cql_value_i64(former, watch->read)};
        watch->raising = watch->wanted;
        task_ask_statement(&watch->task, QUESTION_TRANSACTION,
                           first ? STATEMENT_VERSION_INSERT : STATEMENT_VERSION_RAISE, values,
                           first ? 1 : 2, now);
        return;
    }
    }
}

static void version_answer(struct topic_watch *watch, const struct answer *answer,
                           struct moment now)
{
    struct topic_store *store = &watch->task.control->topics;

    watch->has_row =
        cql_result_next_row(answer->result) && row_i64(answer, "version", &watch->read);
    if (!watch->has_row)
        watch->read = 0;
    if (!watch->is_known || watch->read != watch->known) {
        watch->is_known = true;
        watch->known = watch->read;
        topic_store_load(store, now);
    } else if (store->state == TOPIC_STORE_IDLE) {
        store->confirmed_us = watch->task.asked.boot_us;
    }
    watch_expect(watch, watch->wanted > watch->raised ? WATCH_EXPECT_RAISED : WATCH_SLEEPS, now);
}

/* What was changed here is known here: the own step of the version is no reason to load. */
static void raised_answer(struct topic_watch *watch, const struct answer *answer, struct moment now)
{
    if (answer->kind != ANSWER_APPLIED) { /* in doubt, or another member was here: from there on */
        watch_expect(watch, WATCH_RESTS, now);
        return;
    }
    watch->read = version_after(watch->read);
    watch->has_row = true;
    watch->known = watch->read;
    watch->raised = watch->raising;
    watch_expect(watch, watch->wanted > watch->raised ? WATCH_EXPECT_RAISED : WATCH_SLEEPS, now);
    topic_dropper_raised(&watch->task.control->dropper, now);
}

static void watch_answer(struct task *task, const struct answer *answer, struct moment now)
{
    struct topic_watch *watch = LIST_ENTRY(task, struct topic_watch, task);

    if (answer->kind == ANSWER_REFUSED)
        task_refused(task, answer, now);
    else if (watch->state == WATCH_EXPECT_VERSION)
        version_answer(watch, answer, now);
    else
        raised_answer(watch, answer, now);
}

/* The one setter. */
static void watch_expect(struct topic_watch *watch, enum topic_watch_state state,
                         struct moment now)
{
    watch->state = state;
    if (state == WATCH_SLEEPS)
        task_sleep(&watch->task, watch->task.control->config->lease_renew_us, now);
    else if (state == WATCH_RESTS)
        task_sleep(&watch->task, REST_US, now);
    else
        watch_act(&watch->task, now);
}

void topic_watch_init(struct topic_watch *watch, struct control *control)
{
    *watch = (struct topic_watch){.state = WATCH_IDLE};
    task_init(&watch->task, control, "the topics' version", watch_act, watch_answer);
}

void topic_watch_start(struct topic_watch *watch, struct moment now)
{
    if (watch->state == WATCH_IDLE)
        watch_expect(watch, WATCH_EXPECT_VERSION, now);
}

uint64_t topic_watch_raise(struct topic_watch *watch, struct moment now)
{
    watch->wanted++;
    if (watch->state == WATCH_SLEEPS)
        watch_expect(watch, WATCH_EXPECT_RAISED, now);
    return watch->wanted;
}

bool topic_watch_has(const struct topic_watch *watch, uint64_t ticket)
{
    return watch->raised >= ticket;
}
