/*
 * The control plane, played: a program that links this has no control.c. What it says is what the
 * test has put into `stub`, which outlives a gateway, so that it is there for the next one.
 */
#ifndef TESTS_SUPPORT_STUB_CONTROL_H
#define TESTS_SUPPORT_STUB_CONTROL_H

#include "core/control/control.h"

#define STUB_TOPICS_MAX 600

struct stub_topic {
    char name[256];
    uint8_t id[16];
    int32_t partitions;
    uint8_t configuration[TOPIC_CONFIGURATION_BYTES];
    size_t configuration_len;
    int64_t version;
};

struct stub_creation {
    control_done done;
    void *context;
    char name[256];
    int32_t partitions;
    uint8_t configuration[TOPIC_CONFIGURATION_BYTES];
    size_t configuration_len;
};

struct stub_control {
    /* set these at any time */
    bool not_ready;     /* control_start says nothing; stub_ready does */
    bool leads;         /* true by default */
    bool leads_soon;    /* while it does not lead: that is expected to change */
    int64_t ceiling_us; /* NEVER_US by default */
    int64_t sealed_below_us;
    int32_t epoch; /* of every slot: 3 */
    int64_t topics_confirmed_us; /* NEVER_US by default */
    size_t max_mutation_bytes; /* 16 MiB */
    int64_t next_producer_id;
    bool no_producer_ids;
    bool creations_wait; /* for stub_finish_creations; else they are done at once */
    int16_t create_code; /* 0: topics are made */
    int16_t change_code; /* of control_topic_delete, _configure, _grow; 0: done */
    bool changes_wait;   /* they are never done: what asked for them has to know its time */
    bool release_waits;  /* for stub_finish_release */
    /* when a topic comes into being: CREATE TABLE */
    void (*make_table)(void *context, const char *table);
    void *context;
    /* read these */
    struct stub_topic topics[STUB_TOPICS_MAX];
    size_t topic_count;
    struct stub_creation creations[16];
    size_t creation_count;   /* under way */
    unsigned created;        /* times that a creation was asked for */
    unsigned changed;        /* times that another change of a topic was asked for */
    bool released;           /* control_release was called */
    struct control *control; /* of the gateway that lives; NULL: none */
};

extern struct stub_control stub;

void stub_reset(void);
/* Before the gateway starts, or while it runs. */
void stub_add_topic(const char *name, int32_t partitions, struct moment now);
void stub_topic_gone(const char *name, struct moment now);
const uint8_t *stub_topic_id(const char *name);
void stub_ready(struct moment now);
void stub_set_lease(bool held, struct moment now);
void stub_finish_creations(struct moment now);
void stub_finish_release(struct moment now);

#endif
