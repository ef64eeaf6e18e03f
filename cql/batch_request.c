#include "cql/batch_request.h"

enum {
    BATCH_SERIAL_CONSISTENCY = 0x10,
    BATCH_TIMESTAMP = 0x20,
    STATEMENT_TEXT = 0,
    STATEMENT_PREPARED = 1,
    STATEMENT_MIN_BYTES = 5, /* kind, empty id, no values */
};

static void values_walk(struct wire *wire, struct cql_batch_statement *statement)
{
    void *storage = statement->values;

    if (wire->mode != WIRE_PRINT)
        wire_u16(wire, "values", &statement->value_count);
    if (!wire_array(wire, "values", &storage, statement->value_count, sizeof(*statement->values),
                    4)) {
        statement->value_count = 0;
        return;
    }
    statement->values = storage;
    for (size_t i = 0; i < statement->value_count; i++)
        cql_value(wire, "value", &statement->values[i]);
}

static void statement_walk(struct wire *wire, struct cql_batch_statement *statement)
{
    uint8_t kind = statement->text.data == NULL ? STATEMENT_PREPARED : STATEMENT_TEXT;

    wire_u8(wire, "kind", &kind);
    if (kind == STATEMENT_TEXT)
        cql_long_string(wire, "text", &statement->text);
    else if (kind == STATEMENT_PREPARED)
        cql_short_bytes(wire, "prepared_id", &statement->prepared_id);
    else
        wire_fail(wire, STATUS_MALFORMED, "kind");
    values_walk(wire, statement);
}

void cql_batch_request_walk(struct wire *wire, void *body)
{
    struct cql_batch_request *batch = body;
    uint8_t flags = (uint8_t)((batch->serial_consistency != 0 ? BATCH_SERIAL_CONSISTENCY : 0) |
                              (batch->has_timestamp ? BATCH_TIMESTAMP : 0));
    void *storage = batch->statements;

    wire_u8(wire, "type", &batch->type);
    if (batch->type > CQL_BATCH_COUNTER)
        wire_fail(wire, STATUS_MALFORMED, "type");
    wire_u16(wire, "statement_count", &batch->statement_count);
    if (!wire_array(wire, "statements", &storage, batch->statement_count,
                    sizeof(*batch->statements), STATEMENT_MIN_BYTES)) {
        batch->statement_count = 0;
        return;
    }
    batch->statements = storage;
    for (size_t i = 0; i < batch->statement_count; i++) {
        wire_enter(wire, "statement");
        statement_walk(wire, &batch->statements[i]);
        wire_leave(wire);
    }
    wire_u16(wire, "consistency", &batch->consistency);
    wire_u8(wire, "flags", &flags);
    if ((flags & BATCH_SERIAL_CONSISTENCY) != 0)
        wire_u16(wire, "serial_consistency", &batch->serial_consistency);
    batch->has_timestamp = (flags & BATCH_TIMESTAMP) != 0;
    if (batch->has_timestamp)
        wire_i64(wire, "timestamp_us", &batch->timestamp_us);
}
