/* CreateTopics, DeleteTopics, CreatePartitions: what is asked is checked in Kafka's order and with
 * its codes, then handed to the control plane. */
#include "core/admin/admin.h"
#include "kafka/create_partitions.h"
#include "kafka/create_topics.h"
#include "kafka/delete_topics.h"

#include <stdio.h>

enum {
    SHOWN_BYTES = 80, /* of what is wrong, in messages */
    CREATE_WAIT_MS = 20 * 1000,
    DELETE_WAIT_MS = 10 * 1000, /* then it is told as soon as it cannot be undone */
};

static bool refuse(int16_t *code, struct slice *message, int16_t error, struct slice text)
{
    *code = error;
    *message = text;
    return false;
}

/* ---- CreateTopics ---- */

/* Kafka has "a.b" and "a_b" collide, in the names of its metrics. */
static const struct topic *find_collision(const struct gateway *gateway, struct slice name)
{
    LIST_EACH (it, &gateway->topics.all) {
        const struct topic *topic = LIST_ENTRY(it, struct topic, node);
        bool same = topic->state == TOPIC_LIVE && topic->name_len == name.len;
        for (size_t i = 0; same && i < name.len; i++) {
            char a = (char)name.data[i], b = topic->name[i];
            same = (a == '.' ? '_' : a) == (b == '.' ? '_' : b);
        }
        if (same)
            return topic;
    }
    return NULL;
}

/* A text from a peer in a message: what is not plain ASCII is a question mark. */
static struct slice plain_text(struct arena *arena, struct slice text)
{
    size_t len = text.len < SHOWN_BYTES ? text.len : SHOWN_BYTES;
    char shown[SHOWN_BYTES];

    for (size_t i = 0; i < len; i++)
        shown[i] = text.data[i] >= 0x20 && text.data[i] < 0x7f ? (char)text.data[i] : '?';
    return arena_copy(arena, slice_make(shown, len));
}

static bool check_name(const struct gateway *gateway, struct arena *arena, struct slice name,
                       int16_t *code, struct slice *message)
{
    if (!topic_name_is_valid(name)) {
        struct slice shown = plain_text(arena, name);
        return refuse(code, message, KAFKA_INVALID_TOPIC_EXCEPTION,
                      admin_text(arena,
                                 "'" ADMIN_NAME_FORMAT "': a topic's name is 1 to 249 of a-z, A-Z, "
                                 "0-9, '.', '_' and '-', and not '.' or '..'",
                                 ADMIN_NAME(shown)));
    }
    if (admin_find_topic(gateway, name) != NULL)
        return refuse(
            code, message, KAFKA_TOPIC_ALREADY_EXISTS,
            admin_text(arena, "Topic '" ADMIN_NAME_FORMAT "' already exists.", ADMIN_NAME(name)));
    const struct topic *other = find_collision(gateway, name);
    if (other != NULL)
        return refuse(code, message, KAFKA_INVALID_TOPIC_EXCEPTION,
                      admin_text(arena,
                                 "Topic '" ADMIN_NAME_FORMAT "' collides with existing topic: %s",
                                 ADMIN_NAME(name), other->name));
    return true;
}

static bool check_partitions(const struct gateway *gateway, struct arena *arena, int64_t partitions,
                             int64_t more, int16_t *code, struct slice *message)
{
    const struct gateway_config *config = gateway->config;

    if (partitions > (int64_t)config->max_partitions)
        return refuse(code, message, KAFKA_POLICY_VIOLATION,
                      admin_text(arena,
                                 "%lld partitions: a topic has at most %u (topics.max_partitions)",
                                 (long long)partitions, config->max_partitions));
    if (!gateway_has_room_for(gateway, more))
        return refuse(code, message, KAFKA_POLICY_VIOLATION,
                      admin_text(arena,
                                 "all topics together have at most %u partitions "
                                 "(topics.max_partitions_total)",
                                 config->max_partitions_total));
    return true;
}

static bool check_copies(const struct gateway *gateway, struct arena *arena, int16_t factor,
                         int16_t *code, struct slice *message)
{
    unsigned copies = control_copies(gateway->control);

    if (factor == KAFKA_CREATE_TOPICS_BROKER_DEFAULT || (factor > 0 && (unsigned)factor <= copies))
        return true;
    return refuse(
        code, message, KAFKA_INVALID_REPLICATION_FACTOR,
        admin_text(arena,
                   "the keyspace keeps %u copies of each row: -1, or 1 to %u; more copies "
                   "are made by altering the keyspace",
                   copies, copies));
}

static bool check_configs(const struct gateway *gateway, struct arena *arena,
                          const struct kafka_create_topics_topic *asked, int16_t *code,
                          struct slice *message)
{
    char why[TOPIC_SETTING_WHY_BYTES];

    for (int32_t i = 0; i < asked->config_count; i++) {
        if (!topic_setting_check(gateway->config, control_ack_copies(gateway->control),
                                 asked->configs[i].name, asked->configs[i].value, why))
            return refuse(code, message, KAFKA_INVALID_CONFIG, arena_copy(arena, slice_cstr(why)));
        for (int32_t k = 0; k < i; k++)
            if (slice_equal(asked->configs[k].name, asked->configs[i].name))
                return refuse(code, message, KAFKA_INVALID_REQUEST,
                              SLICE_LITERAL("a setting is named twice"));
    }
    return true;
}

static bool check_topic(const struct gateway *gateway, struct arena *arena,
                        const struct kafka_create_topics_topic *asked, int32_t *partitions,
                        int16_t *code, struct slice *message)
{
    bool none_named = asked->num_partitions == KAFKA_CREATE_TOPICS_BROKER_DEFAULT;

    if (!check_name(gateway, arena, asked->name, code, message))
        return false;
    if (asked->assignment_count > 0)
        return refuse(code, message, KAFKA_INVALID_REPLICA_ASSIGNMENT,
                      SLICE_LITERAL("the database places copies, and the members share partitions: "
                                    "assignments are not taken"));
    *partitions = none_named ? gateway->config->num_partitions : asked->num_partitions;
    if (*partitions < 1)
        return refuse(
            code, message, KAFKA_INVALID_PARTITIONS,
            SLICE_LITERAL("Number of partitions was set to an invalid non-positive value."));
    if (gateway->topics.count + gateway->creating_topics >= gateway->config->max_topics)
        return refuse(code, message, KAFKA_POLICY_VIOLATION,
                      admin_text(arena, "there are %u topics already (topics.max_topics)",
                                 gateway->config->max_topics));
    return check_copies(gateway, arena, asked->replication_factor, code, message) &&
           check_partitions(gateway, arena, *partitions, *partitions, code, message) &&
           check_configs(gateway, arena, asked, code, message);
}

/* From the request's settings to the topic's map; false: they are too large, or no memory. */
static bool make_configuration(const struct kafka_create_topics_topic *asked, struct arena *arena,
                               struct buf *configuration)
{
    size_t count = (size_t)admin_count(asked->config_count);
    struct topic_change *changes = arena_take_array(arena, count, sizeof(*changes));
    struct buf wanted;

    if (changes == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        changes[i] = (struct topic_change){asked->configs[i].name, asked->configs[i].value};
    buf_init(&wanted, configuration->alloc, TOPIC_CONFIGURATION_BYTES);
    int rc = topic_configuration_change(SLICE_NULL, changes, count, false, &wanted);
    if (rc == STATUS_OK)
        rc = topic_configuration_mark(buf_unread(&wanted), true, configuration);
    buf_deinit(&wanted);
    return rc == STATUS_OK;
}

/* What v5 and later want to see of a new topic. */
static bool tell_settings(const struct admin_call *call, struct arena *arena,
                          struct slice configuration,
                          struct kafka_create_topics_topic_response *out)
{
    size_t count;
    const struct topic_setting *list = topic_setting_list(&count);

    out->configs = arena_take_array(arena, count, sizeof(*out->configs));
    out->config_count = 0;
    if (out->configs == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct admin_setting setting;
        if (!admin_setting_of(call->gateway, &list[i], configuration, arena, &setting))
            return false;
        out->configs[out->config_count++] =
            (struct kafka_create_topics_config_response){.name = slice_cstr(list[i].name),
                                                         .value = setting.value,
                                                         .read_only = list[i].why != NULL,
                                                         .config_source = setting.source};
    }
    return true;
}

static void topic_created(struct admin_item *item)
{
    struct kafka_create_topics_topic_response *out = item->response;
    const struct topic *topic = admin_find_topic(item->call->gateway, item->name);

    if (*item->error_code != 0) { /* what was to be is not */
        out->num_partitions = -1;
        out->replication_factor = -1;
        out->config_count = 0;
    } else if (topic != NULL) {
        memcpy(out->topic_id, topic->topic_id, 16);
    }
}

static int16_t creation_expired(struct admin_item *item)
{
    *item->error_code = KAFKA_REQUEST_TIMED_OUT;
    topic_created(item);
    return KAFKA_REQUEST_TIMED_OUT;
}

/* One topic of the request; false: out of memory. */
static bool create_topic(struct admin_call *call, const struct kafka_create_topics_topic *asked,
                         bool validate_only, struct kafka_create_topics_topic_response *out,
                         struct moment now)
{
    struct gateway *gateway = call->gateway;
    struct buf configuration;
    int32_t partitions;

    if (!check_topic(gateway, &call->arena, asked, &partitions, &out->error_code,
                     &out->error_message))
        return true;
    buf_init(&configuration, gateway->config->alloc, TOPIC_CONFIGURATION_BYTES);
    bool ok = make_configuration(asked, &call->arena, &configuration) &&
              tell_settings(call, &call->arena, buf_unread(&configuration), out);
    if (ok) {
        out->num_partitions = partitions;
        out->replication_factor = 1; /* as Metadata has it: this gateway */
    }
    if (ok && !validate_only) {
        struct admin_item *item =
            admin_item(call, &out->error_code, &out->error_message, asked->name, NULL);
        ok = item != NULL;
        if (ok) {
            item->finished = topic_created;
            item->expired = creation_expired;
            item->response = out;
            admin_item_creates(item, 1, partitions);
            control_topic_create(gateway->control, item->name, partitions,
                                 buf_unread(&configuration), admin_done, item, now);
        }
    }
    buf_deinit(&configuration);
    return ok;
}

static bool is_named_twice(const struct kafka_create_topics_request *request, int32_t at)
{
    for (int32_t i = 0; i < request->topic_count; i++)
        if (i != at && slice_equal(request->topics[i].name, request->topics[at].name))
            return true;
    return false;
}

static int64_t creation_items(const struct kafka_create_topics_request *request)
{
    int64_t items = admin_count(request->topic_count);

    for (int32_t i = 0; i < request->topic_count; i++)
        items += admin_count(request->topics[i].config_count);
    return items;
}

void admin_create_topics(struct client *client, const struct kafka_event *event, struct moment now)
{
    const struct kafka_create_topics_request *request = event->body;
    struct gateway *gateway = client->gateway;
    size_t count = (size_t)admin_count(request->topic_count);
    struct admin_call *call =
        admin_begin(client, event, sizeof(struct kafka_create_topics_response), request->timeout_ms,
                    CREATE_WAIT_MS);

    if (call == NULL)
        return;
    struct kafka_create_topics_response *response = call->response;
    struct slice why;
    int16_t refusal = admin_refuses_changes(gateway, creation_items(request), &why);
    response->topics = arena_take_array(&call->arena, count, sizeof(*response->topics));
    if (response->topics == NULL) {
        admin_abandon(call, now);
        return;
    }
    response->topic_count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        struct kafka_create_topics_topic_response *out = &response->topics[i];
        *out = KAFKA_CREATE_TOPICS_TOPIC_RESPONSE_DEFAULT;
        out->config_count = 0;
        out->name = arena_copy(&call->arena, request->topics[i].name);
        bool ok = out->name.data != NULL || request->topics[i].name.data == NULL;
        if (refusal != 0)
            refuse(&out->error_code, &out->error_message, refusal, why);
        else if (is_named_twice(request, (int32_t)i))
            refuse(&out->error_code, &out->error_message, KAFKA_INVALID_REQUEST,
                   SLICE_LITERAL("Found multiple entries for this topic."));
        else
            ok = ok && create_topic(call, &request->topics[i], request->validate_only, out, now);
        if (!ok) {
            admin_abandon(call, now);
            return;
        }
    }
    admin_answer_when_done(call, now);
}

/* ---- DeleteTopics ---- */

static int16_t deletion_expired(struct admin_item *item)
{
    const struct topic *topic = topics_find_id(&item->call->gateway->topics, item->topic_id);

    /* The row says so: nothing brings it back, and what is left to do goes on. */
    return topic == NULL || topic->state == TOPIC_DELETING ? 0 : KAFKA_REQUEST_TIMED_OUT;
}

static bool is_zero(const uint8_t id[16])
{
    static const uint8_t zero[16];

    return memcmp(id, zero, 16) == 0;
}

static const struct topic *named_topic(const struct gateway *gateway,
                                       const struct kafka_delete_topics_topic *asked)
{
    return asked->name.data == NULL ? topics_find_id(&gateway->topics, asked->topic_id)
                                    : topics_find(&gateway->topics, asked->name);
}

static const struct topic *check_deletion(const struct gateway *gateway,
                                          const struct kafka_delete_topics_topic *asked,
                                          int16_t *code, struct slice *message)
{
    bool by_id = asked->name.data == NULL;

    if (by_id == is_zero(asked->topic_id)) {
        refuse(code, message, KAFKA_INVALID_REQUEST,
               SLICE_LITERAL("a topic is named by its name or by its id"));
        return NULL;
    }
    const struct topic *topic = named_topic(gateway, asked);
    if (topic == NULL || topic->state != TOPIC_LIVE) {
        refuse(code, message, by_id ? KAFKA_UNKNOWN_TOPIC_ID : KAFKA_UNKNOWN_TOPIC_OR_PARTITION,
               SLICE_LITERAL("there is no such topic"));
        return NULL;
    }
    if (!gateway->config->delete_topics) {
        refuse(code, message, KAFKA_TOPIC_DELETION_DISABLED, SLICE_LITERAL("topics.delete is off"));
        return NULL;
    }
    if (gateway->config->schema_create)
        return topic;
    refuse(code, message, KAFKA_TOPIC_DELETION_DISABLED,
           SLICE_LITERAL("schema.create: never forbids Sluice to drop tables"));
    return NULL;
}

/* The same words, or a name and an id of one topic. */
static bool is_deleted_twice(const struct gateway *gateway,
                             const struct kafka_delete_topics_request *request, int32_t at)
{
    const struct kafka_delete_topics_topic *one = &request->topics[at];
    const struct topic *topic = named_topic(gateway, one);

    for (int32_t i = 0; i < request->topic_count; i++) {
        const struct kafka_delete_topics_topic *other = &request->topics[i];
        bool same_words = (other->name.data == NULL) == (one->name.data == NULL) &&
                          slice_equal(other->name, one->name) &&
                          memcmp(other->topic_id, one->topic_id, 16) == 0;
        if (i != at && (same_words || (topic != NULL && named_topic(gateway, other) == topic)))
            return true;
    }
    return false;
}

/* False: out of memory. */
static bool delete_topic(struct admin_call *call, const struct kafka_delete_topics_topic *asked,
                         struct kafka_delete_topics_topic_response *out, struct moment now)
{
    struct gateway *gateway = call->gateway;
    const struct topic *topic =
        check_deletion(gateway, asked, &out->error_code, &out->error_message);

    if (topic == NULL)
        return true;
    struct slice name = slice_make(topic->name, topic->name_len);
    struct admin_item *item =
        admin_item(call, &out->error_code, &out->error_message, name, topic->topic_id);
    if (item == NULL)
        return false;
    out->name = item->name;
    memcpy(out->topic_id, item->topic_id, 16);
    item->expired = deletion_expired;
    control_topic_delete(gateway->control, item->name, item->topic_id, admin_done, item, now);
    return true;
}

void admin_delete_topics(struct client *client, const struct kafka_event *event, struct moment now)
{
    const struct kafka_delete_topics_request *request = event->body;
    struct gateway *gateway = client->gateway;
    size_t count = (size_t)admin_count(request->topic_count);
    struct admin_call *call =
        admin_begin(client, event, sizeof(struct kafka_delete_topics_response), request->timeout_ms,
                    DELETE_WAIT_MS);

    if (call == NULL)
        return;
    struct kafka_delete_topics_response *response = call->response;
    struct slice why;
    int16_t refusal = admin_refuses_changes(gateway, (int64_t)count, &why);
    bool ok = true;
    response->responses = arena_take_array(&call->arena, count, sizeof(*response->responses));
    response->response_count = response->responses == NULL ? 0 : (int32_t)count;
    for (size_t i = 0; ok && i < (size_t)response->response_count; i++) {
        struct kafka_delete_topics_topic_response *out = &response->responses[i];
        out->name = arena_copy(&call->arena, request->topics[i].name);
        memcpy(out->topic_id, request->topics[i].topic_id, 16);
        if (refusal != 0)
            refuse(&out->error_code, &out->error_message, refusal, why);
        else if (is_deleted_twice(gateway, request, (int32_t)i))
            refuse(&out->error_code, &out->error_message, KAFKA_INVALID_REQUEST,
                   SLICE_LITERAL("the topic is named twice"));
        else
            ok = delete_topic(call, &request->topics[i], out, now);
    }
    if (ok && response->responses != NULL)
        admin_answer_when_done(call, now);
    else
        admin_abandon(call, now);
}

/* ---- CreatePartitions ---- */

static bool check_growth(const struct gateway *gateway, struct arena *arena,
                         const struct kafka_create_partitions_topic *asked,
                         struct kafka_create_partitions_result *out)
{
    const struct topic *topic = admin_find_topic(gateway, asked->name);

    if (topic == NULL)
        return refuse(&out->error_code, &out->error_message, KAFKA_UNKNOWN_TOPIC_OR_PARTITION,
                      SLICE_LITERAL("there is no such topic"));
    if (asked->count < topic->partition_count)
        return refuse(&out->error_code, &out->error_message, KAFKA_INVALID_PARTITIONS,
                      admin_text(arena,
                                 "The topic currently has %d partition(s); %d would not be an "
                                 "increase.",
                                 topic->partition_count, asked->count));
    if (asked->count == topic->partition_count)
        return refuse(&out->error_code, &out->error_message, KAFKA_INVALID_PARTITIONS,
                      admin_text(arena, "Topic already has %d partition(s).", asked->count));
    if (asked->assignment_count > 0)
        return refuse(&out->error_code, &out->error_message, KAFKA_INVALID_REPLICA_ASSIGNMENT,
                      SLICE_LITERAL("the database places copies, and the members share partitions: "
                                    "assignments are not taken"));
    return check_partitions(gateway, arena, asked->count,
                            (int64_t)asked->count - topic->partition_count, &out->error_code,
                            &out->error_message);
}

static bool is_grown_twice(const struct kafka_create_partitions_request *request, int32_t at)
{
    for (int32_t i = 0; i < request->topic_count; i++)
        if (i != at && slice_equal(request->topics[i].name, request->topics[at].name))
            return true;
    return false;
}

/* False: out of memory. */
static bool grow_topic(struct admin_call *call, const struct kafka_create_partitions_topic *asked,
                       bool validate_only, struct kafka_create_partitions_result *out,
                       struct moment now)
{
    struct gateway *gateway = call->gateway;

    if (!check_growth(gateway, &call->arena, asked, out) || validate_only)
        return true;
    const struct topic *topic = admin_find_topic(gateway, asked->name);
    struct admin_item *item =
        admin_item(call, &out->error_code, &out->error_message, asked->name, topic->topic_id);
    if (item == NULL)
        return false;
    admin_item_creates(item, 0, (int64_t)asked->count - topic->partition_count);
    control_topic_grow(gateway->control, item->name, item->topic_id, asked->count, admin_done, item,
                       now);
    return true;
}

void admin_create_partitions(struct client *client, const struct kafka_event *event,
                             struct moment now)
{
    const struct kafka_create_partitions_request *request = event->body;
    struct gateway *gateway = client->gateway;
    size_t count = (size_t)admin_count(request->topic_count);
    struct admin_call *call =
        admin_begin(client, event, sizeof(struct kafka_create_partitions_response),
                    request->timeout_ms, CREATE_WAIT_MS);

    if (call == NULL)
        return;
    struct kafka_create_partitions_response *response = call->response;
    struct slice why;
    int16_t refusal = admin_refuses_changes(gateway, (int64_t)count, &why);
    bool ok = true;
    response->results = arena_take_array(&call->arena, count, sizeof(*response->results));
    response->result_count = response->results == NULL ? 0 : (int32_t)count;
    for (size_t i = 0; ok && i < (size_t)response->result_count; i++) {
        struct kafka_create_partitions_result *out = &response->results[i];
        out->name = arena_copy(&call->arena, request->topics[i].name);
        if (refusal != 0)
            refuse(&out->error_code, &out->error_message, refusal, why);
        else if (is_grown_twice(request, (int32_t)i))
            refuse(&out->error_code, &out->error_message, KAFKA_INVALID_REQUEST,
                   SLICE_LITERAL("Duplicate topic in request."));
        else
            ok = grow_topic(call, &request->topics[i], request->validate_only, out, now);
    }
    if (ok && response->results != NULL)
        admin_answer_when_done(call, now);
    else
        admin_abandon(call, now);
}
