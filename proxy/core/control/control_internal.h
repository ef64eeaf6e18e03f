/*
 * What the files of the control plane share. Nobody else includes this.
 *
 *      control.c       life, clock, and what the gateway asks
 *      task.c          a state machine's conversation with the database
 *      boot.c          from "no node yet" to `ready`, one question after the other
 *      boot_checks.c   what the settings and table options mean for the promise
 *      agreement.c     the nodes of the cluster, and whether they know one schema
 *      schema.c        texts of DDL, table names
 *      topic_store.c   sluice_topics as it is known here
 *      topic_watch.c   the version of all topics: raised here, looked at with each renewal
 *      topic_maker.c   making a topic, one at a time
 *      topic_changer.c changing a topic's settings or partitions, one at a time
 *      topic_dropper.c deleting a topic, one at a time
 *      producer_ids.c  blocks of producer ids
 *      membership.c    this process's row: lease and timestamp ceiling
 *      peers.c         the other members: watched, and fenced when they are silent
 *      slots.c         who leads which slot; claims
 *
 * Each of the machines is a `task` with a state named by what it expects. `act` does what the state
 * asks for (mostly one question), `answer` takes the reply and moves on. A machine has at most one
 * question under way, so a reply always belongs to the state that it finds.
 */
#ifndef PROXY_CORE_CONTROL_INTERNAL_H
#define PROXY_CORE_CONTROL_INTERNAL_H

#include "core/control/control.h"
#include "core/control/schema.h"
#include "core/control/statements.h"
#include "core/random.h"
#include "cql/value.h"

#define SECOND_US        INT64_C(1000000)
#define SLOT_COUNT       128
#define CONTROL_FORMAT   1
#define CLUSTER_ROW_NAME "sluice"
#define DDL_SETTLES_US   (10 * SECOND_US) /* so long a node may not know a new table yet */

/* task.c */

enum question_kind {
    QUESTION_READ,        /* at the level of the gateway */
    QUESTION_SERIAL,      /* at the serial level: settles what is in doubt; one partition */
    QUESTION_LOCAL,       /* of the asked node's own tables */
    QUESTION_TRANSACTION, /* lightweight */
    QUESTION_DDL,
};

struct question {
    enum question_kind kind;
    const char *text;
    const struct cql_value *values;
    uint16_t value_count;
    int32_t page_size;
    struct slice paging_state;
};

enum answer_kind {
    ANSWER_ROWS,        /* a RESULT; `result` stands before its first row */
    ANSWER_APPLIED,     /* a transaction that was done */
    ANSWER_NOT_APPLIED, /* its condition did not hold; `result` stands on the row that says why */
    ANSWER_UNKNOWN,     /* a transaction that is done, or not, or may be yet */
    ANSWER_REFUSED,     /* `error` is the node's definite no */
};

struct answer {
    enum answer_kind kind;
    struct cql_result *result;
    const struct cql_error *error;
};

struct task {
    struct control *control;
    const char *what; /* what it waits for, in a log line: "the own member row" */
    void (*act)(struct task *task, struct moment now);
    void (*answer)(struct task *task, const struct answer *answer, struct moment now);
    struct cluster_call *call; /* NULL: no question under way */
    enum question_kind asked_kind;
    int64_t patience_us; /* for an answer; 0: the default */
    struct moment asked; /* when the question under way, or the last one, was asked */
    struct list node;    /* in control.sleeping */
    int64_t wake_us;
    int64_t second_from_us; /* questions since then, for a second */
    uint32_t questions;
};

void task_init(struct task *task, struct control *control, const char *what,
               void (*act)(struct task *task, struct moment now),
               void (*answer)(struct task *task, const struct answer *answer, struct moment now));
/* Values are copied. Where waiting can help, the task acts again later by itself instead of getting
 * an answer. */
void task_ask(struct task *task, const struct question *question, struct moment now);
/* One of statements.h. */
void task_ask_statement(struct task *task, enum question_kind kind, enum statement_name statement,
                        const struct cql_value *values, uint16_t count, struct moment now);
/* `text` holds a statement without an end; rc: of making it. Without memory it acts again later. */
void task_ask_ddl(struct task *task, int rc, struct buf *text, struct moment now);
/* Acts again after so long, but not within this call. */
void task_sleep(struct task *task, int64_t delay_us, struct moment now);
/* Drops a question under way and a sleep. */
void task_cancel(struct task *task);
bool task_is_busy(const struct task *task);
/* A refusal that the machine has no use for: fatal while booting, later a log line and another try.
 */
void task_refused(struct task *task, const struct answer *answer, struct moment now);
void tasks_tick(struct control *control, struct moment now);
int64_t tasks_deadline_us(const struct control *control);

/* Cells of the row at hand, by name. Text without such a cell is empty; false: null or not such a
 * value. */
struct slice row_text(const struct answer *answer, const char *column);
MUST_CHECK bool row_i32(const struct answer *answer, const char *column, int32_t *value);
MUST_CHECK bool row_i64(const struct answer *answer, const char *column, int64_t *value);
/* A node may say any time; sums with those that are believed do not overflow. 73,000 years. */
#define FAR_US (INT64_MAX / 4)
static inline bool is_believable_us(int64_t us)
{
    return us >= -FAR_US && us <= FAR_US;
}
bool row_is_true(const struct answer *answer, const char *column);

/* agreement.c */

struct node_view {
    uint8_t host_id[16];
    uint8_t schema_version[16];
    uint8_t late_version[16]; /* the version that this node was last waited for in vain with */
    bool is_late;
    bool was_seen; /* in the look that goes on */
    char data_center[64];
};

enum agreement_state { AGREEMENT_IDLE, AGREEMENT_EXPECT_LOCAL, AGREEMENT_EXPECT_PEERS };

enum agreement_wait {
    AGREEMENT_LOOK, /* reads the nodes once */
    AGREEMENT_SAME, /* until all of them show the same version */
    AGREEMENT_NEW,  /* and another one than when last looked at, unless it stays: what a node
                       tells of the others is older than they are, so just behind a DDL all may
                       seem to agree on the version before it */
};

/* Waits until all nodes know the same schema, at most DDL_SETTLES_US. */
struct agreement {
    struct task task;
    enum agreement_state state;
    int questions;      /* PEERS questions of this look */
    enum agreement_wait wait;
    int64_t began_us;
    uint8_t version[16]; /* that they agreed on last; zeros: never */
    struct node_view *nodes;
    size_t node_count, node_capacity;
    void (*done)(struct control *control, struct moment now);
};

void agreement_init(struct agreement *agreement, struct control *control);
void agreement_deinit(struct agreement *agreement);
/* `done` is not called from within. */
void agreement_start(struct agreement *agreement, enum agreement_wait wait,
                     void (*done)(struct control *, struct moment), struct moment now);

/* boot.c, boot_checks.c */

enum boot_state {
    BOOT_IDLE,
    BOOT_EXPECT_LOCAL,
    BOOT_EXPECT_NODES,
    BOOT_EXPECT_SETTINGS,
    BOOT_EXPECT_KEYSPACE,
    BOOT_EXPECT_KEYSPACE_MADE,
    BOOT_EXPECT_TABLES,
    BOOT_EXPECT_TABLE_MADE,
    BOOT_EXPECT_AGREEMENT,
    BOOT_EXPECT_CLUSTER_ROW,
    BOOT_EXPECT_CLUSTER_ROW_MADE,
    BOOT_EXPECT_TOPICS,
    BOOT_EXPECT_OPTIONS,
    BOOT_EXPECT_MEMBER,
    BOOT_EXPECT_SLOTS,
    BOOT_EXPECT_PRODUCER_IDS,
    BOOT_READY,
    BOOT_SURVEYED,
    BOOT_FAILED,
};

struct boot {
    struct task task;
    enum boot_state state;
    unsigned missing_tables; /* bit set of enum schema_control_table */
    unsigned home_nodes;     /* of the home data centre */
    unsigned all_nodes;
    int32_t copies; /* in the home data centre; 0: not known */
    bool made_something;
    bool is_survey; /* nothing is made or claimed */
    bool has_keyspace, has_cluster_row;
    bool commitlog_is_periodic;
    int64_t started_us;
};

void boot_init(struct boot *boot, struct control *control);
void boot_start(struct boot *boot, struct moment now);
/* The steps that only read, up to hooks.surveyed. */
void boot_survey(struct boot *boot, struct moment now);
/* What boot expects has happened elsewhere (topics, member, slots, producer ids): it looks again.
 */
void boot_look(struct control *control, struct moment now);
__attribute__((format(printf, 3, 4))) void boot_fatal(struct control *control, int exit_code,
                                                      const char *format, ...);
bool boot_is_over(const struct control *control);

void checks_settings(struct control *control, const struct answer *answer);
/* false: it cannot carry us, boot_fatal was called. */
bool checks_keyspace(struct control *control, const struct answer *answer);
/* The rows of system_schema.tables, once topics are known. */
void checks_tables(struct control *control, const struct answer *answer);
void checks_say(struct control *control);
/* What the database's clock says, asked for and answered at these moments. */
bool checks_clock(struct control *control, int64_t database_ms, struct moment asked,
                  struct moment now);

/* topic_store.c */

struct topic_record {
    struct list node;
    uint32_t generation; /* of the load that last saw it */
    uint8_t topic_id[16];
    int32_t partitions;
    enum topic_state state;
    bool told;               /* to the gateway */
    bool is_untold;          /* its newest state: there was no memory */
    char *name, *table_name; /* in the same block */
    size_t bytes;
    int64_t version;
    uint8_t *configuration; /* a block of its own; NULL: none */
    size_t configuration_len;
};

enum topic_store_state { TOPIC_STORE_IDLE, TOPIC_STORE_EXPECT_PAGE };

struct topic_store {
    struct task task;
    enum topic_store_state state;
    struct list records;
    uint32_t generation;
    struct buf paging_state;
    bool loaded;       /* at least once */
    bool load_again;   /* something changed during a load */
    int64_t load_from_us; /* when the load at hand began */
    int64_t confirmed_us; /* all that was changed before is known */
};

void topic_store_init(struct topic_store *store, struct control *control);
void topic_store_deinit(struct topic_store *store);
void topic_store_load(struct topic_store *store, struct moment now);
struct topic_record *topic_store_find(struct topic_store *store, struct slice name);
/* A row as it is in the table now; tells the gateway when that is news and the topic is past
 * `creating`. NOMEM. */
MUST_CHECK int topic_store_put(struct topic_store *store, const struct topic_row *row,
                               struct moment now);
void topic_store_gone(struct topic_store *store, struct topic_record *record, struct moment now);
/* A row of sluice_topics; strings go into the buffers given. false: not a whole row. */
struct topic_row_text {
    char name[256];
    char table_name[SCHEMA_TABLE_NAME_MAX + 1];
    uint8_t configuration[TOPIC_CONFIGURATION_BYTES];
};
MUST_CHECK bool topic_row_read(const struct answer *answer, struct topic_row_text *text,
                               struct topic_row *row);
const char *topic_state_name(enum topic_state state);

/* topic_watch.c */

enum topic_watch_state {
    WATCH_IDLE,
    WATCH_SLEEPS,
    WATCH_EXPECT_VERSION,
    WATCH_EXPECT_RAISED,
    WATCH_RESTS, /* the version is not raised yet */
};

struct topic_watch {
    struct task task;
    enum topic_watch_state state;
    bool is_known, has_row;
    int64_t known;                    /* the version that the topics known here have at least */
    int64_t read;                     /* as it is in the table; 0: no row yet */
    uint64_t wanted, raising, raised; /* counts of topic_watch_raise: asked, in the question, done */
};

void topic_watch_init(struct topic_watch *watch, struct control *control);
void topic_watch_start(struct topic_watch *watch, struct moment now);
/* A row of sluice_topics was changed: the others shall look. The ticket is done when topic_watch_has
 * says so, which topic_dropper_raised is called for. */
uint64_t topic_watch_raise(struct topic_watch *watch, struct moment now);
bool topic_watch_has(const struct topic_watch *watch, uint64_t ticket);

/* topic_maker.c */

enum topic_maker_state {
    TOPIC_MAKER_IDLE,
    TOPIC_EXPECT_FOUND_TABLE, /* schema.create: never: the table must be there before the row */
    TOPIC_EXPECT_ROW,         /* INSERT IF NOT EXISTS */
    TOPIC_EXPECT_ROW_READ,
    TOPIC_EXPECT_NAME, /* was a table of that name dropped lately? */
    TOPIC_EXPECT_CREATED,
    TOPIC_EXPECT_TABLE_ID,
    TOPIC_EXPECT_COLUMNS,
    TOPIC_EXPECT_RELOADED, /* all topics, to see whose table it is */
    TOPIC_EXPECT_CHANGED,  /* another table name or topic id in the row */
    TOPIC_EXPECT_NAME_STILL, /* was it meanwhile? */
    TOPIC_EXPECT_AGREEMENT,
    TOPIC_EXPECT_LIVE,
    TOPIC_EXPECT_REMOVED,
};

struct topic_wait {
    struct list node;
    control_done done;
    void *context;
    int64_t give_up_us;
};

struct topic_job {
    struct list node;
    struct list waits;
    int32_t partitions;
    char name[250];
    size_t bytes;
    struct slice configuration; /* behind it */
};

struct topic_maker {
    struct task task;
    enum topic_maker_state state;
    struct list jobs; /* the first is being made */
    /* of the job at hand */
    struct topic_row row;
    struct topic_row_text text;
    uint8_t table_id[16]; /* that the table really has */
    uint8_t new_id[16];
    char new_name[SCHEMA_TABLE_NAME_MAX + 1];
    bool began_here; /* the row was not live when the job began */
    bool hashed;     /* the table's name has its hash already */
    int64_t table_made_us;
    int16_t error;
    char error_text[320];
};

void topic_maker_init(struct topic_maker *maker, struct control *control);
void topic_maker_deinit(struct topic_maker *maker);
void topic_maker_add(struct topic_maker *maker, struct slice name, int32_t partitions,
                     struct slice configuration, control_done done, void *context,
                     struct moment now);
void topic_maker_agreed(struct control *control, struct moment now);
void topic_maker_reloaded(struct topic_maker *maker, struct moment now);
/* Waiters whose time is over get 7. */
void topic_maker_tick(struct topic_maker *maker, struct moment now);
int64_t topic_maker_deadline_us(const struct topic_maker *maker);

/* topic_changer.c */

enum topic_changer_state {
    CHANGER_IDLE,
    CHANGER_EXPECT_ROW,
    CHANGER_EXPECT_CHANGED, /* the row, by transaction on its version */
    CHANGER_EXPECT_DEFAULT, /* the database's own compression, to go back to it */
    CHANGER_EXPECT_ALTERED, /* the table, when a setting asks for it */
    CHANGER_EXPECT_MARKED,  /* the row says what the table has */
};

struct topic_changer_job {
    struct list node;
    struct arena arena;
    uint8_t topic_id[16];
    struct slice name;
    const struct topic_change *changes;
    size_t change_count;
    bool replace;
    bool changed;       /* what was asked for is in the row; the table may be to follow */
    int32_t partitions; /* 0: as they are */
    control_done done;  /* NULL: nobody waits */
    void *context;
};

struct topic_changer {
    struct task task;
    enum topic_changer_state state;
    struct list jobs; /* the first is under way */
    size_t job_count;
    /* of the job at hand */
    struct topic_row row; /* as it was read; then as it is asked to be */
    struct topic_row_text text;
    struct buf configuration; /* that is asked for */
    struct buf own_compression; /* of the database: a map cell */
    int64_t base_version;
};

void topic_changer_init(struct topic_changer *changer, struct control *control);
void topic_changer_deinit(struct topic_changer *changer);
/* Gives the table of a live topic what its row asks for, if it has not been given it yet. */
void topic_changer_catch_up(struct topic_changer *changer, struct slice name,
                            const uint8_t topic_id[16], struct slice configuration,
                            struct moment now);
/* changes NULL and partitions 0: only finish what the row says. */
void topic_changer_add(struct topic_changer *changer, struct slice name,
                       const uint8_t topic_id[16], const struct topic_change *changes, size_t count,
                       bool replace, int32_t partitions, control_done done, void *context,
                       struct moment now);

/* topic_dropper.c */

enum topic_dropper_state {
    DROPPER_IDLE,
    DROPPER_EXPECT_DELETING, /* the row, by transaction */
    DROPPER_EXPECT_ROW,
    DROPPER_EXPECT_RAISED,  /* the version that tells the other members */
    DROPPER_EXPECT_MEMBERS, /* are there others? */
    DROPPER_EXPECT_STOPPED, /* a lease passes */
    DROPPER_EXPECT_REMEMBERED, /* the table's name is not to be given again */
    DROPPER_EXPECT_TABLE_ID,
    DROPPER_EXPECT_DROPPED,
    DROPPER_EXPECT_INDEX_GONE,
    DROPPER_EXPECT_ROW_GONE,
};

struct topic_dropper_job {
    struct list node;
    struct list waits;
    uint8_t topic_id[16];
    int64_t from_us; /* not to be begun before: others may be at it */
    char name[250];
};

struct topic_dropper {
    struct task task;
    enum topic_dropper_state state;
    struct list jobs; /* by from_us; the first is under way */
    struct topic_row row;
    struct topic_row_text text;
    uint64_t ticket; /* of topic_watch_raise */
    int32_t partition;
    int looks; /* for the table's id */
};

void topic_dropper_init(struct topic_dropper *dropper, struct control *control);
void topic_dropper_deinit(struct topic_dropper *dropper);
void topic_dropper_add(struct topic_dropper *dropper, struct slice name,
                       const uint8_t topic_id[16], int64_t delay_us, control_done done,
                       void *context, struct moment now);
void topic_dropper_raised(struct topic_dropper *dropper, struct moment now);

/* producer_ids.c */

#define PRODUCER_ID_BLOCK 1000

enum producer_ids_state { PRODUCER_IDS_IDLE, PRODUCER_IDS_EXPECT_NEXT, PRODUCER_IDS_EXPECT_BLOCK };

struct producer_ids {
    struct task task;
    enum producer_ids_state state;
    int64_t next_block; /* as read; -1: the row is not there */
    int64_t next, end;  /* ids at hand: [next, end) */
    int64_t reserve;    /* the first id of a whole block behind it; -1: none */
};

void producer_ids_init(struct producer_ids *ids, struct control *control);
void producer_ids_fetch(struct producer_ids *ids, struct moment now);
bool producer_ids_take(struct producer_ids *ids, int64_t *id, struct moment now);

/* membership.c */

enum membership_state {
    MEMBER_IDLE,
    MEMBER_EXPECT_ROW,  /* of the own name, before joining */
    MEMBER_EXPECT_JOIN, /* INSERT, or taking the old row over */
    MEMBER_EXPECT_RENEW_TIME,
    MEMBER_EXPECT_RENEWAL,
    MEMBER_EXPECT_RENEWAL_READ, /* what became of it */
    MEMBER_EXPECT_CLOSE,
    MEMBER_CLOSED,
};

struct member_row {
    bool present, closed;
    int64_t incarnation, ceiling_us, lease_us;
};

struct membership {
    struct task task;
    enum membership_state state;
    int64_t incarnation;      /* names this process's life; drawn once */
    struct member_row row;    /* before joining: as it is in the table */
    int64_t row_since_us;     /* seen unchanged since */
    int64_t fenced_us;        /* C of the former process of this name */
    int64_t floor_us;         /* the next ceiling is above it */
    int64_t ceiling_us;       /* durable */
    int64_t asked_ceiling_us; /* of the renewal under way */
    struct moment asked;      /* before it was sent */
    struct moment lease_from; /* of the last one that succeeded */
    bool joined, lost_told, releasing, clock_is_off;
    bool expired;    /* seen without the lease, and not renewed since */
    int64_t told_us; /* a log line about waiting */
    int64_t release_deadline_us;
    void (*released)(void *context, struct moment now);
    void *released_context;
};

void membership_init(struct membership *member, struct control *control);
void membership_join(struct membership *member, struct moment now);
bool membership_has_lease(const struct membership *member, struct moment now);
/* A ceiling above this is needed, soon. */
void membership_raise(struct membership *member, int64_t floor_us, struct moment now);
void membership_release(struct membership *member, int64_t deadline_us,
                        void (*done)(void *, struct moment), void *context, struct moment now);
void membership_tick(struct membership *member, struct moment now);
int64_t membership_deadline_us(const struct membership *member);
MUST_CHECK bool member_row_read(const struct answer *answer, struct member_row *row);
/* So long a row must stay unchanged before its owner is surely without a lease. */
int64_t member_silence_us(const struct member_row *row);

/* peers.c */

struct peer {
    struct list node;
    struct member_row row;
    int64_t since_us; /* its row is unchanged since */
    bool is_alive;    /* its row was seen to change */
    bool holds_slots;
    uint64_t
        known_at; /* control.steps when the question was sent that showed its row; 0: none yet */
    size_t bytes;
    size_t name_len;
    char name[]; /* any bytes: somebody's row may have NULs in it */
};

enum peers_state { PEERS_IDLE, PEERS_EXPECT_SCAN, PEERS_EXPECT_FENCE, PEERS_EXPECT_FENCE_READ };

struct peers {
    struct task task;
    enum peers_state state;
    struct list all;
    size_t count;
    struct peer *fenced; /* being fenced */
    uint64_t asked_at;   /* control.steps when the last question was sent */
};

#define PEERS_MAX 1000 /* members that are remembered; a table with more is somebody's mistake */

void peers_init(struct peers *peers, struct control *control);
void peers_deinit(struct peers *peers);
/* By name; made when it is not known. NULL: out of memory, or too many. */
struct peer *peers_get(struct peers *peers, struct slice name);
struct slice peer_name(const struct peer *peer);
void peers_scan(struct peers *peers, struct moment now);
/* Is there another member that has not closed its row? */
bool peers_are_open(const struct peers *peers);

/* slots.c */

enum slot_state {
    SLOT_UNKNOWN,
    SLOT_ABSENT, /* no row */
    SLOT_FREE,   /* a row, no member */
    SLOT_OURS,   /* led by a former process of this name */
    SLOT_PEERS,
    SLOT_CLAIMING,
    SLOT_LED,
};

struct slot {
    enum slot_state state;
    enum slot_state before; /* CLAIMING: what it was */
    bool is_wanted;         /* a partition of a topic lies in it */
    int32_t epoch;
    int64_t sealed_below_us;
    struct peer *peer; /* PEERS */
    uint64_t seen_at;  /* control.steps when the row was read */
};

enum claim_state { CLAIM_IDLE, CLAIM_EXPECT_DONE, CLAIM_EXPECT_READ, CLAIM_RESTS };

struct claim {
    struct task task;
    enum claim_state state;
    int slot;
    int64_t sealed_below_us; /* as it will be */
};

#define CLAIMS_AT_ONCE    16
#define CLAIMS_AT_LEISURE 4 /* of slots without a topic, once the gateway serves */

enum slots_state { SLOTS_IDLE, SLOTS_EXPECT_SCAN, SLOTS_SCANNED };

struct slots {
    struct task task;
    enum slots_state state;
    struct slot all[SLOT_COUNT];
    struct claim claims[CLAIMS_AT_ONCE];
    unsigned led_count, claiming_count;
    int64_t lost_since_us; /* slots of members without a row were seen first */
    bool told_all;
};

int slot_of(const uint8_t topic_id[16], int32_t partition);
void slots_init(struct slots *slots, struct control *control);
void slots_scan(struct slots *slots, struct moment now);
void slots_want(struct slots *slots, const uint8_t topic_id[16], int32_t partitions,
                struct moment now);
/* Claims what may be claimed: after a scan of the members, a renewal, a finished claim. */
void slots_claim(struct slots *slots, struct moment now);
/* Nothing that is wanted waits for a claim of ours, or for a member whose fate is not known. */
bool slots_are_settled(const struct slots *slots);
/* Sets peer.holds_slots. */
void slots_mark_holders(struct slots *slots);
bool slots_all_led(const struct slots *slots);

/* control.c */

struct control {
    const struct gateway_config *config;
    const struct alloc *alloc;
    struct cluster *cluster;
    struct action_queue *actions;
    struct control_hooks hooks;
    struct random random;
    struct arena arena;   /* for one answer at a time */
    struct list sleeping; /* tasks by wake_us */
    uint64_t steps;       /* counts questions and answers: what came before what */
    int64_t last_ddl_us;  /* boot clock of the last CREATE */
    int64_t told_us;      /* when it was last said what is waited for */
    char *texts[STATEMENT_COUNT];
    char cluster_id[23];
    char home_dc[64];
    char server[160]; /* "Test Cluster, 5.0.6", for people */
    bool is_scylla;
    size_t table_name_max;
    size_t max_frame_bytes, max_mutation_bytes;
    enum cql_consistency consistency, serial_consistency; /* of control tables */
    struct boot boot;
    struct agreement agreement;
    struct topic_store topics;
    struct topic_watch watch;
    struct topic_maker maker;
    struct topic_changer changer;
    struct topic_dropper dropper;
    struct task *ddl_task; /* whose DDL is under way: one statement at a time */
    struct producer_ids ids;
    struct membership member;
    struct peers peers;
    struct slots slots;
    int64_t clock_check_us; /* when the clocks are compared next */
    struct task clock_task;
    int64_t topics_changed_us; /* when to load topics again after a schema event; NEVER_US: not */
};

/* 16 random bytes as a version 4 UUID. */
void control_random_uuid(struct control *control, uint8_t uuid[16]);

#endif
