/*
 * The requests of one connection, by stream id, and the order in which their frames leave.
 *
 *      free ids ----take----> taken and queued ----all bytes sent----> taken ----release----> free
 * ids
 *
 * An id whose reply came while its frame was still queued is released when the frame has left. Free
 * ids go round in turn, so that a second reply to one request most likely finds no request. Slots
 * live in chunks that never move: a frame's header is sent from its slot.
 */
#ifndef CQL_STREAM_H
#define CQL_STREAM_H

#include "cql/connection.h"
#include "cql/frame.h"

enum {
    CQL_STREAM_CHUNK = 128, /* slots that are allocated together */
    CQL_STREAM_CHUNKS = (CQL_STREAM_MAX + 1) / CQL_STREAM_CHUNK,
    CQL_STREAM_RESERVED = 0, /* never given by _take */
    CQL_STREAM_NONE = UINT16_MAX,
};

struct cql_stream {
    void *tag;
    struct cql_body *body; /* one reference, until the frame has left; NULL: empty */
    uint16_t id;
    uint16_t next; /* in the list of free ids or in the queue */
    bool taken;
    bool queued;   /* not all bytes have left */
    bool released; /* while queued: free when they have */
    bool orphan;
    uint8_t header[CQL_HEADER_BYTES];
};

struct cql_streams {
    const struct alloc *alloc;
    struct cql_stream *chunks[CQL_STREAM_CHUNKS];
    uint16_t slot_count; /* ids below it have a slot */
    uint16_t id_limit;   /* ids are below it */
    uint16_t free_first, free_last;
    uint16_t queue_first, queue_last;
    size_t first_sent; /* bytes of the first queued frame that have left */
};

/* `max_streams` ids can be taken; the reserved one comes on top. NOMEM. */
MUST_CHECK int cql_streams_init(struct cql_streams *streams, const struct alloc *alloc,
                                uint16_t max_streams);
void cql_streams_deinit(struct cql_streams *streams);

/* BUSY: all ids are taken. NOMEM. */
MUST_CHECK int cql_streams_take(struct cql_streams *streams, struct cql_stream **stream);
/* The reserved one; NULL when it is taken. */
struct cql_stream *cql_streams_take_reserved(struct cql_streams *streams);
/* NULL: no request waits for a reply on it. */
struct cql_stream *cql_streams_find(struct cql_streams *streams, int16_t id);
void cql_streams_release(struct cql_streams *streams, struct cql_stream *stream);

/* Appends the frame to the queue: its header (flags: enum cql_flag) and the body, of which it takes
 * a reference. */
void cql_streams_queue(struct cql_streams *streams, struct cql_stream *stream, uint8_t opcode,
                       uint8_t flags, struct cql_body *body);
size_t cql_streams_output(const struct cql_streams *streams, struct slice *slices, size_t max);
void cql_streams_sent(struct cql_streams *streams, size_t bytes);

#endif
