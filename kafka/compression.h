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
/*
 * The same for the value of a message with magic 0 or 1. Clients up to 0.9 sum one part too much
 * for the header of an lz4 frame, and later ones do it on purpose with magic 0 (KAFKA-3160): there
 * that byte is not looked at. zstd is UNSUPPORTED.
 */
MUST_CHECK int kafka_decompress_message(struct kafka_decompressor *decompressor,
                                        enum kafka_codec codec, uint8_t magic, struct slice in,
                                        struct buf *out, size_t limit_bytes);

#endif
