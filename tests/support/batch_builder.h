/*
 * Builds record batches for tests and benchmarks: sound ones by default, broken ones on demand.
 * It shares no code with kafka/record_batch.c but the varint writer, and ends the process when
 * memory is out, so callers check nothing.
 *
 *     struct batch_builder builder;
 *     batch_builder_init(&builder);
 *     builder.codec = KAFKA_CODEC_LZ4;
 *     batch_add(&builder, 1000, SLICE_NULL, SLICE_LITERAL("hello"));
 *     struct slice batch = batch_build(&builder);
 *     ...
 *     batch_builder_deinit(&builder);
 */
#ifndef TESTS_SUPPORT_BATCH_BUILDER_H
#define TESTS_SUPPORT_BATCH_BUILDER_H

#include "kafka/record_batch.h"
#include "proto/buf.h"

enum batch_snappy { BATCH_SNAPPY_XERIAL, BATCH_SNAPPY_RAW };

/* What a test gets wrong on purpose. All zero: nothing. The checksum is made last, over the wrong
 * bytes. */
struct batch_flaws {
    int64_t base_offset;
    int32_t length_change; /* added to the length field */
    int8_t magic_change;   /* added to 2 */
    int16_t attributes;    /* bits to flip */
    int32_t count_change;
    int32_t last_offset_delta_change;
    uint32_t crc_change; /* bits to flip */
};

struct batch_header {
    struct slice key;
    struct slice value;
};

/* One record, every field as it goes to the wire, for records that are wrong. */
struct batch_raw_record {
    int32_t length_change; /* added to the true length */
    uint8_t attributes;
    int64_t timestamp_delta;
    int32_t offset_delta;
    int32_t key_len; /* the bytes follow only when it is > 0 */
    int32_t value_len;
    int32_t header_count;
    struct slice key;
    struct slice value;
    struct slice headers; /* encoded */
    struct slice trailer; /* after the last field, counted in the length */
};

struct batch_builder {
    /* Set these at any time before batch_build(). */
    enum kafka_codec codec;
    enum batch_snappy snappy;
    int32_t leader_epoch;
    bool transactional;
    int64_t producer_id;
    int16_t producer_epoch;
    int32_t base_sequence;
    struct batch_flaws flaws;

    /* Set by adding; base_timestamp is that of the first record. */
    int64_t base_timestamp;
    int64_t max_timestamp;
    int32_t count;
    struct buf records; /* plain */
    struct buf batch;
    struct buf scratch;
};

void batch_builder_init(struct batch_builder *builder); /* no codec, no producer id, epoch -1 */
void batch_builder_deinit(struct batch_builder *builder);
/* Forgets the records, keeps settings and memory. */
void batch_builder_reset(struct batch_builder *builder);

void batch_add(struct batch_builder *builder, int64_t timestamp, struct slice key,
               struct slice value);
void batch_add_with_headers(struct batch_builder *builder, int64_t timestamp, struct slice key,
                            struct slice value, const struct batch_header *headers,
                            int32_t header_count);
void batch_add_raw(struct batch_builder *builder, const struct batch_raw_record *record);
/* Bytes into the record stream, counted as one record. */
void batch_add_bytes(struct batch_builder *builder, struct slice bytes);
/* The whole batch, valid until the builder is next touched. */
struct slice batch_build(struct batch_builder *builder);
/* A batch around record bytes that are already compressed, or pretend to be. */
struct slice batch_build_around(struct batch_builder *builder, struct slice records);

/* Appends the compressed form of `plain`. lz4, gzip and zstd: one frame. */
void batch_compress(enum kafka_codec codec, enum batch_snappy snappy, struct slice plain,
                    struct buf *out);
/* Makes the checksum of a batch right after its bytes were changed. */
void batch_fix_crc(uint8_t *batch, size_t len);

#endif
