/* Decompression of record batches: gzip (several members), snappy (xerial framed and raw), lz4 frame, zstd
 * (several frames). Output is capped, so that a bomb costs at most the cap. */
#ifndef KAFKA_COMPRESSION_H
#define KAFKA_COMPRESSION_H

#include "kafka/record_batch.h"
#include "proto/buf.h"

struct kafka_decompressor; /* codec contexts, made on first use and kept */

struct kafka_decompressor *kafka_decompressor_new(const struct alloc *alloc); /* NULL: out of memory */
void kafka_decompressor_free(struct kafka_decompressor *decompressor);
/*
 * Appends the plain bytes of `in` to `out`; growth follows the bytes produced, never a promised length.
 * LIMIT: more than limit_bytes of output, or a zstd window above 8 MiB. MALFORMED: the stream is broken or ends early.
 * UNSUPPORTED: codec. NOMEM.
 */
MUST_CHECK int kafka_decompress(struct kafka_decompressor *decompressor, enum kafka_codec codec,
                                struct slice in, struct buf *out, size_t limit_bytes);
#endif
