/* The command line. */
#include "cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX_WORDS 12

/* Splits the line at spaces; the first word is the program. */
static int parse(const char *line, struct cli *cli, struct config_error *error)
{
    static char words[1024];
    const char *argv[MAX_WORDS + 1] = {"sluice"};
    int argc = 1;
    (void)snprintf(words, sizeof(words), "%s", line);
    for (char *word = strtok(words, " "); word != NULL && argc < MAX_WORDS;
         word = strtok(NULL, " "))
        argv[argc++] = word;
    return cli_parse(argc, argv, cli, error);
}

static void the_command_is_serve_unless_another_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum command command;
    } cases[] = {{"", COMMAND_SERVE},
                 {"serve", COMMAND_SERVE},
                 {"check --keyspace a", COMMAND_CHECK},
                 {"--keyspace a check", COMMAND_CHECK},
                 {"schema", COMMAND_SCHEMA},
                 {"version", COMMAND_VERSION},
                 {"--version", COMMAND_VERSION},
                 {"-V", COMMAND_VERSION},
                 {"--help", COMMAND_HELP},
                 {"check -h", COMMAND_HELP},
                 {"--help --version", COMMAND_HELP},
                 {"--print-config", COMMAND_PRINT_CONFIG},
                 {"serve --print-config", COMMAND_PRINT_CONFIG},
                 {"--print-config check", COMMAND_PRINT_CONFIG},
                 {"--print-reference", COMMAND_PRINT_REFERENCE}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cli cli;
        struct config_error error;
        assert_int_equal(parse(cases[i].line, &cli, &error), STATUS_OK);
        assert_int_equal(cli.command, cases[i].command);
        cli_deinit(&cli);
    }
}

static void flags_name_their_setting_in_both_spellings(void **state)
{
    (void)state;
    struct cli cli;
    struct config_error error;
    assert_int_equal(parse("-c a.yaml --listen 1.2.3.4:1 --contact-points=a,b --keyspace=k "
                           "--set log.level=debug --set=topics.auto_create=no",
                           &cli, &error),
                     STATUS_OK);
    assert_string_equal(cli.file, "a.yaml");
    static const struct config_flag expected[] = {
        {"--listen", "listener.bind", "1.2.3.4:1"},
        {"--contact-points", "cassandra.contact_points", "a,b"},
        {"--keyspace", "cassandra.keyspace", "k"},
        {"--set", "log.level", "debug"},
        {"--set", "topics.auto_create", "no"},
    };
    assert_int_equal(cli.flag_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(cli.flags[i].name, expected[i].name);
        assert_string_equal(cli.flags[i].setting, expected[i].setting);
        assert_string_equal(cli.flags[i].value, expected[i].value);
    }
    cli_deinit(&cli);
}

static void a_value_may_contain_equals_signs_and_begin_with_a_dash(void **state)
{
    (void)state;
    struct cli cli;
    struct config_error error;
    assert_int_equal(parse("--set schema.replication=a=b --keyspace -k", &cli, &error), STATUS_OK);
    assert_string_equal(cli.flags[0].value, "a=b");
    assert_string_equal(cli.flags[1].value, "-k");
    cli_deinit(&cli);
}

static void schema_takes_topics(void **state)
{
    (void)state;
    struct cli cli;
    struct config_error error;
    assert_int_equal(parse("schema orders --keyspace k payments", &cli, &error), STATUS_OK);
    assert_int_equal(cli.topic_count, 2);
    assert_string_equal(cli.topics[0], "orders");
    assert_string_equal(cli.topics[1], "payments");
    cli_deinit(&cli);
}

static void usage_errors_name_the_word(void **state)
{
    (void)state;
    static const struct {
        const char *line, *error;
    } cases[] = {
        {"--lisen a", "--lisen: there is no such option (sluice --help lists all)"},
        {"--listener a", "--listener: there is no such option (sluice --help lists all)"},
        {"-x", "-x: there is no such option (sluice --help lists all)"},
        {"-", "-: there is no such option (sluice --help lists all)"},
        {"start", "start: there is no such command (serve, check, schema or version)"},
        {"serve check", "check: one command is enough"},
        {"--config", "--config: a value must follow"},
        {"--keyspace", "--keyspace: a value must follow"},
        {"--set", "--set: a value must follow"},
        {"--set log.level", "--set: SECTION.KEY=VALUE must follow"},
        {"--set =x", "--set: SECTION.KEY=VALUE must follow"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cli cli;
        struct config_error error;
        assert_int_equal(parse(cases[i].line, &cli, &error), STATUS_MALFORMED);
        assert_string_equal(error.text, cases[i].error);
    }
}

static void help_names_every_flag_of_the_table(void **state)
{
    (void)state;
    char *text = NULL;
    size_t bytes = 0;
    FILE *to = open_memstream(&text, &bytes);
    assert_non_null(to);
    cli_print_help(to);
    assert_int_equal(fclose(to), 0);
    for (size_t i = 0; i < setting_count; i++)
        if (setting_table[i].flag != NULL)
            assert_non_null(strstr(text, setting_table[i].flag));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_command_is_serve_unless_another_is_named),
        cmocka_unit_test(flags_name_their_setting_in_both_spellings),
        cmocka_unit_test(a_value_may_contain_equals_signs_and_begin_with_a_dash),
        cmocka_unit_test(schema_takes_topics),
        cmocka_unit_test(usage_errors_name_the_word),
        cmocka_unit_test(help_names_every_flag_of_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
