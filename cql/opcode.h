/*
 * The registry of CQL v4 messages: one row per opcode. It drives dispatch, printing, tests and
 * fuzzers; a message without a row does not exist here.
 */
#ifndef CQL_OPCODE_H
#define CQL_OPCODE_H

#include "proto/wire.h"

enum cql_opcode {
    CQL_ERROR = 0x00,
    CQL_STARTUP = 0x01,
    CQL_READY = 0x02,
    CQL_AUTHENTICATE = 0x03,
    CQL_OPTIONS = 0x05, /* 0x04 was CREDENTIALS in v1 */
    CQL_SUPPORTED = 0x06,
    CQL_QUERY = 0x07,
    CQL_RESULT = 0x08,
    CQL_PREPARE = 0x09,
    CQL_EXECUTE = 0x0A,
    CQL_REGISTER = 0x0B,
    CQL_EVENT = 0x0C,
    CQL_BATCH = 0x0D,
    CQL_AUTH_CHALLENGE = 0x0E,
    CQL_AUTH_RESPONSE = 0x0F,
    CQL_AUTH_SUCCESS = 0x10,
};

enum cql_direction { CQL_FROM_CLIENT, CQL_FROM_NODE };

/* Visits the body's fields in wire order; `body` is the message's struct. */
typedef void (*cql_walk)(struct wire *wire, void *body);

struct cql_message {
    uint8_t opcode;
    const char *name; /* as the specification spells it */
    enum cql_direction direction;
    size_t body_bytes; /* sizeof the message's struct; 0: the body is empty and walk gets NULL */
    cql_walk walk;     /* never NULL */
};

/* NULL when the opcode is unknown. */
const struct cql_message *cql_opcode_find(uint8_t opcode);
/* All rows in opcode order. */
const struct cql_message *cql_opcode_rows(size_t *count);
/* "EXECUTE"; "UNKNOWN" for a number that is not in the list. Never NULL. */
const char *cql_opcode_name(uint8_t opcode);
/* Is `answer` a proper reply to `request`? ERROR always is. */
bool cql_opcode_answers(uint8_t request, uint8_t answer);

#endif
