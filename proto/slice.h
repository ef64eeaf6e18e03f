/* A borrowed range of bytes. A slice never owns; who lends it says how long it lasts. */
#ifndef PROTO_SLICE_H
#define PROTO_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const uint8_t *data; /* NULL: null on the wire, which is not the same as empty */
    size_t len;
};

#define SLICE_NULL ((struct slice){NULL, 0})
#define SLICE_LITERAL(text) ((struct slice){(const uint8_t *)(text), sizeof(text) - 1})
/* The same as an initialiser: static tables want a constant, which a compound literal is not. */
#define SLICE_INIT(text) {(const uint8_t *)(text), sizeof(text) - 1}

static inline struct slice slice_make(const void *data, size_t len)
{
    return (struct slice){data, len};
}

static inline struct slice slice_cstr(const char *text)
{
    return (struct slice){(const uint8_t *)text, text == NULL ? 0 : strlen(text)};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool slice_ends_with(struct slice slice, const char *end)
{
    size_t len = strlen(end);
    return slice.len >= len && memcmp(slice.data + slice.len - len, end, len) == 0;
}

#endif
