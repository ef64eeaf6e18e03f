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
    if (slice_ends_with(name, "NetworkTopologyStrategy"))
        replication->strategy = RING_NETWORK_TOPOLOGY;
    else if (slice_ends_with(name, "SimpleStrategy"))
        replication->strategy = RING_SIMPLE;
    else
        replication->strategy = RING_UNKNOWN;
}

static void add_data_center(struct ring_replication *replication, struct slice name,
                            uint32_t copies)
{
    size_t at = 0;
    while (at < replication->data_center_count &&
           !slice_equal(slice_cstr(replication->data_centers[at].name), name))
        at++; /* a name that a map has twice counts once */
    struct ring_data_center *data_center = &replication->data_centers[at];
    if (at == 16 || name.len == 0 || name.len >= sizeof(data_center->name))
        return;
    memcpy(data_center->name, name.data, name.len);
    data_center->name[name.len] = '\0';
    data_center->copies = copies;
    if (at == replication->data_center_count)
        replication->data_center_count++;
}

void ring_replication_add(struct ring_replication *replication, struct slice key,
                          struct slice value)
{
    uint32_t copies;

    if (slice_equal(key, SLICE_LITERAL("class"))) {
        add_class(replication, value);
    } else if (!parse_copies(value, &copies)) {
        return; /* an option that is not a number of copies */
    } else if (slice_equal(key, SLICE_LITERAL("replication_factor"))) {
        replication->copies = copies;
    } else {
        add_data_center(replication, key, copies);
    }
}

/* --- placement --- */

#define NO_NODE UINT16_MAX

/*
 * The walk for one data centre (NULL: all nodes are one, without racks). Its nodes are in a list in
 * the order in which a walk from the entry at hand meets them first. Going backwards over the ring
 * that is kept up by moving the entry's node to the front, so it does not matter how unevenly the
 * nodes have shared the ring among them: no walk is longer than there are nodes.
 */
struct placement {
    const struct ring_node *nodes;
    const char *data_center;
    uint32_t copies;
    uint32_t rack_repeats; /* nodes of a known rack that are taken */
    struct seat *seats;    /* for each node */
    uint16_t front;
};

struct seat {
    uint16_t before, after; /* in the list; NO_NODE: none */
    uint16_t rack;          /* a node that is in the same rack: the first that was met */
    bool is_met;
};

static bool is_in(const struct placement *placement, uint16_t node)
{
    return placement->data_center == NULL ||
           strcmp(placement->nodes[node].data_center, placement->data_center) == 0;
}

static void unlink_seat(struct placement *placement, uint16_t node)
{
    const struct seat *seat = &placement->seats[node];
    if (seat->before != NO_NODE)
        placement->seats[seat->before].after = seat->after;
    else
        placement->front = seat->after;
    if (seat->after != NO_NODE)
        placement->seats[seat->after].before = seat->before;
}

static void move_to_front(struct placement *placement, uint16_t node)
{
    struct seat *seat = &placement->seats[node];
    if (placement->front == node)
        return;
    if (seat->is_met)
        unlink_seat(placement, node);
    seat->is_met = true;
    seat->before = NO_NODE;
    seat->after = placement->front;
    if (placement->front != NO_NODE)
        placement->seats[placement->front].before = node;
    placement->front = node;
}

/* Once all nodes are in the list: numbers their racks, and says how many nodes and racks it has. */
static void number_racks(struct placement *placement, uint32_t *members, uint32_t *racks)
{
    struct seat *seats = placement->seats;
    *members = *racks = 0;
    for (uint16_t n = placement->front; n != NO_NODE; n = seats[n].after) {
        uint16_t first = placement->front;
        while (first != n && (seats[first].rack != first ||
                              strcmp(placement->nodes[first].rack, placement->nodes[n].rack) != 0))
            first = seats[first].after;
        seats[n].rack = first;
        *racks += first == n;
        (*members)++;
    }
}

/* The replicas of the entry whose node is at the front. */
static void place(struct ring *ring, size_t entry, const struct placement *placement)
{
    uint16_t *replicas = ring->replicas + entry * ring->copies_max;
    uint8_t *count = &ring->counts[entry];
    uint8_t first = *count;
    uint32_t left = placement->copies, repeats = placement->rack_repeats;
    for (uint16_t n = placement->front; n != NO_NODE && left > 0 && *count < ring->copies_max;
         n = placement->seats[n].after) {
        bool is_repeat = false;
        for (uint8_t r = first; r < *count && placement->data_center != NULL && !is_repeat; r++)
            is_repeat = placement->seats[replicas[r]].rack == placement->seats[n].rack;
        if (is_repeat && repeats == 0)
            continue;
        repeats -= is_repeat;
        replicas[(*count)++] = n;
        left--;
    }
}

static void place_everywhere(struct ring *ring, const struct ring_node *nodes, struct seat *seats,
                             const char *data_center, uint32_t copies)
{
    struct placement placement = {.nodes = nodes,
                                  .data_center = data_center,
                                  .copies = copies,
                                  .seats = seats,
                                  .front = NO_NODE};
    uint32_t members, racks;
    for (size_t i = 0; i < ring->entry_count; i++)
        seats[ring->entries[i].node].is_met = false;
    for (size_t i = ring->entry_count; i-- > 0;)
        if (is_in(&placement, ring->entries[i].node))
            move_to_front(&placement, ring->entries[i].node);
    number_racks(&placement, &members, &racks);
    placement.rack_repeats = copies > racks ? copies - racks : 0;
    if (members == 0)
        return;
    for (size_t i = ring->entry_count; i-- > 0;) {
        if (is_in(&placement, ring->entries[i].node))
            move_to_front(&placement, ring->entries[i].node);
        place(ring, i, &placement);
    }
}

static void place_all(struct ring *ring, const struct ring_node *nodes, struct seat *seats,
                      const struct ring_replication *replication, const char *home)
{
    if (replication->strategy == RING_SIMPLE) {
        place_everywhere(ring, nodes, seats, NULL, replication->copies);
        return;
    }
    for (int remote = 0; remote <= 1; remote++)
        for (size_t i = 0; i < replication->data_center_count; i++) {
            const struct ring_data_center *data_center = &replication->data_centers[i];
            if ((strcmp(data_center->name, home) != 0) == (remote == 1))
                place_everywhere(ring, nodes, seats, data_center->name, data_center->copies);
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
    struct seat *seats = alloc_array(alloc, node_count, sizeof(*seats));
    if (made != NULL && seats != NULL) {
        *made = (struct ring){.alloc = alloc, .entry_capacity = tokens, .copies_max = copies};
        made->entries = alloc_array(alloc, tokens, sizeof(*made->entries));
        made->replicas = alloc_array(alloc, tokens * copies, sizeof(*made->replicas));
        made->counts = alloc_array(alloc, tokens, sizeof(*made->counts));
    }
    bool is_whole = seats != NULL && made != NULL && made->entries != NULL &&
                    made->replicas != NULL && made->counts != NULL;
    if (is_whole) {
        fill_entries(made, nodes, node_count, tokens);
        place_all(made, nodes, seats, replication, home_data_center);
        *ring = made;
    } else if (made != NULL) {
        made->alloc = alloc;
        ring_free(made);
    }
    alloc_free(alloc, seats, node_count * sizeof(*seats));
    return is_whole ? STATUS_OK : STATUS_NOMEM;
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
