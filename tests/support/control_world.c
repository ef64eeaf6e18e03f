#include "tests/support/control_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t core_deadline_us(void *context)
{
    const struct host *host = context;
    return earlier(cluster_deadline_us(host->cluster), control_deadline_us(host->control));
}

static void core_tick(void *context, struct moment now)
{
    const struct host *host = context;
    cluster_tick(host->cluster, now);
    control_tick(host->control, now);
}

static void on_ready(void *context, struct moment now)
{
    struct host *host = context;
    assert_false(host->ready);
    host->ready = true;
    host->ready_us = now.boot_us - host->started_us;
}

static void on_fatal(void *context, int exit_code, const char *text)
{
    struct host *host = context;
    assert_int_equal(host->fatal_code, 0);
    host->fatal_code = exit_code;
    (void)snprintf(host->fatal_text, sizeof(host->fatal_text), "%s", text);
}

static int on_topic(void *context, const struct topic_row *row, struct moment now)
{
    struct host *host = context;
    (void)now;
    if (host->forgets_topics > 0) {
        host->forgets_topics--;
        return STATUS_NOMEM;
    }
    host->topics++;
    host->topic = *row;
    (void)snprintf(host->topic_name, sizeof(host->topic_name), "%s", row->name);
    (void)snprintf(host->topic_table, sizeof(host->topic_table), "%s", row->table_name);
    host->topic_configuration_len = row->configuration.len;
    if (row->configuration.len > 0)
        memcpy(host->topic_configuration, row->configuration.data, row->configuration.len);
    host->topic.name = host->topic_name;
    host->topic.table_name = host->topic_table;
    return STATUS_OK;
}

static void on_topic_gone(void *context, const uint8_t topic_id[16], struct moment now)
{
    struct host *host = context;
    (void)topic_id;
    (void)now;
    host->topics_gone++;
}

static void on_lease(void *context, bool held, struct moment now)
{
    struct host *host = context;
    (void)now;
    if (held)
        host->lease_held++;
    else
        host->lease_lost++;
}

static void on_schema(void *context, const struct cql_push *push, struct moment now)
{
    const struct host *host = context;
    control_schema_changed(host->control, push, now);
}

void host_init(struct host *host, struct fake_db *db, const char *member)
{
    static uint64_t seed = 1;
    *host = (struct host){0};
    gateway_config_defaults(&host->config);
    host->config.discover_nodes = false; /* topology_test.c switches it on */
    host->config.alloc = &alloc_heap;
    host->config.version = "test";
    host->config.random_seed = seed++;
    host->config.keyspace = "sluice";
    host->config.contact_points = &host->point;
    host->config.contact_point_count = 1;
    host->config.schema_create = true;
    host->config.member = member;
    host->config.boot_id = "boot/net:[1]";
    host->config.predecessor_gone = true;
    host->point = (struct contact_point){"a", 9042};
    fake_net_init(&host->net, NULL);
    host->net.print_log = getenv("PRINT_LOG") != NULL;
    host->node = fake_net_add(&host->net, "a", 9042);
    host->node->handler = fake_db_handle;
    host->node->context = db;
}

static void on_surveyed(void *context, const struct control_survey *survey, struct moment now)
{
    struct host *host = context;
    (void)now;
    host->surveyed++;
    host->survey = *survey;
    (void)snprintf(host->survey_home, sizeof(host->survey_home), "%s", survey->home_dc);
    (void)snprintf(host->survey_missing, sizeof(host->survey_missing), "%s",
                   survey->missing_tables);
}

bool host_try_start(struct host *host)
{
    const struct control_hooks hooks = {host,     on_ready,      on_fatal,
                                        on_topic, on_topic_gone, on_lease, on_surveyed};
    host->actions = action_queue_new(host->config.alloc);
    if (host->actions == NULL)
        return false;
    host->net.actions = host->actions;
    host->cluster = cluster_new(&host->config, host->actions, host->net.now);
    if (host->cluster == NULL)
        return false;
    host->control = control_new(&host->config, host->cluster, host->actions, &hooks);
    if (host->control == NULL)
        return false;
    host->net.core =
        (struct fake_core){.context = host, .deadline_us = core_deadline_us, .tick = core_tick};
    cluster_on_schema_change(host->cluster, on_schema, host);
    host->started_us = host->net.now.boot_us;
    cluster_start(host->cluster, host->net.now);
    if (host->surveys)
        control_survey(host->control, host->net.now);
    else
        control_start(host->control, host->net.now);
    fake_net_pump(&host->net);
    return true;
}

void host_start(struct host *host)
{
    assert_true(host_try_start(host));
}

void host_up(struct host *host, struct fake_db *db, const char *member)
{
    host_init(host, db, member);
    host_start(host);
    host_run(host, SECOND_US);
    assert_string_equal(host->fatal_text, "");
    assert_true(host->ready);
}

void host_run(struct host *host, int64_t us)
{
    fake_net_run(&host->net, us);
}

void hosts_run(struct host *const *hosts, size_t count, int64_t us)
{
    const int64_t step_us = 20 * MS_US;
    for (int64_t done_us = 0; done_us < us; done_us += step_us)
        for (size_t i = 0; i < count; i++)
            fake_net_run(&hosts[i]->net, earlier(step_us, us - done_us));
}

void host_kill(struct host *host)
{
    control_free(host->control);
    cluster_free(host->cluster);
    fake_net_deinit(&host->net);
    if (host->actions != NULL)
        action_queue_free(host->actions);
}

static void on_released(void *context, struct moment now)
{
    struct host *host = context;
    (void)now;
    assert_false(host->released);
    host->released = true;
}

void host_stop(struct host *host)
{
    control_release(host->control, host->net.now.boot_us + 5 * SECOND_US, on_released, host,
                    host->net.now);
    host_run(host, 6 * SECOND_US);
    assert_true(host->released);
    host_kill(host);
}

void host_follow(struct host *host, const struct host *former)
{
    host->net.now = former->net.now;
}

static void on_created(void *context, int16_t error, const char *text, struct moment now)
{
    struct created *created = context;
    (void)now;
    assert_false(created->done);
    created->done = true;
    created->error = error;
    (void)snprintf(created->text, sizeof(created->text), "%s", text);
}

void host_create_with(struct host *host, const char *name, int32_t partitions,
                      struct slice configuration, struct created *created)
{
    *created = (struct created){0};
    control_topic_create(host->control, slice_cstr(name), partitions, configuration, on_created,
                         created, host->net.now);
    fake_net_pump(&host->net);
}

void host_create(struct host *host, const char *name, int32_t partitions, struct created *created)
{
    host_create_with(host, name, partitions, SLICE_NULL, created);
}

void host_delete(struct host *host, const char *name, const uint8_t topic_id[16],
                 struct created *deleted)
{
    *deleted = (struct created){0};
    control_topic_delete(host->control, slice_cstr(name), topic_id, on_created, deleted,
                         host->net.now);
    fake_net_pump(&host->net);
}

void host_set(struct host *host, const char *name, const char *setting, const char *value,
              struct created *changed)
{
    const struct topic_change change = {slice_cstr(setting),
                                        value == NULL ? SLICE_NULL : slice_cstr(value)};
    *changed = (struct created){0};
    control_topic_configure(host->control, slice_cstr(name), host->topic.topic_id, &change, 1,
                            false, on_created, changed, host->net.now);
    fake_net_pump(&host->net);
}

void host_grow(struct host *host, const char *name, int32_t partitions, struct created *grown)
{
    *grown = (struct created){0};
    control_topic_grow(host->control, slice_cstr(name), host->topic.topic_id, partitions,
                       on_created, grown, host->net.now);
    fake_net_pump(&host->net);
}

const char *host_topic_id_text(const struct host *host)
{
    static char text[37];
    char *to = text;
    for (int i = 0; i < 16; i++)
        to += snprintf(to, 4, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x",
                       host->topic.topic_id[i]);
    return text;
}

int host_led(const struct host *host, const uint8_t topic_id[16], int count)
{
    int led = 0;
    for (int i = 0; i < count; i++)
        led += control_leads(host->control, topic_id, i, host->net.now);
    return led;
}
