#include "kafka/api.h"

#include "kafka/api_versions.h"
#include "tests/kafka/vectors.h"

static void rows_ascend_by_key_and_are_found_by_it(void **state)
{
    size_t count = 0;
    const struct kafka_api *rows = kafka_api_rows(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || rows[i - 1].key < rows[i].key);
        assert_ptr_equal(kafka_api_find(rows[i].key), &rows[i]);
        assert_true(rows[i].request_bytes > 0 && rows[i].response_bytes > 0);
        assert_non_null(rows[i].request);
        assert_non_null(rows[i].response);
    }
    assert_null(kafka_api_find(-1));
    assert_null(kafka_api_find(4));
    assert_null(kafka_api_find(INT16_MAX));
}

static void only_rows_with_a_reason_advertise_more_than_they_serve(void **state)
{
    size_t count = 0;
    const struct kafka_api *rows = kafka_api_rows(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        bool same = rows[i].min_version == rows[i].advertised_min &&
                    rows[i].max_version == rows[i].advertised_max;
        assert_true(same == (rows[i].why_forced == NULL));
        assert_true(rows[i].advertised_min <= rows[i].min_version);
        assert_true(rows[i].advertised_max >= rows[i].max_version);
    }
}

static void assert_vectors(const struct kafka_api *api, int version)
{
    struct vectors vectors;

    if (!vectors_read(&vectors, api, version, true) || !vectors_read(&vectors, api, version, false))
        fail_msg("%s v%d has no golden vectors in tests/vectors/kafka", api->name, version);
}

static void every_row_has_vectors_for_its_lowest_first_flexible_and_highest_version(void **state)
{
    size_t count = 0;
    const struct kafka_api *rows = kafka_api_rows(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_vectors(&rows[i], rows[i].advertised_min);
        assert_vectors(&rows[i], rows[i].min_version);
        assert_vectors(&rows[i], rows[i].max_version);
        if (rows[i].first_flexible <= rows[i].max_version)
            assert_vectors(&rows[i], rows[i].first_flexible);
    }
}

static void assert_seed(const struct kafka_api *api, const char *direction)
{
    char name[64];
    char path[512];

    vector_file_name(name, api->name);
    snprintf(path, sizeof(path), "%s/fuzz/corpus/kafka_%s/seed-%s-v%d-%s-0", SOURCE_DIR, direction,
             name, api->max_version, direction);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail_msg("there is no %s: run fuzz/make_corpus", path);
    fclose(file);
}

static void every_row_has_a_seed_for_the_fuzzers_in_both_directions(void **state)
{
    size_t count = 0;
    const struct kafka_api *rows = kafka_api_rows(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_seed(&rows[i], "request");
        assert_seed(&rows[i], "response");
    }
}

static void the_advertised_list_is_what_the_registry_serves(void **state)
{
    struct kafka_api_version keys[64];
    size_t count = 0;
    int32_t listed = 0;
    const struct kafka_api *rows = kafka_api_rows(&count);
    int32_t written = kafka_api_versions_list(keys, 64);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        if (!rows[i].served)
            continue;
        assert_true(listed < written);
        assert_int_equal(keys[listed].api_key, rows[i].key);
        assert_int_equal(keys[listed].min_version, rows[i].advertised_min);
        assert_int_equal(keys[listed].max_version, rows[i].advertised_max);
        listed++;
    }
    assert_int_equal(listed, written);
    assert_int_equal(kafka_api_versions_list(keys, 2), 2);
}

/* What librdkafka up to 2.11.0 looks for before it uses magic 2, lz4, zstd and idempotence. */
static void librdkafka_finds_the_versions_that_switch_its_features_on(void **state)
{
    static const struct {
        int16_t key;
        int16_t version;
    } needed[] = {{0, 0}, {0, 3}, {0, 7}, {1, 4}, {1, 10}, {10, 0}, {22, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        const struct kafka_api *api = kafka_api_find(needed[i].key);
        assert_non_null(api);
        assert_true(api->served);
        assert_true(api->advertised_min <= needed[i].version);
        assert_true(api->advertised_max >= needed[i].version);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_ascend_by_key_and_are_found_by_it),
        cmocka_unit_test(only_rows_with_a_reason_advertise_more_than_they_serve),
        cmocka_unit_test(every_row_has_vectors_for_its_lowest_first_flexible_and_highest_version),
        cmocka_unit_test(every_row_has_a_seed_for_the_fuzzers_in_both_directions),
        cmocka_unit_test(the_advertised_list_is_what_the_registry_serves),
        cmocka_unit_test(librdkafka_finds_the_versions_that_switch_its_features_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
