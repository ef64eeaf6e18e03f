/* Blocks of one size, kept for reuse: batches, mutations. Takes from the allocator only to grow. */
#ifndef PROXY_CORE_POOL_H
#define PROXY_CORE_POOL_H

#include "proto/alloc.h"

struct pool_block {
    struct pool_block *next;
};

struct pool {
    const struct alloc *alloc;
    size_t block_bytes;
    size_t max_free;
    size_t free_count;
    size_t used_count;
    struct pool_block *free;
};

void pool_init(struct pool *pool, const struct alloc *alloc, size_t block_bytes, size_t max_free);
void pool_deinit(struct pool *pool); /* all blocks must have been put back */
void *pool_get(struct pool *pool);   /* zeroed; NULL: out of memory */
void pool_put(struct pool *pool, void *block);

#endif
