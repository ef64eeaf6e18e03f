#include "check.h"
#include "cli.h"
#include "config_print.h"
#include "schema.h"
#include "serve.h"

#include <malloc.h>
#include <stdlib.h>

extern char **environ;

/* The data path takes and gives back blocks of up to a few MiB all the time. By default the heap
 * maps each of them anew, and page faults then cost more than the records in them. One arena is
 * enough: the only other threads are those of the resolver. */
static void tune_heap(void)
{
    (void)mallopt(M_ARENA_MAX, 1);
    (void)mallopt(M_MMAP_THRESHOLD, 8 * 1024 * 1024);
    (void)mallopt(M_TRIM_THRESHOLD, 16 * 1024 * 1024);
}

static int run(const struct cli *cli, struct config *config, const struct config_input *input)
{
    switch (cli->command) {
    case COMMAND_SERVE:
        return serve(config, input);
    case COMMAND_CHECK:
        return check(config);
    case COMMAND_SCHEMA:
        return schema(config, cli->topics, cli->topic_count);
    case COMMAND_PRINT_CONFIG:
        config_print(stdout, config);
        return EXIT_SUCCESS;
    case COMMAND_VERSION:
    case COMMAND_HELP:
    case COMMAND_PRINT_REFERENCE:
        break;
    }
    return EXIT_SUCCESS;
}

/* Commands that read no configuration. */
static bool run_plain(const struct cli *cli)
{
    if (cli->command == COMMAND_VERSION)
        (void)printf("sluice %s\n", SLUICE_VERSION);
    else if (cli->command == COMMAND_HELP)
        cli_print_help(stdout);
    else if (cli->command == COMMAND_PRINT_REFERENCE)
        config_print_reference(stdout);
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    struct cli cli;
    struct config config;
    struct config_error error;
    tune_heap();
    if (cli_parse(argc, (const char *const *)argv, &cli, &error) < 0) {
        (void)fprintf(stderr, "sluice: %s\n", error.text);
        return EXIT_USAGE;
    }
    if (run_plain(&cli)) {
        cli_deinit(&cli);
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    struct config_input input = {.file = cli.file,
                                 .environment = (const char *const *)environ,
                                 .flags = cli.flags,
                                 .flag_count = cli.flag_count};
    int exit_code = EXIT_CONFIGURATION;
    if (config_load(&config, &input, &error) < 0) {
        (void)fprintf(stderr, "sluice: %s\n", error.text);
    } else {
        exit_code = run(&cli, &config, &input);
        config_deinit(&config);
    }
    cli_deinit(&cli);
    return fflush(stdout) == 0 ? exit_code : EXIT_FAILURE;
}
