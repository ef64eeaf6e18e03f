/*
 * Opening a connection: the requests of our own and the replies to them. They go the way of all
 * requests, with the connection itself as their tag.
 *
 *      OPTIONS -> SUPPORTED -> STARTUP -> [AUTHENTICATE -> AUTH_RESPONSE ->] READY [-> REGISTER]
 */
#include "cql/connection_internal.h"

enum { STARTUP_BYTES = 64 << 10 /* of a request of our own */ };

/* --- requests of our own --- */

/* Drops the caller's reference on body; NULL: an empty one. */
static void send_own(struct cql_connection *connection, uint8_t opcode, struct cql_body *body)
{
    struct cql_stream *stream;
    int rc = cql_streams_take(&connection->streams, &stream);

    if (rc < 0) {
        cql_connection_fail(connection, rc, "%s could not be sent: %s", cql_opcode_name(opcode),
                            status_text(rc));
    } else {
        stream->tag = connection;
        cql_streams_queue(&connection->streams, stream, opcode, 0, body);
    }
    cql_body_unref(body);
}

static void send_walk(struct cql_connection *connection, uint8_t opcode, cql_walk walk,
                      void *message)
{
    struct cql_body *body = cql_body_new(connection->config.alloc, STARTUP_BYTES);
    struct wire wire;

    if (body == NULL) {
        cql_connection_fail(connection, STATUS_NOMEM, "out of memory");
        return;
    }
    wire_init_encode(&wire, &body->buf);
    walk(&wire, message);
    if (wire.error == STATUS_OK) {
        send_own(connection, opcode, body);
        return;
    }
    cql_connection_fail(connection, wire.error, "%s could not be sent: %s", cql_opcode_name(opcode),
                        status_text(wire.error));
    cql_body_unref(body);
}

static bool list_has(struct slice list, struct slice word)
{
    for (size_t at = 0; at < list.len; at++) {
        const uint8_t *comma = memchr(list.data + at, ',', list.len - at);
        size_t end = comma == NULL ? list.len : (size_t)(comma - list.data);
        if (slice_equal(slice_make(list.data + at, end - at), word))
            return true;
        at = end;
    }
    return false;
}

/* False: it failed. */
static bool agree_on_compression(struct cql_connection *connection)
{
    enum cql_compression wanted = connection->config.compression;
    struct slice offered = cql_connection_supported(connection, "COMPRESSION");

    connection->compresses =
        wanted != CQL_COMPRESSION_NONE && list_has(offered, SLICE_LITERAL("lz4"));
    if (wanted == CQL_COMPRESSION_LZ4 && !connection->compresses)
        cql_connection_fail(
            connection, STATUS_UNSUPPORTED,
            "node does not offer lz4 compression, which is asked for (it offers: %.*s)",
            cql_quote_len(offered), (const char *)offered.data);
    return connection->state != CQL_STATE_FAILED;
}

/* What ScyllaDB offers and we understand is said back to it, which switches it on. */
static void echo(const struct cql_connection *connection, const char *key, struct cql_pair *options,
                 uint16_t *count)
{
    if (cql_connection_supported(connection, key).data != NULL)
        options[(*count)++] = (struct cql_pair){slice_cstr(key), SLICE_LITERAL("")};
}

static void send_startup(struct cql_connection *connection)
{
    struct cql_pair options[7];
    uint16_t count = 0;

    options[count++] = (struct cql_pair){SLICE_LITERAL("DRIVER_NAME"), SLICE_LITERAL("sluice")};
    if (connection->config.client_version != NULL)
        options[count++] = (struct cql_pair){SLICE_LITERAL("DRIVER_VERSION"),
                                             slice_cstr(connection->config.client_version)};
    /* Overloaded nodes are to say so at once: a paused socket would only fill our own queue. */
    options[count++] = (struct cql_pair){SLICE_LITERAL("THROW_ON_OVERLOAD"), SLICE_LITERAL("1")};
    options[count++] = (struct cql_pair){SLICE_LITERAL("CQL_VERSION"), SLICE_LITERAL("3.0.0")};
    if (connection->compresses)
        options[count++] = (struct cql_pair){SLICE_LITERAL("COMPRESSION"), SLICE_LITERAL("lz4")};
    echo(connection, "TABLETS_ROUTING_V1", options, &count);
    /* Otherwise the limit of a partition's writes would be told as a lasting refusal (0x2300). */
    echo(connection, "SCYLLA_RATE_LIMIT_ERROR", options, &count);
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
        cql_connection_fail(connection, STATUS_NOMEM, "out of memory");
        return;
    }
    int rc =
        cql_auth_plain_encode(&body->buf, connection->config.user, connection->config.password);
    if (rc == STATUS_OK) {
        send_own(connection, CQL_AUTH_RESPONSE, body);
        return;
    }
    cql_connection_fail(connection, rc, "AUTH_RESPONSE could not be sent: %s", status_text(rc));
    cql_body_unref(body);
}

/* --- opening: replies to requests of our own --- */

/* A node that says no may say yes later, or never: the status tells. */
static void fail_refused(struct cql_connection *connection, const struct cql_error *error)
{
    int quote = cql_quote_len(error->message);
    const char *message = (const char *)error->message.data;

    if (error->code == CQL_ERROR_CREDENTIALS)
        cql_connection_fail(connection, STATUS_REFUSED, "authentication refused: %.*s", quote,
                            message);
    else if (error->code == CQL_ERROR_OVERLOADED || error->code == CQL_ERROR_BOOTSTRAPPING ||
             error->code == CQL_ERROR_SERVER)
        cql_connection_fail(connection, STATUS_BUSY, "node does not take connections now: %s: %.*s",
                            cql_error_text(error->code), quote, message);
    else
        cql_connection_fail(connection, STATUS_REFUSED, "connection refused: %s: %.*s",
                            cql_error_text(error->code), quote, message);
}

static void opened(struct cql_connection *connection)
{
    if (connection->config.register_events && connection->state < CQL_EXPECT_REGISTERED) {
        cql_connection_change_state(connection, CQL_EXPECT_REGISTERED);
        send_register(connection);
    } else {
        cql_connection_change_state(connection, CQL_STATE_RUNNING);
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
        cql_connection_fail(connection, STATUS_MALFORMED, "AUTHENTICATE %s",
                            status_text(wire.error));
        return;
    }
    connection->auth = cql_auth_kind(message.class_name);
    if (connection->config.user == NULL) {
        cql_connection_fail(connection, STATUS_REFUSED,
                            "node asks for a user and a password (%.*s); none is configured",
                            cql_quote_len(message.class_name),
                            (const char *)message.class_name.data);
        return;
    }
    if (connection->auth == CQL_AUTH_UNKNOWN) {
        cql_connection_fail(
            connection, STATUS_UNSUPPORTED,
            "node asks for authentication by %.*s, which is not known; the password was not sent",
            cql_quote_len(message.class_name), (const char *)message.class_name.data);
        return;
    }
    cql_connection_change_state(connection, CQL_EXPECT_AUTH_SUCCESS);
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
    cql_connection_fail(connection, STATUS_UNSUPPORTED,
                        "node asks for more than a user and a password");
}

void cql_handshake_reply(struct cql_connection *connection, uint8_t opcode, struct slice body,
                         const struct cql_error *error)
{
    if (connection->state == CQL_STATE_RUNNING) {
        connection->heartbeat_us = 0;
    } else if (opcode == CQL_ERROR) {
        fail_refused(connection, error);
    } else if (opcode == CQL_SUPPORTED) {
        int rc = cql_supported_copy(body, &connection->arena, &connection->supported,
                                    &connection->supported_count);
        if (rc < 0) {
            cql_connection_fail(connection, rc, "SUPPORTED %s", status_text(rc));
            return;
        }
        if (!agree_on_compression(connection))
            return;
        cql_connection_change_state(connection, CQL_EXPECT_READY);
        send_startup(connection);
    } else if (opcode == CQL_AUTHENTICATE) {
        authenticate(connection, body);
    } else if (opcode == CQL_AUTH_CHALLENGE) {
        challenged(connection, body);
    } else {
        opened(connection); /* READY, AUTH_SUCCESS */
    }
}

void cql_handshake_begin(struct cql_connection *connection)
{
    send_own(connection, CQL_OPTIONS, NULL);
}
