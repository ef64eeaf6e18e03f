/* Topics as the control tables have them, found by name and by id, and their partitions. */
#ifndef PROXY_CORE_TOPIC_H
#define PROXY_CORE_TOPIC_H

#include "core/control/control.h"
#include "core/engine/partition.h"
#include "core/engine/record_rules.h"

/* Partitions stay where they are when more are added: each time a block of them. */
struct partition_block {
    struct partition_block *next;
    int32_t first, count;
    struct partition partitions[];
};

struct topic_insert {
    struct topic *topic;
    struct cluster_statement *statement; /* NULL: never prepared yet */
};

struct topic {
    struct list node; /* topics.all, in order of arrival */
    struct topic *next_by_name;
    struct topic *next_by_id;
    struct gateway *gateway;
    char *name;
    size_t name_len;
    char *table_name;
    uint8_t topic_id[16];
    enum topic_state state;
    struct topic_insert inserts[LOG_INSERT_COUNT];
    struct cluster_call *ttl_call; /* asking for the time to live */
    int64_t ttl_asked_us;          /* 0: never */
    bool has_ttl;                  /* the table, when it was asked */
    uint8_t preparing;             /* of the statements and the time to live, under way */
    bool preparing_failed;         /* one of them, in this round */
    struct record_rules rules; /* from its settings; those of the next batch */
    bool stale; /* the table may be another one by now: prepare again before the next load */
    struct partition_block *blocks; /* in order */
    int32_t partition_count;
    uint8_t *configuration; /* its settings as in its row; NULL: none */
    size_t configuration_len;
    struct topic_settings settings;
};

/* What a batch may have as sent: the topic's own max.message.bytes, or limits.max_message_bytes. */
size_t topic_max_message_bytes(const struct topic *topic);
/* index < partition_count. */
struct partition *topic_partition(const struct topic *topic, int32_t index);
/* The settings as the row has them: a map<text, text>. */
static inline struct slice topic_configuration(const struct topic *topic)
{
    return slice_make(topic->configuration, topic->configuration_len);
}

/* Prepares the INSERT statements, if need be, and asks whether the table has a time to live;
 * recoveries that wait are told (recovery_prepared). True: all is there. False and nothing of it
 * under way: out of memory. */
bool topic_prepare(struct topic *topic, struct moment now);
/* The next load prepares them afresh; partitions that are live go on with what they have. */
void topic_forget_statements(struct topic *topic);

#define TOPIC_BUCKETS 1024

struct topics {
    struct list all;
    size_t count;
    int64_t partition_count; /* of all */
    bool some_stopped;
    uint64_t seed; /* names are peers' choice: buckets must not be */
    struct topic *by_name[TOPIC_BUCKETS];
    struct topic *by_id[TOPIC_BUCKETS];
};

void topics_init(struct topics *topics, uint64_t seed);
void topics_deinit(struct topics *topics);
struct topic *topics_find(const struct topics *topics, struct slice name);
struct topic *topics_find_id(const struct topics *topics, const uint8_t topic_id[16]);
/* From a row of sluice_topics: a new topic, or what is new of a known one: its state, partitions
 * (there are never fewer), settings. NOMEM. LIMIT: all topics would have more than twice
 * topics.max_partitions_total; a new topic is not taken then, a known one keeps its partitions.
 * (Topics up to that setting are made; those that others made meanwhile must have room as well.)
 */
MUST_CHECK int topics_put(struct topics *topics, struct gateway *gateway,
                          const struct topic_row *row);
/* It is being deleted, or gone from the tables: it is not found any more, and what waits for it is
 * answered (3 or 100; what may be written 7). Its memory goes when nothing refers to it. */
void topic_stop(struct topic *topic, struct moment now);
/* Frees those that have been stopped, if they can be. */
void topics_sweep(struct topics *topics);
/* The topic must have nothing under way. */
void topics_remove(struct topics *topics, struct topic *topic);

#endif
