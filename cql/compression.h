/*
 * Compressed bodies as protocol v4 has them: the length of the plain body as a big-endian i32, then
 * one LZ4 block (not the LZ4 frame format).
 */
#ifndef CQL_COMPRESSION_H
#define CQL_COMPRESSION_H

#include "proto/buf.h"
#include "proto/slice.h"

/* Of a connection, both ways. Requests that would not shrink are sent plain. */
enum cql_compression {
    CQL_COMPRESSION_NONE,
    CQL_COMPRESSION_AUTO, /* where the node offers it */
    CQL_COMPRESSION_LZ4,  /* a node that does not offer it fails the connection: UNSUPPORTED */
};

/* Appends the compressed body. BUSY: it would not be smaller, `out` is as it was; send the plain
 * one without the flag. NOMEM, LIMIT. */
MUST_CHECK int cql_lz4_compress(struct slice body, struct buf *out);
/* Appends the plain body. LIMIT: it claims more than `limit_bytes`. MALFORMED, TRUNCATED: not such
 * a body. NOMEM. */
MUST_CHECK int cql_lz4_decompress(struct slice body, size_t limit_bytes, struct buf *out);

#endif
