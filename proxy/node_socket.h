/*
 * The sockets to CQL nodes, below the cluster's `struct link`.
 *
 *      open --> resolving --> connecting to address 1, 2, ... --> connected --> gone
 *                   |              | each with its share of the time  |
 *                   +--------------+----- none is left, LINK_CLOSE ---+----> gone
 *
 * From "gone" on the cluster does not know the socket any more: it was told (link_closed), the
 * descriptor is closed, and the memory is freed when libuv has let go of every handle and request.
 */
#ifndef PROXY_NODE_SOCKET_H
#define PROXY_NODE_SOCKET_H

#include "loop.h"

struct node_socket;

/* For the actions of the core. */
void node_socket_open(struct loop *loop, const struct action *open); /* LINK_OPEN */
void node_socket_write(struct node_socket *socket);
void node_socket_close(struct node_socket *socket);
/* All, at once. */
void node_sockets_abort(struct loop *loop);

#endif
