/* How much one node is given at once: the window of requests (AIMD). */
#include "tests/support/cluster_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void data_requests_respect_the_window_and_control_requests_do_not(void **state)
{
    (void)state;
    struct world world;
    static struct sent sent[40];
    struct sent control = {.request = {.control = true}};
    memset(sent, 0, sizeof(sent));
    world_up(&world, 1);
    world.nodes[0]->mute = true;
    assert_true(cluster_has_room(world.cluster, NULL, 0));
    for (int i = 0; i < 40; i++)
        world_send(&world, &sent[i], "insert");
    assert_false(cluster_has_room(world.cluster, NULL, 0));
    world_send(&world, &control, "lease");
    world_run(&world, 5 * MS_US);
    assert_int_equal(world.nodes[0]->log_count, 33); /* the window and the lease */
    world_deinit(&world);
}

static void keep_sending(struct sent *sent, struct moment now)
{
    (void)now;
    world_send(sent->world, sent, "insert");
}

/* Answers that are on their way make room once more; then all places are taken. */
static size_t places_taken(struct world *world)
{
    world->nodes[0]->mute = true;
    fake_node_clear_log(world->nodes[0]);
    world_run(world, 5 * FAKE_ANSWER_DELAY_US);
    return world->nodes[0]->log_count;
}

static void a_window_grows_by_one_per_window_of_successes(void **state)
{
    (void)state;
    struct world world;
    static struct sent sent[64];
    memset(sent, 0, sizeof(sent));
    world_up(&world, 1);
    for (int i = 0; i < 64; i++) {
        sent[i].then = keep_sending;
        world_send(&world, &sent[i], "insert");
    }
    world_run(&world, 10 * FAKE_ANSWER_DELAY_US);
    assert_in_range(places_taken(&world), 38, 46);
    world_deinit(&world);
}

/* How many of so many requests leave, none of which is answered. */
static size_t places_free(struct world *world, struct sent *sent, size_t count)
{
    world->nodes[0]->mute = true;
    fake_node_clear_log(world->nodes[0]);
    for (size_t i = 0; i < count; i++)
        world_send(world, &sent[i], "insert");
    world_run(world, 5 * MS_US);
    return world->nodes[0]->log_count;
}

static void a_window_that_is_not_used_does_not_grow(void **state)
{
    (void)state;
    struct world world;
    struct sent one = {.then = keep_sending};
    static struct sent sent[64];
    memset(sent, 0, sizeof(sent));
    world_up(&world, 1);
    world_send(&world, &one, "insert");
    world_run(&world, 5000 * FAKE_ANSWER_DELAY_US);
    assert_int_equal(places_free(&world, sent, 64), 32);
    world_deinit(&world);
}

static void expect_window_after(struct fake_answer answer, unsigned times, size_t window)
{
    struct world world;
    static struct sent sent[96];
    memset(sent, 0, sizeof(sent));
    world_up(&world, 1);
    fake_node_answer_times(world.nodes[0], CQL_QUERY, times, answer);
    for (int i = 0; i < 32; i++)
        world_send(&world, &sent[i], "insert");
    world_run(&world, 5 * SECOND_US);
    assert_in_range(places_free(&world, sent + 32, 64), window,
                    window + 1); /* one more: the others succeeded */
    world_deinit(&world);
}

static void a_window_halves_once_per_round_trip_however_many_failed_in_it(void **state)
{
    (void)state;
    expect_window_after((struct fake_answer){.error = CQL_ERROR_OVERLOADED}, 1, 16);
    expect_window_after((struct fake_answer){.error = CQL_ERROR_OVERLOADED}, 20, 16);
    expect_window_after((struct fake_answer){.error = CQL_ERROR_WRITE_TIMEOUT}, 20, 16);
    expect_window_after((struct fake_answer){.error = CQL_ERROR_UNAVAILABLE}, 20, 32);
}

static void a_window_does_not_shrink_below_its_least(void **state)
{
    (void)state;
    /* 32 fail, then their repetitions a few times over */
    expect_window_after((struct fake_answer){.error = CQL_ERROR_OVERLOADED}, 32 * 5, 8);
}

static struct fake_answer void_after(int64_t delay_us)
{
    static const uint8_t body[4] = {[3] = CQL_RESULT_VOID};
    return (struct fake_answer){
        .opcode = CQL_RESULT, .body = {body, sizeof(body)}, .delay_us = delay_us};
}

/* What `count` answers leave of a window of 32 when all but the first, which took best_us, take
 * late_us. */
static size_t window_after_late(int64_t best_us, int64_t late_us, unsigned count, size_t bytes)
{
    struct world world;
    static struct sent sent[1 + 32 + 96];
    char *text = calloc(1, bytes + 1);
    assert_non_null(text);
    memset(text, 'x', bytes);
    memset(sent, 0, sizeof(sent));
    world_up(&world, 1);
    fake_node_answer_times(world.nodes[0], CQL_QUERY, 1, void_after(best_us));
    world_send(&world, &sent[0], "insert");
    world_run(&world, 2 * SECOND_US);
    fake_node_answer_times(world.nodes[0], CQL_QUERY, count, void_after(late_us));
    for (unsigned i = 1; i <= 32; i++)
        world_send(&world, &sent[i], text);
    world_run(&world, 2 * SECOND_US);
    for (unsigned i = 0; i <= 32; i++)
        assert_true(sent[i].done);
    size_t size = places_free(&world, sent + 33, 96);
    world_deinit(&world);
    free(text);
    return size;
}

static void a_window_halves_once_when_answers_come_late(void **state)
{
    (void)state;
    assert_in_range(window_after_late(MS_US, 249 * MS_US, 32, 6), 32, 33);
    assert_in_range(window_after_late(MS_US, 254 * MS_US, 32, 6), 16, 17);
    assert_in_range(window_after_late(MS_US, 254 * MS_US, 1, 6), 16, 17);
    assert_in_range(window_after_late(MS_US, 1500 * MS_US, 32, 6), 16, 17);
}

static void a_node_that_is_far_away_is_not_taken_for_late(void **state)
{
    (void)state;
    assert_in_range(window_after_late(200 * MS_US, 600 * MS_US, 32, 6), 32, 33);
    assert_in_range(window_after_late(200 * MS_US, 660 * MS_US, 32, 6), 16, 17);
}

static void a_large_body_has_more_time(void **state)
{
    (void)state;
    assert_in_range(window_after_late(MS_US, 340 * MS_US, 32, 100000), 32, 33);
    assert_in_range(window_after_late(MS_US, 360 * MS_US, 32, 100000), 16, 17);
}

static unsigned rooms;

static void count_room(void *context, struct moment now)
{
    (void)context;
    (void)now;
    rooms++;
}

static void room_is_told_when_a_node_comes_up_and_when_answers_make_room(void **state)
{
    (void)state;
    struct world world;
    static struct sent sent[40];
    memset(sent, 0, sizeof(sent));
    rooms = 0;
    world_init(&world, &alloc_heap, 1);
    assert_true(world_start(&world));
    cluster_on_room(world.cluster, count_room, NULL);
    world_run(&world, 100 * MS_US);
    assert_int_equal(rooms, 1);
    for (int i = 0; i < 40; i++)
        world_send(&world, &sent[i], "insert");
    world_run(&world, 100 * MS_US);
    assert_int_equal(world.done_count, 40);
    assert_in_range(rooms, 2, 41);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_requests_respect_the_window_and_control_requests_do_not),
        cmocka_unit_test(a_window_grows_by_one_per_window_of_successes),
        cmocka_unit_test(a_window_that_is_not_used_does_not_grow),
        cmocka_unit_test(a_window_halves_once_per_round_trip_however_many_failed_in_it),
        cmocka_unit_test(a_window_does_not_shrink_below_its_least),
        cmocka_unit_test(a_window_halves_once_when_answers_come_late),
        cmocka_unit_test(a_node_that_is_far_away_is_not_taken_for_late),
        cmocka_unit_test(a_large_body_has_more_time),
        cmocka_unit_test(room_is_told_when_a_node_comes_up_and_when_answers_make_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
