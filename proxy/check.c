/*
 * Connects with the very code that serve uses (core/cluster.h under the same loop), but without a
 * gateway above it: no listener, no lease, no table. Then a list of questions, one after the other;
 * each only reads. What they found is judged at the end, when all of it is known.
 */
#include "check.h"

#include "cql/error.h"
#include "cql/value.h"
#include "log.h"
#include "loop.h"
#include "proto/arena.h"
#include "startup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_US  INT64_C(10000000) /* to reach a node */
#define ANSWER_US   INT64_C(10000000) /* per question */
#define ARENA_BYTES ((size_t)4 * 1024 * 1024)
#define TEXT_BYTES  256

struct check {
    struct config *config;
    struct loop loop;
    struct cluster *cluster;
    struct arena arena;
    int64_t give_up_us;
    size_t question; /* the next one */
    bool connected;
    bool failed;
    bool misfit; /* the configuration contradicts what is stored */
    /* found */
    char cluster_name[TEXT_BYTES], data_center[TEXT_BYTES], release[TEXT_BYTES];
    char replication[TEXT_BYTES]; /* of the keyspace; "": there is none */
    int64_t copies;               /* in the home data centre; -1: unknown */
    uint32_t nodes;               /* there */
    char commitlog_sync[TEXT_BYTES];
    char home_dc[TEXT_BYTES]; /* as stored; "": not yet */
    char consistency[TEXT_BYTES];
    uint32_t topics;
    int64_t partitions;
    bool has_tables;
};

static const char *home(const struct check *check)
{
    const char *configured = check->config->gateway.local_dc;
    return configured != NULL ? configured : check->data_center;
}

static void copy_text(char to[TEXT_BYTES], struct slice text)
{
    size_t len = text.len < TEXT_BYTES ? text.len : TEXT_BYTES - 1;
    for (size_t i = 0; i < len; i++)
        to[i] = text.data[i] < ' ' || text.data[i] == 127 ? '?' : (char)text.data[i];
    to[len] = '\0';
}

static struct slice column(const struct cql_result *result, const char *name)
{
    int at = cql_result_column(result, name);
    return at < 0 ? SLICE_NULL : cql_result_cell(result, (size_t)at);
}

/* Cuts a value with its i32 length off the front of a serialised map; false: there is none. */
static bool take_bytes(struct slice *from, struct slice *value)
{
    if (from->len < 4)
        return false;
    uint32_t len = be32_load(from->data);
    if (len > from->len - 4)
        return false;
    *value = slice_make(from->data + 4, len);
    *from = slice_make(from->data + 4 + len, from->len - 4 - len);
    return true;
}

/* "3", and 3 of "3/1" (with transient replicas); -1: no number. */
static int64_t small_number(struct slice text)
{
    int64_t number = 0;
    size_t i = 0;
    for (; i < text.len && i < 4 && text.data[i] >= '0' && text.data[i] <= '9'; i++)
        number = number * 10 + (text.data[i] - '0');
    return i > 0 ? number : -1;
}

/* A map of texts, {'class': '...', 'dc1': '3'}: shown, and the copies at home picked out of it. */
static void read_replication(struct check *check, struct slice map)
{
    struct slice key, value;
    size_t used = 0;
    if (map.len < 4)
        return;
    map = slice_make(map.data + 4, map.len - 4);
    while (take_bytes(&map, &key) && take_bytes(&map, &value) && used < TEXT_BYTES - 1) {
        bool is_home = slice_equal(key, slice_cstr(home(check))) ||
                       slice_equal(key, SLICE_LITERAL("replication_factor"));
        if (is_home)
            check->copies = small_number(value);
        int len = snprintf(check->replication + used, TEXT_BYTES - used, "%s%.*s: %.*s",
                           used > 0 ? ", " : "", (int)key.len, (const char *)key.data,
                           (int)value.len, (const char *)value.data);
        used += len < 0 ? 0 : (size_t)len;
    }
}

static void on_local(struct check *check, const struct cql_result *result)
{
    copy_text(check->cluster_name, column(result, "cluster_name"));
    copy_text(check->data_center, column(result, "data_center"));
    copy_text(check->release, column(result, "release_version"));
    if (strcmp(check->data_center, home(check)) == 0)
        check->nodes++;
}

static void on_keyspace(struct check *check, const struct cql_result *result)
{
    read_replication(check, column(result, "replication"));
    if (check->copies < 0 && strstr(check->replication, "NetworkTopologyStrategy") != NULL)
        check->copies = 0; /* it names other data centres only */
}

static void on_peer(struct check *check, const struct cql_result *result)
{
    if (slice_equal(column(result, "data_center"), slice_cstr(home(check))))
        check->nodes++;
}

static void on_commitlog(struct check *check, const struct cql_result *result)
{
    copy_text(check->commitlog_sync, column(result, "value"));
}

static void on_cluster_row(struct check *check, const struct cql_result *result)
{
    check->has_tables = true;
    copy_text(check->home_dc, column(result, "home_dc"));
    copy_text(check->consistency, column(result, "consistency"));
}

static void on_topic(struct check *check, const struct cql_result *result)
{
    int32_t partitions = 0;
    check->topics++;
    if (cql_cell_i32(column(result, "partitions"), &partitions))
        check->partitions += partitions;
}

/* %s is the keyspace. What is missing (an older server, a keyspace that is not there) is no answer,
 * and no fault. */
static const struct {
    const char *text;
    void (*row)(struct check *check, const struct cql_result *result);
    bool of_keyspace; /* asked at the configured level, and only when the keyspace is there */
} questions[] = {
    {"SELECT cluster_name, data_center, release_version FROM system.local", on_local, false},
    {"SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = '%s'", on_keyspace,
     false},
    {"SELECT data_center FROM system.peers", on_peer, false},
    {"SELECT value FROM system_views.settings WHERE name = 'commitlog_sync'", on_commitlog, false},
    {"SELECT home_dc, consistency FROM \"%s\".sluice_cluster", on_cluster_row, true},
    {"SELECT partitions FROM \"%s\".sluice_topics", on_topic, true},
};

static void report(struct check *check);

static void ask_next(struct check *check, struct moment now);

static void on_answer(void *context, const struct cluster_reply *reply, bool touched,
                      struct moment now)
{
    (void)touched;
    struct check *check = context;
    size_t asked = check->question - 1;
    struct cql_result result;
    if (reply->outcome == CLUSTER_GAVE_UP) {
        (void)printf("warning: no answer within %d s to: %s\n", (int)(ANSWER_US / 1000000),
                     questions[asked].text);
        check->failed = true;
    } else if (reply->outcome == CLUSTER_REFUSED && reply->error != NULL &&
               reply->error->code == CQL_ERROR_UNAUTHORIZED) {
        (void)printf("warning: not allowed: %.*s\n", (int)reply->error->message.len,
                     (const char *)reply->error->message.data);
        check->failed = true;
    } else if (reply->outcome == CLUSTER_DONE &&
               cql_result_open(reply->body, &check->arena, &result) == STATUS_OK) {
        while (cql_result_next_row(&result))
            questions[asked].row(check, &result);
    }
    arena_reset(&check->arena);
    ask_next(check, now);
}

static void ask_next(struct check *check, struct moment now)
{
    char text[512];
    size_t count = sizeof(questions) / sizeof(questions[0]);
    while (check->question < count && questions[check->question].of_keyspace &&
           check->replication[0] == '\0')
        check->question++;
    if (check->question >= count) {
        report(check);
        return;
    }
    size_t at = check->question++;
    const char *keyspace = check->config->gateway.keyspace;
    const char *mark = strstr(questions[at].text, "%s");
    if (mark == NULL)
        (void)snprintf(text, sizeof(text), "%s", questions[at].text);
    else
        (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(mark - questions[at].text),
                       questions[at].text, keyspace, mark + 2);
    struct cluster_query query = {.text = text,
                                  .consistency = questions[at].of_keyspace
                                                     ? check->config->gateway.consistency
                                                     : CQL_CONSISTENCY_LOCAL_ONE,
                                  .page_size = 5000,
                                  .deadline_us = now.boot_us + ANSWER_US};
    if (cluster_ask(check->cluster, &query, on_answer, check, now) == NULL)
        loop_stop(&check->loop, EXIT_FAILURE);
}

static const char *plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

static void report_keyspace(struct check *check)
{
    const struct gateway_config *g = &check->config->gateway;
    if (check->replication[0] != '\0') {
        (void)printf("keyspace: %s is there (%s), %" PRIu32 " topics with %" PRId64 " partitions\n",
                     g->keyspace, check->replication, check->topics, check->partitions);
        return;
    }
    if (!g->schema_create) {
        (void)printf("keyspace: %s is missing, and schema.create is never\n", g->keyspace);
        check->failed = true;
        return;
    }
    if (g->replication == NULL)
        check->copies = check->nodes < 3 ? (int64_t)check->nodes : 3;
    if (g->replication != NULL)
        (void)printf("keyspace: %s is missing; would be made with %s\n", g->keyspace,
                     g->replication);
    else
        (void)printf("keyspace: %s is missing; would be made with %" PRId64 " cop%s in %s\n",
                     g->keyspace, check->copies, check->copies == 1 ? "y" : "ies", home(check));
}

static void misfit(struct check *check, const char *setting, const char *configured,
                   const char *stored)
{
    (void)printf("error: %s is %s, but the gateways of this keyspace use %s\n", setting, configured,
                 stored);
    check->misfit = true;
}

static void report_misfits(struct check *check)
{
    const char *level = config_value(check->config, "cassandra", "consistency")->text;
    if (check->nodes == 0) {
        (void)printf("error: cassandra.local_dc is %s, and no node is in it; the one that answered "
                     "is in %s\n",
                     home(check), check->data_center);
        check->misfit = true;
    } else if (check->copies == 0) {
        (void)printf("error: the keyspace has no copy in the data centre %s\n", home(check));
        check->misfit = true;
    }
    if (!check->has_tables)
        return;
    if (check->home_dc[0] != '\0' && strcmp(check->home_dc, home(check)) != 0)
        misfit(check, "cassandra.local_dc", home(check), check->home_dc);
    if (check->consistency[0] != '\0' && strcasecmp(check->consistency, level) != 0)
        misfit(check, "cassandra.consistency", level, check->consistency);
}

static void report_warnings(const struct check *check)
{
    if (check->copies == 1 && check->nodes > 1)
        (void)printf("warning: one copy only, though %s has %" PRIu32
                     " nodes: a lost node loses acknowledged records\n",
                     home(check), check->nodes);
    if (strcmp(check->commitlog_sync, "periodic") == 0)
        (void)printf("warning: commitlog_sync is periodic: a node that is killed loses up to a "
                     "tenth of a second of acknowledged writes of its own copy%s; batch or group "
                     "lose none\n",
                     check->copies == 1 ? ", which is the only one" : "");
    if (check->config->gateway.unsafe_consistency)
        (void)printf(
            "warning: unsafe_consistency: acknowledged records may be lost with one node\n");
}

/* Everything is known. */
static void report(struct check *check)
{
    struct cluster_facts facts;
    cluster_get_facts(check->cluster, &facts);
    (void)printf("cluster: %s, %s %s, data centre %s with %" PRIu32 " node%s\n",
                 check->cluster_name, facts.is_scylla ? "ScyllaDB" : "Cassandra", check->release,
                 home(check), check->nodes, plural(check->nodes));
    report_keyspace(check);
    report_misfits(check);
    report_warnings(check);
    (void)printf("%s\n", check->misfit   ? "serve would refuse to start"
                         : check->failed ? "serve would start, but could not serve yet"
                                         : "serve would start and serve");
    loop_stop(&check->loop, check->misfit   ? EXIT_CONFIGURATION
                            : check->failed ? EXIT_FAILURE
                                            : EXIT_SUCCESS);
}

static void core_turn(void *context, struct moment now)
{
    struct check *check = context;
    struct cluster_facts facts;
    if (check->connected)
        return;
    if (cluster_is_up(check->cluster)) {
        check->connected = true;
        ask_next(check, now);
    } else if (now.boot_us >= check->give_up_us) {
        cluster_get_facts(check->cluster, &facts);
        (void)printf("cluster: no node within %d s: %s\n"
                     "serve would start, keep trying, and ask producers to wait\n",
                     (int)(CONNECT_US / 1000000),
                     facts.last_error[0] != '\0' ? facts.last_error : "no answer");
        loop_stop(&check->loop, EXIT_FAILURE);
    }
}

static void core_tick(void *context, struct moment now)
{
    struct check *check = context;
    cluster_tick(check->cluster, now);
}

static int64_t core_deadline_us(void *context)
{
    struct check *check = context;
    int64_t due_us = cluster_deadline_us(check->cluster);
    if (!check->connected && check->give_up_us < due_us)
        due_us = check->give_up_us;
    return due_us;
}

static void print_intent(const struct config *config)
{
    char listen[ADDRESS_TEXT_BYTES], told[ADDRESS_TEXT_BYTES];
    (void)printf("configuration: %s\n", config->file != NULL ? config->file : "no file");
    (void)printf("listener: would listen on %s and tell clients %s\n",
                 address_write(config->bind.host, config->bind.port, listen, sizeof(listen)),
                 config->gateway.advertised_host != NULL
                     ? startup_address(config, &config->bind, told, sizeof(told))
                     : "the address that each has dialled");
    (void)fflush(stdout); /* the rest may take a while */
}

static void on_fatal(void *context, int exit_code, const char *text)
{
    (void)context;
    (void)exit_code;
    (void)printf("error: %s\n", text);
}

static int run(struct check *check, struct action_queue *actions, struct tls_context *node_tls)
{
    struct gateway_config *g = &check->config->gateway;
    struct loop_hooks hooks = {.context = check, .fatal = on_fatal};
    struct moment now = loop_now();
    int exit_code = EXIT_FAILURE;
    check->cluster = cluster_new(g, actions, now);
    if (check->cluster == NULL)
        return EXIT_FAILURE;
    if (loop_init(&check->loop, &hooks) == STATUS_OK) {
        struct loop_core core = {.context = check,
                                 .actions = actions,
                                 .turn = core_turn,
                                 .tick = core_tick,
                                 .deadline_us = core_deadline_us};
        check->loop.connect_timeout_us = g->connect_timeout_us;
        check->loop.node_tls = node_tls;
        check->give_up_us = now.boot_us + CONNECT_US;
        loop_attach(&check->loop, &core);
        cluster_start(check->cluster, now);
        exit_code = loop_run(&check->loop);
        loop_deinit(&check->loop);
    }
    cluster_free(check->cluster);
    return exit_code;
}

int check(struct config *config)
{
    struct check *check = calloc(1, sizeof(*check));
    struct action_queue *actions = action_queue_new(&alloc_heap);
    int exit_code = EXIT_FAILURE;
    enum log_level level = (enum log_level)config->log_level;
    /* its own lines say what was found; the core's are wanted when something is wrong, or for
     * debugging */
    log_configure(level == LOG_INFO ? LOG_WARN : level, config->log_lines_per_second);
    print_intent(config);
    struct tls_context *node_tls = NULL;
    if (!startup_node_tls(config, &node_tls)) {
        exit_code = EXIT_CONFIGURATION;
    } else if (check != NULL && actions != NULL) {
        check->config = config;
        check->copies = -1;
        arena_init(&check->arena, &alloc_heap, 16 * 1024, ARENA_BYTES);
        exit_code = run(check, actions, node_tls);
        arena_deinit(&check->arena);
    }
    tls_context_free(node_tls);
    if (actions != NULL)
        action_queue_free(actions);
    free(check);
    log_flush(true);
    return exit_code;
}
