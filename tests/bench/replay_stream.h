/*
 * A stream of Produce requests to one partition, encoded once:
 *
 *      | size | header | topic, partition | batch header |  records, compressed or not; tail  |
 *      |<----- head: copied and patched per request ---->|<-- shared by all requests -->|
 *
 * What changes is the correlation id and, with a producer id, the base sequence and so the
 * checksum. A CRC is linear: a bit flipped in the sequence flips the same bits of the checksum
 * every time, so 32 of those are made once and no record is looked at again.
 */
#ifndef TESTS_BENCH_REPLAY_STREAM_H
#define TESTS_BENCH_REPLAY_STREAM_H

#include "kafka/record_batch.h"
#include "proto/slice.h"

#define REPLAY_HEAD_MAX_BYTES 512

struct replay_shape {
    const char *topic;
    int produce_version; /* up to 12 */
    enum kafka_codec codec;
    size_t batch_bytes; /* plain; one record at least */
    size_t value_bytes;
    size_t key_bytes;    /* 0: null */
    int64_t producer_id; /* -1: none */
    int16_t producer_epoch;
};

struct replay_stream {
    int32_t partition;
    int32_t record_count; /* of a request */
    size_t value_bytes;   /* of a request */
    size_t frame_bytes;
    uint8_t head[REPLAY_HEAD_MAX_BYTES];
    size_t head_len, batch_at;
    struct slice tail; /* lives as long as the process */
    uint32_t crc;      /* at sequence 0 */
    uint32_t crc_flips[32];
    bool is_idempotent;
    int32_t sequence; /* of the next request */
    /* the answers */
    int64_t next_offset; /* -1: none yet */
};

void replay_stream_init(struct replay_stream *stream, const struct replay_shape *shape,
                        int32_t partition);
/* Writes the next request's head (head_len bytes). */
void replay_stream_head(struct replay_stream *stream, int32_t correlation_id, uint8_t *to);

#endif
