/*
 * Reads the vectors of tests/vectors/record_batch and message_set, a file each: lines of
 * hexadecimal bytes, and after "= " what they mean, a line for each record. See
 * tests/vectors/generate.
 */
#ifndef TESTS_KAFKA_LOG_VECTORS_H
#define TESTS_KAFKA_LOG_VECTORS_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kafka/compression.h"
#include "tests/kafka/vectors.h"

#define LOG_VECTOR_LIMIT_BYTES ((size_t)1 << 24)
#define LOG_VECTOR_LINE_BYTES  8192

struct log_vector {
    struct buf text;  /* the lines after "= " */
    struct buf bytes; /* as they were sent */
};

/* Says what the bytes mean, as a file says it. */
typedef void (*log_vector_describe)(struct kafka_decompressor *decompressor, struct slice bytes,
                                    struct buf *out);

static inline void log_vector_line(struct log_vector *vector, const char *line)
{
    if (line[0] == '#')
        return;
    if (line[0] == '=') {
        assert_int_equal(buf_append(&vector->text, slice_cstr(line + 2)), STATUS_OK);
        return;
    }
    for (; isxdigit((unsigned char)line[0]); line += 2) {
        uint8_t byte = (uint8_t)(vector_hex_digit(line[0]) * 16 + vector_hex_digit(line[1]));
        assert_int_equal(buf_append(&vector->bytes, slice_make(&byte, 1)), STATUS_OK);
    }
}

static inline void log_vector_read(struct log_vector *vector, const char *folder, const char *name)
{
    static char line[LOG_VECTOR_LINE_BYTES];
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    buf_init(&vector->text, &alloc_heap, LOG_VECTOR_LIMIT_BYTES);
    buf_init(&vector->bytes, &alloc_heap, LOG_VECTOR_LIMIT_BYTES);
    while (fgets(line, sizeof(line), file) != NULL)
        log_vector_line(vector, line);
    fclose(file);
}

static inline void log_vector_check(const char *folder, const char *name,
                                    struct kafka_decompressor *decompressor,
                                    log_vector_describe describe)
{
    struct log_vector vector;
    struct buf text;
    buf_init(&text, &alloc_heap, LOG_VECTOR_LIMIT_BYTES);
    log_vector_read(&vector, folder, name);
    describe(decompressor, buf_unread(&vector.bytes), &text);
    if (!slice_equal(buf_unread(&text), buf_unread(&vector.text)))
        fail_msg("%s: read\n%.*sexpected\n%.*s", name, (int)buf_len(&text), (const char *)text.data,
                 (int)buf_len(&vector.text), (const char *)vector.text.data);
    buf_deinit(&text);
    buf_deinit(&vector.text);
    buf_deinit(&vector.bytes);
}

/* All files of a folder, at least so many: an empty one must not pass. */
static inline void log_vectors_check(const char *folder, size_t least, log_vector_describe describe)
{
    size_t count = 0;
    struct kafka_decompressor *decompressor = kafka_decompressor_new(&alloc_heap);
    DIR *files = opendir(folder);
    assert_non_null(decompressor);
    assert_non_null(files);
    for (struct dirent *entry; (entry = readdir(files)) != NULL;) {
        if (strstr(entry->d_name, ".hex") == NULL)
            continue;
        log_vector_check(folder, entry->d_name, decompressor, describe);
        count++;
    }
    closedir(files);
    kafka_decompressor_free(decompressor);
    assert_true(count >= least);
}

static inline void log_vector_print_hex(struct buf *out, struct slice bytes)
{
    if (bytes.data == NULL)
        assert_int_equal(buf_printf(out, "null"), STATUS_OK);
    for (size_t i = 0; i < bytes.len; i++)
        assert_int_equal(buf_printf(out, "%02x", bytes.data[i]), STATUS_OK);
}

#endif
