#include "tests/sim/producer_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "kafka/init_producer_id.h"

enum {
    PURPOSE_NATURE = 300, /* and some behind it */
    PURPOSE_PACE = 320,
    PURPOSE_ROWS,
    PURPOSE_ASK,
    TICK_US = 1000 * 1000,
    METADATA_REFRESH_US = 15 * 1000 * 1000,
    IN_FLIGHT_OF_LANE = 5,
};

static int64_t now_of(const struct producer *producer)
{
    return producer->world->scheduler.now_us;
}

static int64_t draw(const struct producer *producer, uint32_t purpose, int64_t min, int64_t max)
{
    return chance_between(&producer->world->chance, producer->index + 1000, producer->life,
                          PURPOSE_NATURE + purpose, min, max);
}

/* --- batches --- */

static void add_batch(struct producer *producer, struct lane *lane)
{
    const struct world *world = producer->world;
    struct pending *batch = sim_take(sizeof(*batch));
    uint64_t entity = producer->index + 2000;

    producer->made++;
    batch->first_record = lane->stream->next_record;
    batch->count = (int32_t)chance_skewed(&world->chance, entity, producer->made, PURPOSE_ROWS, 1,
                                          world->plan.batch_rows_max);
    batch->made_us = now_of(producer);
    batch->poison =
        chance_fault(&producer->world->chance, SIM_PRODUCER_POISON, entity, producer->made);
    lane->stream->next_record += (uint32_t)batch->count;
    lane->batch_count++;
    list_append(&lane->batches, &batch->node);
}

static void make_batches(struct producer *producer)
{
    const struct world *world = producer->world;
    int64_t now_us = now_of(producer);

    while (!producer->is_finishing && producer->next_batch_us <= now_us) {
        int64_t gap_us = chance_skewed(&world->chance, producer->index + 2000, producer->made,
                                       PURPOSE_PACE, world->plan.pace_us / 8,
                                       world->plan.pace_us * 4);
        if (world->plan.sleepy && producer->made % 16 == 15)
            gap_us += 40 * SIM_SECOND_US;
        producer->next_batch_us = now_us + gap_us;
        struct lane *lane = &producer->lanes[producer->made % producer->lane_count];
        if (lane->batch_count < producer->backlog_max)
            add_batch(producer, lane);
        else
            break;
    }
}

/* --- requests --- */

static struct slice build_records(struct producer *producer, const struct lane *lane,
                                  const struct pending *batch)
{
    struct batch_builder *builder = &producer->builder;
    char value[LEDGER_VALUE_MAX];

    batch_builder_reset(builder);
    builder->codec = batch->first_record % 5 == 4 ? KAFKA_CODEC_LZ4 : KAFKA_CODEC_NONE;
    builder->producer_id = producer->idempotent ? batch->producer_id : -1;
    builder->producer_epoch = producer->idempotent ? batch->epoch : -1;
    builder->base_sequence = producer->idempotent ? batch->sequence : -1;
    for (int32_t i = 0; i < batch->count; i++) {
        size_t len = ledger_value(producer->world->ledger, lane->stream,
                                  batch->first_record + (uint32_t)i, value, sizeof(value));
        batch_add(builder, 1700000000000 + i, SLICE_NULL, slice_make(value, len));
    }
    if (batch->poison) /* a record with the offset of another one */
        batch_add_raw(builder, &(struct batch_raw_record){.offset_delta = 0,
                                                          .key_len = -1,
                                                          .value_len = -1});
    return arena_copy(&producer->arena, batch_build(builder));
}

static struct claim *claim_for(struct producer *producer, const struct lane *lane,
                               const struct pending *batch)
{
    struct claim *claim =
        producer->idempotent
            ? ledger_claim(producer->world->ledger, lane->stream, batch->producer_id, batch->epoch,
                           batch->sequence, batch->first_record, batch->count)
            : ledger_claim(producer->world->ledger, lane->stream, -1, -1, -1, batch->first_record,
                           batch->count);
    claim->poison = batch->poison;
    return claim;
}

bool batch_is_oldest(const struct lane *lane, const struct pending *batch)
{
    return lane->batches.next == &batch->node;
}

static struct pending *first_waiting(const struct lane *lane)
{
    LIST_EACH (it, &lane->batches) {
        struct pending *batch = LIST_ENTRY(it, struct pending, node);
        if (!batch->in_flight)
            return batch;
    }
    return NULL;
}

static bool has_sequences(const struct lane *lane)
{
    LIST_EACH (it, &lane->batches)
        if (LIST_ENTRY(it, struct pending, node)->has_sequence)
            return true;
    return false;
}

/* What may be sent to this partition now. */
static struct pending *next_batch(struct producer *producer, struct lane *lane)
{
    struct pending *batch = first_waiting(lane);
    bool java = producer->kind == PRODUCER_JAVA;

    if (batch == NULL || now_of(producer) < batch->not_before_us || producer->drains ||
        lane->in_flight >= IN_FLIGHT_OF_LANE)
        return NULL;
    if (!producer->idempotent)
        return batch;
    if (!producer->has_id || (java && batch->has_sequence && !batch_is_oldest(lane, batch)) ||
        (java && !batch->has_sequence && lane->is_unresolved))
        return NULL;
    if (batch->has_sequence)
        return batch;
    if ((lane->producer_id != producer->producer_id || lane->epoch != producer->epoch) &&
        !has_sequences(lane)) {
        lane->producer_id = producer->producer_id;
        lane->epoch = producer->epoch;
        lane->next_sequence = 0;
        lane->last_acked = -1;
    }
    batch->has_sequence = true;
    batch->producer_id = lane->producer_id;
    batch->epoch = lane->epoch;
    batch->sequence = lane->next_sequence;
    lane->next_sequence += batch->count;
    return batch;
}

static void forget_batch(struct lane *lane, struct pending *batch)
{
    list_remove(&batch->node);
    lane->batch_count--;
    free(batch);
}

/* One Produce to this gateway. False: nothing to send. */
static bool send_batches(struct producer *producer, struct producer_link *link)
{
    struct kafka_produce_partition partitions[REQUEST_ATTEMPTS_MAX];
    struct kafka_produce_topic topic = {.name = SLICE_LITERAL("orders"), .partitions = partitions};
    struct in_flight flight = {0};
    int32_t count = 0, most = producer->kind == PRODUCER_JAVA ? LANES_MAX : 1;

    arena_reset(&producer->arena);
    for (uint32_t i = 0; i < producer->lane_count && count < most; i++) {
        struct lane *lane = &producer->lanes[(producer->steps + i) % producer->lane_count];
        struct pending *batch =
            lane->leader == (int)link->gateway ? next_batch(producer, lane) : NULL;
        if (batch == NULL)
            continue;
        flight.lanes[count] = lane;
        flight.batches[count] = batch;
        partitions[count++] = (struct kafka_produce_partition){
            lane->partition, build_records(producer, lane, batch)};
    }
    producer->steps++;
    if (count == 0)
        return false;
    topic.partition_count = count;
    struct kafka_produce_request body = {.acks = producer->acks,
                                         .timeout_ms = producer->timeout_ms,
                                         .topics = &topic,
                                         .topic_count = 1};
    struct request *request = channel_send(link, KAFKA_PRODUCE, producer->produce_version, &body);
    for (int32_t i = 0; i < count; i++) {
        struct claim *claim = claim_for(producer, flight.lanes[i], flight.batches[i]);
        struct attempt *attempt = ledger_attempt(producer->world->ledger, claim,
                                                 link->talk->serial);
        if (request == NULL) { /* acks=0: that was all */
            forget_batch(flight.lanes[i], flight.batches[i]);
            continue;
        }
        request->attempts[i] = attempt;
        flight.batches[i]->in_flight = true;
        flight.lanes[i]->in_flight++;
    }
    producer->world->counts.produce_requests++;
    if (request == NULL)
        return true;
    request->attempt_count = count;
    link->flights[request - link->talk->requests] = flight;
    return true;
}

static void ask_metadata(struct producer_link *link)
{
    struct kafka_metadata_request_topic topic = {.name = SLICE_LITERAL("orders")};
    struct kafka_metadata_request body = KAFKA_METADATA_REQUEST_DEFAULT;
    body.topics = &topic;
    body.topic_count = 1;
    (void)channel_send(link, KAFKA_METADATA, 9, &body);
    link->producer->asks_metadata = true;
}

/* Producer id and metadata, from one gateway after the other. */
static void ask(struct producer *producer)
{
    const struct world *world = producer->world;
    bool wants_id = producer->idempotent && !producer->has_id && !producer->asks_id;
    bool wants_metadata = producer->metadata_is_old && !producer->asks_metadata;

    if ((!wants_id && !wants_metadata) || now_of(producer) < producer->ask_again_us)
        return;
    struct producer_link *link = &producer->links[producer->ask_gateway % world->plan.gateways];
    if (!channel_use(link)) {
        if (link->end == NULL) /* refused; the next one then */
            producer->ask_gateway++;
        return;
    }
    producer->ask_again_us = now_of(producer) + 100 * SIM_MS_US;
    if (wants_metadata) {
        ask_metadata(link);
        return;
    }
    struct kafka_init_producer_id_request body = KAFKA_INIT_PRODUCER_ID_REQUEST_DEFAULT;
    body.transaction_timeout_ms = 60000;
    (void)channel_send(link, KAFKA_INIT_PRODUCER_ID, 2, &body);
    producer->asks_id = true;
}

/* --- time --- */

static void check_times(struct producer *producer)
{
    int64_t now_us = now_of(producer);

    for (unsigned i = 0; i < producer->world->plan.gateways; i++) {
        struct producer_link *link = &producer->links[i];
        if (link->end != NULL && link->talk->asked > link->talk->received &&
            now_us - link->talk->requests[link->talk->received % TALK_REQUESTS_MAX].sent_us >
                producer->request_timeout_us)
            channel_drop(link);
    }
    for (uint32_t i = 0; i < producer->lane_count; i++) {
        struct lane *lane = &producer->lanes[i];
        LIST_EACH_SAFE (it, after, &lane->batches) {
            struct pending *batch = LIST_ENTRY(it, struct pending, node);
            if (!batch->in_flight && now_us - batch->made_us > producer->delivery_timeout_us)
                batch_given_up(producer, lane, batch);
        }
    }
}

static void step(void *argument)
{
    struct producer *producer = argument;
    int64_t now_us = now_of(producer);

    producer->wake = NULL;
    if (producer->is_closed)
        return;
    if (now_us < producer->sleep_until_us) {
        producer_wake_at(producer, producer->sleep_until_us);
        return;
    }
    make_batches(producer);
    check_times(producer);
    producer_settle(producer);
    if (now_us / METADATA_REFRESH_US != (now_us - TICK_US) / METADATA_REFRESH_US)
        producer->metadata_is_old = true;
    ask(producer);
    for (unsigned i = 0; i < producer->world->plan.gateways; i++) {
        struct producer_link *link = &producer->links[i];
        bool wanted = false;
        for (uint32_t n = 0; n < producer->lane_count; n++)
            wanted = wanted || (producer->lanes[n].leader == (int)i &&
                                !list_empty(&producer->lanes[n].batches));
        while (wanted && channel_use(link) && channel_in_flight(link) < producer->in_flight_max &&
               send_batches(producer, link))
            ;
    }
    int64_t next_us = now_us + TICK_US / 4;
    if (!producer->is_finishing && producer->next_batch_us < next_us)
        next_us = producer->next_batch_us;
    if (producer->is_finishing && producer_is_done(producer))
        next_us = now_us + 5 * TICK_US;
    for (uint32_t i = 0; i < producer->lane_count; i++) {
        const struct pending *batch = first_waiting(&producer->lanes[i]);
        if (batch != NULL && batch->not_before_us > now_us && batch->not_before_us < next_us)
            next_us = batch->not_before_us;
    }
    producer_wake_at(producer, next_us);
}

void producer_wake_at(struct producer *producer, int64_t at_us)
{
    if (producer->is_closed || (producer->wake != NULL && producer->wake_us <= at_us))
        return;
    scheduler_cancel(&producer->world->scheduler, producer->wake);
    producer->wake_us = at_us;
    producer->wake = scheduler_at(&producer->world->scheduler, at_us, step, producer);
}

/* --- life --- */

static void draw_nature(struct producer *producer)
{
    static const int64_t request_s[] = {3, 10, 30}, delivery_s[] = {10, 40, 120};

    producer->kind = draw(producer, 0, 0, 1) == 0 ? PRODUCER_JAVA : PRODUCER_LIBRDKAFKA;
    producer->idempotent = draw(producer, 1, 0, 4) > 0;
    producer->in_flight_max = (uint32_t)draw(producer, 2, 1, 5);
    producer->request_timeout_us = request_s[draw(producer, 3, 0, 2)] * SIM_SECOND_US;
    producer->delivery_timeout_us = delivery_s[draw(producer, 4, 0, 2)] * SIM_SECOND_US;
    producer->timeout_ms = (int32_t)(producer->request_timeout_us / 1000);
    producer->acks = producer->idempotent ? -1 : (int16_t)draw(producer, 5, -1, 1);
    producer->produce_version = (int16_t)draw(producer, 6, 3, 12);
    producer->backlog_max = (uint32_t)draw(producer, 7, 2, 30);
}

static void begin_life(struct producer *producer)
{
    struct world *world = producer->world;

    producer->life++;
    producer->has_id = producer->drains = producer->asks_id = producer->asks_metadata = false;
    producer->metadata_is_old = true;
    producer->epoch = 0;
    draw_nature(producer);
    for (uint32_t i = 0; i < producer->lane_count; i++) {
        struct lane *lane = &producer->lanes[i];
        *lane = (struct lane){.partition = (int32_t)((producer->index + i) %
                                                     (uint32_t)world->plan.partitions),
                              .producer_id = -1,
                              .last_acked = -1,
                              .leader = -1};
        list_init(&lane->batches);
        lane->stream =
            ledger_stream(world->ledger, producer->index, lane->partition, producer->idempotent);
    }
}

struct producer *producer_new(struct world *world, unsigned index)
{
    struct producer *producer = sim_take(sizeof(*producer));

    producer->world = world;
    producer->index = index;
    producer->ask_gateway = index;
    producer->lane_count =
        1 + (uint32_t)draw(producer, 8, 0, world->plan.partitions - 1);
    if (producer->lane_count > LANES_MAX)
        producer->lane_count = LANES_MAX;
    for (unsigned i = 0; i < GATEWAYS_MAX; i++) {
        producer->links[i].producer = producer;
        producer->links[i].gateway = i;
        buf_init(&producer->links[i].input, &alloc_heap, SIZE_MAX);
    }
    batch_builder_init(&producer->builder);
    arena_init(&producer->arena, &alloc_heap, 4096, SIZE_MAX);
    begin_life(producer);
    producer->next_batch_us = now_of(producer) + 500 * SIM_MS_US;
    producer_wake_at(producer, now_of(producer) + 200 * SIM_MS_US);
    return producer;
}

static void drop_batches(struct producer *producer)
{
    for (uint32_t i = 0; i < producer->lane_count; i++)
        LIST_EACH_SAFE (it, after, &producer->lanes[i].batches)
            forget_batch(&producer->lanes[i], LIST_ENTRY(it, struct pending, node));
}

void producer_free(struct producer *producer)
{
    for (unsigned i = 0; i < GATEWAYS_MAX; i++) {
        if (producer->links[i].talk != NULL)
            talk_unref(producer->links[i].talk);
        buf_deinit(&producer->links[i].input);
    }
    drop_batches(producer);
    batch_builder_deinit(&producer->builder);
    arena_deinit(&producer->arena);
    free(producer);
}

void producer_crash(struct producer *producer)
{
    world_trace(producer->world, "producer %u crashes", producer->index);
    producer_cut(producer);
    drop_batches(producer);
    begin_life(producer);
    producer_wake_at(producer, now_of(producer));
}

void producer_cut(struct producer *producer)
{
    for (unsigned i = 0; i < producer->world->plan.gateways; i++)
        channel_drop(&producer->links[i]);
    producer_wake_at(producer, now_of(producer));
}

void producer_stray(struct producer *producer, unsigned gateway)
{
    for (uint32_t i = 0; i < producer->lane_count; i++)
        producer->lanes[i].leader = (int)gateway;
    producer_wake_at(producer, now_of(producer));
}

void producer_sleep(struct producer *producer, int64_t for_us)
{
    producer->sleep_until_us = now_of(producer) + for_us;
}

void producer_finish(struct producer *producer)
{
    producer->sleep_until_us = 0;
    producer->is_finishing = true;
    if (producer->acks == 0) /* an answer says that the partition has been recovered */
        producer->acks = 1;
    for (uint32_t i = 0; i < producer->lane_count; i++)
        add_batch(producer, &producer->lanes[i]);
    producer_wake_at(producer, now_of(producer));
}

bool producer_is_done(const struct producer *producer)
{
    for (uint32_t i = 0; i < producer->lane_count; i++)
        if (!list_empty(&producer->lanes[i].batches))
            return false;
    return true;
}

void producer_close(struct producer *producer)
{
    producer_cut(producer);
    producer->is_closed = true;
    scheduler_cancel(&producer->world->scheduler, producer->wake);
    producer->wake = NULL;
}

void producer_print(const struct producer *producer, char *to, size_t bytes)
{
    int len = snprintf(to, bytes, "producer %u (%s%s, id %lld epoch %d%s):", producer->index,
                       producer->kind == PRODUCER_JAVA ? "java" : "librdkafka",
                       producer->idempotent ? ", idempotent" : "",
                       producer->has_id ? (long long)producer->producer_id : -1, producer->epoch,
                       producer->drains ? ", draining" : "");
    for (uint32_t i = 0; i < producer->lane_count && len > 0 && (size_t)len < bytes; i++) {
        const struct lane *lane = &producer->lanes[i];
        len += snprintf(to + len, bytes - (size_t)len,
                        " partition %d leader %d: %u batches, %u in flight%s;", lane->partition,
                        lane->leader, lane->batch_count, lane->in_flight,
                        lane->is_unresolved ? ", unresolved" : "");
    }
}
