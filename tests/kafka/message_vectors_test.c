/* Message sets that old clients sent, see tests/vectors/generate/message_sets.py. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kafka/compression.h"
#include "kafka/message_set.h"
#include "tests/kafka/log_vectors.h"

#define FOLDER      SOURCE_DIR "/tests/vectors/message_set"
#define MIN_VECTORS 20 /* an empty folder must not pass */

static void print_record(struct buf *out, int32_t index, const struct kafka_record *record)
{
    assert_int_equal(
        buf_printf(out, "%" PRId32 " timestamp=%" PRId64 " key=", index, record->timestamp),
        STATUS_OK);
    log_vector_print_hex(out, record->key);
    assert_int_equal(buf_printf(out, " value="), STATUS_OK);
    log_vector_print_hex(out, record->value);
    assert_int_equal(buf_printf(out, "\n"), STATUS_OK);
}

static void describe(struct kafka_decompressor *decompressor, struct slice bytes, struct buf *out)
{
    struct kafka_message_set set;
    struct kafka_refusal refusal;
    struct buf plain;
    buf_init(&plain, &alloc_heap, LOG_VECTOR_LIMIT_BYTES);
    if (!kafka_message_set_open(bytes, LOG_VECTOR_LIMIT_BYTES, &set, &refusal)) {
        fail_msg("%s", refusal.message);
    }
    if (set.codec != KAFKA_CODEC_NONE) {
        assert_int_equal(kafka_decompress_message(decompressor, set.codec, set.magic, set.messages,
                                                  &plain, LOG_VECTOR_LIMIT_BYTES),
                         STATUS_OK);
        if (!kafka_message_set_enter(&set, buf_unread(&plain), &refusal)) {
            fail_msg("%s", refusal.message);
        }
    }
    assert_int_equal(buf_printf(out, "set magic=%d codec=%d count=%" PRId32 "\n", (int)set.magic,
                                (int)set.codec, set.count),
                     STATUS_OK);
    struct kafka_message_reader reader;
    struct kafka_record record;
    kafka_message_reader_init(&reader, &set);
    for (int32_t i = 0; kafka_message_next(&reader, &record); i++) {
        print_record(out, i, &record);
    }
    assert_int_equal(reader.refusal.code, KAFKA_NONE);
    buf_deinit(&plain);
}

static void every_set_of_an_old_client_reads_as_it_was_meant(void **state)
{
    (void)state;
    log_vectors_check(FOLDER, MIN_VECTORS, describe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_set_of_an_old_client_reads_as_it_was_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
