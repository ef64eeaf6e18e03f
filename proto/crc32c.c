/*
 * A checksum register is a polynomial over GF(2) of degree < 32, stored with x^0 in the highest
 * bit. Taking n bytes in multiplies it by x^(8n) modulo the Castagnoli polynomial; all forms below
 * are ways to do this for more than one byte at a time.
 *
 * Three chains: the crc32 instruction takes eight bytes per cycle but answers after three, so one
 * chain leaves two thirds of it idle. A block is cut in three lanes of equal length:
 *
 *      | lane a, from crc | lane b, from 0 | lane c, from 0, last word held back |
 *
 * At the end a must be moved over two lanes and b over one. Both products come out of the
 * carry-less multiplier unreduced, 64 bits wide, and are folded into the last word of lane c: the
 * crc32 of that word reduces all three at once.
 */
#include "proto/crc32c.h"

#include <stdatomic.h>
#include <string.h>

#include "proto/endian.h"

typedef uint32_t (*crc32c_update)(uint32_t crc, const uint8_t *p, size_t len);

static uint64_t word_load(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v)); /* little endian: endian.h has made sure */
    return v;
}

/*
 * Table t holds what a byte value becomes after t further zero bytes. The checksum is linear, so
 * its 256 entries are sums of the eight for single bits, and these follow one another through all
 * eight tables by one step of the shift register, from 0x82f63b78 on.
 */
#define BIT(n, bit, row) (((n) & (bit)) != 0 ? (row) : 0u)
#define AT(n, a, b, c, d, e, f, g, h)                                                              \
    BIT(n, 128, a) ^ BIT(n, 64, b) ^ BIT(n, 32, c) ^ BIT(n, 16, d) ^ BIT(n, 8, e) ^ BIT(n, 4, f) ^ \
        BIT(n, 2, g) ^ BIT(n, 1, h)
#define AT4(n, ...)                                                                                \
    AT(n, __VA_ARGS__), AT((n) + 1, __VA_ARGS__), AT((n) + 2, __VA_ARGS__), AT((n) + 3, __VA_ARGS__)
#define AT16(n, ...)                                                                               \
    AT4(n, __VA_ARGS__), AT4((n) + 4, __VA_ARGS__), AT4((n) + 8, __VA_ARGS__),                     \
        AT4((n) + 12, __VA_ARGS__)
#define AT64(n, ...)                                                                               \
    AT16(n, __VA_ARGS__), AT16((n) + 16, __VA_ARGS__), AT16((n) + 32, __VA_ARGS__),                \
        AT16((n) + 48, __VA_ARGS__)
#define TABLE(...)                                                                                 \
    {                                                                                              \
        AT64(0, __VA_ARGS__), AT64(64, __VA_ARGS__), AT64(128, __VA_ARGS__),                       \
            AT64(192, __VA_ARGS__)                                                                 \
    }

static const uint32_t TABLES[8][256] = {
    TABLE(0x82f63b78, 0x417b1dbc, 0x20bd8ede, 0x105ec76f, 0x8ad958cf, 0xc79a971f, 0xe13b70f7,
          0xf26b8303),
    TABLE(0xfbc3faf9, 0xff17c604, 0x7f8be302, 0x3fc5f181, 0x9d14c3b8, 0x4e8a61dc, 0x274530ee,
          0x13a29877),
    TABLE(0x8b277743, 0xc76580d9, 0xe144fb14, 0x70a27d8a, 0x38513ec5, 0x9edea41a, 0x4f6f520d,
          0xa541927e),
    TABLE(0x52a0c93f, 0xaba65fe7, 0xd725148b, 0xe964b13d, 0xf64463e6, 0x7b2231f3, 0xbf672381,
          0xdd45aab8),
    TABLE(0x6ea2d55c, 0x37516aae, 0x1ba8b557, 0x8f2261d3, 0xc5670b91, 0xe045beb0, 0x7022df58,
          0x38116fac),
    TABLE(0x1c08b7d6, 0x0e045beb, 0x85f4168d, 0xc00c303e, 0x6006181f, 0xb2f53777, 0xdb8ca0c3,
          0xef306b19),
    TABLE(0xf56e0ef4, 0x7ab7077a, 0x3d5b83bd, 0x9c5bfaa6, 0x4e2dfd53, 0xa5e0c5d1, 0xd0065990,
          0x68032cc8),
    TABLE(0x34019664, 0x1a00cb32, 0x0d006599, 0x847609b4, 0x423b04da, 0x211d826d, 0x9278fa4e,
          0x493c7d27),
};

static uint32_t update_table(uint32_t crc, const uint8_t *p, size_t len)
{
    for (; len >= 8; p += 8, len -= 8) {
        uint64_t v = word_load(p) ^ crc;
        crc = TABLES[7][v & 0xff] ^ TABLES[6][v >> 8 & 0xff] ^ TABLES[5][v >> 16 & 0xff] ^
              TABLES[4][v >> 24 & 0xff] ^ TABLES[3][v >> 32 & 0xff] ^ TABLES[2][v >> 40 & 0xff] ^
              TABLES[1][v >> 48 & 0xff] ^ TABLES[0][v >> 56];
    }
    for (; len > 0; p++, len--)
        crc = crc >> 8 ^ TABLES[0][(crc ^ *p) & 0xff];
    return crc;
}

#if defined(__x86_64__)

#include <immintrin.h>

#define TARGET_SSE42 __attribute__((target("sse4.2,pclmul")))

/*
 * One row per lane length L: x^(8L - 33) and x^(16L - 33). Of the 33, the crc32 of the word that
 * takes the product in contributes 32, and the product of two bit-reversed numbers being one bit
 * short the other.
 */
struct lanes {
    size_t lane_bytes;
    uint32_t one_lane;
    uint32_t two_lanes;
};

static const struct lanes LANES[] = {
    {4096, 0x82f89c77, 0x54a86326},
    {1024, 0x170076fa, 0xa51b6135},
    {256, 0xb9e02b86, 0xdd7e3b0c},
    {64, 0x9e4addf8, 0x0d3b6092},
};

TARGET_SSE42 static uint64_t multiply(uint64_t a, uint32_t b)
{
    __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)a),
                                           _mm_cvtsi64_si128((long long)(uint64_t)b), 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
}

/* Exactly three lanes. */
TARGET_SSE42 static uint32_t update_block(uint32_t crc, const uint8_t *p, const struct lanes *lanes)
{
    size_t lane = lanes->lane_bytes;
    const uint8_t *last = p + lane - 8;
    uint64_t a = crc;
    uint64_t b = 0;
    uint64_t c = 0;

    for (; p < last; p += 8) {
        a = _mm_crc32_u64(a, word_load(p));
        b = _mm_crc32_u64(b, word_load(p + lane));
        c = _mm_crc32_u64(c, word_load(p + 2 * lane));
    }
    a = _mm_crc32_u64(a, word_load(p));
    b = _mm_crc32_u64(b, word_load(p + lane));
    uint64_t moved = multiply(a, lanes->two_lanes) ^ multiply(b, lanes->one_lane);
    return (uint32_t)_mm_crc32_u64(c, word_load(p + 2 * lane) ^ moved);
}

TARGET_SSE42 static uint32_t update_sse42(uint32_t crc, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < sizeof(LANES) / sizeof(LANES[0]); i++) {
        size_t block = 3 * LANES[i].lane_bytes;
        for (; len >= block; p += block, len -= block)
            crc = update_block(crc, p, &LANES[i]);
    }
    uint64_t wide = crc;
    for (; len >= 8; p += 8, len -= 8)
        wide = _mm_crc32_u64(wide, word_load(p));
    crc = (uint32_t)wide;
    for (; len > 0; p++, len--)
        crc = _mm_crc32_u8(crc, *p);
    return crc;
}

static crc32c_update update_best(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul") ? update_sse42
                                                                                : update_table;
}

#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)

#include <arm_acle.h>

/* Only in builds for ARMv8.1 or +crc: asking at run time needs the kernel, which we may not see. */
static uint32_t update_armv8(uint32_t crc, const uint8_t *p, size_t len)
{
    for (; len >= 8; p += 8, len -= 8)
        crc = __crc32cd(crc, word_load(p));
    for (; len > 0; p++, len--)
        crc = __crc32cb(crc, *p);
    return crc;
}

static crc32c_update update_best(void)
{
    return update_armv8;
}

#else

static crc32c_update update_best(void)
{
    return update_table;
}

#endif

static uint32_t update_first(uint32_t crc, const uint8_t *p, size_t len);

/* Threads may race for the first call: all store the same pointer, so relaxed order is enough. */
static _Atomic(crc32c_update) chosen = update_first;

static uint32_t update_first(uint32_t crc, const uint8_t *p, size_t len)
{
    crc32c_update best = update_best();
    atomic_store_explicit(&chosen, best, memory_order_relaxed);
    return best(crc, p, len);
}

uint32_t crc32c(const void *data, size_t len)
{
    crc32c_update update = atomic_load_explicit(&chosen, memory_order_relaxed);
    return ~update(UINT32_MAX, data, len);
}

uint32_t crc32c_table(const void *data, size_t len)
{
    return ~update_table(UINT32_MAX, data, len);
}
