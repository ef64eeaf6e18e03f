/*
 * The record loop alone: what does one record of a 16 KiB batch cost?
 *
 *     record_loop [batches [value bytes [headers]]]
 *     valgrind --tool=callgrind --toggle-collect=kafka_record_next record_loop 100
 *
 * Prints nanoseconds per record; with the toggle, callgrind's total / records = instructions per
 * record.
 */
#include "tests/support/batch_builder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BATCH_BYTES     16384
#define MAX_VALUE_BYTES 8192

static void build(struct batch_builder *builder, size_t value_bytes, int32_t header_count)
{
    static uint8_t value[MAX_VALUE_BYTES];
    static const struct batch_header headers[2] = {
        {SLICE_INIT("trace-id"), SLICE_INIT("0123456789abcdef")},
        {SLICE_INIT("source"), SLICE_INIT("bench")},
    };
    int64_t timestamp = 1700000000000;
    memset(value, 'v', sizeof(value));
    batch_builder_init(builder);
    while (buf_len(&builder->records) + value_bytes + 80 < BATCH_BYTES || builder->count == 0) {
        batch_add_with_headers(builder, timestamp + builder->count / 16, SLICE_NULL,
                               slice_make(value, value_bytes), headers, header_count);
    }
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    long batches = argc > 1 ? atol(argv[1]) : 100000;
    size_t value_bytes = argc > 2 ? (size_t)atol(argv[2]) : 100;
    int32_t headers = argc > 3 ? (int32_t)atol(argv[3]) : 0;
    if (value_bytes > MAX_VALUE_BYTES || headers < 0 || headers > 2) {
        fprintf(stderr, "record_loop: at most %d value bytes, 2 headers\n", MAX_VALUE_BYTES);
        return 2;
    }
    struct batch_builder builder;
    build(&builder, value_bytes, headers);
    struct kafka_record_batch batch;
    struct kafka_refusal refusal;
    if (!kafka_record_batch_open(batch_build(&builder), SIZE_MAX, &batch, &refusal)) {
        fprintf(stderr, "record_loop: %s\n", refusal.message);
        return 1;
    }

    uint64_t records = 0;
    uint64_t bytes = 0; /* printed, so that the loop cannot be optimised away */
    double start = now_ns();
    for (long i = 0; i < batches; i++) {
        struct kafka_record_reader reader;
        struct kafka_record record;
        kafka_record_reader_init(&reader, &batch, batch.records, 1024);
        while (kafka_record_next(&reader, &record)) {
            records++;
            bytes += record.value.len + (uint64_t)record.timestamp % 2;
        }
        if (reader.refusal.code != 0) {
            fprintf(stderr, "record_loop: %s\n", reader.refusal.message);
            return 1;
        }
    }
    double ns = now_ns() - start;
    printf("%" PRIu64 " records, %" PRId32 " a batch, %.2f ns a record (%" PRIu64 ")\n", records,
           batch.record_count, ns / (double)records, bytes);
    batch_builder_deinit(&builder);
    return 0;
}
