/* What the codecs share: where the plain bytes go, and the contexts that are kept between batches.
 */
#ifndef KAFKA_COMPRESSION_INTERNAL_H
#define KAFKA_COMPRESSION_INTERNAL_H

#include "kafka/compression.h"

/* A batch that is made of more gzip members, lz4 or zstd frames than this is an attack on our time.
 */
#define COMPRESSION_MAX_FRAMES 64

/*
 * The way out of a codec. Room grows with the bytes produced. When nothing may follow any more, the
 * codec still gets room for one byte, `spill`: some need it to see the end of their stream, and one
 * that fills it is over the cap.
 */
struct sink {
    struct buf *out;
    size_t left; /* bytes that may still be produced */
    uint8_t spill;
};

/* Room for one byte at least, at *at. NOMEM. */
MUST_CHECK int sink_open(struct sink *sink, uint8_t **at, size_t *room);
/* `bytes` were written at what sink_open() gave. LIMIT: that was the spill byte. */
MUST_CHECK int sink_close(struct sink *sink, size_t bytes);
/* More room than `room` for the next sink_open(), twice as much if the cap allows. LIMIT, NOMEM. */
MUST_CHECK int sink_widen(struct sink *sink, size_t room);

/* ANY_SUM: the checksum of a frame's header may be wrong. */
enum lz4_header { LZ4_HEADER_CHECKED, LZ4_HEADER_ANY_SUM };

struct gzip_context;
struct lz4_context;
struct zstd_context;

/* Each codec makes its context on first use, at *context. Results as in kafka_decompress(). */
MUST_CHECK int compression_gzip(const struct alloc *alloc, struct gzip_context **context,
                                struct slice in, struct sink *sink);
MUST_CHECK int compression_snappy(struct slice in, struct sink *sink);
MUST_CHECK int compression_lz4(const struct alloc *alloc, struct lz4_context **context,
                               enum lz4_header header, struct slice in, struct sink *sink);
MUST_CHECK int compression_zstd(const struct alloc *alloc, struct zstd_context **context,
                                struct slice in, struct sink *sink);

/* NULL is allowed. */
void compression_gzip_free(const struct alloc *alloc, struct gzip_context *context);
void compression_lz4_free(const struct alloc *alloc, struct lz4_context *context);
void compression_zstd_free(const struct alloc *alloc, struct zstd_context *context);

#endif
