/* Settings and partitions of a live topic are changed, whatever is lost on the way. */
#include "core/text_map.h"
#include "tests/support/control_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define TTL_OF_ORDERS                                                                              \
    "SELECT default_time_to_live FROM system_schema.tables WHERE table_name = 'orders'"
#define COMPRESSION_OF_ORDERS                                                                      \
    "SELECT compression FROM system_schema.tables WHERE table_name = 'orders'"
#define OWN_COMPRESSION                                                                            \
    "ALTER TABLE sluice.sluice_topics WITH compression = {'class': 'OwnCompressor', 'level': '5'}"
#define VERSION_OF_ORDERS "SELECT version FROM sluice.sluice_topics WHERE topic = 'orders'"
#define VERSION_OF_ALL    "SELECT version FROM sluice.sluice_tables WHERE table_name = 'sluice_topics'"

static void up_with_orders(struct host *host, struct fake_db *db)
{
    struct created created;
    host_up(host, db, "one");
    host_create(host, "orders", 3, &created);
    host_run(host, SECOND_US);
    assert_true(created.done && created.error == 0);
}

static struct topic_settings settings_of(const struct host *host)
{
    struct topic_settings settings;
    topic_settings_read(slice_make(host->topic_configuration, host->topic_configuration_len),
                        &settings);
    return settings;
}

static void settings_are_stored_with_the_topic_and_known_at_once(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct created changed;
    up_with_orders(&host, db);
    host_set(&host, "orders", "max.message.bytes", "5000", &changed);
    host_run(&host, 100 * MS_US);
    assert_true(changed.done);
    assert_int_equal(changed.error, 0);
    assert_int_equal(settings_of(&host).max_message_bytes, 5000);
    assert_int_equal(fake_db_number(db, VERSION_OF_ORDERS), 2);
    assert_int_equal(fake_db_count(db, "ALTER TABLE"), 0);
    host_kill(&host);
    host_up(&host, db, "one");
    assert_int_equal(settings_of(&host).max_message_bytes, 5000);
    host_kill(&host);
    fake_db_free(db);
}

static void retention_becomes_the_tables_time_to_live(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct created changed;
    up_with_orders(&host, db);
    host_set(&host, "orders", "retention.ms", "86400000", &changed);
    host_run(&host, SECOND_US);
    assert_true(changed.done && changed.error == 0);
    assert_int_equal(fake_db_number(db, TTL_OF_ORDERS), 86400);
    assert_true(settings_of(&host).had_ttl);
    assert_int_equal(settings_of(&host).table_ttl_s, 86400);
    host_set(&host, "orders", "retention.ms", NULL, &changed);
    host_run(&host, SECOND_US);
    assert_true(changed.done && changed.error == 0);
    assert_int_equal(fake_db_number(db, TTL_OF_ORDERS), 0);
    assert_true(settings_of(&host).had_ttl); /* the old rows still end with their time */
    assert_int_equal(fake_db_count(db, "ALTER TABLE"), 2);
    host_kill(&host);
    fake_db_free(db);
}

/* Is this the value of the option in the map of orders' table? */
static bool is_compressed(struct fake_db *db, const char *option, const char *value)
{
    return slice_equal(text_map_get(fake_db_cell(db, COMPRESSION_OF_ORDERS), slice_cstr(option)),
                       slice_cstr(value));
}

static void compression_type_becomes_the_tables_compression(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct created changed;
    up_with_orders(&host, db);
    host_set(&host, "orders", "compression.type", "zstd", &changed);
    host_run(&host, SECOND_US);
    assert_true(changed.done && changed.error == 0);
    assert_true(is_compressed(db, "class", "ZstdCompressor"));
    assert_int_equal(settings_of(&host).table_compression, TOPIC_COMPRESSION_ZSTD);
    assert_false(settings_of(&host).had_ttl);
    host_set(&host, "orders", "compression.type", "uncompressed", &changed);
    host_run(&host, SECOND_US);
    assert_true(changed.done && changed.error == 0);
    assert_true(is_compressed(db, "enabled", "false"));
    assert_int_equal(fake_db_count(db, "ALTER TABLE"), 2);
    assert_int_equal(fake_db_count(db, "default_time_to_live ="), 0); /* it was not asked for */
    host_kill(&host);
    fake_db_free(db);
}

static void without_compression_type_the_table_gets_the_databases_own(void **state)
{
    (void)state;
    static const char *const backs[] = {NULL, "producer"};
    for (size_t i = 0; i < 2; i++) {
        struct fake_db *db = fake_db_new();
        struct host host;
        struct created changed;
        up_with_orders(&host, db);
        (void)fake_db_run(db, OWN_COMPRESSION);
        host_set(&host, "orders", "compression.type", backs[1], &changed);
        host_run(&host, SECOND_US);
        assert_true(changed.done && changed.error == 0);
        assert_int_equal(fake_db_count(db, "ALTER TABLE"), 0); /* it has it already */
        host_set(&host, "orders", "compression.type", "lz4", &changed);
        host_run(&host, SECOND_US);
        assert_true(is_compressed(db, "class", "LZ4Compressor"));
        host_set(&host, "orders", "compression.type", backs[i], &changed);
        host_run(&host, SECOND_US);
        assert_true(changed.done && changed.error == 0);
        assert_true(is_compressed(db, "class", "OwnCompressor"));
        assert_true(is_compressed(db, "level", "5"));
        assert_int_equal(settings_of(&host).table_compression, TOPIC_COMPRESSION_PRODUCER);
        host_kill(&host);
        fake_db_free(db);
    }
}

static void that_the_databases_own_compression_is_not_known_is_told(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct created changed;
    up_with_orders(&host, db);
    host_set(&host, "orders", "compression.type", "lz4", &changed);
    host_run(&host, SECOND_US);
    (void)fake_db_run(db, "DELETE FROM system_schema.tables WHERE table_name = 'sluice_topics'");
    host_set(&host, "orders", "compression.type", NULL, &changed);
    host_run(&host, SECOND_US);
    assert_true(changed.done);
    assert_int_equal(changed.error, 56);
    assert_non_null(strstr(changed.text, "sluice_topics"));
    assert_true(is_compressed(db, "class", "LZ4Compressor"));
    host_kill(&host);
    fake_db_free(db);
}

static void two_settings_of_the_table_are_altered_together(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct created changed;
    up_with_orders(&host, db);
    fake_db_fault(db, "ALTER TABLE", FAULT_INVALID, 1);
    host_set(&host, "orders", "retention.ms", "86400000", &changed);
    host_run(&host, SECOND_US);
    assert_int_equal(changed.error, 56);
    host_set(&host, "orders", "compression.type", "snappy", &changed);
    host_run(&host, SECOND_US);
    assert_true(changed.done && changed.error == 0);
    assert_int_equal(fake_db_number(db, TTL_OF_ORDERS), 86400);
    assert_true(is_compressed(db, "class", "SnappyCompressor"));
    assert_int_equal(fake_db_count(db, "ALTER TABLE"), 2);
    host_kill(&host);
    fake_db_free(db);
}

static void that_rows_may_vanish_is_durable_before_the_table_is_altered(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct created changed;
    up_with_orders(&host, db);
    fake_db_fault(db, "ALTER TABLE", FAULT_LOSE_REQUEST, 1000);
    host_set(&host, "orders", "retention.ms", "86400000", &changed);
    host_run(&host, SECOND_US);
    assert_false(changed.done);
    host_kill(&host); /* the table has no time to live yet, and the row says that it may */
    assert_int_equal(fake_db_number(db, TTL_OF_ORDERS), 0);
    fake_db_clear_faults(db);
    host_init(&host, db, "one");
    host_start(&host);
    host_run(&host, SECOND_US / 2);
    assert_true(settings_of(&host).had_ttl);
    host_run(&host, 5 * SECOND_US); /* whoever finds it finishes it */
    assert_int_equal(fake_db_number(db, TTL_OF_ORDERS), 86400);
    assert_int_equal(settings_of(&host).table_ttl_s, 86400);
    host_kill(&host);
    fake_db_free(db);
}

static void a_topic_may_be_made_with_its_settings(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct created created;
    struct buf wanted, marked;
    const struct topic_change changes[] = {
        {SLICE_INIT("retention.ms"), SLICE_INIT("60000")},
        {SLICE_INIT("compression.type"), SLICE_INIT("gzip")}};
    host_up(&host, db, "one");
    buf_init(&wanted, &alloc_heap, TOPIC_CONFIGURATION_BYTES);
    buf_init(&marked, &alloc_heap, TOPIC_CONFIGURATION_BYTES);
    assert_int_equal(topic_configuration_change(SLICE_NULL, changes, 2, false, &wanted), 0);
    assert_int_equal(topic_configuration_mark(buf_unread(&wanted), true, &marked), 0);
    host_create_with(&host, "orders", 1, buf_unread(&marked), &created);
    buf_deinit(&wanted);
    buf_deinit(&marked);
    host_run(&host, SECOND_US);
    assert_true(created.done && created.error == 0);
    assert_int_equal(settings_of(&host).retention_ms, 60000);
    assert_int_equal(fake_db_number(db, TTL_OF_ORDERS), 60);
    assert_int_equal(settings_of(&host).compression, TOPIC_COMPRESSION_GZIP);
    assert_true(is_compressed(db, "class", "DeflateCompressor"));
    host_run(&host, 40 * SECOND_US);
    assert_int_equal(fake_db_count(db, "ALTER TABLE"), 0);
    host_kill(&host);
    fake_db_free(db);
}

static void partitions_are_added_and_never_taken_away(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct created grown;
    up_with_orders(&host, db);
    for (int32_t partitions = 0; partitions <= 3; partitions++) {
        host_grow(&host, "orders", partitions == 0 ? -1 : partitions, &grown);
        host_run(&host, SECOND_US);
        assert_true(grown.done);
        assert_int_equal(grown.error, 37);
        assert_non_null(strstr(grown.text, "has 3 partitions"));
    }
    host_grow(&host, "orders", 5, &grown);
    host_run(&host, SECOND_US);
    assert_true(grown.done && grown.error == 0);
    assert_int_equal(host.topic.partitions, 5);
    assert_int_equal(fake_db_number(db, "SELECT partitions FROM sluice.sluice_topics"), 5);
    assert_int_equal(host_led(&host, host.topic.topic_id, 5), 5);
    host_kill(&host);
    fake_db_free(db);
}

static void other_members_learn_of_changes_within_a_renewal(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host first, second;
    struct host *const both[] = {&first, &second};
    struct created done;
    up_with_orders(&first, db);
    host_init(&second, db, "two");
    host_follow(&second, &first);
    host_start(&second);
    hosts_run(both, 2, 5 * SECOND_US);
    assert_int_equal(second.topic.partitions, 3);
    host_grow(&first, "orders", 9, &done);
    hosts_run(both, 2, SECOND_US / 2);
    assert_true(done.done && done.error == 0);
    host_set(&first, "orders", "max.message.bytes", "5000", &done);
    hosts_run(both, 2, 4 * SECOND_US);
    assert_true(done.done && done.error == 0);
    assert_int_equal(second.topic.partitions, 9);
    assert_int_equal(settings_of(&second).max_message_bytes, 5000);
    host_create(&second, "bills", 1, &done); /* the other way round: a new topic, without an event */
    hosts_run(both, 2, 5 * SECOND_US);
    assert_true(done.done && done.error == 0);
    assert_string_equal(first.topic_name, "bills");
    host_kill(&first);
    host_kill(&second);
    fake_db_free(db);
}

static void two_gateways_changes_of_one_topic_are_both_kept(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host first, second;
    struct host *const both[] = {&first, &second};
    struct created one, two;
    up_with_orders(&first, db);
    host_init(&second, db, "two");
    host_follow(&second, &first);
    host_start(&second);
    hosts_run(both, 2, 5 * SECOND_US);
    host_set(&first, "orders", "max.message.bytes", "5000", &one);
    host_set(&second, "orders", "message.timestamp.type", "LogAppendTime", &two);
    hosts_run(both, 2, 8 * SECOND_US);
    assert_true(one.done && one.error == 0 && two.done && two.error == 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(settings_of(both[i]).max_message_bytes, 5000);
        assert_int_equal(settings_of(both[i]).timestamp_type, TOPIC_LOG_APPEND_TIME);
    }
    host_kill(&first);
    host_kill(&second);
    fake_db_free(db);
}

static void a_change_survives_every_kind_of_loss(void **state)
{
    (void)state;
    static const char *const steps[] = {"SET partitions", "ALTER TABLE", "SET version"};
    static const enum fake_fault faults[] = {FAULT_LOSE_REQUEST, FAULT_LOSE_ANSWER, FAULT_LATE,
                                             FAULT_CAS_TIMEOUT};
    for (size_t i = 0; i < 12; i++) {
        struct fake_db *db = fake_db_new();
        struct host host;
        struct created changed;
        up_with_orders(&host, db);
        fake_db_fault(db, steps[i / 4], faults[i % 4], 1);
        host_set(&host, "orders", "retention.ms", "86400000", &changed);
        host_run(&host, 70 * SECOND_US);
        fake_db_execute_late(db);
        host_run(&host, 15 * SECOND_US);
        assert_true(changed.done);
        assert_int_equal(changed.error, 0);
        assert_int_equal(fake_db_number(db, TTL_OF_ORDERS), 86400);
        assert_int_equal(settings_of(&host).table_ttl_s, 86400);
        assert_int_equal(settings_of(&host).retention_ms, 86400000);
        host_kill(&host);
        fake_db_free(db);
    }
}

static void the_way_back_survives_every_kind_of_loss(void **state)
{
    (void)state;
    static const char *const steps[] = {"SET partitions", "SELECT compression", "ALTER TABLE"};
    static const enum fake_fault faults[] = {FAULT_LOSE_REQUEST, FAULT_LOSE_ANSWER, FAULT_LATE};
    for (size_t i = 0; i < 9; i++) {
        struct fake_db *db = fake_db_new();
        struct host host;
        struct created changed;
        up_with_orders(&host, db);
        (void)fake_db_run(db, OWN_COMPRESSION);
        host_set(&host, "orders", "compression.type", "zstd", &changed);
        host_run(&host, SECOND_US);
        fake_db_fault(db, steps[i / 3], faults[i % 3], 1);
        host_set(&host, "orders", "compression.type", NULL, &changed);
        host_run(&host, 70 * SECOND_US);
        fake_db_execute_late(db);
        host_run(&host, 15 * SECOND_US);
        assert_true(changed.done);
        assert_int_equal(changed.error, 0);
        assert_true(is_compressed(db, "class", "OwnCompressor"));
        assert_int_equal(settings_of(&host).table_compression, TOPIC_COMPRESSION_PRODUCER);
        host_kill(&host);
        fake_db_free(db);
    }
}

static void a_change_that_the_database_refuses_is_told_with_its_words(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct created changed;
    up_with_orders(&host, db);
    fake_db_fault(db, "ALTER TABLE", FAULT_INVALID, 1);
    host_set(&host, "orders", "retention.ms", "86400000", &changed);
    host_run(&host, SECOND_US);
    assert_true(changed.done);
    assert_int_equal(changed.error, 56);
    assert_non_null(strstr(changed.text, "as the test wishes"));
    host_set(&host, "orders", "max.message.bytes", "7000", &changed); /* what follows finishes it */
    host_run(&host, SECOND_US);
    assert_true(changed.done && changed.error == 0);
    assert_int_equal(fake_db_number(db, TTL_OF_ORDERS), 86400);
    host_kill(&host);
    fake_db_free(db);
}

static void a_topic_that_is_another_one_by_now_is_not_changed(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct created changed;
    up_with_orders(&host, db);
    (void)fake_db_run(db, "UPDATE sluice.sluice_topics SET topic_id = "
                          "00000000-0000-4000-8000-000000000009 WHERE topic = 'orders'");
    host_set(&host, "orders", "max.message.bytes", "5000", &changed);
    host_run(&host, SECOND_US);
    assert_true(changed.done);
    assert_int_equal(changed.error, 3);
    assert_int_equal(fake_db_number(db, VERSION_OF_ORDERS), 1);
    host_kill(&host);
    fake_db_free(db);
}

static void set_version_of_all(struct fake_db *db, int64_t version)
{
    char text[120];
    (void)snprintf(text, sizeof(text),
                   "UPDATE sluice.sluice_tables SET version = %lld WHERE table_name = "
                   "'sluice_topics'",
                   (long long)version);
    (void)fake_db_run(db, text);
}

static void any_version_of_all_topics_can_be_raised(void **state)
{
    (void)state;
    static const int64_t versions[] = {INT64_MAX, INT64_MIN, -2, -1, 0};
    struct fake_db *db = fake_db_new();
    struct host host;
    struct created changed;
    up_with_orders(&host, db);
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        set_version_of_all(db, versions[i]);
        host_run(&host, 10 * SECOND_US); /* it is seen */
        host_set(&host, "orders", "max.message.bytes", i % 2 == 0 ? "5000" : "6000", &changed);
        host_run(&host, SECOND_US);
        assert_true(changed.done && changed.error == 0);
        assert_int_equal(fake_db_number(db, VERSION_OF_ALL), 1);
    }
    host_kill(&host);
    fake_db_free(db);
}

static void a_version_that_others_raise_all_the_time_is_not_raced_for(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    struct created changed;
    up_with_orders(&host, db);
    fake_db_forget_counts(db);
    host_set(&host, "orders", "max.message.bytes", "5000", &changed);
    for (int64_t ms = 0; ms < 5000; ms++) {
        set_version_of_all(db, 100 + ms);
        host_run(&host, MS_US);
    }
    assert_in_range(fake_db_count(db, "sluice_tables SET version"), 10, 60);
    host_run(&host, SECOND_US);
    assert_int_equal(fake_db_number(db, VERSION_OF_ALL), 100 + 5000);
    host_kill(&host);
    fake_db_free(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_stored_with_the_topic_and_known_at_once),
        cmocka_unit_test(retention_becomes_the_tables_time_to_live),
        cmocka_unit_test(compression_type_becomes_the_tables_compression),
        cmocka_unit_test(without_compression_type_the_table_gets_the_databases_own),
        cmocka_unit_test(that_the_databases_own_compression_is_not_known_is_told),
        cmocka_unit_test(two_settings_of_the_table_are_altered_together),
        cmocka_unit_test(that_rows_may_vanish_is_durable_before_the_table_is_altered),
        cmocka_unit_test(a_topic_may_be_made_with_its_settings),
        cmocka_unit_test(partitions_are_added_and_never_taken_away),
        cmocka_unit_test(other_members_learn_of_changes_within_a_renewal),
        cmocka_unit_test(two_gateways_changes_of_one_topic_are_both_kept),
        cmocka_unit_test(a_change_survives_every_kind_of_loss),
        cmocka_unit_test(the_way_back_survives_every_kind_of_loss),
        cmocka_unit_test(a_change_that_the_database_refuses_is_told_with_its_words),
        cmocka_unit_test(a_topic_that_is_another_one_by_now_is_not_changed),
        cmocka_unit_test(any_version_of_all_topics_can_be_raised),
        cmocka_unit_test(a_version_that_others_raise_all_the_time_is_not_raced_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
