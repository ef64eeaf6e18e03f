#include "tests/sim/lifecycle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/alter_configs.h"
#include "kafka/config.h"
#include "kafka/create_partitions.h"
#include "kafka/create_topics.h"
#include "kafka/delete_topics.h"
#include "kafka/error.h"
#include "kafka/header.h"
#include "tests/sim/lifecycle_internal.h"

enum {
    PURPOSE_ACT = 1000,
    PURPOSE_PAUSE,
    PURPOSE_COUNT,
    LATE_CHANGES_US = 60 * 1000 * 1000, /* what a gateway was asked before all was well */
};

#define TOPIC_NAME SLICE_LITERAL("life")

static int64_t now_of(const struct guest *guest)
{
    return guest->life->world->scheduler.now_us;
}

static int64_t draw(const struct guest *guest, uint32_t purpose, int64_t min, int64_t max)
{
    return chance_between(&guest->life->world->chance, 4000 + guest->place, guest->steps, purpose,
                          min, max);
}

static void step(void *argument);

static void wake_in(struct guest *guest, int64_t us)
{
    struct scheduler *scheduler = &guest->life->world->scheduler;
    scheduler_cancel(scheduler, guest->wake);
    guest->wake = guest->is_closed ? NULL : scheduler_in(scheduler, us, step, guest);
}

/* --- its connection --- */

static void lost(struct guest *guest)
{
    guest->link.end = NULL;
    guest->link.is_open = false;
    talk_unref(guest->link.talk);
    guest->link.talk = NULL;
    guest->request = NULL;
    wake_in(guest, draw(guest, PURPOSE_PAUSE, 20, 500) * SIM_MS_US);
}

static void drop(struct guest *guest)
{
    if (guest->link.end == NULL)
        return;
    network_close(guest->link.end);
    lost(guest);
}

/* The network knows a client by its link, as it does producers. */
static struct guest *guest_of(void *owner)
{
    return (struct guest *)(void *)((char *)owner - offsetof(struct guest, link));
}

static void on_gone(void *owner, const char *reason)
{
    (void)reason;
    guest_of(owner)->gateway++;
    lost(guest_of(owner));
}

static void on_opened(void *owner)
{
    struct guest *guest = guest_of(owner);
    guest->link.is_open = true;
    wake_in(guest, 0);
}

static void on_readable(void *owner)
{
    struct guest *guest = guest_of(owner);
    struct network_end *end = guest->link.end;
    struct slice unread = network_inbox(end);

    if (unread.len >= 4 && unread.len - 4 >= be32_load(unread.data) && guest->request != NULL) {
        size_t len = be32_load(unread.data);
        guest_answered(guest, slice_make(unread.data + 4, len));
        network_consume(end, 4 + len);
        wake_in(guest, 0);
    }
    if (network_has_ended(end)) {
        guest->gateway++;
        drop(guest);
    }
}

static const struct network_events events = {on_opened, on_readable, on_readable, on_gone};

/* True: there is a connection to this gateway, which can take a request. */
static bool use(struct guest *guest, unsigned gateway)
{
    struct world *world = guest->life->world;

    if (guest->link.end != NULL && guest->link.gateway != gateway)
        drop(guest);
    if (guest->link.end != NULL)
        return guest->link.is_open;
    guest->link.gateway = gateway;
    guest->link.talk = talk_new(world);
    guest->link.talk->is_foreign = true;
    guest->asked_us = now_of(guest);
    guest->link.end = network_open(&world->network, PLACE_PRODUCER + guest->place,
                                   PLACE_GATEWAY + gateway, &events, &guest->link);
    return false;
}

void guest_ask(struct guest *guest, int16_t api, int16_t version, const void *body)
{
    struct request *request = talk_ask(guest->link.talk);
    struct kafka_request_header header = {.request_api_key = api,
                                          .request_api_version = version,
                                          .correlation_id = request->correlation_id,
                                          .client_id = SLICE_LITERAL("guest")};

    request->api_key = api;
    request->version = version;
    guest->request = request;
    guest->asked_us = now_of(guest);
    buf_reset(&guest->link.input);
    if (kafka_request_encode(&guest->link.input, &header, body) < 0)
        abort();
    network_send(guest->link.end, buf_unread(&guest->link.input));
}

/* --- who makes, changes and deletes it --- */

static void ask_create(struct guest *guest)
{
    struct kafka_create_topics_topic topic = {
        .name = TOPIC_NAME,
        .num_partitions = (int32_t)draw(guest, PURPOSE_COUNT, 1, LIFE_PARTITIONS_MAX),
        .replication_factor = -1};
    struct kafka_create_topics_request body = {
        .topics = &topic, .topic_count = 1, .timeout_ms = 10000};
    guest_ask(guest, KAFKA_CREATE_TOPICS, 7, &body);
}

static void ask_delete(struct guest *guest)
{
    struct kafka_delete_topics_topic topic = {.name = TOPIC_NAME};
    struct kafka_delete_topics_request body = {
        .topics = &topic, .topic_count = 1, .timeout_ms = 10000};
    guest_ask(guest, KAFKA_DELETE_TOPICS, 5, &body);
}

static void ask_grow(struct guest *guest)
{
    struct kafka_create_partitions_topic topic = {
        .name = TOPIC_NAME, .count = LIFE_PARTITIONS_MAX, .assignment_count = -1};
    struct kafka_create_partitions_request body = {
        .topics = &topic, .topic_count = 1, .timeout_ms = 10000};
    guest_ask(guest, KAFKA_CREATE_PARTITIONS, 2, &body);
}

/* Rows live for a day, or for ever: none vanishes in a run, but recovery has to think of it. */
static void ask_alter(struct guest *guest)
{
    static const char *const settings[][2] = {
        {"retention.ms", "86400000"},  {"retention.ms", "-1"}, {"retention.ms", "172800000"},
        {"compression.type", "zstd"},  {"compression.type", "producer"},
        {"compression.type", "uncompressed"},
    };
    const char *const *setting = settings[draw(guest, PURPOSE_COUNT, 0, 5)];
    struct kafka_alter_configs_config config = {.name = slice_cstr(setting[0]),
                                                .config_operation = KAFKA_CONFIG_SET,
                                                .value = slice_cstr(setting[1])};
    struct kafka_alter_configs_resource resource = {.resource_type = KAFKA_RESOURCE_TOPIC,
                                                    .resource_name = TOPIC_NAME,
                                                    .configs = &config,
                                                    .config_count = 1};
    struct kafka_alter_configs_request body = {.resources = &resource, .resource_count = 1};
    guest_ask(guest, KAFKA_INCREMENTAL_ALTER_CONFIGS, 1, &body);
}

static void administer(struct guest *guest)
{
    if (now_of(guest) < guest->act_us ||
        !use(guest, guest->gateway % guest->life->world->plan.gateways))
        return;
    guest->act_us = now_of(guest) + (guest->life->is_finishing
                                         ? SIM_SECOND_US
                                         : draw(guest, PURPOSE_PAUSE, 300, 20000) * SIM_MS_US);
    int64_t what = guest->life->is_finishing ? 0 : draw(guest, PURPOSE_ACT, 0, 9);
    if (what < 5)
        ask_create(guest);
    else if (what < 7)
        ask_delete(guest);
    else if (what == 7)
        ask_grow(guest);
    else
        ask_alter(guest);
}

static void administered(struct guest *guest, struct slice frame)
{
    union {
        struct kafka_create_topics_response create;
        struct kafka_delete_topics_response delete;
        struct kafka_create_partitions_response grow;
        struct kafka_alter_configs_response alter;
    } body;
    struct sim_counts *counts = &guest->life->world->counts;
    int16_t code = -1;
    int32_t id;

    if (kafka_response_decode(frame, kafka_api_find(guest->request->api_key),
                              guest->request->version, &guest->life->arena, &id, &body, NULL) < 0)
        abort();
    switch (guest->request->api_key) {
    case KAFKA_CREATE_TOPICS:
        code = body.create.topics[0].error_code;
        counts->life_created += code == 0;
        break;
    case KAFKA_DELETE_TOPICS:
        code = body.delete.responses[0].error_code;
        counts->life_deleted += code == 0;
        break;
    case KAFKA_CREATE_PARTITIONS:
        code = body.grow.results[0].error_code;
        counts->life_changed += code == 0;
        break;
    default:
        code = body.alter.responses[0].error_code;
        counts->life_changed += code == 0;
    }
    world_trace(guest->life->world, "life: api %d at gateway %u: %d", guest->request->api_key,
                guest->link.gateway, code);
    if (code == KAFKA_NOT_CONTROLLER || code == KAFKA_REQUEST_TIMED_OUT)
        guest->gateway++;
}

void guest_answered(struct guest *guest, struct slice frame)
{
    arena_reset(&guest->life->arena);
    (void)talk_receive(guest->link.talk);
    if (guest->is_admin) {
        administered(guest, frame);
    } else {
        writer_answered(guest, frame);
        guest->act_us = now_of(guest) + draw(guest, PURPOSE_PAUSE, 20, 1000) * SIM_MS_US;
    }
    guest->request = NULL;
}

/* --- time --- */

static void step(void *argument)
{
    struct guest *guest = argument;
    bool waits = guest->request != NULL || (guest->link.end != NULL && !guest->link.is_open);

    guest->wake = NULL;
    guest->steps++;
    if (waits && now_of(guest) - guest->asked_us > 20 * SIM_SECOND_US) {
        guest->gateway++;
        drop(guest);
    } else if (!waits && guest->is_admin) {
        administer(guest);
    } else if (!waits && now_of(guest) >= guest->act_us && use(guest, writer_gateway(guest))) {
        writer_ask(guest);
    }
    if (guest->wake == NULL)
        wake_in(guest, 250 * SIM_MS_US);
}

struct lifecycle *lifecycle_new(struct world *world)
{
    struct lifecycle *life = sim_take(sizeof(*life));

    life->world = world;
    arena_init(&life->arena, &alloc_heap, 4096, SIZE_MAX);
    batch_builder_init(&life->builder);
    for (unsigned i = 0; i < GUESTS; i++) {
        struct guest *guest = &life->guests[i];
        guest->life = life;
        guest->place = PRODUCERS_MAX_SIM + i;
        guest->gateway = i;
        guest->is_admin = i == 0;
        buf_init(&guest->link.input, &alloc_heap, SIZE_MAX);
        wake_in(guest, SIM_SECOND_US);
    }
    return life;
}

void lifecycle_free(struct lifecycle *life)
{
    if (life == NULL)
        return;
    for (unsigned i = 0; i < GUESTS; i++) {
        if (life->guests[i].link.talk != NULL)
            talk_unref(life->guests[i].link.talk);
        buf_deinit(&life->guests[i].link.input);
    }
    batch_builder_deinit(&life->builder);
    arena_deinit(&life->arena);
    free(life->acks);
    free(life);
}

void lifecycle_finish(struct lifecycle *life)
{
    life->is_finishing = true;
    life->counts_from_us = life->world->scheduler.now_us + LATE_CHANGES_US;
    for (unsigned i = 0; i < GUESTS; i++) {
        life->guests[i].act_us = 0;
        wake_in(&life->guests[i], 0);
    }
}

bool lifecycle_is_done(const struct lifecycle *life)
{
    const struct guest *writer = &life->guests[GUESTS - 1];
    if (!life->is_finishing || writer->partitions == 0)
        return false;
    for (int32_t i = 0; i < writer->partitions; i++)
        if (!writer->is_written[i])
            return false;
    return true;
}

void lifecycle_close(struct lifecycle *life)
{
    for (unsigned i = 0; i < GUESTS; i++) {
        life->guests[i].is_closed = true;
        drop(&life->guests[i]);
        wake_in(&life->guests[i], 0);
    }
}
