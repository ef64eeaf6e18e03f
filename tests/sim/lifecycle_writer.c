#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/error.h"
#include "kafka/header.h"
#include "tests/sim/ledger_internal.h"
#include "tests/sim/lifecycle_internal.h"

#define KEYSPACE "sluice"

/* --- writing --- */

unsigned writer_gateway(const struct guest *guest)
{
    return (guest->has_topic ? (unsigned)guest->leaders[guest->partition] : guest->gateway) %
           guest->life->world->plan.gateways;
}

static void hex(const uint8_t id[16], char to[33])
{
    for (int i = 0; i < 16; i++)
        (void)snprintf(to + 2 * i, 3, "%02x", id[i]);
}

static void ask_metadata(struct guest *guest)
{
    struct kafka_metadata_request_topic topic = {.name = SLICE_LITERAL("life")};
    struct kafka_metadata_request body = {.topics = &topic, .topic_count = 1};
    guest_ask(guest, KAFKA_METADATA, 12, &body);
}

static void ask_produce(struct guest *guest)
{
    struct lifecycle *life = guest->life;
    char id[33], value[80];

    hex(guest->id, id);
    int len = snprintf(value, sizeof(value), "life %s %d %u", id, guest->partition, life->records);
    batch_builder_reset(&life->builder);
    life->builder.codec = KAFKA_CODEC_NONE;
    life->builder.producer_id = -1;
    life->builder.producer_epoch = -1;
    life->builder.base_sequence = -1;
    batch_add(&life->builder, 1700000000000, SLICE_NULL, slice_make(value, (size_t)len));
    struct kafka_produce_partition partition = {guest->partition, batch_build(&life->builder)};
    struct kafka_produce_topic topic = {.partitions = &partition, .partition_count = 1};
    struct kafka_produce_request body = {
        .acks = -1, .timeout_ms = 10000, .topics = &topic, .topic_count = 1};
    memcpy(topic.topic_id, guest->id, 16);
    life->records++;
    guest_ask(guest, KAFKA_PRODUCE, 13, &body);
}

void writer_ask(struct guest *guest)
{
    if (guest->has_topic)
        ask_produce(guest);
    else
        ask_metadata(guest);
}

/* Each gateway names the partitions that it leads itself. */
static void take_metadata(struct guest *guest, const struct kafka_metadata_topic *topic)
{
    world_trace(guest->life->world, "life: metadata from gateway %u: error %d, %d partitions",
                guest->link.gateway, topic->error_code, topic->partition_count);
    if (topic->error_code != 0 || topic->partition_count < 1 ||
        topic->partition_count > LIFE_PARTITIONS_MAX) {
        guest->gateway++;
        return;
    }
    if (memcmp(guest->id, topic->topic_id, 16) != 0) {
        memset(guest->is_written, 0, sizeof(guest->is_written));
        memset(guest->leaders, -1, sizeof(guest->leaders));
    }
    memcpy(guest->id, topic->topic_id, 16);
    guest->partitions = topic->partition_count;
    guest->partition %= guest->partitions;
    for (int32_t i = 0; i < topic->partition_count; i++) {
        const struct kafka_metadata_partition *one = &topic->partitions[i];
        if (one->error_code == 0 && one->leader_id >= 0 && one->partition_index >= 0 &&
            one->partition_index < topic->partition_count)
            guest->leaders[one->partition_index] = one->leader_id;
    }
    guest->has_topic = guest->leaders[guest->partition] >= 0;
    guest->gateway += !guest->has_topic;
}

static void note_ack(struct guest *guest, int64_t offset)
{
    struct lifecycle *life = guest->life;

    for (size_t i = 0; i < life->ack_count; i++)
        if (life->acks[i].partition == guest->partition && life->acks[i].offset == offset &&
            memcmp(life->acks[i].id, guest->id, 16) == 0)
            world_violation(life->world, "I3",
                            "life: offset %lld of partition %d was told for record %u and now %u",
                            (long long)offset, guest->partition, life->acks[i].record,
                            life->records - 1);
    ledger_grow(&life->acks, life->ack_count, &life->ack_capacity, sizeof(*life->acks));
    struct life_ack *ack = &life->acks[life->ack_count++];
    *ack = (struct life_ack){
        .partition = guest->partition, .offset = offset, .record = life->records - 1};
    memcpy(ack->id, guest->id, 16);
    life->world->counts.life_acks++;
}

static void take_produced(struct guest *guest, const struct kafka_produce_partition_response *one)
{
    struct lifecycle *life = guest->life;
    char id[33];

    hex(guest->id, id);
    world_trace(life->world, "life: record %u to %s partition %d: answer %d offset %lld",
                life->records - 1, id, guest->partition, one->error_code,
                (long long)one->base_offset);
    if (one->error_code == 0) {
        note_ack(guest, one->base_offset);
        guest->is_written[guest->partition] =
            life->is_finishing && life->world->scheduler.now_us >= life->counts_from_us;
        guest->partition = (guest->partition + 1) % guest->partitions;
    } else {
        guest->leaders[guest->partition] = -1;
    }
    guest->has_topic = guest->leaders[guest->partition] >= 0 && life->records % 16 != 0;
    guest->gateway += !guest->has_topic; /* ask again */
}

void writer_answered(struct guest *guest, struct slice frame)
{
    union {
        struct kafka_metadata_response metadata;
        struct kafka_produce_response produce;
    } body;
    int32_t id;

    if (kafka_response_decode(frame, kafka_api_find(guest->request->api_key),
                              guest->request->version, &guest->life->arena, &id, &body, NULL) < 0)
        abort();
    if (guest->request->api_key == KAFKA_METADATA)
        take_metadata(guest, &body.metadata.topics[0]);
    else
        take_produced(guest, &body.produce.topics[0].partitions[0]);
}

/* --- reading back --- */

static void take_topic(void *context, const struct database_row *row)
{
    struct lifecycle *life = context;
    struct slice id = row->cells[life->id_column].value;
    struct slice table = row->cells[life->table_column].value;

    if (!slice_equal(row->partition_key[0], SLICE_LITERAL("life")) || id.len != 16 ||
        table.len >= sizeof(life->row.table))
        return;
    life->row.is_found = true;
    memcpy(life->row.id, id.data, 16);
    (void)snprintf(life->row.table, sizeof(life->row.table), "%.*s", (int)table.len, table.data);
}

static void take_row(void *context, const struct database_row *row)
{
    struct lifecycle *life = context;
    struct slice value = row->cells[life->value_column].value;
    int32_t partition = (int32_t)be32_load(row->partition_key[0].data), told;
    char text[80], wanted[33], id[33] = "";
    uint32_t record;

    (void)snprintf(text, sizeof(text), "%.*s", value.len < 79 ? (int)value.len : 79,
                   value.data == NULL ? "" : (const char *)value.data);
    hex(life->row.id, wanted);
    if (sscanf(text, "life %32s %d %u", id, &told, &record) != 3 || strcmp(id, wanted) != 0 ||
        told != partition)
        world_violation(life->world, "I3",
                        "life: partition %d offset %lld of topic %s (table %s) holds: %s",
                        partition, (long long)row->clustering, wanted, life->row.table, text);
    for (size_t i = 0; i < life->ack_count; i++) {
        struct life_ack *ack = &life->acks[i];
        if (ack->record != record)
            continue;
        if (ack->is_there || ack->offset != row->clustering)
            world_violation(life->world, "I2",
                            "life: record %u, acknowledged at %lld, is at offset %lld%s", record,
                            (long long)ack->offset, (long long)row->clustering,
                            ack->is_there ? " as well" : "");
        ack->is_there = true;
    }
}

static void check_acks(const struct lifecycle *life, uint32_t copies)
{
    for (size_t i = 0; i < life->ack_count; i++)
        if (!life->acks[i].is_there && memcmp(life->acks[i].id, life->row.id, 16) == 0)
            world_violation(life->world, "I1",
                            "life: copies %u: record %u, acknowledged at offset %lld of partition "
                            "%d, is not in table %s",
                            copies, life->acks[i].record, (long long)life->acks[i].offset,
                            life->acks[i].partition, life->row.table);
}

void lifecycle_check(struct lifecycle *life, uint32_t copies)
{
    const struct guest *writer = &life->guests[GUESTS - 1];
    struct database *database = life->world->database;

    life->id_column = database_column(database, KEYSPACE, "sluice_topics", "topic_id");
    life->table_column = database_column(database, KEYSPACE, "sluice_topics", "table_name");
    life->row.is_found = false;
    (void)database_each(database, KEYSPACE, "sluice_topics", DATABASE_ALL_COPIES, take_topic, life);
    if (!life->row.is_found || memcmp(life->row.id, writer->id, 16) != 0)
        world_violation(life->world, "I1", "life: the topic that was written to last is gone");
    life->value_column = database_column(database, KEYSPACE, life->row.table, "value");
    if (life->value_column < 0)
        world_violation(life->world, "I1", "life: there is no table %s", life->row.table);
    for (size_t i = 0; i < life->ack_count; i++)
        life->acks[i].is_there = false;
    life->world->counts.life_rows =
        database_each(database, KEYSPACE, life->row.table, copies, take_row, life);
    check_acks(life, copies);
}
