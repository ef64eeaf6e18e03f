/*
 * The registry: one row per API that is known. It drives dispatch, the ApiVersions reply, header
 * versions, the docs, tests and fuzzers. We never advertise what we cannot decode, except for the
 * forced rows, which some clients must see to switch features on (DESIGN.md section 7).
 */
#ifndef KAFKA_API_H
#define KAFKA_API_H

#include "proto/wire.h"

enum kafka_api_key {
    KAFKA_PRODUCE = 0,
    KAFKA_FETCH = 1,
    KAFKA_LIST_OFFSETS = 2,
    KAFKA_METADATA = 3,
    KAFKA_FIND_COORDINATOR = 10,
    KAFKA_DESCRIBE_GROUPS = 15,
    KAFKA_LIST_GROUPS = 16,
    KAFKA_API_VERSIONS = 18,
    KAFKA_CREATE_TOPICS = 19,
    KAFKA_DELETE_TOPICS = 20,
    KAFKA_DELETE_RECORDS = 21,
    KAFKA_INIT_PRODUCER_ID = 22,
    KAFKA_DESCRIBE_ACLS = 29,
    KAFKA_DESCRIBE_CONFIGS = 32,
    KAFKA_ALTER_CONFIGS = 33,
    KAFKA_DESCRIBE_LOG_DIRS = 35,
    KAFKA_CREATE_PARTITIONS = 37,
    KAFKA_INCREMENTAL_ALTER_CONFIGS = 44,
    KAFKA_LIST_PARTITION_REASSIGNMENTS = 46,
    KAFKA_DESCRIBE_CLIENT_QUOTAS = 48,
    KAFKA_DESCRIBE_USER_SCRAM_CREDENTIALS = 50,
    KAFKA_DESCRIBE_CLUSTER = 60,
    KAFKA_DESCRIBE_PRODUCERS = 61,
    KAFKA_LIST_TRANSACTIONS = 66,
    KAFKA_LIST_CONFIG_RESOURCES = 74,
    KAFKA_DESCRIBE_TOPIC_PARTITIONS = 75,
};

/* Visits the body's fields in wire order for this version; `body` is the message's struct. */
typedef void (*kafka_walk)(struct wire *wire, void *body, int version);

struct kafka_api {
    int16_t key;
    const char *name;
    /* False: only the walks are there; it is not advertised, and a request closes the connection as
     * that of an unknown key does. */
    bool served;
    int16_t min_version; /* decoded, and answered when served */
    int16_t max_version;
    int16_t first_flexible; /* INT16_MAX: never */
    int16_t advertised_min; /* differs from min_version in forced rows only */
    int16_t advertised_max;
    size_t request_bytes; /* sizeof the request struct */
    size_t response_bytes;
    kafka_walk request;
    kafka_walk response;
    const char *why_forced; /* NULL, or why the advertised range is larger than the served one */
};

/* NULL when the key is unknown. */
const struct kafka_api *kafka_api_find(int16_t key);
/* All rows in key order. */
const struct kafka_api *kafka_api_rows(size_t *count);

#endif
