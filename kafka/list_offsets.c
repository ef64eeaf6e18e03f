#include "kafka/list_offsets.h"

static void partition_walk(struct wire *wire, struct kafka_list_offsets_partition *m, int version)
{
    if (wire_decoding(wire))
        *m = KAFKA_LIST_OFFSETS_PARTITION_DEFAULT;
    wire_enter(wire, "partitions");
    wire_i32(wire, "partition_index", &m->partition_index);
    if (version >= 4)
        wire_i32(wire, "current_leader_epoch", &m->current_leader_epoch);
    wire_i64(wire, "timestamp", &m->timestamp);
    if (version == 0)
        wire_i32(wire, "max_num_offsets", &m->max_num_offsets);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void topic_walk(struct wire *wire, struct kafka_list_offsets_topic *m, int version)
{
    wire_enter(wire, "topics");
    kafka_string(wire, "name", &m->name);
    KAFKA_EACH (wire, "partitions", i, m->partitions, m->partition_count, 12)
        partition_walk(wire, &m->partitions[i], version);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_list_offsets_request_walk(struct wire *wire, void *body, int version)
{
    struct kafka_list_offsets_request *m = body;

    if (wire_decoding(wire))
        *m = (struct kafka_list_offsets_request){.replica_id = -1};
    wire_i32(wire, "replica_id", &m->replica_id);
    if (version >= 2)
        wire_i8(wire, "isolation_level", &m->isolation_level);
    KAFKA_EACH (wire, "topics", i, m->topics, m->topic_count, 3)
        topic_walk(wire, &m->topics[i], version);
    if (version >= 10)
        wire_i32(wire, "timeout_ms", &m->timeout_ms);
    kafka_tagged_fields(wire);
}

static void partition_response_walk(struct wire *wire,
                                    struct kafka_list_offsets_partition_response *m, int version)
{
    if (wire_decoding(wire))
        *m = KAFKA_LIST_OFFSETS_PARTITION_RESPONSE_DEFAULT;
    wire_enter(wire, "partitions");
    wire_i32(wire, "partition_index", &m->partition_index);
    wire_i16(wire, "error_code", &m->error_code);
    if (version == 0) {
        KAFKA_EACH (wire, "old_style_offsets", i, m->old_style_offsets, m->old_style_offset_count,
                    8)
            wire_i64(wire, "old_style_offsets", &m->old_style_offsets[i]);
    } else {
        wire_i64(wire, "timestamp", &m->timestamp);
        wire_i64(wire, "offset", &m->offset);
    }
    if (version >= 4)
        wire_i32(wire, "leader_epoch", &m->leader_epoch);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void topic_response_walk(struct wire *wire, struct kafka_list_offsets_topic_response *m,
                                int version)
{
    wire_enter(wire, "topics");
    kafka_string(wire, "name", &m->name);
    KAFKA_EACH (wire, "partitions", i, m->partitions, m->partition_count, 10)
        partition_response_walk(wire, &m->partitions[i], version);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_list_offsets_response_walk(struct wire *wire, void *body, int version)
{
    struct kafka_list_offsets_response *m = body;

    if (wire_decoding(wire))
        *m = (struct kafka_list_offsets_response){.throttle_time_ms = 0};
    if (version >= 2)
        wire_i32(wire, "throttle_time_ms", &m->throttle_time_ms);
    KAFKA_EACH (wire, "topics", i, m->topics, m->topic_count, 3)
        topic_response_walk(wire, &m->topics[i], version);
    kafka_tagged_fields(wire);
}
