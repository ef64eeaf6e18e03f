/*
 * Values to bind. The fixed-size ones put their bytes into storage that the caller lends and that
 * must live until the request is encoded:
 *
 *      uint8_t offset_bytes[8];
 *      values[2] = cql_value_i64(offset_bytes, offset);
 */
#ifndef CQL_VALUE_H
#define CQL_VALUE_H

#include "cql/types.h"
#include "proto/endian.h"

static inline struct cql_value cql_value_i16(uint8_t storage[2], int16_t value)
{
    be16_store(storage, (uint16_t)value);
    return (struct cql_value){slice_make(storage, 2), false};
}

static inline struct cql_value cql_value_i32(uint8_t storage[4], int32_t value)
{
    be32_store(storage, (uint32_t)value);
    return (struct cql_value){slice_make(storage, 4), false};
}

/* bigint; timestamp as milliseconds since 1970. */
static inline struct cql_value cql_value_i64(uint8_t storage[8], int64_t value)
{
    be64_store(storage, (uint64_t)value);
    return (struct cql_value){slice_make(storage, 8), false};
}

static inline struct cql_value cql_value_bool(uint8_t storage[1], bool value)
{
    storage[0] = value ? 1 : 0;
    return (struct cql_value){slice_make(storage, 1), false};
}

/* Borrows the 16 bytes. */
static inline struct cql_value cql_value_uuid(const uint8_t uuid[16])
{
    return (struct cql_value){slice_make(uuid, 16), false};
}

/* Text, ascii, blob, or anything already encoded. Borrows; data NULL binds null. */
static inline struct cql_value cql_value_bytes(struct slice bytes)
{
    return (struct cql_value){bytes, false};
}

static inline struct cql_value cql_value_text(const char *text)
{
    return (struct cql_value){slice_cstr(text), false};
}

/* The same values with their length in front, as they stand in EXECUTE, BATCH and rows: each
 * returns the end of what it wrote. The caller has the room: 4 bytes and the value. */
static inline uint8_t *cql_put_null(uint8_t *p)
{
    be32_store(p, UINT32_MAX);
    return p + 4;
}

static inline uint8_t *cql_put_unset(uint8_t *p)
{
    be32_store(p, UINT32_MAX - 1);
    return p + 4;
}

static inline uint8_t *cql_put_i16(uint8_t *p, int16_t value)
{
    be32_store(p, 2);
    be16_store(p + 4, (uint16_t)value);
    return p + 6;
}

static inline uint8_t *cql_put_i32(uint8_t *p, int32_t value)
{
    be32_store(p, 4);
    be32_store(p + 4, (uint32_t)value);
    return p + 8;
}

static inline uint8_t *cql_put_i64(uint8_t *p, int64_t value)
{
    be32_store(p, 8);
    be64_store(p + 4, (uint64_t)value);
    return p + 12;
}

static inline uint8_t *cql_put_bool(uint8_t *p, bool value)
{
    be32_store(p, 1);
    p[4] = value ? 1 : 0;
    return p + 5;
}

/* data NULL writes null. */
static inline uint8_t *cql_put_bytes(uint8_t *p, struct slice bytes)
{
    if (bytes.data == NULL)
        return cql_put_null(p);
    be32_store(p, (uint32_t)bytes.len);
    memcpy(p + 4, bytes.data, bytes.len);
    return p + 4 + bytes.len;
}

#endif
