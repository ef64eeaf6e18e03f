/* Produce 0 to 2, and what a topic's settings and the broker's order of checks make of a Produce. */
#include "tests/support/gateway_world.h"
#include "tests/support/message_builder.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "core/gateway_internal.h"
#include "kafka/error.h"

#define TIME INT64_C(1700000000000)

static struct model_key row(int64_t offset)
{
    return (struct model_key){"orders", 0, 0, offset};
}

static void assert_cell(const struct gateway_world *world, int64_t offset, const char *column,
                        struct slice expected)
{
    struct slice cell = table_model_cell(world->tables, row(offset), column);
    assert_int_equal(cell.data == NULL, expected.data == NULL);
    assert_true(slice_equal(cell, expected));
}

static void send_version(struct fake_client *client, int16_t version, int16_t acks,
                         struct slice records)
{
    struct kafka_produce_partition partition = {0, records};
    struct kafka_produce_topic topic = {
        .name = SLICE_LITERAL("orders"), .partitions = &partition, .partition_count = 1};
    struct kafka_produce_request request = {
        .acks = acks, .timeout_ms = 30000, .topics = &topic, .topic_count = 1};

    (void)fake_client_send(client, KAFKA_PRODUCE, version, &request);
}

/* What the answer says of the one partition. */
static struct kafka_produce_partition_response produced(struct gateway_world *world,
                                                        struct fake_client *client)
{
    struct kafka_produce_partition_response produced;

    world_run(world, 100 * MS_US);
    assert_true(fake_client_produced(client, &produced));
    return produced;
}

static void expect(struct gateway_world *world, struct fake_client *client, int16_t version,
                   struct slice records, int16_t code)
{
    send_version(client, version, -1, records);
    assert_int_equal(produced(world, client).error_code, code);
}

static struct record_rules *rules(struct gateway_world *world)
{
    return &topics_find(&world->gateway->topics, SLICE_LITERAL("orders"))->rules;
}

static int64_t wall_ms(const struct gateway_world *world)
{
    return world->net.now.wall_us / 1000;
}

/* ------------------------------------------------------------------ Produce 0 to 2 */

static void messages_of_every_old_version_become_rows(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    for (int16_t version = 0; version < 3; version++) {
        struct message_builder builder;
        struct kafka_produce_response response;
        message_builder_init(&builder, version == 2 ? 1 : 0);
        message_add(&builder, TIME, SLICE_LITERAL("key\0\xff"), SLICE_LITERAL("\x80value"));
        message_add(&builder, TIME + 1, SLICE_NULL, SLICE_NULL);
        send_version(client, version, -1, message_set(&builder));
        world_run(world, 100 * MS_US);
        assert_true(fake_client_next(client, &response));
        assert_int_equal(response.throttle_time_ms, 0);
        assert_int_equal(response.topics[0].partitions[0].error_code, 0);
        assert_int_equal(response.topics[0].partitions[0].base_offset, version * 2);
        assert_int_equal(response.topics[0].partitions[0].log_append_time_ms, -1);
        assert_cell(world, version * 2, "key", SLICE_LITERAL("key\0\xff"));
        assert_cell(world, version * 2, "value", SLICE_LITERAL("\x80value"));
        assert_cell(world, version * 2, "headers", SLICE_NULL);
        assert_cell(world, version * 2, "producer_id", SLICE_NULL);
        assert_int_equal(table_model_i64(world->tables, row(version * 2), "record_count"), 2);
        assert_int_equal(table_model_i64(world->tables, row(version * 2), "timestamp"),
                         version == 2 ? TIME : -1);
        assert_cell(world, version * 2 + 1, "key", SLICE_NULL);
        assert_cell(world, version * 2 + 1, "value", SLICE_NULL);
        message_builder_deinit(&builder);
    }
    assert_int_equal(table_model_count_all(world->tables, "orders"), 6);
    world_down(world);
}

static void compressed_messages_become_rows_of_their_own(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    const enum kafka_codec codecs[] = {KAFKA_CODEC_GZIP, KAFKA_CODEC_SNAPPY, KAFKA_CODEC_LZ4};

    for (int i = 0; i < 6; i++) {
        struct message_builder builder;
        message_builder_init(&builder, i % 2 == 0 ? 0 : 1);
        builder.lz4_checksum_change = i % 2 == 0 ? 0x17 : 0; /* KAFKA-3160 */
        message_add(&builder, TIME, SLICE_NULL, SLICE_LITERAL("first"));
        message_add(&builder, TIME + 1, SLICE_LITERAL("k"), SLICE_LITERAL("second"));
        message_wrap(&builder, codecs[i / 2]);
        expect(world, client, i % 2 == 0 ? 0 : 2, message_set(&builder), 0);
        assert_cell(world, i * 2, "value", SLICE_LITERAL("first"));
        assert_cell(world, i * 2 + 1, "value", SLICE_LITERAL("second"));
        assert_int_equal(table_model_i64(world->tables, row(i * 2 + 1), "timestamp"),
                         i % 2 == 0 ? -1 : TIME + 1);
        message_builder_deinit(&builder);
    }
    world_down(world);
}

static void two_thousand_old_messages_take_several_mutations_and_consecutive_offsets(
    void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    struct message_builder builder;

    message_builder_init(&builder, 1);
    world->config.mutation_max_bytes = 32 * 1024;
    for (int i = 0; i < 2000; i++)
        message_add(&builder, TIME, SLICE_NULL, SLICE_LITERAL("tiny"));
    message_wrap(&builder, KAFKA_CODEC_SNAPPY);
    send_version(client, 2, -1, message_set(&builder));
    world_run(world, 2 * SECOND_US);
    expect_produced(client, 0, 0);
    assert_int_equal(table_model_count_all(world->tables, "orders"), 2000);
    assert_true(world->batches > 1);
    expect(world, client, 2, message_set(&builder), 0);
    assert_true(table_model_has(world->tables, row(2000)));
    message_builder_deinit(&builder);
    world_down(world);
}

static void old_versions_take_batches_and_new_versions_no_messages(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    struct message_builder builder;

    message_builder_init(&builder, 1);
    message_add(&builder, TIME, SLICE_NULL, SLICE_LITERAL("value"));
    for (int16_t version = 0; version < 3; version++)
        expect(world, client, version, world_batch(world, 2), 0);
    for (int16_t version = 3; version < 13; version++)
        expect(world, client, version, message_set(&builder), KAFKA_INVALID_RECORD);
    assert_int_equal(table_model_count_all(world->tables, "orders"), 6);
    message_builder_deinit(&builder);
    world_down(world);
}

static void a_flawed_message_takes_the_whole_set_back(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    for (int wrapped = 0; wrapped < 2; wrapped++) {
        struct message_builder builder;
        message_builder_init(&builder, 1);
        message_add(&builder, TIME, SLICE_NULL, SLICE_LITERAL("good"));
        builder.value_len_change = 1;
        message_add(&builder, TIME, SLICE_NULL, SLICE_LITERAL("bad"));
        builder.value_len_change = 0;
        if (wrapped)
            message_wrap(&builder, KAFKA_CODEC_GZIP);
        expect(world, client, 2, message_set(&builder), KAFKA_INVALID_RECORD);
        message_builder_deinit(&builder);
    }
    expect(world, client, 9, world_batch(world, 1), 0);
    assert_int_equal(table_model_count_all(world->tables, "orders"), 1);
    assert_cell(world, 0, "value", SLICE_LITERAL("v0"));
    world_down(world);
}

static void a_bomb_in_a_wrapper_is_too_large(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    struct message_builder builder;
    static const uint8_t zeros[100000];

    world->config.max_decompressed_bytes = 50000;
    message_builder_init(&builder, 1);
    message_add(&builder, TIME, SLICE_NULL, slice_make(zeros, sizeof(zeros)));
    message_wrap(&builder, KAFKA_CODEC_GZIP);
    expect(world, client, 2, message_set(&builder), KAFKA_MESSAGE_TOO_LARGE);
    assert_int_equal(world->batches, 0);
    message_builder_deinit(&builder);
    world_down(world);
}

static void old_messages_with_acks_0_are_stored_and_never_answered(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    struct message_builder builder;

    message_builder_init(&builder, 0);
    message_add(&builder, TIME, SLICE_NULL, SLICE_LITERAL("value"));
    for (int16_t version = 0; version < 3; version++)
        send_version(client, version, 0, message_set(&builder));
    world_run(world, 100 * MS_US);
    assert_int_equal(buf_len(&client->output), 0);
    assert_int_equal(table_model_count_all(world->tables, "orders"), 3);
    builder.crc_change = 1;
    message_add(&builder, TIME, SLICE_NULL, SLICE_LITERAL("value"));
    send_version(client, 1, 0, message_set(&builder));
    world_run(world, 100 * MS_US);
    assert_true(client->closed_by_gateway);
    message_builder_deinit(&builder);
    world_down(world);
}

/* ------------------------------------------------------------------ a topic's settings */

static void a_compacted_topic_refuses_a_record_without_a_key_by_its_index(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    struct kafka_produce_partition_response answer;

    rules(world)->is_compacted = true;
    batch_add(&world->builder, TIME, SLICE_LITERAL(""), SLICE_LITERAL("an empty key is one"));
    batch_add(&world->builder, TIME, SLICE_NULL, SLICE_LITERAL("no key"));
    send_version(client, 9, -1, batch_build(&world->builder));
    answer = produced(world, client);
    assert_int_equal(answer.error_code, KAFKA_INVALID_RECORD);
    assert_int_equal(answer.record_error_count, 1);
    assert_int_equal(answer.record_errors[0].batch_index, 1);
    assert_true(answer.record_errors[0].batch_index_error_message.len > 0);
    expect(world, client, 9, world_batch(world, 3), 0);
    assert_int_equal(table_model_count_all(world->tables, "orders"), 3);
    world_down(world);
}

static void timestamps_beyond_the_topics_bounds_are_refused(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    const struct {
        int64_t from_now_ms;
        int16_t code;
    } cases[] = {{-1000, 0},
                 {-2000, KAFKA_INVALID_TIMESTAMP},
                 {500, 0},
                 {1500, KAFKA_INVALID_TIMESTAMP}};

    rules(world)->timestamp_before_max_ms = 1500;
    rules(world)->timestamp_after_max_ms = 1000;
    expect(world, client, 9, world_batch(world, 1), KAFKA_INVALID_TIMESTAMP); /* loads it, too */
    for (size_t i = 0; i < 4; i++) {
        batch_builder_reset(&world->builder);
        batch_add(&world->builder, wall_ms(world) + cases[i].from_now_ms, SLICE_NULL, SLICE_NULL);
        expect(world, client, 9, batch_build(&world->builder), cases[i].code);
    }
    const int64_t far[] = {INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < 2; i++) {
        batch_builder_reset(&world->builder);
        batch_add(&world->builder, far[i], SLICE_NULL, SLICE_NULL);
        expect(world, client, 9, batch_build(&world->builder), KAFKA_INVALID_TIMESTAMP);
    }
    batch_builder_reset(&world->builder); /* -1 is no timestamp */
    batch_add(&world->builder, -1, SLICE_NULL, SLICE_NULL);
    expect(world, client, 9, batch_build(&world->builder), 0);
    world_down(world);
}

static void with_log_append_time_rows_and_answer_have_the_time_of_arrival(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    struct message_builder builder;
    struct kafka_produce_partition_response answer;

    rules(world)->is_log_append_time = true;
    rules(world)->timestamp_before_max_ms = 1; /* not looked at */
    message_builder_init(&builder, 0);
    message_add(&builder, 0, SLICE_NULL, SLICE_LITERAL("old"));
    for (int i = 0; i < 2; i++) {
        int64_t before = wall_ms(world);
        send_version(client, i == 0 ? 2 : 9, -1,
                     i == 0 ? message_set(&builder) : world_batch(world, 1));
        answer = produced(world, client);
        assert_int_equal(answer.error_code, 0);
        assert_in_range(answer.log_append_time_ms, before, wall_ms(world));
        assert_int_equal(table_model_i64(world->tables, row(i), "timestamp"),
                         answer.log_append_time_ms);
    }
    expect(world, client, 9, SLICE_NULL, KAFKA_INVALID_RECORD);
    message_builder_deinit(&builder);
    world_down(world);
}

static void a_topics_own_size_limit_counts_for_the_next_batch(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    rules(world)->max_message_bytes = 2000;
    expect(world, client, 9, world_large_batch(world, 1, 2000), KAFKA_MESSAGE_TOO_LARGE);
    rules(world)->max_message_bytes = 2000000;
    expect(world, client, 9, world_large_batch(world, 1, 1900000), 0);
    rules(world)->max_message_bytes = 0;
    expect(world, client, 9, world_large_batch(world, 1, 1900000), KAFKA_MESSAGE_TOO_LARGE);
    world_down(world);
}

/* ------------------------------------------------------------------ the order of checks */

static void one_transactional_batch_refuses_the_whole_request(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 2);
    struct fake_client *client = world_client(world);
    struct kafka_produce_response response;
    struct batch_builder plain;

    batch_builder_init(&plain);
    batch_add(&plain, TIME, SLICE_NULL, SLICE_LITERAL("value"));
    world->builder.flaws.attributes = KAFKA_BATCH_TRANSACTIONAL;
    struct kafka_produce_partition partitions[] = {{0, batch_build(&plain)},
                                                   {1, world_batch_of(world, 9, 0, 1)},
                                                   {7, batch_build(&plain)}};
    struct kafka_produce_topic topic = {
        .name = SLICE_LITERAL("orders"), .partitions = partitions, .partition_count = 3};
    struct kafka_produce_request request = {.transactional_id = SLICE_LITERAL("tx"),
                                            .acks = -1,
                                            .timeout_ms = 30000,
                                            .topics = &topic,
                                            .topic_count = 1};
    (void)fake_client_send(client, KAFKA_PRODUCE, 9, &request);
    world_run(world, 100 * MS_US);
    assert_true(fake_client_next(client, &response));
    for (int i = 0; i < 3; i++)
        assert_int_equal(response.topics[0].partitions[i].error_code,
                         KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    assert_int_equal(table_model_count_all(world->tables, "orders"), 0);
    request.topics[0].partition_count = 1; /* the id alone does no harm */
    (void)fake_client_send(client, KAFKA_PRODUCE, 9, &request);
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 0);
    batch_builder_deinit(&plain);
    world_down(world);
}

static void an_unknown_partition_comes_before_bad_acks_and_has_its_code_with_a_known_id(
    void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    struct kafka_produce_response response;
    struct slice batch = world_batch(world, 1);
    struct kafka_produce_partition partitions[] = {{0, batch}, {1, batch}};
    struct kafka_produce_topic topics[] = {{.partitions = partitions, .partition_count = 2},
                                           {.partitions = partitions, .partition_count = 1}};
    struct kafka_produce_request request = {
        .acks = 5, .timeout_ms = 30000, .topics = topics, .topic_count = 2};

    memcpy(topics[0].topic_id, stub_topic_id("orders"), 16);
    (void)fake_client_send(client, KAFKA_PRODUCE, 13, &request);
    world_run(world, 100 * MS_US);
    assert_true(fake_client_next(client, &response));
    assert_int_equal(response.topics[0].partitions[0].error_code, KAFKA_INVALID_REQUIRED_ACKS);
    assert_int_equal(response.topics[0].partitions[1].error_code,
                     KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_int_equal(response.topics[1].partitions[0].error_code, KAFKA_UNKNOWN_TOPIC_ID);
    world_down(world);
}

static void a_partition_named_twice_in_one_request_is_answered_and_stored_twice(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    struct kafka_produce_response response;
    struct slice batch = world_batch(world, 2);
    struct kafka_produce_partition partitions[] = {{0, batch}, {0, batch}};
    struct kafka_produce_topic topics[] = {
        {.name = SLICE_LITERAL("orders"), .partitions = partitions, .partition_count = 2},
        {.name = SLICE_LITERAL("orders"), .partitions = partitions, .partition_count = 1}};
    struct kafka_produce_request request = {
        .acks = -1, .timeout_ms = 30000, .topics = topics, .topic_count = 2};

    (void)fake_client_send(client, KAFKA_PRODUCE, 12, &request);
    world_run(world, 100 * MS_US);
    assert_true(fake_client_next(client, &response));
    assert_int_equal(response.topics[0].partitions[0].base_offset, 0);
    assert_int_equal(response.topics[0].partitions[1].base_offset, 2);
    assert_int_equal(response.topics[1].partitions[0].base_offset, 4);
    assert_int_equal(table_model_count_all(world->tables, "orders"), 6);
    world_down(world);
}

static struct kafka_produce_response waited_in_vain(struct gateway_world *world,
                                                    struct fake_client *client, int16_t version)
{
    struct kafka_produce_partition partition = {0, world_batch(world, 1)};
    struct kafka_produce_topic topic = {
        .name = SLICE_LITERAL("orders"), .partitions = &partition, .partition_count = 1};
    struct kafka_produce_request request = {
        .acks = -1, .timeout_ms = 1000, .topics = &topic, .topic_count = 1};
    struct kafka_produce_response response;

    (void)fake_client_send(client, KAFKA_PRODUCE, version, &request);
    world_run(world, SECOND_US);
    assert_true(fake_client_next(client, &response));
    assert_int_equal(response.topics[0].partitions[0].error_code, KAFKA_NOT_LEADER_OR_FOLLOWER);
    return response;
}

/* KIP-951 */
static void code_6_tells_from_version_10_on_who_leads_when_that_is_known(void **state)
{
    (void)state;
    for (int16_t version = 9; version <= 12; version++) {
        struct gateway_world *world = world_up("orders", 1);
        struct fake_client *client = world_client(world);
        struct kafka_produce_response response;
        bool told = version >= 10;

        world->node->mute = true; /* the partition is never loaded */
        response = waited_in_vain(world, client, version);
        assert_int_equal(response.topics[0].partitions[0].current_leader.leader_id,
                         told ? world->config.node_id : -1);
        assert_int_equal(response.node_endpoint_count, told ? 1 : 0);
        if (told) {
            assert_int_equal(response.node_endpoints[0].node_id, world->config.node_id);
            assert_true(response.node_endpoints[0].host.len > 0);
            assert_true(response.node_endpoints[0].port > 0);
        }
        stub_set_lease(false, world->net.now);
        response = waited_in_vain(world, client, version);
        assert_int_equal(response.topics[0].partitions[0].current_leader.leader_id, -1);
        assert_int_equal(response.node_endpoint_count, 0);
        world_down(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_every_old_version_become_rows),
        cmocka_unit_test(compressed_messages_become_rows_of_their_own),
        cmocka_unit_test(
            two_thousand_old_messages_take_several_mutations_and_consecutive_offsets),
        cmocka_unit_test(old_versions_take_batches_and_new_versions_no_messages),
        cmocka_unit_test(a_flawed_message_takes_the_whole_set_back),
        cmocka_unit_test(a_bomb_in_a_wrapper_is_too_large),
        cmocka_unit_test(old_messages_with_acks_0_are_stored_and_never_answered),
        cmocka_unit_test(a_compacted_topic_refuses_a_record_without_a_key_by_its_index),
        cmocka_unit_test(timestamps_beyond_the_topics_bounds_are_refused),
        cmocka_unit_test(with_log_append_time_rows_and_answer_have_the_time_of_arrival),
        cmocka_unit_test(a_topics_own_size_limit_counts_for_the_next_batch),
        cmocka_unit_test(one_transactional_batch_refuses_the_whole_request),
        cmocka_unit_test(
            an_unknown_partition_comes_before_bad_acks_and_has_its_code_with_a_known_id),
        cmocka_unit_test(a_partition_named_twice_in_one_request_is_answered_and_stored_twice),
        cmocka_unit_test(code_6_tells_from_version_10_on_who_leads_when_that_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
