/* The EVENT message: what a node tells those who registered, without being asked. */
#ifndef CQL_EVENT_H
#define CQL_EVENT_H

#include "cql/types.h"

enum cql_push_kind {
    CQL_PUSH_UNKNOWN, /* a kind that is not in this list; no other field is set */
    CQL_PUSH_TOPOLOGY,
    CQL_PUSH_STATUS,
    CQL_PUSH_SCHEMA,
};

enum cql_push_change {
    CQL_CHANGE_UNKNOWN,
    CQL_CHANGE_NEW_NODE, /* TOPOLOGY */
    CQL_CHANGE_REMOVED_NODE,
    CQL_CHANGE_MOVED_NODE,
    CQL_CHANGE_UP, /* STATUS; may come about 1 s before the node's port is open */
    CQL_CHANGE_DOWN,
    CQL_CHANGE_CREATED, /* SCHEMA */
    CQL_CHANGE_UPDATED,
    CQL_CHANGE_DROPPED,
};

enum cql_schema_target {
    CQL_TARGET_UNKNOWN,
    CQL_TARGET_KEYSPACE,
    CQL_TARGET_TABLE,
    CQL_TARGET_TYPE,
    CQL_TARGET_FUNCTION,
    CQL_TARGET_AGGREGATE,
};

/* Also the body of a RESULT of kind Schema_change. An unknown target has no keyspace and no name.
 */
struct cql_schema_change {
    enum cql_push_change change;
    enum cql_schema_target target;
    struct slice keyspace;
    struct slice table;     /* or the type's, function's, aggregate's name; empty for a keyspace */
    struct slice arguments; /* FUNCTION, AGGREGATE: raw [string list] */
};

struct cql_push {
    enum cql_push_kind kind;
    enum cql_push_change change; /* of every kind */
    struct cql_inet address; /* TOPOLOGY, STATUS: as the node broadcasts it, not as we dialled */
    struct cql_schema_change schema; /* SCHEMA */
};

void cql_schema_change_walk(struct wire *wire, struct cql_schema_change *schema);
void cql_event_walk(struct wire *wire, void *push);
/* Slices borrow from the body. TRUNCATED, MALFORMED. */
MUST_CHECK int cql_event_decode(struct slice body, struct cql_push *push);

#endif
