/* What there is none of here: consumer groups, transactions, ACLs, quotas, credentials, moving
 * partitions, log directories. Tools ask all the same, and show nothing instead of an error. */
#include "core/admin/admin.h"
#include "kafka/describe_acls.h"
#include "kafka/describe_client_quotas.h"
#include "kafka/describe_groups.h"
#include "kafka/describe_log_dirs.h"
#include "kafka/describe_user_scram_credentials.h"
#include "kafka/list_config_resources.h"
#include "kafka/list_groups.h"
#include "kafka/list_partition_reassignments.h"
#include "kafka/list_transactions.h"

void admin_list_groups(struct client *client, const struct kafka_event *event, struct moment now)
{
    struct kafka_list_groups_response response = {0};

    client_respond(client, event->request_id, &response, now);
}

void admin_describe_groups(struct client *client, const struct kafka_event *event,
                           struct moment now)
{
    const struct kafka_describe_groups_request *request = event->body;
    struct kafka_describe_groups_response response = {0};
    struct arena *arena = &client->gateway->arena;
    size_t count = request->group_count > 0 ? (size_t)request->group_count : 0;

    arena_reset(arena);
    response.groups = arena_take_array(arena, count, sizeof(*response.groups));
    if (response.groups == NULL) {
        client_fail(client, "out of memory", "DescribeGroups", now);
        return;
    }
    response.group_count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        response.groups[i] = KAFKA_DESCRIBED_GROUP_DEFAULT;
        response.groups[i].group_id = request->groups[i];
        response.groups[i].group_state = SLICE_LITERAL("Dead");
        if (event->version < 6)
            continue;
        response.groups[i].error_code = KAFKA_GROUP_ID_NOT_FOUND;
        response.groups[i].error_message = SLICE_LITERAL("consumer groups are not served");
    }
    client_respond(client, event->request_id, &response, now);
}

void admin_describe_acls(struct client *client, const struct kafka_event *event, struct moment now)
{
    struct kafka_describe_acls_response response = {
        .error_code = KAFKA_SECURITY_DISABLED,
        .error_message = SLICE_LITERAL("No Authorizer is configured.")};

    client_respond(client, event->request_id, &response, now);
}

void admin_list_reassignments(struct client *client, const struct kafka_event *event,
                              struct moment now)
{
    struct kafka_list_partition_reassignments_response response = {0};

    client_respond(client, event->request_id, &response, now);
}

void admin_describe_quotas(struct client *client, const struct kafka_event *event,
                           struct moment now)
{
    struct kafka_describe_client_quotas_response response = {.error_message = SLICE_LITERAL("")};

    client_respond(client, event->request_id, &response, now);
}

void admin_describe_scram(struct client *client, const struct kafka_event *event, struct moment now)
{
    const struct kafka_describe_user_scram_credentials_request *request = event->body;
    struct kafka_describe_user_scram_credentials_response response = {
        .error_message = SLICE_LITERAL("")};
    struct arena *arena = &client->gateway->arena;
    size_t count = request->user_count > 0 ? (size_t)request->user_count : 0;

    arena_reset(arena);
    response.results = arena_take_array(arena, count, sizeof(*response.results));
    if (response.results == NULL) {
        client_fail(client, "out of memory", "DescribeUserScramCredentials", now);
        return;
    }
    response.result_count = (int32_t)count;
    for (size_t i = 0; i < count; i++)
        response.results[i] = (struct kafka_described_scram_user){
            .user = request->users[i],
            .error_code = KAFKA_RESOURCE_NOT_FOUND,
            .error_message = SLICE_LITERAL("there are no users here yet")};
    client_respond(client, event->request_id, &response, now);
}

static bool is_transaction_state(struct slice name)
{
    static const char *const states[] = {"Empty",          "Ongoing",       "PrepareCommit",
                                         "PrepareAbort",   "CompleteCommit", "CompleteAbort",
                                         "Dead",           "PrepareEpochFence"};

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        if (slice_equal(name, slice_cstr(states[i])))
            return true;
    return false;
}

void admin_list_transactions(struct client *client, const struct kafka_event *event,
                             struct moment now)
{
    const struct kafka_list_transactions_request *request = event->body;
    struct kafka_list_transactions_response response = {0};
    struct arena *arena = &client->gateway->arena;
    size_t count = request->state_filter_count > 0 ? (size_t)request->state_filter_count : 0;

    arena_reset(arena);
    response.unknown_state_filters =
        arena_take_array(arena, count, sizeof(*response.unknown_state_filters));
    if (response.unknown_state_filters == NULL) {
        client_fail(client, "out of memory", "ListTransactions", now);
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (!is_transaction_state(request->state_filters[i]))
            response.unknown_state_filters[response.unknown_state_filter_count++] =
                request->state_filters[i];
    client_respond(client, event->request_id, &response, now);
}

static bool is_config_resource(int8_t type)
{
    return type == KAFKA_RESOURCE_TOPIC || type == KAFKA_RESOURCE_BROKER ||
           type == KAFKA_RESOURCE_BROKER_LOGGER || type == KAFKA_RESOURCE_CLIENT_METRICS ||
           type == KAFKA_RESOURCE_GROUP;
}

/* Topics and this gateway have settings. Version 0 asks for client metrics, of which there are
 * none. */
void admin_list_config_resources(struct client *client, const struct kafka_event *event,
                                 struct moment now)
{
    const struct kafka_list_config_resources_request *request = event->body;
    struct gateway *gateway = client->gateway;
    struct kafka_list_config_resources_response response = {0};
    bool topics = request->resource_type_count <= 0, brokers = topics;

    for (int32_t i = 0; i < request->resource_type_count; i++) {
        topics = topics || request->resource_types[i] == KAFKA_RESOURCE_TOPIC;
        brokers = brokers || request->resource_types[i] == KAFKA_RESOURCE_BROKER;
        if (!is_config_resource(request->resource_types[i]))
            response.error_code = KAFKA_UNSUPPORTED_VERSION;
    }
    if (response.error_code != 0) {
        client_respond(client, event->request_id, &response, now);
        return;
    }
    arena_reset(&gateway->arena);
    if (event->version > 0)
        response.config_resources = arena_take_array(&gateway->arena, gateway->topics.count + 1,
                                                     sizeof(*response.config_resources));
    if (event->version > 0 && response.config_resources == NULL) {
        client_fail(client, "out of memory", "ListConfigResources", now);
        return;
    }
    if (event->version > 0 && brokers)
        response.config_resources[response.config_resource_count++] =
            (struct kafka_listed_config_resource){
                admin_text(&gateway->arena, "%d", gateway->config->node_id),
                KAFKA_RESOURCE_BROKER};
    if (event->version > 0 && topics)
        LIST_EACH (it, &gateway->topics.all) {
            const struct topic *topic = LIST_ENTRY(it, struct topic, node);
            if (topic->state == TOPIC_LIVE)
                response.config_resources[response.config_resource_count++] =
                    (struct kafka_listed_config_resource){
                        slice_make(topic->name, topic->name_len), KAFKA_RESOURCE_TOPIC};
        }
    client_respond(client, event->request_id, &response, now);
}

/* The keyspace stands for the one log directory, because clients take none at all for a lack of
 * permission. It lists no partitions: their sizes are the database's to tell (nodetool tablestats). */
void admin_describe_log_dirs(struct client *client, const struct kafka_event *event,
                             struct moment now)
{
    struct gateway *gateway = client->gateway;
    struct kafka_describe_log_dirs_result keyspace = KAFKA_DESCRIBE_LOG_DIRS_RESULT_DEFAULT;
    struct kafka_describe_log_dirs_response response = {.results = &keyspace, .result_count = 1};

    arena_reset(&gateway->arena);
    keyspace.log_dir = admin_text(&gateway->arena, "cassandra:%s", gateway->config->keyspace);
    if (keyspace.log_dir.data == NULL) {
        client_fail(client, "out of memory", "DescribeLogDirs", now);
        return;
    }
    client_respond(client, event->request_id, &response, now);
}
