/* The body of a RESULT: opened, its rows read to the end, its cells tried as every type. */
#include "cql/result.h"
#include "fuzz/repair.h"
#include "fuzz/support.h"

enum { CHUNK_BYTES = 1024, LIMIT_BYTES = 1 << 20, MEMORY_CONSTANT = 4096, MEMORY_PER_BYTE = 64 };

static void check_cell(struct slice cell, struct slice rows)
{
    int16_t i16;
    int32_t i32;
    int64_t i64;
    bool boolean;
    uint8_t uuid[16];

    if (cell.data != NULL)
        REQUIRE(cell.data >= rows.data && cell.data + cell.len <= rows.data + rows.len);
    REQUIRE(cql_cell_i16(cell, &i16) == (cell.data != NULL && cell.len == sizeof(i16)));
    REQUIRE(cql_cell_i32(cell, &i32) == (cell.data != NULL && cell.len == sizeof(i32)));
    REQUIRE(cql_cell_i64(cell, &i64) == (cell.data != NULL && cell.len == sizeof(i64)));
    REQUIRE(cql_cell_bool(cell, &boolean) == (cell.data != NULL && cell.len == 1));
    REQUIRE(cql_cell_uuid(cell, uuid) == (cell.data != NULL && cell.len == sizeof(uuid)));
}

static void check_columns(const struct cql_result *result, const struct cql_metadata *metadata)
{
    for (int32_t i = 0; metadata->columns != NULL && i < metadata->column_count; i++) {
        const struct cql_column *column = &metadata->columns[i];
        char name[64];

        REQUIRE(cql_type_name(column->type.id) != NULL && column->type.option.len >= 2);
        if (metadata != &result->metadata || column->name.len >= sizeof(name) ||
            memchr(column->name.data, 0, column->name.len) != NULL)
            continue;
        memcpy(name, column->name.data, column->name.len);
        name[column->name.len] = '\0';
        int found = cql_result_column(result, name);
        REQUIRE(found >= 0 && found <= i); /* the first of that name */
    }
}

static void read_rows(struct cql_result *result)
{
    size_t columns = (size_t)result->metadata.column_count;
    size_t used = 0;
    int32_t count = 0;

    for (; cql_result_next_row(result); count++) {
        for (size_t i = 0; i < columns; i++) {
            struct slice cell = cql_result_cell(result, i);
            check_cell(cell, result->rows);
            used += 4 + cell.len;
        }
        REQUIRE(cql_result_cell(result, columns).data == NULL);
    }
    REQUIRE(count == result->row_count && !cql_result_next_row(result));
    REQUIRE(used == result->rows_at && used <= result->rows.len);
}

static void run(struct slice body, struct arena *arena, struct fuzz_alloc *memory)
{
    struct cql_result result;
    int rc = cql_result_open(body, arena, &result);

    REQUIRE(memory->peak_bytes <= MEMORY_CONSTANT + MEMORY_PER_BYTE * body.len);
    if (rc < 0) {
        REQUIRE(rc != STATUS_NOMEM || memory->failures > 0);
        return;
    }
    check_columns(&result, &result.markers);
    check_columns(&result, &result.metadata);
    for (int32_t i = 0; i < result.pk_count; i++)
        REQUIRE(result.pk_indices[i] < result.markers.column_count);
    if (result.kind == CQL_RESULT_ROWS)
        read_rows(&result);
    else
        REQUIRE(!cql_result_next_row(&result));
}

size_t fuzz_repair(uint8_t *bytes, size_t len, size_t room, unsigned seed)
{
    (void)room;
    if (len >= 4) { /* the kind */
        memset(bytes, 0, 3);
        bytes[3] = seed % 2 == 0 ? CQL_RESULT_ROWS : (uint8_t)(1 + bytes[3] % 5);
    }
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input_split(data, size);
    struct slice body =
        slice_make(input.bytes.len == 0 ? (const uint8_t *)"" : input.bytes.data, input.bytes.len);
    struct fuzz_alloc memory;
    struct arena arena;

    fuzz_alloc_init_tape(&memory, &input.tape);
    arena_init(&arena, &memory.alloc, CHUNK_BYTES, LIMIT_BYTES);
    run(body, &arena, &memory);
    arena_deinit(&arena);
    fuzz_alloc_end(&memory);
    fuzz_input_free(&input);
    return 0;
}
