/* Reads the golden vectors of tests/vectors/kafka; see tests/vectors/generate for their form. */
#ifndef TESTS_KAFKA_VECTORS_H
#define TESTS_KAFKA_VECTORS_H

#include <ctype.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kafka/api.h"

enum { VECTORS_MAX = 8, VECTOR_BYTES_MAX = 1024, VECTOR_TEXT_MAX = 2048 };

struct vector {
    char text[VECTOR_TEXT_MAX]; /* the body as kafka_print shows it */
    uint8_t bytes[VECTOR_BYTES_MAX];
    size_t len; /* of the whole frame, its size included */
};

struct vectors {
    struct vector at[VECTORS_MAX];
    size_t count;
};

static inline int vector_hex_digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : c - 'a' + 10;
}

static inline void vectors_line(struct vectors *vectors, const char *line)
{
    if (line[0] == '#' || line[0] == '\n')
        return;
    if (line[0] == '=') {
        assert_true(vectors->count < VECTORS_MAX);
        struct vector *fresh = &vectors->at[vectors->count++];
        fresh->len = 0;
        snprintf(fresh->text, sizeof(fresh->text), "%s", line + 2);
        fresh->text[strcspn(fresh->text, "\n")] = '\0';
        return;
    }
    struct vector *vector = &vectors->at[vectors->count - 1];
    for (; isxdigit((unsigned char)line[0]) && isxdigit((unsigned char)line[1]); line += 2) {
        assert_true(vector->len < VECTOR_BYTES_MAX);
        vector->bytes[vector->len++] =
            (uint8_t)(vector_hex_digit(line[0]) * 16 + vector_hex_digit(line[1]));
    }
}

/* "InitProducerId" -> "init_producer_id" */
static inline void vector_file_name(char *to, const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        if (isupper((unsigned char)*c) && c != name)
            *to++ = '_';
        *to++ = (char)tolower((unsigned char)*c);
    }
    *to = '\0';
}

/* False when there is no such file. */
static inline bool vectors_read(struct vectors *vectors, const struct kafka_api *api, int version,
                                bool request)
{
    char name[64];
    char path[512];
    char line[VECTOR_TEXT_MAX + 16];

    vector_file_name(name, api->name);
    snprintf(path, sizeof(path), "%s/tests/vectors/kafka/%s-v%d-%s.hex", SOURCE_DIR, name, version,
             request ? "request" : "response");
    FILE *file = fopen(path, "r");
    vectors->count = 0;
    if (file == NULL)
        return false;
    while (fgets(line, sizeof(line), file) != NULL)
        vectors_line(vectors, line);
    fclose(file);
    return vectors->count > 0;
}

#endif
