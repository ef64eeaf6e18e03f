/* The reader of results, against what the Python driver reads from the same bytes, and against
 * liars. */
#include "tests/cql/vectors.h"

#include "cql/result.h"
#include "cql/value.h"

static const char *const kind_names[] = {
    "", "void", "rows", "set_keyspace", "prepared", "schema_change",
};

static void add_text(struct buf *out, const char *text)
{
    assert_int_equal(buf_append(out, slice_cstr(text)), STATUS_OK);
}

static void add_hex(struct buf *out, struct slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        assert_int_equal(buf_printf(out, "%02x", bytes.data[i]), STATUS_OK);
}

static void add_columns(struct buf *out, const char *title, const struct cql_metadata *metadata)
{
    add_text(out, title);
    for (int32_t i = 0; metadata->columns != NULL && i < metadata->column_count; i++) {
        add_text(out, i == 0 ? "" : ",");
        assert_int_equal(buf_append(out, metadata->columns[i].name), STATUS_OK);
        add_text(out, ":");
        add_text(out, cql_type_name(metadata->columns[i].type.id));
    }
}

static void add_rows(struct buf *out, struct cql_result *result)
{
    add_columns(out, " columns=", &result->metadata);
    add_text(out, result->has_more ? " more=1 rows=" : " more=0 rows=");
    while (cql_result_next_row(result)) {
        add_text(out, "[");
        for (size_t i = 0; i < (size_t)result->metadata.column_count; i++) {
            struct slice cell = cql_result_cell(result, i);

            add_text(out, i == 0 ? "" : "|");
            if (cell.data == NULL)
                add_text(out, "null");
            add_hex(out, cell);
        }
        add_text(out, "]");
    }
}

static void add_prepared(struct buf *out, const struct cql_result *result)
{
    add_text(out, " id=");
    add_hex(out, result->prepared_id);
    add_columns(out, " markers=", &result->markers);
    add_text(out, " pk=");
    for (int32_t i = 0; i < result->pk_count; i++)
        assert_int_equal(buf_printf(out, i == 0 ? "%u" : ",%u", result->pk_indices[i]), STATUS_OK);
    add_columns(out, " columns=", &result->metadata);
}

/* The same words as tests/vectors/generate/cql_record.py. */
static void tell(struct buf *out, struct cql_result *result)
{
    struct wire wire;

    add_text(out, kind_names[result->kind]);
    switch (result->kind) {
    case CQL_RESULT_VOID:
        break;
    case CQL_RESULT_ROWS:
        add_rows(out, result);
        break;
    case CQL_RESULT_SET_KEYSPACE:
        add_text(out, " keyspace=");
        assert_int_equal(buf_append(out, result->keyspace), STATUS_OK);
        break;
    case CQL_RESULT_PREPARED:
        add_prepared(out, result);
        break;
    case CQL_RESULT_SCHEMA_CHANGE:
        add_text(out, " ");
        wire_init_print(&wire, out);
        cql_schema_change_walk(&wire, &result->schema);
        break;
    }
    assert_int_equal(buf_append(out, SLICE_LITERAL("\0")), STATUS_OK);
}

static void every_recorded_result_reads_as_the_other_driver_reads_it(void **state)
{
    struct vectors *vectors = vectors_read("result");
    bool seen[CQL_RESULT_SCHEMA_CHANGE + 1] = {false};

    (void)state;
    assert_non_null(vectors);
    for (size_t i = 0; i < vectors->count; i++) {
        struct cql_prefix prefix;
        struct cql_result result;
        struct arena arena;
        struct buf out;

        arena_init(&arena, &alloc_heap, 1024, 1 << 20);
        buf_init(&out, &alloc_heap, 1 << 20);
        struct slice body = vector_message(&vectors->at[i], &prefix);
        assert_int_equal(cql_result_open(body, &arena, &result), STATUS_OK);
        seen[result.kind] = true;
        tell(&out, &result);
        assert_string_equal((const char *)buf_unread(&out).data, vectors->at[i].meaning);
        buf_deinit(&out);
        arena_deinit(&arena);
    }
    for (size_t kind = CQL_RESULT_VOID; kind <= CQL_RESULT_SCHEMA_CHANGE; kind++)
        assert_true(seen[kind]);
    vectors_free(vectors);
}

/* --- results made here --- */

struct fixture {
    struct arena arena;
    struct buf body;
    struct cql_result result;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    arena_init(&f->arena, &alloc_heap, 256, 64 << 10);
    buf_init(&f->body, &alloc_heap, 1 << 20);
    *state = f;
    return f == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    arena_deinit(&f->arena);
    buf_deinit(&f->body);
    free(f);
    return 0;
}

static int open_bytes(struct fixture *f, const void *bytes, size_t len)
{
    return cql_result_open(slice_make(bytes, len), &f->arena, &f->result);
}

#define OPEN(f, bytes) open_bytes((f), (bytes), sizeof(bytes) - 1)

static void make_rows(struct fixture *f, struct slice rows, int32_t row_count)
{
    struct cql_column columns[] = {
        {.name = SLICE_LITERAL("offset"), .type = {.id = CQL_TYPE_BIGINT}},
        {.name = SLICE_LITERAL("value"), .type = {.id = CQL_TYPE_BLOB}},
    };
    struct cql_result result = {
        .kind = CQL_RESULT_ROWS,
        .metadata = {.flags = CQL_METADATA_GLOBAL_SPEC, .column_count = 2, .columns = columns},
        .row_count = row_count,
        .rows = rows,
    };
    struct wire wire;

    wire_init_encode(&wire, &f->body);
    cql_result_walk(&wire, &result);
    assert_int_equal(wire.error, STATUS_OK);
}

static void rows_that_we_encode_are_read_back_cell_by_cell(void **state)
{
    struct fixture *f = *state;
    uint8_t rows[64];
    uint8_t *end = cql_put_i64(rows, 7);
    int64_t offset = 0;

    end = cql_put_bytes(end, SLICE_LITERAL("abc"));
    end = cql_put_i64(end, -8);
    end = cql_put_null(end);
    make_rows(f, slice_make(rows, (size_t)(end - rows)), 2);
    assert_int_equal(cql_result_open(buf_unread(&f->body), &f->arena, &f->result), STATUS_OK);
    assert_int_equal(cql_result_column(&f->result, "value"), 1);
    assert_int_equal(cql_result_column(&f->result, "nope"), -1);

    assert_true(cql_result_next_row(&f->result));
    assert_true(cql_cell_i64(cql_result_cell(&f->result, 0), &offset));
    assert_int_equal(offset, 7);
    assert_true(slice_equal(cql_result_cell(&f->result, 1), SLICE_LITERAL("abc")));
    assert_true(cql_result_next_row(&f->result));
    assert_true(cql_cell_i64(cql_result_cell(&f->result, 0), &offset));
    assert_int_equal(offset, -8);
    assert_null(cql_result_cell(&f->result, 1).data);
    assert_null(cql_result_cell(&f->result, 2).data);
    assert_false(cql_result_next_row(&f->result));
    assert_false(cql_result_next_row(&f->result));
}

static void bytes_after_the_last_row_are_passed_over(void **state)
{
    struct fixture *f = *state;
    uint8_t rows[64];
    uint8_t *end = cql_put_null(cql_put_i64(rows, 7));

    *end++ = 0xff;
    make_rows(f, slice_make(rows, (size_t)(end - rows)), 1);
    assert_int_equal(cql_result_open(buf_unread(&f->body), &f->arena, &f->result), STATUS_OK);
    assert_true(cql_result_next_row(&f->result));
    assert_false(cql_result_next_row(&f->result));
}

static void more_rows_than_bytes_are_refused_before_memory_is_taken(void **state)
{
    struct fixture *f = *state;
    uint8_t rows[64];
    uint8_t *end = cql_put_null(cql_put_i64(rows, 7));

    make_rows(f, slice_make(rows, (size_t)(end - rows)), INT32_MAX);
    assert_int_equal(cql_result_open(buf_unread(&f->body), &f->arena, &f->result),
                     STATUS_TRUNCATED);
    assert_null(f->result.cells);
}

static void rows_without_columns_are_refused(void **state)
{
    /* kind 2, flags 4 (no metadata), 0 columns, INT32_MAX rows */
    assert_int_equal(OPEN(*state, "\0\0\0\2\0\0\0\4\0\0\0\0\x7f\xff\xff\xff"), STATUS_MALFORMED);
}

static void a_column_count_beyond_the_bytes_is_refused(void **state)
{
    assert_int_equal(OPEN(*state, "\0\0\0\2\0\0\0\0\x7f\xff\xff\xff\0\0\0\0"), STATUS_TRUNCATED);
    assert_int_equal(OPEN(*state, "\0\0\0\2\0\0\0\4\x7f\xff\xff\xff\0\0\0\1\0\0\0\0"),
                     STATUS_TRUNCATED);
}

static void negative_counts_are_refused(void **state)
{
    assert_int_equal(OPEN(*state, "\0\0\0\2\0\0\0\4\xff\xff\xff\xff\0\0\0\0"), STATUS_MALFORMED);
    assert_int_equal(OPEN(*state, "\0\0\0\2\0\0\0\4\0\0\0\1\x80\0\0\0"), STATUS_MALFORMED);
    assert_int_equal(OPEN(*state, "\0\0\0\4\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff"),
                     STATUS_MALFORMED);
}

static void a_partition_key_index_beyond_the_markers_is_refused(void **state)
{
    /* kind 4, id "", flags 4, 1 marker, 1 key component: marker 1; no result metadata */
    assert_int_equal(OPEN(*state, "\0\0\0\4\0\0\0\0\0\4\0\0\0\1\0\0\0\1\0\1\0\0\0\4\0\0\0\0"),
                     STATUS_MALFORMED);
    assert_int_equal(OPEN(*state, "\0\0\0\4\0\0\0\0\0\4\0\0\0\1\0\0\0\1\0\0\0\0\0\4\0\0\0\0"),
                     STATUS_OK);
}

static void an_unknown_kind_is_unsupported(void **state)
{
    assert_int_equal(OPEN(*state, "\0\0\0\6"), STATUS_UNSUPPORTED);
    assert_int_equal(OPEN(*state, "\0\0\0\0"), STATUS_UNSUPPORTED);
    assert_int_equal(OPEN(*state, "\xff\xff\xff\xff"), STATUS_UNSUPPORTED);
}

static void metadata_that_outgrows_the_arena_is_a_limit(void **state)
{
    struct fixture *f = *state;
    static uint8_t body[64 << 10] =
        "\0\0\0\2\0\0\0\1\0\0\x20\0\0\0\0\0"; /* 8192 nameless customs */

    assert_int_equal(open_bytes(f, body, sizeof(body)), STATUS_LIMIT);
}

static void cells_of_the_wrong_length_are_no_values(void **state)
{
    uint8_t uuid[16];
    int16_t i16 = 1;
    int32_t i32 = 1;
    int64_t i64 = 1;
    bool b = true;

    (void)state;
    assert_false(cql_cell_i16(SLICE_NULL, &i16));
    assert_false(cql_cell_i32(SLICE_LITERAL("abc"), &i32));
    assert_false(cql_cell_i64(SLICE_LITERAL("abcd"), &i64));
    assert_false(cql_cell_bool(SLICE_LITERAL(""), &b));
    assert_false(cql_cell_uuid(SLICE_LITERAL("fifteen bytes.."), uuid));
    assert_int_equal(i16 + i32 + i64 + b, 4);
    assert_true(cql_cell_i16(SLICE_LITERAL("\xff\xfe"), &i16));
    assert_int_equal(i16, -2);
    assert_true(cql_cell_i32(SLICE_LITERAL("\0\1\0\0"), &i32));
    assert_int_equal(i32, 65536);
    assert_true(cql_cell_bool(SLICE_LITERAL("\0"), &b));
    assert_false(b);
    assert_true(cql_cell_uuid(SLICE_LITERAL("sixteen bytes..."), uuid));
    assert_memory_equal(uuid, "sixteen bytes...", 16);
}

int main(void)
{
#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_recorded_result_reads_as_the_other_driver_reads_it),
        WITH_FIXTURE(rows_that_we_encode_are_read_back_cell_by_cell),
        WITH_FIXTURE(bytes_after_the_last_row_are_passed_over),
        WITH_FIXTURE(more_rows_than_bytes_are_refused_before_memory_is_taken),
        WITH_FIXTURE(rows_without_columns_are_refused),
        WITH_FIXTURE(a_column_count_beyond_the_bytes_is_refused),
        WITH_FIXTURE(negative_counts_are_refused),
        WITH_FIXTURE(a_partition_key_index_beyond_the_markers_is_refused),
        WITH_FIXTURE(an_unknown_kind_is_unsupported),
        WITH_FIXTURE(metadata_that_outgrows_the_arena_is_a_limit),
        cmocka_unit_test(cells_of_the_wrong_length_are_no_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
