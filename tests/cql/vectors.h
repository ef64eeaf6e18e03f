/*
 * Reads the golden frames of tests/vectors/cql. A vector is a comment line, a line "= meaning" (not
 * always), and lines of hex: one frame.
 */
#ifndef TESTS_CQL_VECTORS_H
#define TESTS_CQL_VECTORS_H

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cql/frame.h"
#include "cql/opcode.h"

enum { VECTORS_MAX = 64, VECTOR_TEXT_MAX = 4096 };

struct vector {
    char comment[256];
    char meaning[VECTOR_TEXT_MAX]; /* empty: none given */
    bool has_meaning;
    uint8_t
        *bytes; /* a heap block of exactly this size, so that the sanitizer sees a read too far */
    size_t len;
};

struct vectors {
    struct vector at[VECTORS_MAX];
    size_t count;
};

static inline uint8_t vector_digit(char c)
{
    return (uint8_t)(isdigit((unsigned char)c) ? c - '0' : c - 'a' + 10);
}

/* Appends the bytes of a line of hex. */
static inline void vector_append(struct vector *vector, const char *line)
{
    size_t more = strspn(line, "0123456789abcdef") / 2;

    if (more == 0)
        return;
    vector->bytes = realloc(vector->bytes, vector->len + more);
    assert_non_null(vector->bytes);
    for (size_t i = 0; i < more; i++)
        vector->bytes[vector->len++] =
            (uint8_t)(vector_digit(line[2 * i]) << 4 | vector_digit(line[2 * i + 1]));
}

static inline void vector_text(char *to, size_t to_bytes, const char *line)
{
    snprintf(to, to_bytes, "%s", line);
    to[strcspn(to, "\n")] = '\0';
}

static inline void vectors_line(struct vectors *vectors, const char *line)
{
    if (line[0] == '#') {
        assert_true(vectors->count < VECTORS_MAX);
        struct vector *fresh = &vectors->at[vectors->count++];
        *fresh = (struct vector){.len = 0};
        vector_text(fresh->comment, sizeof(fresh->comment), line + 2);
        return;
    }
    assert_true(vectors->count > 0);
    struct vector *vector = &vectors->at[vectors->count - 1];
    if (line[0] == '=') {
        vector_text(vector->meaning, sizeof(vector->meaning), line[1] == ' ' ? line + 2 : "");
        vector->has_meaning = true;
    } else {
        vector_append(vector, line);
    }
}

/* `name` in lower case: "auth_response". NULL when there is no such file or nothing in it. */
static inline struct vectors *vectors_read(const char *name)
{
    char path[512];
    char line[VECTOR_TEXT_MAX + 8];
    struct vectors *vectors = calloc(1, sizeof(*vectors));

    assert_non_null(vectors);
    int at = snprintf(path, sizeof(path), "%s/tests/vectors/cql/", SOURCE_DIR);
    for (const char *c = name; *c != '\0'; c++)
        path[at++] = (char)tolower((unsigned char)*c);
    snprintf(path + at, sizeof(path) - (size_t)at, ".hex");
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        free(vectors);
        return NULL;
    }
    while (fgets(line, sizeof(line), file) != NULL)
        vectors_line(vectors, line);
    fclose(file);
    return vectors;
}

static inline void vectors_free(struct vectors *vectors)
{
    for (size_t i = 0; vectors != NULL && i < vectors->count; i++)
        free(vectors->at[i].bytes);
    free(vectors);
}

static inline struct cql_header vector_header(const struct vector *vector)
{
    assert_true(vector->len >= CQL_HEADER_BYTES);
    struct cql_header header = cql_header_read(vector->bytes);
    assert_int_equal(header.body_bytes, vector->len - CQL_HEADER_BYTES);
    return header;
}

/* The message: the body without its prefix. */
static inline struct slice vector_message(const struct vector *vector, struct cql_prefix *prefix)
{
    struct cql_header header = vector_header(vector);
    struct slice body = slice_make(vector->bytes + CQL_HEADER_BYTES, header.body_bytes);

    *prefix = (struct cql_prefix){.warnings = SLICE_NULL};
    if ((header.version & CQL_VERSION_RESPONSE) != 0)
        assert_int_equal(cql_prefix_decode(&body, header.flags, prefix), STATUS_OK);
    return body;
}

#endif
