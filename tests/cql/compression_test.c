/* LZ4 bodies: what Cassandra sends, what we send, and what claims too much. */
#include "tests/cql/vectors.h"

#include "tests/support/failing_alloc.h"

#include "cql/compression.h"
#include "cql/result.h"
#include "proto/endian.h"

static void bodies_that_cassandra_compressed_are_read(void **state)
{
    struct vectors *vectors = vectors_read("compressed");
    bool seen_rows = false;

    (void)state;
    assert_non_null(vectors);
    assert_true(vectors->count >= 3);
    for (size_t i = 0; i < vectors->count; i++) {
        struct vector *vector = &vectors->at[i];
        struct slice body =
            slice_make(vector->bytes + CQL_HEADER_BYTES, vector->len - CQL_HEADER_BYTES);
        struct cql_result result;
        struct arena arena;
        struct buf out;

        assert_true((vector_header(vector).flags & CQL_FLAG_COMPRESSION) != 0);
        buf_init(&out, &alloc_heap, 1 << 20);
        arena_init(&arena, &alloc_heap, 1024, 1 << 20);
        assert_int_equal(cql_lz4_decompress(body, 1 << 20, &out), STATUS_OK);
        if (vector_header(vector).opcode == CQL_RESULT) {
            assert_int_equal(cql_result_open(buf_unread(&out), &arena, &result), STATUS_OK);
            seen_rows = seen_rows || cql_result_column(&result, "cluster_name") >= 0;
        }
        arena_deinit(&arena);
        buf_deinit(&out);
        for (size_t len = 0; len < body.len; len++) {
            buf_init(&out, &alloc_heap, 1 << 20);
            int rc = cql_lz4_decompress(slice_make(body.data, len), 1 << 20, &out);
            assert_true(rc < 0 || buf_len(&out) == be32_load(body.data));
            buf_deinit(&out);
        }
    }
    assert_true(seen_rows);
    vectors_free(vectors);
}

static void a_body_survives_the_way_there_and_back(void **state)
{
    static uint8_t plain[100000];
    struct buf packed, out;

    (void)state;
    for (size_t i = 0; i < sizeof(plain); i++)
        plain[i] = (uint8_t)(i / 100);
    buf_init(&packed, &alloc_heap, 1 << 20);
    buf_init(&out, &alloc_heap, 1 << 20);
    assert_int_equal(buf_append(&out, SLICE_LITERAL("before")), STATUS_OK);
    assert_int_equal(cql_lz4_compress(slice_make(plain, sizeof(plain)), &packed), STATUS_OK);
    assert_true(buf_len(&packed) < sizeof(plain) / 10);
    assert_int_equal(be32_load(buf_unread(&packed).data), sizeof(plain));
    assert_int_equal(cql_lz4_decompress(buf_unread(&packed), sizeof(plain), &out), STATUS_OK);
    assert_int_equal(buf_len(&out), 6 + sizeof(plain));
    assert_memory_equal(buf_unread(&out).data + 6, plain, sizeof(plain));
    buf_deinit(&packed);
    buf_deinit(&out);
}

static void a_body_that_would_not_shrink_is_left_plain(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, &alloc_heap, 1 << 10);
    assert_int_equal(cql_lz4_compress(SLICE_LITERAL(""), &out), STATUS_BUSY);
    assert_int_equal(cql_lz4_compress(SLICE_LITERAL("abcde"), &out), STATUS_BUSY);
    assert_int_equal(cql_lz4_compress(SLICE_LITERAL("no two letrs fu"), &out), STATUS_BUSY);
    assert_int_equal(buf_len(&out), 0);
    buf_deinit(&out);
}

static void an_empty_body_has_a_block_of_one_byte(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, &alloc_heap, 1 << 10);
    assert_int_equal(cql_lz4_decompress(SLICE_LITERAL("\0\0\0\0\0"), 10, &out), STATUS_OK);
    assert_int_equal(buf_len(&out), 0);
    buf_deinit(&out);
}

static void a_false_length_is_refused_before_memory_is_taken(void **state)
{
    struct failing_alloc failing;
    struct buf out;

    (void)state;
    failing_alloc_init(&failing);
    buf_init(&out, &failing.alloc, 1 << 30);
    assert_int_equal(cql_lz4_decompress(SLICE_LITERAL("\xff\xff\xff\xff\0"), SIZE_MAX, &out),
                     STATUS_LIMIT);
    assert_int_equal(cql_lz4_decompress(SLICE_LITERAL("\0\0\4\0\0"), 1023, &out), STATUS_LIMIT);
    assert_int_equal(cql_lz4_decompress(SLICE_LITERAL("\0\x10\0\0\0"), 1 << 24, &out),
                     STATUS_MALFORMED);
    assert_int_equal(failing.calls, 0);
    assert_int_equal(cql_lz4_decompress(SLICE_LITERAL("\0\0\0\4\x30"
                                                      "abc"),
                                        100, &out),
                     STATUS_MALFORMED);
    assert_int_equal(cql_lz4_decompress(SLICE_LITERAL("\0\0\0\2\x30"
                                                      "abc"),
                                        100, &out),
                     STATUS_MALFORMED);
    assert_int_equal(cql_lz4_decompress(SLICE_LITERAL("\0\0\0\3\x30"
                                                      "abc"),
                                        100, &out),
                     STATUS_OK);
    assert_int_equal(cql_lz4_decompress(SLICE_LITERAL("\0\0\0"), 100, &out), STATUS_TRUNCATED);
    assert_int_equal(buf_len(&out), 3);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_that_cassandra_compressed_are_read),
        cmocka_unit_test(a_body_survives_the_way_there_and_back),
        cmocka_unit_test(a_body_that_would_not_shrink_is_left_plain),
        cmocka_unit_test(an_empty_body_has_a_block_of_one_byte),
        cmocka_unit_test(a_false_length_is_refused_before_memory_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
