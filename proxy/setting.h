/*
 * Settings: one row each in setting_table.c, and everything that mentions a setting reads its row:
 * the file and environment readers, the flags, --print-config, the reference file sluice.yaml,
 * error messages and reload.
 */
#ifndef PROXY_SETTING_H
#define PROXY_SETTING_H

#include "proto/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a value is written. */
enum setting_type {
    SETTING_TEXT,
    SETTING_INTEGER,
    SETTING_BYTES,    /* 1048576, 64KiB, 64MiB, 1GiB, 1MB */
    SETTING_DURATION, /* 100ms, 10s, 5min, 2h, 7d */
    SETTING_BOOL,     /* true or false, yes or no, on or off */
    SETTING_CHOICE,
    SETTING_ADDRESS,   /* HOST:PORT or HOST */
    SETTING_ADDRESSES, /* the same, several with commas between them */
};

/* How it is kept, at `target` bytes into struct config. */
enum setting_store {
    STORE_I32,
    STORE_U32, /* and enumerations */
    STORE_I64,
    STORE_U64, /* and size_t */
    STORE_BOOL,
    STORE_TEXT,      /* const char *, borrowed from the value's text; NULL when it is empty */
    STORE_ADDRESS,   /* struct address */
    STORE_ADDRESSES, /* struct config_addresses */
};

struct setting_choice {
    const char *name;
    uint32_t value;
};

enum {
    SETTING_RELOADS = 1,        /* takes effect with HUP; the others need a restart */
    SETTING_SECRET = 2,         /* never shown; comes from the environment only */
    SETTING_EMPTY_IS_UNSET = 4, /* "" is allowed and means: not given */
};

struct setting {
    const char *section;
    const char *key;
    enum setting_type type;
    enum setting_store store;
    size_t target;
    const char *default_text;
    int64_t min, max; /* numbers, bytes, microseconds; of an address min is the default port */
    const struct setting_choice *choices; /* ends with a NULL name */
    bool (*is_valid)(const char *text);   /* SETTING_TEXT; NULL: any text */
    const char *allowed;                  /* what is_valid allows, in words */
    const char *flag;                     /* "--listen"; NULL: --set only */
    unsigned marks;
    const char *help; /* lines: what it does, and for a limit the abuse it stops */
};

extern const struct setting setting_table[];
extern const size_t setting_count;

struct setting_section {
    const char *name;
    const char *help;
};
extern const struct setting_section
    setting_sections[]; /* in the order of the table; ends with a NULL name */

#define SETTING_NAME_BYTES 64
/* NULL: no such setting. */
const struct setting *setting_find(const char *section, const char *key);
/* "section.key". */
const char *setting_name(const struct setting *setting, char to[SETTING_NAME_BYTES]);
/* The setting that was probably meant; NULL: none is near. */
const struct setting *setting_nearest(const char *section, const char *key);
/* The section that was probably meant; NULL: none is near. */
const char *setting_nearest_section(const char *section);
/* What may stand there, in words: "a duration from 1s to 10min, such as 30s". */
void setting_allowed(const struct setting *setting, char *to, size_t to_bytes);

/* Values as written; false: not one, or beyond 64 bits. */
bool setting_parse_integer(const char *text, int64_t *value);
bool setting_parse_bytes(const char *text, int64_t *bytes);
bool setting_parse_duration(const char *text, int64_t *us);
bool setting_parse_bool(const char *text, bool *value);
/* "64MiB", "10s": the largest unit that divides it. */
const char *setting_write_bytes(int64_t bytes, char *to, size_t to_bytes);
const char *setting_write_duration(int64_t us, char *to, size_t to_bytes);

#endif
