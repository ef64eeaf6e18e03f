#include "cli.h"

#include <stdlib.h>
#include <string.h>

/* Arguments that are still to be read. */
struct arguments {
    int count;
    const char *const *items;
    int at;
    struct config_error *error;
};

static const struct {
    const char *name;
    enum command command;
} commands[] = {{"serve", COMMAND_SERVE},
                {"check", COMMAND_CHECK},
                {"schema", COMMAND_SCHEMA},
                {"version", COMMAND_VERSION},
                {"help", COMMAND_HELP}};

static const struct {
    const char *name;
    enum command command;
} options[] = {{"--help", COMMAND_HELP},
               {"-h", COMMAND_HELP},
               {"--version", COMMAND_VERSION},
               {"-V", COMMAND_VERSION},
               {"--print-config", COMMAND_PRINT_CONFIG},
               {"--print-reference", COMMAND_PRINT_REFERENCE}};

static const char help[] =
    "usage: sluice [serve] [options]          a Kafka broker to producers, rows in Cassandra\n"
    "       sluice check [options]            try configuration and cluster, say what serve would "
    "do\n"
    "       sluice schema [options] [TOPIC]   print all statements that serve would run\n"
    "       sluice version\n"
    "\n"
    "  -c, --config FILE            settings (else $SLUICE_CONFIG, ./sluice.yaml,\n"
    "                               /etc/sluice/sluice.yaml, or none)\n"
    "      --listen HOST:PORT       address for Kafka clients (0.0.0.0:9092)\n"
    "      --advertise HOST:PORT    address that clients are told (the one that they dialled)\n"
    "      --contact-points HOST[:PORT],...\n"
    "                               Cassandra or ScyllaDB nodes (127.0.0.1:9042)\n"
    "      --keyspace NAME          keyspace of all tables, made if missing (sluice)\n"
    "      --log-level LEVEL        debug, info, warn or error (info)\n"
    "      --set SECTION.KEY=VALUE  any setting; may be repeated\n"
    "      --print-config           print every value and where it came from\n"
    "      --print-reference        print sluice.yaml, the reference of all settings\n"
    "  -h, --help\n"
    "  -V, --version\n"
    "\n"
    "A flag beats SLUICE_SECTION__KEY in the environment, which beats the file, which beats the\n"
    "default. Passwords: SLUICE_CASSANDRA__PASSWORD or cassandra.password_file, never a flag.\n"
    "TERM or INT finishes what is under way and exits; a second one exits now; HUP reads the\n"
    "configuration again. Exit status: 0 fine, 1 failed at run time, 2 usage, 78 configuration.\n"
    "\n"
    "  sluice --contact-points 127.0.0.1\n"
    "  echo hello | kcat -P -b 127.0.0.1:9092 -t greetings\n";

void cli_print_help(FILE *to)
{
    (void)fputs(help, to);
}

static int fail(struct arguments *arguments, const char *word, const char *what)
{
    (void)snprintf(arguments->error->text, sizeof(arguments->error->text), "%s: %s", word, what);
    return STATUS_MALFORMED;
}

/* Is `word` the option `name`, alone or with =value? Then *value is set (NULL: it is the next
 * word). */
static bool is_option(const char *word, const char *name, const char **value)
{
    size_t len = strlen(name);
    if (strncmp(word, name, len) != 0 || (word[len] != '\0' && word[len] != '='))
        return false;
    *value = word[len] == '=' ? word + len + 1 : NULL;
    return true;
}

static int take_value(struct arguments *arguments, const char *name, const char **value)
{
    if (*value != NULL)
        return STATUS_OK;
    if (arguments->at >= arguments->count)
        return fail(arguments, name, "a value must follow");
    *value = arguments->items[arguments->at++];
    return STATUS_OK;
}

static int read_set(struct arguments *arguments, struct cli *cli, const char *assignment)
{
    const char *equals = strchr(assignment, '=');
    if (equals == NULL || equals == assignment)
        return fail(arguments, "--set", "SECTION.KEY=VALUE must follow");
    char *name = strndup(assignment, (size_t)(equals - assignment));
    if (name == NULL)
        return STATUS_NOMEM;
    cli->names[cli->flag_count] = name;
    cli->flags[cli->flag_count++] = (struct config_flag){"--set", name, equals + 1};
    return STATUS_OK;
}

/* One of the flags in the table of settings. */
static int read_flag(struct arguments *arguments, struct cli *cli, const char *word, bool *found)
{
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *setting = &setting_table[i];
        const char *value = NULL;
        char name[SETTING_NAME_BYTES];
        if (setting->flag == NULL || !is_option(word, setting->flag, &value))
            continue;
        *found = true;
        int rc = take_value(arguments, setting->flag, &value);
        char *copy = rc < 0 ? NULL : strdup(setting_name(setting, name));
        if (copy == NULL)
            return rc < 0 ? rc : STATUS_NOMEM;
        cli->names[cli->flag_count] = copy;
        cli->flags[cli->flag_count++] = (struct config_flag){setting->flag, copy, value};
        return STATUS_OK;
    }
    return STATUS_OK;
}

static int read_option(struct arguments *arguments, struct cli *cli, const char *word)
{
    const char *value = NULL;
    bool found = false;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (strcmp(word, options[i].name) == 0) {
            if (cli->command != COMMAND_HELP) /* help wins over all others */
                cli->command = options[i].command;
            return STATUS_OK;
        }
    if (is_option(word, "--config", &value) || is_option(word, "-c", &value)) {
        int rc = take_value(arguments, "--config", &value);
        cli->file = value;
        return rc;
    }
    if (is_option(word, "--set", &value)) {
        int rc = take_value(arguments, "--set", &value);
        return rc < 0 ? rc : read_set(arguments, cli, value);
    }
    int rc = read_flag(arguments, cli, word, &found);
    if (rc < 0 || found)
        return rc;
    return fail(arguments, word, "there is no such option (sluice --help lists all)");
}

static int read_word(struct arguments *arguments, struct cli *cli, const char *word, bool *named)
{
    if (*named && cli->command == COMMAND_SCHEMA) {
        cli->topics[cli->topic_count++] = word;
        return STATUS_OK;
    }
    for (size_t i = 0; !*named && i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(word, commands[i].name) == 0) {
            *named = true;
            if (cli->command == COMMAND_SERVE)
                cli->command = commands[i].command;
            return STATUS_OK;
        }
    if (*named)
        return fail(arguments, word, "one command is enough");
    return fail(arguments, word, "there is no such command (serve, check, schema or version)");
}

int cli_parse(int argc, const char *const *argv, struct cli *cli, struct config_error *error)
{
    struct arguments arguments = {.count = argc, .items = argv, .at = 1, .error = error};
    size_t slots = argc > 0 ? (size_t)argc : 1;
    bool named = false;
    int rc = STATUS_OK;
    *cli = (struct cli){.command = COMMAND_SERVE};
    cli->flags = calloc(slots, sizeof(*cli->flags));
    cli->topics = calloc(slots, sizeof(*cli->topics));
    cli->names = calloc(slots, sizeof(*cli->names));
    if (cli->flags == NULL || cli->topics == NULL || cli->names == NULL)
        rc = STATUS_NOMEM;
    while (rc == STATUS_OK && arguments.at < argc) {
        const char *word = argv[arguments.at++];
        rc = word[0] == '-' ? read_option(&arguments, cli, word)
                            : read_word(&arguments, cli, word, &named);
    }
    if (rc == STATUS_NOMEM)
        (void)fail(&arguments, "command line", "out of memory");
    if (rc < 0)
        cli_deinit(cli);
    return rc;
}

void cli_deinit(struct cli *cli)
{
    for (size_t i = 0; i < cli->flag_count; i++)
        free(cli->names[i]);
    free(cli->names);
    free(cli->flags);
    free((void *)cli->topics);
    *cli = (struct cli){0};
}
