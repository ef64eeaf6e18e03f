#include "cql/batch.h"

#include <assert.h>

enum { BATCH_UNLOGGED = 1, FLAG_DEFAULT_TIMESTAMP = 0x20 };

int cql_batch_begin(struct buf *buf)
{
    int rc = buf_reserve(buf, CQL_BATCH_HEAD_BYTES);

    if (rc < 0)
        return rc;
    uint8_t *p = buf_tail(buf);
    p[0] = BATCH_UNLOGGED;
    be16_store(p + 1, 0);
    buf_wrote(buf, CQL_BATCH_HEAD_BYTES);
    return STATUS_OK;
}

int cql_batch_finish(struct buf *buf, uint16_t statements, enum cql_consistency consistency,
                     int64_t timestamp_us)
{
    int rc = buf_reserve(buf, CQL_BATCH_TAIL_BYTES);

    if (rc < 0)
        return rc;
    assert(buf->read == 0 && buf->write >= CQL_BATCH_HEAD_BYTES);
    be16_store(buf->data + 1, statements);
    uint8_t *p = buf_tail(buf);
    be16_store(p, (uint16_t)consistency);
    p[2] = FLAG_DEFAULT_TIMESTAMP;
    be64_store(p + 3, (uint64_t)timestamp_us);
    buf_wrote(buf, CQL_BATCH_TAIL_BYTES);
    return STATUS_OK;
}
