/* The tables of the fake node follow Cassandra's rules: whoever trusts the model trusts these
 * tests. */
#include "tests/support/table_model.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "cql/error.h"
#include "cql/opcode.h"
#include "cql/query.h"
#include "cql/value.h"

static struct table_model *model;

static int set_up(void **state)
{
    (void)state;
    model = table_model_new();
    table_model_create_log(model, "t");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    table_model_free(model);
    return 0;
}

static struct model_answer execute(const char *text, const struct cql_value *values, uint16_t count,
                                   int64_t at_us)
{
    const struct cql_query query = {.text = slice_cstr(text),
                                    .values = values,
                                    .value_count = count,
                                    .consistency = CQL_CONSISTENCY_QUORUM,
                                    .timestamp_us = at_us,
                                    .has_timestamp = true};
    struct model_answer answer;
    struct buf body;

    buf_init(&body, &alloc_heap, SIZE_MAX);
    assert_int_equal(cql_query_encode(&body, &query), STATUS_OK);
    table_model_execute(model, CQL_QUERY, buf_unread(&body), &answer);
    buf_deinit(&body);
    return answer;
}

static const struct cql_value unset = {SLICE_INIT(""), true};

/* A row of partition 0, segment 0, with this key and value. */
static void insert(int64_t offset, struct cql_value key, struct cql_value value, int64_t at_us)
{
    uint8_t partition[4], segment[8], bytes[8];
    const struct cql_value values[] = {cql_value_i32(partition, 0), cql_value_i64(segment, 0),
                                       cql_value_i64(bytes, offset), key, value};
    struct model_answer answer = execute(
        "INSERT INTO \"k\".\"t\" (partition, segment, offset, key, value) VALUES (?, ?, ?, ?, ?)",
        values, 5, at_us);
    assert_int_equal(answer.error, 0);
}

static void delete_range(int64_t from, int64_t below, int64_t at_us)
{
    uint8_t partition[4], segment[8], a[8], b[8], at[8];
    const struct cql_value values[] = {cql_value_i64(at, at_us), cql_value_i32(partition, 0),
                                       cql_value_i64(segment, 0), cql_value_i64(a, from),
                                       cql_value_i64(b, below)};
    struct model_answer answer =
        execute("DELETE FROM \"k\".\"t\" USING TIMESTAMP ? WHERE partition = ? AND segment = ? AND "
                "offset >= ? AND offset < ?",
                values, 5, 1);
    assert_int_equal(answer.error, 0);
}

static void delete_partition(int64_t at_us)
{
    uint8_t partition[4], segment[8], at[8];
    const struct cql_value values[] = {cql_value_i64(at, at_us), cql_value_i32(partition, 0),
                                       cql_value_i64(segment, 0)};
    struct model_answer answer = execute(
        "DELETE FROM t USING TIMESTAMP ? WHERE partition = ? AND segment = ?", values, 3, 1);
    assert_int_equal(answer.error, 0);
}

static struct model_key at(int64_t offset)
{
    return (struct model_key){"t", 0, 0, offset};
}

static void assert_value(int64_t offset, const char *expected)
{
    struct slice value = table_model_cell(model, at(offset), "value");
    assert_non_null(value.data);
    assert_true(slice_equal(value, slice_cstr(expected)));
}

static void the_newest_write_wins_whatever_comes_first(void **state)
{
    (void)state;
    insert(1, unset, cql_value_text("new"), 20);
    insert(1, unset, cql_value_text("old"), 10);
    assert_value(1, "new");
    insert(1, unset, cql_value_text("newer"), 21);
    assert_value(1, "newer");
}

static void at_the_same_time_the_greater_value_wins_and_null_wins_over_all(void **state)
{
    (void)state;
    insert(1, unset, cql_value_text("b"), 20);
    insert(1, unset, cql_value_text("a"), 20);
    assert_value(1, "b");
    insert(1, unset, cql_value_text("ba"), 20);
    assert_value(1, "ba");
    insert(1, unset, CQL_VALUE_NULL, 20);
    assert_null(table_model_cell(model, at(1), "value").data);
    insert(1, unset, cql_value_text("z"), 20);
    assert_null(table_model_cell(model, at(1), "value").data);
    assert_true(table_model_has(model, at(1)));
}

static void unset_leaves_a_cell_alone(void **state)
{
    (void)state;
    insert(1, cql_value_text("key"), cql_value_text("value"), 20);
    insert(1, unset, cql_value_text("other"), 30);
    assert_value(1, "other");
    assert_true(slice_equal(table_model_cell(model, at(1), "key"), SLICE_LITERAL("key")));
}

static void a_delete_shadows_what_was_written_up_to_its_time_ties_included(void **state)
{
    (void)state;
    for (int64_t offset = 0; offset < 5; offset++)
        insert(offset, unset, cql_value_text("x"), 20);
    delete_range(1, 3, 20);
    assert_true(table_model_has(model, at(0)));
    assert_false(table_model_has(model, at(1)));
    assert_false(table_model_has(model, at(2)));
    assert_true(table_model_has(model, at(3)));
    insert(1, unset, cql_value_text("late"), 20);
    assert_false(table_model_has(model, at(1)));
    insert(1, unset, cql_value_text("again"), 21);
    assert_value(1, "again");
    delete_range(1, 3, 15);
    assert_value(1, "again");
    assert_int_equal(table_model_count(model, "t", 0, 0), 4);
}

static void a_row_that_is_written_again_gets_no_cell_back_that_was_deleted(void **state)
{
    (void)state;
    insert(1, cql_value_text("key"), cql_value_text("value"), 20);
    delete_range(1, 2, 25);
    insert(1, unset, cql_value_text("fresh"), 30);
    assert_value(1, "fresh");
    assert_null(table_model_cell(model, at(1), "key").data);
}

static void a_partition_delete_shadows_all_of_it(void **state)
{
    (void)state;
    insert(INT64_MAX, unset, cql_value_text("x"), 20);
    insert(0, unset, cql_value_text("x"), 21);
    delete_partition(20);
    assert_false(table_model_has(model, at(INT64_MAX)));
    assert_true(table_model_has(model, at(0)));
}

static void a_select_has_order_limit_and_bounds(void **state)
{
    (void)state;
    uint8_t partition[4], segment[8], below[8];
    const struct cql_value values[] = {cql_value_i32(partition, 0), cql_value_i64(segment, 0),
                                       cql_value_i64(below, 8)};
    struct arena arena;
    struct cql_result result;
    int64_t offset;

    arena_init(&arena, &alloc_heap, 4096, SIZE_MAX);
    for (int64_t i = 0; i < 10; i++)
        insert(i, unset, cql_value_text("x"), 20);
    delete_range(6, 7, 30);
    struct model_answer answer =
        execute("SELECT offset, value FROM \"k\".\"t\" WHERE partition = ? AND "
                "segment = ? AND offset < ? ORDER BY offset DESC LIMIT 3",
                values, 3, 1);
    assert_int_equal(cql_result_open(answer.body, &arena, &result), STATUS_OK);
    assert_int_equal(result.row_count, 3);
    for (int64_t expected = 7; cql_result_next_row(&result);
         expected = expected == 7 ? 5 : expected - 1) {
        assert_true(cql_cell_i64(cql_result_cell(&result, 0), &offset));
        assert_int_equal(offset, expected);
    }
    arena_deinit(&arena);
}

static void a_table_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    struct model_answer answer = execute("SELECT a FROM nothing WHERE b = ?", &unset, 1, 1);
    assert_int_equal(answer.error, CQL_ERROR_INVALID);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_newest_write_wins_whatever_comes_first),
        TEST(at_the_same_time_the_greater_value_wins_and_null_wins_over_all),
        TEST(unset_leaves_a_cell_alone),
        TEST(a_delete_shadows_what_was_written_up_to_its_time_ties_included),
        TEST(a_row_that_is_written_again_gets_no_cell_back_that_was_deleted),
        TEST(a_partition_delete_shadows_all_of_it),
        TEST(a_select_has_order_limit_and_bounds),
        TEST(a_table_that_is_not_there_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
