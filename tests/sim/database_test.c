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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_written_row_is_read_back_through_another_node),
        cmocka_unit_test(a_transaction_applies_once_and_shows_the_row_to_the_loser),
        cmocka_unit_test(a_plain_write_stamped_in_the_future_beats_a_transaction_that_says_applied),
        cmocka_unit_test(a_table_does_not_exist_on_other_nodes_right_after_create),
        cmocka_unit_test(a_node_that_was_dead_gets_what_it_missed_by_hint),
        cmocka_unit_test(one_of_three_replicas_is_not_a_quorum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
