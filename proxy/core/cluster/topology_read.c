/*
 * The rows in which a node tells of the cluster. Rows that are half written (no host id, address,
 * data centre, rack or tokens: nodes that join or leave) are no nodes yet.
 */
#include "core/cluster/cluster_internal.h"

#include <stdio.h>

/* --- values --- */

static int32_t read_i32(const uint8_t *p)
{
    return (int32_t)((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]);
}

/* The next element of a collection; false: no more, or it lies. */
static bool next_element(struct slice *rest, struct slice *element)
{
    if (rest->len < 4)
        return false;
    int32_t len = read_i32(rest->data);
    if (len < 0 || (size_t)len > rest->len - 4)
        return false;
    *element = slice_make(rest->data + 4, (size_t)len);
    *rest = slice_make(rest->data + 4 + len, rest->len - 4 - (size_t)len);
    return true;
}

/* The elements of a collection cell; their number is not believed, only the bytes are. */
static struct slice elements_of(struct slice cell)
{
    return cell.len < 4 ? SLICE_NULL : slice_make(cell.data + 4, cell.len - 4);
}

static bool parse_token(struct slice text, int64_t *token)
{
    uint64_t number = 0;
    size_t i = text.len > 0 && text.data[0] == '-';
    if (text.len == i || text.len - i > 19)
        return false;
    for (size_t c = i; c < text.len; c++) {
        if (text.data[c] < '0' || text.data[c] > '9')
            return false;
        number = number * 10 + (uint64_t)(text.data[c] - '0');
    }
    if (number > (uint64_t)INT64_MAX + i)
        return false;
    *token = i == 1 ? (int64_t)(0 - number) : (int64_t)number;
    return true;
}

static int read_tokens(struct cluster *cluster, struct slice cell, struct topology_peer *peer)
{
    struct slice rest = elements_of(cell), element;
    size_t count = 0;
    while (next_element(&rest, &element))
        count++;
    if (count == 0)
        return STATUS_OK;
    if (count > RING_TOKENS_MAX)
        return STATUS_LIMIT;
    peer->tokens = alloc_array(cluster->alloc, count, sizeof(*peer->tokens));
    if (peer->tokens == NULL)
        return STATUS_NOMEM;
    peer->token_count = count;
    rest = elements_of(cell);
    for (size_t i = 0; next_element(&rest, &element); i++)
        if (!parse_token(element, &peer->tokens[i]))
            return STATUS_MALFORMED;
    return STATUS_OK;
}

static bool is_any_address(struct slice address)
{
    for (size_t i = 0; i < address.len; i++)
        if (address.data[i] != 0)
            return false;
    return true;
}

static bool address_text(struct slice address, char *to, size_t to_bytes)
{
    const uint8_t *a = address.data;
    if (address.len == 4) {
        snprintf(to, to_bytes, "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
        return true;
    }
    if (address.len != 16)
        return false;
    to[0] = '\0';
    for (size_t i = 0; i < 16; i += 2) {
        size_t len = strlen(to);
        snprintf(to + len, to_bytes - len, "%s%x", i > 0 ? ":" : "",
                 (unsigned)a[i] << 8 | a[i + 1]);
    }
    return true;
}

static bool take_text(struct slice cell, char *to, size_t to_bytes)
{
    if (cell.len == 0 || cell.len >= to_bytes || memchr(cell.data, '\0', cell.len) != NULL)
        return false;
    memcpy(to, cell.data, cell.len);
    to[cell.len] = '\0';
    return true;
}

/* --- peers --- */

struct topology_peer *topology_peer_add(struct cluster *cluster)
{
    struct topology *topology = &cluster->topology;
    if (topology->peer_count == topology->peer_capacity) {
        size_t capacity = topology->peer_capacity == 0 ? 8 : topology->peer_capacity * 2;
        struct topology_peer *peers =
            alloc_resize(cluster->alloc, topology->peers, topology->peer_capacity * sizeof(*peers),
                         capacity * sizeof(*peers));
        if (peers == NULL)
            return NULL;
        topology->peers = peers;
        topology->peer_capacity = capacity;
    }
    struct topology_peer *peer = &topology->peers[topology->peer_count++];
    *peer = (struct topology_peer){.tokens = NULL};
    return peer;
}

static void peer_deinit(struct cluster *cluster, struct topology_peer *peer)
{
    alloc_free(cluster->alloc, peer->tokens, peer->token_count * sizeof(*peer->tokens));
    *peer = (struct topology_peer){.tokens = NULL};
}

void topology_forget_peers(struct cluster *cluster)
{
    struct topology *topology = &cluster->topology;
    for (size_t i = 0; i < topology->peer_count; i++)
        peer_deinit(cluster, &topology->peers[i]);
    alloc_free(cluster->alloc, topology->peers,
               topology->peer_capacity * sizeof(*topology->peers));
    topology->peers = NULL;
    topology->peer_count = topology->peer_capacity = 0;
}

static struct slice named_cell(const struct cql_result *result, const char *name)
{
    int column = cql_result_column(result, name);
    return column < 0 ? SLICE_NULL : cql_result_cell(result, (size_t)column);
}

/* Who and where a row is, tokens apart. false: half written. */
static bool read_identity(const struct cql_result *result, struct topology_peer *peer)
{
    return cql_cell_uuid(named_cell(result, "host_id"), peer->host_id) &&
           take_text(named_cell(result, "data_center"), peer->data_center,
                     sizeof(peer->data_center)) &&
           take_text(named_cell(result, "rack"), peer->rack, sizeof(peer->rack));
}

bool topology_read_local(struct cluster *cluster, const struct node *node, struct slice body,
                         struct topology_peer *peer)
{
    struct cql_result result;
    *peer = (struct topology_peer){.port = node->port};
    arena_reset(&cluster->arena);
    if (cql_result_open(body, &cluster->arena, &result) < 0 || !cql_result_next_row(&result) ||
        !read_identity(&result, peer))
        return false;
    if (read_tokens(cluster, named_cell(&result, "tokens"), peer) < 0)
        peer_deinit(cluster, peer);
    else
        snprintf(peer->host, sizeof(peer->host), "%s", node->host);
    return peer->host[0] != '\0';
}

/* native_address or rpc_address; a node that listens everywhere says 0.0.0.0, and is met where the
 * other nodes meet it. */
static bool read_address(const struct cql_result *result, struct topology_peer *peer, uint16_t port)
{
    struct slice address = named_cell(result, "native_address");
    int32_t native_port;
    if (address.data == NULL)
        address = named_cell(result, "rpc_address");
    if (address.data == NULL)
        return false;
    if (is_any_address(address))
        address = named_cell(result, "peer");
    peer->port = port;
    if (cql_cell_i32(named_cell(result, "native_port"), &native_port) && native_port > 0 &&
        native_port <= UINT16_MAX)
        peer->port = (uint16_t)native_port;
    return address_text(address, peer->host, sizeof(peer->host));
}

/* From what it tells to what is dialled. */
static void translate(const struct gateway_config *config, struct topology_peer *peer)
{
    snprintf(peer->told_host, sizeof(peer->told_host), "%.63s", peer->host);
    peer->told_port = peer->port;
    const struct address_translation *translation =
        translation_of(config, peer->told_host, peer->told_port);
    if (translation == NULL)
        return;
    snprintf(peer->host, sizeof(peer->host), "%s", translation->host);
    if (translation->port != 0)
        peer->port = translation->port;
}

int topology_read_peers(struct cluster *cluster, struct slice body, uint16_t port)
{
    struct topology *topology = &cluster->topology;
    struct cql_result result;
    arena_reset(&cluster->arena);
    int rc = cql_result_open(body, &cluster->arena, &result);
    while (rc == STATUS_OK && topology->peer_count < CLUSTER_NODES_MAX &&
           cql_result_next_row(&result)) {
        struct topology_peer *peer = topology_peer_add(cluster);
        if (peer == NULL)
            return STATUS_NOMEM;
        if (read_identity(&result, peer) && read_address(&result, peer, port))
            rc = read_tokens(cluster, named_cell(&result, "tokens"), peer);
        translate(cluster->config, peer);
        if (peer->token_count == 0 || rc == STATUS_MALFORMED) {
            peer_deinit(cluster, peer);
            topology->peer_count--;
            rc = rc == STATUS_MALFORMED ? STATUS_OK : rc;
        }
    }
    return rc;
}

int topology_read_keyspace(struct cluster *cluster, struct slice body)
{
    struct cql_result result;
    struct slice key, value;
    cluster->topology.replication = (struct ring_replication){0};
    arena_reset(&cluster->arena);
    int rc = cql_result_open(body, &cluster->arena, &result);
    if (rc < 0 || !cql_result_next_row(&result))
        return rc;
    struct slice rest = elements_of(named_cell(&result, "replication"));
    while (next_element(&rest, &key) && next_element(&rest, &value))
        ring_replication_add(&cluster->topology.replication, key, value);
    return STATUS_OK;
}
