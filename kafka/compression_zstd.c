/* zstd frames, without dictionaries and without the formats that came before version 1. */
#include "kafka/compression_internal.h"

#include <zstd.h>
#include <zstd_errors.h>

#define MAX_WINDOW_LOG 23 /* 8 MiB: what RFC 8878 asks a decoder to support */

struct zstd_context {
    ZSTD_DCtx *stream;
};

static struct zstd_context *zstd_new(const struct alloc *alloc)
{
    struct zstd_context *context = alloc_zeroed(alloc, sizeof(*context));
    if (context == NULL) {
        return NULL;
    }
    context->stream = ZSTD_createDCtx();
    if (context->stream == NULL || ZSTD_isError(ZSTD_DCtx_setParameter(
                                       context->stream, ZSTD_d_windowLogMax, MAX_WINDOW_LOG))) {
        compression_zstd_free(alloc, context);
        return NULL;
    }
    return context;
}

void compression_zstd_free(const struct alloc *alloc, struct zstd_context *context)
{
    if (context != NULL) {
        ZSTD_freeDCtx(context->stream);
        alloc_free(alloc, context, sizeof(*context));
    }
}

static int status_of(size_t error)
{
    ZSTD_ErrorCode code = ZSTD_getErrorCode(error);
    if (code == ZSTD_error_memory_allocation) {
        return STATUS_NOMEM;
    }
    return code == ZSTD_error_frameParameter_windowTooLarge ? STATUS_LIMIT : STATUS_MALFORMED;
}

/* A frame of today's format, or one to skip? The library may also know formats that only it
 * remembers. */
static bool is_frame(const ZSTD_inBuffer *in)
{
    const uint8_t *p = (const uint8_t *)in->src + in->pos;
    if (in->size - in->pos < 4) {
        return false;
    }
    uint32_t magic =
        (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    return magic == ZSTD_MAGICNUMBER ||
           (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
}

/* Decodes up to the end of the frame that stands at in->pos. */
static int decode_frame(ZSTD_DCtx *stream, ZSTD_inBuffer *in, struct sink *sink)
{
    if (!is_frame(in)) {
        return STATUS_MALFORMED;
    }
    for (;;) {
        ZSTD_outBuffer out = {0};
        uint8_t *at;
        int rc = sink_open(sink, &at, &out.size);
        if (rc < 0) {
            return rc;
        }
        out.dst = at;
        size_t before = in->pos;
        size_t hint = ZSTD_decompressStream(stream, &out, in);
        if (ZSTD_isError(hint)) {
            return status_of(hint);
        }
        rc = sink_close(sink, out.pos);
        if (rc < 0) {
            return rc;
        }
        if (hint == 0) {
            return STATUS_OK;
        }
        if (in->pos == before && out.pos == 0) { /* the input ended within the frame */
            return STATUS_MALFORMED;
        }
    }
}

int compression_zstd(const struct alloc *alloc, struct zstd_context **context, struct slice in,
                     struct sink *sink)
{
    if (*context == NULL && (*context = zstd_new(alloc)) == NULL) {
        return STATUS_NOMEM;
    }
    ZSTD_DCtx_reset((*context)->stream, ZSTD_reset_session_only);
    ZSTD_inBuffer input = {.src = in.data, .size = in.len};
    for (int frames = 0; frames < COMPRESSION_MAX_FRAMES; frames++) {
        int rc = decode_frame((*context)->stream, &input, sink);
        if (rc < 0 || input.pos == input.size) {
            return rc;
        }
    }
    return STATUS_LIMIT;
}
