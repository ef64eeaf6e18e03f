/*
 * The very boot that serve goes through (core/control/control.h, as a survey: nothing is made), under
 * the same loop, but without a gateway above it: no listener, no lease, no table. What the boot
 * refuses, check refuses; what it warns of is told in the same words.
 */
#include "check.h"

#include "core/control/control.h"
#include "log.h"
#include "loop.h"
#include "startup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define CONNECT_US INT64_C(10000000) /* to reach a node */
#define SURVEY_US  INT64_C(20000000) /* from then on */

struct check {
    struct config *config;
    struct loop loop;
    struct cluster *cluster;
    struct control *control;
    int64_t give_up_us;
    bool connected;
    uint32_t topics;
    int64_t partitions;
};

static const char *plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

static void finish(struct check *check, const char *verdict, int exit_code)
{
    log_flush(true); /* warnings first */
    (void)printf("%s\n", verdict);
    loop_stop(&check->loop, exit_code);
}

static void print_keyspace(const struct check *check, const struct control_survey *survey)
{
    const struct gateway_config *g = &check->config->gateway;
    if (!survey->has_keyspace && g->replication != NULL)
        (void)printf("keyspace: %s is missing; would be made with %s\n", g->keyspace,
                     g->replication);
    else if (!survey->has_keyspace)
        (void)printf("keyspace: %s is missing; would be made with %" PRId32 " cop%s in %s\n",
                     g->keyspace, survey->copies, survey->copies == 1 ? "y" : "ies",
                     survey->home_dc);
    else
        (void)printf("keyspace: %s is there, %" PRId32 " cop%s in %s; %" PRIu32
                     " topic%s with %" PRId64 " partition%s\n",
                     g->keyspace, survey->copies, survey->copies == 1 ? "y" : "ies",
                     survey->home_dc, check->topics, plural(check->topics), check->partitions,
                     plural(check->partitions));
    if (survey->has_keyspace && survey->missing_tables[0] != '\0')
        (void)printf("tables: would be made: %s\n", survey->missing_tables);
}

static void on_surveyed(void *context, const struct control_survey *survey, struct moment now)
{
    struct check *check = context;
    struct cluster_facts facts;
    (void)now;
    cluster_get_facts(check->cluster, &facts);
    (void)printf("cluster: %s, %s %s, data centre %s with %u node%s\n", facts.cluster_name,
                 facts.is_scylla ? "ScyllaDB" : "Cassandra", facts.release_version, survey->home_dc,
                 survey->home_nodes, plural(survey->home_nodes));
    print_keyspace(check, survey);
    if (check->config->gateway.unsafe_consistency)
        (void)printf(
            "warning: unsafe_consistency: acknowledged records may be lost with one node\n");
    finish(check, "serve would start and serve", EXIT_SUCCESS);
}

static void on_refused(void *context, int exit_code, const char *text)
{
    struct check *check = context;
    (void)printf("error: %s\n", text);
    finish(check, "serve would refuse to start", exit_code);
}

static int on_topic(void *context, const struct topic_row *row, struct moment now)
{
    struct check *check = context;
    (void)now;
    check->topics++;
    check->partitions += row->partitions;
    return STATUS_OK;
}

static void core_turn(void *context, struct moment now)
{
    struct check *check = context;
    struct cluster_facts facts;
    if (!check->connected && cluster_is_up(check->cluster)) {
        check->connected = true;
        check->give_up_us = now.boot_us + SURVEY_US;
    }
    if (now.boot_us < check->give_up_us)
        return;
    cluster_get_facts(check->cluster, &facts);
    if (check->connected)
        (void)printf("cluster: not all of it could be read within %d s; the log lines say what\n",
                     (int)(SURVEY_US / 1000000));
    else
        (void)printf("cluster: no node within %d s: %s\n", (int)(CONNECT_US / 1000000),
                     facts.last_error[0] != '\0' ? facts.last_error : "no answer");
    finish(check, "serve would start, keep trying, and ask producers to wait", EXIT_FAILURE);
}

static void core_tick(void *context, struct moment now)
{
    struct check *check = context;
    cluster_tick(check->cluster, now);
    control_tick(check->control, now);
}

static int64_t core_deadline_us(void *context)
{
    struct check *check = context;
    int64_t due_us = cluster_deadline_us(check->cluster);
    int64_t control_us = control_deadline_us(check->control);
    if (control_us < due_us)
        due_us = control_us;
    return check->give_up_us < due_us ? check->give_up_us : due_us;
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

static int run_loop(struct check *check, struct action_queue *actions, struct tls_context *node_tls)
{
    struct loop_hooks hooks = {.context = check, .fatal = on_fatal};
    struct moment now = loop_now();
    struct loop_core core = {.context = check,
                             .actions = actions,
                             .turn = core_turn,
                             .tick = core_tick,
                             .deadline_us = core_deadline_us};
    if (loop_init(&check->loop, &hooks) != STATUS_OK)
        return EXIT_FAILURE;
    check->loop.connect_timeout_us = check->config->gateway.connect_timeout_us;
    check->loop.node_tls = node_tls;
    check->give_up_us = now.boot_us + CONNECT_US;
    loop_attach(&check->loop, &core);
    cluster_start(check->cluster, now);
    control_survey(check->control, now);
    int exit_code = loop_run(&check->loop);
    loop_deinit(&check->loop);
    return exit_code;
}

static int run(struct check *check, struct action_queue *actions, struct tls_context *node_tls)
{
    const struct gateway_config *g = &check->config->gateway;
    const struct control_hooks hooks = {.context = check,
                                        .surveyed = on_surveyed,
                                        .fatal = on_refused,
                                        .topic = on_topic};
    int exit_code = EXIT_FAILURE;
    check->cluster = cluster_new(g, actions, loop_now());
    if (check->cluster == NULL)
        return EXIT_FAILURE;
    check->control = control_new(g, check->cluster, actions, &hooks);
    if (check->control != NULL)
        exit_code = run_loop(check, actions, node_tls);
    control_free(check->control);
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
        exit_code = run(check, actions, node_tls);
    }
    tls_context_free(node_tls);
    if (actions != NULL)
        action_queue_free(actions);
    free(check);
    log_flush(true);
    return exit_code;
}
