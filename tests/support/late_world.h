/* Two or more nodes with speculative execution on, and a script of what happens to each execution.
 */
#ifndef TESTS_SUPPORT_LATE_WORLD_H
#define TESTS_SUPPORT_LATE_WORLD_H

#include "tests/support/cluster_world.h"

#define DELAY_US (100 * MS_US)

/* What happens to the first execution, the second ..., whichever node they reach. */
struct plan {
    struct world world;
    struct fake_answer answers[8];
    struct fake_node *nodes[8];
    int64_t at_us[8];
    unsigned count;
    struct sent sent;
};

/* The handler of its nodes. */
void execute(void *context, struct fake_node *node, const struct fake_request *request,
             struct fake_answer *answer);
void plan_up(struct plan *plan, size_t nodes);
void plan_send(struct plan *plan);
/* Nobody has lost a connection, and what comes now is executed as ever. */
void plan_end(struct plan *plan);
struct cluster_facts facts_of(const struct plan *plan);

#endif
