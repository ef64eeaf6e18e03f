/*
 * Gateways' control planes on one fake database, in virtual time: each host has its own net and
 * cluster, and a node that answers from the shared tables.
 */
#ifndef TESTS_SUPPORT_CONTROL_WORLD_H
#define TESTS_SUPPORT_CONTROL_WORLD_H

#include "core/control/control.h"
#include "tests/support/fake_db.h"

#define SECOND_US INT64_C(1000000)
#define MS_US     INT64_C(1000)

struct created {
    bool done;
    int16_t error;
    char text[400];
};

struct host {
    struct gateway_config config;
    struct contact_point point;
    struct action_queue *actions;
    struct cluster *cluster;
    struct control *control;
    struct fake_net net;
    struct fake_node *node;
    /* what the hooks said */
    bool ready, released;
    int64_t ready_us; /* since the start */
    int64_t started_us;
    int fatal_code;
    char fatal_text[700];
    unsigned lease_lost, lease_held;
    bool surveys; /* set before host_start: it only looks */
    unsigned surveyed;
    struct control_survey survey; /* its texts are the next two */
    char survey_home[64], survey_missing[200];
    unsigned topics, topics_gone;
    unsigned forgets_topics; /* so many times it has no memory for a topic */
    struct topic_row topic; /* the last one; the strings are the next two */
    char topic_name[256], topic_table[256];
    uint8_t topic_configuration[TOPIC_CONFIGURATION_BYTES];
    size_t topic_configuration_len;
};

/* A host that has not started. Change config before host_start. */
void host_init(struct host *host, struct fake_db *db, const char *member);
void host_start(struct host *host);
bool host_try_start(struct host *host); /* false: out of memory; host_kill frees what there is */
/* host_init, host_start and a second: it is ready. */
void host_up(struct host *host, struct fake_db *db, const char *member);
void host_run(struct host *host, int64_t us);
/* Several hosts, in small steps, the clocks together. */
void hosts_run(struct host *const *hosts, size_t count, int64_t us);
/* The process ends without a word. */
void host_kill(struct host *host);
/* It releases, and ends. */
void host_stop(struct host *host);
/* A host that starts where another one ended: clocks go on. */
void host_follow(struct host *host, const struct host *former);
void host_create(struct host *host, const char *name, int32_t partitions, struct created *created);
void host_create_with(struct host *host, const char *name, int32_t partitions,
                      struct slice configuration, struct created *created);
/* Of the topic of this id; the next two: of host->topic. */
void host_delete(struct host *host, const char *name, const uint8_t topic_id[16],
                 struct created *deleted);
/* value NULL: back to the default. */
void host_set(struct host *host, const char *name, const char *setting, const char *value,
              struct created *changed);
void host_grow(struct host *host, const char *name, int32_t partitions, struct created *grown);
/* The last topic's id as CQL has it; until the next call. */
const char *host_topic_id_text(const struct host *host);
/* How many of the partitions 0 ... count - 1 of the last topic are led. */
int host_led(const struct host *host, const uint8_t topic_id[16], int count);

#endif
