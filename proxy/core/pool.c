#include "core/pool.h"

#include <assert.h>
#include <string.h>

void pool_init(struct pool *pool, const struct alloc *alloc, size_t block_bytes, size_t max_free)
{
    assert(block_bytes >= sizeof(struct pool_block));
    *pool = (struct pool){.alloc = alloc, .block_bytes = block_bytes, .max_free = max_free};
}

void pool_deinit(struct pool *pool)
{
    assert(pool->used_count == 0);
    while (pool->free != NULL) {
        struct pool_block *block = pool->free;
        pool->free = block->next;
        alloc_free(pool->alloc, block, pool->block_bytes);
    }
    pool->free_count = 0;
}

void *pool_get(struct pool *pool)
{
    void *block = pool->free;

    if (block != NULL) {
        pool->free = pool->free->next;
        pool->free_count--;
        memset(block, 0, pool->block_bytes);
    } else {
        block = alloc_zeroed(pool->alloc, pool->block_bytes);
        if (block == NULL)
            return NULL;
    }
    pool->used_count++;
    return block;
}

void pool_put(struct pool *pool, void *block)
{
    assert(pool->used_count > 0);
    pool->used_count--;
    if (pool->free_count >= pool->max_free) {
        alloc_free(pool->alloc, block, pool->block_bytes);
        return;
    }
    struct pool_block *head = block;
    head->next = pool->free;
    pool->free = head;
    pool->free_count++;
}
