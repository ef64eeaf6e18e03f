#include "cql/stream.h"

#include <assert.h>

static struct cql_stream *slot(const struct cql_streams *streams, uint16_t id)
{
    assert(id < streams->slot_count);
    return &streams->chunks[id / CQL_STREAM_CHUNK][id % CQL_STREAM_CHUNK];
}

static void append(struct cql_streams *streams, uint16_t *first, uint16_t *last,
                   struct cql_stream *stream)
{
    stream->next = CQL_STREAM_NONE;
    if (*first == CQL_STREAM_NONE)
        *first = stream->id;
    else
        slot(streams, *last)->next = stream->id;
    *last = stream->id;
}

static struct cql_stream *remove_first(struct cql_streams *streams, uint16_t *first)
{
    struct cql_stream *stream = slot(streams, *first);

    *first = stream->next;
    stream->next = CQL_STREAM_NONE;
    return stream;
}

/* --- ids --- */

static int add_chunk(struct cql_streams *streams)
{
    uint16_t first = streams->slot_count;
    uint16_t count = CQL_STREAM_CHUNK;
    struct cql_stream *chunk =
        alloc_array(streams->alloc, CQL_STREAM_CHUNK, sizeof(struct cql_stream));

    if (chunk == NULL)
        return STATUS_NOMEM;
    if (count > streams->id_limit - first)
        count = (uint16_t)(streams->id_limit - first);
    streams->chunks[first / CQL_STREAM_CHUNK] = chunk;
    streams->slot_count = (uint16_t)(first + count);
    for (uint16_t i = 0; i < count; i++) {
        chunk[i].id = (uint16_t)(first + i);
        if (chunk[i].id != CQL_STREAM_RESERVED)
            append(streams, &streams->free_first, &streams->free_last, &chunk[i]);
    }
    return STATUS_OK;
}

int cql_streams_init(struct cql_streams *streams, const struct alloc *alloc, uint16_t max_streams)
{
    assert(max_streams > 0 && max_streams <= CQL_STREAM_MAX);
    *streams = (struct cql_streams){
        .alloc = alloc,
        .id_limit = (uint16_t)(max_streams + 1),
        .free_first = CQL_STREAM_NONE,
        .free_last = CQL_STREAM_NONE,
        .queue_first = CQL_STREAM_NONE,
        .queue_last = CQL_STREAM_NONE,
    };
    return add_chunk(streams);
}

void cql_streams_deinit(struct cql_streams *streams)
{
    for (uint16_t id = 0; id < streams->slot_count; id++)
        cql_body_unref(slot(streams, id)->body);
    for (size_t i = 0; i < CQL_STREAM_CHUNKS && streams->chunks[i] != NULL; i++)
        alloc_free(streams->alloc, streams->chunks[i],
                   CQL_STREAM_CHUNK * sizeof(struct cql_stream));
    streams->slot_count = 0;
}

int cql_streams_take(struct cql_streams *streams, struct cql_stream **stream)
{
    if (streams->free_first == CQL_STREAM_NONE) {
        if (streams->slot_count == streams->id_limit)
            return STATUS_BUSY;
        int rc = add_chunk(streams);

        if (rc < 0)
            return rc;
    }
    *stream = remove_first(streams, &streams->free_first);
    (*stream)->taken = true;
    return STATUS_OK;
}

struct cql_stream *cql_streams_take_reserved(struct cql_streams *streams)
{
    struct cql_stream *stream = slot(streams, CQL_STREAM_RESERVED);

    if (stream->taken)
        return NULL;
    stream->taken = true;
    return stream;
}

struct cql_stream *cql_streams_find(struct cql_streams *streams, int16_t id)
{
    if (id < 0 || id >= streams->slot_count)
        return NULL;
    struct cql_stream *stream = slot(streams, (uint16_t)id);
    return stream->taken && !stream->released ? stream : NULL;
}

void cql_streams_release(struct cql_streams *streams, struct cql_stream *stream)
{
    assert(stream->taken);
    stream->released = true;
    if (stream->queued)
        return;
    stream->taken = false;
    stream->released = false;
    stream->orphan = false;
    stream->tag = NULL;
    if (stream->id != CQL_STREAM_RESERVED)
        append(streams, &streams->free_first, &streams->free_last, stream);
}

/* --- the queue --- */

static struct slice body_bytes(const struct cql_stream *stream)
{
    return stream->body == NULL ? SLICE_LITERAL("") : buf_unread(&stream->body->buf);
}

void cql_streams_queue(struct cql_streams *streams, struct cql_stream *stream, uint8_t opcode,
                       uint8_t flags, struct cql_body *body)
{
    assert(stream->taken && !stream->queued);
    stream->body = body == NULL ? NULL : cql_body_ref(body);
    struct cql_header header = {
        .version = CQL_VERSION,
        .flags = flags,
        .stream = (int16_t)stream->id,
        .opcode = opcode,
        .body_bytes = (uint32_t)body_bytes(stream).len,
    };
    cql_header_write(stream->header, &header);
    stream->queued = true;
    append(streams, &streams->queue_first, &streams->queue_last, stream);
}

size_t cql_streams_output(const struct cql_streams *streams, struct slice *slices, size_t max)
{
    size_t skip = streams->first_sent;
    size_t count = 0;

    for (uint16_t id = streams->queue_first; id != CQL_STREAM_NONE;) {
        const struct cql_stream *stream = slot(streams, id);
        struct slice parts[] = {slice_make(stream->header, CQL_HEADER_BYTES), body_bytes(stream)};

        for (size_t i = 0; i < 2; i++) {
            size_t done = skip < parts[i].len ? skip : parts[i].len;

            skip -= done;
            if (done == parts[i].len)
                continue;
            if (count == max)
                return count;
            slices[count++] = slice_make(parts[i].data + done, parts[i].len - done);
        }
        id = stream->next;
    }
    return count;
}

void cql_streams_sent(struct cql_streams *streams, size_t bytes)
{
    streams->first_sent += bytes;
    while (streams->queue_first != CQL_STREAM_NONE) {
        struct cql_stream *stream = slot(streams, streams->queue_first);
        size_t frame_bytes = CQL_HEADER_BYTES + body_bytes(stream).len;

        if (streams->first_sent < frame_bytes)
            return;
        streams->first_sent -= frame_bytes;
        remove_first(streams, &streams->queue_first);
        stream->queued = false;
        cql_body_unref(stream->body);
        stream->body = NULL;
        if (stream->released)
            cql_streams_release(streams, stream);
    }
    assert(streams->first_sent == 0);
}
