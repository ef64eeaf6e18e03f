/*
 * What a node tells of the cluster: bodies of system.local, of the peers and of the keyspace's
 * replication, one after the other as frames; then the ring that is made of them. It must agree
 * with a walk that follows the definition, step by step.
 */
#include "core/cluster/cluster_internal.h"
#include "cql/frame.h"
#include "fuzz/repair.h"
#include "fuzz/support.h"

enum { MEMORY_CONSTANT = 64 << 10, ENTRIES_MAX = 512, PROBES = 4, PORT = 9042 };

static const struct address_translation translation = {"127.0.0.2", 0, "second.example", 0};

/* --- rows --- */

static void check_text(const char *text, size_t room)
{
    REQUIRE(memchr(text, '\0', room) != NULL && text[0] != '\0');
}

static void check_peer(const struct topology_peer *peer)
{
    check_text(peer->host, sizeof(peer->host));
    REQUIRE(strspn(peer->host, "0123456789abcdef.:") == strlen(peer->host) ||
            strcmp(peer->host, translation.host) == 0);
    check_text(peer->data_center, sizeof(peer->data_center));
    check_text(peer->rack, sizeof(peer->rack));
    REQUIRE(peer->port != 0 && peer->token_count > 0 && peer->token_count <= RING_TOKENS_MAX);
    for (size_t i = 0; i < peer->token_count; i++) {
        volatile int64_t token = peer->tokens[i];
        (void)token;
    }
}

static bool read_local(struct cluster *cluster, struct slice body)
{
    static const struct node node = {.host = "10.0.0.1", .port = PORT};
    struct topology_peer local;

    if (!topology_read_local(cluster, &node, body, &local))
        return false;
    if (local.token_count > 0)
        check_peer(&local);
    struct topology_peer *first = topology_peer_add(cluster);
    if (first != NULL)
        *first = local;
    else
        alloc_free(cluster->alloc, local.tokens, local.token_count * sizeof(*local.tokens));
    return first != NULL;
}

static bool read_view(struct cluster *cluster, const struct slice bodies[3])
{
    struct topology *topology = &cluster->topology;

    if (!read_local(cluster, bodies[0]) || topology_read_peers(cluster, bodies[1], PORT) < 0 ||
        topology_read_keyspace(cluster, bodies[2]) < 0)
        return false;
    REQUIRE(topology->peer_count >= 1 && topology->peer_count <= CLUSTER_NODES_MAX);
    for (size_t i = 1; i < topology->peer_count; i++)
        check_peer(&topology->peers[i]);
    REQUIRE(topology->replication.data_center_count <= 16);
    for (size_t i = 0; i < topology->replication.data_center_count; i++)
        check_text(topology->replication.data_centers[i].name, 64);
    return true;
}

/* --- the ring, by its definition --- */

struct entry {
    int64_t token;
    uint16_t node;
};

struct walk {
    const struct ring_node *nodes;
    size_t node_count;
    struct entry entries[ENTRIES_MAX];
    size_t entry_count;
    uint16_t found[RING_COPIES_MAX];
    size_t found_count, found_max;
};

static int compare(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;

    if (left->token != right->token)
        return left->token < right->token ? -1 : 1;
    return left->node - right->node;
}

/* false: larger than this reader is for. */
static bool walk_init(struct walk *walk, const struct ring_node *nodes, size_t node_count)
{
    *walk = (struct walk){.nodes = nodes, .node_count = node_count};
    for (size_t i = 0; i < node_count; i++)
        for (size_t t = 0; t < nodes[i].token_count; t++) {
            if (walk->entry_count == ENTRIES_MAX)
                return false;
            walk->entries[walk->entry_count++] = (struct entry){nodes[i].tokens[t], (uint16_t)i};
        }
    qsort(walk->entries, walk->entry_count, sizeof(walk->entries[0]), compare);
    size_t kept = 0;
    for (size_t i = 0; i < walk->entry_count; i++)
        if (i == 0 || walk->entries[i].token != walk->entries[i - 1].token)
            walk->entries[kept++] = walk->entries[i];
    walk->entry_count = kept;
    return true;
}

static bool is_found(const struct walk *walk, uint16_t node)
{
    for (size_t i = 0; i < walk->found_count; i++)
        if (walk->found[i] == node)
            return true;
    return false;
}

/* How many racks of a data centre own something; or, of those found from `from` on, is one such? */
static bool rack_is_found(const struct walk *walk, size_t from, uint16_t node)
{
    for (size_t i = from; i < walk->found_count; i++)
        if (strcmp(walk->nodes[walk->found[i]].rack, walk->nodes[node].rack) == 0)
            return true;
    return false;
}

static uint32_t racks_of(const struct walk *walk, const char *data_center)
{
    uint32_t racks = 0;

    for (size_t i = 0; i < walk->entry_count; i++) {
        const struct ring_node *node = &walk->nodes[walk->entries[i].node];
        bool known = strcmp(node->data_center, data_center) != 0;
        for (size_t j = 0; j < i && !known; j++) {
            const struct ring_node *other = &walk->nodes[walk->entries[j].node];
            known = strcmp(other->data_center, data_center) == 0 &&
                    strcmp(other->rack, node->rack) == 0;
        }
        racks += !known;
    }
    return racks;
}

static void walk_one(struct walk *walk, size_t first, const char *data_center, uint32_t copies)
{
    uint32_t racks = data_center == NULL ? 0 : racks_of(walk, data_center);
    uint32_t repeats = copies > racks ? copies - racks : 0;
    size_t from = walk->found_count;

    for (size_t i = 0; i < walk->entry_count && copies > 0; i++) {
        uint16_t node = walk->entries[(first + i) % walk->entry_count].node;
        if (walk->found_count == walk->found_max || is_found(walk, node) ||
            (data_center != NULL && strcmp(walk->nodes[node].data_center, data_center) != 0))
            continue;
        if (data_center != NULL && rack_is_found(walk, from, node)) {
            if (repeats == 0)
                continue;
            repeats--;
        }
        walk->found[walk->found_count++] = node;
        copies--;
    }
}

static void walk_replicas(struct walk *walk, int64_t token,
                          const struct ring_replication *replication, const char *home)
{
    size_t first = 0;

    walk->found_count = 0;
    while (first < walk->entry_count && walk->entries[first].token < token)
        first++;
    if (replication->strategy == RING_SIMPLE)
        walk_one(walk, first, NULL, replication->copies);
    for (int far = 0; far <= 1 && replication->strategy == RING_NETWORK_TOPOLOGY; far++)
        for (size_t i = 0; i < replication->data_center_count; i++)
            if ((strcmp(replication->data_centers[i].name, home) != 0) == (far == 1))
                walk_one(walk, first, replication->data_centers[i].name,
                         replication->data_centers[i].copies);
}

static size_t copies_max(const struct ring_replication *replication)
{
    size_t copies = replication->strategy == RING_SIMPLE ? replication->copies : 0;

    for (size_t i = 0; i < replication->data_center_count; i++)
        if (replication->strategy == RING_NETWORK_TOPOLOGY)
            copies += replication->data_centers[i].copies;
    return copies < RING_COPIES_MAX ? copies : RING_COPIES_MAX;
}

static int64_t some_token(const struct walk *walk, struct tape *tape)
{
    static const int64_t ends[] = {INT64_MIN, -1, 0, INT64_MAX};

    if (walk->entry_count == 0 || tape_odd(tape))
        return ends[tape_below(tape, 4)];
    return walk->entries[tape_below(tape, (uint32_t)walk->entry_count)].token;
}

static void check_ring(const struct ring *ring, struct walk *walk,
                       const struct ring_replication *replication, const char *home,
                       struct tape *tape)
{
    walk->found_max = copies_max(replication);
    REQUIRE((ring == NULL) == (walk->entry_count == 0 || walk->found_max == 0));
    for (int i = 0; i < PROBES && ring != NULL; i++) {
        int64_t token = some_token(walk, tape);
        const uint16_t *replicas = NULL;
        size_t count = ring_replicas(ring, token, &replicas);
        walk_replicas(walk, token, replication, home);
        REQUIRE(count == walk->found_count);
        REQUIRE(memcmp(replicas, walk->found, count * sizeof(*replicas)) == 0);
    }
}

static void make_ring(struct cluster *cluster, struct tape *tape, const struct fuzz_alloc *memory)
{
    const struct topology *topology = &cluster->topology;
    struct ring_node *nodes = malloc(topology->peer_count * sizeof(*nodes));
    const char *home = topology->peers[0].data_center;
    struct ring *ring = NULL;
    static struct walk walk;

    REQUIRE(nodes != NULL);
    for (size_t i = 0; i < topology->peer_count; i++) {
        const struct topology_peer *peer = &topology->peers[i];
        nodes[i] =
            (struct ring_node){peer->data_center, peer->rack, peer->tokens, peer->token_count};
    }
    int rc =
        ring_new(cluster->alloc, nodes, topology->peer_count, &topology->replication, home, &ring);
    REQUIRE(rc == STATUS_OK || (rc == STATUS_NOMEM && memory->failures > 0 && ring == NULL));
    if (rc == STATUS_OK && walk_init(&walk, nodes, topology->peer_count))
        check_ring(ring, &walk, &topology->replication, home, tape);
    ring_free(ring);
    free(nodes);
}

/* --- a run --- */

size_t fuzz_repair(uint8_t *bytes, size_t len, size_t room, unsigned seed)
{
    (void)room;
    (void)seed;
    repair_cql_frames(bytes, len);
    return len;
}

static struct slice next_body(struct slice *rest)
{
    if (rest->len < CQL_HEADER_BYTES)
        return SLICE_LITERAL("");
    size_t len = cql_header_read(rest->data).body_bytes;
    if (len > rest->len - CQL_HEADER_BYTES)
        len = rest->len - CQL_HEADER_BYTES;
    struct slice body = slice_make(rest->data + CQL_HEADER_BYTES, len);
    *rest = slice_make(body.data + len, rest->len - CQL_HEADER_BYTES - len);
    return body;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input_split(data, size);
    struct slice rest = input.bytes, bodies[3];
    static struct cluster cluster; /* of which only this is used */
    struct gateway_config config = {.translations = &translation};
    struct fuzz_alloc memory;

    fuzz_alloc_init_tape(&memory, &input.tape);
    config.translation_count = tape_odd(&input.tape) ? 0 : 1;
    cluster.config = &config;
    cluster.alloc = &memory.alloc;
    cluster.topology = (struct topology){.peers = NULL};
    arena_init(&cluster.arena, &memory.alloc, 4096, 1 << 20);
    for (int i = 0; i < 3; i++)
        bodies[i] = next_body(&rest);
    if (read_view(&cluster, bodies))
        make_ring(&cluster, &input.tape, &memory);
    REQUIRE(memory.peak_bytes <= MEMORY_CONSTANT + 64 * input.bytes.len);
    topology_forget_peers(&cluster);
    arena_deinit(&cluster.arena);
    fuzz_alloc_end(&memory);
    fuzz_input_free(&input);
    return 0;
}
