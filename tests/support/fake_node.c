/*
 * The node's side: frames in, frames out. The wires and the clock are in fake_net.c.
 */
#include "tests/support/fake_node.h"

#include <stdio.h>
#include <stdlib.h>

#include "cql/auth.h"
#include "cql/batch_request.h"
#include "cql/frame.h"
#include "cql/startup.h"
#include "proto/murmur3.h"
#include "tests/support/fake_net.h"

struct scripted {
    struct fake_answer answer;
    struct list node;
};

void *fake_alloc(size_t bytes)
{
    void *block = calloc(1, bytes == 0 ? 1 : bytes);
    if (block == NULL)
        abort();
    return block;
}

void fake_statement_id(const char *text, size_t len, uint64_t salt, uint8_t id[16])
{
    int64_t half = murmur3_token(text, len);
    uint64_t other = ((uint64_t)half ^ salt) * 0x9E3779B97F4A7C15u;
    memcpy(id, &half, 8);
    memcpy(id + 8, &other, 8);
}

/* --- answers --- */

static void send_frame(struct fake_socket *socket, int16_t stream, uint8_t opcode, uint8_t flags,
                       struct slice body, int64_t delay_us)
{
    struct cql_header header = {.version = CQL_VERSION | CQL_VERSION_RESPONSE,
                                .flags = flags,
                                .stream = stream,
                                .opcode = opcode,
                                .body_bytes = (uint32_t)body.len};
    uint8_t *frame = fake_alloc(CQL_HEADER_BYTES + body.len);
    cql_header_write(frame, &header);
    if (body.len > 0)
        memcpy(frame + CQL_HEADER_BYTES, body.data, body.len);
    fake_socket_send(socket, slice_make(frame, CQL_HEADER_BYTES + body.len), delay_us);
    free(frame);
}

static void send_body(struct fake_socket *socket, int16_t stream, uint8_t opcode, struct slice body,
                      int64_t delay_us)
{
    send_frame(socket, stream, opcode, 0, body, delay_us);
}

static void send_walk(struct fake_socket *socket, int16_t stream, uint8_t opcode, cql_walk walk,
                      void *message, int64_t delay_us)
{
    struct buf out;
    struct wire wire;
    buf_init(&out, &alloc_heap, SIZE_MAX);
    wire_init_encode(&wire, &out);
    walk(&wire, message);
    if (wire.error < 0) {
        fprintf(stderr, "fake node cannot encode %s\n", cql_opcode_name(opcode));
        abort();
    }
    send_body(socket, stream, opcode, buf_unread(&out), delay_us);
    buf_deinit(&out);
}

static void send_error(struct fake_socket *socket, int16_t stream, const struct fake_answer *answer,
                       struct slice prepared_id, int64_t delay_us)
{
    struct cql_error error = {
        .code = answer->error,
        .message = slice_cstr(answer->message == NULL ? "as scripted" : answer->message),
        .consistency = answer->consistency,
        .required = 2,
        .alive = 1,
        .received = 1,
        .block_for = 2,
        .failure_count = 1,
        .write_type = slice_cstr(answer->write_type == NULL ? "SIMPLE" : answer->write_type),
        .keyspace = SLICE_LITERAL("k"),
        .table = SLICE_LITERAL("t"),
        .function = SLICE_LITERAL("f"),
        .prepared_id = prepared_id,
    };
    send_walk(socket, stream, CQL_ERROR, cql_error_walk, &error, delay_us);
}

static void send_void(struct fake_socket *socket, int16_t stream, int64_t delay_us)
{
    struct cql_result result = {.kind = CQL_RESULT_VOID};
    send_walk(socket, stream, CQL_RESULT, cql_result_walk, &result, delay_us);
}

/* What a ScyllaDB node says of the connection's shard; returns how many options. */
static uint16_t add_shards(const struct fake_socket *socket, struct cql_choice *options,
                           char texts[4][16], struct slice values[4])
{
    static const char *const names[] = {"SCYLLA_SHARD", "SCYLLA_NR_SHARDS",
                                        "SCYLLA_SHARDING_IGNORE_MSB", "SCYLLA_SHARD_AWARE_PORT"};
    const int numbers[] = {(int)socket->shard + socket->node->shard_shift, socket->node->shards, 12,
                           socket->node->tells_shard_port};
    uint16_t count = socket->node->tells_shard_port == 0 ? 3 : 4;
    for (uint16_t i = 0; i < count; i++) {
        snprintf(texts[i], sizeof(texts[i]), "%d", numbers[i]);
        values[i] = slice_cstr(texts[i]);
        options[i] = (struct cql_choice){slice_cstr(names[i]), &values[i], 1};
    }
    return count;
}

static void send_supported(struct fake_socket *socket, int16_t stream, int64_t delay_us)
{
    struct slice version = SLICE_LITERAL("3.4.7");
    struct slice algorithms[] = {SLICE_LITERAL("snappy"), SLICE_LITERAL("lz4")};
    struct slice more = SLICE_LITERAL("1"), empty = SLICE_LITERAL("");
    struct cql_choice options[12] = {
        {SLICE_LITERAL("CQL_VERSION"), &version, 1},
        {SLICE_LITERAL("COMPRESSION"), algorithms, 2},
    };
    char texts[4][16];
    struct slice values[4];
    struct cql_supported supported = {options, 2};
    if (socket->node->supported != NULL)
        options[supported.option_count++] =
            (struct cql_choice){slice_cstr(socket->node->supported), &more, 1};
    if (socket->node->shards > 0)
        supported.option_count = (uint16_t)(supported.option_count +
                                            add_shards(socket, options + supported.option_count,
                                                       texts, values));
    if (socket->node->tells_tablets)
        options[supported.option_count++] =
            (struct cql_choice){SLICE_LITERAL("TABLETS_ROUTING_V1"), &empty, 1};
    send_walk(socket, stream, CQL_SUPPORTED, cql_supported_walk, &supported, delay_us);
}

/* --- statements --- */

static bool node_knows(const struct fake_node *node, struct slice id)
{
    for (size_t i = 0; i < node->prepared_count; i++)
        if (id.len == 16 && memcmp(node->prepared[i], id.data, 16) == 0)
            return true;
    return false;
}

static void node_learns(struct fake_node *node, const uint8_t id[16])
{
    if (node_knows(node, slice_make(id, 16)))
        return;
    node->prepared = realloc(node->prepared, (node->prepared_count + 1) * 16);
    if (node->prepared == NULL)
        abort();
    memcpy(node->prepared[node->prepared_count++], id, 16);
}

void fake_node_forget(struct fake_node *node)
{
    node->prepared_count = 0;
}

void fake_node_change_ids(struct fake_node *node)
{
    node->id_salt++;
    fake_node_forget(node);
}

static void prepare(struct fake_socket *socket, const struct fake_request *request,
                    int64_t delay_us)
{
    struct cql_prepare message = {0};
    struct cql_column columns[256];
    struct cql_result result = {.kind = CQL_RESULT_PREPARED,
                                .markers = {.flags = CQL_METADATA_GLOBAL_SPEC, .columns = columns},
                                .metadata = {.flags = CQL_METADATA_NONE}};
    struct wire wire;
    uint8_t id[16];

    wire_init_decode(&wire, request->body, NULL);
    cql_prepare_walk(&wire, &message);
    for (size_t i = 0; i < message.text.len && result.markers.column_count < 256; i++)
        if (message.text.data[i] == '?')
            columns[result.markers.column_count++] = (struct cql_column){
                SLICE_LITERAL("k"), SLICE_LITERAL("t"), SLICE_LITERAL("c"), {.id = CQL_TYPE_BLOB}};
    fake_statement_id((const char *)message.text.data, message.text.len, socket->node->id_salt, id);
    if (!socket->node->forgetful)
        node_learns(socket->node, id);
    result.prepared_id = slice_make(id, sizeof(id));
    send_walk(socket, request->stream, CQL_RESULT, cql_result_walk, &result, delay_us);
}

/* The first id in the request that the node does not know; data NULL: it knows all. */
static struct slice missing_id(const struct fake_node *node, const struct fake_request *request,
                               struct arena *arena)
{
    struct cql_batch_request batch = {0};
    struct cql_query execute = {0};
    struct wire wire;

    wire_init_decode(&wire, request->body, arena);
    if (request->opcode == CQL_EXECUTE) {
        cql_execute_walk(&wire, &execute);
        if (wire.error == STATUS_OK && !node_knows(node, execute.prepared_id))
            return execute.prepared_id;
    } else if (request->opcode == CQL_BATCH) {
        cql_batch_request_walk(&wire, &batch);
        for (uint16_t i = 0; wire.error == STATUS_OK && i < batch.statement_count; i++)
            if (batch.statements[i].text.data == NULL &&
                !node_knows(node, batch.statements[i].prepared_id))
                return batch.statements[i].prepared_id;
    }
    return SLICE_NULL;
}

static void execute(struct fake_socket *socket, const struct fake_request *request,
                    int64_t delay_us)
{
    struct arena arena;
    arena_init(&arena, &alloc_heap, 4096, SIZE_MAX);
    struct slice missing = missing_id(socket->node, request, &arena);
    if (missing.data != NULL)
        send_error(socket, request->stream,
                   &(struct fake_answer){.error = CQL_ERROR_UNPREPARED,
                                         .message = "Prepared query not found"},
                   missing, delay_us);
    else
        send_void(socket, request->stream, delay_us);
    arena_deinit(&arena);
}

static void check_password(struct fake_socket *socket, const struct fake_request *request,
                           int64_t delay_us)
{
    const char *password = socket->node->password;
    struct cql_auth_token token = {0};
    struct wire wire;
    wire_init_decode(&wire, request->body, NULL);
    cql_auth_token_walk(&wire, &token);
    size_t len = strlen(password);
    if (token.token.len > len &&
        memcmp(token.token.data + token.token.len - len, password, len) == 0) {
        struct cql_auth_token success = {0};
        send_walk(socket, request->stream, CQL_AUTH_SUCCESS, cql_auth_token_walk, &success,
                  delay_us);
        return;
    }
    send_error(socket, request->stream,
               &(struct fake_answer){.error = CQL_ERROR_CREDENTIALS,
                                     .message = "Provided username and/or password are incorrect"},
               SLICE_NULL, delay_us);
}

static void answer_by_default(struct fake_socket *socket, const struct fake_request *request,
                              int64_t delay_us)
{
    struct cql_authenticate authenticate = {
        .class_name = SLICE_LITERAL("org.apache.cassandra.auth.PasswordAuthenticator")};

    switch (request->opcode) {
    case CQL_OPTIONS:
        send_supported(socket, request->stream, delay_us);
        break;
    case CQL_STARTUP:
        if (socket->node->password != NULL)
            send_walk(socket, request->stream, CQL_AUTHENTICATE, cql_authenticate_walk,
                      &authenticate, delay_us);
        else
            send_body(socket, request->stream, CQL_READY, SLICE_LITERAL(""), delay_us);
        break;
    case CQL_AUTH_RESPONSE:
        check_password(socket, request, delay_us);
        break;
    case CQL_REGISTER:
        send_body(socket, request->stream, CQL_READY, SLICE_LITERAL(""), delay_us);
        break;
    case CQL_PREPARE:
        prepare(socket, request, delay_us);
        break;
    default:
        execute(socket, request, delay_us);
        break;
    }
}

/* --- script --- */

void fake_node_answer(struct fake_node *node, uint8_t opcode, struct fake_answer answer)
{
    struct scripted *scripted = fake_alloc(sizeof(*scripted));
    scripted->answer = answer;
    list_append(&node->answers[opcode], &scripted->node);
}

void fake_node_answer_times(struct fake_node *node, uint8_t opcode, unsigned times,
                            struct fake_answer answer)
{
    for (unsigned i = 0; i < times; i++)
        fake_node_answer(node, opcode, answer);
}

static struct fake_answer next_answer(struct fake_node *node, const struct fake_request *request)
{
    struct fake_answer answer = {.by_default = true};
    struct list *script = &node->answers[request->opcode & 31];
    if (!list_empty(script)) {
        struct scripted *scripted = LIST_ENTRY(script->next, struct scripted, node);
        answer = scripted->answer;
        list_remove(&scripted->node);
        free(scripted);
    } else if (node->handler != NULL) {
        node->handler(node->context, node, request, &answer);
    }
    return answer;
}

static void log_request(struct fake_node *node, const struct fake_request *request)
{
    if (request->opcode == CQL_OPTIONS || request->opcode == CQL_STARTUP ||
        request->opcode == CQL_REGISTER || request->opcode == CQL_AUTH_RESPONSE)
        return;
    node->log = realloc(node->log, (node->log_count + 1) * sizeof(*node->log));
    if (node->log == NULL)
        abort();
    struct fake_request *entry = &node->log[node->log_count++];
    *entry = *request;
    uint8_t *copy = fake_alloc(request->body.len);
    if (request->body.len > 0)
        memcpy(copy, request->body.data, request->body.len);
    entry->body.data = copy;
}

void fake_node_received(struct fake_socket *socket, const struct fake_request *request)
{
    struct fake_node *node = socket->node;
    log_request(node, request);
    if (node->mute)
        return;
    struct fake_answer answer = next_answer(node, request);
    struct fake_request shifted = *request;
    shifted.stream = (int16_t)(request->stream + answer.stream_shift);
    request = &shifted;
    int64_t delay_us = answer.delay_us == 0 ? FAKE_ANSWER_DELAY_US : answer.delay_us;
    unsigned copies = answer.copies == 0 ? 1 : answer.copies;
    if (answer.silence)
        return;
    for (unsigned i = 0; i < copies; i++) {
        if (answer.close)
            fake_socket_close_later(socket, delay_us);
        else if (answer.raw.data != NULL)
            fake_socket_send(socket, answer.raw, delay_us);
        else if (answer.opcode != 0)
            send_frame(socket, request->stream, answer.opcode, answer.flags, answer.body, delay_us);
        else if (answer.error != 0 || answer.server_error)
            send_error(socket, request->stream, &answer, SLICE_LITERAL("unknown id"), delay_us);
        else if (answer.by_default)
            answer_by_default(socket, request, delay_us);
        else
            send_void(socket, request->stream, delay_us);
    }
}

unsigned fake_node_count(const struct fake_node *node, uint8_t opcode)
{
    unsigned count = 0;
    for (size_t i = 0; i < node->log_count; i++)
        count += node->log[i].opcode == opcode;
    return count;
}

void fake_node_clear_log(struct fake_node *node)
{
    for (size_t i = 0; i < node->log_count; i++)
        free((void *)(uintptr_t)node->log[i].body.data);
    free(node->log);
    node->log = NULL;
    node->log_count = 0;
}

void fake_node_push(struct fake_node *node, struct cql_push *push)
{
    LIST_EACH(it, &node->net->sockets)
    {
        struct fake_socket *socket = LIST_ENTRY(it, struct fake_socket, node_in_net);
        if (socket->node == node)
            send_walk(socket, CQL_STREAM_EVENT, CQL_EVENT, cql_event_walk, push,
                      FAKE_ANSWER_DELAY_US);
    }
}

void fake_node_free(struct fake_node *node)
{
    fake_node_clear_log(node);
    for (size_t i = 0; i < 32; i++)
        while (!list_empty(&node->answers[i])) {
            struct scripted *scripted = LIST_ENTRY(node->answers[i].next, struct scripted, node);
            list_remove(&scripted->node);
            free(scripted);
        }
    free(node->prepared);
    free(node);
}
