/*
 * A Kafka connection as both sides know it: what was asked in which order. What the gateway hands
 * to its socket is held against that at once (one answer to each request, in order: I8), and goes
 * to the ledger whether or not it ever arrives.
 */
#ifndef TESTS_SIM_TALK_H
#define TESTS_SIM_TALK_H

#include "kafka/api.h"
#include "proto/arena.h"
#include "proto/buf.h"
#include "tests/sim/ledger.h"

#define REQUEST_ATTEMPTS_MAX 4

struct request {
    int32_t correlation_id;
    int16_t api_key, version;
    int64_t sent_us;
    struct attempt *attempts[REQUEST_ATTEMPTS_MAX]; /* Produce: one for each partition */
    int32_t attempt_count;
};

#define TALK_REQUESTS_MAX 32

struct talk {
    unsigned references;
    uint64_t serial; /* from 1 */
    bool is_foreign; /* the ledger has nothing to do with it */
    bool is_left;    /* by the client: nobody hears what is answered */
    struct world *world;
    struct request requests[TALK_REQUESTS_MAX]; /* a ring */
    uint64_t asked, answered, received;         /* by the producer, the gateway, the producer */
    struct buf output;                          /* of the gateway, not a whole answer yet */
    struct arena arena;
};

struct talk *talk_new(struct world *world);
struct talk *talk_ref(struct talk *talk);
void talk_unref(struct talk *talk);
/* The place for the next request; NULL: too many are under way. */
struct request *talk_ask(struct talk *talk);
void talk_emitted(struct talk *talk, const struct process *process, struct slice bytes);
/* The request that the next answer belongs to. The gateway has answered it before. */
struct request *talk_receive(struct talk *talk);

/* A CQL connection: a stream id has one request at a time (I9). */
struct cql_tap {
    struct cql_tap_side {
        uint8_t head[9];
        size_t have;
        uint32_t skip;
        bool is_lost; /* no frames any more */
    } out, in;
    uint8_t live[32768 / 8];
};
void cql_tap_sent(struct cql_tap *tap, struct world *world, struct slice bytes);
void cql_tap_received(struct cql_tap *tap, struct slice bytes);

#endif
