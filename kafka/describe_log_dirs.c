#include "kafka/describe_log_dirs.h"

static void topic_walk(struct wire *wire, struct kafka_describe_log_dirs_topic *m)
{
    wire_enter(wire, "topics");
    kafka_string(wire, "topic", &m->topic);
    kafka_i32_array(wire, "partitions", &m->partitions, &m->partition_count);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_describe_log_dirs_request_walk(struct wire *wire, void *body, int version)
{
    struct kafka_describe_log_dirs_request *m = body;

    (void)version;
    if (wire_decoding(wire))
        *m = (struct kafka_describe_log_dirs_request){.topic_count = -1};
    KAFKA_EACH_NULLABLE (wire, "topics", i, m->topics, m->topic_count, 3)
        topic_walk(wire, &m->topics[i]);
    kafka_tagged_fields(wire);
}

static void partition_walk(struct wire *wire, struct kafka_describe_log_dirs_partition *m)
{
    wire_enter(wire, "partitions");
    wire_i32(wire, "partition_index", &m->partition_index);
    wire_i64(wire, "partition_size", &m->partition_size);
    wire_i64(wire, "offset_lag", &m->offset_lag);
    wire_bool(wire, "is_future_key", &m->is_future_key);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void topic_response_walk(struct wire *wire, struct kafka_describe_log_dirs_topic_response *m)
{
    wire_enter(wire, "topics");
    kafka_string(wire, "name", &m->name);
    KAFKA_EACH (wire, "partitions", i, m->partitions, m->partition_count, 21)
        partition_walk(wire, &m->partitions[i]);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void result_walk(struct wire *wire, struct kafka_describe_log_dirs_result *m, int version)
{
    if (wire_decoding(wire))
        *m = KAFKA_DESCRIBE_LOG_DIRS_RESULT_DEFAULT;
    wire_enter(wire, "results");
    wire_i16(wire, "error_code", &m->error_code);
    kafka_string(wire, "log_dir", &m->log_dir);
    KAFKA_EACH (wire, "topics", i, m->topics, m->topic_count, 3)
        topic_response_walk(wire, &m->topics[i]);
    if (version >= 4) {
        wire_i64(wire, "total_bytes", &m->total_bytes);
        wire_i64(wire, "usable_bytes", &m->usable_bytes);
    }
    if (version >= 5)
        wire_bool(wire, "is_cordoned", &m->is_cordoned);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_describe_log_dirs_response_walk(struct wire *wire, void *body, int version)
{
    struct kafka_describe_log_dirs_response *m = body;

    if (wire_decoding(wire))
        *m = (struct kafka_describe_log_dirs_response){.throttle_time_ms = 0};
    wire_i32(wire, "throttle_time_ms", &m->throttle_time_ms);
    if (version >= 3)
        wire_i16(wire, "error_code", &m->error_code);
    KAFKA_EACH (wire, "results", i, m->results, m->result_count, 5)
        result_walk(wire, &m->results[i], version);
    kafka_tagged_fields(wire);
}
