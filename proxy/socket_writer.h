/*
 * Writes a connection's output without keeping a hand on its memory.
 *
 * What the kernel takes at once is taken from where it lies. Only when the kernel's buffer is full
 * is a small piece (at most 16 KiB) copied aside and left to libuv, so that we hear when the socket
 * takes bytes again. So the core may grow or move its output at any time: nobody borrows it beyond
 * one call. The rejected alternative, handing libuv the whole remainder, makes every output buffer
 * immovable for an unknown time.
 */
#ifndef PROXY_SOCKET_WRITER_H
#define PROXY_SOCKET_WRITER_H

#include "proto/slice.h"
#include "proto/status.h"

#include <uv.h>

#define WRITER_MAX_SLICES 64

struct socket_writer {
    uv_stream_t *stream;
    void (*drained)(void *context, int uv_status); /* the piece aside is sent, or never will be */
    void *context;
    uv_write_t request;
    uint8_t *aside; /* not NULL: busy */
};

void socket_writer_init(struct socket_writer *writer, uv_stream_t *stream,
                        void (*drained)(void *context, int uv_status), void *context);
/* A piece is on its way; `drained` tells when it is not. */
static inline bool socket_writer_busy(const struct socket_writer *writer)
{
    return writer->aside != NULL;
}
/* Takes bytes from the front of the slices, in order; only when not busy. Returns how many were
 * taken (fewer than offered: it is busy now), or a negative libuv error: the connection is lost. */
MUST_CHECK ssize_t socket_writer_push(struct socket_writer *writer, const struct slice *slices,
                                      size_t count);

#endif
