/*
 * The yardstick: what the bytes alone cost. A process in the gateway's place that understands
 * nothing: it reads a producer's bytes, writes as many bytes to the null node as the gateway would,
 * waits for the node's answer and passes one back. In one turn of its loop there is one read per
 * producer, one write to the node, one read from it and one write per producer; the bytes of a
 * request go from the buffer that they were read into straight to the node, padded to the size that
 * the gateway's rows have.
 *
 *      relay --node=NODE_PORT [--port=N] [--bytes=BYTES_PER_REQUEST]      prints "port=N", serves
 * until TERM
 */
#include "cql/frame.h"
#include "cql/opcode.h"
#include "kafka/api_versions.h"
#include "kafka/header.h"
#include "kafka/init_producer_id.h"
#include "kafka/metadata.h"
#include "kafka/produce.h"
#include "kafka/record_batch.h"
#include "proto/endian.h"
#include "proto/varint.h"
#include "tests/bench/bench.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define READ_BYTES     ((size_t)256 * 1024)
#define BUFFER_MAX     ((size_t)64 * 1024 * 1024)
#define PAD_BYTES      ((size_t)1024 * 1024)
#define MAX_EVENTS     64
#define MAX_PARTITIONS 1024
#define MAX_PRODUCERS  4096
#define MAX_TURN       4096  /* requests in one turn */
#define MAX_UNDER_WAY  65536 /* a power of two */
#define BATCH_HEAD     ((size_t)CQL_HEADER_BYTES + 3)
#define NODE_ANSWER    ((size_t)CQL_HEADER_BYTES + 4)
#define COUNT_AT       57 /* of the records, in a batch */
#define INDEX_MARK     0x11223344
#define OFFSET_MARK    0x5566778899AABBCC

struct producer {
    int fd;
    struct buf in, out;
    size_t passed_on; /* bytes of `in` that the node gets in this turn */
    bool is_in_turn;
    /* where things are in its requests and answers; 0: no request was seen yet */
    size_t index_at, count_at, answer_index_at, answer_offset_at;
    struct buf answer;
};

struct under_way {
    struct producer *producer;
    uint32_t correlation_id;
    uint32_t partition, records;
};

struct relay {
    int epoll, listener, node;
    size_t node_bytes; /* of a request on its way to the node; 0: as it came */
    uint8_t *pad;
    struct buf node_in;
    struct arena arena;
    struct under_way *ring;
    uint32_t ring_first, ring_end;
    struct iovec vectors[MAX_TURN * 3];
    uint8_t heads[MAX_TURN][BATCH_HEAD];
    size_t vector_count, head_count;
    struct producer *turn[MAX_PRODUCERS]; /* each once */
    size_t turn_count, producer_count;
    int64_t offsets[MAX_PARTITIONS];
    int64_t producer_ids;
};

static volatile sig_atomic_t stopped;

static void on_signal(int signal)
{
    (void)signal;
    stopped = 1;
}

static void need(int status)
{
    if (status < 0)
        bench_die("%s", status_text(status));
}

/* ------------------------------------------------------------------ questions before the load */

static void answer_metadata(struct producer *producer, const struct kafka_request_header *header,
                            const struct kafka_metadata_request *request, uint16_t port)
{
    static struct kafka_metadata_partition partitions[MAX_PARTITIONS];
    struct kafka_metadata_broker broker = {
        .node_id = 1, .host = SLICE_LITERAL("127.0.0.1"), .port = port};
    struct kafka_metadata_topic topic = KAFKA_METADATA_TOPIC_DEFAULT;
    struct kafka_metadata_response response = KAFKA_METADATA_RESPONSE_DEFAULT;
    for (int32_t i = 0; i < MAX_PARTITIONS; i++)
        partitions[i] = (struct kafka_metadata_partition){.partition_index = i, .leader_id = 1};
    topic.name = request->topic_count == 1 ? request->topics[0].name : SLICE_LITERAL("bench");
    topic.partitions = partitions;
    topic.partition_count = MAX_PARTITIONS;
    response.brokers = &broker;
    response.broker_count = 1;
    response.topics = &topic;
    response.topic_count = 1;
    need(kafka_response_encode(&producer->out, kafka_api_find(KAFKA_METADATA),
                               header->request_api_version, header->correlation_id, &response));
}

static void answer_question(struct relay *relay, struct producer *producer, struct slice frame)
{
    static uint64_t body[64]; /* any request's struct */
    struct kafka_request_header header;
    struct kafka_decode_error failed;
    arena_reset(&relay->arena);
    need(kafka_request_decode(frame, &relay->arena, &header, body, &failed));
    if (header.request_api_key == KAFKA_METADATA) {
        answer_metadata(producer, &header, (const void *)body, bench_port(relay->listener));
    } else if (header.request_api_key == KAFKA_INIT_PRODUCER_ID) {
        struct kafka_init_producer_id_response response = KAFKA_INIT_PRODUCER_ID_RESPONSE_DEFAULT;
        response.producer_id = relay->producer_ids++;
        response.producer_epoch = 0;
        need(kafka_response_encode(&producer->out, kafka_api_find(KAFKA_INIT_PRODUCER_ID),
                                   header.request_api_version, header.correlation_id, &response));
    } else if (header.request_api_key == KAFKA_API_VERSIONS) {
        struct kafka_api_version keys[64];
        struct kafka_api_versions_response response = KAFKA_API_VERSIONS_RESPONSE_DEFAULT;
        response.api_keys = keys;
        response.api_key_count = kafka_api_versions_list(keys, 64);
        need(kafka_response_encode(&producer->out, kafka_api_find(KAFKA_API_VERSIONS),
                                   header.request_api_version, header.correlation_id, &response));
    } else {
        bench_die("API %d is not for a relay", header.request_api_key);
    }
}

static size_t find(const struct buf *buf, const void *bytes, size_t len)
{
    const uint8_t *found = memmem(buf->data, buf->write, bytes, len);
    if (found == NULL)
        bench_die("a field of the answer is not found");
    return (size_t)(found - buf->data);
}

/* Learns from a producer's first request where its fields are; later ones have the same shape. */
static void learn(struct relay *relay, struct producer *producer, struct slice frame)
{
    struct kafka_request_header header;
    struct kafka_produce_request request;
    struct kafka_decode_error failed;
    uint8_t mark[8], varint[5];
    arena_reset(&relay->arena);
    need(kafka_request_decode(frame, &relay->arena, &header, &request, &failed));
    if (request.topic_count != 1 || request.topics[0].partition_count != 1)
        bench_die("one partition in a request");
    struct slice records = request.topics[0].partitions[0].records;
    size_t batch_at = (size_t)(records.data - frame.data);
    bool is_flexible = header.request_api_version >= kafka_api_find(KAFKA_PRODUCE)->first_flexible;
    producer->index_at =
        batch_at - 4 - (is_flexible ? uvarint_write(varint, (uint32_t)records.len + 1) : 4);
    producer->count_at = batch_at + COUNT_AT;

    struct kafka_produce_partition_response partition = KAFKA_PRODUCE_PARTITION_RESPONSE_DEFAULT;
    struct kafka_produce_topic_response topic = {
        .name = request.topics[0].name, .partitions = &partition, .partition_count = 1};
    struct kafka_produce_response response = KAFKA_PRODUCE_RESPONSE_DEFAULT;
    partition.index = INDEX_MARK;
    partition.base_offset = (int64_t)OFFSET_MARK;
    response.topics = &topic;
    response.topic_count = 1;
    need(kafka_response_encode(&producer->answer, kafka_api_find(KAFKA_PRODUCE),
                               header.request_api_version, 0, &response));
    be32_store(mark, INDEX_MARK);
    producer->answer_index_at = find(&producer->answer, mark, 4);
    be64_store(mark, OFFSET_MARK);
    producer->answer_offset_at = find(&producer->answer, mark, 8);
}

/* ------------------------------------------------------------------ producer -> node */

static void add_vector(struct relay *relay, const void *bytes, size_t len)
{
    if (len > 0)
        relay->vectors[relay->vector_count++] = (struct iovec){(void *)(uintptr_t)bytes, len};
}

/* frame: without its size. */
static void pass_on(struct relay *relay, struct producer *producer, struct slice frame)
{
    if (producer->index_at == 0)
        learn(relay, producer, frame);
    struct under_way *under_way = &relay->ring[relay->ring_end++ % MAX_UNDER_WAY];
    under_way->producer = producer;
    under_way->correlation_id = be32_load(frame.data + 4);
    under_way->partition = be32_load(frame.data + producer->index_at);
    under_way->records = be32_load(frame.data + producer->count_at);
    if (relay->ring_end - relay->ring_first >= MAX_UNDER_WAY ||
        under_way->partition >= MAX_PARTITIONS)
        bench_die("too many requests or partitions");
    size_t bytes = frame.len;
    if (relay->node_bytes > BATCH_HEAD)
        bytes = relay->node_bytes - BATCH_HEAD;
    if (bytes > frame.len + PAD_BYTES)
        bench_die("--bytes is too large for these requests");
    struct cql_header header = {
        .version = CQL_VERSION, .opcode = CQL_BATCH, .body_bytes = (uint32_t)bytes + 3};
    uint8_t *head = relay->heads[relay->head_count++];
    cql_header_write(head, &header);
    head[CQL_HEADER_BYTES] = 1; /* UNLOGGED */
    be16_store(head + CQL_HEADER_BYTES + 1, (uint16_t)under_way->records);
    add_vector(relay, head, BATCH_HEAD);
    add_vector(relay, frame.data, bytes < frame.len ? bytes : frame.len);
    add_vector(relay, relay->pad, bytes < frame.len ? 0 : bytes - frame.len);
}

static void take_requests(struct relay *relay, struct producer *producer)
{
    struct slice bytes = buf_unread(&producer->in);
    while (bytes.len - producer->passed_on >= KAFKA_SIZE_BYTES && relay->head_count < MAX_TURN) {
        const uint8_t *at = bytes.data + producer->passed_on;
        size_t len = be32_load(at);
        if (bytes.len - producer->passed_on - KAFKA_SIZE_BYTES < len)
            return;
        struct slice frame = slice_make(at + KAFKA_SIZE_BYTES, len);
        if (be16_load(frame.data) == KAFKA_PRODUCE)
            pass_on(relay, producer, frame);
        else
            answer_question(relay, producer, frame);
        producer->passed_on += KAFKA_SIZE_BYTES + len;
    }
}

static void join_turn(struct relay *relay, struct producer *producer)
{
    if (!producer->is_in_turn)
        relay->turn[relay->turn_count++] = producer;
    producer->is_in_turn = true;
}

/* One that still waits for answers is not expected to go. */
static void close_producer(struct relay *relay, struct producer *producer)
{
    if (producer->is_in_turn || relay->ring_first != relay->ring_end)
        bench_die("a producer left before all was answered");
    relay->producer_count--;
    close(producer->fd);
    buf_deinit(&producer->in);
    buf_deinit(&producer->out);
    buf_deinit(&producer->answer);
    free(producer);
}

static void read_producer(struct relay *relay, struct producer *producer)
{
    need(buf_reserve(&producer->in, READ_BYTES));
    ssize_t got = recv(producer->fd, buf_tail(&producer->in), READ_BYTES, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        close_producer(relay, producer);
        return;
    }
    buf_wrote(&producer->in, (size_t)got);
    take_requests(relay, producer);
    join_turn(relay, producer);
}

/* All that was taken in this turn, in one write if the socket takes it. */
static void write_node(struct relay *relay)
{
    struct iovec *vector = relay->vectors, *end = vector + relay->vector_count;
    while (vector < end) {
        struct msghdr message = {.msg_iov = vector};
        message.msg_iovlen = (size_t)(end - vector) < IOV_MAX ? (size_t)(end - vector) : IOV_MAX;
        ssize_t sent = sendmsg(relay->node, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            (void)poll(&(struct pollfd){.fd = relay->node, .events = POLLOUT}, 1, -1);
            continue;
        }
        if (sent < 0)
            bench_die("send: %s", strerror(errno));
        for (size_t left = (size_t)sent; left > 0;) {
            size_t here = left < vector->iov_len ? left : vector->iov_len;
            vector->iov_base = (uint8_t *)vector->iov_base + here;
            vector->iov_len -= here;
            left -= here;
            vector += vector->iov_len == 0;
        }
    }
    relay->vector_count = relay->head_count = 0;
}

/* ------------------------------------------------------------------ node -> producer */

static void answer(struct relay *relay)
{
    struct under_way *under_way = &relay->ring[relay->ring_first++ % MAX_UNDER_WAY];
    struct producer *producer = under_way->producer;
    uint8_t *bytes = producer->answer.data;
    be32_store(bytes + KAFKA_SIZE_BYTES, under_way->correlation_id);
    be32_store(bytes + producer->answer_index_at, under_way->partition);
    be64_store(bytes + producer->answer_offset_at, (uint64_t)relay->offsets[under_way->partition]);
    relay->offsets[under_way->partition] += under_way->records;
    need(buf_append(&producer->out, buf_unread(&producer->answer)));
    join_turn(relay, producer);
}

static void read_node(struct relay *relay)
{
    need(buf_reserve(&relay->node_in, READ_BYTES));
    ssize_t got = recv(relay->node, buf_tail(&relay->node_in), READ_BYTES, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        bench_die("the node is gone");
    if (got > 0)
        buf_wrote(&relay->node_in, (size_t)got);
    while (buf_len(&relay->node_in) >= NODE_ANSWER) {
        if (buf_unread(&relay->node_in).data[4] != CQL_RESULT ||
            relay->ring_first == relay->ring_end)
            bench_die("not an answer to a BATCH");
        buf_consume(&relay->node_in, NODE_ANSWER);
        answer(relay);
    }
}

static void end_turn(struct relay *relay)
{
    write_node(relay);
    for (size_t i = 0; i < relay->turn_count; i++) {
        struct producer *producer = relay->turn[i];
        producer->is_in_turn = false;
        if (producer->passed_on > 0)
            buf_consume(&producer->in, producer->passed_on);
        producer->passed_on = 0;
        struct slice bytes = buf_unread(&producer->out);
        ssize_t sent = bytes.len == 0 ? 0 : send(producer->fd, bytes.data, bytes.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN)
            sent = 0; /* goes with a later answer: there is one, or the producer reads none */
        if (sent < 0)
            bench_die("send: %s", strerror(errno));
        buf_consume(&producer->out, (size_t)sent);
    }
    relay->turn_count = 0;
}

/* ------------------------------------------------------------------ */

static void watch(struct relay *relay, int fd, void *what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
    if (epoll_ctl(relay->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        bench_die("epoll_ctl: %s", strerror(errno));
}

static void accept_producers(struct relay *relay)
{
    for (int fd = bench_accept(relay->listener); fd >= 0; fd = bench_accept(relay->listener)) {
        struct producer *producer = calloc(1, sizeof(*producer));
        if (producer == NULL || relay->producer_count++ == MAX_PRODUCERS)
            bench_die("out of memory, or too many producers");
        producer->fd = fd;
        buf_init(&producer->in, &alloc_heap, BUFFER_MAX);
        buf_init(&producer->out, &alloc_heap, BUFFER_MAX);
        buf_init(&producer->answer, &alloc_heap, BUFFER_MAX);
        watch(relay, fd, producer);
    }
}

static void turn(struct relay *relay)
{
    struct epoll_event events[MAX_EVENTS];
    int count = epoll_wait(relay->epoll, events, MAX_EVENTS, -1);
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == NULL)
            accept_producers(relay);
        else if (events[i].data.ptr == relay)
            read_node(relay);
        else
            read_producer(relay, events[i].data.ptr);
    }
    end_turn(relay);
}

int main(int argc, char **argv)
{
    static const char *const options[] = {"port", "node", "bytes", NULL};
    static struct relay relay;
    bench_know_options(argc, argv, options);
    relay.node_bytes = (size_t)bench_number(argc, argv, "bytes", 0);
    relay.listener = bench_listen((uint16_t)bench_number(argc, argv, "port", 0));
    relay.node = bench_connect("127.0.0.1", (uint16_t)bench_number(argc, argv, "node", 9042));
    bench_unblock(relay.node);
    relay.epoll = epoll_create1(EPOLL_CLOEXEC);
    relay.pad = calloc(1, PAD_BYTES);
    relay.ring = calloc(MAX_UNDER_WAY, sizeof(*relay.ring));
    if (relay.epoll < 0 || relay.pad == NULL || relay.ring == NULL)
        bench_die("out of memory or descriptors");
    memset(relay.pad, 'p', PAD_BYTES);
    arena_init(&relay.arena, &alloc_heap, 8192, BUFFER_MAX);
    buf_init(&relay.node_in, &alloc_heap, BUFFER_MAX);
    watch(&relay, relay.listener, NULL);
    watch(&relay, relay.node, &relay);
    (void)sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_signal}, NULL);
    (void)sigaction(SIGINT, &(struct sigaction){.sa_handler = on_signal}, NULL);
    printf("port=%u\n", (unsigned)bench_port(relay.listener));
    fflush(stdout);
    while (!stopped)
        turn(&relay);
    return 0;
}
