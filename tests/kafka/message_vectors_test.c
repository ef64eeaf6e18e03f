/* Message sets that old clients sent, see tests/vectors/generate/message_sets.py. */
#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kafka/compression.h"
#include "kafka/message_set.h"

#define FOLDER      SOURCE_DIR "/tests/vectors/message_set"
#define LIMIT_BYTES ((size_t)1 << 24)
#define MIN_VECTORS 20 /* an empty folder must not pass */
#define LINE_BYTES  8192

struct vector {
    struct buf text;  /* the lines after "= " */
    struct buf set;  /* the bytes */
};

static int hex_digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : c - 'a' + 10;
}

static void vector_line(struct vector *vector, const char *line)
{
    if (line[0] == '#') {
        return;
    }
    if (line[0] == '=') {
        assert_int_equal(buf_append(&vector->text, slice_cstr(line + 2)), STATUS_OK);
        return;
    }
    for (; isxdigit((unsigned char)line[0]); line += 2) {
        uint8_t byte = (uint8_t)(hex_digit(line[0]) * 16 + hex_digit(line[1]));
        assert_int_equal(buf_append(&vector->set, slice_make(&byte, 1)), STATUS_OK);
    }
}

static void vector_read(struct vector *vector, const char *name)
{
    static char line[LINE_BYTES];
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", FOLDER, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    buf_init(&vector->text, &alloc_heap, LIMIT_BYTES);
    buf_init(&vector->set, &alloc_heap, LIMIT_BYTES);
    while (fgets(line, sizeof(line), file) != NULL) {
        vector_line(vector, line);
    }
    fclose(file);
}

static void print_hex(struct buf *out, struct slice bytes)
{
    if (bytes.data == NULL) {
        assert_int_equal(buf_printf(out, "null"), STATUS_OK);
    }
    for (size_t i = 0; i < bytes.len; i++) {
        assert_int_equal(buf_printf(out, "%02x", bytes.data[i]), STATUS_OK);
    }
}

static void print_record(struct buf *out, int32_t index, const struct kafka_record *record)
{
    assert_int_equal(
        buf_printf(out, "%" PRId32 " timestamp=%" PRId64 " key=", index, record->timestamp),
        STATUS_OK);
    print_hex(out, record->key);
    assert_int_equal(buf_printf(out, " value="), STATUS_OK);
    print_hex(out, record->value);
    assert_int_equal(buf_printf(out, "\n"), STATUS_OK);
}

static void describe(struct kafka_decompressor *decompressor, struct slice bytes, struct buf *out)
{
    struct kafka_message_set set;
    struct kafka_refusal refusal;
    struct buf plain;
    buf_init(&plain, &alloc_heap, LIMIT_BYTES);
    if (!kafka_message_set_open(bytes, LIMIT_BYTES, &set, &refusal)) {
        fail_msg("%s", refusal.message);
    }
    if (set.codec != KAFKA_CODEC_NONE) {
        assert_int_equal(kafka_decompress_message(decompressor, set.codec, set.magic, set.messages,
                                                  &plain, LIMIT_BYTES),
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
    size_t count = 0;
    struct kafka_decompressor *decompressor = kafka_decompressor_new(&alloc_heap);
    DIR *folder = opendir(FOLDER);
    assert_non_null(decompressor);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (strstr(entry->d_name, ".hex") == NULL) {
            continue;
        }
        struct vector vector;
        struct buf text;
        buf_init(&text, &alloc_heap, LIMIT_BYTES);
        vector_read(&vector, entry->d_name);
        describe(decompressor, buf_unread(&vector.set), &text);
        if (!slice_equal(buf_unread(&text), buf_unread(&vector.text))) {
            fail_msg("%s: read\n%.*sexpected\n%.*s", entry->d_name, (int)buf_len(&text),
                     (const char *)text.data, (int)buf_len(&vector.text),
                     (const char *)vector.text.data);
        }
        buf_deinit(&text);
        buf_deinit(&vector.text);
        buf_deinit(&vector.set);
        count++;
    }
    closedir(folder);
    kafka_decompressor_free(decompressor);
    assert_true(count >= MIN_VECTORS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_set_of_an_old_client_reads_as_it_was_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
