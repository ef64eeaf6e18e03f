/*
 * The APIs of tools: topics made and deleted, settings, what a cluster looks like. Each handler
 * fills a response; what takes time is an item of a call, which answers when all its items are done
 * or its deadline has come.
 *
 *      call = admin_begin(client, event, sizeof(response), wait_ms)
 *      item = admin_item(call, &error_code, &message)  control_topic_...(admin_done, item)
 *      admin_answer_when_done(call)
 *
 * Files: admin.c (calls, dispatch), admin_topics.c, admin_configs.c, admin_describe.c,
 * admin_offsets.c, admin_empty.c (what there is none of here).
 */
#ifndef PROXY_CORE_ADMIN_H
#define PROXY_CORE_ADMIN_H

#include "core/gateway_internal.h"
#include "kafka/error.h"
#include "kafka/types.h"

struct admin_call;

struct admin_item {
    struct list node; /* call.items */
    struct admin_call *call;
    int16_t *error_code;   /* in the response */
    struct slice *message; /* likewise, or NULL */
    bool done;
    /* At the deadline, not done: what is answered instead of 7; NULL: 7. */
    int16_t (*expired)(struct admin_item *item);
    /* Called now and then while it is not done, also when nobody waits any more; NULL: never. */
    void (*poll)(struct admin_item *item, struct moment now);
    /* Done, and the answer is still wanted: fills in the rest. */
    void (*finished)(struct admin_item *item);
    struct slice name; /* of the topic it is about */
    uint8_t topic_id[16];
    void *response; /* the part of the response that is this item's */
    /* What it adds to gateway.creating_topics and .creating_partitions until it is done. */
    uint32_t creating_topics;
    int64_t creating_partitions;
};

struct admin_call {
    struct list node; /* gateway.admin_calls */
    struct gateway *gateway;
    struct client *client; /* NULL: gone, or answered */
    uint64_t request_id;
    int16_t version;
    int64_t deadline_us;
    struct arena arena; /* of the response and the items */
    void *response;
    struct list items;
    int unfinished;
};

/* A call with a zeroed response; NULL: out of memory, and the client was told. `wait_ms` as the
 * client gave it: four fifths of it are used, and at most max_ms. */
struct admin_call *admin_begin(struct client *client, const struct kafka_event *event,
                               size_t response_bytes, int32_t wait_ms, int32_t max_ms);
/* NULL: out of memory; the item's code is 7 then. The name is copied. */
struct admin_item *admin_item(struct admin_call *call, int16_t *error_code, struct slice *message,
                              struct slice name, const uint8_t topic_id[16]);
/* So much is being made, which the limits count. */
void admin_item_creates(struct admin_item *item, uint32_t topics, int64_t partitions);
/* A control_done; the context is the item. */
void admin_done(void *context, int16_t kafka_error, const char *text, struct moment now);
/* Everything was asked: answers now when nothing is unfinished. The call may be gone afterwards. */
void admin_answer_when_done(struct admin_call *call, struct moment now);
/* Out of memory in a handler: the client is told, the call goes when its items are done. */
void admin_abandon(struct admin_call *call, struct moment now);
/* printf into the call's arena; null when memory is out. */
__attribute__((format(printf, 2, 3))) struct slice admin_text(struct arena *arena,
                                                              const char *format, ...);

/* Names of topics in messages are cut there. */
#define ADMIN_NAME_FORMAT "%.*s"
#define ADMIN_NAME(name)  (int)((name).len < 249 ? (name).len : 249), (const char *)(name).data

/* Nobody may read through us, nor act as a broker; there are no ACLs: all the rest is allowed. */
#define ADMIN_TOPIC_OPERATIONS   (KAFKA_TOPIC_OPERATIONS & ~KAFKA_OPERATION_READ)
#define ADMIN_CLUSTER_OPERATIONS (KAFKA_CLUSTER_OPERATIONS & ~KAFKA_OPERATION_CLUSTER_ACTION)

/* True: this API is one of these. */
bool admin_handle(struct client *client, const struct kafka_event *event, struct moment now);
bool admin_needs_tables(int16_t api_key);
void admin_tick(struct gateway *gateway, struct moment now);
void admin_forget(struct client *client);
void admin_free(struct gateway *gateway);

/* A live topic; NULL: none. */
struct topic *admin_find_topic(const struct gateway *gateway, struct slice name);

void admin_create_topics(struct client *client, const struct kafka_event *event, struct moment now);
void admin_delete_topics(struct client *client, const struct kafka_event *event, struct moment now);
void admin_create_partitions(struct client *client, const struct kafka_event *event,
                             struct moment now);
void admin_describe_configs(struct client *client, const struct kafka_event *event,
                            struct moment now);
void admin_alter_configs(struct client *client, const struct kafka_event *event, struct moment now);
void admin_describe_cluster(struct client *client, const struct kafka_event *event,
                            struct moment now);
void admin_describe_topic_partitions(struct client *client, const struct kafka_event *event,
                                     struct moment now);
void admin_describe_log_dirs(struct client *client, const struct kafka_event *event,
                             struct moment now);
void admin_describe_producers(struct client *client, const struct kafka_event *event,
                              struct moment now);
void admin_list_offsets(struct client *client, const struct kafka_event *event, struct moment now);
void admin_list_groups(struct client *client, const struct kafka_event *event, struct moment now);
void admin_describe_groups(struct client *client, const struct kafka_event *event,
                           struct moment now);
void admin_describe_acls(struct client *client, const struct kafka_event *event, struct moment now);
void admin_list_reassignments(struct client *client, const struct kafka_event *event,
                              struct moment now);
void admin_describe_quotas(struct client *client, const struct kafka_event *event,
                           struct moment now);
void admin_describe_scram(struct client *client, const struct kafka_event *event,
                          struct moment now);
void admin_list_transactions(struct client *client, const struct kafka_event *event,
                             struct moment now);
void admin_list_config_resources(struct client *client, const struct kafka_event *event,
                                 struct moment now);

/* One setting of a topic as DescribeConfigs and CreateTopics tell it; strings are in the arena. */
struct admin_setting {
    const struct topic_setting *setting;
    struct slice value;
    struct slice fallback; /* what it would be without a value of the topic's own */
    int8_t source, fallback_source; /* enum kafka_config_source */
};
/* False: out of memory. `configuration`: the topic's map. */
bool admin_setting_of(const struct gateway *gateway, const struct topic_setting *setting,
                      struct slice configuration, struct arena *arena, struct admin_setting *out);
/* More items than limits.max_admin_items? */
bool admin_is_too_much(const struct gateway *gateway, int64_t items);
/* Why nothing that this request names is changed: 41 while starting or stopping, 42 for too many
 * items; 0: it may be. The text is static. */
int16_t admin_refuses_changes(const struct gateway *gateway, int64_t items, struct slice *text);
/* The length of an array that may be null. */
static inline int32_t admin_count(int32_t count)
{
    return count > 0 ? count : 0;
}

#endif
