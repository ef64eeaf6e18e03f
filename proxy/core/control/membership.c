/*
 * This process as a member (DESIGN.md 4): one row, renewed by one lightweight transaction that
 * carries the lease and the timestamp ceiling.
 *
 *      ROW -> JOIN -> RENEW_TIME <-> RENEWAL -> RENEWAL_READ (what became of it?)
 *       ^       |          |
 *       +-------+          +-> CLOSE -> CLOSED
 *
 * The row of a name is used again by the next process of that name, and its columns make that safe:
 *   - every transaction is conditional on incarnation and ceiling as they were read, so one that
 * arrives late (a paused coordinator, a process that does not know that it is over) finds them
 * changed and does nothing;
 *   - the ceiling only grows, through all incarnations, and grows with each renewal: it is the
 * heartbeat as well. The transaction that fences a life (closes the row, or takes it over) is
 * conditional on the ceiling and so fixes it: that is C.
 *
 * A row of the own name that is not closed is taken over at once when its process is provably gone:
 * its `boot` is ours (host life and network namespace) and the driver holds the socket that such a
 * process would hold. Otherwise (a reboot, a container that came back, a cloned disk) it must stay
 * unchanged for its lease and a margin first.
 */
#include "core/control/control_internal.h"
#include "proto/kill_point.h"

#include <stdio.h>

/* Ceiling above now + lease: room for the wall clock to step before the next renewal. (30 s is what
 * the design allows; a smaller one keeps a successor's timestamps closer to the clock.) */
#define CEILING_ROOM_US (5 * SECOND_US)
/* At least so much more at each renewal and join: a million timestamps, one a microsecond, when the
 * clock is behind. */
#define CEILING_STEP_US     SECOND_US
#define RENEWAL_PATIENCE_US (2 * SECOND_US) /* then it is settled, while the lease still runs */
#define LOOK_AGAIN_US       SECOND_US
#define TELL_EVERY_US       (10 * SECOND_US)

static void membership_expect(struct membership *member, enum membership_state state,
                              struct moment now);

int64_t member_silence_us(const struct member_row *row)
{
    return row->lease_us + row->lease_us / 20 + SECOND_US;
}

bool member_row_read(const struct answer *answer, struct member_row *row)
{
    int32_t lease_ms = 0;
    row->present = true;
    row->closed = row_is_true(answer, "closed");
    bool whole = row_i64(answer, "incarnation", &row->incarnation) &&
                 row_i64(answer, "ceiling", &row->ceiling_us) && is_believable_us(row->ceiling_us);
    if (row_i32(answer, "lease_ms", &lease_ms)) /* not in the answer to a refused transaction */
        row->lease_us = (int64_t)lease_ms * 1000;
    return whole && row->lease_us >= 0;
}

/* One of the clocks has jumped, or stood still, since the lease was asked for. */
static bool clocks_are_apart(const struct membership *member, struct moment now)
{
    int64_t apart_us =
        now.wall_us - member->lease_from.wall_us - (now.boot_us - member->lease_from.boot_us);
    int64_t most_us = member->task.control->config->lease_us / 10;
    return apart_us > most_us || apart_us < -most_us;
}

bool membership_has_lease(const struct membership *member, struct moment now)
{
    int64_t lease_us = member->task.control->config->lease_us;
    /* Boot time may stand still while a machine is frozen, and the wall clock then jumps: the
     * earlier end counts. It may be set back by as much at the same time: when they no longer agree
     * neither is believed until the next renewal. */
    return member->joined && !member->releasing && !member->clock_is_off && !member->expired &&
           now.boot_us - member->lease_from.boot_us < lease_us &&
           now.wall_us - member->lease_from.wall_us < lease_us && !clocks_are_apart(member, now);
}

static void tell_lease(struct membership *member, struct moment now)
{
    struct control *control = member->task.control;
    bool lost = member->joined && !member->releasing && !membership_has_lease(member, now);
    if (lost == member->lost_told)
        return;
    member->lost_told = lost;
    member->expired = lost; /* no clock that is set back brings it back */
    if (lost)
        action_log(control->actions, LOG_ERROR, "lease lost",
                   "member=%s since_renewal_ms=%lld clocks_jumped=%s", control->config->member,
                   (long long)((now.boot_us - member->lease_from.boot_us) / 1000),
                   clocks_are_apart(member, now) ? "yes" : "no");
    else
        action_log(control->actions, LOG_INFO, "lease held again", "member=%s",
                   control->config->member);
    control->hooks.lease(control->hooks.context, !lost, now);
}

static int64_t next_ceiling(const struct membership *member, int64_t former_us, struct moment now)
{
    int64_t ceiling_us = now.wall_us + member->task.control->config->lease_us + CEILING_ROOM_US;
    if (ceiling_us < former_us + CEILING_STEP_US)
        ceiling_us = former_us + CEILING_STEP_US;
    if (ceiling_us < member->floor_us + CEILING_STEP_US)
        ceiling_us = member->floor_us + CEILING_STEP_US;
    if (ceiling_us <=
        member->asked_ceiling_us) /* each names one question, so a row tells which was done */
        ceiling_us = member->asked_ceiling_us + 1;
    return ceiling_us;
}

/* --- joining --- */

static void ask_row(struct membership *member, struct moment now)
{
    struct control *control = member->task.control;
    const struct cql_value values[] = {cql_value_text(control->config->member)};
    task_ask_statement(&member->task, QUESTION_SERIAL, STATEMENT_MEMBER_READ, values, 1, now);
}

static void advertised_text(const struct gateway_config *config, char *text, size_t bytes)
{
    if (config->advertised_host == NULL)
        text[0] = '\0';
    else
        (void)snprintf(text, bytes, "%s:%u", config->advertised_host, config->advertised_port);
}

static void ask_join(struct membership *member, struct moment now)
{
    struct control *control = member->task.control;
    const struct gateway_config *config = control->config;
    const struct member_row *row = &member->row;
    uint8_t node[4], incarnation[8], lease[4], ceiling[8], old_incarnation[8], old_ceiling[8],
        closed[1];
    char advertised[320];

    advertised_text(config, advertised, sizeof(advertised));
    member->asked = now;
    member->asked_ceiling_us = next_ceiling(member, row->present ? row->ceiling_us : 0, now);
    const struct cql_value name = cql_value_text(config->member);
    const struct cql_value life[] = {cql_value_i32(node, config->node_id),
                                     cql_value_i64(incarnation, member->incarnation),
                                     cql_value_text(advertised),
                                     cql_value_text(config->boot_id),
                                     cql_value_i32(lease, (int32_t)(config->lease_us / 1000)),
                                     cql_value_i64(ceiling, member->asked_ceiling_us)};
    const struct cql_value insert[] = {name, life[0], life[1], life[2], life[3], life[4], life[5]};
    const struct cql_value take[] = {life[0],
                                     life[1],
                                     life[2],
                                     life[3],
                                     life[4],
                                     life[5],
                                     name,
                                     cql_value_i64(old_incarnation, row->incarnation),
                                     cql_value_i64(old_ceiling, row->ceiling_us),
                                     cql_value_bool(closed, row->closed)};
    task_ask_statement(&member->task, QUESTION_TRANSACTION,
                       row->present ? STATEMENT_MEMBER_TAKE : STATEMENT_MEMBER_INSERT,
                       row->present ? take : insert, row->present ? 10 : 7, now);
    KILL_POINT("member.join_sent");
}

static void joined(struct membership *member, int64_t ceiling_us, struct moment now)
{
    struct control *control = member->task.control;
    KILL_POINT("member.joined");
    member->joined = true;
    member->ceiling_us = ceiling_us;
    member->lease_from = member->asked;
    member->fenced_us = member->row.present ? member->row.ceiling_us : 0;
    action_log(control->actions, LOG_INFO, "member joined",
               "member=%s incarnation=%lld took_over=%s ceiling_ahead_ms=%lld",
               control->config->member, (long long)member->incarnation,
               member->row.present ? "yes" : "no", (long long)((ceiling_us - now.wall_us) / 1000));
    membership_expect(member, MEMBER_EXPECT_RENEW_TIME, now);
    boot_look(control, now);
}

/* Which JOIN was it? Only the last one says since when the lease counts; else a renewal does. */
static void joined_in_doubt(struct membership *member, int64_t ceiling_us, struct moment now)
{
    if (ceiling_us == member->asked_ceiling_us) {
        joined(member, ceiling_us, now);
        return;
    }
    member->asked =
        (struct moment){now.boot_us - member->task.control->config->lease_us, now.wall_us};
    joined(member, ceiling_us, now);
    membership_expect(member, MEMBER_EXPECT_RENEWAL, now);
}

static bool is_gone(const struct membership *member, const struct answer *answer)
{
    const struct gateway_config *config = member->task.control->config;
    return config->predecessor_gone &&
           slice_equal(row_text(answer, "boot"), slice_cstr(config->boot_id));
}

static void tell_watching(struct membership *member, struct moment now)
{
    struct control *control = member->task.control;
    if (member->told_us != 0 && now.boot_us - member->told_us < TELL_EVERY_US)
        return;
    member->told_us = now.boot_us;
    action_log(control->actions, LOG_WARN, "waiting for the former process of this member",
               "member=%s unchanged_ms=%lld needed_ms=%lld", control->config->member,
               (long long)((now.boot_us - member->row_since_us) / 1000),
               (long long)(member_silence_us(&member->row) / 1000));
}

/* The row of the own name, before joining. */
static void row_seen(struct membership *member, const struct answer *answer, struct moment now)
{
    struct member_row row = {.lease_us = member->task.control->config->lease_us};

    if (!cql_result_next_row(answer->result)) {
        member->row = (struct member_row){.present = false};
        membership_expect(member, MEMBER_EXPECT_JOIN, now);
        return;
    }
    if (!member_row_read(answer, &row)) {
        boot_fatal(member->task.control, 78,
                   "the row of member '%s' in sluice_members is not understood",
                   member->task.control->config->member);
        return;
    }
    if (row.incarnation == member->incarnation &&
        !row.closed) { /* the outcome of a JOIN was unknown */
        joined_in_doubt(member, row.ceiling_us, now);
        return;
    }
    bool unchanged = member->row.present && member->row.incarnation == row.incarnation &&
                     member->row.ceiling_us == row.ceiling_us;
    if (!unchanged)
        member->row_since_us = now.boot_us;
    /* The silence ends before this question was sent: an answer may show what was true long ago. */
    bool silent =
        unchanged && member->task.asked.boot_us - member->row_since_us >= member_silence_us(&row);
    member->row = row;
    if (row.closed || silent || is_gone(member, answer)) {
        membership_expect(member, MEMBER_EXPECT_JOIN, now);
        return;
    }
    tell_watching(member, now);
    task_sleep(&member->task, LOOK_AGAIN_US, now);
}

/* --- renewing --- */

static void ask_ours(struct membership *member, enum statement_name statement, struct moment now)
{
    struct control *control = member->task.control;
    uint8_t ceiling[8], old_ceiling[8], incarnation[8];
    const struct cql_value values[] = {cql_value_i64(ceiling, member->asked_ceiling_us),
                                       cql_value_text(control->config->member),
                                       cql_value_i64(incarnation, member->incarnation),
                                       cql_value_i64(old_ceiling, member->ceiling_us)};
    bool renew = statement == STATEMENT_MEMBER_RENEW;
    task_ask_statement(&member->task, QUESTION_TRANSACTION, statement, renew ? values : values + 1,
                       renew ? 4 : 3, now);
    KILL_POINT(renew ? "member.renewal_sent" : "member.close_sent");
}

static void renewed(struct membership *member, int64_t ceiling_us, struct moment now)
{
    KILL_POINT("member.renewed");
    member->ceiling_us = ceiling_us;
    member->lease_from = member->asked;
    member->expired = false;
    tell_lease(member, now);
    membership_expect(member, member->releasing ? MEMBER_EXPECT_CLOSE : MEMBER_EXPECT_RENEW_TIME,
                      now);
    slots_claim(&member->task.control->slots, now);
    boot_look(member->task.control, now);
}

/*
 * Another member has closed or taken the row: whatever this process knows of its partitions may be
 * out of date, and its writes lose from now on. Going on would need every partition to be loaded
 * again; a new process does just that.
 */
static void fenced(struct membership *member, struct moment now)
{
    struct control *control = member->task.control;
    member->lease_from = (struct moment){now.boot_us - control->config->lease_us, now.wall_us};
    tell_lease(member, now);
    member->joined = false;
    member->state = MEMBER_CLOSED;
    boot_fatal(control, 1,
               "member '%s' was fenced by another gateway: it had been silent for longer than "
               "its lease; start it again",
               control->config->member);
}

/* The row as it is now, of a member that has joined. */
static void row_checked(struct membership *member, const struct member_row *row, struct moment now)
{
    bool ours = row->present && row->incarnation == member->incarnation && !row->closed;
    if (member->releasing && !ours) {
        membership_expect(member, MEMBER_CLOSED, now);
    } else if (!ours) {
        fenced(member, now);
    } else if (row->ceiling_us == member->asked_ceiling_us) {
        renewed(member, row->ceiling_us, now);
    } else { /* an earlier renewal came late, or this one did not come */
        member->ceiling_us = row->ceiling_us;
        membership_expect(member, member->releasing ? MEMBER_EXPECT_CLOSE : MEMBER_EXPECT_RENEWAL,
                          now);
    }
}

static void read_and_check(struct membership *member, const struct answer *answer, bool present,
                           struct moment now)
{
    struct member_row row = {.present = false};
    if (present && !member_row_read(answer, &row))
        row.present = false; /* the condition's columns are gone: the row is */
    row_checked(member, &row, now);
}

static void close_answer(struct membership *member, const struct answer *answer, struct moment now)
{
    if (answer->kind == ANSWER_APPLIED)
        membership_expect(member, MEMBER_CLOSED, now);
    else if (answer->kind == ANSWER_UNKNOWN)
        membership_expect(member, MEMBER_EXPECT_RENEWAL_READ, now);
    else
        read_and_check(member, answer, true, now);
}

static void membership_answer(struct task *task, const struct answer *answer, struct moment now)
{
    struct membership *member = LIST_ENTRY(task, struct membership, task);

    if (answer->kind == ANSWER_REFUSED) {
        task_refused(task, answer, now);
        return;
    }
    switch (member->state) {
    case MEMBER_EXPECT_ROW:
        row_seen(member, answer, now);
        return;
    case MEMBER_EXPECT_JOIN:
        if (answer->kind == ANSWER_APPLIED)
            joined(member, member->asked_ceiling_us, now);
        else
            membership_expect(member, MEMBER_EXPECT_ROW, now);
        return;
    case MEMBER_EXPECT_RENEWAL:
        if (answer->kind == ANSWER_APPLIED)
            renewed(member, member->asked_ceiling_us, now);
        else if (answer->kind == ANSWER_UNKNOWN)
            membership_expect(member, MEMBER_EXPECT_RENEWAL_READ, now);
        else
            read_and_check(member, answer, true, now);
        return;
    case MEMBER_EXPECT_RENEWAL_READ:
        read_and_check(member, answer, cql_result_next_row(answer->result), now);
        return;
    case MEMBER_EXPECT_CLOSE:
        close_answer(member, answer, now);
        return;
    case MEMBER_IDLE:
    case MEMBER_EXPECT_RENEW_TIME:
    case MEMBER_CLOSED:
        return; /* no question is under way in these */
    }
}

static void call_released(struct membership *member, struct moment now)
{
    void (*released)(void *, struct moment) = member->released;
    KILL_POINT("member.released");
    member->released = NULL;
    if (released != NULL)
        released(member->released_context, now);
}

static void membership_act(struct task *task, struct moment now)
{
    struct membership *member = LIST_ENTRY(task, struct membership, task);
    switch (member->state) {
    case MEMBER_EXPECT_ROW:
    case MEMBER_EXPECT_RENEWAL_READ:
        ask_row(member, now);
        return;
    case MEMBER_EXPECT_JOIN:
        ask_join(member, now);
        return;
    case MEMBER_EXPECT_RENEW_TIME:
        membership_expect(member, MEMBER_EXPECT_RENEWAL, now); /* it slept until then */
        return;
    case MEMBER_EXPECT_RENEWAL:
        member->asked = now;
        member->asked_ceiling_us = next_ceiling(member, member->ceiling_us, now);
        ask_ours(member, STATEMENT_MEMBER_RENEW, now);
        return;
    case MEMBER_EXPECT_CLOSE:
        ask_ours(member, STATEMENT_MEMBER_CLOSE, now);
        return;
    case MEMBER_CLOSED:
        call_released(member, now);
        return;
    case MEMBER_IDLE:
        return;
    }
}

/* The one setter. */
static void membership_expect(struct membership *member, enum membership_state state,
                              struct moment now)
{
    int64_t renew_us = member->task.control->config->lease_renew_us;
    member->state = state;
    if (state == MEMBER_EXPECT_RENEW_TIME)
        task_sleep(&member->task, member->asked.boot_us + renew_us - now.boot_us, now);
    else
        membership_act(&member->task, now);
}

void membership_init(struct membership *member, struct control *control)
{
    *member = (struct membership){.state = MEMBER_IDLE};
    task_init(&member->task, control, "the membership", membership_act, membership_answer);
    member->task.patience_us = RENEWAL_PATIENCE_US;
}

void membership_join(struct membership *member, struct moment now)
{
    struct control *control = member->task.control;
    member->incarnation = (int64_t)(random_next(&control->random) >> 1) | 1;
    membership_expect(member, MEMBER_EXPECT_ROW, now);
}

void membership_raise(struct membership *member, int64_t floor_us, struct moment now)
{
    if (floor_us <= member->floor_us)
        return;
    member->floor_us = floor_us;
    if (member->state == MEMBER_EXPECT_RENEW_TIME)
        task_sleep(&member->task, 0, now);
}

void membership_release(struct membership *member, int64_t deadline_us,
                        void (*done)(void *, struct moment), void *context, struct moment now)
{
    member->releasing = true;
    member->release_deadline_us = deadline_us;
    member->released = done;
    member->released_context = context;
    if (!member->joined) {
        task_cancel(&member->task);
        member->state = MEMBER_CLOSED;
        task_sleep(&member->task, 0, now);
    } else if (member->task.call == NULL) { /* else its answer leads there */
        list_remove(&member->task.node);
        membership_expect(member, MEMBER_EXPECT_CLOSE, now);
    }
}

void membership_tick(struct membership *member, struct moment now)
{
    tell_lease(member, now);
    /* A clock jumped: the renewal cannot wait for its time. */
    bool jumped = clocks_are_apart(member, now) || now.wall_us >= member->ceiling_us;
    if (member->state == MEMBER_EXPECT_RENEW_TIME && jumped && !member->releasing)
        membership_expect(member, MEMBER_EXPECT_RENEWAL, now);
    if (member->released != NULL && now.boot_us >= member->release_deadline_us) {
        task_cancel(&member->task);
        member->state = MEMBER_CLOSED;
        call_released(member, now);
    }
}

int64_t membership_deadline_us(const struct membership *member)
{
    int64_t lease_us = member->task.control->config->lease_us;
    if (member->released != NULL)
        return member->release_deadline_us;
    return member->joined && !member->lost_told && !member->releasing
               ? member->lease_from.boot_us + lease_us
               : NEVER_US;
}
