/*
 * Random faults against well-behaved idempotent producers, some seconds of virtual time per seed:
 * answers and requests get lost, writes land late, nodes go away, the lease is lost, the process
 * dies and another one takes over. In the end every acknowledged record is a row, once, at its
 * offset, and each producer's records are in order.
 *
 *      CHAOS_SEED=17 build/.../core_gateway_chaos_test     one seed, with the gateway's log
 */
#include "tests/support/gateway_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/random.h"
#include "kafka/error.h"

enum {
    SEEDS = 60,
    PRODUCERS = 3,
    BATCHES = 60, /* of each producer */
    IN_FLIGHT = 5,
    LATE_MAX = 64,
    SEQUENCES_MAX = 4096,
};

struct batch_sent {
    int32_t sequence, count;
    bool acknowledged;
    int64_t offset; /* -1: not known */
};

struct producer_model {
    struct fake_client *client;
    int64_t id;
    struct batch_sent batches[BATCHES];
    int32_t made, acknowledged, sent,
        answered; /* batches; sent counts from acknowledged again after a failure */
    int32_t next_sequence;
    bool failing; /* an answer was a refusal: everything is sent again when all answers are here */
    int64_t offsets[SEQUENCES_MAX]; /* found in the table, by sequence; -1 */
};

struct chaos {
    struct gateway_world *world;
    struct random random;
    struct producer_model producers[PRODUCERS];
    struct buf late[LATE_MAX];
    uint8_t late_opcodes[LATE_MAX];
    size_t late_count;
    bool calm; /* no more faults */
    uint64_t seed;
};

static bool one_in(struct chaos *chaos, uint64_t n)
{
    return !chaos->calm && random_next(&chaos->random) % n == 0;
}

static void keep_for_later(struct chaos *chaos, const struct fake_request *request)
{
    if (chaos->late_count == LATE_MAX)
        return;
    struct buf *late = &chaos->late[chaos->late_count];
    chaos->late_opcodes[chaos->late_count++] = request->opcode;
    buf_init(late, &alloc_heap, SIZE_MAX);
    if (buf_append(late, request->body) < 0)
        abort();
}

static bool is_read(const struct fake_request *request)
{
    return request->opcode == CQL_QUERY && memcmp(request->body.data + 4, "SELECT", 6) == 0;
}

static bool intercept(void *context, const struct fake_request *request, struct fake_answer *answer)
{
    struct chaos *chaos = context;

    if (one_in(chaos, 4))
        answer->delay_us = (int64_t)(random_next(&chaos->random) % 300000);
    if (one_in(chaos, 25)) { /* lost on its way, or late */
        if (!is_read(request))
            keep_for_later(chaos, request);
        answer->silence = true;
        return true;
    }
    if (one_in(chaos, 25)) {
        answer->silence = true; /* the answer is lost */
        return false;
    }
    if (one_in(chaos, 25)) { /* unknown outcome: late */
        if (!is_read(request))
            keep_for_later(chaos, request);
        answer->by_default = false;
        answer->error = is_read(request) ? CQL_ERROR_READ_TIMEOUT : CQL_ERROR_WRITE_TIMEOUT;
        answer->write_type = "UNLOGGED_BATCH";
        return true;
    }
    if (one_in(chaos, 40)) {
        answer->by_default = false;
        answer->error = one_in(chaos, 4) ? CQL_ERROR_INVALID : CQL_ERROR_OVERLOADED;
        return true;
    }
    return false;
}

static void execute_late(struct chaos *chaos)
{
    struct model_answer answer;
    if (chaos->late_count == 0)
        return;
    size_t n = random_next(&chaos->random) % chaos->late_count;
    table_model_execute(chaos->world->tables, chaos->late_opcodes[n], buf_unread(&chaos->late[n]),
                        &answer);
    buf_deinit(&chaos->late[n]);
    chaos->late[n] = chaos->late[--chaos->late_count];
    chaos->late_opcodes[n] = chaos->late_opcodes[chaos->late_count];
}

/* --- producers --- */

static struct slice build_batch(struct chaos *chaos, struct producer_model *producer,
                                const struct batch_sent *batch)
{
    struct batch_builder *builder = &chaos->world->builder;
    batch_builder_reset(builder);
    builder->producer_id = producer->id;
    builder->producer_epoch = 0;
    builder->base_sequence = batch->sequence;
    for (int32_t i = 0; i < batch->count; i++) {
        char value[64];
        snprintf(value, sizeof(value), "%d %d", (int)producer->id, batch->sequence + i);
        batch_add(builder, 1700000000000, SLICE_NULL, slice_cstr(value));
    }
    return batch_build(builder);
}

static void reconnect(struct chaos *chaos, struct producer_model *producer)
{
    if (producer->client != NULL)
        world_forget_client(chaos->world, producer->client);
    producer->client = world_client(chaos->world);
    producer->sent = producer->answered = producer->acknowledged;
    producer->failing = false;
}

static void take_answers(struct chaos *chaos, struct producer_model *producer)
{
    struct kafka_produce_partition_response produced;

    while (fake_client_produced(producer->client, &produced)) {
        struct batch_sent *batch = &producer->batches[producer->answered++];
        if (produced.error_code == 0 || produced.error_code == KAFKA_DUPLICATE_SEQUENCE_NUMBER) {
            if (!producer->failing)
                producer->acknowledged = producer->answered;
            batch->acknowledged = true;
            batch->offset = produced.error_code == 0 ? produced.base_offset : -1;
        } else {
            if (produced.error_code == KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER)
                fail_msg("seed %llu: producer %d got 45 for %d", (unsigned long long)chaos->seed,
                         (int)producer->id, batch->sequence);
            producer->failing = true;
        }
    }
    if (producer->failing && producer->answered == producer->sent)
        producer->sent = producer->answered = producer->acknowledged;
    if (producer->answered == producer->acknowledged && producer->sent == producer->answered)
        producer->failing = false;
}

static void produce_more(struct chaos *chaos, struct producer_model *producer)
{
    if (producer->client == NULL || producer->client->client == NULL)
        reconnect(chaos, producer);
    take_answers(chaos, producer);
    if (producer->client->client == NULL)
        return;
    while (!producer->failing && producer->sent - producer->answered < IN_FLIGHT &&
           producer->sent < BATCHES && !one_in(chaos, 3)) {
        struct batch_sent *batch = &producer->batches[producer->sent];
        if (producer->sent == producer->made) {
            *batch = (struct batch_sent){.sequence = producer->next_sequence,
                                         .count = 1 + (int32_t)(random_next(&chaos->random) % 40),
                                         .offset = -1};
            producer->next_sequence += batch->count;
            producer->made++;
        }
        producer->sent++;
        (void)fake_client_produce(
            producer->client, &(struct fake_produce){.topic = "orders",
                                                     .partition = (int32_t)(producer->id % 2),
                                                     .records = build_batch(chaos, producer, batch),
                                                     .timeout_ms = 5000});
    }
}

static bool all_done(const struct chaos *chaos)
{
    for (size_t i = 0; i < PRODUCERS; i++)
        if (chaos->producers[i].acknowledged < BATCHES)
            return false;
    return true;
}

/* --- faults --- */

static void restart(struct chaos *chaos)
{
    for (size_t i = 0; i < PRODUCERS; i++) {
        if (chaos->producers[i].client != NULL)
            take_answers(chaos, &chaos->producers[i]);
        chaos->producers[i].client = NULL;
    }
    stub.leads = true;
    world_restart(chaos->world, SECOND_US);
}

static void make_trouble(struct chaos *chaos)
{
    struct gateway_world *world = chaos->world;

    if (one_in(chaos, 20))
        execute_late(chaos);
    if (one_in(chaos, 60))
        fake_node_set_down(world->node, !world->node->refuses);
    if (one_in(chaos, 60))
        stub_set_lease(!stub.leads, world->net.now);
    if (one_in(chaos, 60)) {
        struct producer_model *producer =
            &chaos->producers[random_next(&chaos->random) % PRODUCERS];
        if (producer->client != NULL)
            fake_client_close(producer->client);
    }
    if (one_in(chaos, 150))
        restart(chaos);
}

static void calm_down(struct chaos *chaos)
{
    chaos->calm = true;
    fake_node_set_down(chaos->world->node, false);
    if (!stub.leads)
        stub_set_lease(true, chaos->world->net.now);
}

/* --- what is in the table --- */

static void see_row(void *context, struct model_key key)
{
    struct chaos *chaos = context;
    struct slice value = table_model_cell(chaos->world->tables, key, "value");
    char text[64];
    int id, sequence;

    snprintf(text, sizeof(text), "%.*s", (int)value.len, (const char *)value.data);
    assert_int_equal(sscanf(text, "%d %d", &id, &sequence), 2);
    int64_t *offset = &chaos->producers[id].offsets[sequence];
    if (*offset != -1)
        fail_msg("seed %llu: record %s is there twice, at %lld and %lld",
                 (unsigned long long)chaos->seed, text, (long long)*offset, (long long)key.offset);
    *offset = key.offset;
    assert_int_equal(key.partition, id % 2);
}

static void check_producer(const struct chaos *chaos, const struct producer_model *producer)
{
    int64_t last = -1;

    for (int32_t i = 0; i < producer->made; i++) {
        const struct batch_sent *batch = &producer->batches[i];
        for (int32_t n = 0; n < batch->count; n++) {
            int64_t offset = producer->offsets[batch->sequence + n];
            if (offset == -1 || (batch->offset >= 0 && batch->offset + n != offset) ||
                offset <= last)
                fail_msg("seed %llu: record %d of producer %d is at %lld, told was %lld, the one "
                         "before is at %lld",
                         (unsigned long long)chaos->seed, batch->sequence + n, (int)producer->id,
                         (long long)offset, (long long)batch->offset, (long long)last);
            last = offset;
        }
    }
}

static void check_tables(struct chaos *chaos)
{
    for (size_t i = 0; i < PRODUCERS; i++)
        for (size_t n = 0; n < SEQUENCES_MAX; n++)
            chaos->producers[i].offsets[n] = -1;
    table_model_each(chaos->world->tables, "orders", see_row, chaos);
    for (size_t i = 0; i < PRODUCERS; i++)
        check_producer(chaos, &chaos->producers[i]);
}

static void run_seed(uint64_t seed)
{
    static struct chaos chaos;

    chaos = (struct chaos){.seed = seed, .world = world_new(&alloc_heap)};
    struct gateway_world *world = chaos.world;
    random_init(&chaos.random, seed);
    world->config.segment_max_rows = seed % 2 == 0 ? 300 : 100000;
    world->config.mutation_group_rows = seed % 7 == 0 ? 30 : 300;
    world->config.memory_bytes = seed % 5 == 0 ? 50000 : 256 << 20;
    world->config.mutation_max_bytes = seed % 3 == 0 ? 2000 : 0;
    stub_add_topic("orders", 2, world->net.now);
    assert_true(world_start(world));
    world_run(world, 20 * MS_US);
    world->intercept = intercept;
    world->intercept_context = &chaos;
    for (size_t i = 0; i < PRODUCERS; i++)
        chaos.producers[i].id = (int64_t)i;
    for (int step = 0; step < 6000 && !all_done(&chaos); step++) {
        if (step == 2000)
            calm_down(&chaos);
        make_trouble(&chaos);
        for (size_t i = 0; i < PRODUCERS; i++)
            produce_more(&chaos, &chaos.producers[i]);
        world_run(world, (int64_t)(random_next(&chaos.random) % 60000));
    }
    if (!all_done(&chaos))
        fail_msg("seed %llu: producers are stuck", (unsigned long long)seed);
    calm_down(&chaos);
    while (chaos.late_count > 0)
        execute_late(&chaos);
    check_tables(&chaos);
    assert_int_equal(fake_net_logged(&world->net, "lost acknowledged"), 0);
    world_down(world);
}

static void under_random_faults_every_acknowledged_record_is_a_row_once_and_in_order(void **state)
{
    (void)state;
    const char *only = getenv("CHAOS_SEED");

    if (only != NULL)
        run_seed(strtoull(only, NULL, 10));
    else
        for (uint64_t seed = 1; seed <= SEEDS; seed++)
            run_seed(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(under_random_faults_every_acknowledged_record_is_a_row_once_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
