/* A request that is late is executed on a second node as well. */
#include "tests/support/failing_alloc.h"
#include "tests/support/late_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void a_request_without_an_answer_is_executed_on_another_node_after_the_delay(void **state)
{
    (void)state;
    struct plan plan;
    plan_up(&plan, 2);
    plan.answers[0] = (struct fake_answer){.delay_us = 2 * SECOND_US};
    plan_send(&plan);
    world_run(&plan.world, DELAY_US - MS_US);
    assert_int_equal(plan.count, 1);
    world_run(&plan.world, 5 * MS_US);
    assert_int_equal(plan.count, 2);
    assert_ptr_not_equal(plan.nodes[0], plan.nodes[1]);
    assert_int_equal(plan.at_us[1] - plan.at_us[0], DELAY_US);
    assert_true(plan.sent.done);
    assert_int_equal(plan.sent.outcome, CLUSTER_DONE);
    assert_true(plan.sent.touched); /* the first one is still to be executed */
    assert_int_equal(facts_of(&plan).copies, 1);
    assert_int_equal(facts_of(&plan).copies_won, 1);
    plan_end(&plan);
    assert_int_equal(plan.world.done_count, 2); /* the late answer told nobody anything */
}

static void the_first_node_may_answer_first_all_the_same(void **state)
{
    (void)state;
    struct plan plan;
    plan_up(&plan, 2);
    plan.answers[0] = (struct fake_answer){.delay_us = DELAY_US + 50 * MS_US};
    plan.answers[1] = (struct fake_answer){.delay_us = 500 * MS_US};
    plan_send(&plan);
    world_run(&plan.world, DELAY_US + 52 * MS_US);
    assert_int_equal(plan.count, 2);
    assert_true(plan.sent.done);
    assert_int_equal(plan.sent.outcome, CLUSTER_DONE);
    assert_int_equal(facts_of(&plan).copies, 1);
    assert_int_equal(facts_of(&plan).copies_won, 0);
    plan_end(&plan);
    assert_int_equal(plan.world.done_count, 2);
}

static void an_answer_in_time_makes_no_copy(void **state)
{
    (void)state;
    struct plan plan;
    plan_up(&plan, 2);
    plan.answers[0] = (struct fake_answer){.delay_us = DELAY_US - 2 * MS_US};
    plan_send(&plan);
    world_run(&plan.world, SECOND_US);
    assert_true(plan.sent.done);
    assert_false(plan.sent.touched);
    assert_int_equal(plan.count, 1);
    plan_end(&plan);
}

static void without_the_setting_nothing_is_executed_twice(void **state)
{
    (void)state;
    struct plan plan;
    plan_up(&plan, 2);
    plan.world.config.speculative_delay_us = 0;
    plan.answers[0] = (struct fake_answer){.delay_us = 2 * SECOND_US};
    plan_send(&plan);
    world_run(&plan.world, 2100 * MS_US);
    assert_true(plan.sent.done);
    assert_false(plan.sent.touched);
    assert_int_equal(plan.count, 1);
    plan_end(&plan);
}

static void a_copy_that_fails_is_not_told_while_the_first_runs(void **state)
{
    (void)state;
    static const int32_t errors[] = {CQL_ERROR_INVALID, CQL_ERROR_UNAVAILABLE,
                                     CQL_ERROR_WRITE_TIMEOUT, CQL_ERROR_OVERLOADED};
    for (size_t i = 0; i < 4; i++) {
        struct plan plan;
        plan_up(&plan, 2);
        plan.answers[0] = (struct fake_answer){.delay_us = 2 * SECOND_US};
        plan.answers[1] = (struct fake_answer){.error = errors[i]};
        plan_send(&plan);
        world_run(&plan.world, 1900 * MS_US);
        assert_int_equal(plan.count, 2);
        assert_false(plan.sent.done);
        world_run(&plan.world, 200 * MS_US);
        assert_true(plan.sent.done);
        assert_int_equal(plan.sent.outcome, CLUSTER_DONE);
        assert_int_equal(plan.sent.touched, i >= 2); /* the copy's outcome is unknown then */
        plan_end(&plan);
    }
}

static void the_first_may_be_refused_while_its_copy_succeeds(void **state)
{
    (void)state;
    struct plan plan;
    plan_up(&plan, 2);
    plan.answers[0] =
        (struct fake_answer){.error = CQL_ERROR_INVALID, .delay_us = DELAY_US + 10 * MS_US};
    plan.answers[1] = (struct fake_answer){.delay_us = 20 * MS_US};
    plan_send(&plan);
    world_run(&plan.world, DELAY_US + 15 * MS_US);
    assert_int_equal(plan.count, 2);
    assert_false(plan.sent.done);
    world_run(&plan.world, 10 * MS_US);
    assert_true(plan.sent.done);
    assert_int_equal(plan.sent.outcome, CLUSTER_DONE);
    plan_end(&plan);
    assert_int_equal(plan.count, 3); /* the two, and plan_end's */
}

static void a_first_that_times_out_backs_off_and_its_copy_ends_it(void **state)
{
    (void)state;
    struct plan plan;
    plan_up(&plan, 2);
    plan.answers[0] =
        (struct fake_answer){.error = CQL_ERROR_WRITE_TIMEOUT, .delay_us = DELAY_US + 2 * MS_US};
    plan.answers[1] = (struct fake_answer){.delay_us = 10 * MS_US};
    plan_send(&plan);
    world_run(&plan.world, DELAY_US + 5 * MS_US);
    assert_false(plan.sent.done);
    world_run(&plan.world, 10 * MS_US);
    assert_true(plan.sent.done);
    assert_int_equal(plan.sent.outcome, CLUSTER_DONE);
    assert_true(plan.sent.touched);
    plan_end(&plan);
    assert_int_equal(plan.count, 3);
}

static void refused_by_both_is_refused_and_no_doubt(void **state)
{
    (void)state;
    struct plan plan;
    plan_up(&plan, 2);
    plan.answers[0] =
        (struct fake_answer){.error = CQL_ERROR_INVALID, .delay_us = DELAY_US + 20 * MS_US};
    plan.answers[1] = (struct fake_answer){.error = CQL_ERROR_INVALID};
    plan_send(&plan);
    world_run(&plan.world, SECOND_US);
    assert_int_equal(plan.count, 2);
    assert_true(plan.sent.done);
    assert_int_equal(plan.sent.outcome, CLUSTER_REFUSED);
    assert_int_equal(plan.sent.error, CQL_ERROR_INVALID);
    assert_false(plan.sent.touched);
    plan_end(&plan);
}

static void refused_by_one_and_unknown_of_the_other_is_doubt(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct plan plan;
        plan_up(&plan, 3);
        plan.answers[0] =
            (struct fake_answer){.error = CQL_ERROR_INVALID, .delay_us = DELAY_US + 20 * MS_US};
        plan.answers[1] = (struct fake_answer){.error = CQL_ERROR_WRITE_TIMEOUT,
                                               .delay_us = late ? 30 * MS_US : 10 * MS_US};
        for (int i = 2; i < 8; i++)
            plan.answers[i] = (struct fake_answer){.error = CQL_ERROR_INVALID};
        plan_send(&plan);
        world_run(&plan.world, SECOND_US);
        assert_true(plan.sent.done);
        assert_int_equal(plan.sent.outcome, CLUSTER_REFUSED);
        assert_true(plan.sent.touched);
        assert_int_equal(plan.count, late ? 3 : 2); /* it asks again rather than tell too early */
        plan_end(&plan);
    }
}

static void what_is_refused_again_while_its_copy_hangs_waits_for_it(void **state)
{
    (void)state;
    struct plan plan;
    plan_up(&plan, 3);
    plan.answers[0] =
        (struct fake_answer){.error = CQL_ERROR_INVALID, .delay_us = DELAY_US + 20 * MS_US};
    plan.answers[1] = (struct fake_answer){.delay_us = 300 * MS_US};
    for (int i = 2; i < 8; i++)
        plan.answers[i] = (struct fake_answer){.error = CQL_ERROR_INVALID};
    plan_send(&plan);
    world_run(&plan.world, DELAY_US + 290 * MS_US);
    assert_false(plan.sent.done);
    assert_in_range(plan.count, 3, 8);
    world_run(&plan.world, 20 * MS_US);
    assert_true(plan.sent.done);
    assert_int_equal(plan.sent.outcome, CLUSTER_DONE);
    plan_end(&plan);
}

static void a_deadline_ends_both_and_leaves_doubt(void **state)
{
    (void)state;
    struct plan plan;
    plan_up(&plan, 2);
    plan.answers[0] = (struct fake_answer){.delay_us = SECOND_US};
    plan.answers[1] = (struct fake_answer){.delay_us = SECOND_US};
    plan.sent.request.deadline_us = plan.world.net.now.boot_us + 300 * MS_US;
    plan_send(&plan);
    world_run(&plan.world, 301 * MS_US);
    assert_int_equal(plan.count, 2);
    assert_true(plan.sent.done);
    assert_int_equal(plan.sent.outcome, CLUSTER_GAVE_UP);
    assert_true(plan.sent.touched);
    plan_end(&plan);
    assert_int_equal(plan.world.done_count, 2);
}

static void a_deadline_while_only_the_copy_runs_leaves_doubt(void **state)
{
    (void)state;
    struct plan plan;
    plan_up(&plan, 2);
    plan.answers[0] =
        (struct fake_answer){.error = CQL_ERROR_UNAVAILABLE, .delay_us = DELAY_US + 2 * MS_US};
    plan.answers[1] = (struct fake_answer){.delay_us = SECOND_US};
    plan.sent.request.deadline_us = plan.world.net.now.boot_us + DELAY_US + 10 * MS_US;
    plan_send(&plan);
    world_run(&plan.world, DELAY_US + 12 * MS_US);
    assert_true(plan.sent.done);
    assert_int_equal(plan.sent.outcome, CLUSTER_GAVE_UP);
    assert_int_equal(plan.sent.error, CQL_ERROR_UNAVAILABLE);
    assert_true(plan.sent.touched);
    plan_end(&plan);
}

static void what_is_cancelled_is_answered_to_nobody(void **state)
{
    (void)state;
    struct plan plan;
    plan_up(&plan, 2);
    plan.answers[0] = (struct fake_answer){.delay_us = SECOND_US};
    plan.answers[1] = (struct fake_answer){.delay_us = SECOND_US};
    plan_send(&plan);
    world_run(&plan.world, DELAY_US + 10 * MS_US);
    assert_int_equal(plan.count, 2);
    cluster_cancel(plan.world.cluster, &plan.sent.request);
    plan_end(&plan);
    assert_false(plan.sent.done);
}

static void the_same_request_may_be_sent_again_while_an_answer_is_owed(void **state)
{
    (void)state;
    struct plan plan;
    plan_up(&plan, 2);
    plan.answers[0] = (struct fake_answer){.delay_us = 400 * MS_US};
    plan.answers[2] = (struct fake_answer){.delay_us = 400 * MS_US};
    plan_send(&plan);
    world_run(&plan.world, DELAY_US + 10 * MS_US);
    assert_true(plan.sent.done);
    plan_send(&plan);
    world_run(&plan.world, DELAY_US + 10 * MS_US);
    assert_true(plan.sent.done);
    assert_int_equal(plan.count, 4);
    assert_int_equal(facts_of(&plan).copies_won, 2);
    plan_end(&plan);
}

static void transactions_and_what_names_no_partition_have_no_copy(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct plan plan;
        struct sent sent = {0};
        plan_up(&plan, 2);
        sent.request.control = i > 0;
        sent.request.conditional = i == 1;
        sent.request.has_token = i == 1;
        for (int a = 0; a < 8; a++)
            plan.answers[a] = (struct fake_answer){.delay_us = 2 * SECOND_US};
        world_send(&plan.world, &sent, "create table");
        world_run(&plan.world, 1900 * MS_US);
        assert_int_equal(plan.count, 1);
        world_run(&plan.world, 200 * MS_US);
        assert_true(sent.done);
        assert_false(sent.touched);
        plan_end(&plan);
    }
}

static void a_read_of_the_log_has_a_copy_as_well(void **state)
{
    (void)state;
    struct plan plan;
    plan_up(&plan, 2);
    plan.sent.request.control = true;
    plan.answers[0] = (struct fake_answer){.delay_us = 2 * SECOND_US};
    plan_send(&plan);
    world_run(&plan.world, DELAY_US + 5 * MS_US);
    assert_true(plan.sent.done);
    plan_end(&plan);
}

static void a_request_has_one_copy_at_most(void **state)
{
    (void)state;
    struct plan plan;
    plan_up(&plan, 3);
    for (int i = 0; i < 8; i++)
        plan.answers[i] = (struct fake_answer){.delay_us = 2500 * MS_US};
    plan_send(&plan);
    world_run(&plan.world, 2400 * MS_US);
    assert_int_equal(plan.count, 2);
    world_run(&plan.world, 200 * MS_US);
    assert_true(plan.sent.done);
    plan_end(&plan);
}

static void one_node_alone_gets_no_copies(void **state)
{
    (void)state;
    struct plan plan;
    plan_up(&plan, 1);
    plan.answers[0] = (struct fake_answer){.delay_us = 2 * SECOND_US};
    plan_send(&plan);
    world_run(&plan.world, 2100 * MS_US);
    assert_true(plan.sent.done);
    assert_int_equal(plan.count, 1);
    plan_end(&plan);
}

static void a_copy_that_finds_no_node_is_sent_when_there_is_one(void **state)
{
    (void)state;
    struct plan plan;
    plan_up(&plan, 2);
    for (int i = 0; i < 8; i++)
        plan.answers[i] = (struct fake_answer){.delay_us = 2 * SECOND_US};
    plan_send(&plan);
    struct fake_node *other = plan.world.nodes[plan.nodes[0] == plan.world.nodes[0]];
    fake_node_set_down(other, true);
    world_run(&plan.world, DELAY_US + 50 * MS_US);
    assert_int_equal(plan.count, 1);
    plan.answers[1] = (struct fake_answer){0};
    fake_node_set_down(other, false);
    world_run(&plan.world, SECOND_US);
    assert_true(plan.sent.done);
    assert_int_equal(plan.count, 2);
    world_deinit(&plan.world);
}

static void a_copy_whose_connection_is_lost_leaves_the_first_alone(void **state)
{
    (void)state;
    struct plan plan;
    plan_up(&plan, 2);
    plan.answers[0] = (struct fake_answer){.delay_us = 400 * MS_US};
    plan.answers[1] = (struct fake_answer){.close = true};
    plan_send(&plan);
    world_run(&plan.world, 390 * MS_US);
    assert_int_equal(plan.count, 2);
    assert_false(plan.sent.done);
    world_run(&plan.world, 20 * MS_US);
    assert_true(plan.sent.done);
    assert_true(plan.sent.touched);
    world_deinit(&plan.world);
}

static void a_first_whose_connection_is_lost_leaves_its_copy_alone(void **state)
{
    (void)state;
    struct plan plan;
    plan_up(&plan, 2);
    plan.answers[0] = (struct fake_answer){.silence = true};
    plan.answers[1] = (struct fake_answer){.delay_us = 30 * MS_US};
    plan.answers[2] = (struct fake_answer){.delay_us = SECOND_US};
    plan_send(&plan);
    world_run(&plan.world, DELAY_US + 10 * MS_US);
    assert_int_equal(plan.count, 2);
    fake_node_reset(plan.nodes[0]);
    world_run(&plan.world, 30 * MS_US);
    assert_true(plan.sent.done);
    assert_int_equal(plan.sent.outcome, CLUSTER_DONE);
    world_deinit(&plan.world);
}

static void what_was_left_behind_ends_with_its_connection(void **state)
{
    (void)state;
    struct plan plan;
    plan_up(&plan, 2);
    plan.answers[0] = (struct fake_answer){.silence = true};
    plan_send(&plan);
    world_run(&plan.world, DELAY_US + 10 * MS_US);
    assert_true(plan.sent.done);
    fake_node_reset(plan.nodes[0]);
    world_run(&plan.world, 2 * SECOND_US);
    assert_int_equal(plan.count, 2); /* nobody executes it again */
    world_deinit(&plan.world);
}

static void what_was_left_behind_may_be_forgotten_or_refused(void **state)
{
    (void)state;
    static const int32_t errors[] = {CQL_ERROR_UNPREPARED, CQL_ERROR_INVALID,
                                     CQL_ERROR_WRITE_TIMEOUT, CQL_ERROR_UNAVAILABLE};
    for (size_t i = 0; i < 4; i++) {
        struct plan plan;
        plan_up(&plan, 2);
        plan.answers[0] =
            (struct fake_answer){.error = errors[i], .delay_us = DELAY_US + 50 * MS_US};
        plan_send(&plan);
        world_run(&plan.world, DELAY_US + 100 * MS_US);
        assert_true(plan.sent.done);
        plan_end(&plan);
        assert_int_equal(plan.count, 3);
        assert_int_equal(plan.world.done_count, 2);
    }
}

static void two_up(struct plan *plan, uint32_t window)
{
    world_init(&plan->world, &alloc_heap, 2);
    plan->world.config.speculative_delay_us = 20 * MS_US;
    plan->world.config.window_start = plan->world.config.window_max = window;
    assert_true(world_start(&plan->world));
    world_run(&plan->world, 100 * MS_US);
}

/* `sent` outlives the plan, and is zeroed. */
static void send_many(struct plan *plan, struct sent *sent, size_t count)
{
    memset(sent, 0, count * sizeof(*sent));
    for (size_t i = 0; i < count; i++) {
        sent[i].request.has_token = true;
        world_send(&plan->world, &sent[i], "insert");
    }
}

/* The node has it to do all the same. */
static void what_was_left_behind_keeps_its_place_in_the_window(void **state)
{
    (void)state;
    struct plan plan = {0};
    static struct sent sent[64];
    two_up(&plan, 8);
    plan.world.nodes[0]->mute = true;
    send_many(&plan, sent, 64);
    world_run(&plan.world, 400 * MS_US); /* it counts as slow from 500 ms on */
    assert_int_equal(plan.world.done_count, 64);
    assert_int_equal(plan.world.nodes[0]->log_count, 8);
    world_deinit(&plan.world);
}

static void many_late_answers_do_not_close_the_connection(void **state)
{
    (void)state;
    struct plan plan = {0};
    static struct sent sent[800];
    two_up(&plan, 1024);
    fake_node_answer_times(plan.world.nodes[0], CQL_QUERY, 800,
                           (struct fake_answer){.delay_us = 450 * MS_US});
    send_many(&plan, sent, 800);
    world_run(&plan.world, 300 * MS_US);
    assert_int_equal(plan.world.done_count, 800);
    assert_in_range(facts_of(&plan).copies_won, 300, 500);
    world_run(&plan.world, SECOND_US);
    assert_int_equal(plan.world.nodes[0]->connects, 1);
    assert_int_equal(plan.world.done_count, 800);
    world_deinit(&plan.world);
}

static void when_all_is_late_a_share_has_copies(void **state)
{
    (void)state;
    struct plan plan = {0};
    static struct sent sent[160];
    two_up(&plan, 1024);
    for (int n = 0; n < 2; n++)
        fake_node_answer_times(plan.world.nodes[n], CQL_QUERY, 400,
                               (struct fake_answer){.delay_us = 450 * MS_US});
    send_many(&plan, sent, 160);
    world_run(&plan.world, 440 * MS_US);
    size_t executed = plan.world.nodes[0]->log_count + plan.world.nodes[1]->log_count;
    assert_in_range(executed, 160 + 160 / 8, 160 + 160 / 6 + 4);
    world_run(&plan.world, 30 * MS_US);
    assert_int_equal(plan.world.done_count, 160);
    world_deinit(&plan.world);
}

static void a_cluster_may_go_while_copies_are_under_way_and_left_behind(void **state)
{
    (void)state;
    struct plan plan;
    struct sent other = {0};
    plan_up(&plan, 2);
    plan.answers[0] = plan.answers[2] = plan.answers[3] = (struct fake_answer){.silence = true};
    plan_send(&plan);
    world_run(&plan.world, DELAY_US + 10 * MS_US);
    assert_true(plan.sent.done);
    other.request.has_token = true;
    world_send(&plan.world, &other, "insert");
    world_run(&plan.world, DELAY_US + 10 * MS_US);
    assert_int_equal(plan.count, 4);
    world_deinit(&plan.world);
}

static void a_request_that_had_a_copy_gets_none_when_it_is_tried_again(void **state)
{
    (void)state;
    struct plan plan;
    plan_up(&plan, 2);
    plan.answers[0] =
        (struct fake_answer){.error = CQL_ERROR_WRITE_TIMEOUT, .delay_us = DELAY_US + 50 * MS_US};
    plan.answers[1] = (struct fake_answer){.error = CQL_ERROR_INVALID};
    plan.answers[2] = (struct fake_answer){.delay_us = 450 * MS_US};
    plan_send(&plan);
    world_run(&plan.world, SECOND_US);
    assert_true(plan.sent.done);
    assert_int_equal(plan.count, 3);
    plan_end(&plan);
}

static void copies_that_came_second_leave_room_for_others(void **state)
{
    (void)state;
    struct plan plan;
    plan_up(&plan, 2);
    for (int i = 0; i < 20; i++) {
        plan.count = 0;
        plan.answers[0] = (struct fake_answer){.delay_us = DELAY_US + 10 * MS_US};
        plan.answers[1] = (struct fake_answer){.delay_us = 20 * MS_US};
        plan_send(&plan);
        world_run(&plan.world, DELAY_US + 50 * MS_US);
        assert_true(plan.sent.done);
        assert_int_equal(plan.count, 2);
    }
    plan_end(&plan);
}

static void copy_and_end(struct plan *plan)
{
    world_run(&plan->world, SECOND_US);
    for (size_t i = 0; i < 2; i++) {
        plan->world.nodes[i]->handler = execute;
        plan->world.nodes[i]->context = plan;
    }
    plan->answers[0] = (struct fake_answer){.delay_us = SECOND_US};
    struct cql_body *body = world_body(&plan->world, "insert");
    if (body == NULL)
        return;
    plan->sent.request.has_token = true;
    world_send_body(&plan->world, &plan->sent, body);
    world_run(&plan->world, 3 * SECOND_US);
    assert_true(plan->sent.done);
    assert_int_equal(plan->sent.outcome, CLUSTER_DONE);
}

static void every_allocation_may_fail_around_a_copy(void **state)
{
    (void)state;
    struct failing_alloc failing;
    failing_alloc_init(&failing);
    for (size_t n = 1; failing_alloc_next(&failing, n); n++) {
        struct plan plan = {0};
        world_init(&plan.world, &failing.alloc, 2);
        plan.world.config.speculative_delay_us = DELAY_US;
        if (world_start(&plan.world))
            copy_and_end(&plan);
        world_deinit(&plan.world);
    }
    assert_in_range(failing.rounds, 20, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_without_an_answer_is_executed_on_another_node_after_the_delay),
        cmocka_unit_test(the_first_node_may_answer_first_all_the_same),
        cmocka_unit_test(an_answer_in_time_makes_no_copy),
        cmocka_unit_test(without_the_setting_nothing_is_executed_twice),
        cmocka_unit_test(a_copy_that_fails_is_not_told_while_the_first_runs),
        cmocka_unit_test(the_first_may_be_refused_while_its_copy_succeeds),
        cmocka_unit_test(a_first_that_times_out_backs_off_and_its_copy_ends_it),
        cmocka_unit_test(refused_by_both_is_refused_and_no_doubt),
        cmocka_unit_test(refused_by_one_and_unknown_of_the_other_is_doubt),
        cmocka_unit_test(what_is_refused_again_while_its_copy_hangs_waits_for_it),
        cmocka_unit_test(a_deadline_ends_both_and_leaves_doubt),
        cmocka_unit_test(a_deadline_while_only_the_copy_runs_leaves_doubt),
        cmocka_unit_test(what_is_cancelled_is_answered_to_nobody),
        cmocka_unit_test(the_same_request_may_be_sent_again_while_an_answer_is_owed),
        cmocka_unit_test(transactions_and_what_names_no_partition_have_no_copy),
        cmocka_unit_test(a_read_of_the_log_has_a_copy_as_well),
        cmocka_unit_test(a_request_has_one_copy_at_most),
        cmocka_unit_test(one_node_alone_gets_no_copies),
        cmocka_unit_test(a_copy_that_finds_no_node_is_sent_when_there_is_one),
        cmocka_unit_test(a_copy_whose_connection_is_lost_leaves_the_first_alone),
        cmocka_unit_test(a_first_whose_connection_is_lost_leaves_its_copy_alone),
        cmocka_unit_test(what_was_left_behind_ends_with_its_connection),
        cmocka_unit_test(what_was_left_behind_may_be_forgotten_or_refused),
        cmocka_unit_test(what_was_left_behind_keeps_its_place_in_the_window),
        cmocka_unit_test(many_late_answers_do_not_close_the_connection),
        cmocka_unit_test(when_all_is_late_a_share_has_copies),
        cmocka_unit_test(a_request_that_had_a_copy_gets_none_when_it_is_tried_again),
        cmocka_unit_test(copies_that_came_second_leave_room_for_others),
        cmocka_unit_test(every_allocation_may_fail_around_a_copy),
        cmocka_unit_test(a_cluster_may_go_while_copies_are_under_way_and_left_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
