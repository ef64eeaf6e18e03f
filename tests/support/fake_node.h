/*
 * CQL nodes in this process, and the wires to them, in virtual time: the cluster (or a whole
 * gateway) under test is driven through its actions and never notices that there is no socket.
 *
 *      struct fake_net net;
 *      fake_net_init(&net, actions);
 *      net.core = (struct fake_core){.context = cluster, .deadline_us = ..., .tick = ...};
 *      struct fake_node *node = fake_net_add(&net, "a", 9042);
 *      fake_node_answer(node, CQL_BATCH, (struct fake_answer){.error = CQL_ERROR_OVERLOADED});
 *      fake_net_run(&net, 1000000);     one second
 *
 * Nodes answer OPTIONS, STARTUP, REGISTER and PREPARE as Cassandra does, everything else with Void;
 * a statement id that was not prepared there gets UNPREPARED. Scripted answers and a handler come
 * first. Out of memory ends the process, so callers check nothing.
 */
#ifndef TESTS_SUPPORT_FAKE_NODE_H
#define TESTS_SUPPORT_FAKE_NODE_H

#include "core/cluster/cluster.h"
#include "core/action.h"
#include "cql/connection.h"

#define FAKE_ANSWER_DELAY_US INT64_C(1000)

struct fake_node;
struct fake_net;

/* A frame that a node received. */
struct fake_request {
    uint8_t opcode;
    uint8_t flags; /* of the header */
    int32_t shard; /* of the connection; -1: the node has none */
    int16_t stream;
    struct slice body; /* in the log: lives as long as the node */
    int64_t at_us;
};

struct fake_answer {
    int32_t error;       /* enum cql_error_code; 0 and no `server_error`: no error */
    bool server_error;   /* code 0x0000 */
    const char *message; /* of the error; NULL: "as scripted" */
    uint16_t consistency;
    const char *write_type; /* NULL: "SIMPLE" */
    uint8_t opcode;         /* not 0: this opcode with `body` instead */
    uint8_t flags;          /* of the header, with `opcode`: what they stand for is in `body` */
    struct slice body;      /* must last until it is answered */
    int64_t delay_us;       /* 0: FAKE_ANSWER_DELAY_US */
    unsigned copies;        /* 0: one */
    int16_t stream_shift;   /* the answer comes on another stream */
    struct slice raw;       /* data not NULL: these bytes instead of a frame */
    bool silence;           /* no answer at all */
    bool close;             /* the node closes the connection instead */
    bool by_default;        /* what the node would have said */
};

/* Fills the answer for a request; it comes with by_default set. */
typedef void (*fake_handler)(void *context, struct fake_node *node,
                             const struct fake_request *request, struct fake_answer *answer);

struct fake_node {
    /* set these at any time */
    bool refuses;          /* connections: "connection refused" */
    bool mute;             /* takes connections and bytes, answers nothing */
    bool unreadable;       /* takes no bytes: the socket's buffer is full */
    bool never_opens;      /* a connection attempt that hangs */
    const char *password;  /* not NULL: asks for it (any user) */
    const char *supported; /* one more key in SUPPORTED, e.g. "SCYLLA_NR_SHARDS" */
    /* ScyllaDB: 0 is an ordinary node. A connection's shard is its local port modulo `shards` where
     * it was dialled from a certain one and `is_shard_port`, else the next in turn. */
    uint16_t shards, next_shard;
    uint16_t tells_shard_port; /* SCYLLA_SHARD_AWARE_PORT; is to be added as a node of its own */
    bool is_shard_port;
    uint16_t nat_shift;   /* on the way the local port is raised by so much */
    uint16_t ports_taken; /* so many local ports are in use before one is free */
    uint16_t last_local_port;
    uint16_t shard_shift; /* added to the shard that is told */
    bool tells_tablets;   /* TABLETS_ROUTING_V1 */
    uint64_t id_salt;      /* statement ids depend on it */
    bool forgetful;        /* PREPARE is answered and forgotten at once */
    fake_handler handler;
    void *context;
    /* read these */
    struct fake_request *log; /* since the last fake_node_clear_log, without OPTIONS ... REGISTER */
    size_t log_count;
    unsigned connects; /* attempts */
    int64_t last_connect_us;
    unsigned open_count; /* connections now */
    /* its own */
    struct fake_net *net;
    const char *host;
    uint16_t port;
    struct list answers[32]; /* struct scripted, by opcode */
    uint8_t (*prepared)[16];
    size_t prepared_count;
    struct list node;
};

/* What is driven. */
struct fake_core {
    void *context;
    int64_t (*deadline_us)(void *context);
    void (*tick)(void *context, struct moment now);
    void (*turn)(void *context, struct moment now); /* NULL: none */
    void (*action)(void *context, const struct action *action,
                   struct moment now); /* NULL: dropped; not LINK_*, not LOG */
};

struct fake_net {
    struct moment now; /* set it before anything starts; starts at 1,000 s and in 2025 */
    struct fake_core core;
    size_t chunk_bytes; /* deliver so many bytes at a time; 0: all */
    bool print_log;
    struct action_queue *actions;
    struct list nodes;
    struct list sockets;
    struct list flying; /* bytes on their way to us, by time */
    struct buf log;     /* every log line, with "\n" */
};

void fake_net_init(struct fake_net *net, struct action_queue *actions);
void fake_net_deinit(struct fake_net *net); /* the nodes too; the core should be gone */
/* `host` must last as long as the net. */
struct fake_node *fake_net_add(struct fake_net *net, const char *host, uint16_t port);
/* Lets the time pass, event by event. */
void fake_net_run(struct fake_net *net, int64_t us);
/* Actions only, no time. */
void fake_net_pump(struct fake_net *net);
/* How many log lines contain `text`. */
unsigned fake_net_logged(const struct fake_net *net, const char *text);

/* The next request with this opcode is answered so; several are queued. */
void fake_node_answer(struct fake_node *node, uint8_t opcode, struct fake_answer answer);
void fake_node_answer_times(struct fake_node *node, uint8_t opcode, unsigned times,
                            struct fake_answer answer);
/* Closes all connections: "connection reset". */
void fake_node_reset(struct fake_node *node);
/* refuses and resets, or takes connections again. */
void fake_node_set_down(struct fake_node *node, bool down);
/* Forgets all prepared statements. */
void fake_node_forget(struct fake_node *node);
/* It forgets all statements and makes other ids from now on, as after an upgrade. */
void fake_node_change_ids(struct fake_node *node);
/* An EVENT on all its connections. */
void fake_node_push(struct fake_node *node, struct cql_push *push);
unsigned fake_node_count(const struct fake_node *node, uint8_t opcode); /* in the log */
void fake_node_clear_log(struct fake_node *node);
/* The id that a node gives to a statement. */
void fake_statement_id(const char *text, size_t len, uint64_t salt, uint8_t id[16]);

#endif
