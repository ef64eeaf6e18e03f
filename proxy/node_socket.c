#include "node_socket.h"

#include "address.h"
#include "proto/kill_point.h"
#include "socket_writer.h"
#include "tls.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEEPALIVE_SECONDS 30
#define LOCAL_PORT_MIN    49152 /* where a local port that was asked for may lie */
#define LOCAL_PORT_TRIES  200   /* others are taken: more would be a port scan of ourselves */
#define TLS_SLICES        16
#define TLS_BYTES         ((size_t)64 * 1024) /* encrypted at a time, so that little waits behind it */

struct node_socket {
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_getaddrinfo_t lookup;
    uv_connect_t connect;
    struct socket_writer writer;
    struct tls_session *tls; /* NULL: plain */
    bool tls_is_ready;
    const char *host; /* as dialled; borrowed from the link */
    struct loop *loop;
    struct link *link; /* NULL: gone */
    struct list node;  /* loop->nodes */
    struct addrinfo *addresses;
    struct addrinfo *next; /* to be tried */
    struct addrinfo *address; /* that is being tried */
    uint16_t local_port, local_port_step; /* 0: any */
    unsigned local_port_tries;
    size_t read_bytes;
    uint32_t read_turn;
    unsigned held; /* handles and requests that libuv has; 0 and gone: freed */
    bool connected;
    bool tcp_open;
    int64_t give_up_us; /* for connecting, all addresses together */
    int failure;        /* libuv's error of the last address tried */
    bool starved;       /* the core had no room for what the node sent */
    bool lookup_pending;
};

static void release(struct node_socket *socket)
{
    if (--socket->held > 0)
        return;
    tls_session_free(socket->tls);
    if (socket->addresses != NULL)
        uv_freeaddrinfo(socket->addresses);
    free(socket);
}

static void on_timer_closed(uv_handle_t *handle)
{
    release(handle->data);
}

static void on_tcp_closed(uv_handle_t *handle);

static void close_tcp(struct node_socket *socket)
{
    if (!socket->tcp_open)
        return;
    socket->tcp_open = false;
    uv_close((uv_handle_t *)&socket->tcp, on_tcp_closed);
}

static void socket_gone(struct node_socket *socket, const char *reason)
{
    if (socket->link == NULL)
        return;
    struct link *link = socket->link;
    socket->link = NULL;
    list_remove(&socket->node);
    if (socket->lookup_pending)
        (void)uv_cancel((uv_req_t *)&socket->lookup);
    close_tcp(socket);
    uv_close((uv_handle_t *)&socket->timer, on_timer_closed);
    link_set_driver(link, NULL);
    link_closed(link, reason, loop_now());
    loop_event(socket->loop);
}

static void socket_failed(struct node_socket *socket, int uv_error)
{
    socket_gone(socket, uv_error == UV_EOF ? "closed by the node" : uv_strerror(uv_error));
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct node_socket *socket = handle->data;
    *buf = uv_buf_init(NULL, 0);
    if (socket->read_turn != socket->loop->turn) {
        socket->read_turn = socket->loop->turn;
        socket->read_bytes = 0;
    }
    if (socket->read_bytes >= LOOP_READ_BYTES)
        return; /* its share of this turn; the poll reports it again */
    size_t room = 0;
    uint8_t *space = socket->tls != NULL ? tls_space(socket->tls, &room)
                                         : link_space(socket->link, &room);
    socket->starved = room == 0;
    if (room > LOOP_READ_BYTES)
        room = LOOP_READ_BYTES;
    *buf = uv_buf_init((char *)space, (unsigned)room);
}

static void flush(struct node_socket *socket);

/* What TLS makes of the bytes that have come. */
static void take_plain(struct node_socket *socket)
{
    while (socket->link != NULL) {
        size_t room = 0;
        uint8_t *space = link_space(socket->link, &room);
        if (room == 0) {
            if (space == NULL) /* the link is being closed: nobody wants it any more */
                return;
            socket_gone(socket, "no memory for the node's answer");
            return;
        }
        ssize_t bytes = tls_read(socket->tls, space, room);
        if (bytes == 0)
            return;
        if (bytes < 0) {
            socket_gone(socket, bytes == STATUS_CLOSED ? "closed by the node"
                                                       : tls_error(socket->tls));
            return;
        }
        link_received(socket->link, (size_t)bytes, loop_now());
    }
}

static void advance_tls(struct node_socket *socket)
{
    if (!socket->tls_is_ready) {
        enum tls_progress progress = tls_handshake(socket->tls);
        if (progress == TLS_FAILED) {
            flush(socket); /* the alert that says why */
            socket_gone(socket, tls_error(socket->tls));
            return;
        }
        socket->tls_is_ready = progress == TLS_READY;
        if (socket->tls_is_ready)
            link_connected(socket->link, loop_now());
    }
    if (socket->tls_is_ready)
        take_plain(socket);
    flush(socket); /* handshakes and key updates have something to say as well */
}

static void on_read(uv_stream_t *stream, ssize_t bytes, const uv_buf_t *buf)
{
    (void)buf;
    struct node_socket *socket = stream->data;
    if (socket->link == NULL || bytes == 0)
        return;
    if (bytes == UV_ENOBUFS) {
        if (socket->starved) /* answers cannot wait: without them nothing would ever be freed */
            socket_gone(socket, "no memory for the node's answer");
        return;
    }
    if (bytes < 0) {
        socket_failed(socket, (int)bytes);
        return;
    }
    socket->read_bytes += (size_t)bytes;
    if (socket->tls != NULL) {
        tls_received(socket->tls, (size_t)bytes);
        advance_tls(socket);
    } else {
        link_received(socket->link, (size_t)bytes, loop_now());
    }
    loop_event(socket->loop);
}

/* Takes some of the link's output through TLS. False: there is none, or the socket is gone. */
static bool encrypt_some(struct node_socket *socket)
{
    struct slice slices[TLS_SLICES];
    size_t count = link_output(socket->link, slices, TLS_SLICES), taken = 0;
    for (size_t i = 0; i < count && taken < TLS_BYTES; i++) {
        struct slice piece = slices[i];
        if (piece.len > TLS_BYTES - taken)
            piece.len = TLS_BYTES - taken;
        if (tls_write(socket->tls, piece) < 0) {
            socket_gone(socket, tls_error(socket->tls));
            return false;
        }
        taken += piece.len;
    }
    if (taken == 0)
        return false;
    link_sent(socket->link, taken, loop_now());
    loop_event(socket->loop);
    return true;
}

static void flush_tls(struct node_socket *socket)
{
    while (socket->connected && socket->link != NULL && !socket_writer_busy(&socket->writer)) {
        struct slice output = tls_output(socket->tls);
        if (output.len == 0) {
            if (!socket->tls_is_ready || !encrypt_some(socket))
                return;
            continue;
        }
        ssize_t taken = socket_writer_push(&socket->writer, &output, 1);
        if (taken < 0) {
            socket_failed(socket, (int)taken);
            return;
        }
        tls_sent(socket->tls, (size_t)taken);
    }
}

static void flush(struct node_socket *socket)
{
    if (socket->tls != NULL) {
        flush_tls(socket);
        return;
    }
    while (socket->connected && socket->link != NULL && !socket_writer_busy(&socket->writer)) {
        struct slice slices[WRITER_MAX_SLICES];
        size_t count = link_output(socket->link, slices, WRITER_MAX_SLICES);
        ssize_t taken = socket_writer_push(&socket->writer, slices, count);
        if (taken == 0)
            return;
        if (taken < 0) {
            socket_failed(socket, (int)taken);
            return;
        }
        KILL_POINT("node_socket.written");
        link_sent(socket->link, (size_t)taken, loop_now());
        loop_event(socket->loop);
    }
}

static void on_drained(void *context, int status)
{
    struct node_socket *socket = context;
    if (socket->link == NULL)
        return;
    if (status < 0)
        socket_failed(socket, status);
    else
        flush(socket);
}

/* True: it goes on when the handshake is over, or is over already because it failed. */
static bool begin_tls(struct node_socket *socket)
{
    if (socket->loop->node_tls == NULL)
        return false;
    socket->tls = tls_session_new(socket->loop->node_tls, socket->host);
    if (socket->tls == NULL)
        socket_failed(socket, UV_ENOMEM);
    else
        advance_tls(socket);
    return true;
}

/* Binds the local port that is asked for. Whether it is free is told when connecting. */
static int bind_local(struct node_socket *socket, const struct addrinfo *address)
{
    struct sockaddr_storage local = {.ss_family = (sa_family_t)address->ai_family};
    if (socket->local_port == 0)
        return 0;
    if (address->ai_family == AF_INET6)
        ((struct sockaddr_in6 *)&local)->sin6_port = htons(socket->local_port);
    else
        ((struct sockaddr_in *)&local)->sin_port = htons(socket->local_port);
    return uv_tcp_bind(&socket->tcp, (const struct sockaddr *)&local, 0);
}

/* True: the local port was taken, and the same address is tried from another one. */
static bool take_other_port(struct node_socket *socket, int uv_error)
{
    if (socket->local_port == 0 || (uv_error != UV_EADDRINUSE && uv_error != UV_EADDRNOTAVAIL) ||
        ++socket->local_port_tries == LOCAL_PORT_TRIES)
        return false;
    uint32_t step = socket->local_port_step;
    uint32_t port = socket->local_port + step;
    if (port > UINT16_MAX) /* round to the lowest of the same remainder */
        port = LOCAL_PORT_MIN + (step - LOCAL_PORT_MIN % step + port % step) % step;
    socket->local_port = (uint16_t)port;
    socket->next = socket->address;
    return true;
}

static void on_connected(uv_connect_t *request, int status)
{
    struct node_socket *socket = request->data;
    if (socket->link == NULL || status == UV_ECANCELED)
        return; /* gone, or its time was over: on_tcp_closed goes on */
    (void)uv_timer_stop(&socket->timer);
    if (status < 0) {
        socket->failure = status;
        (void)take_other_port(socket, status);
        close_tcp(socket);
        return;
    }
    socket->connected = true;
    (void)uv_tcp_nodelay(&socket->tcp, 1);
    (void)uv_tcp_keepalive(&socket->tcp, 1, KEEPALIVE_SECONDS);
    int rc = uv_read_start((uv_stream_t *)&socket->tcp, on_alloc, on_read);
    if (rc < 0) {
        socket_failed(socket, rc);
        return;
    }
    if (!begin_tls(socket))
        link_connected(socket->link, loop_now());
    loop_event(socket->loop);
}

static void on_time_over(uv_timer_t *timer)
{
    struct node_socket *socket = timer->data;
    socket->failure = UV_ETIMEDOUT;
    close_tcp(socket);
}

/* What is left of the time, shared by the addresses left: the first may swallow packets. */
static uint64_t share_of_time_ms(const struct node_socket *socket, const struct addrinfo *address)
{
    int64_t left_us = socket->give_up_us - loop_now().boot_us;
    int64_t count = 0;
    for (; address != NULL; address = address->ai_next)
        count++;
    return left_us < 1000 * count ? 1 : (uint64_t)(left_us / count / 1000);
}

/* Connects to the next address; with none left, tells the cluster why the last one failed. */
static void try_next(struct node_socket *socket)
{
    struct addrinfo *address = socket->next;
    if (address == NULL) {
        socket_failed(socket, socket->failure);
        return;
    }
    socket->next = address->ai_next;
    socket->address = address;
    (void)uv_tcp_init(&socket->loop->uv, &socket->tcp);
    socket->tcp.data = socket;
    socket->tcp_open = true;
    socket->held++;
    socket_writer_init(&socket->writer, (uv_stream_t *)&socket->tcp, on_drained, socket);
    socket->connect.data = socket;
    int rc = bind_local(socket, address);
    if (rc == 0)
        rc = uv_tcp_connect(&socket->connect, &socket->tcp, address->ai_addr, on_connected);
    if (rc < 0) {
        socket->failure = rc;
        (void)take_other_port(socket, rc);
        close_tcp(socket);
        return;
    }
    (void)uv_timer_start(&socket->timer, on_time_over, share_of_time_ms(socket, address), 0);
}

static void on_tcp_closed(uv_handle_t *handle)
{
    struct node_socket *socket = handle->data;
    if (socket->link != NULL)
        try_next(socket);
    release(socket);
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses)
{
    struct node_socket *socket = request->data;
    socket->lookup_pending = false;
    socket->addresses = addresses;
    if (socket->link != NULL) {
        if (status < 0) {
            char reason[128];
            (void)snprintf(reason, sizeof(reason), "name not resolved: %s", uv_strerror(status));
            socket_gone(socket, reason);
        } else {
            socket->next = addresses;
            try_next(socket);
        }
    }
    release(socket);
}

static void resolve(struct node_socket *socket, const char *host, uint16_t port)
{
    char service[8];
    (void)snprintf(service, sizeof(service), "%u", (unsigned)port);
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    socket->lookup.data = socket;
    int rc = uv_getaddrinfo(&socket->loop->uv, &socket->lookup, on_resolved, host, service, &hints);
    if (rc < 0) {
        socket_failed(socket, rc);
        return;
    }
    socket->lookup_pending = true;
    socket->held++;
}

/* Addresses that are written as numbers need no resolver, and so no thread of libuv's pool. */
static bool take_literal(struct node_socket *socket, const char *host, uint16_t port)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    char service[8];
    (void)snprintf(service, sizeof(service), "%u", (unsigned)port);
    if (getaddrinfo(host, service, &hints, &socket->addresses) != 0)
        return false;
    socket->next = socket->addresses;
    return true;
}

void node_socket_open(struct loop *loop, const struct action *open)
{
    struct link *link = open->link;
    const char *host = open->host;
    struct node_socket *socket = calloc(1, sizeof(*socket));
    if (socket == NULL) {
        link_closed(link, uv_strerror(UV_ENOMEM), loop_now());
        loop_event(loop);
        return;
    }
    socket->loop = loop;
    socket->link = link;
    socket->give_up_us = loop_now().boot_us + loop->connect_timeout_us;
    socket->failure = UV_EAI_NODATA;
    socket->host = host;
    socket->local_port = open->local_port;
    socket->local_port_step = open->local_port_step;
    list_init(&socket->node);
    list_append(&loop->nodes, &socket->node);
    (void)uv_timer_init(&loop->uv, &socket->timer);
    socket->timer.data = socket;
    socket->held = 1;
    link_set_driver(link, socket);
    if (take_literal(socket, host, open->port))
        try_next(socket);
    else
        resolve(socket, host, open->port);
}

void node_socket_write(struct node_socket *socket)
{
    if (socket != NULL)
        flush(socket);
}

void node_socket_close(struct node_socket *socket)
{
    if (socket != NULL)
        socket_gone(socket, "closed by us");
}

void node_sockets_abort(struct loop *loop)
{
    while (!list_empty(&loop->nodes))
        socket_gone(LIST_ENTRY(loop->nodes.next, struct node_socket, node), "shutting down");
}
