/*
 * RecordBatch, magic 2 (KIP-98): the header, and the loop over its records. Facts: Kafka protocol
 * guide and the layout in docs; checks in the order that a broker makes them, sounder where Kafka
 * is lax: offset deltas must be 0..n-1, header keys must be strict UTF-8, the transactional bit
 * needs a producer id.
 */
#ifndef KAFKA_RECORD_BATCH_H
#define KAFKA_RECORD_BATCH_H

#include "kafka/error.h"
#include "proto/slice.h"
#include "proto/varint.h"

#define KAFKA_BATCH_HEADER_BYTES    61
#define KAFKA_BATCH_CODEC_MASK      0x07
#define KAFKA_BATCH_LOG_APPEND_TIME 0x08
#define KAFKA_BATCH_TRANSACTIONAL   0x10
#define KAFKA_BATCH_CONTROL         0x20

enum kafka_codec {
    KAFKA_CODEC_NONE,
    KAFKA_CODEC_GZIP,
    KAFKA_CODEC_SNAPPY,
    KAFKA_CODEC_LZ4,
    KAFKA_CODEC_ZSTD
};

struct kafka_record_batch {
    int64_t base_offset;
    int32_t leader_epoch;
    int16_t attributes;
    int32_t last_offset_delta;
    int64_t base_timestamp; /* ms */
    int64_t max_timestamp;  /* ms */
    int64_t producer_id;    /* -1: none */
    int16_t producer_epoch;
    int32_t base_sequence;
    int32_t record_count;
    enum kafka_codec codec;
    struct slice records; /* as sent: compressed unless codec is NONE */
    size_t wire_bytes;    /* whole batch, header included */
};

/* Why a batch or a record was refused. */
struct kafka_refusal {
    int16_t code;         /* enum kafka_error, 0 = not refused */
    int32_t record_index; /* -1: the batch as a whole */
    const char *message;  /* static text */
};

/*
 * Opens the single batch that a Produce v3+ partition carries (`records` as in the request; null or
 * empty: 87). Checks, in a broker's order: complete, magic 2 (0 and 1: 87 here), no second batch
 * (trailing bytes that cannot hold a batch header are ignored up to 15, else 2), base offset 0,
 * size <= max_message_bytes (10), CRC (2), counts, control bit, producer (an id needs an epoch and
 * a sequence, the transactional bit needs an id), codec id (5-7: 76), log append time bit (32).
 * Compressed content and records are not looked at. Negative producer ids are read as -1. False:
 * *refusal says why, and *batch is not to be used.
 */
bool kafka_record_batch_open(struct slice bytes, size_t max_message_bytes,
                             struct kafka_record_batch *batch, struct kafka_refusal *refusal);

/* Looks at the attributes of whatever is there, sound or not; false for older formats. */
bool kafka_record_batch_is_transactional(struct slice bytes);

struct kafka_record {
    int64_t timestamp;  /* ms, absolute */
    struct slice key;   /* data NULL = null */
    struct slice value; /* data NULL = null */
    int32_t header_count;
    /* Null when there are none, else varint key length, key, varint value length, value; checked.
     */
    struct slice headers;
};

struct kafka_record_reader {
    const uint8_t *next;
    const uint8_t *end;
    int64_t base_timestamp;
    int32_t index; /* of the next record */
    int32_t count;
    int32_t max_headers;
    struct kafka_refusal refusal;
};

/*
 * `records` is the uncompressed record stream; it must outlive the reader and all slices it yields.
 * More records promised than so many bytes can hold: refusal.code is 87 at once.
 */
void kafka_record_reader_init(struct kafka_record_reader *reader,
                              const struct kafka_record_batch *batch, struct slice records,
                              int32_t max_headers);
/*
 * The next record. False at the end, and at the first record that is not sound (refusal.code 87
 * with its index); false from then on. At the end it has checked that exactly `count` records
 * filled the stream (else 87, index -1). Key and value may be null (-1), timestamps wrap, record
 * attributes are not looked at, header keys are strict UTF-8. Hand-tuned: varints of one and two
 * bytes are inline.
 */
bool kafka_record_next(struct kafka_record_reader *reader, struct kafka_record *record);

/* One header off the front of `headers` (already checked by kafka_record_next). */
void kafka_record_header_next(struct slice *headers, struct slice *key, struct slice *value);

#endif
