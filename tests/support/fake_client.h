/*
 * A producer's connection without a socket: requests in, responses out, as whole messages. The
 * bytes go through the gateway's own Kafka connection. Out of memory ends the process.
 */
#ifndef TESTS_SUPPORT_FAKE_CLIENT_H
#define TESTS_SUPPORT_FAKE_CLIENT_H

#include "core/gateway.h"
#include "kafka/api.h"
#include "kafka/metadata.h"
#include "kafka/produce.h"
#include "tests/support/fake_node.h"

struct fake_client {
    /* set these at any time */
    size_t chunk_bytes; /* hand over so many bytes at a time; 0: as many as are taken */
    bool is_slow;       /* takes no output */
    /* read these */
    struct client *client; /* NULL: closed */
    bool closed_by_gateway;
    bool reading; /* the gateway wants bytes */
    int32_t sent; /* requests; correlation ids are 1, 2, 3 ... */
    int32_t answered;
    struct buf output; /* what the gateway sent and fake_client_next has not taken */
    /* its own */
    struct gateway *gateway;
    struct fake_net *net;
    bool is_feeding;
    struct buf input; /* what the gateway has not taken */
    struct arena arena;
    struct {
        int16_t api_key, version;
        bool unanswered;
    } requests[4096]; /* by correlation id */
};

/* Refused by the gateway: client NULL. */
void fake_client_open(struct fake_client *fake, struct gateway *gateway, struct fake_net *net);
/* The peer goes away, whatever is under way. */
void fake_client_deinit(struct fake_client *fake);
void fake_client_half_close(struct fake_client *fake);
/* Closes its side for good, as the socket would: what the gateway still says is lost. */
void fake_client_close(struct fake_client *fake);

/* `body` is the request struct of the API. Returns the correlation id. */
int32_t fake_client_send(struct fake_client *fake, int16_t api_key, int16_t version,
                         const void *body);
/* Bytes as they are; for broken ones, and for recorded sessions. */
void fake_client_send_bytes(struct fake_client *fake, struct slice bytes);
/* Encodes like _send, but into `out`. */
void fake_client_encode(struct buf *out, int16_t api_key, int16_t version, int32_t correlation_id,
                        const void *body);
/* The next response, into the response struct of its API; false: there is none. It must belong to
 * the oldest request without one. Slices last until the next call. */
bool fake_client_next(struct fake_client *fake, void *body);

/* One partition of one topic, acks=all, 30 s, version 9 (10 and more: as given). */
struct fake_produce {
    const char *topic;
    int32_t partition;
    struct slice records;
    int16_t acks;       /* 0: all; FAKE_ACKS_NONE: 0 */
    int32_t timeout_ms; /* 0: 30 s */
};
#define FAKE_ACKS_NONE 7
int32_t fake_client_produce(struct fake_client *fake, const struct fake_produce *produce);
/* A copy of the next response's first partition; false: there is none. Slices as above. */
bool fake_client_produced(struct fake_client *fake,
                          struct kafka_produce_partition_response *produced);
/* Asks for one topic by name. */
void fake_client_ask_topic(struct fake_client *fake, const char *topic);

/* Hands over what the gateway takes now. */
void fake_client_feed(struct fake_client *fake);
/* For fake_net: an action for this client. */
void fake_client_action(struct fake_client *fake, const struct action *action);

#endif
