/* The small APIs: a request in, a response out, nothing to wait for. */
#include "core/admin/admin.h"
#include "core/gateway_internal.h"
#include "kafka/api_versions.h"
#include "kafka/error.h"
#include "kafka/fetch.h"
#include "kafka/find_coordinator.h"
#include "kafka/init_producer_id.h"

#include <assert.h>

enum {
    API_KEYS_MAX = 64,
    BOOT_WAIT_US =
        2 * 1000 * 1000, /* short: people ask for metadata to see whether somebody is there */
};

static void handle_api_versions(struct client *client, const struct kafka_event *event,
                                struct moment now)
{
    struct kafka_api_version keys[API_KEYS_MAX];
    struct kafka_api_versions_response response = KAFKA_API_VERSIONS_RESPONSE_DEFAULT;

    if (kafka_api_versions_request_is_valid(event->body, event->version)) {
        response.api_keys = keys;
        response.api_key_count = kafka_api_versions_list(keys, API_KEYS_MAX);
    } else {
        response.error_code = KAFKA_INVALID_REQUEST;
    }
    client_respond(client, event->request_id, &response, now);
}

static void handle_init_producer_id(struct client *client, const struct kafka_event *event,
                                    struct moment now)
{
    const struct kafka_init_producer_id_request *request = event->body;
    struct kafka_init_producer_id_response response = KAFKA_INIT_PRODUCER_ID_RESPONSE_DEFAULT;
    struct gateway *gateway = client->gateway;

    if (request->transactional_id.data != NULL && request->transactional_id.len == 0)
        response.error_code = KAFKA_INVALID_REQUEST;
    else if (request->transactional_id.data != NULL)
        response.error_code = KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    else if ((request->producer_id == -1) != (request->producer_epoch == -1))
        response.error_code = KAFKA_INVALID_REQUEST;
    else if (!gateway->ready || !control_producer_id(gateway->control, &response.producer_id, now))
        response.error_code = KAFKA_COORDINATOR_LOAD_IN_PROGRESS;
    if (response.error_code == 0)
        response.producer_epoch = 0;
    else
        response.producer_id = -1;
    client_respond(client, event->request_id, &response, now);
}

/* 53 for transactions (15 makes the Java client wait for ever), 30 for groups: nothing is read back
 * here yet. Other types came after the versions that are served. */
static int16_t coordinator_error(int8_t key_type)
{
    if (key_type == KAFKA_COORDINATOR_TRANSACTION)
        return KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    return key_type == KAFKA_COORDINATOR_GROUP ? KAFKA_GROUP_AUTHORIZATION_FAILED
                                               : KAFKA_INVALID_REQUEST;
}

static void handle_find_coordinator(struct client *client, const struct kafka_event *event,
                                    struct moment now)
{
    const struct kafka_find_coordinator_request *request = event->body;
    struct kafka_find_coordinator_response response = KAFKA_FIND_COORDINATOR_RESPONSE_DEFAULT;
    struct arena *arena = &client->gateway->arena;
    const struct slice message = SLICE_LITERAL("transactions and consumer groups are not served");
    int32_t count = request->coordinator_key_count > 0 ? request->coordinator_key_count : 0;

    arena_reset(arena);
    response.error_code = event->version < 4 ? coordinator_error(request->key_type) : 0;
    response.error_message = message;
    response.node_id = -1;
    response.port = -1;
    response.coordinators = arena_take_array(arena, (size_t)count, sizeof(*response.coordinators));
    if (response.coordinators == NULL && count > 0) {
        client_fail(client, "out of memory", "FindCoordinator", now);
        return;
    }
    response.coordinator_count = count;
    for (int32_t i = 0; i < count; i++)
        response.coordinators[i] =
            (struct kafka_coordinator){.key = request->coordinator_keys[i],
                                       .node_id = -1,
                                       .host = SLICE_LITERAL(""),
                                       .port = -1,
                                       .error_code = coordinator_error(request->key_type),
                                       .error_message = message};
    client_respond(client, event->request_id, &response, now);
}

static bool fill_fetch_topic(const struct kafka_fetch_topic *asked,
                             struct kafka_fetch_topic_response *out, struct arena *arena)
{
    size_t count = asked->partition_count > 0 ? (size_t)asked->partition_count : 0;

    out->topic = asked->topic;
    out->partition_count = (int32_t)count;
    out->partitions = arena_take_array(arena, count, sizeof(*out->partitions));
    if (out->partitions == NULL)
        return count == 0;
    for (size_t i = 0; i < count; i++) {
        out->partitions[i] = KAFKA_FETCH_PARTITION_RESPONSE_DEFAULT;
        out->partitions[i].partition_index = asked->partitions[i].partition;
        out->partitions[i].error_code = KAFKA_TOPIC_AUTHORIZATION_FAILED;
    }
    return true;
}

/* Advertised because librdkafka derives its producer features from it; records are read in
 * Cassandra. */
static void handle_fetch(struct client *client, const struct kafka_event *event, struct moment now)
{
    const struct kafka_fetch_request *request = event->body;
    struct kafka_fetch_response response = KAFKA_FETCH_RESPONSE_DEFAULT;
    struct arena *arena = &client->gateway->arena;
    size_t count = request->topic_count > 0 ? (size_t)request->topic_count : 0;
    bool ok;

    arena_reset(arena);
    response.responses = arena_take_array(arena, count, sizeof(*response.responses));
    ok = response.responses != NULL || count == 0;
    response.response_count = (int32_t)count;
    for (size_t i = 0; ok && i < count; i++)
        ok = fill_fetch_topic(&request->topics[i], &response.responses[i], arena);
    if (ok)
        client_respond(client, event->request_id, &response, now);
    else
        client_fail(client, "out of memory", "Fetch", now);
}

int64_t request_deadline_us(const struct kafka_event *event)
{
    return event->api->key == KAFKA_PRODUCE ? produce_deadline_us(event)
                                            : event->first_byte_us + BOOT_WAIT_US;
}

/* Booting takes a fraction of a second: what needs the control tables waits that long, in place. */
static bool waits_for_boot(struct client *client, const struct kafka_event *event,
                           struct moment now)
{
    const struct gateway *gateway = client->gateway;
    bool needs_tables = event->api->key == KAFKA_PRODUCE || event->api->key == KAFKA_METADATA ||
                        event->api->key == KAFKA_INIT_PRODUCER_ID ||
                        admin_needs_tables(event->api->key);

    if (gateway->ready || gateway->draining || !needs_tables ||
        now.boot_us >= request_deadline_us(event))
        return false;
    client_park(client, event, NULL);
    return true;
}

void handle_request(struct client *client, const struct kafka_event *event, struct moment now)
{
    if (waits_for_boot(client, event, now))
        return;
    switch ((enum kafka_api_key)event->api->key) {
    case KAFKA_PRODUCE:
        (void)produce_start(client, event, now);
        return;
    case KAFKA_METADATA:
        handle_metadata(client, event, now);
        return;
    case KAFKA_API_VERSIONS:
        handle_api_versions(client, event, now);
        return;
    case KAFKA_INIT_PRODUCER_ID:
        handle_init_producer_id(client, event, now);
        return;
    case KAFKA_FIND_COORDINATOR:
        handle_find_coordinator(client, event, now);
        return;
    case KAFKA_FETCH:
        handle_fetch(client, event, now);
        return;
    case KAFKA_LIST_OFFSETS:
    case KAFKA_CREATE_TOPICS:
    case KAFKA_DELETE_TOPICS:
    case KAFKA_DESCRIBE_CONFIGS:
    case KAFKA_ALTER_CONFIGS:
    case KAFKA_DESCRIBE_LOG_DIRS:
    case KAFKA_CREATE_PARTITIONS:
    case KAFKA_INCREMENTAL_ALTER_CONFIGS:
    case KAFKA_DESCRIBE_CLUSTER:
    case KAFKA_DESCRIBE_PRODUCERS:
    case KAFKA_DESCRIBE_TOPIC_PARTITIONS:
    case KAFKA_DESCRIBE_GROUPS:
    case KAFKA_LIST_GROUPS:
    case KAFKA_DELETE_RECORDS:
    case KAFKA_DESCRIBE_ACLS:
    case KAFKA_LIST_PARTITION_REASSIGNMENTS:
    case KAFKA_DESCRIBE_CLIENT_QUOTAS:
    case KAFKA_DESCRIBE_USER_SCRAM_CREDENTIALS:
    case KAFKA_LIST_TRANSACTIONS:
    case KAFKA_LIST_CONFIG_RESOURCES:
        break;
    }
    if (admin_handle(client, event, now))
        return;
    client_fail(client, "an API that is decoded has no handler", event->api->name, now);
}
