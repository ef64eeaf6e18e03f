#include "proto/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    BUF_FIRST_BYTES = 256, /* the first block; small ones only cost more calls */
    BUF_PRINT_BYTES = 512, /* most printed texts fit: formatted once, on the stack */
};

static bool buf_is_sane(const struct buf *buf)
{
    return buf->read <= buf->write && buf->write <= buf->capacity && buf->capacity <= buf->limit &&
           (buf->data == NULL) == (buf->capacity == 0);
}

void buf_init(struct buf *buf, const struct alloc *alloc, size_t limit_bytes)
{
    *buf = (struct buf){.limit = limit_bytes, .alloc = alloc};
}

void buf_deinit(struct buf *buf)
{
    assert(buf_is_sane(buf));
    alloc_free(buf->alloc, buf->data, buf->capacity);
    buf_init(buf, buf->alloc, buf->limit);
}

void buf_reset(struct buf *buf)
{
    assert(buf_is_sane(buf));
    buf->read = 0;
    buf->write = 0;
}

void buf_move(struct buf *to, struct buf *from)
{
    assert(to != from && buf_is_sane(to) && buf_is_sane(from));
    alloc_free(to->alloc, to->data, to->capacity);
    *to = *from;
    buf_init(from, from->alloc, from->limit);
}

static void buf_reclaim(struct buf *buf)
{
    size_t len = buf_len(buf);
    if (buf->read > 0 && len > 0)
        memmove(buf->data, buf->data + buf->read, len);
    buf->read = 0;
    buf->write = len;
}

/* Twice the capacity, but at least what is needed and at most the limit. */
static size_t buf_next_capacity(const struct buf *buf, size_t needed)
{
    size_t doubled = buf->capacity > buf->limit / 2 ? buf->limit : buf->capacity * 2;
    size_t wanted = doubled > needed ? doubled : needed;
    if (wanted < BUF_FIRST_BYTES)
        wanted = BUF_FIRST_BYTES;
    return wanted < buf->limit ? wanted : buf->limit;
}

int buf_grow(struct buf *buf, size_t bytes)
{
    assert(buf_is_sane(buf));
    if (bytes <= buf_room(buf))
        return STATUS_OK;

    size_t len = buf_len(buf);
    if (bytes > buf->limit - len)
        return STATUS_LIMIT;

    /*
     * Moving the unread bytes is worth it while at least as many were consumed: each byte is then
     * moved at most once per byte consumed. With less, a queue that stays nearly full would be
     * moved over and over, so it grows instead, until the limit leaves no choice.
     */
    bool fits = bytes <= buf->capacity - len;
    bool worth_moving = buf->read >= len || buf->capacity == buf->limit;
    if (fits && worth_moving) {
        buf_reclaim(buf);
        return STATUS_OK;
    }

    size_t capacity = buf_next_capacity(buf, len + bytes);
    buf_reclaim(buf); /* before the block grows: consumed bytes need not be copied along */
    uint8_t *data = alloc_resize(buf->alloc, buf->data, buf->capacity, capacity);
    if (data == NULL)
        return fits ? STATUS_OK : STATUS_NOMEM; /* when it fits, the move was enough */
    buf->data = data;
    buf->capacity = capacity;
    return STATUS_OK;
}

void buf_wrote(struct buf *buf, size_t bytes)
{
    assert(bytes <= buf_room(buf));
    buf->write += bytes;
}

void buf_consume(struct buf *buf, size_t bytes)
{
    assert(bytes <= buf_len(buf));
    buf->read += bytes;
    if (buf->read == buf->write)
        buf_reset(buf);
}

int buf_append(struct buf *buf, struct slice bytes)
{
    if (bytes.len == 0)
        return STATUS_OK;
    int status = buf_reserve(buf, bytes.len);
    if (status < 0)
        return status;
    memcpy(buf_tail(buf), bytes.data, bytes.len);
    buf_wrote(buf, bytes.len);
    return STATUS_OK;
}

/*
 * vsnprintf insists on room for a final NUL, which the limit may not leave; so the text goes to a
 * block of its own and is then appended. Both callers hand in a fresh copy of the arguments.
 */
__attribute__((format(printf, 3, 0))) static int print_long(struct buf *buf, size_t len,
                                                            const char *format, va_list arguments)
{
    if (len > buf->limit - buf_len(buf))
        return STATUS_LIMIT;
    char *text = alloc_bytes(buf->alloc, len + 1);
    if (text == NULL)
        return STATUS_NOMEM;
    (void)vsnprintf(text, len + 1, format, arguments);
    int status = buf_append(buf, slice_make(text, len));
    alloc_free(buf->alloc, text, len + 1);
    return status;
}

int buf_printf(struct buf *buf, const char *format, ...)
{
    char text[BUF_PRINT_BYTES];
    va_list arguments;

    va_start(arguments, format);
    int len = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (len < 0)
        return STATUS_MALFORMED;
    if ((size_t)len < sizeof(text))
        return buf_append(buf, slice_make(text, (size_t)len));

    va_start(arguments, format);
    int status = print_long(buf, (size_t)len, format, arguments);
    va_end(arguments);
    return status;
}
