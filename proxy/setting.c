#include "setting.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define KIB INT64_C(1024)
#define MS  INT64_C(1000)
#define S   (1000 * MS)

struct unit {
    const char *name;
    int64_t factor;
};

/* clang-format off */
static const struct unit byte_units[] = {
    {"GiB", KIB * KIB * KIB}, {"MiB", KIB * KIB}, {"KiB", KIB},
    {"GB", 1000 * 1000 * 1000}, {"MB", 1000 * 1000}, {"kB", 1000}, {"KB", 1000}, {"B", 1},
    {NULL, 0}};
/* Of two names for one factor the first is written. */
static const struct unit time_units[] = {
    {"d", 86400 * S}, {"h", 3600 * S}, {"min", 60 * S}, {"m", 60 * S}, {"s", S}, {"ms", MS},
    {"us", 1}, {NULL, 0}};
/* clang-format on */

const char *setting_name(const struct setting *setting, char to[SETTING_NAME_BYTES])
{
    (void)snprintf(to, SETTING_NAME_BYTES, "%s.%s", setting->section, setting->key);
    return to;
}

const struct setting *setting_find(const char *section, const char *key)
{
    for (size_t i = 0; i < setting_count; i++)
        if (strcmp(setting_table[i].section, section) == 0 &&
            strcmp(setting_table[i].key, key) == 0)
            return &setting_table[i];
    return NULL;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters to change, add, leave out or swap with their neighbour to make one the other. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[3][SETTING_NAME_BYTES + 1];
    size_t a_len = strlen(a), b_len = strlen(b);
    if (a_len > SETTING_NAME_BYTES || b_len > SETTING_NAME_BYTES)
        return SIZE_MAX;
    for (size_t j = 0; j <= b_len; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], before[j - 2] + 1);
        }
    }
    return row[a_len % 3][b_len];
}

static size_t tolerated(const char *name)
{
    size_t len = strlen(name);
    return len < 4 ? 1 : len < 9 ? 2 : len / 3;
}

const struct setting *setting_nearest(const char *section, const char *key)
{
    const struct setting *nearest = NULL;
    size_t best = tolerated(key) + 1;
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *setting = &setting_table[i];
        /* a key of another section is one step farther than the same slip within this one */
        size_t distance = edit_distance(setting->key, key);
        if (distance != SIZE_MAX && strcmp(setting->section, section) != 0)
            distance++;
        if (distance < best) {
            best = distance;
            nearest = setting;
        }
    }
    return nearest;
}

const char *setting_nearest_section(const char *section)
{
    const char *nearest = NULL;
    size_t best = tolerated(section) + 1;
    for (size_t i = 0; setting_sections[i].name != NULL; i++) {
        size_t distance = edit_distance(setting_sections[i].name, section);
        if (distance < best) {
            best = distance;
            nearest = setting_sections[i].name;
        }
    }
    return nearest;
}

/* Digits, and how many characters they are. Beyond 64 bits is no number. */
static bool parse_digits(const char *text, int64_t *value, size_t *len)
{
    int64_t total = 0;
    size_t i = 0;
    for (; isdigit((unsigned char)text[i]); i++)
        if (__builtin_mul_overflow(total, 10, &total) ||
            __builtin_add_overflow(total, text[i] - '0', &total))
            return false;
    *value = total;
    *len = i;
    return i > 0;
}

bool setting_parse_integer(const char *text, int64_t *value)
{
    bool negative = text[0] == '-';
    int64_t digits = 0;
    size_t len = 0;
    if (!parse_digits(text + negative, &digits, &len) || text[(size_t)negative + len] != '\0')
        return false;
    *value = negative ? -digits : digits;
    return true;
}

static bool parse_units(const char *text, const struct unit *units, int64_t *value)
{
    size_t len = 0;
    if (!parse_digits(text, value, &len))
        return false;
    while (text[len] == ' ')
        len++;
    for (; units->name != NULL; units++)
        if (strcmp(text + len, units->name) == 0)
            return !__builtin_mul_overflow(*value, units->factor, value);
    return false;
}

bool setting_parse_bytes(const char *text, int64_t *bytes)
{
    if (setting_parse_integer(text, bytes))
        return *bytes >= 0;
    return parse_units(text, byte_units, bytes);
}

bool setting_parse_duration(const char *text, int64_t *us)
{
    return parse_units(text, time_units, us);
}

bool setting_parse_bool(const char *text, bool *value)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcasecmp(text, words[i]) == 0) {
            *value = i % 2 == 1;
            return true;
        }
    return false;
}

static const char *write_units(int64_t value, const struct unit *units, char *to, size_t to_bytes)
{
    while (units->factor > 1 && (value == 0 || value % units->factor != 0))
        units++;
    (void)snprintf(to, to_bytes, "%" PRId64 "%s", value / units->factor, units->name);
    return to;
}

const char *setting_write_bytes(int64_t bytes, char *to, size_t to_bytes)
{
    static const struct unit written[] = {
        {"GiB", KIB * KIB * KIB}, {"MiB", KIB * KIB}, {"KiB", KIB}, {"", 1}};
    return write_units(bytes, written, to, to_bytes);
}

const char *setting_write_duration(int64_t us, char *to, size_t to_bytes)
{
    if (us == 0) {
        (void)snprintf(to, to_bytes, "0s");
        return to;
    }
    return write_units(us, time_units, to, to_bytes);
}

static void list_choices(const struct setting *setting, char *to, size_t to_bytes)
{
    size_t used = (size_t)snprintf(to, to_bytes, "one of");
    for (const struct setting_choice *c = setting->choices; c->name != NULL && used < to_bytes; c++)
        used += (size_t)snprintf(to + used, to_bytes - used, "%s %s",
                                 c == setting->choices ? "" : ",", c->name);
}

void setting_allowed(const struct setting *setting, char *to, size_t to_bytes)
{
    char min[32], max[32];
    switch (setting->type) {
    case SETTING_TEXT:
        (void)snprintf(to, to_bytes, "%s", setting->allowed != NULL ? setting->allowed : "text");
        return;
    case SETTING_INTEGER:
        (void)snprintf(to, to_bytes, "a number from %" PRId64 " to %" PRId64, setting->min,
                       setting->max);
        return;
    case SETTING_BYTES:
        (void)snprintf(to, to_bytes, "a size from %s to %s, such as 1048576, 64KiB or 16MiB",
                       setting_write_bytes(setting->min, min, sizeof(min)),
                       setting_write_bytes(setting->max, max, sizeof(max)));
        return;
    case SETTING_DURATION:
        (void)snprintf(to, to_bytes, "a duration from %s to %s, such as 100ms, 10s or 5min",
                       setting_write_duration(setting->min, min, sizeof(min)),
                       setting_write_duration(setting->max, max, sizeof(max)));
        return;
    case SETTING_BOOL:
        (void)snprintf(to, to_bytes, "true or false");
        return;
    case SETTING_CHOICE:
        list_choices(setting, to, to_bytes);
        return;
    case SETTING_ADDRESS:
        (void)snprintf(to, to_bytes, "HOST:PORT, such as 192.0.2.1:9092 or [2001:db8::1]:9092");
        return;
    case SETTING_ADDRESSES:
        (void)snprintf(to, to_bytes, "HOST or HOST:PORT, several with commas between them");
        return;
    }
}
