#include "kafka/describe_user_scram_credentials.h"

void kafka_describe_user_scram_credentials_request_walk(struct wire *wire, void *body, int version)
{
    struct kafka_describe_user_scram_credentials_request *m = body;

    (void)version;
    if (wire_decoding(wire))
        *m = (struct kafka_describe_user_scram_credentials_request){.user_count = -1};
    KAFKA_EACH_NULLABLE (wire, "users", i, m->users, m->user_count, 2) {
        wire_enter(wire, "users");
        kafka_string(wire, "name", &m->users[i]);
        kafka_tagged_fields(wire);
        wire_leave(wire);
    }
    kafka_tagged_fields(wire);
}

static void credential_info_walk(struct wire *wire, struct kafka_scram_credential_info *m)
{
    wire_enter(wire, "credential_infos");
    wire_i8(wire, "mechanism", &m->mechanism);
    wire_i32(wire, "iterations", &m->iterations);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void result_walk(struct wire *wire, struct kafka_described_scram_user *m)
{
    wire_enter(wire, "results");
    kafka_string(wire, "user", &m->user);
    wire_i16(wire, "error_code", &m->error_code);
    kafka_nullable_string(wire, "error_message", &m->error_message);
    KAFKA_EACH (wire, "credential_infos", i, m->credential_infos, m->credential_info_count, 6)
        credential_info_walk(wire, &m->credential_infos[i]);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

void kafka_describe_user_scram_credentials_response_walk(struct wire *wire, void *body, int version)
{
    struct kafka_describe_user_scram_credentials_response *m = body;

    (void)version;
    if (wire_decoding(wire))
        *m = (struct kafka_describe_user_scram_credentials_response){.throttle_time_ms = 0};
    wire_i32(wire, "throttle_time_ms", &m->throttle_time_ms);
    wire_i16(wire, "error_code", &m->error_code);
    kafka_nullable_string(wire, "error_message", &m->error_message);
    KAFKA_EACH (wire, "results", i, m->results, m->result_count, 6)
        result_walk(wire, &m->results[i]);
    kafka_tagged_fields(wire);
}
