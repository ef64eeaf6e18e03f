/*
 * A topic's own settings: Kafka's names and values, kept as a map<text, text> with the topic's row.
 * One table says which there are, what they mean here, and why others are refused. No I/O.
 *
 * Settings of three kinds:
 *   - with a meaning: retention.ms and compression.type, which the topic's table is
 *     given; max.message.bytes, message.timestamp.*;
 *   - fixed: how it is here, always; only the value that is shown is accepted (it changes nothing);
 *   - all others that Kafka has: not shown, refused.
 */
#ifndef PROXY_CORE_TOPIC_SETTINGS_H
#define PROXY_CORE_TOPIC_SETTINGS_H

#include "core/config.h"
#include "core/engine/record_rules.h"
#include "kafka/config.h"
#include "proto/buf.h"
#include "proto/slice.h"

#define TOPIC_SETTING_TEXT_BYTES  64  /* of a value, with its NUL: longer ones are refused */
#define TOPIC_SETTING_WHY_BYTES   320 /* of the text of a refusal */
#define TOPIC_CONFIGURATION_BYTES 4096
#define TOPIC_RETENTION_MIN_MS    INT64_C(60000)
#define TOPIC_RETENTION_MAX_MS    (INT64_C(630720000) * 1000) /* what Cassandra takes: 20 years */

/* What the table of a topic has been given, beside the settings in the same map. */
#define TOPIC_KEY_TABLE_TTL SLICE_LITERAL("sluice.table.ttl") /* seconds; absent: none */
#define TOPIC_KEY_HAD_TTL   SLICE_LITERAL("sluice.had.ttl")   /* present: rows may vanish from it */
/* A value of compression.type; absent: the database's own choice. */
#define TOPIC_KEY_TABLE_COMPRESSION SLICE_LITERAL("sluice.table.compression")

/* How the files of a topic's table are compressed: Kafka's names for compression.type. */
enum topic_compression {
    TOPIC_COMPRESSION_PRODUCER, /* nothing is asked for: as the database has it */
    TOPIC_COMPRESSION_UNCOMPRESSED,
    TOPIC_COMPRESSION_ZSTD,
    TOPIC_COMPRESSION_LZ4,
    TOPIC_COMPRESSION_SNAPPY,
    TOPIC_COMPRESSION_GZIP,
};

enum topic_timestamp_type { TOPIC_TIMESTAMP_DEFAULT, TOPIC_CREATE_TIME, TOPIC_LOG_APPEND_TIME };

struct topic_settings {
    int64_t retention_ms;            /* -1: for ever */
    int64_t max_message_bytes;       /* 0: the gateway's */
    int64_t timestamp_before_max_ms; /* -1: the gateway's; INT64_MAX: any */
    int64_t timestamp_after_max_ms;
    enum topic_timestamp_type timestamp_type;
    enum topic_compression compression;
    enum topic_compression table_compression; /* that the table was given */
    int32_t table_ttl_s; /* that the table was given; 0: none */
    bool had_ttl;        /* the table has a time to live, or had one: rows may vanish from it */
};

struct topic_setting {
    const char *name;
    enum kafka_config_type type;
    const char *broker_name;   /* of the broker's setting that it defaults to; NULL: none */
    const char *why;           /* fixed ones: completes "refused: ..." ; NULL: it has a meaning */
    const char *documentation;
};

/* All that DescribeConfigs shows. */
const struct topic_setting *topic_setting_list(size_t *count);
/* NULL: no such setting here. */
const struct topic_setting *topic_setting_find(struct slice name);
/* The value that it has when the topic has none of its own. `copies`: that an acknowledgement waits
 * for. */
void topic_setting_default(const struct topic_setting *setting, const struct gateway_config *config,
                           unsigned copies, char text[TOPIC_SETTING_TEXT_BYTES]);
/* Did somebody set the gateway's default in its file, to other than Sluice's own? */
bool topic_setting_is_static(const struct topic_setting *setting,
                             const struct gateway_config *config);
/* May a topic have this value? False: `why` says why not (INVALID_CONFIG). */
bool topic_setting_check(const struct gateway_config *config, unsigned copies, struct slice name,
                         struct slice value, char why[TOPIC_SETTING_WHY_BYTES]);

/* From the map of a row; what is not understood there is as if absent. */
void topic_settings_read(struct slice map, struct topic_settings *settings);
/* The time to live that a table must have for this retention, in seconds; 0: none. */
int32_t topic_ttl_s(int64_t retention_ms);
/* Has the table not been given yet what the settings ask of it? */
bool topic_table_is_behind(const struct topic_settings *settings);
/* What they ask of records, with the gateway's defaults where the topic has none of its own. */
void topic_settings_rules(const struct topic_settings *settings,
                          const struct gateway_config *config, struct record_rules *rules);

/* One change of a map. */
struct topic_change {
    struct slice name;
    struct slice value; /* data NULL: back to the default */
};
/*
 * Appends the map with the changes done; `replace`: what they do not name goes, but for Sluice's
 * own keys. NOMEM, LIMIT (more than TOPIC_CONFIGURATION_BYTES in a buf with that limit).
 */
MUST_CHECK int topic_configuration_change(struct slice map, const struct topic_change *changes,
                                          size_t count, bool replace, struct buf *out);
/* The same map with what a table must have for its settings: had_ttl, and when `applied` the time
 * to live and the compression as given. */
MUST_CHECK int topic_configuration_mark(struct slice map, bool applied, struct buf *out);

#endif
