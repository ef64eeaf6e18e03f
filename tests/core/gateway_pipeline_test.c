/* From admitted rows to durable ones: group commit, order, large batches, segments, budget. */
#include "tests/support/gateway_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "cql/batch_request.h"
#include "kafka/error.h"

static void produce(struct fake_client *client, struct slice records)
{
    (void)fake_client_produce(client,
                              &(struct fake_produce){.topic = "orders", .records = records});
}

/* With one batch of one record written, so that the partition is loaded and its segment open. */
static struct gateway_world *loaded(struct fake_client **client)
{
    struct gateway_world *world = world_up("orders", 1);
    *client = world_client(world);
    produce(*client, world_batch(world, 1));
    world_run(world, 100 * MS_US);
    expect_produced(*client, 0, 0);
    return world;
}

static size_t stored(const struct gateway_world *world)
{
    return table_model_count_all(world->tables, "orders");
}

static struct model_key row_in(int64_t segment, int64_t offset)
{
    return (struct model_key){"orders", 0, segment, offset};
}

static void small_batches_ride_together_behind_the_one_under_way(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);

    world->batch_us = 50 * MS_US;
    produce(client, world_batch(world, 1));
    world_run(world, 5 * MS_US);
    assert_int_equal(world->batches, 2); /* alone it leaves at once */
    for (int i = 0; i < 10; i++) {
        produce(client, world_batch(world, 2));
        world_run(world, MS_US);
    }
    assert_int_equal(world->batches, 2);
    world_run(world, 50 * MS_US);
    assert_int_equal(world->batches, 3);
    assert_int_equal(world_mutation(world, 2)->statement_count, 20);
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 1);
    for (int i = 0; i < 10; i++)
        expect_produced(client, 0, 2 + 2 * i);
    world_down(world);
}

static void what_comes_in_one_turn_leaves_in_one_mutation(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);
    struct fake_client *other = world_client(world);

    produce(client, world_batch(world, 3));
    produce(other, world_batch(world, 4));
    world_run(world, 100 * MS_US);
    assert_int_equal(world->batches, 2);
    assert_int_equal(world_mutation(world, 1)->statement_count, 7);
    expect_produced(client, 0, 1);
    expect_produced(other, 0, 4);
    world_down(world);
}

static void at_most_four_mutations_of_a_partition_are_under_way(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);

    world->batch_us = SECOND_US;
    for (int i = 0; i < 40; i++) {
        produce(client, world_batch(world, 100));
        world_run(world, 2 * MS_US);
    }
    assert_int_equal(world->batches, 5);
    world_run(world, 10 * SECOND_US);
    for (int i = 0; i < 40; i++)
        expect_produced(client, 0, 1 + i * 100);
    assert_int_equal(stored(world), 4001);
    world_down(world);
}

static void a_full_pipeline_of_large_batches_parks_the_producer(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    world->config.mutation_max_bytes = 100000; /* each batch below takes several parts */
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    world_run(world, 20 * MS_US);
    struct fake_client *client = world_client(world);
    struct gateway_counts counts;

    produce(client, world_batch(world, 1));
    world_run(world, 20 * MS_US);
    expect_produced(client, 0, 0);
    world->batch_us = SECOND_US;
    for (int i = 0; i < 40; i++)
        produce(client, world_large_batch(world, 4, 60000));
    world_run(world, 500 * MS_US);
    gateway_get_counts(world->gateway, &counts);
    assert_true(counts.batches <= 5);
    world->batch_us = MS_US;
    world_run(world, 20 * SECOND_US);
    for (int i = 0; i < 40; i++)
        expect_produced(client, 0, 1 + i * 4);
    world_down(world);
}

static void acknowledgements_come_in_offset_order_whatever_order_answers_have(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);

    world->batch_delays_us[1] = 300 * MS_US;
    world->batch_delays_us[2] = 10 * MS_US;
    world->batch_delays_us[3] = 200 * MS_US;
    for (int i = 0; i < 3; i++) {
        produce(client, world_batch(world, 40));
        world_run(world, MS_US);
    }
    assert_int_equal(world->batches, 4);
    world_run(world, 250 * MS_US);
    expect_nothing(client);
    world_run(world, 50 * MS_US);
    expect_produced(client, 0, 1);
    expect_produced(client, 0, 41);
    expect_produced(client, 0, 81);
    world_down(world);
}

static void stable_says_what_is_acknowledged_when_a_batch_is_admitted(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);

    world->batch_us = 100 * MS_US;
    for (int i = 0; i < 3; i++) {
        produce(client, world_batch(world, 40));
        world_run(world, MS_US);
    }
    world_run(world, SECOND_US);
    produce(client, world_batch(world, 1));
    world_run(world, SECOND_US);
    assert_int_equal(table_model_i64(world->tables, row_in(0, 1), "stable"), 1);
    assert_int_equal(table_model_i64(world->tables, row_in(0, 41), "stable"), 1);
    assert_int_equal(table_model_i64(world->tables, row_in(0, 81), "stable"), 1);
    assert_int_equal(table_model_i64(world->tables, row_in(0, 121), "stable"), 121);
    world_down(world);
}

static void write_timestamps_rise_from_mutation_to_mutation(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);
    int64_t last = 0;

    world->batch_us = 10 * MS_US;
    for (int i = 0; i < 6; i++)
        produce(client, world_batch(world, 300));
    world_run(world, SECOND_US);
    for (unsigned i = 0; i < world->batches; i++) {
        const struct cql_batch_request *mutation = world_mutation(world, i);
        assert_int_equal(mutation->type, CQL_BATCH_UNLOGGED);
        assert_int_equal(mutation->consistency, CQL_CONSISTENCY_LOCAL_QUORUM);
        assert_true(mutation->has_timestamp && mutation->timestamp_us > last);
        last = mutation->timestamp_us;
    }
    world_down(world);
}

/* A world whose mutations hold about two of the rows of world_large_batch(.., 40000). */
static struct gateway_world *with_small_mutations(struct fake_client **client)
{
    struct gateway_world *world = world_new(&alloc_heap);
    world->config.mutation_max_bytes = 100000;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    world_run(world, 20 * MS_US);
    *client = world_client(world);
    produce(*client, world_batch(world, 1));
    world_run(world, 100 * MS_US);
    expect_produced(*client, 0, 0);
    return world;
}

static void a_batch_too_large_for_a_mutation_takes_several_and_its_first_row_goes_last(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = with_small_mutations(&client);

    world->batch_us = 50 * MS_US;
    produce(client, world_large_batch(world, 7, 40000));
    world_run(world, 40 * MS_US);
    assert_int_equal(world->batches, 4); /* three parts, without the first */
    assert_false(table_model_has(world->tables, row_in(0, 1)));
    for (int64_t offset = 3; offset < 8; offset++)
        assert_true(table_model_has(world->tables, row_in(0, offset)));
    expect_nothing(client);
    world_run(world, 50 * MS_US);
    assert_int_equal(world->batches, 5);
    assert_int_equal(world_row_offset(world_mutation(world, 4), 0), 1);
    expect_nothing(client);
    world_run(world, 50 * MS_US);
    expect_produced(client, 0, 1);
    assert_int_equal(stored(world), 8);
    assert_int_equal(table_model_i64(world->tables, row_in(0, 1), "record_count"), 7);
    world_down(world);
}

static void batches_behind_a_large_one_wait_for_it(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = with_small_mutations(&client);

    world->batch_delays_us[1] = 500 * MS_US;
    produce(client, world_batch(world, 2));
    produce(client, world_large_batch(world, 7, 40000));
    produce(client, world_batch(world, 2));
    world_run(world, 400 * MS_US);
    expect_nothing(client);
    world_run(world, SECOND_US);
    expect_produced(client, 0, 1);
    expect_produced(client, 0, 3);
    expect_produced(client, 0, 10);
    assert_int_equal(stored(world), 12);
    world_down(world);
}

static void a_bad_record_in_a_later_part_takes_all_parts_back(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = with_small_mutations(&client);
    struct kafka_produce_partition_response produced;

    produce(client, world_batch(world, 2));
    (void)world_large_batch(world, 7, 40000);
    batch_add_raw(&world->builder,
                  &(struct batch_raw_record){.offset_delta = 1, .key_len = -1, .value_len = -1});
    produce(client, batch_build(&world->builder));
    produce(client, world_batch(world, 2));
    world_run(world, SECOND_US);
    expect_produced(client, 0, 1);
    assert_true(fake_client_produced(client, &produced));
    assert_int_equal(produced.error_code, KAFKA_INVALID_RECORD);
    assert_int_equal(produced.record_errors[0].batch_index, 7);
    expect_produced(client, 0, 3);
    assert_int_equal(stored(world), 5);
    world_down(world);
}

static void a_record_larger_than_a_mutation_may_be_is_too_large(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);

    stub.max_mutation_bytes = 500000;
    produce(client, world_large_batch(world, 1, 600000));
    produce(client, world_batch(world, 2));
    world_run(world, SECOND_US);
    expect_produced(client, KAFKA_MESSAGE_TOO_LARGE, -1);
    expect_produced(client, 0, 1);
    world_down(world);
}

/* --- segments --- */

static struct gateway_world *with_small_segments(struct fake_client **client)
{
    struct gateway_world *world = world_new(&alloc_heap);
    world->config.segment_max_rows = 100;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    world_run(world, 20 * MS_US);
    *client = world_client(world);
    produce(*client, world_batch(world, 60));
    world_run(world, 100 * MS_US);
    expect_produced(*client, 0, 0);
    return world;
}

static void a_segment_ends_before_the_batch_that_would_exceed_it(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = with_small_segments(&client);

    produce(client, world_batch(world, 40));
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 60);
    produce(client, world_batch(world, 50));
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 100);
    produce(client, world_batch(world, 51));
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 150);
    assert_int_equal(table_model_count(world->tables, "orders", 0, 0), 100);
    assert_int_equal(table_model_count(world->tables, "orders", 0, 1), 50);
    assert_int_equal(table_model_count(world->tables, "orders", 0, 2), 51);
    assert_int_equal(table_model_count_all(world->tables, "sluice_segments"), 3);
    assert_non_null(table_model_cell(world->tables, row_in(1, 100), "producers").data);
    world_down(world);
}

static void a_batch_larger_than_a_segment_has_one_of_its_own(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = with_small_segments(&client);

    produce(client, world_batch(world, 250));
    produce(client, world_batch(world, 1));
    world_run(world, SECOND_US);
    expect_produced(client, 0, 60);
    expect_produced(client, 0, 310);
    assert_int_equal(table_model_count(world->tables, "orders", 0, 1), 250);
    assert_int_equal(table_model_count(world->tables, "orders", 0, 2), 1);
    world_down(world);
}

static void the_first_batch_of_all_may_be_larger_than_a_segment(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    world->config.segment_max_rows = 100;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    world_run(world, 20 * MS_US);
    struct fake_client *client = world_client(world);

    produce(client, world_batch(world, 250));
    produce(client, world_batch(world, 1));
    world_run(world, SECOND_US);
    expect_produced(client, 0, 0);
    expect_produced(client, 0, 250);
    assert_int_equal(table_model_count(world->tables, "orders", 0, 0), 250);
    assert_int_equal(table_model_count(world->tables, "orders", 0, 1), 1);
    world_down(world);
}

/* Position in the node's log of the n-th request with this opcode; the index rows are QUERYs. */
static size_t index_row_place(const struct gateway_world *world, unsigned n)
{
    for (size_t i = 0; i < world->node->log_count; i++) {
        const struct fake_request *request = &world->node->log[i];
        if (request->opcode == CQL_QUERY && request->body.len > 20 &&
            memcmp(request->body.data + 4, "INSERT", 6) == 0 && n-- == 0)
            return i;
    }
    fail_msg("so many index rows were not written");
    return 0;
}

static int64_t mutation_at_us(const struct gateway_world *world, unsigned n)
{
    for (size_t i = 0; i < world->node->log_count; i++)
        if (world->node->log[i].opcode == CQL_BATCH && n-- == 0)
            return world->node->log[i].at_us;
    fail_msg("so many mutations have not come");
    return 0;
}

static void the_index_row_comes_before_the_segment_and_after_all_of_the_one_before(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = with_small_segments(&client);

    world->batch_delays_us[1] = 500 * MS_US;
    produce(client, world_batch(world, 40)); /* mutation 1, slow */
    produce(client, world_batch(world, 70)); /* mutation 2, in the next segment */
    world_run(world, 400 * MS_US);
    assert_int_equal(world->batches, 2);
    assert_int_equal(table_model_count_all(world->tables, "sluice_segments"), 1);
    world_run(world, SECOND_US);
    expect_produced(client, 0, 60);
    expect_produced(client, 0, 100);
    int64_t index_us = world->node->log[index_row_place(world, 1)].at_us;
    assert_true(index_us >= mutation_at_us(world, 1) + 500 * MS_US);
    assert_true(mutation_at_us(world, 2) >= index_us + FAKE_ANSWER_DELAY_US);
    world_down(world);
}

static void clients_that_wait_for_a_segment_are_served_one_after_the_other(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = with_small_segments(&client);
    struct fake_client *others[3];

    world->batch_us = 100 * MS_US;
    produce(client, world_batch(world, 90)); /* opens segment 1, which is not there yet */
    for (size_t i = 0; i < 3; i++) {
        others[i] = world_client(world);
        produce(others[i], world_batch(world, 90)); /* each needs another one */
    }
    world_run(world, 3 * SECOND_US);
    expect_produced(client, 0, 60);
    for (int64_t i = 0; i < 3; i++)
        expect_produced(others[i], 0, 150 + 90 * i);
    assert_int_equal(table_model_count_all(world->tables, "sluice_segments"), 5);
    world_down(world);
}

static void refused_batches_do_not_fill_a_segment(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    struct kafka_produce_partition_response produced;
    world->config.segment_max_bytes = 100000;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    world_run(world, 20 * MS_US);
    struct fake_client *client = world_client(world);

    produce(client, world_batch(world, 1));
    for (int i = 0; i < 10; i++) {
        (void)world_large_batch(world, 1, 50000);
        batch_add_raw(&world->builder, &(struct batch_raw_record){.offset_delta = 7});
        produce(client, batch_build(&world->builder));
    }
    produce(client, world_batch(world, 1));
    world_run(world, SECOND_US);
    expect_produced(client, 0, 0);
    for (int i = 0; i < 10; i++) {
        assert_true(fake_client_produced(client, &produced));
        assert_int_equal(produced.error_code, KAFKA_INVALID_RECORD);
    }
    expect_produced(client, 0, 1);
    assert_int_equal(table_model_count(world->tables, "orders", 0, 0), 2);
    world_down(world);
}

static void a_segment_of_large_records_ends_by_its_bytes(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    world->config.segment_max_bytes = 100000;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    struct fake_client *client = world_client(world);

    for (int i = 0; i < 4; i++)
        produce(client, world_large_batch(world, 1, 40000));
    world_run(world, SECOND_US);
    for (int i = 0; i < 4; i++)
        expect_produced(client, 0, i);
    assert_int_equal(table_model_count(world->tables, "orders", 0, 0), 2);
    assert_int_equal(table_model_count(world->tables, "orders", 0, 1), 2);
    world_down(world);
}

/* --- memory --- */

static void past_the_memory_budget_producers_wait_and_go_on(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    struct gateway_counts counts;
    world->config.memory_bytes = 300000;
    world->config.mutation_group_rows = 1;
    stub_add_topic("orders", 4, world->net.now);
    assert_true(world_start(world));
    world_run(world, 20 * MS_US);
    struct fake_client *clients[4];
    for (int32_t i = 0; i < 4; i++) {
        clients[i] = world_client(world);
        (void)fake_client_produce(clients[i],
                                  &(struct fake_produce){"orders", i, world_batch(world, 1), 0, 0});
    }
    world_run(world, 100 * MS_US);
    for (int32_t i = 0; i < 4; i++)
        expect_produced(clients[i], 0, 0);

    world->batch_us = SECOND_US;
    for (int32_t n = 0; n < 5; n++)
        for (int32_t i = 0; i < 4; i++)
            (void)fake_client_produce(
                clients[i],
                &(struct fake_produce){"orders", i, world_large_batch(world, 1, 60000), 0, 0});
    world_run(world, 500 * MS_US);
    gateway_get_counts(world->gateway, &counts);
    assert_true(counts.batches - 4 < 8);
    assert_true(counts.held_bytes < 1000000);
    world_run(world, 20 * SECOND_US);
    for (int32_t n = 0; n < 5; n++)
        for (int32_t i = 0; i < 4; i++)
            expect_produced(clients[i], 0, 1 + n);
    gateway_get_counts(world->gateway, &counts);
    assert_true(counts.held_bytes < 100000);
    world_down(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_batches_ride_together_behind_the_one_under_way),
        cmocka_unit_test(what_comes_in_one_turn_leaves_in_one_mutation),
        cmocka_unit_test(at_most_four_mutations_of_a_partition_are_under_way),
        cmocka_unit_test(a_full_pipeline_of_large_batches_parks_the_producer),
        cmocka_unit_test(acknowledgements_come_in_offset_order_whatever_order_answers_have),
        cmocka_unit_test(stable_says_what_is_acknowledged_when_a_batch_is_admitted),
        cmocka_unit_test(write_timestamps_rise_from_mutation_to_mutation),
        cmocka_unit_test(
            a_batch_too_large_for_a_mutation_takes_several_and_its_first_row_goes_last),
        cmocka_unit_test(batches_behind_a_large_one_wait_for_it),
        cmocka_unit_test(a_bad_record_in_a_later_part_takes_all_parts_back),
        cmocka_unit_test(a_record_larger_than_a_mutation_may_be_is_too_large),
        cmocka_unit_test(a_segment_ends_before_the_batch_that_would_exceed_it),
        cmocka_unit_test(a_batch_larger_than_a_segment_has_one_of_its_own),
        cmocka_unit_test(the_first_batch_of_all_may_be_larger_than_a_segment),
        cmocka_unit_test(the_index_row_comes_before_the_segment_and_after_all_of_the_one_before),
        cmocka_unit_test(clients_that_wait_for_a_segment_are_served_one_after_the_other),
        cmocka_unit_test(refused_batches_do_not_fill_a_segment),
        cmocka_unit_test(a_segment_of_large_records_ends_by_its_bytes),
        cmocka_unit_test(past_the_memory_budget_producers_wait_and_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
