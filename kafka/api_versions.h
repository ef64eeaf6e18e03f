/* ApiVersions (key 18), versions 0-4. Its response header is always v0 (KIP-511). */
#ifndef KAFKA_API_VERSIONS_H
#define KAFKA_API_VERSIONS_H

#include "proto/wire.h"

struct kafka_api_versions_request {
    struct slice client_software_name;    /* v3+, empty before */
    struct slice client_software_version; /* v3+, empty before */
};

struct kafka_api_version {
    int16_t api_key;
    int16_t min_version;
    int16_t max_version;
};

struct kafka_supported_feature {
    struct slice name;
    int16_t min_version; /* 0 only from v4 on: Java clients before 3.9 throw (KAFKA-17011) */
    int16_t max_version;
};

struct kafka_finalized_feature {
    struct slice name;
    int16_t max_version_level;
    int16_t min_version_level;
};

struct kafka_api_versions_response {
    int16_t error_code;
    struct kafka_api_version *api_keys;
    int32_t api_key_count;
    int32_t throttle_time_ms; /* v1+ */
    /* v3+, tagged: written when they differ from the default. */
    struct kafka_supported_feature *supported_features;
    int32_t supported_feature_count;
    int64_t finalized_features_epoch; /* -1: unknown */
    struct kafka_finalized_feature *finalized_features;
    int32_t finalized_feature_count;
    bool zk_migration_ready;
};

#define KAFKA_API_VERSIONS_REQUEST_DEFAULT                                                         \
    ((struct kafka_api_versions_request){.client_software_name = SLICE_LITERAL(""),                \
                                         .client_software_version = SLICE_LITERAL("")})
#define KAFKA_API_VERSIONS_RESPONSE_DEFAULT                                                        \
    ((struct kafka_api_versions_response){.finalized_features_epoch = -1})

/* Are name and version of the software letters and digits, with dots and dashes between (KIP-511)?
 * A broker answers 42 if not. */
bool kafka_api_versions_request_is_valid(const struct kafka_api_versions_request *request,
                                         int version);
void kafka_api_versions_request_walk(struct wire *wire, void *body, int version);
void kafka_api_versions_response_walk(struct wire *wire, void *body, int version);

/* The advertised range of each registry row that is served, in key order. Returns how many were
 * written, at most `room`. */
int32_t kafka_api_versions_list(struct kafka_api_version *keys, int32_t room);

#endif
