/* The compressing half of batch_builder.h. */
#include "tests/support/batch_builder.h"

#include "proto/endian.h"

#include <lz4frame.h>
#include <snappy-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define XERIAL_BLOCK_BYTES 32768

static void need(bool sound, const char *what)
{
    if (!sound) {
        fprintf(stderr, "batch_compress: %s\n", what);
        abort();
    }
}

static void gzip(struct slice plain, struct buf *out)
{
    z_stream stream = {0};
    need(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK, "gzip");
    size_t bound = deflateBound(&stream, plain.len);
    need(buf_reserve(out, bound) == STATUS_OK, "memory");
    stream.next_in = (Bytef *)(uintptr_t)plain.data;
    stream.avail_in = (uInt)plain.len;
    stream.next_out = buf_tail(out);
    stream.avail_out = (uInt)bound;
    need(deflate(&stream, Z_FINISH) == Z_STREAM_END, "gzip");
    buf_wrote(out, stream.total_out);
    deflateEnd(&stream);
}

static size_t snappy_block(struct slice plain, struct buf *out)
{
    size_t bytes = snappy_max_compressed_length(plain.len);
    need(buf_reserve(out, bytes) == STATUS_OK, "memory");
    need(snappy_compress((const char *)plain.data, plain.len, (char *)buf_tail(out), &bytes) ==
             SNAPPY_OK,
         "snappy");
    buf_wrote(out, bytes);
    return bytes;
}

static void snappy_xerial(struct slice plain, struct buf *out)
{
    static const uint8_t header[] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1};
    need(buf_append(out, slice_make(header, sizeof(header))) == STATUS_OK, "memory");
    while (plain.len > 0) {
        size_t take = plain.len < XERIAL_BLOCK_BYTES ? plain.len : XERIAL_BLOCK_BYTES;
        static const uint8_t length[4];
        need(buf_append(out, slice_make(length, sizeof(length))) == STATUS_OK, "memory");
        size_t bytes = snappy_block(slice_make(plain.data, take), out);
        be32_store(buf_tail(out) - bytes - sizeof(length), (uint32_t)bytes);
        plain = slice_make(plain.data + take, plain.len - take);
    }
}

static void lz4(struct slice plain, struct buf *out)
{
    size_t bound = LZ4F_compressFrameBound(plain.len, NULL);
    need(buf_reserve(out, bound) == STATUS_OK, "memory");
    LZ4F_preferences_t preferences = {.frameInfo.blockMode = LZ4F_blockIndependent};
    size_t bytes = LZ4F_compressFrame(buf_tail(out), bound, plain.data, plain.len, &preferences);
    need(!LZ4F_isError(bytes), "lz4");
    buf_wrote(out, bytes);
}

static void zstd(struct slice plain, struct buf *out)
{
    size_t bound = ZSTD_compressBound(plain.len);
    need(buf_reserve(out, bound) == STATUS_OK, "memory");
    size_t bytes = ZSTD_compress(buf_tail(out), bound, plain.data, plain.len, 3);
    need(!ZSTD_isError(bytes), "zstd");
    buf_wrote(out, bytes);
}

void batch_compress(enum kafka_codec codec, enum batch_snappy snappy, struct slice plain,
                    struct buf *out)
{
    switch (codec) {
    case KAFKA_CODEC_NONE:
        need(buf_append(out, plain) == STATUS_OK, "memory");
        break;
    case KAFKA_CODEC_GZIP:
        gzip(plain, out);
        break;
    case KAFKA_CODEC_SNAPPY:
        if (snappy == BATCH_SNAPPY_XERIAL) {
            snappy_xerial(plain, out);
        } else {
            snappy_block(plain, out);
        }
        break;
    case KAFKA_CODEC_LZ4:
        lz4(plain, out);
        break;
    case KAFKA_CODEC_ZSTD:
        zstd(plain, out);
        break;
    }
}
