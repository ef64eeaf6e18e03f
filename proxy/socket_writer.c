#include "socket_writer.h"

#include <assert.h>
#include <stdlib.h>

#define ASIDE_BYTES ((size_t)16 * 1024)

void socket_writer_init(struct socket_writer *writer, uv_stream_t *stream,
                        void (*drained)(void *context, int uv_status), void *context)
{
    *writer = (struct socket_writer){.stream = stream, .drained = drained, .context = context};
}

static void on_written(uv_write_t *request, int status)
{
    struct socket_writer *writer = request->data;
    free(writer->aside);
    writer->aside = NULL;
    writer->drained(writer->context, status);
}

/* Copies up to ASIDE_BYTES of the slices, from `skip` on, and leaves them to libuv. */
static ssize_t put_aside(struct socket_writer *writer, const struct slice *slices, size_t count,
                         size_t skip)
{
    writer->aside = malloc(ASIDE_BYTES);
    if (writer->aside == NULL)
        return UV_ENOMEM;
    size_t held = 0;
    for (size_t i = 0; i < count && held < ASIDE_BYTES; i++) {
        if (skip >= slices[i].len) {
            skip -= slices[i].len;
            continue;
        }
        size_t bytes = slices[i].len - skip;
        if (bytes > ASIDE_BYTES - held)
            bytes = ASIDE_BYTES - held;
        memcpy(writer->aside + held, slices[i].data + skip, bytes);
        held += bytes;
        skip = 0;
    }
    uv_buf_t piece = uv_buf_init((char *)writer->aside, (unsigned)held);
    writer->request.data = writer;
    int rc = uv_write(&writer->request, writer->stream, &piece, 1, on_written);
    if (rc == 0)
        return (ssize_t)held;
    free(writer->aside);
    writer->aside = NULL;
    return rc;
}

ssize_t socket_writer_push(struct socket_writer *writer, const struct slice *slices, size_t count)
{
    assert(writer->aside == NULL);
    uv_buf_t bufs[WRITER_MAX_SLICES];
    size_t total = 0;
    if (count > WRITER_MAX_SLICES)
        count = WRITER_MAX_SLICES;
    for (size_t i = 0; i < count; i++) {
        /* libuv's type is not const, but writing does not change the bytes */
        bufs[i] = uv_buf_init((char *)(uintptr_t)slices[i].data, (unsigned)slices[i].len);
        total += slices[i].len;
    }
    if (total == 0)
        return 0;
    ssize_t sent = uv_try_write(writer->stream, bufs, (unsigned)count);
    if (sent == UV_EAGAIN)
        sent = 0;
    if (sent < 0 || (size_t)sent == total)
        return sent;
    ssize_t held = put_aside(writer, slices, count, (size_t)sent);
    return held < 0 ? held : sent + held;
}
