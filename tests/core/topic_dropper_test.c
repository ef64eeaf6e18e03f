/* Topics are deleted, made again under their name, and meet nothing of their former life. */
#include "tests/support/control_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void create(struct host *const *hosts, size_t count, struct host *host, const char *name)
{
    struct created created;
    host_create(host, name, 2, &created);
    hosts_run(hosts, count, 2 * SECOND_US);
    assert_true(created.done);
    if (created.error != 0)
        fail_msg("%s: %d '%s'", name, created.error, created.text);
}

static void up_with_orders(struct host *host, struct fake_db *db)
{
    struct host *const one[] = {host};
    host_up(host, db, "one");
    create(one, 1, host, "orders");
    for (int i = 0; i < 2; i++) {
        char text[300];
        (void)snprintf(text, sizeof(text),
                       "INSERT INTO sluice.sluice_segments (topic_id, partition, segment, "
                       "first_offset, limit_offset) VALUES (%s, %d, 0, 0, 100000)",
                       host_topic_id_text(host), i);
        (void)fake_db_run(db, text);
    }
}

static void two_up(struct host *first, struct host *second, struct fake_db *db)
{
    struct host *const both[] = {first, second};
    up_with_orders(first, db);
    host_init(second, db, "two");
    host_follow(second, first);
    host_start(second);
    hosts_run(both, 2, 5 * SECOND_US);
    assert_int_equal(second->topics, 1);
}

static void expect_nothing_left(struct fake_db *db, const char *table)
{
    char text[200];
    assert_int_equal(fake_db_run(db, "SELECT topic FROM sluice.sluice_topics"), 0);
    assert_int_equal(fake_db_run(db, "SELECT segment FROM sluice.sluice_segments"), 0);
    (void)snprintf(text, sizeof(text),
                   "SELECT id FROM system_schema.tables WHERE table_name = '%s'", table);
    assert_int_equal(fake_db_run(db, text), 0);
}

static void a_topic_goes_with_its_table_and_its_index(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct created deleted;
    up_with_orders(&host, db);
    host_delete(&host, "orders", host.topic.topic_id, &deleted);
    host_run(&host, SECOND_US);
    assert_true(deleted.done);
    assert_int_equal(deleted.error, 0);
    assert_int_equal(host.topics_gone, 1);
    assert_int_equal(host.topic.state, TOPIC_DELETING);
    expect_nothing_left(db, "orders");
    host_kill(&host);
    fake_db_free(db);
}

static void a_gateway_stops_before_anything_is_dropped(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct created deleted;
    up_with_orders(&host, db);
    fake_db_fault(db, "DROP TABLE", FAULT_LOSE_REQUEST, 1000);
    host_delete(&host, "orders", host.topic.topic_id, &deleted);
    host_run(&host, SECOND_US);
    assert_false(deleted.done);
    assert_int_equal(host.topic.state, TOPIC_DELETING);
    assert_int_equal(fake_db_run(db, "SELECT segment FROM sluice.sluice_segments"), 2);
    assert_true(fake_db_text_is(db, "SELECT state FROM sluice.sluice_topics", "deleting"));
    host_kill(&host);
    fake_db_free(db);
}

static void a_topic_that_comes_back_has_another_id_and_another_table(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct host *const one[] = {&host};
    struct created deleted;
    uint8_t ids[3][16];
    char tables[3][256];
    up_with_orders(&host, db);
    for (int i = 0; i < 3; i++) {
        if (i > 0)
            create(one, 1, &host, "orders");
        assert_int_equal(host.topic.state, TOPIC_LIVE);
        memcpy(ids[i], host.topic.topic_id, 16);
        memcpy(tables[i], host.topic_table, sizeof(tables[i]));
        for (int k = 0; k < i; k++) {
            assert_memory_not_equal(ids[i], ids[k], 16);
            assert_string_not_equal(tables[i], tables[k]);
        }
        host_delete(&host, "orders", ids[i], &deleted);
        host_run(&host, SECOND_US);
        assert_true(deleted.done && deleted.error == 0);
    }
    host_kill(&host);
    fake_db_free(db);
}

/* An INSERT of its row that was in doubt, and done again, is executed when the topic is gone. */
static void a_row_that_comes_late_does_not_bring_the_old_id_back(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct host *const one[] = {&host};
    struct created deleted;
    uint8_t id[16];
    char text[400];
    up_with_orders(&host, db);
    memcpy(id, host.topic.topic_id, 16);
    (void)snprintf(text, sizeof(text),
                   "INSERT INTO sluice.sluice_topics (topic, topic_id, table_name, partitions, "
                   "state, version) VALUES ('orders', %s, 'orders', 2, 'creating', 1)",
                   host_topic_id_text(&host));
    host_delete(&host, "orders", id, &deleted);
    host_run(&host, SECOND_US);
    assert_true(deleted.done && deleted.error == 0);
    (void)fake_db_run(db, text);
    create(one, 1, &host, "orders");
    assert_int_equal(host.topic.state, TOPIC_LIVE);
    assert_string_not_equal(host.topic_table, "orders");
    assert_memory_not_equal(host.topic.topic_id, id, 16);
    host_kill(&host);
    fake_db_free(db);
}

/* A DROP whose answer was lost is repeated on another node; the first node may execute it when it
 * wakes up. */
static void a_late_drop_does_not_hit_the_successors_table(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct host *const one[] = {&host};
    struct created deleted;
    up_with_orders(&host, db);
    fake_db_fault(db, "DROP TABLE", FAULT_LATE, 1);
    host_delete(&host, "orders", host.topic.topic_id, &deleted);
    host_run(&host, 120 * SECOND_US);
    assert_true(deleted.done && deleted.error == 0);
    create(one, 1, &host, "orders");
    fake_db_execute_late(db);
    char text[400];
    (void)snprintf(text, sizeof(text),
                   "SELECT id FROM system_schema.tables WHERE table_name = '%s'", host.topic_table);
    struct slice id = fake_db_cell(db, text);
    assert_int_equal(id.len, 16);
    assert_memory_equal(id.data, host.topic.topic_id, 16);
    host_kill(&host);
    fake_db_free(db);
}

static void another_topic_does_not_get_a_dropped_tables_name_either(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct host *const one[] = {&host};
    struct created deleted;
    host_up(&host, db, "one");
    create(one, 1, &host, "a.b");
    assert_string_equal(host.topic_table, "a_b");
    host_delete(&host, "a.b", host.topic.topic_id, &deleted);
    host_run(&host, SECOND_US);
    assert_true(deleted.done && deleted.error == 0);
    create(one, 1, &host, "a_b");
    assert_string_not_equal(host.topic_table, "a_b");
    host_kill(&host);
    fake_db_free(db);
}

/* The name is written down after it was looked at, and the table dropped before CREATE. */
static void a_name_that_is_dropped_while_a_table_is_made_is_given_up(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct created created;
    host_up(&host, db, "one");
    fake_db_fault(db, "CREATE TABLE IF NOT EXISTS \"sluice\".\"orders\"", FAULT_LATE, 1);
    host_create(&host, "orders", 2, &created);
    host_run(&host, SECOND_US);
    assert_false(created.done);
    (void)fake_db_run(db, "INSERT INTO sluice.sluice_tables (table_name, topic_id) VALUES "
                          "('orders', 00000000-0000-4000-8000-000000000009)");
    host_run(&host, 65 * SECOND_US);
    assert_true(created.done);
    assert_int_equal(created.error, 7);
    assert_int_equal(host.topics, 0);
    host_create(&host, "orders", 2, &created);
    host_run(&host, 2 * SECOND_US);
    assert_true(created.done && created.error == 0);
    assert_string_not_equal(host.topic_table, "orders");
    host_kill(&host);
    fake_db_free(db);
}

static void with_other_members_a_lease_passes_before_the_table_is_dropped(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host first, second;
    struct host *const both[] = {&first, &second};
    struct created deleted;
    two_up(&first, &second, db);
    host_delete(&first, "orders", first.topic.topic_id, &deleted);
    hosts_run(both, 2, 9 * SECOND_US);
    assert_int_equal(first.topic.state, TOPIC_DELETING);
    assert_int_equal(second.topic.state, TOPIC_DELETING); /* it looked at its renewal */
    assert_int_equal(fake_db_count(db, "DROP TABLE"), 0);
    hosts_run(both, 2, 9 * SECOND_US);
    assert_true(deleted.done && deleted.error == 0);
    assert_int_equal(fake_db_count(db, "DROP TABLE"), 1); /* one of them does it */
    assert_int_equal(first.topics_gone, 1);
    assert_int_equal(second.topics_gone, 1);
    host_kill(&first);
    host_kill(&second);
    fake_db_free(db);
}

static void a_name_returns_only_when_all_is_gone(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host first, second;
    struct host *const both[] = {&first, &second};
    struct created deleted, created;
    two_up(&first, &second, db);
    host_delete(&first, "orders", first.topic.topic_id, &deleted);
    hosts_run(both, 2, 4 * SECOND_US);
    host_create(&second, "orders", 2, &created);
    hosts_run(both, 2, 2 * SECOND_US);
    assert_true(created.done);
    assert_int_equal(created.error, 36);
    assert_non_null(strstr(created.text, "is being deleted"));
    hosts_run(both, 2, 15 * SECOND_US);
    assert_true(deleted.done && deleted.error == 0);
    create(both, 2, &second, "orders");
    hosts_run(both, 2, 5 * SECOND_US);
    assert_int_equal(first.topic.state, TOPIC_LIVE);
    assert_memory_equal(first.topic.topic_id, second.topic.topic_id, 16);
    host_kill(&first);
    host_kill(&second);
    fake_db_free(db);
}

static void two_gateways_delete_one_topic_together(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host first, second;
    struct host *const both[] = {&first, &second};
    struct created one, two;
    two_up(&first, &second, db);
    host_delete(&first, "orders", first.topic.topic_id, &one);
    host_delete(&second, "orders", second.topic.topic_id, &two);
    hosts_run(both, 2, 30 * SECOND_US);
    assert_true(one.done && one.error == 0);
    assert_true(two.done && two.error == 0);
    expect_nothing_left(db, "orders");
    host_kill(&first);
    host_kill(&second);
    fake_db_free(db);
}

static void the_old_topic_is_not_mistaken_for_the_new_one(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct host *const one[] = {&host};
    struct created deleted;
    uint8_t old[16];
    up_with_orders(&host, db);
    memcpy(old, host.topic.topic_id, 16);
    host_delete(&host, "orders", old, &deleted);
    host_run(&host, SECOND_US);
    create(one, 1, &host, "orders");
    host_delete(&host, "orders", old, &deleted); /* asked by somebody who knows the old id */
    host_run(&host, SECOND_US);
    assert_true(deleted.done);
    assert_int_equal(deleted.error, 3);
    assert_true(fake_db_text_is(db, "SELECT state FROM sluice.sluice_topics", "live"));
    host_kill(&host);
    fake_db_free(db);
}

static const char *const steps[] = {
    "SET state = 'deleting'", "sluice_tables SET version",  "FROM \"sluice\".sluice_members",
    "INTO \"sluice\".sluice_tables (table_name, topic_id)", "SELECT id FROM",
    "DROP TABLE",             "DELETE FROM \"sluice\".sluice_segments",
    "DELETE FROM \"sluice\".sluice_topics"};
#define STEP_COUNT (sizeof(steps) / sizeof(steps[0]))

static void a_crash_at_any_step_is_finished_by_the_next_process(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * STEP_COUNT; i++) {
        struct fake_db *db = fake_db_new();
        struct host host;
        struct host *const one[] = {&host};
        struct created deleted;
        up_with_orders(&host, db);
        fake_db_fault(db, steps[i / 2], i % 2 == 0 ? FAULT_LOSE_REQUEST : FAULT_LOSE_ANSWER, 1000);
        host_delete(&host, "orders", host.topic.topic_id, &deleted);
        host_run(&host, SECOND_US);
        assert_false(deleted.done);
        host_kill(&host);
        fake_db_clear_faults(db);
        host_init(&host, db, "one");
        host_start(&host);
        host_run(&host, 20 * SECOND_US);
        assert_true(host.ready);
        if (i > 0) { /* the first: nothing has begun, the topic lives */
            expect_nothing_left(db, "orders");
            create(one, 1, &host, "orders");
        }
        assert_true(fake_db_text_is(db, "SELECT state FROM sluice.sluice_topics", "live"));
        assert_int_equal(host.topic.state, TOPIC_LIVE);
        host_kill(&host);
        fake_db_free(db);
    }
}

static void a_deletion_survives_every_kind_of_loss(void **state)
{
    (void)state;
    static const enum fake_fault faults[] = {FAULT_LOSE_REQUEST, FAULT_LOSE_ANSWER, FAULT_LATE,
                                             FAULT_CAS_TIMEOUT};
    for (size_t i = 0; i < 4 * STEP_COUNT; i++) {
        bool is_transaction = i / 4 == 0 || i / 4 == 1 || i / 4 == 3 || i / 4 == 7;
        if (faults[i % 4] == FAULT_CAS_TIMEOUT && !is_transaction)
            continue;
        struct fake_db *db = fake_db_new();
        struct host host;
        struct host *const one[] = {&host};
        struct created deleted;
        up_with_orders(&host, db);
        fake_db_fault(db, steps[i / 4], faults[i % 4], 1);
        host_delete(&host, "orders", host.topic.topic_id, &deleted);
        host_run(&host, 90 * SECOND_US);
        if (!deleted.done || deleted.error != 0)
            fail_msg("%s: %d %s", steps[i / 4], deleted.error, deleted.text);
        expect_nothing_left(db, "orders");
        create(one, 1, &host, "orders");
        fake_db_execute_late(db);
        host_run(&host, 5 * SECOND_US);
        assert_true(fake_db_text_is(db, "SELECT state FROM sluice.sluice_topics", "live"));
        assert_int_equal(host.topic.state, TOPIC_LIVE);
        host_kill(&host);
        fake_db_free(db);
    }
}

static void another_gateway_finishes_what_a_dead_one_began(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host first, second;
    struct host *const both[] = {&first, &second};
    struct host *const rest[] = {&second};
    struct created deleted;
    two_up(&first, &second, db);
    host_delete(&first, "orders", first.topic.topic_id, &deleted);
    hosts_run(both, 2, 5 * SECOND_US);
    assert_false(deleted.done);
    host_kill(&first);
    hosts_run(rest, 1, 90 * SECOND_US);
    expect_nothing_left(db, "orders");
    assert_int_equal(second.topics_gone, 1);
    host_kill(&second);
    fake_db_free(db);
}

static void a_drop_that_is_refused_is_tried_again_and_the_topic_stays_away(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct created deleted;
    up_with_orders(&host, db);
    fake_db_fault(db, "DROP TABLE", FAULT_INVALID, 2);
    host_delete(&host, "orders", host.topic.topic_id, &deleted);
    host_run(&host, 40 * SECOND_US);
    assert_false(deleted.done);
    assert_int_equal(host.topic.state, TOPIC_DELETING);
    assert_int_equal(fake_net_logged(&host.net, "topic could not be deleted"), 2);
    host_run(&host, 40 * SECOND_US);
    assert_true(deleted.done && deleted.error == 0);
    expect_nothing_left(db, "orders");
    host_kill(&host);
    fake_db_free(db);
}

static void a_table_that_is_somebody_elses_stays(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct created deleted;
    up_with_orders(&host, db);
    (void)fake_db_run(db, "UPDATE system_schema.tables SET id = "
                          "00000000-0000-1000-8000-000000000009 WHERE table_name = 'orders'");
    host_delete(&host, "orders", host.topic.topic_id, &deleted);
    host_run(&host, 5 * SECOND_US);
    assert_true(deleted.done && deleted.error == 0);
    assert_int_equal(fake_db_count(db, "DROP TABLE"), 0);
    assert_int_equal(fake_net_logged(&host.net, "a table is not the topic's and stays"), 1);
    host_kill(&host);
    fake_db_free(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_topic_goes_with_its_table_and_its_index),
        cmocka_unit_test(a_gateway_stops_before_anything_is_dropped),
        cmocka_unit_test(a_topic_that_comes_back_has_another_id_and_another_table),
        cmocka_unit_test(a_row_that_comes_late_does_not_bring_the_old_id_back),
        cmocka_unit_test(a_late_drop_does_not_hit_the_successors_table),
        cmocka_unit_test(another_topic_does_not_get_a_dropped_tables_name_either),
        cmocka_unit_test(a_name_that_is_dropped_while_a_table_is_made_is_given_up),
        cmocka_unit_test(with_other_members_a_lease_passes_before_the_table_is_dropped),
        cmocka_unit_test(a_name_returns_only_when_all_is_gone),
        cmocka_unit_test(two_gateways_delete_one_topic_together),
        cmocka_unit_test(the_old_topic_is_not_mistaken_for_the_new_one),
        cmocka_unit_test(a_crash_at_any_step_is_finished_by_the_next_process),
        cmocka_unit_test(a_deletion_survives_every_kind_of_loss),
        cmocka_unit_test(another_gateway_finishes_what_a_dead_one_began),
        cmocka_unit_test(a_drop_that_is_refused_is_tried_again_and_the_topic_stays_away),
        cmocka_unit_test(a_table_that_is_somebody_elses_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
