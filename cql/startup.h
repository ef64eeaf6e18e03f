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

#endif
