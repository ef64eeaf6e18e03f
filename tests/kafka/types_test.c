#include "kafka/types.h"

#include <stdarg.h>
#include <setjmp.h>

#include <cmocka.h>

#include "kafka/metadata.h"
#include "kafka/produce.h"
#include "tests/support/failing_alloc.h"

#define BYTES(...) ((const uint8_t[]){__VA_ARGS__})
#define DECODER(name, flexible_, ...)                                                              \
    struct wire name;                                                                              \
    decoder_init(&name, BYTES(__VA_ARGS__), sizeof(BYTES(__VA_ARGS__)), flexible_)

static struct arena arena;

static void decoder_init(struct wire *wire, const uint8_t *bytes, size_t len, bool flexible)
{
    wire_init_decode(wire, slice_make(bytes, len), &arena);
    wire->flexible = flexible;
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, &alloc_heap, 1024, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

static void a_string_has_a_16_bit_length_or_a_compact_one(void **state)
{
    struct slice value = SLICE_NULL;
    (void)state;
    DECODER(classic, false, 0, 2, 'h', 'i', 'x');
    kafka_string(&classic, "name", &value);
    assert_true(slice_equal(value, SLICE_LITERAL("hi")));
    assert_int_equal(classic.position, 4);

    DECODER(compact, true, 3, 'h', 'i', 'x');
    kafka_string(&compact, "name", &value);
    assert_true(slice_equal(value, SLICE_LITERAL("hi")));
    assert_int_equal(compact.position, 3);
}

static void an_empty_string_is_not_null(void **state)
{
    struct slice value = SLICE_NULL;
    (void)state;
    DECODER(classic, false, 0, 0);
    kafka_nullable_string(&classic, "name", &value);
    assert_non_null(value.data);
    assert_int_equal(value.len, 0);
    DECODER(compact, true, 1);
    kafka_nullable_string(&compact, "name", &value);
    assert_non_null(value.data);
    assert_int_equal(compact.error, STATUS_OK);
}

static void a_null_string_is_null_only_where_the_protocol_allows_it(void **state)
{
    struct slice value = SLICE_LITERAL("old");
    (void)state;
    DECODER(allowed, false, 0xff, 0xff);
    kafka_nullable_string(&allowed, "name", &value);
    assert_int_equal(allowed.error, STATUS_OK);
    assert_null(value.data);

    DECODER(classic, false, 0xff, 0xff);
    kafka_string(&classic, "name", &value);
    assert_int_equal(classic.error, STATUS_MALFORMED);
    assert_string_equal(classic.error_field, "name");

    DECODER(compact, true, 0);
    kafka_string(&compact, "name", &value);
    assert_int_equal(compact.error, STATUS_MALFORMED);
}

static void a_negative_length_other_than_null_is_malformed(void **state)
{
    struct slice value;
    (void)state;
    DECODER(string, false, 0xff, 0xfe, 'x');
    kafka_nullable_string(&string, "client_id", &value);
    assert_int_equal(string.error, STATUS_MALFORMED);
    DECODER(records, false, 0x80, 0, 0, 0, 'x');
    kafka_records(&records, "records", &value);
    assert_int_equal(records.error, STATUS_MALFORMED);
}

static void a_compact_string_is_held_to_the_limit_of_a_classic_one(void **state)
{
    static uint8_t bytes[3 + KAFKA_STRING_MAX_BYTES + 1] = {0x81, 0x80, 0x02}; /* 32768 + 1 */
    struct slice value;
    struct wire wire;
    (void)state;
    decoder_init(&wire, bytes, sizeof(bytes), true);
    kafka_string(&wire, "name", &value);
    assert_int_equal(wire.error, STATUS_MALFORMED);
}

static void a_string_that_is_too_long_is_not_encoded(void **state)
{
    static char text[KAFKA_STRING_MAX_BYTES + 1];
    struct slice value = slice_make(text, sizeof(text));
    struct buf out;
    struct wire wire;
    (void)state;
    buf_init(&out, &alloc_heap, SIZE_MAX);
    wire_init_encode(&wire, &out);
    kafka_string(&wire, "name", &value);
    assert_int_equal(wire.error, STATUS_LIMIT);
    assert_int_equal(buf_len(&out), 0);
    buf_deinit(&out);
}

static void null_is_encoded_as_empty_where_null_is_not_allowed(void **state)
{
    struct slice value = SLICE_NULL;
    struct buf out;
    struct wire wire;
    (void)state;
    buf_init(&out, &alloc_heap, SIZE_MAX);
    wire_init_encode(&wire, &out);
    kafka_string(&wire, "name", &value);
    wire.flexible = true;
    kafka_string(&wire, "name", &value);
    kafka_nullable_string(&wire, "name", &value);
    assert_int_equal(buf_len(&out), 4);
    assert_memory_equal(buf_unread(&out).data, BYTES(0, 0, 1, 0), 4);
    buf_deinit(&out);
}

static void a_count_that_the_bytes_cannot_hold_is_refused_before_memory_is_taken(void **state)
{
    struct failing_alloc failing;
    struct arena small;
    struct kafka_produce_request request;
    struct wire wire;
    /* acks, timeout, 1 topic "t", 0x7fffffff partitions */
    static const uint8_t bytes[] = {0, 1, 0,   0,    0,    9,    0,    0, 0, 1,
                                    0, 1, 't', 0x7f, 0xff, 0xff, 0xff, 1, 2, 3};
    (void)state;
    failing_alloc_init(&failing);
    arena_init(&small, &failing.alloc, 1024, 1 << 20);
    wire_init_decode(&wire, slice_make(bytes, sizeof(bytes)), &small);
    kafka_produce_request_walk(&wire, &request, 2);
    assert_int_equal(wire.error, STATUS_TRUNCATED);
    assert_string_equal(wire.error_field, "partition_data");
    assert_true(failing.peak_bytes < 2048);
    arena_deinit(&small);
    failing_alloc_assert_none_live(&failing);
}

static void an_array_that_does_not_fit_the_arena_is_refused(void **state)
{
    enum { TOPICS = 1000 };
    static uint8_t bytes[4 + 2 * TOPICS] = {0, 0, TOPICS >> 8, TOPICS & 0xff};
    struct kafka_metadata_request request;
    struct arena small;
    struct wire wire;
    (void)state;
    arena_init(&small, &alloc_heap, 256, 4096);
    wire_init_decode(&wire, slice_make(bytes, sizeof(bytes)), &small);
    kafka_metadata_request_walk(&wire, &request, 1);
    assert_int_equal(wire.error, STATUS_LIMIT);
    assert_string_equal(wire.error_field, "topics");
    assert_int_equal(request.topic_count, 0);
    arena_deinit(&small);
}

static void a_null_array_is_null_only_where_the_protocol_allows_it(void **state)
{
    struct kafka_metadata_request request;
    (void)state;
    DECODER(v1, false, 0xff, 0xff, 0xff, 0xff);
    kafka_metadata_request_walk(&v1, &request, 1);
    assert_int_equal(v1.error, STATUS_OK);
    assert_int_equal(request.topic_count, -1);
    DECODER(v0, false, 0xff, 0xff, 0xff, 0xff);
    kafka_metadata_request_walk(&v0, &request, 0);
    assert_int_equal(v0.error, STATUS_MALFORMED);
    DECODER(other, false, 0xff, 0xff, 0xff, 0xfe);
    kafka_metadata_request_walk(&other, &request, 1);
    assert_int_equal(other.error, STATUS_MALFORMED);
}

static void absent_fields_have_their_defaults(void **state)
{
    struct kafka_metadata_request request;
    (void)state;
    DECODER(wire, false, 0, 0, 0, 0);
    kafka_metadata_request_walk(&wire, &request, 1);
    assert_int_equal(wire.error, STATUS_OK);
    assert_true(request.allow_auto_topic_creation);
    assert_false(request.include_topic_authorized_operations);
}

static void unknown_tags_are_skipped(void **state)
{
    (void)state;
    DECODER(wire, true, 2, 0, 3, 'a', 'b', 'c', 9, 0, 0x77);
    kafka_tagged_fields(&wire);
    assert_int_equal(wire.error, STATUS_OK);
    assert_int_equal(wire.position, 8);
}

static void there_are_no_tags_in_a_message_that_is_not_flexible(void **state)
{
    (void)state;
    DECODER(wire, false, 5, 5, 5);
    kafka_tagged_fields(&wire);
    assert_int_equal(wire.error, STATUS_OK);
    assert_int_equal(wire.position, 0);
}

static void tags_must_ascend(void **state)
{
    (void)state;
    DECODER(again, true, 2, 4, 0, 4, 0);
    kafka_tagged_fields(&again);
    assert_int_equal(again.error, STATUS_MALFORMED);
    DECODER(descending, true, 2, 4, 0, 3, 0);
    kafka_tagged_fields(&descending);
    assert_int_equal(descending.error, STATUS_MALFORMED);
    DECODER(largest, true, 2, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0);
    kafka_tagged_fields(&largest);
    assert_int_equal(largest.error, STATUS_MALFORMED);
}

static void a_tag_count_beyond_the_limit_is_refused(void **state)
{
    (void)state;
    DECODER(many, true, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0);
    kafka_tagged_fields(&many);
    assert_int_equal(many.error, STATUS_LIMIT);
}

static void a_tag_that_is_longer_than_the_message_is_refused(void **state)
{
    (void)state;
    DECODER(wire, true, 1, 7, 4, 'a', 'b', 'c');
    kafka_tagged_fields(&wire);
    assert_int_equal(wire.error, STATUS_TRUNCATED);
}

static void u16_walk(struct wire *wire, void *value, int version)
{
    (void)version;
    wire_u16(wire, "value", value);
}

static void a_known_tag_must_fill_its_size(void **state)
{
    uint16_t value = 0;
    struct kafka_tag tag = {1, "value", u16_walk, &value, false};
    (void)state;
    DECODER(right, true, 2, 0, 1, 0x55, 1, 2, 0x12, 0x34);
    kafka_tagged_section(&right, &tag, 1, 0);
    assert_int_equal(right.error, STATUS_OK);
    assert_true(tag.present);
    assert_int_equal(value, 0x1234);
    assert_int_equal(right.position, 8);

    tag.present = false;
    DECODER(longer, true, 1, 1, 3, 0x12, 0x34, 0);
    kafka_tagged_section(&longer, &tag, 1, 0);
    assert_int_equal(longer.error, STATUS_MALFORMED);
    assert_string_equal(longer.error_field, "value");
    assert_false(tag.present);

    DECODER(shorter, true, 1, 1, 1, 0x12, 0x34, 0);
    kafka_tagged_section(&shorter, &tag, 1, 0);
    assert_int_equal(shorter.error, STATUS_TRUNCATED);
    assert_int_equal(shorter.error_offset, 3);
}

static void a_struct_is_there_or_null_and_any_other_mark_is_malformed(void **state)
{
    bool present = false;
    (void)state;
    DECODER(there, true, 1, 7);
    assert_true(kafka_nullable_struct(&there, "cursor", &present));
    assert_true(present);
    assert_int_equal(there.position, 1);

    DECODER(null, true, 0xff);
    assert_false(kafka_nullable_struct(&null, "cursor", &present));
    assert_false(present);
    assert_int_equal(null.error, STATUS_OK);

    static const uint8_t others[] = {0, 2, 0x7f, 0x80, 0xfe};
    for (size_t i = 0; i < sizeof(others); i++) {
        DECODER(other, true, others[i]);
        present = true;
        assert_false(kafka_nullable_struct(&other, "cursor", &present));
        assert_false(present);
        assert_int_equal(other.error, STATUS_MALFORMED);
        assert_string_equal(other.error_field, "cursor");
    }
    struct wire ended;
    decoder_init(&ended, BYTES(1), 0, true);
    assert_false(kafka_nullable_struct(&ended, "cursor", &present));
    assert_int_equal(ended.error, STATUS_TRUNCATED);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_struct_is_there_or_null_and_any_other_mark_is_malformed),
        test(a_string_has_a_16_bit_length_or_a_compact_one),
        test(an_empty_string_is_not_null),
        test(a_null_string_is_null_only_where_the_protocol_allows_it),
        test(a_negative_length_other_than_null_is_malformed),
        test(a_compact_string_is_held_to_the_limit_of_a_classic_one),
        test(a_string_that_is_too_long_is_not_encoded),
        test(null_is_encoded_as_empty_where_null_is_not_allowed),
        test(a_count_that_the_bytes_cannot_hold_is_refused_before_memory_is_taken),
        test(an_array_that_does_not_fit_the_arena_is_refused),
        test(a_null_array_is_null_only_where_the_protocol_allows_it),
        test(absent_fields_have_their_defaults),
        test(unknown_tags_are_skipped),
        test(there_are_no_tags_in_a_message_that_is_not_flexible),
        test(tags_must_ascend),
        test(a_tag_count_beyond_the_limit_is_refused),
        test(a_tag_that_is_longer_than_the_message_is_refused),
        test(a_known_tag_must_fill_its_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
