#include "schema.h"

#include "cli.h"
#include "core/control/control.h"
#include "proto/buf.h"

#include <stdio.h>
#include <stdlib.h>

#define SCHEMA_MAX_BYTES ((size_t)16 * 1024 * 1024)

/* serve would count the nodes of the home data centre; here there is no cluster to ask. */
static const char *default_replication(const struct config *config, char *to, size_t to_bytes)
{
    const char *home = config->gateway.local_dc;
    (void)snprintf(to, to_bytes, "{'class': 'NetworkTopologyStrategy', '%s': 3}",
                   home != NULL ? home : "replication_factor");
    return to;
}

int schema(const struct config *config, const char *const *topics, size_t topic_count)
{
    struct buf text;
    char map[256];
    const char *replication = config->gateway.replication;
    for (size_t i = 0; i < topic_count; i++)
        if (!topic_name_is_valid(slice_cstr(topics[i]))) {
            (void)fprintf(stderr,
                          "sluice: %s: not a topic name; allowed: 1 to 249 letters, digits "
                          "and . _ -\n",
                          topics[i]);
            return EXIT_USAGE;
        }
    buf_init(&text, &alloc_heap, SCHEMA_MAX_BYTES);
    if (replication == NULL) {
        replication = default_replication(config, map, sizeof(map));
        (void)printf(
            "-- schema.replication is not set, and the cluster is not asked: adapt this\n");
    }
    int rc = schema_print(&config->gateway, replication, topics, topic_count, &text);
    struct slice bytes = buf_unread(&text);
    if (rc == STATUS_OK)
        (void)fwrite(bytes.data, 1, bytes.len, stdout);
    else
        (void)fprintf(stderr, "sluice: schema: %s\n", status_text(rc));
    buf_deinit(&text);
    return rc == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
