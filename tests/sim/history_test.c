/*
 * The model against what real nodes answered (histories/README.md): every file of histories is one
 * test, and every answer in it is compared.
 */
#include "tests/sim/lab.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define SECOND_US  INT64_C(1000000)
#define LINE_BYTES 2048
#define BATCH_MAX  64
#define FOLDER     SOURCE_DIR "/tests/sim/histories/"

struct teller {
    const char *file;
    unsigned line, number, answers, wrong;
    struct lab *lab;
    struct lab_client *clients[DATABASE_NODES_MAX]; /* one connection to each node */
    char batch[BATCH_MAX][LINE_BYTES];
    unsigned batch_count;
    char last[LINE_BYTES];
    char answer[64 * 1024]; /* of the statement before; "": none */
};

/* @: the history's number; $future: 10 s ahead. */
static void expand(const struct teller *teller, const char *from, char to[LINE_BYTES])
{
    size_t at = 0;
    for (; *from != '\0' && at < LINE_BYTES - 32; from++) {
        if (*from == '@') {
            at += (size_t)sprintf(to + at, "%u", teller->number);
        } else if (strncmp(from, "$future", 7) == 0) {
            at +=
                (size_t)sprintf(to + at, "%lld", (long long)(teller->lab->now_us + 10 * SECOND_US));
            from += 6;
        } else {
            to[at++] = *from;
        }
    }
    to[at] = '\0';
}

static struct lab_client *client_of(struct teller *teller, unsigned node)
{
    if (teller->clients[node] == NULL || teller->clients[node]->session == NULL)
        teller->clients[node] = lab_connect(teller->lab, node);
    assert_non_null(teller->clients[node]);
    return teller->clients[node];
}

static void keep_answer(struct teller *teller, struct lab_client *client)
{
    (void)snprintf(teller->answer, sizeof(teller->answer), "%s", lab_wait(client, 60 * SECOND_US));
}

static void send_batch(struct teller *teller, struct lab_client *client)
{
    const char *texts[BATCH_MAX];
    for (unsigned i = 0; i < teller->batch_count; i++)
        texts[i] = teller->batch[i];
    lab_begin_batch(client, texts, teller->batch_count);
    teller->batch_count = 0;
}

/* "> text", "2> text", "2>> text" */
static void tell_statement(struct teller *teller, const char *line)
{
    unsigned node = isdigit((unsigned char)*line) ? (unsigned)(*line++ - '1') : 0;
    bool waits = line[1] != '>';
    const char *text = line + (waits ? 2 : 3);
    struct lab_client *client = client_of(teller, node);

    if (strcmp(text, "batch") == 0) {
        send_batch(teller, client);
    } else {
        bool more = strcmp(text, "more") == 0;
        if (!more) {
            teller->lab->paging_state_bytes = 0;
            expand(teller, text, teller->last);
        }
        lab_begin(client, teller->last);
    }
    if (waits)
        keep_answer(teller, client);
}

static uint16_t consistency_of(const char *word)
{
    for (uint16_t i = 0; i <= CQL_CONSISTENCY_LOCAL_ONE; i++)
        if (strcmp(cql_consistency_name(i), word) == 0)
            return i;
    fail_msg("no such level: %s", word);
    return 0;
}

static bool tell_node(struct teller *teller, const char *word, const char *rest)
{
    unsigned node = (unsigned)strtoul(rest, NULL, 10) - 1;
    if (strcmp(word, "pause") == 0)
        database_pause(teller->lab->db, node);
    else if (strcmp(word, "resume") == 0)
        database_resume(teller->lab->db, node);
    else if (strcmp(word, "kill") == 0)
        database_kill(teller->lab->db, node);
    else if (strcmp(word, "start") == 0)
        database_start(teller->lab->db, node, SECOND_US);
    else
        return false;
    lab_run(teller->lab, 2 * SECOND_US); /* the tool takes its time, too */
    return true;
}

static void tell_setting(struct teller *teller, const char *line)
{
    char word[32] = "", rest[64] = "";
    struct lab *lab = teller->lab;
    if (sscanf(line, "%31s %63s", word, rest) != 2)
        fail_msg("%s:%u: not understood", teller->file, teller->line);
    if (strcmp(word, "consistency") == 0)
        lab->consistency = consistency_of(rest);
    else if (strcmp(word, "serial") == 0)
        lab->serial_consistency = consistency_of(rest);
    else if (strcmp(word, "page") == 0)
        lab->page_size = (int32_t)strtol(rest, NULL, 10);
    else if (strcmp(word, "timestamp") == 0)
        lab->timestamp_us = strtoll(rest, NULL, 10);
    else if (strcmp(word, "sleep") == 0)
        lab_run(lab, (int64_t)(strtod(rest, NULL) * 1e6));
    else if (!tell_node(teller, word, rest))
        fail_msg("%s:%u: not understood", teller->file, teller->line);
}

static void begin_history(struct teller *teller)
{
    struct lab *lab = teller->lab;
    teller->number++;
    lab->consistency = CQL_CONSISTENCY_QUORUM;
    lab->serial_consistency = CQL_CONSISTENCY_SERIAL;
    lab->page_size = 0;
    lab->timestamp_us = 0;
    lab->paging_state_bytes = 0;
}

/* Of an error only the code counts. */
static void compare(struct teller *teller, const char *expected)
{
    size_t len = strncmp(expected, "error ", 6) == 0 ? 10 : sizeof(teller->answer);
    teller->answers++;
    if (strncmp(expected, teller->answer, len) != 0) {
        print_error("%s:%u: Cassandra answered '%s', the model '%s'\n", teller->file, teller->line,
                    expected, teller->answer);
        teller->wrong++;
    }
    teller->answer[0] = '\0';
}

static void tell_line(struct teller *teller, const char *line)
{
    if (line[0] == '<') {
        compare(teller, line + 2);
        return;
    }
    if (teller->answer[0] != '\0')
        fail_msg("%s:%u: the answer before was not recorded", teller->file, teller->line);
    if (strncmp(line, "numbers from ", 13) == 0)
        teller->number = (unsigned)strtoul(line + 13, NULL, 10);
    else if (line[0] == '=')
        begin_history(teller);
    else if (line[0] == '+')
        expand(teller, line + 2, teller->batch[teller->batch_count++ % BATCH_MAX]);
    else if (line[0] == '>' || (isdigit((unsigned char)line[0]) && line[1] == '>'))
        tell_statement(teller, line);
    else if (isdigit((unsigned char)line[0]))
        keep_answer(teller, client_of(teller, (unsigned)(line[0] - '1')));
    else if (line[0] != '#' && line[0] != '\0')
        tell_setting(teller, line);
}

static void each_line(const char *file, void (*tell)(struct teller *, const char *),
                      struct teller *teller)
{
    char path[512], line[LINE_BYTES];
    (void)snprintf(path, sizeof(path), FOLDER "%s", file);
    FILE *stream = fopen(path, "r");
    assert_non_null(stream);
    for (teller->line = 1; fgets(line, sizeof(line), stream) != NULL; teller->line++) {
        line[strcspn(line, "\n")] = '\0';
        tell(teller, line);
    }
    (void)fclose(stream);
}

static void run_schema_line(struct teller *teller, const char *line)
{
    database_run(teller->lab->db, line);
}

static void tell_file(const char *file)
{
    struct teller *teller = calloc(1, sizeof(*teller));
    assert_non_null(teller);
    teller->file = file;
    for (uint64_t seed = 1; seed <= 3; seed++) { /* which replicas are asked is chance */
        teller->lab = lab_new(&(struct database_config){.nodes = 3}, seed);
        each_line("schema", run_schema_line, teller);
        each_line(file, tell_line, teller);
        lab_free(teller->lab);
        memset(teller->clients, 0, sizeof(teller->clients));
    }
    assert_int_equal(0, teller->wrong);
    assert_true(teller->answers >= 15);
    free(teller);
}

static void cells_and_ties_are_as_in_cassandra(void **state)
{
    (void)state;
    tell_file("cells.txt");
}

static void seals_are_as_in_cassandra(void **state)
{
    (void)state;
    tell_file("seals.txt");
}

static void reads_are_as_in_cassandra(void **state)
{
    (void)state;
    tell_file("reads.txt");
}

static void transactions_are_as_in_cassandra(void **state)
{
    (void)state;
    tell_file("transactions.txt");
}

static void faults_are_as_in_cassandra(void **state)
{
    (void)state;
    tell_file("faults.txt");
}

static void hints_are_as_in_cassandra(void **state)
{
    (void)state;
    tell_file("hints.txt");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_and_ties_are_as_in_cassandra),
        cmocka_unit_test(seals_are_as_in_cassandra),
        cmocka_unit_test(reads_are_as_in_cassandra),
        cmocka_unit_test(transactions_are_as_in_cassandra),
        cmocka_unit_test(faults_are_as_in_cassandra),
        cmocka_unit_test(hints_are_as_in_cassandra),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
