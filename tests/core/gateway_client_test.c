/* Producers' connections: parking, closing, draining, every split of the bytes, and memory that
 * runs out. */
#include "tests/support/gateway_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "kafka/api_versions.h"
#include "kafka/error.h"
#include "kafka/fetch.h"
#include "kafka/find_coordinator.h"
#include "kafka/init_producer_id.h"
#include "tests/support/failing_alloc.h"

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

static size_t stored(const struct gateway_world *world)
{
    return table_model_count_all(world->tables, "orders");
}

/* --- before it is ready --- */

static void before_the_gateway_is_ready_produce_waits(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    stub.not_ready = true;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    struct fake_client *client = world_client(world);

    produce(client, world_batch(world, 2));
    produce(client, world_batch(world, 2));
    world_run(world, 5 * SECOND_US);
    expect_nothing(client);
    stub_ready(world->net.now);
    world_run(world, 100 * MS_US);
    expect_produced(client, 0, 0);
    expect_produced(client, 0, 2);
    world_down(world);
}

static void a_gateway_that_does_not_get_ready_answers_6_at_the_deadline(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    stub.not_ready = true;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    struct fake_client *client = world_client(world);

    produce(client, world_batch(world, 2));
    world_run(world, 25 * SECOND_US);
    expect_produced(client, KAFKA_NOT_LEADER_OR_FOLLOWER, -1);
    world_down(world);
}

/* What the client has sent behind a batch that was refused must not be taken before that batch. */
static void a_batch_refused_before_the_topics_are_read_ends_the_connection(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    stub.not_ready = true;
    assert_true(world_start(world));
    struct fake_client *client = world_client(world);

    (void)fake_client_produce(client, &(struct fake_produce){.topic = "orders",
                                                             .records = world_batch(world, 1),
                                                             .timeout_ms = 5000});
    produce(client, world_batch(world, 1)); /* would wait longer */
    world_run(world, 3 * SECOND_US);
    expect_nothing(client);
    world_run(world, 2 * SECOND_US);
    expect_produced(client, KAFKA_NOT_LEADER_OR_FOLLOWER, -1);
    assert_true(client->closed_by_gateway);
    stub_add_topic("orders", 1, world->net.now);
    stub_ready(world->net.now);
    world_run(world, SECOND_US);
    assert_int_equal(stored(world), 0);
    world_down(world);
}

static void api_versions_is_answered_at_once(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    struct kafka_api_versions_response response;
    struct kafka_api_versions_request request = {.client_software_name = SLICE_LITERAL("t"),
                                                 .client_software_version = SLICE_LITERAL("1")};
    stub.not_ready = true;
    assert_true(world_start(world));
    struct fake_client *client = world_client(world);

    (void)fake_client_send(client, KAFKA_API_VERSIONS, 3, &request);
    world_run(world, MS_US);
    assert_true(fake_client_next(client, &response));
    assert_int_equal(response.error_code, 0);
    assert_true(response.api_key_count >= 6);
    world_down(world);
}

static void a_producer_id_waits_for_the_first_block(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    struct kafka_init_producer_id_request request = KAFKA_INIT_PRODUCER_ID_REQUEST_DEFAULT;
    struct kafka_init_producer_id_response response;

    stub.no_producer_ids = true;
    (void)fake_client_send(client, KAFKA_INIT_PRODUCER_ID, 4, &request);
    request.transactional_id = SLICE_LITERAL("mine");
    (void)fake_client_send(client, KAFKA_INIT_PRODUCER_ID, 4, &request);
    world_run(world, MS_US);
    assert_true(fake_client_next(client, &response));
    assert_int_equal(response.error_code, KAFKA_COORDINATOR_LOAD_IN_PROGRESS);
    assert_int_equal(response.producer_id, -1);
    assert_true(fake_client_next(client, &response));
    assert_int_equal(response.error_code, KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    world_down(world);
}

static void reading_apis_are_refused_politely(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    struct kafka_find_coordinator_request find = {.key = SLICE_LITERAL("group")};
    struct kafka_find_coordinator_response found;

    (void)fake_client_send(client, KAFKA_FIND_COORDINATOR, 2, &find);
    find.key_type = 1;
    (void)fake_client_send(client, KAFKA_FIND_COORDINATOR, 2, &find);
    world_run(world, MS_US);
    assert_true(fake_client_next(client, &found));
    assert_int_equal(found.error_code, KAFKA_GROUP_AUTHORIZATION_FAILED);
    assert_true(fake_client_next(client, &found));
    assert_int_equal(found.error_code, KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    world_down(world);
}

/* --- clients that go --- */

static void a_batch_under_way_is_written_when_its_client_has_gone(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);

    world->batch_delays_us[1] = 100 * MS_US;
    produce(client, world_batch(world, 2)); /* sent */
    world_run(world, MS_US);
    produce(client, world_batch(world, 3)); /* waits in the open mutation */
    world_run(world, MS_US);
    fake_client_close(client);
    world_run(world, SECOND_US);
    assert_int_equal(stored(world), 6);
    client = world_client(world);
    produce(client, world_batch(world, 1));
    world_run(world, SECOND_US);
    expect_produced(client, 0, 6);
    world_down(world);
}

static void a_parked_client_may_go(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);

    fake_node_set_down(world->node, true);
    world_run(world, MS_US);
    produce(client, world_batch_of(world, 7, 0, 1));
    produce(client, world_batch_of(world, 7, 1, 1));
    world_run(world, MS_US);
    fake_client_close(client);
    world_run(world, SECOND_US);
    fake_node_set_down(world->node, false);
    world_run(world, 5 * SECOND_US);
    assert_int_equal(stored(world), 1);
    client = world_client(world);
    produce(client, world_batch_of(world, 7, 0, 1));
    world_run(world, SECOND_US);
    expect_produced(client, 0, 1);
    world_down(world);
}

static void a_client_may_go_while_the_gateway_is_not_ready(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    stub.not_ready = true;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    struct fake_client *client = world_client(world);

    produce(client, world_batch(world, 2));
    world_run(world, SECOND_US);
    fake_client_close(client);
    stub_ready(world->net.now);
    world_run(world, SECOND_US);
    assert_int_equal(stored(world), 0);
    world_down(world);
}

static void a_half_closed_client_gets_its_answers_first(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);

    world->batch_us = 100 * MS_US;
    produce(client, world_batch(world, 2));
    produce(client, world_batch(world, 2));
    fake_client_half_close(client);
    world_run(world, 50 * MS_US);
    assert_false(client->closed_by_gateway);
    world_run(world, SECOND_US);
    assert_true(client->closed_by_gateway);
    expect_produced(client, 0, 1);
    expect_produced(client, 0, 3);
    world_down(world);
}

static void a_half_closed_client_that_is_parked_gets_its_answer_too(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    produce(client, world_batch(world, 2)); /* parked: the partition is being loaded */
    fake_client_half_close(client);
    world_run(world, SECOND_US);
    assert_true(client->closed_by_gateway);
    expect_produced(client, 0, 0);
    world_down(world);
}

static void a_gateway_that_ends_in_the_middle_of_everything_leaks_nothing(void **state)
{
    (void)state;
    for (int64_t us = 0; us < 40 * MS_US; us += 1000) {
        struct gateway_world *world = world_up("orders", 2);
        struct fake_client *clients[3];
        for (size_t i = 0; i < 3; i++) {
            clients[i] = world_client(world);
            produce(clients[i], world_batch_of(world, (int64_t)i, 0, 50));
            produce(clients[i], world_batch_of(world, (int64_t)i, 50, 50));
            fake_client_ask_topic(clients[i], "another");
        }
        stub.creations_wait = true;
        world_run(world, us);
        world_down(world);
    }
}

/* --- limits --- */

static void a_silent_client_is_closed_and_an_idle_one_later(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);
    struct fake_client *silent = world_client(world);

    world_run(world, 12 * SECOND_US);
    assert_true(silent->closed_by_gateway);
    assert_false(client->closed_by_gateway);
    world_run(world, 600 * SECOND_US);
    assert_true(client->closed_by_gateway);
    world_down(world);
}

static void a_request_that_does_not_end_closes_the_connection(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);

    fake_client_send_bytes(client, SLICE_LITERAL("\0\0\1\0half"));
    world_run(world, 29 * SECOND_US);
    assert_false(client->closed_by_gateway);
    world_run(world, 3 * SECOND_US);
    assert_true(client->closed_by_gateway);
    world_down(world);
}

static void rubbish_closes_one_connection_with_one_line(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);
    struct fake_client *rubbish = world_client(world);

    fake_client_send_bytes(rubbish, SLICE_LITERAL("GET / HTTP/1.1\r\n\r\n"));
    world_run(world, MS_US);
    assert_true(rubbish->closed_by_gateway);
    assert_int_equal(fake_net_logged(&world->net, "client closed"), 1);
    produce(client, world_batch(world, 1));
    world_run(world, SECOND_US);
    expect_produced(client, 0, 1);
    world_down(world);
}

static void what_was_asked_before_the_rubbish_is_answered_first(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);

    world->batch_us = 100 * MS_US;
    produce(client, world_batch(world, 2));
    fake_client_send_bytes(client, SLICE_LITERAL("GET / HTTP/1.1\r\n\r\n"));
    world_run(world, 50 * MS_US);
    assert_false(client->closed_by_gateway);
    world_run(world, SECOND_US);
    assert_true(client->closed_by_gateway);
    expect_produced(client, 0, 1);
    world_down(world);
}

static void so_many_connections_and_no_more(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    world->config.max_connections = 2;
    assert_true(world_start(world));
    (void)world_client(world);
    struct fake_client *second = world_client(world);

    assert_null(world_client(world)->client);
    fake_client_close(second);
    assert_non_null(world_client(world)->client);
    world_down(world);
}

static void a_client_that_does_not_read_its_answers_is_not_read_from(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    world->config.max_pending_requests = 5;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    world_run(world, 20 * MS_US);
    struct fake_client *client = world_client(world);
    struct gateway_counts counts;

    world->batch_us = SECOND_US;
    for (int i = 0; i < 20; i++)
        produce(client, world_batch(world, 1));
    world_run(world, 100 * MS_US);
    gateway_get_counts(world->gateway, &counts);
    assert_int_equal(counts.batches, 5);
    assert_false(client->reading);
    world_run(world, 10 * SECOND_US);
    for (int i = 0; i < 20; i++)
        expect_produced(client, 0, i);
    world_down(world);
}

/* --- drain --- */

static void a_drain_finishes_what_is_under_way_and_refuses_the_rest(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);
    struct fake_client *other = world_client(world);

    world->batch_us = 500 * MS_US;
    produce(client, world_batch(world, 2));
    world_run(world, MS_US);
    gateway_drain(world->gateway, world->net.now);
    produce(client, world_batch(world, 2));
    produce(other, world_batch(world, 2));
    world_run(world, 100 * MS_US);
    expect_produced(other, KAFKA_NOT_LEADER_OR_FOLLOWER, -1);
    assert_null(world_client(world)->client);
    assert_false(stub.released);
    assert_false(world->drained);
    world_run(world, SECOND_US);
    expect_produced(client, 0, 1);
    expect_produced(client, KAFKA_NOT_LEADER_OR_FOLLOWER, -1);
    assert_true(stub.released);
    assert_true(world->drained);
    assert_true(client->closed_by_gateway && other->closed_by_gateway);
    assert_int_equal(stored(world), 3);
    world_down(world);
}

static void a_drain_lets_parked_clients_go(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);

    fake_node_set_down(world->node, true);
    world_run(world, MS_US);
    produce(client, world_batch(world, 2));
    world_run(world, MS_US);
    stub.release_waits = true;
    gateway_drain(world->gateway, world->net.now);
    world_run(world, SECOND_US);
    expect_produced(client, KAFKA_NOT_LEADER_OR_FOLLOWER, -1);
    assert_true(stub.released);
    assert_false(world->drained);
    stub_finish_release(world->net.now);
    world_run(world, SECOND_US);
    assert_true(world->drained);
    world_down(world);
}

static void a_drain_ends_at_its_deadline(void **state)
{
    (void)state;
    struct fake_client *client;
    struct gateway_world *world = loaded(&client);

    world->batch_us = 100 * SECOND_US;
    world->config.drain_timeout_us = 3 * SECOND_US;
    produce(client, world_batch(world, 2));
    world_run(world, MS_US);
    gateway_drain(world->gateway, world->net.now);
    world_run(world, 2 * SECOND_US);
    assert_false(stub.released);
    world_run(world, 2 * SECOND_US);
    assert_true(stub.released);
    assert_true(world->drained);
    world_down(world);
}

static void a_drain_before_ready_ends_as_well(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    stub.not_ready = true;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    struct fake_client *client = world_client(world);

    produce(client, world_batch(world, 2));
    world_run(world, MS_US);
    gateway_drain(world->gateway, world->net.now);
    world_run(world, SECOND_US);
    expect_produced(client, KAFKA_NOT_LEADER_OR_FOLLOWER, -1);
    assert_true(world->drained);
    world_down(world);
}

/* --- any split --- */

/* A session of all kinds of requests, as bytes. */
static void record_session(struct gateway_world *world, struct buf *session)
{
    struct kafka_api_versions_request versions = {.client_software_name = SLICE_LITERAL("t"),
                                                  .client_software_version = SLICE_LITERAL("1")};
    struct kafka_metadata_request metadata = KAFKA_METADATA_REQUEST_DEFAULT;
    struct kafka_init_producer_id_request id = KAFKA_INIT_PRODUCER_ID_REQUEST_DEFAULT;
    struct kafka_metadata_request_topic asked = {.name = SLICE_LITERAL("orders")};
    int32_t n = 0;

    metadata.topics = &asked;
    metadata.topic_count = 1;
    fake_client_encode(session, KAFKA_API_VERSIONS, 3, ++n, &versions);
    fake_client_encode(session, KAFKA_METADATA, 9, ++n, &metadata);
    fake_client_encode(session, KAFKA_INIT_PRODUCER_ID, 4, ++n, &id);
    for (int32_t i = 0; i < 3; i++) {
        struct kafka_produce_partition partition = {0, world_batch_of(world, 4000, i * 2, 2)};
        struct kafka_produce_topic topic = {
            .name = SLICE_LITERAL("orders"), .partitions = &partition, .partition_count = 1};
        struct kafka_produce_request request = {
            .acks = i == 1 ? 0 : -1, .timeout_ms = 30000, .topics = &topic, .topic_count = 1};
        fake_client_encode(session, KAFKA_PRODUCE, 9, ++n, &request);
    }
}

/* Plays the session in two pieces (split > 0) or in chunks; returns what came back. */
static void play(struct buf *session, size_t split, size_t chunk, struct buf *output)
{
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    if (buf_len(session) == 0)
        record_session(world, session);
    struct slice bytes = buf_unread(session);
    client->chunk_bytes = chunk;
    fake_client_send_bytes(client, slice_make(bytes.data, split));
    world_run(world, split % 3 == 0 ? 0 : 50 * MS_US);
    fake_client_send_bytes(client, slice_make(bytes.data + split, bytes.len - split));
    world_run(world, SECOND_US);
    assert_int_equal(stored(world), 6);
    buf_reset(output);
    assert_int_equal(buf_append(output, buf_unread(&client->output)), STATUS_OK);
    world_down(world);
}

static void any_split_of_a_session_gives_the_same_answers_and_rows(void **state)
{
    (void)state;
    struct buf session, whole, output;

    buf_init(&session, &alloc_heap, SIZE_MAX);
    buf_init(&whole, &alloc_heap, SIZE_MAX);
    buf_init(&output, &alloc_heap, SIZE_MAX);
    play(&session, 0, 0, &whole);
    assert_true(buf_len(&whole) > 100);
    for (size_t split = 1; split < buf_len(&session); split++) {
        play(&session, split, 0, &output);
        assert_true(slice_equal(buf_unread(&whole), buf_unread(&output)));
    }
    for (size_t chunk = 1; chunk < 8; chunk++) {
        play(&session, 0, chunk, &output);
        assert_true(slice_equal(buf_unread(&whole), buf_unread(&output)));
    }
    buf_deinit(&session);
    buf_deinit(&whole);
    buf_deinit(&output);
}

/* --- out of memory --- */

static bool is_stored(const struct gateway_world *world, int64_t offset)
{
    for (int64_t segment = 0; segment < 20; segment++)
        if (table_model_has(world->tables, (struct model_key){"orders", 0, segment, offset}))
            return true;
    return false;
}

/* Every acknowledged offset must be there. */
static void check_answers(struct gateway_world *world, struct fake_client *client)
{
    struct kafka_produce_partition_response produced;

    while (fake_client_produced(client, &produced))
        for (int64_t i = 0; produced.error_code == 0 && i < 40; i++)
            assert_true(is_stored(world, produced.base_offset + i));
}

/* One failure is no more than a hiccup: who comes afterwards is served. */
static void check_health(struct gateway_world *world)
{
    struct fake_client *client = world_client(world);
    struct kafka_produce_partition_response produced;

    struct kafka_metadata_response metadata;

    assert_non_null(client->client);
    fake_client_ask_topic(
        client, "orders"); /* as clients do; a topic that was not heard of is told again */
    world_run(world, SECOND_US);
    assert_true(fake_client_next(client, &metadata));
    produce(client, world_batch(world, 1));
    world_run(world, 25 * SECOND_US);
    assert_true(fake_client_produced(client, &produced));
    assert_int_equal(produced.error_code, 0);
}

static void produce_scenario(struct failing_alloc *failing)
{
    struct gateway_world *world = world_new(&failing->alloc);
    world->config.segment_max_rows = 100;
    world->config.mutation_max_bytes = 2000;
    stub_add_topic("orders", 1, world->net.now);
    if (world_start(world)) {
        world_run(world, 3 * SECOND_US);
        struct fake_client *client = world_client(world);
        if (client->client != NULL) {
            for (int32_t i = 0; i < 5; i++) {
                world->builder.codec = i == 3 ? KAFKA_CODEC_LZ4 : KAFKA_CODEC_NONE;
                produce(client, world_batch_of(world, 7, i * 40, 40));
                world_run(world, 2 * MS_US);
            }
            world_run(world, 40 * SECOND_US);
            check_answers(world, client);
        }
        if (!failing->fail_from_then && failing->failures > 0)
            check_health(world);
    }
    world_down(world);
}

static void a_failing_allocation_anywhere_costs_no_record_and_leaks_nothing(void **state)
{
    (void)state;
    static struct failing_alloc failing;

    for (size_t n = 1; failing_alloc_next(&failing, n); n++)
        produce_scenario(&failing);
    assert_true(failing.rounds > 100);
}

static void memory_that_stays_out_costs_no_record_either(void **state)
{
    (void)state;
    static struct failing_alloc failing;

    for (size_t n = 1; failing_alloc_next(&failing, n); n += 3) {
        failing.fail_from_then = true;
        produce_scenario(&failing);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_the_gateway_is_ready_produce_waits),
        cmocka_unit_test(a_gateway_that_does_not_get_ready_answers_6_at_the_deadline),
        cmocka_unit_test(a_batch_refused_before_the_topics_are_read_ends_the_connection),
        cmocka_unit_test(api_versions_is_answered_at_once),
        cmocka_unit_test(a_producer_id_waits_for_the_first_block),
        cmocka_unit_test(reading_apis_are_refused_politely),
        cmocka_unit_test(a_batch_under_way_is_written_when_its_client_has_gone),
        cmocka_unit_test(a_parked_client_may_go),
        cmocka_unit_test(a_client_may_go_while_the_gateway_is_not_ready),
        cmocka_unit_test(a_half_closed_client_gets_its_answers_first),
        cmocka_unit_test(a_half_closed_client_that_is_parked_gets_its_answer_too),
        cmocka_unit_test(a_gateway_that_ends_in_the_middle_of_everything_leaks_nothing),
        cmocka_unit_test(a_silent_client_is_closed_and_an_idle_one_later),
        cmocka_unit_test(a_request_that_does_not_end_closes_the_connection),
        cmocka_unit_test(rubbish_closes_one_connection_with_one_line),
        cmocka_unit_test(what_was_asked_before_the_rubbish_is_answered_first),
        cmocka_unit_test(so_many_connections_and_no_more),
        cmocka_unit_test(a_client_that_does_not_read_its_answers_is_not_read_from),
        cmocka_unit_test(a_drain_finishes_what_is_under_way_and_refuses_the_rest),
        cmocka_unit_test(a_drain_lets_parked_clients_go),
        cmocka_unit_test(a_drain_ends_at_its_deadline),
        cmocka_unit_test(a_drain_before_ready_ends_as_well),
        cmocka_unit_test(any_split_of_a_session_gives_the_same_answers_and_rows),
        cmocka_unit_test(a_failing_allocation_anywhere_costs_no_record_and_leaks_nothing),
        cmocka_unit_test(memory_that_stays_out_costs_no_record_either),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
