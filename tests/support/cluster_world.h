/* A cluster with up to four fake nodes "a", "b" ..., port 9042, and requests that remember how they
 * ended. */
#ifndef TESTS_SUPPORT_CLUSTER_WORLD_H
#define TESTS_SUPPORT_CLUSTER_WORLD_H

#include "tests/support/fake_node.h"

#define SECOND_US INT64_C(1000000)
#define MS_US     INT64_C(1000)

struct world {
    struct gateway_config config;
    struct contact_point points[4];
    struct action_queue *actions;
    struct cluster *cluster;
    struct fake_net net;
    struct fake_node *nodes[4];
    unsigned done_count; /* of all requests */
};

struct sent {
    struct cluster_request request; /* first */
    struct world *world;
    bool done;
    unsigned order; /* 1: the first of all to be done */
    enum cluster_outcome outcome;
    bool touched;
    int32_t error; /* -1: none */
    char message[64];
    int64_t done_at_us;
    void (*then)(struct sent *sent, struct moment now); /* called from `done` */
};

/* Nodes are there, nothing is started; config may be changed before world_start. */
void world_init(struct world *world, const struct alloc *alloc, size_t nodes);
/* false: out of memory, and then only world_deinit may follow. */
bool world_start(struct world *world);
/* world_init, world_start and time until all nodes are up. */
void world_up(struct world *world, size_t nodes);
void world_deinit(struct world *world);
void world_run(struct world *world, int64_t us);

/* A QUERY whose body is `text`, data by default; sent at once. */
void world_send(struct world *world, struct sent *sent, const char *text);
/* With the caller's fields already set in sent->request (opcode, control, deadline_us ...); `body`
 * is taken over. */
void world_send_body(struct world *world, struct sent *sent, struct cql_body *body);
struct cql_body *world_body(struct world *world, const char *text);

#endif
