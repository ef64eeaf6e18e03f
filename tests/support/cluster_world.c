#include "tests/support/cluster_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int64_t core_deadline_us(void *context)
{
    return cluster_deadline_us(((struct world *)context)->cluster);
}

static void core_tick(void *context, struct moment now)
{
    cluster_tick(((struct world *)context)->cluster, now);
}

void world_init(struct world *world, const struct alloc *alloc, size_t nodes)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    *world = (struct world){0};
    gateway_config_defaults(&world->config);
    world->config.discover_nodes = false; /* topology_test.c switches it on */
    world->config.alloc = alloc;
    world->config.version = "test";
    world->config.random_seed = 1;
    world->config.contact_points = world->points;
    world->config.contact_point_count = nodes;
    fake_net_init(&world->net, NULL);
    for (size_t i = 0; i < nodes; i++) {
        world->points[i] = (struct contact_point){names[i], 9042};
        world->nodes[i] = fake_net_add(&world->net, names[i], 9042);
    }
    world->net.print_log = getenv("PRINT_LOG") != NULL;
}

bool world_start(struct world *world)
{
    world->actions = action_queue_new(world->config.alloc);
    if (world->actions == NULL)
        return false;
    world->net.actions = world->actions;
    world->cluster = cluster_new(&world->config, world->actions, world->net.now);
    if (world->cluster == NULL)
        return false;
    world->net.core =
        (struct fake_core){.context = world, .deadline_us = core_deadline_us, .tick = core_tick};
    cluster_start(world->cluster, world->net.now);
    return true;
}

void world_up(struct world *world, size_t nodes)
{
    world_init(world, &alloc_heap, nodes);
    assert_true(world_start(world));
    world_run(world, 100 * MS_US);
    struct cluster_facts facts;
    cluster_get_facts(world->cluster, &facts);
    assert_int_equal(facts.ready_links, nodes);
}

void world_deinit(struct world *world)
{
    cluster_free(world->cluster);
    fake_net_deinit(&world->net);
    action_queue_free(world->actions);
}

void world_run(struct world *world, int64_t us)
{
    fake_net_run(&world->net, us);
}

static void sent_done(struct cluster_request *request, const struct cluster_reply *reply,
                      struct moment now)
{
    struct sent *sent = request->context;
    assert_false(sent->done);
    sent->done = true;
    sent->order = ++sent->world->done_count;
    sent->outcome = reply->outcome;
    sent->touched = request->touched;
    sent->error = reply->error == NULL ? -1 : reply->error->code;
    if (reply->error != NULL)
        snprintf(sent->message, sizeof(sent->message), "%.*s", (int)reply->error->message.len,
                 (const char *)reply->error->message.data);
    sent->done_at_us = now.boot_us;
    if (sent->then != NULL)
        sent->then(sent, now);
}

struct cql_body *world_body(struct world *world, const char *text)
{
    struct cql_body *body = cql_body_new(world->config.alloc, 1 << 20);
    if (body == NULL)
        return NULL;
    if (buf_append(&body->buf, slice_cstr(text)) == STATUS_OK)
        return body;
    cql_body_unref(body);
    return NULL;
}

void world_send_body(struct world *world, struct sent *sent, struct cql_body *body)
{
    struct cluster_request *request = &sent->request;
    sent->world = world;
    sent->done = false;
    request->body = body;
    request->done = sent_done;
    request->context = sent;
    if (request->opcode == 0)
        request->opcode = CQL_QUERY;
    if (request->deadline_us == 0)
        request->deadline_us = NEVER_US;
    cluster_send(world->cluster, request, world->net.now);
    cql_body_unref(body);
}

void world_send(struct world *world, struct sent *sent, const char *text)
{
    struct cql_body *body = world_body(world, text);
    assert_non_null(body);
    world_send_body(world, sent, body);
}
