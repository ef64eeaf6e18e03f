/*
 * What nodes tell of each other: a handler for fake nodes that answers the questions of
 * core/topology.c from one list of members. Everything else is answered by default.
 *
 *      struct fake_view view = {.replication = {{"class", "SimpleStrategy"}, {"replication_factor", "1"}}};
 *      fake_view_add(&view, (struct fake_member){.host = "10.0.0.1", .token = 0});
 *      node->handler = fake_view_handle; node->context = &view;
 */
#ifndef TESTS_SUPPORT_FAKE_VIEW_H
#define TESTS_SUPPORT_FAKE_VIEW_H

#include "tests/support/fake_node.h"

struct fake_member {
    const char *host;        /* dotted address; also the fake node's, unless `dialled` says other */
    const char *dialled;     /* NULL: host */
    const char *data_center; /* NULL: "dc1" */
    const char *rack;        /* NULL: "r1" */
    int64_t token;
    uint8_t id;              /* 0: from the place in the list */
    bool half_written;       /* no rack yet */
    bool listens_everywhere; /* native_address 0.0.0.0 */
};

struct fake_view {
    struct fake_member members[16];
    size_t member_count;
    const char *replication[4][2];
    bool no_peers_v2;
    bool garbage; /* answers are cut in the middle */
    unsigned looks; /* times that system.local was asked for */
    uint8_t body[8192];
};

void fake_view_add(struct fake_view *view, struct fake_member member);
void fake_view_remove(struct fake_view *view, const char *host);
/* A fake_handler; context is the view. */
void fake_view_handle(void *view, struct fake_node *node, const struct fake_request *request,
                      struct fake_answer *answer);

#endif
