/* lz4 on a connection: agreed on in STARTUP, then frame by frame, both ways. */
#include "tests/cql/talk.h"

#include "cql/compression.h"
#include "proto/endian.h"

#define OFFERS_LZ4  SLICE_LITERAL("\0\1\0\13COMPRESSION\0\2\0\6snappy\0\3lz4")
#define OFFERS_LESS SLICE_LITERAL("\0\1\0\13COMPRESSION\0\2\0\6snappy\0\4lz4x")

/* To where STARTUP has been sent. */
static void start(struct talk *talk, enum cql_compression compression, struct slice supported)
{
    talk_init(talk);
    talk->config.compression = compression;
    talk_open(talk);
    talk_send(talk);
    buf_reset(&talk->out);
    talk_feed_frame(talk, CQL_SUPPORTED, 1, supported);
    talk_send(talk);
}

static void become_ready(struct talk *talk)
{
    talk_feed_frame(talk, CQL_READY, 2, SLICE_LITERAL(""));
    assert_int_equal(talk->ready, 1);
    buf_reset(&talk->out);
    buf_reset(&talk->events);
}

static bool output_has(struct talk *talk, const char *text)
{
    struct slice out = buf_unread(&talk->out);
    size_t len = strlen(text);

    for (size_t at = 0; at + len <= out.len; at++)
        if (memcmp(out.data + at, text, len) == 0)
            return true;
    return false;
}

static void feed_compressed(struct talk *talk, uint8_t flags, uint8_t opcode, int16_t stream,
                            struct slice body)
{
    struct buf frame, packed;
    struct cql_header header = {.version = CQL_VERSION | CQL_VERSION_RESPONSE,
                                .flags = (uint8_t)(flags | CQL_FLAG_COMPRESSION),
                                .stream = stream,
                                .opcode = opcode};
    uint8_t bytes[CQL_HEADER_BYTES];

    buf_init(&frame, &alloc_heap, TALK_BYTES);
    buf_init(&packed, &alloc_heap, TALK_BYTES);
    assert_int_equal(cql_lz4_compress(body, &packed), STATUS_OK);
    header.body_bytes = (uint32_t)buf_len(&packed);
    cql_header_write(bytes, &header);
    assert_int_equal(buf_append(&frame, slice_make(bytes, sizeof(bytes))), STATUS_OK);
    assert_int_equal(buf_append(&frame, buf_unread(&packed)), STATUS_OK);
    talk_feed_in(talk, buf_unread(&frame), 7);
    buf_deinit(&frame);
    buf_deinit(&packed);
}

static void lz4_is_asked_for_where_it_is_wanted_and_offered(void **state)
{
    static const struct {
        enum cql_compression wanted;
        bool offered, asked;
    } cases[] = {{CQL_COMPRESSION_NONE, true, false},
                 {CQL_COMPRESSION_AUTO, true, true},
                 {CQL_COMPRESSION_AUTO, false, false},
                 {CQL_COMPRESSION_LZ4, true, true}};
    struct talk talk;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        start(&talk, cases[i].wanted, cases[i].offered ? OFFERS_LZ4 : OFFERS_LESS);
        assert_true(output_has(&talk, "STARTUP") == false); /* an opcode, not a word */
        assert_int_equal(output_has(&talk, "COMPRESSION"), cases[i].asked);
        assert_int_equal(buf_unread(&talk.out).data[1], 0); /* STARTUP itself is plain */
        become_ready(&talk);
        assert_int_equal(cql_connection_compresses(talk.connection), cases[i].asked);
        talk_close(&talk);
    }
}

static void a_node_without_lz4_is_refused_when_it_is_asked_for(void **state)
{
    struct talk talk;

    (void)state;
    start(&talk, CQL_COMPRESSION_LZ4, OFFERS_LESS);
    assert_int_equal(talk.failed, 1);
    assert_int_equal(talk.status, STATUS_UNSUPPORTED);
    assert_non_null(strstr(talk.text, "does not offer lz4"));
    assert_non_null(strstr(talk.text, "snappy"));
    talk_close(&talk);
}

static void large_requests_leave_compressed_and_small_ones_and_noise_plain(void **state)
{
    struct talk talk;
    uint16_t stream;
    uint8_t body[900] = {0};
    struct cql_header header;
    struct buf plain;

    (void)state;
    start(&talk, CQL_COMPRESSION_AUTO, OFFERS_LZ4);
    become_ready(&talk);
    assert_int_equal(talk_ask(&talk, "a", CQL_BATCH, slice_make(body, 900), &stream), STATUS_OK);
    talk_send_in(&talk, 5);
    header = cql_header_read(buf_unread(&talk.out).data);
    assert_int_equal(header.flags, CQL_FLAG_COMPRESSION);
    assert_int_equal(header.body_bytes, buf_len(&talk.out) - CQL_HEADER_BYTES);
    assert_true(header.body_bytes < 100);
    buf_init(&plain, &alloc_heap, TALK_BYTES);
    assert_int_equal(cql_lz4_decompress(slice_make(buf_unread(&talk.out).data + CQL_HEADER_BYTES,
                                                   header.body_bytes),
                                        1000, &plain),
                     STATUS_OK);
    assert_true(slice_equal(buf_unread(&plain), slice_make(body, 900)));
    buf_deinit(&plain);

    buf_reset(&talk.out);
    assert_int_equal(talk_ask(&talk, "b", CQL_BATCH, slice_make(body, 40), &stream), STATUS_OK);
    talk_send(&talk);
    assert_int_equal(cql_header_read(buf_unread(&talk.out).data).flags, 0);

    buf_reset(&talk.out);
    for (size_t i = 0, noise = 12345; i < sizeof(body); i++, noise = noise * 1103515245 + 12345)
        body[i] = (uint8_t)(noise >> 16);
    assert_int_equal(talk_ask(&talk, "c", CQL_BATCH, slice_make(body, 900), &stream), STATUS_OK);
    talk_send(&talk);
    assert_int_equal(cql_header_read(buf_unread(&talk.out).data).flags, 0);
    assert_int_equal(buf_len(&talk.out), CQL_HEADER_BYTES + 900);
    talk_close(&talk);
}

static void compressed_answers_are_read_and_plain_ones_among_them(void **state)
{
    static const uint8_t rows[200] = {0, 0, 0, 1};
    struct talk talk;
    uint16_t a, b, c;

    (void)state;
    start(&talk, CQL_COMPRESSION_AUTO, OFFERS_LZ4);
    become_ready(&talk);
    assert_int_equal(talk_ask(&talk, "a", CQL_BATCH, SLICE_LITERAL("x"), &a), STATUS_OK);
    assert_int_equal(talk_ask(&talk, "b", CQL_BATCH, SLICE_LITERAL("x"), &b), STATUS_OK);
    assert_int_equal(talk_ask(&talk, "c", CQL_BATCH, SLICE_LITERAL("x"), &c), STATUS_OK);
    talk_send(&talk);
    feed_compressed(&talk, 0, CQL_RESULT, (int16_t)b, slice_make(rows, sizeof(rows)));
    assert_true(buf_len(&talk.events) > 2 * sizeof(rows));
    buf_reset(&talk.events);
    talk_feed_frame(&talk, CQL_RESULT, (int16_t)a, TALK_VOID);
    talk_expect(&talk, "RESPONSE a RESULT 00000001\n");
    /* flags of the prefix count inside */
    static const uint8_t warned[200] = {0, 1, 0, 190};
    feed_compressed(&talk, CQL_FLAG_WARNING, CQL_RESULT, (int16_t)c, slice_make(warned, 200));
    talk_expect(&talk, "RESPONSE c RESULT 000000000000\n");
    talk_close(&talk);
}

static void a_compressed_ready_without_a_body_opens_the_connection(void **state)
{
    struct talk talk;

    (void)state;
    start(&talk, CQL_COMPRESSION_LZ4, OFFERS_LZ4);
    talk_feed(&talk, SLICE_LITERAL("\x84\1\0\2\2\0\0\0\5\0\0\0\0\0"));
    talk_expect(&talk, "READY\n");
    talk_close(&talk);
}

static void a_body_that_lies_about_its_length_fails_the_connection(void **state)
{
    const struct {
        struct slice frame;
        int status;
    } lies[] = {
        {SLICE_LITERAL("\x84\1\0\3\x08\0\0\0\2\0\0"), STATUS_TRUNCATED},
        {SLICE_LITERAL("\x84\1\0\3\x08\0\0\0\6\0\0\0\1\xff\xff"), STATUS_MALFORMED},
        {SLICE_LITERAL("\x84\1\0\3\x08\0\0\0\5\x7f\xff\xff\xff\0"), STATUS_LIMIT},
        {SLICE_LITERAL("\x84\1\0\3\x08\0\0\0\5\0\1\0\0\0"), STATUS_MALFORMED},
    };
    struct talk talk;

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        start(&talk, CQL_COMPRESSION_AUTO, OFFERS_LZ4);
        become_ready(&talk);
        talk_feed(&talk, lies[i].frame);
        assert_int_equal(talk.failed, 1);
        assert_int_equal(talk.status, lies[i].status);
        assert_non_null(strstr(talk.text, "cannot be decompressed"));
        talk_close(&talk);
    }
}

/* The plain body is there in any case; only the answer's memory is needed. */
static void without_memory_to_compress_a_request_leaves_plain(void **state)
{
    struct talk talk;
    uint16_t stream;
    static const uint8_t body[4000];
    unsigned plain = 0;

    (void)state;
    for (size_t n = 0; n == plain; n++) {
        start(&talk, CQL_COMPRESSION_AUTO, OFFERS_LZ4);
        become_ready(&talk);
        struct cql_body *shared = cql_body_new(&alloc_heap, TALK_BYTES);
        assert_int_equal(buf_append(&shared->buf, slice_make(body, sizeof(body))), STATUS_OK);
        failing_alloc_fail_after(&talk.failing, n);
        int rc = cql_connection_send(talk.connection, CQL_BATCH, shared, &talk, 0, &stream);
        cql_body_unref(shared);
        assert_int_equal(rc, STATUS_OK);
        talk_send(&talk);
        plain += cql_header_read(buf_unread(&talk.out).data).flags == 0;
        talk_close(&talk);
    }
    assert_int_equal(plain, 2); /* the packed body's struct, its bytes */
}

static void a_traced_request_says_so_and_the_answer_has_its_id(void **state)
{
    struct talk talk;
    struct cql_event event;
    uint16_t stream;

    (void)state;
    start(&talk, CQL_COMPRESSION_NONE, OFFERS_LZ4);
    become_ready(&talk);
    assert_int_equal(talk_ask(&talk, "a", CQL_BATCH, SLICE_LITERAL("x"), &stream), STATUS_OK);
    cql_connection_trace(talk.connection, stream);
    talk_send(&talk);
    assert_int_equal(cql_header_read(buf_unread(&talk.out).data).flags, CQL_FLAG_TRACING);

    size_t room;
    uint8_t frame[] = "\x84\2\0\3\x08\0\0\0\x14"
                      "0123456789abcdef"
                      "\0\0\0\1";
    frame[3] = (uint8_t)stream;
    memcpy(cql_connection_space(talk.connection, &room), frame, sizeof(frame) - 1);
    cql_connection_received(talk.connection, sizeof(frame) - 1, talk.now_us);
    assert_true(cql_connection_next(talk.connection, &event));
    assert_true(event.traced);
    assert_memory_equal(event.tracing_id, "0123456789abcdef", 16);
    assert_int_equal(event.body.len, 4);
    talk_close(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lz4_is_asked_for_where_it_is_wanted_and_offered),
        cmocka_unit_test(a_node_without_lz4_is_refused_when_it_is_asked_for),
        cmocka_unit_test(large_requests_leave_compressed_and_small_ones_and_noise_plain),
        cmocka_unit_test(compressed_answers_are_read_and_plain_ones_among_them),
        cmocka_unit_test(a_compressed_ready_without_a_body_opens_the_connection),
        cmocka_unit_test(a_body_that_lies_about_its_length_fails_the_connection),
        cmocka_unit_test(without_memory_to_compress_a_request_leaves_plain),
        cmocka_unit_test(a_traced_request_says_so_and_the_answer_has_its_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
