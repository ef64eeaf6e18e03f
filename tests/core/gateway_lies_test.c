/* Rows that no sound database holds: the partition is refused, and why is told. */
#include "tests/support/gateway_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "kafka/error.h"
#include "kafka/list_offsets.h"
#include "proto/endian.h"

struct lie {
    const char *part;   /* of the statement that is answered so */
    int64_t rows[4][3]; /* the first cells; more are null */
    int32_t row_count, column_count;
    unsigned times; /* it was asked */
    struct buf body;
    struct lie *next; /* about other statements */
};

static void answer_rows(struct lie *lie, struct fake_answer *answer)
{
    struct cql_column columns[11];
    uint8_t rows[4 * 11 * 12];
    size_t len = 0;
    for (int c = 0; c < lie->column_count; c++)
        columns[c] = (struct cql_column){
            SLICE_LITERAL("k"), SLICE_LITERAL("t"), SLICE_LITERAL("c"), {.id = CQL_TYPE_BIGINT}};
    for (int r = 0; r < lie->row_count; r++)
        for (int c = 0; c < lie->column_count; c++) {
            be32_store(rows + len, c < 3 ? 8 : UINT32_MAX);
            len += 4;
            if (c < 3) {
                be64_store(rows + len, (uint64_t)lie->rows[r][c]);
                len += 8;
            }
        }
    struct cql_result result = {
        .kind = CQL_RESULT_ROWS,
        .metadata = {.flags = CQL_METADATA_GLOBAL_SPEC,
                     .column_count = lie->column_count,
                     .columns = columns},
        .row_count = lie->row_count,
        .rows = {rows, len},
    };
    struct wire wire;
    buf_reset(&lie->body);
    wire_init_encode(&wire, &lie->body);
    cql_result_walk(&wire, &result);
    assert_int_equal(wire.error, STATUS_OK);
    *answer = (struct fake_answer){.opcode = CQL_RESULT, .body = buf_unread(&lie->body)};
}

static bool asks(const struct fake_request *request, const char *part)
{
    size_t len = strlen(part);
    for (size_t i = 0; i + len <= request->body.len; i++)
        if (memcmp(request->body.data + i, part, len) == 0)
            return true;
    return false;
}

static bool lies(void *context, const struct fake_request *request, struct fake_answer *answer)
{
    struct lie *lie = context;
    while (lie != NULL && (request->opcode != CQL_QUERY || !asks(request, lie->part)))
        lie = lie->next;
    if (lie == NULL)
        return false;
    lie->times++;
    answer_rows(lie, answer);
    return true;
}

static struct gateway_world *world_of(struct lie *lie)
{
    struct gateway_world *world = world_up("orders", 1);
    for (struct lie *one = lie; one != NULL; one = one->next)
        buf_init(&one->body, &alloc_heap, SIZE_MAX);
    world->intercept = lies;
    world->intercept_context = lie;
    return world;
}

static void expect_code(struct gateway_world *world, int16_t code)
{
    struct fake_client *client = world_client(world);
    (void)fake_client_produce(
        client, &(struct fake_produce){.topic = "orders", .records = world_batch(world, 3)});
    world_run(world, 5 * SECOND_US);
    struct kafka_produce_partition_response produced;
    assert_true(fake_client_produced(client, &produced));
    assert_int_equal(produced.error_code, code);
}

static void an_index_row_that_cannot_be_right_is_a_storage_error(void **state)
{
    (void)state;
    static const int64_t rows[][3] = {
        {-1, 0, 100000},
        {0, -1, 100000},
        {0, 0, 0},
        {0, 100, 99},
        {INT64_MIN, 0, 100},
        {5, 4, 100000},
        {0, 0, INT64_MAX},
        {INT64_MAX, INT64_MAX, INT64_MAX},
        {INT64_MAX - 1, INT64_MAX - 1, INT64_MAX},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lie lie = {.part = "SELECT segment, ", .row_count = 1, .column_count = 3};
        memcpy(lie.rows[0], rows[i], sizeof(rows[i]));
        struct gateway_world *world = world_of(&lie);
        expect_code(world, KAFKA_STORAGE_ERROR);
        assert_in_range(fake_net_logged(&world->net, "a row of sluice_segments cannot be read"), 1,
                        10);
        world_down(world);
        buf_deinit(&lie.body);
    }
}

static void tail_rows_out_of_order_are_a_storage_error(void **state)
{
    (void)state;
    static const int64_t offsets[][3] = {
        {5, 6, 4}, {5, 5, 4}, {5, 4, -1}, {INT64_MAX, 5, 4}, {INT64_MIN, 0, 0}};
    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        struct lie lie = {.part = "SELECT offset, record_count", .row_count = 3, .column_count = 8};
        for (int r = 0; r < 3; r++)
            lie.rows[r][0] = offsets[i][r];
        struct gateway_world *world = world_of(&lie);
        expect_code(world, KAFKA_STORAGE_ERROR);
        assert_in_range(fake_net_logged(&world->net, "a row of the log table cannot be read"), 1,
                        10);
        world_down(world);
        buf_deinit(&lie.body);
    }
}

static void segments_without_an_end_are_not_looked_through_for_ever(void **state)
{
    (void)state;
    const int64_t many = INT64_C(1) << 53;
    struct lie lie = {.part = "SELECT segment, ",
                      .rows = {{many, many, many + 100000}},
                      .row_count = 1,
                      .column_count = 3};
    struct gateway_world *world = world_of(&lie);
    expect_code(world, 0);
    unsigned looks = 0;
    for (size_t i = 0; i < world->node->log_count; i++)
        looks += world->node->log[i].opcode == CQL_QUERY &&
                 asks(&world->node->log[i], "SELECT offset, record_count");
    assert_int_equal(looks, 1000);
    world_down(world);
    buf_deinit(&lie.body);
}

static void a_latest_row_that_is_gone_by_then_is_looked_for_in_older_segments(void **state)
{
    (void)state;
    /* its time to live ends between the two questions */
    struct lie row = {.part = "SELECT offset, timestamp FROM", .column_count = 2};
    struct lie latest = {.part = "SELECT max(timestamp)",
                         .rows = {{77}},
                         .row_count = 1,
                         .column_count = 1,
                         .next = &row};
    struct lie index = {.part = "SELECT segment, first_offset",
                        .rows = {{0, 0, 1}, {1, 100, 2}},
                        .row_count = 2,
                        .column_count = 3,
                        .next = &latest};
    struct gateway_world *world = world_of(&index);
    struct fake_client *client = world_client(world);
    struct kafka_list_offsets_partition partition = KAFKA_LIST_OFFSETS_PARTITION_DEFAULT;
    struct kafka_list_offsets_topic topic = {SLICE_LITERAL("orders"), &partition, 1};
    struct kafka_list_offsets_request request = {-1, 0, &topic, 1, 10000};
    struct kafka_list_offsets_response response;

    partition.timestamp = KAFKA_OFFSET_MAX_TIMESTAMP;
    (void)fake_client_send(client, KAFKA_LIST_OFFSETS, 7, &request);
    world_run(world, SECOND_US);
    assert_true(fake_client_next(client, &response));
    assert_int_equal(response.topics[0].partitions[0].error_code, 0);
    assert_int_equal(response.topics[0].partitions[0].offset, -1);
    assert_int_equal(latest.times, 2); /* both segments, and none beyond */
    assert_int_equal(row.times, 2);
    world_down(world);
    for (struct lie *one = &index; one != NULL; one = one->next)
        buf_deinit(&one->body);
}

static bool forget_and_change_ids(void *context, const struct fake_request *request,
                                  struct fake_answer *answer)
{
    struct gateway_world *world = context;
    if (request->opcode != CQL_BATCH)
        return false;
    fake_node_change_ids(world->node);
    *answer = (struct fake_answer){.by_default = true}; /* UNPREPARED */
    return true;
}

static void a_node_with_new_ids_each_time_is_asked_in_step_with_the_producer(void **state)
{
    (void)state;
    struct gateway_world *world = world_up("orders", 1);
    struct fake_client *client = world_client(world);
    struct kafka_produce_partition_response produced;
    unsigned lines = fake_net_logged(&world->net, "");
    world->intercept = forget_and_change_ids;
    world->intercept_context = world;
    for (unsigned i = 1; i <= 30; i++) {
        fake_node_clear_log(world->node);
        (void)fake_client_produce(
            client, &(struct fake_produce){.topic = "orders", .records = world_batch(world, 3)});
        world_run(world, SECOND_US);
        assert_true(fake_client_produced(client, &produced));
        assert_int_equal(produced.error_code, KAFKA_REQUEST_TIMED_OUT); /* to come again */
        /* each load begins a segment, and looks into the empty ones below */
        assert_in_range(world->node->log_count, 4, 15 + i);
        assert_in_range(fake_net_logged(&world->net, "") - lines, 1, 3 * i);
    }
    world_down(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_row_that_cannot_be_right_is_a_storage_error),
        cmocka_unit_test(tail_rows_out_of_order_are_a_storage_error),
        cmocka_unit_test(segments_without_an_end_are_not_looked_through_for_ever),
        cmocka_unit_test(a_latest_row_that_is_gone_by_then_is_looked_for_in_older_segments),
        cmocka_unit_test(a_node_with_new_ids_each_time_is_asked_in_step_with_the_producer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
