/* The local port that a link to a shard is dialled from, on real sockets. */
#include "node_socket.h"

#include "core/cluster/cluster_internal.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#define STEP 7

struct fixture {
    struct gateway_config config;
    struct contact_point point;
    struct action_queue *actions;
    struct cluster *cluster;
    struct loop loop;
    int listener;
    uint16_t port; /* of it */
};

static int listen_at(uint16_t *port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, 8) < 0 ||
                    getsockname(fd, (struct sockaddr *)&at, &len) < 0)) {
        (void)close(fd);
        return -1;
    }
    *port = ntohs(at.sin_port);
    return fd;
}

static void core_turn(void *context, struct moment now)
{
    (void)context;
    (void)now;
}

static int64_t core_deadline_us(void *context)
{
    (void)context;
    return NEVER_US;
}

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){.port = 0};
    gateway_config_defaults(&f.config);
    f.listener = listen_at(&f.port);
    f.point = (struct contact_point){"127.0.0.1", f.port};
    f.config.contact_points = &f.point;
    f.config.contact_point_count = 1;
    f.actions = action_queue_new(&alloc_heap);
    f.cluster = cluster_new(&f.config, f.actions, loop_now());
    const struct loop_hooks hooks = {.context = &f};
    const struct loop_core core = {.context = &f,
                                   .actions = f.actions,
                                   .turn = core_turn,
                                   .tick = core_turn,
                                   .deadline_us = core_deadline_us};
    if (f.listener < 0 || f.cluster == NULL || loop_init(&f.loop, &hooks) < 0)
        return 1;
    f.loop.connect_timeout_us = 2000000;
    loop_attach(&f.loop, &core);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    loop_deinit(&f->loop);
    cluster_free(f->cluster);
    action_queue_free(f->actions);
    (void)close(f->listener);
    return 0;
}

/* The port that the connection comes from; 0: it does not come. */
static uint16_t dial_from(struct fixture *f, uint16_t local_port)
{
    const struct action open = {.kind = ACTION_LINK_OPEN,
                                .link = f->cluster->nodes[0]->links[0],
                                .host = "127.0.0.1",
                                .port = f->port,
                                .local_port = local_port,
                                .local_port_step = local_port == 0 ? 0 : STEP};
    struct sockaddr_in from;
    socklen_t len = sizeof(from);
    int fd = -1;
    node_socket_open(&f->loop, &open);
    for (int i = 0; i < 2000 && fd < 0; i++) {
        (void)uv_run(&f->loop.uv, UV_RUN_NOWAIT);
        fd = accept(f->listener, (struct sockaddr *)&from, &len);
        if (fd < 0)
            (void)usleep(1000);
    }
    if (fd < 0)
        return 0;
    (void)close(fd);
    return ntohs(from.sin_port);
}

static void a_link_comes_from_the_local_port_that_its_shard_asks_for(void **state)
{
    uint16_t free_port = 60000;
    int probe = -1;
    while ((probe = listen_at(&free_port)) < 0)
        free_port++;
    (void)close(probe);
    assert_int_equal(dial_from(*state, free_port), free_port);
}

static void a_local_port_that_is_taken_is_passed_over_in_steps(void **state)
{
    uint16_t taken = 61000;
    int fd = -1;
    while ((fd = listen_at(&taken)) < 0)
        taken++;
    uint16_t from = dial_from(*state, taken);
    assert_true(from > taken);
    assert_int_equal(from % STEP, taken % STEP);
    (void)close(fd);
}

static void behind_the_last_port_the_search_goes_on_with_the_first(void **state)
{
    uint16_t taken = 65535;
    int fd = listen_at(&taken);
    if (fd < 0)
        skip(); /* somebody else has it: then it could not be told from ours */
    uint16_t from = dial_from(*state, taken);
    assert_in_range(from, 49152, 65534);
    assert_int_equal(from % STEP, taken % STEP);
    (void)close(fd);
}

static void a_link_without_a_wish_comes_from_any_port(void **state)
{
    assert_int_not_equal(dial_from(*state, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_link_comes_from_the_local_port_that_its_shard_asks_for,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_local_port_that_is_taken_is_passed_over_in_steps, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(behind_the_last_port_the_search_goes_on_with_the_first,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_link_without_a_wish_comes_from_any_port, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
