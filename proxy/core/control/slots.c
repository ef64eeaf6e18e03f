/*
 * Which member leads which slot. A claim is a transaction on the slot's row as it was read, with a
 * higher epoch and with sealed_below = the greatest C that any earlier leader of the slot can have
 * written below. It needs
 *   - a holder that is surely gone, known from a read that was sent AFTER the slot's row was read:
 * otherwise the holder may have come back and claimed in between, with a ceiling that we would not
 * know;
 *   - an own durable ceiling above that C.
 * Slots with partitions of topics come first, up to 16 at once; the others follow at leisure.
 */
#include "core/control/control_internal.h"

#include "proto/kill_point.h"
#include "proto/murmur3.h"

/* What our ceiling must have left above C before a claim: timestamps until the next renewal. */
#define CLAIM_ROOM_US (SECOND_US / 10)
#define LOOK_AGAIN_US (30 * SECOND_US)
#define REST_US       (SECOND_US / 5) /* after a claim that came to nothing without a rival */
#define LOST_CEILING_ROOM_US                                                                       \
    (30 * SECOND_US) /* no ceiling is ever set further ahead than this and a lease */

static void claim_expect(struct claim *claim, enum claim_state state, struct moment now);
static void claim_is_over(struct claim *claim, struct moment now);

static struct slots *slots_of(struct claim *claim)
{
    return &claim->task.control->slots;
}

/* Part of the format: never changes. */
int slot_of(const uint8_t topic_id[16], int32_t partition)
{
    uint64_t hash = (uint64_t)murmur3_token(topic_id, 16);
    return (int)((hash + (uint64_t)(uint32_t)partition) % SLOT_COUNT);
}

/* --- what the rows say --- */

static void slot_seen(struct control *control, struct slot *slot, const struct answer *answer)
{
    struct slice member = row_text(answer, "member");
    slot->seen_at = control->steps;
    slot->peer = NULL;
    if (!row_i32(answer, "epoch", &slot->epoch) ||
        !row_i64(answer, "sealed_below", &slot->sealed_below_us)) {
        slot->state = SLOT_ABSENT;
        slot->epoch = 0;
        slot->sealed_below_us = 0;
    } else if (slot->epoch == INT32_MAX || !is_believable_us(slot->sealed_below_us)) {
        slot->state = SLOT_UNKNOWN; /* no epoch or time is left to lead it with */
        action_log(control->actions, LOG_ERROR, "row of sluice_slots not understood",
                   "slot=%d epoch=%d sealed_below=%lld", (int)(slot - control->slots.all),
                   slot->epoch, (long long)slot->sealed_below_us);
    } else if (member.len == 0) {
        slot->state = SLOT_FREE;
    } else if (slice_equal(member, slice_cstr(control->config->member))) {
        slot->state = SLOT_OURS;
    } else {
        slot->peer = peers_get(&control->peers, member);
        slot->state = slot->peer == NULL ? SLOT_UNKNOWN : SLOT_PEERS;
    }
}

static void slots_answer(struct task *task, const struct answer *answer, struct moment now)
{
    struct slots *slots = LIST_ENTRY(task, struct slots, task);
    struct control *control = task->control;
    int32_t number;

    if (answer->kind != ANSWER_ROWS) {
        task_refused(task, answer, now);
        return;
    }
    if (slots->state == SLOTS_EXPECT_SCAN)
        for (int i = 0; i < SLOT_COUNT; i++)
            slots->all[i] = (struct slot){.state = SLOT_ABSENT,
                                          .is_wanted = slots->all[i].is_wanted,
                                          .seen_at = control->steps};
    while (cql_result_next_row(answer->result))
        if (row_i32(answer, "slot", &number) && number >= 0 && number < SLOT_COUNT &&
            slots->all[number].state != SLOT_LED && slots->all[number].state != SLOT_CLAIMING)
            slot_seen(control, &slots->all[number], answer);
    slots->state = SLOTS_SCANNED;
    peers_scan(&control->peers, now);
    task_sleep(task, LOOK_AGAIN_US, now);
}

/*
 * What others lead is looked at again from time to time: a claim that was taken for lost may have been
 * applied after it was read back, and then each of two members believes that the other one leads.
 */
static void slots_act(struct task *task, struct moment now)
{
    const struct slots *slots = LIST_ENTRY(task, struct slots, task);
    if (slots->state == SLOTS_SCANNED && slots->led_count == SLOT_COUNT) {
        task_sleep(task, LOOK_AGAIN_US, now);
        return;
    }
    task_ask_statement(task, QUESTION_READ, STATEMENT_SLOTS_SCAN, NULL, 0, now);
}

/* --- which may be claimed --- */

/*
 * The member that holds the slot has no row: somebody removed it, and with it the ceiling. When its
 * lease is surely over (it could not renew without a row), nothing can have been written further
 * ahead than ceilings ever are.
 */
static bool lost_ceiling(struct slots *slots, int64_t *c_us, struct moment now)
{
    struct control *control = slots->task.control;
    const struct member_row row = {.lease_us = control->config->lease_us};
    if (slots->lost_since_us == 0) {
        slots->lost_since_us = now.boot_us;
        action_log(control->actions, LOG_WARN, "slots are held by a member without a row",
                   "waits_ms=%lld", (long long)(member_silence_us(&row) / 1000));
    }
    *c_us = now.wall_us + row.lease_us + LOST_CEILING_ROOM_US;
    return now.boot_us - slots->lost_since_us >= member_silence_us(&row);
}

/* Nobody live holds it: *c_us is the ceiling of the one that did. */
static bool holder_is_gone(struct slots *slots, const struct slot *slot, int64_t *c_us,
                           struct moment now)
{
    const struct membership *member = &slots->task.control->member;
    *c_us = 0;
    switch (slot->state) {
    case SLOT_ABSENT:
    case SLOT_FREE:
        return true;
    case SLOT_OURS:
        *c_us = member->fenced_us;
        return member->fenced_us != 0 || lost_ceiling(slots, c_us, now);
    case SLOT_PEERS:
        if (slot->seen_at >= slot->peer->known_at)
            return false;
        *c_us = slot->peer->row.ceiling_us;
        return slot->peer->row.present ? slot->peer->row.closed : lost_ceiling(slots, c_us, now);
    case SLOT_UNKNOWN:
    case SLOT_CLAIMING:
    case SLOT_LED:
        return false;
    }
    return false;
}

static bool may_claim(struct slots *slots, const struct slot *slot, int64_t *sealed_below_us,
                      struct moment now)
{
    struct membership *member = &slots->task.control->member;
    int64_t c_us;
    if (!holder_is_gone(slots, slot, &c_us, now))
        return false;
    *sealed_below_us = c_us > slot->sealed_below_us ? c_us : slot->sealed_below_us;
    if (*sealed_below_us + CLAIM_ROOM_US < member->ceiling_us)
        return true;
    membership_raise(member, *sealed_below_us, now);
    return false;
}

static int find_claimable(struct slots *slots, bool wanted, int64_t *sealed_below_us,
                          struct moment now)
{
    for (int i = 0; i < SLOT_COUNT; i++)
        if (slots->all[i].is_wanted == wanted &&
            may_claim(slots, &slots->all[i], sealed_below_us, now))
            return i;
    return -1;
}

static struct claim *idle_claim(struct slots *slots)
{
    for (int i = 0; i < CLAIMS_AT_ONCE; i++)
        if (slots->claims[i].state == CLAIM_IDLE)
            return &slots->claims[i];
    return NULL;
}

void slots_claim(struct slots *slots, struct moment now)
{
    struct control *control = slots->task.control;
    struct claim *claim;
    int64_t sealed_below_us;

    if (slots->state != SLOTS_SCANNED || !membership_has_lease(&control->member, now))
        return;
    while ((claim = idle_claim(slots)) != NULL) {
        int found = find_claimable(slots, true, &sealed_below_us, now);
        if (found < 0 && slots->claiming_count < CLAIMS_AT_LEISURE)
            found = find_claimable(slots, false, &sealed_below_us, now);
        if (found < 0)
            return;
        slots->all[found].before = slots->all[found].state;
        slots->all[found].state = SLOT_CLAIMING;
        slots->claiming_count++;
        claim->slot = found;
        claim->sealed_below_us = sealed_below_us;
        claim_expect(claim, CLAIM_EXPECT_DONE, now);
        KILL_POINT("slot.claim_sent");
    }
}

/* --- one claim --- */

static struct slice holder_name(const struct control *control, const struct slot *slot)
{
    if (slot->before == SLOT_OURS)
        return slice_cstr(control->config->member);
    return slot->before == SLOT_PEERS ? peer_name(slot->peer) : SLICE_LITERAL("");
}

static void ask_claim(struct claim *claim, struct moment now)
{
    struct control *control = claim->task.control;
    const struct slot *slot = &slots_of(claim)->all[claim->slot];
    uint8_t number[4], epoch[4], sealed[8], old_epoch[4], old_sealed[8];
    bool insert = slot->before == SLOT_ABSENT;
    const struct cql_value who = cql_value_text(control->config->member);
    const struct cql_value which = cql_value_i32(number, claim->slot);
    const struct cql_value next = cql_value_i32(epoch, slot->epoch + 1);
    const struct cql_value below = cql_value_i64(sealed, claim->sealed_below_us);
    const struct cql_value made[] = {which, who, next, below};
    const struct cql_value taken[] = {who,
                                      next,
                                      below,
                                      which,
                                      cql_value_bytes(holder_name(control, slot)),
                                      cql_value_i32(old_epoch, slot->epoch),
                                      cql_value_i64(old_sealed, slot->sealed_below_us)};
    task_ask_statement(&claim->task, QUESTION_TRANSACTION,
                       insert ? STATEMENT_SLOT_INSERT : STATEMENT_SLOT_CLAIM, insert ? made : taken,
                       insert ? 4 : 7, now);
}

static void claim_act(struct task *task, struct moment now)
{
    struct claim *claim = LIST_ENTRY(task, struct claim, task);
    uint8_t number[4];
    switch (claim->state) {
    case CLAIM_EXPECT_DONE:
        ask_claim(claim, now);
        return;
    case CLAIM_EXPECT_READ: {
        const struct cql_value values[] = {cql_value_i32(number, claim->slot)};
        task_ask_statement(task, QUESTION_SERIAL, STATEMENT_SLOT_READ, values, 1, now);
        return;
    }
    case CLAIM_RESTS:
        claim_is_over(claim, now);
        return;
    case CLAIM_IDLE:
        return;
    }
}

/* The one setter. */
static void claim_expect(struct claim *claim, enum claim_state state, struct moment now)
{
    claim->state = state;
    claim_act(&claim->task, now);
}

static void claim_is_over(struct claim *claim, struct moment now)
{
    struct slots *slots = slots_of(claim);
    struct control *control = claim->task.control;
    claim->state = CLAIM_IDLE;
    slots->claiming_count--;
    if (!slots->told_all && slots_all_led(slots)) {
        slots->told_all = true;
        action_log(control->actions, LOG_INFO, "all slots led", "slots=%d after_ms=%lld",
                   SLOT_COUNT, (long long)((now.boot_us - control->boot.started_us) / 1000));
    }
    slots_claim(slots, now);
    boot_look(control, now);
}

static void claim_won(struct claim *claim, struct moment now)
{
    struct slots *slots = slots_of(claim);
    struct slot *slot = &slots->all[claim->slot];
    slot->state = SLOT_LED;
    slot->epoch++;
    slot->sealed_below_us = claim->sealed_below_us;
    slots->led_count++;
    KILL_POINT("slot.claimed");
    claim_is_over(claim, now);
}

/* The row after an unknown outcome: ours when it says just what was asked for. */
static bool is_what_was_asked(const struct claim *claim, const struct slot *slot,
                              const struct answer *answer)
{
    int32_t epoch = 0;
    int64_t sealed_below_us = 0;
    return slice_equal(row_text(answer, "member"),
                       slice_cstr(claim->task.control->config->member)) &&
           row_i32(answer, "epoch", &epoch) && epoch == slot->epoch + 1 &&
           row_i64(answer, "sealed_below", &sealed_below_us) &&
           sealed_below_us == claim->sealed_below_us;
}

static void claim_answer(struct task *task, const struct answer *answer, struct moment now)
{
    struct claim *claim = LIST_ENTRY(task, struct claim, task);
    struct slot *slot = &slots_of(claim)->all[claim->slot];

    if (answer->kind == ANSWER_REFUSED) {
        task_refused(task, answer, now);
        return;
    }
    if (answer->kind == ANSWER_UNKNOWN) {
        claim_expect(claim, CLAIM_EXPECT_READ, now);
        return;
    }
    if (answer->kind == ANSWER_APPLIED) {
        claim_won(claim, now);
        return;
    }
    bool read = claim->state == CLAIM_EXPECT_READ;
    bool present = !read || cql_result_next_row(answer->result);
    if (read && present && is_what_was_asked(claim, slot, answer)) {
        claim_won(claim, now);
        return;
    }
    slot->state =
        SLOT_ABSENT; /* unless the row says otherwise; then the next look at the members decides */
    slot->seen_at = task->control->steps;
    slot->peer = NULL;
    slot->epoch = 0;
    slot->sealed_below_us = 0;
    if (present)
        slot_seen(task->control, slot, answer);
    if (!read && slot->state == SLOT_PEERS) {
        claim_is_over(claim, now);
        return;
    }
    /* A node that fails each transaction at once, or refuses it with a row that it fits, is not
     * flooded. */
    claim->state = CLAIM_RESTS;
    task_sleep(task, REST_US, now);
}

/* --- asked from outside --- */

void slots_init(struct slots *slots, struct control *control)
{
    *slots = (struct slots){.state = SLOTS_IDLE};
    task_init(&slots->task, control, "the slots", slots_act, slots_answer);
    for (int i = 0; i < CLAIMS_AT_ONCE; i++)
        task_init(&slots->claims[i].task, control, "a slot", claim_act, claim_answer);
}

void slots_scan(struct slots *slots, struct moment now)
{
    slots->state = SLOTS_EXPECT_SCAN;
    slots_act(&slots->task, now);
}

void slots_want(struct slots *slots, const uint8_t topic_id[16], int32_t partitions,
                struct moment now)
{
    for (int32_t i = 0; i < partitions && i < SLOT_COUNT; i++)
        slots->all[slot_of(topic_id, i)].is_wanted = true;
    slots_claim(slots, now);
}

bool slots_are_settled(const struct slots *slots)
{
    if (slots->state != SLOTS_SCANNED)
        return false;
    for (int i = 0; i < SLOT_COUNT; i++) {
        const struct slot *slot = &slots->all[i];
        bool is_anothers = slot->state == SLOT_PEERS && slot->peer->is_alive;
        if (slot->is_wanted && slot->state != SLOT_LED && !is_anothers)
            return false;
    }
    return true;
}

void slots_mark_holders(struct slots *slots)
{
    LIST_EACH (it, &slots->task.control->peers.all)
        LIST_ENTRY(it, struct peer, node)->holds_slots = false;
    for (int i = 0; i < SLOT_COUNT; i++)
        if (slots->all[i].state == SLOT_PEERS)
            slots->all[i].peer->holds_slots = true;
}

bool slots_all_led(const struct slots *slots)
{
    return slots->led_count == SLOT_COUNT;
}
