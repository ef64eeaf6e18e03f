/*
 * A configuration file: YAML, sections, every setting's parser. What is accepted is printed as
 * --print-config does, and must be accepted again with the same values; a running program takes it
 * over but for what needs a restart.
 *
 * Comments that lead the file say what stands beside it: `#$NAME=value` a variable of the
 * environment, `#-section.key=value` a flag, `#@host:port` an address of its own.
 */
#define _GNU_SOURCE /* memfd_create */

#include "address.h"
#include "config_print.h"
#include "fuzz/repair.h"
#include "fuzz/support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PATH_BYTES = 64, ASIDES = 4, ASIDE_BYTES = 200, NAMES_BYTES = 8192 };

/* What stands beside the file. */
struct asides {
    char texts[ASIDES][ASIDE_BYTES];
    const char *environment[ASIDES + 1];
    struct config_flag flags[ASIDES];
    size_t variable_count, flag_count;
};

static int memory_file(const void *bytes, size_t len, char path[PATH_BYTES])
{
    int file = memfd_create("config", MFD_CLOEXEC);

    REQUIRE(file >= 0 && write(file, bytes, len) == (ssize_t)len);
    (void)snprintf(path, PATH_BYTES, "/proc/self/fd/%d", file);
    return file;
}

/* asides NULL: nothing. */
static int load(struct config *config, const void *bytes, size_t len, const struct asides *asides,
                struct config_error *error)
{
    static const char *const nothing[] = {NULL};
    char path[PATH_BYTES];
    int file = memory_file(bytes, len, path);
    struct config_input input = {.file = path, .environment = nothing};
    if (asides != NULL) {
        input.environment = asides->environment;
        input.flags = asides->flags;
        input.flag_count = asides->flag_count;
    }
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
    REQUIRE(load(&again, text, len, NULL, &error) == STATUS_OK);
    for (size_t i = 0; i < setting_count; i++)
        REQUIRE((setting_table[i].marks & SETTING_SECRET) != 0 ||
                strcmp(config->values[i].text, again.values[i].text) == 0);
    config_deinit(&again);
    free(text);
}

static bool has_secret(const struct config *config)
{
    for (size_t i = 0; i < setting_count; i++)
        if ((setting_table[i].marks & SETTING_SECRET) != 0 && config->values[i].text[0] != '\0')
            return true;
    return false;
}

/* A program that runs with the defaults reads the file: all that it may change is as in the file,
 * and there is nothing left to change. */
static void check_reload(const struct config *fresh)
{
    struct config running;
    struct config_error error;
    char changed[NAMES_BYTES], restart[NAMES_BYTES], again[NAMES_BYTES];

    REQUIRE(load(&running, "", 0, NULL, &error) == STATUS_OK);
    config_apply_reload(&running, fresh, changed, restart, NAMES_BYTES);
    for (size_t i = 0; i < setting_count; i++)
        REQUIRE((setting_table[i].marks & SETTING_RELOADS) == 0 ||
                strcmp(running.values[i].text, fresh->values[i].text) == 0);
    config_apply_reload(&running, fresh, changed, again, NAMES_BYTES);
    REQUIRE(changed[0] == '\0' && strcmp(restart, again) == 0);
    config_deinit(&running);
}

/* The reference says what the defaults are, and changes nothing. */
static void check_reference(void)
{
    struct config plain, referred;
    struct config_error error;
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);

    REQUIRE(to != NULL);
    config_print_reference(to);
    REQUIRE(fclose(to) == 0);
    REQUIRE(load(&plain, "", 0, NULL, &error) == STATUS_OK);
    REQUIRE(load(&referred, text, len, NULL, &error) == STATUS_OK);
    for (size_t i = 0; i < setting_count; i++)
        REQUIRE(strcmp(plain.values[i].text, referred.values[i].text) == 0);
    config_deinit(&plain);
    config_deinit(&referred);
    free(text);
}

/* A numeric host as a socket has it, printed, is that host: v4 within v6 as v4. */
static void check_socket_address(const struct address *address)
{
    struct sockaddr_storage from = {.ss_family = AF_INET};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(address->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(address->port)};
    char text[ADDRESS_TEXT_BYTES];
    struct address again;

    if (inet_pton(AF_INET, address->host, &v4.sin_addr) == 1)
        memcpy(&from, &v4, sizeof(v4));
    else if (inet_pton(AF_INET6, address->host, &v6.sin6_addr) == 1)
        memcpy(&from, &v6, sizeof(v6));
    else
        return;
    address_print_with_port(&from, text, sizeof(text));
    REQUIRE(address_parse(text, 0, &again) == STATUS_OK);
    REQUIRE(again.has_port && again.port == address->port);
    REQUIRE(address_is_wildcard(again.host) == address_is_wildcard(address->host));
}

static void check_address(const char *text)
{
    struct address address, again;
    char written[ADDRESS_TEXT_BYTES];

    if (address_parse(text, 9092, &address) < 0)
        return;
    REQUIRE(address.has_port || address.port == 9092);
    (void)address_write(address.host, address.port, written, sizeof(written));
    REQUIRE(address_parse(written, 0, &again) == STATUS_OK && again.has_port);
    REQUIRE(strcmp(address.host, again.host) == 0 && address.port == again.port);
    check_socket_address(&address);
}

static void take_aside(struct asides *asides, size_t place, struct slice line)
{
    char *text = asides->texts[place];
    size_t len = line.len - 2 < ASIDE_BYTES - 1 ? line.len - 2 : ASIDE_BYTES - 1;

    memcpy(text, line.data + 2, len);
    text[len] = '\0';
    char *equals = strchr(text, '=');
    if (line.data[1] == '@') {
        check_address(text);
    } else if (line.data[1] == '$') {
        asides->environment[asides->variable_count++] = text;
    } else if (line.data[1] == '-' && equals != NULL) {
        *equals = '\0';
        asides->flags[asides->flag_count++] = (struct config_flag){"--set", text, equals + 1};
    }
}

static void take_asides(struct asides *asides, struct slice file)
{
    for (size_t place = 0; place < ASIDES && file.len >= 2 && file.data[0] == '#'; place++) {
        const uint8_t *end = memchr(file.data, '\n', file.len);
        size_t len = end == NULL ? file.len : (size_t)(end - file.data);
        if (len >= 2)
            take_aside(asides, place, slice_make(file.data, len));
        file = slice_make(file.data + len, file.len - len);
        if (file.len > 0)
            file = slice_make(file.data + 1, file.len - 1);
    }
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
    static bool is_referred;
    struct asides asides = {.variable_count = 0};
    struct config config;
    struct config_error error = {{0}};

    if (!is_referred)
        check_reference();
    is_referred = true;
    take_asides(&asides, slice_make(data, size));
    if (load(&config, data, size, &asides, &error) == STATUS_OK) {
        if (all_ascii(&config) && !has_secret(&config))
            check_printed(&config);
        check_reload(&config);
        config_deinit(&config);
    } else {
        check_error(&error);
    }
    return 0;
}
