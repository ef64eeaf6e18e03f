/* The messages that open a connection: OPTIONS and SUPPORTED, STARTUP and READY, REGISTER. */
#ifndef CQL_STARTUP_H
#define CQL_STARTUP_H

#include "cql/types.h"

struct cql_startup {
    struct cql_pair *options;
    uint16_t option_count;
};

struct cql_supported {
    struct cql_choice *options;
    uint16_t option_count;
};

struct cql_register {
    struct slice *events; /* "SCHEMA_CHANGE" and so on */
    uint16_t event_count;
};

void cql_startup_walk(struct wire *wire, void *startup);
void cql_supported_walk(struct wire *wire, void *supported);
void cql_register_walk(struct wire *wire, void *registration);
/* OPTIONS and READY: there is nothing in them. */
void cql_empty_walk(struct wire *wire, void *nothing);
/*
 * What SUPPORTED says, as pairs that live as long as the arena: a key with several values has them
 * joined by commas ("3/v3,4/v4,5/v5"). TRUNCATED, LIMIT (of the arena), NOMEM.
 */
MUST_CHECK int cql_supported_copy(struct slice body, struct arena *arena, struct cql_pair **pairs,
                                  uint16_t *count);

#endif
