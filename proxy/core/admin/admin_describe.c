/* DescribeCluster, DescribeTopicPartitions, DescribeProducers: what Metadata says, in other words,
 * and who writes. */
#include "core/admin/admin.h"
#include "kafka/describe_cluster.h"
#include "kafka/describe_producers.h"
#include "kafka/describe_topic_partitions.h"

#include <stdlib.h>

enum { MAX_PAGE_PARTITIONS = 2000, MAX_PRODUCERS = 5000 };

void admin_describe_cluster(struct client *client, const struct kafka_event *event,
                            struct moment now)
{
    const struct kafka_describe_cluster_request *request = event->body;
    struct gateway *gateway = client->gateway;
    struct kafka_describe_cluster_response response = KAFKA_DESCRIBE_CLUSTER_RESPONSE_DEFAULT;
    struct kafka_describe_cluster_broker broker = {.broker_id = gateway->config->node_id,
                                                   .host = client_dialled_host(client),
                                                   .port = client_dialled_port(client)};
    const char *cluster_id = control_cluster_id(gateway->control);

    response.cluster_id = SLICE_LITERAL("");
    if (request->endpoint_type != KAFKA_ENDPOINT_BROKERS) {
        bool known = request->endpoint_type == KAFKA_ENDPOINT_CONTROLLERS;
        response.error_code =
            known ? KAFKA_MISMATCHED_ENDPOINT_TYPE : KAFKA_UNSUPPORTED_ENDPOINT_TYPE;
        response.error_message = SLICE_LITERAL("this is an endpoint of brokers");
    } else if (cluster_id == NULL) {
        response.error_code = KAFKA_NOT_CONTROLLER;
        response.error_message = SLICE_LITERAL("this gateway is starting");
    } else {
        response.cluster_id = slice_cstr(cluster_id);
        response.controller_id = broker.broker_id;
        response.brokers = &broker;
        response.broker_count = 1;
        if (request->include_cluster_authorized_operations)
            response.cluster_authorized_operations = ADMIN_CLUSTER_OPERATIONS;
    }
    client_respond(client, event->request_id, &response, now);
}

/* ---- DescribeTopicPartitions ---- */

static int compare_names(const void *a, const void *b)
{
    const struct slice *one = a, *two = b;
    size_t len = one->len < two->len ? one->len : two->len;
    int order = len == 0 ? 0 : memcmp(one->data, two->data, len);

    return order != 0 ? order : one->len < two->len ? -1 : one->len > two->len;
}

/* The names in order, without those before the cursor. NULL: out of memory. */
static struct slice *list_names(const struct gateway *gateway,
                                const struct kafka_describe_topic_partitions_request *request,
                                struct arena *arena, size_t *count)
{
    size_t asked = (size_t)admin_count(request->topic_count), listed = 0;
    struct slice *names =
        arena_take_array(arena, asked > 0 ? asked : gateway->topics.count, sizeof(*names));

    *count = 0;
    if (names == NULL)
        return NULL;
    for (size_t i = 0; i < asked; i++)
        names[listed++] = request->topics[i];
    if (asked == 0)
        LIST_EACH (it, &gateway->topics.all) {
            const struct topic *topic = LIST_ENTRY(it, struct topic, node);
            if (topic->state == TOPIC_LIVE)
                names[listed++] = slice_make(topic->name, topic->name_len);
        }
    qsort(names, listed, sizeof(*names), compare_names);
    for (size_t i = 0; i < listed; i++) {
        bool before =
            request->cursor.present && compare_names(&names[i], &request->cursor.topic_name) < 0;
        bool again = *count > 0 && slice_equal(names[i], names[*count - 1]);
        if (!before && !again)
            names[(*count)++] = names[i];
    }
    return names;
}

/* Partitions from `first`, at most `most`; false: out of memory. */
static bool fill_topic(const struct gateway *gateway, const struct topic *topic, int32_t first,
                       int32_t most, struct arena *arena,
                       struct kafka_describe_topic_partitions_topic *out, struct moment now)
{
    int32_t count = first < topic->partition_count ? topic->partition_count - first : 0;
    int32_t *node = arena_take(arena, sizeof(*node));

    count = count < most ? count : most;
    out->partitions = arena_take_array(arena, (size_t)count, sizeof(*out->partitions));
    if (out->partitions == NULL || node == NULL)
        return false;
    *node = gateway->config->node_id;
    memcpy(out->topic_id, topic->topic_id, 16);
    out->partition_count = count;
    for (int32_t i = 0; i < count; i++) {
        struct kafka_describe_topic_partitions_partition *partition = &out->partitions[i];
        bool led = control_leads(gateway->control, topic->topic_id, first + i, now);
        *partition = KAFKA_DESCRIBE_TOPIC_PARTITIONS_PARTITION_DEFAULT;
        partition->partition_index = first + i;
        partition->error_code = led ? 0 : KAFKA_LEADER_NOT_AVAILABLE;
        partition->leader_id = led ? *node : -1;
        partition->leader_epoch =
            control_leader_epoch(gateway->control, topic->topic_id, first + i);
        partition->replica_nodes = partition->isr_nodes = node;
        partition->replica_node_count = 1;
        partition->isr_node_count = led ? 1 : 0;
    }
    return true;
}

/* Fills a page; false: out of memory. */
static bool fill_page(const struct gateway *gateway,
                      const struct kafka_describe_topic_partitions_request *request,
                      struct kafka_describe_topic_partitions_response *response,
                      struct arena *arena, struct moment now)
{
    size_t count;
    struct slice *names = list_names(gateway, request, arena, &count);
    int32_t room = request->response_partition_limit;

    room = room < 1 ? 1 : room > MAX_PAGE_PARTITIONS ? MAX_PAGE_PARTITIONS : room;
    response->topics = arena_take_array(arena, count, sizeof(*response->topics));
    if (names == NULL || response->topics == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct topic *topic = admin_find_topic(gateway, names[i]);
        bool at_cursor =
            request->cursor.present && slice_equal(names[i], request->cursor.topic_name);
        int32_t first = at_cursor ? admin_count(request->cursor.partition_index) : 0;
        if (room == 0) {
            response->next_cursor = (struct kafka_topic_cursor){true, names[i], first};
            return true;
        }
        struct kafka_describe_topic_partitions_topic *out =
            &response->topics[response->topic_count++];
        *out = KAFKA_DESCRIBE_TOPIC_PARTITIONS_TOPIC_DEFAULT;
        out->name = names[i];
        out->topic_authorized_operations = ADMIN_TOPIC_OPERATIONS;
        if (topic == NULL) {
            out->error_code = !gateway->ready ? KAFKA_LEADER_NOT_AVAILABLE
                              : topic_name_is_valid(names[i]) ? KAFKA_UNKNOWN_TOPIC_OR_PARTITION
                                                              : KAFKA_INVALID_TOPIC_EXCEPTION;
            continue;
        }
        if (!fill_topic(gateway, topic, first, room, arena, out, now))
            return false;
        room -= out->partition_count;
        if (first + out->partition_count < topic->partition_count) {
            response->next_cursor =
                (struct kafka_topic_cursor){true, names[i], first + out->partition_count};
            return true;
        }
    }
    return true;
}

/* Does it point to one of the topics that are asked for? */
static bool is_sound_cursor(const struct kafka_describe_topic_partitions_request *request)
{
    const struct kafka_topic_cursor *cursor = &request->cursor;

    if (!cursor->present)
        return true;
    bool found = request->topic_count <= 0;
    for (int32_t i = 0; !found && i < request->topic_count; i++)
        found = slice_equal(request->topics[i], cursor->topic_name);
    return found && cursor->partition_index >= 0;
}

/* False: out of memory. */
static bool refuse_cursor(const struct kafka_describe_topic_partitions_request *request,
                          struct kafka_describe_topic_partitions_response *response,
                          struct arena *arena)
{
    size_t count = (size_t)admin_count(request->topic_count);

    response->topics = arena_take_array(arena, count, sizeof(*response->topics));
    if (response->topics == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        response->topics[i] = KAFKA_DESCRIBE_TOPIC_PARTITIONS_TOPIC_DEFAULT;
        response->topics[i].name = request->topics[i];
        response->topics[i].error_code = KAFKA_INVALID_REQUEST;
    }
    response->topic_count = (int32_t)count;
    return true;
}

void admin_describe_topic_partitions(struct client *client, const struct kafka_event *event,
                                     struct moment now)
{
    const struct kafka_describe_topic_partitions_request *request = event->body;
    struct gateway *gateway = client->gateway;
    struct kafka_describe_topic_partitions_response response = {0};

    arena_reset(&gateway->arena);
    if (admin_is_too_much(gateway, request->topic_count))
        client_fail(client, "more topics than limits.max_admin_items", "DescribeTopicPartitions",
                    now);
    else if (is_sound_cursor(request)
                 ? fill_page(gateway, request, &response, &gateway->arena, now)
                 : refuse_cursor(request, &response, &gateway->arena))
        client_respond(client, event->request_id, &response, now);
    else
        client_fail(client, "out of memory", "DescribeTopicPartitions", now);
}

/* ---- DescribeProducers ---- */

/* False: out of memory. */
static bool fill_producers(const struct producer_table *table, struct arena *arena,
                           struct kafka_describe_producers_partition *out)
{
    size_t most = table->count < MAX_PRODUCERS ? table->count : MAX_PRODUCERS;

    out->active_producers = arena_take_array(arena, most, sizeof(*out->active_producers));
    if (out->active_producers == NULL)
        return false;
    for (size_t i = 0; i < table->capacity && (size_t)out->active_producer_count < most; i++) {
        const struct producer *producer = &table->slots[i];
        if (producer->producer_id < 0 || producer->count == 0)
            continue;
        struct kafka_active_producer *active =
            &out->active_producers[out->active_producer_count++];
        *active = KAFKA_ACTIVE_PRODUCER_DEFAULT;
        active->producer_id = producer->producer_id;
        active->coordinator_epoch = -1; /* no transaction coordinator has written */
        active->producer_epoch = producer->epoch;
        active->last_sequence = producer->window[producer->count - 1].last_sequence;
        active->last_timestamp = producer->last_write_ms;
    }
    return true;
}

static bool describe_producers(const struct gateway *gateway, struct slice name, int32_t index,
                               struct arena *arena, struct kafka_describe_producers_partition *out,
                               struct moment now)
{
    const struct topic *topic = admin_find_topic(gateway, name);

    out->partition_index = index;
    if (topic == NULL || index < 0 || index >= topic->partition_count) {
        bool valid = topic_name_is_valid(name);
        out->error_code = valid ? KAFKA_UNKNOWN_TOPIC_OR_PARTITION : KAFKA_INVALID_TOPIC_EXCEPTION;
        out->error_message = SLICE_LITERAL("there is no such partition");
        return true;
    }
    struct partition *partition = topic_partition(topic, index);
    if (gateway_leads(partition, now) && (partition->state == PARTITION_LIVE ||
                                          partition->state == PARTITION_REPAIRING))
        return fill_producers(&partition->producers, arena, out);
    (void)partition_has_room(partition, now); /* begins to load it: the client asks again */
    out->error_code = KAFKA_NOT_LEADER_OR_FOLLOWER;
    return true;
}

void admin_describe_producers(struct client *client, const struct kafka_event *event,
                              struct moment now)
{
    const struct kafka_describe_producers_request *request = event->body;
    struct gateway *gateway = client->gateway;
    struct arena *arena = &gateway->arena;
    struct kafka_describe_producers_response response = {0};
    size_t count = (size_t)admin_count(request->topic_count);
    int64_t items = 0;
    bool ok;

    arena_reset(arena);
    response.topics = arena_take_array(arena, count, sizeof(*response.topics));
    response.topic_count = (int32_t)count;
    ok = response.topics != NULL;
    for (size_t i = 0; ok && i < count; i++) {
        const struct kafka_describe_producers_topic *asked = &request->topics[i];
        size_t partitions = (size_t)admin_count(asked->partition_index_count);
        response.topics[i].name = asked->name;
        response.topics[i].partitions =
            arena_take_array(arena, partitions, sizeof(*response.topics[i].partitions));
        ok = response.topics[i].partitions != NULL;
        response.topics[i].partition_count = ok ? (int32_t)partitions : 0;
        for (size_t k = 0; ok && k < partitions; k++) {
            struct kafka_describe_producers_partition *out = &response.topics[i].partitions[k];
            out->partition_index = asked->partition_indexes[k];
            if (admin_is_too_much(gateway, ++items))
                out->error_code = KAFKA_INVALID_REQUEST;
            else
                ok = describe_producers(gateway, asked->name, asked->partition_indexes[k], arena,
                                        out, now);
        }
    }
    if (ok)
        client_respond(client, event->request_id, &response, now);
    else
        client_fail(client, "out of memory", "DescribeProducers", now);
}
