#include "tests/sim/network.h"

#include <stdlib.h>
#include <string.h>

#include "proto/crc32c.h"

enum {
    PURPOSE_DELAY = 1,
    PURPOSE_SLOW,
    PURPOSE_PIECES, /* and two behind it */
    PURPOSE_ROUGH = 8,
    PURPOSE_VANISH = 10,
    STUCK_MAX_US = 60 * 1000 * 1000,
    PIECES_MAX = 12,
};

enum flight_kind { FLIGHT_OPEN, FLIGHT_OPENED, FLIGHT_BYTES, FLIGHT_END, FLIGHT_RESET };

struct network_end {
    struct connection *connection;
    const struct network_events *events;
    void *owner;
    struct buf inbox;
    int64_t last_due_us; /* of what was sent to it */
    bool is_open;        /* it has an owner */
    bool has_ended;      /* the peer closed */
};

struct connection {
    struct list node;
    struct network *network;
    struct network_end ends[2]; /* 0: who opened it */
    unsigned places[2];
    uint64_t entity;
    uint64_t sends;
    unsigned flying;
    bool is_dead; /* flights are dropped */
};

struct flight {
    struct list node;
    struct connection *connection;
    enum flight_kind kind;
    int to; /* which end */
    const char *reason;
    size_t len;
    uint8_t bytes[];
};

void network_init(struct network *network, struct scheduler *scheduler, struct chance *chance)
{
    *network = (struct network){.scheduler = scheduler,
                                .chance = chance,
                                .delay_min_us = 50,
                                .delay_max_us = 2000};
    list_init(&network->connections);
    list_init(&network->flying);
}

static void connection_free(struct connection *connection)
{
    buf_deinit(&connection->ends[0].inbox);
    buf_deinit(&connection->ends[1].inbox);
    list_remove(&connection->node);
    free(connection);
}

void network_deinit(struct network *network)
{
    LIST_EACH_SAFE (it, after, &network->flying)
        free(LIST_ENTRY(it, struct flight, node));
    LIST_EACH_SAFE (it, after, &network->connections)
        connection_free(LIST_ENTRY(it, struct connection, node));
}

static int index_of(const struct network_end *end)
{
    return end == &end->connection->ends[1];
}

static void release_if_over(struct connection *connection)
{
    if (connection->flying > 0 || connection->ends[0].is_open || connection->ends[1].is_open)
        return;
    connection_free(connection);
}

/* --- flights --- */

static void fly(void *argument);

static void fly_to(struct connection *connection, int to, enum flight_kind kind, struct slice bytes,
                   int64_t delay_us, const char *reason)
{
    struct network *network = connection->network;
    struct network_end *end = &connection->ends[to];
    struct flight *flight = sim_take(sizeof(*flight) + bytes.len);
    int64_t due_us = network->scheduler->now_us + delay_us;
    int64_t clogged_us =
        network->clogged_until_us[connection->places[!to]][connection->places[to]];

    *flight = (struct flight){
        .connection = connection, .kind = kind, .to = to, .reason = reason, .len = bytes.len};
    if (bytes.len > 0)
        memcpy(flight->bytes, bytes.data, bytes.len);
    if (due_us < clogged_us && !network->chance->is_healed)
        due_us = clogged_us;
    if (due_us < end->last_due_us)
        due_us = end->last_due_us;
    end->last_due_us = due_us;
    list_append(&network->flying, &flight->node);
    connection->flying++;
    network->flights++;
    (void)scheduler_at(network->scheduler, due_us, fly, flight);
}

static int64_t usual_delay(const struct connection *connection)
{
    const struct network *network = connection->network;
    return chance_between(network->chance, connection->entity, connection->sends, PURPOSE_DELAY,
                          network->delay_min_us, network->delay_max_us);
}

static void end_gone(struct network_end *end, const char *reason)
{
    if (!end->is_open)
        return;
    end->is_open = false;
    end->events->gone(end->owner, reason);
}

static void die(struct connection *connection, const char *reason)
{
    connection->is_dead = true;
    connection->flying++; /* it must outlast its owners */
    end_gone(&connection->ends[0], reason);
    end_gone(&connection->ends[1], reason);
    connection->flying--;
}

static void land_open(struct connection *connection)
{
    struct network *network = connection->network;
    struct network_end *end = &connection->ends[1];
    unsigned place = connection->places[1];

    end->is_open = true; /* accept may send */
    if (network->accept[place] == NULL ||
        !network->accept[place](network->accept_context, place, end)) {
        end->is_open = false;
        fly_to(connection, 0, FLIGHT_RESET, SLICE_LITERAL(""), usual_delay(connection),
               "connection refused");
        return;
    }
    fly_to(connection, 0, FLIGHT_OPENED, SLICE_LITERAL(""), usual_delay(connection), NULL);
}

static void land_bytes(struct connection *connection, const struct flight *flight)
{
    struct network *network = connection->network;
    struct network_end *end = &connection->ends[flight->to];

    if (!end->is_open) { /* nobody listens there any more: that machine answers with a reset */
        if (connection->ends[!flight->to].is_open)
            fly_to(connection, !flight->to, FLIGHT_RESET, SLICE_LITERAL(""),
                   usual_delay(connection), "connection reset by peer");
        return;
    }
    network->hash = (network->hash ^ crc32c(flight->bytes, flight->len) ^
                     (uint64_t)network->scheduler->now_us) *
                    UINT64_C(1099511628211);
    network->bytes += flight->len;
    if (buf_append(&end->inbox, slice_make(flight->bytes, flight->len)) < 0)
        abort();
    end->events->readable(end->owner);
}

static void fly(void *argument)
{
    struct flight *flight = argument;
    struct connection *connection = flight->connection;
    struct network_end *end = &connection->ends[flight->to];

    if (!connection->is_dead) {
        switch (flight->kind) {
        case FLIGHT_OPEN:
            if (connection->ends[0].is_open)
                land_open(connection);
            break;
        case FLIGHT_OPENED:
            if (end->is_open)
                end->events->opened(end->owner);
            break;
        case FLIGHT_BYTES:
            land_bytes(connection, flight);
            break;
        case FLIGHT_END:
            end->has_ended = true;
            if (end->is_open)
                end->events->ended(end->owner);
            break;
        case FLIGHT_RESET:
            die(connection, flight->reason);
            break;
        }
    }
    connection->flying--;
    list_remove(&flight->node);
    free(flight);
    release_if_over(connection);
}

/* --- asked from outside --- */

struct network_end *network_open(struct network *network, unsigned from, unsigned to,
                                 const struct network_events *events, void *owner)
{
    struct connection *connection = sim_take(sizeof(*connection));
    connection->network = network;
    connection->places[0] = from;
    connection->places[1] = to;
    connection->entity =
        ((uint64_t)from << 48) | ((uint64_t)to << 40) | network->opened[from][to]++;
    for (int i = 0; i < 2; i++) {
        connection->ends[i].connection = connection;
        buf_init(&connection->ends[i].inbox, &alloc_heap, SIZE_MAX);
    }
    list_append(&network->connections, &connection->node);
    network_own(&connection->ends[0], events, owner);
    connection->ends[0].is_open = true;
    if (chance_fault(network->chance, SIM_NET_HANGS, connection->entity, 0))
        return &connection->ends[0];
    if (chance_fault(network->chance, SIM_NET_REFUSED, connection->entity, 0))
        fly_to(connection, 0, FLIGHT_RESET, SLICE_LITERAL(""), 2 * usual_delay(connection),
               "connection refused");
    else
        fly_to(connection, 1, FLIGHT_OPEN, SLICE_LITERAL(""), usual_delay(connection), NULL);
    return &connection->ends[0];
}

void network_own(struct network_end *end, const struct network_events *events, void *owner)
{
    end->events = events;
    end->owner = owner;
}

unsigned network_peer_place(const struct network_end *end)
{
    return end->connection->places[!index_of(end)];
}

void *network_peer_owner(const struct network_end *end)
{
    const struct network_end *peer = &end->connection->ends[!index_of(end)];
    return peer->is_open ? peer->owner : NULL;
}

uint64_t network_entity(const struct network_end *end)
{
    return end->connection->entity;
}

/* Cuts the bytes anywhere; a short message may come byte by byte. */
static void send_pieces(struct connection *connection, int to, struct slice bytes, int64_t delay_us)
{
    const struct chance *chance = connection->network->chance;
    uint64_t counter = connection->sends << 8;

    for (int i = 0; bytes.len > 0; i++, counter++) {
        int64_t most = bytes.len < 64 * 1024 ? (int64_t)bytes.len : 64 * 1024;
        size_t piece = i == PIECES_MAX ? bytes.len
                                       : (size_t)chance_skewed(chance, connection->entity, counter,
                                                               PURPOSE_PIECES, 1, most);
        fly_to(connection, to, FLIGHT_BYTES, slice_make(bytes.data, piece), delay_us, NULL);
        delay_us += chance_between(chance, connection->entity, counter, PURPOSE_PIECES + 2, 0, 500);
        bytes = slice_make(bytes.data + piece, bytes.len - piece);
    }
}

static bool is_rough(const struct connection *connection, int from)
{
    const struct network *network = connection->network;

    return network->scheduler->now_us < network->rough_until_us[connection->places[from]];
}

static bool is_slow(const struct connection *connection, int from, uint64_t counter)
{
    struct chance *chance = connection->network->chance;
    uint64_t entity = connection->entity;

    if (!is_rough(connection, from))
        return chance_fault(chance, SIM_NET_SLOW, entity, counter);
    return chance_decide(chance, SIM_NET_SLOW, entity, counter,
                         chance_draw(chance, entity, counter, PURPOSE_ROUGH) % 4 == 0);
}

void network_send(struct network_end *end, struct slice bytes)
{
    struct connection *connection = end->connection;
    struct chance *chance = connection->network->chance;
    uint64_t entity = connection->entity, counter = ++connection->sends;
    int to = !index_of(end);
    int64_t delay_us = usual_delay(connection);

    if (connection->is_dead || bytes.len == 0)
        return;
    if (chance_fault(chance, SIM_NET_RESET, entity, counter)) {
        fly_to(connection, to, FLIGHT_RESET, SLICE_LITERAL(""), delay_us,
               "connection reset by peer");
        return;
    }
    if (is_slow(connection, !to, counter))
        delay_us += is_rough(connection, !to)
                        ? chance_between(chance, entity, counter, PURPOSE_SLOW, 1000, 3000000)
                        : chance_skewed(chance, entity, counter, PURPOSE_SLOW, 1000, 2000000);
    if (chance_fault(chance, SIM_NET_STUCK, entity, counter))
        delay_us += chance_skewed(chance, entity, counter, PURPOSE_SLOW, 1000000, STUCK_MAX_US);
    if (chance_fault(chance, SIM_NET_CHUNKS, entity, counter))
        send_pieces(connection, to, bytes, delay_us);
    else
        fly_to(connection, to, FLIGHT_BYTES, bytes, delay_us, NULL);
}

struct slice network_inbox(const struct network_end *end)
{
    return buf_unread(&end->inbox);
}

void network_consume(struct network_end *end, size_t bytes)
{
    buf_consume(&end->inbox, bytes);
}

bool network_has_ended(const struct network_end *end)
{
    return end->has_ended;
}

void network_close(struct network_end *end)
{
    struct connection *connection = end->connection;
    struct chance *chance = connection->network->chance;
    int to = !index_of(end);

    end->is_open = false;
    connection->sends++;
    if (chance_fault(chance, SIM_NET_LOST_TAIL, connection->entity, connection->sends)) {
        connection->ends[to].last_due_us = 0; /* it overtakes */
        fly_to(connection, to, FLIGHT_RESET, SLICE_LITERAL(""), usual_delay(connection),
               "connection reset by peer");
    } else {
        fly_to(connection, to, FLIGHT_END, SLICE_LITERAL(""), usual_delay(connection), NULL);
    }
}

void network_reset(struct network_end *end)
{
    struct connection *connection = end->connection;
    int to = !index_of(end);

    end->is_open = false;
    connection->ends[to].last_due_us = 0;
    fly_to(connection, to, FLIGHT_RESET, SLICE_LITERAL(""), usual_delay(connection),
           "connection reset by peer");
}

void network_vanish(struct network_end *end)
{
    struct connection *connection = end->connection;
    const struct chance *chance = connection->network->chance;
    int to = !index_of(end);

    end->is_open = false;
    fly_to(connection, to, FLIGHT_RESET, SLICE_LITERAL(""),
           chance_between(chance, connection->entity, 0, PURPOSE_VANISH, 1000000, STUCK_MAX_US),
           "no route to host");
}
