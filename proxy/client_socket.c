#include "client_socket.h"

#include "address.h"
#include "proto/kill_point.h"
#include "socket_writer.h"

#include <stdlib.h>
#include <unistd.h>

/* How long a client that is closed may take for its last answers, and then to close its side. */
#define FLUSH_US          5000000
#define LINGER_US         1000000
#define KEEPALIVE_SECONDS 60

struct client_socket {
    uv_tcp_t tcp;
    struct socket_writer writer;
    uv_shutdown_t shutdown;
    struct loop *loop;
    struct client *client; /* NULL: gone */
    struct list node;      /* loop->clients */
    struct list aside;     /* loop->starved or loop->lingering */
    bool starved;          /* the core had no room for what the client sent */
    int64_t close_at_us;   /* lingering */
    uint32_t read_turn;    /* the turn that read_bytes belongs to */
    size_t read_bytes;
    bool want_read; /* what the core asked for */
    bool closing;   /* CLIENT_CLOSE came */
    bool shut;      /* our side is closed */
    bool ended;     /* the peer's side is closed */
};

static void on_freed(uv_handle_t *handle)
{
    struct client_socket *socket = handle->data;
    free(socket);
}

/* The end: the descriptor is closed here, the memory is freed when libuv lets go of it. */
static void socket_gone(struct client_socket *socket)
{
    if (socket->client == NULL)
        return;
    struct client *client = socket->client;
    socket->client = NULL;
    list_remove(&socket->aside);
    list_remove(&socket->node);
    uv_close((uv_handle_t *)&socket->tcp, on_freed);
    client_closed(client, loop_now());
    loop_event(socket->loop);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct client_socket *socket = handle->data;
    struct loop *loop = socket->loop;
    *buf = uv_buf_init(NULL, 0);
    socket->starved = false;
    if (socket->closing) {
        *buf = uv_buf_init((char *)loop->scratch, LOOP_SCRATCH_BYTES);
        return;
    }
    if (socket->read_turn != loop->turn) {
        socket->read_turn = loop->turn;
        socket->read_bytes = 0;
    }
    if (socket->read_bytes >= LOOP_READ_BYTES)
        return; /* its share of this turn; the poll reports it again */
    size_t room = 0;
    uint8_t *space = client_space(socket->client, &room);
    socket->starved = room == 0; /* on_read hears of it: libuv 1.44 must not be stopped from in here */
    if (room > LOOP_READ_BYTES)
        room = LOOP_READ_BYTES;
    *buf = uv_buf_init((char *)space, (unsigned)room);
}

static void set_starved(struct client_socket *socket)
{
    (void)uv_read_stop((uv_stream_t *)&socket->tcp);
    list_remove(&socket->aside);
    list_append(&socket->loop->starved, &socket->aside);
    loop_event(socket->loop); /* arms the timer that tries again */
}

static void on_read(uv_stream_t *stream, ssize_t bytes, const uv_buf_t *buf)
{
    (void)buf;
    struct client_socket *socket = stream->data;
    if (socket->client == NULL || bytes == 0)
        return;
    if (bytes == UV_ENOBUFS) {
        if (socket->starved)
            set_starved(socket);
        return;
    }
    if (bytes == UV_EOF) {
        socket->ended = true;
        (void)uv_read_stop(stream);
        if (!socket->closing) {
            client_half_closed(socket->client, loop_now());
            loop_event(socket->loop);
        } else if (socket->shut) {
            socket_gone(socket);
        }
        return;
    }
    if (bytes < 0) {
        socket_gone(socket);
        return;
    }
    if (socket->closing)
        return;
    socket->read_bytes += (size_t)bytes;
    socket->loop->received_bytes += (size_t)bytes;
    client_received(socket->client, (size_t)bytes, loop_now());
    loop_event(socket->loop);
}

static void read_on(struct client_socket *socket)
{
    if (!socket->ended) /* already reading: nothing happens */
        (void)uv_read_start((uv_stream_t *)&socket->tcp, on_alloc, on_read);
}

/* Puts it in the order of deadlines. The two spans differ, so its place is looked for. */
static void linger_until(struct client_socket *socket, int64_t close_at_us)
{
    socket->close_at_us = close_at_us;
    list_remove(&socket->aside);
    struct list *at = &socket->loop->lingering;
    while (at->prev != &socket->loop->lingering &&
           LIST_ENTRY(at->prev, struct client_socket, aside)->close_at_us > close_at_us)
        at = at->prev;
    list_insert_before(at, &socket->aside);
}

static void on_shut(uv_shutdown_t *request, int status)
{
    struct client_socket *socket = request->data;
    if (socket->client == NULL)
        return;
    if (status < 0 || socket->ended)
        socket_gone(socket);
}

/* All is sent: closes our side, and waits for the peer to close its own. */
static void shut_down(struct client_socket *socket)
{
    if (socket->shut)
        return;
    socket->shut = true;
    socket->shutdown.data = socket;
    if (uv_shutdown(&socket->shutdown, (uv_stream_t *)&socket->tcp, on_shut) < 0) {
        socket_gone(socket);
        return;
    }
    linger_until(socket, loop_now().boot_us + LINGER_US);
    read_on(socket);
}

static void flush(struct client_socket *socket)
{
    while (!socket_writer_busy(&socket->writer)) {
        struct slice output = client_output(socket->client);
        if (output.len == 0) {
            if (socket->closing)
                shut_down(socket);
            return;
        }
        if (output.len > INT32_MAX) /* libuv's lengths are unsigned int */
            output.len = INT32_MAX;
        ssize_t taken = socket_writer_push(&socket->writer, &output, 1);
        if (taken < 0) {
            socket_gone(socket);
            return;
        }
        KILL_POINT("client_socket.written");
        client_sent(socket->client, (size_t)taken, loop_now());
        loop_event(socket->loop);
    }
}

static void on_drained(void *context, int status)
{
    struct client_socket *socket = context;
    if (socket->client == NULL)
        return;
    if (status < 0)
        socket_gone(socket);
    else
        flush(socket);
}

void client_socket_write(struct client_socket *socket)
{
    if (socket != NULL && socket->client != NULL)
        flush(socket);
}

void client_socket_read(struct client_socket *socket, bool on)
{
    if (socket == NULL || socket->client == NULL || socket->closing)
        return;
    socket->want_read = on;
    list_remove(&socket->aside);
    if (on)
        read_on(socket);
    else
        (void)uv_read_stop((uv_stream_t *)&socket->tcp);
}

void client_socket_close(struct client_socket *socket)
{
    if (socket == NULL || socket->client == NULL || socket->closing)
        return;
    socket->closing = true;
    linger_until(socket, loop_now().boot_us + FLUSH_US);
    flush(socket);
}

/* Tells the gateway who is there. v4 addresses that came through a v6 socket are written as v4. */
static bool open_client(struct client_socket *socket)
{
    struct sockaddr_storage peer = {0}, local = {0};
    int peer_len = sizeof(peer), local_len = sizeof(local);
    if (uv_tcp_getpeername(&socket->tcp, (struct sockaddr *)&peer, &peer_len) < 0 ||
        uv_tcp_getsockname(&socket->tcp, (struct sockaddr *)&local, &local_len) < 0)
        return false;
    struct client_address address = {0};
    address_print_with_port(&peer, address.peer, sizeof(address.peer));
    address.local_port = address_print(&local, address.local, sizeof(address.local));
    socket->client = client_open(socket->loop->core.gateway, &address, loop_now());
    return socket->client != NULL;
}

void client_socket_accept(struct loop *loop, int descriptor)
{
    struct client_socket *socket = calloc(1, sizeof(*socket));
    if (socket == NULL) {
        (void)close(descriptor);
        return;
    }
    (void)uv_tcp_init(&loop->uv, &socket->tcp);
    socket->tcp.data = socket;
    socket->loop = loop;
    socket->want_read = true;
    list_init(&socket->node);
    list_init(&socket->aside);
    socket_writer_init(&socket->writer, (uv_stream_t *)&socket->tcp, on_drained, socket);
    if (uv_tcp_open(&socket->tcp, descriptor) < 0) {
        (void)close(descriptor);
        uv_close((uv_handle_t *)&socket->tcp, on_freed);
        return;
    }
    (void)uv_tcp_nodelay(&socket->tcp, 1);
    (void)uv_tcp_keepalive(&socket->tcp, 1, KEEPALIVE_SECONDS);
    if (!open_client(socket)) {
        uv_close((uv_handle_t *)&socket->tcp, on_freed);
        return;
    }
    list_append(&loop->clients, &socket->node);
    client_set_driver(socket->client, socket);
    read_on(socket);
    loop_event(loop);
}

void client_sockets_wake(struct loop *loop)
{
    LIST_EACH_SAFE (it, after, &loop->starved) {
        struct client_socket *socket = LIST_ENTRY(it, struct client_socket, aside);
        list_remove(it);
        if (socket->want_read)
            read_on(socket);
    }
}

void client_sockets_expire(struct loop *loop, int64_t boot_us)
{
    while (!list_empty(&loop->lingering)) {
        struct client_socket *socket =
            LIST_ENTRY(loop->lingering.next, struct client_socket, aside);
        if (socket->close_at_us > boot_us)
            return;
        socket_gone(socket);
    }
}

void client_sockets_close(struct loop *loop)
{
    LIST_EACH_SAFE (it, after, &loop->clients)
        client_socket_close(LIST_ENTRY(it, struct client_socket, node));
}

void client_sockets_abort(struct loop *loop)
{
    while (!list_empty(&loop->clients))
        socket_gone(LIST_ENTRY(loop->clients.next, struct client_socket, node));
}
