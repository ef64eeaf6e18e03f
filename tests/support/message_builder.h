/*
 * Builds message sets of magic 0 and 1 for tests. It shares no code with kafka/message_set.c, its
 * checksum included, and ends the process when memory is out.
 *
 *     struct message_builder builder;
 *     message_builder_init(&builder, 1);
 *     message_add(&builder, 1000, SLICE_NULL, SLICE_LITERAL("hello"));
 *     message_wrap(&builder, KAFKA_CODEC_GZIP);        only for a compressed set
 *     ... message_set(&builder) ...
 *     message_builder_deinit(&builder);
 */
#ifndef TESTS_SUPPORT_MESSAGE_BUILDER_H
#define TESTS_SUPPORT_MESSAGE_BUILDER_H

#include "tests/support/batch_builder.h"

struct message_builder {
    /* Set these at any time; they count for what is added from then on. */
    uint8_t magic;
    uint8_t attributes;   /* of plain messages; bits to add for a wrapper */
    int64_t next_offset;  /* of the next message; one more each time */
    int64_t wrapper_offset;
    int32_t key_len_change, value_len_change; /* added to the true lengths */
    uint32_t crc_change;                      /* bits to flip */
    enum batch_snappy snappy;
    uint8_t lz4_checksum_change; /* bits to flip in the frame header's checksum */

    struct buf set;
};

void message_builder_init(struct message_builder *builder, uint8_t magic);
void message_builder_deinit(struct message_builder *builder);
/* Forgets the messages; settings stay, and the next offset is 0. */
void message_builder_reset(struct message_builder *builder);
void message_add(struct message_builder *builder, int64_t timestamp, struct slice key,
                 struct slice value);
/* What was added becomes the value of one wrapper with the last timestamp. */
void message_wrap(struct message_builder *builder, enum kafka_codec codec);
/* Valid until the builder is next touched. */
struct slice message_set(const struct message_builder *builder);
/* CRC-32 (IEEE 802.3), bit by bit. */
uint32_t message_crc32(struct slice bytes);

#endif
