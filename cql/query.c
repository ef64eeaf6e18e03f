#include "cql/query.h"

#include "cql/opcode.h"

enum {
    QUERY_VALUES = 0x01,
    QUERY_SKIP_METADATA = 0x02,
    QUERY_PAGE_SIZE = 0x04,
    QUERY_PAGING_STATE = 0x08,
    QUERY_SERIAL_CONSISTENCY = 0x10,
    QUERY_TIMESTAMP = 0x20,
    QUERY_VALUE_NAMES = 0x40,
};

static uint8_t flags_of(const struct cql_query *query)
{
    return (uint8_t)((query->value_count > 0 ? QUERY_VALUES : 0) |
                     (query->skip_metadata ? QUERY_SKIP_METADATA : 0) |
                     (query->page_size != 0 ? QUERY_PAGE_SIZE : 0) |
                     (query->paging_state.data != NULL ? QUERY_PAGING_STATE : 0) |
                     (query->serial_consistency != 0 ? QUERY_SERIAL_CONSISTENCY : 0) |
                     (query->has_timestamp ? QUERY_TIMESTAMP : 0));
}

static void values_walk(struct wire *wire, struct cql_query *query)
{
    void *storage = NULL;

    if (wire->mode != WIRE_PRINT)
        wire_u16(wire, "values", &query->value_count);
    if (!wire_array(wire, "values", &storage, query->value_count, sizeof(*query->values), 4)) {
        query->value_count = 0;
        return;
    }
    struct cql_value *decoded = storage;
    if (wire_decoding(wire))
        query->values = decoded;
    for (size_t i = 0; i < query->value_count; i++) {
        struct cql_value value = query->values[i];

        cql_value(wire, "value", &value);
        if (decoded != NULL)
            decoded[i] = value;
    }
}

/* What QUERY and EXECUTE have in common. */
static void parameters_walk(struct wire *wire, struct cql_query *query)
{
    uint8_t flags = wire_decoding(wire) ? 0 : flags_of(query);

    wire_u16(wire, "consistency", &query->consistency);
    wire_u8(wire, "flags", &flags);
    if ((flags & QUERY_VALUE_NAMES) != 0)
        wire_fail(wire, STATUS_UNSUPPORTED, "flags");
    if ((flags & QUERY_VALUES) != 0)
        values_walk(wire, query);
    query->skip_metadata = (flags & QUERY_SKIP_METADATA) != 0;
    if ((flags & QUERY_PAGE_SIZE) != 0)
        wire_i32(wire, "page_size", &query->page_size);
    if ((flags & QUERY_PAGING_STATE) != 0)
        cql_bytes(wire, "paging_state", &query->paging_state);
    if ((flags & QUERY_SERIAL_CONSISTENCY) != 0)
        wire_u16(wire, "serial_consistency", &query->serial_consistency);
    query->has_timestamp = (flags & QUERY_TIMESTAMP) != 0;
    if (query->has_timestamp)
        wire_i64(wire, "timestamp_us", &query->timestamp_us);
}

void cql_query_walk(struct wire *wire, void *body)
{
    struct cql_query *query = body;

    cql_long_string(wire, "text", &query->text);
    parameters_walk(wire, query);
}

void cql_execute_walk(struct wire *wire, void *body)
{
    struct cql_query *query = body;

    cql_short_bytes(wire, "prepared_id", &query->prepared_id);
    parameters_walk(wire, query);
}

void cql_prepare_walk(struct wire *wire, void *body)
{
    struct cql_prepare *prepare = body;

    cql_long_string(wire, "text", &prepare->text);
}

/* Encoding wants a struct to write to (a walk serves both directions) but leaves it as it is. */
static int encode(struct buf *out, cql_walk walk, void *body)
{
    size_t len = buf_len(out);
    struct wire wire;

    wire_init_encode(&wire, out);
    walk(&wire, body);
    if (wire.error != STATUS_OK)
        out->write = out->read + len;
    return wire.error;
}

int cql_query_encode(struct buf *out, const struct cql_query *query)
{
    struct cql_query copy = *query;

    return encode(out, cql_query_walk, &copy);
}

int cql_execute_encode(struct buf *out, const struct cql_query *query)
{
    struct cql_query copy = *query;

    return encode(out, cql_execute_walk, &copy);
}

int cql_prepare_encode(struct buf *out, struct slice text)
{
    struct cql_prepare prepare = {text};

    return encode(out, cql_prepare_walk, &prepare);
}
