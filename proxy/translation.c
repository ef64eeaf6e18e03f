#include "translation.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As core/cluster/topology_read.c writes addresses. False: a name. */
static bool write_told(const char *host, char *to, size_t to_bytes)
{
    struct in6_addr v6;
    struct in_addr v4;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return inet_ntop(AF_INET, &v4, to, (socklen_t)to_bytes) != NULL;
    if (inet_pton(AF_INET6, host, &v6) != 1)
        return false;
    size_t len = 0;
    for (size_t i = 0; i < 16; i += 2)
        len += (size_t)snprintf(to + len, to_bytes - len, "%s%x", i > 0 ? ":" : "",
                                (unsigned)v6.s6_addr[i] << 8 | v6.s6_addr[i + 1]);
    return true;
}

/* One "told=dialled", without blanks around. */
static bool parse_one(char *text, struct translation_text *hosts,
                      struct address_translation *translation)
{
    struct address told, dialled;
    char *equals = strchr(text, '=');
    if (equals == NULL)
        return false;
    *equals = '\0';
    if (address_parse(text, 0, &told) < 0 || address_parse(equals + 1, 0, &dialled) < 0 ||
        !write_told(told.host, hosts->told_host, sizeof(hosts->told_host)))
        return false;
    memcpy(hosts->host, dialled.host, sizeof(hosts->host));
    *translation =
        (struct address_translation){hosts->told_host, told.port, hosts->host, dialled.port};
    return true;
}

static char *trim(char *text)
{
    char *end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1]))
        *--end = '\0';
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

static int parse_all(char *text, struct translations *translations)
{
    char *rest = text;
    for (char *piece; (piece = strsep(&rest, ",")) != NULL;) {
        size_t at = translations->count;
        piece = trim(piece);
        if (at == TRANSLATIONS_MAX ||
            !parse_one(piece, &translations->texts[at], &translations->items[at]))
            return STATUS_MALFORMED;
        translations->count++;
    }
    return STATUS_OK;
}

int translations_parse(const char *text, struct translations *translations)
{
    size_t most = 1;
    for (const char *c = text; *c != '\0'; c++)
        most += *c == ',';
    if (most > TRANSLATIONS_MAX)
        return STATUS_MALFORMED;
    char *copy = strdup(text);
    *translations = (struct translations){.items = calloc(most, sizeof(*translations->items)),
                                          .texts = calloc(most, sizeof(*translations->texts))};
    int rc = STATUS_NOMEM;
    if (copy != NULL && translations->items != NULL && translations->texts != NULL)
        rc = parse_all(copy, translations);
    free(copy);
    if (rc < 0)
        translations_free(translations);
    return rc;
}

void translations_free(struct translations *translations)
{
    free(translations->items);
    free(translations->texts);
    *translations = (struct translations){.items = NULL};
}
