/* Decompression of record batches: gzip (several members), snappy (xerial framed and raw), lz4
 * frame, zstd (several frames). Output is capped, so that a bomb costs at most the cap. */
#ifndef KAFKA_COMPRESSION_H
#define KAFKA_COMPRESSION_H

#include "kafka/record_batch.h"
#include "proto/buf.h"

struct kafka_decompressor; /* codec contexts, made on first use and kept */

/* NULL: out of memory. */
struct kafka_decompressor *kafka_decompressor_new(const struct alloc *alloc);
void kafka_decompressor_free(struct kafka_decompressor *decompressor);
/*
 * Appends the plain bytes of `in` to `out`; growth follows the bytes that came and were produced,
 * never a promised length. NONE copies. On failure `out` may hold a part. The memory of `out`
 * doubles, so give it the cap as its own limit too.
 *
 * LIMIT: more than limit_bytes of output or than `out` may hold, more than 64 gzip members, lz4 or
 * zstd frames. MALFORMED: the stream is empty, broken, ends early, or something follows it.
 * UNSUPPORTED: codec. NOMEM.
 */
MUST_CHECK int kafka_decompress(struct kafka_decompressor *decompressor, enum kafka_codec codec,
                                struct slice in, struct buf *out, size_t limit_bytes);

#endif
