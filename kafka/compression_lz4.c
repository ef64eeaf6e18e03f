/* lz4 frames. A frame's content size is checked by the library at its end; nobody allocates by it.
 */
#include "kafka/compression_internal.h"

#include <lz4frame.h>

struct lz4_context {
    LZ4F_dctx *stream;
};

static struct lz4_context *lz4_new(const struct alloc *alloc)
{
    struct lz4_context *context = alloc_zeroed(alloc, sizeof(*context));
    if (context == NULL) {
        return NULL;
    }
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context->stream, LZ4F_VERSION))) {
        alloc_free(alloc, context, sizeof(*context));
        return NULL;
    }
    return context;
}

void compression_lz4_free(const struct alloc *alloc, struct lz4_context *context)
{
    if (context != NULL) {
        LZ4F_freeDecompressionContext(context->stream);
        alloc_free(alloc, context, sizeof(*context));
    }
}

/* Results of the library's stable interface are told apart by name only. */
static int status_of(LZ4F_errorCode_t error)
{
    return strcmp(LZ4F_getErrorName(error), "ERROR_allocation_failed") == 0 ? STATUS_NOMEM
                                                                            : STATUS_MALFORMED;
}

/* Decodes up to the end of the frame that `in` begins with, and moves `in` behind it. */
static int decode_frame(LZ4F_dctx *stream, struct slice *in, struct sink *sink)
{
    for (;;) {
        uint8_t *at;
        size_t room;
        int rc = sink_open(sink, &at, &room);
        if (rc < 0) {
            return rc;
        }
        size_t used = in->len;
        size_t hint = LZ4F_decompress(stream, at, &room, in->data, &used, NULL);
        if (LZ4F_isError(hint)) {
            return status_of(hint);
        }
        *in = slice_make(in->data + used, in->len - used);
        rc = sink_close(sink, room);
        if (rc < 0) {
            return rc;
        }
        if (hint == 0) {
            return STATUS_OK;
        }
        if (used == 0 && room == 0) { /* the input ended within the frame */
            return STATUS_MALFORMED;
        }
    }
}

int compression_lz4(const struct alloc *alloc, struct lz4_context **context, struct slice in,
                    struct sink *sink)
{
    if (*context == NULL && (*context = lz4_new(alloc)) == NULL) {
        return STATUS_NOMEM;
    }
    LZ4F_resetDecompressionContext((*context)->stream);
    for (int frames = 0; frames < COMPRESSION_MAX_FRAMES; frames++) {
        int rc = decode_frame((*context)->stream, &in, sink);
        if (rc < 0 || in.len == 0) {
            return rc;
        }
    }
    return STATUS_LIMIT;
}
