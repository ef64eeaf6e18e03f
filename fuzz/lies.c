#include "fuzz/lies.h"

#include "cql/result.h"
#include "fuzz/support.h"
#include "proto/endian.h"

enum { ROWS_MAX = 1024, COLUMNS_MAX = 16 };

static const int64_t numbers[] = {
    0,
    1,
    -1,
    2,
    5,
    12,
    13,
    100,
    127,
    128,
    255,
    1000,
    32767,
    32768,
    65535,
    100000,
    INT32_MAX,
    INT32_MIN,
    UINT32_MAX,
    INT64_C(1) << 40,
    INT64_C(1) << 53,
    INT64_MAX,
    INT64_MIN,
    INT64_MAX - 1,
    INT64_MIN + 1,
    INT64_C(1700000000000),
    INT64_C(1750000000000000),
    INT64_C(253402300800000000),
};
#define NUMBER_COUNT (sizeof(numbers) / sizeof(numbers[0]))

/* A RESULT of rows that can be changed. */
struct rows {
    struct slice head; /* without the row count */
    size_t columns, count;
    enum cql_type_id types[COLUMNS_MAX];
    struct slice cells[ROWS_MAX][COLUMNS_MAX];
    int32_t lengths[ROWS_MAX][COLUMNS_MAX]; /* added to the told length */
    int32_t count_change;
    struct buf made; /* what new cells are in */
};

size_t lies_read(struct slice input, struct lie lies[LIES_MAX])
{
    size_t count = 0, at = 0;
    while (count < LIES_MAX && input.len - at >= 7) {
        const uint8_t *p = input.data + at;
        size_t bytes = p[6] < input.len - at - 7 ? p[6] : input.len - at - 7;
        lies[count++] = (struct lie){p[0], p[1], p[2] % LIE_KIND_COUNT,   p[3],
                                     p[4], p[5], slice_make(p + 7, bytes)};
        at += 7 + bytes;
    }
    return count;
}

/* --- rows --- */

static bool rows_open(struct rows *rows, struct slice body)
{
    struct cql_result result;
    struct arena arena;

    arena_init(&arena, &alloc_heap, 4096, (size_t)4 << 20);
    bool sound = cql_result_open(body, &arena, &result) == STATUS_OK &&
                 result.kind == CQL_RESULT_ROWS && result.metadata.columns != NULL &&
                 result.metadata.column_count <= COLUMNS_MAX && result.row_count <= ROWS_MAX / 2;
    rows->count = 0;
    rows->count_change = 0;
    if (sound) {
        rows->head = slice_make(body.data, body.len - result.rows.len - 4);
        rows->columns = (size_t)result.metadata.column_count;
        for (size_t c = 0; c < rows->columns; c++)
            rows->types[c] = result.metadata.columns[c].type.id;
        for (; cql_result_next_row(&result); rows->count++)
            for (size_t c = 0; c < rows->columns; c++)
                rows->cells[rows->count][c] = cql_result_cell(&result, c);
        memset(rows->lengths, 0, (rows->count + 1) * sizeof(rows->lengths[0]));
    }
    arena_deinit(&arena);
    return sound && rows->columns > 0;
}

static struct slice make_cell(struct rows *rows, const void *bytes, size_t len)
{
    REQUIRE(buf_room(&rows->made) > len); /* or it would move */
    uint8_t *to = buf_tail(&rows->made);
    if (len > 0)
        memcpy(to, bytes, len);
    buf_wrote(&rows->made, len + 1);
    return slice_make(to, len);
}

static size_t width_of(const struct rows *rows, struct slice cell, size_t column)
{
    if (cell.data != NULL && cell.len <= 8 && cell.len > 0)
        return cell.len;
    enum cql_type_id type = rows->types[column];
    return type == CQL_TYPE_INT        ? 4
           : type == CQL_TYPE_SMALLINT ? 2
           : type == CQL_TYPE_BOOLEAN  ? 1
                                       : 8;
}

static struct slice make_number(struct rows *rows, int64_t number, size_t width)
{
    uint8_t bytes[8];
    be64_store(bytes, (uint64_t)number);
    return make_cell(rows, bytes + 8 - width, width);
}

static int64_t number_of(struct slice cell)
{
    int64_t number = 0;
    for (size_t i = 0; i < cell.len && i < 8; i++)
        number = (int64_t)((uint64_t)number << 8 | cell.data[i]);
    return number;
}

static void copy_row(struct rows *rows, size_t to, size_t from)
{
    memcpy(rows->cells[to], rows->cells[from], sizeof(rows->cells[to]));
    memcpy(rows->lengths[to], rows->lengths[from], sizeof(rows->lengths[to]));
}

static struct slice count_up(struct rows *rows, struct slice cell, uint64_t by, size_t width)
{
    if (cell.len != 16)
        return make_number(rows, (int64_t)((uint64_t)number_of(cell) + by), width);
    struct slice uuid = make_cell(rows, cell.data, cell.len);
    uint8_t *last = (uint8_t *)(uintptr_t)uuid.data + 8;
    be64_store(last, be64_load(last) + by);
    return uuid;
}

static void many_rows(struct rows *rows, size_t row, size_t column, uint8_t value)
{
    struct slice cell = rows->cells[row][column];
    size_t width = width_of(rows, cell, column);
    for (int i = 1; i <= 2 * value && rows->count < ROWS_MAX; i++) {
        copy_row(rows, rows->count, row);
        rows->cells[rows->count][column] = count_up(rows, cell, (uint64_t)i, width);
        rows->count++;
    }
}

static void new_row(struct rows *rows, const struct lie *lie)
{
    static const uint8_t uuid[16] = {1, 2, 3, 4, 5, 6, 0x47, 8, 0x89, 10, 11, 12, 13, 14, 15, 16};
    if (rows->count == ROWS_MAX)
        return;
    size_t row = rows->count++;
    memset(rows->lengths[row], 0, sizeof(rows->lengths[row]));
    for (size_t c = 0; c < rows->columns; c++) {
        enum cql_type_id type = rows->types[c];
        bool is_number = type == CQL_TYPE_INT || type == CQL_TYPE_BIGINT ||
                         type == CQL_TYPE_SMALLINT || type == CQL_TYPE_BOOLEAN ||
                         type == CQL_TYPE_TIMESTAMP;
        rows->cells[row][c] = type == CQL_TYPE_UUID ? make_cell(rows, uuid, 16)
                              : is_number ? make_number(rows, numbers[lie->value % NUMBER_COUNT],
                                                        width_of(rows, SLICE_NULL, c))
                                          : make_cell(rows, lie->bytes.data, lie->bytes.len);
    }
}

static void flip(struct rows *rows, struct slice *cell, const struct lie *lie)
{
    if (cell->len == 0 || lie->bytes.len == 0)
        return;
    *cell = make_cell(rows, cell->data, cell->len);
    uint8_t *bytes = (uint8_t *)(uintptr_t)cell->data;
    bytes[lie->value % cell->len] ^= lie->bytes.data[0];
}

static void change_cell(struct rows *rows, const struct lie *lie)
{
    size_t row = lie->row % rows->count, column = lie->column % rows->columns;
    struct slice *cell = &rows->cells[row][column];
    size_t width = width_of(rows, *cell, column);

    if (lie->kind == LIE_NULL)
        *cell = SLICE_NULL;
    else if (lie->kind == LIE_NUMBER)
        *cell = make_number(rows, numbers[lie->value % NUMBER_COUNT], width);
    else if (lie->kind == LIE_ADD)
        *cell = make_number(rows, (int64_t)((uint64_t)number_of(*cell) + lie->value - 128), width);
    else if (lie->kind == LIE_BYTES)
        *cell = make_cell(rows, lie->bytes.data, lie->bytes.len);
    else if (lie->kind == LIE_FLIP)
        flip(rows, cell, lie);
    else if (lie->kind == LIE_CELL_LENGTH)
        rows->lengths[row][column] = (int32_t)numbers[lie->value % NUMBER_COUNT];
    else if (lie->kind == LIE_COPY)
        *cell = rows->cells[lie->value % rows->count][column];
}

static void change_rows(struct rows *rows, const struct lie *lie)
{
    if (lie->kind == LIE_NEW_ROW)
        new_row(rows, lie);
    if (lie->kind == LIE_ROW_COUNT)
        rows->count_change = (int32_t)numbers[lie->value % NUMBER_COUNT];
    if (rows->count == 0)
        return;
    size_t row = lie->row % rows->count, other = lie->value % rows->count;
    if (lie->kind <= LIE_COPY) {
        change_cell(rows, lie);
    } else if (lie->kind == LIE_DROP_ROW) {
        for (rows->count--; row < rows->count; row++)
            copy_row(rows, row, row + 1);
    } else if (lie->kind == LIE_REPEAT_ROW && rows->count < ROWS_MAX) {
        copy_row(rows, rows->count, row);
        rows->count++;
    } else if (lie->kind == LIE_SWAP_ROWS && rows->count < ROWS_MAX) {
        copy_row(rows, rows->count, row);
        copy_row(rows, row, other);
        copy_row(rows, other, rows->count);
    } else if (lie->kind == LIE_MANY_ROWS) {
        many_rows(rows, row, lie->column % rows->columns, lie->value);
    }
}

static void put(struct buf *out, struct slice bytes)
{
    REQUIRE(buf_append(out, bytes) == STATUS_OK);
}

static void put_i32(struct buf *out, int32_t number)
{
    uint8_t bytes[4];
    be32_store(bytes, (uint32_t)number);
    put(out, slice_make(bytes, 4));
}

static int32_t plus(size_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

static void rows_write(const struct rows *rows, struct buf *out)
{
    put(out, rows->head);
    put_i32(out, plus(rows->count, rows->count_change));
    for (size_t r = 0; r < rows->count && buf_len(out) < LIES_BODY_BYTES; r++)
        for (size_t c = 0; c < rows->columns; c++) {
            struct slice cell = rows->cells[r][c];
            put_i32(out, cell.data == NULL ? -1 : plus(cell.len, rows->lengths[r][c]));
            if (cell.len > 0)
                put(out, cell);
        }
}

/* --- the whole body --- */

/* Says that there is another page, if it is rows and does not say so. */
static void more_pages(struct buf *body, struct slice state)
{
    struct slice was = buf_unread(body);
    if (was.len < 12 || be32_load(was.data) != CQL_RESULT_ROWS ||
        (be32_load(was.data + 4) & CQL_METADATA_HAS_MORE) != 0)
        return;
    struct buf now;
    buf_init(&now, &alloc_heap, SIZE_MAX);
    put(&now, slice_make(was.data, 4));
    put_i32(&now, (int32_t)(be32_load(was.data + 4) | CQL_METADATA_HAS_MORE));
    put(&now, slice_make(was.data + 8, 4));
    put_i32(&now, (int32_t)state.len);
    put(&now, state);
    put(&now, slice_make(was.data + 12, was.len - 12));
    buf_deinit(body);
    *body = now;
}

static void change_body(struct buf *body, const struct lie *lie)
{
    static const uint8_t nothing[4] = {0, 0, 0, CQL_RESULT_VOID};
    struct slice bytes = buf_unread(body);
    size_t at = (size_t)lie->row << 8 | lie->column;

    if (lie->kind == LIE_MORE_PAGES) {
        more_pages(body, lie->bytes);
    } else if (lie->kind == LIE_HEAD && bytes.len > 0) {
        ((uint8_t *)(uintptr_t)bytes.data)[at % (bytes.len < 512 ? bytes.len : 512)] ^= lie->value;
    } else if (lie->kind == LIE_CUT && bytes.len > 0) {
        struct buf cut;
        buf_init(&cut, &alloc_heap, SIZE_MAX);
        put(&cut, slice_make(bytes.data, at % bytes.len));
        buf_deinit(body);
        *body = cut;
    } else if (lie->kind == LIE_VOID || lie->kind == LIE_BODY) {
        buf_consume(body, bytes.len);
        put(body, lie->kind == LIE_VOID ? slice_make(nothing, 4) : lie->bytes);
    }
}

static void change_answer(struct fake_answer *answer, const struct lie *lie)
{
    static const int32_t errors[] = {
        CQL_ERROR_UNAVAILABLE,      CQL_ERROR_OVERLOADED,   CQL_ERROR_BOOTSTRAPPING,
        CQL_ERROR_WRITE_TIMEOUT,    CQL_ERROR_READ_TIMEOUT, CQL_ERROR_READ_FAILURE,
        CQL_ERROR_WRITE_FAILURE,    CQL_ERROR_SYNTAX,       CQL_ERROR_UNAUTHORIZED,
        CQL_ERROR_INVALID,          CQL_ERROR_CONFIG,       CQL_ERROR_ALREADY_EXISTS,
        CQL_ERROR_FUNCTION_FAILURE, CQL_ERROR_UNPREPARED,   0x7777,
    };
    static const char *const messages[] = {"as it lies",
                                           "",
                                           "table orders does not exist",
                                           "unconfigured table orders",
                                           "\n\x1b[0m \"x=\" \xff",
                                           "Request breached limit on bytes in flight"};
    if (lie->kind == LIE_ERROR)
        *answer =
            (struct fake_answer){.error = errors[lie->value % (sizeof(errors) / sizeof(errors[0]))],
                                 .message = messages[lie->row % 6],
                                 .consistency = lie->column,
                                 .write_type = (lie->column & 1) != 0 ? "CAS" : "SIMPLE"};
    answer->silence = answer->silence || lie->kind == LIE_SILENCE;
    answer->close = answer->close || lie->kind == LIE_HANG_UP;
    if (lie->kind == LIE_TWICE)
        answer->copies = 2;
    if (lie->kind == LIE_LATE)
        answer->delay_us = INT64_C(1000) << lie->value % 15; /* up to 16 s */
}

void lies_tell(const struct lie *const *lies, size_t count, struct slice honest,
               struct fake_answer *answer)
{
    static struct rows rows;
    static struct buf body;
    bool has_rows = honest.data != NULL && rows_open(&rows, honest);
    bool changes_body = false;

    if (body.alloc != NULL)
        buf_deinit(&body);
    buf_init(&body, &alloc_heap, SIZE_MAX);
    if (rows.made.alloc == NULL) /* kept: a sanitizer would map it each time */
        buf_init(&rows.made, &alloc_heap, SIZE_MAX);
    buf_reset(&rows.made);
    REQUIRE(buf_reserve(&rows.made, LIES_BODY_BYTES) == STATUS_OK); /* cells stay put */
    for (size_t i = 0; i < count; i++) {
        changes_body = changes_body || lies[i]->kind < LIE_ERROR;
        if (has_rows && lies[i]->kind < LIE_MORE_PAGES &&
            buf_len(&rows.made) < LIES_BODY_BYTES - 8192)
            change_rows(&rows, lies[i]);
    }
    if (has_rows)
        rows_write(&rows, &body);
    else if (honest.data != NULL)
        put(&body, honest);
    for (size_t i = 0; i < count; i++)
        if (lies[i]->kind >= LIE_MORE_PAGES && lies[i]->kind < LIE_ERROR)
            change_body(&body, lies[i]);
    if (changes_body) {
        *answer = (struct fake_answer){.opcode = CQL_RESULT, .body = buf_unread(&body)};
        if (answer->body.data == NULL)
            answer->body = SLICE_LITERAL("");
    }
    for (size_t i = 0; i < count; i++)
        change_answer(answer, lies[i]);
}
