/*
 * Inside the model.
 *
 *      database_session.c   frames of clients         -> request
 *      database_request.c   what to do with it, faults at the door
 *      database_statement.c binding values: mutations, slices to read
 *      database_write.c     a coordinator's write and its replicas; hints
 *      database_read.c      a coordinator's read, repair
 *      database_paxos.c     lightweight transactions
 *      database_schema.c    keyspaces, tables, views of them; system tables
 *      database_node.c      life of nodes, messages between them, events
 *      database_look.c      reading back for the caller
 *      replica_store.c      what one replica holds
 */
#ifndef TESTS_SIM_DATABASE_INTERNAL_H
#define TESTS_SIM_DATABASE_INTERNAL_H

#include "cql/batch_request.h"
#include "cql/error.h"
#include "cql/opcode.h"
#include "cql/query.h"
#include "cql/result.h"
#include "proto/buf.h"
#include "proto/list.h"
#include "tests/sim/database.h"
#include "tests/sim/replica_store.h"

#define SECOND_US    INT64_C(1000000)
#define MS_US        INT64_C(1000)
#define TABLES_MAX   512
#define KEYSPACE_MAX 8

/* --- randomness --- */

/* What a draw is for; the fault's number follows PURPOSE_FAULT. */
enum db_purpose {
    PURPOSE_LINK = 1, /* + 16 * message of the operation */
    PURPOSE_EFFECT,
    PURPOSE_ANSWER,
    PURPOSE_REPLICAS,
    PURPOSE_SPECULATE,
    PURPOSE_DOWN,
    PURPOSE_HINT,
    PURPOSE_SCHEMA,
    PURPOSE_BALLOT,
    PURPOSE_BACK_OFF,
    PURPOSE_FAULT = 1000,
};

/* Requests are counted by node and kind: entity = node * 16 + kind. */
enum db_work { WORK_DATA, WORK_READ, WORK_CAS, WORK_CONTROL, WORK_SYSTEM, WORK_NODE, WORK_KINDS };

struct db_key { /* of the draws of one request */
    uint64_t entity, counter;
};

/* --- events --- */

struct db_operation;
struct db_event;
typedef void (*db_run)(struct db_event *event);

/* Something that happens at a node later. Lost when the node is dead then, or was in between. */
struct db_event {
    struct list node; /* database.events, or db_node.stopped */
    struct database *db;
    unsigned at;                    /* node */
    uint64_t life;                  /* of that node; 0: whatever its state */
    int64_t expires_us;             /* a paused node does not execute it later than this */
    struct db_operation *operation; /* holds a reference */
    db_run run;
    unsigned replica; /* index in the operation's replicas */
    unsigned step;
    struct database_session *session; /* holds a reference */
    void *data;
};

/* What a coordinator is at. Lives as long as something refers to it. */
struct db_operation {
    unsigned references;
    struct database *db;
    unsigned coordinator;
    uint64_t life; /* of the coordinator when it began */
    struct db_key key;
    unsigned message_count;
    struct db_request *request; /* NULL: nobody waits (hints, repairs) */
    struct arena *arena;        /* its own memory; NULL: none */
    void (*free)(struct db_operation *operation);
};

/* --- nodes --- */

enum db_life { NODE_RUNS, NODE_PAUSED, NODE_DEAD, NODE_BOOTS };

struct db_node {
    unsigned index;
    enum db_life state;
    uint64_t life; /* grows with each death */
    char address[16];
    uint8_t host_id[16];
    int64_t clock_us;     /* minus true time */
    int64_t last_us;      /* the newest timestamp that it gave */
    int64_t convicted_us; /* the others hold it dead from then on; INT64_MAX: alive */
    unsigned schema;      /* version */
    struct store store;
    int64_t synced_us;
    struct list sessions;
    struct list stopped; /* events while it is paused */
    struct db_text **prepared;
    size_t prepared_count, prepared_capacity;
    uint8_t id_rule; /* 0 or 1: what the last byte of an id is XORed with */
    uint64_t counters[WORK_KINDS];
};

struct db_text { /* a statement, parsed once for all nodes */
    struct db_text *next;
    uint8_t id[16];
    struct db_statement *statement;
};

struct db_keyspace {
    const char *name;
    unsigned copies;
    unsigned made;            /* schema version */
    struct slice replication; /* the map's cell */
};

struct db_hint {
    struct list node;
    unsigned holder, target;
    const struct mutation *mutation;
    bool waits; /* for one of the two to come back */
    uint64_t number;
};

struct database {
    struct database_config config;
    struct database_hooks hooks;
    struct database_counts counts;
    struct arena arena; /* tables, mutations, rows: as long as the database */
    struct arena scratch;
    unsigned node_count;
    struct db_node nodes[DATABASE_NODES_MAX];
    bool cut[DATABASE_NODES_MAX][DATABASE_NODES_MAX];
    int64_t cut_since_us[DATABASE_NODES_MAX][DATABASE_NODES_MAX];
    unsigned schema;        /* the newest version */
    int64_t schema_free_us; /* one statement of DDL at a time */
    struct db_keyspace keyspaces[KEYSPACE_MAX];
    unsigned keyspace_count;
    struct store_table *tables[TABLES_MAX];
    unsigned table_count;
    struct db_text *texts[256];
    struct list events;
    struct list hints;
    struct list sessions;
    uint64_t hint_count;
    struct db_event *spare_events;
    struct buf out; /* a frame being made */
    struct buf rows;
};

/* --- sessions and requests --- */

struct database_session {
    struct list node; /* db_node.sessions, until it is closed */
    struct list all;  /* database.sessions */
    struct database *db;
    unsigned at;
    void *owner;         /* NULL: the client closed it */
    unsigned references; /* requests that answer to it, and the client */
    bool closed;
    bool wakes; /* bytes are to be looked at */
    bool wants_schema, wants_status;
    struct buf in;
};

/* A frame that is executed; it answers once. */
struct db_request {
    struct db_operation base; /* its references are the request's */
    struct database_session *session;
    int16_t stream;
    uint8_t opcode;
    bool answered;
    struct slice body; /* in the database's arena for BATCH, else in the request's own */
    struct arena arena;
    uint16_t consistency, serial_consistency;
    uint64_t door;      /* bits of faults that wait for the answer */
    struct slice frame; /* the answer */
    bool holds;         /* the answer waits for request_release */
};

/* A statement with its values. */
struct db_bound {
    const struct db_statement *statement;
    const struct store_table *table;
    const struct cql_value *values;
    uint16_t value_count;
    int64_t at_us;    /* of what has none of its own; STORE_NEVER_US: the node's clock */
    unsigned version; /* of the schema, as the node knows it */
    int64_t now_s;
};

/* What a SELECT reads. */
struct db_target {
    bool is_scan;
    struct slice key;
    int64_t token;
    int64_t low, high; /* clustering */
    bool descending;
    int64_t limit;     /* rows; 0: none */
    int32_t page_size; /* 0: none */
    bool has_from;     /* the page before ended here */
    int64_t from_token;
    struct slice from_key;
    int64_t before; /* rows of the pages before: they count against the limit */
    int64_t from_clustering;
};

/* --- database_node.c --- */

int64_t db_now_us(const struct database *db);
int64_t db_clock_us(const struct database *db, unsigned node);
uint64_t db_draw(const struct database *db, struct db_key key, unsigned sub, unsigned purpose);
/* low <= result <= high */
int64_t db_draw_between(const struct database *db, struct db_key key, unsigned sub,
                        unsigned purpose, int64_t low, int64_t high);
bool db_fires(struct database *db, enum database_fault fault, struct db_key key, unsigned sub);
__attribute__((format(printf, 2, 3))) void db_trace(const struct database *db, const char *format,
                                                    ...);
_Noreturn void db_die(const char *what, const char *text);
void *db_take(struct arena *arena, size_t bytes); /* zeroed */
/* Does the node know all tables of the mutation? */
bool db_knows_tables(const struct database *db, unsigned node, const struct mutation *mutation);
/* At a node, after a delay, if it still lives the same life then. */
struct db_event *db_at_node(struct database *db, unsigned node, int64_t delay_us, db_run run,
                            struct db_operation *operation);
/* Whatever happens to the nodes. */
struct db_event *db_later(struct database *db, int64_t delay_us, db_run run);
/* A message between nodes; NULL: it is lost. expires_us: how long after this it counts. */
struct db_event *db_send(struct db_operation *operation, unsigned from, unsigned to, db_run run,
                         int64_t expires_us);
/* Does `node` believe that `other` is alive? */
bool db_sees_alive(const struct database *db, unsigned node, unsigned other);
bool db_is_up(const struct database *db, unsigned node); /* runs, not paused */
void db_synced(struct database *db, unsigned node);
void db_apply(struct database *db, unsigned node, const struct mutation *mutation);
void db_operation_init(struct db_operation *operation, struct database *db, unsigned coordinator,
                       struct db_key key, struct db_request *request,
                       void (*free_it)(struct db_operation *));
void db_operation_unref(struct db_operation *operation);

/* The replicas of a token; returns how many. */
unsigned db_replicas(const struct database *db, const char *keyspace, int64_t token,
                     unsigned replicas[DATABASE_REPLICAS_MAX]);
unsigned db_needed(uint16_t consistency, unsigned copies);

/* --- database_session.c --- */

void db_session_unref(struct database_session *session);
void db_session_free(struct database_session *session);
void db_session_push(struct database_session *session, uint8_t opcode, int16_t stream,
                     struct slice body);
void db_session_hang_up(struct database_session *session); /* the node closes it */
void db_session_wake(struct database_session *session);

/* --- database_request.c --- */

void db_request_start(struct database_session *session, int16_t stream, uint8_t opcode,
                      struct slice body);
void db_request_answer(struct db_request *request, uint8_t opcode, struct slice body);
/* What is answered after _hold is sent by _release, or forgotten by _take_back (which does nothing
 * when nothing is held). */
void db_request_hold(struct db_request *request);
void db_request_release(struct db_request *request);
void db_request_take_back(struct db_request *request);
void db_request_void(struct db_request *request);
void db_request_error(struct db_request *request, const struct cql_error *error);
__attribute__((format(printf, 3, 4))) void db_request_refuse(struct db_request *request,
                                                             int32_t code, const char *format, ...);

/* --- database_schema.c --- */

void db_schema_init(struct database *db);
struct db_keyspace *db_schema_keyspace_find(const struct database *db, const char *name);
/* As a node sees it at that version. */
struct store_table *db_schema_table_find(const struct database *db, const char *keyspace,
                                         const char *name, unsigned version);
void db_schema_execute(struct db_request *request, const struct db_statement *statement);
/* At once, everywhere. */
void db_schema_run(struct database *db, const struct db_statement *statement);
void db_schema_catch_up(struct database *db, unsigned node, int64_t delay_us);
uint16_t db_schema_type_id(const char *type);
struct cql_type db_schema_type(const char *type, struct arena *arena);

/* --- database_system.c --- */

bool db_system_is(const struct db_statement *statement);
void db_system_select(struct db_request *request, const struct db_bound *bound);
const struct store_table *db_system_table(const struct database *db,
                                          const struct db_statement *statement);

/* --- database_statement.c --- */

/* false: refused, the request is answered (request NULL: ends the process). */
bool db_statement_check(struct db_request *request, struct db_bound *bound);
/* The value of a term for a column; false: refused. */
bool db_statement_value(struct db_request *request, const struct db_bound *bound,
                        const struct db_term *term, const struct store_column *column,
                        struct arena *arena, struct cql_value *value);
/* Partition key, routing form; false: refused. */
bool db_statement_key(struct db_request *request, const struct db_bound *bound, struct arena *arena,
                      struct slice *key);
/* Appends the changes to the mutation of its partition. */
bool db_statement_mutate(struct db_request *request, const struct db_bound *bound,
                         struct arena *arena, struct mutation *mutation);
bool db_statement_target(struct db_request *request, const struct db_bound *bound,
                         struct arena *arena, struct db_target *target);
/* The one row that a conditional statement is about. */
bool db_statement_row(struct db_request *request, const struct db_bound *bound, struct arena *arena,
                      struct db_target *target);
int64_t db_statement_now_s(const struct database *db, unsigned node);
int64_t db_statement_integer(struct slice bytes);
struct mutation *db_mutation_new(struct arena *arena, const char *keyspace, struct slice key,
                                 unsigned changes_max);

/* --- database_rows.c: results --- */

struct row_writer {
    struct database *db;
    const struct db_statement *statement; /* NULL: columns as given */
    const struct store_table *table;
    int32_t rows;
};
/* One row as the SELECT asks for it. */
void db_rows_put(struct row_writer *writer, struct slice key, const struct store_slice *slice,
                 const struct store_row *row, int64_t now_s);
void db_rows_answer(struct db_request *request, struct row_writer *writer,
                    struct slice paging_state);
void db_rows_applied(struct db_request *request, bool applied, const struct db_bound *bound,
                     struct slice key, const struct store_slice *slice,
                     const struct store_row *row);
void db_rows_key_cells(const struct store_table *table, struct slice key, struct slice *cells);
/* `cells` for each row, columns named and typed. */
void db_rows_begin(struct database *db);
void db_rows_cell(struct database *db, struct slice cell);

/* --- database_write.c, database_read.c, database_paxos.c --- */

void db_write_start(struct db_request *request, struct mutation **mutations, unsigned count);
/* COORDINATOR_DIES: within so long. */
void db_coordinator_may_die(struct db_operation *operation, int64_t within_us);
void db_hint_add(struct database *db, unsigned holder, unsigned target,
                 const struct mutation *mutation, struct db_key key, unsigned sub);
void db_hints_wake(struct database *db, unsigned node);

/* A Cassandra partition that was found, as each replica that answered holds it, and merged. */
struct db_found {
    struct slice key; /* of the store */
    int64_t token;
    unsigned part;
    struct store_slice copies[DATABASE_REPLICAS_MAX];
    struct store_slice merged;
};

struct db_read_part { /* of a scan: one range of the ring */
    unsigned replicas[DATABASE_REPLICAS_MAX];
    unsigned copies, needed;
    uint32_t asked, answered; /* bits of replicas[] */
};

enum db_read_outcome { READ_DONE, READ_UNAVAILABLE, READ_TIMED_OUT };

struct db_read {
    struct db_operation base;
    struct arena own;
    const struct store_table *table;
    struct db_target target;
    uint16_t consistency;
    int64_t now_s;
    struct db_read_part parts[DATABASE_NODES_MAX];
    unsigned part_count;
    struct db_found **founds; /* by token */
    size_t found_count, found_capacity;
    unsigned repairs, repairs_done;
    bool is_over, merged;
    enum db_read_outcome outcome;
    /* Called once; the read lives during the call. */
    void (*done)(struct db_read *read);
    void *context;
    struct db_operation *parent; /* holds a reference; NULL: none */
};

/* `first_message` keeps the draws of several reads of one request apart. */
void db_read_run(struct database *db, struct db_request *request, const struct store_table *table,
                 const struct db_target *target, uint16_t consistency, unsigned first_message,
                 void (*done)(struct db_read *read), void *context, struct db_operation *parent);
void db_read_start(struct db_request *request, const struct db_bound *bound,
                   const struct db_target *target);
/* The rows of a read that is done go to its client. */
void db_read_answer(struct db_request *request, const struct db_statement *statement,
                    struct db_read *read);
void db_paxos_write(struct db_request *request, const struct db_bound *bound);
void db_paxos_read(struct db_request *request, const struct db_bound *bound,
                   const struct db_target *target);

#endif
