/*
 * The CQL side of the gateway: nodes, their connections ("links"), windows, routing, prepared
 * statements, and requests that are executed until their outcome is known.
 *
 * A request is a frame body that may be executed again, byte for byte, on any node (statements
 * carry their own timestamps, so a repetition changes nothing). Unknown outcomes (write timeout,
 * lost connection, no answer) are resolved by executing it again on another link with back-off, for
 * ever or until its deadline; definite refusals end it. By setting, one that is late is executed on a
 * second node as well (speculation.c). (See routing.c for where a request goes.)
 */
#ifndef PROXY_CORE_CLUSTER_H
#define PROXY_CORE_CLUSTER_H

#include "core/action.h"
#include "core/config.h"
#include "core/moment.h"
#include "cql/connection.h"
#include "cql/query.h"
#include "cql/result.h"
#include "proto/list.h"

#define CLUSTER_NODES_MAX 1024 /* connected to; a cluster that tells of more is cut there */

struct cluster;
struct cluster_request;

enum cluster_outcome {
    CLUSTER_DONE,    /* a RESULT: the statement is executed at its consistency level */
    CLUSTER_REFUSED, /* a definite error of the node (reply.error); see cluster_request.touched */
    CLUSTER_GAVE_UP, /* the deadline passed, or a conditional's outcome is unknown; see
                        cluster_request.touched */
};

struct cluster_reply {
    enum cluster_outcome outcome;
    struct slice body; /* DONE: of the RESULT frame, for cql_result_open; valid during the call */
    /* REFUSED, and GAVE_UP when the last attempt had one (then perhaps only with its code); else
     * NULL. */
    const struct cql_error *error;
};

typedef void (*cluster_done)(struct cluster_request *request, const struct cluster_reply *reply,
                             struct moment now);

/*
 * Owned by the caller, in storage that stays put until `done` was called (exactly once) or
 * cluster_cancel. Zeroed before its first use; may be sent again once done. `done` may call
 * anything of this header but cluster_free.
 */
struct cluster_request {
    /* filled by the caller */
    uint8_t opcode;        /* CQL_BATCH, CQL_EXECUTE, CQL_QUERY, CQL_PREPARE */
    struct cql_body *body; /* the cluster takes a reference of its own */
    int64_t token;         /* of the partition key, with has_token: where it should go */
    bool has_token; /* names a partition, and is no schema change: may be executed on two nodes at
                       the same time, unless it is conditional */
    const uint8_t *table_id; /* 16 bytes that outlive the request; NULL: unknown. ScyllaDB places
                                each table by itself */
    bool control;        /* outside the data windows: leases, schema, tail reads */
    bool conditional;    /* a lightweight transaction: never executed again by itself; an unknown
                            outcome is GAVE_UP, touched */
    int64_t deadline_us; /* boot clock; NEVER_US for data mutations */
    cluster_done done;
    void *context;
    /* kept by the cluster, read by the caller */
    bool touched;          /* an attempt's outcome is unknown: it may be applied, or may be yet */
    int64_t first_sent_us; /* 0: no byte of it has been handed to a link */
    uint32_t attempts;
    /* the cluster's own */
    uint8_t state; /* enum request_state; names the list that `node` is in */
    bool pinned;   /* belongs to one link: any failure ends it */
    struct list node;
    struct list timed;                 /* in the list of requests with a deadline */
    struct link *link;                 /* in flight or waiting for statements there */
    uint32_t avoid;                    /* serial of the node where the attempt before failed */
    bool has_unfit;
    uint64_t unfit[CLUSTER_NODES_MAX / 64]; /* with has_unfit, by serial: nodes that have other
                                               ids for its statements */
    struct cluster_statement *missing; /* the statement that `link` did not know */
    uint64_t output_round;             /* of the link, when the request was handed to it */
    int64_t attempt_deadline_us;
    int64_t retry_at_us;
    uint32_t failures;  /* drives the back-off */
    uint32_t prepares;  /* times that UNPREPARED came since the request last changed links */
    int32_t last_error; /* code of the attempt before; -1: none */
    uint16_t stream;
    uint32_t bytes; /* of the body, while it is in the node's window */
    struct list unanswered; /* in flight, and to be executed elsewhere as well at copy_at_us */
    int64_t copy_at_us;
    struct cluster_request *copy; /* its second execution under way; NULL: none */
    bool was_copied;
};

struct cluster *cluster_new(const struct gateway_config *config, struct action_queue *actions,
                            struct moment now);
/* Requests under way are forgotten, `done` is not called: free the cluster before what their
 * storage is in. */
void cluster_free(struct cluster *cluster);
/* Opens links to the contact points and keeps them. */
void cluster_start(struct cluster *cluster, struct moment now);

/* Never calls `done` itself, even when the deadline has passed: that is left to the next tick. */
void cluster_send(struct cluster *cluster, struct cluster_request *request, struct moment now);
/* The caller is no longer interested: `done` will not be called. The node may still execute it.
 * Nothing happens when the request is not under way. */
void cluster_cancel(struct cluster *cluster, struct cluster_request *request);
/* Would a data request for this token find a ready link with a free place in its window now? */
bool cluster_has_room(const struct cluster *cluster, const uint8_t *table_id, int64_t token);
bool cluster_is_up(const struct cluster *cluster); /* at least one ready link */

/* One statement text, prepared once and known by its id on every node; prepared again where a node
 * has forgotten it (UNPREPARED names one id at a time: the statements that were prepared next to it
 * and are in the same body are prepared on that link as well). A request with an id that no node
 * knows any more is REFUSED with UNPREPARED: forget the statement, prepare it again, encode again.
 * Never freed before the cluster. */
struct cluster_statement {
    const char *text;
    uint8_t id[32];
    size_t id_len; /* 0: not prepared yet */
    struct list node;
};
typedef void (*cluster_prepared)(void *context,
                                 struct cluster_statement *statement /* NULL: refused */,
                                 const struct cluster_reply *reply, struct moment now);
/* Calls `prepared` later, or at once when it is known (reply NULL) or memory is out (GAVE_UP). The
 * text is copied. The statement is shared: the same text gives the same pointer. Goes on until it
 * succeeds, is refused, or deadline_us. */
void cluster_prepare(struct cluster *cluster, const char *text, int64_t deadline_us,
                     cluster_prepared prepared, void *context, struct moment now);
/* Forget a statement (its table was dropped or altered, or it has another id now): it is prepared
 * again by the next cluster_prepare. */
void cluster_forget(struct cluster *cluster, struct cluster_statement *statement);

/*
 * A single statement with values, for the control plane and reads. The result is handed to `done`
 * and everything is freed afterwards. Values are copied. `conditional` as above; other statements
 * are executed again when in doubt.
 */
struct cluster_query {
    const char *text; /* with ? markers; not prepared */
    const struct cql_value *values;
    uint16_t value_count;
    enum cql_consistency consistency;
    enum cql_consistency serial_consistency; /* conditional statements */
    int64_t timestamp_us;                    /* 0: none */
    int32_t page_size;                       /* 0: none */
    struct slice paging_state;
    bool conditional;
    int64_t token; /* with has_token, and table_id: as in a cluster_request */
    bool has_token;
    const uint8_t *table_id;
    int64_t deadline_us;
};
typedef void (*cluster_answer)(void *context, const struct cluster_reply *reply, bool touched,
                               struct moment now);
struct cluster_call; /* under way */
/* NULL: out of memory (done is then not called). */
struct cluster_call *cluster_ask(struct cluster *cluster, const struct cluster_query *query,
                                 cluster_answer done, void *context, struct moment now);
void cluster_call_cancel(struct cluster *cluster, struct cluster_call *call);

/* Facts about the nodes, for bootstrap and `check`; NULL or 0 while unknown. */
struct cluster_facts {
    char data_center[64], release_version[32], cluster_name[64], partitioner[96];
    bool is_scylla;
    uint32_t ready_links, links;
    uint64_t copies, copies_won; /* speculative executions; those that answered first */
    char last_error[320]; /* why the newest failed link failed, with its address; empty: none */
};
void cluster_get_facts(const struct cluster *cluster, struct cluster_facts *facts);
/* What the control plane read in system.local: the strings of `local` are taken over. */
void cluster_set_local(struct cluster *cluster, const struct cluster_facts *local);

/* Schema events of the nodes (table changed or dropped), debounced by the receiver. CREATED of a
 * table without a name in our keyspace: the node that tells events was lost, some may be missing. */
typedef void (*cluster_schema_changed)(void *context, const struct cql_push *push,
                                       struct moment now);
void cluster_on_schema_change(struct cluster *cluster, cluster_schema_changed changed,
                              void *context);
/* Called after a link became ready or room appeared, so that waiting partitions are looked at. */
void cluster_on_room(struct cluster *cluster, void (*room)(void *context, struct moment now),
                     void *context);

/* When _tick wants to be called; 0: at once. NEVER_US: after events only. */
int64_t cluster_deadline_us(const struct cluster *cluster);
void cluster_tick(struct cluster *cluster, struct moment now);

/* For the driver: one socket each. */
void link_set_driver(struct link *link, void *driver);
void *link_driver(const struct link *link);
void link_connected(struct link *link, struct moment now);
uint8_t *link_space(struct link *link, size_t *room);
void link_received(struct link *link, size_t bytes, struct moment now);
size_t link_output(struct link *link, struct slice *slices, size_t max);
void link_sent(struct link *link, size_t bytes, struct moment now);
/* The socket is gone (or could not be opened): reason for people, e.g. "connection refused". The
 * link may be freed or opened again later by ACTION_LINK_OPEN; the driver forgets it. */
void link_closed(struct link *link, const char *reason, struct moment now);

#endif
