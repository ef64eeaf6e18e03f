#include "core/engine/log_rows.h"

#include "proto/endian.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ID_BYTES = 16, SEGMENT = 7, PARTITION = 3 };

struct world {
    uint8_t ids[LOG_INSERT_COUNT][ID_BYTES]; /* filled with 'a' + enum log_insert */
    struct log_rows rows;
    struct buf out;
};

static int setup(void **state)
{
    static struct world world;
    struct slice ids[LOG_INSERT_COUNT];

    for (int i = 0; i < LOG_INSERT_COUNT; i++) {
        memset(world.ids[i], 'a' + i, ID_BYTES);
        ids[i] = slice_make(world.ids[i], ID_BYTES);
    }
    log_rows_set(&world.rows, ids, PARTITION, SEGMENT);
    buf_init(&world.out, &alloc_heap, 65536);
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    buf_deinit(&world->out);
    return 0;
}

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;

    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
        count++;
    return count;
}

/* Names of columns or markers of values between the n-th pair of brackets. */
static size_t items_between(const char *text, int n)
{
    char part[512] = "";

    for (; n > 0; n--)
        text = strchr(text, '(') + 1;
    memcpy(part, text, (size_t)(strchr(text, ')') - text));
    return count_of(part, ",") + 1;
}

static void put(struct world *world, const struct kafka_record *record,
                const struct log_batch_columns *columns)
{
    assert_int_equal(log_rows_put(&world->rows, &world->out, 41, record, columns), STATUS_OK);
}

/* The row at the head of what was put: its statement, as many values as its text has, and no more
 * bytes than those values; it is taken off. */
static void assert_row(struct world *world, enum log_insert insert, size_t unset)
{
    struct slice bytes = buf_unread(&world->out), rest = bytes;
    char text[512] = "";
    struct buf sql;

    buf_init(&sql, &alloc_heap, sizeof(text));
    assert_int_equal(log_rows_text(insert, "k", "t", &sql), STATUS_OK);
    memcpy(text, sql.data, buf_len(&sql));
    buf_deinit(&sql);
    assert_memory_equal(bytes.data + 3, world->ids[insert], ID_BYTES);
    assert_int_equal(be16_load(bytes.data + 3 + ID_BYTES), items_between(text, 1));
    assert_int_equal(items_between(text, 2), items_between(text, 1));
    log_rows_skip(&rest);
    for (const uint8_t *p = bytes.data + 5 + ID_BYTES; p < rest.data;) {
        int32_t len = (int32_t)be32_load(p);
        assert_int_not_equal(len, -1); /* null would leave a tombstone */
        unset -= len == -2;
        p += 4 + (len > 0 ? len : 0);
    }
    assert_int_equal(unset, 0);
    buf_consume(&world->out, bytes.len - rest.len);
}

static void a_row_names_only_the_columns_it_has(void **state)
{
    struct world *world = *state;
    static const uint8_t header[] = {2, 'h', 2, 'v'}; /* zigzag lengths of 1 */
    struct kafka_record record = {.value = SLICE_LITERAL("value")};
    struct kafka_record headed = {.value = SLICE_LITERAL("value"),
                                  .headers = slice_make(header, sizeof(header)),
                                  .header_count = 1};

    put(world, &record, NULL);
    record.key = SLICE_LITERAL("key");
    put(world, &record, NULL);
    record.key = SLICE_LITERAL(""); /* an empty key is one */
    put(world, &record, NULL);
    put(world, &headed, NULL);
    headed.key = SLICE_LITERAL("key");
    put(world, &headed, NULL);

    assert_row(world, LOG_INSERT_BARE, 0);
    assert_row(world, LOG_INSERT_KEYED, 0);
    assert_row(world, LOG_INSERT_KEYED, 0);
    assert_row(world, LOG_INSERT_FULL, 1);
    assert_row(world, LOG_INSERT_FULL, 0);
    assert_int_equal(buf_len(&world->out), 0);
}

static void a_null_value_is_left_unset(void **state)
{
    struct world *world = *state;
    struct kafka_record record = {.key = SLICE_LITERAL("key")};

    put(world, &record, NULL);
    record.key = SLICE_NULL;
    put(world, &record, NULL);

    assert_row(world, LOG_INSERT_KEYED, 1);
    assert_row(world, LOG_INSERT_BARE, 1);
}

static void a_first_row_has_the_batch_columns_and_hardly_names_others(void **state)
{
    struct world *world = *state;
    static const uint8_t header[] = {2, 'h', 2, 'v'};
    struct kafka_record record = {.value = SLICE_LITERAL("value")};
    struct log_batch_columns columns = {.producer_id = 9, .record_count = 2};
    struct producer_table producers;

    producer_table_init(&producers, &alloc_heap);
    put(world, &record, &columns);
    columns.snapshot = &producers;
    put(world, &record, &columns);
    record.key = SLICE_LITERAL("key");
    columns = (struct log_batch_columns){.producer_id = -1, .record_count = 2};
    put(world, &record, &columns);
    record.headers = slice_make(header, sizeof(header));
    record.header_count = 1;
    put(world, &record, &columns);

    assert_row(world, LOG_INSERT_PRODUCER, 1); /* key */
    assert_row(world, LOG_INSERT_FIRST, 2);    /* key, headers */
    assert_row(world, LOG_INSERT_BATCH, 0);
    assert_row(world, LOG_INSERT_FIRST, 4); /* the producer's three, producers */
    producer_table_deinit(&producers);
}

/* The row that was put, copied; its values behind its place. */
static struct slice copy_of(struct world *world, struct buf *copy, enum log_insert expected,
                            const struct producer_table *producers)
{
    struct slice row = buf_unread(&world->out);
    size_t values_at = 5 + ID_BYTES;

    buf_init(copy, &alloc_heap, 4096);
    assert_int_equal(log_rows_copy(&world->rows, &row, copy, SEGMENT + 1, 42, producers),
                     STATUS_OK);
    assert_int_equal(row.len, 0);
    assert_memory_equal(copy->data + 3, world->ids[expected], ID_BYTES);
    assert_int_equal(be32_load(copy->data + values_at + 4), PARTITION);
    assert_int_equal(be64_load(copy->data + values_at + 8 + 4), SEGMENT + 1);
    assert_int_equal(be64_load(copy->data + values_at + 8 + 12 + 4), 42);
    assert_int_equal(be64_load(copy->data + values_at + 8 + 24 + 4), 5);
    return slice_make(copy->data + values_at + 44, buf_len(copy) - values_at - 44);
}

static void a_copied_row_keeps_its_statement_and_changes_its_place(void **state)
{
    struct world *world = *state;
    struct kafka_record record = {.value = SLICE_LITERAL("value"), .timestamp = 5};
    struct buf copy;

    put(world, &record, NULL);
    struct slice values = copy_of(world, &copy, LOG_INSERT_BARE, NULL);

    assert_int_equal(buf_len(&copy), buf_len(&world->out));
    assert_int_equal(values.len, 9);
    assert_memory_equal(values.data, "\0\0\0\5value", 9);
    buf_deinit(&copy);
}

static void a_copied_first_row_that_gets_a_snapshot_keeps_its_other_values(void **state)
{
    static const char unset[] = "\377\377\377\376", value[] = "\0\0\0\5value",
                      producer[] = "\0\0\0\10\0\0\0\0\0\0\0\11\0\0\0\2\0\3\0\0\0\4\0\0\0\21",
                      batch[] = "\0\0\0\4\0\0\0\2\0\0\0\10\0\0\0\0\0\0\0\4";
    struct world *world = *state;
    struct kafka_record record = {.value = SLICE_LITERAL("value"), .timestamp = 5};
    struct log_batch_columns columns = {
        .producer_epoch = 3, .base_sequence = 17, .record_count = 2, .stable = 4};
    struct producer_table producers;

    producer_table_init(&producers, &alloc_heap);
    for (columns.producer_id = -1; columns.producer_id <= 9; columns.producer_id += 10) {
        struct buf copy, expected;
        buf_init(&expected, &alloc_heap, 4096);
        put(world, &record, &columns);
        struct slice values = copy_of(world, &copy, LOG_INSERT_FIRST, &producers);
        const struct slice parts[] = {
            SLICE_LITERAL(unset), SLICE_LITERAL(value), SLICE_LITERAL(unset),
            columns.producer_id < 0
                ? SLICE_LITERAL("\377\377\377\376\377\377\377\376\377\377\377\376")
                : SLICE_LITERAL(producer),
            SLICE_LITERAL(batch)};
        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
            assert_int_equal(buf_append(&expected, parts[i]), STATUS_OK);
        assert_true(values.len > buf_len(&expected) + 4);
        assert_memory_equal(values.data, expected.data, buf_len(&expected));
        int32_t snapshot_len = (int32_t)be32_load(values.data + buf_len(&expected));
        assert_int_equal(snapshot_len, values.len - buf_len(&expected) - 4);
        buf_consume(&world->out, buf_len(&world->out));
        buf_deinit(&copy);
        buf_deinit(&expected);
    }
    producer_table_deinit(&producers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_row_names_only_the_columns_it_has, setup, teardown),
        cmocka_unit_test_setup_teardown(a_null_value_is_left_unset, setup, teardown),
        cmocka_unit_test_setup_teardown(a_first_row_has_the_batch_columns_and_hardly_names_others,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_copied_first_row_that_gets_a_snapshot_keeps_its_other_values, setup, teardown),
        cmocka_unit_test_setup_teardown(a_copied_row_keeps_its_statement_and_changes_its_place,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
