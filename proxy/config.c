#include "config.h"

#include "config_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENVIRONMENT_PREFIX "SLUICE_"
#define MAX_ADDRESSES      256
#define PASSWORD_BYTES     1024

int config_fail(struct config_error *error, const char *where, const char *format, ...)
{
    int len = snprintf(error->text, sizeof(error->text), "%s: ", where);
    if (len < 0 || (size_t)len >= sizeof(error->text))
        return STATUS_MALFORMED;
    va_list values;
    va_start(values, format);
    (void)vsnprintf(error->text + len, sizeof(error->text) - (size_t)len, format, values);
    va_end(values);
    for (char *c = error->text; *c != '\0'; c++) /* one line, whatever the value was */
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = '?';
    return STATUS_MALFORMED;
}

static int fail_nomem(struct config_error *error)
{
    (void)config_fail(error, "configuration", "out of memory");
    return STATUS_NOMEM;
}

int config_unknown(const char *where, const char *section, const char *key,
                   struct config_error *error)
{
    char name[SETTING_NAME_BYTES];
    const char *near_section = setting_nearest_section(section);
    if (near_section != NULL && strcmp(near_section, section) != 0 &&
        setting_find(near_section, key) != NULL)
        return config_fail(error, where, "%s.%s: there is no such setting; did you mean %s.%s?",
                           section, key, near_section, key);
    const struct setting *near = setting_nearest(section, key);
    if (near != NULL)
        return config_fail(error, where, "%s.%s: there is no such setting; did you mean %s?",
                           section, key, setting_name(near, name));
    return config_fail(error, where,
                       "%s.%s: there is no such setting (sluice --print-reference lists all)",
                       section, key);
}

/* "name: "value" is not allowed; allowed: ..." */
static int fail_value(struct config_error *error, const char *where, const struct setting *setting,
                      const char *text)
{
    char allowed[512], name[SETTING_NAME_BYTES];
    setting_allowed(setting, allowed, sizeof(allowed));
    return config_fail(error, where, "%s: \"%.100s\" is not allowed here; allowed: %s",
                       setting_name(setting, name), text, allowed);
}

static void store_number(const struct setting *setting, char *target, int64_t value)
{
    int32_t i32 = (int32_t)value;
    uint32_t u32 = (uint32_t)value;
    uint64_t u64 = (uint64_t)value;
    bool flag = value != 0;
    switch (setting->store) {
    case STORE_I32:
        memcpy(target, &i32, sizeof(i32));
        break;
    case STORE_U32:
        memcpy(target, &u32, sizeof(u32));
        break;
    case STORE_I64:
        memcpy(target, &value, sizeof(value));
        break;
    case STORE_U64:
        memcpy(target, &u64, sizeof(u64));
        break;
    case STORE_BOOL:
        memcpy(target, &flag, sizeof(flag));
        break;
    case STORE_TEXT:
    case STORE_ADDRESS:
    case STORE_ADDRESSES:
        break;
    }
}

static bool parse_choice(const struct setting *setting, const char *text, int64_t *value)
{
    for (const struct setting_choice *c = setting->choices; c->name != NULL; c++)
        if (strcasecmp(c->name, text) == 0) {
            *value = c->value;
            return true;
        }
    return false;
}

/* Numbers of every kind; false: not one, or out of range. */
static bool parse_number(const struct setting *setting, const char *text, int64_t *value)
{
    bool flag = false;
    bool good = false;
    switch (setting->type) {
    case SETTING_INTEGER:
        good = setting_parse_integer(text, value);
        break;
    case SETTING_BYTES:
        good = setting_parse_bytes(text, value);
        break;
    case SETTING_DURATION:
        good = setting_parse_duration(text, value);
        break;
    case SETTING_CHOICE:
        return parse_choice(setting, text, value);
    case SETTING_BOOL:
        if (!setting_parse_bool(text, &flag))
            return false;
        *value = flag;
        return true;
    case SETTING_TEXT:
    case SETTING_ADDRESS:
    case SETTING_ADDRESSES:
        return false;
    }
    return good && *value >= setting->min && *value <= setting->max;
}

static bool parse_addresses(const char *text, uint16_t port, struct config_addresses *addresses)
{
    addresses->count = 0;
    addresses->items = calloc(MAX_ADDRESSES, sizeof(*addresses->items));
    if (addresses->items == NULL)
        return false;
    while (addresses->count < MAX_ADDRESSES) {
        char item[ADDRESS_TEXT_BYTES];
        size_t len = strcspn(text, ",");
        size_t from = strspn(text, " ");
        size_t to = len;
        while (to > from && text[to - 1] == ' ')
            to--;
        if (from >= to || to - from >= sizeof(item))
            return false;
        memcpy(item, text + from, to - from);
        item[to - from] = '\0';
        if (address_parse(item, port, &addresses->items[addresses->count]) < 0 ||
            addresses->items[addresses->count].port == 0)
            return false;
        addresses->count++;
        if (text[len] == '\0')
            return true;
        text += len + 1;
    }
    return false;
}

static bool store_addresses(const struct setting *setting, char *target, const char *text)
{
    struct config_addresses old, fresh;
    bool good = parse_addresses(text, (uint16_t)setting->min, &fresh);
    memcpy(&old, target, sizeof(old));
    free(good ? old.items : fresh.items);
    if (good)
        memcpy(target, &fresh, sizeof(fresh));
    return good;
}

static bool store_value(const struct setting *setting, char *target, const char *text)
{
    int64_t number = 0;
    struct address address = {0};
    bool unset = text[0] == '\0' && (setting->marks & SETTING_EMPTY_IS_UNSET) != 0;
    switch (setting->type) {
    case SETTING_TEXT:
        if (unset)
            text = NULL;
        else if (text[0] == '\0' || (setting->is_valid != NULL && !setting->is_valid(text)))
            return false;
        memcpy(target, &text, sizeof(text));
        return true;
    case SETTING_ADDRESS:
        if (!unset && address_parse(text, (uint16_t)setting->min, &address) < 0)
            return false;
        memcpy(target, &address, sizeof(address));
        return true;
    case SETTING_ADDRESSES:
        return store_addresses(setting, target, text);
    case SETTING_INTEGER:
    case SETTING_BYTES:
    case SETTING_DURATION:
    case SETTING_BOOL:
    case SETTING_CHOICE:
        if (!parse_number(setting, text, &number))
            return false;
        store_number(setting, target, number);
        return true;
    }
    return false;
}

int config_set(struct config *config, const struct setting *setting, const char *text,
               enum config_origin origin, const char *where, struct config_error *error)
{
    struct config_value *value = &config->values[setting - setting_table];
    if ((setting->marks & SETTING_SECRET) != 0 && origin != ORIGIN_ENVIRONMENT &&
        origin != ORIGIN_DEFAULT)
        return config_fail(error, where,
                           "%s.%s: a secret must not stand here; set %s_file, or the environment "
                           "variable SLUICE_CASSANDRA__PASSWORD",
                           setting->section, setting->key, setting->key);
    char *copy = strdup(text);
    char *place = strdup(where);
    if (copy == NULL || place == NULL) {
        free(copy);
        free(place);
        return fail_nomem(error);
    }
    if (!store_value(setting, (char *)config + setting->target, copy)) {
        free(copy);
        free(place);
        return fail_value(error, where, setting, text);
    }
    free(value->text);
    free(value->where);
    *value = (struct config_value){.text = copy, .where = place, .origin = origin};
    return STATUS_OK;
}

const struct config_value *config_value(const struct config *config, const char *section,
                                        const char *key)
{
    return &config->values[setting_find(section, key) - setting_table];
}

static int read_defaults(struct config *config, struct config_error *error)
{
    for (size_t i = 0; i < setting_count; i++) {
        int rc = config_set(config, &setting_table[i], setting_table[i].default_text,
                            ORIGIN_DEFAULT, "default", error);
        if (rc < 0)
            return rc;
    }
    return STATUS_OK;
}

static void lower(char *text)
{
    for (; *text != '\0'; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
}

/* SLUICE_SECTION__KEY=value. Names without "__" are not ours: Kubernetes sets SLUICE_PORT and the
 * like for a service called sluice. */
static int read_variable(struct config *config, const char *variable, struct config_error *error)
{
    char name[2 * SETTING_NAME_BYTES], section[2 * SETTING_NAME_BYTES];
    size_t len = strcspn(variable, "=");
    if (strncmp(variable, ENVIRONMENT_PREFIX, strlen(ENVIRONMENT_PREFIX)) != 0 ||
        len >= sizeof(name) || variable[len] != '=')
        return STATUS_OK;
    memcpy(name, variable, len);
    name[len] = '\0';
    (void)snprintf(section, sizeof(section), "%s", name + strlen(ENVIRONMENT_PREFIX));
    char *key = strstr(section, "__");
    if (key == NULL)
        return STATUS_OK;
    *key = '\0';
    key += 2;
    lower(section);
    lower(key);
    const struct setting *setting = setting_find(section, key);
    if (setting == NULL)
        return config_unknown(name, section, key, error);
    return config_set(config, setting, variable + len + 1, ORIGIN_ENVIRONMENT, name, error);
}

static int read_environment(struct config *config, const char *const *environment,
                            struct config_error *error)
{
    int rc = STATUS_OK;
    for (size_t i = 0; rc == STATUS_OK && environment != NULL && environment[i] != NULL; i++)
        rc = read_variable(config, environment[i], error);
    return rc;
}

static int read_flag(struct config *config, const struct config_flag *flag,
                     struct config_error *error)
{
    char section[SETTING_NAME_BYTES];
    const char *dot = strchr(flag->setting, '.');
    size_t len = dot == NULL ? 0 : (size_t)(dot - flag->setting);
    if (dot == NULL || len >= sizeof(section))
        return config_fail(error, flag->name, "%.100s: not of the form section.key=value",
                           flag->setting);
    memcpy(section, flag->setting, len);
    section[len] = '\0';
    const struct setting *setting = setting_find(section, dot + 1);
    if (setting == NULL)
        return config_unknown(flag->name, section, dot + 1, error);
    return config_set(config, setting, flag->value, ORIGIN_FLAG, flag->name, error);
}

static const char *variable_value(const char *const *environment, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; environment != NULL && environment[i] != NULL; i++)
        if (strncmp(environment[i], name, len) == 0 && environment[i][len] == '=' &&
            environment[i][len + 1] != '\0')
            return environment[i] + len + 1;
    return NULL;
}

/* A file that was named must be there; those that are looked for need not be. */
static int read_file(struct config *config, const struct config_input *input,
                     struct config_error *error)
{
    const char *path = input->file;
    if (path == NULL)
        path = variable_value(input->environment, "SLUICE_CONFIG");
    if (path == NULL && access("sluice.yaml", F_OK) == 0)
        path = "sluice.yaml";
    if (path == NULL && access("/etc/sluice/sluice.yaml", F_OK) == 0)
        path = "/etc/sluice/sluice.yaml";
    if (path == NULL)
        return STATUS_OK;
    config->file = strdup(path);
    return config->file == NULL ? fail_nomem(error) : config_file_read(config, path, error);
}

/* "name: text", placed where the value stands that is to blame. */
static int blame(const struct config *config, const char *section, const char *key,
                 const char *text, struct config_error *error)
{
    const struct config_value *value = config_value(config, section, key);
    return config_fail(error, value->where, "%s.%s: %s", section, key, text);
}

static int check_cassandra(const struct config *config, struct config_error *error)
{
    const struct gateway_config *g = &config->gateway;
    bool safe =
        g->consistency == CQL_CONSISTENCY_LOCAL_QUORUM || g->consistency == CQL_CONSISTENCY_QUORUM;
    if (!safe && !g->unsafe_consistency)
        return blame(config, "cassandra", "consistency",
                     "an acknowledged record could be lost at this level; use LOCAL_QUORUM or "
                     "QUORUM, or say unsafe_consistency: true",
                     error);
    if (g->remote_data_centers && g->consistency == CQL_CONSISTENCY_LOCAL_QUORUM)
        return blame(config, "cassandra", "remote_data_centers",
                     "to a node of another data centre LOCAL_QUORUM means its own; use consistency "
                     "QUORUM, or stay at home",
                     error);
    if (g->window_min > g->window_start || g->window_start > g->window_max)
        return blame(config, "cassandra", "window_start",
                     "must lie between window_min and window_max", error);
    if (g->reconnect_min_us > g->reconnect_max_us)
        return blame(config, "cassandra", "reconnect_min", "must not exceed reconnect_max", error);
    if (g->speculative_delay_us >= g->request_timeout_us)
        return blame(config, "cassandra", "speculative_execution_delay",
                     "must be less than request_timeout", error);
    if (config->password != NULL && config->password_file != NULL)
        return blame(config, "cassandra", "password_file",
                     "SLUICE_CASSANDRA__PASSWORD is set as well; use one of them", error);
    const struct tls_settings *tls = &config->node_tls;
    if ((tls->certificate_file == NULL) != (tls->key_file == NULL))
        return blame(config, "cassandra",
                     tls->key_file == NULL ? "tls_certificate_file" : "tls_key_file",
                     "a certificate and its key go together; set both files", error);
    if (!config->tls && (tls->ca_file != NULL || tls->certificate_file != NULL))
        return blame(config, "cassandra",
                     tls->ca_file != NULL ? "tls_ca_file" : "tls_certificate_file",
                     "without cassandra.tls: true it would not be used", error);
    bool has_password = config->password != NULL || config->password_file != NULL;
    if (has_password && config->username == NULL)
        return blame(config, "cassandra", config->password != NULL ? "password" : "password_file",
                     "there is a password but no cassandra.username", error);
    if (!has_password && config->username != NULL)
        return blame(config, "cassandra", "username",
                     "there is no password for it; set password_file, or the environment variable "
                     "SLUICE_CASSANDRA__PASSWORD",
                     error);
    return STATUS_OK;
}

static int check_rest(const struct config *config, struct config_error *error)
{
    const struct gateway_config *g = &config->gateway;
    if (config->advertised.host[0] != '\0' && address_is_wildcard(config->advertised.host))
        return blame(config, "listener", "advertised",
                     "clients cannot connect to a wildcard address; name one that they can reach",
                     error);
    if (g->lease_renew_us > g->lease_us / 2)
        return blame(config, "member", "lease_renew", "must be at most half of member.lease",
                     error);
    if (g->max_message_bytes > g->max_request_bytes)
        return blame(config, "topics", "max_message_bytes",
                     "must not exceed limits.max_request_bytes", error);
    if (g->num_partitions > (int32_t)g->max_partitions)
        return blame(config, "topics", "num_partitions", "must not exceed topics.max_partitions",
                     error);
    return STATUS_OK;
}

/* The first line of the file. */
static int read_password(struct config *config, struct config_error *error)
{
    char reason[256];
    FILE *file = fopen(config->password_file, "re");
    if (file == NULL) {
        (void)snprintf(reason, sizeof(reason), "cannot read %.150s: %s", config->password_file,
                       strerror(errno));
        return blame(config, "cassandra", "password_file", reason, error);
    }
    char line[PASSWORD_BYTES];
    char *got = fgets(line, sizeof(line), file);
    (void)fclose(file);
    if (got != NULL)
        line[strcspn(line, "\r\n")] = '\0';
    if (got == NULL || line[0] == '\0') {
        (void)snprintf(reason, sizeof(reason), "%.150s: its first line is empty or unreadable",
                       config->password_file);
        return blame(config, "cassandra", "password_file", reason, error);
    }
    config->password_text = strdup(line);
    explicit_bzero(line, sizeof(line));
    return config->password_text == NULL ? fail_nomem(error) : STATUS_OK;
}

/* Gives the core its views of what was read. */
static int fill_gateway(struct config *config, struct config_error *error)
{
    struct gateway_config *g = &config->gateway;
    size_t count = config->contact_points.count;
    config->contact_point_views = calloc(count, sizeof(*config->contact_point_views));
    if (config->contact_point_views == NULL)
        return fail_nomem(error);
    for (size_t i = 0; i < count; i++)
        config->contact_point_views[i] = (struct contact_point){
            config->contact_points.items[i].host, config->contact_points.items[i].port};
    if (config->address_translation != NULL &&
        translations_parse(config->address_translation, &config->translations) < 0)
        return fail_nomem(error); /* its form was checked when it was read */
    g->translations = config->translations.items;
    g->translation_count = config->translations.count;
    g->node_tls = config->tls;
    g->contact_points = config->contact_point_views;
    g->contact_point_count = count;
    g->alloc = &alloc_heap;
    g->version = SLUICE_VERSION;
    g->user = config->username;
    g->password = config->password_text != NULL ? config->password_text : config->password;
    if (config->advertised.host[0] != '\0') {
        g->advertised_host = config->advertised.host;
        g->advertised_port =
            config->advertised.port != 0 ? config->advertised.port : config->bind.port;
    }
    return STATUS_OK;
}

static int read_all(struct config *config, const struct config_input *input,
                    struct config_error *error)
{
    int rc = read_defaults(config, error);
    if (rc == STATUS_OK)
        rc = read_file(config, input, error);
    if (rc == STATUS_OK)
        rc = read_environment(config, input->environment, error);
    for (size_t i = 0; rc == STATUS_OK && i < input->flag_count; i++)
        rc = read_flag(config, &input->flags[i], error);
    if (rc == STATUS_OK)
        rc = check_cassandra(config, error);
    if (rc == STATUS_OK)
        rc = check_rest(config, error);
    if (rc == STATUS_OK && config->password_file != NULL)
        rc = read_password(config, error);
    return rc == STATUS_OK ? fill_gateway(config, error) : rc;
}

int config_load(struct config *config, const struct config_input *input, struct config_error *error)
{
    *config = (struct config){0};
    config->values = calloc(setting_count, sizeof(*config->values));
    int rc = config->values == NULL ? fail_nomem(error) : read_all(config, input, error);
    if (rc < 0)
        config_deinit(config);
    return rc;
}

void config_deinit(struct config *config)
{
    translations_free(&config->translations);
    for (size_t i = 0; config->values != NULL && i < setting_count; i++) {
        if ((setting_table[i].marks & SETTING_SECRET) != 0 && config->values[i].text != NULL)
            explicit_bzero(config->values[i].text, strlen(config->values[i].text));
        free(config->values[i].text);
        free(config->values[i].where);
    }
    if (config->password_text != NULL)
        explicit_bzero(config->password_text, strlen(config->password_text));
    free(config->password_text);
    free(config->values);
    free(config->file);
    free(config->contact_points.items);
    free(config->contact_point_views);
    *config = (struct config){0};
}

static void append_name(char *list, size_t bytes, const struct setting *setting)
{
    size_t used = strlen(list);
    (void)snprintf(list + used, bytes - used, "%s%s.%s", used > 0 ? "," : "", setting->section,
                   setting->key);
}

void config_apply_reload(struct config *running, const struct config *fresh, char *changed,
                         char *restart, size_t bytes)
{
    struct config_error error;
    changed[0] = '\0';
    restart[0] = '\0';
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *setting = &setting_table[i];
        const struct config_value *value = &fresh->values[i];
        if (strcmp(running->values[i].text, value->text) == 0)
            continue;
        bool applied = (setting->marks & SETTING_RELOADS) != 0 &&
                       config_set(running, setting, value->text, value->origin, value->where,
                                  &error) == STATUS_OK;
        append_name(applied ? changed : restart, bytes, setting);
    }
    bool other_password =
        (running->password_text == NULL) != (fresh->password_text == NULL) ||
        (fresh->password_text != NULL && strcmp(running->password_text, fresh->password_text) != 0);
    if (other_password && strstr(restart, "password_file") == NULL)
        append_name(restart, bytes, setting_find("cassandra", "password_file"));
}
