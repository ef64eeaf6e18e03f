#include "proto/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/failing_alloc.h"

/* A message with every primitive, nested structs and an array in it. */
struct pair {
    int16_t number;
    struct slice text;
};

struct message {
    int8_t i8;
    uint8_t u8;
    int16_t i16;
    uint16_t u16;
    int32_t i32;
    uint32_t u32;
    int64_t i64;
    bool yes;
    double f64;
    uint32_t uvarint;
    uint8_t fixed[4];
    struct pair *pairs;
    int32_t pair_count;
};

static void pair_walk(struct wire *wire, struct pair *pair)
{
    wire_enter(wire, "pair");
    wire_i16(wire, "number", &pair->number);
    uint8_t len = (uint8_t)pair->text.len;
    wire_u8(wire, "text_len", &len);
    wire_bytes(wire, "text", &pair->text, len);
    wire_leave(wire);
}

static void message_walk(struct wire *wire, struct message *m)
{
    wire_i8(wire, "i8", &m->i8);
    wire_u8(wire, "u8", &m->u8);
    wire_i16(wire, "i16", &m->i16);
    wire_u16(wire, "u16", &m->u16);
    wire_i32(wire, "i32", &m->i32);
    wire_u32(wire, "u32", &m->u32);
    wire_i64(wire, "i64", &m->i64);
    wire_bool(wire, "yes", &m->yes);
    wire_f64(wire, "f64", &m->f64);
    wire_uvarint(wire, "uvarint", &m->uvarint);
    wire_fixed(wire, "fixed", m->fixed, sizeof(m->fixed));
    wire_i32(wire, "pair_count", &m->pair_count);
    if (!wire_array(wire, "pairs", (void **)&m->pairs, (size_t)m->pair_count, sizeof(*m->pairs), 3))
        return;
    for (int32_t i = 0; i < m->pair_count; i++)
        pair_walk(wire, &m->pairs[i]);
}

static struct pair PAIRS[] = {
    {.number = 7, .text = SLICE_INIT("seven")},
    {.number = -8, .text = SLICE_INIT("")},
};

static const struct message MESSAGE = {
    .i8 = -2,
    .u8 = 0xfe,
    .i16 = -258,
    .u16 = 0xfefd,
    .i32 = -16909060,
    .u32 = 0xfefdfcfb,
    .i64 = -72623859790382856,
    .yes = true,
    .f64 = 1.5,
    .uvarint = 300,
    .fixed = {1, 2, 3, 4},
    .pairs = PAIRS,
    .pair_count = 2,
};

/* Written by hand from the definition: big endian throughout. */
static const struct slice MESSAGE_BYTES = SLICE_INIT("\xfe"
                                                     "\xfe"
                                                     "\xfe\xfe"
                                                     "\xfe\xfd"
                                                     "\xfe\xfd\xfc\xfc"
                                                     "\xfe\xfd\xfc\xfb"
                                                     "\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf8"
                                                     "\x01"
                                                     "\x3f\xf8\x00\x00\x00\x00\x00\x00"
                                                     "\xac\x02"
                                                     "\x01\x02\x03\x04"
                                                     "\x00\x00\x00\x02"
                                                     "\x00\x07\x05seven"
                                                     "\xff\xf8\x00");

struct fixture {
    struct failing_alloc failing;
    struct arena arena;
    struct buf buf;
    struct wire wire;
};

static int setup(void **state)
{
    static struct fixture fixture;
    failing_alloc_init(&fixture.failing);
    arena_init(&fixture.arena, &fixture.failing.alloc, 256, 4096);
    buf_init(&fixture.buf, &fixture.failing.alloc, 4096);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    arena_deinit(&fixture->arena);
    buf_deinit(&fixture->buf);
    failing_alloc_assert_none_live(&fixture->failing);
    return 0;
}

static struct wire *decode(struct fixture *f, const void *bytes, size_t len)
{
    wire_init_decode(&f->wire, slice_make(bytes, len), &f->arena);
    return &f->wire;
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

static void assert_failed(const struct wire *wire, int status, const char *field, size_t offset)
{
    assert_string_equal(status_name(wire->error), status_name(status));
    assert_string_equal(wire->error_field, field);
    assert_int_equal(wire->error_offset, offset);
    assert_int_equal(wire_remaining(wire), 0);
}

static void encoding_gives_the_bytes_of_the_definition(void **state)
{
    struct fixture *f = *state;
    struct message message = MESSAGE;
    wire_init_encode(&f->wire, &f->buf);
    message_walk(&f->wire, &message);
    assert_int_equal(f->wire.error, STATUS_OK);
    assert_int_equal(f->wire.position, MESSAGE_BYTES.len);
    assert_int_equal(buf_len(&f->buf), MESSAGE_BYTES.len);
    assert_memory_equal(buf_unread(&f->buf).data, MESSAGE_BYTES.data, MESSAGE_BYTES.len);
}

static void encoding_does_not_write_to_the_message(void **state)
{
    struct fixture *f = *state;
    /* Read-only memory: a store into it, even of the same value, ends the program. */
    static const int32_t number = 5;
    static const struct slice text = SLICE_INIT("abc");
    static const bool yes = true;
    static const double half = 0.5;
    union {
        const void *constant;
        void *plain;
    } cast;
    for (int printing = 0; printing < 2; printing++) {
        if (printing)
            wire_init_print(&f->wire, &f->buf);
        else
            wire_init_encode(&f->wire, &f->buf);
        cast.constant = &number;
        wire_i32(&f->wire, "number", cast.plain);
        wire_uvarint(&f->wire, "number", cast.plain);
        wire_fixed(&f->wire, "number", cast.plain, 4);
        cast.constant = &text;
        wire_bytes(&f->wire, "text", cast.plain, 3);
        cast.constant = &yes;
        wire_bool(&f->wire, "yes", cast.plain);
        cast.constant = &half;
        wire_f64(&f->wire, "half", cast.plain);
    }
    assert_int_equal(f->wire.error, STATUS_OK);
}

static void measuring_counts_what_encoding_appends(void **state)
{
    struct fixture *f = *state;
    struct message message = MESSAGE;
    wire_init_measure(&f->wire);
    message_walk(&f->wire, &message);
    assert_int_equal(f->wire.error, STATUS_OK);
    assert_int_equal(f->wire.position, MESSAGE_BYTES.len);
    assert_int_equal(f->failing.calls, 0);
}

static void decoding_gives_back_what_was_encoded(void **state)
{
    struct fixture *f = *state;
    struct message m;
    memset(&m, 0xa5, sizeof(m));
    message_walk(decode(f, MESSAGE_BYTES.data, MESSAGE_BYTES.len), &m);
    assert_int_equal(f->wire.error, STATUS_OK);
    assert_int_equal(wire_remaining(&f->wire), 0);
    assert_int_equal(f->wire.position, MESSAGE_BYTES.len);
    assert_int_equal(m.i8, MESSAGE.i8);
    assert_int_equal(m.u8, MESSAGE.u8);
    assert_int_equal(m.i16, MESSAGE.i16);
    assert_int_equal(m.u16, MESSAGE.u16);
    assert_int_equal(m.i32, MESSAGE.i32);
    assert_int_equal(m.u32, MESSAGE.u32);
    assert_true(m.i64 == MESSAGE.i64);
    assert_true(m.yes);
    assert_true(m.f64 >= 1.5 && m.f64 <= 1.5);
    assert_int_equal(m.uvarint, 300);
    assert_memory_equal(m.fixed, MESSAGE.fixed, 4);
    assert_int_equal(m.pair_count, 2);
    assert_int_equal(m.pairs[0].number, 7);
    assert_true(slice_equal(m.pairs[0].text, SLICE_LITERAL("seven")));
    assert_int_equal(m.pairs[1].number, -8);
    assert_int_equal(m.pairs[1].text.len, 0);
}

static void decoded_bytes_are_borrowed_from_the_input(void **state)
{
    struct fixture *f = *state;
    struct message m;
    message_walk(decode(f, MESSAGE_BYTES.data, MESSAGE_BYTES.len), &m);
    assert_ptr_equal(m.pairs[0].text.data, MESSAGE_BYTES.data + MESSAGE_BYTES.len - 8);
}

static void every_truncation_is_refused_at_the_field_where_it_happens(void **state)
{
    struct fixture *f = *state;
    for (size_t len = 0; len < MESSAGE_BYTES.len; len++) {
        /* A block of exactly this size, so that the sanitizer sees a read beyond it. */
        uint8_t *bytes = alloc_bytes(&alloc_heap, len == 0 ? 1 : len);
        assert_non_null(bytes);
        memcpy(bytes, MESSAGE_BYTES.data, len);
        struct message m;
        memset(&m, 0xa5, sizeof(m));
        message_walk(decode(f, bytes, len), &m);
        assert_int_equal(f->wire.error, STATUS_TRUNCATED);
        assert_true(f->wire.error_offset <= len);
        assert_int_equal(wire_remaining(&f->wire), 0);
        arena_reset(&f->arena);
        alloc_free(&alloc_heap, bytes, len == 0 ? 1 : len);
    }
}

static void the_first_error_keeps_its_field_and_offset(void **state)
{
    struct fixture *f = *state;
    int16_t number = 5;
    int32_t wide = 5;
    decode(f, "\x00\x01\x02\x03", 4);
    wire_i16(&f->wire, "first", &number);
    wire_i32(&f->wire, "second", &wide);
    assert_failed(&f->wire, STATUS_TRUNCATED, "second", 2);
    wire_i16(&f->wire, "third", &number);
    wire_fail(&f->wire, STATUS_CORRUPT, "fourth");
    assert_failed(&f->wire, STATUS_TRUNCATED, "second", 2);
    assert_int_equal(number, 0);
    assert_int_equal(wide, 0);
}

static void after_an_error_every_read_yields_zero_or_empty(void **state)
{
    struct fixture *f = *state;
    struct message m;
    struct slice bytes;
    memset(&m, 0xa5, sizeof(m));
    decode(f, MESSAGE_BYTES.data, MESSAGE_BYTES.len);
    wire_fail(&f->wire, STATUS_MALFORMED, "caller");
    message_walk(&f->wire, &m);
    wire_bytes(&f->wire, "bytes", &bytes, 3);
    assert_failed(&f->wire, STATUS_MALFORMED, "caller", 0);
    assert_int_equal(m.i8 | m.u8 | m.i16 | m.u16 | m.i32, 0);
    assert_int_equal(m.u32 | m.uvarint, 0);
    assert_true(m.i64 == 0 && !m.yes);
    assert_memory_equal(&m.f64, (const uint8_t[8]){0}, 8);
    assert_memory_equal(m.fixed, (const uint8_t[4]){0}, 4);
    assert_int_equal(m.pair_count, 0);
    assert_null(m.pairs);
    assert_non_null(bytes.data);
    assert_int_equal(bytes.len, 0);
    assert_int_equal(f->wire.position, 0);
}

static void after_an_error_every_write_is_dropped(void **state)
{
    struct fixture *f = *state;
    struct message message = MESSAGE;
    wire_init_encode(&f->wire, &f->buf);
    wire_i8(&f->wire, "i8", &message.i8);
    wire_fail(&f->wire, STATUS_UNSUPPORTED, "caller");
    message_walk(&f->wire, &message);
    assert_failed(&f->wire, STATUS_UNSUPPORTED, "caller", 1);
    assert_int_equal(buf_len(&f->buf), 1);
}

static void encoding_beyond_the_limit_of_the_buf_names_the_field(void **state)
{
    struct fixture *f = *state;
    for (size_t limit = 0; limit < MESSAGE_BYTES.len; limit++) {
        struct message message = MESSAGE;
        buf_deinit(&f->buf);
        buf_init(&f->buf, &f->failing.alloc, limit);
        wire_init_encode(&f->wire, &f->buf);
        message_walk(&f->wire, &message);
        assert_int_equal(f->wire.error, STATUS_LIMIT);
        assert_non_null(f->wire.error_field);
        assert_int_equal(f->wire.error_offset, buf_len(&f->buf));
        assert_memory_equal(buf_unread(&f->buf).data, MESSAGE_BYTES.data, buf_len(&f->buf));
    }
}

static void a_failing_allocation_in_any_mode_is_a_clean_error(void **state)
{
    (void)state;
    struct failing_alloc failing;
    for (size_t n = 1; failing_alloc_next(&failing, n); n++) {
        struct message message = MESSAGE;
        struct arena arena;
        struct buf encoded;
        struct buf printed;
        struct wire wires[3];
        arena_init(&arena, &failing.alloc, 64, 4096);
        buf_init(&encoded, &failing.alloc, 4096);
        buf_init(&printed, &failing.alloc, 4096);
        wire_init_encode(&wires[0], &encoded);
        message_walk(&wires[0], &message);
        wire_init_decode(&wires[1], MESSAGE_BYTES, &arena);
        message_walk(&wires[1], &message);
        message = MESSAGE;
        wire_init_print(&wires[2], &printed);
        message_walk(&wires[2], &message);
        size_t failed = 0;
        for (size_t i = 0; i < 3; i++) {
            failed += wires[i].error == STATUS_NOMEM;
            assert_true(wires[i].error == STATUS_NOMEM || wires[i].error == STATUS_OK);
        }
        assert_int_equal(failed, failing.failures);
        arena_deinit(&arena);
        buf_deinit(&encoded);
        buf_deinit(&printed);
    }
    assert_true(failing.rounds >= 3);
}

static void a_count_beyond_the_bytes_left_is_refused_before_allocation(void **state)
{
    struct fixture *f = *state;
    const size_t wraps = SIZE_MAX / 3 + 1; /* times three is 2 */
    const size_t counts[] = {4, 1000, INT32_MAX, UINT32_MAX, SIZE_MAX / 2, wraps, SIZE_MAX};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        void *items = f;
        decode(f, "0123456789a", 11); /* room for three elements of three bytes */
        assert_false(wire_array(&f->wire, "bomb", &items, counts[i], 64, 3));
        assert_null(items);
        assert_failed(&f->wire, STATUS_TRUNCATED, "bomb", 0);
    }
    assert_int_equal(f->failing.calls, 0);
    void *items = NULL;
    decode(f, "0123456789a", 11);
    assert_true(wire_array(&f->wire, "fits", &items, 3, 64, 3));
    assert_non_null(items);
}

static void elements_that_grow_too_much_in_memory_are_refused_before_allocation(void **state)
{
    struct fixture *f = *state;
    static const uint8_t input[100];
    const size_t item_bytes[] = {41, 4096, SIZE_MAX / 100 + 1, SIZE_MAX};
    for (size_t i = 0; i < sizeof(item_bytes) / sizeof(item_bytes[0]); i++) {
        void *items = f;
        decode(f, input, 100);
        assert_false(wire_array(&f->wire, "bomb", &items, 100, item_bytes[i], 1));
        assert_null(items);
        assert_failed(&f->wire, STATUS_LIMIT, "bomb", 0);
    }
    assert_int_equal(f->failing.calls, 0);
    void *items = NULL;
    decode(f, input, 100);
    assert_true(wire_array(&f->wire, "fits", &items, 100, 40, 1));
}

static void decoded_elements_are_zeroed(void **state)
{
    struct fixture *f = *state;
    void *items = NULL;
    decode(f, "012345678", 9);
    memset(arena_take(&f->arena, 200), 0xff, 200);
    arena_reset(&f->arena);
    assert_true(wire_array(&f->wire, "items", &items, 3, 8, 3));
    assert_memory_equal(items, (const uint8_t[24]){0}, 24);
}

static void an_empty_array_has_items_that_are_not_null(void **state)
{
    struct fixture *f = *state;
    void *items = NULL;
    decode(f, "", 0);
    assert_true(wire_array(&f->wire, "items", &items, 0, 8, 3));
    assert_non_null(items);
    assert_int_equal(f->wire.error, STATUS_OK);
}

static void arrays_are_left_alone_when_not_decoding(void **state)
{
    struct fixture *f = *state;
    int item = 0;
    void *items = &item;
    wire_init_measure(&f->wire);
    assert_true(wire_array(&f->wire, "items", &items, 1000000, 8, 1));
    wire_init_encode(&f->wire, &f->buf);
    assert_true(wire_array(&f->wire, "items", &items, 1000000, 8, 1));
    assert_true(wire_array(print(f), "items", &items, 1000000, 8, 1));
    assert_ptr_equal(items, &item);
}

static void a_length_near_the_end_of_memory_is_truncated_not_wrapped(void **state)
{
    struct fixture *f = *state;
    const size_t lengths[] = {4, SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct slice bytes;
        int8_t skipped;
        decode(f, "0123", 4);
        wire_i8(&f->wire, "skipped", &skipped);
        wire_bytes(&f->wire, "bytes", &bytes, lengths[i]);
        assert_failed(&f->wire, STATUS_TRUNCATED, "bytes", 1);
        assert_int_equal(bytes.len, 0);
    }
}

static void a_null_input_is_an_empty_one(void **state)
{
    struct fixture *f = *state;
    struct slice bytes = SLICE_NULL;
    int8_t number;
    decode(f, NULL, 0);
    wire_bytes(&f->wire, "bytes", &bytes, 0);
    assert_int_equal(f->wire.error, STATUS_OK);
    assert_non_null(bytes.data);
    wire_i8(&f->wire, "number", &number);
    assert_failed(&f->wire, STATUS_TRUNCATED, "number", 0);
}

static void any_byte_but_zero_is_true(void **state)
{
    struct fixture *f = *state;
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t input = (uint8_t)byte;
        bool value = byte == 0;
        wire_bool(decode(f, &input, 1), "value", &value);
        assert_int_equal(value, byte != 0);
    }
}

static void unsigned_varints_survive_around_every_power_of_two(void **state)
{
    struct fixture *f = *state;
    for (int bit = 0; bit < 32; bit++) {
        for (uint32_t by = 0; by < 5; by++) {
            uint32_t value = (UINT32_C(1) << bit) + by - 2;
            uint32_t back = 0;
            size_t len = value < 128         ? 1
                         : value < 16384     ? 2
                         : value < 2097152   ? 3
                         : value < 268435456 ? 4
                                             : 5;
            buf_reset(&f->buf);
            wire_init_encode(&f->wire, &f->buf);
            wire_uvarint(&f->wire, "value", &value);
            assert_int_equal(buf_len(&f->buf), len);
            wire_uvarint(decode(f, buf_unread(&f->buf).data, len), "value", &back);
            assert_int_equal(f->wire.error, STATUS_OK);
            assert_int_equal(back, value);
            for (size_t cut = 0; cut < len; cut++) {
                wire_uvarint(decode(f, buf_unread(&f->buf).data, cut), "value", &back);
                assert_failed(&f->wire, STATUS_TRUNCATED, "value", 0);
                assert_int_equal(back, 0);
            }
        }
    }
}

static void an_unsigned_varint_beyond_five_bytes_or_thirty_two_bits_is_malformed(void **state)
{
    struct fixture *f = *state;
    uint32_t value;
    for (unsigned last = 0; last < 256; last++) {
        uint8_t input[] = {0xff, 0xff, 0xff, 0xff, (uint8_t)last, 0};
        wire_uvarint(decode(f, input, sizeof(input)), "value", &value);
        if (last <= 0x0f) {
            assert_int_equal(f->wire.error, STATUS_OK);
            assert_int_equal(value, last << 28 | 0x0fffffff);
            assert_int_equal(wire_remaining(&f->wire), 1);
        } else {
            assert_failed(&f->wire, STATUS_MALFORMED, "value", 0);
            assert_int_equal(value, 0);
        }
    }
    wire_uvarint(decode(f, "\x80\x80\x80\x80\x80", 5), "value", &value);
    assert_failed(&f->wire, STATUS_MALFORMED, "value", 0);
}

static void a_whole_message_prints_as_names_and_values(void **state)
{
    struct fixture *f = *state;
    struct message message = MESSAGE;
    message_walk(print(f), &message);
    assert_printed(f, "i8=-2 u8=254 i16=-258 u16=65277 i32=-16909060 u32=4278058235 "
                      "i64=-72623859790382856 yes=true f64=1.5 uvarint=300 fixed=0x01020304 "
                      "pair_count=2 pair{number=7 text_len=5 text=\"seven\"} "
                      "pair{number=-8 text_len=0 text=\"\"}");
}

static void printing_beyond_the_limit_keeps_what_was_printed(void **state)
{
    struct fixture *f = *state;
    for (size_t limit = 0; limit < 200; limit++) {
        struct message message = MESSAGE;
        buf_deinit(&f->buf);
        buf_init(&f->buf, &f->failing.alloc, limit);
        message_walk(print(f), &message);
        assert_int_equal(f->wire.error, STATUS_LIMIT);
        assert_int_equal(f->wire.depth, 0);
        assert_int_equal(f->wire.position, buf_len(&f->buf));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(encoding_gives_the_bytes_of_the_definition),
        TEST(encoding_does_not_write_to_the_message),
        TEST(measuring_counts_what_encoding_appends),
        TEST(decoding_gives_back_what_was_encoded),
        TEST(decoded_bytes_are_borrowed_from_the_input),
        TEST(every_truncation_is_refused_at_the_field_where_it_happens),
        TEST(the_first_error_keeps_its_field_and_offset),
        TEST(after_an_error_every_read_yields_zero_or_empty),
        TEST(after_an_error_every_write_is_dropped),
        TEST(encoding_beyond_the_limit_of_the_buf_names_the_field),
        TEST(a_failing_allocation_in_any_mode_is_a_clean_error),
        TEST(a_count_beyond_the_bytes_left_is_refused_before_allocation),
        TEST(elements_that_grow_too_much_in_memory_are_refused_before_allocation),
        TEST(decoded_elements_are_zeroed),
        TEST(an_empty_array_has_items_that_are_not_null),
        TEST(arrays_are_left_alone_when_not_decoding),
        TEST(a_length_near_the_end_of_memory_is_truncated_not_wrapped),
        TEST(a_null_input_is_an_empty_one),
        TEST(any_byte_but_zero_is_true),
        TEST(unsigned_varints_survive_around_every_power_of_two),
        TEST(an_unsigned_varint_beyond_five_bytes_or_thirty_two_bits_is_malformed),
        TEST(a_whole_message_prints_as_names_and_values),
        TEST(printing_beyond_the_limit_keeps_what_was_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
