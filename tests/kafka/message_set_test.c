#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kafka/compression.h"
#include "kafka/message_set.h"
#include "proto/endian.h"
#include "tests/support/message_builder.h"

#define MAX_BYTES ((size_t)1 << 20)
#define TIME      INT64_C(1700000000000)

enum { MAGIC_AT = 16, ATTRIBUTES_AT = 17, BODY_AT = 16, CRC_AT = 12 };

/* ------------------------------------------------------------------ helpers */

struct reading {
    struct kafka_refusal refusal; /* of opening, entering or reading */
    int32_t count;                /* as the set says */
    int32_t read;
    int64_t timestamps[4];
    char text[64]; /* "key=value," of each, ~ for null */
};

static void note(char *text, struct slice bytes, char after)
{
    size_t used = strlen(text);
    size_t len = bytes.data == NULL ? 1 : bytes.len;
    assert_true(used + len + 2 < 64);
    memcpy(text + used, bytes.data == NULL ? (const uint8_t *)"~" : bytes.data, len);
    text[used + len] = after;
    text[used + len + 1] = '\0';
}

static void read_all(struct reading *reading, const struct kafka_message_set *set)
{
    struct kafka_message_reader reader;
    struct kafka_record record;
    kafka_message_reader_init(&reader, set);
    while (kafka_message_next(&reader, &record)) {
        assert_int_equal(record.header_count, 0);
        assert_null(record.headers.data);
        assert_true(reading->read < 4);
        reading->timestamps[reading->read++] = record.timestamp;
        note(reading->text, record.key, '=');
        note(reading->text, record.value, ',');
    }
    reading->refusal = reader.refusal;
    assert_int_equal(reading->refusal.code == KAFKA_NONE, reading->read == set->count);
    assert_false(kafka_message_next(&reader, &record)); /* the end stays the end */
}

/* From memory of exactly its size, so that the sanitizer sees a read beyond it. */
static struct reading reading(struct slice bytes)
{
    struct reading reading = {.refusal = {.record_index = -1}};
    struct kafka_message_set set;
    uint8_t *copy = malloc(bytes.len == 0 ? 1 : bytes.len);
    struct buf plain;
    assert_non_null(copy);
    memcpy(copy, bytes.data, bytes.len);
    buf_init(&plain, &alloc_heap, MAX_BYTES);
    struct kafka_decompressor *decompressor = kafka_decompressor_new(&alloc_heap);
    if (kafka_message_set_open(slice_make(copy, bytes.len), MAX_BYTES, &set, &reading.refusal)) {
        bool entered = set.codec == KAFKA_CODEC_NONE;
        if (!entered) {
            assert_int_equal(kafka_decompress_message(decompressor, set.codec, set.magic,
                                                      set.messages, &plain, MAX_BYTES),
                             STATUS_OK);
            entered = kafka_message_set_enter(&set, buf_unread(&plain), &reading.refusal);
        }
        reading.count = set.count;
        if (entered)
            read_all(&reading, &set);
    }
    assert_int_equal(reading.refusal.message == NULL, reading.refusal.code == KAFKA_NONE);
    kafka_decompressor_free(decompressor);
    buf_deinit(&plain);
    free(copy);
    return reading;
}

static void add_three(struct message_builder *builder)
{
    message_add(builder, TIME, SLICE_LITERAL("k0"), SLICE_LITERAL("v0"));
    message_add(builder, TIME + 7, SLICE_NULL, SLICE_LITERAL(""));
    message_add(builder, TIME - 9, SLICE_LITERAL(""), SLICE_NULL);
}

#define THREE "k0=v0,~=,=~,"

static void assert_three(const struct message_builder *builder)
{
    struct reading got = reading(message_set(builder));
    assert_int_equal(got.refusal.code, KAFKA_NONE);
    assert_int_equal(got.count, 3);
    assert_string_equal(got.text, THREE);
    for (int i = 0; i < 3; i++) {
        const int64_t times[] = {TIME, TIME + 7, TIME - 9};
        assert_int_equal(got.timestamps[i], builder->magic == 0 ? -1 : times[i]);
    }
}

static void assert_refused(struct slice bytes, int16_t code, int32_t index)
{
    struct reading got = reading(bytes);
    assert_int_equal(got.refusal.code, code);
    assert_int_equal(got.refusal.record_index, index);
}

/* The checksum of the first message is made right after its bytes were changed. */
static void fix_crc(uint8_t *message)
{
    size_t bytes = be32_load(message + 8) + 12;
    be32_store(message + CRC_AT, message_crc32(slice_make(message + BODY_AT, bytes - BODY_AT)));
}

/* ------------------------------------------------------------------ what is sound */

static void plain_messages_of_both_formats_are_read(void **state)
{
    (void)state;
    for (uint8_t magic = 0; magic < 2; magic++) {
        struct message_builder builder;
        message_builder_init(&builder, magic);
        add_three(&builder);
        assert_three(&builder);
        message_builder_deinit(&builder);
    }
}

static void messages_of_both_formats_in_one_set_are_refused(void **state)
{
    (void)state;
    struct message_builder builder;
    message_builder_init(&builder, 0);
    message_add(&builder, 0, SLICE_NULL, SLICE_LITERAL("old"));
    builder.magic = 1;
    message_add(&builder, 5, SLICE_NULL, SLICE_LITERAL("newer"));
    assert_refused(message_set(&builder), KAFKA_INVALID_RECORD, -1);
    message_builder_deinit(&builder);
}

static void wrapped_messages_of_every_codec_and_format_are_read(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        struct message_builder builder;
        message_builder_init(&builder, i % 2 == 0 ? 0 : 1);
        const enum kafka_codec codecs[] = {KAFKA_CODEC_GZIP, KAFKA_CODEC_SNAPPY,
                                           KAFKA_CODEC_SNAPPY, KAFKA_CODEC_LZ4};
        builder.snappy = i / 2 == 1 ? BATCH_SNAPPY_RAW : BATCH_SNAPPY_XERIAL;
        add_three(&builder);
        message_wrap(&builder, codecs[i / 2]);
        assert_three(&builder);
        message_builder_deinit(&builder);
    }
}

static void offsets_inside_may_be_relative_absolute_or_all_zero(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct message_builder builder;
        message_builder_init(&builder, 1);
        builder.next_offset = i == 1 ? 1000 : 0;
        message_add(&builder, TIME, SLICE_LITERAL("k0"), SLICE_LITERAL("v0"));
        builder.next_offset = i == 2 ? 0 : builder.next_offset;
        message_add(&builder, TIME + 7, SLICE_NULL, SLICE_LITERAL(""));
        builder.next_offset = i == 2 ? 0 : builder.next_offset;
        message_add(&builder, TIME - 9, SLICE_LITERAL(""), SLICE_NULL);
        builder.wrapper_offset = i == 1 ? 1002 : 0;
        message_wrap(&builder, KAFKA_CODEC_GZIP);
        assert_three(&builder);
        message_builder_deinit(&builder);
    }
}

static void an_lz4_frame_of_magic_0_may_have_any_header_checksum_and_one_of_magic_1_must_not(
    void **state)
{
    (void)state;
    struct kafka_decompressor *decompressor = kafka_decompressor_new(&alloc_heap);
    struct buf packed, plain;
    buf_init(&packed, &alloc_heap, MAX_BYTES);
    buf_init(&plain, &alloc_heap, MAX_BYTES);
    batch_compress(KAFKA_CODEC_LZ4, BATCH_SNAPPY_RAW, SLICE_LITERAL("hello"), &packed);
    packed.data[packed.read + 6] ^= 0x5a;
    struct slice bytes = buf_unread(&packed);
    assert_int_equal(
        kafka_decompress_message(decompressor, KAFKA_CODEC_LZ4, 0, bytes, &plain, 100), STATUS_OK);
    assert_true(slice_equal(buf_unread(&plain), SLICE_LITERAL("hello")));
    assert_int_equal(
        kafka_decompress_message(decompressor, KAFKA_CODEC_LZ4, 1, bytes, &plain, 100),
        STATUS_MALFORMED);
    for (size_t len = 0; len < bytes.len; len++) /* cut anywhere, it is refused */
        assert_int_equal(kafka_decompress_message(decompressor, KAFKA_CODEC_LZ4, 0,
                                                  slice_make(bytes.data, len), &plain, 100),
                         STATUS_MALFORMED);
    assert_int_equal(
        kafka_decompress_message(decompressor, KAFKA_CODEC_ZSTD, 0, bytes, &plain, 100),
        STATUS_UNSUPPORTED);
    kafka_decompressor_free(decompressor);
    buf_deinit(&packed);
    buf_deinit(&plain);
}

/* The checksums are those of the lz4 library's own frames, which announce more in their header. */
static void the_header_checksum_of_a_larger_lz4_header_is_made_right_too(void **state)
{
    (void)state;
    /* "hello", with its content size; made by lz4 1.9.4 (python3 lz4.frame.compress) */
    uint8_t frame[] = {0x04, 0x22, 0x4d, 0x18, 0x68, 0x40, 5,   0,   0,   0,   0,   0, 0, 0,
                       0x61, 5,    0,    0,    0x80, 'h',  'e', 'l', 'l', 'o', 0,   0, 0, 0};
    struct kafka_decompressor *decompressor = kafka_decompressor_new(&alloc_heap);
    struct buf plain;
    buf_init(&plain, &alloc_heap, MAX_BYTES);
    frame[14] ^= 0xff;
    assert_int_equal(kafka_decompress_message(decompressor, KAFKA_CODEC_LZ4, 0,
                                              slice_make(frame, sizeof(frame)), &plain, 100),
                     STATUS_OK);
    assert_true(slice_equal(buf_unread(&plain), SLICE_LITERAL("hello")));
    kafka_decompressor_free(decompressor);
    buf_deinit(&plain);
}

static void only_old_formats_and_too_few_bytes_are_a_message_set(void **state)
{
    (void)state;
    uint8_t bytes[MAGIC_AT + 1] = {0};
    assert_true(kafka_is_message_set(SLICE_NULL));
    assert_true(kafka_is_message_set(slice_make(bytes, MAGIC_AT)));
    assert_true(kafka_is_message_set(slice_make(bytes, sizeof(bytes))));
    bytes[MAGIC_AT] = 2;
    assert_false(kafka_is_message_set(slice_make(bytes, sizeof(bytes))));
    bytes[MAGIC_AT] = 0xff;
    assert_false(kafka_is_message_set(slice_make(bytes, sizeof(bytes))));
}

/* ------------------------------------------------------------------ what is not */

static void null_and_empty_are_refused(void **state)
{
    (void)state;
    assert_refused(slice_make((const uint8_t *)"", 0), KAFKA_INVALID_RECORD, -1);
    struct kafka_message_set set;
    struct kafka_refusal refusal;
    assert_false(kafka_message_set_open(SLICE_NULL, MAX_BYTES, &set, &refusal));
    assert_int_equal(refusal.code, KAFKA_INVALID_RECORD);
}

static void a_set_cut_anywhere_is_refused(void **state)
{
    (void)state;
    struct message_builder builder;
    message_builder_init(&builder, 1);
    message_add(&builder, TIME, SLICE_LITERAL("key"), SLICE_LITERAL("value"));
    size_t first = message_set(&builder).len;
    message_add(&builder, TIME, SLICE_LITERAL("key"), SLICE_LITERAL("value"));
    struct slice set = message_set(&builder);
    for (size_t len = 0; len < set.len; len++) {
        if (len != first)
            assert_refused(slice_make(set.data, len), KAFKA_INVALID_RECORD, -1);
    }
    message_builder_deinit(&builder);
}

static void what_is_inside_a_wrapper_is_refused_when_it_is_cut_anywhere(void **state)
{
    (void)state;
    struct message_builder builder;
    message_builder_init(&builder, 0);
    message_add(&builder, 0, SLICE_LITERAL("key"), SLICE_LITERAL("value"));
    size_t whole = message_set(&builder).len;
    for (size_t len = 0; len < whole; len++) {
        message_builder_reset(&builder);
        message_add(&builder, 0, SLICE_LITERAL("key"), SLICE_LITERAL("value"));
        builder.set.write = builder.set.read + len;
        message_wrap(&builder, KAFKA_CODEC_GZIP);
        assert_refused(message_set(&builder), KAFKA_INVALID_RECORD, -1);
    }
    message_builder_deinit(&builder);
}

static void a_wrong_checksum_is_refused_outside_and_inside(void **state)
{
    (void)state;
    for (int wrapped = 0; wrapped < 2; wrapped++) {
        struct message_builder builder;
        message_builder_init(&builder, 1);
        message_add(&builder, TIME, SLICE_NULL, SLICE_LITERAL("good"));
        builder.crc_change = 1;
        message_add(&builder, TIME, SLICE_NULL, SLICE_LITERAL("bad"));
        builder.crc_change = 0;
        if (wrapped)
            message_wrap(&builder, KAFKA_CODEC_SNAPPY);
        assert_refused(message_set(&builder), KAFKA_CORRUPT_MESSAGE, -1);
        message_builder_deinit(&builder);
    }
}

static void every_flipped_bit_of_a_message_is_refused(void **state)
{
    (void)state;
    struct message_builder builder;
    message_builder_init(&builder, 1);
    message_add(&builder, TIME, SLICE_LITERAL("key"), SLICE_LITERAL("value"));
    struct slice set = message_set(&builder);
    for (size_t bit = 8 * 8; bit < set.len * 8; bit++) { /* offsets are not looked at */
        builder.set.data[builder.set.read + bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(reading(set).refusal.code, KAFKA_NONE);
        builder.set.data[builder.set.read + bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    message_builder_deinit(&builder);
}

static void a_message_above_the_limit_is_too_large_and_many_below_it_are_not(void **state)
{
    (void)state;
    struct message_builder builder;
    struct kafka_message_set set;
    struct kafka_refusal refusal;
    message_builder_init(&builder, 0);
    for (int i = 0; i < 3; i++)
        message_add(&builder, 0, SLICE_NULL, SLICE_LITERAL("0123456789"));
    size_t each = message_set(&builder).len / 3;
    assert_true(kafka_message_set_open(message_set(&builder), each, &set, &refusal));
    assert_false(kafka_message_set_open(message_set(&builder), each - 1, &set, &refusal));
    assert_int_equal(refusal.code, KAFKA_MESSAGE_TOO_LARGE);
    message_builder_deinit(&builder);
}

static void lengths_that_do_not_fill_their_message_are_refused_with_its_index(void **state)
{
    (void)state;
    const int32_t changes[] = {-1, 1, -4, -5, 1000, INT32_MIN + 10, INT32_MAX - 10};
    for (int i = 0; i < 28; i++) {
        struct message_builder builder;
        message_builder_init(&builder, i % 2 == 0 ? 0 : 1);
        message_add(&builder, TIME, SLICE_NULL, SLICE_LITERAL("good"));
        *(i / 2 % 2 == 0 ? &builder.key_len_change : &builder.value_len_change) = changes[i / 4];
        message_add(&builder, TIME, SLICE_LITERAL("key"), SLICE_LITERAL("val"));
        builder.key_len_change = builder.value_len_change = 0;
        assert_refused(message_set(&builder), KAFKA_INVALID_RECORD, 1);
        message_wrap(&builder, KAFKA_CODEC_GZIP);
        assert_refused(message_set(&builder), KAFKA_INVALID_RECORD, 1);
        message_builder_deinit(&builder);
    }
}

static void a_wrapper_must_be_alone_have_a_value_and_hold_no_wrapper(void **state)
{
    (void)state;
    struct message_builder builder;
    message_builder_init(&builder, 1);
    add_three(&builder);
    message_wrap(&builder, KAFKA_CODEC_GZIP);
    message_wrap(&builder, KAFKA_CODEC_GZIP);
    assert_refused(message_set(&builder), KAFKA_INVALID_RECORD, 0);

    message_builder_reset(&builder);
    add_three(&builder);
    message_wrap(&builder, KAFKA_CODEC_GZIP);
    message_add(&builder, TIME, SLICE_NULL, SLICE_LITERAL("beside"));
    assert_refused(message_set(&builder), KAFKA_INVALID_RECORD, -1);

    message_builder_reset(&builder);
    builder.attributes = KAFKA_CODEC_GZIP;
    message_add(&builder, TIME, SLICE_NULL, SLICE_NULL);
    assert_refused(message_set(&builder), KAFKA_INVALID_RECORD, -1);
    message_builder_deinit(&builder);
}

static void a_message_of_another_format_than_its_wrapper_is_refused(void **state)
{
    (void)state;
    struct message_builder builder;
    message_builder_init(&builder, 1);
    message_add(&builder, TIME, SLICE_NULL, SLICE_LITERAL("fine"));
    builder.magic = 0;
    message_add(&builder, TIME, SLICE_NULL, SLICE_LITERAL("other"));
    builder.magic = 1;
    message_wrap(&builder, KAFKA_CODEC_GZIP);
    assert_refused(message_set(&builder), KAFKA_INVALID_RECORD, 1);
    message_builder_deinit(&builder);
}

static void a_wrapper_offset_below_that_of_its_last_message_is_refused(void **state)
{
    (void)state;
    struct message_builder builder;
    message_builder_init(&builder, 1);
    add_three(&builder);
    builder.wrapper_offset = 1;
    message_wrap(&builder, KAFKA_CODEC_GZIP);
    assert_refused(message_set(&builder), KAFKA_INVALID_RECORD, -1);
    message_builder_deinit(&builder);
}

static void log_append_time_is_for_brokers_and_means_nothing_with_magic_0(void **state)
{
    (void)state;
    struct message_builder builder;
    message_builder_init(&builder, 1);
    message_add(&builder, TIME, SLICE_NULL, SLICE_LITERAL("fine"));
    builder.attributes = 0x08;
    message_add(&builder, TIME, SLICE_NULL, SLICE_LITERAL("not"));
    assert_refused(message_set(&builder), KAFKA_INVALID_TIMESTAMP, 1);
    message_wrap(&builder, KAFKA_CODEC_GZIP);
    assert_refused(message_set(&builder), KAFKA_INVALID_TIMESTAMP, -1);
    message_builder_reset(&builder);
    builder.magic = 0;
    message_add(&builder, TIME, SLICE_NULL, SLICE_LITERAL("fine"));
    assert_int_equal(reading(message_set(&builder)).refusal.code, KAFKA_NONE);
    message_builder_deinit(&builder);
}

static void formats_codecs_and_sizes_that_are_none_have_the_brokers_codes(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t byte;
        int16_t code;
    } wrong[] = {
        {ATTRIBUTES_AT, 4, KAFKA_INVALID_RECORD}, /* zstd came with format 2 */
        {ATTRIBUTES_AT, 5, KAFKA_UNSUPPORTED_COMPRESSION_TYPE},
        {ATTRIBUTES_AT, 7, KAFKA_UNSUPPORTED_COMPRESSION_TYPE},
        {MAGIC_AT, 2, KAFKA_INVALID_RECORD},
        {MAGIC_AT, 3, KAFKA_CORRUPT_MESSAGE},
        {MAGIC_AT, 0xff, KAFKA_CORRUPT_MESSAGE},
        {11, 13, KAFKA_CORRUPT_MESSAGE}, /* a size below any message's */
        {8, 0x80, KAFKA_CORRUPT_MESSAGE},
        {8, 0x7f, KAFKA_INVALID_RECORD},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct message_builder builder;
        message_builder_init(&builder, 1);
        message_add(&builder, TIME, SLICE_NULL, SLICE_LITERAL("value"));
        uint8_t *message = builder.set.data + builder.set.read;
        message[wrong[i].at] = wrong[i].byte;
        if (wrong[i].at > CRC_AT)
            fix_crc(message);
        assert_refused(message_set(&builder), wrong[i].code, -1);
        message_builder_deinit(&builder);
    }
}

static void magic_1_without_room_for_its_timestamp_is_refused(void **state)
{
    (void)state;
    struct message_builder builder;
    message_builder_init(&builder, 0);
    message_add(&builder, TIME, SLICE_NULL, SLICE_LITERAL("1234567"));
    uint8_t *message = builder.set.data + builder.set.read;
    message[MAGIC_AT] = 1;
    fix_crc(message);
    assert_refused(message_set(&builder), KAFKA_CORRUPT_MESSAGE, -1);
    message_builder_deinit(&builder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_messages_of_both_formats_are_read),
        cmocka_unit_test(messages_of_both_formats_in_one_set_are_refused),
        cmocka_unit_test(wrapped_messages_of_every_codec_and_format_are_read),
        cmocka_unit_test(offsets_inside_may_be_relative_absolute_or_all_zero),
        cmocka_unit_test(
            an_lz4_frame_of_magic_0_may_have_any_header_checksum_and_one_of_magic_1_must_not),
        cmocka_unit_test(the_header_checksum_of_a_larger_lz4_header_is_made_right_too),
        cmocka_unit_test(only_old_formats_and_too_few_bytes_are_a_message_set),
        cmocka_unit_test(null_and_empty_are_refused),
        cmocka_unit_test(a_set_cut_anywhere_is_refused),
        cmocka_unit_test(what_is_inside_a_wrapper_is_refused_when_it_is_cut_anywhere),
        cmocka_unit_test(a_wrong_checksum_is_refused_outside_and_inside),
        cmocka_unit_test(every_flipped_bit_of_a_message_is_refused),
        cmocka_unit_test(a_message_above_the_limit_is_too_large_and_many_below_it_are_not),
        cmocka_unit_test(lengths_that_do_not_fill_their_message_are_refused_with_its_index),
        cmocka_unit_test(a_wrapper_must_be_alone_have_a_value_and_hold_no_wrapper),
        cmocka_unit_test(a_message_of_another_format_than_its_wrapper_is_refused),
        cmocka_unit_test(a_wrapper_offset_below_that_of_its_last_message_is_refused),
        cmocka_unit_test(log_append_time_is_for_brokers_and_means_nothing_with_magic_0),
        cmocka_unit_test(formats_codecs_and_sizes_that_are_none_have_the_brokers_codes),
        cmocka_unit_test(magic_1_without_room_for_its_timestamp_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
