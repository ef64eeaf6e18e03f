/*
 * The whole gateway, sans I/O: one worker. The driver (libuv, simulator, fuzzer) brings bytes,
 * closes and the time in, and afterwards pulls actions until there are none.
 *
 *     driver event -> client_received | link_received | gateway_tick ... -> gateway_turn ->
 * action_next*
 *
 * Clients are owned by the gateway from client_open to client_closed.
 */
#ifndef PROXY_CORE_GATEWAY_H
#define PROXY_CORE_GATEWAY_H

#include "core/action.h"
#include "core/cluster/cluster.h"
#include "core/config.h"
#include "core/moment.h"

struct gateway;

/* NULL: out of memory. The configuration is borrowed. */
struct gateway *gateway_new(const struct gateway_config *config, struct moment now);
void gateway_free(struct gateway *gateway);
void gateway_start(struct gateway *gateway, struct moment now);
struct action_queue *gateway_actions(struct gateway *gateway);

/* Once per loop turn, after the events of the turn: mutations are closed and sent, output is
 * gathered. */
void gateway_turn(struct gateway *gateway, struct moment now);
/* When gateway_tick wants to be called at the latest; NEVER_US: only after events. */
int64_t gateway_deadline_us(const struct gateway *gateway);
void gateway_tick(struct gateway *gateway, struct moment now);

/* SIGTERM: new Produce gets 6, what is in flight is finished, leases are given back, then
 * ACTION_DRAINED. */
void gateway_drain(struct gateway *gateway, struct moment now);

struct client_address {
    char peer[64];  /* "192.0.2.1:40000", for logs */
    char local[48]; /* the address that was dialled, without port: what Metadata tells when nothing
                       is advertised */
    uint16_t local_port;
};
/* NULL: refused (max_connections, draining, memory): close the socket. */
struct client *client_open(struct gateway *gateway, const struct client_address *address,
                           struct moment now);
void client_set_driver(struct client *client, void *driver);
void *client_driver(const struct client *client);
/* Where to read; *room 0: do not read now. Valid until the next call on this client. */
uint8_t *client_space(struct client *client, size_t *room);
void client_received(struct client *client, size_t bytes, struct moment now);
/* The peer sends no more; what it asked is still answered, then ACTION_CLIENT_CLOSE follows. */
void client_half_closed(struct client *client, struct moment now);
struct slice client_output(const struct client *client);
void client_sent(struct client *client, size_t bytes, struct moment now);
/* The socket is gone; the client is freed. */
void client_closed(struct client *client, struct moment now);

/* For `check`, logs and tests. */
struct gateway_counts {
    uint64_t records, batches, duplicates, mutations, refused_batches;
    uint64_t copies, copies_won; /* speculative executions; those that answered first */
    size_t clients, topics, loaded_partitions, held_bytes;
};
void gateway_get_counts(const struct gateway *gateway, struct gateway_counts *counts);

#endif
