/*
 * The other members. One that holds slots and is silent, its row unchanged for its lease and a
 * margin on our own clock, is fenced: its row is closed by a transaction on the very incarnation
 * and ceiling that were seen, which fixes its C. A peer that renewed meanwhile makes that
 * transaction fail, and is alive.
 */
#include "core/control/control_internal.h"

#define WATCH_US SECOND_US
#define IDLE_US  (30 * SECOND_US)

static void peers_expect(struct peers *peers, enum peers_state state, struct moment now);

static struct peer *peer_of(struct list *node)
{
    return LIST_ENTRY(node, struct peer, node);
}

struct slice peer_name(const struct peer *peer)
{
    return slice_make(peer->name, peer->name_len);
}

struct peer *peers_get(struct peers *peers, struct slice name)
{
    LIST_EACH (it, &peers->all)
        if (slice_equal(peer_name(peer_of(it)), name))
            return peer_of(it);
    if (peers->count >= PEERS_MAX)
        return NULL;
    size_t bytes = sizeof(struct peer) + name.len;
    struct peer *peer = alloc_zeroed(peers->task.control->alloc, bytes);
    if (peer == NULL)
        return NULL;
    peer->bytes = bytes;
    peer->name_len = name.len;
    if (name.len > 0)
        memcpy(peer->name, name.data, name.len);
    list_append(&peers->all, &peer->node);
    peers->count++;
    return peer;
}

/* `row` was true at some time after the question of step asked_at was sent. */
static void peer_seen(struct peer *peer, const struct member_row *row, uint64_t asked_at,
                      struct moment now)
{
    bool same = peer->row.present == row->present && peer->row.incarnation == row->incarnation &&
                peer->row.ceiling_us == row->ceiling_us && peer->row.closed == row->closed;
    bool known = peer->known_at != 0;
    if (!same || !known)
        peer->since_us = now.boot_us;
    if (!same)
        peer->is_alive = known && row->present && !row->closed;
    int64_t lease_us = row->lease_us != 0 ? row->lease_us : peer->row.lease_us;
    peer->row = *row;
    peer->row.lease_us = lease_us;
    peer->known_at = asked_at;
}

static void take_scan(struct peers *peers, const struct answer *answer, struct moment now)
{
    struct control *control = peers->task.control;
    while (cql_result_next_row(answer->result)) {
        struct slice name = row_text(answer, "member");
        struct member_row row = {.lease_us = control->config->lease_us};
        if (slice_equal(name, slice_cstr(control->config->member)) ||
            !member_row_read(answer, &row))
            continue;
        struct peer *peer = peers_get(peers, name);
        if (peer != NULL)
            peer_seen(peer, &row, peers->asked_at, now);
    }
    LIST_EACH (it, &peers->all)
        if (peer_of(it)->known_at != peers->asked_at) /* its row is not there any more */
            peer_seen(peer_of(it), &(struct member_row){.present = false}, peers->asked_at, now);
}

bool peers_are_open(const struct peers *peers)
{
    LIST_EACH (it, &peers->all)
        if (peer_of(it)->row.present && !peer_of(it)->row.closed)
            return true;
    return false;
}

static struct peer *silent_peer(const struct peers *peers)
{
    LIST_EACH (it, &peers->all) {
        struct peer *peer = peer_of(it);
        if (peer->row.present && !peer->row.closed && peer->holds_slots &&
            peers->task.asked.boot_us - peer->since_us >= member_silence_us(&peer->row))
            return peer;
    }
    return NULL;
}

static void peers_go_on(struct peers *peers, struct moment now)
{
    struct control *control = peers->task.control;
    slots_mark_holders(&control->slots);
    slots_claim(&control->slots, now);
    boot_look(control, now);
    peers->fenced = silent_peer(peers);
    if (peers->fenced != NULL && membership_has_lease(&control->member, now)) {
        peers_expect(peers, PEERS_EXPECT_FENCE, now);
        return;
    }
    peers->state = PEERS_EXPECT_SCAN;
    task_sleep(&peers->task, slots_all_led(&control->slots) ? IDLE_US : WATCH_US, now);
}

static void fence_seen(struct peers *peers, const struct answer *answer, bool present,
                       struct moment now)
{
    struct member_row row = {.present = false};
    if (present && !member_row_read(answer, &row))
        row.present = false;
    peer_seen(peers->fenced, &row, peers->asked_at, now);
    peers_go_on(peers, now);
}

static void fence_answer(struct peers *peers, const struct answer *answer, struct moment now)
{
    struct control *control = peers->task.control;
    struct peer *peer = peers->fenced;
    char quoted[LOG_QUOTED_BYTES];

    if (answer->kind == ANSWER_UNKNOWN) {
        peers_expect(peers, PEERS_EXPECT_FENCE_READ, now);
        return;
    }
    if (answer->kind == ANSWER_NOT_APPLIED) {
        fence_seen(peers, answer, true, now);
        return;
    }
    struct member_row row = peer->row;
    row.closed = true;
    peer_seen(peer, &row, peers->asked_at, now);
    action_log(control->actions, LOG_WARN, "member fenced", "member=%s",
               log_quote(quoted, sizeof(quoted), peer->name, peer->name_len));
    peers_go_on(peers, now);
}

static void peers_answer(struct task *task, const struct answer *answer, struct moment now)
{
    struct peers *peers = LIST_ENTRY(task, struct peers, task);
    if (answer->kind == ANSWER_REFUSED) {
        task_refused(task, answer, now);
        return;
    }
    switch (peers->state) {
    case PEERS_EXPECT_SCAN:
        take_scan(peers, answer, now);
        peers_go_on(peers, now);
        return;
    case PEERS_EXPECT_FENCE:
        fence_answer(peers, answer, now);
        return;
    case PEERS_EXPECT_FENCE_READ:
        fence_seen(peers, answer, cql_result_next_row(answer->result), now);
        return;
    case PEERS_IDLE:
        return;
    }
}

static void ask_fence(struct peers *peers, struct moment now)
{
    uint8_t incarnation[8], ceiling[8];
    const struct cql_value values[] = {cql_value_bytes(peer_name(peers->fenced)),
                                       cql_value_i64(incarnation, peers->fenced->row.incarnation),
                                       cql_value_i64(ceiling, peers->fenced->row.ceiling_us)};
    task_ask_statement(&peers->task, QUESTION_TRANSACTION, STATEMENT_MEMBER_CLOSE, values, 3, now);
}

static void peers_act(struct task *task, struct moment now)
{
    struct peers *peers = LIST_ENTRY(task, struct peers, task);
    struct control *control = task->control;
    switch (peers->state) {
    case PEERS_EXPECT_SCAN:
        task_ask_statement(task, QUESTION_READ, STATEMENT_MEMBERS_SCAN, NULL, 0, now);
        break;
    case PEERS_EXPECT_FENCE:
        ask_fence(peers, now);
        break;
    case PEERS_EXPECT_FENCE_READ: {
        const struct cql_value values[] = {cql_value_bytes(peer_name(peers->fenced))};
        task_ask_statement(task, QUESTION_SERIAL, STATEMENT_MEMBER_READ, values, 1, now);
        break;
    }
    case PEERS_IDLE:
        return;
    }
    peers->asked_at = control->steps;
}

/* The one setter. */
static void peers_expect(struct peers *peers, enum peers_state state, struct moment now)
{
    peers->state = state;
    peers_act(&peers->task, now);
}

void peers_init(struct peers *peers, struct control *control)
{
    *peers = (struct peers){.state = PEERS_IDLE};
    list_init(&peers->all);
    task_init(&peers->task, control, "the other members", peers_act, peers_answer);
}

void peers_deinit(struct peers *peers)
{
    LIST_EACH_SAFE (it, after, &peers->all)
        alloc_free(peers->task.control->alloc, peer_of(it), peer_of(it)->bytes);
}

void peers_scan(struct peers *peers, struct moment now)
{
    if (peers->task.call == NULL)
        peers_expect(peers, PEERS_EXPECT_SCAN, now);
}
