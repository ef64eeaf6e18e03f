/*
 * What was sent, what was told, and what must therefore hold (reliability.md 5, I1 to I8).
 *
 * A batch goes out under an identity (producer id, epoch, base sequence): that is a claim. Each
 * time that it is sent is an attempt, and each attempt gets at most one answer. A batch that a
 * client sends again under another identity has several claims: only then may it be stored twice.
 */
#ifndef TESTS_SIM_LEDGER_H
#define TESTS_SIM_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/slice.h"

struct ledger;
struct world;
struct process;
struct claim;

/* Records of one producer's life in one partition, numbered from 0. */
struct stream {
    uint32_t number; /* names it in the records */
    uint32_t producer;
    int32_t partition;
    bool idempotent;
    uint32_t next_record;
};

struct claim {
    struct stream *stream;
    int64_t producer_id; /* -1: none */
    int16_t epoch;
    int32_t sequence;
    uint32_t first_record;
    int32_t count;
    int64_t acked_us; /* when it was told first */
    bool given_up; /* by the producer, after a while */
    bool poison;
    /* kept by the ledger */
    uint32_t attempts;
    uint32_t denied; /* attempts that were answered with "not written" */
    uint64_t refused_by; /* the process that refused it last; 0: none */
    uint64_t unsure_by;  /* the process that answered 7 last: it had it under way; 0: none */
    int64_t refused_us, refused_sent_us; /* when that answer left, and when the attempt did */
    int64_t last_sent_us;
    uint64_t refused_talk;
    bool acked;
    bool acked_46; /* "it is there", without an offset */
    int64_t offset;
    uint32_t visible; /* in the scan at hand */
    struct claim *next; /* of the stream, newest first */
    struct claim *same; /* that begins with the same record */
};

struct attempt {
    struct claim *claim;
    uint64_t talk; /* the connection */
    int64_t sent_us;
    bool answered;
    int16_t code;
    int64_t offset;
};

struct ledger *ledger_new(struct world *world);
void ledger_free(struct ledger *ledger);
struct stream *ledger_stream(struct ledger *ledger, uint32_t producer, int32_t partition,
                             bool idempotent);
/* The claim with this identity, made when it is new. Without producer id: always a new one. */
struct claim *ledger_claim(struct ledger *ledger, struct stream *stream, int64_t producer_id,
                           int16_t epoch, int32_t sequence, uint32_t first_record, int32_t count);
/* Its producer does not send it again. */
void ledger_given_up(struct ledger *ledger, struct stream *stream, int64_t producer_id,
                     int16_t epoch, int32_t sequence, uint32_t first_record);
struct attempt *ledger_attempt(struct ledger *ledger, struct claim *claim, uint64_t talk);
/* A gateway handed this answer to its socket. is_heard: the client still has the connection. */
void ledger_answered(struct ledger *ledger, const struct process *process, struct attempt *attempt,
                     int16_t code, int64_t offset, bool is_heard);
/* A gateway says that it has loaded this partition. */
void ledger_loaded(struct ledger *ledger, const struct process *process, int32_t partition);
/* A producer id was given out. */
void ledger_producer_id(struct ledger *ledger, int64_t producer_id);

/* The value of a record: which it is, and bytes that follow from that. */
size_t ledger_value(const struct ledger *ledger, const struct stream *stream, uint32_t record,
                    char *to, size_t bytes);
#define LEDGER_VALUE_MAX 8192

/* Reads the log whole, as one pair of replicas shows it: everything acknowledged is there. At the
 * end of the run (is_final) nothing else may be wrong either. */
void ledger_scan(struct ledger *ledger, uint32_t copies, bool is_final);

#endif
