#include "proto/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *heap_resize(void *context, void *block, size_t old_bytes, size_t new_bytes)
{
    (void)context;
    (void)old_bytes;
    if (new_bytes == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, new_bytes);
}

const struct alloc alloc_heap = {.resize = heap_resize, .context = NULL};

void *alloc_bytes(const struct alloc *alloc, size_t bytes)
{
    return alloc_resize(alloc, NULL, 0, bytes);
}

void *alloc_zeroed(const struct alloc *alloc, size_t bytes)
{
    void *block = alloc_bytes(alloc, bytes);
    if (block != NULL)
        memset(block, 0, bytes);
    return block;
}

void *alloc_array(const struct alloc *alloc, size_t count, size_t item_bytes)
{
    if (item_bytes != 0 && count > SIZE_MAX / item_bytes)
        return NULL;
    return alloc_zeroed(alloc, count * item_bytes);
}

void *alloc_resize(const struct alloc *alloc, void *block, size_t old_bytes, size_t new_bytes)
{
    return alloc->resize(alloc->context, block, old_bytes, new_bytes);
}

void alloc_free(const struct alloc *alloc, void *block, size_t bytes)
{
    if (block != NULL)
        (void)alloc->resize(alloc->context, block, bytes, 0);
}
