/* A client's connection to a node: frames in, frames out. */
#include <stdlib.h>

#include "cql/frame.h"
#include "tests/sim/database_internal.h"

#define FRAME_BYTES_MAX ((uint32_t)16777216)

void db_session_free(struct database_session *session)
{
    list_remove(&session->node);
    list_remove(&session->all);
    buf_deinit(&session->in);
    free(session);
}

void db_session_unref(struct database_session *session)
{
    if (--session->references == 0)
        db_session_free(session);
}

static struct db_event *later(struct database_session *session, db_run run)
{
    struct db_event *event = db_later(session->db, 0, run);
    event->session = session;
    session->references++;
    return event;
}

struct database_session *database_connect(struct database *db, unsigned node, void *owner)
{
    if (!database_runs(db, node))
        return NULL;
    struct database_session *session = calloc(1, sizeof(*session));
    if (session == NULL)
        abort();
    session->db = db;
    session->at = node;
    session->owner = owner;
    session->references = 1;
    buf_init(&session->in, &alloc_heap, SIZE_MAX / 2);
    list_append(&db->nodes[node].sessions, &session->node);
    list_append(&db->sessions, &session->all);
    return session;
}

void database_disconnect(struct database_session *session)
{
    session->owner = NULL;
    session->closed = true;
    list_remove(&session->node);
    db_session_unref(session);
}

static void tell_closed(struct db_event *event)
{
    struct database_session *session = event->session;
    void *owner = session->owner;
    if (owner == NULL) /* the client was first */
        return;
    session->owner = NULL;
    db_session_unref(session); /* the owner's */
    event->db->hooks.close(event->db->hooks.context, owner);
}

void db_session_hang_up(struct database_session *session)
{
    if (session->closed)
        return;
    session->closed = true;
    list_remove(&session->node);
    (void)later(session, tell_closed);
}

void db_session_push(struct database_session *session, uint8_t opcode, int16_t stream,
                     struct slice body)
{
    struct database *db = session->db;
    struct cql_header header = {.version = CQL_VERSION | CQL_VERSION_RESPONSE,
                                .stream = stream,
                                .opcode = opcode,
                                .body_bytes = (uint32_t)body.len};
    if (session->closed || session->owner == NULL)
        return;
    buf_reset(&db->out);
    if (buf_reserve(&db->out, CQL_HEADER_BYTES + body.len) < 0)
        abort();
    cql_header_write(buf_tail(&db->out), &header);
    if (body.len > 0)
        memcpy(buf_tail(&db->out) + CQL_HEADER_BYTES, body.data, body.len);
    buf_wrote(&db->out, CQL_HEADER_BYTES + body.len);
    db->hooks.send(db->hooks.context, session->owner, buf_unread(&db->out));
}

static void push_error(struct database_session *session, int16_t stream, int32_t code,
                       const char *text)
{
    struct buf body;
    struct wire wire;
    struct cql_error error = {.code = code, .message = slice_cstr(text)};
    buf_init(&body, &alloc_heap, SIZE_MAX / 2);
    wire_init_encode(&wire, &body);
    cql_error_walk(&wire, &error);
    db_session_push(session, CQL_ERROR, stream, buf_unread(&body));
    buf_deinit(&body);
}

/* One frame; false: none is whole. */
static bool take_frame(struct database_session *session)
{
    struct slice unread = buf_unread(&session->in);
    if (unread.len < CQL_HEADER_BYTES)
        return false;
    struct cql_header header = cql_header_read(unread.data);
    if (unread.len - CQL_HEADER_BYTES < header.body_bytes)
        return false;
    struct slice body = slice_make(unread.data + CQL_HEADER_BYTES, header.body_bytes);
    if (header.version != CQL_VERSION)
        push_error(session, header.stream, CQL_ERROR_PROTOCOL,
                   "Invalid or unsupported protocol version");
    else if (body.len + CQL_HEADER_BYTES > FRAME_BYTES_MAX)
        push_error(session, header.stream, CQL_ERROR_INVALID,
                   "Request is too big: length exceeds maximum allowed length 16777216.");
    else
        db_request_start(session, header.stream, header.opcode, body);
    buf_consume(&session->in, CQL_HEADER_BYTES + header.body_bytes);
    return true;
}

static void look_at_bytes(struct db_event *event)
{
    struct database_session *session = event->session;
    session->wakes = false;
    while (!session->closed && db_is_up(session->db, session->at) && take_frame(session))
        ;
}

/* Later, so that nothing of the caller is entered from inside database_receive. */
void db_session_wake(struct database_session *session)
{
    if (session->wakes || session->closed || !db_is_up(session->db, session->at) ||
        buf_len(&session->in) == 0)
        return;
    session->wakes = true;
    (void)later(session, look_at_bytes);
}

void database_receive(struct database_session *session, struct slice bytes)
{
    if (session->closed)
        return;
    if (buf_append(&session->in, bytes) < 0)
        abort();
    db_session_wake(session);
}
