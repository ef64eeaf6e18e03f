/*
 * Chunks in a chain; pieces are cut from the current one, front to back:
 *
 *      first                 current
 *      +------+-----------+  +------+-----------+
 *      | head | pieces    |->| head | pieces |  |
 *      +------+-----------+  +------+-----------+
 *             <- chunk_bytes ->      taken    ^ room
 *
 * A piece larger than chunk_bytes gets a chunk of its own, linked behind the first and never the
 * first: what reset keeps is therefore at most chunk_bytes, however large the largest message was.
 * Room left in a chunk when the next is started is lost until reset. It is smaller than the piece
 * that did not fit, so all chunks together hold at most twice limit_bytes plus chunk_bytes, heads
 * apart.
 */
#include "proto/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stddef.h>

enum { ARENA_ALIGN = 16 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t capacity;
    size_t taken;
    alignas(ARENA_ALIGN) uint8_t bytes[];
};

_Static_assert(offsetof(struct arena_chunk, bytes) % ARENA_ALIGN == 0, "pieces start aligned");

void arena_init(struct arena *arena, const struct alloc *alloc, size_t chunk_bytes,
                size_t limit_bytes)
{
    *arena = (struct arena){
        .alloc = alloc,
        .chunk_bytes = chunk_bytes < ARENA_ALIGN ? ARENA_ALIGN : chunk_bytes,
        .limit_bytes = limit_bytes,
    };
}

static void chunks_free(const struct alloc *alloc, struct arena_chunk *chunk)
{
    while (chunk != NULL) {
        struct arena_chunk *next = chunk->next;
        alloc_free(alloc, chunk, sizeof(*chunk) + chunk->capacity);
        chunk = next;
    }
}

void arena_deinit(struct arena *arena)
{
    chunks_free(arena->alloc, arena->first);
    arena_init(arena, arena->alloc, arena->chunk_bytes, arena->limit_bytes);
}

void arena_reset(struct arena *arena)
{
    if (arena->first != NULL) {
        chunks_free(arena->alloc, arena->first->next);
        arena->first->next = NULL;
        arena->first->taken = 0;
    }
    arena->current = arena->first;
    arena->used_bytes = 0;
}

bool arena_has_room(const struct arena *arena, size_t bytes)
{
    size_t room = arena->limit_bytes - arena->used_bytes;
    if (bytes > room)
        return false;
    size_t padding = (ARENA_ALIGN - bytes % ARENA_ALIGN) % ARENA_ALIGN;
    return padding <= room - bytes;
}

/* A chunk with room for `bytes`, now the current one; NULL when out of memory. */
static struct arena_chunk *chunk_add(struct arena *arena, size_t bytes)
{
    size_t capacity = bytes > arena->chunk_bytes ? bytes : arena->chunk_bytes;
    if (capacity > SIZE_MAX - sizeof(struct arena_chunk))
        return NULL;
    struct arena_chunk *chunk = alloc_bytes(arena->alloc, sizeof(*chunk) + capacity);
    if (chunk == NULL)
        return NULL;
    chunk->next = NULL;
    chunk->capacity = capacity;
    chunk->taken = 0;
    if (arena->current == NULL)
        arena->first = chunk;
    else
        arena->current->next = chunk;
    arena->current = chunk;
    return chunk;
}

void *arena_take(struct arena *arena, size_t bytes)
{
    if (!arena_has_room(arena, bytes))
        return NULL;
    size_t padded = bytes + (ARENA_ALIGN - bytes % ARENA_ALIGN) % ARENA_ALIGN;

    struct arena_chunk *chunk = arena->current;
    if (chunk == NULL)
        chunk = chunk_add(arena, 0); /* the first is never an oversized one: see above */
    if (chunk != NULL && padded > chunk->capacity - chunk->taken)
        chunk = chunk_add(arena, padded);
    if (chunk == NULL)
        return NULL;

    uint8_t *piece = chunk->bytes + chunk->taken;
    chunk->taken += padded;
    arena->used_bytes += padded;
    assert(arena->used_bytes <= arena->limit_bytes);
    return memset(piece, 0, bytes);
}

void *arena_take_array(struct arena *arena, size_t count, size_t item_bytes)
{
    if (item_bytes != 0 && count > SIZE_MAX / item_bytes)
        return NULL;
    return arena_take(arena, count * item_bytes);
}

struct slice arena_copy(struct arena *arena, struct slice bytes)
{
    if (bytes.data == NULL)
        return SLICE_NULL;
    uint8_t *copy = arena_take(arena, bytes.len);
    if (copy == NULL)
        return SLICE_NULL;
    memcpy(copy, bytes.data, bytes.len);
    return slice_make(copy, bytes.len);
}
