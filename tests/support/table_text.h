/* The forms of CQL that the table model understands:
 *
 *      INSERT INTO t (c, ...) VALUES (?, ...)
 *      DELETE FROM t USING TIMESTAMP ? WHERE c = ? [AND c >= ?] [AND c < ?]
 *      SELECT c | TTL(c), ... FROM t WHERE c = ? [AND c >= ?] [AND c < ?] [ORDER BY c ASC|DESC] [LIMIT n]
 *
 * with t as name, "name", keyspace.name, each part quoted or not. */
#ifndef TESTS_SUPPORT_TABLE_TEXT_H
#define TESTS_SUPPORT_TABLE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/slice.h"

#define TEXT_NAMES_MAX      16
#define TEXT_TTL            "TTL()" /* the name of such a column */
#define TEXT_NAME_MAX_BYTES 256

enum text_kind { TEXT_INSERT, TEXT_DELETE, TEXT_SELECT };
enum text_operator { TEXT_EQUAL, TEXT_AT_LEAST, TEXT_BELOW };

struct text_name {
    char text[TEXT_NAME_MAX_BYTES];
};

struct text_condition {
    struct text_name column;
    enum text_operator op;
};

struct text_statement {
    enum text_kind kind;
    struct text_name table; /* without the keyspace */
    struct text_name columns[TEXT_NAMES_MAX];
    size_t column_count;
    struct text_condition conditions[TEXT_NAMES_MAX];
    size_t condition_count;
    bool has_timestamp; /* its first marker */
    bool ordered, descending;
    int64_t limit; /* 0: none */
};

/* false: not one of the forms above. */
bool text_parse(struct slice text, struct text_statement *statement);

#endif
