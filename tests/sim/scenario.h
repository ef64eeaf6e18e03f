/*
 * A run as a file: the seed, and the faults that fire, each by name, entity and counter. What a
 * failing seed is shrunk to; it stays in scenarios/ as a test, since the code may come to ask for
 * other faults under that seed.
 */
#ifndef TESTS_SIM_SCENARIO_H
#define TESTS_SIM_SCENARIO_H

#include <stdio.h>

#include "tests/sim/world.h"

struct scenario {
    struct world_options options; /* `only` points into faults */
    struct fired_fault *faults;
    size_t fault_count;
};

/* False: said why. */
bool scenario_read(struct scenario *scenario, const char *path);
void scenario_write(const struct scenario *scenario, const char *comment, FILE *to);
void scenario_free(struct scenario *scenario);

/* Leaves out faults, and then trouble, as long as the same invariant breaks. Each try is a process
 * of its own. False: the seed does not fail. */
bool scenario_shrink(const struct world_options *options, FILE *to);

#endif
