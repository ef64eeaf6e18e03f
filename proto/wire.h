/*
 * One cursor for all wire bytes of both protocols, and one walk per message.
 *
 * A message body is described by one function that visits its fields in wire order. The cursor's
 * mode gives the visit its meaning: DECODE reads into the struct, ENCODE appends the struct to a
 * buf, MEASURE counts the bytes ENCODE would append, PRINT writes "name=value" text for people.
 *
 * The first error sticks, with the field's name and offset; after it every read yields zero or
 * empty and every write is dropped, so walks need no checks of their own and all loops end. The
 * caller looks at `error` once, at the end. Lengths are compared with the bytes remaining, never
 * added to a position. Decoded slices borrow from the input; decoded arrays come from the arena.
 */
#ifndef PROTO_WIRE_H
#define PROTO_WIRE_H

#include "proto/arena.h"
#include "proto/buf.h"
#include "proto/slice.h"
#include "proto/status.h"

enum wire_mode { WIRE_DECODE, WIRE_ENCODE, WIRE_MEASURE, WIRE_PRINT };

struct wire {
    enum wire_mode mode;
    bool flexible; /* Kafka: compact lengths and tagged fields (KIP-482) in this message */
    int error;     /* enum status, sticky */
    const char *error_field;
    size_t error_offset; /* of the field, from the start of the input or output */
    struct slice in;     /* DECODE */
    size_t position;     /* DECODE: bytes read. ENCODE, MEASURE, PRINT: bytes produced */
    struct buf *out;     /* ENCODE, PRINT */
    struct arena *arena; /* DECODE */
    unsigned depth;      /* PRINT: nesting */
};

void wire_init_decode(struct wire *wire, struct slice in, struct arena *arena);
void wire_init_encode(struct wire *wire, struct buf *out);
void wire_init_measure(struct wire *wire);
void wire_init_print(struct wire *wire, struct buf *out);

static inline bool wire_decoding(const struct wire *wire) { return wire->mode == WIRE_DECODE; }
size_t wire_remaining(const struct wire *wire); /* DECODE: bytes left, 0 after an error */
/* Records the first error; later ones are ignored. */
void wire_fail(struct wire *wire, int status, const char *field);

/* Fixed-width integers, big endian. */
void wire_i8(struct wire *wire, const char *field, int8_t *value);
void wire_u8(struct wire *wire, const char *field, uint8_t *value);
void wire_i16(struct wire *wire, const char *field, int16_t *value);
void wire_u16(struct wire *wire, const char *field, uint16_t *value);
void wire_i32(struct wire *wire, const char *field, int32_t *value);
void wire_u32(struct wire *wire, const char *field, uint32_t *value);
void wire_i64(struct wire *wire, const char *field, int64_t *value);
void wire_bool(struct wire *wire, const char *field, bool *value); /* one byte, 0 = false */
void wire_f64(struct wire *wire, const char *field, double *value);
/* LEB128, at most 5 bytes; more, or bits beyond 32: MALFORMED. */
void wire_uvarint(struct wire *wire, const char *field, uint32_t *value);
/*
 * `len` bytes that stay where they are: DECODE borrows, ENCODE appends (value->len must be `len`).
 * PRINT shows text or hex, cut, or null for a null slice. DECODE never yields a null slice: empty
 * ones and those after an error have len 0 and data that is not NULL; null is the caller's to set.
 */
void wire_bytes(struct wire *wire, const char *field, struct slice *value, size_t len);
/* Fixed-size bytes held in the struct (a uuid). */
void wire_fixed(struct wire *wire, const char *field, void *value, size_t len);
/*
 * The storage of an array of `count` elements. DECODE: count is checked against the bytes left
 * divided by min_wire_bytes (>= 1; more than fit: TRUNCATED), then *items comes zeroed from the
 * arena (LIMIT, NOMEM); false (and *items NULL) on error. A count of 0 gives items that are not
 * NULL. Other modes: true, *items untouched. The caller then visits each element.
 */
bool wire_array(struct wire *wire, const char *field, void **items, size_t count, size_t item_bytes,
                size_t min_wire_bytes);
/* PRINT only, nothing otherwise: "name{" and "}" around nested structs. */
void wire_enter(struct wire *wire, const char *field);
void wire_leave(struct wire *wire);

#endif
