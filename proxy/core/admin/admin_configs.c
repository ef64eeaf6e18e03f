/* DescribeConfigs, AlterConfigs, IncrementalAlterConfigs. A topic's settings are its own
 * (topic_settings.h); the gateway's are those of sluice.yaml under the names that Kafka has for them,
 * to be read only. */
#include "core/admin/admin.h"
#include "kafka/alter_configs.h"
#include "kafka/describe_configs.h"

#include "core/text_map.h"

#include <stdio.h>

enum { ALTER_WAIT_MS = 20 * 1000, ALTER_TIMEOUT_MS = 30 * 1000 };

enum broker_store { BROKER_BOOL, BROKER_I32, BROKER_U32, BROKER_SIZE, BROKER_US };

#define BROKER(kafka_name, kind, store, member, text)                                              \
    {kafka_name, KAFKA_CONFIG_TYPE_##kind, BROKER_##store, offsetof(struct gateway_config, member), \
     text}

/* Those that no topic setting falls back to. */
static const struct broker_setting {
    const char *name;
    enum kafka_config_type type;
    enum broker_store store;
    size_t at;
    const char *documentation;
} broker_settings[] = {
    BROKER("auto.create.topics.enable", BOOLEAN, BOOL, auto_create_topics, "topics.auto_create"),
    BROKER("broker.id", INT, I32, node_id, "listener.node_id"),
    BROKER("connections.max.idle.ms", LONG, US, idle_timeout_us, "limits.idle_timeout"),
    BROKER("delete.topic.enable", BOOLEAN, BOOL, delete_topics, "topics.delete"),
    BROKER("max.connections", INT, U32, max_connections, "listener.max_connections"),
    BROKER("node.id", INT, I32, node_id, "listener.node_id"),
    BROKER("num.partitions", INT, I32, num_partitions, "topics.num_partitions"),
    BROKER("socket.request.max.bytes", INT, SIZE, max_request_bytes, "limits.max_request_bytes"),
};
#define BROKER_COUNT (sizeof(broker_settings) / sizeof(broker_settings[0]))

static void print_broker(const struct broker_setting *setting, const struct gateway_config *config,
                         char text[TOPIC_SETTING_TEXT_BYTES])
{
    const void *at = (const char *)config + setting->at;
    long long number = 0;

    switch (setting->store) {
    case BROKER_BOOL:
        (void)snprintf(text, TOPIC_SETTING_TEXT_BYTES, "%s",
                       *(const bool *)at ? "true" : "false");
        return;
    case BROKER_I32:
        number = *(const int32_t *)at;
        break;
    case BROKER_U32:
        number = *(const uint32_t *)at;
        break;
    case BROKER_SIZE:
        number = (long long)*(const size_t *)at;
        break;
    case BROKER_US:
        number = *(const int64_t *)at / 1000;
        break;
    }
    (void)snprintf(text, TOPIC_SETTING_TEXT_BYTES, "%lld", number);
}

bool admin_setting_of(const struct gateway *gateway, const struct topic_setting *setting,
                      struct slice configuration, struct arena *arena, struct admin_setting *out)
{
    char text[TOPIC_SETTING_TEXT_BYTES];
    struct slice own = text_map_get(configuration, slice_cstr(setting->name));

    topic_setting_default(setting, gateway->config, control_ack_copies(gateway->control), text);
    *out = (struct admin_setting){.setting = setting};
    out->fallback = arena_copy(arena, slice_cstr(text));
    out->fallback_source = topic_setting_is_static(setting, gateway->config)
                               ? KAFKA_CONFIG_SOURCE_STATIC_BROKER
                               : KAFKA_CONFIG_SOURCE_DEFAULT;
    out->value = own.data != NULL ? arena_copy(arena, own) : out->fallback;
    out->source = own.data != NULL ? KAFKA_CONFIG_SOURCE_TOPIC : out->fallback_source;
    return out->fallback.data != NULL && out->value.data != NULL;
}

/* ---- DescribeConfigs ---- */

struct describing {
    const struct kafka_describe_configs_request *request;
    const struct kafka_describe_configs_resource *asked;
    struct gateway *gateway;
    struct arena *arena;
    struct kafka_describe_configs_result *out;
};

static bool is_wanted(const struct kafka_describe_configs_resource *asked, const char *name)
{
    for (int32_t i = 0; i < asked->configuration_key_count; i++)
        if (slice_equal(asked->configuration_keys[i], slice_cstr(name)))
            return true;
    return asked->configuration_key_count <= 0; /* no names: all, as null */
}

/* The values that it would have, the one that counts first. False: out of memory. */
static bool put_synonyms(const struct describing *d, const struct admin_setting *setting,
                         const char *broker_name, struct kafka_describe_configs_config *config)
{
    if (!d->request->include_synonyms)
        return true;
    config->synonyms = arena_take_array(d->arena, 2, sizeof(*config->synonyms));
    if (config->synonyms == NULL)
        return false;
    if (setting->source == KAFKA_CONFIG_SOURCE_TOPIC)
        config->synonyms[config->synonym_count++] = (struct kafka_describe_configs_synonym){
            config->name, setting->value, KAFKA_CONFIG_SOURCE_TOPIC};
    config->synonyms[config->synonym_count++] = (struct kafka_describe_configs_synonym){
        slice_cstr(broker_name), setting->fallback, setting->fallback_source};
    return true;
}

/* One line of the answer. False: out of memory. */
static bool put_config(struct describing *d, const char *name, const char *broker_name,
                       const struct admin_setting *setting, enum kafka_config_type type,
                       bool read_only, const char *documentation)
{
    struct kafka_describe_configs_config *config = &d->out->configs[d->out->config_count++];

    *config = (struct kafka_describe_configs_config){
        .name = slice_cstr(name),
        .value = setting->value,
        .read_only = read_only,
        .is_default = setting->source == KAFKA_CONFIG_SOURCE_DEFAULT,
        .config_source = setting->source,
        .config_type = (int8_t)type,
        .documentation =
            d->request->include_documentation ? slice_cstr(documentation) : SLICE_NULL};
    return put_synonyms(d, setting, broker_name, config);
}

static bool describe_topic(struct describing *d, const struct topic *topic)
{
    size_t count;
    const struct topic_setting *list = topic_setting_list(&count);

    d->out->configs = arena_take_array(d->arena, count, sizeof(*d->out->configs));
    bool ok = d->out->configs != NULL;
    for (size_t i = 0; ok && i < count; i++) {
        struct admin_setting setting;
        if (is_wanted(d->asked, list[i].name))
            ok = admin_setting_of(d->gateway, &list[i], topic_configuration(topic), d->arena,
                                  &setting) &&
                 put_config(d, list[i].name, list[i].broker_name, &setting, list[i].type,
                            list[i].why != NULL, list[i].documentation);
    }
    return ok;
}

static bool describe_broker(struct describing *d)
{
    size_t count;
    const struct topic_setting *list = topic_setting_list(&count);
    struct gateway_config own;
    bool ok;

    gateway_config_defaults(&own);
    d->out->configs = arena_take_array(d->arena, count + BROKER_COUNT, sizeof(*d->out->configs));
    ok = d->out->configs != NULL;
    for (size_t i = 0; ok && i < BROKER_COUNT; i++) {
        const struct broker_setting *broker = &broker_settings[i];
        char text[TOPIC_SETTING_TEXT_BYTES], as_own[TOPIC_SETTING_TEXT_BYTES];
        if (!is_wanted(d->asked, broker->name))
            continue;
        print_broker(broker, d->gateway->config, text);
        print_broker(broker, &own, as_own);
        struct admin_setting setting = {.value = arena_copy(d->arena, slice_cstr(text))};
        setting.source = strcmp(text, as_own) != 0 ? KAFKA_CONFIG_SOURCE_STATIC_BROKER
                                                   : KAFKA_CONFIG_SOURCE_DEFAULT;
        setting.fallback = setting.value;
        setting.fallback_source = setting.source;
        ok = setting.value.data != NULL && put_config(d, broker->name, broker->name, &setting,
                                                      broker->type, true, broker->documentation);
    }
    for (size_t i = 0; ok && i < count; i++) {
        struct admin_setting setting;
        if (is_wanted(d->asked, list[i].broker_name))
            ok = admin_setting_of(d->gateway, &list[i], SLICE_NULL, d->arena, &setting) &&
                 put_config(d, list[i].broker_name, list[i].broker_name, &setting, list[i].type,
                            true, list[i].documentation);
    }
    return ok;
}

/* Is it this gateway? "" stands for what all brokers share, of which there is nothing. */
static bool check_broker(const struct gateway *gateway, struct arena *arena, struct slice name,
                         int16_t *code, struct slice *message)
{
    char id[16];

    (void)snprintf(id, sizeof(id), "%d", gateway->config->node_id);
    if (name.len == 0 || slice_equal(name, slice_cstr(id)))
        return true;
    *code = KAFKA_INVALID_REQUEST;
    *message = admin_text(arena, "Unexpected broker id, expected %s or empty string, but received "
                                 ADMIN_NAME_FORMAT,
                          id, ADMIN_NAME(name));
    return false;
}

/* False: out of memory. */
static bool describe(struct describing *d)
{
    struct kafka_describe_configs_result *out = d->out;
    struct slice name = d->asked->resource_name;

    out->resource_type = d->asked->resource_type;
    out->resource_name = name;
    out->error_message = SLICE_LITERAL("");
    if (d->asked->resource_type == KAFKA_RESOURCE_TOPIC) {
        const struct topic *topic = admin_find_topic(d->gateway, name);
        if (topic != NULL)
            return describe_topic(d, topic);
        bool valid = topic_name_is_valid(name);
        out->error_code = valid ? KAFKA_UNKNOWN_TOPIC_OR_PARTITION : KAFKA_INVALID_TOPIC_EXCEPTION;
        out->error_message = valid ? SLICE_LITERAL("there is no such topic")
                                   : SLICE_LITERAL("that is no topic's name");
        return true;
    }
    if (d->asked->resource_type == KAFKA_RESOURCE_BROKER) {
        if (!check_broker(d->gateway, d->arena, name, &out->error_code, &out->error_message))
            return true;
        return name.len == 0 || describe_broker(d);
    }
    out->error_code = KAFKA_INVALID_REQUEST;
    out->error_message = SLICE_LITERAL("topics and brokers have settings here; loggers, client "
                                       "metrics and groups do not");
    return true;
}

static int64_t items_of(const struct kafka_describe_configs_request *request)
{
    int64_t items = admin_count(request->resource_count);

    for (int32_t i = 0; i < request->resource_count; i++)
        items += admin_count(request->resources[i].configuration_key_count);
    return items;
}

void admin_describe_configs(struct client *client, const struct kafka_event *event,
                            struct moment now)
{
    const struct kafka_describe_configs_request *request = event->body;
    struct gateway *gateway = client->gateway;
    struct kafka_describe_configs_response response = {0};
    size_t count = (size_t)admin_count(request->resource_count);
    bool too_much = admin_is_too_much(gateway, items_of(request)), ok;

    arena_reset(&gateway->arena);
    response.results = arena_take_array(&gateway->arena, count, sizeof(*response.results));
    response.result_count = (int32_t)count;
    ok = response.results != NULL;
    for (size_t i = 0; ok && i < count; i++) {
        struct describing d = {request, &request->resources[i], gateway, &gateway->arena,
                               &response.results[i]};
        if (!too_much && gateway->ready) {
            ok = describe(&d);
            continue;
        }
        d.out->error_code = too_much ? KAFKA_INVALID_REQUEST : KAFKA_NOT_CONTROLLER;
        d.out->error_message =
            too_much ? SLICE_LITERAL("the request names more than limits.max_admin_items")
                     : SLICE_LITERAL("this gateway is starting");
        d.out->resource_type = d.asked->resource_type;
        d.out->resource_name = d.asked->resource_name;
    }
    if (ok)
        client_respond(client, event->request_id, &response, now);
    else
        client_fail(client, "out of memory", "DescribeConfigs", now);
}

/* ---- AlterConfigs, IncrementalAlterConfigs ---- */

struct altering {
    struct admin_call *call;
    const struct kafka_alter_configs_resource *asked;
    bool incremental;
    struct kafka_alter_configs_resource_response *out;
    struct topic_change *changes;
    size_t change_count;
};

static bool refuse(struct altering *a, int16_t code, struct slice message)
{
    a->out->error_code = code;
    a->out->error_message = message;
    return false;
}

/* cleanup.policy is the only list, and has one value: adding that, or taking another away, changes
 * nothing. *nothing: no change is to be made. */
static bool check_list_operation(struct altering *a, const struct kafka_alter_configs_config *asked,
                                 bool *nothing)
{
    const struct topic_setting *setting = topic_setting_find(asked->name);
    bool appends = asked->config_operation == KAFKA_CONFIG_APPEND;
    bool is_value = slice_equal(asked->value, SLICE_LITERAL("delete"));

    if (setting == NULL || setting->type != KAFKA_CONFIG_TYPE_LIST)
        return refuse(a, KAFKA_INVALID_CONFIG,
                      admin_text(&a->call->arena,
                                 ADMIN_NAME_FORMAT ": it is not a list, nothing can be added to it "
                                                   "or taken from it",
                                 ADMIN_NAME(asked->name)));
    *nothing = appends == is_value;
    return *nothing || refuse(a, KAFKA_INVALID_CONFIG, admin_text(&a->call->arena, "%s: %s",
                                                                  setting->name, setting->why));
}

static bool check_change(struct altering *a, const struct kafka_alter_configs_config *asked)
{
    const struct gateway *gateway = a->call->gateway;
    char why[TOPIC_SETTING_WHY_BYTES];
    bool nothing = false, deletes = a->incremental && asked->config_operation == KAFKA_CONFIG_DELETE;

    if (!deletes && asked->value.data == NULL)
        return refuse(a, KAFKA_INVALID_REQUEST,
                      admin_text(&a->call->arena,
                                 "Null value not supported for : " ADMIN_NAME_FORMAT,
                                 ADMIN_NAME(asked->name)));
    if (a->incremental && (asked->config_operation < KAFKA_CONFIG_SET ||
                           asked->config_operation > KAFKA_CONFIG_SUBTRACT))
        return refuse(a, KAFKA_INVALID_REQUEST, SLICE_LITERAL("there is no such operation"));
    if (a->incremental && asked->config_operation >= KAFKA_CONFIG_APPEND &&
        !check_list_operation(a, asked, &nothing))
        return false;
    if (nothing)
        return true;
    const struct topic_setting *setting = topic_setting_find(asked->name);
    char own[TOPIC_SETTING_TEXT_BYTES] = "";
    if (deletes && setting != NULL) /* the default is always allowed; the name has to exist */
        topic_setting_default(setting, gateway->config, control_ack_copies(gateway->control), own);
    if (!topic_setting_check(gateway->config, control_ack_copies(gateway->control), asked->name,
                             deletes ? slice_cstr(own) : asked->value, why))
        return refuse(a, KAFKA_INVALID_CONFIG, arena_copy(&a->call->arena, slice_cstr(why)));
    a->changes[a->change_count++] =
        (struct topic_change){asked->name, deletes ? SLICE_NULL : asked->value};
    return true;
}

static bool check_changes(struct altering *a)
{
    for (int32_t i = 0; i < a->asked->config_count; i++) {
        for (int32_t k = 0; k < i; k++)
            if (slice_equal(a->asked->configs[i].name, a->asked->configs[k].name))
                return refuse(a, KAFKA_INVALID_REQUEST,
                              SLICE_LITERAL("Error due to duplicate config keys"));
        if (!check_change(a, &a->asked->configs[i]))
            return false;
    }
    return true;
}

static bool check_resource(struct altering *a)
{
    const struct gateway *gateway = a->call->gateway;

    if (a->asked->resource_type == KAFKA_RESOURCE_BROKER) {
        if (!check_broker(gateway, &a->call->arena, a->asked->resource_name, &a->out->error_code,
                          &a->out->error_message))
            return false;
        return refuse(a, KAFKA_INVALID_REQUEST,
                      SLICE_LITERAL("a gateway's settings are those of its sluice.yaml; change "
                                    "them there and send it SIGHUP"));
    }
    if (a->asked->resource_type != KAFKA_RESOURCE_TOPIC)
        return refuse(a, KAFKA_INVALID_REQUEST,
                      SLICE_LITERAL("topics have settings here; loggers, client metrics and groups "
                                    "do not"));
    if (!topic_name_is_valid(a->asked->resource_name))
        return refuse(a, KAFKA_INVALID_TOPIC_EXCEPTION,
                      SLICE_LITERAL("that is no topic's name"));
    if (admin_find_topic(gateway, a->asked->resource_name) == NULL)
        return refuse(a, KAFKA_UNKNOWN_TOPIC_OR_PARTITION, SLICE_LITERAL("there is no such topic"));
    return true;
}

/* False: out of memory. */
static bool alter(struct altering *a, bool validate_only, struct moment now)
{
    struct admin_call *call = a->call;

    a->changes = arena_take_array(&call->arena, (size_t)admin_count(a->asked->config_count),
                                  sizeof(*a->changes));
    if (a->changes == NULL)
        return false;
    if (!check_resource(a) || !check_changes(a) || validate_only)
        return true;
    const struct topic *topic = admin_find_topic(call->gateway, a->asked->resource_name);
    struct admin_item *item = admin_item(call, &a->out->error_code, &a->out->error_message,
                                         a->asked->resource_name, topic->topic_id);
    if (item == NULL)
        return false;
    if (a->change_count == 0 && a->incremental)
        admin_done(item, 0, "", now);
    else
        control_topic_configure(call->gateway->control, item->name, item->topic_id, a->changes,
                                a->change_count, !a->incremental, admin_done, item, now);
    return true;
}

static bool is_altered_twice(const struct kafka_alter_configs_request *request, int32_t at)
{
    const struct kafka_alter_configs_resource *one = &request->resources[at];

    for (int32_t i = 0; i < request->resource_count; i++)
        if (i != at && request->resources[i].resource_type == one->resource_type &&
            slice_equal(request->resources[i].resource_name, one->resource_name))
            return true;
    return false;
}

static int64_t altered_items(const struct kafka_alter_configs_request *request)
{
    int64_t items = admin_count(request->resource_count);

    for (int32_t i = 0; i < request->resource_count; i++)
        items += admin_count(request->resources[i].config_count);
    return items;
}

void admin_alter_configs(struct client *client, const struct kafka_event *event, struct moment now)
{
    const struct kafka_alter_configs_request *request = event->body;
    struct gateway *gateway = client->gateway;
    size_t count = (size_t)admin_count(request->resource_count);
    struct admin_call *call = admin_begin(client, event, sizeof(struct kafka_alter_configs_response),
                                          ALTER_TIMEOUT_MS, ALTER_WAIT_MS);

    if (call == NULL)
        return;
    struct kafka_alter_configs_response *response = call->response;
    struct slice why;
    int16_t refusal = admin_refuses_changes(gateway, altered_items(request), &why);
    bool ok = true;
    response->responses = arena_take_array(&call->arena, count, sizeof(*response->responses));
    response->response_count = response->responses == NULL ? 0 : (int32_t)count;
    for (size_t i = 0; ok && i < (size_t)response->response_count; i++) {
        struct altering a = {.call = call,
                             .asked = &request->resources[i],
                             .incremental = event->api->key == KAFKA_INCREMENTAL_ALTER_CONFIGS,
                             .out = &response->responses[i]};
        a.out->resource_type = a.asked->resource_type;
        a.out->resource_name = arena_copy(&call->arena, a.asked->resource_name);
        if (refusal != 0)
            refuse(&a, refusal, why);
        else if (is_altered_twice(request, (int32_t)i))
            refuse(&a, KAFKA_INVALID_REQUEST, SLICE_LITERAL("the resource is named twice"));
        else
            ok = alter(&a, request->validate_only, now);
    }
    if (ok && response->responses != NULL)
        admin_answer_when_done(call, now);
    else
        admin_abandon(call, now);
}
