/*
 * The record loop is one of two hand-tuned loops of the program (DESIGN.md section 2).
 *
 *   batch    header, 61 bytes | record | record | ...        (the records may be compressed)
 *   record   length | attributes, timestamp delta, offset delta | key | value | headers
 *
 * kafka_record_next() is the fast path: varints of one or two bytes, and no check per byte, because
 * one comparison in front bounds all that it reads at fixed distance. What it does not recognise it
 * leaves untouched to next_slowly() and finish_record(), which decide what is sound. The fast path
 * has no verdict of its own but "sound", so the two cannot disagree about what is refused.
 */
#include "kafka/record_batch.h"

#include "kafka/utf8.h"
#include "proto/crc32c.h"
#include "proto/endian.h"

#include <assert.h>

/* Byte offsets in the batch header. */
enum {
    AT_BASE_OFFSET = 0,
    AT_LENGTH = 8,
    AT_LEADER_EPOCH = 12,
    AT_MAGIC = 16,
    AT_CRC = 17,
    AT_ATTRIBUTES = 21, /* the checksum covers the bytes from here on */
    AT_LAST_OFFSET_DELTA = 23,
    AT_BASE_TIMESTAMP = 27,
    AT_MAX_TIMESTAMP = 35,
    AT_PRODUCER_ID = 43,
    AT_PRODUCER_EPOCH = 51,
    AT_BASE_SEQUENCE = 53,
    AT_RECORD_COUNT = 57,
};

#define LENGTH_END        12 /* the length field counts the bytes from here on */
#define MAGIC_END         17 /* old and new formats agree up to here */
#define MIN_LENGTH        14 /* of any format, old ones included */
#define MIN_TRAILER_BYTES 16 /* fewer bytes after the batch are ignored, as a broker trims them */
#define MIN_RECORD_BYTES  7  /* seven fields of one byte */
#define MIN_HEADER_BYTES  2  /* an empty key and an empty value */
#define FAST_HEAD_BYTES   11 /* length to value length: attributes and five varints of two bytes */

_Static_assert(AT_RECORD_COUNT + 4 == KAFKA_BATCH_HEADER_BYTES, "header layout");

static bool refuse(struct kafka_refusal *refusal, int16_t code, const char *message)
{
    *refusal = (struct kafka_refusal){.code = code, .record_index = -1, .message = message};
    return false;
}

/* A further batch in the request, or bytes that are none? */
static bool check_trailer(struct slice rest, struct kafka_refusal *refusal)
{
    if (rest.len < MIN_TRAILER_BYTES) {
        return true;
    }
    uint32_t length = be32_load(rest.data + AT_LENGTH);
    bool batch = length >= MIN_LENGTH && length <= rest.len - LENGTH_END && rest.len >= MAGIC_END &&
                 rest.data[AT_MAGIC] <= 2;
    return batch ? refuse(refusal, KAFKA_INVALID_RECORD, "more than one record batch")
                 : refuse(refusal, KAFKA_CORRUPT_MESSAGE, "bytes after the record batch");
}

/* Is there one whole batch of format 2? Sets *wire_bytes, which may still be less than a header. */
static bool check_frame(struct slice bytes, size_t *wire_bytes, struct kafka_refusal *refusal)
{
    if (bytes.data == NULL || bytes.len < LENGTH_END) {
        return refuse(refusal, KAFKA_INVALID_RECORD, "no record batch");
    }
    int32_t length = (int32_t)be32_load(bytes.data + AT_LENGTH);
    if (length < MIN_LENGTH) {
        return refuse(refusal, KAFKA_CORRUPT_MESSAGE, "batch length is too small");
    }
    if (bytes.len < MAGIC_END) {
        return refuse(refusal, KAFKA_INVALID_RECORD, "record batch is incomplete");
    }
    if (bytes.data[AT_MAGIC] > 2) {
        return refuse(refusal, KAFKA_CORRUPT_MESSAGE, "unknown record format");
    }
    if ((size_t)length > bytes.len - LENGTH_END) {
        return refuse(refusal, KAFKA_INVALID_RECORD, "record batch is incomplete");
    }
    if (bytes.data[AT_MAGIC] != 2) {
        return refuse(refusal, KAFKA_INVALID_RECORD, "record format is older than 2");
    }
    *wire_bytes = LENGTH_END + (size_t)length;
    return check_trailer(slice_make(bytes.data + *wire_bytes, bytes.len - *wire_bytes), refusal);
}

static void read_header(const uint8_t *p, size_t wire_bytes, struct kafka_record_batch *batch)
{
    int64_t producer_id = (int64_t)be64_load(p + AT_PRODUCER_ID);
    *batch = (struct kafka_record_batch){
        .base_offset = (int64_t)be64_load(p + AT_BASE_OFFSET),
        .leader_epoch = (int32_t)be32_load(p + AT_LEADER_EPOCH),
        .attributes = (int16_t)be16_load(p + AT_ATTRIBUTES),
        .last_offset_delta = (int32_t)be32_load(p + AT_LAST_OFFSET_DELTA),
        .base_timestamp = (int64_t)be64_load(p + AT_BASE_TIMESTAMP),
        .max_timestamp = (int64_t)be64_load(p + AT_MAX_TIMESTAMP),
        .producer_id = producer_id < 0 ? -1 : producer_id,
        .producer_epoch = (int16_t)be16_load(p + AT_PRODUCER_EPOCH),
        .base_sequence = (int32_t)be32_load(p + AT_BASE_SEQUENCE),
        .record_count = (int32_t)be32_load(p + AT_RECORD_COUNT),
        .records = {p + KAFKA_BATCH_HEADER_BYTES, wire_bytes - KAFKA_BATCH_HEADER_BYTES},
        .wire_bytes = wire_bytes,
    };
}

static bool check_header(struct kafka_record_batch *batch, struct kafka_refusal *refusal)
{
    if (batch->record_count <= 0 || batch->last_offset_delta != batch->record_count - 1) {
        return refuse(refusal, KAFKA_INVALID_RECORD, "record count does not match the offsets");
    }
    if (batch->attributes & KAFKA_BATCH_CONTROL) {
        return refuse(refusal, KAFKA_INVALID_RECORD, "control batches come from brokers only");
    }
    if (batch->producer_id >= 0 && (batch->base_sequence < 0 || batch->producer_epoch < 0)) {
        return refuse(refusal, KAFKA_INVALID_RECORD, "producer id without an epoch or a sequence");
    }
    if (batch->producer_id < 0 && (batch->attributes & KAFKA_BATCH_TRANSACTIONAL)) {
        return refuse(refusal, KAFKA_INVALID_RECORD, "transactional batch without a producer id");
    }
    unsigned codec = (unsigned)batch->attributes & KAFKA_BATCH_CODEC_MASK;
    if (codec > KAFKA_CODEC_ZSTD) {
        return refuse(refusal, KAFKA_UNSUPPORTED_COMPRESSION_TYPE, "unknown compression codec");
    }
    batch->codec = (enum kafka_codec)codec;
    if (batch->codec == KAFKA_CODEC_NONE &&
        (size_t)batch->record_count > batch->records.len / MIN_RECORD_BYTES) {
        return refuse(refusal, KAFKA_INVALID_RECORD, "more records than the bytes can hold");
    }
    if (batch->attributes & KAFKA_BATCH_LOG_APPEND_TIME) {
        return refuse(refusal, KAFKA_INVALID_TIMESTAMP, "a producer cannot set log append time");
    }
    return true;
}

bool kafka_record_batch_open(struct slice bytes, size_t max_message_bytes,
                             struct kafka_record_batch *batch, struct kafka_refusal *refusal)
{
    size_t wire_bytes = 0;
    if (!check_frame(bytes, &wire_bytes, refusal)) {
        return false;
    }
    const uint8_t *p = bytes.data;
    if (be64_load(p + AT_BASE_OFFSET) != 0) {
        return refuse(refusal, KAFKA_INVALID_RECORD, "base offset is not 0");
    }
    if (wire_bytes > max_message_bytes) {
        return refuse(refusal, KAFKA_MESSAGE_TOO_LARGE, "record batch is too large");
    }
    if (wire_bytes < KAFKA_BATCH_HEADER_BYTES) {
        return refuse(refusal, KAFKA_CORRUPT_MESSAGE, "record batch is shorter than its header");
    }
    if (crc32c(p + AT_ATTRIBUTES, wire_bytes - AT_ATTRIBUTES) != be32_load(p + AT_CRC)) {
        return refuse(refusal, KAFKA_CORRUPT_MESSAGE, "checksum does not match");
    }
    read_header(p, wire_bytes, batch);
    if (!check_header(batch, refusal)) {
        return false;
    }
    *refusal = (struct kafka_refusal){.code = KAFKA_NONE, .record_index = -1};
    return true;
}

bool kafka_record_batch_is_transactional(struct slice bytes)
{
    return bytes.data != NULL && bytes.len >= KAFKA_BATCH_HEADER_BYTES &&
           bytes.data[AT_MAGIC] == 2 &&
           (be16_load(bytes.data + AT_ATTRIBUTES) & KAFKA_BATCH_TRANSACTIONAL) != 0;
}

void kafka_record_reader_init(struct kafka_record_reader *reader,
                              const struct kafka_record_batch *batch, struct slice records,
                              int32_t max_headers)
{
    const uint8_t *start = records.data == NULL ? (const uint8_t *)"" : records.data;
    *reader = (struct kafka_record_reader){
        .next = start,
        .end = start + records.len,
        .base_timestamp = batch->base_timestamp,
        .count = batch->record_count,
        .max_headers = max_headers,
        .refusal = {.record_index = -1},
    };
    if ((size_t)batch->record_count > records.len / MIN_RECORD_BYTES) {
        refuse(&reader->refusal, KAFKA_INVALID_RECORD, "more records than the bytes can hold");
        reader->next = reader->end; /* keeps the fast path out */
    }
}

/* ------------------------------------------------------------------ the careful path */

/*
 * A varint of one or two bytes, still in zigzag form: even is not negative, odd is negative. False:
 * it is longer. With both bytes signed, (low + 256 high) + low is twice the value, or below 0 when
 * the second byte is not the last one.
 */
static inline bool short_varint(const uint8_t **p, int64_t *zigzag)
{
    int64_t low = (int8_t)(*p)[0];
    if (low >= 0) {
        *zigzag = low;
        *p += 1;
        return true;
    }
    int16_t both;
    memcpy(&both, *p, sizeof(both));
    *zigzag = (both + low) >> 1;
    *p += 2;
    return *zigzag >= 0;
}

static bool refuse_record(struct kafka_record_reader *reader, const char *message)
{
    reader->refusal = (struct kafka_refusal){
        .code = KAFKA_INVALID_RECORD, .record_index = reader->index, .message = message};
    return false;
}

static inline bool take_varint(const uint8_t **p, const uint8_t *end, int32_t *value)
{
    const uint8_t *start = *p;
    int64_t zigzag;
    if (end - start >= 2 && short_varint(p, &zigzag)) {
        *value = (int32_t)((zigzag >> 1) ^ -(zigzag & 1));
        return true;
    }
    size_t used = varint_read(start, end, value);
    *p = start + used;
    return used > 0;
}

/* Length and bytes; -1 is null where the field has one. */
static inline bool take_bytes(const uint8_t **p, const uint8_t *end, bool nullable,
                              struct slice *bytes)
{
    int32_t len = 0;
    if (!take_varint(p, end, &len) || len < (nullable ? -1 : 0) || len > end - *p) {
        return false;
    }
    *bytes = len < 0 ? SLICE_NULL : slice_make(*p, (size_t)len);
    *p += bytes->len;
    return true;
}

/* What is wrong with the `count` headers at `p`, which must end at `end`; NULL: nothing. */
static const char *check_headers(const uint8_t *p, const uint8_t *end, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        struct slice key;
        struct slice value;
        if (!take_bytes(&p, end, false, &key) || !take_bytes(&p, end, true, &value)) {
            return "header length is not sound";
        }
        if (!kafka_utf8_valid(key)) {
            return "header key is not UTF-8";
        }
    }
    return p == end ? NULL : "record has bytes after its last field";
}

/* The fields after the key, which must fill the record; `p` may be past its end already. */
static __attribute__((noinline)) bool finish_record(struct kafka_record_reader *reader,
                                                    struct kafka_record *record, const uint8_t *p,
                                                    const uint8_t *end)
{
    if (!take_bytes(&p, end, true, &record->value)) {
        return refuse_record(reader, "value length is not sound");
    }
    int32_t count = 0;
    if (!take_varint(&p, end, &count) || count < 0 || count > (end - p) / MIN_HEADER_BYTES) {
        return refuse_record(reader, "header count is not sound");
    }
    if (count > reader->max_headers) {
        return refuse_record(reader, "record has more headers than max_record_headers");
    }
    const char *wrong = check_headers(p, end, count);
    if (wrong != NULL) {
        return refuse_record(reader, wrong);
    }
    record->header_count = count;
    record->headers = count == 0 ? SLICE_NULL : slice_make(p, (size_t)(end - p));
    reader->next = end;
    reader->index++;
    return true;
}

static inline int64_t add_wrapping(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static __attribute__((noinline)) bool next_slowly(struct kafka_record_reader *reader,
                                                  struct kafka_record *record)
{
    const uint8_t *p = reader->next;
    if (reader->refusal.code != KAFKA_NONE) {
        return false;
    }
    if (reader->index >= reader->count) {
        return p == reader->end
                   ? false
                   : refuse(&reader->refusal, KAFKA_INVALID_RECORD, "bytes after the last record");
    }
    int32_t length = 0;
    if (!take_varint(&p, reader->end, &length) || length <= 0 || length > reader->end - p) {
        return refuse_record(reader, "record length is not sound");
    }
    const uint8_t *end = p + length;
    p++; /* attributes: no bit has a meaning, and a broker looks at none */
    int64_t timestamp_delta = 0;
    size_t used = varlong_read(p, end, &timestamp_delta);
    if (used == 0) {
        return refuse_record(reader, "timestamp delta is not sound");
    }
    p += used;
    record->timestamp = add_wrapping(reader->base_timestamp, timestamp_delta);
    int32_t offset_delta = 0;
    if (!take_varint(&p, end, &offset_delta) || offset_delta != reader->index) {
        return refuse_record(reader, "offset delta is not the record's index");
    }
    if (!take_bytes(&p, end, true, &record->key)) {
        return refuse_record(reader, "key length is not sound");
    }
    return finish_record(reader, record, p, end);
}

/* ------------------------------------------------------------------ the fast path */

bool kafka_record_next(struct kafka_record_reader *reader, struct kafka_record *record)
{
    const uint8_t *p = reader->next;
    int64_t index = reader->index;
    if (index >= reader->count || reader->end - p < FAST_HEAD_BYTES) {
        return next_slowly(reader, record);
    }
    int64_t zigzag;
    if (!short_varint(&p, &zigzag) || (zigzag & 1) || zigzag / 2 > reader->end - p) {
        return next_slowly(reader, record);
    }
    const uint8_t *end = p + zigzag / 2;
    p++; /* attributes */
    if (!short_varint(&p, &zigzag)) {
        return next_slowly(reader, record);
    }
    record->timestamp = add_wrapping(reader->base_timestamp, (zigzag >> 1) ^ -(zigzag & 1));
    if (!short_varint(&p, &zigzag) || zigzag != index * 2 || !short_varint(&p, &zigzag)) {
        return next_slowly(reader, record);
    }
    if (zigzag == 1) {
        record->key = SLICE_NULL;
    } else {
        if ((zigzag & 1) || zigzag / 2 > end - p - 2) {
            return next_slowly(reader, record);
        }
        record->key = slice_make(p, (size_t)zigzag / 2);
        p += zigzag / 2;
    }
    const uint8_t *after_key = p;
    /* No headers: the value ends one byte before the record, and that byte is 0. */
    if (!short_varint(&p, &zigzag) || zigzag != (end - p - 1) * 2 || end[-1] != 0) {
        return finish_record(reader, record, after_key, end);
    }
    record->value = slice_make(p, (size_t)(end - p - 1));
    record->header_count = 0;
    record->headers = SLICE_NULL;
    reader->next = end;
    reader->index++;
    return true;
}

/* The bytes were checked by finish_record(), so the results of the takes are known. */
void kafka_record_header_next(struct slice *headers, struct slice *key, struct slice *value)
{
    const uint8_t *p = headers->data;
    const uint8_t *end = p + headers->len;
    bool sound = take_bytes(&p, end, false, key) && take_bytes(&p, end, true, value);
    assert(sound);
    (void)sound;
    *headers = slice_make(p, (size_t)(end - p));
}
