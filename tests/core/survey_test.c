/* `sluice check`: the boot of serve, as far as it only reads. */
#include "tests/support/control_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/support/failing_alloc.h"

static void survey(struct host *host, struct fake_db *db)
{
    fake_db_forget_counts(db);
    host_init(host, db, "one");
    host->surveys = true;
    host_start(host);
    host_run(host, 60 * SECOND_US); /* long enough for whatever would go on behind its back */
}

static void expect_nothing_written(const struct fake_db *db)
{
    static const char *const verbs[] = {"CREATE", "INSERT", "UPDATE", "DELETE",
                                        "ALTER",  "DROP",   "BEGIN",  "TRUNCATE"};
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        assert_int_equal(fake_db_count(db, verbs[i]), 0);
}

static void a_survey_of_an_empty_cluster_says_what_would_be_made(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    survey(&host, db);
    assert_int_equal(host.surveyed, 1);
    assert_false(host.survey.has_keyspace);
    assert_int_equal(host.survey.copies, 1);
    assert_int_equal(host.survey.home_nodes, 1);
    assert_string_equal(host.survey_home, "datacenter1");
    assert_string_equal(host.survey_missing, "");
    expect_nothing_written(db);
    host_kill(&host);
    fake_db_free(db);
}

static void a_survey_names_the_tables_that_would_be_made(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    (void)fake_db_run(db, "CREATE KEYSPACE IF NOT EXISTS sluice WITH replication = {'class': "
                          "'NetworkTopologyStrategy', 'datacenter1': '1'}");
    survey(&host, db);
    assert_int_equal(host.surveyed, 1);
    assert_true(host.survey.has_keyspace);
    assert_non_null(strstr(host.survey_missing, "sluice_cluster, sluice_members"));
    expect_nothing_written(db);
    host_kill(&host);
    fake_db_free(db);
}

static void a_survey_beside_a_running_gateway_reads_its_topics_and_touches_nothing(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host running, host;
    struct created created, half_made;
    host_up(&running, db, "other");
    host_create(&running, "orders", 3, &created);
    host_create(&running, "half", 1, &half_made);
    host_run(&running, 5 * SECOND_US);
    assert_int_equal(created.error, 0);
    assert_int_equal(half_made.error, 0);
    host_kill(&running);
    /* what a gateway that starts would finish */
    (void)fake_db_run(db, "UPDATE sluice.sluice_topics SET state = 'deleting' WHERE topic = "
                          "'orders'");
    (void)fake_db_run(db, "UPDATE sluice.sluice_topics SET state = 'creating' WHERE topic = "
                          "'half'");
    survey(&host, db);
    assert_int_equal(host.topic.state, TOPIC_DELETING);
    assert_int_equal(host.surveyed, 1);
    assert_true(host.survey.has_cluster_row);
    assert_string_equal(host.survey_missing, "");
    assert_int_equal(host.topics, 1);
    assert_int_equal(host.topic.partitions, 3);
    assert_false(host.ready);
    expect_nothing_written(db);
    host_kill(&host);
    fake_db_free(db);
}

static void a_survey_refuses_what_serve_refuses(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_up(&host, db, "one");
    host_kill(&host);
    fake_db_forget_counts(db);
    host_init(&host, db, "one");
    host.surveys = true;
    host.config.consistency = CQL_CONSISTENCY_QUORUM;
    host_start(&host);
    host_run(&host, SECOND_US);
    assert_int_equal(host.fatal_code, 78);
    assert_int_equal(host.surveyed, 0);
    expect_nothing_written(db);
    host_kill(&host);
    fake_db_free(db);
}

static void memory_may_run_out_during_a_survey(void **state)
{
    (void)state;
    struct failing_alloc failing;
    failing_alloc_init(&failing);
    for (size_t n = 1; failing_alloc_next(&failing, n); n++) {
        struct fake_db *db = fake_db_new();
        struct host host;
        host_init(&host, db, "one");
        host.surveys = true;
        host.config.alloc = &failing.alloc;
        if (host_try_start(&host)) {
            host_run(&host, 20 * SECOND_US);
            assert_int_equal(host.surveyed, 1);
        }
        host_kill(&host);
        fake_db_free(db);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_survey_of_an_empty_cluster_says_what_would_be_made),
        cmocka_unit_test(a_survey_names_the_tables_that_would_be_made),
        cmocka_unit_test(a_survey_beside_a_running_gateway_reads_its_topics_and_touches_nothing),
        cmocka_unit_test(a_survey_refuses_what_serve_refuses),
        cmocka_unit_test(memory_may_run_out_during_a_survey),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
