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

static void a_first_row_has_the_batch_columns_whatever_the_record_has(void **state)
{
    struct world *world = *state;
    struct kafka_record record = {.value = SLICE_LITERAL("value")};
    struct log_batch_columns columns = {.producer_id = 9, .record_count = 2};

    put(world, &record, &columns);
    record.key = SLICE_LITERAL("key");
    columns.producer_id = -1;
    put(world, &record, &columns);

    assert_row(world, LOG_INSERT_FIRST, 3); /* key, headers, producers */
    assert_row(world, LOG_INSERT_FIRST, 5); /* headers, the producer's three, producers */
}

static void a_copied_row_keeps_its_statement_and_changes_its_place(void **state)
{
    struct world *world = *state;
    struct kafka_record record = {.value = SLICE_LITERAL("value"), .timestamp = 5};
    struct buf copy;

    put(world, &record, NULL);
    struct slice row = buf_unread(&world->out);
    size_t len = row.len, values_at = 5 + ID_BYTES;
    buf_init(&copy, &alloc_heap, 4096);
    assert_int_equal(log_rows_copy(&row, &copy, SEGMENT + 1, 42, NULL), STATUS_OK);

    assert_int_equal(row.len, 0);
    assert_int_equal(buf_len(&copy), len);
    assert_memory_equal(copy.data + 3, world->ids[LOG_INSERT_BARE], ID_BYTES);
    assert_int_equal(be64_load(copy.data + values_at + 8 + 4), SEGMENT + 1);
    assert_int_equal(be64_load(copy.data + values_at + 8 + 12 + 4), 42);
    assert_int_equal(be64_load(copy.data + values_at + 8 + 24 + 4), 5);
    buf_deinit(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_row_names_only_the_columns_it_has, setup, teardown),
        cmocka_unit_test_setup_teardown(a_null_value_is_left_unset, setup, teardown),
        cmocka_unit_test_setup_teardown(a_first_row_has_the_batch_columns_whatever_the_record_has,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_copied_row_keeps_its_statement_and_changes_its_place,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
