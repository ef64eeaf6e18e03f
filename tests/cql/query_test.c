/* QUERY, EXECUTE and PREPARE as the callers write them. The other driver's bytes are in
 * opcode_test.c. */
#include "tests/cql/vectors.h"

#include "tests/support/failing_alloc.h"

#include "cql/query.h"
#include "cql/value.h"

static void expect(const struct buf *buf, const void *bytes, size_t len)
{
    assert_int_equal(buf_len(buf), len);
    assert_memory_equal(buf_unread(buf).data, bytes, len);
}

#define EXPECT(buf, bytes) expect((buf), (bytes), sizeof(bytes) - 1)

static void a_bare_query_has_no_flags(void **state)
{
    struct cql_query query = {.text = SLICE_LITERAL("abc"), .consistency = CQL_CONSISTENCY_QUORUM};
    struct buf out;

    (void)state;
    buf_init(&out, &alloc_heap, 1 << 10);
    assert_int_equal(cql_query_encode(&out, &query), STATUS_OK);
    EXPECT(&out, "\0\0\0\3abc\0\4\0");
    buf_deinit(&out);
}

static void every_option_of_an_execute_is_in_its_place(void **state)
{
    struct cql_value values[] = {cql_value_text("v"), CQL_VALUE_UNSET};
    struct cql_query query = {
        .prepared_id = SLICE_LITERAL("id"),
        .values = values,
        .value_count = 2,
        .consistency = CQL_CONSISTENCY_LOCAL_QUORUM,
        .serial_consistency = CQL_CONSISTENCY_SERIAL,
        .timestamp_us = -1,
        .has_timestamp = true,
        .page_size = 100,
        .paging_state = SLICE_LITERAL("p"),
        .skip_metadata = true,
    };
    struct buf out;

    (void)state;
    buf_init(&out, &alloc_heap, 1 << 10);
    assert_int_equal(cql_execute_encode(&out, &query), STATUS_OK);
    EXPECT(&out, "\0\2id\0\6\x3f\0\2\0\0\0\1v\xff\xff\xff\xfe\0\0\0\x64\0\0\0\1p\0\x08"
                 "\xff\xff\xff\xff\xff\xff\xff\xff");
    assert_true(query.skip_metadata && query.has_timestamp && query.values == values);
    buf_deinit(&out);
}

static void a_body_is_appended_to_what_is_there(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, &alloc_heap, 1 << 10);
    assert_int_equal(buf_append(&out, SLICE_LITERAL("before")), STATUS_OK);
    assert_int_equal(cql_prepare_encode(&out, SLICE_LITERAL("x")), STATUS_OK);
    EXPECT(&out, "before\0\0\0\1x");
    buf_deinit(&out);
}

static void a_body_that_does_not_fit_leaves_the_buffer_as_it_was(void **state)
{
    struct cql_query query = {.text = SLICE_LITERAL("a statement of some length")};
    struct buf out;

    (void)state;
    buf_init(&out, &alloc_heap, 16);
    assert_int_equal(buf_append(&out, SLICE_LITERAL("before")), STATUS_OK);
    buf_consume(&out, 3);
    assert_int_equal(cql_query_encode(&out, &query), STATUS_LIMIT);
    EXPECT(&out, "ore");
    buf_deinit(&out);
}

static void a_body_without_memory_leaves_the_buffer_as_it_was(void **state)
{
    struct cql_query query = {.text = SLICE_LITERAL("a statement of some length")};
    struct failing_alloc failing;

    (void)state;
    failing_alloc_init(&failing);
    for (size_t n = 1; failing_alloc_next(&failing, n); n++) {
        struct buf out;

        buf_init(&out, &failing.alloc, 1 << 10);
        int rc = cql_query_encode(&out, &query);
        assert_int_equal(rc, failing.failures > 0 ? STATUS_NOMEM : STATUS_OK);
        assert_int_equal(buf_len(&out), rc < 0 ? 0 : 33);
        buf_deinit(&out);
    }
}

static void a_statement_id_that_is_too_long_is_a_limit(void **state)
{
    static uint8_t id[UINT16_MAX + 1];
    struct cql_query query = {.prepared_id = slice_make(id, sizeof(id))};
    struct buf out;

    (void)state;
    buf_init(&out, &alloc_heap, 1 << 20);
    assert_int_equal(cql_execute_encode(&out, &query), STATUS_LIMIT);
    assert_int_equal(buf_len(&out), 0);
    buf_deinit(&out);
}

static void named_values_are_not_supported(void **state)
{
    struct cql_query query = {.value_count = 0};
    struct arena arena;
    struct wire wire;

    (void)state;
    arena_init(&arena, &alloc_heap, 256, 1 << 10);
    wire_init_decode(&wire, SLICE_LITERAL("\0\0\0\1x\0\1\x41\0\1\0\1n\0\0\0\1v"), &arena);
    cql_query_walk(&wire, &query);
    assert_int_equal(wire.error, STATUS_UNSUPPORTED);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bare_query_has_no_flags),
        cmocka_unit_test(every_option_of_an_execute_is_in_its_place),
        cmocka_unit_test(a_body_is_appended_to_what_is_there),
        cmocka_unit_test(a_body_that_does_not_fit_leaves_the_buffer_as_it_was),
        cmocka_unit_test(a_body_without_memory_leaves_the_buffer_as_it_was),
        cmocka_unit_test(a_statement_id_that_is_too_long_is_a_limit),
        cmocka_unit_test(named_values_are_not_supported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
