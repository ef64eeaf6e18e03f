/*
 * From "no node yet" to ready, one step after the other:
 *
 *    local -> nodes -> settings -> keyspace -> (made) -> tables -> (made) -> agreement -> cluster
 * row -> (made)
 *      -> topics -> options -> member -> slots -> producer ids -> ready
 *
 * A step is skipped when there is nothing to make, so a restart costs no DDL. What waiting can help
 * is waited for, for ever; what a person has to change ends the process with 78 and says what. A
 * survey goes the same way and stops where something would be made or claimed.
 */
#include "core/control/control_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void boot_expect(struct boot *boot, enum boot_state state, struct moment now);

bool boot_is_over(const struct control *control)
{
    return control->boot.state == BOOT_READY;
}

void boot_fatal(struct control *control, int exit_code, const char *format, ...)
{
    char text[640];
    va_list arguments;

    if (control->boot.state == BOOT_FAILED)
        return;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    for (char *c = text; *c != '\0'; c++) /* names and messages of nodes are in it */
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    control->boot.state = BOOT_FAILED;
    task_cancel(&control->boot.task);
    control->hooks.fatal(control->hooks.context, exit_code, text);
}

static bool is_known_incapable(const struct control *control, const char *cluster_name)
{
    (void)control;
    return strstr(cluster_name, "Amazon Keyspaces") != NULL ||
           strstr(cluster_name, "Cosmos") != NULL || strstr(cluster_name, "cosmos") != NULL;
}

/* "2.2.19", "3.0.30". ScyllaDB calls itself 3.0.8 for ever. */
static bool is_too_old(const struct cluster_facts *facts)
{
    const char *version = facts->release_version;
    char *end;
    long major = strtol(version, &end, 10);
    long minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
    if (end == version || facts->is_scylla)
        return false; /* says nothing that can be understood */
    return major < 3 || (major == 3 && minor < 11);
}

static void copy_text(char *to, size_t to_bytes, struct slice text)
{
    size_t len = text.len < to_bytes - 1 ? text.len : to_bytes - 1;
    for (size_t i = 0; i < len; i++) /* it goes into log lines as it is */
        to[i] = text.data[i] >= ' ' && text.data[i] < 0x7f && text.data[i] != '"'
                    ? (char)text.data[i]
                    : '?';
    to[len] = '\0';
}

/* false: boot_fatal was called. */
static bool local_suits(struct control *control, const struct cluster_facts *facts)
{
    if (is_known_incapable(control, facts->cluster_name)) {
        boot_fatal(control, 78,
                   "%s cannot carry log tables: it has no unlogged batches and range deletes as "
                   "Cassandra has them; use Apache Cassandra or ScyllaDB",
                   facts->cluster_name);
        return false;
    }
    if (is_too_old(facts)) {
        boot_fatal(control, 78,
                   "Cassandra %s cannot carry log tables: what they need of batches and range "
                   "deletes is there from 3.11 on",
                   facts->release_version);
        return false;
    }
    if (!slice_ends_with(slice_cstr(facts->partitioner), "Murmur3Partitioner")) {
        boot_fatal(control, 78, "the partitioner must be Murmur3Partitioner, and is '%s'",
                   facts->partitioner);
        return false;
    }
    return true;
}

static void take_local(struct boot *boot, const struct answer *answer, struct moment now)
{
    struct control *control = boot->task.control;
    struct cluster_facts facts;
    int64_t database_ms;

    if (!cql_result_next_row(answer->result)) {
        task_sleep(&boot->task, SECOND_US, now);
        return;
    }
    cluster_get_facts(control->cluster, &facts);
    copy_text(facts.data_center, sizeof(facts.data_center), row_text(answer, "data_center"));
    copy_text(facts.release_version, sizeof(facts.release_version),
              row_text(answer, "release_version"));
    copy_text(facts.cluster_name, sizeof(facts.cluster_name), row_text(answer, "cluster_name"));
    copy_text(facts.partitioner, sizeof(facts.partitioner), row_text(answer, "partitioner"));
    if (!local_suits(control, &facts))
        return;
    if (row_i64(answer, "now", &database_ms) &&
        !checks_clock(control, database_ms, boot->task.asked, now))
        return;
    cluster_set_local(control->cluster, &facts);
    const char *home =
        control->config->local_dc != NULL ? control->config->local_dc : facts.data_center;
    (void)snprintf(control->home_dc, sizeof(control->home_dc), "%s", home);
    control->is_scylla = facts.is_scylla;
    control->table_name_max = control->config->schema_create
                                  ? schema_table_name_max(facts.release_version, facts.is_scylla)
                                  : SCHEMA_TABLE_NAME_OLD_MAX; /* as `sluice schema` printed it */
    action_log(control->actions, LOG_INFO, "database found",
               "cluster=\"%s\" version=%s data_center=\"%s\" home_dc=\"%s\"", facts.cluster_name,
               facts.release_version, facts.data_center, control->home_dc);
    boot_expect(boot, BOOT_EXPECT_NODES, now);
}

static void nodes_counted(struct control *control, struct moment now)
{
    struct boot *boot = &control->boot;
    const struct agreement *agreement = &control->agreement;

    boot->home_nodes = 0;
    boot->all_nodes = (unsigned)agreement->node_count;
    for (size_t i = 0; i < agreement->node_count; i++)
        boot->home_nodes += strcmp(agreement->nodes[i].data_center, control->home_dc) == 0;
    if (boot->home_nodes == 0 && boot->all_nodes > 0) {
        boot_fatal(control, 78, "cassandra.local_dc is '%s', and no node is in it; '%s' exists",
                   control->home_dc, agreement->nodes[0].data_center);
        return;
    }
    boot_expect(boot, BOOT_EXPECT_SETTINGS, now);
}

static unsigned copies_to_make(const struct boot *boot)
{
    return boot->home_nodes > 3 ? 3 : boot->home_nodes > 0 ? boot->home_nodes : 1;
}

static void name_missing_tables(const struct boot *boot, char *names, size_t bytes)
{
    size_t at = 0;
    names[0] = '\0';
    for (unsigned i = 0; i < SCHEMA_CONTROL_TABLES; i++)
        if ((boot->missing_tables & (1u << i)) != 0 && at < bytes)
            at += (size_t)snprintf(names + at, bytes - at, "%s%s", at == 0 ? "" : ", ",
                                   schema_control_table_name((enum schema_control_table)i));
}

static void survey_is_over(struct boot *boot, struct moment now)
{
    struct control *control = boot->task.control;
    char names[160];

    boot->state = BOOT_SURVEYED;
    name_missing_tables(boot, names, sizeof(names));
    if (!boot->has_keyspace && control->config->replication == NULL)
        boot->copies = (int32_t)copies_to_make(boot);
    checks_say(control);
    const struct control_survey survey = {.home_dc = control->home_dc,
                                          .home_nodes = boot->home_nodes,
                                          .all_nodes = boot->all_nodes,
                                          .has_keyspace = boot->has_keyspace,
                                          .copies = boot->copies,
                                          .missing_tables = names,
                                          .has_cluster_row = boot->has_cluster_row};
    control->hooks.surveyed(control->hooks.context, &survey, now);
}

static void keyspace_read(struct boot *boot, const struct answer *answer, struct moment now)
{
    struct control *control = boot->task.control;
    if (cql_result_next_row(answer->result)) {
        boot->has_keyspace = true;
        if (checks_keyspace(control, answer))
            boot_expect(boot, BOOT_EXPECT_TABLES, now);
        return;
    }
    if (!control->config->schema_create) {
        boot_fatal(
            control, 78,
            "keyspace '%s' is missing and schema.create is never: `sluice schema` prints what "
            "has to be there",
            control->config->keyspace);
        return;
    }
    if (boot->is_survey)
        survey_is_over(boot, now);
    else
        boot_expect(boot, BOOT_EXPECT_KEYSPACE_MADE, now);
}

static void tables_read(struct boot *boot, const struct answer *answer, struct moment now)
{
    struct control *control = boot->task.control;
    char names[160];

    boot->missing_tables = (1u << SCHEMA_CONTROL_TABLES) - 1;
    while (cql_result_next_row(answer->result))
        for (unsigned i = 0; i < SCHEMA_CONTROL_TABLES; i++)
            if (slice_equal(row_text(answer, "table_name"),
                            slice_cstr(schema_control_table_name((enum schema_control_table)i))))
                boot->missing_tables &= ~(1u << i);
    if (boot->missing_tables == 0) {
        boot_expect(boot, boot->made_something ? BOOT_EXPECT_AGREEMENT : BOOT_EXPECT_CLUSTER_ROW,
                    now);
        return;
    }
    name_missing_tables(boot, names, sizeof(names));
    if (!control->config->schema_create) {
        boot_fatal(
            control, 78,
            "in keyspace '%s' these tables are missing and schema.create is never: %s; `sluice "
            "schema` prints what has to be there",
            control->config->keyspace, names);
        return;
    }
    if (boot->is_survey) {
        survey_is_over(boot, now);
        return;
    }
    action_log(control->actions, LOG_INFO, "making tables", "keyspace=\"%s\" tables=\"%s\"",
               control->config->keyspace, names);
    boot_expect(boot, BOOT_EXPECT_TABLE_MADE, now);
}

static void table_made(struct boot *boot, struct moment now)
{
    boot->made_something = true;
    boot->missing_tables &= boot->missing_tables - 1; /* the lowest one */
    boot_expect(boot, boot->missing_tables != 0 ? BOOT_EXPECT_TABLE_MADE : BOOT_EXPECT_AGREEMENT,
                now);
}

static void after_agreement(struct control *control, struct moment now)
{
    boot_expect(&control->boot, BOOT_EXPECT_CLUSTER_ROW, now);
}

/* The row stands for all gateways of the keyspace, for ever. */
static void cluster_row_read(struct boot *boot, const struct answer *answer, struct moment now)
{
    struct control *control = boot->task.control;
    int32_t format = 0, slots = 0;
    char home[64], consistency[32];
    const char *ours = cql_consistency_name((uint16_t)control->config->consistency);

    boot->has_cluster_row = true;
    copy_text(control->cluster_id, sizeof(control->cluster_id), row_text(answer, "cluster_id"));
    copy_text(home, sizeof(home), row_text(answer, "home_dc"));
    copy_text(consistency, sizeof(consistency), row_text(answer, "consistency"));
    if (!row_i32(answer, "format", &format) || !row_i32(answer, "slots", &slots) ||
        format != CONTROL_FORMAT || slots != SLOT_COUNT)
        boot_fatal(
            control, 78,
            "keyspace '%s' has format %d with %d slots, and this program writes format %d with "
            "%d slots: another release made it",
            control->config->keyspace, format, slots, CONTROL_FORMAT, SLOT_COUNT);
    else if (strcmp(home, control->home_dc) != 0)
        boot_fatal(control, 78,
                   "keyspace '%s' has its home in data centre '%s', and this gateway in '%s': all "
                   "gateways of a keyspace share one (cassandra.local_dc)",
                   control->config->keyspace, home, control->home_dc);
    else if (strcmp(consistency, ours) != 0)
        boot_fatal(
            control, 78,
            "keyspace '%s' is written at consistency %s, and this gateway is configured for %s: "
            "all gateways of a keyspace share one (cassandra.consistency)",
            control->config->keyspace, consistency, ours);
    else
        boot_expect(boot, BOOT_EXPECT_TOPICS, now);
}

static void cluster_row_answer(struct boot *boot, const struct answer *answer, struct moment now)
{
    if (answer->kind == ANSWER_ROWS && cql_result_next_row(answer->result))
        cluster_row_read(boot, answer, now);
    else if (answer->kind == ANSWER_NOT_APPLIED)
        cluster_row_read(boot, answer, now);
    else if (answer->kind == ANSWER_ROWS && boot->is_survey)
        boot_expect(boot, BOOT_EXPECT_TOPICS, now);
    else if (answer->kind == ANSWER_ROWS)
        boot_expect(boot, BOOT_EXPECT_CLUSTER_ROW_MADE, now);
    else /* applied, or unknown: read what stands there now */
        boot_expect(boot, BOOT_EXPECT_CLUSTER_ROW, now);
}

static void base64url(const uint8_t bytes[16], char text[23])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned bits = 0, held = 0;
    size_t at = 0;
    for (size_t i = 0; i < 16; i++) {
        bits = (bits << 8 | bytes[i]) & 0xffff;
        for (held += 8; held >= 6; held -= 6)
            text[at++] = digits[(bits >> (held - 6)) & 63];
    }
    text[at++] = digits[(bits << (6 - held)) & 63];
    text[at] = '\0';
}

static void ask_cluster_insert(struct boot *boot, struct moment now)
{
    struct control *control = boot->task.control;
    uint8_t uuid[16], format[4], slots[4];
    char id[23];

    control_random_uuid(control, uuid);
    base64url(uuid, id);
    const struct cql_value values[] = {
        cql_value_text(CLUSTER_ROW_NAME),
        cql_value_text(id),
        cql_value_i32(format, CONTROL_FORMAT),
        cql_value_i32(slots, SLOT_COUNT),
        cql_value_text(control->home_dc),
        cql_value_text(cql_consistency_name((uint16_t)control->config->consistency)),
    };
    task_ask_statement(&boot->task, QUESTION_TRANSACTION, STATEMENT_CLUSTER_INSERT, values, 6, now);
}

static void ask_ddl(struct boot *boot, struct moment now)
{
    struct control *control = boot->task.control;
    const struct gateway_config *config = control->config;
    struct buf replication, text;
    int rc = STATUS_OK;

    buf_init(&replication, config->alloc, 1024);
    buf_init(&text, config->alloc, 8192);
    if (boot->state == BOOT_EXPECT_TABLE_MADE) {
        unsigned table = (unsigned)__builtin_ctz(boot->missing_tables);
        rc = schema_control_table(config->keyspace, (enum schema_control_table)table, &text);
    } else {
        rc = config->replication != NULL
                 ? buf_printf(&replication, "%s", config->replication)
                 : schema_replication(control->home_dc, copies_to_make(boot), &replication);
        if (rc == STATUS_OK)
            rc = buf_append(&replication, slice_make("", 1));
        if (rc == STATUS_OK)
            rc = schema_keyspace(config->keyspace, (const char *)buf_unread(&replication).data,
                                 &text);
    }
    task_ask_ddl(&boot->task, rc, &text, now);
    buf_deinit(&replication);
    buf_deinit(&text);
}

static void ask_about_keyspace(struct boot *boot, enum statement_name statement, struct moment now)
{
    struct control *control = boot->task.control;
    const struct cql_value values[] = {cql_value_text(control->config->keyspace)};
    task_ask_statement(&boot->task, QUESTION_LOCAL, statement, values, 1, now);
}

static void ask_cluster_row(struct boot *boot, struct moment now)
{
    const struct cql_value values[] = {cql_value_text(CLUSTER_ROW_NAME)};
    task_ask_statement(&boot->task, QUESTION_SERIAL, STATEMENT_CLUSTER_READ, values, 1, now);
}

static void boot_ready(struct boot *boot, struct moment now)
{
    struct control *control = boot->task.control;
    boot->state = BOOT_READY;
    action_log(control->actions, LOG_INFO, "control plane ready",
               "cluster_id=%s member=%s incarnation=%lld slots_led=%u/%d after_ms=%lld",
               control->cluster_id, control->config->member, (long long)control->member.incarnation,
               control->slots.led_count, SLOT_COUNT,
               (long long)((now.boot_us - boot->started_us) / 1000));
    control->hooks.ready(control->hooks.context, now);
}

/* The steps that other machines do: start them once, and see whether they are through. */
static void boot_delegate(struct boot *boot, struct moment now)
{
    struct control *control = boot->task.control;
    if (boot->state == BOOT_EXPECT_TOPICS && boot->is_survey)
        topic_store_load(&control->topics, now);
    else if (boot->state == BOOT_EXPECT_TOPICS)
        topic_watch_start(&control->watch, now); /* it loads them */
    else if (boot->state == BOOT_EXPECT_MEMBER)
        membership_join(&control->member, now);
    else if (boot->state == BOOT_EXPECT_SLOTS)
        slots_scan(&control->slots, now);
    else
        producer_ids_fetch(&control->ids, now);
}

static void boot_act(struct task *task, struct moment now)
{
    struct boot *boot = LIST_ENTRY(task, struct boot, task);
    struct control *control = task->control;
    switch (boot->state) {
    case BOOT_EXPECT_LOCAL:
    case BOOT_EXPECT_SETTINGS:
        task_ask_statement(task, QUESTION_LOCAL,
                           boot->state == BOOT_EXPECT_LOCAL ? STATEMENT_LOCAL : STATEMENT_SETTINGS,
                           NULL, 0, now);
        return;
    case BOOT_EXPECT_NODES:
        agreement_start(&control->agreement, AGREEMENT_LOOK, nodes_counted, now);
        return;
    case BOOT_EXPECT_KEYSPACE:
        ask_about_keyspace(boot, STATEMENT_KEYSPACE, now);
        return;
    case BOOT_EXPECT_TABLES:
    case BOOT_EXPECT_OPTIONS:
        ask_about_keyspace(boot, STATEMENT_TABLES, now);
        return;
    case BOOT_EXPECT_KEYSPACE_MADE:
    case BOOT_EXPECT_TABLE_MADE:
        ask_ddl(boot, now);
        return;
    case BOOT_EXPECT_AGREEMENT:
        agreement_start(&control->agreement, AGREEMENT_SAME, after_agreement, now);
        return;
    case BOOT_EXPECT_CLUSTER_ROW:
        ask_cluster_row(boot, now);
        return;
    case BOOT_EXPECT_CLUSTER_ROW_MADE:
        ask_cluster_insert(boot, now);
        return;
    case BOOT_EXPECT_TOPICS:
    case BOOT_EXPECT_MEMBER:
    case BOOT_EXPECT_SLOTS:
    case BOOT_EXPECT_PRODUCER_IDS:
        boot_delegate(boot, now);
        return;
    case BOOT_IDLE:
    case BOOT_READY:
    case BOOT_SURVEYED:
    case BOOT_FAILED:
        return;
    }
}

static void boot_answer(struct task *task, const struct answer *answer, struct moment now)
{
    struct boot *boot = LIST_ENTRY(task, struct boot, task);

    if (answer->kind == ANSWER_REFUSED && boot->state == BOOT_EXPECT_SETTINGS) {
        boot_expect(boot, BOOT_EXPECT_KEYSPACE,
                    now); /* before 4.0, Scylla, or no permission: defaults */
        return;
    }
    if (answer->kind == ANSWER_REFUSED) {
        task_refused(task, answer, now);
        return;
    }
    switch (boot->state) {
    case BOOT_EXPECT_LOCAL:
        take_local(boot, answer, now);
        return;
    case BOOT_EXPECT_SETTINGS:
        checks_settings(task->control, answer);
        boot_expect(boot, BOOT_EXPECT_KEYSPACE, now);
        return;
    case BOOT_EXPECT_KEYSPACE:
        keyspace_read(boot, answer, now);
        return;
    case BOOT_EXPECT_KEYSPACE_MADE:
        boot->made_something = true;
        boot_expect(boot, BOOT_EXPECT_KEYSPACE, now);
        return;
    case BOOT_EXPECT_TABLES:
        tables_read(boot, answer, now);
        return;
    case BOOT_EXPECT_TABLE_MADE:
        table_made(boot, now);
        return;
    case BOOT_EXPECT_CLUSTER_ROW:
    case BOOT_EXPECT_CLUSTER_ROW_MADE:
        cluster_row_answer(boot, answer, now);
        return;
    case BOOT_EXPECT_OPTIONS:
        checks_tables(task->control, answer);
        if (boot->is_survey) {
            survey_is_over(boot, now);
            return;
        }
        checks_say(task->control);
        boot_expect(boot, BOOT_EXPECT_MEMBER, now);
        return;
    case BOOT_IDLE:
    case BOOT_EXPECT_NODES:
    case BOOT_EXPECT_AGREEMENT:
    case BOOT_EXPECT_TOPICS:
    case BOOT_EXPECT_MEMBER:
    case BOOT_EXPECT_SLOTS:
    case BOOT_EXPECT_PRODUCER_IDS:
    case BOOT_READY:
    case BOOT_SURVEYED:
    case BOOT_FAILED:
        return; /* no question of its own is under way in these */
    }
}

/* The one setter. */
static void boot_expect(struct boot *boot, enum boot_state state, struct moment now)
{
    if (boot->state == BOOT_FAILED)
        return;
    boot->state = state;
    boot_act(&boot->task, now);
}

void boot_look(struct control *control, struct moment now)
{
    struct boot *boot = &control->boot;
    if (boot->state == BOOT_EXPECT_TOPICS && control->topics.loaded)
        boot_expect(boot, BOOT_EXPECT_OPTIONS, now);
    if (boot->state == BOOT_EXPECT_MEMBER && membership_has_lease(&control->member, now))
        boot_expect(boot, BOOT_EXPECT_SLOTS, now);
    if (boot->state == BOOT_EXPECT_SLOTS && slots_are_settled(&control->slots))
        boot_expect(boot, BOOT_EXPECT_PRODUCER_IDS, now);
    if (boot->state == BOOT_EXPECT_PRODUCER_IDS && control->ids.end > control->ids.next)
        boot_ready(boot, now);
}

void boot_init(struct boot *boot, struct control *control)
{
    *boot = (struct boot){.state = BOOT_IDLE};
    task_init(&boot->task, control, "the control tables", boot_act, boot_answer);
}

void boot_start(struct boot *boot, struct moment now)
{
    boot->started_us = now.boot_us;
    if (!schema_keyspace_is_valid(boot->task.control->config->keyspace)) {
        boot_fatal(boot->task.control, 78,
                   "cassandra.keyspace '%s' is no keyspace name: 1 to 48 of a-z, A-Z, 0-9 and _",
                   boot->task.control->config->keyspace);
        return;
    }
    boot_expect(boot, BOOT_EXPECT_LOCAL, now);
}

void boot_survey(struct boot *boot, struct moment now)
{
    boot->is_survey = true;
    boot_start(boot, now);
}
