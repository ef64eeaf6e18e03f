/*
 * One connection to a CQL node (native protocol v4), sans I/O: bytes and the time in, events and
 * bytes out.
 *
 * After _new it wants to send OPTIONS, then STARTUP, then (if asked) AUTH_RESPONSE, then (control
 * connections) REGISTER; READY is an event. From then on requests are sent with a body that the
 * connection borrows by reference count and never changes, so the same body may be under way on
 * several connections. A timed-out request's stream stays taken until its late reply comes
 * (orphan), which is discarded; too many orphans close the connection. A protocol error (0x000A), a
 * wrong version or direction byte, a length beyond the limit, a reply on an unknown stream: the
 * connection fails, and what was under way is ambiguous.
 */
#ifndef CQL_CONNECTION_H
#define CQL_CONNECTION_H

#include "cql/compression.h"
#include "cql/error.h"
#include "cql/event.h"
#include "cql/opcode.h"
#include "proto/buf.h"
#include "proto/slice.h"

/* The body of a request frame, shared by reference count. Immutable once sent. */
struct cql_body {
    struct buf buf;
    uint32_t references;
    const struct alloc *alloc;
};
struct cql_body *cql_body_new(const struct alloc *alloc,
                              size_t limit_bytes); /* one reference; NULL: no memory */
struct cql_body *cql_body_ref(struct cql_body *body);
void cql_body_unref(struct cql_body *body); /* NULL is fine */

/* A number that is 0 means the default that its comment names. */
struct cql_connection_config {
    const struct alloc *alloc;
    const char *
        user; /* NULL: a node that asks for authentication fails the connection with a clear text */
    const char *password;
    const char *client_version; /* DRIVER_VERSION in STARTUP */
    bool register_events;       /* TOPOLOGY_CHANGE, STATUS_CHANGE, SCHEMA_CHANGE */
    enum cql_compression compression;
    size_t max_frame_bytes;     /* largest answer taken: 256 MiB at most; 16 MiB by default */
    uint16_t max_streams; /* requests under way, orphans included; 32767, and one more is kept for
                             heartbeats */
    uint16_t max_orphans; /* 256 */
    int64_t startup_timeout_us;   /* 10 s from _new to READY */
    int64_t heartbeat_idle_us;    /* OPTIONS after so long without a byte from the node: 15 s */
    int64_t heartbeat_timeout_us; /* closed when its answer takes longer: 10 s */
};

enum cql_event_kind { CQL_EVENT_READY, CQL_EVENT_RESPONSE, CQL_EVENT_PUSH, CQL_EVENT_FAILED };

struct cql_event {
    enum cql_event_kind kind;
    /* RESPONSE. `body` is the message without trace id, warnings and payload; valid until the next
     * call of cql_connection_next or _space. */
    void *tag;
    uint8_t opcode; /* CQL_RESULT or CQL_ERROR (or AUTH_SUCCESS, SUPPORTED ... as asked) */
    struct slice body;
    struct cql_error error; /* opcode CQL_ERROR: decoded; message borrowed like body */
    struct slice warnings;  /* raw [string list], data NULL: none; see cql_string_list_next */
    struct slice payload;   /* raw [bytes map], data NULL: none; see cql_bytes_map_get */
    bool traced;            /* the node traces it, under this id */
    uint8_t tracing_id[16];
    /* PUSH: an EVENT of the node */
    struct cql_push push;
    /*
     * FAILED: once; nothing can be sent any more. Requests under way are fetched with
     * _take_pending. Status: REFUSED, authentication or a protocol error of the node; UNSUPPORTED,
     * its version or authenticator; BUSY, it does not take connections now; TIMEOUT, silence or too
     * many orphans; MALFORMED, LIMIT, what it sent; NOMEM.
     */
    int status;
    const char *text; /* "authentication refused: ...", "protocol error from the node: ..."; lives
                         as long as the connection */
};

struct cql_connection;

struct cql_connection *cql_connection_new(const struct cql_connection_config *config,
                                          int64_t now_us);
void cql_connection_free(struct cql_connection *connection); /* drops its references on bodies */

uint8_t *cql_connection_space(struct cql_connection *connection, size_t *room);
void cql_connection_received(struct cql_connection *connection, size_t bytes, int64_t now_us);
bool cql_connection_next(struct cql_connection *connection, struct cql_event *event);

/*
 * Sends one request; takes a reference of its own on body. `tag` comes back in the RESPONSE event.
 * *stream names the request for _orphan. BUSY: no stream id free. CLOSED: not ready or failed.
 * NOMEM.
 */
MUST_CHECK int cql_connection_send(struct cql_connection *connection, uint8_t opcode,
                                   struct cql_body *body, void *tag, int64_t now_us,
                                   uint16_t *stream);
/* Asks the node to trace the request that was sent on this stream; before any output is taken. */
void cql_connection_trace(struct cql_connection *connection, uint16_t stream);
/* The caller has given up on the request: its tag will not come back. */
void cql_connection_orphan(struct cql_connection *connection, uint16_t stream);
/* Another tag comes back in its place. The stream is under way, and no orphan. */
void cql_connection_retag(struct cql_connection *connection, uint16_t stream, void *tag);
size_t cql_connection_pending(const struct cql_connection *connection); /* without orphans */
/* After FAILED or when the socket is gone: one tag at a time, NULL at the end. */
void *cql_connection_take_pending(struct cql_connection *connection);

/* Up to `max` slices of bytes to send, returns how many; valid until _sent, _send or _free. */
size_t cql_connection_output(struct cql_connection *connection, struct slice *slices, size_t max);
void cql_connection_sent(struct cql_connection *connection, size_t bytes);

/* When _tick wants to be called (INT64_MAX: never), and the call: heartbeats and time-outs. After
 * it, look at _next (it may have failed) and _output. */
int64_t cql_connection_deadline_us(const struct cql_connection *connection);
void cql_connection_tick(struct cql_connection *connection, int64_t now_us);

/* Bodies are compressed on this connection; from READY on. */
bool cql_connection_compresses(const struct cql_connection *connection);
/* What the node said in SUPPORTED, several values joined by commas; data NULL: absent. Valid from
 * READY on. Keys as CQL_VERSION. */
struct slice cql_connection_supported(const struct cql_connection *connection, const char *key);

#endif
