/*
 * The tables of a Cassandra in memory: enough CQL for the control plane's statements
 * (core/statements.h) and for what a test wants to put there. Several fake nodes, of one net or of
 * several, may share one; give it as their handler:
 *
 *      node->handler = fake_db_handle;
 *      node->context = db;
 *
 * Lightweight transactions are one step, so what a test breaks is the way to them and back: see
 * enum fake_fault. A statement that it does not understand ends the process.
 */
#ifndef TESTS_SUPPORT_FAKE_DB_H
#define TESTS_SUPPORT_FAKE_DB_H

#include "tests/support/fake_node.h"

struct fake_db;

/* system.local and friends of a lone 5.0.6 node in "datacenter1"; no keyspace of ours. */
struct fake_db *fake_db_new(void);
void fake_db_free(struct fake_db *db);
/* A fake_handler: answers QUERY. */
void fake_db_handle(void *db, struct fake_node *node, const struct fake_request *request,
                    struct fake_answer *answer);

/* One statement with literals: numbers, 'text', true, uuids as they are written. Returns the number
 * of rows found. */
unsigned fake_db_run(struct fake_db *db, const char *text);
/* The first cell of the first row that a SELECT finds; NULL data: none. Valid until the next
 * statement. */
struct slice fake_db_cell(struct fake_db *db, const char *text);
int64_t fake_db_number(struct fake_db *db, const char *text); /* -1: none */
bool fake_db_text_is(struct fake_db *db, const char *text, const char *expected);

enum fake_fault {
    FAULT_LOSE_REQUEST,   /* not executed, never answered */
    FAULT_LOSE_ANSWER,    /* executed, never answered */
    FAULT_LATE,           /* never answered, executed by fake_db_execute_late */
    FAULT_INVALID,        /* refused: 0x2200 "as the test wishes" */
    FAULT_DOES_NOT_EXIST, /* refused: 0x2200 "table x does not exist" */
    FAULT_NO_COLUMNS,     /* system_schema.columns has nothing yet of that table */
    FAULT_CAS_TIMEOUT,    /* executed, and answered with 0x1100 CAS */
};
/* For the next `times` statements over the wire whose text contains `part`. */
void fake_db_fault(struct fake_db *db, const char *part, enum fake_fault fault, unsigned times);
void fake_db_clear_faults(struct fake_db *db);
void fake_db_execute_late(struct fake_db *db);
/* Statements over the wire that contain `part`. */
unsigned fake_db_count(const struct fake_db *db, const char *part);
void fake_db_forget_counts(struct fake_db *db);
/* The database's clock minus the net's. */
void fake_db_set_clock(struct fake_db *db, int64_t ahead_ms);

#endif
