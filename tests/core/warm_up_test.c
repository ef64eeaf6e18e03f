/* A node that comes up: its statements first, a small window, and how many bytes it is given. */
#include "tests/support/cluster_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct cluster_statement *prepared_statement;

static void on_prepared(void *context, struct cluster_statement *statement,
                        const struct cluster_reply *reply, struct moment now)
{
    (void)context;
    (void)reply;
    (void)now;
    prepared_statement = statement;
}

static struct cluster_statement *prepare(struct world *world, const char *text)
{
    prepared_statement = NULL;
    cluster_prepare(world->cluster, text, NEVER_US, on_prepared, NULL, world->net.now);
    world_run(world, 50 * MS_US);
    assert_non_null(prepared_statement);
    return prepared_statement;
}

static void come_back(struct world *world, struct fake_node *node)
{
    fake_node_set_down(node, true);
    world_run(world, 200 * MS_US);
    fake_node_forget(node);
    fake_node_set_down(node, false);
    fake_node_clear_log(node);
}

static void send_data(struct world *world, struct sent *sent, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sent[i] = (struct sent){.request = {.opcode = CQL_QUERY}};
        world_send(world, &sent[i], "row");
    }
}

static void a_node_that_comes_back_is_given_our_statements_before_any_batch(void **state)
{
    (void)state;
    struct world world;
    world_up(&world, 2);
    (void)prepare(&world, "INSERT a");
    struct cluster_statement *dropped = prepare(&world, "INSERT dropped");
    (void)prepare(&world, "INSERT b");
    cluster_forget(world.cluster, dropped);
    come_back(&world, world.nodes[1]);
    world_run(&world, 15 * SECOND_US);
    assert_int_equal(fake_node_count(world.nodes[1], CQL_PREPARE), 2);
    assert_int_equal(world.nodes[1]->prepared_count, 2);
    world_deinit(&world);
}

static void until_they_are_there_other_nodes_are_preferred_and_a_lone_node_is_used(void **state)
{
    (void)state;
    struct world world;
    struct sent sent[20];
    world_up(&world, 2);
    (void)prepare(&world, "INSERT a");
    come_back(&world, world.nodes[1]);
    fake_node_answer(world.nodes[1], CQL_PREPARE, (struct fake_answer){.delay_us = 5 * SECOND_US});
    struct cluster_facts facts = {0};
    while (facts.ready_links < 2) {
        world_run(&world, 10 * MS_US);
        cluster_get_facts(world.cluster, &facts);
    }
    fake_node_clear_log(world.nodes[0]);
    send_data(&world, sent, 20);
    world_run(&world, 100 * MS_US);
    assert_int_equal(fake_node_count(world.nodes[0], CQL_QUERY), 20);
    fake_node_set_down(world.nodes[0], true);
    send_data(&world, sent, 1);
    world_run(&world, 100 * MS_US);
    assert_true(sent[0].done); /* cold, and all there is */
    world_deinit(&world);
}

static void a_statement_that_is_refused_at_warm_up_holds_nobody_up(void **state)
{
    (void)state;
    struct world world;
    struct sent sent[1];
    world_up(&world, 1);
    (void)prepare(&world, "INSERT a");
    come_back(&world, world.nodes[0]);
    fake_node_answer(
        world.nodes[0], CQL_PREPARE,
        (struct fake_answer){.error = CQL_ERROR_INVALID, .message = "table a does not exist"});
    send_data(&world, sent, 1);
    world_run(&world, 15 * SECOND_US);
    assert_true(sent[0].done);
    world_deinit(&world);
}

static void more_statements_than_fit_are_left_to_those_who_miss_them(void **state)
{
    (void)state;
    struct world world;
    char text[32];
    world_up(&world, 1);
    for (int i = 0; i < 150; i++) {
        snprintf(text, sizeof(text), "INSERT %d", i);
        (void)prepare(&world, text);
    }
    come_back(&world, world.nodes[0]);
    world_run(&world, 15 * SECOND_US);
    assert_int_equal(fake_node_count(world.nodes[0], CQL_PREPARE), 128);
    world_deinit(&world);
}

static unsigned most_under_way(struct world *world, struct sent *sent, size_t count)
{
    fake_node_clear_log(world->nodes[0]);
    fake_node_answer_times(world->nodes[0], CQL_QUERY, (unsigned)count,
                           (struct fake_answer){.delay_us = 100 * MS_US});
    send_data(world, sent, count);
    world_run(world, 50 * MS_US);
    unsigned under_way = fake_node_count(world->nodes[0], CQL_QUERY);
    world_run(world, 5 * SECOND_US);
    return under_way;
}

static void a_node_that_comes_back_begins_with_the_least_window(void **state)
{
    (void)state;
    struct world world;
    struct sent sent[60];
    world_up(&world, 1);
    assert_int_equal(most_under_way(&world, sent, 60), 32);
    come_back(&world, world.nodes[0]);
    world_run(&world, 15 * SECOND_US);
    assert_int_equal(most_under_way(&world, sent, 60), 8);
    world_deinit(&world);
}

/* --- bytes --- */

static void send_large(struct world *world, struct sent *sent, size_t bytes)
{
    struct cql_body *body = cql_body_new(world->config.alloc, bytes);
    assert_int_equal(buf_reserve(&body->buf, bytes), STATUS_OK);
    memset(buf_tail(&body->buf), 'x', bytes);
    buf_wrote(&body->buf, bytes);
    *sent = (struct sent){.request = {.opcode = CQL_QUERY}};
    world_send_body(world, sent, body);
}

static void no_more_bytes_than_the_window_are_under_way_and_one_request_always_is(void **state)
{
    (void)state;
    struct world world;
    struct sent sent[5];
    world_init(&world, &alloc_heap, 1);
    world.config.window_bytes = 100000;
    assert_true(world_start(&world));
    world_run(&world, 100 * MS_US);
    for (size_t i = 0; i < 4; i++)
        send_large(&world, &sent[i], 40000);
    assert_false(cluster_has_room(world.cluster, NULL, 0));
    world_run(&world, 10 * MS_US);
    for (size_t i = 0; i < 4; i++)
        assert_true(sent[i].done);
    fake_node_clear_log(world.nodes[0]);
    fake_node_answer_times(world.nodes[0], CQL_QUERY, 4,
                           (struct fake_answer){.delay_us = 50 * MS_US});
    for (size_t i = 0; i < 4; i++)
        send_large(&world, &sent[i], 40000);
    world_run(&world, 10 * MS_US);
    assert_int_equal(fake_node_count(world.nodes[0], CQL_QUERY), 3); /* the third goes beyond */
    world_run(&world, 200 * MS_US);
    send_large(&world, &sent[4], 1000000);
    world_run(&world, 10 * MS_US);
    assert_true(sent[4].done);
    world_deinit(&world);
}

static void a_node_that_has_too_many_bytes_gets_half_and_then_slowly_more(void **state)
{
    (void)state;
    struct world world;
    struct sent sent[64];
    world_up(&world, 1); /* 16 MiB */
    fake_node_answer_times(world.nodes[0], CQL_QUERY, 3,
                           (struct fake_answer){.error = CQL_ERROR_OVERLOADED,
                                                .message = "Request breached limit on bytes in "
                                                           "flight. (Using 1/2 bytes ...)"});
    for (size_t i = 0; i < 3; i++)
        send_large(&world, &sent[i], 1 << 20);
    world_run(&world, SECOND_US);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(sent[i].outcome, CLUSTER_DONE);
        assert_false(sent[i].touched);
    }
    fake_node_clear_log(world.nodes[0]);
    fake_node_answer_times(world.nodes[0], CQL_QUERY, 32,
                           (struct fake_answer){.delay_us = 50 * MS_US});
    for (size_t i = 0; i < 32; i++)
        send_large(&world, &sent[i], 1 << 20);
    world_run(&world, 40 * MS_US);
    assert_int_equal(fake_node_count(world.nodes[0], CQL_QUERY), 8); /* halved once */
    world_run(&world, 5 * SECOND_US);
    fake_node_clear_log(world.nodes[0]);
    fake_node_answer_times(world.nodes[0], CQL_QUERY, 32,
                           (struct fake_answer){.delay_us = 50 * MS_US});
    for (size_t i = 0; i < 32; i++)
        send_large(&world, &sent[i], 1 << 20);
    world_run(&world, 40 * MS_US);
    assert_in_range(fake_node_count(world.nodes[0], CQL_QUERY), 9, 11);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_that_comes_back_is_given_our_statements_before_any_batch),
        cmocka_unit_test(until_they_are_there_other_nodes_are_preferred_and_a_lone_node_is_used),
        cmocka_unit_test(a_statement_that_is_refused_at_warm_up_holds_nobody_up),
        cmocka_unit_test(more_statements_than_fit_are_left_to_those_who_miss_them),
        cmocka_unit_test(a_node_that_comes_back_begins_with_the_least_window),
        cmocka_unit_test(no_more_bytes_than_the_window_are_under_way_and_one_request_always_is),
        cmocka_unit_test(a_node_that_has_too_many_bytes_gets_half_and_then_slowly_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
