/* A node that takes bytes and gives none. */
#include "tests/support/cluster_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void what_a_silent_node_owes_is_executed_elsewhere_before_its_time_is_out(void **state)
{
    (void)state;
    struct world world;
    struct sent sent[8] = {0};
    world_up(&world, 2);
    world.nodes[0]->mute = true;
    for (int i = 0; i < 8; i++)
        world_send(&world, &sent[i], "insert");
    world_run(&world, 2900 * MS_US);
    assert_in_range(world.done_count, 3, 5); /* a node may wait for its replicas for 2 s */
    world_run(&world, 200 * MS_US);
    assert_int_equal(world.done_count, 8);
    for (int i = 0; i < 8; i++)
        assert_int_equal(sent[i].touched, sent[i].request.attempts == 2);
    assert_int_equal(fake_net_logged(&world.net, "cassandra node is silent"), 1);
    world_deinit(&world);
}

static void a_silent_node_gets_nothing_more_until_it_speaks(void **state)
{
    (void)state;
    struct world world;
    struct sent sent[2] = {0};
    static struct sent later[20];
    memset(later, 0, sizeof(later));
    world_up(&world, 2);
    world.nodes[0]->mute = true;
    for (int i = 0; i < 2; i++)
        world_send(&world, &sent[i], "insert");
    world_run(&world, 4 * SECOND_US);
    assert_int_equal(world.done_count, 2);
    fake_node_clear_log(world.nodes[0]);
    for (int i = 0; i < 10; i++) {
        world_send(&world, &later[i], "insert");
        world_run(&world, 100 * MS_US);
        assert_true(later[i].done);
    }
    assert_int_equal(world.nodes[0]->log_count, 0);
    world.nodes[0]->mute = false;
    struct cql_push push = {
        .kind = CQL_PUSH_SCHEMA,
        .change = CQL_CHANGE_CREATED,
        .schema = {.change = CQL_CHANGE_CREATED, .target = CQL_TARGET_TABLE},
    };
    fake_node_push(world.nodes[0], &push);
    world_run(&world, 10 * MS_US);
    for (int i = 10; i < 20; i++)
        world_send(&world, &later[i], "insert");
    world_run(&world, 10 * MS_US);
    assert_in_range(world.nodes[0]->log_count, 3, 5); /* its window was cut */
    world_deinit(&world);
}

static void nothing_moves_when_all_nodes_are_silent(void **state)
{
    (void)state;
    struct world world;
    struct sent sent[8] = {0};
    world_up(&world, 2);
    world.nodes[0]->mute = world.nodes[1]->mute = true;
    for (int i = 0; i < 8; i++)
        world_send(&world, &sent[i], "insert");
    world_run(&world, 8 * SECOND_US);
    for (int i = 0; i < 8; i++)
        assert_int_equal(sent[i].request.attempts, 1);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_silent_node_owes_is_executed_elsewhere_before_its_time_is_out),
        cmocka_unit_test(a_silent_node_gets_nothing_more_until_it_speaks),
        cmocka_unit_test(nothing_moves_when_all_nodes_are_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
