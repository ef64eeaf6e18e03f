#include "tests/sim/chance.h"

#include <stdlib.h>
#include <string.h>

enum { PURPOSE_FAULT = 0x10000 };

void chance_init(struct chance *chance, uint64_t seed)
{
    *chance = (struct chance){.seed = seed};
}

void chance_deinit(struct chance *chance)
{
    free(chance->record);
}

const char *fault_name(uint32_t fault)
{
    static const char *const names[] = {
#define SIM_FAULT_NAME(name, ppm, text) #name,
        SIM_FAULT_MAP(SIM_FAULT_NAME)
#undef SIM_FAULT_NAME
    };
    return fault < SIM_FAULT_COUNT
               ? names[fault]
               : database_fault_name((enum database_fault)(fault - SIM_FAULT_COUNT));
}

int fault_by_name(const char *name)
{
    for (uint32_t i = 0; i < ALL_FAULT_COUNT; i++)
        if (strcmp(fault_name(i), name) == 0)
            return (int)i;
    return -1;
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

uint64_t chance_draw(const struct chance *chance, uint64_t entity, uint64_t counter,
                     uint32_t purpose)
{
    uint64_t hash = mix(chance->seed + UINT64_C(0x9E3779B97F4A7C15));
    hash = mix(hash ^ mix(entity + UINT64_C(0x632BE59BD9B4E019)));
    hash = mix(hash ^ mix(counter + UINT64_C(0xD1B54A32D192ED03)));
    return mix(hash ^ mix(purpose + UINT64_C(0x8CB92BA72F3D8DD7)));
}

int64_t chance_between(const struct chance *chance, uint64_t entity, uint64_t counter,
                       uint32_t purpose, int64_t min, int64_t max)
{
    uint64_t span = (uint64_t)(max - min) + 1;
    return min + (int64_t)(chance_draw(chance, entity, counter, purpose) % span);
}

int64_t chance_skewed(const struct chance *chance, uint64_t entity, uint64_t counter,
                      uint32_t purpose, int64_t min, int64_t max)
{
    /* Doublings and what is between them, in integers: the same on every machine. */
    int64_t doublings = 0;
    while (min << (doublings + 1) <= max)
        doublings++;
    int64_t low = min << chance_between(chance, entity, counter, purpose, 0, doublings);
    int64_t high = 2 * low < max ? 2 * low : max;
    return chance_between(chance, entity, counter, purpose + 1, low, high);
}

static bool is_listed(const struct chance *chance, uint32_t fault, uint64_t entity,
                      uint64_t counter)
{
    for (size_t i = 0; i < chance->only_count; i++)
        if (chance->only[i].fault == fault && chance->only[i].entity == entity &&
            chance->only[i].counter == counter)
            return true;
    return false;
}

bool chance_decide(struct chance *chance, uint32_t fault, uint64_t entity, uint64_t counter,
                   bool drawn)
{
    if (chance->is_healed)
        return false;
    if (chance->only != NULL)
        drawn = is_listed(chance, fault, entity, counter);
    if (!drawn)
        return false;
    if (chance->record_count == chance->record_capacity) {
        chance->record_capacity = chance->record_capacity == 0 ? 64 : chance->record_capacity * 2;
        chance->record =
            realloc(chance->record, chance->record_capacity * sizeof(*chance->record));
        if (chance->record == NULL)
            abort();
    }
    chance->record[chance->record_count++] = (struct fired_fault){fault, entity, counter};
    chance->fired[fault]++;
    return true;
}

bool chance_fault(struct chance *chance, enum sim_fault fault, uint64_t entity, uint64_t counter)
{
    if (chance->is_healed || (chance->ppm[fault] == 0 && chance->only == NULL))
        return false;
    bool drawn = chance_draw(chance, entity, counter, PURPOSE_FAULT + fault) % 1000000 <
                 chance->ppm[fault];
    return chance_decide(chance, fault, entity, counter, drawn);
}
