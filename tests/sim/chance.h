/*
 * Every choice of the simulation is hash(seed, entity, counter, purpose), so taking one fault away
 * does not shift the others. A fault is such a choice with a name and a rate; those that fire are
 * recorded, and a run can be told to fire only those of a list (scenario.h).
 */
#ifndef TESTS_SIM_CHANCE_H
#define TESTS_SIM_CHANCE_H

#include "tests/sim/database.h"

/* name, greatest rate in parts per million of its occasions, what it is */
#define SIM_FAULT_MAP(X)                                                                           \
    /* per write to a connection */                                                                \
    X(NET_RESET, 3000, "the connection is reset; what was on its way is lost")                     \
    X(NET_SLOW, 50000, "these bytes take up to 2 s")                                               \
    X(NET_STUCK, 1500, "these bytes and all behind them take up to 60 s")                          \
    X(NET_CHUNKS, 200000, "they arrive in pieces")                                                 \
    /* per connection */                                                                           \
    X(NET_REFUSED, 100000, "connection refused")                                                   \
    X(NET_HANGS, 30000, "the connection is never made")                                            \
    X(NET_LOST_TAIL, 500000, "closed with a reset: what was not read yet is lost")                 \
    /* per pair of machines and second */                                                          \
    X(NET_ONE_WAY, 6000, "nothing passes in one direction for up to 40 s")                         \
    /* per gateway and second */                                                                   \
    X(GATEWAY_KILL, 20000, "kill -9, started again at once or after up to 20 s")                   \
    X(GATEWAY_POWER, 5000, "its machine dies without a word and boots again")                      \
    X(GATEWAY_PAUSE, 20000, "SIGSTOP for up to 120 s")                                             \
    X(GATEWAY_FREEZE, 5000, "the machine is frozen: the boot clock stands still")                  \
    X(GATEWAY_DRAIN, 10000, "SIGTERM, and started again")                                          \
    X(GATEWAY_MOVE, 3000, "started on another machine while the old one runs on")                  \
    X(GATEWAY_STORM, 12000, "kill -9, and its next lives die at points of their takeover")         \
    X(GATEWAY_STALL, 12000, "SIGSTOP at a point for up to four leases")                            \
    X(GATEWAY_SERIAL, 12000, "its transactions are done but not told, then no longer done")        \
    X(GATEWAY_CLOCK, 6000, "the wall clock steps by up to 10 min")                                 \
    X(GATEWAY_SKEW, 10000, "the wall clock steps by up to 1 s")                                    \
    X(GATEWAY_MEMORY, 60000, "an allocation of the next second fails")                             \
    /* per action of a gateway */                                                                  \
    X(GATEWAY_KILL_AT, 300, "kill -9 between two actions of a turn")                               \
    X(GATEWAY_PAUSE_AT, 300, "SIGSTOP between two turns")                                          \
    /* per node and second */                                                                      \
    X(NODE_KILL, 6000, "kill -9, back after 1 to 40 s")                                            \
    X(NODE_PAUSE, 6000, "SIGSTOP for up to 30 s")                                                  \
    X(NODE_CUT, 6000, "messages to one other node are lost for up to 40 s")                        \
    X(NODE_CLOCK, 3000, "its clock steps by up to 2 s")                                            \
    X(NODE_EVICT, 3000, "it forgets its prepared statements")                                      \
    X(NODE_UPGRADE, 1500, "it comes back with another rule for the ids of statements")             \
    /* per producer and second */                                                                  \
    X(PRODUCER_CRASH, 5000, "gone, and back with a new producer id")                               \
    X(PRODUCER_CUT, 10000, "closes its connections and opens new ones")                            \
    X(PRODUCER_SLEEP, 10000, "reads and sends nothing for up to 20 s")                             \
    X(PRODUCER_STRAY, 20000, "is told by old metadata that some gateway leads everything")         \
    /* per batch */                                                                                \
    X(PRODUCER_POISON, 10000, "a batch with a record that must be refused")

enum sim_fault {
#define SIM_FAULT_ENUM(name, ppm, text) SIM_##name,
    SIM_FAULT_MAP(SIM_FAULT_ENUM)
#undef SIM_FAULT_ENUM
        SIM_FAULT_COUNT
};
/* Behind these come the database's own. */
#define ALL_FAULT_COUNT ((unsigned)SIM_FAULT_COUNT + (unsigned)DATABASE_FAULT_COUNT)

struct fired_fault {
    uint32_t fault; /* below ALL_FAULT_COUNT */
    uint64_t entity, counter;
};

struct chance {
    uint64_t seed;
    bool is_healed; /* nothing fires any more */
    uint32_t ppm[SIM_FAULT_COUNT];
    uint64_t fired[ALL_FAULT_COUNT];
    struct fired_fault *record;
    size_t record_count, record_capacity;
    /* Not NULL: only these fire, whatever the rates say; borrowed. */
    const struct fired_fault *only;
    size_t only_count;
};

void chance_init(struct chance *chance, uint64_t seed);
void chance_deinit(struct chance *chance);
const char *fault_name(uint32_t fault);
int fault_by_name(const char *name); /* -1: none */

uint64_t chance_draw(const struct chance *chance, uint64_t entity, uint64_t counter,
                     uint32_t purpose);
/* min to max, both included. */
int64_t chance_between(const struct chance *chance, uint64_t entity, uint64_t counter,
                       uint32_t purpose, int64_t min, int64_t max);
/* Mostly near min: evenly in the exponent. min > 0. */
int64_t chance_skewed(const struct chance *chance, uint64_t entity, uint64_t counter,
                      uint32_t purpose, int64_t min, int64_t max);
/* Does it happen on this occasion? */
bool chance_fault(struct chance *chance, enum sim_fault fault, uint64_t entity, uint64_t counter);
/* The same for a fault whose rate somebody else looked at. */
bool chance_decide(struct chance *chance, uint32_t fault, uint64_t entity, uint64_t counter,
                   bool drawn);

#endif
