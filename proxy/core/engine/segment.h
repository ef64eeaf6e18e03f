/* Segments bound a Cassandra partition (DESIGN.md 3.1): when the next one begins, and its index
 * row. */
#ifndef PROXY_CORE_SEGMENT_H
#define PROXY_CORE_SEGMENT_H

#include "core/engine/partition.h"

/* Room for a batch of `record_count` records and `bytes`: goes to the next segment if needed.
 * False: the next one is not open yet and this batch would need the one after it. */
bool segment_take(struct partition *partition, int32_t record_count, size_t bytes);
/* Of a segment's rows: their partition key (partition int, segment bigint), as the routing key
 * composes it. */
int64_t segment_token(int32_t partition, int64_t segment);
/* Sets segment and what hangs on it: row heads and token. */
void segment_set(struct partition *partition, int64_t segment, int64_t first_offset,
                 int64_t limit_offset);
/* Writes the index row (once); the partition is flushed again when it is durable. */
void segment_open(struct partition *partition, struct moment now);
void segment_cancel(struct partition *partition);

/* Deletes the rows at `from` and above, as of `at_us`. NULL: out of memory. */
struct cluster_call *segment_delete_from(struct partition *partition, int64_t segment, int64_t from,
                                         int64_t at_us, cluster_answer done, void *context,
                                         struct moment now);

/* INSERT of the index row, for recovery too. `done` as in cluster_ask. NULL: out of memory, or no
 * timestamp now. */
struct cluster_call *segment_write_index(struct partition *partition, cluster_answer done,
                                         void *context, struct moment now);

#endif
