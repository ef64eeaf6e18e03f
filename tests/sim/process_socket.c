/* The connections of a gateway process: what proxy/client_socket.c and proxy/node_socket.c do. */
#include <stdlib.h>

#include "tests/sim/process_internal.h"
#include "tests/sim/producer.h"

enum { READ_MAX_BYTES = 64 * 1024, SLICES_MAX = 16 };

static void socket_free(struct socket *socket)
{
    list_remove(&socket->node);
    scheduler_cancel(&socket->process->world->scheduler, socket->timeout);
    if (socket->talk != NULL)
        talk_unref(socket->talk);
    free(socket->tap);
    free(socket);
}

static struct socket *socket_new(struct process *process)
{
    struct socket *socket = sim_take(sizeof(*socket));
    socket->process = process;
    socket->wants_read = true;
    list_append(&process->sockets, &socket->node);
    return socket;
}

/* The core hears that it is gone. */
static void socket_over(struct socket *socket)
{
    struct process *process = socket->process;
    struct link *link = socket->link;
    struct client *client = socket->client;
    const char *reason = socket->reason;

    socket_free(socket);
    if (link != NULL) {
        link_set_driver(link, NULL);
        link_closed(link, reason, process_now(process));
    } else if (client != NULL) {
        client_closed(client, process_now(process));
    }
    process_event(process);
}

static void drop(struct socket *socket, const char *reason)
{
    if (socket->end != NULL)
        network_close(socket->end);
    socket->end = NULL;
    socket->reason = reason;
    socket_over(socket);
}

/* --- reading --- */

/* False: the socket is gone. */
static bool read_link(struct socket *socket)
{
    struct process *process = socket->process;

    while (network_inbox(socket->end).len > 0) {
        struct slice unread = network_inbox(socket->end);
        size_t room = 0;
        uint8_t *space = link_space(socket->link, &room);
        size_t len = unread.len < room ? unread.len : room;
        if (len == 0) {
            drop(socket, "no memory for the node's answer");
            return false;
        }
        if (len > READ_MAX_BYTES)
            len = READ_MAX_BYTES;
        memcpy(space, unread.data, len);
        cql_tap_received(socket->tap, slice_make(space, len));
        network_consume(socket->end, len);
        link_received(socket->link, len, process_now(process));
        process_event(process);
    }
    if (!network_has_ended(socket->end))
        return true;
    drop(socket, "closed by the node");
    return false;
}

static void read_client(struct socket *socket)
{
    struct process *process = socket->process;

    while (socket->wants_read && network_inbox(socket->end).len > 0) {
        struct slice unread = network_inbox(socket->end);
        size_t room = 0;
        uint8_t *space = client_space(socket->client, &room);
        size_t len = unread.len < room ? unread.len : room;
        if (len == 0) {
            process->is_starved = true;
            process_event(process);
            return;
        }
        if (len > READ_MAX_BYTES)
            len = READ_MAX_BYTES;
        memcpy(space, unread.data, len);
        network_consume(socket->end, len);
        client_received(socket->client, len, process_now(process));
        process_event(process);
    }
    if (socket->wants_read && network_has_ended(socket->end) && !socket->told_end) {
        socket->told_end = true;
        client_half_closed(socket->client, process_now(process));
        process_event(process);
    }
}

static void on_readable(void *owner)
{
    struct socket *socket = owner;
    if (socket->process->is_paused)
        return;
    if (socket->link != NULL)
        (void)read_link(socket);
    else
        read_client(socket);
}

static void connected(struct socket *socket)
{
    struct process *process = socket->process;
    scheduler_cancel(&process->world->scheduler, socket->timeout);
    socket->timeout = NULL;
    link_connected(socket->link, process_now(process));
    process_event(process);
}

static void on_opened(void *owner)
{
    struct socket *socket = owner;
    if (socket->process->is_paused)
        socket->was_opened = true;
    else
        connected(socket);
}

static void on_gone(void *owner, const char *reason)
{
    struct socket *socket = owner;
    scheduler_cancel(&socket->process->world->scheduler, socket->timeout);
    socket->timeout = NULL;
    socket->end = NULL;
    socket->is_over = true;
    socket->reason = reason;
    if (!socket->process->is_paused)
        socket_over(socket);
}

static const struct network_events socket_events = {on_opened, on_readable, on_readable, on_gone};

/* --- clients --- */

/* False: refused. */
static bool client_begins(struct socket *socket)
{
    struct process *process = socket->process;
    struct client_address address = {
        .peer = "192.0.2.1:40000", .local = "192.0.2.9", .local_port = SIM_PORT};

    socket->is_new = false;
    socket->client = client_open(process->gateway, &address, process_now(process));
    if (socket->client == NULL)
        return false;
    client_set_driver(socket->client, socket);
    process_event(process);
    return true;
}

bool process_accept(struct process *process, struct network_end *end)
{
    struct producer_link *producer = network_peer_owner(end);

    if (producer == NULL || process->is_draining)
        return false;
    struct socket *socket = socket_new(process);
    socket->end = end;
    socket->talk = talk_ref(producer_talk(producer));
    network_own(end, &socket_events, socket);
    socket->is_new = true;
    if (!process->is_paused && !client_begins(socket)) {
        socket_free(socket);
        return false;
    }
    return true;
}

void sockets_pump(struct process *process)
{
    process->is_starved = false;
    LIST_EACH_SAFE (it, after, &process->sockets) {
        struct socket *socket = LIST_ENTRY(it, struct socket, node);
        if (socket->is_over) {
            socket_over(socket);
        } else if (socket->is_new && !client_begins(socket)) {
            drop(socket, "refused");
        } else if (socket->was_opened) {
            socket->was_opened = false;
            connected(socket);
            (void)read_link(socket);
        } else if (socket->link != NULL) {
            if (socket->timeout == NULL)
                (void)read_link(socket);
        } else {
            read_client(socket);
        }
    }
}

/* --- actions --- */

static void on_timeout(void *argument)
{
    struct socket *socket = argument;
    socket->timeout = NULL;
    if (!socket->process->is_paused) {
        drop(socket, "connection timed out");
        return;
    }
    network_close(socket->end);
    on_gone(socket, "connection timed out");
}

static void open_link(struct process *process, const struct action *action)
{
    struct world *world = process->world;
    int node = database_node_at(world->database, action->host);
    struct socket *socket = socket_new(process);

    socket->link = action->link;
    socket->tap = sim_take(sizeof(*socket->tap));
    link_set_driver(action->link, socket);
    socket->end = network_open(&world->network, PLACE_GATEWAY + process->slot,
                               PLACE_NODE + (unsigned)node, &socket_events, socket);
    socket->timeout =
        scheduler_in(&world->scheduler, process->config.connect_timeout_us, on_timeout, socket);
}

static void write_link(struct socket *socket)
{
    struct process *process = socket->process;
    struct slice slices[SLICES_MAX];
    size_t count;

    while ((count = link_output(socket->link, slices, SLICES_MAX)) > 0) {
        size_t bytes = 0;
        for (size_t i = 0; i < count; i++) {
            cql_tap_sent(socket->tap, process->world, slices[i]);
            network_send(socket->end, slices[i]);
            bytes += slices[i].len;
        }
        link_sent(socket->link, bytes, process_now(process));
        process_event(process);
    }
}

static void write_client(struct socket *socket)
{
    struct process *process = socket->process;
    struct slice output;

    while ((output = client_output(socket->client)).len > 0) {
        talk_emitted(socket->talk, process, output);
        network_send(socket->end, output);
        client_sent(socket->client, output.len, process_now(process));
        process_event(process);
    }
}

void sockets_act(struct process *process, const struct action *action)
{
    if (action->kind == ACTION_LINK_OPEN) {
        open_link(process, action);
        return;
    }
    struct socket *socket =
        action->link != NULL ? link_driver(action->link) : client_driver(action->client);
    if (socket == NULL)
        return;
    if (action->kind == ACTION_LINK_WRITE) {
        write_link(socket);
    } else if (action->kind == ACTION_LINK_CLOSE) {
        drop(socket, "closed by us");
    } else if (action->kind == ACTION_CLIENT_WRITE) {
        write_client(socket);
    } else if (action->kind == ACTION_CLIENT_CLOSE) {
        write_client(socket);
        drop(socket, "closed by us");
    } else {
        socket->wants_read = action->on;
        if (action->on)
            read_client(socket);
    }
}

void sockets_close(struct process *process, bool without_power)
{
    while (!list_empty(&process->sockets)) {
        struct socket *socket = LIST_ENTRY(process->sockets.next, struct socket, node);
        if (socket->end != NULL && without_power)
            network_vanish(socket->end);
        else if (socket->end != NULL)
            network_close(socket->end);
        socket_free(socket);
    }
}
