/* The configuration: every mistake gives one line that names place, setting and what is allowed. */
#include "config.h"

#include "config_print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A folder of its own, so that ./sluice.yaml is ours, and errors have short paths. */
static char folder[] = "/tmp/sluice-config-test-XXXXXX";

static int enter_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL || chdir(folder) != 0 ? -1 : 0;
}

static int leave_folder(void **state)
{
    (void)state;
    (void)unlink("sluice.yaml");
    (void)unlink("other.yaml");
    (void)unlink("password");
    return chdir("/") != 0 || rmdir(folder) != 0 ? -1 : 0;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static int load(struct config *config, const char *yaml, const char *const *environment,
                const struct config_flag *flags, size_t flag_count, struct config_error *error)
{
    struct config_input input = {
        .environment = environment, .flags = flags, .flag_count = flag_count};
    (void)unlink("sluice.yaml");
    if (yaml != NULL)
        write_file("sluice.yaml", yaml);
    error->text[0] = '\0';
    return config_load(config, &input, error);
}

static void expect_file_error(const char *yaml, const char *expected)
{
    struct config config;
    struct config_error error;
    int rc = load(&config, yaml, NULL, NULL, 0, &error);
    if (rc == STATUS_OK)
        config_deinit(&config);
    assert_string_equal(error.text, expected);
    assert_int_equal(rc, STATUS_MALFORMED);
}

static const struct {
    const char *yaml;
    const char *error;
} file_errors[] = {
    {"listener:\n  max_conections: 5\n",
     "sluice.yaml:2: listener.max_conections: there is no such setting; did you mean "
     "listener.max_connections?"},
    {"# first\nlisteners:\n  bind: a:1\n",
     "sluice.yaml:2: listeners: there is no such section; did you mean listener?"},
    {"keyspace: a\n", "sluice.yaml:1: keyspace: there is no such section; did you mean "
                      "keyspace in the section cassandra?"},
    {"topics:\n  keyspace: a\n", "sluice.yaml:2: topics.keyspace: there is no such setting; "
                                 "did you mean cassandra.keyspace?"},
    {"log:\n  zzzzzz: 1\n", "sluice.yaml:2: log.zzzzzz: there is no such setting (sluice "
                            "--print-reference lists all)"},
    {"topics:\n\n  num_partitions: many\n",
     "sluice.yaml:3: topics.num_partitions: \"many\" is not allowed here; allowed: a number "
     "from 1 to 10000"},
    {"topics:\n  num_partitions: 0\n",
     "sluice.yaml:2: topics.num_partitions: \"0\" is not allowed here; allowed: a number from "
     "1 to 10000"},
    {"topics:\n  num_partitions: 99999999999999999999\n",
     "sluice.yaml:2: topics.num_partitions: \"99999999999999999999\" is not allowed here; "
     "allowed: a number from 1 to 10000"},
    {"topics:\n  auto_create: maybe\n",
     "sluice.yaml:2: topics.auto_create: \"maybe\" is not allowed here; allowed: true or "
     "false"},
    {"limits:\n  idle_timeout: 10\n",
     "sluice.yaml:2: limits.idle_timeout: \"10\" is not allowed here; allowed: a duration from "
     "1s to 7d, such as 100ms, 10s or 5min"},
    {"limits:\n  memory_bytes: 1MiB\n",
     "sluice.yaml:2: limits.memory_bytes: \"1MiB\" is not allowed here; allowed: a size from "
     "8MiB to 1024GiB, such as 1048576, 64KiB or 16MiB"},
    {"log:\n  level: loud\n", "sluice.yaml:2: log.level: \"loud\" is not allowed here; "
                              "allowed: one of debug, info, warn, error"},
    {"listener:\n  bind: host:99999\n",
     "sluice.yaml:2: listener.bind: \"host:99999\" is not allowed here; allowed: HOST:PORT, "
     "such as 192.0.2.1:9092 or [2001:db8::1]:9092"},
    {"cassandra:\n  contact_points: a,,b\n",
     "sluice.yaml:2: cassandra.contact_points: \"a,,b\" is not allowed here; allowed: HOST or "
     "HOST:PORT, several with commas between them"},
    {"cassandra:\n  contact_points: []\n",
     "sluice.yaml:2: cassandra.contact_points: this list is not allowed here; allowed: HOST or "
     "HOST:PORT, several with commas between them"},
    {"cassandra:\n  keyspace: [a, b]\n",
     "sluice.yaml:2: cassandra.keyspace: a list or a section cannot stand here; allowed: 1 to "
     "48 letters, digits and _"},
    {"cassandra:\n  keyspace:\n",
     "sluice.yaml:2: cassandra.keyspace: has no value; allowed: 1 to 48 letters, digits and _"},
    {"cassandra:\n  keyspace: my-keyspace\n",
     "sluice.yaml:2: cassandra.keyspace: \"my-keyspace\" is not allowed here; allowed: 1 to 48 "
     "letters, digits and _"},
    {"cassandra:\n  keyspace: a\n  keyspace: b\n",
     "sluice.yaml:3: cassandra.keyspace: stands in line 2 already"},
    {"cassandra:\n  keyspace: a\nlog:\n  level: info\ncassandra:\n  local_dc: b\n",
     "sluice.yaml:5: cassandra: this section stands in line 1 already"},
    {"cassandra: here\n", "sluice.yaml:1: cassandra: is a section; its settings stand below "
                          "it, indented, as key: value"},
    {"- a\n- b\n", "sluice.yaml:1: the file must consist of sections, such as \"listener:\""},
    {"log:\n  level: info\n---\nlog:\n  level: warn\n",
     "sluice.yaml:3: a second YAML document cannot stand here"},
    {"cassandra: [\n", "sluice.yaml:2: not valid YAML: did not find expected node content"},
    {"log:\n\tlevel: info\n",
     "sluice.yaml:2: not valid YAML: found character that cannot start any token"},
    {"cassandra:\n  password: secret\n",
     "sluice.yaml:2: cassandra.password: a secret must not stand here; set password_file, or "
     "the environment variable SLUICE_CASSANDRA__PASSWORD"},
};

static void an_error_in_the_file_names_line_setting_and_what_is_allowed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(file_errors) / sizeof(file_errors[0]); i++)
        expect_file_error(file_errors[i].yaml, file_errors[i].error);
}

static void settings_that_contradict_each_other_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        const char *error;
    } cases[] = {
        {"cassandra:\n  consistency: ONE\n",
         "sluice.yaml:2: cassandra.consistency: an acknowledged record could be lost at this "
         "level; use LOCAL_QUORUM or QUORUM, or say unsafe_consistency: true"},
        {"cassandra:\n  remote_data_centers: true\n",
         "sluice.yaml:2: cassandra.remote_data_centers: to a node of another data centre "
         "LOCAL_QUORUM means its own; use consistency QUORUM, or stay at home"},
        {"listener:\n  advertised: 0.0.0.0:9092\n",
         "sluice.yaml:2: listener.advertised: clients cannot connect to a wildcard address; name "
         "one that they can reach"},
        {"listener:\n  advertised: '[::]:9092'\n",
         "sluice.yaml:2: listener.advertised: clients cannot connect to a wildcard address; name "
         "one that they can reach"},
        {"cassandra:\n  window_max: 8\n", "default: cassandra.window_start: must lie between "
                                          "window_min and window_max"},
        {"cassandra:\n  reconnect_min: 20s\n",
         "sluice.yaml:2: cassandra.reconnect_min: must not exceed reconnect_max"},
        {"member:\n  lease_renew: 6s\n",
         "sluice.yaml:2: member.lease_renew: must be at most half of member.lease"},
        {"limits:\n  max_request_bytes: 1MiB\n",
         "default: topics.max_message_bytes: must not exceed limits.max_request_bytes"},
        {"topics:\n  num_partitions: 2000\n",
         "sluice.yaml:2: topics.num_partitions: must not exceed topics.max_partitions"},
        {"cassandra:\n  username: me\n",
         "sluice.yaml:2: cassandra.username: there is no password for it; set password_file, or "
         "the environment variable SLUICE_CASSANDRA__PASSWORD"},
        {"cassandra:\n  password_file: password\n",
         "sluice.yaml:2: cassandra.password_file: there is a password but no cassandra.username"},
        {"cassandra:\n  username: me\n  password_file: nowhere\n",
         "sluice.yaml:3: cassandra.password_file: cannot read nowhere: No such file or directory"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_file_error(cases[i].yaml, cases[i].error);
}

static void an_error_in_environment_or_flag_names_it(void **state)
{
    (void)state;
    struct config config;
    struct config_error error;
    const char *misspelt[] = {"SLUICE_CASSANDRA__KEYSPCE=a", NULL};
    const char *wrong[] = {"SLUICE_LOG__LINES_PER_SECOND=-1", NULL};
    struct config_flag flag = {"--set", "log.levle", "info"};
    struct config_flag bare = {"--set", "level", "info"};
    struct config_flag secret = {"--set", "cassandra.password", "x"};
    assert_int_equal(load(&config, NULL, misspelt, NULL, 0, &error), STATUS_MALFORMED);
    assert_string_equal(error.text, "SLUICE_CASSANDRA__KEYSPCE: cassandra.keyspce: there is no "
                                    "such setting; did you mean cassandra.keyspace?");
    assert_int_equal(load(&config, NULL, wrong, NULL, 0, &error), STATUS_MALFORMED);
    assert_string_equal(error.text, "SLUICE_LOG__LINES_PER_SECOND: log.lines_per_second: \"-1\" is "
                                    "not allowed here; allowed: a number from 0 to 1000000");
    assert_int_equal(load(&config, NULL, NULL, &flag, 1, &error), STATUS_MALFORMED);
    assert_string_equal(error.text,
                        "--set: log.levle: there is no such setting; did you mean log.level?");
    assert_int_equal(load(&config, NULL, NULL, &bare, 1, &error), STATUS_MALFORMED);
    assert_string_equal(error.text, "--set: level: not of the form section.key=value");
    assert_int_equal(load(&config, NULL, NULL, &secret, 1, &error), STATUS_MALFORMED);
    assert_non_null(strstr(error.text, "--set: cassandra.password: a secret must not stand here"));
}

static void an_error_is_one_line_whatever_the_value(void **state)
{
    (void)state;
    struct config config;
    struct config_error error;
    struct config_flag flag = {"--set", "log.level", "a\nb\x1b[2J"};
    assert_int_equal(load(&config, NULL, NULL, &flag, 1, &error), STATUS_MALFORMED);
    assert_non_null(strstr(error.text, "\"a?b?[2J\""));
}

static void a_file_that_was_named_must_be_there(void **state)
{
    (void)state;
    struct config config;
    struct config_error error;
    struct config_input input = {.file = "nowhere.yaml"};
    assert_int_equal(config_load(&config, &input, &error), STATUS_MALFORMED);
    assert_string_equal(error.text, "nowhere.yaml: cannot be read: No such file or directory");
}

static void a_flag_beats_environment_beats_file_beats_default(void **state)
{
    (void)state;
    struct config config;
    struct config_error error;
    const char *yaml = "topics:\n  num_partitions: 2\n  max_topics: 2\n  max_partitions: 22\n";
    const char *environment[] = {"SLUICE_TOPICS__NUM_PARTITIONS=3", "SLUICE_TOPICS__MAX_TOPICS=3",
                                 "SLUICE_PORT=tcp://10.0.0.1:9092", "PATH=/", NULL};
    struct config_flag flag = {"--set", "topics.num_partitions", "4"};
    assert_int_equal(load(&config, yaml, environment, &flag, 1, &error), STATUS_OK);
    assert_int_equal(config.gateway.num_partitions, 4);
    assert_int_equal(config.gateway.max_topics, 3);
    assert_int_equal(config.gateway.max_partitions, 22);
    assert_int_equal(config.gateway.auto_create_per_second, 2);
    assert_string_equal(config_value(&config, "topics", "num_partitions")->where, "--set");
    assert_string_equal(config_value(&config, "topics", "max_topics")->where,
                        "SLUICE_TOPICS__MAX_TOPICS");
    assert_string_equal(config_value(&config, "topics", "max_partitions")->where, "sluice.yaml:4");
    assert_string_equal(config_value(&config, "topics", "auto_create")->where, "default");
    config_deinit(&config);
}

static void a_wrong_value_is_told_even_where_it_is_overridden(void **state)
{
    (void)state;
    struct config config;
    struct config_error error;
    struct config_flag flag = {"--log-level", "log.level", "info"};
    assert_int_equal(load(&config, "log:\n  level: loud\n", NULL, &flag, 1, &error),
                     STATUS_MALFORMED);
}

static void the_file_is_the_flag_s_then_the_environment_s_then_the_folder_s(void **state)
{
    (void)state;
    struct config config;
    struct config_error error;
    const char *environment[] = {"SLUICE_CONFIG=other.yaml", NULL};
    struct config_input input = {.environment = environment};
    write_file("sluice.yaml", "cassandra:\n  keyspace: here\n");
    write_file("other.yaml", "cassandra:\n  keyspace: other\n");
    assert_int_equal(config_load(&config, &input, &error), STATUS_OK);
    assert_string_equal(config.gateway.keyspace, "other");
    config_deinit(&config);
    input.file = "sluice.yaml";
    assert_int_equal(config_load(&config, &input, &error), STATUS_OK);
    assert_string_equal(config.gateway.keyspace, "here");
    config_deinit(&config);
    input = (struct config_input){0};
    assert_int_equal(config_load(&config, &input, &error), STATUS_OK);
    assert_string_equal(config.gateway.keyspace, "here");
    assert_string_equal(config.file, "sluice.yaml");
    config_deinit(&config);
}

static void without_any_file_the_core_gets_its_own_defaults(void **state)
{
    (void)state;
    struct config config;
    struct config_error error;
    struct gateway_config expected;
    gateway_config_defaults(&expected);
    assert_int_equal(load(&config, NULL, NULL, NULL, 0, &error), STATUS_OK);
    struct gateway_config found = config.gateway;
    assert_string_equal(found.keyspace, expected.keyspace);
    assert_int_equal(found.contact_point_count, 1);
    assert_string_equal(found.contact_points[0].host, "127.0.0.1");
    assert_int_equal(found.contact_points[0].port, 9042);
    assert_null(found.advertised_host);
    assert_null(found.user);
    assert_null(found.password);
    assert_string_equal(config.bind.host, "0.0.0.0");
    assert_int_equal(config.bind.port, 9092);
    /* what is filled in or differs by purpose; all else must be the same, byte for byte */
    found.alloc = expected.alloc;
    found.version = expected.version;
    found.keyspace = expected.keyspace;
    found.contact_points = expected.contact_points;
    found.contact_point_count = expected.contact_point_count;
    assert_memory_equal(&found, &expected, sizeof(found));
    config_deinit(&config);
}

static void contact_points_may_be_a_list_and_have_ports(void **state)
{
    (void)state;
    struct config config;
    struct config_error error;
    const char *yaml = "cassandra:\n  contact_points:\n    - 10.0.0.1\n    - node2:9142\n"
                       "    - '[2001:db8::1]:9242'\n";
    assert_int_equal(load(&config, yaml, NULL, NULL, 0, &error), STATUS_OK);
    assert_int_equal(config.gateway.contact_point_count, 3);
    assert_string_equal(config.gateway.contact_points[0].host, "10.0.0.1");
    assert_int_equal(config.gateway.contact_points[0].port, 9042);
    assert_string_equal(config.gateway.contact_points[1].host, "node2");
    assert_int_equal(config.gateway.contact_points[1].port, 9142);
    assert_string_equal(config.gateway.contact_points[2].host, "2001:db8::1");
    assert_int_equal(config.gateway.contact_points[2].port, 9242);
    config_deinit(&config);
}

static void an_advertised_host_without_port_gets_the_one_of_bind(void **state)
{
    (void)state;
    struct config config;
    struct config_error error;
    const char *yaml = "listener:\n  bind: 0.0.0.0:19092\n  advertised: kafka.example.org\n";
    assert_int_equal(load(&config, yaml, NULL, NULL, 0, &error), STATUS_OK);
    assert_string_equal(config.gateway.advertised_host, "kafka.example.org");
    assert_int_equal(config.gateway.advertised_port, 19092);
    config_deinit(&config);
}

static void a_password_comes_from_its_file_or_the_environment(void **state)
{
    (void)state;
    struct config config;
    struct config_error error;
    const char *environment[] = {"SLUICE_CASSANDRA__PASSWORD=from the environment", NULL};
    const char *with_file = "cassandra:\n  username: me\n  password_file: password\n";
    write_file("password", "from the file\nnot this line\n");
    assert_int_equal(load(&config, with_file, NULL, NULL, 0, &error), STATUS_OK);
    assert_string_equal(config.gateway.user, "me");
    assert_string_equal(config.gateway.password, "from the file");
    config_deinit(&config);
    assert_int_equal(load(&config, "cassandra:\n  username: me\n", environment, NULL, 0, &error),
                     STATUS_OK);
    assert_string_equal(config.gateway.password, "from the environment");
    config_deinit(&config);
    assert_int_equal(load(&config, with_file, environment, NULL, 0, &error), STATUS_MALFORMED);
}

/* What a printer writes, as one string. */
static char *print_to_text(void (*print)(FILE *to, const struct config *config),
                           const struct config *config)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *to = open_memstream(&text, &bytes);
    assert_non_null(to);
    if (print != NULL)
        print(to, config);
    else
        config_print_reference(to);
    assert_int_equal(fclose(to), 0);
    return text;
}

static void print_config_masks_secrets_and_can_be_read_again(void **state)
{
    (void)state;
    struct config config, again;
    struct config_error error;
    const char *environment[] = {"SLUICE_CASSANDRA__PASSWORD=hunter2", NULL};
    struct config_flag flags[] = {
        {"--set", "cassandra.username", "o'brien \"x\" \\"},
        {"--set", "schema.replication", "{'class': 'NetworkTopologyStrategy', 'dc1': 3}"},
        {"--listen", "listener.bind", "[::1]:9093"},
    };
    assert_int_equal(load(&config, NULL, environment, flags, 3, &error), STATUS_OK);
    char *printed = print_to_text(config_print, &config);
    assert_null(strstr(printed, "hunter2"));
    assert_non_null(strstr(printed, "# SLUICE_CASSANDRA__PASSWORD\n"));
    assert_non_null(strstr(printed, "# --listen\n"));
    assert_int_equal(load(&again, printed, environment, NULL, 0, &error), STATUS_OK);
    for (size_t i = 0; i < setting_count; i++)
        assert_string_equal(config.values[i].text, again.values[i].text);
    free(printed);
    config_deinit(&config);
    config_deinit(&again);
}

static void the_reference_file_is_what_the_table_says(void **state)
{
    (void)state;
    char *printed = print_to_text(NULL, NULL);
    char *committed = NULL;
    size_t capacity = 0;
    FILE *file = fopen(SOURCE_DIR "/sluice.yaml", "r");
    assert_non_null(file);
    assert_true(getdelim(&committed, &capacity, '\0', file) > 0);
    (void)fclose(file);
    assert_string_equal(committed, printed); /* else: sluice --print-reference > sluice.yaml */
    free(committed);
    free(printed);
}

/* With every # before a setting removed it must be a file that changes nothing. */
static void the_reference_file_uncommented_is_the_default(void **state)
{
    (void)state;
    struct config config;
    struct config_error error;
    char *reference = print_to_text(NULL, NULL);
    size_t settings = 0;
    for (char *at = reference; (at = strstr(at, "\n  #")) != NULL; at += 4)
        if (at[4] != ' ') {
            at[3] = ' ';
            memmove(at + 3, at + 4, strlen(at + 4) + 1);
            settings++;
        }
    assert_int_equal(load(&config, reference, NULL, NULL, 0, &error), STATUS_OK);
    size_t secrets = 0;
    for (size_t i = 0; i < setting_count; i++) {
        secrets += (setting_table[i].marks & SETTING_SECRET) != 0;
        assert_string_equal(config.values[i].text, setting_table[i].default_text);
    }
    assert_int_equal(settings, setting_count - secrets);
    config_deinit(&config);
    free(reference);
}

static void a_reload_takes_what_can_change_and_names_the_rest(void **state)
{
    (void)state;
    struct config running, fresh;
    struct config_error error;
    char changed[512], restart[512];
    assert_int_equal(load(&running, "log:\n  level: warn\n", NULL, NULL, 0, &error), STATUS_OK);
    assert_int_equal(load(&fresh,
                          "log:\n  level: debug\nlimits:\n  idle_timeout: 5min\n"
                          "listener:\n  bind: 127.0.0.1:1\ncassandra:\n  keyspace: other\n",
                          NULL, NULL, 0, &error),
                     STATUS_OK);
    config_apply_reload(&running, &fresh, changed, restart, sizeof(changed));
    config_deinit(&fresh);
    assert_string_equal(changed, "limits.idle_timeout,log.level");
    assert_string_equal(restart, "listener.bind,cassandra.keyspace");
    assert_int_equal(running.log_level, LOG_DEBUG);
    assert_int_equal(running.gateway.idle_timeout_us, 300000000);
    assert_string_equal(running.gateway.keyspace, "sluice");
    config_deinit(&running);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_in_the_file_names_line_setting_and_what_is_allowed),
        cmocka_unit_test(settings_that_contradict_each_other_are_told),
        cmocka_unit_test(an_error_in_environment_or_flag_names_it),
        cmocka_unit_test(an_error_is_one_line_whatever_the_value),
        cmocka_unit_test(a_file_that_was_named_must_be_there),
        cmocka_unit_test(a_flag_beats_environment_beats_file_beats_default),
        cmocka_unit_test(a_wrong_value_is_told_even_where_it_is_overridden),
        cmocka_unit_test(the_file_is_the_flag_s_then_the_environment_s_then_the_folder_s),
        cmocka_unit_test(without_any_file_the_core_gets_its_own_defaults),
        cmocka_unit_test(contact_points_may_be_a_list_and_have_ports),
        cmocka_unit_test(an_advertised_host_without_port_gets_the_one_of_bind),
        cmocka_unit_test(a_password_comes_from_its_file_or_the_environment),
        cmocka_unit_test(print_config_masks_secrets_and_can_be_read_again),
        cmocka_unit_test(the_reference_file_is_what_the_table_says),
        cmocka_unit_test(the_reference_file_uncommented_is_the_default),
        cmocka_unit_test(a_reload_takes_what_can_change_and_names_the_rest),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
