/*
 * An allocator for tests: counts, remembers what is live, and fails when told. Take each scenario
 * through every out-of-memory path like this:
 *
 *      for (size_t n = 1; failing_alloc_next(&failing, n); n++)
 *          run the scenario with &failing.alloc; it must end cleanly, whatever failed
 *
 * The loop ends after the first round in which nothing failed; each step asserts that the round
 * before leaked nothing. A block handed back with another size than it was taken with fails the
 * test at once.
 */
#ifndef TESTS_SUPPORT_FAILING_ALLOC_H
#define TESTS_SUPPORT_FAILING_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/alloc.h"

struct failing_alloc {
    struct alloc alloc;  /* hand this in; its context points back here, so do not copy the struct */
    size_t calls;        /* requests for memory so far, frees apart */
    size_t fail_at;      /* the call (from 1) that fails; 0: none */
    bool fail_from_then; /* not only that call but every later one too */
    size_t failures;
    size_t live_bytes;
    size_t live_blocks;
    size_t peak_bytes; /* the most that was live at once */
    size_t rounds;
};

/* Fails nothing until fail_at is set. */
void failing_alloc_init(struct failing_alloc *failing);
/* The next `calls` requests succeed, the one after them fails. Counted from now. */
void failing_alloc_fail_after(struct failing_alloc *failing, size_t calls);
/*
 * Round n of the loop above: false when n > 1 and the last round saw no failure (or after 100000
 * rounds, which fails the test). Asserts that nothing is live.
 */
bool failing_alloc_next(struct failing_alloc *failing, size_t n);
/* Fails the test (cmocka) when a block is live. */
void failing_alloc_assert_none_live(const struct failing_alloc *failing);

#endif
