/* Shared by process.c (life, clock, turns) and process_socket.c (connections). */
#ifndef TESTS_SIM_PROCESS_INTERNAL_H
#define TESTS_SIM_PROCESS_INTERNAL_H

#include "tests/sim/process.h"
#include "tests/sim/talk.h"
#include "tests/sim/world.h"

struct process {
    struct list node; /* world.processes */
    struct world *world;
    struct machine *machine;
    uint64_t serial;
    int64_t started_us;
    unsigned slot;
    char member[32], boot_id[48], host[DATABASE_NODES_MAX][48];
    struct contact_point points[DATABASE_NODES_MAX];
    struct alloc alloc;
    uint64_t allocations, fail_at, live_bytes, live_blocks;
    struct gateway_config config;
    struct gateway *gateway;
    struct list sockets;
    struct sim_event *turn, *timer, *resume;
    int64_t timer_us;
    uint64_t turns, actions;
    bool is_paused, is_draining, is_dead, is_dirty, is_starved;
    bool has_lacked_memory;
    struct process_doom doom;
    struct sim_event *dies;
    int64_t stalled_us; /* since when what its last turn decided waits to be performed; 0: it does
                           not */
    bool is_doomed; /* it was met in this turn: nothing of it is performed any more, or yet */
};

/* A connection of the process: either a link to a node or a client. */
struct socket {
    struct list node;
    struct process *process;
    struct network_end *end; /* NULL: gone */
    struct link *link;
    struct client *client;
    struct talk *talk;
    struct cql_tap *tap;
    struct sim_event *timeout; /* of connecting */
    bool wants_read;
    bool is_new;     /* accepted while the process is paused */
    bool was_opened; /* connected meanwhile */
    bool is_over;    /* gone, and the core does not know yet */
    bool told_end;
    const char *reason;
};

struct moment process_now(const struct process *process);
void process_event(struct process *process); /* a turn follows */
void sockets_act(struct process *process, const struct action *action);
/* What waits in the sockets: after a pause, or when there was no memory. */
void sockets_pump(struct process *process);
void sockets_close(struct process *process, bool without_power);

#endif
