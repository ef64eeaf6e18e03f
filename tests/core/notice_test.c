/* Warnings and traces: what nodes say beside their answers. */
#include "tests/support/cluster_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "cql/frame.h"

/* A RESULT Void with warnings in front of it. */
struct warned {
    uint8_t body[512];
    size_t len;
};

static void warned_add(struct warned *warned, const char *text)
{
    size_t len = strlen(text);
    if (warned->len == 0)
        warned->len = 2;
    else
        warned->len -= 4; /* the result behind it */
    warned->body[1]++;
    warned->body[warned->len] = (uint8_t)(len >> 8);
    warned->body[warned->len + 1] = (uint8_t)len;
    memcpy(warned->body + warned->len + 2, text, len);
    warned->len += 2 + len;
    memcpy(warned->body + warned->len, "\0\0\0\1", 4);
    warned->len += 4;
}

static void send_and_be_warned(struct world *world, const struct warned *warned)
{
    struct sent sent = {0};
    fake_node_answer(world->nodes[0], CQL_QUERY,
                     (struct fake_answer){.opcode = CQL_RESULT,
                                          .flags = CQL_FLAG_WARNING,
                                          .body = {warned->body, warned->len}});
    world_send(world, &sent, "insert");
    world_run(world, 10 * MS_US);
    assert_int_equal(sent.outcome, CLUSTER_DONE);
}

static void a_warning_is_logged_once_a_minute_whatever_numbers_are_in_it(void **state)
{
    (void)state;
    struct world world;
    world_up(&world, 1);
    for (int i = 0; i < 100; i++) {
        struct warned warned = {0};
        char text[64];
        snprintf(text, sizeof(text), "Batch is of size %d", 6000 + i);
        warned_add(&warned, text);
        send_and_be_warned(&world, &warned);
    }
    assert_int_equal(fake_net_logged(&world.net, "cassandra node warns"), 1);
    assert_int_equal(fake_net_logged(&world.net, "cassandra node warns node=a:9042 times=1 "
                                                 "text=\"Batch is of size 6000\""),
                     1);
    world_run(&world, 60 * SECOND_US);
    struct warned again = {0};
    warned_add(&again, "Batch is of size 7000");
    send_and_be_warned(&world, &again);
    assert_int_equal(fake_net_logged(&world.net, "times=100 text=\"Batch is of size 7000\""), 1);
    world_deinit(&world);
}

static void several_warnings_of_one_answer_are_each_logged_and_cannot_break_a_line(void **state)
{
    (void)state;
    struct world world;
    struct warned warned = {0};
    world_up(&world, 1);
    warned_add(&warned, "first\nlevel=error");
    warned_add(&warned, "second");
    send_and_be_warned(&world, &warned);
    assert_int_equal(fake_net_logged(&world.net, "cassandra node warns"), 2);
    assert_int_equal(fake_net_logged(&world.net, "text=second"), 1);
    assert_int_equal(fake_net_logged(&world.net, "\nlevel=error"), 0);
    world_deinit(&world);
}

static void a_node_that_warns_of_ever_new_things_does_not_fill_the_log(void **state)
{
    (void)state;
    struct world world;
    world_up(&world, 1);
    for (char a = 'a'; a <= 'z'; a++)
        for (char b = 'a'; b <= 'e'; b++) {
            const char text[] = {a, b, '\0'};
            struct warned warned = {0};
            warned_add(&warned, text);
            send_and_be_warned(&world, &warned);
        }
    assert_int_equal(fake_net_logged(&world.net, "cassandra node warns"), 16);
    world_deinit(&world);
}

static unsigned traced_requests(const struct world *world)
{
    unsigned count = 0;
    for (size_t i = 0; i < world->nodes[0]->log_count; i++)
        count += (world->nodes[0]->log[i].flags & CQL_FLAG_TRACING) != 0;
    return count;
}

static void the_share_of_requests_that_is_asked_for_is_traced_and_logged(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, &alloc_heap, 1);
    world.config.trace_ppm = 100000;
    assert_true(world_start(&world));
    world_run(&world, 100 * MS_US);
    for (int i = 0; i < 1000; i++) {
        struct sent sent = {0};
        world_send(&world, &sent, "insert");
        world_run(&world, 10 * MS_US);
    }
    assert_in_range(traced_requests(&world), 50, 200);
    world.config.trace_ppm = 1000000;
    struct sent sent = {0};
    fake_node_answer(world.nodes[0], CQL_QUERY,
                     (struct fake_answer){.opcode = CQL_RESULT,
                                          .flags = CQL_FLAG_TRACING,
                                          .body = SLICE_LITERAL("\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c"
                                                                "\x0d\x0e\x0f\x10\0\0\0\1")});
    world_send(&world, &sent, "insert");
    world_run(&world, 10 * MS_US);
    assert_int_equal(sent.outcome, CLUSTER_DONE);
    assert_int_equal(fake_net_logged(&world.net, "request was traced node=a:9042 request=QUERY "
                                                 "answer=RESULT us=1000 "
                                                 "session=01020304-0506-0708-090a-0b0c0d0e0f10"),
                     1);
    world_deinit(&world);
}

static void nothing_is_traced_unless_it_is_asked_for(void **state)
{
    (void)state;
    struct world world;
    world_up(&world, 1);
    for (int i = 0; i < 100; i++) {
        struct sent sent = {0};
        world_send(&world, &sent, "insert");
        world_run(&world, 10 * MS_US);
    }
    assert_int_equal(traced_requests(&world), 0);
    world_deinit(&world);
}

static void a_custom_payload_that_nobody_knows_is_passed_over(void **state)
{
    (void)state;
    struct world world;
    struct sent sent = {0};
    world_up(&world, 1);
    fake_node_answer(
        world.nodes[0], CQL_QUERY,
        (struct fake_answer){.opcode = CQL_RESULT,
                             .flags = CQL_FLAG_PAYLOAD,
                             .body = SLICE_LITERAL("\0\2\0\1a\0\0\0\1x\0\1b\xff\xff\xff"
                                                   "\xff\0\0\0\1")});
    world_send(&world, &sent, "insert");
    world_run(&world, 10 * MS_US);
    assert_int_equal(sent.outcome, CLUSTER_DONE);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_warning_is_logged_once_a_minute_whatever_numbers_are_in_it),
        cmocka_unit_test(several_warnings_of_one_answer_are_each_logged_and_cannot_break_a_line),
        cmocka_unit_test(a_node_that_warns_of_ever_new_things_does_not_fill_the_log),
        cmocka_unit_test(the_share_of_requests_that_is_asked_for_is_traced_and_logged),
        cmocka_unit_test(nothing_is_traced_unless_it_is_asked_for),
        cmocka_unit_test(a_custom_payload_that_nobody_knows_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
