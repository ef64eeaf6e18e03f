/* The way of a record when nothing goes wrong: bytes of a Produce become rows, and an answer. */
#include "tests/support/gateway_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "cql/batch_request.h"
#include "kafka/error.h"
#include "kafka/init_producer_id.h"

static void produce(struct fake_client *client, int32_t partition, struct slice records)
{
    (void)fake_client_produce(
        client,
        &(struct fake_produce){.topic = "orders", .partition = partition, .records = records});
}

static struct model_key row(int32_t partition, int64_t offset)
{
    return (struct model_key){"orders", partition, 0, offset};
}

static void assert_cell(const struct gateway_world *world, struct model_key key, const char *column,
                        struct slice expected)
{
    struct slice cell = table_model_cell(world->tables, key, column);
    assert_int_equal(cell.data == NULL, expected.data == NULL);
    assert_true(slice_equal(cell, expected));
}

static void records_become_rows_with_their_exact_bytes(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    struct batch_builder *builder = &world->builder;

    batch_add(builder, 1700000000123, SLICE_LITERAL("key\0\xff"), SLICE_LITERAL("\x80value"));
    batch_add(builder, 1700000000100, SLICE_NULL, SLICE_NULL);
    batch_add(builder, -1, SLICE_LITERAL(""), SLICE_LITERAL(""));
    produce(client, 0, batch_build(builder));
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 0);
    assert_cell(world, row(0, 0), "key", SLICE_LITERAL("key\0\xff"));
    assert_cell(world, row(0, 0), "value", SLICE_LITERAL("\x80value"));
    assert_int_equal(table_model_i64(world->tables, row(0, 0), "timestamp"), 1700000000123);
    assert_true(table_model_has(world->tables, row(0, 1)));
    assert_cell(world, row(0, 1), "key", SLICE_NULL);
    assert_cell(world, row(0, 1), "value", SLICE_NULL);
    assert_cell(world, row(0, 1), "headers", SLICE_NULL);
    assert_int_equal(table_model_i64(world->tables, row(0, 1), "timestamp"), 1700000000100);
    assert_cell(world, row(0, 2), "key", SLICE_LITERAL(""));
    assert_cell(world, row(0, 2), "value", SLICE_LITERAL(""));
    assert_int_equal(table_model_i64(world->tables, row(0, 2), "timestamp"), -1);
    assert_int_equal(table_model_count_all(world->tables, "orders"), 3);
    world_down(world);
}

static void headers_become_a_list_of_tuples_and_a_null_value_stays_null(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    const struct batch_header headers[] = {{SLICE_LITERAL("a"), SLICE_LITERAL("12")},
                                           {SLICE_LITERAL(""), SLICE_LITERAL("")},
                                           {SLICE_LITERAL("n"), SLICE_NULL}};

    batch_add_with_headers(&world->builder, 5, SLICE_NULL, SLICE_NULL, headers, 3);
    produce(client, 0, batch_build(&world->builder));
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 0);
    assert_cell(world, row(0, 0), "headers",
                SLICE_LITERAL("\0\0\0\3"
                              "\0\0\0\x0b\0\0\0\1a\0\0\0\2"
                              "12"
                              "\0\0\0\x08\0\0\0\0\0\0\0\0"
                              "\0\0\0\x09\0\0\0\1n\xff\xff\xff\xff"));
    world_down(world);
}

static void a_hundred_headers_and_a_megabyte_value_arrive(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    struct batch_header headers[100];

    for (size_t i = 0; i < 100; i++)
        headers[i] = (struct batch_header){SLICE_LITERAL("name"), SLICE_LITERAL("value")};
    batch_add_with_headers(&world->builder, 5, SLICE_NULL, SLICE_NULL, headers, 100);
    produce(client, 0, batch_build(&world->builder));
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 0);
    assert_int_equal(table_model_cell(world->tables, row(0, 0), "headers").len,
                     4 + 100 * (4 + 8 + 4 + 5));
    produce(client, 0, world_large_batch(world, 1, 1000000));
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 1);
    assert_int_equal(table_model_cell(world->tables, row(0, 1), "value").len, 1000000);
    world_down(world);
}

static void a_record_with_more_headers_than_allowed_is_named_and_nothing_is_stored(void **state)
{
    (void)state;
    for (int32_t most = 0; most <= 3; most++) {
        struct gateway_world *world = world_new(&alloc_heap);
        struct kafka_produce_partition_response produced;
        struct batch_header headers[4];
        for (size_t i = 0; i < 4; i++)
            headers[i] = (struct batch_header){SLICE_LITERAL(""), SLICE_NULL};
        world->config.max_record_headers = most;
        stub_add_topic("orders", 1, world->net.now);
        assert_true(world_start(world));
        struct fake_client *client = world_client(world);
        batch_add_with_headers(&world->builder, 5, SLICE_NULL, SLICE_NULL, headers, most);
        produce(client, 0, batch_build(&world->builder));
        world_run(world, 2 * SECOND_US);
        expect_produced(client, 0, 0);
        batch_add_with_headers(&world->builder, 5, SLICE_NULL, SLICE_NULL, headers, most + 1);
        produce(client, 0, batch_build(&world->builder));
        world_run(world, SECOND_US);
        assert_true(fake_client_produced(client, &produced));
        assert_int_equal(produced.error_code, KAFKA_INVALID_RECORD);
        assert_int_equal(produced.record_error_count, 1);
        assert_int_equal(produced.record_errors[0].batch_index, 1);
        assert_true(slice_equal(produced.record_errors[0].batch_index_error_message,
                                SLICE_LITERAL("record has more headers than max_record_headers")));
        assert_int_equal(table_model_count_all(world->tables, "orders"), 1);
        world_down(world);
    }
}

static void the_first_row_of_a_batch_carries_what_recovery_needs(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    produce(client, 0, world_batch(world, 2));
    world_run(world, 100 * MS_US);
    produce(client, 0, world_batch_of(world, 77, 0, 3));
    world_run(world, 100 * MS_US);
    assert_cell(world, row(0, 0), "producer_id", SLICE_NULL);
    assert_cell(world, row(0, 0), "base_sequence", SLICE_NULL);
    assert_int_equal(table_model_i64(world->tables, row(0, 0), "record_count"), 2);
    assert_int_equal(table_model_i64(world->tables, row(0, 0), "stable"), 0);
    assert_non_null(table_model_cell(world->tables, row(0, 0), "producers").data);
    assert_cell(world, row(0, 1), "record_count", SLICE_NULL);
    assert_int_equal(table_model_i64(world->tables, row(0, 2), "producer_id"), 77);
    assert_int_equal(table_model_i64(world->tables, row(0, 2), "producer_epoch"), 0);
    assert_int_equal(table_model_i64(world->tables, row(0, 2), "base_sequence"), 0);
    assert_int_equal(table_model_i64(world->tables, row(0, 2), "record_count"), 3);
    assert_int_equal(table_model_i64(world->tables, row(0, 2), "stable"), 2);
    assert_cell(world, row(0, 2), "producers", SLICE_NULL);
    assert_cell(world, row(0, 3), "producer_id", SLICE_NULL);
    world_down(world);
}

static void every_codec_is_taken(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    for (enum kafka_codec codec = KAFKA_CODEC_NONE; codec <= KAFKA_CODEC_ZSTD; codec++) {
        world->builder.codec = codec;
        produce(client, 0, world_batch(world, 10));
        world_run(world, 100 * MS_US);
        expect_produced(client, 0, (int64_t)codec * 10);
        assert_cell(world, row(0, (int64_t)codec * 10 + 9), "value", SLICE_LITERAL("v9"));
    }
    world_down(world);
}

static void offsets_are_contiguous_over_batches_and_clients(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *one = world_client(world), *other = world_client(world);

    produce(one, 0, world_batch(world, 3));
    produce(other, 0, world_batch(world, 4));
    produce(one, 0, world_batch(world, 5));
    world_run(world, 100 * MS_US);
    expect_produced(one, 0, 0);
    expect_produced(other, 0,
                    3); /* while the partition was loaded one's second batch was not read */
    expect_produced(one, 0, 7);
    for (int64_t offset = 0; offset < 12; offset++)
        assert_true(table_model_has(world->tables, row(0, offset)));
    assert_int_equal(table_model_count_all(world->tables, "orders"), 12);
    world_down(world);
}

static void several_topics_and_partitions_ride_in_one_request(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 2);
    struct fake_client *client = world_client(world);
    struct batch_builder second;
    struct kafka_produce_response response;

    stub_add_topic("bills", 1, world->net.now);
    batch_builder_init(&second);
    batch_add(&second, 9, SLICE_NULL, SLICE_LITERAL("bill"));
    struct slice batch = world_batch(world, 2);
    struct kafka_produce_partition orders[] = {{1, batch}, {0, batch}};
    struct kafka_produce_partition bills[] = {{0, batch_build(&second)}, {1, batch_build(&second)}};
    struct kafka_produce_topic topics[] = {
        {.name = SLICE_LITERAL("orders"), .partitions = orders, .partition_count = 2},
        {.name = SLICE_LITERAL("bills"), .partitions = bills, .partition_count = 2}};
    struct kafka_produce_request request = {
        .acks = -1, .timeout_ms = 30000, .topics = topics, .topic_count = 2};
    (void)fake_client_send(client, KAFKA_PRODUCE, 9, &request);
    world_run(world, 100 * MS_US);
    assert_true(fake_client_next(client, &response));
    assert_int_equal(response.topic_count, 2);
    assert_true(slice_equal(response.topics[1].name, SLICE_LITERAL("bills")));
    assert_int_equal(response.topics[0].partitions[0].index, 1);
    assert_int_equal(response.topics[0].partitions[0].error_code, 0);
    assert_int_equal(response.topics[0].partitions[1].index, 0);
    assert_int_equal(response.topics[0].partitions[1].error_code, 0);
    assert_int_equal(response.topics[1].partitions[0].error_code, 0);
    assert_int_equal(response.topics[1].partitions[1].error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_int_equal(table_model_count_all(world->tables, "orders"), 4);
    assert_int_equal(table_model_count_all(world->tables, "bills"), 1);
    batch_builder_deinit(&second);
    world_down(world);
}

static void version_13_names_topics_by_id(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    struct kafka_produce_response response;
    struct kafka_produce_partition partition = {0, world_batch(world, 1)};
    struct kafka_produce_topic topics[] = {{.partitions = &partition, .partition_count = 1},
                                           {.partitions = &partition, .partition_count = 1}};
    struct kafka_produce_request request = {
        .acks = -1, .timeout_ms = 30000, .topics = topics, .topic_count = 2};

    memcpy(topics[0].topic_id, stub_topic_id("orders"), 16);
    topics[1].topic_id[0] = 1;
    (void)fake_client_send(client, KAFKA_PRODUCE, 13, &request);
    world_run(world, 100 * MS_US);
    assert_true(fake_client_next(client, &response));
    assert_memory_equal(response.topics[0].topic_id, stub_topic_id("orders"), 16);
    assert_int_equal(response.topics[0].partitions[0].error_code, 0);
    assert_int_equal(response.topics[1].partitions[0].error_code, KAFKA_UNKNOWN_TOPIC_ID);
    world_down(world);
}

static void unknown_topics_and_bad_acks_are_refused(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    struct slice batch = world_batch(world, 1);

    (void)fake_client_produce(client, &(struct fake_produce){.topic = "nobody", .records = batch});
    produce(client, 1, batch);
    produce(client, -1, batch);
    (void)fake_client_produce(
        client, &(struct fake_produce){.topic = "orders", .records = batch, .acks = 2});
    world_run(world, 100 * MS_US);
    expect_produced(client, KAFKA_UNKNOWN_TOPIC_OR_PARTITION, -1);
    expect_produced(client, KAFKA_UNKNOWN_TOPIC_OR_PARTITION, -1);
    expect_produced(client, KAFKA_UNKNOWN_TOPIC_OR_PARTITION, -1);
    expect_produced(client, KAFKA_INVALID_REQUIRED_ACKS, -1);
    assert_int_equal(table_model_count_all(world->tables, "orders"), 0);
    world_down(world);
}

static void acks_0_is_never_answered(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    (void)fake_client_produce(client, &(struct fake_produce){.topic = "orders",
                                                             .records = world_batch(world, 2),
                                                             .acks = FAKE_ACKS_NONE});
    world_run(world, 100 * MS_US);
    assert_int_equal(table_model_count_all(world->tables, "orders"), 2);
    assert_int_equal(buf_len(&client->output), 0);
    produce(client, 0, world_batch(world, 1));
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 2);
    world_down(world);
}

static void a_failure_with_acks_0_closes_the_connection(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    (void)fake_client_produce(client, &(struct fake_produce){.topic = "nobody",
                                                             .records = world_batch(world, 2),
                                                             .acks = FAKE_ACKS_NONE});
    world_run(world, 100 * MS_US);
    assert_int_equal(buf_len(&client->output), 0);
    assert_true(client->closed_by_gateway);
    world_down(world);
}

static void a_flawed_batch_is_refused_and_nothing_is_written(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    world->builder.flaws.crc_change = 1;
    produce(client, 0, world_batch(world, 3));
    world_run(world, 100 * MS_US);
    expect_produced(client, KAFKA_CORRUPT_MESSAGE, -1);
    world->builder.flaws = (struct batch_flaws){.attributes = KAFKA_BATCH_TRANSACTIONAL};
    produce(client, 0, world_batch_of(world, 9, 0, 3));
    world->builder.flaws = (struct batch_flaws){0};
    world->config.max_message_bytes = 100000;
    produce(client, 0, world_large_batch(world, 1, 100000));
    produce(client, 0, SLICE_NULL);
    world_run(world, 100 * MS_US);
    expect_produced(client, KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, -1);
    expect_produced(client, KAFKA_MESSAGE_TOO_LARGE, -1);
    expect_produced(client, KAFKA_INVALID_RECORD, -1);
    assert_int_equal(table_model_count_all(world->tables, "orders"), 0);
    assert_int_equal(world->batches, 0);
    world_down(world);
}

static void a_bad_record_is_named_by_its_index_and_leaves_its_neighbours_alone(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    struct kafka_produce_partition_response produced;

    produce(client, 0,
            world_batch(world, 2)); /* loads the partition, so that the rest comes at once */
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 0);
    produce(client, 0, world_batch(world, 2));
    batch_builder_reset(&world->builder);
    batch_add(&world->builder, 1, SLICE_NULL, SLICE_LITERAL("good"));
    batch_add(&world->builder, 1, SLICE_NULL, SLICE_LITERAL("good"));
    batch_add_raw(&world->builder,
                  &(struct batch_raw_record){.offset_delta = 7, .key_len = -1, .value_len = -1});
    produce(client, 0, batch_build(&world->builder));
    produce(client, 0, world_batch(world, 3));
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 2);
    assert_true(fake_client_produced(client, &produced));
    assert_int_equal(produced.error_code, KAFKA_INVALID_RECORD);
    assert_int_equal(produced.record_error_count, 1);
    assert_int_equal(produced.record_errors[0].batch_index, 2);
    expect_produced(client, 0, 4);
    assert_int_equal(table_model_count_all(world->tables, "orders"), 7);
    for (int64_t offset = 0; offset < 7; offset++)
        assert_true(table_model_has(world->tables, row(0, offset)));
    assert_cell(world, row(0, 4), "value", SLICE_LITERAL("v0"));
    world_down(world);
}

static void a_producer_gets_an_id_of_its_own_and_writes_with_it(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    struct kafka_init_producer_id_request request = KAFKA_INIT_PRODUCER_ID_REQUEST_DEFAULT;
    struct kafka_init_producer_id_response first, second;

    (void)fake_client_send(client, KAFKA_INIT_PRODUCER_ID, 4, &request);
    (void)fake_client_send(client, KAFKA_INIT_PRODUCER_ID, 4, &request);
    world_run(world, 10 * MS_US);
    assert_true(fake_client_next(client, &first));
    assert_true(fake_client_next(client, &second));
    assert_int_equal(first.error_code, 0);
    assert_int_equal(first.producer_epoch, 0);
    assert_true(first.producer_id != second.producer_id);
    produce(client, 0, world_batch_of(world, first.producer_id, 0, 1));
    produce(client, 0, world_batch_of(world, second.producer_id, 0, 1));
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 0);
    expect_produced(client, 0, 1);
    world_down(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_become_rows_with_their_exact_bytes),
        cmocka_unit_test(headers_become_a_list_of_tuples_and_a_null_value_stays_null),
        cmocka_unit_test(a_hundred_headers_and_a_megabyte_value_arrive),
        cmocka_unit_test(a_record_with_more_headers_than_allowed_is_named_and_nothing_is_stored),
        cmocka_unit_test(the_first_row_of_a_batch_carries_what_recovery_needs),
        cmocka_unit_test(every_codec_is_taken),
        cmocka_unit_test(offsets_are_contiguous_over_batches_and_clients),
        cmocka_unit_test(several_topics_and_partitions_ride_in_one_request),
        cmocka_unit_test(version_13_names_topics_by_id),
        cmocka_unit_test(unknown_topics_and_bad_acks_are_refused),
        cmocka_unit_test(acks_0_is_never_answered),
        cmocka_unit_test(a_failure_with_acks_0_closes_the_connection),
        cmocka_unit_test(a_flawed_batch_is_refused_and_nothing_is_written),
        cmocka_unit_test(a_bad_record_is_named_by_its_index_and_leaves_its_neighbours_alone),
        cmocka_unit_test(a_producer_gets_an_id_of_its_own_and_writes_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
