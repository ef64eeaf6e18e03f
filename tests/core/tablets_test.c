/* The map of tablets: what nodes tell, and the ranges that result. Vectors are those of the Rust
 * driver (routing/locator/tablets.rs) and of the Python driver (tests/unit/test_tablets.py). */
#include "core/cluster/tablets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/failing_alloc.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const uint8_t table_a[16] = {0xa}, table_b[16] = {0xb};

/* (1234, 5678], replicas uuid(1, 2) shard 15 and uuid(3, 4) shard 19. */
static const uint8_t rust_payload[] =
    "\0\0\0\x08\0\0\0\0\0\0\x04\xd2"
    "\0\0\0\x08\0\0\0\0\0\0\x16\x2e"
    "\0\0\0\x44\0\0\0\2"
    "\0\0\0\x1c\0\0\0\x10\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\4\0\0\0\x0f"
    "\0\0\0\x1c\0\0\0\x10\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\4\0\0\0\4\0\0\0\x13";

static struct slice payload(void)
{
    return slice_make(rust_payload, sizeof(rust_payload) - 1);
}

static void a_published_payload_is_read(void **state)
{
    static const uint8_t first[16] = {[7] = 1, [15] = 2}, second[16] = {[7] = 3, [15] = 4};
    struct tablet_told told;
    (void)state;
    assert_int_equal(payload().len, 96);
    assert_int_equal(tablet_read(payload(), &told), STATUS_OK);
    assert_int_equal(told.first, 1234);
    assert_int_equal(told.last, 5678);
    assert_int_equal(told.replica_count, 2);
    assert_memory_equal(told.replicas[0].host_id, first, 16);
    assert_int_equal(told.replicas[0].shard, 15);
    assert_memory_equal(told.replicas[1].host_id, second, 16);
    assert_int_equal(told.replicas[1].shard, 19);
}

static void no_piece_of_a_payload_passes_for_one(void **state)
{
    struct tablet_told told;
    (void)state;
    for (size_t len = 0; len < payload().len; len++)
        assert_int_equal(tablet_read(slice_make(rust_payload, len), &told), STATUS_MALFORMED);
    assert_int_equal(tablet_read(SLICE_LITERAL("\1\2\3"), &told), STATUS_MALFORMED);
}

static int read_changed(size_t at, uint8_t to)
{
    uint8_t bytes[sizeof(rust_payload)];
    struct tablet_told told;
    memcpy(bytes, rust_payload, sizeof(bytes));
    bytes[at] = to;
    return tablet_read(slice_make(bytes, payload().len), &told);
}

static void a_payload_that_cannot_be_true_is_malformed(void **state)
{
    (void)state;
    assert_int_equal(read_changed(4, 0x7f), STATUS_MALFORMED);  /* last before first */
    assert_int_equal(read_changed(3, 4), STATUS_MALFORMED);     /* a bigint of four bytes */
    assert_int_equal(read_changed(31, 0), STATUS_MALFORMED);    /* no replica */
    assert_int_equal(read_changed(28, 0xff), STATUS_MALFORMED); /* a negative count */
    assert_int_equal(read_changed(31, 3), STATUS_MALFORMED);    /* more than there are */
    assert_int_equal(read_changed(39, 15), STATUS_MALFORMED);   /* a short uuid */
    assert_int_equal(read_changed(60, 0xff), STATUS_MALFORMED); /* a negative shard */
    assert_int_equal(read_changed(61, 1), STATUS_MALFORMED);    /* shard 65,551 */
    assert_int_equal(read_changed(63, 14), STATUS_OK);
}

static void more_copies_than_are_kept_are_left_out(void **state)
{
    uint8_t list[4 + 20 * 32] = {0, 0, 0, 20};
    struct tablet_told told;
    (void)state;
    for (size_t i = 0; i < 20; i++)
        memcpy(list + 4 + i * 32, rust_payload + 32, 32);
    assert_int_equal(tablet_read_replicas(slice_make(list, sizeof(list)), &told), STATUS_OK);
    assert_int_equal(told.replica_count, TABLET_COPIES_MAX);
}

/* --- ranges --- */

static int add(struct tablets *tablets, const uint8_t id[16], int64_t first, int64_t last,
               uint8_t host)
{
    struct tablet_table *table = tablets_make(tablets, id);
    struct tablet_told told = {.first = first, .last = last, .replica_count = 1};
    told.replicas[0].host_id[0] = host;
    told.replicas[0].shard = host;
    return table == NULL ? STATUS_NOMEM : tablets_add(tablets, table, &told);
}

struct range {
    int64_t first, last;
};

static void expect(const struct tablets *tablets, const struct range *ranges, size_t count)
{
    const struct tablet_table *table = tablets_table(tablets, table_a);
    assert_int_equal(table->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_true(table->items[i].first == ranges[i].first);
        assert_true(table->items[i].last == ranges[i].last);
    }
    assert_int_equal(tablets->count, count);
}

#define EXPECT(tablets, ...)                                                                       \
    expect(tablets, (const struct range[]){__VA_ARGS__},                                           \
           sizeof((const struct range[]){__VA_ARGS__}) / sizeof(struct range))

static const int64_t Q = INT64_C(2305843009213693952); /* a quarter of the positive half */

static void what_is_learned_replaces_what_it_overlaps(void **state)
{
    struct tablets tablets;
    (void)state;
    tablets_init(&tablets, &alloc_heap);
    add(&tablets, table_a, -3 * Q - 1, -2 * Q - 1, 1);
    EXPECT(&tablets, {-3 * Q - 1, -2 * Q - 1});
    add(&tablets, table_a, -1, Q - 1, 1);          /* at the end */
    add(&tablets, table_a, -2 * Q - 1, -Q - 1, 1); /* between, without a gap */
    EXPECT(&tablets, {-3 * Q - 1, -2 * Q - 1}, {-2 * Q - 1, -Q - 1}, {-1, Q - 1});
    add(&tablets, table_a, -Q - 1, -1, 1);
    add(&tablets, table_a, INT64_C(-3611686018427387905), -6, 1);
    EXPECT(&tablets, {-3 * Q - 1, -2 * Q - 1}, {INT64_C(-3611686018427387905), -6}, {-1, Q - 1});
    tablets_deinit(&tablets);

    add(&tablets, table_a, INT64_C(-8611686018427387905), INT64_C(-7917529027641081857), 1);
    add(&tablets, table_a, INT64_C(-6917529027641081857), INT64_C(-4611686018427387905), 1);
    add(&tablets, table_a, INT64_C(-8011686018427387905), INT64_C(-7987529027641081857), 1);
    EXPECT(&tablets, {INT64_C(-8011686018427387905), INT64_C(-7987529027641081857)},
           {INT64_C(-6917529027641081857), INT64_C(-4611686018427387905)});
    add(&tablets, table_a, INT64_C(-5011686018427387905), INT64_C(-2987529027641081857), 1);
    EXPECT(&tablets, {INT64_C(-8011686018427387905), INT64_C(-7987529027641081857)},
           {INT64_C(-5011686018427387905), INT64_C(-2987529027641081857)});
    add(&tablets, table_a, INT64_MIN, INT64_MAX, 1);
    EXPECT(&tablets, {INT64_MIN, INT64_MAX});
    tablets_deinit(&tablets);
}

static int host_of(const struct tablets *tablets, int64_t token)
{
    const struct tablet *tablet = tablet_of_token(tablets_table(tablets, table_a), token);
    return tablet == NULL ? -1 : tablets_host(tablets, tablet->replicas[0].host)->id[0];
}

static void a_range_ends_with_its_last_token_and_begins_behind_its_first(void **state)
{
    struct tablets tablets;
    (void)state;
    tablets_init(&tablets, &alloc_heap);
    add(&tablets, table_a, 0, 100, 1);
    add(&tablets, table_a, 100, 200, 2);
    add(&tablets, table_a, 300, INT64_MAX, 3);
    assert_int_equal(host_of(&tablets, 0), -1);
    assert_int_equal(host_of(&tablets, 1), 1);
    assert_int_equal(host_of(&tablets, 100), 1);
    assert_int_equal(host_of(&tablets, 101), 2);
    assert_int_equal(host_of(&tablets, 201), -1);
    assert_int_equal(host_of(&tablets, 300), -1);
    assert_int_equal(host_of(&tablets, INT64_MAX), 3);
    tablets_deinit(&tablets);
}

static void tables_are_apart_and_one_that_is_dropped_is_forgotten(void **state)
{
    struct tablets tablets;
    (void)state;
    tablets_init(&tablets, &alloc_heap);
    add(&tablets, table_b, 0, 100, 2);
    add(&tablets, table_a, 0, 100, 1);
    assert_int_equal(host_of(&tablets, 50), 1);
    tablets_drop(&tablets, table_a);
    assert_null(tablets_table(&tablets, table_a));
    assert_int_equal(tablets_table(&tablets, table_b)->count, 1);
    tablets_drop(&tablets, table_a);
    assert_int_equal(tablets.count, 1);
    tablets_deinit(&tablets);
}

static void tablets_of_a_node_that_has_left_are_not_believed(void **state)
{
    static const uint8_t host_1[16] = {1};
    struct tablets tablets;
    (void)state;
    tablets_init(&tablets, &alloc_heap);
    add(&tablets, table_a, 0, 100, 1);
    add(&tablets, table_a, 100, 200, 2);
    add(&tablets, table_a, 200, 300, 1);
    tablets_forget_host(&tablets, host_1);
    EXPECT(&tablets, {100, 200});
    tablets_deinit(&tablets);
}

static void nodes_cannot_make_it_grow_without_bounds(void **state)
{
    struct tablets tablets;
    int rc = STATUS_OK;
    (void)state;
    tablets_init(&tablets, &alloc_heap);
    for (int64_t i = 0; i < TABLETS_PER_TABLE_MAX; i++)
        assert_int_equal(add(&tablets, table_a, i, i + 1, 1), STATUS_OK);
    assert_int_equal(add(&tablets, table_a, TABLETS_PER_TABLE_MAX, TABLETS_PER_TABLE_MAX + 1, 1),
                     STATUS_LIMIT);
    for (uint32_t i = 0; i < TABLET_TABLES_MAX + 100; i++) {
        uint8_t id[16] = {0xff, (uint8_t)(i >> 8), (uint8_t)i};
        struct tablet_table *table = tablets_make(&tablets, id);
        assert_non_null(table);
        table->asked_at_us = i + 1;
    }
    assert_int_equal(tablets.table_count, TABLET_TABLES_MAX);
    assert_null(tablets_table(&tablets, table_a)); /* had not been asked about for longest */
    assert_int_equal(tablets.count, 0);
    for (uint32_t i = 0; i <= TABLET_HOSTS_MAX && rc == STATUS_OK; i++) {
        struct tablet_told told = {.first = 0, .last = 1, .replica_count = 1};
        memcpy(told.replicas[0].host_id + 1, &i, sizeof(i));
        rc = tablets_add(&tablets, tablets.tables[0], &told);
    }
    assert_int_equal(rc, STATUS_LIMIT);
    tablets_deinit(&tablets);
}

static void every_failing_allocation_leaves_what_was_there(void **state)
{
    struct failing_alloc failing;
    (void)state;
    failing_alloc_init(&failing);
    for (size_t n = 1; failing_alloc_next(&failing, n); n++) {
        struct tablets tablets;
        tablets_init(&tablets, &failing.alloc);
        for (int64_t i = 0; i < 20; i++)
            (void)add(&tablets, i % 2 == 0 ? table_a : table_b, i, i + 1, (uint8_t)i);
        tablets_deinit(&tablets);
    }
    assert_true(failing.rounds > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_published_payload_is_read),
        cmocka_unit_test(no_piece_of_a_payload_passes_for_one),
        cmocka_unit_test(a_payload_that_cannot_be_true_is_malformed),
        cmocka_unit_test(more_copies_than_are_kept_are_left_out),
        cmocka_unit_test(what_is_learned_replaces_what_it_overlaps),
        cmocka_unit_test(a_range_ends_with_its_last_token_and_begins_behind_its_first),
        cmocka_unit_test(tables_are_apart_and_one_that_is_dropped_is_forgotten),
        cmocka_unit_test(tablets_of_a_node_that_has_left_are_not_believed),
        cmocka_unit_test(nodes_cannot_make_it_grow_without_bounds),
        cmocka_unit_test(every_failing_allocation_leaves_what_was_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
