#include "proto/murmur3.h"

#include <string.h>

#define C1 UINT64_C(0x87c37b91114253d5)
#define C2 UINT64_C(0x4cf5ad432745937f)

static uint64_t le64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v)); /* endian.h has made sure that the host is little endian */
    return v;
}

static uint64_t rotl(uint64_t v, unsigned by)
{
    return v << by | v >> (64 - by);
}

static uint64_t scramble1(uint64_t k)
{
    return rotl(k * C1, 31) * C2;
}

static uint64_t scramble2(uint64_t k)
{
    return rotl(k * C2, 33) * C1;
}

static uint64_t finish(uint64_t h)
{
    h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ h >> 33;
}

/* Up to eight tail bytes, low first, each signed as in Java: the quirk that makes it Cassandra's.
 */
static uint64_t tail(const uint8_t *p, size_t len)
{
    uint64_t k = 0;
    for (size_t i = 0; i < len; i++)
        k ^= (uint64_t)(int64_t)(int8_t)p[i] << (8 * i);
    return k;
}

int64_t murmur3_token(const void *key, size_t len)
{
    const uint8_t *p = key;
    size_t rest = len;
    uint64_t h1 = 0;
    uint64_t h2 = 0;

    for (; rest >= 16; p += 16, rest -= 16) {
        h1 = rotl(h1 ^ scramble1(le64(p)), 27) + h2;
        h1 = h1 * 5 + 0x52dce729;
        h2 = rotl(h2 ^ scramble2(le64(p + 8)), 31) + h1;
        h2 = h2 * 5 + 0x38495ab5;
    }
    if (rest > 8)
        h2 ^= scramble2(tail(p + 8, rest - 8));
    if (rest > 0)
        h1 ^= scramble1(tail(p, rest > 8 ? 8 : rest));

    h1 ^= len;
    h2 ^= len;
    h1 += h2;
    h2 += h1;
    h1 = finish(h1);
    h2 = finish(h2);
    h1 += h2;

    int64_t token = (int64_t)h1;
    return token == INT64_MIN ? INT64_MAX : token;
}
