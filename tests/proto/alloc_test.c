#include "proto/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/support/failing_alloc.h"

static void an_array_whose_size_overflows_is_refused(void **state)
{
    (void)state;
    struct failing_alloc failing;
    failing_alloc_init(&failing);
    assert_null(alloc_array(&failing.alloc, SIZE_MAX / 8 + 2, 8));
    assert_null(alloc_array(&failing.alloc, SIZE_MAX, SIZE_MAX));
    assert_int_equal(failing.calls, 0);
}

static void arrays_and_zeroed_blocks_hold_zeroes(void **state)
{
    (void)state;
    static const uint8_t ZEROES[56];
    struct failing_alloc failing; /* hands out memory that is not zero */
    failing_alloc_init(&failing);
    uint8_t *array = alloc_array(&failing.alloc, 7, 8);
    uint8_t *zeroed = alloc_zeroed(&failing.alloc, 56);
    assert_memory_equal(array, ZEROES, 56);
    assert_memory_equal(zeroed, ZEROES, 56);
    assert_int_equal(failing.live_bytes, 112);
    alloc_free(&failing.alloc, array, 56);
    alloc_free(&failing.alloc, zeroed, 56);
    failing_alloc_assert_none_live(&failing);
}

static void the_heap_keeps_the_content_when_a_block_is_resized(void **state)
{
    (void)state;
    char *block = alloc_bytes(&alloc_heap, 6);
    memcpy(block, "sluice", 6);
    block = alloc_resize(&alloc_heap, block, 6, 60000);
    assert_non_null(block);
    assert_memory_equal(block, "sluice", 6);
    alloc_free(&alloc_heap, block, 60000);
}

static void freeing_null_does_nothing(void **state)
{
    (void)state;
    struct failing_alloc failing;
    failing_alloc_init(&failing);
    alloc_free(&alloc_heap, NULL, 0);
    alloc_free(&failing.alloc, NULL, 0);
    assert_int_equal(failing.live_blocks, 0);
}

static void a_failed_resize_leaves_the_old_block_intact(void **state)
{
    (void)state;
    struct failing_alloc failing;
    failing_alloc_init(&failing);
    char *block = alloc_bytes(&failing.alloc, 4);
    memcpy(block, "kept", 4);
    failing_alloc_fail_after(&failing, 0);
    assert_null(alloc_resize(&failing.alloc, block, 4, 8));
    assert_memory_equal(block, "kept", 4);
    assert_int_equal(failing.failures, 1);
    alloc_free(&failing.alloc, block, 4);
    failing_alloc_assert_none_live(&failing);
}

static void the_rounds_of_a_scenario_end_after_the_first_without_a_failure(void **state)
{
    (void)state;
    struct failing_alloc failing;
    size_t failed_at[4] = {0};
    size_t rounds = 0;
    for (size_t n = 1; failing_alloc_next(&failing, n); n++) {
        void *blocks[3] = {NULL};
        assert_true(n <= 4);
        for (size_t i = 0; i < 3; i++) {
            blocks[i] = alloc_bytes(&failing.alloc, i + 1);
            if (blocks[i] == NULL)
                failed_at[n - 1] = i + 1;
        }
        for (size_t i = 0; i < 3; i++)
            if (blocks[i] != NULL)
                alloc_free(&failing.alloc, blocks[i], i + 1);
        rounds = n;
    }
    assert_int_equal(rounds, 4);
    for (size_t n = 0; n < 3; n++)
        assert_int_equal(failed_at[n], n + 1);
    assert_int_equal(failed_at[3], 0);
}

static void after_fail_from_then_every_request_fails(void **state)
{
    (void)state;
    struct failing_alloc failing;
    failing_alloc_init(&failing);
    failing.fail_from_then = true;
    failing_alloc_fail_after(&failing, 1);
    void *first = alloc_bytes(&failing.alloc, 1);
    assert_non_null(first);
    assert_null(alloc_bytes(&failing.alloc, 1));
    assert_null(alloc_bytes(&failing.alloc, 1));
    alloc_free(&failing.alloc, first, 1);
    failing_alloc_assert_none_live(&failing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_array_whose_size_overflows_is_refused),
        cmocka_unit_test(arrays_and_zeroed_blocks_hold_zeroes),
        cmocka_unit_test(the_heap_keeps_the_content_when_a_block_is_resized),
        cmocka_unit_test(freeing_null_does_nothing),
        cmocka_unit_test(a_failed_resize_leaves_the_old_block_intact),
        cmocka_unit_test(the_rounds_of_a_scenario_end_after_the_first_without_a_failure),
        cmocka_unit_test(after_fail_from_then_every_request_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
