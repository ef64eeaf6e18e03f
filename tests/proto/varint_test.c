#include "proto/varint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { ROOM = 16 };

/* Readers must not look beyond end: the bytes there would turn a truncated value into a complete
 * one. */
static size_t read32(const uint8_t *bytes, size_t len, int32_t *value)
{
    uint8_t room[ROOM] = {0};
    memcpy(room, bytes, len);
    return varint_read(room, room + len, value);
}

static size_t read64(const uint8_t *bytes, size_t len, int64_t *value)
{
    uint8_t room[ROOM] = {0};
    memcpy(room, bytes, len);
    return varlong_read(room, room + len, value);
}

/* What the definition says, with nothing shared with the code under test. */
static size_t expected_len(uint64_t folded)
{
    size_t len = 1;
    for (; folded >= 128; folded /= 128)
        len++;
    return len;
}

static uint64_t folded64(int64_t value)
{
    return value >= 0 ? (uint64_t)value * 2 : (uint64_t)(-(value + 1)) * 2 + 1;
}

static void check32(int32_t value)
{
    uint8_t bytes[ROOM] = {0};
    int32_t back = 0;
    size_t len = varint_write(bytes, value);
    assert_int_equal(len, expected_len(folded64(value)));
    assert_int_equal(read32(bytes, len, &back), len);
    assert_int_equal(back, value);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(read32(bytes, cut, &back), 0);
}

static void check64(int64_t value)
{
    uint8_t bytes[ROOM] = {0};
    int64_t back = 0;
    size_t len = varlong_write(bytes, value);
    assert_int_equal(len, expected_len(folded64(value)));
    assert_int_equal(read64(bytes, len, &back), len);
    assert_true(back == value);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(read64(bytes, cut, &back), 0);
}

static void known_values_have_the_bytes_of_the_definition(void **state)
{
    (void)state;
    static const struct {
        int32_t value;
        const char *bytes;
        size_t len;
    } KNOWN[] = {
        {0, "\x00", 1},
        {-1, "\x01", 1},
        {1, "\x02", 1},
        {63, "\x7e", 1},
        {-64, "\x7f", 1},
        {64, "\x80\x01", 2},
        {-65, "\x81\x01", 2},
        {300, "\xd8\x04", 2},
        {INT32_MAX, "\xfe\xff\xff\xff\x0f", 5},
        {INT32_MIN, "\xff\xff\xff\xff\x0f", 5},
    };
    for (size_t i = 0; i < sizeof(KNOWN) / sizeof(KNOWN[0]); i++) {
        uint8_t bytes[ROOM];
        assert_int_equal(varint_write(bytes, KNOWN[i].value), KNOWN[i].len);
        assert_memory_equal(bytes, KNOWN[i].bytes, KNOWN[i].len);
        assert_int_equal(varlong_write(bytes, KNOWN[i].value), KNOWN[i].len);
        assert_memory_equal(bytes, KNOWN[i].bytes, KNOWN[i].len);
    }
}

static void values_around_every_power_of_two_survive_and_truncations_are_refused(void **state)
{
    (void)state;
    for (int bit = 0; bit < 63; bit++) {
        int64_t power = INT64_C(1) << bit;
        for (int64_t by = -2; by <= 2; by++) {
            int64_t value = by > 0 && power > INT64_MAX - by ? INT64_MAX : power + by;
            check64(value);
            check64(-value);
            if (value <= INT32_MAX) {
                check32((int32_t)value);
                check32((int32_t)-value);
            }
        }
    }
    check64(INT64_MIN);
    check64(INT64_MAX);
    check32(INT32_MIN);
    check32(INT32_MAX);
}

static void all_values_of_up_to_two_bytes_and_some_survive(void **state)
{
    (void)state;
    for (int32_t value = -40000; value <= 40000; value++) {
        check32(value);
        check64(value);
    }
}

static void a_varint_of_more_than_five_bytes_is_refused(void **state)
{
    (void)state;
    int32_t value = 7;
    assert_int_equal(read32((const uint8_t *)"\x80\x80\x80\x80\x80\x00", 6, &value), 0);
    assert_int_equal(read32((const uint8_t *)"\xff\xff\xff\xff\xff\x01", 6, &value), 0);
    assert_int_equal(read32((const uint8_t *)"\xff\xff\xff\xff\x8f\x00", 6, &value), 0);
}

static void a_varint_with_bits_beyond_thirty_two_is_refused(void **state)
{
    (void)state;
    int32_t value = 0;
    for (unsigned last = 0; last < 256; last++) {
        uint8_t bytes[] = {0xff, 0xff, 0xff, 0xff, (uint8_t)last};
        assert_int_equal(read32(bytes, 5, &value), last <= 0x0f ? 5 : 0);
    }
}

static void a_varlong_of_more_than_ten_bytes_or_sixty_four_bits_is_refused(void **state)
{
    (void)state;
    int64_t value = 0;
    uint8_t bytes[11];
    memset(bytes, 0xff, sizeof(bytes));
    for (unsigned last = 0; last < 256; last++) {
        bytes[9] = (uint8_t)last;
        bytes[10] = 0;
        assert_int_equal(read64(bytes, 10, &value), last <= 1 ? 10 : 0);
        assert_int_equal(read64(bytes, 11, &value), last <= 1 ? 10 : 0);
    }
}

static void zero_groups_at_the_end_are_accepted_within_the_length(void **state)
{
    (void)state;
    int32_t value = 7;
    int64_t wide = 7;
    assert_int_equal(read32((const uint8_t *)"\x82\x00", 2, &value), 2);
    assert_int_equal(value, 1);
    assert_int_equal(read32((const uint8_t *)"\x80\x80\x80\x80\x00", 5, &value), 5);
    assert_int_equal(value, 0);
    assert_int_equal(read64((const uint8_t *)"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 10, &wide),
                     10);
    assert_true(wide == 0);
}

static void only_the_value_itself_is_used_of_longer_input(void **state)
{
    (void)state;
    int32_t value = 0;
    assert_int_equal(read32((const uint8_t *)"\x80\x01\xff\xff", 4, &value), 2);
    assert_int_equal(value, 64);
    assert_int_equal(read32((const uint8_t *)"\x03\xff\xff", 3, &value), 1);
    assert_int_equal(value, -2);
}

static void unsigned_values_are_not_folded(void **state)
{
    (void)state;
    uint8_t bytes[ROOM];
    assert_int_equal(uvarint_write(bytes, 0), 1);
    assert_int_equal(bytes[0], 0);
    assert_int_equal(uvarint_write(bytes, 127), 1);
    assert_int_equal(bytes[0], 127);
    assert_int_equal(uvarint_write(bytes, 128), 2);
    assert_memory_equal(bytes, "\x80\x01", 2);
    assert_int_equal(uvarint_write(bytes, UINT32_MAX), 5);
    assert_memory_equal(bytes, "\xff\xff\xff\xff\x0f", 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values_have_the_bytes_of_the_definition),
        cmocka_unit_test(values_around_every_power_of_two_survive_and_truncations_are_refused),
        cmocka_unit_test(all_values_of_up_to_two_bytes_and_some_survive),
        cmocka_unit_test(a_varint_of_more_than_five_bytes_is_refused),
        cmocka_unit_test(a_varint_with_bits_beyond_thirty_two_is_refused),
        cmocka_unit_test(a_varlong_of_more_than_ten_bytes_or_sixty_four_bits_is_refused),
        cmocka_unit_test(zero_groups_at_the_end_are_accepted_within_the_length),
        cmocka_unit_test(only_the_value_itself_is_used_of_longer_input),
        cmocka_unit_test(unsigned_values_are_not_folded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
