/*
 * One producer's connection, sans I/O: bytes and the time in; requests out; responses back in,
 * bytes out in request order. It knows no socket, no clock and no meaning of a request.
 *
 *   socket -> kafka_connection_space/received -> [frame, header, walk] -> kafka_connection_next
 *   socket <- kafka_connection_output/sent    <- [order, header, walk] <- kafka_connection_respond
 *
 * Each request gets a place in the response order when it is yielded (request_id 1, 2, 3 ...). A
 * response may be given at any time; its bytes leave when all before it have left. acks=0 requests
 * take their place too and leave without bytes (kafka_connection_respond_nothing).
 * An ApiVersions request of an unknown version is answered here (v0 form, error 35) and takes a
 * request_id of its own. Any split of the input gives the same events and output.
 */
#ifndef KAFKA_CONNECTION_H
#define KAFKA_CONNECTION_H

#include "kafka/api.h"
#include "proto/buf.h"
#include "proto/slice.h"

struct kafka_connection;

struct kafka_connection_limits {
    size_t max_frame_bytes;       /* 100 MiB; a longer frame closes */
    size_t max_first_frame_bytes; /* until the first request has been understood: 64 KiB (A1) */
    size_t max_pending;           /* places taken; with so many none is yielded (not an error) */
    size_t arena_bytes;           /* the decoded struct and arrays of one request */
    size_t read_bytes;            /* room for one read when reads fill it: 256 KiB */
};

enum kafka_event_kind { KAFKA_EVENT_REQUEST, KAFKA_EVENT_CLOSE };

struct kafka_event {
    enum kafka_event_kind kind;
    /* REQUEST. `body` is the decoded request struct of `api`; it and all its slices are valid until
     * the next call of kafka_connection_next or _space on this connection. */
    uint64_t request_id;
    const struct kafka_api *api;
    int16_t version;
    int32_t correlation_id;
    struct slice client_id;
    const void *body;
    size_t frame_bytes;
    /* When the first byte of this frame arrived. Frames that waited behind max_pending while more
     * was read may be given the time of an earlier one. */
    int64_t first_byte_us;
    /* CLOSE: the peer broke the protocol, or memory ran out; output so far may still be sent, then
     * close. Yielded once. */
    const char *reason; /* static text for the log: "unknown API key", "TLS on a plain port" */
    char detail[96];    /* what belongs to it: "Produce v9, field acks at byte 31" */
};

/* NULL: out of memory. */
struct kafka_connection *kafka_connection_new(const struct alloc *alloc,
                                              const struct kafka_connection_limits *limits);
void kafka_connection_free(struct kafka_connection *connection);

/*
 * Where the next bytes go; *room is 0 when out of memory. Memory is taken as bytes arrive: never
 * more room than is held of a frame or than recent reads filled, whatever a length prefix promises.
 * An idle connection holds at most 2 KiB of input. Stop reading while kafka_connection_pending has
 * reached max_pending: what is read then is only stored.
 */
uint8_t *kafka_connection_space(struct kafka_connection *connection, size_t *room);
void kafka_connection_received(struct kafka_connection *connection, size_t bytes, int64_t now_us);
/* The next event; false: more bytes (or responses, when max_pending is reached) are needed. */
bool kafka_connection_next(struct kafka_connection *connection, struct kafka_event *event);

/*
 * The struct is of the request's API and version; once per request_id. An error (NOMEM, LIMIT)
 * loses the response, so nothing behind it leaves either: close the connection.
 */
MUST_CHECK int kafka_connection_respond(struct kafka_connection *connection, uint64_t request_id,
                                        const void *body);
void kafka_connection_respond_nothing(struct kafka_connection *connection, uint64_t request_id);

/* Bytes to send now; empty when there are none. Valid until the next respond, sent or next. */
struct slice kafka_connection_output(const struct kafka_connection *connection);
void kafka_connection_sent(struct kafka_connection *connection, size_t bytes);

/* Input, output and kept responses. */
size_t kafka_connection_held_bytes(const struct kafka_connection *connection);
/* Places taken: requests whose response has not yet come, or waits for one that has not. */
size_t kafka_connection_pending(const struct kafka_connection *connection);
/* Part of a frame is here; since when (its first byte; 0: none is). */
bool kafka_connection_mid_frame(const struct kafka_connection *connection);
int64_t kafka_connection_frame_since_us(const struct kafka_connection *connection);

#endif
