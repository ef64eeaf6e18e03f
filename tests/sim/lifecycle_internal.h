/* Shared by lifecycle.c (who administers; connections) and lifecycle_writer.c (who writes; what
 * must be there). */
#ifndef TESTS_SIM_LIFECYCLE_INTERNAL_H
#define TESTS_SIM_LIFECYCLE_INTERNAL_H

#include "proto/endian.h"
#include "tests/sim/lifecycle.h"
#include "tests/sim/producer_internal.h"

enum { GUESTS = 2, LIFE_PARTITIONS_MAX = 3 };

/* A record that was acknowledged. */
struct life_ack {
    uint8_t id[16]; /* of the topic */
    int32_t partition;
    int64_t offset;
    uint32_t record;
    bool is_there; /* in the scan at hand */
};

/* A client with one connection and one request at a time. */
struct guest {
    struct lifecycle *life;
    unsigned place, gateway;
    bool is_admin, is_closed;
    struct producer_link link; /* without a producer */
    struct request *request;   /* NULL: none is under way */
    struct sim_event *wake;
    int64_t asked_us, act_us;
    uint64_t steps;
    /* the writer's: what it believes of the topic */
    bool has_topic; /* and the leader of that partition */
    uint8_t id[16];
    int32_t partitions, partition; /* the one to be written to next */
    int leaders[LIFE_PARTITIONS_MAX]; /* -1: not known */
    bool is_written[LIFE_PARTITIONS_MAX]; /* under this id, since all is well */
};

struct lifecycle {
    struct world *world;
    struct guest guests[GUESTS];
    bool is_finishing;
    int64_t counts_from_us; /* what is written from then on stays */
    struct arena arena;
    struct batch_builder builder;
    uint32_t records; /* the next one's number; none is sent twice */
    struct life_ack *acks;
    size_t ack_count, ack_capacity;
    /* of a scan */
    struct life_row {
        bool is_found;
        uint8_t id[16];
        char table[128];
    } row;
    int value_column, id_column, table_column;
};

void guest_ask(struct guest *guest, int16_t api, int16_t version, const void *body);
void guest_answered(struct guest *guest, struct slice frame);
/* The gateway that the writer's next request is for. */
unsigned writer_gateway(const struct guest *guest);
void writer_ask(struct guest *guest);
void writer_answered(struct guest *guest, struct slice frame);

#endif
