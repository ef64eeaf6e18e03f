/*
 * A Cassandra cluster in this process, in virtual time: 1 to 5 nodes, each with its own cells,
 * commit log, clock, schema view and prepared statements, and everything that goes wrong between
 * them. It has no clock, no scheduler, no network and no randomness of its own: the caller lends
 * them (struct database_hooks). What it speaks on a session is the CQL v4 byte stream.
 *
 *      caller                          database (one object)
 *      ------                          ---------------------------------------------
 *      database_connect(node)    ->    session of that node
 *      database_receive(bytes)   ->    frame -> coordinator -> later(delay) -> replicas -> answer
 *      hooks.send(owner, bytes)  <-    answer, event
 *      hooks.close(owner)        <-    the node died, or hung up
 *      database_kill(node) ...   ->    sessions closed, the unsynced tail lost, hints wait
 *
 * What is modelled, and checked against real nodes where tests/sim/histories has a history of it:
 *  - cells with write timestamps; ties: delete > expiring > plain, then the greater value; row
 *    markers, statics, TTL, deletes of a partition, range and row; gc by database_compact
 *  - a mutation reaches each replica on its own: now, late, by hint (after minutes or hours, or
 *    never), and the coordinator answers when its level is reached, or says it was not
 *  - reads from a quorum of replicas drawn at random, with blocking read repair that repairs only
 *    what was read
 *  - lightweight transactions by Paxos (v1) with messages of its own, so that a round can be left
 *    half done and be finished by a later one; ballots from the coordinator's clock
 *  - schema that spreads: each node has its own view for a while
 * It understands the CQL that Sluice sends, and what the histories need; a statement that it does
 * not understand ends the process: then the model has to learn it.
 *
 * Randomness. Every choice is one call of hooks.draw(entity, counter, purpose), and the hook
 * returns hash(seed, entity, counter, purpose). The counter counts the requests of one node and
 * kind, not the calls, so a fault class that is switched off does not shift other draws of the same
 * request.
 *
 * Time is one number, microseconds since 1970 in the simulation's own true time. A node's clock is
 * that plus its offset.
 *
 * Out of memory ends the process, so callers check nothing.
 */
#ifndef TESTS_SIM_DATABASE_H
#define TESTS_SIM_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cql/types.h"
#include "proto/slice.h"

#define DATABASE_NODES_MAX    5
#define DATABASE_REPLICAS_MAX 5

struct database;
struct database_session; /* a client's connection to one node */

/*
 * What can go wrong by chance. Each has a rate in parts per million (database_config.fault_ppm),
 * drawn at the place that the text says. 0: never.
 */
#define DATABASE_FAULT_MAP(X)                                                                      \
    /* between nodes, per message */                                                               \
    X(MESSAGE_LOST, "a message between two nodes never arrives")                                   \
    X(MESSAGE_SLOW, "a message between two nodes takes up to 5 s")                                 \
    X(MESSAGE_EXECUTED_LATE, "a replica executes a message that is older than its time-out")       \
    /* hints, per hint */                                                                          \
    X(HINT_NEVER, "a missed write is never hinted, or the hint is lost")                           \
    X(HINT_HOURS, "a hint comes after up to 3 h instead of 10 to 20 s")                            \
    /* a plain write: effect (each replica now, by hint or never) and reply drawn apart */         \
    X(WRITE_TIMEOUT, "0x1100 of any write type, whatever the replicas did")                        \
    X(WRITE_FAILURE, "0x1500, whatever the replicas did")                                          \
    X(WRITE_SERVER_ERROR, "0x0000, whatever the replicas did")                                     \
    X(WRITE_UNKNOWN_ERROR, "a code that nobody knows, whatever the replicas did")                  \
    X(WRITE_OVERLOADED, "0x1001 from inside the coordinator, whatever the replicas did")           \
    /* any request */                                                                              \
    X(REFUSED_OVERLOADED, "0x1001 at the door: 'Request breached ...', nothing done")              \
    X(REFUSED_UNAVAILABLE, "0x1000 before anything is done")                                       \
    X(REFUSED_BOOTSTRAPPING, "0x1002, nothing done")                                               \
    X(REQUEST_LOST, "the node hangs up before it executes the request")                            \
    X(ANSWER_LOST, "the node executes the request and hangs up instead of answering")              \
    X(ANSWER_LATE, "the answer comes 2 to 60 s late")                                              \
    X(REQUEST_LATE, "the coordinator executes the request up to 60 s late, and answers then")      \
    X(COORDINATOR_DIES, "kill -9 of the coordinator right after the effect; back in 1 to 60 s")    \
    X(UNPREPARED, "the node has evicted all its prepared statements")                              \
    /* reads */                                                                                    \
    X(READ_TIMEOUT, "0x1200 without reason")                                                       \
    X(READ_FAILURE, "0x1300 without reason")                                                       \
    X(READ_REPAIR_SKIPPED, "a read answers without repairing (read_repair = 'NONE')")              \
    /* lightweight transactions, on top of what lost messages do to their rounds */                \
    X(CAS_ABANDONED, "the coordinator gives up between two steps of a round: 0x1100 CAS")          \
    /* schema */                                                                                   \
    X(SCHEMA_SLOW, "a node learns of a schema change after up to 20 s instead of under 1 s")       \
    /* a node that breaks the protocol */                                                          \
    X(GARBAGE, "the answer is a frame that cannot be decoded")                                     \
    X(WRONG_STREAM, "the answer carries a stream id that nobody waits for; its own has none")      \
    /* the tables of topics; last, so that what older seeds draw stays the same */                 \
    X(WRITE_REFUSED, "0x2200: refused for good, nothing done")

enum database_fault {
#define DATABASE_FAULT_ENUM(name, text) DATABASE_##name,
    DATABASE_FAULT_MAP(DATABASE_FAULT_ENUM)
#undef DATABASE_FAULT_ENUM
        DATABASE_FAULT_COUNT
};

/* "MESSAGE_LOST". Never NULL. */
const char *database_fault_name(enum database_fault fault);

/* Just those rows may be in trouble, or have few replicas left. */
enum database_serial {
    DATABASE_SERIAL_FINE,
    DATABASE_SERIAL_UNTOLD, /* transactions are done, their answers come late; reads time out */
    DATABASE_SERIAL_UNDONE, /* transactions time out and are not done; reads are fine */
};

struct database_hooks {
    void *context;
    /* Microseconds since 1970, true time; never goes back. */
    int64_t (*now_us)(void *context);
    /* Calls fire(argument) once when delay_us have passed (0: soon, but not from inside this call),
     * in order of time and then of these calls. What is still waiting when the database is freed
     * must not be fired any more. */
    void (*later)(void *context, int64_t delay_us, void (*fire)(void *argument), void *argument);
    /* 64 random bits: hash(seed, entity, counter, purpose). */
    uint64_t (*draw)(void *context, uint64_t entity, uint64_t counter, uint32_t purpose);
    /* NULL, or the last word on a fault: `drawn` is what the rate says. For the record of fired
     * faults and for the shrinker's list of overrides. */
    bool (*fault)(void *context, enum database_fault fault, uint64_t entity, uint64_t counter,
                  bool drawn);
    /* Bytes from a node to the owner of a session, borrowed for the call. */
    void (*send)(void *context, void *owner, struct slice bytes);
    /* The node closed the session (reset). It is gone: the owner forgets it. Never called from
     * inside database_connect, database_receive or database_disconnect of the same session. */
    void (*close)(void *context, void *owner);
    /* NULL, or: how do transactions and serial reads of this session end? */
    enum database_serial (*serial)(void *context, void *owner);
    /* NULL, or one line without "\n" for each thing that happens; borrowed. */
    void (*trace)(void *context, const char *line);
};

struct database_config {
    unsigned nodes;           /* 1 to DATABASE_NODES_MAX */
    const char *data_center;  /* NULL: "datacenter1" */
    const char *address;      /* of node 0, the others follow in the last byte; NULL: 10.0.0.1 */
    bool commitlog_periodic;  /* else batch */
    int64_t sync_us;          /* periodic: how often the log's tail is safe; 0: 100 ms */
    int64_t link_min_us;      /* between nodes, one way; 0: 100 */
    int64_t link_max_us;      /* 0: 2,000 */
    int64_t write_timeout_us; /* 0: 2 s */
    int64_t read_timeout_us;  /* 0: 5 s */
    int64_t cas_timeout_us;   /* of contention; 0: 1.8 s */
    uint32_t fault_ppm[DATABASE_FAULT_COUNT];
};

/* The configuration is copied; hooks too (their context is borrowed). All nodes run. */
struct database *database_new(const struct database_config *config,
                              const struct database_hooks *hooks);
/* Sessions end without hooks.close. */
void database_free(struct database *database);
/* Change rates on the way: "heal" is all 0. */
void database_set_fault(struct database *database, enum database_fault fault, uint32_t ppm);

/* --- sessions --- */

/* NULL: connection refused (the node does not run). `owner` comes back in hooks.send and .close.
 * A paused node accepts and stays silent. */
struct database_session *database_connect(struct database *database, unsigned node, void *owner);
/* Any split of the stream gives the same. Borrowed for the call. */
void database_receive(struct database_session *session, struct slice bytes);
/* The client closed it: what it asked is still executed, the answers are dropped. Frees it. */
void database_disconnect(struct database_session *session);

/* --- nodes --- */

/* "10.0.0.1": what a contact point must say; lives as long as the database. */
const char *database_address(const struct database *database, unsigned node);
/* The node with that address; -1: none. */
int database_node_at(const struct database *database, const char *address);
bool database_runs(const struct database *database, unsigned node); /* paused counts */
bool database_is_paused(const struct database *database, unsigned node);
/* kill -9: sessions are closed, operations that it coordinated are forgotten, periodic commit logs
 * lose their unsynced tail, prepared statements stay (Cassandra keeps them in a table). */
void database_kill(struct database *database, unsigned node);
/* Answers CQL after `boot_us`; until then connections are refused. */
void database_start(struct database *database, unsigned node, int64_t boot_us);
/* SIGSTOP: connections stay open, what arrives is executed after SIGCONT. */
void database_pause(struct database *database, unsigned node);
void database_resume(struct database *database, unsigned node);
/* The node's clock minus true time. */
void database_set_clock(struct database *database, unsigned node, int64_t offset_us);
/* Messages from node `from` to node `to` are lost, or pass again. */
void database_cut(struct database *database, unsigned from, unsigned to, bool cut);
/* All cuts, pauses and deaths end (dead nodes answer after boot_us); fault rates stay. */
void database_heal(struct database *database, int64_t boot_us);
/* Hints that wait are sent now (those that were lost are not). */
void database_deliver_hints(struct database *database);
/* Compaction: what is deleted for longer than gc_grace is purged, deletes included. */
void database_compact(struct database *database, unsigned node);
/* All prepared statements of the node are evicted. */
void database_evict(struct database *database, unsigned node);
/* Its version changes between two whose rules for the ids of statements differ. */
void database_change_ids(struct database *database, unsigned node);

/* --- instantly, on all nodes, whatever their state; for tests and set-up --- */

/* One statement with literals (no SELECT). Server time for what has no timestamp. */
void database_run(struct database *database, const char *text);

/* --- reading back, instantly, without repair --- */

/* Which copies of a Cassandra partition are merged: bit i is the i-th of its replicas. All pairs of
 * RF 3 are 3, 5 and 6. */
typedef uint32_t database_copies;
#define DATABASE_ALL_COPIES ((database_copies)-1)

struct database_cell {
    struct slice value; /* data NULL: no value is visible */
    int64_t written_us; /* of the value */
};

/* What a reader sees of one row. Pointers are borrowed for the call. */
struct database_row {
    const char *table;
    const struct slice *partition_key; /* the values of the key's columns, in order */
    bool has_clustering;
    int64_t clustering;
    const struct database_cell *cells; /* by column of the table, see database_column; key columns
                                          have no cell here, statics stand in each row */
    size_t cell_count;
};

unsigned database_replication(const struct database *database, const char *keyspace); /* RF */
/* The i-th replica of the partition key's node. The key is serialised as for routing: the value
 * alone, or each with u16 length and a zero byte. */
unsigned database_replica(const struct database *database, const char *keyspace, struct slice key,
                          unsigned i);
/* -1: no such table or column. */
int database_column(const struct database *database, const char *keyspace, const char *table,
                    const char *column);
bool database_has_table(const struct database *database, const char *keyspace, const char *table);
/* Each visible row of the table, Cassandra partitions in no order, rows in clustering order.
 * Returns how many. `each` may be NULL. */
size_t database_each(const struct database *database, const char *keyspace, const char *table,
                     database_copies copies,
                     void (*each)(void *context, const struct database_row *row), void *context);
/* The visible rows of one Cassandra partition with from <= clustering <= to. */
size_t database_each_in(const struct database *database, const char *keyspace, const char *table,
                        struct slice key, int64_t from, int64_t to, database_copies copies,
                        void (*each)(void *context, const struct database_row *row), void *context);
/* The row of a log table (DESIGN.md 3.1) as `copies` show it: false when there is none. */
bool database_log_row(const struct database *database, const char *keyspace, const char *table,
                      int32_t partition, int64_t segment, int64_t offset, database_copies copies,
                      void (*each)(void *context, const struct database_row *row), void *context);
/* Everything that each replica holds of a Cassandra partition, shadowed or not, for people. */
void database_print(const struct database *database, const char *keyspace, const char *table,
                    struct slice key);

/* --- counts, for tests of the tester --- */

struct database_counts {
    uint64_t requests, writes, reads, transactions, unprepared;
    uint64_t answers, errors, timeouts; /* timeouts: 0x1100 and 0x1200, told or natural */
    uint64_t hints, hints_delivered, repairs, paxos_finished; /* rounds of others that were ended */
    uint64_t lost_writes;                                     /* of unsynced tails */
    uint64_t fired[DATABASE_FAULT_COUNT];
};
const struct database_counts *database_get_counts(const struct database *database);

#endif
