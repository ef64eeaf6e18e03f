/*
 * What a topic's settings ask of each record, and what they make of it: cleanup.policy,
 * message.timestamp.type, message.timestamp.{before,after}.max.ms, max.message.bytes (Kafka's topic
 * configuration). Those of a topic may change between two batches.
 */
#ifndef PROXY_CORE_RECORD_RULES_H
#define PROXY_CORE_RECORD_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct record_rules {
    size_t max_message_bytes; /* a batch as sent, or an old message; 0: limits.max_message_bytes */
    bool is_compacted;        /* a record needs a key (87) */
    bool is_log_append_time;  /* each record gets the time of its arrival */
    /* So far a timestamp may lie behind and ahead of our clock (32); INT64_MAX: anywhere. Not
     * looked at with log append time, nor for -1, which is no timestamp. */
    int64_t timestamp_before_max_ms;
    int64_t timestamp_after_max_ms;
};

/* Kafka's defaults up to 3.9; since 4.0 a timestamp may be an hour ahead (KIP-1030), which is not
 * taken over: what a producer's clock says is stored. */
#define RECORD_RULES_DEFAULT                                                                       \
    ((struct record_rules){.timestamp_before_max_ms = INT64_MAX,                                   \
                           .timestamp_after_max_ms = INT64_MAX})

/* Is there anything to do for a record? */
static inline bool record_rules_apply(const struct record_rules *rules)
{
    return rules->is_compacted || rules->is_log_append_time ||
           rules->timestamp_before_max_ms != INT64_MAX || rules->timestamp_after_max_ms != INT64_MAX;
}

#endif
