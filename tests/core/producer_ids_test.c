#include "tests/support/control_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void ids_are_given_without_a_gap_while_the_database_answers(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    int64_t id;
    host_up(&host, db, "one");
    for (int64_t i = 0; i < 5000; i++) {
        assert_true(control_producer_id(host.control, &id, host.net.now));
        assert_int_equal(id, i);
        if (i % 400 == 0)
            host_run(&host, 10 * MS_US);
    }
    host_kill(&host);
    fake_db_free(db);
}

static void the_next_block_is_fetched_before_the_first_is_used_up(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    int64_t id;
    host_up(&host, db, "one");
    for (int i = 0; i < 500; i++)
        assert_true(control_producer_id(host.control, &id, host.net.now));
    host_run(&host, 10 * MS_US);
    fake_node_set_down(host.node, true);
    for (int i = 500; i < 2000; i++)
        assert_true(control_producer_id(host.control, &id, host.net.now));
    assert_false(control_producer_id(host.control, &id, host.net.now));
    fake_node_set_down(host.node, false);
    host_run(&host, 15 * SECOND_US);
    assert_true(control_producer_id(host.control, &id, host.net.now));
    host_kill(&host);
    fake_db_free(db);
}

static void a_restart_begins_a_new_block(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    int64_t id;
    host_up(&host, db, "one");
    assert_true(control_producer_id(host.control, &id, host.net.now));
    assert_int_equal(id, 0);
    host_kill(&host);
    host_up(&host, db, "one");
    assert_true(control_producer_id(host.control, &id, host.net.now));
    assert_int_equal(id, 1000);
    host_kill(&host);
    fake_db_free(db);
}

static void a_next_block_that_cannot_be_right_gives_no_ids_and_is_told(void **state)
{
    (void)state;
    static const int64_t blocks[] = {INT64_MAX, INT64_MAX / 1000, -2, INT64_MIN + 1};
    for (size_t i = 0; i < 4; i++) {
        struct fake_db *db = fake_db_new();
        struct host host;
        char text[160];
        int64_t id;
        host_up(&host, db, "one");
        (void)snprintf(text, sizeof(text),
                       "UPDATE sluice.sluice_producer_ids SET next_block = %lld WHERE name = "
                       "'producer_ids'",
                       (long long)blocks[i]);
        assert_int_equal(fake_db_run(db, text), 1);
        for (int n = 0; n < 1000; n++)
            assert_true(control_producer_id(host.control, &id, host.net.now));
        fake_db_forget_counts(db);
        host_run(&host, 5 * SECOND_US);
        assert_false(control_producer_id(host.control, &id, host.net.now));
        assert_int_equal(fake_net_logged(&host.net, "sluice_producer_ids cannot be right"), 1);
        assert_int_equal(fake_db_count(db, "next_block"), 1);
        host_kill(&host);
        fake_db_free(db);
    }
}

/* Two gateways, transactions lost and late at random places: no id is ever given twice. */
static void no_id_is_given_twice_whatever_gets_lost(void **state)
{
    (void)state;
    static bool given[200000];
    struct fake_db *db = fake_db_new();
    struct host hosts[2];
    struct host *const both[] = {&hosts[0], &hosts[1]};
    int64_t id;
    host_init(&hosts[0], db, "one");
    host_init(&hosts[1], db, "two");
    host_start(&hosts[0]);
    host_start(&hosts[1]);
    hosts_run(both, 2, 10 * SECOND_US);
    for (unsigned i = 0; i < 60; i++) {
        fake_db_fault(db, "SET next_block", (enum fake_fault)(i % 3), 1 + i % 2);
        for (int take = 0; take < 900; take++)
            for (int h = 0; h < 2; h++) {
                if (!control_producer_id(hosts[h].control, &id, hosts[h].net.now))
                    continue;
                assert_in_range(id, 0, 199999);
                assert_false(given[id]);
                given[id] = true;
            }
        hosts_run(both, 2, SECOND_US * (1 + i % 8));
        if (i % 3 == 0)
            fake_db_execute_late(db);
        fake_db_clear_faults(db);
    }
    host_kill(&hosts[0]);
    host_kill(&hosts[1]);
    fake_db_free(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_given_without_a_gap_while_the_database_answers),
        cmocka_unit_test(the_next_block_is_fetched_before_the_first_is_used_up),
        cmocka_unit_test(a_restart_begins_a_new_block),
        cmocka_unit_test(a_next_block_that_cannot_be_right_gives_no_ids_and_is_told),
        cmocka_unit_test(no_id_is_given_twice_whatever_gets_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
