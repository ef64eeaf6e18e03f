/* lz4 frames. A frame's content size is checked by the library at its end; nobody allocates by it.
 */
#include "kafka/compression_internal.h"

#include <lz4frame.h>

#include "proto/endian.h"

/* A frame's header: magic number, two bytes of flags, what these announce, a byte of checksum. */
enum {
    AT_FLAGS = 4,
    FLAGS_BYTES = 2,
    CONTENT_SIZE_FLAG = 0x08,
    CONTENT_SIZE_BYTES = 8,
    DICTIONARY_FLAG = 0x01,
    DICTIONARY_BYTES = 4,
    HEADER_MAX_BYTES = 19,
};

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

static uint32_t rotated(uint32_t word, unsigned bits)
{
    return word << bits | word >> (32 - bits);
}

/* xxHash 32 with seed 0 (its specification, 0.1.1), of fewer than 16 bytes. */
static uint32_t xxhash32_short(const uint8_t *bytes, size_t len)
{
    static const uint32_t primes[] = {2654435761U, 2246822519U, 3266489917U, 668265263U,
                                      374761393U};
    uint32_t sum = primes[4] + (uint32_t)len;
    size_t at = 0;
    for (; at + 4 <= len; at += 4) {
        uint32_t lane = (uint32_t)bytes[at] | (uint32_t)bytes[at + 1] << 8 |
                        (uint32_t)bytes[at + 2] << 16 | (uint32_t)bytes[at + 3] << 24;
        sum = rotated(sum + lane * primes[2], 17) * primes[3];
    }
    for (; at < len; at++) {
        sum = rotated(sum + bytes[at] * primes[4], 11) * primes[0];
    }
    sum = (sum ^ sum >> 15) * primes[1];
    sum = (sum ^ sum >> 13) * primes[2];
    return sum ^ sum >> 16;
}

/* Gives the decoder the header of the frame that `in` begins with, its checksum made right, and
 * moves `in` behind it. What is no whole header is left to decode_frame(). */
static int feed_header(LZ4F_dctx *stream, struct slice *in)
{
    uint8_t header[HEADER_MAX_BYTES];
    if (in->len < AT_FLAGS + FLAGS_BYTES || be32_load(in->data) != 0x04224d18) {
        return STATUS_OK;
    }
    size_t sum_at = AT_FLAGS + FLAGS_BYTES;
    sum_at += in->data[AT_FLAGS] & CONTENT_SIZE_FLAG ? CONTENT_SIZE_BYTES : 0;
    sum_at += in->data[AT_FLAGS] & DICTIONARY_FLAG ? DICTIONARY_BYTES : 0;
    if (in->len <= sum_at) {
        return STATUS_OK;
    }
    memcpy(header, in->data, sum_at);
    header[sum_at] = (uint8_t)(xxhash32_short(header + AT_FLAGS, sum_at - AT_FLAGS) >> 8);
    size_t used = sum_at + 1;
    size_t made = 0;
    size_t hint = LZ4F_decompress(stream, header, &made, header, &used, NULL);
    if (LZ4F_isError(hint)) {
        return status_of(hint);
    }
    *in = slice_make(in->data + used, in->len - used);
    return STATUS_OK;
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

int compression_lz4(const struct alloc *alloc, struct lz4_context **context,
                    enum lz4_header header, struct slice in, struct sink *sink)
{
    if (*context == NULL && (*context = lz4_new(alloc)) == NULL) {
        return STATUS_NOMEM;
    }
    LZ4F_resetDecompressionContext((*context)->stream);
    for (int frames = 0; frames < COMPRESSION_MAX_FRAMES; frames++) {
        int rc =
            header == LZ4_HEADER_ANY_SUM ? feed_header((*context)->stream, &in) : STATUS_OK;
        if (rc == STATUS_OK) {
            rc = decode_frame((*context)->stream, &in, sink);
        }
        if (rc < 0 || in.len == 0) {
            return rc;
        }
    }
    return STATUS_LIMIT;
}
