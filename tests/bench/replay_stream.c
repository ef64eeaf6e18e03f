#include "tests/bench/replay_stream.h"

#include "kafka/header.h"
#include "kafka/produce.h"
#include "proto/crc32c.h"
#include "proto/endian.h"
#include "tests/bench/bench.h"
#include "tests/support/batch_builder.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum {
    CORRELATION_AT = 8, /* size, key, version */
    BATCH_CRC_AT = 17,
    BATCH_CRC_FROM = 21, /* what the checksum covers */
    BATCH_SEQUENCE_AT = 53,
    MAX_VALUE_BYTES = 1 << 20,
    MAX_FRAME_BYTES = 1 << 28,
    ACKS_ALL = -1,
    TIMEOUT_MS = 30000,
};

/* JSON as services send it: some of it repeats, some does not, so that codecs have something to do.
 */
static struct slice make_value(uint8_t *to, size_t len, uint32_t number)
{
    static const char *const words[] = {"pending", "paid",  "shipped", "returned",
                                        "blue",    "green", "large",   "small"};
    uint32_t random = number * 2654435761u + 1;
    int n = snprintf((char *)to, len + 1, "{\"id\":%" PRIu32 ",\"user\":\"u%08" PRIx32 "\"", number,
                     random);
    size_t at = n < 0 ? 0 : (size_t)n;
    for (int field = 0; at < len; field++) {
        random = random * 1664525u + 1013904223u;
        n = snprintf((char *)to + at, len + 1 - at, ",\"f%d\":\"%s\",\"n%d\":%" PRIu32, field,
                     words[random >> 29], field, (random >> 8) % 100000);
        at += (size_t)n;
    }
    to[len - 1] = '}';
    return slice_make(to, len);
}

static void fill(struct batch_builder *builder, const struct replay_shape *shape)
{
    static uint8_t value[MAX_VALUE_BYTES + 256], key[256];
    int64_t now_ms = (int64_t)time(NULL) * 1000;
    if (shape->value_bytes == 0 || shape->value_bytes > MAX_VALUE_BYTES ||
        shape->key_bytes >= sizeof(key))
        bench_die("values of 1 to %d bytes, keys of up to %zu", MAX_VALUE_BYTES, sizeof(key) - 1);
    size_t record_bytes = shape->value_bytes + shape->key_bytes + 12;
    do {
        uint32_t number = (uint32_t)builder->count;
        struct slice k = shape->key_bytes == 0 ? SLICE_NULL : slice_make(key, shape->key_bytes);
        (void)snprintf((char *)key, sizeof(key), "%0*" PRIu32, (int)shape->key_bytes, number);
        batch_add(builder, now_ms + builder->count / 16, k,
                  make_value(value, shape->value_bytes, number));
    } while (buf_len(&builder->records) + record_bytes + KAFKA_BATCH_HEADER_BYTES <=
             shape->batch_bytes);
}

static uint32_t crc_of(const struct buf *frame, size_t batch_at, size_t batch_len)
{
    return crc32c(frame->data + batch_at + BATCH_CRC_FROM, batch_len - BATCH_CRC_FROM);
}

static void learn_crc(struct replay_stream *stream, struct buf *frame, size_t batch_len)
{
    uint8_t *sequence = frame->data + stream->batch_at + BATCH_SEQUENCE_AT;
    be32_store(sequence, 0);
    stream->crc = crc_of(frame, stream->batch_at, batch_len);
    for (int bit = 0; bit < 32; bit++) {
        be32_store(sequence, (uint32_t)1 << bit);
        stream->crc_flips[bit] = crc_of(frame, stream->batch_at, batch_len) ^ stream->crc;
    }
}

static size_t find_batch(const struct buf *frame, struct slice batch)
{
    const uint8_t *found = memmem(frame->data, frame->write, batch.data, batch.len);
    if (found == NULL)
        bench_die("the batch is not in its request");
    return (size_t)(found - frame->data);
}

void replay_stream_init(struct replay_stream *stream, const struct replay_shape *shape,
                        int32_t partition)
{
    struct batch_builder builder;
    struct buf frame; /* never freed: the tail lies in it */
    batch_builder_init(&builder);
    builder.codec = shape->codec;
    builder.producer_id = shape->producer_id;
    builder.producer_epoch = shape->producer_epoch;
    fill(&builder, shape);
    struct slice batch = batch_build(&builder);
    struct kafka_produce_partition part = {.index = partition, .records = batch};
    struct kafka_produce_topic topic = {
        .name = slice_cstr(shape->topic), .partitions = &part, .partition_count = 1};
    struct kafka_produce_request request = {
        .acks = ACKS_ALL, .timeout_ms = TIMEOUT_MS, .topics = &topic, .topic_count = 1};
    struct kafka_request_header header = {.request_api_key = KAFKA_PRODUCE,
                                          .request_api_version = (int16_t)shape->produce_version,
                                          .client_id = SLICE_LITERAL("replay")};
    buf_init(&frame, &alloc_heap, MAX_FRAME_BYTES);
    if (kafka_request_encode(&frame, &header, &request) < 0)
        bench_die("the request cannot be encoded");
    *stream = (struct replay_stream){.partition = partition,
                                     .record_count = builder.count,
                                     .value_bytes = (size_t)builder.count * shape->value_bytes,
                                     .frame_bytes = frame.write,
                                     .batch_at = find_batch(&frame, batch),
                                     .is_idempotent = shape->producer_id >= 0,
                                     .next_offset = -1};
    stream->head_len = stream->batch_at + KAFKA_BATCH_HEADER_BYTES;
    if (stream->head_len > sizeof(stream->head))
        bench_die("the topic's name is too long");
    if (stream->is_idempotent)
        learn_crc(stream, &frame, batch.len);
    memcpy(stream->head, frame.data, stream->head_len);
    stream->tail = slice_make(frame.data + stream->head_len, frame.write - stream->head_len);
    batch_builder_deinit(&builder);
}

void replay_stream_head(struct replay_stream *stream, int32_t correlation_id, uint8_t *to)
{
    memcpy(to, stream->head, stream->head_len);
    be32_store(to + CORRELATION_AT, (uint32_t)correlation_id);
    if (!stream->is_idempotent)
        return;
    uint32_t crc = stream->crc, bits = (uint32_t)stream->sequence;
    be32_store(to + stream->batch_at + BATCH_SEQUENCE_AT, bits);
    for (; bits != 0; bits &= bits - 1)
        crc ^= stream->crc_flips[__builtin_ctz(bits)];
    be32_store(to + stream->batch_at + BATCH_CRC_AT, crc);
    /* after 2^31 - 1 comes 0 */
    stream->sequence =
        (int32_t)(((uint32_t)stream->sequence + (uint32_t)stream->record_count) & INT32_MAX);
}
