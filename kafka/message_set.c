/*
 * Two walks over the frames: kafka_message_set_open() over what came, where each message has a
 * checksum and a size limit of its own, and kafka_message_set_enter() over what was in a wrapper.
 * Both leave a range of whole frames to the reader, which so has no bounds to check but a message's
 * own.
 */
#include "kafka/message_set.h"

#include "proto/endian.h"

#include <assert.h>

#define ZLIB_CONST
#include <zlib.h>

/* Byte offsets in a frame. */
enum {
    AT_OFFSET = 0,
    AT_SIZE = 8,
    AT_CRC = 12,
    AT_MAGIC = 16, /* the checksum covers the bytes from here on */
    AT_ATTRIBUTES = 17,
    AT_TIMESTAMP = 18, /* magic 1 */
};

#define FRAME_BYTES       12 /* the size counts the bytes from here on */
#define MAGIC_END         17
#define MIN_MESSAGE_BYTES 14 /* magic 0 without a byte of key and value */
#define LENGTH_BYTES      4
#define LOG_APPEND_TIME   0x08
#define CODEC_MASK        0x07

static bool refuse(struct kafka_refusal *refusal, int16_t code, const char *message)
{
    *refusal = (struct kafka_refusal){.code = code, .record_index = -1, .message = message};
    return false;
}

static size_t key_at(uint8_t magic)
{
    return magic == 0 ? AT_TIMESTAMP : AT_TIMESTAMP + 8;
}

static unsigned codec_of(const uint8_t *frame)
{
    return frame[AT_ATTRIBUTES] & CODEC_MASK;
}

bool kafka_is_message_set(struct slice bytes)
{
    return bytes.data == NULL || bytes.len < MAGIC_END || bytes.data[AT_MAGIC] < 2;
}

/* Is there one whole frame at the front of `rest`? Sets *wire_bytes. */
static bool check_frame(struct slice rest, size_t *wire_bytes, struct kafka_refusal *refusal)
{
    if (rest.len < FRAME_BYTES) {
        return refuse(refusal, KAFKA_INVALID_RECORD, "message is incomplete");
    }
    int32_t size = (int32_t)be32_load(rest.data + AT_SIZE);
    if (size < MIN_MESSAGE_BYTES) {
        return refuse(refusal, KAFKA_CORRUPT_MESSAGE, "message size is too small");
    }
    if ((size_t)size > rest.len - FRAME_BYTES) {
        return refuse(refusal, KAFKA_INVALID_RECORD, "message is incomplete");
    }
    *wire_bytes = FRAME_BYTES + (size_t)size;
    return true;
}

static bool checksum_matches(const uint8_t *frame, size_t wire_bytes)
{
    return crc32_z(0, frame + AT_MAGIC, wire_bytes - AT_MAGIC) == be32_load(frame + AT_CRC);
}

/* A message that is all there, of any kind. */
static bool check_message(const uint8_t *frame, size_t wire_bytes, size_t max_message_bytes,
                          struct kafka_refusal *refusal)
{
    if (frame[AT_MAGIC] > 2) {
        return refuse(refusal, KAFKA_CORRUPT_MESSAGE, "unknown record format");
    }
    if (wire_bytes > max_message_bytes) {
        return refuse(refusal, KAFKA_MESSAGE_TOO_LARGE, "message is too large");
    }
    if (frame[AT_MAGIC] == 2) {
        return refuse(refusal, KAFKA_INVALID_RECORD, "record batch among older messages");
    }
    if (!checksum_matches(frame, wire_bytes)) {
        return refuse(refusal, KAFKA_CORRUPT_MESSAGE, "checksum does not match");
    }
    if (wire_bytes < key_at(frame[AT_MAGIC]) + (size_t)2 * LENGTH_BYTES) {
        return refuse(refusal, KAFKA_CORRUPT_MESSAGE, "message size is too small");
    }
    if (codec_of(frame) > KAFKA_CODEC_ZSTD) {
        return refuse(refusal, KAFKA_UNSUPPORTED_COMPRESSION_TYPE, "unknown compression codec");
    }
    return true;
}

/* Length and bytes off the front of `rest`; -1 is null. */
static bool take_bytes(struct slice *rest, struct slice *bytes)
{
    if (rest->len < LENGTH_BYTES) {
        return false;
    }
    int32_t len = (int32_t)be32_load(rest->data);
    *rest = slice_make(rest->data + LENGTH_BYTES, rest->len - LENGTH_BYTES);
    if (len < -1 || (len > 0 && (size_t)len > rest->len)) {
        return false;
    }
    *bytes = len < 0 ? SLICE_NULL : slice_make(rest->data, (size_t)len);
    *rest = slice_make(rest->data + bytes->len, rest->len - bytes->len);
    return true;
}

/* Key and value, which must fill the message. */
static bool read_message(const uint8_t *frame, size_t wire_bytes, struct kafka_record *record)
{
    uint8_t magic = frame[AT_MAGIC];
    struct slice rest = slice_make(frame + key_at(magic), wire_bytes - key_at(magic));
    record->timestamp = magic == 0 ? -1 : (int64_t)be64_load(frame + AT_TIMESTAMP);
    record->header_count = 0;
    record->headers = SLICE_NULL;
    return take_bytes(&rest, &record->key) && take_bytes(&rest, &record->value) && rest.len == 0;
}

/* The one message is a wrapper. */
static bool open_wrapper(struct slice frame, struct kafka_message_set *set,
                         struct kafka_refusal *refusal)
{
    struct kafka_record wrapper;
    set->codec = (enum kafka_codec)codec_of(frame.data);
    set->wrapper_offset = (int64_t)be64_load(frame.data + AT_OFFSET);
    if (set->codec == KAFKA_CODEC_ZSTD) {
        return refuse(refusal, KAFKA_INVALID_RECORD, "zstd needs record format 2");
    }
    if (!read_message(frame.data, frame.len, &wrapper)) {
        return refuse(refusal, KAFKA_INVALID_RECORD, "message length is not sound");
    }
    if (wrapper.value.data == NULL) {
        return refuse(refusal, KAFKA_INVALID_RECORD, "compressed message without a value");
    }
    if (set->magic > 0 && (frame.data[AT_ATTRIBUTES] & LOG_APPEND_TIME)) {
        return refuse(refusal, KAFKA_INVALID_TIMESTAMP, "a producer cannot set log append time");
    }
    set->messages = wrapper.value;
    set->count = 0;
    return true;
}

bool kafka_message_set_open(struct slice bytes, size_t max_message_bytes,
                            struct kafka_message_set *set, struct kafka_refusal *refusal)
{
    bool is_mixed = false;
    bool is_wrapped = false;
    struct slice rest = bytes;
    if (bytes.data == NULL || bytes.len == 0) {
        return refuse(refusal, KAFKA_INVALID_RECORD, "no message");
    }
    *set = (struct kafka_message_set){.messages = bytes, .wire_bytes = bytes.len};
    while (rest.len > 0) {
        size_t wire_bytes;
        if (!check_frame(rest, &wire_bytes, refusal) ||
            !check_message(rest.data, wire_bytes, max_message_bytes, refusal)) {
            return false;
        }
        is_mixed = is_mixed || rest.data[AT_MAGIC] != bytes.data[AT_MAGIC];
        is_wrapped = is_wrapped || codec_of(rest.data) != KAFKA_CODEC_NONE;
        set->count++; /* of at least 26 bytes each, in a request of at most 2^31 */
        rest = slice_make(rest.data + wire_bytes, rest.len - wire_bytes);
    }
    set->magic = bytes.data[AT_MAGIC];
    if (is_mixed) {
        return refuse(refusal, KAFKA_INVALID_RECORD, "messages of different formats");
    }
    if (is_wrapped && set->count > 1) {
        return refuse(refusal, KAFKA_INVALID_RECORD, "more than one message beside a compressed one");
    }
    if (is_wrapped && !open_wrapper(bytes, set, refusal)) {
        return false;
    }
    *refusal = (struct kafka_refusal){.code = KAFKA_NONE, .record_index = -1};
    return true;
}

bool kafka_message_set_enter(struct kafka_message_set *set, struct slice plain,
                             struct kafka_refusal *refusal)
{
    int64_t last_offset = 0;
    struct slice rest = plain;
    assert(set->codec != KAFKA_CODEC_NONE);
    set->messages = plain;
    set->count = 0;
    if (plain.len == 0) {
        return refuse(refusal, KAFKA_INVALID_RECORD, "compressed message without an inner one");
    }
    while (rest.len > 0) {
        size_t wire_bytes;
        if (!check_frame(rest, &wire_bytes, refusal)) {
            return false;
        }
        last_offset = (int64_t)be64_load(rest.data + AT_OFFSET);
        set->count++;
        rest = slice_make(rest.data + wire_bytes, rest.len - wire_bytes);
    }
    /* 0 is what some versions of librdkafka wrote. */
    if (set->magic > 0 && set->wrapper_offset != 0 && set->wrapper_offset < last_offset) {
        return refuse(refusal, KAFKA_INVALID_RECORD, "offset is less than that of a message inside");
    }
    return true;
}

void kafka_message_reader_init(struct kafka_message_reader *reader,
                               const struct kafka_message_set *set)
{
    *reader = (struct kafka_message_reader){
        .next = set->messages.data,
        .end = set->messages.data + set->messages.len,
        .wrapper_magic = set->codec == KAFKA_CODEC_NONE ? -1 : set->magic,
        .refusal = {.record_index = -1},
    };
}

static bool refuse_record(struct kafka_message_reader *reader, int16_t code, const char *message)
{
    reader->refusal = (struct kafka_refusal){
        .code = code, .record_index = reader->index, .message = message};
    return false;
}

/* What kafka_message_set_open() has checked of a plain one. */
static bool check_inner(struct kafka_message_reader *reader, const uint8_t *frame,
                        size_t wire_bytes)
{
    if (codec_of(frame) != KAFKA_CODEC_NONE) {
        return refuse_record(reader, KAFKA_INVALID_RECORD, "compressed inside a compressed message");
    }
    if (frame[AT_MAGIC] != reader->wrapper_magic) {
        return refuse_record(reader, KAFKA_INVALID_RECORD, "format differs from the wrapper's");
    }
    if (!checksum_matches(frame, wire_bytes)) {
        return refuse(&reader->refusal, KAFKA_CORRUPT_MESSAGE, "checksum does not match");
    }
    if (wire_bytes < key_at(frame[AT_MAGIC])) {
        return refuse_record(reader, KAFKA_INVALID_RECORD, "message length is not sound");
    }
    return true;
}

bool kafka_message_next(struct kafka_message_reader *reader, struct kafka_record *record)
{
    const uint8_t *frame = reader->next;
    if (frame == reader->end || reader->refusal.code != KAFKA_NONE) {
        return false;
    }
    size_t wire_bytes = FRAME_BYTES + (size_t)be32_load(frame + AT_SIZE);
    if (reader->wrapper_magic >= 0 && !check_inner(reader, frame, wire_bytes)) {
        return false;
    }
    if (!read_message(frame, wire_bytes, record)) {
        return refuse_record(reader, KAFKA_INVALID_RECORD, "message length is not sound");
    }
    /* Inside, the wrapper's bit counts, which was looked at. */
    if (reader->wrapper_magic < 0 && frame[AT_MAGIC] > 0 &&
        (frame[AT_ATTRIBUTES] & LOG_APPEND_TIME)) {
        return refuse_record(reader, KAFKA_INVALID_TIMESTAMP,
                             "a producer cannot set log append time");
    }
    reader->next = frame + wire_bytes;
    reader->index++;
    return true;
}
