/*
 * Snappy, in the two shapes that clients send:
 *
 *   xerial    82 'SNAPPY' 00, version, compatible version, then (length, block) ...     Java and
 * most others raw       one block                                                     librdkafka,
 * franz-go
 *
 * A raw block cannot begin like the xerial magic, which would be a copy before any literal. The two
 * version numbers are not looked at, since some writers have had them in the wrong byte order.
 */
#include "kafka/compression_internal.h"

#include "proto/endian.h"

#include <snappy-c.h>

#define XERIAL_MAGIC        "\x82SNAPPY"
#define XERIAL_HEADER_BYTES 16
#define CHUNK_LENGTH_BYTES  4

/* Three bytes make at most 64 (a copy), so a block that declares more than this many times itself
 * lies. */
#define MAX_RATIO 22

static int decode_block(struct slice block, struct sink *sink)
{
    size_t plain_bytes;
    const char *data = (const char *)block.data;
    if (snappy_uncompressed_length(data, block.len, &plain_bytes) != SNAPPY_OK) {
        return STATUS_MALFORMED;
    }
    if (plain_bytes > sink->left) {
        return STATUS_LIMIT;
    }
    if (plain_bytes / MAX_RATIO > block.len) {
        return STATUS_MALFORMED;
    }
    int rc = plain_bytes == 0 ? STATUS_OK : buf_reserve(sink->out, plain_bytes);
    if (rc < 0) {
        return rc;
    }
    /* An empty block still needs a pointer that is not null. */
    char *at = plain_bytes == 0 ? (char *)&sink->spill : (char *)buf_tail(sink->out);
    if (snappy_uncompress(data, block.len, at, &plain_bytes) != SNAPPY_OK) {
        return STATUS_MALFORMED;
    }
    if (plain_bytes > 0) {
        buf_wrote(sink->out, plain_bytes);
        sink->left -= plain_bytes;
    }
    return STATUS_OK;
}

static int decode_xerial(struct slice in, struct sink *sink)
{
    if (in.len < XERIAL_HEADER_BYTES) {
        return STATUS_MALFORMED;
    }
    struct slice rest = slice_make(in.data + XERIAL_HEADER_BYTES, in.len - XERIAL_HEADER_BYTES);
    while (rest.len > 0) {
        if (rest.len < CHUNK_LENGTH_BYTES) {
            return STATUS_MALFORMED;
        }
        size_t len = be32_load(rest.data);
        rest = slice_make(rest.data + CHUNK_LENGTH_BYTES, rest.len - CHUNK_LENGTH_BYTES);
        if (len > rest.len) {
            return STATUS_MALFORMED;
        }
        int rc = decode_block(slice_make(rest.data, len), sink);
        if (rc < 0) {
            return rc;
        }
        rest = slice_make(rest.data + len, rest.len - len);
    }
    return STATUS_OK;
}

int compression_snappy(struct slice in, struct sink *sink)
{
    bool xerial =
        in.len >= sizeof(XERIAL_MAGIC) && memcmp(in.data, XERIAL_MAGIC, sizeof(XERIAL_MAGIC)) == 0;
    return xerial ? decode_xerial(in, sink) : decode_block(in, sink);
}
