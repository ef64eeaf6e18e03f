/* The little CQL that fake_db understands, taken apart. What it does not understand ends the
 * process. */
#ifndef TESTS_SUPPORT_FAKE_CQL_H
#define TESTS_SUPPORT_FAKE_CQL_H

#include "cql/query.h"

#define FAKE_PAIRS_MAX 24

enum fake_statement_kind {
    FAKE_SELECT,
    FAKE_INSERT,
    FAKE_UPDATE,
    FAKE_DELETE,
    FAKE_CREATE_TABLE,
    FAKE_ALTER_TABLE, /* default_time_to_live and what else it says */
    FAKE_DROP_TABLE,  /* IF EXISTS */
    FAKE_CREATE_KEYSPACE,
};

struct fake_pair {
    char column[40];
    struct slice value; /* data NULL: null */
};

struct fake_column {
    char name[40], type[48];
    bool is_key, is_partition;
};

struct fake_statement {
    enum fake_statement_kind kind;
    char table[300];                      /* keyspace.table, or the keyspace */
    struct fake_pair set[FAKE_PAIRS_MAX]; /* SELECT: the columns; none: all */
    unsigned set_count;
    struct fake_pair where[FAKE_PAIRS_MAX];
    unsigned where_count;
    struct fake_pair condition[FAKE_PAIRS_MAX];
    unsigned condition_count;
    bool if_not_exists;
    struct fake_column defined[FAKE_PAIRS_MAX];
    unsigned defined_count;
    char id[40];      /* WITH ID, or empty */
    char ttl[16];     /* default_time_to_live, or empty */
    struct slice map; /* replication, or compression; encoded, owned. data NULL: none */
    void *owned[64];  /* values that were literals */
    unsigned owned_count;
};

/* `query` has the values of the markers, or is NULL. type_of: of a column, so that a number knows
 * its size. */
void fake_cql_parse(const char *text, const struct cql_query *query,
                    const char *(*type_of)(void *context, const char *table, const char *column),
                    void *context, struct fake_statement *statement);
void fake_cql_forget(struct fake_statement *statement);

#endif
