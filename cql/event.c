#include "cql/event.h"

static const struct cql_word kinds[] = {
    {"TOPOLOGY_CHANGE", CQL_PUSH_TOPOLOGY},
    {"STATUS_CHANGE", CQL_PUSH_STATUS},
    {"SCHEMA_CHANGE", CQL_PUSH_SCHEMA},
    {NULL, 0},
};

static const struct cql_word changes[] = {
    {"NEW_NODE", CQL_CHANGE_NEW_NODE},
    {"REMOVED_NODE", CQL_CHANGE_REMOVED_NODE},
    {"MOVED_NODE", CQL_CHANGE_MOVED_NODE},
    {"UP", CQL_CHANGE_UP},
    {"DOWN", CQL_CHANGE_DOWN},
    {"CREATED", CQL_CHANGE_CREATED},
    {"UPDATED", CQL_CHANGE_UPDATED},
    {"DROPPED", CQL_CHANGE_DROPPED},
    {NULL, 0},
};

static const struct cql_word targets[] = {
    {"KEYSPACE", CQL_TARGET_KEYSPACE},   {"TABLE", CQL_TARGET_TABLE},
    {"TYPE", CQL_TARGET_TYPE},           {"FUNCTION", CQL_TARGET_FUNCTION},
    {"AGGREGATE", CQL_TARGET_AGGREGATE}, {NULL, 0},
};

static void change_walk(struct wire *wire, enum cql_push_change *change)
{
    int value = (int)*change;

    cql_word(wire, "change", changes, &value);
    *change = (enum cql_push_change)value;
}

void cql_schema_change_walk(struct wire *wire, struct cql_schema_change *schema)
{
    int target = (int)schema->target;

    change_walk(wire, &schema->change);
    cql_word(wire, "target", targets, &target);
    schema->target = (enum cql_schema_target)target;
    if (target == CQL_TARGET_UNKNOWN)
        return;
    cql_string(wire, "keyspace", &schema->keyspace);
    if (target == CQL_TARGET_KEYSPACE)
        return;
    cql_string(wire, "name", &schema->table);
    if (target == CQL_TARGET_FUNCTION || target == CQL_TARGET_AGGREGATE)
        cql_string_list(wire, "argument", &schema->arguments);
}

void cql_event_walk(struct wire *wire, void *body)
{
    struct cql_push *push = body;
    int kind = (int)push->kind;

    cql_word(wire, "kind", kinds, &kind);
    push->kind = (enum cql_push_kind)kind;
    switch (push->kind) {
    case CQL_PUSH_TOPOLOGY:
    case CQL_PUSH_STATUS:
        change_walk(wire, &push->change);
        cql_inet(wire, "address", &push->address);
        break;
    case CQL_PUSH_SCHEMA:
        cql_schema_change_walk(wire, &push->schema);
        if (wire_decoding(wire))
            push->change = push->schema.change;
        break;
    case CQL_PUSH_UNKNOWN:
        break;
    }
}

int cql_event_decode(struct slice body, struct cql_push *push)
{
    struct wire wire;

    *push = (struct cql_push){0};
    wire_init_decode(&wire, body, NULL);
    cql_event_walk(&wire, push);
    return wire.error;
}
