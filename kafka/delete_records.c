#include "kafka/delete_records.h"

static void partition_walk(struct wire *wire, struct kafka_delete_records_partition *m)
{
    wire_enter(wire, "partitions");
    wire_i32(wire, "partition_index", &m->partition_index);
    wire_i64(wire, "offset", &m->offset);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void topic_walk(struct wire *wire, struct kafka_delete_records_topic *m)
{
    wire_enter(wire, "topics");
    kafka_string(wire, "name", &m->name);
    KAFKA_EACH (wire, "partitions", i, m->partitions, m->partition_count, 12)
        partition_walk(wire, &m->partitions[i]);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_delete_records_request_walk(struct wire *wire, void *body, int version)
{
    struct kafka_delete_records_request *m = body;

    (void)version;
    if (wire_decoding(wire))
        *m = (struct kafka_delete_records_request){.timeout_ms = 0};
    KAFKA_EACH (wire, "topics", i, m->topics, m->topic_count, 3)
        topic_walk(wire, &m->topics[i]);
    wire_i32(wire, "timeout_ms", &m->timeout_ms);
    kafka_tagged_fields(wire);
}

static void partition_response_walk(struct wire *wire,
                                    struct kafka_delete_records_partition_response *m)
{
    wire_enter(wire, "partitions");
    wire_i32(wire, "partition_index", &m->partition_index);
    wire_i64(wire, "low_watermark", &m->low_watermark);
    wire_i16(wire, "error_code", &m->error_code);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void topic_response_walk(struct wire *wire, struct kafka_delete_records_topic_response *m)
{
    wire_enter(wire, "topics");
    kafka_string(wire, "name", &m->name);
    KAFKA_EACH (wire, "partitions", i, m->partitions, m->partition_count, 14)
        partition_response_walk(wire, &m->partitions[i]);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_delete_records_response_walk(struct wire *wire, void *body, int version)
{
    struct kafka_delete_records_response *m = body;

    (void)version;
    if (wire_decoding(wire))
        *m = (struct kafka_delete_records_response){.throttle_time_ms = 0};
    wire_i32(wire, "throttle_time_ms", &m->throttle_time_ms);
    KAFKA_EACH (wire, "topics", i, m->topics, m->topic_count, 3)
        topic_response_walk(wire, &m->topics[i]);
    kafka_tagged_fields(wire);
}
