/* Virtual time: a heap of what is to happen, by time and then in the order in which it was asked
 * for. Out of memory ends the process, as everywhere in the simulator. */
#ifndef TESTS_SIM_SCHEDULER_H
#define TESTS_SIM_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_event {
    int64_t at_us;
    uint64_t order;
    void (*fire)(void *argument);
    void *argument;
    size_t place; /* in the heap */
};

struct scheduler {
    int64_t now_us; /* true time, since 1970 */
    uint64_t fired;
    uint64_t order;
    struct sim_event **heap;
    size_t count, capacity;
};

void scheduler_init(struct scheduler *scheduler, int64_t now_us);
void scheduler_deinit(struct scheduler *scheduler); /* what waits is never fired */
/* Never before now. The event is the scheduler's own; it is gone once it fires. */
struct sim_event *scheduler_at(struct scheduler *scheduler, int64_t at_us,
                               void (*fire)(void *argument), void *argument);
struct sim_event *scheduler_in(struct scheduler *scheduler, int64_t delay_us,
                               void (*fire)(void *argument), void *argument);
void scheduler_cancel(struct scheduler *scheduler, struct sim_event *event); /* NULL: nothing */
/* Fires the next one that is due at or before until_us; else sets the time to that: false. */
bool scheduler_step(struct scheduler *scheduler, int64_t until_us);

/* calloc that does not fail. */
void *sim_take(size_t bytes);

#endif
