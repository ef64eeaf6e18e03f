#include "fuzz/repair.h"

#include "cql/frame.h"
#include "kafka/header.h"
#include "kafka/record_batch.h"
#include "proto/crc32c.h"
#include "proto/endian.h"
#include "tests/support/message_builder.h"

/* Offsets in a record batch. */
enum {
    AT_LENGTH = 8,
    AT_MAGIC = 16,
    AT_CRC = 17,
    AT_ATTRIBUTES = 21,
    AT_LAST_OFFSET_DELTA = 23,
    AT_RECORD_COUNT = 57,
};

/* --- Kafka --- */

/* Leaves what is known as it is, and makes of what is not something that depends on it. */
static int16_t known_version(const struct kafka_api *api, int16_t version)
{
    int span = api->advertised_max - api->advertised_min + 1;

    if (version >= api->advertised_min && version <= api->advertised_max)
        return version;
    return (int16_t)(api->advertised_min + (uint16_t)version % span);
}

static const struct kafka_api *known_api(int16_t key)
{
    size_t count = 0;
    const struct kafka_api *rows = kafka_api_rows(&count);
    const struct kafka_api *api = kafka_api_find(key);

    return api != NULL ? api : &rows[(uint16_t)key % count];
}

void repair_kafka_header(uint8_t *frame, size_t len)
{
    if (len < KAFKA_FIXED_HEADER_BYTES)
        return;
    const struct kafka_api *api = known_api((int16_t)be16_load(frame));
    be16_store(frame, (uint16_t)api->key);
    be16_store(frame + 2, (uint16_t)known_version(api, (int16_t)be16_load(frame + 2)));
}

void repair_kafka_frames(uint8_t *bytes, size_t len)
{
    while (len >= KAFKA_SIZE_BYTES + KAFKA_FIXED_HEADER_BYTES) {
        size_t left = len - KAFKA_SIZE_BYTES;
        size_t size = be32_load(bytes);

        if (size < KAFKA_FIXED_HEADER_BYTES || size > left)
            size = left;
        be32_store(bytes, (uint32_t)size);
        repair_kafka_header(bytes + KAFKA_SIZE_BYTES, size);
        bytes += KAFKA_SIZE_BYTES + size;
        len = left - size;
    }
}

static void sum(uint8_t *batch, size_t len)
{
    be32_store(batch + AT_CRC, crc32c(batch + AT_ATTRIBUTES, len - AT_ATTRIBUTES));
}

void repair_record_batches(uint8_t *bytes, size_t len)
{
    for (size_t at = 0; at + KAFKA_BATCH_HEADER_BYTES <= len; at++) {
        size_t size = (size_t)be32_load(bytes + at + AT_LENGTH) + AT_LENGTH + 4;

        if (bytes[at + AT_MAGIC] == 2 && size >= KAFKA_BATCH_HEADER_BYTES && size <= len - at)
            sum(bytes + at, size);
    }
}

void repair_record_batch(uint8_t *bytes, size_t len)
{
    if (len < KAFKA_BATCH_HEADER_BYTES)
        return;
    memset(bytes, 0, AT_LENGTH);
    be32_store(bytes + AT_LENGTH, (uint32_t)(len - AT_LENGTH - 4));
    bytes[AT_MAGIC] = 2;
    uint32_t count = be32_load(bytes + AT_RECORD_COUNT) & 0xffff;
    be32_store(bytes + AT_RECORD_COUNT, count);
    be32_store(bytes + AT_LAST_OFFSET_DELTA, count - 1);
    sum(bytes, len);
}

void repair_messages(uint8_t *bytes, size_t len)
{
    enum { AT_SIZE = 8, AT_SUM = 12, FRAME_BYTES = 12, LEAST_BYTES = 14 };

    while (len >= FRAME_BYTES + LEAST_BYTES) {
        size_t left = len - FRAME_BYTES;
        size_t size = be32_load(bytes + AT_SIZE);

        if (size < LEAST_BYTES || size > left)
            size = left;
        be32_store(bytes + AT_SIZE, (uint32_t)size);
        bytes[AT_MAGIC] &= 1;
        be32_store(bytes + AT_SUM, message_crc32(slice_make(bytes + AT_MAGIC, size - 4)));
        bytes += FRAME_BYTES + size;
        len = left - size;
    }
}

/* --- CQL --- */

void repair_cql_frames(uint8_t *bytes, size_t len)
{
    while (len >= CQL_HEADER_BYTES) {
        struct cql_header header = cql_header_read(bytes);
        size_t left = len - CQL_HEADER_BYTES;

        header.version = CQL_VERSION | CQL_VERSION_RESPONSE;
        if (header.body_bytes > left)
            header.body_bytes = (uint32_t)left;
        cql_header_write(bytes, &header);
        bytes += CQL_HEADER_BYTES + header.body_bytes;
        len = left - header.body_bytes;
    }
}
