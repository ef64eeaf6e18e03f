/*
 * One Produce request on its way: an entry per partition, each resolved on its own; the response
 * leaves when all are. It outlives its client (what was admitted is finished) but not its last
 * entry.
 */
#ifndef PROXY_CORE_PRODUCE_H
#define PROXY_CORE_PRODUCE_H

#include "core/moment.h"
#include "kafka/connection.h"
#include "kafka/produce.h"
#include "kafka/record_batch.h"
#include "proto/list.h"

struct batch;
struct client;
struct gateway;
struct partition;
struct produce;

struct produce_entry {
    struct list node; /* batch.waiters while it waits */
    struct produce *produce;
    struct partition *partition; /* NULL: the topic or partition is not known */
    struct batch *batch;         /* it waits for this one */
    int32_t index;
    int16_t error_code;
    bool resolved;
    bool topic_known;
    int32_t record_index; /* of the refused record, -1: none */
    int64_t base_offset;
    int64_t log_append_time_ms; /* -1: the topic keeps what the producer said */
    const char *message; /* static text or NULL */
};

struct produce_topic {
    struct slice name; /* copied */
    uint8_t topic_id[16];
    int32_t first_entry;
    int32_t entry_count;
};

struct produce {
    struct list node; /* gateway.produces */
    struct gateway *gateway;
    struct client *client; /* NULL: gone, or not to be answered any more */
    uint64_t request_id;
    int16_t version;
    int16_t acks;
    bool is_transactional; /* it carries a transactional batch: all of it is refused */
    bool ends_connection;  /* after its answer; see refuse_entry */
    int64_t deadline_us;
    int32_t unresolved;
    int32_t
        next_entry; /* the first that partition_append has not seen: the client is parked on it */
    size_t bytes;
    struct produce_topic *topics;
    int32_t topic_count;
    struct produce_entry *entries;
    int32_t entry_count;
};

/* Starts (or, parked, goes on with) the client's request. False: it is parked now. */
bool produce_start(struct client *client, const struct kafka_event *event, struct moment now);
bool produce_resume(struct produce *produce, const struct kafka_produce_request *request,
                    struct moment now);
/* The client's request can wait no longer: whatever was not appended is refused. */
void produce_refuse_rest(struct produce *produce, const struct kafka_produce_request *request,
                         int16_t code, struct moment now);
/* Until when the client of this Produce listens, less a fifth. */
int64_t produce_deadline_us(const struct kafka_event *event);
/* The entry has its result: error 0 with a base offset, or a code. May answer the request and free
 * `produce`. */
void produce_resolve(struct produce_entry *entry, int16_t error_code, int64_t base_offset,
                     struct moment now);
void produce_refuse(struct produce_entry *entry, const struct kafka_refusal *refusal,
                    struct moment now);
/* Past its deadline: entries that wait are answered (7), their batches go on without them. */
void produce_expire(struct produce *produce, struct moment now);
/* Every entry is resolved: answers and frees. Called by produce_resolve. */
void produce_finish(struct produce *produce, struct moment now);
/* The client is gone: nobody is to be answered. */
void produce_orphan(struct produce *produce);

#endif
