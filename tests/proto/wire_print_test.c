#include "proto/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/support/failing_alloc.h"

struct fixture {
    struct failing_alloc failing;
    struct buf buf;
    struct wire wire;
};

static int setup(void **state)
{
    static struct fixture fixture;
    failing_alloc_init(&fixture.failing);
    buf_init(&fixture.buf, &fixture.failing.alloc, 4096);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    buf_deinit(&fixture->buf);
    failing_alloc_assert_none_live(&fixture->failing);
    return 0;
}

static struct wire *print(struct fixture *f)
{
    buf_reset(&f->buf);
    wire_init_print(&f->wire, &f->buf);
    return &f->wire;
}

static void assert_printed(const struct fixture *f, const char *text)
{
    assert_int_equal(f->wire.error, STATUS_OK);
    struct slice printed = buf_unread(&f->buf);
    if (!slice_equal(printed, slice_cstr(text)))
        fail_msg("printed <%.*s>, not <%s>", (int)printed.len, (const char *)printed.data, text);
}

static void nested_structs_print_in_braces(void **state)
{
    struct fixture *f = *state;
    int8_t one = 1;
    print(f);
    wire_enter(&f->wire, "outer");
    wire_enter(&f->wire, "inner");
    wire_i8(&f->wire, "a", &one);
    wire_leave(&f->wire);
    wire_enter(&f->wire, "empty");
    wire_leave(&f->wire);
    wire_i8(&f->wire, "b", &one);
    wire_leave(&f->wire);
    wire_i8(&f->wire, "c", &one);
    assert_int_equal(f->wire.depth, 0);
    assert_printed(f, "outer{inner{a=1} empty{} b=1} c=1");
}

static void entering_does_nothing_in_other_modes(void **state)
{
    struct fixture *f = *state;
    wire_init_encode(&f->wire, &f->buf);
    wire_enter(&f->wire, "outer");
    wire_leave(&f->wire);
    assert_int_equal(f->wire.position, 0);
    assert_int_equal(buf_len(&f->buf), 0);
    wire_init_decode(&f->wire, SLICE_LITERAL("x"), NULL);
    wire_enter(&f->wire, "outer");
    wire_leave(&f->wire);
    assert_int_equal(wire_remaining(&f->wire), 1);
}

static void printing_starts_without_a_space_after_older_text(void **state)
{
    struct fixture *f = *state;
    int8_t one = 1;
    print(f);
    assert_int_equal(buf_append(&f->buf, SLICE_LITERAL("request: ")), STATUS_OK);
    wire_i8(&f->wire, "a", &one);
    wire_i8(&f->wire, "b", &one);
    assert_printed(f, "request: a=1 b=1");
}

static void text_is_escaped_and_other_bytes_are_hex(void **state)
{
    struct fixture *f = *state;
    struct slice text = SLICE_LITERAL("a\"b\\c\nd\te\rf{=\xc3\xb3");
    struct slice binary = SLICE_LITERAL("\x00\x01\xff");
    struct slice rubout = SLICE_LITERAL("a\x7f");
    struct slice null = SLICE_NULL;
    print(f);
    wire_bytes(&f->wire, "text", &text, text.len);
    wire_bytes(&f->wire, "binary", &binary, binary.len);
    wire_bytes(&f->wire, "rubout", &rubout, rubout.len);
    wire_bytes(&f->wire, "null", &null, 0);
    assert_printed(f, "text=\"a\\\"b\\\\c\\nd\\te\\rf{=\\xc3\\xb3\" binary=0x0001ff rubout=0x617f "
                      "null=null");
}

static void long_bytes_are_cut_and_their_length_is_shown(void **state)
{
    struct fixture *f = *state;
    static const uint8_t zeroes[65];
    char letters[65];
    char expected[400];
    memset(letters, 'x', sizeof(letters));
    struct slice whole = slice_make(letters, 64);
    struct slice cut = slice_make(letters, 65);
    struct slice binary = slice_make(zeroes, 65);
    print(f);
    wire_bytes(&f->wire, "whole", &whole, 64);
    wire_bytes(&f->wire, "cut", &cut, 65);
    wire_bytes(&f->wire, "binary", &binary, 65);
    (void)snprintf(expected, sizeof(expected),
                   "whole=\"%.64s\" cut=\"%.64s\"...(65 bytes) binary=0x%0128d...(65 bytes)",
                   letters, letters, 0);
    assert_printed(f, expected);
}

static void extreme_values_print(void **state)
{
    struct fixture *f = *state;
    int64_t lowest = INT64_MIN;
    uint32_t highest = UINT32_MAX;
    bool no = false;
    double values[] = {0.0, -1e308, 5e-324};
    uint64_t not_a_number = UINT64_C(0x7ff8000000000000);
    print(f);
    wire_i64(&f->wire, "lowest", &lowest);
    wire_u32(&f->wire, "highest", &highest);
    wire_bool(&f->wire, "no", &no);
    for (size_t i = 0; i < 3; i++)
        wire_f64(&f->wire, "d", &values[i]);
    memcpy(&values[0], &not_a_number, 8);
    wire_f64(&f->wire, "d", &values[0]);
    assert_printed(f, "lowest=-9223372036854775808 highest=4294967295 no=false d=0 "
                      "d=-1e+308 d=4.9406564584124654e-324 d=nan");
}

/* The quote that ends a text in quotes, or NULL. */
static const char *closing_quote(const char *text)
{
    for (text++; *text != '"'; text++) {
        if (*text == '\\')
            text++;
        if (*text == '\0')
            return NULL;
    }
    return text;
}

/* What a peer can put in a slice must never break the line or leave the quotes. */
static void every_byte_prints_as_harmless_characters(void **state)
{
    struct fixture *f = *state;
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t input[64];
        char text[300] = "";
        memset(input, (int)byte, sizeof(input));
        struct slice value = slice_make(input, sizeof(input));
        wire_bytes(print(f), "v", &value, value.len);
        assert_int_equal(f->wire.error, STATUS_OK);
        memcpy(text, buf_unread(&f->buf).data, buf_len(&f->buf));
        assert_int_equal(strlen(text), buf_len(&f->buf));
        for (size_t i = 0; i < strlen(text); i++)
            assert_true(text[i] >= 0x20 && text[i] < 0x7f);
        if (strncmp(text, "v=0x", 4) == 0)
            continue;
        assert_int_equal(strncmp(text, "v=\"", 3), 0);
        assert_ptr_equal(closing_quote(text + 2), text + strlen(text) - 1);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nested_structs_print_in_braces),
        TEST(entering_does_nothing_in_other_modes),
        TEST(printing_starts_without_a_space_after_older_text),
        TEST(text_is_escaped_and_other_bytes_are_hex),
        TEST(long_bytes_are_cut_and_their_length_is_shown),
        TEST(extreme_values_print),
        TEST(every_byte_prints_as_harmless_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
