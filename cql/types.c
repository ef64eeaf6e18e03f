#include "cql/types.h"

/* The length prefix is bookkeeping, not content: a person who reads a printed message is spared it.
 */
static void length_u16(struct wire *wire, const char *field, size_t *len)
{
    uint16_t wire_len = (uint16_t)*len;

    if (wire->mode == WIRE_PRINT)
        return;
    if (!wire_decoding(wire) && *len > UINT16_MAX) {
        wire_fail(wire, STATUS_LIMIT, field);
        return;
    }
    wire_u16(wire, field, &wire_len);
    *len = wire_len;
}

/* Returns what the wire has: negative lengths have meanings of their own. */
static int32_t length_i32(struct wire *wire, const char *field, const struct slice *value,
                          int32_t absent)
{
    int32_t len = 0;

    if (!wire_decoding(wire)) {
        if (value->len > INT32_MAX) {
            wire_fail(wire, STATUS_LIMIT, field);
            return 0;
        }
        len = value->data == NULL ? absent : (int32_t)value->len;
    }
    if (wire->mode != WIRE_PRINT)
        wire_i32(wire, field, &len);
    return len;
}

static void print_text(struct wire *wire, const char *field, const char *text)
{
    struct slice slice = slice_cstr(text);

    wire_bytes(wire, field, &slice, slice.len);
}

void cql_string(struct wire *wire, const char *field, struct slice *value)
{
    size_t len = wire_decoding(wire) ? 0 : value->len;

    length_u16(wire, field, &len);
    wire_bytes(wire, field, value, len);
}

void cql_short_bytes(struct wire *wire, const char *field, struct slice *value)
{
    cql_string(wire, field, value);
}

void cql_long_string(struct wire *wire, const char *field, struct slice *value)
{
    int32_t len = length_i32(wire, field, value, 0);

    if (len < 0) {
        wire_fail(wire, STATUS_MALFORMED, field);
        return;
    }
    wire_bytes(wire, field, value, (size_t)len);
}

void cql_bytes(struct wire *wire, const char *field, struct slice *value)
{
    int32_t len = length_i32(wire, field, value, -1);

    if (len >= 0)
        wire_bytes(wire, field, value, (size_t)len);
    else if (wire_decoding(wire))
        *value = SLICE_NULL;
    else if (wire->mode == WIRE_PRINT)
        wire_bytes(wire, field, value, 0);
}

void cql_value(struct wire *wire, const char *field, struct cql_value *value)
{
    bool unset = !wire_decoding(wire) && value->unset;
    int32_t len = length_i32(wire, field, unset ? &SLICE_NULL : &value->bytes, unset ? -2 : -1);

    if (len < -2)
        wire_fail(wire, STATUS_MALFORMED, field);
    if (wire_decoding(wire))
        *value = len == -2 ? CQL_VALUE_UNSET : CQL_VALUE_NULL;
    if (wire->mode == WIRE_PRINT && unset)
        print_text(wire, field, "<unset>");
    else if (wire->mode == WIRE_PRINT || len >= 0)
        wire_bytes(wire, field, &value->bytes, len < 0 ? 0 : (size_t)len);
}

void cql_inet(struct wire *wire, const char *field, struct cql_inet *value)
{
    if (wire->mode != WIRE_PRINT)
        wire_u8(wire, field, &value->address_bytes);
    if (value->address_bytes != 4 && value->address_bytes != 16) {
        wire_fail(wire, STATUS_MALFORMED, field);
        value->address_bytes = 0;
        return;
    }
    wire_fixed(wire, field, value->address, value->address_bytes);
    wire_i32(wire, "port", &value->port);
}

void cql_word(struct wire *wire, const char *field, const struct cql_word *words, int *value)
{
    struct slice text = SLICE_LITERAL("UNKNOWN");

    for (const struct cql_word *word = words; !wire_decoding(wire) && word->text != NULL; word++)
        if (word->value == *value)
            text = slice_cstr(word->text);
    cql_string(wire, field, &text);
    if (!wire_decoding(wire))
        return;
    *value = 0;
    for (const struct cql_word *word = words; word->text != NULL; word++)
        if (slice_equal(text, slice_cstr(word->text)))
            *value = word->value;
}

/* --- types of columns --- */

struct type_level {
    uint32_t left; /* inner types still to come */
    bool named;    /* each has a field name in front */
};

/* Reads what follows a type's number, up to its inner types, and says how many of those there are.
 */
static struct type_level type_head(struct wire *wire, const char *field, uint16_t id)
{
    struct slice text = SLICE_NULL;
    uint16_t count = 0;

    switch (id) {
    case CQL_TYPE_CUSTOM:
        cql_string(wire, field, &text);
        return (struct type_level){0, false};
    case CQL_TYPE_LIST:
    case CQL_TYPE_SET:
        return (struct type_level){1, false};
    case CQL_TYPE_MAP:
        return (struct type_level){2, false};
    case CQL_TYPE_TUPLE:
        wire_u16(wire, field, &count);
        return (struct type_level){count, false};
    case CQL_TYPE_UDT:
        cql_string(wire, field, &text);
        text = SLICE_NULL;
        cql_string(wire, field, &text);
        wire_u16(wire, field, &count);
        return (struct type_level){count, true};
    default:
        return (struct type_level){0, false};
    }
}

/* Types nest as deep as the peer likes, so the stack is here and not the program's. */
static void type_skip(struct wire *wire, const char *field)
{
    struct type_level stack[CQL_TYPE_MAX_DEPTH] = {{1, false}};
    size_t depth = 1;

    while (depth > 0 && wire->error == STATUS_OK) {
        struct type_level *level = &stack[depth - 1];
        struct slice name = SLICE_NULL;
        uint16_t id = 0;

        if (level->left == 0) {
            depth--;
            continue;
        }
        level->left--;
        if (level->named)
            cql_string(wire, field, &name);
        wire_u16(wire, field, &id);
        struct type_level inner = type_head(wire, field, id);
        if (inner.left == 0)
            continue;
        if (depth == CQL_TYPE_MAX_DEPTH)
            wire_fail(wire, STATUS_LIMIT, field);
        else
            stack[depth++] = inner;
    }
}

void cql_type(struct wire *wire, const char *field, struct cql_type *value)
{
    size_t start = wire->position;

    if (wire->mode == WIRE_PRINT) {
        print_text(wire, field, cql_type_name(value->id));
    } else if (wire_decoding(wire)) {
        *value = (struct cql_type){0};
        type_skip(wire, field);
        if (wire->error != STATUS_OK)
            return;
        value->option = slice_make(wire->in.data + start, wire->position - start);
        value->id = (uint16_t)(value->option.data[0] << 8 | value->option.data[1]);
    } else if (value->option.data == NULL) {
        wire_u16(wire, field, &value->id);
    } else {
        wire_bytes(wire, field, &value->option, value->option.len);
    }
}

static const struct cql_word type_names[] = {
    {"custom", CQL_TYPE_CUSTOM},
    {"ascii", CQL_TYPE_ASCII},
    {"bigint", CQL_TYPE_BIGINT},
    {"blob", CQL_TYPE_BLOB},
    {"boolean", CQL_TYPE_BOOLEAN},
    {"counter", CQL_TYPE_COUNTER},
    {"decimal", CQL_TYPE_DECIMAL},
    {"double", CQL_TYPE_DOUBLE},
    {"float", CQL_TYPE_FLOAT},
    {"int", CQL_TYPE_INT},
    {"timestamp", CQL_TYPE_TIMESTAMP},
    {"uuid", CQL_TYPE_UUID},
    {"varchar", CQL_TYPE_VARCHAR},
    {"varint", CQL_TYPE_VARINT},
    {"timeuuid", CQL_TYPE_TIMEUUID},
    {"inet", CQL_TYPE_INET},
    {"date", CQL_TYPE_DATE},
    {"time", CQL_TYPE_TIME},
    {"smallint", CQL_TYPE_SMALLINT},
    {"tinyint", CQL_TYPE_TINYINT},
    {"duration", CQL_TYPE_DURATION},
    {"list", CQL_TYPE_LIST},
    {"map", CQL_TYPE_MAP},
    {"set", CQL_TYPE_SET},
    {"udt", CQL_TYPE_UDT},
    {"tuple", CQL_TYPE_TUPLE},
    {NULL, 0},
};

const char *cql_type_name(uint16_t id)
{
    for (const struct cql_word *word = type_names; word->text != NULL; word++)
        if (word->value == id)
            return word->text;
    return "unknown";
}

/* --- lists as arrays --- */

void cql_string_array(struct wire *wire, const char *field, struct slice **items, uint16_t *count)
{
    void *storage = *items;
    size_t n = *count;

    length_u16(wire, field, &n);
    if (!wire_array(wire, field, &storage, n, sizeof(**items), 2)) {
        *items = NULL;
        *count = 0;
        return;
    }
    *items = storage;
    *count = (uint16_t)n;
    for (size_t i = 0; i < n; i++)
        cql_string(wire, field, &(*items)[i]);
}

void cql_string_map(struct wire *wire, const char *field, struct cql_pair **pairs, uint16_t *count)
{
    void *storage = *pairs;
    size_t n = *count;

    length_u16(wire, field, &n);
    if (!wire_array(wire, field, &storage, n, sizeof(**pairs), 4)) {
        *pairs = NULL;
        *count = 0;
        return;
    }
    *pairs = storage;
    *count = (uint16_t)n;
    for (size_t i = 0; i < n; i++) {
        cql_string(wire, "key", &(*pairs)[i].key);
        cql_string(wire, "value", &(*pairs)[i].value);
    }
}

void cql_string_multimap(struct wire *wire, const char *field, struct cql_choice **choices,
                         uint16_t *count)
{
    void *storage = *choices;
    size_t n = *count;

    length_u16(wire, field, &n);
    if (!wire_array(wire, field, &storage, n, sizeof(**choices), 4)) {
        *choices = NULL;
        *count = 0;
        return;
    }
    *choices = storage;
    *count = (uint16_t)n;
    for (size_t i = 0; i < n; i++) {
        struct cql_choice *choice = &(*choices)[i];

        cql_string(wire, "key", &choice->key);
        cql_string_array(wire, "value", &choice->values, &choice->value_count);
    }
}

/* --- lists as raw spans --- */

/* True when the walk of the elements is wanted (DECODE); otherwise all is done. */
static bool raw_span(struct wire *wire, const char *field, const struct slice *raw)
{
    struct slice span = raw->data == NULL ? SLICE_LITERAL("\0\0") : *raw;

    if (wire_decoding(wire))
        return true;
    if (wire->mode != WIRE_PRINT)
        wire_bytes(wire, field, &span, span.len);
    return false;
}

void cql_string_list(struct wire *wire, const char *field, struct slice *raw)
{
    size_t start = wire->position;
    struct slice item = SLICE_NULL;
    uint16_t count = 0;

    if (wire->mode == WIRE_PRINT)
        for (size_t at = 0; cql_string_list_next(*raw, &at, &item);)
            wire_bytes(wire, field, &item, item.len);
    if (!raw_span(wire, field, raw))
        return;
    wire_u16(wire, field, &count);
    for (uint16_t i = 0; i < count && wire->error == STATUS_OK; i++)
        cql_string(wire, field, &item);
    *raw = wire->error != STATUS_OK ? SLICE_NULL
                                    : slice_make(wire->in.data + start, wire->position - start);
}

void cql_bytes_map(struct wire *wire, const char *field, struct slice *raw)
{
    size_t start = wire->position;
    struct slice item = SLICE_NULL;
    uint16_t count = 0;

    if (wire->mode == WIRE_PRINT)
        wire_bytes(wire, field, raw, raw->len);
    if (!raw_span(wire, field, raw))
        return;
    wire_u16(wire, field, &count);
    for (uint16_t i = 0; i < count && wire->error == STATUS_OK; i++) {
        cql_string(wire, field, &item);
        cql_bytes(wire, field, &item);
    }
    *raw = wire->error != STATUS_OK ? SLICE_NULL
                                    : slice_make(wire->in.data + start, wire->position - start);
}

struct slice cql_bytes_map_get(struct slice raw, struct slice key)
{
    struct slice name = SLICE_NULL, value = SLICE_NULL;
    struct wire wire;
    uint16_t count = 0;

    wire_init_decode(&wire, raw, NULL);
    wire_u16(&wire, "map", &count);
    for (uint16_t i = 0; i < count && wire.error == STATUS_OK; i++) {
        cql_string(&wire, "key", &name);
        cql_bytes(&wire, "value", &value);
        if (wire.error == STATUS_OK && slice_equal(name, key))
            return value;
    }
    return SLICE_NULL;
}

bool cql_string_list_next(struct slice raw, size_t *at, struct slice *item)
{
    if (*at == 0)
        *at = 2;
    if (raw.len < 2 || *at > raw.len - 2)
        return false;
    size_t len = (size_t)raw.data[*at] << 8 | raw.data[*at + 1];
    if (len > raw.len - *at - 2)
        return false;
    *item = slice_make(raw.data + *at + 2, len);
    *at += 2 + len;
    return true;
}
