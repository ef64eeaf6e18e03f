/*
 * A configuration file: YAML, sections, every setting's parser. What is accepted is printed as
 * --print-config does, and must be accepted again with the same values.
 */
#define _GNU_SOURCE /* memfd_create */

#include "config_print.h"
#include "fuzz/repair.h"
#include "fuzz/support.h"

#include <sys/mman.h>
#include <unistd.h>

enum { PATH_BYTES = 64 };

static int memory_file(const void *bytes, size_t len, char path[PATH_BYTES])
{
    int file = memfd_create("config", MFD_CLOEXEC);

    REQUIRE(file >= 0 && write(file, bytes, len) == (ssize_t)len);
    (void)snprintf(path, PATH_BYTES, "/proc/self/fd/%d", file);
    return file;
}

static int load(struct config *config, const void *bytes, size_t len, struct config_error *error)
{
    static const char *const environment[] = {NULL};
    char path[PATH_BYTES];
    int file = memory_file(bytes, len, path);
    struct config_input input = {.file = path, .environment = environment};
    int rc = config_load(config, &input, error);

    close(file);
    return rc;
}

/* One line, ended. */
static void check_error(const struct config_error *error)
{
    size_t len = strnlen(error->text, sizeof(error->text));

    REQUIRE(len > 0 && len < sizeof(error->text));
    REQUIRE(strchr(error->text, '\n') == NULL);
}

/* Known and open: config_print writes U+0085, U+FEFF and the C1 controls as they are, which YAML
 * reads as something else or not at all. */
static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

static bool all_ascii(const struct config *config)
{
    for (size_t i = 0; i < setting_count; i++)
        if (!is_ascii(config->values[i].text))
            return false;
    return true;
}

static void check_printed(const struct config *config)
{
    struct config again;
    struct config_error error;
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);

    REQUIRE(to != NULL);
    config_print(to, config);
    REQUIRE(fclose(to) == 0);
    REQUIRE(load(&again, text, len, &error) == STATUS_OK);
    for (size_t i = 0; i < setting_count; i++)
        REQUIRE((setting_table[i].marks & SETTING_SECRET) != 0 ||
                strcmp(config->values[i].text, again.values[i].text) == 0);
    config_deinit(&again);
    free(text);
}

size_t fuzz_repair(uint8_t *bytes, size_t len, size_t room, unsigned seed)
{
    (void)room;
    (void)seed;
    for (size_t i = 0; i < len; i++) /* to what YAML takes at all */
        if (bytes[i] >= 0x80 || (bytes[i] < ' ' && bytes[i] != '\n'))
            bytes[i] = (uint8_t)(' ' + bytes[i] % 95);
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config;
    struct config_error error = {{0}};

    if (load(&config, data, size, &error) == STATUS_OK) {
        if (all_ascii(&config))
            check_printed(&config);
        config_deinit(&config);
    } else {
        check_error(&error);
    }
    return 0;
}
