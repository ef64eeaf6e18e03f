/*
 * Each codec decodes into a sink and asks it for room, so that the cap and the growth are decided
 * here, once:
 *
 *     in -> inflate, LZ4F, zstd -> sink_open(), the codec writes, sink_close() -> buf
 *
 * None is told how much will come: a promised size is never believed. Only snappy must be, since it
 * has no other form; its block declares a size, which is compared with the cap and with what the
 * format can make of so many bytes.
 */
#include "kafka/compression_internal.h"

#define FIRST_ROOM_RATIO                                                                           \
    4 /* plain bytes for a compressed byte, before the codec has said anything */
#define MIN_ROOM_BYTES 4096

struct kafka_decompressor {
    const struct alloc *alloc;
    struct gzip_context *gzip;
    struct lz4_context *lz4;
    struct zstd_context *zstd;
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

int sink_open(struct sink *sink, uint8_t **at, size_t *room)
{
    if (sink->left == 0) {
        *at = &sink->spill;
        *room = 1;
        return STATUS_OK;
    }
    if (buf_room(sink->out) == 0) {
        int rc = buf_reserve(sink->out, smaller(sink->left, MIN_ROOM_BYTES));
        if (rc < 0) {
            return rc;
        }
    }
    *at = buf_tail(sink->out);
    *room = smaller(buf_room(sink->out), sink->left);
    return STATUS_OK;
}

int sink_close(struct sink *sink, size_t bytes)
{
    if (sink->left == 0) {
        return bytes == 0 ? STATUS_OK : STATUS_LIMIT;
    }
    buf_wrote(sink->out, bytes);
    sink->left -= bytes;
    return STATUS_OK;
}

int sink_widen(struct sink *sink, size_t room)
{
    if (room >= sink->left) {
        return STATUS_LIMIT;
    }
    return buf_reserve(sink->out, smaller(sink->left, 2 * room));
}

struct kafka_decompressor *kafka_decompressor_new(const struct alloc *alloc)
{
    struct kafka_decompressor *decompressor = alloc_zeroed(alloc, sizeof(*decompressor));
    if (decompressor != NULL) {
        decompressor->alloc = alloc;
    }
    return decompressor;
}

void kafka_decompressor_free(struct kafka_decompressor *decompressor)
{
    if (decompressor == NULL) {
        return;
    }
    compression_gzip_free(decompressor->alloc, decompressor->gzip);
    compression_lz4_free(decompressor->alloc, decompressor->lz4);
    compression_zstd_free(decompressor->alloc, decompressor->zstd);
    alloc_free(decompressor->alloc, decompressor, sizeof(*decompressor));
}

/* Snappy reserves for itself: it knows how much. */
static int reserve_first(enum kafka_codec codec, struct slice in, const struct sink *sink)
{
    if (codec == KAFKA_CODEC_SNAPPY) {
        return STATUS_OK;
    }
    size_t guess = in.len > SIZE_MAX / FIRST_ROOM_RATIO ? SIZE_MAX : in.len * FIRST_ROOM_RATIO;
    return buf_reserve(sink->out, smaller(sink->left, guess));
}

static int decompress(struct kafka_decompressor *decompressor, enum kafka_codec codec,
                      enum lz4_header lz4_header, struct slice in, struct buf *out,
                      size_t limit_bytes)
{
    const struct alloc *alloc = decompressor->alloc;
    struct sink sink = {.out = out, .left = smaller(limit_bytes, out->limit - buf_len(out))};
    if (codec == KAFKA_CODEC_NONE) {
        return in.len > sink.left ? STATUS_LIMIT : buf_append(out, in);
    }
    if (in.len == 0) {
        return STATUS_MALFORMED;
    }
    int rc = reserve_first(codec, in, &sink);
    if (rc < 0) {
        return rc;
    }
    switch (codec) {
    case KAFKA_CODEC_GZIP:
        return compression_gzip(alloc, &decompressor->gzip, in, &sink);
    case KAFKA_CODEC_SNAPPY:
        return compression_snappy(in, &sink);
    case KAFKA_CODEC_LZ4:
        return compression_lz4(alloc, &decompressor->lz4, lz4_header, in, &sink);
    case KAFKA_CODEC_ZSTD:
        return compression_zstd(alloc, &decompressor->zstd, in, &sink);
    case KAFKA_CODEC_NONE:
    default:
        return STATUS_UNSUPPORTED;
    }
}

int kafka_decompress(struct kafka_decompressor *decompressor, enum kafka_codec codec,
                     struct slice in, struct buf *out, size_t limit_bytes)
{
    return decompress(decompressor, codec, LZ4_HEADER_CHECKED, in, out, limit_bytes);
}

int kafka_decompress_message(struct kafka_decompressor *decompressor, enum kafka_codec codec,
                             uint8_t magic, struct slice in, struct buf *out, size_t limit_bytes)
{
    if (codec == KAFKA_CODEC_ZSTD)
        return STATUS_UNSUPPORTED;
    return decompress(decompressor, codec, magic == 0 ? LZ4_HEADER_ANY_SUM : LZ4_HEADER_CHECKED, in,
                      out, limit_bytes);
}
