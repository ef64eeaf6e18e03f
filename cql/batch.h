/*
 * Writing a BATCH body row by row, the one hot loop of the CQL side. All statements are prepared;
 * one frame timestamp serves all that carry none of their own.
 *
 *      type | n | n x (kind | id | m | m values) | consistency | flags | timestamp
 *
 * The caller appends whole entries (cql_batch_entry_begin, then cql/value.h) and counts them with
 * cql_batch_added; `n` and the tail are filled in by cql_batch_finish. Bytes behind the last
 * counted entry can be taken back by setting buf.write, so that a batch of records is written or is
 * not.
 */
#ifndef CQL_BATCH_H
#define CQL_BATCH_H

#include "cql/consistency.h"
#include "proto/buf.h"
#include "proto/endian.h"

#define CQL_BATCH_MAX_STATEMENTS   65535
#define CQL_BATCH_HEAD_BYTES       3
#define CQL_BATCH_TAIL_BYTES       11
#define CQL_STATEMENT_ID_MAX_BYTES 32

/* The head of an UNLOGGED batch. NOMEM, LIMIT. */
MUST_CHECK int cql_batch_begin(struct buf *buf);
/* Patches the number of statements and appends consistency, flags and timestamp. `buf` starts with
 * the batch. */
MUST_CHECK int cql_batch_finish(struct buf *buf, uint16_t statements,
                                enum cql_consistency consistency, int64_t timestamp_us);

/* kind 1 | id | number of values: at most 5 + 32 bytes. Returns the end. */
static inline uint8_t *cql_batch_entry(uint8_t *p, const uint8_t *id, size_t id_len,
                                       uint16_t values)
{
    p[0] = 1;
    be16_store(p + 1, (uint16_t)id_len);
    memcpy(p + 3, id, id_len);
    be16_store(p + 3 + id_len, values);
    return p + 5 + id_len;
}

#endif
