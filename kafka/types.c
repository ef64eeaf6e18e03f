#include "kafka/types.h"

enum prefix { PREFIX_I16, PREFIX_I32, PREFIX_COMPACT };

/* A flexible message is full of them, and nearly all have one byte: that case is worth a short cut.
 */
static void uvarint(struct wire *wire, const char *field, uint32_t *value)
{
    if (wire->mode == WIRE_DECODE && wire->error == STATUS_OK && wire->position < wire->in.len &&
        wire->in.data[wire->position] < 0x80) {
        *value = wire->in.data[wire->position++];
    } else if (wire->mode == WIRE_ENCODE && *value < 0x80) {
        uint8_t byte = (uint8_t)*value;
        wire_u8(wire, field, &byte);
    } else {
        wire_uvarint(wire, field, value);
    }
}

static enum prefix prefix_of(const struct wire *wire, enum prefix classic)
{
    return wire->flexible ? PREFIX_COMPACT : classic;
}

/* Visits a length or count; -1 is null in all three forms. */
static int64_t length_walk(struct wire *wire, const char *field, enum prefix prefix, int64_t length)
{
    if (prefix == PREFIX_COMPACT) {
        uint32_t plus_one = (uint32_t)(length + 1);
        uvarint(wire, field, &plus_one);
        return (int64_t)plus_one - 1;
    }
    if (prefix == PREFIX_I16) {
        int16_t classic = (int16_t)length;
        wire_i16(wire, field, &classic);
        return classic;
    }
    int32_t classic = (int32_t)length;
    wire_i32(wire, field, &classic);
    return classic;
}

static bool length_sound(int64_t length, bool nullable, int64_t max)
{
    return length >= (nullable ? -1 : 0) && length <= max;
}

static void bytes_walk(struct wire *wire, const char *field, struct slice *value,
                       enum prefix prefix, int64_t max, bool nullable)
{
    if (wire->mode == WIRE_PRINT) {
        wire_bytes(wire, field, value, value->len);
        return;
    }
    int64_t length = 0;
    if (!wire_decoding(wire)) {
        if (value->len > (size_t)max) {
            wire_fail(wire, STATUS_LIMIT, field);
            return;
        }
        length = value->data != NULL ? (int64_t)value->len : nullable ? -1 : 0;
    }
    length = length_walk(wire, field, prefix, length);
    if (!length_sound(length, nullable, max)) {
        wire_fail(wire, STATUS_MALFORMED, field);
        length = -1;
    }
    if (length >= 0)
        wire_bytes(wire, field, value, (size_t)length);
    else if (wire_decoding(wire))
        *value = SLICE_NULL;
}

void kafka_string(struct wire *wire, const char *field, struct slice *value)
{
    bytes_walk(wire, field, value, prefix_of(wire, PREFIX_I16), KAFKA_STRING_MAX_BYTES, false);
}

void kafka_nullable_string(struct wire *wire, const char *field, struct slice *value)
{
    bytes_walk(wire, field, value, prefix_of(wire, PREFIX_I16), KAFKA_STRING_MAX_BYTES, true);
}

void kafka_legacy_nullable_string(struct wire *wire, const char *field, struct slice *value)
{
    bytes_walk(wire, field, value, PREFIX_I16, KAFKA_STRING_MAX_BYTES, true);
}

void kafka_bytes(struct wire *wire, const char *field, struct slice *value)
{
    bytes_walk(wire, field, value, prefix_of(wire, PREFIX_I32), INT32_MAX, false);
}

void kafka_nullable_bytes(struct wire *wire, const char *field, struct slice *value)
{
    bytes_walk(wire, field, value, prefix_of(wire, PREFIX_I32), INT32_MAX, true);
}

void kafka_records(struct wire *wire, const char *field, struct slice *value)
{
    kafka_nullable_bytes(wire, field, value);
}

void kafka_uuid(struct wire *wire, const char *field, uint8_t value[KAFKA_UUID_BYTES])
{
    wire_fixed(wire, field, value, KAFKA_UUID_BYTES);
}

void kafka_array(struct wire *wire, const char *field, void *items, int32_t *count,
                 size_t item_bytes, size_t min_wire_bytes, bool nullable)
{
    struct slice null = SLICE_NULL;
    void *storage = NULL;

    if (wire->mode == WIRE_PRINT) { /* each element prints under the name of the array */
        if (*count < 0)
            wire_bytes(wire, field, &null, 0);
        return;
    }
    enum prefix prefix = prefix_of(wire, PREFIX_I32);
    if (!wire_decoding(wire)) { /* touches nothing: the struct may be constant */
        length_walk(wire, field, prefix, *count < 0 ? (nullable ? -1 : 0) : *count);
        return;
    }
    int64_t length = length_walk(wire, field, prefix, 0);
    if (!length_sound(length, nullable, INT32_MAX))
        wire_fail(wire, STATUS_MALFORMED, field);
    if (length > 0)
        wire_array(wire, field, &storage, (size_t)length, item_bytes, min_wire_bytes);
    memcpy(items, &storage, sizeof(storage)); /* a pointer of some type, which is not known here */
    *count = wire->error == STATUS_OK ? (int32_t)length : 0;
}

void kafka_i32_array(struct wire *wire, const char *field, int32_t **items, int32_t *count)
{
    KAFKA_EACH (wire, field, i, *items, *count, sizeof(int32_t))
        wire_i32(wire, field, &(*items)[i]);
}

void kafka_string_array(struct wire *wire, const char *field, struct slice **items, int32_t *count)
{
    KAFKA_EACH (wire, field, i, *items, *count, 1)
        kafka_string(wire, field, &(*items)[i]);
}

bool kafka_nullable_struct(struct wire *wire, const char *field, bool *present)
{
    struct slice null = SLICE_NULL;
    int8_t mark = *present ? 1 : -1;

    if (wire->mode == WIRE_PRINT) {
        if (!*present)
            wire_bytes(wire, field, &null, 0);
        return *present;
    }
    wire_i8(wire, field, &mark);
    if (wire_decoding(wire)) {
        if (mark != 1 && mark != -1)
            wire_fail(wire, STATUS_MALFORMED, field);
        *present = mark == 1 && wire->error == STATUS_OK;
    }
    return *present;
}

/* A tag's value is a message of its own, which must end where the size says. */
static void tag_decode(struct wire *wire, struct kafka_tag *tag, size_t size, int version)
{
    struct wire inner = *wire; /* same input, so offsets in errors stay right */
    inner.in.len = wire->position;
    inner.position = wire->position - size;
    tag->walk(&inner, tag->value, version);
    if (inner.error == STATUS_OK && inner.position != wire->position)
        wire_fail(&inner, STATUS_MALFORMED, tag->field);
    wire->error = inner.error;
    wire->error_field = inner.error_field;
    wire->error_offset = inner.error_offset;
    tag->present = inner.error == STATUS_OK;
}

static void tags_decode(struct wire *wire, struct kafka_tag *tags, size_t count, int version)
{
    uint32_t total = 0;
    uint32_t least = 0; /* the smallest number that the next tag may have */
    uvarint(wire, "tagged_fields", &total);
    if (total > KAFKA_TAGGED_FIELDS_MAX)
        wire_fail(wire, STATUS_LIMIT, "tagged_fields");
    for (uint32_t i = 0; i < total && wire->error == STATUS_OK; i++) {
        uint32_t number = 0;
        uint32_t size = 0;
        struct slice skipped = SLICE_NULL;
        wire_uvarint(wire, "tag", &number);
        wire_uvarint(wire, "tag_size", &size);
        if (number < least || number == UINT32_MAX)
            wire_fail(wire, STATUS_MALFORMED, "tag");
        least = number + 1;
        wire_bytes(wire, "tag_value", &skipped, size);
        for (size_t k = 0; k < count && wire->error == STATUS_OK; k++) {
            if (tags[k].number == number)
                tag_decode(wire, &tags[k], size, version);
        }
    }
}

static void tags_encode(struct wire *wire, struct kafka_tag *tags, size_t count, int version)
{
    uint32_t total = 0;
    for (size_t k = 0; k < count; k++)
        total += tags[k].present;
    uvarint(wire, "tagged_fields", &total);
    for (size_t k = 0; k < count; k++) {
        if (!tags[k].present)
            continue;
        struct wire measure;
        wire_init_measure(&measure);
        measure.flexible = true;
        tags[k].walk(&measure, tags[k].value, version);
        uint32_t size = (uint32_t)measure.position;
        wire_uvarint(wire, "tag", &tags[k].number);
        wire_uvarint(wire, "tag_size", &size);
        tags[k].walk(wire, tags[k].value, version);
    }
}

void kafka_tagged_section(struct wire *wire, struct kafka_tag *tags, size_t count, int version)
{
    if (!wire->flexible)
        return;
    if (wire->mode == WIRE_DECODE) {
        tags_decode(wire, tags, count, version);
    } else if (wire->mode == WIRE_PRINT) {
        for (size_t k = 0; k < count; k++) {
            if (tags[k].present)
                tags[k].walk(wire, tags[k].value, version);
        }
    } else {
        tags_encode(wire, tags, count, version);
    }
}

void kafka_tagged_fields(struct wire *wire)
{
    kafka_tagged_section(wire, NULL, 0, 0);
}
