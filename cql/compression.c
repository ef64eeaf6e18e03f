#include "cql/compression.h"

#include <lz4.h>

#include "cql/frame.h"
#include "proto/endian.h"

enum {
    PREFIX_BYTES = 4,
    LZ4_RATIO_MAX = 255 /* no LZ4 block grows by more; a longer promise is a lie */
};

int cql_lz4_compress(struct slice body, struct buf *out)
{
    if (body.len <= PREFIX_BYTES)
        return STATUS_BUSY;
    if (body.len > CQL_BODY_BYTES_MAX)
        return STATUS_LIMIT;
    /* Room for a result that is smaller than the body, and no more: LZ4 gives up when it is not
     * enough. */
    int rc = buf_reserve(out, body.len);
    if (rc < 0)
        return rc;
    uint8_t *to = buf_tail(out);
    int len = LZ4_compress_default((const char *)body.data, (char *)to + PREFIX_BYTES,
                                   (int)body.len, (int)(body.len - PREFIX_BYTES - 1));
    if (len <= 0)
        return STATUS_BUSY;
    be32_store(to, (uint32_t)body.len);
    buf_wrote(out, PREFIX_BYTES + (size_t)len);
    return STATUS_OK;
}

int cql_lz4_decompress(struct slice body, size_t limit_bytes, struct buf *out)
{
    if (body.len < PREFIX_BYTES)
        return STATUS_TRUNCATED;
    size_t plain_bytes = be32_load(body.data);
    struct slice block = slice_make(body.data + PREFIX_BYTES, body.len - PREFIX_BYTES);

    if (plain_bytes == 0) /* Cassandra sends a block of one byte for an empty body */
        return STATUS_OK;
    if (plain_bytes > limit_bytes || plain_bytes > CQL_BODY_BYTES_MAX)
        return STATUS_LIMIT;
    if (plain_bytes / LZ4_RATIO_MAX > block.len)
        return STATUS_MALFORMED;
    int rc = buf_reserve(out, plain_bytes);
    if (rc < 0)
        return rc;
    int len = LZ4_decompress_safe((const char *)block.data, (char *)buf_tail(out), (int)block.len,
                                  (int)plain_bytes);
    if (len < 0 || (size_t)len != plain_bytes)
        return STATUS_MALFORMED;
    buf_wrote(out, plain_bytes);
    return STATUS_OK;
}
