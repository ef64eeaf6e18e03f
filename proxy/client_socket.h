/*
 * The sockets of Kafka clients, below the gateway's `struct client`.
 *
 *      accepted --> serving --> flushing --> shut down --> gone
 *                      |  CLIENT_CLOSE  |  all sent   |  peer's end, or its time is over
 *                      +----------------+-------------+--> gone (connection lost)
 *
 * After CLIENT_CLOSE whatever the peer still sends is read and thrown away until it closes, for a
 * bounded time: closing a socket with unread bytes resets the connection, and the last answer would
 * be lost with it. From "gone" on the gateway does not know the socket any more; libuv frees it a
 * little later.
 */
#ifndef PROXY_CLIENT_SOCKET_H
#define PROXY_CLIENT_SOCKET_H

#include "loop.h"

struct client_socket;

/* Takes an accepted, non-blocking descriptor (closed on failure too) and opens a client of the
 * gateway. */
void client_socket_accept(struct loop *loop, int descriptor);
/* For the actions of the core. */
void client_socket_write(struct client_socket *socket);
void client_socket_read(struct client_socket *socket, bool on);
void client_socket_close(struct client_socket *socket);

/* From the loop's timer: reads again where there was no room, ends those whose time to close is
 * over. */
void client_sockets_wake(struct loop *loop);
void client_sockets_expire(struct loop *loop, int64_t boot_us);
/* Sends what is left and closes, all of them. */
void client_sockets_close(struct loop *loop);
/* At once. */
void client_sockets_abort(struct loop *loop);

#endif
