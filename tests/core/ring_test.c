#include "core/cluster/ring.h"
#include "tests/support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct place {
    const char *data_center, *rack;
    int64_t token;
};

static struct ring *ring_of(const struct place *places, size_t count,
                            const struct ring_replication *replication, const char *home)
{
    struct ring_node nodes[16];
    struct ring *ring = NULL;
    assert_true(count <= COUNT(nodes));
    for (size_t i = 0; i < count; i++)
        nodes[i] = (struct ring_node){places[i].data_center, places[i].rack, &places[i].token, 1};
    assert_int_equal(ring_new(&alloc_heap, nodes, count, replication, home, &ring), STATUS_OK);
    return ring;
}

/* "0 2 1": the replicas of a token. */
static const char *replicas_of(const struct ring *ring, int64_t token)
{
    static char text[128];
    const uint16_t *replicas;
    size_t count = ring_replicas(ring, token, &replicas);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u", i > 0 ? " " : "",
                 replicas[i]);
    return text;
}

static struct ring_replication replication_of(const char *const entries[][2], size_t count)
{
    struct ring_replication replication = {0};
    for (size_t i = 0; i < count; i++)
        ring_replication_add(&replication, slice_cstr(entries[i][0]), slice_cstr(entries[i][1]));
    return replication;
}

static const char *const simple_2[][2] = {{"class", "org.apache.cassandra.locator.SimpleStrategy"},
                                          {"replication_factor", "2"}};

static void the_owner_is_the_first_token_not_below_and_the_ring_wraps(void **state)
{
    (void)state;
    static const struct place places[] = {{"a", "r", 100}, {"a", "r", -50}, {"a", "r", 0}};
    struct ring_replication replication = replication_of(simple_2, COUNT(simple_2));
    struct ring *ring = ring_of(places, COUNT(places), &replication, "a");
    assert_string_equal(replicas_of(ring, -50), "1 2");
    assert_string_equal(replicas_of(ring, -49), "2 0");
    assert_string_equal(replicas_of(ring, 0), "2 0");
    assert_string_equal(replicas_of(ring, 100), "0 1");
    assert_string_equal(replicas_of(ring, 101), "1 2");
    assert_string_equal(replicas_of(ring, INT64_MAX), "1 2");
    assert_string_equal(replicas_of(ring, INT64_MIN), "1 2");
    ring_free(ring);
}

static void more_copies_than_nodes_end_at_the_nodes(void **state)
{
    (void)state;
    static const struct place places[] = {{"a", "r", 1}, {"a", "r", 2}};
    static const char *const entries[][2] = {{"class", "SimpleStrategy"},
                                             {"replication_factor", "9"}};
    struct ring_replication replication = replication_of(entries, COUNT(entries));
    struct ring *ring = ring_of(places, COUNT(places), &replication, "a");
    assert_string_equal(replicas_of(ring, 2), "1 0");
    ring_free(ring);
}

static void a_node_with_many_tokens_is_one_replica(void **state)
{
    (void)state;
    static const int64_t first[] = {10, 20, 30}, second[] = {40};
    const struct ring_node nodes[] = {{"a", "r", first, 3}, {"a", "r", second, 1}};
    struct ring_replication replication = replication_of(simple_2, COUNT(simple_2));
    struct ring *ring = NULL;
    assert_int_equal(ring_new(&alloc_heap, nodes, 2, &replication, "a", &ring), STATUS_OK);
    assert_string_equal(replicas_of(ring, 5), "0 1");
    assert_string_equal(replicas_of(ring, 35), "1 0");
    ring_free(ring);
}

/* Walks by hand: racks r1 = nodes 0 1 2, r2 = node 3, in the order of their numbers. */
static void racks_are_spread_and_met_again_only_when_there_are_too_few(void **state)
{
    (void)state;
    static const struct place places[] = {
        {"a", "r1", 0}, {"a", "r1", 10}, {"a", "r1", 20}, {"a", "r2", 30}};
    static const char *const two[][2] = {{"class", "NetworkTopologyStrategy"}, {"a", "2"}};
    static const char *const three[][2] = {{"class", "NetworkTopologyStrategy"}, {"a", "3"}};
    struct ring_replication replication = replication_of(two, COUNT(two));
    struct ring *ring = ring_of(places, COUNT(places), &replication, "a");
    assert_string_equal(replicas_of(ring, 0), "0 3");
    assert_string_equal(replicas_of(ring, 15), "2 3");
    assert_string_equal(replicas_of(ring, 30), "3 0");
    ring_free(ring);

    replication = replication_of(three, COUNT(three));
    ring = ring_of(places, COUNT(places), &replication, "a");
    assert_string_equal(replicas_of(ring, 0), "0 1 3");
    assert_string_equal(replicas_of(ring, 10), "1 2 3");
    assert_string_equal(replicas_of(ring, 25), "3 0 1");
    ring_free(ring);
}

static void the_home_data_center_comes_first_and_others_only_if_the_keyspace_is_there(void **state)
{
    (void)state;
    static const struct place places[] = {{"far", "r1", 0},
                                          {"home", "r1", 1},
                                          {"far", "r2", 2},
                                          {"home", "r1", 3},
                                          {"third", "r", 4}};
    static const char *const entries[][2] = {{"far", "1"}, /* before the class: any order */
                                             {"class", "NetworkTopologyStrategy"},
                                             {"home", "2/1"}};
    struct ring_replication replication = replication_of(entries, COUNT(entries));
    struct ring *ring = ring_of(places, COUNT(places), &replication, "home");
    assert_string_equal(replicas_of(ring, 0), "1 3 0");
    assert_string_equal(replicas_of(ring, 2), "3 1 2");
    assert_string_equal(replicas_of(ring, 4), "1 3 0");
    ring_free(ring);
}

static void a_replication_that_is_not_understood_routes_nothing(void **state)
{
    (void)state;
    static const struct place places[] = {{"a", "r", 1}};
    static const char *const unknown[][2] = {{"class", "org.example.StarStrategy"},
                                             {"replication_factor", "3"}};
    static const char *const odd[][2] = {{"class", "SimpleStrategy"}, {"replication_factor", "x"}};
    static const char *const elsewhere[][2] = {{"class", "NetworkTopologyStrategy"}, {"b", "0"}};
    struct ring_replication replication = replication_of(unknown, COUNT(unknown));
    assert_null(ring_of(places, 1, &replication, "a"));
    replication = replication_of(odd, COUNT(odd));
    assert_null(ring_of(places, 1, &replication, "a"));
    replication = replication_of(elsewhere, COUNT(elsewhere));
    assert_null(ring_of(places, 1, &replication, "a"));
    replication = replication_of(simple_2, COUNT(simple_2));
    assert_null(ring_of(places, 0, &replication, "a"));
}

static void more_data_centers_than_are_kept_do_no_harm(void **state)
{
    (void)state;
    struct ring_replication replication = {0};
    char name[200];
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "dc%d", i);
        ring_replication_add(&replication, slice_cstr(name), SLICE_LITERAL("3"));
    }
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    ring_replication_add(&replication, slice_cstr(name), SLICE_LITERAL("3"));
    assert_int_equal(replication.data_center_count, 16);
}

static void a_data_center_that_is_named_twice_counts_once(void **state)
{
    (void)state;
    static const struct place places[] = {{"a", "r", 1}, {"a", "r", 2}, {"a", "r", 3}};
    static const char *const entries[][2] = {
        {"class", "NetworkTopologyStrategy"}, {"a", "2"}, {"a", "2"}};
    struct ring_replication replication = replication_of(entries, COUNT(entries));
    struct ring *ring = ring_of(places, COUNT(places), &replication, "a");
    assert_string_equal(replicas_of(ring, 2), "1 2");
    ring_free(ring);
}

/* Step by step that would be 10^10 steps. */
static void a_node_that_has_nearly_all_of_the_ring_makes_no_long_walks(void **state)
{
    (void)state;
    enum { TOKENS = RING_TOKENS_MAX - 1 };
    static int64_t many[TOKENS];
    static const int64_t one = TOKENS;
    for (int64_t i = 0; i < TOKENS; i++)
        many[i] = i;
    const struct ring_node nodes[] = {{"a", "r", many, TOKENS}, {"a", "r", &one, 1}};
    struct ring_replication replication = replication_of(simple_2, COUNT(simple_2));
    struct ring *ring = NULL;
    assert_int_equal(ring_new(&alloc_heap, nodes, 2, &replication, "a", &ring), STATUS_OK);
    assert_string_equal(replicas_of(ring, 1), "0 1");
    assert_string_equal(replicas_of(ring, TOKENS), "1 0");
    ring_free(ring);
}

/* Published vectors: the Python and Java drivers' shard tests, the Rust driver's. */
static void shards_are_those_of_the_published_vectors(void **state)
{
    (void)state;
    assert_int_equal(ring_shard(INT64_C(-9219783007514621794), 4, 12), 3);
    assert_int_equal(ring_shard(INT64_C(9222582454147032830), 4, 12), 3);
    assert_int_equal(ring_shard(INT64_C(-4069959284402364209), 1, 12), 0);
    assert_int_equal(ring_shard(INT64_MIN, 8, 0), 0);
    assert_int_equal(ring_shard(INT64_MAX, 8, 0), 7);
    assert_int_equal(ring_shard(0, 8, 0), 4);
    assert_int_equal(ring_shard(0, 8, 64), 0);
}

/* Shard s begins at the least biased token b with b x shards / 2^64 >= s. */
static void a_shard_begins_with_the_very_token_that_the_product_says(void **state)
{
    (void)state;
    static const uint32_t counts[] = {2, 3, 5, 7, 11, 48, 255, 256};
    for (size_t i = 0; i < COUNT(counts); i++)
        for (uint32_t shard = 1; shard < counts[i]; shard++) {
            uint64_t begin = UINT64_MAX / counts[i] * shard; /* below it by less than shards */
            uint64_t rest = (UINT64_MAX % counts[i] + 1) * shard;
            begin += (rest + counts[i] - 1) / counts[i];
            int64_t token = (int64_t)(begin ^ UINT64_C(1) << 63);
            assert_int_equal(ring_shard(token, counts[i], 0), shard);
            assert_int_equal(ring_shard(token - 1, counts[i], 0), shard - 1);
        }
}

static void every_failing_allocation_is_said(void **state)
{
    (void)state;
    static const int64_t tokens[] = {1, 2, 3};
    const struct ring_node node = {"a", "r", tokens, 3};
    struct ring_replication replication = replication_of(simple_2, COUNT(simple_2));
    struct failing_alloc failing;
    failing_alloc_init(&failing);
    for (size_t n = 1; failing_alloc_next(&failing, n); n++) {
        struct ring *ring = NULL;
        int rc = ring_new(&failing.alloc, &node, 1, &replication, "a", &ring);
        assert_int_equal(rc, failing.failures > 0 ? STATUS_NOMEM : STATUS_OK);
        assert_true((ring != NULL) == (rc == STATUS_OK));
        ring_free(ring);
    }
    assert_int_equal(failing.rounds, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_owner_is_the_first_token_not_below_and_the_ring_wraps),
        cmocka_unit_test(more_copies_than_nodes_end_at_the_nodes),
        cmocka_unit_test(a_node_with_many_tokens_is_one_replica),
        cmocka_unit_test(racks_are_spread_and_met_again_only_when_there_are_too_few),
        cmocka_unit_test(the_home_data_center_comes_first_and_others_only_if_the_keyspace_is_there),
        cmocka_unit_test(a_replication_that_is_not_understood_routes_nothing),
        cmocka_unit_test(more_data_centers_than_are_kept_do_no_harm),
        cmocka_unit_test(a_data_center_that_is_named_twice_counts_once),
        cmocka_unit_test(a_node_that_has_nearly_all_of_the_ring_makes_no_long_walks),
        cmocka_unit_test(shards_are_those_of_the_published_vectors),
        cmocka_unit_test(a_shard_begins_with_the_very_token_that_the_product_says),
        cmocka_unit_test(every_failing_allocation_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
