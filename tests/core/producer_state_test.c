#include "core/engine/producer_state.h"


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

static void block(struct producer_table *table, int32_t first, int32_t count)
{
    producer_block(table, &(struct producer_claim){7, 0, first, count}, 19, 1000);
}

static void when_several_batches_were_refused_all_of_them_have_to_come_back(void **state)
{
    struct producer_table table, refused;
    int64_t offset;
    int16_t code = 0;

    (void)state;
    producer_table_init(&table, &alloc_heap);
    producer_table_init(&refused, &alloc_heap);
    admit(&table, 7, 0, 0, 10, 100);
    for (int32_t i = 1; i < 4; i++)
        block(&table, i * 10, 10);
    admit(&table, 7, 0, 10, 10, 110);
    assert_int_equal(check(&table, 7, 0, 40, 10, &offset, &code), PRODUCER_BLOCKED);
    assert_int_equal(code, 19);
    /* also when the partition is loaded again in between, with what came back or without */
    producer_table_doubt(&table, 110, 19, 1000, &refused);
    producer_table_clear(&table);
    admit(&table, 7, 0, 10, 10, 110);
    producer_table_block_all(&table, &refused, 1000);
    admit(&table, 7, 0, 20, 10, 120);
    assert_int_equal(check(&table, 7, 0, 40, 10, &offset, &code), PRODUCER_BLOCKED);
    admit(&table, 7, 0, 30, 10, 130);
    assert_int_equal(check(&table, 7, 0, 50, 10, &offset, &code), PRODUCER_GAP);
    /* sequences that wrap */
    admit(&table, 7, 0, INT32_MAX - 1, 1, 140);
    block(&table, INT32_MAX, 1);
    block(&table, 0, 10);
    admit(&table, 7, 0, INT32_MAX, 1, 141);
    assert_int_equal(check(&table, 7, 0, 15, 3, &offset, &code), PRODUCER_BLOCKED);
    admit(&table, 7, 0, 0, 10, 142);
    assert_int_equal(check(&table, 7, 0, 25, 3, &offset, &code), PRODUCER_GAP);
    producer_table_deinit(&refused);
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

static void admit_at(struct producer_table *table, int64_t id, int64_t at_ms)
{
    const struct producer_claim claim = {id, 0, 0, 1};

    assert_int_equal(producer_admit(table, &claim, id, at_ms), STATUS_OK);
}

static bool is_known(const struct producer_table *table, int64_t id)
{
    int64_t offset;
    int16_t code;

    return check(table, id, 0, 0, 1, &offset, &code) == PRODUCER_DUPLICATE;
}

static void nobody_is_dropped_within_a_quarter_of_an_hour_and_the_oldest_goes_first(void **state)
{
    const int64_t minute_ms = 60 * 1000;
    struct producer_table table;

    (void)state;
    producer_table_init(&table, &alloc_heap);
    for (int64_t id = 0; id < 6000; id++) /* all within ten minutes */
        admit_at(&table, id, minute_ms * 1000 + id * 100);
    assert_int_equal(table.count, 6000);
    admit_at(&table, 6000, minute_ms * 1000 + 3000 * 100 + 15 * minute_ms + 1);
    assert_int_equal(table.count, 3000);
    assert_false(is_known(&table, 2999));
    assert_true(is_known(&table, 3001) && is_known(&table, 5999) && is_known(&table, 6000));
    producer_table_deinit(&table);
}

static void there_is_no_place_for_one_more_when_all_have_written_just_now(void **state)
{
    struct producer_table table;
    const struct producer_claim stranger = {1000000, 0, 5, 1};

    (void)state;
    producer_table_init(&table, &alloc_heap);
    for (int64_t id = 0; id < PRODUCERS_HARD_MAX; id++) {
        assert_true(producer_has_place(&table, id, 1000));
        admit_at(&table, id, 1000);
    }
    assert_false(producer_has_place(&table, PRODUCERS_HARD_MAX, 2000));
    assert_true(producer_has_place(&table, 17, 2000));
    producer_block(&table, &stranger, 19, 2000);
    assert_int_equal(table.count, PRODUCERS_HARD_MAX);
    assert_true(producer_has_place(&table, PRODUCERS_HARD_MAX, 1001 + PRODUCER_PROTECTED_MS));
    producer_table_deinit(&table);
}

static void who_is_known_by_refusals_only_makes_place_after_a_minute(void **state)
{
    struct producer_table table;

    (void)state;
    producer_table_init(&table, &alloc_heap);
    for (int64_t id = 0; id < 4999; id++) {
        const struct producer_claim claim = {id, 0, 7, 1};
        producer_block(&table, &claim, 19, 1000);
    }
    admit_at(&table, 5000, 1000);
    admit_at(&table, 5001, 62000);
    assert_int_equal(table.count, 2);
    assert_true(is_known(&table, 5000));
    producer_table_deinit(&table);
}

static void a_day_after_its_last_write_a_producer_is_forgotten(void **state)
{
    struct producer_table table;

    (void)state;
    producer_table_init(&table, &alloc_heap);
    admit_at(&table, 1, 1000);
    admit_at(&table, 2, 2000);
    producer_table_expire(&table, 1000 + PRODUCER_EXPIRY_MS);
    assert_true(is_known(&table, 1) && is_known(&table, 2));
    producer_table_expire(&table, 1001 + PRODUCER_EXPIRY_MS);
    assert_true(!is_known(&table, 1) && is_known(&table, 2));
    producer_table_deinit(&table);
}

static void batches_that_are_taken_back_newest_first_leave_what_was_before(void **state)
{
    struct producer_table table;
    int64_t offset;
    int16_t code;

    (void)state;
    producer_table_init(&table, &alloc_heap);
    for (int32_t i = 0; i < 4; i++)
        admit(&table, 7, 0, i * 10, 10, 100 + i * 10);
    for (int32_t i = 3; i > 1; i--)
        producer_retract(&table, &(struct producer_claim){7, 0, i * 10, 10}, 100 + i * 10);
    assert_int_equal(check(&table, 7, 0, 30, 10, &offset, &code), PRODUCER_GAP);
    assert_int_equal(check(&table, 7, 0, 10, 10, &offset, &code), PRODUCER_DUPLICATE);
    assert_int_equal(check(&table, 7, 0, 20, 10, &offset, &code), PRODUCER_ACCEPT);
    /* a whole window, and what had left it before */
    for (int32_t i = 2; i < 9; i++)
        admit(&table, 7, 0, i * 10, 10, 100 + i * 10);
    for (int32_t i = 8; i > 1; i--)
        producer_retract(&table, &(struct producer_claim){7, 0, i * 10, 10}, 100 + i * 10);
    assert_int_equal(check(&table, 7, 0, 20, 10, &offset, &code), PRODUCER_ACCEPT);
    assert_int_equal(check(&table, 7, 0, 10, 10, &offset, &code), PRODUCER_OLD);
    assert_int_equal(check(&table, 7, 0, 0, 10, &offset, &code), PRODUCER_OLD);
    assert_int_equal(check(&table, 7, 0, 30, 10, &offset, &code), PRODUCER_GAP);
    /* an epoch that began with one of them */
    admit(&table, 7, 1, 0, 10, 200);
    admit(&table, 7, 1, 10, 10, 210);
    producer_retract(&table, &(struct producer_claim){7, 1, 10, 10}, 210);
    producer_retract(&table, &(struct producer_claim){7, 1, 0, 10}, 200);
    assert_int_equal(check(&table, 7, 1, 0, 10, &offset, &code), PRODUCER_ACCEPT);
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
        cmocka_unit_test(when_several_batches_were_refused_all_of_them_have_to_come_back),
        cmocka_unit_test(an_unknown_later_batch_is_remembered_since_when_it_waits),
        cmocka_unit_test(a_snapshot_gives_the_same_table_back),
        cmocka_unit_test(every_cut_of_a_snapshot_is_refused),
        cmocka_unit_test(a_flood_of_producer_ids_is_bounded_once_they_are_old),
        cmocka_unit_test(nobody_is_dropped_within_a_quarter_of_an_hour_and_the_oldest_goes_first),
        cmocka_unit_test(there_is_no_place_for_one_more_when_all_have_written_just_now),
        cmocka_unit_test(who_is_known_by_refusals_only_makes_place_after_a_minute),
        cmocka_unit_test(a_day_after_its_last_write_a_producer_is_forgotten),
        cmocka_unit_test(batches_that_are_taken_back_newest_first_leave_what_was_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
