/* Shared by producer.c (life, batches, sending), producer_link.c (connections) and
 * producer_answer.c (what an answer means to the client). */
#ifndef TESTS_SIM_PRODUCER_INTERNAL_H
#define TESTS_SIM_PRODUCER_INTERNAL_H

#include "kafka/metadata.h"
#include "kafka/produce.h"
#include "tests/sim/producer.h"
#include "tests/sim/world.h"
#include "tests/support/batch_builder.h"

enum { LANES_MAX = 3 };

/* A batch from its making to its end. */
struct pending {
    struct list node; /* lane.batches, by first record */
    uint32_t first_record;
    int32_t count;
    bool has_sequence;
    int64_t producer_id;
    int16_t epoch;
    int32_t sequence;
    bool in_flight;
    bool is_rewritten; /* the sequence changed since it was first sent (Java) */
    bool poison;
    uint32_t tries;
    int64_t made_us, not_before_us;
    struct claim *plain; /* without producer id: of the attempt under way */
};

/* What goes to one partition. */
struct lane {
    struct stream *stream;
    int32_t partition;
    struct list batches;
    uint32_t batch_count, in_flight;
    int64_t producer_id;
    int16_t epoch;
    int32_t next_sequence;
    int32_t last_acked; /* sequence, -1: none (Java) */
    bool is_unresolved; /* a batch with a sequence was given up (Java) */
    int leader;         /* gateway; -1: not known */
};

struct producer_link {
    struct producer *producer;
    unsigned gateway;
    struct network_end *end; /* NULL: none */
    bool is_open;
    struct talk *talk;
    struct buf input;
    int64_t retry_us;
    struct in_flight {
        struct pending *batches[REQUEST_ATTEMPTS_MAX];
        struct lane *lanes[REQUEST_ATTEMPTS_MAX];
    } flights[TALK_REQUESTS_MAX]; /* by request, as in talk.requests */
};

struct producer {
    struct world *world;
    unsigned index;
    uint64_t life;
    enum producer_kind kind;
    bool idempotent;
    uint32_t in_flight_max;
    int64_t request_timeout_us, delivery_timeout_us;
    int32_t timeout_ms;
    int16_t acks, produce_version;
    uint32_t backlog_max;
    /* its identity */
    bool has_id;
    int64_t producer_id;
    int16_t epoch;
    bool drains; /* librdkafka: sends nothing until all is answered, then a new epoch */
    bool asks_id, asks_metadata, metadata_is_old;
    int64_t ask_again_us;
    unsigned ask_gateway;
    struct lane lanes[LANES_MAX];
    uint32_t lane_count;
    struct producer_link links[GATEWAYS_MAX];
    struct sim_event *wake;
    int64_t wake_us, sleep_until_us, next_batch_us;
    uint64_t made, steps; /* batches, wake-ups */
    bool is_finishing, is_closed;
    struct batch_builder builder;
    struct arena arena;
};

/* producer.c */
void producer_wake_at(struct producer *producer, int64_t at_us);
/* producer_link.c */
void channel_drop(struct producer_link *link); /* its requests have failed */
bool channel_use(struct producer_link *link);  /* opens it; true: it can take a request now */
uint32_t channel_in_flight(const struct producer_link *link);
struct request *channel_send(struct producer_link *link, int16_t api, int16_t version,
                          const void *body);
/* producer_answer.c */
void batch_failed(struct producer *producer, struct lane *lane, struct pending *batch,
                  int16_t code);
void batch_done(struct producer *producer, struct lane *lane, struct pending *batch,
                const struct claim *claim);
void batch_given_up(struct producer *producer, struct lane *lane, struct pending *batch);
void producer_settle(struct producer *producer); /* epochs that wait for something */
bool batch_is_oldest(const struct lane *lane, const struct pending *batch);

#define CODE_CONNECTION (-1000) /* no answer: the connection is gone */

#endif
