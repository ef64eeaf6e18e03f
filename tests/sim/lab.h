/*
 * One simulated Cassandra with a clock, a heap of events and clients that wait for their answers:
 * for tests of the model itself. Answers become one line of text, the same that the histories have.
 *
 *      struct lab *lab = lab_new(&(struct database_config){.nodes = 3}, 1);
 *      expect(lab, 0, "INSERT INTO k.t (a, b) VALUES (1, 2)", "void");
 *      expect(lab, 1, "SELECT a, b FROM k.t WHERE a = 1", "1 2");
 *      lab_free(lab);
 */
#ifndef TESTS_SIM_LAB_H
#define TESTS_SIM_LAB_H

#include "cql/consistency.h"
#include "tests/sim/database.h"

#define LAB_CLIENTS_MAX 512

struct lab_event {
    int64_t at_us;
    uint64_t number;
    void (*fire)(void *argument);
    void *argument;
};

struct lab_client {
    struct lab *lab;
    struct database_session *session; /* NULL: closed */
    uint8_t bytes[256 * 1024];
    size_t len;
    int16_t stream;
};

struct lab {
    struct database *db;
    uint64_t seed;
    int64_t now_us;
    uint64_t events;
    struct lab_event *heap;
    size_t heap_count, heap_capacity;
    struct lab_client *clients[LAB_CLIENTS_MAX];
    unsigned client_count;
    struct lab_client *of_node[DATABASE_NODES_MAX]; /* of lab_ask */
    /* of the next statements */
    uint16_t consistency, serial_consistency;
    int32_t page_size;
    int64_t timestamp_us; /* of the frame; 0: none */
    char answer[64 * 1024];
    uint8_t paging_state[256];
    size_t paging_state_bytes;
    bool trace;
};

/* At 2025-06-15, with keyspace "k" (RF 3, or all nodes) unless there is none to make. */
struct lab *lab_new(const struct database_config *config, uint64_t seed);
void lab_free(struct lab *lab);
void lab_run(struct lab *lab, int64_t us);
/* NULL: refused. */
struct lab_client *lab_connect(struct lab *lab, unsigned node);
void lab_send(struct lab_client *client, uint8_t opcode, int16_t stream, struct slice body);
/* Sends a statement; the answer is waited for by lab_wait. Values follow "<-": numbers, 'text',
 * 0xhex, null, unset, separated by commas; with values it is prepared first. */
void lab_begin(struct lab_client *client, const char *text);
/* "void", rows "1 2 | 3 null", "error 2200 ...", "timeout SIMPLE 1/2", "silence", "closed".
 * Until the next call. */
const char *lab_wait(struct lab_client *client, int64_t patience_us);
/* Both, on a connection to the node; 30 s. */
const char *lab_ask(struct lab *lab, unsigned node, const char *text);
/* The next page, with what the answer before said. */
const char *lab_ask_more(struct lab *lab, unsigned node, const char *text);
/* Several statements in one UNLOGGED BATCH; at most 64. */
void lab_begin_batch(struct lab_client *client, const char *const *texts, unsigned count);

#endif
