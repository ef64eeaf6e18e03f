/* What a seed makes of a world: sizes, and the swarm of faults, each on or off with a rate. */
#include "tests/sim/world.h"

enum { PURPOSE_PLAN = 400, PURPOSE_SWARM = 500, PURPOSE_RATE = 700 };

static int64_t draw(const struct world *world, uint32_t what, int64_t min, int64_t max)
{
    return chance_between(&world->chance, 0, what, PURPOSE_PLAN, min, max);
}

static const uint32_t most_ppm[SIM_FAULT_COUNT] = {
#define SIM_FAULT_PPM(name, ppm, text) ppm,
    SIM_FAULT_MAP(SIM_FAULT_PPM)
#undef SIM_FAULT_PPM
};

/* Parts per million of the occasions that database.h names. */
static const uint32_t database_most_ppm[DATABASE_FAULT_COUNT] = {
    [DATABASE_MESSAGE_LOST] = 30000,
    [DATABASE_MESSAGE_SLOW] = 30000,
    [DATABASE_MESSAGE_EXECUTED_LATE] = 500000,
    [DATABASE_HINT_NEVER] = 200000,
    [DATABASE_HINT_HOURS] = 300000,
    [DATABASE_WRITE_TIMEOUT] = 20000,
    [DATABASE_WRITE_FAILURE] = 10000,
    [DATABASE_WRITE_SERVER_ERROR] = 10000,
    [DATABASE_WRITE_UNKNOWN_ERROR] = 20000,
    [DATABASE_WRITE_OVERLOADED] = 10000,
    [DATABASE_REFUSED_OVERLOADED] = 10000,
    [DATABASE_REFUSED_UNAVAILABLE] = 10000,
    [DATABASE_REFUSED_BOOTSTRAPPING] = 5000,
    [DATABASE_REQUEST_LOST] = 5000,
    [DATABASE_ANSWER_LOST] = 5000,
    [DATABASE_ANSWER_LATE] = 10000,
    [DATABASE_REQUEST_LATE] = 10000,
    [DATABASE_COORDINATOR_DIES] = 1000,
    [DATABASE_UNPREPARED] = 2000,
    [DATABASE_READ_TIMEOUT] = 20000,
    [DATABASE_READ_FAILURE] = 10000,
    [DATABASE_READ_REPAIR_SKIPPED] = 0,
    [DATABASE_CAS_ABANDONED] = 30000,
    [DATABASE_SCHEMA_SLOW] = 200000,
    [DATABASE_GARBAGE] = 500,
    [DATABASE_WRONG_STREAM] = 500,
    [DATABASE_WRITE_REFUSED] = 5000,
};

static uint32_t draw_rate(const struct world *world, uint32_t fault, uint32_t most, uint64_t mood)
{
    /* 0: a calm world. 1, 2: few kinds of trouble. Else about a third of all kinds. */
    static const int64_t one_in[8] = {0, 12, 6, 3, 3, 3, 2, 2};
    if (most == 0 || one_in[mood] == 0 ||
        chance_between(&world->chance, 0, fault, PURPOSE_SWARM, 1, one_in[mood]) != 1)
        return 0;
    return (uint32_t)chance_skewed(&world->chance, 0, fault, PURPOSE_RATE, most / 60 + 1, most);
}

static void draw_faults(struct world *world)
{
    uint64_t mood = (uint64_t)draw(world, 50, 0, 7);
    for (uint32_t i = 0; i < SIM_FAULT_COUNT; i++)
        world->chance.ppm[i] = draw_rate(world, i, most_ppm[i], mood);
    for (uint32_t i = 0; i < DATABASE_FAULT_COUNT; i++)
        world->plan.database_ppm[i] =
            draw_rate(world, SIM_FAULT_COUNT + i, database_most_ppm[i], mood);
}

static void draw_sizes(struct world *world)
{
    static const unsigned nodes[] = {3, 3, 3, 3, 3, 4, 5, 1};
    static const int64_t segment_rows[] = {5, 12, 12, 40, 40, 200, 200, 100000};
    static const int64_t leases_ms[] = {10000, 10000, 10000, 4000};
    static const size_t mutation_bytes[] = {0, 0, 0, 0, 0, 600, 1500, 4000};
    static const size_t memory_bytes[] = {256 << 20, 256 << 20, 256 << 20, 256 << 20,
                                          256 << 20, 60000,     20000,     200000};
    static const int64_t speculative_ms[] = {0, 0, 0, 0, 1, 5, 40, 400};
    struct world_plan *plan = &world->plan;

    plan->gateways = (unsigned)draw(world, 0, 1, GATEWAYS_MAX);
    plan->producers = (unsigned)draw(world, 1, 1, PRODUCERS_MAX_SIM);
    plan->nodes = nodes[draw(world, 2, 0, 7)];
    plan->partitions = (int32_t)draw(world, 3, 1, 3);
    plan->trouble_us = draw(world, 4, 60, 480) * SIM_SECOND_US;
    plan->lease_us = leases_ms[draw(world, 5, 0, 3)] * SIM_MS_US;
    plan->segment_rows = segment_rows[draw(world, 6, 0, 7)];
    plan->mutation_bytes = mutation_bytes[draw(world, 7, 0, 7)];
    plan->memory_bytes = memory_bytes[draw(world, 8, 0, 7)];
    plan->group_rows = draw(world, 9, 0, 2) == 0 ? 4 : 300;
    plan->mutations = (uint32_t)draw(world, 10, 1, 4);
    plan->has_drift = draw(world, 11, 0, 2) == 0;
    plan->pace_us = chance_skewed(&world->chance, 0, 12, PURPOSE_PLAN, 50000, 4000000);
    plan->batch_rows_max = (int32_t)draw(world, 13, 1, 8);
    plan->value_bytes_max = draw(world, 14, 0, 3) == 0 ? 2000 : 64;
    plan->sleepy = draw(world, 15, 0, 5) == 0;
    plan->has_life = draw(world, 16, 0, 2) == 0;
    plan->speculative_us = speculative_ms[draw(world, 17, 0, 7)] * SIM_MS_US;
}

void world_draw_plan(struct world *world)
{
    const struct world_options *options = &world->options;
    struct world_plan *plan = &world->plan;

    draw_sizes(world);
    draw_faults(world);
    if (options->gateways != 0)
        plan->gateways = options->gateways;
    if (options->producers != 0)
        plan->producers = options->producers;
    if (options->partitions != 0)
        plan->partitions = (int32_t)options->partitions;
    if (options->seconds != 0)
        plan->trouble_us = options->seconds * SIM_SECOND_US;
}
