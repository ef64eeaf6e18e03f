/* What the database's settings mean for the promise: read at start, said in one line each. */
#include "core/control/control_internal.h"
#include "core/text_map.h"

#include <stdio.h>

#define KIB                 ((size_t)1024)
#define MIB                 (1024 * KIB)
#define DEFAULT_LIMIT_BYTES (16 * MIB)
#define LEAST_LIMIT_BYTES   (64 * KIB) /* below that it was not understood */
#define CLOCK_WARN_US       (2 * SECOND_US)
#define CLOCK_REFUSE_US     (30 * SECOND_US)
#define LEAST_GC_GRACE_S    86400

/* "16MiB", "16384KiB", "33554432B", or a plain number in `unit` bytes as older releases have it. 0:
 * not a size. */
static size_t parse_size(struct slice text, size_t unit)
{
    size_t number = 0, at = 0;
    while (at < text.len && text.data[at] >= '0' && text.data[at] <= '9' && number < SIZE_MAX / 16)
        number = number * 10 + (size_t)(text.data[at++] - '0');
    if (at == 0)
        return 0;
    struct slice suffix = slice_make(text.data + at, text.len - at);
    if (suffix.len > 0)
        unit = suffix.data[0] == 'K'   ? KIB
               : suffix.data[0] == 'M' ? MIB
               : suffix.data[0] == 'G' ? 1024 * MIB
               : suffix.data[0] == 'B' ? 1
                                       : 0;
    return unit == 0 || number > SIZE_MAX / unit ? 0 : number * unit;
}

static void take_limit(size_t *limit, struct slice value, size_t unit, size_t divide)
{
    size_t bytes = parse_size(value, unit) / divide;
    if (bytes >= LEAST_LIMIT_BYTES)
        *limit = bytes;
}

void checks_settings(struct control *control, const struct answer *answer)
{
    size_t frame = 0, mutation = 0, segment = 0;
    while (cql_result_next_row(answer->result)) {
        struct slice name = row_text(answer, "name"), value = row_text(answer, "value");
        if (slice_equal(name, SLICE_LITERAL("commitlog_sync")))
            control->boot.commitlog_is_periodic = slice_equal(value, SLICE_LITERAL("periodic"));
        else if (slice_equal(name, SLICE_LITERAL("native_transport_max_frame_size")))
            take_limit(&frame, value, 1, 1);
        else if (slice_equal(name, SLICE_LITERAL("native_transport_max_frame_size_in_mb")))
            take_limit(&frame, value, MIB, 1);
        else if (slice_equal(name, SLICE_LITERAL("max_mutation_size")))
            take_limit(&mutation, value, 1, 1);
        else if (slice_equal(name, SLICE_LITERAL("max_mutation_size_in_kb")))
            take_limit(&mutation, value, KIB, 1);
        else if (slice_equal(name, SLICE_LITERAL("commitlog_segment_size")))
            take_limit(&segment, value, 1, 2);
        else if (slice_equal(name, SLICE_LITERAL("commitlog_segment_size_in_mb")))
            take_limit(&segment, value, MIB, 2);
    }
    if (mutation == 0)
        mutation = segment; /* half a segment is what the server itself takes then */
    control->max_frame_bytes = frame != 0 ? frame : DEFAULT_LIMIT_BYTES;
    control->max_mutation_bytes = mutation != 0 ? mutation : DEFAULT_LIMIT_BYTES;
}

/* "3", and "3/1" with transient copies. */
static int32_t copies_of(struct slice value)
{
    int32_t copies = 0;
    for (size_t i = 0;
         i < value.len && value.data[i] >= '0' && value.data[i] <= '9' && copies < 1000; i++)
        copies = copies * 10 + (value.data[i] - '0');
    return copies;
}

bool checks_keyspace(struct control *control, const struct answer *answer)
{
    const struct boot *boot = &control->boot;
    const char *keyspace = control->config->keyspace;
    struct slice map = row_text(answer, "replication");
    struct slice class = text_map_get(map, SLICE_LITERAL("class"));
    bool simple = slice_ends_with(class, "SimpleStrategy");
    struct slice copies =
        text_map_get(map, simple ? SLICE_LITERAL("replication_factor") : slice_cstr(control->home_dc));

    if (copies.data == NULL && slice_ends_with(class, "NetworkTopologyStrategy")) {
        boot_fatal(control, 78, "keyspace '%s' has no copies in the home data centre '%s'",
                   keyspace, control->home_dc);
        return false;
    }
    control->boot.copies = copies_of(copies);
    if (simple && boot->all_nodes > boot->home_nodes)
        action_log(control->actions, LOG_WARN, "replication does not know data centres",
                   "keyspace=\"%s\" class=SimpleStrategy meaning=\"the home data centre may lack "
                   "copies: use "
                   "NetworkTopologyStrategy\"",
                   keyspace);
    if (!row_is_true(answer, "durable_writes"))
        action_log(control->actions, LOG_WARN, "durable_writes is off",
                   "keyspace=\"%s\" meaning=\"a node that ends loses acknowledged records of its "
                   "own copy\"",
                   keyspace);
    return true;
}

void checks_say(struct control *control)
{
    const struct boot *boot = &control->boot;
    if (boot->copies == 1 && boot->home_nodes > 1)
        action_log(
            control->actions, LOG_WARN, "one copy only",
            "keyspace=\"%s\" nodes=%u meaning=\"a node that is down stops its partitions, and one "
            "that is lost loses its records\"",
            control->config->keyspace, boot->home_nodes);
    if (boot->commitlog_is_periodic)
        action_log(
            control->actions, LOG_WARN, "commitlog_sync is periodic", "copies=%d meaning=\"%s\"",
            boot->copies,
            boot->copies > 1
                ? "a killed node loses up to 100 ms of acknowledged writes of its own copy; a "
                  "second fault at that time can lose records: commitlog_sync: batch prevents it"
                : "a killed node loses up to 100 ms of acknowledged records: commitlog_sync: batch "
                  "prevents it");
}

static bool is_control_table(struct slice name)
{
    for (unsigned i = 0; i < SCHEMA_CONTROL_TABLES; i++)
        if (slice_equal(name, slice_cstr(schema_control_table_name((enum schema_control_table)i))))
            return true;
    return false;
}

static struct topic_record *topic_of_table(struct control *control, struct slice table)
{
    LIST_EACH (it, &control->topics.records) {
        struct topic_record *record = LIST_ENTRY(it, struct topic_record, node);
        if (slice_equal(slice_cstr(record->table_name), table))
            return record;
    }
    return NULL;
}

static void say_option(struct control *control, struct slice table, const char *option,
                       struct slice value, const char *meaning)
{
    char quoted[LOG_QUOTED_BYTES], quoted_table[LOG_QUOTED_BYTES];
    action_log(control->actions, LOG_WARN, "table option weakens the promise",
               "table=%s option=%s value=%s meaning=\"%s\"",
               log_quote(quoted_table, sizeof(quoted_table), table.data, table.len), option,
               log_quote(quoted, sizeof(quoted), value.data, value.len), meaning);
}

static void check_options(struct control *control, struct slice table, const struct answer *answer)
{
    int32_t gc_grace = LEAST_GC_GRACE_S;
    char number[16];
    struct slice read_repair = row_text(answer, "read_repair");
    struct slice speculative = row_text(answer, "speculative_retry");

    if (row_i32(answer, "gc_grace_seconds", &gc_grace) && gc_grace < LEAST_GC_GRACE_S) {
        (void)snprintf(number, sizeof(number), "%d", gc_grace);
        say_option(control, table, "gc_grace_seconds", slice_cstr(number),
                   "a seal lasts only so long: writes of a dead leader may come back after it");
    }
    if (read_repair.len > 0 && !slice_equal(read_repair, SLICE_LITERAL("BLOCKING")))
        say_option(control, table, "read_repair", read_repair,
                   "a takeover may see rows that the next reader does not");
    if (slice_equal(speculative, SLICE_LITERAL("NEVER")) ||
        slice_equal(speculative, SLICE_LITERAL("NONE")))
        say_option(control, table, "speculative_retry", speculative,
                   "while a node is down, reads at takeover wait for it");
}

void checks_tables(struct control *control, const struct answer *answer)
{
    while (cql_result_next_row(answer->result)) {
        struct slice table = row_text(answer, "table_name"), id = row_text(answer, "id");
        const struct topic_record *topic = topic_of_table(control, table);
        if (topic == NULL && !is_control_table(table))
            continue;
        check_options(control, table, answer);
        if (topic != NULL && !slice_equal(id, slice_make(topic->topic_id, 16)))
            action_log(control->actions, LOG_WARN, "table was made again by somebody",
                       "topic=%s table=\"%s\" meaning=\"its former records are gone\"", topic->name,
                       topic->table_name);
    }
}

bool checks_clock(struct control *control, int64_t database_ms, struct moment asked,
                  struct moment now)
{
    int64_t middle_us = asked.wall_us + (now.wall_us - asked.wall_us) / 2;
    int64_t believed_ms = database_ms > FAR_US / 1000    ? FAR_US / 1000
                          : database_ms < -FAR_US / 1000 ? -FAR_US / 1000
                                                         : database_ms;
    int64_t off_us = believed_ms * 1000 - middle_us;
    int64_t unsure_us = (now.boot_us - asked.boot_us) / 2 + 1000;
    int64_t at_least_us = (off_us < 0 ? -off_us : off_us) - unsure_us;

    control->member.clock_is_off = at_least_us > CLOCK_REFUSE_US;
    if (control->member.clock_is_off && !boot_is_over(control)) {
        boot_fatal(
            control, 78,
            "this host's clock and the database's differ by %lld s; more than 30 s are refused, "
            "because write timestamps decide what is kept",
            (long long)(off_us / SECOND_US));
        return false;
    }
    if (at_least_us > CLOCK_WARN_US)
        action_log(control->actions, control->member.clock_is_off ? LOG_ERROR : LOG_WARN,
                   "clocks differ", "database_ahead_ms=%lld leads=%s", (long long)(off_us / 1000),
                   control->member.clock_is_off ? "no" : "yes");
    return true;
}
