/* The clocks of a machine. Both run at its own rate; the wall clock is set from time to time. */
#ifndef TESTS_SIM_MACHINE_H
#define TESTS_SIM_MACHINE_H

#include "core/moment.h"

struct machine {
    uint64_t boot;          /* names this life of it */
    int64_t rate_ppm;       /* of its clocks: 1,000,000 is right */
    int64_t since_us;       /* true time at which the two below were right */
    int64_t boot_us;
    int64_t wall_us;
    int64_t frozen_at_us;   /* true time; 0: it runs */
    struct machine *next;   /* all of a world's */
};

static inline struct moment machine_now(const struct machine *machine, int64_t true_us)
{
    int64_t gone_us = true_us - machine->since_us;
    int64_t own_us = gone_us + gone_us * (machine->rate_ppm - 1000000) / 1000000;
    return (struct moment){machine->boot_us + own_us, machine->wall_us + own_us};
}

/* The first true time at which its boot clock shows this. */
static inline int64_t machine_true_us(const struct machine *machine, int64_t boot_us)
{
    int64_t own_us = boot_us - machine->boot_us;
    return machine->since_us + own_us - own_us * (machine->rate_ppm - 1000000) / machine->rate_ppm +
           1;
}

/* Sets the wall clock, or lets the boot clock stand still since some time. */
static inline void machine_set(struct machine *machine, int64_t true_us, struct moment shown)
{
    machine->since_us = true_us;
    machine->boot_us = shown.boot_us;
    machine->wall_us = shown.wall_us;
}

/* It runs on: the boot clock from where it stood, the wall clock as read from outside. */
static inline void machine_thaw(struct machine *machine, int64_t true_us)
{
    struct moment shown = machine_now(machine, true_us);
    shown.boot_us = machine_now(machine, machine->frozen_at_us).boot_us;
    machine_set(machine, true_us, shown);
    machine->frozen_at_us = 0;
}

#endif
