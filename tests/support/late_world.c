#include "tests/support/late_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

void execute(void *context, struct fake_node *node, const struct fake_request *request,
             struct fake_answer *answer)
{
    struct plan *plan = context;
    if ((request->opcode != CQL_QUERY && request->opcode != CQL_BATCH) || plan->count == 8)
        return;
    plan->nodes[plan->count] = node;
    plan->at_us[plan->count] = request->at_us;
    *answer = plan->answers[plan->count];
    plan->count++;
}

void plan_up(struct plan *plan, size_t nodes)
{
    *plan = (struct plan){0};
    world_init(&plan->world, &alloc_heap, nodes);
    plan->world.config.speculative_delay_us = DELAY_US;
    assert_true(world_start(&plan->world));
    world_run(&plan->world, 100 * MS_US);
    for (size_t i = 0; i < nodes; i++) {
        plan->world.nodes[i]->handler = execute;
        plan->world.nodes[i]->context = plan;
    }
}

void plan_send(struct plan *plan)
{
    plan->sent.request.has_token = true;
    world_send(&plan->world, &plan->sent, "insert");
}

void plan_end(struct plan *plan)
{
    struct sent next = {0};
    size_t nodes = plan->world.config.contact_point_count;
    for (int i = 0; i < 8; i++)
        plan->answers[i] = (struct fake_answer){0};
    world_run(&plan->world, 15 * SECOND_US);
    next.request.has_token = true;
    world_send(&plan->world, &next, "insert");
    world_run(&plan->world, 50 * MS_US);
    assert_true(next.done);
    assert_int_equal(next.outcome, CLUSTER_DONE);
    for (size_t i = 0; i < nodes; i++)
        assert_int_equal(plan->world.nodes[i]->connects, 1);
    world_deinit(&plan->world);
}

struct cluster_facts facts_of(const struct plan *plan)
{
    struct cluster_facts facts;
    cluster_get_facts(plan->world.cluster, &facts);
    return facts;
}
