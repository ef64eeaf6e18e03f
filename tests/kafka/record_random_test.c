/*
 * The record loop against random input: what was written comes back, and a decoder that was written
 * for nothing but being plain agrees on what is sound after bytes were changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/batch_builder.h"

#define MAX_HEADERS 8
#define TIME        INT64_C(1700000000000)
#define ROUNDS      60000

static uint64_t random_state = 88172645463325252U;

static uint32_t random_below(uint32_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % bound;
}

static struct slice random_slice(const uint8_t *pool)
{
    static const uint32_t bounds[] = {1, 2, 70, 200, 10000, 40000};
    return random_below(4) == 0 ? SLICE_NULL
                                : slice_make(pool, random_below(bounds[random_below(6)]));
}

struct expected {
    int64_t timestamp;
    struct slice key;
    struct slice value;
    int32_t header_count; /* times the same header */
};

static void assert_same(struct slice a, struct slice b)
{
    assert_int_equal(a.data == NULL, b.data == NULL);
    assert_true(slice_equal(a, b));
}

static void assert_record(const struct kafka_record *record, const struct expected *expected,
                          const struct batch_header *header)
{
    struct slice headers = record->headers;
    assert_int_equal(record->timestamp, expected->timestamp);
    assert_same(record->key, expected->key);
    assert_same(record->value, expected->value);
    assert_int_equal(record->header_count, expected->header_count);
    for (int32_t i = 0; i < record->header_count; i++) {
        struct slice key;
        struct slice value;
        kafka_record_header_next(&headers, &key, &value);
        assert_same(key, header->key);
        assert_same(value, header->value);
    }
    assert_int_equal(headers.len, 0);
}

static void random_records_come_back(void **state)
{
    (void)state;
    static uint8_t pool[40000];
    memset(pool, 'p', sizeof(pool));
    for (int round = 0; round < 200; round++) {
        struct batch_builder builder;
        struct kafka_record_reader reader;
        struct kafka_record record;
        struct expected records[100];
        const struct batch_header header = {slice_make(pool, random_below(100)),
                                            random_slice(pool)};
        const struct batch_header headers[3] = {header, header, header};
        int32_t count = 1 + (int32_t)random_below(100);
        batch_builder_init(&builder);
        for (int32_t i = 0; i < count; i++) {
            struct expected *e = &records[i];
            *e =
                (struct expected){(int64_t)((uint64_t)random_below(UINT32_MAX) << random_below(40)),
                                  random_slice(pool), random_slice(pool),
                                  random_below(3) == 0 ? (int32_t)random_below(4) : 0};
            batch_add_with_headers(&builder, e->timestamp, e->key, e->value, headers,
                                   e->header_count);
        }
        struct kafka_record_batch batch = {.base_timestamp = records[0].timestamp,
                                           .record_count = count};
        kafka_record_reader_init(&reader, &batch, buf_unread(&builder.records), MAX_HEADERS);
        for (int32_t i = 0; i < count; i++) {
            assert_true(kafka_record_next(&reader, &record));
            assert_record(&record, &records[i], &header);
        }
        assert_false(kafka_record_next(&reader, &record));
        assert_int_equal(reader.refusal.code, KAFKA_NONE);
        batch_builder_deinit(&builder);
    }
}

/* ------------------------------------------------------------------ a second opinion */

struct naive {
    const uint8_t *p;
    size_t left;
    bool sound;
};

static int64_t naive_varint(struct naive *n, int bits)
{
    uint64_t sum = 0;
    for (int shift = 0; n->sound && shift < bits; shift += 7) {
        if (n->left == 0) {
            break;
        }
        uint8_t byte = *n->p++;
        n->left--;
        uint64_t group = byte & 0x7F;
        uint64_t placed = group << shift;
        if (placed >> shift != group || (bits == 32 && placed >> 32 != 0)) {
            break;
        }
        sum |= placed;
        if (byte < 0x80) {
            return (int64_t)(sum >> 1) ^ -(int64_t)(sum & 1);
        }
    }
    n->sound = false;
    return 0;
}

static void naive_bytes(struct naive *n, int64_t smallest)
{
    int64_t len = naive_varint(n, 32);
    if (len < smallest || len > (int64_t)n->left) {
        n->sound = false;
    } else if (len > 0) {
        n->p += len;
        n->left -= (size_t)len;
    }
}

/* None of the bytes that mutations put in makes UTF-8 beyond ASCII. */
static void naive_header_key(struct naive *n)
{
    struct naive before = *n;
    naive_bytes(n, 0);
    naive_varint(&before, 32);
    while (n->sound && before.p < n->p) {
        n->sound = *before.p++ < 0x80;
    }
}

/* Is the stream `count` sound records? */
static bool naive_sound(struct slice stream, int32_t count)
{
    struct naive n = {stream.data, stream.len, true};
    for (int32_t i = 0; i < count && n.sound; i++) {
        int64_t length = naive_varint(&n, 32);
        if (!n.sound || length < 1 || length > (int64_t)n.left) {
            return false;
        }
        struct naive body = {n.p + 1, (size_t)length - 1, true};
        n.p += length;
        n.left -= (size_t)length;
        naive_varint(&body, 64);
        body.sound &= naive_varint(&body, 32) == i && body.sound;
        naive_bytes(&body, -1);
        naive_bytes(&body, -1);
        int64_t headers = naive_varint(&body, 32);
        if (!body.sound || headers < 0 || headers > MAX_HEADERS) {
            return false;
        }
        for (int64_t h = 0; h < headers; h++) {
            naive_header_key(&body);
            naive_bytes(&body, -1);
        }
        n.sound = body.sound && body.left == 0;
    }
    return n.sound && n.left == 0;
}

static bool reader_sound(struct slice stream, int32_t count)
{
    struct kafka_record_batch batch = {.base_timestamp = TIME, .record_count = count};
    struct kafka_record_reader reader;
    struct kafka_record record;
    uint8_t *copy = malloc(stream.len); /* of exactly that size: the sanitizer watches its end */
    assert_non_null(copy);
    memcpy(copy, stream.data, stream.len);
    kafka_record_reader_init(&reader, &batch, slice_make(copy, stream.len), MAX_HEADERS);
    while (kafka_record_next(&reader, &record)) {
    }
    free(copy);
    return reader.refusal.code == KAFKA_NONE;
}

static int32_t build_random(struct batch_builder *builder)
{
    static const struct batch_header headers[2] = {{SLICE_INIT("h"), SLICE_INIT("v")},
                                                   {SLICE_INIT("n"), {NULL, 0}}};
    int32_t count = 1 + (int32_t)random_below(4);
    batch_builder_reset(builder);
    for (int32_t i = 0; i < count; i++) {
        struct slice key = slice_make("keykeykey", random_below(9));
        struct slice value = slice_make("valuevaluevalue", random_below(15));
        batch_add_with_headers(builder, TIME + random_below(20000),
                               random_below(2) ? SLICE_NULL : key,
                               random_below(4) ? value : SLICE_NULL, headers,
                               random_below(3) ? 0 : (int32_t)random_below(3));
    }
    return count;
}

static void a_naive_decoder_agrees_on_mutated_streams(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0, 1, 2, 3, 4, 0x7F, 0x80, 0x81, 0xFE, 0xFF};
    struct batch_builder builder;
    int sound = 0;
    batch_builder_init(&builder);
    for (int round = 0; round < ROUNDS; round++) {
        int32_t count = build_random(&builder);
        struct buf *stream = &builder.records;
        for (uint32_t change = random_below(3); change > 0; change--) {
            stream->data[random_below((uint32_t)buf_len(stream))] = bytes[random_below(10)];
        }
        bool verdict = reader_sound(buf_unread(stream), count);
        assert_int_equal(verdict, naive_sound(buf_unread(stream), count));
        sound += verdict;
    }
    assert_in_range(sound, ROUNDS / 4, ROUNDS * 3 / 4); /* both verdicts were there */
    batch_builder_deinit(&builder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_records_come_back),
        cmocka_unit_test(a_naive_decoder_agrees_on_mutated_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
