#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/lifecycle.h"
#include "tests/sim/process.h"
#include "tests/sim/producer.h"

enum {
    PURPOSE_MACHINE = 900,
    PURPOSE_START,
    PURPOSE_SCAN,
    PURPOSE_POINT,
    PURPOSE_KIND,
    PURPOSE_PASSES,
    PURPOSE_DELAY,
    SCAN_EVERY_TICKS = 20,
    SETTLE_SECONDS = 120,
    CLOSE_SECONDS = 60,
    LATE_SECONDS = 30,
    CLOCK_TOLERATED_US = 25 * 1000 * 1000, /* further off than that a gateway refuses to start */
};

_Noreturn void world_violation(struct world *world, const char *invariant, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(world->reason, sizeof(world->reason), format, args);
    va_end(args);
    (void)snprintf(world->invariant, sizeof(world->invariant), "%s", invariant);
    world->failed = true;
    world->failed_us = world_us(world);
    world_trace(world, "VIOLATION %s: %s", invariant, world->reason);
    longjmp(world->stop, 1);
}

void world_trace(struct world *world, const char *format, ...)
{
    va_list args;

    if (!world->options.trace)
        return;
    printf("%11.6f ", (double)world_us(world) / 1e6);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
}

/* --- machines --- */

static struct machine *machine_new(struct world *world)
{
    struct machine *machine = sim_take(sizeof(*machine));
    uint64_t boot = ++world->machine_count;

    *machine = (struct machine){.boot = boot,
                                .rate_ppm = 1000000,
                                .since_us = world->scheduler.now_us,
                                .boot_us = 1000 * SIM_SECOND_US,
                                .wall_us = world->scheduler.now_us,
                                .next = world->machines};
    if (world->plan.has_drift)
        machine->rate_ppm =
            chance_between(&world->chance, boot, 0, PURPOSE_MACHINE, 950000, 1050000);
    world->machines = machine;
    return machine;
}

void slot_reboot(struct gateway_slot *slot)
{
    struct world *world = slot->world;
    struct moment shown = machine_now(slot->machine, world->scheduler.now_us);
    shown.boot_us = SIM_SECOND_US;
    machine_set(slot->machine, world->scheduler.now_us, shown);
    slot->machine->boot = ++world->machine_count;
}

void slot_move(struct gateway_slot *slot)
{
    slot->machine = machine_new(slot->world);
}

void slot_step_clock(struct gateway_slot *slot, int64_t by_us)
{
    struct world *world = slot->world;
    struct moment shown = machine_now(slot->machine, world->scheduler.now_us);
    if (slot->machine->frozen_at_us != 0)
        return;
    shown.wall_us += by_us;
    machine_set(slot->machine, world->scheduler.now_us, shown);
}

static void set_clock(void *argument)
{
    struct gateway_slot *slot = argument;
    struct world *world = slot->world;
    struct moment shown = machine_now(slot->machine, world->scheduler.now_us);
    shown.wall_us = world->scheduler.now_us;
    machine_set(slot->machine, world->scheduler.now_us, shown);
}

void slot_set_clock(struct gateway_slot *slot)
{
    (void)scheduler_in(&slot->world->scheduler, SIM_SECOND_US, set_clock, slot);
}

/* --- gateways --- */

void world_note_point(struct world *world, const char *name)
{
    for (size_t i = 0; i < world->point_count; i++)
        if (world->points[i] == name)
            return;
    if (world->point_count < POINTS_MAX)
        world->points[world->point_count++] = name;
}

/* Every second time one of those with this beginning. */
static const char *pick_point(const struct gateway_slot *slot, uint64_t counter, const char *start)
{
    const struct world *world = slot->world;
    const char *candidates[POINTS_MAX];
    size_t count = 0;
    bool any = chance_draw(&world->chance, slot->index, counter, PURPOSE_KIND) % 2 == 0;

    for (size_t i = 0; i < world->point_count; i++)
        if (any || strncmp(world->points[i], start, strlen(start)) == 0)
            candidates[count++] = world->points[i];
    return count == 0 ? NULL
                      : candidates[chance_between(&world->chance, slot->index, counter,
                                                  PURPOSE_POINT, 0, (int64_t)count - 1)];
}

/* One of a storm: it dies where it comes by, perhaps in the middle of its takeover. */
static void doom(struct gateway_slot *slot)
{
    const struct world *world = slot->world;

    if (slot->storm_lives == 0 || world->is_healed)
        return;
    slot->storm_lives--;
    int64_t delay_us = chance_skewed(&world->chance, slot->index, slot->restarts, PURPOSE_DELAY,
                                     100, 400 * SIM_MS_US);
    process_set_doom(slot->process,
                     &(struct process_doom){
                         .point = pick_point(slot, slot->restarts, "recovery."),
                         .passes = (unsigned)chance_between(&world->chance, slot->index,
                                                            slot->restarts, PURPOSE_PASSES, 1, 3),
                         .delay_us = delay_us < 2 * SIM_MS_US ? 0 : delay_us});
}

void slot_stall(struct gateway_slot *slot, int64_t for_us)
{
    const struct world *world = slot->world;
    uint64_t counter = world->ticks + 1000000;

    process_set_doom(
        slot->process,
        &(struct process_doom){.point = pick_point(slot, counter, "segment."),
                               .passes = (unsigned)chance_between(&world->chance, slot->index,
                                                                  counter, PURPOSE_PASSES, 1, 3),
                               .stall_us = for_us});
}

static void start_gateway(void *argument)
{
    struct gateway_slot *slot = argument;
    struct process_config config = {.slot = slot->index, .machine = slot->machine};

    slot->start = NULL;
    if (slot->process != NULL || slot->world->is_closing)
        return;
    slot->process = process_start(slot->world, &config);
    if (slot->process == NULL)
        slot_start(slot, SIM_SECOND_US);
    else
        doom(slot);
}

void slot_start(struct gateway_slot *slot, int64_t delay_us)
{
    struct world *world = slot->world;

    if (slot->start != NULL || slot->process != NULL || world->is_closing)
        return;
    if (world->is_healed && delay_us > SIM_SECOND_US)
        delay_us = SIM_SECOND_US;
    slot->restarts++;
    slot->start = scheduler_in(&world->scheduler, delay_us, start_gateway, slot);
}

void world_bury(struct world *world, struct process *process, bool without_power)
{
    process_kill(process, without_power);
    world->graves = realloc(world->graves, (world->grave_count + 1) * sizeof(struct process *));
    if (world->graves == NULL)
        abort();
    world->graves[world->grave_count++] = process;
}

/* Its slot is free; whoever looks after it starts it again. */
static void leave(struct world *world, struct process *process, int64_t again_us)
{
    struct gateway_slot *slot = &world->gateways[process_slot(process)];
    bool is_zombie = slot->zombie == process;

    if (is_zombie)
        slot->zombie = NULL;
    else
        slot->process = NULL;
    world_bury(world, process, false);
    if (!is_zombie)
        slot_start(slot, again_us);
}

void world_process_exited(struct world *world, struct process *process, int exit_code,
                          const char *text)
{
    const struct gateway_slot *slot = &world->gateways[process_slot(process)];
    const struct machine *machine = process_machine(process);
    int64_t now_us = world->scheduler.now_us;
    int64_t off_us = machine_now(machine, now_us).wall_us - now_us;

    world_trace(world, "process %llu exits with %d: %s",
                (unsigned long long)process_serial(process), exit_code, text);
    world->counts.fatal_exits += exit_code != 137;
    world->counts.fenced += strstr(text, "fenced") != NULL;
    /* (A clock that is set while it is looked at may seem to be anywhere.) */
    if (exit_code == 78 && llabs(off_us) < CLOCK_TOLERATED_US &&
        machine->since_us <= process_started_us(process))
        world_violation(world, "I13", "a gateway refuses to start: %s", text);
    leave(world, process,
          chance_skewed(&world->chance, slot->index, slot->restarts, PURPOSE_START,
                        slot->storm_lives > 0 ? 5 * SIM_MS_US : 100 * SIM_MS_US,
                        slot->storm_lives > 0 ? SIM_SECOND_US : 5 * SIM_SECOND_US));
}

void world_process_drained(struct world *world, struct process *process)
{
    leave(world, process, 200 * SIM_MS_US);
}

void world_process_logged(struct world *world, struct process *process, enum log_level level,
                          const char *text)
{
    struct sim_counts *counts = &world->counts;

    world_trace(world, "process %llu %s: %s", (unsigned long long)process_serial(process),
                level >= LOG_WARN ? "WARNS" : "says", text);
    counts->joined += strncmp(text, "member joined", 13) == 0;
    counts->took_over += strstr(text, "took_over=yes") != NULL;
    int32_t partition;
    if (sscanf(text, "partition loaded topic=orders partition=%d", &partition) == 1) {
        counts->loads++;
        ledger_loaded(world->ledger, process, partition);
    }
    counts->load_failures += strncmp(text, "partition cannot be loaded", 26) == 0;
    counts->lease_lost += strncmp(text, "lease lost", 10) == 0;
    if (strstr(text, "lost acknowledged") != NULL)
        world_violation(world, "I1", "a gateway finds that the database lost records: %s", text);
}

static bool on_accept(void *context, unsigned place, struct network_end *end)
{
    struct world *world = context;

    if (place >= PLACE_NODE)
        return nodes_accept(world, place - PLACE_NODE, end);
    struct process *process = world->gateways[place - PLACE_GATEWAY].process;
    return process != NULL && process_accept(process, end);
}

/* --- time --- */

static void tick(void *argument)
{
    struct world *world = argument;
    static const uint32_t pairs[] = {3, 5, 6};

    if (world->is_healed)
        return;
    world_trouble(world);
    if (world->ticks % SCAN_EVERY_TICKS == 0)
        ledger_scan(world->ledger,
                    world->plan.nodes < 3 ? UINT32_MAX
                                          : pairs[chance_draw(&world->chance, 0, world->ticks,
                                                              PURPOSE_SCAN) % 3],
                    false);
    (void)scheduler_in(&world->scheduler, SIM_SECOND_US, tick, world);
}

static void run_for(struct world *world, int64_t us)
{
    int64_t until_us = world->scheduler.now_us + us;
    int64_t stop_us = world->options.until_us == 0 ? INT64_MAX
                                                   : world->started_us + world->options.until_us;

    if (until_us > stop_us)
        until_us = stop_us;
    while (scheduler_step(&world->scheduler, until_us))
        ;
    if (until_us == stop_us)
        longjmp(world->stop, 2);
}

static bool producers_are_done(const struct world *world)
{
    for (unsigned i = 0; i < world->plan.producers; i++)
        if (!producer_is_done(world->producers[i]))
            return false;
    return world->life == NULL || lifecycle_is_done(world->life);
}

static void settle(struct world *world)
{
    char text[400];

    world_heal(world);
    for (unsigned i = 0; i < world->plan.gateways; i++) {
        struct gateway_slot *slot = &world->gateways[i];
        scheduler_cancel(&world->scheduler, slot->start);
        slot->start = NULL;
        slot_start(slot, SIM_SECOND_US);
    }
    for (unsigned i = 0; i < world->plan.producers; i++)
        producer_finish(world->producers[i]);
    if (world->life != NULL)
        lifecycle_finish(world->life);
    for (int second = 0; !producers_are_done(world); second++) {
        if (second == SETTLE_SECONDS) {
            for (unsigned i = 0; i < world->plan.producers; i++)
                if (!producer_is_done(world->producers[i])) {
                    producer_print(world->producers[i], text, sizeof(text));
                    world_violation(world, "I13", "not done %d s after all is well: %s",
                                    SETTLE_SECONDS, text);
                }
            world_violation(world, "I13", "topic life cannot be written to %d s after all is well",
                            SETTLE_SECONDS);
        }
        run_for(world, SIM_SECOND_US);
    }
}

static struct process *holder(const struct world *world)
{
    LIST_EACH (it, &world->processes)
        if (process_held_bytes(process_of(it)) != 0)
            return process_of(it);
    return NULL;
}

/* Nothing is held for anybody, and everybody leaves when asked to. */
static void close_down(struct world *world)
{
    for (unsigned i = 0; i < world->plan.producers; i++)
        producer_close(world->producers[i]);
    if (world->life != NULL)
        lifecycle_close(world->life);
    run_for(world, 5 * SIM_SECOND_US);
    for (int second = 0; holder(world) != NULL; second++) { /* a close may be stuck for a minute */
        if (second == SETTLE_SECONDS)
            world_violation(world, "I10", "process %llu holds %zu bytes for nobody",
                            (unsigned long long)process_serial(holder(world)),
                            process_held_bytes(holder(world)));
        run_for(world, SIM_SECOND_US);
    }
    world->is_closing = true;
    LIST_EACH_SAFE (it, after, &world->processes)
        process_drain(process_of(it));
    for (int second = 0; !list_empty(&world->processes); second++) {
        if (second == CLOSE_SECONDS)
            world_violation(world, "I13", "process %llu does not leave %d s after SIGTERM",
                            (unsigned long long)process_serial(process_of(world->processes.next)),
                            CLOSE_SECONDS);
        run_for(world, SIM_SECOND_US);
    }
    /* Whatever still floats lands now, and must lose. */
    database_deliver_hints(world->database);
    run_for(world, LATE_SECONDS * SIM_SECOND_US);
}

static void set_up(struct world *world)
{
    scheduler_init(&world->scheduler, INT64_C(1750000000000000));
    world->started_us = world->scheduler.now_us;
    chance_init(&world->chance, world->options.seed);
    world->chance.only = world->options.only;
    world->chance.only_count = world->options.only_count;
    world_draw_plan(world);
    network_init(&world->network, &world->scheduler, &world->chance);
    world->network.accept_context = world;
    for (unsigned i = PLACE_GATEWAY; i < PLACES_MAX; i++)
        world->network.accept[i] = on_accept;
    list_init(&world->processes);
    list_init(&world->troubles);
    world->ledger = ledger_new(world);
    nodes_start(world);
    for (unsigned i = 0; i < world->plan.gateways; i++) {
        world->gateways[i] = (struct gateway_slot){.world = world, .index = i};
        world->gateways[i].machine = machine_new(world);
        slot_start(&world->gateways[i],
                   chance_between(&world->chance, i, 0, PURPOSE_START, 0, 3 * SIM_SECOND_US));
    }
    for (unsigned i = 0; i < world->plan.producers; i++)
        world->producers[i] = producer_new(world, i);
    world->life = world->plan.has_life ? lifecycle_new(world) : NULL;
    (void)scheduler_in(&world->scheduler, 10 * SIM_SECOND_US, tick, world);
}

static void take_counts(struct world *world)
{
    const struct database_counts *database = database_get_counts(world->database);

    world->counts.db_requests = database->requests;
    world->counts.db_transactions = database->transactions;
    world->counts.db_hints = database->hints_delivered;
    world->counts.db_unprepared = database->unprepared;
    world->counts.db_timeouts = database->timeouts;
    for (unsigned i = 0; i < DATABASE_FAULT_COUNT; i++)
        world->chance.fired[SIM_FAULT_COUNT + i] = database->fired[i];
    world->hash = world->network.hash ^ world->scheduler.fired * UINT64_C(0x9E3779B97F4A7C15) ^
                  world->counts.acks << 32 ^ database->requests;
}

struct world *world_run(const struct world_options *options)
{
    static const uint32_t views[] = {UINT32_MAX, 3, 5, 6};
    struct world *world = sim_take(sizeof(*world));

    world->options = *options;
    if (setjmp(world->stop) == 0) {
        set_up(world);
        run_for(world, world->plan.trouble_us);
        settle(world);
        close_down(world);
        for (unsigned i = 0; i < (world->plan.nodes < 3 ? 1 : 4); i++) {
            ledger_scan(world->ledger, views[i], true);
            if (world->life != NULL)
                lifecycle_check(world->life, views[i]);
        }
    }
    take_counts(world);
    return world;
}

/* After a violation the gateways may be in the middle of something: they are left alone, and their
 * memory is lost. */
void world_free(struct world *world)
{
    if (!world->failed) {
        world->is_closing = true;
        LIST_EACH_SAFE (it, after, &world->processes)
            world_bury(world, process_of(it), false);
        for (unsigned i = 0; i < world->plan.producers; i++)
            producer_free(world->producers[i]);
        lifecycle_free(world->life);
    }
    for (size_t i = 0; i < world->grave_count; i++)
        process_free(world->graves[i]);
    free(world->graves);
    if (world->failed) {
        free(world->chance.record);
        return;
    }
    nodes_stop(world);
    network_deinit(&world->network);
    scheduler_deinit(&world->scheduler);
    LIST_EACH_SAFE (it, after, &world->troubles)
        free(it);
    while (world->machines != NULL) {
        struct machine *machine = world->machines;
        world->machines = machine->next;
        free(machine);
    }
    ledger_free(world->ledger);
    chance_deinit(&world->chance);
    free(world);
}
