/*
 * The brain of the null node: it understands the few forms of CQL that Sluice's control plane uses,
 * and remembers what lightweight transactions wrote. Other writes are forgotten, so every log is
 * empty and every segment new.
 *
 *      SELECT columns FROM t [WHERE c = ? AND ...]           rows of blobs; ORDER BY and LIMIT are
 * passed over INSERT INTO t (...) VALUES (...) IF NOT EXISTS        remembered; without IF: Void
 *      UPDATE t SET ... WHERE ... IF c = ? AND ...           done when the conditions hold
 *      DELETE FROM t ... WHERE ... IF ...                    likewise
 *      CREATE KEYSPACE, CREATE TABLE                         appear in system_schema
 *
 * A table is its name without the keyspace: one keyspace is all there is.
 */
#ifndef TESTS_BENCH_NULL_TABLES_H
#define TESTS_BENCH_NULL_TABLES_H

#include "cql/types.h"

struct null_tables;

struct null_tables *null_tables_new(void);
/* Appends the body of a RESULT. Dies for a text that it does not understand. */
void null_tables_run(struct null_tables *tables, struct slice text, const struct cql_value *values,
                     size_t value_count, struct buf *out);

#endif
