#include "proto/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/failing_alloc.h"

enum { CHUNK = 256, LIMIT = 4096 };

struct fixture {
    struct failing_alloc failing;
    struct arena arena;
};

static int setup(void **state)
{
    static struct fixture fixture;
    failing_alloc_init(&fixture.failing);
    arena_init(&fixture.arena, &fixture.failing.alloc, CHUNK, LIMIT);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    arena_deinit(&fixture->arena);
    failing_alloc_assert_none_live(&fixture->failing);
    return 0;
}

static void nothing_is_allocated_before_the_first_take(void **state)
{
    struct fixture *f = *state;
    arena_reset(&f->arena);
    assert_int_equal(f->failing.calls, 0);
    assert_non_null(arena_take(&f->arena, 1));
    assert_int_equal(f->failing.calls, 1);
}

static void every_piece_is_aligned_zeroed_and_its_own(void **state)
{
    struct fixture *f = *state;
    uint8_t *pieces[60];
    for (size_t i = 0; i < 60; i++) {
        pieces[i] = arena_take(&f->arena, i);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        for (size_t at = 0; at < i; at++) {
            assert_int_equal(pieces[i][at], 0);
            pieces[i][at] = (uint8_t)(i + 1);
        }
    }
    for (size_t i = 0; i < 60; i++)
        for (size_t at = 0; at < i; at++)
            assert_int_equal(pieces[i][at], i + 1);
}

static void memory_is_zeroed_again_after_reset(void **state)
{
    struct fixture *f = *state;
    uint8_t *before = arena_take(&f->arena, 64);
    memset(before, 0xff, 64);
    arena_reset(&f->arena);
    uint8_t *after = arena_take(&f->arena, 64);
    assert_ptr_equal(before, after);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(after[i], 0);
}

static void the_limit_counts_pieces_rounded_up_and_is_reached_exactly(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < LIMIT / 16; i++) {
        assert_true(arena_has_room(&f->arena, 1));
        assert_non_null(arena_take(&f->arena, 1));
    }
    size_t calls = f->failing.calls;
    assert_false(arena_has_room(&f->arena, 1));
    assert_null(arena_take(&f->arena, 1));
    assert_int_equal(f->failing.calls, calls);
    assert_non_null(arena_take(&f->arena, 0));
}

static void a_piece_beyond_the_limit_is_refused_before_any_allocation(void **state)
{
    struct fixture *f = *state;
    const size_t sizes[] = {LIMIT + 1, SIZE_MAX / 2, SIZE_MAX - 15, SIZE_MAX};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_false(arena_has_room(&f->arena, sizes[i]));
        assert_null(arena_take(&f->arena, sizes[i]));
    }
    assert_int_equal(f->failing.calls, 0);
    assert_non_null(arena_take(&f->arena, LIMIT));
}

static void an_unlimited_arena_survives_sizes_near_the_end_of_memory(void **state)
{
    struct fixture *f = *state;
    arena_init(&f->arena, &f->failing.alloc, CHUNK, SIZE_MAX);
    assert_null(arena_take(&f->arena, SIZE_MAX));
    assert_null(arena_take(&f->arena, SIZE_MAX - 15));
    assert_null(arena_take(&f->arena, SIZE_MAX - 47));
    assert_non_null(arena_take(&f->arena, 16));
}

static void an_array_whose_size_overflows_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_null(arena_take_array(&f->arena, SIZE_MAX / 16 + 2, 16));
    assert_null(arena_take_array(&f->arena, 2, SIZE_MAX));
    assert_int_equal(f->failing.calls, 0);
    assert_non_null(arena_take_array(&f->arena, 4, 16));
    assert_int_equal(f->arena.used_bytes, 64);
}

static void a_steady_stream_of_messages_allocates_once(void **state)
{
    struct fixture *f = *state;
    for (int message = 0; message < 100; message++) {
        for (int piece = 0; piece < 4; piece++)
            assert_non_null(arena_take(&f->arena, CHUNK / 4));
        arena_reset(&f->arena);
    }
    assert_int_equal(f->failing.calls, 1);
}

static void after_a_large_message_reset_keeps_no_more_than_one_chunk(void **state)
{
    struct fixture *f = *state;
    assert_non_null(arena_take(&f->arena, 1000));
    assert_non_null(arena_take(&f->arena, 2000));
    assert_true(f->failing.live_bytes >= 3000);
    arena_reset(&f->arena);
    assert_int_equal(f->failing.live_blocks, 1);
    assert_true(f->failing.live_bytes <= CHUNK + 64);
    assert_int_equal(f->arena.used_bytes, 0);
    assert_non_null(arena_take(&f->arena, LIMIT));
}

static void memory_held_is_bounded_by_twice_the_limit_and_a_chunk(void **state)
{
    struct fixture *f = *state;
    uint32_t random = 1;
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 1000; i++) {
            random = random * 1664525 + 1013904223;
            if (arena_take(&f->arena, random >> 22) == NULL)
                break;
        }
        size_t heads = f->failing.live_blocks * 64;
        assert_true(f->failing.live_bytes <= 2 * LIMIT + CHUNK + heads);
        arena_reset(&f->arena);
    }
}

static void a_failed_allocation_leaves_the_arena_usable(void **state)
{
    struct fixture *f = *state;
    uint8_t *first = arena_take(&f->arena, 200);
    memset(first, 7, 200);
    failing_alloc_fail_after(&f->failing, 0);
    assert_null(arena_take(&f->arena, 100));
    assert_int_equal(f->arena.used_bytes, 208);
    assert_non_null(arena_take(&f->arena, 32)); /* what is left of the first chunk */
    assert_non_null(arena_take(&f->arena, 100));
    assert_int_equal(first[199], 7);
}

static void every_failing_allocation_ends_without_a_leak(void **state)
{
    (void)state;
    struct failing_alloc failing;
    size_t complete = 0;
    for (size_t n = 1; failing_alloc_next(&failing, n); n++) {
        struct arena arena;
        size_t taken = 0;
        arena_init(&arena, &failing.alloc, CHUNK, LIMIT);
        for (size_t bytes = 100; bytes <= 500; bytes += 100)
            taken += arena_take(&arena, bytes) != NULL;
        complete += taken == 5;
        assert_int_equal(taken == 5, failing.failures == 0);
        arena_deinit(&arena);
    }
    assert_int_equal(complete, 1);
}

static void a_copy_is_independent_of_its_source(void **state)
{
    struct fixture *f = *state;
    char text[] = "topic";
    struct slice copy = arena_copy(&f->arena, slice_cstr(text));
    text[0] = 'X';
    assert_true(slice_equal(copy, SLICE_LITERAL("topic")));
}

static void the_copy_of_null_is_null_and_of_empty_is_empty(void **state)
{
    struct fixture *f = *state;
    assert_null(arena_copy(&f->arena, SLICE_NULL).data);
    assert_int_equal(f->failing.calls, 0);
    struct slice empty = arena_copy(&f->arena, SLICE_LITERAL(""));
    assert_non_null(empty.data);
    assert_int_equal(empty.len, 0);
}

static void a_copy_without_memory_is_null(void **state)
{
    struct fixture *f = *state;
    failing_alloc_fail_after(&f->failing, 0);
    struct slice copy = arena_copy(&f->arena, SLICE_LITERAL("topic"));
    assert_null(copy.data);
    assert_int_equal(copy.len, 0);
}

static void an_arena_is_usable_again_after_deinit(void **state)
{
    struct fixture *f = *state;
    assert_non_null(arena_take(&f->arena, 10));
    arena_deinit(&f->arena);
    failing_alloc_assert_none_live(&f->failing);
    assert_non_null(arena_take(&f->arena, 10));
    assert_false(arena_has_room(&f->arena, LIMIT));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_allocated_before_the_first_take),
        TEST(every_piece_is_aligned_zeroed_and_its_own),
        TEST(memory_is_zeroed_again_after_reset),
        TEST(the_limit_counts_pieces_rounded_up_and_is_reached_exactly),
        TEST(a_piece_beyond_the_limit_is_refused_before_any_allocation),
        TEST(an_unlimited_arena_survives_sizes_near_the_end_of_memory),
        TEST(an_array_whose_size_overflows_is_refused),
        TEST(a_steady_stream_of_messages_allocates_once),
        TEST(after_a_large_message_reset_keeps_no_more_than_one_chunk),
        TEST(memory_held_is_bounded_by_twice_the_limit_and_a_chunk),
        TEST(a_failed_allocation_leaves_the_arena_usable),
        TEST(every_failing_allocation_ends_without_a_leak),
        TEST(a_copy_is_independent_of_its_source),
        TEST(the_copy_of_null_is_null_and_of_empty_is_empty),
        TEST(a_copy_without_memory_is_null),
        TEST(an_arena_is_usable_again_after_deinit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
