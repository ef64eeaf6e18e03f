#include "tests/sim/lab.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cql/batch_request.h"
#include "cql/error.h"
#include "cql/frame.h"
#include "cql/opcode.h"
#include "cql/query.h"
#include "cql/result.h"
#include "cql/startup.h"
#include "proto/endian.h"

#define START_US   INT64_C(1750000000000000)
#define VALUES_MAX 32

/* --- time and chance --- */

static int64_t hook_now(void *context)
{
    return ((struct lab *)context)->now_us;
}

static bool is_before(const struct lab_event *a, const struct lab_event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->number < b->number;
}

static void swap(struct lab_event *a, struct lab_event *b)
{
    struct lab_event kept = *a;
    *a = *b;
    *b = kept;
}

static void hook_later(void *context, int64_t delay_us, void (*fire)(void *), void *argument)
{
    struct lab *lab = context;
    if (lab->heap_count == lab->heap_capacity) {
        lab->heap_capacity = lab->heap_capacity == 0 ? 64 : lab->heap_capacity * 2;
        lab->heap = realloc(lab->heap, lab->heap_capacity * sizeof(*lab->heap));
        if (lab->heap == NULL)
            abort();
    }
    size_t at = lab->heap_count++;
    lab->heap[at] = (struct lab_event){lab->now_us + delay_us, ++lab->events, fire, argument};
    for (; at > 0 && is_before(&lab->heap[at], &lab->heap[(at - 1) / 2]); at = (at - 1) / 2)
        swap(&lab->heap[at], &lab->heap[(at - 1) / 2]);
}

static struct lab_event pop(struct lab *lab)
{
    struct lab_event first = lab->heap[0];
    lab->heap[0] = lab->heap[--lab->heap_count];
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < lab->heap_count; child++)
            if (is_before(&lab->heap[child], &lab->heap[least]))
                least = child;
        if (least == at)
            return first;
        swap(&lab->heap[at], &lab->heap[least]);
        at = least;
    }
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static uint64_t hook_draw(void *context, uint64_t entity, uint64_t counter, uint32_t purpose)
{
    const struct lab *lab = context;
    return mix(mix(mix(mix(lab->seed + 1) + entity) + counter) + purpose);
}

void lab_run(struct lab *lab, int64_t us)
{
    int64_t until_us = lab->now_us + us;
    while (lab->heap_count > 0 && lab->heap[0].at_us <= until_us) {
        struct lab_event event = pop(lab);
        lab->now_us = event.at_us;
        event.fire(event.argument);
    }
    lab->now_us = until_us;
}

/* --- clients --- */

static void hook_send(void *context, void *owner, struct slice bytes)
{
    struct lab_client *client = owner;
    (void)context;
    if (client->len + bytes.len > sizeof(client->bytes))
        abort();
    memcpy(client->bytes + client->len, bytes.data, bytes.len);
    client->len += bytes.len;
}

static void hook_close(void *context, void *owner)
{
    (void)context;
    ((struct lab_client *)owner)->session = NULL;
}

static void hook_trace(void *context, const char *line)
{
    const struct lab *lab = context;
    if (lab->trace)
        (void)fprintf(stderr, "%10.6f %s\n", (double)(lab->now_us - START_US) / 1e6, line);
}

struct lab *lab_new(const struct database_config *config, uint64_t seed)
{
    struct lab *lab = calloc(1, sizeof(*lab));
    const struct database_hooks hooks = {.context = lab,
                                         .now_us = hook_now,
                                         .later = hook_later,
                                         .draw = hook_draw,
                                         .send = hook_send,
                                         .close = hook_close,
                                         .trace = hook_trace};
    if (lab == NULL)
        abort();
    lab->seed = seed;
    lab->now_us = START_US;
    lab->consistency = CQL_CONSISTENCY_QUORUM;
    lab->serial_consistency = CQL_CONSISTENCY_SERIAL;
    lab->trace = getenv("LAB_TRACE") != NULL;
    lab->db = database_new(config, &hooks);
    char text[200];
    (void)snprintf(text, sizeof(text),
                   "CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', "
                   "'replication_factor': %u}",
                   config->nodes < 3 ? config->nodes : 3);
    database_run(lab->db, text);
    return lab;
}

void lab_free(struct lab *lab)
{
    database_free(lab->db);
    for (unsigned i = 0; i < lab->client_count; i++)
        free(lab->clients[i]);
    free(lab->heap);
    free(lab);
}

void lab_send(struct lab_client *client, uint8_t opcode, int16_t stream, struct slice body)
{
    uint8_t head[CQL_HEADER_BYTES];
    struct cql_header header = {.version = CQL_VERSION,
                                .stream = stream,
                                .opcode = opcode,
                                .body_bytes = (uint32_t)body.len};
    cql_header_write(head, &header);
    if (client->session == NULL)
        return;
    database_receive(client->session, slice_make(head, 4)); /* in pieces */
    database_receive(client->session, slice_make(head + 4, sizeof(head) - 4));
    database_receive(client->session, body);
}

struct lab_client *lab_connect(struct lab *lab, unsigned node)
{
    static const uint8_t startup[] = {0,   1,   0,   11,  'C', 'Q', 'L', '_', 'V', 'E', 'R',
                                      'S', 'I', 'O', 'N', 0,   5,   '3', '.', '0', '.', '0'};
    struct lab_client *client = calloc(1, sizeof(*client));
    if (client == NULL || lab->client_count == LAB_CLIENTS_MAX)
        abort();
    lab->clients[lab->client_count++] = client;
    client->lab = lab;
    client->session = database_connect(lab->db, node, client);
    if (client->session == NULL)
        return NULL;
    lab_send(client, CQL_STARTUP, 0, slice_make(startup, sizeof(startup)));
    lab_run(lab, 1000);
    client->len = 0;
    return client;
}

/* --- values --- */

static struct cql_value value_of(const char *text, uint16_t type, uint8_t *to)
{
    size_t len = strlen(text);
    int64_t number = strtoll(text, NULL, 10);
    if (strcmp(text, "null") == 0)
        return CQL_VALUE_NULL;
    if (strcmp(text, "unset") == 0)
        return CQL_VALUE_UNSET;
    if (*text == '\'') {
        memcpy(to, text + 1, len - 2);
        return (struct cql_value){slice_make(to, len - 2), false};
    }
    if (text[0] == '0' && text[1] == 'x') {
        for (size_t i = 2; i + 1 < len; i += 2) {
            const char digits[3] = {text[i], text[i + 1], '\0'};
            to[i / 2 - 1] = (uint8_t)strtoul(digits, NULL, 16);
        }
        return (struct cql_value){slice_make(to, (len - 2) / 2), false};
    }
    if (type == CQL_TYPE_INT) {
        be32_store(to, (uint32_t)number);
        return (struct cql_value){slice_make(to, 4), false};
    }
    be64_store(to, (uint64_t)number);
    return (struct cql_value){slice_make(to, 8), false};
}

/* "1, 'a', unset" with the types of the markers. */
static uint16_t values_of(const char *text, const struct cql_result *prepared,
                          struct cql_value values[VALUES_MAX], uint8_t *to)
{
    uint16_t count = 0;
    while (*text != '\0' && count < VALUES_MAX) {
        char one[600];
        size_t len = strcspn(text, ",");
        (void)snprintf(one, sizeof(one), "%.*s", (int)len, text);
        uint16_t type = count < prepared->markers.column_count
                            ? prepared->markers.columns[count].type.id
                            : CQL_TYPE_BIGINT;
        values[count] = value_of(one, type, to);
        to += values[count++].bytes.len;
        text += len;
        text += strspn(text, ", ");
    }
    return count;
}

/* --- asking --- */

/* The next whole frame; false: none came. The clock goes on by 1 ms steps. */
static bool await(struct lab_client *client, int64_t patience_us, struct cql_header *header)
{
    for (int64_t waited_us = 0;; waited_us += 1000) {
        if (client->len >= CQL_HEADER_BYTES) {
            *header = cql_header_read(client->bytes);
            if (client->len >= CQL_HEADER_BYTES + header->body_bytes)
                return true;
        }
        if (client->session == NULL || waited_us >= patience_us)
            return false;
        lab_run(client->lab, 1000);
    }
}

static void drop_frame(struct lab_client *client, const struct cql_header *header)
{
    size_t bytes = CQL_HEADER_BYTES + header->body_bytes;
    memmove(client->bytes, client->bytes + bytes, client->len - bytes);
    client->len -= bytes;
}

static void send_walk(struct lab_client *client, uint8_t opcode, cql_walk walk, void *message)
{
    struct buf body;
    struct wire wire;
    buf_init(&body, &alloc_heap, SIZE_MAX / 2);
    wire_init_encode(&wire, &body);
    walk(&wire, message);
    if (wire.error < 0)
        abort();
    client->stream = (int16_t)((client->stream + 1) % 1000);
    lab_send(client, opcode, client->stream, buf_unread(&body));
    buf_deinit(&body);
}

static struct cql_query query_of(const struct lab *lab)
{
    struct cql_query query = {.consistency = lab->consistency,
                              .serial_consistency = lab->serial_consistency,
                              .timestamp_us = lab->timestamp_us,
                              .has_timestamp = lab->timestamp_us != 0,
                              .page_size = lab->page_size};
    if (lab->paging_state_bytes > 0)
        query.paging_state = slice_make(lab->paging_state, lab->paging_state_bytes);
    return query;
}

static void begin_prepared(struct lab_client *client, struct slice text, const char *values_text)
{
    struct cql_prepare prepare = {.text = text};
    struct cql_query query = query_of(client->lab);
    struct cql_value values[VALUES_MAX];
    uint8_t bytes[4096];
    struct cql_header header;
    struct cql_result prepared;
    struct arena arena;

    arena_init(&arena, &alloc_heap, 4096, SIZE_MAX / 2);
    send_walk(client, CQL_PREPARE, cql_prepare_walk, &prepare);
    if (!await(client, 1000000, &header) || header.opcode != CQL_RESULT ||
        cql_result_open(slice_make(client->bytes + CQL_HEADER_BYTES, header.body_bytes), &arena,
                        &prepared) < 0) {
        arena_deinit(&arena);
        return; /* the error is the answer */
    }
    query.value_count = values_of(values_text, &prepared, values, bytes);
    query.values = values;
    query.prepared_id = arena_copy(&arena, prepared.prepared_id);
    drop_frame(client, &header);
    send_walk(client, CQL_EXECUTE, cql_execute_walk, &query);
    arena_deinit(&arena);
}

void lab_begin(struct lab_client *client, const char *text)
{
    const char *values = strstr(text, " <- ");
    struct cql_query query = query_of(client->lab);
    client->len = 0;
    query.text = slice_make(text, values == NULL ? strlen(text) : (size_t)(values - text));
    if (values != NULL)
        begin_prepared(client, query.text, values + 4);
    else
        send_walk(client, CQL_QUERY, cql_query_walk, &query);
}

/* --- answers as text --- */

__attribute__((format(printf, 3, 4))) static void add(struct lab *lab, size_t *at,
                                                      const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (*at < sizeof(lab->answer))
        *at += (size_t)vsnprintf(lab->answer + *at, sizeof(lab->answer) - *at, format, arguments);
    va_end(arguments);
}

/* A count, then length and bytes of each key and value. */
static void add_map(struct lab *lab, size_t *at, struct slice cell)
{
    uint32_t texts = 2 * be32_load(cell.data);
    const uint8_t *p = cell.data + 4;
    add(lab, at, "{");
    for (uint32_t i = 0; i < texts; i++) {
        int len = (int)be32_load(p);
        add(lab, at, "%s%.*s", i == 0 ? "" : i % 2 != 0 ? ": " : ", ", len, (const char *)p + 4);
        p += 4 + len;
    }
    add(lab, at, "}");
}

static void add_cell(struct lab *lab, size_t *at, struct slice cell, uint16_t type)
{
    if (cell.data == NULL) {
        add(lab, at, "null");
    } else if (type == CQL_TYPE_INT && cell.len == 4) {
        add(lab, at, "%d", (int32_t)be32_load(cell.data));
    } else if (type == CQL_TYPE_BOOLEAN && cell.len == 1) {
        add(lab, at, cell.data[0] != 0 ? "true" : "false");
    } else if ((type == CQL_TYPE_BIGINT || type == CQL_TYPE_TIMESTAMP) && cell.len == 8) {
        add(lab, at, "%lld", (long long)be64_load(cell.data));
    } else if (type == CQL_TYPE_VARCHAR) {
        add(lab, at, "'%.*s'", (int)cell.len, (const char *)cell.data);
    } else if (type == CQL_TYPE_MAP) { /* of texts: there are no others here */
        add_map(lab, at, cell);
    } else {
        add(lab, at, "0x");
        for (size_t i = 0; i < cell.len; i++)
            add(lab, at, "%02x", cell.data[i]);
    }
}

static void tell_result(struct lab *lab, struct slice body)
{
    struct arena arena;
    struct cql_result result;
    size_t at = 0;
    unsigned rows = 0;

    arena_init(&arena, &alloc_heap, 4096, SIZE_MAX / 2);
    lab->paging_state_bytes = 0;
    if (cql_result_open(body, &arena, &result) < 0)
        add(lab, &at, "garbage");
    else if (result.kind == CQL_RESULT_VOID)
        add(lab, &at, "void");
    else if (result.kind == CQL_RESULT_SCHEMA_CHANGE)
        add(lab, &at, "changed");
    else if (result.kind != CQL_RESULT_ROWS)
        add(lab, &at, "kind %d", (int)result.kind);
    else if (result.row_count == 0)
        add(lab, &at, "none");
    if (at == 0) {
        while (cql_result_next_row(&result)) {
            add(lab, &at, rows++ == 0 ? "" : " | ");
            for (int32_t i = 0; i < result.metadata.column_count; i++) {
                add(lab, &at, i == 0 ? "" : " ");
                add_cell(lab, &at, cql_result_cell(&result, (size_t)i),
                         result.metadata.columns[i].type.id);
            }
        }
        if (result.has_more) {
            lab->paging_state_bytes = result.metadata.paging_state.len;
            memcpy(lab->paging_state, result.metadata.paging_state.data, lab->paging_state_bytes);
            add(lab, &at, " ...");
        }
    }
    arena_deinit(&arena);
}

static void tell_error(struct lab *lab, struct slice body)
{
    struct cql_error error;
    size_t at = 0;
    lab->paging_state_bytes = 0;
    if (cql_error_decode(body, &error) < 0)
        add(lab, &at, "garbage");
    else if (error.code == CQL_ERROR_WRITE_TIMEOUT)
        add(lab, &at, "write timeout %.*s %d/%d", (int)error.write_type.len,
            (const char *)error.write_type.data, error.received, error.block_for);
    else if (error.code == CQL_ERROR_READ_TIMEOUT)
        add(lab, &at, "read timeout %d/%d", error.received, error.block_for);
    else if (error.code == CQL_ERROR_UNAVAILABLE)
        add(lab, &at, "unavailable %d/%d", error.alive, error.required);
    else
        add(lab, &at, "error %04x %.*s", (unsigned)error.code, (int)error.message.len,
            (const char *)error.message.data);
}

const char *lab_wait(struct lab_client *client, int64_t patience_us)
{
    struct lab *lab = client->lab;
    struct cql_header header;
    if (!await(client, patience_us, &header))
        return client->session == NULL ? "closed" : "silence";
    struct slice body = slice_make(client->bytes + CQL_HEADER_BYTES, header.body_bytes);
    if (header.stream != client->stream)
        (void)snprintf(lab->answer, sizeof(lab->answer), "wrong stream");
    else if (header.opcode == CQL_RESULT)
        tell_result(lab, body);
    else if (header.opcode == CQL_ERROR)
        tell_error(lab, body);
    else
        (void)snprintf(lab->answer, sizeof(lab->answer), "opcode %u", header.opcode);
    drop_frame(client, &header);
    return lab->answer;
}

static struct lab_client *client_of(struct lab *lab, unsigned node)
{
    if (lab->of_node[node] == NULL || lab->of_node[node]->session == NULL)
        lab->of_node[node] = lab_connect(lab, node);
    return lab->of_node[node];
}

const char *lab_ask_more(struct lab *lab, unsigned node, const char *text)
{
    struct lab_client *client = client_of(lab, node);
    if (client == NULL)
        return "refused";
    lab_begin(client, text);
    return lab_wait(client, 30000000);
}

const char *lab_ask(struct lab *lab, unsigned node, const char *text)
{
    lab->paging_state_bytes = 0;
    return lab_ask_more(lab, node, text);
}

void lab_begin_batch(struct lab_client *client, const char *const *texts, unsigned count)
{
    const struct lab *lab = client->lab;
    struct cql_batch_statement statements[64];
    struct cql_batch_request batch = {.type = CQL_BATCH_UNLOGGED,
                                      .statements = statements,
                                      .statement_count = (uint16_t)count,
                                      .consistency = lab->consistency,
                                      .timestamp_us = lab->timestamp_us,
                                      .has_timestamp = lab->timestamp_us != 0};
    if (count > 64)
        abort();
    for (unsigned i = 0; i < count; i++)
        statements[i] = (struct cql_batch_statement){.text = slice_cstr(texts[i])};
    client->len = 0;
    send_walk(client, CQL_BATCH, cql_batch_request_walk, &batch);
}
