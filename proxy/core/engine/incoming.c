#include "core/engine/incoming.h"

#include "kafka/error.h"

enum {
    FIRST_BATCH_VERSION = 3, /* of Produce: from here on record batches only */
    FIRST_ZSTD_VERSION = 7,
};

static bool refuse(struct kafka_refusal *refusal, int16_t code, const char *message)
{
    *refusal = (struct kafka_refusal){.code = code, .record_index = -1, .message = message};
    return false;
}

static bool open_batch(struct incoming *in, struct slice bytes, int16_t version,
                       const struct incoming_limits *limits)
{
    if (!kafka_record_batch_open(bytes, limits->max_message_bytes, &in->batch, &in->refusal))
        return false;
    if (in->batch.codec == KAFKA_CODEC_ZSTD && version < FIRST_ZSTD_VERSION)
        return refuse(&in->refusal, KAFKA_UNSUPPORTED_COMPRESSION_TYPE,
                      "zstd needs Produce version 7");
    return true;
}

static bool open_set(struct incoming *in, struct slice bytes, const struct incoming_limits *limits)
{
    in->is_message_set = true;
    if (!kafka_message_set_open(bytes, limits->max_message_bytes, &in->set, &in->refusal))
        return false;
    in->batch = (struct kafka_record_batch){.producer_id = -1,
                                            .producer_epoch = -1,
                                            .base_sequence = -1,
                                            .record_count = in->set.count,
                                            .codec = in->set.codec,
                                            .records = in->set.messages,
                                            .wire_bytes = in->set.wire_bytes};
    return true;
}

bool incoming_open(struct incoming *in, struct slice bytes, int16_t version,
                   const struct incoming_limits *limits)
{
    in->is_message_set = false;
    in->records = SLICE_NULL;
    /* Kafka takes a batch from versions 0 to 2 as well. */
    return version < FIRST_BATCH_VERSION && kafka_is_message_set(bytes)
               ? open_set(in, bytes, limits)
               : open_batch(in, bytes, version, limits);
}

static bool decompress_failed(struct incoming *in, int status)
{
    switch (status) {
    case STATUS_LIMIT:
        return refuse(&in->refusal, KAFKA_MESSAGE_TOO_LARGE,
                      "the batch is larger than topics.max_decompressed_bytes");
    case STATUS_NOMEM:
        return refuse(&in->refusal, KAFKA_NOT_ENOUGH_REPLICAS, "out of memory");
    case STATUS_UNSUPPORTED:
        return refuse(&in->refusal, KAFKA_UNSUPPORTED_COMPRESSION_TYPE,
                      "this codec is not supported");
    default:
        return refuse(&in->refusal, KAFKA_INVALID_RECORD,
                      "the compressed records cannot be decompressed");
    }
}

bool incoming_decompress(struct incoming *in, struct kafka_decompressor *decompressor,
                         struct buf *scratch, const struct incoming_limits *limits)
{
    size_t limit = limits->max_decompressed_bytes;
    enum kafka_codec codec = in->batch.codec;

    in->records = in->batch.records;
    if (codec == KAFKA_CODEC_NONE)
        return true;
    buf_reset(scratch);
    int rc = in->is_message_set
                 ? kafka_decompress_message(decompressor, codec, in->set.magic, in->batch.records,
                                            scratch, limit)
                 : kafka_decompress(decompressor, codec, in->batch.records, scratch, limit);
    in->records = buf_unread(scratch);
    if (rc != STATUS_OK)
        return decompress_failed(in, rc);
    if (!in->is_message_set)
        return true;
    bool entered = kafka_message_set_enter(&in->set, in->records, &in->refusal);
    in->batch.record_count = in->set.count;
    return entered;
}

void incoming_reader_init(struct incoming_reader *reader, const struct incoming *in,
                          const struct record_rules *rules, const struct incoming_limits *limits,
                          struct moment now)
{
    reader->is_message_set = in->is_message_set;
    reader->index = 0;
    reader->rules = rules;
    reader->now_ms = now.wall_us / 1000;
    reader->refusal = (struct kafka_refusal){.record_index = -1};
    if (in->is_message_set)
        kafka_message_reader_init(&reader->set, &in->set);
    else
        kafka_record_reader_init(&reader->batch, &in->batch, in->records,
                                 limits->max_record_headers);
}

static bool refuse_record(struct incoming_reader *reader, int16_t code, const char *message)
{
    reader->refusal = (struct kafka_refusal){
        .code = code, .record_index = reader->index, .message = message};
    return false;
}

/* Is the later one more than the limit after the earlier one? */
static bool beyond(int64_t later_ms, int64_t earlier_ms, int64_t limit_ms)
{
    int64_t apart;

    return limit_ms != INT64_MAX && later_ms > earlier_ms &&
           (__builtin_sub_overflow(later_ms, earlier_ms, &apart) || apart > limit_ms);
}

static bool follow_rules(struct incoming_reader *reader, struct kafka_record *record)
{
    const struct record_rules *rules = reader->rules;

    if (rules->is_compacted && record->key.data == NULL)
        return refuse_record(reader, KAFKA_INVALID_RECORD,
                             "a compacted topic needs a key for each record");
    if (rules->is_log_append_time)
        record->timestamp = reader->now_ms;
    else if (record->timestamp == -1)
        return true;
    else if (beyond(reader->now_ms, record->timestamp, rules->timestamp_before_max_ms))
        return refuse_record(reader, KAFKA_INVALID_TIMESTAMP,
                             "timestamp is more than message.timestamp.before.max.ms ago");
    else if (beyond(record->timestamp, reader->now_ms, rules->timestamp_after_max_ms))
        return refuse_record(reader, KAFKA_INVALID_TIMESTAMP,
                             "timestamp is more than message.timestamp.after.max.ms ahead");
    return true;
}

bool incoming_next(struct incoming_reader *reader, struct kafka_record *record)
{
    bool sound = reader->is_message_set ? kafka_message_next(&reader->set, record)
                                        : kafka_record_next(&reader->batch, record);

    if (!sound) {
        if (reader->refusal.code == 0)
            reader->refusal =
                reader->is_message_set ? reader->set.refusal : reader->batch.refusal;
        return false;
    }
    if (!follow_rules(reader, record))
        return false;
    reader->index++;
    return true;
}
