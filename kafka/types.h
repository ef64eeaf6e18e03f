/*
 * Kafka's primitive types on the wire cursor. Each follows wire->flexible: int16 / int32 lengths
 * before it, compact ones (uvarint of length + 1, 0 = null) in flexible messages.
 *
 * A null where the protocol has none is MALFORMED when decoding; when encoding, a slice with NULL
 * data there is written as empty. Absent fields are no business of these functions: a struct walk
 * sets its defaults first.
 */
#ifndef KAFKA_TYPES_H
#define KAFKA_TYPES_H

#include "proto/wire.h"

#define KAFKA_STRING_MAX_BYTES 32767 /* Kafka's own limit, also in compact form */
/* In one section; stops a peer that pads with tags for ever. */
#define KAFKA_TAGGED_FIELDS_MAX 256
#define KAFKA_UUID_BYTES 16
/* The authorised operations of a topic or of the cluster when they were not asked for. */
#define KAFKA_OPERATIONS_NOT_REQUESTED INT32_MIN
/* Operations that a principal may do, a bit each: 1 << AclOperation (Kafka protocol guide). */
#define KAFKA_OPERATION_READ             (1 << 3)
#define KAFKA_OPERATION_WRITE            (1 << 4)
#define KAFKA_OPERATION_CREATE           (1 << 5)
#define KAFKA_OPERATION_DELETE           (1 << 6)
#define KAFKA_OPERATION_ALTER            (1 << 7)
#define KAFKA_OPERATION_DESCRIBE         (1 << 8)
#define KAFKA_OPERATION_CLUSTER_ACTION   (1 << 9)
#define KAFKA_OPERATION_DESCRIBE_CONFIGS (1 << 10)
#define KAFKA_OPERATION_ALTER_CONFIGS    (1 << 11)
#define KAFKA_OPERATION_IDEMPOTENT_WRITE (1 << 12)
/* What there is to be done with a topic or a cluster: all that a broker has. */
#define KAFKA_TOPIC_OPERATIONS                                                                     \
    (KAFKA_OPERATION_READ | KAFKA_OPERATION_WRITE | KAFKA_OPERATION_CREATE |                       \
     KAFKA_OPERATION_DELETE | KAFKA_OPERATION_ALTER | KAFKA_OPERATION_DESCRIBE |                   \
     KAFKA_OPERATION_DESCRIBE_CONFIGS | KAFKA_OPERATION_ALTER_CONFIGS)
#define KAFKA_CLUSTER_OPERATIONS                                                                   \
    (KAFKA_OPERATION_CREATE | KAFKA_OPERATION_ALTER | KAFKA_OPERATION_DESCRIBE |                   \
     KAFKA_OPERATION_CLUSTER_ACTION | KAFKA_OPERATION_DESCRIBE_CONFIGS |                           \
     KAFKA_OPERATION_ALTER_CONFIGS | KAFKA_OPERATION_IDEMPOTENT_WRITE)

void kafka_string(struct wire *wire, const char *field, struct slice *value);
void kafka_nullable_string(struct wire *wire, const char *field, struct slice *value);
/* A nullable string that is int16-prefixed even in flexible messages: client_id of the request
 * header. */
void kafka_legacy_nullable_string(struct wire *wire, const char *field, struct slice *value);
void kafka_bytes(struct wire *wire, const char *field, struct slice *value);
void kafka_nullable_bytes(struct wire *wire, const char *field, struct slice *value);
/* Record batches: nullable bytes by another name. */
void kafka_records(struct wire *wire, const char *field, struct slice *value);
void kafka_uuid(struct wire *wire, const char *field, uint8_t value[KAFKA_UUID_BYTES]);

/*
 * Count and storage of an array; `items` is the address of the struct's pointer to its elements.
 * DECODE: reads the count, refuses one that the bytes left cannot hold (min_wire_bytes is the least
 * that an element can take in any version), and sets the pointer to zeroed storage from the arena;
 * on error NULL and *count 0. Other modes: visits the count and changes nothing. A count of -1 is a
 * null array: allowed when `nullable`, else MALFORMED (decode) or written as empty (encode).
 */
void kafka_array(struct wire *wire, const char *field, void *items, int32_t *count,
                 size_t item_bytes, size_t min_wire_bytes, bool nullable);
/* Arrays of plain values, not nullable. */
void kafka_i32_array(struct wire *wire, const char *field, int32_t **items, int32_t *count);
void kafka_string_array(struct wire *wire, const char *field, struct slice **items, int32_t *count);

/*
 * Whether a struct that may be null is there; the caller visits its fields when it is. DECODE sets
 * *present, MALFORMED when the byte is neither -1 (null) nor 1. PRINT writes "field=null". Returns
 * *present, false after an error.
 */
bool kafka_nullable_struct(struct wire *wire, const char *field, bool *present);

/* A loop over the elements of an array, which it first decodes or encodes the count of. */
#define KAFKA_EACH(wire, field, i, items, count, min_wire_bytes)                                   \
    KAFKA_EACH_OF(wire, field, i, items, count, min_wire_bytes, false)
#define KAFKA_EACH_NULLABLE(wire, field, i, items, count, min_wire_bytes)                          \
    KAFKA_EACH_OF(wire, field, i, items, count, min_wire_bytes, true)
#define KAFKA_EACH_OF(wire, field, i, items, count, min_wire_bytes, nullable)                      \
    for (int32_t i = (kafka_array((wire), (field), &(items), &(count), sizeof(*(items)),           \
                                  (min_wire_bytes), (nullable)),                                   \
                      0);                                                                          \
         i < (count) && (wire)->error == STATUS_OK; i++)

/* One tagged field that a struct knows. */
struct kafka_tag {
    uint32_t number;
    const char *field;
    void (*walk)(struct wire *wire, void *value, int version); /* visits the field's value */
    void *value;
    bool present; /* ENCODE, PRINT: write it. DECODE: set when it was there */
};

/*
 * The tagged section that ends every struct of a flexible message; nothing in others. Tags must
 * ascend strictly (MALFORMED); a known tag's value must fill its size; unknown ones are skipped.
 * More than KAFKA_TAGGED_FIELDS_MAX: LIMIT. `tags` are in ascending order.
 */
void kafka_tagged_section(struct wire *wire, struct kafka_tag *tags, size_t count, int version);
/* The same without known tags: skips what is there, writes none. */
void kafka_tagged_fields(struct wire *wire);

#endif
