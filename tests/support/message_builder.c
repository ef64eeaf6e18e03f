#include "tests/support/message_builder.h"

#include "proto/endian.h"

#include <stdlib.h>

#define LIMIT_BYTES ((size_t)256 << 20)

static void must(int rc)
{
    if (rc < 0)
        abort();
}

uint32_t message_crc32(struct slice bytes)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= bytes.data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
    }
    return ~crc;
}

void message_builder_init(struct message_builder *builder, uint8_t magic)
{
    *builder = (struct message_builder){.magic = magic};
    buf_init(&builder->set, &alloc_heap, LIMIT_BYTES);
}

void message_builder_deinit(struct message_builder *builder)
{
    buf_deinit(&builder->set);
}

void message_builder_reset(struct message_builder *builder)
{
    buf_reset(&builder->set);
    builder->next_offset = 0;
}

static void put_int(struct buf *out, uint64_t value, size_t bytes)
{
    uint8_t big[8];

    be64_store(big, value);
    must(buf_append(out, slice_make(big + 8 - bytes, bytes)));
}

static void put_bytes(struct buf *out, struct slice bytes, int32_t len_change)
{
    int32_t len = bytes.data == NULL ? -1 : (int32_t)bytes.len;

    put_int(out, (uint32_t)(len + len_change), 4);
    if (bytes.len > 0)
        must(buf_append(out, bytes));
}

static void put_message(struct message_builder *builder, int64_t offset, uint8_t attributes,
                        int64_t timestamp, struct slice key, struct slice value)
{
    struct buf body;

    buf_init(&body, &alloc_heap, LIMIT_BYTES);
    put_int(&body, builder->magic, 1);
    put_int(&body, attributes, 1);
    if (builder->magic > 0)
        put_int(&body, (uint64_t)timestamp, 8);
    put_bytes(&body, key, builder->key_len_change);
    put_bytes(&body, value, builder->value_len_change);
    put_int(&builder->set, (uint64_t)offset, 8);
    put_int(&builder->set, buf_len(&body) + 4, 4);
    put_int(&builder->set, message_crc32(buf_unread(&body)) ^ builder->crc_change, 4);
    must(buf_append(&builder->set, buf_unread(&body)));
    buf_deinit(&body);
}

void message_add(struct message_builder *builder, int64_t timestamp, struct slice key,
                 struct slice value)
{
    put_message(builder, builder->next_offset++, builder->attributes, timestamp, key, value);
}

void message_wrap(struct message_builder *builder, enum kafka_codec codec)
{
    struct buf inner, packed;

    buf_init(&packed, &alloc_heap, LIMIT_BYTES);
    buf_init(&inner, &alloc_heap, LIMIT_BYTES);
    buf_move(&inner, &builder->set);
    batch_compress(codec, builder->snappy, buf_unread(&inner), &packed);
    if (codec == KAFKA_CODEC_LZ4) /* the frame header has no content size here: 7 bytes */
        packed.data[packed.read + 6] ^= builder->lz4_checksum_change;
    put_message(builder, builder->wrapper_offset, (uint8_t)(builder->attributes | codec), 77,
                SLICE_NULL, buf_unread(&packed));
    buf_deinit(&inner);
    buf_deinit(&packed);
}

struct slice message_set(const struct message_builder *builder)
{
    return buf_unread(&builder->set);
}
