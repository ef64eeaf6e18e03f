#include "core/text_map.h"
#include "tests/support/control_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define LOG_COLUMNS                                                                                \
    "(partition int, segment bigint, offset bigint, timestamp timestamp, key blob, value blob, "   \
    "headers "                                                                                     \
    "frozen<list<frozen<tuple<text, blob>>>>, producer_id bigint, producer_epoch smallint, "       \
    "base_sequence "                                                                               \
    "int, record_count int, stable bigint, producers blob, PRIMARY KEY ((partition, segment), "    \
    "offset))"

static void expect_created(struct host *host, const char *name, int16_t error)
{
    struct created created;
    host_create(host, name, 3, &created);
    host_run(host, 5 * SECOND_US);
    assert_true(created.done);
    if (created.error != error)
        fail_msg("%s: error %d '%s', expected %d", name, created.error, created.text, error);
}

static void expect_same_id(struct fake_db *db, const char *topic, const char *table)
{
    char text[300];
    uint8_t id[16];
    (void)snprintf(text, sizeof(text),
                   "SELECT topic_id FROM sluice.sluice_topics WHERE topic = '%s'", topic);
    struct slice cell = fake_db_cell(db, text);
    assert_int_equal(cell.len, 16);
    memcpy(id, cell.data, 16);
    (void)snprintf(
        text, sizeof(text),
        "SELECT id FROM system_schema.tables WHERE keyspace_name = 'sluice' AND table_name = '%s'",
        table);
    cell = fake_db_cell(db, text);
    assert_int_equal(cell.len, 16);
    assert_memory_equal(cell.data, id, 16);
}

static void a_topic_is_made_and_its_table_has_its_id(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_up(&host, db, "one");
    expect_created(&host, "orders", 0);
    assert_int_equal(host.topics, 1);
    assert_string_equal(host.topic_name, "orders");
    assert_string_equal(host.topic_table, "orders");
    assert_int_equal(host.topic.partitions, 3);
    assert_int_equal(host.topic.state, TOPIC_LIVE);
    assert_int_equal(host.topic.topic_id[6] >> 4, 4);
    assert_int_equal(host.topic.topic_id[8] >> 6, 2);
    assert_int_equal(host_led(&host, host.topic.topic_id, 3), 3);
    expect_same_id(db, "orders", "orders");
    host_kill(&host);
    fake_db_free(db);
}

static void topics_are_found_again_after_a_restart(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_up(&host, db, "one");
    expect_created(&host, "orders", 0);
    host_kill(&host);
    host_up(&host, db, "one");
    assert_int_equal(host.topics, 1);
    assert_string_equal(host.topic_name, "orders");
    expect_created(&host, "orders", 36);
    host_kill(&host);
    fake_db_free(db);
}

static void many_topics_are_loaded_page_by_page(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_up(&host, db, "one");
    host_kill(&host);
    for (int i = 0; i < 1200; i++) {
        char text[300];
        (void)snprintf(
            text, sizeof(text),
            "INSERT INTO sluice.sluice_topics (topic, topic_id, table_name, partitions, state) "
            "VALUES ('t%d', 00000000-0000-4000-8000-%012d, 't%d', 1, 'live')",
            i, i, i);
        (void)fake_db_run(db, text);
    }
    host_init(&host, db, "one");
    host_start(&host);
    host_run(&host, 5 * SECOND_US);
    assert_int_equal(host.topics, 1200);
    host_kill(&host);
    fake_db_free(db);
}

static void rows_that_are_not_understood_are_skipped_aloud(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_up(&host, db, "one");
    host_kill(&host);
    (void)fake_db_run(
        db, "INSERT INTO sluice.sluice_topics (topic, topic_id, table_name, partitions, state) "
            "VALUES ('a', 00000000-0000-4000-8000-000000000001, 'x; DROP', 1, 'live')");
    (void)fake_db_run(db, "INSERT INTO sluice.sluice_topics (topic, partitions) VALUES ('b', 1)");
    host_up(&host, db, "one");
    assert_int_equal(host.topics, 0);
    assert_int_equal(fake_net_logged(&host.net, "row of sluice_topics not understood"), 2);
    host_kill(&host);
    fake_db_free(db);
}

static void one_creation_serves_all_who_ask_for_it(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct created created[3];
    host_up(&host, db, "one");
    for (int i = 0; i < 3; i++)
        host_create(&host, "orders", 3, &created[i]);
    host_run(&host, SECOND_US);
    for (int i = 0; i < 3; i++)
        assert_true(created[i].done && created[i].error == 0);
    assert_int_equal(fake_db_count(db, "CREATE TABLE IF NOT EXISTS \"sluice\".\"orders\""), 1);
    host_kill(&host);
    fake_db_free(db);
}

static void topics_that_map_to_one_name_get_tables_of_their_own(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_up(&host, db, "one");
    expect_created(&host, "a.b", 0);
    assert_string_equal(host.topic_table, "a_b");
    expect_created(&host, "a_b", 0);
    assert_string_equal(host.topic_table, "a_b_44529424");
    expect_same_id(db, "a_b", "a_b_44529424");
    expect_same_id(db, "a.b", "a_b");
    assert_int_equal(host.topics_gone, 0);
    host_kill(&host);
    fake_db_free(db);
}

static void a_foreign_table_of_that_name_fails_the_creation_and_frees_the_name(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct created created;
    host_up(&host, db, "one");
    (void)fake_db_run(db, "CREATE TABLE sluice.orders (id int PRIMARY KEY, total int)");
    host_create(&host, "orders", 1, &created);
    host_run(&host, SECOND_US);
    assert_true(created.done);
    assert_int_equal(created.error, 17);
    assert_non_null(strstr(created.text, "its columns differ"));
    assert_int_equal(fake_db_run(db, "SELECT topic FROM sluice.sluice_topics"), 0);
    assert_int_equal(host.topics, 0);
    host_kill(&host);
    fake_db_free(db);
}

static void a_log_table_that_was_there_gives_the_topic_its_id(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_up(&host, db, "one");
    (void)fake_db_run(db, "CREATE TABLE sluice.orders " LOG_COLUMNS);
    expect_created(&host, "orders", 0);
    expect_same_id(db, "orders", "orders");
    host_kill(&host);
    fake_db_free(db);
}

static void a_log_table_that_was_there_is_altered_to_what_the_topic_asks_for(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct created created;
    struct buf wanted, marked;
    const struct topic_change changes[] = {
        {SLICE_INIT("retention.ms"), SLICE_INIT("60000")},
        {SLICE_INIT("compression.type"), SLICE_INIT("zstd")}};
    host_up(&host, db, "one");
    (void)fake_db_run(db, "CREATE TABLE sluice.orders " LOG_COLUMNS);
    buf_init(&wanted, &alloc_heap, TOPIC_CONFIGURATION_BYTES);
    buf_init(&marked, &alloc_heap, TOPIC_CONFIGURATION_BYTES);
    assert_int_equal(topic_configuration_change(SLICE_NULL, changes, 2, false, &wanted), 0);
    assert_int_equal(topic_configuration_mark(buf_unread(&wanted), true, &marked), 0);
    host_create_with(&host, "orders", 1, buf_unread(&marked), &created);
    buf_deinit(&wanted);
    buf_deinit(&marked);
    host_run(&host, 5 * SECOND_US);
    assert_true(created.done && created.error == 0);
    assert_int_equal(
        fake_db_number(
            db, "SELECT default_time_to_live FROM system_schema.tables WHERE table_name = 'orders'"),
        60);
    assert_true(slice_equal(
        text_map_get(
            fake_db_cell(
                db, "SELECT compression FROM system_schema.tables WHERE table_name = 'orders'"),
            SLICE_LITERAL("class")),
        SLICE_LITERAL("ZstdCompressor")));
    struct topic_settings settings;
    topic_settings_read(slice_make(host.topic_configuration, host.topic_configuration_len),
                        &settings);
    assert_int_equal(settings.table_ttl_s, 60);
    assert_true(settings.had_ttl && !topic_table_is_behind(&settings));
    host_kill(&host);
    fake_db_free(db);
}

static void without_schema_rights_the_table_must_be_there(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct created created;
    host_up(&host, db, "one");
    host_kill(&host);
    host_init(&host, db, "one");
    host.config.schema_create = false;
    host_start(&host);
    host_run(&host, SECOND_US);
    host_create(&host, "a.b", 1, &created);
    host_run(&host, SECOND_US);
    assert_true(created.done);
    assert_int_equal(created.error, 3);
    assert_non_null(strstr(created.text, "`sluice schema a.b` prints it"));
    assert_int_equal(fake_db_run(db, "SELECT topic FROM sluice.sluice_topics"), 0);
    (void)fake_db_run(db, "CREATE TABLE sluice.a_b " LOG_COLUMNS);
    fake_db_forget_counts(db);
    expect_created(&host, "a.b", 0);
    expect_same_id(db, "a.b", "a_b");
    expect_created(&host, "a_b", 3); /* it would need a table of its own */
    assert_int_equal(fake_db_count(db, "CREATE"), 0);
    host_kill(&host);
    fake_db_free(db);
}

static void what_a_crash_left_half_made_is_finished_at_the_next_start(void **state)
{
    (void)state;
    static const char *const steps[] = {
        "INTO \"sluice\".sluice_topics", "CREATE TABLE IF NOT EXISTS \"sluice\".\"o",
        "SELECT id FROM", "SELECT column_name", "SET state = 'live'"};
    for (size_t i = 0; i < 5; i++) {
        struct fake_db *db = fake_db_new();
        struct host host;
        struct created created;
        host_up(&host, db, "one");
        fake_db_fault(db, steps[i], FAULT_LOSE_ANSWER, 1000);
        host_create(&host, "orders", 2, &created);
        host_run(&host, SECOND_US);
        assert_false(created.done);
        host_kill(&host);
        fake_db_clear_faults(db);
        host_up(&host, db, "one");
        host_run(&host, 5 * SECOND_US);
        assert_int_equal(host.topics, 1);
        assert_int_equal(host.topic.state, TOPIC_LIVE);
        assert_int_equal(host.topic.partitions, 2);
        expect_same_id(db, "orders", "orders");
        host_kill(&host);
        fake_db_free(db);
    }
}

static void a_creation_survives_every_kind_of_loss(void **state)
{
    (void)state;
    static const char *const steps[] = {"INTO \"sluice\".sluice_topics", "SET state = 'live'",
                                        "SET topic_id"};
    static const enum fake_fault faults[] = {FAULT_LOSE_REQUEST, FAULT_LOSE_ANSWER, FAULT_LATE,
                                             FAULT_CAS_TIMEOUT};
    for (size_t i = 0; i < 12; i++) {
        struct fake_db *db = fake_db_new();
        struct host host;
        struct created created;
        host_up(&host, db, "one");
        (void)fake_db_run(db, "CREATE TABLE sluice.orders " LOG_COLUMNS);
        fake_db_fault(db, steps[i / 4], faults[i % 4], 1);
        host_create(&host, "orders", 2, &created);
        host_run(&host, 15 * SECOND_US);
        fake_db_execute_late(db);
        host_run(&host, 15 * SECOND_US);
        assert_true(created.done);
        assert_int_equal(created.error, 0);
        assert_true(fake_db_text_is(db, "SELECT state FROM sluice.sluice_topics", "live"));
        expect_same_id(db, "orders", "orders");
        host_kill(&host);
        fake_db_free(db);
    }
}

static void a_refused_table_frees_the_name(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct created created;
    host_up(&host, db, "one");
    fake_db_fault(db, "CREATE TABLE", FAULT_INVALID, 1);
    host_create(&host, "orders", 2, &created);
    host_run(&host, SECOND_US);
    assert_true(created.done);
    assert_int_equal(created.error, 56);
    assert_non_null(strstr(created.text, "as the test wishes"));
    assert_int_equal(fake_db_run(db, "SELECT topic FROM sluice.sluice_topics"), 0);
    expect_created(&host, "orders", 0);
    host_kill(&host);
    fake_db_free(db);
}

static void who_waits_too_long_is_told_so_and_the_creation_goes_on(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct created created;
    host_up(&host, db, "one");
    fake_node_set_down(host.node, true);
    host_create(&host, "orders", 2, &created);
    host_run(&host, 21 * SECOND_US);
    assert_true(created.done);
    assert_int_equal(created.error, 7);
    fake_node_set_down(host.node, false);
    host_run(&host, 20 * SECOND_US);
    assert_int_equal(host.topics, 1);
    host_kill(&host);
    fake_db_free(db);
}

static void nodes_that_do_not_agree_are_waited_for_once(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct created created;
    host_up(&host, db, "one");
    (void)fake_db_run(
        db, "INSERT INTO system.peers (peer, data_center, host_id, schema_version) VALUES ('b', "
            "'datacenter1', 00000000-0000-4000-8000-000000000002, "
            "00000000-0000-4000-8000-00000000000b)");
    (void)fake_db_run(
        db, "INSERT INTO system.peers (peer, data_center, host_id, schema_version) VALUES ('c', "
            "'datacenter1', 00000000-0000-4000-8000-000000000003, "
            "00000000-0000-4000-8000-00000000000a)");
    host_create(&host, "orders", 2, &created);
    host_run(&host, 5 * SECOND_US);
    assert_false(created.done);
    host_run(&host, 6 * SECOND_US);
    assert_true(created.done && created.error == 0);
    assert_int_equal(fake_net_logged(&host.net, "nodes do not agree on the schema"), 1);
    host_create(&host, "more", 2, &created); /* it shows the same old version: it is down */
    host_run(&host, 3 * SECOND_US);
    assert_true(created.done && created.error == 0);
    (void)fake_db_run(
        db, "UPDATE system.peers SET schema_version = 00000000-0000-4000-8000-00000000000c WHERE "
            "peer = 'b'");
    host_create(&host, "third", 2, &created); /* it is back, and not there yet */
    host_run(&host, 3 * SECOND_US);
    assert_false(created.done);
    (void)fake_db_run(
        db, "UPDATE system.peers SET schema_version = 00000000-0000-4000-8000-00000000000a WHERE "
            "peer = 'b'");
    host_run(&host, SECOND_US);
    assert_true(created.done && created.error == 0);
    host_kill(&host);
    fake_db_free(db);
}

/* The node that is asked may not know the table itself yet, and what it tells of the others is older
 * still. */
static void nodes_that_agree_on_the_version_before_the_table_are_asked_again(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct created created;
    (void)fake_db_run(
        db, "INSERT INTO system.peers (peer, data_center, host_id, schema_version) VALUES ('b', "
            "'datacenter1', 00000000-0000-4000-8000-000000000002, "
            "00000000-0000-4000-8000-00000000000a)");
    host_up(&host, db, "one");
    host_create(&host, "orders", 2, &created);
    host_run(&host, SECOND_US);
    assert_false(created.done);
    (void)fake_db_run(
        db, "UPDATE system.peers SET schema_version = 00000000-0000-4000-8000-00000000000b WHERE "
            "peer = 'b'");
    host_run(&host, SECOND_US / 2);
    assert_false(created.done);
    (void)fake_db_run(
        db, "UPDATE system.local SET schema_version = 00000000-0000-4000-8000-00000000000b WHERE "
            "key = 'local'");
    host_run(&host, SECOND_US / 4);
    assert_true(created.done && created.error == 0);
    host_create(&host, "more", 2, &created); /* the version stays: it need not be awaited for ever */
    host_run(&host, 3 * SECOND_US);
    assert_true(created.done && created.error == 0);
    assert_int_equal(fake_net_logged(&host.net, "nodes do not agree on the schema"), 0);
    host_kill(&host);
    fake_db_free(db);
}

static void a_topic_that_another_gateway_made_is_found(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host first, second;
    struct host *const both[] = {&first, &second};
    struct cql_push push = {.kind = CQL_PUSH_SCHEMA,
                            .change = CQL_CHANGE_CREATED,
                            .schema = {.change = CQL_CHANGE_CREATED,
                                       .target = CQL_TARGET_TABLE,
                                       .keyspace = SLICE_LITERAL("sluice"),
                                       .table = SLICE_LITERAL("orders")}};
    host_up(&first, db, "one");
    host_init(&second, db, "two");
    host_follow(&second, &first);
    host_start(&second);
    hosts_run(both, 2, 5 * SECOND_US);
    struct created created;
    host_create(&first, "orders", 2, &created);
    hosts_run(both, 2, 100 * MS_US);
    assert_int_equal(first.topics, 1);
    assert_int_equal(second.topics, 0);
    fake_node_push(second.node, &push);
    hosts_run(both, 2, 2 * SECOND_US);
    assert_int_equal(second.topics, 1);
    (void)fake_db_run(db, "DELETE FROM sluice.sluice_topics WHERE topic = 'orders'");
    hosts_run(both, 2, 62 * SECOND_US); /* no event: it looks by itself when there are others */
    assert_int_equal(second.topics_gone, 1);
    host_kill(&first);
    host_kill(&second);
    fake_db_free(db);
}

static void two_gateways_make_one_topic_together(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host first, second;
    struct host *const both[] = {&first, &second};
    struct created one, two;
    host_up(&first, db, "one");
    host_init(&second, db, "two");
    host_follow(&second, &first);
    host_start(&second);
    hosts_run(both, 2, 5 * SECOND_US);
    host_create(&first, "orders", 2, &one);
    host_create(&second, "orders", 5, &two);
    hosts_run(both, 2, 10 * SECOND_US);
    assert_true(one.done && two.done);
    assert_true(one.error == 0 || one.error == 36);
    assert_true(two.error == 0 || two.error == 36);
    assert_int_equal(first.topics, 1);
    assert_int_equal(second.topics, 1);
    assert_memory_equal(first.topic.topic_id, second.topic.topic_id, 16);
    assert_int_equal(first.topic.partitions, second.topic.partitions);
    expect_same_id(db, "orders", "orders");
    host_kill(&first);
    host_kill(&second);
    fake_db_free(db);
}

static void columns_that_a_node_does_not_know_yet_are_waited_for(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_up(&host, db, "one");
    fake_db_fault(db, "FROM system_schema.columns", FAULT_NO_COLUMNS, 5);
    expect_created(&host, "orders", 0);
    assert_int_equal(host.topic.state, TOPIC_LIVE);
    expect_same_id(db, "orders", "orders");
    host_kill(&host);
    fake_db_free(db);
}

static void a_topic_that_there_was_no_memory_for_is_told_again(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct created created;
    host_up(&host, db, "one");
    host.forgets_topics = 2;
    host_create(&host, "orders", 3, &created);
    host_run(&host, 2 * SECOND_US);
    assert_true(created.done);
    assert_int_equal(created.error, 0);
    host_run(&host, 3 * SECOND_US);
    assert_int_equal(host.forgets_topics, 0);
    assert_int_equal(host.topics, 1);
    assert_string_equal(host.topic_name, "orders");
    host_run(&host, 60 * SECOND_US);
    assert_int_equal(host.topics, 1);
    host_kill(&host);
    fake_db_free(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_topic_that_there_was_no_memory_for_is_told_again),
        cmocka_unit_test(a_topic_is_made_and_its_table_has_its_id),
        cmocka_unit_test(topics_are_found_again_after_a_restart),
        cmocka_unit_test(many_topics_are_loaded_page_by_page),
        cmocka_unit_test(rows_that_are_not_understood_are_skipped_aloud),
        cmocka_unit_test(one_creation_serves_all_who_ask_for_it),
        cmocka_unit_test(topics_that_map_to_one_name_get_tables_of_their_own),
        cmocka_unit_test(a_foreign_table_of_that_name_fails_the_creation_and_frees_the_name),
        cmocka_unit_test(a_log_table_that_was_there_gives_the_topic_its_id),
        cmocka_unit_test(a_log_table_that_was_there_is_altered_to_what_the_topic_asks_for),
        cmocka_unit_test(without_schema_rights_the_table_must_be_there),
        cmocka_unit_test(what_a_crash_left_half_made_is_finished_at_the_next_start),
        cmocka_unit_test(a_creation_survives_every_kind_of_loss),
        cmocka_unit_test(a_refused_table_frees_the_name),
        cmocka_unit_test(who_waits_too_long_is_told_so_and_the_creation_goes_on),
        cmocka_unit_test(nodes_that_do_not_agree_are_waited_for_once),
        cmocka_unit_test(nodes_that_agree_on_the_version_before_the_table_are_asked_again),
        cmocka_unit_test(a_topic_that_another_gateway_made_is_found),
        cmocka_unit_test(two_gateways_make_one_topic_together),
        cmocka_unit_test(columns_that_a_node_does_not_know_yet_are_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
