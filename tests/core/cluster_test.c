#include "tests/support/cluster_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/support/failing_alloc.h"

/* --- one request --- */

static void a_request_is_executed_and_done(void **state)
{
    (void)state;
    struct world world;
    struct sent sent = {0};
    world_up(&world, 1);
    world_send(&world, &sent, "insert");
    assert_false(sent.done);
    assert_true(sent.request.first_sent_us > 0);
    world_run(&world, 10 * MS_US);
    assert_true(sent.done);
    assert_int_equal(sent.outcome, CLUSTER_DONE);
    assert_false(sent.touched);
    assert_int_equal(sent.request.attempts, 1);
    world_deinit(&world);
}

static void requests_wait_for_the_first_node(void **state)
{
    (void)state;
    struct world world;
    struct sent sent = {0};
    world_init(&world, &alloc_heap, 1);
    world.nodes[0]->refuses = true;
    assert_true(world_start(&world));
    world_send(&world, &sent, "insert");
    world_run(&world, 30 * SECOND_US);
    assert_false(sent.done);
    assert_int_equal(sent.request.first_sent_us, 0);
    assert_false(cluster_is_up(world.cluster));
    world.nodes[0]->refuses = false;
    world_run(&world, 11 * SECOND_US);
    assert_true(sent.done);
    assert_int_equal(sent.outcome, CLUSTER_DONE);
    world_deinit(&world);
}

static void replies_are_delivered_in_the_order_of_their_arrival(void **state)
{
    (void)state;
    struct world world;
    struct sent sent[3] = {0};
    world_up(&world, 1);
    fake_node_answer(world.nodes[0], CQL_QUERY, (struct fake_answer){.delay_us = 30 * MS_US});
    fake_node_answer(world.nodes[0], CQL_QUERY, (struct fake_answer){.delay_us = 10 * MS_US});
    fake_node_answer(world.nodes[0], CQL_QUERY, (struct fake_answer){.delay_us = 20 * MS_US});
    for (int i = 0; i < 3; i++)
        world_send(&world, &sent[i], "insert");
    world_run(&world, 100 * MS_US);
    assert_int_equal(sent[0].order, 3);
    assert_int_equal(sent[1].order, 1);
    assert_int_equal(sent[2].order, 2);
    world_deinit(&world);
}

/* Every error that is scripted once, on a lone node. */
static void expect_retried(int32_t code, const char *message, bool touched)
{
    struct world world;
    struct sent sent = {0};
    world_up(&world, 1);
    fake_node_answer(
        world.nodes[0], CQL_QUERY,
        (struct fake_answer){.error = code, .server_error = code == 0, .message = message});
    world_send(&world, &sent, "insert");
    world_run(&world, 10 * SECOND_US);
    assert_true(sent.done);
    assert_int_equal(sent.outcome, CLUSTER_DONE);
    assert_int_equal(sent.touched, touched);
    assert_int_equal(sent.request.attempts, 2);
    assert_int_equal(world.nodes[0]->log_count, 2);
    assert_true(slice_equal(world.nodes[0]->log[0].body, world.nodes[0]->log[1].body));
    assert_true(world.nodes[0]->log[1].at_us - world.nodes[0]->log[0].at_us >= 25 * MS_US);
    world_deinit(&world);
}

static void unavailable_and_bootstrapping_leave_untouched_and_are_retried(void **state)
{
    (void)state;
    expect_retried(CQL_ERROR_UNAVAILABLE, NULL, false);
    expect_retried(CQL_ERROR_BOOTSTRAPPING, NULL, false);
}

static void overload_leaves_untouched_only_when_it_was_refused_at_the_door(void **state)
{
    (void)state;
    expect_retried(CQL_ERROR_OVERLOADED, "Request breached limit on bytes in flight. (Using ...)",
                   false);
    expect_retried(CQL_ERROR_OVERLOADED, "Request breached global limit of 50 requests/second. ...",
                   false);
    expect_retried(CQL_ERROR_OVERLOADED, "Too many in flight hints: 1024", true);
    expect_retried(CQL_ERROR_OVERLOADED, "Server is shutting down", true);
}

static void doubtful_errors_touch_and_are_retried(void **state)
{
    (void)state;
    expect_retried(CQL_ERROR_SERVER, NULL, true);
    expect_retried(CQL_ERROR_WRITE_TIMEOUT, NULL, true);
    expect_retried(CQL_ERROR_READ_TIMEOUT, NULL, true);
    expect_retried(CQL_ERROR_WRITE_FAILURE, NULL, true);
    expect_retried(CQL_ERROR_READ_FAILURE, NULL, true);
    expect_retried(CQL_ERROR_TRUNCATE, NULL, true);
    expect_retried(CQL_ERROR_CAS_WRITE_UNKNOWN, NULL, true);
    expect_retried(CQL_ERROR_CDC_WRITE_FAILURE, NULL, true);
    expect_retried(0x7777, NULL, true);
}

static void definite_refusals_end_the_request(void **state)
{
    static const int32_t codes[] = {CQL_ERROR_SYNTAX,         CQL_ERROR_UNAUTHORIZED,
                                    CQL_ERROR_INVALID,        CQL_ERROR_CONFIG,
                                    CQL_ERROR_ALREADY_EXISTS, CQL_ERROR_FUNCTION_FAILURE};
    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct world world;
        struct sent sent = {0};
        world_up(&world, 1);
        fake_node_answer(world.nodes[0], CQL_QUERY,
                         (struct fake_answer){.error = codes[i], .message = "no"});
        world_send(&world, &sent, "insert");
        world_run(&world, 100 * MS_US);
        assert_true(sent.done);
        assert_int_equal(sent.outcome, CLUSTER_REFUSED);
        assert_int_equal(sent.error, codes[i]);
        assert_string_equal(sent.message, "no");
        assert_false(sent.touched);
        world_deinit(&world);
    }
}

static void touched_sticks_when_the_next_attempt_is_refused(void **state)
{
    (void)state;
    struct world world;
    struct sent sent = {0};
    world_up(&world, 1);
    fake_node_answer(world.nodes[0], CQL_QUERY,
                     (struct fake_answer){.error = CQL_ERROR_WRITE_TIMEOUT});
    fake_node_answer(world.nodes[0], CQL_QUERY,
                     (struct fake_answer){.error = CQL_ERROR_UNAVAILABLE});
    fake_node_answer(world.nodes[0], CQL_QUERY, (struct fake_answer){.error = CQL_ERROR_INVALID});
    world_send(&world, &sent, "insert");
    world_run(&world, SECOND_US);
    assert_int_equal(sent.outcome, CLUSTER_REFUSED);
    assert_true(sent.touched);
    world_deinit(&world);
}

static void attempts_are_spaced_out_and_go_on_without_a_deadline(void **state)
{
    (void)state;
    struct world world;
    struct sent sent = {0};
    world_up(&world, 1);
    fake_node_answer_times(world.nodes[0], CQL_QUERY, 40,
                           (struct fake_answer){.error = CQL_ERROR_WRITE_TIMEOUT});
    world_send(&world, &sent, "insert");
    world_run(&world, 30 * SECOND_US);
    assert_false(sent.done);
    assert_in_range(fake_node_count(world.nodes[0], CQL_QUERY), 15, 35);
    struct fake_request *log = world.nodes[0]->log;
    int64_t first_us = log[1].at_us - log[0].at_us;
    int64_t later_us = log[12].at_us - log[11].at_us;
    assert_in_range(first_us, 25 * MS_US, 55 * MS_US);
    assert_in_range(later_us, SECOND_US, 2 * SECOND_US + 5 * MS_US);
    world_run(&world, 60 * SECOND_US);
    assert_int_equal(sent.outcome, CLUSTER_DONE);
    assert_true(sent.touched);
    world_deinit(&world);
}

static void a_deadline_ends_an_untouched_request_with_the_last_error(void **state)
{
    (void)state;
    struct world world;
    struct sent sent = {0};
    world_up(&world, 1);
    fake_node_answer_times(world.nodes[0], CQL_QUERY, 40,
                           (struct fake_answer){.error = CQL_ERROR_UNAVAILABLE});
    sent.request.deadline_us = world.net.now.boot_us + 3 * SECOND_US;
    world_send(&world, &sent, "insert");
    world_run(&world, 10 * SECOND_US);
    assert_int_equal(sent.outcome, CLUSTER_GAVE_UP);
    assert_int_equal(sent.error, CQL_ERROR_UNAVAILABLE);
    assert_false(sent.touched);
    assert_int_equal(sent.done_at_us, sent.request.deadline_us);
    world_deinit(&world);
}

static void a_deadline_in_flight_touches_and_the_late_answer_is_nobodys(void **state)
{
    (void)state;
    struct world world;
    struct sent sent = {0};
    struct sent next = {0};
    world_up(&world, 1);
    fake_node_answer(world.nodes[0], CQL_QUERY, (struct fake_answer){.delay_us = 2 * SECOND_US});
    sent.request.deadline_us = world.net.now.boot_us + SECOND_US;
    world_send(&world, &sent, "insert");
    world_run(&world, 1500 * MS_US);
    assert_int_equal(sent.outcome, CLUSTER_GAVE_UP);
    assert_int_equal(sent.error, -1);
    assert_true(sent.touched);
    world_send(&world, &next, "insert");
    world_run(&world, 10 * SECOND_US);
    assert_int_equal(next.outcome, CLUSTER_DONE);
    assert_int_equal(world.done_count, 2);
    assert_true(cluster_is_up(world.cluster));
    world_deinit(&world);
}

static void a_deadline_without_a_node_leaves_untouched(void **state)
{
    (void)state;
    struct world world;
    struct sent sent = {0};
    world_init(&world, &alloc_heap, 1);
    world.nodes[0]->refuses = true;
    assert_true(world_start(&world));
    sent.request.deadline_us = world.net.now.boot_us + SECOND_US;
    world_send(&world, &sent, "insert");
    world_run(&world, 2 * SECOND_US);
    assert_int_equal(sent.outcome, CLUSTER_GAVE_UP);
    assert_false(sent.touched);
    world_deinit(&world);
}

static void a_request_that_is_not_answered_is_executed_again_after_the_time_out(void **state)
{
    (void)state;
    struct world world;
    struct sent sent = {0};
    world_up(&world, 1); /* nobody else can take it */
    fake_node_answer(world.nodes[0], CQL_QUERY, (struct fake_answer){.silence = true});
    world_send(&world, &sent, "insert");
    world_run(&world, world.config.request_timeout_us - 10 * MS_US);
    assert_int_equal(sent.request.attempts, 1);
    world_run(&world, 2 * SECOND_US);
    assert_int_equal(sent.request.attempts, 2);
    assert_true(sent.touched);
    assert_int_equal(sent.outcome, CLUSTER_DONE);
    world_deinit(&world);
}

/* --- cancel and re-entrancy --- */

static void a_cancelled_request_is_never_done(void **state)
{
    (void)state;
    struct world world;
    struct sent in_flight = {0};
    struct sent backing_off = {0};
    struct sent never_sent = {0};
    world_up(&world, 1);
    fake_node_answer(world.nodes[0], CQL_QUERY,
                     (struct fake_answer){.error = CQL_ERROR_UNAVAILABLE});
    world_send(&world, &backing_off, "insert");
    world_run(&world, 5 * MS_US);
    world_send(&world, &in_flight, "insert");
    cluster_cancel(world.cluster, &in_flight.request);
    cluster_cancel(world.cluster, &in_flight.request); /* twice is harmless */
    cluster_cancel(world.cluster, &backing_off.request);
    cluster_cancel(world.cluster, &never_sent.request);
    world_run(&world, 5 * SECOND_US);
    assert_int_equal(world.done_count, 0);
    assert_int_equal(fake_node_count(world.nodes[0], CQL_QUERY), 2);
    assert_true(cluster_is_up(world.cluster));
    world_deinit(&world);
}

static void cancelling_makes_room_for_what_waits(void **state)
{
    (void)state;
    struct world world;
    static struct sent sent[40];
    memset(sent, 0, sizeof(sent));
    world_up(&world, 1);
    fake_node_answer_times(world.nodes[0], CQL_QUERY, 32, (struct fake_answer){.silence = true});
    for (int i = 0; i < 40; i++)
        world_send(&world, &sent[i], "insert");
    world_run(&world, 5 * MS_US);
    assert_int_equal(world.nodes[0]->log_count, 32);
    for (int i = 0; i < 32; i++)
        cluster_cancel(world.cluster, &sent[i].request);
    world_run(&world, 5 * MS_US);
    assert_int_equal(world.done_count, 8);
    world_deinit(&world);
}

static struct sent *to_cancel[3];
static struct sent *to_send;

static void cancel_others_and_send(struct sent *sent, struct moment now)
{
    (void)now;
    for (int i = 0; i < 3; i++)
        cluster_cancel(sent->world->cluster, &to_cancel[i]->request);
    world_send(sent->world, to_send, "from done");
    sent->then = NULL;
    world_send(sent->world, sent, "again"); /* the very request that has just been done */
}

static void done_may_cancel_and_send_what_it_likes(void **state)
{
    (void)state;
    struct world world;
    struct sent first = {.then = cancel_others_and_send};
    struct sent others[3] = {0};
    struct sent next = {0};
    world_up(&world, 1);
    to_send = &next;
    world_send(&world, &first, "insert");
    for (int i = 0; i < 3; i++) {
        to_cancel[i] = &others[i];
        world_send(&world, &others[i], "insert");
    }
    world_run(&world, SECOND_US);
    assert_false(others[0].done || others[1].done || others[2].done);
    assert_true(first.done && next.done);
    assert_int_equal(world.done_count, 3);
    world_deinit(&world);
}

static void send_again(struct sent *sent, struct moment now)
{
    (void)now;
    world_send(sent->world, sent, "insert");
}

static void a_deadline_that_has_passed_does_not_make_the_tick_turn_for_ever(void **state)
{
    (void)state;
    struct world world;
    struct sent sent = {.then = send_again};
    world_init(&world, &alloc_heap, 1);
    world.nodes[0]->refuses = true;
    assert_true(world_start(&world));
    sent.request.deadline_us = world.net.now.boot_us - 1;
    world_send(&world, &sent, "insert");
    assert_int_equal(world.done_count, 0);
    cluster_tick(world.cluster, world.net.now);
    assert_int_equal(world.done_count, 1);
    world_deinit(&world);
}

/* --- lost connections --- */

static void a_lost_nodes_requests_are_executed_again_on_another_with_the_same_bytes(void **state)
{
    (void)state;
    struct world world;
    struct sent sent[8] = {0};
    char text[32];
    world_up(&world, 2);
    world.nodes[0]->mute = true;
    for (int i = 0; i < 8; i++) {
        snprintf(text, sizeof(text), "insert %d", i);
        world_send(&world, &sent[i], text);
    }
    world_run(&world, 5 * MS_US);
    size_t taken = world.nodes[0]->log_count;
    assert_in_range(taken, 3, 5); /* about half went to each */
    fake_node_clear_log(world.nodes[1]);
    fake_node_set_down(world.nodes[0], true);
    world_run(&world, 5 * MS_US); /* at once: another node is ready */
    assert_int_equal(world.nodes[1]->log_count, taken);
    for (size_t i = 0; i < taken; i++)
        assert_true(slice_equal(world.nodes[0]->log[i].body, world.nodes[1]->log[i].body));
    unsigned touched = 0;
    for (int i = 0; i < 8; i++) {
        assert_int_equal(sent[i].outcome, CLUSTER_DONE);
        touched += sent[i].touched;
    }
    assert_int_equal(touched, taken);
    world_deinit(&world);
}

static void bytes_that_never_left_leave_untouched_when_the_node_is_lost(void **state)
{
    (void)state;
    struct world world;
    struct sent sent = {0};
    world_up(&world, 1);
    world.nodes[0]->unreadable = true;
    world_send(&world, &sent, "insert");
    world_run(&world, 5 * MS_US);
    fake_node_reset(world.nodes[0]);
    assert_false(sent.request.touched);
    world.nodes[0]->unreadable = false;
    world_run(&world, SECOND_US);
    assert_int_equal(sent.outcome, CLUSTER_DONE);
    assert_false(sent.touched);
    world_deinit(&world);
}

static void a_protocol_error_costs_the_connection_and_leaves_doubt(void **state)
{
    (void)state;
    struct world world;
    struct sent sent = {0};
    world_up(&world, 1);
    fake_node_answer(world.nodes[0], CQL_QUERY, (struct fake_answer){.error = CQL_ERROR_PROTOCOL});
    world_send(&world, &sent, "insert");
    world_run(&world, SECOND_US);
    assert_int_equal(world.nodes[0]->connects, 2);
    assert_int_equal(sent.outcome, CLUSTER_DONE);
    assert_true(sent.touched);
    world_deinit(&world);
}

static void a_second_answer_to_one_request_does_no_harm(void **state)
{
    (void)state;
    struct world world;
    struct sent sent[4] = {0};
    world_up(&world, 1);
    fake_node_answer(world.nodes[0], CQL_QUERY, (struct fake_answer){.copies = 2});
    for (int i = 0; i < 4; i++)
        world_send(&world, &sent[i], "insert");
    world_run(&world, 5 * SECOND_US);
    for (int i = 0; i < 4; i++)
        assert_int_equal(sent[i].outcome, CLUSTER_DONE);
    assert_int_equal(world.done_count, 4);
    world_deinit(&world);
}

static void too_many_requests_without_an_answer_close_the_connection(void **state)
{
    (void)state;
    struct world world;
    static struct sent sent[300];
    memset(sent, 0, sizeof(sent));
    world_up(&world, 1);
    fake_node_answer_times(world.nodes[0], CQL_QUERY, 300, (struct fake_answer){.silence = true});
    for (int i = 0; i < 300; i++) {
        sent[i].request.control = true;
        world_send(&world, &sent[i], "insert");
    }
    world_run(&world, 60 * SECOND_US);
    assert_int_equal(world.nodes[0]->connects, 2);
    assert_int_equal(world.done_count, 300);
    world_deinit(&world);
}

/* --- conditional requests --- */

static void expect_conditional(struct fake_answer answer, bool repeated)
{
    struct world world;
    struct sent sent = {0};
    world_up(&world, 2);
    fake_node_answer(world.nodes[0], CQL_QUERY, answer);
    fake_node_answer(world.nodes[1], CQL_QUERY, answer);
    sent.request.conditional = true;
    sent.request.control = true;
    sent.request.deadline_us = world.net.now.boot_us + 60 * SECOND_US;
    world_send(&world, &sent, "insert if not exists");
    world_run(&world, 61 * SECOND_US);
    assert_true(sent.done);
    if (repeated) {
        assert_int_equal(sent.outcome, CLUSTER_DONE);
        assert_false(sent.touched);
    } else {
        assert_int_equal(sent.outcome, CLUSTER_GAVE_UP);
        assert_true(sent.touched);
        assert_int_equal(world.nodes[0]->log_count + world.nodes[1]->log_count, 1);
        assert_int_equal(sent.error, answer.error == 0 ? -1 : answer.error);
    }
    world_deinit(&world);
}

static void a_conditional_request_is_not_repeated_when_in_doubt(void **state)
{
    (void)state;
    expect_conditional((struct fake_answer){.error = CQL_ERROR_WRITE_TIMEOUT, .write_type = "CAS"},
                       false);
    expect_conditional((struct fake_answer){.error = CQL_ERROR_OVERLOADED}, false);
    expect_conditional((struct fake_answer){.close = true}, false);
    expect_conditional((struct fake_answer){.silence = true}, false);
    expect_conditional((struct fake_answer){.error = CQL_ERROR_UNAVAILABLE,
                                            .consistency = CQL_CONSISTENCY_LOCAL_QUORUM},
                       false);
}

static void a_conditional_request_is_repeated_when_nothing_was_done(void **state)
{
    (void)state;
    expect_conditional((struct fake_answer){.error = CQL_ERROR_UNAVAILABLE,
                                            .consistency = CQL_CONSISTENCY_LOCAL_SERIAL},
                       true);
    expect_conditional((struct fake_answer){.error = CQL_ERROR_BOOTSTRAPPING}, true);
    expect_conditional((struct fake_answer){.error = CQL_ERROR_OVERLOADED,
                                            .message = "Request breached limit on bytes"},
                       true);
}

/* --- which node --- */

static void load_is_shared_by_all_nodes(void **state)
{
    (void)state;
    struct world world;
    static struct sent sent[90];
    memset(sent, 0, sizeof(sent));
    world_up(&world, 3);
    for (int i = 0; i < 3; i++)
        world.nodes[i]->mute = true;
    for (int i = 0; i < 90; i++)
        world_send(&world, &sent[i], "insert");
    world_run(&world, 5 * MS_US);
    for (int i = 0; i < 3; i++)
        assert_int_equal(world.nodes[i]->log_count, 30);
    world_deinit(&world);
}

static void a_request_that_failed_goes_to_another_node_even_when_that_is_busier(void **state)
{
    (void)state;
    struct world world;
    static struct sent sent[20];
    struct sent failed = {0};
    memset(sent, 0, sizeof(sent));
    world_up(&world, 2);
    fake_node_answer_times(world.nodes[1], CQL_QUERY, 20, (struct fake_answer){.silence = true});
    for (int i = 0; i < 20; i++)
        world_send(&world, &sent[i], "insert");
    world_run(&world, 5 * MS_US); /* node a has answered its half, node b has not */
    fake_node_clear_log(world.nodes[0]);
    fake_node_answer(world.nodes[0], CQL_QUERY,
                     (struct fake_answer){.error = CQL_ERROR_UNAVAILABLE});
    world_send(&world, &failed, "insert");
    world_run(&world, 60 * MS_US);
    assert_int_equal(failed.request.attempts, 2);
    assert_int_equal(world.nodes[0]->log_count, 1);
    world_deinit(&world);
}

/* --- out of memory --- */

static void every_allocation_may_fail_and_requests_still_end(void **state)
{
    (void)state;
    struct failing_alloc failing;
    failing_alloc_init(&failing);
    for (size_t n = 1; failing_alloc_next(&failing, n); n++) {
        struct world world;
        struct sent sent[4] = {0};
        size_t started = 0;
        world_init(&world, &failing.alloc, 2);
        world.config.request_timeout_us = SECOND_US;
        if (world_start(&world)) {
            fake_node_answer(world.nodes[0], CQL_QUERY, (struct fake_answer){.close = true});
            fake_node_answer(world.nodes[1], CQL_QUERY,
                             (struct fake_answer){.error = CQL_ERROR_OVERLOADED});
            world_run(&world, SECOND_US);
            for (int i = 0; i < 4; i++) {
                struct cql_body *body = world_body(&world, "insert");
                if (body == NULL)
                    continue;
                world_send_body(&world, &sent[i], body);
                started++;
            }
            world_run(&world, 60 * SECOND_US);
            assert_int_equal(world.done_count, started);
        }
        world_deinit(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_executed_and_done),
        cmocka_unit_test(requests_wait_for_the_first_node),
        cmocka_unit_test(replies_are_delivered_in_the_order_of_their_arrival),
        cmocka_unit_test(unavailable_and_bootstrapping_leave_untouched_and_are_retried),
        cmocka_unit_test(overload_leaves_untouched_only_when_it_was_refused_at_the_door),
        cmocka_unit_test(doubtful_errors_touch_and_are_retried),
        cmocka_unit_test(definite_refusals_end_the_request),
        cmocka_unit_test(touched_sticks_when_the_next_attempt_is_refused),
        cmocka_unit_test(attempts_are_spaced_out_and_go_on_without_a_deadline),
        cmocka_unit_test(a_deadline_ends_an_untouched_request_with_the_last_error),
        cmocka_unit_test(a_deadline_in_flight_touches_and_the_late_answer_is_nobodys),
        cmocka_unit_test(a_deadline_without_a_node_leaves_untouched),
        cmocka_unit_test(a_request_that_is_not_answered_is_executed_again_after_the_time_out),
        cmocka_unit_test(a_cancelled_request_is_never_done),
        cmocka_unit_test(cancelling_makes_room_for_what_waits),
        cmocka_unit_test(done_may_cancel_and_send_what_it_likes),
        cmocka_unit_test(a_deadline_that_has_passed_does_not_make_the_tick_turn_for_ever),
        cmocka_unit_test(a_lost_nodes_requests_are_executed_again_on_another_with_the_same_bytes),
        cmocka_unit_test(bytes_that_never_left_leave_untouched_when_the_node_is_lost),
        cmocka_unit_test(a_protocol_error_costs_the_connection_and_leaves_doubt),
        cmocka_unit_test(a_second_answer_to_one_request_does_no_harm),
        cmocka_unit_test(too_many_requests_without_an_answer_close_the_connection),
        cmocka_unit_test(a_conditional_request_is_not_repeated_when_in_doubt),
        cmocka_unit_test(a_conditional_request_is_repeated_when_nothing_was_done),
        cmocka_unit_test(load_is_shared_by_all_nodes),
        cmocka_unit_test(a_request_that_failed_goes_to_another_node_even_when_that_is_busier),
        cmocka_unit_test(every_allocation_may_fail_and_requests_still_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
