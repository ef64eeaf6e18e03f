/*
 * Producer ids, in blocks of 1,000: block b is [1000 b, 1000 b + 999], and whoever moved next_block
 * from b to b + 1 owns it. That transition happens once, and only a reply that says so gives ids;
 * an unknown outcome burns the block. The next block is fetched when half of the one at hand is
 * used.
 */
#include "core/control/control_internal.h"
#include "proto/kill_point.h"

#define ROW_NAME      "producer_ids"
#define BLOCK_MAX     (INT64_MAX / PRODUCER_ID_BLOCK - 1)
#define LOST_PAUSE_US (SECOND_US / 50) /* a rival, or a node that says so, does not keep us busy   \
                                        */
#define WRONG_PAUSE_US (10 * SECOND_US)

static void ask_next(struct producer_ids *ids, struct moment now)
{
    const struct cql_value values[] = {cql_value_text(ROW_NAME)};
    task_ask_statement(&ids->task, QUESTION_SERIAL, STATEMENT_IDS_READ, values, 1, now);
}

static void ask_block(struct producer_ids *ids, struct moment now)
{
    uint8_t old_bytes[8], new_bytes[8];
    bool insert = ids->next_block < 0;
    struct cql_value name = cql_value_text(ROW_NAME);
    struct cql_value next = cql_value_i64(new_bytes, insert ? 1 : ids->next_block + 1);
    const struct cql_value values[] = {insert ? name : next, insert ? next : name,
                                       cql_value_i64(old_bytes, ids->next_block)};
    task_ask_statement(&ids->task, QUESTION_TRANSACTION,
                       insert ? STATEMENT_IDS_INSERT : STATEMENT_IDS_TAKE, values, insert ? 2 : 3,
                       now);
}

static void producer_ids_act(struct task *task, struct moment now)
{
    struct producer_ids *ids = LIST_ENTRY(task, struct producer_ids, task);
    if (ids->state == PRODUCER_IDS_EXPECT_NEXT)
        ask_next(ids, now);
    else if (ids->state == PRODUCER_IDS_EXPECT_BLOCK)
        ask_block(ids, now);
}

static void take_block(struct producer_ids *ids, struct moment now)
{
    int64_t first = (ids->next_block < 0 ? 0 : ids->next_block) * PRODUCER_ID_BLOCK;
    ids->state = PRODUCER_IDS_IDLE;
    if (ids->next == ids->end) {
        ids->next = first;
        ids->end = first + PRODUCER_ID_BLOCK;
    } else {
        ids->reserve = first;
    }
    boot_look(ids->task.control, now);
}

static void producer_ids_answer(struct task *task, const struct answer *answer, struct moment now)
{
    struct producer_ids *ids = LIST_ENTRY(task, struct producer_ids, task);
    bool read = ids->state == PRODUCER_IDS_EXPECT_NEXT;

    if (answer->kind == ANSWER_REFUSED) {
        task_refused(task, answer, now);
        return;
    }
    if (answer->kind == ANSWER_APPLIED) {
        KILL_POINT("producer_ids.block_taken");
        take_block(ids, now);
        return;
    }
    if (read) {
        ids->next_block = -1;
        if (cql_result_next_row(answer->result) &&
            !row_i64(answer, "next_block", &ids->next_block)) {
            task_sleep(task, SECOND_US, now); /* the row without its cell: somebody is at work */
            return;
        }
        if (ids->next_block < -1 || ids->next_block > BLOCK_MAX) {
            action_log(task->control->actions, LOG_ERROR, "sluice_producer_ids cannot be right",
                       "next_block=%lld", (long long)ids->next_block);
            task_sleep(task, WRONG_PAUSE_US, now);
            return;
        }
    }
    ids->state = read ? PRODUCER_IDS_EXPECT_BLOCK : PRODUCER_IDS_EXPECT_NEXT;
    if (read)
        producer_ids_act(task, now);
    else
        task_sleep(task, LOST_PAUSE_US, now);
}

void producer_ids_init(struct producer_ids *ids, struct control *control)
{
    *ids = (struct producer_ids){.state = PRODUCER_IDS_IDLE, .reserve = -1};
    task_init(&ids->task, control, "producer ids", producer_ids_act, producer_ids_answer);
}

void producer_ids_fetch(struct producer_ids *ids, struct moment now)
{
    if (ids->state != PRODUCER_IDS_IDLE || ids->reserve >= 0)
        return;
    ids->state = PRODUCER_IDS_EXPECT_NEXT;
    producer_ids_act(&ids->task, now);
}

bool producer_ids_take(struct producer_ids *ids, int64_t *id, struct moment now)
{
    if (ids->next == ids->end && ids->reserve >= 0) {
        ids->next = ids->reserve;
        ids->end = ids->reserve + PRODUCER_ID_BLOCK;
        ids->reserve = -1;
    }
    bool given = ids->next < ids->end;
    if (given)
        *id = ids->next++;
    if (ids->end - ids->next <= PRODUCER_ID_BLOCK / 2)
        producer_ids_fetch(ids, now);
    return given;
}
