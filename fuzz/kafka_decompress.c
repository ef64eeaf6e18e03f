/*
 * One byte that names the codec, then its stream. The cap holds, whatever the stream promises; a
 * decompressor that is used again gives the same (nothing of one batch reaches the next); and
 * failing memory is told as such.
 */
#include "fuzz/repair.h"
#include "fuzz/support.h"
#include "kafka/compression.h"
#include "tests/support/batch_builder.h"

enum { CODECS = KAFKA_CODEC_ZSTD + 1, CAP_BYTES = 64 << 10 };

static int decompress(struct kafka_decompressor *decompressor, enum kafka_codec codec,
                      struct slice in, struct buf *out, size_t cap)
{
    int rc = kafka_decompress(decompressor, codec, in, out, cap);

    REQUIRE(buf_len(out) <= cap && out->capacity <= out->limit);
    REQUIRE(rc == STATUS_OK || rc == STATUS_LIMIT || rc == STATUS_MALFORMED || rc == STATUS_NOMEM);
    return rc;
}

/* What a lower cap may change: nothing of what fits below it, and all else is refused. */
static void check_cap(size_t cap, int below, const struct buf *less, int above,
                      const struct buf *more)
{
    bool fits = above == STATUS_OK && buf_len(more) <= cap;

    REQUIRE((below == STATUS_OK) == fits);
    REQUIRE(!fits || slice_equal(buf_unread(less), buf_unread(more)));
}

static void run(const struct alloc *alloc, enum kafka_codec codec, struct slice in, size_t cap,
                struct fuzz_alloc *memory)
{
    struct kafka_decompressor *decompressor = kafka_decompressor_new(alloc);
    struct buf first, second, whole;

    if (decompressor == NULL)
        return;
    buf_init(&first, alloc, CAP_BYTES);
    buf_init(&second, alloc, cap);
    buf_init(&whole, alloc, CAP_BYTES);
    int rc = decompress(decompressor, codec, in, &first, cap);
    int again = decompress(decompressor, codec, in, &second, cap);
    int above = decompress(decompressor, codec, in, &whole, CAP_BYTES);
    if (memory->failures == 0) {
        REQUIRE(rc != STATUS_NOMEM && rc == again);
        check_cap(cap, rc, &first, above, &whole);
        check_cap(cap, again, &second, above, &whole);
    }
    buf_deinit(&first);
    buf_deinit(&second);
    buf_deinit(&whole);
    kafka_decompressor_free(decompressor);
}

/* Makes a sound stream of what is there: of its plain bytes, if it has any, changed. */
size_t fuzz_repair(uint8_t *bytes, size_t len, size_t room, unsigned seed)
{
    struct buf plain, packed;

    if (len < 2)
        return len;
    enum kafka_codec codec = (enum kafka_codec)(bytes[0] % CODECS);
    struct slice in = slice_make(bytes + 1, len - 1);
    struct kafka_decompressor *decompressor = kafka_decompressor_new(&alloc_heap);
    buf_init(&plain, &alloc_heap, CAP_BYTES);
    buf_init(&packed, &alloc_heap, SIZE_MAX);
    if (kafka_decompress(decompressor, codec, in, &plain, CAP_BYTES) != STATUS_OK) {
        buf_reset(&plain);
        REQUIRE(buf_append(&plain, in) == STATUS_OK);
    }
    if (seed % 4 == 0) /* another codec for the same bytes */
        codec = (enum kafka_codec)((seed >> 2) % CODECS);
    for (unsigned i = 0; i <= (seed >> 8) % 3; i++) /* several members or frames */
        batch_compress(codec, (seed >> 6) % 2 ? BATCH_SNAPPY_XERIAL : BATCH_SNAPPY_RAW,
                       buf_unread(&plain), &packed);
    if (buf_len(&packed) < room) {
        bytes[0] = (uint8_t)codec;
        len = 1 + buf_len(&packed);
        memcpy(bytes + 1, buf_unread(&packed).data, len - 1);
    }
    buf_deinit(&plain);
    buf_deinit(&packed);
    kafka_decompressor_free(decompressor);
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input_split(data, size);
    struct fuzz_alloc memory;

    fuzz_alloc_init_tape(&memory, &input.tape);
    size_t cap = (size_t)CAP_BYTES >> tape_below(&input.tape, 17);
    if (tape_odd(&input.tape) && cap > 0)
        cap--;
    if (input.bytes.len > 0)
        run(&memory.alloc, (enum kafka_codec)(input.bytes.data[0] % CODECS),
            slice_make(input.bytes.data + 1, input.bytes.len - 1), cap, &memory);
    fuzz_alloc_end(&memory);
    fuzz_input_free(&input);
    return 0;
}
