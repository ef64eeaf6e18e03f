#include "core/control/topic_settings.h"

#include "core/text_map.h"

#include <stdio.h>

enum { OWN_PREFIX_BYTES = 7 }; /* "sluice." */

static const struct topic_setting settings_table[] = {
    {"cleanup.policy", KAFKA_CONFIG_TYPE_LIST, "log.cleanup.policy",
     "records become rows that are only added, none is replaced by a later one of its key: "
     "compaction is not served; retention.ms removes old ones",
     "What happens to old records: they are deleted when retention.ms says so."},
    {"compression.type", KAFKA_CONFIG_TYPE_STRING, "compression.type", NULL,
     "Compression of the topic's table: uncompressed, zstd, lz4, snappy or gzip; producer: as the "
     "database has it. Rows are stored without the producer's codec."},
    {"max.message.bytes", KAFKA_CONFIG_TYPE_INT, "message.max.bytes", NULL,
     "Largest record batch as it is sent, in bytes."},
    {"message.timestamp.after.max.ms", KAFKA_CONFIG_TYPE_LONG,
     "log.message.timestamp.after.max.ms", NULL,
     "How far a record's timestamp may be ahead of this gateway's clock."},
    {"message.timestamp.before.max.ms", KAFKA_CONFIG_TYPE_LONG,
     "log.message.timestamp.before.max.ms", NULL,
     "How far a record's timestamp may be behind this gateway's clock."},
    {"message.timestamp.type", KAFKA_CONFIG_TYPE_STRING, "log.message.timestamp.type", NULL,
     "CreateTime: the producer's timestamps. LogAppendTime: this gateway's at arrival."},
    {"min.insync.replicas", KAFKA_CONFIG_TYPE_INT, "min.insync.replicas",
     "each acknowledgement waits for as many copies as the consistency level of the cluster says",
     "Copies that an acknowledgement waits for, by the consistency level."},
    {"retention.bytes", KAFKA_CONFIG_TYPE_LONG, "log.retention.bytes",
     "rows are removed by age (retention.ms), not by size",
     "Not limited: rows are removed by age alone."},
    {"retention.ms", KAFKA_CONFIG_TYPE_LONG, "log.retention.ms", NULL,
     "How long records are kept (the table's default_time_to_live); -1: for ever."},
    {"segment.bytes", KAFKA_CONFIG_TYPE_INT, "log.segment.bytes",
     "segments are the same for all topics: log_tables.segment_max_bytes",
     "Largest segment, which is a Cassandra partition."},
    {"unclean.leader.election.enable", KAFKA_CONFIG_TYPE_BOOLEAN, "unclean.leader.election.enable",
     "a partition's log is in the database, and no leader can have less of it",
     "Never: every leader has the whole log."},
};
#define SETTING_COUNT (sizeof(settings_table) / sizeof(settings_table[0]))

/* Kafka's, without a meaning here. */
static const struct {
    const char *name, *why;
} without_meaning[] = {
    {"compression.gzip.level", "tables are compressed at the database's own level"},
    {"compression.lz4.level", "tables are compressed at the database's own level"},
    {"compression.zstd.level", "tables are compressed at the database's own level"},
    {"delete.retention.ms", "there is no compaction"},
    {"file.delete.delay.ms", "there are no log files"},
    {"flush.messages", "an acknowledged record is in the commit logs of its copies"},
    {"flush.ms", "an acknowledged record is in the commit logs of its copies"},
    {"follower.replication.throttled.replicas", "the database replicates"},
    {"leader.replication.throttled.replicas", "the database replicates"},
    {"index.interval.bytes", "there are no index files"},
    {"local.retention.bytes", "there is no tiered storage"},
    {"local.retention.ms", "there is no tiered storage"},
    {"max.compaction.lag.ms", "there is no compaction"},
    {"message.downconversion.enable", "records are not read back here"},
    {"message.format.version", "records are rows, whatever format they were sent in"},
    {"message.timestamp.difference.max.ms",
     "it was replaced by message.timestamp.before.max.ms and message.timestamp.after.max.ms"},
    {"min.cleanable.dirty.ratio", "there is no compaction"},
    {"min.compaction.lag.ms", "there is no compaction"},
    {"preallocate", "there are no log files"},
    {"remote.log.copy.disable", "there is no tiered storage"},
    {"remote.log.delete.on.disable", "there is no tiered storage"},
    {"remote.storage.enable", "there is no tiered storage"},
    {"segment.index.bytes", "there are no index files"},
    {"segment.jitter.ms", "segments end by size, not by time"},
    {"segment.ms", "segments end by size, not by time"},
};

const struct topic_setting *topic_setting_list(size_t *count)
{
    *count = SETTING_COUNT;
    return settings_table;
}

const struct topic_setting *topic_setting_find(struct slice name)
{
    for (size_t i = 0; i < SETTING_COUNT; i++)
        if (slice_equal(name, slice_cstr(settings_table[i].name)))
            return &settings_table[i];
    return NULL;
}

static bool is(const struct topic_setting *setting, const char *name)
{
    return strcmp(setting->name, name) == 0;
}

/* A decimal number that is all of the text, as it is printed: no blanks, no plus sign. */
static bool parse_number(struct slice text, int64_t *value)
{
    bool negative = text.len > 0 && text.data[0] == '-';
    size_t at = negative ? 1 : 0;
    uint64_t number = 0, limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);

    if (at == text.len)
        return false;
    for (; at < text.len; at++) {
        unsigned digit = (unsigned)text.data[at] - '0';
        if (digit > 9 || number > (limit - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *value = negative ? (int64_t)(0 - number) : (int64_t)number;
    return true;
}

static int64_t bound_ms(int64_t bound_us)
{
    return bound_us == 0 ? INT64_MAX : bound_us / 1000;
}

void topic_setting_default(const struct topic_setting *setting, const struct gateway_config *config,
                           unsigned copies, char text[TOPIC_SETTING_TEXT_BYTES])
{
    const char *word = NULL;
    int64_t number = -1; /* retention.bytes, retention.ms */

    if (is(setting, "cleanup.policy"))
        word = "delete";
    else if (is(setting, "compression.type"))
        word = "producer";
    else if (is(setting, "message.timestamp.type"))
        word = config->log_append_time ? "LogAppendTime" : "CreateTime";
    else if (is(setting, "unclean.leader.election.enable"))
        word = "false";
    else if (is(setting, "max.message.bytes"))
        number = (int64_t)config->max_message_bytes;
    else if (is(setting, "message.timestamp.after.max.ms"))
        number = bound_ms(config->timestamp_after_max_us);
    else if (is(setting, "message.timestamp.before.max.ms"))
        number = bound_ms(config->timestamp_before_max_us);
    else if (is(setting, "min.insync.replicas"))
        number = copies;
    else if (is(setting, "segment.bytes"))
        number = config->segment_max_bytes;
    if (word != NULL)
        (void)snprintf(text, TOPIC_SETTING_TEXT_BYTES, "%s", word);
    else
        (void)snprintf(text, TOPIC_SETTING_TEXT_BYTES, "%lld", (long long)number);
}

bool topic_setting_is_static(const struct topic_setting *setting,
                             const struct gateway_config *config)
{
    struct gateway_config own;
    char as_set[TOPIC_SETTING_TEXT_BYTES], as_own[TOPIC_SETTING_TEXT_BYTES];

    gateway_config_defaults(&own);
    topic_setting_default(setting, config, 0, as_set);
    topic_setting_default(setting, &own, 0, as_own);
    return strcmp(as_set, as_own) != 0;
}

static bool refuse(char why[TOPIC_SETTING_WHY_BYTES], struct slice name, const char *text)
{
    (void)snprintf(why, TOPIC_SETTING_WHY_BYTES, "%.*s: %s",
                   (int)(name.len < 80 ? name.len : 80), (const char *)name.data, text);
    return false;
}

static bool check_fixed(const struct topic_setting *setting, const struct gateway_config *config,
                        unsigned copies, struct slice value, char why[TOPIC_SETTING_WHY_BYTES])
{
    char shown[TOPIC_SETTING_TEXT_BYTES], text[TOPIC_SETTING_WHY_BYTES];
    int64_t number;

    topic_setting_default(setting, config, copies, shown);
    if (slice_equal(value, slice_cstr(shown)))
        return true;
    if (is(setting, "min.insync.replicas") && parse_number(value, &number) && number >= 1 &&
        number <= (int64_t)copies)
        return true; /* less than what is done anyway */
    (void)snprintf(text, sizeof(text), "it is '%s' here and cannot be changed: %s", shown,
                   setting->why);
    return refuse(why, slice_cstr(setting->name), text);
}

static bool check_retention(struct slice name, int64_t ms, const struct gateway_config *config,
                            char why[TOPIC_SETTING_WHY_BYTES])
{
    if (ms == -1)
        return true;
    if (ms < TOPIC_RETENTION_MIN_MS)
        return refuse(why, name,
                      "at least 60000, or -1 for ever: what is known of producers is kept with "
                      "their records, and a shorter time would end it between a batch and its "
                      "retry");
    if (ms > TOPIC_RETENTION_MAX_MS)
        return refuse(why, name,
                      "at most 630720000000 (20 years, as long as Cassandra counts), or -1 for "
                      "ever");
    if (!config->schema_create)
        return refuse(why, name,
                      "it is the table's default_time_to_live, and schema.create: never forbids "
                      "Sluice to alter tables");
    return true;
}

static const char *const compressions[] = {
    [TOPIC_COMPRESSION_PRODUCER] = "producer", [TOPIC_COMPRESSION_UNCOMPRESSED] = "uncompressed",
    [TOPIC_COMPRESSION_ZSTD] = "zstd",         [TOPIC_COMPRESSION_LZ4] = "lz4",
    [TOPIC_COMPRESSION_SNAPPY] = "snappy",     [TOPIC_COMPRESSION_GZIP] = "gzip",
};
#define COMPRESSION_COUNT (sizeof(compressions) / sizeof(compressions[0]))

static bool find_compression(struct slice name, enum topic_compression *compression)
{
    for (size_t i = 0; i < COMPRESSION_COUNT; i++)
        if (slice_equal(name, slice_cstr(compressions[i]))) {
            *compression = (enum topic_compression)i;
            return true;
        }
    return false;
}

static bool check_compression(struct slice name, struct slice value,
                              const struct gateway_config *config,
                              char why[TOPIC_SETTING_WHY_BYTES])
{
    enum topic_compression compression;

    if (!find_compression(value, &compression))
        return refuse(why, name, "uncompressed, zstd, lz4, snappy, gzip or producer");
    if (compression != TOPIC_COMPRESSION_PRODUCER && !config->schema_create)
        return refuse(why, name,
                      "it is the table's compression, and schema.create: never forbids Sluice to "
                      "alter tables");
    return true;
}

static bool check_number(const struct topic_setting *setting, const struct gateway_config *config,
                         struct slice value, char why[TOPIC_SETTING_WHY_BYTES])
{
    struct slice name = slice_cstr(setting->name);
    int64_t number;

    if (!parse_number(value, &number))
        return refuse(why, name, "not a number");
    if (is(setting, "retention.ms"))
        return check_retention(name, number, config, why);
    if (number < 0)
        return refuse(why, name, "at least 0");
    if (!is(setting, "max.message.bytes"))
        return true;
    if (number < 1 || number > INT32_MAX || (uint64_t)number > config->max_request_bytes)
        return refuse(why, name, "1 to limits.max_request_bytes");
    return true;
}

static bool check_unknown(struct slice name, char why[TOPIC_SETTING_WHY_BYTES])
{
    for (size_t i = 0; i < sizeof(without_meaning) / sizeof(without_meaning[0]); i++)
        if (slice_equal(name, slice_cstr(without_meaning[i].name))) {
            char text[TOPIC_SETTING_WHY_BYTES];
            (void)snprintf(text, sizeof(text), "it has no meaning here: %s",
                           without_meaning[i].why);
            return refuse(why, name, text);
        }
    return refuse(why, name, "no such topic setting");
}

bool topic_setting_check(const struct gateway_config *config, unsigned copies, struct slice name,
                         struct slice value, char why[TOPIC_SETTING_WHY_BYTES])
{
    const struct topic_setting *setting = topic_setting_find(name);

    if (setting == NULL)
        return check_unknown(name, why);
    if (value.data == NULL)
        return refuse(why, name, "a value is missing");
    if (value.len >= TOPIC_SETTING_TEXT_BYTES)
        return refuse(why, name, "the value is too long");
    if (setting->why != NULL)
        return check_fixed(setting, config, copies, value, why);
    if (is(setting, "compression.type"))
        return check_compression(name, value, config, why);
    if (!is(setting, "message.timestamp.type"))
        return check_number(setting, config, value, why);
    return slice_equal(value, SLICE_LITERAL("CreateTime")) ||
           slice_equal(value, SLICE_LITERAL("LogAppendTime")) ||
           refuse(why, name, "CreateTime or LogAppendTime");
}

static int64_t number_in(struct slice map, struct slice key, int64_t otherwise)
{
    int64_t value;
    struct slice text = text_map_get(map, key);

    return text.data != NULL && parse_number(text, &value) ? value : otherwise;
}

void topic_settings_read(struct slice map, struct topic_settings *settings)
{
    struct slice type = text_map_get(map, SLICE_LITERAL("message.timestamp.type"));
    int64_t ttl_s = number_in(map, TOPIC_KEY_TABLE_TTL, 0);

    *settings = (struct topic_settings){
        .retention_ms = number_in(map, SLICE_LITERAL("retention.ms"), -1),
        .max_message_bytes = number_in(map, SLICE_LITERAL("max.message.bytes"), 0),
        .timestamp_before_max_ms =
            number_in(map, SLICE_LITERAL("message.timestamp.before.max.ms"), -1),
        .timestamp_after_max_ms =
            number_in(map, SLICE_LITERAL("message.timestamp.after.max.ms"), -1),
        .table_ttl_s = ttl_s > 0 && ttl_s <= INT32_MAX ? (int32_t)ttl_s : 0,
        .had_ttl = text_map_get(map, TOPIC_KEY_HAD_TTL).data != NULL,
    };
    if (settings->max_message_bytes < 0)
        settings->max_message_bytes = 0; /* nobody checked it */
    (void)find_compression(text_map_get(map, SLICE_LITERAL("compression.type")),
                           &settings->compression);
    (void)find_compression(text_map_get(map, TOPIC_KEY_TABLE_COMPRESSION),
                           &settings->table_compression);
    if (slice_equal(type, SLICE_LITERAL("CreateTime")))
        settings->timestamp_type = TOPIC_CREATE_TIME;
    else if (slice_equal(type, SLICE_LITERAL("LogAppendTime")))
        settings->timestamp_type = TOPIC_LOG_APPEND_TIME;
}

int32_t topic_ttl_s(int64_t retention_ms)
{
    if (retention_ms < 0)
        return 0;
    if (retention_ms > TOPIC_RETENTION_MAX_MS)
        retention_ms = TOPIC_RETENTION_MAX_MS;
    return retention_ms < 1000 ? 1 : (int32_t)((retention_ms + 999) / 1000);
}

bool topic_table_is_behind(const struct topic_settings *settings)
{
    return topic_ttl_s(settings->retention_ms) != settings->table_ttl_s ||
           settings->compression != settings->table_compression;
}

void topic_settings_rules(const struct topic_settings *settings,
                          const struct gateway_config *config, struct record_rules *rules)
{
    *rules = (struct record_rules){
        .max_message_bytes = (size_t)settings->max_message_bytes, /* 0: the gateway's */
        .is_log_append_time = settings->timestamp_type == TOPIC_TIMESTAMP_DEFAULT
                                  ? config->log_append_time
                                  : settings->timestamp_type == TOPIC_LOG_APPEND_TIME,
        .timestamp_before_max_ms = settings->timestamp_before_max_ms >= 0
                                       ? settings->timestamp_before_max_ms
                                       : bound_ms(config->timestamp_before_max_us),
        .timestamp_after_max_ms = settings->timestamp_after_max_ms >= 0
                                      ? settings->timestamp_after_max_ms
                                      : bound_ms(config->timestamp_after_max_us),
    };
}

static bool is_own_key(struct slice key)
{
    return key.len > OWN_PREFIX_BYTES && memcmp(key.data, "sluice.", OWN_PREFIX_BYTES) == 0;
}

static const struct topic_change *find_change(const struct topic_change *changes, size_t count,
                                              struct slice name)
{
    for (size_t i = 0; i < count; i++)
        if (slice_equal(changes[i].name, name))
            return &changes[i];
    return NULL;
}

int topic_configuration_change(struct slice map, const struct topic_change *changes, size_t count,
                               bool replace, struct buf *out)
{
    struct text_map_reader reader;
    uint32_t pairs = 0;
    int rc = STATUS_OK;

    for (int pass = 0; rc == STATUS_OK && pass < 2; pass++) { /* counting, then writing */
        if (pass == 1)
            rc = text_map_begin(out, pairs);
        text_map_open(&reader, map);
        while (rc == STATUS_OK && text_map_next(&reader)) {
            if (find_change(changes, count, reader.key) != NULL ||
                (replace && !is_own_key(reader.key)))
                continue;
            pairs++;
            if (pass == 1)
                rc = text_map_pair(out, reader.key, reader.value);
        }
        for (size_t i = 0; rc == STATUS_OK && i < count; i++) {
            if (changes[i].value.data == NULL)
                continue;
            pairs++;
            if (pass == 1)
                rc = text_map_pair(out, changes[i].name, changes[i].value);
        }
    }
    return rc;
}

int topic_configuration_mark(struct slice map, bool applied, struct buf *out)
{
    struct topic_settings settings;
    char text[16];

    topic_settings_read(map, &settings);
    int32_t ttl_s = topic_ttl_s(settings.retention_ms);
    (void)snprintf(text, sizeof(text), "%d", ttl_s);
    const struct topic_change changes[] = {
        {TOPIC_KEY_HAD_TTL, SLICE_LITERAL("true")},
        {TOPIC_KEY_TABLE_TTL, ttl_s == 0 ? SLICE_NULL : slice_cstr(text)},
        {TOPIC_KEY_TABLE_COMPRESSION, settings.compression == TOPIC_COMPRESSION_PRODUCER
                                          ? SLICE_NULL
                                          : slice_cstr(compressions[settings.compression])},
    };
    bool has = ttl_s != 0 || settings.had_ttl; /* an old or a new time to live */
    return topic_configuration_change(map, changes + (has ? 0 : 1),
                                      (has ? 1u : 0u) + (applied ? 2u : 0u), false, out);
}
