/*
 * Talking to a connection under test: bytes in, events and bytes out, in virtual time. What the
 * connection does is written down as text, so that a test compares one string.
 */
#ifndef TESTS_CQL_TALK_H
#define TESTS_CQL_TALK_H

#include "cql/connection.h"
#include "tests/cql/vectors.h"
#include "tests/support/failing_alloc.h"

enum { TALK_SECOND = 1000000, TALK_BYTES = 1 << 20 };

struct talk {
    struct failing_alloc failing;
    struct cql_connection_config config;
    struct cql_connection *connection; /* NULL: out of memory */
    int64_t now_us;
    struct buf out;    /* what the connection wants to send, and what was taken as sent */
    struct buf events; /* one line each */
    size_t ready, failed;
    int status;     /* of FAILED */
    char text[512]; /* of FAILED */
};

static inline void talk_init(struct talk *talk)
{
    *talk = (struct talk){.now_us = 1000 * TALK_SECOND};
    failing_alloc_init(&talk->failing);
    buf_init(&talk->out, &alloc_heap, TALK_BYTES);
    buf_init(&talk->events, &alloc_heap, TALK_BYTES);
    talk->config = (struct cql_connection_config){
        .alloc = &talk->failing.alloc,
        .user = "cassandra",
        .password = "cassandra",
        .client_version = "0.1.0",
    };
}

static inline void talk_open(struct talk *talk)
{
    talk->connection = cql_connection_new(&talk->config, talk->now_us);
}

static inline void talk_close(struct talk *talk)
{
    cql_connection_free(talk->connection);
    talk->connection = NULL;
    buf_deinit(&talk->out);
    buf_deinit(&talk->events);
}

static inline void talk_note(struct talk *talk, const struct cql_event *event)
{
    static const char *const names[] = {"READY", "RESPONSE", "PUSH", "FAILED"};
    struct buf *log = &talk->events;
    int rc = buf_printf(log, "%s", names[event->kind]);

    if (event->kind == CQL_EVENT_READY)
        talk->ready++;
    if (event->kind == CQL_EVENT_RESPONSE) {
        rc |= buf_printf(log, " %s %s", (const char *)event->tag, cql_opcode_name(event->opcode));
        for (size_t i = 0; i < event->body.len; i++)
            rc |= buf_printf(log, "%s%02x", i == 0 ? " " : "", event->body.data[i]);
    }
    if (event->kind == CQL_EVENT_PUSH)
        rc |= buf_printf(log, " kind %d change %d", (int)event->push.kind, (int)event->push.change);
    if (event->kind == CQL_EVENT_FAILED) {
        talk->failed++;
        talk->status = event->status;
        snprintf(talk->text, sizeof(talk->text), "%s", event->text);
        rc |= buf_printf(log, " %s: %s", status_name(event->status), event->text);
    }
    rc |= buf_append(log, SLICE_LITERAL("\n"));
    assert_int_equal(rc, STATUS_OK);
}

static inline void talk_events(struct talk *talk)
{
    struct cql_event event;

    while (cql_connection_next(talk->connection, &event))
        talk_note(talk, &event);
}

/* Takes all output, `step` bytes at a time (0: all that is offered). */
static inline void talk_send_in(struct talk *talk, size_t step)
{
    struct slice slices[3];
    size_t count;

    while ((count = cql_connection_output(talk->connection, slices, 3)) > 0) {
        size_t sent = 0;

        for (size_t i = 0; i < count && (step == 0 || sent < step); i++) {
            size_t len = slices[i].len;

            assert_true(len > 0);
            if (step != 0 && len > step - sent)
                len = step - sent;
            assert_int_equal(buf_append(&talk->out, slice_make(slices[i].data, len)), STATUS_OK);
            sent += len;
        }
        cql_connection_sent(talk->connection, sent);
    }
}

static inline void talk_send(struct talk *talk)
{
    talk_send_in(talk, 0);
}

/* Bytes from the node, at most `step` at a time (0: as many as there is room for). */
static inline void talk_feed_in(struct talk *talk, struct slice bytes, size_t step)
{
    while (bytes.len > 0) {
        size_t room = 0;
        uint8_t *space = cql_connection_space(talk->connection, &room);
        size_t len = bytes.len < room ? bytes.len : room;

        if (step != 0 && len > step)
            len = step;
        if (len > 0) {
            memcpy(space, bytes.data, len);
            cql_connection_received(talk->connection, len, talk->now_us);
            bytes = slice_make(bytes.data + len, bytes.len - len);
        }
        talk_events(talk);
        if (room == 0)
            return;
    }
}

static inline void talk_feed(struct talk *talk, struct slice bytes)
{
    talk_feed_in(talk, bytes, 0);
}

static inline void talk_tick(struct talk *talk, int64_t seconds)
{
    talk->now_us += seconds * TALK_SECOND;
    cql_connection_tick(talk->connection, talk->now_us);
    talk_events(talk);
}

static inline void talk_feed_frame(struct talk *talk, uint8_t opcode, int16_t stream,
                                   struct slice body)
{
    uint8_t bytes[CQL_HEADER_BYTES + 1024];
    struct cql_header header = {
        .version = CQL_VERSION | CQL_VERSION_RESPONSE,
        .stream = stream,
        .opcode = opcode,
        .body_bytes = (uint32_t)body.len,
    };

    assert_true(body.len <= 1024);
    cql_header_write(bytes, &header);
    memcpy(bytes + CQL_HEADER_BYTES, body.data, body.len);
    talk_feed(talk, slice_make(bytes, CQL_HEADER_BYTES + body.len));
}

#define TALK_VOID      SLICE_LITERAL("\0\0\0\1")
#define TALK_SUPPORTED SLICE_LITERAL("\0\2\0\4KEYS\0\2\0\1a\0\2bc\0\13CQL_VERSION\0\1\0\0053.4.7")

/* To the point where requests can be sent; all output so far is thrown away. */
static inline void talk_become_ready(struct talk *talk)
{
    talk_send(talk);
    talk_feed_frame(talk, CQL_SUPPORTED, 1, TALK_SUPPORTED);
    talk_send(talk);
    talk_feed_frame(talk, CQL_READY, 2, SLICE_LITERAL(""));
    talk_send(talk);
    assert_int_equal(talk->ready, 1);
    buf_reset(&talk->out);
    buf_reset(&talk->events);
}

/* Returns the status; the tag is the text. */
static inline int talk_ask(struct talk *talk, const char *tag, uint8_t opcode, struct slice body,
                           uint16_t *stream)
{
    static char tags[8][16];
    static size_t next;
    struct cql_body *shared = cql_body_new(&talk->failing.alloc, TALK_BYTES);
    char *copy = tags[next++ % 8];

    snprintf(copy, sizeof(tags[0]), "%s", tag);
    if (shared == NULL)
        return STATUS_NOMEM;
    int rc = buf_append(&shared->buf, body);
    if (rc == STATUS_OK)
        rc = cql_connection_send(talk->connection, opcode, shared, copy, talk->now_us, stream);
    cql_body_unref(shared);
    return rc;
}

static inline void talk_expect(struct talk *talk, const char *events)
{
    assert_int_equal(buf_append(&talk->events, SLICE_LITERAL("\0")), STATUS_OK);
    assert_string_equal((const char *)buf_unread(&talk->events).data, events);
    buf_reset(&talk->events);
}

#endif
