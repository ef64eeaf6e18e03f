/* Metadata: this gateway is the one broker; unknown topics are made, and the answer waits for that.
 */
#include "tests/support/gateway_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "kafka/error.h"

static void assert_text(struct slice bytes, const char *text)
{
    assert_true(slice_equal(bytes, slice_cstr(text)));
}

/* The next answer, about one topic. */
static struct kafka_metadata_topic answered_topic(struct fake_client *client)
{
    struct kafka_metadata_response response;

    if (!fake_client_next(client, &response))
        fail_msg("there is no answer");
    assert_int_equal(response.topic_count, 1);
    return response.topics[0];
}

static bool is_answered(struct fake_client *client)
{
    return buf_len(&client->output) > 0;
}

static void a_topic_is_described_with_this_gateway_as_its_leader(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 3);
    struct fake_client *client = world_client(world);
    struct kafka_metadata_response response;
    struct kafka_metadata_request_topic asked = {.name = SLICE_LITERAL("orders")};
    struct kafka_metadata_request request = KAFKA_METADATA_REQUEST_DEFAULT;

    request.topics = &asked;
    request.topic_count = 1;
    (void)fake_client_send(client, KAFKA_METADATA, 12, &request);
    world_run(world, MS_US);
    assert_true(fake_client_next(client, &response));
    assert_int_equal(response.broker_count, 1);
    assert_int_equal(response.brokers[0].node_id, 5);
    assert_text(response.brokers[0].host, "192.0.2.9");
    assert_int_equal(response.brokers[0].port, 9092);
    assert_int_equal(response.controller_id, 5);
    assert_text(response.cluster_id, "stub-cluster-id-000000");
    assert_int_equal(response.topics[0].error_code, 0);
    assert_memory_equal(response.topics[0].topic_id, stub_topic_id("orders"), 16);
    assert_int_equal(response.topics[0].partition_count, 3);
    for (int32_t i = 0; i < 3; i++) {
        const struct kafka_metadata_partition *partition = &response.topics[0].partitions[i];
        assert_int_equal(partition->error_code, 0);
        assert_int_equal(partition->partition_index, i);
        assert_int_equal(partition->leader_id, 5);
        assert_int_equal(partition->leader_epoch, 3);
        assert_int_equal(partition->isr_node_count, 1);
    }
    world_down(world);
}

static void what_is_advertised_is_told_instead_of_the_dialled_address(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    struct kafka_metadata_response response;
    world->config.advertised_host = "sluice.example";
    world->config.advertised_port = 29092;
    assert_true(world_start(world));
    struct fake_client *client = world_client(world);
    struct kafka_metadata_request request = KAFKA_METADATA_REQUEST_DEFAULT;

    (void)fake_client_send(client, KAFKA_METADATA, 9, &request);
    world_run(world, MS_US);
    assert_true(fake_client_next(client, &response));
    assert_text(response.brokers[0].host, "sluice.example");
    assert_int_equal(response.brokers[0].port, 29092);
    assert_int_equal(response.topic_count, 0);
    world_down(world);
}

static void all_topics_are_listed_when_all_are_asked_for(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    struct kafka_metadata_response response;
    struct kafka_metadata_request request = KAFKA_METADATA_REQUEST_DEFAULT;

    stub_add_topic("bills", 2, world->net.now);
    stub_add_topic("gone", 2, world->net.now);
    stub_topic_gone("gone", world->net.now);
    (void)fake_client_send(client, KAFKA_METADATA, 0, &request);
    request.topic_count = -1;
    (void)fake_client_send(client, KAFKA_METADATA, 9, &request);
    world_run(world, MS_US);
    for (int i = 0; i < 2; i++) {
        assert_true(fake_client_next(client, &response));
        assert_int_equal(response.topic_count, 2);
        assert_text(response.topics[0].name, "orders");
        assert_text(response.topics[1].name, "bills");
        assert_int_equal(response.topics[1].partition_count, 2);
    }
    world_down(world);
}

static void a_topic_may_be_asked_for_by_its_id(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    struct kafka_metadata_request_topic asked = {.name = SLICE_NULL};
    struct kafka_metadata_request request = KAFKA_METADATA_REQUEST_DEFAULT;

    request.topics = &asked;
    request.topic_count = 1;
    memcpy(asked.topic_id, stub_topic_id("orders"), 16);
    (void)fake_client_send(client, KAFKA_METADATA, 12, &request);
    asked.topic_id[0]++;
    (void)fake_client_send(client, KAFKA_METADATA, 12, &request);
    world_run(world, MS_US);
    struct kafka_metadata_topic topic = answered_topic(client);
    assert_int_equal(topic.error_code, 0);
    assert_text(topic.name, "orders");
    assert_int_equal(answered_topic(client).error_code, KAFKA_UNKNOWN_TOPIC_ID);
    assert_int_equal(stub.created, 0);
    world_down(world);
}

static void an_unknown_topic_is_made_and_the_answer_waits_for_it(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *one = world_client(world), *other = world_client(world);

    stub.creations_wait = true;
    fake_client_ask_topic(one, "fresh");
    fake_client_ask_topic(other, "fresh");
    world_run(world, SECOND_US);
    assert_false(is_answered(one) || is_answered(other));
    assert_int_equal(stub.created, 1);
    stub_finish_creations(world->net.now);
    world_run(world, MS_US);
    struct kafka_metadata_topic topic = answered_topic(one);
    assert_int_equal(topic.error_code, 0);
    assert_int_equal(topic.partition_count, 1);
    assert_int_equal(answered_topic(other).error_code, 0);
    (void)fake_client_produce(
        one, &(struct fake_produce){.topic = "fresh", .records = world_batch(world, 1)});
    world_run(world, 100 * MS_US);
    expect_produced(one, 0, 0);
    world_down(world);
}

static void a_creation_that_takes_too_long_is_told_as_no_leader_yet(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    stub.creations_wait = true;
    fake_client_ask_topic(client, "fresh");
    world_run(world, 7 * SECOND_US);
    assert_false(is_answered(client));
    world_run(world, 2 * SECOND_US);
    assert_int_equal(answered_topic(client).error_code, KAFKA_LEADER_NOT_AVAILABLE);
    fake_client_ask_topic(client, "fresh");
    stub_finish_creations(world->net.now);
    world_run(world, MS_US);
    assert_int_equal(answered_topic(client).error_code, 0);
    assert_int_equal(stub.created, 1);
    world_down(world);
}

static void a_creation_that_fails_is_told_with_its_code_at_once(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    stub.creations_wait = true;
    stub.create_code = KAFKA_TOPIC_AUTHORIZATION_FAILED;
    fake_client_ask_topic(client, "fresh");
    world_run(world, SECOND_US);
    stub_finish_creations(world->net.now);
    world_run(world, MS_US);
    assert_int_equal(answered_topic(client).error_code, KAFKA_TOPIC_AUTHORIZATION_FAILED);
    fake_client_ask_topic(client, "fresh"); /* within two seconds: not tried again */
    world_run(world, MS_US);
    assert_int_equal(answered_topic(client).error_code, KAFKA_TOPIC_AUTHORIZATION_FAILED);
    assert_int_equal(stub.created, 1);
    world_run(world, 3 * SECOND_US);
    stub.create_code = 0;
    fake_client_ask_topic(client, "fresh");
    world_run(world, MS_US);
    stub_finish_creations(world->net.now);
    world_run(world, MS_US);
    assert_int_equal(answered_topic(client).error_code, 0);
    world_down(world);
}

static void bad_names_are_refused_and_nothing_is_made(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    fake_client_ask_topic(client, "no spaces");
    fake_client_ask_topic(client, "..");
    fake_client_ask_topic(client, "");
    world_run(world, MS_US);
    for (int i = 0; i < 3; i++)
        assert_int_equal(answered_topic(client).error_code, KAFKA_INVALID_TOPIC_EXCEPTION);
    assert_int_equal(stub.created, 0);
    world_down(world);
}

static void without_auto_creation_an_unknown_topic_is_unknown(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    world->config.auto_create_topics = false;
    assert_true(world_start(world));
    struct fake_client *client = world_client(world);

    fake_client_ask_topic(client, "fresh");
    world_run(world, MS_US);
    assert_int_equal(answered_topic(client).error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    world_down(world);
}

static void a_client_may_say_that_nothing_shall_be_made(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    struct kafka_metadata_request_topic asked = {.name = SLICE_LITERAL("fresh")};
    struct kafka_metadata_request request = {.topics = &asked, .topic_count = 1};

    (void)fake_client_send(client, KAFKA_METADATA, 9, &request);
    world_run(world, MS_US);
    assert_int_equal(answered_topic(client).error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_int_equal(stub.created, 0);
    world_down(world);
}

static void two_topics_a_second_are_made(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    fake_client_ask_topic(client, "a");
    fake_client_ask_topic(client, "b");
    fake_client_ask_topic(client, "c");
    world_run(world, MS_US);
    assert_int_equal(answered_topic(client).error_code, 0);
    assert_int_equal(answered_topic(client).error_code, 0);
    assert_int_equal(answered_topic(client).error_code, KAFKA_LEADER_NOT_AVAILABLE);
    world_run(world, SECOND_US);
    fake_client_ask_topic(client, "c");
    world_run(world, MS_US);
    assert_int_equal(answered_topic(client).error_code, 0);
    world_down(world);
}

static void more_topics_than_a_second_may_make_come_in_the_next(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    for (uint32_t rate = 1; rate <= 5; rate++) {
        struct gateway_world *world = world_new(&alloc_heap);
        world->config.auto_create_per_second = rate;
        assert_true(world_start(world));
        world_run(world, 2 * SECOND_US);
        struct fake_client *client = world_client(world);
        uint32_t made = 0;
        for (int second = 0; made < 5; second++) {
            uint32_t now = made + rate < 5 ? rate : 5 - made;
            for (uint32_t i = made; i < 5; i++)
                fake_client_ask_topic(client, names[i]);
            world_run(world, MS_US);
            for (uint32_t i = made; i < 5; i++)
                assert_int_equal(answered_topic(client).error_code,
                                 i < made + now ? 0 : KAFKA_LEADER_NOT_AVAILABLE);
            made += now;
            assert_int_equal(stub.created, made);
            world_run(world, 998 * MS_US); /* not yet */
            if (made < 5) {
                fake_client_ask_topic(client, names[made]);
                world_run(world, MS_US / 2);
                assert_int_equal(answered_topic(client).error_code, KAFKA_LEADER_NOT_AVAILABLE);
            }
            world_run(world, MS_US);
        }
        assert_int_equal(fake_net_logged(&world->net, "topics.auto_create_per_second is reached"),
                         rate < 5 ? 1 : 0);
        world_down(world);
    }
}

static void expect_none_made(const char *limit, uint32_t max_topics, uint32_t max_partitions_total)
{
    struct gateway_world *world = world_new(&alloc_heap);
    world->config.max_topics = max_topics;
    world->config.max_partitions_total = max_partitions_total;
    stub_add_topic("a", 1, world->net.now);
    stub_add_topic("b", 1, world->net.now);
    assert_true(world_start(world));
    struct fake_client *client = world_client(world);

    fake_client_ask_topic(client, "c");
    world_run(world, MS_US);
    assert_int_equal(answered_topic(client).error_code, KAFKA_INVALID_TOPIC_EXCEPTION);
    fake_client_ask_topic(client, "d");
    world_run(world, MS_US);
    assert_int_equal(answered_topic(client).error_code, KAFKA_INVALID_TOPIC_EXCEPTION);
    assert_int_equal(fake_net_logged(&world->net, limit), 1);
    world_down(world);
}

static void past_max_topics_or_max_partitions_total_none_is_made(void **state)
{
    (void)state;
    expect_none_made("topics.max_topics", 2, 20000);
    expect_none_made("topics.max_partitions_total", 500, 2);
}

static void before_the_gateway_is_ready_topics_have_no_leader(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    stub.not_ready = true;
    assert_true(world_start(world));
    struct fake_client *client = world_client(world);

    fake_client_ask_topic(client, "orders");
    world_run(world, 3 * SECOND_US);
    assert_int_equal(answered_topic(client).error_code, KAFKA_LEADER_NOT_AVAILABLE);
    assert_int_equal(stub.created, 0);
    world_down(world);
}

static void metadata_that_waits_for_boot_is_answered_when_it_is_over(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    stub.not_ready = true;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    struct fake_client *client = world_client(world);

    fake_client_ask_topic(client, "orders");
    world_run(world, SECOND_US);
    assert_false(is_answered(client));
    stub_ready(world->net.now);
    world_run(world, MS_US);
    assert_int_equal(answered_topic(client).error_code, 0);
    world_down(world);
}

static void without_a_lease_partitions_have_no_leader(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    stub_set_lease(false, world->net.now);
    fake_client_ask_topic(client, "orders");
    world_run(world, MS_US);
    struct kafka_metadata_topic topic = answered_topic(client);
    assert_int_equal(topic.partitions[0].error_code, KAFKA_LEADER_NOT_AVAILABLE);
    assert_int_equal(topic.partitions[0].leader_id, -1);
    world_down(world);
}

static void metadata_waits_for_a_leader_that_comes_soon(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    stub.leads_soon = true;
    stub_set_lease(false, world->net.now);
    fake_client_ask_topic(client, "orders");
    world_run(world, SECOND_US);
    assert_false(is_answered(client));
    stub_set_lease(true, world->net.now);
    world_run(world, 200 * MS_US);
    assert_int_equal(answered_topic(client).partitions[0].error_code, 0);
    world_down(world);
}

static void a_client_that_waits_for_a_creation_may_go(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    stub.creations_wait = true;
    fake_client_ask_topic(client, "fresh");
    world_run(world, MS_US);
    fake_client_close(client);
    stub_finish_creations(world->net.now);
    world_run(world, SECOND_US);
    client = world_client(world);
    fake_client_ask_topic(client, "fresh");
    world_run(world, MS_US);
    assert_int_equal(answered_topic(client).error_code, 0);
    world_down(world);
}

static void answers_keep_their_order_around_a_creation(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    stub.creations_wait = true;
    fake_client_ask_topic(client, "fresh");
    fake_client_ask_topic(client, "orders");
    world_run(world, SECOND_US);
    assert_false(is_answered(client));
    stub_finish_creations(world->net.now);
    world_run(world, MS_US);
    assert_text(answered_topic(client).name, "fresh");
    assert_text(answered_topic(client).name, "orders");
    world_down(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_topic_is_described_with_this_gateway_as_its_leader),
        cmocka_unit_test(what_is_advertised_is_told_instead_of_the_dialled_address),
        cmocka_unit_test(all_topics_are_listed_when_all_are_asked_for),
        cmocka_unit_test(a_topic_may_be_asked_for_by_its_id),
        cmocka_unit_test(an_unknown_topic_is_made_and_the_answer_waits_for_it),
        cmocka_unit_test(a_creation_that_takes_too_long_is_told_as_no_leader_yet),
        cmocka_unit_test(a_creation_that_fails_is_told_with_its_code_at_once),
        cmocka_unit_test(bad_names_are_refused_and_nothing_is_made),
        cmocka_unit_test(without_auto_creation_an_unknown_topic_is_unknown),
        cmocka_unit_test(a_client_may_say_that_nothing_shall_be_made),
        cmocka_unit_test(two_topics_a_second_are_made),
        cmocka_unit_test(more_topics_than_a_second_may_make_come_in_the_next),
        cmocka_unit_test(past_max_topics_or_max_partitions_total_none_is_made),
        cmocka_unit_test(before_the_gateway_is_ready_topics_have_no_leader),
        cmocka_unit_test(metadata_that_waits_for_boot_is_answered_when_it_is_over),
        cmocka_unit_test(without_a_lease_partitions_have_no_leader),
        cmocka_unit_test(metadata_waits_for_a_leader_that_comes_soon),
        cmocka_unit_test(a_client_that_waits_for_a_creation_may_go),
        cmocka_unit_test(answers_keep_their_order_around_a_creation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
