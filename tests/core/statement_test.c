#include "tests/support/cluster_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/support/failing_alloc.h"

struct prepared {
    unsigned calls;
    struct cluster_statement *statement;
    enum cluster_outcome outcome;
    int32_t error;
};

static void on_prepared(void *context, struct cluster_statement *statement,
                        const struct cluster_reply *reply, struct moment now)
{
    struct prepared *prepared = context;
    (void)now;
    prepared->calls++;
    prepared->statement = statement;
    prepared->outcome = reply == NULL ? CLUSTER_DONE : reply->outcome;
    prepared->error = reply == NULL || reply->error == NULL ? -1 : reply->error->code;
}

static void ask(struct world *world, struct prepared *prepared, const char *text)
{
    cluster_prepare(world->cluster, text, NEVER_US, on_prepared, prepared, world->net.now);
}

static struct cluster_statement *prepare(struct world *world, const char *text)
{
    struct prepared prepared = {0};
    ask(world, &prepared, text);
    world_run(world, 100 * MS_US);
    assert_int_equal(prepared.calls, 1);
    assert_non_null(prepared.statement);
    return prepared.statement;
}

/* A BATCH of the statements, each without values. */
static void send_batch(struct world *world, struct sent *sent,
                       struct cluster_statement *const *statements, uint16_t count)
{
    struct cql_body *body = world_body(world, "");
    struct buf *buf = &body->buf;
    uint8_t head[3] = {1, (uint8_t)(count >> 8), (uint8_t)count};
    static const uint8_t tail[3] = {0, CQL_CONSISTENCY_LOCAL_QUORUM, 0};
    int rc = buf_append(buf, slice_make(head, 3));
    for (uint16_t i = 0; i < count && rc == STATUS_OK; i++) {
        uint8_t entry[3 + 32 + 2] = {1, 0, (uint8_t)statements[i]->id_len};
        memcpy(entry + 3, statements[i]->id, statements[i]->id_len);
        rc = buf_append(buf, slice_make(entry, 3 + statements[i]->id_len + 2));
    }
    if (rc == STATUS_OK)
        rc = buf_append(buf, slice_make(tail, 3));
    assert_int_equal(rc, STATUS_OK);
    sent->request.opcode = CQL_BATCH;
    world_send_body(world, sent, body);
}

static void a_text_is_prepared_once_and_shared(void **state)
{
    (void)state;
    struct world world;
    struct prepared one = {0};
    struct prepared two = {0};
    struct prepared three = {0};
    world_up(&world, 1);
    ask(&world, &one, "insert into t");
    ask(&world, &two, "insert into t");
    assert_int_equal(one.calls, 0);
    world_run(&world, 100 * MS_US);
    ask(&world, &three, "insert into t"); /* known: at once */
    assert_int_equal(one.calls, 1);
    assert_int_equal(two.calls, 1);
    assert_int_equal(three.calls, 1);
    assert_ptr_equal(one.statement, two.statement);
    assert_ptr_equal(one.statement, three.statement);
    assert_int_equal(one.statement->id_len, 16);
    assert_int_equal(fake_node_count(world.nodes[0], CQL_PREPARE), 1);
    world_deinit(&world);
}

static void a_statement_that_the_node_refuses_is_refused_to_all_who_asked(void **state)
{
    (void)state;
    struct world world;
    struct prepared one = {0};
    struct prepared two = {0};
    world_up(&world, 1);
    fake_node_answer(
        world.nodes[0], CQL_PREPARE,
        (struct fake_answer){.error = CQL_ERROR_INVALID, .message = "table t does not exist"});
    ask(&world, &one, "insert into t");
    ask(&world, &two, "insert into t");
    world_run(&world, 100 * MS_US);
    assert_null(one.statement);
    assert_int_equal(one.outcome, CLUSTER_REFUSED);
    assert_int_equal(two.error, CQL_ERROR_INVALID);
    assert_non_null(prepare(&world, "insert into t")); /* asking again tries again */
    world_deinit(&world);
}

static void preparing_ends_at_each_askers_own_deadline(void **state)
{
    (void)state;
    struct world world;
    struct prepared early = {0};
    struct prepared late = {0};
    world_init(&world, &alloc_heap, 1);
    world.nodes[0]->refuses = true;
    assert_true(world_start(&world));
    cluster_prepare(world.cluster, "insert", world.net.now.boot_us + 20 * SECOND_US, on_prepared,
                    &late, world.net.now);
    cluster_prepare(world.cluster, "insert", world.net.now.boot_us + SECOND_US, on_prepared, &early,
                    world.net.now);
    world_run(&world, 2 * SECOND_US);
    assert_int_equal(early.calls, 1);
    assert_int_equal(early.outcome, CLUSTER_GAVE_UP);
    assert_null(early.statement);
    assert_int_equal(late.calls, 0);
    world.nodes[0]->refuses = false;
    world_run(&world, 12 * SECOND_US);
    assert_int_equal(late.calls, 1);
    assert_non_null(late.statement);
    world_deinit(&world);
}

static void what_nobody_waits_for_any_more_is_not_prepared(void **state)
{
    (void)state;
    struct world world;
    struct prepared prepared = {0};
    world_init(&world, &alloc_heap, 1);
    world.nodes[0]->refuses = true;
    assert_true(world_start(&world));
    cluster_prepare(world.cluster, "insert", world.net.now.boot_us + SECOND_US, on_prepared,
                    &prepared, world.net.now);
    world_run(&world, 2 * SECOND_US);
    assert_int_equal(prepared.outcome, CLUSTER_GAVE_UP);
    world.nodes[0]->refuses = false;
    world_run(&world, 12 * SECOND_US);
    assert_true(cluster_is_up(world.cluster));
    assert_int_equal(fake_node_count(world.nodes[0], CQL_PREPARE), 0);
    world_deinit(&world);
}

static void a_forgotten_statement_is_prepared_again_by_the_next_who_asks(void **state)
{
    (void)state;
    struct world world;
    world_up(&world, 1);
    struct cluster_statement *statement = prepare(&world, "insert into t");
    cluster_forget(world.cluster, statement);
    assert_ptr_equal(prepare(&world, "insert into t"), statement);
    assert_int_equal(fake_node_count(world.nodes[0], CQL_PREPARE), 2);
    world_deinit(&world);
}

static void what_a_node_has_forgotten_is_prepared_there_and_the_request_sent_again(void **state)
{
    (void)state;
    struct world world;
    struct sent sent = {0};
    world_up(&world, 1);
    struct cluster_statement *statement = prepare(&world, "insert into t");
    fake_node_forget(world.nodes[0]);
    fake_node_clear_log(world.nodes[0]);
    send_batch(&world, &sent, &statement, 1);
    world_run(&world, 10 * MS_US);
    assert_int_equal(sent.outcome, CLUSTER_DONE);
    assert_false(sent.touched);
    assert_int_equal(world.nodes[0]->log_count, 3); /* BATCH, PREPARE, BATCH */
    assert_true(slice_equal(world.nodes[0]->log[0].body, world.nodes[0]->log[2].body));
    world_deinit(&world);
}

static void all_statements_of_a_batch_are_prepared_in_one_round(void **state)
{
    (void)state;
    struct world world;
    struct sent sent = {0};
    struct cluster_statement *statements[3];
    world_up(&world, 1);
    statements[0] = prepare(&world, "insert first row");
    statements[1] = prepare(&world, "insert plain row");
    statements[2] = prepare(&world, "delete");
    prepare(&world, "select"); /* not in the batch */
    fake_node_forget(world.nodes[0]);
    fake_node_clear_log(world.nodes[0]);
    send_batch(&world, &sent, statements, 3);
    world_run(&world, 10 * MS_US);
    assert_int_equal(sent.outcome, CLUSTER_DONE);
    assert_int_equal(fake_node_count(world.nodes[0], CQL_PREPARE), 3);
    assert_int_equal(fake_node_count(world.nodes[0], CQL_BATCH), 2);
    world_deinit(&world);
}

static void a_storm_of_unprepared_causes_one_prepare(void **state)
{
    (void)state;
    struct world world;
    struct sent sent[20] = {0};
    world_up(&world, 1);
    struct cluster_statement *statement = prepare(&world, "insert into t");
    fake_node_forget(world.nodes[0]);
    fake_node_clear_log(world.nodes[0]);
    for (int i = 0; i < 20; i++)
        send_batch(&world, &sent[i], &statement, 1);
    world_run(&world, 10 * MS_US);
    assert_int_equal(fake_node_count(world.nodes[0], CQL_PREPARE), 1);
    assert_int_equal(fake_node_count(world.nodes[0], CQL_BATCH), 40);
    assert_int_equal(world.done_count, 20);
    world_deinit(&world);
}

static void a_node_that_forgets_all_the_time_is_left_after_three_prepares(void **state)
{
    (void)state;
    struct world world;
    struct sent sent = {0};
    world_up(&world, 1);
    struct cluster_statement *statement = prepare(&world, "insert into t");
    fake_node_clear_log(world.nodes[0]);
    fake_node_forget(world.nodes[0]);
    world.nodes[0]->forgetful = true;
    send_batch(&world, &sent, &statement, 1);
    world_run(&world, 12 * MS_US);
    assert_false(sent.done);
    assert_int_equal(fake_node_count(world.nodes[0], CQL_PREPARE), 3);
    assert_int_equal(fake_node_count(world.nodes[0], CQL_BATCH), 4);
    assert_int_equal(sent.request.failures, 1);
    cluster_cancel(world.cluster, &sent.request);
    world_deinit(&world);
}

static void a_table_that_is_gone_refuses_the_request_with_the_answer_to_prepare(void **state)
{
    (void)state;
    struct world world;
    struct sent sent[2] = {0};
    world_up(&world, 1);
    struct cluster_statement *statement = prepare(&world, "insert into t");
    fake_node_forget(world.nodes[0]);
    fake_node_answer(
        world.nodes[0], CQL_PREPARE,
        (struct fake_answer){.error = CQL_ERROR_INVALID, .message = "table t does not exist"});
    send_batch(&world, &sent[0], &statement, 1);
    send_batch(&world, &sent[1], &statement, 1);
    world_run(&world, 10 * MS_US);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sent[i].outcome, CLUSTER_REFUSED);
        assert_int_equal(sent[i].error, CQL_ERROR_INVALID);
        assert_string_equal(sent[i].message, "table t does not exist");
        assert_false(sent[i].touched);
    }
    world_deinit(&world);
}

static void an_unknown_id_is_refused(void **state)
{
    (void)state;
    struct world world;
    struct sent sent = {0};
    struct cluster_statement stranger = {.id = "stranger", .id_len = 8};
    struct cluster_statement *statements[] = {&stranger};
    world_up(&world, 1);
    send_batch(&world, &sent, statements, 1);
    world_run(&world, 10 * MS_US);
    assert_int_equal(sent.outcome, CLUSTER_REFUSED);
    assert_int_equal(sent.error, CQL_ERROR_UNPREPARED);
    world_deinit(&world);
}

static void a_node_that_gives_another_id_is_told_once_and_not_used_for_it(void **state)
{
    (void)state;
    struct world world;
    struct sent sent[6] = {0};
    world_init(&world, &alloc_heap, 2);
    world.nodes[1]->refuses = true;
    assert_true(world_start(&world));
    world_run(&world, 10 * MS_US);
    struct cluster_statement *statement = prepare(&world, "insert into t");
    world.nodes[1]->id_salt = 7;
    world.nodes[1]->refuses = false;
    world_run(&world, 5 * SECOND_US);
    for (int i = 0; i < 6; i++) {
        send_batch(&world, &sent[i], &statement, 1);
        world_run(&world, 200 * MS_US);
        assert_int_equal(sent[i].outcome, CLUSTER_DONE);
        assert_false(sent[i].touched);
    }
    assert_int_equal(fake_net_logged(&world.net, "statement has another id on this node node=b"),
                     1);
    assert_int_equal(fake_node_count(world.nodes[1], CQL_PREPARE), 1);
    world_deinit(&world);
}

static void
an_id_that_no_node_knows_any_more_is_refused_until_the_statement_is_prepared_again(void **state)
{
    (void)state;
    struct world world;
    struct sent storm[10] = {0};
    struct sent late = {0};
    struct sent sent[10] = {0};
    world_up(&world, 2);
    struct cluster_statement *statement = prepare(&world, "insert into t");
    uint8_t before[32];
    memcpy(before, statement->id, sizeof(before));
    fake_node_change_ids(world.nodes[0]);
    fake_node_change_ids(world.nodes[1]);
    for (int i = 0; i < 10; i++)
        send_batch(&world, &storm[i], &statement, 1);
    world_run(&world, SECOND_US);
    send_batch(&world, &late, &statement, 1);
    world_run(&world, 10 * MS_US);
    for (int i = 0; i < 11; i++) {
        const struct sent *one = i < 10 ? &storm[i] : &late;
        assert_true(one->done);
        assert_int_equal(one->outcome, CLUSTER_REFUSED);
        assert_int_equal(one->error, CQL_ERROR_UNPREPARED);
        assert_false(one->touched);
    }
    assert_int_equal(fake_net_logged(&world.net, "statement has another id on this node"), 2);

    cluster_forget(world.cluster, statement);
    assert_ptr_equal(prepare(&world, "insert into t"), statement);
    assert_memory_not_equal(statement->id, before, sizeof(before));
    for (int node = 0; node < 2; node++) { /* no mark is left */
        fake_node_forget(world.nodes[node]);
        fake_node_clear_log(world.nodes[node]);
    }
    for (int i = 0; i < 10; i++)
        send_batch(&world, &sent[i], &statement, 1);
    world_run(&world, SECOND_US);
    for (int i = 0; i < 10; i++)
        assert_int_equal(sent[i].outcome, CLUSTER_DONE);
    assert_int_equal(fake_node_count(world.nodes[0], CQL_PREPARE), 1);
    assert_int_equal(fake_node_count(world.nodes[1], CQL_PREPARE), 1);
    world_deinit(&world);
}

static void statements_get_their_ids_from_one_node(void **state)
{
    (void)state;
    struct world world;
    unsigned asked = 0;
    world_up(&world, 3);
    for (int i = 0; i < 6; i++) {
        char text[20];
        (void)snprintf(text, sizeof(text), "insert %d", i);
        (void)prepare(&world, text);
    }
    for (int i = 0; i < 3; i++)
        asked += fake_node_count(world.nodes[i], CQL_PREPARE) > 0;
    assert_int_equal(asked, 1);
    world_deinit(&world);
}

static void a_request_finds_the_one_node_that_knows_its_ids(void **state)
{
    (void)state;
    struct world world;
    struct sent sent[20] = {0};
    world_up(&world, 4);
    struct cluster_statement *statement = prepare(&world, "insert into t");
    for (int i = 0; i < 3; i++)
        fake_node_change_ids(world.nodes[i]);
    fake_node_forget(world.nodes[3]);
    for (int i = 0; i < 20; i++) {
        send_batch(&world, &sent[i], &statement, 1);
        world_run(&world, 30 * MS_US); /* at once, without back-off */
        assert_int_equal(sent[i].outcome, CLUSTER_DONE);
        assert_true(sent[i].request.attempts <= 5);
    }
    assert_int_equal(fake_node_count(world.nodes[3], CQL_BATCH), 21);
    for (int i = 0; i < 3; i++)
        assert_true(fake_node_count(world.nodes[i], CQL_PREPARE) <= 1 + (i == 0));
    world_deinit(&world);
}

static void what_waits_for_the_one_node_that_knows_its_ids_is_refused_when_that_goes(void **state)
{
    (void)state;
    struct world world;
    struct sent sent = {0};
    world_up(&world, 2);
    struct cluster_statement *statement = prepare(&world, "insert into t");
    fake_node_change_ids(world.nodes[0]);
    fake_node_answer_times(world.nodes[1], CQL_BATCH, 1000,
                           (struct fake_answer){.error = CQL_ERROR_BOOTSTRAPPING});
    send_batch(&world, &sent, &statement, 1);
    world_run(&world, SECOND_US);
    assert_false(sent.done);
    fake_node_set_down(world.nodes[1], true);
    world_run(&world, 5 * SECOND_US);
    assert_int_equal(sent.outcome, CLUSTER_REFUSED);
    assert_int_equal(sent.error, CQL_ERROR_UNPREPARED);
    assert_false(sent.touched);
    world_deinit(&world);
}

static void an_id_that_is_known_where_the_link_is_down_waits_for_no_one(void **state)
{
    (void)state;
    struct world world;
    struct sent sent = {0};
    world_up(&world, 2);
    struct cluster_statement *statement = prepare(&world, "insert into t");
    fake_node_change_ids(world.nodes[1]);
    fake_node_set_down(world.nodes[0], true);
    world_run(&world, SECOND_US);
    send_batch(&world, &sent, &statement, 1);
    world_run(&world, SECOND_US);
    assert_int_equal(sent.outcome, CLUSTER_REFUSED);
    assert_int_equal(sent.error, CQL_ERROR_UNPREPARED);
    world_deinit(&world);
}

static void a_request_that_waits_for_a_statement_survives_the_loss_of_the_node(void **state)
{
    (void)state;
    struct world world;
    struct sent sent = {0};
    world_up(&world, 1);
    struct cluster_statement *statement = prepare(&world, "insert into t");
    fake_node_forget(world.nodes[0]);
    fake_node_answer(world.nodes[0], CQL_PREPARE, (struct fake_answer){.close = true});
    send_batch(&world, &sent, &statement, 1);
    world_run(&world, SECOND_US);
    assert_int_equal(world.nodes[0]->connects, 2);
    assert_int_equal(sent.outcome, CLUSTER_DONE);
    assert_false(sent.touched); /* UNPREPARED was definite */
    world_deinit(&world);
}

static void
a_request_that_waits_for_a_statement_can_be_cancelled_or_end_at_its_deadline(void **state)
{
    (void)state;
    struct world world;
    struct sent cancelled = {0};
    struct sent late = {0};
    world_up(&world, 1);
    struct cluster_statement *statement = prepare(&world, "insert into t");
    fake_node_forget(world.nodes[0]);
    fake_node_answer(world.nodes[0], CQL_PREPARE, (struct fake_answer){.delay_us = 2 * SECOND_US});
    late.request.deadline_us = world.net.now.boot_us + SECOND_US;
    send_batch(&world, &cancelled, &statement, 1);
    send_batch(&world, &late, &statement, 1);
    world_run(&world, 10 * MS_US);
    cluster_cancel(world.cluster, &cancelled.request);
    world_run(&world, 5 * SECOND_US);
    assert_false(cancelled.done);
    assert_int_equal(late.outcome, CLUSTER_GAVE_UP);
    assert_int_equal(late.error, CQL_ERROR_UNPREPARED);
    assert_false(late.touched);
    world_deinit(&world);
}

/* --- questions --- */

struct answer {
    unsigned calls;
    enum cluster_outcome outcome;
    bool touched;
    struct world *world;
    struct cluster_call *cancel;
};

static void on_answer(void *context, const struct cluster_reply *reply, bool touched,
                      struct moment now)
{
    struct answer *answer = context;
    (void)now;
    answer->calls++;
    answer->outcome = reply->outcome;
    answer->touched = touched;
    if (answer->cancel != NULL)
        cluster_call_cancel(answer->world->cluster, answer->cancel);
}

static void a_question_carries_its_values_and_is_answered(void **state)
{
    (void)state;
    struct world world;
    struct answer answer = {0};
    struct cql_value value = {SLICE_LITERAL("orders"), false};
    struct cluster_query query = {.text = "select * from t where name = ?",
                                  .values = &value,
                                  .value_count = 1,
                                  .consistency = CQL_CONSISTENCY_QUORUM,
                                  .deadline_us = NEVER_US};
    world_up(&world, 1);
    assert_non_null(cluster_ask(world.cluster, &query, on_answer, &answer, world.net.now));
    value.bytes = SLICE_NULL; /* it was copied */
    world_run(&world, 10 * MS_US);
    assert_int_equal(answer.calls, 1);
    assert_int_equal(answer.outcome, CLUSTER_DONE);

    struct arena arena;
    struct wire wire;
    struct cql_query seen = {0};
    arena_init(&arena, &alloc_heap, 1024, 65536);
    wire_init_decode(&wire, world.nodes[0]->log[0].body, &arena);
    cql_query_walk(&wire, &seen);
    assert_int_equal(wire.error, STATUS_OK);
    assert_true(slice_equal(seen.text, slice_cstr(query.text)));
    assert_int_equal(seen.consistency, CQL_CONSISTENCY_QUORUM);
    assert_int_equal(seen.serial_consistency, 0);
    assert_int_equal(seen.value_count, 1);
    assert_true(slice_equal(seen.values[0].bytes, SLICE_LITERAL("orders")));
    arena_deinit(&arena);
    world_deinit(&world);
}

static void a_question_can_be_cancelled_before_and_during_its_answer(void **state)
{
    (void)state;
    struct world world;
    struct answer before = {0};
    struct answer during = {0};
    struct cluster_query query = {.text = "select", .deadline_us = NEVER_US};
    world_up(&world, 1);
    struct cluster_call *call =
        cluster_ask(world.cluster, &query, on_answer, &before, world.net.now);
    cluster_call_cancel(world.cluster, call);
    during.world = &world;
    during.cancel = cluster_ask(world.cluster, &query, on_answer, &during, world.net.now);
    world_run(&world, 10 * MS_US);
    assert_int_equal(before.calls, 0);
    assert_int_equal(during.calls, 1);
    world_deinit(&world);
}

static void a_conditional_question_in_doubt_is_given_up_touched(void **state)
{
    (void)state;
    struct world world;
    struct answer answer = {0};
    struct cluster_query query = {.text = "update if",
                                  .consistency = CQL_CONSISTENCY_LOCAL_QUORUM,
                                  .serial_consistency = CQL_CONSISTENCY_LOCAL_SERIAL,
                                  .conditional = true,
                                  .deadline_us = NEVER_US};
    world_up(&world, 1);
    fake_node_answer(world.nodes[0], CQL_QUERY,
                     (struct fake_answer){.error = CQL_ERROR_WRITE_TIMEOUT, .write_type = "CAS"});
    assert_non_null(cluster_ask(world.cluster, &query, on_answer, &answer, world.net.now));
    world_run(&world, 10 * SECOND_US);
    assert_int_equal(answer.calls, 1);
    assert_int_equal(answer.outcome, CLUSTER_GAVE_UP);
    assert_true(answer.touched);
    world_deinit(&world);
}

/* --- out of memory --- */

static void statements_and_questions(struct world *world)
{
    struct prepared prepared = {0};
    struct answer answer = {0};
    struct sent sent = {0};
    struct cluster_query query = {.text = "select", .deadline_us = NEVER_US};

    world_run(world, SECOND_US);
    ask(world, &prepared, "insert into t");
    bool asked = cluster_ask(world->cluster, &query, on_answer, &answer, world->net.now) != NULL;
    world_run(world, 20 * SECOND_US);
    assert_int_equal(prepared.calls, 1);
    assert_int_equal(answer.calls, asked);
    if (prepared.statement == NULL)
        return;
    fake_node_forget(world->nodes[0]);
    struct cql_body *body = world_body(world, "\1");
    if (body == NULL)
        return;
    uint8_t rest[] = {0, 1, 1, 0, 16};
    static const uint8_t tail[] = {0, 0, 0, CQL_CONSISTENCY_ONE, 0};
    if (buf_append(&body->buf, slice_make(rest, 5)) < 0 ||
        buf_append(&body->buf, slice_make(prepared.statement->id, 16)) < 0 ||
        buf_append(&body->buf, slice_make(tail, 5)) < 0) {
        cql_body_unref(body);
        return;
    }
    sent.request.opcode = CQL_BATCH;
    world_send_body(world, &sent, body);
    world_run(world, 20 * SECOND_US);
    assert_true(sent.done);
    assert_int_equal(sent.outcome, CLUSTER_DONE);
}

static void every_allocation_may_fail_around_statements(void **state)
{
    (void)state;
    struct failing_alloc failing;
    failing_alloc_init(&failing);
    for (size_t n = 1; failing_alloc_next(&failing, n); n++) {
        struct world world;
        world_init(&world, &failing.alloc, 1);
        if (world_start(&world))
            statements_and_questions(&world);
        world_deinit(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_prepared_once_and_shared),
        cmocka_unit_test(a_statement_that_the_node_refuses_is_refused_to_all_who_asked),
        cmocka_unit_test(preparing_ends_at_each_askers_own_deadline),
        cmocka_unit_test(what_nobody_waits_for_any_more_is_not_prepared),
        cmocka_unit_test(a_forgotten_statement_is_prepared_again_by_the_next_who_asks),
        cmocka_unit_test(what_a_node_has_forgotten_is_prepared_there_and_the_request_sent_again),
        cmocka_unit_test(all_statements_of_a_batch_are_prepared_in_one_round),
        cmocka_unit_test(a_storm_of_unprepared_causes_one_prepare),
        cmocka_unit_test(a_node_that_forgets_all_the_time_is_left_after_three_prepares),
        cmocka_unit_test(a_table_that_is_gone_refuses_the_request_with_the_answer_to_prepare),
        cmocka_unit_test(an_unknown_id_is_refused),
        cmocka_unit_test(a_node_that_gives_another_id_is_told_once_and_not_used_for_it),
        cmocka_unit_test(
            an_id_that_no_node_knows_any_more_is_refused_until_the_statement_is_prepared_again),
        cmocka_unit_test(statements_get_their_ids_from_one_node),
        cmocka_unit_test(a_request_finds_the_one_node_that_knows_its_ids),
        cmocka_unit_test(what_waits_for_the_one_node_that_knows_its_ids_is_refused_when_that_goes),
        cmocka_unit_test(an_id_that_is_known_where_the_link_is_down_waits_for_no_one),
        cmocka_unit_test(a_request_that_waits_for_a_statement_survives_the_loss_of_the_node),
        cmocka_unit_test(
            a_request_that_waits_for_a_statement_can_be_cancelled_or_end_at_its_deadline),
        cmocka_unit_test(a_question_carries_its_values_and_is_answered),
        cmocka_unit_test(a_question_can_be_cancelled_before_and_during_its_answer),
        cmocka_unit_test(a_conditional_question_in_doubt_is_given_up_touched),
        cmocka_unit_test(every_allocation_may_fail_around_statements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
