/* What goes wrong on the database's side, and what producers are told then. */
#include "tests/support/gateway_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "kafka/error.h"

static void produce(struct fake_client *client, struct slice records)
{
    (void)fake_client_produce(client,
                              &(struct fake_produce){.topic = "orders", .records = records});
}

static struct gateway_world *loaded(struct fake_client **client)
{
    struct gateway_world *world = world_up("orders", 1);
    *client = world_client(world);
    produce(*client, world_batch(world, 1));
    world_run(world, 100 * MS_US);
    expect_produced(*client, 0, 0);
    return world;
}

static struct model_key row(int64_t offset)
{
    return (struct model_key){"orders", 0, 0, offset};
}

static size_t stored(const struct gateway_world *world)
{
    return table_model_count_all(world->tables, "orders");
}

/* --- lease and ceiling --- */

static void without_the_lease_nothing_is_acknowledged_until_it_is_back(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);

    world->batch_us = 100 * MS_US;
    produce(client, world_batch(world, 2));
    world_run(world, 10 * MS_US);
    stub_set_lease(false, world->net.now);
    world_run(world, 5 * SECOND_US);
    assert_int_equal(stored(world), 3);
    expect_nothing(client);
    stub_set_lease(true, world->net.now);
    world_run(world, MS_US);
    expect_produced(client, 0, 1);
    world_down(world);
}

static void without_the_lease_the_answer_is_7_for_what_was_sent_and_6_for_what_was_not(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);

    world->batch_us = 100 * MS_US;
    produce(client, world_batch(world, 2));
    world_run(world, 10 * MS_US);
    stub_set_lease(false, world->net.now);
    produce(client, world_batch(world, 2));
    world_run(world, 25 * SECOND_US);
    expect_produced(client, KAFKA_REQUEST_TIMED_OUT, -1);
    expect_produced(client, KAFKA_NOT_LEADER_OR_FOLLOWER, -1);
    stub_set_lease(true, world->net.now);
    produce(client, world_batch(world, 1));
    world_run(world, SECOND_US);
    expect_produced(client, 0, 3);
    world_down(world);
}

static void what_was_written_before_another_led_the_partition_is_not_acknowledged(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);

    world->batch_us = 100 * MS_US;
    produce(client, world_batch_of(world, 7, 0, 2));
    world_run(world, 10 * MS_US);
    stub_set_lease(false, world->net.now);
    world_run(world, SECOND_US);
    stub.epoch += 2; /* another gateway, and then this one again */
    stub.sealed_below_us = world->net.now.wall_us;
    table_model_lose(world->tables, row(1)); /* it has sealed what it did not see */
    table_model_lose(world->tables, row(2));
    stub_set_lease(true, world->net.now);
    world_run(world, SECOND_US);
    expect_nothing(client);
    world->batch_us = MS_US;
    produce(client, world_batch_of(world, 7, 2, 2));
    world_run(world, SECOND_US);
    expect_produced(client, KAFKA_REQUEST_TIMED_OUT, -1);
    expect_produced(client, KAFKA_NOT_LEADER_OR_FOLLOWER, -1);
    produce(client, world_batch_of(world, 7, 2, 2));
    produce(client, world_batch_of(world, 7, 0, 2));
    produce(client, world_batch_of(world, 7, 2, 2));
    world_run(world, SECOND_US);
    expect_produced(client, KAFKA_NOT_ENOUGH_REPLICAS, -1);
    expect_produced(client, 0, 1);
    expect_produced(client, 0, 3);
    assert_int_equal(stored(world), 5);
    world_down(world);
}

static void a_partition_that_changes_hands_while_it_is_loaded_is_loaded_again(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    fake_node_answer(world->node, CQL_QUERY,
                     (struct fake_answer){.by_default = true, .delay_us = 100 * MS_US});
    produce(client, world_batch(world, 2));
    world_run(world, 50 * MS_US);
    stub.epoch += 2;
    world_run(world, SECOND_US);
    expect_produced(client, KAFKA_NOT_LEADER_OR_FOLLOWER, -1);
    world_run(world, SECOND_US);
    produce(client, world_batch(world, 2));
    world_run(world, SECOND_US);
    expect_produced(client, 0, 0);
    world_down(world);
}

static void a_lease_that_is_expected_back_lets_producers_wait(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);

    stub.leads_soon = true;
    stub_set_lease(false, world->net.now);
    produce(client, world_batch(world, 2));
    world_run(world, 5 * SECOND_US);
    expect_nothing(client);
    stub_set_lease(true, world->net.now);
    world_run(world, SECOND_US);
    expect_produced(client, 0, 1);
    world_down(world);
}

static void at_the_ceiling_nothing_is_sent_until_it_is_raised(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);

    stub.ceiling_us = world->net.now.wall_us;
    produce(client, world_batch(world, 2));
    world_run(world, 5 * SECOND_US);
    assert_int_equal(world->batches, 1);
    expect_nothing(client);
    stub.ceiling_us = NEVER_US;
    world_run(world, SECOND_US);
    expect_produced(client, 0, 1);
    assert_true(table_model_written_us(world->tables, row(1)) >=
                world->net.now.wall_us - SECOND_US);
    world_down(world);
}

static void at_the_ceiling_a_new_segment_waits_as_well(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    stub.ceiling_us = world->net.now.wall_us;
    produce(client, world_batch(world, 2));
    world_run(world, 5 * SECOND_US);
    assert_int_equal(table_model_count_all(world->tables, "sluice_segments"), 0);
    expect_nothing(client);
    stub.ceiling_us = NEVER_US;
    world_run(world, 2 * SECOND_US);
    expect_produced(client, 0, 0);
    world_down(world);
}

static void a_segment_that_waited_for_a_lost_lease_is_opened_when_it_is_back(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    world->config.segment_max_rows = 10;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    world_run(world, 20 * MS_US);
    struct fake_client *client = world_client(world);

    produce(client, world_batch(world, 1));
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 0);
    world->batch_us = 100 * MS_US;
    produce(client, world_batch(world, 8));
    world_run(world, MS_US);
    produce(client, world_batch(world, 8)); /* for the next segment */
    world_run(world, MS_US);
    stub_set_lease(false, world->net.now);
    world_run(world, SECOND_US);
    stub_set_lease(true, world->net.now);
    world_run(world, SECOND_US);
    expect_produced(client, 0, 1);
    expect_produced(client, 0, 9);
    world_down(world);
}

/* --- refusals --- */

static void a_refused_mutation_has_its_code_and_the_next_produce_goes_on(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);

    fake_node_answer(world->node, CQL_BATCH, (struct fake_answer){.error = CQL_ERROR_UNAUTHORIZED});
    produce(client, world_batch(world, 2));
    world_run(world, 100 * MS_US);
    expect_produced(client, KAFKA_TOPIC_AUTHORIZATION_FAILED, -1);
    produce(client, world_batch(world, 2));
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 1);
    fake_node_answer(
        world->node, CQL_BATCH,
        (struct fake_answer){.error = CQL_ERROR_INVALID,
                             .message = "Mutation of 17MiB is too large for the maximum size"});
    produce(client, world_batch(world, 2));
    world_run(world, 100 * MS_US);
    expect_produced(client, KAFKA_MESSAGE_TOO_LARGE, -1);
    produce(client, world_batch(world, 2));
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 3);
    assert_int_equal(stored(world), 5);
    assert_int_equal(fake_net_logged(&world->net, "the database refused records"), 2);
    world_down(world);
}

static void a_refusal_in_one_partition_leaves_the_others_alone(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    world->config.segment_max_rows = 10;
    stub_add_topic("orders", 2, world->net.now);
    assert_true(world_start(world));
    world_run(world, 20 * MS_US);
    struct fake_client *client = world_client(world);

    for (int32_t i = 0; i < 2; i++)
        (void)fake_client_produce(client, &(struct fake_produce){.topic = "orders",
                                                                 .partition = i,
                                                                 .records = world_batch(world, 9)});
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 0);
    expect_produced(client, 0, 0);
    fake_node_answer(world->node, CQL_BATCH, (struct fake_answer){.error = CQL_ERROR_INVALID});
    (void)fake_client_produce(
        client, &(struct fake_produce){.topic = "orders", .records = world_batch(world, 1)});
    world_run(world, 100 * MS_US);
    expect_produced(client, KAFKA_STORAGE_ERROR, -1);
    (void)fake_client_produce(client, &(struct fake_produce){.topic = "orders",
                                                             .partition = 1,
                                                             .records = world_batch(world, 9)});
    world_run(world, 100 * MS_US); /* in a new segment, with the statements of before */
    expect_produced(client, 0, 9);
    world_down(world);
}

static void a_refused_index_row_is_no_end(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    world->config.segment_max_rows = 10;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    world_run(world, 20 * MS_US);
    struct fake_client *client = world_client(world);

    produce(client, world_batch(world, 9));
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 0);
    fake_node_answer(world->node, CQL_QUERY, (struct fake_answer){.error = CQL_ERROR_INVALID});
    produce(client, world_batch(world, 9));
    world_run(world, 100 * MS_US);
    expect_produced(client, KAFKA_NOT_LEADER_OR_FOLLOWER, -1);
    produce(client, world_batch(world, 9));
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 9);
    world_down(world);
}

/* --- somebody changes the table --- */

static void statements_that_a_node_forgets_are_prepared_again_and_nobody_notices(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);

    world->batch_us = 5 * MS_US;
    for (int32_t i = 0; i < 30; i++) { /* as when a column is added: all at once, in mid-pipeline */
        produce(client, world_batch_of(world, 7, i * 40, 40));
        world_run(world, 3 * MS_US);
        if (i % 7 == 3)
            fake_node_forget(world->node);
    }
    world_run(world, 5 * SECOND_US);
    for (int32_t i = 0; i < 30; i++)
        expect_produced(client, 0, 1 + i * 40);
    assert_int_equal(stored(world), 1201);
    assert_int_equal(fake_net_logged(&world->net, "the database refused records"), 0);
    world_down(world);
}

/* As after an upgrade to a version with another rule for ids: what is under way is told to come
 * again. */
static void when_all_nodes_have_other_ids_the_log_goes_on_with_those(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);
    int32_t sequence = 0;
    int64_t end = 1;

    world->batch_us = 5 * MS_US;
    for (int upgrade = 0; upgrade < 3; upgrade++) {
        fake_node_change_ids(world->node);
        for (int32_t i = 0; i < 3; i++)
            produce(client, world_batch_of(world, 7, sequence + i * 40, 40));
        world_run(world, 100 * MS_US);
        for (int32_t i = 0; i < 3; i++)
            expect_produced(client, KAFKA_REQUEST_TIMED_OUT, -1);
        for (int32_t i = 0; i < 3; i++) /* the producer's retries */
            produce(client, world_batch_of(world, 7, sequence + i * 40, 40));
        world_run(world, SECOND_US);
        for (int32_t i = 0; i < 3; i++, sequence += 40, end += 40)
            expect_produced(client, 0, end);
        assert_int_equal(stored(world), end);
    }
    assert_int_equal(fake_net_logged(&world->net, "statements are prepared again"), 3);
    assert_int_equal(fake_net_logged(&world->net, "the database refused records"), 0);
    world_down(world);
}

static void a_column_that_is_gone_is_a_storage_error_until_it_is_back(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);
    const struct fake_answer unknown = {.error = CQL_ERROR_INVALID,
                                        .message = "Undefined column name headers"};

    world->batch_us = 5 * MS_US;
    fake_node_forget(world->node);
    fake_node_answer_times(world->node, CQL_PREPARE, 8, unknown); /* two each */
    for (int32_t i = 0; i < 4; i++) {
        produce(client, world_batch_of(world, i + 1, 0, 2));
        world_run(world, SECOND_US);
        expect_produced(client, KAFKA_STORAGE_ERROR, -1);
    }
    assert_true(fake_net_logged(&world->net, "Undefined column name headers") > 0);
    for (int32_t i = 0; i < 4; i++) {
        produce(client, world_batch_of(world, i + 1, 0, 2));
        world_run(world, SECOND_US);
        expect_produced(client, 0, 1 + i * 2);
    }
    assert_int_equal(stored(world), 9);
    world_down(world);
}

static void a_table_that_was_dropped_and_made_again_by_somebody_is_gone_on_with(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);

    table_model_drop(world->tables, "orders");
    table_model_create_log(world->tables, "orders");
    fake_node_forget(world->node);
    produce(client, world_batch_of(world, 1, 0, 2));
    world_run(world, SECOND_US);
    expect_produced(client, 0, 1);
    world_restart(world, 10 * SECOND_US);
    client = world_client(world);
    produce(client, world_batch_of(world, 1, 0, 2)); /* what was acknowledged is still known */
    produce(client, world_batch_of(world, 1, 2, 2));
    world_run(world, SECOND_US);
    expect_produced(client, 0, 1);
    expect_produced(client, 0, 100000); /* row 0 is lost: told, and a new segment */
    assert_int_equal(fake_net_logged(&world->net, "lost acknowledged"), 1);
    world_down(world);
}

/* --- doubt --- */

static void an_unknown_outcome_is_settled_by_executing_again(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);

    fake_node_answer(
        world->node, CQL_BATCH,
        (struct fake_answer){.error = CQL_ERROR_WRITE_TIMEOUT, .write_type = "UNLOGGED_BATCH"});
    produce(client, world_batch(world, 2));
    world_run(world, 2 * SECOND_US);
    expect_produced(client, 0, 1);
    assert_int_equal(stored(world), 3);
    world_down(world);
}

static void a_node_that_goes_away_costs_time_and_no_record(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);

    world->batch_us = 100 * MS_US;
    for (int i = 0; i < 20; i++) {
        produce(client, world_batch_of(world, 7, i * 50, 50));
        if (i == 10)
            fake_node_set_down(world->node, true);
        world_run(world, MS_US);
    }
    world_run(world, 5 * SECOND_US);
    fake_node_set_down(world->node, false);
    world_run(world, 15 * SECOND_US);
    for (int i = 0; i < 20; i++)
        expect_produced(client, 0, 1 + i * 50);
    assert_int_equal(stored(world), 1001);
    world_down(world);
}

/* --- deadlines --- */

static void an_admitted_batch_gets_7_at_the_deadline_and_its_retry_joins_the_write(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);
    struct fake_produce first = {
        .topic = "orders", .records = world_batch_of(world, 7, 0, 2), .timeout_ms = 5000};

    world->batch_us = 6 * SECOND_US;
    (void)fake_client_produce(client, &first);
    world_run(world, 3900 * MS_US);
    expect_nothing(client);
    world_run(world, 200 * MS_US);
    expect_produced(client, KAFKA_REQUEST_TIMED_OUT, -1);
    (void)fake_client_produce(client, &first);
    world_run(world, SECOND_US);
    expect_nothing(client);
    world_run(world, SECOND_US);
    expect_produced(client, 0, 1);
    assert_int_equal(world->batches, 2);
    world_down(world);
}

static void a_partition_that_is_stalled_alone_refuses_new_batches_at_once(void **state)
{
    struct gateway_world *world = world_up("orders", 2);
    struct fake_client *stuck = world_client(world), *other = world_client(world);

    (void)state;
    world->batch_delays_us[0] = 9 * SECOND_US;
    (void)fake_client_produce(stuck, &(struct fake_produce){.topic = "orders",
                                                            .partition = 0,
                                                            .records = world_batch(world, 1)});
    for (int i = 0; i < 30; i++) { /* the other partition goes on all the time */
        world_run(world, 100 * MS_US);
        (void)fake_client_produce(other, &(struct fake_produce){.topic = "orders",
                                                                .partition = 1,
                                                                .records = world_batch(world, 1)});
        world_run(world, 10 * MS_US);
        expect_produced(other, 0, i);
    }
    (void)fake_client_produce(other, &(struct fake_produce){.topic = "orders",
                                                            .partition = 0,
                                                            .records = world_batch(world, 1)});
    world_run(world, 10 * MS_US);
    expect_produced(other, 19, -1);
    world_run(world, 10 * SECOND_US);
    expect_produced(stuck, 0, 0);
    (void)fake_client_produce(other, &(struct fake_produce){.topic = "orders",
                                                            .partition = 0,
                                                            .records = world_batch(world, 1)});
    world_run(world, 100 * MS_US);
    expect_produced(other, 0, 1);
    world_down(world);
}

static void what_never_left_gets_19_when_no_node_is_there(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);

    fake_node_set_down(world->node, true);
    (void)fake_client_produce(client, &(struct fake_produce){.topic = "orders",
                                                             .records = world_batch(world, 2),
                                                             .timeout_ms = 10000});
    world_run(world, 7900 * MS_US);
    expect_nothing(client);
    world_run(world, 200 * MS_US);
    expect_produced(client, KAFKA_NOT_ENOUGH_REPLICAS, -1);
    world_down(world);
}

static void what_waits_for_a_partition_to_load_gets_6(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    world->node->mute = true;
    (void)fake_client_produce(client, &(struct fake_produce){.topic = "orders",
                                                             .records = world_batch(world, 2),
                                                             .timeout_ms = 10000});
    world_run(world, 8100 * MS_US);
    expect_produced(client, KAFKA_NOT_LEADER_OR_FOLLOWER, -1);
    world_down(world);
}

static void the_deadline_is_never_later_than_24_seconds(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);

    fake_node_set_down(world->node, true);
    (void)fake_client_produce(client, &(struct fake_produce){.topic = "orders",
                                                             .records = world_batch(world, 2),
                                                             .timeout_ms = 600000});
    world_run(world, 24200 * MS_US);
    expect_produced(client, KAFKA_NOT_ENOUGH_REPLICAS, -1);
    world_down(world);
}

static void a_write_that_nobody_waits_for_is_finished(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);

    world->drop_batches = 1; /* executed again after cassandra.request_timeout, 12 s */
    (void)fake_client_produce(client, &(struct fake_produce){.topic = "orders",
                                                             .records = world_batch(world, 2),
                                                             .timeout_ms = 1000});
    world_run(world, SECOND_US);
    expect_produced(client, KAFKA_REQUEST_TIMED_OUT, -1);
    world_run(world, 15 * SECOND_US);
    assert_int_equal(stored(world), 3);
    produce(client, world_batch(world, 1));
    world_run(world, SECOND_US);
    expect_produced(client, 0, 3);
    world_down(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_lease_nothing_is_acknowledged_until_it_is_back),
        cmocka_unit_test(
            without_the_lease_the_answer_is_7_for_what_was_sent_and_6_for_what_was_not),
        cmocka_unit_test(what_was_written_before_another_led_the_partition_is_not_acknowledged),
        cmocka_unit_test(a_partition_that_changes_hands_while_it_is_loaded_is_loaded_again),
        cmocka_unit_test(a_lease_that_is_expected_back_lets_producers_wait),
        cmocka_unit_test(at_the_ceiling_nothing_is_sent_until_it_is_raised),
        cmocka_unit_test(at_the_ceiling_a_new_segment_waits_as_well),
        cmocka_unit_test(a_segment_that_waited_for_a_lost_lease_is_opened_when_it_is_back),
        cmocka_unit_test(a_refused_mutation_has_its_code_and_the_next_produce_goes_on),
        cmocka_unit_test(a_refusal_in_one_partition_leaves_the_others_alone),
        cmocka_unit_test(a_refused_index_row_is_no_end),
        cmocka_unit_test(statements_that_a_node_forgets_are_prepared_again_and_nobody_notices),
        cmocka_unit_test(when_all_nodes_have_other_ids_the_log_goes_on_with_those),
        cmocka_unit_test(a_column_that_is_gone_is_a_storage_error_until_it_is_back),
        cmocka_unit_test(a_table_that_was_dropped_and_made_again_by_somebody_is_gone_on_with),
        cmocka_unit_test(an_unknown_outcome_is_settled_by_executing_again),
        cmocka_unit_test(a_node_that_goes_away_costs_time_and_no_record),
        cmocka_unit_test(an_admitted_batch_gets_7_at_the_deadline_and_its_retry_joins_the_write),
        cmocka_unit_test(a_partition_that_is_stalled_alone_refuses_new_batches_at_once),
        cmocka_unit_test(what_never_left_gets_19_when_no_node_is_there),
        cmocka_unit_test(what_waits_for_a_partition_to_load_gets_6),
        cmocka_unit_test(the_deadline_is_never_later_than_24_seconds),
        cmocka_unit_test(a_write_that_nobody_waits_for_is_finished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
