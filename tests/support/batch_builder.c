#include "tests/support/batch_builder.h"

#include "proto/crc32c.h"
#include "proto/endian.h"
#include "proto/varint.h"

#include <stdio.h>
#include <stdlib.h>

#define BUILDER_LIMIT ((size_t)1 << 30)

static void need(int status)
{
    if (status < 0) {
        fprintf(stderr, "batch_builder: %s\n", status_text(status));
        abort();
    }
}

/* ------------------------------------------------------------------ bytes */

static void put(struct buf *out, struct slice bytes)
{
    need(buf_append(out, bytes));
}

static void put_u8(struct buf *out, uint8_t value)
{
    put(out, slice_make(&value, 1));
}

static void put_be(struct buf *out, uint64_t value, size_t bytes)
{
    uint8_t wire[8];
    be64_store(wire, value);
    put(out, slice_make(wire + sizeof(wire) - bytes, bytes));
}

static void put_varint(struct buf *out, int32_t value)
{
    uint8_t wire[5];
    put(out, slice_make(wire, varint_write(wire, value)));
}

static void put_varlong(struct buf *out, int64_t value)
{
    uint8_t wire[10];
    put(out, slice_make(wire, varlong_write(wire, value)));
}

static void put_bytes(struct buf *out, struct slice bytes)
{
    put_varint(out, bytes.data == NULL ? -1 : (int32_t)bytes.len);
    put(out, bytes);
}

/* ------------------------------------------------------------------ records */

void batch_builder_init(struct batch_builder *builder)
{
    *builder = (struct batch_builder){
        .leader_epoch = -1, .producer_id = -1, .producer_epoch = -1, .base_sequence = -1};
    buf_init(&builder->records, &alloc_heap, BUILDER_LIMIT);
    buf_init(&builder->batch, &alloc_heap, BUILDER_LIMIT);
    buf_init(&builder->scratch, &alloc_heap, BUILDER_LIMIT);
}

void batch_builder_deinit(struct batch_builder *builder)
{
    buf_deinit(&builder->records);
    buf_deinit(&builder->batch);
    buf_deinit(&builder->scratch);
}

void batch_builder_reset(struct batch_builder *builder)
{
    buf_reset(&builder->records);
    builder->count = 0;
    builder->base_timestamp = 0;
    builder->max_timestamp = 0;
}

void batch_add_bytes(struct batch_builder *builder, struct slice bytes)
{
    put(&builder->records, bytes);
    builder->count++;
}

void batch_add_raw(struct batch_builder *builder, const struct batch_raw_record *record)
{
    struct buf *body = &builder->scratch;
    buf_reset(body);
    put_u8(body, record->attributes);
    put_varlong(body, record->timestamp_delta);
    put_varint(body, record->offset_delta);
    put_varint(body, record->key_len);
    put(body, record->key_len > 0 ? record->key : SLICE_NULL);
    put_varint(body, record->value_len);
    put(body, record->value_len > 0 ? record->value : SLICE_NULL);
    put_varint(body, record->header_count);
    put(body, record->headers);
    put(body, record->trailer);
    put_varint(&builder->records, (int32_t)buf_len(body) + record->length_change);
    batch_add_bytes(builder, buf_unread(body));
}

void batch_add_with_headers(struct batch_builder *builder, int64_t timestamp, struct slice key,
                            struct slice value, const struct batch_header *headers,
                            int32_t header_count)
{
    if (builder->count == 0) {
        builder->base_timestamp = timestamp;
        builder->max_timestamp = timestamp;
    }
    if (timestamp > builder->max_timestamp) {
        builder->max_timestamp = timestamp;
    }
    struct buf *body = &builder->scratch;
    buf_reset(body);
    put_u8(body, 0);
    put_varlong(body, (int64_t)((uint64_t)timestamp - (uint64_t)builder->base_timestamp));
    put_varint(body, builder->count);
    put_bytes(body, key);
    put_bytes(body, value);
    put_varint(body, header_count);
    for (int32_t i = 0; i < header_count; i++) {
        put_bytes(body, headers[i].key);
        put_bytes(body, headers[i].value);
    }
    put_varint(&builder->records, (int32_t)buf_len(body));
    batch_add_bytes(builder, buf_unread(body));
}

void batch_add(struct batch_builder *builder, int64_t timestamp, struct slice key,
               struct slice value)
{
    batch_add_with_headers(builder, timestamp, key, value, NULL, 0);
}

/* ------------------------------------------------------------------ batch */

void batch_fix_crc(uint8_t *batch, size_t len)
{
    be32_store(batch + 17, crc32c_table(batch + 21, len - 21));
}

struct slice batch_build_around(struct batch_builder *builder, struct slice records)
{
    const struct batch_flaws *flaws = &builder->flaws;
    struct buf *out = &builder->batch;
    uint32_t attributes = (uint32_t)builder->codec;
    if (builder->transactional) {
        attributes |= KAFKA_BATCH_TRANSACTIONAL;
    }
    int32_t length = KAFKA_BATCH_HEADER_BYTES - 12 + (int32_t)records.len;
    buf_reset(out);
    put_be(out, (uint64_t)flaws->base_offset, 8);
    put_be(out, (uint64_t)((int64_t)length + flaws->length_change), 4);
    put_be(out, (uint64_t)builder->leader_epoch, 4);
    put_u8(out, (uint8_t)(2 + flaws->magic_change));
    put_be(out, 0, 4);
    put_be(out, attributes ^ (uint16_t)flaws->attributes, 2);
    put_be(out, (uint64_t)((int64_t)builder->count - 1 + flaws->last_offset_delta_change), 4);
    put_be(out, (uint64_t)builder->base_timestamp, 8);
    put_be(out, (uint64_t)builder->max_timestamp, 8);
    put_be(out, (uint64_t)builder->producer_id, 8);
    put_be(out, (uint64_t)builder->producer_epoch, 2);
    put_be(out, (uint64_t)builder->base_sequence, 4);
    put_be(out, (uint64_t)((int64_t)builder->count + flaws->count_change), 4);
    put(out, records);
    batch_fix_crc(out->data, out->write);
    be32_store(out->data + 17, be32_load(out->data + 17) ^ flaws->crc_change);
    return buf_unread(out);
}

struct slice batch_build(struct batch_builder *builder)
{
    if (builder->codec == KAFKA_CODEC_NONE) {
        return batch_build_around(builder, buf_unread(&builder->records));
    }
    buf_reset(&builder->scratch);
    batch_compress(builder->codec, builder->snappy, buf_unread(&builder->records),
                   &builder->scratch);
    return batch_build_around(builder, buf_unread(&builder->scratch));
}
