/* Names of errors, and that each error a node can send is among the vectors. */
#include "tests/cql/vectors.h"

#include "cql/consistency.h"
#include "cql/error.h"

static void errors_have_names_and_texts(void **state)
{
    (void)state;
    assert_string_equal(cql_error_name(0x1100), "WRITE_TIMEOUT");
    assert_string_equal(cql_error_text(0x1100), "write timeout");
    assert_string_equal(cql_error_name(0), "SERVER");
    assert_string_equal(cql_error_name(-1), "UNKNOWN");
    assert_string_equal(cql_error_text(0xF000), "UNKNOWN");
}

static void every_error_code_has_a_vector(void **state)
{
    static const int32_t codes[] = {
#define CODE(name, code, text) code,
        CQL_ERROR_MAP(CODE)
#undef CODE
    };
    struct vectors *vectors = vectors_read("error");

    (void)state;
    assert_non_null(vectors);
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        bool found = false;

        for (size_t k = 0; k < vectors->count; k++) {
            struct cql_prefix prefix;
            struct cql_error error;

            assert_int_equal(cql_error_decode(vector_message(&vectors->at[k], &prefix), &error),
                             STATUS_OK);
            found = found || error.code == codes[i];
        }
        if (!found)
            fail_msg("no vector of %s", cql_error_name(codes[i]));
    }
    vectors_free(vectors);
}

static void a_new_write_type_is_only_a_word(void **state)
{
    struct cql_error error;

    (void)state;
    assert_int_equal(
        cql_error_decode(SLICE_LITERAL("\0\0\x11\0\0\1m\0\6\0\0\0\1\0\0\0\2\0\5NEWER+"), &error),
        STATUS_OK);
    assert_true(slice_equal(error.write_type, SLICE_LITERAL("NEWER")));
    assert_int_equal(error.consistency, CQL_CONSISTENCY_LOCAL_QUORUM);
    assert_int_equal(error.received, 1);
    assert_int_equal(error.block_for, 2);
}

static void consistency_levels_are_named_both_ways(void **state)
{
    uint16_t level = 77;

    (void)state;
    for (uint16_t i = 0; i <= CQL_CONSISTENCY_LOCAL_ONE; i++) {
        assert_true(cql_consistency_parse(cql_consistency_name(i), &level));
        assert_int_equal(level, i);
    }
    assert_true(cql_consistency_parse("Local_Quorum", &level));
    assert_int_equal(level, CQL_CONSISTENCY_LOCAL_QUORUM);
    assert_false(cql_consistency_parse("LOCAL", &level));
    assert_false(cql_consistency_parse("ONEE", &level));
    assert_false(cql_consistency_parse("", &level));
    assert_int_equal(level, CQL_CONSISTENCY_LOCAL_QUORUM);
    assert_string_equal(cql_consistency_name(11), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_have_names_and_texts),
        cmocka_unit_test(every_error_code_has_a_vector),
        cmocka_unit_test(a_new_write_type_is_only_a_word),
        cmocka_unit_test(consistency_levels_are_named_both_ways),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
