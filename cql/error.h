/* The ERROR message: what a node says when it did not do what it was asked. */
#ifndef CQL_ERROR_H
#define CQL_ERROR_H

#include "proto/wire.h"

/*        name               code    text */
#define CQL_ERROR_MAP(X)                                                                           \
    X(SERVER, 0x0000, "server error")                                                              \
    X(PROTOCOL, 0x000A, "protocol error")                                                          \
    X(CREDENTIALS, 0x0100, "bad credentials")                                                      \
    X(UNAVAILABLE, 0x1000, "not enough replicas alive")                                            \
    X(OVERLOADED, 0x1001, "overloaded")                                                            \
    X(BOOTSTRAPPING, 0x1002, "node is bootstrapping")                                              \
    X(TRUNCATE, 0x1003, "truncation failed")                                                       \
    X(WRITE_TIMEOUT, 0x1100, "write timeout")                                                      \
    X(READ_TIMEOUT, 0x1200, "read timeout")                                                        \
    X(READ_FAILURE, 0x1300, "read failure")                                                        \
    X(FUNCTION_FAILURE, 0x1400, "function failure")                                                \
    X(WRITE_FAILURE, 0x1500, "write failure")                                                      \
    X(CDC_WRITE_FAILURE, 0x1600, "no space for change data capture")                               \
    X(CAS_WRITE_UNKNOWN, 0x1700, "result of the transaction unknown")                              \
    X(SYNTAX, 0x2000, "syntax error")                                                              \
    X(UNAUTHORIZED, 0x2100, "unauthorized")                                                        \
    X(INVALID, 0x2200, "invalid request")                                                          \
    X(CONFIG, 0x2300, "configuration error")                                                       \
    X(ALREADY_EXISTS, 0x2400, "already exists")                                                    \
    X(UNPREPARED, 0x2500, "statement is not prepared")

enum cql_error_code {
#define CQL_ERROR_ENUM(name, code, text) CQL_ERROR_##name = (code),
    CQL_ERROR_MAP(CQL_ERROR_ENUM)
#undef CQL_ERROR_ENUM
};

/* Slices borrow from the body. A field that the code does not carry is zero; an unknown code
 * carries only a message. */
struct cql_error {
    int32_t code; /* enum cql_error_code, or a number that is not in it */
    struct slice message;
    uint16_t consistency;     /* UNAVAILABLE, timeouts, failures, CAS_WRITE_UNKNOWN */
    int32_t required;         /* UNAVAILABLE */
    int32_t alive;            /* UNAVAILABLE */
    int32_t received;         /* timeouts, failures, CAS_WRITE_UNKNOWN */
    int32_t block_for;        /* timeouts, failures, CAS_WRITE_UNKNOWN */
    int32_t failure_count;    /* failures: replicas that refused */
    bool data_present;        /* READ_TIMEOUT, READ_FAILURE */
    struct slice write_type;  /* WRITE_TIMEOUT, WRITE_FAILURE: "SIMPLE", "CAS", or any newer word */
    struct slice keyspace;    /* ALREADY_EXISTS, FUNCTION_FAILURE */
    struct slice table;       /* ALREADY_EXISTS: empty when the keyspace is meant */
    struct slice function;    /* FUNCTION_FAILURE */
    struct slice arguments;   /* FUNCTION_FAILURE: raw [string list], see cql_string_list_next */
    struct slice prepared_id; /* UNPREPARED */
};

/* "WRITE_TIMEOUT" and "write timeout"; "UNKNOWN" for a code that is not in the list. Never NULL. */
const char *cql_error_name(int32_t code);
const char *cql_error_text(int32_t code);

void cql_error_walk(struct wire *wire, void *error);
/* TRUNCATED or MALFORMED: the body lacks what its code promises. Bytes after that are ignored. */
MUST_CHECK int cql_error_decode(struct slice body, struct cql_error *error);

#endif
