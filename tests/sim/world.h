/*
 * One simulated run: a seed makes a world of producers, gateways and a Cassandra cluster, gives it
 * trouble for some minutes (phase 1), takes all trouble away and waits until everything is settled
 * (phase 2), and then reads the database whole (ledger.h says what must hold).
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include <setjmp.h>
#include <stdio.h>

#include "core/action.h"
#include "tests/sim/chance.h"
#include "tests/sim/ledger.h"
#include "tests/sim/network.h"
#include "tests/sim/scheduler.h"

#define GATEWAYS_MAX  3
#define PRODUCERS_MAX_SIM 4
#define SIM_SECOND_US INT64_C(1000000)
#define SIM_MS_US     INT64_C(1000)
#define SIM_PORT      9092

/* Places in the network. */
enum { PLACE_PRODUCER = 0, PLACE_GATEWAY = 8, PLACE_NODE = 24 };

struct machine;
struct process;
struct producer;

/* What happened, so that a run in which nothing happens is noticed. */
#define SIM_COUNT_MAP(X)                                                                           \
    X(produce_requests) X(batches) X(acks) X(acked_again) X(acks_46) X(refused_19) X(refused_6)    \
    X(unsure_7) X(gaps_45) X(fenced_47) X(storage_56) X(bad_87) X(other_codes) X(no_answer)        \
    X(epoch_bumps) X(batches_given_up) X(producer_ids) X(processes) X(joined) X(took_over)         \
    X(fenced) X(loads) X(load_failures) X(lease_lost) X(segments) X(alloc_failures) X(db_requests) \
    X(db_transactions) X(db_hints) X(db_unprepared) X(db_timeouts) X(rows) X(live_checks)          \
    X(fatal_exits) X(drains) X(topics_late) X(life_created) X(life_deleted) X(life_changed)       \
    X(life_acks) X(life_rows) X(copies) X(copies_won)

struct sim_counts {
#define SIM_COUNT_FIELD(name) uint64_t name;
    SIM_COUNT_MAP(SIM_COUNT_FIELD)
#undef SIM_COUNT_FIELD
};

/* What the seed drew. */
struct world_plan {
    unsigned gateways, producers, nodes;
    int32_t partitions;
    int64_t trouble_us; /* phase 1 */
    int64_t lease_us;
    int64_t segment_rows;
    size_t mutation_bytes, memory_bytes;
    uint32_t group_rows, mutations;
    bool has_drift;
    int64_t pace_us; /* of a producer: from one batch to the next */
    int32_t batch_rows_max;
    size_t value_bytes_max;
    uint32_t database_ppm[DATABASE_FAULT_COUNT];
    bool sleepy; /* producers stop for long times in between */
    int64_t speculative_us; /* delay of speculative executions; 0: none */
    bool has_life; /* a topic that comes and goes (lifecycle.h) */
};

/* What is asked of a run. */
struct world_options {
    uint64_t seed;
    bool trace;
    int64_t until_us; /* stop there, counted from the start; 0: to the end */
    const struct fired_fault *only; /* NULL, or the faults that fire */
    size_t only_count;
    unsigned gateways, producers, partitions, seconds; /* 0: as the seed says */
};

/* The slot of a gateway: the address that producers connect to, and the machine behind it. */
struct gateway_slot {
    struct world *world;
    unsigned index;
    struct process *process; /* NULL: nobody listens */
    struct process *zombie;  /* runs on elsewhere under the same name */
    int64_t zombie_until_us;
    int64_t untold_until_us, undone_until_us; /* see GATEWAY_SERIAL */
    struct machine *machine;
    struct sim_event *start;
    uint64_t restarts;
    unsigned storm_lives; /* so many of its next processes die at a point */
};

enum { POINTS_MAX = 64 };

struct world {
    struct world_options options;
    struct world_plan plan;
    struct scheduler scheduler;
    struct chance chance;
    struct network network;
    struct database *database;
    struct ledger *ledger;
    struct gateway_slot gateways[GATEWAYS_MAX];
    struct list processes; /* all that live, zombies too */
    struct producer *producers[PRODUCERS_MAX_SIM];
    struct lifecycle *life; /* NULL: none */
    struct list bridges;  /* connections to nodes */
    struct list troubles; /* that are about to strike */
    struct machine *machines;
    uint64_t machine_count;
    struct process **graves;
    size_t grave_count;
    int64_t node_again_us[DATABASE_NODES_MAX]; /* 0: it is not paused */
    int64_t cut_until_us[DATABASE_NODES_MAX][DATABASE_NODES_MAX];
    int64_t started_us;
    uint64_t ticks; /* seconds of trouble so far */
    uint64_t process_serial, talk_serial;
    const char *points[POINTS_MAX]; /* kill points that a process came by, each once */
    size_t point_count;
    bool is_healed, is_closing;
    struct sim_counts counts;
    uint64_t hash;
    /* the first violation */
    bool failed;
    char invariant[16];
    char reason[512];
    int64_t failed_us;
    jmp_buf stop; /* a violation ends the run at once */
};

/* Ends the run: does not return. `invariant` is I1 to I14 of reliability.md. */
_Noreturn __attribute__((format(printf, 3, 4))) void
world_violation(struct world *world, const char *invariant, const char *format, ...);
__attribute__((format(printf, 2, 3))) void world_trace(struct world *world, const char *format,
                                                       ...);
static inline int64_t world_us(const struct world *world)
{
    return world->scheduler.now_us - world->started_us;
}

/* Runs it; the caller reads failed, counts and hash, then world_free. */
struct world *world_run(const struct world_options *options);
void world_free(struct world *world);

/* --- plan.c --- */
void world_draw_plan(struct world *world);
/* --- trouble.c: once a second --- */
void world_trouble(struct world *world);
void world_heal(struct world *world);
/* --- nodes.c: the database's side of the network --- */
void nodes_start(struct world *world);
void nodes_stop(struct world *world);
bool nodes_accept(struct world *world, unsigned node, struct network_end *end);

/* --- world.c, for the others --- */
void slot_start(struct gateway_slot *slot, int64_t delay_us);
void slot_reboot(struct gateway_slot *slot); /* its machine, while no process is there */
void slot_move(struct gateway_slot *slot);   /* to another machine */
void slot_step_clock(struct gateway_slot *slot, int64_t by_us); /* the wall clock */
/* To the right time, a second later: a machine that runs on reads its clock first. */
void slot_set_clock(struct gateway_slot *slot);
void world_bury(struct world *world, struct process *process, bool without_power);
/* Its process is paused when it comes by some point. */
void slot_stall(struct gateway_slot *slot, int64_t for_us);
void world_note_point(struct world *world, const char *name);
/* A process has come to its end by itself, or is to. */
void world_process_exited(struct world *world, struct process *process, int exit_code,
                          const char *text);
void world_process_drained(struct world *world, struct process *process);
void world_process_logged(struct world *world, struct process *process, enum log_level level,
                          const char *text);

#endif
