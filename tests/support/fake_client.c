#include "tests/support/fake_client.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kafka/header.h"
#include "proto/endian.h"

static void must(int rc)
{
    if (rc < 0)
        abort();
}

void fake_client_open(struct fake_client *fake, struct gateway *gateway, struct fake_net *net)
{
    const struct client_address address = {
        .peer = "192.0.2.1:40000", .local = "192.0.2.9", .local_port = 9092};

    memset(fake, 0, sizeof(*fake));
    fake->gateway = gateway;
    fake->net = net;
    buf_init(&fake->output, &alloc_heap, SIZE_MAX);
    buf_init(&fake->input, &alloc_heap, SIZE_MAX);
    arena_init(&fake->arena, &alloc_heap, 16 * 1024, SIZE_MAX);
    fake->client = client_open(gateway, &address, net->now);
    fake->reading = true;
    if (fake->client != NULL)
        client_set_driver(fake->client, fake);
}

void fake_client_close(struct fake_client *fake)
{
    if (fake->client != NULL)
        client_closed(fake->client, fake->net->now);
    fake->client = NULL;
}

void fake_client_deinit(struct fake_client *fake)
{
    fake_client_close(fake);
    buf_deinit(&fake->output);
    buf_deinit(&fake->input);
    arena_deinit(&fake->arena);
}

void fake_client_half_close(struct fake_client *fake)
{
    if (fake->client != NULL)
        client_half_closed(fake->client, fake->net->now);
}

void fake_client_feed(struct fake_client *fake)
{
    if (fake->is_feeding) /* chunk_bytes: from inside the pump below */
        return;
    while (fake->client != NULL && fake->reading && buf_len(&fake->input) > 0) {
        size_t room = 0, len = buf_len(&fake->input);
        uint8_t *space = client_space(fake->client, &room);
        if (room < len)
            len = room;
        if (len == 0)
            return;
        if (fake->chunk_bytes > 0 && len > fake->chunk_bytes)
            len = fake->chunk_bytes;
        memcpy(space, buf_unread(&fake->input).data, len);
        buf_consume(&fake->input, len);
        client_received(fake->client, len, fake->net->now);
        fake->is_feeding = true;
        if (fake->chunk_bytes > 0)
            fake_net_pump(fake->net);
        fake->is_feeding = false;
    }
}

void fake_client_send_bytes(struct fake_client *fake, struct slice bytes)
{
    must(buf_append(&fake->input, bytes));
    fake_client_feed(fake);
}

void fake_client_encode(struct buf *out, int16_t api_key, int16_t version, int32_t correlation_id,
                        const void *body)
{
    const struct kafka_request_header header = {.request_api_key = api_key,
                                                .request_api_version = version,
                                                .correlation_id = correlation_id,
                                                .client_id = SLICE_LITERAL("test")};
    must(kafka_request_encode(out, &header, body));
}

int32_t fake_client_send(struct fake_client *fake, int16_t api_key, int16_t version,
                         const void *body)
{
    int32_t id = ++fake->sent;
    assert_true((size_t)id < sizeof(fake->requests) / sizeof(fake->requests[0]));
    fake->requests[id].api_key = api_key;
    fake->requests[id].version = version;
    fake_client_encode(&fake->input, api_key, version, id, body);
    fake_client_feed(fake);
    return id;
}

static void take_output(struct fake_client *fake)
{
    while (fake->client != NULL && !fake->is_slow) {
        struct slice output = client_output(fake->client);
        if (output.len == 0)
            return;
        must(buf_append(&fake->output, output));
        client_sent(fake->client, output.len, fake->net->now);
    }
}

void fake_client_action(struct fake_client *fake, const struct action *action)
{
    if (action->kind == ACTION_CLIENT_WRITE) {
        take_output(fake);
    } else if (action->kind == ACTION_CLIENT_READ) {
        fake->reading = action->on;
        fake_client_feed(fake);
    } else if (action->kind == ACTION_CLIENT_CLOSE) {
        take_output(fake);
        fake->closed_by_gateway = true;
        fake_client_close(fake);
    }
}

bool fake_client_next(struct fake_client *fake, void *body)
{
    struct slice unread = buf_unread(&fake->output);
    int32_t id;

    if (unread.len < 4)
        return false;
    size_t bytes = be32_load(unread.data);
    if (unread.len < 4 + bytes)
        return false;
    do
        fake->answered++;
    while (fake->requests[fake->answered].unanswered);
    const struct kafka_api *api = kafka_api_find(fake->requests[fake->answered].api_key);
    arena_reset(&fake->arena);
    struct slice frame = arena_copy(&fake->arena, slice_make(unread.data + 4, bytes));
    assert_int_equal(kafka_response_decode(frame, api, fake->requests[fake->answered].version,
                                           &fake->arena, &id, body, NULL),
                     STATUS_OK);
    assert_int_equal(id, fake->answered);
    buf_consume(&fake->output, 4 + bytes);
    return true;
}

int32_t fake_client_produce(struct fake_client *fake, const struct fake_produce *produce)
{
    struct kafka_produce_partition partition = {produce->partition, produce->records};
    struct kafka_produce_topic topic = {
        .name = slice_cstr(produce->topic), .partitions = &partition, .partition_count = 1};
    struct kafka_produce_request request = {
        .acks = produce->acks == 0 ? -1 : produce->acks,
        .timeout_ms = produce->timeout_ms == 0 ? 30000 : produce->timeout_ms,
        .topics = &topic,
        .topic_count = 1};

    if (produce->acks == FAKE_ACKS_NONE) {
        request.acks = 0;
        fake->requests[fake->sent + 1].unanswered = true;
    }
    return fake_client_send(fake, KAFKA_PRODUCE, 9, &request);
}

bool fake_client_produced(struct fake_client *fake,
                          struct kafka_produce_partition_response *produced)
{
    struct kafka_produce_response response;
    if (!fake_client_next(fake, &response))
        return false;
    assert_int_equal(response.topic_count, 1);
    assert_int_equal(response.topics[0].partition_count, 1);
    *produced = response.topics[0].partitions[0];
    return true;
}

void fake_client_ask_topic(struct fake_client *fake, const char *topic)
{
    struct kafka_metadata_request_topic asked = {.name = slice_cstr(topic)};
    struct kafka_metadata_request request = KAFKA_METADATA_REQUEST_DEFAULT;
    request.topics = &asked;
    request.topic_count = 1;
    (void)fake_client_send(fake, KAFKA_METADATA, 9, &request);
}
