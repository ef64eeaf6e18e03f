#include "core/control/topic_settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/text_map.h"

static bool is_accepted(const char *name, const char *value)
{
    struct gateway_config config;
    char why[TOPIC_SETTING_WHY_BYTES] = "";
    gateway_config_defaults(&config);
    bool ok = topic_setting_check(&config, 2, slice_cstr(name),
                                  value == NULL ? SLICE_NULL : slice_cstr(value), why);
    assert_true(ok == (why[0] == '\0')); /* a refusal says why */
    if (!ok)
        assert_non_null(strstr(why, name));
    return ok;
}

static void settings_with_a_meaning_take_their_values_and_no_others(void **state)
{
    (void)state;
    static const struct {
        const char *name, *good[6], *bad[8];
    } cases[] = {
        {"compression.type",
         {"producer", "uncompressed", "zstd", "lz4", "snappy", "gzip"},
         {"none", "ZSTD", "", "zstd ", "LZ4Compressor", "zst", "zstd,lz4"}},
        {"retention.ms",
         {"-1", "60000", "630720000000"},
         {"59999", "0", "-2", "630720000001", "1d", "", " 60000", "99999999999999999999"}},
        {"max.message.bytes",
         {"1", "1048588", "104857600"},
         {"0", "-1", "104857601", "2147483648", "1k"}},
        {"message.timestamp.type", {"CreateTime", "LogAppendTime"}, {"createtime", "", "0"}},
        {"message.timestamp.before.max.ms", {"0", "9223372036854775807"}, {"-1", "x"}},
        {"message.timestamp.after.max.ms",
         {"0", "9223372036854775807"},
         {"-1", "9223372036854775808"}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t k = 0; k < 6 && cases[i].good[k] != NULL; k++)
            if (!is_accepted(cases[i].name, cases[i].good[k]))
                fail_msg("%s=%s", cases[i].name, cases[i].good[k]);
        for (size_t k = 0; k < 8 && cases[i].bad[k] != NULL; k++)
            if (is_accepted(cases[i].name, cases[i].bad[k]))
                fail_msg("%s=%s", cases[i].name, cases[i].bad[k]);
        assert_false(is_accepted(cases[i].name, NULL));
    }
}

static void what_is_fixed_takes_only_what_is_true_already(void **state)
{
    (void)state;
    assert_true(is_accepted("cleanup.policy", "delete"));
    assert_false(is_accepted("cleanup.policy", "compact"));
    assert_false(is_accepted("cleanup.policy", "compact,delete"));
    assert_true(is_accepted("min.insync.replicas", "1"));
    assert_true(is_accepted("min.insync.replicas", "2"));
    assert_false(is_accepted("min.insync.replicas", "3"));
    assert_false(is_accepted("min.insync.replicas", "0"));
    assert_true(is_accepted("retention.bytes", "-1"));
    assert_false(is_accepted("retention.bytes", "1000"));
    assert_true(is_accepted("unclean.leader.election.enable", "false"));
    assert_false(is_accepted("unclean.leader.election.enable", "true"));
}

static void what_has_no_meaning_or_no_name_is_refused_with_a_reason(void **state)
{
    (void)state;
    struct gateway_config config;
    char why[TOPIC_SETTING_WHY_BYTES];
    gateway_config_defaults(&config);
    assert_false(
        topic_setting_check(&config, 1, SLICE_LITERAL("segment.ms"), SLICE_LITERAL("1"), why));
    assert_non_null(strstr(why, "segments end by size"));
    assert_false(
        topic_setting_check(&config, 1, SLICE_LITERAL("retentoin.ms"), SLICE_LITERAL("1"), why));
    assert_non_null(strstr(why, "no such topic setting"));
    assert_false(topic_setting_check(&config, 1, SLICE_NULL, SLICE_LITERAL("1"), why));
    char longest[400];
    memset(longest, 'x', sizeof(longest));
    assert_false(topic_setting_check(&config, 1, slice_make(longest, sizeof(longest)),
                                     SLICE_LITERAL("1"), why));
    assert_false(topic_setting_check(&config, 1, SLICE_LITERAL("retention.ms"),
                                     slice_make(longest, sizeof(longest)), why));
}

static void retention_needs_the_right_to_alter_tables(void **state)
{
    (void)state;
    struct gateway_config config;
    char why[TOPIC_SETTING_WHY_BYTES];
    gateway_config_defaults(&config);
    config.schema_create = false;
    assert_false(topic_setting_check(&config, 1, SLICE_LITERAL("retention.ms"),
                                     SLICE_LITERAL("86400000"), why));
    assert_non_null(strstr(why, "schema.create"));
    assert_true(
        topic_setting_check(&config, 1, SLICE_LITERAL("retention.ms"), SLICE_LITERAL("-1"), why));
}

static void so_does_compression_but_for_none_of_its_own(void **state)
{
    (void)state;
    struct gateway_config config;
    char why[TOPIC_SETTING_WHY_BYTES];
    const struct slice name = SLICE_LITERAL("compression.type");
    gateway_config_defaults(&config);
    config.schema_create = false;
    assert_false(topic_setting_check(&config, 1, name, SLICE_LITERAL("zstd"), why));
    assert_non_null(strstr(why, "schema.create"));
    assert_false(topic_setting_check(&config, 1, name, SLICE_LITERAL("best"), why));
    assert_string_equal(
        why, "compression.type: uncompressed, zstd, lz4, snappy, gzip or producer");
    assert_true(topic_setting_check(&config, 1, name, SLICE_LITERAL("producer"), why));
}

static void every_shown_setting_accepts_its_own_default(void **state)
{
    (void)state;
    struct gateway_config config;
    size_t count;
    const struct topic_setting *list = topic_setting_list(&count);
    gateway_config_defaults(&config);
    for (size_t i = 0; i < count; i++) {
        char text[TOPIC_SETTING_TEXT_BYTES], why[TOPIC_SETTING_WHY_BYTES];
        topic_setting_default(&list[i], &config, 2, text);
        if (!topic_setting_check(&config, 2, slice_cstr(list[i].name), slice_cstr(text), why))
            fail_msg("%s", why);
        assert_false(topic_setting_is_static(&list[i], &config));
    }
    config.max_message_bytes = 5000;
    assert_true(topic_setting_is_static(topic_setting_find(SLICE_LITERAL("max.message.bytes")),
                                        &config));
}

static struct slice change(struct buf *out, struct slice map, const char *name, const char *value,
                           bool replace)
{
    const struct topic_change one = {slice_cstr(name),
                                     value == NULL ? SLICE_NULL : slice_cstr(value)};
    static uint8_t copy[TOPIC_CONFIGURATION_BYTES];
    assert_true(map.len <= sizeof(copy));
    if (map.len > 0)
        memmove(copy, map.data, map.len);
    buf_reset(out);
    assert_int_equal(
        topic_configuration_change(slice_make(copy, map.len), &one, 1, replace, out), STATUS_OK);
    return buf_unread(out);
}

static void changes_set_replace_and_take_back(void **state)
{
    (void)state;
    struct buf out;
    struct topic_settings settings;
    buf_init(&out, &alloc_heap, TOPIC_CONFIGURATION_BYTES);
    struct slice map = change(&out, SLICE_NULL, "max.message.bytes", "5000", false);
    map = change(&out, map, "message.timestamp.type", "LogAppendTime", false);
    map = change(&out, map, "max.message.bytes", "6000", false);
    topic_settings_read(map, &settings);
    assert_int_equal(settings.max_message_bytes, 6000);
    assert_int_equal(settings.timestamp_type, TOPIC_LOG_APPEND_TIME);
    assert_int_equal(settings.retention_ms, -1);
    map = change(&out, map, "sluice.had.ttl", "true", false);
    map = change(&out, map, "max.message.bytes", "7000", true);
    topic_settings_read(map, &settings);
    assert_int_equal(settings.max_message_bytes, 7000);
    assert_int_equal(settings.timestamp_type, TOPIC_TIMESTAMP_DEFAULT);
    assert_true(settings.had_ttl); /* what the table has had is no setting */
    map = change(&out, map, "max.message.bytes", NULL, false);
    topic_settings_read(map, &settings);
    assert_int_equal(settings.max_message_bytes, 0);
    buf_deinit(&out);
}

static void that_rows_may_vanish_is_marked_and_never_forgotten(void **state)
{
    (void)state;
    struct buf one, two;
    struct topic_settings settings;
    buf_init(&one, &alloc_heap, TOPIC_CONFIGURATION_BYTES);
    buf_init(&two, &alloc_heap, TOPIC_CONFIGURATION_BYTES);
    struct slice map = change(&one, SLICE_NULL, "retention.ms", "86400001", false);
    assert_int_equal(topic_configuration_mark(map, false, &two), STATUS_OK);
    topic_settings_read(buf_unread(&two), &settings);
    assert_true(settings.had_ttl);
    assert_int_equal(settings.table_ttl_s, 0);
    buf_reset(&one);
    assert_int_equal(topic_configuration_mark(buf_unread(&two), true, &one), STATUS_OK);
    topic_settings_read(buf_unread(&one), &settings);
    assert_int_equal(settings.table_ttl_s, 86401); /* never shorter than asked for */
    map = change(&two, buf_unread(&one), "retention.ms", "-1", false);
    buf_reset(&one);
    assert_int_equal(topic_configuration_mark(map, true, &one), STATUS_OK);
    topic_settings_read(buf_unread(&one), &settings);
    assert_int_equal(settings.table_ttl_s, 0);
    assert_true(settings.had_ttl);
    buf_reset(&two);
    assert_int_equal(topic_configuration_mark(SLICE_NULL, true, &two), STATUS_OK);
    topic_settings_read(buf_unread(&two), &settings);
    assert_false(settings.had_ttl);
    buf_deinit(&one);
    buf_deinit(&two);
}

static void what_compression_the_table_was_given_is_marked(void **state)
{
    (void)state;
    static const char *const values[] = {"zstd", "uncompressed", "gzip", "snappy", "lz4",
                                         "producer", NULL};
    struct buf wanted, marked;
    struct topic_settings settings;
    buf_init(&wanted, &alloc_heap, TOPIC_CONFIGURATION_BYTES);
    buf_init(&marked, &alloc_heap, TOPIC_CONFIGURATION_BYTES);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct slice map =
            change(&wanted, buf_unread(&marked), "compression.type", values[i], false);
        buf_reset(&marked);
        assert_int_equal(topic_configuration_mark(map, false, &marked), STATUS_OK);
        topic_settings_read(buf_unread(&marked), &settings);
        assert_true(topic_table_is_behind(&settings) == (values[i] != NULL)); /* producer is it */
        map = change(&wanted, buf_unread(&marked), "max.message.bytes", "1", true); /* replace */
        buf_reset(&marked);
        map = change(&wanted, map, "compression.type", values[i], false);
        assert_int_equal(topic_configuration_mark(map, true, &marked), STATUS_OK);
        topic_settings_read(buf_unread(&marked), &settings);
        assert_false(topic_table_is_behind(&settings));
        assert_true(settings.compression == settings.table_compression);
        assert_true((settings.compression == TOPIC_COMPRESSION_PRODUCER) == (i >= 5));
        assert_false(settings.had_ttl);
    }
    buf_deinit(&wanted);
    buf_deinit(&marked);
}

static void a_map_that_is_cut_anywhere_is_read_up_to_there(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, &alloc_heap, TOPIC_CONFIGURATION_BYTES);
    struct slice map = change(&out, SLICE_NULL, "max.message.bytes", "5000", false);
    for (size_t len = 0; len <= map.len; len++) {
        struct topic_settings settings;
        uint8_t *exact = malloc(len + 1); /* the sanitizer sees a read beyond it */
        memcpy(exact, map.data, len);
        exact = realloc(exact, len > 0 ? len : 1);
        topic_settings_read(slice_make(exact, len), &settings);
        assert_int_equal(settings.max_message_bytes, len == map.len ? 5000 : 0);
        free(exact);
    }
    buf_deinit(&out);
}

static void too_many_settings_together_are_refused(void **state)
{
    (void)state;
    struct buf out;
    static char value[3000];
    memset(value, '1', sizeof(value));
    const struct topic_change changes[] = {
        {SLICE_INIT("a"), {(const uint8_t *)value, sizeof(value)}},
        {SLICE_INIT("b"), {(const uint8_t *)value, sizeof(value)}}};
    buf_init(&out, &alloc_heap, TOPIC_CONFIGURATION_BYTES);
    assert_int_equal(topic_configuration_change(SLICE_NULL, changes, 2, false, &out), STATUS_LIMIT);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_with_a_meaning_take_their_values_and_no_others),
        cmocka_unit_test(what_is_fixed_takes_only_what_is_true_already),
        cmocka_unit_test(what_has_no_meaning_or_no_name_is_refused_with_a_reason),
        cmocka_unit_test(retention_needs_the_right_to_alter_tables),
        cmocka_unit_test(so_does_compression_but_for_none_of_its_own),
        cmocka_unit_test(every_shown_setting_accepts_its_own_default),
        cmocka_unit_test(changes_set_replace_and_take_back),
        cmocka_unit_test(that_rows_may_vanish_is_marked_and_never_forgotten),
        cmocka_unit_test(what_compression_the_table_was_given_is_marked),
        cmocka_unit_test(a_map_that_is_cut_anywhere_is_read_up_to_there),
        cmocka_unit_test(too_many_settings_together_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
