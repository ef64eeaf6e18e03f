/* What the files of the gateway share: the gateway itself and a client. Nothing outside
 * core/gateway*.c, client.c, partition.c, produce.c, recovery.c, metadata.c and handlers.c looks in
 * here. */
#ifndef PROXY_CORE_GATEWAY_INTERNAL_H
#define PROXY_CORE_GATEWAY_INTERNAL_H

#include "core/control/control.h"
#include "core/control/topic.h"
#include "core/engine/produce.h"
#include "core/gateway.h"
#include "core/pool.h"
#include "kafka/compression.h"
#include "kafka/connection.h"

#define BODY_POOL_MAX       64           /* CQL bodies kept for reuse */
#define BODY_POOL_MAX_BYTES (512 * 1024) /* larger ones are given back */
#define LOADS_AT_ONCE       16           /* partitions; more only make lease renewals wait */
#define HOUSEKEEPING_US     (100 * 1000) /* deadlines are looked at so often */

struct gateway {
    const struct gateway_config *config;
    struct action_queue *actions;
    struct cluster *cluster;
    struct control *control;
    struct topics topics;
    bool ready;
    bool draining;
    bool drained;
    bool releasing;
    bool topics_changed; /* Metadata that waits is worth another look */
    int64_t drain_deadline_us;
    int64_t next_housekeeping_us;
    int64_t last_timestamp_us; /* the member's own strictly increasing clock */

    struct list clients;
    size_t client_count;
    struct list dirty_clients; /* have output to announce */
    struct list parked;        /* clients whose Produce waits in place */
    struct list produces;      /* every Produce under way */
    struct list waits;         /* Metadata requests that wait for a creation */
    struct list creations;     /* topics being created, and those that could not be */
    struct list admin_calls;   /* requests of tools that wait, or whose items do */
    uint32_t creating_topics;  /* that tools have asked for */
    int64_t creating_partitions;
    struct list ready_partitions;
    struct list blocked_partitions;
    struct list load_queue; /* partitions that are wanted and wait for their turn */
    struct list loads;      /* partitions being loaded, oldest first; not those that take long */
    uint32_t loading;       /* their number, LOADS_AT_ONCE at most */
    struct pool batches;
    struct pool mutations;
    struct cql_body *bodies[BODY_POOL_MAX];
    size_t body_count;
    size_t mutation_bytes; /* charged */
    int64_t newest_durable_sent_us; /* of all mutations that became durable, when the last was sent */
    size_t client_bytes;   /* held by clients' connections, as of their last announcement */

    struct arena arena; /* one response, or one result */
    struct buf scratch; /* decompressed records of the batch at hand */
    struct kafka_decompressor *decompressor;
    int64_t auto_create_window_us; /* the second in which auto_created topics were counted */
    uint32_t auto_created;
    int64_t max_topics_told_us; /* last asked for a topic too many */
    int64_t creation_rate_told_us; /* the same of topics too many in a second */
    struct gateway_counts counts;
};

struct client {
    struct action_source actions; /* first: action.h */
    struct list node;
    struct list dirty_node;
    struct list parked_node;
    struct gateway *gateway;
    struct kafka_connection *connection;
    struct client_address address;
    void *driver;
    bool closing;     /* nothing more is read; closed when the output is sent */
    bool close_asked; /* ACTION_CLIENT_CLOSE is queued or done */
    bool half_closed;
    bool reading;             /* what the driver was told last */
    int64_t reading_since_us; /* when that was */
    bool understood;          /* its first request has been understood */
    uint32_t waiting;         /* requests of it that are not answered yet */
    size_t held_bytes;        /* its share of gateway.client_bytes */
    int64_t opened_us;
    int64_t last_byte_us;
    struct kafka_event parked_event; /* valid while parked: the frame stays in the connection */
    int64_t parked_since_us;
    struct produce *parked_produce;  /* NULL: the gateway was not ready when it came */
    bool parked;
};

/* client.c */
void client_mark_dirty(struct client *client);
void client_fail(struct client *client, const char *why, const char *detail, struct moment now);
void client_park(struct client *client, const struct kafka_event *event, struct produce *produce);
void client_unpark(struct client *client, struct moment now);
void client_pump(struct client *client, struct moment now);
void client_respond(struct client *client, uint64_t request_id, const void *body,
                    struct moment now);
/* What clients are told to dial: as configured, or what this one dialled. */
struct slice client_dialled_host(const struct client *client);
uint16_t client_dialled_port(const struct client *client);
void client_check_limits(struct client *client, struct moment now);

/* handlers.c, metadata.c */
void handle_request(struct client *client, const struct kafka_event *event, struct moment now);
/* Until when a request may be parked. */
int64_t request_deadline_us(const struct kafka_event *event);
void handle_metadata(struct client *client, const struct kafka_event *event, struct moment now);
void metadata_waits_tick(struct gateway *gateway, struct moment now);
void metadata_waits_forget(struct client *client);
void metadata_waits_free(struct gateway *gateway);

/* gateway.c */
int64_t gateway_timestamp(struct gateway *gateway,
                          struct moment now);              /* 0: the ceiling is reached */
void gateway_partition_ready(struct partition *partition); /* flush it at the end of the turn */
bool gateway_over_budget(const struct gateway *gateway);
struct cql_body *gateway_body_get(struct gateway *gateway);
void gateway_body_put(struct gateway *gateway, struct cql_body *body);
/* Under a valid lease, and nobody else has led it since it was loaded. */
bool gateway_leads(const struct partition *partition, struct moment now);
bool gateway_leads_soon(const struct partition *partition, struct moment now);
/* Leaves topics.max_partitions_total room for `more`, beside all that tools have asked for? */
static inline bool gateway_has_room_for(const struct gateway *gateway, int64_t more)
{
    return gateway->topics.partition_count + gateway->creating_partitions + more <=
           (int64_t)gateway->config->max_partitions_total;
}

#endif
