#include "proto/wire.h"

#include <assert.h>

#include "proto/endian.h"
#include "proto/varint.h"
#include "proto/wire_print.h"

/* What a failed or empty read lends: not null, because null means something else on the wire. */
static const uint8_t NOTHING[1] = {0};

void wire_init_decode(struct wire *wire, struct slice in, struct arena *arena)
{
    assert(in.data != NULL || in.len == 0);
    *wire = (struct wire){.mode = WIRE_DECODE, .in = in, .arena = arena};
    if (in.data == NULL)
        wire->in.data = NOTHING;
}

void wire_init_encode(struct wire *wire, struct buf *out)
{
    *wire = (struct wire){.mode = WIRE_ENCODE, .out = out};
}

void wire_init_measure(struct wire *wire)
{
    *wire = (struct wire){.mode = WIRE_MEASURE};
}

void wire_init_print(struct wire *wire, struct buf *out)
{
    *wire = (struct wire){.mode = WIRE_PRINT, .out = out};
}

size_t wire_remaining(const struct wire *wire)
{
    if (wire->mode != WIRE_DECODE || wire->error != STATUS_OK)
        return 0;
    assert(wire->position <= wire->in.len);
    return wire->in.len - wire->position;
}

void wire_fail(struct wire *wire, int status, const char *field)
{
    assert(status < 0);
    if (wire->error != STATUS_OK)
        return;
    wire->error = status;
    wire->error_field = field;
    wire->error_offset = wire->position;
}

/* DECODE: the next `len` bytes, or NULL (and the error is set). */
static const uint8_t *take(struct wire *wire, const char *field, size_t len)
{
    if (wire->error != STATUS_OK)
        return NULL;
    if (len > wire->in.len - wire->position) {
        wire_fail(wire, STATUS_TRUNCATED, field);
        return NULL;
    }
    const uint8_t *bytes = wire->in.data + wire->position;
    wire->position += len;
    return bytes;
}

/* ENCODE: where to put the next `len` bytes, NULL on error. MEASURE: counts them, always NULL. */
static uint8_t *give(struct wire *wire, const char *field, size_t len)
{
    if (wire->error != STATUS_OK)
        return NULL;
    if (wire->mode == WIRE_MEASURE) {
        wire->position += len;
        return NULL;
    }
    assert(wire->mode == WIRE_ENCODE);
    int status = buf_reserve(wire->out, len);
    if (status < 0) {
        wire_fail(wire, status, field);
        return NULL;
    }
    uint8_t *bytes = buf_tail(wire->out);
    buf_wrote(wire->out, len);
    wire->position += len;
    return bytes;
}

void wire_i8(struct wire *wire, const char *field, int8_t *value)
{
    uint8_t *to;
    if (wire->mode == WIRE_DECODE) {
        const uint8_t *from = take(wire, field, sizeof(*value));
        *value = from == NULL ? 0 : (int8_t)*from;
    } else if (wire->mode == WIRE_PRINT) {
        wire_print_signed(wire, field, *value);
    } else if ((to = give(wire, field, sizeof(*value))) != NULL) {
        *to = (uint8_t)*value;
    }
}

void wire_u8(struct wire *wire, const char *field, uint8_t *value)
{
    uint8_t *to;
    if (wire->mode == WIRE_DECODE) {
        const uint8_t *from = take(wire, field, sizeof(*value));
        *value = from == NULL ? 0 : *from;
    } else if (wire->mode == WIRE_PRINT) {
        wire_print_unsigned(wire, field, *value);
    } else if ((to = give(wire, field, sizeof(*value))) != NULL) {
        *to = *value;
    }
}

void wire_i16(struct wire *wire, const char *field, int16_t *value)
{
    uint8_t *to;
    if (wire->mode == WIRE_DECODE) {
        const uint8_t *from = take(wire, field, sizeof(*value));
        *value = from == NULL ? 0 : (int16_t)be16_load(from);
    } else if (wire->mode == WIRE_PRINT) {
        wire_print_signed(wire, field, *value);
    } else if ((to = give(wire, field, sizeof(*value))) != NULL) {
        be16_store(to, (uint16_t)*value);
    }
}

void wire_u16(struct wire *wire, const char *field, uint16_t *value)
{
    uint8_t *to;
    if (wire->mode == WIRE_DECODE) {
        const uint8_t *from = take(wire, field, sizeof(*value));
        *value = from == NULL ? 0 : be16_load(from);
    } else if (wire->mode == WIRE_PRINT) {
        wire_print_unsigned(wire, field, *value);
    } else if ((to = give(wire, field, sizeof(*value))) != NULL) {
        be16_store(to, *value);
    }
}

void wire_i32(struct wire *wire, const char *field, int32_t *value)
{
    uint8_t *to;
    if (wire->mode == WIRE_DECODE) {
        const uint8_t *from = take(wire, field, sizeof(*value));
        *value = from == NULL ? 0 : (int32_t)be32_load(from);
    } else if (wire->mode == WIRE_PRINT) {
        wire_print_signed(wire, field, *value);
    } else if ((to = give(wire, field, sizeof(*value))) != NULL) {
        be32_store(to, (uint32_t)*value);
    }
}

void wire_u32(struct wire *wire, const char *field, uint32_t *value)
{
    uint8_t *to;
    if (wire->mode == WIRE_DECODE) {
        const uint8_t *from = take(wire, field, sizeof(*value));
        *value = from == NULL ? 0 : be32_load(from);
    } else if (wire->mode == WIRE_PRINT) {
        wire_print_unsigned(wire, field, *value);
    } else if ((to = give(wire, field, sizeof(*value))) != NULL) {
        be32_store(to, *value);
    }
}

void wire_i64(struct wire *wire, const char *field, int64_t *value)
{
    uint8_t *to;
    if (wire->mode == WIRE_DECODE) {
        const uint8_t *from = take(wire, field, sizeof(*value));
        *value = from == NULL ? 0 : (int64_t)be64_load(from);
    } else if (wire->mode == WIRE_PRINT) {
        wire_print_signed(wire, field, *value);
    } else if ((to = give(wire, field, sizeof(*value))) != NULL) {
        be64_store(to, (uint64_t)*value);
    }
}

void wire_bool(struct wire *wire, const char *field, bool *value)
{
    uint8_t *to;
    if (wire->mode == WIRE_DECODE) {
        const uint8_t *from = take(wire, field, 1);
        *value = from != NULL && *from != 0;
    } else if (wire->mode == WIRE_PRINT) {
        wire_print_bool(wire, field, *value);
    } else if ((to = give(wire, field, 1)) != NULL) {
        *to = *value ? 1 : 0;
    }
}

void wire_f64(struct wire *wire, const char *field, double *value)
{
    uint8_t *to;
    uint64_t bits = 0;
    _Static_assert(sizeof(bits) == sizeof(*value), "a double is eight bytes");
    if (wire->mode == WIRE_DECODE) {
        const uint8_t *from = take(wire, field, sizeof(bits));
        if (from != NULL)
            bits = be64_load(from);
        memcpy(value, &bits, sizeof(bits));
    } else if (wire->mode == WIRE_PRINT) {
        wire_print_double(wire, field, *value);
    } else if ((to = give(wire, field, sizeof(bits))) != NULL) {
        memcpy(&bits, value, sizeof(bits));
        be64_store(to, bits);
    }
}

enum {
    UVARINT_BYTES_MAX = 5,
    UVARINT_LAST_MAX = 0x0f, /* 32 - 4 * 7 bits are left for the fifth */
};

static uint32_t uvarint_decode(struct wire *wire, const char *field)
{
    size_t remaining = wire_remaining(wire);
    uint32_t value = 0;

    for (size_t i = 0; i < UVARINT_BYTES_MAX && i < remaining; i++) {
        uint8_t byte = wire->in.data[wire->position + i];
        if (i == UVARINT_BYTES_MAX - 1 && byte > UVARINT_LAST_MAX)
            break;
        value |= (uint32_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            wire->position += i + 1;
            return value;
        }
    }
    wire_fail(wire, remaining < UVARINT_BYTES_MAX ? STATUS_TRUNCATED : STATUS_MALFORMED, field);
    return 0;
}

void wire_uvarint(struct wire *wire, const char *field, uint32_t *value)
{
    if (wire->mode == WIRE_DECODE) {
        *value = uvarint_decode(wire, field);
    } else if (wire->mode == WIRE_PRINT) {
        wire_print_unsigned(wire, field, *value);
    } else {
        uint8_t bytes[UVARINT_BYTES_MAX];
        size_t len = uvarint_write(bytes, *value);
        uint8_t *to = give(wire, field, len);
        if (to != NULL)
            memcpy(to, bytes, len);
    }
}

void wire_bytes(struct wire *wire, const char *field, struct slice *value, size_t len)
{
    if (wire->mode == WIRE_DECODE) {
        const uint8_t *from = take(wire, field, len);
        *value = from == NULL ? slice_make(NOTHING, 0) : slice_make(from, len);
        return;
    }
    if (wire->mode == WIRE_PRINT) {
        wire_print_slice(wire, field, *value);
        return;
    }
    assert(value->len == len);
    uint8_t *to = give(wire, field, len);
    if (to != NULL && len > 0)
        memcpy(to, value->data, len);
}

void wire_fixed(struct wire *wire, const char *field, void *value, size_t len)
{
    if (wire->mode == WIRE_DECODE) {
        const uint8_t *from = take(wire, field, len);
        if (from == NULL)
            memset(value, 0, len);
        else
            memcpy(value, from, len);
        return;
    }
    if (wire->mode == WIRE_PRINT) {
        wire_print_hex(wire, field, slice_make(value, len));
        return;
    }
    uint8_t *to = give(wire, field, len);
    if (to != NULL)
        memcpy(to, value, len);
}

bool wire_array(struct wire *wire, const char *field, void **items, size_t count, size_t item_bytes,
                size_t min_wire_bytes)
{
    assert(min_wire_bytes > 0 && item_bytes > 0);
    if (wire->mode != WIRE_DECODE)
        return true;

    *items = NULL;
    if (wire->error != STATUS_OK)
        return false;
    if (count > wire_remaining(wire) / min_wire_bytes) {
        wire_fail(wire, STATUS_TRUNCATED, field);
        return false;
    }
    assert(wire->arena != NULL);
    if (count > SIZE_MAX / item_bytes || !arena_has_room(wire->arena, count * item_bytes)) {
        wire_fail(wire, STATUS_LIMIT, field);
        return false;
    }
    *items = arena_take_array(wire->arena, count, item_bytes);
    if (*items == NULL)
        wire_fail(wire, STATUS_NOMEM, field);
    return *items != NULL;
}

void wire_enter(struct wire *wire, const char *field)
{
    if (wire->mode == WIRE_PRINT)
        wire_print_enter(wire, field);
}

void wire_leave(struct wire *wire)
{
    if (wire->mode == WIRE_PRINT)
        wire_print_leave(wire);
}
