/* gzip (RFC 1952), one member or several behind one another, and nothing after the last. */
#include "kafka/compression_internal.h"

#include <limits.h>
#include <stdalign.h>

#define ZLIB_CONST
#include <zlib.h>

#define GZIP_ONLY (16 + MAX_WBITS) /* neither zlib's own wrapper nor raw deflate */

struct gzip_context {
    z_stream stream;
};

/* zlib frees without a size, which struct alloc wants: it is kept in front of the block. */
#define SIZE_PREFIX alignof(max_align_t)

static voidpf zlib_take(voidpf alloc, uInt items, uInt item_bytes)
{
    size_t bytes = SIZE_PREFIX + (size_t)items * item_bytes;
    uint8_t *block = alloc_bytes(alloc, bytes);
    if (block == NULL) {
        return Z_NULL;
    }
    memcpy(block, &bytes, sizeof(bytes));
    return block + SIZE_PREFIX;
}

static void zlib_give_back(voidpf alloc, voidpf address)
{
    uint8_t *block = (uint8_t *)address - SIZE_PREFIX;
    size_t bytes;
    memcpy(&bytes, block, sizeof(bytes));
    alloc_free(alloc, block, bytes);
}

static struct gzip_context *gzip_new(const struct alloc *alloc)
{
    struct gzip_context *context = alloc_zeroed(alloc, sizeof(*context));
    if (context == NULL) {
        return NULL;
    }
    context->stream.zalloc = zlib_take;
    context->stream.zfree = zlib_give_back;
    context->stream.opaque = (voidpf)(uintptr_t)alloc;
    if (inflateInit2(&context->stream, GZIP_ONLY) != Z_OK) {
        alloc_free(alloc, context, sizeof(*context));
        return NULL;
    }
    return context;
}

void compression_gzip_free(const struct alloc *alloc, struct gzip_context *context)
{
    if (context != NULL) {
        inflateEnd(&context->stream);
        alloc_free(alloc, context, sizeof(*context));
    }
}

/* One step of inflate; *result is what it said. */
static int inflate_some(z_stream *stream, struct sink *sink, int *result)
{
    uint8_t *at;
    size_t room;
    int rc = sink_open(sink, &at, &room);
    if (rc < 0) {
        return rc;
    }
    uInt offered = room > UINT_MAX ? UINT_MAX : (uInt)room;
    stream->next_out = at;
    stream->avail_out = offered;
    *result = inflate(stream, Z_NO_FLUSH);
    return sink_close(sink, offered - stream->avail_out);
}

int compression_gzip(const struct alloc *alloc, struct gzip_context **context, struct slice in,
                     struct sink *sink)
{
    if (in.len > UINT_MAX) {
        return STATUS_LIMIT;
    }
    if (*context == NULL && (*context = gzip_new(alloc)) == NULL) {
        return STATUS_NOMEM;
    }
    z_stream *stream = &(*context)->stream;
    stream->next_in = in.data;
    stream->avail_in = (uInt)in.len;
    for (int members = 0; members < COMPRESSION_MAX_FRAMES; members++) {
        int result = inflateReset(stream);
        while (result == Z_OK) {
            int rc = inflate_some(stream, sink, &result);
            if (rc < 0) {
                return rc;
            }
        }
        if (result == Z_MEM_ERROR) {
            return STATUS_NOMEM;
        }
        if (result != Z_STREAM_END) { /* Z_BUF_ERROR: the input ended, for there is always room */
            return STATUS_MALFORMED;
        }
        if (stream->avail_in == 0) {
            return STATUS_OK;
        }
    }
    return STATUS_LIMIT;
}
