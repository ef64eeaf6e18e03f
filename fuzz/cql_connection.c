/*
 * A connection to a node. The bytes are what the node says; the tape says when requests are sent,
 * given up, half written, how time goes, and which allocation fails. It also makes an honest node
 * of a liar: frame by frame, the stream id becomes one of a request that such an answer may have.
 *
 * A small model knows which requests are open: each comes back once, and none that was given up.
 */
#include "cql/connection.h"
#include "cql/frame.h"
#include "fuzz/repair.h"
#include "fuzz/support.h"

enum {
    REQUESTS_MAX = 400,
    ASKED_MAX = 512,
    BURST_MAX = 64,
    STEPS_MAX = 600,
    OUT_BYTES = 1 << 22,
    MEMORY_CONSTANT = 256 << 10,
    LZ4_GROWTH_MAX = 255, /* no block says more */
    SECOND = 1000000,
};

struct request {
    uint16_t stream;
    uint8_t opcode;
    bool open; /* neither answered nor given up */
};

/* A frame that has left, as the node sees it. */
struct asked {
    uint16_t stream;
    uint8_t opcode;
};

struct world {
    struct cql_connection *connection;
    struct fuzz_alloc memory;
    struct tape *tape;
    struct slice bytes; /* of the node, not yet said */
    int64_t now_us;
    struct request requests[REQUESTS_MAX];
    size_t request_count;
    size_t open_count;
    struct asked asked[ASKED_MAX];
    size_t asked_count;
    struct buf out; /* what has left, from the first frame that is not whole */
    struct cql_body *body;
    size_t said_bytes;
    bool ready;
    bool failed;
};

/* --- events --- */

static void check_text(const char *text)
{
    REQUIRE(text != NULL && text[0] != '\0');
    for (; *text != '\0'; text++)
        REQUIRE((unsigned char)*text >= 0x20 && *text != 0x7f);
}

/* Reads them, for the sanitizer to see whether they may be. */
static void touch(struct slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        volatile uint8_t byte = bytes.data[i];
        (void)byte;
    }
}

static void handle_response(struct world *w, const struct cql_event *event)
{
    struct request *request = event->tag;
    struct slice item;

    REQUIRE(request >= w->requests && request < w->requests + w->request_count && request->open);
    REQUIRE(cql_opcode_answers(request->opcode, event->opcode));
    request->open = false;
    w->open_count--;
    touch(event->body);
    touch(event->payload);
    if (event->opcode == CQL_ERROR)
        touch(event->error.message);
    for (size_t at = 0; cql_string_list_next(event->warnings, &at, &item);)
        touch(item);
}

static void handle_event(struct world *w, const struct cql_event *event)
{
    REQUIRE(!w->failed);
    switch (event->kind) {
    case CQL_EVENT_READY:
        REQUIRE(!w->ready);
        w->ready = true;
        break;
    case CQL_EVENT_RESPONSE:
        REQUIRE(w->ready);
        handle_response(w, event);
        break;
    case CQL_EVENT_PUSH:
        touch(event->push.schema.keyspace);
        touch(event->push.schema.table);
        break;
    case CQL_EVENT_FAILED:
        REQUIRE(event->status < 0);
        REQUIRE(event->status != STATUS_NOMEM || w->memory.failures > 0);
        check_text(event->text);
        w->failed = true;
        break;
    }
}

static void take_events(struct world *w)
{
    struct cql_event event;

    while (cql_connection_next(w->connection, &event))
        handle_event(w, &event);
    REQUIRE(cql_connection_pending(w->connection) == w->open_count);
    touch(cql_connection_supported(w->connection, "COMPRESSION"));
    size_t fair = MEMORY_CONSTANT + 4 * w->said_bytes;
    if (cql_connection_compresses(w->connection))
        fair += 2 * LZ4_GROWTH_MAX * w->said_bytes;
    REQUIRE(w->memory.live_bytes <= fair);
}

/* --- what we send --- */

static void send_request(struct world *w)
{
    static const uint8_t opcodes[] = {CQL_QUERY, CQL_PREPARE, CQL_EXECUTE, CQL_BATCH};
    uint8_t opcode = opcodes[tape_below(w->tape, 4)];
    struct cql_body *body = tape_odd(w->tape) ? w->body : NULL;

    if (w->request_count == REQUESTS_MAX)
        return;
    struct request *request = &w->requests[w->request_count];
    /* Not choices of the tape, so that what is in the corpus goes on meaning the same. */
    bool is_traced = w->request_count % 4 == 3, is_retagged = w->request_count % 4 == 1;
    int rc = cql_connection_send(w->connection, opcode, body, is_retagged ? (void *)w : request,
                                 w->now_us, &request->stream);
    REQUIRE((rc == STATUS_CLOSED) == (!w->ready || w->failed));
    REQUIRE(rc != STATUS_NOMEM || w->memory.failures > 0);
    if (rc < 0)
        return;
    if (is_traced)
        cql_connection_trace(w->connection, request->stream);
    if (is_retagged)
        cql_connection_retag(w->connection, request->stream, request);
    request->opcode = opcode;
    request->open = true;
    w->request_count++;
    w->open_count++;
}

static void give_up(struct world *w)
{
    if (w->request_count == 0)
        return;
    struct request *request = &w->requests[tape_below(w->tape, (uint32_t)w->request_count)];
    if (!request->open || w->failed)
        return; /* its stream may be another's by now */
    cql_connection_orphan(w->connection, request->stream);
    request->open = false;
    w->open_count--;
}

/* The node reads whole frames, and remembers what it was asked. */
static void node_reads(struct world *w)
{
    for (;;) {
        struct slice unread = buf_unread(&w->out);
        if (unread.len < CQL_HEADER_BYTES)
            return;
        struct cql_header header = cql_header_read(unread.data);
        const struct cql_message *message = cql_opcode_find(header.opcode);
        bool is_packed = (header.flags & CQL_FLAG_COMPRESSION) != 0;
        REQUIRE(header.version == CQL_VERSION && header.stream >= 0);
        REQUIRE((header.flags & ~(CQL_FLAG_COMPRESSION | CQL_FLAG_TRACING)) == 0);
        REQUIRE(!is_packed || cql_connection_compresses(w->connection));
        REQUIRE(message != NULL && message->direction == CQL_FROM_CLIENT);
        if (unread.len - CQL_HEADER_BYTES < header.body_bytes)
            return;
        buf_consume(&w->out, CQL_HEADER_BYTES + header.body_bytes);
        if (w->asked_count < ASKED_MAX)
            w->asked[w->asked_count++] = (struct asked){(uint16_t)header.stream, header.opcode};
    }
}

static void write_some(struct world *w, bool all)
{
    struct slice slices[8];
    size_t total = 0;
    size_t max = all ? 8 : 1 + tape_below(w->tape, 8);
    size_t count = cql_connection_output(w->connection, slices, max);

    REQUIRE(count <= max && (!w->failed || count == 0));
    for (size_t i = 0; i < count; i++) {
        REQUIRE(slices[i].len > 0);
        total += slices[i].len;
    }
    size_t sent = all ? total : tape_below(w->tape, (uint32_t)total + 1);
    size_t left = sent;
    for (size_t i = 0; i < count && left > 0; i++) {
        size_t len = slices[i].len < left ? slices[i].len : left;
        REQUIRE(buf_append(&w->out, slice_make(slices[i].data, len)) == STATUS_OK);
        left -= len;
    }
    cql_connection_sent(w->connection, sent);
    node_reads(w);
}

/* --- what the node says --- */

static void say(struct world *w, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        size_t room = 0;
        uint8_t *to = cql_connection_space(w->connection, &room);
        if (room == 0)
            break; /* failed, or memory ran out */
        size_t some = len < room ? len : room;
        memcpy(to, bytes, some);
        w->said_bytes += some;
        cql_connection_received(w->connection, some, w->now_us);
        take_events(w);
        bytes += some;
        len -= some;
    }
    take_events(w);
}

/* A number of bytes as they are. */
static void say_some(struct world *w, size_t most)
{
    size_t len = w->bytes.len < most ? w->bytes.len : most;

    say(w, w->bytes.data, len);
    w->bytes = slice_make(w->bytes.data + len, w->bytes.len - len);
}

/* The stream of a request that may be answered so; the node then forgets it. */
static bool honest_stream(struct world *w, uint8_t opcode, int16_t *stream)
{
    size_t from = tape_below(w->tape, (uint32_t)w->asked_count);

    for (size_t i = 0; i < w->asked_count; i++) {
        size_t at = (from + i) % w->asked_count;
        if (!cql_opcode_answers(w->asked[at].opcode, opcode))
            continue;
        *stream = (int16_t)w->asked[at].stream;
        w->asked[at] = w->asked[--w->asked_count];
        return true;
    }
    return false;
}

/* One frame, on the stream of a request that waits for its like. */
static void say_frame(struct world *w)
{
    if (w->bytes.len < CQL_HEADER_BYTES) {
        say_some(w, w->bytes.len);
        return;
    }
    struct cql_header header = cql_header_read(w->bytes.data);
    size_t left = w->bytes.len - CQL_HEADER_BYTES;
    size_t len = header.body_bytes < left ? header.body_bytes : left;
    uint8_t head[CQL_HEADER_BYTES];

    header.body_bytes = (uint32_t)len;
    if (header.stream >= 0)
        (void)honest_stream(w, header.opcode, &header.stream);
    cql_header_write(head, &header);
    say(w, head, sizeof(head));
    say(w, w->bytes.data + CQL_HEADER_BYTES, len);
    w->bytes = slice_make(w->bytes.data + CQL_HEADER_BYTES + len, left - len);
}

/* --- time --- */

static void pass_time(struct world *w)
{
    static const int64_t jumps[] = {1, SECOND, 11LL * SECOND, 16LL * SECOND};
    int64_t deadline = cql_connection_deadline_us(w->connection);

    REQUIRE(w->failed == (deadline == INT64_MAX));
    w->now_us += jumps[tape_below(w->tape, 4)];
    if (tape_odd(w->tape) && deadline > w->now_us && deadline != INT64_MAX)
        w->now_us = deadline;
    cql_connection_tick(w->connection, w->now_us);
    take_events(w);
    REQUIRE(cql_connection_deadline_us(w->connection) > w->now_us);
}

/* --- a run --- */

static void step(struct world *w)
{
    switch (tape_below(w->tape, 16)) {
    case 0: /* an empty tape: as it stands */
        write_some(w, true);
        say_some(w, 4096);
        break;
    case 1:
        say_some(w, 1 + tape_below(w->tape, 16));
        break;
    case 2:
    case 3:
        write_some(w, false);
        break;
    case 4:
        pass_time(w);
        break;
    case 5:
        give_up(w);
        take_events(w);
        break;
    case 6:
    case 7:
        send_request(w);
        break;
    case 8:
        for (uint32_t left = tape_below(w->tape, BURST_MAX); left > 0; left--)
            send_request(w);
        break;
    default:
        write_some(w, true);
        say_frame(w);
        break;
    }
}

static void finish(struct world *w)
{
    struct request *request;

    while ((request = cql_connection_take_pending(w->connection)) != NULL) {
        REQUIRE(request->open);
        request->open = false;
        w->open_count--;
    }
    REQUIRE(w->open_count == 0 && cql_connection_pending(w->connection) == 0);
    REQUIRE(cql_connection_take_pending(w->connection) == NULL);
}

static struct cql_connection_config config_of(struct world *w)
{
    static const size_t frames[] = {0, 64, 1024, 8192};
    static const uint16_t streams[] = {0, 1, 2, 8};
    static const uint16_t orphans[] = {0, 1, 2, 8};

    bool has_user = !tape_odd(w->tape);

    return (struct cql_connection_config){
        .alloc = &w->memory.alloc,
        .user = has_user ? "user" : NULL,
        /* not a choice of its own: what is in the corpus goes on meaning the same */
        .compression = has_user ? CQL_COMPRESSION_AUTO : CQL_COMPRESSION_NONE,
        .password = "password",
        .client_version = tape_odd(w->tape) ? "1.0" : NULL,
        .register_events = tape_odd(w->tape),
        .max_frame_bytes = frames[tape_below(w->tape, 4)],
        .max_streams = streams[tape_below(w->tape, 4)],
        .max_orphans = orphans[tape_below(w->tape, 4)],
    };
}

size_t fuzz_repair(uint8_t *bytes, size_t len, size_t room, unsigned seed)
{
    (void)room;
    (void)seed;
    repair_cql_frames(bytes, len);
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char text[64] = "bytes that can be packed";
    struct fuzz_input input = fuzz_input_split(data, size);
    struct world w = {.tape = &input.tape, .bytes = input.bytes, .now_us = 1000LL * SECOND};

    buf_init(&w.out, &alloc_heap, OUT_BYTES);
    fuzz_alloc_init_tape(&w.memory, &input.tape);
    struct cql_connection_config config = config_of(&w);
    w.body = cql_body_new(&alloc_heap, 64);
    REQUIRE(w.body != NULL && buf_append(&w.body->buf, slice_make(text, sizeof(text))) == STATUS_OK);
    w.connection = cql_connection_new(&config, w.now_us);
    if (w.connection != NULL) {
        for (int steps = 0; w.bytes.len > 0 && steps < STEPS_MAX; steps++)
            step(&w);
        finish(&w);
        cql_connection_free(w.connection);
    }
    REQUIRE(w.body->references == 1);
    cql_body_unref(w.body);
    buf_deinit(&w.out);
    fuzz_alloc_end(&w.memory);
    fuzz_input_free(&input);
    return 0;
}
