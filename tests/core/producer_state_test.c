#include "core/producer_state.h"


#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static enum producer_verdict check(const struct producer_table *table, int64_t id, int16_t epoch,
                                   int32_t first, int32_t count, int64_t *offset, int16_t *code)
{
    const struct producer_claim claim = {id, epoch, first, count};

    return producer_check(table, &claim, offset, code);
}

static void admit(struct producer_table *table, int64_t id, int16_t epoch, int32_t first, int32_t count,
                  int64_t offset)
{
    const struct producer_claim claim = {id, epoch, first, count};

    assert_int_equal(producer_admit(table, &claim, offset, 1000), STATUS_OK);
}

static void the_first_batch_starts_at_zero_and_the_next_follows(void **state)
{
    struct producer_table table;
    int64_t offset;
    int16_t code;

    (void)state;
    producer_table_init(&table, &alloc_heap);
    assert_int_equal(check(&table, 7, 0, 0, 10, &offset, &code), PRODUCER_ACCEPT);
    assert_int_equal(check(&table, 7, 0, 5, 10, &offset, &code), PRODUCER_FIRST);
    admit(&table, 7, 0, 0, 10, 100);
    assert_int_equal(check(&table, 7, 0, 10, 1, &offset, &code), PRODUCER_ACCEPT);
    assert_int_equal(check(&table, 7, 0, 11, 1, &offset, &code), PRODUCER_GAP);
    producer_table_deinit(&table);
}

static void any_of_the_last_five_batches_is_a_duplicate_with_its_offset_and_older_ones_are_old(void **state)
{
    struct producer_table table;
    int64_t offset;
    int16_t code;

    (void)state;
    producer_table_init(&table, &alloc_heap);
    for (int32_t i = 0; i < 7; i++)
        admit(&table, 7, 0, i * 10, 10, 1000 + i * 10);
    for (int32_t i = 2; i < 7; i++) {
        assert_int_equal(check(&table, 7, 0, i * 10, 10, &offset, &code), PRODUCER_DUPLICATE);
        assert_int_equal(offset, 1000 + i * 10);
    }
    assert_int_equal(check(&table, 7, 0, 10, 10, &offset, &code), PRODUCER_OLD);
    assert_int_equal(check(&table, 7, 0, 20, 9, &offset, &code), PRODUCER_GAP); /* not the exact range */
    producer_table_deinit(&table);
}

static void sequences_wrap_to_zero(void **state)
{
    struct producer_table table;
    int64_t offset;
    int16_t code;

    (void)state;
    producer_table_init(&table, &alloc_heap);
    assert_int_equal(producer_last_sequence(INT32_MAX - 1, 4), 1);
    admit(&table, 7, 0, INT32_MAX - 4, 5, 50);
    assert_int_equal(check(&table, 7, 0, 0, 3, &offset, &code), PRODUCER_ACCEPT);
    admit(&table, 7, 0, 0, 3, 55);
    assert_int_equal(check(&table, 7, 0, INT32_MAX - 4, 5, &offset, &code), PRODUCER_DUPLICATE);
    assert_int_equal(check(&table, 7, 0, INT32_MAX - 8, 2, &offset, &code), PRODUCER_OLD);
    producer_table_deinit(&table);
}

static void a_new_epoch_starts_at_zero_and_an_older_one_is_fenced(void **state)
{
    struct producer_table table;
    int64_t offset;
    int16_t code;

    (void)state;
    producer_table_init(&table, &alloc_heap);
    admit(&table, 7, 3, 0, 10, 100);
    assert_int_equal(check(&table, 7, 2, 10, 1, &offset, &code), PRODUCER_FENCED);
    assert_int_equal(check(&table, 7, 4, 10, 1, &offset, &code), PRODUCER_GAP);
    assert_int_equal(check(&table, 7, 4, 0, 1, &offset, &code), PRODUCER_ACCEPT);
    admit(&table, 7, 4, 0, 1, 110);
    assert_int_equal(check(&table, 7, 3, 0, 10, &offset, &code), PRODUCER_FENCED);
    producer_table_deinit(&table);
}

static void behind_a_refused_batch_the_same_code_is_given_until_it_is_back(void **state)
{
    struct producer_table table;
    int64_t offset;
    int16_t code = 0;
    const struct producer_claim refused = {7, 0, 10, 10}, fresh = {8, 0, 0, 10};

    (void)state;
    producer_table_init(&table, &alloc_heap);
    admit(&table, 7, 0, 0, 10, 100);
    producer_block(&table, &refused, 19, 1000);
    assert_int_equal(check(&table, 7, 0, 20, 10, &offset, &code), PRODUCER_BLOCKED);
    assert_int_equal(code, 19);
    assert_int_equal(check(&table, 7, 0, 10, 10, &offset, &code), PRODUCER_ACCEPT);
    admit(&table, 7, 0, 10, 10, 110);
    assert_int_equal(check(&table, 7, 0, 20, 10, &offset, &code), PRODUCER_ACCEPT);
    assert_int_equal(check(&table, 7, 0, 30, 10, &offset, &code), PRODUCER_GAP);
    /* the very first batch of a producer, too */
    producer_block(&table, &fresh, 6, 1000);
    code = 0;
    assert_int_equal(check(&table, 8, 0, 10, 10, &offset, &code), PRODUCER_BLOCKED);
    assert_int_equal(code, 6);
    assert_int_equal(check(&table, 8, 0, 0, 10, &offset, &code), PRODUCER_ACCEPT);
    producer_table_deinit(&table);
}

static void an_unknown_later_batch_is_remembered_since_when_it_waits(void **state)
{
    struct producer_table table;
    int64_t offset;
    int16_t code;
    const struct producer_claim late = {7, 0, 30, 10};

    (void)state;
    producer_table_init(&table, &alloc_heap);
    assert_int_equal(producer_waited_ms(&table, 7, 5000), -1);
    producer_block(&table, &late, 19, 5000);
    assert_int_equal(producer_waited_ms(&table, 7, 9000), 4000);
    assert_int_equal(check(&table, 7, 0, 30, 10, &offset, &code), PRODUCER_FIRST);
    producer_table_deinit(&table);
}

static void a_snapshot_gives_the_same_table_back(void **state)
{
    struct producer_table table, copy;
    struct buf bytes;
    int64_t offset;
    int16_t code;

    (void)state;
    producer_table_init(&table, &alloc_heap);
    producer_table_init(&copy, &alloc_heap);
    buf_init(&bytes, &alloc_heap, 1 << 20);
    for (int64_t id = 0; id < 300; id++)
        for (int32_t i = 0; i < 1 + (int32_t)(id % 7); i++)
            admit(&table, id * 1000, (int16_t)(id % 3), i * 4, 4, id * 100 + i * 4);
    assert_int_equal(producer_snapshot_write(&table, &bytes), STATUS_OK);
    assert_true(buf_len(&bytes) <= producer_snapshot_bytes(&table));
    assert_int_equal(producer_snapshot_read(&copy, buf_unread(&bytes)), STATUS_OK);
    assert_int_equal(copy.count, 300);
    for (int64_t id = 0; id < 300; id++) {
        int32_t last = (int32_t)(id % 7);
        assert_int_equal(check(&copy, id * 1000, (int16_t)(id % 3), last * 4, 4, &offset, &code),
                         PRODUCER_DUPLICATE);
        assert_int_equal(offset, id * 100 + last * 4);
    }
    buf_deinit(&bytes);
    producer_table_deinit(&table);
    producer_table_deinit(&copy);
}

static void every_cut_of_a_snapshot_is_refused(void **state)
{
    struct producer_table table;
    struct buf bytes;

    (void)state;
    producer_table_init(&table, &alloc_heap);
    buf_init(&bytes, &alloc_heap, 1 << 20);
    for (int64_t id = 1; id < 4; id++)
        admit(&table, id, 0, 0, 4, id * 100);
    assert_int_equal(producer_snapshot_write(&table, &bytes), STATUS_OK);
    struct slice whole = buf_unread(&bytes);
    for (size_t len = 0; len < whole.len; len++)
        assert_int_equal(producer_snapshot_read(&table, slice_make(whole.data, len)), STATUS_MALFORMED);
    buf_deinit(&bytes);
    producer_table_deinit(&table);
}

static void a_flood_of_producer_ids_is_bounded_once_they_are_old(void **state)
{
    struct producer_table table;

    (void)state;
    producer_table_init(&table, &alloc_heap);
    for (int64_t id = 0; id < 20000; id++) {
        const struct producer_claim claim = {id, 0, 0, 1};
        assert_int_equal(producer_admit(&table, &claim, id, id * 10000), STATUS_OK);
    }
    assert_true(table.count <= PRODUCERS_MAX + 1);
    int64_t offset;
    int16_t code;
    assert_int_equal(check(&table, 19999, 0, 0, 1, &offset, &code), PRODUCER_DUPLICATE);
    producer_table_deinit(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_batch_starts_at_zero_and_the_next_follows),
        cmocka_unit_test(any_of_the_last_five_batches_is_a_duplicate_with_its_offset_and_older_ones_are_old),
        cmocka_unit_test(sequences_wrap_to_zero),
        cmocka_unit_test(a_new_epoch_starts_at_zero_and_an_older_one_is_fenced),
        cmocka_unit_test(behind_a_refused_batch_the_same_code_is_given_until_it_is_back),
        cmocka_unit_test(an_unknown_later_batch_is_remembered_since_when_it_waits),
        cmocka_unit_test(a_snapshot_gives_the_same_table_back),
        cmocka_unit_test(every_cut_of_a_snapshot_is_refused),
        cmocka_unit_test(a_flood_of_producer_ids_is_bounded_once_they_are_old),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
