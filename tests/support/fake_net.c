/*
 * The wires and the clock. Whatever reaches the core later is a flight in one list in order of
 * time: a connection made or refused, bytes, a close.
 */
#include "tests/support/fake_net.h"

#include <stdio.h>
#include <stdlib.h>

#include "cql/frame.h"

#define CONNECT_DELAY_US INT64_C(500)

enum flight_kind { FLIGHT_CONNECTED, FLIGHT_BYTES, FLIGHT_CLOSE };

struct flight {
    enum flight_kind kind;
    int64_t due_us;
    struct fake_socket *socket;
    const char *reason; /* CLOSE */
    size_t len;         /* BYTES */
    struct list node;
    uint8_t bytes[];
};

void fake_net_init(struct fake_net *net, struct action_queue *actions)
{
    *net = (struct fake_net){.actions = actions,
                             .now = {.boot_us = 1000000000, .wall_us = 1750000000000000}};
    list_init(&net->nodes);
    list_init(&net->sockets);
    list_init(&net->flying);
    buf_init(&net->log, &alloc_heap, SIZE_MAX);
}

struct fake_node *fake_net_add(struct fake_net *net, const char *host, uint16_t port)
{
    struct fake_node *node = fake_alloc(sizeof(*node));
    node->net = net;
    node->host = host;
    node->port = port;
    for (size_t i = 0; i < 32; i++)
        list_init(&node->answers[i]);
    list_append(&net->nodes, &node->node);
    return node;
}

static void flight_start(struct fake_socket *socket, struct fake_net *net, enum flight_kind kind,
                         struct slice bytes, const char *reason, int64_t delay_us)
{
    struct flight *flight = fake_alloc(sizeof(*flight) + bytes.len);
    flight->kind = kind;
    flight->due_us = net->now.boot_us + delay_us;
    flight->socket = socket;
    flight->reason = reason;
    flight->len = bytes.len;
    if (bytes.len > 0)
        memcpy(flight->bytes, bytes.data, bytes.len);
    struct list *at = net->flying.prev;
    while (at != &net->flying && LIST_ENTRY(at, struct flight, node)->due_us > flight->due_us)
        at = at->prev;
    list_prepend(at, &flight->node);
}

void fake_socket_send(struct fake_socket *socket, struct slice bytes, int64_t delay_us)
{
    flight_start(socket, socket->node->net, FLIGHT_BYTES, bytes, NULL, delay_us);
}

void fake_socket_close_later(struct fake_socket *socket, int64_t delay_us)
{
    flight_start(socket, socket->node->net, FLIGHT_CLOSE, SLICE_LITERAL(""), "connection reset",
                 delay_us);
}

/* --- sockets --- */

static void socket_free(struct fake_net *net, struct fake_socket *socket)
{
    LIST_EACH_SAFE(it, after, &net->flying)
    {
        struct flight *flight = LIST_ENTRY(it, struct flight, node);
        if (flight->socket == socket) {
            list_remove(it);
            free(flight);
        }
    }
    if (socket->connected)
        socket->node->open_count--;
    list_remove(&socket->node_in_net);
    buf_deinit(&socket->in);
    free(socket);
}

static void socket_close(struct fake_net *net, struct fake_socket *socket, const char *reason)
{
    struct link *link = socket->link;
    socket_free(net, socket);
    link_closed(link, reason, net->now);
}

static struct fake_node *find_node(struct fake_net *net, const struct action *action)
{
    LIST_EACH(it, &net->nodes)
    {
        struct fake_node *node = LIST_ENTRY(it, struct fake_node, node);
        if (node->port == action->port && strcmp(node->host, action->host) == 0)
            return node;
    }
    return NULL;
}

/* Another socket of ours has this local port and goes to the same place. */
static bool port_is_taken(const struct fake_net *net, const struct fake_socket *socket)
{
    LIST_EACH(it, &net->sockets)
    {
        const struct fake_socket *other = LIST_ENTRY(it, struct fake_socket, node_in_net);
        if (other != socket && other->node == socket->node &&
            other->local_port == socket->local_port)
            return true;
    }
    return false;
}

static void choose_shard(const struct fake_net *net, struct fake_socket *socket,
                         const struct action *action)
{
    struct fake_node *node = socket->node;
    socket->shard = -1;
    socket->local_port = action->local_port;
    while (socket->local_port != 0 && port_is_taken(net, socket))
        socket->local_port = (uint16_t)(socket->local_port + action->local_port_step);
    if (socket->local_port != 0)
        socket->local_port =
            (uint16_t)(socket->local_port + node->ports_taken * action->local_port_step);
    node->last_local_port = socket->local_port;
    if (node->shards == 0)
        return;
    if (node->is_shard_port && socket->local_port != 0)
        socket->shard = (socket->local_port + node->nat_shift) % node->shards;
    else
        socket->shard = node->next_shard++ % node->shards;
}

static void socket_open(struct fake_net *net, const struct action *action)
{
    struct fake_socket *socket = fake_alloc(sizeof(*socket));
    struct fake_node *node = find_node(net, action);
    socket->node = node;
    socket->link = action->link;
    buf_init(&socket->in, &alloc_heap, SIZE_MAX);
    list_append(&net->sockets, &socket->node_in_net);
    link_set_driver(action->link, socket);
    if (node == NULL) {
        flight_start(socket, net, FLIGHT_CLOSE, SLICE_LITERAL(""), "name does not resolve",
                     CONNECT_DELAY_US);
        return;
    }
    choose_shard(net, socket, action);
    node->connects++;
    node->last_connect_us = net->now.boot_us;
    if (node->never_opens)
        return;
    flight_start(socket, net, node->refuses ? FLIGHT_CLOSE : FLIGHT_CONNECTED, SLICE_LITERAL(""),
                 "connection refused", CONNECT_DELAY_US);
}

static void socket_read_frames(struct fake_socket *socket)
{
    for (;;) {
        struct slice unread = buf_unread(&socket->in);
        if (unread.len < CQL_HEADER_BYTES)
            return;
        struct cql_header header = cql_header_read(unread.data);
        if (unread.len - CQL_HEADER_BYTES < header.body_bytes)
            return;
        struct fake_request request = {
            .opcode = header.opcode,
            .flags = header.flags,
            .shard = socket->shard,
            .stream = header.stream,
            .body = slice_make(unread.data + CQL_HEADER_BYTES, header.body_bytes),
            .at_us = socket->node->net->now.boot_us,
        };
        fake_node_received(socket, &request);
        buf_consume(&socket->in, CQL_HEADER_BYTES + header.body_bytes);
    }
}

static void socket_write(struct fake_net *net, struct fake_socket *socket)
{
    struct slice slices[4];
    size_t count;
    if (socket == NULL || !socket->connected || socket->node->unreadable)
        return;
    while ((count = link_output(socket->link, slices, 4)) > 0) {
        size_t bytes = 0;
        for (size_t i = 0; i < count; i++) {
            if (buf_append(&socket->in, slices[i]) < 0)
                abort();
            bytes += slices[i].len;
        }
        link_sent(socket->link, bytes, net->now);
    }
    socket_read_frames(socket);
}

/* --- actions --- */

static void take_log(struct fake_net *net, const char *text)
{
    if (net->print_log)
        fprintf(stderr, "%9.3f %s\n", (double)net->now.boot_us / 1e6, text);
    if (buf_append(&net->log, slice_cstr(text)) < 0 ||
        buf_append(&net->log, SLICE_LITERAL("\n")) < 0)
        abort();
}

static void take_action(struct fake_net *net, const struct action *action)
{
    struct fake_socket *socket = action->link == NULL ? NULL : link_driver(action->link);

    if (action->kind == ACTION_LOG)
        take_log(net, action->text);
    else if (action->kind == ACTION_LINK_OPEN)
        socket_open(net, action);
    else if (action->kind == ACTION_LINK_WRITE)
        socket_write(net, socket);
    else if (action->kind == ACTION_LINK_CLOSE && socket != NULL)
        socket_close(net, socket, "closed by us");
    else if (action->link == NULL && net->core.action != NULL)
        net->core.action(net->core.context, action, net->now);
}

void fake_net_pump(struct fake_net *net)
{
    struct action action;
    if (net->core.turn != NULL)
        net->core.turn(net->core.context, net->now);
    while (action_next(net->actions, &action))
        take_action(net, &action);
}

unsigned fake_net_logged(const struct fake_net *net, const char *text)
{
    unsigned count = 0;
    struct slice log = buf_unread(&net->log);
    size_t len = strlen(text);
    for (size_t start = 0, at = 0; at < log.len; at++) {
        if (log.data[at] == '\n') {
            start = at + 1;
        } else if (at >= start && at + len <= log.len && memcmp(log.data + at, text, len) == 0) {
            count++;
            while (log.data[at] != '\n')
                at++;
        }
    }
    return count;
}

/* --- time --- */

/* False: the core does not want to read more of it (the socket is gone meanwhile). */
static void deliver_bytes(struct fake_net *net, struct fake_socket *socket, struct slice bytes)
{
    while (bytes.len > 0) {
        size_t room = 0;
        uint8_t *space = link_space(socket->link, &room);
        size_t len = bytes.len < room ? bytes.len : room;
        if (len == 0)
            return;
        if (net->chunk_bytes > 0 && len > net->chunk_bytes)
            len = net->chunk_bytes;
        memcpy(space, bytes.data, len);
        bytes = slice_make(bytes.data + len, bytes.len - len);
        link_received(socket->link, len, net->now);
    }
}

static void flight_land(struct fake_net *net, struct flight *flight)
{
    list_remove(&flight->node);
    if (flight->kind == FLIGHT_CONNECTED) {
        flight->socket->connected = true;
        flight->socket->node->open_count++;
        link_connected(flight->socket->link, net->now);
    } else if (flight->kind == FLIGHT_BYTES) {
        deliver_bytes(net, flight->socket, slice_make(flight->bytes, flight->len));
    } else {
        socket_close(net, flight->socket, flight->reason);
    }
    free(flight);
}

static void set_time(struct fake_net *net, int64_t boot_us)
{
    if (boot_us <= net->now.boot_us)
        return;
    net->now.wall_us += boot_us - net->now.boot_us;
    net->now.boot_us = boot_us;
}

void fake_net_run(struct fake_net *net, int64_t us)
{
    int64_t end_us = net->now.boot_us + us;
    for (;;) {
        fake_net_pump(net);
        int64_t core_us = net->core.deadline_us(net->core.context);
        int64_t next_us = core_us;
        struct flight *flight = NULL;
        if (!list_empty(&net->flying)) {
            flight = LIST_ENTRY(net->flying.next, struct flight, node);
            if (flight->due_us < next_us)
                next_us = flight->due_us;
        }
        if (next_us > end_us)
            break;
        set_time(net, next_us);
        if (flight != NULL && flight->due_us <= net->now.boot_us)
            flight_land(net, flight);
        if (core_us <= net->now.boot_us)
            net->core.tick(net->core.context, net->now);
    }
    set_time(net, end_us);
}

/* --- a node's life --- */

void fake_node_reset(struct fake_node *node)
{
    LIST_EACH_SAFE(it, after, &node->net->sockets)
    {
        struct fake_socket *socket = LIST_ENTRY(it, struct fake_socket, node_in_net);
        if (socket->node == node)
            socket_close(node->net, socket, "connection reset");
    }
}

void fake_node_set_down(struct fake_node *node, bool down)
{
    node->refuses = down;
    if (down)
        fake_node_reset(node);
}

void fake_net_deinit(struct fake_net *net)
{
    while (!list_empty(&net->sockets))
        socket_free(net, LIST_ENTRY(net->sockets.next, struct fake_socket, node_in_net));
    while (!list_empty(&net->nodes)) {
        struct fake_node *node = LIST_ENTRY(net->nodes.next, struct fake_node, node);
        list_remove(&node->node);
        fake_node_free(node);
    }
    buf_deinit(&net->log);
}
