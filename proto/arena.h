/*
 * Memory for one message: taken piece by piece, given back all at once. The cap bounds what a
 * hostile message can make us take. Reset keeps the first chunk, so a steady stream of messages
 * allocates nothing.
 */
#ifndef PROTO_ARENA_H
#define PROTO_ARENA_H

#include "proto/alloc.h"
#include "proto/slice.h"
#include "proto/status.h"

struct arena_chunk;

struct arena {
    const struct alloc *alloc;
    struct arena_chunk *first;
    struct arena_chunk *current;
    size_t chunk_bytes;
    size_t used_bytes;
    size_t limit_bytes;
};

/* Nothing is allocated until the first take. */
void arena_init(struct arena *arena, const struct alloc *alloc, size_t chunk_bytes,
                size_t limit_bytes);
void arena_deinit(struct arena *arena); /* frees; the arena is then empty and usable again */
void arena_reset(struct arena *arena);
/*
 * Zeroed, aligned to 16. NULL: out of memory or over the limit. 0 bytes give a pointer that is not
 * NULL and costs nothing of the limit. The limit counts pieces rounded up to 16.
 */
void *arena_take(struct arena *arena, size_t bytes);
void *arena_take_array(struct arena *arena, size_t count, size_t item_bytes);
/* Whether a take of `bytes` stays within the limit: tells "over the limit" from "out of memory". */
bool arena_has_room(const struct arena *arena, size_t bytes);
/* A copy that lives as long as the arena; data NULL when out of memory (or the source is null). */
struct slice arena_copy(struct arena *arena, struct slice bytes);

#endif
