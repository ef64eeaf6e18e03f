#include "proto/murmur3.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/slice.h"

struct vector {
    struct slice key;
    int64_t token;
};

/* Vectors published by the drivers (gocql, python, rust). */
static const struct vector PUBLISHED[] = {
    {SLICE_INIT("hello"), -3758069500696749310},
    {SLICE_INIT("123"), -7468325962851647638},
    {SLICE_INIT("9223372036854775807"), 7162290910810015547},
    {SLICE_INIT("test"), -6017608668500074083},
    {SLICE_INIT("xd"), 4507812186440344727},
    {SLICE_INIT("primary_key"), -1632642444691073360},
    {SLICE_INIT("krem\xc3\xb3wki"), 4354931215268080151},
    {SLICE_INIT("\x10\x10\x10\x10\x10\x10\x10\x10"), 1446172840243228796},
};

/* The digits 0-9 again and again: every tail length, with and without a full block before it. */
static const uint64_t DIGITS_TOKENS[] = {
    0x0000000000000000, 0x2ac9debed546a380, 0x649e4eaa7fc1708e, 0xce68f60d7c353bdb,
    0x0f95757ce7f38254, 0x0f04e459497f3fc1, 0x88c0a92586be0a27, 0x13eb9fb82606f7a6,
    0x8236039b7387354d, 0x4c1e87519fe738ba, 0x3f9652ac3effeb24, 0x3f33760ded9006c6,
    0xaed70a6631854cb1, 0x8a299a8f8e0e2da7, 0x624b675c779249a6, 0xa4b203bb1d90b9a3,
    0xa3293ad698ecb99a, 0xbc740023dbd50048, 0x3fe5ab9837d25cdd, 0x2d0338c1ca87d132,
};

static void the_tokens_are_those_of_the_drivers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(PUBLISHED) / sizeof(PUBLISHED[0]); i++) {
        struct slice key = PUBLISHED[i].key;
        assert_true(murmur3_token(key.data, key.len) == PUBLISHED[i].token);
    }
}

static void every_tail_length_has_its_published_token(void **state)
{
    (void)state;
    const char *digits = "0123456789012345678";
    for (size_t len = 0; len < sizeof(DIGITS_TOKENS) / sizeof(DIGITS_TOKENS[0]); len++)
        assert_true(murmur3_token(digits, len) == (int64_t)DIGITS_TOKENS[len]);
}

static void tail_bytes_are_signed_as_in_cassandra(void **state)
{
    (void)state;
    struct slice composite =
        SLICE_LITERAL("\x00\x10\x43\x27\x52\x9f\xb6\x45\xdd\x00\xb8\x83\xec\x39\xae\x44"
                      "\x8b\xb8\x00\x00\x04\x00\x06\x6a\x6b\x00");
    struct slice high = SLICE_LITERAL("\xfe\xfe\xfe\xfe\xfe\xfe\xfe\xfe");
    assert_true(murmur3_token(composite.data, composite.len) == -9223371632693506265);
    assert_true(murmur3_token(high.data, high.len) == -8927430733708461935);
}

static void blocks_of_full_length_are_unsigned(void **state)
{
    (void)state;
    uint8_t key[50];
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (const uint8_t[]){0x00, 0xff, 0x10, 0xfa, 0x99}[i % 5];
    assert_true(murmur3_token(key, sizeof(key)) == 5837342703291459765);
}

static void a_key_may_lie_at_any_address(void **state)
{
    (void)state;
    uint8_t room[64];
    const char *text = "0123456789012345678";
    for (size_t offset = 0; offset < 16; offset++) {
        memcpy(room + offset, text, 19);
        assert_true(murmur3_token(room + offset, 19) == (int64_t)DIGITS_TOKENS[19]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tokens_are_those_of_the_drivers),
        cmocka_unit_test(every_tail_length_has_its_published_token),
        cmocka_unit_test(tail_bytes_are_signed_as_in_cassandra),
        cmocka_unit_test(blocks_of_full_length_are_unsigned),
        cmocka_unit_test(a_key_may_lie_at_any_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
