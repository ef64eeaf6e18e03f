/*
 * A CQL node that acknowledges and stores nothing, so that a benchmark measures the gateway:
 *
 *      null_node [--port=N]            prints "port=N", then serves until TERM
 *      null_node --upstream=PORT       before a real node: that one answers all but BATCH
 *
 * A BATCH costs it as little as can be: the number of statements is read, the rest is discarded in
 * the kernel without being copied, and all answers of one look at a socket leave in one write.
 * Everything else is answered by null_tables.c, or by the node at 127.0.0.1:PORT, so that any
 * driver finds the system tables that it asks for. On USR1 and at the end it prints what it was
 * sent, so that the driver sees whether all rows came.
 */
#include "cql/batch_request.h"
#include "cql/frame.h"
#include "cql/opcode.h"
#include "cql/query.h"
#include "cql/result.h"
#include "cql/startup.h"
#include "proto/endian.h"
#include "tests/bench/bench.h"
#include "tests/bench/null_tables.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES   ((size_t)16 * 1024)
#define TURN_READS   64 /* of one connection, before the others have their turn */
#define MAX_EVENTS   64
#define MAX_PREPARED 4096
#define BATCH_HEAD   ((size_t)CQL_HEADER_BYTES + 3) /* up to the number of statements */
#define RESULT_BYTES ((size_t)CQL_HEADER_BYTES + 4) /* of a Void result */
#define CONTROL_MAX  ((size_t)64 * 1024 * 1024)

struct peer {
    int fd;
    struct buf in;
    struct buf out;
    size_t skip; /* of a BATCH's body: to be discarded */
    bool wants_write;
    struct peer *other; /* with an upstream: the connection that goes with this one */
    bool is_upstream;   /* to the real node */
};

struct node {
    int epoll, listener;
    uint16_t upstream_port; /* 0: none */
    struct null_tables *tables;
    struct arena arena;
    char *prepared[MAX_PREPARED]; /* the id is the index */
    size_t prepared_count;
    uint64_t batches, rows, batch_bytes, others;
};

static volatile sig_atomic_t stopped, asked;

static void on_signal(int signal)
{
    if (signal == SIGUSR1)
        asked = 1;
    else
        stopped = 1;
}

static void need(int status)
{
    if (status < 0)
        bench_die("%s", status_text(status));
}

/* ------------------------------------------------------------------ answers */

/* A place for the header of an answer; answer_end fills it in. */
static size_t answer_begin(struct peer *peer)
{
    need(buf_reserve(&peer->out, CQL_HEADER_BYTES));
    buf_wrote(&peer->out, CQL_HEADER_BYTES);
    return peer->out.write;
}

static void answer_end(struct peer *peer, size_t start, uint8_t opcode, int16_t stream)
{
    struct cql_header header = {.version = CQL_VERSION | CQL_VERSION_RESPONSE,
                                .stream = stream,
                                .opcode = opcode,
                                .body_bytes = (uint32_t)(peer->out.write - start)};
    cql_header_write(peer->out.data + start - CQL_HEADER_BYTES, &header);
}

static void answer_walk(struct peer *peer, int16_t stream, uint8_t opcode, void *message)
{
    struct wire wire;
    size_t start = answer_begin(peer);
    wire_init_encode(&wire, &peer->out);
    cql_opcode_find(opcode)->walk(&wire, message);
    need(wire.error);
    answer_end(peer, start, opcode, stream);
}

static void answer_supported(struct peer *peer, int16_t stream)
{
    struct slice versions[] = {SLICE_LITERAL("3.4.7")}, none[] = {SLICE_LITERAL("lz4")};
    struct slice protocols[] = {SLICE_LITERAL("4/v4")};
    struct cql_choice choices[] = {{SLICE_LITERAL("CQL_VERSION"), versions, 1},
                                   {SLICE_LITERAL("COMPRESSION"), none, 1},
                                   {SLICE_LITERAL("PROTOCOL_VERSIONS"), protocols, 1}};
    answer_walk(peer, stream, CQL_SUPPORTED, &(struct cql_supported){choices, 3});
}

static void answer_prepare(struct node *node, struct peer *peer, int16_t stream, struct wire *wire)
{
    struct cql_prepare message = {0};
    struct cql_column columns[64];
    struct cql_result result = {.kind = CQL_RESULT_PREPARED,
                                .markers = {.flags = CQL_METADATA_GLOBAL_SPEC, .columns = columns},
                                .metadata = {.flags = CQL_METADATA_NONE}};
    uint8_t id[16] = {0};
    cql_prepare_walk(wire, &message);
    need(wire->error);
    for (size_t i = 0; i < message.text.len && result.markers.column_count < 64; i++)
        if (message.text.data[i] == '?')
            columns[result.markers.column_count++] = (struct cql_column){SLICE_LITERAL("sluice"),
                                                                         SLICE_LITERAL("t"),
                                                                         SLICE_LITERAL("c"),
                                                                         {.id = CQL_TYPE_BLOB}};
    if (node->prepared_count == MAX_PREPARED)
        bench_die("too many prepared statements");
    node->prepared[node->prepared_count] =
        strndup((const char *)message.text.data, message.text.len);
    be64_store(id + 8, node->prepared_count++);
    result.prepared_id = slice_make(id, sizeof(id));
    answer_walk(peer, stream, CQL_RESULT, &result);
}

static void answer_statement(struct node *node, struct peer *peer, int16_t stream, uint8_t opcode,
                             struct wire *wire)
{
    struct cql_query query = {0};
    struct slice text;
    if (opcode == CQL_QUERY) {
        cql_query_walk(wire, &query);
        need(wire->error);
        text = query.text;
    } else {
        cql_execute_walk(wire, &query);
        need(wire->error);
        uint64_t index =
            query.prepared_id.len == 16 ? be64_load(query.prepared_id.data + 8) : UINT64_MAX;
        if (index >= node->prepared_count)
            bench_die("a statement that was never prepared is executed");
        text = slice_cstr(node->prepared[index]);
    }
    size_t start = answer_begin(peer);
    null_tables_run(node->tables, text, query.values, query.value_count, &peer->out);
    answer_end(peer, start, CQL_RESULT, stream);
}

static void answer_control(struct node *node, struct peer *peer, const struct cql_header *header,
                           struct slice body)
{
    struct wire wire;
    arena_reset(&node->arena);
    wire_init_decode(&wire, body, &node->arena);
    node->others++;
    switch (header->opcode) {
    case CQL_OPTIONS:
        answer_supported(peer, header->stream);
        return;
    case CQL_STARTUP:
    case CQL_REGISTER:
        answer_walk(peer, header->stream, CQL_READY, NULL);
        return;
    case CQL_PREPARE:
        answer_prepare(node, peer, header->stream, &wire);
        return;
    case CQL_QUERY:
    case CQL_EXECUTE:
        answer_statement(node, peer, header->stream, header->opcode, &wire);
        return;
    default:
        bench_die("opcode %u is not for a node", header->opcode);
    }
}

static void answer_batch(struct node *node, struct peer *peer, const struct cql_header *header,
                         const uint8_t *head)
{
    static const uint8_t void_result[4] = {0, 0, 0, CQL_RESULT_VOID};
    struct cql_header answer = {.version = CQL_VERSION | CQL_VERSION_RESPONSE,
                                .stream = header->stream,
                                .opcode = CQL_RESULT,
                                .body_bytes = sizeof(void_result)};
    node->batches++;
    node->rows += be16_load(head + 1);
    node->batch_bytes += CQL_HEADER_BYTES + header->body_bytes;
    need(buf_reserve(&peer->out, RESULT_BYTES));
    cql_header_write(buf_tail(&peer->out), &answer);
    memcpy(buf_tail(&peer->out) + CQL_HEADER_BYTES, void_result, sizeof(void_result));
    buf_wrote(&peer->out, RESULT_BYTES);
}

/* ------------------------------------------------------------------ bytes */

/* All whole frames, and the head of a BATCH that is not whole: the rest of that one is skipped. */
static void take_frames(struct node *node, struct peer *peer)
{
    while (buf_len(&peer->in) >= CQL_HEADER_BYTES) {
        struct slice bytes = buf_unread(&peer->in);
        struct cql_header header = cql_header_read(bytes.data);
        size_t frame_bytes = CQL_HEADER_BYTES + (size_t)header.body_bytes;
        if (header.version != CQL_VERSION || header.flags != 0 ||
            header.body_bytes > CQL_BODY_BYTES_MAX)
            bench_die("not a plain request of version 4");
        if (header.opcode == CQL_BATCH) {
            if (bytes.len < BATCH_HEAD)
                return;
            answer_batch(node, peer, &header, bytes.data + CQL_HEADER_BYTES);
            size_t here = bytes.len < frame_bytes ? bytes.len : frame_bytes;
            buf_consume(&peer->in, here);
            peer->skip = frame_bytes - here;
            continue;
        }
        if (bytes.len < frame_bytes)
            return;
        if (peer->other != NULL)
            need(buf_append(&peer->other->out, slice_make(bytes.data, frame_bytes)));
        else
            answer_control(node, peer, &header,
                           slice_make(bytes.data + CQL_HEADER_BYTES, header.body_bytes));
        buf_consume(&peer->in, frame_bytes);
    }
}

static void watch(struct node *node, struct peer *peer, bool write)
{
    struct epoll_event event = {.events = EPOLLIN | (write ? EPOLLOUT : 0), .data.ptr = peer};
    if (epoll_ctl(node->epoll, EPOLL_CTL_MOD, peer->fd, &event) < 0)
        bench_die("epoll_ctl: %s", strerror(errno));
    peer->wants_write = write;
}

static void flush(struct node *node, struct peer *peer)
{
    while (buf_len(&peer->out) > 0) {
        struct slice bytes = buf_unread(&peer->out);
        ssize_t sent = send(peer->fd, bytes.data, bytes.len, MSG_NOSIGNAL);
        if (sent < 0)
            break; /* full; or gone, which reading will tell */
        buf_consume(&peer->out, (size_t)sent);
    }
    bool full = buf_len(&peer->out) > 0 && errno == EAGAIN;
    if (full != peer->wants_write)
        watch(node, peer, full);
}

/* One read. false: there was nothing to read; *gone: nor will there be. */
static bool receive(struct peer *peer, bool *gone)
{
    ssize_t got;
    if (peer->skip > 0) {
        got = recv(peer->fd, NULL, peer->skip, MSG_TRUNC);
        if (got > 0)
            peer->skip -= (size_t)got;
    } else {
        need(buf_reserve(&peer->in, READ_BYTES));
        got = recv(peer->fd, buf_tail(&peer->in), READ_BYTES, 0);
        if (got > 0)
            buf_wrote(&peer->in, (size_t)got);
    }
    *gone = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
    return got > 0;
}

/* Whole frames of the real node go to its client as they are, between our answers. */
static void pass_on(struct peer *upstream)
{
    while (buf_len(&upstream->in) >= CQL_HEADER_BYTES) {
        struct slice bytes = buf_unread(&upstream->in);
        size_t frame_bytes = CQL_HEADER_BYTES + (size_t)cql_header_read(bytes.data).body_bytes;
        if (bytes.len < frame_bytes)
            return;
        need(buf_append(&upstream->other->out, slice_make(bytes.data, frame_bytes)));
        buf_consume(&upstream->in, frame_bytes);
    }
}

/* Only the socket: events that are still to be looked at name the peer, which is a few bytes. */
static void hang_up(struct peer *peer)
{
    close(peer->fd);
    peer->fd = -1;
    buf_deinit(&peer->in);
    buf_deinit(&peer->out);
}

static void serve(struct node *node, struct peer *peer)
{
    bool gone = false;
    if (peer->fd < 0)
        return;
    for (int i = 0; i < TURN_READS && receive(peer, &gone); i++) {
        if (peer->is_upstream)
            pass_on(peer);
        else
            take_frames(node, peer);
    }
    if (!gone) {
        flush(node, peer);
        if (peer->other != NULL)
            flush(node, peer->other);
        return;
    }
    hang_up(peer);
    if (peer->other != NULL)
        hang_up(peer->other);
}

static struct peer *peer_new(struct node *node, int fd)
{
    struct peer *peer = calloc(1, sizeof(*peer));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
    if (peer == NULL || epoll_ctl(node->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        bench_die("cannot take a connection");
    peer->fd = fd;
    buf_init(&peer->in, &alloc_heap, CONTROL_MAX);
    buf_init(&peer->out, &alloc_heap, CONTROL_MAX);
    return peer;
}

static void add_upstream(struct node *node, struct peer *peer)
{
    int fd = bench_connect("127.0.0.1", node->upstream_port);
    bench_unblock(fd);
    peer->other = peer_new(node, fd);
    peer->other->other = peer;
    peer->other->is_upstream = true;
}

static void accept_peers(struct node *node)
{
    for (int fd = bench_accept(node->listener); fd >= 0; fd = bench_accept(node->listener)) {
        struct peer *peer = peer_new(node, fd);
        if (node->upstream_port != 0)
            add_upstream(node, peer);
    }
}

static void print_counts(const struct node *node)
{
    printf("{\"batches\": %" PRIu64 ", \"rows\": %" PRIu64 ", \"batch_bytes\": %" PRIu64
           ", \"others\": %" PRIu64 "}\n",
           node->batches, node->rows, node->batch_bytes, node->others);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const char *const options[] = {"port", "upstream", NULL};
    struct node node = {.tables = null_tables_new()};
    struct epoll_event events[MAX_EVENTS], listening = {.events = EPOLLIN};
    bench_know_options(argc, argv, options);
    arena_init(&node.arena, &alloc_heap, 8192, CONTROL_MAX);
    node.listener = bench_listen((uint16_t)bench_number(argc, argv, "port", 0));
    node.upstream_port = (uint16_t)bench_number(argc, argv, "upstream", 0);
    node.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (node.epoll < 0 || epoll_ctl(node.epoll, EPOLL_CTL_ADD, node.listener, &listening) < 0)
        bench_die("epoll: %s", strerror(errno));
    (void)sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_signal}, NULL);
    (void)sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_signal}, NULL);
    (void)sigaction(SIGINT, &(struct sigaction){.sa_handler = on_signal}, NULL);
    printf("port=%u\n", (unsigned)bench_port(node.listener));
    fflush(stdout);
    while (!stopped) {
        if (asked) {
            asked = 0;
            print_counts(&node);
        }
        int count = epoll_wait(node.epoll, events, MAX_EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL)
                accept_peers(&node);
            else
                serve(&node, events[i].data.ptr);
        }
    }
    print_counts(&node);
    return 0;
}
