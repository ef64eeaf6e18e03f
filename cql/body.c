#include <assert.h>

#include "cql/connection.h"

struct cql_body *cql_body_new(const struct alloc *alloc, size_t limit_bytes)
{
    struct cql_body *body = alloc_bytes(alloc, sizeof(*body));

    if (body == NULL)
        return NULL;
    body->references = 1;
    body->alloc = alloc;
    buf_init(&body->buf, alloc, limit_bytes);
    return body;
}

struct cql_body *cql_body_ref(struct cql_body *body)
{
    assert(body->references > 0 && body->references < UINT32_MAX);
    body->references++;
    return body;
}

void cql_body_unref(struct cql_body *body)
{
    if (body == NULL)
        return;
    assert(body->references > 0);
    if (--body->references > 0)
        return;
    buf_deinit(&body->buf);
    alloc_free(body->alloc, body, sizeof(*body));
}
