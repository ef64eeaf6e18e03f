#include "tests/sim/process.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/kill_point.h"
#include "tests/sim/process_internal.h"

enum {
    PURPOSE_SEED = 200,
    PURPOSE_PAUSE,
    PURPOSE_TURN,
    TURN_DELAY_US = 20,
    ROUNDS_MAX = 8, /* as proxy/loop.c */
    SLEEP_MAX_US = 1000 * 1000,
    STARVED_RETRY_US = 10 * 1000,
};

struct process *process_of(struct list *node)
{
    return LIST_ENTRY(node, struct process, node);
}

/* The one that the core works for: each call into it comes with the time. */
static const struct process *acting;

struct moment process_now(const struct process *process)
{
    acting = process;
    return machine_now(process->machine, process->world->scheduler.now_us);
}

/* --- memory: counted, and failing when told --- */

struct block {
    _Alignas(16) uint64_t bytes;
};

static void *process_resize(void *context, void *block, size_t old_bytes, size_t new_bytes)
{
    struct process *process = context;
    struct block *head = block == NULL ? NULL : (struct block *)block - 1;

    if (head != NULL && head->bytes != old_bytes)
        world_violation(process->world, "I10", "a block of %llu bytes is handed back as %zu",
                        (unsigned long long)head->bytes, old_bytes);
    if (new_bytes == 0) {
        process->live_bytes -= old_bytes;
        process->live_blocks -= head != NULL;
        free(head);
        return NULL;
    }
    if (++process->allocations == process->fail_at) {
        process->world->counts.alloc_failures++;
        process->has_lacked_memory = true;
        world_trace(process->world, "process %llu: an allocation of %zu bytes fails",
                    (unsigned long long)process->serial, new_bytes);
        return NULL;
    }
    struct block *fresh = realloc(head, sizeof(*fresh) + new_bytes);
    if (fresh == NULL)
        abort();
    process->live_bytes += new_bytes - old_bytes;
    process->live_blocks += head == NULL;
    fresh->bytes = new_bytes;
    return fresh + 1;
}

void process_fail_allocation(struct process *process, uint64_t n)
{
    process->fail_at = n == 0 ? 0 : process->allocations + n;
}

/* --- kill points --- */

void process_set_doom(struct process *process, const struct process_doom *doom)
{
    process->doom = *doom;
    scheduler_cancel(&process->world->scheduler, process->dies);
    process->dies = NULL;
}

static void die(void *argument)
{
    struct process *process = argument;

    process->dies = NULL;
    world_process_exited(process->world, process, 137, process->doom.point);
}

void kill_point(const char *name)
{
    struct process *process = process_of((struct list *)(uintptr_t)&acting->node);
    struct process_doom *doom = &process->doom;

    world_note_point(process->world, name);
    if (doom->point != name || --doom->passes != 0)
        return;
    if (doom->delay_us > 0) {
        process->dies = scheduler_in(&process->world->scheduler, doom->delay_us, die, process);
        return;
    }
    process->is_doomed = true;
    process_event(process);
}

static void meet_doom(struct process *process)
{
    process->is_doomed = false;
    if (process->doom.stall_us == 0) {
        world_process_exited(process->world, process, 137, process->doom.point);
        return;
    }
    process->stalled_us = process->world->scheduler.now_us;
    process_pause(process, process->doom.stall_us, false);
}

/* --- the loop --- */

static void take_timer(void *argument);

static void arm_timer(struct process *process)
{
    struct scheduler *scheduler = &process->world->scheduler;
    int64_t boot_us = process_now(process).boot_us;
    int64_t due_us = process->is_dirty ? boot_us : gateway_deadline_us(process->gateway);

    if (due_us > boot_us + SLEEP_MAX_US)
        due_us = boot_us + SLEEP_MAX_US;
    if (process->is_starved && due_us > boot_us + STARVED_RETRY_US)
        due_us = boot_us + STARVED_RETRY_US;
    if (due_us < boot_us)
        due_us = boot_us;
    due_us = (due_us + 999) / 1000 * 1000; /* libuv's timers count milliseconds */
    if (process->timer != NULL && process->timer_us <= due_us)
        return;
    scheduler_cancel(scheduler, process->timer);
    process->timer_us = due_us;
    process->timer =
        scheduler_at(scheduler, machine_true_us(process->machine, due_us), take_timer, process);
}

static void perform(struct process *process, const struct action *action)
{
    struct world *world = process->world;

    switch (action->kind) {
    case ACTION_LOG:
        world_process_logged(world, process, action->level, action->text);
        break;
    case ACTION_READY:
        world_trace(world, "process %llu is ready", (unsigned long long)process->serial);
        break;
    case ACTION_FATAL:
        world_process_exited(world, process, action->exit_code, action->text);
        break;
    case ACTION_DRAINED:
        world_process_drained(world, process);
        break;
    case ACTION_CLIENT_WRITE:
    case ACTION_CLIENT_READ:
    case ACTION_CLIENT_CLOSE:
    case ACTION_LINK_OPEN:
    case ACTION_LINK_WRITE:
    case ACTION_LINK_CLOSE:
        sockets_act(process, action);
        break;
    }
}

static void pull_actions(struct process *process)
{
    struct action action;

    if (process->is_doomed) {
        meet_doom(process);
        return;
    }
    while (!process->is_dead && action_next(gateway_actions(process->gateway), &action)) {
        perform(process, &action);
        if (!process->is_dead && chance_fault(&process->world->chance, SIM_GATEWAY_KILL_AT,
                                              process->serial, ++process->actions))
            world_process_exited(process->world, process, 137, "killed between two actions");
    }
    process->stalled_us = 0;
}

static void take_turn(void *argument)
{
    struct process *process = argument;
    struct chance *chance = &process->world->chance;

    process->turn = NULL;
    if (process->is_paused)
        return;
    if (chance_fault(chance, SIM_GATEWAY_PAUSE_AT, process->serial, ++process->turns)) {
        process_pause(process,
                      chance_skewed(chance, process->serial, process->turns, PURPOSE_TURN, 100000,
                                    60 * SIM_SECOND_US),
                      false);
        return;
    }
    for (int round = 0; process->is_dirty && round < ROUNDS_MAX; round++) {
        process->is_dirty = false;
        gateway_turn(process->gateway, process_now(process));
        pull_actions(process);
        if (process->is_dead || process->is_paused)
            return;
    }
    arm_timer(process);
}

static void take_timer(void *argument)
{
    struct process *process = argument;

    process->timer = NULL;
    if (process->is_paused)
        return;
    if (process->is_starved)
        sockets_pump(process);
    struct moment now = process_now(process);
    if (gateway_deadline_us(process->gateway) <= now.boot_us) {
        gateway_tick(process->gateway, now);
        process->is_dirty = true;
    }
    if (process->is_dirty)
        process_event(process);
    else
        arm_timer(process);
}

void process_event(struct process *process)
{
    process->is_dirty = true;
    if (process->turn == NULL && !process->is_paused)
        process->turn =
            scheduler_in(&process->world->scheduler, TURN_DELAY_US, take_turn, process);
}

/* --- life --- */

static void set_config(struct process *process)
{
    struct world *world = process->world;
    const struct world_plan *plan = &world->plan;
    struct gateway_config *config = &process->config;

    gateway_config_defaults(config);
    config->alloc = &process->alloc;
    config->version = "simulated";
    config->random_seed = chance_draw(&world->chance, process->serial, 0, PURPOSE_SEED);
    config->advertised_host = process->member;
    config->advertised_port = SIM_PORT;
    config->node_id = (int32_t)process->slot;
    config->memory_bytes = plan->memory_bytes;
    config->contact_points = process->points;
    config->contact_point_count = plan->nodes;
    config->num_partitions = plan->partitions;
    config->auto_create_per_second = 100;
    config->segment_max_rows = plan->segment_rows;
    config->mutation_max_bytes = plan->mutation_bytes;
    config->mutation_group_rows = plan->group_rows;
    config->mutations_per_partition = plan->mutations;
    config->speculative_delay_us = plan->speculative_us;
    config->lease_us = plan->lease_us;
    config->lease_renew_us = plan->lease_us * 3 / 10;
    /* This name's socket could be bound: on this machine no other process of that name runs. */
    config->predecessor_gone = true;
    config->member = process->member;
    config->boot_id = process->boot_id;
}

struct process *process_start(struct world *world, const struct process_config *how)
{
    struct process *process = sim_take(sizeof(*process));

    process->world = world;
    process->machine = how->machine;
    process->slot = how->slot;
    process->serial = ++world->process_serial;
    process->started_us = world->scheduler.now_us;
    process->alloc = (struct alloc){process_resize, process};
    list_init(&process->sockets);
    (void)snprintf(process->member, sizeof(process->member), "gateway-%u", how->slot);
    (void)snprintf(process->boot_id, sizeof(process->boot_id), "boot-%llu/net:[1]",
                   (unsigned long long)how->machine->boot);
    for (unsigned i = 0; i < world->plan.nodes; i++)
        process->points[i] = (struct contact_point){database_address(world->database, i), 9042};
    set_config(process);
    process->gateway = gateway_new(&process->config, process_now(process));
    if (process->gateway == NULL) {
        free(process);
        return NULL;
    }
    list_append(&world->processes, &process->node);
    world->counts.processes++;
    world_trace(world, "process %llu starts: %s, boot %llu", (unsigned long long)process->serial,
                process->member, (unsigned long long)how->machine->boot);
    gateway_start(process->gateway, process_now(process));
    process_event(process);
    return process;
}

void process_kill(struct process *process, bool without_power)
{
    struct world *world = process->world;
    struct gateway_counts counts;

    if (process->is_dead)
        return;
    process->is_dead = true;
    process->fail_at = 0;
    world_trace(world, "process %llu ends", (unsigned long long)process->serial);
    scheduler_cancel(&world->scheduler, process->turn);
    scheduler_cancel(&world->scheduler, process->timer);
    scheduler_cancel(&world->scheduler, process->resume);
    scheduler_cancel(&world->scheduler, process->dies);
    sockets_close(process, without_power);
    gateway_get_counts(process->gateway, &counts);
    world->counts.copies += counts.copies;
    world->counts.copies_won += counts.copies_won;
    gateway_free(process->gateway);
    process->gateway = NULL;
    if (process->is_paused && process->machine->frozen_at_us != 0)
        machine_thaw(process->machine, world->scheduler.now_us); /* its next one finds it running */
    list_remove(&process->node);
    if (process->live_bytes != 0 || process->live_blocks != 0)
        world_violation(world, "I10", "%llu bytes in %llu blocks are left of a process",
                        (unsigned long long)process->live_bytes,
                        (unsigned long long)process->live_blocks);
}

void process_free(struct process *process)
{
    free(process);
}

static void wake(void *argument)
{
    struct process *process = argument;
    process->resume = NULL;
    process_resume(process);
}

void process_pause(struct process *process, int64_t for_us, bool frozen)
{
    struct world *world = process->world;

    if (process->is_paused)
        return;
    world_trace(world, "process %llu is paused for %lld ms%s", (unsigned long long)process->serial,
                (long long)(for_us / 1000), frozen ? ", its machine frozen" : "");
    process->is_paused = true;
    scheduler_cancel(&world->scheduler, process->turn);
    process->turn = NULL;
    if (frozen)
        process->machine->frozen_at_us = world->scheduler.now_us;
    process->resume = scheduler_in(&world->scheduler, for_us, wake, process);
}

void process_resume(struct process *process)
{
    struct world *world = process->world;

    if (!process->is_paused)
        return;
    world_trace(world, "process %llu runs on", (unsigned long long)process->serial);
    process->is_paused = false;
    scheduler_cancel(&world->scheduler, process->resume);
    process->resume = NULL;
    if (process->machine->frozen_at_us != 0) {
        machine_thaw(process->machine, world->scheduler.now_us);
        scheduler_cancel(&world->scheduler, process->timer);
        process->timer = NULL;
    }
    sockets_pump(process);
    process_event(process);
    if (process->timer == NULL)
        arm_timer(process);
}

void process_drain(struct process *process)
{
    if (process->is_draining || process->is_paused)
        return;
    process->is_draining = true;
    process->world->counts.drains++;
    world_trace(process->world, "process %llu drains", (unsigned long long)process->serial);
    gateway_drain(process->gateway, process_now(process));
    process_event(process);
}

/* --- asked from outside --- */

uint64_t process_serial(const struct process *process)
{
    return process->serial;
}

unsigned process_slot(const struct process *process)
{
    return process->slot;
}

int64_t process_started_us(const struct process *process)
{
    return process->started_us;
}

int64_t process_decided_us(const struct process *process)
{
    return process->stalled_us != 0 ? process->stalled_us : process->world->scheduler.now_us;
}

bool process_is_paused(const struct process *process)
{
    return process->is_paused;
}

bool process_has_lacked_memory(const struct process *process)
{
    return process->has_lacked_memory;
}

bool process_is_draining(const struct process *process)
{
    return process->is_draining;
}

const struct machine *process_machine(const struct process *process)
{
    return process->machine;
}

size_t process_held_bytes(const struct process *process)
{
    struct gateway_counts counts;
    gateway_get_counts(process->gateway, &counts);
    return counts.held_bytes;
}
