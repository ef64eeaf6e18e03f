/* A mutation's life and the batches in it (partition.h has the picture). */
#ifndef PROXY_CORE_MUTATION_H
#define PROXY_CORE_MUTATION_H

#include "core/engine/partition.h"

#define MUTATION_MIN_GROUP_ROWS                                                                    \
    30 /* with others under way, a smaller one waits to grow (a request costs a node               \
          as much as ten rows) */

/* Open, empty, at the end of the partition's queue; NULL: out of memory. */
struct mutation *mutation_open(struct partition *partition);
void mutation_close(struct mutation *mutation);
/* Takes it out of its partition; its batches must be resolved, or are dropped with their waiters
 * orphaned. */
void mutation_free(struct mutation *mutation);
bool mutation_is_full(const struct mutation *mutation);
size_t mutation_bytes(const struct mutation *mutation);
/* Stamps it and hands it to the cluster. False: no timestamp below the ceiling is left for now. */
bool mutation_send(struct mutation *mutation, struct moment now);
/* The budget follows the body's memory. */
void mutation_charge(struct mutation *mutation);

/* NULL: out of memory. */
struct batch *batch_new(struct gateway *gateway, int64_t first_offset,
                        const struct producer_claim *claim);
/* Its rows, from batch->first to `last`, are the log's newest. */
void batch_place(struct batch *batch, struct mutation *last);
void batch_join(struct batch *batch, struct produce_entry *entry);
/* Frees the batch and leaves its waiters without one: they are gone, or about to be. */
void batch_drop(struct gateway *gateway, struct batch *batch);
/* Answers every waiter and frees the batch. */
void batch_resolve(struct gateway *gateway, struct batch *batch, int16_t code, int64_t base_offset,
                   const char *message, struct moment now);

#endif
