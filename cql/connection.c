/*
 *   cql_connection_space/received --> [in] --> frame_take --> frame_handle --> cql_connection_next
 *                                                   |  a reply to one of our own requests
 *                                                   v
 *                                              handshake, heartbeat
 *                                                   |
 *   cql_connection_output/sent <-- [streams: queue of frames] <------------ cql_connection_send
 *
 * Requests of our own (OPTIONS, STARTUP, AUTH_RESPONSE, REGISTER) go the way of all others, with
 * the connection itself as their tag. Only the heartbeat has a stream id set aside, for it must go
 * out when all others are taken.
 *
 * Frames are decoded where they arrived. A frame's bytes are given back to `in` before its event is
 * handed out, but nothing touches them until more room is asked for.
 */
#include "cql/connection_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "cql/compression.h"

enum {
    ANSWER_VERSION = CQL_VERSION | CQL_VERSION_RESPONSE,
    STRANGE_BYTES = 64 << 10,   /* of a frame of another version, which only says why */
    READ_BYTES = 16 << 10,      /* the least room offered for a read */
    KEEP_BYTES = 1 << 20,       /* an idle input buffer above it is given back */
    SUPPORTED_BYTES = 64 << 10, /* what SUPPORTED may cost us */
    DEFAULT_FRAME_BYTES = 16 << 20,
    DEFAULT_ORPHANS = 256,
    COMPRESS_MIN_BYTES = 256,
};

static const int64_t DEFAULT_STARTUP_TIMEOUT_US = 10000000;
static const int64_t DEFAULT_HEARTBEAT_IDLE_US = 15000000;
static const int64_t DEFAULT_HEARTBEAT_TIMEOUT_US = 10000000;

/* --- state --- */

void cql_connection_change_state(struct cql_connection *connection, enum cql_connection_state to)
{
    /* Forward only; where there is no authentication or no registration, states are passed over. */
    assert(to > connection->state);
    connection->state = to;
}

void cql_connection_fail(struct cql_connection *connection, int status, const char *format, ...)
{
    va_list arguments;

    if (connection->state == CQL_STATE_FAILED)
        return;
    cql_connection_change_state(connection, CQL_STATE_FAILED);
    connection->status = status;
    va_start(arguments, format);
    (void)vsnprintf(connection->text, sizeof(connection->text), format, arguments);
    va_end(arguments);
    /* The node's words are in it: they may not break a line of the log. */
    for (char *c = connection->text; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
}

/* --- frames in --- */

static bool first_byte_fits(struct cql_connection *connection, uint8_t version)
{
    if ((version & CQL_VERSION_RESPONSE) == 0)
        cql_connection_fail(connection, STATUS_MALFORMED,
                            version == 0x15
                                ? "no CQL: the node answers with TLS (first byte 0x%02x)"
                                : "no CQL response (first byte 0x%02x)",
                            version);
    else if ((version & 0x7f) < 3) /* their header has another length */
        cql_connection_fail(connection, STATUS_UNSUPPORTED,
                            "node speaks protocol v%d; v4 is needed", version & 0x7f);
    else if ((version & 0x7f) != CQL_VERSION && connection->state == CQL_STATE_RUNNING)
        cql_connection_fail(connection, STATUS_MALFORMED, "node changed from protocol v4 to v%d",
                            version & 0x7f);
    return connection->state != CQL_STATE_FAILED;
}

/* A node that does not take our version answers in its own, and says in words what it would take.
 */
static void fail_version(struct cql_connection *connection, const struct cql_header *header,
                         struct slice body)
{
    struct cql_error error = {.message = SLICE_LITERAL("")};

    if (header->opcode != CQL_ERROR || cql_error_decode(body, &error) < 0)
        error.message = SLICE_LITERAL("no reason given");
    int version = header->version & 0x7f;
    cql_connection_fail(connection, STATUS_UNSUPPORTED,
                        "node speaks protocol v%d; v4 is needed (%s): %.*s", version,
                        version < CQL_VERSION ? "Cassandra 3.0 or newer, ScyllaDB"
                                              : "native_transport_allow_older_protocols: false?",
                        cql_quote_len(error.message), (const char *)error.message.data);
}

/* The next whole frame; false: it is not there yet, or the connection has failed. */
static bool frame_take(struct cql_connection *connection, struct cql_header *header,
                       struct slice *body)
{
    struct slice unread = buf_unread(&connection->in);

    if (unread.len == 0 || !first_byte_fits(connection, unread.data[0]))
        return false;
    if (unread.len < CQL_HEADER_BYTES)
        return false;
    *header = cql_header_read(unread.data);
    if (header->version != ANSWER_VERSION && header->body_bytes > STRANGE_BYTES) {
        fail_version(connection, header, SLICE_LITERAL(""));
        return false;
    }
    if (header->body_bytes > connection->config.max_frame_bytes) {
        cql_connection_fail(connection, STATUS_LIMIT,
                            "frame of %" PRIu32 " bytes from the node, the limit is %zu",
                            header->body_bytes, connection->config.max_frame_bytes);
        return false;
    }
    if (unread.len - CQL_HEADER_BYTES < header->body_bytes)
        return false;
    *body = slice_make(unread.data + CQL_HEADER_BYTES, header->body_bytes);
    buf_consume(&connection->in, CQL_HEADER_BYTES + header->body_bytes);
    return true;
}

static bool push_handle(struct cql_connection *connection, const struct cql_header *header,
                        struct slice body, struct cql_event *event)
{
    if (header->opcode != CQL_EVENT) {
        cql_connection_fail(connection, STATUS_MALFORMED, "%s on stream %d, where only events come",
                            cql_opcode_name(header->opcode), header->stream);
        return false;
    }
    event->kind = CQL_EVENT_PUSH;
    int rc = cql_event_decode(body, &event->push);
    if (rc < 0)
        cql_connection_fail(connection, STATUS_MALFORMED, "EVENT %s", status_text(rc));
    return rc == STATUS_OK;
}

/* `event` has all that is common to responses; true: it is to be handed out. */
static bool reply_handle(struct cql_connection *connection, const struct cql_header *header,
                         struct cql_event *event)
{
    struct cql_stream *stream = cql_streams_find(&connection->streams, header->stream);

    if (stream == NULL) {
        cql_connection_fail(connection, STATUS_MALFORMED,
                            "%s on stream %d, where nothing was asked",
                            cql_opcode_name(header->opcode), header->stream);
        return false;
    }
    uint8_t request = cql_header_read(stream->header).opcode;
    if (!cql_opcode_answers(request, header->opcode)) {
        cql_connection_fail(connection, STATUS_MALFORMED, "%s in answer to %s",
                            cql_opcode_name(header->opcode), cql_opcode_name(request));
        return false;
    }
    void *tag = stream->tag;
    bool orphan = stream->orphan;
    cql_streams_release(&connection->streams, stream);
    if (orphan) {
        connection->orphans--;
        return false;
    }
    if (tag == connection) {
        bool was_running = connection->state == CQL_STATE_RUNNING;

        cql_handshake_reply(connection, header->opcode, event->body, &event->error);
        *event = (struct cql_event){.kind = CQL_EVENT_READY};
        return !was_running && connection->state == CQL_STATE_RUNNING;
    }
    connection->pending--;
    event->kind = CQL_EVENT_RESPONSE;
    event->tag = tag;
    event->opcode = header->opcode;
    return true;
}

/* The plain body in place of the compressed one, until the next frame. */
static bool decompress(struct cql_connection *connection, const struct cql_header *header,
                       struct slice *body)
{
    struct buf *plain = &connection->plain;

    if (!connection->compresses) {
        cql_connection_fail(connection, STATUS_MALFORMED,
                            "compressed frame, which was not agreed on");
        return false;
    }
    if (plain->capacity > KEEP_BYTES)
        buf_deinit(plain);
    buf_reset(plain);
    int rc = cql_lz4_decompress(*body, connection->config.max_frame_bytes, plain);
    if (rc < 0)
        cql_connection_fail(connection, rc, "%s cannot be decompressed: %s",
                            cql_opcode_name(header->opcode), status_text(rc));
    *body = buf_len(plain) == 0 ? SLICE_LITERAL("") : buf_unread(plain);
    return rc == STATUS_OK;
}

static bool frame_handle(struct cql_connection *connection, const struct cql_header *header,
                         struct slice body, struct cql_event *event)
{
    const struct cql_message *message = cql_opcode_find(header->opcode);
    struct cql_prefix prefix;
    int rc;

    if (header->version != ANSWER_VERSION) {
        fail_version(connection, header, body);
        return false;
    }
    if (message == NULL || message->direction != CQL_FROM_NODE) {
        cql_connection_fail(connection, STATUS_MALFORMED, "opcode 0x%02x from the node",
                            header->opcode);
        return false;
    }
    if ((header->flags & CQL_FLAG_COMPRESSION) != 0 && !decompress(connection, header, &body))
        return false;
    if ((rc = cql_prefix_decode(&body, header->flags, &prefix)) < 0) {
        cql_connection_fail(connection, STATUS_MALFORMED, "%s: its prefix %s", message->name,
                            status_text(rc));
        return false;
    }
    if (header->opcode == CQL_ERROR && (rc = cql_error_decode(body, &event->error)) < 0) {
        cql_connection_fail(connection, STATUS_MALFORMED, "ERROR %s", status_text(rc));
        return false;
    }
    if (header->opcode == CQL_ERROR && event->error.code == CQL_ERROR_PROTOCOL) {
        /* Nodes stay connected after it, but some kinds leave them deaf. */
        cql_connection_fail(connection, STATUS_REFUSED, "protocol error from the node: %.*s",
                            cql_quote_len(event->error.message),
                            (const char *)event->error.message.data);
        return false;
    }
    if (header->stream < 0)
        return push_handle(connection, header, body, event);
    event->body = body;
    event->warnings = prefix.warnings;
    event->payload = prefix.payload;
    event->traced = (header->flags & CQL_FLAG_TRACING) != 0;
    memcpy(event->tracing_id, prefix.tracing_id, sizeof(event->tracing_id));
    return reply_handle(connection, header, event);
}

bool cql_connection_next(struct cql_connection *connection, struct cql_event *event)
{
    struct cql_header header;
    struct slice body;

    while (connection->state != CQL_STATE_FAILED && frame_take(connection, &header, &body)) {
        *event = (struct cql_event){0};
        if (frame_handle(connection, &header, body, event))
            return true;
    }
    *event = (struct cql_event){0};
    if (connection->state != CQL_STATE_FAILED || connection->failure_told)
        return false;
    connection->failure_told = true;
    event->kind = CQL_EVENT_FAILED;
    event->status = connection->status;
    event->text = connection->text;
    return true;
}

uint8_t *cql_connection_space(struct cql_connection *connection, size_t *room)
{
    struct buf *in = &connection->in;
    size_t held = buf_len(in);

    *room = 0;
    if (connection->state == CQL_STATE_FAILED)
        return NULL;
    if (held == 0 && in->capacity > KEEP_BYTES)
        buf_deinit(in);
    if (buf_room(in) < READ_BYTES) {
        /* Doubling, by what has come and never by what was promised. */
        size_t wanted = held > READ_BYTES ? held : READ_BYTES;

        if (wanted > in->limit - held)
            wanted = in->limit - held;
        if (wanted > buf_room(in) && buf_reserve(in, wanted) < 0) {
            cql_connection_fail(connection, STATUS_NOMEM, "out of memory");
            return NULL;
        }
    }
    *room = buf_room(in);
    return buf_tail(in);
}

void cql_connection_received(struct cql_connection *connection, size_t bytes, int64_t now_us)
{
    connection->now_us = now_us;
    if (connection->state == CQL_STATE_FAILED || bytes == 0)
        return;
    connection->read_us = now_us;
    buf_wrote(&connection->in, bytes);
}

/* --- requests out --- */

/* A copy of the body that is smaller; NULL: it has to go as it is. Memory that is out is no reason
 * to fail, for the plain body is there. */
static struct cql_body *compress(const struct cql_connection *connection,
                                 const struct cql_body *body)
{
    if (body == NULL || buf_len(&body->buf) < COMPRESS_MIN_BYTES)
        return NULL;
    struct slice plain = buf_unread(&body->buf);
    struct cql_body *packed = cql_body_new(connection->config.alloc, plain.len);
    if (packed == NULL || cql_lz4_compress(plain, &packed->buf) == STATUS_OK)
        return packed;
    cql_body_unref(packed);
    return NULL;
}

int cql_connection_send(struct cql_connection *connection, uint8_t opcode, struct cql_body *body,
                        void *tag, int64_t now_us, uint16_t *stream_id)
{
    struct cql_stream *stream;

    assert(tag != NULL && tag != connection);
    connection->now_us = now_us;
    if (connection->state != CQL_STATE_RUNNING)
        return STATUS_CLOSED;
    if (body != NULL && buf_len(&body->buf) > CQL_BODY_BYTES_MAX)
        return STATUS_LIMIT;
    int rc = cql_streams_take(&connection->streams, &stream);
    if (rc < 0)
        return rc;
    stream->tag = tag;
    struct cql_body *packed = connection->compresses ? compress(connection, body) : NULL;
    if (packed != NULL) {
        cql_streams_queue(&connection->streams, stream, opcode, CQL_FLAG_COMPRESSION, packed);
        cql_body_unref(packed);
    } else {
        cql_streams_queue(&connection->streams, stream, opcode, 0, body);
    }
    connection->pending++;
    *stream_id = stream->id;
    return STATUS_OK;
}

void cql_connection_trace(struct cql_connection *connection, uint16_t stream_id)
{
    struct cql_stream *stream = cql_streams_find(&connection->streams, (int16_t)stream_id);

    assert(stream != NULL && stream->queued);
    stream->header[1] |= CQL_FLAG_TRACING;
}

void cql_connection_orphan(struct cql_connection *connection, uint16_t stream_id)
{
    assert(stream_id <= CQL_STREAM_MAX);
    struct cql_stream *stream = cql_streams_find(&connection->streams, (int16_t)stream_id);

    if (stream == NULL || stream->orphan || stream->tag == connection)
        return;
    stream->orphan = true;
    connection->pending--;
    connection->orphans++;
    if (connection->orphans > connection->config.max_orphans)
        cql_connection_fail(connection, STATUS_TIMEOUT, "%zu requests without an answer in time",
                            connection->orphans);
}

void cql_connection_retag(struct cql_connection *connection, uint16_t stream_id, void *tag)
{
    struct cql_stream *stream = cql_streams_find(&connection->streams, (int16_t)stream_id);

    assert(stream != NULL && !stream->orphan && stream->tag != connection);
    stream->tag = tag;
}

size_t cql_connection_pending(const struct cql_connection *connection)
{
    return connection->pending;
}

void *cql_connection_take_pending(struct cql_connection *connection)
{
    if (connection->state != CQL_STATE_FAILED) {
        cql_connection_fail(connection, STATUS_CLOSED, "connection closed");
        connection->failure_told = true;
    }
    while (connection->pending_at < connection->streams.slot_count) {
        struct cql_stream *stream =
            cql_streams_find(&connection->streams, (int16_t)connection->pending_at++);

        if (stream == NULL || stream->orphan || stream->tag == connection)
            continue;
        void *tag = stream->tag;
        cql_streams_release(&connection->streams, stream);
        connection->pending--;
        return tag;
    }
    return NULL;
}

size_t cql_connection_output(struct cql_connection *connection, struct slice *slices, size_t max)
{
    if (connection->state == CQL_STATE_FAILED)
        return 0;
    return cql_streams_output(&connection->streams, slices, max);
}

void cql_connection_sent(struct cql_connection *connection, size_t bytes)
{
    cql_streams_sent(&connection->streams, bytes);
}

/* --- time --- */

/* A node that says anything is alive, so every read puts both off. */
int64_t cql_connection_deadline_us(const struct cql_connection *connection)
{
    const struct cql_connection_config *config = &connection->config;

    if (connection->state == CQL_STATE_FAILED)
        return connection->failure_told ? INT64_MAX : connection->now_us;
    if (connection->state != CQL_STATE_RUNNING)
        return connection->opened_us + config->startup_timeout_us;
    if (connection->heartbeat_us == 0)
        return connection->read_us + config->heartbeat_idle_us;
    return (connection->read_us > connection->heartbeat_us ? connection->read_us
                                                           : connection->heartbeat_us) +
           config->heartbeat_timeout_us;
}

static void heartbeat(struct cql_connection *connection)
{
    struct cql_stream *stream = cql_streams_take_reserved(&connection->streams);

    if (stream == NULL) { /* the last one was answered before its bytes were reported as sent */
        connection->read_us = connection->now_us;
        return;
    }
    stream->tag = connection;
    cql_streams_queue(&connection->streams, stream, CQL_OPTIONS, 0, NULL);
    connection->heartbeat_us = connection->now_us;
}

void cql_connection_tick(struct cql_connection *connection, int64_t now_us)
{
    connection->now_us = now_us;
    if (connection->state == CQL_STATE_FAILED || now_us < cql_connection_deadline_us(connection))
        return;
    if (connection->state != CQL_STATE_RUNNING)
        cql_connection_fail(connection, STATUS_TIMEOUT,
                            "node did not complete the connection in %" PRId64 " ms",
                            connection->config.startup_timeout_us / 1000);
    else if (connection->heartbeat_us == 0)
        heartbeat(connection);
    else
        cql_connection_fail(connection, STATUS_TIMEOUT,
                            "node is silent: no answer to a heartbeat in %" PRId64 " ms",
                            connection->config.heartbeat_timeout_us / 1000);
}

/* --- life --- */

static void apply_defaults(struct cql_connection_config *config)
{
    if (config->max_frame_bytes == 0)
        config->max_frame_bytes = DEFAULT_FRAME_BYTES;
    if (config->max_frame_bytes > CQL_BODY_BYTES_MAX)
        config->max_frame_bytes = CQL_BODY_BYTES_MAX;
    if (config->max_streams == 0 || config->max_streams > CQL_STREAM_MAX)
        config->max_streams = CQL_STREAM_MAX;
    if (config->max_orphans == 0)
        config->max_orphans = DEFAULT_ORPHANS;
    if (config->startup_timeout_us == 0)
        config->startup_timeout_us = DEFAULT_STARTUP_TIMEOUT_US;
    if (config->heartbeat_idle_us == 0)
        config->heartbeat_idle_us = DEFAULT_HEARTBEAT_IDLE_US;
    if (config->heartbeat_timeout_us == 0)
        config->heartbeat_timeout_us = DEFAULT_HEARTBEAT_TIMEOUT_US;
}

struct cql_connection *cql_connection_new(const struct cql_connection_config *config,
                                          int64_t now_us)
{
    struct cql_connection *connection = alloc_zeroed(config->alloc, sizeof(*connection));

    if (connection == NULL)
        return NULL;
    connection->config = *config;
    apply_defaults(&connection->config);
    connection->now_us = now_us;
    connection->opened_us = now_us;
    connection->read_us = now_us;
    buf_init(&connection->in, config->alloc,
             connection->config.max_frame_bytes + CQL_HEADER_BYTES + READ_BYTES);
    buf_init(&connection->plain, config->alloc, connection->config.max_frame_bytes);
    arena_init(&connection->arena, config->alloc, 1024, SUPPORTED_BYTES);
    if (cql_streams_init(&connection->streams, config->alloc, connection->config.max_streams) < 0) {
        alloc_free(config->alloc, connection, sizeof(*connection));
        return NULL;
    }
    cql_handshake_begin(connection);
    return connection;
}

void cql_connection_free(struct cql_connection *connection)
{
    if (connection == NULL)
        return;
    cql_streams_deinit(&connection->streams);
    buf_deinit(&connection->in);
    buf_deinit(&connection->plain);
    arena_deinit(&connection->arena);
    alloc_free(connection->config.alloc, connection, sizeof(*connection));
}

bool cql_connection_compresses(const struct cql_connection *connection)
{
    return connection->compresses;
}

struct slice cql_connection_supported(const struct cql_connection *connection, const char *key)
{
    struct slice wanted = slice_cstr(key);

    for (size_t i = 0; i < connection->supported_count; i++)
        if (slice_equal(connection->supported[i].key, wanted))
            return connection->supported[i].value;
    return SLICE_NULL;
}
