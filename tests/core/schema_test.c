#include "core/control/control.h"
#include "core/control/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void expect_name(const char *topic, bool taken, size_t max, const char *expected)
{
    char name[SCHEMA_TABLE_NAME_MAX + 1];
    schema_table_name(slice_cstr(topic), taken, max, name);
    assert_string_equal(name, expected);
}

static void dots_and_dashes_become_underscores(void **state)
{
    (void)state;
    expect_name("orders", false, 222, "orders");
    expect_name("a.b-c_D9", false, 222, "a_b_c_D9");
    expect_name("-", false, 222, "_");
}

static void a_taken_name_gets_the_hash_of_the_topic(void **state)
{
    (void)state;
    expect_name("a_b", true, 222, "a_b_44529424");
    char one[SCHEMA_TABLE_NAME_MAX + 1], two[SCHEMA_TABLE_NAME_MAX + 1];
    schema_table_name(SLICE_LITERAL("a.b"), true, 222, one);
    schema_table_name(SLICE_LITERAL("a-b"), true, 222, two);
    assert_string_not_equal(one, two);
}

static void a_name_like_a_control_tables_gets_the_hash(void **state)
{
    (void)state;
    char name[SCHEMA_TABLE_NAME_MAX + 1];
    expect_name("sluice_members", false, 222, "sluice_members_784512d5");
    schema_table_name(SLICE_LITERAL("sluice.slots"), false, 222, name);
    assert_int_equal(strncmp(name, "sluice_slots_", 13), 0);
    expect_name("Sluice_slots", false, 222, "Sluice_slots"); /* quoted, so another name */
    expect_name("sluice", false, 222, "sluice");
}

static void a_long_name_is_cut_and_gets_the_hash(void **state)
{
    (void)state;
    char topic[250], name[SCHEMA_TABLE_NAME_MAX + 1];
    memset(topic, 'x', 249);
    topic[249] = '\0';
    static const size_t limits[] = {48, 222};
    for (size_t i = 0; i < 2; i++) {
        schema_table_name(slice_cstr(topic), false, limits[i], name);
        assert_int_equal(strlen(name), limits[i]);
        assert_int_equal(name[limits[i] - 9], '_');
        topic[limits[i]] = '\0'; /* just fits */
        schema_table_name(slice_cstr(topic), false, limits[i], name);
        assert_string_equal(name, topic);
        topic[limits[i]] = 'x';
    }
}

static void old_servers_have_short_table_names(void **state)
{
    (void)state;
    assert_int_equal(schema_table_name_max("5.0.6", false), 222);
    assert_int_equal(schema_table_name_max("5.1-SNAPSHOT", false), 222);
    assert_int_equal(schema_table_name_max("6.0", false), 222);
    assert_int_equal(schema_table_name_max("5.0.5", false), 48);
    assert_int_equal(schema_table_name_max("4.1.10", false), 48);
    assert_int_equal(schema_table_name_max("", false), 48);
    assert_int_equal(schema_table_name_max("99999999999999999999.1", false), 222);
    assert_int_equal(schema_table_name_max("5.0.6", true), 48);
}

static void topic_names_follow_kafkas_rules(void **state)
{
    (void)state;
    char longest[251];
    memset(longest, 'a', 250);
    static const char *const good[] = {"a", "A.b_c-9", "...", "__consumer_offsets"};
    static const char *const bad[] = {"", ".", "..", "a b", "a/b", "\xc3\xa9", "a\"b", "a'b"};
    for (size_t i = 0; i < 4; i++)
        assert_true(topic_name_is_valid(slice_cstr(good[i])));
    for (size_t i = 0; i < 8; i++)
        assert_false(topic_name_is_valid(slice_cstr(bad[i])));
    assert_true(topic_name_is_valid(slice_make(longest, 249)));
    assert_false(topic_name_is_valid(slice_make(longest, 250)));
    assert_false(topic_name_is_valid(slice_make("a\0b", 3)));
}

static void keyspace_names_have_no_quotes(void **state)
{
    (void)state;
    assert_true(schema_keyspace_is_valid("sluice"));
    assert_true(schema_keyspace_is_valid("Sluice_2"));
    assert_false(schema_keyspace_is_valid(""));
    assert_false(schema_keyspace_is_valid("a\"b"));
    assert_false(schema_keyspace_is_valid("a-b"));
    assert_false(schema_keyspace_is_valid("a234567890123456789012345678901234567890123456789"));
}

static void expect_text(struct buf *out, const char *expected)
{
    assert_int_equal(buf_append(out, slice_make("", 1)), STATUS_OK);
    assert_string_equal((const char *)buf_unread(out).data, expected);
    buf_reset(out);
}

static void a_log_table_carries_the_topics_id(void **state)
{
    (void)state;
    struct buf out;
    const uint8_t id[16] = {0x0d, 0x52, 0xf6, 0x44, 0xd1, 0x9c, 0x42, 0x6b,
                            0xb2, 0x3a, 0xe5, 0x0b, 0x65, 0xaa, 0x12, 0xa5};
    const struct schema_options plain = {0};
    buf_init(&out, &alloc_heap, 4096);
    assert_int_equal(schema_log_table("sluice", "Orders", id, &plain, &out), STATUS_OK);
    expect_text(
        &out,
        "CREATE TABLE IF NOT EXISTS \"sluice\".\"Orders\" (partition int, segment bigint, "
        "offset bigint, timestamp timestamp, key blob, value blob, headers "
        "frozen<list<frozen<tuple<text, blob>>>>, producer_id bigint, producer_epoch smallint, "
        "base_sequence int, record_count int, stable bigint, producers blob, PRIMARY KEY "
        "((partition, segment), offset)) WITH ID = 0d52f644-d19c-426b-b23a-e50b65aa12a5");
    buf_deinit(&out);
}

static void expect_altered(const struct schema_options *options, const char *expected)
{
    struct buf out;
    char text[400];
    buf_init(&out, &alloc_heap, 4096);
    assert_int_equal(schema_log_table_alter("sluice", "Orders", options, &out), STATUS_OK);
    (void)snprintf(text, sizeof(text), "ALTER TABLE \"sluice\".\"Orders\" WITH %s", expected);
    expect_text(&out, text);
    buf_deinit(&out);
}

static void a_log_table_is_altered_in_what_is_set_and_nothing_else(void **state)
{
    (void)state;
    struct schema_options options = {.sets_ttl = true};
    expect_altered(&options, "default_time_to_live = 0");
    options.ttl_s = 86400;
    expect_altered(&options,
                   "default_time_to_live = 86400 AND compaction = {'class': "
                   "'TimeWindowCompactionStrategy', 'compaction_window_unit': 'HOURS', "
                   "'compaction_window_size': '1'}");
    options = (struct schema_options){.sets_ttl = true,
                                      .sets_compression = true,
                                      .compression = TOPIC_COMPRESSION_ZSTD};
    expect_altered(&options,
                   "default_time_to_live = 0 AND compression = {'class': 'ZstdCompressor'}");
    options.sets_ttl = false;
    expect_altered(&options, "compression = {'class': 'ZstdCompressor'}");
}

static void compression_is_spelled_as_each_database_wants_it(void **state)
{
    (void)state;
    static const struct {
        enum topic_compression compression;
        const char *cassandra, *scylla;
    } cases[] = {
        {TOPIC_COMPRESSION_UNCOMPRESSED, "{'enabled': 'false'}", "{'sstable_compression': ''}"},
        {TOPIC_COMPRESSION_ZSTD, "{'class': 'ZstdCompressor'}",
         "{'sstable_compression': 'ZstdCompressor'}"},
        {TOPIC_COMPRESSION_LZ4, "{'class': 'LZ4Compressor'}",
         "{'sstable_compression': 'LZ4Compressor'}"},
        {TOPIC_COMPRESSION_SNAPPY, "{'class': 'SnappyCompressor'}",
         "{'sstable_compression': 'SnappyCompressor'}"},
        {TOPIC_COMPRESSION_GZIP, "{'class': 'DeflateCompressor'}",
         "{'sstable_compression': 'DeflateCompressor'}"},
        /* the database's own is nothing, as ScyllaDB tells that it does not compress */
        {TOPIC_COMPRESSION_PRODUCER, "{'enabled': 'false'}", "{'sstable_compression': ''}"},
    };
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        char text[100];
        const struct schema_options options = {.sets_compression = true,
                                               .compression = cases[i / 2].compression,
                                               .is_scylla = i % 2 != 0};
        (void)snprintf(text, sizeof(text), "compression = %s",
                       options.is_scylla ? cases[i / 2].scylla : cases[i / 2].cassandra);
        expect_altered(&options, text);
    }
}

static void the_databases_own_compression_is_given_back_as_it_was_told(void **state)
{
    (void)state;
    static const char map[] = "\0\0\0\2\0\0\0\22chunk_length_in_kb\0\0\0\00216"
                              "\0\0\0\5class\0\0\0\3a'b";
    const struct schema_options options = {.sets_compression = true,
                                           .own_compression = slice_make(map, sizeof(map) - 1)};
    expect_altered(&options, "compression = {'chunk_length_in_kb': '16', 'class': 'a''b'}");
}

static void a_log_table_is_made_with_its_options(void **state)
{
    (void)state;
    struct buf out;
    const uint8_t id[16] = {0};
    const struct schema_options options = {.sets_ttl = true,
                                           .sets_compression = true,
                                           .ttl_s = 60,
                                           .compression = TOPIC_COMPRESSION_LZ4};
    buf_init(&out, &alloc_heap, 4096);
    for (int with_id = 0; with_id < 2; with_id++) {
        assert_int_equal(schema_log_table("s", "t", with_id ? id : NULL, &options, &out), 0);
        assert_int_equal(buf_append(&out, slice_make("", 1)), STATUS_OK);
        const char *behind = strstr((const char *)buf_unread(&out).data, "offset)) ");
        assert_non_null(behind);
        assert_string_equal(behind + 9 + (with_id ? 50 : 0),
                            &" WITH default_time_to_live = 60 AND compaction = {'class': "
                             "'TimeWindowCompactionStrategy', 'compaction_window_unit': "
                             "'MINUTES', 'compaction_window_size': '1'} AND compression = "
                             "{'class': 'LZ4Compressor'}"[with_id ? 5 : 1]);
        buf_reset(&out);
    }
    buf_deinit(&out);
}

static void a_data_centres_quotes_are_doubled(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, &alloc_heap, 4096);
    assert_int_equal(schema_replication("dc'1", 3, &out), STATUS_OK);
    expect_text(&out, "{'class': 'NetworkTopologyStrategy', 'dc''1': 3}");
    buf_deinit(&out);
}

static size_t count_lines(struct slice text)
{
    size_t lines = 0;
    for (size_t i = 0; i < text.len; i++)
        lines += text.data[i] == '\n';
    return lines;
}

static void everything_is_printed_one_statement_a_line(void **state)
{
    (void)state;
    struct buf out;
    struct gateway_config config;
    const char *const topics[] = {"orders", "a.b"};
    const char *const bad[] = {"a b"};
    gateway_config_defaults(&config);
    config.keyspace = "sluice";
    config.schema_create = true;
    buf_init(&out, &alloc_heap, 65536);
    assert_int_equal(schema_print(&config, "{'class': 'SimpleStrategy'}", topics, 2, &out),
                     STATUS_OK);
    assert_int_equal(count_lines(buf_unread(&out)), 1 + 7 + 2 + 6);
    assert_int_equal(buf_unread(&out).data[buf_len(&out) - 2], ';');
    buf_reset(&out);
    config.schema_create = false; /* then it needs no right to create */
    assert_int_equal(schema_print(&config, "{}", NULL, 0, &out), STATUS_OK);
    assert_int_equal(count_lines(buf_unread(&out)), 1 + 7 + 3);
    assert_int_equal(schema_print(&config, "{}", bad, 1, &out), STATUS_MALFORMED);
    buf_deinit(&out);
}

static struct schema_column column(const char *name, const char *kind, const char *type,
                                   int32_t position)
{
    return (struct schema_column){slice_cstr(name), slice_cstr(kind), slice_cstr(type), position};
}

static void further_regular_columns_fit_and_others_do_not(void **state)
{
    (void)state;
    uint32_t seen = 0;
    struct schema_column good = column("value", "regular", "blob", -1);
    struct schema_column extra = column("note", "regular", "text", -1);
    struct schema_column fixed = column("note", "static", "text", -1);
    struct schema_column key = column("offset", "partition_key", "bigint", 0);
    struct schema_column type = column("value", "regular", "int", -1);
    struct schema_column order = column("partition", "partition_key", "int", 1);
    assert_true(schema_column_fits(&good, &seen));
    assert_int_equal(seen, 1u << 5);
    assert_true(schema_column_fits(&extra, &seen));
    assert_int_equal(seen, 1u << 5);
    assert_false(schema_column_fits(&fixed, &seen));
    assert_false(schema_column_fits(&key, &seen));
    assert_false(schema_column_fits(&type, &seen));
    assert_false(schema_column_fits(&order, &seen));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dots_and_dashes_become_underscores),
        cmocka_unit_test(a_taken_name_gets_the_hash_of_the_topic),
        cmocka_unit_test(a_name_like_a_control_tables_gets_the_hash),
        cmocka_unit_test(a_long_name_is_cut_and_gets_the_hash),
        cmocka_unit_test(old_servers_have_short_table_names),
        cmocka_unit_test(topic_names_follow_kafkas_rules),
        cmocka_unit_test(keyspace_names_have_no_quotes),
        cmocka_unit_test(a_log_table_carries_the_topics_id),
        cmocka_unit_test(a_log_table_is_altered_in_what_is_set_and_nothing_else),
        cmocka_unit_test(compression_is_spelled_as_each_database_wants_it),
        cmocka_unit_test(the_databases_own_compression_is_given_back_as_it_was_told),
        cmocka_unit_test(a_log_table_is_made_with_its_options),
        cmocka_unit_test(a_data_centres_quotes_are_doubled),
        cmocka_unit_test(everything_is_printed_one_statement_a_line),
        cmocka_unit_test(further_regular_columns_fit_and_others_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
