#include "tests/support/control_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/support/failing_alloc.h"

static const uint8_t any_topic[16] = {1, 2, 3};

static void a_first_start_makes_everything_and_leads_all_slots(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_up(&host, db, "one");
    assert_int_equal(fake_db_count(db, "CREATE KEYSPACE"), 1);
    assert_int_equal(fake_db_count(db, "CREATE TABLE"), 7);
    assert_int_equal(fake_db_run(db, "SELECT slot FROM sluice.sluice_slots WHERE member = 'one'"),
                     128);
    assert_int_equal(host_led(&host, any_topic, 128), 128);
    assert_int_equal(control_leader_epoch(host.control, any_topic, 5), 1);
    assert_int_equal(control_sealed_below_us(host.control, any_topic, 5), 0);
    assert_int_equal(strlen(control_cluster_id(host.control)), 22);
    assert_true(fake_db_text_is(db, "SELECT cluster_id FROM sluice.sluice_cluster",
                                control_cluster_id(host.control)));
    host_kill(&host);
    fake_db_free(db);
}

static void a_restart_costs_no_ddl_and_keeps_the_cluster_id(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host first, second;
    char id[23];
    host_up(&first, db, "one");
    (void)snprintf(id, sizeof(id), "%s", control_cluster_id(first.control));
    host_kill(&first);
    fake_db_forget_counts(db);
    host_up(&second, db, "one");
    assert_int_equal(fake_db_count(db, "CREATE"), 0);
    assert_string_equal(control_cluster_id(second.control), id);
    host_kill(&second);
    fake_db_free(db);
}

static void it_waits_for_a_node_and_says_so(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_init(&host, db, "one");
    host.node->refuses = true;
    host_start(&host);
    host_run(&host, 60 * SECOND_US);
    assert_false(host.ready);
    assert_int_equal(host.fatal_code, 0);
    assert_in_range(fake_net_logged(&host.net, "waiting for the database"), 4, 7);
    host.node->refuses = false;
    host_run(&host, 15 * SECOND_US);
    assert_true(host.ready);
    host_kill(&host);
    fake_db_free(db);
}

static void expect_refusal(struct fake_db *db, struct host *host, const char *text)
{
    host_start(host);
    host_run(host, SECOND_US);
    assert_int_equal(host->fatal_code, 78);
    assert_false(host->ready);
    if (strstr(host->fatal_text, text) == NULL)
        fail_msg("'%s' does not say '%s'", host->fatal_text, text);
    host_kill(host);
    fake_db_free(db);
}

static void a_cassandra_that_is_too_old_is_refused_and_scylla_is_not_told_by_its_version(void **state)
{
    static const char *const versions[] = {"2.2.19", "3.0.30", "3.10"};
    (void)state;
    struct host host;
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        char text[128];
        struct fake_db *db = fake_db_new();
        (void)snprintf(text, sizeof(text),
                       "UPDATE system.local SET release_version = '%s' WHERE key = 'local'",
                       versions[i]);
        (void)fake_db_run(db, text);
        host_init(&host, db, "one");
        expect_refusal(db, &host, "cannot carry log tables");
    }
    struct fake_db *db = fake_db_new();
    (void)fake_db_run(db,
                      "UPDATE system.local SET release_version = '3.0.8' WHERE key = 'local'");
    host_init(&host, db, "one");
    host.node->supported = "SCYLLA_NR_SHARDS";
    host_start(&host);
    host_run(&host, 15 * SECOND_US);
    assert_int_equal(host.fatal_code, 0);
    assert_true(host.ready);
    host_kill(&host);
    fake_db_free(db);
}

static void another_partitioner_is_refused(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    (void)fake_db_run(
        db, "UPDATE system.local SET partitioner = 'x.RandomPartitioner' WHERE key = 'local'");
    host_init(&host, db, "one");
    expect_refusal(db, &host, "Murmur3Partitioner");
}

static void amazon_keyspaces_is_refused(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    (void)fake_db_run(
        db, "UPDATE system.local SET cluster_name = 'Amazon Keyspaces' WHERE key = 'local'");
    host_init(&host, db, "one");
    expect_refusal(db, &host, "Amazon Keyspaces cannot carry log tables");
}

static void a_home_without_nodes_is_refused(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_init(&host, db, "one");
    host.config.local_dc = "elsewhere";
    expect_refusal(db, &host, "cassandra.local_dc is 'elsewhere'");
}

static void a_missing_keyspace_is_refused_when_schema_create_is_never(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_init(&host, db, "one");
    host.config.schema_create = false;
    expect_refusal(db, &host, "keyspace 'sluice' is missing");
}

static void missing_tables_are_named_when_schema_create_is_never(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    (void)fake_db_run(db, "CREATE KEYSPACE IF NOT EXISTS sluice WITH replication = {'class': "
                          "'NetworkTopologyStrategy', 'datacenter1': '1'}");
    host_init(&host, db, "one");
    host.config.schema_create = false;
    expect_refusal(db, &host, "sluice_cluster, sluice_members, sluice_slots, sluice_topics");
}

static void a_keyspace_without_copies_at_home_is_refused(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    (void)fake_db_run(db, "CREATE KEYSPACE IF NOT EXISTS sluice WITH replication = {'class': "
                          "'org.apache.cassandra.locator.NetworkTopologyStrategy', 'dc2': '3'}");
    host_init(&host, db, "one");
    expect_refusal(db, &host, "no copies in the home data centre 'datacenter1'");
}

static void a_keyspace_name_with_quotes_is_refused(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_init(&host, db, "one");
    host.config.keyspace = "a\"; DROP KEYSPACE b";
    expect_refusal(db, &host, "is no keyspace name");
}

static void another_consistency_than_the_clusters_is_refused(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_up(&host, db, "one");
    host_kill(&host);
    host_init(&host, db, "one");
    host.config.consistency = CQL_CONSISTENCY_QUORUM;
    expect_refusal(db, &host,
                   "at consistency LOCAL_QUORUM, and this gateway is configured for QUORUM");
}

static void another_home_than_the_clusters_is_refused(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_up(&host, db, "one");
    host_kill(&host);
    (void)fake_db_run(db, "UPDATE sluice.sluice_cluster SET home_dc = 'dc2' WHERE name = 'sluice'");
    host_init(&host, db, "one");
    expect_refusal(db, &host, "home in data centre 'dc2', and this gateway in 'datacenter1'");
}

static void a_clock_that_is_far_off_is_refused(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    fake_db_set_clock(db, -31000);
    host_init(&host, db, "one");
    expect_refusal(db, &host, "clock and the database's differ");
}

static void a_clock_that_is_off_is_warned_about(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    fake_db_set_clock(db, 3000);
    host_up(&host, db, "one");
    assert_int_equal(fake_net_logged(&host.net, "clocks differ"), 1);
    host_kill(&host);
    fake_db_free(db);
}

static void a_clock_that_runs_away_later_ends_leading_until_it_is_right(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_up(&host, db, "one");
    fake_db_set_clock(db, 60000);
    host_run(&host, 3601 * SECOND_US);
    assert_int_equal(host.lease_lost, 1);
    assert_int_equal(host_led(&host, any_topic, 1), 0);
    fake_db_set_clock(db, 0);
    host_run(&host, 65 * SECOND_US);
    assert_int_equal(host.lease_held, 1);
    assert_int_equal(host_led(&host, any_topic, 1), 1);
    assert_int_equal(host.fatal_code, 0);
    host_kill(&host);
    fake_db_free(db);
}

static void unread_settings_give_the_defaults(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    fake_db_fault(db, "system_views", FAULT_INVALID, 1);
    host_up(&host, db, "one");
    assert_int_equal(control_max_mutation_bytes(host.control), 16 * 1024 * 1024);
    host_kill(&host);
    fake_db_free(db);
}

static void the_mutation_limit_is_half_a_commit_log_segment_or_what_was_set(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_up(&host, db, "one");
    assert_int_equal(control_max_mutation_bytes(host.control), 8 * 1024 * 1024);
    host_kill(&host);
    (void)fake_db_run(db, "INSERT INTO system_views.settings (name, value) VALUES "
                          "('max_mutation_size_in_kb', '4096')");
    host_up(&host, db, "one");
    assert_int_equal(control_max_mutation_bytes(host.control), 4 * 1024 * 1024);
    host_kill(&host);
    fake_db_free(db);
}

static void weak_settings_are_said_in_one_line_each(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_up(&host, db, "one");
    assert_int_equal(fake_net_logged(&host.net, "level=warn"), 0);
    host_kill(&host);
    (void)fake_db_run(
        db, "UPDATE system_views.settings SET value = 'periodic' WHERE name = 'commitlog_sync'");
    (void)fake_db_run(
        db, "UPDATE system_schema.keyspaces SET durable_writes = false WHERE keyspace_name = "
            "'sluice'");
    (void)fake_db_run(
        db, "UPDATE system_schema.tables SET gc_grace_seconds = 10, read_repair = 'NONE', "
            "speculative_retry = 'NEVER' WHERE keyspace_name = 'sluice' AND table_name = "
            "'sluice_slots'");
    host_up(&host, db, "one");
    assert_int_equal(fake_net_logged(&host.net, "commitlog_sync is periodic"), 1);
    assert_int_equal(fake_net_logged(&host.net, "durable_writes is off"), 1);
    assert_int_equal(fake_net_logged(&host.net, "option=gc_grace_seconds"), 1);
    assert_int_equal(fake_net_logged(&host.net, "option=read_repair"), 1);
    assert_int_equal(fake_net_logged(&host.net, "option=speculative_retry"), 1);
    host_kill(&host);
    fake_db_free(db);
}

static void a_new_table_that_a_node_does_not_know_yet_is_waited_for(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    fake_db_fault(db, "FROM \"sluice\".sluice_cluster", FAULT_DOES_NOT_EXIST, 3);
    host_init(&host, db, "one");
    host_start(&host);
    host_run(&host, 2 * SECOND_US);
    assert_true(host.ready);
    assert_int_equal(host.fatal_code, 0);
    host_kill(&host);
    fake_db_free(db);
}

static void a_table_that_another_gateway_has_just_made_is_waited_for(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host, other;
    host_up(&other, db, "other");
    fake_db_fault(db, "\"sluice\".sluice_producer_ids", FAULT_DOES_NOT_EXIST, 3);
    host_init(&host, db, "one"); /* it has nothing to make */
    host_start(&host);
    host_run(&host, 2 * SECOND_US);
    assert_true(host.ready);
    assert_int_equal(host.fatal_code, 0);
    host_kill(&host);
    host_kill(&other);
    fake_db_free(db);
}

static void a_database_that_comes_late_is_given_the_same_time_for_its_tables(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_init(&host, db, "one");
    fake_node_set_down(host.node, true);
    host_start(&host);
    host_run(&host, 70 * SECOND_US);
    fake_db_fault(db, "FROM \"sluice\".sluice_cluster", FAULT_DOES_NOT_EXIST, 60); /* 15 s or so */
    fake_node_set_down(host.node, false);
    host_run(&host, 60 * SECOND_US);
    assert_true(host.ready);
    assert_int_equal(host.fatal_code, 0);
    host_kill(&host);
    fake_db_free(db);
}

static void a_refusal_at_start_ends_it_with_the_databases_words(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    fake_db_fault(db, "CREATE KEYSPACE", FAULT_INVALID, 1);
    host_init(&host, db, "one");
    expect_refusal(db, &host, "as the test wishes");
}

/* Whatever is lost on the way, in either direction, the start ends well. */
static void every_transaction_of_a_start_may_be_lost(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "INTO \"sluice\".sluice_cluster", "INTO \"sluice\".sluice_members",
        "INTO \"sluice\".sluice_slots", "INTO \"sluice\".sluice_producer_ids"};
    static const enum fake_fault faults[] = {FAULT_LOSE_REQUEST, FAULT_LOSE_ANSWER,
                                             FAULT_CAS_TIMEOUT, FAULT_LATE};
    for (size_t i = 0; i < 16; i++) {
        struct fake_db *db = fake_db_new();
        struct host host;
        int64_t id;
        fake_db_fault(db, parts[i / 4], faults[i % 4], 2);
        host_init(&host, db, "one");
        host_start(&host);
        host_run(&host, 30 * SECOND_US);
        fake_db_execute_late(db);
        host_run(&host, 30 * SECOND_US);
        assert_true(host.ready);
        assert_int_equal(host.fatal_code, 0);
        assert_int_equal(host_led(&host, any_topic, 128), 128);
        assert_true(control_producer_id(host.control, &id, host.net.now));
        assert_true(fake_db_text_is(db, "SELECT cluster_id FROM sluice.sluice_cluster",
                                    control_cluster_id(host.control)));
        host_kill(&host);
        fake_db_free(db);
    }
}

/* The n-th allocation fails, for every n: it ends cleanly, and where it could start it gets there
 * in the end. */
static void memory_may_run_out_at_any_time(void **state)
{
    (void)state;
    struct failing_alloc failing;
    failing_alloc_init(&failing);
    for (size_t n = 1; failing_alloc_next(&failing, n); n++) {
        struct fake_db *db = fake_db_new();
        struct host host;
        struct created created;
        host_init(&host, db, "one");
        host.config.alloc = &failing.alloc;
        if (host_try_start(&host)) {
            host_run(&host, 20 * SECOND_US);
            assert_true(host.ready);
            host_create(&host, "orders", 2, &created);
            host_run(&host, 5 * SECOND_US);
            assert_true(created.done);
            assert_true(created.error == 0 || created.error == 7);
            assert_int_equal(host_led(&host, any_topic, 128), 128);
        }
        host_kill(&host);
        fake_db_free(db);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_start_makes_everything_and_leads_all_slots),
        cmocka_unit_test(a_restart_costs_no_ddl_and_keeps_the_cluster_id),
        cmocka_unit_test(it_waits_for_a_node_and_says_so),
        cmocka_unit_test(
            a_cassandra_that_is_too_old_is_refused_and_scylla_is_not_told_by_its_version),
        cmocka_unit_test(another_partitioner_is_refused),
        cmocka_unit_test(amazon_keyspaces_is_refused),
        cmocka_unit_test(a_home_without_nodes_is_refused),
        cmocka_unit_test(a_missing_keyspace_is_refused_when_schema_create_is_never),
        cmocka_unit_test(missing_tables_are_named_when_schema_create_is_never),
        cmocka_unit_test(a_keyspace_without_copies_at_home_is_refused),
        cmocka_unit_test(a_keyspace_name_with_quotes_is_refused),
        cmocka_unit_test(another_consistency_than_the_clusters_is_refused),
        cmocka_unit_test(another_home_than_the_clusters_is_refused),
        cmocka_unit_test(a_clock_that_is_far_off_is_refused),
        cmocka_unit_test(a_clock_that_is_off_is_warned_about),
        cmocka_unit_test(a_clock_that_runs_away_later_ends_leading_until_it_is_right),
        cmocka_unit_test(unread_settings_give_the_defaults),
        cmocka_unit_test(the_mutation_limit_is_half_a_commit_log_segment_or_what_was_set),
        cmocka_unit_test(weak_settings_are_said_in_one_line_each),
        cmocka_unit_test(a_new_table_that_a_node_does_not_know_yet_is_waited_for),
        cmocka_unit_test(a_table_that_another_gateway_has_just_made_is_waited_for),
        cmocka_unit_test(a_database_that_comes_late_is_given_the_same_time_for_its_tables),
        cmocka_unit_test(a_refusal_at_start_ends_it_with_the_databases_words),
        cmocka_unit_test(every_transaction_of_a_start_may_be_lost),
        cmocka_unit_test(memory_may_run_out_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
