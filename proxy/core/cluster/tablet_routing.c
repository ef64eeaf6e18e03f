/*
 * Where tablets are learned and used (tablets.h keeps them).
 *
 * Nodes tell a tablet in the answer to a single statement that came to the wrong place, never in
 * the answer to a BATCH, and batches are nearly all that we send. So for each table that is
 * written, system.tablets is read over the control link when it is used first and once a minute
 * while it is in use, one table at a time. Where that may not be read, what the answers to our
 * reads tell has to do. A table without tablets is routed by the ring.
 */
#include "core/cluster/cluster_internal.h"

#include <stdio.h>

#define TABLETS_TIMEOUT_US INT64_C(5000000)
#define TABLETS_EVERY_US   INT64_C(60000000)
#define TABLETS_AGAIN_US   INT64_C(5000000) /* after no answer */

void tablets_link_ready(struct link *link)
{
    if (cql_connection_supported(link->connection, "TABLETS_ROUTING_V1").data != NULL)
        link->cluster->has_tablets = true;
}

/* --- routing --- */

bool tablets_route(const struct cluster *cluster, const struct cluster_request *request,
                   const struct tablet **tablet)
{
    *tablet = NULL;
    if (!cluster->has_tablets || request->table_id == NULL || !request->has_token)
        return false;
    const struct tablet_table *table = tablets_table(&cluster->tablets, request->table_id);
    if (table == NULL || table->count == 0)
        return false;
    *tablet = tablet_of_token(table, request->token);
    return true;
}

struct node *tablet_node(const struct cluster *cluster, const struct tablet *tablet, size_t replica)
{
    return tablets_host(&cluster->tablets, tablet->replicas[replica].host)->node;
}

int32_t tablet_shard(const struct node *node, const struct tablet *tablet)
{
    for (size_t i = 0; i < tablet->replica_count; i++)
        if (tablet_node(node->cluster, tablet, i) == node)
            return tablet->replicas[i].shard;
    return -1;
}

void tablets_used(struct cluster *cluster, const uint8_t table_id[16])
{
    struct tablet_table *table = tablets_make(&cluster->tablets, table_id);
    if (table == NULL || table->is_wanted || cluster->tablets_unreadable ||
        (table->asked_at_us != 0 && cluster->now_us - table->asked_at_us < TABLETS_EVERY_US))
        return;
    table->is_wanted = true;
    cluster->tablets_wanted++;
}

/* --- learning --- */

void tablets_bind(struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->tablets.host_count; i++) {
        struct tablet_host *host = tablets_host(&cluster->tablets, (uint16_t)i);
        host->node = node_by_host_id(cluster, host->id);
    }
}

void tablets_taught(struct cluster *cluster, const struct cluster_request *request,
                    struct slice payload)
{
    struct tablet_told told;
    struct slice value = cql_bytes_map_get(payload, SLICE_LITERAL("tablets-routing-v1"));
    if (value.data == NULL || !cluster->has_tablets || request->table_id == NULL ||
        tablet_read(value, &told) < 0)
        return;
    size_t hosts = cluster->tablets.host_count;
    struct tablet_table *table = tablets_make(&cluster->tablets, request->table_id);
    if (table == NULL || tablets_add(&cluster->tablets, table, &told) < 0)
        return; /* what is not known costs a hop */
    if (hosts != cluster->tablets.host_count)
        tablets_bind(cluster);
}

/* false: the answer cannot be read. What is beyond a limit is left out, with all that follows: a
 * node that tells of ever new hosts must not keep us busy. */
static bool take_rows(struct cluster *cluster, struct tablet_table *table, struct slice body)
{
    struct cql_result result;
    arena_reset(&cluster->arena);
    if (cql_result_open(body, &cluster->arena, &result) < 0)
        return false;
    int last = cql_result_column(&result, "last_token");
    int replicas = cql_result_column(&result, "replicas");
    struct tablet_told told = {.last = INT64_MIN};
    if (last < 0 || replicas < 0)
        return false;
    tablets_clear(&cluster->tablets, table);
    while (cql_result_next_row(&result)) {
        told.first = told.last;
        if (!cql_cell_i64(cql_result_cell(&result, (size_t)last), &told.last) ||
            told.last <= told.first) {
            tablets_bind(cluster);
            return false;
        }
        if (tablet_read_replicas(cql_result_cell(&result, (size_t)replicas), &told) == STATUS_OK &&
            tablets_add(&cluster->tablets, table, &told) < 0)
            break;
    }
    tablets_bind(cluster);
    return true;
}

static void table_read(struct cluster_request *request, const struct cluster_reply *reply,
                       struct moment now)
{
    struct cluster *cluster = request->context;
    struct tablet_table *table = tablets_table(&cluster->tablets, cluster->tablets_asked);
    bool refused = reply->outcome == CLUSTER_REFUSED;

    if (refused || (reply->outcome == CLUSTER_DONE && table != NULL &&
                    !take_rows(cluster, table, reply->body))) {
        cluster->tablets_unreadable = true;
        action_log(cluster->actions, LOG_INFO, "system.tablets cannot be read",
                   "meaning=\"tablets are learned from the answers to reads only\"");
    } else if (reply->outcome != CLUSTER_DONE && table != NULL) {
        table->asked_at_us = now.boot_us - TABLETS_EVERY_US + TABLETS_AGAIN_US;
    }
}

static void ask(struct cluster *cluster, struct tablet_table *table, struct moment now)
{
    const uint8_t *id = table->id;
    char text[128];
    snprintf(text, sizeof(text),
             "SELECT last_token, replicas FROM system.tablets WHERE table_id = "
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             id[0], id[1], id[2], id[3], id[4], id[5], id[6], id[7], id[8], id[9], id[10], id[11],
             id[12], id[13], id[14], id[15]);
    memcpy(cluster->tablets_asked, id, 16);
    table->asked_at_us = now.boot_us;
    table->is_wanted = false;
    cluster->tablets_wanted--;
    if (link_ask(cluster->control_link, &cluster->tablets_question, text, table_read, cluster,
                 TABLETS_TIMEOUT_US, now) < 0)
        table->asked_at_us = now.boot_us - TABLETS_EVERY_US + TABLETS_AGAIN_US;
}

static bool can_ask(const struct cluster *cluster)
{
    return cluster->tablets_wanted > 0 && cluster->control_link != NULL &&
           cluster->tablets_question.state == REQUEST_IDLE;
}

int64_t tablets_deadline_us(const struct cluster *cluster)
{
    return can_ask(cluster) ? cluster->now_us : NEVER_US;
}

void tablets_tick(struct cluster *cluster, struct moment now)
{
    if (!can_ask(cluster))
        return;
    for (size_t i = 0; i < cluster->tablets.table_count; i++)
        if (cluster->tablets.tables[i]->is_wanted) {
            ask(cluster, cluster->tablets.tables[i], now);
            return;
        }
    cluster->tablets_wanted = 0; /* those that were wanted have been dropped */
}

/* --- what makes it stale --- */

void tablets_all_stale(struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->tablets.table_count; i++)
        cluster->tablets.tables[i]->asked_at_us = 0;
    cluster->tablets_unreadable = false;
}

void tablets_node_left(struct cluster *cluster, const struct node *node)
{
    tablets_forget_host(&cluster->tablets, node->host_id);
}
