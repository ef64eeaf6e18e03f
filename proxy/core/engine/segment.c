#include "core/engine/segment.h"

#include "core/engine/mutation.h"
#include "core/gateway_internal.h"
#include "cql/value.h"
#include "kafka/error.h"
#include "proto/kill_point.h"
#include "proto/murmur3.h"

#include <stdio.h>

int64_t segment_token(int32_t partition, int64_t segment)
{
    uint8_t key[2 + 4 + 1 + 2 + 8 + 1] = {0};

    be16_store(key, 4);
    be32_store(key + 2, (uint32_t)partition);
    be16_store(key + 7, 8);
    be64_store(key + 9, (uint64_t)segment);
    return murmur3_token(key, sizeof(key));
}

void segment_set(struct partition *partition, int64_t segment, int64_t first_offset,
                 int64_t limit_offset)
{
    struct slice ids[LOG_INSERT_COUNT];

    for (int i = 0; i < LOG_INSERT_COUNT; i++) {
        const struct cluster_statement *statement = partition->topic->inserts[i].statement;
        ids[i] = slice_make(statement->id, statement->id_len);
    }
    partition->segment = segment;
    partition->segment_first = first_offset;
    partition->segment_limit = limit_offset;
    partition->segment_bytes = 0;
    partition->segment_open = false;
    partition->snapshot_due = true;
    partition->token = segment_token(partition->index, segment);
    log_rows_set(&partition->rows, ids, partition->index, segment);
}

bool segment_take(struct partition *partition, int32_t record_count, size_t bytes)
{
    const struct gateway_config *config = partition->gateway->config;
    bool empty = partition->next_offset == partition->segment_first;

    if (partition->next_offset + record_count <= partition->segment_limit &&
        (empty || partition->segment_bytes + (int64_t)bytes <= config->segment_max_bytes)) {
        partition->segment_bytes += (int64_t)bytes;
        return true;
    }
    if (empty && !partition->segment_open && partition->segment_call == NULL) {
        /* Nobody has been told where this one ends: it may as well end behind this batch. */
        partition->segment_limit = partition->segment_first + record_count;
        partition->segment_bytes = (int64_t)bytes;
        return true;
    }
    if (!partition->segment_open)
        return false;
    if (partition->open != NULL)
        mutation_close(partition->open);
    int64_t rows =
        record_count > config->segment_max_rows ? record_count : config->segment_max_rows;
    segment_set(partition, partition->segment + 1, partition->next_offset,
                partition->next_offset + rows);
    partition->segment_bytes = (int64_t)bytes;
    KILL_POINT("segment.begun");
    return true;
}

static void index_row_written(void *context, const struct cluster_reply *reply, bool touched,
                              struct moment now)
{
    struct partition *partition = context;

    (void)touched;
    partition->segment_call = NULL;
    if (reply->outcome != CLUSTER_DONE) {
        partition_unload(partition, KAFKA_NOT_LEADER_OR_FOLLOWER,
                         "the segment's index row was refused", now);
        return;
    }
    partition->segment_open = true;
    KILL_POINT("segment.index_durable");
    gateway_partition_ready(partition);
}

struct cluster_call *segment_write_index(struct partition *partition, cluster_answer done,
                                         void *context, struct moment now)
{
    struct gateway *gateway = partition->gateway;
    uint8_t index[4], segment[8], first[8], limit[8], time[8];
    const struct cql_value values[] = {
        cql_value_uuid(partition->topic->topic_id),
        cql_value_i32(index, partition->index),
        cql_value_i64(segment, partition->segment),
        cql_value_i64(first, partition->segment_first),
        cql_value_i64(limit, partition->segment_limit),
        cql_value_i64(time, now.wall_us / 1000),
    };
    char text[256];

    (void)snprintf(
        text, sizeof(text),
        "INSERT INTO \"%s\".sluice_segments (topic_id, partition, segment, first_offset, "
        "limit_offset, first_timestamp) VALUES (?, ?, ?, ?, ?, ?)",
        gateway->config->keyspace);
    struct cluster_query query = {.text = text,
                                  .values = values,
                                  .value_count = sizeof(values) / sizeof(values[0]),
                                  .consistency = gateway->config->consistency,
                                  .timestamp_us = gateway_timestamp(gateway, now),
                                  .deadline_us = NEVER_US};
    if (query.timestamp_us == 0)
        return NULL;
    partition->highest_timestamp_us = query.timestamp_us;
    return cluster_ask(gateway->cluster, &query, done, context, now);
}

struct cluster_call *segment_delete_from(struct partition *partition, int64_t segment, int64_t from,
                                         int64_t at_us, cluster_answer done, void *context,
                                         struct moment now)
{
    const struct gateway_config *config = partition->gateway->config;
    uint8_t index[4], segment_bytes[8], at[8], from_bytes[8];
    const struct cql_value values[] = {
        cql_value_i64(at, at_us), cql_value_i32(index, partition->index),
        cql_value_i64(segment_bytes, segment), cql_value_i64(from_bytes, from)};
    char text[512];

    (void)snprintf(text, sizeof(text),
                   "DELETE FROM \"%s\".\"%s\" USING TIMESTAMP ? WHERE partition = ? AND segment = "
                   "? AND offset >= ?",
                   config->keyspace, partition->topic->table_name);
    struct cluster_query query = {.text = text,
                                  .values = values,
                                  .value_count = sizeof(values) / sizeof(values[0]),
                                  .consistency = config->consistency,
                                  .deadline_us = NEVER_US};
    return cluster_ask(partition->gateway->cluster, &query, done, context, now);
}

void segment_open(struct partition *partition, struct moment now)
{
    if (partition->segment_open || partition->segment_call != NULL)
        return;
    partition->segment_call = segment_write_index(partition, index_row_written, partition, now);
    KILL_POINT("segment.index_sent");
    if (partition->segment_call == NULL)
        gateway_partition_ready(
            partition); /* tried again next turn, when housekeeping comes at the latest */
}

void segment_cancel(struct partition *partition)
{
    if (partition->segment_call != NULL)
        cluster_call_cancel(partition->gateway->cluster, partition->segment_call);
    partition->segment_call = NULL;
}
