#include "kafka/connection.h"

#include "kafka/error.h"
#include "kafka/header.h"
#include "kafka/produce.h"
#include "proto/endian.h"
#include "tests/kafka/vectors.h"
#include "tests/support/failing_alloc.h"

static const struct kafka_connection_limits LIMITS = {
    .max_frame_bytes = 1 << 20,
    .max_first_frame_bytes = 4096,
    .max_pending = 16,
    .arena_bytes = 1 << 16,
    .read_bytes = 64 << 10,
};

/* Every response struct is fine when it is all zeroes; the correlation id tells them apart. */
static _Alignas(16) const uint8_t EMPTY_BODY[1024];

enum answers { ANSWER_AT_ONCE, ANSWER_AT_THE_END, ANSWER_BACKWARDS };

/* One run of a connection: what came out of it, as text and bytes. */
struct run {
    struct kafka_connection *connection;
    enum answers answers;
    struct buf log;
    struct buf sent;
    uint64_t waiting[64];
    size_t waiting_count;
    int64_t now_us;
    bool closed;
    bool out_of_memory;
};

static void run_init(struct run *run, const struct alloc *alloc,
                     const struct kafka_connection_limits *limits)
{
    *run = (struct run){.connection = kafka_connection_new(alloc, limits)};
    buf_init(&run->log, &alloc_heap, SIZE_MAX);
    buf_init(&run->sent, &alloc_heap, SIZE_MAX);
}

static void run_deinit(struct run *run)
{
    kafka_connection_free(run->connection);
    buf_deinit(&run->log);
    buf_deinit(&run->sent);
}

static void send_all(struct run *run)
{
    for (;;) {
        struct slice bytes = kafka_connection_output(run->connection);
        if (bytes.len == 0)
            break;
        size_t part = bytes.len > 7 ? bytes.len / 2 : bytes.len;
        assert_int_equal(buf_append(&run->sent, slice_make(bytes.data, part)), STATUS_OK);
        kafka_connection_sent(run->connection, part);
    }
}

static void answer(struct run *run, uint64_t request_id)
{
    if (kafka_connection_respond(run->connection, request_id, EMPTY_BODY) != STATUS_OK)
        run->out_of_memory = true;
}

static void log_event(struct run *run, const struct kafka_event *event)
{
    int rc = 0;
    if (event->kind == KAFKA_EVENT_CLOSE) {
        rc = buf_printf(&run->log, "close: %s (%s)\n", event->reason, event->detail);
        assert_int_equal(rc, STATUS_OK);
        return;
    }
    rc = buf_printf(
        &run->log, "%d %s v%d correlation %d client %.*s frame %zu: ", (int)event->request_id,
        event->api->name, event->version, event->correlation_id, (int)event->client_id.len,
        (const char *)event->client_id.data, event->frame_bytes);
    assert_int_equal(rc, STATUS_OK);
    rc = kafka_print(&run->log, event->api->request, event->version,
                     event->version >= event->api->first_flexible, event->body);
    assert_int_equal(rc, STATUS_OK);
    assert_int_equal(buf_append(&run->log, SLICE_LITERAL("\n")), STATUS_OK);
}

static void take_events(struct run *run)
{
    struct kafka_event event;

    while (kafka_connection_next(run->connection, &event)) {
        log_event(run, &event);
        if (event.kind == KAFKA_EVENT_CLOSE) {
            assert_false(run->closed);
            run->closed = true;
        } else if (run->answers == ANSWER_AT_ONCE) {
            answer(run, event.request_id);
        } else {
            assert_true(run->waiting_count < 64);
            run->waiting[run->waiting_count++] = event.request_id;
        }
    }
}

/* False: no memory for it. */
static bool feed(struct run *run, struct slice bytes)
{
    while (bytes.len > 0) {
        size_t room = 0;
        uint8_t *space = kafka_connection_space(run->connection, &room);
        if (room == 0) {
            run->out_of_memory = true;
            return false;
        }
        size_t part = bytes.len < room ? bytes.len : room;
        memcpy(space, bytes.data, part);
        kafka_connection_received(run->connection, part, ++run->now_us);
        bytes = slice_make(bytes.data + part, bytes.len - part);
        take_events(run);
    }
    return true;
}

static void answer_the_rest(struct run *run)
{
    for (size_t i = 0; i < run->waiting_count; i++) {
        size_t at = run->answers == ANSWER_BACKWARDS ? run->waiting_count - 1 - i : i;
        answer(run, run->waiting[at]); /* when one is lost, the others must not leave without it */
    }
    run->waiting_count = 0;
    take_events(run);
}

/* ---- a session to replay ---- */

static struct buf session;

static void session_add(struct slice frame, int32_t correlation_id)
{
    size_t at = buf_len(&session);
    assert_int_equal(buf_append(&session, frame), STATUS_OK);
    be32_store(session.data + session.read + at + 8, (uint32_t)correlation_id);
}

static void session_add_vector(int16_t key, int version, size_t index, int32_t correlation_id)
{
    struct vectors *vectors = malloc(sizeof(*vectors));
    assert_true(vectors_read(vectors, kafka_api_find(key), version, true));
    assert_true(index < vectors->count);
    session_add(slice_make(vectors->at[index].bytes, vectors->at[index].len), correlation_id);
    free(vectors);
}

/* ApiVersions v9: nobody speaks it yet. Its header and body are of no known form. */
static const uint8_t API_VERSIONS_V9[] = {0, 0, 0, 11, 0, 18, 0, 9, 0, 0, 0, 1, 0xee, 0xee, 0xee};

static int setup(void **state)
{
    (void)state;
    buf_init(&session, &alloc_heap, SIZE_MAX);
    session_add(slice_make(API_VERSIONS_V9, sizeof(API_VERSIONS_V9)), 1);
    session_add_vector(KAFKA_API_VERSIONS, 3, 0, 2);
    session_add_vector(KAFKA_METADATA, 12, 0, 3);
    session_add_vector(KAFKA_PRODUCE, 9, 0, 4);
    session_add_vector(KAFKA_INIT_PRODUCER_ID, 4, 0, 5);
    session_add_vector(KAFKA_PRODUCE, 3, 0, 6);
    session_add_vector(KAFKA_FETCH, 4, 1, 7);
    session_add_vector(KAFKA_FIND_COORDINATOR, 2, 0, 8);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_deinit(&session);
    return 0;
}

static void run_split(struct run *run, size_t first, size_t chunk)
{
    struct slice bytes = buf_unread(&session);
    feed(run, slice_make(bytes.data, first));
    bytes = slice_make(bytes.data + first, bytes.len - first);
    while (bytes.len > 0) {
        size_t part = bytes.len < chunk ? bytes.len : chunk;
        feed(run, slice_make(bytes.data, part));
        bytes = slice_make(bytes.data + part, bytes.len - part);
    }
    answer_the_rest(run);
    send_all(run);
}

static int32_t correlation_at(const struct buf *sent, size_t at)
{
    return (int32_t)be32_load(buf_unread(sent).data + at + 4);
}

/* The correlation ids of the frames that were sent are 1, 2, ... count. */
static void assert_sent_in_order(const struct run *run, int32_t count)
{
    struct slice bytes = buf_unread(&run->sent);
    size_t at = 0;
    for (int32_t i = 1; i <= count; i++) {
        assert_true(at + 8 <= bytes.len);
        assert_int_equal(correlation_at(&run->sent, at), i);
        at += 4 + be32_load(bytes.data + at);
    }
    assert_int_equal(at, bytes.len);
}

static void a_session_yields_its_requests_and_answers_in_order(void **state)
{
    struct run run;
    (void)state;
    run_init(&run, &alloc_heap, &LIMITS);
    run_split(&run, 0, SIZE_MAX);
    assert_int_equal(buf_append(&run.log, slice_make("", 1)), STATUS_OK);
    const char *log = (const char *)buf_unread(&run.log).data;
    assert_non_null(strstr(log, "2 ApiVersions v3 correlation 2 client vectors frame 41: "
                                "client_software_name=\"sluice-test\""));
    assert_non_null(strstr(log, "4 Produce v9 correlation 4 client vectors"));
    assert_non_null(strstr(log, "records=\"any bytes may stand here\""));
    assert_non_null(strstr(log, "8 FindCoordinator v2"));
    assert_null(strstr(log, "close"));
    assert_sent_in_order(&run, 8);
    assert_int_equal(kafka_connection_pending(run.connection), 0);
    run_deinit(&run);
}

static void assert_same(const struct run *a, const struct run *b)
{
    assert_true(slice_equal(buf_unread(&a->log), buf_unread(&b->log)));
    assert_true(slice_equal(buf_unread(&a->sent), buf_unread(&b->sent)));
}

static void every_split_gives_the_same_events_and_output(void **state)
{
    (void)state;
    for (int answers = ANSWER_AT_ONCE; answers <= ANSWER_BACKWARDS; answers++) {
        struct run whole;
        run_init(&whole, &alloc_heap, &LIMITS);
        whole.answers = (enum answers)answers;
        run_split(&whole, 0, SIZE_MAX);
        for (size_t split = 1; split < buf_len(&session); split++) {
            struct run run;
            run_init(&run, &alloc_heap, &LIMITS);
            run.answers = (enum answers)answers;
            run_split(&run, split, SIZE_MAX);
            assert_same(&run, &whole);
            run_deinit(&run);
        }
        for (size_t chunk = 1; chunk < 40; chunk++) {
            struct run run;
            run_init(&run, &alloc_heap, &LIMITS);
            run.answers = (enum answers)answers;
            run_split(&run, 0, chunk);
            assert_same(&run, &whole);
            run_deinit(&run);
        }
        run_deinit(&whole);
    }
}

static void early_answers_wait_for_those_before_them(void **state)
{
    struct run run;
    (void)state;
    run_init(&run, &alloc_heap, &LIMITS);
    run.answers = ANSWER_BACKWARDS;
    assert_true(feed(&run, buf_unread(&session)));
    assert_int_equal(run.waiting_count, 7);
    send_all(&run); /* the fallback answer is first, so it has left */
    assert_sent_in_order(&run, 1);
    for (size_t i = run.waiting_count; i > 1; i--) {
        answer(&run, run.waiting[i - 1]);
        assert_int_equal(kafka_connection_output(run.connection).len, 0);
    }
    assert_int_equal(kafka_connection_pending(run.connection), 7);
    assert_true(kafka_connection_held_bytes(run.connection) >= 6 * 16);
    answer(&run, run.waiting[0]);
    send_all(&run);
    assert_sent_in_order(&run, 8);
    assert_int_equal(kafka_connection_pending(run.connection), 0);
    run_deinit(&run);
}

static void a_request_without_an_answer_takes_its_place_and_sends_nothing(void **state)
{
    struct run run;
    (void)state;
    run_init(&run, &alloc_heap, &LIMITS);
    run.answers = ANSWER_AT_THE_END;
    assert_true(feed(&run, buf_unread(&session)));
    send_all(&run);
    answer(&run, 4); /* waits for 2 and 3 */
    kafka_connection_respond_nothing(run.connection, 3);
    assert_int_equal(kafka_connection_output(run.connection).len, 0);
    kafka_connection_respond_nothing(run.connection, 2);
    size_t before = buf_len(&run.sent);
    send_all(&run);
    assert_int_equal(correlation_at(&run.sent, before), 4);
    assert_int_equal(kafka_connection_pending(run.connection), 4);
    run_deinit(&run);
}

static void no_more_than_max_pending_requests_are_yielded(void **state)
{
    struct kafka_connection_limits limits = LIMITS;
    struct run run;
    (void)state;
    limits.max_pending = 3;
    run_init(&run, &alloc_heap, &limits);
    run.answers = ANSWER_AT_THE_END;
    assert_true(feed(&run, buf_unread(&session)));
    assert_int_equal(run.waiting_count, 3); /* the fallback answer took its place and left it */
    assert_int_equal(kafka_connection_pending(run.connection), 3);
    answer(&run, run.waiting[1]); /* out of order: the place stays taken */
    take_events(&run);
    assert_int_equal(run.waiting_count, 3);
    answer(&run, run.waiting[0]);
    take_events(&run);
    assert_int_equal(run.waiting_count, 5);
    run_deinit(&run);
}

static void an_unknown_version_of_api_versions_is_told_what_is_spoken(void **state)
{
    static const uint8_t expected[] = {0, 0, 0, 16, 0, 0,  0, 1, 0, 35,
                                       0, 0, 0, 1,  0, 18, 0, 0, 0, 4};
    struct run run;
    (void)state;
    run_init(&run, &alloc_heap, &LIMITS);
    assert_true(feed(&run, slice_make(API_VERSIONS_V9, sizeof(API_VERSIONS_V9))));
    assert_int_equal(buf_len(&run.log), 0);
    send_all(&run);
    assert_int_equal(buf_len(&run.sent), sizeof(expected));
    assert_memory_equal(buf_unread(&run.sent).data, expected, sizeof(expected));
    run_deinit(&run);
}

/* ---- peers that break the protocol ---- */

/* What is said when these are the first bytes of a connection; at the end an open connection has
 * said nothing. */
static void assert_closed(struct slice bytes, const char *expected)
{
    struct run run;
    run_init(&run, &alloc_heap, &LIMITS);
    assert_true(feed(&run, bytes));
    assert_true(run.closed);
    assert_int_equal(buf_append(&run.log, slice_make("", 1)), STATUS_OK);
    assert_string_equal((const char *)buf_unread(&run.log).data, expected);
    struct slice more = slice_make("\0\0\0\x0a\0\x12\0\0\0\0\0\1\xff\xff", 14);
    assert_true(feed(&run, more)); /* swallowed */
    assert_int_equal(kafka_connection_output(run.connection).len, 0);
    run_deinit(&run);
}

#define FRAME(...)                                                                                 \
    slice_make((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void strangers_are_named(void **state)
{
    (void)state;
    assert_closed(FRAME(0x16, 3, 1, 2, 0, 1), "close: TLS on a plain port ()\n");
    assert_closed(FRAME(0x15, 3, 3, 0, 2), "close: a TLS alert on a plain port ()\n");
    assert_closed(SLICE_LITERAL("GET / HTTP/1.1\r\n"), "close: an HTTP request ()\n");
    assert_closed(SLICE_LITERAL("POST / HTTP/1.1\r\n"), "close: an HTTP request ()\n");
    assert_closed(SLICE_LITERAL("SSH-2.0-OpenSSH_9.2\r\n"), "close: an SSH client ()\n");
}

static void impossible_lengths_close(void **state)
{
    (void)state;
    assert_closed(FRAME(0xff, 0xff, 0xff, 0xff),
                  "close: frame length is negative (length -1, limit 4096)\n");
    assert_closed(FRAME(0, 0, 0, 7),
                  "close: frame is shorter than a request header (length 7, limit 4096)\n");
    assert_closed(FRAME(0, 0, 0x10, 1), "close: first frame is too long (length 4097, limit "
                                        "4096)\n");
}

static void unknown_apis_and_versions_close(void **state)
{
    (void)state;
    assert_closed(FRAME(0, 0, 0, 10, 0x7f, 0, 0, 1, 0, 0, 0, 1, 0xff, 0xff),
                  "close: unknown API key (key 32512, version 1)\n");
    assert_closed(FRAME(0, 0, 0, 10, 0, 0, 0, 14, 0, 0, 0, 1, 0xff, 0xff),
                  "close: unsupported API version (Produce version 14, served are 0 to 13)\n");
    assert_closed(FRAME(0, 0, 0, 10, 0, 3, 0xff, 0xff, 0, 0, 0, 1, 0xff, 0xff),
                  "close: unsupported API version (Metadata version -1, served are 0 to 13)\n");
}

static void an_api_that_is_not_served_closes_like_an_unknown_one(void **state)
{
    size_t count = 0;
    const struct kafka_api *rows = kafka_api_rows(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].served)
            continue;
        uint8_t key = (uint8_t)rows[i].key;
        char log[80];
        snprintf(log, sizeof(log), "close: unknown API key (key %u, version 0)\n", key);
        assert_closed(FRAME(0, 0, 0, 10, 0, key, 0, 0, 0, 0, 0, 1, 0xff, 0xff), log);
    }
}

static void a_broken_request_closes_with_its_field_and_offset(void **state)
{
    (void)state;
    assert_closed(FRAME(0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xfe),
                  "close: request is malformed (ApiVersions v0, field client_id at byte 10)\n");
    /* Produce v3: null transactional id, then acks of one byte */
    assert_closed(FRAME(0, 0, 0, 13, 0, 0, 0, 3, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0),
                  "close: request ends too early (Produce v3, field acks at byte 12)\n");
    /* Metadata v1 with two billion topics */
    assert_closed(FRAME(0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff),
                  "close: request ends too early (Metadata v1, field topics at byte 14)\n");
}

static void a_later_frame_may_be_long_but_not_too_long(void **state)
{
    static const uint8_t too_long[] = {0, 0x10, 0, 1};
    struct run run;
    (void)state;
    run_init(&run, &alloc_heap, &LIMITS);
    assert_true(feed(&run, buf_unread(&session)));
    assert_true(feed(&run, slice_make("\0\0\x20\0", 4)));
    assert_false(run.closed);
    run_deinit(&run);

    run_init(&run, &alloc_heap, &LIMITS);
    assert_true(feed(&run, buf_unread(&session)));
    assert_true(feed(&run, slice_make(too_long, sizeof(too_long))));
    assert_true(run.closed);
    send_all(&run); /* what was answered before still leaves */
    assert_sent_in_order(&run, 8);
    run_deinit(&run);
}

static void bytes_after_a_body_are_ignored(void **state)
{
    struct run run;
    (void)state;
    run_init(&run, &alloc_heap, &LIMITS);
    assert_true(feed(&run, FRAME(0, 0, 0, 13, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 1, 2, 3)));
    assert_false(run.closed);
    send_all(&run);
    assert_sent_in_order(&run, 1);
    run_deinit(&run);
}

/* ---- memory and time ---- */

/* A Produce v3 frame with one batch of `records` bytes; the caller frees it. */
static uint8_t *large_produce(size_t records, size_t *len)
{
    static uint8_t batch[1 << 20];
    struct kafka_produce_partition partition = {.records = {batch, records}};
    struct kafka_produce_topic topic = {
        .name = SLICE_LITERAL("orders"), .partitions = &partition, .partition_count = 1};
    struct kafka_produce_request request = {.acks = 1, .topics = &topic, .topic_count = 1};
    struct kafka_request_header header = {
        .request_api_key = KAFKA_PRODUCE, .request_api_version = 3, .correlation_id = 1};
    struct buf out;
    buf_init(&out, &alloc_heap, SIZE_MAX);
    assert_int_equal(kafka_request_encode(&out, &header, &request), STATUS_OK);
    uint8_t *copy = malloc(buf_len(&out));
    *len = buf_len(&out);
    memcpy(copy, buf_unread(&out).data, *len);
    buf_deinit(&out);
    return copy;
}

static void a_promised_length_takes_no_memory(void **state)
{
    struct run run;
    size_t len = 0;
    uint8_t *frame = large_produce(1000000, &len);
    (void)state;
    run_init(&run, &alloc_heap, &LIMITS);
    assert_true(feed(&run, slice_make(API_VERSIONS_V9, sizeof(API_VERSIONS_V9))));
    send_all(&run);
    for (size_t at = 0; at < len; at += 100) {
        assert_true(feed(&run, slice_make(frame + at, len - at < 100 ? len - at : 100)));
        assert_true(kafka_connection_held_bytes(run.connection) <= 2 * at + 8192);
    }
    assert_int_equal(run.closed, false);
    assert_true(buf_len(&run.log) > 0);
    free(frame);
    run_deinit(&run);
}

static void an_idle_connection_holds_next_to_nothing(void **state)
{
    struct run run;
    size_t len = 0;
    uint8_t *frame = large_produce(1000000, &len);
    (void)state;
    run_init(&run, &alloc_heap, &LIMITS);
    assert_true(feed(&run, slice_make(API_VERSIONS_V9, sizeof(API_VERSIONS_V9))));
    for (int i = 0; i < 3; i++)
        assert_true(feed(&run, slice_make(frame, len)));
    send_all(&run);
    assert_true(kafka_connection_held_bytes(run.connection) <= 4096);
    free(frame);
    run_deinit(&run);
}

static void a_large_frame_leaves_no_large_buffer_behind_a_busy_connection(void **state)
{
    static const uint8_t request[] = {0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff};
    struct run run;
    size_t len = 0;
    uint8_t *frame = large_produce(1000000, &len);
    struct buf bytes;
    (void)state;
    run_init(&run, &alloc_heap, &LIMITS);
    buf_init(&bytes, &alloc_heap, SIZE_MAX);
    assert_true(feed(&run, slice_make(API_VERSIONS_V9, sizeof(API_VERSIONS_V9))));
    assert_true(feed(&run, slice_make(frame, len - 1)));
    /* From here on each read brings the end of a frame and the beginning of the next. */
    assert_int_equal(buf_append(&bytes, slice_make(frame + len - 1, 1)), STATUS_OK);
    for (int i = 0; i < 100; i++)
        assert_int_equal(buf_append(&bytes, slice_make(request, sizeof(request))), STATUS_OK);
    assert_true(feed(&run, slice_make(buf_unread(&bytes).data, 1 + 3)));
    assert_true(kafka_connection_held_bytes(run.connection) > 1000000);
    for (int i = 0; i < 200; i++) {
        assert_true(feed(&run, slice_make(buf_unread(&bytes).data + 1 + 3, 99 * sizeof(request))));
        assert_true(kafka_connection_mid_frame(run.connection));
        send_all(&run);
    }
    assert_true(kafka_connection_held_bytes(run.connection) < 150000);
    buf_deinit(&bytes);
    free(frame);
    run_deinit(&run);
}

static void room_grows_with_what_reads_fill(void **state)
{
    struct run run;
    size_t room = 0;
    size_t len = 0;
    uint8_t *frame = large_produce(1000000, &len);
    (void)state;
    run_init(&run, &alloc_heap, &LIMITS);
    assert_non_null(kafka_connection_space(run.connection, &room));
    assert_true(room >= 2048 && room < 8192);
    assert_true(feed(&run, slice_make(API_VERSIONS_V9, sizeof(API_VERSIONS_V9))));
    assert_true(feed(&run, slice_make(frame, len)));
    assert_non_null(kafka_connection_space(run.connection, &room));
    assert_true(room >= LIMITS.read_bytes / 2);
    free(frame);
    run_deinit(&run);
}

static void records_are_lent_where_they_arrived(void **state)
{
    struct run run;
    struct kafka_event event;
    size_t len = 0;
    size_t room = 0;
    uint8_t *frame = large_produce(1000, &len);
    (void)state;
    run_init(&run, &alloc_heap, &LIMITS);
    uint8_t *space = kafka_connection_space(run.connection, &room);
    assert_true(room >= len);
    memcpy(space, frame, len);
    kafka_connection_received(run.connection, len, 5);
    assert_true(kafka_connection_next(run.connection, &event));
    const struct kafka_produce_request *request = event.body;
    assert_ptr_equal(request->topics[0].partitions[0].records.data, space + len - 1000);
    free(frame);
    run_deinit(&run);
}

static void a_frame_knows_when_its_first_byte_came(void **state)
{
    struct run run;
    struct kafka_event event;
    size_t room = 0;
    static const uint8_t request[] = {0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff};
    (void)state;
    run_init(&run, &alloc_heap, &LIMITS);
    uint8_t *space = kafka_connection_space(run.connection, &room);
    memcpy(space, request, 2);
    kafka_connection_received(run.connection, 2, 100);
    assert_false(kafka_connection_next(run.connection, &event));
    assert_true(kafka_connection_mid_frame(run.connection));
    assert_int_equal(kafka_connection_frame_since_us(run.connection), 100);
    /* The rest, and the beginning of the next one. */
    space = kafka_connection_space(run.connection, &room);
    memcpy(space, request + 2, sizeof(request) - 2);
    memcpy(space + sizeof(request) - 2, request, 5);
    kafka_connection_received(run.connection, sizeof(request) + 3, 200);
    assert_true(kafka_connection_next(run.connection, &event));
    assert_int_equal(event.first_byte_us, 100);
    assert_true(kafka_connection_mid_frame(run.connection));
    assert_int_equal(kafka_connection_frame_since_us(run.connection), 200);
    assert_false(kafka_connection_next(run.connection, &event));
    assert_int_equal(kafka_connection_frame_since_us(run.connection), 200);
    space = kafka_connection_space(run.connection, &room);
    memcpy(space, request + 5, sizeof(request) - 5);
    kafka_connection_received(run.connection, sizeof(request) - 5, 300);
    assert_true(kafka_connection_next(run.connection, &event));
    assert_int_equal(event.first_byte_us, 200);
    assert_false(kafka_connection_mid_frame(run.connection));
    assert_int_equal(kafka_connection_frame_since_us(run.connection), 0);
    run_deinit(&run);
}

static void many_requests_under_way_at_once_keep_their_order(void **state)
{
    struct kafka_connection_limits limits = LIMITS;
    struct run run;
    uint8_t request[] = {0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    (void)state;
    limits.max_pending = 64;
    run_init(&run, &alloc_heap, &limits);
    run.answers = ANSWER_BACKWARDS;
    int32_t correlation_id = 0;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 50 + round; i++) {
            be32_store(request + 8, (uint32_t)++correlation_id);
            assert_true(feed(&run, slice_make(request, sizeof(request))));
        }
        answer_the_rest(&run);
        send_all(&run);
    }
    assert_sent_in_order(&run, correlation_id);
    assert_true(kafka_connection_held_bytes(run.connection) <= 4096);
    run_deinit(&run);
}

/* Whatever fails: no crash, no leak, and the bytes sent are a beginning of the right ones. */
static void out_of_memory_anywhere_sends_nothing_wrong(void **state)
{
    (void)state;
    for (int answers = ANSWER_AT_ONCE; answers <= ANSWER_BACKWARDS; answers++) {
        struct failing_alloc failing;
        struct run whole;
        run_init(&whole, &alloc_heap, &LIMITS);
        whole.answers = (enum answers)answers;
        run_split(&whole, 0, 50);
        for (size_t n = 1; failing_alloc_next(&failing, n); n++) {
            struct run run;
            run_init(&run, &failing.alloc, &LIMITS);
            run.answers = (enum answers)answers;
            if (run.connection != NULL) {
                run_split(&run, 0, 50);
                assert_true(buf_len(&run.sent) <= buf_len(&whole.sent));
                assert_memory_equal(buf_unread(&run.sent).data, buf_unread(&whole.sent).data,
                                    buf_len(&run.sent));
                if (failing.failures == 0)
                    assert_same(&run, &whole);
            }
            run_deinit(&run);
        }
        run_deinit(&whole);
    }
}

static void answers_that_found_no_memory_leave_when_there_is_room(void **state)
{
    enum { REQUESTS = 50 };
    struct kafka_connection_limits limits = LIMITS;
    struct failing_alloc failing;
    struct run run;
    uint8_t request[] = {0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff};
    (void)state;
    failing_alloc_init(&failing);
    limits.max_pending = 64;
    run_init(&run, &failing.alloc, &limits);
    assert_true(feed(&run, slice_make(request, sizeof(request))));
    send_all(&run);
    run.answers = ANSWER_AT_THE_END;
    for (int i = 1; i < REQUESTS; i++) {
        be32_store(request + 8, (uint32_t)i + 1);
        assert_true(feed(&run, slice_make(request, sizeof(request))));
    }
    for (size_t i = run.waiting_count; i > 1; i--)
        answer(&run, run.waiting[i - 1]);
    failing.fail_from_then = true;
    failing_alloc_fail_after(&failing, 0);
    answer(&run, run.waiting[0]);
    assert_false(run.out_of_memory);
    assert_true(failing.failures > 0);
    send_all(&run);
    assert_sent_in_order(&run, REQUESTS);
    run_deinit(&run);
    failing_alloc_assert_none_live(&failing);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_session_yields_its_requests_and_answers_in_order),
        test(every_split_gives_the_same_events_and_output),
        test(early_answers_wait_for_those_before_them),
        test(a_request_without_an_answer_takes_its_place_and_sends_nothing),
        test(no_more_than_max_pending_requests_are_yielded),
        test(an_unknown_version_of_api_versions_is_told_what_is_spoken),
        test(strangers_are_named),
        test(impossible_lengths_close),
        test(unknown_apis_and_versions_close),
        test(an_api_that_is_not_served_closes_like_an_unknown_one),
        test(a_broken_request_closes_with_its_field_and_offset),
        test(a_later_frame_may_be_long_but_not_too_long),
        test(bytes_after_a_body_are_ignored),
        test(a_promised_length_takes_no_memory),
        test(an_idle_connection_holds_next_to_nothing),
        test(a_large_frame_leaves_no_large_buffer_behind_a_busy_connection),
        test(room_grows_with_what_reads_fill),
        test(records_are_lent_where_they_arrived),
        test(a_frame_knows_when_its_first_byte_came),
        test(many_requests_under_way_at_once_keep_their_order),
        test(out_of_memory_anywhere_sends_nothing_wrong),
        test(answers_that_found_no_memory_leave_when_there_is_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
