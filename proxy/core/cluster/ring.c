#include "core/cluster/ring.h"

#include <stdlib.h>
#include <string.h>

struct ring_entry {
    int64_t token;
    uint16_t node;
};

struct ring {
    const struct alloc *alloc;
    struct ring_entry *entries; /* by token */
    size_t entry_count, entry_capacity;
    uint16_t *replicas; /* copies_max for each entry */
    uint8_t *counts;    /* of replicas, for each entry */
    uint32_t copies_max;
};

/* --- replication --- */

static bool ends_with(struct slice text, const char *end)
{
    size_t len = strlen(end);
    return text.len >= len && memcmp(text.data + text.len - len, end, len) == 0;
}

static bool parse_copies(struct slice text, uint32_t *copies)
{
    uint32_t number = 0;
    size_t i = 0;
    for (; i < text.len && text.data[i] >= '0' && text.data[i] <= '9' && number < 1000; i++)
        number = number * 10 + (uint32_t)(text.data[i] - '0');
    if (i == 0 || (i < text.len && text.data[i] != '/'))
        return false;
    *copies = number;
    return true;
}

static void add_class(struct ring_replication *replication, struct slice name)
{
    if (ends_with(name, "NetworkTopologyStrategy"))
        replication->strategy = RING_NETWORK_TOPOLOGY;
    else if (ends_with(name, "SimpleStrategy"))
        replication->strategy = RING_SIMPLE;
    else
        replication->strategy = RING_UNKNOWN;
}

void ring_replication_add(struct ring_replication *replication, struct slice key,
                          struct slice value)
{
    struct ring_data_center *data_center =
        &replication->data_centers[replication->data_center_count];
    uint32_t copies;

    if (slice_equal(key, SLICE_LITERAL("class"))) {
        add_class(replication, value);
    } else if (!parse_copies(value, &copies)) {
        return; /* an option that is not a number of copies */
    } else if (slice_equal(key, SLICE_LITERAL("replication_factor"))) {
        replication->copies = copies;
    } else if (key.len > 0 && key.len < sizeof(data_center->name) &&
               replication->data_center_count < 16) {
        memcpy(data_center->name, key.data, key.len);
        data_center->name[key.len] = '\0';
        data_center->copies = copies;
        replication->data_center_count++;
    }
}

/* --- placement --- */

/* The walk for one data centre (NULL: all nodes are one, without racks). */
struct placement {
    const struct ring_node *nodes;
    const char *data_center;
    uint32_t copies_left;
    uint32_t rack_repeats; /* nodes of a known rack that may still be taken */
    const char *racks[RING_COPIES_MAX];
    size_t rack_count;
};

static bool is_in(const struct placement *placement, uint16_t node)
{
    return placement->data_center == NULL ||
           strcmp(placement->nodes[node].data_center, placement->data_center) == 0;
}

static bool meets_new_rack(struct placement *placement, uint16_t node)
{
    const char *rack = placement->nodes[node].rack;
    for (size_t i = 0; i < placement->rack_count; i++)
        if (strcmp(placement->racks[i], rack) == 0)
            return false;
    if (placement->rack_count < RING_COPIES_MAX)
        placement->racks[placement->rack_count++] = rack;
    return true;
}

static bool placement_takes(struct placement *placement, uint16_t node)
{
    if (!is_in(placement, node))
        return false;
    if (placement->data_center != NULL && !meets_new_rack(placement, node)) {
        if (placement->rack_repeats == 0)
            return false;
        placement->rack_repeats--;
    }
    placement->copies_left--;
    return true;
}

static void place(struct ring *ring, size_t first, struct placement *placement)
{
    uint16_t *replicas = ring->replicas + first * ring->copies_max;
    for (size_t i = 0; i < ring->entry_count && placement->copies_left > 0; i++) {
        uint16_t node = ring->entries[(first + i) % ring->entry_count].node;
        bool known = false;
        for (size_t r = 0; r < ring->counts[first] && !known; r++)
            known = replicas[r] == node;
        if (!known && ring->counts[first] < ring->copies_max && placement_takes(placement, node))
            replicas[ring->counts[first]++] = node;
    }
}

/* Nodes with tokens and racks of a data centre. */
static void measure(const struct ring_node *nodes, size_t node_count, const char *data_center,
                    uint32_t *members, uint32_t *racks)
{
    *members = *racks = 0;
    for (size_t i = 0; i < node_count; i++) {
        if (nodes[i].token_count == 0 ||
            (data_center != NULL && strcmp(nodes[i].data_center, data_center) != 0))
            continue;
        bool known = false;
        for (size_t j = 0; j < i && !known; j++)
            known = nodes[j].token_count > 0 &&
                    strcmp(nodes[j].data_center, nodes[i].data_center) == 0 &&
                    strcmp(nodes[j].rack, nodes[i].rack) == 0;
        *racks += !known;
        (*members)++;
    }
}

static void place_everywhere(struct ring *ring, const struct ring_node *nodes, size_t node_count,
                             const char *data_center, uint32_t copies)
{
    uint32_t members, racks;
    measure(nodes, node_count, data_center, &members, &racks);
    for (size_t i = 0; i < ring->entry_count; i++) {
        struct placement placement = {
            .nodes = nodes,
            .data_center = data_center,
            .copies_left = copies < members ? copies : members,
            .rack_repeats = copies > racks ? copies - racks : 0,
        };
        place(ring, i, &placement);
    }
}

static void place_all(struct ring *ring, const struct ring_node *nodes, size_t node_count,
                      const struct ring_replication *replication, const char *home)
{
    if (replication->strategy == RING_SIMPLE) {
        place_everywhere(ring, nodes, node_count, NULL, replication->copies);
        return;
    }
    for (int remote = 0; remote <= 1; remote++)
        for (size_t i = 0; i < replication->data_center_count; i++) {
            const struct ring_data_center *data_center = &replication->data_centers[i];
            if ((strcmp(data_center->name, home) != 0) == (remote == 1))
                place_everywhere(ring, nodes, node_count, data_center->name, data_center->copies);
        }
}

/* --- the ring --- */

static int compare_entries(const void *a, const void *b)
{
    const struct ring_entry *left = a, *right = b;
    if (left->token != right->token)
        return left->token < right->token ? -1 : 1;
    return (int)left->node - (int)right->node;
}

static void sort_entries(struct ring *ring)
{
    qsort(ring->entries, ring->entry_count, sizeof(*ring->entries), compare_entries);
    size_t kept = 0; /* a token belongs to one node, whatever half-written rows say */
    for (size_t i = 0; i < ring->entry_count; i++)
        if (kept == 0 || ring->entries[kept - 1].token != ring->entries[i].token)
            ring->entries[kept++] = ring->entries[i];
    ring->entry_count = kept;
}

static uint32_t copies_of(const struct ring_replication *replication)
{
    uint32_t copies = 0;
    if (replication->strategy == RING_SIMPLE)
        copies = replication->copies;
    for (size_t i = 0; replication->strategy == RING_NETWORK_TOPOLOGY &&
                       i < replication->data_center_count;
         i++)
        copies += replication->data_centers[i].copies;
    return copies < RING_COPIES_MAX ? copies : RING_COPIES_MAX;
}

static void fill_entries(struct ring *ring, const struct ring_node *nodes, size_t node_count,
                         size_t capacity)
{
    for (size_t i = 0; i < node_count && i < RING_NODES_MAX; i++)
        for (size_t t = 0; t < nodes[i].token_count && ring->entry_count < capacity; t++)
            ring->entries[ring->entry_count++] =
                (struct ring_entry){nodes[i].tokens[t], (uint16_t)i};
    sort_entries(ring);
}

static size_t tokens_of(const struct ring_node *nodes, size_t node_count)
{
    size_t tokens = 0;
    for (size_t i = 0; i < node_count && i < RING_NODES_MAX; i++)
        tokens += nodes[i].token_count;
    return tokens < RING_TOKENS_MAX ? tokens : RING_TOKENS_MAX;
}

int ring_new(const struct alloc *alloc, const struct ring_node *nodes, size_t node_count,
             const struct ring_replication *replication, const char *home_data_center,
             struct ring **ring)
{
    size_t tokens = tokens_of(nodes, node_count);
    uint32_t copies = copies_of(replication);
    *ring = NULL;
    if (tokens == 0 || copies == 0)
        return STATUS_OK;
    struct ring *made = alloc_zeroed(alloc, sizeof(*made));
    if (made == NULL)
        return STATUS_NOMEM;
    *made = (struct ring){.alloc = alloc, .entry_capacity = tokens, .copies_max = copies};
    made->entries = alloc_array(alloc, tokens, sizeof(*made->entries));
    made->replicas = alloc_array(alloc, tokens * copies, sizeof(*made->replicas));
    made->counts = alloc_array(alloc, tokens, sizeof(*made->counts));
    if (made->entries == NULL || made->replicas == NULL || made->counts == NULL) {
        ring_free(made);
        return STATUS_NOMEM;
    }
    fill_entries(made, nodes, node_count, tokens);
    place_all(made, nodes, node_count, replication, home_data_center);
    *ring = made;
    return STATUS_OK;
}

void ring_free(struct ring *ring)
{
    if (ring == NULL)
        return;
    size_t capacity = ring->entry_capacity;
    const struct alloc *alloc = ring->alloc;
    alloc_free(alloc, ring->entries, capacity * sizeof(*ring->entries));
    alloc_free(alloc, ring->replicas, capacity * ring->copies_max * sizeof(*ring->replicas));
    alloc_free(alloc, ring->counts, capacity * sizeof(*ring->counts));
    alloc_free(alloc, ring, sizeof(*ring));
}

size_t ring_replicas(const struct ring *ring, int64_t token, const uint16_t **replicas)
{
    size_t low = 0, high = ring->entry_count; /* the first entry with a token >= ours */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ring->entries[middle].token < token)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == ring->entry_count)
        low = 0;
    *replicas = ring->replicas + low * ring->copies_max;
    return ring->counts[low];
}

uint32_t ring_shard(int64_t token, uint32_t shard_count, uint32_t ignore_msb)
{
    uint64_t biased = (uint64_t)token + (UINT64_C(1) << 63);
    biased = ignore_msb < 64 ? biased << ignore_msb : 0;
    uint64_t low = (biased & UINT32_MAX) * shard_count; /* the high half of a 64 x 32 bit product */
    uint64_t high = (biased >> 32) * shard_count + (low >> 32);
    return (uint32_t)(high >> 32);
}
