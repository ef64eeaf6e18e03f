/* The database's side of the network: a session for each connection to a node. */
#include <stdlib.h>

#include "tests/sim/world.h"

struct bridge {
    struct list node; /* world.bridges */
    struct world *world;
    struct network_end *end; /* NULL: gone */
    struct database_session *session;
};

static void bridge_free(struct bridge *bridge)
{
    list_remove(&bridge->node);
    free(bridge);
}

static void on_readable(void *owner)
{
    struct bridge *bridge = owner;
    struct slice bytes = network_inbox(bridge->end);

    if (bytes.len > 0 && bridge->session != NULL) {
        database_receive(bridge->session, bytes);
        network_consume(bridge->end, bytes.len);
    }
    if (!network_has_ended(bridge->end))
        return;
    network_close(bridge->end);
    if (bridge->session != NULL)
        database_disconnect(bridge->session);
    bridge_free(bridge);
}

static void on_gone(void *owner, const char *reason)
{
    struct bridge *bridge = owner;
    (void)reason;
    if (bridge->session != NULL)
        database_disconnect(bridge->session);
    bridge_free(bridge);
}

static const struct network_events bridge_events = {NULL, on_readable, on_readable, on_gone};

bool nodes_accept(struct world *world, unsigned node, struct network_end *end)
{
    struct bridge *bridge = sim_take(sizeof(*bridge));

    bridge->world = world;
    bridge->end = end;
    list_append(&world->bridges, &bridge->node);
    network_own(end, &bridge_events, bridge);
    bridge->session = database_connect(world->database, node, bridge);
    if (bridge->session != NULL)
        return true;
    bridge_free(bridge);
    return false;
}

/* --- what the database is lent --- */

static int64_t hook_now(void *context)
{
    const struct world *world = context;
    return world->scheduler.now_us;
}

static void hook_later(void *context, int64_t delay_us, void (*fire)(void *), void *argument)
{
    struct world *world = context;
    (void)scheduler_in(&world->scheduler, delay_us, fire, argument);
}

static uint64_t hook_draw(void *context, uint64_t entity, uint64_t counter, uint32_t purpose)
{
    const struct world *world = context;
    return chance_draw(&world->chance, entity, counter, purpose + 0x20000);
}

static bool hook_fault(void *context, enum database_fault fault, uint64_t entity, uint64_t counter,
                       bool drawn)
{
    struct world *world = context;
    return chance_decide(&world->chance, SIM_FAULT_COUNT + (uint32_t)fault, entity, counter, drawn);
}

static void hook_send(void *context, void *owner, struct slice bytes)
{
    const struct bridge *bridge = owner;
    (void)context;
    network_send(bridge->end, bytes);
}

static void hook_close(void *context, void *owner)
{
    struct bridge *bridge = owner;
    (void)context;
    bridge->session = NULL;
    network_close(bridge->end);
    bridge_free(bridge);
}

static enum database_serial hook_serial(void *context, void *owner)
{
    const struct world *world = context;
    const struct bridge *bridge = owner;
    unsigned gateway = network_peer_place(bridge->end) - PLACE_GATEWAY;

    if (gateway >= world->plan.gateways ||
        world->scheduler.now_us >= world->gateways[gateway].undone_until_us)
        return DATABASE_SERIAL_FINE;
    return world->scheduler.now_us < world->gateways[gateway].untold_until_us
               ? DATABASE_SERIAL_UNTOLD
               : DATABASE_SERIAL_UNDONE;
}

static void hook_trace(void *context, const char *line)
{
    world_trace(context, "database: %s", line);
}

void nodes_start(struct world *world)
{
    const struct database_hooks hooks = {.context = world,
                                         .now_us = hook_now,
                                         .later = hook_later,
                                         .draw = hook_draw,
                                         .fault = hook_fault,
                                         .send = hook_send,
                                         .close = hook_close,
                                         .serial = hook_serial,
                                         .trace = world->options.trace ? hook_trace : NULL};
    struct database_config config = {.nodes = world->plan.nodes};

    for (unsigned i = 0; i < DATABASE_FAULT_COUNT; i++)
        config.fault_ppm[i] = world->plan.database_ppm[i];
    list_init(&world->bridges);
    world->database = database_new(&config, &hooks);
}

void nodes_stop(struct world *world)
{
    database_free(world->database);
    LIST_EACH_SAFE (it, after, &world->bridges)
        bridge_free(LIST_ENTRY(it, struct bridge, node));
}
