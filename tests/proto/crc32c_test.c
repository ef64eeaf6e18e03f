#include "proto/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

/* The definition, one bit at a time: the judge of the table, which is the judge of the rest. */
static uint32_t crc32c_by_bits(const uint8_t *p, size_t len)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

static void fill(uint8_t *p, size_t len, uint64_t seed)
{
    for (size_t i = 0; i < len; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        p[i] = (uint8_t)(seed >> 56);
    }
}

static void the_check_value_is_that_of_the_standard(void **state)
{
    (void)state;
    assert_int_equal(crc32c("123456789", 9), 0xe3069283);
    assert_int_equal(crc32c_table("123456789", 9), 0xe3069283);
}

/* RFC 3720, B.4. */
static void the_vectors_of_iscsi_hold(void **state)
{
    (void)state;
    uint8_t bytes[32] = {0};
    assert_int_equal(crc32c(bytes, 32), 0x8a9136aa);
    assert_int_equal(crc32c_table(bytes, 32), 0x8a9136aa);
    for (size_t i = 0; i < 32; i++)
        bytes[i] = 0xff;
    assert_int_equal(crc32c(bytes, 32), 0x62a8ab43);
    assert_int_equal(crc32c_table(bytes, 32), 0x62a8ab43);
    for (size_t i = 0; i < 32; i++)
        bytes[i] = (uint8_t)i;
    assert_int_equal(crc32c(bytes, 32), 0x46dd794e);
    assert_int_equal(crc32c_table(bytes, 32), 0x46dd794e);
}

static void no_bytes_give_zero(void **state)
{
    (void)state;
    assert_int_equal(crc32c(NULL, 0), 0);
    assert_int_equal(crc32c_table(NULL, 0), 0);
}

/* All entries of all tables are used: each of the eight byte places takes each value. */
static void the_tables_agree_with_the_definition(void **state)
{
    (void)state;
    for (size_t place = 0; place < 8; place++) {
        for (unsigned value = 0; value < 256; value++) {
            uint8_t bytes[8] = {0};
            bytes[place] = (uint8_t)value;
            assert_int_equal(crc32c_table(bytes, 8), crc32c_by_bits(bytes, 8));
        }
    }
    for (unsigned value = 0; value < 256; value++) {
        uint8_t byte = (uint8_t)value;
        assert_int_equal(crc32c_table(&byte, 1), crc32c_by_bits(&byte, 1));
    }
}

static void the_fast_form_agrees_with_the_table_for_every_length_and_offset(void **state)
{
    (void)state;
    enum { LEN_MAX = 4096, OFFSETS = 8 };
    uint8_t *bytes = malloc(LEN_MAX + OFFSETS);
    assert_non_null(bytes);
    fill(bytes, LEN_MAX + OFFSETS, 1);
    for (size_t len = 0; len <= LEN_MAX; len++) {
        const uint8_t *p = bytes + len % OFFSETS;
        assert_int_equal(crc32c(p, len), crc32c_table(p, len));
    }
    for (size_t offset = 0; offset < OFFSETS; offset++)
        for (size_t len = 0; len <= LEN_MAX; len += 61)
            assert_int_equal(crc32c(bytes + offset, len), crc32c_table(bytes + offset, len));
    free(bytes);
}

/* Around the largest block of three lanes (12 KiB), and several of them. */
static void the_fast_form_agrees_with_the_table_around_its_largest_blocks(void **state)
{
    (void)state;
    enum { LEN_MAX = 3 * 12288 + 64 };
    uint8_t *bytes = malloc(LEN_MAX);
    assert_non_null(bytes);
    fill(bytes, LEN_MAX, 2);
    for (size_t blocks = 1; blocks <= 3; blocks++)
        for (size_t len = blocks * 12288 - 9; len <= blocks * 12288 + 9; len++)
            assert_int_equal(crc32c(bytes, len), crc32c_table(bytes, len));
    assert_int_equal(crc32c(bytes, LEN_MAX), crc32c_table(bytes, LEN_MAX));
    free(bytes);
}

static void every_flipped_bit_is_noticed(void **state)
{
    (void)state;
    uint8_t bytes[800];
    fill(bytes, sizeof(bytes), 3);
    uint32_t before = crc32c(bytes, sizeof(bytes));
    for (size_t bit = 0; bit < sizeof(bytes) * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(crc32c(bytes, sizeof(bytes)), before);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(crc32c(bytes, sizeof(bytes)), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_check_value_is_that_of_the_standard),
        cmocka_unit_test(the_vectors_of_iscsi_hold),
        cmocka_unit_test(no_bytes_give_zero),
        cmocka_unit_test(the_tables_agree_with_the_definition),
        cmocka_unit_test(the_fast_form_agrees_with_the_table_for_every_length_and_offset),
        cmocka_unit_test(the_fast_form_agrees_with_the_table_around_its_largest_blocks),
        cmocka_unit_test(every_flipped_bit_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
