/*
 * Producers at the speed of memcpy: Produce requests that were encoded once, a window of them under
 * way on each connection, every answer checked (its correlation id, error 0, offsets that rise by
 * the record count).
 *
 *      replay --port=9092 --seconds=2 --warm-up=0.5 --pid=GATEWAY
 *      replay --port=9092 --records=1000000
 *
 *      --connections=4 --window=8            requests under way on each
 *      --topics=1 --partitions=4             each partition has one connection, in turns
 *      --topic=bench                         the name, or what the names begin with
 *      --batch=16384 --value=100 --key=0     bytes: of a batch before compression, of a value, of a
 * key (0: null)
 *      --codec=none|gzip|snappy|lz4|zstd
 *      --idempotent                          producer id and sequences, as stock clients have them
 * by default
 *      --version=9                           of Produce
 *
 * Prints one line of JSON; with --pid also what that process used between warm-up and end.
 */
#include "kafka/api_versions.h"
#include "kafka/header.h"
#include "kafka/init_producer_id.h"
#include "kafka/metadata.h"
#include "kafka/produce.h"
#include "proto/endian.h"
#include "tests/bench/bench.h"
#include "tests/bench/replay_stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define READ_BYTES      ((size_t)64 * 1024)
#define ARENA_BYTES     ((size_t)16 * 1024 * 1024)
#define FRAME_MAX_BYTES ((size_t)16 * 1024 * 1024)
#define MAX_VECTORS     512
#define MAX_EVENTS      64
#define READY_WAIT_S    30.0
#define STUCK_S         60.0

struct connection {
    int fd;
    struct replay_stream **streams; /* taken in turns */
    size_t stream_count;
    uint64_t made;    /* requests whose head is patched: their numbers are correlation ids */
    uint64_t written; /* whole requests that the socket took */
    uint64_t answered;
    size_t written_bytes; /* of the request at hand */
    uint8_t *heads;       /* a ring, one place per request under way */
    struct buf in;
    bool wants_write;
};

struct replay {
    struct replay_shape shape;
    struct connection *connections;
    struct replay_stream *streams;
    size_t connection_count, stream_count, window;
    int32_t partitions;
    uint64_t request_limit,
        requests; /* made so far; the limit is UINT64_MAX when time ends the run */
    int epoll;
    struct arena arena;
    bool stopping;
    uint64_t answers, records, value_bytes, wire_bytes; /* acknowledged */
};

static void need(int status)
{
    if (status < 0)
        bench_die("%s", status_text(status));
}

/* ------------------------------------------------------------------ asking, before the load starts
 */

static struct slice read_frame(int fd, struct arena *arena)
{
    uint8_t size[4];
    bench_read_all(fd, size, sizeof(size));
    size_t len = be32_load(size);
    uint8_t *frame = len <= FRAME_MAX_BYTES ? arena_take(arena, len) : NULL;
    if (frame == NULL)
        bench_die("an answer of %zu bytes", len);
    bench_read_all(fd, frame, len);
    return slice_make(frame, len);
}

static void ask(struct replay *replay, int fd, enum kafka_api_key key, int version,
                const void *request, void *response)
{
    struct kafka_request_header header = {.request_api_key = (int16_t)key,
                                          .request_api_version = (int16_t)version,
                                          .client_id = SLICE_LITERAL("replay")};
    struct kafka_decode_error failed = {0};
    struct buf out;
    int32_t correlation_id = 0;
    buf_init(&out, &alloc_heap, FRAME_MAX_BYTES);
    need(kafka_request_encode(&out, &header, request));
    bench_write_all(fd, out.data, out.write);
    buf_deinit(&out);
    arena_reset(&replay->arena);
    struct slice frame = read_frame(fd, &replay->arena);
    if (kafka_response_decode(frame, kafka_api_find((int16_t)key), version, &replay->arena,
                              &correlation_id, response, &failed) < 0)
        bench_die("answer to API %d: field %s at byte %zu", (int)key, failed.field, failed.offset);
}

static void check_versions(struct replay *replay, int fd)
{
    struct kafka_api_versions_request request = {SLICE_LITERAL("replay"), SLICE_LITERAL("1")};
    struct kafka_api_versions_response response;
    ask(replay, fd, KAFKA_API_VERSIONS, 3, &request, &response);
    for (int32_t i = 0; i < response.api_key_count; i++)
        if (response.api_keys[i].api_key == KAFKA_PRODUCE &&
            response.api_keys[i].max_version >= replay->shape.produce_version)
            return;
    bench_die("Produce version %d is not served", replay->shape.produce_version);
}

/* The topic is there with all its partitions; asking for it makes it. */
static bool topic_is_ready(struct replay *replay, int fd, const char *name)
{
    struct kafka_metadata_request_topic topic = {.name = slice_cstr(name)};
    struct kafka_metadata_request request = KAFKA_METADATA_REQUEST_DEFAULT;
    struct kafka_metadata_response response;
    request.topics = &topic;
    request.topic_count = 1;
    ask(replay, fd, KAFKA_METADATA, 9, &request, &response);
    if (response.topic_count != 1 || response.topics[0].error_code != 0)
        return false;
    if (response.topics[0].partition_count < replay->partitions)
        bench_die("topic %s has %" PRId32 " partitions", name, response.topics[0].partition_count);
    for (int32_t i = 0; i < response.topics[0].partition_count; i++)
        if (response.topics[0].partitions[i].error_code != 0)
            return false;
    return true;
}

static void wait_for_topic(struct replay *replay, int fd, const char *name)
{
    double until = bench_seconds() + READY_WAIT_S;
    while (!topic_is_ready(replay, fd, name)) {
        if (bench_seconds() > until)
            bench_die("topic %s does not come", name);
        usleep(50 * 1000);
    }
}

static void take_producer_id(struct replay *replay, int fd)
{
    struct kafka_init_producer_id_request request = KAFKA_INIT_PRODUCER_ID_REQUEST_DEFAULT;
    struct kafka_init_producer_id_response response;
    double until = bench_seconds() + READY_WAIT_S;
    do {
        if (bench_seconds() > until)
            bench_die("no producer id comes");
        ask(replay, fd, KAFKA_INIT_PRODUCER_ID, 4, &request, &response);
    } while (response.error_code != 0 && usleep(50 * 1000) == 0);
    replay->shape.producer_id = response.producer_id;
    replay->shape.producer_epoch = response.producer_epoch;
}

/* ------------------------------------------------------------------ sending */

static struct replay_stream *stream_of(const struct connection *connection, uint64_t request)
{
    return connection->streams[request % connection->stream_count];
}

static uint8_t *head_of(const struct replay *replay, const struct connection *connection,
                        uint64_t request)
{
    return connection->heads + (request % replay->window) * REPLAY_HEAD_MAX_BYTES;
}

static void make_requests(struct replay *replay, struct connection *connection)
{
    while (!replay->stopping && replay->requests < replay->request_limit &&
           connection->made < connection->answered + replay->window) {
        replay_stream_head(stream_of(connection, connection->made),
                           (int32_t)(connection->made & INT32_MAX),
                           head_of(replay, connection, connection->made));
        connection->made++;
        replay->requests++;
    }
}

/* The unwritten bytes, at most so many pieces. */
static int gather(const struct replay *replay, const struct connection *connection,
                  struct iovec *vectors)
{
    size_t skip = connection->written_bytes;
    int count = 0;
    for (uint64_t i = connection->written; i < connection->made && count + 2 <= MAX_VECTORS; i++) {
        const struct replay_stream *stream = stream_of(connection, i);
        if (skip < stream->head_len)
            vectors[count++] =
                (struct iovec){head_of(replay, connection, i) + skip, stream->head_len - skip};
        size_t from = skip > stream->head_len ? skip - stream->head_len : 0;
        vectors[count++] =
            (struct iovec){(void *)(uintptr_t)(stream->tail.data + from), stream->tail.len - from};
        skip = 0;
    }
    return count;
}

static void note_written(struct connection *connection, size_t bytes)
{
    connection->written_bytes += bytes;
    while (connection->written < connection->made) {
        size_t frame_bytes = stream_of(connection, connection->written)->frame_bytes;
        if (connection->written_bytes < frame_bytes)
            return;
        connection->written_bytes -= frame_bytes;
        connection->written++;
    }
}

static void watch(struct replay *replay, struct connection *connection, int operation, bool write)
{
    struct epoll_event event = {.events = EPOLLIN | (write ? EPOLLOUT : 0), .data.ptr = connection};
    if (epoll_ctl(replay->epoll, operation, connection->fd, &event) < 0)
        bench_die("epoll_ctl: %s", strerror(errno));
    connection->wants_write = write;
}

static void send_requests(struct replay *replay, struct connection *connection)
{
    struct iovec vectors[MAX_VECTORS];
    bool full = false;
    make_requests(replay, connection);
    while (connection->written < connection->made && !full) {
        struct msghdr message = {.msg_iov = vectors};
        message.msg_iovlen = (size_t)gather(replay, connection, vectors);
        ssize_t sent = sendmsg(connection->fd, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            bench_die("send: %s", strerror(errno));
        if (sent > 0)
            note_written(connection, (size_t)sent);
        full = sent < 0 && errno == EAGAIN;
    }
    if (full != connection->wants_write)
        watch(replay, connection, EPOLL_CTL_MOD, full);
}

/* ------------------------------------------------------------------ answers */

static void check_answer(struct replay *replay, struct connection *connection, struct slice frame)
{
    struct replay_stream *stream = stream_of(connection, connection->answered);
    struct kafka_produce_response response;
    int32_t correlation_id = 0;
    arena_reset(&replay->arena);
    if (kafka_response_decode(frame, kafka_api_find(KAFKA_PRODUCE), replay->shape.produce_version,
                              &replay->arena, &correlation_id, &response, NULL) < 0)
        bench_die("an answer to Produce cannot be read");
    if (correlation_id != (int32_t)(connection->answered & INT32_MAX))
        bench_die("answer %" PRIu64 " has correlation id %" PRId32, connection->answered,
                  correlation_id);
    if (response.topic_count != 1 || response.topics[0].partition_count != 1)
        bench_die("answer %" PRIu64 " is of other partitions", connection->answered);
    const struct kafka_produce_partition_response *partition = &response.topics[0].partitions[0];
    if (partition->index != stream->partition || partition->error_code != 0)
        bench_die("partition %" PRId32 ", error %d: %.*s", partition->index, partition->error_code,
                  (int)partition->error_message.len, (const char *)partition->error_message.data);
    bool is_alone = replay->stream_count >= replay->connection_count;
    if (stream->next_offset >= 0 && (is_alone ? partition->base_offset != stream->next_offset
                                              : partition->base_offset < stream->next_offset))
        bench_die("partition %" PRId32 ": offset %" PRId64 " instead of %" PRId64, partition->index,
                  partition->base_offset, stream->next_offset);
    stream->next_offset = partition->base_offset + stream->record_count;
    connection->answered++;
    replay->answers++;
    replay->records += (uint64_t)stream->record_count;
    replay->value_bytes += stream->value_bytes;
    replay->wire_bytes += stream->frame_bytes;
}

static void take_answers(struct replay *replay, struct connection *connection)
{
    need(buf_reserve(&connection->in, READ_BYTES));
    ssize_t got = recv(connection->fd, buf_tail(&connection->in), READ_BYTES, 0);
    if (got == 0)
        bench_die("the gateway closed the connection");
    if (got < 0 && errno != EAGAIN && errno != EINTR)
        bench_die("recv: %s", strerror(errno));
    if (got > 0)
        buf_wrote(&connection->in, (size_t)got);
    while (buf_len(&connection->in) >= KAFKA_SIZE_BYTES) {
        struct slice bytes = buf_unread(&connection->in);
        size_t len = be32_load(bytes.data);
        if (bytes.len - KAFKA_SIZE_BYTES < len)
            return;
        check_answer(replay, connection, slice_make(bytes.data + KAFKA_SIZE_BYTES, len));
        buf_consume(&connection->in, KAFKA_SIZE_BYTES + len);
    }
}

/* ------------------------------------------------------------------ the run */

/* Until the time comes or all is answered. */
static void run_until(struct replay *replay, double until)
{
    struct epoll_event events[MAX_EVENTS];
    double last_answer = bench_seconds();
    uint64_t answers = replay->answers;
    while (replay->answers < replay->requests ||
           !(replay->stopping || replay->requests == replay->request_limit)) {
        int count = epoll_wait(replay->epoll, events, MAX_EVENTS, 1000);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0)
                take_answers(replay, connection);
            send_requests(replay, connection);
        }
        double now = bench_seconds();
        if (now >= until)
            return;
        if (answers != replay->answers)
            last_answer = now;
        answers = replay->answers;
        if (now - last_answer > STUCK_S)
            bench_die("no answer for %.0f s", STUCK_S);
    }
}

struct sample {
    uint64_t answers, records, value_bytes, wire_bytes;
    struct bench_usage usage;
};

static struct sample take_sample(const struct replay *replay, pid_t pid)
{
    struct sample sample = {replay->answers,
                            replay->records,
                            replay->value_bytes,
                            replay->wire_bytes,
                            {.wall_s = bench_seconds()}};
    if (pid != 0)
        sample.usage = bench_usage(pid);
    return sample;
}

static void print_result(const struct replay *replay, const struct sample *from,
                         const struct sample *to)
{
    double seconds = to->usage.wall_s - from->usage.wall_s;
    double records = (double)(to->records - from->records);
    printf(
        "{\"records\": %.0f, \"requests\": %" PRIu64
        ", \"seconds\": %.6f, \"records_per_s\": %.0f, "
        "\"value_bytes_per_s\": %.0f, \"wire_bytes_per_s\": %.0f, \"records_per_batch\": %" PRId32
        ", \"request_bytes\": %zu, \"cpu_s\": %.6f, \"user_s\": %.2f, \"system_s\": %.2f, "
        "\"switches\": %ld, \"all_records\": %" PRIu64 "}\n",
        records, to->answers - from->answers, seconds, records / seconds,
        (double)(to->value_bytes - from->value_bytes) / seconds,
        (double)(to->wire_bytes - from->wire_bytes) / seconds, replay->streams[0].record_count,
        replay->streams[0].frame_bytes, to->usage.cpu_s - from->usage.cpu_s,
        to->usage.user_s - from->usage.user_s, to->usage.system_s - from->usage.system_s,
        to->usage.switches - from->usage.switches, replay->records);
}

static void run(struct replay *replay, double warm_up, double seconds, uint64_t records, pid_t pid)
{
    double start = bench_seconds();
    struct sample from = take_sample(replay, pid), to;
    if (records > 0) {
        uint64_t batch = (uint64_t)replay->streams[0].record_count;
        replay->request_limit = (records + batch - 1) / batch;
    }
    for (size_t i = 0; i < replay->connection_count; i++)
        send_requests(replay, &replay->connections[i]);
    if (records > 0) {
        run_until(replay, start + 1e9);
        to = take_sample(replay, pid);
    } else {
        run_until(replay, start + warm_up);
        from = take_sample(replay, pid);
        run_until(replay, start + warm_up + seconds);
        to = take_sample(replay, pid);
        replay->stopping = true;
        run_until(replay, bench_seconds() + STUCK_S);
    }
    if (replay->answers != replay->requests)
        bench_die("%" PRIu64 " requests have no answer", replay->requests - replay->answers);
    print_result(replay, &from, &to);
}

/* ------------------------------------------------------------------ setting up */

static enum kafka_codec parse_codec(const char *name)
{
    static const char *const names[] = {"none", "gzip", "snappy", "lz4", "zstd"};
    for (size_t i = 0; name != NULL && i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0)
            return (enum kafka_codec)i;
    if (name != NULL)
        bench_die("unknown codec: %s", name);
    return KAFKA_CODEC_NONE;
}

static void open_connections(struct replay *replay, const char *host, uint16_t port)
{
    replay->connections = calloc(replay->connection_count, sizeof(*replay->connections));
    replay->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (replay->connections == NULL || replay->epoll < 0)
        bench_die("out of memory or descriptors");
    for (size_t i = 0; i < replay->connection_count; i++) {
        struct connection *connection = &replay->connections[i];
        connection->streams = calloc(replay->stream_count, sizeof(*connection->streams));
        connection->heads = calloc(replay->window, REPLAY_HEAD_MAX_BYTES);
        if (connection->streams == NULL || connection->heads == NULL)
            bench_die("out of memory");
        buf_init(&connection->in, &alloc_heap, FRAME_MAX_BYTES);
        connection->fd = bench_connect(host, port);
        check_versions(replay, connection->fd);
    }
}

/* Streams to connections, in turns; with fewer partitions than connections a partition has several.
 */
static void make_streams(struct replay *replay, const char *topic, size_t topics)
{
    size_t per_topic = (size_t)replay->partitions;
    size_t count = replay->stream_count > replay->connection_count ? replay->stream_count
                                                                   : replay->connection_count;
    replay->streams = calloc(count, sizeof(*replay->streams));
    if (replay->streams == NULL)
        bench_die("out of memory");
    for (size_t i = 0; i < count; i++) {
        char name[256];
        struct connection *connection = &replay->connections[i % replay->connection_count];
        size_t which = i % replay->stream_count;
        if (topics == 1)
            snprintf(name, sizeof(name), "%s", topic);
        else
            snprintf(name, sizeof(name), "%s-%zu", topic, which / per_topic);
        if (which % per_topic == 0)
            wait_for_topic(replay, connection->fd, name);
        if (i == 0 && replay->shape.producer_id == 0)
            take_producer_id(replay, connection->fd);
        replay->shape.topic = name;
        replay_stream_init(&replay->streams[i], &replay->shape, (int32_t)(which % per_topic));
        connection->streams[connection->stream_count++] = &replay->streams[i];
    }
}

int main(int argc, char **argv)
{
    static const char *const options[] = {
        "host",    "port",    "connections", "window",  "topics", "partitions",
        "topic",   "batch",   "value",       "key",     "codec",  "idempotent",
        "version", "seconds", "warm-up",     "records", "pid",    NULL};
    bench_know_options(argc, argv, options);
    const char *host = bench_option(argc, argv, "host"), *topic = bench_option(argc, argv, "topic");
    size_t topics = (size_t)bench_number(argc, argv, "topics", 1);
    bool is_idempotent = bench_option(argc, argv, "idempotent") != NULL;
    struct replay replay = {
        .shape = {.produce_version = (int)bench_number(argc, argv, "version", 9),
                  .codec = parse_codec(bench_option(argc, argv, "codec")),
                  .batch_bytes = (size_t)bench_number(argc, argv, "batch", 16384),
                  .value_bytes = (size_t)bench_number(argc, argv, "value", 100),
                  .key_bytes = (size_t)bench_number(argc, argv, "key", 0),
                  .producer_id = is_idempotent ? 0 : -1,
                  .producer_epoch = -1},
        .connection_count = (size_t)bench_number(argc, argv, "connections", 4),
        .window = (size_t)bench_number(argc, argv, "window", 8),
        .partitions = (int32_t)bench_number(argc, argv, "partitions", 4),
        .request_limit = UINT64_MAX,
    };
    replay.stream_count = topics * (size_t)replay.partitions;
    if (replay.stream_count == 0 || replay.connection_count == 0 || replay.window == 0)
        bench_die("at least one connection, partition and request");
    if (is_idempotent && replay.connection_count > replay.stream_count)
        bench_die("sequences need one connection per partition");
    arena_init(&replay.arena, &alloc_heap, 8192, ARENA_BYTES);
    open_connections(&replay, host == NULL ? "127.0.0.1" : host,
                     (uint16_t)bench_number(argc, argv, "port", 9092));
    make_streams(&replay, topic == NULL ? "bench" : topic, topics);
    for (size_t i = 0; i < replay.connection_count; i++) {
        bench_unblock(replay.connections[i].fd);
        watch(&replay, &replay.connections[i], EPOLL_CTL_ADD, false);
    }
    run(&replay, bench_real(argc, argv, "warm-up", 0.5), bench_real(argc, argv, "seconds", 2),
        (uint64_t)bench_number(argc, argv, "records", 0),
        (pid_t)bench_number(argc, argv, "pid", 0));
    return 0;
}
