#include "tests/support/cluster_world.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/fake_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define NODES 4

/* Four nodes 10.0.0.1 to 4 with tokens 100 to 400; the configuration names the first. */
struct town {
    struct world world;
    struct fake_view view;
    struct fake_node *nodes[NODES];
};

static const char *const hosts[NODES] = {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"};

static struct fake_node *town_node(struct town *town, const char *host)
{
    struct fake_node *node = fake_net_add(&town->world.net, host, 9042);
    node->handler = fake_view_handle;
    node->context = &town->view;
    return node;
}

static void town_init(struct town *town, const struct alloc *alloc, size_t members)
{
    *town = (struct town){.view = {.replication = {{"class", "SimpleStrategy"},
                                                   {"replication_factor", "1"}}}};
    world_init(&town->world, alloc, 0);
    town->world.config.discover_nodes = true;
    town->world.points[0] = (struct contact_point){hosts[0], 9042};
    town->world.config.contact_point_count = 1;
    for (size_t i = 0; i < NODES; i++)
        town->nodes[i] = town_node(town, hosts[i]);
    for (size_t i = 0; i < members; i++)
        fake_view_add(&town->view,
                      (struct fake_member){.host = hosts[i], .token = 100 * (int64_t)(i + 1)});
}

static void town_up(struct town *town, size_t members)
{
    town_init(town, &alloc_heap, members);
    assert_true(world_start(&town->world));
    world_run(&town->world, SECOND_US);
}

static void send_to(struct town *town, struct sent *sent, int64_t token)
{
    *sent = (struct sent){.request = {.token = token, .has_token = true, .opcode = CQL_BATCH}};
    world_send(&town->world, sent, "row");
}

static unsigned batches(const struct town *town, size_t node)
{
    return fake_node_count(town->nodes[node], CQL_BATCH);
}

static void clear_logs(struct town *town)
{
    for (size_t i = 0; i < NODES; i++)
        fake_node_clear_log(town->nodes[i]);
}

static void every_node_is_found_from_one_contact_point(void **state)
{
    (void)state;
    struct town town;
    town_up(&town, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(town.nodes[i]->open_count, 1);
    assert_int_equal(town.nodes[3]->connects, 0);
    struct cluster_facts facts;
    cluster_get_facts(town.world.cluster, &facts);
    assert_int_equal(facts.ready_links, 3);
    assert_int_equal(facts.links, 3);
    world_deinit(&town.world);
}

static void a_write_goes_to_the_owner_of_its_token(void **state)
{
    (void)state;
    struct town town;
    struct sent sent[30];
    town_up(&town, 3);
    for (size_t i = 0; i < 30; i++)
        send_to(&town, &sent[i], (int64_t)(i % 3) * 100 + 50);
    world_run(&town.world, 100 * MS_US);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(batches(&town, i), 10);
    world_deinit(&town.world);
}

static void copies_of_a_row_share_its_writes(void **state)
{
    (void)state;
    struct town town;
    struct sent sent[20];
    town_init(&town, &alloc_heap, 3);
    town.view.replication[0][1] = "NetworkTopologyStrategy";
    town.view.replication[1][0] = "dc1";
    town.view.replication[1][1] = "2";
    assert_true(world_start(&town.world));
    world_run(&town.world, SECOND_US);
    for (size_t i = 0; i < 20; i++)
        send_to(&town, &sent[i], 150);
    world_run(&town.world, 100 * MS_US);
    assert_int_equal(batches(&town, 0), 0);
    assert_int_equal(batches(&town, 1), 10);
    assert_int_equal(batches(&town, 2), 10);
    world_deinit(&town.world);
}

static void a_new_node_is_used_a_second_after_its_event(void **state)
{
    (void)state;
    struct town town;
    struct sent sent;
    struct cql_push push = {.kind = CQL_PUSH_TOPOLOGY,
                            .change = CQL_CHANGE_NEW_NODE,
                            .address = {{10, 0, 0, 4}, 4, 9042}};
    town_up(&town, 3);
    fake_view_add(&town.view, (struct fake_member){.host = hosts[3], .token = 400});
    fake_node_push(town.nodes[0], &push);
    world_run(&town.world, 2 * SECOND_US);
    assert_int_equal(town.nodes[3]->open_count, 1);
    send_to(&town, &sent, 350);
    world_run(&town.world, 100 * MS_US);
    assert_int_equal(batches(&town, 3), 1);
    world_deinit(&town.world);
}

static void without_any_event_a_new_node_is_found_within_a_minute(void **state)
{
    (void)state;
    struct town town;
    town_up(&town, 2);
    fake_view_add(&town.view, (struct fake_member){.host = hosts[2], .token = 300});
    world_run(&town.world, 61 * SECOND_US);
    assert_int_equal(town.nodes[2]->open_count, 1);
    world_deinit(&town.world);
}

static void a_node_that_left_is_not_dialled_again(void **state)
{
    (void)state;
    struct town town;
    struct sent sent;
    town_up(&town, 3);
    fake_view_remove(&town.view, hosts[2]);
    world_run(&town.world, 61 * SECOND_US);
    assert_int_equal(town.nodes[2]->open_count, 0);
    unsigned connects = town.nodes[2]->connects;
    world_run(&town.world, 120 * SECOND_US);
    assert_int_equal(town.nodes[2]->connects, connects);
    send_to(&town, &sent, 250);
    world_run(&town.world, 100 * MS_US);
    assert_true(sent.done);
    assert_int_equal(batches(&town, 0), 1);
    world_deinit(&town.world);
}

static void a_node_that_moves_is_followed_and_what_was_under_way_there_is_executed_again(void **state)
{
    (void)state;
    struct town town;
    struct sent sent;
    town_up(&town, 2);
    fake_node_answer(town.nodes[1], CQL_BATCH, (struct fake_answer){.silence = true});
    send_to(&town, &sent, 150);
    world_run(&town.world, 100 * MS_US);
    town.view.members[1].host = hosts[3];
    town.view.members[1].dialled = hosts[3];
    fake_node_push(town.nodes[0],
                   &(struct cql_push){.kind = CQL_PUSH_TOPOLOGY,
                                      .change = CQL_CHANGE_MOVED_NODE,
                                      .address = {{10, 0, 0, 4}, 4, 9042}});
    world_run(&town.world, 3 * SECOND_US);
    assert_int_equal(town.nodes[1]->open_count, 0);
    assert_int_equal(town.nodes[3]->open_count, 1);
    assert_true(sent.done);
    assert_true(sent.touched);
    assert_int_equal(sent.outcome, CLUSTER_DONE);
    world_deinit(&town.world);
}

static void two_names_of_one_node_are_one_connection(void **state)
{
    (void)state;
    struct town town;
    town_init(&town, &alloc_heap, 3);
    struct fake_node *alias = town_node(&town, "cassandra.example");
    town.view.members[1].dialled = "cassandra.example";
    town.world.points[1] = (struct contact_point){"cassandra.example", 9042};
    town.world.config.contact_point_count = 2;
    assert_true(world_start(&town.world));
    world_run(&town.world, 5 * SECOND_US);
    assert_int_equal(alias->open_count + town.nodes[1]->open_count, 1);
    assert_int_equal(town.nodes[0]->open_count, 1);
    assert_int_equal(town.nodes[2]->open_count, 1);
    world_deinit(&town.world);
}

static void a_contact_point_that_comes_back_at_another_address_is_followed(void **state)
{
    (void)state;
    struct town town;
    struct sent sent[10];
    town_init(&town, &alloc_heap, 3);
    town.world.points[1] = (struct contact_point){hosts[1], 9042};
    town.world.config.contact_point_count = 2;
    assert_true(world_start(&town.world));
    world_run(&town.world, SECOND_US);
    fake_node_set_down(town.nodes[1], true);
    town.view.members[1].host = hosts[3];
    town.view.members[1].dialled = hosts[3];
    world_run(&town.world, 70 * SECOND_US); /* the view is looked at each minute */
    assert_int_equal(town.nodes[3]->open_count, 1);
    for (size_t i = 0; i < 10; i++)
        send_to(&town, &sent[i], 150);
    world_run(&town.world, 100 * MS_US);
    assert_int_equal(batches(&town, 3), 10);

    town.view.members[1].host = hosts[1]; /* and home again */
    town.view.members[1].dialled = hosts[1];
    fake_node_set_down(town.nodes[3], true);
    fake_node_set_down(town.nodes[1], false);
    world_run(&town.world, 70 * SECOND_US);
    clear_logs(&town);
    for (size_t i = 0; i < 10; i++)
        send_to(&town, &sent[i], 150);
    world_run(&town.world, 100 * MS_US);
    assert_int_equal(batches(&town, 1), 10);
    world_deinit(&town.world);
}

static void when_all_addresses_are_gone_the_contact_points_are_asked_again(void **state)
{
    (void)state;
    struct town town;
    struct sent sent;
    town_init(&town, &alloc_heap, 2);
    struct fake_node *alias = town_node(&town, "cassandra.example");
    town.view.members[0].dialled = "cassandra.example";
    town.world.points[0] = (struct contact_point){hosts[1], 9042};
    town.world.points[1] = (struct contact_point){"cassandra.example", 9042};
    town.world.config.contact_point_count = 2;
    assert_true(world_start(&town.world));
    world_run(&town.world, 5 * SECOND_US);
    /* a new cluster of one node behind the name, elsewhere */
    fake_node_set_down(town.nodes[0], true);
    fake_node_set_down(town.nodes[1], true);
    town.view.member_count = 0;
    fake_view_add(&town.view, (struct fake_member){.host = hosts[2],
                                                   .dialled = "cassandra.example",
                                                   .token = 100,
                                                   .id = 9});
    fake_node_reset(alias);
    world_run(&town.world, 30 * SECOND_US);
    send_to(&town, &sent, 50);
    world_run(&town.world, SECOND_US);
    assert_true(sent.done);
    assert_int_equal(sent.outcome, CLUSTER_DONE);
    world_deinit(&town.world);
}

static void nodes_of_other_data_centers_are_left_alone(void **state)
{
    (void)state;
    struct town town;
    struct sent sent;
    town_init(&town, &alloc_heap, 4);
    town.view.members[2].data_center = town.view.members[3].data_center = "far";
    assert_true(world_start(&town.world));
    world_run(&town.world, 5 * SECOND_US);
    assert_int_equal(town.nodes[1]->open_count, 1);
    assert_int_equal(town.nodes[2]->connects, 0);
    send_to(&town, &sent, 250); /* owned by a far node */
    world_run(&town.world, 100 * MS_US);
    assert_int_equal(batches(&town, 0) + batches(&town, 1), 1);
    world_deinit(&town.world);
}

static void a_far_contact_point_tells_of_the_home_nodes_and_then_sleeps(void **state)
{
    (void)state;
    struct town town;
    struct sent sent;
    town_init(&town, &alloc_heap, 3);
    town.view.members[0].data_center = "far";
    town.world.config.local_dc = "dc1";
    assert_true(world_start(&town.world));
    send_to(&town, &sent, 50);
    world_run(&town.world, 10 * SECOND_US);
    assert_int_equal(town.nodes[0]->open_count, 0);
    assert_int_equal(town.nodes[1]->open_count, 1);
    assert_int_equal(town.nodes[2]->open_count, 1);
    assert_true(sent.done);
    assert_int_equal(batches(&town, 0), 0); /* its LOCAL_QUORUM would be another one */
    world_deinit(&town.world);
}

static void remote_data_centers_are_used_where_that_is_set_and_home_is_down(void **state)
{
    (void)state;
    struct town town;
    struct sent sent;
    town_init(&town, &alloc_heap, 2);
    town.view.members[1].data_center = "far";
    town.world.config.remote_data_centers = true;
    assert_true(world_start(&town.world));
    world_run(&town.world, 2 * SECOND_US);
    assert_int_equal(town.nodes[1]->open_count, 1);
    for (int i = 0; i < 10; i++) {
        send_to(&town, &sent, 150);
        world_run(&town.world, 10 * MS_US);
    }
    assert_int_equal(batches(&town, 0), 10); /* not where the row is: home first */
    fake_node_set_down(town.nodes[0], true);
    send_to(&town, &sent, 50);
    world_run(&town.world, SECOND_US);
    assert_int_equal(batches(&town, 1), 1);
    world_deinit(&town.world);
}

static void an_older_server_is_asked_for_its_older_table(void **state)
{
    (void)state;
    struct town town;
    town_init(&town, &alloc_heap, 3);
    town.view.no_peers_v2 = true;
    assert_true(world_start(&town.world));
    world_run(&town.world, SECOND_US);
    assert_int_equal(town.nodes[1]->open_count, 1);
    assert_int_equal(town.nodes[2]->open_count, 1);
    world_deinit(&town.world);
}

static void half_written_rows_are_no_nodes_and_one_that_listens_everywhere_is_met_as_a_peer(
    void **state)
{
    (void)state;
    struct town town;
    town_init(&town, &alloc_heap, 3);
    town.view.members[1].half_written = true;
    town.view.members[2].listens_everywhere = true;
    assert_true(world_start(&town.world));
    world_run(&town.world, SECOND_US);
    assert_int_equal(town.nodes[1]->connects, 0);
    assert_int_equal(town.nodes[2]->open_count, 1);
    world_deinit(&town.world);
}

static void the_view_is_asked_of_another_node_when_the_first_is_lost(void **state)
{
    (void)state;
    struct town town;
    town_up(&town, 3);
    fake_node_set_down(town.nodes[0], true);
    fake_view_add(&town.view, (struct fake_member){.host = hosts[3], .token = 400});
    world_run(&town.world, 2 * SECOND_US);
    assert_int_equal(town.nodes[3]->open_count, 1);
    world_deinit(&town.world);
}

static void an_answer_that_cannot_be_read_is_asked_for_again_and_said(void **state)
{
    (void)state;
    struct town town;
    town_init(&town, &alloc_heap, 2);
    town.view.garbage = true;
    assert_true(world_start(&town.world));
    world_run(&town.world, 30 * SECOND_US);
    assert_in_range(town.view.looks, 5, 60);
    assert_int_equal(fake_net_logged(&town.world.net, "the nodes of the cluster cannot be read"),
                     (town.view.looks + 7) / 10);
    town.view.garbage = false;
    world_run(&town.world, 10 * SECOND_US);
    assert_int_equal(town.nodes[1]->open_count, 1);
    world_deinit(&town.world);
}

static void a_storm_of_events_is_one_look(void **state)
{
    (void)state;
    struct town town;
    town_up(&town, 2);
    unsigned looks = town.view.looks;
    struct cql_push push = {.kind = CQL_PUSH_STATUS,
                            .change = CQL_CHANGE_DOWN,
                            .address = {{10, 0, 0, 2}, 4, 9042}};
    for (int i = 0; i < 1000; i++) {
        push.change = i % 2 == 0 ? CQL_CHANGE_DOWN : CQL_CHANGE_UP;
        fake_node_push(town.nodes[0], &push);
    }
    world_run(&town.world, 3 * SECOND_US);
    assert_int_equal(town.view.looks, looks + 1);
    assert_int_equal(town.nodes[1]->open_count, 1); /* told DOWN, and kept */
    assert_int_equal(town.nodes[1]->connects, 1);
    world_deinit(&town.world);
}

static void a_node_that_is_told_up_is_dialled_before_its_back_off_is_over(void **state)
{
    (void)state;
    struct town town;
    town_up(&town, 2);
    fake_node_set_down(town.nodes[1], true);
    world_run(&town.world, 50 * SECOND_US);
    unsigned connects = town.nodes[1]->connects;
    while (town.nodes[1]->connects == connects)
        world_run(&town.world, 10 * MS_US);
    fake_node_set_down(town.nodes[1], false);
    fake_node_push(town.nodes[0], &(struct cql_push){.kind = CQL_PUSH_STATUS,
                                                     .change = CQL_CHANGE_UP,
                                                     .address = {{10, 0, 0, 2}, 4, 9042}});
    world_run(&town.world, 1100 * MS_US);
    assert_int_equal(town.nodes[1]->open_count, 1);
    world_deinit(&town.world);
}

static void a_full_replica_is_waited_for_and_holds_up_nobody_else(void **state)
{
    (void)state;
    struct town town;
    struct sent first[32], waiting, other;
    town_up(&town, 3);
    fake_node_answer_times(town.nodes[1], CQL_BATCH, 32,
                           (struct fake_answer){.delay_us = 400 * MS_US});
    for (size_t i = 0; i < 32; i++)
        send_to(&town, &first[i], 150);
    send_to(&town, &waiting, 150);
    assert_false(cluster_has_room(town.world.cluster, NULL, 150));
    assert_true(cluster_has_room(town.world.cluster, NULL, 250));
    send_to(&town, &other, 250);
    world_run(&town.world, 100 * MS_US);
    assert_true(other.done);
    assert_false(waiting.done);
    world_run(&town.world, 400 * MS_US);
    assert_true(waiting.done);
    assert_int_equal(batches(&town, 1), 33);
    world_deinit(&town.world);
}

static void writes_for_a_replica_that_is_down_go_to_another_node(void **state)
{
    (void)state;
    struct town town;
    struct sent sent;
    town_up(&town, 3);
    fake_node_set_down(town.nodes[1], true);
    send_to(&town, &sent, 150);
    world_run(&town.world, 100 * MS_US);
    assert_true(sent.done);
    assert_int_equal(batches(&town, 1), 0);
    world_deinit(&town.world);
}

static void a_replica_that_owes_answers_is_passed_by(void **state)
{
    (void)state;
    struct town town;
    struct sent stuck[8], sent[20];
    town_init(&town, &alloc_heap, 3);
    town.view.replication[1][1] = "2";
    assert_true(world_start(&town.world));
    world_run(&town.world, SECOND_US);
    town.nodes[1]->mute = true; /* stopped: takes bytes, says nothing */
    for (size_t i = 0; i < 8; i++)
        send_to(&town, &stuck[i], 150);
    world_run(&town.world, 600 * MS_US);
    clear_logs(&town);
    for (size_t i = 0; i < 20; i++)
        send_to(&town, &sent[i], 150);
    world_run(&town.world, 100 * MS_US);
    assert_int_equal(batches(&town, 1), 0);
    assert_int_equal(batches(&town, 2), 20);
    world_deinit(&town.world);
}

static void more_connections_a_node_are_opened_after_the_first_and_share_the_work(void **state)
{
    (void)state;
    struct town town;
    struct sent sent[40];
    town_init(&town, &alloc_heap, 2);
    town.world.config.connections_per_node = 3;
    assert_true(world_start(&town.world));
    world_run(&town.world, SECOND_US);
    assert_int_equal(town.nodes[0]->open_count, 3);
    assert_int_equal(town.nodes[1]->open_count, 3);
    assert_int_equal(fake_net_logged(&town.world.net, "cassandra node is up"), 2);
    for (size_t i = 0; i < 40; i++)
        send_to(&town, &sent[i], 50);
    world_run(&town.world, 100 * MS_US);
    for (size_t i = 0; i < 40; i++)
        assert_true(sent[i].done);
    fake_node_reset(town.nodes[0]);
    world_run(&town.world, 5 * SECOND_US);
    assert_int_equal(town.nodes[0]->open_count, 3);
    assert_int_equal(fake_net_logged(&town.world.net, "cassandra node is lost"), 1);
    world_deinit(&town.world);
}

static void memory_running_out_anywhere_costs_time_only(void **state)
{
    (void)state;
    struct failing_alloc failing;
    failing_alloc_init(&failing);
    for (size_t n = 1; failing_alloc_next(&failing, n); n++) {
        struct town town;
        struct sent sent;
        town_init(&town, &failing.alloc, 3);
        if (world_start(&town.world)) {
            world_run(&town.world, 20 * SECOND_US);
            failing.fail_at = 0;
            world_run(&town.world, 60 * SECOND_US);
            for (size_t i = 0; i < 3; i++)
                assert_int_equal(town.nodes[i]->open_count, 1);
            send_to(&town, &sent, 150);
            world_run(&town.world, 100 * MS_US);
            assert_int_equal(batches(&town, 1), 1);
        }
        world_deinit(&town.world);
    }
    assert_true(failing.rounds > 20);
}

static void nodes_are_dialled_where_their_addresses_lead_and_events_tell_what_they_know(void **state)
{
    (void)state;
    static const struct address_translation translations[] = {
        {"10.0.0.1", 0, "203.0.113.1", 19042}, {"10.0.0.2", 9042, "nat.example", 0},
        {"10.0.0.3", 7777, "elsewhere", 0} /* another port: does not count */};
    struct town town;
    struct cql_push push = {.kind = CQL_PUSH_STATUS,
                            .change = CQL_CHANGE_UP,
                            .address = {{10, 0, 0, 2}, 4, 9042}};
    town_init(&town, &alloc_heap, 3);
    town.world.config.translations = translations;
    town.world.config.translation_count = 3;
    struct fake_node *second = town_node(&town, "nat.example");
    town.view.members[1].dialled = "nat.example";
    assert_true(world_start(&town.world));
    world_run(&town.world, SECOND_US);
    assert_int_equal(second->open_count, 1);
    assert_int_equal(town.nodes[1]->connects, 0);
    assert_int_equal(town.nodes[2]->open_count, 1);
    fake_node_set_down(second, true);
    world_run(&town.world, 50 * SECOND_US);
    unsigned connects = second->connects;
    while (second->connects == connects)
        world_run(&town.world, 10 * MS_US);
    fake_node_set_down(second, false);
    fake_node_push(town.nodes[0], &push);
    world_run(&town.world, 1100 * MS_US);
    assert_int_equal(second->open_count, 1);
    assert_int_equal(fake_net_logged(&town.world.net, "cassandra node has moved"), 0);
    world_deinit(&town.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_node_is_found_from_one_contact_point),
        cmocka_unit_test(a_write_goes_to_the_owner_of_its_token),
        cmocka_unit_test(copies_of_a_row_share_its_writes),
        cmocka_unit_test(a_new_node_is_used_a_second_after_its_event),
        cmocka_unit_test(without_any_event_a_new_node_is_found_within_a_minute),
        cmocka_unit_test(a_node_that_left_is_not_dialled_again),
        cmocka_unit_test(
            a_node_that_moves_is_followed_and_what_was_under_way_there_is_executed_again),
        cmocka_unit_test(two_names_of_one_node_are_one_connection),
        cmocka_unit_test(a_contact_point_that_comes_back_at_another_address_is_followed),
        cmocka_unit_test(when_all_addresses_are_gone_the_contact_points_are_asked_again),
        cmocka_unit_test(nodes_of_other_data_centers_are_left_alone),
        cmocka_unit_test(a_far_contact_point_tells_of_the_home_nodes_and_then_sleeps),
        cmocka_unit_test(remote_data_centers_are_used_where_that_is_set_and_home_is_down),
        cmocka_unit_test(an_older_server_is_asked_for_its_older_table),
        cmocka_unit_test(
            half_written_rows_are_no_nodes_and_one_that_listens_everywhere_is_met_as_a_peer),
        cmocka_unit_test(the_view_is_asked_of_another_node_when_the_first_is_lost),
        cmocka_unit_test(an_answer_that_cannot_be_read_is_asked_for_again_and_said),
        cmocka_unit_test(a_storm_of_events_is_one_look),
        cmocka_unit_test(a_node_that_is_told_up_is_dialled_before_its_back_off_is_over),
        cmocka_unit_test(a_full_replica_is_waited_for_and_holds_up_nobody_else),
        cmocka_unit_test(writes_for_a_replica_that_is_down_go_to_another_node),
        cmocka_unit_test(a_replica_that_owes_answers_is_passed_by),
        cmocka_unit_test(
            nodes_are_dialled_where_their_addresses_lead_and_events_tell_what_they_know),
        cmocka_unit_test(more_connections_a_node_are_opened_after_the_first_and_share_the_work),
        cmocka_unit_test(memory_running_out_anywhere_costs_time_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
