/* The command line. */
#ifndef PROXY_CLI_H
#define PROXY_CLI_H

#include "config.h"

#include <stdio.h>

#define EXIT_USAGE 2

enum command {
    COMMAND_SERVE,
    COMMAND_CHECK,
    COMMAND_SCHEMA,
    COMMAND_VERSION,
    COMMAND_HELP,
    COMMAND_PRINT_CONFIG,
    COMMAND_PRINT_REFERENCE,
};

struct cli {
    enum command command;
    const char *file; /* --config */
    struct config_flag *flags;
    size_t flag_count;
    const char **topics; /* of `schema` */
    size_t topic_count;
    char **names; /* owned: settings of --set */
};

/* MALFORMED: a usage error, `error` says which; NOMEM. Nothing is left to free then. Strings are
 * borrowed from argv. */
MUST_CHECK int cli_parse(int argc, const char *const *argv, struct cli *cli,
                         struct config_error *error);
void cli_deinit(struct cli *cli);
void cli_print_help(FILE *to);

#endif
