#include "proto/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "tests/support/failing_alloc.h"

enum { LIMIT = 2000 };

struct fixture {
    struct failing_alloc failing;
    struct buf buf;
};

static int setup(void **state)
{
    static struct fixture fixture;
    failing_alloc_init(&fixture.failing);
    buf_init(&fixture.buf, &fixture.failing.alloc, LIMIT);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    buf_deinit(&fixture->buf);
    failing_alloc_assert_none_live(&fixture->failing);
    return 0;
}

static void assert_sane(const struct buf *buf)
{
    assert_true(buf->read <= buf->write);
    assert_true(buf->write <= buf->capacity);
    assert_true(buf->capacity <= buf->limit);
    assert_int_equal(buf->data == NULL, buf->capacity == 0);
    if (buf->read == buf->write)
        assert_int_equal(buf->read, 0);
}

static void assert_holds(const struct buf *buf, const char *text)
{
    assert_true(slice_equal(buf_unread(buf), slice_cstr(text)));
}

static void an_unused_buf_is_empty_and_its_slice_is_not_null(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(buf_len(&f->buf), 0);
    assert_int_equal(buf_room(&f->buf), 0);
    assert_non_null(buf_unread(&f->buf).data);
    assert_int_equal(buf_reserve(&f->buf, 0), STATUS_OK);
    assert_int_equal(buf_append(&f->buf, SLICE_NULL), STATUS_OK);
    assert_int_equal(f->failing.calls, 0);
}

static void bytes_come_out_in_the_order_in_which_they_went_in(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(buf_append(&f->buf, SLICE_LITERAL("one ")), STATUS_OK);
    assert_int_equal(buf_append(&f->buf, SLICE_LITERAL("two")), STATUS_OK);
    assert_holds(&f->buf, "one two");
    buf_consume(&f->buf, 4);
    assert_holds(&f->buf, "two");
    assert_sane(&f->buf);
}

static void consuming_all_returns_both_cursors_to_the_start(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(buf_append(&f->buf, SLICE_LITERAL("abc")), STATUS_OK);
    buf_consume(&f->buf, 3);
    assert_int_equal(f->buf.write, 0);
    assert_int_equal(buf_room(&f->buf), f->buf.capacity);
}

static void reset_forgets_the_bytes_and_keeps_the_memory(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(buf_append(&f->buf, SLICE_LITERAL("abc")), STATUS_OK);
    uint8_t *data = f->buf.data;
    buf_reset(&f->buf);
    assert_int_equal(buf_len(&f->buf), 0);
    assert_ptr_equal(f->buf.data, data);
}

static void the_limit_is_reached_exactly_and_not_passed(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(buf_reserve(&f->buf, LIMIT + 1), STATUS_LIMIT);
    assert_int_equal(buf_reserve(&f->buf, SIZE_MAX), STATUS_LIMIT);
    assert_int_equal(f->failing.calls, 0);
    assert_int_equal(buf_reserve(&f->buf, LIMIT), STATUS_OK);
    assert_int_equal(f->buf.capacity, LIMIT);
    buf_wrote(&f->buf, LIMIT);
    assert_int_equal(buf_reserve(&f->buf, 1), STATUS_LIMIT);
    assert_int_equal(buf_reserve(&f->buf, SIZE_MAX), STATUS_LIMIT);
    buf_consume(&f->buf, 1);
    assert_int_equal(buf_reserve(&f->buf, 1), STATUS_OK);
    assert_int_equal(buf_reserve(&f->buf, 2), STATUS_LIMIT);
    assert_int_equal(buf_len(&f->buf), LIMIT - 1);
}

static void an_unlimited_buf_survives_sizes_near_the_end_of_memory(void **state)
{
    struct fixture *f = *state;
    f->buf.limit = SIZE_MAX;
    assert_int_equal(buf_append(&f->buf, SLICE_LITERAL("abc")), STATUS_OK);
    assert_int_equal(buf_reserve(&f->buf, SIZE_MAX), STATUS_LIMIT);
    assert_int_equal(buf_reserve(&f->buf, SIZE_MAX - 3), STATUS_NOMEM);
    assert_holds(&f->buf, "abc");
}

static void growing_doubles_so_that_small_appends_are_few_allocations(void **state)
{
    struct fixture *f = *state;
    f->buf.limit = SIZE_MAX;
    for (int i = 0; i < 100000; i++)
        assert_int_equal(buf_append(&f->buf, SLICE_LITERAL("x")), STATUS_OK);
    assert_true(f->failing.calls <= 10); /* 256 bytes doubled nine times are 128 KiB */
}

static void consumed_space_is_used_again_instead_of_growing(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(buf_append(&f->buf, SLICE_LITERAL("0123456789")), STATUS_OK);
        if (i > 0)
            buf_consume(&f->buf, 10);
    }
    assert_int_equal(f->failing.calls, 1);
    assert_holds(&f->buf, "0123456789");
}

static void a_failed_growth_keeps_the_content(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(buf_append(&f->buf, SLICE_LITERAL("gone kept")), STATUS_OK);
    buf_consume(&f->buf, 5);
    failing_alloc_fail_after(&f->failing, 0);
    assert_int_equal(buf_reserve(&f->buf, 1000), STATUS_NOMEM);
    assert_holds(&f->buf, "kept");
    assert_sane(&f->buf);
    assert_int_equal(buf_reserve(&f->buf, 1000), STATUS_OK);
    assert_holds(&f->buf, "kept");
}

static void a_failed_growth_succeeds_when_moving_makes_enough_room(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(buf_reserve(&f->buf, 256), STATUS_OK);
    assert_int_equal(f->buf.capacity, 256);
    buf_wrote(&f->buf, 256);
    buf_consume(&f->buf, 56);
    failing_alloc_fail_after(&f->failing, 0);
    assert_int_equal(buf_reserve(&f->buf, 50), STATUS_OK);
    assert_int_equal(f->failing.failures, 1);
    assert_true(buf_room(&f->buf) >= 50);
    assert_int_equal(buf_len(&f->buf), 200);
}

static void a_move_takes_memory_and_content_and_frees_what_was_there(void **state)
{
    struct fixture *f = *state;
    struct buf to;
    buf_init(&to, &f->failing.alloc, 5);
    assert_int_equal(buf_append(&to, SLICE_LITERAL("old")), STATUS_OK);
    assert_int_equal(buf_append(&f->buf, SLICE_LITERAL("new content")), STATUS_OK);
    const uint8_t *data = f->buf.data;
    buf_move(&to, &f->buf);
    assert_ptr_equal(to.data, data);
    assert_holds(&to, "new content");
    assert_int_equal(to.limit, LIMIT);
    assert_int_equal(buf_len(&f->buf), 0);
    assert_int_equal(f->failing.live_blocks, 1);
    assert_int_equal(buf_append(&f->buf, SLICE_LITERAL("again")), STATUS_OK);
    buf_deinit(&to);
}

static void a_buf_is_usable_again_after_deinit(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(buf_append(&f->buf, SLICE_LITERAL("abc")), STATUS_OK);
    buf_deinit(&f->buf);
    failing_alloc_assert_none_live(&f->failing);
    assert_int_equal(buf_append(&f->buf, SLICE_LITERAL("def")), STATUS_OK);
    assert_holds(&f->buf, "def");
    assert_int_equal(buf_reserve(&f->buf, LIMIT), STATUS_LIMIT);
}

static void printing_appends_the_text_without_its_nul(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(buf_printf(&f->buf, "%s=%d", "a", 12), STATUS_OK);
    assert_int_equal(buf_printf(&f->buf, " %c", 'b'), STATUS_OK);
    assert_holds(&f->buf, "a=12 b");
}

static void printing_fills_the_buf_to_the_last_byte(void **state)
{
    struct fixture *f = *state;
    for (int width = 1; width <= LIMIT; width += width < 505 || width > 515 ? 101 : 1) {
        buf_deinit(&f->buf);
        buf_init(&f->buf, &f->failing.alloc, (size_t)width);
        assert_int_equal(buf_printf(&f->buf, "%*d", width, 7), STATUS_OK);
        assert_int_equal(buf_len(&f->buf), width);
        assert_int_equal(buf_unread(&f->buf).data[width - 1], '7');
        assert_int_equal(buf_printf(&f->buf, "x"), STATUS_LIMIT);
    }
    assert_int_equal(buf_printf(&f->buf, "%s", ""), STATUS_OK);
}

static void a_text_that_does_not_fit_leaves_nothing_behind(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(buf_append(&f->buf, SLICE_LITERAL("kept")), STATUS_OK);
    size_t calls = f->failing.calls;
    assert_int_equal(buf_printf(&f->buf, "%2000d", 1), STATUS_LIMIT);
    assert_int_equal(f->failing.calls, calls);
    assert_holds(&f->buf, "kept");
    failing_alloc_fail_after(&f->failing, 0);
    assert_int_equal(buf_printf(&f->buf, "%1000d", 1), STATUS_NOMEM);
    failing_alloc_fail_after(&f->failing, 1);
    assert_int_equal(buf_printf(&f->buf, "%1000d", 1), STATUS_NOMEM);
    assert_holds(&f->buf, "kept");
}

/* The model: a plain array large enough for all, and two positions. */
struct model {
    uint8_t bytes[2000 * 256];
    size_t read;
    size_t write;
};

static void step(struct buf *buf, struct model *model, uint32_t random)
{
    uint8_t piece[300];
    size_t len = random >> 8 & 0xff;
    size_t unread = model->write - model->read;

    switch (random >> 28 & 3) {
    case 0:
    case 1:
        for (size_t i = 0; i < len; i++)
            piece[i] = (uint8_t)(random + i * 7);
        int status = buf_append(buf, slice_make(piece, len));
        if (len > buf->limit - unread) {
            assert_int_equal(status, STATUS_LIMIT);
            break;
        }
        if (status == STATUS_NOMEM)
            break;
        assert_int_equal(status, STATUS_OK);
        memcpy(model->bytes + model->write, piece, len);
        model->write += len;
        break;
    case 2:
        len = len < unread ? len : unread;
        buf_consume(buf, len);
        model->read += len;
        break;
    default:
        if (random % 64 == 0) {
            buf_reset(buf);
            model->read = model->write;
        }
        break;
    }
}

static void random_operations_agree_with_a_plain_array(void **state)
{
    struct fixture *f = *state;
    static struct model model;
    uint32_t random = 2463534242;
    size_t refused = 0;

    for (int i = 0; i < 2000; i++) {
        if (i % 17 == 0)
            failing_alloc_fail_after(&f->failing, 0);
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        size_t before = f->failing.failures;
        step(&f->buf, &model, random);
        refused += f->failing.failures - before;
        assert_sane(&f->buf);
        assert_true(slice_equal(buf_unread(&f->buf),
                                slice_make(model.bytes + model.read, model.write - model.read)));
        if (i % 400 == 399) {
            buf_deinit(&f->buf);
            model.read = model.write;
        }
    }
    assert_true(refused > 0); /* the run has met failing allocations */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_unused_buf_is_empty_and_its_slice_is_not_null),
        TEST(bytes_come_out_in_the_order_in_which_they_went_in),
        TEST(consuming_all_returns_both_cursors_to_the_start),
        TEST(reset_forgets_the_bytes_and_keeps_the_memory),
        TEST(the_limit_is_reached_exactly_and_not_passed),
        TEST(an_unlimited_buf_survives_sizes_near_the_end_of_memory),
        TEST(growing_doubles_so_that_small_appends_are_few_allocations),
        TEST(consumed_space_is_used_again_instead_of_growing),
        TEST(a_failed_growth_keeps_the_content),
        TEST(a_failed_growth_succeeds_when_moving_makes_enough_room),
        TEST(a_move_takes_memory_and_content_and_frees_what_was_there),
        TEST(a_buf_is_usable_again_after_deinit),
        TEST(printing_appends_the_text_without_its_nul),
        TEST(printing_fills_the_buf_to_the_last_byte),
        TEST(a_text_that_does_not_fit_leaves_nothing_behind),
        TEST(random_operations_agree_with_a_plain_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
