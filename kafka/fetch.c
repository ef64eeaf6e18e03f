#include "kafka/fetch.h"

#include "kafka/types.h"

static void partition_walk(struct wire *wire, struct kafka_fetch_partition *m, int version)
{
    if (wire_decoding(wire))
        *m = KAFKA_FETCH_PARTITION_DEFAULT;
    wire_enter(wire, "partitions");
    wire_i32(wire, "partition", &m->partition);
    if (version >= 9)
        wire_i32(wire, "current_leader_epoch", &m->current_leader_epoch);
    wire_i64(wire, "fetch_offset", &m->fetch_offset);
    if (version >= 12)
        wire_i32(wire, "last_fetched_epoch", &m->last_fetched_epoch);
    if (version >= 5)
        wire_i64(wire, "log_start_offset", &m->log_start_offset);
    wire_i32(wire, "partition_max_bytes", &m->partition_max_bytes);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void topic_walk(struct wire *wire, struct kafka_fetch_topic *m, int version)
{
    wire_enter(wire, "topics");
    kafka_string(wire, "topic", &m->topic);
    KAFKA_EACH(wire, "partitions", i, m->partitions, m->partition_count, 16)
        partition_walk(wire, &m->partitions[i], version);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void forgotten_topic_walk(struct wire *wire, struct kafka_forgotten_topic *m)
{
    wire_enter(wire, "forgotten_topics_data");
    kafka_string(wire, "topic", &m->topic);
    kafka_i32_array(wire, "partitions", &m->partitions, &m->partition_count);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void cluster_id_walk(struct wire *wire, void *value, int version)
{
    (void)version;
    kafka_nullable_string(wire, "cluster_id", value);
}

void kafka_fetch_request_walk(struct wire *wire, void *body, int version)
{
    struct kafka_fetch_request *m = body;

    if (wire_decoding(wire))
        *m = KAFKA_FETCH_REQUEST_DEFAULT;
    wire_i32(wire, "replica_id", &m->replica_id);
    wire_i32(wire, "max_wait_ms", &m->max_wait_ms);
    wire_i32(wire, "min_bytes", &m->min_bytes);
    if (version >= 3)
        wire_i32(wire, "max_bytes", &m->max_bytes);
    if (version >= 4)
        wire_i8(wire, "isolation_level", &m->isolation_level);
    if (version >= 7) {
        wire_i32(wire, "session_id", &m->session_id);
        wire_i32(wire, "session_epoch", &m->session_epoch);
    }
    KAFKA_EACH(wire, "topics", i, m->topics, m->topic_count, 3)
        topic_walk(wire, &m->topics[i], version);
    if (version >= 7) {
        KAFKA_EACH(wire, "forgotten_topics_data", i, m->forgotten_topics_data,
                   m->forgotten_topic_count, 3)
            forgotten_topic_walk(wire, &m->forgotten_topics_data[i]);
    }
    if (version >= 11)
        kafka_string(wire, "rack_id", &m->rack_id);
    struct kafka_tag tag = {0, "cluster_id", cluster_id_walk, &m->cluster_id,
                            m->cluster_id.data != NULL};
    kafka_tagged_section(wire, &tag, 1, version);
}

static void diverging_epoch_walk(struct wire *wire, void *value, int version)
{
    struct kafka_fetch_epoch_end_offset *m = value;

    (void)version;
    wire_enter(wire, "diverging_epoch");
    wire_i32(wire, "epoch", &m->epoch);
    wire_i64(wire, "end_offset", &m->end_offset);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void current_leader_walk(struct wire *wire, void *value, int version)
{
    struct kafka_fetch_leader *m = value;

    (void)version;
    wire_enter(wire, "current_leader");
    wire_i32(wire, "leader_id", &m->leader_id);
    wire_i32(wire, "leader_epoch", &m->leader_epoch);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void snapshot_id_walk(struct wire *wire, void *value, int version)
{
    struct kafka_fetch_snapshot *m = value;

    (void)version;
    wire_enter(wire, "snapshot_id");
    wire_i64(wire, "end_offset", &m->end_offset);
    wire_i32(wire, "epoch", &m->epoch);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void aborted_transaction_walk(struct wire *wire, struct kafka_aborted_transaction *m)
{
    wire_enter(wire, "aborted_transactions");
    wire_i64(wire, "producer_id", &m->producer_id);
    wire_i64(wire, "first_offset", &m->first_offset);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void response_tags_walk(struct wire *wire, struct kafka_fetch_partition_response *m,
                               int version)
{
    struct kafka_tag tags[] = {
        {0, "diverging_epoch", diverging_epoch_walk, &m->diverging_epoch,
         m->diverging_epoch.epoch != -1 || m->diverging_epoch.end_offset != -1},
        {1, "current_leader", current_leader_walk, &m->current_leader,
         m->current_leader.leader_id != -1 || m->current_leader.leader_epoch != -1},
        {2, "snapshot_id", snapshot_id_walk, &m->snapshot_id,
         m->snapshot_id.end_offset != -1 || m->snapshot_id.epoch != -1},
    };
    kafka_tagged_section(wire, tags, sizeof(tags) / sizeof(tags[0]), version);
}

static void response_partition_walk(struct wire *wire, struct kafka_fetch_partition_response *m,
                                    int version)
{
    if (wire_decoding(wire))
        *m = KAFKA_FETCH_PARTITION_RESPONSE_DEFAULT;
    wire_enter(wire, "partitions");
    wire_i32(wire, "partition_index", &m->partition_index);
    wire_i16(wire, "error_code", &m->error_code);
    wire_i64(wire, "high_watermark", &m->high_watermark);
    if (version >= 4)
        wire_i64(wire, "last_stable_offset", &m->last_stable_offset);
    if (version >= 5)
        wire_i64(wire, "log_start_offset", &m->log_start_offset);
    if (version >= 4) {
        KAFKA_EACH_NULLABLE(wire, "aborted_transactions", i, m->aborted_transactions,
                            m->aborted_transaction_count, 16)
            aborted_transaction_walk(wire, &m->aborted_transactions[i]);
    }
    if (version >= 11)
        wire_i32(wire, "preferred_read_replica", &m->preferred_read_replica);
    kafka_records(wire, "records", &m->records);
    response_tags_walk(wire, m, version);
    wire_leave(wire);
}

static void response_topic_walk(struct wire *wire, struct kafka_fetch_topic_response *m,
                                int version)
{
    wire_enter(wire, "responses");
    kafka_string(wire, "topic", &m->topic);
    KAFKA_EACH(wire, "partitions", i, m->partitions, m->partition_count, 15)
        response_partition_walk(wire, &m->partitions[i], version);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_fetch_response_walk(struct wire *wire, void *body, int version)
{
    struct kafka_fetch_response *m = body;

    if (wire_decoding(wire))
        *m = KAFKA_FETCH_RESPONSE_DEFAULT;
    if (version >= 1)
        wire_i32(wire, "throttle_time_ms", &m->throttle_time_ms);
    if (version >= 7) {
        wire_i16(wire, "error_code", &m->error_code);
        wire_i32(wire, "session_id", &m->session_id);
    }
    KAFKA_EACH(wire, "responses", i, m->responses, m->response_count, 3)
        response_topic_walk(wire, &m->responses[i], version);
    kafka_tagged_fields(wire);
}
