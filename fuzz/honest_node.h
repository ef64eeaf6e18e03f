/*
 * What an honest node answers to a gateway, recorded once for each process: the real gateway is run
 * against tables in memory (tests/support), and each QUERY's answer is kept by its text. Afterwards
 * a node answers from the recording, without tables, as often as one likes.
 */
#ifndef FUZZ_HONEST_NODE_H
#define FUZZ_HONEST_NODE_H

#include "tests/support/fake_client.h"

/* What the gateway finds: an empty database; one with a topic that was written to by a process that
 * is gone; or that and other members, of which one is there, for a while. */
enum script { SCRIPT_EMPTY, SCRIPT_WRITTEN, SCRIPT_SHARED, SCRIPT_COUNT };

struct recorded_answer {
    int32_t error;     /* 0: none */
    struct slice body; /* data NULL: as a node answers by default */
};

struct recorded {
    struct slice text;
    unsigned count, capacity;
    struct recorded_answer *answers;
};

struct recording {
    struct recorded *statements;
    unsigned count, capacity;
    struct moment start; /* of the process that it was recorded with */
};

/* One life of a gateway: boot, producers, tools. The same for the recording and the fuzzer. */
struct life {
    struct gateway_config config;
    struct contact_point point;
    struct gateway *gateway;
    struct fake_net net;
    struct fake_node *node;
    struct fake_client *clients[2]; /* NULL: not there */
    bool ready, drained, fatal;
    bool drains; /* at its end; a script's */
    int exit_code;
    char fatal_text[512];
    int16_t produced[16]; /* codes, in the order of answers */
    unsigned produced_count, produce_count;
    unsigned requests; /* that the node got */
};

/* memory NULL: the heap. The handler is the caller's. */
void life_init(struct life *life, enum script script, const struct alloc *memory,
               fake_handler handler, void *context);
/* All of it. False: no memory for the gateway. */
bool life_run(struct life *life);
void life_deinit(struct life *life);

const struct recording *recording_of(enum script script);
/* The text of a QUERY body; data NULL: none. */
struct slice query_text(const struct fake_request *request);
/* NULL: never asked. */
struct recorded *recording_find(const struct recording *recording, struct slice text);

#endif
