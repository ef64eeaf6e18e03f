/*
 * The notations of the CQL specification on the wire cursor. Each works in every mode of the
 * cursor.
 *
 * Lists come in two shapes. Where messages are built or an arena is at hand, they are arrays. Where
 * there is none (errors, events, warnings) they are raw spans: the encoded list, checked once when
 * it is decoded and read with an iterator.
 */
#ifndef CQL_TYPES_H
#define CQL_TYPES_H

#include "proto/wire.h"

/* A bound value. bytes.data NULL and not unset: null. */
struct cql_value {
    struct slice bytes;
    bool unset; /* leaves the column as it is; null writes a tombstone */
};

#define CQL_VALUE_NULL  ((struct cql_value){SLICE_NULL, false})
#define CQL_VALUE_UNSET ((struct cql_value){SLICE_NULL, true})

struct cql_inet {
    uint8_t address[16];
    uint8_t address_bytes; /* 4 or 16 */
    int32_t port;
};

struct cql_pair {
    struct slice key;
    struct slice value;
};

/* One key of a [string multimap]. */
struct cql_choice {
    struct slice key;
    struct slice *values;
    uint16_t value_count;
};

/* Numbers of the [option] that describes a column's type. */
enum cql_type_id {
    CQL_TYPE_CUSTOM = 0x00,
    CQL_TYPE_ASCII = 0x01,
    CQL_TYPE_BIGINT = 0x02,
    CQL_TYPE_BLOB = 0x03,
    CQL_TYPE_BOOLEAN = 0x04,
    CQL_TYPE_COUNTER = 0x05,
    CQL_TYPE_DECIMAL = 0x06,
    CQL_TYPE_DOUBLE = 0x07,
    CQL_TYPE_FLOAT = 0x08,
    CQL_TYPE_INT = 0x09,
    CQL_TYPE_TIMESTAMP = 0x0B,
    CQL_TYPE_UUID = 0x0C,
    CQL_TYPE_VARCHAR = 0x0D,
    CQL_TYPE_VARINT = 0x0E,
    CQL_TYPE_TIMEUUID = 0x0F,
    CQL_TYPE_INET = 0x10,
    CQL_TYPE_DATE = 0x11,
    CQL_TYPE_TIME = 0x12,
    CQL_TYPE_SMALLINT = 0x13,
    CQL_TYPE_TINYINT = 0x14,
    CQL_TYPE_DURATION = 0x15,
    CQL_TYPE_LIST = 0x20,
    CQL_TYPE_MAP = 0x21,
    CQL_TYPE_SET = 0x22,
    CQL_TYPE_UDT = 0x30,
    CQL_TYPE_TUPLE = 0x31,
};

/*
 * A column's type. `option` is the whole encoded [option], with all that is nested in it, at most
 * CQL_TYPE_MAX_DEPTH deep. Encoding: option.data NULL writes `id` alone, right for simple types.
 */
struct cql_type {
    uint16_t id; /* enum cql_type_id, or a number that is not in it */
    struct slice option;
};

#define CQL_TYPE_MAX_DEPTH 32

/* A word of the protocol ("CREATED") and its number here. Tables end with text NULL. */
struct cql_word {
    const char *text;
    int value;
};

void cql_string(struct wire *wire, const char *field, struct slice *value);      /* u16 length */
void cql_long_string(struct wire *wire, const char *field, struct slice *value); /* i32 length */
void cql_bytes(struct wire *wire, const char *field, struct slice *value); /* i32, < 0: null */
void cql_short_bytes(struct wire *wire, const char *field, struct slice *value); /* u16 length */
void cql_value(struct wire *wire, const char *field, struct cql_value *value); /* < -2: MALFORMED */
void cql_inet(struct wire *wire, const char *field, struct cql_inet *value);
void cql_type(struct wire *wire, const char *field, struct cql_type *value);
/* A [string] that is one of `words`; any other decodes as 0, and 0 encodes as "UNKNOWN". */
void cql_word(struct wire *wire, const char *field, const struct cql_word *words, int *value);

/* Arrays: from the arena when decoding. */
void cql_string_array(struct wire *wire, const char *field, struct slice **items, uint16_t *count);
void cql_string_map(struct wire *wire, const char *field, struct cql_pair **pairs, uint16_t *count);
void cql_string_multimap(struct wire *wire, const char *field, struct cql_choice **choices,
                         uint16_t *count);

/* Raw spans, count included. A span with data NULL encodes as an empty list. */
void cql_string_list(struct wire *wire, const char *field, struct slice *raw);
void cql_bytes_map(struct wire *wire, const char *field, struct slice *raw);
/* The string at *at of a raw list, which then names the next; start with 0. false: no more. */
bool cql_string_list_next(struct slice raw, size_t *at, struct slice *item);

/* The value of a key in a raw map; data NULL: it has none. */
struct slice cql_bytes_map_get(struct slice raw, struct slice key);

/* "varchar"; "unknown" for a number that is not in the list. Never NULL. */
const char *cql_type_name(uint16_t id);

#endif
