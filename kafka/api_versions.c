#include "kafka/api_versions.h"

#include "kafka/api.h"
#include "kafka/types.h"

void kafka_api_versions_request_walk(struct wire *wire, void *body, int version)
{
    struct kafka_api_versions_request *m = body;

    if (wire_decoding(wire))
        *m = KAFKA_API_VERSIONS_REQUEST_DEFAULT;
    if (version >= 3) {
        kafka_string(wire, "client_software_name", &m->client_software_name);
        kafka_string(wire, "client_software_version", &m->client_software_version);
    }
    kafka_tagged_fields(wire);
}

static void api_key_walk(struct wire *wire, struct kafka_api_version *m)
{
    wire_enter(wire, "api_keys");
    wire_i16(wire, "api_key", &m->api_key);
    wire_i16(wire, "min_version", &m->min_version);
    wire_i16(wire, "max_version", &m->max_version);
    kafka_tagged_fields(wire);
    wire_leave(wire);
}

static void supported_features_walk(struct wire *wire, void *value, int version)
{
    struct kafka_api_versions_response *m = value;

    (void)version;
    KAFKA_EACH (wire, "supported_features", i, m->supported_features, m->supported_feature_count,
                6) {
        struct kafka_supported_feature *feature = &m->supported_features[i];
        wire_enter(wire, "supported_features");
        kafka_string(wire, "name", &feature->name);
        wire_i16(wire, "min_version", &feature->min_version);
        wire_i16(wire, "max_version", &feature->max_version);
        kafka_tagged_fields(wire);
        wire_leave(wire);
    }
}

static void finalized_features_walk(struct wire *wire, void *value, int version)
{
    struct kafka_api_versions_response *m = value;

    (void)version;
    KAFKA_EACH (wire, "finalized_features", i, m->finalized_features, m->finalized_feature_count,
                6) {
        struct kafka_finalized_feature *feature = &m->finalized_features[i];
        wire_enter(wire, "finalized_features");
        kafka_string(wire, "name", &feature->name);
        wire_i16(wire, "max_version_level", &feature->max_version_level);
        wire_i16(wire, "min_version_level", &feature->min_version_level);
        kafka_tagged_fields(wire);
        wire_leave(wire);
    }
}

static void finalized_epoch_walk(struct wire *wire, void *value, int version)
{
    (void)version;
    wire_i64(wire, "finalized_features_epoch", value);
}

static void zk_migration_ready_walk(struct wire *wire, void *value, int version)
{
    (void)version;
    wire_bool(wire, "zk_migration_ready", value);
}

void kafka_api_versions_response_walk(struct wire *wire, void *body, int version)
{
    struct kafka_api_versions_response *m = body;

    if (wire_decoding(wire))
        *m = KAFKA_API_VERSIONS_RESPONSE_DEFAULT;
    wire_i16(wire, "error_code", &m->error_code);
    KAFKA_EACH (wire, "api_keys", i, m->api_keys, m->api_key_count, 6)
        api_key_walk(wire, &m->api_keys[i]);
    if (version >= 1)
        wire_i32(wire, "throttle_time_ms", &m->throttle_time_ms);
    struct kafka_tag tags[] = {
        {0, "supported_features", supported_features_walk, m, m->supported_feature_count > 0},
        {1, "finalized_features_epoch", finalized_epoch_walk, &m->finalized_features_epoch,
         m->finalized_features_epoch != -1},
        {2, "finalized_features", finalized_features_walk, m, m->finalized_feature_count > 0},
        {3, "zk_migration_ready", zk_migration_ready_walk, &m->zk_migration_ready,
         m->zk_migration_ready},
    };
    kafka_tagged_section(wire, tags, sizeof(tags) / sizeof(tags[0]), version);
}

static bool is_alphanumeric(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_software_text(struct slice text)
{
    if (text.len == 0 || !is_alphanumeric(text.data[0]) ||
        !is_alphanumeric(text.data[text.len - 1]))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!is_alphanumeric(text.data[i]) && text.data[i] != '.' && text.data[i] != '-')
            return false;
    return true;
}

bool kafka_api_versions_request_is_valid(const struct kafka_api_versions_request *request,
                                         int version)
{
    return version < 3 || (is_software_text(request->client_software_name) &&
                           is_software_text(request->client_software_version));
}

int32_t kafka_api_versions_list(struct kafka_api_version *keys, int32_t room)
{
    size_t count = 0;
    const struct kafka_api *rows = kafka_api_rows(&count);
    int32_t written = 0;

    for (size_t i = 0; i < count && written < room; i++) {
        if (rows[i].served)
            keys[written++] = (struct kafka_api_version){rows[i].key, rows[i].advertised_min,
                                                         rows[i].advertised_max};
    }
    return written;
}
