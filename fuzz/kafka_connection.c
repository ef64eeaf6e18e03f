/*
 * A producer's connection. The same bytes go through it twice: at once with every request answered
 * at once, and then in chunks, with answers in another order and the output taken in pieces, as the
 * tape says. Events and output must be the same. A third time memory runs out: what left until then
 * must be a beginning of that output.
 */
#include "fuzz/repair.h"
#include "fuzz/support.h"
#include "kafka/connection.h"
#include "kafka/header.h"
#include "kafka/metadata.h"
#include "kafka/produce.h"

#include <stdalign.h>

enum { WAITING_MAX = 32, BODY_BYTES = 512, LOG_BYTES = 64 << 20, MEMORY_CONSTANT = 32 << 10 };

/* A request that has no answer yet. */
struct waiting {
    uint64_t id;
    const struct kafka_api *api;
    int32_t correlation_id;
    bool no_answer; /* acks=0 */
};

struct session {
    struct kafka_connection *connection;
    struct kafka_connection_limits limits;
    struct fuzz_alloc memory;
    struct tape *tape; /* NULL: all at once */
    struct buf log;    /* the events */
    struct buf out;    /* the output */
    struct waiting waiting[WAITING_MAX];
    size_t waiting_count;
    size_t sent_bytes; /* to the connection */
    size_t answer_bytes;
    int64_t now_us;
    bool closed;
};

/* --- answers --- */

/* Some answers are large, so that output has to grow and wait. The same request always gets the
 * same. */
static int respond(struct session *s, const struct waiting *w)
{
    alignas(16) uint8_t body[BODY_BYTES] = {0};
    static const uint8_t host[3000] = {'h'};
    struct kafka_metadata_broker brokers[4] = {{.node_id = w->correlation_id}};

    REQUIRE(w->api->response_bytes <= sizeof(body));
    if (w->api->key == KAFKA_METADATA) {
        struct kafka_metadata_response response = KAFKA_METADATA_RESPONSE_DEFAULT;
        brokers[0].host = slice_make(host, (size_t)(w->correlation_id & 0x7ff) + 1);
        response.brokers = brokers;
        response.broker_count = 1 + (w->correlation_id & 3);
        memcpy(body, &response, sizeof(response));
    }
    return kafka_connection_respond(s->connection, w->id, body);
}

/* The answer at position `at`; the order of the others stays. */
static void answer(struct session *s, size_t at)
{
    struct waiting w = s->waiting[at];

    s->waiting_count--;
    memmove(&s->waiting[at], &s->waiting[at + 1], (s->waiting_count - at) * sizeof(w));
    if (w.no_answer) {
        kafka_connection_respond_nothing(s->connection, w.id);
    } else if (respond(s, &w) != STATUS_OK) {
        REQUIRE(s->memory.failures > 0);
        s->closed = true; /* as the contract asks */
    }
}

/* --- events --- */

static void log_bytes(struct session *s, const void *bytes, size_t len)
{
    REQUIRE(buf_append(&s->log, slice_make(bytes, len)) == STATUS_OK);
}

static void handle_request(struct session *s, const struct kafka_event *event)
{
    struct kafka_request_header header = {
        .request_api_key = event->api->key,
        .request_api_version = event->version,
        .correlation_id = event->correlation_id,
        .client_id = event->client_id,
    };
    const struct kafka_produce_request *produce = event->body;

    size_t limit =
        event->request_id == 1 ? s->limits.max_first_frame_bytes : s->limits.max_frame_bytes;

    REQUIRE(event->frame_bytes <= KAFKA_SIZE_BYTES + limit);
    REQUIRE(event->first_byte_us > 0 && event->first_byte_us <= s->now_us);
    log_bytes(s, &event->request_id, sizeof(event->request_id));
    log_bytes(s, &event->frame_bytes, sizeof(event->frame_bytes));
    REQUIRE(kafka_request_encode(&s->log, &header, event->body) == STATUS_OK);
    REQUIRE(s->waiting_count < WAITING_MAX);
    s->waiting[s->waiting_count++] =
        (struct waiting){event->request_id, event->api, event->correlation_id,
                         event->api->key == KAFKA_PRODUCE && produce->acks == 0};
}

/* Which one is answered is the tape's choice, if any now; without a tape: each at once. */
static void answer_some(struct session *s)
{
    while (s->waiting_count > 0) {
        uint32_t choice = s->tape == NULL ? 1 : tape_below(s->tape, 4);
        if (choice == 0)
            return;
        answer(s, choice == 1 ? 0 : tape_below(s->tape, (uint32_t)s->waiting_count));
        if (s->closed)
            return;
    }
}

/* All, or as many as the tape wants before the next read. */
static void take_events(struct session *s, bool all)
{
    struct kafka_event event;

    while (!s->closed && (all || tape_byte(s->tape) % 8 != 7) &&
           kafka_connection_next(s->connection, &event)) {
        if (event.kind == KAFKA_EVENT_CLOSE) {
            REQUIRE(event.reason != NULL && memchr(event.detail, 0, sizeof(event.detail)) != NULL);
            REQUIRE(!kafka_connection_next(s->connection, &event));
            if (s->memory.failures == 0) {
                log_bytes(s, event.reason, strlen(event.reason));
                log_bytes(s, event.detail, strlen(event.detail));
            }
            s->closed = true;
            return;
        }
        handle_request(s, &event);
        answer_some(s);
    }
}

/* --- bytes --- */

static void take_output(struct session *s, bool all)
{
    for (;;) {
        struct slice out = kafka_connection_output(s->connection);
        size_t len = all ? out.len : tape_below(s->tape, (uint32_t)out.len + 1);
        if (len == 0)
            return;
        REQUIRE(buf_append(&s->out, slice_make(out.data, len)) == STATUS_OK);
        kafka_connection_sent(s->connection, len);
        if (!all)
            return;
    }
}

/* No more is held than what came, rounded up, and what was answered. */
static void check_memory(const struct session *s)
{
    size_t fair = MEMORY_CONSTANT + 2 * s->limits.read_bytes + 64 * s->sent_bytes;

    REQUIRE(kafka_connection_held_bytes(s->connection) <= s->memory.live_bytes);
    REQUIRE(s->memory.live_bytes <= fair + 4 * s->answer_bytes);
}

static void check_mid_frame(const struct session *s)
{
    int64_t since = kafka_connection_frame_since_us(s->connection);

    REQUIRE(kafka_connection_mid_frame(s->connection) == (since > 0) && since <= s->now_us);
    REQUIRE(kafka_connection_pending(s->connection) >= s->waiting_count);
}

/* As much of `bytes` as is offered, or as the tape says. Returns how much was taken. */
static size_t feed(struct session *s, struct slice bytes)
{
    size_t room = 0;
    uint8_t *to = kafka_connection_space(s->connection, &room);

    if (room == 0) {
        REQUIRE(s->memory.failures > 0);
        s->closed = true;
        return 0;
    }
    size_t len = bytes.len < room ? bytes.len : room;
    if (s->tape != NULL) {
        uint32_t most = tape_odd(s->tape) ? 8 : 4096;
        uint32_t some = 1 + tape_below(s->tape, most);
        len = len < some ? len : some;
    }
    memcpy(to, bytes.data, len);
    s->now_us++;
    s->sent_bytes += len;
    kafka_connection_received(s->connection, len, s->now_us);
    return len;
}

static void run(struct session *s, struct slice bytes)
{
    while (!s->closed && bytes.len > 0) {
        if (kafka_connection_pending(s->connection) < s->limits.max_pending) {
            size_t len = feed(s, bytes);
            bytes = slice_make(bytes.data + len, bytes.len - len);
        } else if (s->waiting_count > 0) {
            answer(s, s->tape == NULL ? 0 : tape_below(s->tape, (uint32_t)s->waiting_count));
        } else { /* memory ran out: what is ready leaves when there is room */
            take_output(s, true);
        }
        if (!s->closed)
            take_events(s, s->tape == NULL);
        if (!s->closed)
            check_mid_frame(s);
        take_output(s, s->tape == NULL || tape_odd(s->tape));
        s->answer_bytes = buf_len(&s->out) + s->waiting_count * 16384 + 65536;
        check_memory(s);
    }
    take_events(s, true);
    while (s->memory.failures == 0 && s->waiting_count > 0) {
        answer(s, 0);
        take_events(s, true);
    }
    take_output(s, true);
}

/* --- a session --- */

static void session_init(struct session *s, const struct kafka_connection_limits *limits,
                         struct tape *tape)
{
    *s = (struct session){.limits = *limits, .tape = tape, .now_us = 1000};
    fuzz_alloc_init(&s->memory);
    buf_init(&s->log, &alloc_heap, LOG_BYTES);
    buf_init(&s->out, &alloc_heap, LOG_BYTES);
}

static void session_run(struct session *s, struct slice bytes)
{
    s->connection = kafka_connection_new(&s->memory.alloc, &s->limits);
    if (s->connection != NULL)
        run(s, bytes);
    kafka_connection_free(s->connection);
    fuzz_alloc_end(&s->memory);
}

static void session_deinit(struct session *s)
{
    buf_deinit(&s->log);
    buf_deinit(&s->out);
}

static struct kafka_connection_limits limits_of(struct tape *tape)
{
    static const size_t pending[] = {16, 1, 2, 3, 8, WAITING_MAX - 1};
    static const size_t frames[] = {1 << 20, 64, 1024, 8192};
    static const size_t arenas[] = {1 << 20, 1024, 4096};
    struct kafka_connection_limits limits = {
        .max_frame_bytes = frames[tape_below(tape, 4)],
        .max_pending = pending[tape_below(tape, 6)],
        .arena_bytes = arenas[tape_below(tape, 3)],
        .read_bytes = tape_odd(tape) ? 2048 : 16384,
    };
    size_t first = frames[tape_below(tape, 4)];

    limits.max_first_frame_bytes = first < limits.max_frame_bytes ? first : limits.max_frame_bytes;
    return limits;
}

static bool starts_with(const struct buf *whole, const struct buf *start)
{
    return buf_len(start) <= buf_len(whole) &&
           slice_equal(buf_unread(start), slice_make(buf_unread(whole).data, buf_len(start)));
}

size_t fuzz_repair(uint8_t *bytes, size_t len, size_t room, unsigned seed)
{
    (void)room;
    (void)seed;
    repair_kafka_frames(bytes, len);
    repair_record_batches(bytes, len);
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input_split(data, size);
    struct kafka_connection_limits limits = limits_of(&input.tape);
    struct session plain, split, poor;

    session_init(&plain, &limits, NULL);
    session_init(&split, &limits, &input.tape);
    session_init(&poor, &limits, &input.tape);
    session_run(&plain, input.bytes);
    session_run(&split, input.bytes);
    REQUIRE(slice_equal(buf_unread(&plain.log), buf_unread(&split.log)));
    REQUIRE(slice_equal(buf_unread(&plain.out), buf_unread(&split.out)));
    REQUIRE(plain.closed == split.closed);
    fuzz_alloc_init_tape(&poor.memory, &input.tape);
    if (poor.memory.fail_at > 0) {
        session_run(&poor, input.bytes);
        REQUIRE(starts_with(&plain.log, &poor.log) && starts_with(&plain.out, &poor.out));
    }
    session_deinit(&plain);
    session_deinit(&split);
    session_deinit(&poor);
    fuzz_input_free(&input);
    return 0;
}
