/*
 * Zigzag varints of Kafka records (proto2 style, low group first), inline for the record loop.
 * Reading: returns the bytes used, or 0 when the value does not end within `end` or has more than
 * 32 / 64 bits. Writing: returns the bytes written, at most 5 / 10; the caller has the room.
 */
#ifndef PROTO_VARINT_H
#define PROTO_VARINT_H

#include <stddef.h>
#include <stdint.h>

size_t varint_read_slow(const uint8_t *p, const uint8_t *end, int32_t *value);
size_t varlong_read_slow(const uint8_t *p, const uint8_t *end, int64_t *value);
size_t varint_write(uint8_t *p, int32_t value);
size_t varlong_write(uint8_t *p, int64_t value);
size_t uvarint_write(uint8_t *p, uint32_t value);

static inline size_t varint_read(const uint8_t *p, const uint8_t *end, int32_t *value)
{
    if (p < end && p[0] < 0x80) {
        *value = (int32_t)(p[0] >> 1) ^ -(int32_t)(p[0] & 1);
        return 1;
    }
    return varint_read_slow(p, end, value);
}

static inline size_t varlong_read(const uint8_t *p, const uint8_t *end, int64_t *value)
{
    if (p < end && p[0] < 0x80) {
        *value = (int64_t)(p[0] >> 1) ^ -(int64_t)(p[0] & 1);
        return 1;
    }
    return varlong_read_slow(p, end, value);
}

#endif
