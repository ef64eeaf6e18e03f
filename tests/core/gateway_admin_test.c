/* The APIs of tools on a played control plane: what is checked before it is asked, its limits, and
 * what a change means for the next record. Answers next to Kafka's: tests/differential. */
#include "tests/support/gateway_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "kafka/alter_configs.h"
#include "kafka/config.h"
#include "kafka/create_partitions.h"
#include "kafka/create_topics.h"
#include "kafka/delete_topics.h"
#include "kafka/describe_configs.h"
#include "kafka/describe_log_dirs.h"
#include "kafka/error.h"
#include "kafka/list_offsets.h"
#include "tests/support/failing_alloc.h"

static struct kafka_create_topics_topic topic_of(const char *name, int32_t partitions)
{
    return (struct kafka_create_topics_topic){
        .name = slice_cstr(name), .num_partitions = partitions, .replication_factor = -1};
}

static void ask_creation(struct fake_client *client, struct kafka_create_topics_topic *topics,
                         int32_t count, bool validate_only)
{
    struct kafka_create_topics_request request = KAFKA_CREATE_TOPICS_REQUEST_DEFAULT;

    request.topics = topics;
    request.topic_count = count;
    request.validate_only = validate_only;
    (void)fake_client_send(client, KAFKA_CREATE_TOPICS, 7, &request);
}

/* Asks for one topic; its answer, which lasts until the next. */
static struct kafka_create_topics_topic_response create(struct gateway_world *world,
                                                        struct fake_client *client,
                                                        const char *name, int32_t partitions)
{
    struct kafka_create_topics_topic topic = topic_of(name, partitions);
    struct kafka_create_topics_response response;

    ask_creation(client, &topic, 1, false);
    world_run(world, MS_US);
    if (!fake_client_next(client, &response))
        fail_msg("there is no answer");
    assert_int_equal(response.topic_count, 1);
    return response.topics[0];
}

static int16_t grow(struct gateway_world *world, struct fake_client *client, const char *name,
                    int32_t count)
{
    struct kafka_create_partitions_topic topic = {
        .name = slice_cstr(name), .count = count, .assignment_count = -1};
    struct kafka_create_partitions_request request = {&topic, 1, 10000, false};
    struct kafka_create_partitions_response response;

    (void)fake_client_send(client, KAFKA_CREATE_PARTITIONS, 3, &request);
    world_run(world, MS_US);
    assert_true(fake_client_next(client, &response));
    return response.results[0].error_code;
}

/* One change of a setting of "orders"; why: room for the refusal's text, or NULL. */
static int16_t alter(struct gateway_world *world, struct fake_client *client,
                     struct kafka_alter_configs_config config, bool validate_only, char why[200])
{
    struct kafka_alter_configs_resource resource = {.resource_type = KAFKA_RESOURCE_TOPIC,
                                                    .resource_name = SLICE_LITERAL("orders"),
                                                    .configs = &config,
                                                    .config_count = 1};
    struct kafka_alter_configs_request request = {&resource, 1, validate_only};
    struct kafka_alter_configs_response response;

    (void)fake_client_send(client, KAFKA_INCREMENTAL_ALTER_CONFIGS, 1, &request);
    world_run(world, MS_US);
    assert_true(fake_client_next(client, &response));
    if (why != NULL)
        (void)snprintf(why, 200, "%.*s", (int)response.responses[0].error_message.len,
                       (const char *)response.responses[0].error_message.data);
    return response.responses[0].error_code;
}

static int16_t set(struct gateway_world *world, struct fake_client *client, const char *name,
                   const char *value)
{
    return alter(world, client,
                 (struct kafka_alter_configs_config){
                     slice_cstr(name), value == NULL ? KAFKA_CONFIG_DELETE : KAFKA_CONFIG_SET,
                     value == NULL ? SLICE_NULL : slice_cstr(value)},
                 false, NULL);
}

/* What DescribeConfigs shows of a setting of "orders". */
static void expect_shown(struct gateway_world *world, struct fake_client *client, const char *name,
                         const char *value, enum kafka_config_source source)
{
    struct slice key = slice_cstr(name);
    struct kafka_describe_configs_resource resource = {.resource_type = KAFKA_RESOURCE_TOPIC,
                                                       .resource_name = SLICE_LITERAL("orders"),
                                                       .configuration_keys = &key,
                                                       .configuration_key_count = 1};
    struct kafka_describe_configs_request request = {.resources = &resource, .resource_count = 1};
    struct kafka_describe_configs_response response;

    (void)fake_client_send(client, KAFKA_DESCRIBE_CONFIGS, 4, &request);
    world_run(world, MS_US);
    assert_true(fake_client_next(client, &response));
    assert_int_equal(response.results[0].error_code, 0);
    assert_int_equal(response.results[0].config_count, 1);
    assert_true(slice_equal(response.results[0].configs[0].value, slice_cstr(value)));
    assert_int_equal(response.results[0].configs[0].config_source, source);
    assert_false(response.results[0].configs[0].read_only);
}

static int16_t produce(struct gateway_world *world, struct fake_client *client, struct slice batch)
{
    struct kafka_produce_partition_response produced;

    (void)fake_client_produce(client, &(struct fake_produce){.topic = "orders", .records = batch});
    world_run(world, 50 * MS_US);
    assert_true(fake_client_produced(client, &produced));
    return produced.error_code;
}

static void a_topic_is_made_with_as_many_partitions_as_asked_for(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    struct kafka_create_topics_topic_response made = create(world, client, "events", 4);
    assert_int_equal(made.error_code, 0);
    assert_int_equal(made.num_partitions, 4);
    assert_memory_equal(made.topic_id, stub_topic_id("events"), 16);
    assert_int_equal(create(world, client, "events", 4).error_code, KAFKA_TOPIC_ALREADY_EXISTS);
    assert_int_equal(stub.created, 1);
    world_down(world);
}

static void what_is_only_validated_is_not_made(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    struct kafka_create_topics_topic topics[] = {topic_of("good", 2), topic_of("not/good", 2)};
    struct kafka_create_topics_response response;

    ask_creation(client, topics, 2, true);
    world_run(world, MS_US);
    assert_true(fake_client_next(client, &response));
    assert_int_equal(response.topics[0].error_code, 0);
    assert_int_equal(response.topics[0].num_partitions, 2);
    assert_int_equal(response.topics[1].error_code, KAFKA_INVALID_TOPIC_EXCEPTION);
    assert_int_equal(stub.created, 0);
    world_down(world);
}

static void topics_are_limited_with_those_that_are_being_made(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    world->config.max_topics = 3;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    struct fake_client *client = world_client(world);
    struct kafka_create_topics_topic topics[] = {topic_of("a", 1), topic_of("b", 1),
                                                 topic_of("c", 1)};
    struct kafka_create_topics_response response;

    stub.creations_wait = true;
    ask_creation(client, topics, 3, false);
    world_run(world, MS_US);
    assert_int_equal(stub.created, 2);
    stub_finish_creations(world->net.now);
    world_run(world, MS_US);
    assert_true(fake_client_next(client, &response));
    assert_int_equal(response.topics[0].error_code, 0);
    assert_int_equal(response.topics[1].error_code, 0);
    assert_int_equal(response.topics[2].error_code, KAFKA_POLICY_VIOLATION);
    world_down(world);
}

static void partitions_are_limited_for_a_topic_and_for_all_together(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    world->config.max_partitions = 5;
    world->config.max_partitions_total = 8;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    struct fake_client *client = world_client(world);

    assert_int_equal(create(world, client, "a", 6).error_code, KAFKA_POLICY_VIOLATION);
    assert_int_equal(create(world, client, "a", INT32_MAX).error_code, KAFKA_POLICY_VIOLATION);
    assert_int_equal(create(world, client, "a", 5).error_code, 0);
    assert_int_equal(create(world, client, "b", 3).error_code, KAFKA_POLICY_VIOLATION);
    assert_int_equal(grow(world, client, "orders", 6), KAFKA_POLICY_VIOLATION);
    assert_int_equal(grow(world, client, "orders", 4), KAFKA_POLICY_VIOLATION);
    assert_int_equal(grow(world, client, "orders", 3), 0);
    assert_int_equal(create(world, client, "b", 1).error_code, KAFKA_POLICY_VIOLATION);
    world_down(world);
}

static void topics_of_others_are_served_up_to_twice_the_partitions_that_are_made(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    world->config.max_partitions_total = 4;
    stub_add_topic("mine", 3, world->net.now);
    stub_add_topic("theirs", 6, world->net.now);
    stub_add_topic("small", 5, world->net.now);
    assert_true(world_start(world));
    struct fake_client *client = world_client(world);

    world_run(world, MS_US);
    assert_int_equal(fake_net_logged(&world->net, "topic=theirs partitions=6"), 1);
    assert_int_equal(fake_net_logged(&world->net, "too many partitions to serve"), 1);
    assert_int_equal(grow(world, client, "theirs", 7), KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_int_equal(grow(world, client, "small", 6), KAFKA_POLICY_VIOLATION);
    assert_int_equal(create(world, client, "a", 1).error_code, KAFKA_POLICY_VIOLATION);
    world_down(world);
}

static void a_request_that_names_too_much_does_nothing(void **state)
{
    (void)state;
    struct gateway_world *world = world_new(&alloc_heap);
    world->config.max_admin_items = 1;
    stub_add_topic("orders", 1, world->net.now);
    assert_true(world_start(world));
    struct fake_client *client = world_client(world);
    struct kafka_create_topics_topic made[] = {topic_of("a", 1), topic_of("b", 1)};
    struct kafka_create_topics_response created;
    struct kafka_delete_topics_topic gone[] = {{.name = SLICE_LITERAL("orders")},
                                               {.name = SLICE_LITERAL("other")}};
    struct kafka_delete_topics_request request = {gone, 2, 10000};
    struct kafka_delete_topics_response deleted;

    ask_creation(client, made, 2, false);
    (void)fake_client_send(client, KAFKA_DELETE_TOPICS, 6, &request);
    world_run(world, MS_US);
    assert_true(fake_client_next(client, &created));
    assert_int_equal(created.topics[0].error_code, KAFKA_INVALID_REQUEST);
    assert_int_equal(created.topics[1].error_code, KAFKA_INVALID_REQUEST);
    assert_true(fake_client_next(client, &deleted));
    assert_int_equal(deleted.responses[0].error_code, KAFKA_INVALID_REQUEST);
    assert_int_equal(set(world, client, "retention.ms", "60000"), KAFKA_INVALID_REQUEST);
    assert_int_equal(stub.created + stub.changed, 0);
    world_down(world);
}

static void a_topic_named_by_name_and_by_id_is_not_deleted(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    struct kafka_delete_topics_topic gone[] = {{.name = SLICE_LITERAL("orders")},
                                               {.name = SLICE_NULL}};
    struct kafka_delete_topics_request request = {gone, 2, 10000};
    struct kafka_delete_topics_response deleted;

    memcpy(gone[1].topic_id, stub_topic_id("orders"), 16);
    (void)fake_client_send(client, KAFKA_DELETE_TOPICS, 6, &request);
    world_run(world, MS_US);
    assert_true(fake_client_next(client, &deleted));
    assert_int_equal(deleted.responses[0].error_code, KAFKA_INVALID_REQUEST);
    assert_int_equal(deleted.responses[1].error_code, KAFKA_INVALID_REQUEST);
    assert_int_equal(stub.changed, 0);
    world_down(world);
}

static void a_setting_holds_for_the_next_record(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);

    assert_int_equal(produce(world, client, world_large_batch(world, 1, 5000)), 0);
    assert_int_equal(set(world, client, "max.message.bytes", "1000"), 0);
    assert_int_equal(produce(world, client, world_large_batch(world, 1, 5000)),
                     KAFKA_MESSAGE_TOO_LARGE);
    assert_int_equal(produce(world, client, world_batch(world, 1)), 0);
    assert_int_equal(set(world, client, "max.message.bytes", NULL), 0);
    assert_int_equal(produce(world, client, world_large_batch(world, 1, 5000)), 0);
    assert_int_equal(set(world, client, "cleanup.policy", "compact"), KAFKA_INVALID_CONFIG);
    assert_int_equal(set(world, client, "no.such.setting", "1"), KAFKA_INVALID_CONFIG);
    world_down(world);
}

static void compression_type_is_shown_as_it_was_set_and_taken_back(void **state)
{
    (void)state;
    static const struct slice name = SLICE_INIT("compression.type");
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    struct kafka_alter_configs_config config = {
        .name = name, .config_operation = KAFKA_CONFIG_SET, .value = SLICE_LITERAL("zstd")};
    char why[200];

    expect_shown(world, client, "compression.type", "producer", KAFKA_CONFIG_SOURCE_DEFAULT);
    assert_int_equal(alter(world, client, config, true, NULL), 0); /* only validated */
    assert_int_equal(stub.changed, 0);
    assert_int_equal(alter(world, client, config, false, NULL), 0);
    expect_shown(world, client, "compression.type", "zstd", KAFKA_CONFIG_SOURCE_TOPIC);
    config.value = SLICE_LITERAL("best");
    for (int validate_only = 0; validate_only < 2; validate_only++) {
        assert_int_equal(alter(world, client, config, validate_only != 0, why),
                         KAFKA_INVALID_CONFIG);
        assert_string_equal(
            why, "compression.type: uncompressed, zstd, lz4, snappy, gzip or producer");
    }
    expect_shown(world, client, "compression.type", "zstd", KAFKA_CONFIG_SOURCE_TOPIC);
    config.config_operation = KAFKA_CONFIG_APPEND;
    assert_int_equal(alter(world, client, config, false, why), KAFKA_INVALID_CONFIG);
    assert_int_equal(set(world, client, "compression.type", NULL), 0);
    expect_shown(world, client, "compression.type", "producer", KAFKA_CONFIG_SOURCE_DEFAULT);
    world_down(world);
}

static void a_creation_that_takes_too_long_is_told_and_goes_on(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    struct kafka_create_topics_topic topic = topic_of("slow", 1);
    struct kafka_create_topics_response response;

    stub.creations_wait = true;
    ask_creation(client, &topic, 1, false);
    world_run(world, 15 * SECOND_US);
    assert_false(fake_client_next(client, &response));
    world_run(world, 10 * SECOND_US);
    assert_true(fake_client_next(client, &response));
    assert_int_equal(response.topics[0].error_code, KAFKA_REQUEST_TIMED_OUT);
    stub_finish_creations(world->net.now);
    world_run(world, MS_US);
    assert_int_equal(create(world, client, "slow", 1).error_code, KAFKA_TOPIC_ALREADY_EXISTS);
    world_down(world);
}

static void a_client_that_goes_away_leaves_its_creation_to_go_on(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world), *other = world_client(world);
    struct kafka_create_topics_topic topic = topic_of("left", 1);

    stub.creations_wait = true;
    ask_creation(client, &topic, 1, false);
    world_run(world, MS_US);
    world_forget_client(world, client);
    world_run(world, MS_US);
    stub_finish_creations(world->net.now);
    world_run(world, MS_US);
    assert_int_equal(create(world, other, "left", 1).error_code, KAFKA_TOPIC_ALREADY_EXISTS);
    world_down(world);
}

static int16_t offset_error(struct gateway_world *world, struct fake_client *client,
                            int16_t version, int64_t timestamp)
{
    struct kafka_list_offsets_partition partition = KAFKA_LIST_OFFSETS_PARTITION_DEFAULT;
    struct kafka_list_offsets_topic topic = {SLICE_LITERAL("orders"), &partition, 1};
    struct kafka_list_offsets_request request = {-1, 0, &topic, 1, 10000};
    struct kafka_list_offsets_response response;

    partition.timestamp = timestamp;
    (void)fake_client_send(client, KAFKA_LIST_OFFSETS, version, &request);
    world_run(world, SECOND_US);
    assert_true(fake_client_next(client, &response));
    return response.topics[0].partitions[0].error_code;
}

static void a_special_timestamp_is_known_from_its_version_on(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    static const int16_t since[] = {0, 0, 7, 8, 9, 11}; /* of -1, -2, ... */

    assert_int_equal(produce(world, client, world_batch(world, 1)), 0);
    for (int64_t timestamp = -1; timestamp >= -6; timestamp--) {
        int16_t first = since[-timestamp - 1];
        if (timestamp == -1 || timestamp <= -5) /* the others ask the database, see tests/e2e */
            assert_int_equal(offset_error(world, client, first, timestamp), 0);
        if (first > 0)
            assert_int_equal(offset_error(world, client, (int16_t)(first - 1), timestamp),
                             KAFKA_UNSUPPORTED_VERSION);
    }
    assert_int_equal(offset_error(world, client, 11, -7), KAFKA_UNSUPPORTED_VERSION);
    world_down(world);
}

static void the_keyspace_stands_for_the_log_directory(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    struct kafka_describe_log_dirs_request request = {.topic_count = -1};
    struct kafka_describe_log_dirs_response response;
    char wanted[64];

    snprintf(wanted, sizeof(wanted), "cassandra:%s", world->config.keyspace);
    (void)fake_client_send(client, KAFKA_DESCRIBE_LOG_DIRS, 4, &request);
    world_run(world, MS_US);
    assert_true(fake_client_next(client, &response));
    assert_int_equal(response.result_count, 1); /* none: Java says ClusterAuthorizationException */
    assert_true(slice_equal(response.results[0].log_dir, slice_cstr(wanted)));
    assert_int_equal(response.results[0].total_bytes, -1);
    world_down(world);
}

static void admin_scenario(struct failing_alloc *failing)
{
    struct gateway_world *world = world_new(&failing->alloc);
    stub_add_topic("orders", 1, world->net.now);
    if (!world_start(world)) {
        world_down(world);
        return;
    }
    world_run(world, SECOND_US);
    struct fake_client *client = world_client(world);
    if (client->client != NULL) {
        struct kafka_create_topics_topic topic = topic_of("a", 1);
        struct kafka_create_partitions_topic more = {SLICE_LITERAL("orders"), 2, NULL, -1};
        struct kafka_create_partitions_request growth = {&more, 1, 10000, false};
        ask_creation(client, &topic, 1, false);
        (void)fake_client_send(client, KAFKA_CREATE_PARTITIONS, 3, &growth);
        world_run(world, SECOND_US);
    }
    world_down(world);
}

static void a_failing_allocation_anywhere_leaks_nothing(void **state)
{
    (void)state;
    static struct failing_alloc failing;

    for (size_t n = 1; failing_alloc_next(&failing, n); n++)
        admin_scenario(&failing);
    assert_true(failing.rounds > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_topic_is_made_with_as_many_partitions_as_asked_for),
        cmocka_unit_test(what_is_only_validated_is_not_made),
        cmocka_unit_test(topics_are_limited_with_those_that_are_being_made),
        cmocka_unit_test(partitions_are_limited_for_a_topic_and_for_all_together),
        cmocka_unit_test(topics_of_others_are_served_up_to_twice_the_partitions_that_are_made),
        cmocka_unit_test(a_request_that_names_too_much_does_nothing),
        cmocka_unit_test(a_topic_named_by_name_and_by_id_is_not_deleted),
        cmocka_unit_test(a_setting_holds_for_the_next_record),
        cmocka_unit_test(compression_type_is_shown_as_it_was_set_and_taken_back),
        cmocka_unit_test(a_creation_that_takes_too_long_is_told_and_goes_on),
        cmocka_unit_test(a_client_that_goes_away_leaves_its_creation_to_go_on),
        cmocka_unit_test(a_special_timestamp_is_known_from_its_version_on),
        cmocka_unit_test(the_keyspace_stands_for_the_log_directory),
        cmocka_unit_test(a_failing_allocation_anywhere_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
