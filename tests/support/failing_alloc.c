/*
 *      | size | guard || bytes of the caller ... |
 *
 * The head in front of each block says how large it is, so that a wrong size handed back is
 * noticed, and a resize always moves, so that a stale pointer into the old block is noticed by the
 * sanitizer.
 */
#include "tests/support/failing_alloc.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    ROUNDS_MAX = 100000,
    FRESH_BYTE = 0xa5 /* not zero: who counts on zeroed memory is noticed */
};

#define GUARD UINT64_C(0x6b6f6c6220656d6f)

struct head {
    _Alignas(16) size_t bytes;
    uint64_t guard;
};

static struct head *head_of(void *block, size_t bytes)
{
    struct head *head = (struct head *)block - 1;
    if (head->guard != GUARD)
        fail_msg("a block was handed back that did not come from this allocator");
    if (head->bytes != bytes)
        fail_msg("a block of %zu bytes was handed back as %zu", head->bytes, bytes);
    return head;
}

static void release(struct failing_alloc *failing, void *block, size_t bytes)
{
    if (block == NULL) {
        assert_int_equal(bytes, 0);
        return;
    }
    struct head *head = head_of(block, bytes);
    failing->live_bytes -= bytes;
    failing->live_blocks--;
    head->guard = 0;
    free(head);
}

static bool fails_now(struct failing_alloc *failing)
{
    failing->calls++;
    if (failing->fail_at == 0)
        return false;
    return failing->calls == failing->fail_at ||
           (failing->fail_from_then && failing->calls > failing->fail_at);
}

static void *resize(void *context, void *block, size_t old_bytes, size_t new_bytes)
{
    struct failing_alloc *failing = context;

    if (new_bytes == 0) {
        release(failing, block, old_bytes);
        return NULL;
    }
    if (fails_now(failing)) {
        failing->failures++;
        return NULL;
    }
    if (new_bytes > SIZE_MAX - sizeof(struct head))
        return NULL;
    struct head *head = malloc(sizeof(*head) + new_bytes);
    if (head == NULL)
        return NULL;
    head->bytes = new_bytes;
    head->guard = GUARD;
    memset(head + 1, FRESH_BYTE, new_bytes);
    if (block != NULL)
        memcpy(head + 1, block, old_bytes < new_bytes ? old_bytes : new_bytes);
    release(failing, block, old_bytes);

    failing->live_blocks++;
    failing->live_bytes += new_bytes;
    if (failing->live_bytes > failing->peak_bytes)
        failing->peak_bytes = failing->live_bytes;
    return head + 1;
}

void failing_alloc_init(struct failing_alloc *failing)
{
    *failing = (struct failing_alloc){.alloc = {.resize = resize, .context = failing}};
}

void failing_alloc_fail_after(struct failing_alloc *failing, size_t calls)
{
    failing->fail_at = failing->calls + calls + 1;
}

bool failing_alloc_next(struct failing_alloc *failing, size_t n)
{
    if (n == 1)
        failing_alloc_init(failing);
    failing_alloc_assert_none_live(failing);
    if (n > 1 && failing->failures == 0)
        return false;
    if (n > ROUNDS_MAX)
        fail_msg("still out of memory after %d rounds", ROUNDS_MAX);
    failing->rounds = n;
    failing->calls = 0;
    failing->failures = 0;
    failing->fail_at = n;
    return true;
}

void failing_alloc_assert_none_live(const struct failing_alloc *failing)
{
    if (failing->live_blocks != 0 || failing->live_bytes != 0)
        fail_msg("leaked %zu blocks, %zu bytes (round %zu)", failing->live_blocks,
                 failing->live_bytes, failing->rounds);
}
