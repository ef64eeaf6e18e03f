/*
 * A whole gateway in virtual time: the real gateway, cluster and connections; fake nodes that keep
 * tables (table_model.h); a played control plane (stub_control.h); producers without sockets.
 *
 *      struct gateway_world *world = world_up("orders", 3);
 *      struct fake_client *client = world_client(world);
 *      fake_client_produce(client, &(struct fake_produce){"orders", 0, world_batch(world, 10)});
 *      world_run(world, 10 * MS_US);
 *      expect_produced(client, 0, 0);
 *      world_down(world);
 */
#ifndef TESTS_SUPPORT_GATEWAY_WORLD_H
#define TESTS_SUPPORT_GATEWAY_WORLD_H

#include "tests/support/batch_builder.h"
#include "tests/support/fake_client.h"
#include "tests/support/fake_node.h"
#include "tests/support/stub_control.h"
#include "tests/support/table_model.h"

#define SECOND_US INT64_C(1000000)
#define MS_US     INT64_C(1000)

#define WORLD_CLIENTS_MAX 8

struct gateway_world {
    struct gateway_config config; /* for the next start */
    struct contact_point point;
    struct gateway *gateway;
    struct fake_net net;
    struct fake_node *node;
    struct table_model *tables; /* outlives gateways */
    struct batch_builder builder;
    struct fake_client *clients[WORLD_CLIENTS_MAX];
    size_t client_count;
    bool ready, drained, fatal;
    /* BATCH requests: executed when they come, answered after this; 0: FAKE_ANSWER_DELAY_US */
    int64_t batch_us;
    int64_t batch_delays_us[64]; /* of the n-th that comes; 0: batch_us */
    unsigned batches;            /* that came */
    unsigned drop_batches;       /* so many are neither executed nor answered */
    unsigned no_answers;         /* so many are executed and not answered */
    /* Not NULL: sees each QUERY, EXECUTE and BATCH first. True: it is dealt with, the answer filled
     * in. */
    bool (*intercept)(void *context, const struct fake_request *request,
                      struct fake_answer *answer);
    void *intercept_context;
};

/* A gateway that is ready, with one topic and everything connected. */
struct gateway_world *world_up(const char *topic, int32_t partitions);
/* The pieces of it: change config in between. */
struct gateway_world *world_new(const struct alloc *alloc);
/* false: out of memory. */
bool world_start(struct gateway_world *world);
void world_down(struct gateway_world *world);
void world_run(struct gateway_world *world, int64_t us);
/* The process is gone, and after `us` another one leads: all that was written is sealed. */
void world_restart(struct gateway_world *world, int64_t us);
/* Only the first half of it. */
void world_kill(struct gateway_world *world);

struct fake_client *world_client(struct gateway_world *world);
/* Closes and frees it. */
void world_forget_client(struct gateway_world *world, struct fake_client *client);

/* A batch of `count` records, key "k<i>", value "v<i>", no producer id. Until the next batch. */
struct slice world_batch(struct gateway_world *world, int32_t count);
/* The same with a producer of epoch 0. */
struct slice world_batch_of(struct gateway_world *world, int64_t producer_id, int32_t base_sequence,
                            int32_t count);
/* `count` records with values of `bytes`. */
struct slice world_large_batch(struct gateway_world *world, int32_t count, size_t bytes);

/* The n-th BATCH that the node received (from 0), decoded; must be there. Until the next call. */
const struct cql_batch_request *world_mutation(struct gateway_world *world, unsigned n);
/* The offset that the row (statement) of a mutation carries. */
int64_t world_row_offset(const struct cql_batch_request *mutation, size_t row);

/* Assertions that name the caller's line. */
#define expect_produced(client, code, offset)                                                      \
    expect_produced_at((client), (code), (offset), __FILE__, __LINE__)
#define expect_nothing(client) expect_nothing_at((client), __FILE__, __LINE__)
void expect_produced_at(struct fake_client *client, int16_t code, int64_t offset, const char *file,
                        int line);
void expect_nothing_at(struct fake_client *client, const char *file, int line);

#endif
