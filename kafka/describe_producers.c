#include "kafka/describe_producers.h"

static void topic_walk(struct wire *wire, struct kafka_describe_producers_topic *m)
{
    wire_enter(wire, "topics");
    kafka_string(wire, "name", &m->name);
    kafka_i32_array(wire, "partition_indexes", &m->partition_indexes, &m->partition_index_count);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_describe_producers_request_walk(struct wire *wire, void *body, int version)
{
    struct kafka_describe_producers_request *m = body;

    (void)version;
    if (wire_decoding(wire))
        *m = (struct kafka_describe_producers_request){.topic_count = 0};
    KAFKA_EACH (wire, "topics", i, m->topics, m->topic_count, 3)
        topic_walk(wire, &m->topics[i]);
    kafka_tagged_fields(wire);
}

static void producer_walk(struct wire *wire, struct kafka_active_producer *m)
{
    wire_enter(wire, "active_producers");
    wire_i64(wire, "producer_id", &m->producer_id);
    wire_i32(wire, "producer_epoch", &m->producer_epoch);
    wire_i32(wire, "last_sequence", &m->last_sequence);
    wire_i64(wire, "last_timestamp", &m->last_timestamp);
    wire_i32(wire, "coordinator_epoch", &m->coordinator_epoch);
    wire_i64(wire, "current_txn_start_offset", &m->current_txn_start_offset);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void partition_walk(struct wire *wire, struct kafka_describe_producers_partition *m)
{
    wire_enter(wire, "partitions");
    wire_i32(wire, "partition_index", &m->partition_index);
    wire_i16(wire, "error_code", &m->error_code);
    kafka_nullable_string(wire, "error_message", &m->error_message);
    KAFKA_EACH (wire, "active_producers", i, m->active_producers, m->active_producer_count, 37)
        producer_walk(wire, &m->active_producers[i]);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void topic_response_walk(struct wire *wire,
                                struct kafka_describe_producers_topic_response *m)
{
    wire_enter(wire, "topics");
    kafka_string(wire, "name", &m->name);
    KAFKA_EACH (wire, "partitions", i, m->partitions, m->partition_count, 9)
        partition_walk(wire, &m->partitions[i]);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_describe_producers_response_walk(struct wire *wire, void *body, int version)
{
    struct kafka_describe_producers_response *m = body;

    (void)version;
    if (wire_decoding(wire))
        *m = (struct kafka_describe_producers_response){.throttle_time_ms = 0};
    wire_i32(wire, "throttle_time_ms", &m->throttle_time_ms);
    KAFKA_EACH (wire, "topics", i, m->topics, m->topic_count, 3)
        topic_response_walk(wire, &m->topics[i]);
    kafka_tagged_fields(wire);
}
