/* What fake_node.c and fake_net.c share. Tests include fake_node.h. */
#ifndef TESTS_SUPPORT_FAKE_NET_H
#define TESTS_SUPPORT_FAKE_NET_H

#include "tests/support/fake_node.h"

struct fake_socket {
    struct fake_node *node; /* NULL: no such host */
    struct link *link;
    bool connected;
    int32_t shard;
    uint16_t local_port;
    struct buf in; /* what the node has received and not yet read */
    struct list node_in_net;
};

void *fake_alloc(size_t bytes); /* zeroed */
/* To the core, after the delay. */
void fake_socket_send(struct fake_socket *socket, struct slice bytes, int64_t delay_us);
void fake_socket_close_later(struct fake_socket *socket, int64_t delay_us);
void fake_node_received(struct fake_socket *socket, const struct fake_request *request);
void fake_node_free(struct fake_node *node);

#endif
