/*
 * Which nodes there are. One link, the control link, is asked about all of them when it becomes
 * ready, a little after each event that changes the answer, and every minute; what it says is taken
 * over as a whole. Contact points are only where to begin: once it is known which nodes they are,
 * they are nodes like others, and a second way to the same node sleeps.
 *
 *      RESTS --due--> LOCAL ------> PEERS ------> KEYSPACE --> taken over --> RESTS
 *        ^            system.local  system.peers  replication of ours           |
 *        +---------------------- failed: again, later --------------------------+
 *
 * Events are hints to look again (they carry addresses, which are not identities, and come early).
 * A node that is told DOWN keeps its links: they know better.
 */
#include "core/cluster/cluster_internal.h"

#include <stdio.h>

#define VIEW_TIMEOUT_US  INT64_C(5000000)
#define VIEW_DEBOUNCE_US INT64_C(1000000) /* many events, one look; a port opens late */
#define VIEW_PERIOD_US   INT64_C(60000000)

#define LOCAL_QUERY                                                                                \
    "SELECT host_id, data_center, rack, tokens FROM system.local WHERE key = 'local'"
#define PEERS_V2_QUERY                                                                             \
    "SELECT host_id, peer, native_address, native_port, data_center, rack, tokens "                \
    "FROM system.peers_v2"
#define PEERS_QUERY                                                                                \
    "SELECT host_id, peer, rpc_address, data_center, rack, tokens FROM system.peers"

static void step_done(struct cluster_request *request, const struct cluster_reply *reply,
                      struct moment now);

void topology_init(struct topology *topology)
{
    *topology = (struct topology){.refresh_at_us = NEVER_US};
}

void topology_deinit(struct cluster *cluster)
{
    cluster_cancel(cluster, &cluster->topology.request);
    topology_forget_peers(cluster);
}

static void refresh_at(struct cluster *cluster, int64_t at_us)
{
    if (cluster->config->discover_nodes && at_us < cluster->topology.refresh_at_us)
        cluster->topology.refresh_at_us = at_us;
}

/* --- taking a view over --- */

static struct node *find_unknown(const struct cluster *cluster, const struct topology_peer *peer)
{
    for (size_t i = 0; i < cluster->node_count; i++) {
        struct node *node = cluster->nodes[i];
        if (!node->is_known && !node->is_retired && node->port == peer->port &&
            strcmp(node->host, peer->host) == 0)
            return node;
    }
    return NULL;
}

static void remember_told(struct node *node, const struct topology_peer *peer)
{
    memcpy(node->told_host, peer->told_host, sizeof(node->told_host));
    node->told_port = peer->told_port;
}

/* Nobody answers at a contact point, and the node that did is told of at another address. It is
 * tried there; both ways stay open, and merge() keeps the one that works. */
static struct node *contact_has_moved(struct cluster *cluster, struct node *contact,
                                      const struct topology_peer *peer)
{
    struct node *node = find_unknown(cluster, peer);
    if (node == NULL)
        node = node_new(cluster, peer->host, peer->port, false);
    if (node == NULL)
        return contact;
    contact->is_known = false;
    node_decide_usable(contact);
    return node;
}

static struct node *node_of_peer(struct cluster *cluster, const struct topology_peer *peer,
                                 struct moment now)
{
    struct node *node = node_by_host_id(cluster, peer->host_id);
    if (node == NULL)
        node = find_unknown(cluster, peer);
    if (node == NULL)
        return node_new(cluster, peer->host, peer->port, false);
    if (node->port == peer->port && strcmp(node->host, peer->host) == 0)
        return node;
    if (node->is_contact && node->ready_links == 0)
        return contact_has_moved(cluster, node, peer);
    if (!node->is_contact) {
        action_log(cluster->actions, LOG_INFO, "cassandra node has moved",
                   "node=%s to=%s port=%u", node->name, peer->host, peer->port);
        node_disconnect(node, "it has another address now", now);
        node_set_address(node, peer->host, peer->port);
    }
    return node;
}

static void put_to_sleep(struct node *node, const char *why, struct moment now)
{
    node->is_asleep = true;
    node_disconnect(node, why, now);
}

/* Nodes that the view does not name. A contact point may be named again by another address. */
static void forget_unseen(struct cluster *cluster, struct moment now)
{
    for (size_t i = 0; i < cluster->node_count; i++) {
        struct node *node = cluster->nodes[i];
        if (node->was_seen || node->is_retired || !node->is_known)
            continue;
        action_log(cluster->actions, LOG_INFO, "cassandra node has left", "node=%s", node->name);
        tablets_node_left(cluster, node);
        if (!node->is_contact)
            node->is_retired = true;
        put_to_sleep(node, "it has left the cluster", now);
        node->is_known = false;
        node_decide_usable(node);
    }
}

static void build_ring(struct cluster *cluster, struct node *const *nodes)
{
    struct topology *topology = &cluster->topology;
    struct ring *ring = NULL;
    struct ring_node *places =
        alloc_array(cluster->alloc, topology->peer_count, sizeof(*places));
    if (places == NULL)
        return; /* the old one is good enough until the next look */
    for (size_t i = 0; i < topology->peer_count; i++) {
        const struct topology_peer *peer = &topology->peers[i];
        places[i] =
            (struct ring_node){peer->data_center, peer->rack, peer->tokens, peer->token_count};
    }
    if (ring_new(cluster->alloc, places, topology->peer_count, &topology->replication,
                 cluster->home_dc, &ring) == STATUS_OK) {
        ring_free(cluster->ring);
        cluster->ring = ring;
        memset(cluster->ring_nodes, 0, sizeof(cluster->ring_nodes));
        memcpy(cluster->ring_nodes, nodes, topology->peer_count * sizeof(struct node *));
    }
    alloc_free(cluster->alloc, places, topology->peer_count * sizeof(*places));
}

/* A home that no node is in would leave nobody to ask: whoever asks will find out, and say it. */
static void settle_home(struct cluster *cluster)
{
    const struct topology *topology = &cluster->topology;
    if (cluster->home_dc[0] == '\0')
        memcpy(cluster->home_dc, topology->peers[0].data_center, sizeof(cluster->home_dc));
    for (size_t i = 0; i < topology->peer_count && !cluster->home_is_found; i++)
        cluster->home_is_found = strcmp(topology->peers[i].data_center, cluster->home_dc) == 0;
}

static void connect_all(struct cluster *cluster, struct moment now)
{
    for (size_t i = 0; i < cluster->node_count; i++) {
        struct node *node = cluster->nodes[i];
        if (!node->was_seen)
            continue;
        if (node->is_usable)
            node_connect(node, now);
        else if (cluster->usable_count > 0)
            put_to_sleep(node, "it is in another data centre", now);
    }
}

static void take_view(struct cluster *cluster, struct moment now)
{
    struct topology *topology = &cluster->topology;
    struct node *nodes[CLUSTER_NODES_MAX];
    settle_home(cluster);
    for (size_t i = 0; i < cluster->node_count; i++)
        cluster->nodes[i]->was_seen = false;
    for (size_t i = 0; i < topology->peer_count; i++) {
        const struct topology_peer *peer = &topology->peers[i];
        nodes[i] = i == 0 ? cluster->control_link->node : node_of_peer(cluster, peer, now);
        if (nodes[i] == NULL)
            continue; /* no memory for it now: the next look may have */
        if (i > 0)
            remember_told(nodes[i], peer);
        node_identify(nodes[i], peer->host_id, peer->data_center, peer->rack, now);
        nodes[i]->was_seen = true;
    }
    forget_unseen(cluster, now);
    build_ring(cluster, nodes);
    tablets_bind(cluster);
    connect_all(cluster, now);
}

/* --- asking --- */

static void view_failed(struct cluster *cluster, const char *why, struct moment now)
{
    struct topology *topology = &cluster->topology;
    topology->step = TOPOLOGY_RESTS;
    topology_forget_peers(cluster);
    topology->failures++;
    if (topology->failures % 10 == 3)
        action_log(cluster->actions, LOG_WARN, "the nodes of the cluster cannot be read",
                   "reason=\"%s\" attempts=%u", why, topology->failures);
    refresh_at(cluster, now.boot_us + retry_delay_us(&cluster->random, topology->failures + 3));
}

static void ask_step(struct cluster *cluster, enum topology_step step, struct moment now)
{
    struct topology *topology = &cluster->topology;
    char text[192] = LOCAL_QUERY;
    if (step == TOPOLOGY_PEERS)
        snprintf(text, sizeof(text), "%s", topology->no_peers_v2 ? PEERS_QUERY : PEERS_V2_QUERY);
    else if (step == TOPOLOGY_KEYSPACE)
        snprintf(text, sizeof(text),
                 "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = '%.64s'",
                 cluster->config->keyspace);
    topology->step = step;
    int rc = link_ask(cluster->control_link, &topology->request, text, step_done, cluster,
                      VIEW_TIMEOUT_US, now);
    if (rc < 0)
        view_failed(cluster, status_text(rc), now);
}

/* The answer of one step; false: it cannot be used. */
static bool take_step(struct cluster *cluster, struct slice body)
{
    struct topology *topology = &cluster->topology;
    struct topology_peer local;
    switch (topology->step) {
    case TOPOLOGY_LOCAL:
        if (!topology_read_local(cluster, cluster->control_link->node, body, &local))
            return false;
        struct topology_peer *first = topology_peer_add(cluster);
        if (first == NULL) {
            alloc_free(cluster->alloc, local.tokens, local.token_count * sizeof(*local.tokens));
            return false;
        }
        *first = local;
        return true;
    case TOPOLOGY_PEERS:
        return topology_read_peers(cluster, body, cluster->control_link->node->port) == STATUS_OK;
    case TOPOLOGY_KEYSPACE:
        return topology_read_keyspace(cluster, body) == STATUS_OK;
    case TOPOLOGY_RESTS:
        break;
    }
    return false;
}

static void step_done(struct cluster_request *request, const struct cluster_reply *reply,
                      struct moment now)
{
    struct cluster *cluster = request->context;
    struct topology *topology = &cluster->topology;
    enum topology_step step = topology->step;

    if (step == TOPOLOGY_PEERS && !topology->no_peers_v2 && reply->outcome == CLUSTER_REFUSED) {
        topology->no_peers_v2 = true;
        ask_step(cluster, TOPOLOGY_PEERS, now);
    } else if (reply->outcome != CLUSTER_DONE) {
        view_failed(cluster, reply->error != NULL ? "refused" : "no answer", now);
    } else if (!take_step(cluster, reply->body)) {
        view_failed(cluster, "the answer cannot be read", now);
    } else if (step != TOPOLOGY_KEYSPACE) {
        ask_step(cluster, step + 1, now);
    } else {
        topology->step = TOPOLOGY_RESTS;
        topology->failures = 0;
        refresh_at(cluster, now.boot_us + VIEW_PERIOD_US);
        take_view(cluster, now);
        topology_forget_peers(cluster);
    }
}

/* --- who a link has come to --- */

/* `node` turns out to be `other` as well. The way that works is kept; of two, the older. */
static void merge(struct node *node, struct node *other, struct moment now)
{
    if (other->ready_links > 0 || other->is_contact) {
        put_to_sleep(node, "it is connected to already", now);
        return;
    }
    node_identify(node, other->host_id, other->data_center, other->rack, now);
    other->is_retired = true;
    node_decide_usable(other);
    node_disconnect(other, "another way to it works", now);
    refresh_at(node->cluster, now.boot_us);
}

static void identified(struct cluster_request *request, const struct cluster_reply *reply,
                       struct moment now)
{
    struct link *link = request->context;
    struct cluster *cluster = link->cluster;
    struct topology_peer peer;

    if (reply->outcome != CLUSTER_DONE || link->state != LINK_READY ||
        !topology_read_local(cluster, link->node, reply->body, &peer)) {
        if (link->state == LINK_READY)
            link_shut_for_now(link, "it does not say which node it is", now);
        return;
    }
    struct node *other = node_by_host_id(cluster, peer.host_id);
    if (other != NULL && other != link->node) {
        merge(link->node, other, now);
    } else {
        node_identify(link->node, peer.host_id, peer.data_center, peer.rack, now);
        if (!link->node->is_usable)
            put_to_sleep(link->node, "it is in another data centre", now);
        refresh_at(cluster, now.boot_us); /* the ring may not know it yet */
    }
    alloc_free(cluster->alloc, peer.tokens, peer.token_count * sizeof(*peer.tokens));
}

void topology_link_ready(struct link *link, struct moment now)
{
    struct cluster *cluster = link->cluster;
    if (cluster->control_link == NULL) {
        cluster->control_link = link;
        refresh_at(cluster, now.boot_us);
    } else if (link->node->is_usable && !cluster->control_link->node->is_usable) {
        refresh_at(cluster, now.boot_us); /* a far node has told of this one, and may go now */
    } else if (cluster->config->discover_nodes && !link->node->is_known &&
               link_ask(link, &link->identify, LOCAL_QUERY, identified, link, VIEW_TIMEOUT_US,
                        now) < 0) {
        link_shut_for_now(link, "it cannot be asked which node it is", now);
    }
}

/* Events were missed meanwhile: whoever keeps what they tell of looks again. */
static void replay_schema(struct cluster *cluster, struct moment now)
{
    const struct cql_push push = {
        .kind = CQL_PUSH_SCHEMA,
        .change = CQL_CHANGE_CREATED,
        .schema = {.change = CQL_CHANGE_CREATED,
                   .target = CQL_TARGET_TABLE,
                   .keyspace = slice_cstr(cluster->config->keyspace),
                   .table = SLICE_LITERAL("")},
    };
    if (cluster->schema_hook != NULL)
        cluster->schema_hook(cluster->schema_context, &push, now);
}

/* Contact points that slept are where to begin again. */
static void wake_contacts(struct cluster *cluster, struct moment now)
{
    for (size_t i = 0; i < cluster->node_count; i++)
        if (cluster->nodes[i]->is_contact && cluster->nodes[i]->is_asleep)
            node_connect(cluster->nodes[i], now);
}

void topology_link_lost(struct link *link, struct moment now)
{
    struct cluster *cluster = link->cluster;
    if (link != cluster->control_link)
        return;
    cluster->control_link = NULL;
    for (size_t i = 0; i < cluster->node_count && cluster->control_link == NULL; i++) {
        const struct node *node = cluster->nodes[i];
        for (uint32_t l = 0; node_is_ready(node) && l < node->link_count; l++)
            if (node->links[l]->state == LINK_READY)
                cluster->control_link = node->links[l];
    }
    if (cluster->control_link != NULL) {
        refresh_at(cluster, now.boot_us);
        replay_schema(cluster, now);
    } else {
        cluster->topology.refresh_at_us = NEVER_US;
        wake_contacts(cluster, now);
    }
}

/* --- events and time --- */

static bool is_at(const struct node *node, const struct cql_inet *address)
{
    char text[64];
    const uint8_t *a = address->address;
    if (address->address_bytes != 4)
        return false; /* written in many ways; the look that follows finds it */
    snprintf(text, sizeof(text), "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
    return strcmp(node->told_host[0] != '\0' ? node->told_host : node->host, text) == 0;
}

static void node_came_up(struct cluster *cluster, const struct cql_inet *address,
                         struct moment now)
{
    int64_t soon_us = now.boot_us + VIEW_DEBOUNCE_US;
    for (size_t i = 0; i < cluster->node_count; i++) {
        struct node *node = cluster->nodes[i];
        for (uint32_t l = 0; is_at(node, address) && !node->is_asleep && l < node->link_count; l++)
            if (node->links[l]->state == LINK_WAITING &&
                node->links[l]->reconnect_at_us > soon_us)
                node->links[l]->reconnect_at_us = soon_us;
    }
}

void topology_pushed(struct cluster *cluster, const struct cql_push *push, struct moment now)
{
    bool is_our_keyspace =
        push->kind == CQL_PUSH_SCHEMA && push->schema.target == CQL_TARGET_KEYSPACE &&
        slice_equal(push->schema.keyspace, slice_cstr(cluster->config->keyspace));
    if (push->kind == CQL_PUSH_STATUS && push->change == CQL_CHANGE_UP)
        node_came_up(cluster, &push->address, now);
    if (push->kind == CQL_PUSH_TOPOLOGY || push->kind == CQL_PUSH_STATUS || is_our_keyspace)
        refresh_at(cluster, now.boot_us + VIEW_DEBOUNCE_US);
    if (push->kind == CQL_PUSH_TOPOLOGY || is_our_keyspace)
        tablets_all_stale(cluster); /* nodes that come and go move them */
}

int64_t topology_deadline_us(const struct cluster *cluster)
{
    const struct topology *topology = &cluster->topology;
    if (topology->step != TOPOLOGY_RESTS || cluster->control_link == NULL)
        return NEVER_US;
    return topology->refresh_at_us;
}

void topology_tick(struct cluster *cluster, struct moment now)
{
    if (topology_deadline_us(cluster) > now.boot_us)
        return;
    cluster->topology.refresh_at_us = NEVER_US;
    ask_step(cluster, TOPOLOGY_LOCAL, now);
}
