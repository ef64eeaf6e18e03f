/* The nine bytes in front of a body, and what may stand before the message. */
#include "tests/cql/vectors.h"

#include "cql/types.h"

static void a_header_is_read_as_it_was_written(void **state)
{
    struct cql_header header = {0x84, CQL_FLAG_WARNING, -1, CQL_EVENT, 0x01020304};
    uint8_t bytes[CQL_HEADER_BYTES];

    (void)state;
    cql_header_write(bytes, &header);
    assert_memory_equal(bytes, "\x84\x08\xff\xff\x0c\1\2\3\4", sizeof(bytes));
    struct cql_header read = cql_header_read(bytes);
    assert_memory_equal(&read, &header, sizeof(header.version) + sizeof(header.flags));
    assert_int_equal(read.stream, -1);
    assert_int_equal(read.opcode, CQL_EVENT);
    assert_int_equal(read.body_bytes, 0x01020304);
}

static void a_recorded_warning_stands_before_the_message(void **state)
{
    struct vectors *vectors = vectors_read("result");
    size_t warned = 0;

    (void)state;
    assert_non_null(vectors);
    for (size_t i = 0; i < vectors->count; i++) {
        struct cql_prefix prefix;
        struct slice warning;
        size_t at = 0;

        (void)vector_message(&vectors->at[i], &prefix);
        if ((vector_header(&vectors->at[i]).flags & CQL_FLAG_WARNING) == 0) {
            assert_null(prefix.warnings.data);
            continue;
        }
        warned++;
        assert_true(cql_string_list_next(prefix.warnings, &at, &warning));
        assert_memory_equal(warning.data, "Read ", 5);
    }
    assert_true(warned > 0);
    vectors_free(vectors);
}

static void all_parts_of_a_prefix_come_in_order(void **state)
{
    struct slice body = SLICE_LITERAL("0123456789abcdef\0\1\0\1w\0\1\0\1k\xff\xff\xff\xffmessage");
    struct slice whole = body;
    struct cql_prefix prefix;
    struct wire wire;
    struct buf out;
    uint8_t flags = CQL_FLAG_TRACING | CQL_FLAG_WARNING | CQL_FLAG_PAYLOAD;

    (void)state;
    assert_int_equal(cql_prefix_decode(&body, flags, &prefix), STATUS_OK);
    assert_true(slice_equal(body, SLICE_LITERAL("message")));
    assert_memory_equal(prefix.tracing_id, "0123456789abcdef", 16);
    assert_true(slice_equal(prefix.warnings, SLICE_LITERAL("\0\1\0\1w")));
    assert_true(slice_equal(prefix.payload, SLICE_LITERAL("\0\1\0\1k\xff\xff\xff\xff")));
    buf_init(&out, &alloc_heap, 1 << 10);
    wire_init_encode(&wire, &out);
    cql_prefix_walk(&wire, &prefix, flags);
    assert_int_equal(wire.error, STATUS_OK);
    assert_true(slice_equal(buf_unread(&out), slice_make(whole.data, whole.len - body.len)));
    buf_deinit(&out);
}

static void a_body_without_flags_is_the_message(void **state)
{
    struct slice body = SLICE_LITERAL("message");
    struct cql_prefix prefix;

    (void)state;
    assert_int_equal(cql_prefix_decode(&body, CQL_FLAG_BETA | 0xe0, &prefix), STATUS_OK);
    assert_int_equal(body.len, 7);
}

static void a_prefix_that_is_cut_short_leaves_the_body_alone(void **state)
{
    struct slice body = SLICE_LITERAL("0123456789abcde");
    struct cql_prefix prefix;

    (void)state;
    assert_int_equal(cql_prefix_decode(&body, CQL_FLAG_TRACING, &prefix), STATUS_TRUNCATED);
    assert_int_equal(body.len, 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_read_as_it_was_written),
        cmocka_unit_test(a_recorded_warning_stands_before_the_message),
        cmocka_unit_test(all_parts_of_a_prefix_come_in_order),
        cmocka_unit_test(a_body_without_flags_is_the_message),
        cmocka_unit_test(a_prefix_that_is_cut_short_leaves_the_body_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
