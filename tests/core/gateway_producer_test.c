/* Idempotent producers through the whole gateway: duplicates, gaps, epochs, refusals, restarts. */
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

/* A batch of producer 7; runs until it is answered. */
static void produce_now(struct gateway_world *world, struct fake_client *client, int32_t sequence,
                        int32_t count)
{
    produce(client, world_batch_of(world, 7, sequence, count));
    world_run(world, 100 * MS_US);
}

static size_t stored(const struct gateway_world *world)
{
    return table_model_count_all(world->tables, "orders");
}

static void a_duplicate_is_answered_with_its_original_offset(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    for (int32_t i = 0; i < 5; i++) {
        produce_now(world, client, i * 2, 2);
        expect_produced(client, 0, i * 2);
    }
    for (int32_t i = 0; i < 5; i++) {
        produce_now(world, client, i * 2, 2);
        expect_produced(client, 0, i * 2);
    }
    assert_int_equal(stored(world), 10);
    world_down(world);
}

static void a_duplicate_of_a_batch_under_way_waits_for_it(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *one = world_client(world), *again = world_client(world);

    produce_now(world, one, 0, 1);
    expect_produced(one, 0, 0);
    world->batch_us = SECOND_US;
    produce_now(world, one, 1, 3);
    produce_now(world, again, 1, 3);
    expect_nothing(one);
    expect_nothing(again);
    world_run(world, SECOND_US);
    expect_produced(one, 0, 1);
    expect_produced(again, 0, 1);
    assert_int_equal(stored(world), 4);
    assert_int_equal(world->batches, 2);
    world_down(world);
}

static void a_retry_after_the_deadline_joins_also_from_another_connection(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *one = world_client(world), *again;

    produce_now(world, one, 0, 1);
    expect_produced(one, 0, 0);
    world->batch_us = 6 * SECOND_US;
    (void)fake_client_produce(one, &(struct fake_produce){.topic = "orders",
                                                          .records = world_batch_of(world, 7, 1, 3),
                                                          .timeout_ms = 2000});
    (void)fake_client_produce(one, &(struct fake_produce){.topic = "orders",
                                                          .records = world_batch_of(world, 7, 4, 3),
                                                          .timeout_ms = 2000});
    world_run(world, 2 * SECOND_US);
    expect_produced(one, KAFKA_REQUEST_TIMED_OUT, -1);
    expect_produced(one, KAFKA_REQUEST_TIMED_OUT, -1);
    world_forget_client(world, one);
    again = world_client(world);
    produce(again, world_batch_of(world, 7, 1, 3));
    produce(again, world_batch_of(world, 7, 4, 3));
    world_run(world, SECOND_US);
    expect_nothing(again);
    world->batch_us = MS_US;
    world_run(world, 4 * SECOND_US);
    expect_produced(again, 0, 1);
    world_run(world, 4 * SECOND_US);
    expect_produced(again, 0, 4);
    assert_int_equal(stored(world), 7);
    world_down(world);
}

static void gaps_stale_epochs_and_old_batches_have_codes_of_their_own(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    for (int32_t i = 0; i < 7; i++) {
        produce_now(world, client, i, 1);
        expect_produced(client, 0, i);
    }
    produce_now(world, client, 8, 1);
    expect_produced(client, KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER, -1);
    produce_now(world, client, 0, 1);
    expect_produced(client, KAFKA_DUPLICATE_SEQUENCE_NUMBER, -1);
    (void)world_batch_of(world, 7, 0, 1);
    world->builder.producer_epoch = 1;
    produce(client, batch_build(&world->builder));
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 7);
    produce_now(world, client, 7, 1);
    expect_produced(client, KAFKA_INVALID_PRODUCER_EPOCH, -1);
    assert_int_equal(stored(world), 8);
    world_down(world);
}

static void
an_unknown_producer_that_does_not_begin_at_zero_is_let_in_after_ten_seconds(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    produce_now(world, client, 50, 2);
    expect_produced(client, KAFKA_NOT_ENOUGH_REPLICAS, -1);
    world_run(world, 5 * SECOND_US);
    produce_now(world, client, 50, 2);
    expect_produced(client, KAFKA_NOT_ENOUGH_REPLICAS, -1);
    world_run(world, 5 * SECOND_US);
    produce_now(world, client, 50, 2);
    expect_produced(client, 0, 0);
    produce_now(world, client, 52, 1);
    expect_produced(client, 0, 2);
    world_down(world);
}

static void the_first_batch_of_a_producer_may_come_after_its_second(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    produce_now(world, client, 2, 2);
    expect_produced(client, KAFKA_NOT_ENOUGH_REPLICAS, -1);
    produce_now(world, client, 4, 2);
    expect_produced(client, KAFKA_NOT_ENOUGH_REPLICAS, -1);
    produce_now(world, client, 0, 2);
    expect_produced(client, 0, 0);
    produce_now(world, client, 2, 2);
    expect_produced(client, 0, 2);
    produce_now(world, client, 4, 2);
    expect_produced(client, 0, 4);
    world_down(world);
}

static void after_a_restart_offsets_go_on_and_duplicates_are_still_known(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    for (int32_t i = 0; i < 7; i++)
        produce_now(world, client, i * 3, 3);
    world_restart(world, 10 * SECOND_US);
    client = world_client(world);
    for (int32_t i = 2; i < 7; i++) {
        produce_now(world, client, i * 3, 3);
        expect_produced(client, 0, i * 3);
    }
    produce_now(world, client, 24, 1);
    expect_produced(client, KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER, -1);
    produce_now(world, client, 21, 1);
    expect_produced(client, 0, 21);
    assert_int_equal(stored(world), 22);
    world_down(world);
}

static void producers_are_found_again_in_a_snapshot_many_batches_ago(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    for (int64_t producer = 1; producer <= 40; producer++) {
        produce(client, world_batch_of(world, producer, 0, 1));
        world_run(world, 20 * MS_US);
        expect_produced(client, 0, producer - 1);
    }
    for (int32_t i = 0; i < 30; i++) {
        produce_now(world, client, 1 + i * 100, 100);
        expect_produced(client, 0, 40 + i * 100);
    }
    world_restart(world, 10 * SECOND_US);
    client = world_client(world);
    for (int64_t producer = 1; producer <= 40; producer++) {
        produce(client, world_batch_of(world, producer, 0, 1));
        world_run(world, 20 * MS_US);
        if (producer != 7)
            expect_produced(client, 0, producer - 1);
        else
            expect_produced(client, KAFKA_DUPLICATE_SEQUENCE_NUMBER, -1);
    }
    world_down(world);
}

static void
behind_a_parked_batch_that_was_refused_the_code_stays_the_same_until_it_is_back(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world), *other;

    produce_now(world, client, 0, 1);
    expect_produced(client, 0, 0);
    fake_node_set_down(world->node, true);
    (void)fake_client_produce(client,
                              &(struct fake_produce){.topic = "orders",
                                                     .records = world_batch_of(world, 7, 1, 1),
                                                     .timeout_ms = 5000});
    world_run(world, 4500 * MS_US);
    expect_produced(client, KAFKA_NOT_ENOUGH_REPLICAS, -1);
    fake_node_set_down(world->node, false);
    world_run(world, 20 * SECOND_US);
    other = world_client(world);
    produce_now(world, other, 2, 1);
    expect_produced(other, KAFKA_NOT_ENOUGH_REPLICAS, -1);
    produce_now(world, client, 1, 1);
    expect_produced(client, 0, 1);
    produce_now(world, other, 2, 1);
    expect_produced(other, 0, 2);
    world_down(world);
}

static void behind_a_batch_that_met_a_lost_lease_there_is_no_gap(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    produce_now(world, client, 0, 1);
    expect_produced(client, 0, 0);
    stub_set_lease(false, world->net.now);
    produce_now(world, client, 1, 1);
    expect_produced(client, KAFKA_NOT_LEADER_OR_FOLLOWER, -1);
    stub_set_lease(true, world->net.now);
    produce_now(world, client, 2, 1);
    expect_produced(client, KAFKA_NOT_LEADER_OR_FOLLOWER, -1);
    produce_now(world, client, 1, 1);
    expect_produced(client, 0, 1);
    produce_now(world, client, 2, 1);
    expect_produced(client, 0, 2);
    world_down(world);
}

static void behind_a_batch_that_came_before_the_gateway_was_ready_there_is_no_gap(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    produce_now(world, client, 0, 1);
    stub.not_ready = true;
    world_restart(world, 10 * SECOND_US);
    client = world_client(world);
    (void)fake_client_produce(client,
                              &(struct fake_produce){.topic = "orders",
                                                     .records = world_batch_of(world, 7, 1, 1),
                                                     .timeout_ms = 5000});
    produce(client, world_batch_of(world, 7, 2, 1));
    world_run(world, 5 * SECOND_US);
    expect_produced(client, KAFKA_NOT_LEADER_OR_FOLLOWER, -1);
    stub_ready(world->net.now);
    world_run(world, 100 * MS_US);
    expect_produced(client, KAFKA_NOT_LEADER_OR_FOLLOWER, -1);
    produce_now(world, client, 1, 1);
    expect_produced(client, 0, 1);
    produce_now(world, client, 2, 1);
    expect_produced(client, 0, 2);
    world_down(world);
}

static void behind_batches_that_the_database_refused_there_is_no_gap(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    produce_now(world, client, 0, 1);
    expect_produced(client, 0, 0);
    fake_node_answer(world->node, CQL_BATCH, (struct fake_answer){.error = CQL_ERROR_INVALID});
    produce_now(world, client, 1, 1);
    expect_produced(client, KAFKA_STORAGE_ERROR, -1);
    produce_now(world, client, 2, 1);
    expect_produced(client, KAFKA_NOT_ENOUGH_REPLICAS, -1);
    produce_now(world, client, 3, 1);
    expect_produced(client, KAFKA_NOT_ENOUGH_REPLICAS, -1);
    produce_now(world, client, 1, 1);
    expect_produced(client, 0, 1);
    produce_now(world, client, 2, 1);
    expect_produced(client, 0, 2);
    produce_now(world, client, 4, 1); /* 3 was refused, too */
    expect_produced(client, KAFKA_NOT_ENOUGH_REPLICAS, -1);
    produce_now(world, client, 3, 1);
    expect_produced(client, 0, 3);
    produce_now(world, client, 4, 1);
    expect_produced(client, 0, 4);
    produce_now(world, client, 6, 1);
    expect_produced(client, KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER, -1); /* its own */
    world_down(world);
}

static void behind_a_batch_that_met_a_partition_without_its_table_there_is_no_gap(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    produce_now(world, client, 0, 1);
    world_restart(world, 10 * SECOND_US);
    client = world_client(world);
    fake_node_answer_times(world->node, CQL_QUERY, 1,
                           (struct fake_answer){.error = CQL_ERROR_INVALID});
    produce_now(world, client, 1, 1);
    expect_produced(client, KAFKA_STORAGE_ERROR, -1);
    world_run(world, 2 * SECOND_US);
    produce_now(world, client, 2, 1);
    expect_produced(client, KAFKA_STORAGE_ERROR, -1);
    produce_now(world, client, 1, 1);
    expect_produced(client, 0, 1);
    produce_now(world, client, 2, 1);
    expect_produced(client, 0, 2);
    world_down(world);
}

static struct gateway_world *with_segments_of_100(void)
{
    struct gateway_world *world = world_new(&alloc_heap);

    world->config.segment_max_rows = 100;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    world_run(world, 20 * MS_US);
    return world;
}

static void a_producer_is_found_again_many_segments_back(void **state)
{
    (void)state;
    struct gateway_world *world = with_segments_of_100();
    struct fake_client *client = world_client(world);

    produce(client, world_batch_of(world, 1, 0, 3));
    world_run(world, 20 * MS_US);
    produce(client, world_batch_of(world, 1, 3, 3));
    world_run(world, 20 * MS_US);
    expect_produced(client, 0, 0);
    expect_produced(client, 0, 3);
    for (int32_t i = 0; i < 20; i++) {
        produce_now(world, client, i * 60, 60);
        struct kafka_produce_partition_response produced;
        assert_true(fake_client_produced(client, &produced));
        assert_int_equal(produced.error_code, 0);
    }
    assert_true(table_model_count_all(world->tables, "sluice_segments") > 10);
    for (int round = 0; round < 3; round++) {
        world_restart(world, 10 * SECOND_US);
        client = world_client(world);
        produce(client, world_batch_of(world, 1, 0, 3));
        produce(client, world_batch_of(world, 1, 3, 3));
        world_run(world, SECOND_US);
        expect_produced(client, 0, 0);
        expect_produced(client, 0, 3);
    }
    produce(client, world_batch_of(world, 1, 7, 3));
    world_run(world, SECOND_US);
    expect_produced(client, KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER, -1);
    world_down(world);
}

static void a_producer_that_was_idle_for_a_day_is_forgotten_and_let_in_again(void **state)
{
    (void)state;
    struct gateway_world *world = with_segments_of_100();
    struct fake_client *client = world_client(world);

    produce(client, world_batch_of(world, 1, 0, 3));
    world_run(world, 20 * MS_US);
    expect_produced(client, 0, 0);
    produce_now(world, client, 0, 90);
    expect_produced(client, 0, 3);
    world_restart(world, 10 * SECOND_US); /* rows do not say when they were written: from now on */
    client = world_client(world);
    produce_now(world, client, 90, 5);
    expect_produced(client, 0, 93);
    world_restart(world, 25 * 3600 * SECOND_US);
    client = world_client(world);
    produce(client, world_batch_of(world, 1, 0, 3)); /* known until there is a new snapshot */
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 0);
    produce_now(world, client, 95, 55);
    expect_produced(client, 0, 98);
    produce(client, world_batch_of(world, 1, 3, 3));
    world_run(world, 100 * MS_US);
    expect_produced(client, KAFKA_NOT_ENOUGH_REPLICAS, -1);
    world_run(world, 11 * SECOND_US);
    produce(client, world_batch_of(world, 1, 3, 3));
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 153);
    world_down(world);
}

static void sequences_wrap_from_the_greatest_to_0_also_across_a_restart(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    const int32_t first = INT32_MAX - 2;

    produce_now(world, client, first, 2); /* let in after ten seconds */
    expect_produced(client, KAFKA_NOT_ENOUGH_REPLICAS, -1);
    world_run(world, 11 * SECOND_US);
    produce_now(world, client, first, 2);
    expect_produced(client, 0, 0);
    produce_now(world, client, INT32_MAX, 3); /* INT32_MAX, 0, 1 */
    expect_produced(client, 0, 2);
    world_restart(world, 10 * SECOND_US);
    client = world_client(world);
    produce_now(world, client, first, 2);
    expect_produced(client, 0, 0);
    produce_now(world, client, INT32_MAX, 3);
    expect_produced(client, 0, 2);
    produce_now(world, client, 2, 1);
    expect_produced(client, 0, 5);
    produce_now(world, client, 4, 1);
    expect_produced(client, KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER, -1);
    world_down(world);
}

static void an_epoch_is_remembered_across_a_restart(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    produce_now(world, client, 0, 2);
    expect_produced(client, 0, 0);
    (void)world_batch_of(world, 7, 0, 2);
    world->builder.producer_epoch = 3;
    produce(client, batch_build(&world->builder));
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 2);
    world_restart(world, 10 * SECOND_US);
    client = world_client(world);
    produce_now(world, client, 2, 2);
    expect_produced(client, KAFKA_INVALID_PRODUCER_EPOCH, -1);
    (void)world_batch_of(world, 7, 0, 2);
    world->builder.producer_epoch = 3;
    produce(client, batch_build(&world->builder));
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 2);
    world_down(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_duplicate_is_answered_with_its_original_offset),
        cmocka_unit_test(a_duplicate_of_a_batch_under_way_waits_for_it),
        cmocka_unit_test(a_retry_after_the_deadline_joins_also_from_another_connection),
        cmocka_unit_test(gaps_stale_epochs_and_old_batches_have_codes_of_their_own),
        cmocka_unit_test(
            an_unknown_producer_that_does_not_begin_at_zero_is_let_in_after_ten_seconds),
        cmocka_unit_test(the_first_batch_of_a_producer_may_come_after_its_second),
        cmocka_unit_test(after_a_restart_offsets_go_on_and_duplicates_are_still_known),
        cmocka_unit_test(producers_are_found_again_in_a_snapshot_many_batches_ago),
        cmocka_unit_test(
            behind_a_parked_batch_that_was_refused_the_code_stays_the_same_until_it_is_back),
        cmocka_unit_test(behind_a_batch_that_met_a_lost_lease_there_is_no_gap),
        cmocka_unit_test(behind_a_batch_that_came_before_the_gateway_was_ready_there_is_no_gap),
        cmocka_unit_test(behind_batches_that_the_database_refused_there_is_no_gap),
        cmocka_unit_test(behind_a_batch_that_met_a_partition_without_its_table_there_is_no_gap),
        cmocka_unit_test(a_producer_is_found_again_many_segments_back),
        cmocka_unit_test(a_producer_that_was_idle_for_a_day_is_forgotten_and_let_in_again),
        cmocka_unit_test(sequences_wrap_from_the_greatest_to_0_also_across_a_restart),
        cmocka_unit_test(an_epoch_is_remembered_across_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
