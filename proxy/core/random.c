#include "core/random.h"

void random_init(struct random *random, uint64_t seed)
{
    /* Seeds are often small and close to each other; splitmix64's finisher spreads them. */
    uint64_t z = seed + 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    random->state = z == 0 ? 1 : z;
}

/* xorshift64* */
uint64_t random_next(struct random *random)
{
    uint64_t x = random->state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    random->state = x;
    return x * 0x2545F4914F6CDD1Du;
}

int64_t random_up_to(struct random *random, int64_t limit)
{
    if (limit <= 0)
        return 0;
    /* The bias of the remainder is below one in a million for the times that are asked for here. */
    return (int64_t)((random_next(random) >> 1) % ((uint64_t)limit + 1));
}
