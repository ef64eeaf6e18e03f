/*
 * The control plane: the control tables of DESIGN.md 3.1, the boot sequence, topics, producer ids,
 * and this process's membership and slots (DESIGN.md 4). Everything here is rare; nothing of it is
 * on a record's way.
 */
#ifndef PROXY_CORE_CONTROL_H
#define PROXY_CORE_CONTROL_H

#include "core/cluster/cluster.h"
#include "core/control/topic_settings.h"

struct control;

enum topic_state { TOPIC_CREATING, TOPIC_LIVE, TOPIC_DELETING };

struct topic_row {
    const char *name;
    uint8_t topic_id[16];
    const char *table_name; /* in the keyspace, unquoted */
    int32_t partitions;
    enum topic_state state;
    struct slice configuration; /* map<text, text>, see topic_settings.h; may be null */
    int64_t version;            /* of the row: each change raises it; -1: it has none */
};

/* What a survey found. Text is borrowed for the call. */
struct control_survey {
    const char *home_dc;
    unsigned home_nodes, all_nodes;
    bool has_keyspace;
    int32_t copies;             /* in the home data centre, as they are or would be made; 0: not known */
    const char *missing_tables; /* of the control plane, comma separated; "": none, or no keyspace */
    bool has_cluster_row;
};

struct control_hooks {
    void *context;
    /* The boot sequence is over: schema is there, topics are loaded, slots are led. Called once. */
    void (*ready)(void *context, struct moment now);
    /* Serving cannot start or go on: exit code 78 (configuration) or 1. */
    void (*fatal)(void *context, int exit_code, const char *text);
    /* A topic was found or changed, past TOPIC_CREATING (until then its id and table may change);
     * strings are borrowed for the call. NOMEM: it is told again a second later. LIMIT: too much;
     * it is told again when topics are read the next time. */
    int (*topic)(void *context, const struct topic_row *row, struct moment now);
    /* A topic's row is gone. */
    void (*topic_gone)(void *context, const uint8_t topic_id[16], struct moment now);
    /* The lease ran out, or is held again: nobody fenced, all state is as good as before. A member
     * that was fenced is over: fatal, exit code 1. */
    void (*lease)(void *context, bool held, struct moment now);
    /* After control_survey, once, unless `fatal` is called; NULL for those who never call that. */
    void (*surveyed)(void *context, const struct control_survey *survey, struct moment now);
};

struct control *control_new(const struct gateway_config *config, struct cluster *cluster,
                            struct action_queue *actions, const struct control_hooks *hooks);
/* Asks nothing of the cluster, and nothing may be asked of it with answers for control any more:
 * free it next. */
void control_free(struct control *control);
/* Boot: wait for a node; read system.local, settings, the keyspace; make what is missing;
 * sluice_cluster; member and slots; topics; a block of producer ids. Retries for ever where waiting
 * can help, and says what it waits for. */
void control_start(struct control *control, struct moment now);
/* Instead of control_start, for `check`: the same steps and judgements, but only those that read.
 * Ends before anything would be made, or after the topics, which hooks.topic tells. */
void control_survey(struct control *control, struct moment now);
int64_t control_deadline_us(const struct control *control);
void control_tick(struct control *control, struct moment now);
/* The gateway hears of schema changes (cluster_on_schema_change) and passes them on: topics that
 * others made are loaded. */
void control_schema_changed(struct control *control, const struct cql_push *push,
                            struct moment now);
/* Gives the lease and with it all slots back; leads nothing from now on. `done` when the tables say
 * so (or after deadline_us). */
void control_release(struct control *control, int64_t deadline_us,
                     void (*done)(void *context, struct moment now), void *context,
                     struct moment now);

const char *control_cluster_id(const struct control *control); /* NULL before ready */
/* What the server takes in one frame and one mutation, in bytes (16 MiB where it cannot be read).
 */
size_t control_max_mutation_bytes(const struct control *control);

/*
 * Leadership. A member writes only with timestamps below its durable ceiling, and answers from
 * partition state only while control_leads says so.
 */
bool control_leads(const struct control *control, const uint8_t topic_id[16], int32_t partition,
                   struct moment now);
/* Not led now, but will be if nothing goes wrong: the claim is under way, or the lease is being renewed. Waiting is
 * better than sending the client away. */
bool control_leads_soon(const struct control *control, const uint8_t topic_id[16], int32_t partition,
                        struct moment now);
int64_t control_ceiling_us(const struct control *control);
/* C of the slot: no earlier leader of it can have written at or above this. Recovery deletes at C
 * and writes above it. */
int64_t control_sealed_below_us(const struct control *control, const uint8_t topic_id[16],
                                int32_t partition);
int32_t control_leader_epoch(const struct control *control, const uint8_t topic_id[16],
                             int32_t partition);

/*
 * What is asked of topics ends with `done`: a Kafka error code and a text for people. It is called
 * later, but for out of memory (7), and not at all when the control plane is freed before.
 */
typedef void (*control_done)(void *context, int16_t kafka_error, const char *text,
                             struct moment now);
/* A topic by LWT row, CREATE TABLE, agreement, live. 0, 3 (schema.create: never, and the table is
 * missing), 7 (still under way after 20 s; it goes on), 17 (the table's name is taken by something
 * else), 36 (exists, or is being deleted), 56 (refused by the database). The topic itself arrives
 * by hooks.topic before that. Joined when already under way. The name must be valid. The
 * configuration (a map; may be null) is copied; it has passed topic_configuration_mark. */
void control_topic_create(struct control *control, struct slice name, int32_t partitions,
                          struct slice configuration, control_done done, void *context,
                          struct moment now);
/*
 * A topic's end: `deleting` by LWT, every member stops (this one at once), the table is dropped,
 * the index rows and the row go; only then may the name return. Whoever finds it half done
 * finishes it. 0: the topic is gone from the tables. 3: there is no such topic. Whoever waits no
 * longer may say that it is deleted as soon as hooks.topic said TOPIC_DELETING.
 */
void control_topic_delete(struct control *control, struct slice name, const uint8_t topic_id[16],
                          control_done done, void *context, struct moment now);
/* Changes a topic's settings, which have passed topic_setting_check; copied. `replace`: all others
 * go back to their defaults. 0: they are in effect here, and elsewhere within seconds. 3: no such
 * topic; 40: they are too many; 56: refused by the database. */
void control_topic_configure(struct control *control, struct slice name,
                             const uint8_t topic_id[16], const struct topic_change *changes,
                             size_t count, bool replace, control_done done, void *context,
                             struct moment now);
/* More partitions. 0, 3, 37 (it has as many, or more), 56. */
void control_topic_grow(struct control *control, struct slice name, const uint8_t topic_id[16],
                        int32_t partitions, control_done done, void *context, struct moment now);
/* When what is known of topics was surely true last (boot clock): all that others changed before is
 * known. */
int64_t control_topics_confirmed_us(const struct control *control);
/* Copies that an acknowledgement waits for; 1 when the keyspace's replication is not understood. */
unsigned control_ack_copies(const struct control *control);
unsigned control_copies(const struct control *control); /* of each row; 1 likewise */
/* Kafka's name rules: 1-249 of [a-zA-Z0-9._-], not "." or "..". */
bool topic_name_is_valid(struct slice name);

/* A producer id that nobody else has or will have. False: none at hand, a block is being fetched
 * (answer 14). */
bool control_producer_id(struct control *control, int64_t *producer_id, struct moment now);

/* All DDL that Sluice runs, one statement per line with ";", for `sluice schema` and the boot
 * sequence. */
MUST_CHECK int schema_print(const struct gateway_config *config, const char *replication,
                            const char *const *topics, size_t topic_count, struct buf *out);

#endif
