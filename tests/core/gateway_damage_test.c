/* Rows that are gone when a partition is loaded: lost by the database, or expired. */
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

static struct model_key row_in(int64_t segment, int64_t offset)
{
    return (struct model_key){"orders", 0, segment, offset};
}

static void lose(struct gateway_world *world, int64_t segment, int64_t from, int64_t below)
{
    for (int64_t offset = from; offset < below; offset++)
        table_model_lose(world->tables, row_in(segment, offset));
}

/* Batches of producer 7, with sequences that go on. */
static void produces_at(struct gateway_world *world, int32_t sequence, int32_t count,
                        int64_t offset)
{
    struct fake_client *client = world_client(world);

    produce(client, world_batch_of(world, 7, sequence, count));
    world_run(world, 3 * SECOND_US);
    expect_produced(client, 0, offset);
}

static struct gateway_world *with_segments_of(int64_t rows)
{
    struct gateway_world *world = world_new(&alloc_heap);

    world->config.segment_max_rows = rows;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    world_run(world, 20 * MS_US);
    return world;
}

/* Two mutations are under way when the process dies: the first is lost, the second is there. */
static void dies_with_a_hole_in_the_pipeline(struct gateway_world *world, struct buf *lost)
{
    struct fake_client *client = world->clients[0];

    world->drop_batches = 1;
    produce(client, world_batch_of(world, 7, 10, 40));
    world_run(world, 2 * MS_US);
    for (size_t i = world->node->log_count; i-- > 0 && buf_len(lost) == 0;)
        if (world->node->log[i].opcode == CQL_BATCH)
            assert_int_equal(buf_append(lost, world->node->log[i].body), STATUS_OK);
    world->no_answers = 1;
    produce(client, world_batch_of(world, 7, 50, 40));
    world_run(world, 2 * MS_US);
}

static void what_is_left_of_a_damaged_segment_stays_and_its_holes_stay_empty(void **state)
{
    (void)state;
    struct gateway_world *world = with_segments_of(1000);
    struct model_answer answer;
    struct buf late;

    buf_init(&late, &alloc_heap, SIZE_MAX);
    produces_at(world, 0, 5, 0);
    produces_at(world, 5, 5, 5);
    dies_with_a_hole_in_the_pipeline(world, &late);
    lose(world, 0, 3, 4);
    assert_true(table_model_has(world->tables, row_in(0, 50)));
    world_restart(world, 10 * SECOND_US);
    struct fake_client *client = world_client(world);
    produce(client, world_batch_of(world, 7, 0, 5)); /* acknowledged: known, though it is damaged */
    produce(client, world_batch_of(world, 7, 10, 40));
    produce(client, world_batch_of(world, 7, 50, 40));
    world_run(world, 3 * SECOND_US);
    expect_produced(client, 0, 0);
    expect_produced(client, 0, 1000);
    expect_produced(client, 0, 1040);
    assert_int_equal(fake_net_logged(&world->net, "lost acknowledged"), 1);
    table_model_execute(world->tables, CQL_BATCH, buf_unread(&late), &answer);
    assert_int_equal(answer.error, 0);
    assert_int_equal(table_model_count(world->tables, "orders", 0, 0), 9 + 40);
    assert_int_equal(table_model_count(world->tables, "orders", 0, 1), 80);
    buf_deinit(&late);
    world_down(world);
}

static void unacknowledged_rows_of_a_damaged_segment_that_are_whole_are_kept(void **state)
{
    (void)state;
    struct gateway_world *world = with_segments_of(1000);

    produces_at(world, 0, 5, 0);
    produces_at(world, 5, 5, 5);
    world->no_answers = 1;
    produce(world->clients[0], world_batch_of(world, 7, 10, 40));
    world_run(world, 2 * MS_US);
    lose(world, 0, 3, 4);
    world_restart(world, 10 * SECOND_US);
    produces_at(world, 10, 40, 10);
    assert_true(table_model_written_us(world->tables, row_in(0, 30)) > stub.sealed_below_us);
    produces_at(world, 50, 1, 1000);
    world_down(world);
}

static void with_a_time_to_live_each_new_leader_begins_a_segment(void **state)
{
    (void)state;
    struct gateway_world *world = with_segments_of(100);

    table_model_set_ttl(world->tables, "orders", 3600);
    produces_at(world, 0, 10, 0);
    world_restart(world, 10 * SECOND_US);
    produces_at(world, 0, 10, 0); /* a duplicate: its state is found in the segment before */
    produces_at(world, 10, 10, 100);
    world_restart(world, 10 * SECOND_US);
    produces_at(world, 20, 10, 200);
    assert_int_equal(fake_net_logged(&world->net, "lost"), 0);
    world_down(world);
}

static void rows_that_had_a_time_to_live_are_as_good_as_a_table_that_has_one(void **state)
{
    (void)state;
    struct gateway_world *world = with_segments_of(100);

    table_model_set_ttl(world->tables, "orders", 3600);
    produces_at(world, 0, 10, 0);
    table_model_set_ttl(world->tables, "orders", 0);
    produces_at(world, 10, 10, 10);
    lose(world, 0, 0, 4);
    world_restart(world, 10 * SECOND_US);
    produces_at(world, 20, 10, 100);
    assert_int_equal(fake_net_logged(&world->net, "lost"), 0);
    world_down(world);
}

static void an_idle_topic_whose_rows_have_all_expired_gives_no_offset_again(void **state)
{
    (void)state;
    struct gateway_world *world = with_segments_of(100);

    produces_at(world, 0, 10, 0);
    table_model_set_ttl(world->tables, "orders", 3600); /* by somebody, while it runs */
    produces_at(world, 10, 10, 10);
    lose(world, 0, 0, 20);
    world_restart(world, 10 * SECOND_US);
    struct fake_client *client = world_client(world);
    produce(client, world_batch_of(world, 8, 0, 10));
    world_run(world, SECOND_US);
    expect_produced(client, 0, 100);
    lose(world, 1, 100, 110);
    for (int64_t i = 2; i < 6; i++) { /* nothing is left at all, time after time */
        world_restart(world, 10 * SECOND_US);
        client = world_client(world);
        produce(client, world_batch_of(world, 8, 0, 10));
        world_run(world, SECOND_US);
        expect_produced(client, 0, i * 100);
        lose(world, i, i * 100, i * 100 + 10);
    }
    assert_int_equal(fake_net_logged(&world->net, "lost"), 0);
    world_down(world);
}

static void the_newest_rows_may_expire_before_older_ones(void **state)
{
    (void)state;
    struct gateway_world *world = with_segments_of(100);

    produces_at(world, 0, 10, 0);
    table_model_set_ttl(world->tables, "orders", 10);
    produces_at(world, 10, 10, 10);
    lose(world, 0, 10, 20);
    world_restart(world, 10 * SECOND_US);
    produces_at(world, 10, 10, 100); /* never 10 again */
    world_down(world);
}

static void rows_that_expired_past_stable_are_no_damage(void **state)
{
    (void)state;
    struct gateway_world *world = with_segments_of(100);

    table_model_set_ttl(world->tables, "orders", 3600);
    produces_at(world, 0, 10, 0);
    produces_at(world, 10, 10, 10);
    produces_at(world, 20, 10, 20); /* its stable is 20 */
    lose(world, 0, 0, 20);
    world_restart(world, 10 * SECOND_US);
    produces_at(world, 20, 10, 20);
    produces_at(world, 30, 10, 100);
    assert_int_equal(fake_net_logged(&world->net, "lost"), 0);
    assert_int_equal(table_model_count(world->tables, "orders", 0, 0), 10);
    world_down(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_of_a_damaged_segment_stays_and_its_holes_stay_empty),
        cmocka_unit_test(unacknowledged_rows_of_a_damaged_segment_that_are_whole_are_kept),
        cmocka_unit_test(with_a_time_to_live_each_new_leader_begins_a_segment),
        cmocka_unit_test(rows_that_had_a_time_to_live_are_as_good_as_a_table_that_has_one),
        cmocka_unit_test(an_idle_topic_whose_rows_have_all_expired_gives_no_offset_again),
        cmocka_unit_test(the_newest_rows_may_expire_before_older_ones),
        cmocka_unit_test(rows_that_expired_past_stable_are_no_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
