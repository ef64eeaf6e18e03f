/*
 * A gateway process on a machine of its own: the production core with the loop of proxy/loop.c
 * around it, in virtual time.
 *
 * A machine has a boot clock and a wall clock. They run fast or slow, the wall clock steps, a
 * paused process finds everything waiting that came meanwhile, and a frozen machine's boot clock
 * stands still.
 */
#ifndef TESTS_SIM_PROCESS_H
#define TESTS_SIM_PROCESS_H

#include "core/gateway.h"
#include "tests/sim/machine.h"
#include "tests/sim/network.h"

struct world;
struct process;

struct process_config {
    unsigned slot;           /* which gateway it is */
    struct machine *machine; /* outlives it */
};

/* Starts at once. NULL: it could not (no memory). */
struct process *process_start(struct world *world, const struct process_config *config);
/* kill -9. The system closes its connections; without power nobody hears of it. */
void process_kill(struct process *process, bool without_power);
void process_pause(struct process *process, int64_t for_us, bool frozen);
void process_drain(struct process *process);
/* What befalls it when it comes by a point (proto/kill_point.h). */
struct process_doom {
    const char *point; /* NULL: nothing */
    unsigned passes;   /* so often it comes by there until then */
    int64_t stall_us;  /* it is paused for so long; 0: it dies */
    int64_t delay_us;  /* so much later; 0: before anything of that turn is performed */
};
void process_set_doom(struct process *process, const struct process_doom *doom);
/* The n-th allocation from now fails; 0: none does. */
void process_fail_allocation(struct process *process, uint64_t n);
/* Ends a pause. */
void process_resume(struct process *process);
bool process_accept(struct process *process, struct network_end *end);

uint64_t process_serial(const struct process *process); /* from 1, in order of start */
unsigned process_slot(const struct process *process);
int64_t process_started_us(const struct process *process);
bool process_is_paused(const struct process *process);
bool process_has_lacked_memory(const struct process *process);
/* When it decided on what it performs now: before a stall, perhaps. */
int64_t process_decided_us(const struct process *process);
bool process_is_draining(const struct process *process);
const struct machine *process_machine(const struct process *process);
size_t process_held_bytes(const struct process *process);
void process_free(struct process *process); /* one that was killed */
struct process *process_of(struct list *node); /* in world.processes */

#endif
