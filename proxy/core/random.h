/*
 * Random numbers for jitter and names: seeded, small and repeatable, so that a simulation replays.
 * Not for secrets.
 */
#ifndef PROXY_CORE_RANDOM_H
#define PROXY_CORE_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state; /* never 0 */
};

void random_init(struct random *random, uint64_t seed); /* any seed */
uint64_t random_next(struct random *random);
/* 0 to limit, both included; limit < 0 counts as 0. */
int64_t random_up_to(struct random *random, int64_t limit);

#endif
