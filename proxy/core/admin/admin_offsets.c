/*
 * ListOffsets: where a partition's log begins and ends, and which offset a time has.
 *
 *   latest     from the partition's own state, which is loaded if need be
 *   earliest   the index of segments; with a time to live, the first row that is still there
 *   a time     segments from about that time on, each asked for its first row that is as late
 *   max time   the newest segment that has rows
 *
 * A segment's index row says when it was opened, by the leader's clock; records have the producers'
 * time. So a search by time begins with the segments that were still written an hour before: a record
 * that was stamped more than an hour ahead of its arrival may be passed over. The largest timestamp is
 * looked for in the newest segment that has rows, not in all.
 */
#include "core/admin/admin.h"
#include "cql/value.h"
#include "kafka/list_offsets.h"

#include <stdio.h>

enum {
    OFFSETS_WAIT_MS = 20 * 1000,
    INDEX_PAGE_ROWS = 2000,
    INDEX_PAGES_MAX = 1000, /* a node may send empty ones, but not for ever */
    SEGMENTS_MAX = 200 * 1000, /* 20 thousand million records of one partition */
    SLACK_MS = 3600 * 1000,
    TEXT_BYTES = 512,
};

enum lookup_state {
    LOOKUP_EXPECT_LOADED, /* lookup_poll looks */
    LOOKUP_EXPECT_INDEX,
    LOOKUP_EXPECT_ROW,
    LOOKUP_EXPECT_MAX,
};

struct indexed_segment {
    int64_t segment, first_offset, opened_ms;
};

struct lookup {
    struct admin_item *item;
    enum lookup_state state;
    int64_t timestamp; /* as asked for */
    int32_t index;
    char *table_name;
    struct indexed_segment *segments; /* ascending */
    size_t count, capacity, at;
    unsigned pages;
    bool had_ttl;
    struct kafka_list_offsets_partition_response *out;
};

static struct gateway *gateway_of(const struct lookup *lookup)
{
    return lookup->item->call->gateway;
}

static struct topic *topic_of(const struct lookup *lookup)
{
    struct topic *topic = topics_find_id(&gateway_of(lookup)->topics, lookup->item->topic_id);

    return topic != NULL && topic->state == TOPIC_LIVE ? topic : NULL;
}

static void lookup_fail(struct lookup *lookup, int16_t code, struct moment now)
{
    admin_done(lookup->item, code, "", now);
}

static void lookup_found(struct lookup *lookup, int64_t offset, int64_t timestamp_ms,
                         struct moment now)
{
    struct admin_call *call = lookup->item->call;
    struct kafka_list_offsets_partition_response *out = lookup->out;

    out->offset = offset;
    out->timestamp = timestamp_ms;
    if (offset >= 0) {
        out->leader_epoch = control_leader_epoch(gateway_of(lookup)->control,
                                                 lookup->item->topic_id, lookup->index);
        out->old_style_offsets = arena_take(&call->arena, sizeof(*out->old_style_offsets));
        if (out->old_style_offsets != NULL) {
            *out->old_style_offsets = offset;
            out->old_style_offset_count = 1;
        }
    }
    admin_done(lookup->item, 0, "", now);
}

/* ---- the log's end ---- */

/* The partition's own state, when it is there. */
static void look_at_state(struct lookup *lookup, struct moment now)
{
    struct topic *topic = topic_of(lookup);

    lookup->state = LOOKUP_EXPECT_LOADED;
    if (topic == NULL || lookup->index >= topic->partition_count) {
        lookup_fail(lookup, KAFKA_UNKNOWN_TOPIC_OR_PARTITION, now);
        return;
    }
    struct partition *partition = topic_partition(topic, lookup->index);
    if (!gateway_leads(partition, now)) {
        if (!gateway_leads_soon(partition, now))
            lookup_fail(lookup, KAFKA_NOT_LEADER_OR_FOLLOWER, now);
        return;
    }
    if (partition->state == PARTITION_LIVE || partition->state == PARTITION_REPAIRING) {
        lookup_found(lookup, partition->stable, -1, now);
        return;
    }
    (void)partition_has_room(partition, now); /* begins to load it */
    if (partition->state == PARTITION_UNLOADED && partition->load_error != 0)
        lookup_fail(lookup, partition->load_error, now);
}

static void lookup_poll(struct admin_item *item, struct moment now)
{
    struct lookup *lookup = item->response;

    if (lookup->state != LOOKUP_EXPECT_LOADED)
        return;
    if (item->call->client == NULL)
        lookup_fail(lookup, KAFKA_REQUEST_TIMED_OUT, now);
    else
        look_at_state(lookup, now);
}

/* At the deadline: a partition that is not loaded by then is asked for again, elsewhere perhaps. */
static int16_t lookup_expired(struct admin_item *item)
{
    const struct lookup *lookup = item->response;

    return lookup->state == LOOKUP_EXPECT_LOADED ? KAFKA_NOT_LEADER_OR_FOLLOWER
                                                 : KAFKA_REQUEST_TIMED_OUT;
}

/* ---- questions ---- */

static void ask(struct lookup *lookup, const char *text, const struct cql_value *values,
                uint16_t count, int32_t page_size, struct slice paging_state, cluster_answer answer,
                struct moment now)
{
    struct gateway *gateway = gateway_of(lookup);
    const struct cluster_query query = {.text = text,
                                        .values = values,
                                        .value_count = count,
                                        .consistency = gateway->config->consistency,
                                        .page_size = page_size,
                                        .paging_state = paging_state,
                                        .deadline_us = lookup->item->call->deadline_us};

    if (cluster_ask(gateway->cluster, &query, answer, lookup, now) == NULL)
        lookup_fail(lookup, KAFKA_REQUEST_TIMED_OUT, now);
}

/* False: the lookup has failed. */
static bool open_answer(struct lookup *lookup, const struct cluster_reply *reply,
                        struct cql_result *result, struct moment now)
{
    struct gateway *gateway = gateway_of(lookup);

    arena_reset(&gateway->arena);
    if (reply->outcome == CLUSTER_DONE &&
        cql_result_open(reply->body, &gateway->arena, result) == STATUS_OK)
        return true;
    lookup_fail(lookup,
                reply->outcome == CLUSTER_GAVE_UP ? KAFKA_REQUEST_TIMED_OUT : KAFKA_STORAGE_ERROR,
                now);
    return false;
}

static void look_at_segment(struct lookup *lookup, struct moment now);

/* Nothing was found in the segment at hand. The latest time is looked for from the newest segment
 * down: its row may have ended (time to live) since its time was read. */
static void look_further(struct lookup *lookup, struct moment now)
{
    if (lookup->timestamp != KAFKA_OFFSET_MAX_TIMESTAMP) {
        lookup->at++;
        look_at_segment(lookup, now);
    } else if (lookup->at > 0) {
        lookup->at--;
        look_at_segment(lookup, now);
    } else {
        lookup_found(lookup, -1, -1, now);
    }
}

static void row_read(void *context, const struct cluster_reply *reply, bool touched,
                     struct moment now)
{
    struct lookup *lookup = context;
    struct cql_result result;
    int64_t offset, timestamp_ms;

    (void)touched;
    if (!open_answer(lookup, reply, &result, now))
        return;
    if (!cql_result_next_row(&result)) {
        look_further(lookup, now);
    } else if (cql_cell_i64(cql_result_cell(&result, 0), &offset) &&
               cql_cell_i64(cql_result_cell(&result, 1), &timestamp_ms)) {
        lookup_found(lookup, offset, lookup->timestamp < 0 &&
                                             lookup->timestamp != KAFKA_OFFSET_MAX_TIMESTAMP
                                         ? -1
                                         : timestamp_ms,
                     now);
    } else {
        lookup_fail(lookup, KAFKA_STORAGE_ERROR, now);
    }
}

/* The first row of the segment at hand, of those that are as late as from_ms. */
static void ask_row(struct lookup *lookup, bool any, int64_t from_ms, struct moment now)
{
    uint8_t partition[4], segment[8], from[8];
    const struct cql_value values[] = {
        cql_value_i32(partition, lookup->index),
        cql_value_i64(segment, lookup->segments[lookup->at].segment),
        cql_value_i64(from, from_ms)};
    char text[TEXT_BYTES];

    lookup->state = LOOKUP_EXPECT_ROW;
    (void)snprintf(text, sizeof(text),
                   "SELECT offset, timestamp FROM \"%s\".\"%s\" WHERE partition = ? AND segment "
                   "= ?%s",
                   gateway_of(lookup)->config->keyspace, lookup->table_name,
                   any ? " LIMIT 1" : " AND timestamp >= ? LIMIT 1 ALLOW FILTERING");
    ask(lookup, text, values, any ? 2 : 3, 0, SLICE_NULL, row_read, now);
}

static void max_read(void *context, const struct cluster_reply *reply, bool touched,
                     struct moment now)
{
    struct lookup *lookup = context;
    struct cql_result result;
    int64_t max_ms;

    (void)touched;
    if (!open_answer(lookup, reply, &result, now))
        return;
    if (cql_result_next_row(&result) && cql_cell_i64(cql_result_cell(&result, 0), &max_ms))
        ask_row(lookup, false, max_ms, now);
    else
        look_further(lookup, now);
}

static void ask_max(struct lookup *lookup, struct moment now)
{
    uint8_t partition[4], segment[8];
    const struct cql_value values[] = {
        cql_value_i32(partition, lookup->index),
        cql_value_i64(segment, lookup->segments[lookup->at].segment)};
    char text[TEXT_BYTES];

    lookup->state = LOOKUP_EXPECT_MAX;
    (void)snprintf(text, sizeof(text),
                   "SELECT max(timestamp) FROM \"%s\".\"%s\" WHERE partition = ? AND segment = ?",
                   gateway_of(lookup)->config->keyspace, lookup->table_name);
    ask(lookup, text, values, 2, 0, SLICE_NULL, max_read, now);
}

static void look_at_segment(struct lookup *lookup, struct moment now)
{
    bool earliest = lookup->timestamp == KAFKA_OFFSET_EARLIEST ||
                    lookup->timestamp == KAFKA_OFFSET_EARLIEST_LOCAL;

    if (lookup->timestamp == KAFKA_OFFSET_MAX_TIMESTAMP && lookup->count > 0)
        ask_max(lookup, now);
    else if (lookup->at < lookup->count)
        ask_row(lookup, earliest, lookup->timestamp, now);
    else if (earliest)
        look_at_state(lookup, now); /* no row is left: the log begins where it ends */
    else
        lookup_found(lookup, -1, -1, now);
}

/* ---- the index ---- */

/* The first segment that is worth a look. */
static size_t first_worthy(const struct lookup *lookup, struct moment now)
{
    const struct topic *topic = topic_of(lookup);
    int64_t from_ms = lookup->timestamp - SLACK_MS;
    size_t at = 0;

    if (lookup->timestamp == KAFKA_OFFSET_MAX_TIMESTAMP)
        return lookup->count == 0 ? 0 : lookup->count - 1;
    if (lookup->timestamp < 0) /* the earliest: rows older than their time to live are gone */
        from_ms = topic == NULL || topic->settings.table_ttl_s == 0
                      ? INT64_MIN
                      : now.wall_us / 1000 - SLACK_MS -
                            (int64_t)topic->settings.table_ttl_s * 1000;
    /* One that was closed before that time has nothing of it. */
    while (at + 1 < lookup->count && lookup->segments[at + 1].opened_ms < from_ms)
        at++;
    return at;
}

static void index_is_read(struct lookup *lookup, struct moment now)
{
    bool earliest = lookup->timestamp == KAFKA_OFFSET_EARLIEST ||
                    lookup->timestamp == KAFKA_OFFSET_EARLIEST_LOCAL;

    lookup->at = first_worthy(lookup, now);
    if (earliest && lookup->count == 0)
        lookup_found(lookup, 0, -1, now); /* nothing was ever written */
    else if (earliest && !lookup->had_ttl)
        lookup_found(lookup, lookup->segments[0].first_offset, -1, now);
    else
        look_at_segment(lookup, now);
}

static bool add_segment(struct lookup *lookup, const struct cql_result *result)
{
    struct indexed_segment segment = {.opened_ms = INT64_MAX}; /* not known: never passed over */

    if (!cql_cell_i64(cql_result_cell(result, 0), &segment.segment) ||
        !cql_cell_i64(cql_result_cell(result, 1), &segment.first_offset) ||
        (lookup->count > 0 && segment.segment <= lookup->segments[lookup->count - 1].segment))
        return false;
    if (!cql_cell_i64(cql_result_cell(result, 2), &segment.opened_ms))
        segment.opened_ms = INT64_MAX;
    if (lookup->count == lookup->capacity) {
        size_t capacity = lookup->capacity == 0 ? 64 : lookup->capacity * 2;
        struct indexed_segment *more = arena_take_array(&lookup->item->call->arena, capacity,
                                                        sizeof(*lookup->segments));
        if (more == NULL || capacity > SEGMENTS_MAX)
            return false;
        if (lookup->count > 0)
            memcpy(more, lookup->segments, lookup->count * sizeof(*more));
        lookup->segments = more;
        lookup->capacity = capacity;
    }
    lookup->segments[lookup->count++] = segment;
    return true;
}

static void ask_index(struct lookup *lookup, struct slice paging_state, struct moment now);

static void index_read(void *context, const struct cluster_reply *reply, bool touched,
                       struct moment now)
{
    struct lookup *lookup = context;
    struct cql_result result;

    (void)touched;
    if (!open_answer(lookup, reply, &result, now))
        return;
    while (cql_result_next_row(&result))
        if (!add_segment(lookup, &result)) {
            lookup_fail(lookup, KAFKA_STORAGE_ERROR, now);
            return;
        }
    if (result.has_more && ++lookup->pages == INDEX_PAGES_MAX)
        lookup_fail(lookup, KAFKA_STORAGE_ERROR, now);
    else if (result.has_more)
        ask_index(lookup, result.metadata.paging_state, now);
    else
        index_is_read(lookup, now);
}

static void ask_index(struct lookup *lookup, struct slice paging_state, struct moment now)
{
    uint8_t partition[4];
    const struct cql_value values[] = {cql_value_uuid(lookup->item->topic_id),
                                       cql_value_i32(partition, lookup->index)};
    char text[TEXT_BYTES];

    lookup->state = LOOKUP_EXPECT_INDEX;
    (void)snprintf(text, sizeof(text),
                   "SELECT segment, first_offset, first_timestamp FROM \"%s\".sluice_segments "
                   "WHERE topic_id = ? AND partition = ? ORDER BY segment ASC",
                   gateway_of(lookup)->config->keyspace);
    ask(lookup, text, values, 2, INDEX_PAGE_ROWS, paging_state, index_read, now);
}

/* ---- the request ---- */

/* Was this timestamp's special meaning known in that version? Times are from version 0 on. */
static bool is_known_in(int64_t timestamp, int16_t version)
{
    switch (timestamp) {
    case KAFKA_OFFSET_MAX_TIMESTAMP: /* KIP-734 */
        return version >= 7;
    case KAFKA_OFFSET_EARLIEST_LOCAL: /* KIP-405 */
        return version >= 8;
    case KAFKA_OFFSET_LATEST_TIERED: /* KIP-1005 */
        return version >= 9;
    case KAFKA_OFFSET_EARLIEST_PENDING_UPLOAD: /* KIP-1023 */
        return version >= 11;
    default:
        return timestamp >= KAFKA_OFFSET_EARLIEST;
    }
}

/* 0: it may be looked up. */
static int16_t check(const struct gateway *gateway, const struct topic *topic, int16_t version,
                     const struct kafka_list_offsets_partition *asked, struct moment now)
{
    int32_t index = asked->partition_index;

    if (topic == NULL || index < 0 || index >= topic->partition_count)
        return KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    int32_t epoch = control_leader_epoch(gateway->control, topic->topic_id, index);
    if (gateway->draining || (!gateway_leads(topic_partition(topic, index), now) &&
                              !gateway_leads_soon(topic_partition(topic, index), now)))
        return KAFKA_NOT_LEADER_OR_FOLLOWER;
    if (asked->current_leader_epoch >= 0 && asked->current_leader_epoch != epoch)
        return asked->current_leader_epoch < epoch ? KAFKA_FENCED_LEADER_EPOCH
                                                   : KAFKA_UNKNOWN_LEADER_EPOCH;
    return is_known_in(asked->timestamp, version) ? 0 : KAFKA_UNSUPPORTED_VERSION;
}

/* False: out of memory. */
static bool look_up(struct admin_call *call, const struct topic *topic,
                    const struct kafka_list_offsets_partition *asked,
                    struct kafka_list_offsets_partition_response *out, struct moment now)
{
    struct lookup *lookup = arena_take(&call->arena, sizeof(*lookup));
    struct slice table = arena_copy(
        &call->arena, slice_make(topic->table_name, strlen(topic->table_name) + 1));
    struct admin_item *item =
        lookup == NULL || table.data == NULL
            ? NULL
            : admin_item(call, &out->error_code, NULL, SLICE_NULL, topic->topic_id);

    if (item == NULL)
        return false;
    *lookup = (struct lookup){.item = item,
                              .timestamp = asked->timestamp,
                              .index = asked->partition_index,
                              .had_ttl = topic->settings.had_ttl || topic->has_ttl,
                              .table_name = (char *)(uintptr_t)table.data,
                              .out = out};
    item->response = lookup;
    item->expired = lookup_expired;
    item->poll = lookup_poll;
    if (asked->timestamp == KAFKA_OFFSET_LATEST)
        look_at_state(lookup, now);
    else if (asked->timestamp == KAFKA_OFFSET_LATEST_TIERED ||
             asked->timestamp == KAFKA_OFFSET_EARLIEST_PENDING_UPLOAD)
        lookup_found(lookup, -1, -1, now); /* there is no tiered storage */
    else
        ask_index(lookup, SLICE_NULL, now);
    return true;
}

/* False: out of memory. */
static bool fill_topic(struct admin_call *call, const struct kafka_list_offsets_topic *asked,
                       struct kafka_list_offsets_topic_response *out, int64_t *items,
                       struct moment now)
{
    struct gateway *gateway = call->gateway;
    const struct topic *topic = admin_find_topic(gateway, asked->name);
    size_t count = (size_t)admin_count(asked->partition_count);
    bool ok = true;

    out->name = arena_copy(&call->arena, asked->name);
    out->partitions = arena_take_array(&call->arena, count, sizeof(*out->partitions));
    if (out->partitions == NULL)
        return false;
    out->partition_count = (int32_t)count;
    for (size_t i = 0; ok && i < count; i++) {
        struct kafka_list_offsets_partition_response *partition = &out->partitions[i];
        *partition = KAFKA_LIST_OFFSETS_PARTITION_RESPONSE_DEFAULT;
        partition->partition_index = asked->partitions[i].partition_index;
        partition->error_code = admin_is_too_much(gateway, ++*items)
                                    ? KAFKA_INVALID_REQUEST
                                    : check(gateway, topic, call->version, &asked->partitions[i],
                                            now);
        if (!gateway->ready)
            partition->error_code = KAFKA_LEADER_NOT_AVAILABLE;
        if (partition->error_code == 0)
            ok = look_up(call, topic, &asked->partitions[i], partition, now);
    }
    return ok;
}

void admin_list_offsets(struct client *client, const struct kafka_event *event, struct moment now)
{
    const struct kafka_list_offsets_request *request = event->body;
    size_t count = (size_t)admin_count(request->topic_count);
    struct admin_call *call =
        admin_begin(client, event, sizeof(struct kafka_list_offsets_response),
                    event->version >= 10 ? request->timeout_ms : OFFSETS_WAIT_MS, OFFSETS_WAIT_MS);
    int64_t items = 0;
    bool ok;

    if (call == NULL)
        return;
    struct kafka_list_offsets_response *response = call->response;
    response->topics = arena_take_array(&call->arena, count, sizeof(*response->topics));
    ok = response->topics != NULL;
    response->topic_count = ok ? (int32_t)count : 0;
    for (size_t i = 0; ok && i < count; i++)
        ok = fill_topic(call, &request->topics[i], &response->topics[i], &items, now);
    if (ok)
        admin_answer_when_done(call, now);
    else
        admin_abandon(call, now);
}
