#include "kafka/utf8.h"

#define HIGH_BITS UINT64_C(0x8080808080808080)

/* Bytes of the well-formed sequence at `p` (Unicode table 3-7), 0 when there is none. `p` is not
 * ASCII. */
static size_t sequence_bytes(const uint8_t *p, size_t left)
{
    uint8_t first = p[0];
    size_t bytes = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (first < 0xC2 || first > 0xF4 || bytes > left) {
        return 0;
    }
    /* Only the second byte has a range that depends on the first one. */
    uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (p[1] < low || p[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < bytes; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return bytes;
}

/* Header keys are short and ASCII: two loads that overlap settle most of them without a loop. */
static inline bool is_ascii(const uint8_t *p, size_t len)
{
    if (len >= sizeof(uint64_t)) {
        uint64_t word;
        for (size_t at = 0; at < len - sizeof(word); at += sizeof(word)) {
            memcpy(&word, p + at, sizeof(word));
            if ((word & HIGH_BITS) != 0) {
                return false;
            }
        }
        memcpy(&word, p + len - sizeof(word), sizeof(word));
        return (word & HIGH_BITS) == 0;
    }
    if (len >= sizeof(uint32_t)) {
        uint32_t first;
        uint32_t last;
        memcpy(&first, p, sizeof(first));
        memcpy(&last, p + len - sizeof(last), sizeof(last));
        return ((first | last) & (uint32_t)HIGH_BITS) == 0;
    }
    uint8_t bits = 0;
    for (size_t i = 0; i < len; i++) {
        bits |= p[i];
    }
    return bits < 0x80;
}

bool kafka_utf8_valid(struct slice text)
{
    const uint8_t *p = text.data;
    size_t left = text.len;
    if (is_ascii(p, left)) {
        return true;
    }
    while (left > 0) {
        uint64_t word;
        if (left >= sizeof(word)) {
            memcpy(&word, p, sizeof(word));
            if ((word & HIGH_BITS) == 0) {
                p += sizeof(word);
                left -= sizeof(word);
                continue;
            }
        }
        size_t bytes = p[0] < 0x80 ? 1 : sequence_bytes(p, left);
        if (bytes == 0) {
            return false;
        }
        p += bytes;
        left -= bytes;
    }
    return true;
}
