/*
 * What the files of the cluster share. Nobody else includes this.
 *
 *      cluster.c      the whole: life, clock, facts
 *      link.c         one connection to a contact point, and coming back to it
 *      window.c       how much a node is given at once
 *      routing.c      which link takes a request, and the queues in front of the links
 *      request.c      one request from _send to its one `done`
 *      retry.c        what an error means, and when to try again
 *      preparation.c  statements that a node has forgotten
 *      statement.c    statements by text
 *      call.c         questions with values
 *
 * A request's state is the list that it is in:
 *
 *                    no room                    handed over
 *      cluster_send ---------> QUEUED ------------------------> IN_FLIGHT ---> done
 *                                ^  ^                             |   | UNPREPARED
 *                         time   |  +----- failed over -----------+   v
 *                                |                                | UNPREPARED --+
 *                            BACKING_OFF <---- failed ------------+   ^  |       |
 *                                ^                                    |  |prepared: IN_FLIGHT
 *                                +------------------------------------|--+ failed
 */
#ifndef PROXY_CORE_CLUSTER_INTERNAL_H
#define PROXY_CORE_CLUSTER_INTERNAL_H

#include "core/cluster.h"
#include "core/random.h"

#define RETRY_MIN_US             INT64_C(50000)
#define RETRY_MAX_US             INT64_C(2000000)
#define STILL_UNREACHABLE_LOG_US INT64_C(10000000)
#define PREPARES_PER_LINK        3
#define SIBLING_STATEMENTS       4 /* looked at on either side of one that a node has forgotten */

enum request_state {
    REQUEST_IDLE,        /* in no list */
    REQUEST_QUEUED,      /* cluster.control_queue or cluster.data_queue */
    REQUEST_BACKING_OFF, /* cluster.backing_off, by retry_at_us */
    REQUEST_IN_FLIGHT,   /* cluster.attempts, by attempt_deadline_us */
    REQUEST_UNPREPARED,  /* link.unprepared; keeps its place in the link's window */
};

/* Requests for data under way at one node: grows by one for each window of successes, halves at
 * most once per round trip when the node says that it is too much (AIMD). */
struct window {
    uint32_t size;
    uint32_t in_flight;
    uint32_t successes; /* since it last grew */
    int64_t shrunk_at_us;
};

void window_reset(struct window *window, const struct gateway_config *config);
void window_succeeded(struct window *window, const struct gateway_config *config);
/* The attempt that failed was sent at sent_us: one that was sent before the last cut tells nothing
 * new. */
void window_congested(struct window *window, const struct gateway_config *config, int64_t sent_us,
                      int64_t now_us);

enum link_state {
    LINK_WAITING,    /* no socket; the next attempt is at reconnect_at_us */
    LINK_CONNECTING, /* the driver resolves and connects */
    LINK_STARTING,   /* connected, not yet READY */
    LINK_READY,
    LINK_CLOSING, /* given up; the driver will say link_closed */
};

struct link {
    struct action_source source; /* first */
    struct cluster *cluster;
    char name[100]; /* host:port, for people; safe in a log line */
    enum link_state state;
    void *driver;
    struct cql_connection *connection; /* STARTING, READY, CLOSING */
    struct window window;
    uint32_t requests;        /* in flight or unprepared here, control requests included */
    uint64_t output_round;    /* counts the times that bytes were handed to the driver */
    struct list preparations; /* struct preparation under way */
    struct list mismatched;   /* struct preparation of statements that have another id here */
    struct list unprepared;   /* struct cluster_request */
    uint32_t failures;        /* in a row; drives the reconnect back-off */
    int64_t reconnect_at_us;
    int64_t connect_deadline_us;
    int64_t ready_since_us;
    int64_t logged_at_us; /* when its being unreachable was last told */
    bool told_unreachable;
};

/* A statement that is being prepared on one link, because it was forgotten there. */
struct preparation {
    struct cluster_request request; /* pinned */
    struct link *link;
    struct cluster_statement *statement;
    struct list node;
};

struct cluster {
    const struct gateway_config *config;
    const struct alloc *alloc;
    struct action_queue *actions;
    struct random random;
    struct arena arena; /* for one answer at a time */
    struct link *links; /* one per contact point */
    size_t link_count;
    size_t ready_count;
    size_t next_link;        /* where picking starts, so that equals take turns */
    struct link *event_link; /* whose schema events are believed; the others say the same */
    struct list control_queue;
    struct list data_queue;
    struct list backing_off;
    struct list attempts;
    struct list timed;      /* every request with a deadline, by deadline_us */
    struct list statements; /* struct statement, in the order of first use */
    struct list waiters;    /* of statements, by deadline */
    struct list calls;
    struct cluster_facts facts;
    bool room_appeared; /* since room_hook was last called */
    cluster_schema_changed schema_hook;
    void *schema_context;
    void (*room_hook)(void *context, struct moment now);
    void *room_context;
};

/* cluster.c */
/* The end of every entry from outside: queued requests go out, the room hook is called. */
void cluster_settle(struct cluster *cluster, struct moment now);

/* link.c */
void link_init(struct link *link, struct cluster *cluster, const struct contact_point *point);
void link_deinit(struct link *link);
int64_t link_deadline_us(const struct link *link);
void link_tick(struct link *link, struct moment now);
void link_wants_write(struct link *link); /* if it has output */

/* routing.c */
struct link *cluster_pick(struct cluster *cluster, const struct cluster_request *request);
void cluster_dispatch(struct cluster *cluster, struct moment now);

/* request.c */
void request_enqueue(struct cluster *cluster, struct cluster_request *request);
/* Hands it to the link. NOMEM, BUSY, CLOSED: the request is IDLE and its place is free again. */
MUST_CHECK int request_transmit(struct cluster *cluster, struct link *link,
                                struct cluster_request *request, struct moment now);
/* The same, for a request that was UNPREPARED on this link; its failures are handled. */
void request_resend(struct cluster *cluster, struct cluster_request *request, struct moment now);
/* An ERROR that says nothing was done, or the attempt's outcome is unknown (then touched is set
 * before). */
void request_retry(struct cluster *cluster, struct cluster_request *request, bool soon,
                   const struct cql_error *error, struct moment now);
void request_finish(struct cluster *cluster, struct cluster_request *request,
                    enum cluster_outcome outcome, struct slice body, const struct cql_error *error,
                    struct moment now);
void request_answered(struct cluster *cluster, struct cluster_request *request,
                      const struct cql_event *event, struct moment now);
/* Its link is gone. */
void request_lost(struct cluster *cluster, struct cluster_request *request, struct moment now);
int64_t request_next_deadline_us(const struct cluster *cluster);
void request_tick_all(struct cluster *cluster, struct moment now);

/* retry.c */
enum verdict {
    VERDICT_REFUSED,    /* definite: nothing was done, and nothing would be next time */
    VERDICT_UNPREPARED, /* nothing was done; prepare and send again */
    VERDICT_NOT_DONE,   /* nothing was done; try again */
    VERDICT_UNKNOWN,    /* it may be done, or may be yet */
};
enum verdict error_verdict(const struct cql_error *error, bool conditional);
bool error_is_congestion(const struct cql_error *error);
int64_t retry_delay_us(struct random *random, uint32_t failures);

/* preparation.c */
/* `link` answered `request` with UNPREPARED. */
void preparation_require(struct cluster *cluster, struct link *link,
                         struct cluster_request *request, const struct cql_error *error,
                         struct moment now);
/* The link is gone: those that wait there go elsewhere, marks are dropped. */
void preparation_link_lost(struct link *link, struct moment now);
void preparation_deinit(struct link *link);

/* statement.c */
struct cluster_statement *statement_by_id(struct cluster *cluster, struct slice id);
/* The id in the answer to a PREPARE. MALFORMED, NOMEM ...; `id` lasts until the arena is used
 * again. */
MUST_CHECK int statement_parse_id(struct cluster *cluster, struct slice body, struct slice *id);
struct cql_body *statement_body(struct cluster *cluster, const char *text);
int64_t statement_deadline_us(const struct cluster *cluster);
void statement_tick(struct cluster *cluster, struct moment now);
void statement_free_all(struct cluster *cluster);

/* call.c */
void call_free_all(struct cluster *cluster);

#endif
