#include "tests/sim/lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define SECOND_US INT64_C(1000000)
#define TABLE     "CREATE TABLE k.t (p int, c bigint, s blob static, v blob, n int, PRIMARY KEY (p, c))"

static struct lab *up(unsigned nodes, uint64_t seed)
{
    struct lab *lab = lab_new(&(struct database_config){.nodes = nodes}, seed);
    database_run(lab->db, TABLE);
    return lab;
}

#define expect(lab, node, text, answer)                                                            \
    _assert_string_equal(lab_ask((lab), (node), (text)), (answer), __FILE__, __LINE__)

static void a_written_row_is_read_back_through_another_node(void **state)
{
    struct lab *lab = up(3, 1);
    (void)state;
    expect(lab, 0, "INSERT INTO k.t (p, c, v) VALUES (1, 2, 0xcafe)", "void");
    expect(lab, 1, "SELECT p, c, v, n FROM k.t WHERE p = 1", "1 2 0xcafe null");
    lab_free(lab);
}

static void a_transaction_applies_once_and_shows_the_row_to_the_loser(void **state)
{
    struct lab *lab = up(3, 2);
    (void)state;
    expect(lab, 0, "INSERT INTO k.t (p, c, n) VALUES (1, 1, 7) IF NOT EXISTS", "true");
    expect(lab, 1, "INSERT INTO k.t (p, c, n) VALUES (1, 1, 8) IF NOT EXISTS",
           "false 1 1 null 7 null");
    expect(lab, 2, "UPDATE k.t SET n = 9 WHERE p = 1 AND c = 1 IF n = 8", "false 7");
    expect(lab, 2, "UPDATE k.t SET n = 9 WHERE p = 1 AND c = 1 IF n = 7", "true");
    expect(lab, 2, "UPDATE k.t SET n = 9 WHERE p = 1 AND c = 2 IF n = 7", "false");
    lab->consistency = CQL_CONSISTENCY_SERIAL;
    expect(lab, 0, "SELECT n FROM k.t WHERE p = 1", "9");
    lab_free(lab);
}

static void a_plain_write_stamped_in_the_future_beats_a_transaction_that_says_applied(void **state)
{
    struct lab *lab = up(3, 3);
    char text[200];
    (void)state;
    (void)snprintf(text, sizeof(text),
                   "INSERT INTO k.t (p, c, n) VALUES (1, 1, 7) USING TIMESTAMP %lld",
                   (long long)(lab->now_us + 10 * SECOND_US));
    expect(lab, 0, text, "void");
    expect(lab, 1, "UPDATE k.t SET n = 9 WHERE p = 1 AND c = 1 IF n = 7", "true");
    expect(lab, 2, "SELECT n FROM k.t WHERE p = 1", "7");
    lab_free(lab);
}

static void a_table_does_not_exist_on_other_nodes_right_after_create(void **state)
{
    struct lab *lab = up(3, 4);
    (void)state;
    expect(lab, 0, "CREATE TABLE k.fresh (a int PRIMARY KEY, b int)", "changed");
    expect(lab, 1, "SELECT b FROM k.fresh WHERE a = 1", "error 2200 table fresh does not exist");
    lab_run(lab, SECOND_US);
    expect(lab, 1, "SELECT b FROM k.fresh WHERE a = 1", "none");
    expect(lab, 2, "CREATE TABLE IF NOT EXISTS k.fresh (a int PRIMARY KEY, b int)", "void");
    lab_free(lab);
}

static void a_node_that_was_dead_gets_what_it_missed_by_hint(void **state)
{
    struct lab *lab = up(3, 5);
    (void)state;
    database_kill(lab->db, 2);
    expect(lab, 0, "INSERT INTO k.t (p, c, n) VALUES (1, 1, 7)", "void");
    lab_run(lab, 3 * SECOND_US);
    database_start(lab->db, 2, SECOND_US);
    lab_run(lab, 5 * SECOND_US);
    assert_int_equal(2, database_each(lab->db, "k", "t", 1, NULL, NULL) +
                            database_each(lab->db, "k", "t", 2, NULL, NULL) +
                            database_each(lab->db, "k", "t", 4, NULL, NULL));
    lab_run(lab, 20 * SECOND_US);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(1, database_each(lab->db, "k", "t", 1u << i, NULL, NULL));
    lab_free(lab);
}

static void one_of_three_replicas_is_not_a_quorum(void **state)
{
    struct lab *lab = up(3, 6);
    (void)state;
    database_kill(lab->db, 1);
    database_kill(lab->db, 2);
    expect(lab, 0, "INSERT INTO k.t (p, c, n) VALUES (1, 1, 7)", "write timeout SIMPLE 1/2");
    expect(lab, 0, "INSERT INTO k.t (p, c, n) VALUES (1, 1, 7) IF NOT EXISTS",
           "write timeout CAS 1/2");
    lab_run(lab, 20 * SECOND_US);
    expect(lab, 0, "INSERT INTO k.t (p, c, n) VALUES (1, 1, 7)", "unavailable 1/2");
    lab_free(lab);
}

static void a_quorum_write_is_on_every_pair_of_copies_after_a_read(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct lab *lab = up(5, seed);
        database_set_fault(lab->db, DATABASE_MESSAGE_LOST, 200000);
        database_set_fault(lab->db, DATABASE_HINT_NEVER, 1000000);
        bool written =
            strcmp(lab_ask(lab, 0, "INSERT INTO k.t (p, c, n) VALUES (1, 1, 7)"), "void") == 0;
        for (database_copies pair = 0; pair < 7; pair++)
            if (written && __builtin_popcount(pair) == 2)
                assert_int_equal(1, database_each(lab->db, "k", "t", pair, NULL, NULL));
        lab_free(lab);
    }
}

static void a_read_repairs_what_it_returns_before_it_answers(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct lab *lab = up(3, seed);
        database_kill(lab->db, 1);
        database_kill(lab->db, 2);
        lab->consistency = CQL_CONSISTENCY_ONE;
        database_set_fault(lab->db, DATABASE_HINT_NEVER, 1000000);
        expect(lab, 0, "INSERT INTO k.t (p, c, n) VALUES (1, 1, 7)", "void");
        lab_run(lab, 5 * SECOND_US);
        database_heal(lab->db, SECOND_US);
        lab_run(lab, 30 * SECOND_US);
        lab->consistency = CQL_CONSISTENCY_QUORUM;
        bool seen = strcmp(lab_ask(lab, 1, "SELECT n FROM k.t WHERE p = 1"), "7") == 0;
        unsigned copies = 0;
        for (unsigned i = 0; i < 3; i++)
            copies += (unsigned)database_each(lab->db, "k", "t", 1u << i, NULL, NULL);
        assert_int_equal(seen ? 2 : 1, copies);
        lab_free(lab);
    }
}

static void a_read_does_not_repair_beyond_its_limit(void **state)
{
    struct lab *lab = up(3, 8);
    (void)state;
    database_kill(lab->db, 1);
    database_kill(lab->db, 2);
    lab->consistency = CQL_CONSISTENCY_ONE;
    database_set_fault(lab->db, DATABASE_HINT_NEVER, 1000000);
    expect(lab, 0, "INSERT INTO k.t (p, c, n) VALUES (1, 1, 7)", "void");
    expect(lab, 0, "INSERT INTO k.t (p, c, n) VALUES (1, 2, 7)", "void");
    lab_run(lab, 5 * SECOND_US);
    database_heal(lab->db, SECOND_US);
    lab_run(lab, 30 * SECOND_US);
    lab->consistency = CQL_CONSISTENCY_ALL;
    expect(lab, 1, "SELECT c FROM k.t WHERE p = 1 ORDER BY c DESC LIMIT 1", "2");
    for (unsigned i = 0; i < 3; i++)
        assert_in_range(database_each(lab->db, "k", "t", 1u << i, NULL, NULL), 1, 2);
    assert_int_equal(4, database_each(lab->db, "k", "t", 1, NULL, NULL) +
                            database_each(lab->db, "k", "t", 2, NULL, NULL) +
                            database_each(lab->db, "k", "t", 4, NULL, NULL));
    lab_free(lab);
}

static size_t copies_after_kill(bool periodic)
{
    struct lab *lab =
        lab_new(&(struct database_config){.nodes = 1, .commitlog_periodic = periodic}, 1);
    database_run(lab->db, TABLE);
    lab_run(lab, 10 * SECOND_US + 40000);
    expect(lab, 0, "INSERT INTO k.t (p, c, n) VALUES (1, 1, 7)", "void");
    lab_run(lab, SECOND_US);
    expect(lab, 0, "INSERT INTO k.t (p, c, n) VALUES (1, 2, 8)", "void");
    expect(lab, 0, "UPDATE k.t SET n = 9 WHERE p = 1 AND c = 1", "void");
    expect(lab, 0, "DELETE FROM k.t WHERE p = 1 AND c < 1", "void");
    database_kill(lab->db, 0);
    database_start(lab->db, 0, SECOND_US);
    lab_run(lab, 2 * SECOND_US);
    size_t rows = database_each(lab->db, "k", "t", DATABASE_ALL_COPIES, NULL, NULL);
    expect(lab, 0, "SELECT n FROM k.t WHERE p = 1 AND c = 1", periodic ? "7" : "9");
    lab_free(lab);
    return rows;
}

static void a_kill_loses_the_unsynced_tail_of_a_periodic_commit_log_only(void **state)
{
    (void)state;
    assert_int_equal(1, copies_after_kill(true));
    assert_int_equal(2, copies_after_kill(false));
}

static void a_delete_that_was_purged_covers_late_rows_no_more(void **state)
{
    struct lab *lab = up(1, 9);
    (void)state;
    expect(lab, 0, "DELETE FROM k.t USING TIMESTAMP 100 WHERE p = 1", "void");
    lab_run(lab, 864000 * SECOND_US / 2);
    database_compact(lab->db, 0);
    expect(lab, 0, "INSERT INTO k.t (p, c, n) VALUES (1, 1, 7) USING TIMESTAMP 100", "void");
    expect(lab, 0, "SELECT n FROM k.t WHERE p = 1", "none");
    lab_run(lab, 864000 * SECOND_US);
    database_compact(lab->db, 0);
    expect(lab, 0, "INSERT INTO k.t (p, c, n) VALUES (1, 1, 7) USING TIMESTAMP 100", "void");
    expect(lab, 0, "SELECT n FROM k.t WHERE p = 1", "7");
    lab_free(lab);
}

/* `act` comes between a statement's PREPARE and its EXECUTE. */
static void expect_unprepared_after(void (*act)(struct database *database, unsigned node))
{
    struct lab *lab = up(1, 10);
    struct lab_client *client = lab_connect(lab, 0);
    lab_begin(client, "INSERT INTO k.t (p, c) VALUES (?, ?) <- 1, 2");
    act(lab->db, 0);
    assert_memory_equal("error 2500", lab_wait(client, SECOND_US), 10);
    lab_begin(client, "INSERT INTO k.t (p, c) VALUES (?, ?) <- 1, 2");
    assert_string_equal("void", lab_wait(client, SECOND_US));
    lab_free(lab);
}

static void an_evicted_statement_is_unprepared_and_works_when_prepared_again(void **state)
{
    (void)state;
    expect_unprepared_after(database_evict);
}

static void a_node_with_another_rule_for_ids_does_not_know_the_old_ones(void **state)
{
    (void)state;
    expect_unprepared_after(database_change_ids);
}

static void a_row_is_gone_with_its_table_and_statements_are_unprepared(void **state)
{
    struct lab *lab = up(1, 11);
    struct lab_client *client = lab_connect(lab, 0);
    (void)state;
    lab_begin(client, "INSERT INTO k.t (p, c) VALUES (?, ?) <- 1, 2");
    assert_string_equal("void", lab_wait(client, SECOND_US));
    expect(lab, 0, "DROP TABLE k.t", "changed");
    expect(lab, 0, "SELECT c FROM k.t WHERE p = 1", "error 2200 table t does not exist");
    expect(lab, 0, TABLE, "changed");
    expect(lab, 0, "SELECT c FROM k.t WHERE p = 1", "none");
    lab_free(lab);
}

static void an_altered_time_to_live_counts_from_then_on(void **state)
{
    struct lab *lab = up(1, 12);
    struct lab_client *client = lab_connect(lab, 0);
    (void)state;
    lab_begin(client, "INSERT INTO k.t (p, c, n) VALUES (?, ?, ?) <- 1, 1, 7");
    assert_string_equal("void", lab_wait(client, SECOND_US));
    expect(lab, 0,
           "ALTER TABLE k.t WITH default_time_to_live = 5 AND compaction = {'class': "
           "'TimeWindowCompactionStrategy', 'compaction_window_size': '1'}",
           "changed");
    expect(lab, 0, "INSERT INTO k.t (p, c, n) VALUES (1, 2, 7)", "void");
    expect(lab, 0, "SELECT c FROM k.t WHERE p = 1", "1 | 2");
    lab_run(lab, 6 * SECOND_US);
    expect(lab, 0, "SELECT c FROM k.t WHERE p = 1", "1");
    expect(lab, 0,
           "SELECT default_time_to_live FROM system_schema.tables WHERE keyspace_name = 'k' AND "
           "table_name = 't'",
           "5");
    lab_free(lab);
}

static void a_table_shows_the_compression_that_it_was_given(void **state)
{
    static const char *const compression =
        "SELECT compression FROM system_schema.tables WHERE keyspace_name = 'k' AND table_name = 't'";
    struct lab *lab = up(1, 14);
    (void)state;
    expect(lab, 0, compression, "{class: org.apache.cassandra.io.compress.LZ4Compressor}");
    expect(lab, 0, "ALTER TABLE k.t WITH compression = {'class': 'ZstdCompressor'}", "changed");
    expect(lab, 0, "ALTER TABLE k.t WITH default_time_to_live = 5", "changed");
    expect(lab, 0, compression, "{class: org.apache.cassandra.io.compress.ZstdCompressor}");
    expect(lab, 0, "ALTER TABLE k.t WITH compression = {'enabled': 'false'}", "changed");
    expect(lab, 0, compression, "{enabled: false}");
    lab_free(lab);
}

static void a_replica_without_the_table_does_not_acknowledge(void **state)
{
    struct lab *lab = up(3, 13);
    (void)state;
    database_set_fault(lab->db, DATABASE_SCHEMA_SLOW, 1000000);
    expect(lab, 0, "CREATE TABLE k.fresh (a int PRIMARY KEY, b int)", "changed");
    expect(lab, 0, "INSERT INTO k.fresh (a, b) VALUES (1, 1)", "write timeout SIMPLE 1/2");
    lab_run(lab, 60 * SECOND_US);
    expect(lab, 0, "INSERT INTO k.fresh (a, b) VALUES (1, 1)", "void");
    lab_free(lab);
}

/* --- everything at once --- */

static void set_all_faults(struct lab *lab, uint32_t ppm)
{
    for (unsigned fault = 0; fault < DATABASE_FAULT_COUNT; fault++)
        database_set_fault(lab->db, (enum database_fault)fault, ppm);
    database_set_fault(lab->db, DATABASE_READ_REPAIR_SKIPPED, 0);
}

static void heal(struct lab *lab)
{
    set_all_faults(lab, 0);
    database_heal(lab->db, SECOND_US);
    lab_run(lab, 60 * SECOND_US);
}

struct register_run {
    unsigned applied, unknown, refused;
};

/* One attempt to move the counter on from what a serial read shows. */
static void move_on(struct lab *lab, unsigned node, struct register_run *run)
{
    char text[200];
    lab->consistency = CQL_CONSISTENCY_SERIAL;
    const char *answer = lab_ask(lab, node, "SELECT n FROM k.t WHERE p = 1 AND c = 1");
    char *end;
    long value = strtol(answer, &end, 10);
    lab->consistency = CQL_CONSISTENCY_QUORUM;
    if (*end != '\0' || end == answer)
        return;
    (void)snprintf(text, sizeof(text), "UPDATE k.t SET n = %ld WHERE p = 1 AND c = 1 IF n = %ld",
                   value + 1, value);
    answer = lab_ask(lab, node, text);
    if (strcmp(answer, "true") == 0)
        run->applied++;
    else if (strncmp(answer, "false", 5) == 0)
        run->refused++;
    else
        run->unknown++;
}

static void transactions_apply_once_or_not_at_all_whatever_happens(void **state)
{
    struct register_run all = {0, 0, 0};
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct lab *lab = up(3, seed);
        struct register_run run = {0, 0, 0};
        database_run(lab->db, "INSERT INTO k.t (p, c, n) VALUES (1, 1, 0) USING TIMESTAMP 1");
        set_all_faults(lab, 20000);
        for (unsigned i = 0; i < 40; i++) {
            move_on(lab, i % 3, &run);
            if (i % 13 == 5)
                database_kill(lab->db, i % 3);
            if (i % 13 == 9)
                database_heal(lab->db, SECOND_US);
        }
        heal(lab);
        lab->consistency = CQL_CONSISTENCY_SERIAL;
        long value = strtol(lab_ask(lab, 0, "SELECT n FROM k.t WHERE p = 1 AND c = 1"), NULL, 10);
        assert_in_range(value, run.applied, run.applied + run.unknown);
        all.applied += run.applied;
        all.unknown += run.unknown;
        lab_free(lab);
    }
    assert_true(all.applied > 200 && all.unknown > 50); /* else nothing was tried */
}

static void what_was_acknowledged_is_on_every_pair_whatever_happens(void **state)
{
    unsigned acknowledged = 0, doubtful = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct lab *lab = up(3, 100 + seed);
        set_all_faults(lab, 10000);
        for (unsigned i = 0; i < 60; i++) {
            char text[200];
            uint8_t key[4] = {0, 0, 0, 1};
            (void)snprintf(text, sizeof(text), "INSERT INTO k.t (p, c, n) VALUES (1, %u, 7)", i);
            bool done = strcmp(lab_ask(lab, i % 3, text), "void") == 0;
            acknowledged += done;
            doubtful += !done;
            for (database_copies pair = 0; pair < 7 && done; pair++)
                if (__builtin_popcount(pair) == 2)
                    assert_int_equal(1, database_each_in(lab->db, "k", "t", slice_make(key, 4), i,
                                                         i, pair, NULL, NULL));
            if (i % 17 == 5)
                database_pause(lab->db, i % 3);
            if (i % 17 == 9)
                database_heal(lab->db, SECOND_US);
        }
        lab_free(lab);
    }
    assert_true(acknowledged > 500 && doubtful > 100);
}

static void every_kind_of_fault_happens_when_it_may(void **state)
{
    uint64_t fired[DATABASE_FAULT_COUNT] = {0};
    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct lab *lab = up(3, 300 + seed);
        set_all_faults(lab, 50000);
        database_set_fault(lab->db, DATABASE_READ_REPAIR_SKIPPED, 50000);
        for (unsigned i = 0; i < 60; i++) {
            (void)lab_ask(lab, i % 3, "INSERT INTO k.t (p, c, n) VALUES (1, 1, 1)");
            (void)lab_ask(lab, i % 3, "UPDATE k.t SET n = 2 WHERE p = 1 AND c = 1 IF n = 1");
            (void)lab_ask(lab, i % 3, "SELECT n FROM k.t WHERE p = 1");
            (void)lab_ask(lab, i % 3, "DROP TABLE IF EXISTS k.other");
            (void)lab_ask(lab, i % 3, "CREATE TABLE IF NOT EXISTS k.other (a int PRIMARY KEY)");
        }
        for (unsigned i = 0; i < DATABASE_FAULT_COUNT; i++)
            fired[i] += database_get_counts(lab->db)->fired[i];
        lab_free(lab);
    }
    for (unsigned i = 0; i < DATABASE_FAULT_COUNT; i++)
        if (fired[i] == 0)
            fail_msg("%s never fired", database_fault_name((enum database_fault)i));
}

static void the_same_seed_gives_the_same_run(void **state)
{
    uint64_t requests[2], repairs[2], answers[2];
    (void)state;
    for (unsigned turn = 0; turn < 2; turn++) {
        struct lab *lab = up(3, 77);
        set_all_faults(lab, 20000);
        for (unsigned i = 0; i < 50; i++) {
            (void)lab_ask(lab, i % 3, "UPDATE k.t SET n = 1 WHERE p = 1 AND c = 1");
            (void)lab_ask(lab, i % 3, "SELECT n FROM k.t WHERE p = 1");
        }
        const struct database_counts *counts = database_get_counts(lab->db);
        requests[turn] = counts->requests;
        repairs[turn] = counts->repairs;
        answers[turn] = counts->answers + lab->events;
        lab_free(lab);
    }
    assert_int_equal(requests[0], requests[1]);
    assert_int_equal(repairs[0], repairs[1]);
    assert_int_equal(answers[0], answers[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_written_row_is_read_back_through_another_node),
        cmocka_unit_test(a_transaction_applies_once_and_shows_the_row_to_the_loser),
        cmocka_unit_test(a_plain_write_stamped_in_the_future_beats_a_transaction_that_says_applied),
        cmocka_unit_test(a_table_does_not_exist_on_other_nodes_right_after_create),
        cmocka_unit_test(a_node_that_was_dead_gets_what_it_missed_by_hint),
        cmocka_unit_test(one_of_three_replicas_is_not_a_quorum),
        cmocka_unit_test(a_quorum_write_is_on_every_pair_of_copies_after_a_read),
        cmocka_unit_test(a_read_repairs_what_it_returns_before_it_answers),
        cmocka_unit_test(a_read_does_not_repair_beyond_its_limit),
        cmocka_unit_test(a_kill_loses_the_unsynced_tail_of_a_periodic_commit_log_only),
        cmocka_unit_test(a_delete_that_was_purged_covers_late_rows_no_more),
        cmocka_unit_test(an_evicted_statement_is_unprepared_and_works_when_prepared_again),
        cmocka_unit_test(a_node_with_another_rule_for_ids_does_not_know_the_old_ones),
        cmocka_unit_test(a_row_is_gone_with_its_table_and_statements_are_unprepared),
        cmocka_unit_test(an_altered_time_to_live_counts_from_then_on),
        cmocka_unit_test(a_table_shows_the_compression_that_it_was_given),
        cmocka_unit_test(a_replica_without_the_table_does_not_acknowledge),
        cmocka_unit_test(transactions_apply_once_or_not_at_all_whatever_happens),
        cmocka_unit_test(what_was_acknowledged_is_on_every_pair_whatever_happens),
        cmocka_unit_test(every_kind_of_fault_happens_when_it_may),
        cmocka_unit_test(the_same_seed_gives_the_same_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
