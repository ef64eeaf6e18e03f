/* What connection.c and handshake.c share. Nobody else includes this. */
#ifndef CQL_CONNECTION_INTERNAL_H
#define CQL_CONNECTION_INTERNAL_H

#include "cql/auth.h"
#include "cql/connection.h"
#include "cql/startup.h"
#include "cql/stream.h"

#define CQL_FAILURE_BYTES 320
#define CQL_QUOTE_BYTES   200 /* of the node's words in ours */

enum cql_connection_state {
    CQL_EXPECT_SUPPORTED,
    CQL_EXPECT_READY,        /* or AUTHENTICATE */
    CQL_EXPECT_AUTH_SUCCESS, /* or AUTH_CHALLENGE */
    CQL_EXPECT_REGISTERED,
    CQL_STATE_RUNNING,
    CQL_STATE_FAILED,
};

struct cql_connection {
    struct cql_connection_config config;
    enum cql_connection_state state;
    struct buf in;
    struct buf plain; /* of the frame at hand, when it was compressed */
    bool compresses;
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
    char text[CQL_FAILURE_BYTES];
};

/* For "%.*s". */
static inline int cql_quote_len(struct slice text)
{
    return text.len < CQL_QUOTE_BYTES ? (int)text.len : CQL_QUOTE_BYTES;
}

/* Forward only; where there is no authentication or no registration, states are passed over. */
void cql_connection_change_state(struct cql_connection *connection, enum cql_connection_state to);
/* The first failure counts. What the node said in it cannot break a line. */
__attribute__((format(printf, 3, 4))) void cql_connection_fail(struct cql_connection *connection,
                                                               int status, const char *format, ...);

/* handshake.c */
void cql_handshake_begin(struct cql_connection *connection);
/*
 * A reply to a request of our own. `opcode` is a proper answer to what was asked; once RUNNING that
 * was a heartbeat, and any answer will do.
 */
void cql_handshake_reply(struct cql_connection *connection, uint8_t opcode, struct slice body,
                         const struct cql_error *error);

#endif
