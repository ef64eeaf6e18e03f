/* Values as people write them, and the table of settings itself. */
#include "setting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void sizes_have_units_of_1024_and_1000(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes; /* -1: refused */
    } cases[] = {{"0", 0},
                 {"1048588", 1048588},
                 {"64KiB", 65536},
                 {"64 KiB", 65536},
                 {"100MiB", 104857600},
                 {"2GiB", INT64_C(2147483648)},
                 {"5kB", 5000},
                 {"5KB", 5000},
                 {"3MB", 3000000},
                 {"1GB", 1000000000},
                 {"7B", 7},
                 {"9223372036854775807", INT64_MAX},
                 {"9223372036854775808", -1},
                 {"9007199254740992KiB", -1},
                 {"-1", -1},
                 {"-1KiB", -1},
                 {"64M", -1},
                 {"64mib", -1},
                 {"1.5MiB", -1},
                 {"MiB", -1},
                 {"", -1},
                 {"64KiBx", -1}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t bytes = -1;
        bool good = setting_parse_bytes(cases[i].text, &bytes);
        assert_int_equal(good ? bytes : -1, cases[i].bytes);
    }
}

static void durations_must_have_a_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us; /* -1: refused */
    } cases[] = {{"0s", 0},
                 {"15us", 15},
                 {"100ms", 100000},
                 {"10s", 10000000},
                 {"10 s", 10000000},
                 {"5min", 300000000},
                 {"5m", 300000000},
                 {"2h", INT64_C(7200000000)},
                 {"7d", INT64_C(604800000000)},
                 {"10", -1},
                 {"0", -1},
                 {"s", -1},
                 {"1.5s", -1},
                 {"-1s", -1},
                 {"1w", -1},
                 {"106751992d", -1},
                 {"", -1}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t us = -1;
        bool good = setting_parse_duration(cases[i].text, &us);
        assert_int_equal(good ? us : -1, cases[i].us);
    }
}

static void booleans_are_yaml_s_words(void **state)
{
    (void)state;
    bool value = false;
    assert_true(setting_parse_bool("true", &value) && value);
    assert_true(setting_parse_bool("No", &value) && !value);
    assert_true(setting_parse_bool("ON", &value) && value);
    assert_true(setting_parse_bool("off", &value) && !value);
    assert_false(setting_parse_bool("1", &value));
    assert_false(setting_parse_bool("", &value));
}

static void numbers_are_written_in_the_largest_unit_that_fits(void **state)
{
    (void)state;
    char to[32];
    assert_string_equal(setting_write_bytes(0, to, sizeof(to)), "0");
    assert_string_equal(setting_write_bytes(1048588, to, sizeof(to)), "1048588");
    assert_string_equal(setting_write_bytes(65536, to, sizeof(to)), "64KiB");
    assert_string_equal(setting_write_bytes(INT64_C(1) << 30, to, sizeof(to)), "1GiB");
    assert_string_equal(setting_write_duration(0, to, sizeof(to)), "0s");
    assert_string_equal(setting_write_duration(100000, to, sizeof(to)), "100ms");
    assert_string_equal(setting_write_duration(90000000, to, sizeof(to)), "90s");
    assert_string_equal(setting_write_duration(600000000, to, sizeof(to)), "10min");
}

static void every_row_is_complete_and_stands_with_its_section(void **state)
{
    (void)state;
    size_t section = 0;
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *setting = &setting_table[i];
        char name[SETTING_NAME_BYTES], allowed[512];
        while (setting_sections[section].name != NULL &&
               strcmp(setting_sections[section].name, setting->section) != 0)
            section++;
        assert_non_null(setting_sections[section].name);
        assert_ptr_equal(setting_find(setting->section, setting->key), setting); /* no second one */
        assert_true(strlen(setting_name(setting, name)) < SETTING_NAME_BYTES - 1);
        assert_non_null(setting->help);
        assert_non_null(setting->default_text);
        assert_true(setting->is_valid == NULL || setting->allowed != NULL);
        setting_allowed(setting, allowed, sizeof(allowed));
        assert_true(strlen(allowed) > 0 && strlen(allowed) < sizeof(allowed) - 1);
    }
}

static void a_limit_names_the_abuse_that_it_stops(void **state)
{
    (void)state;
    for (size_t i = 0; i < setting_count; i++)
        if (strcmp(setting_table[i].section, "limits") == 0 ||
            strncmp(setting_table[i].key, "max_", 4) == 0)
            assert_non_null(strstr(setting_table[i].help, "Stops: "));
}

static void near_names_are_found_and_far_ones_are_not(void **state)
{
    (void)state;
    static const struct {
        const char *section, *key;
        const char *meant; /* NULL: none */
    } cases[] = {{"cassandra", "keyspac", "cassandra.keyspace"},
                 {"cassandra", "contact_pionts", "cassandra.contact_points"},
                 {"log", "keyspace", "cassandra.keyspace"},
                 {"listener", "advertized", "listener.advertised"},
                 {"listener", "advertised_listeners", NULL},
                 {"log", "x", NULL},
                 {"log", "", NULL}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char name[SETTING_NAME_BYTES];
        const struct setting *near = setting_nearest(cases[i].section, cases[i].key);
        if (cases[i].meant == NULL)
            assert_null(near);
        else
            assert_string_equal(near == NULL ? "" : setting_name(near, name), cases[i].meant);
    }
    char longer[300];
    memset(longer, 'k', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_null(setting_nearest("cassandra", longer));
    assert_null(setting_nearest_section(longer));
    assert_string_equal(setting_nearest_section("casandra"), "cassandra");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_have_units_of_1024_and_1000),
        cmocka_unit_test(durations_must_have_a_unit),
        cmocka_unit_test(booleans_are_yaml_s_words),
        cmocka_unit_test(numbers_are_written_in_the_largest_unit_that_fits),
        cmocka_unit_test(every_row_is_complete_and_stands_with_its_section),
        cmocka_unit_test(a_limit_names_the_abuse_that_it_stops),
        cmocka_unit_test(near_names_are_found_and_far_ones_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
