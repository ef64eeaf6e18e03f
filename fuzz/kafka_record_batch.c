/*
 * A record batch as a Produce carries it. What the tuned loop reads is compared, field by field,
 * with a reader that follows the format's definition and knows no short cut. When the tape says so
 * the bytes are the records alone, which gets past the checksum.
 */
#include "fuzz/repair.h"
#include "fuzz/support.h"
#include "proto/crc32c.h"
#include "kafka/compression.h"
#include "kafka/record_batch.h"
#include "kafka/utf8.h"

enum { PLAIN_BYTES = 256 << 10 };

/* --- the judge --- */

struct naive {
    const uint8_t *p;
    const uint8_t *end;
};

static bool naive_int(struct naive *at, int32_t *value)
{
    size_t used = varint_read_slow(at->p, at->end, value);
    at->p += used;
    return used > 0;
}

static bool naive_bytes(struct naive *at, int32_t least, struct slice *bytes)
{
    int32_t len = 0;
    if (!naive_int(at, &len) || len < least || len > at->end - at->p)
        return false;
    *bytes = len < 0 ? SLICE_NULL : slice_make(at->p, (size_t)len);
    at->p += bytes->len;
    return true;
}

static bool naive_headers(struct naive *at, int32_t count)
{
    struct slice key, value;
    for (int32_t i = 0; i < count; i++)
        if (!naive_bytes(at, 0, &key) || !naive_bytes(at, -1, &value) || !kafka_utf8_valid(key))
            return false;
    return at->p == at->end;
}

static bool naive_next(struct naive *at, const struct kafka_record_reader *reader,
                       struct kafka_record *record)
{
    int32_t length = 0, offset_delta = -1;
    int64_t timestamp_delta = 0;

    if (!naive_int(at, &length) || length <= 0 || length > at->end - at->p)
        return false;
    struct naive in = {at->p + 1, at->p + length};
    at->p = in.end;
    size_t used = varlong_read_slow(in.p, in.end, &timestamp_delta);
    in.p += used;
    record->timestamp = (int64_t)((uint64_t)reader->base_timestamp + (uint64_t)timestamp_delta);
    if (used == 0 || !naive_int(&in, &offset_delta) || offset_delta != reader->index ||
        !naive_bytes(&in, -1, &record->key) || !naive_bytes(&in, -1, &record->value) ||
        !naive_int(&in, &record->header_count) || record->header_count < 0 ||
        record->header_count > reader->max_headers)
        return false;
    record->headers = slice_make(in.p, (size_t)(in.end - in.p));
    return naive_headers(&in, record->header_count);
}

/* --- the property --- */

static bool same_bytes(struct slice a, struct slice b)
{
    return a.data == b.data && a.len == b.len;
}

static void check_headers(const struct kafka_record *record)
{
    struct slice left = record->headers, key, value;

    REQUIRE((record->header_count == 0) == (left.data == NULL));
    for (int32_t i = 0; i < record->header_count; i++) {
        kafka_record_header_next(&left, &key, &value);
        REQUIRE(kafka_utf8_valid(key) && key.data != NULL);
    }
    REQUIRE(left.len == 0);
}

static void read_records(const struct kafka_record_batch *batch, struct slice records,
                         int32_t max_headers)
{
    struct kafka_record_reader reader;
    struct kafka_record record, wanted = {0};

    kafka_record_reader_init(&reader, batch, records, max_headers);
    if (reader.refusal.code != KAFKA_NONE) {
        REQUIRE(!kafka_record_next(&reader, &record));
        return;
    }
    struct naive judge = {reader.next, reader.end};
    for (int32_t i = 0; i < batch->record_count; i++) {
        bool sound = naive_next(&judge, &reader, &wanted);
        REQUIRE(kafka_record_next(&reader, &record) == sound);
        if (!sound) {
            REQUIRE(reader.refusal.code == KAFKA_INVALID_RECORD &&
                    reader.refusal.record_index == i);
            REQUIRE(reader.refusal.message != NULL && !kafka_record_next(&reader, &record));
            return;
        }
        REQUIRE(record.timestamp == wanted.timestamp && same_bytes(record.key, wanted.key) &&
                same_bytes(record.value, wanted.value));
        REQUIRE(record.header_count == wanted.header_count);
        REQUIRE(record.headers.len == 0 || same_bytes(record.headers, wanted.headers));
        check_headers(&record);
    }
    REQUIRE(!kafka_record_next(&reader, &record));
    REQUIRE((reader.refusal.code == KAFKA_NONE) == (judge.p == judge.end));
}

/* --- a whole batch --- */

static void read_compressed(const struct kafka_record_batch *batch, int32_t max_headers)
{
    struct kafka_decompressor *decompressor = kafka_decompressor_new(&alloc_heap);
    struct buf plain;

    buf_init(&plain, &alloc_heap, PLAIN_BYTES);
    if (kafka_decompress(decompressor, batch->codec, batch->records, &plain, PLAIN_BYTES) ==
        STATUS_OK)
        read_records(batch, buf_unread(&plain), max_headers);
    buf_deinit(&plain);
    kafka_decompressor_free(decompressor);
}

static void open_batch(struct slice bytes, size_t max_bytes, int32_t max_headers)
{
    struct kafka_record_batch batch;
    struct kafka_refusal refusal = {0};

    if (!kafka_record_batch_open(bytes, max_bytes, &batch, &refusal)) {
        REQUIRE(refusal.code > KAFKA_NONE && refusal.message != NULL && refusal.record_index == -1);
        return;
    }
    REQUIRE(batch.wire_bytes <= bytes.len && batch.wire_bytes <= max_bytes);
    REQUIRE(batch.records.data + batch.records.len == bytes.data + batch.wire_bytes);
    REQUIRE(batch.record_count > 0 && batch.producer_id >= -1);
    if (batch.codec == KAFKA_CODEC_NONE)
        read_records(&batch, batch.records, max_headers);
    else
        read_compressed(&batch, max_headers);
}

size_t fuzz_repair(uint8_t *bytes, size_t len, size_t room, unsigned seed)
{
    (void)room;
    if (seed % 4 != 0)
        repair_record_batch(bytes, len);
    else
        repair_record_batches(bytes, len);
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input_split(data, size);
    uint8_t headers = tape_byte(&input.tape);
    int32_t max_headers = headers == 0 ? 1024 : headers;
    uint8_t records = tape_byte(&input.tape);
    uint8_t shift = tape_byte(&input.tape) % 16;

    REQUIRE(crc32c(input.bytes.data, input.bytes.len) ==
            crc32c_table(input.bytes.data, input.bytes.len)); /* whatever this processor has */
    if (records == 0) {
        open_batch(input.bytes, (size_t)1048576 >> shift, max_headers);
    } else {
        struct kafka_record_batch alone = {.record_count = records, .base_timestamp = INT64_MAX};
        read_records(&alone, input.bytes, max_headers);
    }
    fuzz_input_free(&input);
    return 0;
}
