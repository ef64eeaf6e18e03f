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
#include "cql/connection.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "cql/auth.h"
#include "cql/startup.h"
#include "cql/stream.h"

enum {
    ANSWER_VERSION = CQL_VERSION | CQL_VERSION_RESPONSE,
    READ_BYTES = 16 << 10,      /* the least room offered for a read */
    KEEP_BYTES = 1 << 20,       /* an idle input buffer above it is given back */
    SUPPORTED_BYTES = 64 << 10, /* what SUPPORTED may cost us */
    STARTUP_BYTES = 64 << 10,   /* of a request of our own */
    DEFAULT_FRAME_BYTES = 16 << 20,
    DEFAULT_ORPHANS = 256,
    TEXT_BYTES = 320,
    QUOTE_BYTES = 200, /* of the node's words in ours */
};

static const int64_t DEFAULT_STARTUP_TIMEOUT_US = 10000000;
static const int64_t DEFAULT_HEARTBEAT_IDLE_US = 15000000;
static const int64_t DEFAULT_HEARTBEAT_TIMEOUT_US = 10000000;

enum state {
    EXPECT_SUPPORTED,
    EXPECT_READY,        /* or AUTHENTICATE */
    EXPECT_AUTH_SUCCESS, /* or AUTH_CHALLENGE */
    EXPECT_REGISTERED,
    RUNNING,
    FAILED,
};

struct cql_connection {
    struct cql_connection_config config;
    enum state state;
    struct buf in;
    struct cql_streams streams;
    size_t pending;
    size_t orphans;
    uint16_t pending_at; /* cql_connection_take_pending has looked at all ids below */
    int64_t now_us;
    int64_t opened_us;
    int64_t read_us;      /* when bytes came last */
    int64_t heartbeat_us; /* when the one under way was sent; 0: none is */
    struct arena arena;   /* of what SUPPORTED said */
    struct cql_pair *supported;
    uint16_t supported_count;
    enum cql_auth_kind auth;
    int status;
    bool failure_told;
    char text[TEXT_BYTES];
};

/* --- state --- */

static void change_state(struct cql_connection *connection, enum state to)
{
    /* Forward only; where there is no authentication or no registration, states are passed over. */
    assert(to > connection->state);
    connection->state = to;
}

__attribute__((format(printf, 3, 4))) static void fail(struct cql_connection *connection,
                                                       int status, const char *format, ...)
{
    va_list arguments;

    if (connection->state == FAILED)
        return;
    change_state(connection, FAILED);
    connection->status = status;
    va_start(arguments, format);
    (void)vsnprintf(connection->text, sizeof(connection->text), format, arguments);
    va_end(arguments);
    /* The node's words are in it: they may not break a line of the log. */
    for (char *c = connection->text; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
}

/* For "%.*s". */
static int quote_len(struct slice text)
{
    return text.len < QUOTE_BYTES ? (int)text.len : QUOTE_BYTES;
}

static void fail_memory(struct cql_connection *connection)
{
    fail(connection, STATUS_NOMEM, "out of memory");
}

/* --- requests of our own --- */

/* Drops the caller's reference on body; NULL: an empty one. */
static void send_own(struct cql_connection *connection, uint8_t opcode, struct cql_body *body)
{
    struct cql_stream *stream;
    int rc = cql_streams_take(&connection->streams, &stream);

    if (rc < 0) {
        fail(connection, rc, "%s could not be sent: %s", cql_opcode_name(opcode), status_text(rc));
    } else {
        stream->tag = connection;
        cql_streams_queue(&connection->streams, stream, opcode, body);
    }
    cql_body_unref(body);
}

static void send_walk(struct cql_connection *connection, uint8_t opcode, cql_walk walk,
                      void *message)
{
    struct cql_body *body = cql_body_new(connection->config.alloc, STARTUP_BYTES);
    struct wire wire;

    if (body == NULL) {
        fail_memory(connection);
        return;
    }
    wire_init_encode(&wire, &body->buf);
    walk(&wire, message);
    if (wire.error == STATUS_OK) {
        send_own(connection, opcode, body);
        return;
    }
    fail(connection, wire.error, "%s could not be sent: %s", cql_opcode_name(opcode),
         status_text(wire.error));
    cql_body_unref(body);
}

static void send_startup(struct cql_connection *connection)
{
    struct cql_pair options[4];
    uint16_t count = 0;

    options[count++] = (struct cql_pair){SLICE_LITERAL("DRIVER_NAME"), SLICE_LITERAL("sluice")};
    if (connection->config.client_version != NULL)
        options[count++] = (struct cql_pair){SLICE_LITERAL("DRIVER_VERSION"),
                                             slice_cstr(connection->config.client_version)};
    /* Overloaded nodes are to say so at once: a paused socket would only fill our own queue. */
    options[count++] = (struct cql_pair){SLICE_LITERAL("THROW_ON_OVERLOAD"), SLICE_LITERAL("1")};
    options[count++] = (struct cql_pair){SLICE_LITERAL("CQL_VERSION"), SLICE_LITERAL("3.0.0")};
    struct cql_startup startup = {options, count};

    send_walk(connection, CQL_STARTUP, cql_startup_walk, &startup);
}

static void send_register(struct cql_connection *connection)
{
    struct slice events[] = {
        SLICE_LITERAL("TOPOLOGY_CHANGE"),
        SLICE_LITERAL("STATUS_CHANGE"),
        SLICE_LITERAL("SCHEMA_CHANGE"),
    };
    struct cql_register registration = {events, 3};

    send_walk(connection, CQL_REGISTER, cql_register_walk, &registration);
}

static void send_password(struct cql_connection *connection)
{
    struct cql_body *body = cql_body_new(connection->config.alloc, 2 * STARTUP_BYTES + 6);

    if (body == NULL) {
        fail_memory(connection);
        return;
    }
    int rc =
        cql_auth_plain_encode(&body->buf, connection->config.user, connection->config.password);
    if (rc == STATUS_OK) {
        send_own(connection, CQL_AUTH_RESPONSE, body);
        return;
    }
    fail(connection, rc, "AUTH_RESPONSE could not be sent: %s", status_text(rc));
    cql_body_unref(body);
}

/* --- opening: replies to requests of our own --- */

/* A node that says no may say yes later, or never: the status tells. */
static void fail_refused(struct cql_connection *connection, const struct cql_error *error)
{
    int quote = quote_len(error->message);
    const char *message = (const char *)error->message.data;

    if (error->code == CQL_ERROR_CREDENTIALS)
        fail(connection, STATUS_REFUSED, "authentication refused: %.*s", quote, message);
    else if (error->code == CQL_ERROR_OVERLOADED || error->code == CQL_ERROR_BOOTSTRAPPING ||
             error->code == CQL_ERROR_SERVER)
        fail(connection, STATUS_BUSY, "node does not take connections now: %s: %.*s",
             cql_error_text(error->code), quote, message);
    else
        fail(connection, STATUS_REFUSED, "connection refused: %s: %.*s",
             cql_error_text(error->code), quote, message);
}

static void opened(struct cql_connection *connection)
{
    if (connection->config.register_events && connection->state < EXPECT_REGISTERED) {
        change_state(connection, EXPECT_REGISTERED);
        send_register(connection);
    } else {
        change_state(connection, RUNNING);
    }
}

static void authenticate(struct cql_connection *connection, struct slice body)
{
    struct cql_authenticate message = {0};
    struct cql_auth_token mechanism = {SLICE_LITERAL("PLAIN")};
    struct wire wire;

    wire_init_decode(&wire, body, NULL);
    cql_authenticate_walk(&wire, &message);
    if (wire.error != STATUS_OK) {
        fail(connection, STATUS_MALFORMED, "AUTHENTICATE %s", status_text(wire.error));
        return;
    }
    connection->auth = cql_auth_kind(message.class_name);
    if (connection->config.user == NULL) {
        fail(connection, STATUS_REFUSED,
             "node asks for a user and a password (%.*s); none is configured",
             quote_len(message.class_name), (const char *)message.class_name.data);
        return;
    }
    if (connection->auth == CQL_AUTH_UNKNOWN) {
        fail(connection, STATUS_UNSUPPORTED,
             "node asks for authentication by %.*s, which is not known; the password was not sent",
             quote_len(message.class_name), (const char *)message.class_name.data);
        return;
    }
    change_state(connection, EXPECT_AUTH_SUCCESS);
    if (connection->auth == CQL_AUTH_DSE)
        send_walk(connection, CQL_AUTH_RESPONSE, cql_auth_token_walk, &mechanism);
    else
        send_password(connection);
}

static void challenged(struct cql_connection *connection, struct slice body)
{
    struct cql_auth_token challenge = {0};
    struct wire wire;

    wire_init_decode(&wire, body, NULL);
    cql_auth_token_walk(&wire, &challenge);
    if (wire.error == STATUS_OK && connection->auth == CQL_AUTH_DSE &&
        slice_equal(challenge.token, SLICE_LITERAL("PLAIN-START"))) {
        connection->auth = CQL_AUTH_PLAIN; /* once */
        send_password(connection);
        return;
    }
    fail(connection, STATUS_UNSUPPORTED, "node asks for more than a user and a password");
}

/* `opcode` is a proper answer to what was asked; in RUNNING that was a heartbeat, and any answer
 * will do. */
static void own_reply(struct cql_connection *connection, uint8_t opcode, struct slice body,
                      const struct cql_error *error)
{
    if (connection->state == RUNNING) {
        connection->heartbeat_us = 0;
    } else if (opcode == CQL_ERROR) {
        fail_refused(connection, error);
    } else if (opcode == CQL_SUPPORTED) {
        int rc = cql_supported_copy(body, &connection->arena, &connection->supported,
                                    &connection->supported_count);
        if (rc < 0) {
            fail(connection, rc, "SUPPORTED %s", status_text(rc));
            return;
        }
        change_state(connection, EXPECT_READY);
        send_startup(connection);
    } else if (opcode == CQL_AUTHENTICATE) {
        authenticate(connection, body);
    } else if (opcode == CQL_AUTH_CHALLENGE) {
        challenged(connection, body);
    } else {
        opened(connection); /* READY, AUTH_SUCCESS */
    }
}

/* --- frames in --- */

static bool first_byte_fits(struct cql_connection *connection, uint8_t version)
{
    if ((version & CQL_VERSION_RESPONSE) == 0)
        fail(connection, STATUS_MALFORMED,
             version == 0x15 ? "no CQL: the node answers with TLS (first byte 0x%02x)"
                             : "no CQL response (first byte 0x%02x)",
             version);
    else if ((version & 0x7f) < 3) /* their header has another length */
        fail(connection, STATUS_UNSUPPORTED, "node speaks protocol v%d; v4 is needed",
             version & 0x7f);
    else if ((version & 0x7f) != CQL_VERSION && connection->state == RUNNING)
        fail(connection, STATUS_MALFORMED, "node changed from protocol v4 to v%d", version & 0x7f);
    return connection->state != FAILED;
}

/* A node that does not take our version answers in its own, and says in words what it would take.
 */
static void fail_version(struct cql_connection *connection, const struct cql_header *header,
                         struct slice body)
{
    struct cql_error error = {.message = SLICE_LITERAL("")};

    if (header->opcode != CQL_ERROR || cql_error_decode(body, &error) < 0)
        error.message = SLICE_LITERAL("no reason given");
    fail(connection, STATUS_UNSUPPORTED,
         "node speaks protocol v%d; v4 is needed "
         "(native_transport_allow_older_protocols: false?): %.*s",
         header->version & 0x7f, quote_len(error.message), (const char *)error.message.data);
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
    if (header->version != ANSWER_VERSION && header->body_bytes > STARTUP_BYTES) {
        fail_version(connection, header, SLICE_LITERAL(""));
        return false;
    }
    if (header->body_bytes > connection->config.max_frame_bytes) {
        fail(connection, STATUS_LIMIT, "frame of %" PRIu32 " bytes from the node, the limit is %zu",
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
        fail(connection, STATUS_MALFORMED, "%s on stream %d, where only events come",
             cql_opcode_name(header->opcode), header->stream);
        return false;
    }
    event->kind = CQL_EVENT_PUSH;
    int rc = cql_event_decode(body, &event->push);
    if (rc < 0)
        fail(connection, STATUS_MALFORMED, "EVENT %s", status_text(rc));
    return rc == STATUS_OK;
}

/* `event` has all that is common to responses; true: it is to be handed out. */
static bool reply_handle(struct cql_connection *connection, const struct cql_header *header,
                         struct cql_event *event)
{
    struct cql_stream *stream = cql_streams_find(&connection->streams, header->stream);

    if (stream == NULL) {
        fail(connection, STATUS_MALFORMED, "%s on stream %d, where nothing was asked",
             cql_opcode_name(header->opcode), header->stream);
        return false;
    }
    uint8_t request = cql_header_read(stream->header).opcode;
    if (!cql_opcode_answers(request, header->opcode)) {
        fail(connection, STATUS_MALFORMED, "%s in answer to %s", cql_opcode_name(header->opcode),
             cql_opcode_name(request));
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
        bool was_running = connection->state == RUNNING;

        own_reply(connection, header->opcode, event->body, &event->error);
        *event = (struct cql_event){.kind = CQL_EVENT_READY};
        return !was_running && connection->state == RUNNING;
    }
    connection->pending--;
    event->kind = CQL_EVENT_RESPONSE;
    event->tag = tag;
    event->opcode = header->opcode;
    return true;
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
        fail(connection, STATUS_MALFORMED, "opcode 0x%02x from the node", header->opcode);
        return false;
    }
    if ((header->flags & CQL_FLAG_COMPRESSION) != 0) {
        fail(connection, STATUS_MALFORMED, "compressed frame, which was not agreed on");
        return false;
    }
    if ((rc = cql_prefix_decode(&body, header->flags, &prefix)) < 0) {
        fail(connection, STATUS_MALFORMED, "%s: its prefix %s", message->name, status_text(rc));
        return false;
    }
    if (header->opcode == CQL_ERROR && (rc = cql_error_decode(body, &event->error)) < 0) {
        fail(connection, STATUS_MALFORMED, "ERROR %s", status_text(rc));
        return false;
    }
    if (header->opcode == CQL_ERROR && event->error.code == CQL_ERROR_PROTOCOL) {
        /* Nodes stay connected after it, but some kinds leave them deaf. */
        fail(connection, STATUS_REFUSED, "protocol error from the node: %.*s",
             quote_len(event->error.message), (const char *)event->error.message.data);
        return false;
    }
    if (header->stream < 0)
        return push_handle(connection, header, body, event);
    event->body = body;
    event->warnings = prefix.warnings;
    event->payload = prefix.payload;
    return reply_handle(connection, header, event);
}

bool cql_connection_next(struct cql_connection *connection, struct cql_event *event)
{
    struct cql_header header;
    struct slice body;

    while (connection->state != FAILED && frame_take(connection, &header, &body)) {
        *event = (struct cql_event){0};
        if (frame_handle(connection, &header, body, event))
            return true;
    }
    *event = (struct cql_event){0};
    if (connection->state != FAILED || connection->failure_told)
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
    if (connection->state == FAILED)
        return NULL;
    if (held == 0 && in->capacity > KEEP_BYTES)
        buf_deinit(in);
    if (buf_room(in) < READ_BYTES) {
        /* Doubling, by what has come and never by what was promised. */
        size_t wanted = held > READ_BYTES ? held : READ_BYTES;

        if (wanted > in->limit - held)
            wanted = in->limit - held;
        if (wanted > buf_room(in) && buf_reserve(in, wanted) < 0) {
            fail_memory(connection);
            return NULL;
        }
    }
    *room = buf_room(in);
    return buf_tail(in);
}

void cql_connection_received(struct cql_connection *connection, size_t bytes, int64_t now_us)
{
    connection->now_us = now_us;
    if (connection->state == FAILED || bytes == 0)
        return;
    connection->read_us = now_us;
    buf_wrote(&connection->in, bytes);
}

/* --- requests out --- */

int cql_connection_send(struct cql_connection *connection, uint8_t opcode, struct cql_body *body,
                        void *tag, int64_t now_us, uint16_t *stream_id)
{
    struct cql_stream *stream;

    assert(tag != NULL && tag != connection);
    connection->now_us = now_us;
    if (connection->state != RUNNING)
        return STATUS_CLOSED;
    if (body != NULL && buf_len(&body->buf) > CQL_BODY_BYTES_MAX)
        return STATUS_LIMIT;
    int rc = cql_streams_take(&connection->streams, &stream);
    if (rc < 0)
        return rc;
    stream->tag = tag;
    cql_streams_queue(&connection->streams, stream, opcode, body);
    connection->pending++;
    *stream_id = stream->id;
    return STATUS_OK;
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
        fail(connection, STATUS_TIMEOUT, "%zu requests without an answer in time",
             connection->orphans);
}

size_t cql_connection_pending(const struct cql_connection *connection)
{
    return connection->pending;
}

void *cql_connection_take_pending(struct cql_connection *connection)
{
    if (connection->state != FAILED) {
        fail(connection, STATUS_CLOSED, "connection closed");
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
    if (connection->state == FAILED)
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

    if (connection->state == FAILED)
        return connection->failure_told ? INT64_MAX : connection->now_us;
    if (connection->state != RUNNING)
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
    cql_streams_queue(&connection->streams, stream, CQL_OPTIONS, NULL);
    connection->heartbeat_us = connection->now_us;
}

void cql_connection_tick(struct cql_connection *connection, int64_t now_us)
{
    connection->now_us = now_us;
    if (connection->state == FAILED || now_us < cql_connection_deadline_us(connection))
        return;
    if (connection->state != RUNNING)
        fail(connection, STATUS_TIMEOUT, "node did not complete the connection in %" PRId64 " ms",
             connection->config.startup_timeout_us / 1000);
    else if (connection->heartbeat_us == 0)
        heartbeat(connection);
    else
        fail(connection, STATUS_TIMEOUT,
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
    arena_init(&connection->arena, config->alloc, 1024, SUPPORTED_BYTES);
    if (cql_streams_init(&connection->streams, config->alloc, connection->config.max_streams) < 0) {
        alloc_free(config->alloc, connection, sizeof(*connection));
        return NULL;
    }
    send_own(connection, CQL_OPTIONS, NULL);
    return connection;
}

void cql_connection_free(struct cql_connection *connection)
{
    if (connection == NULL)
        return;
    cql_streams_deinit(&connection->streams);
    buf_deinit(&connection->in);
    arena_deinit(&connection->arena);
    alloc_free(connection->config.alloc, connection, sizeof(*connection));
}

struct slice cql_connection_supported(const struct cql_connection *connection, const char *key)
{
    struct slice wanted = slice_cstr(key);

    for (size_t i = 0; i < connection->supported_count; i++)
        if (slice_equal(connection->supported[i].key, wanted))
            return connection->supported[i].value;
    return SLICE_NULL;
}
