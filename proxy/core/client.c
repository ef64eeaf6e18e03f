/*
 * A producer's connection inside the gateway: from bytes to handled requests, and back-pressure.
 *
 * A Produce that cannot be admitted now is parked: it stays where it is, in the connection's input
 * buffer, nothing more is read from this client, and the gateway comes back to it when there is
 * room. So waiting costs no copy, and what a client may make us hold is what its socket had
 * delivered.
 */
#include "core/admin/admin.h"
#include "core/gateway_internal.h"
#include "kafka/error.h"

#include <assert.h>

enum {
    REQUEST_ARENA_BYTES = 8 * 1024 * 1024,
    READ_BYTES = 256 * 1024,
    SHED_AFTER_US = 5 * 1000 * 1000,
};

struct client *client_open(struct gateway *gateway, const struct client_address *address,
                           struct moment now)
{
    const struct gateway_config *config = gateway->config;
    /* The first frame has no limit of its own: kafka-python, aiokafka and others open a connection
     * to a broker that they know with a Produce. */
    const struct kafka_connection_limits limits = {.max_frame_bytes = config->max_request_bytes,
                                                   .max_first_frame_bytes =
                                                       config->max_request_bytes,
                                                   .max_pending = config->max_pending_requests,
                                                   .arena_bytes = REQUEST_ARENA_BYTES,
                                                   .read_bytes = READ_BYTES};

    if (gateway->client_count >= config->max_connections || gateway->draining)
        return NULL;
    struct client *client = alloc_zeroed(config->alloc, sizeof(*client));
    if (client == NULL)
        return NULL;
    client->connection = kafka_connection_new(config->alloc, &limits);
    if (client->connection == NULL) {
        alloc_free(config->alloc, client, sizeof(*client));
        return NULL;
    }
    client->gateway = gateway;
    client->address = *address;
    client->opened_us = client->last_byte_us = now.boot_us;
    client->reading = true;
    list_append(&gateway->clients, &client->node);
    list_init(&client->dirty_node);
    list_init(&client->parked_node);
    gateway->client_count++;
    return client;
}

void client_set_driver(struct client *client, void *driver)
{
    client->driver = driver;
}

void *client_driver(const struct client *client)
{
    return client->driver;
}

struct slice client_dialled_host(const struct client *client)
{
    const char *advertised = client->gateway->config->advertised_host;

    return slice_cstr(advertised != NULL ? advertised : client->address.local);
}

uint16_t client_dialled_port(const struct client *client)
{
    uint16_t advertised = client->gateway->config->advertised_port;

    return advertised != 0 ? advertised : client->address.local_port;
}

void client_mark_dirty(struct client *client)
{
    if (list_empty(&client->dirty_node))
        list_append(&client->gateway->dirty_clients, &client->dirty_node);
}

void client_fail(struct client *client, const char *why, const char *detail, struct moment now)
{
    char quoted[LOG_QUOTED_BYTES];

    (void)now;
    if (client->closing)
        return;
    client->closing = true;
    log_quote(quoted, sizeof(quoted), detail, strlen(detail));
    action_log(client->gateway->actions, LOG_WARN, "client closed",
               "client=%s reason=\"%s\" detail=%s", client->address.peer, why, quoted);
    client_mark_dirty(client);
}

uint8_t *client_space(struct client *client, size_t *room)
{
    if (client->parked || client->closing) {
        *room = 0;
        return NULL;
    }
    return kafka_connection_space(client->connection, room);
}

void client_received(struct client *client, size_t bytes, struct moment now)
{
    client->last_byte_us = now.boot_us;
    kafka_connection_received(client->connection, bytes, now.boot_us);
    client_pump(client, now);
    client_mark_dirty(client);
}

void client_pump(struct client *client, struct moment now)
{
    struct kafka_event event;

    while (!client->parked && !client->closing &&
           kafka_connection_next(client->connection, &event)) {
        if (event.kind == KAFKA_EVENT_CLOSE) {
            client_fail(client, event.reason, event.detail, now);
            return;
        }
        client->understood = true;
        handle_request(client, &event, now);
    }
}

void client_respond(struct client *client, uint64_t request_id, const void *body, struct moment now)
{
    if (kafka_connection_respond(client->connection, request_id, body) < 0)
        client_fail(client, "the answer could not be written", "out of memory", now);
    client_mark_dirty(client);
}

void client_park(struct client *client, const struct kafka_event *event, struct produce *produce)
{
    client->parked = true;
    client->parked_since_us = event->first_byte_us;
    client->parked_event = *event;
    client->parked_produce = produce;
    list_append(&client->gateway->parked, &client->parked_node);
    client_mark_dirty(client);
}

void client_unpark(struct client *client, struct moment now)
{
    struct produce *produce = client->parked_produce;

    assert(client->parked);
    client->parked = false;
    list_remove(&client->parked_node);
    client->parked_produce = NULL;
    if (produce == NULL) {
        handle_request(client, &client->parked_event, now);
    } else if (!produce_resume(produce, client->parked_event.body, now)) {
        client_park(client, &client->parked_event, produce);
        return;
    }
    client_pump(client, now);
    client_mark_dirty(client);
}

/* The parked Produce has waited as long as its client listens. */
static void expire_parked(struct client *client, struct moment now)
{
    struct gateway *gateway = client->gateway;
    struct produce *produce = client->parked_produce;

    client->parked = false;
    list_remove(&client->parked_node);
    client->parked_produce = NULL;
    if (produce == NULL) {
        handle_request(client, &client->parked_event, now);
    } else {
        const struct partition *partition = produce->entries[produce->next_entry].partition;
        bool live = gateway->ready && partition != NULL &&
                    (partition->state == PARTITION_LIVE || partition->repair != NULL);
        produce_refuse_rest(produce, client->parked_event.body,
                            live ? KAFKA_NOT_ENOUGH_REPLICAS : KAFKA_NOT_LEADER_OR_FOLLOWER, now);
    }
    client_pump(client, now);
    client_mark_dirty(client);
}

void client_check_limits(struct client *client, struct moment now)
{
    const struct gateway_config *config = client->gateway->config;
    int64_t since = kafka_connection_frame_since_us(client->connection);

    /* What waits for memory waits less: an answer keeps the client from timing out, and its bytes
     * are free. */
    bool shed = client->parked_produce != NULL && gateway_over_budget(client->gateway) &&
                now.boot_us - client->parked_since_us > SHED_AFTER_US;
    if (client->parked && (shed || now.boot_us >= request_deadline_us(&client->parked_event)))
        expire_parked(client, now);
    if (client->closing || client->parked)
        return;
    if (since != 0 && since < client->reading_since_us)
        since = client->reading_since_us; /* while we did not read, it could not send */
    if (!client->understood && now.boot_us - client->opened_us > config->first_request_timeout_us)
        client_fail(client, "no request within limits.first_request_timeout", "", now);
    else if (since != 0 && client->reading &&
             now.boot_us - since > config->request_receive_timeout_us)
        client_fail(client, "a request was not complete within limits.request_receive_timeout", "",
                    now);
    else if (client->waiting == 0 && now.boot_us - client->last_byte_us > config->idle_timeout_us) {
        client->closing = true; /* an idle close is normal, not worth a line */
        client_mark_dirty(client);
    }
}

void client_half_closed(struct client *client, struct moment now)
{
    (void)now;
    client->half_closed = true;
    client_mark_dirty(client);
}

struct slice client_output(const struct client *client)
{
    return kafka_connection_output(client->connection);
}

void client_sent(struct client *client, size_t bytes, struct moment now)
{
    kafka_connection_sent(client->connection, bytes);
    client->last_byte_us = now.boot_us;
    if (client->half_closed || kafka_connection_output(client->connection).len > 0)
        client_mark_dirty(client);
}

void client_closed(struct client *client, struct moment now)
{
    struct gateway *gateway = client->gateway;

    if (client->parked_produce != NULL) {
        client->parked_produce->client = NULL;
        produce_refuse_rest(client->parked_produce, client->parked_event.body,
                            KAFKA_NOT_ENOUGH_REPLICAS, now);
    }
    LIST_EACH (it, &gateway->produces) {
        struct produce *produce = LIST_ENTRY(it, struct produce, node);
        if (produce->client == client)
            produce_orphan(produce);
    }
    metadata_waits_forget(client);
    admin_forget(client);
    action_forget_client(gateway->actions, client);
    list_remove(&client->node);
    list_remove(&client->dirty_node);
    list_remove(&client->parked_node);
    gateway->client_count--;
    gateway->client_bytes -= client->held_bytes;
    kafka_connection_free(client->connection);
    alloc_free(gateway->config->alloc, client, sizeof(*client));
}
