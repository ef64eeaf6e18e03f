/* What a connection does when the node, the network or the memory does not behave. */
#include "tests/cql/talk.h"

static int setup(void **state)
{
    struct talk *talk = calloc(1, sizeof(*talk));

    if (talk == NULL)
        return -1;
    talk_init(talk);
    talk_open(talk);
    *state = talk;
    return 0;
}

static int setup_ready(void **state)
{
    if (setup(state) < 0)
        return -1;
    talk_become_ready(*state);
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

/* Failed once, with this status and these words, and is closed for good. */
static void expect_failure(struct talk *talk, int status, const char *words)
{
    struct slice slices[4];
    uint16_t stream;
    size_t room;

    assert_int_equal(talk->failed, 1);
    if (strstr(talk->text, words) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", words, talk->text);
    assert_int_equal(talk->status, status);
    assert_int_equal(talk_ask(talk, "z", CQL_QUERY, SLICE_LITERAL("x"), &stream), STATUS_CLOSED);
    assert_int_equal(cql_connection_output(talk->connection, slices, 4), 0);
    assert_null(cql_connection_space(talk->connection, &room));
    assert_int_equal(room, 0);
    assert_int_equal(cql_connection_deadline_us(talk->connection), INT64_MAX);
    talk_tick(talk, 1000);
    assert_int_equal(talk->failed, 1);
}

/* --- while it opens --- */

static void an_old_or_new_node_is_quoted_when_it_refuses_v4(void **state)
{
    struct talk *talk = *state;
    struct vectors *vectors = vectors_read("version");

    assert_non_null(vectors);
    assert_int_equal(vectors->count, 2);
    talk_feed(talk, slice_make(vectors->at[0].bytes, vectors->at[0].len));
    expect_failure(talk, STATUS_UNSUPPORTED, "node speaks protocol v5; v4 is needed");
    assert_non_null(strstr(talk->text, "native_transport_allow_older_protocols"));
    assert_non_null(strstr(talk->text, "5/v5"));
    vectors_free(vectors);
}

static void a_node_of_protocol_2_is_named(void **state)
{
    talk_feed(*state, SLICE_LITERAL("\x82"));
    expect_failure(*state, STATUS_UNSUPPORTED, "node speaks protocol v2");
}

static void a_node_of_another_version_is_not_waited_for_long(void **state)
{
    talk_feed(*state, SLICE_LITERAL("\x85\0\0\0\0\x10\0\0\0"));
    expect_failure(*state, STATUS_UNSUPPORTED, "node speaks protocol v5");
}

static void a_node_that_knows_only_v3_is_told_apart_from_one_that_wants_v5(void **state)
{
    talk_feed(*state, SLICE_LITERAL("\x83\0\0\0\0\0\0\0\x0a\0\0\0\x0a\0\4oh v"));
    expect_failure(*state, STATUS_UNSUPPORTED,
                   "node speaks protocol v3; v4 is needed (Cassandra 3.0 or newer, ScyllaDB): oh v");
}

static void a_tls_port_is_recognised(void **state)
{
    talk_feed(*state, SLICE_LITERAL("\x15\3\1"));
    expect_failure(*state, STATUS_MALFORMED, "TLS");
}

static void an_http_server_is_no_node(void **state)
{
    talk_feed(*state, SLICE_LITERAL("HTTP/1.1 400 Bad Request\r\n"));
    expect_failure(*state, STATUS_MALFORMED, "no CQL response (first byte 0x48)");
}

static void our_own_request_sent_back_is_no_response(void **state)
{
    talk_feed(*state, SLICE_LITERAL("\4\0\0\1\5\0\0\0\0"));
    expect_failure(*state, STATUS_MALFORMED, "first byte 0x04");
}

static void a_node_that_never_answers_times_out(void **state)
{
    struct talk *talk = *state;

    assert_int_equal(cql_connection_deadline_us(talk->connection), talk->now_us + 10 * TALK_SECOND);
    talk_tick(talk, 9);
    assert_int_equal(talk->failed, 0);
    talk_feed(talk, SLICE_LITERAL("\x84"));
    talk_tick(talk, 1);
    expect_failure(talk, STATUS_TIMEOUT, "did not complete the connection in 10000 ms");
}

static void feed_vector(struct talk *talk, const char *name, const char *comment, int16_t stream)
{
    struct vectors *vectors = vectors_read(name);

    assert_non_null(vectors);
    for (size_t i = 0; i < vectors->count; i++)
        if (strstr(vectors->at[i].comment, comment) != NULL) {
            struct cql_prefix prefix;
            struct slice body = vector_message(&vectors->at[i], &prefix);

            talk_feed_frame(talk, vector_header(&vectors->at[i]).opcode, stream, body);
            vectors_free(vectors);
            return;
        }
    fail_msg("no vector %s", comment);
}

static void a_wrong_password_is_told_in_the_nodes_words(void **state)
{
    struct talk *talk = *state;

    talk_send(talk);
    talk_feed_frame(talk, CQL_SUPPORTED, 1, TALK_SUPPORTED);
    talk_send(talk);
    feed_vector(talk, "authenticate", "", 2);
    talk_send(talk);
    feed_vector(talk, "error", "AUTH_RESPONSE of PLAIN", 3);
    expect_failure(talk, STATUS_REFUSED,
                   "authentication refused: Provided username cassandra and/or password");
}

static void a_node_that_wants_a_password_when_there_is_none_is_told_of(void **state)
{
    struct talk *talk = *state;

    cql_connection_free(talk->connection);
    talk->config.user = NULL;
    talk_open(talk);
    talk_send(talk);
    talk_feed_frame(talk, CQL_SUPPORTED, 1, TALK_SUPPORTED);
    talk_send(talk);
    feed_vector(talk, "authenticate", "", 2);
    expect_failure(talk, STATUS_REFUSED, "node asks for a user and a password");
}

static void a_password_is_not_sent_to_an_authenticator_that_is_not_known(void **state)
{
    struct talk *talk = *state;

    talk_send(talk);
    talk_feed_frame(talk, CQL_SUPPORTED, 1, TALK_SUPPORTED);
    talk_send(talk);
    buf_reset(&talk->out);
    talk_feed_frame(talk, CQL_AUTHENTICATE, 2, SLICE_LITERAL("\0\4Evil"));
    talk_send(talk);
    assert_int_equal(buf_len(&talk->out), 0);
    expect_failure(talk, STATUS_UNSUPPORTED, "Evil, which is not known");
}

static void an_unexpected_challenge_is_refused(void **state)
{
    struct talk *talk = *state;

    talk_send(talk);
    talk_feed_frame(talk, CQL_SUPPORTED, 1, TALK_SUPPORTED);
    talk_send(talk);
    feed_vector(talk, "authenticate", "", 2);
    talk_send(talk);
    talk_feed_frame(talk, CQL_AUTH_CHALLENGE, 3, SLICE_LITERAL("\0\0\0\1x"));
    expect_failure(talk, STATUS_UNSUPPORTED, "more than a user and a password");
}

static void a_node_that_is_overloaded_at_startup_may_be_asked_again(void **state)
{
    struct talk *talk = *state;

    talk_send(talk);
    talk_feed_frame(talk, CQL_ERROR, 1, SLICE_LITERAL("\0\0\x10\1\0\2no"));
    expect_failure(talk, STATUS_BUSY, "node does not take connections now: overloaded: no");
}

static void ready_without_startup_is_malformed(void **state)
{
    talk_send(*state);
    talk_feed_frame(*state, CQL_READY, 1, SLICE_LITERAL(""));
    expect_failure(*state, STATUS_MALFORMED, "READY in answer to OPTIONS");
}

static void a_supported_that_outgrows_its_limit_is_refused(void **state)
{
    struct talk *talk = *state;
    static uint8_t frame[CQL_HEADER_BYTES + 40000] = {0x84, 0, 0, 1, CQL_SUPPORTED};

    frame[7] = 40000 >> 8;
    frame[8] = 40000 & 0xff;
    talk_feed(talk, slice_make(frame, sizeof(frame)));
    expect_failure(talk, STATUS_LIMIT, "SUPPORTED");
}

/* --- when it is open --- */

static void a_protocol_error_fails_the_connection_and_leaves_the_requests(void **state)
{
    struct talk *talk = *state;
    uint16_t a, b;

    assert_int_equal(talk_ask(talk, "a", CQL_QUERY, SLICE_LITERAL("x"), &a), STATUS_OK);
    assert_int_equal(talk_ask(talk, "b", CQL_QUERY, SLICE_LITERAL("x"), &b), STATUS_OK);
    talk_send(talk);
    feed_vector(talk, "error", "a QUERY that is cut short", (int16_t)a);
    expect_failure(talk, STATUS_REFUSED, "protocol error from the node: Not enough bytes");
    assert_string_equal(cql_connection_take_pending(talk->connection), "a");
    assert_string_equal(cql_connection_take_pending(talk->connection), "b");
    assert_null(cql_connection_take_pending(talk->connection));
}

static void a_protocol_error_counts_on_any_stream(void **state)
{
    talk_feed_frame(*state, CQL_ERROR, 999, SLICE_LITERAL("\0\0\0\x0a\0\2no"));
    expect_failure(*state, STATUS_REFUSED, "protocol error from the node: no");
}

static void the_nodes_words_cannot_break_a_line(void **state)
{
    talk_feed_frame(*state, CQL_ERROR, 999, SLICE_LITERAL("\0\0\0\x0a\0\5\r\nX\x1b\x7f"));
    expect_failure(*state, STATUS_REFUSED, "node: ??X??");
}

static void a_reply_on_a_stream_without_a_request_fails_it(void **state)
{
    talk_feed_frame(*state, CQL_RESULT, 77, TALK_VOID);
    expect_failure(*state, STATUS_MALFORMED, "RESULT on stream 77, where nothing was asked");
}

static void a_reply_on_a_stream_that_never_was_fails_it(void **state)
{
    talk_feed_frame(*state, CQL_RESULT, 32767, TALK_VOID);
    expect_failure(*state, STATUS_MALFORMED, "stream 32767");
}

static void a_second_reply_to_one_request_fails_it(void **state)
{
    struct talk *talk = *state;
    uint16_t stream;

    assert_int_equal(talk_ask(talk, "a", CQL_QUERY, SLICE_LITERAL("x"), &stream), STATUS_OK);
    talk_send(talk);
    talk_feed_frame(talk, CQL_RESULT, (int16_t)stream, TALK_VOID);
    assert_int_equal(talk->failed, 0);
    talk_feed_frame(talk, CQL_RESULT, (int16_t)stream, TALK_VOID);
    expect_failure(talk, STATUS_MALFORMED, "where nothing was asked");
}

static void a_reply_of_the_wrong_kind_fails_it(void **state)
{
    struct talk *talk = *state;
    uint16_t stream;

    assert_int_equal(talk_ask(talk, "a", CQL_BATCH, SLICE_LITERAL("x"), &stream), STATUS_OK);
    talk_send(talk);
    talk_feed_frame(talk, CQL_READY, (int16_t)stream, SLICE_LITERAL(""));
    expect_failure(talk, STATUS_MALFORMED, "READY in answer to BATCH");
    assert_string_equal(cql_connection_take_pending(talk->connection), "a");
}

static void a_request_from_the_node_fails_it(void **state)
{
    talk_feed_frame(*state, CQL_QUERY, 3, SLICE_LITERAL(""));
    expect_failure(*state, STATUS_MALFORMED, "opcode 0x07 from the node");
}

static void an_opcode_that_is_not_known_fails_it(void **state)
{
    talk_feed_frame(*state, 0x11, 3, SLICE_LITERAL(""));
    expect_failure(*state, STATUS_MALFORMED, "opcode 0x11");
}

static void only_events_come_unasked(void **state)
{
    talk_feed_frame(*state, CQL_RESULT, -1, TALK_VOID);
    expect_failure(*state, STATUS_MALFORMED, "RESULT on stream -1");
}

static void an_event_on_a_requests_stream_fails_it(void **state)
{
    struct talk *talk = *state;
    uint16_t stream;

    assert_int_equal(talk_ask(talk, "a", CQL_QUERY, SLICE_LITERAL("x"), &stream), STATUS_OK);
    talk_send(talk);
    talk_feed_frame(talk, CQL_EVENT, (int16_t)stream, SLICE_LITERAL("\0\1x"));
    expect_failure(talk, STATUS_MALFORMED, "EVENT in answer to QUERY");
}

static void an_event_that_is_cut_short_fails_it(void **state)
{
    talk_feed_frame(*state, CQL_EVENT, -1, SLICE_LITERAL("\0\x0dSTATUS_CHANGE\0\2UP\4"));
    expect_failure(*state, STATUS_MALFORMED, "EVENT ends before");
}

static void an_error_that_is_cut_short_fails_it(void **state)
{
    talk_feed_frame(*state, CQL_ERROR, 3, SLICE_LITERAL("\0\0\x11\0\0\0\0\6"));
    expect_failure(*state, STATUS_MALFORMED, "ERROR ends before");
}

static void an_absurd_length_fails_it_at_the_header(void **state)
{
    struct talk *talk = *state;
    size_t live = talk->failing.live_bytes;

    talk_feed(talk, SLICE_LITERAL("\x84\0\0\3\x08\xff\xff\xff\xff"));
    assert_true(talk->failing.live_bytes <= live + (64 << 10));
    expect_failure(talk, STATUS_LIMIT, "frame of 4294967295 bytes");
}

static void a_compressed_frame_was_not_agreed_on(void **state)
{
    talk_feed(*state, SLICE_LITERAL("\x84\1\0\3\x08\0\0\0\1x"));
    expect_failure(*state, STATUS_MALFORMED, "compressed");
}

static void warnings_that_do_not_fit_their_frame_fail_it(void **state)
{
    talk_feed(*state, SLICE_LITERAL("\x84\x08\0\3\x08\0\0\0\4\0\1\xff\xff"));
    expect_failure(*state, STATUS_MALFORMED, "RESULT: its prefix");
}

static void another_version_in_mid_stream_fails_it(void **state)
{
    talk_feed(*state, SLICE_LITERAL("\x85"));
    expect_failure(*state, STATUS_MALFORMED, "changed from protocol v4 to v5");
}

static void a_silent_node_is_given_up_after_a_heartbeat(void **state)
{
    struct talk *talk = *state;

    talk_tick(talk, 15);
    talk_send(talk);
    assert_int_equal(cql_connection_deadline_us(talk->connection), talk->now_us + 10 * TALK_SECOND);
    talk_tick(talk, 9);
    assert_int_equal(talk->failed, 0);
    talk_tick(talk, 1);
    expect_failure(talk, STATUS_TIMEOUT, "no answer to a heartbeat in 10000 ms");
}

static void too_many_orphans_fail_it(void **state)
{
    struct talk *talk = *state;
    uint16_t stream;

    for (int i = 0; i <= 256; i++) {
        assert_int_equal(talk->failed, 0);
        assert_int_equal(talk_ask(talk, "a", CQL_QUERY, SLICE_LITERAL("x"), &stream), STATUS_OK);
        talk_send(talk);
        cql_connection_orphan(talk->connection, stream);
        talk_events(talk);
    }
    expect_failure(talk, STATUS_TIMEOUT, "257 requests without an answer");
    assert_null(cql_connection_take_pending(talk->connection));
}

/* --- memory --- */

/* What a control connection goes through in its life. */
static void live(struct talk *talk)
{
    uint16_t stream;

    talk->config.register_events = true;
    talk_open(talk);
    if (talk->connection == NULL)
        return;
    talk_send(talk);
    talk_feed_frame(talk, CQL_SUPPORTED, 1, TALK_SUPPORTED);
    talk_send(talk);
    if (talk->failed == 0)
        feed_vector(talk, "authenticate", "", 2);
    talk_send(talk);
    talk_feed_frame(talk, CQL_AUTH_SUCCESS, 3, SLICE_LITERAL("\xff\xff\xff\xff"));
    talk_send(talk);
    talk_feed_frame(talk, CQL_READY, 4, SLICE_LITERAL(""));
    for (int i = 0; i < 150 && talk->ready > 0; i++)
        (void)talk_ask(talk, "a", CQL_QUERY, SLICE_LITERAL("x"), &stream);
    talk_send(talk);
    while (cql_connection_take_pending(talk->connection) != NULL)
        ;
    assert_int_equal(cql_connection_pending(talk->connection), 0);
}

static void a_connection_survives_or_fails_cleanly_when_any_allocation_fails(void **state)
{
    struct failing_alloc failing;

    (void)state;
    failing_alloc_init(&failing);
    for (size_t n = 1; failing_alloc_next(&failing, n); n++) {
        struct talk talk;

        talk_init(&talk);
        talk.config.alloc = &failing.alloc;
        live(&talk);
        if (failing.failures == 0)
            assert_int_equal(talk.ready, 1);
        if (talk.failed > 0)
            assert_int_equal(talk.status, STATUS_NOMEM);
        talk_close(&talk);
        failing_alloc_assert_none_live(&talk.failing);
    }
}

int main(void)
{
#define OPENING(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define OPEN(test)    cmocka_unit_test_setup_teardown(test, setup_ready, teardown)
    const struct CMUnitTest tests[] = {
        OPENING(an_old_or_new_node_is_quoted_when_it_refuses_v4),
        OPENING(a_node_of_protocol_2_is_named),
        OPENING(a_node_of_another_version_is_not_waited_for_long),
        OPENING(a_node_that_knows_only_v3_is_told_apart_from_one_that_wants_v5),
        OPENING(a_tls_port_is_recognised),
        OPENING(an_http_server_is_no_node),
        OPENING(our_own_request_sent_back_is_no_response),
        OPENING(a_node_that_never_answers_times_out),
        OPENING(a_wrong_password_is_told_in_the_nodes_words),
        OPENING(a_node_that_wants_a_password_when_there_is_none_is_told_of),
        OPENING(a_password_is_not_sent_to_an_authenticator_that_is_not_known),
        OPENING(an_unexpected_challenge_is_refused),
        OPENING(a_node_that_is_overloaded_at_startup_may_be_asked_again),
        OPENING(ready_without_startup_is_malformed),
        OPENING(a_supported_that_outgrows_its_limit_is_refused),
        OPEN(a_protocol_error_fails_the_connection_and_leaves_the_requests),
        OPEN(a_protocol_error_counts_on_any_stream),
        OPEN(the_nodes_words_cannot_break_a_line),
        OPEN(a_reply_on_a_stream_without_a_request_fails_it),
        OPEN(a_reply_on_a_stream_that_never_was_fails_it),
        OPEN(a_second_reply_to_one_request_fails_it),
        OPEN(a_reply_of_the_wrong_kind_fails_it),
        OPEN(a_request_from_the_node_fails_it),
        OPEN(an_opcode_that_is_not_known_fails_it),
        OPEN(only_events_come_unasked),
        OPEN(an_event_on_a_requests_stream_fails_it),
        OPEN(an_event_that_is_cut_short_fails_it),
        OPEN(an_error_that_is_cut_short_fails_it),
        OPEN(an_absurd_length_fails_it_at_the_header),
        OPEN(a_compressed_frame_was_not_agreed_on),
        OPEN(warnings_that_do_not_fit_their_frame_fail_it),
        OPEN(another_version_in_mid_stream_fails_it),
        OPEN(a_silent_node_is_given_up_after_a_heartbeat),
        OPEN(too_many_orphans_fail_it),
        cmocka_unit_test(a_connection_survives_or_fails_cleanly_when_any_allocation_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
