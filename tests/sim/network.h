/*
 * Connections between the machines of a simulation, as TCP makes them: bytes arrive in order or
 * not at all, each direction on its own; a close delivers what was sent before, a reset does not.
 *
 *      network_open -> (listener's accept) -> opened
 *      network_send -> one flight per piece -> peer's inbox -> readable -> network_read
 *      network_close -> peer: ended (it can still send; that is answered by a reset)
 *      network_reset, or the fault -> gone, on both sides
 */
#ifndef TESTS_SIM_NETWORK_H
#define TESTS_SIM_NETWORK_H

#include "proto/buf.h"
#include "proto/list.h"
#include "tests/sim/chance.h"
#include "tests/sim/scheduler.h"

#define PLACES_MAX 32 /* machines: producers, gateways, nodes */

struct network_end;

/* Called when something happens to an end; none of them from inside network_*(). */
struct network_events {
    void (*opened)(void *owner);
    void (*readable)(void *owner); /* the inbox has more */
    void (*ended)(void *owner);    /* the peer closed; the inbox may have bytes still */
    void (*gone)(void *owner, const char *reason); /* the end is freed already */
};

/* Somebody connects to this place: the end's events and owner are to be set. False: refused. */
typedef bool (*network_accept)(void *context, unsigned place, struct network_end *end);

struct network {
    struct scheduler *scheduler;
    struct chance *chance;
    network_accept accept[PLACES_MAX];
    void *accept_context;
    int64_t clogged_until_us[PLACES_MAX][PLACES_MAX]; /* from, to */
    int64_t rough_until_us[PLACES_MAX]; /* a quarter of what is sent from there is slow */
    uint64_t opened[PLACES_MAX][PLACES_MAX];
    int64_t delay_min_us, delay_max_us;
    uint64_t hash; /* of everything that was delivered, in order */
    uint64_t bytes, flights;
    struct list connections, flying; /* for network_deinit */
};

void network_init(struct network *network, struct scheduler *scheduler, struct chance *chance);
/* Everything is gone, nobody hears of it. What the scheduler still has of it must not fire. */
void network_deinit(struct network *network);

struct network_end *network_open(struct network *network, unsigned from, unsigned to,
                                 const struct network_events *events, void *owner);
void network_own(struct network_end *end, const struct network_events *events, void *owner);
unsigned network_peer_place(const struct network_end *end);
/* Of the other side; NULL: it has closed. */
void *network_peer_owner(const struct network_end *end);
uint64_t network_entity(const struct network_end *end); /* of the connection, for chance_draw */
/* Takes all of it. */
void network_send(struct network_end *end, struct slice bytes);
struct slice network_inbox(const struct network_end *end);
void network_consume(struct network_end *end, size_t bytes);
bool network_has_ended(const struct network_end *end);
/* What was sent still arrives; the end is the network's from here on. */
void network_close(struct network_end *end);
/* Nothing more arrives, the peer hears `gone`. */
void network_reset(struct network_end *end);
/* The machine is without power: the peer hears nothing for up to a minute. */
void network_vanish(struct network_end *end);

#endif
