/*
 * What happens when the database refuses a mutation for good (DESIGN.md, "Order and doubt"): the
 * producer of the batch that it refuses is told so, and the batches around it are none the worse.
 *
 *     refused -> SETTLE  nothing more is sent; what was sent becomes durable or is refused, and what
 *                        is durable below the first refusal is acknowledged
 *             -> SEAL    a delete from the first row that is not acknowledged on, at the highest
 *                        timestamp used so far: nothing sent until now can appear any more
 *             -> SEALED  under a valid lease (wait for it):
 *             -> WRITE   each batch in its order: a mutation's only batch was refused by itself and
 *                        gets its code; batches that were refused together are tried one at a time;
 *                        the others are written again, at new offsets and timestamps
 *
 * Another refusal on the way begins it anew. A producer's batches behind its refused one get 19, as
 * they would leave a gap. Meanwhile the partition takes nothing new.
 */
#ifndef PROXY_CORE_REPAIR_H
#define PROXY_CORE_REPAIR_H

#include "core/engine/partition.h"

/* The database refused this mutation, which was SENT; `code` is what its producers are told. */
void repair_refused(struct mutation *mutation, int16_t code, struct moment now);
/* Something became durable, or the lease is back. The partition may be LIVE or UNLOADED after it. */
void repair_step(struct partition *partition, struct moment now);
/* May its mutations be sent? */
bool repair_may_send(const struct repair *repair);
/* Sealed, and only the lease is missing. */
bool repair_waits(const struct repair *repair);
/* Frees it. The batches that were to be written again are moved to `batches`, without their rows;
 * repair_cancel_code says what their waiters may be told. */
void repair_cancel(struct repair *repair, struct list *batches);
/* What is true of a batch of a repair that is given up; `code` if it was never sent. */
int16_t repair_cancel_code(const struct batch *batch, int16_t code);

#endif
