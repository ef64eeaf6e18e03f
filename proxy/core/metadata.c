/*
 * Metadata: this worker is the one broker, the topics are those of the control tables. A name that
 * is not known is created if both sides want that; the answer then waits for the creation (a few
 * hundred milliseconds), because several clients show the first "unknown topic" to their user.
 */
#include "core/admin/admin.h"
#include "core/gateway_internal.h"
#include "kafka/error.h"
#include "kafka/metadata.h"

enum {
    CREATION_WAIT_US = 8 * 1000 * 1000, /* then LEADER_NOT_AVAILABLE, which every client retries */
    FAILURE_KEPT_US = 2 * 1000 * 1000,  /* a failed creation is told to all who ask within this */
    WAIT_ARENA_BYTES = 1024 * 1024,
    LIMIT_TOLD_US = 60 * 1000 * 1000, /* a client may ask again and again: one line */
};

/* A topic that is being created, or could not be. */
struct creation {
    struct list node;
    struct gateway *gateway;
    bool done;
    int16_t code;
    int64_t forget_us;
    size_t name_len;
    char name[];
};

/* A Metadata request that waits for creations; its names are copied. */
struct wait {
    struct list node;
    struct client *client;
    uint64_t request_id;
    int16_t version;
    int64_t deadline_us;
    struct arena arena;
    struct kafka_metadata_request request;
};

static struct creation *find_creation(const struct gateway *gateway, struct slice name)
{
    LIST_EACH (it, &gateway->creations) {
        struct creation *creation = LIST_ENTRY(it, struct creation, node);
        if (slice_equal(name, slice_make(creation->name, creation->name_len)))
            return creation;
    }
    return NULL;
}

static void creation_free(struct creation *creation)
{
    list_remove(&creation->node);
    alloc_free(creation->gateway->config->alloc, creation,
               sizeof(*creation) + creation->name_len + 1);
}

static void topic_created(void *context, int16_t kafka_error, const char *text, struct moment now)
{
    struct creation *creation = context;

    creation->done = true;
    /* It is still being deleted, or was made by another gateway: both pass. */
    creation->code =
        kafka_error == KAFKA_TOPIC_ALREADY_EXISTS ? KAFKA_LEADER_NOT_AVAILABLE : kafka_error;
    creation->forget_us = now.boot_us + FAILURE_KEPT_US;
    creation->gateway->topics_changed = true; /* whoever waits is answered this turn */
    if (kafka_error != 0 && kafka_error != KAFKA_TOPIC_ALREADY_EXISTS)
        action_log(creation->gateway->actions, LOG_WARN, "topic could not be created",
                   "topic=%s code=%s reason=\"%s\"", creation->name, kafka_error_name(kafka_error),
                   text);
}

/* May another topic be created in this second? */
static bool take_creation(struct gateway *gateway, struct moment now)
{
    if (now.boot_us - gateway->auto_create_window_us >= 1000 * 1000) {
        gateway->auto_create_window_us = now.boot_us;
        gateway->auto_created = 0;
    }
    if (gateway->auto_created >= gateway->config->auto_create_per_second)
        return false;
    gateway->auto_created++;
    return true;
}

/* Has a limit been quiet for long? *told_us: when it was last reached. */
static bool is_to_be_told(int64_t *told_us, struct moment now)
{
    bool is_quiet = *told_us == 0 || now.boot_us - *told_us > LIMIT_TOLD_US;

    *told_us = now.boot_us;
    return is_quiet;
}

/* 0: under way. */
static int16_t create_topic(struct gateway *gateway, struct slice name, struct moment now)
{
    const struct gateway_config *config = gateway->config;
    bool too_many = gateway->topics.count >= config->max_topics;

    if (too_many || !gateway_has_room_for(gateway, config->num_partitions)) {
        if (is_to_be_told(&gateway->max_topics_told_us, now))
            action_log(gateway->actions, LOG_WARN, "no more topics are created",
                       "reason=\"topics.%s is reached\" max_topics=%u max_partitions_total=%u",
                       too_many ? "max_topics" : "max_partitions_total", config->max_topics,
                       config->max_partitions_total);
        return KAFKA_INVALID_TOPIC_EXCEPTION;
    }
    if (!take_creation(gateway, now)) {
        if (is_to_be_told(&gateway->creation_rate_told_us, now))
            action_log(gateway->actions, LOG_WARN, "topics are created one after the other",
                       "reason=\"topics.auto_create_per_second is reached\" "
                       "auto_create_per_second=%u",
                       gateway->config->auto_create_per_second);
        return KAFKA_LEADER_NOT_AVAILABLE;
    }
    struct creation *creation =
        alloc_zeroed(gateway->config->alloc, sizeof(*creation) + name.len + 1);
    if (creation == NULL)
        return KAFKA_LEADER_NOT_AVAILABLE;
    creation->gateway = gateway;
    creation->name_len = name.len;
    memcpy(creation->name, name.data, name.len);
    list_append(&gateway->creations, &creation->node);
    control_topic_create(gateway->control, name, gateway->config->num_partitions, SLICE_NULL,
                         topic_created, creation, now);
    return 0;
}

static struct topic *asked_topic(const struct gateway *gateway,
                                 const struct kafka_metadata_request_topic *asked)
{
    return asked->name.data == NULL ? topics_find_id(&gateway->topics, asked->topic_id)
                                    : topics_find(&gateway->topics, asked->name);
}

/* The error of a topic that cannot be described; 0: it can; *wait is set when a creation is under
 * way. */
static int16_t topic_error(struct gateway *gateway, const struct kafka_metadata_request *request,
                           const struct kafka_metadata_request_topic *asked, bool *wait,
                           struct moment now)
{
    const struct topic *topic = asked_topic(gateway, asked);

    if (topic != NULL && topic->state == TOPIC_LIVE)
        return 0;
    if (!gateway->ready)
        return KAFKA_LEADER_NOT_AVAILABLE;
    if (asked->name.data == NULL)
        return KAFKA_UNKNOWN_TOPIC_ID;
    if (!topic_name_is_valid(asked->name))
        return KAFKA_INVALID_TOPIC_EXCEPTION;
    const struct creation *creation = find_creation(gateway, asked->name);
    if (creation != NULL) {
        *wait = *wait || !creation->done;
        return creation->done && creation->code != 0 ? creation->code : KAFKA_LEADER_NOT_AVAILABLE;
    }
    if (!request->allow_auto_topic_creation || !gateway->config->auto_create_topics ||
        gateway->draining)
        return KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    int16_t code = create_topic(gateway, asked->name, now);
    *wait = *wait || code == 0;
    return code == 0 ? KAFKA_LEADER_NOT_AVAILABLE : code;
}

/* *wait is set when a partition has no leader yet. */
static bool describe_topic(const struct gateway *gateway,
                           const struct kafka_metadata_request *request, const struct topic *topic,
                           struct kafka_metadata_topic *out, bool *wait, struct arena *arena,
                           struct moment now)
{
    out->name = slice_make(topic->name, topic->name_len);
    memcpy(out->topic_id, topic->topic_id, sizeof(out->topic_id));
    if (request->include_topic_authorized_operations)
        out->topic_authorized_operations = ADMIN_TOPIC_OPERATIONS;
    out->partition_count = topic->partition_count;
    out->partitions =
        arena_take_array(arena, (size_t)topic->partition_count, sizeof(*out->partitions));
    int32_t *node = arena_take(arena, sizeof(*node));
    if (out->partitions == NULL || node == NULL)
        return false;
    *node = gateway->config->node_id;
    for (int32_t i = 0; i < topic->partition_count; i++) {
        bool led = control_leads(gateway->control, topic->topic_id, i, now);
        *wait = *wait || gateway_leads_soon(topic_partition(topic, i), now);
        out->partitions[i] = (struct kafka_metadata_partition){
            .error_code = led ? 0 : KAFKA_LEADER_NOT_AVAILABLE,
            .partition_index = i,
            .leader_id = led ? *node : -1,
            .leader_epoch = control_leader_epoch(gateway->control, topic->topic_id, i),
            .replica_nodes = node,
            .replica_node_count = 1,
            .isr_nodes = node,
            .isr_node_count = led ? 1 : 0,
        };
    }
    return true;
}

static bool fill_all(const struct gateway *gateway, const struct kafka_metadata_request *request,
                     struct kafka_metadata_response *response, struct arena *arena, struct moment now)
{
    response->topics = arena_take_array(arena, gateway->topics.count, sizeof(*response->topics));
    if (response->topics == NULL)
        return gateway->topics.count == 0;
    LIST_EACH (it, &gateway->topics.all) {
        const struct topic *topic = LIST_ENTRY(it, struct topic, node);
        if (topic->state != TOPIC_LIVE)
            continue;
        struct kafka_metadata_topic *out = &response->topics[response->topic_count++];
        out->topic_authorized_operations = KAFKA_OPERATIONS_NOT_REQUESTED;
        bool wait = false; /* a list of all is told as it is */
        if (!describe_topic(gateway, request, topic, out, &wait, arena, now))
            return false;
    }
    return true;
}

static bool fill_asked(struct gateway *gateway, const struct kafka_metadata_request *request,
                       struct kafka_metadata_response *response, bool *wait, struct arena *arena,
                       struct moment now)
{
    size_t count = request->topic_count > 0 ? (size_t)request->topic_count : 0;

    response->topics = arena_take_array(arena, count, sizeof(*response->topics));
    response->topic_count = (int32_t)count;
    if (response->topics == NULL)
        return count == 0;
    for (size_t i = 0; i < count; i++) {
        const struct kafka_metadata_request_topic *asked = &request->topics[i];
        struct kafka_metadata_topic *out = &response->topics[i];
        out->topic_authorized_operations = KAFKA_OPERATIONS_NOT_REQUESTED;
        out->error_code = topic_error(gateway, request, asked, wait, now);
        if (out->error_code == 0) {
            if (!describe_topic(gateway, request, asked_topic(gateway, asked), out, wait, arena,
                                now))
                return false;
            continue;
        }
        out->name = asked->name;
        memcpy(out->topic_id, asked->topic_id, sizeof(out->topic_id));
    }
    return true;
}

/* False: out of memory. */
static bool fill_response(struct client *client, const struct kafka_metadata_request *request,
                          int16_t version, struct kafka_metadata_response *response, bool *wait,
                          struct moment now)
{
    struct gateway *gateway = client->gateway;
    const struct gateway_config *config = gateway->config;
    const char *cluster_id = control_cluster_id(gateway->control);
    bool all = request->topic_count < 0 || (version == 0 && request->topic_count == 0);

    arena_reset(&gateway->arena);
    *response = KAFKA_METADATA_RESPONSE_DEFAULT;
    response->brokers = arena_take(&gateway->arena, sizeof(*response->brokers));
    if (response->brokers == NULL)
        return false;
    *response->brokers = (struct kafka_metadata_broker){.node_id = config->node_id,
                                                        .host = client_dialled_host(client),
                                                        .port = client_dialled_port(client)};
    response->broker_count = 1;
    response->cluster_id = slice_cstr(cluster_id);
    response->controller_id = config->node_id;
    if (request->include_cluster_authorized_operations)
        response->cluster_authorized_operations = ADMIN_CLUSTER_OPERATIONS;
    if (all)
        return fill_all(gateway, request, response, &gateway->arena, now);
    return fill_asked(gateway, request, response, wait, &gateway->arena, now);
}

/* Keeps a copy of the request; false: out of memory, answer it as it is. */
static bool wait_for_creation(struct client *client, const struct kafka_event *event,
                              struct moment now)
{
    const struct kafka_metadata_request *request = event->body;
    const struct alloc *alloc = client->gateway->config->alloc;
    struct wait *wait = alloc_zeroed(alloc, sizeof(*wait));

    if (wait == NULL)
        return false;
    arena_init(&wait->arena, alloc, 512, WAIT_ARENA_BYTES);
    wait->client = client;
    wait->request_id = event->request_id;
    wait->version = event->version;
    wait->deadline_us = now.boot_us + CREATION_WAIT_US;
    wait->request = *request;
    size_t count = (size_t)request->topic_count;
    wait->request.topics = arena_take_array(&wait->arena, count, sizeof(*wait->request.topics));
    bool ok = wait->request.topics != NULL;
    for (size_t i = 0; ok && i < count; i++) {
        wait->request.topics[i] = request->topics[i];
        wait->request.topics[i].name = arena_copy(&wait->arena, request->topics[i].name);
        ok = wait->request.topics[i].name.data != NULL || request->topics[i].name.data == NULL;
    }
    if (!ok) {
        arena_deinit(&wait->arena);
        alloc_free(alloc, wait, sizeof(*wait));
        return false;
    }
    client->waiting++;
    list_append(&client->gateway->waits, &wait->node);
    return true;
}

static void wait_free(struct wait *wait)
{
    const struct alloc *alloc = wait->client->gateway->config->alloc;

    list_remove(&wait->node);
    arena_deinit(&wait->arena);
    alloc_free(alloc, wait, sizeof(*wait));
}

void handle_metadata(struct client *client, const struct kafka_event *event, struct moment now)
{
    struct kafka_metadata_response response;
    bool wait = false;

    if (!fill_response(client, event->body, event->version, &response, &wait, now))
        client_fail(client, "out of memory", "Metadata", now);
    else if (!wait || !wait_for_creation(client, event, now))
        client_respond(client, event->request_id, &response, now);
}

void metadata_waits_tick(struct gateway *gateway, struct moment now)
{
    LIST_EACH_SAFE (it, after, &gateway->waits) {
        struct wait *wait = LIST_ENTRY(it, struct wait, node);
        struct kafka_metadata_response response;
        bool again = false;
        if (!fill_response(wait->client, &wait->request, wait->version, &response, &again, now))
            client_fail(wait->client, "out of memory", "Metadata", now);
        else if (again && now.boot_us < wait->deadline_us)
            continue;
        else
            client_respond(wait->client, wait->request_id, &response, now);
        wait->client->waiting--;
        wait_free(wait);
    }
    LIST_EACH_SAFE (it, after, &gateway->creations) {
        struct creation *creation = LIST_ENTRY(it, struct creation, node);
        if (creation->done && (creation->code == 0 || now.boot_us >= creation->forget_us))
            creation_free(creation);
    }
}

void metadata_waits_forget(struct client *client)
{
    LIST_EACH_SAFE (it, after, &client->gateway->waits) {
        struct wait *wait = LIST_ENTRY(it, struct wait, node);
        if (wait->client == client)
            wait_free(wait);
    }
}

void metadata_waits_free(struct gateway *gateway)
{
    LIST_EACH_SAFE (it, after, &gateway->waits)
        wait_free(LIST_ENTRY(it, struct wait, node));
    LIST_EACH_SAFE (it, after, &gateway->creations)
        creation_free(LIST_ENTRY(it, struct creation, node));
}
