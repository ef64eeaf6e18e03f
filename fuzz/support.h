/*
 * What the targets share. An input is
 *
 *      | bytes of a peer | decision tape, n bytes | n |
 *
 * so that one file says both what a peer sent and what happened around it: where reads were cut,
 * which allocation failed, who answered first. A tape of no bytes decides 0 everywhere, which each
 * target takes for the plain case: everything at once, no limit of its own, memory enough.
 */
#ifndef FUZZ_SUPPORT_H
#define FUZZ_SUPPORT_H

#include <stdio.h>
#include <stdlib.h>

#include "proto/alloc.h"
#include "proto/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process when a property does not hold: that is what a finding is. */
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* Decisions. When all were read it begins again, so a short tape serves a long input. */
struct tape {
    struct slice bytes;
    size_t at;
};

uint8_t tape_byte(struct tape *tape);
uint32_t tape_below(struct tape *tape, uint32_t limit); /* 0 to limit - 1; 0 for a limit of 0 */
bool tape_odd(struct tape *tape);

struct fuzz_input {
    struct slice bytes; /* a heap block of its own, so that a read too far is noticed */
    struct tape tape;   /* borrows from the fuzzer's data */
};

/* Where the tape begins: size when there is none. */
size_t fuzz_tape_at(const uint8_t *data, size_t size);
struct fuzz_input fuzz_input_split(const uint8_t *data, size_t size);
void fuzz_input_free(struct fuzz_input *input);

/* Counts what is live, and fails when told. */
struct fuzz_alloc {
    struct alloc alloc; /* its context points back here: do not copy the struct */
    size_t live_bytes;
    size_t peak_bytes;
    size_t calls;
    size_t fail_at; /* the call (from 1) that fails; 0: none does */
    bool fails_on;  /* and each one after it */
    size_t failures;
};

/* Fails nothing. */
void fuzz_alloc_init(struct fuzz_alloc *memory);
/* One byte of the tape: 0, nothing fails; else its low seven bits name the call that does, the high
 * one says that all after it fail too. */
void fuzz_alloc_init_tape(struct fuzz_alloc *memory, struct tape *tape);
/* All must have been given back. */
void fuzz_alloc_end(const struct fuzz_alloc *memory);

#endif
