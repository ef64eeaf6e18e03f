#include "config_print.h"

#include <ctype.h>
#include <string.h>

#define MASK "********"

/* Would it be read as the same text without quotes? */
static bool is_plain(const char *text)
{
    if (!isalnum((unsigned char)text[0]) && text[0] != '/')
        return false;
    if (strcmp(text, "null") == 0)
        return false;
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                        "_./:-,") == strlen(text) &&
           text[strlen(text) - 1] != ':';
}

/* The value as YAML; returns its width. */
static int print_value(FILE *to, const char *text)
{
    if (is_plain(text))
        return fprintf(to, "%s", text);
    int width = 2;
    (void)fputc('"', to);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            width += fprintf(to, "\\%c", *text);
        else if ((unsigned char)*text < ' ' || *text == 127)
            width += fprintf(to, "\\x%02x", (unsigned)(unsigned char)*text);
        else
            width += fprintf(to, "%c", *text);
    }
    (void)fputc('"', to);
    return width;
}

static void print_lines(FILE *to, const char *prefix, const char *text)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        (void)fprintf(to, "%s%.*s\n", prefix, (int)len, text);
        text += len;
        if (*text == '\n')
            text++;
    }
}

void config_print(FILE *to, const struct config *config)
{
    const char *section = "";
    (void)fprintf(to, "# sluice %s, configuration file: %s\n", SLUICE_VERSION,
                  config->file != NULL ? config->file : "none");
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *setting = &setting_table[i];
        const struct config_value *value = &config->values[i];
        bool masked = (setting->marks & SETTING_SECRET) != 0;
        if (masked && value->text[0] == '\0')
            continue; /* it could not stand in a file */
        if (strcmp(section, setting->section) != 0) {
            section = setting->section;
            (void)fprintf(to, "%s:\n", section);
        }
        int width = fprintf(to, "  %s%s: ", masked ? "#" : "", setting->key);
        width += print_value(to, masked ? MASK : value->text);
        (void)fprintf(to, "%*s # %s\n", width < 48 ? 48 - width : 0, "", value->where);
    }
}

/* What may stand there, where the default does not show it already. */
static void print_allowed(FILE *to, const struct setting *setting)
{
    char allowed[512];
    setting_allowed(setting, allowed, sizeof(allowed));
    if (setting->type == SETTING_INTEGER || setting->type == SETTING_BYTES ||
        setting->type == SETTING_DURATION || setting->type == SETTING_CHOICE ||
        setting->allowed != NULL)
        (void)fprintf(to, "  # Allowed: %s.\n", allowed);
}

static void print_setting(FILE *to, const struct setting *setting)
{
    if ((setting->marks & SETTING_SECRET) != 0)
        return; /* it cannot stand in a file */
    (void)fputc('\n', to);
    print_lines(to, "  # ", setting->help);
    print_allowed(to, setting);
    if ((setting->marks & SETTING_RELOADS) != 0)
        (void)fprintf(to, "  # Takes effect with HUP.\n");
    (void)fprintf(to, "  #%s: ", setting->key);
    (void)print_value(to, setting->default_text);
    (void)fputc('\n', to);
}

static const char reference_head[] =
    "# The reference of all settings of Sluice: each stands here with its default, commented out.\n"
    "# To change one, remove the # before it. An unknown name, a wrong type or a value that is "
    "out\n"
    "# of range stops the start with one line that names the place (exit status 78).\n"
    "#\n"
    "# Every setting can also be given as an environment variable, SLUICE_SECTION__KEY=value, or "
    "as\n"
    "# a flag, --set section.key=value. A flag beats the environment, which beats this file.\n"
    "# `sluice --print-config` shows every value and where it came from; `sluice check` tries it.\n"
    "#\n"
    "# Where the file is looked for: --config FILE, $SLUICE_CONFIG, ./sluice.yaml,\n"
    "# /etc/sluice/sluice.yaml. None is needed. Units: B, kB, MB, GB, KiB, MiB, GiB for sizes "
    "(none:\n"
    "# bytes); us, ms, s, min, h, d for durations. Settings that do not say \"Takes effect with "
    "HUP\"\n"
    "# need a restart.\n"
    "#\n"
    "# Printed by `sluice --print-reference`; do not edit in the source tree.\n";

void config_print_reference(FILE *to)
{
    (void)fputs(reference_head, to);
    for (size_t s = 0; setting_sections[s].name != NULL; s++) {
        (void)fprintf(to, "\n# %s\n%s:\n", setting_sections[s].help, setting_sections[s].name);
        for (size_t i = 0; i < setting_count; i++)
            if (strcmp(setting_table[i].section, setting_sections[s].name) == 0)
                print_setting(to, &setting_table[i]);
    }
}
