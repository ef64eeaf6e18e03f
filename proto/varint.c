#include "proto/varint.h"

/* Low group first, seven bits a byte, the high bit: more follow. 0: no value of `bits` bits. */
static size_t groups_read(const uint8_t *p, const uint8_t *end, unsigned bits, uint64_t *value)
{
    uint64_t sum = 0;
    size_t used = 0;

    for (unsigned shift = 0; shift < bits && p + used < end; shift += 7) {
        uint64_t group = p[used] & 0x7f;
        if (bits - shift < 7 && group >> (bits - shift) != 0)
            return 0;
        sum |= group << shift;
        if (p[used++] < 0x80) {
            *value = sum;
            return used;
        }
    }
    return 0;
}

static size_t groups_write(uint8_t *p, uint64_t value)
{
    size_t used = 0;
    while (value >= 0x80) {
        p[used++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    p[used++] = (uint8_t)value;
    return used;
}

size_t varint_read_slow(const uint8_t *p, const uint8_t *end, int32_t *value)
{
    uint64_t folded;
    size_t used = groups_read(p, end, 32, &folded);
    if (used != 0)
        *value = (int32_t)(uint32_t)(folded >> 1) ^ -(int32_t)(folded & 1);
    return used;
}

size_t varlong_read_slow(const uint8_t *p, const uint8_t *end, int64_t *value)
{
    uint64_t folded;
    size_t used = groups_read(p, end, 64, &folded);
    if (used != 0)
        *value = (int64_t)(folded >> 1) ^ -(int64_t)(folded & 1);
    return used;
}

/* Zigzag: the sign goes to the lowest bit, so that small magnitudes stay short. */
size_t varint_write(uint8_t *p, int32_t value)
{
    return groups_write(p, ((uint32_t)value << 1) ^ (value < 0 ? UINT32_MAX : 0));
}

size_t varlong_write(uint8_t *p, int64_t value)
{
    return groups_write(p, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

size_t uvarint_write(uint8_t *p, uint32_t value)
{
    return groups_write(p, value);
}
