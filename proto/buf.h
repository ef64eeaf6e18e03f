/*
 * A growable byte queue that owns its memory.
 *
 *      data          read              write           capacity
 *       |  consumed   |  unread bytes    |  room           |
 *
 * Invariant: read <= write <= capacity <= limit; data is NULL iff capacity is 0.
 * Bytes are read from `read`, written at `write`. When all is consumed both return to 0. Consumed
 * space is reclaimed (by moving the unread bytes) only when room is asked for and is not there.
 */
#ifndef PROTO_BUF_H
#define PROTO_BUF_H

#include "proto/alloc.h"
#include "proto/slice.h"
#include "proto/status.h"

struct buf {
    uint8_t *data;
    size_t read;
    size_t write;
    size_t capacity;
    size_t limit; /* capacity never exceeds it: STATUS_LIMIT */
    const struct alloc *alloc;
};

void buf_init(struct buf *buf, const struct alloc *alloc, size_t limit_bytes);
void buf_deinit(struct buf *buf); /* frees; the buf is then empty and usable again */
void buf_reset(struct buf *buf);  /* forgets the bytes, keeps the memory */
/*
 * Moves memory, content, limit and allocator. Both are initialised; what `to` held is freed, `from`
 * is empty afterwards.
 */
void buf_move(struct buf *to, struct buf *from);
/* Slow path of buf_reserve. NOMEM, LIMIT. Capacity grows by doubling. */
MUST_CHECK int buf_grow(struct buf *buf, size_t bytes);

static inline size_t buf_room(const struct buf *buf) { return buf->capacity - buf->write; }
static inline size_t buf_len(const struct buf *buf) { return buf->write - buf->read; }
/* Where to write; NULL while nothing was reserved yet. */
static inline uint8_t *buf_tail(struct buf *buf)
{
    return buf->data == NULL ? NULL : buf->data + buf->write;
}

static inline struct slice buf_unread(const struct buf *buf)
{
    return (struct slice){buf->data == NULL ? (const uint8_t *)"" : buf->data + buf->read,
                          buf_len(buf)};
}

/* At least `bytes` of room afterwards. The content may move: earlier slices of it are void. */
MUST_CHECK static inline int buf_reserve(struct buf *buf, size_t bytes)
{
    return bytes <= buf_room(buf) ? STATUS_OK : buf_grow(buf, bytes);
}

/* `bytes` were written at buf_tail(); they must have been reserved. */
void buf_wrote(struct buf *buf, size_t bytes);
void buf_consume(struct buf *buf, size_t bytes);
/* All or nothing. `bytes` must not lie in this buffer: growing may move it. */
MUST_CHECK int buf_append(struct buf *buf, struct slice bytes);
/* printf into the buffer, without the final NUL; all or nothing. NOMEM, LIMIT. */
MUST_CHECK __attribute__((format(printf, 2, 3))) int buf_printf(struct buf *buf, const char *format,
                                                                ...);
#endif
