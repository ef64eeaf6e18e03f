/*
 * Message sets, magic 0 and 1: what Produce 0-2 carries, from clients older than record batches
 * (KIP-98) and from those that think the broker is. Layout: Kafka protocol guide, "Message sets";
 * KIP-31 (relative offsets), KIP-32 (timestamps).
 *
 *   set      offset | size | message, offset | size | message, ...
 *   message  crc | magic | attributes | timestamp (magic 1) | key | value
 *
 * A message whose attributes name a codec is a wrapper: its value is a compressed set of the same
 * magic. A set is either plain messages or one wrapper, as a broker wants it. Offsets give the
 * order only: records are numbered as they lie, as a broker does. Sounder than Kafka: bytes of an
 * incomplete message, which it drops in silence, are refused, inside a wrapper too; lengths must
 * fill a message; no error is ever -1.
 */
#ifndef KAFKA_MESSAGE_SET_H
#define KAFKA_MESSAGE_SET_H

#include "kafka/record_batch.h"

struct kafka_message_set {
    uint8_t magic;
    enum kafka_codec codec;
    int64_t wrapper_offset;
    int32_t count;         /* plain: complete and checked; a wrapper: 0 until it is entered */
    size_t wire_bytes;     /* the whole set */
    struct slice messages; /* plain: the set; a wrapper: its compressed value */
};

/* Does a Produce 0-2 carry a message set here? False: magic 2 or more, that is for
 * kafka_record_batch_open(). Too few bytes to tell are a message set, which will be refused. */
bool kafka_is_message_set(struct slice bytes);

/*
 * Opens the set of one partition. Checks, in a broker's order: not null and not empty (87), each
 * message complete (87), of a known magic and at least as long as its header (2), its size (with
 * the 12 bytes before it) <= max_message_bytes (10), its CRC-32 (2), no record batch among messages
 * (87), one magic (87), codec id (5-7: 76, zstd: 87), a wrapper alone (87), its value not null (87), its log append
 * time bit (32). False: *refusal says why, and *set is not to be used.
 */
bool kafka_message_set_open(struct slice bytes, size_t max_message_bytes,
                            struct kafka_message_set *set, struct kafka_refusal *refusal);
/*
 * The wrapper's content is `plain` (kafka_decompress_message): looks at the frames of its messages
 * and counts them. Refuses: none, an incomplete one, a wrapper offset that is neither 0 nor at
 * least the last inner one of magic 1 (87), too small a size (2). `plain` must outlive the set.
 */
bool kafka_message_set_enter(struct kafka_message_set *set, struct slice plain,
                             struct kafka_refusal *refusal);

struct kafka_message_reader {
    const uint8_t *next;
    const uint8_t *end;
    int32_t index; /* of the next message */
    int16_t wrapper_magic; /* -1: no wrapper */
    struct kafka_refusal refusal;
};

/* Of a set that is plain or was entered; its bytes must outlive the reader and what it yields. */
void kafka_message_reader_init(struct kafka_message_reader *reader,
                               const struct kafka_message_set *set);
/*
 * The next record; it has no headers, and its timestamp is -1 with magic 0. False at the end, and
 * at the first one that is not sound (refusal.code: 87 with its index for a wrapper in a wrapper,
 * another magic than the wrapper's, lengths that do not fill the message; 32 with its index for log
 * append time on a plain message; 2 for the checksum inside a wrapper); false from then on.
 */
bool kafka_message_next(struct kafka_message_reader *reader, struct kafka_record *record);

#endif
