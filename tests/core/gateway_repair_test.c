#define _GNU_SOURCE /* memmem */

/* The database refuses a batch in mid-pipeline: it hurts only its own producer. */
#include "tests/support/gateway_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "kafka/error.h"
#include "tests/support/failing_alloc.h"

/* The node refuses mutations with a value that contains this, and remembers what it was sent. */
#define POISON "poison"

struct trap {
    struct buf bodies[256]; /* of BATCHes, in order of arrival */
    size_t count;
    unsigned lose; /* so many BATCHes are kept and neither executed nor answered */
};

static bool refuse_poison(void *context, const struct fake_request *request,
                          struct fake_answer *answer)
{
    struct trap *trap = context;

    if (request->opcode != CQL_BATCH)
        return false;
    assert_true(trap->count < 256);
    struct buf *copy = &trap->bodies[trap->count++];
    buf_init(copy, &alloc_heap, SIZE_MAX);
    assert_int_equal(buf_append(copy, request->body), STATUS_OK);
    if (trap->lose > 0) {
        trap->lose--;
        answer->silence = true;
        return true;
    }
    if (memmem(request->body.data, request->body.len, POISON, strlen(POISON)) == NULL)
        return false;
    answer->by_default = false;
    answer->error = CQL_ERROR_INVALID;
    answer->message = "the value is not to our taste";
    return true;
}

static void free_trap(struct trap *trap)
{
    for (size_t i = 0; i < trap->count; i++)
        buf_deinit(&trap->bodies[i]);
    trap->count = 0;
}

/* Everything that was ever sent is executed once more, in any order. */
static void execute_all_again(struct gateway_world *world, struct trap *trap)
{
    struct model_answer answer;

    for (size_t i = trap->count; i-- > 0;) {
        struct slice body = buf_unread(&trap->bodies[i]);
        if (memmem(body.data, body.len, POISON, strlen(POISON)) == NULL)
            table_model_execute(world->tables, CQL_BATCH, body, &answer);
    }
}

static struct trap *set_trap(struct gateway_world *world)
{
    static struct trap trap;

    free_trap(&trap);
    trap.lose = 0;
    world->intercept = refuse_poison;
    world->intercept_context = &trap;
    return &trap;
}

static struct slice batch_of(struct gateway_world *world, int64_t id, int32_t sequence,
                             int32_t count, const char *value)
{
    batch_builder_reset(&world->builder);
    world->builder.producer_id = id;
    world->builder.producer_epoch = id < 0 ? -1 : 0;
    world->builder.base_sequence = id < 0 ? -1 : sequence;
    for (int32_t i = 0; i < count; i++) {
        char text[64];
        snprintf(text, sizeof(text), "%d/%d %s", (int)id, sequence + i, value);
        batch_add(&world->builder, 1700000000000 + i, SLICE_NULL, slice_cstr(text));
    }
    return batch_build(&world->builder);
}

static void produce(struct fake_client *client, struct slice records)
{
    (void)fake_client_produce(client,
                              &(struct fake_produce){.topic = "orders", .records = records});
}

/* What the clients of a loaded partition send while a first batch of producer 1 is under way, so
 * that it travels in one mutation. */
static struct gateway_world *with_one_under_way(struct fake_client **clients, size_t count)
{
    struct gateway_world *world = world_up("orders", 1);

    for (size_t i = 0; i < count; i++)
        clients[i] = world_client(world);
    produce(clients[0], batch_of(world, 1, 0, 1, "first"));
    world_run(world, 100 * MS_US);
    expect_produced(clients[0], 0, 0);
    set_trap(world);
    world->batch_us = 20 * MS_US;
    produce(clients[0], batch_of(world, 1, 1, 1, "second"));
    world_run(world, MS_US);
    return world;
}

static struct model_key row(int64_t offset)
{
    return (struct model_key){"orders", 0, 0, offset};
}

static bool is_at(const struct gateway_world *world, int64_t offset, const char *text)
{
    return slice_equal(table_model_cell(world->tables, row(offset), "value"), slice_cstr(text));
}

static void expect_rows(const struct gateway_world *world, int64_t end)
{
    assert_int_equal(table_model_count_all(world->tables, "orders"), (size_t)end);
    for (int64_t offset = 0; offset < end; offset++)
        assert_true(table_model_has(world->tables, row(offset)));
}

static void of_batches_in_one_mutation_only_the_guilty_one_is_refused(void **state)
{
    (void)state;
    struct fake_client *clients[4];
    struct gateway_world *world = with_one_under_way(clients, 4);
    struct trap *trap = world->intercept_context;

    produce(clients[1], batch_of(world, 2, 0, 2, "fine"));
    produce(clients[2], batch_of(world, 3, 0, 3, POISON));
    produce(clients[3], batch_of(world, 4, 0, 4, "fine"));
    world_run(world, SECOND_US);
    expect_produced(clients[0], 0, 1);
    expect_produced(clients[1], 0, 2);
    expect_produced(clients[2], KAFKA_STORAGE_ERROR, -1);
    expect_produced(clients[3], 0, 4);
    expect_rows(world, 8);
    assert_true(is_at(world, 2, "2/0 fine") && is_at(world, 4, "4/0 fine"));
    assert_int_equal(table_model_i64(world->tables, row(4), "record_count"), 4);
    assert_int_equal(fake_net_logged(&world->net, "partition loaded"), 1); /* not again */
    execute_all_again(world, trap);
    expect_rows(world, 8);
    produce(clients[0], batch_of(world, 1, 2, 1, "third"));
    world_run(world, SECOND_US);
    expect_produced(clients[0], 0, 8);
    world_down(world);
}

static void batches_behind_a_refused_mutation_are_written_again(void **state)
{
    (void)state;
    struct fake_client *clients[4];
    struct gateway_world *world = with_one_under_way(clients, 4);
    struct trap *trap = world->intercept_context;

    world->batch_us = 100 * MS_US;
    world->batch_delays_us[2] = 50 * MS_US;
    produce(clients[1], batch_of(world, 3, 0, 40, POISON)); /* a mutation each */
    world_run(world, MS_US);
    produce(clients[2], batch_of(world, 2, 0, 40, "sent"));
    world_run(world, MS_US);
    produce(clients[3], batch_of(world, 4, 0, 5, "waits"));
    world_run(world, 10 * MS_US);
    assert_true(is_at(world, 42, "2/0 sent"));
    world_run(world, SECOND_US);
    expect_produced(clients[0], 0, 1);
    expect_produced(clients[1], KAFKA_STORAGE_ERROR, -1);
    expect_produced(clients[2], 0, 2);
    expect_produced(clients[3], 0, 42);
    expect_rows(world, 47);
    assert_true(is_at(world, 2, "2/0 sent") && is_at(world, 42, "4/0 waits"));
    execute_all_again(world, trap);
    expect_rows(world, 47);
    assert_true(is_at(world, 2, "2/0 sent") && is_at(world, 42, "4/0 waits"));
    world_restart(world, 10 * SECOND_US);
    struct fake_client *client = world_client(world);
    produce(client, batch_of(world, 2, 0, 40, "sent")); /* a duplicate, found again */
    produce(client, batch_of(world, 4, 5, 1, "more"));
    world_run(world, 3 * SECOND_US);
    expect_produced(client, 0, 2);
    expect_produced(client, 0, 47);
    world_down(world);
}

static void behind_its_refused_batch_a_producer_gets_19_until_it_is_back(void **state)
{
    (void)state;
    struct fake_client *clients[2];
    struct gateway_world *world = with_one_under_way(clients, 2);

    for (int32_t i = 0; i < 3; i++)
        produce(clients[1], batch_of(world, 2, i * 2, 2, "fine"));
    produce(clients[1], batch_of(world, 2, 6, 2, POISON));
    produce(clients[1], batch_of(world, 2, 8, 2, "behind"));
    produce(clients[1], batch_of(world, 2, 10, 2, "behind"));
    produce(clients[0], batch_of(world, 1, 2, 1, "third"));
    world_run(world, 2 * SECOND_US);
    expect_produced(clients[0], 0, 1);
    for (int32_t i = 0; i < 3; i++)
        expect_produced(clients[1], 0, 2 + i * 2);
    expect_produced(clients[1], KAFKA_STORAGE_ERROR, -1);
    expect_produced(clients[1], KAFKA_NOT_ENOUGH_REPLICAS, -1);
    expect_produced(clients[1], KAFKA_NOT_ENOUGH_REPLICAS, -1);
    expect_produced(clients[0], 0, 8);
    produce(clients[1], batch_of(world, 2, 8, 2, "behind"));
    world_run(world, SECOND_US);
    expect_produced(clients[1], KAFKA_NOT_ENOUGH_REPLICAS, -1);
    for (int32_t i = 3; i < 6; i++)
        produce(clients[1], batch_of(world, 2, i * 2, 2, "fine"));
    for (int32_t i = 1; i < 6; i++)
        produce(clients[1], batch_of(world, 2, i * 2, 2, "fine"));
    produce(clients[1], batch_of(world, 2, 0, 2, "fine"));
    world_run(world, SECOND_US);
    for (int32_t i = 3; i < 6; i++)
        expect_produced(clients[1], 0, 3 + i * 2);
    for (int32_t i = 1; i < 6; i++)
        expect_produced(clients[1], 0, (i < 3 ? 2 : 3) + i * 2);
    expect_produced(clients[1], KAFKA_DUPLICATE_SEQUENCE_NUMBER, -1);
    expect_rows(world, 15);
    world_down(world);
}

static void a_window_full_of_batches_that_are_taken_back_still_knows_where_it_was(void **state)
{
    (void)state;
    struct fake_client *clients[2];
    struct gateway_world *world = with_one_under_way(clients, 2);

    produce(clients[1], batch_of(world, 2, 0, 2, "fine"));
    world_run(world, 100 * MS_US);
    expect_produced(clients[0], 0, 1);
    expect_produced(clients[1], 0, 2);
    produce(clients[0], batch_of(world, 1, 2, 1, "third"));
    world_run(world, MS_US);
    produce(clients[1], batch_of(world, 2, 2, 2, POISON));
    for (int32_t i = 2; i < 8; i++) /* more than five behind it */
        produce(clients[1], batch_of(world, 2, i * 2, 2, "fine"));
    world_run(world, SECOND_US);
    expect_produced(clients[1], KAFKA_STORAGE_ERROR, -1);
    for (int32_t i = 2; i < 8; i++)
        expect_produced(clients[1], KAFKA_NOT_ENOUGH_REPLICAS, -1);
    produce(clients[1], batch_of(world, 2, 0, 2, "fine"));
    produce(clients[1], batch_of(world, 2, 2, 2, "fine"));
    world_run(world, SECOND_US);
    expect_produced(clients[1], KAFKA_DUPLICATE_SEQUENCE_NUMBER, -1); /* no longer in the window */
    expect_produced(clients[1], 0, 5);
    world_down(world);
}

static void a_refusal_after_doubt_is_definite_once_it_is_sealed(void **state)
{
    (void)state;
    struct fake_client *clients[2];
    struct gateway_world *world = with_one_under_way(clients, 2);
    struct trap *trap = world->intercept_context;

    trap->lose = 1; /* this attempt may be applied any time */
    world->config.request_timeout_us = 12 * SECOND_US;
    produce(clients[1], batch_of(world, 2, 0, 40, "lost"));
    world_run(world, 100 * MS_US);
    expect_produced(clients[0], 0, 1);
    fake_node_answer(world->node, CQL_BATCH, (struct fake_answer){.error = CQL_ERROR_INVALID});
    world_run(world, 15 * SECOND_US);
    expect_produced(clients[1], KAFKA_STORAGE_ERROR, -1);
    expect_rows(world, 2);
    execute_all_again(world, trap);
    expect_rows(world, 2);
    produce(clients[1], batch_of(world, 2, 0, 3, "fine"));
    world_run(world, SECOND_US);
    expect_produced(clients[1], 0, 2);
    execute_all_again(world, trap);
    expect_rows(world, 5);
    assert_true(is_at(world, 2, "2/0 fine"));
    world_down(world);
}

static void the_snapshot_of_a_segment_survives_the_refusal_of_its_first_batch(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    world->config.segment_max_rows = 100;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    world_run(world, 20 * MS_US);
    struct fake_client *client = world_client(world);

    set_trap(world);
    produce(client, batch_of(world, 7, 0, 90, "fine"));
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 0);
    world->batch_us = 20 * MS_US;
    produce(client, batch_of(world, 8, 0, 5, "fine"));
    world_run(world, MS_US);
    produce(client, batch_of(world, 9, 0, 20, POISON)); /* begins segment 1 */
    produce(client, batch_of(world, 8, 5, 5, "fine"));
    world_run(world, SECOND_US);
    expect_produced(client, 0, 90);
    expect_produced(client, KAFKA_STORAGE_ERROR, -1);
    expect_produced(client, 0, 95);
    assert_true(table_model_cell(world->tables, (struct model_key){"orders", 0, 1, 95},
                                 "producers")
                    .data != NULL);
    world_restart(world, 10 * SECOND_US);
    client = world_client(world);
    produce(client, batch_of(world, 7, 0, 90, "fine"));
    produce(client, batch_of(world, 8, 5, 5, "fine"));
    world_run(world, SECOND_US);
    expect_produced(client, 0, 0);
    expect_produced(client, 0, 95);
    world_down(world);
}

static void batches_of_the_next_segment_follow_the_new_end_of_the_sealed_one(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    world->config.segment_max_rows = 100;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    world_run(world, 20 * MS_US);
    struct fake_client *client = world_client(world);

    set_trap(world);
    produce(client, batch_of(world, 7, 0, 10, "fine"));
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 0);
    world->batch_us = 20 * MS_US;
    produce(client, batch_of(world, 9, 0, 40, POISON));
    world_run(world, MS_US);
    produce(client, batch_of(world, 7, 10, 40, "fine"));
    world_run(world, MS_US);
    produce(client, batch_of(world, 8, 0, 60, "ahead")); /* segment 1, at 90 */
    produce(client, batch_of(world, 8, 60, 10, "ahead"));
    world_run(world, SECOND_US);
    expect_produced(client, KAFKA_STORAGE_ERROR, -1);
    expect_produced(client, 0, 10);
    expect_produced(client, 0, 50);
    expect_produced(client, 0, 110);
    assert_int_equal(table_model_count(world->tables, "orders", 0, 0), 50);
    assert_int_equal(table_model_count(world->tables, "orders", 0, 1), 70);
    world_restart(world, 10 * SECOND_US);
    client = world_client(world);
    produce(client, batch_of(world, 7, 10, 40, "fine"));
    produce(client, batch_of(world, 8, 70, 10, "ahead"));
    world_run(world, SECOND_US);
    expect_produced(client, 0, 10);
    expect_produced(client, 0, 120);
    world_down(world);
}

/* A world whose mutations hold about two rows of 40,000 bytes. */
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

/* The n-th BATCH from now is refused. */
static bool refuse_nth(void *context, const struct fake_request *request,
                       struct fake_answer *answer)
{
    unsigned *n = context;

    if (request->opcode != CQL_BATCH || *n == 0 || --*n > 0)
        return false;
    answer->by_default = false;
    answer->error = CQL_ERROR_INVALID;
    return true;
}

static void a_refused_part_refuses_its_large_batch_and_no_other(void **state)
{
    (void)state;
    for (unsigned part = 1; part <= 3; part++) { /* the trailing ones go first */
        struct fake_client *client;
        struct gateway_world *world = with_small_mutations(&client);
        unsigned n = part;
        world->intercept = refuse_nth;
        world->intercept_context = &n;
        produce(client, world_large_batch(world, 7, 40000));
        produce(client, world_large_batch(world, 5, 40000));
        produce(client, world_batch(world, 2));
        world_run(world, 3 * SECOND_US);
        expect_produced(client, KAFKA_STORAGE_ERROR, -1);
        expect_produced(client, 0, 1);
        expect_produced(client, 0, 6);
        expect_rows(world, 8);
        assert_int_equal(table_model_i64(world->tables, row(1), "record_count"), 5);
        world_down(world);
    }
}

static void without_the_lease_a_refusal_is_not_told(void **state)
{
    (void)state;
    struct fake_client *clients[2];
    struct gateway_world *world = with_one_under_way(clients, 2);

    produce(clients[1], batch_of(world, 2, 0, 2, POISON));
    produce(clients[1], batch_of(world, 3, 0, 2, "fine"));
    world_run(world, 25 * MS_US);
    stub_set_lease(false, world->net.now);
    world_run(world, 5 * SECOND_US);
    expect_produced(clients[0], 0, 1);
    expect_nothing(clients[1]);
    stub_set_lease(true, world->net.now);
    world_run(world, SECOND_US);
    expect_produced(clients[1], KAFKA_STORAGE_ERROR, -1);
    expect_produced(clients[1], 0, 2);
    world_down(world);
}

static void a_lease_that_comes_back_unannounced_is_noticed(void **state)
{
    (void)state;
    struct fake_client *clients[2];
    struct gateway_world *world = with_one_under_way(clients, 2);

    produce(clients[1], batch_of(world, 2, 0, 2, POISON));
    produce(clients[1], batch_of(world, 3, 0, 2, "fine"));
    stub.leads = false;
    world_run(world, 5 * SECOND_US);
    expect_nothing(clients[0]);
    expect_nothing(clients[1]);
    stub.leads = true;
    world_run(world, SECOND_US);
    expect_produced(clients[0], 0, 1);
    expect_produced(clients[1], KAFKA_STORAGE_ERROR, -1);
    expect_produced(clients[1], 0, 2);
    world_down(world);
}

static void a_table_that_is_gone_under_load_is_a_storage_error(void **state)
{
    (void)state;
    struct fake_client *clients[3];
    struct gateway_world *world = with_one_under_way(clients, 3);

    produce(clients[1], batch_of(world, 2, 0, 2, "one"));
    produce(clients[2], batch_of(world, 3, 0, 2, "two"));
    world_run(world, 10 * MS_US);
    table_model_drop(world->tables, "orders");
    world_run(world, 2 * SECOND_US);
    expect_produced(clients[0], 0, 1);
    expect_produced(clients[1], KAFKA_STORAGE_ERROR, -1);
    expect_produced(clients[2], KAFKA_STORAGE_ERROR, -1);
    produce(clients[1], batch_of(world, 2, 0, 2, "one"));
    world_run(world, 2 * SECOND_US);
    expect_produced(clients[1], KAFKA_STORAGE_ERROR, -1);
    world_down(world);
}

static void what_comes_during_a_repair_waits_for_its_end(void **state)
{
    (void)state;
    struct fake_client *clients[3];
    struct gateway_world *world = with_one_under_way(clients, 3);

    produce(clients[1], batch_of(world, 2, 0, 2, POISON));
    produce(clients[1], batch_of(world, 4, 0, 2, "fine"));
    world_run(world, 25 * MS_US);
    fake_node_answer(world->node, CQL_QUERY,
                     (struct fake_answer){.by_default = true, .delay_us = 500 * MS_US});
    for (int32_t i = 0; i < 3; i++) {
        produce(clients[2], batch_of(world, 3, i, 1, "parked"));
        world_run(world, 20 * MS_US);
    }
    expect_nothing(clients[2]);
    world_run(world, SECOND_US);
    expect_produced(clients[1], KAFKA_STORAGE_ERROR, -1);
    expect_produced(clients[1], 0, 2);
    for (int32_t i = 0; i < 3; i++)
        expect_produced(clients[2], 0, 4 + i);
    world_down(world);
}

static void a_takeover_at_any_moment_of_a_repair_keeps_what_was_told(void **state)
{
    (void)state;
    for (int64_t us = 0; us < 200 * MS_US; us += 1000) {
        struct fake_client *clients[4];
        struct gateway_world *world = with_one_under_way(clients, 4);
        struct trap *trap = world->intercept_context;
        struct kafka_produce_partition_response fine = {.error_code = -1};
        produce(clients[1], batch_of(world, 2, 0, 2, "fine"));
        produce(clients[2], batch_of(world, 3, 0, 3, POISON));
        produce(clients[3], batch_of(world, 4, 0, 4, "fine"));
        world_run(world, us);
        (void)fake_client_produced(clients[3], &fine);
        world->intercept = NULL;
        world_restart(world, 10 * SECOND_US);
        struct fake_client *client = world_client(world);
        produce(client, batch_of(world, 4, 0, 4, "fine"));
        produce(client, batch_of(world, 2, 0, 2, "fine"));
        produce(client, batch_of(world, 1, 1, 1, "second"));
        world_run(world, 3 * SECOND_US);
        struct kafka_produce_partition_response again[3];
        for (int i = 0; i < 3; i++) {
            assert_true(fake_client_produced(client, &again[i]));
            assert_int_equal(again[i].error_code, 0);
        }
        if (fine.error_code == 0)
            assert_int_equal(again[0].base_offset, fine.base_offset);
        expect_rows(world, 8);
        execute_all_again(world, trap);
        expect_rows(world, 8);
        world_down(world);
    }
}

static void many_refusals_one_after_the_other_hurt_nobody_else(void **state)
{
    (void)state;
    struct fake_client *clients[8];
    struct gateway_world *world = with_one_under_way(clients, 8);
    int32_t sequences[8] = {2, 0, 0, 0, 0, 0, 0, 0};
    int64_t rows = 2;

    world_run(world, 100 * MS_US);
    expect_produced(clients[0], 0, 1);
    world->batch_us = 10 * MS_US;
    for (int round = 0; round < 60; round++) {
        for (int64_t i = 0; i < 8; i++) {
            bool bad = i < 2 && (round + i) % 3 == 0;
            int32_t count = 1 + (int32_t)((round * 7 + i * 5) % 40);
            produce(clients[i], bad ? batch_of(world, -1, 0, count, POISON)
                                    : batch_of(world, i + 1, sequences[i], count, "fine"));
            if (!bad) {
                sequences[i] += count;
                rows += count;
            }
            world_run(world, (round * 3 + i) % 4 * MS_US);
        }
    }
    world_run(world, 30 * SECOND_US);
    for (int round = 0; round < 60; round++)
        for (int i = 0; i < 8; i++) {
            struct kafka_produce_partition_response answer;
            assert_true(fake_client_produced(clients[i], &answer));
            assert_int_equal(answer.error_code,
                             i < 2 && (round + i) % 3 == 0 ? KAFKA_STORAGE_ERROR : 0);
        }
    expect_rows(world, rows);
    world_down(world);
}

/* Round n of the loop: a repair in which the n-th allocation fails. */
static void repair_round(struct failing_alloc *failing, size_t n)
{
    struct fake_client *client;
    struct gateway_world *world = world_new(&failing->alloc);

    failing->fail_at = 0;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    world_run(world, 20 * MS_US);
    client = world_client(world);
    produce(client, batch_of(world, 1, 0, 1, "first"));
    world_run(world, 100 * MS_US);
    set_trap(world);
    world->batch_us = 20 * MS_US;
    produce(client, batch_of(world, 1, 1, 1, "second"));
    world_run(world, MS_US);
    produce(client, batch_of(world, 2, 0, 2, "fine"));
    produce(client, batch_of(world, 3, 0, 3, POISON));
    produce(client, batch_of(world, 2, 2, 4, "fine"));
    world_run(world, MS_US);
    failing_alloc_fail_after(failing, n - 1);
    world_run(world, 30 * SECOND_US);
    failing->fail_at = 0;
    client = world_client(world);
    produce(client, batch_of(world, 1, 1, 1, "second"));
    produce(client, batch_of(world, 2, 0, 2, "fine"));
    produce(client, batch_of(world, 2, 2, 4, "fine"));
    world_run(world, 30 * SECOND_US);
    expect_produced(client, 0, 1);
    expect_produced(client, 0, 2);
    expect_produced(client, 0, 4);
    expect_rows(world, 8);
    world_down(world);
}

static void a_failing_allocation_in_a_repair_costs_no_record(void **state)
{
    (void)state;
    static struct failing_alloc failing;

    for (size_t n = 1; failing_alloc_next(&failing, n); n++)
        repair_round(&failing, n);
    assert_true(failing.rounds > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_batches_in_one_mutation_only_the_guilty_one_is_refused),
        cmocka_unit_test(batches_behind_a_refused_mutation_are_written_again),
        cmocka_unit_test(behind_its_refused_batch_a_producer_gets_19_until_it_is_back),
        cmocka_unit_test(a_window_full_of_batches_that_are_taken_back_still_knows_where_it_was),
        cmocka_unit_test(a_refusal_after_doubt_is_definite_once_it_is_sealed),
        cmocka_unit_test(the_snapshot_of_a_segment_survives_the_refusal_of_its_first_batch),
        cmocka_unit_test(batches_of_the_next_segment_follow_the_new_end_of_the_sealed_one),
        cmocka_unit_test(a_refused_part_refuses_its_large_batch_and_no_other),
        cmocka_unit_test(without_the_lease_a_refusal_is_not_told),
        cmocka_unit_test(a_lease_that_comes_back_unannounced_is_noticed),
        cmocka_unit_test(a_table_that_is_gone_under_load_is_a_storage_error),
        cmocka_unit_test(what_comes_during_a_repair_waits_for_its_end),
        cmocka_unit_test(a_takeover_at_any_moment_of_a_repair_keeps_what_was_told),
        cmocka_unit_test(many_refusals_one_after_the_other_hurt_nobody_else),
        cmocka_unit_test(a_failing_allocation_in_a_repair_costs_no_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
