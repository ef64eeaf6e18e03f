#define _GNU_SOURCE /* memmem */

#include "tests/support/fake_view.h"

#include <stdio.h>
#include <stdlib.h>

#include "cql/query.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void fake_view_add(struct fake_view *view, struct fake_member member)
{
    if (view->member_count == COUNT(view->members))
        abort();
    if (member.id == 0)
        member.id = (uint8_t)(view->member_count + 1);
    if (member.data_center == NULL)
        member.data_center = "dc1";
    if (member.rack == NULL)
        member.rack = "r1";
    if (member.dialled == NULL)
        member.dialled = member.host;
    view->members[view->member_count++] = member;
}

void fake_view_remove(struct fake_view *view, const char *host)
{
    size_t kept = 0;
    for (size_t i = 0; i < view->member_count; i++)
        if (strcmp(view->members[i].host, host) != 0)
            view->members[kept++] = view->members[i];
    view->member_count = kept;
}

/* --- cells --- */

static void add(struct buf *out, const void *bytes, size_t len)
{
    if (buf_append(out, slice_make(bytes, len)) < 0)
        abort();
}

static void add_i32(struct buf *out, int32_t value)
{
    const uint8_t bytes[] = {(uint8_t)((uint32_t)value >> 24), (uint8_t)((uint32_t)value >> 16),
                             (uint8_t)((uint32_t)value >> 8), (uint8_t)value};
    add(out, bytes, 4);
}

static void add_cell(struct buf *out, const void *bytes, size_t len)
{
    add_i32(out, (int32_t)len);
    add(out, bytes, len);
}

static void add_text(struct buf *out, const char *text)
{
    add_cell(out, text, strlen(text));
}

static void add_address(struct buf *out, const char *host)
{
    unsigned a[4] = {0};
    uint8_t bytes[4];
    if (sscanf(host, "%u.%u.%u.%u", &a[0], &a[1], &a[2], &a[3]) != 4)
        abort();
    for (size_t i = 0; i < 4; i++)
        bytes[i] = (uint8_t)a[i];
    add_cell(out, bytes, 4);
}

static void add_tokens(struct buf *out, int64_t token)
{
    char text[32];
    snprintf(text, sizeof(text), "%lld", (long long)token);
    add_i32(out, (int32_t)(4 + 4 + strlen(text)));
    add_i32(out, 1);
    add_text(out, text);
}

static void add_member(struct buf *out, const struct fake_member *member, bool with_address,
                       bool with_port)
{
    uint8_t host_id[16] = {0};
    host_id[15] = member->id;
    add_cell(out, host_id, 16);
    if (with_address) {
        add_address(out, member->host);
        add_address(out, member->listens_everywhere ? "0.0.0.0" : member->host);
    }
    if (with_port) {
        add_i32(out, 4);
        add_i32(out, 9042);
    }
    add_text(out, member->data_center);
    if (member->half_written)
        add_i32(out, -1);
    else
        add_text(out, member->rack);
    add_tokens(out, member->token);
}

/* --- answers --- */

struct rows {
    struct cql_column columns[8];
    int32_t column_count, row_count;
    struct buf cells;
};

static void define(struct rows *rows, const char *name, enum cql_type_id type)
{
    rows->columns[rows->column_count++] = (struct cql_column){
        SLICE_LITERAL("system"), SLICE_LITERAL("t"), slice_cstr(name), {.id = (uint16_t)type}};
}

static void answer_rows(struct fake_view *view, struct rows *rows, struct fake_answer *answer)
{
    struct buf out;
    struct wire wire;
    struct cql_result result = {.kind = CQL_RESULT_ROWS,
                                .metadata = {.flags = CQL_METADATA_GLOBAL_SPEC,
                                             .column_count = rows->column_count,
                                             .columns = rows->columns},
                                .row_count = rows->row_count,
                                .rows = buf_unread(&rows->cells)};
    buf_init(&out, &alloc_heap, sizeof(view->body));
    wire_init_encode(&wire, &out);
    cql_result_walk(&wire, &result);
    struct slice body = buf_unread(&out);
    if (wire.error < 0)
        abort();
    memcpy(view->body, body.data, body.len);
    *answer = (struct fake_answer){.opcode = CQL_RESULT,
                                   .body = {view->body, view->garbage ? body.len / 2 : body.len}};
    buf_deinit(&out);
    buf_deinit(&rows->cells);
}

static const struct fake_member *member_of(const struct fake_view *view, const char *dialled)
{
    for (size_t i = 0; i < view->member_count; i++)
        if (strcmp(view->members[i].dialled, dialled) == 0 ||
            strcmp(view->members[i].host, dialled) == 0)
            return &view->members[i];
    return NULL;
}

static void answer_members(struct fake_view *view, const char *host, bool local, bool with_port,
                           struct fake_answer *answer)
{
    struct rows rows = {.row_count = 0};
    const struct fake_member *self = member_of(view, host);
    buf_init(&rows.cells, &alloc_heap, SIZE_MAX);
    define(&rows, "host_id", CQL_TYPE_UUID);
    if (!local) {
        define(&rows, "peer", CQL_TYPE_INET);
        define(&rows, with_port ? "native_address" : "rpc_address", CQL_TYPE_INET);
    }
    if (with_port)
        define(&rows, "native_port", CQL_TYPE_INT);
    define(&rows, "data_center", CQL_TYPE_VARCHAR);
    define(&rows, "rack", CQL_TYPE_VARCHAR);
    define(&rows, "tokens", CQL_TYPE_BLOB); /* a set<text>; nobody looks at the type */
    for (size_t i = 0; i < view->member_count; i++) {
        const struct fake_member *member = &view->members[i];
        if ((member == self) != local)
            continue;
        add_member(&rows.cells, member, !local, with_port);
        rows.row_count++;
    }
    answer_rows(view, &rows, answer);
}

static void answer_keyspace(struct fake_view *view, struct fake_answer *answer)
{
    struct rows rows = {.row_count = 1};
    struct buf map;
    int32_t entries = 0;
    buf_init(&map, &alloc_heap, SIZE_MAX);
    buf_init(&rows.cells, &alloc_heap, SIZE_MAX);
    define(&rows, "replication", CQL_TYPE_BLOB);
    while (entries < 4 && view->replication[entries][0] != NULL)
        entries++;
    add_i32(&map, entries);
    for (int32_t i = 0; i < entries; i++) {
        add_text(&map, view->replication[i][0]);
        add_text(&map, view->replication[i][1]);
    }
    struct slice bytes = buf_unread(&map);
    add_cell(&rows.cells, bytes.data, bytes.len);
    buf_deinit(&map);
    answer_rows(view, &rows, answer);
}

static bool asks_for(struct slice text, const char *part)
{
    return memmem(text.data, text.len, part, strlen(part)) != NULL;
}

void fake_view_handle(void *context, struct fake_node *node, const struct fake_request *request,
                      struct fake_answer *answer)
{
    struct fake_view *view = context;
    if (request->opcode != CQL_QUERY)
        return;
    if (asks_for(request->body, "system.local")) {
        view->looks++;
        answer_members(view, node->host, true, false, answer);
    } else if (asks_for(request->body, "system.peers_v2") && view->no_peers_v2) {
        *answer = (struct fake_answer){.error = CQL_ERROR_INVALID,
                                       .message = "unconfigured table peers_v2"};
    } else if (asks_for(request->body, "system.peers")) {
        answer_members(view, node->host, false, asks_for(request->body, "peers_v2"), answer);
    } else if (asks_for(request->body, "system_schema.keyspaces")) {
        answer_keyspace(view, answer);
    }
}
