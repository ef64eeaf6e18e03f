/* ScyllaDB: a link for each shard, its own port for that, tablets before the ring. */
#include "tests/support/cluster_world.h"
#include "tests/support/fake_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cql/frame.h"
#include "cql/query.h"
#include "proto/endian.h"

#define NODES      3
#define SHARDS     4
#define SHARD_PORT 19042

/* Three nodes of four shards, tokens 100 to 300, each with a port for shards. */
struct town {
    struct world world;
    struct fake_view view;
    struct fake_node *plain[NODES], *shard_port[NODES];
    /* of system.tablets */
    bool tablets_refused;
    unsigned tablets_asked;
    uint8_t tablets_body[2048];
    size_t tablets_len;
};

static const char *const hosts[NODES] = {"10.0.0.1", "10.0.0.2", "10.0.0.3"};
static const uint8_t orders[16] = {0x0a, 1}, other_table[16] = {0x0b, 1};

static bool asks_for_tablets(struct slice body)
{
    struct cql_query query = {0};
    struct wire wire;
    wire_init_decode(&wire, body, NULL);
    cql_query_walk(&wire, &query);
    const char *want = "SELECT last_token, replicas FROM system.tablets WHERE table_id = "
                       "0a010000-0000-0000-0000-000000000000";
    return wire.error == STATUS_OK && slice_equal(query.text, slice_cstr(want));
}

static void town_handle(void *context, struct fake_node *node, const struct fake_request *request,
                        struct fake_answer *answer)
{
    struct town *town = context;
    fake_view_handle(&town->view, node, request, answer);
    if (request->opcode != CQL_QUERY || !asks_for_tablets(request->body))
        return;
    town->tablets_asked++;
    if (town->tablets_refused)
        *answer = (struct fake_answer){.error = CQL_ERROR_UNAUTHORIZED};
    else
        *answer = (struct fake_answer){.opcode = CQL_RESULT,
                                       .body = {town->tablets_body, town->tablets_len}};
}

static struct fake_node *town_node(struct town *town, size_t i, uint16_t port)
{
    struct fake_node *node = fake_net_add(&town->world.net, hosts[i], port);
    node->handler = town_handle;
    node->context = town;
    node->shards = SHARDS;
    node->tells_shard_port = SHARD_PORT;
    node->is_shard_port = port == SHARD_PORT;
    return node;
}

static void town_init(struct town *town, size_t members)
{
    *town = (struct town){
        .view = {.no_peers_v2 = true,
                 .replication = {{"class", "SimpleStrategy"}, {"replication_factor", "1"}}}};
    world_init(&town->world, &alloc_heap, 0);
    town->world.config.discover_nodes = true;
    town->world.points[0] = (struct contact_point){hosts[0], 9042};
    town->world.config.contact_point_count = 1;
    for (size_t i = 0; i < NODES; i++) {
        town->plain[i] = town_node(town, i, 9042);
        town->shard_port[i] = town_node(town, i, SHARD_PORT);
        if (i < members)
            fake_view_add(&town->view,
                          (struct fake_member){.host = hosts[i], .token = 100 * (int64_t)(i + 1)});
    }
}

static void town_up(struct town *town, size_t members)
{
    town_init(town, members);
    assert_true(world_start(&town->world));
    world_run(&town->world, SECOND_US);
}

static unsigned ready_links(const struct town *town)
{
    struct cluster_facts facts;
    cluster_get_facts(town->world.cluster, &facts);
    return facts.ready_links;
}

static void send_to(struct town *town, struct sent *sent, const uint8_t *table_id, int64_t token)
{
    *sent = (struct sent){
        .request = {.token = token, .has_token = true, .table_id = table_id, .opcode = CQL_BATCH}};
    world_send(&town->world, sent, "row");
}

/* Of shard s: the highest bits below the ignored 12 decide. */
static int64_t token_of_shard(unsigned shard)
{
    return (int64_t)((uint64_t)shard << 50) + 1 + INT64_MIN;
}

/* The shards that BATCHes have come to, a bit each. */
static unsigned shards_used(const struct fake_node *node)
{
    unsigned shards = 0;
    for (size_t i = 0; i < node->log_count; i++)
        if (node->log[i].opcode == CQL_BATCH && node->log[i].shard >= 0)
            shards |= 1u << node->log[i].shard;
    return shards;
}

static void expect_each_shard_gets_its_own(struct town *town)
{
    struct sent sent[SHARDS];
    for (unsigned shard = 0; shard < SHARDS; shard++) {
        fake_node_clear_log(town->plain[0]);
        fake_node_clear_log(town->shard_port[0]);
        send_to(town, &sent[shard], NULL, token_of_shard(shard));
        world_run(&town->world, 10 * MS_US);
        assert_true(sent[shard].done);
        assert_int_equal(shards_used(town->plain[0]) | shards_used(town->shard_port[0]),
                         1u << shard);
    }
}

static void every_shard_gets_a_link_through_the_port_for_shards(void **state)
{
    (void)state;
    struct town town;
    town_up(&town, 1);
    assert_int_equal(ready_links(&town), SHARDS);
    assert_int_equal(town.plain[0]->open_count, 1);
    assert_int_equal(town.shard_port[0]->open_count, SHARDS - 1);
    assert_int_equal(town.shard_port[0]->connects, SHARDS - 1);
    expect_each_shard_gets_its_own(&town);
    world_deinit(&town.world);
}

static void a_lost_link_is_dialled_for_its_own_shard_again(void **state)
{
    (void)state;
    struct town town;
    town_up(&town, 1);
    fake_node_reset(town.shard_port[0]);
    world_run(&town.world, SECOND_US);
    assert_int_equal(ready_links(&town), SHARDS);
    expect_each_shard_gets_its_own(&town);
    fake_node_reset(town.plain[0]); /* that was one shard's as well */
    world_run(&town.world, SECOND_US);
    assert_int_equal(ready_links(&town), SHARDS);
    expect_each_shard_gets_its_own(&town);
    world_deinit(&town.world);
}

static void where_ports_are_translated_links_are_dealt_out_by_the_plain_port(void **state)
{
    (void)state;
    struct town town;
    town_init(&town, 1);
    town.shard_port[0]->nat_shift = 1;
    assert_true(world_start(&town.world));
    world_run(&town.world, 5 * SECOND_US);
    assert_int_equal(fake_net_logged(&town.world.net, "shards cannot be dialled"), 1);
    assert_int_equal(ready_links(&town), SHARDS);
    expect_each_shard_gets_its_own(&town);
    unsigned connects = town.shard_port[0]->connects;
    fake_node_reset(town.shard_port[0]);
    fake_node_reset(town.plain[0]);
    world_run(&town.world, 60 * SECOND_US);
    assert_int_equal(ready_links(&town), SHARDS);
    assert_int_equal(town.shard_port[0]->connects, connects); /* left alone for five minutes */
    world_deinit(&town.world);
}

static void a_closed_port_for_shards_costs_one_attempt(void **state)
{
    (void)state;
    struct town town;
    town_init(&town, 1);
    town.shard_port[0]->refuses = true;
    assert_true(world_start(&town.world));
    world_run(&town.world, 5 * SECOND_US);
    assert_int_equal(fake_net_logged(&town.world.net, "shards cannot be dialled"), 1);
    assert_in_range(town.shard_port[0]->connects, 1, SHARDS - 1);
    assert_int_equal(town.plain[0]->open_count, SHARDS);
    expect_each_shard_gets_its_own(&town);
    world_deinit(&town.world);
}

static void links_that_came_to_the_same_shard_are_spares_until_all_have_one(void **state)
{
    (void)state;
    struct town town;
    town_init(&town, 1);
    town.plain[0]->tells_shard_port = 0;
    town.plain[0]->shards = SHARDS;
    assert_true(world_start(&town.world));
    world_run(&town.world, 20 * MS_US);
    town.plain[0]->next_shard = 1; /* others connect as well: shard 0 comes twice */
    world_run(&town.world, 30 * MS_US);
    town.plain[0]->next_shard = 0;
    world_run(&town.world, 5 * SECOND_US);
    expect_each_shard_gets_its_own(&town);
    assert_int_equal(ready_links(&town), SHARDS); /* the spares are closed */
    assert_in_range(town.plain[0]->connects, SHARDS, 2 * SHARDS);
    world_deinit(&town.world);
}

/* So a new control link begins, for those who keep what its events tell. */
static void count_replay(void *context, const struct cql_push *push, struct moment now)
{
    (void)push, (void)now;
    ++*(unsigned *)context;
}

/* All links are lost and dialled again in any order, so that the control link is any of them; its
 * shard is dealt out twice. */
static void the_control_link_is_never_the_spare(void **state)
{
    (void)state;
    struct town town;
    town_init(&town, 1);
    town.plain[0]->tells_shard_port = 0;
    assert_true(world_start(&town.world));
    unsigned spares = 0, replays = 0;
    cluster_on_schema_change(town.world.cluster, count_replay, &replays);
    for (int round = 0; round < 20; round++) {
        unsigned connects = town.plain[0]->connects;
        fake_node_reset(town.plain[0]);
        town.plain[0]->next_shard = 0;
        for (bool twice = false; town.plain[0]->connects < connects + SHARDS;) {
            world_run(&town.world, MS_US);
            if (town.plain[0]->next_shard > 0 && !twice) {
                town.plain[0]->next_shard = 0;
                twice = true;
            }
        }
        replays = 0;
        world_run(&town.world, 10 * SECOND_US);
        assert_int_equal(ready_links(&town), SHARDS);
        assert_int_equal(replays, 0);
        spares += town.plain[0]->connects - connects - SHARDS;
    }
    assert_in_range(spares, 10, UINT32_MAX);
    world_deinit(&town.world);
}

static void a_node_that_never_deals_a_shard_out_gets_twice_as_many_links_at_most(void **state)
{
    (void)state;
    struct town town;
    town_init(&town, 1);
    town.plain[0]->tells_shard_port = 0;
    assert_true(world_start(&town.world));
    for (int i = 0; i < 5000; i++) { /* always shard 0 */
        world_run(&town.world, MS_US);
        town.plain[0]->next_shard = 0;
    }
    assert_in_range(town.plain[0]->open_count, SHARDS, 2 * SHARDS);
    assert_in_range(town.plain[0]->connects, SHARDS, 4 * SHARDS);
    struct sent sent;
    send_to(&town, &sent, NULL, token_of_shard(3));
    world_run(&town.world, 10 * MS_US);
    assert_true(sent.done);
    world_deinit(&town.world);
}

static void strange_numbers_of_shards_are_no_shards(void **state)
{
    (void)state;
    struct town town;
    town_init(&town, 1);
    town.plain[0]->shards = 300; /* more than links are kept for */
    assert_true(world_start(&town.world));
    world_run(&town.world, SECOND_US);
    assert_int_equal(ready_links(&town), 1);
    world_deinit(&town.world);
}

static void a_shard_that_the_node_does_not_have_is_none(void **state)
{
    (void)state;
    struct town town;
    town_init(&town, 1);
    town.plain[0]->shard_shift = SHARDS;
    assert_true(world_start(&town.world));
    world_run(&town.world, SECOND_US);
    assert_int_equal(ready_links(&town), 1);
    assert_int_equal(town.shard_port[0]->connects, 0);
    world_deinit(&town.world);
}

static void a_local_port_in_use_is_passed_by_in_steps_of_the_number_of_shards(void **state)
{
    (void)state;
    struct town town;
    town_init(&town, 1);
    town.shard_port[0]->ports_taken = 3;
    assert_true(world_start(&town.world));
    world_run(&town.world, SECOND_US);
    assert_int_equal(fake_net_logged(&town.world.net, "shards cannot be dialled"), 0);
    assert_int_equal(town.shard_port[0]->open_count, SHARDS - 1);
    expect_each_shard_gets_its_own(&town);
    world_deinit(&town.world);
}

static void local_ports_are_random_and_lie_in_the_range_that_nobody_gives_out(void **state)
{
    (void)state;
    bool differ = false;
    uint16_t before = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct town town;
        town_init(&town, 1);
        town.world.config.random_seed = seed;
        town.plain[0]->shards = town.shard_port[0]->shards = 250;
        assert_true(world_start(&town.world));
        world_run(&town.world, SECOND_US / 10);
        assert_in_range(town.shard_port[0]->last_local_port, 49152, 65535);
        differ =
            differ || (before != 0 && before / 250 != town.shard_port[0]->last_local_port / 250);
        before = town.shard_port[0]->last_local_port;
        world_deinit(&town.world);
    }
    assert_true(differ);
}

static void with_tls_only_the_port_for_tls_is_dialled(void **state)
{
    (void)state;
    for (int tells = 0; tells < 2; tells++) {
        struct town town;
        town_init(&town, 1);
        struct fake_node *port = fake_net_add(&town.world.net, hosts[0], 1);
        port->handler = town_handle;
        port->context = &town;
        port->shards = SHARDS;
        port->tells_shard_port = SHARD_PORT;
        port->is_shard_port = true;
        town.world.config.node_tls = true;
        if (tells) /* "1" */
            town.plain[0]->supported = port->supported = "SCYLLA_SHARD_AWARE_PORT_SSL";
        assert_true(world_start(&town.world));
        world_run(&town.world, 5 * SECOND_US);
        assert_int_equal(ready_links(&town), SHARDS);
        assert_int_equal(town.shard_port[0]->connects, 0);
        assert_int_equal(port->open_count, tells ? SHARDS - 1 : 0);
        world_deinit(&town.world);
    }
}

static void many_writes_of_a_shard_stay_on_its_link(void **state)
{
    (void)state;
    struct town town;
    struct sent sent[20];
    town_up(&town, 1);
    for (unsigned shard = 0; shard < SHARDS; shard++) {
        fake_node_clear_log(town.plain[0]);
        fake_node_clear_log(town.shard_port[0]);
        for (int i = 0; i < 20; i++)
            send_to(&town, &sent[i], NULL, token_of_shard(shard));
        world_run(&town.world, 10 * MS_US);
        assert_int_equal(shards_used(town.plain[0]) | shards_used(town.shard_port[0]), 1u << shard);
    }
    world_deinit(&town.world);
}

static void a_port_for_shards_is_tried_again_after_five_minutes(void **state)
{
    (void)state;
    struct town town;
    town_init(&town, 1);
    town.shard_port[0]->refuses = true;
    assert_true(world_start(&town.world));
    world_run(&town.world, 10 * SECOND_US);
    unsigned connects = town.shard_port[0]->connects;
    town.shard_port[0]->refuses = false;
    fake_node_reset(town.plain[0]);
    world_run(&town.world, 10 * SECOND_US);
    assert_int_equal(town.shard_port[0]->connects, connects);
    world_run(&town.world, 290 * SECOND_US);
    fake_node_reset(town.plain[0]);
    world_run(&town.world, 10 * SECOND_US);
    assert_int_equal(town.shard_port[0]->open_count, SHARDS - 1);
    world_deinit(&town.world);
}

static void connections_are_limited_but_each_node_gets_one(void **state)
{
    (void)state;
    struct town town;
    town_init(&town, NODES);
    town.world.config.max_node_connections = 5;
    assert_true(world_start(&town.world));
    world_run(&town.world, 5 * SECOND_US);
    for (size_t i = 0; i < NODES; i++)
        assert_true(town.plain[i]->open_count + town.shard_port[i]->open_count >= 1);
    assert_in_range(ready_links(&town), NODES, 7);
    world_deinit(&town.world);
}

/* --- tablets --- */

/* RESULT Rows of (last_token bigint, replicas list): each range is held by one node and shard. */
static void tell_tablets(struct town *town, const int64_t *lasts, const uint8_t *hosts_of,
                         const uint8_t *shards_of, size_t count)
{
    struct cql_column columns[] = {{SLICE_LITERAL("system"),
                                    SLICE_LITERAL("tablets"),
                                    SLICE_LITERAL("last_token"),
                                    {.id = CQL_TYPE_BIGINT}},
                                   {SLICE_LITERAL("system"),
                                    SLICE_LITERAL("tablets"),
                                    SLICE_LITERAL("replicas"),
                                    {.id = CQL_TYPE_BLOB}}};
    uint8_t rows[1024] = {0};
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t *p = rows + len;
        be32_store(p, 8);
        be64_store(p + 4, (uint64_t)lasts[i]);
        be32_store(p + 12, 36);
        be32_store(p + 16, 1);
        be32_store(p + 20, 28);
        be32_store(p + 24, 16);
        p[28 + 15] = hosts_of[i];
        be32_store(p + 44, 4);
        be32_store(p + 48, shards_of[i]);
        len += 52;
    }
    struct cql_result result = {
        .kind = CQL_RESULT_ROWS,
        .metadata = {.flags = CQL_METADATA_GLOBAL_SPEC, .column_count = 2, .columns = columns},
        .row_count = (int32_t)count,
        .rows = slice_make(rows, len)};
    struct buf out;
    struct wire wire;
    buf_init(&out, &alloc_heap, sizeof(town->tablets_body));
    wire_init_encode(&wire, &out);
    cql_result_walk(&wire, &result);
    assert_int_equal(wire.error, STATUS_OK);
    town->tablets_len = buf_len(&out);
    memcpy(town->tablets_body, buf_unread(&out).data, buf_len(&out));
    buf_deinit(&out);
}

static void with_tablets(struct town *town)
{
    for (size_t i = 0; i < NODES; i++)
        town->plain[i]->tells_tablets = town->shard_port[i]->tells_tablets = true;
}

/* Where one write for the token goes: host * 10 + shard. */
static int place_of_write(struct town *town, const uint8_t *table_id, int64_t token)
{
    struct sent sent;
    int place = -1;
    for (size_t i = 0; i < NODES; i++) {
        fake_node_clear_log(town->plain[i]);
        fake_node_clear_log(town->shard_port[i]);
    }
    send_to(town, &sent, table_id, token);
    world_run(&town->world, 50 * MS_US);
    assert_true(sent.done);
    for (size_t i = 0; i < NODES; i++)
        for (int port = 0; port < 2; port++) {
            const struct fake_node *node = port == 0 ? town->plain[i] : town->shard_port[i];
            for (size_t r = 0; r < node->log_count; r++)
                if (node->log[r].opcode == CQL_BATCH)
                    place = (int)(i + 1) * 10 + node->log[r].shard;
        }
    return place;
}

static const int64_t two_ranges[] = {0, INT64_MAX};

static void tablets_are_read_when_a_table_is_first_written_and_count_before_the_ring(void **state)
{
    (void)state;
    struct town town;
    town_init(&town, NODES);
    with_tablets(&town);
    tell_tablets(&town, two_ranges, (const uint8_t[]){3, 2}, (const uint8_t[]){1, 2}, 2);
    assert_true(world_start(&town.world));
    world_run(&town.world, SECOND_US);
    assert_int_equal(town.tablets_asked, 0);
    (void)place_of_write(&town, orders, 50); /* anywhere */
    assert_int_equal(town.tablets_asked, 1);
    assert_int_equal(place_of_write(&town, orders, -5), 31);
    assert_int_equal(place_of_write(&town, orders, 0), 31);
    assert_int_equal(place_of_write(&town, orders, 1), 22);
    assert_int_equal(place_of_write(&town, orders, 50), 22);          /* the ring says node 1 */
    assert_int_equal(place_of_write(&town, other_table, 50) / 10, 1); /* not known: the ring */
    assert_int_equal(place_of_write(&town, NULL, 50) / 10, 1);
    world_deinit(&town.world);
}

static void tablets_are_read_again_once_a_minute_and_when_nodes_come_or_go(void **state)
{
    (void)state;
    struct town town;
    struct cql_push push = {.kind = CQL_PUSH_TOPOLOGY,
                            .change = CQL_CHANGE_NEW_NODE,
                            .address = {{10, 0, 0, 9}, 4, 9042}};
    town_init(&town, NODES);
    with_tablets(&town);
    tell_tablets(&town, two_ranges, (const uint8_t[]){3, 2}, (const uint8_t[]){1, 2}, 2);
    assert_true(world_start(&town.world));
    world_run(&town.world, SECOND_US);
    for (int i = 0; i < 100; i++)
        (void)place_of_write(&town, orders, 50);
    assert_int_equal(town.tablets_asked, 1);
    tell_tablets(&town, two_ranges, (const uint8_t[]){1, 1}, (const uint8_t[]){0, 3}, 2);
    fake_node_push(town.plain[0], &push);
    (void)place_of_write(&town, orders, 50);
    (void)place_of_write(&town, orders, 50);
    assert_int_equal(town.tablets_asked, 2);
    assert_int_equal(place_of_write(&town, orders, 50), 13);
    world_run(&town.world, 61 * SECOND_US);
    assert_int_equal(town.tablets_asked, 2); /* not in use: not asked about */
    (void)place_of_write(&town, orders, 50);
    assert_int_equal(town.tablets_asked, 3);
    world_deinit(&town.world);
}

static void a_tablet_that_an_answer_tells_is_used_where_the_table_cannot_be_read(void **state)
{
    (void)state;
    struct town town;
    struct sent sent;
    /* (0, 1000] is held by node 2, shard 3 */
    static const uint8_t taught[] = "\0\1\0\x12"
                                    "tablets-routing-v1"
                                    "\0\0\0\x40"
                                    "\0\0\0\x08\0\0\0\0\0\0\0\0"
                                    "\0\0\0\x08\0\0\0\0\0\0\x03\xe8"
                                    "\0\0\0\x24\0\0\0\1\0\0\0\x1c"
                                    "\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2\0\0\0\4\0\0\0\3"
                                    "\0\0\0\1";
    town_init(&town, NODES);
    with_tablets(&town);
    town.tablets_refused = true;
    assert_true(world_start(&town.world));
    world_run(&town.world, SECOND_US);
    for (size_t i = 0; i < NODES; i++)
        for (int port = 0; port < 2; port++)
            fake_node_answer(port == 0 ? town.plain[i] : town.shard_port[i], CQL_EXECUTE,
                             (struct fake_answer){.opcode = CQL_RESULT,
                                                  .flags = CQL_FLAG_PAYLOAD,
                                                  .body = {taught, sizeof(taught) - 1}});
    sent = (struct sent){
        .request = {.token = 50, .has_token = true, .table_id = orders, .opcode = CQL_EXECUTE}};
    world_send(&town.world, &sent, "read");
    world_run(&town.world, 50 * MS_US);
    assert_true(sent.done);
    assert_int_equal(place_of_write(&town, orders, 50), 23);
    assert_int_equal(place_of_write(&town, orders, 1000), 23);
    assert_int_equal(town.tablets_asked, 1);
    assert_int_equal(fake_net_logged(&town.world.net, "system.tablets cannot be read"), 1);
    world_deinit(&town.world);
}

static void tablets_of_a_node_that_has_left_send_nothing_there(void **state)
{
    (void)state;
    struct town town;
    town_init(&town, NODES);
    with_tablets(&town);
    tell_tablets(&town, two_ranges, (const uint8_t[]){3, 2}, (const uint8_t[]){1, 2}, 2);
    assert_true(world_start(&town.world));
    world_run(&town.world, SECOND_US);
    (void)place_of_write(&town, orders, -5);
    assert_int_equal(place_of_write(&town, orders, -5), 31);
    fake_view_remove(&town.view, hosts[2]);
    tell_tablets(&town, two_ranges, (const uint8_t[]){9, 2}, (const uint8_t[]){1, 2}, 2);
    world_run(&town.world, 61 * SECOND_US);
    assert_int_not_equal(place_of_write(&town, orders, -5) / 10, 3);
    assert_int_not_equal(place_of_write(&town, orders, -5) / 10, 3); /* node 9 is nobody */
    world_deinit(&town.world);
}

static void an_answer_about_tablets_that_cannot_be_read_ends_the_asking(void **state)
{
    (void)state;
    struct town town;
    town_init(&town, NODES);
    with_tablets(&town);
    tell_tablets(&town, two_ranges, (const uint8_t[]){3, 2}, (const uint8_t[]){1, 2}, 2);
    town.tablets_len -= 20;
    assert_true(world_start(&town.world));
    world_run(&town.world, SECOND_US);
    for (int i = 0; i < 10; i++)
        assert_int_equal(place_of_write(&town, orders, 50) / 10, 1); /* by the ring */
    assert_int_equal(town.tablets_asked, 1);
    world_deinit(&town.world);
}

/* --- transactions --- */

static void transactions_on_a_row_go_to_its_first_replica_however_busy(void **state)
{
    (void)state;
    struct town town;
    struct sent sent[30];
    town_init(&town, NODES);
    town.view.replication[1][1] = "3";
    assert_true(world_start(&town.world));
    world_run(&town.world, SECOND_US);
    for (size_t i = 0; i < 30; i++) {
        sent[i] = (struct sent){.request = {.token = 150,
                                            .has_token = true,
                                            .conditional = true,
                                            .control = true,
                                            .opcode = CQL_QUERY}};
        world_send(&town.world, &sent[i], "update if");
    }
    world_run(&town.world, 100 * MS_US);
    unsigned at_owner = 0;
    for (int port = 0; port < 2; port++) {
        const struct fake_node *node = port == 0 ? town.plain[1] : town.shard_port[1];
        for (size_t r = 0; r < node->log_count; r++)
            at_owner += slice_equal(node->log[r].body, SLICE_LITERAL("update if"));
    }
    assert_int_equal(at_owner, 30);
    fake_node_set_down(town.plain[1], true);
    fake_node_set_down(town.shard_port[1], true);
    struct sent late = {.request = {.token = 150,
                                    .has_token = true,
                                    .conditional = true,
                                    .control = true,
                                    .opcode = CQL_QUERY}};
    world_send(&town.world, &late, "update if");
    world_run(&town.world, SECOND_US);
    assert_int_equal(late.outcome, CLUSTER_DONE);
    world_deinit(&town.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shard_gets_a_link_through_the_port_for_shards),
        cmocka_unit_test(a_lost_link_is_dialled_for_its_own_shard_again),
        cmocka_unit_test(where_ports_are_translated_links_are_dealt_out_by_the_plain_port),
        cmocka_unit_test(a_closed_port_for_shards_costs_one_attempt),
        cmocka_unit_test(links_that_came_to_the_same_shard_are_spares_until_all_have_one),
        cmocka_unit_test(the_control_link_is_never_the_spare),
        cmocka_unit_test(a_node_that_never_deals_a_shard_out_gets_twice_as_many_links_at_most),
        cmocka_unit_test(strange_numbers_of_shards_are_no_shards),
        cmocka_unit_test(a_shard_that_the_node_does_not_have_is_none),
        cmocka_unit_test(a_local_port_in_use_is_passed_by_in_steps_of_the_number_of_shards),
        cmocka_unit_test(local_ports_are_random_and_lie_in_the_range_that_nobody_gives_out),
        cmocka_unit_test(with_tls_only_the_port_for_tls_is_dialled),
        cmocka_unit_test(many_writes_of_a_shard_stay_on_its_link),
        cmocka_unit_test(a_port_for_shards_is_tried_again_after_five_minutes),
        cmocka_unit_test(connections_are_limited_but_each_node_gets_one),
        cmocka_unit_test(tablets_are_read_when_a_table_is_first_written_and_count_before_the_ring),
        cmocka_unit_test(tablets_are_read_again_once_a_minute_and_when_nodes_come_or_go),
        cmocka_unit_test(a_tablet_that_an_answer_tells_is_used_where_the_table_cannot_be_read),
        cmocka_unit_test(tablets_of_a_node_that_has_left_send_nothing_there),
        cmocka_unit_test(an_answer_about_tablets_that_cannot_be_read_ends_the_asking),
        cmocka_unit_test(transactions_on_a_row_go_to_its_first_replica_however_busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
