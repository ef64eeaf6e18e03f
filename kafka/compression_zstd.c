/*
 * zstd frames, without dictionaries and without the formats that came before version 1.
 *
 * Each frame is decoded in one call, straight into the output, again with more room when it did not
 * fit. Streaming would need a window of its own, as large as the frame declares: 8 MiB is what a
 * decoder should accept, yet Kafka's Java client at compression levels 20 to 22 declares 32 to 128
 * MiB for a batch of any size. Without a window buffer the declaration costs nothing, and all that
 * a frame can make us take is the output, up to the cap. The price is that a bomb is decoded twice
 * at most, in total.
 */
#include "kafka/compression_internal.h"

#include "proto/endian.h"

#include <zstd.h>
#include <zstd_errors.h>

struct zstd_context {
    ZSTD_DCtx *decoder;
};

static struct zstd_context *zstd_new(const struct alloc *alloc)
{
    struct zstd_context *context = alloc_zeroed(alloc, sizeof(*context));
    if (context == NULL) {
        return NULL;
    }
    context->decoder = ZSTD_createDCtx();
    if (context->decoder == NULL) {
        alloc_free(alloc, context, sizeof(*context));
        return NULL;
    }
    return context;
}

void compression_zstd_free(const struct alloc *alloc, struct zstd_context *context)
{
    if (context != NULL) {
        ZSTD_freeDCtx(context->decoder);
        alloc_free(alloc, context, sizeof(*context));
    }
}

/* The whole frame that `in` begins with; data NULL: there is none, or not of today's format. */
static struct slice first_frame(struct slice in)
{
    if (in.len < sizeof(uint32_t)) {
        return SLICE_NULL;
    }
    uint32_t magic = __builtin_bswap32(be32_load(in.data));
    if (magic != ZSTD_MAGICNUMBER &&
        (magic & ZSTD_MAGIC_SKIPPABLE_MASK) != ZSTD_MAGIC_SKIPPABLE_START) {
        return SLICE_NULL;
    }
    size_t len = ZSTD_findFrameCompressedSize(in.data, in.len);
    return ZSTD_isError(len) ? SLICE_NULL : slice_make(in.data, len);
}

static int decode_frame(ZSTD_DCtx *decoder, struct slice frame, struct sink *sink)
{
    for (;;) {
        uint8_t *at;
        size_t room;
        int rc = sink_open(sink, &at, &room);
        if (rc < 0) {
            return rc;
        }
        size_t bytes = ZSTD_decompressDCtx(decoder, at, room, frame.data, frame.len);
        if (!ZSTD_isError(bytes)) {
            return sink_close(sink, bytes);
        }
        if (ZSTD_getErrorCode(bytes) != ZSTD_error_dstSize_tooSmall) {
            return ZSTD_getErrorCode(bytes) == ZSTD_error_memory_allocation ? STATUS_NOMEM
                                                                            : STATUS_MALFORMED;
        }
        rc = sink_widen(sink, room);
        if (rc < 0) {
            return rc;
        }
    }
}

int compression_zstd(const struct alloc *alloc, struct zstd_context **context, struct slice in,
                     struct sink *sink)
{
    if (*context == NULL && (*context = zstd_new(alloc)) == NULL) {
        return STATUS_NOMEM;
    }
    for (int frames = 0; frames < COMPRESSION_MAX_FRAMES; frames++) {
        struct slice frame = first_frame(in);
        if (frame.data == NULL) {
            return STATUS_MALFORMED;
        }
        int rc = decode_frame((*context)->decoder, frame, sink);
        if (rc < 0 || frame.len == in.len) {
            return rc;
        }
        in = slice_make(in.data + frame.len, in.len - frame.len);
    }
    return STATUS_LIMIT;
}
