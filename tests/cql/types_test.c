/* The notations of the specification: what fits, what does not, and what liars send. */
#include "tests/cql/vectors.h"

#include "cql/types.h"
#include "cql/value.h"

struct fixture {
    struct wire wire;
    struct buf buf;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return -1;
    buf_init(&f->buf, &alloc_heap, 1 << 20);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    buf_deinit(&f->buf);
    free(f);
    return 0;
}

static struct wire *encode(struct fixture *f)
{
    buf_reset(&f->buf);
    wire_init_encode(&f->wire, &f->buf);
    return &f->wire;
}

static struct wire *decode(struct fixture *f, const void *bytes, size_t len)
{
    wire_init_decode(&f->wire, slice_make(bytes, len), NULL);
    return &f->wire;
}

#define DECODE(f, bytes) decode((f), (bytes), sizeof(bytes) - 1)

static void expect_bytes(struct fixture *f, const void *bytes, size_t len)
{
    assert_int_equal(f->wire.error, STATUS_OK);
    assert_int_equal(buf_len(&f->buf), len);
    assert_memory_equal(buf_unread(&f->buf).data, bytes, len);
}

#define EXPECT(f, bytes) expect_bytes((f), (bytes), sizeof(bytes) - 1)

static void null_unset_and_empty_values_are_three_things(void **state)
{
    struct fixture *f = *state;
    struct cql_value null = CQL_VALUE_NULL, unset = CQL_VALUE_UNSET;
    struct cql_value empty = cql_value_bytes(SLICE_LITERAL(""));
    struct cql_value value;
    struct wire *wire = encode(f);

    cql_value(wire, "a", &null);
    cql_value(wire, "b", &unset);
    cql_value(wire, "c", &empty);
    EXPECT(f, "\xff\xff\xff\xff\xff\xff\xff\xfe\0\0\0\0");
    wire_init_decode(&f->wire, buf_unread(&f->buf), NULL);
    cql_value(&f->wire, "a", &value);
    assert_true(value.bytes.data == NULL && !value.unset);
    cql_value(&f->wire, "b", &value);
    assert_true(value.bytes.data == NULL && value.unset);
    cql_value(&f->wire, "c", &value);
    assert_true(value.bytes.data != NULL && value.bytes.len == 0 && !value.unset);
}

static void a_value_length_below_minus_two_is_malformed(void **state)
{
    struct cql_value value;

    cql_value(DECODE(*state, "\xff\xff\xff\xfd"), "value", &value);
    assert_int_equal(((struct fixture *)*state)->wire.error, STATUS_MALFORMED);
}

static void a_negative_long_string_is_malformed_and_negative_bytes_are_null(void **state)
{
    struct fixture *f = *state;
    struct slice value = SLICE_NULL;

    cql_long_string(DECODE(f, "\xff\xff\xff\xff"), "text", &value);
    assert_int_equal(f->wire.error, STATUS_MALFORMED);
    cql_bytes(DECODE(f, "\x80\0\0\0"), "bytes", &value);
    assert_int_equal(f->wire.error, STATUS_OK);
    assert_null(value.data);
}

static void a_string_that_is_too_long_for_its_length_is_a_limit(void **state)
{
    struct fixture *f = *state;
    static uint8_t text[UINT16_MAX + 1];
    struct slice value = slice_make(text, UINT16_MAX);

    cql_string(encode(f), "text", &value);
    assert_int_equal(f->wire.error, STATUS_OK);
    value.len++;
    cql_string(encode(f), "text", &value);
    assert_int_equal(f->wire.error, STATUS_LIMIT);
    assert_string_equal(f->wire.error_field, "text");
}

static void an_address_has_four_or_sixteen_bytes(void **state)
{
    struct fixture *f = *state;
    struct cql_inet inet = {{127, 0, 0, 1}, 4, 9042};

    cql_inet(encode(f), "address", &inet);
    EXPECT(f, "\4\x7f\0\0\1\0\0\x23\x52");
    cql_inet(DECODE(f, "\5\1\2\3\4\5\0\0\0\0"), "address", &inet);
    assert_int_equal(f->wire.error, STATUS_MALFORMED);
    assert_int_equal(inet.address_bytes, 0);
}

static void a_word_that_is_not_known_is_zero(void **state)
{
    static const struct cql_word words[] = {{"UP", 1}, {"DOWN", 2}, {NULL, 0}};
    struct fixture *f = *state;
    int value = 2;

    cql_word(encode(f), "word", words, &value);
    EXPECT(f, "\0\4DOWN");
    cql_word(DECODE(f, "\0\2UP"), "word", words, &value);
    assert_int_equal(value, 1);
    cql_word(DECODE(f, "\0\3UPS"), "word", words, &value);
    assert_int_equal(value, 0);
    assert_int_equal(f->wire.error, STATUS_OK);
    cql_word(encode(f), "word", words, &value);
    EXPECT(f, "\0\7UNKNOWN");
}

static void a_nested_type_is_taken_whole(void **state)
{
    struct fixture *f = *state;
    struct cql_type type;
    /* map<int, udt k.n {a: list<text>, b: tuple<>}>, and a byte that is not part of it */
    static const char option[] =
        "\0\x21\0\x09\0\x30\0\1k\0\1n\0\2\0\1a\0\x20\0\x0d\0\1b\0\x31\0\0\x7f";

    cql_type(DECODE(f, option), "type", &type);
    assert_int_equal(f->wire.error, STATUS_OK);
    assert_int_equal(type.id, CQL_TYPE_MAP);
    assert_int_equal(type.option.len, sizeof(option) - 2);
    cql_type(encode(f), "type", &type);
    expect_bytes(f, option, sizeof(option) - 2);
    type = (struct cql_type){.id = CQL_TYPE_BLOB};
    cql_type(encode(f), "type", &type);
    EXPECT(f, "\0\3");
}

static void types_nest_only_so_deep(void **state)
{
    struct fixture *f = *state;
    uint8_t lists[2 * (CQL_TYPE_MAX_DEPTH + 1)];
    struct cql_type type;

    for (size_t i = 0; i < sizeof(lists); i++)
        lists[i] = i % 2 == 0 ? 0 : CQL_TYPE_LIST;
    cql_type(decode(f, lists, sizeof(lists)), "type", &type);
    assert_int_equal(f->wire.error, STATUS_LIMIT);
    assert_null(type.option.data);
    lists[2 * CQL_TYPE_MAX_DEPTH - 1] = CQL_TYPE_INT;
    cql_type(decode(f, lists, sizeof(lists)), "type", &type);
    assert_int_equal(f->wire.error, STATUS_OK);
    assert_int_equal(type.option.len, 2 * CQL_TYPE_MAX_DEPTH);
}

static void a_type_that_promises_more_than_it_has_is_truncated(void **state)
{
    struct fixture *f = *state;
    struct cql_type type;

    cql_type(DECODE(f, "\0\x31\xff\xff\0\1\0\1"), "type", &type);
    assert_int_equal(f->wire.error, STATUS_TRUNCATED);
    cql_type(DECODE(f, "\0"), "type", &type);
    assert_int_equal(f->wire.error, STATUS_TRUNCATED);
}

static void a_raw_list_is_read_item_by_item(void **state)
{
    struct fixture *f = *state;
    struct slice list = SLICE_NULL, item;
    size_t at = 0;

    cql_string_list(DECODE(f, "\0\3\0\1a\0\0\0\2bcX"), "list", &list);
    assert_int_equal(f->wire.error, STATUS_OK);
    assert_true(cql_string_list_next(list, &at, &item));
    assert_true(slice_equal(item, SLICE_LITERAL("a")));
    assert_true(cql_string_list_next(list, &at, &item));
    assert_int_equal(item.len, 0);
    assert_true(cql_string_list_next(list, &at, &item));
    assert_true(slice_equal(item, SLICE_LITERAL("bc")));
    assert_false(cql_string_list_next(list, &at, &item));
    cql_string_list(encode(f), "list", &list);
    EXPECT(f, "\0\3\0\1a\0\0\0\2bc");
    list = SLICE_NULL;
    cql_string_list(encode(f), "list", &list);
    EXPECT(f, "\0\0");
}

static void a_raw_list_that_is_no_list_ends_early(void **state)
{
    struct slice item;
    size_t at = 0;

    (void)state;
    assert_false(cql_string_list_next(SLICE_NULL, &at, &item));
    assert_false(cql_string_list_next(SLICE_LITERAL("\0"), &at, &item));
    assert_false(cql_string_list_next(SLICE_LITERAL("\0\1\0"), &at, &item));
    assert_false(cql_string_list_next(SLICE_LITERAL("\0\1\0\2x"), &at, &item));
}

static void a_list_longer_than_its_bytes_is_truncated(void **state)
{
    struct fixture *f = *state;
    struct slice list = SLICE_NULL;

    cql_string_list(DECODE(f, "\xff\xff\0\1a"), "list", &list);
    assert_int_equal(f->wire.error, STATUS_TRUNCATED);
    assert_null(list.data);
    cql_bytes_map(DECODE(f, "\0\1\0\1a\0\0\0\2x"), "map", &list);
    assert_int_equal(f->wire.error, STATUS_TRUNCATED);
    assert_null(list.data);
}

static void bound_values_are_big_endian(void **state)
{
    uint8_t storage[8];
    uint8_t put[64];

    (void)state;
    assert_true(slice_equal(cql_value_i16(storage, -2).bytes, SLICE_LITERAL("\xff\xfe")));
    assert_true(slice_equal(cql_value_i32(storage, 1).bytes, SLICE_LITERAL("\0\0\0\1")));
    assert_true(slice_equal(cql_value_i64(storage, -1).bytes,
                            SLICE_LITERAL("\xff\xff\xff\xff\xff\xff\xff\xff")));
    assert_true(slice_equal(cql_value_bool(storage, true).bytes, SLICE_LITERAL("\1")));
    assert_true(slice_equal(cql_value_text("x").bytes, SLICE_LITERAL("x")));
    assert_null(cql_value_text(NULL).bytes.data);

    uint8_t *end = cql_put_i16(put, 1);
    end = cql_put_i32(end, 2);
    end = cql_put_i64(end, 3);
    end = cql_put_bool(end, false);
    end = cql_put_null(end);
    end = cql_put_unset(end);
    end = cql_put_bytes(end, SLICE_LITERAL("ab"));
    end = cql_put_bytes(end, SLICE_NULL);
    assert_true(slice_equal(slice_make(put, (size_t)(end - put)),
                            SLICE_LITERAL("\0\0\0\2\0\1\0\0\0\4\0\0\0\2\0\0\0\x08\0\0\0\0\0\0\0\3"
                                          "\0\0\0\1\0\xff\xff\xff\xff\xff\xff\xff\xfe\0\0\0\2"
                                          "ab\xff\xff\xff\xff")));
}

static void types_have_names(void **state)
{
    (void)state;
    assert_string_equal(cql_type_name(CQL_TYPE_TUPLE), "tuple");
    assert_string_equal(cql_type_name(0x7777), "unknown");
}

int main(void)
{
#define WIRE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WIRE(null_unset_and_empty_values_are_three_things),
        WIRE(a_value_length_below_minus_two_is_malformed),
        WIRE(a_negative_long_string_is_malformed_and_negative_bytes_are_null),
        WIRE(a_string_that_is_too_long_for_its_length_is_a_limit),
        WIRE(an_address_has_four_or_sixteen_bytes),
        WIRE(a_word_that_is_not_known_is_zero),
        WIRE(a_nested_type_is_taken_whole),
        WIRE(types_nest_only_so_deep),
        WIRE(a_type_that_promises_more_than_it_has_is_truncated),
        WIRE(a_raw_list_is_read_item_by_item),
        WIRE(a_raw_list_that_is_no_list_ends_early),
        WIRE(a_list_longer_than_its_bytes_is_truncated),
        cmocka_unit_test(bound_values_are_big_endian),
        cmocka_unit_test(types_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
