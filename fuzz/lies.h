/*
 * Lies: what a broken or hostile node changes in answers that are otherwise honest. An input is
 *
 *      | statement | occurrence | kind | row | column | value | n | n bytes |  again and again
 *
 * each of one byte; statement and kind modulo how many there are, so every input means something.
 */
#ifndef FUZZ_LIES_H
#define FUZZ_LIES_H

#include "tests/support/fake_node.h"

#define LIES_MAX        24
#define LIE_EVERY       0xff /* occurrence: each one */
#define LIES_BODY_BYTES ((size_t)256 * 1024)

enum lie_kind {
    LIE_NULL,        /* the cell */
    LIE_NUMBER,      /* the cell becomes an edge of some number's range, in its own width */
    LIE_ADD,         /* value - 128 is added to the cell's number */
    LIE_BYTES,       /* the cell becomes the bytes */
    LIE_FLIP,        /* a byte of the cell is XORed with the first of the bytes */
    LIE_CELL_LENGTH, /* a length that the cell has not */
    LIE_COPY,        /* the cell of another row */
    LIE_DROP_ROW,
    LIE_REPEAT_ROW,
    LIE_SWAP_ROWS,
    LIE_MANY_ROWS, /* the row, 2 x value times more, with its column counting up */
    LIE_NEW_ROW,   /* of sound types */
    LIE_ROW_COUNT, /* more or fewer are told than come */
    LIE_MORE_PAGES,
    LIE_HEAD, /* a byte of the metadata is XORed */
    LIE_CUT,  /* the body ends early */
    LIE_VOID, /* instead of rows */
    LIE_BODY, /* the bytes instead of the body */
    LIE_ERROR,
    LIE_SILENCE,
    LIE_HANG_UP,
    LIE_TWICE,
    LIE_LATE,
    LIE_KIND_COUNT,
};

struct lie {
    uint8_t statement, occurrence, kind, row, column, value;
    struct slice bytes;
};

size_t lies_read(struct slice input, struct lie lies[LIES_MAX]);
/* Changes the answer, which is the RESULT `honest` or, where that has no data, what the node says
 * by default. The new body lasts until the next call. */
void lies_tell(const struct lie *const *lies, size_t count, struct slice honest,
               struct fake_answer *answer);

#endif
