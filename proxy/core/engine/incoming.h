/*
 * The records of one Produce entry on their way in, whatever their format: a record batch (magic 2)
 * or, with Produce 0-2, a message set (magic 0 and 1).
 *
 *   bytes -> incoming_open -> incoming_decompress -> a reader: a record at a time
 *
 * `batch` says of a message set what a batch would have said of it: its count, no producer.
 */
#ifndef PROXY_CORE_INCOMING_H
#define PROXY_CORE_INCOMING_H

#include "core/engine/record_rules.h"
#include "core/moment.h"
#include "kafka/compression.h"
#include "kafka/message_set.h"
#include "kafka/record_batch.h"

struct incoming {
    struct kafka_record_batch batch;
    struct slice records; /* plain; empty before incoming_decompress */
    struct kafka_refusal refusal;
    bool is_message_set;
    struct kafka_message_set set;
};

struct incoming_limits {
    size_t max_message_bytes;
    size_t max_decompressed_bytes;
    int32_t max_record_headers;
};

/* All that can be seen without decompressing, for this version of Produce: also 76 for a codec that
 * the version does not have. False: incoming->refusal. */
bool incoming_open(struct incoming *incoming, struct slice bytes, int16_t version,
                   const struct incoming_limits *limits);
/* Into `scratch`, unless they are plain. False: incoming->refusal (10 beyond the limit, 19 out of
 * memory, 87 for a broken stream). */
bool incoming_decompress(struct incoming *incoming, struct kafka_decompressor *decompressor,
                         struct buf *scratch, const struct incoming_limits *limits);

/* Records of either format, with the topic's rules. For those of a batch without rules the caller
 * uses kafka_record_next() itself: that is the hot loop. */
struct incoming_reader {
    bool is_message_set;
    int32_t index; /* of the next record */
    struct kafka_record_reader batch;
    struct kafka_message_reader set;
    const struct record_rules *rules;
    int64_t now_ms;
    struct kafka_refusal refusal;
};

/* `incoming`, `rules` and the plain records must outlive the reader. */
void incoming_reader_init(struct incoming_reader *reader, const struct incoming *incoming,
                          const struct record_rules *rules, const struct incoming_limits *limits,
                          struct moment now);
/* False: the end, or reader->refusal. */
bool incoming_next(struct incoming_reader *reader, struct kafka_record *record);

#endif
