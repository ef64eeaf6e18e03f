#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/endian.h"
#include "tests/support/batch_builder.h"

#define MAX_BYTES   ((size_t)1 << 20)
#define MAX_HEADERS 8
#define TIME        INT64_C(1700000000000)

/* ------------------------------------------------------------------ helpers */

/* A heap copy of exactly that size, so that the sanitizer sees a read beyond it. */
static uint8_t *exact_copy(struct slice bytes)
{
    uint8_t *copy = malloc(bytes.len == 0 ? 1 : bytes.len);
    assert_non_null(copy);
    memcpy(copy, bytes.data, bytes.len);
    return copy;
}

/* The code that opening gives, 0 when it opens. */
static int opening(struct slice bytes)
{
    struct kafka_record_batch batch;
    struct kafka_refusal refusal;
    bool opened = kafka_record_batch_open(bytes, MAX_BYTES, &batch, &refusal);
    assert_int_equal(opened, refusal.code == KAFKA_NONE);
    assert_int_equal(refusal.record_index, -1);
    assert_int_equal(refusal.message == NULL, opened);
    return refusal.code;
}

static void add_three(struct batch_builder *builder)
{
    batch_builder_init(builder);
    batch_add(builder, TIME, SLICE_LITERAL("k0"), SLICE_LITERAL("v0"));
    batch_add(builder, TIME + 7, SLICE_NULL, SLICE_LITERAL(""));
    batch_add(builder, TIME - 9, SLICE_LITERAL(""), SLICE_NULL);
}

static int opening_with(const struct batch_flaws *flaws)
{
    struct batch_builder builder;
    add_three(&builder);
    builder.flaws = *flaws;
    int code = opening(batch_build(&builder));
    batch_builder_deinit(&builder);
    return code;
}

/* Reads a stream, in memory of exactly its size, as `count` records. Checks that a refusal stays.
 */
static struct kafka_refusal reading(struct slice stream, int32_t count, int32_t *records)
{
    struct kafka_record_batch batch = {.base_timestamp = TIME, .record_count = count};
    struct kafka_record_reader reader;
    struct kafka_record record;
    uint8_t *copy = exact_copy(stream);
    kafka_record_reader_init(&reader, &batch, slice_make(copy, stream.len), MAX_HEADERS);
    *records = 0;
    while (kafka_record_next(&reader, &record)) {
        (*records)++;
    }
    struct kafka_refusal refusal = reader.refusal;
    assert_false(kafka_record_next(&reader, &record));
    assert_int_equal(refusal.code, reader.refusal.code);
    assert_int_equal(refusal.record_index, reader.refusal.record_index);
    assert_ptr_equal(refusal.message, reader.refusal.message);
    free(copy);
    return refusal;
}

/* One sound record, then `second`, which must be refused by its index. */
static void assert_second_refused(const struct batch_raw_record *second, const char *message)
{
    struct batch_builder builder;
    int32_t records;
    batch_builder_init(&builder);
    batch_add(&builder, TIME, SLICE_LITERAL("key"), SLICE_LITERAL("value"));
    batch_add_raw(&builder, second);
    struct kafka_refusal refusal = reading(buf_unread(&builder.records), 2, &records);
    assert_int_equal(refusal.code, KAFKA_INVALID_RECORD);
    assert_int_equal(refusal.record_index, 1);
    assert_string_equal(refusal.message, message);
    assert_int_equal(records, 1);
    batch_builder_deinit(&builder);
}

/* A sound second record; tests change one field of it. */
static struct batch_raw_record sound_second(void)
{
    return (struct batch_raw_record){.offset_delta = 1,
                                     .key_len = 3,
                                     .key = SLICE_LITERAL("key"),
                                     .value_len = 5,
                                     .value = SLICE_LITERAL("value")};
}

/* ------------------------------------------------------------------ opening */

static void a_batch_opens_with_all_its_fields(void **state)
{
    (void)state;
    struct batch_builder builder;
    struct kafka_record_batch batch;
    struct kafka_refusal refusal;
    add_three(&builder);
    builder.leader_epoch = 17;
    builder.transactional = true;
    builder.producer_id = INT64_MAX;
    builder.producer_epoch = INT16_MAX;
    builder.base_sequence = INT32_MAX;
    struct slice bytes = batch_build(&builder);
    assert_true(kafka_record_batch_open(bytes, bytes.len, &batch, &refusal));
    assert_int_equal(batch.base_offset, 0);
    assert_int_equal(batch.leader_epoch, 17);
    assert_int_equal(batch.attributes, KAFKA_BATCH_TRANSACTIONAL);
    assert_int_equal(batch.last_offset_delta, 2);
    assert_int_equal(batch.base_timestamp, TIME);
    assert_int_equal(batch.max_timestamp, TIME + 7);
    assert_int_equal(batch.producer_id, INT64_MAX);
    assert_int_equal(batch.producer_epoch, INT16_MAX);
    assert_int_equal(batch.base_sequence, INT32_MAX);
    assert_int_equal(batch.record_count, 3);
    assert_int_equal(batch.codec, KAFKA_CODEC_NONE);
    assert_int_equal(batch.wire_bytes, bytes.len);
    assert_ptr_equal(batch.records.data, bytes.data + KAFKA_BATCH_HEADER_BYTES);
    assert_int_equal(batch.records.len, bytes.len - KAFKA_BATCH_HEADER_BYTES);
    batch_builder_deinit(&builder);
}

static void nothing_at_all_is_refused(void **state)
{
    (void)state;
    assert_int_equal(opening(SLICE_NULL), KAFKA_INVALID_RECORD);
    assert_int_equal(opening(SLICE_LITERAL("")), KAFKA_INVALID_RECORD);
}

static void a_batch_that_is_cut_anywhere_is_refused(void **state)
{
    (void)state;
    struct batch_builder builder;
    add_three(&builder);
    struct slice bytes = batch_build(&builder);
    for (size_t len = 0; len < bytes.len; len++) {
        uint8_t *copy = exact_copy(slice_make(bytes.data, len));
        assert_int_equal(opening(slice_make(copy, len)), KAFKA_INVALID_RECORD);
        free(copy);
    }
    batch_builder_deinit(&builder);
}

/* The leader epoch alone is neither checked nor covered by the checksum. */
static void every_flipped_bit_outside_the_leader_epoch_is_refused(void **state)
{
    (void)state;
    struct batch_builder builder;
    add_three(&builder);
    struct slice bytes = batch_build(&builder);
    uint8_t *copy = exact_copy(bytes);
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        bool leader_epoch = bit / 8 >= 12 && bit / 8 < 16;
        copy[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        assert_int_equal(opening(slice_make(copy, bytes.len)) == KAFKA_NONE, leader_epoch);
        copy[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    free(copy);
    batch_builder_deinit(&builder);
}

static void the_frame_says_what_is_wrong_with_it(void **state)
{
    (void)state;
    struct batch_builder builder;
    add_three(&builder);
    int32_t length = (int32_t)batch_build(&builder).len - 12;
    batch_builder_deinit(&builder);
    const struct {
        struct batch_flaws flaws;
        int code;
    } rows[] = {
        {{.length_change = 1}, KAFKA_INVALID_RECORD},
        {{.length_change = INT32_MAX - length}, KAFKA_INVALID_RECORD},
        {{.length_change = INT32_MIN}, KAFKA_CORRUPT_MESSAGE},
        {{.length_change = -length}, KAFKA_CORRUPT_MESSAGE},
        {{.length_change = 13 - length}, KAFKA_CORRUPT_MESSAGE},
        {{.magic_change = -2}, KAFKA_INVALID_RECORD},
        {{.magic_change = -1}, KAFKA_INVALID_RECORD},
        {{.magic_change = 1}, KAFKA_CORRUPT_MESSAGE},
        {{.magic_change = -3}, KAFKA_CORRUPT_MESSAGE},
        {{.base_offset = 1}, KAFKA_INVALID_RECORD},
        {{.base_offset = -1}, KAFKA_INVALID_RECORD},
        {{.crc_change = 1}, KAFKA_CORRUPT_MESSAGE},
        {{.base_offset = 1, .crc_change = 1}, KAFKA_INVALID_RECORD},
        {{.count_change = 1, .crc_change = 1}, KAFKA_CORRUPT_MESSAGE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(opening_with(&rows[i].flaws), rows[i].code);
    }
}

static void a_batch_shorter_than_its_header_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[KAFKA_BATCH_HEADER_BYTES] = {[16] = 2};
    for (size_t len = 26; len < sizeof(bytes); len++) {
        be32_store(bytes + 8, (uint32_t)len - 12);
        batch_fix_crc(bytes, len);
        assert_int_equal(opening(slice_make(bytes, len)), KAFKA_CORRUPT_MESSAGE);
    }
}

static void a_batch_of_exactly_the_limit_passes(void **state)
{
    (void)state;
    struct batch_builder builder;
    struct kafka_record_batch batch;
    struct kafka_refusal refusal;
    add_three(&builder);
    builder.flaws.crc_change = 1; /* size is looked at before the checksum */
    struct slice bytes = batch_build(&builder);
    assert_false(kafka_record_batch_open(bytes, bytes.len - 1, &batch, &refusal));
    assert_int_equal(refusal.code, KAFKA_MESSAGE_TOO_LARGE);
    builder.flaws.crc_change = 0;
    assert_true(kafka_record_batch_open(batch_build(&builder), bytes.len, &batch, &refusal));
    batch_builder_deinit(&builder);
}

static void up_to_fifteen_bytes_behind_a_batch_are_ignored(void **state)
{
    (void)state;
    struct batch_builder builder;
    uint8_t bytes[512] = {0};
    add_three(&builder);
    struct slice batch = batch_build(&builder);
    memcpy(bytes, batch.data, batch.len);
    for (size_t more = 0; more < 64; more++) {
        uint8_t *copy = exact_copy(slice_make(bytes, batch.len + more));
        assert_int_equal(opening(slice_make(copy, batch.len + more)),
                         more < 16 ? KAFKA_NONE : KAFKA_CORRUPT_MESSAGE);
        free(copy);
    }
    memcpy(bytes + batch.len, batch.data, batch.len);
    assert_int_equal(opening(slice_make(bytes, 2 * batch.len)), KAFKA_INVALID_RECORD);
    assert_int_equal(opening(slice_make(bytes, 2 * batch.len - 1)), KAFKA_CORRUPT_MESSAGE);
    batch_builder_deinit(&builder);
}

static void counts_must_agree(void **state)
{
    (void)state;
    const struct batch_flaws flaws[] = {
        {.count_change = 1},
        {.count_change = -1},
        {.last_offset_delta_change = 1},
        {.last_offset_delta_change = INT32_MAX - 2},
        {.count_change = -3, .last_offset_delta_change = -3},
        {.count_change = -4, .last_offset_delta_change = -4},
        {.count_change = INT32_MIN, .last_offset_delta_change = INT32_MAX - 2},
        /* they agree, but 28 bytes cannot hold so many */
        {.count_change = 100, .last_offset_delta_change = 100},
        {.count_change = INT32_MAX - 3, .last_offset_delta_change = INT32_MAX - 3},
    };
    for (size_t i = 0; i < sizeof(flaws) / sizeof(flaws[0]); i++) {
        assert_int_equal(opening_with(&flaws[i]), KAFKA_INVALID_RECORD);
    }
}

static void attributes_are_checked(void **state)
{
    (void)state;
    for (int codec = 0; codec < 8; codec++) {
        assert_int_equal(opening_with(&(struct batch_flaws){.attributes = (int16_t)codec}),
                         codec < 5 ? KAFKA_NONE : KAFKA_UNSUPPORTED_COMPRESSION_TYPE);
    }
    assert_int_equal(opening_with(&(struct batch_flaws){.attributes = KAFKA_BATCH_CONTROL}),
                     KAFKA_INVALID_RECORD);
    assert_int_equal(opening_with(&(struct batch_flaws){.attributes = KAFKA_BATCH_LOG_APPEND_TIME}),
                     KAFKA_INVALID_TIMESTAMP);
    assert_int_equal(opening_with(&(struct batch_flaws){.attributes = KAFKA_BATCH_TRANSACTIONAL}),
                     KAFKA_INVALID_RECORD);
    assert_int_equal(opening_with(&(struct batch_flaws){.attributes = (int16_t)0xFFC0}),
                     KAFKA_NONE);
}

static void a_producer_id_needs_an_epoch_and_a_sequence(void **state)
{
    (void)state;
    const struct {
        int64_t id;
        int16_t epoch;
        int32_t sequence;
        int code;
        int64_t read_as;
    } rows[] = {
        {0, 0, 0, KAFKA_NONE, 0},
        {0, -1, 0, KAFKA_INVALID_RECORD, 0},
        {0, 0, -1, KAFKA_INVALID_RECORD, 0},
        {-1, -1, -1, KAFKA_NONE, -1},
        {-1, 0, 0, KAFKA_NONE, -1}, /* as @platformatic/kafka sends */
        {INT64_MIN, -1, -1, KAFKA_NONE, -1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct batch_builder builder;
        struct kafka_record_batch batch;
        struct kafka_refusal refusal;
        add_three(&builder);
        builder.producer_id = rows[i].id;
        builder.producer_epoch = rows[i].epoch;
        builder.base_sequence = rows[i].sequence;
        kafka_record_batch_open(batch_build(&builder), MAX_BYTES, &batch, &refusal);
        assert_int_equal(refusal.code, rows[i].code);
        if (refusal.code == KAFKA_NONE) {
            assert_int_equal(batch.producer_id, rows[i].read_as);
        }
        batch_builder_deinit(&builder);
    }
}

/* ------------------------------------------------------------------ reading */

static void records_come_back_as_they_were_written(void **state)
{
    (void)state;
    struct batch_builder builder;
    struct kafka_record_batch batch;
    struct kafka_refusal refusal;
    struct kafka_record_reader reader;
    struct kafka_record record;
    add_three(&builder);
    assert_true(kafka_record_batch_open(batch_build(&builder), MAX_BYTES, &batch, &refusal));
    kafka_record_reader_init(&reader, &batch, batch.records, MAX_HEADERS);
    assert_true(kafka_record_next(&reader, &record));
    assert_int_equal(record.timestamp, TIME);
    assert_true(slice_equal(record.key, SLICE_LITERAL("k0")));
    assert_true(slice_equal(record.value, SLICE_LITERAL("v0")));
    assert_int_equal(record.header_count, 0);
    assert_null(record.headers.data);
    assert_true(kafka_record_next(&reader, &record));
    assert_int_equal(record.timestamp, TIME + 7);
    assert_null(record.key.data);
    assert_non_null(record.value.data);
    assert_int_equal(record.value.len, 0);
    assert_true(kafka_record_next(&reader, &record));
    assert_int_equal(record.timestamp, TIME - 9);
    assert_non_null(record.key.data);
    assert_int_equal(record.key.len, 0);
    assert_null(record.value.data);
    assert_false(kafka_record_next(&reader, &record));
    assert_int_equal(reader.refusal.code, KAFKA_NONE);
    batch_builder_deinit(&builder);
}

static void the_stream_must_hold_exactly_the_count(void **state)
{
    (void)state;
    struct batch_builder builder;
    int32_t records;
    add_three(&builder);
    struct slice stream = buf_unread(&builder.records);
    struct kafka_refusal refusal = reading(stream, 2, &records);
    assert_int_equal(refusal.code, KAFKA_INVALID_RECORD);
    assert_int_equal(refusal.record_index, -1);
    assert_int_equal(records, 2);
    batch_add(&builder, TIME, SLICE_NULL, SLICE_LITERAL("a value that makes room for the count"));
    stream = buf_unread(&builder.records);
    refusal = reading(stream, 3, &records);
    assert_int_equal(refusal.code, KAFKA_INVALID_RECORD);
    assert_int_equal(records, 3);
    refusal = reading(stream, 5, &records);
    assert_int_equal(refusal.code, KAFKA_INVALID_RECORD);
    assert_int_equal(refusal.record_index, 4);
    assert_int_equal(records, 4);
    batch_builder_deinit(&builder);
}

static void more_records_than_bytes_can_hold_are_refused_before_the_first(void **state)
{
    (void)state;
    struct batch_builder builder;
    int32_t records;
    add_three(&builder);
    struct kafka_refusal refusal = reading(buf_unread(&builder.records), 1000000, &records);
    assert_int_equal(refusal.code, KAFKA_INVALID_RECORD);
    assert_int_equal(refusal.record_index, -1);
    assert_int_equal(records, 0);
    refusal = reading(SLICE_LITERAL(""), 1, &records);
    assert_int_equal(refusal.code, KAFKA_INVALID_RECORD);
    batch_builder_deinit(&builder);
}

static void a_stream_that_is_cut_anywhere_is_refused(void **state)
{
    (void)state;
    struct batch_builder builder;
    int32_t records;
    const struct batch_header headers[2] = {{SLICE_LITERAL("h"), SLICE_LITERAL("v")},
                                            {SLICE_LITERAL("none"), SLICE_NULL}};
    add_three(&builder);
    batch_add_with_headers(&builder, TIME, SLICE_LITERAL("k"), SLICE_LITERAL("v"), headers, 2);
    struct slice stream = buf_unread(&builder.records);
    for (size_t len = 0; len < stream.len; len++) {
        struct kafka_refusal refusal = reading(slice_make(stream.data, len), 4, &records);
        assert_int_equal(refusal.code, KAFKA_INVALID_RECORD);
        assert_true(records < 4);
    }
    assert_int_equal(reading(stream, 4, &records).code, KAFKA_NONE);
    batch_builder_deinit(&builder);
}

/* Unlike above the length agrees with the cut, so that the fields run out and not the stream. */
static void a_record_that_ends_within_a_field_is_refused(void **state)
{
    (void)state;
    static const struct slice bodies[] = {
        SLICE_INIT("a\0\0\x0Akey k\x0Avalue\2\2h\2v"),
        SLICE_INIT("a\x80\0\x80\0\x81\0\x82\0v\x80\0"),
        SLICE_INIT("a\x80\0\x80\0\x82\0k\x82\0v\x80\0"),
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        for (size_t len = 0; len <= bodies[i].len; len++) {
            for (size_t padding = 0; padding < 2; padding++) {
                uint8_t stream[64];
                int32_t records;
                size_t used = varint_write(stream, (int32_t)len);
                if (padding == 1) {
                    stream[0] |= 0x80;
                    stream[used++] = 0;
                }
                memcpy(stream + used, bodies[i].data, len);
                struct slice bytes = slice_make(stream, used + len);
                assert_int_equal(reading(bytes, 1, &records).code,
                                 len == bodies[i].len ? KAFKA_NONE : KAFKA_INVALID_RECORD);
            }
        }
    }
}

/* The lowest bit is the sign: the same digits with it are another, negative number. */
static void lengths_with_a_sign_are_refused(void **state)
{
    (void)state;
    static const size_t lengths_at[] = {0, 4, 8};
    for (size_t i = 0; i < sizeof(lengths_at) / sizeof(lengths_at[0]); i++) {
        struct batch_builder builder;
        int32_t records;
        batch_builder_init(&builder);
        batch_add(&builder, TIME, SLICE_LITERAL("key"), SLICE_LITERAL("value"));
        assert_int_equal(reading(buf_unread(&builder.records), 1, &records).code, KAFKA_NONE);
        builder.records.data[lengths_at[i]] |= 1;
        assert_int_equal(reading(buf_unread(&builder.records), 1, &records).code,
                         KAFKA_INVALID_RECORD);
        batch_builder_deinit(&builder);
    }
}

static void a_wrong_record_is_refused_by_its_index(void **state)
{
    (void)state;
    const char *length = "record length is not sound";
    const char *offset = "offset delta is not the record's index";
    const char *key = "key length is not sound";
    const char *value = "value length is not sound";
    const char *trailer = "record has bytes after its last field";
    struct batch_raw_record r;
#define REFUSED(message, field, wrong)                                                             \
    r = sound_second();                                                                            \
    r.field = wrong;                                                                               \
    assert_second_refused(&r, message)

    REFUSED(length, length_change, 1);
    REFUSED(length, length_change, 1000);
    REFUSED(length, length_change, INT32_MAX - 14);
    REFUSED(length, length_change, -14);
    REFUSED(length, length_change, -15);
    REFUSED("header count is not sound", length_change, -1);
    REFUSED(value, length_change, -2);
    REFUSED(offset, offset_delta, 0);
    REFUSED(offset, offset_delta, 2);
    REFUSED(offset, offset_delta, -1);
    REFUSED(offset, offset_delta, INT32_MAX);
    REFUSED(offset, offset_delta, INT32_MIN);
    REFUSED(key, key_len, -2);
    REFUSED(key, key_len, INT32_MIN);
    REFUSED(key, key_len, INT32_MAX);
    REFUSED(key, key_len, 100);
    REFUSED(value, value_len, -2);
    REFUSED(value, value_len, INT32_MIN);
    REFUSED(value, value_len, 7);
    REFUSED(value, value_len, INT32_MAX);
    REFUSED("header count is not sound", value_len, 6);
    REFUSED(trailer, trailer, SLICE_LITERAL("x"));
    REFUSED(trailer, trailer, SLICE_LITERAL("\0"));
#undef REFUSED
}

static void wrong_headers_are_refused_by_the_records_index(void **state)
{
    (void)state;
    const char *count = "header count is not sound";
    const char *length = "header length is not sound";
    const struct {
        int32_t count;
        struct slice bytes;
        const char *message;
    } rows[] = {
        {-1, SLICE_INIT(""), count},
        {INT32_MIN, SLICE_INIT(""), count},
        {1, SLICE_INIT(""), count},
        {1, SLICE_INIT("\0"), count},
        {3, SLICE_INIT("\0\0\0\0\0"), count},
        {INT32_MAX, SLICE_INIT("\0\0\0\0\0"), count},
        {MAX_HEADERS + 1, SLICE_INIT("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
         "record has more headers than max_record_headers"},
        {1, SLICE_INIT("\1\0"), length},           /* key -1 */
        {1, SLICE_INIT("\3\0"), length},           /* key -2 */
        {1, SLICE_INIT("\2k"), length},            /* no value */
        {1, SLICE_INIT("\4k\0"), length},          /* key takes the value's length */
        {1, SLICE_INIT("\0\3"), length},           /* value -2 */
        {1, SLICE_INIT("\0\4v"), length},          /* value too long */
        {1, SLICE_INIT("\0\x80\x80\x80"), length}, /* varint without an end */
        {1, SLICE_INIT("\0\0\0"), "record has bytes after its last field"},
        {1, SLICE_INIT("\2\x80\0"), "header key is not UTF-8"},
        {1, SLICE_INIT("\4\xC0\x80\0"), "header key is not UTF-8"},
        {2, SLICE_INIT("\2k\0\6\xED\xA0\x80\1"), "header key is not UTF-8"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct batch_raw_record second = sound_second();
        second.header_count = rows[i].count;
        second.headers = rows[i].bytes;
        assert_second_refused(&second, rows[i].message);
    }
}

static void the_most_headers_allowed_are_read(void **state)
{
    (void)state;
    struct batch_builder builder;
    int32_t records;
    struct batch_header headers[MAX_HEADERS];
    for (size_t i = 0; i < MAX_HEADERS; i++) {
        headers[i] = (struct batch_header){SLICE_LITERAL(""), SLICE_NULL};
    }
    batch_builder_init(&builder);
    batch_add_with_headers(&builder, 0, SLICE_NULL, SLICE_NULL, headers, MAX_HEADERS);
    assert_int_equal(reading(buf_unread(&builder.records), 1, &records).code, KAFKA_NONE);
    assert_int_equal(records, 1);
    batch_builder_deinit(&builder);
}

static void attributes_of_a_record_are_not_looked_at(void **state)
{
    (void)state;
    for (unsigned attributes = 0; attributes < 256; attributes++) {
        struct batch_builder builder;
        int32_t records;
        struct batch_raw_record record = sound_second();
        record.offset_delta = 0;
        record.attributes = (uint8_t)attributes;
        batch_builder_init(&builder);
        batch_add_raw(&builder, &record);
        assert_int_equal(reading(buf_unread(&builder.records), 1, &records).code, KAFKA_NONE);
        batch_builder_deinit(&builder);
    }
}

static void timestamps_wrap_around(void **state)
{
    (void)state;
    const struct {
        int64_t base;
        int64_t delta;
        int64_t sum;
    } rows[] = {
        {0, 0, 0},
        {INT64_MAX, 0, INT64_MAX},
        {INT64_MAX, 1, INT64_MIN},
        {INT64_MIN, -1, INT64_MAX},
        {0, INT64_MIN, INT64_MIN},
        {0, INT64_MAX, INT64_MAX},
        {-1, INT64_MIN, INT64_MAX},
        {100, -64, 36},
        {100, 8191, 8291},
        {100, -8192, -8092},
        {100, 8192, 8292},
        {100, -8193, -8093},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct batch_builder builder;
        struct kafka_record_batch batch = {.base_timestamp = rows[i].base, .record_count = 1};
        struct kafka_record_reader reader;
        struct kafka_record record;
        batch_builder_init(&builder);
        batch_add_raw(&builder, &(struct batch_raw_record){.timestamp_delta = rows[i].delta,
                                                           .key_len = -1,
                                                           .value_len = 5,
                                                           .value = SLICE_LITERAL("value")});
        kafka_record_reader_init(&reader, &batch, buf_unread(&builder.records), 0);
        assert_true(kafka_record_next(&reader, &record));
        assert_int_equal(record.timestamp, rows[i].sum);
        batch_builder_deinit(&builder);
    }
}

static void a_varint_beyond_its_type_is_refused(void **state)
{
    (void)state;
    int32_t records;
    struct slice timestamp = SLICE_LITERAL("\x1E"
                                           "a\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\3\0\1\1\0");
    assert_string_equal(reading(timestamp, 1, &records).message, "timestamp delta is not sound");
    struct slice offset = SLICE_LITERAL("\x14"
                                        "a\0\x80\x80\x80\x80\x10\1\1\0");
    assert_string_equal(reading(offset, 1, &records).message,
                        "offset delta is not the record's index");
    struct slice length = SLICE_LITERAL("\x8C\x80\x80\x80\x10"
                                        "a\0\0\1\1\0");
    assert_string_equal(reading(length, 1, &records).message, "record length is not sound");
}

/* Kafka accepts a varint with more bytes than it needs, in all places. */
static void padded_varints_are_accepted(void **state)
{
    (void)state;
    static const char *const streams[] = {
        "\x92\x00"
        "a\x00\x00\x04kk\x02v\x00", /* length */
        "\x14"
        "a\x80\x00\x00\x04kk\x02v\x00", /* timestamp */
        "\x14"
        "a\x00\x80\x00\x04kk\x02v\x00", /* offset */
        "\x14"
        "a\x00\x00\x84\x00kk\x02v\x00", /* key */
        "\x14"
        "a\x00\x00\x04kk\x82\x00v\x00", /* value */
        "\x14"
        "a\x00\x00\x04kk\x02v\x80\x00", /* header count */
        "\x16"
        "a\x00\x00\x84\x80\x00kk\x02v\x00", /* key, three bytes */
        "\x1a"
        "a\x00\x80\x80\x80\x80\x00\x04kk\x02v\x00", /* offset, five bytes */
        "\x24"
        "a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00\x00\x04kk\x02v\x00", /* timestamp, ten */
    };
    static const size_t lens[] = {11, 11, 11, 11, 11, 11, 12, 14, 19};
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        struct kafka_record_batch batch = {.base_timestamp = 5, .record_count = 1};
        struct kafka_record_reader reader;
        struct kafka_record record;
        uint8_t *copy = exact_copy(slice_make(streams[i], lens[i]));
        kafka_record_reader_init(&reader, &batch, slice_make(copy, lens[i]), 0);
        assert_true(kafka_record_next(&reader, &record));
        assert_int_equal(record.timestamp, 5);
        assert_true(slice_equal(record.key, SLICE_LITERAL("kk")));
        assert_true(slice_equal(record.value, SLICE_LITERAL("v")));
        assert_false(kafka_record_next(&reader, &record));
        assert_int_equal(reader.refusal.code, KAFKA_NONE);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_opens_with_all_its_fields),
        cmocka_unit_test(nothing_at_all_is_refused),
        cmocka_unit_test(a_batch_that_is_cut_anywhere_is_refused),
        cmocka_unit_test(every_flipped_bit_outside_the_leader_epoch_is_refused),
        cmocka_unit_test(the_frame_says_what_is_wrong_with_it),
        cmocka_unit_test(a_batch_shorter_than_its_header_is_refused),
        cmocka_unit_test(a_batch_of_exactly_the_limit_passes),
        cmocka_unit_test(up_to_fifteen_bytes_behind_a_batch_are_ignored),
        cmocka_unit_test(counts_must_agree),
        cmocka_unit_test(attributes_are_checked),
        cmocka_unit_test(a_producer_id_needs_an_epoch_and_a_sequence),
        cmocka_unit_test(records_come_back_as_they_were_written),
        cmocka_unit_test(the_stream_must_hold_exactly_the_count),
        cmocka_unit_test(more_records_than_bytes_can_hold_are_refused_before_the_first),
        cmocka_unit_test(a_stream_that_is_cut_anywhere_is_refused),
        cmocka_unit_test(a_record_that_ends_within_a_field_is_refused),
        cmocka_unit_test(lengths_with_a_sign_are_refused),
        cmocka_unit_test(a_wrong_record_is_refused_by_its_index),
        cmocka_unit_test(wrong_headers_are_refused_by_the_records_index),
        cmocka_unit_test(the_most_headers_allowed_are_read),
        cmocka_unit_test(attributes_of_a_record_are_not_looked_at),
        cmocka_unit_test(timestamps_wrap_around),
        cmocka_unit_test(a_varint_beyond_its_type_is_refused),
        cmocka_unit_test(padded_varints_are_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
