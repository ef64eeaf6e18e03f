/*
 * One partition of a topic: its log's head, what is on its way to the database, and who waits for
 * it.
 *
 *   Produce entry -> partition_append -> rows in the open mutation (offsets given: admitted)
 *                                          | closed when full, or at the turn's end when there is
 * room mutations, in offset order:  [SENT][SENT][CLOSED][OPEN] | each executed by the cluster until
 * it is durable acknowledged from the front only: offset order is acknowledgement order
 *
 * Mutations own the CQL bytes; a Kafka batch (struct batch) belongs to the mutation that holds its
 * last row. A batch that is too large for one mutation takes several ("parts"): the part with the
 * first row is sent when the others are durable, so that rows without their first row mean "beyond
 * the log's end".
 *
 * A definite refusal by the database is repaired in place (repair.h): it hurts only the producer of
 * the batch that is refused. Where that is not possible (the table is gone, memory is out) the
 * partition is unloaded: every waiter gets an answer that is true of it, and the next Produce loads
 * it again from the tables, sealing what was in doubt (recovery.h). The leader takes over from
 * itself.
 */
#ifndef PROXY_CORE_PARTITION_H
#define PROXY_CORE_PARTITION_H

#include "core/cluster/cluster.h"
#include "core/engine/log_rows.h"
#include "core/engine/producer_state.h"
#include "kafka/record_batch.h"
#include "proto/list.h"

struct gateway;
struct partition;
struct produce_entry;
struct recovery;
struct repair;
struct topic;

enum partition_state {
    PARTITION_UNLOADED, /* nothing is known but its name */
    PARTITION_LOADING,  /* statements are prepared, the tail is read and sealed */
    PARTITION_LIVE,
    PARTITION_REPAIRING, /* live, but takes nothing new until a refusal is dealt with */
};

enum mutation_state {
    MUTATION_OPEN,    /* takes batches; always the last one */
    MUTATION_CLOSED,  /* waits for its turn */
    MUTATION_SENT,    /* the cluster executes it */
    MUTATION_DURABLE, /* waits for those before it */
    MUTATION_REFUSED, /* for good: repair.h */
};

struct mutation {
    struct list node; /* partition.mutations, offset order */
    struct cluster_request request;
    struct partition *partition;
    struct cql_body *body;
    enum mutation_state state;
    int64_t segment;
    int64_t token; /* of (partition, segment) */
    int64_t first_offset;
    int64_t end_offset;
    uint32_t rows;
    size_t charged_bytes;        /* of the gateway's memory budget */
    struct list batches;         /* struct batch, whose last row is here */
    struct mutation *first_part; /* a later part of a large batch: the part with its first row */
    uint32_t parts_missing;      /* of a first part: parts that are not durable yet */
    int16_t refusal_code;        /* REFUSED: the Kafka code */
    uint32_t batch_count;        /* repair.c: batches that have rows in it */
};

/* A Kafka batch that has offsets and is not acknowledged. */
struct batch {
    struct list node;
    int64_t first_offset;
    int32_t record_count;
    struct list
        waiters; /* struct produce_entry; several when a retry joined, none when all have gone */
    /* should it have to be written again (repair.h) */
    struct producer_claim claim;
    struct mutation *first; /* with its first row; mutation.batches is that with its last one */
    size_t first_at;        /* where in its body */
    uint32_t first_row;     /* as which of its rows */
    int16_t refusal_code;   /* not 0: refused for good, by itself */
    bool is_suspect;        /* refused together with others: to be tried alone */
    bool was_sent;          /* a row of it has been handed to a node, at whatever offset */
    bool in_doubt;          /* a refusal does not say that nothing of it is written */
};

struct partition {
    struct gateway *gateway;
    struct topic *topic;
    int32_t index;
    enum partition_state state;
    int32_t leader_epoch; /* not UNLOADED: of the slot, when loading began; void in any other */
    struct recovery *recovery; /* LOADING */
    struct repair *repair;     /* REPAIRING */
    int64_t retry_load_us;     /* UNLOADED after a failed load: not before this */
    int16_t
        load_error; /* the Kafka code that the last failed load gives to those who cannot wait */

    /* the log */
    int64_t segment; /* -1: none yet */
    int64_t segment_first;
    int64_t segment_limit;
    int64_t segment_bytes;
    bool segment_open;                 /* its index row is durable */
    struct cluster_call *segment_call; /* writing the index row */
    int64_t next_offset;
    int64_t stable; /* all offsets below are acknowledged */
    int64_t rows_since_snapshot, bytes_since_snapshot;
    bool snapshot_due;
    int64_t highest_timestamp_us; /* ever used by us on this partition: what a reload seals */
    int64_t token;                /* of (index, segment) */
    struct log_rows rows;
    struct producer_table producers;
    struct producer_table
        refused; /* not LIVE: who was refused meanwhile, see partition_note_refused */

    struct list mutations;
    struct mutation *open; /* the last of mutations, or NULL */
    uint32_t sent, closed;
    struct list ready_node; /* gateway.ready or gateway.blocked: flush me */
    struct list load_node;  /* gateway.load_queue or gateway.loads */
    int64_t load_began_us;  /* LOADING */
};

void partition_init(struct partition *partition, struct topic *topic, int32_t index);
/* Drops everything without answering anybody: at exit, after all waiters are gone. */
void partition_deinit(struct partition *partition);

enum append_result {
    APPEND_DONE,    /* the entry has its result, or waits in a batch */
    APPEND_NO_ROOM, /* not now: park the client, try again after partition_has_room */
};
/*
 * Admits the record batch of one Produce entry: checks, producer state, rows. Everything that can
 * be refused is refused here, before it has an offset. `records` is borrowed for the call.
 */
enum append_result partition_append(struct partition *partition, struct produce_entry *entry,
                                    struct slice records, struct moment now);
/* Would partition_append do something other than APPEND_NO_ROOM? Starts loading if that is what is
 * missing. */
bool partition_has_room(struct partition *partition, struct moment now);
/* Somebody will want it: it is loaded, now or in its turn. Nothing happens when it is, or cannot be
 * now. */
void partition_load(struct partition *partition, struct moment now);
/* Starts the loads that there is room for. */
void partitions_load_next(struct gateway *gateway, struct moment now);
/* A batch was refused with a retriable code, so what its producer sends behind it must be too: a
 * gap that we made is not the producer's fault. */
void partition_note_refused(struct partition *partition, struct slice records, int16_t code,
                            struct moment now);

/* Its oldest mutation has been unresolved for two seconds while what others sent after those is
 * durable: the fault is its own (its replicas), so new batches are refused at once (19) and do not
 * hold up the answers of other partitions on their connections. */
bool partition_is_stalled(const struct partition *partition, struct moment now);
/* Sends what may be sent. False: something waits for room, a ceiling, an index row or the lease. */
bool partition_flush(struct partition *partition, struct moment now);
/* Acknowledges durable mutations from the front, if the lease allows. */
void partition_acknowledge(struct partition *partition, struct moment now);
/* To UNLOADED; everything under way is answered: what the database refused, and nothing else can
 * have written, with its code; 7 for what was touched; `code` for what was not: 6 when leadership is
 * lost, 19 otherwise. */
void partition_unload(struct partition *partition, int16_t code, const char *text,
                      struct moment now);
bool partition_is_idle(const struct partition *partition); /* nothing under way */

/* Recovery is over; the log's head is set. */
void partition_loaded(struct partition *partition, struct moment now);
void partition_load_failed(struct partition *partition, int16_t code, const char *text,
                           struct moment now);

#endif
