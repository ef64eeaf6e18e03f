/* Nodes that do not keep to the protocol: what the requests under way there come to. */
#include "tests/support/cluster_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* One request that is answered so, on a cluster of two; it must be done all the same, by the other
 * node or over another connection. Returns the number of connections that were opened. */
static unsigned expect_executed_again(struct fake_answer answer, const char *said,
                                      int64_t within_us)
{
    struct world world;
    struct sent sent = {0};
    world_up(&world, 2);
    fake_node_answer(world.nodes[0], CQL_QUERY, answer);
    fake_node_answer(world.nodes[1], CQL_QUERY, answer);
    world_send(&world, &sent, "insert");
    world_run(&world, within_us);
    assert_true(sent.done);
    assert_int_equal(sent.outcome, CLUSTER_DONE);
    assert_true(sent.touched); /* nobody knows what the first one did */
    if (said != NULL)
        assert_true(fake_net_logged(&world.net, said) >= 1);
    unsigned connects = world.nodes[0]->connects + world.nodes[1]->connects;
    world_deinit(&world);
    return connects;
}

static void an_answer_on_another_stream_costs_the_connection_and_leaves_doubt(void **state)
{
    (void)state;
    assert_true(expect_executed_again((struct fake_answer){.stream_shift = 7},
                                      "where nothing was asked", 5 * SECOND_US) > 2);
    assert_true(expect_executed_again((struct fake_answer){.stream_shift = -32000},
                                      "where only events come", 5 * SECOND_US) > 2);
}

static void bytes_that_are_no_protocol_cost_the_connection_and_leave_doubt(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *said;
        size_t len;
    } cases[] = {
        {"HTTP/1.1 400 Bad Request", "no CQL response", 24},
        {"\x04\0\0\1\x08\0\0\0\0", "no CQL response", 9},
        {"\x85\0\0\1\x08\0\0\0\0", "changed from protocol v4 to v5", 9},
        {"\x84\0\0\1\x55\0\0\0\0", "opcode 0x55", 9},
        {"\x84\0\0\1\x08\x7f\xff\xff\xff", "the limit is", 9},
        {"\x84\1\0\1\x08\0\0\0\5\0\0\0\0\0", "compressed frame", 14},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_true(expect_executed_again(
                        (struct fake_answer){
                            .raw = slice_make((const uint8_t *)cases[i].bytes, cases[i].len)},
                        cases[i].said, 5 * SECOND_US) > 2);
}

static void half_a_frame_and_then_silence_is_given_up_like_silence(void **state)
{
    (void)state;
    (void)expect_executed_again(
        (struct fake_answer){.raw = SLICE_LITERAL("\x84\0\0\1\x08\0\0\0\x40\0")}, NULL,
        60 * SECOND_US);
}

static void a_result_that_is_an_answer_to_something_else_costs_the_connection(void **state)
{
    (void)state;
    assert_true(
        expect_executed_again((struct fake_answer){.opcode = CQL_READY, .body = SLICE_LITERAL("")},
                              "READY in answer to QUERY", 5 * SECOND_US) > 2);
}

static void every_kind_of_write_that_timed_out_is_doubt_and_executed_again(void **state)
{
    static const char *const types[] = {"SIMPLE",    "BATCH", "UNLOGGED_BATCH", "COUNTER",
                                        "BATCH_LOG", "CAS",   "VIEW",           "CDC",
                                        "TELEPATHY", ""};
    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        (void)expect_executed_again(
            (struct fake_answer){.error = CQL_ERROR_WRITE_TIMEOUT, .write_type = types[i]}, NULL,
            5 * SECOND_US);
        (void)expect_executed_again(
            (struct fake_answer){.error = CQL_ERROR_WRITE_FAILURE, .write_type = types[i]}, NULL,
            5 * SECOND_US);
    }
}

/* ScyllaDB's error of its own, whose number it tells in SUPPORTED. */
static void a_rate_limit_is_waited_out(void **state)
{
    (void)state;
    (void)expect_executed_again((struct fake_answer){.error = 0xF000}, NULL, 5 * SECOND_US);
}

static void an_error_that_is_cut_short_costs_the_connection(void **state)
{
    (void)state;
    assert_true(expect_executed_again(
                    (struct fake_answer){.raw = SLICE_LITERAL("\x84\0\0\1\0\0\0\0\3\0\0\x11")},
                    "ERROR", 5 * SECOND_US) > 2);
}

static void an_old_node_is_named_as_what_it_is_and_never_used(void **state)
{
    (void)state;
    struct world world;
    struct sent sent = {0};
    world_init(&world, &alloc_heap, 1);
    /* As a node of 2.1 answers v4: in its own version. */
    fake_node_answer_times(
        world.nodes[0], CQL_OPTIONS, 100,
        (struct fake_answer){.raw = SLICE_LITERAL("\x83\0\0\0\0\0\0\0\x26\0\0\0\x0a\0\x20"
                                                  "Invalid or unsupported protocol!")});
    assert_true(world_start(&world));
    world_send(&world, &sent, "insert");
    world_run(&world, 5 * SECOND_US);
    assert_false(sent.done);
    assert_int_equal(sent.request.first_sent_us, 0);
    assert_true(fake_net_logged(&world.net, "node speaks protocol v3; v4 is needed (Cassandra 3.0 "
                                            "or newer, ScyllaDB)") >= 1);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_on_another_stream_costs_the_connection_and_leaves_doubt),
        cmocka_unit_test(bytes_that_are_no_protocol_cost_the_connection_and_leave_doubt),
        cmocka_unit_test(half_a_frame_and_then_silence_is_given_up_like_silence),
        cmocka_unit_test(a_result_that_is_an_answer_to_something_else_costs_the_connection),
        cmocka_unit_test(every_kind_of_write_that_timed_out_is_doubt_and_executed_again),
        cmocka_unit_test(a_rate_limit_is_waited_out),
        cmocka_unit_test(an_error_that_is_cut_short_costs_the_connection),
        cmocka_unit_test(an_old_node_is_named_as_what_it_is_and_never_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
