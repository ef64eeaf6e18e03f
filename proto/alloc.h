/* The allocator as an argument: production hands in the heap, tests one that fails when told. */
#ifndef PROTO_ALLOC_H
#define PROTO_ALLOC_H

#include <stddef.h>

struct alloc {
    /* new_bytes 0: frees and returns NULL. Else NULL means out of memory, the old block intact. */
    void *(*resize)(void *context, void *block, size_t old_bytes, size_t new_bytes);
    void *context;
};

extern const struct alloc alloc_heap; /* malloc, realloc, free */

void *alloc_bytes(const struct alloc *alloc, size_t bytes);
void *alloc_zeroed(const struct alloc *alloc, size_t bytes);
/* NULL also when count * item_bytes overflows. Zeroed. */
void *alloc_array(const struct alloc *alloc, size_t count, size_t item_bytes);
void *alloc_resize(const struct alloc *alloc, void *block, size_t old_bytes, size_t new_bytes);
void alloc_free(const struct alloc *alloc, void *block, size_t bytes);

#endif
