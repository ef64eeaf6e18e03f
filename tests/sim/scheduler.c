#include "tests/sim/scheduler.h"

#include <stdio.h>
#include <stdlib.h>

void *sim_take(size_t bytes)
{
    void *block = calloc(1, bytes == 0 ? 1 : bytes);
    if (block == NULL) {
        fprintf(stderr, "sim: out of memory\n");
        abort();
    }
    return block;
}

void scheduler_init(struct scheduler *scheduler, int64_t now_us)
{
    *scheduler = (struct scheduler){.now_us = now_us};
}

void scheduler_deinit(struct scheduler *scheduler)
{
    for (size_t i = 0; i < scheduler->count; i++)
        free(scheduler->heap[i]);
    free(scheduler->heap);
}

static bool is_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void put(struct scheduler *scheduler, struct sim_event *event, size_t place)
{
    scheduler->heap[place] = event;
    event->place = place;
}

static void sift_up(struct scheduler *scheduler, size_t place)
{
    struct sim_event *event = scheduler->heap[place];
    while (place > 0 && is_before(event, scheduler->heap[(place - 1) / 2])) {
        put(scheduler, scheduler->heap[(place - 1) / 2], place);
        place = (place - 1) / 2;
    }
    put(scheduler, event, place);
}

static void sift_down(struct scheduler *scheduler, size_t place)
{
    struct sim_event *event = scheduler->heap[place];
    for (;;) {
        size_t child = 2 * place + 1;
        if (child >= scheduler->count)
            break;
        if (child + 1 < scheduler->count &&
            is_before(scheduler->heap[child + 1], scheduler->heap[child]))
            child++;
        if (!is_before(scheduler->heap[child], event))
            break;
        put(scheduler, scheduler->heap[child], place);
        place = child;
    }
    put(scheduler, event, place);
}

struct sim_event *scheduler_at(struct scheduler *scheduler, int64_t at_us, void (*fire)(void *),
                               void *argument)
{
    if (scheduler->count == scheduler->capacity) {
        scheduler->capacity = scheduler->capacity == 0 ? 256 : scheduler->capacity * 2;
        scheduler->heap =
            realloc(scheduler->heap, scheduler->capacity * sizeof(struct sim_event *));
        if (scheduler->heap == NULL)
            abort();
    }
    struct sim_event *event = sim_take(sizeof(*event));
    *event = (struct sim_event){.at_us = at_us < scheduler->now_us ? scheduler->now_us : at_us,
                                .order = scheduler->order++,
                                .fire = fire,
                                .argument = argument};
    put(scheduler, event, scheduler->count);
    sift_up(scheduler, scheduler->count++);
    return event;
}

struct sim_event *scheduler_in(struct scheduler *scheduler, int64_t delay_us, void (*fire)(void *),
                               void *argument)
{
    return scheduler_at(scheduler, scheduler->now_us + delay_us, fire, argument);
}

static void take_out(struct scheduler *scheduler, size_t place)
{
    struct sim_event *last = scheduler->heap[--scheduler->count];
    if (place == scheduler->count)
        return;
    put(scheduler, last, place);
    sift_up(scheduler, place);
    sift_down(scheduler, last->place);
}

void scheduler_cancel(struct scheduler *scheduler, struct sim_event *event)
{
    if (event == NULL)
        return;
    take_out(scheduler, event->place);
    free(event);
}

bool scheduler_step(struct scheduler *scheduler, int64_t until_us)
{
    if (scheduler->count == 0 || scheduler->heap[0]->at_us > until_us) {
        if (scheduler->now_us < until_us)
            scheduler->now_us = until_us;
        return false;
    }
    struct sim_event event = *scheduler->heap[0];
    free(scheduler->heap[0]);
    take_out(scheduler, 0);
    scheduler->now_us = event.at_us;
    scheduler->fired++;
    event.fire(event.argument);
    return true;
}
