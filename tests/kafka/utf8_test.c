#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kafka/utf8.h"

/* The definition, written the other way round: what a code point must look like. */
static size_t encode(uint32_t point, uint8_t *to)
{
    if (point < 0x80) {
        to[0] = (uint8_t)point;
        return 1;
    }
    size_t bytes = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = bytes - 1; i > 0; i--, point >>= 6) {
        to[i] = (uint8_t)(0x80 | (point & 0x3F));
    }
    static const uint8_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    to[0] = (uint8_t)(lead[bytes] | point);
    return bytes;
}

/* A copy of exactly that size, so that the sanitizer sees a read beyond it. */
static bool valid(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len == 0 ? 1 : len);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    bool result = kafka_utf8_valid(slice_make(copy, len));
    free(copy);
    return result;
}

static void every_code_point_but_a_surrogate_is_valid(void **state)
{
    (void)state;
    for (uint32_t point = 0; point <= 0x10FFFF; point++) {
        uint8_t bytes[4];
        size_t len = encode(point, bytes);
        bool surrogate = point >= 0xD800 && point <= 0xDFFF;
        assert_int_equal(kafka_utf8_valid(slice_make(bytes, len)), !surrogate);
    }
}

/* Of all sequences of three bytes exactly those are valid that encode one, two or three code
 * points. */
static void every_other_sequence_of_three_bytes_is_refused(void **state)
{
    (void)state;
    const size_t one = 0x80, two = 0x800 - 0x80, three = 0x10000 - 0x800 - 0x800;
    size_t count = 0;
    for (uint32_t i = 0; i < 1U << 24; i++) {
        uint8_t bytes[3] = {(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
        count += kafka_utf8_valid(slice_make(bytes, 3));
    }
    assert_int_equal(count, one * one * one + 2 * one * two + three);
}

static void four_bytes_reach_from_10000_to_10ffff(void **state)
{
    (void)state;
    assert_true(valid((const uint8_t *)"\xF0\x90\x80\x80", 4));
    assert_false(valid((const uint8_t *)"\xF0\x8F\xBF\xBF", 4));
    assert_true(valid((const uint8_t *)"\xF4\x8F\xBF\xBF", 4));
    assert_false(valid((const uint8_t *)"\xF4\x90\x80\x80", 4));
    assert_false(valid((const uint8_t *)"\xF5\x80\x80\x80", 4));
    assert_false(valid((const uint8_t *)"\xF0\x90\x80\xC0", 4));
    assert_false(valid((const uint8_t *)"\xF0\x90\x00\x80", 4));
    assert_false(valid((const uint8_t *)"\xF8\x88\x80\x80", 4));
}

static void a_sequence_that_is_cut_is_refused(void **state)
{
    (void)state;
    static const uint8_t points[] = "\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80";
    static const bool whole[] = {true, false, true, false, false, true, false, false, false, true};
    for (size_t len = 0; len < sizeof(whole); len++) {
        assert_int_equal(valid(points, len), whole[len]);
    }
}

static void a_bad_byte_is_found_at_every_place_of_every_length(void **state)
{
    (void)state;
    uint8_t text[40];
    for (size_t len = 1; len <= sizeof(text); len++) {
        memset(text, 'a', sizeof(text));
        assert_true(valid(text, len));
        for (size_t at = 0; at < len; at++) {
            text[at] = 0x80;
            assert_false(valid(text, len));
            text[at] = 'a';
        }
        for (size_t at = 0; at + 3 <= len; at++) {
            memcpy(text + at, "\xE2\x82\xAC", 3);
            assert_true(valid(text, len));
            text[at + 2] = 'x';
            assert_false(valid(text, len));
            memcpy(text + at, "aaa", 3);
        }
    }
}

static void null_empty_and_a_zero_byte_are_valid(void **state)
{
    (void)state;
    assert_true(kafka_utf8_valid(SLICE_NULL));
    assert_true(kafka_utf8_valid(SLICE_LITERAL("")));
    assert_true(kafka_utf8_valid(SLICE_LITERAL("a\0b")));
    assert_false(kafka_utf8_valid(SLICE_LITERAL("\xC0\x80"))); /* Java's other form of it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_but_a_surrogate_is_valid),
        cmocka_unit_test(every_other_sequence_of_three_bytes_is_refused),
        cmocka_unit_test(four_bytes_reach_from_10000_to_10ffff),
        cmocka_unit_test(a_sequence_that_is_cut_is_refused),
        cmocka_unit_test(a_bad_byte_is_found_at_every_place_of_every_length),
        cmocka_unit_test(null_empty_and_a_zero_byte_are_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
