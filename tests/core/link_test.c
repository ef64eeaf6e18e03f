#include "tests/support/cluster_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct cluster_facts facts_of(const struct world *world)
{
    struct cluster_facts facts;
    cluster_get_facts(world->cluster, &facts);
    return facts;
}

static void a_link_comes_up_whatever_pieces_the_bytes_come_in(void **state)
{
    (void)state;
    for (size_t chunk = 1; chunk < 40; chunk += 7) {
        struct world world;
        struct sent sent = {0};
        world_init(&world, &alloc_heap, 1);
        world.net.chunk_bytes = chunk;
        assert_true(world_start(&world));
        world_send(&world, &sent, "insert");
        world_run(&world, 100 * MS_US);
        assert_int_equal(sent.outcome, CLUSTER_DONE);
        assert_int_equal(fake_net_logged(&world.net, "cassandra node is up node=a:9042"), 1);
        world_deinit(&world);
    }
}

static void reconnects_become_rarer_up_to_the_limit_and_are_jittered(void **state)
{
    (void)state;
    struct world world;
    int64_t gaps_us[12];
    world_init(&world, &alloc_heap, 1);
    world.nodes[0]->refuses = true;
    assert_true(world_start(&world));
    for (unsigned i = 0; i < 12; i++) {
        int64_t before_us = world.nodes[0]->last_connect_us;
        while (world.nodes[0]->connects <= i)
            world_run(&world, MS_US);
        gaps_us[i] = world.nodes[0]->last_connect_us - before_us;
    }
    int64_t most_us = 0;
    bool same = true;
    for (unsigned i = 1; i < 12; i++) {
        int64_t span_us = 100 * MS_US << (i - 1);
        if (span_us > 10 * SECOND_US)
            span_us = 10 * SECOND_US;
        assert_in_range(gaps_us[i], 100 * MS_US, 100 * MS_US + span_us + 5 * MS_US);
        assert_true(gaps_us[i] <= 10 * SECOND_US + 5 * MS_US);
        most_us = gaps_us[i] > most_us ? gaps_us[i] : most_us;
        same = same && gaps_us[i] == gaps_us[1];
    }
    assert_false(same);
    assert_true(most_us > 2 * SECOND_US);
    world_deinit(&world);
}

static int64_t first_reconnect_us(uint64_t seed)
{
    struct world world;
    world_init(&world, &alloc_heap, 1);
    world.config.random_seed = seed;
    world.nodes[0]->refuses = true;
    assert_true(world_start(&world));
    world_run(&world, MS_US);
    int64_t before_us = world.nodes[0]->last_connect_us;
    world_run(&world, 300 * MS_US);
    int64_t gap_us = world.nodes[0]->last_connect_us - before_us;
    world_deinit(&world);
    return gap_us;
}

static void two_gateways_do_not_come_back_at_the_same_time_and_one_seed_repeats(void **state)
{
    (void)state;
    assert_int_not_equal(first_reconnect_us(1), first_reconnect_us(2));
    assert_int_equal(first_reconnect_us(7), first_reconnect_us(7));
}

static void back_off_starts_over_after_a_link_has_been_ready_for_a_while(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, &alloc_heap, 1);
    world.nodes[0]->refuses = true;
    assert_true(world_start(&world));
    world_run(&world, 60 * SECOND_US);
    world.nodes[0]->refuses = false;
    world_run(&world, 30 * SECOND_US);
    assert_int_equal(facts_of(&world).ready_links, 1);
    fake_node_reset(world.nodes[0]);
    world_run(&world, 250 * MS_US);
    assert_int_equal(facts_of(&world).ready_links, 1);
    world_deinit(&world);
}

static void a_link_that_never_lasts_is_backed_off_from(void **state)
{
    (void)state;
    struct world world;
    world_up(&world, 1);
    for (int i = 0; i < 600; i++) {
        world_run(&world, 100 * MS_US);
        fake_node_reset(world.nodes[0]);
    }
    assert_in_range(world.nodes[0]->connects, 8, 40); /* a minute of 100 ms each would be 300 */
    world_deinit(&world);
}

static void a_node_going_and_coming_is_told_once_each(void **state)
{
    (void)state;
    struct world world;
    world_up(&world, 1);
    fake_node_set_down(world.nodes[0], true);
    world_run(&world, 35 * SECOND_US);
    assert_int_equal(fake_net_logged(&world.net, "cassandra node is lost node=a:9042 "
                                                 "reason=\"connection reset\""),
                     1);
    assert_int_equal(fake_net_logged(&world.net, "cassandra node is unreachable node=a:9042 "
                                                 "reason=\"connection refused\""),
                     1);
    assert_in_range(fake_net_logged(&world.net, "cassandra node is still unreachable"), 1, 3);
    fake_node_set_down(world.nodes[0], false);
    world_run(&world, 15 * SECOND_US);
    assert_int_equal(fake_net_logged(&world.net, "cassandra node is up"), 2);
    assert_int_equal(facts_of(&world).ready_links, 1);
    world_deinit(&world);
}

static void a_name_that_does_not_resolve_is_tried_again(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, &alloc_heap, 1);
    world.points[0].host = "nowhere";
    assert_true(world_start(&world));
    world_run(&world, SECOND_US);
    assert_string_equal(facts_of(&world).last_error, "nowhere:9042: name does not resolve");
    assert_int_equal(facts_of(&world).links, 1);
    assert_int_equal(facts_of(&world).ready_links, 0);
    fake_net_add(&world.net, "nowhere", 9042);
    world_run(&world, 11 * SECOND_US);
    assert_int_equal(facts_of(&world).ready_links, 1);
    world_deinit(&world);
}

static void connecting_that_hangs_is_given_up(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, &alloc_heap, 1);
    world.nodes[0]->never_opens = true;
    assert_true(world_start(&world));
    world_run(&world, 4900 * MS_US);
    assert_int_equal(world.nodes[0]->connects, 1);
    world.nodes[0]->never_opens = false;
    world_run(&world, SECOND_US);
    assert_int_equal(fake_net_logged(&world.net, "connecting took too long"), 1);
    assert_int_equal(facts_of(&world).ready_links, 1);
    world_deinit(&world);
}

static void a_node_that_says_nothing_is_given_up(void **state)
{
    (void)state;
    struct world world;
    struct sent sent = {0};
    world_up(&world, 1);
    world.nodes[0]->mute = true;
    world_send(&world, &sent, "insert");
    world_run(&world, 40 * SECOND_US); /* heartbeat after 15 s, given up 10 s later */
    assert_int_equal(fake_net_logged(&world.net, "cassandra node is lost"), 1);
    assert_true(sent.request.touched);
    world.nodes[0]->mute = false;
    world_run(&world, 25 * SECOND_US);
    assert_int_equal(sent.outcome, CLUSTER_DONE);
    world_deinit(&world);
}

static void a_wrong_password_is_told_as_such(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, &alloc_heap, 1);
    world.config.user = "sluice";
    world.config.password = "wrong";
    world.nodes[0]->password = "secret";
    assert_true(world_start(&world));
    world_run(&world, SECOND_US);
    assert_int_equal(facts_of(&world).ready_links, 0);
    assert_int_equal(fake_net_logged(&world.net, "authentication refused"), 1);
    assert_int_equal(fake_net_logged(&world.net, "wrong"), 0);
    world.config.password = "secret";
    world_run(&world, 10 * SECOND_US);
    assert_int_equal(facts_of(&world).ready_links, 1);
    world_deinit(&world);
}

static unsigned schema_changes, schema_replays;

static void count_schema_change(void *context, const struct cql_push *push, struct moment now)
{
    (void)context;
    (void)now;
    assert_true(slice_equal(push->schema.keyspace, SLICE_LITERAL("sluice")));
    if (push->schema.table.len == 0)
        schema_replays++;
    else if (slice_equal(push->schema.table, SLICE_LITERAL("orders")))
        schema_changes++;
}

static void a_schema_change_is_told_once_and_when_the_teller_is_lost_that_some_may_be_missing(void **state)
{
    (void)state;
    struct world world;
    struct cql_push push = {
        .kind = CQL_PUSH_SCHEMA,
        .change = CQL_CHANGE_DROPPED,
        .schema = {.change = CQL_CHANGE_DROPPED,
                   .target = CQL_TARGET_TABLE,
                   .keyspace = SLICE_LITERAL("sluice"),
                   .table = SLICE_LITERAL("orders")},
    };
    schema_changes = schema_replays = 0;
    world_up(&world, 3);
    cluster_on_schema_change(world.cluster, count_schema_change, NULL);
    for (int i = 0; i < 3; i++)
        fake_node_push(world.nodes[i], &push);
    world_run(&world, 10 * MS_US);
    assert_int_equal(schema_changes, 1);
    assert_int_equal(schema_replays, 0);
    fake_node_set_down(world.nodes[0], true);
    for (int i = 1; i < 3; i++)
        fake_node_push(world.nodes[i], &push);
    world_run(&world, 10 * MS_US);
    assert_int_equal(schema_changes, 2);
    assert_int_equal(schema_replays, 1);
    world_deinit(&world);
}

static void scylla_is_recognised(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, &alloc_heap, 1);
    world.nodes[0]->supported = "SCYLLA_NR_SHARDS";
    assert_true(world_start(&world));
    assert_false(facts_of(&world).is_scylla);
    world_run(&world, SECOND_US);
    assert_true(facts_of(&world).is_scylla);
    world_deinit(&world);
}

static void what_the_control_plane_read_is_among_the_facts(void **state)
{
    (void)state;
    struct world world;
    world_up(&world, 1);
    cluster_set_local(world.cluster, &(struct cluster_facts){.data_center = "dc1",
                                                             .release_version = "5.0.6",
                                                             .cluster_name = "Test Cluster"});
    assert_string_equal(facts_of(&world).data_center, "dc1");
    assert_string_equal(facts_of(&world).release_version, "5.0.6");
    assert_int_equal(facts_of(&world).ready_links, 1);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_comes_up_whatever_pieces_the_bytes_come_in),
        cmocka_unit_test(reconnects_become_rarer_up_to_the_limit_and_are_jittered),
        cmocka_unit_test(two_gateways_do_not_come_back_at_the_same_time_and_one_seed_repeats),
        cmocka_unit_test(back_off_starts_over_after_a_link_has_been_ready_for_a_while),
        cmocka_unit_test(a_link_that_never_lasts_is_backed_off_from),
        cmocka_unit_test(a_node_going_and_coming_is_told_once_each),
        cmocka_unit_test(a_name_that_does_not_resolve_is_tried_again),
        cmocka_unit_test(connecting_that_hangs_is_given_up),
        cmocka_unit_test(a_node_that_says_nothing_is_given_up),
        cmocka_unit_test(a_wrong_password_is_told_as_such),
        cmocka_unit_test(
            a_schema_change_is_told_once_and_when_the_teller_is_lost_that_some_may_be_missing),
        cmocka_unit_test(scylla_is_recognised),
        cmocka_unit_test(what_the_control_plane_read_is_among_the_facts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
