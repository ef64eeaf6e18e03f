#include "tests/support/gateway_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cql/batch_request.h"
#include "proto/endian.h"

static int64_t core_deadline_us(void *context)
{
    return gateway_deadline_us(((struct gateway_world *)context)->gateway);
}

static void core_tick(void *context, struct moment now)
{
    gateway_tick(((struct gateway_world *)context)->gateway, now);
}

static void core_turn(void *context, struct moment now)
{
    struct gateway_world *world = context;
    for (size_t i = 0; i < world->client_count; i++)
        fake_client_feed(world->clients[i]); /* a socket is readable until it is empty */
    gateway_turn(world->gateway, now);
}

static void core_action(void *context, const struct action *action, struct moment now)
{
    struct gateway_world *world = context;
    (void)now;
    if (action->client != NULL)
        fake_client_action(client_driver(action->client), action);
    world->ready = world->ready || action->kind == ACTION_READY;
    world->drained = world->drained || action->kind == ACTION_DRAINED;
    world->fatal = world->fatal || action->kind == ACTION_FATAL;
}

static void make_table(void *context, const char *table)
{
    table_model_create_log(((struct gateway_world *)context)->tables, table);
}

/* --- the node --- */

static void learn(struct gateway_world *world, const struct fake_node *node, struct slice body)
{
    struct cql_prepare prepare = {0};
    struct wire wire;
    uint8_t id[16];

    wire_init_decode(&wire, body, NULL);
    cql_prepare_walk(&wire, &prepare);
    fake_statement_id((const char *)prepare.text.data, prepare.text.len, node->id_salt, id);
    table_model_prepare(world->tables, slice_make(id, sizeof(id)), prepare.text);
}

/* True: the request is dealt with. */
static bool is_scripted_batch(struct gateway_world *world, struct fake_answer *answer)
{
    unsigned n = world->batches++;
    int64_t own_us = n < 64 ? world->batch_delays_us[n] : 0;

    answer->delay_us = own_us != 0 ? own_us : world->batch_us;
    if (world->drop_batches > 0) {
        world->drop_batches--;
        answer->silence = true;
        return true;
    }
    if (world->no_answers > 0) {
        world->no_answers--;
        answer->silence = true;
    }
    return false;
}

static void node_handler(void *context, struct fake_node *node, const struct fake_request *request,
                         struct fake_answer *answer)
{
    struct gateway_world *world = context;
    static struct model_answer executed;

    if (request->opcode == CQL_PREPARE)
        learn(world, node, request->body);
    if (request->opcode != CQL_BATCH && request->opcode != CQL_QUERY &&
        request->opcode != CQL_EXECUTE)
        return;
    if (request->opcode == CQL_BATCH && is_scripted_batch(world, answer))
        return;
    if (world->intercept != NULL && world->intercept(world->intercept_context, request, answer))
        return;
    table_model_execute(world->tables, request->opcode, request->body, &executed);
    if (executed.error == CQL_ERROR_UNPREPARED)
        return; /* the node's own answer names the id */
    if (executed.error != 0) {
        answer->by_default = false;
        answer->error = executed.error;
        answer->message = executed.message;
    } else if (request->opcode != CQL_BATCH) {
        answer->opcode = CQL_RESULT;
        answer->body = executed.body;
    }
}

/* --- life --- */

static void make_net(struct gateway_world *world)
{
    fake_net_init(&world->net, NULL);
    world->net.print_log = getenv("PRINT_LOG") != NULL;
    world->node = fake_net_add(&world->net, "a", 9042);
    world->node->handler = node_handler;
    world->node->context = world;
}

struct gateway_world *world_new(const struct alloc *alloc)
{
    struct gateway_world *world = calloc(1, sizeof(*world));
    if (world == NULL)
        abort();
    gateway_config_defaults(&world->config);
    world->config.discover_nodes = false; /* topology_test.c switches it on */
    world->point = (struct contact_point){"a", 9042};
    world->config.alloc = alloc;
    world->config.version = "test";
    world->config.random_seed = 1;
    world->config.contact_points = &world->point;
    world->config.contact_point_count = 1;
    world->config.node_id = 5;
    world->tables = table_model_new();
    table_model_create_segments(world->tables);
    batch_builder_init(&world->builder);
    stub_reset();
    stub.make_table = make_table;
    stub.context = world;
    make_net(world);
    return world;
}

bool world_start(struct gateway_world *world)
{
    world->gateway = gateway_new(&world->config, world->net.now);
    if (world->gateway == NULL)
        return false;
    world->net.actions = gateway_actions(world->gateway);
    world->net.core = (struct fake_core){.context = world,
                                         .deadline_us = core_deadline_us,
                                         .tick = core_tick,
                                         .turn = core_turn,
                                         .action = core_action};
    gateway_start(world->gateway, world->net.now);
    return true;
}

struct gateway_world *world_up(const char *topic, int32_t partitions)
{
    struct gateway_world *world = world_new(&alloc_heap);
    stub_add_topic(topic, partitions, world->net.now);
    assert_true(world_start(world));
    world_run(world, 20 * MS_US);
    assert_true(world->ready);
    return world;
}

static void free_clients(struct gateway_world *world)
{
    for (size_t i = 0; i < world->client_count; i++) {
        fake_client_deinit(world->clients[i]);
        free(world->clients[i]);
    }
    world->client_count = 0;
}

void world_down(struct gateway_world *world)
{
    free_clients(world);
    if (world->gateway != NULL)
        gateway_free(world->gateway);
    fake_net_deinit(&world->net);
    table_model_free(world->tables);
    batch_builder_deinit(&world->builder);
    free(world);
}

void world_run(struct gateway_world *world, int64_t us)
{
    fake_net_run(&world->net, us);
}

void world_kill(struct gateway_world *world)
{
    struct moment now = world->net.now;

    free_clients(world);
    gateway_free(world->gateway);
    world->gateway = NULL;
    fake_net_deinit(&world->net);
    make_net(world);
    world->net.now = now;
    world->batches = 0;
    world->ready = false;
    memset(world->batch_delays_us, 0, sizeof(world->batch_delays_us));
    world->batch_us = 0;
}

void world_restart(struct gateway_world *world, int64_t us)
{
    world_kill(world);
    stub.sealed_below_us = world->net.now.wall_us + us / 2;
    world->net.now.boot_us += us;
    world->net.now.wall_us += us;
    assert_true(world_start(world));
    world_run(world, 20 * MS_US);
}

struct fake_client *world_client(struct gateway_world *world)
{
    assert_true(world->client_count < WORLD_CLIENTS_MAX);
    struct fake_client *client = malloc(sizeof(*client));
    if (client == NULL)
        abort();
    fake_client_open(client, world->gateway, &world->net);
    world->clients[world->client_count++] = client;
    return client;
}

void world_forget_client(struct gateway_world *world, struct fake_client *client)
{
    size_t n = 0;
    while (world->clients[n] != client)
        n++;
    fake_client_deinit(client);
    free(client);
    memmove(&world->clients[n], &world->clients[n + 1],
            (--world->client_count - n) * sizeof(*world->clients));
}

/* --- batches --- */

struct slice world_batch_of(struct gateway_world *world, int64_t producer_id, int32_t base_sequence,
                            int32_t count)
{
    batch_builder_reset(&world->builder);
    world->builder.producer_id = producer_id;
    world->builder.producer_epoch = producer_id < 0 ? -1 : 0;
    world->builder.base_sequence = base_sequence;
    for (int32_t i = 0; i < count; i++) {
        char key[16], value[16];
        snprintf(key, sizeof(key), "k%d", i);
        snprintf(value, sizeof(value), "v%d", i);
        batch_add(&world->builder, 1700000000000 + i, slice_cstr(key), slice_cstr(value));
    }
    return batch_build(&world->builder);
}

struct slice world_batch(struct gateway_world *world, int32_t count)
{
    return world_batch_of(world, -1, -1, count);
}

struct slice world_large_batch(struct gateway_world *world, int32_t count, size_t bytes)
{
    uint8_t *value = malloc(bytes);
    if (value == NULL)
        abort();
    batch_builder_reset(&world->builder);
    world->builder.producer_id = -1;
    world->builder.producer_epoch = -1;
    world->builder.base_sequence = -1;
    for (int32_t i = 0; i < count; i++) {
        memset(value, 'a' + i % 26, bytes);
        batch_add(&world->builder, 1700000000000 + i, SLICE_NULL, slice_make(value, bytes));
    }
    free(value);
    return batch_build(&world->builder);
}

const struct cql_batch_request *world_mutation(struct gateway_world *world, unsigned n)
{
    static struct cql_batch_request batch;
    static struct cql_batch_statement statements[4096];
    static struct cql_value values[16 * 4096];
    struct arena arena;
    struct wire wire;

    for (size_t i = 0; i < world->node->log_count; i++) {
        if (world->node->log[i].opcode != CQL_BATCH || n-- > 0)
            continue;
        arena_init(&arena, &alloc_heap, 4096, SIZE_MAX);
        wire_init_decode(&wire, world->node->log[i].body, &arena);
        batch = (struct cql_batch_request){0};
        cql_batch_request_walk(&wire, &batch);
        assert_int_equal(wire.error, STATUS_OK);
        assert_true(batch.statement_count <= 4096);
        for (size_t s = 0; s < batch.statement_count; s++) {
            statements[s] = batch.statements[s];
            assert_true(statements[s].value_count <= 16);
            memcpy(&values[16 * s], batch.statements[s].values,
                   batch.statements[s].value_count * sizeof(*values));
            statements[s].values = &values[16 * s];
        }
        batch.statements = statements;
        arena_deinit(&arena);
        return &batch;
    }
    fail_msg("so many mutations have not come");
    return NULL;
}

int64_t world_row_offset(const struct cql_batch_request *mutation, size_t row)
{
    assert_true(row < mutation->statement_count);
    return (int64_t)be64_load(mutation->statements[row].values[2].bytes.data);
}

/* --- assertions --- */

void expect_produced_at(struct fake_client *client, int16_t code, int64_t offset, const char *file,
                        int line)
{
    struct kafka_produce_partition_response produced;
    if (!fake_client_produced(client, &produced))
        fail_msg("%s:%d: there is no answer%s", file, line,
                 client->closed_by_gateway ? ", the connection was closed" : "");
    if (produced.error_code != code || produced.base_offset != offset)
        fail_msg("%s:%d: error %d, offset %lld (%.*s)", file, line, produced.error_code,
                 (long long)produced.base_offset, (int)produced.error_message.len,
                 (const char *)produced.error_message.data);
}

void expect_nothing_at(struct fake_client *client, const char *file, int line)
{
    struct kafka_produce_partition_response produced;
    if (fake_client_produced(client, &produced))
        fail_msg("%s:%d: there is an answer: error %d, offset %lld", file, line,
                 produced.error_code, (long long)produced.base_offset);
    if (client->closed_by_gateway)
        fail_msg("%s:%d: the connection was closed", file, line);
}
