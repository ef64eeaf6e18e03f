#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kafka/compression.h"
#include "proto/endian.h"
#include "tests/support/batch_builder.h"
#include "tests/support/failing_alloc.h"

#define NO_LIMIT  ((size_t)1 << 30)
#define MIB       ((size_t)1 << 20)
#define MAX_PLAIN 300000

/* The five codecs; snappy stands twice, once for each shape. */
static const struct shape {
    enum kafka_codec codec;
    enum batch_snappy snappy;
    bool frames; /* may stand behind one another */
} shapes[] = {
    {KAFKA_CODEC_NONE, BATCH_SNAPPY_XERIAL, false},   {KAFKA_CODEC_GZIP, BATCH_SNAPPY_XERIAL, true},
    {KAFKA_CODEC_SNAPPY, BATCH_SNAPPY_XERIAL, false}, {KAFKA_CODEC_SNAPPY, BATCH_SNAPPY_RAW, false},
    {KAFKA_CODEC_LZ4, BATCH_SNAPPY_XERIAL, true},     {KAFKA_CODEC_ZSTD, BATCH_SNAPPY_XERIAL, true},
};

#define SHAPES       (sizeof(shapes) / sizeof(shapes[0]))
#define FIRST_PACKED 1 /* shapes before it do not compress */

struct fixture {
    struct failing_alloc failing;
    struct kafka_decompressor *decompressor;
    struct buf packed;
    struct buf plain;
};

static void setup(struct fixture *f)
{
    failing_alloc_init(&f->failing);
    f->decompressor = kafka_decompressor_new(&f->failing.alloc);
    assert_non_null(f->decompressor);
    buf_init(&f->packed, &alloc_heap, NO_LIMIT);
    buf_init(&f->plain, &f->failing.alloc, NO_LIMIT);
}

static void teardown(struct fixture *f)
{
    kafka_decompressor_free(f->decompressor);
    buf_deinit(&f->packed);
    buf_deinit(&f->plain);
    failing_alloc_assert_none_live(&f->failing);
}

static void pack(struct fixture *f, const struct shape *shape, struct slice plain)
{
    buf_reset(&f->packed);
    batch_compress(shape->codec, shape->snappy, plain, &f->packed);
}

/* Unpacks from memory of exactly that size. */
static int unpack(struct fixture *f, enum kafka_codec codec, struct slice packed, size_t limit)
{
    uint8_t *copy = malloc(packed.len == 0 ? 1 : packed.len);
    assert_non_null(copy);
    memcpy(copy, packed.data, packed.len);
    buf_reset(&f->plain);
    int rc =
        kafka_decompress(f->decompressor, codec, slice_make(copy, packed.len), &f->plain, limit);
    free(copy);
    return rc;
}

static uint64_t random_state = 88172645463325252U;

static uint32_t random_below(uint32_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % bound;
}

/* Bytes that compress well, badly or not at all. */
static struct slice random_plain(size_t len)
{
    static uint8_t bytes[MAX_PLAIN];
    uint32_t letters = random_below(3) == 0 ? 256 : 1 + random_below(20);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)random_below(letters);
    }
    return slice_make(bytes, len);
}

/* ------------------------------------------------------------------ what comes back */

static void what_was_compressed_comes_back(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {1, 10, 100, 5000, 32768, 32769, 65536, 70000, MAX_PLAIN};
    struct fixture f;
    setup(&f);
    for (size_t i = 0; i < SHAPES; i++) {
        for (size_t size = 0; size < sizeof(sizes) / sizeof(sizes[0]); size++) {
            for (int round = 0; round < 2; round++) {
                struct slice plain =
                    random_plain(round == 0 ? sizes[size] : random_below(sizes[size]));
                pack(&f, &shapes[i], plain);
                assert_int_equal(unpack(&f, shapes[i].codec, buf_unread(&f.packed), plain.len),
                                 STATUS_OK);
                assert_true(slice_equal(buf_unread(&f.plain), plain));
            }
        }
    }
    teardown(&f);
}

static void batches_of_every_codec_read_like_the_plain_one(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    for (size_t i = 0; i < SHAPES; i++) {
        struct batch_builder builder;
        struct kafka_record_batch batch;
        struct kafka_refusal refusal;
        struct kafka_record_reader reader;
        struct kafka_record record;
        batch_builder_init(&builder);
        builder.codec = shapes[i].codec;
        builder.snappy = shapes[i].snappy;
        for (int32_t r = 0; r < 100; r++) {
            batch_add(&builder, r, SLICE_NULL, random_plain(random_below(200)));
        }
        assert_true(kafka_record_batch_open(batch_build(&builder), MIB, &batch, &refusal));
        assert_int_equal(batch.codec, shapes[i].codec);
        assert_int_equal(unpack(&f, batch.codec, batch.records, MIB), STATUS_OK);
        kafka_record_reader_init(&reader, &batch, buf_unread(&f.plain), 0);
        for (int32_t r = 0; r < 100; r++) {
            assert_true(kafka_record_next(&reader, &record));
            assert_int_equal(record.timestamp, r);
        }
        assert_false(kafka_record_next(&reader, &record));
        assert_int_equal(reader.refusal.code, KAFKA_NONE);
        batch_builder_deinit(&builder);
    }
    teardown(&f);
}

static void output_goes_behind_what_is_there(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    for (size_t i = 0; i < SHAPES; i++) {
        pack(&f, &shapes[i], SLICE_LITERAL(" and after"));
        buf_reset(&f.plain);
        assert_int_equal(buf_append(&f.plain, SLICE_LITERAL("before")), STATUS_OK);
        assert_int_equal(
            kafka_decompress(f.decompressor, shapes[i].codec, buf_unread(&f.packed), &f.plain, MIB),
            STATUS_OK);
        assert_true(slice_equal(buf_unread(&f.plain), SLICE_LITERAL("before and after")));
    }
    teardown(&f);
}

static void frames_behind_one_another_are_one_stream(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    for (size_t i = 0; i < SHAPES; i++) {
        if (!shapes[i].frames) {
            continue;
        }
        buf_reset(&f.packed);
        for (int frame = 0; frame < 64; frame++) {
            batch_compress(shapes[i].codec, shapes[i].snappy, SLICE_LITERAL("12345678"), &f.packed);
        }
        assert_int_equal(unpack(&f, shapes[i].codec, buf_unread(&f.packed), 512), STATUS_OK);
        assert_int_equal(buf_len(&f.plain), 512);
        assert_memory_equal(f.plain.data + 504, "12345678", 8);
        /* the 65th is one too many */
        batch_compress(shapes[i].codec, shapes[i].snappy, SLICE_LITERAL(""), &f.packed);
        assert_int_equal(unpack(&f, shapes[i].codec, buf_unread(&f.packed), MIB), STATUS_LIMIT);
    }
    teardown(&f);
}

/* ------------------------------------------------------------------ what is refused */

static void streams_that_are_cut_anywhere_are_malformed(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    struct slice plain = random_plain(400);
    for (size_t i = FIRST_PACKED; i < SHAPES; i++) {
        pack(&f, &shapes[i], plain);
        for (size_t len = 0; len < buf_len(&f.packed); len++) {
            int rc = unpack(&f, shapes[i].codec, slice_make(f.packed.data, len), MIB);
            /* a xerial stream may end behind its header or behind a chunk: it has no end mark */
            bool boundary = shapes[i].codec == KAFKA_CODEC_SNAPPY &&
                            shapes[i].snappy == BATCH_SNAPPY_XERIAL && len == 16;
            assert_int_equal(rc, boundary ? STATUS_OK : STATUS_MALFORMED);
        }
        assert_int_equal(unpack(&f, shapes[i].codec, buf_unread(&f.packed), MIB), STATUS_OK);
    }
    teardown(&f);
}

static void bytes_behind_a_stream_are_malformed(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    for (size_t i = FIRST_PACKED; i < SHAPES; i++) {
        pack(&f, &shapes[i], SLICE_LITERAL("some text, some text, some text"));
        for (size_t more = 1; more < 20; more++) {
            assert_int_equal(buf_append(&f.packed, SLICE_LITERAL("x")), STATUS_OK);
            assert_int_equal(unpack(&f, shapes[i].codec, buf_unread(&f.packed), MIB),
                             STATUS_MALFORMED);
        }
    }
    teardown(&f);
}

/* Not every flip can be found, for not every format has a checksum; none may do harm. */
static void flipped_bits_do_no_harm(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    struct slice plain = random_plain(300);
    for (size_t i = FIRST_PACKED; i < SHAPES; i++) {
        pack(&f, &shapes[i], plain);
        for (size_t bit = 0; bit < buf_len(&f.packed) * 8; bit++) {
            f.packed.data[bit / 8] ^= (uint8_t)(1U << (bit % 8));
            int rc = unpack(&f, shapes[i].codec, buf_unread(&f.packed), 4096);
            assert_true(rc == STATUS_OK || rc == STATUS_MALFORMED || rc == STATUS_LIMIT);
            assert_true(buf_len(&f.plain) <= 4096);
            f.packed.data[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        }
        /* and the contexts are as good as new */
        assert_int_equal(unpack(&f, shapes[i].codec, buf_unread(&f.packed), MIB), STATUS_OK);
        assert_true(slice_equal(buf_unread(&f.plain), plain));
    }
    teardown(&f);
}

static void random_bytes_do_no_harm(void **state)
{
    (void)state;
    static const struct slice starts[] = {
        SLICE_INIT(""),
        SLICE_INIT("\x1F\x8B\x08\0\0\0\0\0\0\3"),
        SLICE_INIT("\x82SNAPPY\0\0\0\0\1\0\0\0\1\0\0\0\x10"),
        SLICE_INIT("\x04\x22\x4D\x18\x60\x40\x82"),
        SLICE_INIT("\x28\xB5\x2F\xFD\0\x58"),
    };
    struct fixture f;
    setup(&f);
    for (int round = 0; round < 20000; round++) {
        buf_reset(&f.packed);
        uint32_t codec = random_below(5);
        assert_int_equal(buf_append(&f.packed, starts[codec]), STATUS_OK);
        assert_int_equal(buf_append(&f.packed, random_plain(random_below(60))), STATUS_OK);
        int rc = unpack(&f, (enum kafka_codec)codec, buf_unread(&f.packed), 4096);
        assert_true(rc == STATUS_OK || rc == STATUS_MALFORMED || rc == STATUS_LIMIT);
        assert_true(buf_len(&f.plain) <= 4096);
    }
    teardown(&f);
}

static void nothing_is_not_a_stream_of_any_codec(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    for (size_t i = FIRST_PACKED; i < SHAPES; i++) {
        assert_int_equal(unpack(&f, shapes[i].codec, SLICE_LITERAL(""), MIB), STATUS_MALFORMED);
    }
    assert_int_equal(unpack(&f, KAFKA_CODEC_NONE, SLICE_LITERAL(""), MIB), STATUS_OK);
    teardown(&f);
}

static void an_unknown_codec_is_unsupported(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    for (int codec = 5; codec < 8; codec++) {
        assert_int_equal(unpack(&f, (enum kafka_codec)codec, SLICE_LITERAL("x"), MIB),
                         STATUS_UNSUPPORTED);
    }
    teardown(&f);
}

/* ------------------------------------------------------------------ the cap */

static void the_cap_is_exact(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 4095, 4096, 4097, 40000, MAX_PLAIN};
    struct fixture f;
    setup(&f);
    for (size_t i = 0; i < SHAPES; i++) {
        for (size_t size = 0; size < sizeof(sizes) / sizeof(sizes[0]); size++) {
            pack(&f, &shapes[i], random_plain(sizes[size]));
            struct slice packed = buf_unread(&f.packed);
            assert_int_equal(unpack(&f, shapes[i].codec, packed, sizes[size] - 1), STATUS_LIMIT);
            assert_true(buf_len(&f.plain) < sizes[size]);
            assert_int_equal(unpack(&f, shapes[i].codec, packed, sizes[size]), STATUS_OK);
            assert_int_equal(buf_len(&f.plain), sizes[size]);
            assert_int_equal(unpack(&f, shapes[i].codec, packed, 0), STATUS_LIMIT);
        }
    }
    teardown(&f);
}

static void the_limit_of_the_buffer_counts_too(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    buf_deinit(&f.plain);
    buf_init(&f.plain, &f.failing.alloc, 10000);
    for (size_t i = 0; i < SHAPES; i++) {
        pack(&f, &shapes[i], random_plain(10000));
        assert_int_equal(unpack(&f, shapes[i].codec, buf_unread(&f.packed), MIB), STATUS_OK);
        pack(&f, &shapes[i], random_plain(10001));
        assert_int_equal(unpack(&f, shapes[i].codec, buf_unread(&f.packed), MIB), STATUS_LIMIT);
    }
    teardown(&f);
}

static void a_bomb_costs_at_most_the_cap(void **state)
{
    (void)state;
    size_t bomb_bytes = 64 * MIB;
    uint8_t *zeros = calloc(1, bomb_bytes);
    assert_non_null(zeros);
    for (size_t i = FIRST_PACKED; i < SHAPES; i++) {
        struct fixture f;
        setup(&f);
        f.plain.limit = MIB; /* else its doubling may reach twice the cap */
        pack(&f, &shapes[i], slice_make(zeros, bomb_bytes));
        assert_int_equal(unpack(&f, shapes[i].codec, buf_unread(&f.packed), MIB), STATUS_LIMIT);
        assert_true(buf_len(&f.plain) <= MIB);
        assert_true(f.failing.peak_bytes <= MIB + 65536); /* zlib's context comes on top */
        teardown(&f);
    }
    free(zeros);
}

static void small_streams_take_little_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < SHAPES; i++) {
        struct fixture f;
        setup(&f);
        pack(&f, &shapes[i], SLICE_LITERAL("a few bytes"));
        assert_int_equal(unpack(&f, shapes[i].codec, buf_unread(&f.packed), 64 * MIB), STATUS_OK);
        assert_true(f.failing.peak_bytes <= 65536);
        teardown(&f);
    }
}

/* ------------------------------------------------------------------ snappy */

static int unpack_snappy(struct fixture *f, struct slice bytes)
{
    return unpack(f, KAFKA_CODEC_SNAPPY, bytes, MIB);
}

static void a_snappy_length_that_lies_costs_no_memory(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    size_t before = f.failing.calls;
    /* 4 GiB - 1, over the cap; 1 MiB from 4 bytes, which no snappy block can hold; too long a
     * varint */
    assert_int_equal(unpack_snappy(&f, SLICE_LITERAL("\xFF\xFF\xFF\xFF\x0F\0a")), STATUS_LIMIT);
    assert_int_equal(unpack_snappy(&f, SLICE_LITERAL("\x80\x80\x40\0a")), STATUS_MALFORMED);
    assert_int_equal(unpack_snappy(&f, SLICE_LITERAL("\xFF\xFF\xFF\xFF\xFF\0a")), STATUS_MALFORMED);
    assert_int_equal(f.failing.calls, before);
    teardown(&f);
}

static void xerial_versions_are_not_looked_at(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    pack(&f, &shapes[2], SLICE_LITERAL("text"));
    for (size_t at = 8; at < 16; at++) {
        f.packed.data[at] = (uint8_t)(0xF0 + at);
    }
    assert_int_equal(unpack_snappy(&f, buf_unread(&f.packed)), STATUS_OK);
    assert_true(slice_equal(buf_unread(&f.plain), SLICE_LITERAL("text")));
    teardown(&f);
}

static void xerial_chunk_lengths_are_checked(void **state)
{
    (void)state;
    static const int64_t changes[] = {1, 2, 1000, INT32_MAX, -1};
    struct fixture f;
    setup(&f);
    pack(&f, &shapes[2], SLICE_LITERAL("text"));
    uint32_t right = be32_load(f.packed.data + 16);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        be32_store(f.packed.data + 16, (uint32_t)(right + changes[i]));
        assert_int_equal(unpack_snappy(&f, buf_unread(&f.packed)), STATUS_MALFORMED);
    }
    static const uint32_t lengths[] = {0, UINT32_MAX, INT32_MAX, 0x80000000U};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        be32_store(f.packed.data + 16, lengths[i]);
        assert_int_equal(unpack_snappy(&f, buf_unread(&f.packed)), STATUS_MALFORMED);
    }
    teardown(&f);
}

/* An endless loop in some decoders: a header, then less than a chunk's length. */
static void a_xerial_stream_that_ends_in_a_length_is_malformed(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    struct slice stream = SLICE_LITERAL("\x82SNAPPY\0\0\0\0\1\0\0\0\1\0\0\0");
    for (size_t len = 8; len <= stream.len; len++) {
        assert_int_equal(unpack_snappy(&f, slice_make(stream.data, len)),
                         len == 16 ? STATUS_OK : STATUS_MALFORMED);
    }
    teardown(&f);
}

static void a_xerial_chunk_may_be_empty_inside(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    assert_int_equal(unpack_snappy(&f, SLICE_LITERAL("\x82SNAPPY\0\0\0\0\1\0\0\0\1\0\0\0\1\0"
                                                     "\0\0\0\3\1\0a")),
                     STATUS_OK);
    assert_true(slice_equal(buf_unread(&f.plain), SLICE_LITERAL("a")));
    teardown(&f);
}

/* ------------------------------------------------------------------ zstd */

static void zstd_formats_before_version_1_are_malformed(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    pack(&f, &shapes[5], SLICE_LITERAL("text"));
    for (uint8_t magic = 0x1E; magic < 0x28; magic++) {
        f.packed.data[0] = magic;
        assert_int_equal(unpack(&f, KAFKA_CODEC_ZSTD, buf_unread(&f.packed), MIB),
                         STATUS_MALFORMED);
    }
    teardown(&f);
}

static void zstd_frames_to_skip_are_skipped(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    buf_reset(&f.packed);
    assert_int_equal(buf_append(&f.packed, SLICE_LITERAL("\x5A\x2A\x4D\x18\3\0\0\0abc")),
                     STATUS_OK);
    batch_compress(KAFKA_CODEC_ZSTD, BATCH_SNAPPY_RAW, SLICE_LITERAL("text"), &f.packed);
    assert_int_equal(unpack(&f, KAFKA_CODEC_ZSTD, buf_unread(&f.packed), 4), STATUS_OK);
    assert_true(slice_equal(buf_unread(&f.plain), SLICE_LITERAL("text")));
    teardown(&f);
}

/* ------------------------------------------------------------------ memory */

static void every_allocation_may_fail(void **state)
{
    (void)state;
    struct buf packed;
    buf_init(&packed, &alloc_heap, NO_LIMIT);
    static const uint8_t zeros[MAX_PLAIN];
    for (size_t i = 0; i < SHAPES; i++) {
        struct failing_alloc failing;
        failing_alloc_init(&failing);
        buf_reset(&packed);
        batch_compress(shapes[i].codec, shapes[i].snappy, slice_make(zeros, MAX_PLAIN), &packed);
        for (size_t n = 1; failing_alloc_next(&failing, n); n++) {
            struct kafka_decompressor *decompressor = kafka_decompressor_new(&failing.alloc);
            struct buf plain;
            buf_init(&plain, &failing.alloc, NO_LIMIT);
            int rc = decompressor == NULL ? STATUS_NOMEM
                                          : kafka_decompress(decompressor, shapes[i].codec,
                                                             buf_unread(&packed), &plain, MIB);
            assert_int_equal(rc, failing.failures > 0 ? STATUS_NOMEM : STATUS_OK);
            if (decompressor != NULL) { /* it is usable afterwards */
                buf_reset(&plain);
                assert_int_equal(kafka_decompress(decompressor, shapes[i].codec,
                                                  buf_unread(&packed), &plain, MIB),
                                 STATUS_OK);
                assert_int_equal(buf_len(&plain), MAX_PLAIN);
            }
            kafka_decompressor_free(decompressor);
            buf_deinit(&plain);
        }
    }
    buf_deinit(&packed);
}

static void a_second_batch_allocates_nothing(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    for (size_t i = 0; i < SHAPES; i++) {
        pack(&f, &shapes[i], random_plain(50000));
        assert_int_equal(unpack(&f, shapes[i].codec, buf_unread(&f.packed), MIB), STATUS_OK);
        size_t calls = f.failing.calls;
        assert_int_equal(unpack(&f, shapes[i].codec, buf_unread(&f.packed), MIB), STATUS_OK);
        assert_int_equal(f.failing.calls, calls);
    }
    teardown(&f);
}

static void no_decompressor_may_be_freed(void **state)
{
    (void)state;
    kafka_decompressor_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_compressed_comes_back),
        cmocka_unit_test(batches_of_every_codec_read_like_the_plain_one),
        cmocka_unit_test(output_goes_behind_what_is_there),
        cmocka_unit_test(frames_behind_one_another_are_one_stream),
        cmocka_unit_test(streams_that_are_cut_anywhere_are_malformed),
        cmocka_unit_test(bytes_behind_a_stream_are_malformed),
        cmocka_unit_test(flipped_bits_do_no_harm),
        cmocka_unit_test(random_bytes_do_no_harm),
        cmocka_unit_test(nothing_is_not_a_stream_of_any_codec),
        cmocka_unit_test(an_unknown_codec_is_unsupported),
        cmocka_unit_test(the_cap_is_exact),
        cmocka_unit_test(the_limit_of_the_buffer_counts_too),
        cmocka_unit_test(a_bomb_costs_at_most_the_cap),
        cmocka_unit_test(small_streams_take_little_memory),
        cmocka_unit_test(a_snappy_length_that_lies_costs_no_memory),
        cmocka_unit_test(xerial_versions_are_not_looked_at),
        cmocka_unit_test(xerial_chunk_lengths_are_checked),
        cmocka_unit_test(a_xerial_stream_that_ends_in_a_length_is_malformed),
        cmocka_unit_test(a_xerial_chunk_may_be_empty_inside),
        cmocka_unit_test(zstd_formats_before_version_1_are_malformed),
        cmocka_unit_test(zstd_frames_to_skip_are_skipped),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(a_second_batch_allocates_nothing),
        cmocka_unit_test(no_decompressor_may_be_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
