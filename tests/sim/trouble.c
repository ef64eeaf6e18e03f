/* Once a second: what befalls gateways, nodes, producers and the lines between them. */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/process.h"
#include "tests/sim/producer.h"
#include "tests/sim/world.h"

enum {
    PURPOSE_WHEN = 800,
    PURPOSE_LONG,
    PURPOSE_MUCH = 803,
    PURPOSE_SIGN,
    PURPOSE_WHO,
    PURPOSE_WHICH
};

struct trouble {
    struct list node; /* world.troubles */
    struct world *world;
    enum sim_fault fault;
    unsigned target;
    uint64_t tick;
};

static uint64_t entity_of(const struct trouble *trouble)
{
    return trouble->target;
}

/* min to max, mostly short. */
static int64_t span(const struct trouble *trouble, int64_t min_us, int64_t max_us)
{
    return chance_skewed(&trouble->world->chance, entity_of(trouble), trouble->tick,
                         PURPOSE_LONG + 1000 * trouble->fault, min_us, max_us);
}

static int64_t amount(const struct trouble *trouble, int64_t max)
{
    const struct chance *chance = &trouble->world->chance;
    uint32_t purpose = 1000 * trouble->fault;
    int64_t much = chance_between(chance, entity_of(trouble), trouble->tick,
                                  PURPOSE_MUCH + purpose, 1, max);
    return chance_draw(chance, entity_of(trouble), trouble->tick, PURPOSE_SIGN + purpose) % 2 == 0
               ? much
               : -much;
}

static void move_gateway(const struct trouble *trouble)
{
    struct world *world = trouble->world;
    struct gateway_slot *slot = &world->gateways[trouble->target];

    if (slot->zombie != NULL)
        return;
    slot->zombie = slot->process;
    slot->zombie_until_us =
        world->scheduler.now_us + span(trouble, SIM_SECOND_US, 60 * SIM_SECOND_US);
    slot->process = NULL;
    slot_move(slot);
    slot_start(slot, 10 * SIM_MS_US);
    for (unsigned i = 0; i < world->plan.producers; i++) /* some already see the new one */
        if (chance_draw(&world->chance, entity_of(trouble), trouble->tick, PURPOSE_WHICH + i) % 2 ==
            0)
            producer_cut(world->producers[i]);
}

/* What its lives had sent arrives between what later ones do. */
static void begin_storm(const struct trouble *trouble, struct gateway_slot *slot)
{
    struct world *world = trouble->world;

    slot->storm_lives = (unsigned)llabs(amount(trouble, 8));
    world->network.rough_until_us[PLACE_GATEWAY + trouble->target] =
        world->scheduler.now_us + 10 * SIM_SECOND_US;
}

/* What was renewed is learnt late, and then nothing is renewed for longer than a lease. */
static void hold_renewals(const struct trouble *trouble, struct gateway_slot *slot)
{
    int64_t lease_us = trouble->world->plan.lease_us;

    slot->untold_until_us =
        trouble->world->scheduler.now_us + span(trouble, lease_us / 2, lease_us * 3 / 2);
    slot->undone_until_us = slot->untold_until_us + 2 * lease_us;
}

static void kill_gateway(const struct trouble *trouble, bool without_power)
{
    struct gateway_slot *slot = &trouble->world->gateways[trouble->target];
    struct process *process = slot->process;

    slot->process = NULL;
    if (trouble->fault == SIM_GATEWAY_STORM)
        begin_storm(trouble, slot);
    world_bury(trouble->world, process, without_power);
    if (without_power)
        slot_reboot(slot);
    if (without_power)
        slot_start(slot, span(trouble, 5 * SIM_SECOND_US, 40 * SIM_SECOND_US));
    else if (trouble->fault == SIM_GATEWAY_STORM)
        slot_start(slot, span(trouble, 5 * SIM_MS_US, SIM_SECOND_US));
    else
        slot_start(slot, span(trouble, 10 * SIM_MS_US, 20 * SIM_SECOND_US));
}

static void trouble_gateway(const struct trouble *trouble)
{
    struct gateway_slot *slot = &trouble->world->gateways[trouble->target];
    struct process *process = slot->process;

    if (process == NULL)
        return;
    if (trouble->fault == SIM_GATEWAY_SERIAL)
        hold_renewals(trouble, slot);
    else if (trouble->fault == SIM_GATEWAY_STALL)
        slot_stall(slot, span(trouble, SIM_SECOND_US, 4 * trouble->world->plan.lease_us));
    else if (trouble->fault == SIM_GATEWAY_KILL || trouble->fault == SIM_GATEWAY_POWER ||
             trouble->fault == SIM_GATEWAY_STORM)
        kill_gateway(trouble, trouble->fault == SIM_GATEWAY_POWER);
    else if (trouble->fault == SIM_GATEWAY_PAUSE)
        process_pause(process, span(trouble, 100 * SIM_MS_US, 120 * SIM_SECOND_US), false);
    else if (trouble->fault == SIM_GATEWAY_FREEZE)
        process_pause(process, span(trouble, SIM_SECOND_US, 60 * SIM_SECOND_US), true);
    else if (trouble->fault == SIM_GATEWAY_DRAIN)
        process_drain(process);
    else if (trouble->fault == SIM_GATEWAY_MOVE)
        move_gateway(trouble);
    else
        process_fail_allocation(process, (uint64_t)span(trouble, 1, 300));
}

static void cut_nodes(const struct trouble *trouble)
{
    struct world *world = trouble->world;
    unsigned node = trouble->target;
    unsigned other = (unsigned)chance_between(&world->chance, node, trouble->tick, PURPOSE_WHO, 0,
                                              world->plan.nodes - 1);

    if (other == node)
        return;
    database_cut(world->database, node, other, true);
    world->cut_until_us[node][other] =
        world->scheduler.now_us + span(trouble, SIM_SECOND_US, 40 * SIM_SECOND_US);
}

static void trouble_node(const struct trouble *trouble)
{
    struct world *world = trouble->world;
    unsigned node = trouble->target;
    bool runs = database_runs(world->database, node);

    if (trouble->fault == SIM_NODE_KILL && runs) {
        database_kill(world->database, node);
        database_start(world->database, node, span(trouble, SIM_SECOND_US, 40 * SIM_SECOND_US));
    } else if (trouble->fault == SIM_NODE_PAUSE && runs) {
        database_pause(world->database, node);
        world->node_again_us[node] =
            world->scheduler.now_us + span(trouble, 100 * SIM_MS_US, 30 * SIM_SECOND_US);
    } else if (trouble->fault == SIM_NODE_CUT) {
        cut_nodes(trouble);
    } else if (trouble->fault == SIM_NODE_CLOCK) {
        database_set_clock(world->database, node, amount(trouble, 2 * SIM_SECOND_US));
    } else if (trouble->fault == SIM_NODE_EVICT) {
        database_evict(world->database, node);
    } else if (trouble->fault == SIM_NODE_UPGRADE && runs) {
        database_kill(world->database, node);
        database_change_ids(world->database, node);
        database_start(world->database, node, span(trouble, SIM_SECOND_US, 40 * SIM_SECOND_US));
    }
}

static void trouble_producer(const struct trouble *trouble)
{
    struct producer *producer = trouble->world->producers[trouble->target];

    if (trouble->fault == SIM_PRODUCER_CRASH)
        producer_crash(producer);
    else if (trouble->fault == SIM_PRODUCER_CUT)
        producer_cut(producer);
    else if (trouble->fault == SIM_PRODUCER_STRAY)
        producer_stray(producer, (unsigned)chance_between(&trouble->world->chance, trouble->target,
                                                          trouble->tick, PURPOSE_WHO, 0,
                                                          trouble->world->plan.gateways - 1));
    else
        producer_sleep(producer, span(trouble, SIM_SECOND_US, 20 * SIM_SECOND_US));
}

static void strike(void *argument)
{
    struct trouble *trouble = argument;
    struct world *world = trouble->world;

    if (!world->is_healed) {
        world_trace(world, "trouble: %s %u", fault_name(trouble->fault), trouble->target);
        if (trouble->fault == SIM_GATEWAY_CLOCK)
            slot_step_clock(&world->gateways[trouble->target],
                            amount(trouble, 600 * SIM_SECOND_US));
        else if (trouble->fault == SIM_GATEWAY_SKEW)
            slot_step_clock(&world->gateways[trouble->target], amount(trouble, SIM_SECOND_US));
        else if (trouble->fault >= SIM_PRODUCER_CRASH)
            trouble_producer(trouble);
        else if (trouble->fault >= SIM_NODE_KILL)
            trouble_node(trouble);
        else
            trouble_gateway(trouble);
    }
    list_remove(&trouble->node);
    free(trouble);
}

static void perhaps(struct world *world, enum sim_fault fault, unsigned target)
{
    uint64_t entity = target + 1;

    if (!chance_fault(&world->chance, fault, entity, world->ticks))
        return;
    struct trouble *trouble = sim_take(sizeof(*trouble));
    *trouble =
        (struct trouble){.world = world, .fault = fault, .target = target, .tick = world->ticks};
    list_append(&world->troubles, &trouble->node);
    (void)scheduler_in(&world->scheduler,
                       chance_between(&world->chance, entity, world->ticks,
                                      PURPOSE_WHEN + 1000 * fault, 0, SIM_SECOND_US),
                       strike, trouble);
}

static void perhaps_one_way(struct world *world, unsigned from, unsigned to)
{
    uint64_t entity = from * 64 + to;

    if (!chance_fault(&world->chance, SIM_NET_ONE_WAY, entity, world->ticks))
        return;
    world->network.clogged_until_us[from][to] =
        world->scheduler.now_us + chance_skewed(&world->chance, entity, world->ticks, PURPOSE_LONG,
                                                SIM_SECOND_US, 40 * SIM_SECOND_US);
}

static void end_zombies(struct world *world)
{
    for (unsigned i = 0; i < world->plan.gateways; i++) {
        struct gateway_slot *slot = &world->gateways[i];
        if (slot->zombie == NULL ||
            (!world->is_healed && world->scheduler.now_us < slot->zombie_until_us))
            continue;
        world_bury(world, slot->zombie, false);
        slot->zombie = NULL;
    }
}

static void end_node_troubles(struct world *world)
{
    int64_t now_us = world->scheduler.now_us;

    for (unsigned i = 0; i < world->plan.nodes; i++) {
        if (world->node_again_us[i] != 0 && now_us >= world->node_again_us[i]) {
            world->node_again_us[i] = 0;
            if (database_is_paused(world->database, i))
                database_resume(world->database, i);
        }
        for (unsigned n = 0; n < world->plan.nodes; n++)
            if (world->cut_until_us[i][n] != 0 && now_us >= world->cut_until_us[i][n]) {
                world->cut_until_us[i][n] = 0;
                database_cut(world->database, i, n, false);
            }
    }
}

void world_trouble(struct world *world)
{
    const struct world_plan *plan = &world->plan;

    world->ticks++;
    end_node_troubles(world);
    end_zombies(world);
    for (unsigned i = 0; i < plan->gateways; i++)
        for (unsigned f = SIM_GATEWAY_KILL; f <= SIM_GATEWAY_MEMORY; f++)
            perhaps(world, (enum sim_fault)f, i);
    for (unsigned i = 0; i < plan->nodes; i++)
        for (unsigned f = SIM_NODE_KILL; f <= SIM_NODE_UPGRADE; f++)
            perhaps(world, (enum sim_fault)f, i);
    for (unsigned i = 0; i < plan->producers; i++)
        for (unsigned f = SIM_PRODUCER_CRASH; f <= SIM_PRODUCER_STRAY; f++)
            perhaps(world, (enum sim_fault)f, i);
    for (unsigned g = 0; g < plan->gateways; g++) {
        for (unsigned n = 0; n < plan->nodes; n++) {
            perhaps_one_way(world, PLACE_GATEWAY + g, PLACE_NODE + n);
            perhaps_one_way(world, PLACE_NODE + n, PLACE_GATEWAY + g);
        }
        for (unsigned p = 0; p < plan->producers; p++) {
            perhaps_one_way(world, PLACE_PRODUCER + p, PLACE_GATEWAY + g);
            perhaps_one_way(world, PLACE_GATEWAY + g, PLACE_PRODUCER + p);
        }
    }
}

void world_heal(struct world *world)
{
    world_trace(world, "everything is healed");
    world->is_healed = world->chance.is_healed = true;
    memset(world->network.rough_until_us, 0, sizeof(world->network.rough_until_us));
    for (unsigned i = 0; i < PLACES_MAX; i++)
        for (unsigned n = 0; n < PLACES_MAX; n++)
            world->network.clogged_until_us[i][n] = 0;
    end_zombies(world); /* it would renew its lease for ever, and the new one wait */
    database_heal(world->database, SIM_SECOND_US);
    for (unsigned i = 0; i < world->plan.nodes; i++)
        database_set_clock(world->database, i, 0);
    LIST_EACH_SAFE (it, after, &world->processes) {
        process_fail_allocation(process_of(it), 0);
        process_set_doom(process_of(it), &(struct process_doom){0});
        process_resume(process_of(it));
    }
    for (unsigned i = 0; i < world->plan.gateways; i++) {
        slot_set_clock(&world->gateways[i]);
        world->gateways[i].undone_until_us = 0;
        world->gateways[i].storm_lives = 0;
    }
}
