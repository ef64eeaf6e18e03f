/*
 * The configuration: every setting's value, where it came from, and what the core is told.
 *
 *      default < file < environment (SLUICE_SECTION__KEY) < flag
 *
 * Every value is checked where it stands, also one that a stronger source overrides. The first
 * mistake ends the reading with one line that names place, setting and what is allowed.
 */
#ifndef PROXY_CONFIG_H
#define PROXY_CONFIG_H

#include "address.h"
#include "core/action.h"
#include "core/config.h"
#include "setting.h"
#include "tls.h"
#include "translation.h"

#define EXIT_CONFIGURATION 78 /* EX_CONFIG of sysexits.h */

enum config_origin { ORIGIN_DEFAULT, ORIGIN_FILE, ORIGIN_ENVIRONMENT, ORIGIN_FLAG };

struct config_value {
    char *text;
    char *where; /* "default", "sluice.yaml:12", "SLUICE_LOG__LEVEL", "--listen" */
    enum config_origin origin;
};

struct config_addresses {
    struct address *items;
    size_t count;
};

struct config {
    struct gateway_config gateway; /* its strings are borrowed from the rest of this struct */
    struct address bind;
    struct address advertised; /* host "": none */
    struct config_addresses contact_points;
    const char *username, *password, *password_file;
    bool tls; /* to the nodes */
    struct tls_settings node_tls;
    const char *address_translation;
    struct translations translations; /* of it */
    uint32_t log_level; /* enum log_level */
    uint32_t log_lines_per_second;
    char *file;                  /* the file that was read; NULL: none */
    struct config_value *values; /* setting_count, as the rows of the table */
    struct contact_point *contact_point_views;
    char *password_text; /* from password_file */
};

struct config_error {
    char text[1024]; /* one line */
};

/* A value from the command line. */
struct config_flag {
    const char *name;    /* as given: "--listen", "--set" */
    const char *setting; /* "listener.bind" */
    const char *value;
};

struct config_input {
    const char *file; /* --config; NULL: look for one */
    const char *const *environment;
    const struct config_flag *flags;
    size_t flag_count;
};

/* MALFORMED: `error` says what is wrong, and nothing is left to free. NOMEM likewise. */
MUST_CHECK int config_load(struct config *config, const struct config_input *input,
                           struct config_error *error);
void config_deinit(struct config *config);

/* For the readers: checks a value, stores it, and notes where it stood. */
MUST_CHECK int config_set(struct config *config, const struct setting *setting, const char *text,
                          enum config_origin origin, const char *where, struct config_error *error);
/* Says that there is no such setting, and which one was probably meant. Returns MALFORMED. */
int config_unknown(const char *where, const char *section, const char *key,
                   struct config_error *error);
/* For the readers: "where: text". Returns MALFORMED. */
__attribute__((format(printf, 3, 4))) int config_fail(struct config_error *error, const char *where,
                                                      const char *format, ...);
const struct config_value *config_value(const struct config *config, const char *section,
                                        const char *key);

/* Takes over what can change at run time. `changed` and `restart` get the names, with commas
 * between them. */
void config_apply_reload(struct config *running, const struct config *fresh, char *changed,
                         char *restart, size_t bytes);

#endif
