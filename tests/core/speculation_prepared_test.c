/* Speculative execution of statements that a node has forgotten. */
#include "tests/support/late_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A BATCH of one statement without values. */
static void send_prepared(struct plan *plan, const struct cluster_statement *statement)
{
    struct cql_body *body = world_body(&plan->world, "");
    uint8_t bytes[27] = {1, 0, 1, 1, 0, 16, [25] = CQL_CONSISTENCY_LOCAL_QUORUM};
    assert_int_equal(statement->id_len, 16);
    memcpy(bytes + 6, statement->id, 16);
    assert_int_equal(buf_append(&body->buf, slice_make(bytes, sizeof(bytes))), STATUS_OK);
    plan->sent.request.opcode = CQL_BATCH;
    plan->sent.request.has_token = true;
    world_send_body(&plan->world, &plan->sent, body);
}

static void on_prepared(void *context, struct cluster_statement *statement,
                        const struct cluster_reply *reply, struct moment now)
{
    (void)reply;
    (void)now;
    *(struct cluster_statement **)context = statement;
}

static struct cluster_statement *prepare(struct plan *plan)
{
    struct cluster_statement *statement = NULL;
    cluster_prepare(plan->world.cluster, "insert", NEVER_US, on_prepared, &statement,
                    plan->world.net.now);
    world_run(&plan->world, 50 * MS_US);
    assert_non_null(statement);
    return statement;
}

/* Both nodes forget the statement, and it is sent. */
static void send_forgotten(struct plan *plan)
{
    const struct cluster_statement *statement = prepare(plan);
    for (int i = 0; i < 2; i++) {
        fake_node_forget(plan->world.nodes[i]);
        fake_node_clear_log(plan->world.nodes[i]);
    }
    send_prepared(plan, statement);
}

/* Sent to one node, late there, and forgotten by the other, which takes its time to prepare it. */
static void send_where_the_other_has_forgotten(struct plan *plan, int64_t prepare_us)
{
    plan_up(plan, 2);
    const struct cluster_statement *statement = prepare(plan);
    plan->answers[0] = (struct fake_answer){.delay_us = DELAY_US + 50 * MS_US};
    plan->answers[1] = (struct fake_answer){.by_default = true};
    send_prepared(plan, statement);
    world_run(&plan->world, 5 * MS_US);
    assert_int_equal(plan->count, 1);
    struct fake_node *other = plan->world.nodes[plan->nodes[0] == plan->world.nodes[0]];
    fake_node_forget(other);
    fake_node_clear_log(other);
    fake_node_answer(other, CQL_PREPARE,
                     (struct fake_answer){.by_default = true, .delay_us = prepare_us});
    world_run(&plan->world, DELAY_US);
    assert_int_equal(plan->count, 2);
    assert_int_equal(fake_node_count(other, CQL_PREPARE), 1);
}

static void what_was_left_behind_is_not_prepared(void **state)
{
    (void)state;
    struct plan plan;
    plan_up(&plan, 2);
    plan.answers[0] = (struct fake_answer){.by_default = true, .delay_us = DELAY_US + 50 * MS_US};
    send_forgotten(&plan);
    world_run(&plan.world, DELAY_US + 10 * MS_US);
    assert_true(plan.sent.done);
    world_run(&plan.world, 100 * MS_US);
    assert_int_equal(fake_node_count(plan.nodes[0], CQL_PREPARE), 0);
    plan_end(&plan);
    assert_int_equal(plan.count, 3);
}

static void what_waits_to_be_prepared_has_no_copy_before_it_is_sent_again(void **state)
{
    (void)state;
    struct plan plan;
    plan_up(&plan, 2);
    plan.answers[0] = (struct fake_answer){.by_default = true};
    plan.answers[1] = (struct fake_answer){.delay_us = SECOND_US};
    for (int i = 0; i < 2; i++)
        fake_node_clear_log(plan.world.nodes[i]);
    const struct cluster_statement *statement = prepare(&plan);
    for (int i = 0; i < 2; i++) {
        fake_node_forget(plan.world.nodes[i]);
        fake_node_answer(plan.world.nodes[i], CQL_PREPARE,
                         (struct fake_answer){.by_default = true, .delay_us = 300 * MS_US});
    }
    send_prepared(&plan, statement);
    world_run(&plan.world, 290 * MS_US);
    assert_int_equal(plan.count, 1);
    world_run(&plan.world, 15 * MS_US);
    assert_int_equal(plan.count, 2);
    assert_ptr_equal(plan.nodes[0], plan.nodes[1]);
    world_run(&plan.world, DELAY_US);
    assert_int_equal(plan.count, 3);
    assert_ptr_not_equal(plan.nodes[1], plan.nodes[2]);
    world_run(&plan.world, 10 * MS_US);
    assert_true(plan.sent.done);
    plan_end(&plan);
}

static void a_statement_refused_while_a_copy_runs_does_not_refuse_the_request(void **state)
{
    (void)state;
    struct plan plan;
    plan_up(&plan, 2);
    plan.answers[0] = (struct fake_answer){.by_default = true, .delay_us = DELAY_US + 10 * MS_US};
    plan.answers[1] = (struct fake_answer){.delay_us = 25 * MS_US};
    send_forgotten(&plan);
    world_run(&plan.world, 5 * MS_US);
    fake_node_answer(plan.nodes[0], CQL_PREPARE, (struct fake_answer){.error = CQL_ERROR_INVALID});
    world_run(&plan.world, DELAY_US + 10 * MS_US);
    assert_int_equal(fake_node_count(plan.nodes[0], CQL_PREPARE), 1);
    assert_false(plan.sent.done);
    world_run(&plan.world, 20 * MS_US);
    assert_true(plan.sent.done);
    assert_int_equal(plan.sent.outcome, CLUSTER_DONE);
    plan_end(&plan);
}

static void a_copy_that_is_not_known_there_is_prepared_and_sent_again(void **state)
{
    (void)state;
    struct plan plan;
    send_where_the_other_has_forgotten(&plan, 10 * MS_US);
    world_run(&plan.world, 20 * MS_US);
    assert_int_equal(plan.count, 3);
    assert_true(plan.sent.done);
    assert_int_equal(plan.sent.outcome, CLUSTER_DONE);
    assert_int_equal(facts_of(&plan).copies_won, 1);
    plan_end(&plan);
}

static void a_copy_that_waits_to_be_prepared_ends_with_its_original(void **state)
{
    (void)state;
    struct plan plan;
    send_where_the_other_has_forgotten(&plan, 300 * MS_US);
    world_run(&plan.world, 50 * MS_US);
    assert_true(plan.sent.done);
    assert_int_equal(facts_of(&plan).copies_won, 0);
    world_run(&plan.world, SECOND_US);
    assert_int_equal(plan.count, 2);
    plan_end(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_left_behind_is_not_prepared),
        cmocka_unit_test(what_waits_to_be_prepared_has_no_copy_before_it_is_sent_again),
        cmocka_unit_test(a_statement_refused_while_a_copy_runs_does_not_refuse_the_request),
        cmocka_unit_test(a_copy_that_is_not_known_there_is_prepared_and_sent_again),
        cmocka_unit_test(a_copy_that_waits_to_be_prepared_ends_with_its_original),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
