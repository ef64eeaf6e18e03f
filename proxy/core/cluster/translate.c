/* Address translation: nodes tell the address that they know, and it is not always the one that
 * leads to them from here (cassandra.address_translation). */
#include "core/cluster/cluster_internal.h"

const struct address_translation *translation_of(const struct gateway_config *config,
                                                 const char *host, uint16_t port)
{
    const struct address_translation *any_port = NULL;
    for (size_t i = 0; i < config->translation_count; i++) {
        const struct address_translation *translation = &config->translations[i];
        if (strcmp(translation->told_host, host) != 0)
            continue;
        if (translation->told_port == port)
            return translation;
        if (translation->told_port == 0)
            any_port = translation;
    }
    return any_port;
}

static bool is_told_in_one(const struct gateway_config *config, const char *host)
{
    for (size_t i = 0; i < config->translation_count; i++)
        if (strcmp(config->translations[i].told_host, host) == 0)
            return true;
    return false;
}

bool translation_of_port(const struct node *node, uint16_t port, uint16_t *dialled)
{
    const struct gateway_config *config = node->cluster->config;
    const struct address_translation *translation = translation_of(config, node->told_host, port);
    *dialled = translation == NULL || translation->port == 0 ? port : translation->port;
    if (translation == NULL)
        return !is_told_in_one(config, node->told_host); /* for its other ports only: no way */
    return strcmp(translation->host, node->host) == 0;
}
