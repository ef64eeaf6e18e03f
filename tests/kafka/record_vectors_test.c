/* Batches that Kafka's Java library and librdkafka wrote, see
 * tests/vectors/generate/RecordBatches.java. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kafka/compression.h"
#include "proto/crc32c.h"
#include "tests/kafka/log_vectors.h"

#define FOLDER      SOURCE_DIR "/tests/vectors/record_batch"
#define MIN_VECTORS 20 /* an empty folder must not pass */
#define MAX_LISTED  20 /* batches with more lines carry a checksum of them */

static void print_record(struct buf *out, int32_t index, const struct kafka_record *record)
{
    struct slice headers = record->headers;
    assert_int_equal(
        buf_printf(out, "%" PRId32 " timestamp=%" PRId64 " key=", index, record->timestamp),
        STATUS_OK);
    log_vector_print_hex(out, record->key);
    assert_int_equal(buf_printf(out, " value="), STATUS_OK);
    log_vector_print_hex(out, record->value);
    assert_int_equal(buf_printf(out, " headers="), STATUS_OK);
    for (int32_t i = 0; i < record->header_count; i++) {
        struct slice key;
        struct slice value;
        kafka_record_header_next(&headers, &key, &value);
        assert_int_equal(buf_printf(out, i == 0 ? "" : ","), STATUS_OK);
        log_vector_print_hex(out, key);
        assert_int_equal(buf_printf(out, ":"), STATUS_OK);
        log_vector_print_hex(out, value);
    }
    assert_int_equal(headers.len, 0);
    assert_int_equal(buf_printf(out, "\n"), STATUS_OK);
}

static void print_batch(struct buf *out, const struct kafka_record_batch *batch)
{
    assert_int_equal(buf_printf(out,
                                "batch codec=%d transactional=%d base_timestamp=%" PRId64
                                " max_timestamp=%" PRId64 " producer=%" PRId64
                                " epoch=%d sequence=%" PRId32 " count=%" PRId32 "\n",
                                (int)batch->codec,
                                (batch->attributes & KAFKA_BATCH_TRANSACTIONAL) != 0,
                                batch->base_timestamp, batch->max_timestamp, batch->producer_id,
                                batch->producer_epoch, batch->base_sequence, batch->record_count),
                     STATUS_OK);
}

static void describe(struct kafka_decompressor *decompressor, struct slice bytes, struct buf *out)
{
    struct kafka_record_batch batch;
    struct kafka_refusal refusal;
    if (!kafka_record_batch_open(bytes, LOG_VECTOR_LIMIT_BYTES, &batch, &refusal)) {
        fail_msg("%s", refusal.message);
    }
    struct buf plain;
    buf_init(&plain, &alloc_heap, LOG_VECTOR_LIMIT_BYTES);
    assert_int_equal(
        kafka_decompress(decompressor, batch.codec, batch.records, &plain, LOG_VECTOR_LIMIT_BYTES),
        STATUS_OK);
    struct kafka_record_reader reader;
    struct kafka_record record;
    int32_t lines = 1;
    print_batch(out, &batch);
    kafka_record_reader_init(&reader, &batch, buf_unread(&plain), 100);
    for (int32_t i = 0; kafka_record_next(&reader, &record); i++, lines++) {
        print_record(out, i, &record);
    }
    assert_int_equal(reader.refusal.code, KAFKA_NONE);
    buf_deinit(&plain);
    if (lines > MAX_LISTED) {
        uint32_t crc = crc32c_table(out->data, buf_len(out));
        buf_reset(out);
        assert_int_equal(buf_printf(out, "lines=%" PRId32 " crc32c=%08" PRIx32 "\n", lines, crc),
                         STATUS_OK);
    }
}

static void every_batch_of_other_encoders_reads_as_they_meant_it(void **state)
{
    (void)state;
    log_vectors_check(FOLDER, MIN_VECTORS, describe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_batch_of_other_encoders_reads_as_they_meant_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
