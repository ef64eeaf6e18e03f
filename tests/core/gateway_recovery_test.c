#define _GNU_SOURCE /* memmem */

/* Another process takes a partition over: what the tables hold decides where the log goes on. */
#include "tests/support/gateway_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "kafka/error.h"
#include "tests/support/failing_alloc.h"

static void produce(struct fake_client *client, struct slice records)
{
    (void)fake_client_produce(client,
                              &(struct fake_produce){.topic = "orders", .records = records});
}

static struct model_key row_in(int64_t segment, int64_t offset)
{
    return (struct model_key){"orders", 0, segment, offset};
}

static bool has(const struct gateway_world *world, int64_t offset)
{
    return table_model_has(world->tables, row_in(0, offset));
}

static size_t stored(const struct gateway_world *world)
{
    return table_model_count_all(world->tables, "orders");
}

/* Produces one batch with a client of its own and expects it at `offset`. */
static void produces_at(struct gateway_world *world, int32_t count, int64_t offset)
{
    struct fake_client *client = world_client(world);
    produce(client, world_batch(world, count));
    world_run(world, 3 * SECOND_US);
    expect_produced(client, 0, offset);
}

/* A batch that reaches the tables and is never acknowledged. */
static void produces_unanswered(struct gateway_world *world, struct slice records)
{
    world->no_answers = 1;
    produce(world->clients[0], records);
    world_run(world, 100 * MS_US);
    assert_int_equal(world->no_answers, 0);
}

static void what_was_not_acknowledged_but_is_whole_is_kept_and_written_again(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);

    produces_at(world, 3, 0);
    produces_unanswered(world, world_batch(world, 4));
    world_restart(world, 10 * SECOND_US);
    int64_t sealed_us = stub.sealed_below_us;
    produces_at(world, 2, 7);
    for (int64_t offset = 0; offset < 3; offset++)
        assert_true(table_model_written_us(world->tables, row_in(0, offset)) < sealed_us);
    for (int64_t offset = 3; offset < 9; offset++)
        assert_true(table_model_written_us(world->tables, row_in(0, offset)) > sealed_us);
    assert_int_equal(table_model_i64(world->tables, row_in(0, 3), "record_count"), 4);
    assert_true(
        slice_equal(table_model_cell(world->tables, row_in(0, 6), "value"), SLICE_LITERAL("v3")));
    assert_null(table_model_cell(world->tables, row_in(0, 6), "record_count").data);
    world_down(world);
}

/* An intercept: ids change just before the next BATCH. */
static bool change_ids(void *context, const struct fake_request *request,
                       struct fake_answer *answer)
{
    struct gateway_world *world = context;

    (void)answer;
    if (request->opcode != CQL_BATCH)
        return false;
    world->intercept = NULL;
    fake_node_change_ids(world->node);
    *answer = (struct fake_answer){.close = true};
    return true;
}

static void a_load_that_meets_other_ids_begins_again_with_those(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);

    produces_at(world, 3, 0);
    produces_unanswered(world, world_batch(world, 4));
    world_restart(world, 10 * SECOND_US);
    world->intercept = change_ids;
    world->intercept_context = world;
    struct fake_client *client = world_client(world);
    produce(client, world_batch(world, 2));
    world_run(world, 5 * SECOND_US);
    assert_null(world->intercept);
    assert_int_equal(fake_net_logged(&world->net, "rows could not be written again"), 1);
    expect_produced(client, KAFKA_STORAGE_ERROR, -1);
    produces_at(world, 2, 7);
    assert_int_equal(stored(world), 9);
    world_down(world);
}

static void kept_rows_keep_every_cell_and_get_none_that_they_had_not(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    const struct batch_header header = {SLICE_LITERAL("h"), SLICE_NULL};

    produces_at(world, 1, 0);
    batch_builder_reset(&world->builder);
    world->builder.producer_id = 9;
    world->builder.producer_epoch = 2;
    world->builder.base_sequence = 0;
    batch_add_with_headers(&world->builder, 11, SLICE_LITERAL(""), SLICE_NULL, &header, 1);
    batch_add(&world->builder, 12, SLICE_NULL, SLICE_LITERAL(""));
    produces_unanswered(world, batch_build(&world->builder));
    world_restart(world, 10 * SECOND_US);
    produces_at(world, 1, 3);
    struct slice key = table_model_cell(world->tables, row_in(0, 1), "key");
    assert_non_null(key.data);
    assert_int_equal(key.len, 0);
    assert_null(table_model_cell(world->tables, row_in(0, 1), "value").data);
    assert_int_equal(table_model_cell(world->tables, row_in(0, 1), "headers").len,
                     4 + 4 + 4 + 1 + 4);
    assert_int_equal(table_model_i64(world->tables, row_in(0, 1), "producer_epoch"), 2);
    assert_int_equal(table_model_i64(world->tables, row_in(0, 1), "timestamp"), 11);
    assert_null(table_model_cell(world->tables, row_in(0, 2), "key").data);
    assert_non_null(table_model_cell(world->tables, row_in(0, 2), "value").data);
    assert_null(table_model_cell(world->tables, row_in(0, 2), "producer_id").data);
    world_down(world);
}

static void rows_without_their_first_row_are_beyond_the_end_and_go(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    world->config.mutation_max_bytes = 100000;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    world_run(world, 20 * MS_US);
    produces_at(world, 1, 0);

    produce(world_client(world), world_batch(world, 1));
    world_run(world, 20 * MS_US);
    world->drop_batches = 0;
    world->batch_us = 100 * MS_US;
    produce(world->clients[1], world_large_batch(world, 7, 40000));
    world_run(world, 50 * MS_US);
    assert_false(has(world, 2));
    assert_true(has(world, 5));
    world_restart(world, 10 * SECOND_US);
    produces_at(world, 1, 2);
    assert_int_equal(stored(world), 3);
    for (int64_t offset = 3; offset < 10; offset++)
        assert_false(has(world, offset));
    world_down(world);
}

static void a_hole_ends_the_log_and_what_lies_behind_it_goes(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    produces_at(world, 1, 0);
    struct fake_client *client = world_client(world);

    world->drop_batches = 1;
    produce(client, world_batch(world, 40)); /* 1 to 40: lost */
    world_run(world, 2 * MS_US);
    world->no_answers = 1;
    produce(client, world_batch(world, 40)); /* 41 to 80: there */
    world_run(world, 2 * MS_US);
    assert_true(has(world, 41) && !has(world, 40));
    world_restart(world, 10 * SECOND_US);
    produces_at(world, 2, 1);
    assert_int_equal(stored(world), 3);
    world_down(world);
}

/* The body of the last BATCH that the node received, copied. */
static struct slice last_mutation(struct gateway_world *world, struct buf *copy)
{
    for (size_t i = world->node->log_count; i-- > 0;)
        if (world->node->log[i].opcode == CQL_BATCH) {
            assert_int_equal(buf_append(copy, world->node->log[i].body), STATUS_OK);
            return buf_unread(copy);
        }
    fail();
    return SLICE_NULL;
}

static void a_write_that_arrives_after_the_takeover_changes_nothing(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct model_answer answer;
    struct buf late;

    buf_init(&late, &alloc_heap, SIZE_MAX);
    produces_at(world, 1, 0);
    world->drop_batches = 1;
    produce(world->clients[0], world_batch(world, 5));
    world_run(world, 50 * MS_US);
    struct slice body = last_mutation(world, &late);
    world_restart(world, 10 * SECOND_US);
    produces_at(world, 2, 1);
    table_model_execute(world->tables, CQL_BATCH, body, &answer);
    assert_int_equal(answer.error, 0);
    assert_int_equal(stored(world), 3);
    assert_int_equal(table_model_i64(world->tables, row_in(0, 1), "record_count"), 2);
    produces_at(world, 4, 3);
    world_restart(world, 10 * SECOND_US);
    produces_at(world, 1, 7);
    assert_int_equal(stored(world), 8);
    buf_deinit(&late);
    world_down(world);
}

static void a_late_write_into_the_segment_above_changes_nothing_either(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    struct model_answer answer;
    struct buf late;
    world->config.segment_max_rows = 10;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    world_run(world, 20 * MS_US);

    buf_init(&late, &alloc_heap, SIZE_MAX);
    produces_at(world, 10, 0);
    world->drop_batches = 1;
    produce(world->clients[0], world_batch(world, 5));
    world_run(world, 50 * MS_US);
    struct slice body = last_mutation(world, &late);
    assert_int_equal(world_row_offset(world_mutation(world, 1), 0), 10);
    world_restart(world, 10 * SECOND_US);
    produces_at(world, 2, 20); /* the newest segment is empty: its offsets are not given */
    table_model_execute(world->tables, CQL_BATCH, body, &answer);
    assert_int_equal(answer.error, 0);
    assert_int_equal(stored(world), 12);
    buf_deinit(&late);
    world_down(world);
}

/* An intercept: the next index row is lost on its way, and kept in the buf. */
static bool lose_index_row(void *context, const struct fake_request *request,
                           struct fake_answer *answer)
{
    struct buf *late = context;
    if (request->opcode != CQL_QUERY || buf_len(late) > 0 ||
        memcmp(request->body.data + 4, "INSERT", 6) != 0)
        return false;
    assert_int_equal(buf_append(late, request->body), STATUS_OK);
    answer->silence = true;
    return true;
}

static void an_index_row_that_arrives_after_the_takeover_changes_nothing(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    struct model_answer answer;
    struct buf late;
    world->config.segment_max_rows = 100;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    world_run(world, 20 * MS_US);

    buf_init(&late, &alloc_heap, SIZE_MAX);
    produces_at(world, 80, 0);
    world->intercept = lose_index_row;
    world->intercept_context = &late;
    produce(world->clients[0], world_batch(world, 30)); /* would open segment 1 */
    world_run(world, 50 * MS_US);
    assert_true(buf_len(&late) > 0);
    world_restart(world, 10 * SECOND_US);
    produces_at(world, 5, 80);
    table_model_execute(world->tables, CQL_QUERY, buf_unread(&late), &answer);
    assert_int_equal(answer.error, 0);
    produces_unanswered(world, world_batch(world, 5));
    world_restart(world, 10 * SECOND_US);
    produces_at(world, 5, 90);
    assert_int_equal(table_model_count(world->tables, "orders", 0, 0), 95);
    buf_deinit(&late);
    world_down(world);
}

static void an_empty_newest_segment_is_left_behind_with_its_offsets(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    world->config.segment_max_rows = 100;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    world_run(world, 20 * MS_US);
    struct fake_client *client = world_client(world);

    for (int32_t i = 0; i < 5; i++) {
        produce(client, world_batch_of(world, 7, i * 20, 20));
        world_run(world, 100 * MS_US);
        expect_produced(client, 0, i * 20);
    }
    world->drop_batches = 1;
    produce(client, world_batch(world, 5));
    world_run(world, 50 * MS_US);
    assert_int_equal(table_model_count_all(world->tables, "sluice_segments"), 2);
    world_restart(world, 10 * SECOND_US);
    client = world_client(world);
    produce(client, world_batch_of(world, 7, 80, 20));
    produce(client, world_batch_of(world, 7, 100, 20));
    world_run(world, SECOND_US);
    expect_produced(client, 0, 80); /* its state was found in the segment before */
    expect_produced(client, 0, 200);
    assert_int_equal(table_model_count(world->tables, "orders", 0, 2), 20);
    world_down(world);
}

static void a_full_segment_is_followed_by_the_next_one(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    world->config.segment_max_rows = 100;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    world_run(world, 20 * MS_US);

    produces_at(world, 100, 0);
    world_restart(world, 10 * SECOND_US);
    produces_at(world, 30, 100);
    world_restart(world, 10 * SECOND_US);
    produces_at(world, 30, 130);
    produces_at(world, 50, 160);
    assert_int_equal(table_model_count(world->tables, "orders", 0, 1), 60);
    assert_int_equal(table_model_count(world->tables, "orders", 0, 2), 50);
    world_down(world);
}

static void
a_lost_row_below_stable_is_said_loudly_and_the_log_goes_on_in_a_new_segment(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);

    produces_at(world, 5, 0);
    produces_at(world, 5, 5);
    table_model_lose(world->tables, row_in(0, 3));
    world_restart(world, 10 * SECOND_US);
    produces_at(world, 1, 100000);
    assert_int_equal(fake_net_logged(&world->net, "lost acknowledged"), 1);
    assert_int_equal(table_model_count(world->tables, "orders", 0, 0), 9);
    assert_int_equal(table_model_count(world->tables, "orders", 0, 1), 1);
    world_restart(world, 10 * SECOND_US);
    produces_at(world, 1, 100001);
    assert_int_equal(fake_net_logged(&world->net, "lost acknowledged"), 0);
    world_down(world);
}

static void the_lost_row_may_be_the_last_below_stable(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);

    produces_at(world, 5, 0);
    produces_at(world, 5, 5);
    table_model_lose(world->tables, row_in(0, 4));
    world_restart(world, 10 * SECOND_US);
    produces_at(world, 1, 100000);
    assert_int_equal(fake_net_logged(&world->net, "lost acknowledged"), 1);
    world_down(world);
}

static void the_tail_is_read_page_by_page(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);

    produces_at(world, 10, 0);
    produces_unanswered(world, world_batch(world, 12000));
    world_restart(world, 10 * SECOND_US);
    produces_at(world, 1, 12010);
    assert_int_equal(stored(world), 12011);
    assert_true(table_model_written_us(world->tables, row_in(0, 10)) > stub.sealed_below_us);
    assert_true(table_model_written_us(world->tables, row_in(0, 12009)) > stub.sealed_below_us);
    world_down(world);
}

static void a_page_that_ends_at_stable_is_no_damage(void **state)
{
    (void)state;
    for (int32_t count = 498; count <= 502; count++) {
        struct gateway_world *world = world_up("orders", 1);
        produces_at(world, 5, 0);
        world_restart(world, 10 * SECOND_US); /* so that the next batch brings a snapshot */
        produces_at(world, 1, 5);
        world_restart(world, 10 * SECOND_US);
        world->batch_delays_us[1] = 100 * SECOND_US; /* the first one writes a kept row again */
        produce(world_client(world), world_batch(world, count));
        world_run(world, 100 * MS_US);
        assert_int_equal(world->batches, 2);
        world_restart(world, 10 * SECOND_US);
        produces_at(world, 1, 6 + count);
        assert_int_equal(fake_net_logged(&world->net, "lost"), 0);
        assert_int_equal(stored(world), (size_t)(7 + count));
        world_down(world);
    }
}

static void kept_rows_of_a_megabyte_each_are_written_again(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    stub.max_mutation_bytes = 3 * 1024 * 1024;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    world_run(world, 20 * MS_US);
    produces_at(world, 1, 0);

    world->batch_us = 5 * SECOND_US;
    for (int i = 0; i < 10; i++) {
        produce(world->clients[0], world_large_batch(world, 1, 1000000));
        world_run(world, MS_US);
    }
    size_t before = stored(world);
    assert_true(before >= 5);
    world_restart(world, 10 * SECOND_US);
    produces_at(world, 1, (int64_t)before);
    assert_true(table_model_written_us(world->tables, row_in(0, 4)) > stub.sealed_below_us);
    world_down(world);
}

static void large_rows_behind_many_small_ones_are_written_again(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    stub.max_mutation_bytes = 3 * 1024 * 1024;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    world_run(world, 20 * MS_US);
    produces_at(world, 1, 0);

    world->batch_us = 5 * SECOND_US;
    produce(world->clients[0], world_batch(world, 100));
    for (int i = 0; i < 3; i++) {
        world_run(world, MS_US);
        produce(world->clients[0], world_large_batch(world, 40, 20000));
    }
    world_run(world, MS_US);
    assert_int_equal(stored(world), 221);
    world_restart(world, 10 * SECOND_US);
    produces_at(world, 1, 221);
    assert_true(table_model_written_us(world->tables, row_in(0, 220)) > stub.sealed_below_us);
    world_down(world);
}

static void a_takeover_in_the_middle_of_a_takeover_loses_nothing(void **state)
{
    (void)state;
    for (int64_t us = 0; us < 40 * MS_US; us += 500) {
        struct gateway_world *world = world_up("orders", 1);
        produces_at(world, 3, 0);
        produces_unanswered(world, world_batch(world, 100));
        world_restart(world, 10 * SECOND_US);
        produce(world_client(world), world_batch_of(world, 5, 0, 7));
        world_run(world, us);
        size_t rows = stored(world);
        assert_true(rows == 103 || rows == 110);
        world_restart(world, 10 * SECOND_US);
        produces_at(world, 1, (int64_t)rows);
        assert_int_equal(stored(world), rows + 1);
        assert_int_equal(fake_net_logged(&world->net, "lost"), 0);
        world_down(world);
    }
}

static void a_partition_that_cannot_be_loaded_says_why_and_is_tried_again(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    produces_at(world, 3, 0);
    world_restart(world, 10 * SECOND_US);
    struct fake_client *client = world_client(world);

    fake_node_answer(
        world->node, CQL_QUERY,
        (struct fake_answer){.error = CQL_ERROR_UNAUTHORIZED, .message = "no SELECT for you"});
    produce(client, world_batch(world, 1));
    world_run(world, 100 * MS_US);
    expect_produced(client, KAFKA_STORAGE_ERROR, -1);
    assert_int_equal(fake_net_logged(&world->net, "no SELECT for you"), 1);
    world_run(world, SECOND_US);
    produce(client, world_batch(world, 1));
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 3);
    world_down(world);
}

static void a_table_that_is_gone_is_a_storage_error(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    produces_at(world, 3, 0);
    struct fake_client *client = world_client(world);

    table_model_drop(world->tables, "orders");
    produce(client, world_batch(world, 1));
    world_run(world, SECOND_US);
    expect_produced(client, KAFKA_STORAGE_ERROR, -1);
    produce(client, world_batch(world, 1));
    world_run(world, SECOND_US);
    expect_produced(client, KAFKA_STORAGE_ERROR, -1);
    world_down(world);
}

static void the_partition_is_not_answered_for_when_the_lease_ends_while_it_loads(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    produces_at(world, 3, 0);
    world_restart(world, 10 * SECOND_US);
    struct fake_client *client = world_client(world);

    produce(client, world_batch(world, 1));
    world_run(world, 3 * MS_US);
    stub_set_lease(false, world->net.now);
    world_run(world, 100 * MS_US);
    expect_produced(client, KAFKA_NOT_LEADER_OR_FOLLOWER, -1);
    assert_int_equal(stored(world), 3);
    stub_set_lease(true, world->net.now);
    world_run(world, 2 * SECOND_US);
    produce(client, world_batch(world, 1));
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 3);
    world_down(world);
}

/* One Produce with a record for each of so many partitions. */
static void produce_to_all(struct gateway_world *world, struct fake_client *client, int32_t count)
{
    struct kafka_produce_partition partitions[200];
    struct slice records = world_batch(world, 1);
    struct kafka_produce_topic topic = {
        .name = SLICE_LITERAL("orders"), .partitions = partitions, .partition_count = count};
    struct kafka_produce_request request = {
        .acks = -1, .timeout_ms = 30000, .topics = &topic, .topic_count = 1};

    for (int32_t i = 0; i < count; i++)
        partitions[i] = (struct kafka_produce_partition){.index = i, .records = records};
    (void)fake_client_send(client, KAFKA_PRODUCE, 8, &request);
}

static void expect_all_produced(struct fake_client *client, int32_t count)
{
    struct kafka_produce_response response;

    assert_true(fake_client_next(client, &response));
    assert_int_equal(response.topics[0].partition_count, count);
    for (int32_t i = 0; i < count; i++)
        assert_int_equal(response.topics[0].partitions[i].error_code, 0);
}

static void the_partitions_of_one_request_are_loaded_side_by_side(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 200);
    struct fake_client *client = world_client(world);

    produce_to_all(world, client, 200);
    world_run(world, 150 * MS_US); /* one after the other would take two seconds */
    expect_all_produced(client, 200);
    world_restart(world, 10 * SECOND_US);
    client = world_client(world);
    produce_to_all(world, client, 200);
    world_run(world, 150 * MS_US);
    expect_all_produced(client, 200);
    assert_int_equal(stored(world), 400);
    world_down(world);
}

/* The tails of the first 40 partitions are never read. */
static bool ignore_tails(void *context, const struct fake_request *request,
                         struct fake_answer *answer)
{
    unsigned *ignored = context;

    if (request->opcode != CQL_QUERY ||
        memmem(request->body.data, request->body.len, "TTL(", 4) == NULL || *ignored == 40)
        return false;
    (*ignored)++;
    answer->silence = true;
    return true;
}

static void partitions_that_cannot_be_read_do_not_hold_up_the_others(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 200);
    struct fake_client *stuck = world_client(world), *client = world_client(world);
    unsigned ignored = 0;

    world->intercept = ignore_tails;
    world->intercept_context = &ignored;
    produce_to_all(world, stuck, 200);
    world_run(world, 100 * MS_US);
    (void)fake_client_produce(client, &(struct fake_produce){.topic = "orders",
                                                             .partition = 199,
                                                             .records = world_batch(world, 1)});
    world_run(world, 7 * SECOND_US);
    expect_nothing(stuck);
    expect_produced(client, 0, 0);
    world_down(world);
}

/* Round n of the loop: a takeover with kept rows, in which the n-th allocation fails. */
static void takeover_round(struct failing_alloc *failing)
{
    struct gateway_world *world = world_up("orders", 1);
    struct kafka_metadata_response metadata;

    produces_at(world, 3, 0);
    produces_unanswered(world, world_batch_of(world, 7, 0, 100));
    world_kill(world);
    stub.sealed_below_us = world->net.now.wall_us + SECOND_US;
    world->net.now.wall_us += 2 * SECOND_US;
    world->config.alloc = &failing->alloc;
    if (world_start(world)) {
        world_run(world, 3 * SECOND_US);
        struct fake_client *client = world_client(world);
        if (client->client != NULL) /* whatever comes back */
            produce(client, world_batch_of(world, 7, 100, 1));
        world_run(world, 30 * SECOND_US);
        size_t rows = stored(world);
        assert_true(rows == 103 || rows == 104);
        failing->fail_at = 0;
        client = world_client(world);
        fake_client_ask_topic(client, "orders"); /* a topic that was not heard of is told again */
        world_run(world, SECOND_US);
        assert_true(fake_client_next(client, &metadata));
        produce(client, world_batch_of(world, 7, 0, 100));
        produce(client, world_batch(world, 1));
        world_run(world, 20 * SECOND_US);
        expect_produced(client, 0, 3);
        expect_produced(client, 0, (int64_t)rows);
        assert_int_equal(fake_net_logged(&world->net, "lost"), 0);
    }
    world_down(world);
}

static void a_failing_allocation_in_a_takeover_costs_no_record(void **state)
{
    (void)state;
    static struct failing_alloc failing;

    for (size_t n = 1; failing_alloc_next(&failing, n); n++)
        takeover_round(&failing);
    assert_true(failing.rounds > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_not_acknowledged_but_is_whole_is_kept_and_written_again),
        cmocka_unit_test(a_load_that_meets_other_ids_begins_again_with_those),
        cmocka_unit_test(kept_rows_keep_every_cell_and_get_none_that_they_had_not),
        cmocka_unit_test(rows_without_their_first_row_are_beyond_the_end_and_go),
        cmocka_unit_test(a_hole_ends_the_log_and_what_lies_behind_it_goes),
        cmocka_unit_test(a_write_that_arrives_after_the_takeover_changes_nothing),
        cmocka_unit_test(a_late_write_into_the_segment_above_changes_nothing_either),
        cmocka_unit_test(an_index_row_that_arrives_after_the_takeover_changes_nothing),
        cmocka_unit_test(an_empty_newest_segment_is_left_behind_with_its_offsets),
        cmocka_unit_test(a_full_segment_is_followed_by_the_next_one),
        cmocka_unit_test(
            a_lost_row_below_stable_is_said_loudly_and_the_log_goes_on_in_a_new_segment),
        cmocka_unit_test(the_lost_row_may_be_the_last_below_stable),
        cmocka_unit_test(the_tail_is_read_page_by_page),
        cmocka_unit_test(a_page_that_ends_at_stable_is_no_damage),
        cmocka_unit_test(kept_rows_of_a_megabyte_each_are_written_again),
        cmocka_unit_test(large_rows_behind_many_small_ones_are_written_again),
        cmocka_unit_test(a_takeover_in_the_middle_of_a_takeover_loses_nothing),
        cmocka_unit_test(a_partition_that_cannot_be_loaded_says_why_and_is_tried_again),
        cmocka_unit_test(a_table_that_is_gone_is_a_storage_error),
        cmocka_unit_test(the_partition_is_not_answered_for_when_the_lease_ends_while_it_loads),
        cmocka_unit_test(the_partitions_of_one_request_are_loaded_side_by_side),
        cmocka_unit_test(partitions_that_cannot_be_read_do_not_hold_up_the_others),
        cmocka_unit_test(a_failing_allocation_in_a_takeover_costs_no_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
