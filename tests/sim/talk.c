#include "tests/sim/talk.h"

#include <stdlib.h>

#include "kafka/alter_configs.h"
#include "kafka/create_partitions.h"
#include "kafka/create_topics.h"
#include "kafka/delete_topics.h"
#include "kafka/header.h"
#include "kafka/init_producer_id.h"
#include "kafka/metadata.h"
#include "kafka/produce.h"
#include "proto/endian.h"
#include "tests/sim/world.h"

struct talk *talk_new(struct world *world)
{
    struct talk *talk = sim_take(sizeof(*talk));
    talk->references = 1;
    talk->serial = ++world->talk_serial;
    talk->world = world;
    buf_init(&talk->output, &alloc_heap, SIZE_MAX);
    arena_init(&talk->arena, &alloc_heap, 1024, SIZE_MAX);
    return talk;
}

struct talk *talk_ref(struct talk *talk)
{
    talk->references++;
    return talk;
}

void talk_unref(struct talk *talk)
{
    if (--talk->references > 0)
        return;
    buf_deinit(&talk->output);
    arena_deinit(&talk->arena);
    free(talk);
}

struct request *talk_ask(struct talk *talk)
{
    if (talk->asked - talk->received >= TALK_REQUESTS_MAX)
        return NULL;
    struct request *request = &talk->requests[talk->asked % TALK_REQUESTS_MAX];
    *request = (struct request){.correlation_id = (int32_t)++talk->asked};
    return request;
}

struct request *talk_receive(struct talk *talk)
{
    return &talk->requests[talk->received++ % TALK_REQUESTS_MAX];
}

static struct attempt *attempt_for(const struct request *request, int32_t partition)
{
    for (int32_t i = 0; i < request->attempt_count; i++)
        if (request->attempts[i]->claim->stream->partition == partition)
            return request->attempts[i];
    return NULL;
}

static void take_produced(struct talk *talk, const struct process *process,
                          const struct request *request,
                          const struct kafka_produce_response *response)
{
    int32_t answers = 0;

    for (int32_t t = 0; t < response->topic_count; t++)
        for (int32_t p = 0; p < response->topics[t].partition_count; p++) {
            const struct kafka_produce_partition_response *one =
                &response->topics[t].partitions[p];
            struct attempt *attempt = attempt_for(request, one->index);
            if (attempt == NULL)
                world_violation(talk->world, "I8", "an answer for partition %d, not asked for",
                                one->index);
            ledger_answered(talk->world->ledger, process, attempt, one->error_code,
                            one->base_offset, !talk->is_left);
            answers++;
        }
    if (answers != request->attempt_count)
        world_violation(talk->world, "I8", "%d partitions answered, %d asked for", answers,
                        request->attempt_count);
}

union answer {
    struct kafka_produce_response produce;
    struct kafka_metadata_response metadata;
    struct kafka_init_producer_id_response init;
    struct kafka_create_topics_response create;
    struct kafka_delete_topics_response delete;
    struct kafka_create_partitions_response grow;
    struct kafka_alter_configs_response alter;
};

static void take_answer(struct talk *talk, const struct process *process, struct slice frame)
{
    const struct request *request = &talk->requests[talk->answered % TALK_REQUESTS_MAX];
    union answer answer;
    int32_t correlation_id = 0;

    if (talk->answered == talk->asked)
        world_violation(talk->world, "I8", "an answer that nobody asked for");
    arena_reset(&talk->arena);
    if (kafka_response_decode(frame, kafka_api_find(request->api_key), request->version,
                              &talk->arena, &correlation_id, &answer, NULL) < 0 ||
        correlation_id != request->correlation_id)
        world_violation(talk->world, "I8", "the answer to request %d has number %d, or no form",
                        request->correlation_id, correlation_id);
    talk->answered++;
    if (talk->is_foreign)
        return;
    if (request->api_key == KAFKA_PRODUCE)
        take_produced(talk, process, request, &answer.produce);
    else if (request->api_key == KAFKA_INIT_PRODUCER_ID && answer.init.error_code == 0)
        ledger_producer_id(talk->world->ledger, answer.init.producer_id);
}

void talk_emitted(struct talk *talk, const struct process *process, struct slice bytes)
{
    if (buf_append(&talk->output, bytes) < 0)
        abort();
    for (;;) {
        struct slice unread = buf_unread(&talk->output);
        if (unread.len < 4 || unread.len - 4 < be32_load(unread.data))
            return;
        size_t len = be32_load(unread.data);
        take_answer(talk, process, slice_make(unread.data + 4, len));
        buf_consume(&talk->output, 4 + len);
    }
}

/* --- CQL --- */

/* True: a header is whole; `bytes` goes on behind what was taken. */
static bool next_header(struct cql_tap_side *side, struct slice *bytes)
{
    while (bytes->len > 0) {
        size_t skipped = side->skip < bytes->len ? side->skip : bytes->len;
        *bytes = slice_make(bytes->data + skipped, bytes->len - skipped);
        side->skip -= (uint32_t)skipped;
        while (side->skip == 0 && bytes->len > 0 && side->have < sizeof(side->head)) {
            side->head[side->have++] = bytes->data[0];
            *bytes = slice_make(bytes->data + 1, bytes->len - 1);
        }
        if (side->have == sizeof(side->head)) {
            side->have = 0;
            side->skip = be32_load(side->head + 5);
            return true;
        }
    }
    return false;
}

static uint16_t stream_of(const struct cql_tap_side *side)
{
    return (uint16_t)be16_load(side->head + 2);
}

void cql_tap_sent(struct cql_tap *tap, struct world *world, struct slice bytes)
{
    while (next_header(&tap->out, &bytes)) {
        uint16_t stream = stream_of(&tap->out);
        if (stream >= 32768)
            world_violation(world, "I9", "a request with stream id %d", (int16_t)stream);
        if ((tap->live[stream / 8] & (1 << stream % 8)) != 0)
            world_violation(world, "I9", "stream id %u is used while its request is under way",
                            stream);
        tap->live[stream / 8] |= (uint8_t)(1 << stream % 8);
    }
}

void cql_tap_received(struct cql_tap *tap, struct slice bytes)
{
    while (!tap->in.is_lost && next_header(&tap->in, &bytes)) {
        uint16_t stream = stream_of(&tap->in);
        tap->in.is_lost = tap->in.head[0] != 0x84;
        if (stream < 32768)
            tap->live[stream / 8] &= (uint8_t)~(1 << stream % 8);
    }
}
