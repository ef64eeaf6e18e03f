#include "cql/error.h"
#include "cql/types.h"

const char *cql_error_name(int32_t code)
{
    switch (code) {
#define CQL_ERROR_CASE(name, code, text)                                                           \
    case code:                                                                                     \
        return #name;
        CQL_ERROR_MAP(CQL_ERROR_CASE)
#undef CQL_ERROR_CASE
    default:
        return "UNKNOWN";
    }
}

const char *cql_error_text(int32_t code)
{
    switch (code) {
#define CQL_ERROR_CASE(name, code, text)                                                           \
    case code:                                                                                     \
        return text;
        CQL_ERROR_MAP(CQL_ERROR_CASE)
#undef CQL_ERROR_CASE
    default:
        return "UNKNOWN";
    }
}

/* How many replicas answered, of those that had to. */
static void replicas_walk(struct wire *wire, struct cql_error *error)
{
    wire_u16(wire, "consistency", &error->consistency);
    wire_i32(wire, "received", &error->received);
    wire_i32(wire, "block_for", &error->block_for);
}

static void function_walk(struct wire *wire, struct cql_error *error)
{
    cql_string(wire, "keyspace", &error->keyspace);
    cql_string(wire, "function", &error->function);
    cql_string_list(wire, "argument", &error->arguments);
}

static void unavailable_walk(struct wire *wire, struct cql_error *error)
{
    wire_u16(wire, "consistency", &error->consistency);
    wire_i32(wire, "required", &error->required);
    wire_i32(wire, "alive", &error->alive);
}

void cql_error_walk(struct wire *wire, void *body)
{
    struct cql_error *error = body;

    wire_i32(wire, "code", &error->code);
    cql_string(wire, "message", &error->message);
    switch (error->code) {
    case CQL_ERROR_UNAVAILABLE:
        unavailable_walk(wire, error);
        break;
    case CQL_ERROR_WRITE_TIMEOUT:
        replicas_walk(wire, error);
        cql_string(wire, "write_type", &error->write_type);
        break;
    case CQL_ERROR_READ_TIMEOUT:
        replicas_walk(wire, error);
        wire_bool(wire, "data_present", &error->data_present);
        break;
    case CQL_ERROR_READ_FAILURE:
        replicas_walk(wire, error);
        wire_i32(wire, "failure_count", &error->failure_count);
        wire_bool(wire, "data_present", &error->data_present);
        break;
    case CQL_ERROR_WRITE_FAILURE:
        replicas_walk(wire, error);
        wire_i32(wire, "failure_count", &error->failure_count);
        cql_string(wire, "write_type", &error->write_type);
        break;
    case CQL_ERROR_CAS_WRITE_UNKNOWN:
        replicas_walk(wire, error);
        break;
    case CQL_ERROR_FUNCTION_FAILURE:
        function_walk(wire, error);
        break;
    case CQL_ERROR_ALREADY_EXISTS:
        cql_string(wire, "keyspace", &error->keyspace);
        cql_string(wire, "table", &error->table);
        break;
    case CQL_ERROR_UNPREPARED:
        cql_short_bytes(wire, "prepared_id", &error->prepared_id);
        break;
    default:
        break;
    }
}

int cql_error_decode(struct slice body, struct cql_error *error)
{
    struct wire wire;

    *error = (struct cql_error){0};
    wire_init_decode(&wire, body, NULL);
    cql_error_walk(&wire, error);
    return wire.error;
}
