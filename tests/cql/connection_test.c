/* What a connection does when the node behaves. Its failures are in connection_failure_test.c. */
#include "tests/cql/talk.h"

/* --- a recorded session, in any slicing --- */

enum { SESSION_LINES_MAX = 64 };

struct session {
    struct vector lines[SESSION_LINES_MAX]; /* meaning[0] is > or < */
    size_t count;
    size_t node_bytes;
};

static void session_read(struct session *session)
{
    static char line[1 << 16];
    FILE *file = fopen(SOURCE_DIR "/tests/vectors/cql/session.txt", "r");

    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (line[0] == '#')
            continue;
        assert_true(session->count < SESSION_LINES_MAX);
        struct vector *frame = &session->lines[session->count++];
        frame->meaning[0] = line[0];
        vector_append(frame, line + 2);
        if (line[0] == '<')
            session->node_bytes += frame->len;
    }
    fclose(file);
    assert_true(session->count > 10);
}

static struct session *session_new(void)
{
    struct session *session = calloc(1, sizeof(*session));

    assert_non_null(session);
    session_read(session);
    return session;
}

static void session_free(struct session *session)
{
    for (size_t i = 0; i < session->count; i++)
        free(session->lines[i].bytes);
    free(session);
}

/* Each request of the session is ours to make: at first the connection's own, then the caller's. */
static void expect_request(struct talk *talk, const struct vector *frame, size_t step)
{
    struct cql_header header = cql_header_read(frame->bytes);
    struct slice body = slice_make(frame->bytes + CQL_HEADER_BYTES, header.body_bytes);
    uint16_t stream;

    if (talk->ready > 0) {
        assert_int_equal(
            talk_ask(talk, cql_opcode_name(header.opcode), header.opcode, body, &stream),
            STATUS_OK);
        assert_int_equal(stream, header.stream);
    }
    talk_send_in(talk, step);
    assert_int_equal(buf_len(&talk->out), frame->len);
    assert_memory_equal(buf_unread(&talk->out).data, frame->bytes, frame->len);
    buf_reset(&talk->out);
}

/* Plays the session; the node's bytes come `step` at a time, and are cut at `split` whatever the
 * step. */
static void play(struct talk *talk, const struct session *session, size_t step, size_t split)
{
    size_t before = 0;

    talk_init(talk);
    talk->config.register_events = true;
    talk_open(talk);
    for (size_t i = 0; i < session->count; i++) {
        const struct vector *frame = &session->lines[i];
        struct slice bytes = slice_make(frame->bytes, frame->len);

        if (frame->meaning[0] == '>') {
            expect_request(talk, frame, step);
            continue;
        }
        if (split > before && split - before < bytes.len) {
            size_t first = split - before;

            talk_feed_in(talk, slice_make(bytes.data, first), step);
            talk_feed_in(talk, slice_make(bytes.data + first, bytes.len - first), step);
        } else {
            talk_feed_in(talk, bytes, step);
        }
        before += bytes.len;
    }
    assert_int_equal(buf_append(&talk->events, SLICE_LITERAL("\0")), STATUS_OK);
}

static void a_recorded_session_is_spoken_byte_for_byte(void **state)
{
    struct session *session = session_new();
    struct talk talk;

    (void)state;
    play(&talk, session, 0, 0);
    assert_int_equal(talk.ready, 1);
    assert_int_equal(talk.failed, 0);
    const char *events = (const char *)buf_unread(&talk.events).data;
    assert_non_null(strstr(events, "RESPONSE PREPARE RESULT"));
    assert_non_null(strstr(events, "RESPONSE BATCH RESULT 00000001\n"));
    assert_non_null(strstr(events, "PUSH kind 3 change 6\n"));
    assert_non_null(strstr(events, "RESPONSE QUERY ERROR 00002000"));
    assert_non_null(strstr(events, "RESPONSE OPTIONS SUPPORTED"));
    assert_int_equal(cql_connection_pending(talk.connection), 0);
    talk_close(&talk);
    failing_alloc_assert_none_live(&talk.failing);
    session_free(session);
}

static void every_split_of_a_session_gives_the_same_events_and_output(void **state)
{
    struct session *session = session_new();
    struct talk whole;
    struct talk cut;

    (void)state;
    play(&whole, session, 0, 0);
    for (size_t split = 1; split < session->node_bytes; split++) {
        play(&cut, session, 0, split);
        assert_true(slice_equal(buf_unread(&whole.events), buf_unread(&cut.events)));
        talk_close(&cut);
    }
    for (size_t step = 1; step < 40; step++) {
        play(&cut, session, step, 0);
        assert_true(slice_equal(buf_unread(&whole.events), buf_unread(&cut.events)));
        talk_close(&cut);
    }
    talk_close(&whole);
    session_free(session);
}

/* --- with a fixture --- */

static int setup(void **state)
{
    struct talk *talk = calloc(1, sizeof(*talk));

    if (talk == NULL)
        return -1;
    talk_init(talk);
    talk_open(talk);
    talk_become_ready(talk);
    *state = talk;
    return 0;
}

static int teardown(void **state)
{
    struct talk *talk = *state;

    talk_close(talk);
    failing_alloc_assert_none_live(&talk->failing);
    free(talk);
    return 0;
}

static void what_the_node_supports_is_known_with_several_values_joined(void **state)
{
    struct talk *talk = *state;

    assert_true(slice_equal(cql_connection_supported(talk->connection, "CQL_VERSION"),
                            SLICE_LITERAL("3.4.7")));
    assert_true(
        slice_equal(cql_connection_supported(talk->connection, "KEYS"), SLICE_LITERAL("a,bc")));
    assert_null(cql_connection_supported(talk->connection, "SCYLLA_SHARD").data);
}

static void replies_find_their_requests_in_any_order(void **state)
{
    struct talk *talk = *state;
    uint16_t a, b;

    assert_int_equal(talk_ask(talk, "a", CQL_QUERY, SLICE_LITERAL("x"), &a), STATUS_OK);
    assert_int_equal(talk_ask(talk, "b", CQL_BATCH, SLICE_LITERAL("y"), &b), STATUS_OK);
    assert_int_equal(cql_connection_pending(talk->connection), 2);
    talk_send(talk);
    talk_feed_frame(talk, CQL_RESULT, (int16_t)b, TALK_VOID);
    talk_feed_frame(talk, CQL_ERROR, (int16_t)a, SLICE_LITERAL("\0\0\x10\1\0\0"));
    talk_expect(talk, "RESPONSE b RESULT 00000001\nRESPONSE a ERROR 000010010000\n");
    assert_int_equal(cql_connection_pending(talk->connection), 0);
}

static void an_error_is_handed_out_decoded(void **state)
{
    struct talk *talk = *state;
    struct cql_event event;
    uint16_t stream;
    size_t room;
    static const uint8_t frame[] = {0x84, 0, 0, 3, 0, 0, 0, 0, 8, 0, 0, 0x25, 0, 0, 0, 0, 0};

    assert_int_equal(talk_ask(talk, "a", CQL_BATCH, SLICE_LITERAL("x"), &stream), STATUS_OK);
    assert_int_equal(stream, 3);
    memcpy(cql_connection_space(talk->connection, &room), frame, sizeof(frame));
    cql_connection_received(talk->connection, sizeof(frame), talk->now_us);
    assert_true(cql_connection_next(talk->connection, &event));
    assert_int_equal(event.error.code, CQL_ERROR_UNPREPARED);
}

static void warnings_and_payload_are_handed_out_and_not_part_of_the_body(void **state)
{
    struct talk *talk = *state;
    struct cql_event event;
    struct slice warning;
    uint16_t stream;
    size_t at = 0;
    size_t room;
    static const char frame[] = "\x84\x0e\0\3\x08\0\0\0\x25"
                                "0123456789abcdef\0\1\0\3abc\0\1\0\1k\0\0\0\1v\0\0\0\1";

    assert_int_equal(talk_ask(talk, "a", CQL_BATCH, SLICE_LITERAL("x"), &stream), STATUS_OK);
    memcpy(cql_connection_space(talk->connection, &room), frame, sizeof(frame) - 1);
    cql_connection_received(talk->connection, sizeof(frame) - 1, talk->now_us);
    assert_true(cql_connection_next(talk->connection, &event));
    assert_true(slice_equal(event.body, TALK_VOID));
    assert_true(cql_string_list_next(event.warnings, &at, &warning));
    assert_true(slice_equal(warning, SLICE_LITERAL("abc")));
    assert_false(cql_string_list_next(event.warnings, &at, &warning));
    assert_int_equal(event.payload.len, 10);
}

static void a_body_is_borrowed_and_never_copied(void **state)
{
    struct talk *talk = *state;
    struct cql_body *body = cql_body_new(&talk->failing.alloc, 1 << 20);
    struct slice slices[4];
    uint16_t stream;

    assert_int_equal(buf_append(&body->buf, SLICE_LITERAL("the body")), STATUS_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            cql_connection_send(talk->connection, CQL_BATCH, body, talk, talk->now_us, &stream),
            STATUS_OK);
    assert_int_equal(body->references, 3);
    assert_int_equal(cql_connection_output(talk->connection, slices, 4), 4);
    assert_ptr_equal(slices[1].data, buf_unread(&body->buf).data);
    assert_ptr_equal(slices[3].data, buf_unread(&body->buf).data);
    cql_connection_sent(talk->connection, CQL_HEADER_BYTES + 8 + 3);
    assert_int_equal(body->references, 2);
    assert_int_equal(cql_connection_output(talk->connection, slices, 4), 2);
    assert_int_equal(slices[0].len, CQL_HEADER_BYTES - 3);
    cql_body_unref(body);
}

static void an_orphan_is_not_reported_and_keeps_its_stream_until_the_late_reply(void **state)
{
    struct talk *talk = *state;
    uint16_t stream;

    assert_int_equal(talk_ask(talk, "a", CQL_QUERY, SLICE_LITERAL("x"), &stream), STATUS_OK);
    talk_send(talk);
    cql_connection_orphan(talk->connection, stream);
    cql_connection_orphan(talk->connection, stream);
    assert_int_equal(cql_connection_pending(talk->connection), 0);
    assert_null(cql_connection_take_pending(talk->connection));
    talk_feed_frame(talk, CQL_RESULT, (int16_t)stream, TALK_VOID);
    talk_expect(talk, "");
}

static void a_late_reply_frees_the_orphans_stream(void **state)
{
    struct talk *talk = *state;
    uint16_t stream, other;

    for (int i = 0; i < 300; i++) { /* more than the limit of orphans at a time */
        assert_int_equal(talk_ask(talk, "a", CQL_QUERY, SLICE_LITERAL("x"), &stream), STATUS_OK);
        talk_send(talk);
        cql_connection_orphan(talk->connection, stream);
        assert_int_equal(talk_ask(talk, "b", CQL_QUERY, SLICE_LITERAL("x"), &other), STATUS_OK);
        assert_int_not_equal(stream, other);
        talk_send(talk);
        talk_feed_frame(talk, CQL_RESULT, (int16_t)stream, TALK_VOID);
        talk_feed_frame(talk, CQL_RESULT, (int16_t)other, TALK_VOID);
    }
    assert_int_equal(talk->failed, 0);
}

static void a_reply_may_come_before_its_request_is_reported_as_sent(void **state)
{
    struct talk *talk = *state;
    struct slice slices[8];
    uint16_t first, second;

    assert_int_equal(talk_ask(talk, "a", CQL_QUERY, SLICE_LITERAL("x"), &first), STATUS_OK);
    assert_int_equal(cql_connection_output(talk->connection, slices, 8), 2);
    talk_feed_frame(talk, CQL_RESULT, (int16_t)first, TALK_VOID);
    talk_expect(talk, "RESPONSE a RESULT 00000001\n");
    assert_int_equal(cql_connection_output(talk->connection, slices, 8), 2);
    assert_int_equal(talk_ask(talk, "b", CQL_QUERY, SLICE_LITERAL("y"), &second), STATUS_OK);
    assert_int_not_equal(first, second);
    cql_connection_sent(talk->connection, CQL_HEADER_BYTES + 1);
    assert_int_equal(cql_connection_output(talk->connection, slices, 8), 2);
}

static void an_idle_connection_sends_a_heartbeat_and_its_answer_is_no_event(void **state)
{
    struct talk *talk = *state;

    assert_int_equal(cql_connection_deadline_us(talk->connection), talk->now_us + 15 * TALK_SECOND);
    talk_tick(talk, 14);
    talk_send(talk);
    assert_int_equal(buf_len(&talk->out), 0);
    talk_tick(talk, 1);
    talk_send(talk);
    assert_int_equal(buf_len(&talk->out), CQL_HEADER_BYTES);
    assert_memory_equal(buf_unread(&talk->out).data, "\4\0\0\0\5\0\0\0\0", CQL_HEADER_BYTES);
    talk_tick(talk, 9);
    talk_feed_frame(talk, CQL_SUPPORTED, 0, TALK_SUPPORTED);
    talk_expect(talk, "");
    assert_int_equal(cql_connection_deadline_us(talk->connection), talk->now_us + 15 * TALK_SECOND);
}

static void a_heartbeat_may_be_refused_by_an_overloaded_node(void **state)
{
    struct talk *talk = *state;

    talk_tick(talk, 15);
    talk_send(talk);
    talk_feed_frame(talk, CQL_ERROR, 0, SLICE_LITERAL("\0\0\x10\1\0\0"));
    talk_tick(talk, 14);
    talk_expect(talk, "");
    assert_int_equal(talk->failed, 0);
}

static void reads_put_the_heartbeat_off_and_writes_do_not(void **state)
{
    struct talk *talk = *state;
    uint16_t stream;

    talk_tick(talk, 10);
    assert_int_equal(talk_ask(talk, "a", CQL_QUERY, SLICE_LITERAL("x"), &stream), STATUS_OK);
    talk_send(talk);
    assert_int_equal(cql_connection_deadline_us(talk->connection), talk->now_us + 5 * TALK_SECOND);
    talk_feed_frame(talk, CQL_RESULT, (int16_t)stream, TALK_VOID);
    assert_int_equal(cql_connection_deadline_us(talk->connection), talk->now_us + 15 * TALK_SECOND);
}

static void heartbeats_go_out_when_all_streams_are_taken(void **state)
{
    struct talk talk;
    uint16_t stream;

    (void)state;
    talk_init(&talk);
    talk.config.max_streams = 200;
    talk_open(&talk);
    talk_become_ready(&talk);
    for (int i = 0; i < 200; i++)
        assert_int_equal(talk_ask(&talk, "a", CQL_QUERY, SLICE_LITERAL("x"), &stream), STATUS_OK);
    assert_int_equal(talk_ask(&talk, "a", CQL_QUERY, SLICE_LITERAL("x"), &stream), STATUS_BUSY);
    talk_send(&talk);
    buf_reset(&talk.out);
    talk_tick(&talk, 15);
    talk_send(&talk);
    assert_int_equal(buf_len(&talk.out), CQL_HEADER_BYTES);
    talk_feed_frame(&talk, CQL_RESULT, 77, TALK_VOID);
    assert_int_equal(talk_ask(&talk, "a", CQL_QUERY, SLICE_LITERAL("x"), &stream), STATUS_OK);
    assert_int_equal(stream, 77);
    talk_close(&talk);
    failing_alloc_assert_none_live(&talk.failing);
}

static void a_large_answer_arrives_and_its_memory_is_given_back(void **state)
{
    struct talk *talk = *state;
    size_t len = 3 << 20;
    uint8_t *frame = calloc(1, CQL_HEADER_BYTES + len);
    struct cql_header header = {0x84, 0, 3, CQL_RESULT, (uint32_t)len};
    size_t live = talk->failing.live_bytes;
    struct cql_event event;
    uint16_t stream;
    size_t room;

    assert_non_null(frame);
    assert_int_equal(talk_ask(talk, "a", CQL_QUERY, SLICE_LITERAL("x"), &stream), STATUS_OK);
    talk_send(talk);
    cql_header_write(frame, &header);
    for (size_t at = 0; at < CQL_HEADER_BYTES + len;) {
        uint8_t *space = cql_connection_space(talk->connection, &room);

        assert_true(room > 0);
        /* memory follows what has come */
        assert_true(talk->failing.live_bytes < live + 3 * at + (64 << 10));
        room = room < CQL_HEADER_BYTES + len - at ? room : CQL_HEADER_BYTES + len - at;
        memcpy(space, frame + at, room);
        cql_connection_received(talk->connection, room, talk->now_us);
        at += room;
        assert_int_equal(cql_connection_next(talk->connection, &event),
                         at == CQL_HEADER_BYTES + len);
    }
    assert_int_equal(event.body.len, len);
    assert_non_null(cql_connection_space(talk->connection, &room));
    assert_true(talk->failing.live_bytes < live + (64 << 10));
    free(frame);
}

static void requests_under_way_can_be_taken_back_when_the_socket_is_gone(void **state)
{
    struct talk *talk = *state;
    struct cql_event event;
    uint16_t a, b, c;

    assert_int_equal(talk_ask(talk, "a", CQL_QUERY, SLICE_LITERAL("x"), &a), STATUS_OK);
    assert_int_equal(talk_ask(talk, "b", CQL_QUERY, SLICE_LITERAL("x"), &b), STATUS_OK);
    talk_send(talk);
    assert_int_equal(talk_ask(talk, "c", CQL_QUERY, SLICE_LITERAL("x"), &c), STATUS_OK);
    cql_connection_orphan(talk->connection, b);
    assert_string_equal(cql_connection_take_pending(talk->connection), "a");
    assert_string_equal(cql_connection_take_pending(talk->connection), "c");
    assert_null(cql_connection_take_pending(talk->connection));
    assert_int_equal(cql_connection_pending(talk->connection), 0);
    assert_false(cql_connection_next(talk->connection, &event));
    assert_int_equal(talk_ask(talk, "d", CQL_QUERY, SLICE_LITERAL("x"), &a), STATUS_CLOSED);
}

static void nothing_can_be_sent_before_ready(void **state)
{
    struct talk talk;
    uint16_t stream;

    (void)state;
    talk_init(&talk);
    talk_open(&talk);
    assert_int_equal(talk_ask(&talk, "a", CQL_QUERY, SLICE_LITERAL("x"), &stream), STATUS_CLOSED);
    talk_close(&talk);
    failing_alloc_assert_none_live(&talk.failing);
}

static void a_dse_node_is_told_the_mechanism_first(void **state)
{
    struct talk talk;

    (void)state;
    talk_init(&talk);
    talk_open(&talk);
    talk_send(&talk);
    talk_feed_frame(&talk, CQL_SUPPORTED, 1, TALK_SUPPORTED);
    talk_send(&talk);
    buf_reset(&talk.out);
    talk_feed_frame(&talk, CQL_AUTHENTICATE, 2,
                    SLICE_LITERAL("\0\x30"
                                  "com.datastax.bdp.cassandra.auth.DseAuthenticator"));
    talk_send(&talk);
    assert_true(
        slice_equal(buf_unread(&talk.out), SLICE_LITERAL("\4\0\0\3\x0f\0\0\0\x09\0\0\0\5PLAIN")));
    buf_reset(&talk.out);
    talk_feed_frame(&talk, CQL_AUTH_CHALLENGE, 3, SLICE_LITERAL("\0\0\0\x0bPLAIN-START"));
    talk_send(&talk);
    assert_true(
        slice_equal(buf_unread(&talk.out),
                    SLICE_LITERAL("\4\0\0\4\x0f\0\0\0\x18\0\0\0\x14\0cassandra\0cassandra")));
    talk_feed_frame(&talk, CQL_AUTH_SUCCESS, 4, SLICE_LITERAL("\xff\xff\xff\xff"));
    talk_expect(&talk, "READY\n");
    talk_close(&talk);
    failing_alloc_assert_none_live(&talk.failing);
}

int main(void)
{
#define READY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recorded_session_is_spoken_byte_for_byte),
        cmocka_unit_test(every_split_of_a_session_gives_the_same_events_and_output),
        READY(what_the_node_supports_is_known_with_several_values_joined),
        READY(replies_find_their_requests_in_any_order),
        READY(an_error_is_handed_out_decoded),
        READY(warnings_and_payload_are_handed_out_and_not_part_of_the_body),
        READY(a_body_is_borrowed_and_never_copied),
        READY(an_orphan_is_not_reported_and_keeps_its_stream_until_the_late_reply),
        READY(a_late_reply_frees_the_orphans_stream),
        READY(a_reply_may_come_before_its_request_is_reported_as_sent),
        READY(an_idle_connection_sends_a_heartbeat_and_its_answer_is_no_event),
        READY(a_heartbeat_may_be_refused_by_an_overloaded_node),
        READY(reads_put_the_heartbeat_off_and_writes_do_not),
        cmocka_unit_test(heartbeats_go_out_when_all_streams_are_taken),
        READY(a_large_answer_arrives_and_its_memory_is_given_back),
        READY(requests_under_way_can_be_taken_back_when_the_socket_is_gone),
        cmocka_unit_test(nothing_can_be_sent_before_ready),
        cmocka_unit_test(a_dse_node_is_told_the_mechanism_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
