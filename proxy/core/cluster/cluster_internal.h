/*
 * What the files of the cluster share. Nobody else includes this.
 *
 *      cluster.c      the whole: life, clock, facts
 *      topology.c     which nodes there are, asked of one of them, and what its events change
 *      topology_read.c  the rows that say it
 *      node.c         one node: who it is, its connections
 *      link.c         one connection to a node, and coming back to it
 *      shards.c       ScyllaDB: a link for each shard of a node
 *      tablet_routing.c  ScyllaDB: where the ranges of each table are; tablets.c keeps them
 *      translate.c    addresses that nodes tell and those that are dialled
 *      window.c       how much a node is given at once
 *      routing.c      which link takes a request, and the queues in front of the links
 *      request.c      one request from _send to its one `done`
 *      retry.c        what an error means, and when to try again
 *      speculation.c  what is late is executed on a second node as well
 *      preparation.c  statements that a node has forgotten
 *      statement.c    statements by text
 *      call.c         questions with values
 *      notice.c       warnings and traces that come with answers
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

#include "core/cluster/cluster.h"
#include "core/cluster/ring.h"
#include "core/cluster/tablets.h"
#include "core/random.h"

#define RETRY_MIN_US             INT64_C(50000)
#define RETRY_MAX_US             INT64_C(2000000)
#define STILL_UNREACHABLE_LOG_US INT64_C(10000000)
#define PREPARES_PER_LINK        3
#define SIBLING_STATEMENTS       4 /* looked at on either side of one that a node has forgotten */
#define LINKS_PER_NODE_MAX       256
#define LINK_STAGGER_US          INT64_C(20000) /* between the first attempts of a pool's links */
#define WARM_UP_STATEMENTS      128
#define WARNINGS_KEPT            16
#define NODE_SLOW_US             INT64_C(500000) /* owes an answer and has said nothing for so long */
/* And for so long: longer than a node waits for its replicas (write_request_timeout, 2 s). */
#define NODE_SILENT_US           INT64_C(3000000)

enum request_state {
    REQUEST_IDLE,        /* in no list */
    REQUEST_QUEUED,      /* cluster.control_queue or cluster.data_queue */
    REQUEST_BACKING_OFF, /* cluster.backing_off, by retry_at_us */
    REQUEST_IN_FLIGHT,   /* cluster.attempts, by attempt_deadline_us */
    REQUEST_UNPREPARED,  /* link.unprepared; keeps its place in the link's window */
};

/* Requests for data under way at one node: grows by one for each window of successes, halves at
 * most once per round trip when the node says that it is too much, or answers late (AIMD). */
struct window {
    uint32_t size;
    uint32_t in_flight;
    uint32_t successes; /* since it last grew */
    int64_t shrunk_at_us;
    uint64_t bytes_in_flight; /* bodies of those requests */
    uint64_t bytes_size;      /* with so many no further one is sent; the same law */
    int64_t bytes_shrunk_at_us;
    int64_t best_us; /* the shortest time to an answer since it came up; 0: none yet */
};

/* For a node that has just come up; one that comes back begins with less. */
void window_reset(struct window *window, const struct gateway_config *config, bool comes_back);
/* An answer to an attempt with a body of so many bytes, sent at sent_us. One that comes late is
 * congestion: after 250 ms, twice the best time so far and 1 us a byte. */
void window_succeeded(struct window *window, const struct gateway_config *config, uint32_t bytes,
                      int64_t sent_us, int64_t now_us);
/* The node says that there are too many bytes under way at once. */
void window_too_many_bytes(struct window *window, const struct gateway_config *config,
                           int64_t sent_us, int64_t now_us);
bool window_is_full(const struct window *window);
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

/*
 * A node of the database, or a contact point of which it is not known yet which node it is. Where
 * nodes are discovered, a node takes requests only once it is known who it is: a coordinator of
 * another data centre would take LOCAL_QUORUM for its own.
 */
struct node {
    struct cluster *cluster;
    uint32_t serial; /* from 1; never used again */
    char host[256];
    uint16_t port;
    char name[280];   /* host:port, for people; safe in a log line */
    bool is_contact;  /* named in the configuration: stays as long as the cluster */
    char told_host[64]; /* the address that the cluster knows it by; empty: not discovered */
    uint16_t told_port;
    bool is_retired;  /* left the cluster: freed once its links are closed */
    bool is_asleep;   /* not connected to: another contact point is the same node, or it is remote */
    bool is_known;    /* who it is (the three below) */
    uint8_t host_id[16];
    char data_center[64], rack[64];
    bool is_usable;   /* for requests: known, and of the right data centre */
    bool was_seen;    /* in the view that is being taken over */
    struct window window;
    uint32_t requests; /* in flight or unprepared here, control requests included */
    int64_t heard_us;  /* when bytes came from it last, or it began to owe an answer */
    int64_t looked_us; /* when it was silent and no other node could take over */
    bool is_silent;    /* what it owed went elsewhere, and nothing has come from it since */
    struct link *links[LINKS_PER_NODE_MAX];
    uint32_t link_count, ready_links;
    bool is_warm; /* our statements are prepared there: until then others are preferred */
    bool was_up;
    uint32_t shard_count, ignore_msb; /* Scylla; shard_count 0: no shards */
    uint16_t shard_port;              /* 0: none */
    int64_t shard_port_avoided_until_us;
    bool told_unreachable;
    int64_t logged_at_us; /* when its being unreachable was last told */
};

struct link {
    struct action_source source; /* first */
    struct cluster *cluster;
    struct node *node;
    enum link_state state;
    void *driver;
    struct cql_connection *connection; /* STARTING, READY, CLOSING */
    int32_t shard;        /* of the node, that this connection is on; -1: none */
    int32_t wanted_shard; /* that it was dialled for; -1: any */
    bool rests;           /* it is not to come back by itself */
    struct cluster_request identify;   /* who are you: pinned */
    uint32_t requests;        /* in flight or unprepared here, control requests included */
    uint64_t output_round;    /* counts the times that bytes were handed to the driver */
    struct list preparations; /* struct preparation under way */
    struct list mismatched;   /* struct preparation of statements that have another id here */
    struct list unprepared;   /* struct cluster_request */
    uint32_t failures;        /* in a row; drives the reconnect back-off */
    int64_t reconnect_at_us;
    int64_t connect_deadline_us;
    int64_t ready_since_us;
};

/* A statement that is being prepared on one link, because it was forgotten there. */
struct preparation {
    struct cluster_request request; /* pinned */
    struct link *link;
    struct cluster_statement *statement;
    struct list node;
};

/* What one node was asked about all of them. */
enum topology_step { TOPOLOGY_RESTS, TOPOLOGY_LOCAL, TOPOLOGY_PEERS, TOPOLOGY_KEYSPACE };

struct topology_peer {
    uint8_t host_id[16];
    char host[256]; /* to be dialled */
    uint16_t port;
    char told_host[64];
    uint16_t told_port;
    char data_center[64], rack[64];
    int64_t *tokens;
    size_t token_count;
};

struct topology {
    enum topology_step step;
    struct cluster_request request; /* pinned to the control link */
    int64_t refresh_at_us;          /* NEVER_US: nothing is due */
    uint32_t failures;
    bool no_peers_v2;            /* refused: the older table is asked */
    struct topology_peer *peers; /* of the look under way; the first is the control link's node */
    size_t peer_count, peer_capacity;
    struct ring_replication replication;
};

/* A kind of warning that nodes have given. */
struct warning_seen {
    uint64_t kind;
    int64_t logged_at_us; /* 0: the place is free */
    uint32_t count;       /* since then */
};

struct cluster {
    const struct gateway_config *config;
    const struct alloc *alloc;
    struct action_queue *actions;
    struct random random;
    struct arena arena; /* for one answer at a time */
    struct node **nodes; /* contact points first */
    size_t node_count, node_capacity;
    uint32_t last_serial;
    size_t ready_count;         /* links */
    size_t link_count;          /* of all nodes, open or not */
    size_t usable_count;        /* nodes that are usable and have a ready link */
    size_t next_node;           /* where picking starts, so that equals take turns */
    struct link *control_link;  /* tells the view and the events; the others say the same */
    char home_dc[64];           /* empty: not known yet */
    bool home_is_found;         /* a node was in it */
    int64_t now_us;             /* boot clock, of the entry under way */
    struct topology topology;
    struct ring *ring;          /* NULL: nothing to route by */
    struct node *ring_nodes[CLUSTER_NODES_MAX]; /* of the ring's indices; NULL: gone */
    bool has_tablets; /* a node has told that it knows them */
    struct tablets tablets;
    size_t tablets_wanted; /* tables that are to be asked about, more or less */
    bool tablets_unreadable;
    uint8_t tablets_asked[16];
    struct cluster_request tablets_question; /* pinned */
    struct list control_queue;
    struct list data_queue;
    struct list backing_off;
    struct list attempts;
    struct list timed;      /* every request with a deadline, by deadline_us */
    struct list unanswered; /* requests in flight that may get a copy, by copy_at_us */
    struct list copies;     /* struct copy, those that are left behind included */
    uint32_t copies_under_way; /* whose originals are not done */
    struct list statements; /* struct statement, in the order of first use */
    struct list waiters;    /* of statements, by deadline */
    struct list calls;
    struct cluster_facts facts;
    struct warning_seen warnings[WARNINGS_KEPT];
    bool room_appeared; /* since room_hook was last called */
    cluster_schema_changed schema_hook;
    void *schema_context;
    void (*room_hook)(void *context, struct moment now);
    void *room_context;
};

/* cluster.c */
/* The end of every entry from outside: queued requests go out, the room hook is called. */
void cluster_settle(struct cluster *cluster, struct moment now);

/* topology.c */
void topology_init(struct topology *topology);
void topology_deinit(struct cluster *cluster);
/* The first to be ready becomes the control link; others say who they are if it is not known. */
void topology_link_ready(struct link *link, struct moment now);
void topology_link_lost(struct link *link, struct moment now);
void topology_pushed(struct cluster *cluster, const struct cql_push *push, struct moment now);
int64_t topology_deadline_us(const struct cluster *cluster);
void topology_tick(struct cluster *cluster, struct moment now);

/* topology_read.c */
struct topology_peer *topology_peer_add(struct cluster *cluster);
void topology_forget_peers(struct cluster *cluster);
/* system.local, of which `node` is the answerer. false: it does not say who it is. */
bool topology_read_local(struct cluster *cluster, const struct node *node, struct slice body,
                         struct topology_peer *peer);
/* All of system.peers or peers_v2. NOMEM, MALFORMED ... */
MUST_CHECK int topology_read_peers(struct cluster *cluster, struct slice body, uint16_t port);
MUST_CHECK int topology_read_keyspace(struct cluster *cluster, struct slice body);

/* node.c */
/* NULL: out of memory or CLUSTER_NODES_MAX. */
struct node *node_new(struct cluster *cluster, const char *host, uint16_t port, bool is_contact);
void node_free(struct node *node); /* and its links */
void node_set_address(struct node *node, const char *host, uint16_t port);
struct node *node_by_host_id(const struct cluster *cluster, const uint8_t host_id[16]);
/* Who it is; decides whether it is usable. */
void node_identify(struct node *node, const uint8_t host_id[16], const char *data_center,
                   const char *rack, struct moment now);
void node_decide_usable(struct node *node);
/* Opens the links that it should have and does not. */
void node_connect(struct node *node, struct moment now);
/* Until so many are open or will be, as far as limits allow. */
void node_open_links(struct node *node, uint32_t wanted, struct moment now);
/* Closes its links; those are freed when the sockets are gone. */
void node_disconnect(struct node *node, const char *reason, struct moment now);
void node_link_ready(struct link *link, struct moment now);
bool node_is_ready(const struct node *node); /* usable, and has a ready link */
bool node_is_home(const struct node *node); /* or there is no home yet */
bool node_is_slow(const struct node *node); /* silent, or about to be */
/* When its silence is to be looked at; NEVER_US: it owes nothing, or is known to be silent. */
int64_t node_silence_deadline_us(const struct node *node);
/* The ready link for a token: its shard's, or the least used. */
struct link *node_link(const struct node *node, const struct cluster_request *request);
/* Frees what is retired and closed. From outside of all loops over nodes and links. */
void node_reap(struct cluster *cluster);

/* link.c */
/* NULL: out of memory. It opens at the next tick from open_at_us on. */
struct link *link_new(struct node *node, int64_t open_at_us);
void link_free(struct link *link);
/* Lets go of it; WAITING when there is no socket, else CLOSING. */
void link_shut(struct link *link, const char *reason, struct moment now);
/* The same, and it comes back after its back-off. */
void link_shut_for_now(struct link *link, const char *reason, struct moment now);
/* Asks this very node; `done` as ever. NOMEM, BUSY, CLOSED. */
MUST_CHECK int link_ask(struct link *link, struct cluster_request *request, const char *text,
                        cluster_done done, void *context, int64_t timeout_us, struct moment now);
int64_t link_deadline_us(const struct link *link);
void link_tick(struct link *link, struct moment now);
void link_wants_write(struct link *link); /* if it has output */

/* shards.c */
/* Decides which shard a link that is about to be opened is for, and the ports. */
void shards_dial(struct link *link, struct moment now);
/* It did not become ready. */
void shards_dial_failed(struct link *link, struct moment now);
/* It did: on which shard? */
void shards_link_ready(struct link *link, struct moment now);
/* When all links of the pool are ready: are all shards covered? Opens spares, or closes them. */
void shards_spread(struct node *node, uint32_t wanted, struct moment now);

/* tablet_routing.c */
void tablets_link_ready(struct link *link);
/* True: the request's table has tablets, and the ring does not count. *tablet NULL: not known. */
bool tablets_route(const struct cluster *cluster, const struct cluster_request *request,
                   const struct tablet **tablet);
struct node *tablet_node(const struct cluster *cluster, const struct tablet *tablet,
                         size_t replica); /* NULL: not one of ours */
int32_t tablet_shard(const struct node *node, const struct tablet *tablet); /* -1: none there */
/* A request for the table is about to be routed: it is looked at whether the table is known. */
void tablets_used(struct cluster *cluster, const uint8_t table_id[16]);
/* A custom payload came with the answer to `request`. */
void tablets_taught(struct cluster *cluster, const struct cluster_request *request,
                    struct slice payload);
void tablets_bind(struct cluster *cluster); /* nodes came, went or became known */
void tablets_all_stale(struct cluster *cluster);
void tablets_node_left(struct cluster *cluster, const struct node *node);
int64_t tablets_deadline_us(const struct cluster *cluster);
void tablets_tick(struct cluster *cluster, struct moment now);

/* translate.c */
/* NULL: what is told is dialled. */
const struct address_translation *translation_of(const struct gateway_config *config,
                                                 const char *host, uint16_t port);
/* Another port of a node. False: it cannot be reached at the node's dialled host. */
bool translation_of_port(const struct node *node, uint16_t port, uint16_t *dialled);

/* routing.c */
/* Is a node ready that is not known to have other ids for the request's statements? */
bool cluster_has_fit(const struct cluster *cluster, const struct cluster_request *request);
struct link *cluster_pick(struct cluster *cluster, const struct cluster_request *request);
void cluster_dispatch(struct cluster *cluster, struct moment now);
/* Only one that answers well, and not request->avoid; NULL: none has room. */
struct link *cluster_pick_well(struct cluster *cluster, const struct cluster_request *request);

/* request.c */
/* Of a zeroed one that does not go through cluster_send. */
void request_init_lists(struct cluster_request *request);
void request_insert_timed(struct cluster *cluster, struct cluster_request *request);
void request_enqueue(struct cluster *cluster, struct cluster_request *request);
/* Hands it to the link. NOMEM, BUSY, CLOSED: the request is IDLE and its place is free again. */
MUST_CHECK int request_transmit(struct cluster *cluster, struct link *link,
                                struct cluster_request *request, struct moment now);
/* When the attempt under way was handed over. */
static inline int64_t request_sent_us(const struct cluster *cluster,
                                      const struct cluster_request *request)
{
    return request->attempt_deadline_us - cluster->config->request_timeout_us;
}
/* The same, for a request that was UNPREPARED on this link; its failures are handled. */
void request_resend(struct cluster *cluster, struct cluster_request *request, struct moment now);
/* An ERROR that says nothing was done, or the attempt's outcome is unknown (then touched is set
 * before). */
void request_retry(struct cluster *cluster, struct cluster_request *request, bool soon,
                   const struct cql_error *error, struct moment now);
/* The node that it was at has other ids for its statements: nothing was done, and it goes to one
 * that is not known to. Without any it is refused. */
void request_run_elsewhere(struct cluster *cluster, struct cluster_request *request,
                           struct moment now);
/* A definite refusal; while its copy is under way it is tried again instead. */
void request_refuse(struct cluster *cluster, struct cluster_request *request,
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

/* speculation.c */
/* It has just been sent: a copy of it may be due if no answer comes. */
void speculation_watch(struct cluster *cluster, struct cluster_request *request,
                       struct moment now);
/* Nobody waits for its answer. */
bool speculation_is_left_behind(const struct cluster_request *request);
/* The original is over, whatever its copy does (then it is touched). */
void speculation_let_go(struct cluster_request *original);
int64_t speculation_deadline_us(const struct cluster *cluster);
void speculation_tick(struct cluster *cluster, struct moment now);
void speculation_free_all(struct cluster *cluster);

/* retry.c */
enum verdict {
    VERDICT_REFUSED,    /* definite: nothing was done, and nothing would be next time */
    VERDICT_UNPREPARED, /* nothing was done; prepare and send again */
    VERDICT_NOT_DONE,   /* nothing was done; try again */
    VERDICT_UNKNOWN,    /* it may be done, or may be yet */
};
enum verdict error_verdict(const struct cql_error *error, bool conditional);
/* At the door, which is told apart from other overload. */
bool error_is_too_many_bytes(const struct cql_error *error);
bool error_is_congestion(const struct cql_error *error);
int64_t retry_delay_us(struct random *random, uint32_t failures);

/* preparation.c */
/* `link` answered `request` with UNPREPARED. Refused with that code: no node knows the id. */
void preparation_require(struct cluster *cluster, struct link *link,
                         struct cluster_request *request, const struct cql_error *error,
                         struct moment now);
/* The link is gone: those that wait there go elsewhere, marks are dropped. */
void preparation_link_lost(struct link *link, struct moment now);
void preparation_deinit(struct link *link);
/* Which nodes had another id than the one that the statement had. */
void preparation_forget(struct cluster *cluster, const struct cluster_statement *statement);
/* The node is up: the statements that are in use are prepared there before others are sent to it. */
void preparation_warm_up(struct link *link, struct moment now);

/* statement.c */
struct cluster_statement *statement_by_id(struct cluster *cluster, struct slice id);
/* The id in the answer to a PREPARE. MALFORMED, NOMEM ...; `id` lasts until the arena is used
 * again. */
MUST_CHECK int statement_parse_id(struct cluster *cluster, struct slice body, struct slice *id);
bool statement_is_in_use(const struct cluster_statement *statement);
struct cql_body *statement_body(struct cluster *cluster, const char *text);
int64_t statement_deadline_us(const struct cluster *cluster);
void statement_tick(struct cluster *cluster, struct moment now);
void statement_free_all(struct cluster *cluster);

/* notice.c */
/* The answer to `request`, which is not finished yet. */
void notice_response(const struct link *link, const struct cql_event *event,
                     const struct cluster_request *request, struct moment now);

/* call.c */
void call_free_all(struct cluster *cluster);

#endif
