/*
 * What the core asks its driver to do. Actions are queued while events are handled and pulled
 * afterwards, so the driver is never entered again from inside the core.
 */
#ifndef PROXY_CORE_ACTION_H
#define PROXY_CORE_ACTION_H

#include "proto/alloc.h"
#include "proto/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client; /* a producer's connection (core/gateway.h) */
struct link;   /* a connection to a CQL node (core/cluster.h) */

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

enum action_kind {
    ACTION_CLIENT_WRITE, /* the client has output: client_output, client_sent */
    ACTION_CLIENT_READ,  /* read from it (on) or stop reading (off) */
    ACTION_CLIENT_CLOSE, /* send what is left, then close; client_closed when the socket is gone */
    ACTION_LINK_OPEN,    /* resolve and connect to host:port, then link_connected or link_closed */
    ACTION_LINK_WRITE,   /* the link has output: link_output, link_sent */
    ACTION_LINK_CLOSE,   /* close at once; link_closed when the socket is gone */
    ACTION_LOG,          /* one line: level, text "msg key=value ..." in logfmt, already escaped */
    ACTION_READY,        /* serves from now on (once) */
    ACTION_FATAL,        /* cannot go on: text, exit_code */
    ACTION_DRAINED,      /* after gateway_drain: nothing is left to do */
};

struct action {
    enum action_kind kind;
    struct client *client;
    struct link *link;
    const char *host; /* LINK_OPEN; lives as long as the link */
    uint16_t port;
    uint16_t local_port;      /* LINK_OPEN: connect from it, or from one that is a multiple of
                                 local_port_step away, 49152 or above; 0: any */
    uint16_t local_port_step;
    bool on;
    enum log_level level;
    int exit_code;
    const char *text; /* valid until the next action is pulled */
};

/*
 * Place in the queue for the actions of one client or link, so that queueing them needs no memory.
 * It is the FIRST member of struct client and struct link, zeroed at first; nobody else touches it.
 */
struct action_source {
    struct action_slot {
        struct list node; /* next NULL or itself: not queued */
        enum action_kind kind;
        struct action_source *source;
    } slots[3];
    bool on;          /* CLIENT_READ: what was asked for last */
    const char *host; /* LINK_OPEN */
    uint16_t port;
    uint16_t local_port, local_port_step;
};

struct action_queue;

struct action_queue *action_queue_new(const struct alloc *alloc);
void action_queue_free(struct action_queue *queue);
/* The next action in order; false when there is none. */
bool action_next(struct action_queue *queue, struct action *action);

/* For the core. Out of memory drops a log line and nothing else: the others have storage of their
 * own (a client and a link are queued at most once per kind). */
void action_client(struct action_queue *queue, enum action_kind kind, struct client *client,
                   bool on);
void action_link(struct action_queue *queue, enum action_kind kind, struct link *link);
void action_forget_client(struct action_queue *queue,
                          struct client *client); /* it is being freed */
void action_forget_link(struct action_queue *queue, struct link *link);
void action_simple(struct action_queue *queue, enum action_kind kind);
void action_fatal(struct action_queue *queue, int exit_code, const char *text);
/* `event` is a short fixed text; the format gives the key=value pairs. Values of peers go through
 * log_quote. */
__attribute__((format(printf, 4, 5))) void action_log(struct action_queue *queue,
                                                      enum log_level level, const char *event,
                                                      const char *format, ...);
/* Text of a peer made safe for a log line: escaped, cut at 128 bytes, in quotes if needed. Returns
 * `to`. */
const char *log_quote(char *to, size_t to_bytes, const void *text, size_t len);
#define LOG_QUOTED_BYTES 544

#endif
