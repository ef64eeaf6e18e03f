/* DescribeUserScramCredentials (key 50), version 0. */
#ifndef KAFKA_DESCRIBE_USER_SCRAM_CREDENTIALS_H
#define KAFKA_DESCRIBE_USER_SCRAM_CREDENTIALS_H

#include "kafka/types.h"

enum kafka_scram_mechanism { KAFKA_SCRAM_SHA_256 = 1, KAFKA_SCRAM_SHA_512 = 2 };

struct kafka_describe_user_scram_credentials_request {
    struct slice *users; /* names; nullable (count -1) or empty: all */
    int32_t user_count;
};

struct kafka_scram_credential_info {
    int8_t mechanism; /* enum kafka_scram_mechanism */
    int32_t iterations;
};

struct kafka_described_scram_user {
    struct slice user;
    int16_t error_code;         /* 91: there is no such user */
    struct slice error_message; /* nullable */
    struct kafka_scram_credential_info *credential_infos;
    int32_t credential_info_count;
};

struct kafka_describe_user_scram_credentials_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    struct slice error_message; /* nullable */
    struct kafka_described_scram_user *results;
    int32_t result_count;
};

void kafka_describe_user_scram_credentials_request_walk(struct wire *wire, void *body, int version);
void kafka_describe_user_scram_credentials_response_walk(struct wire *wire, void *body,
                                                         int version);

#endif
