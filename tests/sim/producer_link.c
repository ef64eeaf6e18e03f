/* A producer's connections: requests out, answers in, and what failed with a connection. */
#include <stdlib.h>

#include "kafka/header.h"
#include "kafka/init_producer_id.h"
#include "proto/endian.h"
#include "tests/sim/producer_internal.h"

enum { PURPOSE_RECONNECT = 340 };

struct talk *producer_talk(struct producer_link *link)
{
    return link->talk;
}

uint32_t channel_in_flight(const struct producer_link *link)
{
    return (uint32_t)(link->talk->asked - link->talk->received);
}

/* The connection is gone, and with it what was under way on it. */
static void lost(struct producer_link *link)
{
    struct producer *producer = link->producer;
    struct talk *talk = link->talk;
    uint64_t entity = producer->index + 3000;

    link->end = NULL;
    link->is_open = false;
    link->talk = NULL;
    talk->is_left = true;
    buf_reset(&link->input);
    link->retry_us = producer->world->scheduler.now_us +
                     chance_between(&producer->world->chance, entity, producer->steps,
                                    PURPOSE_RECONNECT, 50, 1000) *
                         SIM_MS_US;
    producer->metadata_is_old = true;
    while (talk->received < talk->asked) {
        struct request *request = talk_receive(talk);
        const struct in_flight *flight = &link->flights[request - talk->requests];
        producer->asks_metadata = producer->asks_metadata && request->api_key != KAFKA_METADATA;
        producer->asks_id = producer->asks_id && request->api_key != KAFKA_INIT_PRODUCER_ID;
        if (request->api_key != KAFKA_PRODUCE)
            producer->ask_gateway++;
        for (int32_t i = 0; i < request->attempt_count; i++)
            batch_failed(producer, flight->lanes[i], flight->batches[i], CODE_CONNECTION);
    }
    talk_unref(talk);
    producer_wake_at(producer, producer->world->scheduler.now_us);
}

static void on_gone(void *owner, const char *reason)
{
    (void)reason;
    lost(owner);
}

void channel_drop(struct producer_link *link)
{
    if (link->end == NULL)
        return;
    network_close(link->end);
    lost(link);
}

static void on_opened(void *owner)
{
    struct producer_link *link = owner;
    link->is_open = true;
    producer_wake_at(link->producer, link->producer->world->scheduler.now_us);
}

/* --- answers --- */

static void take_metadata(const struct producer_link *link,
                          const struct kafka_metadata_response *response)
{
    struct producer *producer = link->producer;
    producer->asks_metadata = false;
    bool is_usable = response->topic_count == 1 && response->topics[0].error_code == 0;
    bool all = true;
    for (uint32_t i = 0; i < producer->lane_count; i++) {
        struct lane *lane = &producer->lanes[i];
        for (int32_t p = 0; is_usable && p < response->topics[0].partition_count; p++) {
            const struct kafka_metadata_partition *one = &response->topics[0].partitions[p];
            if (one->partition_index == lane->partition && one->error_code == 0 &&
                one->leader_id >= 0 && one->leader_id < (int32_t)producer->world->plan.gateways)
                lane->leader = one->leader_id;
        }
        all = all && lane->leader >= 0; /* each gateway tells what it leads itself */
    }
    producer->metadata_is_old = !all;
    world_trace(producer->world, "producer %u: metadata from gateway %u: error %d, %s",
                producer->index, link->gateway,
                response->topic_count == 1 ? response->topics[0].error_code : -1,
                all ? "all leaders known" : "some are not known");
    if (!all) /* a gateway that does not know asks for another one */
        producer->ask_gateway++;
}

static void take_id(struct producer *producer,
                    const struct kafka_init_producer_id_response *response)
{
    producer->asks_id = false;
    if (response->error_code != 0) {
        producer->ask_gateway++;
        return;
    }
    producer->has_id = true;
    producer->producer_id = response->producer_id;
    producer->epoch = response->producer_epoch;
}

static void take_produced(struct producer *producer, const struct request *request,
                          const struct in_flight *flight)
{
    for (int32_t i = 0; i < request->attempt_count; i++) {
        const struct attempt *attempt = request->attempts[i];
        if (attempt->code == 0 || attempt->code == KAFKA_DUPLICATE_SEQUENCE_NUMBER)
            batch_done(producer, flight->lanes[i], flight->batches[i], attempt->claim);
        else
            batch_failed(producer, flight->lanes[i], flight->batches[i], attempt->code);
    }
}

static void take_answer(struct producer_link *link, struct slice frame)
{
    struct producer *producer = link->producer;
    struct request *request = talk_receive(link->talk);
    union {
        struct kafka_metadata_response metadata;
        struct kafka_init_producer_id_response init;
    } body;
    int32_t id;

    if (request->api_key == KAFKA_PRODUCE) { /* read when the gateway wrote it */
        take_produced(producer, request, &link->flights[request - link->talk->requests]);
        return;
    }
    arena_reset(&producer->arena);
    if (kafka_response_decode(frame, kafka_api_find(request->api_key), request->version,
                              &producer->arena, &id, &body, NULL) < 0)
        abort(); /* it could be read when the gateway wrote it */
    if (request->api_key == KAFKA_METADATA)
        take_metadata(link, &body.metadata);
    else
        take_id(producer, &body.init);
}

static void on_readable(void *owner)
{
    struct producer_link *link = owner;
    struct producer *producer = link->producer;
    struct network_end *end = link->end;

    while (link->end == end) {
        struct slice unread = network_inbox(end);
        if (unread.len < 4 || unread.len - 4 < be32_load(unread.data))
            break;
        size_t len = be32_load(unread.data);
        take_answer(link, slice_make(unread.data + 4, len));
        if (link->end == end)
            network_consume(end, 4 + len);
    }
    producer_wake_at(producer, producer->world->scheduler.now_us);
    if (link->end == end && network_has_ended(end))
        channel_drop(link);
}

static const struct network_events link_events = {on_opened, on_readable, on_readable, on_gone};

/* --- requests --- */

bool channel_use(struct producer_link *link)
{
    struct producer *producer = link->producer;
    struct world *world = producer->world;

    if (link->end == NULL && world->scheduler.now_us >= link->retry_us) {
        link->talk = talk_new(world);
        link->end = network_open(&world->network, PLACE_PRODUCER + producer->index,
                                 PLACE_GATEWAY + link->gateway, &link_events, link);
        link->retry_us = world->scheduler.now_us + 10 * SIM_SECOND_US;
    } else if (link->end != NULL && !link->is_open && world->scheduler.now_us >= link->retry_us) {
        channel_drop(link); /* it takes too long */
    }
    return link->end != NULL && link->is_open;
}

struct request *channel_send(struct producer_link *link, int16_t api, int16_t version,
                             const void *body)
{
    struct producer *producer = link->producer;
    bool is_silent = api == KAFKA_PRODUCE && producer->acks == 0;
    struct request *request = is_silent ? NULL : talk_ask(link->talk);
    struct kafka_request_header header = {
        .request_api_key = api,
        .request_api_version = version,
        .correlation_id = request == NULL ? 0 : request->correlation_id,
        .client_id = SLICE_LITERAL("sim")};

    if (request != NULL) {
        request->api_key = api;
        request->version = version;
        request->sent_us = producer->world->scheduler.now_us;
    }
    buf_reset(&link->input);
    if (kafka_request_encode(&link->input, &header, body) < 0)
        abort();
    network_send(link->end, buf_unread(&link->input));
    buf_reset(&link->input);
    return request;
}
