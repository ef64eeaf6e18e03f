/*
 * CQL text taken apart: the statements that Sluice sends and that the histories need. Names are
 * without quotes; literals are kept as they are written until the column's type is known.
 */
#ifndef TESTS_SIM_DATABASE_TEXT_H
#define TESTS_SIM_DATABASE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/arena.h"
#include "proto/slice.h"

#define TEXT_ITEMS_MAX 24

enum db_kind {
    DB_SELECT,
    DB_INSERT,
    DB_UPDATE,
    DB_DELETE,
    DB_CREATE_KEYSPACE,
    DB_CREATE_TABLE,
    DB_ALTER_TABLE, /* WITH options only */
    DB_DROP_TABLE,
};

enum db_term_kind {
    DB_TERM_NONE,
    DB_TERM_MARKER,
    DB_TERM_NULL,
    DB_TERM_STRING, /* 'it''s' */
    DB_TERM_WORD,   /* 17, -3, true, 0xcafe, a uuid */
};

struct db_term {
    enum db_term_kind kind;
    uint16_t marker;  /* MARKER: counted through the statement */
    const char *text; /* STRING, WORD */
};

enum db_operator { DB_EQUAL, DB_LESS, DB_LESS_EQUAL, DB_GREATER, DB_GREATER_EQUAL };

struct db_relation {
    const char *column;
    enum db_operator op;
    struct db_term term;
};

enum db_function { DB_PLAIN, DB_WRITETIME, DB_TTL, DB_NOW }; /* DB_NOW: toTimestamp(now()) */

struct db_item { /* of SELECT, INSERT, UPDATE ... SET, DELETE */
    const char *column;
    enum db_function function;
    const char *alias; /* NULL: none */
    struct db_term term;
};

enum db_role { DB_PARTITION_KEY, DB_CLUSTERING, DB_STATIC, DB_REGULAR };

struct db_definition { /* a column of CREATE TABLE */
    const char *name;
    const char *type; /* "frozen<list<int>>", one blank after each comma and no other */
    enum db_role role;
    int position; /* of a key column */
};

struct db_option { /* WITH name = value; of a map: name is "replication.class" and so on */
    const char *name;
    const char *value;
};

struct db_statement {
    enum db_kind kind;
    const char *text;
    const char *keyspace; /* NULL: not named */
    const char *table;
    struct db_item items[TEXT_ITEMS_MAX]; /* SELECT *: none */
    unsigned item_count;
    struct db_relation where[TEXT_ITEMS_MAX];
    unsigned where_count;
    struct db_relation conditions[TEXT_ITEMS_MAX];
    unsigned condition_count;
    bool if_not_exists, if_exists;
    struct db_term timestamp, ttl, limit;
    bool ordered, descending;
    uint16_t marker_count;
    struct db_definition columns[TEXT_ITEMS_MAX];
    unsigned column_count;
    bool clustering_descending;
    struct db_option options[TEXT_ITEMS_MAX];
    unsigned option_count;
};

/* NULL: none of the statements above. All memory is the arena's. */
struct db_statement *db_text_parse(struct slice text, struct arena *arena);
/* Changed by a lightweight transaction? */
bool db_is_conditional(const struct db_statement *statement);

#endif
